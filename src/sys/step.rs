//! What a child does between clone and exec, by name: for the place where it fails.
//!
//! Pure data; a child stores it without allocation. Not here: the steps themselves (`child`, `confine`), whole sentences
//! (`spawn::failure`).

use crate::sys::capabilities;
use crate::sys::limits::Kind;
use std::fmt;

/// What the child is doing when it fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    Group,
    Terminal,
    Descriptors,
    /// The limit of open files that we were started with.
    Limits,
    Cgroup,
    OomScore,
    Limit(&'static Kind),
    Nice,
    IoPriority,
    Chroot,
    /// Out of the bounding set: this one.
    Drop(u8),
    Groups,
    Gid,
    Uid,
    Capabilities,
    /// Into the ambient set: this one.
    Ambient(u8),
    NoNewPrivs,
    Directory,
    Exec,
}

impl Stage {
    /// Two halves, because a child that says it can put nothing together.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Stage::Group => ("make a process group", ""),
            Stage::Terminal => ("take the terminal", ""),
            Stage::Descriptors => ("set up standard input and output", ""),
            Stage::Limits => ("set resource limits", ""),
            Stage::Cgroup => ("enter the control group", ""),
            Stage::OomScore => ("set oom_score_adj", ""),
            Stage::Limit(kind) => ("raise the limit of ", kind.words),
            Stage::Nice => ("set the niceness", ""),
            Stage::IoPriority => ("set the I/O priority", ""),
            Stage::Chroot => ("change the root", ""),
            Stage::Drop(n) => ("drop the capability ", capabilities::name(n)),
            Stage::Groups => ("set supplementary groups", ""),
            Stage::Gid => ("set the group", ""),
            Stage::Uid => ("set the user", ""),
            Stage::Capabilities => ("set capabilities", ""),
            Stage::Ambient(n) => ("pass on the capability ", capabilities::name(n)),
            Stage::NoNewPrivs => ("set no_new_privs", ""),
            Stage::Directory => ("change to the directory", ""),
            Stage::Exec => ("execute", ""),
        }
    }
}

/// What the stage was about, for a sentence: `cannot <this>: No such file or directory`.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, more) = self.words();
        write!(f, "{words}{more}")
    }
}

/// Where the child tells what failed.
#[derive(Clone, Copy)]
pub(super) struct Failure {
    pub(super) stage: Stage,
    pub(super) errno: i32,
}
