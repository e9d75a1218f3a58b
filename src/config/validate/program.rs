//! One program section -> its processes.
//!
//! Invariants: the order of reading is Supervisor's; what belongs to the section is read once, what may use
//! `process_num` is read for each process. Not here: which group a program belongs to (`groups`).

use crate::config::diag::Diagnostic;
use crate::config::expand::Names;
use crate::config::model::{Autorestart, Dialect, LogPlan, LogTarget, Program, Stdin, UserRef};
use crate::config::python::{repr, strip};
use crate::config::raw::{RawSection, RawValue};

use crate::config::values::ladder::{self, Ladder};
use crate::config::values::{self, command, pairs, people};
use crate::types::sort_by;

use super::known;
use super::native;
use super::outputs::{self, Streams};
use super::reader::{Passes, Reader, Reported, View};
use super::whole::warn_if_cut;

/// Which section is read, and for whom.
pub(crate) struct Plan<'a, 'p> {
    pub(crate) section: &'a RawSection,
    pub(crate) group: &'p str,
    /// Read by the group pass already; a member of a `[group:x]` reads its own.
    pub(crate) priority: Option<i64>,
    /// `[supervisord] environment`.
    pub(crate) environment: &'p [(String, String)],
}

/// BOUND: processes of one section; more is a slip of the finger, and each costs memory before anything runs.
const MAX_PROCESSES: i64 = 10_000;

/// The processes of a section by (priority, name); none where something was refused.
pub(crate) fn read_processes<'a>(r: &mut Reader<'a>, plan: &Plan<'a, '_>) -> Vec<Program> {
    let view = View::of(plan.section).with_suffix();
    let Ok(program) = check_name(r, &view, &plan.section.name) else { return Vec::new() };
    let mut names = r.basic_names();
    names.set("program_name", &program);
    names.set("host_node_name", &r.host);
    names.set("group_name", plan.group);
    let Ok(shared) = read_shared(r, &view, plan, &names) else {
        report_rest(r, &view, &names);
        return Vec::new();
    };
    let mut programs = Vec::new();
    for number in 0..shared.numprocs {
        // COMPAT: variables of the process before this one can still be named, where our environment has none such.
        names.restore_sealed();
        names.set_int("process_num", shared.first.saturating_add(number));
        names.set_int("numprocs", shared.numprocs);
        match read_own(r, &view, &mut names, &shared) {
            Ok(own) => programs.push(build(plan, &program, &shared, own)),
            // The other processes have the same mistake.
            Err(Reported) => return Vec::new(),
        }
    }
    sort_by(&mut programs, &|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    programs
}

/// What all processes of a section have in common.
struct Shared {
    priority: i64,
    autostart: bool,
    autorestart: Autorestart,
    startsecs_ms: i64,
    startretries: i64,
    stop: Ladder,
    stopwaitsecs_ms: i64,
    stopasgroup: bool,
    killasgroup: bool,
    exitcodes: Vec<i32>,
    redirect_stderr: bool,
    numprocs: i64,
    first: i64,
    streams: Streams,
    serverurl: Option<String>,
    user: Option<UserRef>,
    umask: Option<u32>,
    process_name: String,
}

fn read_shared<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    plan: &Plan<'a, '_>,
    names: &Names,
) -> Result<Shared, Reported> {
    let priority = match plan.priority {
        Some(priority) => Ok(priority),
        None => r.value(view, "priority", names, values::integer),
    };
    let autostart = r.value(view, "autostart", names, values::boolean);
    let autorestart = r.value(view, "autorestart", names, values::autorestart);
    let startsecs_ms = r.value(view, "startsecs", names, values::seconds_ms);
    let startretries = r.value(view, "startretries", names, values::integer);
    let stop = r.value(view, "stopsignal", names, ladder::ladder);
    let stopwaitsecs_ms = read_stopwaitsecs(r, view, names, &stop);
    let stopasgroup = r.value(view, "stopasgroup", names, values::boolean);
    let killasgroup = read_killasgroup(r, view, names, stopasgroup);
    let exitcodes = r.value(view, "exitcodes", names, values::exitcodes);
    let redirect_stderr = r.value(view, "redirect_stderr", names, values::boolean);
    let numprocs = r.value(view, "numprocs", names, values::integer);
    let first = r.value(view, "numprocs_start", names, values::integer);
    let streams = outputs::read_streams(r, view, names);
    let serverurl = r.optional(view, "serverurl", names, Passes::One, values::text);
    let user = r.optional(view, "user", names, Passes::One, people::user);
    let umask = r.optional(view, "umask", names, Passes::One, values::octal);
    let process_name = read_process_name(r, view, numprocs);
    let numprocs = check_numprocs(r, view, numprocs?, process_name.as_deref().unwrap_or("%(process_num)"));
    let asgroup = check_asgroup(r, view, stopasgroup?, killasgroup?);
    let (stopasgroup, killasgroup) = asgroup?;
    Ok(Shared {
        priority: priority?,
        autostart: autostart?,
        autorestart: autorestart?,
        startsecs_ms: startsecs_ms?,
        startretries: startretries?,
        stop: stop?,
        stopwaitsecs_ms: stopwaitsecs_ms?,
        stopasgroup,
        killasgroup,
        exitcodes: exitcodes?,
        redirect_stderr: redirect_stderr?,
        numprocs: numprocs?,
        first: first?,
        streams: streams?,
        serverurl: serverurl?.filter(|url| strip(url).to_uppercase() != "AUTO"),
        user: user?,
        umask: umask?,
        process_name: process_name?,
    })
}

/// The first step of a ladder may say it in its place.
fn read_stopwaitsecs<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    names: &Names,
    stop: &Result<Ladder, Reported>,
) -> Result<i64, Reported> {
    let said = r.value(view, "stopwaitsecs", names, values::seconds_ms)?;
    let Some(wait_ms) = stop.as_ref().ok().and_then(|stop| stop.wait_ms) else { return Ok(said) };
    if r.entry(view, "stopwaitsecs").is_some() && said != wait_ms {
        let words = "`stopsignal` names another time for its first step".to_owned();
        let message = format!("cannot use `stopwaitsecs` of {}: {words}", view.shown());
        return Err(r.refuse_section(view, "stopwaitsecs", message, words, "keep one of the two"));
    }
    Ok(wait_ms)
}

/// COMPAT: left out, it is what `stopasgroup` is; in TOML and environment both are on.
fn read_killasgroup<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    names: &Names,
    stopasgroup: Result<bool, Reported>,
) -> Result<bool, Reported> {
    match r.optional(view, "killasgroup", names, Passes::One, values::boolean)? {
        Some(killasgroup) => Ok(killasgroup),
        None if view.dialect == Dialect::Ini => stopasgroup,
        None => r.value(view, "killasgroup", names, values::boolean),
    }
}

fn check_asgroup<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    stop: bool,
    kill: bool,
) -> Result<(bool, bool), Reported> {
    if stop && !kill {
        let words = "Cannot set stopasgroup=true and killasgroup=false".to_owned();
        let message =
            format!("cannot use {}: `stopasgroup` is true and `killasgroup` is false", view.shown());
        let hint = "set `stopasgroup = false` too, or leave `killasgroup` out";
        return Err(r.refuse_section(view, "killasgroup", message, words, hint));
    }
    Ok((stop, kill))
}

/// The name of a program or group, trimmed; reported under the section.
pub(crate) fn check_name<'a>(r: &mut Reader<'a>, view: &View<'a>, name: &str) -> Result<String, Reported> {
    values::name(name).map_err(|bad| {
        let message = format!("cannot use {}: {}", view.shown(), bad.words);
        r.refuse_section(view, "", message, bad.words, "names cannot contain blanks, `:` or `/`")
    })
}

/// Not expanded yet. COMPAT: characters are checked before expansion; what expansion brings in is checked later.
fn read_process_name<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    numprocs: Result<i64, Reported>,
) -> Result<String, Reported> {
    let Some(entry) = r.entry(view, "process_name") else {
        let several = view.dialect != Dialect::Ini && numprocs.is_ok_and(|n| n > 1);
        return Ok(if several { "%(program_name)s_%(process_num)02d" } else { "%(program_name)s" }.to_owned());
    };
    let RawValue::Text(text) = &entry.value else {
        return Err(r.refuse(view, entry, &values::Bad::new("expected a text")));
    };
    values::name(text).map_err(|bad| {
        let bad = bad.hint("names cannot contain blanks, `:` or `/`");
        r.refuse(view, entry, &bad)
    })
}

fn check_numprocs<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    numprocs: i64,
    name: &str,
) -> Result<i64, Reported> {
    if numprocs > 1 && !name.contains("%(process_num)") {
        let words = "%(process_num) must be present within process_name when numprocs > 1".to_owned();
        let message = format!("cannot use {}: {words}", view.shown());
        let hint = "add `process_name = %(program_name)s_%(process_num)02d`";
        return Err(r.refuse_section(view, "numprocs", message, words, hint));
    }
    if numprocs > MAX_PROCESSES {
        let words = format!("numprocs {numprocs} is above upper bound ({MAX_PROCESSES})");
        let message = format!("cannot use {}: {words}", view.shown());
        return Err(r.refuse_section(view, "numprocs", message, words, ""));
    }
    Ok(numprocs)
}

/// What belongs to one process.
struct Own {
    name: String,
    environment: Vec<(String, String)>,
    directory: Option<String>,
    stdout: LogPlan,
    stderr: LogPlan,
    command: command::CommandLine,
    native: native::Own,
}

fn read_own<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    names: &mut Names,
    shared: &Shared,
) -> Result<Own, Reported> {
    let environment = read_environment(r, view, names).inspect_err(|_| {
        // Without these names nothing else can be expanded; that the command is missing can be said.
        if r.entry(view, "command").is_none() {
            let _reported = read_command(r, view, names);
        }
        report_missing(r, view, names);
    })?;
    for (name, value) in &environment {
        names.set(&format!("ENV_{name}"), value);
    }
    let directory = r.optional(view, "directory", names, Passes::One, values::text);
    let (stdout, stderr) = outputs::read_logs(r, view, names, &shared.streams, shared.redirect_stderr);
    let command = read_command(r, view, names);
    let native = native::read(r, view, names);
    let name = expand_name(r, view, &shared.process_name, names)?;
    let (mut stdout, mut stderr, native) = (stdout?, stderr?, native?);
    if !native.captures {
        stdout.target = LogTarget::Inherit;
        stderr.target = LogTarget::Inherit;
    }
    Ok(Own { name, environment, directory: directory?, stdout, stderr, command: command?, native })
}

/// Variables that are not set, in what is read after an `environment` that cannot be; what it defines counts as set.
fn report_missing<'a>(r: &mut Reader<'a>, view: &View<'a>, names: &Names) {
    let mut names = names.clone();
    let text = r.entry(view, "environment").map(|e| &e.value);
    if let Some(RawValue::Text(text)) = text {
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        for name in words.filter_map(|word| word.split_once('=')).map(|(name, _)| name) {
            names.set(&format!("ENV_{name}"), "");
        }
    }
    let (_, found) = r.attempt(|r| {
        let _reported = read_command(r, view, &names);
        let _reported = native::read(r, view, &names);
    });
    found.into_iter().filter(|d| d.missing.is_some()).for_each(|d| r.push(d));
}

/// Findings in what would have been read next, after the first part of a section was refused.
fn report_rest<'a>(r: &mut Reader<'a>, view: &View<'a>, names: &Names) {
    let mut names = names.clone();
    names.set_int("process_num", 0);
    names.set_int("numprocs", 1);
    // Each of them reports by itself.
    let environment = read_environment(r, view, &names);
    for (name, value) in environment.iter().flatten() {
        names.set(&format!("ENV_{name}"), value);
    }
    if environment.is_ok() || r.entry(view, "command").is_none() {
        let _reported = read_command(r, view, &names);
    }
}

fn build(plan: &Plan<'_, '_>, program: &str, shared: &Shared, own: Own) -> Program {
    let mut environment = plan.environment.to_vec();
    own.environment.iter().for_each(|(name, value)| pairs::set(&mut environment, name, value));
    let mut native = own.native.native;
    native.stop_ladder.clone_from(&shared.stop.steps);
    Program {
        name: own.name,
        group: plan.group.to_owned(),
        program: program.to_owned(),
        command: own.command.text,
        argv: own.command.argv,
        directory: own.directory.map(Into::into),
        environment,
        user: shared.user.clone(),
        umask: shared.umask,
        priority: shared.priority,
        autostart: shared.autostart,
        autorestart: shared.autorestart,
        exitcodes: shared.exitcodes.clone(),
        startsecs_ms: shared.startsecs_ms,
        startretries: shared.startretries,
        backoff: own.native.backoff,
        stopsignal: shared.stop.first,
        stopwaitsecs_ms: shared.stopwaitsecs_ms,
        stopasgroup: shared.stopasgroup,
        killasgroup: shared.killasgroup,
        stdin: Stdin::Pipe,
        socket: None,
        redirect_stderr: shared.redirect_stderr,
        stdout: own.stdout,
        stderr: own.stderr,
        serverurl: shared.serverurl.clone(),
        main: false,
        waits: None,
        native,
    }
}

/// COMPAT: expanded once, under the bare name of the key.
fn read_environment<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    names: &Names,
) -> Result<Vec<(String, String)>, Reported> {
    if let Some(entry) = r.entry(view, "environment")
        && let (Dialect::Ini, RawValue::Text(text)) = (entry.dialect, &entry.value)
    {
        // Only for the report: the same expansion follows under the long name.
        r.expand_text(view, entry, text, names, "environment")?;
    }
    let read = r.value(view, "environment", names, pairs::pairs)?;
    warn_if_cut(r, view, &read);
    Ok(read.pairs)
}

fn read_command<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    names: &Names,
) -> Result<command::CommandLine, Reported> {
    let command = r.optional(view, "command", names, Passes::One, command::command)?;
    command.ok_or_else(|| {
        if view.section.is_some_and(|section| known::is_refused_for(section, "command")) {
            return Reported;
        }
        let words = format!("program section {} does not specify a command", view.title());
        let message = format!("cannot use {}: `command` is missing", view.shown());
        r.refuse_section(view, "command", message, words, "add `command = ...`")
    })
}

fn expand_name<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    template: &str,
    names: &Names,
) -> Result<String, Reported> {
    let name = match r.entry(view, "process_name") {
        Some(entry) if entry.dialect == Dialect::Ini => {
            r.expand_text(view, entry, template, names, "process_name")?
        }
        _ => crate::config::expand::expand_known(template, names),
    };
    if name.is_empty() || name.contains([' ', ':', '/', '\n']) {
        let shown = view.shown();
        let finding = Diagnostic::error(format!("cannot use `{name}` as a process name of {shown}"))
            .at(r.entry(view, "process_name").map(|e| &e.span).or(view.section.map(|s| &s.span)))
            .setting(format!("{shown} process_name"))
            .hint("names cannot be empty or contain blanks, `:` or `/`")
            .supervisor(format!("Invalid name: {}{}", repr(&name), view.suffix));
        r.push(finding);
        return Err(Reported);
    }
    Ok(name)
}
