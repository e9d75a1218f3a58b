//! The wire form: a little-endian u32 length, then a u64 id and the body in postcard's encoding.
//!
//! Sans-IO: bytes in, frames out. Invariant: a reader never holds more than one frame's limit of bytes.

use serde::{Serialize, de::DeserializeOwned};
use std::fmt;

/// BOUND: one frame. A snapshot of 10,000 processes is about 4 MiB.
pub const MAX_FRAME_BYTES: usize = 16 << 20;

/// Why a stream of frames cannot go on.
#[derive(Debug, PartialEq, Eq)]
pub enum FrameError {
    TooLarge(usize),
    Malformed(String),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLarge(n) => {
                write!(f, "cannot take a frame of {n} bytes: the limit is {MAX_FRAME_BYTES}")
            }
            FrameError::Malformed(why) => write!(f, "cannot decode a frame: {why}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// One frame ready to be sent.
///
/// # Errors
/// When the body is larger than `MAX_FRAME_BYTES` or cannot be encoded.
pub fn encode<T: Serialize>(id: u64, body: &T) -> Result<Vec<u8>, FrameError> {
    let start = vec![0u8; 4];
    let mut bytes =
        postcard::to_extend(&(id, body), start).map_err(|e| FrameError::Malformed(e.to_string()))?;
    let len = bytes.len() - 4;
    if len > MAX_FRAME_BYTES {
        return Err(FrameError::TooLarge(len));
    }
    let head = u32::try_from(len).map_err(|_| FrameError::TooLarge(len))?;
    bytes[..4].copy_from_slice(&head.to_le_bytes());
    Ok(bytes)
}

/// Puts frames together from whatever pieces the socket gives.
#[derive(Default, Debug)]
pub struct FrameReader {
    buffer: Vec<u8>,
}

impl FrameReader {
    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` until more bytes come.
    ///
    /// # Errors
    /// After an error the stream is useless: close it.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<Option<(u64, T)>, FrameError> {
        let Some(head) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let len = u32::from_le_bytes(*head) as usize;
        if len > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge(len));
        }
        let Some(body) = self.buffer.get(4..4 + len) else { return Ok(None) };
        let frame = postcard::from_bytes(body).map_err(|e| FrameError::Malformed(e.to_string()))?;
        self.buffer.drain(..4 + len);
        if self.buffer.is_empty() {
            self.buffer.shrink_to(4096);
        }
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Command, Request, Target};

    #[test]
    fn frames_survive_any_cut() {
        let all = [
            Request::Ping,
            Request::Snapshot { numbers: true },
            Request::Command(Command::Start { target: Target::Group("web".into()), wait: true }),
        ];
        let mut wire = Vec::new();
        for (i, r) in all.iter().enumerate() {
            wire.extend(encode(i as u64, r).expect("small"));
        }
        for cut in 0..wire.len() {
            let mut reader = FrameReader::default();
            let mut seen = Vec::new();
            for part in [&wire[..cut], &wire[cut..]] {
                reader.push(part);
                while let Some((id, r)) = reader.take::<Request>().expect("well-formed") {
                    seen.push((id, r));
                }
            }
            let want: Vec<_> = all.iter().cloned().enumerate().map(|(i, r)| (i as u64, r)).collect();
            assert_eq!(seen, want, "cut at {cut}");
        }
    }

    #[test]
    fn a_giant_length_is_refused_before_it_is_read() {
        let mut reader = FrameReader::default();
        reader.push(&u32::MAX.to_le_bytes());
        assert_eq!(reader.take::<Request>(), Err(FrameError::TooLarge(u32::MAX as usize)));
    }
}
