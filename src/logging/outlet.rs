//! The last stage before a log for a program that wants more than its bytes as they are: which lines go out
//! (`log_rate_limit`), what they look like (`log_format`), and what happens while the sink is slow (`log_overflow`).
//!
//! Does I/O by way of `sinks`. Invariants: only whole records go to the sink, in order; every line is in the log or in a
//! count, and each count is told in the log where the lines are missing; what is kept for a slow sink is bounded: with
//! `drop` by a number, with `block` by what one read may bring, as the program wrote it and not as it will look.
//! Not here: reading (`channel`), when a count is due (`daemon::output`).

use crate::config::model::{LogOverflow, LogStyle};
use crate::logging::channel::{News, Tools};
use crate::logging::lines::{LineHolder, Run};
use crate::logging::sinks::{Put, SinkId};
use crate::logging::style::{Extent, Style, Who};
use crate::logging::tally::newlines;
use crate::types::{Mono, Now, Wall};

/// BOUND: records that are kept for a slow sink before lines are dropped.
const BACKLOG_BYTES: usize = 1 << 20;

/// About so much is written at once: where the sink is full in between, others get their turn.
const AT_ONCE_BYTES: usize = 64 << 10;

/// What is done with the lines, which are lent out for it.
type Act<'a> = dyn FnMut(&mut LineHolder, &mut dyn FnMut(Run<'_>)) + 'a;

type Told<'a> = dyn FnMut(News<'_>) + 'a;

/// How much is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Much {
    WhileItTakes,
    /// All of it, which the sink keeps if it is slow.
    All,
}

/// See the module.
#[derive(Debug)]
pub struct Outlet {
    sink: SinkId,
    lines: LineHolder,
    style: Style,
    /// Lines a second; 0: any number.
    limit: u32,
    drops: bool,
    /// Lines that were too many and have not been told of, since when, and when they will be.
    suppressed: u64,
    since: Mono,
    due: Mono,
    backlog: Vec<u8>,
    /// Where the program waits: whole lines of the last read, which look like nothing yet, and when they were read.
    waiting: Vec<u8>,
    read_at: Now,
    /// Lines that did not fit behind the backlog and have not been told of.
    dropped: u64,
}

impl Outlet {
    /// `None` where bytes go as they are.
    #[must_use]
    pub fn new(sink: SinkId, style: LogStyle, who: &Who) -> Option<Box<Outlet>> {
        if style == LogStyle::default() {
            return None;
        }
        Some(Box::new(Outlet {
            sink,
            lines: LineHolder::default(),
            style: Style::new(style.format, who),
            limit: style.rate_limit,
            drops: style.overflow == LogOverflow::Drop,
            suppressed: 0,
            since: Mono(0),
            due: Mono(0),
            backlog: Vec::new(),
            waiting: Vec::new(),
            read_at: Now { mono: Mono(0), wall: Wall(0) },
            dropped: 0,
        }))
    }

    /// It never waits.
    #[must_use]
    pub fn drops(&self) -> bool {
        self.drops
    }

    #[must_use]
    pub fn holds_line(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Something waits for the sink.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.backlog.is_empty() || !self.waiting.is_empty() || self.dropped > 0
    }

    /// When suppressed lines have to be told of.
    #[must_use]
    pub fn due(&self) -> Option<Mono> {
        (self.suppressed > 0 && !self.is_behind()).then_some(self.due)
    }

    pub fn push(&mut self, bytes: &[u8], tools: &mut Tools<'_>, told: &mut Told<'_>) {
        self.with_lines(tools, told, &mut |lines, take| lines.push(bytes, take));
    }

    /// Lets go of an unfinished line: more of it may follow.
    pub fn release_line(&mut self, tools: &mut Tools<'_>, told: &mut Told<'_>) {
        self.with_lines(tools, told, &mut |lines, take| lines.release(take));
    }

    /// Lets go of everything: the program has ended.
    pub fn finish(&mut self, tools: &mut Tools<'_>, told: &mut Told<'_>) {
        self.write_waiting(Much::All, tools, told);
        self.with_lines(tools, told, &mut |lines, take| lines.finish(take));
        self.write_waiting(Much::All, tools, told);
        if self.suppressed > 0 && self.dropped == 0 {
            self.tell_suppressed(tools, told);
        }
    }

    fn with_lines(&mut self, tools: &mut Tools<'_>, told: &mut Told<'_>, act: &mut Act<'_>) {
        let mut lines = std::mem::take(&mut self.lines);
        act(&mut lines, &mut |run| self.take(run, tools, told));
        self.lines = lines;
    }

    fn take(&mut self, run: Run<'_>, tools: &mut Tools<'_>, told: &mut Told<'_>) {
        if self.limit == 0 && self.style.is_raw() {
            self.style.pass(run.bytes());
            return self.emit(run.bytes(), tools, told);
        }
        let piece = match run {
            Run::Lines(lines) if self.must_wait(tools) => return self.wait(lines, tools.now),
            Run::Lines(lines) => return self.write(lines, Much::WhileItTakes, tools, told),
            Run::Part(piece) => (piece, Extent::Part),
            Run::Last(piece) => (piece, Extent::Whole),
        };
        // It stands behind them.
        self.write_waiting(Much::All, tools, told);
        let mut out = Vec::new();
        self.one(piece.0, piece.1, false, &mut out, tools);
        self.emit(&out, tools, told);
    }

    /// Whole lines. What a line looks like may be a hundred times as long as the line: where programs wait, lines do too.
    fn write(&mut self, lines: &[u8], much: Much, tools: &mut Tools<'_>, told: &mut Told<'_>) {
        let (mut out, mut done) = (Vec::new(), 0);
        for line in lines.split_inclusive(|b| *b == b'\n') {
            self.one(line.strip_suffix(b"\n").unwrap_or(line), Extent::Whole, true, &mut out, tools);
            done += line.len();
            if out.len() < AT_ONCE_BYTES {
                continue;
            }
            self.emit(&out, tools, told);
            out.clear();
            if much == Much::WhileItTakes && self.must_wait(tools) {
                return self.wait(lines.get(done..).unwrap_or_default(), tools.now);
            }
        }
        self.emit(&out, tools, told);
    }

    fn must_wait(&self, tools: &Tools<'_>) -> bool {
        !self.drops && (!self.waiting.is_empty() || tools.sinks.is_blocked(self.sink))
    }

    /// Bounded by one read, because no other follows before these are written.
    fn wait(&mut self, lines: &[u8], now: Now) {
        self.read_at = now;
        self.waiting.extend_from_slice(lines);
    }

    fn write_waiting(&mut self, much: Much, tools: &mut Tools<'_>, told: &mut Told<'_>) {
        let lines = std::mem::take(&mut self.waiting);
        let mut then = Tools { sinks: &mut *tools.sinks, tally: &mut *tools.tally, now: self.read_at };
        self.write(&lines, much, &mut then, told);
    }

    fn one(&mut self, line: &[u8], extent: Extent, newline: bool, out: &mut Vec<u8>, tools: &mut Tools<'_>) {
        let now = tools.now;
        if self.limit > 0 && !tools.tally.admits(self.limit, now.mono) {
            if self.suppressed == 0 {
                (self.since, self.due) = (now.mono, tools.tally.window_end());
            }
            self.suppressed += 1;
            tools.tally.suppressed += 1;
            return;
        }
        if self.suppressed > 0 {
            self.note_suppressed(out, tools);
        }
        self.style.line(line, extent, newline, now.wall, out);
    }

    fn note_suppressed(&mut self, out: &mut Vec<u8>, tools: &Tools<'_>) {
        let seconds = ((tools.now.mono.since_ns(self.since) + 500_000_000) / 1_000_000_000).max(1);
        let lines = std::mem::take(&mut self.suppressed);
        self.style.note("suppressed", lines, &format!(" in {seconds} s"), tools.now.wall, out);
    }

    /// Tells of suppressed lines.
    pub fn tell_suppressed(&mut self, tools: &mut Tools<'_>, told: &mut Told<'_>) {
        let mut out = Vec::new();
        self.note_suppressed(&mut out, tools);
        self.emit(&out, tools, told);
    }

    fn emit(&mut self, records: &[u8], tools: &mut Tools<'_>, told: &mut Told<'_>) {
        if records.is_empty() {
            return;
        }
        if self.drops {
            self.catch_up(tools, told);
            if self.is_behind() || tools.sinks.is_blocked(self.sink) {
                return self.keep(records, tools);
            }
        }
        self.put(records, tools, told);
    }

    fn put(&self, records: &[u8], tools: &mut Tools<'_>, told: &mut Told<'_>) {
        let put = tools.sinks.put_records(self.sink, records);
        if put != Put::default() {
            told(News::Put(put));
        }
    }

    /// Once a line has been dropped all that follow are, until the log can say so.
    fn keep(&mut self, records: &[u8], tools: &mut Tools<'_>) {
        if self.dropped == 0 && self.backlog.len() + records.len() <= BACKLOG_BYTES {
            self.backlog.extend_from_slice(records);
            return;
        }
        let lines = newlines(records).max(1);
        self.dropped += lines;
        tools.tally.dropped += lines;
    }

    /// Writes what waits, as far as the sink takes it, and says what is missing.
    pub fn catch_up(&mut self, tools: &mut Tools<'_>, told: &mut Told<'_>) {
        let mut done = 0;
        while let Some(rest) = self.backlog.get(done..).filter(|r| !r.is_empty()) {
            if tools.sinks.is_blocked(self.sink) {
                break;
            }
            let (_, behind) = rest.split_at(AT_ONCE_BYTES.min(rest.len()));
            let end = behind
                .iter()
                .position(|b| *b == b'\n')
                .map_or(rest.len(), |at| rest.len() - behind.len() + at + 1);
            self.put(rest.get(..end).unwrap_or(rest), tools, told);
            done += end;
        }
        self.backlog.drain(..done);
        if !self.waiting.is_empty() && !tools.sinks.is_blocked(self.sink) {
            self.write_waiting(Much::WhileItTakes, tools, told);
        }
        if !self.backlog.is_empty() {
            return;
        }
        self.backlog = Vec::new();
        if self.dropped > 0 && !tools.sinks.is_blocked(self.sink) {
            let lines = std::mem::take(&mut self.dropped);
            let mut out = Vec::new();
            self.style.note("dropped", lines, "", tools.now.wall, &mut out);
            self.put(&out, tools, told);
        }
    }

    /// The end: what no sink will take any more counts as dropped.
    pub fn give_up(&mut self, tools: &mut Tools<'_>) {
        tools.tally.dropped += newlines(&std::mem::take(&mut self.backlog));
    }
}

#[cfg(test)]
mod tests;
