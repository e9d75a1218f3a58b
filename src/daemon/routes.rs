//! Where a signal goes that we get: to what it does by default, to something else, to a program, or nowhere.
//!
//! Invariants: a signal of which nothing is configured does what docs/signals.md says; one that counts as another does
//! what that one does by default, so that two can be swapped; what is routed to programs reaches them also while
//! everything is being stopped. Routes change with the configuration, handlers only come.
//! Not here: delivery (`sys::signals`), what updates and restarts are (`signals`, `update`).

use crate::config::model::Route;
use crate::daemon::signals::handled;
use crate::daemon::state::Daemon;
use crate::engine::input::Input;
use crate::sys::signals::realtime;
use crate::types::{LogLevel, Signal};
use std::collections::BTreeMap;

/// BOUND: so many times one real-time signal that is queued goes on in one turn.
const REPEATS: u32 = 256;

/// How many signals have come and gone on. BOUND: one number for each signal.
#[derive(Default)]
pub(crate) struct SignalCounts {
    received: BTreeMap<Signal, u64>,
    forwarded: BTreeMap<Signal, u64>,
}

impl SignalCounts {
    pub(crate) fn received(&self) -> Vec<(Signal, u64)> {
        self.received.iter().map(|(signal, n)| (*signal, *n)).collect()
    }

    pub(crate) fn forwarded(&self) -> Vec<(Signal, u64)> {
        self.forwarded.iter().map(|(signal, n)| (*signal, *n)).collect()
    }
}

impl Daemon {
    /// Makes sure that every signal with a route comes to us.
    pub(crate) fn settle_routes(&mut self) {
        let ours = handled();
        let routed: Vec<Signal> = self.config.supervisor.signals.iter().map(|(signal, _)| *signal).collect();
        for signal in routed {
            if ours.contains(&signal.0) {
                continue;
            }
            match self.signals.add(signal.0) {
                Err(e) => {
                    self.log(LogLevel::Error, &format!("cannot route {signal}: {e}; it does what it did"))
                }
                // Between their fork and their exec programs must not run our handler.
                Ok(()) if self.context.handled.contains(&signal.0) => {}
                Ok(()) => self.context.handled.push(signal.0),
            }
        }
    }

    /// One kind of signal has come, so many times.
    pub(crate) fn on_signal(&mut self, signal: Signal, times: u32) {
        *self.signal_counts.received.entry(signal).or_default() += u64::from(times);
        let routes = &self.config.supervisor.signals;
        let route = routes.iter().find(|(from, _)| *from == signal).map(|(_, route)| route.clone());
        match route {
            None => self.by_default(signal),
            Some(Route::Ignore) => self.log(LogLevel::Debug, &format!("ignored {signal}")),
            Some(Route::Update) => self.update_on_signal(signal),
            Some(Route::Restart) => self.restart_on_signal(signal),
            Some(Route::Shutdown) => self.feed(Input::Shutdown { signal }),
            Some(Route::Reopen) => self.reopen_logs(signal),
            Some(Route::Drain) => self.feed(Input::Drain),
            Some(Route::As(other)) => {
                self.log(LogLevel::Info, &format!("received {signal}, which counts as {other}"));
                self.by_default(other);
            }
            Some(Route::To { target, signal: to }) => self.pass_on(signal, times, &target, to),
        }
    }

    fn by_default(&mut self, signal: Signal) {
        match signal {
            Signal::TERM | Signal::INT | Signal::QUIT => self.feed(Input::Shutdown { signal }),
            Signal::HUP if self.hup_updates() && !self.engine.is_stopping() => self.update_on_signal(signal),
            Signal::HUP => self.restart_on_signal(signal),
            Signal::USR2 => self.reopen_logs(signal),
            other => self.log(LogLevel::Debug, &format!("received {other}, which means nothing to mainstay")),
        }
    }

    fn pass_on(&mut self, from: Signal, times: u32, target: &str, signal: Signal) {
        let slots = self.addressees(target);
        if slots.is_empty() {
            let text = format!("received {from} for `{target}`, and nobody is called that; nobody gets it");
            return self.log(LogLevel::Warn, &text);
        }
        self.log(LogLevel::Debug, &format!("received {from}, {signal} goes to {target}"));
        // Only real-time signals are queued by the kernel: of all others one is as good as many.
        let times = if realtime().contains(&signal.0) { times.clamp(1, REPEATS) } else { 1 };
        for slot in slots {
            for _ in 0..times {
                *self.signal_counts.forwarded.entry(signal).or_default() += 1;
                self.feed(Input::Forward { slot, signal });
            }
        }
    }

    /// `group:name` and `group:*`; else the processes of this program section, or the members of this group.
    fn addressees(&self, target: &str) -> Vec<u32> {
        if let Some((group, name)) = target.split_once(':') {
            return match name {
                "" | "*" => self.roster.slots_of(group),
                name => self.roster.slot_of(group, name).into_iter().collect(),
            };
        }
        self.roster.slots_called(target)
    }
}
