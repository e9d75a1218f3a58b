//! The validated truth: what `validate` makes of a configuration, and the only thing the rest of the crate sees.
//!
//! Pure data. Invariants: users are resolved, paths are absolute or relative to the directory we were started in,
//! groups stand in start order (priority, then name), and a process name occurs once in its group.
//! Not here: what the user typed (`raw`), how it was read (`from_ini`, `from_toml`, `from_env`).

mod native;

use crate::types::{LogLevel, Signal};
use std::net::SocketAddr;
use std::path::PathBuf;

pub use native::{
    Bind, DependsOn, EnvPath, EnvSources, Gates, HookCommand, Hooks, Inherit, IoClass, IoPriority, Limits,
    LogFormat, LogOverflow, LogStyle, Native, Need, Overlap, Probe, ProbeKind, Route, Schedule, SignalTarget,
    StopStep,
};

/// Everything the daemon needs to know.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The language of the main file; decides defaults that differ between a host and a container.
    pub dialect: Dialect,
    /// The main file as given or found; `None` when programs come from the environment alone.
    pub path: Option<PathBuf>,
    pub supervisor: Supervisor,
    /// Read-only `/metrics` and health endpoints; empty when not asked for.
    pub http: Vec<SocketAddr>,
    /// Control servers in the order they are opened (inet before unix, as Supervisor does).
    /// Empty: the private default socket is used.
    pub control: Vec<ControlServer>,
    /// In start order: (priority, name).
    pub groups: Vec<Group>,
}

impl Config {
    /// All process slots, group by group; the position is the slot number of `ProcRef`.
    pub fn processes(&self) -> impl Iterator<Item = &Program> {
        self.groups.iter().flat_map(|g| g.programs.iter())
    }
}

/// Which of the three spellings the configuration is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    Ini,
    Toml,
    Env,
}

/// `[supervisord]`, `[supervisor]`, `MAINSTAY_SUPERVISOR__…`: settings for the whole.
#[derive(Clone, PartialEq, Debug)]
pub struct Supervisor {
    pub logfile: MainLog,
    /// Bytes; 0 never rotates.
    pub logfile_maxbytes: u64,
    pub logfile_backups: u32,
    pub loglevel: LogLevel,
    /// Where the daemon's log is shown beside its file: INI stdout unless `silent`; TOML and environment stderr.
    pub log_stream: Option<StdStream>,
    pub pidfile: Option<PathBuf>,
    pub umask: u32,
    pub nodaemon: bool,
    pub silent: bool,
    pub minfds: i64,
    pub minprocs: i64,
    pub nocleanup: bool,
    /// `None`: the first of $TMPDIR, $TEMP, $TMP, /tmp, /var/tmp, /usr/tmp that is writable, else the cwd.
    pub childlogdir: Option<PathBuf>,
    pub user: Option<UserRef>,
    pub directory: Option<PathBuf>,
    pub strip_ansi: bool,
    /// Merged into every program's environment, in order.
    pub environment: Vec<(String, String)>,
    pub identifier: String,
    /// The container ends when all programs have ended.
    pub exit_when_all_exited: bool,
    /// A missing log, pid or child-log directory is created.
    pub create_directories: bool,
    /// Milliseconds between `not ready` and the first stop signal of a shutdown.
    pub drain_delay_ms: i64,
    /// Milliseconds within which a shutdown, its drain included, ends; `None`: as long as the programs' own times take.
    pub shutdown_timeout_ms: Option<i64>,
    /// Where the last words of the container go.
    pub termination_log: Option<PathBuf>,
    /// What signals do that do not do what they do by default.
    pub signals: Vec<(Signal, Route)>,
}

/// The sink of the daemon's own log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MainLog {
    None,
    File(PathBuf),
    /// One of our own inherited streams, whatever path named it (`/dev/stdout`, `/dev/fd/2`, ...).
    Stream(StdStream),
    Syslog,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StdStream {
    Stdout,
    Stderr,
}

/// A user, resolved when the configuration was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserRef {
    /// As written: a name or a number.
    pub text: String,
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Primary group first, then every group that lists the user.
    pub groups: Vec<u32>,
}

/// One control server: XML-RPC now, the web page later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControlServer {
    /// The section's name as written, for messages; `unix_http_server`, `inet_http_server:x`.
    pub section: String,
    pub address: ControlAddress,
    /// COMPAT: the host of a TCP server as it was written, in lower case: what programs are told. `None`: any.
    pub host: Option<String>,
    /// User name and password (plain, or `{SHA}` + hex); `None`: no authentication.
    pub auth: Option<(String, String)>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ControlAddress {
    /// In `owner` (user, group) `u32::MAX` leaves that one as it is, as in `chown(2)`.
    Unix {
        path: PathBuf,
        mode: u32,
        owner: Option<(u32, u32)>,
    },
    Inet(SocketAddr),
}

/// Supervisor's unit of start and stop order.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    pub name: String,
    pub priority: i64,
    pub kind: GroupKind,
    pub programs: Vec<Program>,
}

impl AsRef<Group> for Group {
    fn as_ref(&self) -> &Group {
        self
    }
}

#[derive(Clone, PartialEq, Debug)]
pub enum GroupKind {
    Program,
    EventListener { events: Vec<String>, buffer_size: i64, result_handler: String },
    Fcgi { socket: String, backlog: Option<i64>, owner: Option<(u32, u32)>, mode: Option<u32> },
}

/// The listening socket that the processes of an `[fcgi-program:x]` share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FcgiSocket {
    /// `unix:///path` or `tcp://host:port`.
    pub url: String,
    /// Where a `tcp://` listens; `None` for `unix://`, and for a host whose address is not known.
    pub address: Option<SocketAddr>,
    /// Connections that may wait; `None`: as many as the kernel allows.
    pub backlog: Option<i32>,
    /// As in [`ControlAddress::Unix`].
    pub owner: Option<(u32, u32)>,
    pub mode: u32,
}

/// One process slot: a program, or one of its `numprocs` copies.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    /// Process name, unique in its group.
    pub name: String,
    pub group: String,
    /// The program section it comes from.
    pub program: String,
    /// As configured, after expansion.
    pub command: String,
    /// The command split into words, or Supervisor's text for why it cannot be
    /// (`command is empty`, `can't parse command '…': No closing quotation`): found at start, not before.
    pub argv: Result<Vec<String>, String>,
    pub directory: Option<PathBuf>,
    /// The variables of the whole, then the program's own on top: everything that is configured for it.
    pub environment: Vec<(String, String)>,
    pub user: Option<UserRef>,
    pub umask: Option<u32>,
    pub priority: i64,
    pub autostart: bool,
    pub autorestart: Autorestart,
    pub exitcodes: Vec<i32>,
    /// Milliseconds; may be negative, as in Supervisor.
    pub startsecs_ms: i64,
    /// Number of retries; negative: give up after the first failure.
    pub startretries: i64,
    pub backoff: Backoff,
    pub stopsignal: Signal,
    /// Milliseconds; may be negative, as in Supervisor.
    pub stopwaitsecs_ms: i64,
    pub stopasgroup: bool,
    pub killasgroup: bool,
    pub stdin: Stdin,
    /// Stands in place of `stdin`.
    pub socket: Option<Box<FcgiSocket>>,
    /// Stderr is the same pipe as stdout.
    pub redirect_stderr: bool,
    pub stdout: LogPlan,
    pub stderr: LogPlan,
    /// `None`: automatic.
    pub serverurl: Option<String>,
    /// `mainstay run -- CMD`: its end ends the container with its exit code.
    pub main: bool,
    /// What it waits for before it is started for the first time.
    pub waits: Option<Box<Waits>>,
    /// What Supervisor does not know.
    pub native: Native,
}

/// A program that is not started with the daemon but when others have come so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waits {
    pub depends: Vec<Dependency>,
    /// Of those that may start at once, lower comes first: urgency, then rank. Settled when the file is read.
    pub urgency: i64,
    pub rank: u32,
    /// `dependent_startup_inherit_priority`, already in `urgency`.
    pub inherits: bool,
}

impl Waits {
    /// As the setting is written: `a:RUNNING b:EXITED,FATAL`.
    #[must_use]
    pub fn wait_for(&self) -> String {
        let word = |d: &Dependency| {
            let Condition::Reached(states) = &d.condition;
            let states: Vec<&str> = states.iter().map(|s| s.name()).collect();
            format!("{}:{}", d.target, states.join(","))
        };
        self.depends.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// One program that is waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dependency {
    /// The program section; all of its processes are meant.
    pub target: String,
    pub condition: Condition,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Has been in one of these states at some time since the start of the daemon.
    Reached(Vec<Milestone>),
}

/// A state that can be waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Milestone {
    Starting,
    Running,
    Backoff,
    Stopping,
    Exited,
    Fatal,
}

impl Milestone {
    pub const ALL: [Milestone; 6] = [
        Milestone::Starting,
        Milestone::Running,
        Milestone::Backoff,
        Milestone::Stopping,
        Milestone::Exited,
        Milestone::Fatal,
    ];

    /// As Supervisor writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Milestone::Starting => "STARTING",
            Milestone::Running => "RUNNING",
            Milestone::Backoff => "BACKOFF",
            Milestone::Stopping => "STOPPING",
            Milestone::Exited => "EXITED",
            Milestone::Fatal => "FATAL",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Autorestart {
    Never,
    Always,
    /// Only after an exit whose status is not among the exit codes.
    Unexpected,
}

/// How long to wait before the next try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backoff {
    /// Supervisor: after the n-th failed start wait n seconds; a crash after RUNNING is restarted at once.
    Linear,
    /// Also after a crash of a RUNNING program: `initial`, times `factor` each time, at most `max`;
    /// plus or minus `jitter_percent`. Starts again at `initial` after `reset_after` of uptime.
    Exponential {
        initial_ms: i64,
        factor_percent: u32,
        max_ms: i64,
        jitter_percent: u32,
        reset_after_ms: i64,
    },
}

impl Backoff {
    /// The default of TOML and environment: 1 s … 60 s, doubled each time, 10 % jitter, forgotten after 60 s of uptime.
    pub const CONTAINER: Backoff = Backoff::Exponential {
        initial_ms: 1_000,
        factor_percent: 200,
        max_ms: 60_000,
        jitter_percent: 10,
        reset_after_ms: 60_000,
    };
}

/// What a program reads on descriptor 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stdin {
    /// A pipe that never ends while the program lives (Supervisor).
    Pipe,
    /// Our own standard input.
    Inherit,
}

/// What happens to one output stream of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogPlan {
    pub target: LogTarget,
    /// Bytes; 0 never rotates. Ignored where the target cannot be rotated.
    pub maxbytes: u64,
    pub backups: u32,
    /// Bytes of capture buffer; 0 turns capture mode off.
    pub capture_maxbytes: u64,
    pub events: bool,
    pub syslog: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogTarget {
    /// Thrown away.
    None,
    /// A file of its own in `childlogdir`, named by us.
    Auto,
    File(PathBuf),
    /// A descriptor of ours (1 or 2 usually), never reopened by path. `text` is what the user wrote.
    Stream {
        fd: i32,
        text: String,
    },
    /// The program writes to our own stdout or stderr itself; nothing in between.
    Inherit,
}
