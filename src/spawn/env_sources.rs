//! Variables from files and folders: `env_file`, `env_dir`, `env_from_file`.
//!
//! Reads files, at each start, as us. Invariants: the values are nowhere but in what is returned; an error names the
//! file, never what is in it; nothing but a regular file is read, so that no pipe can hold us up.
//! Not here: the form of an `env_file` (`dotenv`), what is on top of them (`environment`).

use crate::config::model::{EnvPath, EnvSources, Program};
use crate::spawn::dotenv;
use crate::types::sort_by;
use nix::libc;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A variable, and its value; `None` takes it away.
pub(crate) type Change = (String, Option<Vec<u8>>);

/// BOUND: bytes of one file. The kernel takes 128 KiB for one variable.
const MAX_BYTES: u64 = 1 << 20;
/// BOUND: bytes of one value.
const MAX_VALUE: usize = 127 << 10;
/// BOUND: files of one folder, and variables of one program.
const MAX_FILES: usize = 1024;

/// All variables in their order: what comes later is on top.
///
/// # Errors
/// A sentence with the setting, the file, the reason and what to do.
pub(crate) fn read(sources: &EnvSources, start_dir: &Path) -> Result<Vec<Change>, String> {
    let mut all: Vec<Change> = Vec::new();
    for path in &sources.files {
        let Some(bytes) = content("env_file", path, start_dir)? else { continue };
        let found = dotenv::parse(&bytes)
            .map_err(|why| format!("cannot use env_file `{}`: {why}", path.path.display()))?;
        all.extend(found.into_iter().map(|(name, value)| (name, Some(value))));
    }
    for path in &sources.dirs {
        folder(path, start_dir, &mut all)?;
    }
    for (name, path) in &sources.from_file {
        let Some(bytes) = content("env_from_file", path, start_dir)? else { continue };
        let bytes = without_last_line_end(bytes);
        if bytes.contains(&0) {
            return Err(format!(
                "cannot use env_from_file `{}`: it contains a zero byte",
                path.path.display()
            ));
        }
        all.push((name.clone(), Some(bytes)));
    }
    let is_too_long = |change: &&Change| change.1.as_ref().is_some_and(|value| value.len() > MAX_VALUE);
    if let Some((name, _)) = all.iter().find(is_too_long) {
        return Err(format!(
            "cannot set `{name}`: its value is longer than {} KiB, more than a program can get",
            MAX_VALUE >> 10
        ));
    }
    Ok(all)
}

/// What a program's files and folders come to, for whoever asks to see secrets; what is no text is made one.
///
/// # Errors
/// As the start of the program would fail.
pub fn file_variables(program: &Program, start_dir: &Path) -> Result<Vec<(String, String)>, String> {
    let Some(sources) = &program.native.env else { return Ok(Vec::new()) };
    let mut all: Vec<(String, String)> = Vec::new();
    for (name, value) in read(sources, start_dir)? {
        all.retain(|(known, _)| *known != name);
        all.extend(value.map(|value| (name, String::from_utf8_lossy(&value).into_owned())));
    }
    Ok(all)
}

/// What is in a file; `None` where it may be missing and is.
fn content(setting: &str, path: &EnvPath, start_dir: &Path) -> Result<Option<Vec<u8>>, String> {
    match read_file(&start_dir.join(&path.path)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(why) if why.kind() == io::ErrorKind::NotFound && path.optional => Ok(None),
        Err(why) => Err(cannot(setting, &path.path, &why)),
    }
}

fn cannot(setting: &str, path: &Path, why: &io::Error) -> String {
    let hint = match why.kind() {
        io::ErrorKind::NotFound => "create it, or write `?` behind its name if it may be missing",
        io::ErrorKind::PermissionDenied => "it is read by the supervisor: let its user read it",
        _ => "write a regular file there",
    };
    // What the kernel says begins with a capital, what we say does not.
    let text = if why.raw_os_error().is_some() { why.to_string().to_lowercase() } else { why.to_string() };
    let text = text.split(" (os error").next().unwrap_or_default();
    format!("cannot read {setting} `{}`: {text}; {hint}", path.display())
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe without a writer would keep us waiting before we can see that it is one.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        let what = if meta.is_dir() { "it is a directory" } else { "it is no regular file" };
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    read_bounded(file)
}

fn read_bounded(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than is allowed tells that there is more.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it is longer than {} KiB", MAX_BYTES >> 10),
        ));
    }
    Ok(bytes)
}

/// A file for each variable. As s6-envdir does: a zero byte stands for the end of a line, and an empty file takes the
/// variable away. Names with a dot are passed over: Kubernetes keeps its own beside the secrets (`..data`).
fn folder(path: &EnvPath, start_dir: &Path, all: &mut Vec<Change>) -> Result<(), String> {
    let root = start_dir.join(&path.path);
    let entries = match std::fs::read_dir(&root) {
        Ok(entries) => entries,
        Err(why) if why.kind() == io::ErrorKind::NotFound && path.optional => return Ok(()),
        Err(why) => return Err(cannot("env_dir", &path.path, &why)),
    };
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|why| cannot("env_dir", &path.path, &why))?;
        // What is no text cannot be the name of a variable that anybody asks for.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.contains(['.', '=', '~']) {
            continue;
        }
        names.push(name);
        if names.len() > MAX_FILES {
            return Err(format!(
                "cannot use env_dir `{}`: it has more than {MAX_FILES} files",
                path.path.display()
            ));
        }
    }
    sort_by(&mut names, &|a, b| a.cmp(b));
    for name in names {
        let file = root.join(&name);
        if file.is_dir() {
            continue;
        }
        let bytes = read_file(&file).map_err(|why| cannot("env_dir", &path.path.join(&name), &why))?;
        if bytes.is_empty() {
            all.push((name, None));
            continue;
        }
        let mut bytes = without_last_line_end(bytes);
        bytes.iter_mut().filter(|b| **b == 0).for_each(|b| *b = b'\n');
        all.push((name, Some(bytes)));
    }
    Ok(())
}

fn without_last_line_end(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A folder that is removed with the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let dir = std::env::temp_dir().join(format!("mainstay-env-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&dir).expect("a folder");
            Scratch(dir)
        }

        fn file(&self, name: &str, text: &str) -> EnvPath {
            std::fs::write(self.0.join(name), text).expect("a file");
            self.path(name)
        }

        fn path(&self, name: &str) -> EnvPath {
            EnvPath { path: name.into(), optional: false }
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _gone = std::fs::remove_dir_all(&self.0);
        }
    }

    fn shown(all: &[Change]) -> Vec<String> {
        let text = |v: &Option<Vec<u8>>| {
            v.as_ref().map_or("-".to_owned(), |v| String::from_utf8_lossy(v).into_owned())
        };
        all.iter().map(|(name, value)| format!("{name}={}", text(value))).collect()
    }

    #[test]
    fn files_folders_and_single_values_come_in_their_order() {
        let s = Scratch::new("order");
        let file = s.file("a.env", "A=file\nB=file\n");
        std::fs::create_dir_all(s.0.join("dir/sub")).expect("a folder");
        s.file("dir/B", "folder\n");
        s.file("dir/NONE", "");
        s.file("dir/tls.crt", "no");
        s.file("dir/LINES", "one\ntwo\n");
        std::os::unix::fs::symlink("B", s.0.join("dir/LINK")).expect("a link");
        let token = s.file("token", "value\r\n");
        let sources = EnvSources {
            files: vec![file, EnvPath { optional: true, ..s.path("absent.env") }],
            dirs: vec![s.path("dir"), EnvPath { optional: true, ..s.path("absent") }],
            from_file: vec![
                ("T".into(), token),
                ("U".into(), EnvPath { optional: true, ..s.path("absent") }),
            ],
            ..EnvSources::default()
        };
        let all = read(&sources, &s.0).expect("good");
        assert_eq!(
            shown(&all),
            ["A=file", "B=file", "B=folder", "LINES=one\ntwo", "LINK=folder", "NONE=-", "T=value"]
        );
    }

    #[test]
    fn what_cannot_be_read_is_named_with_what_to_do() {
        let s = Scratch::new("errors");
        let bad = s.file("bad.env", "no secret here\n");
        let long = s.file("long", &"x".repeat(200 << 10));
        let huge = s.file("huge", &"x".repeat(2 << 20));
        let pipe = s.0.join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let files = |path: EnvPath| EnvSources { files: vec![path], ..EnvSources::default() };
        let one = |path: EnvPath| EnvSources { from_file: vec![("X".into(), path)], ..EnvSources::default() };
        for (sources, wants) in [
            (files(s.path("absent.env")), ["env_file `absent.env`: no such file", "write `?`"]),
            (files(bad), ["env_file `bad.env`: line 1", ""]),
            (files(s.path(".")), ["it is a directory", ""]),
            (one(s.path("pipe")), ["no regular file", ""]),
            (one(long), ["cannot set `X`", "127 KiB"]),
            (one(huge), ["longer than 1024 KiB", ""]),
            (
                EnvSources { dirs: vec![s.path("absent")], ..EnvSources::default() },
                ["env_dir `absent`", "write `?`"],
            ),
        ] {
            let why = read(&sources, &s.0).expect_err("it cannot be read");
            assert!(
                wants.iter().all(|want| why.contains(want)) && !why.contains("secret"),
                "{wants:?}: {why}"
            );
        }
    }
}
