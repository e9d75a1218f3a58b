//! One program and nothing else: the better tini. No configuration, no engine, no epoll.
//!
//! Every signal is blocked and taken by sigwaitinfo, so none is lost however early it comes, and real-time signals keep
//! their number. Invariants: the program gets the signal state, descriptors and environment that we got; strangers'
//! exits change nothing; a signal that cannot be delivered ends nobody. Not here: several programs (`life`).

use crate::sys::carray::{CArray, c_bytes, c_entry};
use crate::sys::child::{ExecPlan, Launched, Spawner};
use crate::sys::signals::{self, SignalState, To};
use crate::sys::wait::{self, Waited};
use crate::sys::{boot, errno, fd};
use crate::types::{ExitStatus, Pid, Signal};
use nix::errno::Errno;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The program is not there.
pub const NOT_FOUND: u8 = 127;
/// The program is there and cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;

/// Where commands are looked for when there is no PATH, as shells do it.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to run and how.
pub struct Options {
    /// Passed on byte for byte, like the environment.
    pub argv: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub signal_state: SignalState,
    /// Signals go to the program's whole process group (tini's `-g`).
    pub group: bool,
    /// Exit codes that count as success (tini's `-e`).
    pub success_codes: Vec<u8>,
    /// Get this signal when our parent ends (tini's `-p`).
    pub parent_death: Option<Signal>,
    /// Say each orphan that is reaped (tini's `-w`).
    pub warn_on_reap: bool,
    /// 0: errors, 1: warnings, 2: what happens, 3: every signal.
    pub verbosity: u8,
}

struct Solo {
    options: Options,
    child: Pid,
}

/// Runs the program to its end. Returns the exit code: its own, 128 + N after signal N, 127 or 126.
#[must_use]
pub fn run(options: Options) -> u8 {
    fd::ensure_standard();
    // Where we inherited it as ignored, the kernel would reap for us and never tell.
    signals::set_ignored(Signal::CHLD.0, false);
    if let Some(signal) = options.parent_death
        && let Err(e) = boot::set_parent_death_signal(signal.0)
    {
        say(&format!("cannot ask for {signal} at the parent's death: {}", e.desc()));
        return 1;
    }
    if !boot::is_pid1()
        && let Err(e) = boot::become_subreaper()
    {
        say(&format!("cannot become a subreaper, orphans will not be reaped: {}", e.desc()));
    }
    let launched = match launch(&options) {
        Ok(launched) => launched,
        Err(code) => return code,
    };
    // What we inherited above stderr is the program's, not ours: no file, socket or directory stays pinned by us.
    fd::close_from(3);
    let _ = std::env::set_current_dir("/"); // there may be no way; then a directory stays pinned
    crate::sys::slim::forget_the_past();
    Solo { options, child: launched.pid }.turn_until_the_end()
}

fn launch(options: &Options) -> Result<Launched, u8> {
    let Some(command) = options.argv.first() else {
        say("cannot run nothing: give a command after `--`");
        return Err(2);
    };
    let path = options.env.iter().find(|(k, _)| k == "PATH").map_or(OsStr::new(DEFAULT_PATH), |(_, v)| v);
    let mut spawner = Spawner::passing_everything_on(options.signal_state);
    let mut refused = None;
    for candidate in candidates(command, path) {
        match try_one(&mut spawner, options, &candidate) {
            Ok(launched) => return Ok(launched),
            Err(e @ (Errno::ENOENT | Errno::ENOTDIR)) => refused = refused.or(Some(e)),
            Err(e @ Errno::EACCES) => refused = Some(e),
            Err(e) => {
                say(&format!("cannot execute `{}`: {}", candidate.display(), e.desc()));
                return Err(NOT_EXECUTABLE);
            }
        }
    }
    let e = refused.unwrap_or(Errno::ENOENT);
    say(&format!("cannot execute `{}`: {}", command.display(), e.desc()));
    Err(if e == Errno::EACCES { NOT_EXECUTABLE } else { NOT_FOUND })
}

fn candidates(command: &OsStr, path: &OsStr) -> Vec<PathBuf> {
    if command.as_bytes().contains(&b'/') {
        return vec![PathBuf::from(command)];
    }
    let dirs = path.as_bytes().split(|b| *b == b':').map(|d| if d.is_empty() { &b"."[..] } else { d });
    dirs.map(|d| Path::new(OsStr::from_bytes(d)).join(command)).collect()
}

/// One attempt. A file that the kernel does not know how to start is a shell script, as for every shell.
fn try_one(spawner: &mut Spawner, options: &Options, path: &Path) -> Result<Launched, Errno> {
    let launched = spawn(spawner, options, path, &options.argv);
    if launched != Err(Errno::ENOEXEC) {
        return launched;
    }
    let rest = options.argv.iter().skip(1).cloned();
    let argv: Vec<OsString> = ["sh".into(), path.as_os_str().to_owned()].into_iter().chain(rest).collect();
    spawn(spawner, options, Path::new("/bin/sh"), &argv)
}

/// Starts it; a child that could not exec is reaped before its error is returned.
fn spawn(
    spawner: &mut Spawner,
    options: &Options,
    path: &Path,
    argv: &[OsString],
) -> Result<Launched, Errno> {
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
    let plan =
        ExecPlan { foreground: true, pid_slot, ..ExecPlan::new(c_bytes(path.as_os_str()), argv, envp) };
    let launched = spawner.spawn(&plan)?;
    match launched.failed {
        None => Ok(launched),
        Some((_, e)) => {
            reap_failed(launched.pid);
            Err(Errno::from_raw(e))
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

impl Solo {
    fn turn_until_the_end(&self) -> u8 {
        loop {
            let signal = Signal(signals::wait_for_any());
            if signal == Signal::CHLD {
                if let Some(status) = self.reap() {
                    return self.exit_code(status);
                }
            } else {
                self.forward(signal);
            }
        }
    }

    /// Takes everybody who is dead; `Some` when the program is among them.
    fn reap(&self) -> Option<ExitStatus> {
        let mut ended = None;
        loop {
            match wait::next(false) {
                Waited::Dead(pid, status) if pid == self.child => ended = Some(status),
                Waited::Dead(pid, status) => {
                    if self.options.warn_on_reap {
                        say(&format!("reaped orphan {pid} ({status})"));
                    }
                }
                Waited::Stopped(..) => {}
                Waited::Nothing | Waited::NoChildren => return ended,
            }
        }
    }

    fn forward(&self, signal: Signal) {
        // The terminal's complaints about background reads and writes are about us.
        if matches!(signal, Signal(21 | 22)) {
            return;
        }
        if self.options.verbosity >= 3 {
            say(&format!("received {signal}, sending it to {}", self.child));
        }
        let to = if self.options.group { To::Group(self.child) } else { To::Process(self.child) };
        match signals::send(to, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            // A program that has become another user: its end is still ours to wait for.
            Err(e) => say(&format!("cannot send {signal} to {}: {}", self.child, errno::words(e as i32))),
        }
    }

    fn exit_code(&self, status: ExitStatus) -> u8 {
        if self.options.verbosity >= 2 {
            say(&format!("program {} ended ({status})", self.child));
        }
        let code = status.shell_code();
        if self.options.success_codes.contains(&code) { 0 } else { code }
    }
}

fn say(text: &str) {
    fd::last_words(&format!("mainstay: {text}\n"));
}
