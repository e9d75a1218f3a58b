//! From a configuration to a daemon that is ready to turn: listeners, user, limits, logs, background, pidfile, engine.
//!
//! Does I/O. Invariants: whatever can refuse the whole configuration is done before anything is started, and before we
//! leave the terminal; what can go on without (a log, a pidfile) goes on and says so. Order as supervisord's, but
//! listeners come first, while we may still bind low ports, and so that a second instance touches nothing of the first.
//! Not here: our own process (`ourselves`), the loop (`turn`).

use crate::config::Loaded;
use crate::config::diag::Diagnostic;
use crate::config::model::{Config, Dialect};
use crate::daemon::life::Machine;
use crate::daemon::listen::open_listeners;
use crate::daemon::logs::{open_journal, prepare_logs};
use crate::daemon::state::Daemon;
use crate::daemon::whereabouts::WorkPlace;
use crate::daemon::{fcgi, ourselves};
use crate::engine::Engine;
use crate::logging::Sinks;
use crate::sys::boot;
use crate::types::{LogLevel, Now, sort_by};
use nix::sys::epoll::{Epoll, EpollCreateFlags};

/// Lines for the daemon's log, collected before there is one.
pub(crate) type Notes = Vec<(LogLevel, String)>;

/// Why a configuration that was read well cannot be used here: in Supervisor's words, and in ours.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Without its `Error: `.
    pub(crate) supervisor: String,
    /// Whole lines; empty where there is nothing to add.
    pub(crate) own: String,
}

impl Refusal {
    /// For what Supervisor has no words for, or the same ones. More lines than one are advice.
    pub(crate) fn own(text: String) -> Refusal {
        let supervisor = text.lines().next().unwrap_or_default().to_owned();
        Refusal { own: format!("error: {text}\n"), supervisor }
    }
}

/// The engine and everything around it.
pub(crate) fn build(mut machine: Machine, loaded: Loaded, now: Now, seed: u64) -> Result<Daemon, Refusal> {
    let Loaded { mut config, warnings, notes: mut said } = loaded;
    said.extend(warnings.items.iter().map(|d| (LogLevel::Warn, one_line(d))));
    let settled = &mut machine.settled;
    if settled.background {
        // COMPAT: the copy on stdout is for the foreground.
        config.supervisor.log_stream = None;
    }
    ourselves::check_user(&config.supervisor)?;
    // A listener that is dropped takes its socket file with it, so a refusal below leaves nothing behind.
    let open = std::mem::take(&mut machine.listeners);
    let mut servers = Notes::new();
    let listeners = open_listeners(&config, &settled.start_dir, open, &mut servers)?;
    ourselves::create_directories(&config, settled, &mut said);
    settled.place.enter();
    ourselves::drop_privileges(&config.supervisor, config.dialect, &mut said)?;
    // Who we are now may not come back from where we may still stand.
    settled.place = WorkPlace::here();
    if settled.first {
        settled.nofile = ourselves::raise_limits(&config.supervisor, config.dialect, &mut said)?;
    }
    let mut sinks = Sinks::default();
    let journal = open_journal(&config, settled, &mut sinks, &mut said)?;
    // COMPAT: critical first, then warnings, then the rest; from here on in the order of the events.
    sort_by(&mut said, &|a, b| b.0.cmp(&a.0));
    if let Err(refusal) = fcgi::probe(config.processes(), &[], &mut said) {
        if settled.first {
            return Err(refusal);
        }
        // It could be had a moment ago, with everything running: the start of its program says more, and tries again.
        said.push((LogLevel::Error, refusal.supervisor));
    }
    let slots = prepare_logs(&config, &machine.env, &settled.start_dir, &mut said);
    said.append(&mut servers);
    let waiting = if settled.background && settled.first {
        Some(ourselves::go_into_background(&config.supervisor, settled, &mut said)?)
    } else {
        None
    };
    let pidfile = ourselves::write_pidfile(&config.supervisor, &settled.start_dir, &mut said);
    drop(waiting); // whoever started us goes on now, and finds the pidfile
    said.extend(started_line(&config, pidfile.is_some()));
    settled.first = false;
    let engine = Engine::new(&config, seed);
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
        .map_err(|e| Refusal::own(format!("cannot make an event loop: {}", e.desc())))?;
    let opened = crate::daemon::state::Opened { listeners, sinks, journal, slots, pidfile };
    let mut daemon = Daemon::new(machine, config, engine, epoll, now, opened);
    for (level, text) in said {
        daemon.log(level, &text);
    }
    Ok(daemon)
}

/// COMPAT: supervisord does not say that it has started where it could not write its pidfile.
fn started_line(config: &Config, has_pidfile: bool) -> Option<(LogLevel, String)> {
    let pid = boot::own_pid();
    let text = match config.dialect {
        Dialect::Ini if !has_pidfile => return None,
        Dialect::Ini => format!("supervisord started with pid {pid}"),
        Dialect::Toml | Dialect::Env => {
            format!("mainstay {} started with pid {pid}", env!("CARGO_PKG_VERSION"))
        }
    };
    Some((LogLevel::Info, text))
}

/// A finding as a line of the log.
fn one_line(finding: &Diagnostic) -> String {
    let place = finding.span.as_ref().map(|s| format!("{}:{}: ", s.source, s.line)).unwrap_or_default();
    let hint = finding.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default();
    format!("{place}{}{hint}", finding.message)
}
