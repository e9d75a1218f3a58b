//! The pidfile: what it holds, whose it is, and what happens where it cannot be written.

use crate::face::{face, log_of};
use crate::support::{ours, skipped};
use harness::{Daemon, Setup, wait_until};

fn config(pidfile: &str) -> Setup {
    face(&format!(
        "[supervisord]\nnodaemon=true\nsilent=true\nuser=root\nlogfile=@dir@/main.log\nchildlogdir=@dir@\n\
         pidfile={pidfile}\n[unix_http_server]\nfile=@sock@\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [program:x]\ncommand=cat\nstartsecs=0\n"
    ))
}

#[track_caller]
fn wait_log(daemon: &Daemon, text: &str, n: usize) {
    wait_until(&format!("the log says `{text}` {n} times"), || {
        daemon.dir().read("main.log").matches(text).count() >= n
    });
}

#[test]
fn an_old_one_is_overwritten_and_ours_is_removed_at_the_end() {
    if skipped() {
        return;
    }
    let daemon = config("@dir@/d.pid").file("d.pid", "123456789 and more\n").start();
    wait_log(&daemon, "success: x", 1);
    assert_eq!(daemon.dir().read("d.pid"), format!("{}\n", daemon.pid()));
    daemon.finish();
}

#[test]
fn a_relative_one_stands_where_it_was_started() {
    if skipped() {
        return;
    }
    let daemon = config("here.pid").start();
    wait_log(&daemon, "success: x", 1);
    assert_eq!(daemon.dir().read("here.pid"), format!("{}\n", daemon.pid()));
    daemon.finish();
}

#[test]
fn one_that_cannot_be_written_is_critical_and_it_goes_on() {
    if skipped() {
        return;
    }
    let daemon = config("@dir@/folder").file("folder/x", "").start();
    wait_log(&daemon, "success: x", 1);
    let log = log_of(&daemon);
    // Ours says why as well.
    assert!(log.iter().any(|l| l.starts_with("CRIT could not write pidfile @dir@/folder")), "{log:?}");
    assert!(!log.iter().any(|l| l.contains("supervisord started with pid")), "{log:?}");
    assert!(daemon.dir().path().join("folder").is_dir());
    daemon.finish();
}

#[test]
fn a_restart_writes_it_again() {
    if skipped() {
        return;
    }
    let daemon = config("@dir@/d.pid").start();
    wait_log(&daemon, "success: x", 1);
    daemon.dir().write("d.pid", "");
    daemon.signal(1);
    wait_log(&daemon, "success: x", 2);
    assert_eq!(daemon.dir().read("d.pid"), format!("{}\n", daemon.pid()));
    daemon.finish();
}

#[test]
fn a_restart_with_another_place_removes_the_old_one() {
    if skipped() {
        return;
    }
    let daemon = config("@dir@/d.pid").start();
    wait_log(&daemon, "success: x", 1);
    let text = daemon.dir().read("c.conf").replace("/d.pid", "/e.pid");
    daemon.dir().write("c.conf", &text);
    daemon.signal(1);
    wait_log(&daemon, "success: x", 2);
    assert_eq!(daemon.dir().read("e.pid"), format!("{}\n", daemon.pid()));
    assert!(!daemon.dir().path().join("d.pid").exists());
    daemon.finish();
}

#[test]
fn one_that_somebody_else_has_taken_over_is_left_to_him() {
    if skipped() {
        return;
    }
    let daemon = config("@dir@/pid").start();
    wait_log(&daemon, "success: x", 1);
    daemon.dir().write("pid", "1\n");
    daemon.signal(15);
    assert_eq!(daemon.wait_exit(), 0);
    // On purpose: theirs removes it whatever it holds.
    assert_eq!(daemon.dir().path().join("pid").exists(), ours());
}
