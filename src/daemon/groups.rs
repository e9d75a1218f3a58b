//! Groups that come and go one at a time, as Supervisor's clients do it: reread, add, remove.
//!
//! Does I/O: reads the configuration, makes log files. Invariants: a configuration with errors changes nothing; nothing is
//! started before listeners have heard of its group. COMPAT: contract 1.10, 4.4, 4.10.
//! Not here: updates program by program (`update`), a restart of everything (`signals`).

use crate::config::Loaded;
use crate::config::diag::{Diagnostics, Severity};
use crate::config::diff::is_same_group;
use crate::config::model::{Config, Dialect, Group};
use crate::control::{Fault, FaultCode, Outcome, Reply};
use crate::daemon::fcgi;
use crate::daemon::logs::AutoLogs;
use crate::daemon::ourselves::{self, Settled};
use crate::daemon::roster::{Latest, near};
use crate::daemon::state::{Daemon, Slot};
use crate::engine::input::Input;
use crate::events::kind;
use std::rc::Rc;

impl Daemon {
    /// Reads the configuration from where it was read before.
    pub(crate) fn read_again(&self) -> Result<Loaded, Diagnostics> {
        // Relative paths count from where we were started.
        let Settled { place, start_dir, .. } = &self.settled;
        place.standing_in(start_dir, &self.reload)
    }

    /// COMPAT: what has come, what differs, what has gone; and from now on `add` takes what was read here.
    pub(crate) fn reread(&mut self) -> Reply {
        let config = match self
            .refuse_changes()
            .map_or_else(|| self.read_again().map_err(|e| self.cant_reread(&e)), Err)
        {
            Ok(loaded) => loaded.config,
            Err(fault) => return Reply::Command(Outcome::Fault(fault)),
        };
        self.take_latest(config);
        let (active, latest) = (self.roster.active(), self.roster.latest());
        let (mut added, mut changed) = (Vec::new(), Vec::new());
        for (n, Latest { group, .. }) in latest.iter().enumerate() {
            match near(active, n, &group.name) {
                None => added.push(group.name.clone()),
                Some(before) if !is_same_group(before, group) => changed.push(group.name.clone()),
                Some(_) => {}
            }
        }
        let gone = active.iter().enumerate().filter(|(n, g)| near(latest, *n, &g.name).is_none());
        Reply::Difference { added, changed, removed: gone.map(|(_, g)| g.name.clone()).collect() }
    }

    /// What was read is what is added from now on. COMPAT: our name changes at once (trap 45), and where new AUTO logs are.
    pub(crate) fn take_latest(&mut self, config: Config) {
        let mut lines = Vec::new();
        ourselves::create_directories(&config, &self.settled, &mut lines);
        for (level, text) in lines {
            self.log(level, &text);
        }
        let Config { groups, supervisor, .. } = config;
        self.config.supervisor.childlogdir = supervisor.childlogdir;
        self.config.supervisor.signals = supervisor.signals;
        self.settle_routes();
        self.config.supervisor.create_directories = supervisor.create_directories;
        self.events.hub.set_identifier(&supervisor.identifier);
        self.config.supervisor.identifier = supervisor.identifier;
        self.roster.set_latest(groups);
    }

    /// COMPAT: Supervisor's sentence, where it has one for this mistake; else everything that was found.
    fn cant_reread(&mut self, findings: &Diagnostics) -> Fault {
        let told = told(findings);
        for line in &told {
            self.log(
                crate::types::LogLevel::Error,
                &format!("cannot use the configuration, going on as we are: {line}"),
            );
        }
        let words = findings.supervisor().filter(|_| self.config.dialect == Dialect::Ini).map(str::to_owned);
        Fault::new(FaultCode::CantReread, words.unwrap_or_else(|| told.join("\n")))
    }

    /// Why nothing may change now.
    pub(crate) fn refuse_changes(&self) -> Option<Fault> {
        if self.engine.is_stopping() {
            return Some(Fault { code: FaultCode::ShutdownState, extra: None });
        }
        let waiting = self.updating.as_ref()?.waiting_for().and_then(|slot| self.roster.program(slot));
        let what = waiting.map(|p| format!(" and waits for {} to stop", p.name)).unwrap_or_default();
        Some(Fault::new(FaultCode::Failed, format!("an update is under way{what}; try again")))
    }

    pub(crate) fn add_group(&mut self, name: &str) -> Outcome {
        if let Some(fault) = self.refuse_changes() {
            return Outcome::Fault(fault);
        }
        let Some(group) = self.roster.latest_named(name).cloned() else {
            return Outcome::Fault(Fault::new(FaultCode::BadName, name));
        };
        if self.roster.active_named(name).is_some() {
            return Outcome::Fault(Fault::new(FaultCode::AlreadyAdded, name));
        }
        let mut notes = Vec::new();
        let socket = fcgi::probe(&group.programs, &self.fcgi, &mut notes);
        for (level, text) in notes {
            self.log(level, &text);
        }
        if let Err(refusal) = socket {
            return Outcome::Fault(Fault::new(FaultCode::Failed, refusal.supervisor));
        }
        self.admit(&group, 0..group.programs.len());
        Outcome::Done
    }

    /// These members of a group become part of the whole.
    pub(crate) fn admit(&mut self, group: &Rc<Group>, members: impl Iterator<Item = usize>) {
        let is_new = self.roster.active_named(&group.name).is_none();
        let members = self.roster.admit(group, members);
        let auto = AutoLogs::new(&self.config, &self.env, &self.settled.start_dir);
        let mut notes = Vec::new();
        for (slot, member) in &members {
            let mut files = self.roster.take_left(group, *member).unwrap_or_default();
            if let Some(program) = group.programs.get(*member) {
                let fresh = auto.missing_files(program, Some(&files), &mut notes);
                files.iter_mut().zip(fresh).for_each(|(had, fresh)| *had = had.take().or(fresh));
            }
            while self.slots.len() <= *slot as usize {
                self.slots.push(Slot::default());
            }
            if let Some(slot) = self.slots.get_mut(*slot as usize) {
                slot.auto = files;
            }
        }
        for (level, text) in notes {
            self.log(level, &text);
        }
        self.settle_pool(group);
        if is_new {
            self.publish(kind::GROUP_ADDED, || kind::group(&group.name));
        }
        self.feed(Input::Add { group: Rc::clone(group), members });
    }

    pub(crate) fn remove_group(&mut self, name: &str) -> Outcome {
        if let Some(fault) = self.refuse_changes() {
            return Outcome::Fault(fault);
        }
        if self.roster.active_named(name).is_none() {
            return Outcome::Fault(Fault::new(FaultCode::BadName, name));
        }
        let slots = self.roster.slots_of(name);
        if !slots.iter().all(|slot| self.engine.state(*slot).is_stopped()) {
            return Outcome::Fault(Fault::new(FaultCode::StillRunning, name));
        }
        self.feed(Input::Retire { slots });
        Outcome::Done
    }

    /// Nobody has this slot any more.
    pub(crate) fn on_vacated(&mut self, slot: u32) {
        self.close_output_of(slot);
        self.recents.forget(slot);
        self.tallies.forget(slot);
        self.histories.forget(slot);
        let auto = self.slots.get_mut(slot as usize).map(|s| std::mem::take(&mut s.auto));
        let gone = self.roster.vacate(slot, auto.unwrap_or_default());
        self.leave_sockets(|holder| holder.slot == slot);
        self.watched.retain(|(proc, ..)| proc.slot != slot);
        self.forget_tree(slot);
        self.remove_cgroup(slot);
        self.events.hub.forget_member(slot);
        if let Some(slot) = self.slots.get_mut(slot as usize) {
            *slot = Slot { incarnation: slot.incarnation, ..Slot::default() };
        }
        if let Some(group) = gone {
            self.events.hub.remove(&group.name);
            self.renew_ticks();
            self.publish(kind::GROUP_REMOVED, || kind::group(&group.name));
        }
        self.update_has_done(slot);
    }
}

/// The errors among the findings, each with its place, a line for each.
pub(crate) fn told(findings: &Diagnostics) -> Vec<String> {
    let errors = findings.items.iter().filter(|item| item.severity == Severity::Error);
    errors
        .map(|item| {
            let place = item.span.as_ref().map(|s| format!("{s}: ")).unwrap_or_default();
            let hint = item.hint.as_ref().map(|h| format!("; hint: {h}")).unwrap_or_default();
            format!("{place}{}{hint}", item.message)
        })
        .collect()
}
