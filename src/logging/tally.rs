//! What is counted of each program's output, and the lines that it may still write in this second.
//!
//! Pure. Invariants: both streams of a program share one limit; counts stay from life to life.
//! Not here: what is done with a line that is one too many (`outlet`).

use crate::types::{Mono, ProcRef};

/// So long a limit of lines a second counts, from its first line on.
const WINDOW_MS: i64 = 1_000;

/// One program's.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    pub lines: u64,
    pub bytes: u64,
    /// Beyond `log_rate_limit`.
    pub suppressed: u64,
    /// The sink was slow, and `log_overflow` is `drop`.
    pub dropped: u64,
    window_end: Mono,
    left: u32,
}

impl Tally {
    /// A piece of output was read.
    pub fn count(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.lines += newlines(bytes);
    }

    /// Whether one more line may be written.
    pub fn admits(&mut self, limit: u32, now: Mono) -> bool {
        if now >= self.window_end {
            self.window_end = now.plus_ms(WINDOW_MS);
            self.left = limit;
        }
        let admitted = self.left > 0;
        self.left = self.left.saturating_sub(1);
        admitted
    }

    /// When lines may be written again.
    #[must_use]
    pub fn window_end(&self) -> Mono {
        self.window_end
    }
}

/// Ends of lines.
#[must_use]
pub fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

/// Those of all programs, by slot.
#[derive(Default, Debug)]
pub struct Tallies(Vec<Tally>);

impl Tallies {
    pub fn of_mut(&mut self, proc: ProcRef) -> &mut Tally {
        let slot = proc.slot as usize;
        if slot >= self.0.len() {
            self.0.resize(slot + 1, Tally::default());
        }
        &mut self.0[slot]
    }

    #[must_use]
    pub fn of(&self, slot: u32) -> Tally {
        self.0.get(slot as usize).copied().unwrap_or_default()
    }

    /// Another program has got the slot.
    pub fn forget(&mut self, slot: u32) {
        if let Some(tally) = self.0.get_mut(slot as usize) {
            *tally = Tally::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_lines_a_second_and_both_streams_together() {
        let mut tally = Tally::default();
        let at = |ms: u64| Mono((5_000 + ms) * 1_000_000);
        let admitted = |tally: &mut Tally, ms| (0..50).filter(|_| tally.admits(10, at(ms))).count();
        assert_eq!(admitted(&mut tally, 0), 10);
        assert_eq!(admitted(&mut tally, 999), 0);
        assert_eq!(tally.window_end(), at(1_000));
        assert_eq!(admitted(&mut tally, 1_000), 10);
        assert_eq!(admitted(&mut tally, 60_000), 10);
    }
}
