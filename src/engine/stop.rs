//! How one process slot is stopped: the stop signal, the grace, the ladder, SIGKILL, and the rest of its process group.
//!
//! Pure. Invariants: STOPPING always has the deadline `StopGrace`; with killasgroup a slot is STOPPED only when its
//! process group is empty, with `signal_target = tree` when nothing that descends from it is left; a signal only goes to a
//! pid that has not been reaped, or to a group or a tree just seen alive.
//! COMPAT: contract 2.7. Supervisor calls a process stopped when its leader is gone, whoever is left in the group; we do
//! that only without killasgroup.
//! Not here: the order in which slots are stopped (`shutdown`, `commands`).

use crate::control::State;
use crate::engine::action::{Action, Scope};
use crate::engine::backoff::ms_to_ns;
use crate::engine::slot::{Ctx, Life, News, Slot};
use crate::engine::timers::Deadline;
use crate::types::{ExitStatus, LogLevel, Mono, Pid, Signal};

/// How often a process group is looked at that has outlived its leader, in case no reap tells us.
const GROUP_POLL_MS: i64 = 100;
/// A SIGKILL that did not help is not repeated faster than this (Supervisor would, with stopwaitsecs=0).
const MIN_KILL_INTERVAL_MS: i64 = 1_000;
/// COMPAT: `waiting for x to stop` at most so often.
const STOP_REPORT_MS: i64 = 2_000;

impl Slot {
    /// Begins to stop it. Does nothing where nothing runs or it is being stopped already.
    pub(super) fn stop(&mut self, cx: &mut Ctx<'_>) {
        match self.state {
            State::Starting | State::Running => match self.life {
                Life::Alive(pid) => self.begin_stop(pid, cx),
                // RACE: the answer to `Spawn` is on its way; without a pid there is nobody to signal yet.
                Life::Forking { .. } => self.life = Life::Forking { stop: true },
                Life::Preparing => self.cancel_start(cx),
                Life::Absent | Life::Remnants(_) => self.bug("a stop", cx),
            },
            State::Backoff => {
                let text = format!("Attempted to kill {}, which is in BACKOFF state.", self.name());
                cx.log(LogLevel::Debug, text);
                // COMPAT: the count of failed starts is kept.
                self.go(State::Stopped, cx);
            }
            State::Stopped | State::Stopping | State::Exited | State::Fatal | State::Unknown => {}
        }
    }

    /// The grace is over.
    pub(super) fn on_grace_over(&mut self, cx: &mut Ctx<'_>) {
        match self.state {
            State::Stopping => {}
            State::Stopped
            | State::Starting
            | State::Running
            | State::Backoff
            | State::Exited
            | State::Fatal
            | State::Unknown => return self.bug("the deadline StopGrace", cx),
        }
        match self.life {
            Life::Alive(pid) | Life::Remnants(pid) if self.next_signal().is_some() => {
                self.climb(pid, cx);
            }
            Life::Alive(pid) => {
                self.escalate(pid, self.policy.kill_scope(), cx);
            }
            Life::Remnants(pid) => self.escalate(pid, self.rest(), cx),
            Life::Absent | Life::Preparing | Life::Forking { .. } => self.bug("the deadline StopGrace", cx),
        }
    }

    /// There is no time left: SIGKILL now, whatever it is doing.
    pub(super) fn kill_now(&mut self, cx: &mut Ctx<'_>) {
        self.abandon_hooks(cx);
        // KILL is all that is left of the ladder.
        self.ladder_at = self.policy.stop_ladder.len();
        match (self.state, self.life) {
            (State::Starting | State::Running, Life::Alive(_)) => {
                self.go(State::Stopping, cx);
                self.on_grace_over(cx);
            }
            // Its own grace was over in this very instant.
            (State::Stopping, _) if self.killed_at == Some(cx.now.mono) => {}
            (State::Stopping, Life::Alive(_) | Life::Remnants(_)) => self.on_grace_over(cx),
            (
                State::Stopped
                | State::Starting
                | State::Running
                | State::Backoff
                | State::Stopping
                | State::Exited
                | State::Fatal
                | State::Unknown,
                _,
            ) => self.stop(cx),
        }
    }

    /// Somebody waits for this stop.
    pub(super) fn report_stop(&mut self, cx: &mut Ctx<'_>) {
        if self.state == State::Stopping {
            cx.log(LogLevel::Info, format!("waiting for {} to stop", self.name()));
            self.arm_ns(Deadline::StopReport, ms_to_ns(STOP_REPORT_MS), cx);
        }
    }

    pub(super) fn on_group_poll(&mut self, cx: &mut Ctx<'_>) {
        match self.life {
            Life::Remnants(pid) => self.check_rest(pid, cx),
            Life::Absent | Life::Preparing | Life::Forking { .. } | Life::Alive(_) => {
                self.bug("the deadline GroupPoll", cx);
            }
        }
    }

    pub(super) fn on_group_checked(&mut self, alive: bool, cx: &mut Ctx<'_>) {
        match (self.state, self.life) {
            (State::Stopping, Life::Remnants(_)) if !alive => self.stopped(cx),
            (State::Stopping, Life::Remnants(pid)) => {
                if self.policy.stop_scope() == Scope::Process && !self.group_killed {
                    // Nobody but the leader was asked to stop, so there is no grace to wait for.
                    self.escalate(pid, self.rest(), cx);
                }
                self.arm_ns(Deadline::GroupPoll, ms_to_ns(GROUP_POLL_MS), cx);
            }
            // News that was asked for while it mattered.
            (
                State::Stopped
                | State::Starting
                | State::Running
                | State::Backoff
                | State::Stopping
                | State::Exited
                | State::Fatal
                | State::Unknown,
                _,
            ) => cx.log(LogLevel::Debug, format!("ignored news of the process group of {}", self.name())),
        }
    }

    /// kill(2) was refused.
    pub(super) fn on_kill_failed(&mut self, errno: &str, cx: &mut Ctx<'_>) {
        match (self.state, self.life) {
            (State::Starting | State::Running | State::Stopping, Life::Alive(pid)) => {
                let text = format!("unknown problem killing {} ({pid}):{errno}", self.name());
                cx.log(LogLevel::Critical, text.clone());
                cx.news.push(News::KillFailed(text));
                self.go(State::Unknown, cx);
            }
            (State::Stopping, Life::Remnants(pid)) => {
                // Waiting longer would not help, and a process of ours is not in there any more.
                let text = format!("cannot kill the process group of {} ({pid}): {errno}", self.name());
                cx.log(LogLevel::Warn, text);
                self.stopped(cx);
            }
            (
                State::Stopped
                | State::Starting
                | State::Running
                | State::Backoff
                | State::Stopping
                | State::Exited
                | State::Fatal
                | State::Unknown,
                _,
            ) => cx.log(LogLevel::Debug, format!("ignored a refused signal to {}: {errno}", self.name())),
        }
    }

    /// Sends a signal an operator asked for: to the one process, unless `signal_target` says otherwise.
    pub(super) fn signal(&mut self, pid: Pid, signal: Signal, cx: &mut Ctx<'_>) {
        cx.log(LogLevel::Debug, format!("sending {} (pid {pid}) sig {signal}", self.name()));
        self.note_signal(signal);
        let scope = self.policy.signal_scope();
        cx.out.push(Action::Kill { proc: self.proc(), pid, scope, signal });
    }

    /// The leader is gone. With killasgroup its group, or its tree, has to be empty too before this is STOPPED.
    pub(super) fn leader_reaped(&mut self, status: ExitStatus, cx: &mut Ctx<'_>) {
        let Life::Alive(pid) = self.life else { return self.bug("Exited", cx) };
        self.exit = Some(status);
        self.last_exit = Some(status);
        self.count_stop();
        self.note_end(status.shell_code(), self.policy.expects(status), cx);
        if self.policy.kill_scope() == Scope::Process {
            self.stopped(cx);
        } else {
            self.life = Life::Remnants(pid);
            self.check_rest(pid, cx);
        }
    }

    /// What of an incarnation may outlive its leader. The policy may have become another meanwhile.
    fn rest(&self) -> Scope {
        match self.policy.kill_scope() {
            Scope::Process | Scope::Group => Scope::Group,
            Scope::Tree => Scope::Tree,
        }
    }

    fn check_rest(&self, pid: Pid, cx: &mut Ctx<'_>) {
        cx.out.push(Action::CheckGroup { proc: self.proc(), pid, scope: self.rest() });
    }

    /// A process that could not be signalled has ended after all: it can be started again.
    pub(super) fn unknown_reaped(&mut self, status: ExitStatus, cx: &mut Ctx<'_>) {
        self.exit = Some(status);
        self.last_exit = Some(status);
        self.count_stop();
        self.note_end(status.shell_code(), self.policy.expects(status), cx);
        self.stopped(cx);
    }

    fn begin_stop(&mut self, pid: Pid, cx: &mut Ctx<'_>) {
        self.go(State::Stopping, cx);
        self.ladder_at = 0;
        self.stop_by = cx.grace_at_most.map(|ns| Mono(cx.now.mono.0.saturating_add(ns)));
        if !self.run_stop_command(cx) {
            self.send_stop_signal(pid, cx);
        }
        self.arm_grace(cx);
    }

    /// Its own time, within its share of what everybody has.
    fn arm_grace(&mut self, cx: &mut Ctx<'_>) {
        let share = self.stop_by.map(|by| by.since_ns(cx.now.mono));
        let at_most = share.into_iter().chain(cx.grace_at_most).min().unwrap_or(u64::MAX);
        self.arm_ns(Deadline::StopGrace, ms_to_ns(self.grace_ms()).min(at_most), cx);
    }

    pub(super) fn send_stop_signal(&mut self, pid: Pid, cx: &mut Ctx<'_>) {
        self.kill(pid, self.policy.stop_scope(), self.policy.stopsignal, cx);
    }

    /// What it gets before the next signal.
    pub(super) fn grace_ms(&self) -> i64 {
        let next = self.policy.stop_ladder.get(self.ladder_at);
        next.map_or(self.policy.stopwaitsecs_ms, |step| step.after_ms)
    }

    /// The next step of the ladder, if it is another than SIGKILL.
    pub(super) fn next_signal(&self) -> Option<Signal> {
        let asked_more = matches!(self.life, Life::Alive(_)) || self.policy.stop_scope() != Scope::Process;
        let step = self.policy.stop_ladder.get(self.ladder_at).filter(|_| asked_more)?;
        Some(step.signal).filter(|signal| *signal != Signal::KILL)
    }

    /// The signal has not helped: the next one.
    fn climb(&mut self, pid: Pid, cx: &mut Ctx<'_>) {
        let Some(signal) = self.next_signal() else { return };
        self.ladder_at += 1;
        cx.log(LogLevel::Info, format!("{} ({pid}) is still there: sending {signal}", self.name()));
        self.kill(pid, self.policy.stop_scope(), signal, cx);
        self.arm_grace(cx);
    }

    fn escalate(&mut self, pid: Pid, scope: Scope, cx: &mut Ctx<'_>) {
        cx.log(LogLevel::Warn, format!("killing '{}' ({pid}) with SIGKILL", self.name()));
        self.note_overdue();
        self.kill(pid, scope, Signal::KILL, cx);
        self.group_killed |= scope != Scope::Process;
        self.killed_at = Some(cx.now.mono);
        let again_ms = self.policy.stopwaitsecs_ms.max(MIN_KILL_INTERVAL_MS);
        self.arm_ns(Deadline::StopGrace, ms_to_ns(again_ms), cx);
    }

    fn kill(&mut self, pid: Pid, scope: Scope, signal: Signal, cx: &mut Ctx<'_>) {
        let whom = match scope {
            Scope::Process => "",
            Scope::Group => "process group ",
            Scope::Tree => "and all that descends from it ",
        };
        cx.log(LogLevel::Debug, format!("killing {} (pid {pid}) {whom}with signal {signal}", self.name()));
        self.note_signal(signal);
        cx.out.push(Action::Kill { proc: self.proc(), pid, scope, signal });
    }

    /// -> STOPPED, with nothing left.
    fn stopped(&mut self, cx: &mut Ctx<'_>) {
        self.go(State::Stopped, cx);
        self.life = Life::Absent;
        if let Some(status) = self.exit {
            let level = if self.last.expected { LogLevel::Info } else { LogLevel::Warn };
            cx.log(level, format!("stopped: {} ({status})", self.name()));
        }
        self.clean_up(cx);
    }
}
