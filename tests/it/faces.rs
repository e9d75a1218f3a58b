//! The names that the binary answers to: supervisord, pidproxy, echo_supervisord_conf. Where the real ones are at hand,
//! `tests/compat` compares them; this holds anywhere.

use harness::{Cmd, Daemon, Setup, proc, wait_until};

/// The binary under another name, in a directory of its own.
fn called(name: &str, words: &[&str]) -> Setup {
    let setup = Setup::new(&[&[format!("@dir@/{name}").as_str()], words].concat());
    std::os::unix::fs::symlink(harness::mainstay(), setup.dir().path().join(name)).expect("it is ours");
    setup
}

fn run(name: &str, words: &[&str]) -> (i32, String, String) {
    let daemon = called(name, words).start();
    let code = daemon.wait_exit();
    wait_until("it has said all", || !(daemon.stdout() + &daemon.stderr()).is_empty());
    let here = daemon.fill("@dir@/");
    (code, daemon.stdout().replace(&here, ""), daemon.stderr().replace(&here, ""))
}

#[test]
fn supervisord_speaks_of_mistakes_in_two_lines_and_more_behind_them() {
    let (code, out, err) = run("supervisord", &["-n", "-m", "9"]);
    assert_eq!((code, out.as_str()), (2, ""));
    let want = "Error: invalid value for -m '9': 9 can not be converted to an octal type\nFor help, use supervisord -h\n";
    assert_eq!(err.strip_prefix(want), Some("  hint: write octal digits, for example 022\n"), "{err}");
    let (code, out, _) = run("supervisord", &["-h"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("Usage: supervisord [OPTIONS]\n") && out.contains("Exit codes: "), "{out}");
    assert_eq!(run("supervisord", &["--vers"]), (0, "4.3.0\n".into(), String::new()));
}

#[test]
fn profile_options_are_taken_with_a_word_about_it() {
    let words = ["--profile_options=calls,callers", "-n", "-c", "@dir@/none.conf"];
    let daemon = called("supervisord", &words).start();
    assert_eq!(daemon.wait_exit(), 2);
    wait_until("it has said all", || daemon.stderr().contains("could not find config file"));
    assert!(daemon.stderr().starts_with("warning: --profile_options has no effect"), "{}", daemon.stderr());
}

#[test]
fn run_promises_no_background() {
    let done = crate::support::mainstay(&["run", "--help"]);
    let lines: Vec<&str> = done.stdout.lines().filter(|l| l.contains("background")).collect();
    assert_eq!(lines.len(), 2, "{}", done.stdout);
    for (line, option) in lines.iter().zip(["-m, --umask", "-d, --directory"]) {
        assert!(line.trim_start().starts_with(option), "{line}");
        assert!(
            line.ends_with("Accepted for supervisord's sake; only `supervisord` goes into the background")
        );
    }
}

#[test]
fn echo_supervisord_conf_prints_what_the_sample_applet_prints() {
    let (code, out, err) = run("echo_supervisord_conf", &["--help"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("\n[supervisord]\n") && out.contains("\n;[program:NAME]\n"), "{out}");
    let sample = Cmd::new(&[&harness::mainstay(), "sample", "supervisord"]).run();
    assert_eq!(sample.expect(0).stdout, out);
}

fn proxied(words: &[&str]) -> Daemon {
    let command = "trap 'echo TERM' TERM; trap 'echo HUP' HUP; echo $$ > @dir@/pid; echo up; \
                   while :; do @puppet@ after 20; done";
    let daemon =
        Setup::new(&[&["@mainstay@"], words, &["@dir@/pid", "/bin/sh", "-c", command]].concat()).start();
    wait_until("the command is up", || daemon.stdout() == "up\n");
    daemon
}

#[test]
fn pidproxy_hands_signals_on() {
    let daemon = proxied(&["pidproxy"]);
    daemon.signal(1);
    wait_until("HUP has come", || daemon.stdout() == "up\nHUP\n");
    // What is not handed on has no effect.
    daemon.signal(14);
    daemon.signal(15);
    assert_eq!(daemon.wait_exit(), 0);
    wait_until("TERM has come", || daemon.stdout() == "up\nHUP\nTERM\n");
}

#[test]
fn pidproxy_never_signals_a_group_or_everybody() {
    let daemon = proxied(&["pidproxy"]);
    for bad in ["0\n", "-1\n", "-2\n", "99999999999999999999\n"] {
        daemon.dir().write("pid", bad);
        let said = daemon.stdout();
        daemon.signal(1);
        wait_until("it is refused", || {
            daemon.stdout() == daemon.fill(&format!("{said}Can't read child pidfile @dir@/pid!\n"))
        });
    }
    assert!(daemon.status().is_none());
}

#[test]
fn pidproxy_ends_with_its_command_and_says_what_it_cannot_start() {
    let daemon = Setup::new(&["@mainstay@", "pidproxy", "@dir@/pid", "@puppet@", "hold"]).start();
    wait_until("it runs", || !proc::children(daemon.pid()).is_empty());
    harness::kill(proc::children(daemon.pid())[0].pid, 9).unwrap();
    assert_eq!(daemon.wait_exit(), 0);
    let missing = Cmd::new(&[&harness::mainstay(), "pidproxy", "/x", "/no/such"]).run();
    assert_eq!(
        (missing.code(), missing.stderr.as_str()),
        (127, "mainstay: cannot execute `/no/such`: No such file or directory\n")
    );
    let folder = Cmd::new(&[&harness::mainstay(), "pidproxy", "/x", "/"]).run();
    assert_eq!(
        (folder.code(), folder.stderr.as_str()),
        (126, "mainstay: cannot execute `/`: Permission denied\n")
    );
}

#[test]
fn pidproxy_without_enough_words_says_how() {
    let (code, out, err) = run("pidproxy", &["pid"]);
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(out.starts_with("Usage: pidproxy PIDFILE COMMAND [ARG...]\n"), "{out}");
}

#[test]
fn supervisord_in_the_background_still_adopts_orphans() {
    let config = "[supervisord]\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
        [unix_http_server]\nfile=@sock@\n[program:p]\ncommand=@puppet@ fork-and-die\nstartsecs=0\nautorestart=false\n\
        stdout_logfile=@dir@/p.out\n";
    let daemon = called("supervisord", &["-c", "@dir@/c.conf"]).file("c.conf", config).start();
    assert_eq!(daemon.wait_exit(), 0);
    let pid: i32 = daemon.dir().read("d.pid").trim().parse().unwrap();
    let named = || {
        daemon.dir().read("p.out").lines().find_map(|l| l.strip_prefix("pid ")?.trim().parse::<i32>().ok())
    };
    wait_until("the program has named its child", || named().is_some());
    let orphan = named().unwrap();
    wait_until("it is ours", || proc::stat(orphan).is_some_and(|s| s.ppid == pid));
    harness::kill(orphan, 9).unwrap();
    wait_until("it is reaped", || proc::stat(orphan).is_none());
    harness::kill(pid, 15).unwrap();
    wait_until("the one behind ends", || !proc::alive(pid));
    daemon.ended(0);
}
