//! The kernel's killing for lack of memory, in a container with little of it.

use crate::docker::{missing, start};
use harness::wait_until;

const VARIABLES: [&str; 6] = [
    "-e",
    "MAINSTAY_PROGRAM__EATER__COMMAND=/puppet say hungry eat 200",
    "-e",
    "MAINSTAY_PROGRAM__EATER__STARTSECS=0",
    "-e",
    "MAINSTAY_PROGRAM__QUIET__COMMAND=/puppet say up hold",
];

#[test]
fn a_program_that_eats_all_memory_is_said_to_be_killed_for_it() {
    if missing() {
        return;
    }
    let limits =
        ["--memory", "32m", "--memory-swap", "32m", "-e", "MAINSTAY_PROGRAM__EATER__AUTORESTART=false"];
    let container = start(&[&limits[..], &VARIABLES[..]].concat(), &[]);
    container.wait_said("out of memory");
    let done = container.exec(&["/mainstay", "ctl", "explain", "eater"]);
    done.expect(0);
    for words in ["killed by the kernel, out of memory: terminated by SIGKILL", "| hungry"] {
        assert!(done.stdout.contains(words), "{}", done.stdout);
    }
    // A kill of another sort is told apart afterwards.
    wait_until("the other one runs", || {
        container.exec(&["/mainstay", "ctl", "status", "quiet"]).stdout.contains("RUNNING")
    });
    let pid = container.exec(&["/mainstay", "ctl", "pid", "quiet"]).stdout;
    container.exec(&["/busybox", "kill", "-9", pid.trim()]);
    wait_until("it has ended", || {
        container.exec(&["/mainstay", "ctl", "explain", "quiet"]).stdout.contains("it has ended once")
    });
    let done = container.exec(&["/mainstay", "ctl", "explain", "quiet"]);
    assert!(done.stdout.contains("  terminated by SIGKILL"), "{}", done.stdout);
    assert!(!done.stdout.contains("memory: terminated"), "{}", done.stdout);
}
