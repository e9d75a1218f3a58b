//! All pools: who gets an event, who is offered one, what comes of listeners' words and deaths.
//!
//! Pure. Invariants: an event that nobody asked for costs nothing and takes no serial; words of an earlier life of a slot
//! count for nothing. What people want to read is given out as lines, in Supervisor's words and order.
//! Not here: writing to pipes (`daemon::events`).

use crate::events::Lines;
use crate::events::handler::Handler;
use crate::events::kind::covers;
use crate::events::listener::{Protocol, Said, State};
use crate::events::pool::{Event, Member, Pool, following};
use crate::types::{LogLevel, ProcRef};
use std::rc::Rc;

/// A pool as it is configured.
#[derive(Clone, Debug)]
pub struct PoolPlan {
    pub name: String,
    /// Names of events, each as often as it is subscribed to.
    pub events: Vec<String>,
    pub buffer_size: usize,
    pub handler: Handler,
    /// Slots and names, in the order in which they are offered events.
    pub members: Vec<(u32, String)>,
}

/// An event for a listener that waits for one.
#[derive(PartialEq, Eq, Debug)]
pub struct Offer {
    pub slot: u32,
    /// Header and payload.
    pub bytes: Vec<u8>,
    pool: usize,
    member: usize,
}

/// See the module.
#[derive(Debug)]
pub struct Hub {
    pools: Vec<Pool>,
    identifier: String,
    next_serial: u64,
    /// Shows a line that may not be text.
    readable: fn(Vec<u8>) -> String,
    /// Lost by pools that are no more.
    dropped: u64,
}

impl Hub {
    /// `next_serial`: where the life before this one ended.
    #[must_use]
    pub fn new(
        plans: Vec<PoolPlan>,
        identifier: String,
        next_serial: u64,
        readable: fn(Vec<u8>) -> String,
    ) -> Hub {
        let mut hub = Hub { pools: Vec::new(), identifier, next_serial, readable, dropped: 0 };
        plans.into_iter().for_each(|plan| hub.settle(plan));
        hub
    }

    /// A pool is this one now: new, or with others in it or other wishes. What its listeners have and what waits stays.
    pub fn settle(&mut self, plan: PoolPlan) {
        let PoolPlan { name, events, buffer_size, handler, members } = plan;
        let at = self.pools.iter().position(|p| p.name == name).unwrap_or(self.pools.len());
        if at == self.pools.len() {
            self.pools.push(Pool::new(name));
        }
        if let Some(pool) = self.pools.get_mut(at) {
            pool.settle(events, buffer_size, handler, members);
        }
    }

    /// A pool is no more, nor what waits in it.
    pub fn remove(&mut self, name: &str) {
        let gone = self.pools.extract_if(.., |pool| pool.name == name);
        self.dropped += gone.map(|pool| pool.dropped).sum::<u64>();
    }

    /// Nobody has this slot any more.
    pub fn forget_member(&mut self, slot: u32) {
        self.pools.iter_mut().for_each(|pool| pool.members.retain(|m| m.slot != slot));
    }

    /// COMPAT: who we are changes with a reread, also in headers (trap 45).
    pub fn set_identifier(&mut self, identifier: &str) {
        identifier.clone_into(&mut self.identifier);
    }

    /// The serial of the next event.
    #[must_use]
    pub fn next_serial(&self) -> u64 {
        self.next_serial
    }

    /// The serial of an event that no pool took.
    pub fn take_serial(&mut self) -> u64 {
        let serial = self.next_serial;
        self.next_serial = following(serial);
        serial
    }

    #[must_use]
    pub fn n_pools(&self) -> usize {
        self.pools.len()
    }

    /// Events that were lost because a queue was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped + self.pools.iter().map(|p| p.dropped).sum::<u64>()
    }

    /// Whether anybody asks for this event.
    #[must_use]
    pub fn wants(&self, event: &str) -> bool {
        self.pools.iter().any(|p| p.wanted.iter().any(|w| covers(w, event)))
    }

    /// Gives an event to those of the first `n` pools that ask for it.
    pub fn publish(&mut self, n: usize, name: &str, payload: String, lines: &mut Lines) {
        let event = Rc::new(Event { name: name.to_owned(), payload, serial: self.next_serial });
        for pool in self.pools.iter_mut().take(n) {
            let times = pool.wanted.iter().filter(|w| covers(w, name)).count();
            if times > 0 {
                self.next_serial = following(event.serial);
                pool.accept(&event, times, lines);
            }
        }
    }

    /// The event that this pool can give to somebody now. `is_free`: whether the slot's stdin takes one.
    #[must_use]
    pub fn offer(&self, pool: usize, is_free: &dyn Fn(u32) -> bool) -> Option<Offer> {
        let place = self.pools.get(pool)?;
        let entry = place.head()?;
        let (member, found) =
            place.members.iter().enumerate().find(|(_, m)| m.takes_events() && is_free(m.slot))?;
        let Event { name, payload, serial } = &*entry.event;
        // COMPAT: characters, as listeners that read text count them (trap 71); the same as bytes for ASCII.
        let length = payload.chars().count();
        let text = format!(
            "ver:3.0 server:{} serial:{serial} pool:{} poolserial:{} eventname:{name} len:{length}\n{payload}",
            self.identifier, place.name, entry.serial
        );
        Some(Offer { slot: found.slot, bytes: text.into_bytes(), pool, member })
    }

    /// It was written, or is being written.
    pub fn sent(&mut self, offer: &Offer, lines: &mut Lines) {
        if let Some(pool) = self.pools.get_mut(offer.pool) {
            pool.give_head_to(offer.member, lines);
        }
    }

    /// Nobody reads there any more.
    pub fn not_sent(&mut self, offer: &Offer, lines: &mut Lines) {
        let Some(pool) = self.pools.get(offer.pool) else { return };
        let (Some(entry), Some(member)) = (pool.head(), pool.members.get(offer.member)) else { return };
        let (serial, name) = (entry.event.serial, &member.name);
        let text = format!(
            "epipe occurred while sending event {serial} to listener {name}, listener state unchanged"
        );
        lines.push((LogLevel::Debug, text));
    }

    /// Something was offered, and now there is nobody left for the next event.
    pub fn nobody_left(&self, pool: usize, lines: &mut Lines) {
        if let Some(pool) = self.pools.get(pool) {
            pool.say_head_stays(lines);
        }
    }

    /// A new life of a listener.
    pub fn started(&mut self, proc: ProcRef) {
        for pool in &mut self.pools {
            for member in pool.members.iter_mut().filter(|m| m.slot == proc.slot) {
                member.life = Some(proc);
                member.protocol = Protocol::new(pool.handler);
            }
        }
    }

    /// Whether the slot's process is RUNNING. The pool that may have something for it.
    pub fn set_running(&mut self, slot: u32, is_running: bool) -> Option<usize> {
        let (pool, member) = self.member(slot)?;
        member.is_running = is_running;
        is_running.then_some(pool)
    }

    /// The process is gone: what it did not answer is for another.
    pub fn ended(&mut self, slot: u32, lines: &mut Lines) -> Option<usize> {
        let (pool, member) = self.member(slot)?;
        member.life = None;
        let entry = member.event.take()?;
        self.pools.get_mut(pool)?.put_back(entry, lines);
        Some(pool)
    }

    /// A listener has said something. The pool that may have something for it now; `print`: what goes to our stdout.
    pub fn heard(
        &mut self,
        proc: ProcRef,
        bytes: &[u8],
        lines: &mut Lines,
        print: &mut Vec<u8>,
    ) -> Option<usize> {
        let readable = self.readable;
        let (place, member) = self.member(proc.slot)?;
        if member.life != Some(proc) {
            return None;
        }
        let Member { name, protocol, event, .. } = member;
        let mut back = None;
        protocol.push(bytes, &mut |said| match said {
            Said::Processed => {
                lines.push((LogLevel::Debug, format!("{name}: event was processed")));
                *event = None;
            }
            Said::Rejected => {
                lines.push((LogLevel::Warn, format!("{name}: event was rejected")));
                back = event.take();
            }
            Said::Print(text) => print.extend(text),
            Said::Failed => {
                lines.push((LogLevel::Warn, format!("{name}: event caused an error")));
                back = event.take();
            }
            Said::BadLine(line) => {
                lines.push((LogLevel::Warn, format!("{name}: bad result line: '{}'", readable(line))));
                back = event.take();
            }
            Said::To { from, to } => {
                lines.push((LogLevel::Debug, format!("{name}: {} -> {}", from.name(), to.name())));
                if to == State::Unknown {
                    let text = format!(
                        "{name}: has entered the UNKNOWN state and will no longer receive events, this usually \
                         indicates the process violated the eventlistener protocol"
                    );
                    lines.push((LogLevel::Warn, text));
                }
            }
        });
        if let (Some(entry), Some(pool)) = (back, self.pools.get_mut(place)) {
            pool.put_back(entry, lines);
        }
        Some(place)
    }

    fn member(&mut self, slot: u32) -> Option<(usize, &mut Member)> {
        let mut all = self.pools.iter_mut().enumerate();
        all.find_map(|(n, pool)| pool.members.iter_mut().find(|m| m.slot == slot).map(|m| (n, m)))
    }
}
