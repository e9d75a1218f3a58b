//! How large a terminal is.
//!
//! Asks the kernel. Not here: what is drawn on it (`ctl::screen`).

use nix::libc;
use std::os::fd::{AsRawFd, BorrowedFd};

nix::ioctl_read_bad!(window_size, libc::TIOCGWINSZ, libc::winsize);

/// Rows and columns; `None` for what is no terminal, and for one that does not know.
#[must_use]
pub fn size(terminal: BorrowedFd<'_>) -> Option<(usize, usize)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize, and `size` is one.
    unsafe { window_size(terminal.as_raw_fd(), &raw mut size) }.ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then(|| (usize::from(size.ws_row), usize::from(size.ws_col)))
}
