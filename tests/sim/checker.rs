//! The invariants, checked after every action and every step.

use mainstay::config::model::{Backoff, Config, Group, Native, Program, SignalTarget};
use mainstay::control::{Command, EndReason, HealthKind, Outcome, State};
use mainstay::engine::Engine;
use mainstay::engine::action::{Action, Leave, StateChange};
use mainstay::engine::input::{CommandId, Input, TaskEnd, TaskKind, TaskRef};
use mainstay::types::{ExitStatus, Now, ProcRef};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

struct Known {
    group_priority: i64,
    autostart: bool,
    /// It is started when others have come so far: after those that are started at once, in an order of its own.
    waits: bool,
    /// It is ready when it has done its work, not while it does it.
    oneshot: bool,
    /// It has settings that Supervisor does not know.
    is_native: bool,
    /// Somebody asks whether it is ready or alive: what that comes to is for `probes` to say.
    is_checked: bool,
    depends: bool,
    startretries: i64,
    backoff: Backoff,
    killasgroup: bool,
    state: State,
    incarnation: u32,
    /// Where it stood when the program got the slot.
    base: u32,
    vacant: bool,
    /// `Spawn` is not answered yet.
    pending: bool,
    /// The incarnation that was spawned and whose end has not been told.
    untold: Option<u32>,
    /// The incarnation whose end was told last.
    told: Option<u32>,
    expected: bool,
    name: (String, String),
}

impl Known {
    fn new(group: &Group, member: usize, incarnation: u32) -> Known {
        let p = &group.programs[member];
        Known {
            group_priority: group.priority,
            autostart: p.autostart,
            waits: p.waits.is_some() || !p.native.depends_on.is_empty(),
            oneshot: p.native.oneshot,
            is_native: p.native != Native::default(),
            is_checked: p.native.readiness.is_some() || p.native.liveness.is_some(),
            depends: !p.native.depends_on.is_empty(),
            startretries: p.startretries,
            backoff: p.backoff,
            killasgroup: leaves_nobody(p),
            state: State::Stopped,
            incarnation,
            base: incarnation,
            vacant: false,
            pending: false,
            untold: None,
            told: None,
            expected: false,
            name: (p.group.clone(), p.name.clone()),
        }
    }

    /// The program is another one under the same name.
    fn renew(&mut self, (group, member): &(Rc<Group>, usize)) {
        let p = &group.programs[*member];
        self.group_priority = group.priority;
        self.autostart = p.autostart;
        // Tries that were made before count.
        self.startretries = self.startretries.max(p.startretries);
        self.backoff = p.backoff;
        self.killasgroup = leaves_nobody(p);
    }
}

/// STOPPED means that nobody of its group, or its tree, is left.
fn leaves_nobody(p: &Program) -> bool {
    match p.native.signal_target {
        Some(SignalTarget::Process) => false,
        Some(SignalTarget::Group | SignalTarget::Tree) => true,
        None => p.killasgroup,
    }
}

pub(crate) struct Checker {
    slots: Vec<Known>,
    /// Every task that was ever run.
    tasks: BTreeSet<TaskRef>,
    /// Hooks that run.
    hooks: BTreeSet<TaskRef>,
    /// Processes that were forked, those that have ended, and those that a `post_stop` was run for.
    forked: BTreeSet<ProcRef>,
    ended: BTreeSet<ProcRef>,
    cleaned: BTreeSet<ProcRef>,
    asked: BTreeSet<CommandId>,
    answered: BTreeSet<CommandId>,
    /// A signal or a command has asked for the end.
    end_wanted: bool,
    restart_wanted: bool,
    has_policy_of_leaving: bool,
    /// Everything was being stopped before this step.
    stopping: bool,
    was_deadline: bool,
    left: bool,
    told_stopping: bool,
    told_why: bool,
    booted: bool,
    /// Between the wish for an end and the first stop time may pass.
    has_drain: bool,
    /// When it is spent everything is killed at once.
    has_budget: bool,
    boot_order: Vec<u32>,
    in_boot: bool,
    was_started_up: bool,
    /// Slots that were refused a signal: what they leave behind is not our fault.
    untouchable: BTreeSet<u32>,
    /// What slots are to become.
    renewals: BTreeMap<u32, (Rc<Group>, usize)>,
    retired: BTreeSet<u32>,
    pub(crate) n_vacated: usize,
    pub(crate) n_renewed: usize,
    /// What has been seen, to know that the runs reach everything.
    pub(crate) seen_changes: BTreeSet<(State, State)>,
    pub(crate) seen_faults: BTreeSet<&'static str>,
    pub(crate) seen_ends: BTreeSet<(TaskKind, &'static str)>,
}

impl Checker {
    pub(crate) fn new(config: &Config) -> Checker {
        let members = |g: &Group| (0..g.programs.len()).map(|n| Known::new(g, n, 0)).collect::<Vec<_>>();
        let slots = config.groups.iter().flat_map(members).collect();
        Checker {
            slots,
            asked: BTreeSet::new(),
            answered: BTreeSet::new(),
            end_wanted: false,
            restart_wanted: false,
            has_policy_of_leaving: config.supervisor.exit_when_all_exited
                || config.processes().any(|p| p.main || p.native.critical),
            stopping: false,
            was_deadline: false,
            left: false,
            told_stopping: false,
            told_why: false,
            booted: false,
            has_drain: config.supervisor.drain_delay_ms > 0,
            has_budget: config.supervisor.shutdown_timeout_ms.is_some(),
            boot_order: Vec::new(),
            in_boot: false,
            was_started_up: false,
            untouchable: BTreeSet::new(),
            tasks: BTreeSet::new(),
            hooks: BTreeSet::new(),
            forked: BTreeSet::new(),
            ended: BTreeSet::new(),
            cleaned: BTreeSet::new(),
            renewals: BTreeMap::new(),
            retired: BTreeSet::new(),
            n_vacated: 0,
            n_renewed: 0,
            seen_changes: BTreeSet::new(),
            seen_faults: BTreeSet::new(),
            seen_ends: BTreeSet::new(),
        }
    }

    pub(crate) fn asked(&mut self, id: CommandId) {
        assert!(self.asked.insert(id));
    }

    pub(crate) fn before(&mut self, input: &Input, stopping: bool) {
        self.in_boot = false;
        self.stopping = stopping;
        self.was_deadline = matches!(input, Input::Deadline);
        match input {
            Input::Boot => {
                self.booted = true;
                self.in_boot = true;
            }
            Input::Spawned { proc, .. } | Input::SpawnFailed { proc, .. } => {
                if matches!(input, Input::Spawned { .. }) {
                    self.forked.insert(*proc);
                }
                let slot = self.slot(proc.slot);
                assert!(slot.pending);
                slot.pending = false;
            }
            Input::KillFailed { proc, .. } => {
                self.untouchable.insert(proc.slot);
            }
            Input::TaskEnded { task, end } => self.task_ended(*task, end),
            Input::Exited { proc, .. } => {
                self.ended.insert(*proc);
            }
            Input::Shutdown { .. } => self.end_wanted = true,
            Input::Restart { .. } => self.restart_wanted = true,
            Input::Command { command: Command::Shutdown, .. } => self.end_wanted |= !stopping,
            Input::Command { command: Command::Restart, .. } => self.restart_wanted |= !stopping,
            _ if stopping => {}
            Input::Add { group, members } => {
                for (slot, member) in members {
                    match self.slots.get_mut(*slot as usize) {
                        Some(known) => *known = Known::new(group, *member, known.incarnation),
                        None => self.slots.push(Known::new(group, *member, 0)),
                    }
                }
            }
            Input::Retire { slots } => self.retired.extend(slots),
            Input::Change(changes) => {
                for change in changes {
                    self.renewals.insert(change.slot, (Rc::clone(&change.group), change.member));
                }
            }
            Input::Command { .. }
            | Input::Told { .. }
            | Input::Forward { .. }
            | Input::Drain
            | Input::Deadline
            | Input::ClockSet
            | Input::ExecFailed { .. }
            | Input::GroupChecked { .. } => {}
        }
    }

    pub(crate) fn action(&mut self, action: &Action, live: &[ProcRef]) {
        let only_a_reply = matches!(action, Action::Reply { .. });
        assert!(!self.left || only_a_reply, "after the end: {action:?}");
        match action {
            Action::Bug(text) => panic!("{text}"),
            Action::Spawn(proc) => self.spawn(*proc, live),
            Action::Publish(change) => self.change(change),
            Action::Ended(facts) => {
                assert_ne!(facts.reason, EndReason::Oom, "the engine cannot know");
                let slot = self.slot(facts.proc.slot);
                assert_eq!(facts.proc.incarnation, slot.incarnation, "the end of another is told");
                assert!(slot.told.is_none_or(|told| told < slot.incarnation), "an end is told twice");
                slot.told = Some(slot.incarnation);
                // A hook before the start may have failed: then nothing was spawned.
                if slot.untold.take().is_none() {
                    assert!(matches!(facts.reason, EndReason::Spawn | EndReason::Timeout), "{facts:?}");
                    assert_eq!(facts.status, None);
                }
            }
            Action::Reply { id, outcome } => {
                assert!(self.asked.contains(id), "an answer nobody asked for");
                assert!(self.answered.insert(*id), "{id:?} was answered twice");
                if let Outcome::Fault(fault) = outcome {
                    self.seen_faults.insert(fault.code.word());
                }
                if let Outcome::Each(results) = outcome {
                    let names: BTreeSet<_> = results.iter().map(|r| (&r.group, &r.name)).collect();
                    assert_eq!(names.len(), results.len(), "a process is answered for twice");
                }
            }
            Action::Exit(leave) => {
                assert!(self.told_stopping, "the end was not announced");
                self.exit(*leave, live);
            }
            Action::Stopping => assert!(!std::mem::replace(&mut self.told_stopping, true), "announced twice"),
            Action::Kill { proc, .. } => {
                assert_eq!(
                    proc.incarnation,
                    self.slot(proc.slot).incarnation,
                    "an old incarnation is signalled"
                );
            }
            Action::RunTask { task, timeout_ms } => {
                assert!(self.tasks.insert(*task), "{task:?} is run twice");
                assert!(*timeout_ms > 0, "{task:?} has no time");
                self.run_task(*task);
            }
            Action::EndTask(task) => {
                assert!(self.tasks.contains(task), "{task:?} is ended and was never run")
            }
            Action::Vacated(id) => {
                assert!(self.retired.remove(id), "nobody wanted it to go");
                assert!(self.hook_of(*id).is_none(), "vacated with a hook that runs");
                self.n_vacated += 1;
                let slot = self.slot(*id);
                assert!(slot.state.is_stopped() && !slot.pending, "vacated while it runs");
                slot.state = State::Stopped;
                slot.incarnation += 1;
                slot.vacant = true;
                // One that cannot be signalled lives on, and is a stranger from now on.
                slot.untold = None;
            }
            Action::Renewed(id) => {
                let place = self.renewals.remove(id).expect("nobody changed it");
                self.n_renewed += 1;
                self.slot(*id).renew(&place);
            }
            Action::LastWords { .. } => {
                assert!(!std::mem::replace(&mut self.told_why, true), "the cause was told twice");
            }
            Action::CheckGroup { .. } | Action::Log(..) => {}
        }
    }

    pub(crate) fn after(&mut self, engine: &Engine, now: Now, lingering: &[u32]) {
        let due = engine.next_deadline().is_some_and(|at| at < now.mono);
        assert!(!due || !self.was_deadline, "a deadline lies in the past");
        assert!(!self.left || engine.next_deadline().is_none());
        let waits = self.slots.iter().any(|s| matches!(s.state, State::Stopping | State::Backoff));
        assert!(!waits || engine.next_deadline().is_some(), "somebody waits without a deadline");
        let timed = |s: &Known| !s.state.is_stopped() && (s.state != State::Running || s.is_checked);
        let timed = self.slots.iter().any(timed);
        let whole = engine.is_stopping() || engine.is_draining();
        assert!(timed || whole || engine.next_deadline().is_none(), "a deadline for nobody");
        for (id, slot) in self.slots.iter().enumerate() {
            let id = u32::try_from(id).expect("small");
            assert_eq!(engine.state(id), slot.state, "a change that was not published");
            let stopped = matches!(slot.state, State::Stopped) && slot.killasgroup;
            assert!(
                !stopped || !lingering.contains(&id) || self.untouchable.contains(&id),
                "STOPPED with members in its process group"
            );
        }
        assert_eq!(engine.n_open_commands(), self.asked.len() - self.answered.len());
        self.order_of_boot();
        self.health(engine, now);
    }

    /// After the end: everybody answered, everything in a stopped state.
    pub(crate) fn ended(&self, engine: &Engine) {
        assert_eq!(self.asked, self.answered, "a command was not answered");
        for info in engine.process_infos(Now::default()) {
            assert!(info.state.is_stopped(), "{}:{} is {:?}", info.group, info.name, info.state);
        }
        let is_untold = |s: &&Known| s.untold.is_some() && s.state != State::Unknown;
        let untold = self.slots.iter().find(is_untold).map(|s| &s.name);
        assert_eq!(untold, None, "its end was not told");
    }

    fn slot(&mut self, id: u32) -> &mut Known {
        &mut self.slots[id as usize]
    }

    /// Nothing may begin any more.
    fn is_ending(&self) -> bool {
        let wanted = self.end_wanted || self.restart_wanted;
        self.stopping || self.told_stopping || (wanted && !self.has_drain)
    }

    fn hook_of(&self, slot: u32) -> Option<&TaskRef> {
        self.hooks.iter().find(|task| task.proc.slot == slot)
    }

    fn run_task(&mut self, task: TaskRef) {
        if !task.kind.is_hook() {
            return;
        }
        assert_eq!(self.hook_of(task.proc.slot), None, "two hooks of one program");
        match task.kind {
            TaskKind::PreStart => {
                assert!(!self.is_ending(), "a start is prepared while everything is being stopped");
                assert!(!self.forked.contains(&task.proc), "its process is there already");
            }
            TaskKind::PostStop => {
                assert!(self.ended.contains(&task.proc), "its process has not ended");
                assert!(self.cleaned.insert(task.proc), "two post_stop for one process");
            }
            TaskKind::StopCommand => {
                assert!(!self.ended.contains(&task.proc), "nobody is left to be stopped");
            }
            TaskKind::Readiness | TaskKind::Liveness => {}
        }
        self.hooks.insert(task);
    }

    fn task_ended(&mut self, task: TaskRef, end: &TaskEnd) {
        if self.hooks.remove(&task) {
            let word = match end {
                TaskEnd::Exited { status: ExitStatus::Code(0), .. } => "exited",
                TaskEnd::Exited { .. } => "failed",
                TaskEnd::TimedOut => "timed out",
                TaskEnd::Cancelled => "cancelled",
                TaskEnd::NotStarted(_) => "not started",
            };
            self.seen_ends.insert((task.kind, word));
        }
    }

    fn spawn(&mut self, proc: ProcRef, live: &[ProcRef]) {
        assert!(!self.is_ending(), "a start while everything is being stopped");
        let base = self.slot(proc.slot).base;
        let is_own = |p: &ProcRef| p.slot == proc.slot && p.incarnation > base;
        assert!(!live.iter().any(is_own), "two lives of one program");
        assert!(self.hook_of(proc.slot).is_none(), "a start beside a hook");
        if self.in_boot {
            self.boot_order.push(proc.slot);
        }
        let slot = self.slot(proc.slot);
        assert!(!slot.vacant, "nobody has the slot");
        assert!(!slot.pending, "a second Spawn before the answer");
        assert_eq!(proc.incarnation, slot.incarnation, "STARTING was published for another incarnation");
        slot.pending = true;
        assert_eq!(slot.untold.replace(proc.incarnation), None, "an end was not told");
    }

    fn change(&mut self, change: &StateChange) {
        let id = change.proc.slot;
        if change.to == State::Stopping && self.told_stopping && !self.has_budget {
            self.order_of_shutdown(id);
        }
        self.seen_changes.insert((change.from, change.to));
        let slot = self.slot(id);
        assert_eq!(change.from, slot.state, "the published states are no path");
        let exponential = matches!(slot.backoff, Backoff::Exponential { .. });
        let is_native = slot.is_native && allowed_to_natives(change.from, change.to);
        assert!(
            is_native || allowed(change.from, change.to, exponential),
            "{:?} -> {:?}",
            change.from,
            change.to
        );
        if change.to == State::Starting {
            assert_eq!(change.proc.incarnation, slot.incarnation + 1);
        } else {
            assert_eq!(change.proc.incarnation, slot.incarnation);
        }
        assert!(i64::from(change.tries) <= slot.startretries.max(0) + 1, "more tries than allowed");
        let has_pid = matches!(change.to, State::Running | State::Stopping | State::Exited);
        assert!(!has_pid || change.pid > 0, "no pid in {change:?}");
        slot.incarnation = change.proc.incarnation;
        slot.state = change.to;
        slot.expected = change.expected;
    }

    /// Who is stopped by a shutdown comes after everybody of a higher priority is gone. A stop that was asked for before
    /// its fork was known may come late.
    fn order_of_shutdown(&self, id: u32) {
        let own = self.slots[id as usize].group_priority;
        // Dependencies go before priorities: `native` has its own check.
        if self.slots.iter().any(|s| s.depends) {
            return;
        }
        if self.slots[id as usize].state == State::Starting {
            return;
        }
        let higher = self.slots.iter().filter(|s| s.group_priority > own);
        for other in higher {
            assert!(
                other.state.is_stopped(),
                "{:?} is stopped before {:?}",
                self.slots[id as usize].name,
                other.name
            );
        }
    }

    fn order_of_boot(&mut self) {
        if self.in_boot {
            let wanted = self.slots.iter().enumerate().filter(|(_, s)| s.autostart && s.incarnation == 1);
            let wanted: Vec<u32> = wanted.map(|(id, _)| u32::try_from(id).expect("small")).collect();
            let all = std::mem::take(&mut self.boot_order);
            let n_at_once = all.iter().take_while(|id| !self.slots[**id as usize].waits).count();
            let (order, later) = all.split_at(n_at_once);
            assert!(order.is_sorted(), "not in the order of the configuration");
            assert!(later.iter().all(|id| self.slots[*id as usize].waits), "somebody who waits came before");
            if !self.end_wanted && !self.restart_wanted {
                assert!(order.iter().all(|id| wanted.contains(id)));
            }
        }
    }

    fn exit(&mut self, leave: Leave, live: &[ProcRef]) {
        self.left = true;
        assert!(self.hooks.is_empty(), "left with {:?} running", self.hooks);
        match leave {
            Leave::Restart => assert!(self.restart_wanted && !self.end_wanted),
            Leave::Exit(code) => {
                assert!(self.end_wanted || self.has_policy_of_leaving);
                assert!(code == 0 || self.has_policy_of_leaving, "a plain shutdown is 0");
            }
        }
        for proc in live {
            assert!(self.untouchable.contains(&proc.slot), "left with {proc:?} not reaped");
        }
        let asked: Vec<_> = self.asked.difference(&self.answered).collect();
        assert!(asked.is_empty(), "left before {asked:?} was answered");
    }

    fn health(&mut self, engine: &Engine, now: Now) {
        let ok =
            |s: &Known| (s.state == State::Running && !s.oneshot) || (s.state == State::Exited && s.expected);
        let ready = self.slots.iter().filter(|s| !s.vacant && (s.autostart || s.incarnation > s.base));
        let ready = ready.clone().all(ok);
        let report = engine.health(HealthKind::Ready, now);
        let is_checked = self.slots.iter().any(|s| s.is_checked);
        let want = ready && !engine.is_stopping() && !engine.is_draining();
        assert!(if is_checked { want || !report.ok } else { report.ok == want });
        assert_eq!(report.ok, report.checks.iter().all(|c| c.ok));
        assert!(report.checks.iter().all(|c| c.ok == c.reason.is_empty()), "a refusal without a reason");
        let startup = engine.health(HealthKind::Startup, now).ok;
        assert!(startup || !self.was_started_up, "startup was taken back");
        assert!(startup || !(ready && self.booted) || self.left || is_checked);
        self.was_started_up = startup && self.booted;
    }
}

/// Ours beside Supervisor's: a one-shot is tried again, there were too many restarts, a running program is stopped to be
/// started again.
pub(crate) fn allowed_to_natives(from: State, to: State) -> bool {
    match from {
        State::Exited => matches!(to, State::Backoff | State::Fatal),
        State::Stopped => to == State::Backoff,
        State::Starting
        | State::Running
        | State::Backoff
        | State::Stopping
        | State::Fatal
        | State::Unknown => false,
    }
}

/// Supervisor's table (contract 2.2), with EXITED -> BACKOFF for exponential backoff and UNKNOWN -> STOPPED.
pub(crate) fn allowed(from: State, to: State, exponential: bool) -> bool {
    match from {
        State::Stopped | State::Fatal => to == State::Starting,
        State::Starting => {
            matches!(to, State::Running | State::Backoff | State::Stopping | State::Unknown)
        }
        State::Running => matches!(to, State::Stopping | State::Exited | State::Unknown),
        State::Backoff => matches!(to, State::Starting | State::Fatal | State::Stopped),
        State::Stopping => matches!(to, State::Stopped | State::Unknown),
        State::Exited => to == State::Starting || (exponential && to == State::Backoff),
        State::Unknown => to == State::Stopped,
    }
}
