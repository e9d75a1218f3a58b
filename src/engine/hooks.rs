//! Commands before a start, in place of a stop signal, and after an end; and what waits for them.
//!
//! Pure. Invariants: one hook of a slot runs at a time; nothing is forked while one runs; a slot with a hook that runs is
//! not at rest, so a shutdown, an update and a removal wait for it. The states stay Supervisor's: a start that waits is
//! STARTING, what has ended is EXITED, STOPPED, BACKOFF or FATAL whether its `post_stop` runs or not.
//! Not here: the process of a hook (`daemon::tasks`), its command (`config`), stopping itself (`stop`).

use crate::config::model::Program;
use crate::control::State;
use crate::engine::action::Action;
use crate::engine::input::{SpawnError, SpawnErrorKind, TaskEnd, TaskKind, TaskRef};
use crate::engine::slot::{Ctx, Life, Slot};
use crate::types::{ExitStatus, LogLevel, ProcRef};

/// What `post_stop` gets at least, however little is left.
const POST_STOP_MS: i64 = 100;

/// Which hooks a program has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct HookPolicy {
    pre_start: bool,
    post_stop: bool,
    stop_command: bool,
    timeout_ms: i64,
}

impl HookPolicy {
    pub(super) fn new(program: &Program) -> HookPolicy {
        let Some(hooks) = &program.native.hooks else { return HookPolicy::default() };
        HookPolicy {
            pre_start: hooks.pre_start.is_some(),
            post_stop: hooks.post_stop.is_some(),
            stop_command: hooks.stop_command.is_some(),
            timeout_ms: hooks.timeout_ms,
        }
    }
}

/// The hook of a slot that runs, and the one that follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Running {
    pub(super) running: Option<TaskRef>,
    /// A process has ended while `stop_command` was running; its incarnation.
    owes_post_stop: Option<u32>,
}

impl Running {
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }
}

impl Slot {
    /// Everything that comes before the fork, then the fork. Comes back here when a hook that was in the way has ended.
    pub(super) fn prepare(&mut self, cx: &mut Ctx<'_>) {
        if self.hooks.is_running() {
            return;
        }
        if cx.stopping {
            // Nothing is started any more.
            return self.cancel_start(cx);
        }
        if self.policy.hooks.pre_start {
            let task = cx.run_task(self.proc(), TaskKind::PreStart, self.policy.hooks.timeout_ms);
            self.hooks.running = Some(task);
        } else {
            self.fork(cx);
        }
    }

    /// STARTING, with nothing forked, and not wanted any more.
    pub(super) fn cancel_start(&mut self, cx: &mut Ctx<'_>) {
        if let Some(task) = self.hooks.running.filter(|task| self.is_own_pre_start(*task)) {
            cx.out.push(Action::EndTask(task));
        }
        self.life = Life::Absent;
        // COMPAT: Supervisor knows no way from STARTING to STOPPED but this one, where there is no process.
        self.go(State::Backoff, cx);
        self.go(State::Stopped, cx);
    }

    fn is_own_pre_start(&self, task: TaskRef) -> bool {
        task.kind == TaskKind::PreStart && task.proc == self.proc() && self.life == Life::Preparing
    }

    /// Runs the command that stands in place of the stop signal. Whether there is one, and time for it.
    pub(super) fn run_stop_command(&mut self, cx: &mut Ctx<'_>) -> bool {
        let most_ms = cx.grace_at_most.and_then(|ns| i64::try_from(ns / 1_000_000).ok());
        if !self.policy.hooks.stop_command || most_ms == Some(0) {
            return false;
        }
        let time_ms = self.grace_ms().min(most_ms.unwrap_or(i64::MAX));
        self.hooks.running = Some(cx.run_task(self.proc(), TaskKind::StopCommand, time_ms));
        true
    }

    /// A process has ended, and its state is what it will be: what is run after that.
    pub(super) fn clean_up(&mut self, cx: &mut Ctx<'_>) {
        if !self.policy.hooks.post_stop {
            return;
        }
        if cx.grace_at_most == Some(0) {
            // The budget of the shutdown is spent.
            cx.log(LogLevel::Warn, format!("no time is left for post_stop of {}", self.name()));
            return;
        }
        if self.hooks.is_running() {
            self.hooks.owes_post_stop = Some(self.incarnation);
        } else {
            self.run_post_stop(self.proc(), cx);
        }
    }

    fn run_post_stop(&mut self, proc: ProcRef, cx: &mut Ctx<'_>) {
        // Within what the stop has had as its share of a shutdown.
        let left_ms = self.stop_by.map(|by| by.since_ns(cx.now.mono) / 1_000_000);
        let left_ms = left_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(i64::MAX);
        let timeout_ms = self.policy.hooks.timeout_ms.min(left_ms.max(POST_STOP_MS));
        let task = cx.run_task(proc, TaskKind::PostStop, timeout_ms);
        self.hooks.running = Some(task);
    }

    /// Gives up whatever hook there is: no time is left for it.
    pub(super) fn abandon_hooks(&mut self, cx: &mut Ctx<'_>) {
        self.hooks.owes_post_stop = None;
        cx.out.extend(self.hooks.running.map(Action::EndTask));
    }

    /// The hook that runs has ended.
    pub(super) fn on_hook_ended(&mut self, task: TaskRef, end: &TaskEnd, cx: &mut Ctx<'_>) {
        self.hooks.running = None;
        let failure = failure(end);
        if self.is_own_pre_start(task) {
            return match failure {
                None if cx.stopping => self.cancel_start(cx),
                None => self.fork(cx),
                Some(why) => {
                    if *end == TaskEnd::TimedOut {
                        self.note_overdue();
                    }
                    let text = format!("pre_start failed: {why}");
                    self.start_failed(SpawnError { kind: SpawnErrorKind::Other, text }, cx);
                }
            };
        }
        if let Some(why) = failure.filter(|_| *end != TaskEnd::Cancelled) {
            cx.log(LogLevel::Warn, format!("{} of {} failed: {why}", task.kind.word(), self.name()));
            self.on_failed_stop_command(task, end, cx);
        }
        if let Some(incarnation) = self.hooks.owes_post_stop.take() {
            self.run_post_stop(ProcRef { slot: self.id, incarnation }, cx);
        } else if self.life == Life::Preparing {
            self.prepare(cx);
        }
    }

    /// What could not be asked to stop in its own way gets the signal. One that took all of the time gets what follows.
    fn on_failed_stop_command(&mut self, task: TaskRef, end: &TaskEnd, cx: &mut Ctx<'_>) {
        if task.kind == TaskKind::StopCommand
            && *end != TaskEnd::TimedOut
            && self.state == State::Stopping
            && let Life::Alive(pid) = self.life
        {
            self.send_stop_signal(pid, cx);
        }
    }

    /// What is waited for, for people.
    pub(super) fn hook_note(&self) -> Option<String> {
        self.hooks.running.map(|task| format!("running {}", task.kind.word()))
    }
}

/// Why a hook has not done its work; `None`: it has.
fn failure(end: &TaskEnd) -> Option<String> {
    match end {
        TaskEnd::Exited { status: ExitStatus::Code(0), .. } => None,
        TaskEnd::Exited { status, said } if said.is_empty() => Some(status.to_string()),
        TaskEnd::Exited { status, said } => Some(format!("{status}: {said}")),
        TaskEnd::TimedOut => Some("it took too long and was killed".to_owned()),
        TaskEnd::Cancelled => Some("it was ended before its time".to_owned()),
        TaskEnd::NotStarted(why) => Some(why.clone()),
    }
}
