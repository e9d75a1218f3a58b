//! Updates program by program that touch logs and event listeners.

use crate::update::{ask, holds, lives, pid, rewrite, steps, up, update};
use crate::update_more::wait_lives;
use harness::{Daemon, http, wait_until};

#[test]
fn limits_of_a_log_apply_to_the_open_file() {
    let program = |more: &str| {
        format!(
            "[program.x]\ncommand = [\"@puppet@\", \"wait-file\", \"@dir@/one\", \"spew\", \"3000\", \"touch\", \"@dir@/done1\", \
             \"wait-file\", \"@dir@/two\", \"spew\", \"3000\", \"hold\"]\nstartsecs = 0\nstdout_logfile = \"@dir@/x.log\"\n{more}\n"
        )
    };
    let daemon = up(&program("stdout_logfile_maxbytes = 0"), &["x"]);
    let before = pid(&daemon, "x");
    daemon.dir().write("one", "");
    let size = |name: &str| std::fs::metadata(daemon.dir().path().join(name)).map_or(0, |m| m.len());
    wait_until("it is written", || size("x.log") == 3000);
    rewrite(&daemon, &program("stdout_logfile_maxbytes = 4000\nstdout_logfile_backups = 1"));
    assert_eq!(update(&daemon), ["apply x:x stdout_logfile_backups stdout_logfile_maxbytes"]);
    daemon.dir().write("two", "");
    wait_until("it is rotated", || size("x.log.1") >= 4000);
    assert_eq!(pid(&daemon, "x"), before);
    assert_eq!(size("x.log") + size("x.log.1"), 6000);
    daemon.finish();
}

#[test]
fn another_log_file_takes_a_restart_and_nothing_is_lost() {
    let program = |file: &str| {
        format!(
            "[program.x]\ncommand = [\"@puppet@\", \"say\", \"hello\", \"hold\"]\nstartsecs = 0\nstdout_logfile = \"{file}\"\n"
        )
    };
    let daemon = up(&program("@dir@/one.log"), &["x"]);
    wait_until("it is written", || daemon.dir().read("one.log") == "hello\n");
    rewrite(&daemon, &program("@dir@/two.log"));
    assert_eq!(update(&daemon), ["restart x:x stdout_logfile"]);
    wait_until("it is written there", || daemon.dir().read("two.log") == "hello\n");
    assert_eq!(daemon.dir().read("one.log"), "hello\n");
    // An automatic one is no change by itself, and the place is made for the next start.
    rewrite(&daemon, &program("AUTO"));
    assert_eq!(update(&daemon), [""; 0]);
    daemon.finish();
}

#[test]
fn an_automatic_log_is_made_for_a_new_program_and_kept_over_a_restart() {
    let program = |more: &str| {
        format!(
            "[supervisor]\nchildlogdir = \"@dir@\"\n[program.x]\ncommand = [\"@puppet@\", \"say\", \"hello\", \"hold\"]\nstartsecs = 0\nstdout_logfile = \"AUTO\"\n{more}\n"
        )
    };
    let daemon = up(
        "[supervisor]\nchildlogdir = \"@dir@\"\n[program.y]\ncommand = [\"@puppet@\", \"hold\"]\n",
        &["y"],
    );
    rewrite(&daemon, &program(""));
    update(&daemon);
    let path = || daemon.info("x", "stdout_logfile").unwrap_or_default();
    wait_until("it is written", || std::fs::read_to_string(path()).is_ok_and(|t| t == "hello\n"));
    let first = path();
    rewrite(&daemon, &program("umask = \"077\""));
    assert_eq!(update(&daemon), ["restart x:x umask"]);
    wait_until("it goes on there", || std::fs::read_to_string(path()).is_ok_and(|t| t == "hello\nhello\n"));
    assert_eq!(path(), first);
    daemon.finish();
}

/// A listener that writes down what it gets.
fn listener(events: &str) -> String {
    format!(
        "[eventlistener.l]\ncommand = [\"@puppet@\", \"listener\", \"@dir@/l.got\", \"ok\"]\nstartsecs = 0\nevents = [{events}]\nstdout_logfile = \"@dir@/l.out\"\n"
    )
}

fn event(daemon: &Daemon, data: &str) {
    http::rpc(&daemon.socket(), "supervisor.sendRemoteCommEvent", &["k", data]).expect("it answers");
}

#[test]
fn a_listener_hears_other_events_without_a_restart() {
    let daemon = up(&(listener("\"TICK_3600\"") + &holds("a", "")), &["l", "a"]);
    wait_until("it is ready", || daemon.dir().read("l.out") == "READY\n");
    let before = pid(&daemon, "l");
    event(&daemon, "unheard");
    rewrite(&daemon, &(listener("\"REMOTE_COMMUNICATION\"") + &holds("a", "")));
    assert_eq!(update(&daemon), ["apply l:l events"]);
    event(&daemon, "heard");
    wait_until("it hears", || daemon.dir().read("l.got").contains("heard"));
    assert!(!daemon.dir().read("l.got").contains("unheard"));
    rewrite(&daemon, &(listener("\"TICK_5\"") + &holds("a", "")));
    assert_eq!(update(&daemon), ["apply l:l events"]);
    event(&daemon, "too late");
    wait_until("it gets ticks", || daemon.dir().read("l.got").contains("eventname:TICK_5"));
    assert!(!daemon.dir().read("l.got").contains("too late"));
    assert_eq!(pid(&daemon, "l"), before);
    daemon.finish();
}

#[test]
fn what_a_removed_member_of_a_pool_held_goes_to_the_other() {
    // It hangs until it is told otherwise.
    let pool = |n: i32| {
        format!(
            "[eventlistener.l]\ncommand = [\"sh\", \"-c\", \"A=hang; [ -e @dir@/go ] && A=ok; exec @puppet@ listener @dir@/%(process_num)d.got $A\"]\n\
             numprocs = {n}\nprocess_name = \"l%(process_num)d\"\nstartsecs = 0\nevents = [\"REMOTE_COMMUNICATION\"]\n\
             stdout_logfile = \"@dir@/%(process_num)d.out\"\n{}",
            holds("a", "")
        )
    };
    let daemon = up(&pool(2), &["l:l0", "l:l1", "a"]);
    for n in 0..2 {
        wait_until("it is ready", || daemon.dir().read(&format!("{n}.out")) == "READY\n");
    }
    event(&daemon, "one");
    event(&daemon, "two");
    wait_until("each has one", || {
        (0..2).all(|n| daemon.dir().read(&format!("{n}.got")).lines().count() == 1)
    });
    rewrite(&daemon, &pool(1));
    assert_eq!(update(&daemon), ["remove l:l1"]);
    let other = pid(&daemon, "l:l0");
    daemon.dir().write("go", "");
    // The one that is left holds its own still; after its end it gets both.
    harness::kill(other, 9).expect("it is there");
    wait_until("it has got all that was held", || {
        let got = daemon.dir().read("0.got");
        got.lines().count() == 3 && got.contains("one") && got.contains("two")
    });
    daemon.finish();
}

#[test]
fn output_becomes_events_without_a_restart() {
    let program = |more: &str| {
        format!(
            "{}[program.x]\ncommand = [\"@puppet@\", \"wait-file\", \"@dir@/go\", \"say\", \"hello\", \"hold\"]\nstartsecs = 0\n{more}\n",
            listener("\"PROCESS_LOG\"")
        )
    };
    let daemon = up(&program(""), &["l", "x"]);
    let before = pid(&daemon, "x");
    rewrite(&daemon, &program("stdout_events_enabled = true"));
    assert_eq!(update(&daemon), ["apply x:x stdout_events_enabled"]);
    daemon.dir().write("go", "");
    wait_until("it is an event", || daemon.dir().read("l.got").contains("channel:stdout\\nhello"));
    assert_eq!(pid(&daemon, "x"), before);
    daemon.finish();
}

#[test]
fn a_program_becomes_a_listener_of_the_same_name() {
    let program =
        "[program.l]\ncommand = [\"@puppet@\", \"stamp\", \"@dir@/l.st\", \"hold\"]\nstartsecs = 0\n";
    let daemon = up(&(program.to_owned() + &holds("a", "")), &["l", "a"]);
    rewrite(&daemon, &(listener("\"REMOTE_COMMUNICATION\"") + &holds("a", "")));
    assert_eq!(update(&daemon), ["remove l:l", "add l:l"]);
    wait_until("it is ready", || daemon.dir().read("l.out") == "READY\n");
    event(&daemon, "first");
    wait_until("it hears", || daemon.dir().read("l.got").contains("first"));
    rewrite(&daemon, &(program.to_owned() + &holds("a", "")));
    daemon.signal(1);
    wait_lives(&daemon, "l", 2);
    daemon.wait_state("l", "RUNNING");
    assert_eq!(lives(&daemon, "a"), 1);
    daemon.finish();
}

#[test]
fn another_sort_of_group_by_its_name_alone_changes_nothing_else() {
    let daemon = up(&(holds("l", "") + &holds("a", "")), &["l", "a"]);
    rewrite(&daemon, &(listener("\"TICK_60\"") + &holds("a", "umask = \"077\"")));
    assert_eq!(steps(&ask(&daemon, "update", &["l"])), ["remove l:l", "add l:l"]);
    wait_until("it is ready", || daemon.dir().read("l.out") == "READY\n");
    assert_eq!(lives(&daemon, "a"), 1);
    daemon.finish();
}
