//! A control group of its own for a program whose memory is limited. cgroups(7), version 2.
//!
//! Asks the kernel by way of its files. Invariants: nothing is made where we may not write; no process is moved but into
//! a group below the one it was in, and only as PID 1, where all of them are the container's.
//! Not here: how a child enters its group (`confine`), what is said when there can be none (`daemon::memory`).

use crate::sys::boot;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where we and all others are that were in our group, once it has groups below: with limits a group has either
/// processes or groups.
const LEAF: &str = "mainstay.core";

/// BOUND: looks for processes that were forked while others were moved.
const MOVES: usize = 8;

/// Our own control group, in which groups can be made.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
}

impl Home {
    /// # Errors
    /// Why no limit can be set here.
    pub fn find() -> Result<Home, String> {
        let home = Home { dir: own_dir()? };
        home.prepare()?;
        Ok(home)
    }

    /// Lets groups below have limits of memory.
    fn prepare(&self) -> Result<(), String> {
        let shown = self.dir.display();
        let has_memory = |file: &str| {
            let words = fs::read_to_string(self.dir.join(file)).unwrap_or_default();
            words.split_whitespace().any(|word| word == "memory")
        };
        if !has_memory("cgroup.controllers") {
            return Err(format!("the control group {shown} has no memory controller"));
        }
        if has_memory("cgroup.subtree_control") {
            return Ok(());
        }
        let allow = || write(&self.dir.join("cgroup.subtree_control"), "+memory");
        match allow() {
            Err(e) if e.kind() == ErrorKind::ResourceBusy && boot::is_pid1() => self.move_down(allow),
            result => result,
        }
        .map_err(|e| format!("cannot make control groups in {shown}: {e}"))
    }

    fn move_down(&self, allow: impl Fn() -> std::io::Result<()>) -> std::io::Result<()> {
        make(&self.dir.join(LEAF))?;
        let mut result = Ok(());
        for _ in 0..MOVES {
            for pid in fs::read_to_string(self.dir.join("cgroup.procs"))?.lines() {
                // It may have ended; whoever may not be moved makes the next step fail.
                let _ = write(&self.dir.join(LEAF).join("cgroup.procs"), pid);
            }
            result = allow();
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Makes the group where it is not there, and sets the limit. Returns the file by which a process enters.
    ///
    /// # Errors
    /// Why not.
    pub fn limit(&self, name: &str, bytes: u64) -> Result<PathBuf, String> {
        let dir = self.dir.join(name);
        let set = || {
            make(&dir)?;
            let (file, limit) = (dir.join("memory.max"), bytes.to_string());
            // Lowering it below what is in use would keep us waiting for the kernel: a limit that is there is left alone.
            if fs::read_to_string(&file).is_ok_and(|there| there.trim() == limit) {
                return Ok(());
            }
            write(&file, &limit)
        };
        set().map_err(|e| format!("cannot limit the control group {}: {e}", dir.display()))?;
        Ok(dir.join("cgroup.procs"))
    }

    /// Takes it away, where nobody is in it any more.
    pub fn remove(&self, name: &str) -> bool {
        match fs::remove_dir(self.dir.join(name)) {
            Ok(()) => true,
            Err(e) => e.kind() == ErrorKind::NotFound,
        }
    }
}

/// The directory of our own group.
pub(super) fn own_dir() -> Result<PathBuf, String> {
    let read = |file: &str| fs::read_to_string(file).map_err(|e| format!("cannot read {file}: {e}"));
    let (own, mounts) = (read("/proc/self/cgroup")?, read("/proc/self/mountinfo")?);
    place(&own, &mounts)
        .ok_or_else(|| "there is no control group of version 2, or /sys/fs/cgroup is not mounted".to_owned())
}

fn make(dir: &Path) -> std::io::Result<()> {
    match fs::create_dir(dir) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// Into a file that the kernel has made: never makes one.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(file)?;
    std::io::Write::write_all(&mut file, text.as_bytes())
}

/// The directory of our group; after a restart in place we are in the leaf already.
fn place(own: &str, mounts: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let path = Path::new(path);
    let path = if path.ends_with(LEAF) { path.parent()? } else { path };
    mounts.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        if kind.split(' ').next() != Some("cgroup2") {
            return None;
        }
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        Some(Path::new(point).join(path.strip_prefix(root).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "25 1 0:23 / /proc rw - proc proc rw\n\
                          30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n";

    #[test]
    fn our_group_is_found_in_a_namespace_and_without_one() {
        let at = |own: &str, mounts: &str| place(own, mounts).map(|p| p.display().to_string());
        assert_eq!(at("0::/\n", MOUNTS).as_deref(), Some("/sys/fs/cgroup/"));
        assert_eq!(at("1:cpu:/x\n0::/pod/c\n", MOUNTS).as_deref(), Some("/sys/fs/cgroup/pod/c"));
        assert_eq!(at("0::/pod/mainstay.core\n", MOUNTS).as_deref(), Some("/sys/fs/cgroup/pod"));
        let bound = MOUNTS.replace("0:26 /", "0:26 /pod/c");
        assert_eq!(at("0::/pod/c\n", &bound).as_deref(), Some("/sys/fs/cgroup/"));
        assert_eq!(at("0::/pod/other\n", &bound), None, "it cannot be seen from here");
        assert_eq!(at("4:memory:/x\n", MOUNTS), None, "version 1");
        assert_eq!(at("0::/\n", ""), None);
    }

    /// Files as the kernel makes them, in a directory that is no control group.
    fn home(controllers: &str, subtree: &str) -> (Home, PathBuf) {
        let dir = std::env::temp_dir().join(format!("mainstay-cgroup-{}-{}", boot::own_pid(), subtree.len()));
        fs::create_dir_all(&dir).expect("a directory");
        fs::write(dir.join("cgroup.controllers"), controllers).expect("a file");
        fs::write(dir.join("cgroup.subtree_control"), subtree).expect("a file");
        (Home { dir: dir.clone() }, dir)
    }

    #[test]
    fn a_limit_is_written_and_the_group_is_taken_away() {
        let (home, dir) = home("cpu memory pids\n", "");
        assert_eq!(home.prepare(), Ok(()));
        let read = |file: &str| fs::read_to_string(dir.join(file)).expect("a file");
        assert_eq!(read("cgroup.subtree_control"), "+memory");
        fs::create_dir(dir.join("g")).expect("a directory");
        fs::write(dir.join("g/memory.max"), "max        ").expect("a file");
        assert_eq!(home.limit("g", 64 << 20), Ok(dir.join("g/cgroup.procs")));
        assert_eq!(read("g/memory.max").trim_end(), "67108864");
        assert!(!home.remove("g"), "it is in use");
        fs::remove_file(dir.join("g/memory.max")).expect("a file");
        assert!(home.remove("g") && home.remove("g"));
        let refused = home.limit("h", 1).expect_err("there is no such file");
        assert!(refused.starts_with("cannot limit the control group ") && !dir.join("h/memory.max").exists());
        fs::remove_dir_all(dir).expect("ours");
    }

    #[test]
    fn without_a_memory_controller_there_is_a_reason() {
        let (home, dir) = home("cpu pids\n", " ");
        let reason = home.prepare().expect_err("no controller");
        assert!(reason.ends_with("has no memory controller"), "{reason}");
        fs::remove_dir_all(dir).expect("ours");
    }
}
