//! Readiness and liveness: thresholds, periods, and what follows. What a program says by itself is in `told`.

use super::*;
use crate::config::model::{Gates, Probe, ProbeKind};
use crate::control::HealthKind;
use crate::engine::input::{TaskEnd, TaskKind, TaskRef, Told};

pub(super) fn probe(how: ProbeKind) -> Probe {
    Probe {
        how,
        period_ms: 10_000,
        timeout_ms: 1_000,
        initial_delay_ms: 0,
        success_threshold: 1,
        failure_threshold: 3,
    }
}

pub(super) fn tcp() -> Probe {
    probe(ProbeKind::Tcp { address: "127.0.0.1:1".into() })
}

pub(super) fn ready_by(change: impl FnOnce(&mut Probe)) -> Config {
    let mut readiness = tcp();
    change(&mut readiness);
    one(|p| p.native.readiness = Some(Box::new(readiness)))
}

pub(super) fn live_by(change: impl FnOnce(&mut Probe)) -> Config {
    let mut liveness = tcp();
    change(&mut liveness);
    one(|p| p.native.liveness = Some(Box::new(liveness)))
}

impl Rig {
    pub(super) fn begun(&self) -> Vec<TaskRef> {
        let run = |a: &Action| if let Action::RunTask { task, .. } = a { Some(*task) } else { None };
        self.out.iter().filter_map(run).collect()
    }

    /// The one check that the last step began.
    pub(super) fn run(&self) -> TaskRef {
        match self.begun().as_slice() {
            [one] => *one,
            other => panic!("not one run: {other:?}"),
        }
    }

    pub(super) fn cancelled(&self) -> Vec<TaskRef> {
        let end = |a: &Action| if let Action::EndTask(task) = a { Some(*task) } else { None };
        self.out.iter().filter_map(end).collect()
    }

    pub(super) fn passes(&mut self, task: TaskRef) {
        self.step(Input::TaskEnded {
            task,
            end: TaskEnd::Exited { status: ExitStatus::Code(0), said: String::new() },
        });
    }

    pub(super) fn fails(&mut self, task: TaskRef) {
        let end = TaskEnd::Exited { status: ExitStatus::Code(1), said: "connection refused".into() };
        self.step(Input::TaskEnded { task, end });
    }

    /// Lets the next run begin, and answers it.
    pub(super) fn next_answer(&mut self, ok: bool) {
        self.pass_ms(10_000);
        let task = self.run();
        if ok { self.passes(task) } else { self.fails(task) }
    }

    pub(super) fn says(&mut self, what: Told) {
        let proc = self.proc(0);
        self.step(Input::Told { proc, what });
    }

    pub(super) fn is_ready(&self) -> bool {
        self.engine.process_infos(self.now)[0].ready
    }
}

#[test]
fn readiness_is_asked_from_the_fork_on_and_counts_when_it_runs() {
    let mut rig = Rig::spawned(&ready_by(|_| {}));
    let task = rig.run();
    assert_eq!((task.kind, task.proc), (TaskKind::Readiness, rig.proc(0)));
    rig.passes(task);
    assert!(!rig.is_ready(), "it is still STARTING");
    assert_eq!(rig.logs(), ["INFO ready: web (tcp 127.0.0.1:1)"]);
    rig.pass_ms(1_001);
    assert!(rig.is_ready());
}

#[test]
fn running_is_not_ready_where_there_is_a_check() {
    let mut rig = Rig::running(&ready_by(|p| p.initial_delay_ms = 5_000));
    assert!(!rig.is_ready());
    assert_eq!(rig.note(), "not ready: readiness tcp 127.0.0.1:1: not passed yet");
    assert!(!rig.engine.health(HealthKind::Ready, rig.now).ok);
    rig.pass_ms(3_998);
    assert_eq!(rig.begun(), []);
    rig.pass_ms(1);
    rig.fails(rig.run());
    assert_eq!(rig.note(), "not ready: readiness tcp 127.0.0.1:1: connection refused (1 of 3)");
    let report = rig.engine.health(HealthKind::Ready, rig.now);
    assert_eq!(report.checks[0].reason, "RUNNING: readiness tcp 127.0.0.1:1: connection refused (1 of 3)");
}

#[test]
fn a_period_counts_from_start_to_start() {
    let mut rig = Rig::spawned(&ready_by(|p| p.timeout_ms = 60_000));
    let first = rig.run();
    rig.pass_ms(4_000);
    rig.passes(first);
    rig.pass_ms(5_999);
    assert_eq!(rig.begun(), []);
    rig.pass_ms(1);
    let slow = rig.run();
    // The next one is due, and waits for this one's end.
    rig.pass_ms(25_000);
    assert_eq!(rig.begun(), []);
    rig.passes(slow);
    rig.pass_ms(0);
    assert_ne!(rig.run(), slow);
}

#[test]
fn who_comes_up_is_asked_every_second_until_it_has() {
    let mut rig = Rig::spawned(&ready_by(|_| {}));
    for _ in 0..5 {
        let task = rig.run();
        rig.fails(task);
        rig.pass_ms(999);
        assert_eq!(rig.begun(), []);
        rig.pass_ms(1);
    }
    let task = rig.run();
    rig.passes(task);
    // Once it has been ready the period counts, whatever comes.
    rig.pass_ms(9_999);
    assert_eq!(rig.begun(), []);
    rig.pass_ms(1);
    let task = rig.run();
    rig.fails(task);
    rig.pass_ms(9_999);
    assert_eq!(rig.begun(), []);
}

#[test]
fn thresholds_count_answers_in_a_row() {
    let mut rig = Rig::running(&ready_by(|p| {
        p.initial_delay_ms = 10_000;
        p.success_threshold = 2;
    }));
    rig.pass_ms(8_000);
    for (answer, ready) in [
        (true, false),
        (false, false),
        (true, false),
        (true, true),
        (false, true),
        (false, true),
        (true, true),
        (false, true),
        (false, true),
        (false, false),
        (true, false),
        (true, true),
    ] {
        rig.next_answer(answer);
        assert_eq!(rig.is_ready(), ready, "after {answer}: {}", rig.note());
    }
}

#[test]
fn what_failed_is_said_once_and_shown() {
    let mut rig = Rig::spawned(&ready_by(|_| {}));
    rig.passes(rig.run());
    rig.pass_ms(1_001);
    rig.now.mono.0 -= 1_001_000_000;
    rig.next_answer(false);
    assert_eq!(rig.note(), "readiness check failed 1 of 3: connection refused");
    rig.next_answer(false);
    assert_eq!(rig.logs(), Vec::<String>::new());
    rig.next_answer(false);
    assert_eq!(rig.logs(), ["WARN not ready: web (tcp 127.0.0.1:1: connection refused (3 of 3))"]);
    rig.next_answer(false);
    assert_eq!(rig.logs(), Vec::<String>::new());
    assert_eq!(rig.note(), "not ready: readiness tcp 127.0.0.1:1: connection refused (3 of 3)");
}

#[test]
fn reasons_come_from_how_a_run_ended() {
    let exec = || ProbeKind::Exec { text: "pg_isready".into(), argv: vec!["pg_isready".into()] };
    let exited = |code, said: &str| TaskEnd::Exited { status: ExitStatus::Code(code), said: said.into() };
    for (end, shown) in [
        (exited(2, "no response"), "exit status 2: no response"),
        (exited(1, ""), "exit status 1"),
        (TaskEnd::TimedOut, "no answer within 1s"),
        (TaskEnd::NotStarted("cannot fork: EAGAIN".into()), "cannot be run: cannot fork: EAGAIN"),
    ] {
        let mut rig = Rig::spawned(&ready_by(|p| p.how = exec()));
        let task = rig.run();
        rig.step(Input::TaskEnded { task, end });
        assert_eq!(rig.note(), format!("not ready: readiness exec pg_isready: {shown} (1 of 3)"));
    }
}

#[test]
fn a_death_is_not_ready_at_once_and_ends_its_checks() {
    let mut rig = Rig::spawned(&ready_by(|_| {}));
    rig.passes(rig.run());
    rig.pass_ms(10_000);
    let task = rig.run();
    assert!(rig.is_ready());
    rig.exits(0, 1);
    assert!(!rig.is_ready());
    assert_eq!(rig.cancelled(), [task]);
    rig.spawn_ok(0, 101);
    let other = rig.run();
    rig.pass_ms(1_001);
    assert!(!rig.is_ready(), "what the life before had passed does not count");
    rig.step(Input::TaskEnded { task, end: TaskEnd::Cancelled });
    assert!(!rig.is_ready() && rig.bugs() == 0);
    rig.passes(other);
    assert!(rig.is_ready());
}

#[test]
fn a_process_that_is_being_stopped_is_asked_nothing() {
    let mut rig = Rig::spawned(&ready_by(|_| {}));
    let task = rig.run();
    rig.stop(false);
    assert_eq!(rig.cancelled(), [task]);
    rig.fails(task);
    rig.pass_ms(9_000);
    assert_eq!(rig.begun(), []);
    assert!(!rig.is_ready());
}

#[test]
fn liveness_passes_until_it_has_failed_often_enough() {
    let mut rig = Rig::spawned(&live_by(|_| {}));
    rig.fails(rig.run());
    rig.pass_ms(1_001);
    rig.now.mono.0 -= 1_001_000_000;
    assert!(rig.is_ready(), "liveness is not readiness");
    rig.next_answer(false);
    assert_eq!(rig.note(), "live check failed 2 of 3: connection refused");
    rig.next_answer(false);
    assert_eq!(rig.state(0), State::Stopping);
    assert!(
        rig.logs()
            .iter()
            .any(|l| { l == "WARN restarting web: liveness tcp 127.0.0.1:1: connection refused (3 of 3)" })
    );
    assert_eq!(rig.kills(), [(100, Scope::Process, Signal::TERM)]);
    rig.ends(0, TERMINATED);
    assert_eq!(rig.spawns(), ["web"], "it is started again");
    rig.spawn_ok(0, 101);
    rig.passes(rig.run());
    rig.next_answer(false);
    assert_eq!(rig.note(), "live check failed 1 of 3: connection refused");
}

#[test]
fn live_counts_only_programs_that_want_to() {
    for live in [false, true] {
        let mut config = live_by(|p| p.failure_threshold = 1);
        config.groups[0].programs[0].native.gates = Gates { live, ready: false, startup: true };
        let mut rig = Rig::spawned(&config);
        let answer = |rig: &Rig| rig.engine.health(HealthKind::Live, rig.now);
        assert!(answer(&rig).ok && rig.engine.health(HealthKind::Ready, rig.now).ok);
        rig.fails(rig.run());
        assert_eq!(answer(&rig).ok, !live);
        if live {
            assert_eq!(answer(&rig).checks[0].reason, "STOPPING: its liveness check has failed");
        }
        rig.ends(0, TERMINATED);
        rig.spawn_ok(0, 101);
        assert_eq!(answer(&rig).ok, !live, "it has not come up yet");
        rig.pass_ms(1_001);
        assert!(answer(&rig).ok);
    }
}

#[test]
fn a_fatal_program_turns_live_where_it_wants_to() {
    let mut rig = Rig::booted(&one(|p| {
        p.startretries = 0;
        p.native.gates = Gates { live: true, ready: true, startup: true };
    }));
    rig.spawn_fails(0, SpawnErrorKind::NoFile, "can't find command 'x'");
    let report = rig.engine.health(HealthKind::Live, rig.now);
    assert_eq!((report.ok, report.checks[0].reason.as_str()), (false, "FATAL: can't find command 'x'"));
}

#[test]
fn startup_waits_for_those_who_count_for_it() {
    let mut late = program("late", "late");
    late.native.readiness = Some(Box::new(probe(ProbeKind::Notify)));
    late.native.gates = Gates { live: false, ready: true, startup: false };
    let mut rig =
        Rig::new(&config(vec![group("web", 1, vec![program("web", "web")]), group("late", 2, vec![late])]));
    rig.step(Input::Boot);
    rig.spawn_ok(0, 100);
    rig.spawn_ok(1, 101);
    rig.pass_ms(1_001);
    assert!(rig.engine.health(HealthKind::Startup, rig.now).ok);
    assert!(!rig.engine.health(HealthKind::Ready, rig.now).ok);
}

#[test]
fn a_changed_check_applies_while_it_runs() {
    let mut rig = Rig::spawned(&ready_by(|_| {}));
    rig.passes(rig.run());
    rig.pass_ms(1_001);
    let change = |config: &Config| {
        let group = std::rc::Rc::new(config.groups[0].clone());
        Input::Change(vec![crate::engine::input::Change { slot: 0, group, member: 0, restart: false }])
    };
    // The same question, more often: the answer still counts.
    rig.step(change(&ready_by(|p| p.period_ms = 500)));
    let task = rig.run();
    assert!(rig.is_ready());
    rig.step(change(&ready_by(|p| p.how = ProbeKind::Http { url: "http://x/".into() })));
    assert!(!rig.is_ready());
    assert_eq!(rig.cancelled(), [task]);
    rig.passes(rig.run());
    assert!(rig.is_ready());
    rig.step(change(&one(|_| {})));
    assert!(rig.is_ready());
    rig.pass_ms(60_000);
    assert_eq!(rig.begun(), []);
}

#[test]
fn metrics_count_what_was_asked() {
    let mut rig = Rig::spawned(&ready_by(|_| {}));
    let task = rig.run();
    rig.pass_ms(500);
    rig.fails(task);
    rig.next_answer(true);
    let infos = rig.engine.process_infos(rig.now)[0].checks.clone();
    assert_eq!(infos.len(), 1);
    let info = infos[0];
    assert_eq!((info.up, info.runs, info.failures), (true, 2, 1));
    assert!(info.duration_ns >= 500_000_000, "{info:?}");
    rig.exits(0, 0);
    assert!(!rig.engine.process_infos(rig.now)[0].checks[0].up);
}
