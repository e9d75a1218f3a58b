//! Duties of PID 1 that need a namespace or an empty root: no `/proc`, no `/tmp`, no `/etc/passwd`, read-only root, any
//! uid, closed standard descriptors.

use crate::support::{ini, needs_root, toml};
use harness::{Setup, proc, root::Root, wait_until};

const RUN: &str = "[program.web]\ncommand = [\"/puppet\", \"say\", \"up\", \"hold\"]\n\
    [program.job]\ncommand = [\"/puppet\", \"fork-orphans\", \"20\", \"exit\", \"0\"]\nstartsecs = 0\nautorestart = false\n";

/// A daemon in an empty root, as PID 1, without `/proc`.
fn in_root(root: &Root, before: &[&str], words: &[&str]) -> Setup {
    let path = root.path();
    let chroot = [&["@puppet@", "chroot", &path], before, &["exec", "/mainstay"]].concat();
    let all = [&chroot[..], words].concat();
    Setup::new(&all).namespaces(&[])
}

#[test]
fn an_empty_root_is_enough_for_several_programs() {
    if needs_root() {
        return;
    }
    let root = Root::new();
    root.write("m.toml", RUN);
    let daemon = in_root(&root, &[], &["run", "-c", "/m.toml"]).start();
    daemon.wait_said("up\n");
    daemon.wait_said("orphans 20");
    daemon.wait_said("exited: job");
    wait_until("no zombie is left", || proc::zombies(daemon.pid()).is_empty());
    daemon.finish();
}

#[test]
fn an_empty_root_is_enough_for_one_program() {
    if needs_root() {
        return;
    }
    let root = Root::new();
    let daemon = in_root(&root, &[], &["--", "/puppet", "cwd", "sigconf", "exit", "9"]).start();
    let said = daemon.ended(9);
    assert!(said.starts_with("/\nSigBlk: 0000000000000000\n"), "{said}");
    in_root(&root, &[], &["--", "/nothing"]).start().ended(127);
    in_root(&root, &[], &["--", "/m.toml"]).start().ended(127);
}

#[test]
fn an_empty_root_has_metrics_and_health() {
    if needs_root() {
        return;
    }
    let root = Root::new();
    let setup = in_root(&root, &[], &["run", "-c", "/m.toml"]);
    root.write("m.toml", &format!("[http]\nlisten = \"127.0.0.1:{}\"\n{RUN}", setup.fill("@port@")));
    let daemon = setup.start();
    wait_until("it is ready", || daemon.get("/readyz").is_some_and(|a| a.status == 200));
    let page = daemon.get("/metrics").expect("metrics answer").body;
    assert!(page.contains("mainstay_program_up{") && page.contains("mainstay_build_info"), "{page}");
    daemon.finish();
}

#[test]
fn any_uid_and_a_read_only_root() {
    if needs_root() {
        return;
    }
    let root = Root::new();
    let setup = Setup::new(&[
        "sh",
        "-c",
        "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\"",
        "sh",
        &root.path(),
        "@puppet@",
        "chroot",
        &root.path(),
        "setids",
        "1000650000",
        "0",
        "no-new-privs",
        "exec",
        "/mainstay",
        "run",
        "-c",
        "/m.toml",
    ])
    .namespaces(&[]);
    root.write(
        "m.toml",
        &format!(
            "[http]\nlisten = \"127.0.0.1:{}\"\n[program.web]\ncommand = [\"/puppet\", \"ids\", \"hold\"]\n",
            setup.fill("@port@")
        ),
    );
    let daemon = setup.start();
    daemon.wait_said("uid 1000650000 1000650000 gid 0 0");
    wait_until("it is ready", || daemon.get("/readyz").is_some_and(|a| a.status == 200));
    daemon.finish();
}

#[test]
fn closed_standard_descriptors_do_no_harm() {
    if needs_root() {
        return;
    }
    for closed in ["0", "1", "2", "0,1,2"] {
        let daemon = ini("[program:p]\ncommand=@puppet@ fds hold\nstartsecs=0\nstdout_logfile=@dir@/p.out\n")
            .launcher(&["@puppet@", "close", closed, "exec"])
            .start();
        daemon.wait_state("p", "RUNNING");
        wait_until("it has said its descriptors", || daemon.dir().read("p.out").matches("fd ").count() == 3);
        daemon.finish();
    }
}

#[test]
fn closed_standard_descriptors_stay_closed_or_become_null_in_init_mode() {
    let daemon = Setup::dashes(&["@puppet@", "touch", "@dir@/ran", "exit", "6"])
        .launcher(&["@puppet@", "close", "0,1,2", "exec"])
        .start();
    assert_eq!(daemon.wait_exit(), 6);
    assert!(daemon.dir().path().join("ran").exists());
}

#[test]
fn pid_1_stands_in_the_root_and_holds_few_descriptors() {
    if needs_root() {
        return;
    }
    let daemon = ini("[program:p]\ncommand=@puppet@ cwd hold\nstartsecs=0\nstdout_logfile=@dir@/p.out\n")
        .pid1()
        .start();
    daemon.wait_state("p", "RUNNING");
    let dir = daemon.fill("@dir@\n");
    wait_until("the program stands where we were started", || daemon.dir().read("p.out") == dir);
    assert_eq!(proc::cwd(daemon.pid()).as_deref(), Some("/"));
    let fds = proc::fds(daemon.pid());
    assert!(fds.len() < 30, "{fds:?}");
    daemon.finish();
}

#[test]
fn everything_works_as_a_later_pid_too() {
    let daemon = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"fork-orphans\", \"30\", \"say\", \"up\", \"hold\"]\n",
    )
    .start();
    daemon.wait_said("up");
    wait_until("no zombie is left", || proc::zombies(daemon.pid()).is_empty());
    daemon.finish();
}

#[test]
fn a_nested_run_below_another_init_works() {
    if needs_root() {
        return;
    }
    let Some(tini) = harness::bins::which("tini") else {
        return println!("skipped: needs tini");
    };
    let daemon = ini("[program:p]\ncommand=@puppet@ hold\nstartsecs=0\n").launcher(&[&tini, "--"]).start();
    daemon.wait_state("p", "RUNNING");
    daemon.finish();
}
