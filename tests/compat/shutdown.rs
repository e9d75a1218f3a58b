//! The end of the daemon: which signals, in which order, what is said and what is left.

use crate::support::{events, ours, skipped, start, start_with};
use harness::{Stopwatch, wait_for};
use std::time::Duration;

/// Ends a daemon with one program by the signal; what is said after the program is up.
fn ended_by(signal: i32) -> Vec<String> {
    let sup = start("[program:x]\ncommand=cat\nstartsecs=0\n");
    sup.wait_log("success: x");
    sup.0.signal(signal);
    events(&sup.0.ended(0)).into_iter().skip(2).collect()
}

fn last_lines(signal: &str) -> [String; 3] {
    [
        format!("WARN received {signal} indicating exit request"),
        "INFO waiting for x to die".into(),
        "WARN stopped: x (terminated by SIGTERM)".into(),
    ]
}

#[test]
fn sigterm_stops_everything_and_exits_0() {
    if !skipped() {
        assert_eq!(ended_by(15), last_lines("SIGTERM"));
    }
}

#[test]
fn sigint_stops_everything_and_exits_0() {
    if !skipped() {
        assert_eq!(ended_by(2), last_lines("SIGINT"));
    }
}

#[test]
fn sigquit_stops_everything_and_exits_0() {
    if !skipped() {
        assert_eq!(ended_by(3), last_lines("SIGQUIT"));
    }
}

#[test]
fn higher_priority_stops_first_and_the_next_one_waits_for_it() {
    if skipped() {
        return;
    }
    let program = |n: &str, p: i32, ms: i32| {
        format!(
            "[program:{n}]\ncommand=sh -c 'trap \"@puppet@ after {ms} stamp @dir@/order say {n}; exit\" TERM; echo up; while :; do @puppet@ after 20; done'\npriority={p}\nstartsecs=0\nstdout_logfile=@dir@/{n}\n"
        )
    };
    // The one that stops first takes longest: only waiting for it keeps the order.
    let sup = start(&[program("low", 1, 0), program("mid", 2, 200), program("top", 3, 500)].concat());
    ["low", "mid", "top"].iter().for_each(|n| sup.wait_file(n, "up"));
    let events = sup.finish();
    let order: Vec<&String> = events.iter().filter(|l| l.contains("stopped: ")).collect();
    assert_eq!(
        order,
        [
            "INFO stopped: top (exit status 0)",
            "INFO stopped: mid (exit status 0)",
            "INFO stopped: low (exit status 0)"
        ]
    );
    assert!(events.iter().any(|l| l == "INFO waiting for low, mid, top to die"), "{events:?}");
}

#[test]
fn equal_priorities_end_together() {
    if skipped() {
        return;
    }
    // Trap 40 [F]: theirs stops one group after the other, reverse by name; ours stops equals at once.
    let program = |n: &str| {
        format!(
            "[program:{n}]\ncommand=@puppet@ ignore TERM say up hold\nstopwaitsecs=1\nstartsecs=0\nstdout_logfile=@dir@/{n}\n"
        )
    };
    let sup = start(&["a", "b", "c", "d"].map(program).concat());
    ["a", "b", "c", "d"].iter().for_each(|n| sup.wait_file(n, "up"));
    let start = Stopwatch::start();
    sup.finish();
    let took = start.elapsed();
    if ours() {
        assert!(took < Duration::from_millis(2500), "{took:?}");
    } else {
        assert!(took > Duration::from_secs(4), "{took:?}");
    }
}

#[test]
fn a_second_sigterm_hurries_nothing() {
    if skipped() {
        return;
    }
    // Trap 41.
    let sup = start(
        "[program:x]\ncommand=@puppet@ ignore TERM say up hold\nstopwaitsecs=2\nstartsecs=0\nstdout_logfile=@dir@/x\n",
    );
    sup.wait_file("x", "up");
    let start = Stopwatch::start();
    sup.0.signal(15);
    sup.wait_log("waiting for x to die");
    sup.0.signal(15);
    let events = sup.finish();
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(
        events.iter().filter(|l| l.contains("killing 'x' (PID) with SIGKILL")).count(),
        1,
        "{events:?}"
    );
}

#[test]
fn a_stop_in_progress_is_not_restarted_and_backoff_ends() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:again]\ncommand=@puppet@ stamp @dir@/st exit 1\nstartretries=100\n\
         [program:x]\ncommand=@puppet@ on TERM 3 say up hold\nautorestart=true\nstartsecs=0\nstdout_logfile=@dir@/x\n",
    );
    sup.wait_file("x", "up");
    sup.wait_state("again", "BACKOFF");
    let events = sup.finish();
    let after = events
        .iter()
        .skip_while(|l| !l.contains("received SIGTERM"))
        .filter(|l| l.contains("spawned"))
        .count();
    assert_eq!(after, 0, "{events:?}");
}

#[test]
fn the_exit_code_is_0_though_every_program_failed() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ exit 3\nstartretries=0\n");
    sup.wait_log("gave up: x");
    sup.finish();
}

#[test]
fn sighup_restarts_everything_with_the_same_pid() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ stamp @dir@/st hold\nstartsecs=0\n");
    sup.wait_log("success: x");
    let pid = sup.0.pid();
    sup.0.signal(1);
    wait_for("it has been started again", Duration::from_secs(15), || sup.stamps("st").len() == 2);
    sup.wait_log("received SIGHUP indicating restart request");
    sup.wait_log_times("supervisord started with pid", 2);
    assert_eq!(sup.file("d.pid"), format!("{pid}\n"));
    sup.wait_state("x", "RUNNING");
    sup.finish();
}

#[test]
fn a_main_log_on_stdout_is_there_unless_silent() {
    if skipped() {
        return;
    }
    let sup = start_with("silent=false", "[program:x]\ncommand=cat\nstartsecs=0\n");
    sup.wait_log("success: x");
    harness::wait_until("stdout says so too", || sup.0.stdout().contains("INFO success: x entered RUNNING"));
    sup.finish();
    let sup = start("[program:x]\ncommand=cat\nstartsecs=0\n");
    sup.wait_log("success: x");
    assert_eq!(sup.0.stdout(), "");
    sup.finish();
}

#[test]
fn loglevel_hides_what_is_below_it() {
    if skipped() {
        return;
    }
    let sup = start_with("loglevel=warn", "[program:x]\ncommand=cat\nstartsecs=0\n");
    sup.wait_state("x", "RUNNING");
    let log = sup.finish();
    assert!(log.is_empty(), "no spawn is said: {log:?}");
}
