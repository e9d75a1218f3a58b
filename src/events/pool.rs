//! One pool of listeners: its queue of events and its members.
//!
//! Pure. Invariants: the queue is bounded, the oldest goes; an event that a member did not take well comes back to the
//! head, with its serials, and only here (trap 72: Supervisor gives it to strangers too).
//! COMPAT: contract 6.2, 6.6. Trap 74: until a first listener has taken an event the queue may be longer than
//! `buffer_size`, or what happens while all programs start would be lost.
//! Not here: which events are for whom (`hub`), what a listener says (`listener`).

use crate::events::Lines;
use crate::events::handler::Handler;
use crate::events::listener::{Protocol, State};
use crate::types::{LogLevel, ProcRef};
use std::collections::VecDeque;
use std::rc::Rc;

/// BOUND: events kept for listeners that are only starting, and their bytes.
pub const EARLY_EVENTS: usize = 1_000;
const EARLY_BYTES: usize = 1 << 20;

/// BOUND: bytes of all events that wait, whatever `buffer_size` says.
const POOL_BYTES: usize = 16 << 20;

/// What all pools that took it share.
#[derive(Debug)]
pub struct Event {
    pub name: String,
    pub payload: String,
    pub serial: u64,
}

/// An event in this pool.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) event: Rc<Event>,
    pub(super) serial: u64,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) slot: u32,
    pub(super) name: String,
    /// The life whose words count; `None` between two.
    pub(super) life: Option<ProcRef>,
    /// COMPAT: trap 75: nothing is sent to a process that is not RUNNING, whatever it has said.
    pub(super) is_running: bool,
    pub(super) protocol: Protocol,
    /// Sent, not answered.
    pub(super) event: Option<Entry>,
}

impl Member {
    pub(super) fn takes_events(&self) -> bool {
        self.is_running && self.protocol.state() == State::Ready
    }
}

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) name: String,
    pub(super) wanted: Vec<String>,
    pub(super) members: Vec<Member>,
    /// Who judges results, of lives that begin from here on.
    pub(super) handler: Handler,
    capacity: usize,
    queue: VecDeque<Entry>,
    bytes: usize,
    next_serial: u64,
    /// No listener has taken anything yet.
    is_early: bool,
    pub(super) dropped: u64,
}

impl Pool {
    pub(super) fn new(name: String) -> Pool {
        Pool {
            name,
            wanted: Vec::new(),
            members: Vec::new(),
            handler: Handler::default(),
            capacity: 1,
            queue: VecDeque::new(),
            bytes: 0,
            next_serial: 0,
            is_early: true,
            dropped: 0,
        }
    }

    /// What it wants, how much may wait, and who is in it: who was before stays as he is.
    pub(super) fn settle(
        &mut self,
        wanted: Vec<String>,
        capacity: usize,
        handler: Handler,
        members: Vec<(u32, String)>,
    ) {
        self.wanted = wanted;
        self.handler = handler;
        self.capacity = capacity.max(1);
        let mut before = std::mem::take(&mut self.members);
        let mut member = |(slot, name)| match before.iter().position(|m| m.slot == slot) {
            Some(at) => before.swap_remove(at),
            None => Member {
                slot,
                name,
                life: None,
                is_running: false,
                protocol: Protocol::new(handler),
                event: None,
            },
        };
        self.members = members.into_iter().map(&mut member).collect();
        // Who is being stopped still holds an event and may answer it.
        self.members.append(&mut before);
    }

    /// Takes an event as often as it was subscribed to. COMPAT: the second time looks like a return.
    pub(super) fn accept(&mut self, event: &Rc<Event>, times: usize, lines: &mut Lines) {
        let entry = Entry { event: Rc::clone(event), serial: self.next_serial };
        self.next_serial = following(self.next_serial);
        for n in 0..times {
            if n > 0 {
                self.say_again(&entry, self.queue.len(), lines);
            }
            self.make_room(&entry, lines);
            self.bytes += entry.event.payload.len();
            self.queue.push_back(entry.clone());
        }
    }

    /// An event comes back to be given to the next.
    pub(super) fn put_back(&mut self, entry: Entry, lines: &mut Lines) {
        self.say_again(&entry, self.queue.len(), lines);
        self.make_room(&entry, lines);
        self.bytes += entry.event.payload.len();
        self.queue.push_front(entry);
    }

    fn make_room(&mut self, entry: &Entry, lines: &mut Lines) {
        let is_early = self.is_early && self.queue.len() < EARLY_EVENTS && self.bytes < EARLY_BYTES;
        if self.queue.len() >= self.capacity && !is_early {
            self.drop_oldest(lines);
        }
        while self.bytes + entry.event.payload.len() > POOL_BYTES && !self.queue.is_empty() {
            self.drop_oldest(lines);
        }
    }

    fn drop_oldest(&mut self, lines: &mut Lines) {
        if let Some(old) = self.pop() {
            self.dropped += 1;
            let text =
                format!("pool {} event buffer overflowed, discarding event {}", self.name, old.event.serial);
            lines.push((LogLevel::Error, text));
        }
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.queue.pop_front()?;
        self.bytes = self.bytes.saturating_sub(entry.event.payload.len());
        Some(entry)
    }

    fn say_again(&self, entry: &Entry, size: usize, lines: &mut Lines) {
        let (serial, name, max) = (entry.event.serial, &self.name, self.capacity);
        let text = format!("rebuffering event {serial} for pool {name} (buf size={size}, max={max})");
        lines.push((LogLevel::Debug, text));
    }

    /// The event whose turn it is.
    pub(super) fn head(&self) -> Option<&Entry> {
        self.queue.front()
    }

    /// The member has got the head.
    pub(super) fn give_head_to(&mut self, member: usize, lines: &mut Lines) {
        let Some(entry) = self.pop() else { return };
        if self.queue.len() < self.capacity {
            self.is_early = false;
        }
        let Some(member) = self.members.get_mut(member) else { return };
        let text = format!("event {} sent to listener {}", entry.event.serial, member.name);
        lines.push((LogLevel::Debug, text));
        member.protocol.sent();
        member.event = Some(entry);
    }

    /// COMPAT: Supervisor takes the head out, finds nobody, and says that it puts it back.
    pub(super) fn say_head_stays(&self, lines: &mut Lines) {
        if let Some(entry) = self.queue.front() {
            self.say_again(entry, self.queue.len() - 1, lines);
        }
    }
}

/// COMPAT: serials start again after 2^63-1.
pub(super) fn following(serial: u64) -> u64 {
    if serial >= i64::MAX.unsigned_abs() { 0 } else { serial + 1 }
}
