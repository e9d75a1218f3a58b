//! What probes are told.

use super::*;
use crate::control::HealthKind;

fn ready(rig: &Rig) -> bool {
    rig.engine.health(HealthKind::Ready, rig.now).ok
}

fn reason(rig: &Rig) -> String {
    let report = rig.engine.health(HealthKind::Ready, rig.now);
    report.checks.into_iter().find(|c| !c.ok).map(|c| format!("{}: {}", c.name, c.reason)).unwrap_or_default()
}

#[test]
fn it_is_ready_when_every_process_that_counts_is_running() {
    let mut off = program("off", "off");
    off.autostart = false;
    let config = config(vec![group("web", 1, vec![program("web", "web")]), group("off", 2, vec![off])]);
    let mut rig = Rig::new(&config);
    assert!(!ready(&rig), "nothing has been started yet");
    rig.step(Input::Boot);
    rig.spawn_ok(0, 100);
    assert_eq!(reason(&rig), "web: STARTING");
    rig.pass_ms(1_001);
    assert!(ready(&rig));
    rig.command(Command::Start { target: Target::All, wait: false });
    assert_eq!(reason(&rig), "off: STARTING", "who was started by somebody counts");
}

#[test]
fn a_reason_says_what_failed_and_when_it_is_tried_again() {
    let mut rig = Rig::booted(&one(|p| p.startretries = 2));
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    assert_eq!(reason(&rig), "web: BACKOFF: can't find command 'x', retry in 1s");
    rig.pass_ms(1_001);
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    assert_eq!(reason(&rig), "web: BACKOFF: can't find command 'x', retry in 2s");
    rig.pass_ms(2_001);
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    assert_eq!(reason(&rig), "web: FATAL: can't find command 'x'");
}

#[test]
fn an_exec_failure_is_the_better_reason() {
    let mut rig = Rig::spawned(&one(|p| p.startretries = 0));
    let proc = rig.proc(0);
    rig.step(Input::ExecFailed { proc, text: "cannot execute `x`: EACCES".into() });
    rig.exits(0, 126);
    assert_eq!(reason(&rig), "web: FATAL: cannot execute `x`: EACCES");
}

#[test]
fn work_that_is_done_is_ready_and_work_that_failed_is_not() {
    for (code, ok) in [(0, true), (1, false)] {
        let mut rig = Rig::running(&one(|p| p.autorestart = Autorestart::Never));
        rig.exits(0, code);
        assert_eq!(ready(&rig), ok);
        assert_eq!(rig.engine.process_infos(rig.now)[0].ready, ok);
    }
}

#[test]
fn what_is_stopping_everything_is_not_ready_but_alive() {
    let mut rig = Rig::running(&one(|_| {}));
    rig.step(Input::Shutdown { signal: Signal::TERM });
    let report = rig.engine.health(HealthKind::Ready, rig.now);
    assert!(report.checks.iter().any(|c| c.name == "shutdown" && !c.ok));
    assert!(rig.engine.health(HealthKind::Live, rig.now).ok);
}

#[test]
fn startup_is_passed_once_and_for_all() {
    let mut rig = Rig::booted(&one(|_| {}));
    let startup = |rig: &Rig| rig.engine.health(HealthKind::Startup, rig.now).ok;
    assert!(!startup(&rig));
    rig.spawn_ok(0, 100);
    rig.pass_ms(1_001);
    assert!(startup(&rig));
    rig.exits(0, 1);
    assert!(!ready(&rig));
    assert!(startup(&rig));
}

#[test]
fn without_programs_everything_is_well() {
    let rig = Rig::booted(&config(Vec::new()));
    for kind in [HealthKind::Live, HealthKind::Ready, HealthKind::Startup] {
        assert!(rig.engine.health(kind, rig.now).ok);
    }
}

#[test]
fn processes_are_shown_by_group_and_name() {
    let config = config(vec![
        group("z", 1, vec![program("z", "b"), program("z", "a")]),
        group("a", 2, vec![program("a", "c")]),
    ]);
    let rig = Rig::booted(&config);
    let names: Vec<String> =
        rig.engine.process_infos(rig.now).iter().map(|i| format!("{}:{}", i.group, i.name)).collect();
    assert_eq!(names, ["a:c", "z:a", "z:b"]);
    assert_eq!(rig.engine.shown_order(), [2, 1, 0]);
    assert_eq!((rig.engine.slot_of("z", "a"), rig.engine.slot_of("a", "a")), (Some(1), None));
}

#[test]
fn uptime_counts_while_it_lives() {
    let mut rig = Rig::running(&one(|p| p.autorestart = Autorestart::Never));
    rig.pass_ms(999);
    let info = &rig.engine.process_infos(rig.now)[0];
    assert_eq!((info.uptime_ns, info.pid), (2_000_000_000, 100));
    rig.exits(0, 0);
    let info = &rig.engine.process_infos(rig.now)[0];
    assert_eq!((info.uptime_ns, info.pid), (0, 0));
}
