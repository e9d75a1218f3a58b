//! Programs that wait for others.

use super::*;
use crate::config::model::{Condition, Dependency, Milestone, Waits};

/// A group of one program that waits for the given ones, by `(place in order, urgency)`.
fn waiting(name: &str, place: (u32, i64), depends: &[(&str, &[Milestone])]) -> Group {
    let mut own = program(name, name);
    own.autostart = false;
    own.startsecs_ms = 1_000;
    own.startretries = 0;
    own.autorestart = Autorestart::Never;
    let depends = depends.iter().map(|(target, states)| Dependency {
        target: (*target).into(),
        condition: Condition::Reached(states.to_vec()),
    });
    own.waits = Some(Box::new(Waits {
        depends: depends.collect(),
        urgency: place.1,
        rank: place.0,
        inherits: false,
    }));
    group(name, 999, vec![own])
}

const RUNNING: &[Milestone] = &[Milestone::Running];
const ENDED: &[Milestone] = &[Milestone::Exited, Milestone::Fatal];

#[test]
fn a_chain_starts_link_by_link() {
    let config = config(vec![
        waiting("a", (0, 1), &[]),
        waiting("b", (1, 1), &[("a", RUNNING)]),
        waiting("c", (2, 1), &[("b", ENDED), ("a", RUNNING)]),
    ]);
    let mut rig = Rig::booted(&config);
    assert_eq!(rig.spawns(), ["a"]);
    assert_eq!(
        rig.logs(),
        ["INFO waiting: 'b' for a RUNNING", "INFO waiting: 'c' for b EXITED or FATAL, a RUNNING"]
    );
    rig.spawn_ok(0, 100);
    assert!(rig.spawns().is_empty(), "STARTING is not RUNNING");
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["b"]);
    rig.spawn_ok(1, 101);
    rig.pass_ms(1_001);
    assert!(rig.spawns().is_empty());
    // What was reached stays reached.
    rig.exits(0, 0);
    assert!(rig.spawns().is_empty(), "a has been RUNNING once");
    rig.exits(1, 0);
    assert_eq!(rig.spawns(), ["c"]);
}

#[test]
fn a_failure_for_good_counts_where_it_is_asked_for_and_else_stops_the_chain() {
    let config = config(vec![
        waiting("a", (0, 1), &[]),
        waiting("b", (1, 1), &[("a", RUNNING)]),
        waiting("c", (2, 1), &[("a", ENDED)]),
    ]);
    let mut rig = Rig::booted(&config);
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "no");
    assert_eq!(rig.state(0), State::Fatal);
    assert_eq!(rig.spawns(), ["c"]);
    assert_eq!(rig.state(1), State::Stopped);
}

#[test]
fn the_first_goes_by_the_chain_and_the_others_by_urgency() {
    let all =
        [("a", (0, i64::MAX)), ("b", (1, 5)), ("c", (2, 1))].map(|(name, place)| waiting(name, place, &[]));
    assert_eq!(Rig::booted(&config(all.into())).spawns(), ["a", "c", "b"]);
}

#[test]
fn all_processes_of_a_program_must_have_been_in_the_same_state() {
    let mut workers = group("w", 999, vec![program("w", "w_0"), program("w", "w_1")]);
    workers.programs.iter_mut().for_each(|p| p.program = "w".into());
    let config =
        config(vec![workers, waiting("z", (0, 1), &[("w", &[Milestone::Running, Milestone::Fatal])])]);
    let mut rig = Rig::booted(&config);
    rig.spawn_ok(0, 100);
    rig.pass_ms(1_001);
    assert!(rig.spawns().is_empty(), "{:?}", rig.spawns());
    rig.spawn_ok(1, 101);
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["z"]);
}

#[test]
fn who_is_stopped_before_it_was_running_is_started_again_and_later_no_more() {
    let mut rig = Rig::booted(&config(vec![waiting("web", (0, 1), &[])]));
    rig.spawn_ok(0, 100);
    rig.stop(false);
    rig.ends(0, TERMINATED);
    assert_eq!(rig.state(0), State::Starting);
    rig.spawn_ok(0, 101);
    rig.pass_ms(1_001);
    rig.stop(false);
    rig.ends(0, TERMINATED);
    assert_eq!(rig.state(0), State::Stopped);
}

#[test]
fn nothing_is_started_once_everything_is_being_stopped() {
    let config = config(vec![waiting("a", (0, 1), &[]), waiting("b", (1, 1), &[("a", ENDED)])]);
    let mut rig = Rig::booted(&config);
    rig.spawn_ok(0, 100);
    rig.pass_ms(1_001);
    rig.step(Input::Shutdown { signal: Signal::TERM });
    rig.ends(0, TERMINATED);
    assert!(rig.spawns().is_empty() && rig.state(1) == State::Stopped);
}

#[test]
fn a_program_that_moves_into_a_group_keeps_others_waiting_until_it_runs() {
    let config = config(vec![waiting("a", (0, 1), &[]), waiting("b", (1, 1), &[("a", RUNNING)])]);
    let mut rig = Rig::booted(&config);
    rig.spawn_ok(0, 100);
    rig.step(Input::Retire { slots: vec![0] });
    rig.exits(0, 0);
    assert!(rig.spawns().is_empty(), "that nobody is there is not that it runs");
    let mut moved = waiting("a", (0, 1), &[]);
    moved.name = "g".into();
    rig.step(Input::Add { group: std::rc::Rc::new(moved), members: vec![(0, 0)] });
    assert_eq!(rig.spawns(), ["a"]);
    rig.spawn_ok(0, 101);
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["b"]);
}

#[test]
fn who_waits_and_is_removed_and_added_again_waits_again() {
    let group = || waiting("b", (1, 1), &[("a", RUNNING)]);
    let config = config(vec![waiting("a", (0, 1), &[]), group()]);
    let mut rig = Rig::booted(&config);
    rig.spawn_ok(0, 100);
    rig.step(Input::Retire { slots: vec![1] });
    rig.step(Input::Add { group: std::rc::Rc::new(group()), members: vec![(1, 0)] });
    assert!(rig.spawns().is_empty());
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["b"]);
    // One that comes when what it waits for was reached long ago.
    rig.spawn_ok(1, 101);
    let late = waiting("c", (2, 1), &[("a", RUNNING)]);
    rig.step(Input::Add { group: std::rc::Rc::new(late), members: vec![(2, 0)] });
    assert_eq!(rig.spawns(), ["c"]);
}
