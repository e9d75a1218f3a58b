//! Whose end ends everything, one-shots, and the limit of restarts.

use super::*;

fn last_words(rig: &Rig) -> Vec<String> {
    let word =
        |a: &Action| if let Action::LastWords { reason, .. } = a { Some(reason.clone()) } else { None };
    rig.out.iter().filter_map(word).collect()
}

/// A critical `web` beside a `db` that lives.
fn critical(change: impl FnOnce(&mut Program)) -> Config {
    let mut config = one(|p| {
        p.native.critical = true;
        change(p);
    });
    config.groups.push(group("zdb", 999, vec![program("zdb", "zdb")]));
    config
}

#[test]
fn the_end_of_a_critical_program_ends_everything_with_its_code() {
    let killed = ExitStatus::Signal { signal: Signal(11), core: false };
    for (status, code) in [(ExitStatus::Code(0), 0), (ExitStatus::Code(3), 3), (killed, 139)] {
        let mut rig = Rig::spawned(&critical(|p| p.autorestart = Autorestart::Never));
        rig.spawn_ok(1, 101);
        rig.pass_ms(1_001);
        rig.ends(0, status);
        assert_eq!(rig.kills(), [(101, Scope::Process, Signal::TERM)]);
        assert_eq!(last_words(&rig), [format!("web has ended: {status}")]);
        rig.exits(1, 0);
        assert_eq!(rig.leave(), Some(Leave::Exit(code)));
    }
}

#[test]
fn a_critical_program_that_is_restarted_ends_nothing() {
    let mut rig = Rig::running(&critical(|_| {}));
    rig.exits(0, 3);
    assert_eq!(rig.spawns(), ["web"]);
    assert!(last_words(&rig).is_empty());
}

#[test]
fn a_critical_program_that_is_given_up_ends_everything_with_a_failure() {
    for (code, leaves) in [(0, 1), (3, 3)] {
        let mut rig = Rig::spawned(&critical(|p| p.startretries = 0));
        rig.spawn_ok(1, 101);
        rig.exits(0, code);
        let words = "web is FATAL: Exited too quickly (process log may have details), exit status";
        assert_eq!(last_words(&rig), [format!("{words} {code}")]);
        rig.exits(1, 0);
        assert_eq!(rig.leave(), Some(Leave::Exit(leaves)));
    }
}

#[test]
fn a_critical_program_that_cannot_be_started_gives_the_shells_code() {
    let mut rig = Rig::booted(&critical(|p| p.startretries = 0));
    rig.spawn_ok(1, 101);
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    assert_eq!(last_words(&rig), ["web is FATAL: can't find command 'x'"]);
    rig.exits(1, 0);
    assert_eq!(rig.leave(), Some(Leave::Exit(127)));
}

#[test]
fn a_critical_program_that_an_operator_stops_ends_nothing() {
    let mut rig = Rig::running(&critical(|_| {}));
    rig.stop(false);
    rig.exits(0, 3);
    assert_eq!(rig.state(0), State::Stopped);
    rig.pass_ms(1_000);
    assert!(rig.kills().is_empty() && rig.leave().is_none());
}

fn oneshot(change: impl FnOnce(&mut Program)) -> Config {
    one(|p| {
        p.native.oneshot = true;
        p.autorestart = Autorestart::Always;
        change(p);
    })
}

#[test]
fn a_oneshot_runs_at_once_and_is_done_when_it_ends_as_expected() {
    let mut rig = Rig::spawned(&oneshot(|_| {}));
    assert_eq!(rig.state(0), State::Running);
    assert!(!rig.engine.health(crate::control::HealthKind::Startup, rig.now).ok, "its work is not done");
    rig.exits(0, 0);
    assert_eq!(rig.state(0), State::Exited);
    assert!(rig.engine.health(crate::control::HealthKind::Startup, rig.now).ok);
    rig.pass_ms(100_000);
    assert!(rig.spawns().is_empty());
}

#[test]
fn a_oneshot_that_fails_is_tried_again_so_often_and_then_given_up() {
    let mut rig = Rig::spawned(&oneshot(|p| p.startretries = 2));
    for (tries, wait_ms) in [(1, 1_001), (2, 2_001)] {
        rig.pass_ms(30_000);
        rig.exits(0, 7);
        assert_eq!(rig.published(State::Backoff).tries, tries);
        rig.pass_ms(wait_ms);
        assert_eq!(rig.spawns(), ["web"]);
        rig.spawn_ok(0, 100 + tries as i32);
    }
    rig.exits(0, 7);
    assert_eq!(rig.state(0), State::Fatal);
    assert_eq!(rig.engine.process_infos(rig.now)[0].spawnerr, "Bad exit code 7");
}

#[test]
fn a_oneshot_is_not_retried_once_everything_is_being_stopped() {
    let mut rig = Rig::spawned(&oneshot(|_| {}));
    rig.step(Input::Shutdown { signal: Signal::TERM });
    rig.exits(0, 7);
    assert_eq!((rig.state(0), rig.leave()), (State::Stopped, Some(Leave::Exit(0))));
}

#[test]
fn so_many_restarts_in_the_window_and_no_more() {
    let mut rig = Rig::running(&one(|p| {
        p.startsecs_ms = 0;
        p.native.max_restarts = Some(3);
        p.native.restart_window_ms = 10_000;
    }));
    for pid in 101..104 {
        rig.exits(0, 1);
        assert_eq!(rig.spawns(), ["web"]);
        rig.spawn_ok(0, pid);
        rig.pass_ms(100);
    }
    rig.exits(0, 1);
    assert_eq!(rig.state(0), State::Fatal);
    assert_eq!(rig.engine.process_infos(rig.now)[0].spawnerr, "3 restarts within 10 seconds (max_restarts)");
}

#[test]
fn what_is_older_than_the_window_does_not_count() {
    let mut rig = Rig::running(&one(|p| {
        p.native.max_restarts = Some(1);
        p.native.restart_window_ms = 10_000;
    }));
    for pid in 101..120 {
        rig.exits(0, 1);
        assert_eq!(rig.spawns(), ["web"]);
        rig.spawn_ok(0, pid);
        rig.pass_ms(10_000);
    }
    assert_eq!(rig.state(0), State::Running);
}

#[test]
fn failed_starts_count_as_restarts_too() {
    let mut rig = Rig::spawned(&one(|p| {
        p.startretries = 100;
        p.native.max_restarts = Some(1);
        p.native.restart_window_ms = 60_000;
    }));
    rig.exits(0, 1);
    rig.pass_ms(1_001);
    rig.spawn_ok(0, 101);
    rig.exits(0, 1);
    assert_eq!(rig.state(0), State::Fatal);
}

#[test]
fn an_instant_exit_never_comes_back_faster_than_the_floor() {
    let mut rig = Rig::spawned(&one(|p| {
        p.startsecs_ms = 0;
        p.backoff = crate::config::model::Backoff::CONTAINER;
        p.autorestart = Autorestart::Always;
    }));
    rig.exits(0, 0);
    rig.pass_ms(899);
    assert!(rig.spawns().is_empty(), "1 s less 10 % of jitter");
    rig.pass_ms(202);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn a_program_that_was_found_to_have_failed_is_stopped_and_started_again() {
    let mut rig = Rig::running(&one(|_| {}));
    let now = rig.now;
    rig.engine.with_slot(now, 0, &mut rig.out, |slot, cx| slot.recycle("it does not answer", cx));
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    rig.exits(0, 0);
    assert_eq!(rig.spawns(), ["web"]);
    // A stop in between is the last word.
    rig.spawn_ok(0, 101);
    rig.pass_ms(1_001);
    let now = rig.now;
    rig.engine.with_slot(now, 0, &mut rig.out, |slot, cx| slot.recycle("it does not answer", cx));
    rig.stop(false);
    rig.exits(0, 0);
    assert_eq!(rig.state(0), State::Stopped);
}

#[test]
fn who_waits_to_be_started_again_after_a_failed_check_says_so() {
    let mut rig = Rig::running(&one(|p| p.backoff = crate::config::model::Backoff::CONTAINER));
    let now = rig.now;
    rig.engine.with_slot(now, 0, &mut rig.out, |slot, cx| slot.recycle("liveness exec x: exit status 1", cx));
    rig.exits(0, 0);
    assert_eq!(rig.state(0), State::Backoff);
    assert_eq!(rig.engine.process_infos(rig.now)[0].spawnerr, "liveness exec x: exit status 1");
}

#[test]
fn a_restart_by_hand_while_it_is_stopped_for_a_failure_waits_for_that_stop() {
    let mut rig = Rig::running(&one(|_| {}));
    let now = rig.now;
    rig.engine.with_slot(now, 0, &mut rig.out, |slot, cx| slot.recycle("it does not answer", cx));
    rig.stop(true);
    assert!(rig.replies().is_empty(), "it is not stopped yet");
    rig.exits(0, 0);
    assert_eq!(rig.replies().len(), 1);
    rig.start(false);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn a_critical_oneshot_that_has_done_its_work_ends_nothing() {
    for (code, ends) in [(0, false), (7, true)] {
        let mut rig = Rig::spawned(&critical(|p| {
            p.native.oneshot = true;
            p.startretries = 0;
        }));
        rig.spawn_ok(1, 101);
        rig.exits(0, code);
        assert_eq!(!rig.kills().is_empty(), ends, "after exit {code}");
    }
}
