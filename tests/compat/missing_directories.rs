//! Directories of logs and pidfiles that are not there: refused, or made where `[mainstay]` asks for it.

use crate::face::{assert_refused, face, log_of, owned};
use crate::support::{ours, skipped};
use harness::wait_until;

const API: &str = "[unix_http_server]\nfile=@sock@\n\
    [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";

fn config(settings: &str, program: &str) -> String {
    format!(
        "[supervisord]\nnodaemon=true\nsilent=true\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
         {settings}\n{API}[program:x]\ncommand=cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n{program}\n"
    )
}

fn refused(settings: &str, program: &str, words: &str) {
    if skipped() {
        return;
    }
    let setup = face(&config(settings, program));
    let words = setup.fill(words).replace(&setup.dir().path().display().to_string(), "@dir@");
    let daemon = setup.start();
    assert_refused(&daemon, &words);
    if ours() {
        // How to have it made is said behind.
        wait_until("it says how", || daemon.stderr().contains("create_directories = true"));
        assert!(!daemon.dir().path().join("no").exists());
    }
}

#[test]
fn of_the_log() {
    let words = "The directory named as part of the path @dir@/no/such/x.log does not exist";
    refused("logfile=@dir@/no/such/x.log", "", words);
}

#[test]
fn of_the_pidfile() {
    let words = "The directory named as part of the path @dir@/no/such/x.pid does not exist";
    refused("pidfile=@dir@/no/such/x.pid", "", words);
}

#[test]
fn of_auto_logs() {
    refused("childlogdir=@dir@/no/such", "", "@dir@/no/such is not an existing directory");
}

#[test]
fn of_a_programs_log() {
    refused(
        "",
        "stderr_logfile=@dir@/no/such/x.log",
        "The directory named as part of the path @dir@/no/such/x.log does not exist in section 'program:x' (file: \
         '@dir@/c.conf')",
    );
}

const MAKE: &str = "[mainstay]\ncreate_directories=true\n";

#[test]
fn they_are_made_where_it_is_asked_for() {
    if skipped() {
        return;
    }
    let settings = "user=root\nlogfile=@dir@/a/b/main.log\npidfile=@dir@/c/d.pid\nchildlogdir=@dir@/e";
    let program = "stdout_logfile=@dir@/f/g/x.log\nstderr_logfile=AUTO\n";
    let daemon = face(&config(settings, &format!("{program}{MAKE}")))
        .launcher(&["sh", "-c", "umask 022; exec \"$@\"", "sh"])
        .start();
    if !ours() {
        // Theirs does not know the section.
        return assert_refused(
            &daemon,
            "The directory named as part of the path @dir@/a/b/main.log does not exist",
        );
    }
    wait_until("x runs", || daemon.dir().read("a/b/main.log").contains("success: x"));
    for dir in ["a", "a/b", "c", "e", "f", "f/g"] {
        assert_eq!(owned(&daemon, dir), (0, 0, 0o755), "{dir}");
    }
    assert_eq!(daemon.dir().read("c/d.pid"), format!("{}\n", daemon.pid()));
    assert!(daemon.dir().path().join("f/g/x.log").exists());
    daemon.finish();
}

#[test]
fn they_belong_to_the_user_who_writes_there() {
    if skipped() || !ours() {
        return;
    }
    // The directory itself stays root's: the user could not make them.
    let settings = "user=daemon\nlogfile=@dir@/a/main.log\npidfile=@dir@/a/b/d.pid\nchildlogdir=@dir@/e";
    let program = "stdout_logfile=@dir@/f/x.log\nstderr_logfile=AUTO\n";
    let daemon = face(&config(settings, &format!("{program}{MAKE}"))).start();
    wait_until("x runs", || daemon.dir().read("a/main.log").contains("success: x"));
    for dir in ["a", "a/b", "e", "f", "a/main.log", "a/b/d.pid", "f/x.log"] {
        let (uid, gid, _) = owned(&daemon, dir);
        assert_eq!((uid, gid), (1, 1), "{dir}");
    }
    assert_eq!(owned(&daemon, "").0, 0);
    harness::kill(daemon.pid(), 15).unwrap();
    assert_eq!(daemon.wait_exit(), 0);
    assert!(!daemon.dir().path().join("a/b/d.pid").exists());
}

#[test]
fn one_that_cannot_be_made_is_named_once_and_it_goes_on() {
    if skipped() || !ours() {
        return;
    }
    let program = "stdout_logfile=@dir@/file/below/x.log\nstderr_logfile=@dir@/file/below/y.log\n";
    let daemon =
        face(&config("user=root", &format!("{program}{MAKE}[program:y]\ncommand=cat\nstartsecs=0\n")))
            .file("file", "")
            .start();
    wait_until("y runs", || daemon.dir().read("main.log").contains("success: y"));
    let log = log_of(&daemon);
    let named: Vec<&String> = log.iter().filter(|l| l.contains("cannot create the directory")).collect();
    assert_eq!(named.len(), 1, "{log:?}");
    assert!(
        named[0].starts_with("ERRO cannot create the directory `@dir@/file`: Not a directory"),
        "{named:?}"
    );
    daemon.finish();
}
