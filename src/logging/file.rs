//! A log file that rotates by size, as Supervisor does it.
//!
//! Does I/O: append, rename, truncate. Invariants: a message is never split between two files; when a rotation cannot
//! be done the present file goes on; what cannot be written is counted, said once, and tried again with the next bytes.

use crate::sys::errno;
use crate::sys::fd::{self, FdKind};
use nix::errno::Errno;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// An open log file.
#[derive(Debug)]
pub struct RotatingFile {
    path: PathBuf,
    file: OwnedFd,
    /// 0 never rotates.
    maxbytes: u64,
    /// The size at which it rotates; more than `maxbytes` after a rotation that could not be done.
    rotate_at: u64,
    backups: u32,
    mode: u32,
    /// The last write failed and that has been said.
    troubled: bool,
    /// The last rotation failed and that has been said.
    is_stuck: bool,
    /// Bytes that were lost since it began to fail.
    lost: usize,
}

/// Something to tell people, at most once for each spell of trouble.
pub type Trouble = Option<String>;

impl RotatingFile {
    /// Opens for appending and creates the file where it is missing.
    ///
    /// # Errors
    /// Whatever open says.
    pub fn open(path: &Path, maxbytes: u64, backups: u32, mode: u32) -> Result<RotatingFile, Errno> {
        let file = fd::open_append(path, mode)?;
        Ok(RotatingFile {
            path: path.to_path_buf(),
            file,
            rotate_at: maxbytes,
            maxbytes,
            backups,
            mode,
            troubled: false,
            is_stuck: false,
            lost: 0,
        })
    }

    /// Rotates by these limits from now on, with the next message.
    pub fn set_limits(&mut self, maxbytes: u64, backups: u32) {
        self.maxbytes = maxbytes;
        self.rotate_at = maxbytes;
        self.backups = backups;
    }

    /// Whether this is a file with an end, which can be rotated; fifos and devices cannot.
    #[must_use]
    pub fn is_regular(&self) -> bool {
        fd::kind(self.file.as_fd()) == FdKind::Regular
    }

    /// The open file, for a sink that handles fifos and devices better.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.file
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends everything, then rotates when the size is reached. Returns how many bytes were lost, and why.
    pub fn write(&mut self, mut bytes: &[u8]) -> (usize, Trouble) {
        while !bytes.is_empty() {
            let why = match fd::write_some(self.file.as_fd(), bytes) {
                Ok(Some(n)) => {
                    bytes = bytes.get(n..).unwrap_or_default();
                    continue;
                }
                Ok(None) => "the file does not take more now",
                Err(e) => errno::words(e as i32),
            };
            self.lost = self.lost.saturating_add(bytes.len());
            return (bytes.len(), self.say(why));
        }
        self.troubled = false;
        // COMPAT: where the file ends counts, whoever else appends to it or truncates it (compat::rotation).
        if self.maxbytes > 0 && fd::position(self.file.as_fd()) >= self.rotate_at {
            return (0, self.rotate());
        }
        let again =
            || format!("log {} takes output again; {} bytes were lost", self.path.display(), self.lost);
        let trouble = (self.lost > 0).then(again);
        self.lost = 0;
        (0, trouble)
    }

    fn say(&mut self, why: &str) -> Trouble {
        let first = !std::mem::replace(&mut self.troubled, true);
        first.then(|| format!("cannot write to log {}: {why}", self.path.display()))
    }

    /// COMPAT: oldest away, each one up, the file becomes `.1`, and a new one begins; no backups: truncated.
    fn rotate(&mut self) -> Trouble {
        let done = if self.backups == 0 { self.truncate() } else { self.shift() };
        match done {
            Ok(()) => {
                self.rotate_at = self.maxbytes;
                self.is_stuck = false;
                None
            }
            Err(e) => {
                // The next try comes after as many bytes again.
                self.rotate_at = fd::position(self.file.as_fd()).saturating_add(self.maxbytes);
                let first = !std::mem::replace(&mut self.is_stuck, true);
                let path = self.path.display();
                first.then(|| format!("cannot rotate log {path}, going on with it: {e}"))
            }
        }
    }

    fn truncate(&mut self) -> Result<(), String> {
        nix::unistd::ftruncate(&self.file, 0).map_err(|e| errno::words(e as i32).to_string())
    }

    fn shift(&mut self) -> Result<(), String> {
        let said = |e: std::io::Error| errno::words(errno::of(&e)).to_string();
        for n in (1..self.backups).rev() {
            match fs::rename(self.numbered(n), self.numbered(n + 1)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(said(e)),
                _ => {}
            }
        }
        match fs::rename(&self.path, self.numbered(1)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(said(e)),
            _ => {}
        }
        let fresh = fd::open_append(&self.path, self.mode).map_err(|e| errno::words(e as i32).to_string())?;
        self.file = fresh;
        Ok(())
    }

    fn numbered(&self, n: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{n}"));
        name.into()
    }

    /// Opens the file anew by its name, after somebody has moved it away.
    ///
    /// # Errors
    /// Whatever open says; the present file goes on then.
    pub fn reopen(&mut self) -> Result<(), Errno> {
        self.file = fd::open_append(&self.path, self.mode)?;
        self.rotate_at = self.maxbytes;
        Ok(())
    }

    /// Throws away what is in the file; backups stay. COMPAT: the file goes and another takes its name, so that whoever
    /// reads the old one keeps it. Only a regular file of ours goes: what is behind a link is emptied where it is, and a
    /// device or fifo that has taken the name is left alone (trap 49).
    ///
    /// # Errors
    /// Whatever the file system says; the present file goes on then.
    pub fn clear(&mut self) -> Result<(), Errno> {
        let of = |e: std::io::Error| Errno::from_raw(errno::of(&e));
        match fs::symlink_metadata(&self.path) {
            Ok(it) if it.is_file() => {
                fs::remove_file(&self.path).map_err(of)?;
                self.reopen()
            }
            Ok(it) if it.is_symlink() && fs::metadata(&self.path).is_ok_and(|it| it.is_file()) => {
                self.reopen()?;
                nix::unistd::ftruncate(&self.file, 0)
            }
            Ok(_) => Err(Errno::EINVAL),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => self.reopen(),
            Err(e) => Err(of(e)),
        }
    }
}

#[cfg(test)]
mod tests;
