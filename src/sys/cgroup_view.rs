//! Where our control groups are, and the numbers in their files; version 1 and 2, and both at once.
//!
//! Reads a few small files when asked. Invariants: nothing is written; a group that cannot be seen from here is `None`,
//! never another one. Not here: what the numbers mean (`daemon::history`, `cli::doctor`).
//!
//! See cgroups(7), proc_pid_mountinfo(5); `memory.events` and `memory.oom_control` in the kernel's own pages.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// BOUND: bytes read of one file; a host may have thousands of mounts.
const MAX_BYTES: u64 = 1 << 20;

/// The group that we move ourselves into where programs have groups of their own beside it.
const LEAF: &str = "mainstay.core";

/// The groups of one process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cgroups {
    /// Folder in the unified hierarchy.
    pub unified: Option<PathBuf>,
    /// Controller and folder, of version 1.
    pub legacy: Vec<(String, PathBuf)>,
}

/// The file system's text; empty where there is none.
#[must_use]
pub fn text_of(path: &Path) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is what there is.
    let _ = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Cgroups {
    /// Our own, seen from the root directory `root`, which is `/` but in tests.
    #[must_use]
    pub fn own(root: &Path) -> Cgroups {
        let read = |name: &str| text_of(&root.join("proc/self").join(name));
        let mut found = Cgroups::parse(&read("cgroup"), &read("mountinfo"));
        let inside = |path: &mut PathBuf| {
            if let Ok(rest) = path.strip_prefix("/") {
                *path = root.join(rest);
            }
        };
        found.unified.iter_mut().for_each(inside);
        found.legacy.iter_mut().for_each(|(_, path)| inside(path));
        found
    }

    /// From the texts of `/proc/PID/cgroup` and `/proc/PID/mountinfo`.
    #[must_use]
    pub fn parse(cgroup: &str, mountinfo: &str) -> Cgroups {
        let mounts: Vec<Mount<'_>> = mountinfo.lines().filter_map(Mount::parse).collect();
        let mut found = Cgroups::default();
        for line in cgroup.lines() {
            let mut fields = line.splitn(3, ':');
            let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            if controllers.is_empty() {
                let mount = mounts.iter().rev().find(|m| m.kind == "cgroup2");
                found.unified = mount.and_then(|m| m.place_of(path));
                continue;
            }
            for name in controllers.split(',').filter(|name| !name.starts_with("name=")) {
                let is_it = |m: &&Mount<'_>| m.kind == "cgroup" && m.options.split(',').any(|o| o == name);
                if let Some(place) = mounts.iter().rev().find(is_it).and_then(|m| m.place_of(path)) {
                    found.legacy.push((name.to_owned(), place));
                }
            }
        }
        found
    }

    /// The folder of version 1 for a controller.
    #[must_use]
    pub fn legacy_of(&self, controller: &str) -> Option<&Path> {
        self.legacy.iter().find(|(name, _)| name == controller).map(|(_, path)| path.as_path())
    }

    /// The files that may count what was killed for lack of memory: the first that is there does.
    #[must_use]
    pub fn oom_files(&self) -> Vec<PathBuf> {
        let legacy = self.legacy_of("memory").map(|dir| dir.join("memory.oom_control"));
        // In version 2 a group counts for those below it, too: our own leaf does not know of its neighbours, which have
        // the programs with limits of their own.
        let whole = self.unified.as_deref().map(|dir| match dir.parent() {
            Some(above) if dir.ends_with(LEAF) => above,
            _ => dir,
        });
        let unified = whole.map(|dir| dir.join("memory.events"));
        legacy.into_iter().chain(unified).collect()
    }
}

/// The number behind a word at the beginning of a line: `oom_kill 3`.
#[must_use]
pub fn count_of(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        if name == word { value.trim().parse().ok() } else { None }
    })
}

/// One line of mountinfo, as far as it matters.
struct Mount<'a> {
    root: String,
    point: String,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Mount<'a>> {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (root, point) = (unescaped(left.next()?), unescaped(left.next()?));
        let mut right = right.split(' ');
        let kind = right.next().filter(|kind| matches!(*kind, "cgroup" | "cgroup2"))?;
        Some(Mount { root, point, kind, options: right.nth(1).unwrap_or_default() })
    }

    /// The folder of the group `path`; `None` where this mount does not show it.
    fn place_of(&self, path: &str) -> Option<PathBuf> {
        // `/../x` is a group outside of our namespace.
        if path.split('/').any(|part| part == "..") {
            return None;
        }
        let rest = Path::new(path).strip_prefix(&self.root).ok()?;
        Some(if rest.as_os_str().is_empty() {
            PathBuf::from(&self.point)
        } else {
            Path::new(&self.point).join(rest)
        })
    }
}

/// Blanks and the like are written as `\040`.
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if let (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) = (first, tail) {
            out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = &tail[3..];
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_with_version_2_sees_its_group_at_the_mount_point() {
        let info = "1039 1034 0:27 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate\n\
            1040 1034 0:90 / /proc rw,nosuid - proc proc rw\n";
        let found = Cgroups::parse("0::/\n", info);
        assert_eq!(found.unified.as_deref(), Some(Path::new("/sys/fs/cgroup")));
        assert_eq!(found.oom_files(), [PathBuf::from("/sys/fs/cgroup/memory.events")]);
        // After a restart in place, where programs have groups beside ours.
        let leaf = Cgroups::parse("0::/mainstay.core\n", info);
        assert_eq!(leaf.oom_files(), [PathBuf::from("/sys/fs/cgroup/memory.events")]);
        // A pod's container in the host's namespace.
        let inside = Cgroups::parse("0::/kubepods.slice/a b/c\n", info);
        assert_eq!(inside.unified.as_deref(), Some(Path::new("/sys/fs/cgroup/kubepods.slice/a b/c")));
    }

    #[test]
    fn a_container_with_version_1_has_a_mount_for_each_controller() {
        let id = "/docker/0cc2";
        let info = format!(
            "641 640 0:32 {id} /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:15 - cgroup cgroup rw,memory\n\
             642 640 0:33 {id} /sys/fs/cgroup/cpu,cpuacct ro,relatime master:16 - cgroup cgroup rw,cpu,cpuacct\n\
             643 640 0:34 {id} /sys/fs/cgroup/pids\\040x ro,relatime - cgroup cgroup rw,pids\n"
        );
        let text = format!("9:name=systemd:{id}\n4:memory:{id}\n2:cpu,cpuacct:{id}\n8:pids:{id}/sub\n0::/\n");
        let found = Cgroups::parse(&text, &info);
        assert_eq!(found.unified, None);
        assert_eq!(found.legacy_of("memory"), Some(Path::new("/sys/fs/cgroup/memory")));
        assert_eq!(found.legacy_of("cpuacct"), Some(Path::new("/sys/fs/cgroup/cpu,cpuacct")));
        assert_eq!(found.legacy_of("pids"), Some(Path::new("/sys/fs/cgroup/pids x/sub")));
        assert_eq!(found.oom_files(), [PathBuf::from("/sys/fs/cgroup/memory/memory.oom_control")]);
    }

    #[test]
    fn both_at_once_prefer_the_one_that_has_the_controller() {
        let info = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        let found = Cgroups::parse("4:memory:/x/y\n0::/\n", info);
        assert_eq!(
            found.oom_files(),
            ["/sys/fs/cgroup/memory/x/y/memory.oom_control", "/sys/fs/cgroup/unified/memory.events"]
                .map(PathBuf::from)
        );
    }

    #[test]
    fn what_cannot_be_seen_from_here_is_not_guessed() {
        let info = "1039 1034 0:27 /a /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        for text in ["0::/b\n", "0::/../b\n", "0::/ab\n", "", "junk\n", "0:\n", "4:memory:/\n"] {
            assert_eq!(Cgroups::parse(text, info), Cgroups::default(), "{text:?}");
        }
        for info in ["", "junk", "1 2 3 - cgroup2", " - cgroup2 x rw"] {
            assert_eq!(Cgroups::parse("0::/\n", info), Cgroups::default(), "{info:?}");
        }
    }

    #[test]
    fn kills_are_counted_in_both_versions() {
        let v2 = "low 0\nhigh 0\nmax 12\noom 4\noom_kill 3\noom_group_kill 0\n";
        let v1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n";
        assert_eq!((count_of(v2, "oom_kill"), count_of(v1, "oom_kill")), (Some(3), Some(7)));
        assert_eq!(count_of("oom_kill_disable 0\nunder_oom 0\n", "oom_kill"), None);
        assert_eq!((count_of("oom_kill x\n", "oom_kill"), count_of("", "oom_kill")), (None, None));
    }
}
