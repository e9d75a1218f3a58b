//! Updates program by program, and what an update would change.
//!
//! Does I/O: reads the configuration. Invariants: a configuration with errors changes nothing; one update at a time, and
//! whoever asked for it is answered once, when everything that had to stop has stopped; what was to be restarted runs as
//! it was configured until it has stopped. COMPAT: with an INI file clients update group by group (`groups`).
//! Not here: what differs (`plan`), the rules of stop and start (`engine::roll`).

use crate::config::diff::is_same_sort;
use crate::config::model::{Dialect, Group, GroupKind, LogTarget};
use crate::control::{Fault, FaultCode, Outcome, Plan, Reply, Step, StepKind};
use crate::daemon::groups::told;
use crate::daemon::logs::AutoLogs;
use crate::daemon::plan::plan;
use crate::daemon::roster::Place;
use crate::daemon::state::Daemon;
use crate::engine::input::{Change, Input};
use crate::events::PoolPlan;
use crate::events::handler::Handler;
use crate::types::{LogLevel, Signal};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// So many programs come in one turn: each is a fork, and makes all orders anew.
const AT_ONCE: usize = 8;

/// An update that is under way.
pub(crate) struct Updating {
    /// Generation of the gateway that asked, and its number for the request; `None`: a signal asked.
    asker: Option<(u32, u64)>,
    plan: Plan,
    /// Slots that are being stopped, and what they become; `None`: nothing.
    waiting: BTreeMap<u32, Option<Place>>,
    /// Programs that come when all those have stopped, for some of those have their names.
    later: Vec<Place>,
    /// Programs that come as soon as it is their turn.
    coming: VecDeque<Place>,
    /// It was asked for once more meanwhile.
    again: bool,
    /// What has to be done has been begun.
    is_begun: bool,
}

impl Updating {
    /// One of those that have not stopped yet.
    pub(crate) fn waiting_for(&self) -> Option<u32> {
        self.waiting.keys().next().copied()
    }

    /// Somebody can come now.
    fn has_more(&self) -> bool {
        !self.coming.is_empty() || (self.waiting.is_empty() && !self.later.is_empty())
    }
}

impl Daemon {
    /// What an update of these groups (none: all) would do.
    pub(crate) fn plan(&mut self, names: &[String]) -> Reply {
        match self.compare(names) {
            Ok((plan, _)) => Reply::Plan(Box::new(plan)),
            Err(fault) => Reply::Command(Outcome::Fault(fault)),
        }
    }

    fn compare(&mut self, names: &[String]) -> Result<(Plan, crate::config::Loaded), Fault> {
        let loaded = self.read_again().map_err(|e| Fault::new(FaultCode::CantReread, told(&e).join("\n")))?;
        let groups: Vec<&Group> = loaded.config.groups.iter().collect();
        let active = self.roster.active();
        let is_known = |name: &&String| {
            active.iter().any(|g| g.name == **name) || groups.iter().any(|g| g.name == **name)
        };
        if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
            return Err(Fault::new(FaultCode::BadName, unknown.as_str()));
        }
        let plan = plan(active, &self.config, &groups, &loaded.config, names);
        Ok((plan, loaded))
    }

    /// COMPAT: design section 4: with TOML and the environment SIGHUP applies what has changed.
    pub(crate) fn update_on_signal(&mut self, signal: Signal) {
        if self.engine.is_stopping() {
            let text = format!("ignored {signal} indicating update request (everything is being stopped)");
            return self.log(LogLevel::Warn, &text);
        }
        self.log(LogLevel::Warn, &format!("received {signal} indicating update request"));
        if let Some(updating) = &mut self.updating {
            updating.again = true;
            return;
        }
        self.update(&[], None);
    }

    /// Answers when it is done.
    pub(crate) fn update(&mut self, names: &[String], asker: Option<(u32, u64)>) {
        if self.config.dialect == Dialect::Ini && asker.is_some() {
            // Clients know what to do with this: reread, remove, add.
            let fault = Fault { code: FaultCode::UnknownMethod, extra: None };
            return self.answer_update(asker, Reply::Command(Outcome::Fault(fault)));
        }
        if let Some(fault) = self.refuse_changes() {
            return self.answer_update(asker, Reply::Command(Outcome::Fault(fault)));
        }
        let (plan, loaded) = match self.compare(names) {
            Ok(found) => found,
            Err(fault) => {
                for line in fault.extra.iter().flat_map(|text| text.lines()) {
                    self.log(LogLevel::Error, &format!("cannot update, going on as we are: {line}"));
                }
                return self.answer_update(asker, Reply::Command(Outcome::Fault(fault)));
            }
        };
        for change in &plan.reload {
            let text =
                format!("`{}` has changed: that takes effect with a reload of everything", change.setting);
            self.log(LogLevel::Warn, &text);
        }
        self.take_latest(loaded.config);
        self.updating = Some(Updating {
            asker,
            plan,
            waiting: BTreeMap::new(),
            later: Vec::new(),
            coming: VecDeque::new(),
            again: false,
            is_begun: false,
        });
        self.carry_out();
        if let Some(updating) = &mut self.updating {
            updating.is_begun = true;
        }
        self.go_on_with_update();
    }

    fn carry_out(&mut self) {
        let Some(updating) = &mut self.updating else { return };
        let steps = updating.plan.steps.clone();
        let mut changes = Vec::new();
        let mut retired = Vec::new();
        for step in &steps {
            let now = self.roster.latest_named(&step.group).cloned();
            let member = now.as_ref().and_then(|g| g.programs.iter().position(|p| p.name == step.name));
            let slot = self.engine.slot_of(&step.group, &step.name);
            // COMPAT: what only has another place now stops in the old one before it starts in the new one.
            let is_moved =
                |s: &Step| s.kind == StepKind::Remove && (s.name == step.name || s.group == step.group);
            match (step.kind, slot, now.zip(member)) {
                (StepKind::Add, _, Some(place)) if steps.iter().any(is_moved) => updating.later.push(place),
                (StepKind::Add, None, Some(place)) => updating.coming.push_back(place),
                (StepKind::Remove, Some(slot), _) => {
                    updating.waiting.insert(slot, None);
                    retired.push(slot);
                }
                (StepKind::Restart | StepKind::Apply, Some(slot), Some((group, member))) => {
                    updating.waiting.insert(slot, Some((Rc::clone(&group), member)));
                    changes.push(Change { slot, group, member, restart: step.kind == StepKind::Restart });
                }
                _ => {}
            }
        }
        for step in &steps {
            self.log(LogLevel::Info, &sentence(step));
        }
        self.settle_groups(&steps);
        self.feed(Input::Change(changes));
        self.feed(Input::Retire { slots: retired });
    }

    /// Groups that are there before and after are what they are now, though some of their programs are not yet.
    fn settle_groups(&mut self, steps: &[Step]) {
        for step in steps {
            let now = self.roster.latest_named(&step.group).cloned();
            let Some((now, before)) = now.zip(self.roster.active_named(&step.group)) else { continue };
            if !Rc::ptr_eq(&now, before) && is_same_sort(&now.kind, &before.kind) {
                self.roster.activate(&now);
                self.settle_pool(&now);
            }
        }
    }

    /// The program of a slot is the one it was changed to.
    pub(crate) fn on_renewed(&mut self, slot: u32) {
        let place = self.updating.as_mut().and_then(|u| u.waiting.get_mut(&slot)).and_then(Option::take);
        if let Some(place) = place {
            self.roster.renew(slot, place);
            self.renew_logs(slot);
        }
        self.update_has_done(slot);
    }

    /// A log that is AUTO now has a file; files that stay get their new limits.
    fn renew_logs(&mut self, slot: u32) {
        let Some(program) = self.roster.program(slot) else { return };
        let auto = AutoLogs::new(&self.config, &self.env, &self.settled.start_dir);
        let mut notes = Vec::new();
        let is_auto = [&program.stdout, &program.stderr].map(|plan| plan.target == LogTarget::Auto);
        let fresh = auto.missing_files(program, self.slots.get(slot as usize).map(|s| &s.auto), &mut notes);
        for (stderr, plan) in [(false, &program.stdout), (true, &program.stderr)] {
            if let Some(sink) = self.output.log_of(slot, stderr) {
                self.sinks.set_limits(sink, plan.maxbytes, plan.backups);
            }
        }
        if let Some(slot) = self.slots.get_mut(slot as usize) {
            for ((held, fresh), is_auto) in slot.auto.iter_mut().zip(fresh).zip(is_auto) {
                *held = if is_auto { fresh.or(held.take()) } else { None };
            }
        }
        for (level, text) in notes {
            self.log(level, &text);
        }
    }

    pub(crate) fn update_has_done(&mut self, slot: u32) {
        if let Some(updating) = &mut self.updating {
            updating.waiting.remove(&slot);
            self.finish_update();
        }
    }

    fn finish_update(&mut self) {
        let Some(updating) = self.updating.as_ref().filter(|u| u.is_begun) else { return };
        if updating.has_more() {
            // Not in the midst of the news that a slot is vacant, and not all at once.
            self.update_wanted = true;
            return;
        }
        let Some(updating) = self.updating.take_if(|u| u.waiting.is_empty()) else { return };
        let Updating { asker, plan, again, .. } = updating;
        let text = if plan.steps.is_empty() { "no program has changed" } else { "the update is done" };
        self.log(LogLevel::Info, text);
        self.answer_update(asker, Reply::Plan(Box::new(plan)));
        self.update_wanted |= again && !self.engine.is_stopping();
    }

    /// Lets some of those come who can, or begins what was asked for meanwhile.
    pub(crate) fn go_on_with_update(&mut self) {
        let Some(updating) = &mut self.updating else { return self.update(&[], None) };
        if updating.waiting.is_empty() {
            updating.coming.extend(updating.later.drain(..));
        }
        let n = updating.coming.len().min(AT_ONCE);
        for (group, member) in updating.coming.drain(..n).collect::<Vec<_>>() {
            self.admit(&group, member..member + 1);
        }
        self.finish_update();
    }

    /// Everything is being stopped: an update comes to nothing.
    pub(crate) fn give_up_update(&mut self) {
        if let Some(updating) = self.updating.take() {
            let fault = Fault { code: FaultCode::ShutdownState, extra: None };
            self.answer_update(updating.asker, Reply::Command(Outcome::Fault(fault)));
        }
    }

    fn answer_update(&mut self, asker: Option<(u32, u64)>, reply: Reply) {
        if let Some((generation, id)) = asker
            && generation == self.gateway.generation()
        {
            self.answer(id, &reply);
        }
    }

    /// The pool of a group of listeners: who is in it, and what they want.
    pub(crate) fn settle_pool(&mut self, group: &Group) {
        if let Some(plan) = pool_plan(group, &|name| self.roster.slot_of(&group.name, name)) {
            self.events.hub.settle(plan);
            self.renew_ticks();
        }
    }

    /// Whether SIGHUP means an update.
    pub(crate) fn hup_updates(&self) -> bool {
        self.config.dialect != Dialect::Ini
    }
}

/// A group of listeners as a pool.
pub(crate) fn pool_plan(group: &Group, slot_of: &dyn Fn(&str) -> Option<u32>) -> Option<PoolPlan> {
    let GroupKind::EventListener { events, buffer_size, result_handler } = &group.kind else { return None };
    let member = |name: &String| slot_of(name).map(|slot| (slot, name.clone()));
    Some(PoolPlan {
        name: group.name.clone(),
        events: events.clone(),
        buffer_size: usize::try_from(*buffer_size).unwrap_or(1),
        handler: Handler::named(result_handler),
        members: group.programs.iter().map(|p| &p.name).filter_map(member).collect(),
    })
}

fn sentence(step: &Step) -> String {
    let names: Vec<&str> = step.settings.iter().map(|s| s.setting.as_str()).collect();
    let names = names.join(", ");
    // COMPAT: a group of one program is called by one name.
    let name =
        if step.group == step.name { step.name.clone() } else { format!("{}:{}", step.group, step.name) };
    match step.kind {
        StepKind::Add => format!("update: {name} is new"),
        StepKind::Remove => format!("update: {name} is no longer configured, it is stopped and removed"),
        StepKind::Restart => format!("update: {name} is restarted, changed: {names}"),
        StepKind::Apply => format!("update: {name} goes on, changed: {names}"),
    }
}
