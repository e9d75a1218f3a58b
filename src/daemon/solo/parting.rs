//! What becomes of those whom the program leaves behind.
//!
//! Invariants: nobody is signalled who does not descend from us; waiting has an end; the exit code stays the program's.
//! Not here: the program's own end (`solo`).

use super::say;
use crate::sys::signals::{self, To};
use crate::sys::wait::{self, Waited};
use crate::sys::{boot, clock, tree};
use crate::types::{Mono, Signal};

/// BOUND: looks at those who do not die of KILL, a second apart; who is stuck in the kernel stays there.
const KILL_LOOKS: u32 = 3;
const KILL_PAUSE_MS: u64 = 1000;

/// TERM for everybody who is left, time to end, then KILL.
pub(super) fn wait_for_descendants(ms: u64, verbosity: u8) {
    send(Signal::TERM);
    // RACE: who forked in the very moment of the signal has a child that did not get it: it gets KILL.
    let end = clock::now().mono.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX));
    loop {
        if is_alone() {
            return;
        }
        let left = left_ms(end);
        if left == 0 {
            break;
        }
        if let Some(n) = signals::wait_for_any_within(left).filter(|n| *n != Signal::CHLD.0) {
            send(Signal(n));
        }
    }
    if verbosity >= 1 {
        say(&format!(
            "descendants of the program are still there after {} s, killing them",
            ms as f64 / 1000.0
        ));
    }
    for _ in 0..KILL_LOOKS {
        send(Signal::KILL);
        let end = clock::now().mono.plus_ms(i64::try_from(KILL_PAUSE_MS).unwrap_or(0));
        while left_ms(end) > 0 {
            if is_alone() {
                return;
            }
            let _ = signals::wait_for_any_within(left_ms(end)); // any signal is a reason to look again
        }
    }
}

fn left_ms(end: Mono) -> u64 {
    end.since_ns(clock::now().mono).div_ceil(1_000_000)
}

/// As PID 1 everybody in the container; else who descends from us by /proc.
fn send(signal: Signal) {
    if boot::is_pid1() {
        let _ = signals::send(To::Everybody, signal); // nobody may be there
    } else if tree::signal_descendants(signal).is_none() {
        say("cannot find descendants of the program: /proc does not tell");
    }
}

/// Takes everybody who is dead; is nobody left?
fn is_alone() -> bool {
    loop {
        match wait::next(false) {
            Waited::Dead(..) | Waited::Stopped(..) => {}
            Waited::Nothing => return false,
            Waited::NoChildren => return true,
        }
    }
}
