//! A machine made of tables, for the tests of `config`.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use crate::config::diag::{Diagnostic, Diagnostics};
use crate::config::glob::{Directory, expand};
use crate::config::passwd::find_host;
use crate::config::world::{UserRecord, World};
use crate::config::{Loaded, Sources, load};

/// A zone file without transitions of its own: version 2 with a footer.
fn zone_file(rules: &str) -> Vec<u8> {
    let counts = [0, 0, 0, 0, 1, 4_u32].map(u32::to_be_bytes).concat();
    let block = [b"TZif2".as_slice(), &[0; 15], &counts, &3600_u32.to_be_bytes(), &[0, 0], b"CET\0"].concat();
    [&block, block.as_slice(), format!("\n{rules}\n").as_bytes()].concat()
}

/// Knows the zone Europe/Berlin, `root`, `app` (1000, groups 1000 and 33) and the group `www` (33); every directory exists but those under `/missing`.
#[derive(Default)]
pub(crate) struct FakeWorld {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) uid: u32,
}

impl FakeWorld {
    /// A world with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> FakeWorld {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        FakeWorld { files, uid: 0 }
    }
}

impl Directory for FakeWorld {
    fn names(&self, dir: &str) -> Vec<String> {
        let below = self.files.keys().filter_map(|path| path.strip_prefix(dir));
        below.map(|rest| rest.split('/').next().unwrap_or("").to_owned()).collect()
    }

    fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}

impl World for FakeWorld {
    fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        if path == "/usr/share/zoneinfo/Europe/Berlin" {
            return Ok(zone_file("CET-1CEST,M3.5.0,M10.5.0/3"));
        }
        self.files.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
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
        "/srv".into()
    }

    fn uid(&self) -> u32 {
        self.uid
    }

    fn resolve_host(&self, name: &str) -> Option<IpAddr> {
        find_host("127.0.0.1 localhost", name)
    }

    fn plugin_exists(&self, spec: &str) -> bool {
        crate::config::settings::PLUGINS.contains(&spec)
    }
}

/// Loads a text as the main file of that name, with these variables.
pub(crate) fn load_text(path: &str, text: &str, env: &[(&str, &str)]) -> Result<Loaded, Diagnostics> {
    let sources = Sources {
        file: Some(path.into()),
        env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ..Sources::default()
    };
    load(&sources, &FakeWorld::with(&[(path, text)]))
}

/// An INI file with an empty `[supervisord]` in front.
pub(crate) fn load_ini(text: &str) -> Result<Loaded, Diagnostics> {
    load_text("/e/s.conf", &format!("[supervisord]\n{text}"), &[("HOME", "/root")])
}

pub(crate) fn load_toml(text: &str) -> Result<Loaded, Diagnostics> {
    load_text("/e/m.toml", text, &[])
}

/// All findings, whether it loads or not.
pub(crate) fn findings(result: Result<Loaded, Diagnostics>) -> Vec<Diagnostic> {
    result.map_or_else(|found| found, |loaded| loaded.warnings).items
}

/// The groups of an INI file.
pub(crate) fn groups_of_ini(text: &str) -> Vec<crate::config::model::Group> {
    load_ini(text).expect("a good configuration").config.groups
}
