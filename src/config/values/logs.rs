//! Where output goes: log files, streams, nothing; and directories that must exist.
//!
//! Asks the `World` for directories. Invariant: a name of one of our own descriptors becomes that descriptor, so that
//! it is never opened by path. Not here: opening anything (`logging`).

use super::{Bad, Input};
use crate::config::model::{LogTarget, MainLog, StdStream};
use crate::config::paths::{dirname, expand_user, normalize};
use std::path::PathBuf;

/// The value of `stdout_logfile` and `stderr_logfile`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum LogChoice {
    Target(LogTarget),
    /// COMPAT: the deprecated file name `syslog`.
    Syslog,
    /// COMPAT: nothing is written, and yet Supervisor speaks of a file name.
    Empty,
}

pub(crate) fn log_choice(input: &Input<'_>) -> Result<LogChoice, Bad> {
    let text = input.text()?;
    let target = match text.to_lowercase().as_str() {
        "" if input.is_ini() => return Ok(LogChoice::Empty),
        "" | "none" | "off" => LogTarget::None,
        "auto" => LogTarget::Auto,
        "syslog" => return Ok(LogChoice::Syslog),
        _ => match stream_fd(text) {
            Some(fd) => LogTarget::Stream { fd, text: text.to_owned() },
            None => LogTarget::File(PathBuf::from(path_in_directory(text, input)?)),
        },
    };
    Ok(LogChoice::Target(target))
}

/// The daemon's own log. COMPAT: in INI only `syslog` is special; `none` is a file of that name.
pub(crate) fn main_log(input: &Input<'_>) -> Result<MainLog, Bad> {
    let text = input.text()?;
    if !input.is_ini() && matches!(text.to_lowercase().as_str(), "" | "none" | "off") {
        return Ok(MainLog::None);
    }
    if text == "syslog" {
        return Ok(MainLog::Syslog);
    }
    match stream_fd(text) {
        Some(1) => return Ok(MainLog::Stream(StdStream::Stdout)),
        Some(2) => return Ok(MainLog::Stream(StdStream::Stderr)),
        _ => {}
    }
    path_in_directory(text, input).map(|path| MainLog::File(PathBuf::from(normalize(&path, input.world))))
}

/// A file whose directory exists, made absolute.
pub(crate) fn file(input: &Input<'_>) -> Result<PathBuf, Bad> {
    path_in_directory(input.text()?, input).map(|path| PathBuf::from(normalize(&path, input.world)))
}

/// A file that is removed from the configuration by `none` in TOML and environment.
pub(crate) fn optional_file(input: &Input<'_>) -> Result<Option<PathBuf>, Bad> {
    let text = input.text()?;
    if !input.is_ini() && matches!(text.to_lowercase().as_str(), "" | "none" | "off") {
        return Ok(None);
    }
    file(input).map(Some)
}

/// A directory that exists, or will be created.
pub(crate) fn created_directory(input: &Input<'_>) -> Result<PathBuf, Bad> {
    if input.create_directories {
        return path(input);
    }
    directory(input).map_err(|bad| bad.hint("create it, or set `create_directories = true` in [mainstay]"))
}

/// A directory that exists.
pub(crate) fn directory(input: &Input<'_>) -> Result<PathBuf, Bad> {
    let text = input.text()?;
    let path = expand_user(text, input.world);
    if input.world.dir_exists(&path) {
        Ok(PathBuf::from(path))
    } else {
        Err(Bad::new(format!("{text} is not an existing directory"))
            .hint("create the directory before the start"))
    }
}

/// A path with `~` expanded; nothing is checked.
pub(crate) fn path(input: &Input<'_>) -> Result<PathBuf, Bad> {
    Ok(PathBuf::from(expand_user(input.text()?, input.world)))
}

/// The descriptor that a path such as `/dev/stdout` or `/proc/self/fd/2` stands for.
fn stream_fd(path: &str) -> Option<i32> {
    match path {
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        _ => {
            let number = path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"))?;
            number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok()).flatten()
        }
    }
}

fn path_in_directory(text: &str, input: &Input<'_>) -> Result<String, Bad> {
    let path = expand_user(text, input.world);
    let directory = dirname(&path);
    if directory.is_empty() || input.create_directories || input.world.dir_exists(directory) {
        return Ok(path);
    }
    Err(Bad::new(format!("The directory named as part of the path {text} does not exist"))
        .hint(format!("create {directory}, or set `create_directories = true` in [mainstay]")))
}
