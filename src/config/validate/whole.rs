//! `[supervisord]`, `[supervisor]` and `[mainstay]`: settings for the whole.
//!
//! Invariant: the order of reading is Supervisor's, so that the first error is the one it reports.
//! Not here: servers (`servers`), programs (`groups`).

use std::path::PathBuf;

use crate::config::diag::Diagnostic;
use crate::config::model::{Dialect, MainLog, Route, StdStream, Supervisor, UserRef};
use crate::config::raw::{RawValue, SectionKind};
use crate::config::settings;
use crate::config::values::{self, ladder, logs, pairs, people, words};
use crate::types::Signal;

use super::reader::{Convert, Passes, Reader, Reported, View};

/// What `user` is before it is resolved.
pub(crate) type RawUser = Result<Option<RawValue>, Reported>;

/// The settings for the whole; `user` is only expanded here, in its turn, because `environment` adds names.
pub(crate) fn read_supervisor(
    r: &mut Reader<'_>,
    dialect: Dialect,
    user: &mut RawUser,
) -> Result<Supervisor, Reported> {
    let view = view(r, dialect);
    r.create_directories = own_flag(r, &view, "create_directories")?;
    let names = r.basic_names();
    let minfds = r.value(&view, "minfds", &names, values::integer);
    let minprocs = r.value(&view, "minprocs", &names, values::integer);
    let directory = r.optional(&view, "directory", &names, Passes::One, logs::directory);
    *user = r.optional(&view, "user", &names, Passes::One, |input| Ok(input.value.clone()));
    let umask = r.value(&view, "umask", &names, values::octal);
    let logfile = r.value(&view, "logfile", &names, logs::main_log);
    let logfile_maxbytes = r.value(&view, "logfile_maxbytes", &names, values::size);
    let logfile_backups = r.value(&view, "logfile_backups", &names, values::count);
    let loglevel = r.value(&view, "loglevel", &names, values::level);
    let pidfile = read_pidfile(r, &view);
    let identifier = r.value(&view, "identifier", &names, values::text);
    let nodaemon = r.value(&view, "nodaemon", &names, values::boolean);
    let silent = r.value(&view, "silent", &names, values::boolean)?;
    let childlogdir = r.optional(&view, "childlogdir", &names, Passes::One, logs::created_directory);
    let nocleanup = r.value(&view, "nocleanup", &names, values::boolean);
    let strip_ansi = r.value(&view, "strip_ansi", &names, values::boolean);
    let environment = read_environment(r, &view);
    let exit_when_all_exited = own_flag(r, &view, "exit_when_all_exited");
    let drain_delay_ms = own(r, &view, "drain_delay", words::duration_ms);
    let shutdown_timeout_ms = own(r, &view, "shutdown_timeout", words::some_duration_ms);
    if let (Ok(Some(delay)), Ok(Some(all))) = (&drain_delay_ms, &shutdown_timeout_ms)
        && delay >= all
    {
        return Err(refuse_long_drain(r, &view));
    }
    let termination_log = own(r, &view, "termination_log", logs::path);
    let signals = read_signals(r);
    let logfile = logfile?;
    Ok(Supervisor {
        log_stream: log_stream(dialect, &logfile, silent),
        logfile,
        logfile_maxbytes: logfile_maxbytes?,
        logfile_backups: logfile_backups?,
        loglevel: loglevel?,
        pidfile: pidfile?,
        umask: umask?,
        nodaemon: nodaemon?,
        silent,
        minfds: minfds?,
        minprocs: minprocs?,
        nocleanup: nocleanup?,
        childlogdir: childlogdir?,
        user: None,
        directory: directory?,
        strip_ansi: strip_ansi?,
        environment: environment?,
        identifier: identifier?,
        exit_when_all_exited: exit_when_all_exited?,
        create_directories: r.create_directories,
        drain_delay_ms: drain_delay_ms?.unwrap_or(0),
        shutdown_timeout_ms: shutdown_timeout_ms?,
        termination_log: termination_log?,
        signals: signals?,
    })
}

/// `user`, resolved. COMPAT: Supervisor does so after everything else has been read.
pub(crate) fn resolve_user(
    r: &mut Reader<'_>,
    dialect: Dialect,
    value: Option<RawValue>,
) -> Result<Option<UserRef>, Reported> {
    let view = view(r, dialect);
    value.map_or(Ok(None), |value| r.convert(&view, "user", &value, people::user))
}

fn view<'a>(r: &Reader<'a>, dialect: Dialect) -> View<'a> {
    let section = r.sections(SectionKind::Supervisor).next();
    let mut view = section.map_or(View::missing(SectionKind::Supervisor, dialect), View::of);
    view.dialect = dialect;
    view
}

/// One of our own switches: `[mainstay]` in INI, beside Supervisor's elsewhere.
fn own_flag<'a>(r: &mut Reader<'a>, supervisor: &View<'a>, key: &str) -> Result<bool, Reported> {
    if let Some(flag) = own(r, supervisor, key, values::boolean)? {
        return Ok(flag);
    }
    let names = r.basic_names();
    r.value(supervisor, key, &names, values::boolean)
}

/// One of our own settings, where it is written.
fn own<'a, T>(
    r: &mut Reader<'a>,
    supervisor: &View<'a>,
    key: &str,
    convert: Convert<T>,
) -> Result<Option<T>, Reported> {
    let names = r.basic_names();
    if let Some(section) = r.sections(SectionKind::Mainstay).next() {
        let view = View::of(section);
        if let Some(value) = r.optional(&view, key, &names, Passes::Ours, convert)? {
            return Ok(Some(value));
        }
    }
    r.optional(supervisor, key, &names, Passes::Ours, convert)
}

/// Nobody would be asked to stop: all would be killed while they are still being drained.
fn refuse_long_drain<'a>(r: &mut Reader<'a>, supervisor: &View<'a>) -> Reported {
    let ours = r.sections(SectionKind::Mainstay).next().map(View::of);
    let ours = ours.filter(|view| r.entry(view, "drain_delay").is_some());
    let words = "drain_delay is not shorter than shutdown_timeout".to_owned();
    let message = format!(
        "cannot use `drain_delay`: {words}, so everything would be killed without being asked to stop"
    );
    let hint = "shutdown_timeout is for all of it: make it longer than drain_delay and the stop together";
    r.refuse_section(ours.as_ref().unwrap_or(supervisor), "drain_delay", message, words, hint)
}

/// What signals do, in the order of the table.
fn read_signals(r: &mut Reader<'_>) -> Result<Vec<(Signal, Route)>, Reported> {
    let Some(section) = r.sections(SectionKind::Mainstay).next() else { return Ok(Vec::new()) };
    let view = View::of(section);
    let names = r.basic_names();
    let mut all = Ok(Vec::new());
    for setting in settings::all() {
        let Some(signal) = setting.key.strip_prefix("signal_").and_then(Signal::from_name) else { continue };
        match r.optional(&view, setting.key, &names, Passes::Ours, ladder::route) {
            Ok(route) => {
                if let (Ok(all), Some(route)) = (&mut all, route) {
                    all.push((signal, route));
                }
            }
            Err(reported) => all = Err(reported),
        }
    }
    all
}

fn read_pidfile<'a>(r: &mut Reader<'a>, view: &View<'a>) -> Result<Option<PathBuf>, Reported> {
    let names = r.basic_names();
    if view.dialect == Dialect::Ini {
        return r.value(view, "pidfile", &names, logs::optional_file);
    }
    r.optional(view, "pidfile", &names, Passes::Ours, logs::optional_file).map(Option::flatten)
}

/// The variables for all programs; they can be used as `ENV_` names from here on.
fn read_environment<'a>(r: &mut Reader<'a>, view: &View<'a>) -> Result<Vec<(String, String)>, Reported> {
    let names = r.basic_names();
    let read = r.value_in(view, "environment", &names, Passes::Two, pairs::pairs)?;
    warn_if_cut(r, view, &read);
    for (name, value) in &read.pairs {
        r.env.set(&format!("ENV_{name}"), value);
    }
    r.env.seal();
    Ok(read.pairs)
}

/// Says that a part of an `environment` was dropped, as Supervisor drops it.
pub(crate) fn warn_if_cut<'a>(r: &mut Reader<'a>, view: &View<'a>, read: &pairs::Pairs) {
    let Some(name) = &read.cut else { return };
    let finding = Diagnostic::warning(format!(
        "the value of `{name}` in `environment` of {} is cut, as Supervisor cuts it",
        view.shown()
    ))
    .at(r.entry(view, "environment").map(|e| &e.span))
    .setting(format!("{} environment", view.shown()))
    .hint("put the whole value in quotes, and a comma between pairs");
    r.push(finding);
}

/// Where the daemon's log is shown beside its file; never twice on the same stream.
fn log_stream(dialect: Dialect, logfile: &MainLog, silent: bool) -> Option<StdStream> {
    let stream = match dialect {
        Dialect::Ini => StdStream::Stdout,
        Dialect::Toml | Dialect::Env => StdStream::Stderr,
    };
    let is_there_already = dialect != Dialect::Ini && *logfile == MainLog::Stream(stream);
    (!silent && !is_there_already).then_some(stream)
}
