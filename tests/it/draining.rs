//! The way to the end: drain, one budget, second signal, last words.

use crate::support::{ctl, mainstay, metric, sample, shows, toml};
use harness::{Daemon, Stopwatch, wait_until};
use std::time::Duration;

const TERM: i32 = 15;

fn status(daemon: &Daemon, page: &str) -> u16 {
    daemon.get(page).map_or(0, |answer| answer.status)
}

#[test]
fn the_sample_of_the_page_drains_stops_and_kills_within_the_budget() {
    let daemon = toml(&sample("shutdown.md", "toml")).start();
    wait_until("it is ready", || status(&daemon, "/readyz") == 200);
    let watch = Stopwatch::start();
    daemon.signal(TERM);
    wait_until("it is not ready", || status(&daemon, "/readyz") == 503);
    assert_eq!(status(&daemon, "/livez"), 200);
    assert!(!daemon.stdout().contains("bye"), "nothing is stopped while it drains");
    let dir = daemon.dir().path().to_owned();
    assert_eq!(daemon.wait_exit(), 0);
    // Half a second of drain at least, and KILL at 3.6 s of 4 for the deaf one.
    let took = watch.elapsed();
    assert!(took > Duration::from_millis(3_400), "{took:?}");
    let words = std::fs::read_to_string(dir.join("termination-log")).expect("it is there");
    let said = daemon.ended(0);
    assert!(said.contains("bye") && said.contains("killing what is left: deaf"), "{said}");
    assert_eq!(words, "stopped by SIGTERM (exit code 0)\n");
}

#[test]
fn a_second_term_skips_the_drain() {
    let daemon =
        toml("[supervisor]\ndrain_delay = 1000\n[program.web]\ncommand = [\"@puppet@\", \"hold\"]\n").start();
    daemon.wait_state("web", "RUNNING");
    daemon.signal(TERM);
    daemon.wait_said("not ready any more; everything is stopped in 1000 s");
    assert_eq!(daemon.info("web", "statename").as_deref(), Some("RUNNING"));
    daemon.signal(TERM);
    daemon.ended(0);
}

#[test]
fn an_operator_drains_waits_and_takes_it_back() {
    let daemon = toml(
        "[supervisor]\ndrain_delay = 0.3\n[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n",
    )
    .start();
    wait_until("it is ready", || status(&daemon, "/readyz") == 200);
    shows(ctl(&daemon, &["drain", "--wait"]).expect(0), "drained");
    assert_eq!(status(&daemon, "/readyz"), 503);
    assert_eq!(status(&daemon, "/livez"), 200);
    let page = daemon.get("/metrics").expect("it answers").body;
    assert_eq!(metric(&page, "mainstay_draining", &[]), Some(1.0));
    let url = format!("http://{}", daemon.address());
    mainstay(&["health", "ready", "--url", &url]).expect(1);
    ctl(&daemon, &["drain", "--cancel"]).expect(0);
    assert_eq!(status(&daemon, "/readyz"), 200);
    shows(ctl(&daemon, &["drain"]).expect(0), "draining");
    shows(ctl(&daemon, &["drain", "--cance"]).expect(1), "--cancel");
    assert_eq!(status(&daemon, "/readyz"), 503);
    assert_eq!(daemon.info("web", "statename").as_deref(), Some("RUNNING"));
    daemon.finish();
}

#[test]
fn when_the_last_has_ended_we_leave_at_once() {
    // A follower of the log and one of events, and nobody of them holds us up.
    let daemon = toml("[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n[supervisor]\nshutdown_timeout = 600\n").start();
    daemon.wait_state("web", "RUNNING");
    let follower = std::os::unix::net::UnixStream::connect(daemon.socket()).expect("it listens");
    std::io::Write::write_all(&mut &follower, b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n").expect("it reads");
    daemon.finish();
}

#[test]
fn the_last_words_say_why_and_show_the_last_output() {
    let daemon = toml(
        "[supervisor]\ntermination_log = \"@dir@/words\"\n\
         [program.web]\ncommand = [\"@puppet@\", \"say\", \"listening\", \"say-err\", \"no database\", \"exit\", \"3\"]\n\
         critical = true\nstartretries = 0\n\
         [program.other]\ncommand = [\"@puppet@\", \"say\", \"noise\", \"hold\"]\n",
    )
    .start();
    assert_eq!(daemon.wait_exit(), 3);
    let words = std::fs::read_to_string(daemon.dir().path().join("words")).expect("last words");
    let reason =
        "web is FATAL: Exited too quickly (process log may have details), exit status 3 (exit code 3)";
    assert_eq!(words, format!("{reason}\nlistening\nno database\n"));
    daemon.ended(3);
}

#[test]
fn a_critical_program_ends_the_container_with_its_code() {
    for (verbs, more, code, reason) in [
        ("\"exit\", \"0\"", "autorestart = false\nstartsecs = 0", 0, "web has ended: exit status 0"),
        ("\"exit\", \"3\"", "autorestart = false\nstartsecs = 0", 3, "web has ended: exit status 3"),
        (
            "\"crash\", \"SEGV\"",
            "autorestart = false\nstartsecs = 0",
            139,
            "web has ended: terminated by SIGSEGV",
        ),
        ("\"exit\", \"0\"", "startretries = 0", 1, "web is FATAL: Exited too quickly"),
        (
            "\"chdir\", \"/\"",
            "startretries = 0\ncommand = \"/not/there\"",
            127,
            "web is FATAL: can't find command",
        ),
    ] {
        let command = if more.contains("command") {
            String::new()
        } else {
            format!("command = [\"@puppet@\", {verbs}]\n")
        };
        let daemon = toml(&format!(
            "[supervisor]\ntermination_log = \"@dir@/words\"\n[program.web]\n{command}critical = true\n{more}\n\
             [program.other]\ncommand = [\"@puppet@\", \"hold\"]\n"
        ))
        .start();
        assert_eq!(daemon.wait_exit(), code, "{reason}");
        let words = std::fs::read_to_string(daemon.dir().path().join("words")).expect("last words");
        assert!(words.starts_with(reason), "{words}");
        assert!(words.contains(&format!("(exit code {code})")), "{words}");
        daemon.ended(code);
    }
}
