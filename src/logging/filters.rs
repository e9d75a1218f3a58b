//! The optional stages between a pipe and its sinks: capture mode first, then the escapes.
//!
//! Sans-IO. Invariants: nothing is lost but what a stage is there to take away; both stages hold little.
//! COMPAT: captured data is stripped too, and whoever copies output sees it as well (compat::capture).
//! Not here: writing (`channel`), what a communication is for (`daemon::heard`).

use crate::logging::ansi::Stripper;
use crate::logging::tokens::{Part, Scanner};
use std::collections::VecDeque;

/// What comes out.
#[derive(PartialEq, Eq, Debug)]
pub enum Piece<'a> {
    /// For the log, and for copies.
    Text(&'a [u8]),
    /// For copies only.
    Inside(&'a [u8]),
    /// A capture has ended: its data.
    Captured(Vec<u8>),
    /// The stream ended within a capture of so many bytes.
    Unfinished(usize),
}

/// See the module.
#[derive(Debug)]
pub struct Filters {
    capture: Option<Capture>,
    strip: Option<Stripper>,
}

#[derive(Debug)]
struct Capture {
    scanner: Scanner,
    data: Bounded,
}

/// The last bytes of something, as many as are wanted.
/// Trap 54: Supervisor's buffer throws away by the sizes of reads, and takes a large one whole.
#[derive(Debug)]
struct Bounded {
    data: VecDeque<u8>,
    most: usize,
}

impl Bounded {
    /// Without capture mode there is nothing to keep.
    fn none() -> Bounded {
        Bounded { data: VecDeque::new(), most: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(bytes.len().saturating_sub(self.most)..).unwrap_or_default();
        let over = (self.data.len() + bytes.len()).saturating_sub(self.most);
        self.data.drain(..over.min(self.data.len()));
        self.data.extend(bytes);
    }
}

impl Filters {
    /// `None` when there is nothing to do. `capture_maxbytes`: how much of a communication is kept, its end; 0: no
    /// capture mode.
    #[must_use]
    pub fn new(strip: bool, capture_maxbytes: u64) -> Option<Box<Filters>> {
        let most = usize::try_from(capture_maxbytes).unwrap_or(usize::MAX);
        let data = Bounded { data: VecDeque::new(), most };
        let capture = (most > 0).then(|| Capture { scanner: Scanner::default(), data });
        let strip = strip.then(Stripper::default);
        (capture.is_some() || strip.is_some()).then(|| Box::new(Filters { capture, strip }))
    }

    /// Takes bytes as they were read.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(Piece<'_>)) {
        let Filters { capture, strip } = self;
        match capture {
            Some(Capture { scanner, data }) => scanner.push(bytes, &mut |part| take(part, data, strip, out)),
            None => take(Part::Outside(bytes), &mut Bounded::none(), strip, out),
        }
    }

    /// Lets go of what might have become a token or an escape: the program has ended.
    pub fn release(&mut self, out: &mut dyn FnMut(Piece<'_>)) {
        let Filters { capture, strip } = self;
        match capture {
            Some(Capture { scanner, data }) => {
                scanner.release(&mut |part| take(part, data, strip, out));
                let inside = scanner.is_inside();
                let_go(strip, inside, data, out);
            }
            None => let_go(strip, false, &mut Bounded::none(), out),
        }
    }

    /// Nothing will follow: a communication without an end is given up.
    pub fn finish(&mut self, out: &mut dyn FnMut(Piece<'_>)) {
        self.release(out);
        if let Some(capture) = self.capture.take()
            && capture.scanner.is_inside()
        {
            out(Piece::Unfinished(capture.data.data.len()));
        }
    }
}

fn take(part: Part<'_>, data: &mut Bounded, strip: &mut Option<Stripper>, out: &mut dyn FnMut(Piece<'_>)) {
    let (bytes, inside) = match part {
        Part::Outside(bytes) => (bytes, false),
        Part::Inside(bytes) => (bytes, true),
        // An escape does not go on behind a token.
        Part::Begin => return let_go(strip, false, data, out),
        Part::End => {
            let_go(strip, true, data, out);
            return out(Piece::Captured(std::mem::take(&mut data.data).into()));
        }
    };
    match strip {
        Some(stripper) if !stripper.leaves_alone(bytes) => {
            // Not kept for the next time: a thousand idle programs would each keep their largest read.
            let mut clean = Vec::with_capacity(bytes.len());
            stripper.push(bytes, &mut clean);
            give(&clean, inside, data, out);
        }
        _ => give(bytes, inside, data, out),
    }
}

fn let_go(strip: &mut Option<Stripper>, inside: bool, data: &mut Bounded, out: &mut dyn FnMut(Piece<'_>)) {
    if let Some(stripper) = strip {
        let mut held = Vec::new();
        stripper.release(&mut held);
        give(&held, inside, data, out);
    }
}

fn give(bytes: &[u8], inside: bool, data: &mut Bounded, out: &mut dyn FnMut(Piece<'_>)) {
    if bytes.is_empty() {
        return;
    }
    if inside {
        data.push(bytes);
        out(Piece::Inside(bytes));
    } else {
        out(Piece::Text(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text, with `{…}` for captured data and `!n` for an unfinished capture.
    fn run(strip: bool, most: u64, parts: &[&[u8]]) -> String {
        let mut filters = Filters::new(strip, most).expect("something to do");
        let mut seen = String::new();
        let mut take = |piece: Piece<'_>| match piece {
            Piece::Text(b) => seen.push_str(&String::from_utf8_lossy(b)),
            Piece::Inside(_) => {}
            Piece::Captured(data) => seen.push_str(&format!("{{{}}}", String::from_utf8_lossy(&data))),
            Piece::Unfinished(n) => seen.push_str(&format!("!{n}")),
        };
        for part in parts {
            filters.push(part, &mut take);
        }
        filters.finish(&mut take);
        seen
    }

    #[test]
    fn nothing_to_do_is_no_filter() {
        assert!(Filters::new(false, 0).is_none());
    }

    #[test]
    fn captured_data_is_kept_to_its_last_bytes_however_it_is_cut() {
        let text = b"a<!--XSUPERVISOR:BEGIN-->0123456789<!--XSUPERVISOR:END-->b";
        for most in [1, 4, 10, 11] {
            let want = format!("a{{{}}}b", &"0123456789"[10 - most.min(10)..]);
            for cut in 0..text.len() {
                assert_eq!(run(false, most as u64, &[&text[..cut], &text[cut..]]), want, "{most} {cut}");
            }
        }
    }

    #[test]
    fn the_tail_that_looked_like_a_token_is_not_lost() {
        assert_eq!(run(false, 10, &[b"tail"]), "tail");
        assert_eq!(run(false, 10, &[b"tail<!--XSUPERVISOR:BEGIN--"]), "tail<!--XSUPERVISOR:BEGIN--");
        assert_eq!(run(true, 10, &[b"tail\x1b[3", b""]), "tail\x1b[3");
    }

    #[test]
    fn a_capture_without_an_end_is_told() {
        assert_eq!(run(false, 10, &[b"a<!--XSUPERVISOR:BEGIN-->bcd<!--X"]), "a!8");
    }

    #[test]
    fn captures_are_stripped_and_an_escape_ends_at_a_token() {
        let text = b"\x1b[1ma\x1b[<!--XSUPERVISOR:BEGIN-->\x1b[31mb\x1b[0<!--XSUPERVISOR:END-->mc";
        for cut in 0..text.len() {
            assert_eq!(run(true, 99, &[&text[..cut], &text[cut..]]), "a\x1b[{b\x1b[0}mc", "{cut}");
        }
    }
}
