//! Keeps lines whole: bytes in, runs of complete lines out, the unfinished rest held back.
//!
//! Sans-IO. Invariants: output joined equals input joined; however the input is cut, the lines and the pieces of lines
//! that are too long are the same. Not here: when a held rest is given up (`daemon::output`).

/// BOUND: a longer line goes out in pieces.
pub const LINE_BYTES: usize = 1 << 20;

/// What comes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run<'a> {
    /// Complete lines, each with its newline.
    Lines(&'a [u8]),
    /// A piece of a line; more of it may follow.
    Part(&'a [u8]),
    /// The end of a line without a newline: nothing follows.
    Last(&'a [u8]),
}

impl<'a> Run<'a> {
    /// The bytes, whatever they are.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Run::Lines(bytes) | Run::Part(bytes) | Run::Last(bytes) => bytes,
        }
    }
}

/// The unfinished line of one channel.
#[derive(Default, Debug)]
pub struct LineHolder {
    held: Vec<u8>,
}

impl LineHolder {
    /// Takes bytes; calls `out` with whole lines (and, past `LINE_BYTES`, with pieces of one).
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(Run<'_>)) {
        let cut = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let (whole, rest) = bytes.split_at(cut);
        if !whole.is_empty() {
            if self.held.is_empty() {
                give(whole, out);
            } else {
                self.held.extend_from_slice(whole);
                give(&std::mem::take(&mut self.held), out);
            }
        }
        self.held.extend_from_slice(rest);
        while self.held.len() > LINE_BYTES {
            let at = piece_of(&self.held);
            out(Run::Part(self.held.get(..at).unwrap_or_default()));
            self.held.drain(..at);
        }
    }

    /// Gives out what is held: the line goes on later, perhaps.
    pub fn release(&mut self, out: &mut dyn FnMut(Run<'_>)) {
        if !self.held.is_empty() {
            out(Run::Part(&std::mem::take(&mut self.held)));
        }
    }

    /// Gives out what is held: nothing follows.
    pub fn finish(&mut self, out: &mut dyn FnMut(Run<'_>)) {
        if !self.held.is_empty() {
            out(Run::Last(&std::mem::take(&mut self.held)));
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

fn give(run: &[u8], out: &mut dyn FnMut(Run<'_>)) {
    if run.len() <= LINE_BYTES {
        return out(Run::Lines(run));
    }
    for mut line in run.split_inclusive(|b| *b == b'\n') {
        // The newline does not count.
        while line.len() > LINE_BYTES + 1 {
            let (piece, rest) = line.split_at(piece_of(line));
            out(Run::Part(piece));
            line = rest;
        }
        out(Run::Lines(line));
    }
}

/// Where a line that is too long is cut: not within a character.
fn piece_of(line: &[u8]) -> usize {
    let is_inside = |at: usize| line.get(at).is_some_and(|b| *b & 0xc0 == 0x80);
    (LINE_BYTES - 3..=LINE_BYTES).rev().find(|at| !is_inside(*at)).unwrap_or(LINE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines and pieces, one each.
    fn run(parts: &[&[u8]]) -> Vec<(char, Vec<u8>)> {
        let mut holder = LineHolder::default();
        let mut seen = Vec::new();
        let mut take = |run: Run<'_>| match run {
            Run::Lines(b) => seen.extend(b.split_inclusive(|b| *b == b'\n').map(|l| ('l', l.to_vec()))),
            Run::Part(b) => seen.push(('p', b.to_vec())),
            Run::Last(b) => seen.push(('e', b.to_vec())),
        };
        for part in parts {
            holder.push(part, &mut take);
        }
        holder.finish(&mut take);
        seen
    }

    #[test]
    fn only_whole_lines_come_out() {
        let seen = run(&[b"one\ntw", b"o\nthree", b" and more"]);
        let want = [('l', b"one\n".to_vec()), ('l', b"two\n".to_vec()), ('e', b"three and more".to_vec())];
        assert_eq!(seen, want);
    }

    #[test]
    fn every_cut_gives_the_same_lines() {
        let text = b"a\n\nbc\n\x00\xff\xfe\ndef";
        let want = run(&[text]);
        for one in 0..text.len() {
            for two in one..text.len() {
                assert_eq!(run(&[&text[..one], &text[one..two], &text[two..]]), want);
            }
        }
    }

    #[test]
    fn a_line_of_a_mebibyte_is_whole_and_a_longer_one_comes_in_the_same_pieces_however_it_is_cut() {
        let exact = [vec![b'x'; LINE_BYTES], b"\n".to_vec()].concat();
        assert_eq!(run(&[&exact]), [('l', exact.clone())]);
        let text =
            ["é".repeat(LINE_BYTES + 7).as_bytes(), b"\nshort\n", "ab€".repeat(LINE_BYTES / 4).as_bytes()]
                .concat();
        let want = run(&[&text]);
        assert_eq!(want.iter().map(|(k, _)| *k).collect::<String>(), "ppllpe");
        assert!(want.iter().all(|(_, b)| std::str::from_utf8(b).is_ok()), "a character was cut");
        for size in [1 << 10, 65_536, 65_537, 999_983, LINE_BYTES + 1] {
            let parts: Vec<&[u8]> = text.chunks(size).collect();
            assert!(run(&parts) == want, "{size}");
        }
    }

    #[test]
    fn a_giant_line_is_not_held_for_ever() {
        let mut holder = LineHolder::default();
        let mut seen = 0;
        for _ in 0..100 {
            holder.push(&[b'x'; 65_536], &mut |run| seen += run.bytes().len());
            assert!(holder.held.len() <= LINE_BYTES && holder.held.capacity() <= 3 * LINE_BYTES);
        }
        assert!(seen > 5 << 20);
    }
}
