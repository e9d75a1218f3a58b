//! The faces: picks the applet by the name we were called by or by the first word, and gives it its inputs.
//!
//! Reads the environment and the arguments, once; nobody else does. Invariant: an applet returns an exit code and
//! only `main` ends the process. Not here: what an applet does (one file each).

mod args;
pub mod check;
pub mod ctl;
pub mod doctor;
pub mod gateway;
pub mod getopt;
pub mod health;
mod init;
mod listener;
mod pidproxy;
pub mod probe;
mod run;
pub mod sample;
mod supervisord;
pub mod world;

use crate::config::NOT_TEXT;
use crate::sys::boot;
use crate::sys::signals::SignalState;
use args::{Applet, Cli};
use clap::Parser;
use std::ffi::OsString;

/// What the process was started with.
pub(crate) struct Started {
    /// The word that picks the face.
    pub(crate) argv0: String,
    /// The path we were executed by, which a shell has found on the PATH; else `argv0`.
    pub(crate) exec_name: String,
    /// As the kernel gave them; only what is read by us has to be text.
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) signal_state: SignalState,
}

/// The whole program. Returns the exit code.
#[must_use]
pub fn main() -> i32 {
    // First of all: as PID 1 a signal without a handler is thrown away by the kernel, a blocked one waits.
    let signal_state = SignalState::capture_and_block();
    let mut words = std::env::args_os();
    let argv0 = words.next().map_or_else(|| "mainstay".into(), |w| w.to_string_lossy().into_owned());
    let env = std::env::vars_os().collect();
    let exec_name = boot::exec_name().map_or_else(|| argv0.clone(), |n| n.to_string_lossy().into_owned());
    let started = Started { argv0, exec_name, args: words.collect(), env, signal_state };
    i32::from(dispatch(started))
}

impl Started {
    /// The environment as text, for those who read it; `NOT_TEXT` where a value is none.
    pub(crate) fn env_text(&self) -> Vec<(String, String)> {
        let value = |v: &OsString| v.to_str().unwrap_or(NOT_TEXT).to_owned();
        self.env.iter().map(|(k, v)| (k.to_string_lossy().into_owned(), value(v))).collect()
    }
}

fn dispatch(started: Started) -> u8 {
    let face = started.argv0.rsplit('/').next().unwrap_or_default().to_string();
    let first = started.args.first().and_then(|w| w.to_str());
    match (face.as_str(), first) {
        ("supervisord", _) => supervisord::run(started),
        ("pidproxy", _) => pidproxy::run_face(started),
        // COMPAT: arguments are ignored.
        ("echo_supervisord_conf", _) => print(sample::Sample::Supervisord.text()),
        ("supervisorctl", _) => ctl::run_face(&started),
        ("tini" | "tini-static" | "docker-init", _) => init::run_tini(started),
        ("dumb-init", _) => init::run_dumb_init(started),
        // The shortest way into one-program init: no table of options is built for it.
        (_, Some("--")) => init::run_plain(started),
        (_, Some("listener")) => {
            started.signal_state.unblock(&[]);
            listener::run(started.args.get(1).and_then(|w| w.to_str()))
        }
        (_, Some("probe")) => {
            started.signal_state.unblock(&[]);
            probe::run_plain(&started.args).unwrap_or_else(|| parse(started, &["mainstay"]))
        }
        (_, None) => parse(started, &["mainstay", "run"]),
        (_, Some("-h" | "--help" | "-V" | "--version")) => parse(started, &["mainstay"]),
        (_, Some(word)) if word.starts_with('-') => parse(started, &["mainstay", "run"]),
        _ => parse(started, &["mainstay"]),
    }
}

fn parse(started: Started, prefix: &[&str]) -> u8 {
    let words = prefix.iter().map(OsString::from).chain(started.args.iter().cloned());
    match Cli::try_parse_from(words) {
        Ok(cli) => run_applet(cli.applet, started),
        Err(e) => {
            // Help and version go to stdout with code 0, mistakes to stderr with code 2.
            let _ = e.print(); // nothing can be done where even that fails
            u8::try_from(e.exit_code()).unwrap_or(2)
        }
    }
}

fn run_applet(applet: Applet, started: Started) -> u8 {
    // Those that may be PID 1 or hand signals on keep them waiting; the others want Ctrl-C to work.
    if !matches!(applet, Applet::Run(_) | Applet::Init(_) | Applet::Pidproxy(_)) {
        started.signal_state.unblock(&[]);
    }
    match applet {
        Applet::Run(args) => run::run(args, started),
        Applet::Init(args) => init::run(args, started),
        Applet::Ctl(args) => ctl::run(&args, &started.env_text()),
        Applet::Check(args) => check::run(&args, started.env_text()),
        Applet::Health(args) => health::run(&args, &started.env_text()),
        Applet::Probe(args) => probe::run(&args),
        Applet::Doctor(args) => doctor::run(&args, &started.env, started.env_text()),
        Applet::Sample(args) => sample::run(&args, &mut std::io::stdout()).map_or(1, |()| 0),
        Applet::Pidproxy(args) => pidproxy::run(args, started),
        Applet::Gateway => gateway::run(),
    }
}

/// Prints a whole text. A reader that has gone away is no trouble of ours.
pub(crate) fn print(text: &str) -> u8 {
    use std::io::Write as _;
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    0
}
