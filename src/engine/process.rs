//! The life of one process slot: how it is spawned, becomes RUNNING, ends, and is tried again.
//!
//! Pure. Invariants: each rule matches every state; what cannot happen is a `Bug` and changes nothing; a process whose
//! policy restarts it leaves EXITED in the same step, so EXITED at the end of a step means ended.
//! COMPAT: `supervisord-contract.md` sections 2.2 to 2.6, the words of its appendix A.
//! Not here: what runs before a start and after an end (`hooks`), stopping (`stop`), who wants to know (`waiters`).

use crate::config::model::Backoff;
use crate::control::State;
use crate::engine::action::Action;
use crate::engine::backoff::{delay_ns, forgets, ms_to_ns};
use crate::engine::ends::Ending;
use crate::engine::input::{SpawnError, SpawnErrorKind};
use crate::engine::slot::{After, Ctx, Life, News, Slot};
use crate::engine::timers::Deadline;
use crate::types::{ExitStatus, LogLevel, Pid};

const TOO_QUICKLY: &str = "Exited too quickly (process log may have details)";

impl Slot {
    /// Asks for the next incarnation. Legal where nothing of the last one is left.
    pub(super) fn spawn(&mut self, cx: &mut Ctx<'_>) {
        match self.state {
            State::Stopped | State::Backoff | State::Exited | State::Fatal => {}
            State::Starting | State::Running | State::Stopping | State::Unknown => {
                return self.bug("a start", cx);
            }
        }
        self.wanted = false;
        self.is_hopeless = false;
        self.incarnation = self.incarnation.wrapping_add(1);
        self.spawnerr.clear();
        self.exec_error = None;
        self.ending = Ending::default();
        self.exit = None;
        self.group_killed = false;
        self.killed_at = None;
        self.started = cx.now;
        self.life = Life::Preparing;
        self.go(State::Starting, cx);
        self.prepare(cx);
    }

    /// Nothing has to be waited for any more.
    pub(super) fn fork(&mut self, cx: &mut Ctx<'_>) {
        self.started = cx.now;
        self.life = Life::Forking { stop: false };
        cx.out.push(Action::Spawn(self.proc()));
    }

    pub(super) fn on_spawned(&mut self, pid: Pid, cx: &mut Ctx<'_>) {
        let Life::Forking { stop } = self.life else { return self.bug("Spawned", cx) };
        self.life = Life::Alive(pid);
        // The time of the fork, not of the wish: many spawns in one turn must not shorten startsecs.
        self.started = cx.now;
        self.stats.starts += 1;
        cx.log(LogLevel::Info, format!("spawned: '{}' with pid {pid}", self.name()));
        cx.news.push(News::Forked);
        if stop {
            self.stop(cx);
        } else if self.policy.startsecs_ms <= 0 || self.policy.runs_to_its_end() {
            self.succeed(cx);
        } else {
            // COMPAT: RUNNING needs strictly more than startsecs.
            self.arm_ns(Deadline::StartSecs, ms_to_ns(self.policy.startsecs_ms).saturating_add(1), cx);
        }
        self.start_checks(cx);
    }

    pub(super) fn on_spawn_failed(&mut self, error: SpawnError, cx: &mut Ctx<'_>) {
        let Life::Forking { stop } = self.life else { return self.bug("SpawnFailed", cx) };
        self.start_failed(error, cx);
        if stop {
            self.stop(cx);
        }
    }

    /// There is no process.
    pub(super) fn start_failed(&mut self, error: SpawnError, cx: &mut Ctx<'_>) {
        self.stats.spawn_failures += 1;
        cx.log(LogLevel::Info, format!("spawnerr: {}", error.text));
        self.spawnerr.clone_from(&error.text);
        let code = match error.kind {
            SpawnErrorKind::NoFile => 127,
            SpawnErrorKind::NotExecutable => 126,
            SpawnErrorKind::Other => 1,
        };
        self.note_end(code, false, cx);
        cx.news.push(News::SpawnFailed(error));
        self.fail_start(cx);
        self.retry_or_give_up(cx);
    }

    pub(super) fn on_exec_failed(&mut self, text: String, cx: &mut Ctx<'_>) {
        if self.pid().is_none() {
            return self.bug("ExecFailed", cx);
        }
        self.stats.spawn_failures += 1;
        cx.log(LogLevel::Warn, format!("cannot start {}: {text}", self.name()));
        self.exec_error = Some(text);
    }

    pub(super) fn on_exited(&mut self, status: ExitStatus, cx: &mut Ctx<'_>) {
        if self.pid().is_none() {
            return self.bug("Exited", cx);
        }
        self.stopped = cx.now.wall;
        self.note_run(cx.now);
        match self.state {
            State::Starting if self.is_too_quick(cx) => self.exited_too_quickly(status, cx),
            State::Starting => {
                // COMPAT: it stayed up long enough, only nobody had noticed: RUNNING, then EXITED.
                self.go(State::Running, cx);
                self.ended(status, cx);
            }
            State::Running => self.ended(status, cx),
            State::Stopping => self.leader_reaped(status, cx),
            State::Unknown => self.unknown_reaped(status, cx),
            State::Stopped | State::Backoff | State::Exited | State::Fatal => self.bug("Exited", cx),
        }
    }

    /// It has stayed up for longer than startsecs.
    pub(super) fn on_startsecs(&mut self, cx: &mut Ctx<'_>) {
        match self.state {
            State::Starting => self.succeed(cx),
            State::Stopped
            | State::Running
            | State::Backoff
            | State::Stopping
            | State::Exited
            | State::Fatal
            | State::Unknown => self.bug("the deadline StartSecs", cx),
        }
    }

    /// The time to wait between two tries is over.
    pub(super) fn on_backoff_over(&mut self, cx: &mut Ctx<'_>) {
        match self.state {
            State::Backoff => {
                self.stats.restarts += 1;
                self.spawn(cx);
            }
            State::Stopped
            | State::Starting
            | State::Running
            | State::Stopping
            | State::Exited
            | State::Fatal
            | State::Unknown => self.bug("the deadline Backoff", cx),
        }
    }

    /// BACKOFF -> FATAL.
    pub(super) fn give_up(&mut self, cx: &mut Ctx<'_>) {
        self.tries = 0;
        self.level = 0;
        self.go(State::Fatal, cx);
    }

    fn succeed(&mut self, cx: &mut Ctx<'_>) {
        if self.policy.runs_to_its_end() {
            return self.go(State::Running, cx);
        }
        self.tries = 0;
        self.forget_failure();
        self.go(State::Running, cx);
        let text = format!(
            "success: {} entered RUNNING state, process has stayed up for > than {} seconds (startsecs)",
            self.name(),
            seconds(self.policy.startsecs_ms)
        );
        cx.log(LogLevel::Info, text);
    }

    fn is_too_quick(&self, cx: &Ctx<'_>) -> bool {
        !self.policy.runs_to_its_end()
            && cx.now.mono.since_ns(self.started.mono) < ms_to_ns(self.policy.startsecs_ms)
    }

    fn exited_too_quickly(&mut self, status: ExitStatus, cx: &mut Ctx<'_>) {
        // COMPAT: whatever the code was, it is a failed start, and `exit` does not show it.
        let why = self.exec_error.as_deref().filter(|_| self.policy.is_native).unwrap_or(TOO_QUICKLY);
        why.clone_into(&mut self.spawnerr);
        self.count_exit(status, false);
        self.last_exit = Some(status);
        self.note_end(status.shell_code(), false, cx);
        self.fail_start(cx);
        cx.log(LogLevel::Warn, format!("exited: {} ({status}; not expected)", self.name()));
        self.clean_up(cx);
        self.retry_or_give_up(cx);
    }

    /// STARTING -> BACKOFF.
    fn fail_start(&mut self, cx: &mut Ctx<'_>) {
        self.tries = self.tries.saturating_add(1);
        self.level = self.level.saturating_add(1);
        self.go(State::Backoff, cx);
        self.life = Life::Absent;
    }

    /// Out of a BACKOFF just entered: wait for the next try, or FATAL where there is nothing left to try.
    fn retry_or_give_up(&mut self, cx: &mut Ctx<'_>) {
        if cx.stopping {
            // Nothing would ever end this wait: no start happens any more.
            self.give_up(cx);
        } else if self.policy.schedule.is_some() {
            self.give_up(cx);
            cx.log(
                LogLevel::Warn,
                format!("{} could not be started; its next run is the next try", self.name()),
            );
        } else if self.restarts_too_often(cx) {
            self.give_up_restarting(cx);
        } else if i64::from(self.tries) > self.policy.startretries {
            self.give_up(cx);
            let text =
                format!("gave up: {} entered FATAL state, too many start retries too quickly", self.name());
            cx.log(LogLevel::Info, text);
        } else {
            self.arm_backoff(cx);
        }
    }

    /// RUNNING -> EXITED, and on where the policy restarts it.
    fn ended(&mut self, status: ExitStatus, cx: &mut Ctx<'_>) {
        let expected = self.policy.expects(status);
        if expected || !self.policy.oneshot {
            self.tries = 0;
        }
        if forgets(self.policy.backoff, cx.now.mono.since_ns(self.started.mono)) {
            self.level = 0;
        }
        self.exit = Some(status);
        self.count_exit(status, expected);
        self.last_exit = Some(status);
        self.note_end(status.shell_code(), expected, cx);
        self.go(State::Exited, cx);
        self.life = Life::Absent;
        if expected {
            cx.log(LogLevel::Info, format!("exited: {} ({status}; expected)", self.name()));
        } else {
            self.spawnerr = format!("Bad exit code {}", status.supervisor_code());
            cx.log(LogLevel::Warn, format!("exited: {} ({status}; not expected)", self.name()));
        }
        self.clean_up(cx);
        if cx.stopping {
        } else if self.policy.oneshot {
            self.finish_oneshot(expected, cx);
        } else if self.policy.schedule.is_none() && self.policy.restarts_after(expected) {
            self.restart(cx);
        }
    }

    /// Stops it, and starts it again as after a crash. For whoever decides that a running program has failed; it does
    /// nothing for one that is on its way somewhere else.
    pub(super) fn recycle(&mut self, why: &str, cx: &mut Ctx<'_>) {
        if !matches!(self.state, State::Starting | State::Running) || self.after.is_some() || cx.stopping {
            return;
        }
        cx.log(LogLevel::Warn, format!("restarting {}: {why}", self.name()));
        self.note_failed_check(why);
        self.after = Some(After::Again(why.to_owned()));
        self.stop(cx);
    }

    /// It has run to its end: once is enough, or it is tried again.
    fn finish_oneshot(&mut self, expected: bool, cx: &mut Ctx<'_>) {
        if expected {
            self.level = 0;
            return;
        }
        self.tries = self.tries.saturating_add(1);
        self.level = self.level.saturating_add(1);
        let exit = self.exit.take();
        self.go(State::Backoff, cx);
        self.retry_or_give_up(cx);
        if self.state == State::Fatal {
            self.exit = exit;
        }
    }

    /// Notes a start that it does by itself, and tells whether there were too many of them in the window.
    fn restarts_too_often(&mut self, cx: &Ctx<'_>) -> bool {
        let Some(most) = self.policy.max_restarts else { return false };
        let (now, window) = (cx.now.mono, ms_to_ns(self.policy.restart_window_ms));
        self.restarts.retain(|at| window == 0 || now.since_ns(*at) < window);
        // BOUND: never more than the limit allows.
        if self.restarts.len() >= most as usize {
            return true;
        }
        self.restarts.push_back(now);
        false
    }

    fn give_up_restarting(&mut self, cx: &mut Ctx<'_>) {
        let n = self.restarts.len();
        let text = match self.policy.restart_window_ms {
            0 => format!("{n} restarts (max_restarts)"),
            ms => format!("{n} restarts within {} seconds (max_restarts)", seconds(ms)),
        };
        self.restarts.clear();
        self.spawnerr.clone_from(&text);
        self.give_up(cx);
        cx.log(LogLevel::Warn, format!("gave up: {} entered FATAL state, {text}", self.name()));
    }

    /// Starts it again after an end.
    pub(super) fn restart(&mut self, cx: &mut Ctx<'_>) {
        if self.policy.schedule.is_some() {
            // What was stopped for a failed check was one run; there will be another.
            return;
        }
        if self.restarts_too_often(cx) {
            return self.give_up_restarting(cx);
        }
        match self.policy.backoff {
            // COMPAT: no delay and no limit.
            Backoff::Linear => {
                self.stats.restarts += 1;
                self.spawn(cx);
            }
            // A crash after RUNNING waits too, but never counts against startretries.
            Backoff::Exponential { .. } => {
                self.level = self.level.saturating_add(1);
                self.go(State::Backoff, cx);
                self.exit = None;
                self.arm_backoff(cx);
            }
        }
    }

    fn arm_backoff(&mut self, cx: &mut Ctx<'_>) {
        let delay = delay_ns(self.policy.backoff, self.tries, self.level, cx.jitter);
        // COMPAT: the next try comes strictly after the delay.
        self.arm_ns(Deadline::Backoff, delay.saturating_add(1), cx);
    }

    fn count_exit(&mut self, status: ExitStatus, expected: bool) {
        match status {
            ExitStatus::Signal { .. } => self.stats.exits_signal += 1,
            ExitStatus::Code(_) if expected => self.stats.exits_expected += 1,
            ExitStatus::Code(_) => self.stats.exits_unexpected += 1,
        }
    }
}

/// Milliseconds as seconds for people: `1`, `0.5`.
fn seconds(ms: i64) -> String {
    if ms % 1000 == 0 {
        return (ms / 1000).to_string();
    }
    let sign = if ms < 0 { "-" } else { "" };
    let digits = format!("{sign}{}.{:03}", (ms / 1000).unsigned_abs(), (ms % 1000).unsigned_abs());
    digits.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn startsecs_are_shown_as_supervisor_writes_them() {
        for (ms, text) in
            [(1000, "1"), (0, "0"), (-2000, "-2"), (500, "0.5"), (1250, "1.25"), (-1500, "-1.5")]
        {
            assert_eq!(seconds(ms), text);
        }
    }
}
