//! Clearing logs over XML-RPC.

use crate::rpc_logs::{answers, calls};
use crate::support::{Sup, ours, skipped, start};
use harness::wait_until;
use std::os::unix::fs::MetadataExt;

fn inode(sup: &Sup, name: &str) -> u64 {
    std::fs::symlink_metadata(sup.0.dir().path().join(name)).expect("it is there").ino()
}

/// A program that writes `old` twice and, when it gets USR1 through the file `go`, `new`.
const WRITER: &str = "@puppet@ say old say-err old wait-file @dir@/go say new say-err new hold";

#[test]
fn both_logs_of_a_program_that_lives_begin_again() {
    if skipped() {
        return;
    }
    let sup = start(&format!(
        "[program:w]\ncommand={WRITER}\nstartsecs=0\nstdout_logfile=@dir@/out\nstderr_logfile=@dir@/err\n"
    ));
    sup.wait_file("out", "old");
    sup.wait_file("err", "old");
    std::fs::write(sup.0.dir().path().join("out.1"), "backup").unwrap();
    // While somebody holds the old file, its number is not given to another.
    let held = std::fs::File::open(sup.0.dir().path().join("out")).unwrap();
    let before = inode(&sup, "out");
    answers(&sup, &[("s.clearProcessLogs('w')", "True")]);
    assert_eq!((sup.file("out").as_str(), sup.file("err").as_str()), ("", ""));
    assert_ne!(inode(&sup, "out"), before);
    assert_eq!(std::io::read_to_string(held).unwrap(), "old\n");
    assert_eq!(sup.file("out.1"), "backup");
    std::fs::write(sup.0.dir().path().join("go"), "").unwrap();
    sup.wait_file("out", "new");
    sup.wait_file("err", "new");
    assert_eq!((sup.file("out").as_str(), sup.file("err").as_str()), ("new\n", "new\n"));
    sup.finish();
}

#[test]
fn a_program_that_does_not_live_keeps_its_log() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:w]\ncommand=@puppet@ say old exit 0\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/out\n\
         [program:off]\ncommand=cat\nautostart=false\n",
    );
    sup.wait_log("exited: w");
    answers(
        &sup,
        &[
            ("s.clearProcessLog('w')", "True"),
            ("s.clearProcessLogs('off')", "True"),
            ("s.clearProcessLogs('nosuch')", "fault 10 BAD_NAME: nosuch"),
            ("s.clearProcessLogs('w:*')", "fault 10 BAD_NAME: w:*"),
            ("s.clearProcessLogs('w:')", "fault 10 BAD_NAME: w:"),
        ],
    );
    assert_eq!(sup.file("out"), "old\n");
    sup.finish();
}

#[test]
fn all_logs_are_cleared_in_the_order_of_starting() {
    if skipped() {
        return;
    }
    let writer = |name: &str, more: &str| {
        format!("[program:{name}]\ncommand={WRITER}\nstartsecs=0\nstdout_logfile=@dir@/{name}\n{more}\n")
    };
    let programs = [
        writer("b", "priority=3"),
        writer("a", "priority=9"),
        writer("late", "priority=50"),
        writer("early", "priority=2"),
        writer("z", "priority=9"),
        "[group:g]\nprograms=late,early\npriority=5\n[program:off]\ncommand=cat\nautostart=false\npriority=1\n".into(),
    ];
    let sup = start(&programs.concat());
    for name in ["a", "b", "late", "early", "z"] {
        sup.wait_file(name, "old");
    }
    answers(
        &sup,
        &[(
            "[(r['group'], r['name'], r['status'], r['description'], len(r)) for r in s.clearAllProcessLogs()]",
            "[('off', 'off', 80, 'OK', 4), ('b', 'b', 80, 'OK', 4), ('g', 'early', 80, 'OK', 4), \
             ('g', 'late', 80, 'OK', 4), ('a', 'a', 80, 'OK', 4), ('z', 'z', 80, 'OK', 4)]",
        )],
    );
    for name in ["a", "b", "late", "early", "z"] {
        assert_eq!(sup.file(name), "", "{name}");
    }
    sup.finish();
}

#[test]
fn a_log_behind_a_link_is_emptied_where_it_is() {
    if skipped() {
        return;
    }
    let setup = crate::support::setup(&format!(
        "{}[program:w]\ncommand={WRITER}\nstartsecs=0\nstdout_logfile=@dir@/link\n",
        crate::support::header("")
    ));
    std::os::unix::fs::symlink(setup.dir().path().join("real"), setup.dir().path().join("link")).unwrap();
    let sup = Sup::new(setup);
    sup.wait_file("real", "old");
    answers(&sup, &[("s.clearProcessLogs('w')", "True")]);
    let is_link = std::fs::symlink_metadata(sup.0.dir().path().join("link")).unwrap().is_symlink();
    // Trap 49 [F]: Supervisor takes the link away, whatever it leads to.
    assert_eq!((is_link, sup.file("real").as_str()), if ours() { (true, "") } else { (false, "old\n") });
    std::fs::write(sup.0.dir().path().join("go"), "").unwrap();
    sup.wait_file("link", "new\n");
    assert_eq!(sup.file("link"), "new\n");
    sup.finish();
}

#[test]
fn a_program_that_logs_to_syslog_can_be_cleared_too() {
    if skipped() {
        return;
    }
    let sup = start(&format!(
        "[program:w]\ncommand={WRITER}\nstartsecs=0\nstdout_logfile=@dir@/out\nstdout_syslog=true\n"
    ));
    sup.wait_file("out", "old");
    // Trap 50 [F].
    let (one, all) = if ours() { ("True", "[80]") } else { ("http 500", "http 500") };
    answers(
        &sup,
        &[("s.clearProcessLogs('w')", one), ("[r['status'] for r in s.clearAllProcessLogs()]", all)],
    );
    if ours() {
        assert_eq!(sup.file("out"), "");
    }
    sup.finish();
}

#[test]
fn a_log_that_cannot_be_removed_fails() {
    if skipped() {
        return;
    }
    let sup = start(&format!(
        "[program:w]\ncommand={WRITER}\nstartsecs=0\nstdout_logfile=@dir@/out\nstderr_logfile=NONE\n"
    ));
    sup.wait_file("out", "old");
    // Not even root removes a directory like a file.
    std::fs::remove_file(sup.0.dir().path().join("out")).unwrap();
    std::fs::create_dir(sup.0.dir().path().join("out")).unwrap();
    answers(
        &sup,
        &[
            ("s.clearProcessLogs('w')", "fault 30 FAILED: w"),
            ("[(r['status'], r['description']) for r in s.clearAllProcessLogs()]", "[(30, 'FAILED: w')]"),
        ],
    );
    sup.0.finish();
}

#[test]
fn the_main_log_begins_again() {
    if skipped() {
        return;
    }
    let sup = start("[program:c]\ncommand=cat\nstartsecs=0\n");
    sup.wait_log("success: c");
    answers(&sup, &[("s.clearLog()", "True")]);
    assert_eq!(sup.log(), "");
    sup.ctl_says(&["stop", "c"], 0, "c: stopped\n");
    sup.wait_log("stopped: c");
    std::fs::remove_file(sup.0.dir().path().join("main.log")).unwrap();
    answers(&sup, &[("s.clearLog()", "fault 20 NO_FILE"), ("s.clearLog(1)", "fault 2 INCORRECT_PARAMETERS")]);
    sup.0.finish();
}

#[test]
fn clearing_the_main_log_is_said_where_else_it_goes() {
    if skipped() {
        return;
    }
    let text = crate::support::header("").replace("silent=true", "silent=false");
    let sup = Sup::new(crate::support::setup(&format!("{text}[program:c]\ncommand=cat\nstartsecs=0\n")));
    sup.wait_log("success: c");
    let said = calls(&sup, &["s.clearLog()"]);
    assert_eq!(said, ["True"]);
    wait_until("it is said on stdout", || sup.0.stdout().contains("INFO reopening log file"));
    sup.0.finish();
}
