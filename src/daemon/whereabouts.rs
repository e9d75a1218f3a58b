//! Where programs start, and where the core stands meanwhile.
//!
//! Does I/O. The core pins no directory: it stands in `/`, and each program is put back to where the core was started.
//! A place that who we are could not enter again is not left: programs then find themselves in it as children do.
//! COMPAT: supervisord stays where it is, so a place that is forbidden to it, or deleted, is no trouble to its programs.
//! Not here: what relative paths of the configuration count from (`Settled::start_dir`).

use crate::sys::fd;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

/// See the module.
pub(crate) struct WorkPlace {
    /// Opened, so that a place that is deleted or moved is found again. `None`: we stand in it.
    left: Option<OwnedFd>,
}

impl WorkPlace {
    /// Where we stand now; and leaves it, if we could come back.
    pub(crate) fn here() -> WorkPlace {
        let left = fd::working_directory().ok();
        if left.is_some() {
            let _ = std::env::set_current_dir("/"); // there may be no way; then a directory stays pinned
        }
        WorkPlace { left }
    }

    /// Stands in it again.
    pub(crate) fn enter(&self) {
        if let Some(place) = &self.left {
            let _ = fd::enter(place.as_fd()); // it was possible when it was opened
        }
    }

    /// Runs something that counts relative paths from `dir`.
    pub(crate) fn standing_in<T>(&self, dir: &std::path::Path, run: impl FnOnce() -> T) -> T {
        if self.left.is_none() {
            return run();
        }
        let _ = std::env::set_current_dir(dir); // a reader that fails then says so
        let result = run();
        let _ = std::env::set_current_dir("/"); // it was possible before
        result
    }

    /// What a program enters first; `None`: it is there already.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        self.left.as_ref().map(AsRawFd::as_raw_fd)
    }
}
