//! The states of a process: what is shown in each, what each verb does in each, how attempts are counted.

use crate::support::{Sup, ours, skipped, start, start_with};
use harness::{http, wait_until};
use std::time::Duration;

/// Members of `getProcessInfo`, taken in one call; `T` for a time, `N` for a pid.
fn shown(sup: &Sup, name: &str) -> String {
    let xml = http::rpc(&sup.0.socket(), "supervisor.getProcessInfo", &[name]).unwrap_or_default();
    let get = |member: &str| http::member(&xml, member).unwrap_or_else(|| "?".into());
    let time = |member: &str| if get(member) == "0" { "0" } else { "T" };
    let pid = if get("pid") == "0" { "0" } else { "N" };
    format!(
        "{} {} start={} stop={} pid={pid} exit={} [{}] {}",
        get("state"),
        get("statename"),
        time("start"),
        time("stop"),
        get("exitstatus"),
        get("spawnerr"),
        described(&get("description"))
    )
}

/// `Nov 20 01:07 PM` becomes `TIME`, `pid 12, uptime 0:00:03` becomes `UPTIME`.
fn described(text: &str) -> String {
    let like = |shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(c, s)| match s {
                b'd' => c.is_ascii_digit(),
                b'w' => c.is_ascii_alphabetic(),
                s => c == s,
            })
    };
    let uptime = text.strip_prefix("pid ").map(|t| t.trim_start_matches(|c: char| c.is_ascii_digit()));
    if like("www dd dd:dd PM") || like("www dd dd:dd AM") {
        "TIME".into()
    } else if uptime.is_some_and(|t| t.starts_with(", uptime 0:00:0") && t.len() == ", uptime 0:00:00".len())
    {
        "UPTIME".into()
    } else {
        text.into()
    }
}

#[track_caller]
fn wait_shown(sup: &Sup, name: &str, want: &str) {
    let mut last = String::new();
    let ok = harness::holds_within(Duration::from_secs(10), || {
        last = shown(sup, name);
        last == want
    });
    assert!(ok, "{name}: `{last}` is not `{want}`");
}

const QUICK: &str = "Exited too quickly (process log may have details)";

#[test]
fn what_is_shown_in_each_state() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:never]\ncommand=cat\nautostart=false\n\
         [program:starting]\ncommand=cat\nstartsecs=600\n\
         [program:running]\ncommand=cat\nstartsecs=0\n\
         [program:backoff]\ncommand=@puppet@ exit 9\nstartretries=1000\n\
         [program:unspawned]\ncommand=/no/such\nstartretries=1000\n\
         [program:fatal]\ncommand=@puppet@ exit 9\nstartretries=0\n\
         [program:expected]\ncommand=@puppet@ exit 3\nstartsecs=0\nexitcodes=3\n\
         [program:unexpected]\ncommand=@puppet@ exit 3\nstartsecs=0\nautorestart=false\n\
         [program:killed]\ncommand=@puppet@ crash KILL\nstartsecs=0\nautorestart=false\n\
         [program:stubborn]\ncommand=@puppet@ ignore TERM touch @dir@/up hold\nstartsecs=0\nstopwaitsecs=600\n\
         [program:stopped]\ncommand=@puppet@ on TERM 3 touch @dir@/up2 hold\nstartsecs=0\n",
    );
    wait_shown(&sup, "never", "0 STOPPED start=0 stop=0 pid=0 exit=0 [] Not started");
    wait_shown(&sup, "starting", "10 STARTING start=T stop=0 pid=N exit=0 [] ");
    wait_shown(&sup, "running", "20 RUNNING start=T stop=0 pid=N exit=0 [] UPTIME");
    wait_shown(&sup, "backoff", &format!("30 BACKOFF start=T stop=T pid=0 exit=0 [{QUICK}] {QUICK}"));
    let unspawned = "can't find command '/no/such'";
    wait_shown(
        &sup,
        "unspawned",
        &format!("30 BACKOFF start=T stop=0 pid=0 exit=0 [{unspawned}] {unspawned}"),
    );
    wait_shown(&sup, "fatal", &format!("200 FATAL start=T stop=T pid=0 exit=0 [{QUICK}] {QUICK}"));
    wait_shown(&sup, "expected", "100 EXITED start=T stop=T pid=0 exit=3 [] TIME");
    wait_shown(&sup, "unexpected", "100 EXITED start=T stop=T pid=0 exit=3 [Bad exit code 3] TIME");
    wait_shown(&sup, "killed", "100 EXITED start=T stop=T pid=0 exit=-1 [Bad exit code -1] TIME");
    ["up", "up2"]
        .iter()
        .for_each(|f| wait_until("it is up", || std::fs::exists(sup.0.dir().join(f)).unwrap_or(false)));
    sup.ctl_says(&["stop", "stopped"], 0, "stopped: stopped\n");
    wait_shown(&sup, "stopped", "0 STOPPED start=T stop=T pid=0 exit=3 [] TIME");
    // A stop in BACKOFF leaves what was said last; the time of an end that never was is the beginning of all time.
    sup.ctl_says(&["stop", "unspawned"], 0, "unspawned: stopped\n");
    wait_shown(&sup, "unspawned", &format!("0 STOPPED start=T stop=0 pid=0 exit=0 [{unspawned}] TIME"));
    // A new start forgets how the last life ended.
    sup.ctl_says(&["start", "stopped"], 0, "stopped: started\n");
    wait_shown(&sup, "stopped", "20 RUNNING start=T stop=T pid=N exit=0 [] UPTIME");
    let pid: i32 = sup.0.info("stubborn", "pid").and_then(|p| p.parse().ok()).expect("it runs");
    std::thread::scope(|s| {
        let stop = s.spawn(|| sup.ctl(&["stop", "stubborn"]).stdout);
        wait_shown(&sup, "stubborn", "40 STOPPING start=T stop=0 pid=N exit=0 [] ");
        harness::kill(pid, 9).expect("it is there");
        assert_eq!(stop.join().expect("it ends"), "stubborn: stopped\n");
    });
    wait_shown(&sup, "stubborn", "0 STOPPED start=T stop=T pid=0 exit=-1 [] TIME");
    sup.finish();
}

/// A program in each state, for one verb. `STOPPING` is made by the caller.
fn one_in_each_state() -> Sup {
    let sup = start(
        "[program:stopped]\ncommand=cat\nautostart=false\nstartsecs=0\n\
         [program:starting]\ncommand=@puppet@ ignore HUP touch @dir@/up hold\nstartsecs=600\n\
         [program:running]\ncommand=@puppet@ ignore HUP touch @dir@/up2 hold\nstartsecs=0\n\
         [program:backoff]\ncommand=/no/such\nstartretries=1000\n\
         [program:exited]\ncommand=@puppet@ after 10 exit 0\nstartsecs=0\n\
         [program:fatal]\ncommand=@puppet@ exit 1\nstartretries=0\n\
         [program:stopping]\ncommand=@puppet@ ignore TERM,HUP touch @dir@/up3 hold\nstartsecs=0\nstopwaitsecs=600\n",
    );
    for (name, state) in [
        ("stopped", "STOPPED"),
        ("starting", "STARTING"),
        ("running", "RUNNING"),
        ("exited", "EXITED"),
        ("fatal", "FATAL"),
    ] {
        sup.wait_state(name, state);
    }
    ["up", "up2", "up3"]
        .iter()
        .for_each(|f| wait_until("it is up", || std::fs::exists(sup.0.dir().join(f)).unwrap_or(false)));
    // From the third wait on it is in BACKOFF long enough.
    sup.wait_log_times("spawnerr: can't find command '/no/such'", 2);
    sup.wait_state("backoff", "BACKOFF");
    sup
}

/// What supervisorctl answers to the verb, state by state.
fn answers(verb: &[&str], want: &[(&str, i32, &str)]) {
    let sup = one_in_each_state();
    let pid: i32 = sup.0.info("stopping", "pid").and_then(|p| p.parse().ok()).expect("it runs");
    std::thread::scope(|s| {
        let stop = s.spawn(|| sup.ctl(&["stop", "stopping"]).stdout);
        sup.wait_state("stopping", "STOPPING");
        for (name, code, text) in want {
            sup.ctl_says(&[verb, &[*name]].concat(), *code, &format!("{name}: {text}\n"));
        }
        harness::kill(pid, 9).expect("it is there");
        assert_eq!(stop.join().expect("it ends"), "stopping: stopped\n");
    });
    sup.finish();
}

#[test]
fn start_in_each_state() {
    if !skipped() {
        answers(
            &["start"],
            &[
                ("stopped", 0, "started"),
                ("starting", 0, "ERROR (already started)"),
                ("running", 0, "ERROR (already started)"),
                ("stopping", 7, "ERROR (abnormal termination)"),
                ("exited", 0, "started"),
                ("fatal", 7, "ERROR (spawn error)"),
            ],
        );
    }
}

#[test]
fn stop_in_each_state() {
    if !skipped() {
        answers(
            &["stop"],
            &[
                ("stopped", 0, "ERROR (not running)"),
                ("starting", 0, "stopped"),
                ("running", 0, "stopped"),
                ("stopping", 0, "ERROR (not running)"),
                ("backoff", 0, "stopped"),
                ("exited", 0, "ERROR (not running)"),
                ("fatal", 0, "ERROR (not running)"),
            ],
        );
    }
}

#[test]
fn signal_in_each_state() {
    if !skipped() {
        answers(
            &["signal", "HUP"],
            &[
                ("stopped", 7, "ERROR (not running)"),
                ("starting", 0, "signalled"),
                ("running", 0, "signalled"),
                ("stopping", 0, "signalled"),
                ("backoff", 7, "ERROR (not running)"),
                ("exited", 7, "ERROR (not running)"),
                ("fatal", 7, "ERROR (not running)"),
            ],
        );
    }
}

#[test]
fn a_start_in_backoff_is_already_started() {
    if skipped() {
        return;
    }
    // The command has to be there, or that is what is complained of.
    let sup = start("[program:p]\ncommand=@puppet@ exit 1\nstartretries=1000\n");
    sup.wait_log_times("exited: p ", 2);
    sup.wait_state("p", "BACKOFF");
    sup.ctl_says(&["start", "p"], 0, "p: ERROR (already started)\n");
    sup.finish();
}

#[test]
fn three_retries_are_four_starts() {
    if skipped() {
        return;
    }
    // Trap 21: the waits are 1, 2 and 3 seconds.
    let sup = start("[program:p]\ncommand=@puppet@ stamp @dir@/st exit 0\nautorestart=false\nstartsecs=5\n");
    let gave_up = "gave up: p entered FATAL state, too many start retries too quickly";
    harness::wait_for("it gave up", Duration::from_secs(30), || sup.log().contains(gave_up));
    let stamps = sup.stamps("st");
    assert_eq!(stamps.len(), 4);
    for (n, pair) in stamps.windows(2).enumerate() {
        let (waited, want) = (pair[1] - pair[0], (n as i64 + 1) * 1000);
        assert!((want..want + 2500).contains(&waited), "{waited} ms before start {}", n + 2);
    }
    sup.finish();
}

#[test]
fn stop_and_start_in_backoff_go_on_counting() {
    if skipped() {
        return;
    }
    // Trap 22. A log that cannot be opened fails at once, and only when it is tried.
    let sup = start(
        "[program:p]\ncommand=cat\nautostart=false\nstdout_logfile=@dir@/child\nstartretries=2\n[program:q]\ncommand=cat\n",
    );
    sup.wait_state("q", "RUNNING");
    let call = |method: &str| http::rpc(&sup.0.socket(), method, &["p"]).unwrap_or_default();
    let attempts = || sup.log().matches("spawnerr: unknown error making dispatchers for 'p': EISDIR").count();
    for _ in 0..2 {
        assert!(call("supervisor.startProcess").contains("SPAWN_ERROR: p"));
        assert!(call("supervisor.stopProcess").contains("<boolean>1</boolean>"));
        sup.wait_state("p", "STOPPED");
    }
    assert!(call("supervisor.startProcess").contains("SPAWN_ERROR: p"));
    // However many the daemon made in between: the first three are all there are.
    sup.wait_state("p", "FATAL");
    assert_eq!(attempts(), 3);
    // FATAL has forgotten the count.
    assert!(call("supervisor.startProcess").contains("SPAWN_ERROR: p"));
    sup.wait_log_times("gave up: p", 2);
    assert_eq!(attempts(), 6);
    sup.finish();
}

#[test]
fn a_life_that_was_long_enough_forgets_the_failed_starts() {
    if skipped() {
        return;
    }
    // Fails, runs, ends, fails: with one retry the second failure is the first of its own.
    let script = "#!/bin/sh\necho >> @dir@/n\ncase $(wc -l < @dir@/n) in 1|3|4) exit 1;; 2) sleep 3.5; exit 1;; esac\n";
    let sup = Sup::new(
        crate::support::setup(&format!(
            "{}[program:p]\ncommand=/bin/sh @dir@/script\nstartretries=1\nstartsecs=2\nautorestart=true\n",
            crate::support::header("")
        ))
        .file("script", script),
    );
    harness::wait_for("it gave up", Duration::from_secs(30), || sup.log().contains("gave up: p"));
    let lines: Vec<String> = sup.events_of("p");
    let want = [
        "INFO spawned: 'p' with pid PID",
        "WARN exited: p (exit status 1; not expected)",
        "INFO spawned: 'p' with pid PID",
        "INFO success: p entered RUNNING state, process has stayed up for > than 2 seconds (startsecs)",
        "WARN exited: p (exit status 1; not expected)",
        "INFO spawned: 'p' with pid PID",
        "WARN exited: p (exit status 1; not expected)",
        "INFO spawned: 'p' with pid PID",
        "WARN exited: p (exit status 1; not expected)",
        "INFO gave up: p entered FATAL state, too many start retries too quickly",
    ];
    assert_eq!(lines, want);
    sup.finish();
}

#[test]
fn negative_startsecs_are_running_at_once() {
    if skipped() {
        return;
    }
    let sup = start("[program:p]\ncommand=cat\nstartsecs=-2\n");
    sup.wait_log("success: p entered RUNNING state, process has stayed up for > than -2 seconds (startsecs)");
    sup.finish();
}

#[test]
fn stop_signal_0_does_nothing_until_sigkill() {
    if skipped() {
        return;
    }
    // Trap 11.
    let sup =
        start_with("loglevel=debug", "[program:p]\ncommand=cat\nstopsignal=0\nstopwaitsecs=1\nstartsecs=0\n");
    sup.wait_state("p", "RUNNING");
    sup.ctl_says(&["stop", "p"], 0, "p: stopped\n");
    sup.wait_log("stopped: p (terminated by SIGKILL)");
    let kills: Vec<String> = sup.events_of("p").into_iter().filter(|l| l.contains("killing")).collect();
    let want = [
        "DEBG killing p (pid PID) with signal signal 0",
        "WARN killing 'p' (PID) with SIGKILL",
        "DEBG killing p (pid PID) with signal SIGKILL",
    ];
    assert_eq!(kills, want);
    sup.finish();
}

#[test]
fn no_time_to_stop_is_sigkill_at_once() {
    if skipped() {
        return;
    }
    // Trap 33: theirs may say so several times.
    for seconds in [0, -1] {
        let sup = start(&format!(
            "[program:p]\ncommand=@puppet@ ignore TERM touch @dir@/up hold\nstopwaitsecs={seconds}\nstartsecs=0\n"
        ));
        wait_until("it is up", || std::fs::exists(sup.0.dir().join("up")).unwrap_or(false));
        sup.ctl_says(&["stop", "p"], 0, "p: stopped\n");
        sup.wait_log("WARN stopped: p (terminated by SIGKILL)");
        let said = sup.log().matches("killing 'p' (").count();
        assert!(said == 1 || (!ours() && said > 1), "{said}");
        sup.finish();
    }
}

#[test]
fn stopasgroup_and_killasgroup_are_said_at_debug_level() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "loglevel=debug",
        "[program:p]\ncommand=@puppet@ ignore TERM touch @dir@/up hold\nstopasgroup=true\nstopwaitsecs=1\nstartsecs=0\n",
    );
    wait_until("it is up", || std::fs::exists(sup.0.dir().join("up")).unwrap_or(false));
    sup.ctl_says(&["signal", "WINCH", "p"], 0, "p: signalled\n");
    sup.ctl_says(&["stop", "p"], 0, "p: stopped\n");
    sup.wait_log("stopped: p");
    let lines: Vec<String> =
        sup.events_of("p").into_iter().filter(|l| l.contains("killing") || l.contains("sending")).collect();
    let want = [
        "DEBG sending p (pid PID) sig SIGWINCH",
        "DEBG killing p (pid PID) process group with signal SIGTERM",
        "WARN killing 'p' (PID) with SIGKILL",
        "DEBG killing p (pid PID) process group with signal SIGKILL",
    ];
    assert_eq!(lines, want);
    sup.finish();
}

#[test]
fn signal_reaches_the_one_process_and_not_its_group() {
    if skipped() {
        return;
    }
    // Trap 32.
    let sup = start(
        "[program:p]\ncommand=@puppet@ ignore USR1 spawn-holding default USR1 on USR1 5 hold\nstopasgroup=true\nstartsecs=0\n\
         autorestart=false\nstdout_logfile=@dir@/p\n",
    );
    sup.wait_file("p", "child ");
    sup.ctl_says(&["signal", "USR1", "p"], 0, "p: signalled\n");
    sup.wait_log("exited: p (exit status 5; not expected)");
    let child: i32 =
        sup.file("p").lines().find_map(|l| l.strip_prefix("child ")?.parse().ok()).expect("its pid");
    harness::kill(child, 0).expect("it lives");
    harness::kill(child, 9).expect("it lives");
    sup.finish();
}

#[test]
fn a_core_dump_is_mentioned() {
    if skipped() {
        return;
    }
    let config = format!(
        "{}[program:p]\ncommand=@puppet@ crash SEGV\ndirectory=@dir@/child\nstartsecs=0\nautorestart=false\n\
         [program:q]\ncommand=@puppet@ rlimit-core 0 crash SEGV\nstartsecs=0\nautorestart=false\n",
        crate::support::header("")
    );
    let sup =
        Sup::new(crate::support::setup(&config).launcher(&["@puppet@", "rlimit-core", "10000000", "exec"]));
    sup.wait_log("WARN exited: q (terminated by SIGSEGV; not expected)");
    sup.wait_log("WARN exited: p (terminated by SIGSEGV (core dumped); not expected)");
    sup.finish();
}

#[test]
fn a_process_that_cannot_be_signalled_is_unknown() {
    if skipped() {
        return;
    }
    // Root without CAP_KILL cannot signal another user's process.
    let config = format!(
        "{}[program:p]\ncommand=sleep 1000\nuser=nobody\nstartsecs=0\nautorestart=false\n\
         [program:q]\ncommand=sleep 1000\nuser=nobody\nstartsecs=0\nautorestart=false\n",
        crate::support::header("")
    );
    let sup = Sup::new(crate::support::setup(&config).launcher(&["setpriv", "--bounding-set=-kill", "--"]));
    sup.wait_state("p", "RUNNING");
    sup.wait_state("q", "RUNNING");
    let pid: i32 = sup.0.info("p", "pid").and_then(|p| p.parse().ok()).expect("it runs");
    sup.ctl(&["stop", "p"]);
    sup.wait_log(&format!("CRIT unknown problem killing p ({pid}):"));
    wait_shown(&sup, "p", "1000 UNKNOWN start=T stop=0 pid=N exit=0 [] ");
    let answer = http::rpc(&sup.0.socket(), "supervisor.startProcess", &["p"]).unwrap_or_default();
    assert!(answer.contains("FAILED: p is in an unknown process state"), "{answer}");
    sup.ctl_says(&["stop", "p"], 0, "p: ERROR (not running)\n");
    sup.ctl_says(&["signal", "HUP", "p"], 7, "p: ERROR (not running)\n");
    // A signal that cannot be sent makes it so too.
    let pid_q: i32 = sup.0.info("q", "pid").and_then(|p| p.parse().ok()).expect("it runs");
    let answer = http::rpc(&sup.0.socket(), "supervisor.signalProcess", &["q", "HUP"]).unwrap_or_default();
    assert!(answer.contains("FAILED: unknown problem sending sig "), "{answer}");
    wait_shown(&sup, "q", "1000 UNKNOWN start=T stop=0 pid=N exit=0 [] ");
    harness::kill(pid_q, 9).expect("it is there");
    harness::kill(pid, 9).expect("it is there");
    if ours() {
        // It ended after all: it can be started again.
        wait_shown(&sup, "p", "0 STOPPED start=T stop=T pid=0 exit=-1 [] TIME");
        sup.finish();
    } else {
        // Theirs ends with an AssertionError.
        sup.0.ended(1);
    }
}

#[test]
fn every_deadly_signal_is_named() {
    if skipped() {
        return;
    }
    // Not those that stop or do nothing, and not the two that the C library keeps for itself.
    let deadly: Vec<u32> =
        (1..=64).filter(|n| ![17, 18, 19, 20, 21, 22, 23, 28, 32, 33].contains(n)).collect();
    let program = |n: &u32| format!("[program:s{n}]\ncommand=@puppet@ rlimit-core 0 crash {n}\n");
    let config: String = deadly.iter().map(program).collect();
    let sup = start(
        &config
            .replace("]\n", "]\nstartsecs=0\nautorestart=false\nstdout_logfile=none\nstderr_logfile=none\n"),
    );
    deadly.iter().for_each(|n| sup.wait_log(&format!("exited: s{n} ")));
    let name = |n: u32| match n {
        34 => "SIGRTMIN".to_string(),
        64 => "SIGRTMAX".to_string(),
        35.. => format!("signal {n}"),
        // Of two names the older one.
        6 => "SIGABRT".to_string(),
        29 => "SIGPOLL".to_string(),
        n => nix::sys::signal::Signal::try_from(n as i32).map_or_else(|_| n.to_string(), |s| s.to_string()),
    };
    let log = sup.log();
    for n in deadly {
        let line = format!("WARN exited: s{n} (terminated by {}; not expected)\n", name(n));
        let said = log.lines().find(|l| l.contains(&format!("exited: s{n} ")));
        assert!(log.contains(&line), "{line} is not {said:?}");
    }
    sup.0.signal(15);
    sup.0.wait_exit_within(Duration::from_secs(80));
}

#[test]
fn a_start_looks_for_the_command_first() {
    if skipped() {
        return;
    }
    // Trap 30: it runs, and still the answer is that its command is not there.
    let setup = crate::support::setup(&format!(
        "{}[program:p]\ncommand=@dir@/tool hold\nstartsecs=0\n",
        crate::support::header("")
    ));
    let tool = setup.dir().join("tool");
    harness::Cmd::new(&["cp", &harness::puppet(), &tool]).run().expect(0);
    let sup = Sup::new(setup);
    sup.wait_state("p", "RUNNING");
    sup.ctl_says(&["start", "p"], 0, "p: ERROR (already started)\n");
    std::fs::remove_file(&tool).expect("it is there");
    sup.ctl_says(&["start", "p"], 1, "p: ERROR (no such file)\n");
    sup.wait_state("p", "RUNNING");
    // A start of all leaves out what runs.
    let done = sup.ctl(&["start", "all"]);
    assert_eq!((done.code(), done.stdout.as_str()), (0, ""));
    sup.finish();
}
