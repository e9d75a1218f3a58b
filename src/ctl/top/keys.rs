//! Keys, from the bytes that a terminal sends.
//!
//! Pure. Invariants: however the bytes are cut the keys are the same; what is held back is bounded; bytes that mean
//! nothing are dropped and take no other key along. Not here: what keys do (`model`).

/// One key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    Char(char),
    Enter,
    Escape,
    Backspace,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    /// With the control key.
    Control(char),
}

/// BOUND: bytes of one sequence; a longer one means nothing.
const MAX_BYTES: usize = 32;

/// Puts keys together.
#[derive(Default, Debug)]
pub struct Decoder {
    /// The beginning of a sequence.
    held: Vec<u8>,
}

/// What stands at the beginning of some bytes.
enum Found {
    /// So many bytes, which may mean nothing.
    Key(usize, Option<Key>),
    /// More have to come.
    Unfinished,
}

impl Decoder {
    /// The keys in what came.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.held.extend_from_slice(bytes);
        let mut keys = Vec::new();
        let mut done = 0;
        while let Some(rest) = self.held.get(done..).filter(|rest| !rest.is_empty()) {
            match find(rest) {
                Found::Key(n, key) => {
                    keys.extend(key);
                    done += n;
                }
                Found::Unfinished if rest.len() < MAX_BYTES => break,
                Found::Unfinished => done += 1,
            }
        }
        self.held.drain(..done);
        keys
    }

    /// Whether a sequence has begun.
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

fn find(bytes: &[u8]) -> Found {
    let Some((&first, rest)) = bytes.split_first() else { return Found::Unfinished };
    match first {
        0x1b => match rest.first() {
            None => Found::Unfinished,
            Some(b'[') => sequence(bytes),
            Some(b'O') => match rest.get(1) {
                None => Found::Unfinished,
                Some(last) => Found::Key(3, named(*last)),
            },
            Some(_) => Found::Key(1, Some(Key::Escape)),
        },
        b'\r' | b'\n' => Found::Key(1, Some(Key::Enter)),
        0x7f | 0x08 => Found::Key(1, Some(Key::Backspace)),
        0x01..=0x1a => Found::Key(1, Some(Key::Control(char::from(first + b'a' - 1)))),
        0x20..=0x7e => Found::Key(1, Some(Key::Char(char::from(first)))),
        0xc2..=0xf4 => character(bytes),
        _ => Found::Key(1, None),
    }
}

/// ESC [ parameters final.
fn sequence(bytes: &[u8]) -> Found {
    let inside = bytes.get(2..).unwrap_or_default();
    let n = inside.iter().take_while(|b| (0x20..=0x3f).contains(*b)).count();
    let Some(last) = inside.get(n) else { return Found::Unfinished };
    if !(0x40..=0x7e).contains(last) {
        // No sequence: what broke it off counts again.
        return Found::Key(2 + n, None);
    }
    let key = match (last, inside.get(..n).unwrap_or_default()) {
        (b'~', b"1" | b"7") => Some(Key::Home),
        (b'~', b"4" | b"8") => Some(Key::End),
        (b'~', b"5") => Some(Key::PageUp),
        (b'~', b"6") => Some(Key::PageDown),
        (last, _) => named(*last),
    };
    Found::Key(3 + n, key)
}

fn named(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'M' => Key::Enter,
        _ => return None,
    })
}

fn character(bytes: &[u8]) -> Found {
    let wanted = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        _ => 4,
    };
    let there = bytes.get(..wanted.min(bytes.len())).unwrap_or_default();
    match std::str::from_utf8(there) {
        Ok(text) => Found::Key(there.len(), text.chars().next().map(Key::Char)),
        Err(e) if e.error_len().is_none() => Found::Unfinished,
        Err(_) => Found::Key(1, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_however_the_bytes_are_cut() {
        let bytes = "q\x1b[A\x1bOB\x1b[6~\x1b[1;5Cé漢\u{1f600}\r\x7f\x03\x1b[200~x".as_bytes();
        let want = [
            Key::Char('q'),
            Key::Up,
            Key::Down,
            Key::PageDown,
            Key::Char('é'),
            Key::Char('漢'),
            Key::Char('\u{1f600}'),
            Key::Enter,
            Key::Backspace,
            Key::Control('c'),
            Key::Char('x'),
        ];
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::default();
            let (first, rest) = bytes.split_at(cut);
            let keys = [decoder.push(first), decoder.push(rest)].concat();
            assert_eq!(keys, want, "cut at {cut}");
            assert!(!decoder.is_waiting());
        }
    }

    #[test]
    fn an_escape_alone_is_a_key_when_nothing_follows() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(b"\x1b"), []);
        assert!(decoder.is_waiting());
        assert_eq!(decoder.flush(), Some(Key::Escape));
        assert_eq!(decoder.push(b"\x1bq"), [Key::Escape, Key::Char('q')]);
        assert_eq!(decoder.push(b"\xe6\xbc"), []);
        assert_eq!((decoder.flush(), decoder.is_waiting()), (None, false));
    }

    #[test]
    fn what_means_nothing_takes_nothing_along() {
        let mut decoder = Decoder::default();
        assert_eq!(
            decoder.push(b"\xff\xfe\x00a\xe6b\x1b[9\x03"),
            [Key::Char('a'), Key::Char('b'), Key::Control('c')]
        );
        let endless = [b"\x1b[".as_slice(), &[b'1'; 100]].concat();
        decoder.push(&endless);
        assert!(decoder.held.len() < MAX_BYTES);
    }
}
