//! What a terminal sends, as keys.
//!
//! Pure. Invariants: however the bytes are cut, the same keys come out; a sequence nobody knows is one key without a
//! meaning, and never text. BOUND: a sequence is given up after `MAX_SEQUENCE` bytes. Not here: what a key does (`edit`).

/// A key, or a chord.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    Char(char),
    /// With Ctrl: the lower-case letter, or one of `[\]^_`.
    Ctrl(char),
    /// With Alt, or behind Escape.
    Alt(char),
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    WordLeft,
    WordRight,
    /// A sequence that means nothing to us.
    Unknown,
}

const MAX_SEQUENCE: usize = 16;

/// The first key of `bytes` and its length; `None` when more must come.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Key, usize)> {
    match *bytes.first()? {
        0x1b => escape(bytes),
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
        Ok(text) => text.chars().next().map(|c| (Key::Char(c), length)),
        // Cut short: the rest is on its way.
        Err(e) if e.error_len().is_none() => None,
        Err(_) => Some((Key::Unknown, 1)),
    }
}

fn escape(bytes: &[u8]) -> Option<(Key, usize)> {
    match *bytes.get(1)? {
        b'[' => sequence(bytes),
        b'O' => Some((named(*bytes.get(2)?, false), 3)),
        0x7f | 0x08 => Some((Key::Alt('\u{7f}'), 2)),
        byte if byte.is_ascii_graphic() => Some((Key::Alt(char::from(byte)), 2)),
        _ => Some((Key::Unknown, 1)),
    }
}

/// `ESC [ numbers letter`.
fn sequence(bytes: &[u8]) -> Option<(Key, usize)> {
    let body = bytes.get(2..).unwrap_or_default();
    let Some(length) = body.iter().position(|b| (0x40..0x7f).contains(b)) else {
        return (body.len() >= MAX_SEQUENCE).then_some((Key::Unknown, bytes.len()));
    };
    let numbers = std::str::from_utf8(body.get(..length).unwrap_or_default()).unwrap_or_default();
    let (first, modifier) = numbers.split_once(';').unwrap_or((numbers, ""));
    let key = match (body.get(length), first) {
        (Some(b'~'), "1" | "7") => Key::Home,
        (Some(b'~'), "4" | "8") => Key::End,
        (Some(b'~'), "3") => Key::Delete,
        (Some(b'~'), _) | (None, _) => Key::Unknown,
        // 3: Alt, 5: Ctrl.
        (Some(letter), _) => named(*letter, matches!(modifier, "3" | "5")),
    };
    Some((key, length + 3))
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
        use Key::{Alt, Backspace, Char, Ctrl, Delete, Down, End, Home, Left, Right, Unknown, Up};
        for (bytes, want) in [
            (
                &b"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"[..],
                vec![Char('a'), Char('é'), Char('€'), Char('😀')],
            ),
            (b"\r\n\t\x01\x1f", vec![Ctrl('m'), Ctrl('j'), Ctrl('i'), Ctrl('a'), Ctrl('_')]),
            (b"\x7f\x08", vec![Backspace, Backspace]),
            (b"\x1b[A\x1b[B\x1b[C\x1b[D", vec![Up, Down, Right, Left]),
            (b"\x1bOA\x1bOH\x1bOF", vec![Up, Home, End]),
            (
                b"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[3~",
                vec![Home, End, Home, End, Home, End, Delete],
            ),
            (b"\x1b[1;5C\x1b[1;3D\x1b[1;2C", vec![Key::WordRight, Key::WordLeft, Right]),
            (b"\x1bb\x1bf\x1b\x7f", vec![Alt('b'), Alt('f'), Alt('\u{7f}')]),
            (b"\x1b[15~\x1b[200~x", vec![Unknown, Unknown, Char('x')]),
            (b"\xffx\x80", vec![Unknown, Char('x'), Unknown]),
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
        assert_eq!(decode(&[&b"\x1b["[..], &[b'1'; 40]].concat()), Some((Key::Unknown, 42)));
    }
}
