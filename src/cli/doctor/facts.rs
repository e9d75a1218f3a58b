//! What was found in a container, without a judgement.
//!
//! Pure data. Invariant: what could not be seen is `None`, and never a default that looks like an answer.

/// Everything that the checks look at.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) own_pid: i32,
    /// Our effective user.
    pub(super) own_uid: u32,
    /// `None`: there is no /proc, or nothing can be read in it.
    pub(super) processes: Option<Vec<Process>>,
    /// Whose binary is ours, and which is nobody's gateway.
    pub(super) daemon: Option<i32>,
    /// The user of that daemon.
    pub(super) daemon_uid: Option<u32>,
    /// Why orphans would not come to us, if they would not.
    pub(super) subreaper_refused: Option<String>,
    /// Of the daemon where there is one, else ours.
    pub(super) rights: Option<Rights>,
    pub(super) nofile: (u64, u64),
    pub(super) nproc: (u64, u64),
    pub(super) pid_max: Option<u64>,
    pub(super) cgroup: Cgroup,
    /// Folders that everybody expects to be writable, and whether they are.
    pub(super) folders: Vec<(&'static str, bool)>,
    /// The root file system.
    pub(super) root_is_read_only: bool,
    pub(super) stdout: Stdout,
    pub(super) grace: Grace,
    pub(super) configured: Configuration,
}

/// One process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) name: String,
    /// It was dead and not reaped, and a moment later it still was.
    pub(super) is_zombie: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Rights {
    /// The effective capabilities, as bits.
    pub(super) capabilities: u64,
    pub(super) no_new_privs: bool,
    /// 0 none, 1 strict, 2 filter.
    pub(super) seccomp: u32,
}

impl Rights {
    pub(super) fn has(&self, bit: u32) -> bool {
        self.capabilities >> bit & 1 == 1
    }
}

/// What our control group says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Cgroup {
    pub(super) has_unified: bool,
    pub(super) has_legacy: bool,
    /// The kernel kills all of the group at once.
    pub(super) kills_all: Option<bool>,
    pub(super) oom_kills: Option<u64>,
    pub(super) memory: Amount,
    pub(super) pids: Amount,
}

/// How much there is, and how much there may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Amount {
    pub(super) now: Option<u64>,
    /// `None`: not known, or no limit.
    pub(super) most: Option<u64>,
}

/// The daemon's stdout.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Stdout {
    #[default]
    Unknown,
    Closed,
    Null,
    /// Bytes that wait in it, and how many can.
    Pipe(u64, u64),
    Other,
}

/// How long the container may take to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Grace {
    pub(super) ms: u64,
    /// Somebody has said so; else it is Docker's default.
    pub(super) is_declared: bool,
}

impl Grace {
    pub(super) fn of(declared: Option<u64>) -> Grace {
        Grace { ms: declared.unwrap_or(10_000), is_declared: declared.is_some() }
    }
}

/// What there is of a configuration.
#[derive(Clone, Debug, Default)]
pub(super) enum Configuration {
    /// There is none, and none was named.
    #[default]
    None,
    /// It cannot be used: the first findings, and how many there are.
    Bad(Vec<String>, usize),
    Good(Box<Configured>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Configured {
    /// The file, or `environment`.
    pub(super) name: String,
    pub(super) programs: usize,
    /// Stopped one after the other: what each may take at most, and who takes it.
    pub(super) tiers: Vec<Tier>,
    pub(super) drain_ms: u64,
    pub(super) shutdown_timeout_ms: Option<u64>,
    /// Whether descriptors of ours take part in what is logged.
    pub(super) uses_stdout: bool,
    /// Nobody has named a control socket.
    pub(super) wants_private_socket: bool,
    pub(super) files: Vec<Place>,
    pub(super) listeners: Vec<Place>,
    /// Programs whose command cannot be run, and why.
    pub(super) commands: Vec<Place>,
    /// Files and folders that variables are read from.
    pub(super) sources: Vec<Place>,
    /// Programs that run as somebody else than the daemon.
    pub(super) other_users: Vec<String>,
}

/// What is stopped at the same time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tier {
    pub(super) ms: u64,
    /// The one that may take so long.
    pub(super) slowest: String,
}

/// Something that was named and is looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// `log of web`, `pidfile`
    pub(super) what: String,
    /// The path or the address.
    pub(super) shown: String,
    /// What is wrong with it.
    pub(super) problem: Option<String>,
}
