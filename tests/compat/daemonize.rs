//! Into the background: what is settled before, what changes, what stays.

use crate::face::{Background, assert_refused, face, log_of, owned};
use crate::support::{ours, skipped};
use harness::{proc, wait_until};

const HEAD: &str = "[supervisord]\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n";
const API: &str = "[unix_http_server]\nfile=@sock@\n\
    [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";
const CAT: &str = "[program:x]\ncommand=cat\nstartsecs=0\n";

fn config(settings: &str, rest: &str) -> String {
    format!("{HEAD}{settings}\n{API}{rest}")
}

#[test]
fn it_leads_a_session_without_a_terminal_and_says_so() {
    if skipped() {
        return;
    }
    let back = Background::start(face(&config("user=root", CAT)));
    back.wait_log("success: x");
    let stat = proc::stat(back.pid).expect("it lives");
    assert_eq!((stat.session, stat.pgrp), (back.pid, back.pid));
    let fds = proc::fds(back.pid);
    for n in 0..3 {
        assert!(fds.iter().any(|(fd, to)| *fd == n && to == "/dev/null"), "{fds:?}");
    }
    assert_eq!(back.daemon.dir().read("d.pid"), format!("{}\n", back.pid));
    assert_eq!((back.daemon.stdout(), back.daemon.stderr()), (String::new(), String::new()));
    assert_eq!(
        back.log()[..5],
        [
            "INFO Set uid to user 0 succeeded",
            "INFO RPC interface 'supervisor' initialized",
            "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
            "INFO daemonizing the supervisord process",
            "INFO supervisord started with pid PID",
        ]
    );
    back.finish();
}

#[test]
fn directory_and_umask_are_the_programs_and_the_log_was_open_before() {
    if skipped() {
        return;
    }
    let program =
        "[program:x]\ncommand=sh -c 'umask; pwd; touch made; exec cat'\nstdout_logfile=x.out\nstartsecs=0\n";
    let setup = face(&config("user=root\ndirectory=@dir@/sub\numask=027", program)).file("sub/.keep", "");
    let back = Background::start(setup);
    let out = || back.daemon.dir().read("sub/x.out");
    wait_until("the program has said it", || out().lines().count() == 2);
    assert_eq!(out(), back.daemon.fill("0027\n@dir@/sub\n"));
    wait_until("it has made its file", || back.daemon.dir().path().join("sub/made").exists());
    assert_eq!(owned(&back.daemon, "sub/made").2, 0o640);
    assert_eq!(owned(&back.daemon, "d.pid").2, 0o640);
    assert_eq!(owned(&back.daemon, "main.log").2, 0o644);
    let log = back.log();
    assert_eq!(
        log[3..5],
        ["INFO daemonizing the supervisord process", "INFO set current directory: '@dir@/sub'"]
    );
    back.finish();
}

#[test]
fn without_settings_the_umask_is_022_and_the_directory_stays() {
    if skipped() {
        return;
    }
    let program = "[program:x]\ncommand=sh -c 'umask; pwd; exec cat'\nstdout_logfile=x.out\nstartsecs=0\n";
    let setup = face(&config("user=root", program)).launcher(&["sh", "-c", "umask 077; exec \"$@\"", "sh"]);
    let back = Background::start(setup);
    let out = || back.daemon.dir().read("x.out");
    wait_until("the program has said it", || out().lines().count() == 2);
    assert_eq!(out(), back.daemon.fill("0022\n@dir@\n"));
    // What was opened before the fork had the umask of the terminal.
    assert_eq!(owned(&back.daemon, "main.log").2, 0o600);
    assert_eq!(owned(&back.daemon, "d.pid").2, 0o644);
    back.finish();
}

#[test]
fn in_the_foreground_directory_and_umask_do_nothing() {
    if skipped() {
        return;
    }
    // Trap 16 [K].
    let program = "[program:x]\ncommand=sh -c 'umask; pwd; exec cat'\nstdout_logfile=x.out\nstartsecs=0\n";
    let setup = face(&config("user=root\nsilent=true\ndirectory=@dir@/sub\numask=027", program))
        .file("sub/.keep", "")
        .arg("-n")
        .launcher(&["sh", "-c", "umask 077; exec \"$@\"", "sh"]);
    let daemon = setup.start();
    wait_until("the program has said it", || daemon.dir().read("x.out").lines().count() == 2);
    assert_eq!(daemon.dir().read("x.out"), daemon.fill("0077\n@dir@\n"));
    assert!(
        !log_of(&daemon).iter().any(|l| l.contains("daemonizing") || l.contains("set current directory"))
    );
    daemon.finish();
}

#[test]
fn options_give_directory_umask_and_files_too() {
    if skipped() {
        return;
    }
    let text = format!(
        "[supervisord]\nuser=root\n{API}\
         [program:x]\ncommand=sh -c 'umask; pwd; exec cat'\nstdout_logfile=x.out\nstartsecs=0\n"
    );
    let words = ["-d", "sub", "-m", "031", "-l", "main.log", "-j", "d.pid", "-q", "sub", "-i", "me"];
    let setup = words.iter().fold(face(&text), |s, w| s.arg(w)).file("sub/.keep", "");
    let back = Background::start(setup);
    let out = || back.daemon.dir().read("sub/x.out");
    wait_until("the program has said it", || out().lines().count() == 2);
    assert_eq!(out(), back.daemon.fill("0031\n@dir@/sub\n"));
    assert!(back.log().contains(&"INFO set current directory: 'sub'".to_string()));
    let names: Vec<String> = std::fs::read_dir(back.daemon.dir().path().join("sub"))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().any(|n| n.starts_with("x-stderr---me-")), "{names:?}");
    back.finish();
}

#[test]
fn log_and_pidfile_stand_where_it_was_started_by_default() {
    if skipped() {
        return;
    }
    let text = format!("[supervisord]\nuser=root\ndirectory=@dir@/sub\n{API}{CAT}");
    let daemon = face(&text).file("sub/.keep", "").start();
    assert_eq!(daemon.wait_exit(), 0);
    let read = || daemon.dir().read("supervisord.pid").trim().parse::<i32>().ok();
    wait_until("the pidfile is written", || read().is_some());
    let pid = read().unwrap();
    wait_until("the log is written", || daemon.dir().read("supervisord.log").contains("success: x"));
    harness::kill(pid, 15).unwrap();
    wait_until("the one behind ends", || !proc::alive(pid));
    daemon.ended(0);
}

#[test]
fn a_user_owns_everything_that_is_made() {
    if skipped() {
        return;
    }
    let setup = face(&config("user=daemon", CAT));
    std::os::unix::fs::chown(setup.dir().path(), Some(1), Some(1)).unwrap();
    let back = Background::start(setup);
    back.wait_log("success: x");
    assert_eq!(back.log()[0], "INFO Set uid to user 1 succeeded");
    assert_eq!(proc::status(back.pid, "Uid").unwrap(), "1\t1\t1\t1");
    assert_eq!(proc::status(back.pid, "Gid").unwrap(), "1\t1\t1\t1");
    assert_eq!(proc::status(back.pid, "Groups").unwrap().trim(), "1");
    for (name, mode) in [("main.log", 0o644), ("d.pid", 0o644), ("s.sock", 0o700)] {
        assert_eq!(owned(&back.daemon, name), (1, 1, mode), "{name}");
    }
    let auto = back.daemon.dir().list("x-stdout---supervisor-");
    assert_eq!((auto.len(), owned(&back.daemon, &auto[0])), (1, (1, 1, 0o600)));
    back.finish();
}

#[test]
fn a_directory_that_the_user_may_not_enter_is_told_and_it_goes_on() {
    if skipped() {
        return;
    }
    let setup = face(&config("user=daemon\ndirectory=@dir@/sub", CAT)).file("sub/.keep", "");
    std::os::unix::fs::chown(setup.dir().path(), Some(1), Some(1)).unwrap();
    harness::temp::set_mode(&setup.dir().path().join("sub"), 0o700);
    let back = Background::start(setup);
    back.wait_log("success: x");
    let want = "CRIT can't chdir into '@dir@/sub': [Errno 13] Permission denied: '@dir@/sub'";
    assert!(back.log().contains(&want.to_string()), "{:?}", back.log());
    back.finish();
}

#[test]
fn sighup_restarts_it_in_the_background_with_the_same_pid() {
    if skipped() {
        return;
    }
    let back = Background::start(face(&config("user=root\numask=027\ndirectory=@dir@", CAT)));
    back.wait_log("success: x");
    harness::kill(back.pid, 1).unwrap();
    wait_until("it has been started again", || {
        back.daemon.dir().read("main.log").matches("success: x").count() == 2
    });
    let log = back.log();
    let count = |text: &str| log.iter().filter(|l| l.contains(text)).count();
    assert_eq!(count("supervisord started with pid"), 2);
    assert_eq!(count("daemonizing the supervisord process"), 1);
    assert_eq!(back.daemon.dir().read("d.pid"), format!("{}\n", back.pid));
    assert_eq!(proc::status(back.pid, "Umask").as_deref(), Some("0027"));
    back.finish();
}

#[test]
fn relative_files_after_a_restart() {
    if skipped() {
        return;
    }
    let text =
        format!("[supervisord]\nuser=root\npidfile=d.pid\nlogfile=main.log\ndirectory=@dir@/sub\n{API}{CAT}");
    let back = Background::start(face(&text).file("sub/.keep", ""));
    back.wait_log("success: x");
    harness::kill(back.pid, 1).unwrap();
    // On purpose: theirs counts from `directory` now, so that log and pidfile wander. Ours stay where they were.
    let (log, pidfile) = if ours() { ("main.log", "d.pid") } else { ("sub/main.log", "sub/d.pid") };
    let lives = if ours() { 2 } else { 1 };
    let count = || back.daemon.dir().read(log).matches("success: x").count();
    wait_until("the second life is told", || count() == lives);
    assert_eq!(back.daemon.dir().read(pidfile), format!("{}\n", back.pid));
    back.finish();
}

#[test]
fn what_is_wrong_is_said_before_it_leaves() {
    if skipped() {
        return;
    }
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let daemon = face(&config("user=root", &format!("[inet_http_server]\nport=127.0.0.1:{port}\n"))).start();
    assert_refused(
        &daemon,
        "Another program is already listening on a port that one of our HTTP servers is configured to use.  Shut \
         this program down first before starting supervisord.",
    );
    assert!(!daemon.dir().path().join("d.pid").exists());
}

#[test]
fn pid_1_stays_in_front_whatever_is_asked() {
    if skipped() {
        return;
    }
    let daemon = face(&config("user=root", CAT)).pid1().start();
    if !ours() {
        // Theirs forks, and with PID 1 the container ends.
        assert!([0, 137].contains(&daemon.wait_exit()));
        return;
    }
    wait_until("it runs", || daemon.dir().read("main.log").contains("success: x"));
    assert_eq!(daemon.dir().read("d.pid"), "1\n");
    assert!(!log_of(&daemon).iter().any(|l| l.contains("daemonizing")));
    daemon.finish();
}

#[test]
fn a_log_that_cannot_be_opened_is_said_before_it_leaves() {
    if skipped() {
        return;
    }
    let setup = face(&config("user=root\nlogfile=/proc/no-such-log", CAT));
    let daemon = setup.start();
    let code = daemon.wait_exit();
    // Theirs ends with a traceback of Python's.
    assert_eq!(code, if ours() { 2 } else { 1 });
    let want =
        if ours() { "error: cannot open log `/proc/no-such-log`: " } else { "No such file or directory" };
    wait_until("it has said why", || daemon.stderr().contains(want));
    assert_eq!(daemon.dir().read("d.pid"), "", "nothing was started");
    daemon.ended(code);
}
