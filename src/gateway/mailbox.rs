//! What the core has pushed to one follower and the follower has not taken yet.
//!
//! Invariants: whoever fills it never waits; what it holds is bounded, and what does not fit is counted; after a loss
//! nothing is put in before the loss has been taken, so that it is told where it happened.
//! Not here: the link (`link`), what a follower makes of it (`events`).

use crate::control::{Event, Push};
use crate::gateway::lock;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::{Arc, Mutex};

/// BOUND: bytes of events that one follower has not taken.
const MAX_BYTES: usize = 1 << 20;

/// What an event takes beside its text.
const EVENT_BYTES: usize = 128;

/// See the module.
#[derive(Debug)]
pub struct Mailbox {
    inside: Mutex<Inside>,
    bell: EventFd,
}

/// A push that several mailboxes may share.
#[derive(Clone, Debug)]
pub enum News {
    Begun(bool),
    Lost(u64),
    Event(Arc<Event>),
}

impl From<Push> for News {
    fn from(push: Push) -> News {
        match push {
            Push::Begun => News::Begun(true),
            Push::Refused => News::Begun(false),
            Push::Lost(n) => News::Lost(n),
            Push::Event(event) => News::Event(Arc::new(event)),
        }
    }
}

/// Why a wait has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Woken {
    ByBell,
    ByTime,
    /// It has gone.
    ByClient,
}

/// Everything that was in it.
#[derive(Default, Debug)]
pub struct Inside {
    pub events: Vec<Arc<Event>>,
    /// Events lost after the last of those.
    pub lost: u64,
    /// Whether the subscription is in force; `None` while nobody has said so.
    pub begun: Option<bool>,
    /// The core has gone.
    pub gone: bool,
    bytes: usize,
}

impl Mailbox {
    /// # Errors
    /// When there is no descriptor left.
    pub fn new() -> Result<Mailbox, Errno> {
        let bell = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Mailbox { inside: Mutex::default(), bell })
    }

    /// Puts in what came.
    pub fn put(&self, news: &News) {
        let mut inside = lock(&self.inside);
        match news {
            News::Begun(begun) => inside.begun = Some(*begun),
            News::Lost(n) => inside.lost += n,
            News::Event(event) => {
                let bytes = event.payload.len() + event.name.len() + EVENT_BYTES;
                if inside.lost > 0 || inside.bytes + bytes > MAX_BYTES {
                    inside.lost += 1;
                } else {
                    inside.bytes += bytes;
                    inside.events.push(Arc::clone(event));
                }
            }
        }
        drop(inside);
        self.ring();
    }

    /// Nothing more will come.
    pub fn close(&self) {
        lock(&self.inside).gone = true;
        self.ring();
    }

    /// Whether the subscription is in force; `None` while nobody has said so.
    #[must_use]
    pub fn begun(&self) -> Option<bool> {
        lock(&self.inside).begun
    }

    /// Takes everything.
    #[must_use]
    pub fn take(&self) -> Inside {
        // Before we look: what is put in from now on rings again.
        let _ = self.bell.read(); // it has not rung
        let mut inside = lock(&self.inside);
        let (begun, gone) = (inside.begun, inside.gone);
        let taken = std::mem::take(&mut *inside);
        (inside.begun, inside.gone) = (begun, gone);
        Inside { begun, gone, ..taken }
    }

    /// Waits until something is in it or the client goes, at most for `ms`.
    #[must_use]
    pub fn wait(&self, client: Option<BorrowedFd<'_>>, ms: u16) -> Woken {
        let client = client.unwrap_or(self.bell.as_fd());
        let mut polled = [
            PollFd::new(self.bell.as_fd(), PollFlags::POLLIN),
            PollFd::new(client, PollFlags::from_bits_retain(nix::libc::POLLRDHUP)),
        ];
        match poll(&mut polled, PollTimeout::from(ms)) {
            Ok(0) => Woken::ByTime,
            Ok(_) | Err(Errno::EINTR) => {
                // `None` stands for a flag that the crate does not know, which is the one we wait for.
                let is_gone = self.bell.as_fd().as_raw_fd() != client.as_raw_fd()
                    && polled.get(1).is_some_and(|p| p.any().unwrap_or(true));
                if is_gone { Woken::ByClient } else { Woken::ByBell }
            }
            Err(_) => Woken::ByClient,
        }
    }

    fn ring(&self) {
        // It fails only when it has rung more often than there are numbers.
        let _ = self.bell.write(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Wall;

    fn event(serial: u64, bytes: usize) -> News {
        News::Event(Arc::new(Event {
            serial,
            name: "X".to_owned(),
            time: Wall(0),
            payload: "x".repeat(bytes),
        }))
    }

    #[test]
    fn what_does_not_fit_is_counted_until_it_is_taken() {
        let mailbox = Mailbox::new().expect("a descriptor");
        for serial in 0..10 {
            mailbox.put(&event(serial, MAX_BYTES / 4));
        }
        // Small enough, but it happened after the loss.
        mailbox.put(&event(10, 1));
        assert_eq!(mailbox.wait(None, 0), Woken::ByBell);
        let taken = mailbox.take();
        let serials: Vec<u64> = taken.events.iter().map(|e| e.serial).collect();
        assert_eq!((serials, taken.lost), (vec![0, 1, 2], 8));
        mailbox.put(&event(11, 1));
        mailbox.put(&News::Lost(4));
        let taken = mailbox.take();
        assert_eq!((taken.events.len(), taken.lost, taken.begun), (1, 4, None));
        assert_eq!(mailbox.wait(None, 0), Woken::ByTime);
    }

    #[test]
    fn an_end_is_kept() {
        let mailbox = Mailbox::new().expect("a descriptor");
        mailbox.put(&News::Begun(true));
        mailbox.close();
        for _ in 0..2 {
            let taken = mailbox.take();
            assert_eq!((taken.begun, taken.gone), (Some(true), true));
        }
    }
}
