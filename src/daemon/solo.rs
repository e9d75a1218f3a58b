//! One program and nothing else: the better tini, and the better dumb-init. No configuration, no engine, no epoll.
//!
//! Every signal is blocked and taken by sigwaitinfo, so none is lost however early it comes, and real-time signals keep
//! their number. Invariants: the program gets the signal state, descriptors and environment that we got; strangers'
//! exits change nothing; a signal that cannot be delivered ends nobody; idle costs no wake-up; nobody is signalled whose
//! number could be another's by now. `launch` starts the program, `rewrite` says which signal is sent on, `parting` sees
//! to those who are left. Not here: several programs (`life`), the command lines (`cli::init`).

mod launch;
mod parting;
pub mod rewrite;

use crate::sys::job::{self, Controlling};
use crate::sys::signals::{self, SignalState, To};
use crate::sys::wait::{self, Waited};
use crate::sys::{boot, errno, fd};
use crate::types::{ExitStatus, Pid, Signal};
use nix::errno::Errno;
use rewrite::Rewrites;
use std::ffi::OsString;

/// The program is not there.
pub const NOT_FOUND: u8 = 127;
/// The program is there and cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;

const TSTP: Signal = Signal(20);
const TTIN: Signal = Signal(21);
const TTOU: Signal = Signal(22);

/// Where the program lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In a process group of its own, which is the terminal's foreground where ours was.
    Group,
    /// In a session of its own, to which the terminal is handed (dumb-init's way).
    Session,
    /// In our own group (dumb-init's `--single-child`).
    Same,
}

/// What to run and how.
pub struct Options {
    /// Passed on byte for byte, like the environment.
    pub argv: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub signal_state: SignalState,
    pub place: Place,
    /// Signals go to the program's whole process group (tini's `-g`).
    pub group: bool,
    pub rewrites: Rewrites,
    /// TSTP, TTIN and TTOU stop us as soon as they are sent on, and not when the program has stopped.
    pub stops_at_once: bool,
    /// The group gets TERM when the program has ended.
    pub parting_term: bool,
    /// Everybody who is left when the program has ended gets TERM, so many milliseconds, and KILL.
    pub wait_descendants: Option<u64>,
    /// Exit codes that count as success (tini's `-e`).
    pub success_codes: Vec<u8>,
    /// Get this signal when our parent ends (tini's `-p`).
    pub parent_death: Option<Signal>,
    /// Say each orphan that is reaped (tini's `-w`).
    pub warn_on_reap: bool,
    /// 0: errors, 1: warnings, 2: what happens, 3: every signal.
    pub verbosity: u8,
}

impl Options {
    /// What `mainstay -- CMD` means.
    #[must_use]
    pub fn new(argv: Vec<OsString>, env: Vec<(OsString, OsString)>, signal_state: SignalState) -> Options {
        Options {
            argv,
            env,
            signal_state,
            place: Place::Group,
            group: false,
            rewrites: Rewrites::default(),
            stops_at_once: false,
            parting_term: false,
            wait_descendants: None,
            success_codes: Vec::new(),
            parent_death: None,
            warn_on_reap: false,
            verbosity: 1,
        }
    }

    /// dumb-init's manners: a session that gets every signal as a whole, and is told to end when its first process has.
    /// There the signals of job control would stop nobody, so STOP is sent on in their place where nothing else was said.
    pub fn use_session(&mut self) {
        self.place = Place::Session;
        self.group = true;
        self.parting_term = true;
        self.stops_at_once = true;
        for signal in [TSTP, TTIN, TTOU] {
            self.rewrites.set_default(signal, Signal::STOP);
        }
    }
}

/// What the start has shown.
struct Descent {
    /// There is a terminal, and the program was put where it can have its foreground.
    has_terminal: bool,
}

struct Solo {
    options: Options,
    child: Pid,
    descent: Descent,
    /// A signal that stops was sent on, and no CONT since.
    asked_to_stop: bool,
    /// We stood still with the program.
    was_suspended: bool,
}

/// Runs the program to its end. Returns the exit code: its own, 128 + N after signal N, 127 or 126.
#[must_use]
pub fn run(options: Options) -> u8 {
    fd::ensure_standard();
    // Where we inherited it as ignored, the kernel would reap for us and never tell.
    signals::set_ignored(Signal::CHLD.0, false);
    if let Some(signal) = options.parent_death
        && let Err(e) = boot::follow_parent(signal)
    {
        say(&format!("cannot ask for {signal} at the parent's death: {}", errno::words(e as i32)));
        return 1;
    }
    if !boot::is_pid1()
        && let Err(e) = boot::become_subreaper()
        && options.verbosity >= 1
    {
        let words = errno::words(e as i32);
        say(&format!("cannot become a subreaper, orphans will not be reaped: {words}; run it as PID 1"));
    }
    let (launched, descent) = match launch::launch(&options) {
        Ok(done) => done,
        Err(code) => return code,
    };
    if options.verbosity >= 2 {
        say(&format!("started the program as {}", launched.pid));
    }
    // What we inherited above stderr is the program's, not ours: no file, socket or directory stays pinned by us.
    fd::close_from(3);
    let _ = std::env::set_current_dir("/"); // there may be no way; then a directory stays pinned
    crate::sys::slim::forget_the_past();
    Solo { options, child: launched.pid, descent, asked_to_stop: false, was_suspended: false }
        .turn_until_the_end()
}

impl Solo {
    fn turn_until_the_end(&mut self) -> u8 {
        loop {
            let signal = Signal(signals::wait_for_any());
            self.tell(3, &format!("received {signal}"));
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
    fn reap(&mut self) -> Option<ExitStatus> {
        // RACE: before its status is taken, since the group's number could be another's afterwards.
        if self.options.parting_term && wait::is_dead(self.child) {
            self.send(To::Group(self.child), Signal::TERM);
        }
        let mut ended = None;
        loop {
            match wait::next(true) {
                Waited::Dead(pid, status) if pid == self.child => ended = Some(status),
                Waited::Dead(pid, status) => {
                    if self.options.warn_on_reap {
                        say(&format!("reaped orphan {pid} ({status})"));
                    }
                }
                Waited::Stopped(pid, signal) if pid == self.child => self.stopped_by(signal),
                Waited::Stopped(..) => {}
                Waited::Nothing | Waited::NoChildren => return ended,
            }
        }
    }

    fn forward(&mut self, signal: Signal) {
        match self.options.rewrites.of(signal) {
            None => self.tell(3, &format!("{signal} is not sent on")),
            Some(sent) => {
                if sent == Signal::CONT {
                    self.wake();
                }
                let everybody = self.options.group || (sent == Signal::CONT && self.was_suspended);
                let to = if everybody { To::Group(self.child) } else { To::Process(self.child) };
                self.send(to, sent);
                match sent {
                    Signal::CONT => (self.asked_to_stop, self.was_suspended) = (false, false),
                    Signal::STOP | TSTP | TTIN | TTOU => self.asked_to_stop = true,
                    _ => {}
                }
            }
        }
        if self.options.stops_at_once && matches!(signal, TSTP | TTIN | TTOU) {
            job::stop_ourselves();
        }
    }

    fn send(&self, to: To, signal: Signal) {
        self.tell(3, &format!("sending {signal} to {}", self.child));
        match signals::send(to, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            // A program that has become another user: its end is still ours to wait for.
            Err(e) => say(&format!("cannot send {signal} to {}: {}", self.child, errno::words(e as i32))),
        }
    }

    /// A stopped program stops us too, so that the shell above, which only sees us, has its prompt again. As PID 1 nobody
    /// is above: there Ctrl-Z would be the end of the session, so it has no effect, as on a PID 1 that is a shell.
    fn stopped_by(&mut self, signal: Signal) {
        if self.options.stops_at_once {
            return;
        }
        if boot::is_pid1() {
            if signal == TSTP && !self.asked_to_stop && self.descent.has_terminal {
                self.send(To::Group(self.child), Signal::CONT);
            }
            return;
        }
        let terminal = Controlling::find().filter(|_| self.descent.has_terminal);
        let front = terminal.as_ref().filter(|t| t.is_foreground(self.child.0));
        let from_terminal = front.is_some() || (terminal.is_some() && matches!(signal, TTIN | TTOU));
        if !self.asked_to_stop && !from_terminal {
            return;
        }
        self.tell(2, "the program has stopped, and so do we");
        if let Some(terminal) = front {
            let _ = terminal.give_to(job::own_group()); // the terminal may be gone
        }
        if from_terminal {
            job::stop_our_group();
        }
        self.was_suspended = true;
        drop(terminal);
        job::stop_ourselves();
    }

    /// Before CONT is sent on: the foreground that a shell has given us is the program's.
    fn wake(&self) {
        if !self.descent.has_terminal {
            return;
        }
        if let Some(terminal) = Controlling::find().filter(|t| t.is_foreground(job::own_group())) {
            let _ = terminal.give_to(self.child.0); // it may have ended meanwhile
        }
    }

    fn exit_code(&self, status: ExitStatus) -> u8 {
        self.tell(2, &format!("program {} ended ({status})", self.child));
        if let Some(ms) = self.options.wait_descendants {
            parting::wait_for_descendants(ms, self.options.verbosity);
        }
        let code = status.shell_code();
        if self.options.success_codes.contains(&code) { 0 } else { code }
    }

    fn tell(&self, level: u8, text: &str) {
        if self.options.verbosity >= level {
            say(text);
        }
    }
}

fn say(text: &str) {
    fd::last_words(&format!("mainstay: {text}\n"));
}
