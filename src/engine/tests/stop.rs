//! Stop, escalation, process groups.

use super::*;
use crate::config::model::SignalTarget;

#[test]
fn stop_sends_the_stop_signal_to_the_process_and_waits_for_its_end() {
    let mut rig = Rig::running(&one(|p| p.stopsignal = Signal::QUIT));
    rig.stop(true);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::QUIT)]);
    assert_eq!(rig.changes(), ["web RUNNING>STOPPING"]);
    assert_eq!(rig.logs(), ["INFO waiting for web to stop"]);
    rig.ends(0, TERMINATED);
    let change = rig.published(State::Stopped);
    assert_eq!((change.pid, change.status), (100, Some(TERMINATED)));
    assert_eq!(rig.logs(), ["WARN stopped: web (terminated by SIGTERM)"]);
    assert_eq!(rig.engine.next_deadline(), None);
}

#[test]
fn a_stop_that_ends_with_an_expected_code_is_not_a_warning() {
    let mut rig = Rig::running(&one(|_| {}));
    rig.stop(false);
    rig.exits(0, 0);
    assert_eq!(rig.logs(), ["INFO stopped: web (exit status 0)"]);
}

#[test]
fn a_stopped_process_is_not_restarted_by_its_policy() {
    let mut rig = Rig::running(&one(|p| p.autorestart = Autorestart::Always));
    rig.stop(false);
    rig.exits(0, 1);
    assert_eq!(rig.changes(), ["web STOPPING>STOPPED"]);
    rig.pass_ms(100_000);
    assert_eq!(rig.state(0), State::Stopped);
    assert_eq!(rig.engine.process_infos(rig.now)[0].stats.exits_stopped, 1);
}

#[test]
fn after_the_grace_comes_sigkill_and_again() {
    let mut rig = Rig::running(&one(|p| p.stopwaitsecs_ms = 2_000));
    rig.stop(false);
    rig.pass_ms(1_999);
    assert_eq!(rig.kills(), []);
    rig.pass_ms(1);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::KILL)]);
    assert_eq!(rig.logs(), ["WARN killing 'web' (100) with SIGKILL"]);
    rig.pass_ms(2_000);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::KILL)]);
}

#[test]
fn without_a_grace_sigkill_is_not_repeated_faster_than_once_a_second() {
    for grace in [0, -3_000] {
        let mut rig = Rig::running(&one(|p| p.stopwaitsecs_ms = grace));
        rig.stop(false);
        rig.pass_ms(3_500);
        assert_eq!(rig.kills().len(), 4);
    }
}

#[test]
fn stopasgroup_and_killasgroup_say_whom_a_signal_reaches() {
    for (stop, kill) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut rig = Rig::running(&one(|p| {
            p.stopasgroup = stop;
            p.killasgroup = kill;
        }));
        let scope = |as_group| if as_group { Scope::Group } else { Scope::Process };
        rig.stop(false);
        assert_eq!(rig.kills(), [(100, scope(stop), Signal::TERM)]);
        rig.pass_ms(10_000);
        assert_eq!(rig.kills(), [(100, scope(kill), Signal::KILL)]);
    }
}

#[test]
fn signal_target_stands_in_place_of_both() {
    let targets = [
        (SignalTarget::Process, Scope::Process),
        (SignalTarget::Group, Scope::Group),
        (SignalTarget::Tree, Scope::Tree),
    ];
    for (target, scope) in targets {
        let mut rig = Rig::running(&one(|p| {
            p.native.signal_target = Some(target);
            p.stopasgroup = scope == Scope::Process;
            p.killasgroup = scope == Scope::Process;
        }));
        rig.command(Command::Signal { target: web(), signal: Signal::HUP });
        assert_eq!(rig.kills(), [(100, scope, Signal::HUP)]);
        rig.stop(false);
        assert_eq!(rig.kills(), [(100, scope, Signal::TERM)]);
        rig.pass_ms(10_000);
        assert_eq!(rig.kills(), [(100, scope, Signal::KILL)]);
    }
}

#[test]
fn a_tree_is_stopped_when_nothing_of_it_is_left() {
    let mut rig = Rig::running(&one(|p| p.native.signal_target = Some(SignalTarget::Tree)));
    rig.stop(false);
    rig.exits(0, 0);
    let look = Action::CheckGroup { proc: rig.proc(0), pid: Pid(100), scope: Scope::Tree };
    assert!(rig.out.contains(&look), "{:?}", rig.out);
    rig.checked(0, true);
    assert_eq!((rig.kills(), rig.state(0)), (vec![], State::Stopping), "it was asked, and has its grace");
    rig.pass_ms(10_000);
    assert_eq!(rig.kills(), [(100, Scope::Tree, Signal::KILL)]);
    rig.checked(0, false);
    assert_eq!(rig.state(0), State::Stopped);
}

#[test]
fn with_the_process_as_target_its_end_is_the_end() {
    let mut rig = Rig::running(&one(|p| {
        p.native.signal_target = Some(SignalTarget::Process);
        p.killasgroup = true;
    }));
    rig.stop(false);
    rig.exits(0, 0);
    assert_eq!((checks(&rig), rig.state(0)), (0, State::Stopped));
}

#[test]
fn stop_during_backoff_goes_to_stopped_without_a_signal_and_keeps_the_count() {
    let mut rig = Rig::spawned(&one(|_| {}));
    rig.exits(0, 1);
    let id = rig.stop(true);
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
    assert_eq!(rig.changes(), ["web BACKOFF>STOPPED"]);
    assert_eq!(rig.published(State::Stopped).pid, 0);
    assert_eq!((rig.kills(), rig.engine.next_deadline()), (vec![], None));
    rig.start(false);
    assert_eq!(rig.published(State::Starting).tries, 1);
}

#[test]
fn a_stop_that_comes_before_the_fork_is_known_is_not_lost() {
    let mut rig = Rig::booted(&one(|_| {}));
    let id = rig.stop(true);
    assert_eq!((rig.kills(), rig.state(0)), (vec![], State::Starting));
    rig.spawn_ok(0, 100);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    assert_eq!(rig.changes(), ["web STARTING>STOPPING"]);
    rig.ends(0, TERMINATED);
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
}

#[test]
fn a_stop_before_a_spawn_that_fails_ends_in_stopped() {
    let mut rig = Rig::booted(&one(|_| {}));
    let id = rig.stop(true);
    rig.spawn_fails(0, SpawnErrorKind::Other, "too many open files to spawn 'web'");
    assert_eq!(rig.changes(), ["web STARTING>BACKOFF", "web BACKOFF>STOPPED"]);
    assert_eq!(rig.replies(), [(id, Outcome::Done)]);
    assert_eq!(rig.engine.next_deadline(), None);
}

fn checks(rig: &Rig) -> usize {
    rig.out.iter().filter(|a| matches!(a, Action::CheckGroup { pid: Pid(100), .. })).count()
}

#[test]
fn with_killasgroup_a_leader_that_leaves_nobody_behind_is_stopped_after_one_look() {
    let mut rig = Rig::running(&one(|p| p.killasgroup = true));
    rig.stop(false);
    rig.exits(0, 0);
    assert_eq!((checks(&rig), rig.state(0)), (1, State::Stopping));
    assert_eq!(rig.engine.process_infos(rig.now)[0].pid, 0);
    rig.checked(0, false);
    assert_eq!(rig.state(0), State::Stopped);
    assert_eq!(rig.published(State::Stopped).pid, 100);
    assert_eq!(rig.logs(), ["INFO stopped: web (exit status 0)"]);
    assert_eq!(rig.engine.next_deadline(), None);
}

#[test]
fn members_who_were_never_asked_are_killed_when_their_leader_is_gone() {
    let mut rig = Rig::running(&one(|p| p.killasgroup = true));
    rig.stop(false);
    rig.exits(0, 0);
    rig.checked(0, true);
    assert_eq!(rig.kills(), [(100, Scope::Group, Signal::KILL)]);
    rig.pass_ms(100);
    assert_eq!((checks(&rig), rig.kills()), (1, vec![]));
    rig.checked(0, true);
    assert_eq!(rig.kills(), [], "once is enough until the grace is over again");
    rig.checked(0, false);
    assert_eq!(rig.state(0), State::Stopped);
}

#[test]
fn members_who_were_asked_have_the_rest_of_the_grace() {
    let mut rig = Rig::running(&one(|p| {
        p.killasgroup = true;
        p.stopasgroup = true;
        p.stopwaitsecs_ms = 250;
    }));
    rig.stop(false);
    rig.pass_ms(10);
    rig.exits(0, 0);
    rig.checked(0, true);
    assert_eq!(rig.kills(), []);
    rig.pass_ms(100);
    assert_eq!(checks(&rig), 1);
    rig.checked(0, true);
    rig.pass_ms(140);
    assert_eq!(rig.kills(), [(100, Scope::Group, Signal::KILL)]);
    rig.checked(0, false);
    assert_eq!(rig.state(0), State::Stopped);
}

#[test]
fn without_killasgroup_the_leaders_death_is_the_end_as_in_supervisor() {
    let mut rig = Rig::running(&one(|p| p.stopasgroup = true));
    rig.stop(false);
    rig.exits(0, 0);
    assert_eq!((checks(&rig), rig.state(0)), (0, State::Stopped));
}

#[test]
fn a_refused_signal_makes_the_state_unknown_until_it_is_reaped() {
    let mut rig = Rig::running(&one(|_| {}));
    let id = rig.stop(true);
    let proc = rig.proc(0);
    rig.step(Input::KillFailed { proc, errno: "EPERM".into() });
    assert_eq!(rig.state(0), State::Unknown);
    assert_eq!(rig.logs(), ["CRIT unknown problem killing web (100):EPERM"]);
    assert_eq!(rig.replies().len(), 1);
    assert_eq!(rig.replies()[0].0, id);
    assert_eq!(rig.fault(), "FAILED: unknown problem killing web (100):EPERM");
    assert_eq!(rig.engine.next_deadline(), None);
    rig.start(true);
    assert_eq!(rig.fault(), "FAILED: web is in an unknown process state");
    rig.exits(0, 0);
    assert_eq!(rig.changes(), ["web UNKNOWN>STOPPED"]);
    assert_eq!(rig.logs(), ["INFO stopped: web (exit status 0)"]);
    assert_eq!(rig.engine.process_infos(rig.now)[0].stats.exits_stopped, 1);
    rig.start(false);
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn a_group_that_cannot_be_killed_does_not_hold_up_the_stop() {
    let mut rig = Rig::running(&one(|p| p.killasgroup = true));
    rig.stop(false);
    rig.exits(0, 0);
    rig.checked(0, true);
    let proc = rig.proc(0);
    rig.step(Input::KillFailed { proc, errno: "EPERM".into() });
    assert_eq!(rig.logs()[0], "WARN cannot kill the process group of web (100): EPERM");
    assert_eq!((rig.state(0), rig.engine.next_deadline()), (State::Stopped, None));
}

#[test]
fn a_new_life_has_its_own_group_to_kill() {
    let mut rig = Rig::running(&one(|p| p.killasgroup = true));
    for _ in 0..2 {
        rig.stop(false);
        rig.exits(0, 0);
        rig.checked(0, true);
        assert_eq!(rig.kills(), [(100, Scope::Group, Signal::KILL)]);
        rig.checked(0, false);
        rig.start(false);
        rig.spawn_ok(0, 100);
    }
}

#[test]
fn every_signal_is_in_the_debug_log() {
    let debug = |rig: &Rig| {
        let line = |a: &Action| match a {
            Action::Log(LogLevel::Debug, text) => Some(text.clone()),
            _ => None,
        };
        rig.out.iter().filter_map(line).collect::<Vec<_>>()
    };
    let mut rig = Rig::running(&one(|p| p.killasgroup = true));
    rig.command(Command::Signal { target: web(), signal: Signal::HUP });
    assert_eq!(debug(&rig), ["sending web (pid 100) sig SIGHUP"]);
    rig.stop(false);
    assert_eq!(debug(&rig), ["killing web (pid 100) with signal SIGTERM"]);
    rig.pass_ms(10_000);
    assert_eq!(debug(&rig), ["killing web (pid 100) process group with signal SIGKILL"]);
    let mut rig = Rig::spawned(&one(|_| {}));
    rig.exits(0, 1);
    rig.stop(false);
    assert_eq!(debug(&rig), ["Attempted to kill web, which is in BACKOFF state."]);
}
