//! Deadlines with names: at most one of a kind for each slot, the next one found in O(log n).
//!
//! Pure. Invariant: `order` and `armed` hold the same deadlines.
//! Not here: what happens when one is reached (`process`, `stop`, `shutdown`).

use crate::types::Mono;
use std::collections::BTreeSet;

/// What is waited for. The order is the order in which deadlines of the same instant are handled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Deadline {
    /// STARTING: it has stayed up for startsecs.
    StartSecs,
    /// BACKOFF: try again.
    Backoff,
    /// STOPPING: the grace is over, SIGKILL.
    StopGrace,
    /// STOPPING, leader reaped: look again whether the process group is empty.
    GroupPoll,
    /// STOPPING, somebody waits: say so.
    StopReport,
    /// STARTING, RUNNING: ask whether it is ready.
    Readiness,
    /// STARTING, RUNNING: ask whether it is alive.
    Liveness,
    /// STARTING, RUNNING: it has not been heard of for too long.
    Watchdog,
    /// In any state: the time of the next run has come.
    Schedule,
}

const N_KINDS: usize = 9;

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    Slot(u32, Deadline),
    Whole(Whole),
}

/// What is waited for that concerns everybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Whole {
    /// Say who is waited for while everything is being stopped.
    Report,
    /// Everybody has had the time to see that we are not ready.
    Drain,
    /// The time in which everything has to have stopped is over.
    Budget,
}

const WHOLES: [Whole; 3] = [Whole::Report, Whole::Drain, Whole::Budget];

#[derive(Debug)]
pub(super) struct Timers {
    order: BTreeSet<(Mono, u32, Deadline)>,
    armed: Vec<[Option<Mono>; N_KINDS]>,
    whole: [Option<Mono>; 3],
}

impl Timers {
    pub(super) fn new(n_slots: usize) -> Timers {
        Timers { order: BTreeSet::new(), armed: vec![[None; N_KINDS]; n_slots], whole: [None; 3] }
    }

    /// One more slot, with the next number.
    pub(super) fn add_slot(&mut self) {
        self.armed.push([None; N_KINDS]);
    }

    /// Sets or moves a deadline. A slot that does not exist has none.
    pub(super) fn arm(&mut self, slot: u32, kind: Deadline, at: Mono) {
        self.disarm(slot, kind);
        if let Some(cell) = self.cell(slot, kind) {
            *cell = Some(at);
            self.order.insert((at, slot, kind));
        }
    }

    pub(super) fn disarm(&mut self, slot: u32, kind: Deadline) {
        if let Some(at) = self.cell(slot, kind).and_then(Option::take) {
            self.order.remove(&(at, slot, kind));
        }
    }

    /// Leaving a state clears its deadlines. Those of checks go with the process (`Slot::end_checks`).
    pub(super) fn clear(&mut self, slot: u32) {
        for kind in OF_STATES {
            self.disarm(slot, kind);
        }
    }

    pub(super) fn at(&self, slot: u32, kind: Deadline) -> Option<Mono> {
        self.armed.get(slot as usize).and_then(|cells| cells[kind as usize])
    }

    pub(super) fn arm_whole(&mut self, what: Whole, at: Option<Mono>) {
        self.whole[what as usize] = at;
    }

    pub(super) fn next(&self) -> Option<Mono> {
        let first = self.order.first().map(|(at, _, _)| *at);
        first.into_iter().chain(self.whole.iter().flatten().copied()).min()
    }

    /// Takes the earliest deadline that has been reached.
    pub(super) fn take_due(&mut self, now: Mono) -> Option<Due> {
        let whole = WHOLES.into_iter().filter_map(|what| Some((self.whole[what as usize]?, what)));
        let whole = whole.filter(|(at, _)| *at <= now).min_by_key(|(at, _)| *at);
        if let Some(&(at, slot, kind)) = self.order.first()
            && at <= now
            && whole.is_none_or(|(first, _)| at < first)
        {
            self.disarm(slot, kind);
            return Some(Due::Slot(slot, kind));
        }
        if let Some((_, what)) = whole {
            self.whole[what as usize] = None;
            return Some(Due::Whole(what));
        }
        None
    }

    fn cell(&mut self, slot: u32, kind: Deadline) -> Option<&mut Option<Mono>> {
        self.armed.get_mut(slot as usize).map(|cells| &mut cells[kind as usize])
    }
}

/// Those that a state takes along when it is left.
const OF_STATES: [Deadline; 5] =
    [Deadline::StartSecs, Deadline::Backoff, Deadline::StopGrace, Deadline::GroupPoll, Deadline::StopReport];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arming_again_moves_the_deadline() {
        let mut t = Timers::new(2);
        t.arm(0, Deadline::Backoff, Mono(5));
        t.arm(0, Deadline::Backoff, Mono(9));
        t.arm(1, Deadline::StopGrace, Mono(7));
        assert_eq!(t.next(), Some(Mono(7)));
        assert_eq!(t.take_due(Mono(6)), None);
        assert_eq!(t.take_due(Mono(9)), Some(Due::Slot(1, Deadline::StopGrace)));
        assert_eq!(t.take_due(Mono(9)), Some(Due::Slot(0, Deadline::Backoff)));
        assert_eq!(t.next(), None);
    }

    #[test]
    fn clearing_a_slot_leaves_the_others_alone() {
        let mut t = Timers::new(2);
        for kind in OF_STATES {
            t.arm(0, kind, Mono(1));
        }
        t.arm(0, Deadline::Readiness, Mono(3));
        t.arm(1, Deadline::StartSecs, Mono(2));
        t.clear(0);
        assert_eq!(t.next(), Some(Mono(2)));
        assert_eq!(t.at(0, Deadline::Readiness), Some(Mono(3)), "a check outlives STARTING");
        assert_eq!(t.at(0, Deadline::Backoff), None);
        t.arm(0, Deadline::Schedule, Mono(1));
        t.clear(0);
        assert_eq!(t.next(), Some(Mono(1)), "the clock goes on whatever the state");
    }

    #[test]
    fn a_slot_that_does_not_exist_has_no_deadline() {
        let mut t = Timers::new(1);
        t.arm(4, Deadline::Backoff, Mono(1));
        assert_eq!(t.next(), None);
    }

    #[test]
    fn what_concerns_everybody_is_a_deadline_like_any_other() {
        let mut t = Timers::new(0);
        for (n, what) in (3..).zip(WHOLES) {
            t.arm_whole(what, Some(Mono(n)));
            assert_eq!(t.next(), Some(Mono(n)));
            assert_eq!(t.take_due(Mono(n - 1)), None);
            assert_eq!(t.take_due(Mono(n)), Some(Due::Whole(what)));
            assert_eq!(t.take_due(Mono(n)), None);
        }
    }
}
