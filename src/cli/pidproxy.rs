//! `pidproxy` and `mainstay pidproxy`: PIDFILE COMMAND [ARG…].
//!
//! Not here: what it does with them (`daemon::pidproxy`).

use crate::cli::world::RealWorld;
use crate::cli::{Started, print};
use crate::config::paths::absolute;
use crate::daemon::pidproxy;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// The words, which no option of ours may eat.
#[derive(Args, Debug)]
pub(crate) struct PidproxyArgs {
    /// The pidfile that the command's daemon writes; the command, by its path, and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "PIDFILE COMMAND ARG")]
    words: Vec<OsString>,
}

/// `mainstay pidproxy WORDS`.
pub(crate) fn run(args: PidproxyArgs, started: Started) -> u8 {
    proxy(args.words, started, "mainstay pidproxy")
}

/// Called as `pidproxy`.
pub(crate) fn run_face(mut started: Started) -> u8 {
    let name = started.exec_name.clone();
    proxy(std::mem::take(&mut started.args), started, &name)
}

fn proxy(words: Vec<OsString>, started: Started, name: &str) -> u8 {
    let mut words = words.into_iter();
    let (Some(pidfile), argv) = (words.next(), words.collect::<Vec<_>>()) else { return usage(name) };
    let Some(command) = argv.first() else { return usage(name) };
    // COMPAT: counted from the working directory; the PATH is not searched.
    let path = absolute(&command.to_string_lossy(), &RealWorld::new(&[])).into();
    let pidfile = PathBuf::from(pidfile);
    let Started { env, signal_state, .. } = started;
    pidproxy::run(pidproxy::Options { pidfile, path, argv, env, signal_state })
}

/// COMPAT: on stdout, and exit code 1.
fn usage(name: &str) -> u8 {
    print(&format!(
        "Usage: {name} PIDFILE COMMAND [ARG...]\n\n\
         Runs COMMAND (a path; the PATH is not searched) until it ends, and sends every TERM, INT, QUIT, HUP, USR1 and\n\
         USR2 that it gets to the process whose number stands in PIDFILE. After TERM, INT and QUIT it ends itself.\n\n\
         Exit codes: 0 COMMAND has ended, or a signal ended us; 1 bad usage, or PIDFILE names nobody; 127 COMMAND was\n\
         not found, 126 it cannot be executed.\n"
    ));
    1
}
