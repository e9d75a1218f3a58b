//! Takes terminal escapes out of a byte stream: colours, cursor movements, window titles, character sets.
//!
//! Sans-IO. Invariants: how the stream is cut into reads changes nothing; what turns out to be no escape, or is not
//! finished at the end, comes out as it was; at most `SEQUENCE_BYTES` are held.
//! COMPAT: `ESC [ … m` and the like go as Supervisor's `strip_ansi` takes them; where it eats text behind a final byte it
//! does not know, or leaves window titles, we do it right (compat::strip_ansi). ECMA-48 section 5.

/// BOUND: a longer sequence is let go as text: nothing on a log is hidden by an escape that never ends.
pub const SEQUENCE_BYTES: usize = 4096;

/// BOUND: room that is kept for the next sequence; hardly any is longer.
const KEPT_BYTES: usize = 64;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// Where in a sequence we are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte: `ESC ( B`.
    Charset,
    /// After `ESC [`.
    Control,
    /// In a title or the like, up to `ESC \`, or BEL where that ends it too.
    String { bell: bool },
    /// In such a string, after ESC.
    StringEscape,
}

/// What a byte means for the sequence it may belong to.
enum Step {
    /// It goes on.
    On(State),
    /// It ends with this byte.
    Done,
    /// It ended before this byte.
    Over,
    /// Another one has begun with the ESC before this byte.
    Again,
    /// It was none.
    None,
}

/// See the module.
#[derive(Default, Debug)]
pub struct Stripper {
    state: State,
    held: Vec<u8>,
}

impl Stripper {
    /// Nothing in these bytes, or held from before them, can belong to an escape.
    #[must_use]
    pub fn leaves_alone(&self, bytes: &[u8]) -> bool {
        self.state == State::Text && !bytes.contains(&ESC)
    }

    /// Takes bytes, appends what is text to `out`.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some((&byte, after)) = bytes.split_first() {
            if self.state == State::Text {
                let at = bytes.iter().position(|b| *b == ESC).unwrap_or(bytes.len());
                let (text, escape) = bytes.split_at(at);
                out.extend_from_slice(text);
                let Some((_, after)) = escape.split_first() else { return };
                self.begin();
                bytes = after;
                continue;
            }
            match self.step(byte) {
                Step::On(state) => {
                    self.state = state;
                    self.held.push(byte);
                    bytes = after;
                    if self.held.len() >= SEQUENCE_BYTES {
                        self.release(out);
                    }
                }
                Step::Done => {
                    self.clear();
                    bytes = after;
                }
                Step::Over => self.clear(),
                Step::Again => self.begin(),
                Step::None => self.release(out),
            }
        }
    }

    fn begin(&mut self) {
        self.clear();
        self.held.push(ESC);
        self.state = State::Escape;
    }

    fn clear(&mut self) {
        self.held.clear();
        self.held.shrink_to(KEPT_BYTES);
        self.state = State::Text;
    }

    fn step(&self, byte: u8) -> Step {
        match (self.state, byte) {
            (State::Escape, b'[') => Step::On(State::Control),
            (State::Escape, b']') => Step::On(State::String { bell: true }),
            (State::Escape, b'P' | b'X' | b'^' | b'_') => Step::On(State::String { bell: false }),
            // Not the blank: what begins with it is rarer than a stray ESC in a text.
            (State::Escape | State::Charset, 0x21..=0x2f) => Step::On(State::Charset),
            (State::Escape | State::Charset, 0x30..=0x7e) => Step::Done,
            (State::Control, 0x20..=0x3f) => Step::On(State::Control),
            (State::Control, 0x40..=0x7e) => Step::Done,
            // A terminal gives up such a sequence too; its few bytes say nothing to people.
            (State::Control, _) => Step::Over,
            (State::String { bell: true }, BEL) => Step::Done,
            (State::String { .. }, ESC) => Step::On(State::StringEscape),
            // No title has a second line: somebody has forgotten to end it.
            (State::String { .. }, b'\n') => Step::None,
            (State::String { bell }, _) => Step::On(State::String { bell }),
            (State::StringEscape, b'\\') => Step::Done,
            (State::StringEscape, _) => Step::Again,
            (State::Text | State::Escape | State::Charset, _) => Step::None,
        }
    }

    /// Gives out an unfinished sequence as it is: the stream has ended, and it was none.
    pub fn release(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(parts: &[&[u8]]) -> Vec<u8> {
        let mut stripper = Stripper::default();
        let mut out = Vec::new();
        for part in parts {
            stripper.push(part, &mut out);
        }
        stripper.release(&mut out);
        out
    }

    const CASES: &[(&[u8], &[u8])] = &[
        (b"plain\n", b"plain\n"),
        (b"\x1b[31mred\x1b[0m\n", b"red\n"),
        (b"\x1b[38;2;1;2;3mtrue\x1b[m", b"true"),
        (b"\x1b[2J\x1b[1;1Hx\x1b[K", b"x"),
        (b"\x1b[?25lhidden\x1b[?25h", b"hidden"),
        // Finals that Supervisor does not know.
        (b"\x1b[1;2Xhat", b"hat"),
        (b"\x1b[3Ghat\x1b[5@s\x1b[1 qm\x1b[3~", b"hatsm"),
        // Titles, links, device strings.
        (b"\x1b]0;title\x07text", b"text"),
        (b"\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\ end", b"link end"),
        (b"\x1bP1$r0m\x1b\\after", b"after"),
        (b"\x1b_app\x07 not the end\x1b\\x", b"x"),
        // Two and three bytes.
        (b"\x1b(Bx\x1b=y\x1b7z\x1bM\x1b#8", b"xyz"),
        // None at all.
        (b"a\x1b\nb\x1b c", b"a\x1b\nb\x1b c"),
        (b"\x1b\x1b[1mx", b"\x1bx"),
        (b"end\x1b", b"end\x1b"),
        (b"end\x1b[3", b"end\x1b[3"),
        (b"\x1b]title without end\nnext\n", b"\x1b]title without end\nnext\n"),
        // Cut short by the next one, or by something that cannot be part of it.
        (b"\x1b[1\x1b[0mx", b"x"),
        (b"\x1b[1\nx", b"\nx"),
        (b"\x1b]0;t\x1b[1mx", b"x"),
        (b"\x1b[\xffx", b"\xffx"),
        (b"\xc3\x9b1m \x9b1m", b"\xc3\x9b1m \x9b1m"),
    ];

    #[test]
    fn escapes_go_and_everything_else_stays_however_it_is_cut() {
        for (input, want) in CASES {
            assert_eq!(strip(&[input]), *want, "{:?}", String::from_utf8_lossy(input));
            for one in 0..input.len() {
                for two in one..input.len() {
                    let parts = [&input[..one], &input[one..two], &input[two..]];
                    assert_eq!(
                        strip(&parts),
                        *want,
                        "{:?} cut at {one}, {two}",
                        String::from_utf8_lossy(input)
                    );
                }
            }
        }
    }

    #[test]
    fn an_endless_sequence_is_text() {
        let endless = [b"\x1b]0;".to_vec(), vec![b'x'; 3 * SEQUENCE_BYTES]].concat();
        let mut stripper = Stripper::default();
        let mut out = Vec::new();
        stripper.push(&endless, &mut out);
        assert_eq!(out, endless);
        assert!(stripper.held.is_empty());
    }

    #[test]
    fn text_is_not_copied_for_nothing() {
        let mut stripper = Stripper::default();
        assert!(stripper.leaves_alone(b"text"));
        assert!(!stripper.leaves_alone(b"te\x1bxt"));
        stripper.push(b"\x1b[", &mut Vec::new());
        assert!(!stripper.leaves_alone(b"31mtext"));
    }
}
