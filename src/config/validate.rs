//! From what the user said to the validated truth: `Raw` -> `Config`, with every finding on the way.
//!
//! Pure, but for questions to the `World`. Invariants: no finding hides another; errors come in the order in which
//! Supervisor would have met them, so the first one carries the words that Supervisor would have said.
//! Not here: reading files (`from_*`), merging sources (`load`).

mod advice;
mod dependents;
mod depends;
mod expansion;
mod groups;
mod known;
pub(crate) mod native;
mod outputs;
mod plugins;
mod program;
mod reader;
mod servers;
pub(crate) mod special;
mod whole;

use std::path::PathBuf;

use crate::config::diag::Diagnostics;
use crate::config::model::{Config, Dialect};
use crate::config::raw::Raw;
use crate::config::world::World;
use crate::types::LogLevel;

use reader::Reader;

/// The source of what the command line sets.
pub(crate) const COMMAND_LINE: &str = "command line";

/// What is known beside the sections.
pub(crate) struct Given<'a> {
    pub(crate) dialect: Dialect,
    /// The main file as given or found.
    pub(crate) path: Option<PathBuf>,
    /// The directory of the main file, absolute.
    pub(crate) here: String,
    /// Our whole environment.
    pub(crate) env: &'a [(String, String)],
    /// `run -- CMD`.
    pub(crate) main_command: Option<&'a [String]>,
}

/// The outcome: a configuration exists exactly when `found` has no errors.
pub(crate) struct Checked {
    pub(crate) config: Option<Config>,
    pub(crate) found: Diagnostics,
    pub(crate) notes: Vec<(LogLevel, String)>,
}

/// Checks everything; `found` may already hold what the readers found.
pub(crate) fn validate(raw: &Raw, given: &Given<'_>, found: Diagnostics, world: &dyn World) -> Checked {
    let mut r = Reader::new(raw, given, found, world);
    known::require_supervisord(&mut r, given.dialect);
    let mut user: whole::RawUser = Ok(None);
    let supervisor = whole::read_supervisor(&mut r, given.dialect, &mut user);
    known::check_plugins(&mut r);
    let environment = supervisor.as_ref().map_or(&[][..], |s| &s.environment);
    let mut groups = groups::read_groups(&mut r, environment, given.main_command);
    dependents::read(&mut r, &mut groups);
    depends::read(&mut r, &mut groups);
    if let Ok(supervisor) = &supervisor {
        depends::check_routes(&mut r, &supervisor.signals, &groups);
    }
    let control = servers::read_control(&mut r);
    let http = servers::read_http(&mut r);
    let user = user.and_then(|user| whole::resolve_user(&mut r, given.dialect, user));
    known::check_names(&mut r);
    let config = match (supervisor, user, control, http) {
        (Ok(mut supervisor), Ok(user), Ok(control), Ok(http)) => {
            supervisor.user = user;
            Some(Config {
                dialect: given.dialect,
                path: given.path.clone(),
                supervisor,
                http,
                control,
                groups,
            })
        }
        _ => None,
    };
    if let Some(config) = &config {
        advice::advise(&mut r, config);
    }
    let (found, notes) = r.into_findings();
    Checked { config: config.filter(|_| !found.has_errors()), found, notes }
}

#[cfg(test)]
mod bound_tests;
#[cfg(test)]
mod place_tests;
#[cfg(test)]
mod tests;
