//! What a process has used, as the kernel tells with its status.
//!
//! Pure but for its types. The peak of memory is at least what the daemon itself had: the kernel counts the moment
//! between fork and exec too. Not here: collecting statuses (`wait`), what a living process uses (`procfs`).

use nix::libc;

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

/// The kernel's numbers are never negative, but their types are signed.
fn number(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
