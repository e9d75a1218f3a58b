//! Datagrams to a socket file: how a syslog daemon is spoken to.
//!
//! Asks the kernel. Invariants: close-on-exec; nothing here waits. Not here: what is said (`logging::syslog`), sockets
//! that listen (`sockets`).

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, socket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// A datagram socket of the unix family, connected to nobody yet.
///
/// # Errors
/// EMFILE.
pub fn unix() -> Result<OwnedFd, Errno> {
    socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)
}

/// Connects it to a socket file; a connection to another one ends. Does not wait: there is nothing to wait for.
///
/// # Errors
/// ENOENT, ECONNREFUSED, EACCES, EPROTOTYPE when a stream listens there.
pub fn connect_to(socket: &OwnedFd, path: &Path) -> Result<(), Errno> {
    connect(socket.as_raw_fd(), &UnixAddr::new(path)?)
}

/// Sends one datagram as a whole, without waiting.
///
/// # Errors
/// EAGAIN when the other side has no room now; ENOTCONN, ECONNREFUSED, EMSGSIZE.
pub fn send_whole(socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
    loop {
        match send(socket.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
            Err(Errno::EINTR) => {}
            other => return other.map(drop),
        }
    }
}
