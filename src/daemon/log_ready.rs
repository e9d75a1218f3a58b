//! A line of a program's output that says that it is ready.
//!
//! Pure. Invariants: whole lines are looked at, each stream for itself; what is kept of a line has a bound; after the first
//! match nothing is looked at any more, and where no pattern is configured nothing is done at all.
//! Not here: reading output (`output`), what follows (`engine::checks`).

use crate::config::patterns::log_pattern;
use regex_lite::Regex;

/// BOUND: what is looked at of one line; the rest of a longer one is skipped.
const LINE_BYTES: usize = 1 << 10;

/// Waits for one line.
pub(crate) struct LogReady {
    pattern: Regex,
    /// Unfinished lines of stdout and stderr.
    open: [Vec<u8>; 2],
}

impl LogReady {
    /// `None`: the pattern is none, which `check` has said.
    pub(crate) fn new(pattern: &str) -> Option<LogReady> {
        Some(LogReady { pattern: log_pattern(pattern).ok()?, open: Default::default() })
    }

    /// Takes output; whether a line of it matches.
    pub(crate) fn take(&mut self, stderr: bool, bytes: &[u8]) -> bool {
        let LogReady { pattern, open } = self;
        let open = &mut open[usize::from(stderr)];
        let mut pieces = bytes.split(|b| *b == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let room = LINE_BYTES.saturating_sub(open.len());
            let piece = piece.get(..room).unwrap_or(piece);
            if pieces.peek().is_none() {
                open.extend_from_slice(piece);
                return false;
            }
            let is_match = if open.is_empty() {
                matches(pattern, piece)
            } else {
                open.extend_from_slice(piece);
                matches(pattern, &std::mem::take(open))
            };
            if is_match {
                return true;
            }
        }
        false
    }
}

fn matches(pattern: &Regex, line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    pattern.is_match(&String::from_utf8_lossy(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(pattern: &str) -> LogReady {
        LogReady::new(pattern).expect("a pattern")
    }

    #[test]
    fn a_line_counts_when_it_is_whole_however_it_comes() {
        let mut watch = watch("^listening on port [0-9]+$");
        assert!(!watch.take(false, b"starting\nlistening on "));
        assert!(!watch.take(true, b"port 80\n"), "the other stream is another line");
        assert!(!watch.take(false, b"port 80"));
        assert!(watch.take(false, b"80\r\nmore"));
    }

    #[test]
    fn each_of_many_lines_is_looked_at() {
        assert!(watch("ready").take(false, b"a\nb\nnow ready to serve\nc"));
        assert!(!watch("^ready$").take(false, b"a\nb\nnow ready to serve\nc"));
        assert!(!watch("b").take(false, b"a\nb"), "not finished");
    }

    #[test]
    fn a_line_without_end_has_a_bound() {
        let mut watch = watch("end");
        for _ in 0..100 {
            assert!(!watch.take(false, &[b'x'; 1_000]));
        }
        assert_eq!(watch.open[0].len(), LINE_BYTES);
        assert!(!watch.take(false, b"end\n"), "what is beyond the bound is skipped");
        assert!(watch.take(false, b"end\n"));
    }

    #[test]
    fn what_is_no_text_is_looked_at_too() {
        assert!(watch("ok").take(false, b"\xff\xfe ok\n"));
        assert!(LogReady::new("(").is_none());
    }

    #[test]
    fn it_makes_no_difference_how_output_comes() {
        let mut dice: u64 = 7;
        let mut below = move |n: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(dice >> 40).expect("small") % n
        };
        let (mut found, mut missed) = (0, 0);
        for _ in 0..2_000 {
            let text: Vec<u8> = (0..below(60)).map(|_| b"abr\n\r\xff"[below(6)]).collect();
            let ended = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            let mut lines = text[..ended].split(|b| *b == b'\n');
            let want = lines.any(|l| l.strip_suffix(b"\r").unwrap_or(l).starts_with(b"ab"));
            let mut watch = watch("^ab");
            let mut rest = text.as_slice();
            let mut got = false;
            while !rest.is_empty() && !got {
                let (piece, more) = rest.split_at(1 + below(rest.len()));
                got = watch.take(false, piece);
                rest = more;
            }
            assert_eq!(got, want, "{:?}", String::from_utf8_lossy(&text));
            (found, missed) = (found + u32::from(want), missed + u32::from(!want));
        }
        assert!(found > 200 && missed > 200, "too tame: {found} {missed}");
    }
}
