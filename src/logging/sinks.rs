//! All open sinks, each once: two programs that write to one file share it, or a rotation by one would mislead the other.
//!
//! Does I/O. Invariant: a sink lives as long as somebody holds its id. Not here: who writes (`channel`, the journal).

use crate::logging::file::RotatingFile;
use crate::logging::stream::StreamSink;
use crate::logging::syslog::SyslogSink;
use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// Names an open sink.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SinkId(u32);

impl SinkId {
    /// For a token of the loop.
    #[must_use]
    pub fn index(self) -> u32 {
        self.0
    }

    #[must_use]
    pub fn from_index(index: u32) -> SinkId {
        SinkId(index)
    }
}

#[derive(PartialEq, Eq, Debug)]
enum Key {
    File(PathBuf),
    Fd(i32),
    Syslog,
}

#[derive(Debug)]
enum Sink {
    File(RotatingFile),
    Stream(StreamSink),
    Syslog(SyslogSink),
}

impl Sink {
    fn put(&mut self, bytes: &[u8]) -> Put {
        let (lost, trouble) = match self {
            Sink::File(file) => file.write(bytes),
            Sink::Stream(stream) => stream.put(bytes),
            Sink::Syslog(syslog) => syslog.put(bytes),
        };
        Put { lost, trouble, blocked: self.is_blocked() }
    }

    fn flush(&mut self) -> Put {
        let (lost, trouble) = match self {
            Sink::File(_) => return Put::default(),
            Sink::Stream(stream) => stream.flush(),
            Sink::Syslog(syslog) => syslog.flush(),
        };
        Put { lost, trouble, blocked: self.is_blocked() }
    }

    fn is_blocked(&self) -> bool {
        self.kept_bytes() > 0
    }

    fn kept_bytes(&self) -> usize {
        match self {
            Sink::File(_) => 0,
            Sink::Stream(stream) => stream.kept_bytes(),
            Sink::Syslog(syslog) => syslog.kept_bytes(),
        }
    }

    fn has_room(&self, bytes: usize) -> bool {
        match self {
            Sink::File(_) => true,
            Sink::Stream(stream) => stream.has_room(bytes),
            Sink::Syslog(syslog) => syslog.has_room(bytes),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Sink::File(_) => None,
            Sink::Stream(stream) => Some(stream.as_fd()),
            Sink::Syslog(syslog) => syslog.fd(),
        }
    }
}

#[derive(Debug)]
struct Entry {
    key: Key,
    holders: u32,
    sink: Sink,
    /// A full disk has taken the beginning of a line, and nothing since.
    torn: bool,
}

/// What became of bytes that were put somewhere.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Put {
    /// Bytes that are gone.
    pub lost: usize,
    /// Why, when it has not been said yet.
    pub trouble: Option<String>,
    /// The sink takes nothing more for now.
    pub blocked: bool,
}

/// The table.
#[derive(Default, Debug)]
pub struct Sinks {
    entries: Vec<Option<Entry>>,
}

impl Sinks {
    /// Opens a file by its path (which may turn out to be a fifo or a device), or joins those who have it open.
    ///
    /// # Errors
    /// Whatever open says.
    pub fn open_file(
        &mut self,
        path: &Path,
        maxbytes: u64,
        backups: u32,
        mode: u32,
    ) -> Result<SinkId, Errno> {
        let key = Key::File(path.to_path_buf());
        if let Some(id) = self.join(&key) {
            return Ok(id);
        }
        let file = RotatingFile::open(path, maxbytes, backups, mode)?;
        let sink = if file.is_regular() {
            Sink::File(file)
        } else {
            Sink::Stream(StreamSink::opened(file.into_fd(), path.display().to_string()))
        };
        Ok(self.add(key, sink))
    }

    /// One of our own descriptors.
    ///
    /// # Errors
    /// EBADF.
    pub fn open_stream(&mut self, fd: i32) -> Result<SinkId, Errno> {
        let key = Key::Fd(fd);
        if let Some(id) = self.join(&key) {
            return Ok(id);
        }
        let sink = StreamSink::inherited(fd)?;
        Ok(self.add(key, Sink::Stream(sink)))
    }

    /// The syslog daemon, one message for each `put`. `ident` is who speaks; the first one counts. Cannot fail: it is
    /// looked for with each message.
    pub fn open_syslog(&mut self, ident: &str) -> SinkId {
        self.join(&Key::Syslog).unwrap_or_else(|| {
            let sink = SyslogSink::new(PathBuf::from("/dev/log"), ident.to_string());
            self.add(Key::Syslog, Sink::Syslog(sink))
        })
    }

    /// One more holder of the same sink.
    pub fn hold(&mut self, id: SinkId) {
        if let Some(Some(entry)) = self.entries.get_mut(id.0 as usize) {
            entry.holders += 1;
        }
    }

    fn join(&mut self, key: &Key) -> Option<SinkId> {
        let at = self.entries.iter().position(|e| e.as_ref().is_some_and(|e| e.key == *key))?;
        let id = SinkId(u32::try_from(at).ok()?);
        self.hold(id);
        Some(id)
    }

    fn add(&mut self, key: Key, sink: Sink) -> SinkId {
        let entry = Some(Entry { key, holders: 1, sink, torn: false });
        let at = self.entries.iter().position(Option::is_none).unwrap_or(self.entries.len());
        match self.entries.get_mut(at) {
            Some(free) => *free = entry,
            None => self.entries.push(entry),
        }
        SinkId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Gives a sink back; the last one closes it. A stream that still keeps bytes stays until it has taken them.
    pub fn release(&mut self, id: SinkId) {
        if let Some(Some(entry)) = self.entries.get_mut(id.0 as usize) {
            entry.holders = entry.holders.saturating_sub(1);
        }
        self.close_if_done(id);
    }

    /// Closes a sink that nobody holds and that keeps nothing.
    pub fn close_if_done(&mut self, id: SinkId) {
        if let Some(slot) = self.entries.get_mut(id.0 as usize)
            && slot.as_ref().is_some_and(|e| e.holders == 0 && !e.sink.is_blocked())
        {
            *slot = None;
        }
    }

    fn look(&self, id: SinkId) -> Option<&Sink> {
        self.entries.get(id.0 as usize).and_then(Option::as_ref).map(|e| &e.sink)
    }

    fn sink(&mut self, id: SinkId) -> Option<&mut Sink> {
        self.entries.get_mut(id.0 as usize).and_then(Option::as_mut).map(|e| &mut e.sink)
    }

    /// Writes everything, or keeps it where the sink blocks.
    pub fn put(&mut self, id: SinkId, bytes: &[u8]) -> Put {
        let gone = Put { lost: bytes.len(), ..Put::default() };
        let Some(Some(entry)) = self.entries.get_mut(id.0 as usize) else { return gone };
        let put = entry.sink.put(bytes);
        if let Some(last) = bytes.len().checked_sub(put.lost + 1) {
            entry.torn = put.lost > 0 && bytes.get(last) != Some(&b'\n');
        }
        put
    }

    /// The same for whole records, which begin on a line of their own whatever was cut off before.
    pub fn put_records(&mut self, id: SinkId, records: &[u8]) -> Put {
        let is_torn = self.entries.get(id.0 as usize).and_then(Option::as_ref).is_some_and(|e| e.torn);
        if !is_torn {
            return self.put(id, records);
        }
        let put = self.put(id, &[b"\n", records].concat());
        Put { lost: put.lost.min(records.len()), ..put }
    }

    /// Continues with a blocked sink.
    pub fn flush(&mut self, id: SinkId) -> Put {
        self.sink(id).map(Sink::flush).unwrap_or_default()
    }

    /// Whether it may be a descriptor shared with other writers, where lines have to be kept whole.
    #[must_use]
    pub fn is_stream(&self, id: SinkId) -> bool {
        matches!(self.look(id), Some(Sink::Stream(_)))
    }

    /// Whether more than one writer has it.
    #[must_use]
    pub fn is_shared(&self, id: SinkId) -> bool {
        self.entries.get(id.0 as usize).and_then(Option::as_ref).is_some_and(|e| e.holders > 1)
    }

    /// Whether people look at it as it is.
    #[must_use]
    pub fn is_terminal(&self, id: SinkId) -> bool {
        matches!(self.look(id), Some(Sink::Stream(s)) if crate::sys::fd::kind(s.as_fd()) == crate::sys::fd::FdKind::Terminal)
    }

    #[must_use]
    pub fn is_blocked(&self, id: SinkId) -> bool {
        self.look(id).is_some_and(Sink::is_blocked)
    }

    /// Whether a line of our own log may still be kept for a blocked sink.
    #[must_use]
    pub fn has_room(&self, id: SinkId, bytes: usize) -> bool {
        self.look(id).is_some_and(|sink| sink.has_room(bytes))
    }

    /// The descriptor to wait for when the sink is blocked.
    #[must_use]
    pub fn fd(&self, id: SinkId) -> Option<BorrowedFd<'_>> {
        self.look(id)?.fd()
    }

    /// Whether any sink is blocked; cheap, because there are few streams.
    #[must_use]
    pub fn any_stream_blocked(&self) -> bool {
        self.entries.iter().flatten().any(|e| e.sink.is_blocked())
    }

    /// Every blocked sink.
    pub fn blocked(&self) -> Vec<SinkId> {
        let ids = (0..self.entries.len()).filter_map(|n| u32::try_from(n).ok()).map(SinkId);
        ids.filter(|id| self.is_blocked(*id)).collect()
    }

    /// Opens every file anew by its name. Returns a sentence for each that could not be.
    pub fn reopen_files(&mut self) -> Vec<String> {
        let mut troubles = Vec::new();
        for entry in self.entries.iter_mut().flatten() {
            if let Sink::File(file) = &mut entry.sink
                && let Err(e) = file.reopen()
            {
                let words = crate::sys::errno::words(e as i32);
                troubles
                    .push(format!("cannot reopen log {}, going on with it: {words}", file.path().display()));
            }
        }
        troubles
    }

    /// Throws away what is in a log file. What is no file has nothing to be thrown away.
    ///
    /// # Errors
    /// Whatever the file system says; the present file goes on then.
    pub fn clear(&mut self, id: SinkId) -> Result<(), Errno> {
        match self.sink(id) {
            Some(Sink::File(file)) => file.clear(),
            _ => Ok(()),
        }
    }

    /// When a log file is rotated from now on. What is no file never is.
    pub fn set_limits(&mut self, id: SinkId, maxbytes: u64, backups: u32) {
        if let Some(Sink::File(file)) = self.sink(id) {
            file.set_limits(maxbytes, backups);
        }
    }

    /// Bytes that blocked streams still keep.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.entries.iter().flatten().map(|e| e.sink.kept_bytes()).sum()
    }

    /// No sink is open: everybody gave back what they had.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.iter().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_stream_outlives_its_last_holder_until_it_has_taken_everything() {
        let path = std::env::temp_dir().join(format!("mainstay-outlives-{}", std::process::id()));
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("fifo");
        let mut reader = std::fs::OpenOptions::new().read(true).write(true).open(&path).expect("fifo");
        let mut sinks = Sinks::default();
        let id = sinks.open_file(&path, 0, 0, 0o600).expect("open");
        assert!(sinks.put(id, &[b'x'; 100_000]).blocked);
        sinks.release(id);
        assert!(!sinks.is_empty() && sinks.kept_bytes() > 0);
        let mut seen = 0;
        let mut part = [0; 4096];
        while seen < 100_000 {
            seen += std::io::Read::read(&mut reader, &mut part).expect("read");
            sinks.flush(id);
        }
        sinks.close_if_done(id);
        assert!(sinks.is_empty());
        std::fs::remove_file(&path).expect("remove");
    }

    #[test]
    fn one_path_is_opened_once_and_closed_with_its_last_holder() {
        let path = std::env::temp_dir().join(format!("mainstay-sinks-{}", std::process::id()));
        let mut sinks = Sinks::default();
        let a = sinks.open_file(&path, 0, 0, 0o600).expect("open");
        let b = sinks.open_file(&path, 0, 0, 0o600).expect("open");
        assert_eq!(a, b);
        sinks.release(a);
        assert_eq!(sinks.put(b, b"x"), Put::default());
        sinks.release(b);
        assert!(sinks.is_empty());
        assert_eq!(sinks.put(b, b"x").lost, 1, "a closed sink takes nothing, and says so");
        std::fs::remove_file(&path).expect("remove");
    }
}
