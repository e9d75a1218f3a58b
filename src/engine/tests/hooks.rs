//! Hooks: what waits for them, what follows from their failure; and the ladder of stop signals.

use super::*;
use crate::config::model::{HookCommand, Hooks, SignalTarget, StopStep};
use crate::engine::input::{TaskEnd, TaskKind, TaskRef};
use crate::engine::shutdown::Phase;

fn command() -> Option<HookCommand> {
    Some(HookCommand { text: "x".into(), argv: vec!["x".into()] })
}

/// One program with these hooks.
fn hooked(kinds: &[TaskKind], change: impl FnOnce(&mut Program)) -> Config {
    one(|p| {
        let mut hooks = Hooks { timeout_ms: 60_000, ..Hooks::default() };
        for kind in kinds {
            match kind {
                TaskKind::PreStart => hooks.pre_start = command(),
                TaskKind::PostStop => hooks.post_stop = command(),
                TaskKind::StopCommand => hooks.stop_command = command(),
                TaskKind::Readiness | TaskKind::Liveness => panic!("a check is no hook"),
            }
        }
        p.native.hooks = Some(Box::new(hooks));
        change(p);
    })
}

fn ok() -> TaskEnd {
    TaskEnd::Exited { status: ExitStatus::Code(0), said: String::new() }
}

fn failed() -> TaskEnd {
    TaskEnd::Exited { status: ExitStatus::Code(1), said: "no database".into() }
}

impl Rig {
    /// The tasks that are to be run, with their time.
    fn tasks(&self) -> Vec<(TaskRef, i64)> {
        let task = |a: &Action| match a {
            Action::RunTask { task, timeout_ms } => Some((*task, *timeout_ms)),
            _ => None,
        };
        self.out.iter().filter_map(task).collect()
    }

    /// The one task of the last step, which has to be of this kind.
    fn task(&self, kind: TaskKind) -> TaskRef {
        match self.tasks().as_slice() {
            [(task, _)] if task.kind == kind => *task,
            other => panic!("no single {kind:?} in {other:?}"),
        }
    }

    fn task_ends(&mut self, task: TaskRef, end: TaskEnd) {
        self.step(Input::TaskEnded { task, end });
    }

    fn ended_tasks(&self) -> usize {
        self.out.iter().filter(|a| matches!(a, Action::EndTask(_))).count()
    }
}

#[test]
fn nothing_is_forked_before_pre_start_has_succeeded() {
    let mut rig = Rig::booted(&hooked(&[TaskKind::PreStart], |_| {}));
    assert_eq!((rig.state(0), rig.spawns().len()), (State::Starting, 0));
    assert_eq!(rig.tasks()[0].1, 60_000);
    let task = rig.task(TaskKind::PreStart);
    assert_eq!(task.proc, rig.proc(0), "it is the hook of the incarnation that is to be started");
    rig.pass_ms(30_000);
    rig.task_ends(task, ok());
    assert_eq!(rig.spawns(), ["web"]);
    rig.spawn_ok(0, 100);
    rig.pass_ms(999);
    assert_eq!(rig.state(0), State::Starting, "startsecs count from the fork");
    rig.pass_ms(2);
    assert_eq!(rig.state(0), State::Running);
}

#[test]
fn a_failed_pre_start_is_a_failed_start_and_tried_again() {
    let mut rig = Rig::booted(&hooked(&[TaskKind::PreStart], |p| p.startretries = 1));
    let first = rig.task(TaskKind::PreStart);
    rig.task_ends(first, failed());
    assert_eq!(rig.changes(), ["web STARTING>BACKOFF"]);
    assert_eq!(rig.logs(), ["INFO spawnerr: pre_start failed: exit status 1: no database"]);
    let info = &rig.engine.process_infos(rig.now)[0];
    assert_eq!(info.spawnerr, "pre_start failed: exit status 1: no database");
    rig.pass_ms(1_001);
    let second = rig.task(TaskKind::PreStart);
    assert_ne!(first, second);
    rig.task_ends(second, TaskEnd::TimedOut);
    assert_eq!(rig.changes(), ["web STARTING>BACKOFF", "web BACKOFF>FATAL"]);
    assert_eq!(rig.spawns().len(), 0);
}

#[test]
fn a_start_that_waits_for_pre_start_is_answered_when_it_fails() {
    let mut rig = Rig::booted(&hooked(&[TaskKind::PreStart], |p| p.autostart = false));
    let id = rig.start(false);
    assert_eq!(rig.replies(), []);
    let task = rig.task(TaskKind::PreStart);
    rig.task_ends(task, TaskEnd::NotStarted("can't find command 'x'".into()));
    assert_eq!(rig.replies()[0].0, id);
    assert_eq!(rig.fault(), "SPAWN_ERROR: web");
}

#[test]
fn a_stop_ends_pre_start_and_the_next_start_waits_for_its_end() {
    let mut rig = Rig::booted(&hooked(&[TaskKind::PreStart], |_| {}));
    let first = rig.task(TaskKind::PreStart);
    rig.stop(true);
    assert_eq!((rig.state(0), rig.ended_tasks()), (State::Stopped, 1));
    assert_eq!(rig.replies().len(), 1);
    rig.start(false);
    assert_eq!((rig.state(0), rig.tasks().len()), (State::Starting, 0), "the first has not ended yet");
    rig.task_ends(first, TaskEnd::Cancelled);
    let second = rig.task(TaskKind::PreStart);
    rig.task_ends(second, ok());
    assert_eq!(rig.spawns(), ["web"]);
}

#[test]
fn a_hook_that_succeeds_after_it_was_cancelled_starts_nothing() {
    let mut rig = Rig::booted(&hooked(&[TaskKind::PreStart], |_| {}));
    let task = rig.task(TaskKind::PreStart);
    rig.stop(false);
    rig.task_ends(task, ok());
    assert_eq!((rig.state(0), rig.spawns().len()), (State::Stopped, 0));
    rig.task_ends(task, ok());
    assert_eq!(rig.out.len(), 1, "late news is a line of the log: {:?}", rig.out);
}

#[test]
fn the_next_start_waits_for_post_stop_whatever_the_end() {
    for startsecs in [0, 1_000] {
        let mut rig = Rig::spawned(&hooked(&[TaskKind::PostStop], |p| p.startsecs_ms = startsecs));
        rig.exits(0, 1);
        let task = rig.task(TaskKind::PostStop);
        rig.pass_ms(20_000);
        assert_eq!(rig.state(0), State::Starting);
        assert_eq!(rig.spawns().len(), 0);
        rig.task_ends(task, failed());
        assert_eq!(rig.spawns(), ["web"], "its failure changes nothing");
        assert_eq!(rig.logs(), ["WARN post_stop of web failed: exit status 1: no database"]);
    }
}

#[test]
fn post_stop_comes_once_after_a_stop() {
    let mut rig = Rig::running(&hooked(&[TaskKind::PostStop], |p| p.killasgroup = true));
    rig.stop(true);
    assert_eq!(rig.tasks(), []);
    rig.ends(0, TERMINATED);
    assert_eq!(rig.tasks(), [], "members of its group may be left");
    rig.checked(0, false);
    let task = rig.task(TaskKind::PostStop);
    assert_eq!((rig.state(0), rig.replies().len()), (State::Stopped, 1));
    assert_eq!(rig.engine.process_infos(rig.now)[0].note, "running post_stop");
    rig.task_ends(task, ok());
    assert_eq!(rig.tasks(), []);
    assert_eq!(rig.engine.process_infos(rig.now)[0].note, "");
}

#[test]
fn without_a_process_there_is_no_post_stop() {
    let mut rig = Rig::booted(&hooked(&[TaskKind::PostStop], |_| {}));
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    assert_eq!((rig.state(0), rig.tasks().len()), (State::Backoff, 0));
}

#[test]
fn a_shutdown_waits_for_post_stop() {
    let mut rig = Rig::running(&hooked(&[TaskKind::PostStop], |_| {}));
    rig.step(Input::Shutdown { signal: Signal::TERM });
    rig.exits(0, 0);
    let task = rig.task(TaskKind::PostStop);
    assert_eq!((rig.state(0), rig.leave()), (State::Stopped, None));
    rig.task_ends(task, TaskEnd::TimedOut);
    assert_eq!(rig.leave(), Some(Leave::Exit(0)));
}

#[test]
fn the_end_of_the_main_program_waits_for_its_post_stop() {
    let mut rig = Rig::running(&hooked(&[TaskKind::PostStop], |p| {
        p.main = true;
        p.autorestart = Autorestart::Never;
    }));
    rig.exits(0, 7);
    let task = rig.task(TaskKind::PostStop);
    assert_eq!((rig.state(0), rig.leave()), (State::Exited, None));
    rig.task_ends(task, ok());
    assert_eq!(rig.leave(), Some(Leave::Exit(7)));
}

#[test]
fn a_shutdown_ends_pre_start_and_starts_nothing() {
    let mut rig = Rig::booted(&hooked(&[TaskKind::PreStart], |_| {}));
    let task = rig.task(TaskKind::PreStart);
    rig.step(Input::Shutdown { signal: Signal::TERM });
    assert_eq!((rig.state(0), rig.ended_tasks(), rig.leave()), (State::Stopped, 1, None));
    rig.task_ends(task, ok());
    assert_eq!((rig.spawns().len(), rig.leave()), (0, Some(Leave::Exit(0))));
    assert_eq!(rig.engine.phase, Phase::Left);
}

#[test]
fn a_removed_program_is_gone_only_when_its_post_stop_has_ended() {
    let mut rig = Rig::running(&hooked(&[TaskKind::PostStop], |_| {}));
    rig.step(Input::Retire { slots: vec![0] });
    rig.exits(0, 0);
    let task = rig.task(TaskKind::PostStop);
    assert!(!rig.out.contains(&Action::Vacated(0)));
    rig.task_ends(task, ok());
    assert!(rig.out.contains(&Action::Vacated(0)));
}

#[test]
fn stop_command_stands_in_place_of_the_signal_and_kill_comes_at_the_end_of_the_grace() {
    let mut rig = Rig::running(&hooked(&[TaskKind::StopCommand], |p| p.stopwaitsecs_ms = 3_000));
    rig.stop(false);
    assert_eq!((rig.state(0), rig.kills()), (State::Stopping, vec![]));
    assert_eq!(rig.tasks()[0].1, 3_000, "it has no more time than the process");
    let task = rig.task(TaskKind::StopCommand);
    rig.pass_ms(1_000);
    rig.task_ends(task, ok());
    assert_eq!(rig.kills(), []);
    rig.pass_ms(1_999);
    assert_eq!(rig.kills(), []);
    rig.pass_ms(1);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::KILL)]);
}

#[test]
fn a_stop_command_that_fails_is_followed_by_the_signal() {
    for end in [failed(), TaskEnd::NotStarted("can't find command 'x'".into())] {
        let mut rig = Rig::running(&hooked(&[TaskKind::StopCommand], |_| {}));
        rig.stop(false);
        let task = rig.task(TaskKind::StopCommand);
        rig.task_ends(task, end);
        assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
        assert!(rig.logs()[0].starts_with("WARN stop_command of web failed: "), "{:?}", rig.logs());
    }
}

#[test]
fn a_stop_command_may_go_on_after_the_process_and_post_stop_comes_after_it() {
    let mut rig = Rig::running(&hooked(&[TaskKind::StopCommand, TaskKind::PostStop], |_| {}));
    rig.stop(false);
    let stopping = rig.task(TaskKind::StopCommand);
    rig.exits(0, 0);
    assert_eq!((rig.state(0), rig.tasks().len()), (State::Stopped, 0));
    rig.start(false);
    assert_eq!(rig.state(0), State::Starting);
    rig.task_ends(stopping, failed());
    assert_eq!(rig.kills(), [], "nobody is left to be signalled");
    let cleaning = rig.task(TaskKind::PostStop);
    assert_eq!(cleaning.proc.incarnation, 1);
    rig.task_ends(cleaning, ok());
    assert_eq!(rig.spawns(), ["web"]);
}

fn laddered(change: impl FnOnce(&mut Program)) -> Config {
    let step = |after_ms, signal| StopStep { after_ms, signal };
    one(|p| {
        p.native.stop_ladder =
            vec![step(2_000, Signal::QUIT), step(500, Signal::INT), step(1_000, Signal::KILL)];
        change(p);
    })
}

#[test]
fn the_ladder_is_climbed_at_its_own_pace_and_ends_with_kill() {
    let mut rig = Rig::running(&laddered(|_| {}));
    rig.stop(false);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    for (ms, signal) in [(2_000, Signal::QUIT), (500, Signal::INT), (1_000, Signal::KILL)] {
        rig.pass_ms(ms - 1);
        assert_eq!(rig.kills(), []);
        rig.pass_ms(1);
        assert_eq!(rig.kills(), [(100, Scope::Process, signal)]);
    }
    rig.pass_ms(10_000);
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::KILL)], "again, at the pace of stopwaitsecs");
    rig.ends(0, TERMINATED);
    rig.start(false);
    rig.spawn_ok(0, 101);
    rig.stop(false);
    assert_eq!(rig.kills(), [(101, Scope::Process, Signal::TERM)], "the next stop begins at the bottom");
}

#[test]
fn the_ladder_reaches_what_is_left_of_a_tree() {
    let mut rig = Rig::running(&laddered(|p| p.native.signal_target = Some(SignalTarget::Tree)));
    rig.stop(false);
    assert_eq!(rig.kills(), [(100, Scope::Tree, Signal::TERM)]);
    rig.ends(0, TERMINATED);
    rig.checked(0, true);
    rig.pass_ms(2_000);
    assert_eq!(rig.kills(), [(100, Scope::Tree, Signal::QUIT)]);
    rig.pass_ms(1_500);
    assert_eq!(rig.kills(), [(100, Scope::Tree, Signal::INT), (100, Scope::Tree, Signal::KILL)]);
}

#[test]
fn the_ladder_reaches_the_group_where_the_first_signal_did() {
    let mut rig = Rig::running(&laddered(|p| {
        p.stopasgroup = true;
        p.killasgroup = true;
    }));
    rig.stop(false);
    rig.ends(0, TERMINATED);
    rig.checked(0, true);
    rig.pass_ms(2_000);
    assert_eq!(rig.kills(), [(100, Scope::Group, Signal::QUIT)], "who is left of the group gets it too");
    rig.pass_ms(1_500);
    assert_eq!(rig.kills(), [(100, Scope::Group, Signal::INT), (100, Scope::Group, Signal::KILL)]);
}

#[test]
fn when_the_budget_is_spent_the_ladder_is_left_out_and_hooks_are_ended() {
    let mut config = hooked(&[TaskKind::StopCommand, TaskKind::PostStop], |p| {
        p.native.stop_ladder = vec![StopStep { after_ms: 60_000, signal: Signal::QUIT }];
    });
    config.supervisor.shutdown_timeout_ms = Some(5_000);
    let mut rig = Rig::running(&config);
    rig.step(Input::Shutdown { signal: Signal::TERM });
    let stopping = rig.tasks();
    assert!(stopping[0].1 <= 5_000, "a command has no more time than the whole");
    rig.pass_ms(5_000);
    assert_eq!(rig.kills().first().map(|k| k.2), Some(Signal::KILL));
    assert_eq!(rig.ended_tasks(), 1);
    rig.task_ends(stopping[0].0, TaskEnd::Cancelled);
    rig.ends(0, ExitStatus::Signal { signal: Signal::KILL, core: false });
    assert_eq!((rig.tasks().len(), rig.leave()), (0, Some(Leave::Exit(0))), "no time is left for post_stop");
}

#[test]
fn a_hook_that_fails_or_takes_too_long_is_a_failed_start() {
    use crate::control::EndReason;
    for (end, reason, why) in [
        (TaskEnd::NotStarted("no such file".into()), EndReason::Spawn, "pre_start failed: no such file"),
        (TaskEnd::TimedOut, EndReason::Timeout, "pre_start failed: it took too long and was killed"),
    ] {
        let mut rig = Rig::booted(&hooked(&[TaskKind::PreStart], |_| {}));
        let task = rig.task(TaskKind::PreStart);
        rig.task_ends(task, end);
        let told = rig.out.iter().find_map(|a| if let Action::Ended(facts) = a { Some(facts) } else { None });
        let facts = told.expect("its end is told");
        assert_eq!((facts.reason, facts.status, facts.tries), (reason, None, 1));
        assert_eq!(facts.why, why);
    }
}
