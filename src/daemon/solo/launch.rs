//! Finds the program and starts it, where a shell would find it.
//!
//! Invariants: a fork that is refused is tried again and ends nobody meanwhile; a child that could not exec is reaped
//! before its error is told. Not here: what comes after (`solo`).

use super::{Descent, NOT_EXECUTABLE, NOT_FOUND, Options, Place, say};
use crate::sys::carray::{CArray, c_bytes, c_entry};
use crate::sys::child::{ExecPlan, Launched, Spawner};
use crate::sys::job::{self, Controlling, Terminal};
use crate::sys::signals;
use crate::sys::wait::{self, Waited};
use crate::sys::{boot, errno};
use crate::types::{Pid, Signal};
use nix::errno::Errno;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where commands are looked for when there is no PATH, as shells do it.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// BOUND: how often a fork that the kernel refuses is tried, and how long in between: ten seconds, an eye-blink at first.
const FORK_TRIES: u32 = 100;
const FORK_PAUSE_MS: u64 = 100;

/// Starts it; else the exit code that says why not.
pub(super) fn launch(options: &Options) -> Result<(Launched, Descent), u8> {
    let Some(command) = options.argv.first() else {
        say("cannot run nothing: give a command after `--`");
        return Err(2);
    };
    // Held until the child has it.
    let controlling = Controlling::find();
    // From the background it is not ours to give.
    let ours = controlling.as_ref().filter(|c| c.is_foreground(job::own_group()));
    let terminal = match options.place {
        Place::Group => ours.map_or(Terminal::Leave, |c| Terminal::Foreground(c.fd())),
        Place::Session => {
            hand_off(options);
            Terminal::Session
        }
        Place::Same => Terminal::Leave,
    };
    let path = options.env.iter().find(|(k, _)| k == "PATH").map_or(OsStr::new(DEFAULT_PATH), |(_, v)| v);
    let mut spawner = Spawner::passing_everything_on(options.signal_state);
    let descent = Descent { has_terminal: controlling.is_some() && options.place == Place::Group };
    let mut refused = None;
    for candidate in candidates(command, path) {
        match try_one(&mut spawner, options, terminal, &candidate) {
            Ok(launched) => return Ok((launched, descent)),
            Err(Refused::Told(code)) => return Err(code),
            Err(Refused::Errno(e @ (Errno::ENOENT | Errno::ENOTDIR))) => refused = refused.or(Some(e)),
            Err(Refused::Errno(e @ Errno::EACCES)) => refused = Some(e),
            Err(Refused::Errno(e)) => {
                say(&format!("cannot execute `{}`: {}", candidate.display(), errno::words(e as i32)));
                return Err(NOT_EXECUTABLE);
            }
        }
    }
    let e = refused.unwrap_or(Errno::ENOENT);
    say(&format!("cannot execute `{}`: {}", command.display(), errno::words(e as i32)));
    Err(if e == Errno::EACCES { NOT_EXECUTABLE } else { NOT_FOUND })
}

/// Lets go of the terminal for the program's session. A session leader that does so gets HUP and CONT from the kernel, at
/// once: they are not news for the program.
fn hand_off(options: &Options) {
    let let_go = job::let_go();
    if let_go == Some(true) {
        signals::swallow(Signal::HUP);
        signals::swallow(Signal::CONT);
    }
    if options.verbosity >= 3 {
        say(match let_go {
            Some(true) => "let go of the terminal; the HUP and CONT of that are not sent on",
            Some(false) => "let go of the terminal, without being the session's leader",
            None => "there is no terminal to let go of",
        });
    }
}

enum Refused {
    /// Said already; the exit code.
    Told(u8),
    Errno(Errno),
}

fn candidates(command: &OsStr, path: &OsStr) -> Vec<PathBuf> {
    if command.as_bytes().contains(&b'/') {
        return vec![PathBuf::from(command)];
    }
    let dirs = path.as_bytes().split(|b| *b == b':').map(|d| if d.is_empty() { &b"."[..] } else { d });
    dirs.map(|d| Path::new(OsStr::from_bytes(d)).join(command)).collect()
}

/// One attempt. A file that the kernel does not know how to start is a shell script, as for every shell.
fn try_one(
    spawner: &mut Spawner,
    options: &Options,
    terminal: Terminal,
    path: &Path,
) -> Result<Launched, Refused> {
    let launched = spawn(spawner, options, terminal, path, &options.argv);
    if !matches!(launched, Err(Refused::Errno(Errno::ENOEXEC))) {
        return launched;
    }
    let rest = options.argv.iter().skip(1).cloned();
    let argv: Vec<OsString> = ["sh".into(), path.as_os_str().to_owned()].into_iter().chain(rest).collect();
    spawn(spawner, options, terminal, Path::new("/bin/sh"), &argv)
}

fn spawn(
    spawner: &mut Spawner,
    options: &Options,
    terminal: Terminal,
    path: &Path,
    argv: &[OsString],
) -> Result<Launched, Refused> {
    let mut envp: Vec<_> = options.env.iter().map(|(k, v)| c_entry(k, v)).collect();
    // Socket activation names the process that the sockets are for, and that is not us any more.
    let own_pid = boot::own_pid().to_string();
    let listens = options.env.iter().any(|(k, v)| k == "LISTEN_PID" && v == own_pid.as_str());
    if listens {
        envp.retain(|e| !e.as_bytes().starts_with(b"LISTEN_PID="));
    }
    let mut envp = CArray::new(envp);
    let pid_slot = listens.then(|| envp.push_number("LISTEN_PID"));
    let argv = CArray::new(argv.iter().map(|a| c_bytes(a)).collect());
    // Every other signal as it was: ignored, if it was.
    let plan = ExecPlan {
        own_group: options.place == Place::Group,
        terminal,
        pid_slot,
        ..ExecPlan::new(c_bytes(path.as_os_str()), argv, envp)
    };
    let launched = fork(spawner, &plan)?;
    match launched.failed {
        None => Ok(launched),
        Some((_, e)) => {
            reap_failed(launched.pid);
            Err(Refused::Errno(Errno::from_raw(e)))
        }
    }
}

/// A full process table is a passing thing: tries again for a while. Whoever wants us to end meanwhile is heard.
fn fork(spawner: &mut Spawner, plan: &ExecPlan) -> Result<Launched, Refused> {
    let mut tries = 0;
    loop {
        let e = match spawner.spawn(plan) {
            Ok(launched) => return Ok(launched),
            Err(e) => e,
        };
        // For a fork EAGAIN has a meaning that its usual words hide.
        let words =
            if e == Errno::EAGAIN { "the limit of processes is reached" } else { errno::words(e as i32) };
        if tries == 0 {
            say(&format!("cannot fork, trying again for a while: {words}"));
        }
        tries += 1;
        if tries >= FORK_TRIES || !matches!(e, Errno::EAGAIN | Errno::ENOMEM) {
            say(&format!("cannot fork: {words}"));
            return Err(Refused::Told(NOT_EXECUTABLE));
        }
        // TERM and the like end us, who have no program yet. Strangers that end meanwhile make room.
        match signals::wait_for_any_within(FORK_PAUSE_MS) {
            Some(n @ (1..=3 | 15)) => return Err(Refused::Told(128 + u8::try_from(n).unwrap_or(0))),
            Some(_) => while let Waited::Dead(..) = wait::next(false) {},
            None => {}
        }
    }
}

/// The child that could not exec is about to be, or already is, a zombie: its SIGCHLD says when.
fn reap_failed(pid: Pid) {
    loop {
        match wait::next(false) {
            Waited::Dead(dead, _) if dead == pid => return,
            Waited::Dead(..) | Waited::Stopped(..) => {}
            Waited::NoChildren => return,
            Waited::Nothing => signals::wait_for(Signal::CHLD),
        }
    }
}
