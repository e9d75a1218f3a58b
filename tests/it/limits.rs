//! Few descriptors, very many, many programs, no more processes: degrade, say so, go on.

use crate::support::{ini, needs_root, toml};
use harness::{Stopwatch, wait_for, wait_until};
use std::time::Duration;

#[test]
fn sixty_four_descriptors_are_enough() {
    // minfds cannot be reached: TOML and environment go on with what there is, INI refuses as Supervisor does.
    let daemon = toml("[program.p]\ncommand = [\"@puppet@\", \"hold\"]\n")
        .launcher(&["@puppet@", "rlimit-nofile", "64", "exec"])
        .start();
    daemon.wait_state("p", "RUNNING");
    daemon.finish();
}

#[test]
fn sixty_four_descriptors_are_enough_for_init_mode() {
    let words = [
        "rlimit-nofile",
        "64",
        "exec",
        &harness::mainstay(),
        "--",
        &harness::puppet(),
        "nofile",
        "exit",
        "3",
    ];
    let done = crate::support::puppet(&words);
    assert_eq!((done.code(), done.stdout.as_str()), (3, "nofile 64\n"));
}

#[test]
fn a_huge_descriptor_limit_makes_nothing_slow() {
    let programs: String = (0..20)
        .map(|n| format!("[program.p{n}]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n"))
        .collect();
    let watch = Stopwatch::start();
    let daemon = toml(&programs).launcher(&["@puppet@", "rlimit-nofile", "max", "exec"]).start();
    wait_for("all run", Duration::from_secs(10), || daemon.said().matches("entered RUNNING").count() == 20);
    assert!(watch.elapsed() < Duration::from_secs(5), "{:?}", watch.elapsed());
    daemon.finish();
}

#[test]
fn three_hundred_programs_start_and_stop() {
    let programs: String = (0..300)
        .map(|n| format!("[program.p{n}]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n"))
        .collect();
    let daemon = toml(&programs).start();
    wait_for("all run", Duration::from_secs(30), || daemon.said().matches("entered RUNNING").count() == 300);
    wait_until("it is ready", || daemon.get("/readyz").is_some_and(|a| a.status == 200));
    let page = daemon.get("/metrics").expect("it answers").body;
    assert_eq!(page.matches("\nmainstay_program_up{").count(), 300);
    let watch = Stopwatch::start();
    daemon.finish();
    assert!(watch.elapsed() < Duration::from_secs(10), "{:?}", watch.elapsed());
}

#[test]
fn a_fork_that_is_refused_is_said_and_tried_again() {
    if needs_root() {
        return;
    }
    // As another user with room for the daemon, its gateway, and little more.
    let setup = toml(
        "[supervisor]\nminprocs = 1\n[program.p]\ncommand = [\"@puppet@\", \"stamp\", \"@dir@/st\", \"hold\"]\nstartretries = 1000\n\
        [program.q]\ncommand = [\"@puppet@\", \"hold\"]\nstartretries = 1000\n[program.r]\ncommand = [\"@puppet@\", \"hold\"]\nstartretries = 1000\n",
    );
    harness::temp::set_mode(setup.dir().path(), 0o777);
    let daemon = setup
        .launcher(&[
            "prlimit",
            "--nproc=2:1000",
            "--",
            "setpriv",
            "--reuid=4123",
            "--regid=4123",
            "--clear-groups",
            "--",
        ])
        .start();
    daemon.wait_said("Too many processes in process table to spawn");
    let pid = daemon.pid();
    // By the same user: root may have been denied the right to change the limits of others.
    let lift = [
        "setpriv",
        "--reuid=4123",
        "--regid=4123",
        "--clear-groups",
        "prlimit",
        "--pid",
        &pid.to_string(),
        "--nproc=1000",
    ];
    harness::Cmd::new(&lift).run().expect(0);
    daemon.wait_state("p", "RUNNING");
    daemon.finish();
}

#[test]
fn a_thousand_restarts_leak_no_descriptor() {
    let daemon = ini("[program:p]\ncommand=@puppet@ exit 0\nstartsecs=0\nautorestart=true\nstdout_logfile=@dir@/p.out\n[program:q]\ncommand=@puppet@ hold\nstartsecs=0\n").start();
    daemon.wait_state("q", "RUNNING");
    let before = harness::proc::fds(daemon.pid()).len();
    wait_for("it was started a thousand times", Duration::from_secs(30), || {
        daemon.dir().read("main.log").matches("spawned: 'p'").count() > 1000
    });
    let after = harness::proc::fds(daemon.pid()).len();
    // Either look may catch a program with its pipes and its log open, or a client; a leak would be a thousand.
    assert!(after <= before + 16, "{before} descriptors became {after}");
    daemon.finish();
}
