//! The memory of ends, with a control group made of files.

use super::*;
use crate::types::Now;
use std::fs;

/// A root directory with a control group of version 2 in it.
struct Root(PathBuf);

impl Root {
    fn new(name: &str) -> Root {
        let path = std::env::temp_dir().join(format!("mainstay-history-{name}-{}", std::process::id()));
        let root = Root(path);
        root.write("proc/self/cgroup", "0::/box\n");
        root.write("proc/self/mountinfo", "1 2 0:27 / /cg ro,nosuid - cgroup2 cgroup rw,nsdelegate\n");
        root.kills(5);
        root
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn kills(&self, n: u64) {
        self.write("cg/box/memory.events", &format!("low 0\nmax 9\noom 1\noom_kill {n}\noom_group_kill 0\n"));
    }

    fn histories(&self) -> Histories {
        Histories::new(&self.0)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const KILL: ExitStatus = ExitStatus::Signal { signal: Signal::KILL, core: false };

fn facts(reason: EndReason, status: ExitStatus) -> EndFacts {
    EndFacts {
        proc: ProcRef { slot: 3, incarnation: 1 },
        reason,
        status: Some(status),
        expected: false,
        killed: false,
        tries: 0,
        started: Now::default(),
        uptime_ns: 1,
        why: String::new(),
    }
}

#[test]
fn a_sigkill_is_the_kernels_when_its_count_has_grown() {
    let root = Root::new("grown");
    let mut all = root.histories();
    let reason = |all: &mut Histories, facts| all.completed(facts).reason;
    // What was before us does not count.
    assert_eq!(reason(&mut all, facts(EndReason::Signal, KILL)), EndReason::Signal);
    root.kills(6);
    assert_eq!(reason(&mut all, facts(EndReason::Signal, KILL)), EndReason::Oom);
    assert_eq!(reason(&mut all, facts(EndReason::Signal, KILL)), EndReason::Signal);
    root.kills(7);
    assert_eq!(reason(&mut all, facts(EndReason::Stopped, KILL)), EndReason::Oom);
}

#[test]
fn a_sigkill_of_ours_is_never_the_kernels() {
    let root = Root::new("ours");
    let mut all = root.histories();
    root.kills(6);
    for reason in [EndReason::Signal, EndReason::Stopped, EndReason::Timeout, EndReason::Liveness] {
        let ours = EndFacts { killed: true, ..facts(reason, KILL) };
        assert_eq!(all.completed(ours).reason, reason);
    }
}

#[test]
fn the_death_of_a_worker_is_told_with_the_end_of_its_program() {
    let root = Root::new("worker");
    let mut all = root.histories();
    root.kills(7);
    let end = all.completed(facts(EndReason::Exit, ExitStatus::Code(1)));
    assert_eq!((end.reason, end.oom_kills), (EndReason::Exit, 2));
    root.kills(9);
    let end = all.completed(facts(EndReason::Signal, KILL));
    assert_eq!((end.reason, end.oom_kills), (EndReason::Oom, 1));
}

#[test]
fn the_death_of_a_stranger_is_not_taken_for_the_next_ones() {
    let root = Root::new("stranger");
    let mut all = root.histories();
    root.kills(6);
    all.note_killed_stranger(Mono(1));
    let end = all.completed(facts(EndReason::Signal, KILL));
    assert_eq!((end.reason, end.oom_kills), (EndReason::Signal, 1));
    // In the same turn nobody looks again.
    root.kills(7);
    all.note_killed_stranger(Mono(1));
    assert_eq!(all.completed(facts(EndReason::Signal, KILL)).reason, EndReason::Oom);
}

#[test]
fn without_a_control_group_a_signal_is_a_signal() {
    let mut all = Histories::new(Path::new("/nonexistent"));
    assert_eq!(all.completed(facts(EndReason::Signal, KILL)).reason, EndReason::Signal);
}

#[test]
fn usage_belongs_to_the_process_that_was_reaped() {
    let mut all = Histories::new(Path::new("/nonexistent"));
    let proc = ProcRef { slot: 3, incarnation: 1 };
    all.note_usage(proc, usage::Used { peak_bytes: 9, user_us: 1, system_us: 2 });
    let end = all.completed(facts(EndReason::Exit, ExitStatus::Code(0)));
    assert_eq!(end.used.map(|u| u.peak_bytes), Some(9));
    all.note_usage(ProcRef { incarnation: 2, ..proc }, usage::Used::default());
    assert_eq!(all.completed(facts(EndReason::Exit, ExitStatus::Code(0))).used, None);
}

#[test]
fn little_is_kept_and_only_of_those_that_end() {
    let mut all = Histories::new(Path::new("/nonexistent"));
    assert_eq!(all.of(7), (Vec::new(), 0));
    for n in 0..40 {
        let long = EndFacts {
            why: "é".repeat(n * 100),
            tries: 40 - u32::try_from(n).expect("small"),
            ..facts(EndReason::Spawn, KILL)
        };
        let end = End { last_output: "x".repeat(512), ..all.completed(long) };
        all.push(3, EndReason::Spawn, end);
    }
    let (ends, n) = all.of(3);
    assert_eq!((ends.len(), n, ends[0].tries), (MAX_ENDS, 40, 1), "newest first");
    assert!(ends.iter().all(|e| e.why.len() <= MAX_WHY + '…'.len_utf8()));
    let with_output = ends.iter().filter(|e| !e.last_output.is_empty()).count();
    assert_eq!(with_output, MAX_OUTPUTS);
    assert!(all.slots[..3].iter().all(Option::is_none));
    all.forget(3);
    assert_eq!(all.of(3).1, 0);
}

#[test]
fn kills_by_the_kernel_leave_the_numbers_they_were_in() {
    let mut all = Histories::new(Path::new("/nonexistent"));
    for counted_as in [EndReason::Signal, EndReason::Signal, EndReason::Stopped] {
        let end = End { reason: EndReason::Oom, ..all.completed(facts(counted_as, KILL)) };
        all.push(3, counted_as, end);
    }
    let mut stats = ProcessStats { exits_signal: 5, exits_stopped: 4, ..ProcessStats::default() };
    all.correct(3, &mut stats);
    assert_eq!((stats.exits_signal, stats.exits_stopped, stats.exits_oom), (3, 3, 3));
}
