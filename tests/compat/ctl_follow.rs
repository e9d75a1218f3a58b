//! `tail -f`, `maintail -f` and `fg`, by the real supervisorctl and by ours: each against either server.

use crate::support::{Sup, skipped, start};
use harness::{Daemon, Setup, bins, http, wait_until};

#[track_caller]
fn wait_said(client: &Daemon, text: &str) {
    wait_until(&format!("it says `{text}`"), || client.stdout() == text);
}

/// Ctrl-C, then exit 0.
#[track_caller]
fn interrupt(client: Daemon) {
    client.signal(2);
    client.ended(0);
}

/// Both clients with the same words.
fn clients(sup: &Sup, words: &[&str]) -> Vec<Daemon> {
    let url = format!("unix://{}", sup.0.socket());
    let real = bins::venv("supervisorctl").expect("skipped() has looked");
    let ours = bins::mainstay();
    let lines = [
        [&[real.as_str(), "-s", &url], words].concat(),
        [&[ours.as_str(), "ctl", "-s", &url], words].concat(),
    ];
    lines.iter().map(|line| Setup::new(line).start()).collect()
}

fn one() -> Sup {
    let sup = start(
        "[program:a]\ncommand=@puppet@ say first say-err wrong wait-file @dir@/go say second hold\nstartsecs=0\n\
         stdout_logfile=@dir@/a.log\nstderr_logfile=@dir@/a.err\n",
    );
    sup.wait_file("a.log", "first\n");
    sup.wait_file("a.err", "wrong\n");
    sup.wait_log("success: a");
    sup
}

const PRESS: &str = "==> Press Ctrl-C to exit <==\n";

#[test]
fn a_log_is_followed_until_ctrl_c() {
    if skipped() {
        return;
    }
    let sup = one();
    let followers = clients(&sup, &["tail", "-f", "a"]);
    followers.iter().for_each(|c| wait_said(c, &format!("{PRESS}first\n")));
    std::fs::write(sup.0.dir().path().join("go"), "").expect("the directory is ours");
    for client in followers {
        wait_said(&client, &format!("{PRESS}first\nsecond\n"));
        client.signal(2);
        wait_said(&client, &format!("{PRESS}first\nsecond\n\n"));
        assert_eq!(client.stderr(), "");
        client.ended(0);
    }
    sup.finish();
}

#[test]
fn stderr_and_the_daemons_log_are_followed_too() {
    if skipped() {
        return;
    }
    let sup = one();
    for client in clients(&sup, &["tail", "-f", "a", "stderr"]) {
        wait_said(&client, &format!("{PRESS}wrong\n"));
        interrupt(client);
    }
    let log = sup.log();
    let shown = log.len().saturating_sub(1024);
    for client in clients(&sup, &["maintail", "-f"]) {
        wait_said(&client, &format!("{PRESS}{}", &log[shown..]));
        interrupt(client);
    }
    sup.finish();
}

#[test]
fn what_cannot_be_followed_is_said_and_is_no_failure() {
    if skipped() {
        return;
    }
    let sup = one();
    for client in clients(&sup, &["tail", "-f", "nosuch"]) {
        let refused = " Cannot read, status code 404\n";
        wait_until("it says why", || client.stderr().ends_with(refused));
        client.ended(0);
    }
    sup.finish();
}

#[test]
fn following_ends_with_the_server() {
    if skipped() {
        return;
    }
    let sup = one();
    let followers = clients(&sup, &["tail", "-f", "a"]);
    followers.iter().for_each(|c| wait_said(c, &format!("{PRESS}first\n")));
    sup.finish();
    for client in followers {
        client.ended(0);
    }
}

/// Each client by itself, with the words and without a terminal.
fn lines_of_both(sup: &Sup, words: &[&str]) -> [Vec<String>; 2] {
    let url = format!("unix://{}", sup.0.socket());
    let (real, ours) = (bins::venv("supervisorctl").expect("skipped() has looked"), bins::mainstay());
    [vec![real], vec![ours, "ctl".to_owned()]].map(|mut line| {
        line.extend(["-s", &url].iter().chain(words).map(ToString::to_string));
        line
    })
}

#[test]
fn fg_sends_what_is_typed_and_leaves_the_program_alone() {
    if skipped() {
        return;
    }
    let sup = start("[program:cat]\ncommand=cat\nstartsecs=0\nstdout_logfile=@dir@/cat.log\n");
    sup.wait_log("success: cat");
    let pid = sup.0.info("cat", "pid");
    for (n, line) in lines_of_both(&sup, &["fg", "cat"]).iter().enumerate() {
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let client = Setup::new(&words).open_stdin().start();
        wait_until("it is in front", || client.stdout().starts_with(PRESS));
        client.type_in(&format!("one {n}\ntwo\n"));
        wait_until("what was typed comes back", || client.stdout().ends_with(&format!("one {n}\ntwo\n")));
        client.signal(2);
        wait_until("it leaves", || client.stdout().ends_with("Exiting foreground\n"));
        // The real one has a thread that waits for one more word.
        http::rpc(&sup.0.socket(), "supervisor.sendProcessStdin", &["cat", "wake\n"]).expect("an answer");
        client.ended(0);
    }
    assert_eq!(sup.file("cat.log"), "one 0\ntwo\nwake\none 1\ntwo\nwake\n");
    assert_eq!(sup.0.info("cat", "pid"), pid);
    sup.finish();
}

/// A client with `fg`, the real one or ours; its input is a pipe that stays open.
fn in_front(sup: &Sup, real: bool, name: &str) -> Daemon {
    let url = format!("unix://{}", sup.0.socket());
    let theirs = bins::venv("supervisorctl").expect("skipped() has looked");
    let ours = bins::mainstay();
    let client = if real { vec![theirs.as_str()] } else { vec![ours.as_str(), "ctl"] };
    let line = [client.as_slice(), &["-s", &url, "fg", name]].concat();
    Setup::new(&line).open_stdin().env("PYTHONUNBUFFERED", "1").start()
}

#[test]
fn fg_shows_both_streams_and_sends_lines() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:cat]\ncommand=sh -c 'echo wrong >&2; exec cat'\nstartsecs=0\n\
         stdout_logfile=@dir@/cat.log\nstderr_logfile=@dir@/cat.err\n",
    );
    sup.wait_state("cat", "RUNNING");
    sup.wait_file("cat.err", "wrong\n");
    for n in 0..2 {
        let client = in_front(&sup, n == 0, "cat");
        wait_until("both streams are there", || {
            client.stdout().starts_with(PRESS) && client.stdout().contains("wrong\n")
        });
        client.type_in(&format!("line {n}\n"));
        wait_until("the program answers", || client.stdout().contains(&format!("line {n}\n")));
        // What was written before it came is shown too.
        assert!((0..n).all(|n| client.stdout().contains(&format!("line {n}\n"))), "{}", client.stdout());
        assert!(!client.stdout().contains("Exiting"), "{}", client.stdout());
    }
    assert_eq!(sup.file("cat.log"), "line 0\nline 1\n");
    sup.finish();
}

#[test]
fn fg_notices_with_the_next_line_that_a_program_is_gone() {
    if skipped() {
        return;
    }
    let program =
        |name: &str| format!("[program:{name}]\ncommand=cat\nstartsecs=0\nstdout_logfile=@dir@/{name}.log\n");
    let sup = start(&(program("theirs") + &program("ours")));
    for name in ["theirs", "ours"] {
        sup.wait_state(name, "RUNNING");
        let client = in_front(&sup, name == "theirs", name);
        client.type_in("one\n");
        wait_until("the program answers", || client.stdout().ends_with("one\n"));
        sup.ctl(&["stop", name]).expect(0);
        client.type_in("anyone?\n");
        let gone = "Process got killed\nExiting foreground\n";
        wait_until("it says so", || client.stdout().ends_with(gone));
        assert_eq!(client.stdout(), format!("{PRESS}one\n{gone}"));
    }
    sup.finish();
}

#[test]
fn ctrl_c_ends_a_shell_that_reads_from_a_pipe() {
    if skipped() {
        return;
    }
    let sup = one();
    let url = format!("unix://{}", sup.0.socket());
    let theirs = bins::venv("supervisorctl").expect("skipped() has looked");
    let ours = bins::mainstay();
    for client in [&[theirs.as_str()][..], &[ours.as_str(), "ctl"]] {
        let client = Setup::new(&[client, &["-s", &url]].concat()).open_stdin().start();
        wait_until("it shows its prompt", || client.stdout().ends_with("\nsupervisor> "));
        client.signal(2);
        wait_until("it begins a new line", || client.stdout().ends_with("\nsupervisor> \n"));
        client.ended(0);
    }
    sup.finish();
}
