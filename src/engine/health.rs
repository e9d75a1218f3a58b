//! What Kubernetes may ask: alive, ready, started up; one check for each process that counts.
//!
//! Pure. Invariants: the answer is the AND of its checks; a program counts where its `gates` say so; whether everything
//! has started up agrees with the count the engine keeps.
//! Not here: HTTP and exit codes (`gateway`, `cli`), readiness checks of programs (`checks`).

use crate::config::model::Gates;
use crate::control::{Check, HealthKind, HealthReport, State};
use crate::engine::slot::Slot;
use crate::engine::table::Engine;
use crate::engine::timers::Deadline;
use crate::types::Now;

const NS_PER_SEC: u64 = 1_000_000_000;

impl Engine {
    /// The answer to one probe.
    #[must_use]
    pub fn health(&self, kind: HealthKind, now: Now) -> HealthReport {
        let checks = match kind {
            // That the engine answers is proof enough, but for programs that want to count.
            HealthKind::Live => self.live_checks(now),
            HealthKind::Ready => {
                let mut checks = self.process_checks(now, |gates| gates.ready);
                let reason = if self.is_stopping() { "everything is being stopped" } else { "" };
                checks.push(check("shutdown", !self.is_stopping(), reason.to_owned()));
                if self.is_draining() {
                    checks.push(check("drain", false, "draining: traffic is to go elsewhere".to_owned()));
                }
                checks
            }
            HealthKind::Startup if self.started_up => vec![passed("startup")],
            HealthKind::Startup => self.process_checks(now, |gates| gates.startup),
        };
        HealthReport { ok: checks.iter().all(|c| c.ok), checks }
    }

    fn live_checks(&self, now: Now) -> Vec<Check> {
        let counting = self.shown().filter(|slot| slot.counts(|gates| gates.live));
        counting
            .map(|slot| {
                let ok = !slot.is_dead();
                let reason = match (ok, slot.state) {
                    (true, _) => String::new(),
                    (false, State::Fatal) => self.why_unready(slot, now),
                    (false, state) => format!("{}: its liveness check has failed", state.name()),
                };
                check(&slot.policy.namespec(), ok, reason)
            })
            .collect()
    }

    fn process_checks(&self, now: Now, gate: impl Fn(&Gates) -> bool) -> Vec<Check> {
        let counting = self.shown().filter(|slot| slot.counts(&gate));
        counting
            .map(|slot| {
                let ok = slot.is_ready();
                let reason = if ok { String::new() } else { self.why_unready(slot, now) };
                check(&slot.policy.namespec(), ok, reason)
            })
            .collect()
    }

    /// `BACKOFF: can't find command 'x', retry in 2s`
    pub(super) fn why_unready(&self, slot: &Slot, now: Now) -> String {
        let name = slot.state.name();
        match slot.state {
            State::Backoff | State::Fatal | State::Exited => {
                let why = slot.exec_error.as_deref().unwrap_or(&slot.spawnerr);
                let mut text = if why.is_empty() { name.to_owned() } else { format!("{name}: {why}") };
                if let Some(at) = self.timers.at(slot.id, Deadline::Backoff) {
                    // The deadline is the first instant after the delay.
                    let left = at.since_ns(now.mono).saturating_sub(1);
                    let secs = left.div_ceil(NS_PER_SEC).max(1);
                    text.push_str(&format!(", retry in {secs}s"));
                }
                text
            }
            State::Starting | State::Running => match slot.why_not_ready() {
                Some(why) => format!("{name}: {why}"),
                None => name.to_owned(),
            },
            State::Stopped | State::Stopping | State::Unknown => name.to_owned(),
        }
    }
}

impl Slot {
    /// It counts at this gate: it is to be started by itself, or somebody has started it.
    pub(super) fn counts(&self, gate: impl Fn(&Gates) -> bool) -> bool {
        // A run that comes and goes is no reason to send no traffic.
        gate(&self.policy.gates)
            && self.policy.schedule.is_none()
            && (self.was_started() || (self.policy.autostart && self.policy.disabled.is_none()))
    }

    pub(super) fn is_ready(&self) -> bool {
        match self.state {
            State::Running => !self.policy.oneshot && self.passes_readiness(),
            // What is restarted leaves EXITED at once: this one has done its work.
            State::Exited => self.last.expected,
            State::Stopped
            | State::Starting
            | State::Backoff
            | State::Stopping
            | State::Fatal
            | State::Unknown => false,
        }
    }
}

fn check(name: &str, ok: bool, reason: String) -> Check {
    Check { name: name.to_owned(), ok, reason }
}

fn passed(name: &str) -> Check {
    check(name, true, String::new())
}
