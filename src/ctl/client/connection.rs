//! A stream to a server, of either family.
//!
//! Does I/O. Invariant: connecting has a limit, and whatever is read or written later has it too, until somebody says
//! otherwise. Not here: what is said (`client`), names (`resolve`).

use crate::ctl::address::{Place, ServerAddress};
use crate::ctl::resolve::addresses_of;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A stream of either family.
pub trait Connection: Read + Write + AsFd {
    /// From now on a read waits as long as it takes.
    ///
    /// # Errors
    /// What the operating system says.
    fn wait_without_limit(&self) -> io::Result<()>;
}

impl Connection for TcpStream {
    fn wait_without_limit(&self) -> io::Result<()> {
        self.set_read_timeout(None)
    }
}

impl AsFd for UnixClient {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Connection for UnixClient {
    fn wait_without_limit(&self) -> io::Result<()> {
        self.0.set_read_timeout(None)
    }
}

/// A unix stream that does not raise SIGPIPE when the server has closed it.
struct UnixClient(UnixStream);

impl Read for UnixClient {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Write for UnixClient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use nix::sys::socket::{MsgFlags, send};
        let sent = send(self.0.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL);
        sent.map_err(|e| io::Error::from_raw_os_error(e as i32))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Connects; every later wait is bounded too.
///
/// # Errors
/// When nobody is there, or nobody takes the connection in time.
pub fn connect(address: &ServerAddress, timeout: Duration) -> io::Result<Box<dyn Connection>> {
    match &address.place {
        Place::Unix(path) => Ok(Box::new(UnixClient(connect_unix(path, timeout)?))),
        Place::Tcp { host, port } => {
            let stream = connect_tcp(host, *port, timeout)?;
            stream.set_read_timeout(Some(timeout))?;
            stream.set_write_timeout(Some(timeout))?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
    }
}

/// Not `UnixStream::connect`: it waits for ever where the queue of a server that does not accept is full. The limit
/// for writing, set beforehand, holds for connecting as well.
pub(super) fn connect_unix(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
    let place = UnixAddr::new(path)?;
    let stream =
        UnixStream::from(socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?);
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    connect(stream.as_raw_fd(), &place)?;
    Ok(stream)
}

fn connect_tcp(host: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    for ip in addresses_of(host, timeout)? {
        let address = SocketAddr::new(ip, port);
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(e) => last = e,
        }
    }
    Err(last)
}
