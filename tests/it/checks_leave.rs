//! What checks leave behind, and what they cost when they hang, cannot be forked, or their program goes.

use crate::checks::{note, pid, ready};
use crate::support::{ctl, metric, needs_root, toml};
use harness::daemon::free_port;
use harness::{Daemon, Stopwatch, pause, proc, wait_for, wait_until};
use std::net::TcpListener;
use std::time::Duration;

/// Processes of the daemon that run this program.
fn running(daemon: &Daemon, name: &str) -> usize {
    let is_it = |pid: &i32| proc::cmdline(*pid).first().is_some_and(|word| word.ends_with(name));
    daemon.offspring().iter().filter(|pid| is_it(pid)).count()
}

#[test]
fn a_check_that_times_out_leaves_nobody_behind() {
    let daemon = toml(
        "[program.web]\ncommand = \"@puppet@ hold\"\nstartsecs = 0\n\
         readiness = { exec = \"sh -c 'sleep 1000 & sleep 1000'\", timeout = \"300ms\", period = 600 }\n",
    )
    .start();
    wait_until("the check runs", || running(&daemon, "sleep") == 2);
    wait_until("it is said", || note(&daemon).contains("no answer within 300ms (1 of 3)"));
    wait_for("nobody is left", Duration::from_secs(1), || running(&daemon, "sleep") == 0);
    daemon.finish();
}

#[test]
fn a_check_that_has_ended_leaves_nobody_behind() {
    let daemon = toml(
        "[program.web]\ncommand = \"@puppet@ hold\"\nstartsecs = 0\n\
         readiness = { exec = \"sh -c 'sleep 1000 >/dev/null 2>&1 & exit 0'\", period = 600, timeout = 10 }\n",
    )
    .start();
    wait_until("it is ready", || ready(&daemon) == 200);
    wait_for("nobody is left", Duration::from_secs(1), || running(&daemon, "sleep") == 0);
    daemon.finish();
}

#[test]
fn checks_never_pile_up() {
    let daemon = toml(
        "[program.web]\ncommand = \"@puppet@ hold\"\nstartsecs = 0\n\
         readiness = { exec = \"sh -c 'echo run >> @dir@/runs; exec sleep 1000'\", period = 0.02, timeout = 60 }\n\
         liveness = { exec = \"true\", period = 0.02, timeout = 10 }\n",
    )
    .start();
    wait_until("the other check runs again and again", || {
        let page = daemon.get("/metrics").map(|a| a.body).unwrap_or_default();
        metric(&page, "mainstay_check_runs_total", &[("check", "liveness")]).is_some_and(|n| n > 10.0)
    });
    assert_eq!(daemon.dir().read("runs"), "run\n");
    ctl(&daemon, &["stop", "web"]).expect(0);
    wait_for("nobody is left", Duration::from_secs(1), || running(&daemon, "sleep") == 0);
    daemon.finish();
}

#[test]
fn a_stopped_program_is_asked_nothing() {
    let daemon = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"ignore\", \"TERM\", \"say\", \"up\", \"hold\"]\nstartsecs = 0\nstopwaitsecs = 1\n\
         readiness = { exec = \"sh -c 'echo run >> @dir@/runs'\", period = 0.02, timeout = 10 }\n",
    )
    .start();
    daemon.wait_said("up");
    wait_until("it is asked", || daemon.dir().read("runs").lines().count() > 2);
    let stopping = std::thread::spawn({
        let socket = daemon.socket();
        move || harness::http::rpc(&socket, "supervisor.stopProcess", &["web"])
    });
    daemon.wait_state("web", "STOPPING");
    // One that had begun may still write.
    pause(100);
    let n_runs = daemon.dir().read("runs").lines().count();
    pause(400);
    assert_eq!(daemon.dir().read("runs").lines().count(), n_runs);
    stopping.join().expect("no panic").expect("it stops");
    daemon.finish();
}

#[test]
fn a_death_shows_at_once_however_seldom_it_is_asked() {
    let port = free_port();
    let _listener = TcpListener::bind(("127.0.0.1", port)).expect("bind");
    let daemon = toml(&format!(
        "[program.web]\ncommand = \"@puppet@ hold\"\nstartsecs = 0\nbackoff = {{ initial = 60, jitter = 0 }}\n\
         readiness = {{ tcp = {port}, period = 600, timeout = 10 }}\n"
    ))
    .start();
    wait_until("it is ready", || ready(&daemon) == 200);
    harness::kill(pid(&daemon), 9).expect("it lives");
    let watch = Stopwatch::start();
    wait_until("it is not ready", || daemon.get("/readyz").is_some_and(|a| a.status == 503));
    assert!(watch.elapsed() < Duration::from_secs(1), "{:?}", watch.elapsed());
    daemon.finish();
}

#[test]
fn a_check_that_cannot_be_forked_is_a_failure_and_recovers() {
    if needs_root() {
        return;
    }
    // As a user of its own: a limit of processes counts for all of one user's processes, and never for root.
    let who = ["setpriv", "--reuid=4124", "--regid=4124", "--clear-groups"];
    let setup = toml(
        "[supervisor]\nminprocs = 1\n[program.web]\ncommand = \"@puppet@ hold\"\nstartsecs = 0\n\
         readiness = { exec = \"true\", period = 0.05, timeout = 10 }\n",
    );
    harness::temp::set_mode(setup.dir().path(), 0o777);
    let daemon =
        setup.launcher(&[&["prlimit", "--nproc=100:1000", "--"], &who[..], &["--"]].concat()).start();
    wait_until("it is ready", || ready(&daemon) == 200);
    let limit = |n: u32| {
        let (pid, limit) = (daemon.pid().to_string(), format!("--nproc={n}:1000"));
        harness::Cmd::new(&[&who[..], &["prlimit", "--pid", &pid, &limit]].concat()).run().expect(0);
    };
    limit(2);
    wait_until("status says why", || note(&daemon).contains("cannot be run: cannot fork: "));
    wait_until("it is not ready", || ready(&daemon) == 503);
    limit(1_000);
    wait_until("it is ready again", || ready(&daemon) == 200);
    daemon.finish();
}
