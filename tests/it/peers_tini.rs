//! tini's own black-box cases: on tini itself first, where it is installed, then on us by its name and as `init`.

use crate::support::needs_root;
use harness::{Cmd, Daemon, Done, Setup, bins, proc, wait_until};

/// The words that start each init with these options.
pub(crate) fn inits(peer: &str, options: &[&str]) -> Vec<(Vec<String>, bool)> {
    let mut all = Vec::new();
    let mut add = |first: Vec<String>, is_peer: bool| {
        all.push((first.into_iter().chain(options.iter().map(|o| (*o).to_string())).collect(), is_peer));
    };
    match bins::which(peer) {
        Some(path) => add(vec![path], true),
        None => println!("skipped under {peer}, which is not installed"),
    }
    add(as_face(peer), false);
    all
}

/// Us by another's name: argv[0] is what counts.
fn as_face(name: &str) -> Vec<String> {
    ["bash", "-c", "exec -a \"$0\" \"$@\"", name, &harness::mainstay()].map(str::to_string).to_vec()
}

/// tini, us as tini, `mainstay init`.
fn all(options: &[&str]) -> Vec<(Vec<String>, bool)> {
    let mut all = inits("tini", options);
    let own = [harness::mainstay(), "init".into()];
    all.push((own.into_iter().chain(options.iter().map(|o| (*o).to_string())).collect(), false));
    all
}

fn run(init: &[String], words: &[&str]) -> Done {
    Cmd::new(init).args(words).run()
}

fn start(init: &[String], words: &[&str], launcher: &[&str]) -> Daemon {
    let words: Vec<&str> = init.iter().map(String::as_str).chain(words.iter().copied()).collect();
    Setup::new(&words).launcher(launcher).start()
}

#[test]
fn e_remaps_every_code_and_no_other() {
    let threads: Vec<_> = all(&[])
        .into_iter()
        .map(|(init, _)| {
            std::thread::spawn(move || {
                for code in (0..256).step_by(5) {
                    let (text, puppet) = (code.to_string(), harness::puppet());
                    run(&init, &["-s", "-e", &text, "--", &puppet, "exit", &text]).expect(0);
                    let others: Vec<String> =
                        (0..256).filter(|n| *n != code).map(|n| format!("-e{n}")).collect();
                    let others: Vec<&str> = others.iter().map(String::as_str).collect();
                    let words = [&["-s"], &others[..], &["--", &puppet, "exit", &text]].concat();
                    run(&init, &words).expect(code);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().expect("every code is right"));
}

const LEAVE: &str = "for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.1 & exec true) & done; wait; sleep 0.6";

#[test]
fn orphans_are_reaped_as_subreaper_by_flag_variable_and_launcher() {
    for (options, variable, launcher) in [
        (&["-s"][..], None, &[][..]),
        (&[], Some(("TINI_SUBREAPER", "")), &[]),
        (&[], None, &["@puppet@", "subreaper", "exec"]),
    ] {
        for (init, is_peer) in all(options) {
            // A launcher's being a subreaper is not the init's: under tini the orphans are the launcher's, which is tini
            // itself after its exec.
            let words: Vec<&str> = init.iter().map(String::as_str).chain(["--", "sh", "-c", LEAVE]).collect();
            let setup = Setup::new(&words).launcher(launcher);
            let setup = variable.iter().fold(setup, |s, (name, value)| s.env(name, value));
            let daemon = setup.start();
            let pid = daemon.pid();
            assert_eq!(daemon.wait_exit(), 0, "{init:?}");
            let said = daemon.stderr();
            let has_warned = said.contains("subreaper") && !launcher.is_empty() && is_peer;
            assert!(said.is_empty() || has_warned, "{init:?} {said}");
            assert!(proc::children(pid).is_empty());
        }
    }
}

#[test]
fn w_says_each_orphan_in_a_line() {
    for (init, _) in all(&["-s", "-w"]) {
        let done = run(&init, &["--", "sh", "-c", LEAVE]);
        let lines = done.expect(0).stderr.lines().filter(|l| l.to_lowercase().contains("reap")).count();
        assert!(lines >= 10, "{init:?}: {}", done.stderr);
    }
}

#[test]
fn who_cannot_reap_says_so() {
    // tini without -s is none; we always are one, so a subreaper has to be forbidden to us.
    if let Some(tini) = bins::which("tini") {
        run(&[tini], &["true"]).expect(0).says("subreaper");
    }
    let Some(strace) = bins::which("strace") else { return println!("skipped: needs strace") };
    let words = [&strace, "-qq", "-o", "/dev/null", "-e", "inject=prctl:error=EPERM:when=1"];
    let words: Vec<&str> = words.iter().map(|w| w as &str).collect();
    let done =
        Cmd::new(&[&words[..], &[&harness::mainstay(), "--", &harness::puppet(), "exit", "4"]].concat())
            .run();
    if done.stderr.contains("ptrace") {
        return println!("skipped: strace may not trace");
    }
    done.expect(4).says("cannot become a subreaper, orphans will not be reaped: Operation not permitted");
}

#[test]
fn a_signal_ends_the_program_with_128_and_its_number() {
    for n in [15, 10, 12] {
        for (init, _) in all(&["-s"]) {
            let daemon = start(&init, &["--", "@puppet@", "spawn-holding", "say", "up", "hold"], &[]);
            daemon.wait_said("up");
            daemon.signal(n);
            assert_eq!(daemon.wait_exit(), 128 + n, "{init:?}");
        }
    }
}

#[test]
fn the_whole_group_gets_signals_by_flag_and_by_variable() {
    for (options, variable) in [(&["-s", "-g"][..], None), (&["-s"], Some(("TINI_KILL_PROCESS_GROUP", "1")))]
    {
        for (init, _) in all(options) {
            let script = "trap '' USR1; @puppet@ default USR1 say up hold; echo gone";
            let words: Vec<&str> =
                init.iter().map(String::as_str).chain(["--", "sh", "-c", script]).collect();
            let setup = variable.iter().fold(Setup::new(&words), |s, (name, value)| s.env(name, value));
            let daemon = setup.start();
            daemon.wait_said("up");
            daemon.signal(10);
            assert_eq!(daemon.wait_exit(), 0, "{init:?}");
            daemon.wait_said("gone");
        }
    }
}

#[test]
fn ignored_and_blocked_signals_are_the_programs_as_they_were() {
    let launch = ["ignore", "TTOU,SEGV,INT", "block", "TTIN,ILL,TERM", "exec"];
    for (init, _) in all(&["-s"]) {
        let words = [&[harness::puppet()], &launch.map(str::to_string)[..], &init].concat();
        let text = run(&words, &["--", "cat", "/proc/self/status"]).expect(0).stdout.clone();
        let bits = |name: &str| {
            let line = text.lines().find_map(|l| l.strip_prefix(name)).unwrap_or("0");
            u64::from_str_radix(line.trim(), 16).expect("a mask")
        };
        let set = |signals: [i32; 3]| signals.iter().fold(0u64, |s, n| s | 1 << (n - 1));
        let (ignored, blocked) = (set([22, 11, 2]), set([21, 4, 15]));
        // The one that runs the tests may have more.
        assert_eq!((bits("SigIgn:") & ignored, bits("SigBlk:") & blocked), (ignored, blocked), "{init:?}");
    }
}

#[test]
fn the_parents_death_is_told_by_the_signal_that_was_asked_for() {
    for (init, _) in all(&["-s", "-p", "SIGUSR1"]) {
        let program = ["--", "@puppet@", "on", "USR1", "6", "say", "up", "hold"];
        let daemon = start(&init, &program, &["sh", "-c", "\"$@\" & wait", "sh"]);
        daemon.wait_said("up");
        daemon.signal(9);
        daemon.wait_said("got 10");
    }
}

#[test]
fn the_command_line_is_read_as_tini_reads_it() {
    for (init, is_peer) in inits("tini", &[]) {
        let at = |words: &[&str]| run(&init, words);
        assert!(at(&["--version"]).expect(0).stdout.starts_with("tini version 0."), "{init:?}");
        assert!(at(&["-h"]).expect(0).stdout.contains("-e "));
        assert!(!at(&["-l"]).expect(0).stdout.is_empty());
        at(&[]).expect(1);
        for wrong in
            [&["-x", "true"][..], &["--version", "true"], &["-e", "256", "true"], &["-e", "x", "true"]]
        {
            at(wrong).expect(1);
        }
        at(&["-p", "FOO", "true"]).expect(1).says("FOO");
        at(&["-s", "--", "--", "true"]).expect(127);
        at(&["-s", "--", "-h"]).expect(127).says("-h");
        at(&["-s", "--", "sh", "-c", "exit 3"]).expect(3);
        // tini looks for its options behind the program too; that is a trap, not a feature.
        if !is_peer {
            at(&["-s", "sh", "-c", "exit 3"]).expect(3);
        }
        at(&["-svg", "-e3", "--", "sh", "-c", "exit 3"]).expect(0);
        let loud = Cmd::new(&init).args(&["-s", "true"]).env("TINI_VERBOSITY", "3").run();
        assert!((loud.stdout + &loud.stderr).to_lowercase().contains("received sigchld"));
        // What tini takes by one name only is taken by all of them here.
        if !is_peer {
            for signal in ["KILL", "SIGKILL", "9", "RTMIN+2"] {
                at(&["-p", signal, "true"]).expect(0);
            }
        }
    }
}

#[test]
fn docker_reads_our_version_as_that_of_its_init() {
    let face = [as_face("docker-init"), vec!["--version".into()]].concat();
    let line = Cmd::new(&face).run().expect(0).stdout.clone();
    // moby's parser: the text before " - ", and behind "tini version ".
    let version = line.split(" - ").next().and_then(|v| v.trim().strip_prefix("tini version "));
    assert!(version.is_some_and(|v| !v.contains(' ') && v.starts_with("0.19.0_mainstay-")), "{line}");
}

#[test]
fn what_is_missing_is_127_and_what_cannot_run_126() {
    for (init, _) in all(&["-s"]) {
        run(&init, &["--", "/no/such"]).expect(127).says("/no/such");
        run(&init, &["--", "/etc"]).expect(126).says("/etc");
        let shell = [&init[..], &["--".into(), "sh".into()]].concat();
        Cmd::new(&shell).stdin("exit 7").run().expect(7);
    }
}

#[test]
fn it_is_as_good_as_pid_1() {
    if needs_root() {
        return;
    }
    for (init, _) in all(&[]) {
        let words: Vec<&str> = init
            .iter()
            .map(String::as_str)
            .chain(["--", "bash", "-c", "bash -c 'echo' & sleep 0.2; @puppet@ say up hold"])
            .collect();
        let daemon = Setup::new(&words).pid1().start();
        daemon.wait_said("up");
        let pid = daemon.pid();
        wait_until("no zombie is left", || proc::zombies(pid).is_empty());
        daemon.signal(9);
    }
}
