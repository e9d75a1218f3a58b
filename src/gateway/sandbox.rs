//! Takes away what the gateway does not need, before it reads the first byte from the network.
//!
//! Does I/O: changes ids and limits of this process, for good. Invariants: called while there is one thread (ids are
//! per thread in the kernel); a refusal is no reason to stop, because without root there is nothing to drop.
//! Not here: limits of a single client (`server`, `http`).

use crate::sys::malloc;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};

/// BOUND: descriptors of the gateway. Listeners, the link, and every connection of a few listeners.
pub const MAX_FDS: u64 = 256;

/// BOUND: address space. Stacks of all connections, a snapshot of 10,000 processes and its text fit easily.
pub const MAX_ADDRESS_SPACE: u64 = 256 << 20;

/// Enters the sandbox.
///
/// # Errors
/// When ids were to be dropped and the kernel refused for another reason than a missing right.
pub fn enter(drop_to: Option<(u32, u32)>) -> Result<(), Errno> {
    malloc::keep_small();
    for (resource, most) in [
        (Resource::RLIMIT_NOFILE, MAX_FDS),
        (Resource::RLIMIT_AS, MAX_ADDRESS_SPACE),
        (Resource::RLIMIT_CORE, 0),
    ] {
        lower(resource, most);
    }
    if let Some((uid, gid)) = drop_to {
        become_user(Uid::from_raw(uid), Gid::from_raw(gid))?;
    }
    // Since Linux 3.5; without it the sandbox is a little weaker, nothing else.
    let _ = prctl::set_no_new_privs();
    Ok(())
}

/// Groups first: without root they can no longer be changed.
fn become_user(uid: Uid, gid: Gid) -> Result<(), Errno> {
    for step in [setgroups(&[gid]), setgid(gid), setuid(uid)] {
        match step {
            // In a user namespace, or without CAP_SETUID: we stay who we are.
            Ok(()) | Err(Errno::EPERM | Errno::EINVAL | Errno::ENOSYS) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn lower(resource: Resource, most: u64) {
    if let Ok((_, hard)) = getrlimit(resource) {
        let limit = most.min(hard);
        // Lowering needs no right; where it fails the other bounds still hold.
        let _ = setrlimit(resource, limit, limit);
    }
}
