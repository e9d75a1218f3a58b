//! Who belongs to the whole: programs that come, go, or are configured otherwise while everything runs.
//!
//! Pure. Invariants: a slot is vacated or renewed only when nothing of its process runs, in the step that sees it come to
//! rest; a vacated slot keeps counting incarnations, so late news of whoever had it before changes nothing; while
//! everything is being stopped nobody comes or goes.
//! Not here: what has changed in a configuration (`config::diff`), which slot a new program gets (`daemon::roster`).

use crate::config::model::Group;
use crate::control::State;
use crate::engine::action::Action;
use crate::engine::dependents::Dependents;
use crate::engine::depends::Links;
use crate::engine::input::Change;
use crate::engine::layout::Layout;
use crate::engine::policy::Policy;
use crate::engine::slot::{After, Ctx, Slot};
use crate::engine::table::Engine;
use crate::engine::timers::Deadline;
use crate::types::{LogLevel, Now};

impl Engine {
    /// Members of a group, new or not, each into its slot: a vacant one, or the next that there is.
    pub(super) fn on_add(
        &mut self,
        now: Now,
        group: &Group,
        members: &[(u32, usize)],
        out: &mut Vec<Action>,
    ) {
        if self.refuses_changes("an addition", out) {
            return;
        }
        if let Some(why) = self.why_not_free(group, members) {
            return out.push(Action::Bug(why));
        }
        let mut order = self.slots.iter().map(|s| s.order + 1).max().unwrap_or(0);
        for (id, member) in members {
            let Some(program) = group.programs.get(*member) else { continue };
            let policy = Policy::new(program, group);
            match self.slots.get_mut(*id as usize) {
                Some(slot) => slot.occupy(order, policy),
                None => {
                    self.timers.add_slot();
                    self.slots.push(Slot::new(*id, order, policy));
                }
            }
            order += 1;
        }
        self.lay_out();
        if self.booted {
            for (id, _) in members {
                self.with_slot(now, *id, out, |slot, cx| slot.plan_anew(cx));
            }
        }
        for (id, _) in members {
            if self.booted && self.slots.get(*id as usize).is_some_and(Slot::starts_by_itself) {
                self.want(now, *id, out);
            }
        }
    }

    /// Each slot has to be vacant, or the next that there is; and its program has to be there, once.
    fn why_not_free(&self, group: &Group, members: &[(u32, usize)]) -> Option<String> {
        let mut n_slots = self.slots.len();
        let mut seen: Vec<(u32, usize)> = Vec::new();
        for (id, member) in members {
            let Some(program) = group.programs.get(*member) else {
                return Some(format!("cannot add member {member} of {}: there is none", group.name));
            };
            let is_next = *id as usize == n_slots;
            n_slots += usize::from(is_next);
            let is_vacant = self.slots.get(*id as usize).is_some_and(|s| s.is_vacant);
            let is_twice = seen.iter().any(|(slot, other)| slot == id || other == member);
            let is_known = self.slot_of(&group.name, &program.name).is_some();
            if !(is_next || is_vacant) || is_twice || is_known {
                return Some(format!(
                    "cannot add {}:{} as slot {id}: it is not free",
                    group.name, program.name
                ));
            }
            seen.push((*id, *member));
        }
        None
    }

    fn is_present(&self, id: u32) -> bool {
        self.layout.tier_of(id).is_some()
    }

    /// Slots that are wanted no more: what runs is stopped, and then they are vacated.
    pub(super) fn on_retire(&mut self, now: Now, slots: &[u32], out: &mut Vec<Action>) {
        if self.refuses_changes("a removal", out) {
            return;
        }
        if let Some(id) = slots.iter().find(|id| !self.is_present(**id)) {
            return out.push(Action::Bug(format!("cannot retire slot {id}: nobody has it")));
        }
        for id in slots {
            self.with_slot(now, *id, out, |slot, cx| {
                slot.forget_wish(cx);
                slot.after = Some(After::Vacate);
            });
        }
        for id in slots {
            self.stop_with_followers(now, *id, out);
        }
    }

    /// Programs are configured otherwise. Without `restart` a policy applies at once and nothing else happens; with it
    /// the program is stopped as it was started, and started as it is now. What an operator has stopped stays so.
    pub(super) fn on_change(&mut self, now: Now, changes: &[Change], out: &mut Vec<Action>) {
        if self.refuses_changes("a change", out) {
            return;
        }
        let is_there = |c: &&Change| {
            let program = c.group.programs.get(c.member);
            program.is_some_and(|p| self.slot_of(&c.group.name, &p.name) == Some(c.slot))
        };
        if let Some(change) = changes.iter().find(|c| !is_there(c)) {
            let (slot, group) = (change.slot, &change.group.name);
            return out.push(Action::Bug(format!("cannot change slot {slot}: no program of {group} has it")));
        }
        let booted = self.booted;
        let mut stopping = Vec::new();
        for Change { slot: id, group, member, restart } in changes {
            let Some(program) = group.programs.get(*member) else { continue };
            let policy = Policy::new(program, group);
            self.with_slot(now, *id, out, |slot, cx| {
                if let Some(After::Renew { policy: waiting, start }) = &mut slot.after {
                    // It is being stopped for an earlier change; the later one counts.
                    *start &= policy.disabled.is_none() && policy.schedule.is_none();
                    **waiting = policy;
                } else if *restart {
                    let start = slot.starts_when_changed(&policy);
                    slot.after = Some(After::Renew { policy: Box::new(policy), start });
                    stopping.push(*id);
                } else {
                    slot.adopt(policy, booted, cx);
                    cx.out.push(Action::Renewed(slot.id));
                }
            });
        }
        for id in stopping {
            // Those that are bound to it are stopped before it, as it depends on them now.
            self.stop_with_followers(now, id, out);
        }
        self.lay_out();
    }

    /// What was to follow once slots had come to rest.
    pub(super) fn follow_up(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.resting.is_empty() || self.is_stopping() {
            return;
        }
        let mut starting = Vec::new();
        let mut is_in_order = true;
        let booted = self.booted;
        for id in std::mem::take(&mut self.resting) {
            let Some(slot) = self.slots.get_mut(id as usize).filter(|s| s.is_at_rest()) else {
                continue;
            };
            match slot.after.take() {
                None if std::mem::take(&mut slot.plan.queued) => starting.push(id),
                None => {}
                Some(After::Again(why)) if slot.state == State::Stopped => {
                    self.with_slot(now, id, out, |slot, cx| {
                        slot.spawnerr = why;
                        slot.restart(cx);
                    });
                }
                Some(After::Again(_)) => {}
                Some(After::Vacate) => {
                    slot.vacate();
                    is_in_order = false;
                    self.timers.clear(id);
                    self.timers.disarm(id, Deadline::Schedule);
                    self.main = self.main.filter(|main| *main != id);
                    self.n_ends_settled = self.n_ends;
                    out.push(Action::Vacated(id));
                }
                Some(After::Renew { policy, start }) => {
                    is_in_order &= slot.policy.place() == policy.place();
                    is_in_order &= slot.policy.schedule.is_some() == policy.schedule.is_some();
                    // A process that cannot be signalled may still be there.
                    if start && slot.state != State::Unknown {
                        starting.push(id);
                    }
                    self.with_slot(now, id, out, |slot, cx| slot.renew(*policy, booted, cx));
                }
            }
        }
        if !is_in_order {
            self.lay_out();
        }
        for id in starting {
            self.want(now, id, out);
        }
    }

    /// Makes all orders and counts anew.
    pub(super) fn lay_out(&mut self) {
        let mut layout = Layout::new(&self.slots);
        self.links = Links::of(&self.slots, &layout.arrival, std::mem::take(&mut self.links));
        layout.put_followers_above(&self.links);
        self.layout = layout;
        self.dependents = Dependents::of(&self.slots, &self.layout.arrival, &self.dependents);
        self.tally = self.recount();
        self.n_scheduled = self.slots.iter().filter(|s| !s.is_vacant && s.policy.schedule.is_some()).count();
    }

    fn refuses_changes(&self, what: &str, out: &mut Vec<Action>) -> bool {
        if self.is_stopping() {
            out.push(Action::Log(LogLevel::Debug, format!("ignored {what}: everything is being stopped")));
        }
        self.is_stopping()
    }
}

impl Slot {
    fn renew(&mut self, policy: Policy, booted: bool, cx: &mut Ctx<'_>) {
        self.adopt(policy, booted, cx);
        self.tries = 0;
        self.level = 0;
        cx.out.push(Action::Renewed(self.id));
    }

    /// Its policy is another from now on.
    fn adopt(&mut self, policy: Policy, booted: bool, cx: &mut Ctx<'_>) {
        let is_same = (&self.policy.schedule, &self.policy.disabled) == (&policy.schedule, &policy.disabled);
        let before = std::mem::replace(&mut self.policy, policy);
        if self.policy.disabled.is_some() || self.policy.schedule.is_some() {
            self.forget_wish(cx);
        }
        self.change_checks(&before, cx);
        if booted && !is_same {
            self.plan_anew(cx);
        }
    }

    fn starts_when_changed(&self, to: &Policy) -> bool {
        if to.disabled.is_some() {
            return false;
        }
        match self.state {
            // Its next run will be of the new kind.
            _ if to.schedule.is_some() => false,
            // Nobody could start it as long as it was off.
            State::Stopped if self.policy.disabled.is_some() => to.autostart,
            State::Stopped => to.autostart && !(self.was_started() || self.policy.autostart),
            State::Exited | State::Fatal | State::Unknown => to.autostart,
            State::Starting | State::Running | State::Backoff | State::Stopping => true,
        }
    }
}
