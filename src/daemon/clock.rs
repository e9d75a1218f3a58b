//! Who has to know when the wall clock is set: only programs with a schedule, and only while there are some.
//!
//! Does I/O. Invariant: without a schedule there is no timer. Where the kernel gives none, it is said once, and schedules go
//! by the monotonic clock until their next run. Not here: what a run is (`engine`).

use crate::daemon::sources::Token;
use crate::daemon::state::Daemon;
use crate::engine::input::Input;
use crate::sys::clock_watch::ClockWatch;
use crate::types::LogLevel;
use nix::sys::epoll::{EpollEvent, EpollFlags};

/// See the module.
#[derive(Default)]
pub(crate) enum Clock {
    #[default]
    Unwatched,
    Watched(ClockWatch),
    /// The kernel does not tell.
    Untold,
}

impl Daemon {
    /// Watches the clock as long as somebody goes by it.
    pub(crate) fn watch_clock(&mut self) {
        match (&self.clock, self.engine.follows_clock()) {
            (Clock::Unwatched, true) => self.begin_to_watch(),
            (Clock::Watched(watch), false) => {
                let _ = self.epoll.delete(watch); // it is in the set
                self.clock = Clock::Unwatched;
            }
            (Clock::Unwatched | Clock::Untold, false) | (Clock::Watched(_) | Clock::Untold, true) => {}
        }
    }

    fn begin_to_watch(&mut self) {
        let event = EpollEvent::new(EpollFlags::EPOLLIN, Token::Clock.encode());
        let watch = ClockWatch::new().and_then(|watch| self.epoll.add(&watch, event).map(|()| watch));
        self.clock = match watch {
            Ok(watch) => Clock::Watched(watch),
            Err(e) => {
                let text = format!(
                    "cannot watch the clock, a schedule notices only at its next run that it was set: {}",
                    e.desc()
                );
                self.log(LogLevel::Warn, &text);
                Clock::Untold
            }
        };
    }

    pub(crate) fn on_clock_set(&mut self) {
        if let Clock::Watched(watch) = &self.clock {
            watch.take();
            self.log(LogLevel::Info, "the clock was set: schedules follow it");
            self.feed(Input::ClockSet);
        }
    }
}
