//! Following what a server sends without an end, until Ctrl-C.
//!
//! Does I/O. Invariants: connecting and the answer's head have a deadline, what follows has none; SIGINT is held back only
//! while something is followed, and then ends that instead of the program. HTTP/1.1, since Supervisor sends nothing to a
//! client of HTTP/1.0 before the end, which never comes.
//! Not here: other requests (`client`).

use crate::ctl::address::ServerAddress;
use crate::ctl::client::{ClientError, Connection, connect, credentials};
use crate::ctl::interrupt::{Held, Woken, wait};
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// BOUND: the head of the answer.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Who ended it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    ByServer,
    ByUser,
}

/// See `Api::follow`.
pub(super) fn follow(
    address: &ServerAddress,
    path: &str,
    patience: Duration,
    out: &mut dyn Write,
) -> Result<Ended, ClientError> {
    let _held = Held::interrupt().map_err(ClientError::Broken)?;
    let mut stream = Stream::open(address, path, patience, out)?;
    while !stream.ended {
        match wait(&[stream.fd()], None).map_err(ClientError::Broken)? {
            Woken::Ready(_) => stream.ended = stream.copy(out)?,
            Woken::Signal(_) => return Ok(Ended::ByUser),
            Woken::Late => {}
        }
    }
    Ok(Ended::ByServer)
}

/// An answer that goes on for as long as the server likes.
pub(super) struct Stream {
    connection: Box<dyn Connection>,
    chunks: Option<Chunks>,
    pub(super) ended: bool,
}

impl Stream {
    /// Asks for a path, and passes on what comes with the answer's head.
    ///
    /// # Errors
    /// See `ClientError`.
    pub(super) fn open(
        address: &ServerAddress,
        path: &str,
        patience: Duration,
        out: &mut dyn Write,
    ) -> Result<Stream, ClientError> {
        let mut connection = connect(address, patience).map_err(ClientError::Connect)?;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: mainstay\r\n{}\r\n",
            credentials(address)
        );
        connection
            .write_all(head.as_bytes())
            .and_then(|()| connection.flush())
            .map_err(ClientError::Broken)?;
        let (first, chunks) = read_head(&mut *connection)?;
        connection.wait_without_limit().map_err(ClientError::Broken)?;
        let mut stream = Stream { connection, chunks, ended: false };
        stream.ended = stream.pass(&first, out)?;
        Ok(stream)
    }

    /// What to wait for.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }

    /// Passes on what has come. Whether it has ended, or nobody reads our output any more.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no body.
    pub(super) fn copy(&mut self, out: &mut dyn Write) -> Result<bool, ClientError> {
        let mut piece = [0; 16 << 10];
        match self.connection.read(&mut piece) {
            Ok(0) => Ok(true),
            Ok(n) => self.pass(piece.get(..n).unwrap_or_default(), out),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(e) => Err(ClientError::Broken(e)),
        }
    }

    fn pass(&mut self, bytes: &[u8], out: &mut dyn Write) -> Result<bool, ClientError> {
        let (text, ended) = match &mut self.chunks {
            None => (bytes.to_vec(), false),
            Some(chunks) => chunks
                .unpack(bytes)
                .ok_or_else(|| ClientError::Garbled("the size of a chunk is no number".to_owned()))?,
        };
        let gone = out.write_all(&text).and_then(|()| out.flush()).is_err();
        Ok(ended || gone)
    }
}

/// Reads the answer's head; gives what came behind it, and how it is packed.
fn read_head(stream: &mut dyn Connection) -> Result<(Vec<u8>, Option<Chunks>), ClientError> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
            let mut words = head.split_whitespace();
            return match words.nth(1).and_then(|w| w.parse().ok()) {
                Some(200) => {
                    let packed = head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked");
                    Ok((bytes.split_off(end + 4), packed.then(Chunks::default)))
                }
                Some(status) => Err(ClientError::Status(status, words.next().unwrap_or_default().to_owned())),
                None => Err(ClientError::Garbled("it does not speak HTTP".to_owned())),
            };
        }
        if bytes.len() > MAX_HEAD_BYTES {
            return Err(ClientError::Garbled("the head of its answer has no end".to_owned()));
        }
        match stream.read(&mut piece) {
            Ok(0) => return Err(ClientError::Garbled("it closed the connection".to_owned())),
            Ok(n) => bytes.extend_from_slice(piece.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(ClientError::Broken(e)),
        }
    }
}

/// Takes the sizes out of a chunked body, however it is cut.
#[derive(Default)]
struct Chunks {
    /// The line of a size, as far as it came.
    line: Vec<u8>,
    /// Bytes of the present chunk that are still to come, and of the line's end behind it.
    left: u64,
    gap: u64,
}

impl Chunks {
    /// BOUND: the line of a size.
    const MAX_LINE_BYTES: usize = 256;

    /// The bytes of the body, and whether it has ended; `None` when this is no chunked body.
    fn unpack(&mut self, mut bytes: &[u8]) -> Option<(Vec<u8>, bool)> {
        let mut text = Vec::with_capacity(bytes.len());
        while let Some((first, after)) = bytes.split_first() {
            if self.left > 0 {
                let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                let (part, rest) = bytes.split_at(n);
                text.extend_from_slice(part);
                bytes = rest;
                self.left = self.left.saturating_sub(n as u64);
                continue;
            }
            bytes = after;
            if self.gap > 0 {
                self.gap -= 1;
            } else if *first != b'\n' {
                self.line.push(*first);
                if self.line.len() > Self::MAX_LINE_BYTES {
                    return None;
                }
            } else {
                let line = String::from_utf8_lossy(&self.line).into_owned();
                let size = line.split(';').next().unwrap_or_default().trim();
                self.left = u64::from_str_radix(size, 16).ok()?;
                self.gap = 2;
                self.line.clear();
                if self.left == 0 {
                    return Some((text, true));
                }
            }
        }
        Some((text, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_unpacked_however_they_are_cut() {
        let packed = b"3\r\nabc\r\n2;x=y\r\n\r\n\r\n0B\r\n0123456789\n\r\n0\r\n\r\n";
        for cut in 0..packed.len() {
            let mut chunks = Chunks::default();
            let (first, rest) = packed.split_at(cut);
            let (mut text, ended) = chunks.unpack(first).expect("well-formed");
            if !ended {
                let (more, ended) = chunks.unpack(rest).expect("well-formed");
                text.extend(more);
                assert!(ended, "cut at {cut}");
            }
            assert_eq!(text, b"abc\r\n0123456789\n", "cut at {cut}");
        }
        assert!(Chunks::default().unpack(b"x\r\n").is_none());
        assert!(Chunks::default().unpack(&[b'0'; 300]).is_none());
    }
}
