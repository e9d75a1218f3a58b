//! Resource limits of our own process.
//!
//! Asks the kernel. Invariant: a limit is only ever raised, and what we found is kept for the programs.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Soft and hard limit; `u64::MAX` is infinity.
pub type Limit = (u64, u64);

/// Limit of open files.
#[must_use]
pub fn nofile() -> Limit {
    getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024))
}

/// Limit of processes of this user.
#[must_use]
pub fn nproc() -> Limit {
    getrlimit(Resource::RLIMIT_NPROC).unwrap_or((u64::MAX, u64::MAX))
}

/// Raises the soft limit of open files to `want`, and the hard limit too where we may.
///
/// # Errors
/// The hard limit that stood in the way.
pub fn raise_nofile(want: u64) -> Result<bool, u64> {
    raise(Resource::RLIMIT_NOFILE, want)
}

/// The same for processes.
///
/// # Errors
/// The hard limit that stood in the way.
pub fn raise_nproc(want: u64) -> Result<bool, u64> {
    raise(Resource::RLIMIT_NPROC, want)
}

fn raise(which: Resource, want: u64) -> Result<bool, u64> {
    let Ok((soft, hard)) = getrlimit(which) else { return Ok(false) };
    if soft >= want {
        return Ok(false);
    }
    let new_hard = hard.max(want);
    setrlimit(which, want, new_hard).map(|()| true).map_err(|_| hard)
}
