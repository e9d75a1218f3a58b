//! The size of a terminal.
//!
//! Asks the kernel. Not here: its settings, which need no `unsafe` (`ctl::terminal`).

use std::os::fd::{AsFd, AsRawFd};

/// Columns and rows; `None` where it is no terminal, or does not know.
#[must_use]
#[allow(unsafe_code)]
pub fn window_size(terminal: impl AsFd) -> Option<(u16, u16)> {
    let mut size = nix::libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize, and `size` is one that lives until the call has returned.
    let done =
        unsafe { nix::libc::ioctl(terminal.as_fd().as_raw_fd(), nix::libc::TIOCGWINSZ, &raw mut size) };
    (done == 0 && size.ws_col > 0).then_some((size.ws_col, size.ws_row))
}
