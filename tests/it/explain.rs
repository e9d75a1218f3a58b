//! `ctl explain`: every reason of an end, told with what happens next.

use crate::support::{ctl, ini, mainstay, metric, toml};
use harness::{Daemon, http, wait_until};
use serde_json::Value;

/// The one process of `ctl explain NAME --json`.
fn explained(daemon: &Daemon, name: &str) -> Value {
    let done = ctl(daemon, &["explain", name, "--json"]);
    done.expect(0);
    let all: Value = serde_json::from_str(&done.stdout).expect("json");
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
    all[0].clone()
}

/// Waits for an end and gives the newest one.
#[track_caller]
fn newest(daemon: &Daemon, name: &str) -> Value {
    wait_until("it listens", || ctl(daemon, &["pid"]).code() == 0);
    wait_until("an end is told", || explained(daemon, name)["ends"][0].is_object());
    explained(daemon, name)["ends"][0].clone()
}

const DYING: &str = "[program:tired]\ncommand=@puppet@ say i-am-tired after 50 exit 3\nstartsecs=0\nautorestart=false\n\
    [program:crash]\ncommand=@puppet@ say-err this-is-the-end crash SEGV\nstartsecs=0\nautorestart=false\n\
    [program:missing]\ncommand=/no/such/thing\nstartretries=0\n\
    [program:done]\ncommand=@puppet@ exit 0\nstartsecs=0\nautorestart=unexpected\n\
    [program:deaf]\ncommand=@puppet@ ignore TERM say up hold\nstartsecs=0\nstopwaitsecs=1\n\
    [program:polite]\ncommand=@puppet@ say up hold\nstartsecs=0\n\
    [program:shot]\ncommand=@puppet@ say up hold\nstartsecs=0\nautorestart=false\n\
    [program:idle]\ncommand=@puppet@ hold\nautostart=false\n\
    [program:early]\ncommand=@puppet@ exit 0\nstartsecs=5\nstartretries=9\n";

#[test]
fn every_reason_is_told() {
    let daemon = ini(DYING).start();
    let end = newest(&daemon, "tired");
    assert_eq!((end["reason"].as_str(), end["code"].as_i64()), (Some("exit"), Some(3)), "{end}");
    assert_eq!(end["text"], "ended by itself: exit status 3, not expected");
    assert_eq!(end["last_lines"], serde_json::json!(["i-am-tired"]));
    let seconds = end["seconds"].as_f64().expect("a number");
    assert!((0.05..30.0).contains(&seconds), "{end}");
    assert!(end["peak_memory_bytes"].as_f64().is_some_and(|n| n > 100e3), "{end}");
    assert!(end["end"].as_f64() >= end["start"].as_f64());

    let end = newest(&daemon, "crash");
    assert_eq!((end["reason"].as_str(), end["signal"].as_str()), (Some("signal"), Some("SIGSEGV")), "{end}");
    assert_eq!(end["last_lines"], serde_json::json!(["this-is-the-end"]));

    let end = newest(&daemon, "missing");
    assert_eq!((end["reason"].as_str(), end["code"].as_i64()), (Some("spawn"), None), "{end}");
    assert_eq!(end["why"], "can't find command '/no/such/thing'");

    let end = newest(&daemon, "done");
    assert_eq!((end["reason"].as_str(), end["expected"].as_bool()), (Some("exit"), Some(true)), "{end}");

    let end = newest(&daemon, "early");
    assert_eq!((end["reason"].as_str(), end["failed_starts"].as_i64()), (Some("exit"), Some(1)), "{end}");

    for (name, reason) in [("deaf", "timeout"), ("polite", "stopped")] {
        daemon.wait_state(name, "RUNNING");
        wait_until("it says up", || ctl(&daemon, &["tail", name]).stdout.contains("up"));
        ctl(&daemon, &["stop", name]).expect(0);
        let end = newest(&daemon, name);
        assert_eq!(end["reason"], reason, "{end}");
        assert_eq!(end["killed"].as_bool(), (name == "deaf").then_some(true), "{end}");
    }
    daemon.wait_state("shot", "RUNNING");
    ctl(&daemon, &["signal", "KILL", "shot"]).expect(0);
    let end = newest(&daemon, "shot");
    assert_eq!((end["reason"].as_str(), end["killed"].as_bool()), (Some("signal"), Some(true)), "{end}");

    assert_eq!(explained(&daemon, "idle")["ends"], serde_json::json!([]));
    let page = daemon.get("/metrics").expect("it answers").body;
    let exits = |name: &str, reason: &str| {
        metric(&page, "mainstay_program_exits_total", &[("program", name), ("reason", reason)])
    };
    assert_eq!((exits("deaf", "timeout"), exits("deaf", "stopped")), (Some(1.0), Some(0.0)));
    assert_eq!((exits("polite", "timeout"), exits("polite", "stopped")), (Some(0.0), Some(1.0)));
    assert_eq!(exits("shot", "oom"), Some(0.0));
    let peak = metric(&page, "mainstay_program_last_peak_memory_bytes", &[("program", "tired")]);
    assert!(peak.is_some_and(|n| n > 100e3), "{peak:?}");
    assert_eq!(metric(&page, "mainstay_program_last_peak_memory_bytes", &[("program", "missing")]), None);
    daemon.finish();
}

#[test]
fn a_kill_by_a_stranger_is_not_lack_of_memory() {
    let daemon = ini(DYING).start();
    daemon.wait_state("shot", "RUNNING");
    let pid = daemon.info("shot", "pid").expect("a pid").parse().expect("a number");
    harness::kill(pid, 9).expect("it is there");
    let end = newest(&daemon, "shot");
    assert_eq!((end["reason"].as_str(), end["killed"].as_bool()), (Some("signal"), None), "{end}");
    daemon.finish();
}

#[test]
fn what_happens_next_is_said() {
    let daemon = ini(DYING).start();
    newest(&daemon, "missing");
    let next = |name: &str| explained(&daemon, name)["next"].as_str().unwrap_or_default().to_owned();
    wait_until("it is FATAL", || {
        next("missing")
            == "will not be started again: 1 failed start (startretries = 0); `ctl start missing` tries again"
    });
    wait_until("a retry is due", || {
        next("early").starts_with("retry ") && next("early").contains(" of 9 in ")
    });
    assert_eq!(next("idle"), "not started by itself (autostart = false); `ctl start idle` starts it");
    assert_eq!(next("polite"), "restarted at once after an exit that is not expected (exitcodes = 0)");
    assert!(next("done").starts_with("will not be started again: it ended as expected (exitcodes = 0)"));
    daemon.finish();
}

#[test]
fn people_read_the_newest_end_first() {
    let daemon = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"say\", \"one\", \"say-err\", \"\\u001b[31mtwo\", \"hold\"]\nstartsecs = 0\n",
    )
    .start();
    for _ in 0..2 {
        daemon.wait_state("web", "RUNNING");
        wait_until("it has said it", || daemon.said().contains("two"));
        ctl(&daemon, &["restart", "web"]).expect(0);
    }
    daemon.wait_state("web", "RUNNING");
    ctl(&daemon, &["signal", "USR1", "web"]).expect(0);
    wait_until("it has ended by itself", || explained(&daemon, "web")["ends"][0]["reason"] == "signal");
    let done = ctl(&daemon, &["explain"]);
    done.expect(0);
    let text = done.stdout;
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} in {text}"));
    assert!(text.starts_with("web: "), "{text}");
    assert!(at("it has ended 3 times, newest first:") < at("terminated by SIGUSR1"), "{text}");
    assert!(at("terminated by SIGUSR1") < at("stopped as asked: terminated by SIGTERM"), "{text}");
    assert!(text.contains("      | one\n      | two\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    daemon.finish();
}

#[test]
fn names_are_those_of_status() {
    let daemon = ini("[group:g]\nprograms=a,b\n[program:a]\ncommand=@puppet@ hold\nstartsecs=0\n\
        [program:b]\ncommand=@puppet@ hold\nstartsecs=0\n[program:c]\ncommand=@puppet@ hold\nstartsecs=0\n")
    .start();
    daemon.wait_state("c", "RUNNING");
    let heads = |words: &[&str]| -> Vec<String> {
        let done = ctl(&daemon, &[&["explain"], words].concat());
        let heads = done.stdout.lines().filter(|l| !l.starts_with(' ') && !l.is_empty());
        heads.map(|l| l.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(heads(&[]), ["c:", "g:a:", "g:b:"]);
    assert_eq!(heads(&["g:*"]), ["g:a:", "g:b:"]);
    assert_eq!(heads(&["c", "g:b"]), ["c:", "g:b:"]);
    assert_eq!(heads(&["all"]).len(), 3);
    let wrong = ctl(&daemon, &["explain", "nosuch"]);
    wrong.expect(4);
    assert_eq!(wrong.stdout, "nosuch: ERROR (no such process)\n");
    let fault = http::rpc(&daemon.socket(), "mainstay.explain", &["nosuch"]);
    assert!(format!("{fault:?}").contains("BAD_NAME: nosuch"), "{fault:?}");
    daemon.finish();
}

#[test]
fn status_as_json_has_the_reason() {
    let daemon = ini(DYING).start();
    newest(&daemon, "tired");
    let done = ctl(&daemon, &["status", "tired", "polite", "--json"]);
    let all: Value = serde_json::from_str(&done.stdout).expect("json");
    assert_eq!(all[0]["exit_reason"], "exit", "{all}");
    assert_eq!(all[1].get("exit_reason"), None, "{all}");
    // As supervisorctl it is Supervisor's answer.
    daemon.finish();
}

#[test]
fn the_page_shows_what_is_printed() {
    let path = harness::bins::workspace().join("docs/explain.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let sample = page.split("```ini\n").nth(1).and_then(|t| t.split("```").next()).expect("a sample");
    // The sample's programs are shell scripts; its ends are those that the page shows.
    let setup = ini(&sample.replace("/usr/local/bin/report", "@puppet@ say cannot-open-report.csv exit 3"));
    let daemon = setup.start();
    newest(&daemon, "report");
    wait_until("it has given up", || explained(&daemon, "report")["statename"] == "FATAL");
    let printed = ctl(&daemon, &["explain", "report"]).stdout;
    let shown = page.split("```text\n").nth(1).and_then(|t| t.split("```").next()).expect("an answer");
    // Times, durations and numbers differ.
    let bare = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|l| !l.starts_with('$'));
        let words = |l: &str| {
            l.split_whitespace()
                .filter(|w| !w.contains(|c: char| c.is_ascii_digit()) && !matches!(*w, "s" | "ms" | "min"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        lines.map(words).collect()
    };
    assert_eq!(bare(&printed), bare(shown), "{printed}\n{shown}");
    daemon.finish();
}

#[test]
fn help_lists_it() {
    let help = mainstay(&["ctl", "help", "explain"]);
    help.expect(0);
    assert!(help.stdout.starts_with("explain <name>\t"), "{}", help.stdout);
}
