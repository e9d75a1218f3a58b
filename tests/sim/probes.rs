//! Random histories of checks, against kubelet's own algorithm written down naively, and against what must never happen.
//!
//! `SIM_RUNS=n` sets the number of runs, `SEED=n` replays one.

use crate::configs;
use crate::random::number;
use crate::rng::Rng;
use crate::script::Script;
use crate::world::{Moment, TaskDirector, World};
use mainstay::config::model::{Config, Probe, ProbeKind};
use mainstay::control::{Command, State, Target};
use mainstay::engine::action::Action;
use mainstay::engine::input::{Input, TaskEnd, TaskKind, TaskRef, Told};
use mainstay::types::{ExitStatus, Mono, ProcRef, Signal};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

const DEFAULT_RUNS: u64 = 1_000;

/// How long a run takes, and whether it passes.
type Answers = Rc<RefCell<BTreeMap<TaskRef, (u64, bool)>>>;

/// kubelet's worker for one check of one container (pkg/kubelet/prober/worker.go), without what is not a matter of
/// thresholds.
struct Worker {
    last: Option<bool>,
    in_a_row: u32,
    value: bool,
    /// It was true once.
    ever: bool,
}

impl Worker {
    fn new(kind: TaskKind) -> Worker {
        Worker { last: None, in_a_row: 0, value: kind == TaskKind::Liveness, ever: false }
    }

    fn take(&mut self, passed: bool, probe: &Probe) {
        if self.last == Some(passed) {
            self.in_a_row += 1;
        } else {
            (self.last, self.in_a_row) = (Some(passed), 1);
        }
        let needed = if passed { probe.success_threshold } else { probe.failure_threshold };
        if self.in_a_row >= needed {
            self.value = passed;
            self.ever |= passed;
        }
    }
}

/// One process, as the model sees it.
struct Life {
    proc: ProcRef,
    forked: Option<Mono>,
    is_up: bool,
    readiness: Worker,
    liveness: Worker,
    /// The run that is under way: since when, and when it will have ended.
    open: BTreeMap<TaskKind, (TaskRef, Mono, Mono)>,
    /// When the last run of a kind began and ended.
    last: BTreeMap<TaskKind, (Mono, Mono)>,
    /// By sd_notify.
    says_ready: bool,
    reloads: bool,
    ends: bool,
}

struct Model<'a> {
    config: &'a Config,
    answers: Answers,
    lives: BTreeMap<u32, Life>,
    /// Messages that were sent, by the step that took them in.
    told: BTreeMap<usize, (ProcRef, Told)>,
    n_runs: u64,
    n_ready: u64,
    n_unready: u64,
    n_recycled: u64,
    /// Liveness has failed at this instant, and a stop has to be seen before it is over.
    to_be_stopped: Vec<ProcRef>,
}

impl Model<'_> {
    fn probe(&self, slot: u32, kind: TaskKind) -> Option<&Probe> {
        let native = &self.config.processes().nth(slot as usize)?.native;
        match kind {
            TaskKind::Readiness => native.readiness.as_deref(),
            TaskKind::Liveness => native.liveness.as_deref(),
            _ => None,
        }
    }

    fn new_life(proc: ProcRef) -> Life {
        Life {
            proc,
            forked: None,
            is_up: true,
            readiness: Worker::new(TaskKind::Readiness),
            liveness: Worker::new(TaskKind::Liveness),
            open: BTreeMap::new(),
            last: BTreeMap::new(),
            says_ready: false,
            reloads: false,
            ends: false,
        }
    }

    /// Takes in the answers that have come by now, in the order in which they came.
    fn answers_until(&mut self, now: Mono) {
        for slot in self.lives.keys().copied().collect::<Vec<_>>() {
            loop {
                let life = &self.lives[&slot];
                let due = life.open.iter().filter(|(_, (_, _, end))| *end <= now);
                let Some((kind, (task, begun, end))) =
                    due.min_by_key(|(_, (_, _, end))| *end).map(|(k, v)| (*k, *v))
                else {
                    break;
                };
                let (ms, passes) = self.answers.borrow()[&task];
                let probe = self.probe(slot, kind).expect("only what has a check is asked").clone();
                let passed = passes && i64::try_from(ms).expect("small") <= probe.timeout_ms;
                let life = self.lives.get_mut(&slot).expect("it is there");
                life.open.remove(&kind);
                life.last.insert(kind, (begun, end));
                let worker =
                    if kind == TaskKind::Readiness { &mut life.readiness } else { &mut life.liveness };
                let was = worker.value;
                worker.take(passed, &probe);
                if kind == TaskKind::Liveness && was && !worker.value {
                    self.to_be_stopped.push(life.proc);
                }
            }
        }
    }

    fn action(&mut self, now: Mono, action: &Action) {
        match action {
            Action::Spawn(proc) => {
                self.lives.insert(proc.slot, Model::new_life(*proc));
            }
            Action::Publish(change) if !matches!(change.to, State::Starting | State::Running) => {
                if let Some(life) = self.lives.get_mut(&change.proc.slot).filter(|l| l.proc == change.proc) {
                    life.is_up = false;
                }
                if let Some(at) = self.to_be_stopped.iter().position(|p| *p == change.proc) {
                    self.to_be_stopped.remove(at);
                    self.n_recycled += u64::from(change.to == State::Stopping);
                }
            }
            Action::RunTask { task, timeout_ms } => self.begins(now, *task, *timeout_ms),
            Action::EndTask(task) => {
                let life = self.lives.get_mut(&task.proc.slot).expect("somebody was asked");
                // It may have ended at this very instant.
                life.open.remove(&task.kind);
            }
            _ => {}
        }
    }

    fn begins(&mut self, now: Mono, task: TaskRef, timeout_ms: i64) {
        self.n_runs += 1;
        let probe = self.probe(task.proc.slot, task.kind).expect("only what has a check is asked").clone();
        let life = self.lives.get_mut(&task.proc.slot).expect("somebody lives there");
        assert_eq!(life.proc, task.proc, "a run for another life");
        assert!(life.is_up && !life.ends, "{task:?} begins although its process is being stopped");
        assert!(!life.open.contains_key(&task.kind), "two of {:?} at once", task.kind);
        assert_eq!(timeout_ms, probe.timeout_ms);
        let due = match life.last.get(&task.kind) {
            None => life.forked.expect("it was forked").plus_ms(probe.initial_delay_ms),
            Some((begun, ended)) => {
                // Until it has passed once it is asked every second, where the period is longer.
                let fails = life.readiness.last == Some(false) && !life.readiness.ever;
                let is_quick = task.kind == TaskKind::Readiness && fails;
                let period_ms = if is_quick { probe.period_ms.min(1_000) } else { probe.period_ms };
                begun.plus_ms(period_ms).max(*ended)
            }
        };
        assert_eq!(now, due, "{task:?} does not begin when it should");
        let (ms, _) = self.answers.borrow()[&task];
        let ms = i64::try_from(ms).expect("small").min(timeout_ms);
        life.open.insert(task.kind, (task, now, now.plus_ms(ms)));
    }

    /// Nothing more happens at this instant: what is shown has to be what the model says.
    fn compare(&mut self, moment: &Moment, stopping: bool) {
        let (now, _, infos) = moment;
        if !stopping {
            assert!(
                self.to_be_stopped.is_empty(),
                "liveness failed and nothing followed: {:?}",
                self.to_be_stopped
            );
        }
        self.to_be_stopped.clear();
        for (slot, program) in (0u32..).zip(self.config.processes()) {
            let info = infos.iter().find(|i| i.name == program.name).expect("it is shown");
            let Some(life) = self.lives.get(&slot).filter(|_| info.state == State::Running) else {
                assert!(
                    !info.ready || info.state == State::Exited,
                    "{} is ready in {:?}",
                    info.name,
                    info.state
                );
                continue;
            };
            let passes = match program.native.readiness.as_ref().map(|p| &p.how) {
                None => true,
                Some(ProbeKind::Notify) => life.says_ready,
                Some(_) => life.readiness.value,
            };
            let want = passes && !life.reloads && !life.ends;
            assert_eq!(info.ready, want, "{} at {now:?}: {}", info.name, info.note);
            self.n_ready += u64::from(want);
            self.n_unready += u64::from(!want);
        }
    }

    fn told(&mut self, proc: ProcRef, what: &Told) {
        let has_checks =
            [TaskKind::Readiness, TaskKind::Liveness].iter().any(|k| self.probe(proc.slot, *k).is_some());
        if !has_checks {
            return;
        }
        let Some(life) = self.lives.get_mut(&proc.slot).filter(|l| l.proc == proc && l.is_up) else { return };
        if life.forked.is_none() || life.ends {
            return;
        }
        match what {
            Told::Ready => (life.says_ready, life.reloads) = (true, false),
            Told::Reloading => life.reloads = true,
            Told::Ending => life.ends = true,
            _ => {}
        }
    }
}

fn probe(rng: &mut Rng, may_notify: bool) -> Option<Box<Probe>> {
    let how = match rng.below(if may_notify { 4 } else { 3 }) {
        0 => return None,
        3 => ProbeKind::Notify,
        _ => ProbeKind::Tcp { address: "127.0.0.1:1".into() },
    };
    Some(Box::new(Probe {
        how,
        period_ms: rng.pick(&[30, 100, 1_000, 10_000]),
        timeout_ms: rng.pick(&[50, 1_000, 1_000, 15_000]),
        initial_delay_ms: rng.pick(&[0, 0, 500, 3_000]),
        success_threshold: if may_notify { rng.pick(&[1, 1, 2, 3]) } else { 1 },
        failure_threshold: rng.pick(&[1, 2, 3, 3]),
    }))
}

fn config(rng: &mut Rng) -> Config {
    let n = 1 + rng.below(3);
    let groups = (0..n).map(|n| {
        configs::single(&format!("p{n}"), |p| {
            p.native.readiness = probe(rng, true);
            p.native.liveness = probe(rng, false);
            p.startsecs_ms = rng.pick(&[0, 1_000]);
            p.stopwaitsecs_ms = rng.pick(&[100, 1_000]);
            p.startretries = 1_000;
        })
    });
    configs::config(groups.collect())
}

/// A long or a short life that begins well.
fn script(rng: &mut Rng) -> Script {
    match rng.below(4) {
        0 => Script::brief(rng.pick(&[5, 900, 1_500, 7_000]), rng.pick(&[0, 1])),
        1 => Script { on_stop_ms: None, ..Script::good(0) },
        _ => Script::good(rng.pick(&[0, 30])),
    }
}

fn answers(rng: &mut Rng, answers: &Answers) -> TaskDirector {
    // Some programs fail now and then, some nearly always.
    let (failing, answers) = (rng.pick(&[0, 10, 40, 90]), Rc::clone(answers));
    Box::new(move |rng, task| {
        let ms = rng.pick(&[0, 1, 20, 300, 2_000, 20_000]);
        let passes = !rng.percent(failing);
        let end = match (passes, rng.below(3)) {
            (true, _) => TaskEnd::Exited { status: ExitStatus::Code(0), said: String::new() },
            (false, 0) => TaskEnd::NotStarted("cannot fork".into()),
            (false, 1) => {
                let status = ExitStatus::Signal { signal: Signal(11), core: false };
                TaskEnd::Exited { status, said: String::new() }
            }
            (false, _) => TaskEnd::Exited { status: ExitStatus::Code(1), said: "no".into() },
        };
        let ms = if matches!(end, TaskEnd::NotStarted(_)) { 0 } else { ms };
        answers.borrow_mut().insert(task, (ms, passes));
        (ms, end)
    })
}

/// The life of a slot that is spawned at present.
fn present(history: &[Moment], slot: u32) -> Option<ProcRef> {
    let actions = history.iter().rev().flat_map(|(_, actions, _)| actions.iter().rev());
    let spawns = actions.filter_map(|a| if let Action::Spawn(proc) = a { Some(*proc) } else { None });
    spawns.into_iter().find(|proc| proc.slot == slot)
}

fn one_run(seed: u64) -> [u64; 4] {
    let mut rng = Rng::new(seed ^ 0x9B0B);
    let config = config(&mut rng);
    let n_slots = config.processes().count() as u64;
    let given: Answers = Rc::default();
    let mut world = World::new(&config, seed, Box::new(|rng, _| script(rng)));
    world.history = Some(Vec::new());
    world.wall_jumps_ms = 0;
    world.task_director = answers(&mut rng, &given);
    world.feed(Input::Boot);
    let mut told = BTreeMap::new();
    for _ in 0..rng.below(40) {
        let pause = rng.pick(&[1, 50, 999, 3_000, 20_000]);
        world.run_until(world.now.mono.plus_ms(pause));
        world.answer();
        let slot = u32::try_from(rng.below(n_slots)).expect("small");
        let name = format!("p{slot}");
        let target = Target::Process { group: name.clone(), name };
        match rng.below(8) {
            0 => drop(world.command(Command::Stop { target, wait: false })),
            1 | 2 => drop(world.command(Command::Start { target, wait: false })),
            3..=6 => {
                let history = world.history.as_ref().expect("it is kept");
                let Some(proc) = present(history, slot) else { continue };
                let what = rng.pick(&[
                    Told::Ready,
                    Told::Ready,
                    Told::Ready,
                    Told::Reloading,
                    Told::Ending,
                    Told::Alive,
                ]);
                told.insert(history.len(), (proc, what.clone()));
                world.feed(Input::Told { proc, what });
            }
            _ => {}
        }
    }
    let n_before_the_end = world.history.as_ref().map_or(0, Vec::len);
    world.finish();
    let history = world.history.take().expect("it was kept");
    let mut model = Model {
        config: &config,
        answers: given,
        lives: BTreeMap::new(),
        told,
        n_runs: 0,
        n_ready: 0,
        n_unready: 0,
        n_recycled: 0,
        to_be_stopped: Vec::new(),
    };
    for (n, moment) in history.iter().enumerate() {
        let (now, actions, infos) = moment;
        // What had ended before this step, or ends with it. A death at the same instant may have come first.
        model.answers_until(*now);
        if let Some((proc, what)) = model.told.get(&n).cloned() {
            model.told(proc, &what);
        }
        for (slot, program) in (0u32..).zip(config.processes()) {
            let has_pid = infos.iter().any(|i| i.name == program.name && i.pid > 0);
            if let Some(life) = model.lives.get_mut(&slot).filter(|l| l.forked.is_none() && has_pid) {
                life.forked = Some(*now);
            }
        }
        actions.iter().for_each(|action| model.action(*now, action));
        for task in
            actions.iter().filter_map(|a| if let Action::EndTask(task) = a { Some(task) } else { None })
        {
            let life = &model.lives[&task.proc.slot];
            let is_over = life.proc != task.proc || !life.is_up || life.ends;
            assert!(is_over, "{task:?} was cancelled while its process lives");
        }
        if history.get(n + 1).is_none_or(|next| next.0 > *now) {
            model.compare(moment, n >= n_before_the_end);
        }
    }
    [model.n_runs, model.n_ready, model.n_unready, model.n_recycled]
}

#[test]
fn checks_mean_what_kubernetes_means_by_them() {
    if let Some(seed) = number("SEED") {
        one_run(seed);
        return;
    }
    let mut seen = [0; 4];
    for seed in 0..number("SIM_RUNS").unwrap_or(DEFAULT_RUNS) {
        let result = std::panic::catch_unwind(|| one_run(seed));
        let counts = result.unwrap_or_else(|_| panic!("SEED={seed} replays it"));
        seen.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
    }
    let [runs, ready, unready, recycled] = seen;
    assert!(runs > 10_000 && ready > 1_000 && unready > 1_000 && recycled > 100, "too tame: {seen:?}");
}
