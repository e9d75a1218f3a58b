//! `pidproxy`: runs a command, and hands signals to the process whose number stands in a pidfile.
//!
//! For daemons that a script starts and that write their own pidfile. Every signal is blocked and taken by sigwaitinfo,
//! so that none is lost. COMPAT: TERM, INT and QUIT end us with 0 once they are handed on, and the command's end does
//! too, whatever its code. Unlike Supervisor's we reap at once and not within five seconds.
//! Not here: the command line (`cli::pidproxy`), an init's forwarding (`solo`).

use crate::config::python::{int, strip};
use crate::sys::carray::{CArray, c_bytes, c_entry};
use crate::sys::child::{ExecPlan, Spawner};
use crate::sys::files::open_regular;
use crate::sys::signals::{self, SignalState, To};
use crate::sys::wait::{self, Waited};
use crate::sys::{errno, fd};
use crate::types::{Pid, Signal};
use nix::errno::Errno;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What is handed on. Everything else has no effect on us.
const PASSED_ON: [Signal; 6] =
    [Signal::TERM, Signal::HUP, Signal::INT, Signal::USR1, Signal::USR2, Signal::QUIT];

/// BOUND: nothing larger is a number.
const MAX_PIDFILE_BYTES: u64 = 4096;

/// What to run.
pub struct Options {
    pub pidfile: PathBuf,
    /// What is executed; no PATH is searched.
    pub path: PathBuf,
    /// As the command will see it, its own name first.
    pub argv: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub signal_state: SignalState,
}

/// Runs until the command has ended, or a signal has ended us. Returns the exit code: 0; 1 where there is nobody to
/// hand a signal to; 127 or 126 where the command cannot be found or executed.
#[must_use]
pub fn run(options: Options) -> u8 {
    fd::ensure_standard();
    // Where we inherited it as ignored, the kernel would reap for us and never tell.
    signals::set_ignored(Signal::CHLD.0, false);
    match start(&options) {
        Ok(child) => turn(&options.pidfile, child),
        Err(e) => {
            let words = errno::words(e as i32);
            say(2, &format!("mainstay: cannot execute `{}`: {words}\n", options.path.display()));
            if matches!(e, Errno::ENOENT | Errno::ENOTDIR) { 127 } else { 126 }
        }
    }
}

fn start(options: &Options) -> Result<Pid, Errno> {
    let argv = CArray::new(options.argv.iter().map(|a| c_bytes(a)).collect());
    let envp = CArray::new(options.env.iter().map(|(k, v)| c_entry(k, v)).collect());
    // COMPAT: it stays in our group, so that a stop of the group reaches it.
    let plan = ExecPlan { own_group: false, ..ExecPlan::new(c_bytes(options.path.as_os_str()), argv, envp) };
    let launched = Spawner::passing_everything_on(options.signal_state).spawn(&plan)?;
    launched.failed.map_or(Ok(launched.pid), |(_, e)| Err(Errno::from_raw(e)))
}

fn turn(pidfile: &Path, child: Pid) -> u8 {
    loop {
        let signal = Signal(signals::wait_for_any());
        if signal == Signal::CHLD && has_ended(child) {
            return 0;
        }
        if PASSED_ON.contains(&signal)
            && let Some(code) = hand_on(pidfile, signal)
        {
            return code;
        }
    }
}

fn has_ended(child: Pid) -> bool {
    loop {
        match wait::next(false) {
            Waited::Dead(pid, _) if pid == child => return true,
            Waited::Dead(..) | Waited::Stopped(..) => {}
            Waited::NoChildren => return true,
            Waited::Nothing => return false,
        }
    }
}

/// Sends it to whom the pidfile names. Some exit code when that ends us.
fn hand_on(pidfile: &Path, signal: Signal) -> Option<u8> {
    let Some(pid) = read_pid(pidfile) else {
        // COMPAT: these words, and on stdout.
        say(1, &format!("Can't read child pidfile {}!\n", pidfile.display()));
        return None;
    };
    if let Err(e) = signals::send(To::Process(pid), signal) {
        let (words, file) = (errno::words(e as i32), pidfile.display());
        say(2, &format!("mainstay: cannot send {signal} to {pid}, which {file} names: {words}\n"));
        return Some(1);
    }
    matches!(signal, Signal::TERM | Signal::INT | Signal::QUIT).then_some(0)
}

/// A number that can be a process: a group or everybody is never meant.
fn read_pid(pidfile: &Path) -> Option<Pid> {
    let mut text = String::new();
    open_regular(pidfile).ok()?.take(MAX_PIDFILE_BYTES).read_to_string(&mut text).ok()?;
    let number = int(strip(&text)).ok()?;
    i32::try_from(number).ok().filter(|pid| *pid > 0).map(Pid)
}

/// Nobody may be reading; that is no trouble of ours.
fn say(stream: i32, text: &str) {
    use std::os::fd::AsFd as _;
    let _ = match stream {
        1 => fd::write_some(std::io::stdout().as_fd(), text.as_bytes()),
        _ => fd::write_some(std::io::stderr().as_fd(), text.as_bytes()),
    };
}
