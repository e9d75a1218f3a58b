//! sd_notify from the puppet: what it says on $NOTIFY_SOCKET.

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, sendto, socket};
use std::os::fd::AsRawFd;

/// Sends one message; `\n` in it is written as backslash and n.
///
/// # Errors
/// There is no such socket, or nobody reads from it.
pub fn say(text: &str) -> Result<(), String> {
    let name = std::env::var("NOTIFY_SOCKET").map_err(|e| format!("NOTIFY_SOCKET: {e}"))?;
    let to = match name.strip_prefix('@') {
        Some(name) => UnixAddr::new_abstract(name.as_bytes()),
        None => UnixAddr::new(name.as_str()),
    };
    let fd = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None);
    let message = text.replace("\\n", "\n");
    let sent = to.and_then(|to| sendto(fd?.as_raw_fd(), message.as_bytes(), &to, MsgFlags::empty()));
    sent.map(drop).map_err(|e| format!("cannot send to {name}: {e}"))
}
