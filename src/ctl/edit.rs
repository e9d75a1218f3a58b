//! One line of text with a cursor, and what keys do to it.
//!
//! Pure. Invariant: the cursor stands between two characters. The keys are those of readline's emacs mode, as far as
//! people know them by heart. Not here: keys from bytes (`keys`), showing (`editor`), former lines (`history`).

use crate::ctl::keys::Key;
use crate::ctl::width;

/// BOUND: characters of a line.
const MAX_LINE: usize = 64 << 10;

/// What the editor has to do when the line itself has done its part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    /// The line is as it was, or changed: show it.
    Show,
    Submit,
    /// Ctrl-D on an empty line.
    End,
    Interrupt,
    Suspend,
    Complete,
    ClearScreen,
    Former,
    Later,
    Search,
    /// Nothing to be done here.
    Bell,
}

#[derive(Default, Debug)]
pub(crate) struct Line {
    text: String,
    /// In bytes.
    cursor: usize,
    /// What was last cut out.
    killed: String,
}

impl Line {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor.
    pub(crate) fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    fn behind(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    /// Puts another text in place of this one, the cursor at its end.
    pub(crate) fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.cursor = self.text.len();
    }

    /// Puts `text` in place of the last `bytes` before the cursor.
    pub(crate) fn replace_before(&mut self, bytes: usize, text: &str) {
        let start = self.cursor.saturating_sub(bytes);
        if self.text.len() + text.len() <= MAX_LINE && self.text.is_char_boundary(start) {
            self.text.replace_range(start..self.cursor, text);
            self.cursor = start + text.len();
        }
    }

    /// Does what a key means.
    pub(crate) fn press(&mut self, key: Key) -> Effect {
        let (start, end) = (0, self.text.len());
        match key {
            Key::Char(c) => self.replace_before(0, c.encode_utf8(&mut [0; 4])),
            Key::Enter => return Effect::Submit,
            Key::Ctrl('d') if self.text.is_empty() => return Effect::End,
            Key::Ctrl('c') => return Effect::Interrupt,
            Key::Ctrl('z') => return Effect::Suspend,
            Key::Ctrl('i') => return Effect::Complete,
            Key::Ctrl('l') => return Effect::ClearScreen,
            Key::Ctrl('p') | Key::Up => return Effect::Former,
            Key::Ctrl('n') | Key::Down => return Effect::Later,
            Key::Ctrl('r') => return Effect::Search,
            Key::Ctrl('a') | Key::Home => self.cursor = start,
            Key::Ctrl('e') | Key::End => self.cursor = end,
            Key::Ctrl('b') | Key::Left => self.cursor = self.left(),
            Key::Ctrl('f') | Key::Right => self.cursor = self.right(),
            Key::Alt('b') | Key::WordLeft => self.cursor = self.word_left(char::is_alphanumeric),
            Key::Alt('f') | Key::WordRight => self.cursor = self.word_right(),
            Key::Backspace => self.remove(self.left(), self.cursor),
            Key::Ctrl('d') | Key::Delete => self.remove(self.cursor, self.right()),
            Key::Ctrl('u') => self.kill(start, self.cursor),
            Key::Ctrl('k') => self.kill(self.cursor, end),
            Key::Ctrl('w') => self.kill(self.word_left(|c| !c.is_whitespace()), self.cursor),
            Key::Alt('\u{7f}') => self.kill(self.word_left(char::is_alphanumeric), self.cursor),
            Key::Alt('d') => self.kill(self.cursor, self.word_right()),
            Key::Ctrl('y') => {
                let killed = self.killed.clone();
                self.replace_before(0, &killed);
            }
            Key::Ctrl('t') => self.transpose(),
            Key::Ctrl(_) | Key::Alt(_) | Key::Escape | Key::PageUp | Key::PageDown | Key::Unknown => {
                return Effect::Bell;
            }
        }
        Effect::Show
    }

    /// Where the character before the cursor begins, with what combines with it.
    fn left(&self) -> usize {
        let mut at = self.cursor;
        for c in self.before().chars().rev() {
            at -= c.len_utf8();
            if width::of_char(c) > 0 {
                break;
            }
        }
        at
    }

    fn right(&self) -> usize {
        let mut chars = self.behind().chars();
        let first = chars.next().map_or(0, char::len_utf8);
        self.cursor + first + chars.take_while(|c| width::of_char(*c) == 0).map(char::len_utf8).sum::<usize>()
    }

    fn word_left(&self, is_word: fn(char) -> bool) -> usize {
        let gap = self.before().trim_end_matches(|c| !is_word(c));
        gap.trim_end_matches(is_word).len()
    }

    fn word_right(&self) -> usize {
        let word = self.behind().trim_start_matches(|c: char| !c.is_alphanumeric());
        self.text.len() - word.trim_start_matches(char::is_alphanumeric).len()
    }

    fn remove(&mut self, start: usize, end: usize) {
        self.text.replace_range(start..end, "");
        self.cursor = start;
    }

    fn kill(&mut self, start: usize, end: usize) {
        if start < end {
            self.killed = self.text.get(start..end).unwrap_or_default().to_owned();
            self.remove(start, end);
        }
    }

    /// The two characters around the cursor change places; at the end the last two.
    fn transpose(&mut self) {
        let at = self.cursor;
        if at == self.text.len() {
            self.cursor = self.left();
        }
        let (start, end) = (self.left(), self.right());
        if start < self.cursor && self.cursor < end {
            let moved = self.text.get(self.cursor..end).unwrap_or_default().to_owned();
            self.text.replace_range(self.cursor..end, "");
            self.text.insert_str(start, &moved);
            self.cursor = end;
        } else {
            self.cursor = at;
        }
    }

    /// The part of the line that `room` columns can show with the cursor in it, and the cursor's column.
    pub(crate) fn window(&self, room: usize) -> (&str, usize) {
        let mut start = 0;
        let mut column = width::of(self.before());
        for c in self.before().chars() {
            if column < room {
                break;
            }
            start += c.len_utf8();
            column -= width::of_char(c);
        }
        (width::cut(self.text.get(start..).unwrap_or_default(), room), column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::keys::decode;

    /// Types, and shows the line with `|` for the cursor.
    fn typed(bytes: &str) -> String {
        let mut line = Line::default();
        let mut rest = bytes.as_bytes();
        while let Some((key, n)) = decode(rest) {
            rest = &rest[n..];
            line.press(key);
        }
        format!("{}|{}", line.before(), line.behind())
    }

    #[test]
    fn keys_edit_as_in_readline() {
        for (bytes, want) in [
            ("status", "status|"),
            ("status\x01x", "x|status"),
            ("status\x01\x05x", "statusx|"),
            ("ab\x1b[D\x1b[Dx", "x|ab"),
            ("ab\x1b[D\x1b[D\x1b[D\x1b[Cx", "ax|b"),
            ("abc\x7f", "ab|"),
            ("abc\x02\x02\x04", "a|c"),
            ("abc\x1b[H\x1b[3~", "|bc"),
            ("abc\x1b[H\x7f", "|abc"),
            ("start web db\x17", "start web |"),
            ("start web db  \x17\x17", "start |"),
            ("start a:b\x1b\x7f", "start a:|"),
            ("start web\x1b[1;5D\x0b", "start |"),
            ("start web\x1b[1;5D\x15", "|web"),
            ("start web\x1b[1;5D\x15\x05\x19", "webstart |"),
            ("one two\x01\x1bf\x1bf\x1bb\x1bd", "one |"),
            ("ab\x14", "ba|"),
            ("abc\x02\x14", "acb|"),
            ("a\x14", "a|"),
        ] {
            assert_eq!(typed(bytes), want, "{bytes:?}");
        }
    }

    #[test]
    fn a_character_with_its_accents_is_one() {
        assert_eq!(typed("xe\u{301}\x7f"), "x|");
        assert_eq!(typed("xé漢\x7f\x7f"), "x|");
        assert_eq!(typed("xe\u{301}y\x02\x02\x04"), "x|y");
    }

    #[test]
    fn some_keys_are_for_others() {
        let mut line = Line::default();
        for (key, want) in [
            (Key::Ctrl('d'), Effect::End),
            (Key::Char('x'), Effect::Show),
            (Key::Ctrl('d'), Effect::Show),
            (Key::Enter, Effect::Submit),
            (Key::Ctrl('c'), Effect::Interrupt),
            (Key::Ctrl('i'), Effect::Complete),
            (Key::Up, Effect::Former),
            (Key::Ctrl('r'), Effect::Search),
            (Key::Unknown, Effect::Bell),
        ] {
            assert_eq!(line.press(key), want, "{key:?}");
        }
    }

    #[test]
    fn a_long_line_shows_the_part_around_the_cursor() {
        let mut line = Line::default();
        line.set("0123456789");
        assert_eq!(line.window(20), ("0123456789", 10));
        assert_eq!(line.window(11), ("0123456789", 10));
        assert_eq!(line.window(4), ("789", 3));
        line.press(Key::Home);
        assert_eq!(line.window(4), ("0123", 0));
        line.set("漢字かな");
        assert_eq!(line.window(5), ("かな", 4));
        line.press(Key::Home);
        assert_eq!(line.window(5), ("漢字", 0));
        assert_eq!(line.window(1), ("", 0));
    }

    #[test]
    fn whatever_is_typed_the_cursor_stands_between_characters() {
        let alphabet: Vec<&[u8]> = vec![
            b"a",
            b" ",
            "\u{e9}".as_bytes(),
            "e\u{301}".as_bytes(),
            "\u{6f22}".as_bytes(),
            b"\x1b[D",
            b"\x1b[C",
            b"\x1b[1;5D",
            b"\x1bf",
            b"\x1bd",
            b"\x7f",
            b"\x1b[3~",
            b"\x17",
            b"\x14",
            b"\x19",
            b"\x0b",
            b"\xff",
            b"\x1b[",
        ];
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        for _ in 0..2000 {
            let mut line = Line::default();
            let mut bytes = Vec::new();
            for _ in 0..30 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                bytes.extend_from_slice(alphabet[usize::try_from(state >> 33).unwrap_or(0) % alphabet.len()]);
                while let Some((key, n)) = decode(&bytes) {
                    bytes.drain(..n);
                    line.press(key);
                    assert_eq!(format!("{}{}", line.before(), line.behind()), line.text());
                    let (shown, column) = line.window(7);
                    assert!(width::of(shown) <= 7 && column < 7, "{line:?}");
                }
            }
        }
    }

    #[test]
    fn a_line_has_a_limit() {
        let mut line = Line::default();
        line.set(&"x".repeat(MAX_LINE));
        line.press(Key::Char('y'));
        assert_eq!(line.text().len(), MAX_LINE);
    }
}
