//! Words that every part of the crate uses: signals, exit statuses, points in time, process slots.
//!
//! Pure. Invariant: a value of these types is always meaningful (a `Signal` is a number the kernel knows).
//! Not here: how to send a signal or read a clock (`sys`).

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// Sorts, and keeps equal ones in their order. The library's own sort costs 5 KB of code for each type; this one hardly
/// any, because only numbers are sorted.
pub fn sort_by<T>(items: &mut Vec<T>, compare: &dyn Fn(&T, &T) -> Ordering) {
    let order = places(items.len(), &|a, b| compare(&items[a], &items[b]));
    let mut taken: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(order.into_iter().filter_map(|place| taken[place].take()));
}

fn places(n: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..n).collect();
    places.sort_by(|a, b| compare(*a, *b));
    places
}

/// A point on the monotonic clock, in nanoseconds since an arbitrary start. All durations use it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Mono(pub u64);

impl Mono {
    /// The point `ms` milliseconds later; negative values count as zero.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Mono {
        Mono(self.0.saturating_add(u64::try_from(ms).unwrap_or(0).saturating_mul(1_000_000)))
    }

    /// Nanoseconds from `earlier` to `self`, zero when `earlier` is later.
    #[must_use]
    pub fn since_ns(self, earlier: Mono) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Wall-clock time in milliseconds since 1970, UTC. Only for showing, never for deciding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Wall(pub i64);

impl Wall {
    /// Whole seconds since 1970.
    #[must_use]
    pub fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

/// The time of one turn of the loop: read once, passed down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    pub mono: Mono,
    pub wall: Wall,
}

/// A process id as the kernel gives it; always positive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Pid(pub i32);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One life of one process slot. A pid means (slot, incarnation); late news of an old one changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProcRef {
    /// Index of the slot, in the order of `Config::processes`.
    pub slot: u32,
    /// 1 for the first spawn of the slot, and so on.
    pub incarnation: u32,
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ExitStatus {
    /// `exit(code)`, 0..=255.
    Code(u8),
    /// Ended by a signal; `core` when a core was dumped.
    Signal { signal: Signal, core: bool },
}

impl ExitStatus {
    /// What Supervisor's API shows: the code, or -1 for a signal.
    #[must_use]
    pub fn supervisor_code(self) -> i32 {
        match self {
            ExitStatus::Code(c) => i32::from(c),
            ExitStatus::Signal { .. } => -1,
        }
    }

    /// What a shell and a container runtime show: the code, or 128 + signal.
    #[must_use]
    pub fn shell_code(self) -> u8 {
        match self {
            ExitStatus::Code(c) => c,
            ExitStatus::Signal { signal, .. } => 128u8.wrapping_add(u8::try_from(signal.0).unwrap_or(127)),
        }
    }
}

/// Supervisor's words: `exit status 3`, `terminated by SIGTERM (core dumped)`.
impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitStatus::Code(c) => write!(f, "exit status {c}"),
            ExitStatus::Signal { signal, core } => {
                write!(f, "terminated by {signal}")?;
                if *core { f.write_str(" (core dumped)") } else { Ok(()) }
            }
        }
    }
}

/// A signal number, 0..=64. Zero is legal as a stop signal because Supervisor accepts it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Signal(pub i32);

/// Number and name of every named signal of Linux (x86, arm); where two names share a number the first is shown.
const SIGNAL_NAMES: &[(i32, &str)] = &[
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (6, "SIGIOT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (10, "SIGUSR1"),
    (11, "SIGSEGV"),
    (12, "SIGUSR2"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (16, "SIGSTKFLT"),
    (17, "SIGCHLD"),
    (17, "SIGCLD"),
    (18, "SIGCONT"),
    (19, "SIGSTOP"),
    (20, "SIGTSTP"),
    (21, "SIGTTIN"),
    (22, "SIGTTOU"),
    (23, "SIGURG"),
    (24, "SIGXCPU"),
    (25, "SIGXFSZ"),
    (26, "SIGVTALRM"),
    (27, "SIGPROF"),
    (28, "SIGWINCH"),
    (29, "SIGPOLL"),
    (29, "SIGIO"),
    (30, "SIGPWR"),
    (31, "SIGSYS"),
    (34, "SIGRTMIN"),
    (64, "SIGRTMAX"),
];

impl Signal {
    pub const HUP: Signal = Signal(1);
    pub const INT: Signal = Signal(2);
    pub const QUIT: Signal = Signal(3);
    pub const KILL: Signal = Signal(9);
    pub const USR1: Signal = Signal(10);
    pub const USR2: Signal = Signal(12);
    pub const PIPE: Signal = Signal(13);
    pub const TERM: Signal = Signal(15);
    pub const CHLD: Signal = Signal(17);
    pub const CONT: Signal = Signal(18);
    pub const STOP: Signal = Signal(19);

    /// The name with its `SIG` prefix; `None` for the numbers that have none.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        SIGNAL_NAMES.iter().find(|(n, _)| *n == self.0).map(|(_, s)| *s)
    }

    /// Reads a name, in any case and with or without `SIG`. Numbers are the caller's business.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Signal> {
        let upper = text.trim().to_ascii_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        SIGNAL_NAMES.iter().find(|(_, s)| s[3..] == *bare).map(|(n, _)| Signal(*n))
    }
}

/// `SIGTERM`; COMPAT: `signal 50` where there is no name.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

/// The capabilities of the kernel by their numbers, as capabilities(7) calls them: in lower case and without `cap_`.
pub const CAPABILITIES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// Levels of the daemon's own log, in Supervisor's order: the higher, the more important.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum LogLevel {
    Blather,
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}

impl LogLevel {
    /// The four letters that stand in a log line.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            LogLevel::Blather => "BLAT",
            LogLevel::Trace => "TRAC",
            LogLevel::Debug => "DEBG",
            LogLevel::Info => "INFO",
            LogLevel::Warn => "WARN",
            LogLevel::Error => "ERRO",
            LogLevel::Critical => "CRIT",
        }
    }

    /// Reads the word of a configuration, in any case; `warning` and `crit` are not words Supervisor knows.
    #[must_use]
    pub fn from_word(text: &str) -> Option<LogLevel> {
        Some(match text.to_ascii_lowercase().as_str() {
            "blather" => LogLevel::Blather,
            "trace" => LogLevel::Trace,
            "debug" => LogLevel::Debug,
            "info" => LogLevel::Info,
            "warn" => LogLevel::Warn,
            "error" => LogLevel::Error,
            "critical" => LogLevel::Critical,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_keeps_equal_ones_in_their_order() {
        let mut items = vec![(2, 'a'), (1, 'b'), (2, 'c'), (1, 'd'), (0, 'e')];
        sort_by(&mut items, &|a, b| a.0.cmp(&b.0));
        assert_eq!(items, [(0, 'e'), (1, 'b'), (1, 'd'), (2, 'a'), (2, 'c')]);
    }

    #[test]
    fn signal_names_are_read_in_any_form_and_shown_in_one() {
        for text in ["TERM", "term", "SIGTERM", "SigTerm"] {
            assert_eq!(Signal::from_name(text), Some(Signal::TERM));
        }
        assert_eq!(Signal::from_name("RTMIN+1"), None);
        assert_eq!(Signal(29).to_string(), "SIGPOLL");
        assert_eq!(Signal(50).to_string(), "signal 50");
    }

    #[test]
    fn exit_statuses_speak_supervisors_words() {
        let term = ExitStatus::Signal { signal: Signal::TERM, core: false };
        assert_eq!(term.to_string(), "terminated by SIGTERM");
        assert_eq!(term.supervisor_code(), -1);
        assert_eq!(term.shell_code(), 143);
        assert_eq!(ExitStatus::Code(3).to_string(), "exit status 3");
        let odd = ExitStatus::Signal { signal: Signal(50), core: true };
        assert_eq!(odd.to_string(), "terminated by signal 50 (core dumped)");
    }
}
