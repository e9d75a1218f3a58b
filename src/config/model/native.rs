//! What a configuration can say beyond Supervisor's settings.
//!
//! Pure data. Invariant: `Native::default()` is a program that uses none of it. Not here: how it is written
//! (`settings`, `validate`), what it does (`engine`, `spawn`, `logging`, `daemon`).

use crate::config::cron::{Cron, shown};
use crate::types::{Signal, Wall};
use jiff::tz::TimeZone;
use std::path::PathBuf;

/// The part of a program that Supervisor does not know.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Native {
    /// The expression of `enabled` that came out false, as written; `None`: it is enabled.
    pub disabled: Option<String>,
    pub depends_on: Vec<DependsOn>,
    /// What happens to it when a program that it depends on stops or starts again.
    pub bind: Bind,
    /// Runs to its end once: an expected exit is success, any other is tried again `startretries` times.
    pub oneshot: bool,
    /// Runs when the clock says so, not with the daemon.
    pub schedule: Option<Box<Schedule>>,
    pub readiness: Option<Box<Probe>>,
    pub liveness: Option<Box<Probe>>,
    pub gates: Gates,
    /// Its end (FATAL, or an exit that is not restarted) ends the container with its code.
    pub critical: bool,
    /// Restarts within `restart_window_ms` before it is FATAL; `None`: no such limit.
    pub max_restarts: Option<u32>,
    pub restart_window_ms: i64,
    /// What follows the stop signal, each with the time to wait before the next; KILL is always the last.
    pub stop_ladder: Vec<StopStep>,
    pub hooks: Option<Box<Hooks>>,
    /// Who receives signals; `None`: as `stopasgroup` and `killasgroup` say.
    pub signal_target: Option<SignalTarget>,
    pub log: LogStyle,
    pub env: Option<Box<EnvSources>>,
    pub limits: Option<Box<Limits>>,
}

/// One program, group or process that has to have come so far before this one is started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DependsOn {
    /// A program section (all of its processes), a group (all of its members), or `group:name`.
    pub target: String,
    pub need: Need,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// RUNNING: it has stayed up for `startsecs`.
    Started,
    /// Its readiness check has passed; without one, RUNNING.
    Ready,
    /// It has ended, as expected.
    Completed,
    /// It has ended, however.
    Ended,
}

impl Need {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Need::Started => "started",
            Need::Ready => "ready",
            Need::Completed => "completed",
            Need::Ended => "ended",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Bind {
    /// The order counts at the start only.
    #[default]
    None,
    /// It is stopped when one that it depends on is, and started again with it.
    Stop,
    /// It is restarted when one that it depends on is started again.
    Restart,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Schedule {
    /// As written: five fields, or six with seconds first.
    pub text: String,
    /// A name such as `Europe/Berlin`; `None`: that of the daemon's log, $TZ, else /etc/localtime, else UTC.
    pub timezone: Option<String>,
    pub overlap: Overlap,
    /// What `text` means.
    pub cron: Cron,
    /// What `timezone` means here.
    pub zone: TimeZone,
}

impl Schedule {
    /// The first run after `after`.
    #[must_use]
    pub fn next_after(&self, after: Wall) -> Option<Wall> {
        self.cron.next_after(after, &self.zone)
    }

    /// It counts time that passes, whatever clocks show.
    #[must_use]
    pub fn is_interval(&self) -> bool {
        matches!(self.cron, Cron::Every(_))
    }

    /// A time as clocks of its zone show it: `2026-11-21 03:00:00 CET`.
    #[must_use]
    pub fn shown(&self, at: Wall) -> String {
        shown(at, &self.zone)
    }
}

/// What a run does whose predecessor has not ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overlap {
    #[default]
    Skip,
    /// It is started as soon as the predecessor has ended; one run waits at most.
    Queue,
    /// The predecessor is stopped first.
    Replace,
}

/// A readiness or liveness check; times and thresholds mean what Kubernetes means by them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    pub how: ProbeKind,
    pub period_ms: i64,
    pub timeout_ms: i64,
    pub initial_delay_ms: i64,
    pub success_threshold: u32,
    pub failure_threshold: u32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProbeKind {
    /// A command that exits 0 in time.
    Exec { text: String, argv: Vec<String> },
    /// `http://host:port/path`; any status from 200 to 399 passes.
    Http { url: String },
    /// `host:port` takes a connection.
    Tcp { address: String },
    /// A line of output matches this pattern. Readiness only.
    Log { pattern: String },
    /// sd_notify: `READY=1` for readiness, `WATCHDOG=1` at least once in `timeout_ms` for liveness.
    Notify,
    /// A newline on this descriptor (s6). Readiness only.
    Fd(i32),
}

/// Which health endpoints a program counts for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gates {
    pub live: bool,
    pub ready: bool,
    pub startup: bool,
}

impl Default for Gates {
    fn default() -> Gates {
        Gates { live: false, ready: true, startup: true }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StopStep {
    /// Milliseconds to wait after the signal before this one.
    pub after_ms: i64,
    pub signal: Signal,
}

/// Commands beside a program, run as its user, in its directory and environment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hooks {
    /// Before each start; the start waits for it, and its failure is a failed start.
    pub pre_start: Option<HookCommand>,
    /// After each end, with the exit in its environment.
    pub post_stop: Option<HookCommand>,
    /// In place of the first stop signal.
    pub stop_command: Option<HookCommand>,
    /// Milliseconds that `pre_start` and `post_stop` may take; `stop_command` has `stopwaitsecs`.
    pub timeout_ms: i64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HookCommand {
    pub text: String,
    pub argv: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignalTarget {
    Process,
    Group,
    /// The process and everything that descends from it, whatever group it is in.
    Tree,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LogStyle {
    pub format: LogFormat,
    pub overflow: LogOverflow,
    /// Lines a second; 0: no limit.
    pub rate_limit: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    #[default]
    Raw,
    /// `name | line`, in colour on a terminal.
    Prefix,
    /// One JSON object a line.
    Json,
}

/// What a slow sink does to its program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogOverflow {
    /// It waits: nothing is lost.
    #[default]
    Block,
    /// Lines are dropped and counted: it never waits.
    Drop,
}

/// Where variables come from beside `environment`. Read at each start, so that their values are nowhere in the model.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EnvSources {
    /// `NAME=value` lines; later files win.
    pub files: Vec<EnvPath>,
    /// Folders with a file for each variable.
    pub dirs: Vec<EnvPath>,
    /// Variable, and the file whose text is its value.
    pub from_file: Vec<(String, EnvPath)>,
    pub inherit: Inherit,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnvPath {
    pub path: PathBuf,
    /// Written with a `?` at its end: it may be missing.
    pub optional: bool,
}

/// Which of our own variables a program gets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Inherit {
    #[default]
    All,
    /// These, by name; a name may end in `*`. Empty: none.
    Only(Vec<String>),
}

/// Limits and rights that are set between fork and exec.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// Name (`nofile`), soft and hard; `u64::MAX` is unlimited.
    pub rlimits: Vec<(String, u64, u64)>,
    pub nice: Option<i32>,
    pub ionice: Option<IoPriority>,
    pub oom_score_adj: Option<i32>,
    pub no_new_privs: bool,
    /// Names in lower case without `cap_`.
    pub capabilities: Option<Vec<String>>,
    pub capabilities_drop: Vec<String>,
    pub capabilities_ambient: Vec<String>,
    /// Supplementary groups in place of the user's own.
    pub groups: Option<Vec<u32>>,
    pub chroot: Option<PathBuf>,
    /// Bytes; a control group of its own where one can be made.
    pub memory_max: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoPriority {
    pub class: IoClass,
    /// 0 (first) to 7; no meaning for `Idle`.
    pub level: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IoClass {
    Realtime,
    BestEffort,
    Idle,
}

/// What the daemon does with a signal that it gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Route {
    Ignore,
    /// Apply what has changed in the configuration.
    Update,
    /// Stop everything and start again.
    Restart,
    /// Stop everything and end.
    Shutdown,
    /// Open log files again.
    Reopen,
    /// Not ready any more, as `ctl drain` does.
    Drain,
    /// As if this one had come.
    As(Signal),
    /// To a program, a group or `group:name`.
    To {
        target: String,
        signal: Signal,
    },
}
