//! What the daemon does about its own process: user, limits, background, pidfile, and directories that are missing.
//!
//! Does I/O. Invariants: limits and background are settled once, by the first life; a pidfile that names somebody else
//! is not ours to remove. Not here: when (`boot`), the system calls (`sys::boot`, `sys::limits`).

use crate::config::model::{Config, Dialect, LogTarget, MainLog, Supervisor};
use crate::config::python::repr;
use crate::daemon::boot::{Notes, Refusal};
use crate::daemon::whereabouts::WorkPlace;
use crate::sys::child::Identity;
use crate::sys::{boot, errno, fd, limits};
use crate::types::LogLevel;
use nix::errno::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// What the first life settles for all that follow.
pub(crate) struct Settled {
    /// Where we were started: relative paths of the configuration count from here, in every life.
    pub(crate) start_dir: PathBuf,
    /// Where programs start: `[supervisord] directory` once we have gone into the background.
    pub(crate) work_dir: PathBuf,
    pub(crate) place: WorkPlace,
    /// Programs' limit of open files, where it differs from ours.
    pub(crate) nofile: Option<limits::Limit>,
    /// We go, or have gone, into the background.
    pub(crate) background: bool,
    /// No life has begun yet.
    pub(crate) first: bool,
}

/// Whether we are the configured user, or may become it.
///
/// # Errors
/// What to tell the user.
pub(crate) fn check_user(supervisor: &Supervisor) -> Result<(), Refusal> {
    match &supervisor.user {
        Some(user) if user.uid != boot::own_uid() && !boot::is_root() => {
            Err(cannot_become(&user.text, Errno::EPERM, "Can't drop privilege as nonroot user"))
        }
        _ => Ok(()),
    }
}

/// Gives up root where `[supervisord] user` says so.
///
/// # Errors
/// What to tell the user.
pub(crate) fn drop_privileges(
    supervisor: &Supervisor,
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<(), Refusal> {
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
        boot::become_user(&identity)
            .map_err(|e| cannot_become(&user.text, e, "Could not set groups of effective user"))?;
    }
    if dialect == Dialect::Ini {
        notes.push((LogLevel::Info, format!("Set uid to user {} succeeded", user.uid)));
    }
    Ok(())
}

fn cannot_become(user: &str, e: Errno, supervisor: &str) -> Refusal {
    let hint = "only root, with the capabilities SETUID and SETGID, can become another user; leave `user` out or start so";
    let own = format!("error: cannot become user `{user}`: {}\n  hint: {hint}\n", errno::words(e as i32));
    Refusal { supervisor: supervisor.to_owned(), own }
}

/// Raises our limits to what is configured, and our own soft limit of files as far as it goes: a thousand programs
/// need some thousand descriptors. Returns what programs get, where that differs from ours.
///
/// # Errors
/// COMPAT: with an INI file we refuse to start below `minfds` and `minprocs`, as supervisord does. Elsewhere the
/// container's limits are what they are.
pub(crate) fn raise_limits(
    supervisor: &Supervisor,
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<Option<limits::Limit>, Refusal> {
    let minfds = u64::try_from(supervisor.minfds).unwrap_or(0);
    let minprocs = u64::try_from(supervisor.minprocs).unwrap_or(0);
    for (name, key, want, what, raised) in [
        ("RLIMIT_NOFILE", "minfds", minfds, "file descriptors", limits::raise_nofile(minfds)),
        ("RLIMIT_NPROC", "minprocs", minprocs, "processes", limits::raise_nproc(minprocs)),
    ] {
        match raised {
            Ok(true) => notes.push((LogLevel::Info, format!("Increased {name} limit to {want}"))),
            Ok(false) => {}
            Err(hard) if dialect != Dialect::Ini => {
                let text = format!("{key} = {want} is more than we may have, which is {hard}");
                notes.push((LogLevel::Debug, text));
            }
            Err(hard) => return Err(below_minimum(key, want, what, hard)),
        }
    }
    let (soft, hard) = limits::nofile();
    let ours = limits::raise_nofile(hard.min(1 << 20)).unwrap_or(false);
    Ok(ours.then_some((soft, hard)))
}

/// COMPAT: the two sentences differ in three words, and give what was asked for where they mean the limit. Ours is below.
fn below_minimum(key: &str, want: u64, what: &str, hard: u64) -> Refusal {
    let (available, run, start) =
        if key == "minfds" { ("", "process", "process") } else { ("available ", "program", "program") };
    let supervisor = format!(
        "The minimum number of {available}{what} required to run this {run} is {want} as per the \"{key}\" \
         command-line argument or config file setting. The current environment will only allow you to open {want} \
         {what}.  Either raise the number of usable {what} in your environment (see README.rst) or lower the {key} \
         setting in the config file to allow the {start} to start."
    );
    let own = format!(
        "error: cannot raise the limit of {what} to {want}: the hard limit is {hard}\n  hint: raise it (`docker run \
         --ulimit`, `ulimit -H`), or lower `{key}` in [supervisord]\n"
    );
    Refusal { supervisor, own }
}

/// Makes the directories of all log and pid files, where that is wanted. They belong to `[supervisord] user`, who
/// writes into them; a directory that was there before is left as it is.
pub(crate) fn create_directories(config: &Config, settled: &Settled, notes: &mut Notes) {
    let supervisor = &config.supervisor;
    if !supervisor.create_directories {
        return;
    }
    let mut files: Vec<PathBuf> = Vec::new();
    let start_dir = &settled.start_dir;
    if let MainLog::File(path) = &supervisor.logfile {
        files.push(start_dir.join(path));
    }
    files.extend(supervisor.pidfile.as_ref().map(|path| start_dir.join(path)));
    files.extend(supervisor.childlogdir.as_ref().map(|dir| start_dir.join(dir).join("x")));
    for program in config.processes() {
        for target in [&program.stdout.target, &program.stderr.target] {
            if let LogTarget::File(path) = target {
                files.push(settled.work_dir.join(path));
            }
        }
    }
    let owner = supervisor.user.as_ref().filter(|u| u.uid != boot::own_uid()).map(|u| (u.uid, u.gid));
    let mut told: Option<PathBuf> = None;
    for dir in files.iter().filter_map(|f| f.parent()) {
        if let Err((failed, e)) = fd::make_directories(dir, owner)
            && told.as_ref() != Some(&failed)
        {
            let text = format!(
                "cannot create the directory `{}`: {}; what should be written there is lost: create it, or choose \
                 another place",
                failed.display(),
                errno::words(e as i32)
            );
            notes.push((LogLevel::Error, text));
            told = Some(failed);
        }
    }
}

/// Leaves the terminal. Whoever started us waits until what is returned is dropped.
///
/// # Errors
/// What to tell the user, who is still there then.
pub(crate) fn go_into_background(
    supervisor: &Supervisor,
    settled: &mut Settled,
    notes: &mut Notes,
) -> Result<OwnedFd, Refusal> {
    let waiting = boot::daemonize()
        .map_err(|e| Refusal::own(format!("cannot go into the background: {}", errno::words(e as i32))))?;
    notes.push((LogLevel::Info, "daemonizing the supervisord process".into()));
    // A subreaper's child is none.
    let _ = boot::become_subreaper(); // its refusal was told before
    boot::set_umask(supervisor.umask);
    if let Some(directory) = &supervisor.directory {
        let shown = repr(&directory.display().to_string());
        let work_dir = settled.start_dir.join(directory);
        match std::env::set_current_dir(&work_dir) {
            Ok(()) => {
                settled.work_dir = work_dir;
                settled.place = WorkPlace::here();
                notes.push((LogLevel::Info, format!("set current directory: {shown}")));
            }
            Err(e) => {
                let e = errno::of(&e);
                let words = errno::words(e);
                let text = format!("can't chdir into {shown}: [Errno {e}] {words}: {shown}");
                notes.push((LogLevel::Critical, text));
            }
        }
    }
    Ok(waiting)
}

/// Writes our pid where it is asked for. Returns the file, to be removed at the end.
pub(crate) fn write_pidfile(supervisor: &Supervisor, start_dir: &Path, notes: &mut Notes) -> Option<PathBuf> {
    let path = start_dir.join(supervisor.pidfile.as_ref()?);
    match fd::write_file(&path, &own_line()) {
        Ok(()) => Some(path),
        Err(e) => {
            let words = errno::words(e as i32);
            notes.push((LogLevel::Critical, format!("could not write pidfile {}: {words}", path.display())));
            None
        }
    }
}

/// Removes our pidfile, unless somebody else has written his number there meanwhile.
pub(crate) fn remove_pidfile(path: &Path) {
    let is_ours = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() < 64)
        && std::fs::read(path).is_ok_and(|bytes| bytes == own_line().as_bytes());
    if is_ours {
        let _ = std::fs::remove_file(path); // somebody may have been faster
    }
}

fn own_line() -> String {
    format!("{}\n", boot::own_pid())
}
