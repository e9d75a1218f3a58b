//! Collects the statuses of dead children, without ever blocking.
//!
//! The only caller of wait4 in the crate: two reapers would steal from each other.
//! Raw libc because the wrapper loses the status of a child killed by a real-time signal.

use crate::sys::usage::Used;
use crate::types::{ExitStatus, Pid, Signal};
use nix::errno::Errno;
use nix::libc;

/// What one call of `next` found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waited {
    /// A child is gone and its status is ours now.
    Dead(Pid, ExitStatus),
    /// A child was stopped by a signal; only seen when asked for.
    Stopped(Pid, Signal),
    /// There are children, none of them dead.
    Nothing,
    /// There are no children at all.
    NoChildren,
}

/// Takes the status of one dead child, any child.
#[must_use]
pub fn next(also_stopped: bool) -> Waited {
    next_with_usage(also_stopped).0
}

/// The same, with what the dead child has used.
#[must_use]
pub fn next_with_usage(also_stopped: bool) -> (Waited, Used) {
    let flags = libc::WNOHANG | if also_stopped { libc::WUNTRACED } else { 0 };
    loop {
        let mut status = 0;
        // SAFETY: all of it is numbers, for which zeros are good.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: both point to live locals; -1 means any child.
        let pid = unsafe { libc::wait4(-1, &raw mut status, flags, &raw mut usage) };
        if pid < 0 && Errno::last() == Errno::EINTR {
            continue;
        }
        match pid {
            0 => return (Waited::Nothing, Used::default()),
            ..0 => return (Waited::NoChildren, Used::default()),
            1.. => {}
        }
        if let Some(waited) = read(Pid(pid), status) {
            return (waited, Used::of(&usage));
        }
    }
}

/// `None` for what nobody asked for.
fn read(pid: Pid, status: i32) -> Option<Waited> {
    if libc::WIFEXITED(status) {
        let code = u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX);
        return Some(Waited::Dead(pid, ExitStatus::Code(code)));
    }
    if libc::WIFSIGNALED(status) {
        let signal = Signal(libc::WTERMSIG(status));
        return Some(Waited::Dead(pid, ExitStatus::Signal { signal, core: libc::WCOREDUMP(status) }));
    }
    libc::WIFSTOPPED(status).then(|| Waited::Stopped(pid, Signal(libc::WSTOPSIG(status))))
}

/// Whether this child is dead, without taking its status: as long as that is there, its number is nobody else's.
#[must_use]
pub fn is_dead(pid: Pid) -> bool {
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: a siginfo_t is plain data, for which zeros are good; the call only writes to it.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        libc::waitid(libc::P_PID, pid.0.unsigned_abs(), &raw mut info, flags) == 0 && info.si_pid() == pid.0
    }
}
