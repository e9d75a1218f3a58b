//! What is sent to programs by XML-RPC: events of one's own, text for a stdin.

use crate::events::{got, pool, told, wait_told};
use crate::support::{Sup, ours, skipped, start};
use harness::{http, wait_until};

/// `True`, or the fault.
fn call(sup: &Sup, method: &str, args: &[&str]) -> String {
    let xml = http::rpc(&sup.0.socket(), &format!("supervisor.{method}"), args).expect("an answer");
    http::member(&xml, "faultString").unwrap_or_else(|| {
        assert!(xml.contains("<boolean>1</boolean>"), "{xml}");
        "True".into()
    })
}

#[test]
fn an_event_may_come_from_outside() {
    if skipped() {
        return;
    }
    let sup = start(&pool("l", "ok", "events=REMOTE_COMMUNICATION"));
    sup.wait_log("success: l");
    assert_eq!(call(&sup, "sendRemoteCommEvent", &["kind", "some data"]), "True");
    assert_eq!(call(&sup, "sendRemoteCommEvent", &["a b", "d\u{e9}j\u{e0}\n"]), "True");
    wait_told(&sup, "l", 2);
    let lengths: Vec<String> = got(&sup, "l").iter().map(|(h, _)| h["len"].clone()).collect();
    assert_eq!(
        told(&sup, "l"),
        ["REMOTE_COMMUNICATION type:kind\\nsome data", "REMOTE_COMMUNICATION type:a b\\nd\u{e9}j\u{e0}\\n"]
    );
    assert_eq!(lengths, ["19", "14"]);
    sup.finish();
}

#[test]
fn events_may_be_sent_while_everything_stops() {
    if skipped() {
        return;
    }
    let sup = start(
        &(pool("l", "ok", "events=REMOTE_COMMUNICATION,SUPERVISOR_STATE_CHANGE_STOPPING")
            + "[program:x]\ncommand=@puppet@ ignore TERM touch @dir@/up wait-file @dir@/go exit 0\nstartsecs=0\n"),
    );
    sup.wait_log("success: x");
    wait_until("it ignores TERM", || sup.0.dir().path().join("up").exists());
    sup.wait_file("l.out", "READY\n");
    sup.0.signal(15);
    wait_told(&sup, "l", 1);
    assert_eq!(call(&sup, "sendRemoteCommEvent", &["t", "d"]), "True");
    assert_eq!(call(&sup, "sendProcessStdin", &["x", "text"]), "SHUTDOWN_STATE");
    assert_eq!(wait_told(&sup, "l", 2)[1], "REMOTE_COMMUNICATION type:t\\nd");
    sup.0.dir().write("go", "");
    sup.finish();
}

#[test]
fn text_arrives_on_stdin() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\nprocess_name=one\ncommand=@puppet@ cat\nstartsecs=0\nstdout_logfile=@dir@/x.out\n\
         [program:idle]\ncommand=cat\nautostart=false\n\
         [program:closed]\ncommand=@puppet@ close 0 touch @dir@/closed hold\nstartsecs=0\n",
    );
    sup.wait_log("success: one");
    wait_until("it has closed its stdin", || sup.0.dir().path().join("closed").exists());
    assert_eq!(call(&sup, "sendProcessStdin", &["x:one", "hello "]), "True");
    assert_eq!(call(&sup, "sendProcessStdin", &["x:one", "d\u{e9}j\u{e0}\n"]), "True");
    sup.wait_file("x.out", "hello d\u{e9}j\u{e0}\n");
    for (name, fault) in [
        ("x", "BAD_NAME: x"),
        ("x:*", "BAD_NAME: x:*"),
        ("nobody", "BAD_NAME: nobody"),
        ("idle", "NOT_RUNNING: idle"),
        ("closed", "NO_FILE: closed"),
    ] {
        assert_eq!(call(&sup, "sendProcessStdin", &[name, "text"]), fault, "{name}");
    }
    sup.finish();
}

#[test]
fn more_than_a_pipe_takes_is_kept_until_it_is_read() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=@puppet@ wait-file @dir@/go cat\nstartsecs=0\nstdout_logfile=@dir@/x.out\n\
         stdout_logfile_maxbytes=0\n",
    );
    sup.wait_log("success: x");
    let text = "0123456789".repeat(20_000);
    let send = || http::rpc(&sup.0.socket(), "supervisor.sendProcessStdin", &["x", &text]);
    // Theirs keeps it and answers with an error 500 from the second one on.
    for n in 0..3 {
        assert_eq!(send().is_ok(), ours() || n == 0);
    }
    sup.0.dir().write("go", "");
    wait_until("all has arrived", || sup.bytes("x.out").len() == 600_000);
    assert!(sup.file("x.out") == text.repeat(3));
    sup.finish();
}

#[test]
fn what_nobody_reads_is_refused_at_last() {
    if skipped() || !ours() {
        // Theirs keeps all of it, for ever.
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ hold\nstartsecs=0\n");
    sup.wait_log("success: x");
    let text = "x".repeat(600_000);
    assert_eq!(call(&sup, "sendProcessStdin", &["x", &text]), "True");
    assert_eq!(call(&sup, "sendProcessStdin", &["x", &text]), "FAILED: x does not read its stdin");
    sup.finish();
}
