//! The face `supervisord`: its command line, to the letter, and its help in our own words.
//!
//! Writes to the standard streams. Invariants: mistakes are found in supervisord's order (the words, then each option
//! as it stands, then the file) and are told in its two lines first; nothing is read before the command line is good.
//! Not here: how words become options (`getopt`), what `run` does with them (`run`).

use crate::cli::getopt::{self, Opt};
use crate::cli::run::{self, Wish};
use crate::cli::world::RealWorld;
use crate::cli::{Started, print};
use crate::config::python::repr;
use crate::config::world::World;
use crate::config::{Search, Sources, check_option};
use crate::sys::{boot, fd};

/// What an option does, beside setting the key of its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Set,
    File,
    Help,
    Version,
    Profile,
}

/// Option, the word for its value, what it does, its line of the help.
type Row = (Opt, &'static str, Does, &'static str);

const fn row(short: char, long: &'static str, value: &'static str, does: Does, help: &'static str) -> Row {
    (Opt { short, long, takes_value: !value.is_empty() }, value, does, help)
}

/// COMPAT: every option of supervisord 4.3; the words are also the keys of `[supervisord]`.
const TABLE: &[Row] = &[
    row('c', "configuration", "FILE", Does::File, "read this file instead of searching for one"),
    row('n', "nodaemon", "", Does::Set, "stay in the foreground; as PID 1 always"),
    row('s', "silent", "", Does::Set, "in the foreground: do not repeat the log on stdout"),
    row('h', "help", "", Does::Help, "print this and end; -? does the same"),
    row('?', "", "", Does::Help, ""),
    row('v', "version", "", Does::Version, "print the version of Supervisor that is spoken, 4.3.0"),
    row('u', "user", "USER", Does::Set, "become this user, a name or a number"),
    row('m', "umask", "OCTAL", Does::Set, "umask in the background [022]"),
    row('d', "directory", "DIR", Does::Set, "working directory in the background"),
    row('l', "logfile", "FILE", Does::Set, "the daemon's log, or syslog [supervisord.log]"),
    row('y', "logfile_maxbytes", "SIZE", Does::Set, "rotate the log at this size, 0 never [50MB]"),
    row('z', "logfile_backups", "N", Does::Set, "rotated logs to keep [10]"),
    row('e', "loglevel", "LEVEL", Does::Set, "critical, error, warn, info, debug, trace, blather [info]"),
    row('j', "pidfile", "FILE", Does::Set, "where our process id is written [supervisord.pid]"),
    row('i', "identifier", "NAME", Does::Set, "name of this daemon [supervisor]"),
    row('q', "childlogdir", "DIR", Does::Set, "directory of AUTO logs [the temporary directory]"),
    row('k', "nocleanup", "", Does::Set, "leave the AUTO logs of an earlier life alone"),
    row('a', "minfds", "N", Does::Set, "open files that must be possible [1024]"),
    row('t', "strip_ansi", "", Does::Set, "take terminal escapes out of the programs' logs"),
    row('\0', "minprocs", "N", Does::Set, "processes that must be possible [200]"),
    row('\0', "profile_options", "LIST", Does::Profile, "accepted, without effect"),
];

/// What the words ask for.
enum Asked {
    Help,
    Version,
    Run(Line),
}

/// A command line that is good.
#[derive(Default, Debug)]
struct Line {
    file: Option<String>,
    overrides: Vec<(String, String)>,
    profile: bool,
}

/// Runs as supervisord. Returns the exit code.
pub(crate) fn run(started: Started) -> u8 {
    let words: Vec<String> = started.args.iter().map(|w| w.to_string_lossy().into_owned()).collect();
    let env = started.env_text();
    let name = started.exec_name.clone();
    let line = match read(&words, &RealWorld::new(&env)) {
        Ok(Asked::Help) => return print(&help(&name)),
        Ok(Asked::Version) => return print("4.3.0\n"),
        Ok(Asked::Run(line)) => line,
        Err((text, hint)) => {
            let hint = hint.map(|h| format!("  hint: {h}\n")).unwrap_or_default();
            fd::last_words(&format!("{}{hint}", run::usage(&text, &name)));
            return 2;
        }
    };
    if line.profile {
        fd::last_words("warning: --profile_options has no effect: there is no Python to be profiled\n");
    }
    let mut overrides = line.overrides;
    // COMPAT: in a container there is no background to go to: the end of PID 1 is the end of all.
    let foreground = boot::is_pid1();
    if foreground && !overrides.iter().any(|(key, _)| key == "nodaemon") {
        overrides.push(("nodaemon".to_owned(), "true".to_owned()));
    }
    let search = Search::Supervisord { argv0: name.clone() };
    let sources = Sources { file: line.file.map(Into::into), search, env, overrides, ..Sources::default() };
    run::start(Wish { sources, foreground, supervisord: Some(name) }, started)
}

/// Reads the words; or the sentence about the first mistake, and advice.
fn read(words: &[String], world: &dyn World) -> Result<Asked, (String, Option<String>)> {
    let table: Vec<Opt> = TABLE.iter().map(|row| row.0).collect();
    let (found, rest) = getopt::read(words, &table).map_err(|why| (why, None))?;
    if !rest.is_empty() {
        let rest: Vec<String> = rest.iter().map(|word| repr(word)).collect();
        return Err((format!("positional arguments are not supported: [{}]", rest.join(", ")), None));
    }
    let mut line = Line::default();
    for found in found {
        let Some((option, _, does, _)) = TABLE.get(found.index) else { continue };
        let conflict = |is_set: bool| {
            let text = format!("conflicting command line option {}", repr(&found.spelled));
            if is_set { Err((text, None)) } else { Ok(()) }
        };
        match does {
            Does::Help => return Ok(Asked::Help),
            Does::Version => return Ok(Asked::Version),
            Does::Profile => {
                conflict(line.profile)?;
                line.profile = true;
            }
            Does::File => {
                conflict(line.file.is_some())?;
                line.file = Some(found.value);
            }
            Does::Set => {
                let value = if option.takes_value { found.value } else { "true".to_owned() };
                check_option(option.long, &value, world).map_err(|(why, hint)| {
                    (format!("invalid value for {} {}: {why}", found.spelled, repr(&value)), hint)
                })?;
                conflict(line.overrides.iter().any(|(key, _)| key == option.long))?;
                line.overrides.push((option.long.to_owned(), value));
            }
        }
    }
    Ok(Asked::Run(line))
}

fn help(name: &str) -> String {
    let mut out = format!("Usage: {name} [OPTIONS]\n\nSupervises the programs of a supervisord.conf.\n\n");
    for (option, value, _, help) in TABLE.iter().filter(|row| !row.0.long.is_empty()) {
        let short = if option.short == '\0' { "   ".to_owned() } else { format!("-{},", option.short) };
        let long = format!("--{} {value}", option.long);
        out.push_str(&format!("  {short} {long:<24} {help}\n"));
    }
    out.push_str(
        "\nA value given here wins over the file. Without -c the first of these is read: ../etc/supervisord.conf and\n\
         ../supervisord.conf beside this program's directory, ./supervisord.conf, ./etc/supervisord.conf,\n\
         /etc/supervisord.conf, /etc/supervisor/supervisord.conf.\n\n\
         Exit codes: 0 stopped as asked, or gone into the background; 2 bad usage or configuration; 70 internal error.\n\
         This is mainstay: `mainstay --help` says what else it can do.\n",
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::FakeWorld;

    fn line(words: &str) -> Result<Line, String> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        match read(&words, &FakeWorld::default()) {
            Ok(Asked::Run(line)) => Ok(line),
            Ok(_) => Err("help or version".into()),
            Err((why, _)) => Err(why),
        }
    }

    #[test]
    fn options_become_settings_by_their_words() {
        let line = line("-nc a.conf -e debug --strip_ansi --minf 20").expect("good");
        assert_eq!(line.file.as_deref(), Some("a.conf"));
        let want = [("nodaemon", "true"), ("loglevel", "debug"), ("strip_ansi", "true"), ("minfds", "20")];
        assert_eq!(line.overrides, want.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn help_and_version_are_answered_where_they_stand() {
        for (words, want) in [
            ("-h -m 9", "help or version"),
            ("-? --bogus", "option --bogus not recognized"),
            ("-m 9 -h", "invalid value for -m '9': 9 can not be converted to an octal type"),
            ("-v x", "positional arguments are not supported: ['x']"),
        ] {
            assert_eq!(line(words).expect_err(words), want, "{words}");
        }
    }

    #[test]
    fn the_help_names_every_option() {
        let help = help("supervisord");
        for (option, ..) in TABLE.iter().filter(|row| !row.0.long.is_empty()) {
            assert!(help.contains(&format!("--{}", option.long)), "{}", option.long);
        }
        assert!(help.lines().all(|l| l.len() <= 120), "{help}");
    }
}
