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

#[test]
fn it_starts_again_after_stop_and_after_kill_on_the_same_file_system() {
    if missing() {
        return;
    }
    let container = start(&[], &["run", "-c", "/conf/supervisord.conf"]);
    for turn in 1..=4 {
        harness::wait_until("it has spoken", || container.said().matches("web-is-up").count() == turn);
        container.wait_ready();
        if turn % 2 == 0 {
            assert_eq!(container.stop().0, 0);
        } else {
            container.kill("KILL");
            assert_eq!(container.wait(), 137);
        }
        container.again();
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
