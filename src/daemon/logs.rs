//! The daemon's own log and the files that programs will log to, before anything is started.
//!
//! Does I/O. Invariant: no log that cannot be opened keeps the daemon from starting; what takes its place is said.
//! Not here: missing directories (`ourselves`), a program's logs at its start (`launch`), the form of a line (`journal`).

use crate::config::model::{Config, Dialect, LogTarget, MainLog, Program, StdStream};
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
    let logs = AutoLogs::new(config, env, start_dir);
    let wants_auto = |t: &LogTarget| *t == LogTarget::Auto;
    let any_auto = config.processes().any(|p| wants_auto(&p.stdout.target) || wants_auto(&p.stderr.target));
    // COMPAT: what an earlier configuration left goes, even if nothing is logged so any more (compat::rotation).
    let is_used = any_auto || supervisor.childlogdir.is_some() || config.dialect == Dialect::Ini;
    if !supervisor.nocleanup && is_used {
        let troubles = auto::clear_old(&logs.dir, &logs.identifier);
        notes.extend(troubles.into_iter().map(|t| (LogLevel::Warn, t)));
    }
    config.processes().map(|program| Slot { auto: logs.files(program, notes), ..Slot::default() }).collect()
}

/// Where AUTO logs are, and whose they are.
pub(super) struct AutoLogs {
    dir: PathBuf,
    identifier: String,
}

impl AutoLogs {
    pub(super) fn new(config: &Config, env: &[(OsString, OsString)], start_dir: &Path) -> AutoLogs {
        let supervisor = &config.supervisor;
        let dir = supervisor
            .childlogdir
            .clone()
            .map_or_else(|| temporary_directory(env, start_dir), |d| start_dir.join(d));
        // A name of a file has no place for a slash; supervisord ends with a traceback.
        AutoLogs { dir, identifier: supervisor.identifier.replace('/', "-") }
    }

    /// Makes the AUTO logs of a program.
    pub(super) fn files(&self, program: &Program, notes: &mut Notes) -> [Option<PathBuf>; 2] {
        self.missing_files(program, None, notes)
    }

    /// Makes those that it does not have.
    pub(super) fn missing_files(
        &self,
        program: &Program,
        had: Option<&[Option<PathBuf>; 2]>,
        notes: &mut Notes,
    ) -> [Option<PathBuf>; 2] {
        let mut files = [None, None];
        let streams = [("stdout", &program.stdout), ("stderr", &program.stderr)];
        for (n, (place, (stream, plan))) in files.iter_mut().zip(streams).enumerate() {
            let is_had = had.is_some_and(|had| had.get(n).is_some_and(Option::is_some));
            if plan.target != LogTarget::Auto || is_had || (stream == "stderr" && program.redirect_stderr) {
                continue;
            }
            match auto::create(&self.dir, &program.name, stream, &self.identifier) {
                Ok(path) => *place = Some(path),
                Err(e) => {
                    let (dir, name) = (self.dir.display(), &program.name);
                    let text = format!("cannot create a log in `{dir}`, {stream} of {name} is lost: {e}");
                    notes.push((LogLevel::Error, text));
                }
            }
        }
        files
    }
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
