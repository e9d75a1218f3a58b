//! Program and context in, `ExecPlan` out: nothing is left to decide after the fork.
//!
//! Asks the file system where the command is. Not here: descriptors are made by the caller and only named here.

use crate::config::model::{Inherit, Program};
use crate::engine::input::{SpawnError, SpawnErrorKind};
use crate::spawn::env_sources::{self, Change};
use crate::spawn::environment::BaseEnvironment;
use crate::spawn::{confine, lookup, python};
use crate::sys::carray::{CArray, c_string};
use crate::sys::child::{ExecPlan, Identity, StartDirectory};
use std::os::fd::RawFd;
use std::path::PathBuf;

/// What all programs have in common.
pub struct Context {
    pub base: BaseEnvironment,
    /// `SUPERVISOR_SERVER_URL`, where there is a control server.
    pub server_url: Option<String>,
    /// The directory we were started in; programs without a `directory` run there.
    pub start_dir: PathBuf,
    /// The same, opened, where the core has left it.
    pub start_fd: Option<RawFd>,
    /// Signals that we handle or ignore.
    pub handled: Vec<i32>,
    /// Limit of open files for programs, where it differs from ours.
    pub nofile: Option<(u64, u64)>,
    /// Our own user: `user =` the same is nothing to do.
    pub own_uid: u32,
    /// Our own binary, opened: it does the work of a few Python listeners (`stand_in`).
    pub binary: Option<RawFd>,
}

/// Descriptors that become 0, 1 and 2; `None` leaves ours.
pub type Stdio = [Option<RawFd>; 3];

/// Makes the plan for one process.
///
/// # Errors
/// The command cannot be split, found or executed; in Supervisor's words. Something contains a zero byte; in ours.
pub fn plan(program: &Program, context: &Context, stdio: Stdio) -> Result<ExecPlan, SpawnError> {
    let sourced = sourced(program, context)?;
    let (path, argv, binary) = match stand_in(program, context) {
        Some(words) => (PathBuf::new(), words.map(str::to_owned).to_vec(), context.binary),
        None => {
            let (path, argv) = resolve_among(program, context, &sourced)?;
            (path, argv.to_vec(), None)
        }
    };
    assemble(program, context, stdio, (path, argv, binary), &sourced)
}

/// Makes the plan for our own binary, whose words stand in the program's place.
///
/// # Errors
/// Nobody knows where we are; something contains a zero byte.
pub fn plan_ourselves(program: &Program, context: &Context, stdio: Stdio) -> Result<ExecPlan, SpawnError> {
    if context.binary.is_none() {
        let text = "cannot find our own binary: /proc is not mounted".to_owned();
        return Err(lookup::error(SpawnErrorKind::NoFile, text));
    }
    let argv = program.argv.clone().map_err(|text| lookup::error(SpawnErrorKind::NotExecutable, text))?;
    let sourced = sourced(program, context)?;
    assemble(program, context, stdio, (PathBuf::new(), argv, context.binary), &sourced)
}

/// What to execute is settled: the rest of the plan.
fn assemble(
    program: &Program,
    context: &Context,
    stdio: Stdio,
    (path, argv, binary): (PathBuf, Vec<String>, Option<RawFd>),
    sourced: &[Change],
) -> Result<ExecPlan, SpawnError> {
    refuse_zero_bytes(program, &argv)?;
    let relative = program.directory.as_deref().is_none_or(|d| d.is_relative());
    let start_directory = context
        .start_fd
        .filter(|_| relative)
        .map(|fd| StartDirectory { fd, path: c_string(&context.start_dir.to_string_lossy()) });
    let limits = program.native.limits.as_deref();
    let identity = identity(program, context.own_uid);
    let argv = CArray::new(argv.iter().map(|a| c_string(a)).collect());
    let plan = ExecPlan::new(c_string(&path.to_string_lossy()), argv, environment(program, context, sourced));
    Ok(ExecPlan {
        binary,
        stdio,
        start_directory,
        directory: program.directory.as_deref().map(|d| c_string(&d.to_string_lossy())),
        umask: program.umask,
        no_new_privs: limits.is_some_and(|l| l.no_new_privs),
        confinement: limits.and_then(|l| confine::confinement(l, identity.is_some())).map(Box::new),
        identity,
        nofile: context.nofile,
        handled: context.handled.clone(),
        complain: true,
        ..plan
    })
}

/// Whether it is a Python listener whose work we may do: then nobody has to have its file.
#[must_use]
pub fn has_stand_in(program: &Program) -> bool {
    program.argv.as_ref().is_ok_and(|argv| python::script(argv).is_some())
}

/// Our own words in place of those of a Python listener whose work we do.
fn stand_in(program: &Program, context: &Context) -> Option<[&'static str; 3]> {
    let _reachable = context.binary?;
    let script = program.argv.as_ref().ok().and_then(|argv| python::script(argv))?;
    let word = match script {
        // Two that start the same programs would be one too many.
        "supervisord_dependent_startup" => "ok",
        // It runs as it is where it is: what it answers is its own business.
        "supervisor_stdout" if resolve(program, context).is_err() => "echo",
        _ => return None,
    };
    Some(["mainstay", "listener", word])
}

/// The file to execute and the words of the command.
///
/// # Errors
/// The command cannot be split, found or executed; in Supervisor's words.
pub fn resolve<'a>(program: &'a Program, context: &Context) -> Result<(PathBuf, &'a [String]), SpawnError> {
    // Files that cannot be read are told of by the start itself.
    resolve_among(program, context, &sourced(program, context).unwrap_or_default())
}

fn resolve_among<'a>(
    program: &'a Program,
    context: &Context,
    sourced: &[Change],
) -> Result<(PathBuf, &'a [String]), SpawnError> {
    let argv = match &program.argv {
        Ok(argv) => argv,
        Err(text) => return Err(lookup::error(SpawnErrorKind::NotExecutable, text.clone())),
    };
    let Some(command) = argv.first() else {
        return Err(lookup::error(SpawnErrorKind::NotExecutable, "command is empty".into()));
    };
    let path = search_path(program, context, sourced);
    let path = match program.native.limits.as_ref().and_then(|l| l.chroot.as_ref()) {
        Some(root) => lookup::find_inside(command, path, &context.start_dir.join(root))?,
        None => lookup::find(command, path, &context.start_dir)?,
    };
    Ok((path, argv))
}

/// A zero byte would end a text of execve there: nothing else than what was written is ever run.
/// Supervisor says so in the child, which exits with 127 (compat::spawn_errors).
fn refuse_zero_bytes(program: &Program, argv: &[String]) -> Result<(), SpawnError> {
    let has_zero = |text: &str| text.contains('\0');
    let directory = program.directory.as_deref().map(|d| d.to_string_lossy());
    let chroot = program.native.limits.as_ref().and_then(|l| l.chroot.as_ref()).map(|c| c.to_string_lossy());
    let mut environment = program.environment.iter();
    let told = [Some(&program.name), Some(&program.group), program.serverurl.as_ref()];
    let what = if argv.iter().any(|word| has_zero(word)) {
        "`command`"
    } else if directory.is_some_and(|d| has_zero(&d)) {
        "`directory`"
    } else if chroot.is_some_and(|c| has_zero(&c)) {
        "`chroot`"
    } else if environment.any(|(name, value)| has_zero(name) || has_zero(value)) {
        "`environment`"
    } else if told.into_iter().flatten().any(|text| has_zero(text)) {
        "a name or `serverurl`"
    } else {
        return Ok(());
    };
    let text = format!("cannot run '{}': {what} contains a zero byte; take it out", program.name);
    Err(lookup::error(SpawnErrorKind::Other, text))
}

/// What the program's files and folders say, as they are now.
fn sourced(program: &Program, context: &Context) -> Result<Vec<Change>, SpawnError> {
    let Some(sources) = &program.native.env else { return Ok(Vec::new()) };
    env_sources::read(sources, &context.start_dir).map_err(|text| lookup::error(SpawnErrorKind::Other, text))
}

/// COMPAT: PATH of the configured environment decides, even an empty one; else ours, unless that is empty.
fn search_path<'a>(program: &'a Program, context: &'a Context, sourced: &'a [Change]) -> Option<&'a str> {
    let configured = program.environment.iter().rev().find(|(k, _)| k == "PATH").map(|(_, v)| v.as_str());
    let of_files = || sourced.iter().rev().find(|(k, _)| k == "PATH").map(|(_, v)| v.as_deref());
    configured.or_else(|| match of_files() {
        Some(path) => path.and_then(|path| std::str::from_utf8(path).ok()),
        None => context.base.inherited(inherit(program), "PATH").filter(|path| !path.is_empty()),
    })
}

fn inherit(program: &Program) -> &Inherit {
    program.native.env.as_ref().map_or(&Inherit::All, |sources| &sources.inherit)
}

/// COMPAT: lowest to highest: ours, SUPERVISOR_*, `[supervisord] environment`, the program's. Files stand behind ours.
fn environment(program: &Program, context: &Context, sourced: &[Change]) -> CArray {
    let mut own: Vec<(&str, &str)> = vec![("SUPERVISOR_ENABLED", "1")];
    let url = program.serverurl.as_deref().or(context.server_url.as_deref());
    // COMPAT: an empty `serverurl` is no server.
    own.extend(url.filter(|url| !url.is_empty()).map(|url| ("SUPERVISOR_SERVER_URL", url)));
    own.push(("SUPERVISOR_PROCESS_NAME", &program.name));
    own.push(("SUPERVISOR_GROUP_NAME", &program.group));
    for (k, v) in &program.environment {
        own.push((k, v));
    }
    context.base.with(inherit(program), sourced, &own)
}

fn identity(program: &Program, own_uid: u32) -> Option<Identity> {
    let user = program.user.as_ref()?;
    // COMPAT: the user we are already needs nothing, not even groups.
    let instead = program.native.limits.as_ref().and_then(|l| l.groups.as_ref());
    (user.uid != own_uid).then(|| Identity {
        uid: user.uid,
        gid: user.gid,
        groups: instead.unwrap_or(&user.groups).clone(),
    })
}
