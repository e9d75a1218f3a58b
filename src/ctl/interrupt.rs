//! Waiting for a server or a keyboard, where Ctrl-C ends what is waited for instead of the program.
//!
//! Does I/O. Invariants: signals are held back only as long as a `Held` lives, and what came meanwhile and was not
//! read is delivered then; where nobody holds SIGINT back it ends the program, as ever. Not here: what is read.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// What may come from a terminal or a neighbour while somebody sits at it; last that the terminal has another size.
const SIGNALS: [Signal; 5] =
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGWINCH];

/// Holds signals back until it is dropped.
pub(crate) struct Held {
    before: SigSet,
}

impl Held {
    /// Holds SIGINT back.
    pub(crate) fn interrupt() -> io::Result<Held> {
        Held::these(&SIGNALS[..1])
    }

    /// Holds back everything that would leave a terminal in disorder, or changes its size.
    pub(crate) fn all() -> io::Result<Held> {
        Held::these(&SIGNALS)
    }

    fn these(signals: &[Signal]) -> io::Result<Held> {
        let set: SigSet = signals.iter().copied().collect();
        Ok(Held { before: set.thread_swap_mask(SigmaskHow::SIG_BLOCK)? })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // It was the mask a moment ago.
        let _ = self.before.thread_set_mask();
    }
}

/// Why waiting has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Woken {
    /// Bit n: the n-th descriptor can be read, or has ended.
    Ready(u32),
    Signal(Signal),
    Late,
}

/// Waits for the first of several descriptors, or for one of the signals that are held back. That the terminal has
/// another size is no news here: `wait_or_resized` hears of it later.
pub(crate) fn wait(fds: &[BorrowedFd<'_>], limit: Option<Duration>) -> io::Result<Woken> {
    wait_with(&SIGNALS[..4], fds, limit)
}

/// As `wait`, for whoever draws on the terminal.
pub(crate) fn wait_or_resized(fds: &[BorrowedFd<'_>], limit: Option<Duration>) -> io::Result<Woken> {
    wait_with(&SIGNALS, fds, limit)
}

fn wait_with(signals: &[Signal], fds: &[BorrowedFd<'_>], limit: Option<Duration>) -> io::Result<Woken> {
    let set: SigSet = signals.iter().copied().collect();
    let signals = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let timeout = limit.map_or(PollTimeout::NONE, |limit| {
        PollTimeout::try_from(limit.max(Duration::from_millis(1))).unwrap_or(PollTimeout::MAX)
    });
    loop {
        let mut polled: Vec<PollFd<'_>> = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        polled.extend(fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)));
        match poll(&mut polled, timeout) {
            Ok(0) => return Ok(Woken::Late),
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(e) => return Err(e.into()),
        }
        if let Ok(Some(info)) = signals.read_signal() {
            let number = i32::try_from(info.ssi_signo).unwrap_or(0);
            return Ok(Woken::Signal(Signal::try_from(number).unwrap_or(Signal::SIGINT)));
        }
        let mut bits = 0;
        for (n, fd) in polled.iter().skip(1).enumerate() {
            bits |= u32::from(fd.any().unwrap_or(true)) << n;
        }
        if bits != 0 {
            return Ok(Woken::Ready(bits));
        }
    }
}

/// Lets a signal do what it would have done, once it is no longer held back.
pub(crate) fn pass_on(signal: Signal) {
    // It exists: it has just come.
    let _ = raise(signal);
}
