//! Tells when somebody sets the wall clock: a timer of the kernel that is cancelled by that, and never comes otherwise.
//!
//! timerfd_create(2), TFD_TIMER_CANCEL_ON_SET. Costs nothing while nobody sets the clock. Not here: what follows.

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// Some hundred years ahead.
const NEVER: Duration = Duration::from_secs(1 << 33);

/// Ready to be read when the clock was set.
pub struct ClockWatch(TimerFd);

impl ClockWatch {
    /// # Errors
    /// EMFILE; ENODEV or a seccomp profile where there are no timers.
    pub fn new() -> Result<ClockWatch, Errno> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let watch = ClockWatch(TimerFd::new(ClockId::CLOCK_REALTIME, flags)?);
        watch.arm()?;
        Ok(watch)
    }

    /// The time by which we will be told of a change is never: only the change counts.
    fn arm(&self) -> Result<(), Errno> {
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        self.0.set(Expiration::OneShot(TimeSpec::from_duration(NEVER)), flags)
    }

    /// Takes the news, so that the next change is news again.
    pub fn take(&self) {
        let mut bytes = [0; 8];
        let _ = nix::unistd::read(self.0.as_fd(), &mut bytes); // ECANCELED is the news itself
        let _ = self.arm(); // it could be set before
    }
}

impl AsFd for ClockWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    #[test]
    fn nothing_is_told_while_nobody_sets_the_clock() {
        let watch = ClockWatch::new().expect("a timer");
        for _ in 0..2 {
            let mut fds = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
            assert_eq!(poll(&mut fds, PollTimeout::from(20u8)), Ok(0));
            watch.take();
        }
    }
}
