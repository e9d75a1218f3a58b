//! What processes use, for tables: processor time and memory, from /proc.
//!
//! Does I/O: reads one small file for each process, in this process and never in the core. Invariants: the same process is
//! not looked at twice within half a second, however many ask; where /proc is missing or hides a process there are no
//! numbers. Not here: our own numbers (`metrics`), what is shown (`rpc::own`).

use crate::gateway::lock;
use crate::sys::procfs;
pub use crate::sys::procfs::Usage;
use crate::types::Mono;
use std::sync::Mutex;

/// So long the numbers of a process are good.
const FRESH_NS: u64 = 500_000_000;

/// What was found, shared by all listeners.
#[derive(Default, Debug)]
pub struct Usages(Mutex<Seen>);

#[derive(Default, Debug)]
struct Seen {
    /// When the first of them was looked at.
    at: Mono,
    of: Vec<(i32, Option<Usage>)>,
}

impl Usages {
    /// What these processes use; `None` for one that is not there or cannot be seen. Nobody has the pid 0.
    #[must_use]
    pub fn of(&self, pids: &[i32], now: Mono) -> Vec<Option<Usage>> {
        let mut seen = lock(&self.0);
        if now.since_ns(seen.at) >= FRESH_NS {
            *seen = Seen { at: now, of: Vec::with_capacity(pids.len()) };
        }
        let of = &mut seen.of;
        let look = |(n, pid): (usize, &i32)| {
            // Whoever asks, asks for all, and in the same order.
            let is_it = |u: &&(i32, Option<Usage>)| u.0 == *pid;
            let known = of.get(n).filter(is_it).or_else(|| of.iter().find(is_it)).copied();
            let (_, usage) = known.unwrap_or_else(|| {
                of.push((*pid, procfs::usage(*pid)));
                of.last().copied().unwrap_or_default()
            });
            usage
        };
        pids.iter().enumerate().map(look).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_for_half_a_second() {
        let usages = Usages::default();
        let own = i32::try_from(std::process::id()).expect("a pid");
        let at = |ms: u64| usages.of(&[own, 0, i32::MAX], Mono(ms * 1_000_000 + FRESH_NS));
        let first = at(0);
        assert!(first[0].is_some_and(|u| u.resident_bytes > 0) && first[1..] == [None, None]);
        let memory = vec![1u8; 64 << 20];
        assert!(memory.iter().all(|b| *b == 1));
        assert_eq!(at(499), first);
        let later = at(500)[0].map(|u| u.resident_bytes);
        assert!(later.is_some_and(|b| b > 60 << 20), "{later:?} {first:?}");
        drop(memory);
    }
}
