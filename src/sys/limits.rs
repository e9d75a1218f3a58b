//! Resource limits: of our own process, and their names.
//!
//! Asks the kernel. Invariant: a limit of ours is only ever raised, and what we found is kept for the programs.
//! Not here: a program's own limits, which it sets on itself (`confine`).

use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Soft and hard limit; `u64::MAX` is infinity.
pub type Limit = (u64, u64);

/// One of the resources of setrlimit(2).
#[derive(PartialEq, Eq, Debug)]
pub struct Kind {
    /// As it is configured: `nofile`.
    pub name: &'static str,
    /// What it is: `cannot raise the limit of <this>`.
    pub words: &'static str,
    pub(super) number: i32,
}

macro_rules! kinds {
    ($($name:literal $number:ident $words:literal)*) => {
        // The numbers are of another type with another C library.
        &[$(Kind { name: $name, number: libc::$number as i32, words: $words }),*]
    };
}

const KINDS: &[Kind] = kinds! {
    "as" RLIMIT_AS "address space"
    "core" RLIMIT_CORE "core files"
    "cpu" RLIMIT_CPU "CPU time"
    "data" RLIMIT_DATA "data"
    "fsize" RLIMIT_FSIZE "file size"
    "locks" RLIMIT_LOCKS "file locks"
    "memlock" RLIMIT_MEMLOCK "locked memory"
    "msgqueue" RLIMIT_MSGQUEUE "message queues"
    "nice" RLIMIT_NICE "niceness"
    "nofile" RLIMIT_NOFILE "open files"
    "nproc" RLIMIT_NPROC "processes"
    "rss" RLIMIT_RSS "resident memory"
    "rtprio" RLIMIT_RTPRIO "real-time priority"
    "rttime" RLIMIT_RTTIME "real-time CPU time"
    "sigpending" RLIMIT_SIGPENDING "pending signals"
    "stack" RLIMIT_STACK "stack"
};

/// The resource of this name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.name == name)
}

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
