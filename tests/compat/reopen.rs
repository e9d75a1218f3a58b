//! SIGUSR2 after a logrotate: files are opened anew by their names, and not a byte is lost meanwhile.

use crate::support::{Sup, header, ours, setup, skipped, start, strip_time};
use harness::pattern;
use harness::wait_until;

const USR2: i32 = 12;

/// Sends SIGUSR2 and waits until it has been dealt with; `n` is how often it was sent so far.
#[track_caller]
fn reopen(sup: &Sup, old_log: &str, n: usize) {
    sup.0.signal(USR2);
    wait_until("the request is logged", || {
        (sup.file(old_log) + &sup.log()).matches("INFO supervisord logreopen\n").count() >= n
    });
    // The last file to be reopened is that of the last program.
    sup.ctl(&["pid"]).expect(0);
}

/// A program that says `one`, and `two` when it is asked to.
fn talker(name: &str, log: &str) -> String {
    format!(
        "[program:{name}]\ncommand=@puppet@ say one wait-file @dir@/go say two hold\nstartsecs=0\n\
         stdout_logfile={log}\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n"
    )
}

#[test]
fn the_request_is_logged_where_the_log_was_and_what_follows_in_the_new_one() {
    if skipped() {
        return;
    }
    let sup = start(&talker("x", "@dir@/x.out"));
    sup.wait_file("x.out", "one");
    let dir = sup.0.dir().path();
    std::fs::rename(dir.join("main.log"), dir.join("main.old")).unwrap();
    reopen(&sup, "main.old", 1);
    let old = sup.file("main.old");
    let last: Vec<String> = old.lines().rev().take(2).filter_map(strip_time).collect();
    assert_eq!(last, ["INFO supervisord logreopen", "INFO received SIGUSR2 indicating log reopen request"]);
    wait_until("the new one is there", || dir.join("main.log").exists());
    sup.ctl(&["stop", "x"]).expect(0);
    sup.wait_log("WARN stopped: x (terminated by SIGTERM)\n");
    assert!(!sup.file("main.old").contains("stopped: x"));
    sup.finish();
}

#[test]
fn files_that_were_deleted_are_made_again() {
    if skipped() {
        return;
    }
    let sup = start(&(talker("x", "@dir@/x.out") + &talker("y", "AUTO")));
    sup.wait_file("x.out", "one");
    sup.wait_log("success: y");
    let child = sup.0.dir().path().join("child");
    let auto = || {
        let entries = std::fs::read_dir(&child).unwrap().filter_map(Result::ok).map(|e| e.path());
        entries.filter(|p| p.display().to_string().contains("y-stdout")).collect::<Vec<_>>()
    };
    let auto_log = auto().pop().expect("AUTO is there");
    wait_until("y has spoken", || std::fs::read(&auto_log).is_ok_and(|b| b == b"one\n"));
    for path in [sup.0.dir().path().join("x.out"), auto_log.clone()] {
        std::fs::remove_file(path).unwrap();
    }
    reopen(&sup, "main.log", 1);
    wait_until("both are there", || sup.0.dir().path().join("x.out").exists() && auto_log.exists());
    sup.0.dir().write("go", "");
    sup.wait_file("x.out", "two\n");
    assert_eq!(sup.file("x.out"), "two\n");
    wait_until("y too", || std::fs::read(&auto_log).is_ok_and(|b| b == b"two\n"));
    sup.finish();
}

#[test]
fn two_holders_of_one_file_both_go_on_in_the_new_one() {
    if skipped() {
        return;
    }
    let sup = start(&(talker("x", "@dir@/both") + &talker("y", "@dir@/both")));
    sup.wait_file("both", "one\none\n");
    let dir = sup.0.dir().path();
    std::fs::rename(dir.join("both"), dir.join("old")).unwrap();
    reopen(&sup, "main.log", 1);
    wait_until("the new one is there", || dir.join("both").exists());
    sup.0.dir().write("go", "");
    sup.wait_file("both", "two\ntwo\n");
    assert_eq!((sup.file("old").as_str(), sup.file("both").as_str()), ("one\none\n", "two\ntwo\n"));
    sup.finish();
}

#[test]
fn a_file_that_was_not_moved_is_appended_to() {
    if skipped() {
        return;
    }
    let sup = start(&talker("x", "@dir@/x.out"));
    sup.wait_file("x.out", "one");
    reopen(&sup, "main.log", 1);
    reopen(&sup, "main.log", 2);
    sup.0.dir().write("go", "");
    sup.wait_file("x.out", "two");
    assert_eq!(sup.file("x.out"), "one\ntwo\n");
    sup.finish();
}

#[test]
fn streams_are_left_alone() {
    if skipped() {
        return;
    }
    let sup = start(&talker("x", "/dev/stdout"));
    wait_until("it has spoken", || sup.0.stdout() == "one\n");
    reopen(&sup, "main.log", 1);
    sup.0.dir().write("go", "");
    wait_until("and again", || sup.0.stdout() == "one\ntwo\n");
    sup.finish();
}

#[test]
fn no_byte_is_lost_while_logs_are_moved_away_under_a_writer() {
    if skipped() {
        return;
    }
    let program = "[program:x]\ncommand=sh -c 'while [ ! -e @dir@/stop ]; do cat @dir@/in; done'\nstartsecs=0\n\
         autorestart=false\nstdout_logfile=@dir@/x.out\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n";
    let piece = String::from_utf8(pattern::bytes(6_400)).unwrap();
    let sup = Sup::new(setup(&(header("") + program)).file("in", &piece));
    let dir = sup.0.dir().path();
    for n in 0..20 {
        wait_until("the file grows", || !sup.bytes("x.out").is_empty());
        std::fs::rename(dir.join("x.out"), dir.join(format!("x.{n:03}"))).unwrap();
        sup.0.signal(USR2);
        wait_until("the new one is there", || dir.join("x.out").exists());
    }
    sup.0.dir().write("stop", "");
    sup.wait_log("exited: x");
    let mut names = sup.0.dir().list("x.");
    names.sort_by_key(|name| (name == "x.out", name.clone()));
    let whole: Vec<u8> = names.iter().flat_map(|name| sup.bytes(name)).collect();
    assert_eq!((names.len(), whole.len() % piece.len()), (21, 0));
    assert!(whole.chunks(piece.len()).all(|part| part == piece.as_bytes()), "bytes differ");
    sup.finish();
}

#[test]
fn a_log_that_cannot_be_opened_again_goes_on_where_it_is() {
    if skipped() {
        return;
    }
    let config = header("") + &talker("x", "@dir@/logs/x.out") + &talker("y", "@dir@/y.out");
    let sup = Sup::new(setup(&config).file("logs/.keep", ""));
    sup.wait_file("logs/x.out", "one");
    let dir = sup.0.dir().path();
    std::fs::rename(dir.join("logs"), dir.join("moved")).unwrap();
    sup.0.signal(USR2);
    if !ours() {
        // Theirs ends with a traceback, and leaves every program behind.
        assert_eq!(sup.0.wait_exit(), 1);
        assert!(sup.0.stderr().contains("FileNotFoundError"), "{}", sup.0.stderr());
        let _ = std::fs::remove_file(dir.join("d.pid"));
        return;
    }
    sup.wait_log("ERRO cannot reopen log ");
    assert!(sup.log().contains("logs/x.out, going on with it: No such file or directory"), "{}", sup.log());
    sup.0.dir().write("go", "");
    sup.wait_file("moved/x.out", "one\ntwo\n");
    sup.wait_file("y.out", "one\ntwo\n");
    sup.finish();
}
