//! The faces `tini`, `docker-init` and `dumb-init`: their options read as they read them, their versions and their codes.
//!
//! COMPAT: reading stops at the first word that is no option; a mistake is 1. Not here: what the options do (`solo`).

use super::{LICENCE, Variables, rewrites, signal};
use crate::cli::getopt::{Found, Opt, read};
use crate::cli::{Started, print};
use crate::daemon::solo::{self, Options, Place};
use std::ffi::OsString;

/// Docker asks its init for this line and reads the version behind `tini version `.
const TINI_VERSION: &str = concat!("tini version 0.19.0_mainstay-", env!("CARGO_PKG_VERSION"), "\n");
const DUMB_INIT_VERSION: &str = concat!("dumb-init v1.2.5 (mainstay ", env!("CARGO_PKG_VERSION"), ")\n");

const TINI_HELP: &str = "\
Usage: tini [OPTIONS] PROGRAM [ARGS]...   (mainstay as tini; `mainstay init --help` knows more)
       tini --version

  --version  Show the version, when it is the only word
  -h         Show this
  -s         Be a subreaper; mainstay always is when it is not PID 1
  -p SIGNAL  Get SIGNAL when our parent ends: KILL, SIGKILL or 9
  -v         Say more; up to three times
  -w         Say each orphan that is reaped
  -g         Send signals to the program's whole process group
  -e CODE    Count exit code CODE (0 to 255) as success; may be repeated
  -l         Show the licence

Environment: TINI_SUBREAPER, TINI_VERBOSITY (default 1), TINI_KILL_PROCESS_GROUP.
Exit code: the program's, 128+N after signal N, 127 not found, 126 not executable, 1 usage.
";

const DUMB_INIT_HELP: &str = "\
Usage: dumb-init [OPTIONS] PROGRAM [ARGS]...   (mainstay as dumb-init; `mainstay init --help` knows more)

  -c, --single-child  Send signals to the program alone, and leave it in our session
  -r, --rewrite A:B   Send signal B where A comes, by name or number; 0 sends nothing; may be repeated
  -v, --verbose       Say what happens
  -h, --help          Show this
  -V, --version       Show the version

Environment: DUMB_INIT_SETSID=0 (as -c), DUMB_INIT_DEBUG=1 (as -v).
Exit code: the program's, 128+N after signal N, 127 not found, 126 not executable, 1 usage.
";

const fn flag(short: char, long: &'static str) -> Opt {
    Opt { short, long, takes_value: false }
}

const fn valued(short: char, long: &'static str) -> Opt {
    Opt { short, long, takes_value: true }
}

const TINI: &[Opt] = &[
    flag('h', ""),
    flag('v', ""),
    flag('w', ""),
    flag('g', ""),
    flag('l', ""),
    flag('s', ""),
    valued('e', ""),
    valued('p', ""),
];

const DUMB_INIT: &[Opt] = &[
    flag('h', "help"),
    flag('v', "verbose"),
    flag('V', "version"),
    flag('c', "single-child"),
    valued('r', "rewrite"),
];

/// As `tini` or `docker-init`.
pub(crate) fn run_tini(started: Started) -> u8 {
    if started.args.len() == 1 && started.args.iter().all(|w| w == "--version") {
        return print(TINI_VERSION);
    }
    let read = parse(&started, TINI).and_then(|(found, argv)| {
        if let Some(text) = asks(&found, &[("-h", TINI_HELP), ("-l", LICENCE)]) {
            return Ok(Err(text));
        }
        tini(started, &found, argv).map(Ok)
    });
    end("tini", TINI_HELP, read)
}

fn tini(started: Started, found: &[Found], argv: Vec<OsString>) -> Result<Options, String> {
    let variables = Variables::of(&started);
    let mut options = Options::new(argv, started.env, started.signal_state);
    options.group = variables.group;
    options.verbosity = variables.verbosity;
    for option in found {
        match option.spelled.as_str() {
            "-v" => options.verbosity = options.verbosity.saturating_add(1),
            "-w" => options.warn_on_reap = true,
            "-g" => options.group = true,
            "-p" => options.parent_death = Some(signal(&option.value)?),
            "-e" => options.success_codes.push(code(&option.value)?),
            _ => {}
        }
    }
    Ok(options)
}

fn code(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| format!("cannot read `{text}` as an exit code: write a number from 0 to 255"))
}

/// As `dumb-init`.
pub(crate) fn run_dumb_init(started: Started) -> u8 {
    let read = parse(&started, DUMB_INIT).and_then(|(found, argv)| {
        let texts = [
            ("-h", DUMB_INIT_HELP),
            ("--help", DUMB_INIT_HELP),
            ("-V", DUMB_INIT_VERSION),
            ("--version", DUMB_INIT_VERSION),
        ];
        match asks(&found, &texts) {
            Some(text) => Ok(Err(text)),
            None => dumb_init(started, &found, argv).map(Ok),
        }
    });
    end("dumb-init", DUMB_INIT_HELP, read)
}

fn dumb_init(started: Started, found: &[Found], argv: Vec<OsString>) -> Result<Options, String> {
    let variables = Variables::of(&started);
    let mut options = Options::new(argv, started.env, started.signal_state);
    let is = |f: &Found, short: &str, long: &str| f.spelled == short || f.spelled == long;
    let words: Vec<&str> =
        found.iter().filter(|f| is(f, "-r", "--rewrite")).map(|f| f.value.as_str()).collect();
    options.rewrites = rewrites(&words)?;
    options.verbosity = if found.iter().any(|f| is(f, "-v", "--verbose")) { 3 } else { variables.verbosity };
    if variables.no_session || found.iter().any(|f| is(f, "-c", "--single-child")) {
        options.place = Place::Same;
        options.stops_at_once = true;
    } else {
        options.use_session();
    }
    Ok(options)
}

/// The options, and the program with its arguments byte for byte.
fn parse(started: &Started, table: &[Opt]) -> Result<(Vec<Found>, Vec<OsString>), String> {
    let words: Vec<String> = started.args.iter().map(|w| w.to_string_lossy().into_owned()).collect();
    let (found, rest) = read(&words, table)?;
    Ok((found, started.args.iter().skip(words.len() - rest.len()).cloned().collect()))
}

fn asks<'a>(found: &[Found], texts: &[(&str, &'a str)]) -> Option<&'a str> {
    found.iter().find_map(|f| texts.iter().find(|(name, _)| f.spelled == *name).map(|(_, text)| *text))
}

fn end(name: &str, help: &str, read: Result<Result<Options, &str>, String>) -> u8 {
    match read {
        Ok(Err(text)) => print(text),
        Ok(Ok(options)) if !options.argv.is_empty() => solo::run(options),
        Ok(Ok(_)) => {
            eprint!("{name}: cannot run nothing: give a program\n{help}");
            1
        }
        Err(why) => {
            eprint!("{name}: {why}\n{help}");
            1
        }
    }
}
