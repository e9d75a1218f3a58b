//! Counts over all slots, kept up to date slot by slot, so that no step ever has to look at all of them.
//!
//! Pure. Invariant: each count equals what a walk over all slots would give (a test walks).
//! Not here: what follows from a count (`shutdown`, `health`).

use crate::control::State;
use crate::engine::slot::Slot;

/// What one slot contributes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    /// Not at rest: a shutdown waits for it.
    pub(super) unstopped: bool,
    /// It counts for startup and is not ready.
    pub(super) unstarted: bool,
    /// While it is so, not all programs have ended.
    pub(super) lasting: bool,
    pub(super) ever_started: bool,
}

impl Facts {
    pub(super) fn of(slot: &Slot) -> Facts {
        let ever_started = slot.was_started();
        Facts {
            unstopped: !slot.is_at_rest(),
            unstarted: slot.counts(|gates| gates.startup) && !slot.is_ready(),
            lasting: match slot.state {
                // There is always another run.
                _ if slot.policy.schedule.is_some() => slot.policy.disabled.is_none() || !slot.is_at_rest(),
                State::Exited | State::Fatal => false,
                // Stopped by an operator, who will want to start it again; or never started by anybody.
                State::Stopped if slot.wanted => !slot.is_hopeless,
                State::Stopped => ever_started || (slot.policy.autostart && slot.policy.disabled.is_none()),
                State::Starting | State::Running | State::Backoff | State::Stopping | State::Unknown => true,
            },
            ever_started,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tally {
    pub(super) unstarted: u32,
    pub(super) lasting: u32,
    pub(super) ever_started: u32,
    /// Not stopped, for each tier of equal group priority.
    pub(super) unstopped: Vec<u32>,
}

impl Tally {
    pub(super) fn new(n_tiers: usize) -> Tally {
        Tally { unstopped: vec![0; n_tiers], ..Tally::default() }
    }

    pub(super) fn add(&mut self, tier: usize, facts: Facts) {
        self.unstarted += u32::from(facts.unstarted);
        self.lasting += u32::from(facts.lasting);
        self.ever_started += u32::from(facts.ever_started);
        if let Some(n) = self.unstopped.get_mut(tier) {
            *n += u32::from(facts.unstopped);
        }
    }

    pub(super) fn remove(&mut self, tier: usize, facts: Facts) {
        self.unstarted -= u32::from(facts.unstarted);
        self.lasting -= u32::from(facts.lasting);
        self.ever_started -= u32::from(facts.ever_started);
        if let Some(n) = self.unstopped.get_mut(tier) {
            *n -= u32::from(facts.unstopped);
        }
    }
}
