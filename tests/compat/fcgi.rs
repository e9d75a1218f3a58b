//! `[fcgi-program:x]`: a listening socket that the processes share as descriptor 0.

use crate::support::{Sup, header, ours, setup, skipped, start};
use harness::wait_until;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;

/// Two processes of one program on `@port@`, which answer.
const PAIR: &str = "[fcgi-program:f]\ncommand=@puppet@ accept-stdin\nsocket=tcp://127.0.0.1:@port@\nnumprocs=2\n\
                    process_name=%(program_name)s%(process_num)d\nstartsecs=0\n";

fn said(mut to: impl Read + Write, text: &str) -> String {
    let mut answer = String::new();
    let done = to.write_all(text.as_bytes()).and_then(|()| to.read_to_string(&mut answer));
    done.map_or_else(|e| e.to_string(), |_| answer)
}

fn tcp(sup: &Sup) -> TcpStream {
    TcpStream::connect(sup.0.address()).expect("the socket takes connections")
}

fn stdin_of(sup: &Sup, name: &str) -> String {
    let pid = sup.0.info(name, "pid").unwrap_or_default();
    let link = std::fs::read_link(format!("/proc/{pid}/fd/0"));
    link.map_or_else(|e| e.to_string(), |l| l.display().to_string())
}

/// The lines that speak of sockets, of starts and of ends, from the first start of a program on.
fn story(sup: &Sup) -> Vec<String> {
    let log = sup.log();
    let life = log.split_once(" started with pid").map_or("", |(_, life)| life);
    let words = ["socket", "spawn", "exited", "stopped", "gave up"];
    let lines = life.lines().filter_map(crate::support::strip_time).map(|l| crate::support::masked(&l));
    lines
        .filter(|l| words.iter().any(|w| l.contains(w)))
        .map(|l| l.replace(&sup.0.address(), "@address@"))
        .collect()
}

#[test]
fn two_processes_share_one_tcp_socket_and_answer() {
    if skipped() {
        return;
    }
    let sup = start(PAIR);
    ["f:f0", "f:f1"].iter().for_each(|name| sup.wait_state(name, "RUNNING"));
    let socket = stdin_of(&sup, "f:f0");
    assert!(socket.starts_with("socket:"), "{socket}");
    assert_eq!(stdin_of(&sup, "f:f1"), socket);
    let pids = ["f:f0", "f:f1"].map(|name| sup.0.info(name, "pid").unwrap_or_default());
    let answer = said(tcp(&sup), "hello");
    assert!(pids.iter().any(|pid| answer == format!("pid {pid} got hello")), "{answer} from {pids:?}");
    // With one of the two stopped the other goes on answering.
    sup.ctl_says(&["stop", "f:f0"], 0, "f:f0: stopped\n");
    assert_eq!(said(tcp(&sup), "again"), format!("pid {} got again", pids[1]));
    sup.ctl_says(&["stop", "f:f1"], 0, "f:f1: stopped\n");
    wait_until("nobody listens", || TcpStream::connect(sup.0.address()).is_err());
    sup.ctl_says(&["start", "f:f1"], 0, "f:f1: started\n");
    assert!(said(tcp(&sup), "back").ends_with(" got back"));
    let want = [
        "INFO Creating socket tcp://@address@",
        "INFO spawned: 'f0' with pid PID",
        "INFO spawned: 'f1' with pid PID",
        "WARN stopped: f0 (terminated by SIGTERM)",
        "WARN stopped: f1 (terminated by SIGTERM)",
        "INFO Closing socket tcp://@address@",
        "INFO Creating socket tcp://@address@",
        "INFO spawned: 'f1' with pid PID",
    ];
    assert_eq!(story(&sup), want);
    // Made and closed once before anything is started.
    let log = sup.log();
    let head = log.split_once(" started with pid").map_or("", |(head, _)| head);
    assert_eq!(
        (head.matches("INFO Creating socket").count(), head.matches("INFO Closing socket").count()),
        (1, 1)
    );
    sup.finish();
}

#[test]
fn the_socket_is_blocking_and_the_only_thing_besides_the_two_pipes() {
    if skipped() {
        return;
    }
    let sup = start(
        "[fcgi-program:f]\ncommand=@puppet@ fds fdflags 0\nsocket=tcp://localhost:@port@\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=@dir@/f.out\nstderr_logfile=none\n\
         [fcgi-program:r]\ncommand=@puppet@ fds after 60000\nsocket=unix://@dir@/r.fcgi\nredirect_stderr=true\n\
         stdout_logfile=@dir@/r.out\nstderr_logfile=none\n\
         [program:z]\ncommand=@puppet@ fds\npriority=1000\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/z.out\n",
    );
    sup.wait_log("exited: f ");
    sup.wait_log("exited: z ");
    let text = sup.file("f.out");
    let fds: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("fd ")).collect();
    assert!(fds.len() == 3 && fds[0].starts_with("0 socket:"), "{text}");
    assert!(text.ends_with("flags:\t02\n"), "{text}");
    sup.wait_file("r.out", "fd 2");
    let text = sup.file("r.out");
    let pipe = |n: &str| text.lines().find_map(|l| l.strip_prefix(n).map(str::to_string));
    assert!(text.lines().count() == 3 && pipe("fd 1 ").is_some() && pipe("fd 1 ") == pipe("fd 2 "), "{text}");
    // Others get nothing of it.
    assert!(!sup.file("z.out").contains("socket:") && sup.file("z.out").lines().count() == 3);
    // COMPAT: the URL keeps the name.
    assert!(sup.log().contains(&sup.0.fill("Creating socket tcp://localhost:@port@\n")));
    sup.finish();
}

/// Mode, owner and group of a program's socket file.
fn file_of(settings: &str) -> (u32, u32, u32) {
    let sup = start(&format!(
        "[fcgi-program:f]\ncommand=@puppet@ accept-stdin\nsocket=unix://@dir@/%(program_name)s.fcgi\nstartsecs=0\n{settings}\n"
    ));
    sup.wait_state("f", "RUNNING");
    let path = sup.0.dir().join("f.fcgi");
    let client = UnixStream::connect(&path).expect("the socket takes connections");
    assert!(said(client, "x").ends_with(" got x"));
    let meta = std::fs::metadata(&path).expect("the socket is a file");
    // COMPAT [K]: closing leaves the file.
    sup.ctl_says(&["stop", "f"], 0, "f: stopped\n");
    sup.wait_log(&sup.0.fill("stopped: f (terminated by SIGTERM)"));
    assert!(std::fs::metadata(&path).is_ok_and(|m| m.file_type().is_socket()), "the file is gone");
    assert!(UnixStream::connect(&path).is_err());
    sup.finish();
    (meta.mode() & 0o7777, meta.uid(), meta.gid())
}

#[test]
fn a_unix_socket_is_private_and_ours() {
    if !skipped() {
        assert_eq!(file_of(""), (0o700, 0, 0));
    }
}

#[test]
fn socket_mode_and_socket_owner_are_set() {
    if !skipped() {
        assert_eq!(file_of("socket_mode=0666\nsocket_owner=nobody:daemon"), (0o666, 65534, 1));
        // Without a group it stays as it is.
        assert_eq!(file_of("socket_owner=nobody"), (0o700, 65534, 0));
    }
}

#[test]
fn the_socket_of_another_user_s_program_is_that_user_s() {
    if !skipped() {
        assert_eq!(file_of("user=nobody"), (0o700, 65534, 65534));
        assert_eq!(file_of("user=nobody\nsocket_owner=root:root"), (0o700, 0, 0));
    }
}

#[test]
fn socket_backlog_is_the_length_of_the_queue() {
    if skipped() {
        return;
    }
    let sup = start(
        "[fcgi-program:f]\ncommand=@puppet@ hold\nsocket=unix://@dir@/f.fcgi\nsocket_backlog=2\nstartsecs=0\n",
    );
    sup.wait_state("f", "RUNNING");
    // Nobody accepts: a queue of two takes three, as the kernel counts.
    let path = sup.0.dir().join("f.fcgi");
    let mut taken = Vec::new();
    while let Ok(client) = connect_at_once(&path) {
        taken.push(client);
        assert!(taken.len() < 100, "the queue has no end");
    }
    assert_eq!(taken.len(), 3);
    sup.finish();
}

/// EAGAIN where the queue is full.
fn connect_at_once(path: &str) -> Result<std::os::fd::OwnedFd, nix::Error> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_NONBLOCK, None)?;
    connect(std::os::fd::AsRawFd::as_raw_fd(&fd), &UnixAddr::new(path)?).map(|()| fd)
}

#[test]
fn what_a_killed_daemon_left_at_the_path_is_replaced() {
    if skipped() {
        return;
    }
    let setup = setup(&format!(
        "{}[fcgi-program:f]\ncommand=@puppet@ accept-stdin\nsocket=unix://@dir@/f.fcgi\nstartsecs=0\n",
        header("")
    ));
    // Somebody still listens there.
    let old = std::os::unix::net::UnixListener::bind(setup.dir().join("f.fcgi")).expect("the path is free");
    let sup = Sup::new(setup);
    sup.wait_state("f", "RUNNING");
    let client = UnixStream::connect(sup.0.dir().join("f.fcgi")).expect("the socket takes connections");
    assert!(said(client, "x").ends_with(" got x"));
    drop(old);
    sup.finish();
}

#[test]
fn a_file_at_the_path_is_kept() {
    if skipped() {
        return;
    }
    let setup = setup(&format!(
        "{}[fcgi-program:f]\ncommand=@puppet@ accept-stdin\nsocket=unix://@dir@/f.txt\nstartsecs=0\n",
        header("")
    ))
    .file("f.txt", "precious");
    if ours() {
        let daemon = setup.start();
        let path = daemon.fill("unix://@dir@/f.txt");
        daemon
            .wait_said(&format!("Could not create FastCGI socket {path}: [Errno 98] Address already in use"));
        assert_eq!(daemon.dir().read("f.txt"), "precious");
        daemon.ended(2);
    } else {
        // Supervisor removes whatever a typing mistake names.
        let sup = Sup::new(setup);
        sup.wait_state("f", "RUNNING");
        assert!(std::fs::metadata(sup.0.dir().join("f.txt")).is_ok_and(|m| m.file_type().is_socket()));
        sup.finish();
    }
}

/// The daemon refuses to start with this sentence; theirs with a traceback and code 1, ours with code 2.
fn refused(socket: &str, sentence: &str) {
    let setup = setup(&format!("{}[fcgi-program:f]\ncommand=cat\nsocket={socket}\n", header("")));
    let daemon = setup.start();
    daemon.wait_said(&format!("Could not create FastCGI socket {}: {sentence}\n", daemon.fill(socket)));
    daemon.ended(if ours() { 2 } else { 1 });
}

#[test]
fn a_port_that_is_taken_refuses_the_start() {
    if skipped() {
        return;
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("it is bound").port();
    refused(&format!("tcp://127.0.0.1:{port}"), "[Errno 98] Address already in use");
}

#[test]
fn a_socket_that_cannot_be_made_refuses_the_start() {
    if skipped() {
        return;
    }
    refused("unix://@dir@/none/f.fcgi", "[Errno 2] No such file or directory");
    refused("tcp://192.0.2.1:9000", "[Errno 99] Cannot assign requested address");
    refused("tcp://no-such-host.invalid:9000", "[Errno -2] Name or service not known");
}

#[test]
fn a_star_is_every_address_here_and_an_unknown_host_there() {
    if skipped() {
        return;
    }
    if !ours() {
        return refused("tcp://*:@port@", "[Errno -2] Name or service not known");
    }
    let sup = start(&PAIR.replace("127.0.0.1", "*"));
    sup.wait_state("f:f0", "RUNNING");
    assert!(said(tcp(&sup), "x").ends_with(" got x"));
    sup.finish();
}

#[test]
fn a_port_that_is_taken_later_fails_that_start_only() {
    if skipped() {
        return;
    }
    let sup = start(&PAIR.replace("numprocs=2", "numprocs=1\nautostart=false\nstartretries=0"));
    sup.wait_log(" started with pid");
    wait_until("the daemon answers", || sup.0.info("f:f0", "statename").is_some());
    let taken = TcpListener::bind(sup.0.address()).expect("it was let go");
    let done = sup.ctl(&["start", "f:f0"]);
    if ours() {
        assert_eq!((done.code(), done.stdout.as_str()), (7, "f:f0: ERROR (spawn error)\n"));
        let want = format!(
            "Could not create FastCGI socket tcp://{}: [Errno 98] Address already in use",
            sup.0.address()
        );
        assert_eq!(sup.status("f:f0"), ("FATAL".into(), want));
    } else {
        // Theirs: HTTP 500, and an autostart would end the daemon.
        assert!(done.code() == 1 && done.stdout.contains("500 Internal Server Error"), "{}", done.stdout);
        assert_eq!(sup.status("f:f0").0, "STOPPED");
    }
    drop(taken);
    sup.ctl_says(&["start", "f:f0"], 0, "f:f0: started\n");
    assert!(said(tcp(&sup), "x").ends_with(" got x"));
    sup.finish();
}

#[test]
fn each_attempt_makes_the_socket_and_closes_it_again() {
    if skipped() {
        return;
    }
    let sup = start(
        "[fcgi-program:f]\ncommand=/no/such\nsocket=tcp://127.0.0.1:@port@\nstartretries=1\n\
         [fcgi-program:g]\ncommand=@puppet@ exit 3\nsocket=unix://@dir@/g.fcgi\nstartretries=0\n",
    );
    sup.wait_state("f", "FATAL");
    sup.wait_state("g", "FATAL");
    let (unix, tcp): (Vec<_>, Vec<_>) = story(&sup)
        .into_iter()
        .filter(|l| !l.contains("gave up"))
        .partition(|l| !l.contains("tcp:") && !l.contains("spawnerr"));
    let attempt = [
        "INFO Creating socket tcp://@address@",
        "INFO spawnerr: can't find command '/no/such'",
        "INFO Closing socket tcp://@address@",
    ];
    assert_eq!(tcp, [attempt, attempt].concat());
    let url = sup.0.fill("socket unix://@dir@/g.fcgi");
    let want = [
        format!("INFO Creating {url}"),
        "INFO spawned: 'g' with pid PID".into(),
        "WARN exited: g (exit status 3; not expected)".into(),
        format!("INFO Closing {url}"),
    ];
    assert_eq!(unix, want);
    sup.finish();
}

#[test]
fn a_restart_closes_the_socket_and_makes_it_again() {
    if skipped() {
        return;
    }
    let sup = start(
        "[fcgi-program:f]\ncommand=@puppet@ accept-stdin\nsocket=tcp://127.0.0.1:@port@\nautorestart=true\nstartsecs=0\n",
    );
    sup.wait_state("f", "RUNNING");
    let pid = sup.0.info("f", "pid").and_then(|p| p.parse().ok()).expect("it runs");
    harness::kill(pid, 9).expect("it is there");
    sup.wait_log_times("spawned: 'f'", 2);
    assert!(said(tcp(&sup), "x").ends_with(" got x"));
    let want = [
        "INFO Creating socket tcp://@address@",
        "INFO spawned: 'f' with pid PID",
        "WARN exited: f (terminated by SIGKILL; not expected)",
        "INFO Closing socket tcp://@address@",
        "INFO Creating socket tcp://@address@",
        "INFO spawned: 'f' with pid PID",
    ];
    assert_eq!(story(&sup), want);
    sup.finish();
}

#[test]
fn in_a_group_it_keeps_its_socket_here_and_loses_it_there() {
    if skipped() {
        return;
    }
    // Trap 14 [F].
    let sup = start(&format!("{PAIR}[group:g]\nprograms=f,p\n[program:p]\ncommand=cat\nstartsecs=0\n"));
    ["g:f0", "g:p"]
        .iter()
        .for_each(|name| wait_until("it was started", || sup.0.info(name, "pid").is_some_and(|p| p != "0")));
    assert!(stdin_of(&sup, "g:p").starts_with("pipe:"));
    if ours() {
        assert!(stdin_of(&sup, "g:f1").starts_with("socket:"));
        assert!(said(tcp(&sup), "x").ends_with(" got x"));
    } else {
        assert!(!sup.log().contains("Creating socket"));
        assert!(TcpStream::connect(sup.0.address()).is_err());
    }
    sup.finish();
}

#[test]
fn in_a_group_nobody_looks_at_the_settings_of_the_socket() {
    if skipped() {
        return;
    }
    let sup = start("[fcgi-program:f]\ncommand=cat\nsocket=nonsense\n[group:g]\nprograms=f\n");
    sup.wait_state("g:f", "RUNNING");
    assert!(stdin_of(&sup, "g:f").starts_with("pipe:"));
    assert!(!ours() || sup.log().contains("[fcgi-program:f] gets no socket in [group:g]"));
    sup.finish();
}

#[test]
fn sighup_brings_the_same_socket_and_a_changed_one() {
    if skipped() {
        return;
    }
    let sup = start(&format!(
        "{PAIR}[fcgi-program:u]\ncommand=@puppet@ accept-stdin\nsocket=unix://@dir@/a.fcgi\nstartsecs=0\n"
    ));
    sup.wait_state("u", "RUNNING");
    let conf = sup.file("c.conf").replace("/a.fcgi", "/b.fcgi");
    sup.0.dir().write("c.conf", &conf);
    sup.0.signal(1);
    sup.wait_log_times(" started with pid", 2);
    sup.wait_state("u", "RUNNING");
    sup.wait_state("f:f1", "RUNNING");
    assert!(said(tcp(&sup), "x").ends_with(" got x"));
    let client = UnixStream::connect(sup.0.dir().join("b.fcgi")).expect("the new socket takes connections");
    assert!(said(client, "x").ends_with(" got x"));
    assert!(UnixStream::connect(sup.0.dir().join("a.fcgi")).is_err());
    sup.finish();
}

#[test]
fn sighup_onto_a_taken_port_stops_nothing_here_and_everything_there() {
    if skipped() {
        return;
    }
    let sup = start(PAIR);
    sup.wait_state("f:f0", "RUNNING");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = taken.local_addr().expect("it is bound").to_string();
    sup.0.dir().write("c.conf", &sup.file("c.conf").replace(&sup.0.address(), &other));
    sup.0.signal(1);
    sup.0.wait_said(&format!(
        "Could not create FastCGI socket tcp://{other}: [Errno 98] Address already in use"
    ));
    if ours() {
        assert!(said(tcp(&sup), "x").ends_with(" got x"));
        sup.finish();
    } else {
        sup.0.ended(1);
    }
}

#[test]
fn a_socket_that_cannot_be_given_away_refuses_the_start() {
    if skipped() {
        return;
    }
    let config = format!(
        "{}[fcgi-program:f]\ncommand=cat\nsocket=unix://@dir@/f.fcgi\nsocket_owner=nobody\n",
        header("")
    );
    let daemon = setup(&config).launcher(&["setpriv", "--bounding-set=-chown", "--"]).start();
    daemon.wait_said(&daemon.fill(
        "Could not create FastCGI socket unix://@dir@/f.fcgi: Could not change ownership of socket file: \
         [Errno 1] Operation not permitted",
    ));
    assert!(!std::fs::exists(daemon.dir().join("f.fcgi")).unwrap_or(true));
    daemon.ended(if ours() { 2 } else { 1 });
}
