//! The listeners of superlance, unmodified: what they see, and what they do to programs by XML-RPC. Mails go to a file.

use crate::support::{Sup, skipped, start};
use harness::bins;

/// The listener, or nothing where superlance is not installed.
fn listener(tool: &str, words: &str, events: &str) -> Option<String> {
    let path = (!skipped()).then(|| bins::venv(tool)).flatten();
    assert!(
        path.is_some() || skipped() || !harness::flag("REQUIRE_COMPAT"),
        "there is no superlance beside Supervisor"
    );
    Some(format!(
        "[eventlistener:{tool}]\ncommand={} {words}\nevents={events}\nstderr_logfile=@dir@/err\nstdout_logfile=@dir@/out\n",
        path?
    ))
}

const MAIL: &str = "-m dev@example.com -s 'dd of=@dir@/mail oflag=append conv=notrunc status=none'";

/// `x` ends as told when the file is there.
fn waiting(verbs: &str) -> String {
    format!("[program:x]\ncommand=@puppet@ {verbs}\nstartsecs=0\nautorestart=false\n")
}

#[track_caller]
fn wait_answered(sup: &Sup) {
    sup.wait_file("out", "RESULT 2\nOKREADY\n");
}

#[test]
fn crashmail_sends_a_mail_about_an_exit_that_is_not_expected() {
    let Some(tool) = listener("crashmail", &format!("-p x {MAIL}"), "PROCESS_STATE_EXITED") else { return };
    let sup = start(&(tool + &waiting("wait-file @dir@/go exit 3")));
    sup.wait_log("success: crashmail");
    sup.0.dir().write("go", "");
    wait_answered(&sup);
    let mail = sup.file("mail");
    assert!(mail.starts_with("To: dev@example.com\nSubject:  x crashed at "), "{mail}");
    assert!(mail.contains("Process x in group x exited unexpectedly (pid "), "{mail}");
    assert!(mail.ends_with(") from state RUNNING"), "{mail}");
    sup.finish();
}

#[test]
fn memmon_restarts_what_is_too_large() {
    let Some(tool) = listener("memmon", &format!("-p x=1 {MAIL}"), "TICK_5") else { return };
    let sup = start(&(tool + &waiting("hold")));
    sup.wait_file("err", "Restarting x:x");
    wait_answered(&sup);
    assert!(sup.log().matches("spawned: 'x'").count() >= 2);
    assert!(sup.file("mail").contains(": process x:x restarted\n"), "{}", sup.file("mail"));
    sup.finish();
}

#[test]
fn httpok_restarts_what_does_not_answer() {
    // Nobody listens there.
    let words = format!("-p x -t 1 {MAIL} http://127.0.0.1:1/");
    let Some(tool) = listener("httpok", &words, "TICK_5") else { return };
    let sup = start(&(tool + &waiting("hold")));
    sup.wait_file("err", "Restarting selected processes ['x']");
    wait_answered(&sup);
    assert!(sup.log().matches("spawned: 'x'").count() >= 2);
    let mail = sup.file("mail");
    assert!(mail.contains("http://127.0.0.1:1/: bad status returned"), "{mail}");
    sup.finish();
}

/// The three that collect and send a mail with a tick. There is no mail server, which they say, and go on.
#[track_caller]
fn collects(tool: &str, program: &str, message: &str) {
    let words = "-t dev@example.com -f us@example.com -H 127.0.0.1 -i 0.05 -e TICK_5";
    let Some(tool_text) = listener(tool, words, "PROCESS_STATE,TICK_5") else { return };
    let sup = start(&(tool_text + program));
    sup.wait_file("err", message);
    sup.wait_file("err", "Sending notification email:\nTo: dev@example.com\nFrom: us@example.com\n");
    wait_answered(&sup);
    sup.finish();
}

#[test]
fn crashmailbatch_collects_exits() {
    collects("crashmailbatch", &waiting("exit 3"), "Process x:x (pid ");
}

#[test]
fn crashsms_collects_exits() {
    collects("crashsms", &waiting("exit 3"), "[x:x](");
}

#[test]
fn fatalmailbatch_collects_failures() {
    let program = "[program:x]\ncommand=@puppet@ exit 1\nstartretries=0\n";
    collects("fatalmailbatch", program, "Process x:x failed to start too many times");
}
