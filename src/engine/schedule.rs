//! Programs that run when the clock says so: when the next run is, and what becomes of one whose predecessor still runs.
//!
//! Pure. Invariants: a scheduled program is started by the clock or by somebody's hand, never by the daemon's start; each
//! time of the schedule brings one run at most, also when the clock goes back a little; what was missed while the clock
//! jumped ahead is made up for once; nothing is due any more once everything is being stopped.
//! A run that fails is shown as what it was; the next run is the next try. Not here: what an expression means
//! (`config::cron`), who notices that the clock was set (`daemon`).

use crate::config::model::Overlap;
use crate::control::State;
use crate::engine::action::Action;
use crate::engine::slot::{Ctx, Slot};
use crate::engine::table::Engine;
use crate::engine::timers::Deadline;
use crate::types::{LogLevel, Mono, Now, Wall};

/// A clock that goes back no further does not bring back what has run already. As Vixie's cron does.
const BACK_MS: i64 = 3 * 3_600_000;

/// Nobody told us that the clock was set, but it shows so much less than it should.
const EARLY_MS: i64 = 1_000;

/// What is known of the runs of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Plan {
    next: Option<Wall>,
    /// The time of the schedule that came last.
    last: Option<Wall>,
    /// A run waits for the end of its predecessor.
    pub(super) queued: bool,
    /// How long the last run took.
    ran_ms: u64,
}

impl Slot {
    /// Finds the next time after `from`, which is not before now, and waits for it.
    fn plan_after(&mut self, from: Wall, cx: &mut Ctx<'_>) {
        let schedule = self.policy.schedule.as_deref();
        let schedule = schedule.filter(|_| self.policy.disabled.is_none() && !cx.stopping);
        self.plan.next = schedule.and_then(|s| s.next_after(from));
        self.plan.queued &= self.policy.schedule.is_some();
        match self.plan.next {
            None => cx.timers.disarm(self.id, Deadline::Schedule),
            // Wall time is cut to milliseconds: one more, or we would be there too early.
            Some(next) => {
                let at = cx.now.mono.plus_ms(next.0.saturating_sub(cx.now.wall.0).saturating_add(1));
                cx.timers.arm(self.id, Deadline::Schedule, at);
            }
        }
    }

    /// Its schedule is new.
    pub(super) fn plan_anew(&mut self, cx: &mut Ctx<'_>) {
        let last = self.plan.last.filter(|last| is_a_little_ahead(*last, cx.now.wall));
        self.plan_after(last.unwrap_or(cx.now.wall), cx);
    }

    /// Nothing is due any more.
    pub(super) fn unplan(&mut self, cx: &mut Ctx<'_>) {
        self.plan.next = None;
        self.plan.queued = false;
        cx.timers.disarm(self.id, Deadline::Schedule);
    }

    /// Its process has ended.
    pub(super) fn note_run(&mut self, now: Now) {
        self.plan.ran_ms = now.mono.since_ns(self.started.mono) / 1_000_000;
    }

    /// The clock was set. Whether a run was missed.
    fn follow_clock(&mut self, cx: &mut Ctx<'_>) -> bool {
        let (Some(next), Some(schedule)) = (self.plan.next, self.policy.schedule.as_deref()) else {
            return false;
        };
        if schedule.is_interval() {
            // What counts is the time that passes; only what it will be called is another.
            let left_ms = cx.timers.at(self.id, Deadline::Schedule).map(|at| ms_until(cx.now.mono, at));
            self.plan.next = left_ms.map(|ms| Wall(cx.now.wall.0.saturating_add(ms)));
            return false;
        }
        let is_missed = next <= cx.now.wall;
        if is_missed {
            self.plan.last = Some(next);
        }
        self.plan_anew(cx);
        is_missed
    }

    /// `next run 2026-11-21 03:00:00 CET, last run 2026-11-20 03:00:00 CET exit status 0 (12s)`
    pub(super) fn schedule_note(&self) -> Option<String> {
        let schedule = self.policy.schedule.as_deref()?;
        let mut pieces = Vec::new();
        if let Some(next) = self.plan.next {
            pieces.push(format!("next run {}", schedule.shown(next)));
        }
        if self.plan.queued {
            pieces.push("one more run is waiting".to_owned());
        }
        if let Some(status) = self.last_exit.filter(|_| self.state.is_stopped()) {
            let start = schedule.shown(self.started.wall);
            pieces.push(format!("last run {start} {status} ({})", duration(self.plan.ran_ms)));
        }
        (!pieces.is_empty()).then(|| pieces.join(", "))
    }

    /// When it runs next.
    pub(super) fn next_run(&self) -> Option<Wall> {
        self.plan.next
    }
}

impl Engine {
    /// Whether anybody has to know when the clock is set.
    #[must_use]
    pub fn follows_clock(&self) -> bool {
        self.n_scheduled > 0
    }

    /// Everybody's first time.
    pub(super) fn plan_all(&mut self, now: Now, out: &mut Vec<Action>) {
        for id in self.scheduled() {
            self.with_slot(now, id, out, |slot, cx| slot.plan_anew(cx));
        }
    }

    pub(super) fn unplan_all(&mut self, now: Now, out: &mut Vec<Action>) {
        for id in self.scheduled() {
            self.with_slot(now, id, out, |slot, cx| slot.unplan(cx));
        }
    }

    pub(super) fn scheduled(&self) -> Vec<u32> {
        if self.n_scheduled == 0 {
            return Vec::new();
        }
        let has_one = |id: &u32| self.slots.get(*id as usize).is_some_and(|s| s.policy.schedule.is_some());
        self.layout.arrival.iter().copied().filter(has_one).collect()
    }

    /// The time has come, by the clock that nobody sets.
    pub(super) fn on_schedule(&mut self, now: Now, id: u32, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get(id as usize) else { return };
        let (Some(due), Some(schedule)) = (slot.plan.next, slot.policy.schedule.as_deref()) else { return };
        let is_early = due.0.saturating_sub(now.wall.0) > EARLY_MS;
        let is_far = is_early || now.wall.0.saturating_sub(due.0) > EARLY_MS;
        let is_interval = schedule.is_interval();
        if is_early && !is_interval {
            return self.with_slot(now, id, out, |slot, cx| slot.plan_anew(cx));
        }
        let from = if is_far { now.wall } else { due.max(now.wall) };
        let from = if is_interval && !is_far { due } else { from };
        self.with_slot(now, id, out, |slot, cx| {
            slot.plan.last = Some(due);
            slot.plan_after(from, cx);
        });
        self.run_now(now, id, out);
    }

    /// The clock was set: what is due is due at another instant, and what was jumped over is made up for once.
    pub(super) fn on_clock_set(&mut self, now: Now, out: &mut Vec<Action>) {
        for id in self.scheduled() {
            let mut is_missed = false;
            self.with_slot(now, id, out, |slot, cx| is_missed = slot.follow_clock(cx));
            if is_missed {
                self.run_now(now, id, out);
            }
        }
    }

    /// One run, unless something is in its way.
    fn run_now(&mut self, now: Now, id: u32, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get(id as usize) else { return };
        let name = slot.policy.namespec();
        let overlap = slot.policy.schedule.as_deref().map_or(Overlap::Skip, |s| s.overlap);
        let skip = |why: &str| Action::Log(LogLevel::Info, format!("skipped a run of {name}: {why}"));
        if self.is_stopping() || slot.after.is_some() {
            return;
        }
        if self.ends_after_drain() {
            return out.push(skip("everything is about to be stopped"));
        }
        match slot.state {
            State::Stopped | State::Exited | State::Fatal if slot.wanted => {
                out.push(skip("its predecessor still waits for what it depends on"));
            }
            State::Stopped | State::Exited | State::Fatal => self.want(now, id, out),
            State::Unknown => out.push(skip("nobody knows whether its predecessor is still there")),
            State::Starting | State::Running | State::Backoff | State::Stopping => match overlap {
                Overlap::Skip => out.push(skip("its predecessor has not ended (schedule_overlap = skip)")),
                Overlap::Queue => self.with_slot(now, id, out, |slot, _| slot.plan.queued = true),
                Overlap::Replace => self.with_slot(now, id, out, |slot, cx| {
                    slot.plan.queued = true;
                    slot.stop(cx);
                }),
            },
        }
    }
}

/// It lies ahead only because the clock was set back a little.
fn is_a_little_ahead(last: Wall, now: Wall) -> bool {
    let ahead = last.0.saturating_sub(now.0);
    ahead > 0 && ahead <= BACK_MS
}

fn ms_until(now: Mono, at: Mono) -> i64 {
    i64::try_from(at.since_ns(now) / 1_000_000).unwrap_or(i64::MAX)
}

/// `250ms`, `12s`, `3m 5s`, `2h 0m`
fn duration(ms: u64) -> String {
    let secs = ms / 1_000;
    match secs {
        0 => format!("{ms}ms"),
        1..60 => format!("{secs}s"),
        60..3_600 => format!("{}m {}s", secs / 60, secs % 60),
        _ => format!("{}h {}m", secs / 3_600, secs / 60 % 60),
    }
}
