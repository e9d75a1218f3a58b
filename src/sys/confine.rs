//! Limits and rights that a child sets on itself before it becomes its program.
//!
//! `enter` runs between clone and exec: raw system calls, no allocation, no panic path. Invariant: everything here is a
//! property of the child alone, though it shares our memory: limits, niceness, root and credentials are not memory, and a
//! child of vfork has an oom_score_adj of its own.
//! Order: what needs /sys or /proc comes before the new root, what needs root before the change of the user.
//! Not here: what a configuration means (`spawn::confine`), the other steps and their order (`child`).

use crate::sys::capabilities::{self, Capabilities};
use crate::sys::limits::Kind;
use crate::sys::step::{Failure, Stage};
use nix::errno::Errno;
use nix::libc;
use std::ffi::{CStr, CString};

/// Everything prepared; the default changes nothing.
#[derive(Default)]
pub struct Confinement {
    /// `cgroup.procs` of the control group to be in.
    pub cgroup: Option<CString>,
    /// The number, as text.
    pub oom_score_adj: Option<CString>,
    /// What the process and all that descend from it can be found by (`tree`).
    pub mark: Option<u64>,
    /// Soft and hard; `u64::MAX` is unlimited.
    pub rlimits: Vec<(&'static Kind, u64, u64)>,
    pub nice: Option<i32>,
    /// Class and level as ioprio_set(2) wants them.
    pub io_priority: Option<i32>,
    pub chroot: Option<CString>,
    /// Supplementary groups, where the user stays who we are.
    pub groups: Option<Vec<u32>>,
    pub capabilities: Option<Capabilities>,
}

/// ioprio_set(2): one process.
const IOPRIO_WHO_PROCESS: libc::c_int = 1;

fn check(stage: Stage, result: libc::c_long) -> Result<(), Failure> {
    if result < 0 { Err(Failure { stage, errno: Errno::last_raw() }) } else { Ok(()) }
}

/// In the child, while it may do everything that we may.
pub(super) fn enter(wanted: &Confinement) -> Result<(), Failure> {
    if let Some(file) = &wanted.cgroup {
        write(file, c"0").map_err(|errno| Failure { stage: Stage::Cgroup, errno })?;
    }
    if let Some(score) = &wanted.oom_score_adj {
        let file = c"/proc/self/oom_score_adj";
        write(file, score).map_err(|errno| Failure { stage: Stage::OomScore, errno })?;
    }
    if let Some(value) = wanted.mark {
        mark(value);
    }
    for (kind, soft, hard) in &wanted.rlimits {
        let limit = libc::rlimit64 { rlim_cur: *soft, rlim_max: *hard };
        check(Stage::Limit(kind), prlimit(kind.number, Some(&limit), None))?;
    }
    // SAFETY: system calls on numbers, and on a string that lives in the plan.
    unsafe {
        if let Some(nice) = wanted.nice {
            check(Stage::Nice, libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice))?;
        }
        if let Some(priority) = wanted.io_priority {
            let set = libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, priority);
            check(Stage::IoPriority, set)?;
        }
        if let Some(root) = &wanted.chroot {
            check(Stage::Chroot, libc::chroot(root.as_ptr()).into())?;
            check(Stage::Chroot, libc::chdir(c"/".as_ptr()).into())?;
        }
    }
    if let Some(wanted) = wanted.capabilities {
        capabilities::confine(wanted)?;
    }
    if let Some(groups) = &wanted.groups {
        // SAFETY: a live array and its length. Not the C library's: that would ask every thread to follow.
        let set = unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) };
        check(Stage::Groups, set)?;
    }
    Ok(())
}

fn prlimit(resource: i32, new: Option<&libc::rlimit64>, old: Option<&mut libc::rlimit64>) -> libc::c_long {
    let new = new.map_or(std::ptr::null(), std::ptr::from_ref);
    let old = old.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: each is null or a live value of the form that the kernel wants.
    unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, new, old) }
}

/// A child inherits limits, whoever it becomes, and no kernel since 2.4 looks at the one of file locks: a soft one that
/// nobody else has says whose a process is. Where somebody has set a hard one, there is no mark.
fn mark(value: u64) {
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    // The numbers of resources are of another type with another C library.
    let locks = libc::RLIMIT_LOCKS as i32;
    if prlimit(locks, None, Some(&mut limit)) == 0 && limit.rlim_max == u64::MAX {
        limit.rlim_cur = value;
        prlimit(locks, Some(&limit), None);
    }
}

/// Writes a small text into a file of the kernel's. The number of an error otherwise.
fn write(file: &CStr, text: &CStr) -> Result<(), i32> {
    let text = text.to_bytes();
    // SAFETY: strings that live in the plan or the program; the descriptor is closed again, in a table of our own.
    unsafe {
        let fd = libc::open(file.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if fd < 0 {
            return Err(Errno::last_raw());
        }
        let written = libc::write(fd, text.as_ptr().cast(), text.len());
        let errno = Errno::last_raw();
        libc::close(fd);
        if written < 0 { Err(errno) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::carray::{CArray, c_string};
    use crate::sys::child::{ExecPlan, Identity, Launched, Spawner};
    use crate::sys::fd;
    use crate::sys::limits::kind;
    use crate::sys::signals::SignalState;
    use nix::sys::wait::waitpid;
    use nix::unistd::Pid;
    use std::os::fd::{AsFd, AsRawFd};

    /// What a shell says that was confined so, and how its start went.
    fn shell(script: &str, confinement: Confinement, identity: Option<Identity>) -> (Launched, String) {
        let (read, write) = fd::pipe_for_reading().expect("pipe");
        let argv = ["sh", "-c", script].iter().map(|w| c_string(w)).collect();
        let envp = CArray::new(vec![c_string("PATH=/usr/bin:/bin")]);
        let plan = ExecPlan {
            stdio: [None, Some(write.as_raw_fd()), None],
            confinement: Some(Box::new(confinement)),
            identity,
            ..ExecPlan::new(c_string("/bin/sh"), CArray::new(argv), envp)
        };
        let none = SignalState { mask: crate::sys::signals::empty_set(), ignored: 0 };
        let launched = Spawner::new(none).spawn(&plan).expect("a fork");
        drop(write);
        waitpid(Pid::from_raw(launched.pid.0), None).expect("it is our child");
        // All of it is in the pipe; no end is waited for, because a child of another test may hold it for a moment.
        let mut said = [0; 4096];
        let n = fd::read_some(read.as_fd(), &mut said).unwrap_or_default().unwrap_or_default();
        (launched, String::from_utf8_lossy(&said[..n]).into_owned())
    }

    fn is_root() -> bool {
        let root = nix::unistd::geteuid().is_root();
        if !root {
            println!("skipped: needs root");
        }
        root
    }

    #[test]
    fn limits_and_priorities_are_the_childs_alone() {
        let own = std::fs::read_to_string("/proc/self/oom_score_adj").expect("there is a /proc");
        let wanted = Confinement {
            oom_score_adj: Some(c_string("700")),
            mark: Some(77),
            rlimits: vec![
                (kind("core").expect("known"), 0, 0),
                (kind("nofile").expect("known"), 99, 199),
                (kind("stack").expect("known"), 1 << 20, u64::MAX),
            ],
            nice: Some(7),
            io_priority: Some(3 << 13),
            ..Confinement::default()
        };
        let script = "cat /proc/self/oom_score_adj; ulimit -Sn; ulimit -Hn; ulimit -Ss; nice; ionice; \
                      grep locks /proc/self/limits";
        let (launched, said) = shell(script, wanted, None);
        assert_eq!(launched.failed, None);
        let words: Vec<&str> = said.split_whitespace().collect();
        assert_eq!(words[..6], ["700", "99", "199", "1024", "7", "idle"], "{said}");
        assert_eq!(words[6..11], ["Max", "file", "locks", "77", "unlimited"], "{said}");
        assert_eq!(std::fs::read_to_string("/proc/self/oom_score_adj").expect("still"), own);
    }

    #[test]
    fn what_may_not_be_raised_is_named() {
        let nofile = kind("nofile").expect("known");
        let (launched, said) = shell(
            "echo ran",
            Confinement { rlimits: vec![(nofile, u64::MAX, u64::MAX)], ..Confinement::default() },
            None,
        );
        // Above fs.nr_open nobody may go.
        assert_eq!((launched.failed, said.as_str()), (Some((Stage::Limit(nofile), libc::EPERM)), ""));
        assert_eq!(Stage::Limit(nofile).to_string(), "raise the limit of open files");
        let (launched, _) = shell(
            "echo ran",
            Confinement { oom_score_adj: Some(c_string("5000")), ..Confinement::default() },
            None,
        );
        assert_eq!(launched.failed, Some((Stage::OomScore, libc::EINVAL)));
        let (launched, _) = shell(
            "echo ran",
            Confinement { chroot: Some(c_string("/no/such")), ..Confinement::default() },
            None,
        );
        assert_eq!(launched.failed, Some((Stage::Chroot, libc::ENOENT)));
        let (launched, _) = shell(
            "echo ran",
            Confinement { cgroup: Some(c_string("/no/such/cgroup.procs")), ..Confinement::default() },
            None,
        );
        assert_eq!(launched.failed, Some((Stage::Cgroup, libc::ENOENT)));
    }

    const SETS: &str = "grep -E '^Cap' /proc/self/status";
    const NET_BIND: u64 = 1 << 10;

    fn set(said: &str, name: &str) -> u64 {
        let line = said.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':')).expect("the set");
        u64::from_str_radix(line.trim(), 16).expect("a number")
    }

    fn confined(keep: u64, ambient: u64) -> Confinement {
        Confinement { capabilities: Some(Capabilities { keep, ambient }), ..Confinement::default() }
    }

    #[test]
    fn another_user_has_what_is_passed_on_and_nothing_else() {
        if !is_root() {
            return;
        }
        let nobody = || Some(Identity { uid: 4321, gid: 4321, groups: vec![17, 4] });
        let (launched, said) =
            shell(&format!("{SETS}; id -u; id -G"), confined(NET_BIND, NET_BIND), nobody());
        assert_eq!(launched.failed, None);
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(set(&said, name), NET_BIND, "{name} in {said}");
        }
        assert!(said.ends_with("4321\n4321 4 17\n"), "{said}");
        let (launched, said) = shell(SETS, confined(NET_BIND, 0), nobody());
        assert_eq!(launched.failed, None);
        let sets = ["CapPrm", "CapEff", "CapAmb", "CapBnd"].map(|name| set(&said, name));
        assert_eq!(sets, [0, 0, 0, NET_BIND], "{said}");
    }

    #[test]
    fn root_is_left_with_what_is_kept() {
        if !is_root() {
            return;
        }
        let (launched, said) = shell(SETS, confined(NET_BIND | 1, 0), None);
        assert_eq!(launched.failed, None);
        let sets = ["CapPrm", "CapEff", "CapAmb", "CapBnd"].map(|name| set(&said, name));
        assert_eq!(sets, [NET_BIND | 1, NET_BIND | 1, 0, NET_BIND | 1], "{said}");
        let (_, said) = shell(SETS, confined(0, 0), None);
        assert_eq!((set(&said, "CapEff"), set(&said, "CapBnd")), (0, 0), "{said}");
    }

    #[test]
    fn what_we_do_not_have_cannot_be_passed_on() {
        let own = std::fs::read_to_string("/proc/self/status").expect("there is a /proc");
        let Some(missing) = (0..41).find(|n| set(&own, "CapPrm") & 1 << n == 0) else {
            return println!("skipped: we have all");
        };
        let (launched, said) = shell("echo ran", confined(u64::MAX, 1 << missing), None);
        assert_eq!((launched.failed, said.as_str()), (Some((Stage::Ambient(missing), libc::EPERM)), ""));
    }

    #[test]
    fn a_child_enters_a_control_group() {
        let name = format!("mainstay.test.{}", std::process::id());
        let group = crate::sys::cgroup::own_dir().map(|dir| dir.join(&name));
        let Some(group) = group.ok().filter(|group| std::fs::create_dir(group).is_ok()) else {
            return println!("skipped: no control group can be made here");
        };
        let file = group.join("cgroup.procs");
        let wanted =
            Confinement { cgroup: Some(c_string(&file.to_string_lossy())), ..Confinement::default() };
        let (launched, said) = shell("cat /proc/self/cgroup", wanted, None);
        std::fs::remove_dir(&group).expect("nobody is left in it");
        assert_eq!(launched.failed, None);
        assert!(said.lines().any(|l| l.starts_with("0::") && l.ends_with(&name)), "{said}");
    }

    #[test]
    fn groups_are_set_without_a_change_of_the_user() {
        if !is_root() {
            return;
        }
        let wanted = Confinement { groups: Some(vec![5, 3]), ..Confinement::default() };
        let (launched, said) = shell("id -G", wanted, None);
        assert_eq!((launched.failed, said.as_str()), (None, "0 3 5\n"));
    }
}
