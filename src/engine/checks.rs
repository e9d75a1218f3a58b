//! Readiness and liveness of one process: when it is asked, what its answers come to, and what it says by itself.
//!
//! Pure. Times and thresholds mean what Kubernetes means by them: the delay counts from the fork, the period from start to
//! start, a run is never begun while the one before it runs; an outcome turns only after as many answers in a row as its
//! threshold says; readiness begins as failed, liveness as passed. Invariants: only a process in STARTING or RUNNING is
//! asked anything; whoever leaves them (`Slot::go`) takes along its runs, its deadlines and its readiness; at most one run of
//! a kind that has not been cancelled. Not here: how a check is run (`daemon`), what is shown of it (`note`, `health`).

mod outcome;
mod told;

use crate::config::model::{Probe, ProbeKind};
use crate::control::{CheckInfo, CheckKind, State};
use crate::engine::action::Action;
use crate::engine::input::{TaskEnd, TaskKind, TaskRef};
use crate::engine::policy::Policy;
use crate::engine::slot::{Ctx, Slot};
use crate::engine::timers::Deadline;
use crate::types::{LogLevel, Mono};
use outcome::{Turn, Verdict};

pub(super) use outcome::describe;

/// The period of a readiness check that has not passed yet since the start, where its own is longer.
const COMING_UP_MS: i64 = 1_000;

/// What is known of one process beside its state. There where its policy has a check.
#[derive(Debug)]
pub(super) struct Checks {
    readiness: Check,
    liveness: Check,
    /// It is taking in its configuration anew: not ready until it says so.
    reloading: bool,
    /// It has said that it is about to end.
    ending: bool,
    /// What it says of itself.
    status: String,
    /// Its own word for how often it has to be heard of.
    watchdog_ms: Option<i64>,
    /// The last life ended because liveness failed, and no later one has come up.
    failed: bool,
}

/// One of the two.
#[derive(Debug, Default)]
struct Check {
    verdict: Verdict,
    /// The run that is under way.
    task: Option<TaskRef>,
    /// When the last run began.
    begun: Mono,
    stats: CheckInfo,
}

impl Checks {
    pub(super) fn of(policy: &Policy) -> Option<Box<Checks>> {
        let has_any = policy.readiness.is_some() || policy.liveness.is_some();
        has_any.then(|| {
            Box::new(Checks {
                readiness: Check::new(CheckKind::Readiness),
                liveness: Check::new(CheckKind::Liveness),
                reloading: false,
                ending: false,
                status: String::new(),
                watchdog_ms: None,
                failed: false,
            })
        })
    }

    fn of_kind(&mut self, kind: CheckKind) -> &mut Check {
        match kind {
            CheckKind::Readiness => &mut self.readiness,
            CheckKind::Liveness => &mut self.liveness,
        }
    }
}

impl Check {
    fn new(kind: CheckKind) -> Check {
        let stats = CheckInfo { kind, ..CheckInfo::default() };
        Check { verdict: Verdict::first(kind), stats, ..Check::default() }
    }
}

const BOTH: [CheckKind; 2] = [CheckKind::Readiness, CheckKind::Liveness];

fn deadline_of(kind: CheckKind) -> Deadline {
    match kind {
        CheckKind::Readiness => Deadline::Readiness,
        CheckKind::Liveness => Deadline::Liveness,
    }
}

/// Whether somebody has to be asked; the others speak by themselves.
fn is_asked(how: &ProbeKind) -> bool {
    match how {
        ProbeKind::Exec { .. } | ProbeKind::Http { .. } | ProbeKind::Tcp { .. } => true,
        ProbeKind::Log { .. } | ProbeKind::Notify | ProbeKind::Fd(_) => false,
    }
}

impl Slot {
    fn probe(&self, kind: CheckKind) -> Option<&Probe> {
        match kind {
            CheckKind::Readiness => self.policy.readiness.as_deref(),
            CheckKind::Liveness => self.policy.liveness.as_deref(),
        }
    }

    /// It has been forked.
    pub(super) fn start_checks(&mut self, cx: &mut Ctx<'_>) {
        if let Some(checks) = &mut self.checks {
            checks.status.clear();
        }
        self.begin_checks(cx);
    }

    fn begin_checks(&mut self, cx: &mut Ctx<'_>) {
        if self.checks.is_none() || !is_up(self.state) || self.pid().is_none() || self.is_ending() {
            return;
        }
        for kind in BOTH {
            self.schedule_first(kind, cx);
        }
        self.begin_watch(cx);
    }

    fn schedule_first(&mut self, kind: CheckKind, cx: &mut Ctx<'_>) {
        let Some(delay_ms) = self.probe(kind).filter(|p| is_asked(&p.how)).map(|p| p.initial_delay_ms) else {
            return;
        };
        let at = self.started.mono.plus_ms(delay_ms.max(0));
        if at > cx.now.mono {
            cx.timers.arm(self.id, deadline_of(kind), at);
        } else {
            self.run_check(kind, cx);
        }
    }

    /// It has left STARTING and RUNNING: nobody asks it anything any more, and it is not ready.
    pub(super) fn end_checks(&mut self, cx: &mut Ctx<'_>) {
        self.stop_asking(cx);
        let Some(checks) = &mut self.checks else { return };
        for kind in BOTH {
            checks.of_kind(kind).verdict = Verdict::first(kind);
        }
        checks.reloading = false;
        checks.ending = false;
        checks.watchdog_ms = None;
    }

    fn stop_asking(&mut self, cx: &mut Ctx<'_>) {
        for deadline in [Deadline::Readiness, Deadline::Liveness, Deadline::Watchdog] {
            cx.timers.disarm(self.id, deadline);
        }
        let Some(checks) = &mut self.checks else { return };
        for kind in BOTH {
            cx.out.extend(checks.of_kind(kind).task.take().map(Action::EndTask));
        }
    }

    /// It has come up: what the life before died of is over.
    pub(super) fn forget_failure(&mut self) {
        if let Some(checks) = &mut self.checks {
            checks.failed = false;
        }
    }

    /// Its policy is another one, and it goes on running. What is still asked in the same way keeps its outcome.
    pub(super) fn change_checks(&mut self, before: &Policy, cx: &mut Ctx<'_>) {
        let policy = &self.policy;
        if before.readiness == policy.readiness && before.liveness == policy.liveness {
            return;
        }
        self.stop_asking(cx);
        let old = std::mem::replace(&mut self.checks, Checks::of(&self.policy));
        let (Some(mut old), Some(new)) = (old, &mut self.checks) else { return self.begin_checks(cx) };
        let how = |p: &Option<Box<Probe>>| p.as_ref().map(|p| p.how.clone());
        for (kind, is_same) in [
            (CheckKind::Readiness, how(&before.readiness) == how(&self.policy.readiness)),
            (CheckKind::Liveness, how(&before.liveness) == how(&self.policy.liveness)),
        ] {
            let check = std::mem::take(old.of_kind(kind));
            new.of_kind(kind).stats = check.stats;
            if is_same {
                new.of_kind(kind).verdict = check.verdict;
            }
        }
        (new.reloading, new.ending, new.failed) = (old.reloading, old.ending, old.failed);
        new.status = old.status;
        self.begin_checks(cx);
    }

    /// It is time to ask.
    pub(super) fn run_check(&mut self, kind: CheckKind, cx: &mut Ctx<'_>) {
        let Some(timeout_ms) = self.probe(kind).map(|p| p.timeout_ms.max(1)) else {
            return self.bug("the deadline of a check", cx);
        };
        let (proc, up) = (self.proc(), is_up(self.state) && self.pid().is_some());
        match self.checks.as_mut().map(|checks| checks.of_kind(kind)) {
            Some(check) if up && check.task.is_none() => {
                check.begun = cx.now.mono;
                check.task = Some(cx.run_task(proc, task_kind(kind), timeout_ms));
            }
            Some(_) | None => self.bug("the deadline of a check", cx),
        }
    }

    /// A run is over. The next one comes a period after this one began.
    pub(super) fn on_check_ended(&mut self, task: TaskRef, kind: CheckKind, end: &TaskEnd, cx: &mut Ctx<'_>) {
        let awaited = self.checks.as_mut().is_some_and(|c| c.of_kind(kind).task == Some(task));
        let Some(probe) = self.probe(kind).filter(|_| awaited).cloned() else {
            return cx.log(LogLevel::Debug, format!("ignored a late check of {}", self.name()));
        };
        let Some(checks) = &mut self.checks else { return };
        let check = checks.of_kind(kind);
        check.task = None;
        let begun = check.begun;
        let failure = outcome::failure(&probe, end);
        let turn = failure.map(|failure| {
            check.stats.runs += 1;
            check.stats.failures += u64::from(failure.is_some());
            check.stats.duration_ns += cx.now.mono.since_ns(begun);
            check.verdict.answer(failure, &probe)
        });
        // As kubelet does: who is not up yet is asked more often, so that it does not wait for a period it has just missed.
        let is_coming_up = kind == CheckKind::Readiness && check.verdict.is_coming_up();
        let period_ms = if is_coming_up { probe.period_ms.min(COMING_UP_MS) } else { probe.period_ms };
        let next = begun.plus_ms(period_ms.max(1)).max(cx.now.mono);
        cx.timers.arm(self.id, deadline_of(kind), next);
        if let Some(turn) = turn {
            self.turned(kind, turn, cx);
        }
    }

    /// What follows from an answer.
    fn turned(&mut self, kind: CheckKind, turn: Turn, cx: &mut Ctx<'_>) {
        match (kind, turn) {
            (_, Turn::Same) => {}
            (CheckKind::Readiness, Turn::Passed) => {
                let text = format!("ready: {} ({})", self.name(), self.shown_probe(kind));
                cx.log(LogLevel::Info, text);
            }
            (CheckKind::Liveness, Turn::Passed) => {}
            (CheckKind::Readiness, Turn::Failed(why)) => {
                let text = format!("not ready: {} ({}: {why})", self.name(), self.shown_probe(kind));
                cx.log(LogLevel::Warn, text);
            }
            (CheckKind::Liveness, Turn::Failed(why)) => {
                let why = format!("liveness {}: {why}", self.shown_probe(kind));
                self.fail_liveness(&why, cx);
            }
        }
    }

    fn fail_liveness(&mut self, why: &str, cx: &mut Ctx<'_>) {
        if let Some(checks) = &mut self.checks {
            checks.failed = true;
        }
        self.recycle(why, cx);
    }

    fn shown_probe(&self, kind: CheckKind) -> String {
        self.probe(kind).map(|p| describe(&p.how)).unwrap_or_default()
    }

    /// Its readiness check has passed, where there is one, and it has not said otherwise.
    pub(super) fn passes_readiness(&self) -> bool {
        let Some(checks) = &self.checks else { return true };
        let passes = self.policy.readiness.is_none() || checks.readiness.verdict.passing;
        passes && !checks.reloading && !checks.ending
    }

    /// It has failed for good, or its liveness has and nothing better has come since.
    pub(super) fn is_dead(&self) -> bool {
        self.state == State::Fatal || self.checks.as_ref().is_some_and(|c| c.failed)
    }

    /// For metrics.
    pub(super) fn check_infos(&self) -> Vec<CheckInfo> {
        let Some(checks) = &self.checks else { return Vec::new() };
        let both = [(&self.policy.readiness, &checks.readiness), (&self.policy.liveness, &checks.liveness)];
        let present = both.into_iter().filter(|(probe, _)| probe.is_some());
        present.map(|(_, c)| CheckInfo { up: is_up(self.state) && c.verdict.passing, ..c.stats }).collect()
    }
}

/// The states in which a process is asked.
pub(super) fn is_up(state: State) -> bool {
    match state {
        State::Starting | State::Running => true,
        State::Stopped | State::Backoff | State::Stopping | State::Exited | State::Fatal | State::Unknown => {
            false
        }
    }
}

fn task_kind(kind: CheckKind) -> TaskKind {
    match kind {
        CheckKind::Readiness => TaskKind::Readiness,
        CheckKind::Liveness => TaskKind::Liveness,
    }
}
