//! What reaches the syslog daemon, over a `/dev/log` of the test's own.

use crate::support::{Sup, header, masked, ours, setup, skipped, strip_time};
use harness::{Setup, wait_until};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// A `/dev` of its own in a mount namespace of its own; its `log` is `@dir@/log`.
const OWN_DEV: &str = "mkdir \"$0/dev\" && mount -t tmpfs none \"$0/dev\" && \
    cp -a /dev/null /dev/zero /dev/random /dev/urandom \"$0/dev/\" && ln -s /proc/self/fd \"$0/dev/fd\" && \
    ln -s \"$0/log\" \"$0/dev/log\" && mount --bind \"$0/dev\" /dev && exec \"$@\"";

fn with_own_dev(config: &str) -> Setup {
    let words = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", OWN_DEV, "@dir@"];
    setup(config).launcher(&words)
}

fn listen(setup: &Setup) -> UnixDatagram {
    let socket = UnixDatagram::bind(setup.dir().path().join("log")).expect("the directory is ours");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out is legal");
    socket
}

/// The next message without its time, as text; `<14>TIME ident: text`.
#[track_caller]
fn next(socket: &UnixDatagram) -> String {
    let mut room = vec![0; 300_000];
    let n = loop {
        match socket.recv(&mut room) {
            // A wait with a limit is not taken up again by the kernel.
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            other => break other.expect("a message within 10 s"),
        }
    };
    let text = String::from_utf8_lossy(&room[..n]).into_owned();
    let (head, rest) = text.split_at(20);
    let shape = "<14>aaa dd dd:dd:dd ";
    let fits = head.bytes().zip(shape.bytes()).all(|(c, s)| match s {
        b'd' => c.is_ascii_digit() || c == b' ',
        b'a' => c.is_ascii_alphabetic(),
        _ => c == s,
    });
    assert!(fits, "{text}");
    rest.to_string()
}

#[track_caller]
fn next_n(socket: &UnixDatagram, n: usize) -> Vec<String> {
    (0..n).map(|_| next(socket)).collect()
}

/// `x` writes the pieces, each in a read of its own; the first `n` messages.
#[track_caller]
fn messages(supervisord: &str, settings: &str, pieces: &[&[u8]], n: usize) -> (Sup, Vec<String>) {
    let verbs: String = (0..pieces.len()).map(|n| format!(" chunk @dir@/piece{n}")).collect();
    let setup = with_own_dev(&format!(
        "{}[program:x]\ncommand=@puppet@{verbs} exit 0\nstartsecs=0\nautorestart=false\n{settings}\n",
        header(supervisord)
    ));
    for (n, piece) in pieces.iter().enumerate() {
        std::fs::write(setup.dir().path().join(format!("piece{n}")), piece).expect("the test owns it");
    }
    let socket = listen(&setup);
    let sup = Sup::new(setup);
    let seen = next_n(&socket, n);
    sup.wait_log("exited: x");
    socket.set_nonblocking(true).expect("the test owns it");
    assert!(socket.recv(&mut [0]).is_err(), "more than {seen:?}");
    (sup, seen)
}

#[test]
fn each_line_is_a_message_behind_the_name_of_the_process() {
    if skipped() {
        return;
    }
    let settings = "stdout_syslog=true\nstdout_logfile=@dir@/x.out";
    let (sup, seen) = messages("", settings, &[b"one\n\n  two\n"], 3);
    assert_eq!(seen, ["supervisord: x one", "supervisord: x ", "supervisord: x   two"]);
    assert_eq!(sup.file("x.out"), "one\n\n  two\n", "in addition to the file");
    sup.finish();
}

#[test]
fn an_unfinished_line_waits_for_its_end() {
    if skipped() {
        return;
    }
    let pieces: [&[u8]; 3] = [b"one\ntw", b"o\n", b"tail"];
    let want: &[&str] =
        if ours() { &["x one", "x two", "x tail"] } else { &["x one", "x tw", "x o", "x tail"] };
    let (sup, seen) = messages("", "stdout_syslog=true\nstdout_logfile=NONE", &pieces, want.len());
    let want: Vec<String> = want.iter().map(|w| format!("supervisord: {w}")).collect();
    assert_eq!(seen, want);
    sup.finish();
}

#[test]
fn bytes_that_are_no_text_arrive() {
    if skipped() {
        return;
    }
    // Theirs loses the piece, with a traceback on its stderr.
    let pieces: [&[u8]; 2] = [b"\xff\xfe bytes\n", b"text\n"];
    let want: &[&str] = if ours() { &["x \u{fffd}\u{fffd} bytes", "x text"] } else { &["x text"] };
    let (sup, seen) = messages("", "stdout_syslog=true\nstdout_logfile=@dir@/x.out", &pieces, want.len());
    let want: Vec<String> = want.iter().map(|w| format!("supervisord: {w}")).collect();
    assert_eq!(seen, want);
    assert_eq!(sup.bytes("x.out"), pieces.concat());
    assert_eq!(sup.0.stderr().contains("UnicodeDecodeError"), !ours());
    sup.finish();
}

#[test]
fn escapes_are_stripped_before() {
    if skipped() {
        return;
    }
    let settings = "stdout_syslog=true\nstdout_logfile=NONE";
    let (sup, seen) = messages("strip_ansi=true\n", settings, &[b"\x1b[31mred\x1b[0m\n"], 1);
    assert_eq!(seen, ["supervisord: x red"]);
    sup.finish();
}

#[test]
fn logfile_syslog_is_the_old_spelling() {
    if skipped() {
        return;
    }
    let (sup, seen) = messages("", "stdout_logfile=syslog", &[b"one\n"], 1);
    assert_eq!(seen, ["supervisord: x one"]);
    sup.wait_log(
        "WARN For [program:x], stdout_logfile=syslog but this is deprecated and will be removed.  Use \
         stdout_syslog=true to enable syslog instead.\n",
    );
    sup.finish();
}

#[test]
fn stderr_goes_there_by_its_own_setting() {
    if skipped() {
        return;
    }
    let setup = with_own_dev(
        &(header("")
            + "[program:x]\ncommand=@puppet@ say out say-err err exit 0\nstartsecs=0\nautorestart=false\n\
               stdout_logfile=@dir@/x.out\nstderr_logfile=@dir@/x.err\nstderr_syslog=true\n"),
    );
    let socket = listen(&setup);
    let sup = Sup::new(setup);
    assert_eq!(next(&socket), "supervisord: x err");
    sup.wait_log("exited: x");
    assert_eq!((sup.file("x.out").as_str(), sup.file("x.err").as_str()), ("out\n", "err\n"));
    sup.finish();
}

#[test]
fn the_daemons_own_log_may_go_there() {
    if skipped() {
        return;
    }
    let programs = "[program:x]\ncommand=@puppet@ say hello exit 0\nstartsecs=0\nautorestart=false\n";
    let setup = with_own_dev(
        &(header("logfile=syslog\nloglevel=debug\n").replace("logfile=@dir@/main.log\n", "") + programs),
    );
    let socket = listen(&setup);
    let sup = Sup::new(setup);
    let mut seen = Vec::new();
    while !seen.iter().any(|l: &String| l.contains("exited: x")) {
        let message = next(&socket);
        let line = message.strip_prefix("supervisord: ").expect("the ident");
        let line = line.strip_suffix('\n').expect("theirs ends with the line's end, ours too");
        seen.push(masked(&strip_time(line).expect("a line of the log")));
    }
    for want in [
        "INFO supervisord started with pid PID",
        "INFO spawned: 'x' with pid PID",
        // A message of two lines is two messages, each with its time and level.
        "DEBG 'x' stdout output:",
        "DEBG hello",
        "INFO exited: x (exit status 0; expected)",
    ] {
        assert!(seen.iter().any(|l| l == want), "no `{want}` in {seen:#?}");
    }
    assert!(!sup.0.dir().path().join("main.log").exists());
    sup.finish();
}

const WAITING: &str = "[program:x]\ncommand=@puppet@ say one wait-file @dir@/go say two wait-file @dir@/go2 say three hold\n\
     startsecs=0\nstdout_syslog=true\nstdout_logfile=@dir@/x.out\n";

#[test]
fn a_daemon_that_is_started_again_gets_what_follows() {
    if skipped() {
        return;
    }
    let setup = with_own_dev(&(header("") + WAITING));
    let socket = listen(&setup);
    let path = setup.dir().path().join("log");
    let sup = Sup::new(setup);
    assert_eq!(next(&socket), "supervisord: x one");
    drop(socket);
    std::fs::remove_file(&path).unwrap();
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    sup.0.dir().write("go", "");
    assert_eq!(next(&socket), "supervisord: x two");
    sup.finish();
}

#[test]
fn without_a_daemon_everything_else_goes_on() {
    if skipped() {
        return;
    }
    let sup = Sup::new(with_own_dev(&(header("") + WAITING)));
    sup.wait_file("x.out", "one\n");
    sup.0.dir().write("go", "");
    sup.wait_file("x.out", "one\ntwo\n");
    let socket = UnixDatagram::bind(sup.0.dir().path().join("log")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    sup.0.dir().write("go2", "");
    assert_eq!(next(&socket), "supervisord: x three");
    // Theirs loses messages in silence.
    let said = sup.log().matches("ERRO cannot write to syslog").count();
    assert_eq!(said, usize::from(ours()), "{}", sup.log());
    sup.finish();
}

#[test]
fn a_daemon_that_does_not_read_stops_only_who_writes_there() {
    // Theirs stands still as a whole: syslog(3) waits.
    if skipped() || !ours() {
        return;
    }
    let setup = with_own_dev(
        &(header("")
            + "[program:loud]\ncommand=@puppet@ spew 640000 say end hold\nstartsecs=0\nstdout_syslog=true\nstdout_logfile=@dir@/loud.out\n\
               [program:quiet]\ncommand=@puppet@ stamp @dir@/st after 50 exit 0\nstartsecs=0\nautorestart=true\n"),
    );
    let socket = listen(&setup);
    let sup = Sup::new(setup);
    wait_until("the quiet one is started again and again", || sup.stamps("st").len() >= 5);
    assert_eq!(sup.0.info("loud", "statename").as_deref(), Some("RUNNING"));
    let pattern = String::from_utf8(harness::pattern::bytes(640_000)).unwrap();
    for line in pattern.lines() {
        assert_eq!(next(&socket), format!("supervisord: loud {line}"));
    }
    assert_eq!(next(&socket), "supervisord: loud end");
    sup.finish();
}

#[test]
fn usr2_leaves_syslog_alone() {
    if skipped() {
        return;
    }
    let setup = with_own_dev(&(header("") + WAITING));
    let socket = listen(&setup);
    let sup = Sup::new(setup);
    assert_eq!(next(&socket), "supervisord: x one");
    sup.0.signal(12);
    sup.wait_log("supervisord logreopen");
    sup.0.dir().write("go", "");
    assert_eq!(next(&socket), "supervisord: x two");
    sup.finish();
}

#[test]
fn a_line_that_does_not_end_arrives_all_the_same() {
    if skipped() {
        return;
    }
    let program = "[program:x]\ncommand=@puppet@ print prompt> hold\nstartsecs=0\nstdout_syslog=true\nstdout_logfile=NONE\n";
    let setup = with_own_dev(&(header("") + program));
    let socket = listen(&setup);
    let sup = Sup::new(setup);
    assert_eq!(next(&socket), "supervisord: x prompt>");
    sup.finish();
}

#[test]
fn a_daemon_that_dies_without_having_read_keeps_nobody_waiting() {
    if skipped() || !ours() {
        return;
    }
    let setup = with_own_dev(
        &(header("")
            + "[program:loud]\ncommand=@puppet@ touch @dir@/up spew 640000 touch @dir@/through hold\nstartsecs=0\nstdout_syslog=true\n\
               stdout_logfile=@dir@/loud.out\nstdout_logfile_maxbytes=0\n"),
    );
    let socket = listen(&setup);
    let path = setup.dir().path().join("log");
    let sup = Sup::new(setup);
    let there = |name: &str| sup.0.dir().path().join(name).exists();
    wait_until("it has begun", || there("up") && !sup.bytes("loud.out").is_empty());
    assert!(!there("through"), "it waits");
    drop(socket);
    std::fs::remove_file(&path).unwrap();
    wait_until("it is through", || there("through"));
    wait_until("its file is whole", || sup.bytes("loud.out") == harness::pattern::bytes(640_000));
    sup.wait_log("ERRO cannot write to syslog");
    sup.finish();
}

#[test]
fn a_daemon_that_does_not_read_does_not_keep_ours_from_ending() {
    if skipped() || !ours() {
        return;
    }
    let setup = with_own_dev(
        &(header("")
            + "[program:loud]\ncommand=@puppet@ spew 6400000 hold\nstartsecs=0\nstdout_syslog=true\nstdout_logfile=@dir@/loud.out\n"),
    );
    let _socket = listen(&setup);
    let sup = Sup::new(setup);
    wait_until("it has begun", || !sup.bytes("loud.out").is_empty());
    let said = sup.0.finish();
    assert!(said.contains("ERRO stdout, stderr or syslog did not take the last output in time"), "{said}");
}
