//! Gives capabilities up: what a container runtime does before it starts the first process.
//!
//! For launchers that need one themselves, to take a mount away, and then start what is tested without it.

use crate::puppet::{die, number};
use nix::libc;

/// The most there can be; the kernel refuses those that it does not know.
const ALL: u64 = u64::MAX;

fn mask(text: &str) -> u64 {
    if text == "all" { ALL } else { 1 << number(text) }
}

/// Takes them out of the bounding set: no exec brings them back.
pub(crate) fn bound(text: &str) {
    let wanted = mask(text);
    for capability in (0..64).filter(|n| wanted & (1 << n) != 0) {
        // SAFETY: the option takes one integer and three zeros.
        let done = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        let unknown = nix::errno::Errno::last() == nix::errno::Errno::EINVAL;
        if done != 0 && !(unknown && wanted == ALL) {
            die(&format!("cap-bound {capability}: {}", nix::errno::Errno::last()));
        }
    }
}

#[repr(C)]
struct Head {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Takes them out of the effective, permitted and inheritable sets.
pub(crate) fn drop_own(text: &str) {
    let (mut head, mut sets) = own();
    let gone = mask(text).to_le_bytes();
    for (set, gone) in sets.iter_mut().zip(gone.chunks(4)) {
        let keep = !u32::from_le_bytes([gone[0], gone[1], gone[2], gone[3]]);
        set.effective &= keep;
        set.permitted &= keep;
        set.inheritable &= keep;
    }
    // SAFETY: as in `own`.
    if unsafe { libc::syscall(libc::SYS_capset, &raw mut head, sets.as_ptr()) } != 0 {
        die(&format!("cap-drop: {}", nix::errno::Errno::last()));
    }
}

fn own() -> (Head, [Sets; 2]) {
    let mut head = Head { version: 0x2008_0522, pid: 0 };
    let mut sets = [Sets { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: version 3 of the call has this head and two of these.
    if unsafe { libc::syscall(libc::SYS_capget, &raw mut head, sets.as_mut_ptr()) } != 0 {
        die(&format!("capget: {}", nix::errno::Errno::last()));
    }
    (head, sets)
}

/// How many we have and could get back, and whether an exec may give more; asked of the kernel, not of `/proc`.
pub(crate) fn rights() -> String {
    // SAFETY: the options take integers; an unknown capability is -1.
    let held = |n: i32| unsafe { libc::prctl(libc::PR_CAPBSET_READ, n, 0, 0, 0) } == 1;
    // SAFETY: the option takes four zeros.
    let sealed = unsafe { libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) };
    let permitted: u32 = own().1.iter().map(|set| set.permitted.count_ones()).sum();
    let bounding = (0..64).filter(|n| held(*n)).count();
    format!("rights permitted {permitted} bounding {bounding} no-new-privs {sealed}")
}
