//! One-program init in real containers: the originals' entry points, their options, signals by `docker kill`, a terminal.

use crate::docker::{interactive, missing, start};

#[test]
fn docker_kill_ends_the_program_with_128_and_the_number() {
    if missing() {
        return;
    }
    for words in [&["--"][..], &["init", "-s", "--"], &["init", "--session", "--"]] {
        for (name, code) in [("TERM", 143), ("USR1", 138), ("USR2", 140)] {
            let container = start(&[], &[words, &["/puppet", "say", "up", "hold"]].concat());
            container.wait_said("up");
            container.kill(name);
            assert_eq!(container.wait(), code, "{words:?} {name}");
        }
    }
}

#[test]
fn as_an_entry_point_it_rewrites_the_stop_signal() {
    if missing() {
        return;
    }
    let words = ["init", "-r", "TERM:QUIT", "--", "/puppet", "on", "QUIT", "9", "say", "up", "hold"];
    let container = start(&[], &words);
    container.wait_said("up");
    let (code, _) = container.stop();
    assert_eq!(code, 9);
}

#[test]
fn no_zombie_is_left_by_a_shell() {
    if missing() {
        return;
    }
    let script = "/busybox sh -c '/busybox echo' & /busybox sleep 0.2; exec /puppet say up hold";
    let container = start(&[], &["--", "/busybox", "sh", "-c", script]);
    container.wait_said("up");
    harness::wait_until("no zombie is left", || container.zombies() == 0);
}

#[test]
fn descendants_are_waited_for_in_a_container() {
    if missing() {
        return;
    }
    let script = "/puppet on TERM 0 say one hold & /busybox setsid /puppet on TERM 0 say two hold & /puppet after 300 exit 3; exit 3";
    let container = start(&[], &["init", "--wait-descendants", "--", "/busybox", "sh", "-c", script]);
    assert_eq!(container.wait(), 3);
    assert_eq!(container.said().matches("got 15").count(), 2, "{}", container.said());
}

#[test]
fn a_terminal_has_job_control_and_ctrl_c_and_the_code() {
    if missing() {
        return;
    }
    for words in [&["--"][..], &["init", "--session", "--"]] {
        let mut shell = interactive(&[words, &["/busybox", "sh"]].concat());
        shell.types("set -o\n");
        harness::wait_until("the shell has job control", || {
            shell.shown().lines().any(|l| l.starts_with("monitor") && l.trim_end().ends_with("on"))
        });
        shell.types("/puppet say is-up hold\n");
        shell.shows("is-up\n", 1);
        shell.types("\x03");
        // The shell is back when it answers.
        shell.types("\n/puppet say again\n");
        shell.shows("again\n", 2);
        shell.types("exit 7\n");
        assert_eq!(shell.ended(), 7);
        let mut program = interactive(&[words, &["/puppet", "say", "is-up", "hold"]].concat());
        program.shows("is-up\n", 1);
        program.types("\x03");
        assert_eq!(program.ended(), 130);
    }
}
