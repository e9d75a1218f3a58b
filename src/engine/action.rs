//! What the engine can ask for. Closed, performed in order by `daemon::perform`; answers come back as inputs.

use crate::control::{EndReason, Outcome, State};
use crate::engine::input::{CommandId, TaskRef};
use crate::types::{ExitStatus, LogLevel, Now, Pid, ProcRef, Signal};

#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Start this incarnation. Answered by `Spawned` or `SpawnFailed`, always.
    Spawn(ProcRef),
    /// Send a signal to a process that has not been reaped, to its process group, or to all that descends from it.
    Kill { proc: ProcRef, pid: Pid, scope: Scope, signal: Signal },
    /// Tell by `GroupChecked` whether the process group `pid`, or the tree, still has members, now and whenever a
    /// child has been reaped, until the answer was no or another incarnation is spawned. The leader has been reaped.
    CheckGroup { proc: ProcRef, pid: Pid, scope: Scope },
    /// Run what the program's configuration names for this kind of task, in the program's context and in a process group
    /// of its own, for at most `timeout_ms`. Answered by `TaskEnded`, always.
    RunTask { task: TaskRef, timeout_ms: i64 },
    /// Kill this task now. Its `TaskEnded` follows.
    EndTask(TaskRef),
    /// The one answer to a command.
    Reply { id: CommandId, outcome: Outcome },
    /// A process changed its state.
    Publish(StateChange),
    /// A process has ended, or an attempt to start one: once for each incarnation.
    Ended(EndFacts),
    /// Nobody has this slot any more; nothing of its process runs.
    Vacated(u32),
    /// From here on the program of this slot is the one it was changed to.
    Renewed(u32),
    /// What brings about the end, and whose output may say more. Once at most.
    LastWords { slot: Option<u32>, reason: String },
    /// Everything is going to be stopped, for good or for a restart. Once.
    Stopping,
    /// A line for the daemon's log.
    Log(LogLevel, String),
    /// Everything has stopped: leave the loop.
    Exit(Leave),
    /// An input that cannot happen: logged, counted, and a failure in every test.
    Bug(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    Process,
    Group,
    /// The process and all that descends from it, whatever group it is in; after the leader's end those that are left.
    Tree,
}

/// News for listeners, metrics and logs.
#[derive(Clone, PartialEq, Debug)]
pub struct StateChange {
    pub proc: ProcRef,
    pub from: State,
    pub to: State,
    /// 0 where there is none (STOPPED out of BACKOFF).
    pub pid: i32,
    /// Failed starts so far, for STARTING and BACKOFF.
    pub tries: u32,
    /// For EXITED and for STOPPED out of STOPPING.
    pub status: Option<ExitStatus>,
    /// For EXITED.
    pub expected: bool,
}

/// What the engine knows of an end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndFacts {
    pub proc: ProcRef,
    /// Never `Oom`: that the shell finds out.
    pub reason: EndReason,
    /// `None`: nothing was forked.
    pub status: Option<ExitStatus>,
    pub expected: bool,
    /// We had sent it SIGKILL.
    pub killed: bool,
    /// Failed starts in a row, this one included; 0: it was no failed start.
    pub tries: u32,
    pub started: Now,
    pub uptime_ns: u64,
    /// What there is to say beside the reason; often empty.
    pub why: String,
}

/// How the loop is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leave {
    /// End with this exit code.
    Exit(u8),
    /// Start again from the configuration, in the same process.
    Restart,
}
