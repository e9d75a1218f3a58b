//! What a program says by itself, and what follows.

use super::checks::{live_by, probe};
use super::*;
use crate::config::model::{Probe, ProbeKind};
use crate::engine::input::Told;

fn notified() -> Config {
    one(|p| p.native.readiness = Some(Box::new(probe(ProbeKind::Notify))))
}

#[test]
fn a_program_says_itself_when_it_is_ready() {
    let mut rig = Rig::running(&notified());
    assert!(!rig.is_ready() && rig.begun().is_empty());
    assert_eq!(rig.note(), "not ready: readiness notify: no READY=1 yet");
    rig.says(Told::Ready);
    assert!(rig.is_ready());
    assert_eq!(rig.logs(), ["INFO ready: web (notify)"]);
    assert_eq!(rig.engine.next_deadline(), None, "it costs no wake-up");
    rig.says(Told::Status("Serving 5 clients".into()));
    assert_eq!(rig.note(), "Serving 5 clients");
    rig.says(Told::Reloading);
    assert!(!rig.is_ready());
    assert_eq!(rig.note(), "not ready: it is reloading; Serving 5 clients");
    rig.says(Told::Ready);
    assert!(rig.is_ready());
    rig.exits(0, 1);
    rig.spawn_ok(0, 101);
    rig.pass_ms(1_001);
    assert!(!rig.is_ready());
    assert_eq!(rig.note(), "not ready: readiness notify: no READY=1 yet");
}

#[test]
fn a_program_that_says_it_is_stopping_is_not_ready_and_has_stopwaitsecs_for_it() {
    let mut config = live_by(|_| {});
    config.groups[0].programs[0].autorestart = Autorestart::Always;
    let mut rig = Rig::spawned(&config);
    let task = rig.run();
    rig.pass_ms(1_001);
    rig.says(Told::Ending);
    assert!(!rig.is_ready());
    assert_eq!(rig.cancelled(), [task]);
    assert_eq!(rig.note(), "not ready: it says that it is stopping");
    rig.says(Told::ExtendMs(15_000));
    rig.pass_ms(14_999);
    assert_eq!((rig.state(0), rig.begun().len()), (State::Running, 0));
    rig.pass_ms(1);
    assert_eq!(rig.state(0), State::Stopping);
    assert!(rig.logs()[0].contains("it said STOPPING=1 and has not ended within 10s"), "{:?}", rig.logs());
}

#[test]
fn what_its_end_means_is_for_the_exit_codes_to_say() {
    for (code, state) in [(0, State::Exited), (1, State::Starting)] {
        let mut rig = Rig::running(&notified());
        rig.says(Told::Ready);
        rig.says(Told::Ending);
        rig.exits(0, code);
        assert_eq!(rig.state(0), state);
        assert_eq!(rig.is_ready(), code == 0);
    }
}

#[test]
fn a_stop_may_be_given_more_time_and_never_less() {
    let mut rig = Rig::running(&notified());
    rig.says(Told::Status("up".into()));
    rig.stop(false);
    assert_eq!(rig.note(), "up");
    rig.says(Told::Status("Closing 5 connections".into()));
    assert_eq!(rig.note(), "Closing 5 connections");
    rig.says(Told::ExtendMs(1_000));
    rig.says(Told::ExtendMs(12_000));
    rig.pass_ms(11_999);
    assert_eq!(rig.kills(), []);
    rig.pass_ms(1);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::KILL)]);
}

fn watched(readiness: Option<Probe>) -> Config {
    let mut watch = probe(ProbeKind::Notify);
    watch.timeout_ms = 5_000;
    one(|p| {
        p.native.liveness = Some(Box::new(watch));
        p.native.readiness = readiness.map(Box::new);
    })
}

#[test]
fn a_program_that_is_not_heard_of_in_time_is_restarted() {
    let mut rig = Rig::running(&watched(None));
    for _ in 0..4 {
        rig.pass_ms(3_000);
        assert_eq!(rig.state(0), State::Running);
        rig.says(Told::Alive);
    }
    rig.pass_ms(5_000);
    assert_eq!(rig.state(0), State::Stopping);
    assert_eq!(rig.logs()[0], "WARN restarting web: liveness notify: no WATCHDOG=1 within 5s");
}

#[test]
fn the_watchdog_waits_for_a_program_that_says_when_it_is_ready() {
    let mut rig = Rig::running(&watched(Some(probe(ProbeKind::Notify))));
    rig.pass_ms(60_000);
    assert_eq!(rig.state(0), State::Running);
    rig.says(Told::Ready);
    rig.pass_ms(5_000);
    assert_eq!(rig.state(0), State::Stopping);
}

#[test]
fn a_program_may_ask_to_be_restarted_and_set_its_own_watchdog() {
    let mut rig = Rig::running(&watched(None));
    rig.says(Told::WatchdogMs(20_000));
    rig.pass_ms(19_999);
    assert_eq!(rig.state(0), State::Running);
    rig.says(Told::WatchdogMs(0));
    rig.pass_ms(100_000);
    assert_eq!(rig.state(0), State::Running);
    rig.says(Told::Failing);
    assert_eq!(rig.state(0), State::Stopping);
    assert_eq!(rig.logs()[0], "WARN restarting web: liveness notify: it said WATCHDOG=trigger");
}

#[test]
fn a_change_of_a_check_keeps_the_interval_that_the_program_asked_for() {
    let config = one(|p| p.native.liveness = Some(Box::new(probe(ProbeKind::Notify))));
    let mut rig = Rig::spawned(&config);
    rig.says(Told::WatchdogMs(300_000));
    let mut other = config.groups[0].programs[0].clone();
    other.native.liveness.as_mut().expect("it is there").failure_threshold = 5;
    let group = std::rc::Rc::new(group("web", 999, vec![other]));
    rig.step(Input::Change(vec![crate::engine::input::Change { slot: 0, group, member: 0, restart: false }]));
    rig.pass_ms(200_000);
    assert!(rig.kills().is_empty(), "{:?}", rig.logs());
    rig.pass_ms(101_000);
    assert_eq!(rig.kills().len(), 1);
}
