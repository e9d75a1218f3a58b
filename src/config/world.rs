//! What a configuration asks of the machine: files, directories, users, names. The seam that keeps `config` pure.
//!
//! A trait and its records. Invariant: nobody in `config` reaches the machine by another way.
//! Not here: the real machine (`cli::world`), the format of `/etc/passwd` (`passwd`).

use std::io;
use std::net::IpAddr;

/// A line of the user database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserRecord {
    pub name: String,
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    pub home: String,
}

/// The machine as the configuration sees it. Paths are text, relative ones count from the working directory.
pub trait World {
    /// # Errors
    /// What the operating system says.
    fn read_file(&self, path: &str) -> io::Result<Vec<u8>>;
    /// The paths that match a shell pattern, in any order.
    fn glob(&self, pattern: &str) -> Vec<String>;
    fn dir_exists(&self, path: &str) -> bool;
    /// Whether there is anything at the path.
    fn file_exists(&self, path: &str) -> bool;
    fn user_by_name(&self, name: &str) -> Option<UserRecord>;
    fn user_by_id(&self, uid: u32) -> Option<UserRecord>;
    fn group_by_name(&self, name: &str) -> Option<u32>;
    /// Whether a group has this number.
    fn group_id_exists(&self, gid: u32) -> bool;
    /// The groups that list the user as a member, without the primary one.
    fn supplementary_groups(&self, user: &str) -> Vec<u32>;
    /// The node name of `uname(2)`.
    fn hostname(&self) -> String;
    /// `$HOME`, else the home directory of our own user.
    fn home_dir(&self) -> Option<String>;
    /// The working directory, absolute.
    fn cwd(&self) -> String;
    /// Our own user id.
    fn uid(&self) -> u32;
    /// The address of a host name that the machine knows without asking a name server.
    fn resolve_host(&self, name: &str) -> Option<IpAddr>;
    /// Whether `module:callable`, the name of a plug-in, is one that can be used.
    fn plugin_exists(&self, spec: &str) -> bool;

    fn is_root(&self) -> bool {
        self.uid() == 0
    }
}
