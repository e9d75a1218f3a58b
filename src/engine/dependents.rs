//! Programs that wait for others: who is started when which states have been reached.
//!
//! Pure. Invariants: what a program has reached stays reached until the end of the engine; a program is started from here
//! only until it has once been RUNNING or FATAL, and nothing is, once everything that waits has come so far; one round
//! starts at least one process or is the last; when programs come, go or change it is made anew from who is there. COMPAT: supervisord-dependent-startup 1.4.0, which does the same by events
//! and XML-RPC. Not here: which names mean which program, circles, what comes first (`config::validate::dependents`).

use crate::config::model::{Condition, Milestone};
use crate::control::State;
use crate::engine::action::Action;
use crate::engine::slot::{News, Slot};
use crate::engine::table::Engine;
use crate::types::{LogLevel, Now};

/// A set of milestones.
type Set = u8;

const DONE: [Milestone; 2] = [Milestone::Running, Milestone::Fatal];

#[derive(Debug, Default)]
pub(super) struct Dependents {
    services: Vec<Service>,
    /// The service of each slot, by its number. Empty where nobody waits: then all of this costs nothing.
    service_of: Vec<Option<usize>>,
    /// Something has changed since the last look.
    news: bool,
    begun: bool,
}

/// All processes of a program section.
#[derive(Debug, Default)]
struct Service {
    name: String,
    /// Slots, and what each has reached.
    members: Vec<(u32, Set)>,
    waits: Option<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// Lower first.
    place: (i64, u32),
    depends: Vec<(usize, Set)>,
}

impl Dependents {
    /// Who waits for whom among the programs that there are now. What was reached before stays reached.
    pub(super) fn of(slots: &[Slot], arrival: &[u32], before: &Dependents) -> Dependents {
        let mut all = Dependents { news: true, begun: before.begun, ..Dependents::default() };
        let present = || arrival.iter().filter_map(|id| slots.get(*id as usize));
        if present().all(|s| s.policy.waits.is_none()) {
            return all;
        }
        all.service_of.resize(slots.len(), None);
        for slot in present() {
            let Some(name) = &slot.policy.service else { continue };
            let at = all.place_for(name);
            let now = milestone(slot.state).map_or(0, |m| set_of(&[m]));
            all.services[at].members.push((slot.id, before.reached(slot.id) | now));
            all.service_of[slot.id as usize] = Some(at);
        }
        for slot in present() {
            let (Some(waits), Some(name)) = (&slot.policy.waits, &slot.policy.service) else { continue };
            let at = all.place_for(name);
            let mut depends = Vec::with_capacity(waits.depends.len());
            for dependency in &waits.depends {
                let Condition::Reached(milestones) = &dependency.condition;
                // Of a program that is not there any more nothing is ever reached.
                depends.push((all.place_for(&dependency.target), set_of(milestones)));
            }
            all.services[at].waits = Some(Rule { place: (waits.urgency, waits.rank), depends });
        }
        all
    }

    fn place_for(&mut self, name: &str) -> usize {
        self.services.iter().position(|s| s.name == name).unwrap_or_else(|| {
            self.services.push(Service { name: name.to_owned(), ..Service::default() });
            self.services.len() - 1
        })
    }

    fn reached(&self, slot: u32) -> Set {
        let mut members = self.services.iter().flat_map(|s| &s.members);
        members.find(|m| m.0 == slot).map_or(0, |m| m.1)
    }

    /// A slot has changed. COMPAT: whatever it is, all are looked at again.
    pub(super) fn note(&mut self, slot: u32, news: &News) {
        let News::To(state) = news else { return };
        self.news = true;
        let (Some(milestone), Some(at)) = (milestone(*state), self.service_of.get(slot as usize)) else {
            return;
        };
        let Some(at) = *at else { return };
        let members = &mut self.services[at].members;
        members.iter_mut().filter(|m| m.0 == slot).for_each(|m| m.1 |= set_of(&[milestone]));
    }

    /// The slots that may start now, in order.
    fn next(&mut self, slots: &[Slot]) -> Vec<u32> {
        if !std::mem::take(&mut self.news) || self.service_of.is_empty() {
            return Vec::new();
        }
        let waiting = self.services.iter().filter_map(|s| Some((s, s.waits.as_ref()?)));
        let waiting: Vec<_> =
            waiting.filter(|(s, _)| !DONE.iter().any(|d| s.has_reached(set_of(&[*d])))).collect();
        if waiting.is_empty() {
            // COMPAT: from here on it is an operator's business.
            self.service_of.clear();
            return Vec::new();
        }
        let may = |(service, rule): &(&Service, &Rule)| service.is_startable(slots) && self.is_met(rule);
        let mut ready: Vec<_> = waiting.into_iter().filter(may).collect();
        // Chosen one by one: they are few, and a sort of its own costs more than all the rest of this.
        let mut order = Vec::with_capacity(ready.len());
        while let Some(least) = (0..ready.len()).min_by_key(|n| {
            let (urgency, rank) = ready[*n].1.place;
            // COMPAT: the very first goes by the chain alone.
            (if self.begun || !order.is_empty() { urgency } else { 0 }, rank)
        }) {
            order.push(ready.swap_remove(least).0);
        }
        let is_at_rest = |id: &u32| {
            slots.get(*id as usize).is_some_and(|s| matches!(s.state, State::Stopped | State::Exited))
        };
        order.iter().flat_map(|s| s.members.iter().map(|m| m.0)).filter(is_at_rest).collect()
    }

    fn is_met(&self, rule: &Rule) -> bool {
        rule.depends.iter().all(|(at, set)| self.services[*at].has_any(*set))
    }

    /// A line for each program that cannot start at once.
    fn explain(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for service in &self.services {
            let Some(rule) = service.waits.as_ref().filter(|rule| !self.is_met(rule)) else { continue };
            let wants =
                rule.depends.iter().map(|(at, set)| format!("{} {}", self.services[*at].name, names(*set)));
            lines.push(format!("waiting: '{}' for {}", service.name, wants.collect::<Vec<_>>().join(", ")));
        }
        lines
    }
}

impl Service {
    /// COMPAT: all processes have been in one and the same of these states.
    fn has_any(&self, set: Set) -> bool {
        (0..Set::BITS).any(|bit| set & (1 << bit) != 0 && self.has_reached(1 << bit))
    }

    fn has_reached(&self, one: Set) -> bool {
        !self.members.is_empty() && self.members.iter().all(|(_, reached)| reached & one != 0)
    }

    /// COMPAT: while one of its processes lives or has failed for good, none is started.
    fn is_startable(&self, slots: &[Slot]) -> bool {
        let state = |id: u32| slots.get(id as usize).map_or(State::Unknown, |s| s.state);
        !self.members.iter().any(|(id, _)| state(*id).is_running() || state(*id) == State::Fatal)
    }
}

impl Engine {
    /// Starts whoever has waited long enough, until there is nobody left for now.
    pub(super) fn start_dependents(&mut self, now: Now, out: &mut Vec<Action>) {
        if !self.booted || self.is_stopping() {
            return;
        }
        loop {
            let ready = self.dependents.next(&self.slots);
            if !std::mem::replace(&mut self.dependents.begun, true) {
                let lines = self.dependents.explain();
                out.extend(lines.into_iter().map(|line| Action::Log(LogLevel::Info, line)));
            }
            if ready.is_empty() {
                return;
            }
            for id in ready {
                self.want(now, id, out);
            }
        }
    }
}

fn milestone(state: State) -> Option<Milestone> {
    match state {
        State::Starting => Some(Milestone::Starting),
        State::Running => Some(Milestone::Running),
        State::Backoff => Some(Milestone::Backoff),
        State::Stopping => Some(Milestone::Stopping),
        State::Exited => Some(Milestone::Exited),
        State::Fatal => Some(Milestone::Fatal),
        State::Stopped | State::Unknown => None,
    }
}

fn set_of(milestones: &[Milestone]) -> Set {
    milestones.iter().fold(0, |set, m| set | 1 << *m as u8)
}

fn names(set: Set) -> String {
    let all = Milestone::ALL.into_iter().filter(|m| set & set_of(&[*m]) != 0);
    all.map(Milestone::name).collect::<Vec<_>>().join(" or ")
}
