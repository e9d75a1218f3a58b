//! The engine is total: any inputs, in any order, on any configuration. What a shell really does is `tests/sim`.

use super::checks::{end, probe, task, told};
use super::{Target, ensure};
use crate::bytes::Bytes;
use crate::rng::Rng;
use mainstay::config::Sources;
use mainstay::config::load;
use mainstay::config::model::{Autorestart, Backoff, Config, Group, Program, SignalTarget};
use mainstay::control::{Command, HealthKind, State, Target as Whom};
use mainstay::engine::Engine;
use mainstay::engine::action::Action;
use mainstay::engine::input::{Change, CommandId, Input, SpawnError, SpawnErrorKind};
use mainstay::types::{ExitStatus, Mono, Now, Pid, ProcRef, Signal, Wall};
use std::collections::BTreeSet;
use std::rc::Rc;

pub(super) struct Engines;

impl Target for Engines {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn quick_cases(&self) -> u64 {
        1_000
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        let n = rng.below_few(500, 3_000);
        rng.bytes(n)
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let mut bytes = Bytes::new(input);
        let config = config(&mut bytes)?;
        let mut rig = Rig::new(&config, bytes.u64());
        rig.step(Input::Boot)?;
        while !bytes.is_empty() {
            rig.pass_time(&mut bytes);
            let input = rig.any_input(&mut bytes);
            rig.step(input)?;
            rig.look(&mut bytes)?;
        }
        Ok(rig.spawned.iter().any(|incarnation| *incarnation > 1))
    }
}

struct Rig {
    engine: Engine,
    now: Now,
    /// Incarnation of each slot, by the spawns that were asked for.
    spawned: Vec<u32>,
    /// Asked for, and not answered by us yet.
    unanswered: Vec<ProcRef>,
    open: BTreeSet<CommandId>,
    n_commands: u64,
    has_left: bool,
    groups: Vec<Rc<Group>>,
    /// Slots that nobody has.
    vacant: BTreeSet<u32>,
}

impl Rig {
    fn new(config: &Config, seed: u64) -> Rig {
        Rig {
            engine: Engine::new(config, seed),
            now: Now { mono: Mono(1), wall: Wall(1_700_000_000_000) },
            spawned: vec![0; config.processes().count()],
            unanswered: Vec::new(),
            open: BTreeSet::new(),
            n_commands: 0,
            has_left: false,
            groups: config.groups.iter().cloned().map(Rc::new).collect(),
            vacant: BTreeSet::new(),
        }
    }

    fn pass_time(&mut self, bytes: &mut Bytes<'_>) {
        self.now.mono = match bytes.below(8) {
            0..=2 => self.now.mono,
            3 => self.now.mono.plus_ms(i64::from(bytes.byte())),
            4 => self.now.mono.plus_ms(i64::from(bytes.byte()) * 1_000),
            5 => Mono(self.now.mono.0 + 1),
            6 => self.engine.next_deadline().map_or(self.now.mono, |d| Mono(d.0 - 1).max(self.now.mono)),
            _ => self.engine.next_deadline().unwrap_or_default().max(self.now.mono),
        };
        // Five centuries are enough; beyond, points in time are all the same.
        self.now.mono = self.now.mono.min(Mono(u64::MAX - (1 << 40)));
        // The wall clock is set by people.
        self.now.wall = Wall(self.now.wall.0 + i64::from(bytes.byte()) - 50);
    }

    fn states(&self) -> Vec<State> {
        (0..=self.spawned.len())
            .map(|slot| self.engine.state(u32::try_from(slot).unwrap_or(u32::MAX)))
            .collect()
    }

    /// One input, and all that must hold whatever it was.
    fn step(&mut self, input: Input) -> Result<(), String> {
        let (before, deadline) = (self.states(), self.engine.next_deadline());
        let is_command = matches!(input, Input::Command { .. });
        let was_stopping = self.engine.is_stopping();
        let added: Vec<u32> = match &input {
            Input::Add { members, .. } => members.iter().map(|(slot, _)| *slot).collect(),
            _ => Vec::new(),
        };
        let told = format!("{input:?}");
        if let Input::Command { id, .. } = &input {
            self.open.insert(*id);
        }
        let is_stale =
            proc_of(&input).is_some_and(|p| self.spawned.get(p.slot as usize) != Some(&p.incarnation));
        let may_stay = !matches!(input, Input::Deadline) && deadline.is_some_and(|d| d <= self.now.mono);
        let mut out = Vec::new();
        self.engine.step(self.now, input, &mut out);
        if out.iter().any(|a| matches!(a, Action::Bug(_))) {
            let is_inert = out.len() == 1 && self.states() == before;
            ensure(is_inert, || format!("a bug changes something: {told} gives {out:?}"))?;
        }
        let is_silent = out.iter().all(|a| matches!(a, Action::Log(..) | Action::Bug(_)));
        let is_ignored = self.states() == before && is_silent;
        ensure(!is_stale || is_ignored, || format!("news of another life counts: {told} gives {out:?}"))?;
        ensure(!self.has_left || is_command || out.is_empty(), || {
            format!("acts after the end: {told} gives {out:?}")
        })?;
        if !out.iter().any(|a| matches!(a, Action::Bug(_))) && !was_stopping {
            for slot in &added {
                self.vacant.remove(slot);
                self.spawned.resize(self.spawned.len().max(*slot as usize + 1), 0);
            }
        }
        out.iter().try_for_each(|action| self.perform(action, &told))?;
        let open = self.engine.n_open_commands();
        ensure(open == self.open.len(), || {
            format!("counts its commands wrong: {open}, not {}", self.open.len())
        })?;
        let next = self.engine.next_deadline();
        // A grace of nothing is over at once: in the same instant, by the next input.
        let is_future = self.has_left || may_stay || next.is_none_or(|d| d >= self.now.mono);
        ensure(is_future, || format!("a deadline in the past: {next:?} at {:?} after {told}", self.now.mono))
    }

    fn perform(&mut self, action: &Action, told: &str) -> Result<(), String> {
        match action {
            Action::Spawn(proc) => {
                let Some(incarnation) = self.spawned.get_mut(proc.slot as usize) else {
                    return Err(format!("spawns what is not there: {proc:?}"));
                };
                *incarnation += 1;
                self.unanswered.push(*proc);
                let want = *incarnation;
                ensure(proc.incarnation == want, || format!("skips an incarnation: {proc:?}, not {want}"))
            }
            Action::Kill { pid, signal, .. } => {
                // A negative one would be a group, and -1 everybody.
                ensure(pid.0 > 0, || format!("signals nobody in particular: {pid} after {told}"))?;
                ensure((0..=64).contains(&signal.0), || {
                    format!("sends a signal that does not exist: {signal:?}")
                })
            }
            Action::CheckGroup { pid, .. } => ensure(pid.0 > 0, || format!("looks at no group: {pid}")),
            Action::Reply { id, .. } => {
                ensure(self.open.remove(id), || format!("answers what nobody asked: {id:?} after {told}"))
            }
            Action::Exit(leave) => {
                ensure(!self.has_left, || format!("leaves twice: {leave:?} after {told}"))?;
                self.has_left = true;
                Ok(())
            }
            Action::Publish(change) => {
                ensure(change.from != change.to, || format!("publishes no change: {change:?} after {told}"))
            }
            Action::Vacated(slot) => {
                self.spawned[*slot as usize] += 1;
                ensure(self.vacant.insert(*slot), || format!("vacates slot {slot} again after {told}"))
            }
            Action::Renewed(slot) => {
                ensure(!self.vacant.contains(slot), || format!("renews what is vacant after {told}"))
            }
            Action::Ended(_)
            | Action::RunTask { .. }
            | Action::EndTask(_)
            | Action::LastWords { .. }
            | Action::Stopping
            | Action::Log(..)
            | Action::Bug(_) => Ok(()),
        }
    }

    /// What operators and probes see.
    fn look(&self, bytes: &mut Bytes<'_>) -> Result<(), String> {
        if bytes.below(16) != 0 {
            return Ok(());
        }
        let infos = self.engine.process_infos(self.now);
        ensure(infos.len() == self.spawned.len() - self.vacant.len(), || {
            "shows another number of processes".into()
        })?;
        for (info, slot) in infos.iter().zip(self.engine.shown_order()) {
            let state = self.engine.state(*slot);
            ensure(info.state == state, || format!("shows another state: {info:?}, not {state:?}"))?;
            let is_known = self.engine.slot_of(&info.group, &info.name) == Some(*slot);
            ensure(is_known, || format!("shows what it cannot find: {info:?}"))?;
        }
        for kind in [HealthKind::Live, HealthKind::Ready, HealthKind::Startup] {
            let report = self.engine.health(kind, self.now);
            let all = report.checks.iter().all(|c| c.ok);
            ensure(report.ok == all, || format!("health that contradicts itself: {report:?}"))?;
        }
        Ok(())
    }

    fn any_input(&mut self, bytes: &mut Bytes<'_>) -> Input {
        // Without some sense most slots would never leave STARTING.
        if bytes.bool()
            && let Some(proc) = self.unanswered.pop()
        {
            return Input::Spawned { proc, pid: Pid(1 + i32::from(bytes.byte())) };
        }
        let slot = bytes.below(self.spawned.len() + 1);
        let present = self.spawned.get(slot).copied().unwrap_or(1);
        let incarnation = match bytes.below(8) {
            0 => present.wrapping_sub(1),
            1 => present.wrapping_add(1),
            _ => present,
        };
        let proc = ProcRef { slot: u32::try_from(slot).unwrap_or(u32::MAX), incarnation };
        // What ends everything comes seldom.
        match bytes.byte() {
            0 => return Input::Boot,
            1 => return Input::Shutdown { signal: bytes.pick(&[Signal::TERM, Signal::INT, Signal::QUIT]) },
            2 => return Input::Restart { signal: Signal::HUP },
            3 => return Input::Forward { slot: proc.slot, signal: bytes.pick(&[Signal::HUP, Signal(64)]) },
            _ => {}
        }
        match bytes.below(64) {
            0..=11 => Input::Deadline,
            12..=23 => Input::Spawned { proc, pid: Pid(1 + i32::from(bytes.byte())) },
            24..=27 => {
                let kinds = [SpawnErrorKind::NoFile, SpawnErrorKind::NotExecutable, SpawnErrorKind::Other];
                Input::SpawnFailed {
                    proc,
                    error: SpawnError { kind: bytes.pick(&kinds), text: "why".into() },
                }
            }
            28..=30 => Input::ExecFailed { proc, text: "why".into() },
            31..=41 => Input::Exited { proc, status: status(bytes) },
            42..=46 => Input::GroupChecked { proc, alive: bytes.bool() },
            47..=49 => Input::KillFailed { proc, errno: "EPERM".into() },
            50..=53 => self.any_change(bytes, proc.slot),
            54..=56 => Input::Told { proc, what: told(bytes) },
            57..=58 => Input::TaskEnded { task: task(bytes, proc), end: end(bytes) },
            _ => {
                self.n_commands += 1;
                Input::Command { id: CommandId(self.n_commands), command: command(bytes) }
            }
        }
    }
}

impl Rig {
    /// Programs come, go and change, whoever has the slot.
    fn any_change(&mut self, bytes: &mut Bytes<'_>, slot: u32) -> Input {
        let pick = bytes.below(self.groups.len().max(1));
        let Some(group) = self.groups.get(pick).cloned() else { return Input::Retire { slots: vec![slot] } };
        let member = bytes.below(group.programs.len() + 1);
        match bytes.below(3) {
            0 => Input::Add { group, members: vec![(slot, member); 1 + usize::from(bytes.below(4) == 0)] },
            1 => Input::Retire { slots: vec![slot; 1 + usize::from(bytes.below(4) == 0)] },
            _ => Input::Change(vec![Change { slot, group, member, restart: bytes.bool() }]),
        }
    }
}

/// Whose news it is.
fn proc_of(input: &Input) -> Option<ProcRef> {
    match input {
        Input::Spawned { proc, .. }
        | Input::SpawnFailed { proc, .. }
        | Input::ExecFailed { proc, .. }
        | Input::Exited { proc, .. }
        | Input::GroupChecked { proc, .. }
        | Input::KillFailed { proc, .. }
        | Input::Told { proc, .. } => Some(*proc),
        Input::TaskEnded { task, .. } => Some(task.proc),
        Input::Add { .. }
        | Input::Retire { .. }
        | Input::Change(_)
        | Input::Boot
        | Input::Deadline
        | Input::Drain
        | Input::ClockSet
        | Input::Forward { .. }
        | Input::Command { .. }
        | Input::Shutdown { .. }
        | Input::Restart { .. } => None,
    }
}

pub(super) fn status(bytes: &mut Bytes<'_>) -> ExitStatus {
    match bytes.below(4) {
        0 => ExitStatus::Signal { signal: Signal(bytes.pick(&[9, 15, 11, 50])), core: bytes.bool() },
        1 => ExitStatus::Code(bytes.byte()),
        n => ExitStatus::Code(if n == 2 { 0 } else { 1 }),
    }
}

fn command(bytes: &mut Bytes<'_>) -> Command {
    let names = ["g0", "g1", "g2", "p0", "p1", "none"].map(str::to_owned);
    let target = match bytes.below(4) {
        0 => Whom::All,
        1 => Whom::Group(bytes.pick(&names)),
        _ => Whom::Process { group: bytes.pick(&names), name: bytes.pick(&names) },
    };
    match bytes.byte() {
        0 => Command::Shutdown,
        1 => Command::Restart,
        2..=120 => Command::Start { target, wait: bytes.bool() },
        121..=230 => Command::Stop { target, wait: bytes.bool() },
        _ => Command::Signal {
            target,
            signal: bytes.pick(&[Signal::HUP, Signal::KILL, Signal(0), Signal(64)]),
        },
    }
}

/// Some groups of some programs, each with whatever settings the model can hold.
fn config(bytes: &mut Bytes<'_>) -> Result<Config, String> {
    // A whole model by the way that everybody takes; then the parts that the engine looks at are replaced.
    let env = vec![("MAINSTAY_PROGRAM__P".to_owned(), "x".to_owned())];
    let loaded = load(&Sources { env, ..Sources::default() }, &crate::machine::Machine::default());
    let mut config =
        loaded.map_err(|found| format!("the harness itself has failed: {}", found.render()))?.config;
    let Some(plain) = config.groups.pop() else { return Ok(config) };
    for g in 0..bytes.below(4) {
        let name = format!("g{g}");
        let programs = (0..1 + bytes.below(3))
            .flat_map(|p| plain.programs.first().map(|one| program(bytes, one, &name, &format!("p{p}"))));
        let programs = programs.collect();
        config.groups.push(Group { name, priority: bytes.pick(&PRIORITIES), programs, ..plain.clone() });
    }
    config.groups.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    config.supervisor.exit_when_all_exited = bytes.below(4) == 0;
    Ok(config)
}

const PRIORITIES: [i64; 6] = [1, 1, 2, 999, i64::MIN, i64::MAX];
pub(super) const TIMES_MS: [i64; 9] = [0, 1, 100, 1_000, 10_000, -1, -1_000, i64::MIN, i64::MAX];

fn program(bytes: &mut Bytes<'_>, plain: &Program, group: &str, name: &str) -> Program {
    let mut p = plain.clone();
    p.group = group.to_owned();
    p.name = name.to_owned();
    p.priority = bytes.pick(&PRIORITIES);
    p.autostart = bytes.below(4) > 0;
    p.autorestart = bytes.pick(&[Autorestart::Never, Autorestart::Always, Autorestart::Unexpected]);
    p.exitcodes = bytes.pick(&[vec![0], vec![0, 2], vec![], vec![-1, i32::MAX]]);
    p.startsecs_ms = bytes.pick(&TIMES_MS);
    p.startretries = bytes.pick(&[3, 0, 1, -1, i64::MAX, i64::MIN]);
    p.stopwaitsecs_ms = bytes.pick(&TIMES_MS);
    p.stopsignal = bytes.pick(&[Signal::TERM, Signal::KILL, Signal::INT, Signal(0), Signal(64)]);
    p.killasgroup = bytes.bool();
    p.stopasgroup = p.killasgroup && bytes.bool();
    let targets =
        [None, None, Some(SignalTarget::Process), Some(SignalTarget::Group), Some(SignalTarget::Tree)];
    p.native.signal_target = bytes.pick(&targets);
    p.main = bytes.below(16) == 0;
    p.backoff = match bytes.below(4) {
        0 => Backoff::CONTAINER,
        1 => Backoff::Exponential {
            initial_ms: bytes.pick(&TIMES_MS),
            factor_percent: bytes.pick(&[200, 100, 0, 150, u32::MAX]),
            max_ms: bytes.pick(&TIMES_MS),
            jitter_percent: bytes.pick(&[10, 0, 100, u32::MAX]),
            reset_after_ms: bytes.pick(&TIMES_MS),
        },
        _ => Backoff::Linear,
    };
    p.native.readiness = probe(bytes);
    p.native.liveness = probe(bytes);
    p
}
