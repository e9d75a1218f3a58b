//! One output stream of one incarnation: from its pipe into its sink.
//!
//! Does I/O on the pipe. Invariants: what was read is in the sink (or held as an unfinished line) before more is read;
//! nothing is read while the sink is blocked. Not here: epoll, and what happens at the end of a pipe (`daemon::output`).

use crate::logging::lines::LineHolder;
use crate::logging::sinks::{Put, SinkId, Sinks};
use crate::sys::fd;
use crate::types::ProcRef;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// BOUND: bytes in one read; a pipe holds as much by default.
pub const CHUNK_BYTES: usize = 64 << 10;

/// BOUND: reads from one channel in one turn, so that a chatty program cannot starve signals.
const READS_PER_TURN: usize = 4;

/// BOUND: a pipe that is found full again and again is made this large, once.
const LARGE_PIPE_BYTES: i32 = 1 << 20;

/// Full reads in a row after which a pipe is made larger.
const FULL_READS: u8 = 8;

/// How reading went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pumped {
    /// Everything that was there.
    Dry,
    /// There may be more: come back in the next turn.
    More,
    /// All writers are gone.
    End,
    /// The sink takes nothing now.
    Blocked,
}

/// See the module.
#[derive(Debug)]
pub struct Channel {
    pub proc: ProcRef,
    pub stderr: bool,
    /// `None`: read and thrown away.
    pub sink: Option<SinkId>,
    pipe: OwnedFd,
    lines: Option<LineHolder>,
    full_reads: u8,
}

impl Channel {
    /// `whole_lines`: the sink is shared with other writers.
    #[must_use]
    pub fn new(
        proc: ProcRef,
        stderr: bool,
        pipe: OwnedFd,
        sink: Option<SinkId>,
        whole_lines: bool,
    ) -> Channel {
        let lines = whole_lines.then(LineHolder::default);
        Channel { proc, stderr, sink, pipe, lines, full_reads: 0 }
    }

    /// An unfinished line is held back.
    #[must_use]
    pub fn holds_line(&self) -> bool {
        self.lines.as_ref().is_some_and(|l| !l.is_empty())
    }

    /// Reads and writes for one turn. `seen` gets every chunk as it came, `told` every result worth telling.
    pub fn pump(
        &mut self,
        sinks: &mut Sinks,
        scratch: &mut [u8],
        seen: &mut dyn FnMut(&[u8]),
        told: &mut dyn FnMut(Put),
    ) -> Pumped {
        for _ in 0..READS_PER_TURN {
            if self.sink.is_some_and(|s| sinks.is_blocked(s)) {
                return Pumped::Blocked;
            }
            let n = match fd::read_some(self.pipe.as_fd(), scratch) {
                Ok(None) => return Pumped::Dry,
                Ok(Some(0)) | Err(_) => return Pumped::End,
                Ok(Some(n)) => n,
            };
            let bytes = scratch.get(..n).unwrap_or_default();
            seen(bytes);
            self.put(bytes, sinks, told);
            if n < scratch.len() {
                return Pumped::Dry;
            }
            self.consider_growing();
        }
        Pumped::More
    }

    fn put(&mut self, bytes: &[u8], sinks: &mut Sinks, told: &mut dyn FnMut(Put)) {
        let Some(sink) = self.sink else { return };
        let mut write = |b: &[u8]| {
            let put = sinks.put(sink, b);
            if put != Put::default() {
                told(put);
            }
        };
        match &mut self.lines {
            Some(lines) => lines.push(bytes, &mut write),
            None => write(bytes),
        }
    }

    /// Lets go of an unfinished line: the program ended, or has been silent for a while.
    pub fn release_line(&mut self, sinks: &mut Sinks, told: &mut dyn FnMut(Put)) {
        let Some(sink) = self.sink else { return };
        if let Some(lines) = &mut self.lines {
            lines.release(&mut |b| {
                let put = sinks.put(sink, b);
                if put != Put::default() {
                    told(put);
                }
            });
        }
    }

    /// A program that keeps its pipe full waits for us less often when the pipe is larger.
    fn consider_growing(&mut self) {
        self.full_reads = self.full_reads.saturating_add(1);
        if self.full_reads == FULL_READS {
            // A refusal is fine: the user's quota of pipe memory is used up.
            let _ = fd::grow_pipe(self.pipe.as_fd(), LARGE_PIPE_BYTES);
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_arrives_in_its_file_byte_for_byte() {
        let path = std::env::temp_dir().join(format!("mainstay-channel-{}", std::process::id()));
        let mut sinks = Sinks::default();
        let sink = sinks.open_file(&path, 0, 0, 0o600).expect("open");
        let (read, write) = fd::pipe_for_reading().expect("pipe");
        let mut channel = Channel::new(ProcRef { slot: 0, incarnation: 1 }, false, read, Some(sink), false);
        let data: Vec<u8> = (0..2_000_000u32).map(|n| (n % 251) as u8).collect();
        let writer = std::thread::spawn({
            let data = data.clone();
            move || std::io::Write::write_all(&mut std::fs::File::from(write), &data)
        });
        let mut scratch = vec![0; CHUNK_BYTES];
        let mut seen = 0;
        loop {
            let pumped =
                channel.pump(&mut sinks, &mut scratch, &mut |b| seen += b.len(), &mut |p| panic!("{p:?}"));
            if pumped == Pumped::End {
                break;
            }
        }
        writer.join().expect("thread").expect("write");
        assert_eq!(seen, data.len());
        assert!(std::fs::read(&path).expect("read") == data, "bytes differ");
        std::fs::remove_file(&path).expect("remove");
    }

    #[test]
    fn nothing_is_read_while_the_sink_is_blocked() {
        let mut sinks = Sinks::default();
        let folder = std::env::temp_dir().join(format!("mainstay-fifo-{}", std::process::id()));
        nix::unistd::mkfifo(&folder, nix::sys::stat::Mode::S_IRWXU).expect("fifo");
        let reader = std::fs::OpenOptions::new().read(true).write(true).open(&folder).expect("fifo");
        let sink = sinks.open_file(&folder, 0, 0, 0o600).expect("open");
        let put = sinks.put(sink, &vec![b'x'; 200_000]);
        assert!(put.blocked);
        let (read, write) = fd::pipe_for_reading().expect("pipe");
        let mut channel = Channel::new(ProcRef { slot: 0, incarnation: 1 }, false, read, Some(sink), true);
        fd::write_some(write.as_fd(), b"hello\n").expect("write");
        let mut scratch = vec![0; CHUNK_BYTES];
        let mut pump = || channel.pump(&mut sinks, &mut scratch, &mut |_| panic!("read"), &mut |_| {});
        assert_eq!(pump(), Pumped::Blocked);
        drop(reader);
        std::fs::remove_file(&folder).expect("remove");
    }
}
