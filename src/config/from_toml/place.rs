//! Turns byte offsets of a text into places people can find: line, column, and the line itself.
//!
//! Pure. Invariant: any range gives a span, also one outside of the text or inside of a character.

use crate::config::diag::Span;
use std::ops::Range;

/// The lines of one source.
pub(super) struct Places<'a> {
    source: &'a str,
    text: &'a str,
    /// Byte offset of the start of each line.
    starts: Vec<usize>,
}

impl<'a> Places<'a> {
    pub(super) fn new(source: &'a str, text: &'a str) -> Places<'a> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Places { source, text, starts }
    }

    /// The span of a byte range; what goes on over the end of the line is not underlined.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let start = range.start.min(self.text.len());
        let index = self.starts.partition_point(|s| *s <= start).saturating_sub(1);
        let from = self.starts.get(index).copied().unwrap_or(0);
        let line = self.text.get(from..).unwrap_or("").split('\n').next().unwrap_or("");
        let line = line.strip_suffix('\r').unwrap_or(line);
        let chars_before = |offset: usize| line.char_indices().take_while(|(i, _)| from + i < offset).count();
        let before = chars_before(start);
        let width = chars_before(range.end.max(start)).saturating_sub(before).max(1);
        Span {
            source: self.source.to_string(),
            line: number(index + 1),
            column: number(before + 1),
            width: number(width),
            text: line.to_string(),
        }
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_lines_and_columns_in_characters() {
        let places = Places::new("f", "ab\r\nü = 'x'\n");
        let at = |range| {
            let s = places.span(range);
            (s.line, s.column, s.width, s.text)
        };
        assert_eq!(at(0..2), (1, 1, 2, "ab".into()));
        assert_eq!(at(1..9), (1, 2, 1, "ab".into()));
        assert_eq!(at(4..6), (2, 1, 1, "ü = 'x'".into()));
        assert_eq!(at(9..12), (2, 5, 3, "ü = 'x'".into()));
        assert_eq!(at(999..1000), (3, 1, 1, String::new()));
    }
}
