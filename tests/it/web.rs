//! The web page on the wire: which listeners have it, how it guards itself, and its bounds.

use crate::support::ini_header;
use harness::http::{self, Answer};
use harness::{Daemon, Setup};

/// `a` runs and has written; the page is on `@port@`, or on the socket.
fn up(header: &str) -> Daemon {
    let setup = Setup::ini(&format!(
        "{header}[program:a]\ncommand=@puppet@ chunk @dir@/long hold\nstartsecs=0\nstdout_logfile=@dir@/a.log\n\
         [program:b]\ncommand=@puppet@ hold\nstartsecs=0\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n"
    ));
    let mut long = vec![b'x'; 2 << 20];
    long.extend_from_slice(b"caf\xe9 \x1b[31mred\x1b[0m");
    std::fs::write(setup.dir().path().join("long"), long).expect("the directory is ours");
    let daemon = setup.start();
    daemon.wait_state("a", "RUNNING");
    daemon.wait_state("b", "RUNNING");
    harness::wait_until("it has written", || {
        std::fs::metadata(daemon.dir().path().join("a.log")).is_ok_and(|m| m.len() > 2 << 20)
    });
    daemon
}

fn inet() -> String {
    ini_header().replace("[mainstay]\nhttp_listen=", "[inet_http_server]\nport=")
}

#[track_caller]
fn ask(daemon: &Daemon, method: &str, path: &str, headers: &str) -> Answer {
    let raw = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}Content-Length: 0\r\n\r\n",
        daemon.address()
    );
    http::request(&daemon.address(), &raw).expect("an answer")
}

#[test]
fn only_control_listeners_have_the_page() {
    let daemon = up(ini_header());
    for path in ["/index.html", "/tail.html?processname=a", "/stylesheets/supervisor.css", "/ok.html"] {
        assert_eq!(daemon.get(path).expect("it answers").status, 404, "{path}");
        assert_eq!(http::get(&daemon.socket(), path).expect("it answers").status, 200, "{path}");
    }
    let index = daemon.get("/?action=stopall").expect("it answers");
    assert!(index.status == 200 && !index.body.contains("<html"), "{index:?}");
    assert_eq!(daemon.info("a", "statename").as_deref(), Some("RUNNING"));
    daemon.finish();
}

#[test]
fn pages_are_safe_on_the_wire() {
    let daemon = up(&inet());
    for (method, path) in [("GET", "/"), ("POST", "/"), ("GET", "/tail.html"), ("GET", "/?action=nosuch")] {
        let answer = ask(&daemon, method, path, "");
        for (name, want) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(want), "{method} {path} {name}");
        }
        let policy = answer.header("content-security-policy").unwrap_or_default();
        for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.split("; ").any(|p| p == part), "{method} {path}: {policy}");
        }
    }
    let head = ask(&daemon, "HEAD", "/?action=stop&processname=a", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(daemon.info("a", "statename").as_deref(), Some("RUNNING"));
    daemon.finish();
}

#[test]
fn a_browser_that_does_not_say_where_a_link_comes_from_asks_first() {
    let daemon = up(&inet());
    let browser = "User-Agent: Mozilla/5.0 Firefox/140.0\r\n";
    let stop = "/?action=stop&processname=a%22%3E%3Cb%3E";
    let question = ask(&daemon, "GET", stop, browser);
    assert_eq!(question.status, 200);
    assert!(question.body.contains("name=\"processname\" value=\"a&#34;&#62;&#60;b&#62;\""), "{question:?}");
    assert_eq!(ask(&daemon, "GET", "/?action=stopall", browser).status, 200);
    assert_eq!(daemon.info("a", "statename").as_deref(), Some("RUNNING"));
    let own = format!("{browser}Origin: http://{}\r\n", daemon.address());
    assert_eq!(ask(&daemon, "POST", "/?action=stop&processname=a", &own).status, 303);
    assert_eq!(daemon.info("a", "statename").as_deref(), Some("STOPPED"));
    // A proxy that changes the host says which it was.
    let proxy = format!("{browser}Origin: http://box\r\nX-Forwarded-Host: box\r\n");
    assert_eq!(ask(&daemon, "POST", "/?action=start&processname=a", &proxy).status, 303);
    daemon.finish();
}

#[test]
fn a_tail_has_a_bound() {
    let daemon = up(&inet());
    for limit in ["1048576", "1048577", "99999999999999999999999"] {
        let page = ask(&daemon, "GET", &format!("/tail.html?processname=a&limit={limit}"), "");
        let text = page.body.split_once("<pre").expect("a box").1;
        assert!((1 << 20..(1 << 20) + 4096).contains(&text.len()), "{limit}: {}", text.len());
    }
    daemon.finish();
}

#[test]
fn what_is_no_utf_8_is_shown_all_the_same() {
    let daemon = up(&inet());
    let page = ask(&daemon, "GET", "/tail.html?processname=a", "");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("xcaf\u{fffd} "), "{}", page.body);
    daemon.finish();
}

#[test]
fn a_log_that_is_a_stream_says_where_to_read_it() {
    let daemon = up(&inet());
    let page = ask(&daemon, "GET", "/tail.html?processname=b", "").body;
    assert!(page.contains("ERROR: unexpected rpc fault [30] FAILED: this log is no file"), "{page}");
    assert!(page.contains("docker logs"), "{page}");
    daemon.finish();
}
