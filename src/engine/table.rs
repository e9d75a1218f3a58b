//! The engine itself: all slots, the way of an input to its slot, and what follows when a slot has changed.
//!
//! Pure. Invariants: every change of a slot goes through `with_slot`, which keeps the counts right and tells the
//! waiters; what follows for the whole (the end of everything) is decided once, at the end of a step.
//! Not here: the rules of one slot (`process`, `stop`), of a shutdown (`shutdown`), of a command (`commands`), who belongs
//! to the whole (`roll`) and in which order (`layout`).

use crate::config::model::Config;
use crate::control::{CheckKind, Fault, State};
use crate::engine::action::Action;
use crate::engine::backoff::Jitter;
use crate::engine::dependents::Dependents;
use crate::engine::depends::Links;
use crate::engine::drain::Drain;
use crate::engine::input::Input;
use crate::engine::layout::Layout;
use crate::engine::policy::Policy;
use crate::engine::shutdown::Phase;
use crate::engine::slot::{Ctx, News, Slot};
use crate::engine::tally::{Facts, Tally};
use crate::engine::timers::{Deadline, Due, Timers, Whole};
use crate::engine::waiters::Waiters;
use crate::types::{LogLevel, Mono, Now, ProcRef};

/// Decides. One value owns all states of supervision; see the module's essay.
#[derive(Debug)]
pub struct Engine {
    pub(super) slots: Vec<Slot>,
    pub(super) layout: Layout,
    pub(super) timers: Timers,
    pub(super) waiters: Waiters,
    pub(super) tally: Tally,
    pub(super) phase: Phase,
    jitter: Jitter,
    pub(super) n_ends: u64,
    n_tasks: u32,
    /// `n_ends` when programs last came or went by an operator's hand.
    pub(super) n_ends_settled: u64,
    /// Slots with something to follow, which have come to rest in this step.
    pub(super) resting: Vec<u32>,
    pub(super) booted: bool,
    /// Everything that counts has been ready at once, sometime.
    pub(super) started_up: bool,
    pub(super) main: Option<u32>,
    pub(super) exit_when_all_exited: bool,
    pub(super) dependents: Dependents,
    pub(super) links: Links,
    pub(super) drain: Drain,
    /// A critical program has ended in this step.
    pub(super) critical_end: Option<u32>,
    /// The cause of the end has been told.
    pub(super) is_explained: bool,
    /// Starts that the next command may not do, and why.
    pub(super) refused: Vec<(u32, Fault)>,
    /// Programs with a schedule.
    pub(super) n_scheduled: usize,
    /// Kept only for its memory.
    news: Vec<News>,
}

impl Engine {
    /// A new engine with nothing started. Copies what it needs; `seed` is for the jitter of delays.
    #[must_use]
    pub fn new(config: &Config, seed: u64) -> Engine {
        let mut slots = Vec::new();
        for group in &config.groups {
            for program in &group.programs {
                let id = u32::try_from(slots.len()).unwrap_or(u32::MAX);
                slots.push(Slot::new(id, u64::from(id), Policy::new(program, group)));
            }
        }
        let main = config.processes().position(|p| p.main).and_then(|at| u32::try_from(at).ok());
        let mut engine = Engine {
            timers: Timers::new(slots.len()),
            slots,
            layout: Layout::default(),
            waiters: Waiters::default(),
            tally: Tally::default(),
            phase: Phase::Running,
            jitter: Jitter::new(seed),
            n_ends: 0,
            n_tasks: 0,
            n_ends_settled: 0,
            resting: Vec::new(),
            booted: false,
            started_up: false,
            main,
            exit_when_all_exited: config.supervisor.exit_when_all_exited,
            dependents: Dependents::default(),
            links: Links::default(),
            drain: Drain::new(&config.supervisor),
            critical_end: None,
            is_explained: false,
            refused: Vec::new(),
            n_scheduled: 0,
            news: Vec::new(),
        };
        engine.lay_out();
        engine
    }

    /// Takes one input and appends what is to be done, in order. Total: every input is legal in every state.
    pub fn step(&mut self, now: Now, input: Input, out: &mut Vec<Action>) {
        if self.phase == Phase::Left && !matches!(input, Input::Command { .. }) {
            return;
        }
        match input {
            Input::Boot => self.on_boot(now, out),
            Input::Deadline => self.on_deadline(now, out),
            Input::Spawned { proc, pid } => {
                self.on_news_of(now, proc, "Spawned", out, |slot, cx| slot.on_spawned(pid, cx));
            }
            Input::SpawnFailed { proc, error } => {
                self.on_news_of(now, proc, "SpawnFailed", out, |slot, cx| slot.on_spawn_failed(error, cx));
            }
            Input::ExecFailed { proc, text } => {
                self.on_news_of(now, proc, "ExecFailed", out, |slot, cx| slot.on_exec_failed(text, cx));
            }
            Input::Exited { proc, status } => {
                self.on_news_of(now, proc, "Exited", out, |slot, cx| slot.on_exited(status, cx));
            }
            Input::GroupChecked { proc, alive } => {
                self.on_news_of(now, proc, "GroupChecked", out, |slot, cx| slot.on_group_checked(alive, cx));
            }
            Input::KillFailed { proc, errno } => {
                self.on_news_of(now, proc, "KillFailed", out, |slot, cx| slot.on_kill_failed(&errno, cx));
            }
            Input::Told { proc, what } => {
                self.on_news_of(now, proc, "Told", out, |slot, cx| slot.on_told(what, cx));
            }
            Input::TaskEnded { task, end } => self.on_task_ended(now, task, &end, out),
            Input::Command { id, command } => self.on_command(now, id, command, out),
            Input::Shutdown { signal } => self.on_shutdown(now, signal, out),
            Input::Drain => self.on_drain(now, None, out),
            Input::ClockSet => self.on_clock_set(now, out),
            Input::Restart { signal } => self.on_restart(signal, out),
            Input::Forward { slot, signal } => self.on_forward(now, slot, signal, out),
            Input::Add { group, members } => self.on_add(now, &group, &members, out),
            Input::Retire { slots } => self.on_retire(now, &slots, out),
            Input::Change(changes) => self.on_change(now, &changes, out),
        }
        self.settle(now, out);
    }

    /// When `Input::Deadline` is wanted; `None`: never.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// The state of a slot; UNKNOWN for one that does not exist.
    #[must_use]
    pub fn state(&self, slot: u32) -> State {
        self.slots.get(slot as usize).map_or(State::Unknown, |s| s.state)
    }

    /// Whether everything is being stopped, or has been.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.phase != Phase::Running
    }

    /// How many commands have not been answered yet.
    #[must_use]
    pub fn n_open_commands(&self) -> usize {
        self.waiters.n_open() + self.n_drainers()
    }

    /// Runs a rule on a slot and everything that a change of a slot entails.
    pub(super) fn with_slot(
        &mut self,
        now: Now,
        id: u32,
        out: &mut Vec<Action>,
        rule: impl FnOnce(&mut Slot, &mut Ctx<'_>),
    ) {
        let stopping = self.is_stopping();
        let (Some(slot), Some(tier)) = (self.slots.get_mut(id as usize), self.layout.tier_of(id)) else {
            out.push(Action::Bug(format!("cannot find slot {id}")));
            return;
        };
        let mut news = std::mem::take(&mut self.news);
        self.tally.remove(tier, Facts::of(slot));
        let mut cx = Ctx {
            now,
            out,
            timers: &mut self.timers,
            jitter: &mut self.jitter,
            news: &mut news,
            n_ends: &mut self.n_ends,
            n_tasks: &mut self.n_tasks,
            stopping,
            grace_at_most: self.drain.grace_at_most,
        };
        rule(slot, &mut cx);
        self.tally.add(tier, Facts::of(slot));
        if (slot.after.is_some() || slot.plan.queued) && slot.is_at_rest() {
            self.resting.push(id);
        }
        if slot.policy.critical && slot.has_ended() && self.critical_end.is_none() {
            self.critical_end = Some(id);
        }
        for item in news.drain(..) {
            self.dependents.note(id, &item);
            self.waiters.on_news(id, &slot.policy.group, &slot.policy.name, &item, out);
        }
        self.news = news;
        self.links.touch(id);
    }

    /// COMPAT: everything with autostart in one go: groups by priority, members in the order of the configuration.
    fn on_boot(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.booted {
            out.push(Action::Bug("cannot take Boot: it has come before".to_owned()));
            return;
        }
        self.booted = true;
        if self.is_stopping() {
            return;
        }
        self.plan_all(now, out);
        for id in self.layout.arrival.clone() {
            if self.slots.get(id as usize).is_some_and(Slot::starts_by_itself) {
                self.want(now, id, out);
            }
        }
    }

    fn on_deadline(&mut self, now: Now, out: &mut Vec<Action>) {
        // Ends: a rule arms only deadlines that lie after `now`.
        while let Some(due) = self.timers.take_due(now.mono) {
            match due {
                Due::Slot(id, Deadline::StartSecs) => {
                    self.with_slot(now, id, out, |s, cx| s.on_startsecs(cx))
                }
                Due::Slot(id, Deadline::Backoff) => {
                    self.with_slot(now, id, out, |s, cx| s.on_backoff_over(cx));
                }
                Due::Slot(id, Deadline::StopGrace) => {
                    self.with_slot(now, id, out, |s, cx| s.on_grace_over(cx));
                }
                Due::Slot(id, Deadline::GroupPoll) => {
                    self.with_slot(now, id, out, |s, cx| s.on_group_poll(cx));
                }
                Due::Slot(id, Deadline::StopReport) => {
                    if self.waiters.has_stop_waiter(id) {
                        self.with_slot(now, id, out, |s, cx| s.report_stop(cx));
                    }
                }
                Due::Slot(id, Deadline::Readiness) => {
                    self.with_slot(now, id, out, |s, cx| s.run_check(CheckKind::Readiness, cx));
                }
                Due::Slot(id, Deadline::Liveness) => {
                    self.with_slot(now, id, out, |s, cx| s.run_check(CheckKind::Liveness, cx));
                }
                Due::Slot(id, Deadline::Watchdog) => {
                    self.with_slot(now, id, out, |s, cx| s.on_watchdog(cx));
                }
                Due::Slot(id, Deadline::Schedule) => self.on_schedule(now, id, out),
                Due::Whole(Whole::Report) => self.report_shutdown(now, out),
                Due::Whole(Whole::Drain) => self.on_drained(now, out),
                Due::Whole(Whole::Budget) => self.on_budget_spent(now, out),
            }
        }
    }

    /// Only news of the present incarnation reaches a slot.
    pub(super) fn on_news_of(
        &mut self,
        now: Now,
        proc: ProcRef,
        what: &str,
        out: &mut Vec<Action>,
        rule: impl FnOnce(&mut Slot, &mut Ctx<'_>),
    ) {
        let Some(slot) = self.slots.get(proc.slot as usize) else {
            out.push(Action::Bug(format!(
                "cannot take {what} for slot {}: there is no such slot",
                proc.slot
            )));
            return;
        };
        if proc.incarnation == slot.incarnation && slot.incarnation > 0 {
            self.with_slot(now, proc.slot, out, rule);
        } else if proc.incarnation < slot.incarnation {
            let text = format!("ignored late {what} of {} (incarnation {})", slot.name(), proc.incarnation);
            out.push(Action::Log(LogLevel::Debug, text));
        } else {
            out.push(Action::Bug(format!(
                "cannot take {what} for {} (incarnation {}): it is at {}",
                slot.policy.namespec(),
                proc.incarnation,
                slot.incarnation
            )));
        }
    }

    /// What follows for the whole from what has happened to a part.
    fn settle(&mut self, now: Now, out: &mut Vec<Action>) {
        self.follow_up(now, out);
        if self.booted && self.tally.unstarted == 0 {
            self.started_up = true;
        }
        self.start_dependents(now, out);
        self.follow_links(now, out);
        self.end_if_over(out);
        self.advance_shutdown(now, out);
    }

    /// The counts, made anew by looking at every slot.
    pub(super) fn recount(&self) -> Tally {
        let mut tally = Tally::new(self.layout.tiers.len());
        for slot in &self.slots {
            if let Some(tier) = self.layout.tier_of(slot.id) {
                tally.add(tier, Facts::of(slot));
            }
        }
        tally
    }
}
