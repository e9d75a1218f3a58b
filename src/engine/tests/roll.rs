//! Programs that come, go and change while everything runs.

use super::*;
use crate::engine::input::Change;
use std::rc::Rc;

fn added(rig: &mut Rig, group: Group, slots: &[u32]) {
    let members = slots.iter().copied().zip(0..).collect();
    rig.step(Input::Add { group: Rc::new(group), members });
}

fn changed(rig: &mut Rig, restart: bool, change: impl FnOnce(&mut Program)) {
    let mut web = program("web", "web");
    change(&mut web);
    let group = Rc::new(group("web", 999, vec![web]));
    rig.step(Input::Change(vec![Change { slot: 0, group, member: 0, restart }]));
}

fn told(rig: &Rig) -> Vec<String> {
    let told = rig.out.iter().filter_map(|a| match a {
        Action::Vacated(slot) => Some(format!("vacated {slot}")),
        Action::Renewed(slot) => Some(format!("renewed {slot}")),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_group_that_is_added_starts_what_starts_by_itself() {
    let mut rig = Rig::running(&one(|_| ()));
    let mut quiet = program("db", "quiet");
    quiet.autostart = false;
    added(&mut rig, group("db", 5, vec![program("db", "pg"), quiet]), &[1, 2]);
    assert_eq!(rig.spawns(), ["pg"]);
    assert_eq!(rig.engine.slot_of("db", "quiet"), Some(2));
    assert_eq!(rig.engine.shown_order(), [1, 2, 0], "by group, then name");
    rig.spawn_ok(1, 101);
    rig.step(Input::Shutdown { signal: Signal::TERM });
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)], "the lower priority is stopped later");
    rig.exits(0, 0);
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::TERM)]);
}

#[test]
fn before_boot_nothing_is_started_twice() {
    let mut rig = Rig::new(&one(|_| ()));
    added(&mut rig, group("db", 5, vec![program("db", "pg")]), &[1]);
    assert_eq!(rig.spawns(), [""; 0]);
    rig.step(Input::Boot);
    assert_eq!(rig.spawns(), ["web", "pg"]);
}

#[test]
fn a_slot_that_is_taken_is_not_given_away() {
    let mut rig = Rig::running(&one(|_| ()));
    added(&mut rig, group("db", 5, vec![program("db", "pg")]), &[0]);
    added(&mut rig, group("db", 5, vec![program("db", "pg")]), &[7]);
    assert_eq!((rig.bugs(), rig.engine.slot_of("db", "pg")), (1, None));
    assert_eq!(rig.state(0), State::Running);
}

#[test]
fn what_is_retired_is_stopped_first_and_then_forgotten() {
    let mut rig = Rig::running(&one(|_| ()));
    let waiting = rig.command(Command::Stop { target: web(), wait: true });
    rig.step(Input::Retire { slots: vec![0] });
    assert_eq!(told(&rig), [""; 0]);
    rig.exits(0, 0);
    assert_eq!(told(&rig), ["vacated 0"]);
    assert_eq!(rig.replies(), [(waiting, Outcome::Done)], "whoever waited for the stop is told of it");
    assert_eq!((rig.engine.slot_of("web", "web"), rig.engine.process_infos(rig.now).len()), (None, 0));
    assert_eq!(rig.start(false).0, 2);
    assert_eq!(rig.fault(), "BAD_NAME: web");
    assert_eq!(rig.engine.next_deadline(), None);
}

#[test]
fn what_waits_for_its_next_try_is_retired_at_once() {
    let mut rig = Rig::spawned(&one(|_| ()));
    rig.exits(0, 1);
    assert_eq!(rig.state(0), State::Backoff);
    rig.step(Input::Retire { slots: vec![0] });
    assert_eq!(told(&rig), ["vacated 0"]);
}

#[test]
fn news_of_whoever_had_the_slot_before_means_nothing_to_the_next() {
    let mut rig = Rig::running(&one(|_| ()));
    let old = rig.proc(0);
    rig.step(Input::Retire { slots: vec![0] });
    rig.exits(0, 0);
    added(&mut rig, group("db", 5, vec![program("db", "pg")]), &[0]);
    assert_eq!(rig.spawns(), ["pg"]);
    rig.spawn_ok(0, 200);
    rig.step(Input::Exited { proc: old, status: TERMINATED });
    rig.step(Input::GroupChecked { proc: old, alive: false });
    assert_eq!((rig.bugs(), rig.state(0)), (0, State::Starting));
    let info = &rig.engine.process_infos(rig.now)[0];
    assert_eq!((info.stats.starts, info.last_exit), (1, None), "nothing is inherited");
}

#[test]
fn a_policy_applies_while_the_program_runs() {
    let mut rig = Rig::running(&one(|_| ()));
    changed(&mut rig, false, |p| {
        p.stopsignal = Signal::QUIT;
        p.autorestart = Autorestart::Never;
    });
    assert_eq!((told(&rig), rig.changes().len()), (vec!["renewed 0".to_owned()], 0));
    rig.stop(false);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::QUIT)]);
}

#[test]
fn a_restart_stops_as_it_was_started_and_starts_as_it_is() {
    let mut rig = Rig::running(&one(|p| p.stopsignal = Signal::INT));
    changed(&mut rig, true, |p| p.stopsignal = Signal::QUIT);
    assert_eq!((rig.kills(), told(&rig).len()), (vec![(100, Scope::Process, Signal::INT)], 0));
    rig.exits(0, 0);
    assert_eq!(told(&rig), ["renewed 0"]);
    assert_eq!(rig.spawns(), ["web"]);
    let renewed = rig.out.iter().position(|a| matches!(a, Action::Renewed(_)));
    let spawned = rig.out.iter().position(|a| matches!(a, Action::Spawn(_)));
    assert!(renewed < spawned, "the shell has to know what it starts");
    rig.spawn_ok(0, 101);
    rig.pass_ms(1_001);
    rig.stop(false);
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::QUIT)]);
}

#[test]
fn a_later_change_replaces_one_that_waits() {
    let mut rig = Rig::running(&one(|_| ()));
    changed(&mut rig, true, |p| p.stopsignal = Signal::QUIT);
    changed(&mut rig, true, |p| p.stopsignal = Signal::HUP);
    rig.exits(0, 0);
    assert_eq!((told(&rig).len(), rig.spawns().len()), (1, 1));
    rig.spawn_ok(0, 101);
    rig.stop(false);
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::HUP)]);
}

#[test]
fn a_change_starts_what_failed_and_not_what_an_operator_has_stopped() {
    let mut rig = Rig::running(&one(|_| ()));
    rig.stop(false);
    rig.exits(0, 0);
    changed(&mut rig, true, |_| ());
    assert_eq!((told(&rig), rig.spawns().len()), (vec!["renewed 0".to_owned()], 0));

    let mut rig = Rig::booted(&one(|p| p.startretries = 0));
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    assert_eq!(rig.state(0), State::Fatal);
    changed(&mut rig, true, |_| ());
    assert_eq!(rig.spawns(), ["web"], "it may have been mended");

    let mut rig = Rig::booted(&one(|p| p.autostart = false));
    changed(&mut rig, true, |_| ());
    assert_eq!(rig.spawns(), ["web"], "it starts by itself now");
}

#[test]
fn what_an_operator_takes_away_has_not_ended() {
    let mut config = one(|_| ());
    config.supervisor.exit_when_all_exited = true;
    config.groups.push(group("job", 999, vec![program("job", "job")]));
    let mut rig = Rig::booted(&config);
    rig.spawn_ok(0, 100);
    rig.spawn_ok(1, 101);
    rig.pass_ms(1_001);
    rig.exits(1, 0);
    rig.step(Input::Retire { slots: vec![0] });
    rig.exits(0, 0);
    assert!(!rig.engine.is_stopping(), "nothing is left, by an operator's will");
    added(&mut rig, group("new", 5, vec![program("new", "new")]), &[0]);
    rig.spawn_ok(0, 102);
    rig.pass_ms(1_001);
    rig.exits(0, 0);
    assert!(rig.engine.is_stopping(), "now everything has ended by itself");
}

#[test]
fn the_code_of_what_was_taken_away_is_not_that_of_all() {
    let mut config = one(|_| ());
    config.supervisor.exit_when_all_exited = true;
    let mut rig = Rig::running(&config);
    added(&mut rig, group("new", 5, vec![program("new", "new")]), &[1]);
    rig.spawn_ok(1, 101);
    rig.step(Input::Retire { slots: vec![0] });
    rig.exits(0, 7);
    rig.pass_ms(1_001);
    rig.exits(1, 0);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}

#[test]
fn nobody_comes_or_goes_while_everything_is_being_stopped() {
    let mut rig = Rig::running(&one(|_| ()));
    rig.step(Input::Retire { slots: vec![0] });
    rig.step(Input::Shutdown { signal: Signal::TERM });
    added(&mut rig, group("db", 5, vec![program("db", "pg")]), &[1]);
    changed(&mut rig, true, |_| ());
    rig.exits(0, 0);
    assert_eq!((told(&rig).len(), rig.spawns().len(), rig.bugs()), (0, 0, 0));
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}

#[test]
fn who_stops_what_is_being_restarted_keeps_it_stopped() {
    let mut rig = Rig::running(&one(|_| ()));
    changed(&mut rig, true, |_| ());
    rig.stop(false);
    assert_eq!(rig.fault(), "NOT_RUNNING: web");
    rig.exits(0, 0);
    assert_eq!((told(&rig), rig.spawns().len()), (vec!["renewed 0".to_owned()], 0));
}
