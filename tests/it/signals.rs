//! Signals to `mainstay run`: which stop it, which do nothing, and none is lost however early it comes.

use crate::support::{ini, needs_root, toml};
use harness::{Setup, Stopwatch, pause, proc};
use std::time::Duration;

const ONE: &str = "[program:p]\ncommand=@puppet@ hold\nstartsecs=0\n";

#[test]
fn term_int_and_quit_stop_it_at_once() {
    for n in [15, 2, 3] {
        let daemon = ini(ONE).start();
        daemon.wait_state("p", "RUNNING");
        let watch = Stopwatch::start();
        daemon.signal(n);
        daemon.ended(0);
        assert!(watch.elapsed() < Duration::from_millis(1500), "signal {n}: {:?}", watch.elapsed());
    }
}

#[test]
fn term_right_after_the_start_is_honoured_at_any_moment() {
    for delay in (0..60).step_by(2) {
        let daemon =
            toml("[program.p]\ncommand = [\"@puppet@\", \"hold\"]\n").limit(Duration::from_secs(30)).start();
        pause(delay);
        daemon.signal(15);
        let code = daemon.wait_exit_within(Duration::from_secs(8));
        // Until our first instructions have run, the kernel's own answer to TERM counts; nothing has been started then.
        let early = code == 143 && daemon.said().is_empty();
        assert!(code == 0 || early, "after {delay} ms: exit {code}");
        harness::wait_until("nothing is left", || daemon.offspring().is_empty());
    }
}

#[test]
fn term_right_after_the_start_is_honoured_as_pid_1() {
    if needs_root() {
        return;
    }
    for delay in (0..40).step_by(4) {
        let daemon = toml("[program.p]\ncommand = [\"@puppet@\", \"hold\"]\n").pid1().start();
        let pid = daemon.pid();
        // Until our first instruction has run the kernel throws a TERM for PID 1 away, and nobody can do anything about it.
        let ours = harness::mainstay();
        let is_us = || harness::proc::cmdline(pid).first() == Some(&ours);
        harness::wait_until("it is us, and has seen to its signals", || is_us() && minds_term(pid));
        pause(delay);
        daemon.signal(15);
        assert_eq!(daemon.wait_exit_within(Duration::from_secs(8)), 0, "after {delay} ms");
    }
}

/// TERM is blocked or handled.
fn minds_term(pid: i32) -> bool {
    let mask = |field: &str| harness::proc::status(pid, field).and_then(|m| u64::from_str_radix(&m, 16).ok());
    (mask("SigBlk").unwrap_or(0) | mask("SigCgt").unwrap_or(0)) & (1 << 14) != 0
}

#[test]
fn term_right_after_the_start_is_honoured_in_init_mode() {
    for delay in 0..20 {
        let daemon = Setup::dashes(&["@puppet@", "hold"]).start();
        pause(delay);
        daemon.signal(15);
        let code = daemon.wait_exit_within(Duration::from_secs(8));
        assert_eq!(code, 143, "after {delay} ms");
    }
}

#[test]
fn signals_that_mean_nothing_do_nothing() {
    let daemon = ini(ONE).start();
    daemon.wait_state("p", "RUNNING");
    for n in [10, 13, 14, 16, 17, 18, 23, 26, 27, 28, 29, 30, 34, 50, 64] {
        daemon.signal(n);
    }
    daemon.wait_state("p", "RUNNING");
    let pid = daemon.info("p", "pid");
    assert!(daemon.status().is_none());
    assert_eq!(daemon.info("p", "pid"), pid);
    daemon.finish();
}

#[test]
fn a_flood_of_signals_is_survived_and_term_is_not_lost_in_it() {
    let daemon = ini(ONE).start();
    daemon.wait_state("p", "RUNNING");
    for n in 0..200_000 {
        daemon.signal([10, 14, 17, 28, 40][n % 5]);
    }
    daemon.wait_state("p", "RUNNING");
    daemon.finish();
}

#[test]
fn a_restart_by_hup_keeps_the_pid_and_starts_everything_again() {
    let daemon = ini("[program:p]\ncommand=@puppet@ stamp @dir@/st hold\nstartsecs=0\n").start();
    harness::wait_until("it was started", || daemon.dir().read("st").lines().count() == 1);
    daemon.wait_state("p", "RUNNING");
    daemon.signal(1);
    harness::wait_until("it was started again", || daemon.dir().read("st").lines().count() == 2);
    daemon.wait_state("p", "RUNNING");
    daemon.finish();
}

#[test]
fn hup_with_a_broken_file_changes_nothing_and_says_why() {
    let daemon = ini(ONE).start();
    daemon.wait_state("p", "RUNNING");
    let pid = daemon.info("p", "pid");
    daemon.dir().write("supervisord.conf", "[supervisord]\n[program:p]\nstartsecs=maybe\n");
    daemon.signal(1);
    let file = daemon.dir().join("supervisord.conf");
    daemon.wait_said(&format!("cannot restart, going on as we are: the configuration has errors: {file}:3:"));
    assert!(!daemon.said().contains(": error: "), "{}", daemon.said());
    daemon.wait_state("p", "RUNNING");
    assert_eq!(daemon.info("p", "pid"), pid);
    daemon.finish();
}

#[test]
fn a_blocked_or_ignored_term_still_stops_us_and_stays_so_for_programs() {
    for (how, field) in [("block", "SigBlk: "), ("ignore", "SigIgn: ")] {
        let daemon = ini("[program:p]\ncommand=@puppet@ sigconf touch @dir@/up hold\nstartsecs=0\nstdout_logfile=@dir@/p.out\nstopsignal=KILL\n")
            .launcher(&["@puppet@", how, "TERM", "exec"])
            .start();
        harness::wait_until("it has told its signals", || daemon.dir().read("p.out").contains("SigCgt: "));
        let text = daemon.dir().read("p.out");
        let bits = text.split_once(field).and_then(|(_, t)| u64::from_str_radix(&t[..16], 16).ok()).unwrap();
        assert_ne!(bits & (1 << 14), 0, "{how}: {text}");
        daemon.finish();
    }
}

#[test]
fn a_hup_onto_a_port_in_use_is_refused_before_anything_is_stopped() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let daemon = ini("[program:p]\ncommand=@puppet@ hold\nstartsecs=0\n").start();
    daemon.wait_state("p", "RUNNING");
    let pid = daemon.info("p", "pid");
    let file = daemon.dir().path().join("supervisord.conf");
    let text = std::fs::read_to_string(&file).unwrap();
    let listen = text.lines().find(|l| l.contains("listen")).unwrap().to_owned();
    std::fs::write(&file, text.replace(&listen, &format!("http_listen = 127.0.0.1:{port}"))).unwrap();
    daemon.signal(1);
    daemon.wait_said(
        "cannot restart, going on as we are: what the configuration asks for cannot be had now: cannot listen on",
    );
    assert_eq!(daemon.info("p", "pid"), pid);
    drop(taken);
    daemon.signal(1);
    daemon.wait_said(&format!("http://127.0.0.1:{port}"));
    daemon.wait_state("p", "RUNNING");
    daemon.finish();
}

#[test]
fn a_term_during_a_restart_ends_the_daemon() {
    for delay in (0..200).step_by(20) {
        let daemon = ini(ONE).start();
        daemon.wait_state("p", "RUNNING");
        // A gateway that does not go keeps the old life waiting for a moment.
        let all = std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|e| e.file_name().to_str()?.parse().ok());
        let is_gateway = |pid: &i32| {
            proc::stat(*pid).is_some_and(|s| s.ppid == daemon.pid())
                && proc::cmdline(*pid).iter().any(|w| w == "gateway")
        };
        let gateway: i32 = all.into_iter().find(is_gateway).expect("it has a gateway");
        harness::kill(gateway, 19).unwrap();
        daemon.signal(1);
        pause(delay);
        daemon.signal(15);
        assert_eq!(daemon.wait_exit(), 0, "after {delay} ms");
    }
}
