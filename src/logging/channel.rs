//! One output stream of one incarnation: from its pipe, through its filters, into its sinks.
//!
//! Does I/O on the pipe. Invariants: what was read is in the sink (or held as an unfinished line) before more is read;
//! nothing is read while the sink is blocked. Not here: epoll, and what happens at the end of a pipe (`daemon::output`).

use crate::logging::filters::{Filters, Piece};
use crate::logging::lines::{LineHolder, Run};
use crate::logging::outlet::Outlet;
use crate::logging::sinks::{Put, SinkId, Sinks};
use crate::logging::tally::{Tally, newlines};
use crate::sys::fd;
use crate::types::{Mono, Now, ProcRef};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// BOUND: bytes in one read; a pipe holds as much by default.
pub const CHUNK_BYTES: usize = 64 << 10;

/// BOUND: reads from one channel in one turn, so that a chatty program cannot starve signals.
const READS_PER_TURN: usize = 4;

/// BOUND: a pipe that is found full again and again is made this large, once.
const LARGE_PIPE_BYTES: i32 = 1 << 20;

/// Full reads in a row after which a pipe is made larger.
const FULL_READS: u8 = 8;

/// BOUND: room that is kept for the next line to syslog; a longer one makes its own.
const KEPT_BYTES: usize = 512;

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

/// What a channel works with.
pub struct Tools<'a> {
    pub sinks: &'a mut Sinks,
    /// Its program's.
    pub tally: &'a mut Tally,
    pub now: Now,
}

/// Where a channel's bytes go, and what is done to them on the way.
#[derive(Default, Debug)]
pub struct Plan {
    /// `None`: read and thrown away.
    pub sink: Option<SinkId>,
    /// The sink is shared with other writers.
    pub whole_lines: bool,
    /// And lines that are whole where the sink has other writers: COMPAT: not in an INI file, whose bytes go as they come.
    pub whole_among_others: bool,
    pub filters: Option<Box<Filters>>,
    /// Each line goes to syslog too, behind this name.
    pub syslog: Option<(SinkId, String)>,
    /// Somebody wants every byte as it was read (a listener's answers).
    pub raw: bool,
    /// In place of writing the bytes as they are.
    pub outlet: Option<Box<Outlet>>,
}

/// A communication that a program sent in capture mode.
#[derive(PartialEq, Eq, Debug)]
pub struct Captured {
    pub proc: ProcRef,
    pub stderr: bool,
    pub data: Vec<u8>,
}

/// What came of reading.
#[derive(Debug)]
pub enum News<'a> {
    /// Output as it was read, before anything is done to it; only where the plan asks for it.
    Raw(&'a [u8]),
    /// Output, captured or not, as it is after the filters.
    Output(&'a [u8]),
    Captured(Captured),
    /// The program has ended within a communication of so many bytes.
    Unfinished(usize),
    /// Something worth telling about a sink.
    Put(Put),
}

/// See the module.
#[derive(Debug)]
pub struct Channel {
    pub proc: ProcRef,
    pub stderr: bool,
    sink: Option<SinkId>,
    pipe: OwnedFd,
    lines: Option<LineHolder>,
    whole_lines: bool,
    whole_among_others: bool,
    filters: Option<Box<Filters>>,
    syslog: Option<Box<Syslog>>,
    raw: bool,
    outlet: Option<Box<Outlet>>,
    full_reads: u8,
}

/// Lines on their way to syslog.
#[derive(Debug)]
struct Syslog {
    sink: SinkId,
    /// `name line`; the name stays.
    message: Vec<u8>,
    name_bytes: usize,
    lines: LineHolder,
}

impl Syslog {
    fn new((sink, name): (SinkId, String)) -> Box<Syslog> {
        let message = format!("{name} ").into_bytes();
        Box::new(Syslog { sink, name_bytes: message.len(), message, lines: LineHolder::default() })
    }

    fn push(&mut self, bytes: &[u8], sinks: &mut Sinks, told: &mut dyn FnMut(News<'_>)) {
        let Syslog { sink, message, name_bytes, lines } = self;
        lines.push(bytes, &mut |run| send_lines(run.bytes(), *sink, message, *name_bytes, sinks, told));
    }

    fn release(&mut self, sinks: &mut Sinks, told: &mut dyn FnMut(News<'_>)) {
        let Syslog { sink, message, name_bytes, lines } = self;
        lines.release(&mut |run| send_lines(run.bytes(), *sink, message, *name_bytes, sinks, told));
    }
}

/// One message for each line, without its end.
fn send_lines(
    run: &[u8],
    sink: SinkId,
    message: &mut Vec<u8>,
    name_bytes: usize,
    sinks: &mut Sinks,
    told: &mut dyn FnMut(News<'_>),
) {
    for line in run.strip_suffix(b"\n").unwrap_or(run).split(|b| *b == b'\n') {
        message.truncate(name_bytes);
        message.extend_from_slice(line);
        put(sink, message, sinks, told);
    }
    message.truncate(name_bytes);
    message.shrink_to(KEPT_BYTES);
}

fn put(sink: SinkId, bytes: &[u8], sinks: &mut Sinks, told: &mut dyn FnMut(News<'_>)) {
    let put = sinks.put(sink, bytes);
    if put != Put::default() {
        told(News::Put(put));
    }
}

impl Channel {
    #[must_use]
    pub fn new(proc: ProcRef, stderr: bool, pipe: OwnedFd, plan: Plan) -> Channel {
        let Plan { sink, whole_lines, whole_among_others, filters, syslog, raw, outlet } = plan;
        // A file may be shared later, by whoever is started then.
        let lines = (sink.is_some() && outlet.is_none()).then(LineHolder::default);
        let syslog = syslog.map(Syslog::new);
        Channel {
            proc,
            stderr,
            sink,
            pipe,
            lines,
            whole_lines,
            whole_among_others,
            filters,
            syslog,
            raw,
            outlet,
            full_reads: 0,
        }
    }

    /// An unfinished line is held back.
    #[must_use]
    pub fn holds_line(&self) -> bool {
        let held = |lines: &LineHolder| !lines.is_empty();
        self.lines.as_ref().is_some_and(held)
            || self.outlet.as_ref().is_some_and(|o| o.holds_line())
            || self.syslog.as_ref().is_some_and(|s| held(&s.lines))
    }

    /// When something that is not there has to be told of in the log.
    #[must_use]
    pub fn due(&self) -> Option<Mono> {
        self.outlet.as_ref().and_then(|o| o.due())
    }

    /// It goes on reading, but has something to write as soon as its sink takes it.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.outlet.as_ref().is_some_and(|o| o.is_behind())
    }

    /// Its log.
    pub fn log(&self) -> Option<SinkId> {
        self.sink
    }

    /// All sinks it writes to.
    pub fn sinks(&self) -> impl Iterator<Item = SinkId> + '_ {
        self.sink.into_iter().chain(self.syslog.as_ref().map(|s| s.sink))
    }

    /// Reads and writes for one turn. `told` gets what came of it, in order.
    pub fn pump(
        &mut self,
        tools: &mut Tools<'_>,
        scratch: &mut [u8],
        told: &mut dyn FnMut(News<'_>),
    ) -> Pumped {
        self.catch_up(tools, told);
        for _ in 0..READS_PER_TURN {
            if !self.drops() && self.sinks().any(|s| tools.sinks.is_blocked(s)) {
                return Pumped::Blocked;
            }
            let n = match fd::read_some(self.pipe.as_fd(), scratch) {
                Ok(None) => return Pumped::Dry,
                // What is kept for the sink goes first.
                Ok(Some(0)) | Err(_) if self.is_behind() => return Pumped::Blocked,
                Ok(Some(0)) | Err(_) => return Pumped::End,
                Ok(Some(n)) => n,
            };
            let bytes = scratch.get(..n).unwrap_or_default();
            tools.tally.count(bytes);
            if self.raw {
                told(News::Raw(bytes));
            }
            match self.filters.take() {
                None => self.write(bytes, tools, told),
                Some(mut filters) => {
                    filters.push(bytes, &mut |piece| self.take(piece, tools, told));
                    self.filters = Some(filters);
                }
            }
            if n < scratch.len() {
                return Pumped::Dry;
            }
            self.consider_growing();
        }
        Pumped::More
    }

    fn drops(&self) -> bool {
        self.outlet.as_ref().is_some_and(|o| o.drops())
    }

    fn take(&mut self, piece: Piece<'_>, tools: &mut Tools<'_>, told: &mut dyn FnMut(News<'_>)) {
        match piece {
            Piece::Text(bytes) => self.write(bytes, tools, told),
            Piece::Inside(bytes) => told(News::Output(bytes)),
            Piece::Captured(data) => {
                told(News::Captured(Captured { proc: self.proc, stderr: self.stderr, data }));
            }
            Piece::Unfinished(bytes) => told(News::Unfinished(bytes)),
        }
    }

    fn write(&mut self, bytes: &[u8], tools: &mut Tools<'_>, told: &mut dyn FnMut(News<'_>)) {
        if let Some(outlet) = &mut self.outlet {
            outlet.push(bytes, tools, told);
        } else if let (Some(sink), Some(lines)) = (self.sink, &mut self.lines) {
            if self.whole_lines || (self.whole_among_others && tools.sinks.is_shared(sink)) {
                lines.push(bytes, &mut |run| put(sink, run.bytes(), tools.sinks, told));
            } else {
                lines.release(&mut |run| put(sink, run.bytes(), tools.sinks, told));
                put(sink, bytes, tools.sinks, told);
            }
        }
        let drops = self.drops();
        if let Some(syslog) = &mut self.syslog {
            if drops && tools.sinks.is_blocked(syslog.sink) {
                tools.tally.dropped += newlines(bytes);
            } else {
                syslog.push(bytes, tools.sinks, told);
            }
        }
        told(News::Output(bytes));
    }

    /// The sink takes bytes again, or something is due.
    pub fn catch_up(&mut self, tools: &mut Tools<'_>, told: &mut dyn FnMut(News<'_>)) {
        let Some(outlet) = &mut self.outlet else { return };
        outlet.catch_up(tools, told);
        if outlet.due().is_some_and(|due| due <= tools.now.mono) {
            outlet.tell_suppressed(tools, told);
        }
    }

    /// Lets go of an unfinished line: the program has been silent for a while.
    pub fn release_line(&mut self, tools: &mut Tools<'_>, told: &mut dyn FnMut(News<'_>)) {
        if let Some(outlet) = &mut self.outlet {
            outlet.release_line(tools, told);
        }
        self.release_bytes(tools, told);
    }

    fn release_bytes(&mut self, tools: &mut Tools<'_>, told: &mut dyn FnMut(News<'_>)) {
        if let (Some(sink), Some(lines)) = (self.sink, &mut self.lines) {
            lines.release(&mut |run: Run<'_>| put(sink, run.bytes(), tools.sinks, told));
        }
        if let Some(syslog) = &mut self.syslog {
            syslog.release(tools.sinks, told);
        }
    }

    /// Lets go of everything held: the program has ended. Others may still hold the pipe.
    pub fn release(&mut self, tools: &mut Tools<'_>, told: &mut dyn FnMut(News<'_>)) {
        if let Some(mut filters) = self.filters.take() {
            filters.release(&mut |piece| self.take(piece, tools, told));
            self.filters = Some(filters);
        }
        if let Some(outlet) = &mut self.outlet {
            outlet.finish(tools, told);
        }
        self.release_bytes(tools, told);
    }

    /// The end of the pipe: lets go of everything, and gives up a communication without an end.
    pub fn finish(&mut self, tools: &mut Tools<'_>, told: &mut dyn FnMut(News<'_>)) {
        if let Some(mut filters) = self.filters.take() {
            filters.finish(&mut |piece| self.take(piece, tools, told));
        }
        if let Some(outlet) = &mut self.outlet {
            outlet.finish(tools, told);
            outlet.give_up(tools);
        }
        self.release_bytes(tools, told);
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
mod tests;
