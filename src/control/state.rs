//! The states of a process, as everybody calls them.
//!
//! Pure data. Not here: when a process changes its state (`engine`).

use serde::{Deserialize, Serialize};

/// Supervisor's process states; the numbers are its API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[repr(i32)]
pub enum State {
    Stopped = 0,
    Starting = 10,
    Running = 20,
    Backoff = 30,
    Stopping = 40,
    Exited = 100,
    Fatal = 200,
    Unknown = 1000,
}

impl State {
    /// In the order of their numbers.
    pub const ALL: [State; 8] = [
        State::Stopped,
        State::Starting,
        State::Running,
        State::Backoff,
        State::Stopping,
        State::Exited,
        State::Fatal,
        State::Unknown,
    ];

    #[must_use]
    pub fn code(self) -> i32 {
        self as i32
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Stopped => "STOPPED",
            State::Starting => "STARTING",
            State::Running => "RUNNING",
            State::Backoff => "BACKOFF",
            State::Stopping => "STOPPING",
            State::Exited => "EXITED",
            State::Fatal => "FATAL",
            State::Unknown => "UNKNOWN",
        }
    }

    /// `stop` accepts it and `start` says it is already started.
    #[must_use]
    pub fn is_running(self) -> bool {
        matches!(self, State::Starting | State::Running | State::Backoff)
    }

    /// Nothing runs and nothing will by itself.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        matches!(self, State::Stopped | State::Exited | State::Fatal | State::Unknown)
    }

    /// There is a process to send a signal to.
    #[must_use]
    pub fn is_signallable(self) -> bool {
        matches!(self, State::Starting | State::Running | State::Stopping)
    }
}
