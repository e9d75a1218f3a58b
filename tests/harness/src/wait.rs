//! The one place where tests wait: a bounded poll.

use nix::poll::{PollTimeout, poll};
use std::time::{Duration, Instant};

/// How long a condition may take before the test fails.
pub const LIMIT: Duration = Duration::from_secs(10);

/// Measures how long something takes. The product's clippy.toml keeps clocks out of tests that do not ask here.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[must_use]
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Waits a moment. Only for the harness's own loops and for tests that measure the absence of something.
pub fn pause(ms: u16) {
    // An interrupted pause is a shorter pause; every caller loops.
    let _ = poll(&mut [], PollTimeout::from(ms));
}

/// Waits until `done` holds, at most [`LIMIT`].
///
/// # Panics
/// When the limit passes; the message says `what` was waited for.
#[track_caller]
pub fn wait_until(what: &str, done: impl FnMut() -> bool) {
    wait_for(what, LIMIT, done);
}

/// Waits until `done` holds, at most `limit`.
///
/// # Panics
/// When the limit passes.
#[track_caller]
pub fn wait_for(what: &str, limit: Duration, done: impl FnMut() -> bool) {
    assert!(holds_within(limit, done), "waited {limit:?} in vain until {what}");
}

/// Does `done` come to hold within `limit`?
pub fn holds_within(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    let mut step = 2;
    loop {
        if done() {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        pause(step);
        step = (step + 2).min(25);
    }
}
