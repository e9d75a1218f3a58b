//! Directed tests of the engine's rules. The random ones are in `tests/sim`.

mod checks;
mod commands;
mod dependents;
mod depends;
mod drain;
mod ends;
mod golden;
mod health;
mod hooks;
mod life;
mod policy;
mod roll;
mod schedule;
mod shutdown;
mod stop;
mod told;
mod total;

use super::action::{Action, Leave, Scope, StateChange};
use super::input::{CommandId, Input, SpawnError, SpawnErrorKind};
use super::slot::Life;
use super::table::Engine;
use super::timers::Deadline;
use crate::config::model::{
    Autorestart, Backoff, Config, Dialect, Group, GroupKind, LogPlan, LogTarget, MainLog, Native, Program,
    Stdin, Supervisor,
};
use crate::control::{Command, Fault, Outcome, State, Target};
use crate::types::{ExitStatus, LogLevel, Mono, Now, Pid, ProcRef, Signal, Wall};

pub(super) const TERMINATED: ExitStatus = ExitStatus::Signal { signal: Signal::TERM, core: false };

pub(super) fn program(group: &str, name: &str) -> Program {
    let plan = LogPlan {
        target: LogTarget::None,
        maxbytes: 0,
        backups: 0,
        capture_maxbytes: 0,
        events: false,
        syslog: false,
    };
    Program {
        name: name.into(),
        group: group.into(),
        program: name.into(),
        command: "x".into(),
        argv: Ok(vec!["x".into()]),
        directory: None,
        environment: Vec::new(),
        user: None,
        umask: None,
        priority: 999,
        autostart: true,
        autorestart: Autorestart::Unexpected,
        exitcodes: vec![0],
        startsecs_ms: 1_000,
        startretries: 3,
        backoff: Backoff::Linear,
        stopsignal: Signal::TERM,
        stopwaitsecs_ms: 10_000,
        stopasgroup: false,
        killasgroup: false,
        stdin: Stdin::Pipe,
        socket: None,
        redirect_stderr: false,
        stdout: plan.clone(),
        stderr: plan,
        serverurl: None,
        main: false,
        waits: None,
        native: Native::default(),
    }
}

pub(super) fn config(groups: Vec<Group>) -> Config {
    Config {
        dialect: Dialect::Ini,
        path: None,
        supervisor: Supervisor {
            logfile: MainLog::None,
            logfile_maxbytes: 0,
            logfile_backups: 0,
            loglevel: LogLevel::Info,
            log_stream: None,
            pidfile: None,
            umask: 0o22,
            nodaemon: true,
            silent: false,
            minfds: 1024,
            minprocs: 200,
            nocleanup: false,
            childlogdir: None,
            user: None,
            directory: None,
            strip_ansi: false,
            environment: Vec::new(),
            identifier: "supervisor".into(),
            exit_when_all_exited: false,
            create_directories: false,
            drain_delay_ms: 0,
            shutdown_timeout_ms: None,
            termination_log: None,
            signals: Vec::new(),
        },
        http: Vec::new(),
        control: Vec::new(),
        groups,
    }
}

pub(super) fn group(name: &str, priority: i64, programs: Vec<Program>) -> Group {
    Group { name: name.into(), priority, kind: GroupKind::Program, programs }
}

/// One group `web` with one process `web`, changed by `change`.
pub(super) fn one(change: impl FnOnce(&mut Program)) -> Config {
    let mut web = program("web", "web");
    change(&mut web);
    config(vec![group("web", 999, vec![web])])
}

/// An engine, its clock, and what it asked for in the last step.
pub(super) struct Rig {
    pub(super) engine: Engine,
    pub(super) now: Now,
    pub(super) out: Vec<Action>,
    next_command: u64,
}

impl Rig {
    pub(super) fn new(config: &Config) -> Rig {
        let now = Now { mono: Mono(1_000_000_000), wall: Wall(1_700_000_000_000) };
        Rig { engine: Engine::new(config, 1), now, out: Vec::new(), next_command: 0 }
    }

    /// A rig that has taken `Boot`.
    pub(super) fn booted(config: &Config) -> Rig {
        let mut rig = Rig::new(config);
        rig.step(Input::Boot);
        rig
    }

    /// Its first process has been spawned with pid 100.
    pub(super) fn spawned(config: &Config) -> Rig {
        let mut rig = Rig::booted(config);
        rig.spawn_ok(0, 100);
        rig
    }

    /// Its first process is RUNNING with pid 100.
    pub(super) fn running(config: &Config) -> Rig {
        let mut rig = Rig::spawned(config);
        if rig.state(0) == State::Starting {
            rig.pass_ms(1_001);
        }
        assert_eq!(rig.state(0), State::Running);
        rig
    }

    pub(super) fn step(&mut self, input: Input) {
        self.out.clear();
        self.engine.step(self.now, input, &mut self.out);
        assert_eq!(self.engine.tally, self.engine.recount(), "the counts are wrong");
        self.assert_consistent();
    }

    /// What waits has a deadline, what has ended has none; a pid is known exactly while it may exist.
    fn assert_consistent(&self) {
        for slot in &self.engine.slots {
            let fits = match slot.state {
                State::Stopped | State::Backoff | State::Exited | State::Fatal => slot.life == Life::Absent,
                // Nothing is in the way of the fork but a hook.
                State::Starting if slot.hooks.is_running() => slot.life == Life::Preparing,
                State::Starting => matches!(slot.life, Life::Forking { .. } | Life::Alive(_)),
                State::Running | State::Unknown => matches!(slot.life, Life::Alive(_)),
                State::Stopping => matches!(slot.life, Life::Alive(_) | Life::Remnants(_)),
            };
            assert!(fits, "{:?} in {:?}", slot.life, slot.state);
            let armed = |kind| self.engine.timers.at(slot.id, kind).is_some();
            assert_eq!(armed(Deadline::StopGrace), slot.state == State::Stopping);
            assert_eq!(armed(Deadline::Backoff), slot.state == State::Backoff);
            assert!(!armed(Deadline::StartSecs) || slot.state == State::Starting);
            let is_up = matches!(slot.state, State::Starting | State::Running);
            for kind in [Deadline::Readiness, Deadline::Liveness, Deadline::Watchdog] {
                assert!(is_up || !armed(kind), "{kind:?} in {:?}", slot.state);
            }
            assert!(!armed(Deadline::GroupPoll) || slot.state == State::Stopping);
            assert!(!armed(Deadline::StopReport) || slot.state == State::Stopping);
        }
    }

    /// Lets time pass, feeding the deadlines on the way.
    pub(super) fn pass_ms(&mut self, ms: u64) {
        let end = Mono(self.now.mono.0 + ms * 1_000_000);
        let mut all = Vec::new();
        while let Some(at) = self.engine.next_deadline().filter(|at| *at <= end) {
            self.move_to(self.now.mono.max(at));
            self.step(Input::Deadline);
            all.append(&mut self.out);
        }
        self.move_to(end);
        self.out = all;
    }

    /// Both clocks go on.
    fn move_to(&mut self, at: Mono) {
        let ms = |at: Mono| i64::try_from(at.0 / 1_000_000).expect("small");
        self.now.wall.0 += ms(at) - ms(self.now.mono);
        self.now.mono = at;
    }

    pub(super) fn proc(&self, slot: u32) -> ProcRef {
        self.engine.slots[slot as usize].proc()
    }

    pub(super) fn spawn_ok(&mut self, slot: u32, pid: i32) {
        let proc = self.proc(slot);
        self.step(Input::Spawned { proc, pid: Pid(pid) });
    }

    pub(super) fn spawn_fails(&mut self, slot: u32, kind: SpawnErrorKind, text: &str) {
        let proc = self.proc(slot);
        self.step(Input::SpawnFailed { proc, error: SpawnError { kind, text: text.into() } });
    }

    pub(super) fn exits(&mut self, slot: u32, code: u8) {
        self.ends(slot, ExitStatus::Code(code));
    }

    pub(super) fn ends(&mut self, slot: u32, status: ExitStatus) {
        let proc = self.proc(slot);
        self.step(Input::Exited { proc, status });
    }

    pub(super) fn checked(&mut self, slot: u32, alive: bool) {
        let proc = self.proc(slot);
        self.step(Input::GroupChecked { proc, alive });
    }

    pub(super) fn command(&mut self, command: Command) -> CommandId {
        self.next_command += 1;
        let id = CommandId(self.next_command);
        self.step(Input::Command { id, command });
        id
    }

    pub(super) fn start(&mut self, wait: bool) -> CommandId {
        self.command(Command::Start { target: web(), wait })
    }

    pub(super) fn stop(&mut self, wait: bool) -> CommandId {
        self.command(Command::Stop { target: web(), wait })
    }

    pub(super) fn state(&self, slot: u32) -> State {
        self.engine.state(slot)
    }

    /// The changes published, as `web STOPPED>STARTING`.
    pub(super) fn changes(&self) -> Vec<String> {
        let text = |c: &StateChange| {
            let name = &self.engine.slots[c.proc.slot as usize].policy.name;
            format!("{name} {}>{}", c.from.name(), c.to.name())
        };
        self.out
            .iter()
            .filter_map(|a| if let Action::Publish(c) = a { Some(text(c)) } else { None })
            .collect()
    }

    pub(super) fn published(&self, to: State) -> StateChange {
        let found = self.out.iter().find_map(|a| match a {
            Action::Publish(c) if c.to == to => Some(c.clone()),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no change to {to:?} in {:?}", self.out))
    }

    /// The log lines above DEBG, as `INFO text`.
    pub(super) fn logs(&self) -> Vec<String> {
        let line = |a: &Action| match a {
            Action::Log(level, text) if *level > LogLevel::Debug => Some(format!("{} {text}", level.tag())),
            _ => None,
        };
        self.out.iter().filter_map(line).collect()
    }

    pub(super) fn kills(&self) -> Vec<(i32, Scope, Signal)> {
        let kill = |a: &Action| match a {
            Action::Kill { pid, scope, signal, .. } => Some((pid.0, *scope, *signal)),
            _ => None,
        };
        self.out.iter().filter_map(kill).collect()
    }

    /// Names of the processes that are to be spawned, in order.
    pub(super) fn spawns(&self) -> Vec<String> {
        let name = |a: &Action| match a {
            Action::Spawn(p) => Some(self.engine.slots[p.slot as usize].policy.name.clone()),
            _ => None,
        };
        self.out.iter().filter_map(name).collect()
    }

    pub(super) fn replies(&self) -> Vec<(CommandId, Outcome)> {
        let reply = |a: &Action| match a {
            Action::Reply { id, outcome } => Some((*id, outcome.clone())),
            _ => None,
        };
        self.out.iter().filter_map(reply).collect()
    }

    /// The fault with which the one command was answered, as text.
    pub(super) fn fault(&self) -> String {
        match self.replies().as_slice() {
            [(_, Outcome::Fault(fault))] => Fault::to_string(fault),
            other => panic!("no single fault: {other:?}"),
        }
    }

    pub(super) fn leave(&self) -> Option<Leave> {
        self.out.iter().find_map(|a| if let Action::Exit(leave) = a { Some(*leave) } else { None })
    }

    pub(super) fn bugs(&self) -> usize {
        self.out.iter().filter(|a| matches!(a, Action::Bug(_))).count()
    }
}

pub(super) fn web() -> Target {
    Target::Process { group: "web".into(), name: "web".into() }
}
