//! Finds the two tokens of capture mode in a byte stream.
//!
//! Sans-IO. Invariants: the pieces joined, with the tokens between them, are the input; how it is cut into reads changes
//! nothing; only what may be the beginning of a token is held. Not here: what becomes of the pieces (`filters`).

/// COMPAT: what a program writes to begin and to end a communication (compat::capture).
pub const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";
pub const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// A part of the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part<'a> {
    /// Before a begin, or after an end.
    Outside(&'a [u8]),
    /// Between a begin and its end; a second begin is data.
    Inside(&'a [u8]),
    Begin,
    End,
}

/// See the module.
#[derive(Default, Debug)]
pub struct Scanner {
    inside: bool,
    held: Vec<u8>,
}

impl Scanner {
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.inside
    }

    /// Takes bytes, gives out parts; none of them is empty.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(Part<'_>)) {
        let joined;
        let mut rest = bytes;
        if !self.held.is_empty() {
            let mut both = std::mem::take(&mut self.held);
            both.extend_from_slice(bytes);
            joined = both;
            rest = &joined;
        }
        loop {
            let token = if self.inside { END } else { BEGIN };
            let (before, after) = match find(rest, token) {
                Found::Whole(at) => (rest.get(..at), rest.get(at + token.len()..)),
                Found::Beginning(at) => {
                    self.held.extend_from_slice(rest.get(at..).unwrap_or_default());
                    (rest.get(..at), None)
                }
                Found::Nothing => (Some(rest), None),
            };
            self.give(before.unwrap_or_default(), out);
            let Some(after) = after else { return };
            self.inside = !self.inside;
            out(if self.inside { Part::Begin } else { Part::End });
            rest = after;
        }
    }

    fn give(&self, bytes: &[u8], out: &mut dyn FnMut(Part<'_>)) {
        if !bytes.is_empty() {
            out(if self.inside { Part::Inside(bytes) } else { Part::Outside(bytes) });
        }
    }

    /// Gives out what looked like the beginning of a token: nothing follows.
    pub fn release(&mut self, out: &mut dyn FnMut(Part<'_>)) {
        let held = std::mem::take(&mut self.held);
        self.give(&held, out);
    }
}

enum Found {
    Whole(usize),
    /// From here on everything there is agrees with the token.
    Beginning(usize),
    Nothing,
}

fn find(bytes: &[u8], token: &[u8]) -> Found {
    let mut from = 0;
    while let Some(step) =
        bytes.get(from..).and_then(|rest| rest.iter().position(|b| Some(b) == token.first()))
    {
        let at = from + step;
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.starts_with(token) {
            return Found::Whole(at);
        }
        if token.starts_with(rest) {
            return Found::Beginning(at);
        }
        from = at + 1;
    }
    Found::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stream with `[` and `]` for the tokens, inside in capitals.
    fn scan(parts: &[&[u8]]) -> String {
        let mut scanner = Scanner::default();
        let mut seen = String::new();
        let mut take = |part: Part<'_>| match part {
            Part::Outside(b) => seen.push_str(&String::from_utf8_lossy(b)),
            Part::Inside(b) => seen.push_str(&String::from_utf8_lossy(b).to_uppercase()),
            Part::Begin => seen.push('['),
            Part::End => seen.push(']'),
        };
        for part in parts {
            scanner.push(part, &mut take);
        }
        scanner.release(&mut take);
        seen
    }

    #[test]
    fn tokens_are_found_however_the_stream_is_cut() {
        for (text, want) in [
            ("none", "none"),
            ("a<!--XSUPERVISOR:BEGIN-->b<!--XSUPERVISOR:END-->c", "a[B]c"),
            ("<!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END-->", "[]"),
            (
                "<<!--XSUPERVISOR:BEGIN-->x<!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END-->",
                "<[X<!--XSUPERVISOR:BEGIN-->]",
            ),
            ("a<!--XSUPERVISOR:END-->b", "a<!--XSUPERVISOR:END-->b"),
            ("x<!--XSUPERVISOR:BEG", "x<!--XSUPERVISOR:BEG"),
            ("<!--XSUPERVISOR:BEGIN-->a<!--XSUP<!--XSUPERVISOR:END-->", "[A<!--XSUP]"),
            ("<!--<!--XSUPERVISOR:BEGIN-->z", "<!--[Z"),
        ] {
            let bytes = text.as_bytes();
            assert_eq!(scan(&[bytes]), want);
            let one_by_one: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(scan(&one_by_one), want, "{text} byte by byte");
            for cut in 0..bytes.len() {
                assert_eq!(scan(&[&bytes[..cut], &bytes[cut..]]), want, "{text} cut at {cut}");
            }
        }
    }

    #[test]
    fn only_a_possible_beginning_is_held() {
        let mut scanner = Scanner::default();
        let mut seen = Vec::new();
        scanner.push(b"tail <", &mut |p| {
            if let Part::Outside(b) = p {
                seen.extend_from_slice(b)
            }
        });
        assert_eq!(seen, b"tail ");
        scanner.push(b"b>", &mut |p| {
            if let Part::Outside(b) = p {
                seen.extend_from_slice(b)
            }
        });
        assert_eq!(seen, b"tail <b>");
    }
}
