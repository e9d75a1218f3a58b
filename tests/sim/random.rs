//! Random configurations, children and operators; every invariant after every step.

use crate::checker::{Checker, allowed, allowed_to_natives};
use crate::configs;
use crate::rng::Rng;
use crate::script::Script;
use crate::world::{Place, World};
use mainstay::config::model::{Autorestart, Backoff, Config, Program};
use mainstay::control::{Command, State, Target};
use mainstay::engine::input::{Change, Input, TaskEnd, TaskKind, TaskRef};
use mainstay::types::{ExitStatus, Mono, Signal};
use std::collections::BTreeSet;
use std::rc::Rc;

const DEFAULT_RUNS: u64 = 10_000;

pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

fn random_target(rng: &mut Rng, config: &Config) -> Target {
    let nobody = Target::Process { group: "no".into(), name: "body".into() };
    if config.groups.is_empty() || rng.percent(3) {
        return rng.pick(&[nobody, Target::Group("nobody".into()), Target::All]);
    }
    let group = rng.pick(&config.groups);
    let program = rng.pick(&group.programs);
    match rng.below(10) {
        0 => Target::All,
        1 | 2 => Target::Group(group.name),
        _ => Target::Process { group: group.name, name: program.name },
    }
}

fn random_command(rng: &mut Rng, config: &Config) -> Command {
    let wait = rng.percent(60);
    match rng.below(100) {
        0 => Command::Shutdown,
        1 => Command::Restart,
        2 => Command::Drain { wait },
        3 => Command::Undrain,
        4..=44 => Command::Start { target: random_target(rng, config), wait },
        45..=84 => Command::Stop { target: random_target(rng, config), wait },
        _ => Command::Signal {
            target: random_target(rng, config),
            signal: rng.pick(&[Signal::HUP, Signal::USR1, Signal::KILL]),
        },
    }
}

/// A program comes, goes, or is configured otherwise.
fn random_change(rng: &mut Rng, roster: &[Option<Place>]) -> Option<Input> {
    let present: Vec<u32> = (0u32..).zip(roster).filter(|(_, p)| p.is_some()).map(|(n, _)| n).collect();
    let vacant = roster.iter().position(Option::is_none).unwrap_or(roster.len());
    match rng.below(3) {
        0 => {
            let name = format!("new{}", rng.below(1_000_000));
            let mut program = configs::program(&name, &name);
            change(rng, &mut program);
            let group = Rc::new(configs::group(&name, rng.pick(&[1, 5, 999]), vec![program]));
            Some(Input::Add { group, members: vec![(u32::try_from(vacant).expect("small"), 0)] })
        }
        _ if present.is_empty() => None,
        1 => Some(Input::Retire { slots: vec![rng.pick(&present)] }),
        _ => {
            let slot = rng.pick(&present);
            let (group, member) = roster[slot as usize].clone().expect("present");
            let mut group = (*group).clone();
            change(rng, &mut group.programs[member]);
            let restart = rng.percent(50);
            Some(Input::Change(vec![Change { slot, group: Rc::new(group), member, restart }]))
        }
    }
}

fn change(rng: &mut Rng, program: &mut Program) {
    program.autostart = rng.percent(80);
    program.startretries = rng.pick(&[0, 1, 3]);
    program.startsecs_ms = rng.pick(&[0, 500, 1_000]);
    program.stopwaitsecs_ms = rng.pick(&[0, 1_000, 10_000]);
    program.killasgroup = rng.percent(50);
    program.autorestart = rng.pick(&[Autorestart::Never, Autorestart::Always, Autorestart::Unexpected]);
    program.backoff = rng.pick(&[Backoff::Linear, Backoff::CONTAINER]);
}

/// After how long and how a task ends: mostly soon and well.
fn random_task(rng: &mut Rng, _: TaskRef) -> (u64, TaskEnd) {
    let ms = rng.pick(&[0, 0, 1, 30, 400, 2_000, 100_000]);
    let code = rng.pick(&[0, 0, 0, 1]);
    let end = TaskEnd::Exited { status: ExitStatus::Code(code), said: "x".into() };
    if rng.percent(5) { (0, TaskEnd::NotStarted("can't find command 'x'".into())) } else { (ms, end) }
}

fn one_run(seed: u64) -> Checker {
    let (mut world, config) = played(seed, |_| ());
    std::mem::replace(&mut world.checker, Checker::new(&config))
}

/// A random run to its end, in a world that was changed before it began.
pub(crate) fn played(seed: u64, change: impl FnOnce(&mut World)) -> (World, Config) {
    let mut rng = Rng::new(seed ^ 0xABCD);
    let mut config = configs::random(&mut rng);
    configs::add_hooks(&mut rng, &mut config);
    configs::add_natives(&mut rng, &mut config);
    let mut world = World::new(&config, seed, Box::new(|rng, _| Script::random(rng)));
    world.rough = true;
    world.task_director = Box::new(random_task);
    change(&mut world);
    if rng.percent(2) {
        world.command(random_command(&mut rng, &config));
    }
    world.feed(Input::Boot);
    for _ in 0..rng.below(60) {
        // Sometimes an operator is faster than the answers of the shell.
        if rng.percent(90) {
            let pause = rng.pick(&[0, 1, 10, 100, 900, 1_001, 4_000]);
            let end = Mono(world.now.mono.0 + pause * 1_000_000);
            world.run_until(end);
        }
        match rng.below(200) {
            // The configuration changes under it.
            190.. => {
                if let Some(input) = random_change(&mut rng, &world.roster) {
                    world.feed(input);
                }
            }
            0 => world.feed(Input::Shutdown { signal: rng.pick(&[Signal::TERM, Signal::INT, Signal::QUIT]) }),
            1 => world.feed(Input::Restart { signal: Signal::HUP }),
            2..=9 => world.feed(Input::Deadline),
            10..=15 => {
                let slot = u32::try_from(rng.below(12)).expect("small");
                world.feed(Input::Forward { slot, signal: rng.pick(&[Signal::HUP, Signal::USR1]) });
            }
            _ => {
                let command = random_command(&mut rng, &config);
                world.command(command);
            }
        }
    }
    world.finish();
    (world, config)
}

#[test]
fn no_random_run_breaks_an_invariant() {
    if let Some(seed) = number("SEED") {
        one_run(seed);
        return;
    }
    for seed in 0..number("SIM_RUNS").unwrap_or(DEFAULT_RUNS) {
        one_run(seed);
    }
}

#[test]
fn random_runs_reach_every_change_and_every_fault() {
    let mut changes = BTreeSet::new();
    let mut faults = BTreeSet::new();
    let mut n_changes = (0, 0);
    let mut hooks = BTreeSet::new();
    for seed in 0..1_000 {
        let checker = one_run(seed);
        changes.extend(checker.seen_changes);
        faults.extend(checker.seen_faults);
        hooks.extend(checker.seen_ends);
        n_changes = (n_changes.0 + checker.n_vacated, n_changes.1 + checker.n_renewed);
    }
    assert!(n_changes.0 > 200 && n_changes.1 > 200, "hardly anybody comes or goes: {n_changes:?}");
    for from in State::ALL {
        for to in State::ALL {
            let is_seen = changes.contains(&(from, to));
            assert!(is_seen || !allowed(from, to, true), "never {from:?} -> {to:?}");
            assert!(
                !is_seen || allowed(from, to, true) || allowed_to_natives(from, to),
                "{from:?} -> {to:?}"
            );
        }
    }
    for kind in [TaskKind::PreStart, TaskKind::PostStop, TaskKind::StopCommand] {
        for end in ["exited", "failed", "timed out", "not started"] {
            assert!(hooks.contains(&(kind, end)), "no {kind:?} that {end}");
        }
    }
    assert!(hooks.contains(&(TaskKind::PreStart, "cancelled")));
    let wanted = [
        "ABNORMAL_TERMINATION",
        "ALREADY_STARTED",
        "BAD_NAME",
        "FAILED",
        "NOT_EXECUTABLE",
        "NOT_RUNNING",
        "NO_FILE",
        "SHUTDOWN_STATE",
        "SPAWN_ERROR",
    ];
    assert_eq!(faults.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut rng = Rng::new(seed);
        let config = configs::random(&mut rng);
        let mut world = World::new(&config, seed, Box::new(|rng, _| Script::random(rng)));
        world.feed(Input::Boot);
        world.run_until(Mono(world.now.mono.0 + 60_000_000_000));
        world.finish();
        (world.spawned.clone(), world.killed.clone())
    };
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed));
    }
}
