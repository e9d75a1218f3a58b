//! Programs that run when the clock says so.

use super::*;
use crate::config::cron::Cron;
use crate::config::model::{Overlap, Schedule};
use crate::engine::input::Change;
use jiff::tz::TimeZone;
use std::rc::Rc;

/// 14 November 2023, 22:13:20 UTC: where a rig's clock begins.
const START: i64 = 1_700_000_000_000;

fn schedule(text: &str, overlap: Overlap) -> Option<Box<Schedule>> {
    let cron = Cron::parse(text).expect("a schedule");
    Some(Box::new(Schedule { text: text.into(), timezone: None, overlap, cron, zone: TimeZone::UTC }))
}

fn timed(text: &str, overlap: Overlap) -> Config {
    one(|p| p.native.schedule = schedule(text, overlap))
}

impl Rig {
    pub(super) fn note(&self) -> String {
        self.engine.process_infos(self.now)[0].note.clone()
    }

    fn set_clock(&mut self, by_ms: i64) {
        self.now.wall.0 += by_ms;
        self.step(Input::ClockSet);
    }

    /// A run of so many milliseconds that ends with this code.
    fn runs(&mut self, pid: i32, ms: u64, code: u8) {
        self.spawn_ok(0, pid);
        assert_eq!(self.state(0), State::Running, "whatever startsecs says");
        self.pass_ms(ms);
        self.exits(0, code);
    }
}

#[test]
fn it_runs_when_its_time_has_come_and_not_with_the_daemon() {
    let mut rig = Rig::booted(&timed("* * * * *", Overlap::Skip));
    assert_eq!((rig.state(0), rig.spawns().len()), (State::Stopped, 0));
    assert_eq!(rig.note(), "next run 2023-11-14 22:14:00 UTC");
    rig.pass_ms(40_000);
    assert_eq!(rig.spawns().len(), 0);
    rig.pass_ms(1);
    assert_eq!(rig.spawns(), ["web"]);
    rig.runs(100, 12_000, 0);
    assert_eq!((rig.state(0), rig.changes()), (State::Exited, vec!["web RUNNING>EXITED".into()]));
    assert_eq!(
        rig.note(),
        "next run 2023-11-14 22:15:00 UTC, last run 2023-11-14 22:14:00 UTC exit status 0 (12s)"
    );
    rig.pass_ms(48_000);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn a_run_that_fails_is_shown_and_the_next_run_is_the_next_try() {
    let mut rig = Rig::booted(&timed("* * * * *", Overlap::Skip));
    rig.pass_ms(40_001);
    rig.runs(100, 0, 3);
    assert_eq!((rig.state(0), rig.spawns().len()), (State::Exited, 0));
    assert!(rig.note().ends_with("exit status 3 (0ms)"), "{}", rig.note());
    rig.pass_ms(60_000);
    assert_eq!(rig.spawns(), ["web"]);
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    assert_eq!(rig.state(0), State::Fatal, "no retries");
    rig.pass_ms(60_000);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn a_run_beside_its_predecessor_is_skipped() {
    let mut rig = Rig::booted(&timed("* * * * *", Overlap::Skip));
    rig.pass_ms(40_001);
    rig.spawn_ok(0, 100);
    rig.pass_ms(60_000);
    assert_eq!((rig.spawns().len(), rig.kills().len()), (0, 0));
    assert_eq!(
        rig.logs(),
        ["INFO skipped a run of web: its predecessor has not ended (schedule_overlap = skip)"]
    );
    rig.exits(0, 0);
    assert_eq!(rig.spawns().len(), 0);
}

#[test]
fn or_it_waits_for_it_and_one_waits_at_most() {
    let mut rig = Rig::booted(&timed("* * * * *", Overlap::Queue));
    rig.pass_ms(40_001);
    rig.spawn_ok(0, 100);
    rig.pass_ms(180_000);
    assert_eq!(rig.spawns().len(), 0);
    assert!(rig.note().contains("one more run is waiting"), "{}", rig.note());
    rig.exits(0, 0);
    assert_eq!(rig.spawns(), ["web"]);
    rig.runs(101, 1, 0);
    assert_eq!(rig.spawns().len(), 0, "three times were missed, one was queued");
}

#[test]
fn or_it_takes_its_place() {
    let mut rig = Rig::booted(&timed("* * * * *", Overlap::Replace));
    rig.pass_ms(40_001);
    rig.spawn_ok(0, 100);
    rig.pass_ms(60_000);
    assert_eq!((rig.spawns().len(), rig.kills()), (0, vec![(100, Scope::Process, Signal::TERM)]));
    rig.ends(0, TERMINATED);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn an_operator_runs_it_now_and_the_schedule_goes_on() {
    let mut rig = Rig::booted(&timed("* * * * *", Overlap::Queue));
    rig.start(true);
    assert_eq!(rig.spawns(), ["web"]);
    rig.spawn_ok(0, 100);
    assert_eq!(rig.replies().len(), 1);
    rig.exits(0, 0);
    assert!(rig.note().starts_with("next run 2023-11-14 22:14:00 UTC"), "{}", rig.note());
    rig.pass_ms(40_001);
    assert_eq!(rig.spawns(), ["web"]);
    rig.spawn_ok(0, 101);
    rig.pass_ms(60_000);
    rig.stop(false);
    rig.ends(0, TERMINATED);
    assert_eq!(rig.spawns().len(), 0, "who stops it wants nothing that waits either");
    rig.pass_ms(60_000);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn what_was_missed_while_the_clock_jumped_ahead_is_made_up_for_once() {
    let mut rig = Rig::booted(&timed("0 * * * *", Overlap::Skip));
    rig.set_clock(5 * 3_600_000);
    assert_eq!(rig.spawns(), ["web"]);
    rig.runs(100, 1, 0);
    assert!(rig.note().starts_with("next run 2023-11-15 04:00:00"), "{}", rig.note());
    rig.set_clock(60_000);
    assert_eq!(rig.spawns().len(), 0);
}

#[test]
fn a_clock_that_goes_back_a_little_brings_nothing_twice() {
    let mut rig = Rig::booted(&timed("0 * * * *", Overlap::Skip));
    rig.pass_ms(2_800_002);
    assert_eq!(rig.spawns(), ["web"]);
    rig.runs(100, 1, 0);
    rig.set_clock(-1_800_000);
    assert!(rig.note().starts_with("next run 2023-11-15 00:00:00"), "{}", rig.note());
    rig.set_clock(-40 * 86_400_000);
    assert!(rig.note().starts_with("next run 2023-10-05 23:00:00"), "{}", rig.note());
}

#[test]
fn a_clock_that_was_set_back_unnoticed_is_noticed_when_the_time_has_come() {
    let mut rig = Rig::booted(&timed("0 * * * *", Overlap::Skip));
    rig.now.wall.0 -= 600_000;
    rig.pass_ms(2_800_001);
    assert_eq!(rig.spawns().len(), 0);
    rig.pass_ms(600_001);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn an_interval_is_time_that_passes() {
    let mut rig = Rig::booted(&timed("@every 10s", Overlap::Skip));
    let mut n = 0;
    for round in 0..50 {
        // The clock does what it likes.
        if round % 5 == 4 {
            rig.set_clock(if round % 2 == 0 { 86_400_000 } else { -86_400_000 });
        }
        rig.pass_ms(10_000);
        if !rig.spawns().is_empty() {
            n += 1;
            rig.runs(100 + round, 0, 0);
        }
    }
    assert!((49..=50).contains(&n), "{n} runs in 500 seconds");
}

#[test]
fn it_neither_gates_nor_ends_the_container() {
    let mut config = timed("* * * * *", Overlap::Skip);
    config.supervisor.exit_when_all_exited = true;
    let mut rig = Rig::booted(&config);
    let ready = |rig: &Rig| rig.engine.health(crate::control::HealthKind::Ready, rig.now).ok;
    assert!(ready(&rig));
    rig.pass_ms(40_001);
    rig.runs(100, 5, 3);
    assert!(ready(&rig));
    assert_eq!((rig.leave(), rig.engine.is_stopping()), (None, false));
}

#[test]
fn a_critical_one_ends_the_container_only_when_a_run_fails() {
    let mut config = timed("* * * * *", Overlap::Skip);
    config.groups[0].programs[0].native.critical = true;
    let mut rig = Rig::booted(&config);
    rig.pass_ms(40_001);
    rig.runs(100, 5, 0);
    assert!(!rig.engine.is_stopping());
    rig.pass_ms(60_000);
    rig.runs(101, 5, 3);
    assert_eq!(rig.leave(), Some(Leave::Exit(3)));
}

#[test]
fn nothing_is_due_once_everything_is_being_stopped() {
    let mut rig = Rig::booted(&timed("* * * * *", Overlap::Queue));
    rig.pass_ms(40_001);
    rig.spawn_ok(0, 100);
    rig.pass_ms(60_000);
    rig.step(Input::Shutdown { signal: Signal::TERM });
    rig.pass_ms(5_000);
    rig.ends(0, TERMINATED);
    assert_eq!((rig.spawns().len(), rig.leave()), (0, Some(Leave::Exit(0))));
    assert_eq!(rig.engine.next_deadline(), None);
}

#[test]
fn an_update_changes_the_schedule_at_once_and_a_disabled_one_never_runs() {
    let mut rig = Rig::booted(&timed("0 * * * *", Overlap::Skip));
    let change = |rig: &mut Rig, text: Option<&str>, disabled: bool| {
        let mut web = program("web", "web");
        web.native.schedule = text.and_then(|text| schedule(text, Overlap::Skip));
        web.native.disabled = disabled.then(|| "no".into());
        let group = Rc::new(group("web", 999, vec![web]));
        rig.step(Input::Change(vec![Change { slot: 0, group, member: 0, restart: false }]));
    };
    change(&mut rig, Some("* * * * *"), false);
    assert!(rig.note().starts_with("next run 2023-11-14 22:14:00"), "{}", rig.note());
    change(&mut rig, Some("* * * * *"), true);
    assert_eq!(rig.note(), "disabled: `no` is false");
    assert_eq!(rig.engine.next_deadline(), None);
    change(&mut rig, Some("* * * * *"), false);
    assert!(rig.engine.follows_clock() && rig.engine.next_deadline().is_some());
    change(&mut rig, None, false);
    assert_eq!((rig.engine.follows_clock(), rig.engine.next_deadline()), (false, None));
    assert_eq!(rig.now.wall, Wall(START));
}

#[test]
fn a_program_that_goes_takes_its_schedule_along() {
    let mut rig = Rig::booted(&timed("* * * * *", Overlap::Skip));
    rig.step(Input::Retire { slots: vec![0] });
    assert!(rig.out.contains(&Action::Vacated(0)));
    assert_eq!((rig.engine.follows_clock(), rig.engine.next_deadline()), (false, None));
}

#[test]
fn whatever_happens_runs_come_one_by_one_and_no_time_brings_two() {
    for seed in 1..200u64 {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut below = |n: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % n
        };
        let overlap = [Overlap::Skip, Overlap::Queue, Overlap::Replace][below(3) as usize];
        let text = ["* * * * * *", "*/7 * * * * *", "0 */2 * * * *", "@every 5s"][below(4) as usize];
        let mut rig = Rig::booted(&timed(text, overlap));
        let (mut live, mut due, mut n_runs) = (None, Vec::new(), 0);
        for pid in 100..400 {
            match below(12) {
                0 => rig.set_clock(i64::try_from(below(4_000)).expect("small")),
                1 => rig.set_clock(-i64::try_from(below(4_000)).expect("small")),
                2 if live.is_some() => rig.exits(0, 0),
                3 if live.is_some() => rig.ends(0, TERMINATED),
                4 => drop(rig.stop(false)),
                _ => rig.pass_ms(below(3_000)),
            }
            assert_eq!(rig.bugs(), 0, "{:?}", rig.out);
            if !matches!(rig.state(0), State::Running | State::Stopping) {
                live = None;
            }
            if !rig.spawns().is_empty() {
                assert_eq!((rig.spawns().len(), live), (1, None), "two at once");
                rig.spawn_ok(0, pid);
                live = Some(pid);
                n_runs += 1;
                due.push(rig.now.wall.secs());
            }
            assert!(
                rig.engine.next_deadline().is_some_and(|at| at > rig.now.mono),
                "the schedule has stopped"
            );
        }
        assert!(n_runs > 0, "{text}: hardly anything ran");
        if overlap == Overlap::Skip && !text.starts_with('@') {
            due.dedup();
            assert_eq!(due.len(), n_runs, "{text}: a time brought two runs");
        }
    }
}

#[test]
fn what_happens_next_is_the_next_run() {
    let mut rig = Rig::booted(&timed("0 3 * * *", Overlap::Skip));
    let next = |rig: &Rig| rig.engine.outlook(0, rig.now).expect("it is there");
    let at = "started by its schedule at 2023-11-15 03:00:00 UTC";
    assert_eq!(next(&rig).text, format!("{at}; `ctl start web` starts it at once"));
    assert!(next(&rig).in_ns.is_some_and(|ns| ns / 1_000_000_000 == 17_200), "{:?}", next(&rig));
    rig.start(false);
    rig.spawn_ok(0, 100);
    assert_eq!(next(&rig).text, format!("not restarted after an exit; {at}"));
    rig.exits(0, 1);
    assert!(next(&rig).text.starts_with(at), "{:?}", next(&rig));
}

#[test]
fn no_run_begins_once_the_end_follows_a_drain() {
    let mut config = timed("* * * * * *", Overlap::Skip);
    config.supervisor.drain_delay_ms = 5_000;
    let mut rig = Rig::booted(&config);
    rig.step(Input::Shutdown { signal: Signal::TERM });
    rig.pass_ms(3_000);
    assert!(rig.spawns().is_empty());
    assert!(
        rig.logs().iter().any(|line| line.contains("everything is about to be stopped")),
        "{:?}",
        rig.logs()
    );
    rig.pass_ms(2_000);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}
