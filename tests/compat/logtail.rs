//! `/logtail/…` and `/mainlogtail`: what a client gets, byte for byte.

use crate::rpc_logs::answers;
use crate::support::{Sup, header, ours, setup, skipped, start};
use harness::http;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A client that follows a log.
struct Follower {
    stream: UnixStream,
    seen: Vec<u8>,
}

impl Follower {
    fn new(sup: &Sup, path: &str) -> Follower {
        let mut stream = UnixStream::connect(sup.0.socket()).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).expect("sent");
        Follower { stream, seen: Vec::new() }
    }

    /// Reads until the text, sizes of chunks left out, ends with `end`; gives the text.
    #[track_caller]
    fn until(&mut self, end: &str) -> String {
        let mut bytes = [0; 4096];
        loop {
            let text = self.text();
            if text.ends_with(end) {
                return text;
            }
            match self.stream.read(&mut bytes) {
                Ok(n) if n > 0 => self.seen.extend_from_slice(&bytes[..n]),
                // A child of another test ended; with a time-out the kernel does not go on by itself.
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => panic!("{other:?} instead of `{end}`, after {text:?}"),
            }
        }
    }

    /// Whether the server breaks off.
    fn breaks_off(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 4096]), Ok(0))
    }

    fn head(&self) -> String {
        let text = String::from_utf8_lossy(&self.seen).into_owned();
        text.split_once("\r\n\r\n").expect("a head").0.to_owned()
    }

    fn text(&self) -> String {
        let all = String::from_utf8_lossy(&self.seen);
        let Some((_, mut rest)) = all.split_once("\r\n\r\n") else { return String::new() };
        let mut text = String::new();
        while let Some((size, tail)) = rest.split_once("\r\n") {
            let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
            let Some(chunk) = tail.get(..size).filter(|_| tail.len() >= size + 2) else { break };
            text.push_str(chunk);
            rest = &tail[size + 2..];
        }
        text
    }
}

/// `a` writes `0123456789` at once, and `more` when the file `go` is there.
fn one() -> Sup {
    let sup = start(
        "[program:a]\ncommand=@puppet@ print 0123456789 say-err wxyz wait-file @dir@/go print more hold\nstartsecs=0\n\
         stdout_logfile=@dir@/a.log\nstderr_logfile=@dir@/a.err\n\
         [program:none]\ncommand=cat\nstartsecs=0\nstdout_logfile=NONE\n\
         [program:off]\ncommand=cat\nautostart=false\nstdout_logfile=@dir@/off.log\n",
    );
    sup.wait_file("a.log", "0123456789");
    sup.wait_file("a.err", "wxyz");
    sup
}

fn go(sup: &Sup) {
    std::fs::write(sup.0.dir().path().join("go"), "").expect("the directory is ours");
}

#[test]
fn a_log_comes_and_then_what_is_added() {
    if skipped() {
        return;
    }
    let sup = one();
    let mut stdout = Follower::new(&sup, "/logtail/a");
    stdout.until("0123456789");
    let mut stderr = Follower::new(&sup, "/logtail/a%3Aa/stderr");
    stderr.until("wxyz\n");
    go(&sup);
    assert_eq!(stdout.until("more"), "0123456789more");
    let head = stdout.head();
    for line in [
        "HTTP/1.1 200 OK",
        "Content-Type: text/plain;charset=utf-8",
        "X-Accel-Buffering: no",
        "Transfer-Encoding: chunked",
    ] {
        assert!(head.lines().any(|l| l == line), "no `{line}` in {head}");
    }
    let modified = head.lines().find_map(|l| l.strip_prefix("Last-Modified: ")).expect("a date");
    assert!(modified.len() == 29 && modified.ends_with(" GMT"), "{modified}");
    sup.finish();
}

#[test]
fn only_the_last_1024_bytes_come() {
    if skipped() {
        return;
    }
    let setup = setup(&format!(
        "{}[program:a]\ncommand=@puppet@ chunk @dir@/long hold\nstartsecs=0\nstdout_logfile=@dir@/a.log\n",
        header("")
    ));
    let long = format!("begin {} end", "x".repeat(3000));
    setup.dir().write("long", &long);
    let sup = Sup::new(setup);
    sup.wait_file("a.log", " end");
    assert_eq!(Follower::new(&sup, "/logtail/a").until(" end"), &long[long.len() - 1024..]);
    sup.finish();
}

#[test]
fn the_main_log_is_followed_too() {
    if skipped() {
        return;
    }
    let sup = one();
    sup.wait_log("success: a");
    sup.wait_log("success: none");
    let mut main = Follower::new(&sup, "/mainlogtail");
    let shown = main.until("\n");
    assert!(sup.log().contains(&shown), "{shown}");
    assert!(!main.head().contains("X-Accel-Buffering"), "{}", main.head());
    sup.ctl_says(&["stop", "a"], 0, "a: stopped\n");
    main.until("stopped: a (terminated by SIGTERM)\n");
    sup.finish();
}

#[test]
fn a_log_that_is_cleared_goes_on_in_the_new_file() {
    if skipped() {
        return;
    }
    let sup = one();
    let mut stdout = Follower::new(&sup, "/logtail/a");
    stdout.until("0123456789");
    answers(&sup, &[("s.clearProcessLogs('a')", "True")]);
    go(&sup);
    assert_eq!(stdout.until("more"), "0123456789more");
    sup.finish();
}

#[test]
fn a_log_that_is_rotated_goes_on_in_the_new_file() {
    if skipped() {
        return;
    }
    let sup = one();
    let mut stdout = Follower::new(&sup, "/logtail/a");
    stdout.until("0123456789");
    let dir = sup.0.dir().path();
    std::fs::rename(dir.join("a.log"), dir.join("a.log.1")).expect("it was there");
    std::fs::write(dir.join("a.log"), "new").expect("the directory is ours");
    assert_eq!(stdout.until("new"), "0123456789new");
    sup.finish();
}

#[test]
fn a_log_that_is_truncated_goes_on_from_its_beginning() {
    if skipped() {
        return;
    }
    let sup = one();
    let mut stdout = Follower::new(&sup, "/logtail/a");
    stdout.until("0123456789");
    std::fs::write(sup.0.dir().path().join("a.log"), "").expect("the directory is ours");
    // Trap 80 [F].
    if ours() {
        stdout.until("==> File truncated <==\n");
        go(&sup);
        stdout.until("==> File truncated <==\nmore");
    } else {
        assert!(stdout.breaks_off());
    }
    sup.0.finish();
}

#[test]
fn what_is_not_there_is_not_found() {
    if skipped() {
        return;
    }
    let sup = one();
    let socket = sup.0.socket();
    for path in [
        "/logtail/nosuch",
        "/logtail/a:nosuch",
        "/logtail/a:*",
        "/logtail/a/nosuch",
        "/logtail/a/stdout/more",
        "/logtail/none",
        "/logtail/off",
    ] {
        assert_eq!(http::get(&socket, path).expect("an answer").status, 404, "{path}");
    }
    for path in ["/logtail/", "/logtail//", "/logtail/a/", "/logtail/a:/stdout", "/logtailed/nosuch"] {
        assert_eq!(http::get(&socket, path).expect("an answer").status, 404, "{path}");
    }
    for path in ["/logtail", "/logtail?x=y", "/logtailed"] {
        // There it is an exception.
        let want = if ours() { 404 } else { 500 };
        assert_eq!(http::get(&socket, path).expect("an answer").status, want, "{path}");
    }
    for path in ["/logtail/a", "/mainlogtail"] {
        let raw = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(http::request(&socket, &raw).expect("an answer").status, 400, "{path}");
    }
    std::fs::remove_file(sup.0.dir().path().join("main.log")).expect("it was there");
    for path in ["/mainlogtail", "/mainlogtail/x", "/mainlogtail?x", "/mainlogtails"] {
        assert_eq!(http::get(&socket, path).expect("an answer").status, 404, "{path}");
    }
    sup.0.finish();
}

#[test]
fn a_password_is_asked_for_first() {
    if skipped() {
        return;
    }
    let text = header("").replace("file=@sock@", "file=@sock@\nusername=u\npassword=p");
    let sup = Sup::new(setup(&format!(
        "{text}[program:a]\ncommand=@puppet@ say hello hold\nstartsecs=0\nstdout_logfile=@dir@/a.log\n"
    )));
    sup.wait_file("a.log", "hello");
    for path in ["/logtail/a", "/logtail/nosuch", "/mainlogtail"] {
        let answer = http::get(&sup.0.socket(), path).expect("an answer");
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"default\""));
    }
    let mut follower = Follower::new(&sup, "/logtail/a HTTP/1.1\r\nAuthorization: Basic dTpw\r\nX: ");
    follower.until("hello\n");
    sup.finish();
}

#[test]
fn a_program_that_has_just_exited_is_shown_to_its_last_word() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:a]\ncommand=@puppet@ print first wait-file @dir@/go print last exit 0\nstartsecs=0\n\
         autorestart=false\nstdout_logfile=@dir@/a.log\n",
    );
    sup.wait_file("a.log", "first");
    let mut stdout = Follower::new(&sup, "/logtail/a");
    stdout.until("first");
    go(&sup);
    sup.wait_log("exited: a");
    assert_eq!(stdout.until("last"), "firstlast");
    sup.finish();
}
