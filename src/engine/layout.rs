//! Every order in which slots are ever visited: made once, and again when programs come or go.
//!
//! Pure. Invariant: a slot that is vacant is in no order and has no tier.
//! Not here: what is done in an order (`commands`, `shutdown`), who comes and goes (`roll`).

use crate::engine::depends::Links;
use crate::engine::slot::Slot;
use crate::types::sort_by;
use std::collections::BTreeMap;

#[derive(Default, Debug)]
pub(super) struct Layout {
    pub(super) groups: BTreeMap<String, GroupEntry>,
    /// All slots by ascending (group priority, process priority).
    pub(super) start_order: Vec<u32>,
    /// All slots by (group, name), as they are shown.
    pub(super) shown_order: Vec<u32>,
    /// All slots as they came: at first in the order of the configuration.
    pub(super) arrival: Vec<u32>,
    /// Groups of equal priority, ascending; in each, slots in the order in which a shutdown stops them.
    pub(super) tiers: Vec<Vec<u32>>,
    tier_of: Vec<Option<usize>>,
}

#[derive(Default, Debug)]
pub(super) struct GroupEntry {
    pub(super) by_name: BTreeMap<String, u32>,
    /// Ascending process priority.
    pub(super) start_order: Vec<u32>,
}

impl Layout {
    pub(super) fn new(slots: &[Slot]) -> Layout {
        let mut present: Vec<&Slot> = slots.iter().filter(|s| !s.is_vacant).collect();
        sort_by(&mut present, &|a, b| a.order.cmp(&b.order));
        let mut layout = Layout { tier_of: vec![None; slots.len()], ..Layout::default() };
        layout.arrival = present.iter().map(|s| s.id).collect();

        let mut shown = present.clone();
        sort_by(&mut shown, &|a, b| {
            (&a.policy.group, &a.policy.name).cmp(&(&b.policy.group, &b.policy.name))
        });
        layout.shown_order = shown.iter().map(|s| s.id).collect();

        // COMPAT: groups of equal priority, and members of equal priority, stay as they came.
        let mut came: BTreeMap<&str, u64> = BTreeMap::new();
        for slot in &present {
            came.entry(&slot.policy.group).or_insert(slot.order);
        }
        let first = |slot: &Slot| came.get(slot.policy.group.as_str()).copied();
        let place = |s: &Slot| (s.policy.group_priority, first(s), s.policy.priority);
        sort_by(&mut present, &|a, b| place(a).cmp(&place(b)));
        layout.start_order = present.iter().map(|s| s.id).collect();
        let mut last = None;
        for slot in present {
            let Slot { id, policy, .. } = slot;
            if last != Some(policy.group_priority) {
                last = Some(policy.group_priority);
                layout.tiers.push(Vec::new());
            }
            if let Some(place) = layout.tier_of.get_mut(*id as usize) {
                *place = Some(layout.tiers.len() - 1);
            }
            if let Some(tier) = layout.tiers.last_mut() {
                tier.push(*id);
            }
            let entry = layout.groups.entry(policy.group.clone()).or_default();
            entry.by_name.insert(policy.name.clone(), *id);
            entry.start_order.push(*id);
        }
        // COMPAT: a shutdown goes backwards, within a group and among groups of equal priority too.
        layout.tiers.iter_mut().for_each(|tier| tier.reverse());
        layout
    }

    /// Whoever depends on others is stopped before them, whatever the priorities say: it moves up into their tier.
    pub(super) fn put_followers_above(&mut self, links: &Links) {
        if links.is_empty() {
            return;
        }
        // BOUND: a chain has as many links as there are slots, and there are no circles; else the rounds end it.
        for _ in 0..self.arrival.len() {
            let mut moved = false;
            for id in self.arrival.clone() {
                let wanted = links.targets(id).filter_map(|target| self.tier_of(target)).max();
                if let (Some(own), Some(wanted)) = (self.tier_of(id), wanted)
                    && own < wanted
                {
                    self.tiers[own].retain(|member| *member != id);
                    self.tiers[wanted].insert(0, id);
                    self.tier_of[id as usize] = Some(wanted);
                    moved = true;
                }
            }
            if !moved {
                return;
            }
        }
    }

    pub(super) fn tier_of(&self, slot: u32) -> Option<usize> {
        self.tier_of.get(slot as usize).copied().flatten()
    }
}
