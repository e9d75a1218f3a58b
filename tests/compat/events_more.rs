//! Events in less usual places: groups, several pools and members, restarts, listeners that come late or go and come.

use crate::events::{got, pool, told, wait_event, wait_told};
use crate::support::{skipped, start, start_with};
use harness::wait_until;

#[test]
fn the_group_of_a_process_is_the_one_it_stands_in() {
    if skipped() {
        return;
    }
    let sup = start(
        &(pool("l", "ok", "events=PROCESS_STATE_EXITED,PROCESS_GROUP_ADDED")
            + "[group:all]\nprograms=x\n\
               [program:x]\ncommand=@puppet@ exit 0\nprocess_name=n%(process_num)s\nnumprocs=2\nstartsecs=0\nautorestart=false\n"),
    );
    let mut seen = wait_told(&sup, "l", 4);
    seen.sort();
    assert_eq!(
        seen,
        [
            "PROCESS_GROUP_ADDED groupname:all\\n",
            "PROCESS_GROUP_ADDED groupname:l\\n",
            "PROCESS_STATE_EXITED processname:n0 groupname:all from_state:RUNNING expected:1 pid:PID",
            "PROCESS_STATE_EXITED processname:n1 groupname:all from_state:RUNNING expected:1 pid:PID",
        ]
    );
    sup.finish();
}

#[test]
fn what_is_stopped_between_two_tries_has_no_pid() {
    if skipped() {
        return;
    }
    let sup = start(
        &(pool("l", "ok", "events=process_state_stopped,Process_State_Backoff")
            + "[program:x]\ncommand=@puppet@ exit 1\nautostart=false\nstartretries=100\nstartsecs=5\n"),
    );
    sup.wait_log("success: l");
    sup.ctl(&["start", "x"]);
    wait_until("it waits for its third try", || told(&sup, "l").len() >= 3);
    sup.ctl(&["stop", "x"]);
    let seen = wait_event(&sup, "l", "PROCESS_STATE_STOPPED");
    assert_eq!(
        seen.last().map(String::as_str),
        Some("PROCESS_STATE_STOPPED processname:x groupname:x from_state:BACKOFF pid:PID")
    );
    assert!(sup.file("l.got").contains("from_state:BACKOFF pid:0\n"));
    assert_eq!(seen[2], "PROCESS_STATE_BACKOFF processname:x groupname:x from_state:STARTING tries:3");
    sup.finish();
}

#[test]
fn a_command_that_is_not_there_is_told_too() {
    if skipped() {
        return;
    }
    let sup = start(
        &(pool("l", "ok", "events=PROCESS_STATE_STARTING,PROCESS_STATE_BACKOFF,PROCESS_STATE_FATAL")
            + "[program:x]\ncommand=/nowhere/at/all\nstartretries=0\n"),
    );
    let seen: Vec<String> = wait_event(&sup, "l", "PROCESS_STATE_FATAL");
    let seen: Vec<&str> = seen.iter().filter(|e| e.contains("processname:x")).map(String::as_str).collect();
    assert_eq!(
        seen,
        [
            "PROCESS_STATE_STARTING processname:x groupname:x from_state:STOPPED tries:0",
            "PROCESS_STATE_BACKOFF processname:x groupname:x from_state:STARTING tries:1",
            "PROCESS_STATE_FATAL processname:x groupname:x from_state:BACKOFF",
        ]
    );
    sup.finish();
}

#[test]
fn a_restart_of_the_whole_is_a_stop_too() {
    if skipped() {
        return;
    }
    let sup = start(
        &(pool("l", "ok", "events=SUPERVISOR_STATE_CHANGE")
            + "[program:x]\ncommand=@puppet@ ignore TERM touch @dir@/up wait-file @dir@/go exit 0\nstartsecs=0\n"),
    );
    wait_told(&sup, "l", 1);
    wait_until("it ignores TERM", || sup.0.dir().path().join("up").exists());
    sup.0.signal(1);
    wait_told(&sup, "l", 2);
    sup.0.dir().write("go", "");
    assert_eq!(
        wait_told(&sup, "l", 3)[..3],
        [
            "SUPERVISOR_STATE_CHANGE_RUNNING ",
            "SUPERVISOR_STATE_CHANGE_STOPPING ",
            "SUPERVISOR_STATE_CHANGE_RUNNING "
        ]
    );
    sup.finish();
}

#[test]
fn what_one_member_spoils_goes_to_the_other() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "loglevel=debug\n",
        "[eventlistener:l]\ncommand=sh -c 'exec @dir@/puppet listener @dir@/$N.got \"$A\"'\nnumprocs=2\nprocess_name=l%(process_num)s\n\
         environment=N=\"l%(process_num)s\",A=\"RESULT x\\n\"\nevents=SUPERVISOR_STATE_CHANGE_RUNNING\nstartsecs=1\n",
    );
    // Both break the protocol, one after the other, over the same event.
    sup.wait_log_times("has entered the UNKNOWN state", 2);
    let one = |name: &str| got(&sup, name).iter().map(|(h, _)| h["serial"].clone()).collect::<Vec<_>>();
    assert_eq!((one("l0"), one("l1")), (vec!["0".to_owned()], vec!["0".to_owned()]));
    sup.wait_log_times("WARN l0: bad result line: 'RESULT x'", 1);
    sup.wait_log_times("WARN l1: bad result line: 'RESULT x'", 1);
    sup.finish();
}

#[test]
fn events_wait_for_a_listener_that_is_stopped() {
    if skipped() {
        return;
    }
    let sup = start(
        &(pool("l", "ok", "events=PROCESS_STATE_EXITED\nautostart=false")
            + "[program:x]\ncommand=@puppet@ exit 0\nstartsecs=0\nautorestart=false\nautostart=false\n"),
    );
    sup.wait_log("started with pid");
    for n in 1..=2 {
        sup.ctl(&["start", "x"]);
        sup.wait_log_times("exited: x", n);
    }
    sup.ctl(&["start", "l"]);
    wait_told(&sup, "l", 2);
    // Stopped and started: it goes on with what has happened meanwhile, and nothing comes twice.
    sup.wait_file("l.out", "RESULT 2\nOKREADY\nRESULT 2\nOKREADY\n");
    sup.ctl(&["stop", "l"]);
    sup.ctl(&["start", "x"]);
    sup.wait_log_times("exited: x", 3);
    sup.ctl(&["start", "l"]);
    wait_told(&sup, "l", 3);
    let numbers: Vec<String> =
        got(&sup, "l").iter().map(|(h, _)| format!("{} {}", h["serial"], h["poolserial"])).collect();
    assert_eq!(numbers, ["0 0", "1 1", "2 2"]);
    sup.finish();
}

#[test]
fn a_listener_hears_of_itself() {
    if skipped() {
        return;
    }
    let sup = start(&pool("l", "ok", "events=PROCESS_STATE"));
    let seen = wait_told(&sup, "l", 2);
    assert_eq!(
        seen,
        [
            "PROCESS_STATE_STARTING processname:l groupname:l from_state:STOPPED tries:0",
            "PROCESS_STATE_RUNNING processname:l groupname:l from_state:STARTING pid:PID",
        ]
    );
    sup.finish();
}

#[test]
fn words_in_small_pieces_are_words_all_the_same() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "loglevel=debug\n",
        "[eventlistener:l]\n\
         command=@puppet@ print RE after 30 print AD after 30 say Y after 300 print RESU after 30 say 'LT 2' after 30 print O after 30 print K after 30 say READY hold\n\
         events=SUPERVISOR_STATE_CHANGE_RUNNING\nstartsecs=0\n",
    );
    sup.wait_log_times("l: ACKNOWLEDGED -> READY", 2);
    sup.wait_log("l: event was processed");
    assert!(!sup.log().contains("WARN l:"), "{}", sup.log());
    sup.finish();
}

#[test]
fn escapes_are_taken_out_of_a_listeners_log_but_not_of_its_answers() {
    if skipped() {
        return;
    }
    let answer = "RESULT 6\\n\x1b[0mOK";
    let sup = start_with(
        "strip_ansi=true\nloglevel=debug\n",
        &pool("l", answer, "events=SUPERVISOR_STATE_CHANGE_RUNNING\n"),
    );
    // Six bytes, four of them an escape: no OK, but whole.
    sup.wait_log("WARN l: event was rejected");
    sup.wait_file("l.out", "RESULT 6\nOKREADY\n");
    assert!(!sup.log().contains("UNKNOWN"));
    sup.finish();
}
