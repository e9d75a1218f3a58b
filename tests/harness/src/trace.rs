//! A signal at a chosen moment of a program's start: before its n-th system call, or behind it.
//!
//! By ptrace(2), so that no other tool is needed. Not here: what must come of it.

use crate::daemon::MARK;
use nix::errno::Errno;
use nix::libc;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// How a traced program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Traced {
    /// It got the signal, and this is the code a shell shows.
    Ended(i32),
    /// It waited for signals before its n-th stop, got this one then, and ended with this code.
    Waited(i32),
    /// It ended before its n-th stop.
    TooLate(i32),
}

/// Starts the program and sends the signal at the n-th stop: two for each system call, one where it begins and one where
/// it is over. From then on it is on its own. `None` where tracing is forbidden.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn signal_at(words: &[String], n: usize, signal: i32) -> Option<Traced> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env(MARK, crate::daemon::fresh_mark());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: a system call on numbers.
    unsafe {
        command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    let child = match command.spawn() {
        Ok(child) => child,
        Err(e) if e.raw_os_error() == Some(libc::EPERM) => return None,
        Err(e) => panic!("cannot start {:?}: {e}", words[0]),
    };
    let pid = i32::try_from(child.id()).expect("a pid fits");
    for _ in 0..=n {
        let Some(status) = next_stop(pid) else {
            crate::kill(pid, signal).expect("it waits");
            wait(pid);
            return Some(Traced::Waited(detached(pid)));
        };
        if !libc::WIFSTOPPED(status) {
            return Some(Traced::TooLate(code(status)));
        }
        // SAFETY: requests without memory of ours. The first stop is that of the exec.
        unsafe {
            libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, libc::PTRACE_O_EXITKILL);
            let passed = if libc::WSTOPSIG(status) == libc::SIGTRAP { 0 } else { libc::WSTOPSIG(status) };
            libc::ptrace(libc::PTRACE_SYSCALL, pid, 0, passed);
        }
    }
    match next_stop(pid) {
        Some(status) if !libc::WIFSTOPPED(status) => Some(Traced::TooLate(code(status))),
        Some(_) => {
            crate::kill(pid, signal).expect("it is stopped, not gone");
            Some(Traced::Ended(detached(pid)))
        }
        None => {
            crate::kill(pid, signal).expect("it waits");
            wait(pid);
            Some(Traced::Waited(detached(pid)))
        }
    }
}

/// Lets go of it, and waits for its end.
fn detached(pid: i32) -> i32 {
    // SAFETY: a request without memory of ours.
    unsafe { libc::ptrace(libc::PTRACE_DETACH, pid, 0, 0) };
    code(wait(pid))
}

/// `None` when it sleeps in a system call and goes on sleeping.
fn next_stop(pid: i32) -> Option<i32> {
    let mut asleep = 0;
    for round in 0u32.. {
        let mut status = 0;
        // SAFETY: `status` is a live local.
        if unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } == pid {
            return Some(status);
        }
        std::thread::yield_now();
        if round > 300 {
            crate::wait::pause(1);
            asleep = if crate::proc::stat(pid).is_some_and(|s| s.state == 'S') { asleep + 1 } else { 0 };
        }
        if asleep > 50 {
            return None;
        }
    }
    None
}

fn wait(pid: i32) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is a live local. The children of other threads are not touched.
    while unsafe { libc::waitpid(pid, &raw mut status, 0) } < 0 {
        assert_eq!(Errno::last(), Errno::EINTR, "it is our child");
    }
    status
}

fn code(status: i32) -> i32 {
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) }
}
