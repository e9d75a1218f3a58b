//! dumb-init's own black-box cases: on dumb-init itself first, where it is installed, then on us by its name.

use crate::peers_tini::inits;
use harness::{Cmd, Daemon, Setup, proc, wait_until};

fn all(options: &[&str]) -> Vec<(Vec<String>, bool)> {
    inits("dumb-init", options)
}

fn start(init: &[String], words: &[&str]) -> Daemon {
    setup(init, words).start()
}

fn setup(init: &[String], words: &[&str]) -> Setup {
    let words: Vec<&str> = init.iter().map(String::as_str).chain(words.iter().copied()).collect();
    Setup::new(&words)
}

/// Signals that the program gets for those that are sent: numbers, 0 for none.
fn arrive(init: &[String], pairs: &[(i32, i32)]) {
    let daemon = start(init, &["@puppet@", "print-signals"]);
    daemon.wait_said("ready");
    let mut want = "ready\n".to_string();
    for (sent, got) in pairs {
        daemon.signal(*sent);
        if *got != 0 {
            want.push_str(&format!("{got}\n"));
        }
        wait_until(&format!("{init:?} {sent} arrives as {got}"), || daemon.stdout() == want);
    }
    // What was dropped does not come later.
    daemon.signal(28);
    wait_until("nothing else has come", || daemon.stdout() == format!("{want}28\n"));
}

#[test]
fn a_pipeline_dies_as_a_whole_in_session_mode_and_only_its_shell_in_the_other() {
    let script = "yes | tail >/dev/null & yes | tail >/dev/null & echo up; wait";
    for (options, left) in [(&[][..], 0), (&["-c"], 4)] {
        for (init, _) in all(options) {
            let daemon = start(&init, &["sh", "-c", script]);
            daemon.wait_said("up");
            wait_until("all of it runs", || daemon.offspring().len() >= 5);
            daemon.signal(15);
            assert_eq!(daemon.wait_exit(), 143, "{init:?}");
            wait_until(&format!("{left} are left {init:?}"), || {
                daemon.offspring().iter().filter(|p| proc::alive(**p)).count() == left
            });
        }
    }
}

#[test]
fn a_helper_is_told_to_end_with_the_program_in_session_mode_alone() {
    for (options, told) in [(&[][..], true), (&["-c"], false)] {
        for (init, _) in all(options) {
            let setup = setup(
                &init,
                &["sh", "-c", "@puppet@ print-signals <&- & @puppet@ wait-file @dir@/go; exit 3"],
            );
            let daemon = setup.start();
            daemon.wait_said("ready");
            daemon.dir().write("go", "");
            assert_eq!(daemon.wait_exit(), 3);
            let helper = daemon
                .offspring()
                .into_iter()
                .find(|p| proc::cmdline(*p).iter().any(|w| w == "print-signals"));
            let helper = helper.expect("the helper only prints");
            if told {
                wait_until("it was told", || daemon.stdout() == "ready\n15\n");
            }
            harness::kill(helper, 1).unwrap();
            let want = if told { "ready\n15\n1\n" } else { "ready\n1\n" };
            wait_until(&format!("{init:?}: {want:?}"), || daemon.stdout() == want);
        }
    }
}

#[test]
fn what_cannot_be_executed_is_named() {
    for words in [&["/doge"][..], &["--", "/doge"], &["-c", "/doge"], &["--single-child", "--", "/doge"]] {
        for (init, is_peer) in all(&[]) {
            let done = Cmd::new(&init).args(words).run();
            done.says("/doge").expect(if is_peer { 2 } else { 127 });
        }
    }
}

#[test]
fn every_signal_arrives_but_those_of_job_control() {
    let numbers: Vec<i32> = (1..=31).filter(|n| ![9, 17, 18, 19, 20, 21, 22].contains(n)).collect();
    let pairs: Vec<(i32, i32)> = numbers.into_iter().map(|n| (n, n)).collect();
    for (options, debug) in [(&[][..], "0"), (&["-c"], "1")] {
        for (init, _) in all(options) {
            let init = [vec!["env".to_string(), format!("DUMB_INIT_DEBUG={debug}")], init].concat();
            arrive(&init, &pairs);
        }
    }
}

#[test]
fn signals_are_rewritten_by_number() {
    for (rules, pairs) in [
        (&["15:15"][..], &[(15, 15), (2, 2)][..]),
        (&["15:2"], &[(15, 2), (2, 2)]),
        (&["15:2", "2:15"], &[(15, 2), (2, 15)]),
        (&["1:31", "31:1"], &[(1, 31), (31, 1)]),
        (&["2:0", "10:0"], &[(2, 0), (10, 0), (15, 15)]),
        (&["20:15", "21:10", "22:12"], &[(15, 15)]),
    ] {
        let options: Vec<&str> = rules.iter().flat_map(|r| ["-r", r]).collect();
        all(&options).iter().for_each(|(init, _)| arrive(init, pairs));
    }
}

#[test]
fn signals_are_rewritten_by_name_and_real_time_ones_too() {
    let options = ["-r", "TERM:QUIT", "--rewrite=sigint:none", "-r", "USR1:RTMIN+3", "-r", "RTMIN+1:40"];
    let pairs = [(15, 3), (2, 0), (10, 37), (35, 40), (36, 36)];
    let (ours, _) = all(&options).pop().expect("we are there");
    arrive(&ours, &pairs);
    let native: Vec<String> =
        [harness::mainstay(), "init".into()].into_iter().chain(options.map(str::to_string)).collect();
    arrive(&native, &pairs);
}

#[test]
fn rewrites_that_make_no_sense_are_refused() {
    for rules in [
        &[""][..],
        &["herp"],
        &["herp:derp"],
        &["15"],
        &["15::12"],
        &["15:derp"],
        &["15:12", ""],
        &["15:12", "0"],
        &["0:15"],
        &["15:32"],
        &["-1:15"],
    ] {
        let options: Vec<&str> = rules.iter().flat_map(|r| ["-r", r]).collect();
        for (init, _) in all(&options) {
            let done = Cmd::new(&init).arg("true").run();
            assert!(done.code() == 1 && !done.stderr.is_empty(), "{init:?}: {done:?}");
        }
    }
}

#[test]
fn codes_and_deaths_are_passed_on() {
    for (init, _) in all(&[]) {
        for code in ["0", "1", "2", "32", "64", "127", "254", "255"] {
            Cmd::new(&init).args(&[&harness::puppet(), "exit", code]).run().expect(code.parse().unwrap());
        }
        for n in [15, 1, 3, 9] {
            Cmd::new(&init).args(&[&harness::puppet(), "crash", &n.to_string()]).run().expect(128 + n);
        }
    }
}

/// `R`, `S`, `T`, ...
fn state(pid: i32) -> char {
    proc::stat(pid).map_or('?', |s| s.state)
}

#[test]
fn suspending_stops_init_and_program_and_cont_wakes_both() {
    for n in [20, 21, 22] {
        let mut inits = all(&[]);
        inits.extend(all(&["-c"]));
        inits.push((vec![harness::mainstay(), "--".into()], false));
        for (init, _) in inits {
            let daemon = start(&init, &["@puppet@", "say", "up", "hold"]);
            daemon.wait_said("up");
            let (pid, child) = (daemon.pid(), proc::children(daemon.pid())[0].pid);
            for _ in 0..2 {
                daemon.signal(n);
                let are_stopped = || (state(pid), state(child)) == ('T', 'T');
                if init[0] != harness::mainstay() && !harness::holds_within(harness::wait::LIMIT, are_stopped)
                {
                    // The peer's own race: it proves the case where it wins it, and fails nothing of ours.
                    println!("skipped: {init:?} did not stop at {n}");
                    daemon.signal(18);
                    break;
                }
                wait_until(&format!("{n} stops both {init:?}"), are_stopped);
                daemon.signal(18);
                wait_until("both are awake", || state(pid) != 'T' && state(child) != 'T');
            }
            daemon.signal(15);
            assert_eq!(daemon.wait_exit(), 143);
        }
    }
}

#[test]
fn what_suspending_sends_can_be_chosen_and_the_init_stops_all_the_same() {
    for (init, _) in all(&["-r", "20:15", "-r", "21:10", "-r", "22:12"]) {
        let daemon = start(&init, &["@puppet@", "print-signals"]);
        daemon.wait_said("ready");
        for (sent, got) in [(20, 15), (21, 10), (22, 12)] {
            daemon.signal(sent);
            wait_until("the init stops", || state(daemon.pid()) == 'T');
            daemon.signal(18);
            daemon.wait_said(&format!("\n{got}\n"));
            wait_until("it is awake", || state(daemon.pid()) != 'T');
        }
    }
}

#[test]
fn the_init_stands_in_the_root_and_the_program_where_it_was_started() {
    for (init, _) in all(&[]) {
        let daemon = setup(&init, &["@puppet@", "cwd", "hold"]).cwd("/usr").start();
        daemon.wait_said("/usr\n");
        wait_until("the init is in the root", || proc::cwd(daemon.pid()).as_deref() == Some("/"));
    }
}

#[test]
fn the_command_line_is_read_as_dumb_init_reads_it() {
    for (init, is_peer) in all(&[]) {
        let at = |words: &[&str]| Cmd::new(&init).args(words).run();
        for words in [&["-V"][..], &["--version"], &["--version", "true"]] {
            let done = at(words);
            done.expect(0);
            assert!((done.stdout + &done.stderr).starts_with("dumb-init v1."), "{init:?}");
        }
        let help = at(&["--help"]);
        assert!(help.code() == 0 && (help.stdout + &help.stderr).contains("--single-child"));
        at(&[]).expect(1);
        at(&["-x", "true"]).expect(1);
        at(&["--", "--", "true"]).expect(if is_peer { 2 } else { 127 });
        let loud = at(&["-v", "true"]);
        assert!(loud.stderr.contains("signal 17") || loud.stderr.contains("received SIGCHLD"), "{loud:?}");
        let session = |words: &[&str]| {
            at(&[words, &[&harness::puppet(), "pgid"]].concat()).stdout.contains("leader true")
        };
        assert_eq!((session(&[]), session(&["-c"])), (true, false), "{init:?}");
        let off = Cmd::new(&init).args(&[&harness::puppet(), "pgid"]).env("DUMB_INIT_SETSID", "0").run();
        assert!(off.stdout.contains("leader false"), "{init:?}");
    }
}
