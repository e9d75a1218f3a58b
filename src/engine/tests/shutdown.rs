//! The end of everything: order, codes, who wants it.

use super::*;

fn tiers() -> Config {
    let mut second = program("app", "second");
    second.priority = 20;
    let mut first = program("app", "first");
    first.priority = 10;
    config(vec![
        group("db", 1, vec![program("db", "db")]),
        group("app", 5, vec![second, first]),
        group("log", 5, vec![program("log", "log")]),
    ])
}

fn up(config: &Config) -> Rig {
    let mut rig = Rig::booted(config);
    for slot in 0..rig.engine.slots.len() {
        rig.spawn_ok(u32::try_from(slot).expect("small"), 100 + i32::try_from(slot).expect("small"));
    }
    rig.pass_ms(1_001);
    rig
}

fn term(rig: &mut Rig) {
    rig.step(Input::Shutdown { signal: Signal::TERM });
}

#[test]
fn equal_priorities_stop_together_backwards_and_lower_ones_when_they_are_gone() {
    let mut rig = up(&tiers());
    term(&mut rig);
    assert_eq!(rig.kills().iter().map(|k| k.0).collect::<Vec<_>>(), [103, 101, 102]);
    assert_eq!(
        rig.logs(),
        ["WARN received SIGTERM indicating exit request", "INFO waiting for db, second, first, log to die"]
    );
    rig.ends(1, TERMINATED);
    rig.ends(2, TERMINATED);
    assert_eq!(rig.kills(), []);
    rig.ends(3, TERMINATED);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    assert_eq!(rig.leave(), None);
    rig.ends(0, TERMINATED);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
    assert_eq!(rig.engine.next_deadline(), None);
}

#[test]
fn it_says_every_three_seconds_who_is_waited_for() {
    let mut rig = up(&one(|p| p.stopwaitsecs_ms = 8_000));
    term(&mut rig);
    rig.pass_ms(7_000);
    assert_eq!(rig.logs(), ["INFO waiting for web to die"; 2]);
}

#[test]
fn what_waits_for_its_next_try_becomes_fatal() {
    let mut rig = Rig::spawned(&one(|_| {}));
    rig.exits(0, 1);
    term(&mut rig);
    assert_eq!(rig.changes(), ["web BACKOFF>FATAL"]);
    assert_eq!(rig.logs(), ["WARN received SIGTERM indicating exit request"]);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}

#[test]
fn nothing_is_started_once_it_has_begun() {
    let mut rig = up(&tiers());
    term(&mut rig);
    rig.exits(0, 1);
    assert_eq!((rig.changes(), rig.spawns().len()), (vec!["db RUNNING>EXITED".to_owned()], 0));
    let mut rig = Rig::new(&tiers());
    term(&mut rig);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
    rig.step(Input::Boot);
    assert_eq!(rig.out, []);
}

#[test]
fn a_lower_tier_that_fails_to_start_meanwhile_is_given_up() {
    let mut rig = Rig::booted(&tiers());
    for slot in 0..4 {
        rig.spawn_ok(slot, 100);
    }
    term(&mut rig);
    rig.exits(0, 1);
    assert_eq!(rig.changes(), ["db STARTING>BACKOFF", "db BACKOFF>FATAL"]);
}

#[test]
fn a_shutdown_before_the_fork_is_known_still_stops_it() {
    let mut rig = Rig::booted(&one(|_| {}));
    term(&mut rig);
    assert_eq!(rig.leave(), None);
    rig.spawn_ok(0, 100);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    rig.ends(0, TERMINATED);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}

#[test]
fn a_second_request_changes_nothing_but_is_said() {
    let mut rig = up(&one(|_| {}));
    term(&mut rig);
    rig.step(Input::Shutdown { signal: Signal::INT });
    assert_eq!(rig.logs(), ["WARN received SIGINT indicating exit request"]);
    assert_eq!(rig.out.len(), 1);
}

#[test]
fn a_restart_leaves_to_start_again_unless_a_shutdown_comes() {
    let mut rig = up(&one(|_| {}));
    rig.step(Input::Restart { signal: Signal::HUP });
    assert_eq!(rig.logs()[0], "WARN received SIGHUP indicating restart request");
    rig.ends(0, TERMINATED);
    assert_eq!(rig.leave(), Some(Leave::Restart));

    let mut rig = up(&one(|_| {}));
    rig.step(Input::Restart { signal: Signal::HUP });
    term(&mut rig);
    rig.step(Input::Restart { signal: Signal::HUP });
    assert_eq!(rig.logs(), ["WARN ignored SIGHUP indicating restart request (shutdown in progress)"]);
    rig.ends(0, TERMINATED);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}

fn with_main(change: impl FnOnce(&mut Program)) -> Config {
    let mut main = program("main", "main");
    main.main = true;
    main.startsecs_ms = 0;
    main.autorestart = Autorestart::Never;
    change(&mut main);
    config(vec![group("aux", 1, vec![program("aux", "aux")]), group("main", 999, vec![main])])
}

#[test]
fn the_main_programs_end_ends_everything_with_its_code() {
    for (status, code) in [
        (ExitStatus::Code(3), 3),
        (ExitStatus::Code(0), 0),
        (ExitStatus::Signal { signal: Signal::KILL, core: true }, 137),
    ] {
        let mut rig = up(&with_main(|_| {}));
        rig.ends(1, status);
        assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
        assert_eq!(rig.logs()[1..], ["INFO the main program main has ended", "INFO waiting for aux to die"]);
        rig.ends(0, TERMINATED);
        assert_eq!(rig.leave(), Some(Leave::Exit(code)));
    }
}

#[test]
fn a_main_program_that_cannot_be_spawned_gives_the_shells_codes() {
    for (kind, code) in
        [(SpawnErrorKind::NoFile, 127), (SpawnErrorKind::NotExecutable, 126), (SpawnErrorKind::Other, 1)]
    {
        let mut rig = Rig::booted(&with_main(|p| p.startretries = 0));
        rig.spawn_ok(0, 100);
        rig.spawn_fails(1, kind, "x");
        rig.ends(0, TERMINATED);
        assert_eq!(rig.leave(), Some(Leave::Exit(code)));
    }
}

#[test]
fn a_main_program_that_dies_too_early_too_often_lends_its_last_code() {
    let mut rig = Rig::booted(&with_main(|p| {
        p.startsecs_ms = 1_000;
        p.startretries = 0;
    }));
    rig.spawn_ok(1, 101);
    rig.exits(1, 42);
    rig.spawn_ok(0, 100);
    rig.ends(0, TERMINATED);
    assert_eq!(rig.leave(), Some(Leave::Exit(42)));
}

#[test]
fn a_main_program_that_is_restarted_has_not_ended() {
    let mut rig = up(&with_main(|p| p.autorestart = Autorestart::Always));
    rig.exits(1, 3);
    assert_eq!((rig.spawns(), rig.engine.is_stopping()), (vec!["main".to_owned()], false));
}

#[test]
fn a_main_program_stopped_by_a_shutdown_lends_its_code_too() {
    for (status, code) in [(ExitStatus::Code(0), 0), (TERMINATED, 143)] {
        let mut rig = up(&with_main(|_| {}));
        term(&mut rig);
        rig.ends(1, status);
        rig.ends(0, TERMINATED);
        assert_eq!(rig.leave(), Some(Leave::Exit(code)));
    }
}

#[test]
fn a_main_program_stopped_by_an_operator_ends_nothing() {
    let mut rig = up(&with_main(|_| {}));
    rig.command(Command::Stop { target: Target::Group("main".into()), wait: false });
    rig.ends(1, TERMINATED);
    assert_eq!((rig.state(1), rig.engine.is_stopping()), (State::Stopped, false));
}

fn ending(names: &[&str]) -> Config {
    let programs = names.iter().map(|n| {
        let mut p = program("jobs", n);
        p.startsecs_ms = 0;
        p.startretries = 0;
        p.autorestart = Autorestart::Never;
        p
    });
    let mut config = config(vec![group("jobs", 1, programs.collect())]);
    config.supervisor.exit_when_all_exited = true;
    config
}

#[test]
fn when_all_have_ended_as_expected_it_leaves_with_zero() {
    let mut rig = up(&ending(&["a", "b"]));
    rig.exits(0, 0);
    assert_eq!(rig.leave(), None);
    rig.exits(1, 0);
    assert_eq!(rig.logs()[1], "INFO all programs have ended");
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}

#[test]
fn the_last_unexpected_end_lends_its_code() {
    let mut rig = up(&ending(&["a", "b", "c"]));
    rig.exits(2, 7);
    rig.exits(0, 5);
    rig.exits(1, 0);
    assert_eq!(rig.leave(), Some(Leave::Exit(5)));

    let mut rig = Rig::booted(&ending(&["a"]));
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    assert_eq!(rig.leave(), Some(Leave::Exit(127)), "the shell's code says which failure it was");
}

#[test]
fn who_was_never_started_does_not_hold_it_up_but_who_was_stopped_does() {
    let mut config = ending(&["a", "never"]);
    config.groups[0].programs[1].autostart = false;
    let mut rig = Rig::spawned(&config);
    rig.exits(0, 0);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));

    let mut rig = up(&ending(&["a", "b"]));
    rig.command(Command::Stop {
        target: Target::Process { group: "jobs".into(), name: "a".into() },
        wait: true,
    });
    rig.exits(0, 0);
    rig.exits(1, 0);
    assert_eq!((rig.leave(), rig.engine.is_stopping()), (None, false));
}

#[test]
fn with_nothing_to_run_it_waits_for_commands() {
    let mut config = config(Vec::new());
    config.supervisor.exit_when_all_exited = true;
    let mut rig = Rig::booted(&config);
    assert_eq!((rig.leave(), rig.engine.next_deadline()), (None, None));
    term(&mut rig);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}
