//! Groups that come and go, as event listeners see it; and listeners that come and go.

use crate::events::{got, pool, told, wait_event, wait_told};
use crate::reread::{idle, reread, rewrite};
use crate::rpc_logs::answers;
use crate::support::{skipped, start};
use harness::wait_until;

#[test]
fn groups_tell_that_they_come_and_go() {
    if skipped() {
        return;
    }
    let listener = pool("l", "ok", "events=PROCESS_GROUP,PROCESS_STATE_STARTING,PROCESS_STATE_STOPPED");
    let x = "[program:x]\ncommand=cat\nstartsecs=0\n";
    let sup = start(&(listener.clone() + x));
    sup.wait_log("success: l");
    wait_event(&sup, "l", "PROCESS_STATE_STARTING processname:x");
    let n = told(&sup, "l").len();
    rewrite(&sup, &format!("{listener}{x}priority=3\n{}", idle("y")));
    sup.ctl(&["update"]).expect(0);
    let events = wait_told(&sup, "l", n + 5)[n..].to_vec();
    assert_eq!(
        events,
        [
            "PROCESS_STATE_STOPPED processname:x groupname:x from_state:STOPPING pid:PID",
            "PROCESS_GROUP_REMOVED groupname:x\\n",
            "PROCESS_GROUP_ADDED groupname:x\\n",
            "PROCESS_STATE_STARTING processname:x groupname:x from_state:STOPPED tries:0",
            "PROCESS_GROUP_ADDED groupname:y\\n",
        ]
    );
    assert_eq!(got(&sup, "l").last().map(|(h, _)| h["len"].clone()).as_deref(), Some("12"));
    rewrite(&sup, &listener);
    sup.ctl(&["update"]).expect(0);
    let events = wait_told(&sup, "l", n + 8)[n + 5..].to_vec();
    assert_eq!(events.iter().filter(|e| e.starts_with("PROCESS_GROUP_REMOVED")).count(), 2, "{events:?}");
    sup.finish();
}

#[test]
fn a_pool_that_is_added_hears_of_itself() {
    if skipped() {
        return;
    }
    let sup = start(&idle("x"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    rewrite(&sup, &(idle("x") + &idle("y") + &pool("l", "ok", "events=PROCESS_GROUP,TICK_5")));
    answers(
        &sup,
        &[
            ("s.reloadConfig()", "[[['l', 'y'], [], []]]"),
            ("s.addProcessGroup('l')", "True"),
            ("s.addProcessGroup('y')", "True"),
        ],
    );
    let events = wait_told(&sup, "l", 2);
    assert_eq!(events[..2], ["PROCESS_GROUP_ADDED groupname:l\\n", "PROCESS_GROUP_ADDED groupname:y\\n"]);
    // Nobody asked for events before, so nobody had numbers; and it gets its ticks.
    assert_eq!(got(&sup, "l")[0].0["serial"], "0");
    assert_eq!(got(&sup, "l")[0].0["poolserial"], "0");
    wait_event(&sup, "l", "TICK_5 when:");
    sup.finish();
}

#[test]
fn a_pool_that_was_removed_gets_nothing_and_starts_anew() {
    if skipped() {
        return;
    }
    let (one, two) =
        (pool("one", "ok", "events=REMOTE_COMMUNICATION"), pool("two", "ok", "events=REMOTE_COMMUNICATION"));
    let sup = start(&(one.clone() + &two));
    ["one", "two"].iter().for_each(|l| {
        sup.wait_file(&format!("{l}.out"), "READY\n");
        sup.wait_state(l, "RUNNING");
    });
    answers(&sup, &[("s.sendRemoteCommEvent('a', '1')", "True")]);
    ["one", "two"].iter().for_each(|l| drop(wait_told(&sup, l, 1)));
    rewrite(&sup, &one);
    sup.ctl_says(&["update"], 0, "two: stopped\ntwo: removed process group\n");
    answers(&sup, &[("s.sendRemoteCommEvent('a', '2')", "True")]);
    wait_told(&sup, "one", 2);
    rewrite(&sup, &(one + &two));
    sup.ctl_says(&["update"], 0, "two: added process group\n");
    sup.wait_state("two", "RUNNING");
    answers(&sup, &[("s.sendRemoteCommEvent('a', '3')", "True")]);
    wait_told(&sup, "one", 3);
    wait_told(&sup, "two", 2);
    let serials = |l: &str| -> Vec<(String, String, String)> {
        got(&sup, l).iter().map(|(h, p)| (p.clone(), h["serial"].clone(), h["poolserial"].clone())).collect()
    };
    let row = |p: &str, s: &str, n: &str| (format!("type:a\\n{p}"), s.to_owned(), n.to_owned());
    assert_eq!(serials("one"), [row("1", "0", "0"), row("2", "1", "1"), row("3", "2", "2")]);
    assert_eq!(serials("two"), [row("1", "0", "0"), row("3", "2", "0")]);
    sup.finish();
}

#[test]
fn what_a_listener_held_when_it_was_removed_is_gone() {
    if skipped() {
        return;
    }
    let text = |answers: &str| pool("l", answers, "events=REMOTE_COMMUNICATION");
    let sup = start(&text("hang"));
    sup.wait_file("l.out", "READY\n");
    sup.wait_state("l", "RUNNING");
    answers(&sup, &[("[s.sendRemoteCommEvent('a', str(n)) for n in range(3)]", "[True, True, True]")]);
    wait_told(&sup, "l", 1);
    rewrite(&sup, &text("ok"));
    sup.ctl_says(&["update"], 0, "l: stopped\nl: updated process group\n");
    sup.wait_state("l", "RUNNING");
    wait_until("it is ready again", || sup.file("l.out").matches("READY").count() >= 2);
    answers(&sup, &[("s.sendRemoteCommEvent('a', 'last')", "True")]);
    let events = wait_told(&sup, "l", 2);
    assert_eq!(events, ["REMOTE_COMMUNICATION type:a\\n0", "REMOTE_COMMUNICATION type:a\\nlast"]);
    sup.finish();
}

#[test]
fn what_makes_a_pool_count_as_changed() {
    if skipped() {
        return;
    }
    let text = |settings: &str| {
        format!(
            "[eventlistener:l]\ncommand=cat\nautostart=false\nevents=TICK_5,TICK_60\nstdout_logfile=NONE\nstderr_logfile=NONE\n{settings}\n"
        )
    };
    let sup = start(&text(""));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    let (yes, no) = ("[[[], ['l'], []]]", "[[[], [], []]]");
    for (settings, want) in [
        ("buffer_size=11", yes),
        ("buffer_size=10", no),
        ("events=TICK_5", yes),
        ("events=TICK_5,TICK_60,TICK_3600", yes),
        ("events=TICK_5,TICK_60", no),
        // The order in which they are asked for, and how often.
        ("events=TICK_60,TICK_5", no),
        ("events=TICK_5,TICK_60,TICK_5", no),
        ("result_handler=supervisor.dispatchers:default_handler", no),
        ("priority=-1", yes),
        ("priority=5", yes),
        ("command=cat -u", yes),
        ("stderr_events_enabled=false", no),
    ] {
        rewrite(&sup, &text(settings));
        assert_eq!(reread(&sup), want, "{settings}");
    }
    sup.finish();
}

#[test]
fn a_pool_hears_of_its_own_removal_when_it_was_asked_for_too_late() {
    if skipped() {
        return;
    }
    let (a, b) =
        (pool("a", "ok", "events=PROCESS_GROUP_REMOVED"), pool("b", "ok", "events=PROCESS_GROUP_REMOVED"));
    let sup = start(&(a.clone() + &b));
    ["a", "b"].iter().for_each(|l| {
        sup.wait_file(&format!("{l}.out"), "READY\n");
        sup.wait_state(l, "RUNNING");
    });
    rewrite(&sup, &a);
    sup.ctl_says(&["update"], 0, "b: stopped\nb: removed process group\n");
    assert_eq!(wait_told(&sup, "a", 1), ["PROCESS_GROUP_REMOVED groupname:b\\n"]);
    assert_eq!(told(&sup, "b"), [""; 0]);
    sup.finish();
}

#[test]
fn a_log_of_events_goes_on_across_an_update_of_its_source() {
    if skipped() {
        return;
    }
    let l = pool("l", "ok", "events=PROCESS_LOG_STDOUT");
    let x = |word: &str| {
        format!(
            "[program:x]\ncommand=@puppet@ print {word} hold\nstartsecs=0\nstdout_events_enabled=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
        )
    };
    let sup = start(&(l.clone() + &x("one")));
    wait_told(&sup, "l", 1);
    rewrite(&sup, &(l + &x("two")));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: updated process group\n");
    let events = wait_told(&sup, "l", 2);
    let of =
        |word: &str| format!("PROCESS_LOG_STDOUT processname:x groupname:x pid:PID channel:stdout\\n{word}");
    assert_eq!(events, [of("one"), of("two")]);
    sup.finish();
}
