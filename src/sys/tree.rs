//! Everything that descends from a process, whatever session, group or parent it has by now.
//!
//! Reads /proc. Who descends from a process is found in four ways, together: by parents, from the process down; by its
//! process group; by having been seen as one of them before; and, for those whose parents have died and that are our
//! children now, by the mark that the process was started with (`confine`): a soft limit of file locks that nobody else
//! has. It is inherited for ever, and only somebody who sets that very limit loses it.
//! Invariants: a process that belongs to somebody else is never one of them; a signal goes to the process that was looked
//! at and not to another that has got its number since.
//! Not here: when to look (`daemon::trees`).

use crate::sys::boot;
use crate::types::{Pid, Signal};
use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{Resource, getrlimit};
use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A process, not just a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Member {
    pid: i32,
    /// When it was started, in ticks since boot.
    start: u64,
}

/// Whose tree.
pub struct Root<'a> {
    /// Its number names its group too.
    pub leader: Pid,
    /// It has not been reaped: the number is still its own.
    pub is_alive: bool,
    pub mark: u64,
    /// Who was seen in it before.
    pub known: &'a [Member],
    /// Whether a process belongs to somebody else.
    pub is_foreign: &'a dyn Fn(i32) -> bool,
}

/// BOUND: looks for new ones while a tree is killed; one that forks faster is killed at the next time.
const KILL_ROUNDS: usize = 16;

/// A mark that no other slot of any daemon in sight has. Far above every limit that somebody would set.
#[must_use]
pub fn mark(slot: u32) -> u64 {
    let own = u64::from(boot::own_pid().unsigned_abs() & 0x3f_ffff);
    1 << 62 | own << 32 | u64::from(slot)
}

/// Live members of a tree; what is dead and not reaped is none. `None` where /proc does not tell.
#[must_use]
pub fn members(root: &Root<'_>) -> Option<Vec<Member>> {
    let all = everybody()?;
    let own = boot::own_pid();
    let is_other = |s: &Seen| s.pid == own || (root.is_foreign)(s.pid);
    let is_marked = |pid: i32| mark_of(pid) == Some(root.mark);
    // The number of a leader that was reaped may be another's by now, and its group's: then the mark tells.
    let has_group = !(root.is_foreign)(root.leader.0);
    let is_of_group = |s: &Seen| {
        has_group && s.group == root.leader.0 && (root.is_alive || !marks_can_be_set() || is_marked(s.pid))
    };
    let is_first = |s: &Seen| {
        (root.is_alive && s.pid == root.leader.0)
            || is_of_group(s)
            || root.known.contains(&s.member())
            || ((s.parent == own || s.parent == 1) && is_marked(s.pid))
    };
    let mut inside: BTreeSet<i32> = BTreeSet::new();
    inside.extend(all.iter().filter(|s| !is_other(s) && is_first(s)).map(|s| s.pid));
    // A parent may have a greater number than its child.
    loop {
        let fresh = |s: &&Seen| inside.contains(&s.parent) && !inside.contains(&s.pid) && !is_other(s);
        let fresh: Vec<i32> = all.iter().filter(fresh).map(|s| s.pid).collect();
        if fresh.is_empty() {
            break;
        }
        inside.extend(fresh);
    }
    Some(all.iter().filter(|s| s.is_alive && inside.contains(&s.pid)).map(Seen::member).collect())
}

/// What became of a signal.
#[derive(Debug, Default)]
pub struct Sent {
    /// Who was there.
    pub members: Vec<Member>,
    /// Somebody got it.
    pub any: bool,
    /// Somebody was there that may not be signalled.
    pub refused: Option<Errno>,
}

/// Sends it to all members. With SIGKILL it looks again until nobody new is found. `None` where /proc does not tell.
#[must_use]
pub fn signal(root: &Root<'_>, signal: Signal) -> Option<Sent> {
    let mut sent = Sent::default();
    let rounds = if signal == Signal::KILL { KILL_ROUNDS } else { 1 };
    for _ in 0..rounds {
        let known = [root.known, &sent.members].concat();
        let fresh = members(&Root { known: &known, ..*root })?;
        let fresh: Vec<Member> = fresh.into_iter().filter(|m| !sent.members.contains(m)).collect();
        if fresh.is_empty() {
            break;
        }
        for member in fresh {
            match send(member, signal) {
                Ok(()) => sent.any = true,
                Err(Errno::ESRCH) => {}
                Err(e) => sent.refused = Some(e),
            }
            sent.members.push(member);
        }
    }
    Some(sent)
}

/// Sends it to everybody who descends from us, whoever their parents are; with SIGKILL until nobody new is found. Says
/// whether anybody was there; `None` where /proc does not tell.
#[must_use]
pub fn signal_descendants(signal: Signal) -> Option<bool> {
    let mut done: Vec<Member> = Vec::new();
    let rounds = if signal == Signal::KILL { KILL_ROUNDS } else { 1 };
    for _ in 0..rounds {
        let all = everybody()?;
        let mut inside = BTreeSet::from([boot::own_pid()]);
        loop {
            let before = inside.len();
            let fresh = all.iter().filter(|s| inside.contains(&s.parent)).map(|s| s.pid).collect::<Vec<_>>();
            inside.extend(fresh);
            if inside.len() == before {
                break;
            }
        }
        inside.remove(&boot::own_pid());
        let is_new = |m: &Member| !done.contains(m);
        let alive = all.iter().filter(|s| s.is_alive && inside.contains(&s.pid));
        let fresh: Vec<Member> = alive.map(Seen::member).filter(is_new).collect();
        if fresh.is_empty() {
            break;
        }
        for member in fresh {
            // One that has gone, or has become somebody we may not signal: either way there is nothing left to do.
            let _ = send(member, signal);
            done.push(member);
        }
    }
    Some(!done.is_empty())
}

/// RACE: the number is held first and the process looked at then, so that it is still the one that was seen.
fn send(member: Member, signal: Signal) -> Result<(), Errno> {
    let held = hold(member.pid);
    if matches!(held, Err(Errno::ESRCH)) || seen(member.pid).map(|s| s.start) != Some(member.start) {
        return Err(Errno::ESRCH);
    }
    // SAFETY: system calls on numbers; no information is given beyond the signal.
    let result = unsafe {
        match &held {
            Ok(fd) => libc::syscall(
                libc::SYS_pidfd_send_signal,
                fd.as_raw_fd(),
                signal.0,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            ),
            // Before Linux 5.3, or forbidden by a seccomp profile: the moment since the look is all there is.
            Err(_) => libc::c_long::from(libc::kill(member.pid, signal.0)),
        }
    };
    Errno::result(result).map(drop)
}

fn hold(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: takes numbers.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: it was just opened, close-on-exec as all of its kind, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A line of /proc/PID/stat, as far as it matters here.
struct Seen {
    pid: i32,
    parent: i32,
    group: i32,
    start: u64,
    is_alive: bool,
}

impl Seen {
    fn member(&self) -> Member {
        Member { pid: self.pid, start: self.start }
    }
}

/// `None` without a /proc, or with one of another PID namespace, whose numbers mean others.
fn everybody() -> Option<Vec<Seen>> {
    let ourselves = fs::read_link("/proc/self").ok()?;
    if ourselves.to_str()?.parse() != Ok(boot::own_pid()) {
        return None;
    }
    let pids = fs::read_dir("/proc").ok()?.flatten();
    let pids = pids.filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    Some(pids.filter_map(seen).collect())
}

fn seen(pid: i32) -> Option<Seen> {
    // The name in it may be anything.
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(pid, &String::from_utf8_lossy(&stat))
}

/// proc(5): field 3 is the state, 4 the parent, 5 the group, 20 the number of threads, 22 the start.
fn parse(pid: i32, stat: &str) -> Option<Seen> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |n: usize| fields.get(n - 3).copied();
    let is_dead = matches!(field(3)?, "Z" | "X");
    // The first thread may have ended before the others.
    let n_threads: u64 = field(20)?.parse().ok()?;
    Some(Seen {
        pid,
        parent: field(4)?.parse().ok()?,
        group: field(5)?.parse().ok()?,
        start: field(22)?.parse().ok()?,
        is_alive: !is_dead || n_threads > 1,
    })
}

/// Nobody has set a hard limit of file locks: programs have what we have.
#[must_use]
pub fn marks_can_be_set() -> bool {
    getrlimit(Resource::RLIMIT_LOCKS).is_ok_and(|(_, hard)| hard == u64::MAX)
}

/// The soft limit of file locks.
fn mark_of(pid: i32) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|l| l.strip_prefix("Max file locks"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_read_past_any_name() {
        let line = "7 (a ) Z b) S 1 5 5 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 1 0 987 8192000 100 18446744073709551615";
        let one = parse(7, line).expect("a line of stat");
        assert_eq!((one.parent, one.group, one.start, one.is_alive), (1, 5, 987, true));
        let dead = |threads: &str| {
            let line = format!("7 (x) Z 1 5 5 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 {threads} 0 987 0 0 0");
            parse(7, &line).map(|s| s.is_alive)
        };
        assert_eq!((dead("1"), dead("2"), parse(7, "").is_none()), (Some(false), Some(true), true));
    }

    #[test]
    fn marks_differ_by_slot_and_are_beyond_every_limit() {
        assert_ne!(mark(0), mark(1));
        assert!(mark(u32::MAX) < u64::MAX && mark(0) > 1 << 61);
    }

    #[test]
    fn who_has_got_a_number_since_gets_no_signal() {
        let own = seen(boot::own_pid()).expect("there is a /proc").member();
        assert_eq!(send(own, Signal(0)), Ok(()));
        assert_eq!(send(Member { start: own.start + 1, ..own }, Signal(0)), Err(Errno::ESRCH));
    }
}
