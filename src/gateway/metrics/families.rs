//! The table of families: name, meaning, type, and where the values come from.
//!
//! Pure. Not here: the text format (`metrics`).

use crate::control::{CheckInfo, CheckKind, ProcessInfo, SelfStats, State};
use crate::types::{ExitStatus, Signal};
use prometheus::proto::MetricType;

/// The values of one family.
pub(super) enum Values {
    /// One value for each process that has one.
    Process(fn(&ProcessInfo) -> Option<f64>),
    /// Several values for each process, told apart by a label.
    Labelled(&'static str, fn(&ProcessInfo) -> Vec<(String, f64)>),
    /// One value of the daemon, if it is known.
    Daemon(fn(&SelfStats) -> Option<f64>),
    /// One value for each signal that has come.
    Signals(fn(&SelfStats) -> &[(Signal, u64)]),
    /// 1, with what identifies the build.
    Build,
}

/// Name, help, type, values.
pub(super) type Family = (&'static str, &'static str, MetricType, Values);

#[allow(clippy::cast_precision_loss, reason = "counters pass 2^53 after millennia, bytes after petabytes")]
pub(super) const fn float(n: u64) -> f64 {
    n as f64
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay below 2^53")]
fn seconds(wall_ms: i64) -> f64 {
    wall_ms as f64 / 1000.0
}

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// One value for each check that the program has; there are two kinds.
fn of_checks(p: &ProcessInfo, value: fn(&CheckInfo) -> f64) -> Vec<(String, f64)> {
    let name = |kind| match kind {
        CheckKind::Readiness => "readiness".to_owned(),
        CheckKind::Liveness => "liveness".to_owned(),
    };
    p.checks.iter().map(|c| (name(c.kind), value(c))).collect()
}

/// There is a process.
fn is_up(p: &ProcessInfo) -> bool {
    p.state.is_signallable()
}

pub(super) const FAMILIES: &[Family] = &[
    (
        "mainstay_program_up",
        "Whether the program has a running process (STARTING, RUNNING or STOPPING).",
        MetricType::GAUGE,
        Values::Process(|p| Some(flag(is_up(p)))),
    ),
    (
        "mainstay_program_state",
        "The state of the program: 1 for the one it is in, 0 for the others.",
        MetricType::GAUGE,
        Values::Labelled("state", |p| {
            State::ALL.iter().map(|s| (s.name().to_lowercase(), flag(*s == p.state))).collect()
        }),
    ),
    (
        "mainstay_program_ready",
        "Whether the program counts as ready.",
        MetricType::GAUGE,
        Values::Process(|p| Some(flag(p.ready))),
    ),
    (
        "mainstay_program_start_time_seconds",
        "When the running process was started, in seconds since 1970.",
        MetricType::GAUGE,
        Values::Process(|p| (is_up(p) && p.start.0 > 0).then(|| seconds(p.start.0))),
    ),
    (
        "mainstay_program_starts_total",
        "Processes started for the program.",
        MetricType::COUNTER,
        Values::Process(|p| Some(float(p.stats.starts))),
    ),
    (
        "mainstay_program_restarts_total",
        "Starts that the supervisor did by itself, after an exit or a failed start.",
        MetricType::COUNTER,
        Values::Process(|p| Some(float(p.stats.restarts))),
    ),
    (
        "mainstay_program_exits_total",
        "Ended processes: with an expected or unexpected code, by a signal, for lack of memory (oom), because they failed their \
         liveness check, or because they were told to stop; timeout: these had to be killed.",
        MetricType::COUNTER,
        Values::Labelled("reason", |p| {
            vec![
                ("expected".to_owned(), float(p.stats.exits_expected)),
                ("unexpected".to_owned(), float(p.stats.exits_unexpected)),
                ("signal".to_owned(), float(p.stats.exits_signal)),
                ("stopped".to_owned(), float(p.stats.exits_stopped)),
                ("oom".to_owned(), float(p.stats.exits_oom)),
                ("timeout".to_owned(), float(p.stats.exits_timeout)),
                ("liveness".to_owned(), float(p.stats.exits_liveness)),
            ]
        }),
    ),
    (
        "mainstay_program_last_exit_code",
        "The exit code of the process that ended last, if it ended by itself.",
        MetricType::GAUGE,
        Values::Process(|p| match p.last_exit {
            Some(ExitStatus::Code(code)) => Some(f64::from(code)),
            _ => None,
        }),
    ),
    (
        "mainstay_program_last_exit_signal",
        "The number of the signal that ended the process that ended last, if one did.",
        MetricType::GAUGE,
        Values::Process(|p| match p.last_exit {
            Some(ExitStatus::Signal { signal, .. }) => Some(f64::from(signal.0)),
            _ => None,
        }),
    ),
    (
        "mainstay_program_last_peak_memory_bytes",
        "The most memory that the process that ended last had resident at once.",
        MetricType::GAUGE,
        Values::Process(|p| Some(float(p.last_end?.used?.peak_bytes))),
    ),
    (
        "mainstay_program_last_cpu_seconds",
        "Processor time of the process that ended last, in seconds.",
        MetricType::GAUGE,
        Values::Process(|p| {
            let used = p.last_end?.used?;
            Some(float(used.user_us + used.system_us) / 1e6)
        }),
    ),
    (
        "mainstay_program_next_run_timestamp_seconds",
        "When its schedule starts it next, in seconds since 1970; only where it has one.",
        MetricType::GAUGE,
        Values::Process(|p| p.next_run.map(|at| at.0 as f64 / 1_000.0)),
    ),
    (
        "mainstay_program_spawn_failures_total",
        "Starts that failed before the program was executed.",
        MetricType::COUNTER,
        Values::Process(|p| Some(float(p.stats.spawn_failures))),
    ),
    (
        "mainstay_check_up",
        "Whether a check of the program has passed, by its thresholds, and its process lives.",
        MetricType::GAUGE,
        Values::Labelled("check", |p| of_checks(p, |c| flag(c.up))),
    ),
    (
        "mainstay_check_runs_total",
        "Times a check of the program was run to its end.",
        MetricType::COUNTER,
        Values::Labelled("check", |p| of_checks(p, |c| float(c.runs))),
    ),
    (
        "mainstay_check_failures_total",
        "Runs of a check of the program that failed.",
        MetricType::COUNTER,
        Values::Labelled("check", |p| of_checks(p, |c| float(c.failures))),
    ),
    (
        "mainstay_check_duration_seconds_total",
        "Time that all runs of a check of the program took together.",
        MetricType::COUNTER,
        Values::Labelled("check", |p| of_checks(p, |c| float(c.duration_ns) / 1e9)),
    ),
    (
        "mainstay_program_log_lines_total",
        "Lines of output read from the program.",
        MetricType::COUNTER,
        Values::Process(|p| Some(float(p.stats.log_lines))),
    ),
    (
        "mainstay_program_log_bytes_total",
        "Bytes of output read from the program.",
        MetricType::COUNTER,
        Values::Process(|p| Some(float(p.stats.log_bytes))),
    ),
    (
        "mainstay_program_log_lines_suppressed_total",
        "Lines left out of the program's log because there were more than log_rate_limit in a second.",
        MetricType::COUNTER,
        Values::Process(|p| Some(float(p.stats.log_lines_suppressed))),
    ),
    (
        "mainstay_program_log_lines_dropped_total",
        "Lines left out of the program's log because its sink was slow and log_overflow is drop.",
        MetricType::COUNTER,
        Values::Process(|p| Some(float(p.stats.log_lines_dropped))),
    ),
    (
        "mainstay_orphans_reaped_total",
        "Processes reaped that were nobody's child any more.",
        MetricType::COUNTER,
        Values::Daemon(|d| Some(float(d.orphans_reaped))),
    ),
    ("mainstay_build_info", "What is running: always 1.", MetricType::GAUGE, Values::Build),
    (
        "mainstay_gateway_restarts_total",
        "Times the HTTP process was started again.",
        MetricType::COUNTER,
        Values::Daemon(|d| Some(float(d.gateway_restarts))),
    ),
    (
        "mainstay_log_bytes_lost_total",
        "Bytes of programs' output that no sink took: a full disk, a closed reader.",
        MetricType::COUNTER,
        Values::Daemon(|d| Some(float(d.log_bytes_lost))),
    ),
    (
        "mainstay_log_lines_dropped_total",
        "Lines of the supervisor's own log that were dropped because its reader was too slow.",
        MetricType::COUNTER,
        Values::Daemon(|d| Some(float(d.log_lines_dropped))),
    ),
    (
        "mainstay_events_dropped_total",
        "Events that were dropped because their listeners were too slow.",
        MetricType::COUNTER,
        Values::Daemon(|d| Some(float(d.events_dropped))),
    ),
    (
        "mainstay_signals_received_total",
        "Signals that the supervisor got, but those about its children.",
        MetricType::COUNTER,
        Values::Signals(|d| &d.signals_received),
    ),
    (
        "mainstay_signals_forwarded_total",
        "Signals that a route has sent on to a program, as what they were sent.",
        MetricType::COUNTER,
        Values::Signals(|d| &d.signals_forwarded),
    ),
    (
        "mainstay_draining",
        "Whether it is not ready on purpose: a drain, or the wait before a shutdown.",
        MetricType::GAUGE,
        Values::Daemon(|d| Some(flag(d.draining))),
    ),
    (
        "mainstay_shutdown_in_progress",
        "Whether everything is being stopped.",
        MetricType::GAUGE,
        Values::Daemon(|d| Some(flag(d.shutting_down))),
    ),
    (
        "process_cpu_seconds_total",
        "Processor time of the supervisor itself, in seconds.",
        MetricType::COUNTER,
        Values::Daemon(|d| d.cpu_seconds),
    ),
    (
        "process_resident_memory_bytes",
        "Resident memory of the supervisor itself, in bytes.",
        MetricType::GAUGE,
        Values::Daemon(|d| d.resident_bytes.map(float)),
    ),
    (
        "process_virtual_memory_bytes",
        "Virtual memory of the supervisor itself, in bytes.",
        MetricType::GAUGE,
        Values::Daemon(|d| d.virtual_bytes.map(float)),
    ),
    (
        "process_open_fds",
        "Open file descriptors of the supervisor itself.",
        MetricType::GAUGE,
        Values::Daemon(|d| d.open_fds.map(float)),
    ),
    (
        "process_max_fds",
        "How many file descriptors the supervisor may open.",
        MetricType::GAUGE,
        Values::Daemon(|d| d.max_fds.map(float)),
    ),
    (
        "process_start_time_seconds",
        "When the supervisor was started, in seconds since 1970.",
        MetricType::GAUGE,
        Values::Daemon(|d| (d.start.0 > 0).then(|| seconds(d.start.0))),
    ),
];
