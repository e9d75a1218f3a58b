//! What all connections together may hold in memory: answers on their way, and scrapes being put together.
//!
//! Pure bookkeeping. Invariant: what is reserved is given back when the reservation is dropped, after a panic too.
//! Why: the address space is bounded, and running into that bound ends the process; sixty scrapers of a thousand
//! programs, or a few slow readers of long answers, would get there.
//! Not here: limits of one connection (`server`, `http`).

use crate::gateway::lock;
use crate::sys::slim;
use crate::types::Mono;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// BOUND: bytes of answers that clients have not taken yet.
const MAX_UNSENT_BYTES: usize = 64 << 20;

/// Time between two looks for memory to give back.
const TIDY_NS: u64 = 1_000_000_000;

/// BOUND: scrapes at a time, the waiting ones included. A pair of Prometheus servers needs two.
const MAX_SCRAPES: usize = 4;

/// BOUND: clients that follow a log; each has a thread, a connection and an open file. As many may follow events.
const MAX_FOLLOWERS: usize = 16;

/// Shared by all listeners of the process.
#[derive(Default, Debug)]
pub struct Load {
    unsent: AtomicUsize,
    scrapes: AtomicUsize,
    followers: AtomicUsize,
    watchers: AtomicUsize,
    /// Putting a scrape together takes several times its size.
    scraping: Mutex<()>,
    /// Requests that are being answered.
    busy: Mutex<usize>,
    one_answered: Condvar,
    /// When memory was given back last.
    tidied: AtomicU64,
}

impl Load {
    /// Room for an answer; `None` when there is none now. One answer always fits.
    #[must_use]
    pub fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        let before = self.unsent.fetch_add(bytes, Ordering::AcqRel);
        let reservation = Reservation { load: Arc::clone(self), bytes };
        (before == 0 || before.saturating_add(bytes) <= MAX_UNSENT_BYTES).then_some(reservation)
    }

    /// A request is being answered until the value is dropped.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Busy {
        *lock(&self.busy) += 1;
        Busy { load: Arc::clone(self) }
    }

    /// Gives back what the last request needed, at most once a second.
    pub fn tidy(&self, now: Mono) {
        let last = self.tidied.load(Ordering::Acquire);
        if now.0.saturating_sub(last) >= TIDY_NS
            && self.tidied.compare_exchange(last, now.0, Ordering::AcqRel, Ordering::Acquire).is_ok()
        {
            slim::forget_the_past();
        }
    }

    /// Waits until no request is being answered, at most for `limit`.
    pub fn wait_until_idle(&self, limit: Duration) {
        let busy = lock(&self.busy);
        // Whether it was in time or not: the process ends now.
        drop(
            self.one_answered
                .wait_timeout_while(busy, limit, |n| *n > 0)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Follows a log, for as long as `work` takes; `None` when too many do already.
    pub fn follow<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let _turn = Turn::take(&self.followers, MAX_FOLLOWERS)?;
        Some(work())
    }

    /// Follows events, for as long as `work` takes; `None` when too many do already. At the end of the process it counts
    /// as a request that is being answered: the last events are worth hearing.
    pub fn watch<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> Option<T> {
        let _turn = Turn::take(&self.watchers, MAX_FOLLOWERS)?;
        let _busy = self.begin();
        Some(work())
    }

    /// Carries out a scrape when its turn comes; `None` when too many wait already.
    pub fn scrape<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let _turn = Turn::take(&self.scrapes, MAX_SCRAPES)?;
        let _alone: MutexGuard<'_, ()> = lock(&self.scraping);
        Some(work())
    }
}

/// See `Load::begin`.
#[derive(Debug)]
pub struct Busy {
    load: Arc<Load>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut busy = lock(&self.load.busy);
        *busy = busy.saturating_sub(1);
        self.load.one_answered.notify_all();
    }
}

/// Room that is given back by dropping it.
#[derive(Debug)]
pub struct Reservation {
    load: Arc<Load>,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.load.unsent.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

struct Turn<'a>(&'a AtomicUsize);

impl Turn<'_> {
    fn take(count: &AtomicUsize, most: usize) -> Option<Turn<'_>> {
        let before = count.fetch_add(1, Ordering::AcqRel);
        let turn = Turn(count);
        (before < most).then_some(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_share_their_room_and_give_it_back() {
        let load = Arc::new(Load::default());
        let big = load.reserve(MAX_UNSENT_BYTES - 10).expect("room");
        assert!(load.reserve(11).is_none());
        let small = load.reserve(10).expect("room");
        assert!(load.reserve(1).is_none());
        drop((big, small));
        assert_eq!(load.unsent.load(Ordering::Acquire), 0);
        assert!(load.reserve(MAX_UNSENT_BYTES * 2).is_some(), "a single answer always fits");
    }

    #[test]
    fn scrapes_wait_for_each_other_up_to_a_number() {
        let load = Load::default();
        let nested = load.scrape(|| {
            let waiting: Vec<_> =
                (1..MAX_SCRAPES).filter_map(|_| Turn::take(&load.scrapes, MAX_SCRAPES)).collect();
            assert_eq!(waiting.len(), MAX_SCRAPES - 1);
            load.scrape(|| ())
        });
        assert_eq!(nested, Some(None));
        assert_eq!(load.scrape(|| 1), Some(1));
    }
}
