//! The sentence for a step between clone and exec that failed: what, on what, why, and what to do.
//!
//! Pure. Not here: Supervisor's words on the program's own stderr (`sys::complaint`).

use crate::config::model::{Limits, Program};
use crate::sys::child::Stage;
use crate::sys::errno;
use nix::libc;

/// What could not be done, without its `cannot`; and advice.
#[must_use]
pub fn told(program: &Program, stage: Stage, error: i32) -> (String, Option<&'static str>) {
    let object = object(program, stage);
    (format!("{stage}{object}: {}", errno::words(error)), hint(stage, error))
}

fn object(program: &Program, stage: Stage) -> String {
    let limits = program.native.limits.as_deref();
    let of = |text: &dyn Fn(&Limits) -> Option<String>| limits.and_then(text).unwrap_or_default();
    match stage {
        Stage::Directory => {
            program.directory.as_ref().map(|d| format!(" `{}`", d.display())).unwrap_or_default()
        }
        Stage::Exec => format!(" `{}`", program.command),
        Stage::Uid | Stage::Gid | Stage::Groups => {
            program.user.as_ref().map(|u| format!(" `{}`", u.text)).unwrap_or_default()
        }
        Stage::Limit(kind) => of(&|l| {
            let (_, soft, hard) = l.rlimits.iter().find(|(name, ..)| name == kind.name)?;
            Some(if soft == hard {
                format!(" to {}", number(*soft))
            } else {
                format!(" to {}:{}", number(*soft), number(*hard))
            })
        }),
        Stage::Nice => of(&|l| Some(format!(" to {}", l.nice?))),
        Stage::OomScore => of(&|l| Some(format!(" to {}", l.oom_score_adj?))),
        Stage::Chroot => of(&|l| Some(format!(" to `{}`", l.chroot.as_ref()?.display()))),
        Stage::Group
        | Stage::Terminal
        | Stage::Descriptors
        | Stage::Limits
        | Stage::Cgroup
        | Stage::IoPriority
        | Stage::Drop(_)
        | Stage::Capabilities
        | Stage::Ambient(_)
        | Stage::NoNewPrivs => String::new(),
    }
}

fn number(limit: u64) -> String {
    if limit == u64::MAX { "unlimited".to_owned() } else { limit.to_string() }
}

/// What lets the step succeed. `None` where the sentence says it all.
fn hint(stage: Stage, error: i32) -> Option<&'static str> {
    let is_forbidden = error == libc::EPERM || error == libc::EACCES;
    match stage {
        Stage::OomScore if error == libc::ENOENT => Some("it is set by way of /proc: mount it"),
        Stage::Limit(_) if is_forbidden => Some(
            "the hard limit is lower, and only the capability SYS_RESOURCE may raise it: raise it for the container \
             (`docker run --ulimit`), or ask for less",
        ),
        Stage::OomScore if is_forbidden => {
            Some("less than what the container has needs the capability SYS_RESOURCE")
        }
        Stage::Nice | Stage::IoPriority if is_forbidden => {
            Some("a higher priority needs the capability SYS_NICE")
        }
        Stage::Exec if error == libc::EAGAIN => {
            Some("its user has more processes than the limit allows: raise `rlimit_nproc`")
        }
        Stage::Chroot if error == libc::EPERM => Some("it needs the capability SYS_CHROOT"),
        Stage::Drop(_) if error == libc::EPERM => Some(
            "it needs the capability SETPCAP; a container can drop it for everybody (`docker run --cap-drop`)",
        ),
        Stage::Ambient(_) if error == libc::EPERM => {
            Some("we do not have it ourselves: give it to the container (`docker run --cap-add`)")
        }
        _ => None,
    }
}
