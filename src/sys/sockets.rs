//! Listening sockets and the socket pair to the gateway.
//!
//! Asks the kernel. Invariants: close-on-exec; a socket file appears only once it is listening-ready with its final
//! mode; a live server's socket file is never taken away. Not here: what is served (`gateway`).

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, SockaddrIn6, UnixAddr, bind, connect, listen,
    setsockopt, socket, socketpair, sockopt,
};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat, umask};
use nix::unistd::{Gid, Uid, chown, unlink};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

/// BOUND: connections that wait for the gateway, as Supervisor has it.
const BACKLOG: i32 = 1024;

/// A connected pair: ours does not block, the other end does.
///
/// # Errors
/// EMFILE.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
    super::fd::set_nonblocking(ours.as_fd())?;
    Ok((ours, theirs))
}

/// Listens on a TCP address.
///
/// # Errors
/// EADDRINUSE, EACCES (a low port), EADDRNOTAVAIL.
pub fn listen_tcp(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let fd = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    match address {
        SocketAddr::V4(v4) => bind(fd.as_raw_fd(), &SockaddrIn::from(v4))?,
        SocketAddr::V6(v6) => bind(fd.as_raw_fd(), &SockaddrIn6::from(v6))?,
    }
    listen(&fd, Backlog::new(BACKLOG).unwrap_or(Backlog::MAXCONN))?;
    Ok(fd)
}

/// Listens on a socket file. One left over from a dead server is replaced, a live server's is not.
///
/// # Errors
/// EADDRINUSE when a server answers there, or the path is something else than a socket; EACCES, EROFS, ENOENT.
pub fn listen_unix(path: &Path, mode: u32, owner: Option<(u32, u32)>) -> Result<OwnedFd, Errno> {
    let address = UnixAddr::new(path)?;
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    // RACE: between bind and chmod the file has the umask's mode, so let that be private.
    let old = umask(Mode::from_bits_truncate(0o177));
    let mut bound = bind(fd.as_raw_fd(), &address);
    if bound == Err(Errno::EADDRINUSE) && is_stale(path, &address) {
        bound = unlink(path).and_then(|()| bind(fd.as_raw_fd(), &address));
    }
    umask(old);
    bound?;
    if let Some((uid, gid)) = owner {
        chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).inspect_err(|_| {
            let _ = unlink(path); // the first error is the one to tell
        })?;
    }
    fchmodat(nix::fcntl::AT_FDCWD, path, Mode::from_bits_truncate(mode), FchmodatFlags::FollowSymlink)?;
    listen(&fd, Backlog::new(BACKLOG).unwrap_or(Backlog::MAXCONN))?;
    Ok(fd)
}

/// A socket file that nobody listens behind.
fn is_stale(path: &Path, address: &UnixAddr) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    if !is_socket {
        return false;
    }
    let Ok(probe) =
        socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)
    else {
        return false;
    };
    matches!(connect(probe.as_raw_fd(), address), Err(Errno::ECONNREFUSED))
}

/// Changes the file of a socket that is listened on.
///
/// # Errors
/// EPERM when it is not ours to change.
pub fn set_owner_and_mode(path: &Path, mode: u32, owner: Option<(u32, u32)>) -> Result<(), Errno> {
    if let Some((uid, gid)) = owner {
        chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    fchmodat(nix::fcntl::AT_FDCWD, path, Mode::from_bits_truncate(mode), FchmodatFlags::FollowSymlink)
}

/// Whether a dead server's file lies at the path, which `listen_unix` would replace.
#[must_use]
pub fn is_left_over(path: &Path) -> bool {
    UnixAddr::new(path).is_ok_and(|address| is_stale(path, &address))
}
