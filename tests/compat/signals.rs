//! Signals to the daemon, at every time of its life.

use crate::support::{Sup, events, header, ours, setup, skipped, start, start_with};
use harness::wait_until;

/// Ignores TERM until a test kills it.
const STUBBORN: &str = "[program:x]\ncommand=@puppet@ ignore TERM touch @dir@/up hold\nstartsecs=0\nstopwaitsecs=600\nstdout_logfile=none\n";

/// The daemon, and the program's pid.
fn stubborn() -> (Sup, i32) {
    let sup = start(STUBBORN);
    wait_until("it is up", || std::fs::exists(sup.0.dir().join("up")).unwrap_or(false));
    let pid = sup.0.info("x", "pid").and_then(|p| p.parse().ok()).expect("it runs");
    (sup, pid)
}

/// Ends the program that would not end.
#[track_caller]
fn end(pid: i32) {
    harness::kill(pid, 9).expect("it is there");
}

/// Lets the program end, and gives back the lines about signals and that end.
fn said((sup, pid): (Sup, i32)) -> Vec<String> {
    end(pid);
    assert_eq!(sup.0.wait_exit(), 0);
    signals_and_end(&sup)
}

fn signals_and_end(sup: &Sup) -> Vec<String> {
    let lines = events(&sup.log());
    lines
        .into_iter()
        .filter(|l| l.contains("received SIG") || l.contains("ignored SIG") || l.contains("stopped: x"))
        .collect()
}

#[test]
fn sighup_and_then_sigterm_is_a_shutdown() {
    if skipped() {
        return;
    }
    let (sup, pid) = stubborn();
    sup.0.signal(1);
    sup.wait_log("received SIGHUP indicating restart request");
    sup.0.signal(15);
    sup.wait_log("received SIGTERM indicating exit request");
    let want = [
        "WARN received SIGHUP indicating restart request",
        "WARN received SIGTERM indicating exit request",
        "WARN stopped: x (terminated by SIGKILL)",
    ];
    assert_eq!(said((sup, pid)), want);
}

#[test]
fn sighup_after_sigterm_is_ignored() {
    if skipped() {
        return;
    }
    let (sup, pid) = stubborn();
    sup.0.signal(15);
    sup.wait_log("received SIGTERM indicating exit request");
    // Whatever the configuration is by now.
    sup.0.dir().write("c.conf", "nonsense");
    sup.0.signal(1);
    sup.wait_log("ignored SIGHUP");
    let want = [
        "WARN received SIGTERM indicating exit request",
        "WARN ignored SIGHUP indicating restart request (shutdown in progress)",
        "WARN stopped: x (terminated by SIGKILL)",
    ];
    assert_eq!(said((sup, pid)), want);
}

#[test]
fn sighup_twice_is_one_restart() {
    if skipped() {
        return;
    }
    let (sup, pid) = stubborn();
    sup.0.signal(1);
    sup.wait_log("received SIGHUP indicating restart request");
    sup.0.signal(1);
    sup.wait_log_times("received SIGHUP indicating restart request", 2);
    end(pid);
    sup.wait_log_times(" started with pid", 2);
    sup.wait_log_times("spawned: 'x'", 2);
    assert_eq!(sup.log().matches(" started with pid").count(), 2);
    wait_until("x runs again", || sup.0.info("x", "pid").is_some_and(|p| p != "0" && p != pid.to_string()));
    let again = sup.0.info("x", "pid").and_then(|p| p.parse().ok()).expect("it runs");
    sup.0.signal(15);
    sup.wait_log("waiting for x to die");
    end(again);
    sup.finish();
}

#[test]
fn each_exit_signal_is_said_each_time() {
    if skipped() {
        return;
    }
    let (sup, pid) = stubborn();
    for (number, name) in [(2, "SIGINT"), (3, "SIGQUIT"), (15, "SIGTERM"), (2, "SIGINT")] {
        let before = sup.log().matches(&format!("received {name}")).count();
        sup.0.signal(number);
        sup.wait_log_times(&format!("WARN received {name} indicating exit request"), before + 1);
    }
    let lines = said((sup, pid));
    assert_eq!(lines.len(), 5, "{lines:?}");
}

#[test]
fn sigterm_while_starting_and_in_backoff() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:s]\ncommand=cat\nstartsecs=600\n[program:b]\ncommand=/no/such\nstartretries=1000\n\
         [program:f]\ncommand=/no/such\nstartretries=0\n",
    );
    sup.wait_state("s", "STARTING");
    sup.wait_state("f", "FATAL");
    sup.wait_state("b", "BACKOFF");
    sup.0.signal(15);
    assert_eq!(sup.0.wait_exit(), 0);
    let lines = events(&sup.log());
    let after: Vec<&String> = lines.iter().skip_while(|l| !l.contains("received SIGTERM")).skip(1).collect();
    // Trap 24: BACKOFF became FATAL, and nobody says that it gave up.
    let waiting = after.iter().find(|l| l.contains("waiting for"));
    assert!(after.iter().any(|l| *l == "WARN stopped: s (terminated by SIGTERM)"), "{after:?}");
    assert!(!after.iter().any(|l| l.contains("gave up") || l.contains("spawn")), "{after:?}");
    assert!(waiting.is_none_or(|l| l.ends_with("to die")), "{after:?}");
}

#[test]
fn sigterm_while_a_program_is_being_stopped() {
    if skipped() {
        return;
    }
    let (sup, pid) = stubborn();
    std::thread::scope(|s| {
        let stop = s.spawn(|| sup.ctl(&["stop", "x"]).stdout);
        sup.wait_state("x", "STOPPING");
        sup.0.signal(15);
        sup.wait_log("received SIGTERM indicating exit request");
        end(pid);
        let answer = stop.join().expect("it ends");
        // The answer that is outstanding still comes; theirs may be gone by then.
        assert!(answer == "x: stopped\n" || (!ours() && answer.contains("error:")), "{answer}");
    });
    assert_eq!(sup.0.wait_exit(), 0);
    let lines = signals_and_end(&sup);
    assert_eq!(
        lines,
        ["WARN received SIGTERM indicating exit request", "WARN stopped: x (terminated by SIGKILL)"]
    );
}

#[test]
fn while_it_ends_every_call_is_refused() {
    if skipped() {
        return;
    }
    // Trap 46.
    let (sup, pid) = stubborn();
    sup.0.signal(15);
    sup.wait_log("waiting for x to die");
    let call = |method: &str, params: &[&str]| {
        harness::http::rpc(&sup.0.socket(), method, params).unwrap_or_else(|e| e.to_string())
    };
    for (method, params) in [
        ("supervisor.getState", &[][..]),
        ("supervisor.getProcessInfo", &["x"]),
        ("supervisor.startProcess", &["x"]),
        ("supervisor.stopProcess", &["x"]),
        ("supervisor.signalProcess", &["x", "HUP"]),
    ] {
        let answer = call(method, params);
        assert!(answer.contains("SHUTDOWN_STATE"), "{method}: {answer}");
    }
    end(pid);
    assert_eq!(sup.0.wait_exit(), 0);
}

#[test]
fn sigusr2_reopens_logs_also_while_stopping() {
    if skipped() {
        return;
    }
    let (sup, pid) = stubborn();
    sup.0.signal(15);
    sup.wait_log("received SIGTERM indicating exit request");
    sup.0.signal(12);
    sup.wait_log("INFO received SIGUSR2 indicating log reopen request");
    sup.wait_log("INFO supervisord logreopen");
    end(pid);
    assert_eq!(sup.0.wait_exit(), 0);
}

#[test]
fn sigchld_is_said_at_debug_level() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "loglevel=debug",
        "[program:p]\ncommand=@puppet@ exit 0\nstartsecs=0\nautorestart=false\n",
    );
    sup.wait_log("exited: p");
    sup.wait_log("DEBG received SIGCHLD indicating a child quit");
    sup.finish();
}

#[test]
fn sigusr1_has_no_effect_here_and_kills_there() {
    if skipped() {
        return;
    }
    // Trap 36 [F].
    let sup = start("[program:p]\ncommand=cat\nstartsecs=0\n");
    sup.wait_state("p", "RUNNING");
    let program: i32 = sup.0.info("p", "pid").and_then(|p| p.parse().ok()).expect("it runs");
    sup.0.signal(10);
    sup.0.signal(14);
    if ours() {
        sup.wait_state("p", "RUNNING");
        sup.finish();
    } else {
        assert_ne!(sup.0.wait_exit(), 0);
        harness::kill(program, 0).expect("the program was left running");
    }
}

#[test]
fn the_exits_of_strangers_are_reaped_and_said() {
    if skipped() {
        return;
    }
    // As PID 1 all orphans come to the daemon. Ours says so at debug level only.
    let config = format!(
        "{}[program:p]\ncommand=@puppet@ fork-orphans 3 hold\nstartsecs=0\nstdout_logfile=none\n",
        header("loglevel=debug\n")
    );
    let sup = Sup::new(setup(&config).pid1());
    let level = if ours() { "DEBG" } else { "INFO" };
    wait_until("three orphans are reaped", || {
        let log = sup.log();
        let reaped = log.lines().filter(|l| l.contains(&format!(" {level} reaped unknown pid ")));
        reaped.filter(|l| l.ends_with(" (exit status 0)")).count() >= 3
    });
    sup.0.signal(15);
    assert_eq!(sup.0.wait_exit(), 0);
}

#[test]
fn sighup_while_starting_and_in_backoff_starts_all_over() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:s]\ncommand=cat\nstartsecs=600\n[program:b]\ncommand=/no/such\nstartretries=1000\n\
         [program:off]\ncommand=cat\nstartsecs=0\n",
    );
    sup.wait_state("s", "STARTING");
    sup.wait_state("off", "RUNNING");
    // Trap 44: what was stopped by hand comes back.
    sup.ctl_says(&["stop", "off"], 0, "off: stopped\n");
    sup.wait_state("b", "BACKOFF");
    let pid = sup.0.pid();
    sup.0.signal(1);
    sup.wait_log("WARN stopped: s (terminated by SIGTERM)");
    sup.wait_log_times(&format!("INFO supervisord started with pid {pid}"), 2);
    sup.wait_state("off", "RUNNING");
    sup.wait_state("s", "STARTING");
    let log = sup.log();
    let (before, after) = log.rsplit_once(" started with pid").expect("it was started twice");
    let (_, stopping) = before.rsplit_once("received SIGHUP").expect("it was received");
    assert!(!stopping.contains("spawn") && !stopping.contains("gave up"), "{stopping}");
    // Everything anew: the first thing that happens to it is an attempt.
    assert!(after.contains("spawnerr: can't find command '/no/such'"), "{after}");
    sup.finish();
}

/// Times of day, in milliseconds, of the lines that contain the text.
fn times(log: &str, text: &str) -> Vec<i64> {
    let time = |l: &str| {
        let clock = l.get(11..23)?.replace(',', ":");
        clock.split(':').map(|n| n.parse::<i64>().ok()).collect::<Option<Vec<_>>>()
    };
    let ms = |t: Vec<i64>| ((t[0] * 60 + t[1]) * 60 + t[2]) * 1000 + t[3];
    log.lines().filter(|l| l.contains(text)).filter_map(time).map(ms).collect()
}

#[test]
fn who_is_waited_for_is_said_now_and_then() {
    if skipped() {
        return;
    }
    let (sup, pid) = stubborn();
    std::thread::scope(|s| {
        let stop = s.spawn(|| sup.ctl(&["stop", "x"]).stdout);
        sup.wait_log_times("INFO waiting for x to stop", 2);
        end(pid);
        assert_eq!(stop.join().expect("it ends"), "x: stopped\n");
    });
    sup.ctl_says(&["start", "x"], 0, "x: started\n");
    let again = sup.0.info("x", "pid").and_then(|p| p.parse().ok()).expect("it runs");
    sup.0.signal(15);
    sup.wait_log_times("INFO waiting for x to die", 2);
    end(again);
    assert_eq!(sup.0.wait_exit(), 0);
    // At once, and then at most every two and three seconds; at midnight the clock begins again.
    for (text, least) in [("waiting for x to stop", 1990), ("waiting for x to die", 2990)] {
        let times = times(&sup.log(), text);
        let gaps: Vec<i64> = times.windows(2).map(|t| t[1] - t[0]).filter(|gap| *gap >= 0).collect();
        assert!(gaps.iter().all(|gap| (least..least + 3000).contains(gap)), "{text}: {times:?}");
    }
}
