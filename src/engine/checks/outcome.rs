//! What answers come to: thresholds, and the words for what failed.
//!
//! Pure. Invariant: an outcome turns only after as many answers of the other kind in a row as the threshold says, and is
//! told once for each turn. Not here: when to ask (`checks`).

use crate::config::model::{Probe, ProbeKind};
use crate::control::CheckKind;
use crate::engine::input::TaskEnd;
use crate::types::ExitStatus;

/// The outcome of a check, and the answers that it rests on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Verdict {
    pub(super) passing: bool,
    /// Failures in a row; 0 after a success.
    pub(super) failures: u32,
    successes: u32,
    /// It has passed since the start of the process.
    has_passed: bool,
    /// Why the last run failed; empty after a success, and before the first run.
    pub(super) reason: String,
}

/// What an answer did to the outcome.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    Same,
    Passed,
    /// `connection refused (3 of 3)`
    Failed(String),
}

impl Verdict {
    /// Before the first answer.
    pub(super) fn first(kind: CheckKind) -> Verdict {
        Verdict { passing: kind == CheckKind::Liveness, ..Verdict::default() }
    }

    /// Takes in one answer; `None`: it passed.
    pub(super) fn answer(&mut self, failure: Option<String>, probe: &Probe) -> Turn {
        match failure {
            None => {
                self.failures = 0;
                self.successes = self.successes.saturating_add(1);
                self.reason.clear();
                if self.passing || self.successes < probe.success_threshold {
                    return Turn::Same;
                }
                self.passing = true;
                self.has_passed = true;
                Turn::Passed
            }
            Some(reason) => {
                self.successes = 0;
                self.failures = self.failures.saturating_add(1);
                self.reason = reason;
                if self.failures < probe.failure_threshold || !self.passing {
                    return Turn::Same;
                }
                self.passing = false;
                Turn::Failed(self.shown(probe))
            }
        }
    }

    /// It has said so itself.
    pub(super) fn pass(&mut self) -> Turn {
        self.has_passed = true;
        if std::mem::replace(&mut self.passing, true) { Turn::Same } else { Turn::Passed }
    }

    /// It has never passed, and no success waits for another one.
    pub(super) fn is_coming_up(&self) -> bool {
        !self.has_passed && self.successes == 0
    }

    /// `connection refused (2 of 3)`
    pub(super) fn shown(&self, probe: &Probe) -> String {
        let of = probe.failure_threshold.max(1);
        format!("{} ({} of {of})", self.reason, self.failures.min(of))
    }
}

/// Why a run failed; the inner `None`: it passed. The outer: it was not to be, and says nothing.
pub(super) fn failure(probe: &Probe, end: &TaskEnd) -> Option<Option<String>> {
    match end {
        TaskEnd::Cancelled => None,
        TaskEnd::Exited { status: ExitStatus::Code(0), .. } => Some(None),
        TaskEnd::Exited { status, said } => Some(Some(match (&probe.how, said.is_empty()) {
            // Our own words are enough.
            (ProbeKind::Http { .. } | ProbeKind::Tcp { .. }, false) => said.clone(),
            (_, false) => format!("{status}: {said}"),
            (_, true) => status.to_string(),
        })),
        TaskEnd::TimedOut => Some(Some(format!("no answer within {}", duration(probe.timeout_ms)))),
        TaskEnd::NotStarted(why) => Some(Some(format!("cannot be run: {why}"))),
    }
}

/// `1s`, `250ms`
pub(super) fn duration(ms: i64) -> String {
    if ms % 1_000 == 0 { format!("{}s", ms / 1_000) } else { format!("{ms}ms") }
}

/// `http http://127.0.0.1:80/`
pub(in crate::engine) fn describe(how: &ProbeKind) -> String {
    match how {
        ProbeKind::Exec { text, .. } => format!("exec {text}"),
        ProbeKind::Http { url } => format!("http {url}"),
        ProbeKind::Tcp { address } => format!("tcp {address}"),
        ProbeKind::Log { pattern } => format!("log {pattern}"),
        ProbeKind::Notify => "notify".to_owned(),
        ProbeKind::Fd(n) => format!("fd {n}"),
    }
}
