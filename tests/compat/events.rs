//! Events: when they happen, their headers and payloads, serials, pools. The listener is a puppet that writes all down.

use crate::support::{Sup, masked, ours, skipped, start, start_with};
use harness::wait_until;
use std::collections::BTreeMap;

/// A pool `name` of one puppet that writes to the file of its name, gives these answers, and has these settings.
pub(crate) fn pool(name: &str, answers: &str, settings: &str) -> String {
    format!(
        "[eventlistener:{name}]\ncommand=@puppet@ listener @dir@/{name}.got '{answers}'\nstartsecs=0\n\
         stdout_logfile=@dir@/{name}.out\nstderr_logfile=@dir@/{name}.err\n{settings}\n"
    )
}

/// What the listeners of the pool have got: the words of the header and the payload.
pub(crate) fn got(sup: &Sup, pool: &str) -> Vec<(BTreeMap<String, String>, String)> {
    let text = sup.file(&format!("{pool}.got"));
    let parsed = text.lines().map(|line| {
        let (header, payload) = line.split_once('|').expect("the puppet writes a bar");
        let words = header.split(' ').filter_map(|w| w.split_once(':'));
        (words.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(), payload.to_owned())
    });
    parsed.collect()
}

/// `EVENT payload` of what has arrived, in order; pids and times masked.
pub(crate) fn told(sup: &Sup, pool: &str) -> Vec<String> {
    got(sup, pool)
        .iter()
        .map(|(h, payload)| format!("{} {}", h["eventname"], masked_event(payload)))
        .collect()
}

fn masked_event(payload: &str) -> String {
    masked(&payload.replace("pid:", "pid ")).replace("pid ", "pid:")
}

#[track_caller]
pub(crate) fn wait_told(sup: &Sup, pool: &str, n: usize) -> Vec<String> {
    wait_until(&format!("{pool} has got {n} events"), || told(sup, pool).len() >= n);
    told(sup, pool)
}

/// Waits until the event has arrived.
#[track_caller]
pub(crate) fn wait_event(sup: &Sup, pool: &str, event: &str) -> Vec<String> {
    wait_until(&format!("{pool} has got {event}, not only {:?}", told(sup, pool)), || {
        told(sup, pool).iter().any(|e| e.starts_with(event))
    });
    told(sup, pool)
}

fn of(events: Vec<String>, process: &str) -> Vec<String> {
    let word = format!("processname:{process} ");
    events.into_iter().filter(|e| e.contains(&word)).collect()
}

#[test]
fn a_process_tells_each_change_of_its_state() {
    if skipped() {
        return;
    }
    let sup = start(
        &(pool("l", "ok", "events=PROCESS_STATE")
            + "[program:x]\nprocess_name=one\ncommand=@puppet@ wait-file @dir@/go exit 3\nautostart=false\n\
               autorestart=false\nstartsecs=1\n\
               [program:bad]\ncommand=@puppet@ exit 1\nautostart=false\nstartretries=1\nstartsecs=5\n\
               [program:held]\ncommand=@puppet@ hold\nautostart=false\nstartsecs=0\n"),
    );
    sup.wait_log("success: l");
    sup.ctl(&["start", "x:one"]);
    sup.0.dir().write("go", "");
    let events = of(wait_event(&sup, "l", "PROCESS_STATE_EXITED"), "one");
    assert_eq!(
        events,
        [
            "PROCESS_STATE_STARTING processname:one groupname:x from_state:STOPPED tries:0",
            "PROCESS_STATE_RUNNING processname:one groupname:x from_state:STARTING pid:PID",
            "PROCESS_STATE_EXITED processname:one groupname:x from_state:RUNNING expected:0 pid:PID",
        ]
    );
    sup.ctl(&["start", "bad"]);
    let events = of(wait_event(&sup, "l", "PROCESS_STATE_FATAL"), "bad");
    assert_eq!(
        events,
        [
            "PROCESS_STATE_STARTING processname:bad groupname:bad from_state:STOPPED tries:0",
            "PROCESS_STATE_BACKOFF processname:bad groupname:bad from_state:STARTING tries:1",
            "PROCESS_STATE_STARTING processname:bad groupname:bad from_state:BACKOFF tries:1",
            "PROCESS_STATE_BACKOFF processname:bad groupname:bad from_state:STARTING tries:2",
            "PROCESS_STATE_FATAL processname:bad groupname:bad from_state:BACKOFF",
        ]
    );
    sup.ctl(&["start", "held"]);
    sup.ctl(&["stop", "held"]);
    let events = of(wait_event(&sup, "l", "PROCESS_STATE_STOPPED"), "held");
    assert_eq!(
        events[2..],
        [
            "PROCESS_STATE_STOPPING processname:held groupname:held from_state:RUNNING pid:PID",
            "PROCESS_STATE_STOPPED processname:held groupname:held from_state:STOPPING pid:PID",
        ]
    );
    sup.finish();
}

#[test]
fn an_exit_that_is_expected_says_so() {
    if skipped() {
        return;
    }
    let sup = start(
        &(pool("l", "ok", "events=PROCESS_STATE_EXITED")
            + "[program:x]\ncommand=@puppet@ exit 3\nstartsecs=0\nautorestart=false\nexitcodes=3\n\
               [program:y]\ncommand=@puppet@ crash KILL\nstartsecs=0\nautorestart=false\n"),
    );
    let mut events = wait_told(&sup, "l", 2);
    events.sort();
    assert_eq!(
        events,
        [
            "PROCESS_STATE_EXITED processname:x groupname:x from_state:RUNNING expected:1 pid:PID",
            "PROCESS_STATE_EXITED processname:y groupname:y from_state:RUNNING expected:0 pid:PID",
        ]
    );
    sup.finish();
}

#[test]
fn the_header_has_these_words_in_this_order() {
    if skipped() {
        return;
    }
    let sup = start_with("identifier=me\n", &pool("l", "ok", "events=SUPERVISOR_STATE_CHANGE,PROCESS_GROUP"));
    wait_told(&sup, "l", 2);
    assert_eq!(
        sup.file("l.got"),
        "ver:3.0 server:me serial:0 pool:l poolserial:0 eventname:PROCESS_GROUP_ADDED len:12|groupname:l\\n\n\
         ver:3.0 server:me serial:1 pool:l poolserial:1 eventname:SUPERVISOR_STATE_CHANGE_RUNNING len:0|\n"
    );
    sup.finish();
}

#[test]
fn each_pool_counts_for_itself_and_what_nobody_wants_counts_for_nobody() {
    if skipped() {
        return;
    }
    // A pool hears of the groups that are added after it, and of itself.
    let sup = start(
        &(pool("a", "ok", "events=PROCESS_GROUP_ADDED")
            + &pool("b", "ok", "events=SUPERVISOR_STATE_CHANGE_RUNNING,PROCESS_GROUP")
            + "[program:x]\ncommand=@puppet@ hold\n"),
    );
    wait_told(&sup, "a", 3);
    wait_told(&sup, "b", 3);
    let numbers = |pool: &str| -> Vec<String> {
        let short =
            |(h, p): &(BTreeMap<String, String>, String)| format!("{} {} {p}", h["serial"], h["poolserial"]);
        got(&sup, pool).iter().map(short).collect()
    };
    assert_eq!(numbers("a"), ["0 0 groupname:a\\n", "1 1 groupname:b\\n", "2 2 groupname:x\\n"]);
    assert_eq!(numbers("b"), ["1 0 groupname:b\\n", "2 1 groupname:x\\n", "3 2 "]);
    sup.finish();
}

/// `x` writes this; what the listener of these events gets.
fn output(verb: &str, settings: &str, events: &str, bytes: &[u8], n: usize) -> Vec<(String, String)> {
    let program = format!(
        "[program:x]\ncommand=@puppet@ wait-file @dir@/in {verb} @dir@/in exit 0\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=@dir@/x.out\nstderr_logfile=@dir@/x.err\n{settings}\n"
    );
    let sup = start(&(pool("l", "ok", &format!("events={events}")) + &program));
    sup.wait_log("success: l");
    std::fs::write(sup.0.dir().path().join("in.new"), bytes).expect("ours");
    std::fs::rename(sup.0.dir().path().join("in.new"), sup.0.dir().path().join("in")).expect("ours");
    wait_told(&sup, "l", n);
    let all = got(&sup, "l").into_iter().map(|(h, payload)| {
        let length = h["len"].parse::<usize>().expect("a number") - pid_length(&payload);
        (format!("{} {length}", h["eventname"]), masked_event(&payload))
    });
    let seen = all.collect();
    sup.finish();
    seen
}

/// Pids have no fixed length.
fn pid_length(payload: &str) -> usize {
    payload.split_once("pid:").map_or(0, |(_, rest)| rest.chars().take_while(char::is_ascii_digit).count())
}

#[test]
fn output_is_an_event_where_it_is_enabled() {
    if skipped() {
        return;
    }
    let seen = output("chunk", "stdout_events_enabled=true", "PROCESS_LOG", b"line\nand more", 1);
    let want = "processname:x groupname:x pid:PID channel:stdout\\nline\\nand more";
    assert_eq!(seen, [("PROCESS_LOG_STDOUT 59".to_owned(), want.to_owned())]);
}

#[test]
fn errors_are_an_event_of_their_own_and_escapes_are_taken_out() {
    if skipped() {
        return;
    }
    let program = "[program:x]\ncommand=@puppet@ wait-file @dir@/in chunk-err @dir@/in exit 0\nstartsecs=0\nautorestart=false\n\
                   stderr_events_enabled=true\n";
    let sup = start_with("strip_ansi=true\n", &(pool("l", "ok", "events=PROCESS_LOG_STDERR") + program));
    sup.wait_log("success: l");
    sup.0.dir().write("in", "\x1b[31mred\x1b[0m\n");
    assert_eq!(
        wait_told(&sup, "l", 1),
        ["PROCESS_LOG_STDERR processname:x groupname:x pid:PID channel:stderr\\nred\\n"]
    );
    sup.finish();
}

#[test]
fn the_length_counts_characters() {
    if skipped() {
        return;
    }
    let seen = output("chunk", "stdout_events_enabled=true", "PROCESS_LOG", "d\u{e9}j\u{e0}".as_bytes(), 1);
    assert_eq!(seen[0].0, "PROCESS_LOG_STDOUT 50");
    assert!(seen[0].1.ends_with("\\nd\u{e9}j\u{e0}"), "{seen:?}");
}

#[test]
fn what_is_no_text_is_shown_as_bytes() {
    if skipped() {
        return;
    }
    let seen = output("chunk", "stdout_events_enabled=true", "PROCESS_LOG", b"\xffx\n", 1);
    let want = "processname:x groupname:x pid:PID channel:stdout\\nUndecodable: b'\\xffx\\n'";
    assert_eq!(seen, [("PROCESS_LOG_STDOUT 69".to_owned(), want.to_owned())]);
}

#[test]
fn a_communication_is_told_and_captured_output_is_an_event_too() {
    if skipped() {
        return;
    }
    let text = b"<!--XSUPERVISOR:BEGIN-->to you, my listener<!--XSUPERVISOR:END-->";
    let settings = "stdout_capture_maxbytes=1MB\nstdout_events_enabled=true";
    let seen = output("chunk", settings, "PROCESS_COMMUNICATION,PROCESS_LOG", text, 2);
    let whose = "processname:x groupname:x pid:PID";
    // Trap 53.
    assert_eq!(
        seen,
        [
            ("PROCESS_LOG_STDOUT 65".to_owned(), format!("{whose} channel:stdout\\nto you, my listener")),
            ("PROCESS_COMMUNICATION_STDOUT 50".to_owned(), format!("{whose}\\nto you, my listener")),
        ]
    );
}

#[test]
fn a_communication_on_stderr_has_a_name_of_its_own_also_from_a_listener() {
    if skipped() {
        return;
    }
    let sup = start(
        &(pool("l", "ok", "events=PROCESS_COMMUNICATION_STDERR")
            + "[eventlistener:m]\ncommand=@puppet@ wait-file @dir@/in chunk-err @dir@/in hold\nevents=TICK_3600\nstartsecs=0\n\
               stderr_capture_maxbytes=100\n"),
    );
    sup.wait_log("success: l");
    sup.0.dir().write("in", "<!--XSUPERVISOR:BEGIN-->hello\n<!--XSUPERVISOR:END-->");
    assert_eq!(
        wait_told(&sup, "l", 1),
        ["PROCESS_COMMUNICATION_STDERR processname:m groupname:m pid:PID\\nhello\\n"]
    );
    sup.finish();
}

#[test]
fn ticks_come_when_a_period_begins() {
    if skipped() {
        return;
    }
    let sup = start(&(pool("l", "ok", "events=TICK_5") + &pool("m", "ok", "events=TICK")));
    wait_told(&sup, "l", 1);
    wait_until("two ticks have come", || told(&sup, "l").len() >= 2 && told(&sup, "m").len() >= 2);
    let when = |(_, payload): &(_, String)| payload.strip_prefix("when:").and_then(|t| t.parse::<i64>().ok());
    let times: Vec<i64> = got(&sup, "l").iter().filter_map(when).collect();
    assert!(times[0] % 5 == 0 && times[1] == times[0] + 5, "{times:?}");
    assert_eq!(got(&sup, "l")[0].0["eventname"], "TICK_5");
    sup.finish();
}

#[test]
fn who_asks_for_a_kind_and_for_one_of_it_gets_it_twice() {
    if skipped() {
        return;
    }
    let sup =
        start(&(pool("l", "ok", "events=SUPERVISOR_STATE_CHANGE_RUNNING,SUPERVISOR_STATE_CHANGE,TICK_3600")));
    wait_told(&sup, "l", 2);
    let numbers: Vec<(String, String)> =
        got(&sup, "l").iter().map(|(h, _)| (h["serial"].clone(), h["poolserial"].clone())).collect();
    assert_eq!(numbers, [("0".to_owned(), "0".to_owned()), ("0".to_owned(), "0".to_owned())]);
    sup.finish();
}

#[test]
fn listeners_hear_of_the_end_of_the_others() {
    if skipped() {
        return;
    }
    let program = |name: &str| {
        format!(
            "[program:{name}]\ncommand=@puppet@ ignore TERM touch @dir@/{name}.up wait-file @dir@/{name}.go exit 0\n\
             startsecs=0\n"
        )
    };
    let wanted = "events=SUPERVISOR_STATE_CHANGE_STOPPING,PROCESS_STATE_STOPPING,PROCESS_STATE_STOPPED";
    let sup = start(&(pool("l", "ok", wanted) + &program("x") + "priority=5\n" + &program("y")));
    for name in ["x", "y"] {
        sup.wait_log(&format!("success: {name}"));
        wait_until("it ignores TERM", || sup.0.dir().path().join(format!("{name}.up")).exists());
    }
    sup.wait_file("l.out", "READY\n");
    sup.0.signal(15);
    wait_told(&sup, "l", 2);
    sup.0.dir().write("y.go", "");
    wait_told(&sup, "l", 4);
    sup.0.dir().write("x.go", "");
    wait_until("it has ended", || sup.0.status().is_some());
    let seen = told(&sup, "l");
    let want = [
        "SUPERVISOR_STATE_CHANGE_STOPPING ",
        "PROCESS_STATE_STOPPING processname:y groupname:y from_state:RUNNING pid:PID",
        "PROCESS_STATE_STOPPED processname:y groupname:y from_state:STOPPING pid:PID",
        "PROCESS_STATE_STOPPING processname:x groupname:x from_state:RUNNING pid:PID",
        // Ours sends it just before the listener gets its own signal, and so it may come too late; theirs never does.
        "PROCESS_STATE_STOPPED processname:x groupname:x from_state:STOPPING pid:PID",
    ];
    assert_eq!(seen[..4], want[..4]);
    assert_eq!(seen[4..], want[4..seen.len()]);
    assert!(ours() || seen.len() == 4);
    sup.finish();
}

#[test]
fn serials_go_on_after_a_restart_and_those_of_a_pool_do_not() {
    if skipped() {
        return;
    }
    let sup = start(&pool("l", "ok", "events=SUPERVISOR_STATE_CHANGE_RUNNING"));
    wait_told(&sup, "l", 1);
    sup.0.signal(1);
    wait_told(&sup, "l", 2);
    let numbers: Vec<String> =
        got(&sup, "l").iter().map(|(h, _)| format!("{} {}", h["serial"], h["poolserial"])).collect();
    assert_eq!(numbers, ["0 0", "1 0"]);
    sup.finish();
}
