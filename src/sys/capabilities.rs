//! Capabilities: their names, and the calls that take them away and pass them on. capabilities(7).
//!
//! `confine` and `pass_on` run between clone and exec: raw system calls, no allocation, no panic path.
//! Not here: who gets which (`spawn::confine`), the order of all steps (`child`).

use crate::sys::step::{Failure, Stage};
use crate::types::CAPABILITIES;
use nix::errno::Errno;
use nix::libc;

/// Which capabilities a program is left with. Bit n is capability n.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// All others go, for good.
    pub keep: u64,
    /// What it has also as another user than root; part of `keep`.
    pub ambient: u64,
}

/// The name of a number; empty for one that we do not know.
#[must_use]
pub fn name(number: u8) -> &'static str {
    CAPABILITIES.get(usize::from(number)).copied().unwrap_or_default()
}

/// The bits of these names. Unknown ones have none: they were refused when the configuration was read.
#[must_use]
pub fn bits(names: &[String]) -> u64 {
    names.iter().filter_map(|name| CAPABILITIES.iter().position(|n| n == name)).fold(0, |all, n| all | 1 << n)
}

fn bit(number: u8) -> u64 {
    1 << number
}

/// BOUND: the kernel has room for so many.
const MOST: u8 = 64;

/// Takes what is not kept out of the bounding set, while we still may. Not even a set-user-id program gets it back.
pub(super) fn confine(wanted: Capabilities) -> Result<(), Failure> {
    for number in (0..MOST).filter(|n| wanted.keep & bit(*n) == 0) {
        let n = libc::c_ulong::from(number);
        // SAFETY: a question about a number.
        match unsafe { libc::prctl(libc::PR_CAPBSET_READ, n, 0, 0, 0) } {
            0 => continue,
            // The kernel knows no more.
            -1 => break,
            // SAFETY: takes a number.
            _ if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, n, 0, 0, 0) } == 0 => {}
            _ => return Err(Failure { stage: Stage::Drop(number), errno: Errno::last_raw() }),
        }
    }
    Ok(())
}

/// A change of the user leaves the permitted ones alone, once. Without it there would be nothing to pass on.
pub(super) fn keep_over_a_change_of_user() -> Result<(), Failure> {
    // SAFETY: takes a number.
    if unsafe { libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0) } == 0 {
        return Ok(());
    }
    Err(Failure { stage: Stage::Capabilities, errno: Errno::last_raw() })
}

/// capset(2), version 3.
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// The lower and the upper 32 of the three sets of a process.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const VERSION_3: u32 = 0x2008_0522;

/// As the user that the program runs as: what is not kept goes, what is ambient outlives the exec.
pub(super) fn pass_on(wanted: Capabilities) -> Result<(), Failure> {
    let check = |stage, result: libc::c_long| match result {
        0 => Ok(()),
        _ => Err(Failure { stage, errno: Errno::last_raw() }),
    };
    let mut header = Header { version: VERSION_3, pid: 0 };
    let mut halves = [Half::default(); 2];
    // SAFETY: both are live locals of the form that this version has.
    let got = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
    check(Stage::Capabilities, got)?;
    let [low, high] = &mut halves;
    let both = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let permitted = both(low.permitted, high.permitted);
    if let Some(missing) = (0..MOST).find(|n| wanted.ambient & !permitted & bit(*n) != 0) {
        return Err(Failure { stage: Stage::Ambient(missing), errno: libc::EPERM });
    }
    for (half, shift) in [(low, 0), (high, 32)] {
        // Each half has its 32 bits.
        let (keep, ambient) = ((wanted.keep >> shift) as u32, (wanted.ambient >> shift) as u32);
        half.permitted &= keep;
        half.effective = (half.effective & keep) | ambient;
        half.inheritable = (half.inheritable & keep) | ambient;
    }
    // SAFETY: as above; the kernel only reads.
    let set = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, halves.as_ptr()) };
    check(Stage::Capabilities, set)?;
    for number in (0..MOST).filter(|n| wanted.ambient & bit(*n) != 0) {
        let n = libc::c_ulong::from(number);
        // SAFETY: takes numbers.
        let raised = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, n, 0, 0) };
        check(Stage::Ambient(number), raised.into())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_the_kernels() {
        let of = |name: &str| bits(&[name.to_owned()]);
        assert_eq!((of("chown"), of("net_bind_service"), of("sys_admin")), (1, 1 << 10, 1 << 21));
        assert_eq!((of("checkpoint_restore"), of("no_such")), (1 << 40, 0));
        assert_eq!((name(10), name(63)), ("net_bind_service", ""));
    }
}
