//! What a process does once about itself: subreaper, identity, directory, daemonizing.
//!
//! Asks the kernel. Not here: when and why (`daemon::boot`).

use crate::sys::child::Identity;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use std::os::fd::{AsRawFd, OwnedFd};

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

/// The path we were executed by: what a shell has found for a bare name, and not followed where it is a link.
#[must_use]
pub fn exec_name() -> Option<std::ffi::OsString> {
    use std::os::unix::ffi::OsStringExt;
    // SAFETY: getauxval only reads; AT_EXECFN is the address of a string that lives as long as the process.
    let name = unsafe {
        let address = libc::getauxval(libc::AT_EXECFN);
        if address == 0 {
            return None;
        }
        std::ffi::CStr::from_ptr(address as *const libc::c_char)
    };
    Some(std::ffi::OsString::from_vec(name.to_bytes().to_vec()))
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

/// Ask to get `signal` when our parent ends; at once, where it has ended while we asked. Bound to the thread that asks,
/// which must live as long as the process.
///
/// # Errors
/// EINVAL for no signal.
pub fn follow_parent(signal: crate::types::Signal) -> Result<(), Errno> {
    let parent = nix::unistd::getppid();
    // SAFETY: prctl with a number.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal.0, 0, 0, 0) })?;
    if nix::unistd::getppid() != parent {
        // SAFETY: a signal to ourselves.
        unsafe { libc::kill(libc::getpid(), signal.0) };
    }
    Ok(())
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
///
/// Does not return in the parent, which ends with 0 as soon as the child lets go of what it gets here, or dies.
///
/// # Errors
/// EAGAIN when there are too many processes, EMFILE.
pub fn daemonize() -> Result<OwnedFd, Errno> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: nothing has started a thread yet, so the child is a whole copy of us.
    if let nix::unistd::ForkResult::Parent { .. } = unsafe { nix::unistd::fork() }? {
        drop(write);
        // Nothing is ever written: it ends when the child has come so far.
        while nix::unistd::read(&read, &mut [0]) == Err(Errno::EINTR) {}
        // SAFETY: ends us without running anything: all that was opened, socket files too, is the child's now.
        unsafe { libc::_exit(0) };
    }
    nix::unistd::setsid()?;
    if let Ok(null) = crate::sys::fd::null() {
        for n in 0..3 {
            // SAFETY: both are open descriptors.
            unsafe { libc::dup2(null.as_raw_fd(), n) };
        }
    }
    Ok(write)
}
