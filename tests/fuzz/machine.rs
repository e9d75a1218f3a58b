//! A machine made of tables: what a configuration may ask of it.

use mainstay::config::glob::{Directory, expand};
use mainstay::config::passwd::find_host;
use mainstay::config::settings::PLUGINS;
use mainstay::config::world::{UserRecord, World};
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

/// Knows `root`, `app` (1000, in 1000 and 33) and the group `www` (33); only `/missing` does not exist.
#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) uid: u32,
}

impl Directory for Machine {
    fn names(&self, dir: &str) -> Vec<String> {
        let below = self.files.keys().filter_map(|path| path.strip_prefix(dir));
        below.map(|rest| rest.split('/').next().unwrap_or("").to_owned()).collect()
    }

    fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}

impl World for Machine {
    fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        expand(pattern, self)
    }

    fn dir_exists(&self, path: &str) -> bool {
        !path.starts_with("/missing")
    }

    fn file_exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    fn user_by_name(&self, name: &str) -> Option<UserRecord> {
        match name {
            "root" => self.user_by_id(0),
            "app" => self.user_by_id(1000),
            _ => None,
        }
    }

    fn user_by_id(&self, uid: u32) -> Option<UserRecord> {
        let (name, home) = match uid {
            0 => ("root", "/root"),
            1000 => ("app", "/home/app"),
            _ => return None,
        };
        Some(UserRecord { name: name.into(), uid, gid: uid, home: home.into() })
    }

    fn group_by_name(&self, name: &str) -> Option<u32> {
        (name == "www").then_some(33)
    }

    fn group_id_exists(&self, gid: u32) -> bool {
        gid == 33 || gid == 0
    }

    fn supplementary_groups(&self, user: &str) -> Vec<u32> {
        if user == "app" { vec![1000, 33] } else { Vec::new() }
    }

    fn hostname(&self) -> String {
        "box".into()
    }

    fn home_dir(&self) -> Option<String> {
        Some("/root".into())
    }

    fn cwd(&self) -> String {
        "/work".into()
    }

    fn uid(&self) -> u32 {
        self.uid
    }

    fn resolve_host(&self, name: &str) -> Option<IpAddr> {
        find_host("127.0.0.1 localhost", name)
    }

    fn plugin_exists(&self, spec: &str) -> bool {
        PLUGINS.contains(&spec)
    }
}
