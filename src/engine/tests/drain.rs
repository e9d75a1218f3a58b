//! The way to the end: drain, one budget, the second signal.

use super::*;
use crate::control::HealthKind;

const TERM: Input = Input::Shutdown { signal: Signal::TERM };

fn times(drain_delay_ms: i64, shutdown_timeout_ms: Option<i64>) -> Config {
    let mut config = one(|p| p.stopwaitsecs_ms = 60_000);
    config.supervisor.drain_delay_ms = drain_delay_ms;
    config.supervisor.shutdown_timeout_ms = shutdown_timeout_ms;
    config
}

fn is_ready(rig: &Rig) -> bool {
    rig.engine.health(HealthKind::Ready, rig.now).ok
}

#[test]
fn the_first_term_takes_readiness_and_stops_nothing_yet() {
    let mut rig = Rig::running(&times(5_000, None));
    assert!(is_ready(&rig));
    rig.step(TERM);
    assert!(!is_ready(&rig) && rig.kills().is_empty());
    assert_eq!(rig.state(0), State::Running);
    rig.pass_ms(4_999);
    assert!(rig.kills().is_empty());
    rig.pass_ms(1);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    rig.exits(0, 0);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}

#[test]
fn a_second_term_skips_the_wait() {
    let mut rig = Rig::running(&times(5_000, None));
    rig.step(TERM);
    rig.pass_ms(10);
    rig.step(TERM);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
}

#[test]
fn a_program_that_dies_while_we_drain_is_still_restarted() {
    let mut rig = Rig::running(&times(5_000, None));
    rig.step(TERM);
    rig.exits(0, 1);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn a_drain_that_was_asked_for_before_counts() {
    let mut rig = Rig::running(&times(5_000, None));
    let id = rig.command(Command::Drain { wait: true });
    assert!(rig.replies().is_empty() && !is_ready(&rig));
    rig.pass_ms(5_000);
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
    assert!(rig.kills().is_empty(), "it drains and does nothing else");
    rig.step(TERM);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)], "the wait was before");
}

#[test]
fn a_term_in_the_middle_of_a_drain_waits_for_what_is_left_of_it() {
    let mut rig = Rig::running(&times(5_000, None));
    let id = rig.command(Command::Drain { wait: true });
    rig.pass_ms(3_000);
    rig.step(TERM);
    assert!(rig.kills().is_empty());
    rig.pass_ms(2_000);
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
}

#[test]
fn a_drain_is_taken_back_unless_the_end_follows() {
    let mut rig = Rig::running(&times(5_000, None));
    rig.command(Command::Drain { wait: false });
    rig.command(Command::Undrain);
    assert!(is_ready(&rig));
    rig.step(TERM);
    rig.command(Command::Undrain);
    assert!(rig.fault().contains("everything is about to be stopped"), "{}", rig.fault());
    assert!(!is_ready(&rig));
    rig.pass_ms(5_000);
    assert_eq!(rig.kills().len(), 1);
}

#[test]
fn whoever_waits_for_a_drain_is_told_that_it_was_taken_back() {
    let mut rig = Rig::running(&times(5_000, None));
    let waits = rig.command(Command::Drain { wait: true });
    let takes = rig.command(Command::Undrain);
    let replies = rig.replies();
    assert_eq!(replies.len(), 2);
    assert!(replies[0].0 == waits && matches!(replies[0].1, Outcome::Fault(_)), "{replies:?}");
    assert_eq!(replies[1], (takes, Outcome::Done));
}

#[test]
fn a_hook_after_a_stop_has_no_more_than_the_share_of_its_stage() {
    let mut config = times(0, Some(8_500));
    let hook = crate::config::model::HookCommand { text: "x".into(), argv: vec!["x".into()] };
    config.groups[0].programs[0].native.hooks = Some(Box::new(crate::config::model::Hooks {
        post_stop: Some(hook),
        timeout_ms: 60_000,
        ..Default::default()
    }));
    config.groups.insert(0, group("db", 1, vec![program("db", "db")]));
    let mut rig = Rig::booted(&config);
    rig.spawn_ok(0, 100);
    rig.spawn_ok(1, 101);
    rig.pass_ms(1_001);
    rig.step(TERM);
    rig.pass_ms(1_000);
    rig.exits(1, 0);
    let times: Vec<i64> = rig
        .out
        .iter()
        .filter_map(|a| if let Action::RunTask { timeout_ms, .. } = a { Some(*timeout_ms) } else { None })
        .collect();
    assert_eq!(times, [3_000], "half of the 8 s, of which one is over");
}

#[test]
fn without_a_delay_a_drain_is_answered_at_once() {
    let mut rig = Rig::running(&times(0, None));
    let id = rig.command(Command::Drain { wait: true });
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
    assert!(!is_ready(&rig));
}

#[test]
fn what_is_left_is_killed_before_the_budget_is_over() {
    let mut rig = Rig::running(&times(3_000, Some(8_000)));
    rig.step(TERM);
    rig.pass_ms(3_000);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    rig.pass_ms(4_499);
    assert!(rig.kills().is_empty());
    rig.pass_ms(1);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::KILL)], "at 7.5 s of 8");
    assert_eq!(rig.logs()[0], "WARN shutdown_timeout is nearly over, killing what is left: web");
    rig.ends(0, ExitStatus::Signal { signal: Signal::KILL, core: false });
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}

#[test]
fn each_tier_gets_its_share_of_what_is_left() {
    let mut config = times(0, Some(8_500));
    let mut db = program("db", "db");
    db.stopwaitsecs_ms = 60_000;
    config.groups.insert(0, group("db", 1, vec![db]));
    let mut rig = Rig::booted(&config);
    rig.spawn_ok(0, 100);
    rig.spawn_ok(1, 101);
    rig.pass_ms(1_001);
    rig.step(TERM);
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::TERM)]);
    rig.pass_ms(4_000);
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::KILL)], "half of the 8 s");
    rig.ends(1, ExitStatus::Signal { signal: Signal::KILL, core: false });
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    rig.pass_ms(3_999);
    assert!(rig.kills().is_empty());
    rig.pass_ms(1);
    assert_eq!(rig.kills()[0], (100, Scope::Process, Signal::KILL));
}

#[test]
fn who_is_still_being_started_when_the_budget_is_spent_gets_no_grace() {
    let mut rig = Rig::booted(&times(0, Some(1_000)));
    rig.step(TERM);
    rig.pass_ms(1_000);
    rig.spawn_ok(0, 100);
    rig.pass_ms(0);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::KILL)]);
}

#[test]
fn the_cause_is_told_once() {
    let mut rig = Rig::running(&times(1_000, None));
    rig.step(TERM);
    let words = |rig: &Rig| {
        rig.out
            .iter()
            .filter_map(
                |a| if let Action::LastWords { reason, .. } = a { Some(reason.clone()) } else { None },
            )
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&rig), ["stopped by SIGTERM"]);
    rig.step(Input::Shutdown { signal: Signal::INT });
    assert!(words(&rig).is_empty());
}
