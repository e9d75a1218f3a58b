//! Start, success, exit, backoff.

use super::*;
use crate::config::model::SignalTarget;

#[test]
fn boot_starts_what_has_autostart_in_the_order_of_the_configuration() {
    let mut low = program("b", "low");
    low.priority = 1;
    let mut off = program("b", "off");
    off.autostart = false;
    let config = config(vec![
        group("a", 5, vec![program("a", "first")]),
        group("b", 7, vec![program("b", "high"), low, off]),
    ]);
    let rig = Rig::booted(&config);
    assert_eq!(rig.spawns(), ["first", "high", "low"]);
    assert_eq!(rig.state(3), State::Stopped);
}

#[test]
fn it_is_running_only_after_strictly_more_than_startsecs() {
    let mut rig = Rig::spawned(&one(|_| {}));
    assert_eq!(rig.logs(), ["INFO spawned: 'web' with pid 100"]);
    rig.pass_ms(1_000);
    assert_eq!(rig.state(0), State::Starting);
    rig.pass_ms(1);
    assert_eq!(rig.state(0), State::Running);
    assert_eq!(
        rig.logs(),
        ["INFO success: web entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)"]
    );
    assert_eq!(rig.published(State::Running).pid, 100);
}

#[test]
fn startsecs_count_from_the_fork_not_from_the_wish() {
    let mut rig = Rig::booted(&one(|_| {}));
    rig.now.mono = rig.now.mono.plus_ms(900);
    rig.spawn_ok(0, 100);
    rig.pass_ms(999);
    assert_eq!(rig.engine.process_infos(rig.now)[0].uptime_ns, 999_000_000);
    rig.exits(0, 0);
    assert_eq!(rig.state(0), State::Backoff);
}

#[test]
fn a_wish_to_spawn_counts_as_a_start_time_though_nothing_was_forked() {
    let rig = Rig::booted(&one(|_| {}));
    assert_eq!(rig.engine.process_infos(rig.now)[0].start, rig.now.wall);
}

#[test]
fn a_new_life_forgets_the_last_one() {
    let mut rig = Rig::spawned(&one(|p| p.autorestart = Autorestart::Never));
    let proc = rig.proc(0);
    rig.step(Input::ExecFailed { proc, text: "why".into() });
    rig.pass_ms(1_001);
    rig.exits(0, 3);
    assert_eq!(rig.engine.process_infos(rig.now)[0].exit, Some(ExitStatus::Code(3)));
    rig.start(false);
    let info = &rig.engine.process_infos(rig.now)[0];
    assert_eq!((info.exit, info.spawnerr.as_str()), (None, ""));
    assert_eq!(rig.engine.slots[0].exec_error, None);
}

#[test]
fn success_forgets_failed_starts() {
    let mut rig = Rig::spawned(&one(|_| {}));
    rig.exits(0, 1);
    rig.pass_ms(1_001);
    rig.spawn_ok(0, 101);
    rig.pass_ms(1_001);
    rig.stop(false);
    rig.exits(0, 0);
    rig.start(false);
    assert_eq!(rig.published(State::Starting).tries, 0);
}

#[test]
fn every_end_is_counted_once_under_its_kind() {
    let mut rig = Rig::spawned(&one(|p| p.exitcodes = vec![0, 1]));
    rig.exits(0, 1);
    rig.pass_ms(1_001);
    rig.spawn_ok(0, 101);
    rig.ends(0, TERMINATED);
    rig.pass_ms(2_001);
    rig.spawn_ok(0, 102);
    rig.pass_ms(1_001);
    rig.exits(0, 1);
    rig.start(false);
    rig.spawn_ok(0, 103);
    rig.stop(false);
    rig.ends(0, TERMINATED);
    let want = crate::control::ProcessStats {
        starts: 4,
        restarts: 2,
        exits_expected: 1,
        exits_unexpected: 1,
        exits_signal: 1,
        exits_stopped: 1,
        ..Default::default()
    };
    assert_eq!(rig.engine.process_infos(rig.now)[0].stats, want);
}

#[test]
fn without_startsecs_it_is_running_in_the_step_that_spawned_it() {
    for startsecs in [0, -5_000] {
        let rig = Rig::spawned(&one(|p| p.startsecs_ms = startsecs));
        assert_eq!(rig.state(0), State::Running);
        assert_eq!(rig.engine.next_deadline(), None);
    }
}

#[test]
fn an_exit_before_startsecs_is_a_failed_start_whatever_its_code() {
    let mut rig = Rig::spawned(&one(|p| p.autorestart = Autorestart::Never));
    rig.pass_ms(999);
    rig.exits(0, 0);
    assert_eq!(rig.changes(), ["web STARTING>BACKOFF"]);
    assert_eq!(rig.published(State::Backoff).tries, 1);
    assert_eq!(rig.logs(), ["WARN exited: web (exit status 0; not expected)"]);
    let info = &rig.engine.process_infos(rig.now)[0];
    assert_eq!(info.spawnerr, "Exited too quickly (process log may have details)");
    assert_eq!((info.exit, info.pid, info.stop), (None, 0, rig.now.wall));
}

#[test]
fn an_exit_at_startsecs_that_nobody_had_noticed_is_running_then_exited() {
    let mut rig = Rig::spawned(&one(|_| {}));
    rig.pass_ms(1_000);
    rig.exits(0, 0);
    assert_eq!(rig.changes(), ["web STARTING>RUNNING", "web RUNNING>EXITED"]);
    assert_eq!(rig.logs(), ["INFO exited: web (exit status 0; expected)"]);
    assert!(rig.published(State::Exited).expected);
    assert_eq!(rig.engine.next_deadline(), None);
}

#[test]
fn three_retries_are_four_starts_with_waits_of_one_two_and_three_seconds() {
    let mut rig = Rig::booted(&one(|_| {}));
    for wait in 1..=3 {
        rig.spawn_ok(0, 100);
        rig.exits(0, 1);
        assert_eq!(rig.state(0), State::Backoff);
        rig.pass_ms(wait * 1_000);
        assert_eq!(rig.state(0), State::Backoff, "the retry comes strictly after {wait} s");
        rig.pass_ms(1);
        assert_eq!(rig.spawns(), ["web"]);
        assert_eq!(u64::from(rig.published(State::Starting).tries), wait);
    }
    rig.spawn_ok(0, 100);
    rig.exits(0, 1);
    assert_eq!(rig.changes(), ["web STARTING>BACKOFF", "web BACKOFF>FATAL"]);
    assert_eq!(rig.published(State::Backoff).tries, 4);
    assert_eq!(
        rig.logs(),
        [
            "WARN exited: web (exit status 1; not expected)",
            "INFO gave up: web entered FATAL state, too many start retries too quickly"
        ]
    );
    assert_eq!(rig.engine.next_deadline(), None);
}

#[test]
fn no_retries_or_less_give_up_after_the_first_failure() {
    for startretries in [0, -1] {
        let mut rig = Rig::spawned(&one(|p| p.startretries = startretries));
        rig.exits(0, 1);
        assert_eq!(rig.state(0), State::Fatal);
    }
}

#[test]
fn what_could_not_be_spawned_is_a_failed_start() {
    let mut rig = Rig::booted(&one(|_| {}));
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    assert_eq!(rig.logs(), ["INFO spawnerr: can't find command 'x'"]);
    assert_eq!(rig.changes(), ["web STARTING>BACKOFF"]);
    let info = &rig.engine.process_infos(rig.now)[0];
    assert_eq!(info.spawnerr, "can't find command 'x'");
    assert_eq!((info.stats.spawn_failures, info.stats.starts), (1, 0));
    rig.pass_ms(1_001);
    assert_eq!(rig.engine.process_infos(rig.now)[0].spawnerr, "", "a new try forgets the old error");
}

#[test]
fn a_child_that_could_not_become_the_program_says_why_and_fails_to_start() {
    let mut rig = Rig::spawned(&one(|_| {}));
    let proc = rig.proc(0);
    rig.step(Input::ExecFailed { proc, text: "cannot change to the directory `/x`: ENOENT".into() });
    assert_eq!(rig.logs(), ["WARN cannot start web: cannot change to the directory `/x`: ENOENT"]);
    rig.exits(0, 127);
    let info = &rig.engine.process_infos(rig.now)[0];
    assert_eq!(info.spawnerr, "Exited too quickly (process log may have details)");
    assert_eq!((info.stats.spawn_failures, info.stats.starts), (1, 1));
}

#[test]
fn a_crash_is_restarted_at_once_without_a_limit() {
    let mut rig = Rig::running(&one(|p| p.startsecs_ms = 0));
    for n in 1..=50 {
        rig.exits(0, 1);
        assert_eq!(rig.changes(), ["web RUNNING>EXITED", "web EXITED>STARTING"]);
        assert_eq!(rig.logs(), ["WARN exited: web (exit status 1; not expected)"]);
        rig.spawn_ok(0, 100 + n);
    }
    let stats = rig.engine.process_infos(rig.now)[0].stats;
    assert_eq!((stats.starts, stats.restarts, stats.exits_unexpected), (51, 50, 50));
}

#[test]
fn the_policy_decides_who_is_restarted() {
    let killed = ExitStatus::Signal { signal: Signal::KILL, core: false };
    for (policy, status, again) in [
        (Autorestart::Never, ExitStatus::Code(1), false),
        (Autorestart::Never, killed, false),
        (Autorestart::Always, ExitStatus::Code(0), true),
        (Autorestart::Unexpected, ExitStatus::Code(0), false),
        (Autorestart::Unexpected, ExitStatus::Code(2), false),
        (Autorestart::Unexpected, ExitStatus::Code(1), true),
        (Autorestart::Unexpected, killed, true),
    ] {
        let mut rig = Rig::running(&one(|p| {
            p.autorestart = policy;
            p.exitcodes = vec![0, 2];
        }));
        rig.ends(0, status);
        assert_eq!(!rig.spawns().is_empty(), again, "{policy:?} {status}");
    }
}

#[test]
fn an_unexpected_exit_leaves_its_code_as_the_error() {
    let mut rig = Rig::running(&one(|p| p.autorestart = Autorestart::Never));
    rig.ends(0, TERMINATED);
    let info = &rig.engine.process_infos(rig.now)[0];
    assert_eq!((info.spawnerr.as_str(), info.exit), ("Bad exit code -1", Some(TERMINATED)));
    assert_eq!(rig.logs(), ["WARN exited: web (terminated by SIGTERM; not expected)"]);
    assert_eq!(rig.published(State::Exited).status, Some(TERMINATED));
}

fn exponential(p: &mut Program) {
    p.startsecs_ms = 100;
    p.backoff = Backoff::Exponential {
        initial_ms: 1_000,
        factor_percent: 200,
        max_ms: 5_000,
        jitter_percent: 0,
        reset_after_ms: 10_000,
    };
}

#[test]
fn exponential_backoff_delays_crashes_too_and_never_gives_them_up() {
    let mut rig = Rig::running(&one(exponential));
    for delay in [1_000, 2_000, 4_000, 5_000, 5_000, 5_000] {
        rig.exits(0, 1);
        assert_eq!(rig.changes(), ["web RUNNING>EXITED", "web EXITED>BACKOFF"]);
        assert_eq!(rig.engine.process_infos(rig.now)[0].exit, None);
        rig.pass_ms(delay);
        assert_eq!(rig.state(0), State::Backoff);
        rig.pass_ms(1);
        rig.spawn_ok(0, 7);
        rig.pass_ms(101);
        assert_eq!(rig.state(0), State::Running);
    }
}

#[test]
fn a_long_uptime_starts_exponential_backoff_anew() {
    let mut rig = Rig::running(&one(exponential));
    rig.exits(0, 1);
    rig.pass_ms(1_001);
    rig.spawn_ok(0, 7);
    rig.pass_ms(10_000);
    rig.exits(0, 1);
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn failed_starts_share_the_exponential_sequence_but_are_given_up() {
    let mut rig = Rig::spawned(&one(|p| {
        exponential(p);
        p.startretries = 2;
    }));
    for delay in [1_000, 2_000] {
        rig.exits(0, 1);
        rig.pass_ms(delay);
        assert_eq!(rig.state(0), State::Backoff);
        rig.pass_ms(1);
        rig.spawn_ok(0, 7);
    }
    rig.exits(0, 1);
    assert_eq!(rig.state(0), State::Fatal);
    rig.start(false);
    rig.spawn_ok(0, 8);
    rig.exits(0, 1);
    rig.pass_ms(1_001);
    assert_eq!(rig.spawns(), ["web"], "giving up forgets the sequence");
}

#[test]
fn late_news_of_an_old_incarnation_changes_nothing() {
    let mut rig = Rig::running(&one(|p| p.startsecs_ms = 0));
    let old = rig.proc(0);
    rig.exits(0, 1);
    rig.spawn_ok(0, 101);
    for input in [
        Input::Exited { proc: old, status: ExitStatus::Code(0) },
        Input::Spawned { proc: old, pid: Pid(5) },
        Input::GroupChecked { proc: old, alive: true },
        Input::KillFailed { proc: old, errno: "EPERM".into() },
    ] {
        rig.step(input);
        assert!(matches!(rig.out.as_slice(), [Action::Log(LogLevel::Debug, _)]), "{:?}", rig.out);
        assert_eq!(rig.state(0), State::Running);
    }
}

#[test]
fn what_cannot_happen_is_a_bug_and_changes_nothing() {
    let mut rig = Rig::running(&one(|_| {}));
    let future = ProcRef { slot: 0, incarnation: 9 };
    let nobody = ProcRef { slot: 7, incarnation: 1 };
    let present = rig.proc(0);
    for input in [
        Input::Boot,
        Input::Spawned { proc: present, pid: Pid(5) },
        Input::Spawned { proc: future, pid: Pid(5) },
        Input::Exited { proc: nobody, status: ExitStatus::Code(0) },
    ] {
        rig.step(input);
        assert_eq!((rig.bugs(), rig.out.len()), (1, 1), "{:?}", rig.out);
        assert_eq!(rig.state(0), State::Running);
    }
}

#[test]
fn a_program_of_ours_says_which_step_before_its_exec_failed() {
    for (change, shown) in [
        (None, "Exited too quickly (process log may have details)"),
        (Some(SignalTarget::Group), "cannot raise the limit of open files to 9: Operation not permitted"),
    ] {
        let mut rig = Rig::spawned(&one(|p| p.native.signal_target = change));
        let text = "cannot raise the limit of open files to 9: Operation not permitted".to_owned();
        let proc = rig.proc(0);
        rig.step(Input::ExecFailed { proc, text });
        rig.exits(0, 127);
        assert_eq!(rig.state(0), State::Backoff);
        assert_eq!(rig.engine.process_infos(rig.now)[0].spawnerr, shown);
    }
}
