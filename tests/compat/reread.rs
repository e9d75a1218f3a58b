//! `reread`: what it tells, which mistakes refuse it, what a file that has changed looks like from outside.

use crate::rpc_logs::{answers, calls};
use crate::support::{Sup, header, ours, setup, skipped, start, start_with};
use harness::wait_until;

/// Writes the configuration anew: the usual header, more `[supervisord]` settings, and these programs.
pub(crate) fn rewrite_with(sup: &Sup, supervisord: &str, programs: &str) {
    // It has read the first one by the time it listens.
    wait_until("it listens", || std::path::Path::new(&sup.0.socket()).exists());
    let text = format!("{}{programs}", header(supervisord)).replace("@puppet@", "@dir@/puppet");
    sup.0.dir().write("c.conf", &sup.0.fill(&text));
}

pub(crate) fn rewrite(sup: &Sup, programs: &str) {
    rewrite_with(sup, "", programs);
}

/// What `reloadConfig` gives, as Python shows it.
#[track_caller]
pub(crate) fn reread(sup: &Sup) -> String {
    calls(sup, &["s.reloadConfig()"]).remove(0)
}

/// What a program that does nothing and is not started looks like.
pub(crate) fn idle(name: &str) -> String {
    format!("[program:{name}]\ncommand=cat\nautostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n")
}

#[test]
fn nothing_has_changed() {
    if skipped() {
        return;
    }
    let sup = start(&idle("x"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    sup.ctl_says(&["reread"], 0, "No config updates to processes\n");
    sup.ctl_says(
        &["reread", "x"],
        1,
        "Error: reread accepts no arguments\nreread \t\t\tReload the daemon's configuration files without add/remove\n",
    );
    answers(&sup, &[("s.reloadConfig('x')", "fault 2 INCORRECT_PARAMETERS")]);
    sup.finish();
}

#[test]
fn three_words_for_what_came_changed_and_went() {
    if skipped() {
        return;
    }
    let sup = start(&["z", "m", "a", "stays"].map(idle).concat());
    rewrite(&sup, &format!("{}{}priority=3\n{}", idle("stays"), idle("m"), ["new", "b"].map(idle).concat()));
    sup.ctl_says(
        &["reread"],
        0,
        "a: disappeared\nb: available\nm: changed\nnew: available\nz: disappeared\n",
    );
    // Nothing is done about it.
    answers(
        &sup,
        &[
            ("[i['name'] for i in s.getAllProcessInfo()]", "['a', 'm', 'stays', 'z']"),
            (
                "[(d['name'], d['inuse'], d['process_prio']) for d in s.getAllConfigInfo()]",
                "[('b', False, 999), ('m', True, 3), ('new', False, 999), ('stays', True, 999)]",
            ),
            ("s.startProcess('new')", "fault 10 BAD_NAME: new"),
        ],
    );
    sup.finish();
}

#[test]
fn names_come_by_priority_and_name_and_go_as_they_came() {
    if skipped() {
        return;
    }
    let with = |name: &str, priority: i32| format!("{}priority={priority}\n", idle(name));
    let sup =
        start(&(with("old3", 3) + &with("old1", 1) + &with("old2", 2) + &with("c9", 9) + &with("c1", 5)));
    rewrite(&sup, &(with("n", 7) + &with("a", 8) + &with("b", 7) + &with("c9", 4) + &with("c1", 6)));
    assert_eq!(reread(&sup), "[[['b', 'n', 'a'], ['c9', 'c1'], ['old1', 'old2', 'old3']]]");
    // What was added late goes last.
    answers(&sup, &[("[s.addProcessGroup(n) for n in ['n', 'a']]", "[True, True]")]);
    rewrite(&sup, &idle("other"));
    assert_eq!(reread(&sup), "[[['other'], [], ['old1', 'old2', 'old3', 'c1', 'c9', 'n', 'a']]]");
    sup.finish();
}

#[test]
fn twice_gives_the_same_and_back_gives_nothing() {
    if skipped() {
        return;
    }
    let sup = start(&["a", "b"].map(idle).concat());
    rewrite(&sup, &(idle("a") + "startsecs=7\n" + &idle("c")));
    let want = "[[['c'], ['a'], ['b']]]";
    assert_eq!((reread(&sup).as_str(), reread(&sup).as_str()), (want, want));
    rewrite(&sup, &["b", "a"].map(idle).concat());
    assert_eq!(reread(&sup), "[[[], [], []]]");
    sup.finish();
}

#[test]
fn the_file_may_be_gone_for_a_while() {
    if skipped() {
        return;
    }
    let sup = start(&idle("x"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    std::fs::remove_file(sup.0.dir().path().join("c.conf")).expect("it is there");
    let said = reread(&sup);
    assert_eq!(said, sup.0.fill("fault 92 CANT_REREAD: could not find config file @dir@/c.conf"));
    answers(&sup, &[("[i['name'] for i in s.getAllProcessInfo()]", "['x']")]);
    rewrite(&sup, &["x", "y"].map(idle).concat());
    assert_eq!(reread(&sup), "[[['y'], [], []]]");
    sup.finish();
}

#[test]
fn a_mistake_is_told_by_ctl_and_nothing_has_changed() {
    if skipped() {
        return;
    }
    let sup = start(&idle("x"));
    rewrite(&sup, &(idle("x") + "startsecs=soon\n" + &idle("y")));
    let want = "CANT_REREAD: invalid literal for int() with base 10: 'soon' in section 'program:x' \
                (file: '@dir@/c.conf')";
    let done = sup.ctl(&["reread"]);
    assert_eq!((done.code(), done.stdout), (1, sup.0.fill(&format!("ERROR: {want}\n"))));
    let done = sup.ctl(&["update"]);
    let wrapped = sup.0.fill("error: <class 'xmlrpc.client.Fault'>, <Fault 92: ");
    assert_eq!(done.code(), 1);
    assert!(done.stdout.starts_with(&wrapped) && done.stdout.contains(&sup.0.fill(want)), "{}", done.stdout);
    answers(
        &sup,
        &[
            ("[i['name'] for i in s.getAllProcessInfo()]", "['x']"),
            ("[(d['name'], d['startsecs']) for d in s.getAllConfigInfo()]", "[('x', 1)]"),
            ("s.addProcessGroup('y')", "fault 10 BAD_NAME: y"),
        ],
    );
    if ours() {
        sup.wait_log("going on as we are");
    }
    sup.finish();
}

#[test]
fn during_a_shutdown_it_is_refused() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=@puppet@ ignore TERM touch @dir@/up wait-file @dir@/go exit 0\nstartsecs=0\n",
    );
    sup.wait_log("success: x");
    wait_until("it ignores TERM", || sup.0.dir().path().join("up").exists());
    sup.0.signal(15);
    sup.wait_log("waiting for x to die");
    sup.ctl_says(&["reread"], 1, "ERROR: supervisor shutting down\n");
    sup.ctl_says(&["update"], 1, "ERROR: already shutting down\n");
    sup.ctl_says(&["add", "x"], 1, "ERROR: shutting down\n");
    answers(
        &sup,
        &[
            ("s.reloadConfig()", "fault 6 SHUTDOWN_STATE"),
            ("s.addProcessGroup('x')", "fault 6 SHUTDOWN_STATE"),
            ("s.addProcessGroup('nobody')", "fault 6 SHUTDOWN_STATE"),
            ("s.removeProcessGroup('x')", "fault 6 SHUTDOWN_STATE"),
        ],
    );
    sup.0.dir().write("go", "");
    sup.finish();
}

#[test]
fn during_a_restart_it_is_refused_too() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=@puppet@ ignore TERM touch @dir@/up wait-file @dir@/go exit 0\nstartsecs=0\nautorestart=false\n",
    );
    sup.wait_log("success: x");
    wait_until("it ignores TERM", || sup.0.dir().path().join("up").exists());
    sup.ctl_says(&["reload"], 0, "Restarted supervisord\n");
    sup.wait_log("waiting for x to die");
    rewrite(&sup, &idle("y"));
    answers(
        &sup,
        &[
            ("s.reloadConfig()", "fault 6 SHUTDOWN_STATE"),
            ("s.addProcessGroup('y')", "fault 6 SHUTDOWN_STATE"),
        ],
    );
    sup.0.dir().write("go", "");
    if ours() {
        // What the restart was asked for with is what comes: it was read, and found good, before anything stopped.
        sup.wait_log_times("success: x", 2);
        assert_eq!(reread(&sup), "[[['y'], [], ['x']]]");
    } else {
        sup.wait_state("y", "STOPPED");
        assert_eq!(sup.0.info("x", "statename"), None);
    }
    sup.finish();
}

#[test]
fn a_restart_after_a_reread_takes_all_of_it() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ stamp @dir@/st hold\nstartsecs=0\n");
    sup.wait_log("success: x");
    rewrite(
        &sup,
        "[program:x]\ncommand=@puppet@ stamp @dir@/st hold\nstartsecs=0\npriority=4\n[program:y]\ncommand=cat\nstartsecs=0\n",
    );
    assert_eq!(reread(&sup), "[[['y'], ['x'], []]]");
    sup.0.signal(1);
    sup.wait_log_times("success: x", 2);
    sup.wait_state("y", "RUNNING");
    assert_eq!(reread(&sup), "[[[], [], []]]");
    assert_eq!(sup.stamps("st").len(), 2);
    sup.finish();
}

#[test]
fn the_identifier_changes_at_once() {
    if skipped() {
        return;
    }
    // Trap 45 [D].
    let listener = crate::events::pool("l", "ok", "events=REMOTE_COMMUNICATION");
    let sup = start_with("identifier=before\n", &listener);
    sup.wait_file("l.out", "READY\n");
    sup.wait_log("success: l");
    answers(&sup, &[("s.getIdentification()", "'before'"), ("s.sendRemoteCommEvent('a', 'b')", "True")]);
    crate::events::wait_told(&sup, "l", 1);
    rewrite_with(&sup, "identifier=after\n", &listener);
    answers(
        &sup,
        &[
            ("s.reloadConfig()", "[[[], [], []]]"),
            ("s.getIdentification()", "'after'"),
            ("s.sendRemoteCommEvent('c', 'd')", "True"),
        ],
    );
    crate::events::wait_told(&sup, "l", 2);
    let names: Vec<String> = crate::events::got(&sup, "l").iter().map(|(h, _)| h["server"].clone()).collect();
    assert_eq!(names, ["before", "after"]);
    sup.finish();
}

#[test]
fn what_the_configuration_says_is_what_was_read_last() {
    if skipped() {
        return;
    }
    let sup = start(&format!("{}{}", idle("x"), "[program:auto]\ncommand=cat\nautostart=false\n"));
    rewrite(
        &sup,
        &format!(
            "{}stopwaitsecs=3\nexitcodes=4\nenvironment=A=1\n[program:auto]\ncommand=cat -u\nautostart=false\n[program:new]\ncommand=cat\nstderr_logfile=NONE\n",
            idle("x")
        ),
    );
    let what = "[(d['name'], d['command'], d['inuse'], d['stopwaitsecs'], d['exitcodes'], d['stdout_logfile'], \
                d['stderr_logfile']) for d in s.getAllConfigInfo()]";
    answers(
        &sup,
        &[
            ("s.reloadConfig()", "[[['new'], ['auto', 'x'], []]]"),
            // Trap 79 [D]: files that are AUTO are not known here any more; those of processes are.
            (
                what,
                "[('auto', 'cat -u', True, 10, [0], 'auto', 'auto'), ('new', 'cat', False, 10, [0], 'auto', 'none'), \
                 ('x', 'cat', True, 3, [4], 'none', 'none')]",
            ),
            (
                "[len(i['stdout_logfile']) > 9 for i in s.getAllProcessInfo() if i['name'] == 'auto']",
                "[True]",
            ),
            ("s.addProcessGroup('new')", "True"),
            (
                "[d['stdout_logfile'] == s.getProcessInfo('new')['stdout_logfile'] for d in s.getAllConfigInfo() if d['name'] == 'new']",
                "[True]",
            ),
        ],
    );
    let done = sup.ctl(&["avail"]);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["new", "in", "use", "auto", "999:999"]);
    sup.finish();
}

#[test]
fn an_included_file_that_comes_and_goes() {
    if skipped() {
        return;
    }
    let include = format!("[include]\nfiles=inc/*.conf\n{}", idle("x"));
    let setup = setup(&format!("{}{include}", header(""))).file("inc/a.conf", &idle("a"));
    let sup = Sup::new(setup);
    let dir = sup.0.dir();
    answers(&sup, &[("[i['name'] for i in s.getAllProcessInfo()]", "['a', 'x']")]);
    dir.write("inc/b.conf", &idle("b"));
    assert_eq!(reread(&sup), "[[['b'], [], []]]");
    dir.write("inc/b.conf", "[program:x]\npriority=4\n");
    assert_eq!(reread(&sup), "[[[], ['x'], []]]");
    std::fs::remove_file(dir.path().join("inc/b.conf")).expect("it is there");
    dir.write("inc/a.conf", &format!("; moved\n{}", idle("a2")));
    assert_eq!(reread(&sup), "[[['a2'], [], ['a']]]");
    dir.write("inc/broken.conf", "[program:x]\nautostart=perhaps\n");
    let want = "fault 92 CANT_REREAD: not a valid boolean value: 'perhaps' in section 'program:x' (file: '@dir@/c.conf')";
    assert_eq!(reread(&sup), sup.0.fill(want));
    std::fs::remove_file(dir.path().join("inc/broken.conf")).expect("it is there");
    std::fs::remove_file(dir.path().join("inc/a.conf")).expect("it is there");
    assert_eq!(reread(&sup), "[[[], [], ['a']]]");
    sup.finish();
}

#[test]
fn what_is_included_may_be_moved_without_a_change() {
    if skipped() {
        return;
    }
    let sup = Sup::new(setup(&format!("{}{}{}", header(""), idle("x"), idle("y"))));
    rewrite(&sup, &format!("[include]\nfiles=inc/y.conf\n{}", idle("x")));
    sup.0.dir().write("inc/y.conf", &idle("y"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    sup.finish();
}

#[test]
fn the_main_log_that_is_read_is_the_one_that_was_read_about() {
    if skipped() {
        return;
    }
    let sup = start(&idle("x"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    let text = sup.file("c.conf").replace("/main.log", "/other.log");
    sup.0.dir().write("c.conf", &text);
    sup.0.dir().write("other.log", "other\n");
    assert_eq!(reread(&sup), "[[[], [], []]]");
    // Trap 45: theirs reads where it does not write. Ours moves with a restart.
    answers(&sup, &[("s.readLog(0, 5) == 'other'", if ours() { "False" } else { "True" })]);
    assert_eq!(sup.file("other.log"), "other\n");
    sup.0.signal(1);
    wait_until("it writes there now", || sup.file("other.log").contains("supervisord started"));
    sup.wait_state("x", "STOPPED");
    sup.finish();
}

#[test]
fn servers_do_not_move() {
    if skipped() {
        return;
    }
    let sup = start(&idle("x"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    let text = sup.file("c.conf").replace("s.sock\n[supervisord]", "t.sock\nchmod=0777\n[supervisord]");
    assert_ne!(text, sup.file("c.conf"));
    sup.0.dir().write("c.conf", &text);
    assert_eq!(reread(&sup), "[[[], [], []]]");
    assert!(!sup.0.dir().path().join("t.sock").exists());
    sup.finish();
}
