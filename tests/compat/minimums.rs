//! `minfds` and `minprocs`: what programs get, and what is refused.

use crate::face::{assert_refused, face_as};
use crate::support::{ours, skipped};
use harness::{Daemon, Setup, wait_until};

fn config(settings: &str) -> String {
    format!(
        "[supervisord]\nnodaemon=true\nsilent=true\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
         {settings}\n[program:x]\ncommand=sh -c 'ulimit -Sn; ulimit -Hn; exec cat'\nstartsecs=0\nstdout_logfile=@dir@/x.out\n"
    )
}

/// As user 1, who cannot raise a hard limit.
fn limited(settings: &str, limits: &[&str]) -> Setup {
    face_as(1, &config(settings)).launcher(&[&["prlimit"], limits].concat())
}

// What may be opened is named wrongly, as there: it is what was asked for. Ours adds the true number.

#[test]
fn fewer_files_than_minfds() {
    if !skipped() {
        let daemon = limited("minfds=5000", &["--nofile=400:4096"]).start();
        assert_refused(
            &daemon,
            "The minimum number of file descriptors required to run this process is 5000 as per the \"minfds\" \
             command-line argument or config file setting. The current environment will only allow you to open 5000 \
             file descriptors.  Either raise the number of usable file descriptors in your environment (see README.rst) \
             or lower the minfds setting in the config file to allow the process to start.",
        );
        tells_the_truth(&daemon, "file descriptors");
    }
}

#[test]
fn fewer_processes_than_minprocs() {
    if !skipped() {
        let daemon = limited("minprocs=5000", &["--nproc=400:4096"]).start();
        assert_refused(
            &daemon,
            "The minimum number of available processes required to run this program is 5000 as per the \"minprocs\" \
             command-line argument or config file setting. The current environment will only allow you to open 5000 \
             processes.  Either raise the number of usable processes in your environment (see README.rst) or lower the \
             minprocs setting in the config file to allow the program to start.",
        );
        tells_the_truth(&daemon, "processes");
    }
}

#[track_caller]
fn tells_the_truth(daemon: &Daemon, what: &str) {
    let truth = format!("error: cannot raise the limit of {what} to 5000: the hard limit is 4096\n");
    wait_until("the truth is below", || daemon.stderr().contains(&truth) == ours());
}

#[test]
fn programs_get_what_was_found_or_raised_and_after_a_restart_the_same() {
    if skipped() {
        return;
    }
    for (settings, want) in [("minfds=700", "700\n4096\n"), ("minfds=300", "400\n4096\n")] {
        let daemon = limited(settings, &["--nofile=400:4096"]).start();
        wait_until("x has said it", || daemon.dir().read("x.out") == want);
        daemon.signal(1);
        wait_until("x has said it again", || daemon.dir().read("x.out").len() >= 2 * want.len());
        assert_eq!(daemon.dir().read("x.out"), want.repeat(2), "{settings}");
        daemon.finish();
    }
}

#[test]
fn a_higher_minfds_after_a_restart_is_not_looked_at() {
    if skipped() {
        return;
    }
    let daemon = limited("minfds=700", &["--nofile=400:4096"]).start();
    wait_until("x has said it", || daemon.dir().read("x.out") == "700\n4096\n");
    let text = daemon.dir().read("c.conf").replace("minfds=700", "minfds=5000");
    daemon.dir().write("c.conf", &text);
    daemon.signal(1);
    wait_until("x has said it again", || daemon.dir().read("x.out") == "700\n4096\n700\n4096\n");
    daemon.finish();
}

#[test]
fn root_raises_the_hard_limit() {
    if skipped() {
        return;
    }
    let setup =
        crate::face::face(&config("user=root\nminfds=5000")).launcher(&["prlimit", "--nofile=400:4096"]);
    let daemon = setup.start();
    // Without the capability even root may not.
    let said = || (daemon.dir().read("x.out"), daemon.status());
    wait_until("x has said it, or it is refused", || !said().0.is_empty() || said().1.is_some());
    if daemon.status().is_some() {
        return println!("skipped: root may not raise limits here");
    }
    wait_until("x has said it", || daemon.dir().read("x.out") == "5000\n5000\n");
    assert!(
        daemon.dir().read("main.log").contains("INFO Increased RLIMIT_NOFILE limit to 5000\n"),
        "{}",
        ours()
    );
    daemon.finish();
}
