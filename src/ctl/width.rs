//! How many columns text takes on a terminal.
//!
//! Pure. Invariants: what is cut to a number of columns never takes more, a wide character at the end included; a control
//! character takes one, because whoever prints puts one sign in its place. Coarse on purpose: the blocks that are wide
//! nearly everywhere (East Asian scripts, emoji), and marks without a width. Not here: anything else.

/// Columns of one character: 0, 1 or 2.
#[must_use]
pub(crate) fn of_char(c: char) -> usize {
    match u32::from(c) {
        0..0x300 => 1,
        0x0300..=0x036f | 0x0483..=0x0489 | 0x0591..=0x05bd | 0x0610..=0x061a | 0x064b..=0x065f | 0x0e31 => 0,
        0x0e34..=0x0e3a | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x200b..=0x200f | 0x20d0..=0x20ff => 0,
        0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xfeff | 0xe0100..=0xe01ef => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xa960..=0xa97f | 0xac00..=0xd7a3 => 2,
        0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x16fe0..=0x18aff => 2,
        0x1b000..=0x1b2ff | 0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1faff | 0x20000..=0x3fffd => {
            2
        }
        _ => 1,
    }
}

/// Columns of a text.
#[must_use]
pub(crate) fn of(text: &str) -> usize {
    text.chars().map(of_char).sum()
}

/// As much of the text as fits.
#[must_use]
pub(crate) fn cut(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += of_char(c);
        if used > columns {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// Cut, or filled with blanks behind it or before it.
#[must_use]
pub(crate) fn fit(text: &str, columns: usize, right: bool) -> String {
    let text = cut(text, columns);
    let blanks = " ".repeat(columns.saturating_sub(of(text)));
    if right { blanks + text } else { text.to_owned() + &blanks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_terminals_do() {
        for (text, want) in [
            ("", 0),
            ("abc", 3),
            ("é", 1),
            ("e\u{301}", 1),
            ("漢字", 4),
            ("ｱ", 1),
            ("\u{1f600}", 2),
            ("a\u{61a}", 1),
            ("\u{e33}\u{e34}", 1),
            ("\u{85}", 1),
        ] {
            assert_eq!(of(text), want, "{text}");
        }
    }

    #[test]
    fn wide_and_marked_characters_are_cut_at_their_edge() {
        assert_eq!((cut("漢字", 3), cut("漢字", 4), cut("abc", 0)), ("漢", "漢字", ""));
        assert_eq!(cut("e\u{301}x", 1), "e\u{301}");
        assert_eq!(fit("漢字", 3, false), "漢 ");
        assert_eq!(fit("7", 3, true), "  7");
    }
}
