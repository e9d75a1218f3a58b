//! Order that waits, and who follows whom.

use super::*;
use crate::config::model::{Bind, DependsOn, Need};

fn needs(mut own: Program, depends: &[(&str, Need)], bind: Bind) -> Program {
    own.native.depends_on =
        depends.iter().map(|(target, need)| DependsOn { target: (*target).into(), need: *need }).collect();
    own.native.bind = bind;
    own
}

fn alone(program: Program) -> Group {
    group(&program.group.clone(), 999, vec![program])
}

/// `db` and `web`, which needs it so far.
fn pair(need: Need, bind: Bind) -> Config {
    let web = needs(program("web", "web"), &[("db", need)], bind);
    config(vec![alone(program("db", "db")), alone(web)])
}

fn note(rig: &Rig, name: &str) -> String {
    let infos = rig.engine.process_infos(rig.now);
    infos.into_iter().find(|i| i.name == name).expect("it is there").note
}

fn process(name: &str) -> Target {
    Target::Process { group: name.into(), name: name.into() }
}

/// `db` and `web` run, as 100 and 101.
fn both_running(config: &Config) -> Rig {
    let mut rig = Rig::running(config);
    rig.spawn_ok(1, 101);
    rig.pass_ms(1_001);
    assert_eq!((rig.state(0), rig.state(1)), (State::Running, State::Running));
    rig
}

#[test]
fn it_starts_when_what_it_needs_runs() {
    let mut rig = Rig::booted(&pair(Need::Started, Bind::None));
    assert_eq!(rig.spawns(), ["db"]);
    assert_eq!(rig.logs(), ["INFO web is waiting for db (started): STARTING"]);
    rig.spawn_ok(0, 100);
    assert!(rig.spawns().is_empty());
    assert_eq!(note(&rig, "web"), "waiting for db (started): STARTING");
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["web"]);
    assert_eq!(note(&rig, "web"), "");
}

#[test]
fn what_has_to_be_completed_has_to_end_as_expected() {
    let mut rig = Rig::running(&pair(Need::Completed, Bind::None));
    assert!(rig.spawns().is_empty());
    rig.exits(0, 0);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn a_dependency_that_fails_shows_who_waits_and_why() {
    let mut config = pair(Need::Started, Bind::None);
    config.groups[0].programs[0].startretries = 0;
    let mut rig = Rig::spawned(&config);
    rig.exits(0, 3);
    assert_eq!((rig.state(0), rig.state(1)), (State::Fatal, State::Stopped));
    let reason = "waiting for db (started): FATAL: Exited too quickly (process log may have details)";
    assert_eq!(note(&rig, "web"), reason);
    assert!(rig.logs().contains(&format!("WARN web is {reason}")), "{:?}", rig.logs());
    // An operator brings it about after all.
    rig.command(Command::Start { target: process("db"), wait: false });
    rig.spawn_ok(0, 102);
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn who_waits_for_a_failure_does_not_keep_the_container() {
    let mut config = pair(Need::Completed, Bind::None);
    config.groups[0].programs[0].startretries = 0;
    config.groups.push(alone(needs(program("z", "z"), &[("web", Need::Started)], Bind::None)));
    config.supervisor.exit_when_all_exited = true;
    let mut rig = Rig::spawned(&config);
    rig.exits(0, 3);
    assert_eq!(rig.leave(), Some(Leave::Exit(3)));
}

#[test]
fn an_operators_start_brings_what_is_needed_and_waits_for_it() {
    let mut config = pair(Need::Started, Bind::None);
    config.groups.iter_mut().for_each(|g| g.programs[0].autostart = false);
    let mut rig = Rig::booted(&config);
    assert!(rig.spawns().is_empty());
    rig.command(Command::Start { target: process("web"), wait: true });
    assert_eq!(rig.spawns(), ["db"]);
    assert!(rig.replies().is_empty());
    rig.spawn_ok(0, 100);
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["web"]);
    rig.spawn_ok(1, 101);
    rig.pass_ms(1_001);
    assert_eq!(rig.replies().len(), 1);
    assert_eq!(rig.replies()[0].1, Outcome::Done);
}

#[test]
fn a_start_that_cannot_come_about_is_answered() {
    let mut config = pair(Need::Started, Bind::None);
    config.groups.iter_mut().for_each(|g| g.programs[0].autostart = false);
    config.groups[0].programs[0].startretries = 0;
    let mut rig = Rig::booted(&config);
    rig.command(Command::Start { target: process("web"), wait: true });
    rig.spawn_ok(0, 100);
    rig.exits(0, 1);
    assert!(rig.fault().contains("web is waiting for db (started): FATAL"), "{}", rig.fault());
    // And once more: the same answer, not none.
    rig.command(Command::Start { target: process("web"), wait: true });
    rig.spawn_ok(0, 101);
    rig.exits(0, 1);
    assert!(rig.fault().contains("web is waiting for db"), "{}", rig.fault());
}

#[test]
fn a_stop_ends_the_waiting() {
    let mut rig = Rig::booted(&pair(Need::Started, Bind::None));
    let start = rig.command(Command::Start { target: process("web"), wait: true });
    rig.command(Command::Stop { target: process("web"), wait: true });
    let answered: Vec<CommandId> = rig.replies().iter().map(|(id, _)| *id).collect();
    assert_eq!(answered.len(), 2, "{:?}", rig.replies());
    assert_eq!(answered[0], start);
    rig.spawn_ok(0, 100);
    rig.pass_ms(1_001);
    assert!(rig.spawns().is_empty(), "it was told not to");
}

#[test]
fn a_restart_after_a_crash_does_not_wait() {
    let mut rig = both_running(&pair(Need::Started, Bind::None));
    rig.command(Command::Stop { target: process("db"), wait: false });
    rig.exits(0, 0);
    rig.exits(1, 5);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn bound_to_stop_it_goes_first_and_comes_back_after() {
    let mut rig = both_running(&pair(Need::Started, Bind::Stop));
    rig.command(Command::Stop { target: process("db"), wait: true });
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::TERM)], "db still serves it");
    rig.exits(1, 0);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    rig.exits(0, 0);
    assert_eq!(rig.replies().len(), 1);
    assert_eq!((rig.state(0), rig.state(1)), (State::Stopped, State::Stopped));
    rig.command(Command::Start { target: process("db"), wait: false });
    assert_eq!(rig.spawns(), ["db"]);
    rig.spawn_ok(0, 102);
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn bound_to_stop_it_follows_a_crash_and_comes_back_with_it() {
    let mut rig = both_running(&pair(Need::Started, Bind::Stop));
    rig.exits(0, 9);
    assert_eq!(rig.spawns(), ["db"], "it is restarted at once");
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::TERM)]);
    rig.exits(1, 0);
    assert!(rig.spawns().is_empty(), "db is not there yet");
    rig.spawn_ok(0, 102);
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn bound_to_restart_it_is_restarted_once_the_other_is_back() {
    let mut rig = both_running(&pair(Need::Started, Bind::Restart));
    rig.exits(0, 9);
    assert!(rig.kills().is_empty());
    rig.spawn_ok(0, 102);
    rig.pass_ms(1_001);
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::TERM)]);
    rig.exits(1, 0);
    assert_eq!(rig.spawns(), ["web"]);
    rig.spawn_ok(1, 103);
    rig.pass_ms(5_000);
    assert!(rig.kills().is_empty() && rig.spawns().is_empty(), "once");
}

#[test]
fn what_an_operator_has_stopped_stays_stopped_whoever_comes_back() {
    let mut rig = both_running(&pair(Need::Started, Bind::Stop));
    rig.command(Command::Stop { target: process("web"), wait: false });
    rig.exits(1, 0);
    rig.exits(0, 9);
    rig.spawn_ok(0, 102);
    rig.pass_ms(1_001);
    assert!(rig.spawns().is_empty());
}

#[test]
fn a_shutdown_goes_the_other_way_round_whatever_the_priorities_say() {
    // By priority db would be the first to stop.
    let mut config = pair(Need::Started, Bind::None);
    config.groups[0].priority = 2;
    config.groups[1].priority = 1;
    config.groups.swap(0, 1);
    let mut rig = Rig::booted(&config);
    rig.spawn_ok(1, 100);
    rig.pass_ms(1_001);
    rig.spawn_ok(0, 101);
    rig.step(Input::Shutdown { signal: Signal::TERM });
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::TERM)]);
    rig.exits(0, 0);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    rig.exits(1, 0);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}

#[test]
fn fifty_that_wait_for_one_start_once_and_together() {
    let mut groups = vec![alone(program("migrate", "migrate"))];
    groups[0].programs[0].native.oneshot = true;
    for n in 0..50 {
        let name = format!("w{n:02}");
        groups.push(alone(needs(program(&name, &name), &[("migrate", Need::Completed)], Bind::None)));
    }
    let mut rig = Rig::spawned(&config(groups));
    rig.pass_ms(60_000);
    assert!(rig.spawns().is_empty());
    rig.exits(0, 0);
    assert_eq!(rig.spawns().len(), 50);
    assert!(rig.logs().iter().all(|line| !line.contains("w0")), "no noise: {:?}", rig.logs());
}

#[test]
fn a_program_that_was_removed_is_named_as_what_is_missing() {
    let mut rig = Rig::booted(&pair(Need::Started, Bind::None));
    rig.step(Input::Retire { slots: vec![0] });
    rig.spawn_ok(0, 100);
    rig.exits(0, 0);
    assert_eq!(note(&rig, "web"), "waiting for db (started): there is no such program");
}

#[test]
fn what_is_disabled_is_not_started_by_anybody_and_whoever_needs_it_says_why_it_waits() {
    let mut both = pair(Need::Started, Bind::None);
    both.groups[0].programs[0].native.disabled = Some("${DB}".to_owned());
    let mut rig = Rig::booted(&both);
    assert!(rig.spawns().is_empty());
    assert_eq!(note(&rig, "db"), "disabled: `${DB}` is false");
    assert_eq!(note(&rig, "web"), "waiting for db (started): disabled, `${DB}` is false");
    for wait in [true, false] {
        rig.command(Command::Start { target: process("db"), wait });
        assert_eq!(
            rig.fault(),
            "FAILED: db is disabled: `${DB}` is false; change `enabled` and update",
            "{wait}"
        );
    }
    // Whoever starts all does not mean those that are off.
    let id = rig.command(Command::Start { target: Target::Group("db".into()), wait: true });
    assert_eq!(rig.replies(), [(id, Outcome::Each(Vec::new()))]);
    assert!(rig.spawns().is_empty());
}

#[test]
fn a_program_that_is_removed_while_its_stop_is_held_back_is_forgotten() {
    let mut rig = both_running(&pair(Need::Started, Bind::Stop));
    rig.command(Command::Stop { target: process("db"), wait: true });
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::TERM)]);
    rig.step(Input::Retire { slots: vec![0] });
    rig.exits(0, 0);
    assert!(rig.out.contains(&Action::Vacated(0)), "{:?}", rig.out);
    rig.exits(1, 0);
    assert_eq!(rig.bugs(), 0, "{:?}", rig.out);
    assert_eq!(rig.state(1), State::Stopped);
}

#[test]
fn a_stop_that_was_held_back_is_not_forgotten_when_nobody_depends_any_more() {
    let mut rig = both_running(&pair(Need::Started, Bind::Stop));
    let id = rig.command(Command::Stop { target: process("db"), wait: true });
    let free = alone(program("web", "web"));
    rig.step(Input::Change(vec![crate::engine::input::Change {
        slot: 1,
        group: std::rc::Rc::new(free),
        member: 0,
        restart: false,
    }]));
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    rig.exits(0, 0);
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
}
