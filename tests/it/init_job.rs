//! `mainstay -- CMD` on a terminal: the foreground, Ctrl-C, Ctrl-Z, sessions, background writers.

use crate::support::needs_root;
use harness::{Pty, bins, proc, wait_until};

/// `mainstay -- WORDS`, or another way to begin.
fn words(first: &[&str], rest: &[&str]) -> Vec<String> {
    [first, rest].concat().iter().map(|w| w.replace("@puppet@", &harness::puppet())).collect()
}

fn dashes(rest: &[&str]) -> Vec<String> {
    words(&[&harness::mainstay(), "--"], rest)
}

fn session(rest: &[&str]) -> Vec<String> {
    words(&["bash", "-c", "exec -a dumb-init \"$0\" \"$@\"", &harness::mainstay()], rest)
}

/// An interactive bash.
fn shell() -> Option<Pty> {
    let Some(bash) = bins::which("bash") else {
        println!("skipped: needs bash");
        return None;
    };
    let shell = Pty::start(&[bash.as_str(), "--norc", "--noprofile", "-i"], None);
    shell.shows("$ ", 1);
    Some(shell)
}

/// What is typed before the shell is back is lost.
fn prompt(shell: &Pty) {
    wait_until("the prompt is back", || shell.shown().ends_with("$ ") || shell.shown().ends_with("# "));
}

fn state(pid: i32) -> char {
    proc::stat(pid).map_or('?', |s| s.state)
}

/// The only child.
fn child(pid: i32) -> i32 {
    let mut found = 0;
    wait_until("it has a child", || {
        found = proc::children(pid).first().map_or(0, |s| s.pid);
        found != 0
    });
    found
}

#[test]
fn ctrl_z_gives_the_shell_its_prompt_and_fg_the_program_the_terminal() {
    let Some(mut shell) = shell() else { return };
    shell.types(&format!("{} -- {} say up cat\n", harness::mainstay(), harness::puppet()));
    shell.shows("up\n", 1);
    let init = child(shell.pid());
    let program = child(init);
    for round in 1..=3 {
        shell.types("\x1a");
        wait_until("both have stopped", || (state(init), state(program)) == ('T', 'T'));
        shell.types(&format!("echo prompt-$(({round} + 10))\n"));
        shell.shows(&format!("prompt-{}\n", round + 10), 1);
        shell.types("fg\n");
        wait_until("both are awake", || state(init) != 'T' && state(program) != 'T');
        // Typed and shown by the terminal, then copied by the program.
        shell.types(&format!("copy-{round}\n"));
        shell.shows(&format!("copy-{round}\n"), 2);
    }
    shell.types("\x03");
    prompt(&shell);
    shell.types("echo code-$?-\n");
    shell.shows("code-130-\n", 1);
}

#[test]
fn bg_lets_the_program_run_without_the_terminal() {
    let Some(mut shell) = shell() else { return };
    shell.types(&format!("{} -- {} say up cat\n", harness::mainstay(), harness::puppet()));
    shell.shows("up\n", 1);
    let init = child(shell.pid());
    let program = child(init);
    shell.types("\x1a");
    wait_until("both have stopped", || (state(init), state(program)) == ('T', 'T'));
    // It reads from the terminal, so that in the background it is stopped again, and we with it.
    shell.types("bg; echo gone-$((1 + 1))\n");
    shell.shows("gone-2\n", 1);
    wait_until("both have stopped again", || (state(init), state(program)) == ('T', 'T'));
    shell.types("fg\n");
    wait_until("both are awake", || state(init) != 'T' && state(program) != 'T');
    shell.types("hello\n");
    shell.shows("hello\n", 2);
    shell.types("\x04");
    prompt(&shell);
    shell.types("echo code-$?-\n");
    shell.shows("code-0-\n", 1);
}

#[test]
fn started_in_the_background_it_leaves_the_terminal_to_the_shell() {
    let Some(mut shell) = shell() else { return };
    shell.types(&format!("{} -- {} tty hold &\n", harness::mainstay(), harness::puppet()));
    shell.shows("tty background\n", 1);
    shell.types("echo still-$((40 + 2))\n");
    shell.shows("still-42\n", 1);
}

#[test]
fn a_program_that_reads_the_terminal_while_stdin_is_a_pipe_has_the_foreground() {
    let Some(mut shell) = shell() else { return };
    shell.types(&format!("true | {} -- sh -c 'read x < /dev/tty; echo got-$x-'\n", harness::mainstay()));
    shell.shows("echo got", 1);
    shell.types("word\n");
    shell.shows("got-word-\n", 1);
}

#[test]
fn ctrl_c_is_the_foreground_jobs_alone() {
    let Some(bash) = bins::which("bash") else { return println!("skipped: needs bash") };
    for first in [dashes(&[]), session(&[])] {
        let all: Vec<String> =
            first.into_iter().chain(words(&[&bash], &["--norc", "--noprofile", "-i"])).collect();
        let mut shell = Pty::start(&all, None);
        wait_until("there is a prompt", || !shell.shown().is_empty());
        shell.types("echo flags=$-\n");
        wait_until("it has job control", || {
            shell.shown().lines().any(|l| l.strip_prefix("flags=").is_some_and(|f| f.contains('m')))
        });
        shell.types(&format!("{} say up hold\n", harness::puppet()));
        shell.shows("up\n", 1);
        shell.types("\x03");
        prompt(&shell);
        shell.types("echo code-$?-\n");
        shell.shows("code-130-\n", 1);
        assert!(!shell.shown().contains("no job control"), "{}", shell.shown());
        shell.types("exit 7\n");
        assert_eq!(shell.ended(), 7);
    }
}

#[test]
fn what_is_typed_reaches_the_program_and_its_code_comes_back() {
    for init in [dashes(&["tac"]), session(&["tac"])] {
        let mut pty = Pty::start(&init, None);
        pty.types("one\ntwo\nthree\n\x04\x04");
        pty.shows("three\ntwo\none\n", 1);
        assert_eq!(pty.ended(), 0, "{init:?}");
    }
    let mut pty = Pty::start(&dashes(&["sh"]), None);
    pty.types("exit 0\n");
    assert_eq!(pty.ended(), 0);
    let mut pty = Pty::start(&dashes(&["sh", "-c", "echo up; while :; do @puppet@ after 20; done"]), None);
    pty.shows("up\n", 1);
    pty.types("\x03");
    assert_eq!(pty.ended(), 130);
}

#[test]
fn the_hup_and_cont_of_the_hand_off_never_reach_the_program() {
    // MORE=1000 runs it as often.
    let runs = harness::env("MORE").and_then(|n| n.parse().ok()).unwrap_or(150);
    let program = ["@puppet@", "on", "HUP", "41", "on", "CONT", "42", "tty", "after", "3", "exit", "0"];
    let init = session(&program);
    for _ in 0..runs {
        let mut pty = Pty::start(&init, None);
        assert_eq!(pty.ended(), 0, "{}", pty.shown());
        pty.shows("tty foreground", 1);
    }
}

#[test]
fn a_later_hup_and_cont_are_the_programs() {
    let pty = Pty::start(&session(&["@puppet@", "print-signals"]), None);
    pty.shows("ready\n", 1);
    for (n, times) in [(18, 1), (1, 1), (18, 2), (1, 2)] {
        harness::kill(pty.pid(), n).unwrap();
        pty.shows(&format!("\n{n}\n"), times);
    }
}

#[test]
fn a_terminal_that_stops_background_writers_does_not_stop_the_init() {
    let tostop = |program: &str| format!("stty tostop; exec {} init -vvv -- {program}", harness::mainstay());
    let program = format!("{} print-signals", harness::puppet());
    let pty = Pty::start(&["sh", "-c", &tostop(&program)], None);
    pty.shows("ready\n", 1);
    // It says each signal that it gets, from the background.
    harness::kill(pty.pid(), 10).unwrap();
    pty.shows("received SIGUSR1\n", 1);
    pty.shows("\n10\n", 1);
    assert_ne!(state(pty.pid()), 'T');
}

#[test]
fn as_pid_1_ctrl_z_stops_nobody_and_ctrl_c_ends_the_program() {
    if needs_root() {
        return;
    }
    let unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];
    let mainstay = harness::mainstay();
    let own = [&unshare[..], &[&mainstay, "--"]].concat();
    let mut pty = Pty::start(&words(&own, &["@puppet@", "say", "up", "cat"]), None);
    pty.shows("up\n", 1);
    pty.types("\x1a");
    pty.types("word\n");
    pty.shows("word\n", 2);
    pty.types("\x03");
    assert_eq!(pty.ended(), 130);
}
