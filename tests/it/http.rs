//! Metrics and health, by HTTP and by `mainstay health`.

use crate::support::{ctl, mainstay, metric, toml};
use harness::{Daemon, http, wait_for, wait_until};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

const TWO: &str = "[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n\
    [program.flaky]\ncommand = [\"@puppet@\", \"wait-file\", \"@dir@/go\", \"exit\", \"3\"]\nstartsecs = 0\nautorestart = false\n";

fn up() -> Daemon {
    let daemon = toml(TWO).start();
    daemon.wait_state("web", "RUNNING");
    daemon.wait_state("flaky", "RUNNING");
    daemon
}

fn status(daemon: &Daemon, path: &str) -> u16 {
    daemon.get(path).map_or(0, |a| a.status)
}

#[test]
fn all_is_well_is_200_everywhere() {
    let daemon = up();
    for path in ["/livez", "/readyz", "/startupz", "/healthz"] {
        let answer = daemon.get(path).expect("it answers");
        assert_eq!((answer.status, answer.body.trim()), (200, "ok"), "{path}");
        let verbose = daemon.get(&format!("{path}?verbose")).expect("it answers");
        assert_eq!(verbose.status, 200);
        let name = path.trim_start_matches('/');
        assert!(
            verbose.body.trim_end().ends_with(&format!("{name} check passed")),
            "{path}: {}",
            verbose.body
        );
    }
    let verbose = daemon.get("/readyz?verbose").expect("it answers").body;
    assert!(verbose.contains("[+]web ok\n") && verbose.contains("[+]flaky ok\n"), "{verbose}");
    daemon.finish();
}

#[test]
fn a_failed_program_is_not_ready_but_live_and_startup_stays_latched() {
    let daemon = up();
    wait_until("startup has passed once", || status(&daemon, "/startupz") == 200);
    daemon.dir().write("go", "");
    wait_until("it is not ready", || status(&daemon, "/readyz") == 503);
    assert_eq!((status(&daemon, "/livez"), status(&daemon, "/startupz")), (200, 200));
    let verbose = daemon.get("/readyz?verbose").expect("it answers").body;
    assert!(verbose.contains("[-]flaky failed: reason withheld\n"), "{verbose}");
    assert!(verbose.trim_end().ends_with("readyz check failed"), "{verbose}");
    daemon.finish();
}

#[test]
fn during_a_shutdown_it_is_live_and_not_ready() {
    let daemon = toml("[program.slow]\ncommand = [\"@puppet@\", \"ignore\", \"TERM\", \"say\", \"up\", \"hold\"]\nstartsecs = 0\nstopwaitsecs = 3\n").start();
    daemon.wait_said("up");
    wait_until("it is ready", || status(&daemon, "/readyz") == 200);
    daemon.signal(15);
    wait_until("it is not ready", || status(&daemon, "/readyz") == 503);
    assert_eq!(status(&daemon, "/livez"), 200);
    daemon.ended(0);
}

#[test]
fn only_reading_is_allowed_and_nothing_else_is_there() {
    let daemon = up();
    let ask = |method: &str, path: &str| {
        let raw =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        http::request(&daemon.address(), &raw).map_or(0, |a| a.status)
    };
    assert_eq!((ask("POST", "/metrics"), ask("DELETE", "/readyz")), (405, 405));
    assert_eq!((ask("GET", "/nothing"), ask("GET", "/RPC2"), ask("GET", "/../etc/passwd")), (404, 404, 404));
    assert_ne!(ask("POST", "/RPC2"), 200, "the read-only port has no control");
    assert_eq!(ask("HEAD", "/livez"), 200);
    daemon.finish();
}

#[test]
fn metrics_have_every_promised_family_and_no_pid() {
    let daemon = up();
    let answer = daemon.get("/metrics").expect("it answers");
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("content-type").is_some_and(|t| t.starts_with("text/plain; version=0.0.4")),
        "{answer:?}"
    );
    let page = answer.body;
    let web = [("program", "web"), ("group", "web")];
    let value = |name: &str, more: &[(&str, &str)]| metric(&page, name, &[&web[..], more].concat());
    assert_eq!(value("mainstay_program_up", &[]), Some(1.0));
    assert_eq!(value("mainstay_program_ready", &[]), Some(1.0));
    assert_eq!(value("mainstay_program_state", &[("state", "running")]), Some(1.0));
    for state in ["stopped", "starting", "backoff", "stopping", "exited", "fatal", "unknown"] {
        assert_eq!(value("mainstay_program_state", &[("state", state)]), Some(0.0), "{state}");
    }
    assert!(value("mainstay_program_start_time_seconds", &[]).is_some_and(|t| t > 1.6e9));
    assert_eq!(value("mainstay_program_starts_total", &[]), Some(1.0));
    assert_eq!(value("mainstay_program_restarts_total", &[]), Some(0.0));
    for reason in ["expected", "unexpected", "signal", "stopped"] {
        assert_eq!(value("mainstay_program_exits_total", &[("reason", reason)]), Some(0.0), "{reason}");
    }
    assert_eq!(value("mainstay_program_spawn_failures_total", &[]), Some(0.0));
    assert!(metric(&page, "mainstay_orphans_reaped_total", &[]).is_some());
    assert_eq!(metric(&page, "mainstay_build_info", &[]), Some(1.0));
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
    ] {
        assert!(metric(&page, name, &[]).is_some_and(|v| v >= 0.0), "{name}");
    }
    assert!(!page.contains("pid="), "no label is a pid");
    families_are_well_formed(&page);
    daemon.finish();
}

/// Each family has one HELP and one TYPE, in front of its samples, and all its samples stand together.
fn families_are_well_formed(page: &str) {
    let mut seen = Vec::new();
    let mut current = String::new();
    for line in page.lines().filter(|l| !l.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            current = rest.split(' ').next().unwrap_or_default().to_string();
            assert!(!seen.contains(&current), "{current} is announced twice");
            seen.push(current.clone());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert_eq!(rest.split(' ').next(), Some(current.as_str()));
            if rest.ends_with(" counter") {
                assert!(current.ends_with("_total"), "{current}");
            }
        } else {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            assert_eq!(name, current, "a sample outside its family");
        }
    }
}

#[test]
fn exits_and_restarts_are_counted_by_reason() {
    let daemon = toml(
        "[program.crash]\ncommand = [\"@puppet@\", \"exit-from\", \"@dir@/code\"]\nstartsecs = 0\nautorestart = false\nautostart = false\n\
         [program.killed]\ncommand = [\"@puppet@\", \"crash\", \"SEGV\"]\nstartsecs = 0\nautorestart = false\n\
         [program.missing]\ncommand = \"/no/such\"\nstartretries = 0\n\
         [program.stopped]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n",
    )
    .file("code", "9")
    .start();
    daemon.wait_said("exited: killed");
    daemon.wait_said("gave up: missing");
    ctl(&daemon, &["start", "crash"]);
    daemon.wait_said("exited: crash (exit status 9");
    ctl(&daemon, &["stop", "stopped"]).expect(0);
    let page = daemon.get("/metrics").expect("it answers").body;
    let value = |name: &str, program: &str, more: &[(&str, &str)]| {
        metric(&page, name, &[&[("program", program)], more].concat())
    };
    assert_eq!(value("mainstay_program_exits_total", "crash", &[("reason", "unexpected")]), Some(1.0));
    assert_eq!(value("mainstay_program_last_exit_code", "crash", &[]), Some(9.0));
    assert_eq!(value("mainstay_program_exits_total", "killed", &[("reason", "signal")]), Some(1.0));
    assert_eq!(value("mainstay_program_last_exit_signal", "killed", &[]), Some(11.0));
    assert_eq!(value("mainstay_program_spawn_failures_total", "missing", &[]), Some(1.0));
    assert_eq!(value("mainstay_program_exits_total", "stopped", &[("reason", "stopped")]), Some(1.0));
    assert_eq!(value("mainstay_program_up", "stopped", &[]), Some(0.0));
    daemon.finish();
}

#[test]
fn mainstay_health_asks_the_same() {
    let daemon = up();
    let url = format!("http://{}", daemon.address());
    for what in ["live", "ready", "startup"] {
        mainstay(&["health", what, "--url", &url]).expect(0);
    }
    mainstay(&["health", "--url", &url]).expect(0);
    daemon.dir().write("go", "");
    wait_until("it is not ready", || status(&daemon, "/readyz") == 503);
    mainstay(&["health", "ready", "--url", &url]).expect(1);
    mainstay(&["health", "live", "--url", &url]).expect(0);
    daemon.finish();
    let done = mainstay(&["health", "live", "--url", &url]);
    assert_eq!(done.code(), 1, "nobody is there any more");
    assert!(!(done.stdout + &done.stderr).is_empty(), "and it is said");
}

#[test]
fn health_finds_the_address_in_the_environment() {
    let daemon = up();
    let done = harness::Cmd::new(&[harness::mainstay().as_str(), "health"])
        .env("MAINSTAY_HTTP__LISTEN", &daemon.address())
        .run();
    done.expect(0);
    daemon.finish();
}

#[test]
fn a_client_that_sends_nothing_blocks_nobody() {
    let daemon = up();
    let idle: Vec<_> = (0..50).filter_map(|_| std::net::TcpStream::connect(daemon.address()).ok()).collect();
    wait_until("others are answered", || status(&daemon, "/livez") == 200);
    assert_eq!(status(&daemon, "/metrics"), 200);
    drop(idle);
    daemon.wait_state("web", "RUNNING");
    daemon.finish();
}

#[test]
fn garbage_on_the_port_does_no_harm() {
    let daemon = up();
    let many = "X".repeat(1 << 20);
    for garbage in [
        "\0\u{1}\u{2}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        &format!("GET /{many} HTTP/1.1\r\n\r\n"),
        &format!("GET / HTTP/1.1\r\nA: {many}"),
    ] {
        if let Ok(mut stream) = std::net::TcpStream::connect(daemon.address()) {
            // The server may hang up in the middle.
            let _ = stream.write_all(garbage.as_bytes());
        }
    }
    wait_until("it answers", || status(&daemon, "/livez") == 200);
    daemon.wait_state("web", "RUNNING");
    daemon.finish();
}

#[test]
fn followers_of_logs_are_counted_and_make_room_when_they_go() {
    let daemon = harness::Setup::ini(
        "[unix_http_server]\nfile=@sock@\n[supervisord]\nnodaemon=true\nsilent=true\nlogfile=@dir@/main.log\n\
         pidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
         [program:a]\ncommand=@puppet@ say hello hold\nstartsecs=0\nstdout_logfile=@dir@/a.log\nstderr_logfile=NONE\n",
    )
    .start();
    wait_until("it has spoken", || daemon.dir().read("a.log") == "hello\n");
    let follow = || {
        let mut stream = std::os::unix::net::UnixStream::connect(daemon.socket()).expect("connect");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("a limit");
        stream.write_all(b"GET /logtail/a HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("an answer");
        (String::from_utf8_lossy(&head).into_owned(), stream)
    };
    let mut followers: Vec<_> = (0..16).map(|_| follow()).collect();
    assert!(followers.iter().all(|(head, _)| head == "HTTP/1.1 200"), "{followers:?}");
    assert_eq!(follow().0, "HTTP/1.1 503");
    // Everybody else is served meanwhile.
    assert_eq!(daemon.info("a", "statename").as_deref(), Some("RUNNING"));
    followers.pop();
    wait_until("there is room again", || follow().0 == "HTTP/1.1 200");
    drop(followers);
    daemon.finish();
}

/// A call on a connection of its own, of which nothing is read.
fn ask_and_do_not_listen(socket: &str, method: &str) -> UnixStream {
    let body = format!("<methodCall><methodName>{method}</methodName></methodCall>");
    let mut stream = UnixStream::connect(socket).expect("it listens");
    let head = format!("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).expect("it fits");
    stream
}

fn has_hung_up(stream: &UnixStream) -> bool {
    let mut fds = [PollFd::new(stream.as_fd(), PollFlags::empty())];
    let n = poll(&mut fds, PollTimeout::ZERO).expect("poll");
    n > 0 && fds[0].revents().is_some_and(|r| r.contains(PollFlags::POLLHUP))
}

#[test]
fn who_does_not_take_a_long_answer_is_cut_and_others_notice_nothing() {
    let daemon = toml(
        "[program.many]\ncommand = \"x\"\nnumprocs = 2000\nprocess_name = \"p%(process_num)d\"\nautostart = false\n\
         [program.one]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n",
    )
    .start();
    daemon.wait_state("one", "RUNNING");
    let (socket, whole) =
        (daemon.socket(), || http::rpc(&daemon.socket(), "supervisor.getAllProcessInfo", &[]));
    let len = whole().expect("an answer").len();
    assert!(len > 1 << 20, "{len} bytes are not much");
    let slow: Vec<_> =
        (0..3).map(|_| ask_and_do_not_listen(&socket, "supervisor.getAllProcessInfo")).collect();
    // BOUND: 10 s for a response; until then everybody else is served.
    let mut answered = 0;
    wait_for("they are cut", Duration::from_secs(30), || {
        assert_eq!(status(&daemon, "/livez"), 200);
        http::rpc(&socket, "supervisor.getState", &[]).expect("others are served");
        answered += 1;
        slow.iter().all(has_hung_up)
    });
    assert!(answered > 20, "{answered} answers");
    for mut stream in slow {
        let mut got = Vec::new();
        // What has come before the end is there.
        let _ = stream.read_to_end(&mut got);
        assert!(got.starts_with(b"HTTP/1.1 200 OK\r\n") && got.len() < len, "{} of {len}", got.len());
    }
    assert_eq!(whole().expect("an answer").len(), len);
    let page = daemon.get("/metrics").expect("it answers").body;
    assert_eq!(metric(&page, "mainstay_gateway_restarts_total", &[]), Some(0.0));
    daemon.finish();
}
