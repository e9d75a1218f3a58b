//! `ctl top` in a real terminal, and what is behind it: `mainstay.getProcessTable`.

use crate::support::{ctl, ini, mainstay};
use harness::{Daemon, Setup, Terminal, bins, http};

fn row(screen: &str, name: &str) -> Option<String> {
    screen.lines().find(|l| l.split_whitespace().next() == Some(name)).map(str::to_owned)
}

const PROGRAMS: &str = "[program:apple]\ncommand=@puppet@ say red hold\nstartsecs=0\nstdout_logfile=@dir@/apple.log\n\
    [program:berry]\ncommand=@puppet@ hold\nstartsecs=0\nautostart=false\n\
    [program:cherry]\ncommand=@puppet@ say-err sour hold\nstartsecs=0\nstderr_logfile=@dir@/cherry.err\n";

fn running() -> Daemon {
    let daemon = ini(PROGRAMS).start();
    daemon.wait_state("apple", "RUNNING");
    daemon.wait_state("cherry", "RUNNING");
    daemon
}

/// `None` where there is no terminal to look at.
fn top(daemon: &Daemon, size: (u32, u32)) -> Option<Terminal> {
    // What it says at its end stays on the screen.
    let command = format!(
        "{} ctl -s unix://{} top -d 0.3; echo \"code $?\"; stty -a; exec cat",
        bins::mainstay(),
        daemon.socket()
    );
    Terminal::running(size, &command)
}

/// Waits for a row of the table whose state is this.
#[track_caller]
fn wait_row(terminal: &Terminal, name: &str, state: &str) -> String {
    terminal.wait(&format!("{name} {state}"), |screen| row(screen, name).is_some_and(|r| r.contains(state)))
}

/// `top` is the shell's child, as the shell waits for it.
fn pid_of_top(terminal: &Terminal) -> i32 {
    let shell = terminal.tmux(&["display", "-p", "#{pane_pid}"]);
    let children = harness::proc::children(shell.trim().parse().expect("a pid"));
    children.first().map(|c| c.pid).expect("top is there")
}

/// Whether it waits for an answer: each request has a connection of its own.
fn is_asking(pid: i32) -> bool {
    let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it is there").flatten();
    let mut targets = fds.filter_map(|fd| std::fs::read_link(fd.path()).ok());
    targets.any(|target| target.to_string_lossy().starts_with("socket:"))
}

#[test]
fn the_table_shows_programs_and_keys_act_on_the_selected_one() {
    let daemon = running();
    let Some(terminal) = top(&daemon, (100, 20)) else { return };
    let screen = wait_row(&terminal, "apple", "red");
    assert!(screen.contains("3 processes: 2 RUNNING, 1 STOPPED"), "{screen}");
    let head: Vec<&str> = screen.lines().nth(2).expect("a head").split_whitespace().collect();
    assert_eq!(head, ["NAME", "STATE", "PID", "UPTIME", "RESTARTS", "CPU%", "MEM", "LAST", "LINE"]);
    let pid = daemon.info("apple", "pid").expect("a pid");
    let apple = row(&screen, "apple").expect("a row");
    assert!(apple.contains(&format!(" {pid} ")) && apple.contains(" RUNNING "), "{apple}");
    wait_row(&terminal, "cherry", "sour");
    terminal.keys(&["Down", "s"]);
    wait_row(&terminal, "berry", "RUNNING");
    terminal.keys(&["x"]);
    wait_row(&terminal, "berry", "STOPPED");
    terminal.keys(&["k", "r"]);
    terminal.wait("apple again", |screen| {
        row(screen, "apple").is_some_and(|r| r.contains("RUNNING") && !r.contains(&format!(" {pid} ")))
    });
    // A restart of what does not run is a start.
    terminal.keys(&["j", "r"]);
    wait_row(&terminal, "berry", "RUNNING");
    terminal.keys(&["X"]);
    terminal.shows("Really stop all programs? y/N");
    terminal.keys(&["n"]);
    terminal.shows("q quit");
    assert!(terminal.screen().contains("3 RUNNING"), "{}", terminal.screen());
    terminal.keys(&["X", "y"]);
    terminal.shows("3 STOPPED");
    terminal.keys(&["q"]);
    terminal.shows("code 0");
    daemon.finish();
}

#[test]
fn logs_filters_help_and_sizes() {
    let daemon = running();
    let Some(terminal) = top(&daemon, (90, 16)) else { return };
    wait_row(&terminal, "apple", "RUNNING");
    terminal.keys(&["l"]);
    terminal.wait("the log", |s| s.contains("apple stdout") && s.contains("\nred\n"));
    std::fs::write(daemon.dir().path().join("apple.log"), "red\n\u{1b}[31mripe\u{1b}[0m\n").expect("ours");
    terminal.shows("\nripe\n");
    terminal.keys(&["e"]);
    terminal.wait("the other one", |s| s.contains("apple stderr") && s.contains("(the log is empty)"));
    terminal.keys(&["q"]);
    wait_row(&terminal, "cherry", "RUNNING");
    terminal.keys(&["/", "err", "Enter"]);
    terminal
        .wait("two of them", |s| s.contains("only `err`") && s.contains("berry") && !s.contains("apple "));
    terminal.keys(&["Escape"]);
    wait_row(&terminal, "apple", "RUNNING");
    terminal.keys(&["?"]);
    terminal.shows("any key goes back");
    terminal.keys(&["q"]);
    wait_row(&terminal, "apple", "RUNNING");
    terminal.resize((30, 6));
    let small = terminal.wait("a small table", |s| s.contains("berry") && !s.contains("PID"));
    assert!(small.lines().count() <= 6 && small.contains("UPTIME"), "{small}");
    terminal.resize((120, 20));
    terminal.shows("LAST LINE");
    terminal.keys(&["q"]);
    terminal.shows("code 0");
    daemon.finish();
}

#[test]
fn the_terminal_is_as_it_was_however_top_ends() {
    let daemon = running();
    for (end, code) in [("q", "code 0"), ("C-c", "code 0"), ("TERM", "code 143"), ("HUP", "code 129")] {
        let Some(terminal) = top(&daemon, (80, 24)) else { return };
        wait_row(&terminal, "apple", "RUNNING");
        assert_eq!(terminal.tmux(&["display", "-p", "#{alternate_on} #{cursor_flag}"]), "1 0\n");
        if let "TERM" | "HUP" = end {
            let signal = if end == "TERM" { 15 } else { 1 };
            harness::kill(pid_of_top(&terminal), signal).expect("it is there");
        } else {
            terminal.keys(&[end]);
        }
        let screen = terminal.wait("the end", |s| s.contains(code) && s.contains("echok"));
        assert!(screen.contains("isig icanon iexten echo "), "{screen}");
        assert!(!screen.contains("apple"), "{screen}");
        assert_eq!(terminal.tmux(&["display", "-p", "#{alternate_on} #{cursor_flag}"]), "0 1\n");
    }
    daemon.finish();
}

/// A program that ends only by SIGKILL, long before its stop is given up.
fn slow() -> Daemon {
    ini("[program:slow]\ncommand=@puppet@ ignore TERM touch @dir@/up hold\nstartsecs=0\nstopwaitsecs=600\n\
        autorestart=false\n")
    .start()
}

/// Asks for its restart, once it can be.
fn restart_slow(daemon: &Daemon, terminal: &Terminal) -> String {
    harness::wait_until("it ignores", || daemon.dir().path().join("up").exists());
    wait_row(terminal, "slow", "RUNNING");
    terminal.keys(&["r"]);
    wait_row(terminal, "slow", "STOPPING");
    std::fs::remove_file(daemon.dir().path().join("up")).expect("ours");
    daemon.info("slow", "pid").expect("a pid")
}

#[test]
fn a_restart_that_has_begun_is_finished_however_top_ends() {
    let daemon = slow();
    for (end, code) in [("q", "code 0"), ("C-c", "code 0"), ("TERM", "code 143"), ("HUP", "code 129")] {
        let Some(terminal) = top(&daemon, (80, 24)) else { return };
        let pid = restart_slow(&daemon, &terminal);
        if let "TERM" | "HUP" = end {
            let signal = if end == "TERM" { 15 } else { 1 };
            harness::kill(pid_of_top(&terminal), signal).expect("it is there");
        } else {
            terminal.keys(&[end]);
        }
        terminal.shows("finishing the restart of slow (Ctrl-C leaves it stopped)");
        assert_eq!(terminal.tmux(&["display", "-p", "#{alternate_on} #{cursor_flag}"]), "0 1\n");
        harness::kill(pid.parse().expect("a number"), 9).expect("it is there");
        terminal.shows("slow: start asked for");
        terminal.shows(code);
        daemon.wait_state("slow", "RUNNING");
        assert_ne!(daemon.info("slow", "pid"), Some(pid));
    }
    ctl(&daemon, &["signal", "KILL", "slow"]).expect(0);
    daemon.wait_state("slow", "EXITED");
    daemon.finish();
}

#[test]
fn ctrl_c_gives_a_restart_up() {
    let daemon = slow();
    let Some(terminal) = top(&daemon, (80, 24)) else { return };
    let pid = restart_slow(&daemon, &terminal);
    terminal.keys(&["q"]);
    terminal.shows("finishing the restart of slow");
    harness::kill(pid_of_top(&terminal), 2).expect("it is there");
    terminal.shows("code 130");
    harness::kill(pid.parse().expect("a number"), 9).expect("it is there");
    daemon.wait_state("slow", "STOPPED");
    daemon.finish();
}

#[test]
fn a_server_that_goes_away_is_said_and_found_again() {
    let daemon = running();
    let Some(terminal) = top(&daemon, (80, 12)) else { return };
    wait_row(&terminal, "apple", "RUNNING");
    let (socket, conf) = (daemon.socket(), daemon.dir().read("supervisord.conf"));
    daemon.finish();
    terminal.shows("; trying again");
    let folder = std::path::Path::new(&socket).parent().expect("a folder").to_path_buf();
    std::fs::create_dir_all(&folder).expect("ours");
    std::fs::write(folder.join("supervisord.conf"), conf).expect("ours");
    let again =
        Setup::new(&["@mainstay@", "run", "-c", &folder.join("supervisord.conf").display().to_string()])
            .start();
    terminal.wait("it is back", |s| {
        !s.contains("trying again") && row(s, "apple").is_some_and(|r| r.contains("RUNNING"))
    });
    terminal.keys(&["q"]);
    terminal.shows("code 0");
    again.finish();
    std::fs::remove_dir_all(folder).expect("ours");
}

#[test]
fn a_signal_ends_it_while_the_server_says_nothing() {
    let daemon = running();
    let Some(terminal) = top(&daemon, (80, 24)) else { return };
    wait_row(&terminal, "apple", "RUNNING");
    // Who answers is among them; connections are still taken, by the kernel.
    let children: Vec<i32> = harness::proc::children(daemon.pid()).iter().map(|c| c.pid).collect();
    children.iter().for_each(|pid| harness::kill(*pid, 19).expect("it is there"));
    terminal.shows("; trying again");
    let pid = pid_of_top(&terminal);
    harness::wait_until("it asks again", || is_asking(pid));
    harness::kill(pid, 15).expect("it is there");
    terminal.shows("code 143");
    children.iter().for_each(|pid| harness::kill(*pid, 18).expect("it is there"));
    drop(terminal);
    daemon.finish();
}

#[test]
fn without_a_terminal_it_is_one_table_or_json() {
    let daemon = running();
    let done = ctl(&daemon, &["top"]);
    done.expect(0);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert!(lines.len() == 4 && lines[0].starts_with("NAME   STATE "), "{lines:?}");
    assert!(lines[1].starts_with("apple  RUNNING ") && lines[1].ends_with(" red"), "{lines:?}");
    assert!(!done.stdout.contains('\x1b'));
    let twice = ctl(&daemon, &["top", "-n", "2", "-d", "0.1"]);
    assert_eq!(twice.stdout.matches("NAME ").count(), 2, "{}", twice.stdout);
    let json = ctl(&daemon, &["top", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&all[0]["name"], &all[0]["last_line"]), (&"apple".into(), &"red".into()));
    assert!(all[0]["memory_bytes"].as_f64().is_some_and(|n| n > 1000.0), "{all}");
    ctl(&daemon, &["top", "nonsense"]).expect(2);
    let url = format!("unix://{}", daemon.socket());
    daemon.finish();
    assert_eq!(mainstay(&["ctl", "-s", &url, "top"]).code(), 7);
}

#[test]
fn the_table_has_what_people_want_to_know_and_last_words_stay() {
    let daemon = ini(
        "[program:a]\ncommand=@puppet@ say one print \"\x1b[31mtwo\" say-err \"a\x1b[0m word\" wait-file @dir@/go exit 3\n\
         startsecs=0\nautorestart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
         [program:b]\ncommand=/no/such\nstartretries=0\n",
    )
    .start();
    daemon.wait_state("a", "RUNNING");
    let table = || http::rpc(&daemon.socket(), "mainstay.getProcessTable", &[]).expect("an answer");
    let number = |xml: &str, name: &str| http::member(xml, name).and_then(|t| t.parse::<f64>().ok());
    // /dev/null has no reader: there is nothing to know.
    let xml = table();
    assert!(
        number(&xml, "uptime").is_some_and(|s| s >= 0.0) && number(&xml, "cpu_seconds").is_some(),
        "{xml}"
    );
    assert_eq!((number(&xml, "starts"), number(&xml, "exits")), (Some(1.0), Some(0.0)));
    assert_eq!(http::member(&xml, "ready").as_deref(), Some("1"));
    daemon.dir().write("go", "");
    daemon.wait_state("a", "EXITED");
    let xml = table();
    assert_eq!((number(&xml, "exits"), number(&xml, "exits_unexpected")), (Some(1.0), Some(1.0)));
    let of_a = xml.split("<struct>").nth(1).expect("a structure");
    assert!(!of_a.contains("memory_bytes") && of_a.contains("<name>spawnerr</name>"), "{of_a}");
    daemon.finish();
    let daemon = ini(
        "[program:a]\ncommand=@puppet@ say one say-err \"\x1b[31ma\x1b[0m word\" exit 3\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nredirect_stderr=true\n",
    )
    .start();
    daemon.wait_state("a", "EXITED");
    let xml = http::rpc(&daemon.socket(), "mainstay.getProcessTable", &[]).expect("an answer");
    assert_eq!(http::member(&xml, "last_line").as_deref(), Some("a word"));
    daemon.finish();
}
