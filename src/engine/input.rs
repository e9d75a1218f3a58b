//! What the engine can be told. Closed: the shell translates everything it sees into one of these.

use crate::config::model::Group;
use crate::control::Command;
use crate::types::{ExitStatus, Pid, ProcRef, Signal};
use std::rc::Rc;

/// Names one command until it is answered; given by the shell, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CommandId(pub u64);

#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// Everything is open: start what is to be started. Comes once, first.
    Boot,
    /// The clock has reached (or passed) `next_deadline`. Legal at any time.
    Deadline,
    /// Answer to `Action::Spawn`: the fork succeeded.
    Spawned { proc: ProcRef, pid: Pid },
    /// Answer to `Action::Spawn`: nothing was forked.
    SpawnFailed { proc: ProcRef, error: SpawnError },
    /// The child could not become the program; its exit follows. `text` says what failed and why.
    ExecFailed { proc: ProcRef, text: String },
    /// The process was reaped, after its output was read dry.
    Exited { proc: ProcRef, status: ExitStatus },
    /// Answer to `Action::CheckGroup`, and news whenever it may have changed: is anybody left in the
    /// process group of this incarnation?
    GroupChecked { proc: ProcRef, alive: bool },
    /// kill(2) failed with something other than ESRCH.
    KillFailed { proc: ProcRef, errno: String },
    /// Answer to `Action::RunTask`, exactly one: it has ended, or could not be started.
    TaskEnded { task: TaskRef, end: TaskEnd },
    /// A process that lives says something by itself.
    Told { proc: ProcRef, what: Told },
    /// Somebody has set the wall clock. Comes only where the engine follows it.
    ClockSet,
    /// From an operator; answered exactly once by `Action::Reply`.
    Command { id: CommandId, command: Command },
    /// SIGTERM, SIGINT or SIGQUIT: stop everything and end.
    Shutdown { signal: Signal },
    /// A signal that is routed to it: not ready from now on.
    Drain,
    /// SIGHUP as Supervisor means it: stop everything and start again.
    Restart { signal: Signal },
    /// A signal that we got is for the process of this slot. Legal at any time: without a process nobody gets it.
    Forward { slot: u32, signal: Signal },
    /// These members of a group are part of the whole from now on: (slot, member).
    Add { group: Rc<Group>, members: Vec<(u32, usize)> },
    /// The programs of these slots are not, as soon as they have been stopped: `Action::Vacated`.
    Retire { slots: Vec<u32> },
    /// Programs are configured otherwise: `Action::Renewed` when it has come true.
    Change(Vec<Change>),
}

/// One run of a command beside a process: a hook or a check.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TaskRef {
    /// Whose; of a hook before the start, the incarnation that is to be started.
    pub proc: ProcRef,
    pub kind: TaskKind,
    /// Grows with each run of the engine; late news of an old one changes nothing.
    pub serial: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TaskKind {
    PreStart,
    PostStop,
    StopCommand,
    Readiness,
    Liveness,
}

impl TaskKind {
    /// As a configuration says it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            TaskKind::PreStart => "pre_start",
            TaskKind::PostStop => "post_stop",
            TaskKind::StopCommand => "stop_command",
            TaskKind::Readiness => "readiness",
            TaskKind::Liveness => "liveness",
        }
    }

    /// Not a check.
    #[must_use]
    pub fn is_hook(self) -> bool {
        match self {
            TaskKind::PreStart | TaskKind::PostStop | TaskKind::StopCommand => true,
            TaskKind::Readiness | TaskKind::Liveness => false,
        }
    }
}

/// How a task ended. Nothing of it runs any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TaskEnd {
    Exited {
        status: ExitStatus,
        /// The last line that it wrote, cut to 256 bytes.
        said: String,
    },
    /// It took longer than it may and was killed with all of its group.
    TimedOut,
    /// `Action::EndTask` came before its end.
    Cancelled,
    /// Nothing was forked, or the command could not be executed: why.
    NotStarted(String),
}

/// What a process can say: by sd_notify; `Ready` also by a line of its log or a newline on a descriptor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// READY=1
    Ready,
    /// RELOADING=1
    Reloading,
    /// STOPPING=1
    Ending,
    /// WATCHDOG=1
    Alive,
    /// WATCHDOG=trigger
    Failing,
    /// WATCHDOG_USEC; 0: it is not watched any more.
    WatchdogMs(i64),
    /// EXTEND_TIMEOUT_USEC
    ExtendMs(i64),
    /// STATUS, one clean line of bounded length.
    Status(String),
}

/// A program that is the same by name, and not otherwise.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    pub slot: u32,
    pub group: Rc<Group>,
    /// Its place among the programs of the group.
    pub member: usize,
    /// What the program itself would see is another: it has to be started again.
    pub restart: bool,
}

/// Why nothing could be forked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpawnError {
    pub kind: SpawnErrorKind,
    /// Supervisor's sentence, shown in `status` and logged: `can't find command 'x'`.
    pub text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpawnErrorKind {
    /// The file is not there: fault NO_FILE.
    NoFile,
    /// It is there but cannot be run: fault NOT_EXECUTABLE.
    NotExecutable,
    /// Pipes, logs, fork: fault SPAWN_ERROR.
    Other,
}
