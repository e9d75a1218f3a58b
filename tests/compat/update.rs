//! `update` by the real supervisorctl: its lines, and what runs afterwards.

use crate::reread::{idle, reread, rewrite};
use crate::rpc_logs::answers;
use crate::support::{Sup, skipped, start};
use harness::{proc, wait_until};

/// A program that runs at once and notes when it was started.
pub(crate) fn running(name: &str) -> String {
    format!(
        "[program:{name}]\ncommand=@puppet@ stamp @dir@/{name}.st hold\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
    )
}

/// All of them run, each in its first life.
#[track_caller]
pub(crate) fn up(names: &[&str]) -> Sup {
    let sup = start(&names.iter().map(|n| running(n)).collect::<String>());
    names.iter().for_each(|name| {
        sup.wait_state(name, "RUNNING");
        sup.wait_file(&format!("{name}.st"), "\n");
    });
    sup
}

/// The lines of the log that speak of it, without that which depends on how long a stop takes.
fn story(sup: &Sup, name: &str) -> Vec<String> {
    sup.events_of(name).into_iter().filter(|l| !l.contains("to stop")).collect()
}

pub(crate) fn pid(sup: &Sup, name: &str) -> Option<String> {
    sup.0.info(name, "pid")
}

/// Those that `spawn-holding` has told of.
fn children(sup: &Sup) -> Vec<i32> {
    sup.file("x.out").lines().filter_map(|l| l.strip_prefix("child ")?.parse().ok()).collect()
}

#[track_caller]
fn child(sup: &Sup) -> i32 {
    wait_until("the child is told of", || sup.file("x.out").contains("holding") && children(sup).len() == 1);
    children(sup)[0]
}

#[test]
fn nothing_to_do_is_not_spoken_of() {
    if skipped() {
        return;
    }
    let sup = up(&["a"]);
    let before = pid(&sup, "a");
    sup.ctl_says(&["update"], 0, "");
    sup.ctl_says(&["update", "a"], 0, "");
    sup.ctl_says(&["update", "all"], 0, "");
    sup.ctl_says(&["update", "nobody"], 1, "ERROR: no such group: nobody\n");
    assert_eq!(pid(&sup, "a"), before);
    sup.finish();
}

#[test]
fn what_has_gone_goes_what_has_changed_is_restarted_what_is_new_comes() {
    if skipped() {
        return;
    }
    let sup = up(&["goes", "changes", "stays"]);
    let (stayed, changed) = (pid(&sup, "stays"), pid(&sup, "changes"));
    rewrite(&sup, &(running("stays") + &running("changes") + "stopwaitsecs=3\n" + &running("comes")));
    sup.ctl_says(
        &["update"],
        0,
        "goes: stopped\ngoes: removed process group\nchanges: stopped\nchanges: updated process group\n\
         comes: added process group\n",
    );
    ["changes", "comes"].iter().for_each(|name| sup.wait_state(name, "RUNNING"));
    assert_eq!(pid(&sup, "stays"), stayed);
    assert_ne!(pid(&sup, "changes"), changed);
    assert_eq!(sup.0.info("goes", "statename"), None);
    assert_eq!(reread(&sup), "[[[], [], []]]");
    sup.ctl_says(&["update"], 0, "");
    assert_eq!(
        story(&sup, "goes"),
        [
            "INFO spawned: 'goes' with pid PID",
            "INFO success: goes entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
            "WARN stopped: goes (terminated by SIGTERM)",
        ]
    );
    assert_eq!(
        story(&sup, "changes"),
        [
            "INFO spawned: 'changes' with pid PID",
            "INFO success: changes entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
            "WARN stopped: changes (terminated by SIGTERM)",
            "INFO spawned: 'changes' with pid PID",
            "INFO success: changes entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
        ]
    );
    sup.finish();
}

#[test]
fn only_the_groups_that_are_named() {
    if skipped() {
        return;
    }
    let sup = up(&["a", "b", "c"]);
    let before = ["a", "b", "c"].map(|n| pid(&sup, n));
    rewrite(
        &sup,
        &(running("a") + "priority=2\n" + &running("b") + "priority=3\n" + &running("n") + &running("m")),
    );
    let done = sup.ctl(&["update", "b", "n", "nobody"]);
    assert_eq!(
        (done.code(), done.stdout.as_str()),
        (1, "ERROR: no such group: nobody\nb: stopped\nb: updated process group\nn: added process group\n")
    );
    sup.wait_state("b", "RUNNING");
    sup.wait_state("n", "RUNNING");
    let after = ["a", "b", "c"].map(|n| pid(&sup, n));
    assert!(after[0] == before[0] && after[1] != before[1] && after[2] == before[2], "{before:?} {after:?}");
    assert_eq!(reread(&sup), "[[['m'], ['a'], ['c']]]");
    sup.ctl_says(&["update", "c"], 0, "c: stopped\nc: removed process group\n");
    sup.ctl_says(
        &["update", "b", "all"],
        0,
        "a: stopped\na: updated process group\nm: added process group\n",
    );
    sup.finish();
}

#[test]
fn lines_come_by_priority() {
    if skipped() {
        return;
    }
    let with = |name: &str, priority: i32| format!("{}priority={priority}\n", idle(name));
    let sup = start(&(with("c2", 2) + &with("c1", 1) + &with("g1", 7) + &with("g2", 5)));
    rewrite(&sup, &(with("c2", 3) + &with("c1", 4) + &with("n9", 9) + &with("n8", 8)));
    sup.ctl_says(
        &["update"],
        0,
        "g2: stopped\ng2: removed process group\ng1: stopped\ng1: removed process group\n\
         c2: stopped\nc2: updated process group\nc1: stopped\nc1: updated process group\n\
         n8: added process group\nn9: added process group\n",
    );
    sup.finish();
}

#[test]
fn a_program_that_was_stopped_by_hand_is_started_when_it_has_changed() {
    if skipped() {
        return;
    }
    let sup = up(&["changed", "same"]);
    sup.ctl(&["stop", "changed", "same"]).expect(0);
    rewrite(&sup, &(running("changed") + "priority=3\n" + &running("same")));
    sup.ctl_says(&["update"], 0, "changed: stopped\nchanged: updated process group\n");
    sup.wait_state("changed", "RUNNING");
    assert_eq!(sup.status("same").0, "STOPPED");
    sup.finish();
}

#[test]
fn one_that_is_not_to_start_by_itself_is_stopped_by_a_change() {
    if skipped() {
        return;
    }
    let text = running("x") + "autostart=false\n";
    let sup = start(&text);
    sup.wait_state("x", "STOPPED");
    sup.ctl_says(&["start", "x"], 0, "x: started\n");
    rewrite(&sup, &(text + "priority=3\n"));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: updated process group\n");
    let (state, description) = sup.status("x");
    assert_eq!((state.as_str(), description.as_str()), ("STOPPED", "Not started"));
    assert_eq!(sup.stamps("x.st").len(), 1);
    // It starts when told to, and by itself once that is what is written.
    rewrite(&sup, &(running("x") + "priority=3\n"));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: updated process group\n");
    sup.wait_state("x", "RUNNING");
    sup.finish();
}

#[test]
fn one_that_is_fatal_is_started_again() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=/no/such/file\nstartretries=0\n");
    sup.wait_state("x", "FATAL");
    rewrite(&sup, &running("x"));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: updated process group\n");
    sup.wait_state("x", "RUNNING");
    answers(&sup, &[("s.getProcessInfo('x')['spawnerr']", "''")]);
    sup.finish();
}

#[test]
fn one_that_backs_off_is_started_again_at_once() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ exit 3\nstartretries=1000\nstartsecs=5\n");
    sup.wait_log_times("exited: x", 3);
    rewrite(&sup, &running("x"));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: updated process group\n");
    sup.wait_state("x", "RUNNING");
    answers(
        &sup,
        &[("s.getProcessInfo('x')['spawnerr']", "''"), ("s.getProcessInfo('x')['exitstatus']", "0")],
    );
    sup.finish();
}

#[test]
fn one_that_has_exited_is_removed_and_comes_back_as_new() {
    if skipped() {
        return;
    }
    let text = "[program:x]\ncommand=@puppet@ exit 7\nstartsecs=0\nautorestart=false\n";
    let sup = start(text);
    sup.wait_state("x", "EXITED");
    answers(&sup, &[("s.getProcessInfo('x')['exitstatus']", "7")]);
    rewrite(&sup, &format!("{text}autostart=false\n"));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: updated process group\n");
    answers(
        &sup,
        &[(
            "[s.getProcessInfo('x')[k] for k in ('statename', 'exitstatus', 'start', 'stop', 'pid', 'description')]",
            "['STOPPED', 0, 0, 0, 0, 'Not started']",
        )],
    );
    sup.finish();
}

#[test]
fn one_that_ignores_term_is_killed_and_then_replaced() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=@puppet@ ignore TERM touch @dir@/up hold\nstartsecs=0\nstopwaitsecs=1\n\
         [program:y]\ncommand=@puppet@ ignore TERM touch @dir@/up2 hold\nstartsecs=0\nstopwaitsecs=1\n",
    );
    wait_until("both ignore TERM", || ["up", "up2"].iter().all(|f| sup.0.dir().path().join(f).exists()));
    sup.wait_state("x", "RUNNING");
    rewrite(&sup, &running("x"));
    sup.ctl_says(
        &["update"],
        0,
        "y: stopped\ny: removed process group\nx: stopped\nx: updated process group\n",
    );
    sup.wait_state("x", "RUNNING");
    let log = sup.events_of("x");
    assert!(log.contains(&"WARN killing 'x' (PID) with SIGKILL".to_owned()), "{log:?}");
    assert!(log.contains(&"WARN stopped: x (terminated by SIGKILL)".to_owned()), "{log:?}");
    assert!(sup.log().contains("stopped: y (terminated by SIGKILL)"));
    sup.finish();
}

#[test]
fn a_whole_process_group_goes_where_that_is_asked_for() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=@puppet@ spawn-holding hold\nstartsecs=0\nstopasgroup=true\nstdout_logfile=@dir@/x.out\n",
    );
    let child = child(&sup);
    assert!(proc::alive(child));
    rewrite(&sup, &idle("other"));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: removed process group\nother: added process group\n");
    wait_until("the child is gone, too", || !proc::alive(child));
    sup.finish();
}

#[test]
fn a_child_that_holds_the_pipe_of_a_removed_program_keeps_nothing() {
    if skipped() {
        return;
    }
    let sup =
        start("[program:x]\ncommand=@puppet@ spawn-holding hold\nstartsecs=0\nstdout_logfile=@dir@/x.out\n");
    let child = child(&sup);
    rewrite(&sup, &idle("other"));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: removed process group\nother: added process group\n");
    assert_eq!(sup.0.info("x", "statename"), None);
    assert!(proc::alive(child), "it was not part of what was stopped");
    // It comes back with the same log, and another child.
    rewrite(
        &sup,
        "[program:x]\ncommand=@puppet@ spawn-holding say again hold\nstartsecs=0\nstdout_logfile=@dir@/x.out\n",
    );
    sup.ctl_says(&["update"], 0, "other: stopped\nother: removed process group\nx: added process group\n");
    sup.wait_file("x.out", "again");
    wait_until("both children are told of", || children(&sup).len() == 2);
    sup.ctl(&["stop", "x"]).expect(0);
    for pid in children(&sup) {
        harness::kill(pid, 9).expect("it was started for this test");
    }
    sup.finish();
}
