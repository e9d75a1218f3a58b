//! `[supervisord] user`: by name, by number, impossible, and left out.

use crate::face::{assert_refused, face, face_as, log_of, owned};
use crate::support::{ours, skipped};
use harness::{Daemon, proc, wait_until};

fn config(settings: &str) -> String {
    format!(
        "[supervisord]\nnodaemon=true\nsilent=true\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
         {settings}\n[unix_http_server]\nfile=@sock@\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [program:x]\ncommand=cat\nstartsecs=0\nstdout_logfile=@dir@/x.out\nstderr_logfile=NONE\n"
    )
}

#[track_caller]
fn wait_running(daemon: &Daemon) {
    wait_until("x runs", || daemon.dir().read("main.log").contains("success: x"));
}

/// Starts as root with the setting; the daemon must be user 1 then, and so its programs and files.
fn becomes_daemon(settings: &str) {
    if skipped() {
        return;
    }
    let setup = face(&config(settings));
    std::os::unix::fs::chown(setup.dir().path(), Some(1), Some(1)).expect("root may");
    let daemon = setup.start();
    wait_running(&daemon);
    assert_eq!(log_of(&daemon)[0], "INFO Set uid to user 1 succeeded");
    for pid in [daemon.pid(), program(&daemon)] {
        assert_eq!(proc::status(pid, "Uid").as_deref(), Some("1\t1\t1\t1"));
        assert_eq!(proc::status(pid, "Gid").as_deref(), Some("1\t1\t1\t1"));
    }
    for name in ["main.log", "d.pid", "s.sock"] {
        let (uid, gid, _) = owned(&daemon, name);
        assert_eq!((uid, gid), (1, 1), "{name}");
    }
    daemon.finish();
}

fn program(daemon: &Daemon) -> i32 {
    let log = daemon.dir().read("main.log");
    let pid = log.split("spawned: 'x' with pid ").nth(1).and_then(|rest| rest.lines().next());
    pid.and_then(|pid| pid.parse().ok()).expect("x was spawned")
}

#[test]
fn a_user_by_name() {
    becomes_daemon("user=daemon");
}

#[test]
fn a_user_by_number() {
    becomes_daemon("user=1");
}

#[test]
fn a_user_on_the_command_line_wins() {
    if skipped() {
        return;
    }
    let setup = face(&config("user=root")).arg("-u").arg("daemon");
    std::os::unix::fs::chown(setup.dir().path(), Some(1), Some(1)).unwrap();
    let daemon = setup.start();
    wait_running(&daemon);
    assert_eq!(proc::status(daemon.pid(), "Uid").unwrap(), "1\t1\t1\t1");
    daemon.finish();
}

#[test]
fn an_unknown_name() {
    if !skipped() {
        assert_refused(&face(&config("user=nosuchuser")).start(), "Invalid user name nosuchuser");
    }
}

#[test]
fn an_unknown_number() {
    if !skipped() {
        assert_refused(&face(&config("user=4123456")).start(), "Invalid user id 4123456");
    }
}

#[test]
fn another_user_where_we_are_not_root() {
    if !skipped() {
        let daemon = face_as(1, &config("user=bin")).start();
        assert_refused(&daemon, "Can't drop privilege as nonroot user");
        assert!(!daemon.dir().path().join("main.log").exists() && daemon.dir().list("s.sock").is_empty());
    }
}

#[test]
fn ourselves_where_we_are_not_root() {
    if skipped() {
        return;
    }
    let daemon = face_as(1, &config("user=daemon")).start();
    wait_running(&daemon);
    assert_eq!(log_of(&daemon)[0], "INFO Set uid to user 1 succeeded");
    daemon.finish();
}

#[test]
fn nobody_named_where_we_are_not_root() {
    if skipped() {
        return;
    }
    let daemon = face_as(1, &config("")).start();
    wait_running(&daemon);
    assert_eq!(log_of(&daemon)[0], "INFO RPC interface 'supervisor' initialized");
    daemon.finish();
}

#[test]
fn root_without_a_word_is_critical() {
    if skipped() {
        return;
    }
    let daemon = face(&config("")).start();
    wait_running(&daemon);
    assert_eq!(
        log_of(&daemon)[0],
        "CRIT Supervisor is running as root.  Privileges were not dropped because no user is specified in the config \
         file.  If you intend to run as root, you can set user=root in the config file to avoid this message."
    );
    daemon.finish();
}

#[test]
fn groups_are_the_users_own() {
    if skipped() {
        return;
    }
    // A user who is in more than one group, if this machine has one.
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let member = groups.lines().find_map(|l| {
        let fields: Vec<&str> = l.split(':').collect();
        let name = fields.get(3)?.split(',').find(|n| !n.is_empty() && *n != "root")?;
        Some((name.to_string(), fields.get(2)?.parse::<u32>().ok()?))
    });
    let Some((name, gid)) = member else { return println!("skipped: nobody is in a second group here") };
    let setup = face(&config(&format!("user={name}")));
    harness::temp::set_mode(setup.dir().path(), 0o777);
    let daemon = setup.start();
    wait_running(&daemon);
    let have = proc::status(daemon.pid(), "Groups").unwrap();
    assert!(have.split_whitespace().any(|g| g == gid.to_string()), "{name}: {have}");
    assert!(!have.split_whitespace().any(|g| g == "0"), "{have}");
    daemon.finish();
}

#[test]
fn a_reload_that_asks_for_another_user() {
    if skipped() {
        return;
    }
    let setup = face(&config("user=daemon"));
    std::os::unix::fs::chown(setup.dir().path(), Some(1), Some(1)).unwrap();
    let daemon = setup.start();
    wait_running(&daemon);
    let text = daemon.dir().read("c.conf").replace("user=daemon", "user=bin");
    daemon.dir().write("c.conf", &text);
    daemon.signal(1);
    if ours() {
        // Trap 43 [F]: refused before anything is stopped.
        wait_until("it says why", || {
            daemon.dir().read("main.log").contains("cannot restart, going on as we are")
        });
        assert_eq!(daemon.dir().read("main.log").matches("spawned: 'x'").count(), 1);
        daemon.finish();
    } else {
        assert_refused(&daemon, "Can't drop privilege as nonroot user");
    }
}
