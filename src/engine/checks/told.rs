//! What a program says by itself: sd_notify, a line of its log, a newline on a descriptor; and what there is to say of it.
//!
//! Pure. Invariants: only a process that lives is listened to; the watchdog (`Deadline::Watchdog`) is armed only while it
//! is in STARTING or RUNNING. Not here: sockets and patterns (`daemon`), the words of the protocol (`daemon::notify`).

use crate::config::model::{Probe, ProbeKind};
use crate::control::{CheckKind, State};
use crate::engine::backoff::ms_to_ns;
use crate::engine::checks::outcome::{Turn, describe, duration};
use crate::engine::checks::{Check, Checks, is_asked, is_up};
use crate::engine::input::Told;
use crate::engine::slot::{Ctx, Slot};
use crate::engine::timers::Deadline;
use crate::types::LogLevel;

/// BOUND: what one message adds to the time that a program has for its end, and to the time between two signs of life.
const MAX_MS: i64 = 3_600_000;

impl Slot {
    /// The program says something.
    pub(in crate::engine) fn on_told(&mut self, what: Told, cx: &mut Ctx<'_>) {
        if self.checks.is_none() || self.pid().is_none() {
            let text = format!("ignored what {} says: {what:?}", self.name());
            return cx.log(LogLevel::Debug, text);
        }
        match what {
            Told::Status(text) => self.with_checks(|c| c.status = text),
            Told::ExtendMs(ms) => self.extend(ms.clamp(0, MAX_MS), cx),
            _ if !is_up(self.state) || self.is_ending() => {}
            Told::Ready => self.told_ready(cx),
            Told::Reloading => {
                let was = self.checks.as_mut().is_some_and(|c| std::mem::replace(&mut c.reloading, true));
                if !was {
                    cx.log(LogLevel::Info, format!("not ready: {} is reloading", self.name()));
                }
            }
            Told::Ending => self.told_ending(cx),
            Told::Alive => {
                if self.is_watched() {
                    self.arm_watchdog(0, cx);
                }
            }
            Told::Failing => {
                if self.is_watched() {
                    self.fail_liveness("liveness notify: it said WATCHDOG=trigger", cx);
                }
            }
            Told::WatchdogMs(ms) => {
                self.with_checks(|c| c.watchdog_ms = Some(ms.clamp(0, MAX_MS)));
                if self.is_watched() {
                    self.arm_watchdog(0, cx);
                }
            }
        }
    }

    fn with_checks(&mut self, change: impl FnOnce(&mut Checks)) {
        if let Some(checks) = &mut self.checks {
            change(checks);
        }
    }

    fn told_ready(&mut self, cx: &mut Ctx<'_>) {
        let by_itself = self.policy.readiness.as_ref().is_some_and(|p| !is_asked(&p.how));
        let is_notified = self.is_notified();
        let Some(checks) = &mut self.checks else { return };
        let was_reloading = std::mem::take(&mut checks.reloading);
        if !by_itself {
            return;
        }
        let turn = checks.readiness.verdict.pass();
        if turn != Turn::Same && is_notified {
            self.begin_watch(cx);
        }
        // A reload that is over is news, too.
        let turn = if was_reloading { Turn::Passed } else { turn };
        self.turned(CheckKind::Readiness, turn, cx);
    }

    /// It is going to end: nobody asks it any more, and it has as long for it as if we had told it to.
    fn told_ending(&mut self, cx: &mut Ctx<'_>) {
        cx.log(LogLevel::Info, format!("not ready: {} says that it is stopping", self.name()));
        self.stop_asking(cx);
        self.with_checks(|c| c.ending = true);
        self.arm_ns(Deadline::Watchdog, ms_to_ns(self.policy.stopwaitsecs_ms.max(1)), cx);
    }

    /// More time for the end that is under way. Never less.
    fn extend(&mut self, ms: i64, cx: &mut Ctx<'_>) {
        let kind = if is_up(self.state) {
            if !self.is_ending() {
                return;
            }
            Deadline::Watchdog
        } else {
            Deadline::StopGrace
        };
        let wanted = cx.now.mono.plus_ms(ms);
        if cx.timers.at(self.id, kind).is_some_and(|at| at < wanted) {
            cx.timers.arm(self.id, kind, wanted);
        }
    }

    /// It has not been heard of for too long.
    pub(in crate::engine) fn on_watchdog(&mut self, cx: &mut Ctx<'_>) {
        if !is_up(self.state) {
            return self.bug("the deadline Watchdog", cx);
        }
        if !self.is_ending() {
            let why = format!("liveness notify: no WATCHDOG=1 within {}", duration(self.watchdog_ms()));
            self.with_checks(|c| {
                c.liveness.stats.runs += 1;
                c.liveness.stats.failures += 1;
            });
            return self.fail_liveness(&why, cx);
        }
        let after = duration(self.policy.stopwaitsecs_ms);
        let why = format!("it said STOPPING=1 and has not ended within {after} (stopwaitsecs)");
        if self.policy.restarts_after(true) {
            self.recycle(&why, cx);
        } else {
            cx.log(LogLevel::Warn, format!("stopping {}: {why}", self.name()));
            self.stop(cx);
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        self.checks.as_ref().is_some_and(|c| c.ending)
    }

    /// Its liveness is that it says something.
    pub(super) fn is_watched(&self) -> bool {
        self.policy.liveness.as_ref().is_some_and(|p| p.how == ProbeKind::Notify)
    }

    /// It says itself when it is ready, by sd_notify: then the watchdog begins.
    pub(super) fn is_notified(&self) -> bool {
        self.policy.readiness.as_ref().is_some_and(|p| p.how == ProbeKind::Notify)
    }

    fn watchdog_ms(&self) -> i64 {
        let own = self.checks.as_ref().and_then(|c| c.watchdog_ms);
        own.unwrap_or_else(|| self.policy.liveness.as_ref().map_or(0, |p| p.timeout_ms.max(1)))
    }

    /// The first sign of life counts from the end of the delay; where the program says itself when it is ready, from then.
    pub(super) fn begin_watch(&mut self, cx: &mut Ctx<'_>) {
        let is_ready = self.checks.as_ref().is_some_and(|c| c.readiness.verdict.passing);
        let Some(probe) = self.policy.liveness.as_ref().filter(|p| p.how == ProbeKind::Notify) else {
            return;
        };
        if self.is_notified() && !is_ready {
            return;
        }
        let begins = self.started.mono.plus_ms(probe.initial_delay_ms.max(0));
        let delay_ns = begins.since_ns(cx.now.mono);
        self.arm_watchdog(i64::try_from(delay_ns / 1_000_000).unwrap_or(0), cx);
    }

    /// From now on, and `delay_ms` more. A program that has set the time to 0 is not watched.
    pub(super) fn arm_watchdog(&mut self, delay_ms: i64, cx: &mut Ctx<'_>) {
        match self.watchdog_ms() {
            0 => cx.timers.disarm(self.id, Deadline::Watchdog),
            ms => self.arm_ns(Deadline::Watchdog, ms_to_ns(ms.saturating_add(delay_ms)), cx),
        }
    }

    /// Why it is not ready although it runs: `readiness http http://…: connection refused (3 of 3)`.
    pub(in crate::engine) fn why_not_ready(&self) -> Option<String> {
        let checks = self.checks.as_ref()?;
        if checks.ending {
            return Some("it says that it is stopping".to_owned());
        }
        if checks.reloading {
            return Some("it is reloading".to_owned());
        }
        let probe = self.policy.readiness.as_ref().filter(|_| !checks.readiness.verdict.passing)?;
        let verdict = &checks.readiness.verdict;
        let shown = describe(&probe.how);
        Some(match &probe.how {
            ProbeKind::Log { pattern } => format!("readiness log: no line has matched `{pattern}` yet"),
            ProbeKind::Notify => "readiness notify: no READY=1 yet".to_owned(),
            ProbeKind::Fd(n) => format!("readiness fd: no newline on descriptor {n} yet"),
            ProbeKind::Exec { .. } | ProbeKind::Http { .. } | ProbeKind::Tcp { .. } => {
                match (verdict.failures, verdict.reason.is_empty()) {
                    (0, _) | (_, true) => format!("readiness {shown}: not passed yet"),
                    _ => format!("readiness {shown}: {}", verdict.shown(probe)),
                }
            }
        })
    }

    /// What an operator wants to know of its checks.
    pub(in crate::engine) fn check_notes(&self) -> Vec<String> {
        let Some(checks) = &self.checks else { return Vec::new() };
        if !is_up(self.state) {
            // What it says on its way down is of interest until it is there.
            let is_said = self.state == State::Stopping && !checks.status.is_empty();
            return is_said.then(|| checks.status.clone()).into_iter().collect();
        }
        let mut notes: Vec<String> =
            self.why_not_ready().map(|why| format!("not ready: {why}")).into_iter().collect();
        let failing = |name: &str, check: &Check, probe: Option<&Probe>| {
            let probe = probe.filter(|_| check.verdict.passing && check.verdict.failures > 0)?;
            let (n, of) = (check.verdict.failures, probe.failure_threshold.max(1));
            Some(format!("{name} check failed {} of {of}: {}", n.min(of), check.verdict.reason))
        };
        notes.extend(failing("readiness", &checks.readiness, self.policy.readiness.as_deref()));
        notes.extend(failing("live", &checks.liveness, self.policy.liveness.as_deref()));
        if !checks.status.is_empty() {
            notes.push(checks.status.clone());
        }
        notes
    }
}
