//! A world for one engine: it performs actions with fake children, and moves time to whatever comes next.

use crate::checker::Checker;
use crate::rng::Rng;
use crate::script::{Birth, Members, Script};
use mainstay::config::model::{Config, Group};
use mainstay::control::{Command, Outcome, ProcessInfo};
use mainstay::engine::Engine;
use mainstay::engine::action::{Action, Leave, Scope};
use mainstay::engine::input::{CommandId, Input, SpawnError, TaskEnd, TaskRef};
use mainstay::types::{ExitStatus, Mono, Now, Pid, ProcRef, Signal, Wall};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// BOUND: steps of one run; a run that needs more is a livelock.
const MAX_STEPS: u64 = 200_000;
const TRACE_LINES: usize = 80;

/// A group, and the place of a program in it.
pub(crate) type Place = (Rc<Group>, usize);

/// Decides what the next child of a slot does.
pub(crate) type Director = Box<dyn FnMut(&mut Rng, ProcRef) -> Script>;

/// Decides after how many milliseconds, and how, a task ends.
pub(crate) type TaskDirector = Box<dyn FnMut(&mut Rng, TaskRef) -> (u64, TaskEnd)>;

/// When a step was taken, what it asked for, and what was to be seen after it.
pub(crate) type Moment = (Mono, Vec<Action>, Vec<ProcessInfo>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Event {
    LeaderEnds(i32, i32, u8),
    MembersLeave(i32),
    TaskEnds(TaskRef),
}

#[derive(Debug)]
struct Child {
    proc: ProcRef,
    script: Script,
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) now: Now,
    pub(crate) rng: Rng,
    pub(crate) checker: Checker,
    pub(crate) replies: BTreeMap<CommandId, Outcome>,
    /// When which slot was asked to be spawned.
    pub(crate) spawned: Vec<(Mono, u32)>,
    /// Whom a signal was sent to, and when.
    pub(crate) killed: Vec<(Mono, u32, Scope, Signal)>,
    pub(crate) left: Option<Leave>,
    /// Whose each slot is.
    pub(crate) roster: Vec<Option<Place>>,
    renewals: BTreeMap<u32, Place>,
    /// The wall clock jumps by up to so many milliseconds, forth and back, before each input.
    pub(crate) wall_jumps_ms: i64,
    /// Everything the engine did and showed, where that is asked for.
    pub(crate) history: Option<Vec<Moment>>,
    /// Loop latency, duplicates and stale news are simulated too.
    pub(crate) rough: bool,
    director: Director,
    /// After how long, and how, a task ends. One that takes longer than it may is timed out.
    pub(crate) task_director: TaskDirector,
    tasks: BTreeSet<TaskRef>,
    task_ends: BTreeMap<TaskRef, TaskEnd>,
    /// Of its own, so that the clock's jumps change nothing else in a run.
    wall_rng: Rng,
    answers: VecDeque<Input>,
    events: BTreeSet<(Mono, u64, Event)>,
    leaders: BTreeMap<i32, Child>,
    /// Process groups with members beside the leader.
    members: BTreeMap<i32, Members>,
    watched: BTreeMap<i32, ProcRef>,
    next_pid: i32,
    next_event: u64,
    next_command: u64,
    n_steps: u64,
    seed: u64,
    trace: VecDeque<String>,
}

impl World {
    pub(crate) fn new(config: &Config, seed: u64, director: Director) -> World {
        let groups = config.groups.iter().map(|g| Rc::new(g.clone()));
        let members =
            |g: Rc<Group>| (0..g.programs.len()).map(|n| Some((Rc::clone(&g), n))).collect::<Vec<_>>();
        World {
            roster: groups.flat_map(members).collect(),
            renewals: BTreeMap::new(),
            engine: Engine::new(config, seed),
            now: Now { mono: Mono(5_000_000_000), wall: Wall(1_700_000_000_000) },
            rng: Rng::new(seed),
            checker: Checker::new(config),
            replies: BTreeMap::new(),
            spawned: Vec::new(),
            killed: Vec::new(),
            left: None,
            // Thirty years.
            wall_jumps_ms: 1_000_000_000_000,
            history: None,
            rough: false,
            director,
            task_director: Box::new(|_, _| {
                (1, TaskEnd::Exited { status: ExitStatus::Code(0), said: String::new() })
            }),
            tasks: BTreeSet::new(),
            task_ends: BTreeMap::new(),
            wall_rng: Rng::new(!seed),
            answers: VecDeque::new(),
            events: BTreeSet::new(),
            leaders: BTreeMap::new(),
            members: BTreeMap::new(),
            watched: BTreeMap::new(),
            next_pid: 100,
            next_event: 0,
            next_command: 0,
            n_steps: 0,
            seed,
            trace: VecDeque::new(),
        }
    }

    pub(crate) fn elapsed_ms(&self, at: Mono) -> u64 {
        (at.0 - 5_000_000_000) / 1_000_000
    }

    pub(crate) fn command(&mut self, command: Command) -> CommandId {
        self.next_command += 1;
        let id = CommandId(self.next_command);
        self.checker.asked(id);
        self.feed(Input::Command { id, command });
        id
    }

    /// Feeds every answer that is due now, without moving time.
    pub(crate) fn answer(&mut self) {
        while let Some(input) = self.answers.pop_front() {
            self.feed(input);
        }
    }

    /// Runs until `end`, at most, and sets the clock to it.
    pub(crate) fn run_until(&mut self, end: Mono) {
        while self.left.is_none() {
            self.answer();
            if self.next_instant().is_none_or(|at| at > end) {
                break;
            }
            self.advance();
        }
        self.now.mono = self.now.mono.max(end);
    }

    /// Runs until nothing is to be expected any more.
    pub(crate) fn drive(&mut self) {
        loop {
            self.answer();
            if self.next_instant().is_none() || self.left.is_some() {
                return;
            }
            self.advance();
        }
    }

    /// Stops everything, runs to the end, and finds the world empty.
    pub(crate) fn finish(&mut self) {
        if self.left.is_none() {
            self.feed(Input::Shutdown { signal: Signal::TERM });
        }
        self.drive();
        assert!(self.left.is_some(), "it never left");
        self.answer();
        self.checker.ended(&self.engine);
        assert_eq!(self.engine.next_deadline(), None, "a deadline is armed after the end");
        assert_eq!(self.engine.n_open_commands(), 0, "somebody still waits");
    }

    pub(crate) fn feed(&mut self, input: Input) {
        self.n_steps += 1;
        assert!(self.n_steps < MAX_STEPS, "livelock");
        self.note(&format!("<- {input:?}"));
        let mut out = Vec::new();
        let before = self.left.is_some();
        self.checker.before(&input, self.engine.is_stopping());
        self.note_roster(&input);
        self.set_wall_clock();
        self.engine.step(self.now, input, &mut out);
        if let Some(history) = &mut self.history {
            history.push((self.now.mono, out.clone(), self.engine.process_infos(self.now)));
        }
        for action in out {
            self.note(&format!("   {action:?}"));
            let live: Vec<ProcRef> = self.leaders.values().map(|c| c.proc).collect();
            self.checker.action(&action, &live);
            self.perform(action);
        }
        let lingering: Vec<u32> =
            self.members.keys().filter_map(|pid| self.watched.get(pid)).map(|p| p.slot).collect();
        assert!(!before || self.left.is_some());
        self.checker.after(&self.engine, self.now, &lingering);
    }

    fn note_roster(&mut self, input: &Input) {
        match input {
            _ if self.engine.is_stopping() => {}
            Input::Add { group, members } => {
                for (slot, member) in members {
                    self.roster.resize(self.roster.len().max(*slot as usize + 1), None);
                    self.roster[*slot as usize] = Some((Rc::clone(group), *member));
                }
            }
            Input::Change(changes) => {
                for change in changes {
                    self.renewals.insert(change.slot, (Rc::clone(&change.group), change.member));
                }
            }
            _ => {}
        }
    }

    fn next_instant(&self) -> Option<Mono> {
        let event = self.events.first().map(|(at, _, _)| *at);
        match (event, self.engine.next_deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Moves time to what comes next and lets it happen.
    fn advance(&mut self) {
        let Some(at) = self.next_instant() else { return };
        let mut now = self.now.mono.max(at);
        if self.rough && self.rng.percent(10) {
            now = now.plus_ms(i64::try_from(self.rng.below(50)).expect("small"));
        }
        self.now.mono = now;
        let event_due = self.events.first().is_some_and(|(at, _, _)| *at <= now);
        let deadline_due = self.engine.next_deadline().is_some_and(|at| at <= now);
        if event_due && (!deadline_due || self.rng.percent(50)) {
            if let Some((_, _, event)) = self.events.pop_first() {
                self.happen(event);
            }
        } else {
            self.feed(Input::Deadline);
        }
    }

    /// The wall clock is for showing only; it may do what it likes.
    fn set_wall_clock(&mut self) {
        let span = self.wall_jumps_ms;
        let jump = self.wall_rng.below(u64::try_from(2 * span + 1).expect("positive"));
        self.now.wall = Wall(1_700_000_000_000 - span + i64::try_from(jump).expect("small"));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::LeaderEnds(pid, signal, code) => {
                let Some(child) = self.leaders.remove(&pid) else { return };
                let status = match signal {
                    0 => ExitStatus::Code(code),
                    n => ExitStatus::Signal { signal: Signal(n), core: false },
                };
                self.feed(Input::Exited { proc: child.proc, status });
                if self.rough && self.rng.percent(5) && child.proc.incarnation > 1 {
                    let old = ProcRef { incarnation: child.proc.incarnation - 1, ..child.proc };
                    self.feed(Input::Exited { proc: old, status });
                }
            }
            Event::MembersLeave(pid) => {
                self.members.remove(&pid);
            }
            Event::TaskEnds(task) => self.end_task(task),
        }
        // Something was reaped: tell about the groups that are watched. The shell may miss it, the engine polls.
        if !self.rough || self.rng.percent(80) {
            for (pid, proc) in self.watched.clone() {
                let alive = self.members.contains_key(&pid);
                if !alive {
                    self.watched.remove(&pid);
                }
                self.answers.push_back(Input::GroupChecked { proc, alive });
            }
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn(proc) => self.spawn(proc),
            Action::Kill { proc, pid, scope, signal } => self.kill(proc, pid.0, scope, signal),
            Action::CheckGroup { proc, pid, scope: _ } => {
                assert!(!self.leaders.contains_key(&pid.0), "a group is checked while its leader lives");
                let alive = self.members.contains_key(&pid.0);
                if alive {
                    self.watched.insert(pid.0, proc);
                }
                self.answers.push_back(Input::GroupChecked { proc, alive });
            }
            Action::Reply { id, outcome } => {
                self.replies.insert(id, outcome);
            }
            Action::RunTask { task, timeout_ms } => self.run_task(task, timeout_ms),
            Action::EndTask(task) => {
                if self.tasks.remove(&task) {
                    self.answers.push_back(Input::TaskEnded { task, end: TaskEnd::Cancelled });
                }
            }
            Action::Exit(leave) => self.left = Some(leave),
            Action::Vacated(slot) => self.roster[slot as usize] = None,
            Action::Renewed(slot) => self.roster[slot as usize] = self.renewals.remove(&slot),
            Action::Ended(_)
            | Action::LastWords { .. }
            | Action::Publish(_)
            | Action::Stopping
            | Action::Log(..)
            | Action::Bug(_) => {}
        }
    }

    fn run_task(&mut self, task: TaskRef, timeout_ms: i64) {
        let (ms, end) = (self.task_director)(&mut self.rng, task);
        let timeout_ms = u64::try_from(timeout_ms).expect("positive");
        let (ms, end) = if ms > timeout_ms { (timeout_ms, TaskEnd::TimedOut) } else { (ms, end) };
        self.tasks.insert(task);
        if matches!(end, TaskEnd::NotStarted(_)) {
            self.task_ends.insert(task, end);
            return self.end_task(task);
        }
        self.task_ends.insert(task, end);
        self.later(ms, Event::TaskEnds(task));
    }

    fn end_task(&mut self, task: TaskRef) {
        let end = self.task_ends.remove(&task);
        if let (true, Some(end)) = (self.tasks.remove(&task), end) {
            self.answers.push_back(Input::TaskEnded { task, end: end.clone() });
            if self.rough && self.rng.percent(5) {
                // Late news, of a task that has ended before.
                self.answers.push_back(Input::TaskEnded { task, end });
            }
        }
    }

    fn spawn(&mut self, proc: ProcRef) {
        self.spawned.push((self.now.mono, proc.slot));
        let script = (self.director)(&mut self.rng, proc);
        if let Birth::Refused(kind) = script.birth {
            let error = SpawnError { kind, text: "can't find command 'x'".into() };
            self.answers.push_back(Input::SpawnFailed { proc, error });
            return;
        }
        let pid = self.next_pid;
        self.next_pid += 1;
        self.watched.retain(|_, old| old.slot != proc.slot);
        self.answers.push_back(Input::Spawned { proc, pid: Pid(pid) });
        if matches!(script.birth, Birth::ExecFails) {
            self.answers.push_back(Input::ExecFailed { proc, text: "cannot execute `x`: ENOENT".into() });
            self.later(0, Event::LeaderEnds(pid, 0, 127));
        } else {
            if let Some(ms) = script.life_ms {
                self.later(ms, end_of(pid, script.status));
            }
            if let Some(members) = script.members.clone() {
                if let Some(ms) = members.life_ms {
                    self.later(ms, Event::MembersLeave(pid));
                }
                self.members.insert(pid, members);
            }
        }
        self.leaders.insert(pid, Child { proc, script });
    }

    fn kill(&mut self, proc: ProcRef, pid: i32, scope: Scope, signal: Signal) {
        self.killed.push((self.now.mono, proc.slot, scope, signal));
        if scope == Scope::Process {
            let child =
                self.leaders.get(&pid).expect("a signal goes to a process that is ours and not reaped");
            assert_eq!(child.proc, proc);
        }
        let untouchable = self.leaders.get(&pid).is_some_and(|c| c.script.untouchable);
        if untouchable {
            self.answers.push_back(Input::KillFailed { proc, errno: "EPERM".into() });
            return;
        }
        let soon = self.rng.below(5);
        if let Some(child) = self.leaders.get(&pid) {
            let by_signal = Event::LeaderEnds(pid, signal.0, 0);
            if signal == Signal::KILL {
                self.later(soon, by_signal);
            } else if let Some(ms) = child.script.on_stop_ms {
                let end = child.script.stop_code.map_or(by_signal, |code| Event::LeaderEnds(pid, 0, code));
                self.later(ms, end);
            }
        }
        if scope != Scope::Process
            && let Some(members) = self.members.get(&pid)
        {
            let leave = if signal == Signal::KILL { Some(soon) } else { members.on_stop_ms };
            if let Some(ms) = leave {
                self.later(ms, Event::MembersLeave(pid));
            }
        }
    }

    fn later(&mut self, ms: u64, event: Event) {
        self.next_event += 1;
        let at = self.now.mono.plus_ms(i64::try_from(ms).expect("small"));
        self.events.insert((at, self.next_event, event));
    }

    fn note(&mut self, line: &str) {
        if self.trace.len() == TRACE_LINES {
            self.trace.pop_front();
        }
        self.trace.push_back(format!("{:>10} {line}", self.elapsed_ms(self.now.mono)));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in &self.trace {
                eprintln!("{line}");
            }
            eprintln!("replay with SEED={}", self.seed);
        }
    }
}

fn end_of(pid: i32, status: ExitStatus) -> Event {
    match status {
        ExitStatus::Code(code) => Event::LeaderEnds(pid, 0, code),
        ExitStatus::Signal { signal, .. } => Event::LeaderEnds(pid, signal.0, 0),
    }
}
