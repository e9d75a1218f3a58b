//! Looks at the container.
//!
//! Does I/O: reads /proc and the control group's files, asks the kernel about ourselves. Invariants: nothing is changed;
//! no file is waited for; whatever cannot be seen stays unknown. Not here: judging (`zombies`, `machine`), the
//! configuration (`reading`).

use super::facts::{Amount, Cgroup, Facts, Grace, Process, Rights, Stdout};
use super::{DoctorArgs, reading};
use crate::sys::cgroup_view::{Cgroups, count_of, text_of};
use crate::sys::{boot, limits, usage};
use nix::poll::{PollTimeout, poll};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// BOUND: processes that are looked at.
const MAX_PROCESSES: usize = 100_000;

/// So long a dead process may wait for its parent before it counts as a zombie.
const MOMENT_MS: u8 = 100;

const FOLDERS: [&str; 4] = ["/run", "/tmp", "/var/run", "/dev/shm"];

/// Everything that can be found out here and now.
pub(super) fn all(
    args: &DoctorArgs,
    env: &[(OsString, OsString)],
    env_text: Vec<(String, String)>,
    grace: Grace,
) -> Facts {
    let processes = processes();
    let own_pid = boot::own_pid();
    let daemon = processes.as_ref().and_then(|all| find_daemon(all, own_pid));
    let status = |pid: Option<i32>| {
        text_of(Path::new(&pid.map_or("/proc/self/status".to_owned(), |pid| format!("/proc/{pid}/status"))))
    };
    let daemon_uid = daemon.and_then(|pid| uid_of(&status(Some(pid))));
    let (nofile, nproc) = daemon.and_then(limits_of).unwrap_or_else(|| (limits::nofile(), limits::nproc()));
    let writable = |path: &str| access(path, AccessFlags::W_OK | AccessFlags::X_OK).is_ok();
    Facts {
        own_pid,
        own_uid: boot::own_uid(),
        daemon,
        daemon_uid,
        // Of this short process alone, which has no children.
        subreaper_refused: boot::become_subreaper().err().map(|e| e.desc().to_owned()),
        rights: rights_of(&status(daemon)).or_else(|| rights_of(&status(None))),
        nofile,
        nproc,
        pid_max: number(Path::new("/proc/sys/kernel/pid_max")),
        cgroup: cgroup(&Cgroups::own(Path::new("/"))),
        folders: FOLDERS.into_iter().map(|path| (path, writable(path))).collect(),
        root_is_read_only: statvfs("/").is_ok_and(|s| s.flags().contains(FsFlags::ST_RDONLY)),
        stdout: daemon.map_or(Stdout::Unknown, stdout_of),
        grace,
        configured: reading::read(args, env, env_text, daemon),
        processes,
    }
}

/// `None`: there is no /proc. Zombies are looked at twice.
fn processes() -> Option<Vec<Process>> {
    let mut all: Vec<Process> = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .take(MAX_PROCESSES)
        .filter_map(process)
        .collect();
    if all.is_empty() {
        return None;
    }
    if all.iter().any(|p| p.is_zombie) {
        let _ = poll(&mut [], PollTimeout::from(MOMENT_MS)); // a signal only makes the moment shorter
        for one in all.iter_mut().filter(|p| p.is_zombie) {
            // Another process with the same number is none that was there before.
            one.is_zombie = process(one.pid).is_some_and(|now| now == *one);
        }
    }
    Some(all)
}

fn process(pid: i32) -> Option<Process> {
    // The name in it may be anything.
    read_stat(pid, &text_of(Path::new(&format!("/proc/{pid}/stat"))))
}

/// proc(5): the name stands in parentheses and may hold some, then state and parent.
pub(super) fn read_stat(pid: i32, text: &str) -> Option<Process> {
    let (left, right) = text.rsplit_once(')')?;
    let (_, name) = left.split_once('(')?;
    let mut fields = right.split_whitespace();
    let is_zombie = fields.next()? == "Z";
    let parent = fields.next()?.parse().ok()?;
    Some(Process { pid, parent, name: crate::gateway::plain::plain(name), is_zombie })
}

/// The oldest process that runs our binary and is not part of another one: its gateway, a probe, ourselves.
fn find_daemon(all: &[Process], own_pid: i32) -> Option<i32> {
    let ours = fs::read_link("/proc/self/exe").ok()?;
    // Another user's link cannot be read, but its name can.
    let is_ours = |p: &Process| match fs::read_link(format!("/proc/{}/exe", p.pid)) {
        Ok(exe) => exe == ours,
        Err(_) => p.name == "mainstay",
    };
    let supervises = |pid: i32| {
        let words = text_of(Path::new(&format!("/proc/{pid}/cmdline")));
        supervises(&words.split('\0').collect::<Vec<_>>())
    };
    let mut daemons = all.iter().filter(|p| p.pid != own_pid && is_ours(p) && supervises(p.pid));
    // Somebody else's, seen in a shared table of processes, would have another binary.
    daemons.next().map(|p| p.pid)
}

/// Whether a command line of our binary is one that supervises.
pub(super) fn supervises(words: &[&str]) -> bool {
    let face = words.first().and_then(|w| w.rsplit('/').next()).unwrap_or_default();
    match words.get(1).copied().filter(|w| !w.is_empty()) {
        _ if matches!(face, "supervisord" | "tini" | "dumb-init" | "docker-init") => true,
        _ if face == "supervisorctl" => false,
        None => true,
        Some(word) => word.starts_with('-') || matches!(word, "run" | "init"),
    }
}

fn uid_of(status: &str) -> Option<u32> {
    field(status, "Uid:")?.split_whitespace().nth(1)?.parse().ok()
}

fn rights_of(status: &str) -> Option<Rights> {
    Some(Rights {
        capabilities: u64::from_str_radix(field(status, "CapEff:")?.trim(), 16).ok()?,
        no_new_privs: field(status, "NoNewPrivs:").is_some_and(|v| v.trim() == "1"),
        seccomp: field(status, "Seccomp:").and_then(|v| v.trim().parse().ok()).unwrap_or(0),
    })
}

fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

/// Limits of open files and of processes, soft and hard.
type Limits = ((u64, u64), (u64, u64));

fn limits_of(pid: i32) -> Option<Limits> {
    read_limits(&text_of(Path::new(&format!("/proc/{pid}/limits"))))
}

pub(super) fn read_limits(text: &str) -> Option<Limits> {
    let both = |name: &str| {
        let mut words = field(text, name)?.split_whitespace();
        let mut next = || match words.next()? {
            "unlimited" => Some(u64::MAX),
            word => word.parse().ok(),
        };
        Some((next()?, next()?))
    };
    Some((both("Max open files")?, both("Max processes")?))
}

fn cgroup(found: &Cgroups) -> Cgroup {
    let unified = found.unified.as_deref();
    // What has no limit says `max`, or in version 1 a number of bytes that nobody has.
    let limit = |path: &Path| number(path).filter(|n| *n < 1 << 60);
    let amount = |now: &str, most: &str, dir: Option<&Path>| Amount {
        now: dir.and_then(|dir| number(&dir.join(now))),
        most: dir.and_then(|dir| limit(&dir.join(most))),
    };
    let (memory, pids) = (found.legacy_of("memory"), found.legacy_of("pids").or(unified));
    Cgroup {
        has_unified: unified.is_some(),
        has_legacy: !found.legacy.is_empty(),
        kills_all: unified.and_then(|dir| number(&dir.join("memory.oom.group"))).map(|n| n == 1),
        oom_kills: found.oom_files().iter().find_map(|file| count_of(&text_of(file), "oom_kill")),
        memory: match memory {
            Some(_) => amount("memory.usage_in_bytes", "memory.limit_in_bytes", memory),
            None => amount("memory.current", "memory.max", unified),
        },
        pids: amount("pids.current", "pids.max", pids),
    }
}

fn number(path: &Path) -> Option<u64> {
    text_of(path).trim().parse().ok()
}

fn stdout_of(pid: i32) -> Stdout {
    let path = format!("/proc/{pid}/fd/1");
    let path = Path::new(&path);
    match fs::read_link(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Stdout::Closed,
        Err(_) => Stdout::Unknown,
        Ok(target) if target == Path::new("/dev/null") => Stdout::Null,
        Ok(target) if target.to_string_lossy().starts_with("pipe:") => {
            usage::pipe_fill(path).map_or(Stdout::Other, |(used, size)| Stdout::Pipe(used, size))
        }
        Ok(_) => Stdout::Other,
    }
}
