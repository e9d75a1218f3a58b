//! Sockets of both families behind one name.
//!
//! Does I/O. Invariants: a stream is used by shared reference, so that one thread can serve it and another end it
//! without a second descriptor; every wait for a client has a deadline. Not here: HTTP (`http`), limits (`server`).

use crate::types::Mono;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Takes an inherited descriptor; the caller knows the family.
    ///
    /// # Errors
    /// When its flags cannot be set.
    pub fn from_fd(fd: OwnedFd, unix: bool) -> io::Result<Listener> {
        if unix {
            let listener = UnixListener::from(fd);
            listener.set_nonblocking(false)?;
            Ok(Listener::Unix(listener))
        } else {
            let listener = TcpListener::from(fd);
            listener.set_nonblocking(false)?;
            Ok(Listener::Tcp(listener))
        }
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// What accept(2) says.
    pub fn accept(&self) -> io::Result<Stream> {
        match self {
            Listener::Tcp(l) => l.accept().map(|(s, _)| Stream::Tcp(s)),
            Listener::Unix(l) => l.accept().map(|(s, _)| Stream::Unix(s)),
        }
    }
}

/// A connected socket.
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Small answers leave at once.
    pub fn hurry(&self) {
        if let Stream::Tcp(s) = self {
            // Only a matter of speed.
            let _ = s.set_nodelay(true);
        }
    }

    /// Ends both directions: whoever waits on it wakes up.
    pub fn end(&self) {
        // It fails only when the other side ended it first.
        let _ = match self {
            Stream::Tcp(s) => s.shutdown(Shutdown::Both),
            Stream::Unix(s) => s.shutdown(Shutdown::Both),
        };
    }

    /// Says that nothing more comes from us.
    pub fn end_writing(&self) {
        // It fails only when the other side ended it first.
        let _ = match self {
            Stream::Tcp(s) => s.shutdown(Shutdown::Write),
            Stream::Unix(s) => s.shutdown(Shutdown::Write),
        };
    }

    /// Whether the client has closed its end and left nothing to read. Never waits.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        use nix::errno::Errno;
        use nix::sys::socket::{MsgFlags, recv};
        let mut byte = [0u8; 1];
        match recv(self.as_fd().as_raw_fd(), &mut byte, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT) {
            Ok(n) => n == 0,
            Err(Errno::EAGAIN | Errno::EINTR) => false,
            Err(_) => true,
        }
    }

    /// Reads what comes until `deadline`; `TimedOut` when nothing came.
    ///
    /// # Errors
    /// What read(2) says.
    pub fn read_until(&self, bytes: &mut [u8], now: fn() -> Mono, deadline: Mono) -> io::Result<usize> {
        loop {
            let left = time_left(now(), deadline)?;
            let result = match self {
                Stream::Tcp(s) => s.set_read_timeout(Some(left)).and_then(|()| (&*s).read(bytes)),
                Stream::Unix(s) => s.set_read_timeout(Some(left)).and_then(|()| (&*s).read(bytes)),
            };
            match result {
                Err(e) if is_retry(&e) => {}
                other => return other,
            }
        }
    }

    fn write_until(&self, bytes: &[u8], now: fn() -> Mono, deadline: Mono) -> io::Result<usize> {
        loop {
            let left = time_left(now(), deadline)?;
            let result = match self {
                Stream::Tcp(s) => s.set_write_timeout(Some(left)).and_then(|()| (&*s).write(bytes)),
                Stream::Unix(s) => s.set_write_timeout(Some(left)).and_then(|()| send(s, bytes)),
            };
            match result {
                Err(e) if is_retry(&e) => {}
                other => return other,
            }
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Tcp(s) => s.as_fd(),
            Stream::Unix(s) => s.as_fd(),
        }
    }
}

/// Writes with a deadline for the whole, so that a client that takes a byte at a time is cut too.
#[derive(Debug)]
pub struct Outgoing<'a> {
    pub stream: &'a Stream,
    pub now: fn() -> Mono,
    pub deadline: Mono,
}

impl Write for Outgoing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write_until(bytes, self.now, self.deadline)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes to a unix socket. The standard library's own write may raise SIGPIPE there, which we do not ignore.
///
/// # Errors
/// What send(2) says.
pub fn send(socket: &UnixStream, bytes: &[u8]) -> io::Result<usize> {
    use nix::sys::socket::{MsgFlags, send};
    send(socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL)
        .map_err(|e| io::Error::from_raw_os_error(e as i32))
}

/// The same until all is written.
///
/// # Errors
/// What send(2) says; a time-out of the socket leaves a part written.
pub fn send_all(socket: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match send(socket, bytes) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// A timed-out wait says EAGAIN; the next look at the clock decides.
fn is_retry(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn time_left(now: Mono, deadline: Mono) -> io::Result<Duration> {
    match deadline.since_ns(now) {
        0 => Err(io::ErrorKind::TimedOut.into()),
        // A zero time-out would mean for ever.
        ns => Ok(Duration::from_nanos(ns).max(Duration::from_millis(1))),
    }
}
