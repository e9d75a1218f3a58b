//! What PID 1 does with each signal it gets.
//!
//! Not here: delivery (`sys::signals`), which signal does what (`routes`), one-program init, which forwards everything (`solo`).

use crate::daemon::fcgi;
use crate::daemon::groups::told;
use crate::daemon::listen::Listener;
use crate::daemon::listen::open_missing;
use crate::daemon::ourselves::check_user;
use crate::daemon::state::Daemon;
use crate::engine::input::Input;
use crate::sys::signals::realtime;
use crate::types::{LogLevel, Signal};

/// Signals with a handler. Those that mean nothing to us are here so that a stray one cannot end the daemon
/// and leave all programs running (as SIGUSR1 does to supervisord).
pub(crate) fn handled() -> Vec<i32> {
    // HUP INT QUIT USR1 USR2 ALRM TERM STKFLT CHLD XCPU VTALRM PROF IO PWR
    let mut all = vec![1, 2, 3, 10, 12, 14, 15, 16, 17, 24, 26, 27, 29, 30];
    all.extend(realtime());
    all
}

/// Signals that are ignored: a closed pipe is an error code to us, and a background write to a terminal must not stop us.
pub(crate) const IGNORED: [i32; 4] = [13, 21, 22, 25];

impl Daemon {
    /// Takes all that have come. Children last: a TERM must not wait behind a flood of deaths.
    pub(crate) fn on_signals(&mut self) -> bool {
        let mut taken = std::mem::take(&mut self.taken);
        self.signals.take(&mut taken);
        let mut children = false;
        for (signal, times) in taken.drain(..) {
            if signal == Signal::CHLD {
                children = true;
                self.log(LogLevel::Debug, "received SIGCHLD indicating a child quit");
            } else {
                self.on_signal(signal, times);
            }
        }
        self.taken = taken;
        children
    }

    /// COMPAT: SIGHUP starts everything again, in the same process. Unlike supervisord we read the new configuration
    /// first and go on as we are when it has errors (docs/supervisord-compat.md).
    pub(crate) fn restart_on_signal(&mut self, signal: Signal) {
        // COMPAT: during a shutdown it is ignored, whatever the configuration looks like by now.
        let ending = self.engine.is_stopping() && self.next_life.is_none();
        if ending || self.prepare_restart().is_ok() {
            self.feed(Input::Restart { signal });
        }
    }

    /// Reads the configuration for a next life.
    ///
    /// # Errors
    /// The findings, one after the other, for whoever asked.
    pub(crate) fn prepare_restart(&mut self) -> Result<(), String> {
        let read = self.read_again();
        // What the next life listens on is bound now: a port that is taken must not be found out with everything stopped.
        let ready = read.map_err(|findings| ("the configuration has errors", told(&findings).join("; ")));
        let ready = ready.and_then(|loaded| {
            let open: Vec<&Listener> = self.gateway.listeners().iter().chain(&self.next_listeners).collect();
            let fresh = check_user(&loaded.config.supervisor)
                .and_then(|()| open_missing(&loaded.config, &self.settled.start_dir, &open))
                .and_then(|fresh| {
                    fcgi::probe(loaded.config.processes(), &self.fcgi, &mut Vec::new()).map(|()| fresh)
                });
            fresh.map(|fresh| (loaded, fresh)).map_err(|refusal| {
                let text = refusal.own.lines().next().unwrap_or_default();
                let text = text.strip_prefix("error: ").unwrap_or(text).to_owned();
                ("what the configuration asks for cannot be had now", text)
            })
        });
        match ready {
            Ok((loaded, fresh)) => {
                self.next_life = Some(loaded);
                self.next_listeners.extend(fresh);
                Ok(())
            }
            Err((what, text)) => {
                self.log(LogLevel::Error, &format!("cannot restart, going on as we are: {what}: {text}"));
                Err(text)
            }
        }
    }

    pub(crate) fn reopen_logs(&mut self, signal: Signal) {
        // COMPAT: both lines still go to the file that was moved away (compat::reopen).
        self.log(LogLevel::Info, &format!("received {signal} indicating log reopen request"));
        self.log(LogLevel::Info, "supervisord logreopen");
        for trouble in self.sinks.reopen_files() {
            self.log(LogLevel::Error, &trouble);
        }
    }
}
