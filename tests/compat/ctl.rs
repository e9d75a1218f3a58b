//! The real supervisorctl against ours or theirs: output and exit codes.

use crate::support::{Sup, masked, skipped, start};

const FOUR: &str = "[program:up]\ncommand=cat\nstartsecs=0\n\
    [program:down]\ncommand=cat\nautostart=false\nstartsecs=0\n\
    [program:gone]\ncommand=@puppet@ after 500 exit 0\nstartsecs=0\nautorestart=false\n\
    [program:w]\ncommand=cat\nnumprocs=2\nprocess_name=%(process_num)d\nstartsecs=0\n";

fn four() -> Sup {
    let sup = start(FOUR);
    sup.wait_log("success: up");
    sup.wait_log("exited: gone");
    sup.wait_log("success: 1 ");
    sup
}

#[test]
fn status_is_a_sorted_table_and_3_when_anything_is_down() {
    if skipped() {
        return;
    }
    let sup = four();
    let done = sup.ctl(&["status"]);
    assert_eq!(done.code(), 3);
    let lines: Vec<String> = done.stdout.lines().map(masked).collect();
    assert_eq!(lines[0], "down                             STOPPED   Not started");
    let date = lines[1]
        .strip_prefix("gone                             EXITED    ")
        .unwrap_or_else(|| panic!("{lines:?}"));
    // `Nov 20 10:23 AM`
    assert!(date.len() == 15 && (date.ends_with("AM") || date.ends_with("PM")), "{date}");
    let up = lines[2].strip_prefix("up                               RUNNING   pid PID, uptime 0:00:");
    assert!(up.is_some_and(|s| s.len() == 2), "{lines:?}");
    assert!(
        lines[3].starts_with("w:0                              RUNNING   pid PID, uptime 0:00:"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 5);
    sup.ctl(&["status", "up"]).expect(0);
    sup.ctl(&["status", "w:*"]).expect(0);
    sup.ctl(&["status", "up", "down"]).expect(3);
    sup.ctl_says(&["status", "nosuch"], 4, "nosuch: ERROR (no such process)\n");
    sup.ctl_says(&["status", "nosuch:*"], 4, "nosuch: ERROR (no such group)\n");
    sup.finish();
}

#[test]
fn start_says_started_and_already_started() {
    if skipped() {
        return;
    }
    let sup = four();
    sup.ctl_says(&["start", "down"], 0, "down: started\n");
    sup.ctl_says(&["start", "down"], 0, "down: ERROR (already started)\n");
    sup.ctl_says(&["start", "gone"], 0, "gone: started\n");
    sup.ctl_says(&["start", "nosuch"], 1, "nosuch: ERROR (no such process)\n");
    sup.ctl_says(&["start", "w"], 1, "w: ERROR (no such process)\n");
    sup.ctl_says(&["start", "w:*"], 0, "");
    sup.ctl_says(&["start", "nosuch:*"], 2, "nosuch: ERROR (no such group)\n");
    sup.finish();
}

#[test]
fn stop_says_stopped_and_not_running() {
    if skipped() {
        return;
    }
    let sup = four();
    sup.ctl_says(&["stop", "up"], 0, "up: stopped\n");
    sup.ctl_says(&["stop", "up"], 0, "up: ERROR (not running)\n");
    sup.ctl_says(&["stop", "nosuch"], 1, "nosuch: ERROR (no such process)\n");
    let done = sup.ctl(&["stop", "w:*"]);
    let mut lines: Vec<&str> = done.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!((done.code(), lines), (0, vec!["w:0: stopped", "w:1: stopped"]));
    sup.ctl_says(&["stop", "all"], 0, "");
    sup.finish();
}

#[test]
fn restart_stops_and_starts() {
    if skipped() {
        return;
    }
    let sup = four();
    let before = sup.0.info("up", "pid");
    sup.ctl_says(&["restart", "up"], 0, "up: stopped\nup: started\n");
    assert_ne!(sup.0.info("up", "pid"), before);
    sup.ctl_says(&["restart", "down"], 0, "down: ERROR (not running)\ndown: started\n");
    sup.finish();
}

#[test]
fn signal_reaches_the_process() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:p]\ncommand=@puppet@ print-signals\nstartsecs=0\nstopsignal=KILL\nstdout_logfile=@dir@/p\n[program:off]\ncommand=cat\nautostart=false\n",
    );
    sup.wait_file("p", "ready");
    for (word, n) in [("HUP", 1), ("SIGUSR1", 10), ("28", 28), ("usr2", 12)] {
        sup.ctl_says(&["signal", word, "p"], 0, "p: signalled\n");
        sup.wait_file("p", &format!("\n{n}\n"));
    }
    sup.ctl_says(&["signal", "NOPE", "p"], 1, "p: ERROR (bad signal name)\n");
    sup.ctl_says(&["signal", "HUP", "off"], 7, "off: ERROR (not running)\n");
    sup.ctl_says(&["signal", "HUP", "nosuch"], 1, "nosuch: ERROR (no such process)\n");
    sup.finish();
}

#[test]
fn pid_of_the_daemon_and_of_programs() {
    if skipped() {
        return;
    }
    let sup = four();
    let done = sup.ctl(&["pid"]);
    assert_eq!((done.code(), done.stdout), (0, format!("{}\n", sup.0.pid())));
    let done = sup.ctl(&["pid", "up"]);
    assert_eq!((done.code(), Some(done.stdout.trim().to_string())), (0, sup.0.info("up", "pid")));
    sup.ctl_says(&["pid", "down"], 7, "0\n");
    sup.ctl_says(&["pid", "nosuch"], 1, "No such process nosuch\n");
    sup.finish();
}

#[test]
fn shutdown_ends_the_daemon() {
    if skipped() {
        return;
    }
    let sup = four();
    sup.ctl_says(&["shutdown"], 0, "Shut down\n");
    let said = sup.0.ended(0);
    assert!(said.contains("waiting for "), "{said}");
}

#[test]
fn without_a_server_status_is_4_and_the_rest_7() {
    if skipped() {
        return;
    }
    let sup = four();
    let (conf, url) = (sup.0.fill("@dir@/c.conf"), sup.0.fill("unix://@sock@"));
    sup.ctl(&["shutdown"]).expect(0);
    assert_eq!(sup.0.wait_exit(), 0);
    let ctl = harness::bins::venv("supervisorctl").unwrap();
    for (words, code) in [(["status", "up"], 4), (["start", "up"], 7)] {
        let done = harness::Cmd::new(&[ctl.as_str(), "-c", &conf, words[0], words[1]]).run();
        assert_eq!((done.code(), done.stdout.trim()), (code, format!("{url} no such file").as_str()));
    }
}

#[test]
fn version_is_supervisors() {
    if skipped() {
        return;
    }
    let sup = four();
    sup.ctl_says(&["version"], 0, "4.3.0\n");
    sup.finish();
}

#[test]
fn unknown_words_are_refused_by_supervisorctl_itself() {
    if skipped() {
        return;
    }
    let sup = four();
    let done = sup.ctl(&["bogus"]);
    assert!(done.stdout.starts_with("*** Unknown syntax: bogus"), "{}", done.stdout);
    assert_eq!(done.code(), 1);
    sup.finish();
}

#[test]
fn backoff_is_described_by_the_last_error() {
    if skipped() {
        return;
    }
    let sup = start("[program:p]\ncommand=@puppet@ exit 9\nstartsecs=5\nstartretries=100\n");
    sup.wait_state("p", "BACKOFF");
    let (state, why) = sup.status("p");
    // It may be between two tries.
    assert!(
        (state == "BACKOFF" && why == "Exited too quickly (process log may have details)")
            || state == "STARTING",
        "{state} {why}"
    );
    assert_eq!(sup.0.info("p", "exitstatus").as_deref(), Some("0"));
    sup.finish();
}

#[test]
fn the_info_of_an_exited_program() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:p]\ncommand=@puppet@ exit 9\nstartsecs=0\nautorestart=false\n[program:s]\ncommand=@puppet@ crash KILL\nstartsecs=0\nautorestart=false\n",
    );
    sup.wait_log("exited: p");
    sup.wait_log("exited: s");
    let get = |name: &str, member: &str| sup.0.info(name, member).unwrap_or_default();
    // Traps 27 and 28 [K].
    assert_eq!((get("p", "exitstatus").as_str(), get("p", "spawnerr").as_str()), ("9", "Bad exit code 9"));
    assert_eq!((get("s", "exitstatus").as_str(), get("s", "spawnerr").as_str()), ("-1", "Bad exit code -1"));
    assert_eq!(
        (get("p", "pid").as_str(), get("p", "state").as_str(), get("p", "group").as_str()),
        ("0", "100", "p")
    );
    assert!(get("p", "stop").parse::<i64>().unwrap() >= get("p", "start").parse::<i64>().unwrap());
    sup.finish();
}
