//! The real machine behind `config::World`: files, users, names.
//!
//! Does I/O: reads files and directories, `/etc/passwd`, `/etc/group`, `/etc/hosts`. Invariants: nothing is written;
//! the C library's name service is never asked, because a static binary cannot load it.
//! Not here: the format of those files (`config::passwd`).

use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;

use crate::config::NOT_TEXT;
use crate::config::glob::{Directory, expand};
use crate::config::passwd::{GroupRecord, find_host, parse_groups, parse_users};
use crate::config::settings::PLUGINS;
use crate::config::world::{UserRecord, World};
use crate::sys::files::open_regular;

/// The machine we run on. The user database is read once, so that one configuration sees one state of it.
#[derive(Debug)]
pub struct RealWorld {
    users: Vec<UserRecord>,
    groups: Vec<GroupRecord>,
    home: Option<String>,
    /// We supervise already: nothing may be read that could keep us waiting.
    supervising: bool,
}

impl RealWorld {
    /// `env` is our environment; only `HOME` is taken from it.
    #[must_use]
    pub fn new(env: &[(String, String)]) -> RealWorld {
        RealWorld {
            users: parse_users(&read_or_empty("/etc/passwd")),
            groups: parse_groups(&read_or_empty("/etc/group")),
            supervising: false,
            home: env
                .iter()
                .find(|(name, value)| name == "HOME" && value != NOT_TEXT)
                .map(|(_, value)| value.clone()),
        }
    }
}

/// A container from scratch has none of these files; then nobody is known. They are read again by a daemon that runs.
fn read_or_empty(path: &str) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is what there is.
    let _ = open_regular(Path::new(path)).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

impl RealWorld {
    /// The same machine, seen by a daemon that must not wait for a pipe or a device.
    pub(crate) fn while_supervising(mut self) -> RealWorld {
        self.supervising = true;
        self
    }
}

impl Directory for RealWorld {
    fn names(&self, dir: &str) -> Vec<String> {
        let dir = if dir.is_empty() { "." } else { dir };
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    fn exists(&self, path: &str) -> bool {
        std::fs::symlink_metadata(path).is_ok()
    }
}

/// BOUND: no configuration is larger; `-c /dev/zero` must not eat the memory.
const MAX_FILE_BYTES: u64 = 16 << 20;

impl World for RealWorld {
    fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        // The first life may read a pipe: what it says is said once.
        let file = if self.supervising { open_regular(Path::new(path))? } else { std::fs::File::open(path)? };
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(bytes)
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        expand(pattern, self)
    }

    fn dir_exists(&self, path: &str) -> bool {
        Path::new(path).is_dir()
    }

    fn file_exists(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn user_by_name(&self, name: &str) -> Option<UserRecord> {
        self.users.iter().find(|u| u.name == name).cloned()
    }

    fn user_by_id(&self, uid: u32) -> Option<UserRecord> {
        self.users.iter().find(|u| u.uid == uid).cloned()
    }

    fn group_by_name(&self, name: &str) -> Option<u32> {
        self.groups.iter().find(|g| g.name == name).map(|g| g.gid)
    }

    fn group_id_exists(&self, gid: u32) -> bool {
        self.groups.iter().any(|g| g.gid == gid)
    }

    fn supplementary_groups(&self, user: &str) -> Vec<u32> {
        self.groups.iter().filter(|g| g.members.iter().any(|m| m == user)).map(|g| g.gid).collect()
    }

    fn hostname(&self) -> String {
        nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn home_dir(&self) -> Option<String> {
        self.home.clone().or_else(|| self.user_by_id(self.uid()).map(|u| u.home))
    }

    fn cwd(&self) -> String {
        std::env::current_dir().map_or_else(|_| "/".to_owned(), |dir| dir.to_string_lossy().into_owned())
    }

    fn uid(&self) -> u32 {
        nix::unistd::getuid().as_raw()
    }

    fn resolve_host(&self, name: &str) -> Option<IpAddr> {
        find_host(&read_or_empty("/etc/hosts"), name)
    }

    fn plugin_exists(&self, spec: &str) -> bool {
        PLUGINS.contains(&spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_always_known_and_knows_its_home() {
        let world = RealWorld::new(&[("HOME".into(), "/somewhere".into())]);
        assert_eq!(world.user_by_name("root").map(|u| u.uid), Some(0));
        assert_eq!(world.home_dir().as_deref(), Some("/somewhere"));
    }

    #[test]
    fn patterns_find_real_files() {
        let world = RealWorld::new(&[]);
        let root = env!("CARGO_MANIFEST_DIR");
        assert_eq!(world.glob(&format!("{root}/Cargo.tom?")), [format!("{root}/Cargo.toml")]);
        assert!(world.glob(&format!("{root}/no-such-*")).is_empty());
    }

    #[test]
    fn a_daemon_that_runs_reads_nothing_that_could_keep_it_waiting() {
        let world = RealWorld::new(&[]).while_supervising();
        assert!(world.read_file("/dev/null").is_err());
        assert!(world.read_file("/etc/passwd").is_ok());
    }

    #[test]
    fn a_directory_or_an_endless_file_is_not_read() {
        let world = RealWorld::new(&[]);
        assert!(world.read_file("/").is_err());
        assert_eq!(world.read_file("/dev/zero").map_err(|e| e.kind()), Err(io::ErrorKind::FileTooLarge));
    }
}
