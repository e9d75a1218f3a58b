//! `docker stop`, restart, and what is left for the next start.

use crate::docker::{missing, start};
use std::time::Duration;

#[test]
fn docker_stop_ends_several_programs_in_time_with_0() {
    if missing() {
        return;
    }
    let container = start(&[], &["run", "-c", "/conf/mainstay.toml"]);
    container.wait_said("web-is-up");
    container.wait_said("worker-is-up");
    let (code, took) = container.stop();
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn docker_stop_of_one_program_gives_its_code() {
    if missing() {
        return;
    }
    let container = start(&[], &["--", "/puppet", "say", "up", "hold"]);
    container.wait_said("up");
    let (code, took) = container.stop();
    assert_eq!(code, 143);
    assert!(took < Duration::from_secs(5), "{took:?}");
    let container = start(&[], &["--", "/puppet", "on", "TERM", "0", "say", "up", "hold"]);
    container.wait_said("up");
    assert_eq!(container.stop().0, 0);
}

/// BOUND: starts of one container.
const TURNS: usize = 20;

/// By turns after `docker stop` and after `docker kill`: what the last one has left on the file system is in nobody's way.
fn starts_again(file: &str) {
    let container = start(&[], &["run", "-c", file]);
    for turn in 1..=TURNS {
        harness::wait_for("it has spoken", Duration::from_secs(20), || {
            container.said().matches("web-is-up").count() == turn
        });
        let status = container.exec(&["/mainstay", "ctl", "-c", file, "status", "web"]);
        assert!(status.stdout.contains("RUNNING"), "turn {turn}: {status:?}");
        if turn % 2 == 0 {
            assert_eq!(container.stop().0, 0);
        } else {
            container.kill("KILL");
            assert_eq!(container.wait(), 137);
        }
        if turn < TURNS {
            container.again();
        }
    }
    for complaint in ["already in use", "already listening", "cannot"] {
        assert!(!container.said().contains(complaint), "{}", container.said());
    }
}

#[test]
fn it_starts_again_after_stop_and_after_kill_on_the_same_file_system() {
    if !missing() {
        starts_again("/conf/supervisord.conf");
    }
}

#[test]
fn so_it_does_with_the_private_socket() {
    if !missing() {
        starts_again("/conf/mainstay.toml");
    }
}

#[test]
fn stopsignal_quit_and_int_stop_it_too() {
    if missing() {
        return;
    }
    for signal in ["INT", "QUIT"] {
        let container = start(&["--stop-signal", signal], &["run", "-c", "/conf/mainstay.toml"]);
        container.wait_said("web-is-up");
        let (code, took) = container.stop();
        assert_eq!(code, 0);
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[test]
fn the_container_ends_with_a_program_that_failed() {
    if missing() {
        return;
    }
    let container = start(
        &[
            "-e",
            "MAINSTAY_PROGRAM__ONE=/puppet exit 7",
            "-e",
            "MAINSTAY_PROGRAM__ONE__STARTSECS=0",
            "-e",
            "MAINSTAY_PROGRAM__ONE__AUTORESTART=false",
        ],
        &["run"],
    );
    assert_eq!(container.wait(), 7);
}
