//! One process slot: its policy, what is known of its present life, and the few ways to change both.
//!
//! Pure. Invariants: `go` is the only place that changes `state`, publishes the change and clears the deadlines of the
//! state that is left; a pid is in `life` exactly as long as the kernel may know it.
//! Not here: when to change (`process`, `stop`), names and priorities of groups (`table`).

use crate::control::{ProcessStats, State};
use crate::engine::action::{Action, StateChange};
use crate::engine::backoff::Jitter;
use crate::engine::checks::{Checks, is_up};
use crate::engine::ends::Ending;
use crate::engine::hooks::Running;
use crate::engine::input::SpawnError;
use crate::engine::policy::Policy;
use crate::engine::schedule::Plan;
use crate::engine::timers::{Deadline, Timers};
use crate::types::{ExitStatus, LogLevel, Mono, Now, Pid, ProcRef, Wall};
use std::collections::VecDeque;

/// What the kernel knows of the present incarnation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    /// Nothing.
    Absent,
    /// STARTING, and nothing is forked yet: a hook has to end first.
    Preparing,
    /// `Action::Spawn` is not answered yet; `stop`: it is to be stopped as soon as it is.
    Forking { stop: bool },
    /// Forked and not reaped.
    Alive(Pid),
    /// The leader is reaped, others may be left in its process group.
    Remnants(Pid),
}

/// How the last life of a slot ended, for the exit code of the whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct LastEnd {
    /// The shell's code of the last exit, or of the last failure to start; `None` before the first.
    pub(super) code: Option<u8>,
    /// The last exit was one of the exit codes, and late enough.
    pub(super) expected: bool,
    /// Grows with each end in the whole engine's life: which slot ended last.
    pub(super) order: u64,
}

/// What waiters want to hear of a slot, beside its states.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum News {
    Forked,
    SpawnFailed(SpawnError),
    KillFailed(String),
    /// It waits for something that does not come, or was told not to wait any more.
    WillNotStart(String),
    To(State),
}

/// What a rule may use: the time, the actions so far, the deadlines.
pub(super) struct Ctx<'a> {
    pub(super) now: Now,
    pub(super) out: &'a mut Vec<Action>,
    pub(super) timers: &'a mut Timers,
    pub(super) jitter: &'a mut Jitter,
    pub(super) news: &'a mut Vec<News>,
    pub(super) n_ends: &'a mut u64,
    /// Tasks that were ever run.
    pub(super) n_tasks: &'a mut u32,
    /// Everything is being stopped: nothing may be started.
    pub(super) stopping: bool,
    /// Nanoseconds that the grace of a stop may take at most.
    pub(super) grace_at_most: Option<u64>,
}

impl Ctx<'_> {
    pub(super) fn log(&mut self, level: LogLevel, text: String) {
        self.out.push(Action::Log(level, text));
    }
}

/// What is to follow when nothing of a slot's process runs any more.
#[derive(Debug)]
pub(super) enum After {
    /// Its program is no longer part of the whole.
    Vacate,
    /// Its program is another one under the same name.
    Renew { policy: Box<Policy>, start: bool },
    /// It is started again, after the delay that a crash would have; and why.
    Again(String),
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: u32,
    pub(super) policy: Policy,
    pub(super) state: State,
    pub(super) life: Life,
    /// Grows with each spawn, whoever has the slot.
    pub(super) incarnation: u32,
    /// Where `incarnation` stood when the present program got the slot.
    base: u32,
    /// Nobody has it.
    pub(super) is_vacant: bool,
    /// Who came later has the greater one.
    pub(super) order: u64,
    /// What is to follow when it has come to rest.
    pub(super) after: Option<After>,
    /// Failed starts in a row.
    pub(super) tries: u32,
    /// Failed starts and crashes in a row: the step of exponential backoff.
    pub(super) level: u32,
    /// What `tries` was with the last end, which may have reset it.
    pub(super) last_tries: u32,
    /// When it came into its state.
    pub(super) since: Now,
    pub(super) ending: Ending,
    /// The last spawn.
    pub(super) started: Now,
    /// The last reap.
    pub(super) stopped: Wall,
    pub(super) spawnerr: String,
    /// Why the present incarnation did not become the program.
    pub(super) exec_error: Option<String>,
    pub(super) exit: Option<ExitStatus>,
    /// How the last process of this slot ended, whatever has been started since.
    pub(super) last_exit: Option<ExitStatus>,
    /// To be started as soon as what it depends on has come so far.
    pub(super) wanted: bool,
    /// Which it does not by itself.
    pub(super) is_hopeless: bool,
    /// Its stop is held back, and then it is wanted again.
    pub(super) returns: bool,
    /// When the stop that is under way has had its share of what everybody has.
    pub(super) stop_by: Option<Mono>,
    /// The incarnations of its dependencies, added up, when it was started as `bound_at`.
    pub(super) bound: u64,
    pub(super) bound_at: u32,
    /// When it was started again by itself, as far as the window reaches; only where there is a limit.
    pub(super) restarts: VecDeque<Mono>,
    /// The process group of the present incarnation got SIGKILL.
    pub(super) group_killed: bool,
    /// When the present incarnation, or its group, last got SIGKILL from here.
    pub(super) killed_at: Option<Mono>,
    pub(super) last: LastEnd,
    pub(super) hooks: Running,
    pub(super) plan: Plan,
    /// Signals of the ladder that have been sent.
    pub(super) ladder_at: usize,
    pub(super) stats: ProcessStats,
    /// `None`: nobody asks whether it is ready or alive.
    pub(super) checks: Option<Box<Checks>>,
}

impl Slot {
    pub(super) fn new(id: u32, order: u64, policy: Policy) -> Slot {
        Slot {
            id,
            checks: Checks::of(&policy),
            policy,
            state: State::Stopped,
            life: Life::Absent,
            incarnation: 0,
            base: 0,
            is_vacant: false,
            order,
            after: None,
            tries: 0,
            level: 0,
            last_tries: 0,
            since: Now::default(),
            ending: Ending::default(),
            started: Now::default(),
            stopped: Wall::default(),
            spawnerr: String::new(),
            exec_error: None,
            exit: None,
            last_exit: None,
            wanted: false,
            is_hopeless: false,
            returns: false,
            stop_by: None,
            bound: 0,
            bound_at: 0,
            restarts: VecDeque::new(),
            group_killed: false,
            killed_at: None,
            last: LastEnd::default(),
            hooks: Running::default(),
            plan: Plan::default(),
            ladder_at: 0,
            stats: ProcessStats::default(),
        }
    }

    /// Another program gets a vacant slot.
    pub(super) fn occupy(&mut self, order: u64, policy: Policy) {
        let incarnation = self.incarnation;
        *self = Slot { incarnation, base: incarnation, ..Slot::new(self.id, order, policy) };
    }

    /// Its program goes. News of its last incarnation is late from now on.
    pub(super) fn vacate(&mut self) {
        self.incarnation = self.incarnation.wrapping_add(1);
        self.state = State::Stopped;
        self.life = Life::Absent;
        self.wanted = false;
        self.returns = false;
        self.plan.queued = false;
        self.is_vacant = true;
    }

    /// Whether the present program has ever been spawned.
    pub(super) fn was_started(&self) -> bool {
        self.incarnation > self.base
    }

    /// Nothing of it runs, no process and no hook.
    pub(super) fn is_at_rest(&self) -> bool {
        self.state.is_stopped() && !self.hooks.is_running()
    }

    /// It is started without anybody asking for it.
    pub(super) fn starts_by_itself(&self) -> bool {
        self.policy.autostart
            && self.policy.schedule.is_none()
            && self.policy.disabled.is_none()
            && !self.was_started()
            && self.state == State::Stopped
    }

    pub(super) fn name(&self) -> &str {
        &self.policy.name
    }

    pub(super) fn proc(&self) -> ProcRef {
        ProcRef { slot: self.id, incarnation: self.incarnation }
    }

    /// The pid to send signals to.
    pub(super) fn pid(&self) -> Option<Pid> {
        match self.life {
            Life::Alive(pid) => Some(pid),
            Life::Absent | Life::Preparing | Life::Forking { .. } | Life::Remnants(_) => None,
        }
    }

    /// The one way to change the state.
    pub(super) fn go(&mut self, to: State, cx: &mut Ctx<'_>) {
        let from = std::mem::replace(&mut self.state, to);
        self.since = cx.now;
        cx.timers.clear(self.id);
        if is_up(from) && !is_up(to) {
            self.end_checks(cx);
        }
        let pid = match self.life {
            Life::Alive(pid) | Life::Remnants(pid) => pid.0,
            Life::Absent | Life::Preparing | Life::Forking { .. } => 0,
        };
        let tries = if matches!(to, State::Starting | State::Backoff) { self.tries } else { 0 };
        let has_status = to == State::Exited || (to == State::Stopped && from == State::Stopping);
        cx.out.push(Action::Publish(StateChange {
            proc: self.proc(),
            from,
            to,
            pid,
            tries,
            status: if has_status { self.exit } else { None },
            expected: to == State::Exited && self.last.expected,
        }));
        cx.news.push(News::To(to));
    }

    /// Notes how a life or an attempt ended, and tells it. To be called before anything is changed by it.
    pub(super) fn note_end(&mut self, code: u8, expected: bool, cx: &mut Ctx<'_>) {
        self.tell_end(expected, cx);
        *cx.n_ends += 1;
        self.last = LastEnd { code: Some(code), expected, order: *cx.n_ends };
    }

    pub(super) fn arm_ns(&self, kind: Deadline, delay_ns: u64, cx: &mut Ctx<'_>) {
        cx.timers.arm(self.id, kind, Mono(cx.now.mono.0.saturating_add(delay_ns)));
    }

    pub(super) fn bug(&self, input: &str, cx: &mut Ctx<'_>) {
        cx.out.push(Action::Bug(format!(
            "cannot take {input} for {} (incarnation {}): it is {} and {:?}",
            self.policy.namespec(),
            self.incarnation,
            self.state.name(),
            self.life
        )));
    }
}
