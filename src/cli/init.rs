//! `mainstay init` and `mainstay -- CMD`: one program under a better tini.
//!
//! Not here: what init does (`daemon::solo`).

use crate::cli::Started;
use crate::daemon::solo::{self, Options};
use crate::sys::signals::realtime;
use crate::types::Signal;
use clap::{ArgAction, Args};
use std::ffi::OsString;

/// tini's options.
#[derive(Args, Debug)]
#[command(after_help = "\
Environment: TINI_SUBREAPER (accepted; mainstay always is one), TINI_KILL_PROCESS_GROUP (as -g),
TINI_VERBOSITY=0..3 (as -v).")]
pub(crate) struct InitArgs {
    /// Be a subreaper; mainstay always is when it is not PID 1
    #[arg(short = 's')]
    subreaper: bool,
    /// Send signals to the program's whole process group
    #[arg(short = 'g')]
    group: bool,
    /// Say each orphan that is reaped
    #[arg(short = 'w')]
    warn_on_reap: bool,
    /// Get this signal when our parent ends: a name or a number
    #[arg(short = 'p', value_name = "SIGNAL")]
    parent_death: Option<String>,
    /// Count this exit code as success; may be repeated
    #[arg(short = 'e', value_name = "CODE")]
    success_codes: Vec<u8>,
    /// Say more; may be repeated
    #[arg(short = 'v', action = ArgAction::Count)]
    verbose: u8,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// `mainstay -- CMD ARGS…`.
pub(crate) fn run_plain(started: Started) -> u8 {
    let argv = started.args.into_iter().skip(1).collect();
    solo::run(Options {
        argv,
        env: started.env,
        signal_state: started.signal_state,
        group: false,
        success_codes: Vec::new(),
        parent_death: None,
        warn_on_reap: false,
        verbosity: 1,
    })
}

/// `mainstay init …`.
pub(crate) fn run(args: InitArgs, started: Started) -> u8 {
    let variable = |name: &str| started.env.iter().find(|(k, _)| k == name).and_then(|(_, v)| v.to_str());
    let parent_death = match args.parent_death.as_deref().map(read_signal).transpose() {
        Ok(signal) => signal,
        Err(text) => {
            eprintln!("error: {text}");
            return 2;
        }
    };
    let verbosity = variable("TINI_VERBOSITY").and_then(|v| v.parse().ok()).unwrap_or(1u8);
    let group = args.group || variable("TINI_KILL_PROCESS_GROUP").is_some();
    solo::run(Options {
        argv: args.command,
        group,
        success_codes: args.success_codes,
        parent_death,
        warn_on_reap: args.warn_on_reap,
        verbosity: verbosity.saturating_add(args.verbose),
        env: started.env,
        signal_state: started.signal_state,
    })
}

fn read_signal(text: &str) -> Result<Signal, String> {
    let by_number = || text.parse().ok().filter(|n| (1..=*realtime().end()).contains(n)).map(Signal);
    Signal::from_name(text)
        .or_else(by_number)
        .ok_or_else(|| format!("cannot read `{text}` as a signal: give a name like TERM or a number like 15"))
}
