//! Job control: who has the terminal's foreground, and what a child does about the terminal before its exec.
//!
//! Asks the kernel. Invariant: the foreground is only ever given away by a group that has it; a write or a hand-over from
//! the background stops nobody, since whoever calls has TTOU blocked. credentials(7), tty_ioctl(4), setsid(2).
//! Not here: when it is handed over (`daemon::solo`), a terminal's size (`terminal`).

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// What becomes of the terminal when a program starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Terminal {
    /// Nothing.
    Leave,
    /// The program's group becomes the foreground of the terminal behind this descriptor.
    Foreground(RawFd),
    /// The program gets a session of its own, with the terminal at its stdin when nobody else has that.
    Session,
}

/// The controlling terminal: one of the standard descriptors, or opened anew where all three lead elsewhere.
pub struct Controlling {
    fd: RawFd,
    /// Closes it, where we have opened it.
    _opened: Option<OwnedFd>,
}

impl Controlling {
    /// `None` without one.
    #[must_use]
    pub fn find() -> Option<Controlling> {
        if let Some(fd) = (0..3).find(|fd| foreground_of(*fd).is_ok()) {
            return Some(Controlling { fd, _opened: None });
        }
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let opened = open("/dev/tty", flags, Mode::empty()).ok()?;
        Some(Controlling { fd: opened.as_raw_fd(), _opened: Some(opened) })
    }

    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.fd
    }

    /// Whether this group has the foreground; 0 is a group outside of our PID namespace.
    #[must_use]
    pub fn is_foreground(&self, group: i32) -> bool {
        foreground_of(self.fd) == Ok(group)
    }

    /// Makes this group the foreground. TTOU must be blocked.
    ///
    /// # Errors
    /// EPERM when the group is gone or of another session.
    pub fn give_to(&self, group: i32) -> Result<(), Errno> {
        // SAFETY: an ioctl with a number.
        Errno::result(unsafe { libc::tcsetpgrp(self.fd, group) }).map(drop)
    }
}

fn foreground_of(fd: RawFd) -> Result<i32, Errno> {
    // SAFETY: an ioctl that gives a number back.
    Errno::result(unsafe { libc::tcgetpgrp(fd) })
}

/// Our process group.
#[must_use]
pub fn own_group() -> i32 {
    nix::unistd::getpgrp().as_raw()
}

/// Lets go of the terminal at stdin, so that a child can have it. Says whether there was one, and whether that made the
/// kernel send HUP and CONT to our group, which it does when a session leader lets go.
#[must_use]
pub fn let_go() -> Option<bool> {
    // SAFETY: an ioctl without an argument, and a question.
    unsafe { (libc::ioctl(0, libc::TIOCNOTTY) == 0).then(|| libc::getsid(0) == libc::getpid()) }
}

/// Stops us until CONT. As PID 1 the kernel takes no notice.
pub fn stop_ourselves() {
    // SAFETY: a signal to ourselves.
    unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
}

/// Tells the others of our process group, a pipeline's say, that the job is to stop. We have the signal blocked.
pub fn stop_our_group() {
    // SAFETY: a signal to our own group.
    unsafe { libc::kill(0, libc::SIGTSTP) };
}

/// In the child, between fork and exec: async-signal-safe. No terminal is no error.
pub(super) fn settle(terminal: Terminal) -> libc::c_int {
    // SAFETY: system calls on numbers. TTOU, which a hand-over from the background would send us, is blocked here.
    unsafe {
        match terminal {
            Terminal::Leave => 0,
            Terminal::Foreground(fd) => {
                let result = libc::tcsetpgrp(fd, libc::getpgrp());
                let none = [libc::ENOTTY, libc::ENXIO, libc::EBADF, libc::EINVAL, libc::EPERM];
                if result < 0 && none.contains(&Errno::last_raw()) { 0 } else { result }
            }
            Terminal::Session => {
                let result = libc::setsid();
                if result >= 0 {
                    // Nobody's fault where there is none, or where it is another session's.
                    libc::ioctl(0, libc::TIOCSCTTY, 0);
                }
                result
            }
        }
    }
}
