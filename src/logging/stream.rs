//! A sink that may block: our own stdout or stderr, a fifo, a device.
//!
//! Does I/O without ever waiting for it. What does not fit is kept here, in order, until the descriptor takes it; whoever
//! writes here asks `is_blocked` first and waits. Our standard streams are never reopened by a path a user wrote, and
//! their open file descriptions, which others share, are never switched to non-blocking.
//! Not here: which channels wait (`daemon::output`).

use crate::sys::errno;
use crate::sys::fd::{self, FdKind};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// BOUND: bytes kept for a blocked stream before lines of our own log are dropped (programs wait instead).
const KEEP_BYTES: usize = 256 << 10;

/// BOUND: what a pipe takes without blocking once it says it is writable, if nobody is faster (PIPE_BUF).
const ATOMIC_BYTES: usize = 4096;

/// How to write without blocking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// The description is ours and non-blocking, or is a file.
    Direct,
    /// A socket: each send says that it must not block.
    Socket,
    /// A pipe shared with others: each write says that it must not block; an old kernel is asked first.
    SharedPipe,
    /// Shared and possibly blocking, a terminal mostly: ask first, then write a single byte, because "writable" promises
    /// no more than that.
    Ask,
}

/// See the module.
#[derive(Debug)]
pub struct StreamSink {
    fd: OwnedFd,
    way: Way,
    name: String,
    /// What waits, behind `done` bytes that have been written.
    pending: Vec<u8>,
    done: usize,
    troubled: bool,
}

impl StreamSink {
    /// One of our own descriptors, 1 or 2 mostly.
    ///
    /// # Errors
    /// EBADF when it is not open.
    pub fn inherited(n: RawFd) -> Result<StreamSink, Errno> {
        let copy = fd::duplicate(n)?;
        let (fd, way) = match fd::kind(copy.as_fd()) {
            // The copy shares its offset with everybody who inherited the file: nobody overwrites anybody.
            FdKind::Regular => (copy, Way::Direct),
            FdKind::Socket => (copy, Way::Socket),
            FdKind::Pipe => {
                fd::reopen_nonblocking(n).map_or((copy, Way::SharedPipe), |own| (own, Way::Direct))
            }
            _ => fd::reopen_nonblocking(n).map_or((copy, Way::Ask), |own| (own, Way::Direct)),
        };
        Ok(StreamSink::with(fd, way, format!("/dev/fd/{n}")))
    }

    /// A fifo or device that we opened by its path, non-blocking.
    #[must_use]
    pub fn opened(fd: OwnedFd, name: String) -> StreamSink {
        StreamSink::with(fd, Way::Direct, name)
    }

    fn with(fd: OwnedFd, way: Way, name: String) -> StreamSink {
        StreamSink { fd, way, name, pending: Vec::new(), done: 0, troubled: false }
    }

    /// Bytes wait for the descriptor: give it nothing more until it has taken them.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Bytes that wait.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.pending.len() - self.done
    }

    /// Whether one more line of our own log may be kept.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.kept_bytes() + bytes <= KEEP_BYTES
    }

    /// Writes, and keeps what does not fit. Returns how many bytes are lost for good, and why.
    pub fn put(&mut self, bytes: &[u8]) -> (usize, Option<String>) {
        if self.is_blocked() {
            self.pending.extend_from_slice(bytes);
            return (0, None);
        }
        match self.write_all(bytes) {
            Ok(done) => {
                self.pending.extend_from_slice(bytes.get(done..).unwrap_or_default());
                self.troubled = false;
                (0, None)
            }
            Err(e) => (bytes.len(), self.say(e)),
        }
    }

    /// Writes what was kept, as far as it goes.
    pub fn flush(&mut self) -> (usize, Option<String>) {
        let kept = self.kept_bytes();
        match self.write_all(self.pending.get(self.done..).unwrap_or_default()) {
            Ok(n) if n == kept => (self.pending, self.done) = (Vec::new(), 0),
            Ok(n) => {
                self.done += n;
                // Not each time: a slow reader takes little, and the rest may be long.
                if self.done >= self.pending.len() / 2 {
                    self.pending.drain(..self.done);
                    self.done = 0;
                }
            }
            Err(e) => {
                (self.pending, self.done) = (Vec::new(), 0);
                return (kept, self.say(e));
            }
        }
        (0, None)
    }

    /// As many bytes as go without blocking.
    fn write_all(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|r| !r.is_empty()) {
            match self.write_once(rest)? {
                Some(n) => done += n,
                None => break,
            }
        }
        Ok(done)
    }

    fn write_once(&self, bytes: &[u8]) -> Result<Option<usize>, Errno> {
        match self.way {
            Way::Direct => fd::write_some(self.fd.as_fd(), bytes),
            Way::Socket => {
                match send(self.fd.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
                    Ok(n) => Ok(Some(n)),
                    Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
                    Err(e) => Err(e),
                }
            }
            Way::SharedPipe => match fd::write_nowait(self.fd.as_fd(), bytes) {
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => self.write_if_writable(bytes, ATOMIC_BYTES),
                other => other,
            },
            Way::Ask => self.write_if_writable(bytes, 1),
        }
    }

    fn write_if_writable(&self, bytes: &[u8], most: usize) -> Result<Option<usize>, Errno> {
        if !fd::is_writable(self.fd.as_fd()) {
            return Ok(None);
        }
        fd::write_some(self.fd.as_fd(), bytes.get(..most).unwrap_or(bytes))
    }

    fn say(&mut self, e: Errno) -> Option<String> {
        let first = !std::mem::replace(&mut self.troubled, true);
        first.then(|| format!("cannot write to {}: {}", self.name, errno::words(e as i32)))
    }
}

impl AsFd for StreamSink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_does_not_fit_is_kept_in_order_and_comes_out_whole() {
        let (read, write) = fd::pipe_for_writing().expect("pipe");
        let mut sink = StreamSink::opened(write, "test".into());
        let data: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        let (first, second) = data.split_at(700_000);
        assert_eq!(sink.put(first), (0, None));
        assert!(sink.is_blocked());
        assert_eq!(sink.put(second), (0, None));
        let mut reader = std::fs::File::from(read);
        let mut seen = vec![0; 0];
        let mut part = vec![0; 50_000];
        while sink.is_blocked() {
            let n = reader.read(&mut part).expect("read");
            seen.extend_from_slice(&part[..n]);
            assert_eq!(sink.flush(), (0, None));
        }
        drop(sink);
        reader.read_to_end(&mut seen).expect("read");
        assert!(seen == data, "bytes differ");
    }

    #[test]
    fn a_slow_reader_does_not_make_us_move_the_rest_each_time() {
        let (read, write) = fd::pipe_for_writing().expect("pipe");
        let mut sink = StreamSink::opened(write, "test".into());
        let data: Vec<u8> = (0..500_000u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(sink.put(&data), (0, None));
        let mut reader = std::fs::File::from(read);
        let (mut seen, mut part, mut moves) = (Vec::new(), vec![0; 8192], 0u32);
        while sink.is_blocked() {
            let n = reader.read(&mut part).expect("read");
            seen.extend_from_slice(&part[..n]);
            let was = (sink.pending.len(), sink.done);
            assert_eq!(sink.flush(), (0, None));
            assert_eq!(sink.kept_bytes(), sink.pending.len() - sink.done);
            moves += u32::from(sink.pending.len() < was.0);
        }
        assert!((1..=20).contains(&moves), "{moves} times");
        drop(sink);
        reader.read_to_end(&mut seen).expect("read");
        assert!(seen == data, "bytes differ");
    }

    #[test]
    fn a_closed_reader_is_counted_and_said_once() {
        crate::sys::signals::set_ignored(13, true);
        let (read, write) = fd::pipe_for_writing().expect("pipe");
        let mut sink = StreamSink::opened(write, "test".into());
        drop(read);
        assert_eq!(sink.put(b"abc"), (3, Some("cannot write to test: Broken pipe".into())));
        assert_eq!(sink.put(b"abc"), (3, None));
        assert!(!sink.is_blocked());
    }
}
