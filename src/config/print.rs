//! Shows a configuration: as JSON with Supervisor's names, or as TOML, INI or variables that load to the same.
//!
//! Pure. Invariant: without `show_secrets` no password and no value of the environment is shown.
//! Not here: where it is printed (`cli::check`).

mod copies;
mod env;
mod ini;
pub(super) mod json;
pub(super) mod native;
mod toml;

pub use env::to_env;
pub use ini::to_ini;
pub use json::to_json;
pub use toml::to_toml;

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// The text itself, or what stands in its place.
fn secret(text: &str, show_secrets: bool) -> &str {
    if show_secrets { text } else { HIDDEN }
}

/// The settings of a stream, in the order of `LogPlan`.
const STDOUT: [&str; 6] = [
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_syslog",
];
/// See `STDOUT`.
const STDERR: [&str; 6] = [
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_syslog",
];
