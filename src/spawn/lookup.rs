//! Finds the file of a command by Supervisor's rules and words.
//!
//! Asks the file system. Invariant: what is found exists, is no directory and may be executed by us now.
//! COMPAT: a name with a slash is looked for from the directory we were started in, whatever `directory` says;
//! the search of PATH takes the first entry that exists even when it cannot be executed.

use crate::config::python::repr;
use crate::engine::input::{SpawnError, SpawnErrorKind};
use nix::unistd::{AccessFlags, access};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where commands are looked for when nobody sets PATH.
const DEFAULT_PATH: &str = "/bin:/usr/bin:/usr/local/bin";

/// The path to execute for `command`.
///
/// # Errors
/// Supervisor's sentence for what is wrong with it.
pub fn find(command: &str, path: Option<&str>, start_dir: &Path) -> Result<PathBuf, SpawnError> {
    let found = if command.contains('/') {
        Some(PathBuf::from(command)).filter(|p| start_dir.join(p).exists())
    } else {
        let dirs = path.unwrap_or(DEFAULT_PATH).split(':');
        dirs.map(|d| Path::new(d).join(command)).find(|p| start_dir.join(p).exists())
    };
    let Some(found) = found else {
        return Err(error(SpawnErrorKind::NoFile, format!("can't find command {}", repr(command))));
    };
    may_execute(&found, &start_dir.join(&found))?;
    Ok(found)
}

/// The same in another root, as it is called there. Names begin at that root; what is behind a symbolic link is known
/// only in there, so it counts as found.
///
/// # Errors
/// As [`find`].
pub fn find_inside(command: &str, path: Option<&str>, root: &Path) -> Result<PathBuf, SpawnError> {
    let real = |inside: &Path| root.join(inside.strip_prefix("/").unwrap_or(inside));
    let is_there = |inside: &PathBuf| real(inside).symlink_metadata().is_ok();
    let found = if command.contains('/') {
        Some(Path::new("/").join(command)).filter(is_there)
    } else {
        let dirs = path.unwrap_or(DEFAULT_PATH).split(':');
        dirs.map(|d| Path::new("/").join(d).join(command)).find(is_there)
    };
    let Some(found) = found else {
        let text = format!("can't find command {} inside the root {}", repr(command), root.display());
        return Err(error(SpawnErrorKind::NoFile, text));
    };
    if !real(&found).is_symlink() {
        may_execute(&found, &real(&found))?;
    }
    Ok(found)
}

fn may_execute(shown: &Path, real: &Path) -> Result<(), SpawnError> {
    let shown = repr(&shown.to_string_lossy());
    let refuse = |text: String| Err(error(SpawnErrorKind::NotExecutable, text));
    let Ok(meta) = std::fs::metadata(real) else {
        return Err(error(SpawnErrorKind::NoFile, format!("can't find command {shown}")));
    };
    if meta.is_dir() {
        return refuse(format!("command at {shown} is a directory"));
    }
    if meta.permissions().mode() & 0o111 == 0 {
        return refuse(format!("command at {shown} is not executable"));
    }
    if access(real, AccessFlags::X_OK).is_err() {
        return refuse(format!("no permission to run command {shown}"));
    }
    Ok(())
}

/// A spawn error with its sentence.
pub(crate) fn error(kind: SpawnErrorKind, text: String) -> SpawnError {
    SpawnError { kind, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(command: &str, path: Option<&str>) -> String {
        find(command, path, Path::new("/")).map_or_else(|e| e.text, |p| p.display().to_string())
    }

    #[test]
    fn commands_are_found_and_refused_in_supervisors_words() {
        assert_eq!(text("sh", Some("/nowhere:/bin")), "/bin/sh");
        assert_eq!(text("/bin/sh", None), "/bin/sh");
        assert_eq!(text("no-such", Some("/bin")), "can't find command 'no-such'");
        assert_eq!(text("/no/such", None), "can't find command '/no/such'");
        assert_eq!(text("/it's", None), "can't find command \"/it's\"");
        assert_eq!(text("/etc", None), "command at '/etc' is a directory");
        assert_eq!(text("/etc/passwd", None), "command at '/etc/passwd' is not executable");
    }

    #[test]
    fn another_root_has_commands_of_its_own() {
        let inside = |command: &str, root: &str| {
            find_inside(command, Some("/bin:/"), Path::new(root))
                .map_or_else(|e| e.text, |p| p.display().to_string())
        };
        assert_eq!((inside("sh", "/"), inside("/bin/sh", "/")), ("/bin/sh".to_owned(), "/bin/sh".to_owned()));
        assert_eq!((inside("sh", "/bin"), inside("/sh", "/bin")), ("/sh".to_owned(), "/sh".to_owned()));
        assert_eq!(inside("/bin/sh", "/etc"), "can't find command '/bin/sh' inside the root /etc");
        assert_eq!(inside("passwd", "/etc"), "command at '/passwd' is not executable");
    }

    #[test]
    fn the_first_entry_of_path_wins_even_when_it_cannot_be_executed() {
        assert_eq!(text("passwd", Some("/etc:/usr/bin")), "command at '/etc/passwd' is not executable");
    }
}
