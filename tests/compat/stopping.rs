//! Stopping one program: signals, patience, groups of processes.

use crate::support::{Sup, ours, skipped, start};
use harness::{proc, wait_until};

#[test]
fn the_stop_signal_is_the_one_that_is_asked_for() {
    if skipped() {
        return;
    }
    let rows = [
        ("default", "", 15),
        ("term", "stopsignal=TERM", 15),
        ("int", "stopsignal=INT", 2),
        ("quit", "stopsignal=SIGQUIT", 3),
        ("hup", "stopsignal=hup", 1),
        ("usr1", "stopsignal=USR1", 10),
        ("usr2", "stopsignal=12", 12),
        ("alrm", "stopsignal=ALRM", 14),
    ];
    let config: String = rows
        .iter()
        .map(|(name, setting, n)| {
            format!("[program:{name}]\ncommand=@puppet@ on {n} 0 say up hold\nstartsecs=0\nstdout_logfile=@dir@/{name}.out\n{setting}\n")
        })
        .collect();
    let sup = start(&config);
    rows.iter().for_each(|(name, ..)| sup.wait_file(&format!("{name}.out"), "up"));
    sup.ctl(&["stop", "all"]).expect(0);
    let wrong: Vec<_> = rows
        .iter()
        .filter(|(name, _, n)| sup.file(&format!("{name}.out")) != format!("up\ngot {n:02}\n"))
        .collect();
    assert!(wrong.is_empty(), "wrong signal: {wrong:?}");
    sup.finish();
}

#[test]
fn an_expected_code_while_stopping_is_said_as_info_and_others_as_warning() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:good]\ncommand=@puppet@ on TERM 0 say up hold\nstartsecs=0\nstdout_logfile=@dir@/good\n\
         [program:bad]\ncommand=@puppet@ on TERM 3 say up hold\nstartsecs=0\nstdout_logfile=@dir@/bad\n\
         [program:dead]\ncommand=@puppet@ say up hold\nstartsecs=0\nstdout_logfile=@dir@/dead\n",
    );
    ["good", "bad", "dead"].iter().for_each(|n| sup.wait_file(n, "up"));
    sup.ctl_says(&["stop", "good"], 0, "good: stopped\n");
    sup.ctl_says(&["stop", "bad"], 0, "bad: stopped\n");
    sup.ctl_says(&["stop", "dead"], 0, "dead: stopped\n");
    let stopped: Vec<String> = sup.events().into_iter().filter(|l| l.contains("stopped: ")).collect();
    assert_eq!(
        stopped,
        [
            "INFO stopped: good (exit status 0)",
            "WARN stopped: bad (exit status 3)",
            "WARN stopped: dead (terminated by SIGTERM)"
        ]
    );
    for name in ["good", "bad", "dead"] {
        assert_eq!(sup.status(name).0, "STOPPED");
    }
    sup.finish();
}

#[test]
fn who_ignores_the_stop_signal_is_killed_after_stopwaitsecs() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=@puppet@ ignore TERM say up hold\nstartsecs=0\nstopwaitsecs=1\nstdout_logfile=@dir@/x\n",
    );
    sup.wait_file("x", "up");
    let done = sup.ctl(&["stop", "x"]);
    assert_eq!(done.stdout, "x: stopped\n");
    assert!(done.took.as_millis() >= 1000, "{:?}", done.took);
    let events = sup.events_of("x");
    let tail: Vec<&str> =
        events.iter().map(String::as_str).filter(|l| !l.contains("waiting for")).skip(2).collect();
    assert_eq!(tail, ["WARN killing 'x' (PID) with SIGKILL", "WARN stopped: x (terminated by SIGKILL)"]);
    assert_eq!(sup.status("x").0, "STOPPED");
    sup.finish();
}

/// Starts a leader with a child; gives back the child's pid.
fn family(settings: &str, verbs: &str) -> (Sup, i32) {
    let sup = start(&format!(
        "[program:x]\ncommand=@puppet@ {verbs} say up hold\nstartsecs=0\nstopwaitsecs=1\nstdout_logfile=@dir@/x\n{settings}\n"
    ));
    sup.wait_file("x", "up\n");
    sup.wait_file("x", "holding\n");
    let text = sup.file("x");
    let pid = text.lines().find_map(|l| l.strip_prefix("child ")?.parse().ok()).expect("the child is named");
    (sup, pid)
}

#[test]
fn without_stopasgroup_a_child_of_the_program_survives() {
    if skipped() {
        return;
    }
    let (sup, child) = family("", "spawn-holding");
    sup.ctl(&["stop", "x"]).expect(0);
    assert!(proc::alive(child), "only the leader is signalled");
    harness::kill(child, 9).unwrap();
    sup.finish();
}

#[test]
fn stopasgroup_signals_the_children_too() {
    if skipped() {
        return;
    }
    let (sup, child) = family("stopasgroup=true", "spawn-holding");
    sup.ctl(&["stop", "x"]).expect(0);
    wait_until("the child is gone", || !proc::alive(child));
    assert!(!sup.log().contains("SIGKILL"));
    sup.finish();
}

#[test]
fn killasgroup_kills_the_group_of_a_leader_that_ignores_the_stop_signal() {
    if skipped() {
        return;
    }
    let (sup, child) = family("killasgroup=true", "spawn-ignoring-term ignore TERM");
    sup.ctl(&["stop", "x"]).expect(0);
    wait_until("the child is gone", || !proc::alive(child));
    sup.wait_log("stopped: x (terminated by SIGKILL)");
    sup.finish();
}

#[test]
fn killasgroup_reaches_the_children_of_a_leader_that_ends_in_time() {
    if skipped() {
        return;
    }
    // Trap 31 [D]: theirs leaks the child, because SIGKILL is never reached; ours leaves no descendant behind.
    let (sup, child) = family("killasgroup=true", "spawn-ignoring-term");
    sup.ctl(&["stop", "x"]).expect(0);
    if ours() {
        wait_until("the child is gone", || !proc::alive(child));
    } else {
        assert!(proc::alive(child));
        harness::kill(child, 9).unwrap();
    }
    sup.finish();
}

#[test]
fn stop_in_backoff_is_stopped_and_nothing_more_is_started() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ stamp @dir@/st exit 1\nstartretries=100\n");
    sup.wait_state("x", "BACKOFF");
    sup.ctl_says(&["stop", "x"], 0, "x: stopped\n");
    assert_eq!(sup.status("x").0, "STOPPED");
    let starts = sup.stamps("st").len();
    harness::pause(1500);
    assert_eq!(sup.stamps("st").len(), starts);
    sup.finish();
}

#[test]
fn stop_while_starting_stops() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=cat\nstartsecs=60\n");
    sup.wait_state("x", "STARTING");
    sup.ctl_says(&["stop", "x"], 0, "x: stopped\n");
    sup.wait_log("stopped: x (terminated by SIGTERM)");
    sup.finish();
}
