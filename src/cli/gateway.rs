//! `mainstay gateway`: the hidden applet that the core starts for everything HTTP.
//!
//! Does I/O: takes the inherited descriptors. Not here: what it does with them (`gateway`).

use crate::control::{FIRST_LISTENER_FD, LINK_FD};
use crate::gateway::{self, Tools};
use crate::sys::{clock, inherit};
use std::io;
use std::os::unix::net::UnixStream;

/// Runs until the core is gone; gives the exit code.
#[must_use]
pub fn run() -> u8 {
    let core = match inherit::adopt(LINK_FD) {
        Ok(fd) => UnixStream::from(fd),
        Err(e) => {
            use std::io::Write;
            // Started by hand: there is nobody else to tell.
            let _ = writeln!(io::stderr(), "error: cannot talk to the core on descriptor {LINK_FD}: {e}");
            let _ = writeln!(io::stderr(), "hint: the gateway is started by `mainstay run`, not by hand");
            return gateway::EXIT_BROKEN;
        }
    };
    let listener = |i: usize| {
        let number = i32::try_from(i).ok().and_then(|i| FIRST_LISTENER_FD.checked_add(i));
        let number = number.ok_or(io::ErrorKind::InvalidInput)?;
        inherit::adopt(number).map_err(|e| io::Error::from_raw_os_error(e as i32))
    };
    // The zone is read here: its reader needs more stack than the threads have.
    let _read = clock::local_time(0);
    let tools = Tools { mono: || clock::now().mono, local_time: clock::local_time };
    gateway::run(core, &listener, tools)
}
