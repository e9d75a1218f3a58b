//! The end of everything: when it begins, in which order slots are stopped, when and with which code we leave.
//!
//! Pure. Invariants: once it has begun nothing is started and nothing is in BACKOFF; a tier of groups is stopped only
//! when the tiers of higher priority are in stopped states; before `Action::Exit` every command is answered, after it
//! nothing happens any more.
//! COMPAT: contract 2.9, 3.2, 3.3. Supervisor stops group after group; groups of equal priority go together here
//! (trap 40), for the grace of a container is short.
//! Not here: how one slot is stopped (`stop`).

use crate::control::State;
use crate::engine::action::{Action, Leave};
use crate::engine::table::Engine;
use crate::engine::timers::Whole;
use crate::types::{LogLevel, Now, Signal};

/// COMPAT: `waiting for … to die` at most so often.
const REPORT_MS: i64 = 3_000;

/// Where the whole is on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Running,
    /// Wanted, and not begun: the step that wants it is not over.
    Ending(Goal),
    /// The tiers below this index have not been asked to stop yet.
    Stopping {
        goal: Goal,
        tiers_left: usize,
    },
    Left,
}

/// What comes after everything has stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Goal {
    /// Leave with the main program's code, or 0.
    Shutdown,
    /// Programs have ended by themselves, all of them or one that counts: leave with this code.
    Ended(u8),
    Restart,
}

impl Engine {
    pub(super) fn on_shutdown(&mut self, now: Now, signal: Signal, out: &mut Vec<Action>) {
        if self.phase == Phase::Left {
            return;
        }
        out.push(Action::Log(LogLevel::Warn, format!("received {signal} indicating exit request")));
        self.say_why(None, format!("stopped by {signal}"), out);
        self.end_after_drain(now, Goal::Shutdown, out);
    }

    pub(super) fn on_restart(&mut self, signal: Signal, out: &mut Vec<Action>) {
        let text = match self.phase {
            Phase::Left => return,
            Phase::Running if self.ends_after_drain() => {
                format!("ignored {signal} indicating restart request (shutdown in progress)")
            }
            Phase::Running
            | Phase::Ending(Goal::Restart)
            | Phase::Stopping { goal: Goal::Restart, tiers_left: _ } => {
                self.end(Goal::Restart);
                format!("received {signal} indicating restart request")
            }
            Phase::Ending(Goal::Shutdown | Goal::Ended(_))
            | Phase::Stopping { goal: Goal::Shutdown | Goal::Ended(_), tiers_left: _ } => {
                format!("ignored {signal} indicating restart request (shutdown in progress)")
            }
        };
        out.push(Action::Log(LogLevel::Warn, text));
    }

    /// Wants the end. A shutdown turns a restart into a shutdown, nothing else changes a goal.
    pub(super) fn end(&mut self, goal: Goal) {
        self.phase = match self.phase {
            Phase::Running => Phase::Ending(goal),
            Phase::Ending(Goal::Restart) => Phase::Ending(goal),
            Phase::Stopping { goal: Goal::Restart, tiers_left } => Phase::Stopping { goal, tiers_left },
            same @ (Phase::Ending(_) | Phase::Stopping { .. } | Phase::Left) => same,
        };
    }

    /// Takes a shutdown as far as it can go now.
    pub(super) fn advance_shutdown(&mut self, now: Now, out: &mut Vec<Action>) {
        let begins = match self.phase {
            Phase::Running | Phase::Left => return,
            Phase::Ending(goal) => {
                self.begin_stopping(now, goal, out);
                true
            }
            Phase::Stopping { .. } => false,
        };
        self.stop_held(now, out);
        while let Phase::Stopping { goal, tiers_left } = self.phase {
            // Every tier at or above `tiers_left` has been asked; only the lowest of them can be unfinished, but where
            // the budget is spent all have been asked at once.
            let is_last = tiers_left == 0;
            let mut asked = self.tally.unstopped.iter().skip(tiers_left);
            if asked.by_ref().take(if is_last { usize::MAX } else { 1 }).any(|n| *n > 0) {
                break;
            }
            match tiers_left.checked_sub(1) {
                Some(tier) => {
                    self.phase = Phase::Stopping { goal, tiers_left: tier };
                    self.stop_tier(tier, now, out);
                }
                None => self.leave(goal, out),
            }
        }
        if begins && self.phase != Phase::Left {
            self.report_shutdown(now, out);
        }
    }

    /// From here on nothing is started.
    pub(super) fn begin_stopping(&mut self, now: Now, goal: Goal, out: &mut Vec<Action>) {
        self.phase = Phase::Stopping { goal, tiers_left: self.layout.tiers.len() };
        self.begin_budget(now);
        self.links.held.clear();
        out.push(Action::Stopping);
        self.give_up_retries(now, out);
        self.unplan_all(now, out);
    }

    /// COMPAT: INFO `waiting for a, b to die`, in the order of the configuration.
    pub(super) fn report_shutdown(&mut self, now: Now, out: &mut Vec<Action>) {
        let all = self.layout.arrival.iter().filter_map(|id| self.slots.get(*id as usize));
        let unstopped = all.filter(|s| !s.is_at_rest()).map(|s| s.name());
        let names: Vec<&str> = unstopped.collect();
        out.push(Action::Log(LogLevel::Info, format!("waiting for {} to die", names.join(", "))));
        self.timers.arm_whole(Whole::Report, Some(now.mono.plus_ms(REPORT_MS)));
    }

    /// COMPAT: what waits for its next try becomes FATAL, not STOPPED.
    fn give_up_retries(&mut self, now: Now, out: &mut Vec<Action>) {
        let retrying: Vec<u32> =
            self.slots.iter().filter(|s| s.state == State::Backoff).map(|s| s.id).collect();
        for id in retrying {
            self.with_slot(now, id, out, |slot, cx| slot.give_up(cx));
        }
    }

    fn stop_tier(&mut self, tier: usize, now: Now, out: &mut Vec<Action>) {
        let members = self.layout.tiers.get_mut(tier).map(std::mem::take).unwrap_or_default();
        for id in &members {
            self.stop_or_hold(*id, tier, now, out);
        }
        if let Some(place) = self.layout.tiers.get_mut(tier) {
            *place = members;
        }
    }

    /// What others depend on is stopped after them.
    fn stop_or_hold(&mut self, id: u32, tier: usize, now: Now, out: &mut Vec<Action>) {
        let is_live = |by: &u32| self.slots.get(*by as usize).is_some_and(|s| !s.is_at_rest());
        if self.links.by(id).iter().any(is_live) {
            self.links.held.push(id);
            return;
        }
        let n_stages = tier as u64 + 1 + self.links.n_below(id);
        let share = self.share_of_budget(now, n_stages);
        let before = std::mem::replace(&mut self.drain.grace_at_most, share);
        self.with_slot(now, id, out, |slot, cx| slot.stop(cx));
        self.drain.grace_at_most = before;
    }

    /// Those whose followers are gone by now.
    fn stop_held(&mut self, now: Now, out: &mut Vec<Action>) {
        // Each round stops somebody who may be at rest at once, or is the last.
        loop {
            let held = std::mem::take(&mut self.links.held);
            let n_before = held.len();
            for id in held {
                let tier = self.layout.tier_of(id).unwrap_or(0);
                self.stop_or_hold(id, tier, now, out);
            }
            if self.links.held.is_empty() || self.links.held.len() == n_before {
                return;
            }
        }
    }

    fn leave(&mut self, goal: Goal, out: &mut Vec<Action>) {
        self.waiters.answer_all(out);
        self.timers.arm_whole(Whole::Report, None);
        self.leave_drain(out);
        self.phase = Phase::Left;
        out.push(Action::Exit(match goal {
            Goal::Shutdown => Leave::Exit(self.code_of_main()),
            Goal::Ended(code) => Leave::Exit(code),
            Goal::Restart => Leave::Restart,
        }));
    }

    /// COMPAT: 0, whatever happened to the programs; but a main program lends its code to the whole.
    fn code_of_main(&self) -> u8 {
        let main = self.main.and_then(|id| self.slots.get(id as usize));
        main.and_then(|slot| slot.last.code).unwrap_or(0)
    }
}
