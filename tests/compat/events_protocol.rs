//! What listeners may say, what becomes of an event that is not taken well, and of listeners that break the protocol.

use crate::events::{got, pool, told, wait_event, wait_told};
use crate::support::{Sup, ours, skipped, start, start_with};
use harness::wait_until;

/// A program that exits with 1, 2, … each time it is started.
const X: &str = "[program:x]\ncommand=@puppet@ exit 0\nstartsecs=0\nautorestart=false\nautostart=false\n";

/// What the listener's life looks like in the log: levels and all.
fn said_of(sup: &Sup, pool: &str) -> Vec<String> {
    let prefix = format!(" {pool}: ");
    sup.events().into_iter().filter(|l| l.contains(&prefix)).collect()
}

fn serials(sup: &Sup, pool: &str) -> Vec<String> {
    got(sup, pool).iter().map(|(h, _)| format!("{} {}", h["serial"], h["poolserial"])).collect()
}

#[test]
fn a_rejected_event_comes_again_with_the_same_serials() {
    if skipped() {
        return;
    }
    let sup = start_with("loglevel=debug\n", &pool("l", "fail,ok", "events=SUPERVISOR_STATE_CHANGE_RUNNING"));
    wait_told(&sup, "l", 2);
    assert_eq!(serials(&sup, "l"), ["0 0", "0 0"]);
    sup.wait_log_times("BUSY -> ACKNOWLEDGED", 2);
    sup.wait_log_times("ACKNOWLEDGED -> READY", 3);
    assert_eq!(
        said_of(&sup, "l"),
        [
            "DEBG l: ACKNOWLEDGED -> READY",
            "WARN l: event was rejected",
            "DEBG l: BUSY -> ACKNOWLEDGED",
            "DEBG l: ACKNOWLEDGED -> READY",
            "DEBG l: event was processed",
            "DEBG l: BUSY -> ACKNOWLEDGED",
            "DEBG l: ACKNOWLEDGED -> READY",
        ]
    );
    let others: Vec<String> =
        sup.events().into_iter().filter(|l| l.contains("event 0")).map(|l| l.replace('\n', " ")).collect();
    assert_eq!(
        others,
        [
            "DEBG event 0 sent to listener l",
            "DEBG rebuffering event 0 for pool l (buf size=0, max=10)",
            "DEBG event 0 sent to listener l",
        ]
    );
    sup.finish();
}

#[test]
fn a_rejected_event_stays_in_its_pool() {
    if skipped() {
        return;
    }
    // Trap 72: theirs gives it to every pool with a listener of the same priority.
    let sup = start(
        &(pool("l", "fail,ok", "events=SUPERVISOR_STATE_CHANGE_RUNNING") + &pool("m", "ok", "events=TICK_5")),
    );
    wait_told(&sup, "l", 2);
    wait_event(&sup, "m", "TICK_5");
    let strange = told(&sup, "m").iter().filter(|e| e.starts_with("SUPERVISOR")).count();
    assert_eq!(strange, if ours() { 0 } else { 1 });
    sup.finish();
}

#[test]
fn the_word_of_a_result_does_not_matter_and_its_length_may_have_blanks() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "loglevel=debug\n",
        &(pool("l", "XXXXXXX2\\nOK,RESULT  +2 \\nOK,RESULT 0_2\\nOK,ok", "events=PROCESS_STATE_STARTING")
            + X),
    );
    sup.wait_file("l.out", "READY\n");
    for n in 1..=3 {
        sup.ctl(&["start", "x"]);
        sup.wait_log_times("exited: x", n);
    }
    // The listener's own start is the first.
    wait_told(&sup, "l", 4);
    sup.wait_log_times("event was processed", 4);
    assert!(!sup.log().contains("WARN l"), "{}", sup.log());
    sup.finish();
}

#[test]
fn an_empty_result_is_answered() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "loglevel=debug\n",
        &pool("l", "RESULT 0\\n,ok", "events=SUPERVISOR_STATE_CHANGE_RUNNING"),
    );
    wait_told(&sup, "l", 1);
    // Trap 73: theirs waits for the next bytes, which are READY, and takes the result then.
    wait_told(&sup, "l", 2);
    sup.wait_log("l: event was processed");
    assert_eq!(sup.log().matches("WARN l: event was rejected").count(), 1);
    sup.finish();
}

#[test]
fn an_empty_result_without_anything_behind_it_hangs_only_there() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "loglevel=debug\n",
        "[eventlistener:m]\ncommand=sh -c 'echo READY; read line; echo RESULT 0; exec sleep 1000'\n\
         events=SUPERVISOR_STATE_CHANGE_RUNNING\nstartsecs=0\n",
    );
    sup.wait_log("event 0 sent to listener m");
    sup.wait_log("RESULT 0");
    if ours() {
        // Trap 73.
        sup.wait_log("WARN m: event was rejected");
    } else {
        assert!(!sup.log().contains("rejected"));
    }
    sup.finish();
}

/// One pool whose first answer is this line and nothing else; the log of the pool.
fn after_bad_line(answer: &str) -> Vec<String> {
    let sup = start_with("loglevel=debug\n", &pool("l", answer, "events=SUPERVISOR_STATE_CHANGE_RUNNING"));
    sup.wait_log("UNKNOWN state");
    // It is for ever: nothing comes again.
    sup.wait_log("rebuffering event 0 for pool l (buf size=0, max=10)");
    let seen = said_of(&sup, "l");
    assert_eq!(told(&sup, "l").len(), 1);
    sup.finish();
    seen
}

fn unknown_after(line: &str) -> Vec<String> {
    vec![
        "DEBG l: ACKNOWLEDGED -> READY".to_owned(),
        format!("WARN l: bad result line: '{line}'"),
        "DEBG l: BUSY -> UNKNOWN".to_owned(),
        "WARN l: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process \
         violated the eventlistener protocol"
            .to_owned(),
    ]
}

#[test]
fn a_result_without_a_number_is_the_end_of_a_listener() {
    if !skipped() {
        assert_eq!(after_bad_line("RESULT two\\nOK"), unknown_after("RESULT two"));
    }
}

#[test]
fn a_short_result_line_is_the_end_of_a_listener() {
    if !skipped() {
        assert_eq!(after_bad_line("OK\\n"), unknown_after("OK"));
    }
}

#[test]
fn words_before_ready_are_the_end_of_a_listener() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "loglevel=debug\n",
        "[eventlistener:l]\ncommand=@puppet@ print hello after 50 print ' world' hold\nevents=TICK_5\nstartsecs=0\n",
    );
    sup.wait_log("UNKNOWN state");
    assert_eq!(said_of(&sup, "l")[0], "DEBG l: ACKNOWLEDGED -> UNKNOWN");
    sup.finish();
}

#[test]
fn words_while_it_is_ready_are_the_end_of_a_listener() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "loglevel=debug\n",
        "[eventlistener:l]\ncommand=@puppet@ say READY say READY hold\nevents=TICK_3600\nstartsecs=0\n",
    );
    sup.wait_log("UNKNOWN state");
    let seen = said_of(&sup, "l");
    assert_eq!(seen[..2], ["DEBG l: ACKNOWLEDGED -> READY", "DEBG l: READY -> UNKNOWN"]);
    sup.finish();
}

#[test]
fn an_event_of_a_listener_that_dies_goes_to_its_next_life() {
    if skipped() {
        return;
    }
    let sup = start(&pool("l", "die", "events=SUPERVISOR_STATE_CHANGE_RUNNING\nautorestart=true"));
    wait_told(&sup, "l", 2);
    assert_eq!(serials(&sup, "l")[..2], ["0 0", "0 0"]);
    sup.finish();
}

#[test]
fn another_member_takes_what_the_first_does_not_answer_to() {
    if skipped() {
        return;
    }
    let settings = "events=PROCESS_STATE_EXITED\nnumprocs=2\nprocess_name=l%%(process_num)s";
    let hang = pool("l", "hang", settings).replace("%%", "%");
    let sup = start_with("loglevel=debug\n", &(hang + X));
    sup.wait_log("l0: ACKNOWLEDGED -> READY");
    sup.wait_log("l1: ACKNOWLEDGED -> READY");
    sup.wait_log("success: l1");
    for n in 1..=3 {
        sup.ctl(&["start", "x"]);
        sup.wait_log_times("exited: x", n);
    }
    sup.wait_log("event 1 sent to listener l1");
    // The first member in the order of its creation; the third event waits.
    assert!(sup.log().contains("event 0 sent to listener l0"));
    assert!(!sup.log().contains("event 2 sent"));
    sup.finish();
}

#[test]
fn nothing_is_sent_before_the_process_is_running() {
    if skipped() {
        return;
    }
    // Trap 75.
    let sup = start_with(
        "loglevel=debug\n",
        &pool("l", "ok", "events=SUPERVISOR_STATE_CHANGE_RUNNING").replace("startsecs=0", "startsecs=2"),
    );
    wait_told(&sup, "l", 1);
    let events = sup.events();
    let at = |text: &str| events.iter().position(|l| l.contains(text));
    assert!(at("ACKNOWLEDGED -> READY") < at("event 0 sent"), "{events:#?}");
    sup.wait_log("success: l");
    let log = sup.log();
    let (spawned, sent) = (moment(&log, "spawned: 'l'"), moment(&log, "event 0 sent"));
    assert!(sent - spawned >= 2_000, "{log}");
    sup.finish();
}

/// Milliseconds of the day of the first line with the text.
fn moment(log: &str, text: &str) -> i64 {
    let line = log.lines().find(|l| l.contains(text)).unwrap_or_else(|| panic!("no {text} in {log}"));
    let n = |range: std::ops::Range<usize>| line[range].parse::<i64>().expect("a time");
    ((n(11..13) * 60 + n(14..16)) * 60 + n(17..19)) * 1000 + n(20..23)
}

#[test]
fn a_full_buffer_loses_the_oldest() {
    if skipped() {
        return;
    }
    let sup = start(&(pool("l", "hang", "events=PROCESS_STATE_EXITED\nbuffer_size=2") + X));
    sup.wait_file("l.out", "READY\n");
    sup.wait_log("success: l");
    for n in 1..=5 {
        sup.ctl(&["start", "x"]);
        sup.wait_log_times("exited: x", n);
        if n == 1 {
            wait_told(&sup, "l", 1);
        }
    }
    // The first is being worked on, two are kept.
    sup.wait_log("ERRO pool l event buffer overflowed, discarding event 2");
    let lost: Vec<String> = sup.events().into_iter().filter(|l| l.contains("overflowed")).collect();
    let line = |n: u32| format!("ERRO pool l event buffer overflowed, discarding event {n}");
    assert_eq!(lost, [line(1), line(2)]);
    sup.finish();
}

#[test]
fn what_happens_before_the_first_listener_is_ready_is_kept() {
    if skipped() {
        return;
    }
    let programs: String =
        (0..12).map(|n| format!("[program:p{n:02}]\ncommand=@puppet@ hold\nstartsecs=0\n")).collect();
    let sup = start(&(pool("l", "ok", "events=PROCESS_GROUP_ADDED") + &programs));
    wait_event(&sup, "l", "PROCESS_GROUP_ADDED groupname:p11");
    // Trap 74.
    let n_lost = sup.log().matches("overflowed").count();
    assert_eq!((n_lost, told(&sup, "l").len()), if ours() { (0, 13) } else { (3, 10) });
    sup.finish();
}

#[test]
fn a_listener_that_does_not_read_gets_one_event_and_holds_up_nobody() {
    if skipped() {
        return;
    }
    // More than a pipe takes, for a listener that never reads.
    let sup = start_with(
        "loglevel=info\n",
        &("[eventlistener:deaf]\ncommand=@puppet@ say READY hold\nevents=PROCESS_LOG\nstartsecs=0\nstdout_logfile=@dir@/deaf.out\n"
            .to_owned()
            + &pool("l", "ok", "events=PROCESS_STATE_EXITED")
            + "[program:x]\ncommand=@puppet@ spew 300000 exit 0\nstartsecs=0\nautorestart=false\nautostart=false\n\
               stdout_logfile=@dir@/x.out\nstdout_logfile_maxbytes=0\nstdout_events_enabled=true\n"),
    );
    sup.wait_file("deaf.out", "READY\n");
    sup.wait_log("success: deaf");
    sup.ctl(&["start", "x"]);
    wait_event(&sup, "l", "PROCESS_STATE_EXITED processname:x");
    wait_until("all output is there", || sup.bytes("x.out").len() == 300_000);
    sup.finish();
}

#[test]
fn what_a_listener_says_is_in_its_log_and_errors_are_beside() {
    if skipped() {
        return;
    }
    let sup = start(&pool("l", "ok", "events=SUPERVISOR_STATE_CHANGE_RUNNING"));
    sup.wait_file("l.out", "READY\nRESULT 2\nOKREADY\n");
    assert_eq!((sup.file("l.out").as_str(), sup.file("l.err").as_str()), ("READY\nRESULT 2\nOKREADY\n", ""));
    sup.finish();
}

#[test]
fn a_listener_without_a_log_is_heard_all_the_same() {
    if skipped() {
        return;
    }
    let sup = start(
        &pool("l", "ok", "events=SUPERVISOR_STATE_CHANGE_RUNNING")
            .replace("stdout_logfile=@dir@/l.out", "stdout_logfile=NONE"),
    );
    wait_told(&sup, "l", 1);
    sup.finish();
}

#[test]
fn a_copy_of_what_a_listener_says_is_shown_as_bytes() {
    if skipped() {
        return;
    }
    let sup = start_with("loglevel=debug\n", &pool("l", "ok", "events=SUPERVISOR_STATE_CHANGE_RUNNING"));
    sup.wait_log("DEBG 'l' stdout output:\nb'READY\\n'\n");
    sup.finish();
}

#[test]
fn a_listener_that_has_closed_its_stdin_is_passed_over() {
    if skipped() {
        return;
    }
    let command = "sh -c 'if [ $N = 0 ]; then exec <&-; echo READY; exec sleep 1000; fi; exec @dir@/puppet listener @dir@/got ok'";
    let sup = start_with(
        "loglevel=debug\n",
        &format!(
            "[eventlistener:l]\ncommand={command}\nenvironment=N=\"%(process_num)s\"\nevents=PROCESS_STATE_EXITED\n\
             numprocs=2\nprocess_name=l%(process_num)s\nstartsecs=0\n{X}"
        ),
    );
    sup.wait_log("l0: ACKNOWLEDGED -> READY");
    sup.wait_log("l1: ACKNOWLEDGED -> READY");
    sup.wait_log("success: l1");
    sup.ctl(&["start", "x"]);
    sup.wait_file("got", "PROCESS_STATE_EXITED");
    let seen: Vec<String> = sup.events().into_iter().filter(|l| l.contains(" event 0 ")).collect();
    assert_eq!(
        seen,
        [
            "DEBG epipe occurred while sending event 0 to listener l0, listener state unchanged",
            "DEBG event 0 sent to listener l1",
        ]
    );
    sup.finish();
}
