//! What Kubernetes may ask: alive, ready, started up; one check for each process that counts.
//!
//! Pure. Invariant: `ready` is the AND of its checks, and agrees with the count the engine keeps.
//! Not here: HTTP and exit codes (`gateway`, `cli`), readiness checks of programs.

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
            // That the engine answers is the whole proof.
            HealthKind::Live => vec![passed("core")],
            HealthKind::Ready => {
                let mut checks = self.process_checks(now);
                let reason = if self.is_stopping() { "everything is being stopped" } else { "" };
                checks.push(check("shutdown", !self.is_stopping(), reason.to_owned()));
                if self.is_draining() {
                    checks.push(check("drain", false, "draining: traffic is to go elsewhere".to_owned()));
                }
                checks
            }
            HealthKind::Startup if self.started_up => vec![passed("startup")],
            HealthKind::Startup => self.process_checks(now),
        };
        HealthReport { ok: checks.iter().all(|c| c.ok), checks }
    }

    fn process_checks(&self, now: Now) -> Vec<Check> {
        let counting = self.shown().filter(|slot| slot.counts_for_readiness());
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
            State::Stopped | State::Starting | State::Running | State::Stopping | State::Unknown => {
                name.to_owned()
            }
        }
    }
}

impl Slot {
    /// It is to be started by itself, or somebody has started it.
    pub(super) fn counts_for_readiness(&self) -> bool {
        // A run that comes and goes is no reason to send no traffic.
        self.policy.schedule.is_none()
            && ((self.policy.autostart && self.policy.disabled.is_none()) || self.was_started())
    }

    pub(super) fn is_ready(&self) -> bool {
        match self.state {
            State::Running => !self.policy.oneshot,
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
