//! What operators ask and what they are told.

use super::*;
use crate::control::{FaultCode, TargetResult};

fn pool() -> Config {
    let mut late = program("pool", "late");
    late.priority = 1_000;
    let mut early = program("pool", "early");
    early.priority = 1;
    let mut solo = program("solo", "solo");
    for p in [&mut late, &mut early, &mut solo] {
        p.autostart = false;
    }
    config(vec![group("solo", 2, vec![solo]), group("pool", 999, vec![late, early])])
}

fn start_all(wait: bool) -> Command {
    Command::Start { target: Target::All, wait }
}

fn ok(group: &str, name: &str) -> TargetResult {
    TargetResult { group: group.into(), name: name.into(), fault: None }
}

#[test]
fn a_start_that_waits_is_answered_when_it_is_running() {
    let mut rig = Rig::booted(&one(|p| p.autostart = false));
    let id = rig.start(true);
    assert_eq!(rig.replies(), []);
    rig.spawn_ok(0, 100);
    assert_eq!(rig.replies(), []);
    rig.pass_ms(1_001);
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
    assert_eq!(rig.engine.n_open_commands(), 0);
}

#[test]
fn a_start_that_does_not_wait_is_answered_when_it_is_forked() {
    let mut rig = Rig::booted(&one(|p| p.autostart = false));
    let id = rig.start(false);
    assert_eq!(rig.replies(), []);
    rig.spawn_ok(0, 100);
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
}

#[test]
fn a_start_tells_why_nothing_could_be_spawned() {
    for wait in [true, false] {
        for (kind, text, fault) in [
            (SpawnErrorKind::NoFile, "can't find command 'x'", "NO_FILE: can't find command 'x'"),
            (SpawnErrorKind::NotExecutable, "command is empty", "NOT_EXECUTABLE: command is empty"),
            (SpawnErrorKind::Other, "too many open files to spawn 'web'", "SPAWN_ERROR: web"),
        ] {
            let mut rig = Rig::booted(&one(|p| p.autostart = false));
            rig.start(wait);
            rig.spawn_fails(0, kind, text);
            assert_eq!(rig.fault(), fault);
        }
    }
}

#[test]
fn spawn_error_is_the_answer_at_the_first_early_death_though_retries_go_on() {
    let mut rig = Rig::booted(&one(|p| p.autostart = false));
    rig.start(true);
    rig.spawn_ok(0, 100);
    rig.exits(0, 1);
    assert_eq!(rig.fault(), "SPAWN_ERROR: web");
    assert_eq!(rig.state(0), State::Backoff);
}

#[test]
fn a_start_overtaken_by_a_stop_ends_abnormally() {
    let mut rig = Rig::booted(&one(|p| p.autostart = false));
    let started = rig.start(true);
    rig.spawn_ok(0, 100);
    let stopped = rig.stop(true);
    assert_eq!(rig.replies()[0].0, started);
    assert_eq!(rig.fault(), "ABNORMAL_TERMINATION: web");
    rig.ends(0, TERMINATED);
    assert_eq!(rig.replies(), [(stopped, Outcome::Done)]);
}

#[test]
fn what_is_under_way_is_already_started() {
    let mut rig = Rig::booted(&one(|_| {}));
    rig.start(true);
    assert_eq!(rig.fault(), "ALREADY_STARTED: web");
    rig.spawn_ok(0, 100);
    rig.exits(0, 1);
    rig.start(true);
    assert_eq!(rig.fault(), "ALREADY_STARTED: web", "BACKOFF counts as started");
}

#[test]
fn a_start_while_it_is_stopping_starts_nothing() {
    let mut rig = Rig::running(&one(|_| {}));
    rig.stop(false);
    rig.start(true);
    assert_eq!(rig.fault(), "ABNORMAL_TERMINATION: web");
    assert_eq!(rig.logs(), ["WARN process 'web' already running"]);
    let id = rig.start(false);
    assert_eq!((rig.replies(), rig.spawns().len()), (vec![(id, Outcome::Done)], 0));
}

#[test]
fn only_what_runs_can_be_stopped_or_signalled() {
    let mut rig = Rig::booted(&one(|p| p.autostart = false));
    rig.stop(true);
    assert_eq!(rig.fault(), "NOT_RUNNING: web");
    rig.command(Command::Signal { target: web(), signal: Signal::HUP });
    assert_eq!(rig.fault(), "NOT_RUNNING: web");
    let mut rig = Rig::running(&one(|_| {}));
    rig.stop(false);
    rig.stop(true);
    assert_eq!(rig.fault(), "NOT_RUNNING: web", "it is being stopped already");
}

#[test]
fn a_signal_goes_to_the_process_alone_even_with_stopasgroup() {
    let mut rig = Rig::running(&one(|p| p.stopasgroup = true));
    let id = rig.command(Command::Signal { target: web(), signal: Signal::HUP });
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::HUP)]);
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
    assert_eq!(rig.state(0), State::Running);
}

#[test]
fn unknown_names_are_shown_as_they_are_written() {
    let mut rig = Rig::booted(&pool());
    let process = |group: &str, name: &str| Target::Process { group: group.into(), name: name.into() };
    for (target, shown) in [
        (process("pool", "x"), "BAD_NAME: pool:x"),
        (process("x", "x"), "BAD_NAME: x"),
        (Target::Group("nope".into()), "BAD_NAME: nope"),
    ] {
        rig.command(Command::Stop { target: target.clone(), wait: true });
        assert_eq!(rig.fault(), shown);
        rig.command(Command::Start { target: target.clone(), wait: true });
        assert_eq!(rig.fault(), shown);
        rig.command(Command::Signal { target, signal: Signal::HUP });
        assert_eq!(rig.fault(), shown);
    }
}

#[test]
fn all_are_started_and_stopped_in_ascending_priority() {
    let mut rig = Rig::booted(&pool());
    rig.command(start_all(false));
    assert_eq!(rig.spawns(), ["solo", "early", "late"]);
    for slot in 0..3 {
        rig.spawn_ok(slot, 100 + i32::try_from(slot).expect("small"));
    }
    rig.command(Command::Stop { target: Target::All, wait: true });
    let pids: Vec<i32> = rig.kills().iter().map(|k| k.0).collect();
    assert_eq!(pids, [100, 102, 101]);
}

#[test]
fn a_group_answers_in_order_of_completion_and_leaves_out_who_needed_nothing() {
    let mut rig = Rig::booted(&pool());
    rig.command(Command::Start { target: Target::Group("solo".into()), wait: false });
    rig.spawn_ok(0, 100);
    let id = rig.command(start_all(true));
    rig.spawn_fails(1, SpawnErrorKind::Other, "x");
    rig.spawn_ok(2, 102);
    assert_eq!(rig.replies(), []);
    rig.pass_ms(1_001);
    let failed = TargetResult {
        group: "pool".into(),
        name: "late".into(),
        fault: Some(Fault::new(FaultCode::SpawnError, "pool:late")),
    };
    assert_eq!(rig.replies(), [(id, Outcome::Each(vec![failed, ok("pool", "early")]))]);
}

#[test]
fn a_group_with_nothing_to_do_is_answered_at_once() {
    let mut rig = Rig::booted(&pool());
    let id = rig.command(Command::Stop { target: Target::All, wait: true });
    assert_eq!(rig.replies(), [(id, Outcome::Each(vec![]))]);
}

#[test]
fn a_stop_that_waits_says_so_every_two_seconds() {
    let mut rig = Rig::running(&one(|p| p.stopwaitsecs_ms = 5_000));
    rig.stop(true);
    rig.pass_ms(4_500);
    assert_eq!(rig.logs(), ["INFO waiting for web to stop"; 2]);
}

#[test]
fn every_command_is_refused_while_everything_is_being_stopped() {
    let mut rig = Rig::running(&one(|_| {}));
    rig.step(Input::Shutdown { signal: Signal::TERM });
    for command in [
        start_all(true),
        Command::Stop { target: web(), wait: true },
        Command::Signal { target: web(), signal: Signal::HUP },
        Command::Shutdown,
        Command::Restart,
    ] {
        rig.command(command);
        assert_eq!(rig.fault(), "SHUTDOWN_STATE");
    }
    rig.ends(0, TERMINATED);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
    rig.command(Command::Shutdown);
    assert_eq!(rig.fault(), "SHUTDOWN_STATE", "even after the end");
}

#[test]
fn waiters_are_answered_when_a_shutdown_overtakes_them() {
    let mut rig = Rig::booted(&one(|p| p.autostart = false));
    let started = rig.start(true);
    rig.spawn_ok(0, 100);
    let shut = rig.command(Command::Shutdown);
    let fault = Fault::new(FaultCode::AbnormalTermination, "web");
    assert_eq!(rig.replies(), [(shut, Outcome::Done), (started, Outcome::Fault(fault))]);
    rig.ends(0, TERMINATED);
    assert_eq!((rig.replies(), rig.leave()), (vec![], Some(Leave::Exit(0))));
}

#[test]
fn a_command_that_comes_twice_is_a_bug_and_still_answered_once() {
    let mut rig = Rig::running(&one(|_| {}));
    let id = rig.stop(true);
    rig.step(Input::Command { id, command: Command::Stop { target: web(), wait: true } });
    assert_eq!((rig.bugs(), rig.out.len()), (1, 1));
    rig.ends(0, TERMINATED);
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
}
