//! One turn of the loop: wait, read the clock, signals and reaping, requests, output, deadlines.
//!
//! Invariants: each stage is bounded; whatever is left makes the next turn come at once; nothing wakes us when nothing
//! is due.

use crate::daemon::sources::Token;
use crate::daemon::state::Daemon;
use crate::engine::action::Leave;
use crate::engine::input::Input;
use crate::sys::{clock, slim};
use crate::types::{LogLevel, Mono};
use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollTimeout};

/// BOUND: events taken in one turn.
const EVENTS_PER_TURN: usize = 128;

/// So long after something happened, what only that needed is given back: once, so that idling stays idle.
const SLIM_MS: i64 = 1_000;

/// BOUND: epoll errors in a row that cannot happen, before the last resort.
const EPOLL_ERRORS: u32 = 100;

impl Daemon {
    /// Turns until the engine says how to leave.
    ///
    /// # Errors
    /// When the kernel refuses to wait, again and again.
    pub(crate) fn run(&mut self) -> Result<Leave, Errno> {
        let mut events = [EpollEvent::empty(); EVENTS_PER_TURN];
        let mut errors = 0;
        loop {
            if let Some(leave) = self.leave.take() {
                return Ok(leave);
            }
            let ready = match self.epoll.wait(&mut events, timeout(self.wait_ms())) {
                Ok(n) => {
                    errors = 0;
                    n
                }
                Err(Errno::EINTR) => 0,
                Err(e) => {
                    errors += 1;
                    if errors == EPOLL_ERRORS {
                        return Err(e);
                    }
                    if errors == 1 {
                        self.log(LogLevel::Critical, &format!("cannot wait for events: {}", e.desc()));
                    }
                    0
                }
            };
            self.now = clock::now();
            self.turn(events.get(..ready).unwrap_or_default());
        }
    }

    fn turn(&mut self, events: &[EpollEvent]) {
        let tokens = || events.iter().filter_map(|e| Token::decode(e.data()));
        let mut children = self.reap_again;
        if tokens().any(|t| t == Token::Signals) {
            children |= self.on_signals();
        }
        if children {
            self.reap();
        }
        if self.gateway.unread {
            self.on_gateway_ready(self.gateway.generation());
        }
        for token in tokens() {
            if let Token::Gateway { generation } = token {
                self.on_gateway_ready(generation);
            }
        }
        for token in tokens() {
            match token {
                Token::Output { index, generation } => self.on_output(index, generation),
                Token::Sink { index } => self.on_sink(index),
                Token::Stdin { slot, generation } => self.on_stdin(slot, generation),
                Token::Notify { slot, generation } => self.on_notify(slot, generation),
                Token::Ready { slot, generation } => self.on_ready_fd(slot, generation),
                Token::Task { id } => self.on_task_output(id),
                Token::Clock => self.on_clock_set(),
                Token::Signals | Token::Gateway { .. } => {}
            }
        }
        self.run_inputs();
        if self.engine.next_deadline().is_some_and(|d| d <= self.now.mono) {
            self.feed(Input::Deadline);
        }
        self.task_deadlines();
        if std::mem::take(&mut self.update_wanted) {
            self.go_on_with_update();
        }
        self.watch_clock();
        self.release_held_lines();
        self.publish_ticks();
        self.gateway_deadline();
        self.stay_slim(!events.is_empty());
    }

    /// Gives memory back a while after the last thing that happened.
    fn stay_slim(&mut self, something_happened: bool) {
        if self.slim_at.is_some_and(|due| due <= self.now.mono) {
            self.slim_at = None;
            slim::forget_the_past();
        } else if something_happened && self.slim_at.is_none() {
            self.slim_at = Some(self.now.mono.plus_ms(SLIM_MS));
        }
    }

    /// Milliseconds until the nearest deadline; `None` when nothing is due, ever.
    fn wait_ms(&self) -> Option<i32> {
        if self.reap_again || self.gateway.unread || self.update_wanted {
            return Some(0);
        }
        let all = [
            self.engine.next_deadline(),
            self.output.next_deadline(),
            self.tasks.next_deadline(),
            self.gateway.next_deadline(),
            self.events.ticks.next_deadline(),
            self.slim_at,
        ];
        all.into_iter().flatten().min().map(|due| ms_until(clock::now().mono, due))
    }
}

/// Rounded up, or the loop would spin through the last millisecond before a deadline.
fn ms_until(now: Mono, due: Mono) -> i32 {
    // BOUND: one day; a later deadline is waited for in pieces.
    i32::try_from(due.since_ns(now).div_ceil(1_000_000).min(86_400_000)).unwrap_or(i32::MAX)
}

/// Not by way of `EpollTimeout::as_millis`, which panics for "no time-out".
fn timeout(ms: Option<i32>) -> EpollTimeout {
    ms.map_or(EpollTimeout::NONE, |ms| EpollTimeout::try_from(ms).unwrap_or(EpollTimeout::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_and_never_negative() {
        let ms = |ns: u64| ms_until(Mono(1_000_000_000), Mono(ns));
        assert_eq!(ms(1_000_000_001), 1);
        assert_eq!(ms(1_002_000_000), 2);
        assert_eq!(ms(5), 0);
        assert_eq!(ms(u64::MAX), 86_400_000);
    }

    #[test]
    fn nothing_due_is_no_time_out() {
        assert_eq!(timeout(None), EpollTimeout::NONE);
        assert_eq!(timeout(Some(7)), EpollTimeout::from(7u8));
    }
}
