//! What a careful cluster takes away: root, capabilities, a writable root, new privileges.

use crate::docker::{Container, missing, start};
use harness::{http, wait_until};

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

#[test]
fn kubelet_and_prometheus_are_answered_from_outside() {
    if missing() {
        return;
    }
    let options =
        [TIGHT, &["-p", "127.0.0.1::9100", "-e", "MAINSTAY_HTTP__LISTEN=:9100", "--ipc", "none"]].concat();
    let container = start(&options, &["run", "-c", "/conf/mainstay.toml"]);
    let address = container.port(9100).lines().next().unwrap_or_default().to_string();
    for (path, sign) in
        [("/startupz", "ok"), ("/readyz", "ok"), ("/livez", "ok"), ("/metrics", "\nmainstay_program_up{")]
    {
        wait_until(path, || {
            http::get(&address, path).is_ok_and(|a| a.status == 200 && a.body.contains(sign))
        });
    }
    assert_eq!(container.stop().0, 0);
}

/// Not even `/dev/shm`: there is no control socket then, which is said, and everything else works.
#[test]
fn where_nothing_at_all_can_be_written_all_but_ctl_works() {
    if missing() {
        return;
    }
    let nothing = [TIGHT, &["--ipc", "none"]].concat();
    let health = ["-e", "MAINSTAY_HTTP__LISTEN=127.0.0.1:9100"];
    for file in ["/conf/mainstay.toml", "/conf/plain.conf"] {
        let container = start(&[&nothing[..], &health].concat(), &["run", "-c", file]);
        container.wait_said("web-is-up");
        container.wait_ready();
        container.exec(&["/mainstay", "health"]).expect(0);
        container.exec(&["/mainstay", "ctl", "status"]).expect(4);
        container.wait_said("no control socket: none of /run, /var/run, /tmp and /dev/shm can be written");
        assert_eq!(container.stop().0, 0);
    }
}

/// `/run` of an ordinary image belongs to root and is in the way of nobody.
#[test]
fn a_run_that_belongs_to_root_is_passed_over() {
    if missing() {
        return;
    }
    for (mode, socket) in [("0755", "unix:///dev/shm/mainstay.sock"), ("0777", "unix:///run/mainstay.sock")] {
        let run = format!("/run:mode={mode},noexec");
        let container = start(&[TIGHT, &["--tmpfs", &run]].concat(), &["run", "-c", "/conf/mainstay.toml"]);
        container.wait_said(socket);
        container.exec(&["/mainstay", "ctl", "pid"]).expect(0);
        works(&container);
    }
}

#[test]
fn what_needs_proc_or_rights_says_so_and_only_that_program_suffers() {
    if missing() {
        return;
    }
    let container = crate::matrix::without_proc(&["--read-only"], 1000, 1000, true, "/conf/demanding.toml");
    container.run.wait_said("asked");
    let said = container.run.said();
    for line in [
        "cannot set supplementary groups `4321`: Operation not permitted",
        "cannot set oom_score_adj to 100: No such file or directory for oom; hint: it is set by way of /proc: mount it",
        "cannot set the niceness to -5: Permission denied for nice; hint: a higher priority needs the capability SYS_NICE",
        "`memory_max` of memory has no effect",
        "`signal_target = tree` reaches process groups only: there is no /proc",
        "warn  /proc: it is not mounted or hides everything",
    ] {
        container.run.wait_said(line);
    }
    for (name, state) in [("tree", "RUNNING"), ("memory", "RUNNING"), ("nice", "FATAL"), ("oom", "FATAL")] {
        let row = said.lines().find(|l| l.starts_with(name) && l.contains(state));
        assert!(row.is_some(), "{name} is not {state}:\n{said}");
    }
    assert_eq!(container.stop(), 0);
}

/// A program that takes every process there is: kubelet is answered, the others wait and come back (R12).
#[test]
fn with_no_process_left_it_answers_and_goes_on_when_there_is_one() {
    if missing() {
        return;
    }
    let vars = [
        "MAINSTAY_PROGRAM__HOG=/puppet after 500 hog 5000",
        "MAINSTAY_PROGRAM__HOG__AUTORESTART=false",
        "MAINSTAY_PROGRAM__WEB=/puppet after 2000 exit 1",
        "MAINSTAY_PROGRAM__WEB__STARTSECS=0",
        "MAINSTAY_PROGRAM__WEB__STARTRETRIES=1000",
        "MAINSTAY_PROGRAM__WEB__BACKOFF_MAX=0.5",
        "MAINSTAY_HTTP__LISTEN=:9100",
    ];
    let mut options = vec!["-p", "127.0.0.1::9100", "--pids-limit", "30", "--user", "1000"];
    options.extend(vars.iter().flat_map(|v| ["-e", *v]));
    let container = start(&options, &["run"]);
    container.wait_said("full");
    let address = container.port(9100).lines().next().unwrap_or_default().to_string();
    let alive = || http::get(&address, "/livez").is_ok_and(|a| a.status == 200);
    assert!(alive());
    container.wait_said("Too many processes in process table to spawn 'web'");
    assert!(alive(), "it answers while nothing can be started");
    wait_until("it goes on", || {
        let said = container.said();
        said.rsplit("Too many processes").next().is_some_and(|rest| rest.contains("spawned: 'web'"))
    });
    assert_eq!(container.stop().0, 0);
}
