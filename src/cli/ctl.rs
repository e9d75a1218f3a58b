//! `mainstay ctl`, and the face `supervisorctl`: gives `ctl` the command line and the environment.
//!
//! Writes to the standard streams. Invariant: called as supervisorctl the options are read, and mistakes told, as the real
//! one does. Not here: actions and addresses (`ctl`), how words become options (`getopt`).

use crate::cli::getopt::{self, Found, Opt};
use crate::cli::{Started, print};
use crate::config::NOT_TEXT;
use crate::config::python::repr;
pub use crate::ctl::CtlArgs;
use crate::ctl::address::{BadUrl, ServerAddress};
use crate::ctl::{self, Surroundings, discover};
use crate::sys::fd;

/// COMPAT: every option of supervisorctl 4.3, the word for its value, and its line of the help.
const TABLE: [(Opt, &str, &str); 8] = [
    row('c', "configuration", "FILE", "read this file instead of searching for one"),
    row('h', "help", "", "print this and end; -? does the same"),
    row(
        'i',
        "interactive",
        "",
        "ask for a password, and before ending the daemon; without an action: a shell",
    ),
    row('s', "serverurl", "URL", "where the server listens: http://host:port or unix:///path"),
    row('u', "username", "NAME", "the name to give to a server that asks for one"),
    row('p', "password", "PASSWORD", "the password to give"),
    row('r', "history_file", "FILE", "keep the shell's former lines in this file"),
    row('?', "", "", ""),
];

const fn row(
    short: char,
    long: &'static str,
    value: &'static str,
    help: &'static str,
) -> (Opt, &'static str, &'static str) {
    (Opt { short, long, takes_value: !value.is_empty() }, value, help)
}

/// Runs the applet; gives the exit code.
#[must_use]
pub fn run(args: &CtlArgs, env: &[(String, String)]) -> u8 {
    let lookup = |name: &str| variable(env, name);
    let surroundings = Surroundings {
        no_colour: lookup("NO_COLOR").is_some(),
        dumb: lookup("TERM").is_none_or(|term| term == "dumb"),
    };
    ctl::run(args, surroundings, &|args| discover::find(args, &lookup))
}

/// Runs as supervisorctl; gives the exit code.
pub(crate) fn run_face(started: &Started) -> u8 {
    let words: Vec<String> = started.args.iter().map(|w| w.to_string_lossy().into_owned()).collect();
    let name = started.exec_name.clone();
    match read(&words) {
        Ok(None) => print(&help(&name)),
        Ok(Some(args)) => {
            started.signal_state.unblock(&[]);
            run(&CtlArgs { face: Some(name), ..args }, &started.env_text())
        }
        Err(text) => {
            fd::last_words(&format!("Error: {text}\nFor help, use {name} -h\n"));
            2
        }
    }
}

/// Reads the words; `None` where they ask for help.
fn read(words: &[String]) -> Result<Option<CtlArgs>, String> {
    let (found, rest) = getopt::read(words, &TABLE.map(|row| row.0))?;
    let mut args = CtlArgs { words: rest, ..CtlArgs::default() };
    for Found { index, spelled, value } in found {
        let set = match TABLE.get(index).map_or('?', |row| row.0.short) {
            'c' => args.configuration.replace(value.into()).is_some(),
            'i' => std::mem::replace(&mut args.interactive, true),
            's' => {
                if let Err(BadUrl::NotUrl(_)) = ServerAddress::parse(&value) {
                    let url = repr(&value);
                    return Err(format!("invalid value for {spelled} {url}: value {url} is not a URL"));
                }
                args.serverurl.replace(value).is_some()
            }
            'u' => args.username.replace(value).is_some(),
            'p' => args.password.replace(value).is_some(),
            'r' => args.history_file.replace(value.into()).is_some(),
            _ => return Ok(None),
        };
        if set {
            return Err(format!("conflicting command line option {}", repr(&spelled)));
        }
    }
    Ok(Some(args))
}

fn help(name: &str) -> String {
    let mut out =
        format!("Usage: {name} [options] [action [arguments]]\n\nControls a running daemon.\n\nOptions:\n");
    for (option, value, help) in TABLE.iter().filter(|row| !row.0.long.is_empty()) {
        let gap = if value.is_empty() { "" } else { " " };
        out.push_str(&format!("-{}/--{}{gap}{value} -- {help}\n", option.short, option.long));
    }
    out.push_str(
        "\nThe action `help` lists the actions, `help ACTION` describes one. Without an action a shell reads them.\n\
         Behind an action, --json prints its answer as JSON.\n\n\
         Exit codes: 0 done, 1 failed, 2 bad usage, 3 something is down (status), 4 no answer or unknown name (status),\n\
         7 not running.\n",
    );
    out
}

/// A variable of the environment; an empty one is as good as none, and so is one that is not text.
pub(crate) fn variable(env: &[(String, String)], name: &str) -> Option<String> {
    env.iter()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.clone())
        .filter(|value| !value.is_empty() && value != NOT_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match read(&words) {
            Ok(None) => "help".to_owned(),
            Ok(Some(args)) => format!("{:?} {:?} {}", args.serverurl, args.words, args.interactive),
            Err(why) => why,
        }
    }

    #[test]
    fn options_are_read_as_supervisorctls() {
        for (line, want) in [
            ("-i -s http://x status -c y", r#"Some("http://x") ["status", "-c", "y"] true"#),
            ("--server unix:///x", r#"Some("unix:///x") [] false"#),
            ("-s ftp://x", r#"Some("ftp://x") [] false"#),
            ("-h", "help"),
            ("-?", "help"),
            ("-s foo", "invalid value for -s 'foo': value 'foo' is not a URL"),
            ("-u a -u b", "conflicting command line option '-u'"),
            ("-i --inter", "conflicting command line option '--interactive'"),
            ("-v", "option -v not recognized"),
            ("--json", "option --json not recognized"),
            ("-c", "option -c requires argument"),
            ("-s foo -h", "invalid value for -s 'foo': value 'foo' is not a URL"),
            ("-h -s foo", "help"),
        ] {
            assert_eq!(told(line), want, "{line}");
        }
    }

    #[test]
    fn the_help_names_every_option() {
        let help = help("supervisorctl");
        for (option, ..) in TABLE.iter().filter(|row| !row.0.long.is_empty()) {
            assert!(help.contains(&format!("-{}/--{}", option.short, option.long)), "{}", option.long);
        }
        assert!(help.lines().all(|l| l.len() <= 120), "{help}");
    }
}
