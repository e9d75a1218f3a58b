//! Random configurations, children and operators; every invariant after every step.

use crate::checker::{Checker, allowed};
use crate::configs;
use crate::rng::Rng;
use crate::script::Script;
use crate::world::World;
use mainstay::config::model::Config;
use mainstay::control::{Command, State, Target};
use mainstay::engine::input::Input;
use mainstay::types::{Mono, Signal};
use std::collections::BTreeSet;

const DEFAULT_RUNS: u64 = 10_000;

fn number(name: &str) -> Option<u64> {
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
        2..=44 => Command::Start { target: random_target(rng, config), wait },
        45..=84 => Command::Stop { target: random_target(rng, config), wait },
        _ => Command::Signal {
            target: random_target(rng, config),
            signal: rng.pick(&[Signal::HUP, Signal::USR1, Signal::KILL]),
        },
    }
}

fn one_run(seed: u64) -> Checker {
    let (mut world, config) = played(seed, |_| ());
    std::mem::replace(&mut world.checker, Checker::new(&config))
}

/// A random run to its end, in a world that was changed before it began.
pub(crate) fn played(seed: u64, change: impl FnOnce(&mut World)) -> (World, Config) {
    let mut rng = Rng::new(seed ^ 0xABCD);
    let config = configs::random(&mut rng);
    let mut world = World::new(&config, seed, Box::new(|rng, _| Script::random(rng)));
    world.rough = true;
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
            0 => world.feed(Input::Shutdown { signal: rng.pick(&[Signal::TERM, Signal::INT, Signal::QUIT]) }),
            1 => world.feed(Input::Restart { signal: Signal::HUP }),
            2..=9 => world.feed(Input::Deadline),
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
    for seed in 0..1_000 {
        let checker = one_run(seed);
        changes.extend(checker.seen_changes);
        faults.extend(checker.seen_faults);
    }
    for from in State::ALL {
        for to in State::ALL {
            assert_eq!(changes.contains(&(from, to)), allowed(from, to, true), "{from:?} -> {to:?}");
        }
    }
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
