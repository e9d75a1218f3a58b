//! What `/proc` says about processes: parents, states, markers. Reads only.

use std::fs;

/// One line of `/proc/PID/stat`, as far as tests need it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stat {
    pub pid: i32,
    pub comm: String,
    /// `R`, `S`, `D`, `Z`, `T`, ...
    pub state: char,
    pub ppid: i32,
    pub pgrp: i32,
    pub session: i32,
}

/// The process, if it is there (a zombie is).
#[must_use]
pub fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, tail) = text.rsplit_once(')')?;
    let comm = head.split_once('(')?.1.to_string();
    let mut words = tail.split_whitespace();
    let state = words.next()?.chars().next()?;
    let mut number = || words.next().and_then(|w| w.parse().ok());
    Some(Stat { pid, comm, state, ppid: number()?, pgrp: number()?, session: number()? })
}

/// Every process.
#[must_use]
pub fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter_map(|e| e.file_name().to_str().and_then(|n| n.parse().ok()))
        .filter_map(stat)
        .collect()
}

/// Direct children, zombies included.
#[must_use]
pub fn children(pid: i32) -> Vec<Stat> {
    all().into_iter().filter(|s| s.ppid == pid).collect()
}

/// Children of `pid` that are dead and not reaped.
#[must_use]
pub fn zombies(pid: i32) -> Vec<Stat> {
    children(pid).into_iter().filter(|s| s.state == 'Z').collect()
}

/// Is there a live process (not a zombie) with this pid?
#[must_use]
pub fn alive(pid: i32) -> bool {
    stat(pid).is_some_and(|s| s.state != 'Z')
}

/// Pids of live processes whose environment holds `NAME=value` exactly.
#[must_use]
pub fn with_env(name: &str, value: &str) -> Vec<i32> {
    let wanted = format!("{name}={value}");
    all()
        .into_iter()
        .filter(|s| s.state != 'Z')
        .filter(|s| {
            fs::read(format!("/proc/{}/environ", s.pid))
                .is_ok_and(|env| env.split(|b| *b == 0).any(|v| v == wanted.as_bytes()))
        })
        .map(|s| s.pid)
        .collect()
}

/// A field of `/proc/PID/status`: `SigIgn`, `Uid`, `voluntary_ctxt_switches`.
#[must_use]
pub fn status(pid: i32, field: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':').map(|v| v.trim().to_string()))
}

/// Numbers and targets of the open descriptors.
#[must_use]
pub fn fds(pid: i32) -> Vec<(i32, String)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let mut fds: Vec<(i32, String)> = entries
        .filter_map(Result::ok)
        .filter_map(|e| {
            let n = e.file_name().to_str()?.parse().ok()?;
            let to = fs::read_link(e.path()).map(|p| p.display().to_string()).unwrap_or_default();
            Some((n, to))
        })
        .collect();
    fds.sort();
    fds
}

/// Where the process stands.
#[must_use]
pub fn cwd(pid: i32) -> Option<String> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok().map(|p| p.display().to_string())
}

/// The words of its command line.
#[must_use]
pub fn cmdline(pid: i32) -> Vec<String> {
    let Ok(bytes) = fs::read(format!("/proc/{pid}/cmdline")) else { return Vec::new() };
    bytes
        .split(|b| *b == 0)
        .filter(|w| !w.is_empty())
        .map(|w| String::from_utf8_lossy(w).into_owned())
        .collect()
}
