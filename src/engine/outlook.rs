//! What becomes of a process if nobody does anything: a sentence, and when.
//!
//! Pure. Invariant: says what the rules in `process`, `stop` and `shutdown` would do, and changes nothing.
//! Not here: how it came to this (`ends`), the words of the past (`control`).

use crate::config::model::{Autorestart, Backoff};
use crate::control::{Outlook, State, duration};
use crate::engine::slot::{After, Slot};
use crate::engine::table::Engine;
use crate::engine::timers::Deadline;
use crate::types::{Now, Signal, Wall};

impl Engine {
    /// What happens next to the process of this slot; `None` for one that does not exist.
    #[must_use]
    pub fn outlook(&self, slot: u32, now: Now) -> Option<Outlook> {
        let slot = self.slots.get(slot as usize)?;
        let until = |kind| self.timers.at(slot.id, kind).map(|at| at.since_ns(now.mono));
        let (text, in_ns) = match slot.state {
            State::Stopping => {
                let left = until(Deadline::StopGrace);
                (slot.while_stopping(left), left)
            }
            _ if self.is_stopping() => ("everything is being stopped: nothing is started".to_owned(), None),
            State::Backoff => {
                let left = until(Deadline::Backoff);
                (slot.before_the_next_try(left.unwrap_or(0)), left)
            }
            State::Starting => {
                let left = until(Deadline::StartSecs);
                (slot.while_starting(left), left)
            }
            State::Running => (slot.after_an_exit(), None),
            _ if slot.wanted && slot.is_at_rest() => (self.while_waiting(slot, now), None),
            State::Stopped | State::Exited | State::Fatal => (slot.at_rest(), until(Deadline::Schedule)),
            State::Unknown => (
                "it could not be signalled: it is waited for, and can be started again then".to_owned(),
                None,
            ),
        };
        Some(Outlook { text, in_ns })
    }

    fn while_waiting(&self, slot: &Slot, now: Now) -> String {
        let waits = self.what_it_waits_for(slot, now);
        if slot.is_hopeless {
            return format!("will not be started by itself: {waits}");
        }
        format!("started as soon as all has come so far: {waits}")
    }

    /// When a slot came into its state.
    #[must_use]
    pub fn since(&self, slot: u32) -> Wall {
        self.slots.get(slot as usize).map_or(Wall::default(), |slot| slot.since.wall)
    }

    /// What is shown of one process.
    #[must_use]
    pub fn process_info(&self, slot: u32, now: Now) -> Option<crate::control::ProcessInfo> {
        self.slots.get(slot as usize).filter(|s| !s.is_vacant).map(|slot| self.info_of(slot, now))
    }
}

impl Slot {
    fn while_starting(&self, left: Option<u64>) -> String {
        match left {
            Some(left) => format!(
                "RUNNING in {} if it stays up (startsecs); an exit before that is a failed start",
                duration(left)
            ),
            None => "it is being started".to_owned(),
        }
    }

    fn after_an_exit(&self) -> String {
        let text = self.restarts();
        if self.policy.critical {
            format!("{text}; once it is not, everything is stopped (critical)")
        } else {
            text
        }
    }

    fn restarts(&self) -> String {
        if self.policy.schedule.is_some() {
            return format!("not restarted after an exit; {}", self.by_schedule());
        }
        if self.policy.oneshot {
            let (codes, retries) = (self.codes(), self.policy.startretries.max(0));
            return format!(
                "runs once; tried again unless it ends as expected (exitcodes = {codes}, startretries = {retries})"
            );
        }
        let soon = match self.policy.backoff {
            Backoff::Linear => "at once".to_owned(),
            Backoff::Exponential { initial_ms, max_ms, .. } => {
                let ns = |ms: i64| u64::try_from(ms).unwrap_or(0).saturating_mul(1_000_000);
                format!("after {} to {}", duration(ns(initial_ms)), duration(ns(max_ms)))
            }
        };
        match self.policy.autorestart {
            Autorestart::Always => format!("restarted {soon} after any exit (autorestart = true)"),
            Autorestart::Unexpected => {
                format!("restarted {soon} after an exit that is not expected (exitcodes = {})", self.codes())
            }
            Autorestart::Never => "not restarted after an exit (autorestart = false)".to_owned(),
        }
    }

    fn before_the_next_try(&self, left: u64) -> String {
        let when = duration(left);
        if self.tries == 0 {
            return format!("restarted in {when}");
        }
        format!("retry {} of {} in {when}", self.tries, self.policy.startretries.max(0))
    }

    fn while_stopping(&self, left: Option<u64>) -> String {
        let left = left.map_or_else(|| "a moment".to_owned(), duration);
        let signal = self.next_signal().unwrap_or(Signal::KILL);
        let then = match &self.after {
            Some(After::Again(_)) => "; then it is started again",
            Some(After::Vacate) => "; then it is removed",
            Some(After::Renew { start: true, .. }) => "; then it is started as it is configured now",
            Some(After::Renew { start: false, .. }) | None => "",
        };
        format!("{signal} in {left} if it has not ended{then}")
    }

    fn at_rest(&self) -> String {
        let name = self.policy.namespec();
        let again = format!("`ctl start {name}` starts it");
        let policy = &self.policy;
        match self.state {
            _ if policy.schedule.is_some() && policy.disabled.is_none() => {
                format!("{}; {again} at once", self.by_schedule())
            }
            State::Fatal if self.spawnerr.ends_with("(max_restarts)") => {
                format!("will not be started again: {}; `ctl start {name}` tries again", self.spawnerr)
            }
            State::Fatal if self.last_tries > 0 => {
                let (n, retries) = (self.last_tries, policy.startretries);
                let what = if policy.oneshot { "run" } else { "start" };
                let starts = format!("failed {what}{}", if n == 1 { "" } else { "s" });
                format!(
                    "will not be started again: {n} {starts} (startretries = {retries}); `ctl start {name}` tries again"
                )
            }
            State::Fatal => format!("will not be started again; `ctl start {name}` tries again"),
            State::Exited if policy.oneshot && self.last.expected => {
                format!("will not be started again: it has done its work; {again} once more")
            }
            State::Exited if self.last.expected => {
                let why = match policy.autorestart {
                    Autorestart::Never => "autorestart = false".to_owned(),
                    Autorestart::Unexpected | Autorestart::Always => {
                        format!("exitcodes = {}", self.codes())
                    }
                };
                format!("will not be started again: it ended as expected ({why}); {again}")
            }
            State::Exited => format!("will not be started again (autorestart = false); {again}"),
            _ if policy.disabled.is_some() => format!("will not be started: it is disabled; {again}"),
            _ if self.was_started() => format!("stays stopped; {again}"),
            _ if policy.waits.is_some() => {
                format!("started when those it waits for have come so far; {again}")
            }
            _ if !policy.autostart => format!("not started by itself (autostart = false); {again}"),
            _ => format!("not started yet; {again}"),
        }
    }

    fn by_schedule(&self) -> String {
        match (self.policy.schedule.as_deref(), self.next_run()) {
            (Some(schedule), Some(next)) => format!("started by its schedule at {}", schedule.shown(next)),
            (Some(_) | None, _) => "its schedule has no further run".to_owned(),
        }
    }

    fn codes(&self) -> String {
        let codes: Vec<String> = self.policy.exitcodes.iter().map(ToString::to_string).collect();
        codes.join(",")
    }
}
