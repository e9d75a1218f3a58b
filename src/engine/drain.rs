//! The way to the end before anything is stopped: not ready, wait, and one budget of time for all of it.
//!
//! Pure. Invariants: a drain changes nothing but readiness; the wait counts from its beginning, whoever began it, and a
//! second signal skips it; once the budget is spent everything that is left gets SIGKILL, in the same step.
//! Not here: what is stopped in which order (`shutdown`), health (`health`).

use crate::config::model::Supervisor;
use crate::control::{Fault, FaultCode, Outcome};
use crate::engine::action::Action;
use crate::engine::input::CommandId;
use crate::engine::shutdown::{Goal, Phase};
use crate::engine::table::Engine;
use crate::engine::timers::Whole;
use crate::types::{LogLevel, Mono, Now};

/// What is kept of the budget for killing, reaping and leaving: a tenth, within these bounds.
const MARGIN_MS: (i64, i64) = (100, 500);

#[derive(Debug)]
pub(super) struct Drain {
    delay_ms: i64,
    timeout_ms: Option<i64>,
    /// Since when we are not ready on purpose.
    since: Option<Mono>,
    /// What follows when the wait is over.
    then: Option<Goal>,
    /// Who is answered then.
    waiting: Vec<CommandId>,
    /// When the last of everything is killed.
    spent_at: Option<Mono>,
    /// A little later: when we have to be gone.
    ends_at: Option<Mono>,
    /// For the stops of this step: see `Ctx`.
    pub(super) grace_at_most: Option<u64>,
}

impl Drain {
    pub(super) fn new(config: &Supervisor) -> Drain {
        Drain {
            delay_ms: config.drain_delay_ms,
            timeout_ms: config.shutdown_timeout_ms,
            since: None,
            then: None,
            waiting: Vec::new(),
            spent_at: None,
            ends_at: None,
            grace_at_most: None,
        }
    }

    fn over_at(&self) -> Option<Mono> {
        self.since.map(|since| since.plus_ms(self.delay_ms))
    }
}

impl Engine {
    /// We are not ready on purpose: traffic is to go elsewhere.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.since.is_some()
    }

    /// When the budget of the shutdown that is under way is over, its margin included.
    #[must_use]
    pub fn shutdown_ends_at(&self) -> Option<Mono> {
        self.drain.ends_at
    }

    /// Somebody wants the end, and those who send us traffic get the time to notice.
    pub(super) fn end_after_drain(&mut self, now: Now, goal: Goal, out: &mut Vec<Action>) {
        let is_second = self.drain.then.is_some();
        self.begin_budget(now);
        self.drain.since.get_or_insert(now.mono);
        let over_at = self.drain.over_at().filter(|at| *at > now.mono);
        match over_at {
            Some(at) if self.phase == Phase::Running && !is_second => {
                self.drain.then = Some(goal);
                self.timers.arm_whole(Whole::Drain, Some(at));
                let left = at.since_ns(now.mono).div_ceil(1_000_000_000);
                let text = format!(
                    "not ready any more; everything is stopped in {left} s (drain_delay), or at a second signal"
                );
                out.push(Action::Log(LogLevel::Info, text));
            }
            Some(_) | None => self.stop_draining(goal, out),
        }
    }

    fn stop_draining(&mut self, goal: Goal, out: &mut Vec<Action>) {
        self.timers.arm_whole(Whole::Drain, None);
        self.answer_drainers(out);
        self.end(goal);
    }

    fn answer_drainers(&mut self, out: &mut Vec<Action>) {
        for id in std::mem::take(&mut self.drain.waiting) {
            out.push(Action::Reply { id, outcome: Outcome::Done });
        }
    }

    /// The end follows the drain.
    pub(super) fn ends_after_drain(&self) -> bool {
        self.drain.then.is_some()
    }

    /// `drain`: not ready, and nothing else. With `wait` it is answered when `drain_delay` is over.
    pub(super) fn on_drain(&mut self, now: Now, id: Option<(CommandId, bool)>, out: &mut Vec<Action>) {
        if !self.is_draining() {
            out.push(Action::Log(LogLevel::Info, "draining: not ready any more".to_owned()));
        }
        self.drain.since.get_or_insert(now.mono);
        let over_at = self.drain.over_at().filter(|at| *at > now.mono);
        match (id, over_at) {
            (Some((id, true)), Some(at)) => {
                self.drain.waiting.push(id);
                self.timers.arm_whole(Whole::Drain, Some(at));
            }
            (Some((id, _)), _) => out.push(Action::Reply { id, outcome: Outcome::Done }),
            (None, _) => {}
        }
    }

    /// Takes a drain back, unless the end follows it. Those who wait for it are told.
    pub(super) fn on_undrain(&mut self, id: CommandId, out: &mut Vec<Action>) {
        if self.ends_after_drain() {
            let fault = Fault::new(FaultCode::Failed, "everything is about to be stopped");
            return out.push(Action::Reply { id, outcome: Outcome::Fault(fault) });
        }
        if self.drain.since.take().is_some() {
            self.timers.arm_whole(Whole::Drain, None);
            for id in std::mem::take(&mut self.drain.waiting) {
                let fault = Fault::new(FaultCode::Failed, "the drain was taken back");
                out.push(Action::Reply { id, outcome: Outcome::Fault(fault) });
            }
            out.push(Action::Log(LogLevel::Info, "draining no more".to_owned()));
        }
        out.push(Action::Reply { id, outcome: Outcome::Done });
    }

    pub(super) fn on_drained(&mut self, _now: Now, out: &mut Vec<Action>) {
        self.answer_drainers(out);
        if let Some(goal) = self.drain.then {
            self.end(goal);
        }
    }

    /// Nothing is waited for any more: those who wait for a drain are answered with everybody else.
    pub(super) fn leave_drain(&mut self, out: &mut Vec<Action>) {
        self.timers.arm_whole(Whole::Drain, None);
        self.timers.arm_whole(Whole::Budget, None);
        self.answer_drainers(out);
    }

    /// How many commands wait for the end of a drain.
    pub(super) fn n_drainers(&self) -> usize {
        self.drain.waiting.len()
    }

    pub(super) fn is_drainer(&self, id: CommandId) -> bool {
        self.drain.waiting.contains(&id)
    }

    /// From the first wish for an end on, time runs.
    pub(super) fn begin_budget(&mut self, now: Now) {
        let (Some(timeout_ms), None) = (self.drain.timeout_ms, self.drain.spent_at) else { return };
        let margin_ms = (timeout_ms / 10).clamp(MARGIN_MS.0, MARGIN_MS.1).min(timeout_ms);
        let at = now.mono.plus_ms(timeout_ms - margin_ms);
        self.drain.spent_at = Some(at);
        self.drain.ends_at = Some(now.mono.plus_ms(timeout_ms));
        self.timers.arm_whole(Whole::Budget, Some(at));
    }

    /// Nanoseconds that each stop of this step may take: its share of what is left, where others follow it.
    pub(super) fn share_of_budget(&self, now: Now, n_stages: u64) -> Option<u64> {
        self.drain.spent_at.map(|at| at.since_ns(now.mono) / n_stages.max(1))
    }

    /// Whatever is left is killed, so that it is not the runtime that kills us.
    pub(super) fn on_budget_spent(&mut self, now: Now, out: &mut Vec<Action>) {
        self.timers.arm_whole(Whole::Drain, None);
        self.answer_drainers(out);
        if let (Phase::Running, Some(goal)) = (self.phase, self.drain.then) {
            self.end(goal);
        }
        let all = self.layout.arrival.iter().filter_map(|id| self.slots.get(*id as usize));
        let left: Vec<(u32, String)> =
            all.filter(|s| !s.is_at_rest()).map(|s| (s.id, s.policy.namespec())).collect();
        if left.is_empty() {
            return;
        }
        let names: Vec<&str> = left.iter().map(|(_, name)| name.as_str()).collect();
        let text = format!("shutdown_timeout is nearly over, killing what is left: {}", names.join(", "));
        out.push(Action::Log(LogLevel::Warn, text));
        if let Phase::Ending(goal) = self.phase {
            self.begin_stopping(now, goal, out);
        }
        if let Phase::Stopping { goal, .. } = self.phase {
            self.phase = Phase::Stopping { goal, tiers_left: 0 };
        }
        self.links.held.clear();
        // Whoever is on its way up yet, and stopped when it is there, gets no grace either.
        self.drain.grace_at_most = Some(0);
        for (id, _) in left {
            self.with_slot(now, id, out, |slot, cx| slot.kill_now(cx));
        }
    }
}
