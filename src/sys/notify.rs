//! A socket on which one program tells things by datagrams, and who sent them (`SO_PASSCRED`).
//!
//! Asks the kernel. Invariants: close-on-exec, never waits; descriptors that come with a message are never installed here:
//! there is room for the sender's credentials alone, and the kernel closes what does not fit. An abstract name needs no
//! file system, no right and no clearing up. Not here: what is told (`daemon::notify`).

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, bind, setsockopt, socket, sockopt::PassCred,
};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// One message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram {
    pub bytes: usize,
    /// Nothing of it was cut off.
    pub is_whole: bool,
    /// User id of the sender, as the kernel says.
    pub uid: Option<u32>,
}

/// A datagram socket with this abstract name.
///
/// # Errors
/// EMFILE; EADDRINUSE.
pub fn open(name: &str) -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
    // RACE: before it has a name, so that no message comes without credentials.
    setsockopt(&fd, PassCred, &true)?;
    bind(fd.as_raw_fd(), &UnixAddr::new_abstract(name.as_bytes())?)?;
    Ok(fd)
}

/// Takes one message; `None` when there is none.
///
/// # Errors
/// ENOMEM and the like.
pub fn receive(socket: BorrowedFd<'_>, into: &mut [u8]) -> Result<Option<Datagram>, Errno> {
    // As much as credentials take, aligned, and not one descriptor more.
    let mut control = [0u64; 4];
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: a msghdr of zeros is an empty one.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    let n = loop {
        // SAFETY: the message names two live buffers with their lengths.
        match Errno::result(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) }) {
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            other => break other?,
        }
    };
    let is_whole = message.msg_flags & libc::MSG_TRUNC == 0;
    Ok(Some(Datagram { bytes: usize::try_from(n).unwrap_or(0), is_whole, uid: sender(&message) }))
}

fn sender(message: &libc::msghdr) -> Option<u32> {
    // SAFETY: the kernel has filled the buffer that the message names; the first header is inside it, or null.
    unsafe {
        let head = libc::CMSG_FIRSTHDR(message).as_ref()?;
        let is_sender = head.cmsg_level == libc::SOL_SOCKET && head.cmsg_type == libc::SCM_CREDENTIALS;
        let data = libc::CMSG_DATA(std::ptr::from_ref(head)).cast::<libc::ucred>();
        is_sender.then(|| data.read_unaligned().uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{boot, fd};
    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
    use std::io::IoSlice;
    use std::os::fd::AsFd;

    fn pair(name: &str) -> (OwnedFd, OwnedFd, UnixAddr) {
        let name = format!("mainstay-test/{}/{name}", boot::own_pid());
        let client = crate::sys::datagram::unix().expect("socket");
        (open(&name).expect("open"), client, UnixAddr::new_abstract(name.as_bytes()).expect("a name"))
    }

    fn send(client: &OwnedFd, to: &UnixAddr, bytes: &[u8], files: &[i32]) {
        let control = [ControlMessage::ScmRights(files)];
        let control = if files.is_empty() { &control[..0] } else { &control[..] };
        sendmsg(client.as_raw_fd(), &[IoSlice::new(bytes)], control, MsgFlags::empty(), Some(to))
            .expect("sent");
    }

    #[test]
    fn a_message_comes_with_its_sender() {
        let (server, client, to) = pair("sender");
        let mut bytes = [0; 16];
        assert_eq!(receive(server.as_fd(), &mut bytes), Ok(None));
        send(&client, &to, b"READY=1", &[]);
        let got = receive(server.as_fd(), &mut bytes).expect("receive").expect("a message");
        assert_eq!(got, Datagram { bytes: 7, is_whole: true, uid: Some(boot::own_uid()) });
        assert_eq!(&bytes[..7], b"READY=1");
    }

    #[test]
    fn a_message_that_is_too_long_is_known() {
        let (server, client, to) = pair("long");
        send(&client, &to, &[b'x'; 100], &[]);
        let got = receive(server.as_fd(), &mut [0; 16]).expect("receive").expect("a message");
        assert!(!got.is_whole);
    }

    #[test]
    fn descriptors_that_come_along_are_closed() {
        let (server, client, to) = pair("files");
        let (read, write) = fd::pipe_for_reading().expect("pipe");
        send(&client, &to, b"FDSTORE=1", &[write.as_raw_fd()]);
        drop(write);
        let mut byte = [0];
        assert_eq!(fd::read_some(read.as_fd(), &mut byte), Ok(None), "it is on its way");
        let got = receive(server.as_fd(), &mut [0; 16]).expect("receive").expect("a message");
        assert_eq!((got.bytes, got.is_whole, got.uid), (9, true, Some(boot::own_uid())));
        assert_eq!(fd::read_some(read.as_fd(), &mut byte), Ok(Some(0)), "nobody holds it");
    }
}
