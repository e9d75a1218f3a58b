//! `pidproxy`: a command, and signals for whom its pidfile names.

use crate::support::{ours, skipped};
use harness::{Cmd, Daemon, Setup, bins, proc, wait_until};
use std::time::Duration;

/// `pidproxy WORDS`, not started yet, with the puppet beside it.
fn proxy(words: &[&str]) -> Setup {
    let setup = if ours() {
        let setup = Setup::new(&[&["@dir@/pidproxy"], words].concat());
        std::os::unix::fs::symlink(bins::mainstay(), setup.dir().path().join("pidproxy"))
            .expect("it is ours");
        setup
    } else {
        let theirs = bins::venv("pidproxy").expect("skipped() has looked");
        Setup::new(&[&[theirs.as_str()], words].concat())
    };
    Cmd::new(&["cp", &harness::puppet(), &setup.dir().join("puppet")]).run().expect(0);
    // Python would keep its words until the end.
    setup.env("PYTHONUNBUFFERED", "1")
}

/// A command that writes its number into `@dir@/pid`, and then each signal's into `@dir@/got`.
const DAEMON: &str = "echo $$ > @dir@/pid.new; trap 'echo TERM >> @dir@/got' TERM; trap 'echo HUP >> @dir@/got' HUP; \
    trap 'echo INT >> @dir@/got' INT; trap 'echo QUIT >> @dir@/got' QUIT; trap 'echo USR1 >> @dir@/got' USR1; \
    trap 'echo USR2 >> @dir@/got' USR2; mv @dir@/pid.new @dir@/pid; while :; do @dir@/puppet after 20; done";

#[track_caller]
fn started() -> Daemon {
    let daemon = proxy(&["@dir@/pid", "/bin/sh", "-c", DAEMON]).start();
    wait_until("the daemon has written its pidfile", || daemon.dir().path().join("pid").exists());
    daemon
}

#[test]
fn without_enough_words_it_says_how_on_stdout_with_1() {
    if skipped() {
        return;
    }
    for words in [&[][..], &["@dir@/pid"]] {
        let daemon = proxy(words).start();
        assert_eq!(daemon.wait_exit(), 1);
        wait_until("it says how", || {
            daemon.stdout().contains("Usage: ") && daemon.stdout().contains("/pidproxy ")
        });
        assert_eq!(daemon.stderr(), "");
    }
}

#[test]
fn a_fifo_in_the_place_of_the_pidfile_is_not_waited_for() {
    if skipped() {
        return;
    }
    let setup = proxy(&["@dir@/pid", "@dir@/puppet", "touch", "@dir@/up", "hold"]);
    let fifo = setup.dir().join("pid");
    Cmd::new(&["mkfifo", &fifo]).run().expect(0);
    let daemon = setup.start();
    wait_until("the command runs", || daemon.dir().path().join("up").exists());
    let child = *daemon.offspring().first().expect("the command");
    daemon.signal(1);
    if ours() {
        daemon.wait_said(&format!("Can't read child pidfile {fifo}!\n"));
        harness::kill(child, 9).expect("it is there");
    } else {
        // Theirs reads until somebody has written.
        std::fs::write(&fifo, child.to_string()).expect("it is being read");
    }
    assert_eq!(daemon.wait_exit(), 0);
}

#[test]
fn term_int_and_quit_are_handed_on_and_end_it() {
    if skipped() {
        return;
    }
    for (number, name) in [(15, "TERM"), (2, "INT"), (3, "QUIT")] {
        let daemon = started();
        daemon.signal(number);
        assert_eq!(daemon.wait_exit(), 0, "{name}");
        wait_until("the daemon has got it", || daemon.dir().read("got") == format!("{name}\n"));
    }
}

#[test]
fn hup_usr1_and_usr2_are_handed_on_and_it_goes_on() {
    if skipped() {
        return;
    }
    let daemon = started();
    let mut want = String::new();
    for (number, name) in [(1, "HUP"), (10, "USR1"), (12, "USR2"), (1, "HUP")] {
        daemon.signal(number);
        want.push_str(&format!("{name}\n"));
        wait_until("the daemon has got it", || daemon.dir().read("got") == want);
    }
    assert!(daemon.status().is_none());
}

#[test]
fn it_is_the_pidfile_that_says_who_gets_it() {
    if skipped() {
        return;
    }
    let other =
        Setup::new(&["sh", "-c", "trap 'echo got it; exit' TERM; echo up; while :; do sleep 0.02; done"])
            .start();
    wait_until("the other one is up", || other.stdout() == "up\n");
    let daemon = started();
    daemon.dir().write("pid", &format!("  {}\n\n", other.pid()));
    daemon.signal(15);
    assert_eq!(daemon.wait_exit(), 0);
    assert_eq!(other.wait_exit(), 0);
    wait_until("it has said so", || other.stdout() == "up\ngot it\n");
    assert_eq!(daemon.dir().read("got"), "");
}

#[test]
fn a_pidfile_that_cannot_be_read_is_told_and_nothing_else_happens() {
    if skipped() {
        return;
    }
    let daemon = started();
    let pid = daemon.dir().read("pid");
    let said = daemon.fill("Can't read child pidfile @dir@/pid!\n");
    let mut times = 0;
    let mut refused = |signal: i32| {
        daemon.signal(signal);
        times += 1;
        wait_until("it has said so", || daemon.stdout() == said.repeat(times));
        assert!(daemon.status().is_none());
    };
    for bad in ["", "words\n"] {
        daemon.dir().write("pid", bad);
        refused(15);
    }
    std::fs::remove_file(daemon.dir().path().join("pid")).unwrap();
    refused(1);
    daemon.dir().write("pid", &pid);
    daemon.signal(15);
    assert_eq!(daemon.wait_exit(), 0);
    wait_until("the daemon has got it", || daemon.dir().read("got") == "TERM\n");
}

#[test]
fn a_pidfile_that_names_nobody_ends_it_with_1() {
    if skipped() {
        return;
    }
    let daemon = started();
    daemon.dir().write("pid", "4000000\n");
    daemon.signal(1);
    assert_eq!(daemon.wait_exit(), 1);
    wait_until("it says why", || daemon.stderr().to_lowercase().contains("no such process"));
}

#[test]
fn the_commands_end_is_0_whatever_its_code() {
    if skipped() {
        return;
    }
    for code in ["0", "3"] {
        let daemon = proxy(&["@dir@/pid", "@dir@/puppet", "say", "done", "exit", code]).start();
        // On purpose: theirs looks every five seconds.
        let limit = if ours() { Duration::from_secs(3) } else { Duration::from_secs(12) };
        assert_eq!(daemon.wait_exit_within(limit), 0);
        wait_until("what it said has arrived", || daemon.stdout() == "done\n");
    }
}

#[test]
fn a_bare_name_is_a_file_of_the_working_directory() {
    if skipped() {
        return;
    }
    for command in ["puppet", "./puppet", "x/../puppet"] {
        let daemon = proxy(&["@dir@/pid", command, "say", "found", "hold"]).start();
        wait_until("it runs", || daemon.stdout() == "found\n");
    }
}

#[test]
fn arguments_are_passed_on_as_they_are() {
    if skipped() {
        return;
    }
    let daemon = proxy(&["@dir@/pid", "@dir@/puppet", "args", "-h", "--version", "", "a b", "--"]).start();
    wait_until("it says them", || daemon.stdout().contains("[\"-h\", \"--version\", \"\", \"a b\", \"--\"]"));
}

#[test]
fn the_command_stays_in_its_process_group() {
    if skipped() {
        return;
    }
    let daemon = started();
    let pid: i32 = daemon.dir().read("pid").trim().parse().unwrap();
    let group = |pid: i32| proc::stat(pid).map(|s| (s.pgrp, s.session));
    assert_eq!(group(pid), group(daemon.pid()));
}

#[test]
fn a_command_that_is_not_there() {
    if skipped() {
        return;
    }
    let daemon = proxy(&["@dir@/pid", "@dir@/no-such"]).start();
    // On purpose: theirs says nothing, and ends well after five seconds.
    assert_eq!(daemon.wait_exit(), if ours() { 127 } else { 0 });
    let want = daemon.fill("mainstay: cannot execute `@dir@/no-such`: No such file or directory\n");
    wait_until("it says so", || daemon.stderr() == if ours() { want.as_str() } else { "" });
}

#[test]
fn it_has_no_zombies() {
    if skipped() || !ours() {
        return;
    }
    let daemon = proxy(&["@dir@/pid", "@dir@/puppet", "hold"]).start();
    wait_until("it runs", || !proc::children(daemon.pid()).is_empty());
    harness::kill(proc::children(daemon.pid())[0].pid, 9).unwrap();
    assert_eq!(daemon.wait_exit(), 0);
}
