//! `mainstay ctl`, and `supervisorctl`: gives `ctl` the command line and the environment.
//!
//! No I/O of its own. Not here: actions and addresses (`ctl`).

use crate::config::NOT_TEXT;
pub use crate::ctl::CtlArgs;
use crate::ctl::{self, discover};

/// Runs the applet; gives the exit code.
#[must_use]
pub fn run(args: &CtlArgs, env: &[(String, String)]) -> u8 {
    ctl::run(args, &|args| discover::addresses(args, &|name| variable(env, name)))
}

/// A variable of the environment; an empty one is as good as none, and so is one that is not text.
pub(crate) fn variable(env: &[(String, String)], name: &str) -> Option<String> {
    env.iter()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.clone())
        .filter(|value| !value.is_empty() && value != NOT_TEXT)
}
