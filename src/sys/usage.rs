//! What a process has used, as the kernel tells with its status; and how full a pipe is.
//!
//! Asks the kernel. The peak of memory is at least what the daemon itself had: the kernel counts the moment
//! between fork and exec too. Not here: collecting statuses (`wait`), what a living process uses (`procfs`).

use nix::libc;
use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// What one process has used, with those of its descendants that it waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Used {
    /// The most memory that was resident at once, in one process.
    pub peak_bytes: u64,
    pub user_us: u64,
    pub system_us: u64,
}

impl Used {
    pub(super) fn of(usage: &libc::rusage) -> Used {
        let micros =
            |t: libc::timeval| number(t.tv_sec).saturating_mul(1_000_000).saturating_add(number(t.tv_usec));
        Used {
            peak_bytes: number(usage.ru_maxrss).saturating_mul(1024),
            user_us: micros(usage.ru_utime),
            system_us: micros(usage.ru_stime),
        }
    }
}

/// Bytes that wait in a pipe, and how many it can hold. `None` for what is none, or may not be opened.
#[must_use]
pub fn pipe_fill(path: &Path) -> Option<(u64, u64)> {
    // Reading end: it neither waits nor takes anything.
    let pipe = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    if !pipe.metadata().ok()?.file_type().is_fifo() {
        return None;
    }
    let mut used: libc::c_int = 0;
    // SAFETY: the descriptor is open, and FIONREAD writes one int into a live local.
    let done = unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut used) };
    // SAFETY: the descriptor is open; there is no third argument.
    let size = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_GETPIPE_SZ) };
    (done == 0 && size > 0).then(|| (number(used.into()), number(size.into())))
}

/// The kernel's numbers are never negative, but their types are signed.
fn number(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
