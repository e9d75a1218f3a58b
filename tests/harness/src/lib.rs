//! The test harness: starts the daemon under test, waits for things, looks at `/proc`, and leaves nothing behind.
//!
//! Everything here is bounded: each wait ends after a limit with a message that says what it waited for, and each
//! started process has a watchdog that kills its whole tree. Escapees are found by a marker in their environment
//! (`HARNESS_ID`), which survives double forks, `setsid`, and PID namespaces; a child subreaper would miss the last.
//! Only processes that carry the marker of this very test are ever killed.
//!
//! Not here: the cases themselves (`tests/it`, `tests/compat`, `tests/container`).
#![allow(clippy::disallowed_methods)] // the fences of the product's clippy.toml are about the product

pub mod bins;
mod caps;
pub mod daemon;
pub mod http;
pub mod listener;
pub mod notify;
pub mod pattern;
pub mod proc;
pub mod pty;
pub mod puppet;
pub mod root;
pub mod run;
pub mod temp;
pub mod terminal;
pub mod trace;
pub mod wait;

pub use bins::{mainstay, puppet};
pub use daemon::{Daemon, Setup};
pub use pty::Pty;
pub use run::{Cmd, Done};
pub use temp::TempDir;
pub use terminal::Terminal;
pub use wait::{Stopwatch, holds_within, pause, wait_for, wait_until};

/// Is the variable set to something other than nothing and `0`? (`REQUIRE_DOCKER`, `REQUIRE_COMPAT`)
#[must_use]
pub fn flag(name: &str) -> bool {
    std::env::var(name).is_ok_and(|v| !v.is_empty() && v != "0")
}

/// A variable of the test run.
#[must_use]
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

/// Are the tests run by root? Some duties of PID 1 can only be tried by root.
#[must_use]
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Sends a signal by number, real-time ones included. Errors are for the test to judge.
pub fn kill(pid: i32, signal: i32) -> Result<(), nix::Error> {
    assert!(pid > 1, "refusing to signal pid {pid}");
    // SAFETY: kill(2) takes two integers.
    nix::errno::Errno::result(unsafe { nix::libc::kill(pid, signal) }).map(drop)
}

/// Runs `f` when the test process ends, however many tests were run.
pub fn at_exit(f: extern "C" fn()) {
    // SAFETY: atexit(3) takes a function without arguments; it runs on the thread that ends the process.
    unsafe { nix::libc::atexit(f) };
}
