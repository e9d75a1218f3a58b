//! One-program init where others have failed: full process tables, users that may not be signalled, early signals, numbers
//! that are used again, descendants that stay, deaths that come together.

use crate::support::needs_root;
use harness::trace::{Traced, signal_at};
use harness::{Cmd, Setup, Stopwatch, bins, proc, wait_until};
use std::time::Duration;

fn dashes(rest: &[&str]) -> Vec<String> {
    [&[harness::mainstay(), "--".into()], &rest.iter().map(|w| (*w).to_string()).collect::<Vec<_>>()[..]]
        .concat()
}

#[test]
fn a_term_before_or_behind_any_system_call_of_the_start_is_honoured() {
    let words = dashes(&[&harness::puppet(), "hold"]);
    let mut points = 0;
    loop {
        match signal_at(&words, points, 15) {
            None => return println!("skipped: tracing is forbidden"),
            Some(Traced::Ended(143)) => points += 1,
            Some(Traced::Waited(143)) => break,
            Some(other) => panic!("at stop {points}: {other:?}"),
        }
    }
    assert!(points >= 50, "only {points} points");
}

#[test]
fn a_signal_that_may_not_be_sent_ends_nobody() {
    if needs_root() {
        return;
    }
    let tini = bins::which("tini");
    for (init, code) in tini.iter().map(|t| (t.clone(), 1)).chain([(harness::mainstay(), 5)]) {
        let program =
            ["--", "@dir@/p", "setids", "0", "0", "say", "up", "wait-file", "@dir@/go", "exit", "5"];
        let first = ["@puppet@", "setids", "1000", "1000", "exec", "@dir@/i"];
        let options = if code == 1 { &["-s"][..] } else { &[] };
        let setup = Setup::new(&[&first[..], options, &program].concat());
        let dir = setup.dir().path().display().to_string();
        // A program that becomes root, for good.
        let script =
            "cp \"$1\" \"$3/i\" && cp \"$2\" \"$3/p\" && chmod 755 \"$3\" \"$3/i\" && chmod 4755 \"$3/p\"";
        Cmd::new(&["sh", "-c", script, "sh", &init, &harness::puppet(), &dir]).run().expect(0);
        let daemon = setup.start();
        daemon.wait_said("up");
        daemon.signal(15);
        if code == 5 {
            daemon.wait_said("cannot send SIGTERM to ");
            daemon.wait_said("Operation not permitted");
        }
        daemon.dir().write("go", "");
        assert_eq!(daemon.wait_exit(), code, "{init}: {}", daemon.said());
    }
}

#[test]
fn a_fork_that_is_refused_is_tried_again_and_signals_nobody() {
    if needs_root() {
        return;
    }
    let uid = "1000660001";
    let bystander = Setup::new(&["@puppet@", "setids", uid, uid, "print-signals"]).start();
    bystander.wait_said("ready");
    let start = || {
        Setup::dashes(&["@puppet@", "say", "up", "exit", "5"])
            .launcher(&["@puppet@", "rlimit-nproc", "2", "setids", uid, uid, "exec"])
            .start()
    };
    let waiting = start();
    waiting.wait_said("cannot fork, trying again for a while: the limit of processes is reached");
    // TERM means us, as long as there is no program.
    waiting.signal(15);
    assert_eq!(waiting.wait_exit(), 143);
    let recovering = start();
    recovering.wait_said("cannot fork");
    assert_eq!(bystander.stdout(), "ready\n", "nobody else was signalled");
    // A zombie counts until it is reaped.
    bystander.signal(9);
    assert_eq!(bystander.wait_exit(), 137);
    assert_eq!(recovering.wait_exit(), 5);
    recovering.wait_said("up");
}

#[test]
fn idle_costs_no_wake_up() {
    let daemon = Setup::dashes(&["@puppet@", "say", "up", "hold"]).start();
    daemon.wait_said("up");
    let sleeps = || proc::status(daemon.pid(), "voluntary_ctxt_switches");
    wait_until("it waits", || proc::stat(daemon.pid()).is_some_and(|s| s.state == 'S'));
    wait_until("it stands still", || {
        let before = sleeps();
        harness::pause(50);
        before == sleeps()
    });
    let before = sleeps();
    harness::pause(2500);
    assert_eq!(sleeps(), before, "tini wakes every second");
    assert_eq!(
        proc::status(daemon.pid(), "Threads").as_deref(),
        Some("1"),
        "a death signal is bound to its thread"
    );
}

#[test]
fn descendants_get_term_and_are_waited_for() {
    let script = "@puppet@ on TERM 0 say one hold & setsid @puppet@ on TERM 0 say two hold & @puppet@ wait-file @dir@/go; exit 3";
    for pid1 in [false, true] {
        if pid1 && needs_root() {
            return;
        }
        let setup = Setup::new(&["@mainstay@", "init", "--wait-descendants", "--", "sh", "-c", script]);
        let daemon = if pid1 { setup.pid1() } else { setup }.start();
        daemon.wait_said("one");
        daemon.wait_said("two");
        daemon.dir().write("go", "");
        assert_eq!(daemon.wait_exit(), 3);
        // What was written is read a little later than the end is seen.
        daemon.wait_said_times("got 15", 2);
        assert!(pid1 || daemon.offspring().is_empty());
    }
}

#[test]
fn descendants_that_stay_are_killed_when_the_time_is_over() {
    for pid1 in [false, true] {
        if pid1 && needs_root() {
            return;
        }
        let script = "setsid @puppet@ spawn-ignoring-term ignore TERM say up hold & @puppet@ wait-file @dir@/go; exit 4";
        let setup = Setup::new(&["@mainstay@", "init", "--wait-descendants=300ms", "--", "sh", "-c", script]);
        let daemon = if pid1 { setup.pid1() } else { setup }.start();
        daemon.wait_said("up");
        let watch = Stopwatch::start();
        daemon.dir().write("go", "");
        assert_eq!(daemon.wait_exit(), 4);
        let took = watch.elapsed();
        assert!((Duration::from_millis(290)..Duration::from_secs(5)).contains(&took), "{took:?}");
        assert!(pid1 || daemon.offspring().is_empty(), "nobody is left");
        daemon.wait_said("still there after 0.3 s, killing them");
    }
}

#[test]
fn signals_go_to_descendants_while_they_are_waited_for() {
    let script = "@puppet@ ignore TERM on USR1 0 say up hold & @puppet@ wait-file @dir@/go; exit 6";
    let daemon =
        Setup::new(&["@mainstay@", "init", "-v", "--wait-descendants=60", "--", "sh", "-c", script]).start();
    daemon.wait_said("up");
    daemon.dir().write("go", "");
    daemon.wait_said("ended (exit status 6)");
    daemon.signal(10);
    assert_eq!(daemon.wait_exit(), 6);
    daemon.wait_said("got 10");
}

#[test]
fn durations_that_make_no_sense_are_refused() {
    for text in ["soon", "-1", "1d"] {
        let word = format!("--wait-descendants={text}");
        crate::support::mainstay(&["init", &word, "--", "true"]).expect(2).says(text);
    }
}

#[test]
fn an_orphan_that_dies_with_the_program_never_hangs_the_init() {
    let Some(bash) = bins::which("bash") else { return println!("skipped: needs bash") };
    // MORE=10000 runs it as often.
    let runs = harness::env("MORE").and_then(|n| n.parse().ok()).unwrap_or(300);
    let threads: Vec<_> = (0..3)
        .map(|part| {
            let bash = bash.clone();
            std::thread::spawn(move || {
                for n in 0..runs / 3 {
                    let ms = 5 + (n * 3 + part) % 12;
                    let script =
                        format!("{bash} -c 'sleep 0.01 & kill -9 $BASHPID'; sleep 0.{ms:03}; exit 8");
                    let done = Cmd::new(&dashes(&[&bash, "-c", &script])).limit(Duration::from_secs(5)).run();
                    done.expect(8);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().expect("no run hangs"));
}

#[test]
fn numbers_that_are_used_again_confuse_nobody() {
    if needs_root() {
        return;
    }
    // Since Linux 6.14 a PID namespace has a pid_max of its own; before, this would be the machine's.
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|n| n.parse::<u32>().ok());
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (6, 14) {
        return println!("skipped: needs Linux 6.14");
    }
    let script = "echo 400 > /proc/sys/kernel/pid_max && exec \"$@\"";
    let words = [
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
        "sh",
        "-c",
        script,
        "sh",
        &harness::mainstay(),
        "init",
        "--wait-descendants",
        "--",
    ];
    let here = std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
    let storm = [
        &harness::puppet(),
        "fork-orphans",
        "150",
        "fork-orphans",
        "150",
        "fork-orphans",
        "150",
        "fork-orphans",
        "150",
        "exit",
        "9",
    ];
    let done = Cmd::new(&words).args(&storm.map(|w| w as &str)).run();
    assert_eq!(
        std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap(),
        here,
        "the machine's own is not ours"
    );
    done.expect(9);
    assert_eq!(done.stdout.matches("orphans 150").count(), 4, "{done:?}");
}

/// The entry point of docs/init.md, with a program in nginx's place.
#[test]
fn the_sample_of_the_page_works() {
    let page = std::fs::read_to_string(bins::workspace().join("docs/init.md")).expect("the page");
    let line = page.lines().find_map(|l| l.strip_prefix("ENTRYPOINT [")).expect("an entry point");
    let words = line.trim_end_matches(']').split(", ").map(|w| w.trim_matches('"').to_string());
    let words: Vec<String> = [harness::mainstay()].into_iter().chain(words.skip(1)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let script = "@puppet@ on TERM 0 say helper hold & exec @puppet@ on QUIT 3 say up hold";
    let daemon = Setup::new(&[&words[..], &["sh", "-c", script]].concat()).start();
    daemon.wait_said("up");
    daemon.wait_said("helper");
    daemon.signal(15);
    assert_eq!(daemon.wait_exit(), 3);
    wait_until("both have said why", || {
        daemon.stdout().contains("got 03\n") && daemon.stdout().contains("got 15\n")
    });
}
