//! What a terminal sends, as keys.
//!
//! Pure. Invariants: however the bytes are cut, the same keys come out; a sequence nobody knows is one key without a
//! meaning, and never text; what breaks a sequence off counts again. BOUND: a sequence is given up after `MAX_SEQUENCE`
//! bytes, and so is what is held back of one. Not here: what a key does (`edit`, `top::model`).

/// A key, or a chord.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// Never a control character.
    Char(char),
    /// With Ctrl: the lower-case letter, or one of `@[\]^_`. Tab is Ctrl-I.
    Ctrl(char),
    /// With Alt, or behind Escape.
    Alt(char),
    Enter,
    Escape,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    WordLeft,
    WordRight,
    /// A sequence that means nothing to us.
    Unknown,
}

/// BOUND: bytes between the beginning of a sequence and its last.
const MAX_SEQUENCE: usize = 32;

/// The first key of `bytes` and its length; `None` when more must come.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Key, usize)> {
    match *bytes.first()? {
        0x1b => escape(bytes),
        b'\r' | b'\n' => Some((Key::Enter, 1)),
        0x7f | 0x08 => Some((Key::Backspace, 1)),
        control @ 0..0x20 => Some((Key::Ctrl(char::from(control | 0x40).to_ascii_lowercase()), 1)),
        first => character(bytes, first),
    }
}

/// UTF-8; a byte that begins nothing is one unknown key.
fn character(bytes: &[u8], first: u8) -> Option<(Key, usize)> {
    let length = match first {
        0..0x80 => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return Some((Key::Unknown, 1)),
    };
    let known = bytes.get(..length).unwrap_or(bytes);
    match std::str::from_utf8(known) {
        Ok(text) => {
            let key = text.chars().next().filter(|c| !c.is_control()).map_or(Key::Unknown, Key::Char);
            Some((key, length))
        }
        // Cut short: the rest is on its way.
        Err(e) if e.error_len().is_none() => None,
        Err(_) => Some((Key::Unknown, 1)),
    }
}

fn escape(bytes: &[u8]) -> Option<(Key, usize)> {
    match *bytes.get(1)? {
        b'[' => sequence(bytes),
        b'O' => {
            let key = match *bytes.get(2)? {
                b'M' => Key::Enter,
                letter => named(letter, false),
            };
            Some((key, 3))
        }
        0x7f | 0x08 => Some((Key::Alt('\u{7f}'), 2)),
        byte if byte.is_ascii_graphic() => Some((Key::Alt(char::from(byte)), 2)),
        _ => Some((Key::Escape, 1)),
    }
}

/// `ESC [ parameters letter`.
fn sequence(bytes: &[u8]) -> Option<(Key, usize)> {
    let inside = bytes.get(2..).unwrap_or_default();
    let n = inside.iter().take(MAX_SEQUENCE).take_while(|b| (0x20..0x40).contains(*b)).count();
    if n == MAX_SEQUENCE {
        return Some((Key::Unknown, 2 + n));
    }
    let last = *inside.get(n)?;
    if !(0x40..0x7f).contains(&last) {
        return Some((Key::Unknown, 2 + n));
    }
    let numbers = std::str::from_utf8(inside.get(..n).unwrap_or_default()).unwrap_or_default();
    let (first, modifier) = numbers.split_once(';').unwrap_or((numbers, ""));
    let key = match (last, first) {
        (b'~', "1" | "7") => Key::Home,
        (b'~', "4" | "8") => Key::End,
        (b'~', "3") => Key::Delete,
        (b'~', "5") => Key::PageUp,
        (b'~', "6") => Key::PageDown,
        // 3: Alt, 5: Ctrl.
        _ => named(last, matches!(modifier, "3" | "5")),
    };
    Some((key, n + 3))
}

fn named(letter: u8, by_word: bool) -> Key {
    match letter {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' if by_word => Key::WordRight,
        b'D' if by_word => Key::WordLeft,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => Key::Unknown,
    }
}

/// Puts keys together for somebody who knows when nothing more has come for a while.
#[derive(Default, Debug)]
pub struct Decoder {
    /// The beginning of a key.
    held: Vec<u8>,
}

impl Decoder {
    /// The keys in what came.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.held.extend_from_slice(bytes);
        let (mut keys, mut done) = (Vec::new(), 0);
        while let Some((key, n)) = decode(self.held.get(done..).unwrap_or_default()) {
            keys.push(key);
            done += n;
        }
        self.held.drain(..done);
        keys
    }

    /// Whether a key has begun.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// Nothing follows: an escape that stands alone is the key of that name.
    pub fn flush(&mut self) -> Option<Key> {
        let is_escape = self.held.first() == Some(&0x1b);
        self.held.clear();
        is_escape.then_some(Key::Escape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut rest = bytes;
        let mut found = Vec::new();
        while let Some((key, n)) = decode(rest) {
            found.push(key);
            rest = &rest[n..];
        }
        assert!(rest.is_empty(), "left: {rest:?}");
        found
    }

    #[test]
    fn keys_are_told_apart() {
        use Key::{
            Alt, Backspace, Char, Ctrl, Delete, Down, End, Enter, Escape, Home, Left, PageDown, PageUp,
            Right, Unknown, Up,
        };
        for (bytes, want) in [
            (
                &b"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"[..],
                vec![Char('a'), Char('é'), Char('€'), Char('😀')],
            ),
            (b"\r\n\t\x01\x1f", vec![Enter, Enter, Ctrl('i'), Ctrl('a'), Ctrl('_')]),
            (b"\x7f\x08", vec![Backspace, Backspace]),
            (b"\x1b[A\x1b[B\x1b[C\x1b[D", vec![Up, Down, Right, Left]),
            (b"\x1bOA\x1bOH\x1bOF\x1bOM", vec![Up, Home, End, Enter]),
            (b"\x1b[5~\x1b[6~", vec![PageUp, PageDown]),
            (
                b"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[3~",
                vec![Home, End, Home, End, Home, End, Delete],
            ),
            (b"\x1b[1;5C\x1b[1;3D\x1b[1;2C", vec![Key::WordRight, Key::WordLeft, Right]),
            (b"\x1bb\x1bf\x1b\x7f", vec![Alt('b'), Alt('f'), Alt('\u{7f}')]),
            (b"\x1b\x1b[A\x1b\x03", vec![Escape, Up, Escape, Ctrl('c')]),
            (b"\x1b[15~\x1b[200~x", vec![Unknown, Unknown, Char('x')]),
            (b"\xffx\x80\xc2\x85", vec![Unknown, Char('x'), Unknown, Unknown]),
            (b"\x1b[9\x03\x1b[1\xc3\xa9", vec![Unknown, Ctrl('c'), Unknown, Char('é')]),
            (b"\xc3x", vec![Unknown, Char('x')]),
        ] {
            assert_eq!(keys(bytes), want, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_cut_short_waits_for_the_rest() {
        for bytes in [&b""[..], b"\x1b", b"\x1b[", b"\x1b[1", b"\x1b[1;5", b"\x1bO", b"\xe2\x82", b"\xf0"] {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn keys_are_the_same_however_the_bytes_are_cut() {
        let endless = [&b"\x1b["[..], &[b'1'; 40], b"A"].concat();
        assert_eq!(decode(&endless), Some((Key::Unknown, 2 + MAX_SEQUENCE)));
        let known = "q\x1b[A\x1bOB\x1b[6~\x1b[1;5Cé漢\u{1f600}\r\x7f\x03\x1b[200~\x1bx\x1b[9\x03".as_bytes();
        let bytes = [known, &endless].concat();
        let want = keys(&bytes);
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::default();
            let (first, rest) = bytes.split_at(cut);
            let mut found = decoder.push(first);
            assert!(decoder.held.len() < 2 + MAX_SEQUENCE);
            found.extend(decoder.push(rest));
            assert_eq!(found, want, "cut at {cut}");
            assert!(!decoder.is_waiting());
        }
    }

    #[test]
    fn an_escape_alone_is_a_key_when_nothing_follows() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(b"\x1b"), []);
        assert!(decoder.is_waiting());
        assert_eq!(decoder.flush(), Some(Key::Escape));
        assert_eq!(decoder.push(b"\x1bq"), [Key::Alt('q')]);
        assert_eq!(decoder.push(b"\xe6\xbc"), []);
        assert_eq!((decoder.flush(), decoder.is_waiting()), (None, false));
    }
}
