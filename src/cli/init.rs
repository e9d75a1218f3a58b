//! `mainstay init`, `mainstay -- CMD`, and the faces `tini`, `docker-init`, `dumb-init`: one program under a better init.
//!
//! Not here: what init does (`daemon::solo`), how the two originals read their options (`peers`).

mod peers;

pub(crate) use peers::{run_dumb_init, run_tini};

use crate::cli::Started;
use crate::config::duration_ms;
use crate::daemon::solo::rewrite::{Rewrites, read_signal};
use crate::daemon::solo::{self, Options, Place};
use clap::{ArgAction, Args};
use std::ffi::OsString;

/// How long `--wait-descendants` waits where nothing is said: what `docker stop` gives a container.
const WAIT_SECONDS: &str = "10";

/// tini's options, dumb-init's, and ours.
#[derive(Args, Debug)]
#[command(after_help = "\
Signals are names (TERM, SIGTERM, RTMIN+3) or numbers.

Environment: TINI_SUBREAPER (accepted; mainstay always is one), TINI_KILL_PROCESS_GROUP (as -g),
TINI_VERBOSITY=0..3 (0 errors, 1 warnings, 2 what happens, 3 every signal); DUMB_INIT_SETSID=0 (not --session),
DUMB_INIT_DEBUG=1 (as -vv).

Exit code: the program's, 128+N after signal N, 127 not found, 126 not executable, 2 usage.")]
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
    /// Get this signal when our parent ends
    #[arg(short = 'p', value_name = "SIGNAL")]
    parent_death: Option<String>,
    /// Count this exit code as success; may be repeated
    #[arg(short = 'e', value_name = "CODE")]
    success_codes: Vec<u8>,
    /// Say more; may be repeated
    #[arg(short = 'v', long, action = ArgAction::Count)]
    verbose: u8,
    /// Show the licence
    #[arg(short = 'l')]
    licence: bool,
    /// Send signals to the program alone, as is usual here; dumb-init's word
    #[arg(short = 'c', long, conflicts_with_all = ["group", "session"])]
    single_child: bool,
    /// Send signal B where A comes; B = 0 sends nothing; may be repeated
    #[arg(short = 'r', long, value_name = "A:B")]
    rewrite: Vec<String>,
    /// dumb-init's way: the program in a session of its own, signals to all its group, which gets TERM at the program's end
    #[arg(long)]
    session: bool,
    /// When the program has ended: TERM for everybody it left behind, up to this time (10s), then KILL
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = WAIT_SECONDS)]
    wait_descendants: Option<String>,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, required_unless_present = "licence", value_name = "CMD")]
    command: Vec<OsString>,
}

/// `mainstay -- CMD ARGS…`.
pub(crate) fn run_plain(started: Started) -> u8 {
    let argv = started.args.into_iter().skip(1).collect();
    solo::run(Options::new(argv, started.env, started.signal_state))
}

/// `mainstay init …`.
pub(crate) fn run(args: InitArgs, started: Started) -> u8 {
    if args.licence {
        return crate::cli::print(LICENCE);
    }
    match wish(args, started) {
        Ok(options) => solo::run(options),
        Err(text) => {
            eprintln!("error: {text}");
            2
        }
    }
}

const LICENCE: &str = concat!("mainstay ", env!("CARGO_PKG_VERSION"), ": ", env!("CARGO_PKG_LICENSE"), "\n");

fn wish(args: InitArgs, started: Started) -> Result<Options, String> {
    let from_environment = Variables::of(&started);
    let mut options = Options::new(args.command, started.env, started.signal_state);
    options.parent_death = args.parent_death.as_deref().map(signal).transpose()?;
    options.rewrites = rewrites(&args.rewrite)?;
    options.wait_descendants = args.wait_descendants.as_deref().map(wait_ms).transpose()?;
    options.group = args.group || (from_environment.group && !args.single_child);
    options.success_codes = args.success_codes;
    options.warn_on_reap = args.warn_on_reap;
    options.verbosity = from_environment.verbosity.saturating_add(args.verbose);
    if args.session {
        if from_environment.no_session {
            options.place = Place::Same;
        } else {
            options.use_session();
        }
    }
    Ok(options)
}

/// What the originals read from the environment.
struct Variables {
    group: bool,
    verbosity: u8,
    no_session: bool,
}

impl Variables {
    fn of(started: &Started) -> Variables {
        let value = |name: &str| started.env.iter().find(|(k, _)| k == name).and_then(|(_, v)| v.to_str());
        let verbosity = value("TINI_VERBOSITY").and_then(|v| v.parse().ok()).unwrap_or(1u8);
        let debug = value("DUMB_INIT_DEBUG") == Some("1");
        Variables {
            group: value("TINI_KILL_PROCESS_GROUP").is_some(),
            verbosity: if debug { verbosity.max(3) } else { verbosity },
            no_session: value("DUMB_INIT_SETSID") == Some("0"),
        }
    }
}

fn signal(text: &str) -> Result<crate::types::Signal, String> {
    read_signal(text)
        .ok_or_else(|| format!("cannot read `{text}` as a signal: give a name like TERM or a number like 15"))
}

fn rewrites<S: AsRef<str>>(words: &[S]) -> Result<Rewrites, String> {
    let mut table = Rewrites::default();
    words.iter().try_for_each(|w| table.add(w.as_ref()))?;
    Ok(table)
}

fn wait_ms(text: &str) -> Result<u64, String> {
    duration_ms(text).and_then(|ms| u64::try_from(ms).ok()).ok_or_else(|| {
        format!(
            "cannot read `{text}` as a duration: write seconds, or a number with a unit, as 500ms, 10s, 2m"
        )
    })
}
