//! What a careful cluster takes away: root, capabilities, a writable root, new privileges.

use crate::docker::{Container, missing, start};

const TIGHT: &[&str] = &[
    "--read-only",
    "--user",
    "1000650000:0",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--pids-limit",
    "100",
    "--memory",
    "64m",
];

fn works(container: &Container) {
    container.wait_said("web-is-up");
    container.wait_said("worker-is-up");
    container.wait_ready();
    assert_eq!(container.stop().0, 0);
}

#[test]
fn several_programs_run_under_the_restricted_profile() {
    if !missing() {
        works(&start(TIGHT, &["run", "-c", "/conf/mainstay.toml"]));
    }
}

#[test]
fn an_ini_with_dev_stdout_runs_as_any_uid_with_a_tmpfs() {
    if missing() {
        return;
    }
    let container =
        start(&[TIGHT, &["--tmpfs", "/tmp:mode=1777"]].concat(), &["run", "-c", "/conf/supervisord.conf"]);
    container.wait_said("uid 1000650000 1000650000 gid 0 0");
    works(&container);
}

#[test]
fn one_program_runs_under_the_restricted_profile() {
    if missing() {
        return;
    }
    let container = start(TIGHT, &["--", "/puppet", "ids", "fork-orphans", "20", "exit", "5"]);
    assert_eq!(container.wait(), 5);
    assert!(container.said().contains("uid 1000650000"));
}

#[test]
fn below_dockers_own_init_it_works_as_a_later_pid() {
    if missing() {
        return;
    }
    let container = start(&["--init"], &["run", "-c", "/conf/mainstay.toml"]);
    works(&container);
    let container = start(&["--init"], &["--", "/puppet", "fork-orphans", "100", "hold"]);
    container.wait_said("orphans 100");
    harness::wait_until("no zombie is left", || container.zombies() == 0);
}

#[test]
fn small_and_huge_descriptor_limits() {
    if missing() {
        return;
    }
    works(&start(&["--ulimit", "nofile=64:64"], &["run", "-c", "/conf/mainstay.toml"]));
    // The most that this machine allows: a loop over all descriptors would be seen at once where it allows many.
    let (_, hard) =
        nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).expect("a limit");
    let most = hard.min(1_048_576);
    works(&start(&["--ulimit", &format!("nofile={most}:{most}")], &["run", "-c", "/conf/mainstay.toml"]));
}
