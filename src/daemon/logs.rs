//! The daemon's own log and the files that programs will log to, before anything is started.
//!
//! Does I/O. Invariant: no log that cannot be opened keeps the daemon from starting; what takes its place is said.
//! Not here: missing directories (`ourselves`), a program's logs at its start (`launch`), the form of a line (`journal`).

use crate::config::model::{Config, Dialect, LogTarget, MainLog, StdStream};
use crate::daemon::boot::{Notes, Refusal};
use crate::daemon::ourselves::Settled;
use crate::daemon::state::Slot;
use crate::journal::Journal;
use crate::logging::{SinkId, Sinks, auto};
use crate::sys::errno;
use crate::types::LogLevel;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Opens the daemon's own log. What cannot be opened is said on stderr, and stderr takes its place.
///
/// # Errors
/// On the way into the background, where stderr will be gone: what to tell the user, who is still there.
pub(super) fn open_journal(
    Config { supervisor, dialect, .. }: &Config,
    settled: &Settled,
    sinks: &mut Sinks,
    notes: &mut Notes,
) -> Result<Journal, Refusal> {
    let mut ids: Vec<SinkId> = Vec::new();
    let mut syslog = None;
    match &supervisor.logfile {
        MainLog::None => {}
        MainLog::Stream(stream) => ids.extend(sinks.open_stream(number(*stream)).ok()),
        MainLog::Syslog => syslog = Some(sinks.open_syslog(ident(*dialect))),
        MainLog::File(path) => {
            let path = settled.start_dir.join(path);
            match sinks.open_file(&path, supervisor.logfile_maxbytes, supervisor.logfile_backups, 0o666) {
                Ok(id) => ids.push(id),
                Err(e) => {
                    let (shown, words) = (path.display(), errno::words(e as i32));
                    if settled.background && settled.first {
                        let text = format!("cannot open log `{shown}`: {words}");
                        return Err(Refusal::own(text + "\n  hint: choose another `logfile`"));
                    }
                    let text = format!("cannot open log `{shown}`, going on without it: {words}");
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
    Ok(Journal::new(supervisor.loglevel, ids, syslog))
}

/// COMPAT: who we are to syslog, whatever the binary is called.
pub(super) fn ident(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Ini => "supervisord",
        Dialect::Toml | Dialect::Env => "mainstay",
    }
}

fn number(stream: StdStream) -> i32 {
    match stream {
        StdStream::Stdout => 1,
        StdStream::Stderr => 2,
    }
}

/// Clears old AUTO logs and makes the new ones.
pub(super) fn prepare_logs(
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
    // A name of a file has no place for a slash; supervisord ends with a traceback.
    let identifier = supervisor.identifier.replace('/', "-");
    let wants_auto = |t: &LogTarget| *t == LogTarget::Auto;
    let any_auto = config.processes().any(|p| wants_auto(&p.stdout.target) || wants_auto(&p.stderr.target));
    // COMPAT: what an earlier configuration left goes, even if nothing is logged so any more (compat::rotation).
    let is_used = any_auto || supervisor.childlogdir.is_some() || config.dialect == Dialect::Ini;
    if !supervisor.nocleanup && is_used {
        notes.extend(auto::clear_old(&dir, &identifier).into_iter().map(|t| (LogLevel::Warn, t)));
    }
    let mut slots = Vec::new();
    for program in config.processes() {
        let mut slot = Slot::default();
        for (place, (plan, stream)) in
            slot.auto.iter_mut().zip([(&program.stdout, "stdout"), (&program.stderr, "stderr")])
        {
            match &plan.target {
                LogTarget::Auto if stream == "stderr" && program.redirect_stderr => {}
                LogTarget::Auto => match auto::create(&dir, &program.name, stream, &identifier) {
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
