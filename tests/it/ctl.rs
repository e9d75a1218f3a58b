//! `mainstay ctl` over the control socket: supervisorctl's words, output and exit codes.

use crate::support::{ctl, ini, mainstay, needs_root, toml};
use harness::{Daemon, Setup, wait_until};

const PROGRAMS: &str = "[program:up]\ncommand=@puppet@ hold\nstartsecs=0\n\
    [program:down]\ncommand=@puppet@ hold\nautostart=false\nstartsecs=0\n\
    [program:w]\ncommand=@puppet@ hold\nnumprocs=2\nprocess_name=%(process_num)d\nstartsecs=0\n";

fn running() -> Daemon {
    let daemon = ini(PROGRAMS).start();
    for name in ["up", "w:0", "w:1"] {
        daemon.wait_state(name, "RUNNING");
    }
    daemon
}

#[track_caller]
fn says(daemon: &Daemon, words: &[&str], code: i32, output: &str) {
    let done = ctl(daemon, words);
    assert_eq!((done.code(), done.stdout.as_str()), (code, output), "ctl {words:?}: {}", done.stderr);
}

#[test]
fn status_is_supervisorctls_table() {
    let daemon = running();
    let done = ctl(&daemon, &["status"]);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(done.code(), 3);
    assert_eq!(lines[0], "down                             STOPPED   Not started");
    assert!(lines[1].starts_with("up                               RUNNING   pid "), "{lines:?}");
    assert!(lines[1].contains(", uptime 0:00:0"), "{lines:?}");
    assert!(lines[2].starts_with("w:0 ") && lines[3].starts_with("w:1 ") && lines.len() == 4, "{lines:?}");
    ctl(&daemon, &["status", "up"]).expect(0);
    says(&daemon, &["status", "nosuch"], 4, "nosuch: ERROR (no such process)\n");
    daemon.finish();
}

#[test]
fn start_stop_restart_signal_pid() {
    let daemon = running();
    says(&daemon, &["start", "down"], 0, "down: started\n");
    says(&daemon, &["start", "down"], 0, "down: ERROR (already started)\n");
    says(&daemon, &["stop", "down"], 0, "down: stopped\n");
    says(&daemon, &["stop", "down"], 0, "down: ERROR (not running)\n");
    says(&daemon, &["restart", "up"], 0, "up: stopped\nup: started\n");
    says(&daemon, &["start", "nosuch"], 1, "nosuch: ERROR (no such process)\n");
    says(&daemon, &["signal", "CONT", "up"], 0, "up: signalled\n");
    says(&daemon, &["signal", "NOPE", "up"], 1, "up: ERROR (bad signal name)\n");
    says(&daemon, &["pid"], 0, &format!("{}\n", daemon.pid()));
    says(&daemon, &["pid", "down"], 7, "0\n");
    let done = ctl(&daemon, &["stop", "w:*"]);
    assert_eq!((done.code(), done.stdout.matches(": stopped\n").count()), (0, 2), "{}", done.stdout);
    daemon.finish();
}

#[test]
fn start_of_a_program_that_cannot_start_says_so() {
    let daemon = ini("[program:a]\ncommand=/no/such\nautostart=false\nstartretries=0\n[program:b]\ncommand=@puppet@ exit 1\nautostart=false\nstartretries=0\nstartsecs=5\n").start();
    daemon.wait_state("a", "STOPPED");
    says(&daemon, &["start", "a"], 1, "a: ERROR (no such file)\n");
    says(&daemon, &["start", "b"], 7, "b: ERROR (spawn error)\n");
    daemon.finish();
}

#[test]
fn shutdown_ends_the_daemon() {
    let daemon = running();
    says(&daemon, &["shutdown"], 0, "Shut down\n");
    daemon.ended(0);
}

#[test]
fn without_a_daemon_it_says_where_it_looked() {
    let daemon = running();
    let url = format!("unix://{}", daemon.socket());
    daemon.finish();
    let done = mainstay(&["ctl", "-s", &url, "status"]);
    assert_eq!(done.code(), 4);
    assert!((done.stdout + &done.stderr).contains(&url));
    assert_eq!(mainstay(&["ctl", "-s", &url, "start", "x"]).code(), 7);
}

#[test]
fn the_socket_is_private_and_gone_at_the_end() {
    use std::os::unix::fs::PermissionsExt;
    let daemon = running();
    let mode = std::fs::metadata(daemon.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    daemon.finish();
}

#[test]
fn ctl_finds_the_private_socket_by_itself() {
    if needs_root() {
        return;
    }
    // In a mount namespace of its own, so that this machine's /run stays as it is.
    let script = "mount -t tmpfs none /run && \"$0\" run -c \"$1\" & \
        i=0; while ! \"$0\" ctl status >/dev/null 2>&1 && [ $i -lt 100 ]; do i=$((i+1)); \"$2\" after 50; done; \
        \"$0\" ctl status; \"$0\" health ready && echo healthy; \"$0\" ctl shutdown; wait";
    let setup = Setup::new(&[
        "sh",
        "-c",
        "mount -t tmpfs none /run; mount -t tmpfs none /var/run; exec sh -c \"$0\" \"$@\"",
        &script.replace("mount -t tmpfs none /run && ", ""),
        "@mainstay@",
        "@dir@/m.toml",
        "@puppet@",
    ])
    .file("m.toml", "[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n")
    .namespaces(&["--mount-proc"]);
    let daemon = setup.start();
    let said = daemon.ended(0);
    assert!(
        said.contains("web  ")
            && said.contains("RUNNING")
            && said.contains("Shut down")
            && said.contains("healthy"),
        "{said}"
    );
}

#[test]
fn a_stop_that_takes_long_does_not_block_others() {
    let daemon = ini("[program:slow]\ncommand=@puppet@ ignore TERM touch @dir@/up hold\nstartsecs=0\nstopwaitsecs=3\n[program:up]\ncommand=@puppet@ hold\nstartsecs=0\n").start();
    wait_until("it ignores", || daemon.dir().path().join("up").exists());
    std::thread::scope(|scope| {
        let stop = scope.spawn(|| ctl(&daemon, &["stop", "slow"]));
        wait_until("it is being stopped", || daemon.info("slow", "statename").as_deref() == Some("STOPPING"));
        let done = ctl(&daemon, &["status", "up"]);
        assert!(done.took.as_millis() < 1500, "{:?}", done.took);
        assert_eq!(stop.join().expect("no panic").stdout, "slow: stopped\n");
    });
    daemon.finish();
}

#[test]
fn a_password_is_asked_for() {
    let daemon = toml("[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n")
        .file("mainstay.toml", "[control]\nunix = \"@sock@\"\nusername = \"u\"\npassword = \"secret\"\n[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n")
        .start();
    daemon.wait_said("success: web");
    wait_until("it refuses", || {
        harness::http::request(
            &daemon.socket(),
            "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        )
        .is_ok_and(|a| a.status == 401)
    });
    let url = format!("unix://{}", daemon.socket());
    assert_ne!(mainstay(&["ctl", "-s", &url, "status"]).code(), 0);
    mainstay(&["ctl", "-s", &url, "-u", "u", "-p", "secret", "status"]).expect(0);
    for (given, advice) in [
        (&[][..], "hint: give a name and a password: "),
        (&["-u", "u"], "hint: give a name and a password: "),
        (&["-u", "u", "-p", "wrong"], "hint: the name or the password is wrong: "),
    ] {
        let done = mainstay(&[&["ctl", "-s", &url], given, &["status"]].concat());
        assert_eq!((done.code(), done.stdout.as_str()), (1, "Server requires authentication\n"), "{given:?}");
        assert!(done.stderr.starts_with(advice), "{given:?}: {}", done.stderr);
    }
    daemon.finish();
}

#[test]
fn a_socket_that_may_not_be_opened_is_told_from_none() {
    if needs_root() {
        return;
    }
    let dir = harness::TempDir::new();
    let path = dir.path().join("s");
    let _listener = std::os::unix::net::UnixListener::bind(&path).expect("ours");
    // In a mount namespace of its own; root without this capability is as any other user. 65534 stands for a daemon that
    // runs as somebody else.
    for (change, why) in [
        ("chmod 0", "cannot connect to /run/mainstay.sock: Permission denied"),
        ("chown 65534", "cannot connect to /run/mainstay.sock: Permission denied"),
        ("chmod 777", "cannot trust /run/mainstay.sock: user 65534 owns it, who is neither you nor root"),
    ] {
        let script = "mount -t tmpfs none /run && : > /run/mainstay.sock && mount --bind \"$1\" /run/mainstay.sock && \
            $2 /run/mainstay.sock && shift 2 && cd / && exec setpriv --bounding-set=-dac_override \"$@\"";
        let path = path.display().to_string();
        let ask = |words: &[&str]| {
            let mainstay = harness::mainstay();
            let begin = ["unshare", "--mount", "sh", "-c", script, "sh", &path, change, &mainstay, "ctl"];
            harness::Cmd::new(&[&begin, words].concat()).run()
        };
        for (words, code) in [(&["status"][..], 4), (&["start", "x"], 7)] {
            let done = ask(words);
            assert_eq!(
                (done.code(), done.stdout.as_str()),
                (code, format!("error: {why}\n").as_str()),
                "{change}"
            );
            assert!(
                done.stderr.starts_with("hint: run this as the owner of that socket, "),
                "{}",
                done.stderr
            );
        }
        if !change.ends_with("777") {
            let named = ask(&["-s", "unix:///run/mainstay.sock", "status"]);
            assert!(named.stdout.contains("Permission denied"), "{}", named.stdout);
            assert!(named.stderr.starts_with("hint: run this as the owner"), "{}", named.stderr);
        }
    }
}

#[test]
fn an_answer_that_is_lost_leaves_the_outcome_open() {
    let daemon = ini(
        "[program:slow]\ncommand=@puppet@ ignore TERM touch @dir@/up hold\nstartsecs=0\nstopwaitsecs=600\n",
    )
    .start();
    wait_until("it ignores", || daemon.dir().path().join("up").exists());
    let slow: i32 = daemon.info("slow", "pid").and_then(|p| p.parse().ok()).expect("a pid");
    std::thread::scope(|scope| {
        let stop = scope.spawn(|| ctl(&daemon, &["stop", "slow"]));
        wait_until("it is being stopped", || daemon.info("slow", "statename").as_deref() == Some("STOPPING"));
        let gateway =
            harness::proc::children(daemon.pid()).into_iter().find(|c| c.pid != slow).expect("it is there");
        harness::kill(gateway.pid, 9).expect("it is there");
        let done = stop.join().expect("no panic");
        assert_eq!(done.code(), 1);
        assert!(done.stdout.starts_with("error: "), "{}", done.stdout);
        assert_eq!(done.stderr, "hint: the outcome is not known; `status` or `plan` tells\n");
    });
    harness::kill(slow, 9).expect("it is there");
    daemon.wait_state("slow", "STOPPED");
    daemon.finish();
}

#[test]
fn help_needs_no_server() {
    for (words, begins) in [
        (&["help"][..], "\ndefault commands (type help <topic>):\n"),
        (&["help", "top"], "top\t"),
        (&["top", "--help"], "top\t"),
        (&["events", "-h"], "events\t"),
        (&["tail", "-f", "web", "--help", "--json"], ""),
    ] {
        let done = mainstay(&[&["ctl", "-s", "unix:///nonexistent/x.sock"], words].concat());
        assert_eq!(done.code(), 0, "{words:?}: {}{}", done.stdout, done.stderr);
        assert!(done.stdout.starts_with(begins), "{words:?}: {}", done.stdout);
        assert!(!done.stderr.contains("nonexistent"), "{words:?}: {}", done.stderr);
    }
    let done = mainstay(&["ctl", "--help"]);
    done.expect(0);
    // Wherever its lines end.
    let words: Vec<&str> = done.stdout.split_whitespace().collect();
    let end = "events, exit, explain, fg,";
    assert!(words.join(" ").contains(end), "{}", done.stdout);
    let end = "stop, tail, top, update, version `mainstay ctl help ACTION` explains one.";
    assert!(words.join(" ").ends_with(end), "{}", done.stdout);
}
