//! A slow, closed or full sink: what waits, what is dropped and counted, and that nothing else stops.

use crate::support::{ini, metric, toml, wait_idle};
use harness::{Daemon, Setup, wait_for, wait_until};
use std::fs::File;
use std::io::Read;
use std::time::Duration;

/// Starts it with a fifo as its stdout, which is read here and by nobody else.
fn behind_fifo(setup: Setup) -> (Daemon, File) {
    let fifo = setup.dir().join("fifo");
    harness::Cmd::new(&["mkfifo", &fifo]).run().expect(0);
    let daemon = setup.launcher(&["sh", "-c", "exec \"$@\" >\"$0\" 3<\"$0\"", &fifo]);
    let keep = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).expect("fifo");
    nix::fcntl::fcntl(&keep, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK)).expect("ours");
    (daemon.start(), keep)
}

fn drain(fifo: &mut File, seen: &mut Vec<u8>) {
    let mut part = vec![0; 1 << 16];
    while let Ok(n) = fifo.read(&mut part) {
        seen.extend_from_slice(&part[..n]);
    }
}

fn counted(daemon: &Daemon, name: &str, program: &str) -> f64 {
    let page = daemon.get("/metrics").map(|a| a.body).unwrap_or_default();
    metric(&page, name, &[("program", program)]).unwrap_or(0.0)
}

const DROPPED: &str = "mainstay_program_log_lines_dropped_total";

#[test]
fn a_program_that_drops_never_waits_and_reading_resumes_with_a_marker() {
    let (daemon, mut fifo) = behind_fifo(ini(
        "[program:loud]\ncommand=@puppet@ spew 6400000 touch @dir@/done hold\nlog_overflow=drop\nlog_format=prefix\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
         [program:patient]\ncommand=@puppet@ say hello touch @dir@/said hold\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n",
    ));
    wait_until("it has written everything although nobody reads", || {
        daemon.dir().path().join("done").exists()
    });
    assert_eq!(daemon.get("/livez").map(|a| a.status), Some(200));
    wait_until("what is missing is counted", || counted(&daemon, DROPPED, "loud") > 0.0);
    assert_eq!(counted(&daemon, DROPPED, "patient"), 0.0);
    let mut seen = Vec::new();
    wait_until("the marker comes", || {
        drain(&mut fifo, &mut seen);
        String::from_utf8_lossy(&seen).contains("lines dropped\n")
    });
    let text = String::from_utf8(seen).expect("text");
    let marker = text.lines().find(|l| l.contains("lines dropped")).unwrap();
    assert_eq!(marker, format!("loud | … {} lines dropped", counted(&daemon, DROPPED, "loud")));
    assert!(text.lines().all(|l| l.starts_with("loud | ") || l == "hello"), "a line was torn");
    assert!(text.contains("hello\n"));
    daemon.finish();
}

#[test]
fn a_program_that_drops_does_not_starve_one_that_waits() {
    let (daemon, mut fifo) = behind_fifo(toml(
        "[program.loud]\ncommand = [\"sh\", \"-c\", \"exec yes loud\"]\nlog_overflow = \"drop\"\n\
         [program.flood]\ncommand = [\"sh\", \"-c\", \"exec yes flood\"]\n\
         [program.patient]\ncommand = [\"sh\", \"-c\", \"exec yes patient\"]\n",
    ));
    let mut seen = Vec::new();
    let mut part = vec![0; 4096];
    let mut times = |word: &str| {
        if let Ok(n) = fifo.read(&mut part) {
            seen.extend_from_slice(&part[..n]);
        }
        seen.split(|b| *b == b'\n').filter(|l| *l == word.as_bytes()).count()
    };
    for word in ["patient", "flood", "loud"] {
        wait_for("everybody gets a turn", Duration::from_secs(30), || times(word) > 20_000);
    }
    daemon.finish();
}

#[test]
fn a_closed_reader_stops_nothing_is_counted_and_wakes_nobody() {
    let setup = ini(
        "[program:p]\ncommand=@puppet@ wait-file @dir@/go spew 640000 touch @dir@/done hold\nlog_format=json\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n",
    );
    let (daemon, fifo) = behind_fifo(setup);
    // The daemon's own third descriptor is closed at boot: nobody reads any more.
    daemon.wait_state("p", "RUNNING");
    drop(fifo);
    std::fs::write(daemon.dir().path().join("go"), "").unwrap();
    wait_until("the program goes on", || daemon.dir().path().join("done").exists());
    assert_eq!(daemon.get("/livez").map(|a| a.status), Some(200));
    let lost = || metric(&daemon.get("/metrics").unwrap().body, "mainstay_log_bytes_lost_total", &[]);
    wait_until("lost bytes are counted", || lost() > Some(640_000.0));
    assert_eq!(daemon.said().matches("cannot write to /dev/fd/1").count(), 1, "said once");
    wait_idle(&daemon);
    daemon.finish();
}

#[test]
fn a_stdout_that_was_never_open_or_is_full_stops_nothing() {
    for redirect in [">&-", ">/dev/full"] {
        let setup = ini(
            "[program:p]\ncommand=@puppet@ spew 100000 touch @dir@/done hold\nlog_format=prefix\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n",
        );
        let daemon = setup.launcher(&["sh", "-c", &format!("exec \"$0\" \"$@\" {redirect}")]).start();
        wait_until("the program goes on", || daemon.dir().path().join("done").exists());
        assert_eq!(daemon.get("/livez").map(|a| a.status), Some(200));
        daemon.finish();
    }
}
