//! The channels of all programs: which are read, which wait for a blocked sink, which unfinished lines are held.
//!
//! Does I/O through `logging`. Invariants: a channel whose sink is blocked is not in the epoll set (a hung-up pipe would
//! spin there); a channel outlives its program as long as somebody holds the pipe, within a bound.
//! Not here: how bytes are split and written (`logging`), what else their passing means (`heard`).

mod ending;

use crate::daemon::heard::Heard;
use crate::daemon::sources::{Token, cut};
use crate::daemon::state::Daemon;
use crate::engine::input::{Input, Told};
use crate::logging::channel::CHUNK_BYTES;
use crate::logging::{Channel, News, Pumped, SinkId, Sinks, Tools};
use crate::types::{LogLevel, Mono, ProcRef, sort_by};
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};

/// BOUND: how long an unfinished line is held back while nothing follows.
const HOLD_MS: i64 = 1_000;

/// BOUND: pipes kept open for descendants of earlier lives of one program; the oldest is closed beyond that.
const LINGERING: usize = 8;

/// BOUND: reads from a dead program's pipe before its exit is reported; the rest comes in later turns.
const LAST_READS: usize = 64;

struct Entry {
    channel: Channel,
    generation: u32,
    /// Taken out of the epoll set until its sink takes bytes.
    paused: bool,
    /// Its program has been reaped; somebody else holds the pipe.
    lingering: bool,
    held_since: Option<Mono>,
}

/// What is done with a channel that is lent out.
type Act<'a> = dyn FnMut(&mut Channel, &mut Tools<'_>, &mut [u8], &mut dyn FnMut(News<'_>)) + 'a;

/// See the module.
pub(crate) struct Output {
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    next_generation: u32,
    scratch: Vec<u8>,
    /// Blocked sinks that are in the epoll set.
    watched: Vec<SinkId>,
    n_paused: usize,
    /// Who writes first when a sink takes bytes again: the one that had to wait last time.
    first: u32,
    hold_deadline: Option<Mono>,
}

impl Output {
    pub(crate) fn new() -> Output {
        Output {
            entries: Vec::new(),
            free: Vec::new(),
            next_generation: 0,
            scratch: vec![0; CHUNK_BYTES],
            watched: Vec::new(),
            n_paused: 0,
            first: 0,
            hold_deadline: None,
        }
    }

    /// When an unfinished line has to be let go.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.hold_deadline
    }

    /// Starts to read a channel.
    pub(crate) fn add(&mut self, epoll: &Epoll, channel: Channel) -> Result<(), nix::errno::Errno> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.entries.push(None);
                u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.next_generation = cut(self.next_generation.wrapping_add(1));
        let generation = self.next_generation;
        let token = Token::Output { index, generation };
        epoll.add(&channel, EpollEvent::new(EpollFlags::EPOLLIN, token.encode())).inspect_err(|_| {
            self.free.push(index);
        })?;
        if let Some(place) = self.entries.get_mut(index as usize) {
            *place = Some(Entry { channel, generation, paused: false, lingering: false, held_since: None });
        }
        Ok(())
    }

    /// Waits for every blocked sink that is not waited for yet.
    pub(crate) fn watch_blocked(&mut self, epoll: &Epoll, sinks: &Sinks) {
        for id in sinks.blocked() {
            if self.watched.contains(&id) {
                continue;
            }
            let Some(fd) = sinks.fd(id) else { continue };
            let event = EpollEvent::new(EpollFlags::EPOLLOUT, Token::Sink { index: id.index() }.encode());
            if epoll.add(fd, event).is_ok() {
                self.watched.push(id);
            }
        }
    }

    /// No channel is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.iter().all(Option::is_none)
    }

    /// The logs that a live program writes, each once.
    pub(crate) fn sinks_of(&self, slot: u32) -> Vec<SinkId> {
        let live = self.entries.iter().flatten().filter(|e| !e.lingering && e.channel.proc.slot == slot);
        let mut sinks: Vec<SinkId> = live.flat_map(|e| e.channel.sinks()).collect();
        sort_by(&mut sinks, &SinkId::cmp);
        sinks.dedup();
        sinks
    }

    /// The log of one stream of a live program.
    pub(crate) fn log_of(&self, slot: u32, stderr: bool) -> Option<SinkId> {
        let mut live = self.entries.iter().flatten().filter(|e| !e.lingering && e.channel.proc.slot == slot);
        live.find(|e| e.channel.stderr == stderr)?.channel.log()
    }

    fn indices_of(&self, proc: ProcRef) -> Vec<u32> {
        let all = (0u32..).zip(self.entries.iter());
        all.filter(|(_, e)| e.as_ref().is_some_and(|e| e.channel.proc == proc)).map(|(i, _)| i).collect()
    }
}

impl Daemon {
    /// A program's pipe is readable.
    pub(crate) fn on_output(&mut self, index: u32, generation: u32) {
        let current = self.output.entries.get(index as usize).and_then(Option::as_ref);
        if current.is_some_and(|e| e.generation == generation && !e.paused) {
            self.pump(index);
        }
    }

    /// Lends out a channel with what it needs, then tells what came of it.
    fn with_channel(&mut self, index: u32, act: &mut Act<'_>) {
        let Some(Some(Entry { channel, .. })) = self.output.entries.get(index as usize) else { return };
        let (proc, stderr) = (channel.proc, channel.stderr);
        // What a listener answers is no output.
        let is_output = !self.is_protocol(proc, stderr);
        let wants = is_output && (self.journal.wants(LogLevel::Debug) || self.wants_output(proc, stderr));
        let Output { entries, scratch, .. } = &mut self.output;
        let Some(Some(Entry { channel, .. })) = entries.get_mut(index as usize) else { return };
        let mut heard = Vec::new();
        let recents = &mut self.recents;
        // A dead one's last words do not make a later one ready.
        let slot = self.slots.get_mut(proc.slot as usize).filter(|s| s.incarnation == proc.incarnation);
        let mut awaited = slot.map(|s| &mut s.voices.log).filter(|log| log.is_some());
        let tally = self.tallies.of_mut(proc);
        let mut tools = Tools { sinks: &mut self.sinks, tally, now: self.now };
        act(channel, &mut tools, scratch, &mut |news| {
            if let News::Output(bytes) = news
                && is_output
            {
                recents.push(proc, stderr, bytes);
                if let Some(log) = &mut awaited
                    && log.as_mut().is_some_and(|log| log.take(stderr, bytes))
                {
                    **log = None;
                    self.inputs.push_back(Input::Told { proc, what: Told::Ready });
                }
            }
            heard.extend(Heard::from_news(news, wants));
        });
        if !heard.is_empty() {
            self.hear(proc, stderr, heard);
        }
        if self.sinks.any_stream_blocked() {
            self.output.watch_blocked(&self.epoll, &self.sinks);
        }
    }

    /// Reads one channel for one turn.
    fn pump(&mut self, index: u32) -> Pumped {
        let mut pumped = Pumped::End;
        self.with_channel(index, &mut |channel, tools, scratch, told| {
            pumped = channel.pump(tools, scratch, told);
        });
        self.note_held(index);
        match pumped {
            Pumped::End => self.close_channel(index),
            Pumped::Blocked => self.pause(index),
            Pumped::Dry | Pumped::More => {}
        }
        pumped
    }

    /// An unfinished line is let go after a while, and suppressed lines are told of, whatever comes.
    fn note_held(&mut self, index: u32) {
        let Some(Some(entry)) = self.output.entries.get_mut(index as usize) else { return };
        entry.held_since = entry.channel.holds_line().then_some(self.now.mono);
        if entry.held_since.is_some() {
            let due = self.now.mono.plus_ms(HOLD_MS);
            self.output.hold_deadline.get_or_insert(due);
        }
        if let Some(due) = entry.channel.due() {
            let soonest = self.output.hold_deadline.map_or(due, |d| d.min(due));
            self.output.hold_deadline = Some(soonest);
        }
    }

    /// Lets go of unfinished lines that have been held long enough, and tells of suppressed ones.
    pub(crate) fn release_held_lines(&mut self) {
        if self.output.hold_deadline.is_none_or(|d| d > self.now.mono) {
            return;
        }
        let mut next: Option<Mono> = None;
        for index in 0..u32::try_from(self.output.entries.len()).unwrap_or(0) {
            let Some(Some(entry)) = self.output.entries.get_mut(index as usize) else { continue };
            if let Some(due) = entry.channel.due() {
                if due <= self.now.mono {
                    self.with_channel(index, &mut |channel, tools, _, told| channel.catch_up(tools, told));
                } else {
                    next = Some(next.map_or(due, |n| n.min(due)));
                }
            }
            let Some(Some(entry)) = self.output.entries.get_mut(index as usize) else { continue };
            // Whoever waits for us is not silent; it is looked at again when it has been read.
            let Some(since) = entry.held_since.filter(|_| !entry.paused) else { continue };
            let due = since.plus_ms(HOLD_MS);
            if due <= self.now.mono {
                entry.held_since = None;
                self.with_channel(index, &mut |channel, tools, _, told| channel.release_line(tools, told));
            } else {
                next = Some(next.map_or(due, |n| n.min(due)));
            }
        }
        self.output.hold_deadline = next;
    }

    fn pause(&mut self, index: u32) {
        if let Some(Some(entry)) = self.output.entries.get_mut(index as usize)
            && !entry.paused
        {
            entry.paused = true;
            self.output.n_paused += 1;
            let _ = self.epoll.delete(&entry.channel); // it is in the set, or was never put there
        }
    }

    /// A blocked sink takes bytes: continue, then let those who wait for it read again.
    pub(crate) fn on_sink(&mut self, index: u32) {
        let id = SinkId::from_index(index);
        let put = self.sinks.flush(id);
        let blocked = put.blocked;
        self.tell(put);
        if blocked || self.sinks.is_blocked(id) {
            return;
        }
        if let Some(fd) = self.sinks.fd(id) {
            let _ = self.epoll.delete(fd); // it is in the set
        }
        self.output.watched.retain(|w| *w != id);
        self.sinks.close_if_done(id);
        self.let_write(id);
    }

    /// Those who wait for a sink write, in turn, until it is blocked again: a chatty program does not starve another.
    fn let_write(&mut self, id: SinkId) {
        let n = u32::try_from(self.output.entries.len()).unwrap_or(0);
        let first = self.output.first.min(n);
        for index in (first..n).chain(0..first) {
            let Some(Some(entry)) = self.output.entries.get_mut(index as usize) else { continue };
            let waits = entry.paused || entry.channel.is_behind();
            if !waits || entry.channel.sinks().all(|s| s != id) {
                continue;
            }
            if self.sinks.is_blocked(id) {
                self.output.first = index;
                return;
            }
            if std::mem::take(&mut entry.paused) {
                self.output.n_paused -= 1;
                let token = Token::Output { index, generation: entry.generation };
                let _ = self.epoll.add(&entry.channel, EpollEvent::new(EpollFlags::EPOLLIN, token.encode()));
            }
            self.pump(index);
        }
    }

    /// Nobody has this slot any more: what descendants of its programs still write is for nobody. COMPAT: Supervisor
    /// stops to read as soon as a program is gone.
    pub(crate) fn close_output_of(&mut self, slot: u32) {
        for index in 0..u32::try_from(self.output.entries.len()).unwrap_or(0) {
            let entry = self.output.entries.get(index as usize).and_then(Option::as_ref);
            if entry.is_some_and(|e| e.channel.proc.slot == slot) {
                self.close_channel(index);
            }
        }
    }

    fn close_channel(&mut self, index: u32) {
        self.with_channel(index, &mut |channel, tools, _, told| channel.finish(tools, told));
        let Some(entry) = self.output.entries.get_mut(index as usize).and_then(Option::take) else {
            return;
        };
        if entry.paused {
            self.output.n_paused -= 1;
        } else {
            let _ = self.epoll.delete(&entry.channel); // it is in the set
        }
        self.output.free.push(index);
        self.say_closed(&entry.channel);
        for sink in entry.channel.sinks() {
            self.release_sink(sink);
        }
    }

    /// Gives a sink back. A stream that is blocked stays, and is waited for, until it has taken what it keeps.
    pub(crate) fn release_sink(&mut self, id: SinkId) {
        self.sinks.release(id);
    }

    /// Reads a dead program's pipes dry before its exit is reported: its last words come first.
    /// COMPAT: supervisord drains before it handles the exit.
    pub(crate) fn drain_output_of(&mut self, proc: ProcRef) {
        for index in self.output.indices_of(proc) {
            let mut last = Pumped::More;
            for _ in 0..LAST_READS {
                last = self.pump(index);
                if last != Pumped::More {
                    break;
                }
            }
            // Where the sink is slow the rest of the line is still in the pipe.
            let is_dry = last == Pumped::Dry;
            if is_dry {
                self.with_channel(index, &mut |channel, tools, _, told| channel.release(tools, told));
            }
            if let Some(Some(entry)) = self.output.entries.get_mut(index as usize) {
                entry.lingering = true;
                entry.held_since = entry.held_since.filter(|_| !is_dry);
            }
        }
        self.bound_lingering(proc.slot);
    }

    fn bound_lingering(&mut self, slot: u32) {
        let all = (0u32..).zip(self.output.entries.iter());
        let mut old: Vec<(u32, u32)> = all
            .filter_map(|(i, e)| {
                e.as_ref()
                    .filter(|e| e.lingering && e.channel.proc.slot == slot)
                    .map(|e| (e.channel.proc.incarnation, i))
            })
            .collect();
        sort_by(&mut old, &|a, b| a.cmp(b));
        let too_many = old.len().saturating_sub(LINGERING);
        for (_, index) in old.into_iter().take(too_many) {
            self.close_channel(index);
        }
    }
}
