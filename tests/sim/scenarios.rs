//! Directed scenarios: one property each, over many instants or configurations.

use crate::configs::{config, group, program, random, single};
use crate::rng::Rng;
use crate::script::{Birth, Members, Script};
use crate::world::World;
use mainstay::config::model::{Autorestart, Backoff, Config};
use mainstay::control::{Command, State, Target};
use mainstay::engine::action::{Leave, Scope};
use mainstay::engine::input::{Input, SpawnErrorKind};
use mainstay::types::{Mono, ProcRef, Signal};

fn good(_: &mut Rng, _: ProcRef) -> Script {
    Script::good(5)
}

fn later(world: &World, ms: u64) -> Mono {
    Mono(world.now.mono.0 + ms * 1_000_000)
}

/// One of everything that can go on in the first two seconds.
fn zoo() -> Config {
    config(vec![
        single("good", |p| p.startsecs_ms = 500),
        single("crasher", |p| p.startsecs_ms = 0),
        single("brief", |p| p.startretries = 1),
        single("missing", |_| {}),
        single("deaf", |p| p.stopwaitsecs_ms = 300),
        single("family", |p| {
            p.killasgroup = true;
            p.startsecs_ms = 10;
        }),
        group("low", 1, vec![program("low", "one"), program("low", "two")]),
        single("container", |p| {
            p.backoff = Backoff::CONTAINER;
            p.autorestart = Autorestart::Always;
            p.startsecs_ms = 30;
        }),
    ])
}

fn zoo_script(config: &Config) -> impl FnMut(&mut Rng, ProcRef) -> Script + use<> {
    let names: Vec<String> = config.processes().map(|p| p.name.clone()).collect();
    move |_, proc| match names[proc.slot as usize].as_str() {
        "crasher" => Script::brief(70, 1),
        "brief" => Script::brief(40, 0),
        "missing" => Script { birth: Birth::Refused(SpawnErrorKind::NoFile), ..Script::good(0) },
        "deaf" => Script { on_stop_ms: None, ..Script::good(0) },
        "family" => {
            Script { members: Some(Members { life_ms: None, on_stop_ms: None }), ..Script::brief(900, 0) }
        }
        "container" => Script::brief(60, 0),
        _ => Script::good(120),
    }
}

#[test]
fn a_term_at_any_instant_of_the_first_two_seconds_ends_cleanly() {
    for step in 0..=200 {
        let config = zoo();
        let mut world = World::new(&config, step, Box::new(zoo_script(&config)));
        world.feed(Input::Boot);
        let end = later(&world, step * 10);
        world.run_until(end);
        world.finish();
        assert_eq!(world.left, Some(Leave::Exit(0)), "TERM after {} ms", step * 10);
        assert!(world.elapsed_ms(world.now.mono) <= step * 10 + 800, "it took too long");
    }
}

#[test]
fn the_start_follows_the_configuration_whatever_it_is() {
    for seed in 0..1_000 {
        let config = random(&mut Rng::new(seed));
        let mut world = World::new(&config, seed, Box::new(good));
        world.feed(Input::Boot);
        let autostart = config.processes().enumerate().filter(|(_, p)| p.autostart);
        let want: Vec<u32> = autostart.map(|(i, _)| u32::try_from(i).expect("small")).collect();
        let mut got: Vec<u32> = world.spawned.iter().map(|(_, slot)| *slot).collect();
        // Those that wait for others come after them.
        let waits = |slot: &u32| config.processes().nth(*slot as usize).is_some_and(|p| p.waits.is_some());
        let later = got.split_off(got.iter().take_while(|slot| !waits(slot)).count());
        assert!(later.iter().all(waits), "SEED={seed}");
        assert_eq!(got, want, "SEED={seed}");
        world.finish();
    }
}

#[test]
fn start_all_goes_up_and_a_shutdown_goes_down_the_priorities() {
    for seed in 0..300 {
        let mut config = random(&mut Rng::new(seed));
        config.supervisor.exit_when_all_exited = false;
        let mut order = Vec::new();
        for g in &mut config.groups {
            for p in &mut g.programs {
                p.autostart = false;
                p.waits = None;
                p.main = false;
                p.startsecs_ms = 0;
                order.push((g.priority, p.priority));
            }
        }
        let mut world = World::new(&config, seed, Box::new(good));
        world.feed(Input::Boot);
        world.command(Command::Start { target: Target::All, wait: false });
        world.answer();
        let started: Vec<_> = world.spawned.iter().map(|(_, slot)| order[*slot as usize].0).collect();
        assert_eq!(started.len(), order.len());
        assert!(started.is_sorted(), "SEED={seed}: {started:?}");
        world.finish();
        // The first signal to each slot; escalations come later.
        let mut seen = Vec::new();
        for (at, slot, _, _) in &world.killed {
            if seen.iter().all(|(_, s)| s != slot) {
                seen.push((*at, *slot));
            }
        }
        let stopped: Vec<i64> = seen.iter().map(|(_, slot)| -order[*slot as usize].0).collect();
        assert_eq!(stopped.len(), order.len());
        assert!(stopped.is_sorted(), "SEED={seed}: {stopped:?}");
        for pair in seen.windows(2) {
            let (a, b) = (order[pair[0].1 as usize].0, order[pair[1].1 as usize].0);
            assert!(a != b || pair[0].0 == pair[1].0, "SEED={seed}: equal priorities go together");
        }
    }
}

fn spawn_times(
    change: impl FnOnce(&mut mainstay::config::model::Program),
    script: Script,
    ms: u64,
) -> Vec<u64> {
    let config = config(vec![single("web", change)]);
    let mut world = World::new(&config, 1, Box::new(move |_, _| script.clone()));
    world.feed(Input::Boot);
    let end = later(&world, ms);
    world.run_until(end);
    let times = world.spawned.iter().map(|(at, _)| world.elapsed_ms(*at)).collect();
    world.finish();
    times
}

#[test]
fn linear_backoff_comes_at_exact_times_and_gives_up() {
    let times = spawn_times(|p| p.startretries = 4, Script::brief(100, 1), 60_000);
    assert_eq!(times, [0, 1_100, 3_200, 6_300, 10_400]);
}

#[test]
fn exponential_backoff_comes_at_exact_times_and_does_not_give_up() {
    let slow = Backoff::Exponential {
        initial_ms: 1_000,
        factor_percent: 200,
        max_ms: 6_000,
        jitter_percent: 0,
        reset_after_ms: 60_000,
    };
    let times = spawn_times(
        |p| {
            p.backoff = slow;
            p.startsecs_ms = 50;
            p.startretries = 0;
        },
        Script::brief(100, 1),
        30_000,
    );
    assert_eq!(times, [0, 1_100, 3_200, 7_300, 13_400, 19_500, 25_600]);
}

#[test]
fn a_crash_without_backoff_is_restarted_in_the_same_instant() {
    let times = spawn_times(|p| p.startsecs_ms = 50, Script::brief(100, 1), 450);
    assert_eq!(times, [0, 100, 200, 300, 400]);
}

#[test]
fn a_deaf_family_is_killed_to_the_last_member() {
    for (stopasgroup, kill_ms) in [(false, 20), (true, 300)] {
        let family = config(vec![single("family", |p| {
            p.stopasgroup = stopasgroup;
            p.killasgroup = true;
            p.stopwaitsecs_ms = 300;
        })]);
        let script =
            Script { members: Some(Members { life_ms: None, on_stop_ms: None }), ..Script::good(20) };
        let mut world = World::new(&family, 1, Box::new(move |_, _| script.clone()));
        world.feed(Input::Boot);
        world.answer();
        world.finish();
        let group_kills: Vec<u64> = world
            .killed
            .iter()
            .filter(|(_, _, scope, signal)| *scope == Scope::Group && *signal == Signal::KILL)
            .map(|(at, ..)| world.elapsed_ms(*at))
            .collect();
        assert_eq!(group_kills, [kill_ms]);
    }
}

#[test]
fn a_flood_of_commands_is_answered_one_by_one() {
    let config = zoo();
    let mut world = World::new(&config, 3, Box::new(zoo_script(&config)));
    world.feed(Input::Boot);
    for round in 0..200 {
        for wait in [true, false] {
            world.command(Command::Start { target: Target::All, wait });
            world.command(Command::Stop { target: Target::Group("low".into()), wait });
            world.command(Command::Stop { target: Target::All, wait });
            world.command(Command::Signal { target: Target::All, signal: Signal::USR1 });
        }
        let end = later(&world, round % 40);
        world.run_until(end);
    }
    world.finish();
    assert_eq!(world.replies.len(), 1_600);
}

#[test]
fn ten_thousand_slots_start_and_stop() {
    let groups = (0..100).map(|g| {
        let name = format!("g{g:03}");
        let programs = (0..100).map(|p| program(&name, &format!("p{p:02}"))).collect();
        group(&name, g % 3, programs)
    });
    let config = config(groups.collect());
    let mut engine = mainstay::engine::Engine::new(&config, 1);
    let mut now = mainstay::types::Now::default();
    let mut out = Vec::new();
    engine.step(now, Input::Boot, &mut out);
    for slot in 0..10_000u32 {
        let proc = ProcRef { slot, incarnation: 1 };
        let pid = mainstay::types::Pid(i32::try_from(slot + 2).expect("small"));
        engine.step(now, Input::Spawned { proc, pid }, &mut out);
    }
    now.mono = now.mono.plus_ms(1_001);
    engine.step(now, Input::Deadline, &mut out);
    assert!((0..10_000).all(|slot| engine.state(slot) == State::Running));
    assert_eq!(engine.next_deadline(), None, "idle costs no wake-up");
}
