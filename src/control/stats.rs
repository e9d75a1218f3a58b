//! Numbers: of each process slot, of its checks, and of the daemon itself. Pure data.

use crate::types::{Signal, Wall};
use serde::{Deserialize, Serialize};

/// Counters of one process slot since the daemon started.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct ProcessStats {
    /// Forks that succeeded.
    pub starts: u64,
    /// Starts the daemon did by itself after an exit or a failed start.
    pub restarts: u64,
    pub exits_expected: u64,
    pub exits_unexpected: u64,
    pub exits_signal: u64,
    /// Ended while we were stopping it.
    pub exits_stopped: u64,
    /// Killed by the kernel for lack of memory; in none of the other numbers.
    pub exits_oom: u64,
    /// Did not stop in time and was killed.
    pub exits_timeout: u64,
    /// Stopped because it failed its liveness check.
    pub exits_liveness: u64,
    pub spawn_failures: u64,
    /// Output that was read, whatever became of it.
    pub log_lines: u64,
    pub log_bytes: u64,
    /// Lines beyond `log_rate_limit`.
    pub log_lines_suppressed: u64,
    /// Lines that were dropped because the sink was slow (`log_overflow = drop`).
    pub log_lines_dropped: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CheckKind {
    #[default]
    Readiness,
    Liveness,
}

/// What a check has come to, and how often it was run since the daemon started. A program that speaks by itself is not
/// asked: only a missed watchdog counts as a run then.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct CheckInfo {
    pub kind: CheckKind,
    /// It has passed, by its thresholds, and the process lives.
    pub up: bool,
    pub runs: u64,
    pub failures: u64,
    /// All runs together.
    pub duration_ns: u64,
}

/// Numbers of the daemon itself.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct SelfStats {
    pub orphans_reaped: u64,
    pub start: Wall,
    /// `None` where the kernel does not tell (no /proc).
    pub cpu_seconds: Option<f64>,
    pub resident_bytes: Option<u64>,
    pub virtual_bytes: Option<u64>,
    pub open_fds: Option<u64>,
    pub max_fds: Option<u64>,
    /// Lines of the daemon's own log.
    pub log_lines_dropped: u64,
    /// Bytes of programs' output that no sink took: a full disk, a closed reader.
    pub log_bytes_lost: u64,
    /// Events that found their listener's buffer full.
    pub events_dropped: u64,
    pub gateway_restarts: u64,
    /// Without SIGCHLD.
    pub signals_received: Vec<(Signal, u64)>,
    /// To programs, by routes: as what they went on.
    pub signals_forwarded: Vec<(Signal, u64)>,
    pub shutting_down: bool,
    /// Not ready on purpose.
    pub draining: bool,
}
