//! Those who follow events over HTTP: the gateway subscribes for them, and each event is pushed to it once, whoever
//! they are.
//!
//! Writes into the gateway's queue only. Invariants: without subscribers an event costs what it cost before; what the
//! gateway has not read is bounded, and what does not fit is counted and told as soon as something fits again; a gateway
//! that goes takes its subscriptions along. Not here: listeners (`events`), HTTP (`gateway`).

use crate::control::{Event, Push, Reply, encode};
use crate::daemon::state::Daemon;
use crate::events::kind::covers;

/// BOUND: subscriptions; the gateway lets fewer clients follow.
const MAX_SUBSCRIBERS: usize = 64;

/// BOUND: names in one subscription.
const MAX_NAMES: usize = 64;

/// BOUND: bytes that the gateway has not read, from which on events are lost.
const BACKLOG_BYTES: usize = 4 << 20;

/// See the module.
#[derive(Default)]
pub(crate) struct Subscribers {
    all: Vec<Subscriber>,
}

struct Subscriber {
    /// Of the request; in every answer to it.
    id: u64,
    wanted: Vec<String>,
    lost: u64,
}

impl Subscriber {
    fn wants(&self, event: &str) -> bool {
        self.wanted.iter().any(|w| covers(w, event))
    }
}

impl Subscribers {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether anybody asks for this event.
    pub(crate) fn wants(&self, event: &str) -> bool {
        self.all.iter().any(|s| s.wants(event))
    }
}

impl Daemon {
    pub(crate) fn on_subscribe(&mut self, id: u64, wanted: Vec<String>) {
        if self.subscribers.all.len() >= MAX_SUBSCRIBERS || wanted.len() > MAX_NAMES {
            self.push(vec![id], Push::Refused);
        } else if self.push(vec![id], Push::Begun) {
            self.subscribers.all.push(Subscriber { id, wanted, lost: 0 });
            self.renew_ticks();
        }
    }

    pub(crate) fn on_unsubscribe(&mut self, id: u64) {
        self.subscribers.all.retain(|s| s.id != id);
        self.renew_ticks();
    }

    /// The gateway has gone.
    pub(crate) fn forget_subscribers(&mut self) {
        if !self.subscribers.is_empty() {
            self.subscribers.all.clear();
            self.renew_ticks();
        }
    }

    /// Nobody is woken for ticks that nobody wants.
    /// Listeners or followers have come or gone.
    pub(crate) fn renew_ticks(&mut self) {
        let (hub, subscribers) = (&self.events.hub, &self.subscribers);
        self.events.ticks.renew(self.now, &|name| hub.wants(name) || subscribers.wants(name));
    }

    /// Tells those who asked for it: once, however many they are.
    pub(crate) fn tell_subscribers(&mut self, serial: u64, name: &str, payload: String) {
        self.report_losses();
        let mut all = std::mem::take(&mut self.subscribers.all);
        let mut wanting: Vec<&mut Subscriber> = all.iter_mut().filter(|s| s.wants(name)).collect();
        // Who has lost something gets nothing before it has been told.
        let to: Vec<u64> = wanting.iter().filter(|s| s.lost == 0).map(|s| s.id).collect();
        let event = Event { serial, name: name.into(), time: self.now.wall, payload };
        let fits = !to.is_empty() && self.push(to, Push::Event(event));
        for subscriber in &mut wanting {
            if !fits || subscriber.lost > 0 {
                subscriber.lost += 1;
            }
        }
        self.subscribers.all = all;
        self.send_to_gateway();
    }

    /// There may be room again.
    pub(crate) fn report_losses(&mut self) {
        let mut all = std::mem::take(&mut self.subscribers.all);
        for subscriber in all.iter_mut().filter(|s| s.lost > 0) {
            if self.push(vec![subscriber.id], Push::Lost(subscriber.lost)) {
                subscriber.lost = 0;
            }
        }
        self.subscribers.all = all;
    }

    /// Whether it fits.
    fn push(&mut self, to: Vec<u64>, push: Push) -> bool {
        let room = BACKLOG_BYTES.saturating_sub(self.gateway.backlog());
        // What cannot fit is not worth the encoding.
        if matches!(&push, Push::Event(event) if event.payload.len() > room) {
            return false;
        }
        let Ok(frame) = encode(0, &Reply::Push { to, push }) else { return false };
        let fits = frame.len() <= room;
        if fits {
            self.queue_for_gateway(&frame, None);
        }
        fits
    }
}
