//! The command of a program: its text, and the words it is split into.
//!
//! Pure. COMPAT: a command that cannot be split is no error of the configuration; the program fails at its start
//! with Supervisor's text. A TOML list is taken as it is.

use super::{Bad, Input, kind_of};
use crate::config::python::repr;
use crate::config::raw::RawValue;
use crate::config::shlex;

/// A command as shown, and split.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CommandLine {
    pub(crate) text: String,
    pub(crate) argv: Result<Vec<String>, String>,
}

pub(crate) fn command(input: &Input<'_>) -> Result<CommandLine, Bad> {
    let RawValue::List(items) = input.value else { return Ok(from_text(input.text()?)) };
    let argv: Vec<String> = items
        .iter()
        .map(|item| match item {
            RawValue::Text(text) => Ok(text.clone()),
            other => Err(Bad::new(format!("expected a list of texts, found {} in it", kind_of(other)))),
        })
        .collect::<Result<_, Bad>>()?;
    Ok(from_argv(argv))
}

/// Words that need no splitting, shown as a shell would need them.
pub(crate) fn from_argv(argv: Vec<String>) -> CommandLine {
    let quoted: Vec<String> = argv.iter().map(|word| quote(word)).collect();
    let text = quoted.join(" ");
    if argv.is_empty() {
        return CommandLine { text, argv: Err("command is empty".to_owned()) };
    }
    CommandLine { text, argv: Ok(argv) }
}

fn from_text(text: &str) -> CommandLine {
    let argv = match shlex::split(text) {
        Ok(words) if words.is_empty() => Err("command is empty".to_owned()),
        Ok(words) => Ok(words),
        Err(why) => Err(format!("can't parse command {}: {why}", repr(text))),
    };
    CommandLine { text: text.to_owned(), argv }
}

/// `shlex.quote`.
fn quote(word: &str) -> String {
    let plain =
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\"'\"'")) }
}
