//! What somebody waits for, in words.
//!
//! Pure. Not here: who waits (`depends`), who shows it (`note`).

use super::Link;
use crate::engine::slot::Slot;
use crate::engine::table::Engine;
use crate::types::Now;

impl Engine {
    /// `waiting for db (ready): BACKOFF: can't find command 'x', retry in 2s`
    pub(in crate::engine) fn what_it_waits_for(&self, slot: &Slot, now: Now) -> String {
        let unmet = self.links.on(slot.id).iter().filter(|link| !self.is_link_met(link));
        let piece = |link: &Link| {
            let late = link.slots.iter().filter_map(|id| self.slots.get(*id as usize));
            let why = match late.filter(|s| !link.is_met_by(s)).min_by_key(|s| !s.is_over()) {
                None => "there is no such program".to_owned(),
                Some(target) => self.why_not_yet(target, now),
            };
            format!("{} ({}): {why}", link.target, link.need.word())
        };
        let pieces: Vec<String> = unmet.map(piece).collect();
        format!("waiting for {}", pieces.join(", "))
    }

    fn why_not_yet(&self, target: &Slot, now: Now) -> String {
        match &target.policy.disabled {
            Some(expression) => format!("disabled, `{expression}` is false"),
            None if target.wanted => "it waits itself".to_owned(),
            None => self.why_unready(target, now),
        }
    }
}
