//! `mainstay ctl`, and `supervisorctl`: reads the command line and the environment, and lets `ctl` do the rest.
//!
//! Does I/O: the environment. Not here: actions and addresses (`ctl`).

pub use crate::ctl::CtlArgs as Args;
use crate::ctl::{self, discover};

/// Runs the applet; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> u8 {
    ctl::run(args, &|args| discover::addresses(args, &variable))
}

/// A variable of the environment; one that is not UTF-8 is as good as none.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok().filter(|value| !value.is_empty())
}
