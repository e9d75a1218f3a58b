//! From a configuration to a daemon that is ready to turn: listeners, user, limits, logs, pidfile, engine.
//!
//! Does I/O. Invariants: whatever can refuse the whole configuration is done before anything is started; what can go on
//! without (a log, a pidfile) goes on and says so. Order as supervisord's, but listeners come first, while we may still
//! bind low ports. Not here: the loop (`turn`).

use crate::config::Loaded;
use crate::config::diag::Diagnostic;
use crate::config::model::{Config, Dialect, LogTarget, MainLog, StdStream, Supervisor};
use crate::daemon::fcgi;
use crate::daemon::life::Machine;
use crate::daemon::listen::open_listeners;
use crate::daemon::state::{Daemon, Slot};
use crate::engine::Engine;
use crate::journal::Journal;
use crate::logging::{SinkId, Sinks, auto};
use crate::sys::child::Identity;
use crate::sys::{boot, errno, fd, limits};
use crate::types::{LogLevel, Now};
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Lines for the daemon's log, collected before there is one.
pub(crate) type Notes = Vec<(LogLevel, String)>;

/// Gives up root where `[supervisord] user` says so.
///
/// # Errors
/// What to tell the user.
pub(crate) fn drop_privileges(
    supervisor: &Supervisor,
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<(), String> {
    let Some(user) = &supervisor.user else {
        if boot::is_root() && dialect == Dialect::Ini && !boot::is_pid1() {
            let text = "Supervisor is running as root.  Privileges were not dropped because no user is specified in the \
                        config file.  If you intend to run as root, you can set user=root in the config file to avoid \
                        this message.";
            notes.push((LogLevel::Critical, text.into()));
        }
        return Ok(());
    };
    if user.uid != boot::own_uid() {
        let identity = Identity { uid: user.uid, gid: user.gid, groups: user.groups.clone() };
        boot::become_user(&identity).map_err(|e| {
            let hint = "hint: only root can become another user; leave `user` out or start as root";
            format!("error: cannot become user `{}`: {}\n{hint}", user.text, errno::words(e as i32))
        })?;
    }
    if dialect == Dialect::Ini {
        notes.push((LogLevel::Info, format!("Set uid to user {} succeeded", user.uid)));
    }
    Ok(())
}

/// Raises our limits to what is configured, and our own soft limit of files as far as it goes: a thousand programs
/// need some thousand descriptors. Returns what programs get, where that differs from ours: what was `found` at the
/// very start, and at least `minfds`, in each life.
///
/// # Errors
/// COMPAT: with an INI file we refuse to start below `minfds` and `minprocs`, as supervisord does. Elsewhere the
/// container's limits are what they are.
pub(crate) fn raise_limits(
    supervisor: &Supervisor,
    dialect: Dialect,
    found: limits::Limit,
    notes: &mut Notes,
) -> Result<Option<limits::Limit>, String> {
    let minfds = u64::try_from(supervisor.minfds).unwrap_or(0);
    let minprocs = u64::try_from(supervisor.minprocs).unwrap_or(0);
    for (name, setting, what, raised) in [
        (
            "RLIMIT_NOFILE",
            ("minfds", minfds),
            ("file descriptors", "", "process"),
            limits::raise_nofile(minfds),
        ),
        (
            "RLIMIT_NPROC",
            ("minprocs", minprocs),
            ("processes", "available ", "program"),
            limits::raise_nproc(minprocs),
        ),
    ] {
        match raised {
            Ok(true) => notes.push((LogLevel::Info, format!("Increased {name} limit to {}", setting.1))),
            Ok(false) => {}
            Err(hard) if dialect != Dialect::Ini => {
                let text = format!("{} = {} is more than we may have, which is {hard}", setting.0, setting.1);
                notes.push((LogLevel::Debug, text));
            }
            Err(hard) => {
                let (what, available, whose) = what;
                // COMPAT: what is asked for stands there where the limit is meant.
                let (key, want) = setting;
                return Err(format!(
                    "Error: The minimum number of {available}{what} required to run this {whose} is {want} as per the \
                     \"{key}\" command-line argument or config file setting. The current environment will only allow you \
                     to open {want} {what}.  Either raise the number of usable {what} in your environment (see \
                     README.rst) or lower the {key} setting in the config file to allow the {whose} to start.\n\
                     hint: the hard limit is {hard}; raise it, or lower `{key}`"
                ));
            }
        }
    }
    let (_, hard) = limits::nofile();
    let _ = limits::raise_nofile(hard.min(1 << 20)); // as far as it goes
    let (ours, _) = limits::nofile();
    let soft = found.0.max(minfds).min(hard);
    Ok((soft != ours).then_some((soft, hard)))
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

/// Writes our pid where it is asked for. Returns the file, to be removed at the end.
pub(crate) fn write_pidfile(supervisor: &Supervisor, start_dir: &Path, notes: &mut Notes) -> Option<PathBuf> {
    let path = start_dir.join(supervisor.pidfile.as_ref()?);
    if supervisor.create_directories {
        make_parent(&path, notes);
    }
    match fd::write_file(&path, &format!("{}\n", boot::own_pid())) {
        Ok(()) => Some(path),
        Err(e) => {
            let words = errno::words(e as i32);
            notes.push((LogLevel::Critical, format!("could not write pidfile {}: {words}", path.display())));
            None
        }
    }
}

/// The engine and everything around it.
pub(crate) fn build(
    mut machine: Machine,
    loaded: Loaded,
    now: Now,
    seed: u64,
    first: bool,
) -> Result<Daemon, String> {
    let Loaded { config, warnings, notes: found } = loaded;
    let mut notes: Notes = found;
    notes.extend(warnings.items.iter().map(|d| (LogLevel::Warn, one_line(d))));
    let start_dir = machine.start_dir.clone();
    // A listener that is dropped takes its socket file with it, so a refusal below leaves nothing behind.
    let listeners = open_listeners(&config, &start_dir, std::mem::take(&mut machine.listeners), &mut notes)?;
    drop_privileges(&config.supervisor, config.dialect, &mut notes)?;
    if let Err(text) = fcgi::probe(&config, &[], &mut notes) {
        if first {
            return Err(format!("error: {text}"));
        }
        // It could be had a moment ago, with everything running: the start of its program says more, and tries again.
        notes.push((LogLevel::Error, text.lines().next().unwrap_or_default().to_owned()));
    }
    let nofile = raise_limits(&config.supervisor, config.dialect, machine.nofile, &mut notes)?;
    let mut sinks = Sinks::default();
    let journal = open_journal(&config.supervisor, &start_dir, &mut sinks, &mut notes);
    let slots = prepare_logs(&config, &machine.env, &start_dir, &mut notes);
    let pidfile = write_pidfile(&config.supervisor, &start_dir, &mut notes);
    let engine = Engine::new(&config, seed);
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
        .map_err(|e| format!("error: cannot make an event loop: {}", e.desc()))?;
    let mut daemon = Daemon::new(
        machine,
        config,
        engine,
        epoll,
        now,
        crate::daemon::state::Opened { listeners, nofile, sinks, journal, slots, pidfile },
    );
    daemon.announce(notes);
    Ok(daemon)
}

impl Daemon {
    /// Everything that was to be said before there was a log; COMPAT: critical first, then warnings, then the rest.
    fn announce(&mut self, mut notes: Notes) {
        notes.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        for (level, text) in notes {
            self.log(level, &text);
        }
        let pid = boot::own_pid();
        let text = match self.config.dialect {
            Dialect::Ini => format!("supervisord started with pid {pid}"),
            Dialect::Toml | Dialect::Env => {
                format!("mainstay {} started with pid {pid}", env!("CARGO_PKG_VERSION"))
            }
        };
        self.log(LogLevel::Info, &text);
    }
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
