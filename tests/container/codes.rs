//! Exit codes and signals as Docker sees them.

use crate::docker::{missing, start};

#[test]
fn the_containers_code_is_the_programs() {
    if missing() {
        return;
    }
    for code in [0, 1, 42, 255] {
        assert_eq!(start(&[], &["--", "/puppet", "exit", &code.to_string()]).wait(), code);
    }
    assert_eq!(start(&[], &["--", "/puppet", "crash", "SEGV"]).wait(), 139);
}

#[test]
fn a_missing_program_is_127_and_one_that_cannot_run_126() {
    if missing() {
        return;
    }
    let container = start(&[], &["--", "/no/such/program"]);
    assert_eq!(container.wait(), 127);
    assert!(container.said().contains("/no/such/program"));
    assert_eq!(start(&[], &["--", "/conf/mainstay.toml"]).wait(), 126);
}

#[test]
fn docker_kill_reaches_the_program() {
    if missing() {
        return;
    }
    let container = start(&[], &["--", "/puppet", "print-signals"]);
    container.wait_said("ready");
    for (name, number) in [("HUP", 1), ("USR1", 10), ("TERM", 15), ("WINCH", 28), ("RTMIN+3", 37)] {
        container.kill(name);
        container.wait_said(&format!("\n{number}\n"));
    }
    container.kill("KILL");
    assert_eq!(container.wait(), 137);
}

#[test]
fn words_of_the_command_follow_the_entry_point() {
    if missing() {
        return;
    }
    let container = start(&[], &["--", "/puppet", "args", "a b", "--", "-x"]);
    assert_eq!(container.wait(), 0);
    assert_eq!(container.logs().stdout, "[\"a b\", \"--\", \"-x\"]\n");
}

#[test]
fn stdin_is_the_programs() {
    if missing() {
        return;
    }
    let container = start(&["-i"], &["--", "/puppet", "say", "up", "hold"]);
    container.wait_said("up");
    assert!(container.running());
}

#[test]
fn a_terminals_foreground_is_the_programs() {
    if missing() {
        return;
    }
    let container = start(&["-t"], &["--", "/puppet", "tty", "exit", "4"]);
    assert_eq!(container.wait(), 4);
    assert!(container.said().contains("tty foreground"), "{}", container.said());
}

#[test]
fn two_thousand_orphans_leave_no_zombie() {
    if missing() {
        return;
    }
    for words in [
        &["--", "/puppet", "fork-orphans", "2000", "hold"][..],
        &["init", "-s", "--", "/puppet", "fork-orphans", "2000", "hold"],
    ] {
        let container = start(&[], words);
        container.wait_said("orphans 2000");
        harness::wait_until("no zombie is left", || container.zombies() == 0);
    }
}
