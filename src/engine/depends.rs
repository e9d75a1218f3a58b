//! Dependencies: who is started when others have come so far, and who follows whom down and up again.
//!
//! Pure. Invariants: a program with `depends_on` is spawned by the boot, an addition or an operator only when everything it
//! needs has come about; a shutdown stops it before what it depends on, and so do operators and updates where it is bound
//! (a failed liveness does not wait for anybody); where nobody depends on anything all of this costs
//! nothing. What a program needs is asked of the present states: what was reached and lost has to be reached again.
//! Restarts after a crash do not wait: the order is of starts, and `bind` is for those who want more.
//! Not here: names, circles (`config::validate`), Python's plug-in of a like kind (`dependents`).

mod words;

use crate::config::model::{Bind, Need};
use crate::control::State;
use crate::engine::action::Action;
use crate::engine::slot::{After, Ctx, News, Slot};
use crate::engine::table::Engine;
use crate::types::{LogLevel, Now};
use std::collections::BTreeSet;

/// What one slot waits for.
#[derive(Debug)]
struct Link {
    target: String,
    need: Need,
    /// Whoever waits is stopped when they stop.
    follows: bool,
    /// All of them have to have come so far; none, where the target is not there any more.
    slots: Vec<u32>,
}

impl Link {
    /// It is waited for as something that goes on.
    fn has_to_run(&self) -> bool {
        matches!(self.need, Need::Started | Need::Ready)
    }

    /// What is to be there is not, and it has not done its work either.
    fn is_down_for(&self, slot: &Slot) -> bool {
        !matches!(slot.state, State::Starting | State::Running) && !slot.has_come(Need::Completed)
    }

    /// It has come so far. Who has come so far and ended since is no good for those who would follow it down at once.
    fn is_met_by(&self, slot: &Slot) -> bool {
        slot.has_come(self.need) && !(self.follows && self.has_to_run() && self.is_down_for(slot))
    }
}

/// Who depends on whom among the slots that there are now.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// By slot; empty where nobody depends on anything.
    on: Vec<Vec<Link>>,
    by: Vec<Vec<u32>>,
    below: Vec<u32>,
    /// Slots that have changed in this step and that somebody may care for.
    touched: BTreeSet<u32>,
    /// Slots that waited for something, and whose program depends on nothing any more.
    free: Vec<u32>,
    /// Slots that are to be stopped as soon as those that depend on them have been.
    pub(super) held: Vec<u32>,
}

impl Links {
    pub(super) fn of(slots: &[Slot], arrival: &[u32], before: Links) -> Links {
        let present = || arrival.iter().filter_map(|id| slots.get(*id as usize));
        let mut links = Links { held: before.held, ..Links::default() };
        links.held.retain(|id| arrival.contains(id));
        let is_free = |s: &&Slot| s.wanted && s.policy.depends_on.is_empty();
        links.free = present().filter(is_free).map(|s| s.id).collect();
        if present().all(|s| s.policy.depends_on.is_empty()) {
            return links;
        }
        links.on.resize_with(slots.len(), Vec::new);
        links.by.resize_with(slots.len(), Vec::new);
        for slot in present() {
            for depends in &slot.policy.depends_on {
                let is_meant = |s: &&Slot| s.id != slot.id && s.policy.is_called(&depends.target);
                let targets: Vec<u32> = present().filter(is_meant).map(|s| s.id).collect();
                for target in &targets {
                    if let Some(by) = links.by.get_mut(*target as usize)
                        && by.last() != Some(&slot.id)
                    {
                        by.push(slot.id);
                    }
                }
                let (target, need) = (depends.target.clone(), depends.need);
                let link = Link { target, need, follows: slot.policy.bind == Bind::Stop, slots: targets };
                if let Some(on) = links.on.get_mut(slot.id as usize) {
                    on.push(link);
                }
            }
        }
        links.measure();
        links.touched = arrival.iter().copied().collect();
        links
    }

    fn on(&self, slot: u32) -> &[Link] {
        self.on.get(slot as usize).map_or(&[], Vec::as_slice)
    }

    pub(super) fn by(&self, slot: u32) -> &[u32] {
        self.by.get(slot as usize).map_or(&[], Vec::as_slice)
    }

    /// The slots that this one depends on.
    pub(super) fn targets(&self, slot: u32) -> impl Iterator<Item = u32> {
        self.on(slot).iter().flat_map(|link| link.slots.iter().copied())
    }

    /// How many stops follow one after the other once this one has stopped: the longest chain below it.
    pub(super) fn n_below(&self, slot: u32) -> u64 {
        self.below.get(slot as usize).copied().unwrap_or(0).into()
    }

    fn measure(&mut self) {
        self.below = vec![0; self.on.len()];
        // BOUND: as many rounds as the longest chain has links, and there are no circles.
        for _ in 0..self.on.len() {
            let mut is_same = true;
            for id in 0..self.on.len() {
                let deepest =
                    self.on[id].iter().flat_map(|l| &l.slots).filter_map(|t| self.below.get(*t as usize));
                let depth = deepest.max().map_or(0, |n| n.saturating_add(1));
                is_same &= depth == self.below[id];
                self.below[id] = depth;
            }
            if is_same {
                return;
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.on.is_empty()
    }

    /// It has changed.
    pub(super) fn touch(&mut self, slot: u32) {
        if !self.on.is_empty() {
            self.touched.insert(slot);
        }
    }
}

impl Engine {
    /// Starts a slot, now or as soon as everything that it depends on has come so far.
    pub(super) fn want(&mut self, now: Now, id: u32, out: &mut Vec<Action>) {
        if self.is_met(id) {
            return self.with_slot(now, id, out, |slot, cx| slot.spawn(cx));
        }
        if self.slots.get(id as usize).is_none_or(|s| s.wanted && !s.is_hopeless) {
            return;
        }
        self.with_slot(now, id, out, |slot, _| {
            slot.wanted = true;
            slot.is_hopeless = false;
        });
        if let Some(slot) = self.slots.get(id as usize) {
            let name = slot.policy.namespec();
            out.push(Action::Log(LogLevel::Info, format!("{name} is {}", self.what_it_waits_for(slot, now))));
        }
    }

    /// Starts what a slot needs and nobody has started, and then the slot. For an operator's start.
    pub(super) fn want_with_all_it_needs(&mut self, now: Now, id: u32, out: &mut Vec<Action>) {
        let mut missing = Vec::new();
        self.missing(id, &mut BTreeSet::from([id]), &mut missing);
        for at in missing {
            self.want(now, at, out);
        }
        self.want(now, id, out);
    }

    /// What a slot needs, directly or not, and nobody has started; dependencies first.
    // BOUND: each slot once, so a circle ends too.
    fn missing(&self, id: u32, seen: &mut BTreeSet<u32>, missing: &mut Vec<u32>) {
        for link in self.links.on(id) {
            for at in link.slots.iter().copied().filter(|at| !self.has_come(*at, link)) {
                if !seen.insert(at) {
                    continue;
                }
                self.missing(at, seen, missing);
                let may_start = |s: &Slot| s.is_startable() && !s.wanted && s.policy.disabled.is_none();
                if self.slots.get(at as usize).is_some_and(may_start) {
                    missing.push(at);
                }
            }
        }
    }

    /// Everything that a slot depends on has come so far.
    pub(super) fn is_met(&self, id: u32) -> bool {
        self.links.on(id).iter().all(|link| self.is_link_met(link))
    }

    fn is_link_met(&self, link: &Link) -> bool {
        !link.slots.is_empty() && link.slots.iter().all(|id| self.has_come(*id, link))
    }

    fn has_come(&self, id: u32, link: &Link) -> bool {
        self.slots.get(id as usize).is_some_and(|slot| link.is_met_by(slot))
    }

    /// What follows for others from what has changed in this step.
    pub(super) fn follow_links(&mut self, now: Now, out: &mut Vec<Action>) {
        if !self.links.held.is_empty() && !self.is_stopping() {
            self.release_held(now, out);
        }
        for id in std::mem::take(&mut self.links.free) {
            let may_start = |s: &Slot| s.wanted && s.is_startable() && s.after.is_none();
            if self.booted && !self.is_stopping() && self.slots.get(id as usize).is_some_and(may_start) {
                self.try_to_start(now, id, out);
            }
        }
        // BOUND: a start or a stop comes back as somebody else's change, along a chain at most; whatever is left then is
        // looked at after the next step.
        for _ in 0..=self.links.by.len() {
            if self.links.touched.is_empty() {
                return;
            }
            let touched = std::mem::take(&mut self.links.touched);
            if !self.booted || self.is_stopping() {
                return;
            }
            let mut candidates: BTreeSet<u32> = BTreeSet::new();
            for id in touched {
                candidates.extend(self.links.by(id));
                if !self.links.on(id).is_empty() {
                    candidates.insert(id);
                }
            }
            for id in candidates {
                self.follow_one(now, id, out);
            }
            self.release_held(now, out);
        }
    }

    fn follow_one(&mut self, now: Now, id: u32, out: &mut Vec<Action>) {
        let targets = self.links.targets(id).filter_map(|t| self.slots.get(t as usize));
        let incarnations: u64 = targets.map(|s| u64::from(s.incarnation)).sum();
        let Some(slot) = self.slots.get_mut(id as usize) else { return };
        if slot.bound_at != slot.incarnation {
            // Whoever started it: it knows its dependencies as they were then.
            (slot.bound_at, slot.bound) = (slot.incarnation, incarnations);
        }
        let (bind, is_again) = (slot.policy.bind, slot.bound != incarnations);
        if slot.wanted && slot.is_startable() && slot.after.is_none() {
            return self.try_to_start(now, id, out);
        }
        let is_down = self.links.on(id).iter().any(|link| self.is_down(link));
        let follows = match bind {
            Bind::None => false,
            Bind::Stop => is_down || is_again,
            Bind::Restart => is_again && self.is_met(id),
        };
        let Some(slot) = self.slots.get_mut(id as usize) else { return };
        if follows && slot.state.is_running() && slot.after.is_none() && !slot.wanted {
            let what = if is_down { "has stopped" } else { "was started again" };
            let text = format!("stopping {}: what it is bound to {what}", slot.policy.namespec());
            slot.wanted = true;
            out.push(Action::Log(LogLevel::Info, text));
            self.stop_with_followers(now, id, out);
        }
    }

    fn try_to_start(&mut self, now: Now, id: u32, out: &mut Vec<Action>) {
        if self.is_met(id) {
            // What is about to be stopped has come so far and is no good; and nothing new begins on the way to the end.
            let is_new = self.slots.get(id as usize).is_some_and(|s| !s.was_started());
            let is_going = self.links.targets(id).any(|target| self.links.held.contains(&target));
            let is_off = self.slots.get(id as usize).is_some_and(|s| s.policy.disabled.is_some());
            if !(is_off || is_going || is_new && self.ends_after_drain()) {
                self.with_slot(now, id, out, |slot, cx| slot.spawn(cx));
            }
            return;
        }
        let is_hopeless = self.is_hopeless(id);
        let Some(slot) = self.slots.get(id as usize).filter(|s| s.is_hopeless != is_hopeless) else { return };
        let text = format!("{} is {}", slot.policy.namespec(), self.what_it_waits_for(slot, now));
        self.with_slot(now, id, out, |slot, cx| {
            slot.is_hopeless = is_hopeless;
            if is_hopeless {
                cx.log(LogLevel::Warn, text.clone());
                cx.news.push(News::WillNotStart(text));
            }
        });
    }

    /// Something that has to run does not.
    fn is_down(&self, link: &Link) -> bool {
        let is_down = |id: &u32| self.slots.get(*id as usize).is_none_or(|slot| link.is_down_for(slot));
        link.has_to_run() && (link.slots.is_empty() || link.slots.iter().any(is_down))
    }

    /// What it waits for does not come by itself.
    fn is_hopeless(&self, id: u32) -> bool {
        self.links.on(id).iter().any(|link| {
            link.slots.is_empty()
                || link.slots.iter().any(|target| {
                    self.slots.get(*target as usize).is_some_and(|s| !link.is_met_by(s) && s.is_over())
                })
        })
    }

    /// Stops a slot; those that are bound to it come first.
    pub(super) fn stop_with_followers(&mut self, now: Now, id: u32, out: &mut Vec<Action>) {
        let is_bound = |by: &&u32| {
            self.slots.get(**by as usize).is_some_and(|s| s.policy.bind == Bind::Stop && s.state.is_running())
        };
        let followers: Vec<u32> = self.links.by(id).iter().filter(is_bound).copied().collect();
        for by in &followers {
            // BOUND: a chain of dependencies; a slot that is on its way down is not entered again.
            if !self.links.held.contains(by) {
                self.with_slot(now, *by, out, |slot, _| slot.wanted = true);
                self.stop_with_followers(now, *by, out);
            }
        }
        if self.has_live_followers(id) {
            if !self.links.held.contains(&id) {
                self.links.held.push(id);
            }
            // It may be started meanwhile by itself, which makes a wish come true.
            self.with_slot(now, id, out, |slot, _| slot.returns = slot.wanted);
        } else {
            self.with_slot(now, id, out, |slot, cx| slot.stop(cx));
        }
    }

    fn has_live_followers(&self, id: u32) -> bool {
        let is_live = |by: &u32| {
            self.slots.get(*by as usize).is_some_and(|s| s.policy.bind == Bind::Stop && !s.state.is_stopped())
        };
        self.links.by(id).iter().any(is_live)
    }

    /// Stops those whose followers are gone.
    fn release_held(&mut self, now: Now, out: &mut Vec<Action>) {
        for id in std::mem::take(&mut self.links.held) {
            if self.has_live_followers(id) {
                self.links.held.push(id);
            } else {
                self.with_slot(now, id, out, |slot, cx| {
                    slot.wanted |= std::mem::take(&mut slot.returns);
                    if matches!(slot.after, Some(After::Again(_))) {
                        // It was found to have failed meanwhile; the stop that was asked for before counts.
                        slot.after = None;
                    }
                    slot.stop(cx);
                });
            }
        }
    }
}

impl Slot {
    /// It has come so far.
    pub(super) fn has_come(&self, need: Need) -> bool {
        match need {
            Need::Started => matches!(self.state, State::Running | State::Exited),
            Need::Ready => self.is_ready(),
            Need::Completed => self.state == State::Exited && self.last.expected,
            Need::Ended => matches!(self.state, State::Exited | State::Fatal),
        }
    }

    /// Nothing of it runs, and it can be started.
    pub(super) fn is_startable(&self) -> bool {
        self.state.is_stopped() && self.state != State::Unknown
    }

    /// It is not to be started any more.
    pub(super) fn forget_wish(&mut self, cx: &mut Ctx<'_>) {
        if std::mem::take(&mut self.wanted) {
            self.is_hopeless = false;
            cx.news
                .push(News::WillNotStart(format!("{} was stopped while it waited", self.policy.namespec())));
        }
    }

    /// Without somebody's hand nothing more comes of it.
    fn is_over(&self) -> bool {
        match self.state {
            State::Exited | State::Fatal | State::Unknown => self.policy.schedule.is_none(),
            State::Stopped => self.policy.disabled.is_some() || (self.wanted && self.is_hopeless),
            State::Starting | State::Running | State::Backoff | State::Stopping => false,
        }
    }
}
