//! At level debug the daemon's log has a copy of all output, and says more.

use crate::support::{Sup, events, pieces, pieces_on, skipped, start_with};

const DEBUG: &str = "loglevel=debug\n";

#[track_caller]
fn has(sup: &Sup, text: &str) {
    assert!(sup.log().contains(text), "no `{text}`");
}

#[test]
fn output_is_copied_with_its_line_ends() {
    if skipped() {
        return;
    }
    let sup = pieces(DEBUG, "stdout_logfile=@dir@/x.out", &[b"one\ntwo\n", b"no end"]);
    has(&sup, " DEBG 'x' stdout output:\none\ntwo\n\n20");
    has(&sup, " DEBG 'x' stdout output:\nno end\n20");
    assert_eq!(sup.file("x.out"), "one\ntwo\nno end");
    sup.finish();
}

#[test]
fn stderr_is_copied_too_and_so_is_what_nobody_logs() {
    if skipped() {
        return;
    }
    let sup = pieces_on("chunk-err", DEBUG, "stdout_logfile=NONE\nstderr_logfile=NONE", &[b"said\n"]);
    has(&sup, " DEBG 'x' stderr output:\nsaid\n\n20");
    sup.finish();
}

#[test]
fn what_is_no_text_is_shown_as_bytes() {
    if skipped() {
        return;
    }
    let sup = pieces(
        DEBUG,
        "stdout_logfile=@dir@/x.out",
        &[b"\xff\x00'\"\\\t\n\r\x7f~", b"it's \xfe", b"\xc3\xa9 is text\n"],
    );
    has(
        &sup,
        r#" DEBG 'x' stdout output:
Undecodable: b'\xff\x00\'"\\\t\n\r\x7f~'
"#,
    );
    has(
        &sup,
        r#"Undecodable: b"it's \xfe"
"#,
    );
    has(&sup, "output:\n\u{e9} is text\n\n20");
    sup.finish();
}

#[test]
fn captured_data_is_copied_as_well_and_escapes_are_not() {
    if skipped() {
        return;
    }
    let text = b"<!--XSUPERVISOR:BEGIN-->\x1b[1mcaptured\x1b[0m<!--XSUPERVISOR:END-->text that is long enough to go\n";
    let sup = pieces(
        "loglevel=debug\nstrip_ansi=true\n",
        "stdout_logfile=@dir@/x.out\nstdout_capture_maxbytes=100",
        &[text],
    );
    has(&sup, " DEBG 'x' stdout output:\ncaptured\n20");
    has(&sup, " DEBG 'x' stdout emitted a comm event\n");
    has(&sup, " DEBG 'x' stdout output:\ntext that is long enough to go\n\n20");
    sup.finish();
}

#[test]
fn at_info_nothing_is_copied() {
    if skipped() {
        return;
    }
    let sup = pieces("", "stdout_logfile=@dir@/x.out", &[b"secret\n"]);
    assert!(!sup.log().contains("secret") && !sup.log().contains("DEBG"));
    sup.finish();
}

/// A line without what differs by nature: descriptors, addresses.
fn without_numbers(line: &str) -> String {
    let line = line.split(" <POutputDispatcher").next().unwrap_or(line);
    let line: Vec<&str> = line.split(' ').map(|w| if w.parse::<u32>().is_ok() { "N" } else { w }).collect();
    line.join(" ")
}

#[test]
fn a_whole_life_reads_the_same_at_debug() {
    if skipped() {
        return;
    }
    let sup = start_with(
        DEBUG,
        "[program:x]\ncommand=@puppet@ say hello hold\nstartsecs=0\nautostart=false\nstderr_logfile=NONE\n",
    );
    sup.wait_log("supervisord started");
    sup.ctl(&["start", "x"]).expect(0);
    sup.wait_log("success: x");
    sup.wait_log("hello");
    sup.ctl(&["signal", "WINCH", "x"]).expect(0);
    sup.ctl(&["stop", "x"]).expect(0);
    let seen: Vec<String> = events(&sup.log()).iter().map(|l| without_numbers(l)).collect();
    let mut about: Vec<&str> = seen.iter().map(String::as_str).collect();
    // Said only by a stop that has to wait, and how long that is differs.
    about.retain(|l| *l != "INFO waiting for x to stop");
    about.sort_unstable();
    let want = [
        "DEBG 'x' stdout output:",
        "DEBG fd N closed, stopped monitoring",
        "DEBG fd N closed, stopped monitoring",
        "DEBG killing x (pid PID) with signal SIGTERM",
        "DEBG received SIGCHLD indicating a child quit",
        "DEBG sending x (pid PID) sig SIGWINCH",
        "INFO spawned: 'x' with pid PID",
        "INFO success: x entered RUNNING state, process has stayed up for > than N seconds (startsecs)",
        "WARN stopped: x (terminated by SIGTERM)",
    ];
    assert_eq!(about, want);
    sup.finish();
}
