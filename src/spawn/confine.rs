//! The limits and rights of a program, as a child sets them on itself.
//!
//! Pure. Not here: the control group and the mark of a tree, which belong to one process (`daemon`), the steps
//! (`sys::confine`).

use crate::config::model::{IoClass, IoPriority, Limits};
use crate::sys::capabilities::{self, Capabilities};
use crate::sys::carray::c_string;
use crate::sys::confine::Confinement;
use crate::sys::limits::kind;

/// `None` where there is nothing to do. With a change of the user its groups go with it.
pub(super) fn confinement(limits: &Limits, changes_user: bool) -> Option<Confinement> {
    let rlimits = limits.rlimits.iter().filter_map(|(name, soft, hard)| Some((kind(name)?, *soft, *hard)));
    let wanted = Confinement {
        cgroup: None,
        mark: None,
        oom_score_adj: limits.oom_score_adj.map(|score| c_string(&score.to_string())),
        rlimits: rlimits.collect(),
        nice: limits.nice,
        io_priority: limits.ionice.map(io_priority),
        chroot: limits.chroot.as_ref().map(|root| c_string(&root.to_string_lossy())),
        groups: limits.groups.clone().filter(|_| !changes_user),
        capabilities: capabilities(limits),
    };
    let is_something = !wanted.rlimits.is_empty()
        || wanted.oom_score_adj.is_some()
        || wanted.nice.is_some()
        || wanted.io_priority.is_some()
        || wanted.chroot.is_some()
        || wanted.groups.is_some()
        || wanted.capabilities.is_some();
    is_something.then_some(wanted)
}

/// ioprio_set(2): the class in the upper bits, the level in the lower 13.
fn io_priority(wanted: IoPriority) -> i32 {
    let (class, level) = match wanted.class {
        IoClass::Realtime => (1, wanted.level),
        IoClass::BestEffort => (2, wanted.level),
        IoClass::Idle => (3, 0),
    };
    class << 13 | i32::from(level)
}

/// What is passed on is kept too; what is dropped is neither.
fn capabilities(limits: &Limits) -> Option<Capabilities> {
    let Limits { capabilities, capabilities_drop, capabilities_ambient, .. } = limits;
    if capabilities.is_none() && capabilities_drop.is_empty() && capabilities_ambient.is_empty() {
        return None;
    }
    let dropped = capabilities::bits(capabilities_drop);
    let ambient = capabilities::bits(capabilities_ambient) & !dropped;
    let kept = capabilities.as_deref().map_or(u64::MAX, capabilities::bits);
    Some(Capabilities { keep: (kept | ambient) & !dropped, ambient })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn a_program_without_limits_is_left_alone() {
        assert!(confinement(&Limits::default(), false).is_none());
        let groups = Limits { groups: Some(vec![5]), ..Limits::default() };
        assert!(confinement(&groups, true).is_none(), "they go with the user");
        assert_eq!(confinement(&groups, false).and_then(|c| c.groups), Some(vec![5]));
    }

    #[test]
    fn what_is_passed_on_is_kept_and_what_is_dropped_is_neither() {
        let both = Limits {
            capabilities: Some(names(&["chown", "kill"])),
            capabilities_drop: names(&["kill", "net_raw"]),
            capabilities_ambient: names(&["net_bind_service", "net_raw"]),
            ..Limits::default()
        };
        assert_eq!(capabilities(&both), Some(Capabilities { keep: 1 | 1 << 10, ambient: 1 << 10 }));
        let only_dropped = Limits { capabilities_drop: names(&["chown"]), ..Limits::default() };
        assert_eq!(capabilities(&only_dropped), Some(Capabilities { keep: !1, ambient: 0 }));
        let none = Limits { capabilities: Some(Vec::new()), ..Limits::default() };
        assert_eq!(capabilities(&none), Some(Capabilities { keep: 0, ambient: 0 }));
    }

    #[test]
    fn io_priorities_are_the_kernels_numbers() {
        let of = |class, level| io_priority(IoPriority { class, level });
        assert_eq!(of(IoClass::Realtime, 0), 1 << 13);
        assert_eq!(of(IoClass::BestEffort, 4), 2 << 13 | 4);
        assert_eq!(of(IoClass::Idle, 4), 3 << 13);
    }
}
