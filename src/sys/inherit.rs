//! Takes possession of descriptors that the process was started with.
//!
//! Asks the kernel. Invariant: what is taken is open and close-on-exec from then on.
//! Not here: which numbers mean what (`control`).

use nix::errno::Errno;
use nix::libc;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// The inherited descriptor `n`, now ours. To be called once for each number, at the start of an applet.
///
/// # Errors
/// EBADF when it is not open.
pub fn adopt(n: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: F_SETFD changes a flag of our own table and fails with EBADF where nothing is open.
    Errno::result(unsafe { libc::fcntl(n, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: it is open, and by the protocol of our start nobody else in this process knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(n) })
}
