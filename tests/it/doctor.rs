//! `mainstay doctor`: what it sees of a real machine.

use crate::support::{ctl, ini, mainstay, needs_root};
use harness::{Cmd, Done, proc, temp::TempDir, wait_until};
use std::net::TcpListener;

/// The doctor alone in a namespace, where no other test's daemon is.
fn alone(words: &[&str], variables: &[(&str, &str)]) -> Done {
    let binary = harness::mainstay();
    let head = ["unshare", "--pid", "--fork", "--mount-proc", &binary, "doctor"];
    let mut cmd = Cmd::new(&[&head[..], words].concat());
    for (name, value) in variables {
        cmd = cmd.env(name, value);
    }
    cmd.run()
}

#[track_caller]
fn has(done: &Done, line: &str) {
    assert!(done.stdout.contains(line), "no `{line}` in\n{}{}", done.stdout, done.stderr);
}

#[test]
fn a_zombie_is_named_with_its_living_parent() {
    let daemon = ini("[program:careless]\ncommand=@puppet@ spawn-zombie hold\nstartsecs=0\n").start();
    daemon.wait_state("careless", "RUNNING");
    let parent: i32 = daemon.info("careless", "pid").expect("a pid").parse().expect("a number");
    wait_until("the zombie is there", || proc::zombies(parent).len() == 1);
    let zombie = proc::zombies(parent)[0].pid;
    let done = mainstay(&["doctor"]);
    has(
        &done,
        &format!(
            "warn  zombies: 1 zombie of process {parent} `puppet`: {zombie} `puppet`; not mainstay's: only their living parent can reap them"
        ),
    );
    ctl(&daemon, &["stop", "careless"]).expect(0);
    // Its children are ours now, and have been reaped.
    let done = mainstay(&["doctor"]);
    assert!(!done.stdout.contains(&format!("process {parent} ")), "{}", done.stdout);
    daemon.finish();
}

#[test]
fn what_an_ini_file_names_and_cannot_have_is_told() {
    if needs_root() {
        return;
    }
    let dir = TempDir::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    dir.write("plain", "");
    std::fs::create_dir(dir.path().join("ro")).expect("a folder");
    let text = format!(
        "[supervisord]\nlogfile={0}/ro/main.log\npidfile={0}/d.pid\nnodaemon=true\n[unix_http_server]\nfile={0}/s.sock\n\
         [mainstay]\nhttp_listen=127.0.0.1:{port}\ndrain_delay=3\n\
         [program:good]\ncommand=/bin/sh -c true\nstdout_logfile={0}/good.log\nstopwaitsecs=4\n\
         [program:bad]\ncommand={0}/plain\nstdout_logfile={0}/ro/bad.log\nstopwaitsecs=6\npriority=5\n",
        dir.path().display()
    );
    dir.write("d.conf", &text);
    let (binary, place) = (harness::mainstay(), dir.path().display());
    let script =
        format!("mount -t tmpfs -o ro none {place}/ro && exec {binary} doctor -c {place}/d.conf --grace 10");
    let done = Cmd::new(&["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", &script]).run();
    assert_eq!(done.code(), 1, "{}{}", done.stdout, done.stderr);
    has(&done, &format!("FAIL  listeners: 127.0.0.1:{port} ([http] listen): somebody listens there already"));
    for (file, what) in [("main.log", "logfile"), ("bad.log", "stdout of bad")] {
        let why = format!("nothing can be made in {place}/ro: read-only file system");
        has(&done, &format!("FAIL  files: {place}/ro/{file} ({what}): {why}"));
    }
    has(&done, "(bad): command at");
    has(&done, "ok    commands: the other 1 can be run");
    has(
        &done,
        "FAIL  time to stop: at most 13 s (3 s drain_delay + 4 s good + 6 s bad); the container has 10 s",
    );
    has(&done, "ok    PID 1: it is this doctor; no daemon runs here");
}

#[test]
fn toml_and_the_environment_are_looked_at_the_same_way() {
    if needs_root() {
        return;
    }
    let dir = TempDir::new();
    dir.write(
        "d.toml",
        "[supervisor]\nshutdown_timeout = 6\n[program.web]\ncommand = \"no-such-command\"\nstopsignal = \"TERM:10, QUIT:5, KILL\"\n\
         post_stop = \"/no/cleanup\"\nhook_timeout = 20\nenv_file = \"/no/such.env\"\n",
    );
    let done = alone(&["-c", &format!("{}/d.toml", dir.path().display())], &[("MAINSTAY_GRACE", "5s")]);
    has(&done, "FAIL  commands: no-such-command (web): can't find command 'no-such-command'");
    has(&done, "FAIL  commands: /no/cleanup (post_stop of web): can't find command '/no/cleanup'");
    has(&done, "FAIL  variables: /no/such.env (env_file of web): no such file or directory");
    has(
        &done,
        "FAIL  time to stop: at most 6 s, by shutdown_timeout; else 35 s (35 s web); the container has 5 s",
    );
    let done = alone(&["--grace=1m"], &[("MAINSTAY_PROGRAM__WEB", "/no/such/web")]);
    has(&done, "ok    configuration: environment: 1 program");
    has(&done, "FAIL  commands: /no/such/web (web): can't find command '/no/such/web'");
    has(&done, "ok    time to stop: at most 10 s (10 s web); the container has 60 s");
}

#[test]
fn a_configuration_that_cannot_be_read_is_a_finding() {
    let dir = TempDir::new();
    dir.write(
        "d.toml",
        "[program.web]\ncomand = \"x\"\nuser = \"nobody-at-all\"\n\
         [program.job]\ncommand = \"x\"\nschedule = \"0 3 * * *\"\nschedule_timezone = \"No/Where\"\n",
    );
    let done = mainstay(&["doctor", "-c", &format!("{}/d.toml", dir.path().display()), "--json"]);
    assert_eq!(done.code(), 1);
    let json: serde_json::Value = serde_json::from_str(&done.stdout).expect("json");
    let all = json["findings"].as_array().expect("a list");
    let bad: Vec<&str> = all
        .iter()
        .filter(|f| f["level"] == "FAIL" && f["what"] == "configuration")
        .filter_map(|f| f["why"].as_str())
        .collect();
    assert!(bad.iter().any(|b| b.contains("there is no time zone `No/Where`")), "{bad:?}");
    assert!(
        bad.iter().any(|b| b.contains("comand")) && bad.iter().any(|b| b.contains("nobody-at-all")),
        "{bad:?}"
    );
}

#[test]
fn a_wrong_command_line_is_code_2() {
    mainstay(&["doctor", "--grace", "soon"]).expect(2).says("`soon` is no time; write 30s, 500ms or 2m");
    let done = Cmd::new(&[harness::mainstay().as_str(), "doctor"]).env("MAINSTAY_GRACE", "soon").run();
    done.expect(2).says("error: cannot use MAINSTAY_GRACE: `soon` is no time");
}

#[test]
fn without_proc_it_says_what_it_cannot_see() {
    if needs_root() {
        return;
    }
    let binary = harness::mainstay();
    let script = format!("mount -t tmpfs none /proc && exec {binary} doctor");
    let done = Cmd::new(&["unshare", "--mount", "sh", "-c", &script]).run();
    has(&done, "warn  /proc: it is not mounted or hides everything");
    has(&done, "warn  control group: none can be seen");
}

#[test]
fn a_user_without_rights_is_told_what_it_lacks() {
    if needs_root() {
        return;
    }
    let dir = TempDir::new();
    dir.write("d.toml", "[program.web]\ncommand = \"/bin/true\"\nuser = \"nobody\"\n");
    let file = format!("{}/d.toml", dir.path().display());
    let binary = harness::mainstay();
    let words = [
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
        "setpriv",
        "--bounding-set",
        "-setuid,-kill",
        "--inh-caps",
        "-setuid,-kill",
    ];
    let done = Cmd::new(&[&words[..], &[&binary, "doctor", "-c", &file]].concat()).run();
    has(&done, "FAIL  users: web: mainstay lacks the capabilities setuid, kill to start and stop it");
}

#[test]
fn the_page_shows_lines_that_it_prints() {
    let path = harness::bins::workspace().join("docs/doctor.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let sample = page.split("```toml\n").nth(1).and_then(|t| t.split("```").next()).expect("a sample");
    let shown = page.split("```text\n").nth(1).and_then(|t| t.split("```").next()).expect("an answer");
    if needs_root() {
        return;
    }
    let dir = TempDir::new();
    dir.write("mainstay.toml", sample);
    let done = alone(&["-c", &format!("{}/mainstay.toml", dir.path().display())], &[]);
    let mut n = 0;
    for line in shown.lines().filter(|l| l.contains("commands:") || l.contains("time to stop:")) {
        has(&done, line);
        n += 1;
    }
    assert_eq!(n, 2, "{shown}");
}
