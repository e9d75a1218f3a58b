//! How large a terminal is.
//!
//! Asks the kernel. Not here: its settings, which need no `unsafe` (`ctl::terminal`), what is drawn on it (`ctl::screen`,
//! `ctl::editor`).

use nix::libc;
use std::os::fd::{AsFd, AsRawFd};

nix::ioctl_read_bad!(window_size, libc::TIOCGWINSZ, libc::winsize);

/// Rows and columns; the usual 24 and 80 where it is no terminal, or does not know.
#[must_use]
pub fn size(terminal: impl AsFd) -> (usize, usize) {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize, and `size` is one. Where it fails it writes nothing.
    let _ = unsafe { window_size(terminal.as_fd().as_raw_fd(), &raw mut size) };
    let or = |known: u16, usual: usize| if known == 0 { usual } else { usize::from(known) };
    (or(size.ws_row, 24), or(size.ws_col, 80))
}
