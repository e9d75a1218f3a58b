//! From a configuration to a daemon that is ready to turn: listeners, user, limits, logs, background, pidfile, engine.
//!
//! Does I/O. Invariants: whatever can refuse the whole configuration is done before anything is started, and before we
//! leave the terminal; what can go on without (a log, a pidfile) goes on and says so. Order as supervisord's, but
//! listeners come first, while we may still bind low ports, and so that a second instance touches nothing of the first.
//! Not here: our own process (`ourselves`), the loop (`turn`).

use crate::config::Loaded;
use crate::config::diag::Diagnostic;
use crate::config::model::{Config, Dialect, LogTarget, MainLog, StdStream, Supervisor};
use crate::daemon::life::Machine;
use crate::daemon::listen::open_listeners;
use crate::daemon::ourselves;
use crate::daemon::state::{Daemon, Slot};
use crate::engine::Engine;
use crate::journal::Journal;
use crate::logging::{SinkId, Sinks, auto};
use crate::sys::{boot, errno};
use crate::types::{LogLevel, Now};
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

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

/// Opens the daemon's own log. What cannot be opened is said on stderr, and stderr takes its place.
pub(crate) fn open_journal(
    supervisor: &Supervisor,
    start_dir: &Path,
    sinks: &mut Sinks,
    notes: &mut Notes,
) -> Journal {
    let mut ids: Vec<SinkId> = Vec::new();
    match &supervisor.logfile {
        MainLog::None => {}
        MainLog::Stream(stream) => ids.extend(sinks.open_stream(number(*stream)).ok()),
        MainLog::Syslog => {
            notes
                .push((LogLevel::Warn, "logfile=syslog is not supported yet; the log goes to stderr".into()));
            ids.extend(sinks.open_stream(2).ok());
        }
        MainLog::File(path) => {
            let path = start_dir.join(path);
            if supervisor.create_directories {
                make_parent(&path, notes);
            }
            match sinks.open_file(&path, supervisor.logfile_maxbytes, supervisor.logfile_backups, 0o666) {
                Ok(id) => ids.push(id),
                Err(e) => {
                    let text = format!(
                        "cannot open log `{}`, going on without it: {}",
                        path.display(),
                        errno::words(e as i32)
                    );
                    notes.push((LogLevel::Critical, text));
                    // A copy in the foreground is enough.
                    if supervisor.log_stream.is_none() {
                        ids.extend(sinks.open_stream(2).ok());
                    }
                }
            }
        }
    }
    if let Some(stream) = supervisor.log_stream {
        // COMPAT: a log on /dev/stdout and the foreground copy double every line, as supervisord does.
        ids.extend(sinks.open_stream(number(stream)).ok());
    }
    Journal::new(supervisor.loglevel, ids)
}

fn number(stream: StdStream) -> i32 {
    match stream {
        StdStream::Stdout => 1,
        StdStream::Stderr => 2,
    }
}

fn make_parent(path: &Path, notes: &mut Notes) {
    if let Some(parent) = path.parent()
        && let Err(e) = std::fs::create_dir_all(parent)
    {
        notes.push((LogLevel::Warn, format!("cannot create directory `{}`: {e}", parent.display())));
    }
}

/// Clears old AUTO logs and makes the new ones; makes missing log directories where that is wanted.
pub(crate) fn prepare_logs(
    config: &Config,
    env: &[(OsString, OsString)],
    start_dir: &Path,
    notes: &mut Notes,
) -> Vec<Slot> {
    let supervisor = &config.supervisor;
    let dir = supervisor
        .childlogdir
        .clone()
        .map_or_else(|| temporary_directory(env, start_dir), |d| start_dir.join(d));
    let wants_auto = |t: &LogTarget| *t == LogTarget::Auto;
    let any_auto = config.processes().any(|p| wants_auto(&p.stdout.target) || wants_auto(&p.stderr.target));
    if any_auto && supervisor.create_directories {
        make_parent(&dir.join("x"), notes);
    }
    if !supervisor.nocleanup && (any_auto || supervisor.childlogdir.is_some()) {
        notes.extend(auto::clear_old(&dir, &supervisor.identifier).into_iter().map(|t| (LogLevel::Warn, t)));
    }
    let mut slots = Vec::new();
    for program in config.processes() {
        let mut slot = Slot::default();
        for (place, (plan, stream)) in
            slot.auto.iter_mut().zip([(&program.stdout, "stdout"), (&program.stderr, "stderr")])
        {
            match &plan.target {
                LogTarget::Auto if stream == "stderr" && program.redirect_stderr => {}
                LogTarget::Auto => match auto::create(&dir, &program.name, stream, &supervisor.identifier) {
                    Ok(path) => *place = Some(path),
                    Err(e) => {
                        let text = format!(
                            "cannot create a log in `{}`, {stream} of {} is lost: {e}",
                            dir.display(),
                            program.name
                        );
                        notes.push((LogLevel::Error, text));
                    }
                },
                LogTarget::File(path) if supervisor.create_directories => {
                    make_parent(&start_dir.join(path), notes)
                }
                _ => {}
            }
        }
        slots.push(slot);
    }
    slots
}

/// COMPAT: Python's search for a temporary directory.
fn temporary_directory(env: &[(OsString, OsString)], start_dir: &Path) -> PathBuf {
    let named = ["TMPDIR", "TEMP", "TMP"]
        .iter()
        .filter_map(|n| env.iter().find(|(k, _)| k == n))
        .map(|(_, v)| PathBuf::from(v));
    let usual = ["/tmp", "/var/tmp", "/usr/tmp"].map(PathBuf::from);
    let writable = |p: &PathBuf| p.is_dir() && nix::unistd::access(p, nix::unistd::AccessFlags::W_OK).is_ok();
    named.chain(usual).find(writable).unwrap_or_else(|| start_dir.to_path_buf())
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
    // It is done, or was said to be impossible: nobody has to try again, as a user who may do less.
    config.supervisor.create_directories = false;
    ourselves::drop_privileges(&config.supervisor, config.dialect, &mut said)?;
    if settled.first {
        settled.nofile = ourselves::raise_limits(&config.supervisor, config.dialect, &mut said)?;
    }
    let mut sinks = Sinks::default();
    let journal = open_journal(&config.supervisor, &settled.start_dir, &mut sinks, &mut said);
    // COMPAT: critical first, then warnings, then the rest; from here on in the order of the events.
    said.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
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

/// Where each slot's program stands: group, member.
pub(crate) fn places(config: &Config) -> Vec<(usize, usize)> {
    let members =
        |(g, group): (usize, &crate::config::model::Group)| (0..group.programs.len()).map(move |p| (g, p));
    config.groups.iter().enumerate().flat_map(members).collect()
}
