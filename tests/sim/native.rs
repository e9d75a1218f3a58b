//! What Supervisor does not have, in simulated time: order that waits, the way down, drain and budget.

use crate::configs::{config, group, program};
use crate::rng::Rng;
use crate::script::Script;
use crate::world::{Moment, World};
use mainstay::config::model::{Autorestart, Bind, Config, DependsOn, Need, Program};
use mainstay::control::State;
use mainstay::engine::action::{Action, Leave};
use mainstay::engine::input::Input;
use mainstay::types::{Mono, ProcRef, Signal};
use std::collections::BTreeMap;

/// Programs that depend on programs before them.
fn random_order(rng: &mut Rng) -> Config {
    let n = 2 + rng.below(11);
    let mut groups = Vec::new();
    for at in 0..n {
        let name = format!("p{at:02}");
        let mut own = program(&name, &name);
        own.startsecs_ms = rng.pick(&[0, 100, 1_000]);
        own.startretries = i64::try_from(rng.below(4)).expect("small");
        own.native.oneshot = rng.percent(25);
        own.autorestart = rng.pick(&[Autorestart::Unexpected, Autorestart::Always, Autorestart::Never]);
        own.native.bind = rng.pick(&[Bind::None, Bind::None, Bind::Stop, Bind::Restart]);
        own.stopwaitsecs_ms = rng.pick(&[500, 3_000]);
        if rng.percent(20) {
            own.native.max_restarts = Some(u32::try_from(rng.below(5)).expect("small"));
            own.native.restart_window_ms = 5_000;
        }
        for other in 0..at {
            if rng.percent(30) {
                let need = rng.pick(&[Need::Started, Need::Ready, Need::Completed, Need::Ended]);
                own.native.depends_on.push(DependsOn { target: format!("p{other:02}"), need });
            }
        }
        groups.push(group(&name, rng.pick(&[1, 999]), vec![own]));
    }
    config(groups)
}

fn met(need: Need, state: State, expected: bool, oneshot: bool) -> bool {
    match need {
        Need::Started => matches!(state, State::Running | State::Exited),
        Need::Ready => (state == State::Running && !oneshot) || (state == State::Exited && expected),
        Need::Completed => state == State::Exited && expected,
        Need::Ended => matches!(state, State::Exited | State::Fatal),
    }
}

/// Walks through what was published, and holds every start and every stop of the end against the configuration.
fn check_order(config: &Config, history: &[Moment], seed: u64) -> usize {
    let programs: Vec<&Program> = config.processes().collect();
    let place: BTreeMap<&str, usize> =
        programs.iter().enumerate().map(|(n, p)| (p.name.as_str(), n)).collect();
    let mut states = vec![(State::Stopped, false); programs.len()];
    let (mut is_ending, mut n_checked) = (false, 0);
    for (_, actions, _) in history {
        for action in actions {
            is_ending |= matches!(action, Action::Stopping);
            let Action::Publish(change) = action else { continue };
            let slot = change.proc.slot as usize;
            // Retries and restarts do not wait.
            if change.to == State::Starting && change.from == State::Stopped {
                for needed in &programs[slot].native.depends_on {
                    let at = place[needed.target.as_str()];
                    let (state, expected) = states[at];
                    let is_met = met(needed.need, state, expected, programs[at].native.oneshot);
                    assert!(
                        is_met,
                        "SEED={seed}: {} starts with {needed:?} in {state:?}",
                        programs[slot].name
                    );
                    n_checked += 1;
                }
            }
            if is_ending && change.to == State::Stopping && change.from != State::Starting {
                for (n, other) in programs.iter().enumerate() {
                    if other.native.depends_on.iter().any(|d| place[d.target.as_str()] == slot) {
                        assert!(
                            states[n].0.is_stopped(),
                            "SEED={seed}: {} is stopped before {}, which needs it",
                            programs[slot].name,
                            other.name
                        );
                        n_checked += 1;
                    }
                }
            }
            states[slot] = (change.to, change.expected);
        }
    }
    n_checked
}

#[test]
fn the_order_holds_in_two_thousand_runs() {
    let mut n_checked = 0;
    for seed in 0..2_000 {
        let config = random_order(&mut Rng::new(seed));
        let mut world = World::new(&config, seed, Box::new(|rng, _| plain(rng)));
        world.history = Some(Vec::new());
        world.rough = seed % 2 == 1;
        world.feed(Input::Boot);
        let end = Mono(world.now.mono.0 + 20_000_000_000);
        world.run_until(end);
        world.finish();
        n_checked += check_order(&config, &world.history.take().expect("asked for"), seed);
    }
    assert!(n_checked > 5_000, "hardly anything was ever waited for: {n_checked}");
}

/// A child that is forked and reaps well, whatever it does otherwise.
fn plain(rng: &mut Rng) -> Script {
    loop {
        let script = Script::random(rng);
        if !script.untouchable {
            return script;
        }
    }
}

/// A database, its migration, two that need both, a deaf one; drained before the end, all within a budget.
fn container() -> Config {
    let on = |target: &str, need| DependsOn { target: target.into(), need };
    let mut db = program("db", "db");
    db.startsecs_ms = 300;
    let mut migrate = program("migrate", "migrate");
    migrate.native.oneshot = true;
    migrate.native.depends_on = vec![on("db", Need::Ready)];
    let mut web = program("web", "web");
    web.native.depends_on = vec![on("db", Need::Ready), on("migrate", Need::Completed)];
    web.native.bind = Bind::Stop;
    let mut deaf = program("deaf", "deaf");
    deaf.native.depends_on = vec![on("web", Need::Started)];
    deaf.stopwaitsecs_ms = 60_000;
    let groups = [db, migrate, web, deaf].map(|p| group(&p.group.clone(), 999, vec![p]));
    let mut config = config(groups.into());
    config.supervisor.drain_delay_ms = 250;
    config.supervisor.shutdown_timeout_ms = Some(3_000);
    config
}

fn container_script(config: &Config) -> impl FnMut(&mut Rng, ProcRef) -> Script + use<> {
    let names: Vec<String> = config.processes().map(|p| p.name.clone()).collect();
    move |rng, proc| match names[proc.slot as usize].as_str() {
        "migrate" => Script::brief(150, 0),
        "deaf" => Script { on_stop_ms: None, ..Script::good(0) },
        _ => Script::good(rng.below(100)),
    }
}

#[test]
fn a_term_at_every_10_ms_of_the_first_2_s_ends_within_the_budget() {
    for step in 0..=200 {
        let config = container();
        let mut world = World::new(&config, step, Box::new(container_script(&config)));
        world.history = Some(Vec::new());
        world.feed(Input::Boot);
        let asked = Mono(world.now.mono.0 + step * 10_000_000);
        world.run_until(asked);
        world.finish();
        assert_eq!(world.left, Some(Leave::Exit(0)), "TERM after {} ms", step * 10);
        let took = world.elapsed_ms(world.now.mono) - step * 10;
        assert!((250..3_000).contains(&took), "TERM after {} ms took {took} ms", step * 10);
        check_order(&config, &world.history.take().expect("asked for"), step);
    }
}

#[test]
fn a_second_term_at_any_time_only_makes_it_shorter() {
    for step in 0..=60 {
        let config = container();
        let mut world = World::new(&config, step, Box::new(container_script(&config)));
        world.feed(Input::Boot);
        let start = world.now.mono;
        world.run_until(Mono(start.0 + 2_500_000_000));
        world.feed(Input::Shutdown { signal: Signal::TERM });
        world.run_until(Mono(start.0 + 2_500_000_000 + step * 10_000_000));
        if world.left.is_none() {
            world.feed(Input::Shutdown { signal: Signal::TERM });
        }
        world.finish();
        assert!(world.elapsed_ms(world.now.mono) < 2_500 + 3_000);
    }
}
