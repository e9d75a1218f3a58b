//! Forks and execs, and is the code that runs in between.
//!
//! The child shares our memory until its exec (clone with CLONE_VM and CLONE_VFORK, on a stack of its own): no page
//! table is copied however large we are, and a step that fails is told by a plain store. We are suspended meanwhile.
//! Invariants: all that allocates or can fail by lookup is in the `ExecPlan` before the clone; after it only
//! async-signal-safe calls, no allocation, no panic path, `_exit` at the end. signal-safety(7), docs/adr/0002.
//! Not here: what goes into the plan (`spawn::plan`).

use crate::sys::capabilities;
use crate::sys::carray::{CArray, NumberSlot};
use crate::sys::complaint::{complain, decimal};
use crate::sys::confine::{self, Confinement};
use crate::sys::job::{self, Terminal};
use crate::sys::signals::{self, SignalState};
use crate::sys::stage::{self, FdStage};
use crate::sys::step::Failure;
use crate::types::Pid;
use nix::errno::Errno;
use nix::libc;
use std::ffi::CString;
use std::os::fd::RawFd;

pub use crate::sys::step::Stage;

/// BOUND: the child's stack; its frames are a few hundred bytes, `execve` with many arguments uses none of it.
const STACK_BYTES: usize = 64 << 10;

/// A directory that is open here, and what it is called.
pub struct StartDirectory {
    pub fd: RawFd,
    pub path: CString,
}

/// Numbers of the user that the program runs as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
}

/// Everything the child needs, ready.
pub struct ExecPlan {
    /// What to execute: a path, or the file behind `binary`.
    pub path: CString,
    /// Execute this descriptor (O_PATH) and not `path`.
    pub binary: Option<RawFd>,
    pub argv: CArray,
    pub envp: CArray,
    /// Become 0, 1 and 2; `None` leaves ours. Numbers below 3 only where they stand for themselves or each other.
    pub stdio: [Option<RawFd>; 3],
    /// Become 3, 4, …; every number must be at least 3 + their count, so that no target is a source.
    pub extra: Vec<RawFd>,
    /// One more, and the number above 2 that it becomes.
    pub placed: Option<(RawFd, RawFd)>,
    /// A process group of its own.
    pub own_group: bool,
    /// A session of its own, or the terminal's foreground for its group.
    pub terminal: Terminal,
    /// Entered before anything else changes: where we would be if we had stayed where we began.
    pub start_directory: Option<StartDirectory>,
    /// Entered as the user.
    pub directory: Option<CString>,
    pub umask: Option<u32>,
    pub identity: Option<Identity>,
    pub no_new_privs: bool,
    /// Soft limit of open files, where it differs from ours.
    pub nofile: Option<(u64, u64)>,
    /// Limits and rights of its own.
    pub confinement: Option<Box<Confinement>>,
    /// Signals we handle: set to what they do by default before the old mask comes back.
    pub handled: Vec<i32>,
    /// Written to the child's stderr in front of the stage's error; Supervisor's form. `None`: say nothing.
    pub complain: bool,
    /// The child's own pid goes here, a place inside `envp`: LISTEN_PID of socket activation.
    pub pid_slot: Option<NumberSlot>,
}

impl ExecPlan {
    /// What is to be executed, in a group of its own, and nothing else but us.
    #[must_use]
    pub fn new(path: CString, argv: CArray, envp: CArray) -> ExecPlan {
        ExecPlan {
            path,
            binary: None,
            argv,
            envp,
            stdio: [None; 3],
            extra: Vec::new(),
            placed: None,
            own_group: true,
            terminal: Terminal::Leave,
            start_directory: None,
            directory: None,
            umask: None,
            identity: None,
            no_new_privs: false,
            nofile: None,
            confinement: None,
            handled: vec![libc::SIGCHLD],
            complain: false,
            pid_slot: None,
        }
    }
}

/// What became of a spawn.
#[derive(Debug, PartialEq, Eq)]
pub struct Launched {
    pub pid: Pid,
    /// The child could not become the program; it exits with 127 and has to be reaped like any other.
    pub failed: Option<(Stage, i32)>,
}

struct Shared<'a> {
    plan: &'a ExecPlan,
    restore: &'a SignalState,
    /// What becomes 0, 1 and 2: the plan's descriptors, or their places on the stage.
    stdio: [Option<RawFd>; 3],
    /// The child shares our table until it has cut off a private copy above this number.
    cut_above: Option<RawFd>,
    failure: Option<Failure>,
}

/// The memory of the child until its exec. Made once, used again: there is one child in that phase at a time.
pub struct Spawner {
    stack: Vec<u128>,
    restore: SignalState,
    stage: Option<FdStage>,
}

impl Spawner {
    /// `restore` is the signal state every program gets. Programs get no descriptor but those of the plan.
    #[must_use]
    pub fn new(restore: SignalState) -> Spawner {
        Spawner { stage: FdStage::new(), ..Spawner::passing_everything_on(restore) }
    }

    /// Programs also get what we were started with above stderr: sockets of an activation, say.
    #[must_use]
    pub fn passing_everything_on(restore: SignalState) -> Spawner {
        Spawner { stack: vec![0; STACK_BYTES / size_of::<u128>()], restore, stage: None }
    }

    /// Starts the program. Returns after its exec has happened or failed.
    ///
    /// # Errors
    /// EAGAIN (process limit), ENOMEM: there is no child then.
    pub fn spawn(&mut self, plan: &ExecPlan) -> Result<Launched, Errno> {
        let stage = self
            .stage
            .as_ref()
            .filter(|_| plan.extra.is_empty() && plan.placed.is_none() && plan.binary.is_none());
        let stdio = stage.map_or(plan.stdio, |s| s.set(&plan.stdio));
        let files = if stage.is_some() { libc::CLONE_FILES } else { 0 };
        let mut shared =
            Shared { plan, restore: &self.restore, stdio, cut_above: stage.map(FdStage::top), failure: None };
        let top = self.stack.as_mut_ptr_range().end;
        // RACE: no handler may run in the child while it shares our memory, so every signal waits.
        let mask = signals::block_all();
        // SAFETY: `top` is the aligned end of a stack that nothing else uses; `shared` outlives the child's use of it
        // because CLONE_VFORK suspends us until the child has exec'd or exited; `run` obeys signal-safety(7).
        let pid = unsafe {
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD | files;
            libc::clone(run, top.cast(), flags, (&raw mut shared).cast())
        };
        let result = Errno::result(pid);
        signals::set_mask(&mask);
        if let Some(stage) = stage {
            stage.clear(&stdio);
        }
        let pid = result?;
        // SAFETY: the child has written this before we went on; a plain read could be optimised away.
        let failure = unsafe { std::ptr::read_volatile(&raw const shared.failure) };
        let failed = failure.map(|f| (f.stage, f.errno));
        Ok(Launched { pid: Pid(pid), failed })
    }
}

/// The child. Ends in execve or `_exit`.
extern "C" fn run(arg: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `arg` is the `Shared` of `spawn`, alive while we run, and nobody else touches it meanwhile.
    let shared = unsafe { &mut *arg.cast::<Shared<'_>>() };
    let failure = attempt(shared);
    // SAFETY: a live place that the suspended parent reads afterwards.
    unsafe { std::ptr::write_volatile(&raw mut shared.failure, Some(failure)) };
    // Only into a pipe of the program's own, which is empty: a stderr that it shares with others may be full, and we
    // would stand still, and the suspended parent with us.
    if shared.plan.complain && shared.stdio[2].is_some_and(|n| n > 2) {
        complain(shared.plan, failure);
    }
    let code = match failure.errno {
        libc::EACCES | libc::ENOEXEC | libc::EISDIR if !shared.plan.complain => 126,
        _ => 127,
    };
    // SAFETY: ends this process only, without running anything of the parent's.
    unsafe { libc::_exit(code) }
}

/// Does the steps in order; comes back only when one has failed.
fn attempt(shared: &Shared<'_>) -> Failure {
    let plan = shared.plan;
    // While our numbers are still the parent's.
    let entered = enter(plan);
    if let Some(top) = shared.cut_above
        && let Err(errno) = stage::cut_above(top)
    {
        // The table is still the parent's: touch nothing and leave.
        return Failure { stage: Stage::Descriptors, errno };
    }
    match prepare(plan, &shared.stdio, entered) {
        Err(failure) => failure,
        Ok(()) => {
            restore_signals(plan, shared.restore);
            // SAFETY: all arrays end in null and live in the plan.
            let errno = unsafe {
                match plan.binary {
                    Some(fd) => {
                        let (empty, argv, envp) =
                            (c"".as_ptr(), plan.argv.pointers.as_ptr(), plan.envp.pointers.as_ptr());
                        libc::syscall(libc::SYS_execveat, fd, empty, argv, envp, libc::AT_EMPTY_PATH);
                    }
                    None => {
                        libc::execve(
                            plan.path.as_ptr(),
                            plan.argv.pointers.as_ptr(),
                            plan.envp.pointers.as_ptr(),
                        );
                    }
                }
                Errno::last_raw()
            };
            Failure { stage: Stage::Exec, errno }
        }
    }
}

/// Fails with the present errno when a call said -1.
fn check(stage: Stage, result: libc::c_int) -> Result<(), Failure> {
    if result < 0 { Err(Failure { stage, errno: Errno::last_raw() }) } else { Ok(()) }
}

fn enter(plan: &ExecPlan) -> Result<(), Failure> {
    let Some(directory) = &plan.start_directory else { return Ok(()) };
    // SAFETY: a system call on a number.
    check(Stage::Directory, unsafe { libc::fchdir(directory.fd) })
}

/// `entered` counts once there is a stderr to say it on.
fn prepare(plan: &ExecPlan, stdio: &[Option<RawFd>; 3], entered: Result<(), Failure>) -> Result<(), Failure> {
    // SAFETY: plain system calls on numbers and on strings that live in the plan.
    unsafe {
        if plan.own_group {
            check(Stage::Group, libc::setpgid(0, 0))?;
        }
        check(Stage::Terminal, job::settle(plan.terminal))?;
        descriptors(plan, stdio)?;
        if let Some((soft, hard)) = plan.nofile {
            let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
            check(Stage::Limits, libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit))?;
        }
        entered?;
        let capabilities = plan.confinement.as_ref().and_then(|c| c.capabilities);
        if let Some(confinement) = &plan.confinement {
            confine::enter(confinement)?;
        }
        if let Some(identity) = &plan.identity {
            if capabilities.is_some_and(|c| c.ambient != 0) {
                capabilities::keep_over_a_change_of_user()?;
            }
            become_user(identity)?;
        }
        if let Some(capabilities) = capabilities {
            capabilities::pass_on(capabilities)?;
        }
        if plan.no_new_privs {
            check(Stage::NoNewPrivs, libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        }
        if let Some(directory) = &plan.directory {
            check(Stage::Directory, libc::chdir(directory.as_ptr()))?;
        }
        if let Some(umask) = plan.umask {
            libc::umask(umask);
        }
        if let Some(NumberSlot(at)) = plan.pid_slot {
            let (digits, from) = decimal(libc::getpid().unsigned_abs());
            // The rest of the room is zero already, which ends the text.
            std::ptr::copy_nonoverlapping(digits.as_ptr().add(from), at, digits.len() - from);
        }
    }
    Ok(())
}

/// Raw system calls: the C library's would ask every thread to follow, and here its thread list is the parent's.
fn become_user(identity: &Identity) -> Result<(), Failure> {
    let syscall = |n: libc::c_long, a: usize, b: usize, c: usize| -> libc::c_int {
        // SAFETY: set*id calls with numbers, and setgroups with a live array and its length.
        let result = unsafe { libc::syscall(n, a, b, c) };
        if result < 0 { -1 } else { 0 }
    };
    let (uid, gid) = (identity.uid as usize, identity.gid as usize);
    check(
        Stage::Groups,
        syscall(libc::SYS_setgroups, identity.groups.len(), identity.groups.as_ptr() as usize, 0),
    )?;
    check(Stage::Gid, syscall(libc::SYS_setresgid, gid, gid, gid))?;
    check(Stage::Uid, syscall(libc::SYS_setresuid, uid, uid, uid))
}

/// Puts the planned descriptors at 0, 1, 2 and 3, 4, … .
fn descriptors(plan: &ExecPlan, stdio: &[Option<RawFd>; 3]) -> Result<(), Failure> {
    for (to, from) in (0..).zip(stdio.iter()) {
        if let Some(from) = *from {
            place(from, to)?;
        }
    }
    for (to, from) in (3..).zip(plan.extra.iter()) {
        place(*from, to)?;
    }
    // Last: its place may be where another one came from.
    plan.placed.map_or(Ok(()), |(from, to)| place(from, to))
}

fn place(from: RawFd, to: RawFd) -> Result<(), Failure> {
    // SAFETY: descriptor calls on numbers; the table is the child's own (no CLONE_FILES).
    let result = unsafe { if from == to { libc::fcntl(to, libc::F_SETFD, 0) } else { libc::dup2(from, to) } };
    check(Stage::Descriptors, result)
}

/// Handled signals do what they do by default again, those that were ignored are ignored again, the mask comes back.
/// A signal that came meanwhile then hits the program-to-be as it would hit the program.
fn restore_signals(plan: &ExecPlan, restore: &SignalState) {
    for n in &plan.handled {
        signals::set_ignored(*n, restore.was_ignored(*n));
    }
    signals::set_mask(&restore.mask);
}
