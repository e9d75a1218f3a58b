//! Open files that travel over a unix socket beside the bytes (`SCM_RIGHTS`).
//!
//! Asks the kernel. Invariants: what arrives is close-on-exec and owned; one file goes with one piece of bytes, and
//! arrives with the first of them. Not here: what the files are for (`control`).

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Sends what fits of `bytes`, at least one, and the file with it; `None` when nothing fits now.
///
/// # Errors
/// EPIPE and the like; ETOOMANYREFS when too many files of this user are on their way.
pub fn send_with(socket: BorrowedFd<'_>, bytes: &[u8], file: BorrowedFd<'_>) -> Result<Option<usize>, Errno> {
    let files = [file.as_raw_fd()];
    let control = [ControlMessage::ScmRights(&files)];
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    loop {
        match sendmsg::<UnixAddr>(socket.as_raw_fd(), &[IoSlice::new(bytes)], &control, flags, None) {
            Ok(n) => return Ok(Some(n)),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            Err(e) => return Err(e),
        }
    }
}

/// What came beside the bytes.
#[derive(Debug)]
pub enum Beside {
    Nothing,
    File(OwnedFd),
    /// A file was sent and we had no descriptor for it.
    Lost,
}

/// Waits for bytes; 0 of them is the end.
///
/// # Errors
/// ECONNRESET and the like.
pub fn receive(socket: BorrowedFd<'_>, into: &mut [u8]) -> Result<(usize, Beside), Errno> {
    let mut space = nix::cmsg_space!(RawFd);
    loop {
        let mut parts = [IoSliceMut::new(into)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = match recvmsg::<UnixAddr>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags) {
            Err(Errno::EINTR) => continue,
            other => other?,
        };
        let mut beside = Beside::Nothing;
        match message.cmsgs() {
            Ok(all) => {
                for file in all.flat_map(files_of) {
                    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
                    beside = Beside::File(unsafe { OwnedFd::from_raw_fd(file) });
                }
            }
            Err(_) => beside = Beside::Lost,
        }
        return Ok((message.bytes, beside));
    }
}

fn files_of(message: ControlMessageOwned) -> Vec<RawFd> {
    match message {
        ControlMessageOwned::ScmRights(files) => files,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_file_arrives_with_the_first_byte_it_was_sent_with() {
        let (mut ours, theirs) = UnixStream::pair().expect("pair");
        let (mut read, write) = std::io::pipe().expect("pipe");
        ours.write_all(b"before").expect("fits");
        assert_eq!(send_with(ours.as_fd(), b"with", write.as_fd()), Ok(Some(4)));
        drop(write);
        ours.write_all(b"after").expect("fits");
        drop(ours);
        let mut bytes = [0; 64];
        let mut seen = 0;
        let mut file = None;
        loop {
            let (n, beside) = receive(theirs.as_fd(), &mut bytes).expect("receive");
            seen += n;
            if let Beside::File(fd) = beside {
                assert!((7..=10).contains(&seen), "not with its bytes, but after {seen}");
                file = Some(fd);
            }
            if n == 0 {
                break;
            }
        }
        assert_eq!(seen, 15);
        let mut pipe = std::fs::File::from(file.expect("a file"));
        pipe.write_all(b"hello").expect("it is the pipe");
        drop(pipe);
        let mut said = String::new();
        read.read_to_string(&mut said).expect("read");
        assert_eq!(said, "hello");
    }
}
