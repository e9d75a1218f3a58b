//! Program and context in, `ExecPlan` out: nothing is left to decide after the fork.
//!
//! Asks the file system where the command is. Not here: descriptors are made by the caller and only named here.

use crate::config::model::Program;
use crate::engine::input::{SpawnError, SpawnErrorKind};
use crate::spawn::environment::BaseEnvironment;
use crate::spawn::lookup;
use crate::sys::carray::{CArray, c_string};
use crate::sys::child::{ExecPlan, Identity, StartDirectory};
use std::os::fd::RawFd;
use std::path::PathBuf;

/// What all programs have in common.
pub struct Context {
    pub base: BaseEnvironment,
    /// `[supervisord] environment`.
    pub environment: Vec<(String, String)>,
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
}

/// Descriptors that become 0, 1 and 2; `None` leaves ours.
pub type Stdio = [Option<RawFd>; 3];

/// Makes the plan for one process.
///
/// # Errors
/// The command cannot be split, found or executed; in Supervisor's words.
pub fn plan(program: &Program, context: &Context, stdio: Stdio) -> Result<ExecPlan, SpawnError> {
    let (path, argv) = resolve(program, context)?;
    let relative = program.directory.as_deref().is_none_or(|d| d.is_relative());
    let start_directory = context
        .start_fd
        .filter(|_| relative)
        .map(|fd| StartDirectory { fd, path: c_string(&context.start_dir.to_string_lossy()) });
    Ok(ExecPlan {
        path: c_string(&path.to_string_lossy()),
        binary: None,
        argv: CArray::new(argv.iter().map(|a| c_string(a)).collect()),
        envp: environment(program, context),
        stdio,
        extra: Vec::new(),
        own_group: true,
        foreground: false,
        start_directory,
        directory: program.directory.as_deref().map(|d| c_string(&d.to_string_lossy())),
        umask: program.umask,
        identity: identity(program, context.own_uid),
        no_new_privs: false,
        nofile: context.nofile,
        handled: context.handled.clone(),
        complain: true,
        pid_slot: None,
    })
}

/// The file to execute and the words of the command.
///
/// # Errors
/// The command cannot be split, found or executed; in Supervisor's words.
pub fn resolve<'a>(program: &'a Program, context: &Context) -> Result<(PathBuf, &'a [String]), SpawnError> {
    let argv = match &program.argv {
        Ok(argv) => argv,
        Err(text) => return Err(lookup::error(SpawnErrorKind::NotExecutable, text.clone())),
    };
    let Some(command) = argv.first() else {
        return Err(lookup::error(SpawnErrorKind::NotExecutable, "command is empty".into()));
    };
    let path = lookup::find(command, search_path(program, context), &context.start_dir)?;
    Ok((path, argv))
}

/// COMPAT: PATH of the configured environment decides, even an empty one; else ours, unless that is empty.
fn search_path<'a>(program: &'a Program, context: &'a Context) -> Option<&'a str> {
    let configured = program.environment.iter().rev().chain(context.environment.iter().rev());
    configured
        .filter(|(k, _)| k == "PATH")
        .map(|(_, v)| v.as_str())
        .next()
        .or_else(|| context.base.get("PATH").filter(|path| !path.is_empty()))
}

/// COMPAT: lowest to highest: ours, SUPERVISOR_*, `[supervisord] environment`, the program's.
fn environment(program: &Program, context: &Context) -> CArray {
    let mut own: Vec<(&str, &str)> = vec![("SUPERVISOR_ENABLED", "1")];
    let url = program.serverurl.as_deref().or(context.server_url.as_deref());
    // COMPAT: an empty `serverurl` is no server.
    own.extend(url.filter(|url| !url.is_empty()).map(|url| ("SUPERVISOR_SERVER_URL", url)));
    own.push(("SUPERVISOR_PROCESS_NAME", &program.name));
    own.push(("SUPERVISOR_GROUP_NAME", &program.group));
    for (k, v) in context.environment.iter().chain(&program.environment) {
        own.push((k, v));
    }
    context.base.with(&own)
}

fn identity(program: &Program, own_uid: u32) -> Option<Identity> {
    let user = program.user.as_ref()?;
    // COMPAT: the user we are already needs nothing, not even groups.
    (user.uid != own_uid).then(|| Identity { uid: user.uid, gid: user.gid, groups: user.groups.clone() })
}
