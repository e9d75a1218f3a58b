//! What a process does once about itself: subreaper, identity, directory, daemonizing.
//!
//! Asks the kernel. Not here: when and why (`daemon::boot`).

use crate::sys::child::Identity;
use nix::errno::Errno;
use nix::libc;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};

/// Whether we are PID 1 of our PID namespace.
#[must_use]
pub fn is_pid1() -> bool {
    own_pid() == 1
}

/// Our process id.
#[must_use]
pub fn own_pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// Whether we are root in our user namespace.
#[must_use]
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Our effective user.
#[must_use]
pub fn own_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Orphans among our descendants become our children. PID 1 has them anyway.
///
/// # Errors
/// EINVAL before Linux 3.4, EPERM under a strict seccomp profile.
pub fn become_subreaper() -> Result<(), Errno> {
    nix::sys::prctl::set_child_subreaper(true)
}

/// Ask to get `signal` when our parent ends.
///
/// # Errors
/// EINVAL for no signal.
pub fn set_parent_death_signal(signal: i32) -> Result<(), Errno> {
    // SAFETY: prctl with a number.
    let result = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal, 0, 0, 0) };
    Errno::result(result).map(|_| ())
}

/// Gives up root for good.
///
/// # Errors
/// EPERM without the capability.
pub fn become_user(identity: &Identity) -> Result<(), Errno> {
    let groups: Vec<Gid> = identity.groups.iter().map(|g| Gid::from_raw(*g)).collect();
    setgroups(&groups)?;
    setgid(Gid::from_raw(identity.gid))?;
    setuid(Uid::from_raw(identity.uid))
}

/// Sets our umask and returns the old one.
pub fn set_umask(mask: u32) -> u32 {
    umask(Mode::from_bits_truncate(mask)).bits()
}

/// Goes into the background: a child in a session of its own goes on, standard streams are /dev/null.
/// True in the parent, which should end now.
///
/// # Errors
/// EAGAIN when there are too many processes; EPERM cannot happen after a fork.
pub fn daemonize() -> Result<bool, Errno> {
    // SAFETY: nothing has started a thread yet, so the child is a whole copy of us.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { .. } => Ok(true),
        nix::unistd::ForkResult::Child => {
            nix::unistd::setsid()?;
            if let Ok(null) = crate::sys::fd::null() {
                for n in 0..3 {
                    // SAFETY: both are open descriptors.
                    unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&null), n) };
                }
            }
            Ok(false)
        }
    }
}
