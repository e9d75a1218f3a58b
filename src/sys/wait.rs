//! Collects the statuses of dead children, without ever blocking.
//!
//! The only caller of waitpid in the crate: two reapers would steal from each other.
//! Raw libc because the wrapper loses the status of a child killed by a real-time signal.

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
    let flags = libc::WNOHANG | if also_stopped { libc::WUNTRACED } else { 0 };
    loop {
        let mut status = 0;
        // SAFETY: `status` is a live local; -1 means any child.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, flags) };
        if pid == 0 {
            return Waited::Nothing;
        }
        if pid < 0 {
            if Errno::last() == Errno::EINTR {
                continue;
            }
            return Waited::NoChildren;
        }
        if libc::WIFEXITED(status) {
            let code = u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX);
            return Waited::Dead(Pid(pid), ExitStatus::Code(code));
        }
        if libc::WIFSIGNALED(status) {
            let signal = Signal(libc::WTERMSIG(status));
            return Waited::Dead(Pid(pid), ExitStatus::Signal { signal, core: libc::WCOREDUMP(status) });
        }
        if libc::WIFSTOPPED(status) {
            return Waited::Stopped(Pid(pid), Signal(libc::WSTOPSIG(status)));
        }
    }
}
