//! How processes ended, and what happens to them next.
//!
//! Pure data, and the words for it. Invariants: a reason is one of a closed set, and so may be a label of a metric; what
//! is not known is absent. Not here: who finds it out (`engine::ends`, `daemon::history`), how it is shown (`ctl`).

use super::api::ProcessInfo;
use crate::types::{ExitStatus, Wall};
use serde::{Deserialize, Serialize};

/// Why a process is not there any more, or never was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum EndReason {
    /// It ended by itself, with a code.
    Exit,
    /// By a signal that was not the daemon's.
    Signal,
    /// The kernel killed it: its control group had no memory left.
    Oom,
    /// It was told to stop, or took too long to start, and was killed when its time was over.
    Timeout,
    /// It could not be started.
    Spawn,
    /// It failed its liveness check and was stopped.
    Liveness,
    /// It was told to stop, and did.
    Stopped,
}

impl EndReason {
    /// In the order of their declaration.
    pub const ALL: [EndReason; 7] = [
        EndReason::Exit,
        EndReason::Signal,
        EndReason::Oom,
        EndReason::Timeout,
        EndReason::Spawn,
        EndReason::Liveness,
        EndReason::Stopped,
    ];

    /// The word for it, in JSON, XML-RPC and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            EndReason::Exit => "exit",
            EndReason::Signal => "signal",
            EndReason::Oom => "oom",
            EndReason::Timeout => "timeout",
            EndReason::Spawn => "spawn",
            EndReason::Liveness => "liveness",
            EndReason::Stopped => "stopped",
        }
    }
}

/// The end of one process, or of an attempt to start one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct End {
    pub reason: EndReason,
    /// `None`: nothing was forked.
    pub status: Option<ExitStatus>,
    /// With one of the exit codes, and after it had stayed up for long enough.
    pub expected: bool,
    /// The daemon had sent it SIGKILL.
    pub killed: bool,
    /// How many starts in a row had failed, this one included; 0: it was no failed start.
    pub tries: u32,
    pub start: Wall,
    pub end: Wall,
    /// By the monotonic clock.
    pub uptime_ns: u64,
    /// What there is to say beside the reason: what could not be done, which check failed, who asked. Often empty.
    pub why: String,
    /// `None`: nothing was reaped.
    pub used: Option<Used>,
    /// Processes that the kernel killed in the container for lack of memory since the last look, this one not included.
    pub oom_kills: u64,
    /// What it wrote last, cut to a few hundred bytes; of older ends only the newest few have it.
    pub last_output: String,
}

/// What a process has used, with those of its descendants that it waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Used {
    /// The most memory that was resident at once, in one process.
    pub peak_bytes: u64,
    pub user_us: u64,
    pub system_us: u64,
}

impl End {
    /// One sentence without a full stop: `killed by the kernel, out of memory`.
    #[must_use]
    pub fn words(&self) -> String {
        let status = self.status.map(|s| s.to_string());
        let status = status.as_deref().unwrap_or("nothing was started");
        let mut text = match self.reason {
            EndReason::Exit if self.tries > 0 => format!("ended too soon: {status}"),
            EndReason::Exit if self.expected => format!("ended by itself: {status}, as expected"),
            EndReason::Exit => format!("ended by itself: {status}, not expected"),
            EndReason::Signal if self.killed => format!("killed by an operator: {status}"),
            EndReason::Signal if self.tries > 0 => format!("ended too soon: {status}"),
            EndReason::Signal => status.to_owned(),
            EndReason::Oom => format!("killed by the kernel, out of memory: {status}"),
            EndReason::Timeout if self.status.is_none() => "could not be started in time".to_owned(),
            EndReason::Timeout => format!("did not end in time and was killed: {status}"),
            EndReason::Spawn if self.status.is_some() => format!("could not be executed: {status}"),
            EndReason::Spawn => "could not be started".to_owned(),
            EndReason::Liveness => format!("failed its liveness check and was stopped: {status}"),
            EndReason::Stopped => format!("stopped as asked: {status}"),
        };
        if !self.why.is_empty() {
            text.push_str(&format!(" ({})", self.why));
        }
        match self.oom_kills {
            0 => {}
            1 => text.push_str("; the kernel had killed another process for lack of memory"),
            n => text.push_str(&format!("; the kernel had killed {n} other processes for lack of memory")),
        }
        text
    }
}

/// What becomes of a process if nobody does anything.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Outlook {
    /// One sentence without a full stop: `retry 2 of 3 in 1.4 s`.
    pub text: String,
    /// When that is, if there is a time for it.
    pub in_ns: Option<u64>,
}

/// Everything about one process that says why it is as it is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Explained {
    pub now: Wall,
    pub info: ProcessInfo,
    /// When it came into its state.
    pub since: Wall,
    pub next: Outlook,
    /// Newest first.
    pub ends: Vec<End>,
    /// How many ends there were, those that are not kept included.
    pub n_ends: u64,
}

/// `950 ms`, `2.1 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: rounded down to what matters.
#[must_use]
pub fn duration(ns: u64) -> String {
    let ms = ns / 1_000_000;
    let secs = ms / 1000;
    match secs {
        0 => format!("{ms} ms"),
        1..60 => format!("{secs}.{} s", ms % 1000 / 100),
        60..3600 => format!("{} min {} s", secs / 60, secs % 60),
        3600..86_400 => format!("{} h {} min", secs / 3600, secs % 3600 / 60),
        _ => format!("{} d {} h", secs / 86_400, secs % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Signal;

    fn end(reason: EndReason, status: Option<ExitStatus>) -> End {
        End {
            reason,
            status,
            expected: false,
            killed: false,
            tries: 0,
            start: Wall(0),
            end: Wall(0),
            uptime_ns: 0,
            why: String::new(),
            used: None,
            oom_kills: 0,
            last_output: String::new(),
        }
    }

    #[test]
    fn every_reason_has_words_for_people() {
        let kill = Some(ExitStatus::Signal { signal: Signal::KILL, core: false });
        for (end, want) in [
            (end(EndReason::Exit, Some(ExitStatus::Code(3))), "ended by itself: exit status 3, not expected"),
            (
                End { expected: true, ..end(EndReason::Exit, Some(ExitStatus::Code(0))) },
                "ended by itself: exit status 0, as expected",
            ),
            (
                End { tries: 2, ..end(EndReason::Exit, Some(ExitStatus::Code(0))) },
                "ended too soon: exit status 0",
            ),
            (end(EndReason::Signal, kill), "terminated by SIGKILL"),
            (
                End { killed: true, ..end(EndReason::Signal, kill) },
                "killed by an operator: terminated by SIGKILL",
            ),
            (end(EndReason::Oom, kill), "killed by the kernel, out of memory: terminated by SIGKILL"),
            (
                End { killed: true, ..end(EndReason::Timeout, kill) },
                "did not end in time and was killed: terminated by SIGKILL",
            ),
            (
                End { why: "can't find command 'x'".into(), ..end(EndReason::Spawn, None) },
                "could not be started (can't find command 'x')",
            ),
            (
                End { oom_kills: 2, ..end(EndReason::Exit, Some(ExitStatus::Code(1))) },
                "ended by itself: exit status 1, not expected; the kernel had killed 2 other processes for lack of memory",
            ),
        ] {
            assert_eq!(end.words(), want);
        }
        assert!(EndReason::ALL.iter().all(|r| !end(*r, kill).words().is_empty() && !r.word().is_empty()));
    }

    #[test]
    fn durations_are_short() {
        for (ms, want) in [
            (0, "0 ms"),
            (950, "950 ms"),
            (2_199, "2.1 s"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 5 min"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(duration(ms * 1_000_000), want);
        }
    }
}
