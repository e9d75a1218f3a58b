//! Why a life ended: what the engine knows of it, told once for each incarnation.
//!
//! Pure. Invariants: every end, a failed start included, goes through `Slot::note_end` and so is told exactly once; a
//! process that we killed is never said to have been killed by others. Not here: what the shell adds (`daemon::history`),
//! and whether a SIGKILL was the kernel's: the engine says `Signal`.

use crate::control::{EndReason, State};
use crate::engine::action::{Action, EndFacts};
use crate::engine::slot::{After, Ctx, Life, Slot};
use crate::types::Signal;

/// What has been done to the present incarnation that may be why it ends.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Ending {
    /// It was sent SIGKILL.
    killed: bool,
    /// It had not done in time what it was to do.
    overdue: bool,
    /// It was found to be of no use any more.
    failed_check: bool,
    why: String,
}

impl Slot {
    /// A signal is on its way to it.
    pub(super) fn note_signal(&mut self, signal: Signal) {
        self.ending.killed |= signal == Signal::KILL;
    }

    /// Its time is over: of a stop, or of a start.
    pub(super) fn note_overdue(&mut self) {
        self.ending.overdue = true;
    }

    /// It is stopped because a check has failed.
    pub(super) fn note_failed_check(&mut self, why: &str) {
        self.ending.failed_check = true;
        why.clone_into(&mut self.ending.why);
    }

    /// Tells the end of this life, or that it did not begin. To be called before anything is changed by it.
    pub(super) fn tell_end(&mut self, expected: bool, cx: &mut Ctx<'_>) {
        let reason = self.reason();
        let is_failed_start = self.state == State::Starting && reason != EndReason::Liveness;
        let forked = !matches!(self.life, Life::Forking { .. } | Life::Preparing | Life::Absent);
        // A one-shot that fails is tried again too, only it has not failed to start.
        let is_failed_run = self.policy.oneshot && self.state == State::Running && !expected;
        let tries = self.tries.saturating_add(1);
        self.last_tries = if is_failed_start || is_failed_run { tries } else { 0 };
        let facts = EndFacts {
            proc: self.proc(),
            reason,
            status: if forked { self.last_exit } else { None },
            expected,
            killed: self.ending.killed,
            tries: if is_failed_start { tries } else { 0 },
            started: self.started,
            uptime_ns: if forked { cx.now.mono.since_ns(self.started.mono) } else { 0 },
            why: self.why_it_ended(reason, forked, cx.stopping),
        };
        cx.out.push(Action::Ended(facts));
    }

    /// One that was being stopped has ended.
    pub(super) fn count_stop(&mut self) {
        match self.reason() {
            EndReason::Timeout => self.stats.exits_timeout += 1,
            EndReason::Liveness => self.stats.exits_liveness += 1,
            EndReason::Exit | EndReason::Signal | EndReason::Oom | EndReason::Spawn | EndReason::Stopped => {
                self.stats.exits_stopped += 1
            }
        }
    }

    fn reason(&self) -> EndReason {
        let by_itself = match self.last_exit {
            Some(crate::types::ExitStatus::Signal { .. }) => EndReason::Signal,
            Some(crate::types::ExitStatus::Code(_)) | None => EndReason::Exit,
        };
        match (self.life, self.state) {
            (Life::Forking { .. } | Life::Preparing | Life::Absent, _) if self.ending.overdue => {
                EndReason::Timeout
            }
            (Life::Forking { .. } | Life::Preparing | Life::Absent, _) => EndReason::Spawn,
            _ if self.exec_error.is_some() => EndReason::Spawn,
            _ if self.ending.failed_check => EndReason::Liveness,
            (_, State::Stopping) if self.ending.overdue && self.ending.killed => EndReason::Timeout,
            (_, State::Stopping | State::Unknown) => EndReason::Stopped,
            (
                _,
                State::Stopped
                | State::Starting
                | State::Running
                | State::Backoff
                | State::Exited
                | State::Fatal,
            ) => by_itself,
        }
    }

    fn why_it_ended(&self, reason: EndReason, forked: bool, everything_stops: bool) -> String {
        if !self.ending.why.is_empty() {
            return self.ending.why.clone();
        }
        match reason {
            EndReason::Timeout if !forked => self.spawnerr.clone(),
            EndReason::Spawn => self.exec_error.as_ref().unwrap_or(&self.spawnerr).clone(),
            EndReason::Stopped | EndReason::Timeout if everything_stops => {
                "everything is being stopped".to_owned()
            }
            EndReason::Stopped | EndReason::Timeout => match &self.after {
                Some(After::Vacate) => "it is not configured any more".to_owned(),
                Some(After::Renew { .. }) => "it is configured otherwise now".to_owned(),
                None if self.wanted => "what it is bound to has stopped or was started again".to_owned(),
                Some(After::Again(_)) | None => String::new(),
            },
            EndReason::Exit | EndReason::Signal | EndReason::Oom | EndReason::Liveness => String::new(),
        }
    }
}
