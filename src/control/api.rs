//! Requests, replies and the snapshot. Pure data; faults and states carry Supervisor's numbers.

use super::explain::{EndReason, Explained, Used};
use super::fault::Fault;
use super::plan::Plan;
use super::state::State;
use super::stats::{CheckInfo, ProcessStats, SelfStats};
use crate::types::{ExitStatus, Signal, Wall};
use serde::{Deserialize, Serialize};

/// First frame on the link, from the core to the gateway, with id 0: what the inherited descriptors are.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// Listener `i` is descriptor `FIRST_LISTENER_FD + i`.
    pub listeners: Vec<ListenerSpec>,
    /// User and group id to become, when the core is root.
    pub drop_to: Option<(u32, u32)>,
}

/// One listening socket, already bound and listening.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ListenerSpec {
    pub kind: ListenerKind,
    /// A unix socket, else TCP.
    pub unix: bool,
    /// The configuration section it comes from, for messages.
    pub section: String,
    /// User name and password; the password may be `{SHA}` and the lower-case hex digest.
    pub auth: Option<(String, String)>,
}

/// What a listener offers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ListenerKind {
    /// Read-only: metrics and health.
    Http,
    /// Health and XML-RPC.
    Control,
}

/// What the gateway asks of the core.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Are you turning? Answered at once, in the turn that reads it.
    Ping,
    Identity,
    /// Every process; and, where they are wanted, the daemon's own numbers of CPU, memory and descriptors, which take
    /// a look into /proc.
    Snapshot {
        numbers: bool,
    },
    /// The same with `last_lines`, without those numbers.
    Table,
    /// Why a process is as it is.
    Explain {
        group: String,
        name: String,
    },
    /// Health as the engine sees it.
    Health(HealthKind),
    /// A log, to be read by whoever asks.
    OpenLog(LogOf),
    /// Throw away what is in a log; of a process, in both. Answered as a command is.
    ClearLog(LogOf),
    /// What every program is configured to be.
    Configuration,
    /// Something to be done; may be answered much later.
    Command(Command),
    /// Something for a program to read; answered like a command, at once.
    Send(Send),
    /// Read the configuration again, and say which groups are others now.
    Reread,
    /// A group as it was read last becomes part of the whole. Answered as a command is.
    AddGroup(String),
    /// A group in which nothing runs is no longer part of the whole. Answered as a command is.
    RemoveGroup(String),
    /// What an update of these groups would do; none: of all.
    Plan(Vec<String>),
    /// Program by program; answered with what was done, when what had to stop has stopped.
    Update(Vec<String>),
    /// Events whose names are covered by one of these: answered again and again, until `Unsubscribe`.
    Subscribe(Vec<String>),
    /// No more answers to the `Subscribe` of this id; has none of its own.
    Unsubscribe(u64),
}

/// What can be sent to programs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Send {
    /// To every event listener that asks for REMOTE_COMMUNICATION.
    RemoteEvent { kind: String, data: String },
    /// To the stdin of a process.
    Stdin { group: String, name: String, text: String },
}

/// Whose log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum LogOf {
    /// The daemon's own.
    Daemon,
    Process {
        group: String,
        name: String,
        stderr: bool,
    },
}

/// What an operator can ask for. Every command is answered exactly once.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Command {
    /// With `wait`, answered when the process is RUNNING or has failed.
    Start {
        target: Target,
        wait: bool,
    },
    /// With `wait`, answered when the process has stopped.
    Stop {
        target: Target,
        wait: bool,
    },
    Signal {
        target: Target,
        signal: Signal,
    },
    /// Not ready from now on, and nothing else. With `wait`, answered when `drain_delay` is over.
    Drain {
        wait: bool,
    },
    /// Take a drain back.
    Undrain,
    /// Stop everything and end.
    Shutdown,
    /// Stop everything and start again from the configuration.
    Restart,
}

/// Whom a command is for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Target {
    Process { group: String, name: String },
    Group(String),
    All,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Reply {
    Pong,
    Identity(Ident),
    Snapshot(Box<Snapshot>),
    /// `None`: there is no such process.
    Explained(Option<Box<Explained>>),
    Health(HealthReport),
    Log(LogReply),
    /// In the order of the configuration.
    Configuration(Vec<ProgramInfo>),
    /// Names of groups.
    Difference {
        added: Vec<String>,
        changed: Vec<String>,
        removed: Vec<String>,
    },
    Plan(Box<Plan>),
    /// Answer to a command: for one process `Done`, for a group or all `Each`.
    Command(Outcome),
    /// To those who have subscribed, by the ids of their requests; one frame for all of them.
    Push {
        to: Vec<u64>,
        push: Push,
    },
}

/// What a subscriber gets, in the order in which it happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Push {
    /// The first: from now on nothing is missed.
    Begun,
    /// There are too many subscribers; nothing follows.
    Refused,
    Event(Event),
    /// So many events did not fit.
    Lost(u64),
}

/// Something that happened, in Supervisor's words.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    pub serial: u64,
    /// `PROCESS_STATE_RUNNING`.
    pub name: String,
    pub time: Wall,
    /// What listeners read.
    pub payload: String,
}

/// What became of a log that was to be read.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum LogReply {
    /// The open file comes with this frame.
    Opened,
    /// The configuration names no file, or this one, and there is none.
    Missing(Option<String>),
    /// It is no file that can be read, but a pipe or a terminal; or it could not be opened.
    Unreadable,
    NoSuchProcess,
}

/// The answer to a command.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    Done,
    Fault(Fault),
    /// In order of completion; processes that needed nothing are left out.
    Each(Vec<TargetResult>),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TargetResult {
    pub group: String,
    pub name: String,
    /// `None`: done.
    pub fault: Option<Fault>,
}

/// Who is answering.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ident {
    pub identifier: String,
    pub pid: i32,
    /// Being stopped or restarted: Supervisor refuses nearly every call then.
    pub stopping: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    pub identity: Ident,
    pub now: Wall,
    /// In Supervisor's order: group, then name.
    pub processes: Vec<ProcessInfo>,
    /// What each of them has written last; only where it was asked for.
    pub last_lines: Vec<String>,
    pub daemon: SelfStats,
}

/// One process as everybody may see it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ProcessInfo {
    pub group: String,
    pub name: String,
    pub state: State,
    /// 0 when not running.
    pub pid: i32,
    /// Last spawn; 0 = never.
    pub start: Wall,
    /// Last reap; 0 = never.
    pub stop: Wall,
    /// Nanoseconds since the last spawn while running, by the monotonic clock.
    pub uptime_ns: u64,
    /// Empty when there was no error.
    pub spawnerr: String,
    /// COMPAT: of the present spell only; gone while a start is tried again.
    pub exit: Option<ExitStatus>,
    /// How the last process ended, whatever has been started since.
    pub last_exit: Option<ExitStatus>,
    /// Resolved paths; empty when there is none.
    pub stdout_logfile: String,
    pub stderr_logfile: String,
    pub ready: bool,
    /// When its schedule starts it next.
    pub next_run: Option<Wall>,
    /// What there is to say beside the state: what it waits for, why it is not ready, when it runs next. Shown in
    /// `status`; empty for a program of Supervisor's kind.
    pub note: String,
    /// How the last process, or attempt to start one, ended.
    pub last_end: Option<LastEnd>,
    pub stats: ProcessStats,
    /// Of those checks that it has.
    pub checks: Vec<CheckInfo>,
}

/// The newest end in short.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LastEnd {
    pub reason: EndReason,
    /// `None`: nothing was reaped.
    pub used: Option<Used>,
}

/// One program as it is configured.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ProgramInfo {
    pub group: String,
    pub name: String,
    pub group_priority: i64,
    /// The group is part of the whole; else it was only read.
    pub in_use: bool,
    pub priority: i64,
    pub command: String,
    pub directory: Option<String>,
    pub uid: Option<u32>,
    pub exitcodes: Vec<i32>,
    pub autostart: bool,
    pub killasgroup: bool,
    pub redirect_stderr: bool,
    pub startretries: i64,
    /// Whole seconds.
    pub startsecs: i64,
    pub stopsignal: Signal,
    /// Whole seconds.
    pub stopwaitsecs: i64,
    pub serverurl: Option<String>,
    pub stdout: LogInfo,
    pub stderr: LogInfo,
}

/// One stream of a program as it is configured.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LogInfo {
    pub logfile: Option<String>,
    /// Bytes.
    pub maxbytes: u64,
    pub backups: u32,
    /// Bytes.
    pub capture_maxbytes: u64,
    pub events: bool,
    pub syslog: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum HealthKind {
    Live,
    Ready,
    Startup,
}

/// One probe's answer: `ok` is the AND over `checks`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HealthReport {
    pub ok: bool,
    pub checks: Vec<Check>,
}

/// One line of `?verbose`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub ok: bool,
    /// Why not, for people: `BACKOFF, retry in 2s`. Never shown without authority (kube-apiserver withholds it too).
    pub reason: String,
}
