//! The last few hundred bytes of what each program has written, whatever becomes of its output.
//!
//! Pure. Invariants: bounded for each program and allocated with its first byte; what a program has said stays until its
//! next life says something; a piece costs no more than copying the end of it. Both streams go into one memory, as a
//! terminal would show them. Not here: logs (`sinks`), making text of it that can be shown (`gateway`).

use crate::types::ProcRef;

/// BOUND: bytes kept of each program.
pub const RECENT_BYTES: usize = 512;

/// The memory of all programs, by slot.
#[derive(Debug)]
pub struct Recents {
    slots: Vec<Recent>,
    /// BOUND: bytes kept of each program.
    bound: usize,
}

impl Default for Recents {
    fn default() -> Recents {
        Recents::keeping(RECENT_BYTES)
    }
}

#[derive(Default, Debug)]
struct Recent {
    incarnation: u32,
    /// The stream that wrote last.
    stderr: bool,
    bytes: Vec<u8>,
}

impl Recents {
    /// Keeps so many bytes of each program.
    #[must_use]
    pub fn keeping(bound: usize) -> Recents {
        Recents { slots: Vec::new(), bound }
    }

    /// A program has written something.
    pub fn push(&mut self, proc: ProcRef, stderr: bool, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        let slot = proc.slot as usize;
        if slot >= self.slots.len() {
            self.slots.resize_with(slot + 1, Recent::default);
        }
        let bound = self.bound;
        let Some(recent) = self.slots.get_mut(slot) else { return };
        // Descendants of an earlier life may still write; that is no news of this one.
        if proc.incarnation >= recent.incarnation {
            recent.push(proc.incarnation, stderr, piece, bound);
        }
    }

    /// Another program has got the slot.
    pub fn forget(&mut self, slot: u32) {
        if let Some(recent) = self.slots.get_mut(slot as usize) {
            *recent = Recent::default();
        }
    }

    /// The last line that is not blank, or its end if it is longer than what is kept; empty where nothing was written.
    #[must_use]
    pub fn last_line(&self, slot: u32) -> String {
        let bytes = self.slots.get(slot as usize).map_or(&[][..], |recent| &recent.bytes);
        let is_blank = |line: &&[u8]| line.iter().all(u8::is_ascii_whitespace);
        let line = bytes.rsplit(|b| *b == b'\n').find(|line| !is_blank(line)).unwrap_or_default();
        String::from_utf8_lossy(line.get(cut_at_start(line)..).unwrap_or_default()).into_owned()
    }
}

impl Recents {
    /// What is kept of this life's output, without blank ends; empty where it has said nothing.
    #[must_use]
    pub fn last_words(&self, proc: ProcRef) -> String {
        let recent = self.slots.get(proc.slot as usize).filter(|r| r.incarnation == proc.incarnation);
        let bytes = recent.map_or(&[][..], |recent| &recent.bytes).trim_ascii();
        String::from_utf8_lossy(bytes.get(cut_at_start(bytes)..).unwrap_or_default()).into_owned()
    }

    /// All that is kept of a program, as text; the first line is cut where it did not fit.
    #[must_use]
    pub fn last_lines(&self, slot: u32) -> String {
        let bytes = self.slots.get(slot as usize).map_or(&[][..], |recent| &recent.bytes);
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// Bytes of a character that was cut in two at the beginning; they show as nothing.
fn cut_at_start(bytes: &[u8]) -> usize {
    bytes.iter().take(3).take_while(|b| **b & 0xc0 == 0x80).count()
}

impl Recent {
    fn push(&mut self, incarnation: u32, stderr: bool, piece: &[u8], bound: usize) {
        if incarnation != self.incarnation {
            self.bytes.clear();
            self.incarnation = incarnation;
        }
        // A line that the other stream has begun ends here.
        let gap = self.stderr != stderr && self.bytes.last().is_some_and(|b| *b != b'\n');
        self.stderr = stderr;
        let piece = piece.get(piece.len().saturating_sub(bound)..).unwrap_or_default();
        let n = piece.len() + usize::from(gap);
        let too_many = (self.bytes.len() + n).saturating_sub(bound).min(self.bytes.len());
        self.bytes.drain(..too_many);
        self.bytes.reserve_exact(n);
        if gap && n <= bound {
            self.bytes.push(b'\n');
        }
        self.bytes.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(incarnation: u32) -> ProcRef {
        ProcRef { slot: 1, incarnation }
    }

    #[test]
    fn the_last_line_is_kept_however_it_comes() {
        let mut recents = Recents::default();
        assert_eq!(recents.last_line(1), "");
        recents.push(life(1), false, b"one\ntwo\n\n \n");
        assert_eq!((recents.last_line(1).as_str(), recents.last_line(0).as_str()), ("two", ""));
        recents.push(life(1), false, b"thr");
        recents.push(life(1), false, b"ee");
        assert_eq!(recents.last_line(1), "three");
        recents.push(life(1), true, b"trouble");
        assert_eq!(recents.last_line(1), "trouble");
    }

    #[test]
    fn little_is_kept_of_much() {
        let mut recents = Recents::default();
        for n in 1..2_000usize {
            recents.push(life(1), n % 3 == 0, &vec![b'x'; n % 700]);
            assert!(recents.slots[1].bytes.len() <= RECENT_BYTES);
            assert!(recents.slots[1].bytes.capacity() <= 2 * RECENT_BYTES + 1);
        }
        let text = format!("{}é", "é".repeat(400));
        recents.push(life(1), false, text.as_bytes());
        assert!(recents.last_line(1).chars().all(|c| c == 'é'));
        recents.push(life(1), false, b"x");
        assert!(recents.last_line(1).chars().all(|c| c == 'é' || c == 'x'));
    }

    #[test]
    fn last_words_stay_until_the_next_life_speaks() {
        let mut recents = Recents::default();
        recents.push(life(1), false, b"goodbye\n");
        recents.push(life(2), false, b"");
        assert_eq!(recents.last_line(1), "goodbye");
        assert_eq!(
            (recents.last_words(life(1)).as_str(), recents.last_words(life(2)).as_str()),
            ("goodbye", "")
        );
        recents.push(life(2), false, b"hello\n");
        recents.push(life(1), false, b"still here\n");
        assert_eq!(recents.last_line(1), "hello");
    }
}
