//! Zombies: all of them, however fast they come, whose ever they are; and nobody's status is lost meanwhile.

use crate::support::{ini, metric, needs_root, toml};
use harness::{Setup, Stopwatch, proc, wait_for, wait_until};
use std::time::Duration;

#[test]
fn twenty_thousand_orphans_during_scrapes_leave_no_zombie_and_block_nobody() {
    if needs_root() {
        return;
    }
    let daemon = toml(
        "[program.storm]\ncommand = [\"@puppet@\", \"wait-file\", \"@dir@/go\", \"fork-orphans\", \"20000\", \"say\", \"done\", \"hold\"]\n\
         [program.web]\ncommand = [\"@puppet@\", \"hold\"]\n",
    )
    .pid1()
    .start();
    daemon.wait_state("web", "RUNNING");
    daemon.dir().write("go", "");
    let mut slowest = Duration::ZERO;
    let mut scrapes = 0;
    wait_for("the storm is over", Duration::from_secs(60), || {
        let watch = Stopwatch::start();
        let ready = daemon.get("/readyz").expect("readyz answers during the storm");
        let live = daemon.get("/livez").expect("livez answers during the storm");
        let page = daemon.get("/metrics").expect("metrics answer during the storm");
        slowest = slowest.max(watch.elapsed());
        scrapes += 1;
        assert_eq!((live.status, page.status), (200, 200));
        assert!(ready.status == 200 || scrapes < 3, "readyz says {}: {}", ready.status, ready.body);
        daemon.said().contains("done")
    });
    // Three answers; a probe has a second for one.
    assert!(slowest < Duration::from_secs(2), "the slowest three answers took {slowest:?}");
    let pid = daemon.pid();
    wait_until("no zombie is left", || proc::zombies(pid).is_empty());
    wait_until("all are counted", || {
        let page = daemon.get("/metrics").map(|a| a.body).unwrap_or_default();
        metric(&page, "mainstay_orphans_reaped_total", &[]).is_some_and(|n| n >= 20000.0)
    });
    daemon.finish();
}

#[test]
fn init_mode_reaps_twenty_thousand_and_keeps_the_programs_code() {
    if needs_root() {
        return;
    }
    let daemon = Setup::dashes(&[
        "@puppet@",
        "fork-orphans",
        "20000",
        "say",
        "up",
        "wait-file",
        "@dir@/go",
        "exit",
        "5",
    ])
    .pid1()
    .start();
    wait_for("the storm is over", Duration::from_secs(60), || daemon.stdout().contains("up"));
    let pid = daemon.pid();
    wait_until("no zombie is left", || proc::zombies(pid).is_empty());
    daemon.dir().write("go", "");
    daemon.ended(5);
}

#[test]
fn exit_codes_are_right_during_a_storm() {
    let program = |n: i32| {
        format!(
            "[program:e{n}]\ncommand=@puppet@ exit {n}\nstartsecs=0\nautorestart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
        )
    };
    let storm = "[program:storm]\ncommand=@puppet@ fork-orphans 3000 say done hold\npriority=1\nstartsecs=0\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n";
    let programs: String = (0..40).map(program).collect();
    let daemon = ini(&(storm.to_string() + &programs)).start();
    daemon.wait_said("done");
    (0..40).for_each(|n| daemon.wait_said(&format!("exited: e{n} (exit status {n};")));
    daemon.finish();
}

#[test]
fn main_and_an_orphan_that_end_together_do_not_hang_the_init() {
    let words = [
        harness::mainstay(),
        "--".into(),
        "sh".into(),
        "-c".into(),
        format!("({0} after 3 exit 1 &); exec {0} after 3 exit 8", harness::puppet()),
    ];
    for _ in 0..100 {
        harness::Cmd::new(&words).limit(Duration::from_secs(5)).run().expect(8);
    }
}

#[test]
fn a_strangers_exit_changes_nothing_and_is_counted() {
    let daemon =
        toml("[program.p]\ncommand = [\"@puppet@\", \"fork-orphans\", \"7\", \"say\", \"up\", \"hold\"]\n")
            .start();
    daemon.wait_said("up");
    wait_until("they are counted", || {
        let page = daemon.get("/metrics").map(|a| a.body).unwrap_or_default();
        metric(&page, "mainstay_orphans_reaped_total", &[]) == Some(7.0)
    });
    daemon.wait_state("p", "RUNNING");
    let said = daemon.finish();
    assert!(!said.contains("reaped unknown pid"), "an orphan is no news at info: {said}");
}

#[test]
fn a_crash_of_a_program_that_left_children_behind_is_seen_at_once() {
    // The grandchild keeps the program's stdout open: the exit must not wait for the pipe.
    let daemon = ini(
        "[program:p]\ncommand=@puppet@ spawn-holding-pipe 3000 say first exit 3\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n",
    )
    .start();
    let watch = Stopwatch::start();
    daemon.wait_said("exited: p (exit status 3; not expected)");
    assert!(watch.elapsed() < Duration::from_millis(2500), "{:?}", watch.elapsed());
    wait_until("the grandchild is gone", || {
        daemon.offspring().iter().all(|p| proc::cmdline(*p).iter().all(|w| w != "spawn-holding-pipe"))
    });
    daemon.finish();
}
