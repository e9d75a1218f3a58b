//! FastCGI programs in TOML, and what becomes of their sockets when things go wrong.

use crate::support::{ini, toml};
use harness::daemon::free_port;
use harness::wait_until;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

fn said(mut to: impl Read + Write) -> String {
    let mut answer = String::new();
    let done = to.write_all(b"x").and_then(|()| to.read_to_string(&mut answer));
    done.map_or_else(|e| e.to_string(), |_| answer)
}

#[test]
fn toml_has_them_too_in_a_group_or_alone() {
    let port = free_port();
    let daemon = toml(&format!(
        "[fcgi.app]\ncommand = [\"@puppet@\", \"accept-stdin\"]\nsocket = \"unix://@dir@/app.fcgi\"\nsocket_mode = \"0660\"\n\
         numprocs = 2\nstartsecs = 0\n\
         [fcgi.other]\ncommand = [\"@puppet@\", \"accept-stdin\"]\nsocket = \"tcp://localhost:{port}\"\nstartsecs = 0\n\
         [group.all]\nprograms = [\"app\"]\n",
    ))
    .start();
    daemon.wait_state("all:app_01", "RUNNING");
    daemon.wait_state("other", "RUNNING");
    let client = UnixStream::connect(daemon.dir().join("app.fcgi")).expect("it listens");
    assert!(said(client).ends_with("got x"));
    assert!(said(TcpStream::connect(("127.0.0.1", port)).expect("it listens")).ends_with("got x"));
    daemon.finish();
}

#[test]
fn a_grandchild_that_keeps_the_socket_delays_the_next_start_and_ends_nothing() {
    // It holds the listening socket after its parent is gone: the port is taken until it ends.
    let port = free_port();
    let daemon = ini(&format!(
        "[fcgi-program:f]\ncommand=@puppet@ spawn-holding exit-from @dir@/code\nsocket=tcp://127.0.0.1:{port}\nstartsecs=0\n\
         autorestart=true\nstartretries=1000\nstdout_logfile=@dir@/f.out\n[program:p]\ncommand=cat\nstartsecs=0\n",
    ))
    .start();
    daemon.wait_said("spawnerr: Could not create FastCGI socket tcp://");
    daemon.wait_state("f", "BACKOFF");
    daemon.wait_state("p", "RUNNING");
    let text = daemon.dir().read("f.out");
    let holder: i32 = text.lines().find_map(|l| l.strip_prefix("child ")?.parse().ok()).expect("its pid");
    harness::kill(holder, 9).expect("it is there");
    // As soon as nobody has it the program is started again.
    daemon.wait_said_times("spawned: 'f'", 2);
    wait_until("the second holder has said its pid", || {
        daemon.dir().read("f.out").matches("child ").count() == 2
    });
    for line in daemon.dir().read("f.out").lines().rev().take(2) {
        if let Some(pid) =
            line.strip_prefix("child ").and_then(|p| p.parse::<i32>().ok()).filter(|p| *p != holder)
        {
            harness::kill(pid, 9).expect("it is there");
        }
    }
    daemon.signal(15);
    assert_eq!(daemon.wait_exit(), 0);
}

#[test]
fn a_refusal_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("it is bound").port();
    let daemon = ini(&format!("[fcgi-program:f]\ncommand=cat\nsocket=tcp://127.0.0.1:{port}\n")).start();
    daemon.wait_said("hint: something else listens there; stop it or choose another address");
    daemon.ended(2);
    let daemon = ini("[fcgi-program:f]\ncommand=cat\nsocket=tcp://no-such-host.invalid:9000\n").start();
    daemon.wait_said("hint: write an address; of host names only those in /etc/hosts are known");
    daemon.ended(2);
}

#[test]
fn a_file_or_directory_in_the_place_of_a_socket_is_called_so() {
    for config in [
        "[fcgi-program:f]\ncommand=cat\nsocket=unix://@dir@/here\n",
        "[unix_http_server:x]\nfile=@dir@/here\n[program:p]\ncommand=cat\n",
    ] {
        for name in ["here", "here/file"] {
            let daemon = ini(config).file(name, "precious").start();
            daemon.wait_said("hint: what is there is no socket; remove it or choose another path");
            daemon.ended(2);
        }
    }
}

#[test]
fn a_thousand_restarts_leave_no_socket_open() {
    let daemon = ini(
        "[fcgi-program:f]\ncommand=@puppet@ exit 0\nsocket=unix://@dir@/f.fcgi\nstartsecs=0\nautorestart=true\n\
         stdout_logfile=none\nstderr_logfile=none\n[program:p]\ncommand=cat\nstartsecs=0\n",
    )
    .start();
    daemon.wait_state("p", "RUNNING");
    let before = harness::proc::fds(daemon.pid()).len();
    harness::wait_for("it was started a thousand times", std::time::Duration::from_secs(30), || {
        daemon.dir().read("main.log").matches("spawned: 'f'").count() > 1000
    });
    let after = harness::proc::fds(daemon.pid()).len();
    assert!(after <= before + 16, "{before} descriptors became {after}");
    let log = daemon.dir().read("main.log");
    let (made, closed) = (log.matches("Creating socket").count(), log.matches("Closing socket").count());
    assert!(made.abs_diff(closed) <= 1, "{made} made, {closed} closed");
    daemon.finish();
}
