//! Keeps lines whole: bytes in, runs of complete lines out, the unfinished rest held back.
//!
//! Sans-IO. Invariant: output joined equals input joined. Not here: when a held rest is given up (`daemon::output`).

/// BOUND: a longer line goes out in pieces.
pub const LINE_BYTES: usize = 64 << 10;

/// The unfinished line of one channel.
#[derive(Default, Debug)]
pub struct LineHolder {
    held: Vec<u8>,
}

impl LineHolder {
    /// Takes bytes; calls `out` with whole lines (and, past `LINE_BYTES`, with a piece of one).
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        let cut = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let (whole, rest) = bytes.split_at(cut);
        if !whole.is_empty() {
            if self.held.is_empty() {
                out(whole);
            } else {
                self.held.extend_from_slice(whole);
                self.release(out);
            }
        }
        self.held.extend_from_slice(rest);
        if self.held.len() >= LINE_BYTES {
            self.release(out);
        }
    }

    /// Gives out what is held.
    pub fn release(&mut self, out: &mut dyn FnMut(&[u8])) {
        if !self.held.is_empty() {
            out(&self.held);
            self.held = Vec::new();
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(parts: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut holder = LineHolder::default();
        let mut seen: Vec<Vec<u8>> = Vec::new();
        for part in parts {
            holder.push(part, &mut |b| seen.push(b.to_vec()));
        }
        let mut rest = Vec::new();
        holder.release(&mut |b| rest.extend_from_slice(b));
        (seen, rest)
    }

    #[test]
    fn only_whole_lines_come_out() {
        let (seen, rest) = run(&[b"one\ntw", b"o\nthree", b" and more"]);
        assert_eq!(seen, [b"one\n".to_vec(), b"two\n".to_vec()]);
        assert_eq!(rest, b"three and more");
    }

    #[test]
    fn every_cut_gives_the_same_bytes() {
        let text = b"a\n\nbc\ndef";
        for cut in 0..text.len() {
            let (seen, rest) = run(&[&text[..cut], &text[cut..]]);
            let joined: Vec<u8> = seen.concat().into_iter().chain(rest).collect();
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn a_giant_line_is_not_held_for_ever() {
        let giant = vec![b'x'; LINE_BYTES + 1];
        let (seen, rest) = run(&[&giant]);
        assert_eq!(seen.len(), 1);
        assert!(rest.is_empty());
    }
}
