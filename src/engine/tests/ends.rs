//! Every end is told once, with its reason; and what comes next is what comes next.

use super::*;
use crate::config::model::{Autorestart, Backoff};
use crate::control::EndReason;
use crate::engine::action::EndFacts;

const KILLED: ExitStatus = ExitStatus::Signal { signal: Signal::KILL, core: false };

fn ended(rig: &Rig) -> EndFacts {
    let mut all =
        rig.out.iter().filter_map(|a| if let Action::Ended(facts) = a { Some(facts) } else { None });
    let facts = all.next().unwrap_or_else(|| panic!("no end in {:?}", rig.out));
    assert_eq!(all.next(), None, "told twice");
    facts.clone()
}

fn next(rig: &Rig) -> String {
    rig.engine.outlook(0, rig.now).expect("it is there").text
}

fn plain() -> Config {
    one(|p| p.autorestart = Autorestart::Never)
}

#[test]
fn an_end_by_itself_is_an_exit_or_a_signal() {
    let mut rig = Rig::running(&plain());
    rig.exits(0, 3);
    let facts = ended(&rig);
    assert_eq!((facts.reason, facts.status, facts.tries), (EndReason::Exit, Some(ExitStatus::Code(3)), 0));
    assert_eq!((facts.expected, facts.killed, facts.uptime_ns), (false, false, 1_001_000_000));
    let mut rig = Rig::running(&plain());
    rig.ends(0, KILLED);
    assert_eq!((ended(&rig).reason, ended(&rig).killed), (EndReason::Signal, false));
    let mut rig = Rig::running(&plain());
    rig.command(Command::Signal { target: web(), signal: Signal::KILL });
    rig.ends(0, KILLED);
    assert_eq!((ended(&rig).reason, ended(&rig).killed), (EndReason::Signal, true));
}

#[test]
fn a_failed_start_is_told_with_its_number_and_why() {
    let mut rig = Rig::booted(&one(|p| p.startretries = 1));
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    let facts = ended(&rig);
    assert_eq!((facts.reason, facts.status, facts.tries), (EndReason::Spawn, None, 1));
    assert_eq!((facts.why.as_str(), facts.uptime_ns), ("can't find command 'x'", 0));
    assert_eq!(next(&rig), "retry 1 of 1 in 1.0 s");
    rig.pass_ms(1_001);
    rig.spawn_ok(0, 101);
    assert_eq!(
        next(&rig),
        "RUNNING in 1.0 s if it stays up (startsecs); an exit before that is a failed start"
    );
    rig.step(Input::ExecFailed { proc: rig.proc(0), text: "cannot change user".into() });
    rig.exits(0, 1);
    let facts = ended(&rig);
    assert_eq!((facts.reason, facts.status, facts.tries), (EndReason::Spawn, Some(ExitStatus::Code(1)), 2));
    assert_eq!(facts.why, "cannot change user");
    assert_eq!(
        next(&rig),
        "will not be started again: 2 failed starts (startretries = 1); `ctl start web` tries again"
    );
    rig.start(false);
    rig.spawn_ok(0, 102);
    rig.exits(0, 0);
    assert_eq!((ended(&rig).reason, ended(&rig).tries, ended(&rig).why.as_str()), (EndReason::Exit, 1, ""));
}

#[test]
fn who_was_asked_to_stop_has_stopped_or_was_killed_in_the_end() {
    let mut rig = Rig::running(&plain());
    rig.stop(false);
    assert_eq!(next(&rig), "SIGKILL in 10.0 s if it has not ended");
    rig.exits(0, 0);
    assert_eq!((ended(&rig).reason, ended(&rig).why.as_str()), (EndReason::Stopped, ""));
    assert_eq!(next(&rig), "stays stopped; `ctl start web` starts it");
    let mut rig = Rig::running(&plain());
    rig.stop(false);
    rig.pass_ms(10_001);
    rig.ends(0, KILLED);
    assert_eq!((ended(&rig).reason, ended(&rig).killed), (EndReason::Timeout, true));
    let stats = rig.engine.process_infos(rig.now)[0].stats;
    assert_eq!((stats.exits_timeout, stats.exits_stopped), (1, 0));
    let mut rig = Rig::running(&plain());
    rig.step(Input::Shutdown { signal: Signal::TERM });
    rig.exits(0, 0);
    assert_eq!(
        (ended(&rig).reason, ended(&rig).why.as_str()),
        (EndReason::Stopped, "everything is being stopped")
    );
}

#[test]
fn a_failed_check_is_the_reason_of_the_stop_that_follows() {
    let mut rig = Rig::running(&plain());
    let now = rig.now;
    let mut out = Vec::new();
    rig.engine.with_slot(now, 0, &mut out, |slot, cx| slot.recycle("liveness: exit status 1", cx));
    assert!(next(&rig).ends_with("; then it is started again"), "{}", next(&rig));
    rig.ends(0, ExitStatus::Signal { signal: Signal::TERM, core: false });
    assert_eq!(
        (ended(&rig).reason, ended(&rig).why.as_str()),
        (EndReason::Liveness, "liveness: exit status 1")
    );
    assert_eq!(rig.engine.process_infos(rig.now)[0].stats.exits_liveness, 1);
    // The next life knows nothing of it.
    rig.spawn_ok(0, 101);
    rig.pass_ms(1_001);
    rig.exits(0, 0);
    assert_eq!(ended(&rig).reason, EndReason::Exit);
}

#[test]
fn an_update_is_a_reason() {
    let mut rig = Rig::running(&plain());
    rig.step(Input::Retire { slots: vec![0] });
    rig.exits(0, 0);
    assert_eq!(ended(&rig).why, "it is not configured any more");
}

#[test]
fn what_follows_an_exit_is_the_policys() {
    let text = |change: fn(&mut Program)| next(&Rig::running(&one(change)));
    assert_eq!(text(|_| {}), "restarted at once after an exit that is not expected (exitcodes = 0)");
    assert_eq!(
        text(|p| p.autorestart = Autorestart::Never),
        "not restarted after an exit (autorestart = false)"
    );
    let always = text(|p| {
        p.autorestart = Autorestart::Always;
        p.backoff = Backoff::CONTAINER;
    });
    assert_eq!(always, "restarted after 1.0 s to 1 min 0 s after any exit (autorestart = true)");
    let mut rig = Rig::running(&plain());
    rig.exits(0, 0);
    assert_eq!(
        next(&rig),
        "will not be started again: it ended as expected (autorestart = false); `ctl start web` starts it"
    );
    let idle = Rig::booted(&one(|p| p.autostart = false));
    assert_eq!(next(&idle), "not started by itself (autostart = false); `ctl start web` starts it");
}

#[test]
fn a_one_shot_that_fails_says_how_often_it_is_tried() {
    let mut rig = Rig::running(&one(|p| {
        p.native.oneshot = true;
        p.startretries = 1;
    }));
    assert_eq!(
        next(&rig),
        "runs once; tried again unless it ends as expected (exitcodes = 0, startretries = 1)"
    );
    rig.exits(0, 3);
    assert_eq!((ended(&rig).reason, ended(&rig).tries), (EndReason::Exit, 0));
    assert_eq!(next(&rig), "retry 1 of 1 in 1.0 s");
    rig.pass_ms(1_001);
    rig.spawn_ok(0, 101);
    rig.exits(0, 3);
    assert_eq!(
        next(&rig),
        "will not be started again: 2 failed runs (startretries = 1); `ctl start web` tries again"
    );
    rig.start(false);
    rig.spawn_ok(0, 102);
    rig.exits(0, 0);
    assert_eq!(
        next(&rig),
        "will not be started again: it has done its work; `ctl start web` starts it once more"
    );
}

#[test]
fn too_many_restarts_are_the_reason_to_give_up() {
    let mut rig = Rig::running(&one(|p| {
        p.autorestart = Autorestart::Always;
        p.native.max_restarts = Some(0);
        p.native.restart_window_ms = 60_000;
    }));
    rig.exits(0, 0);
    assert_eq!(
        next(&rig),
        "will not be started again: 0 restarts within 60 seconds (max_restarts); `ctl start web` tries again"
    );
}

#[test]
fn the_next_step_of_a_ladder_is_what_comes_next() {
    use crate::config::model::StopStep;
    let mut rig = Rig::running(&one(|p| {
        let step = |after_ms, signal| StopStep { after_ms, signal };
        p.native.stop_ladder = vec![step(10_000, Signal::QUIT), step(5_000, Signal::KILL)];
        p.native.critical = true;
    }));
    assert!(next(&rig).ends_with("; once it is not, everything is stopped (critical)"), "{}", next(&rig));
    rig.stop(false);
    assert_eq!(next(&rig), "SIGQUIT in 10.0 s if it has not ended");
    rig.pass_ms(10_001);
    assert!(next(&rig).starts_with("SIGKILL in 4.9 s") || next(&rig).starts_with("SIGKILL in 5.0 s"));
    rig.ends(0, ExitStatus::Signal { signal: Signal::QUIT, core: false });
    assert_eq!((ended(&rig).reason, ended(&rig).killed), (EndReason::Stopped, false));
}
