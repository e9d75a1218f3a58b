//! What there is to say of a slot beside its state.
//!
//! Pure. Not here: who shows it (`gateway`, `ctl`).

use crate::engine::slot::Slot;
use crate::engine::table::Engine;
use crate::types::Now;

impl Engine {
    /// Pieces in the order of what an operator wants to know first, joined by `; `.
    pub(super) fn note_of(&self, slot: &Slot, now: Now) -> String {
        let mut pieces: Vec<String> = Vec::new();
        if let Some(expression) = &slot.policy.disabled {
            pieces.push(format!("disabled: `{expression}` is false"));
        }
        if slot.wanted && slot.is_startable() {
            pieces.push(self.what_it_waits_for(slot, now));
        }
        pieces.extend(slot.check_notes());
        pieces.extend(slot.hook_note());
        pieces.extend(slot.schedule_note());
        pieces.join("; ")
    }
}
