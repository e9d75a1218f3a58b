//! `add` and `remove`: what they say in each state, and what is there afterwards.

use crate::reread::{idle, reread, rewrite};
use crate::rpc_logs::{answers, calls};
use crate::support::{skipped, start};
use harness::wait_until;

#[test]
fn add_and_remove_by_the_command() {
    if skipped() {
        return;
    }
    let sup = start(&["a", "b"].map(idle).concat());
    assert_eq!(reread(&sup), "[[[], [], []]]");
    sup.ctl_says(&["add", "a"], 0, "ERROR: process group already active\n");
    sup.ctl_says(&["add", "nobody"], 1, "ERROR: no such process/group: nobody\n");
    sup.ctl_says(&["remove", "nobody"], 1, "ERROR: no such process/group: nobody\n");
    sup.ctl_says(&["add"], 0, "");
    sup.ctl_says(&["remove"], 0, "");
    sup.ctl_says(
        &["remove", "a", "nobody", "b"],
        1,
        "a: removed process group\nERROR: no such process/group: nobody\nb: removed process group\n",
    );
    // Both are in what was read last.
    sup.ctl_says(&["add", "b", "a"], 0, "b: added process group\na: added process group\n");
    sup.finish();
}

#[test]
fn a_name_is_that_of_a_group_and_nothing_else() {
    if skipped() {
        return;
    }
    let sup = start(&(["a", "b"].map(idle).concat() + "[group:g]\nprograms=a,b\n"));
    answers(
        &sup,
        &[
            ("s.removeProcessGroup('a')", "fault 10 BAD_NAME: a"),
            ("s.removeProcessGroup('g:a')", "fault 10 BAD_NAME: g:a"),
            ("s.removeProcessGroup('g:*')", "fault 10 BAD_NAME: g:*"),
            ("s.removeProcessGroup('')", "fault 10 BAD_NAME: "),
            ("s.addProcessGroup('a')", "fault 10 BAD_NAME: a"),
            ("s.addProcessGroup('g:a')", "fault 10 BAD_NAME: g:a"),
            ("s.addProcessGroup()", "fault 2 INCORRECT_PARAMETERS"),
            ("s.removeProcessGroup('g', 1)", "fault 2 INCORRECT_PARAMETERS"),
            ("s.addProcessGroup('g')", "fault 90 ALREADY_ADDED: g"),
            ("s.removeProcessGroup('g')", "True"),
            ("s.removeProcessGroup('g')", "fault 10 BAD_NAME: g"),
            ("s.addProcessGroup('g')", "True"),
        ],
    );
    sup.finish();
}

#[test]
fn only_what_has_stopped_can_be_removed() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:running]\ncommand=cat\nstartsecs=0\n[program:starting]\ncommand=cat\nstartsecs=1000\n\
         [program:backoff]\ncommand=@puppet@ exit 3\nstartsecs=5\nstartretries=1000\n\
         [program:stopping]\ncommand=@puppet@ ignore TERM touch @dir@/up wait-file @dir@/go exit 0\nstartsecs=0\nstopwaitsecs=60\n\
         [program:stopped]\ncommand=cat\nautostart=false\n\
         [program:exited]\ncommand=@puppet@ exit 0\nstartsecs=0\nautorestart=false\n\
         [program:fatal]\ncommand=/no/such/file\nstartretries=0\n",
    );
    sup.wait_state("running", "RUNNING");
    sup.wait_state("starting", "STARTING");
    sup.wait_state("exited", "EXITED");
    sup.wait_state("fatal", "FATAL");
    // From the third failure on it waits for seconds.
    sup.wait_log_times("exited: backoff", 3);
    wait_until("it ignores TERM", || sup.0.dir().path().join("up").exists());
    answers(
        &sup,
        &[
            ("s.stopProcess('stopping', False)", "True"),
            ("s.getProcessInfo('stopping')['statename']", "'STOPPING'"),
        ],
    );
    answers(
        &sup,
        &[
            ("s.removeProcessGroup('running')", "fault 91 STILL_RUNNING: running"),
            ("s.removeProcessGroup('starting')", "fault 91 STILL_RUNNING: starting"),
            ("s.removeProcessGroup('backoff')", "fault 91 STILL_RUNNING: backoff"),
            ("s.removeProcessGroup('stopping')", "fault 91 STILL_RUNNING: stopping"),
            ("s.removeProcessGroup('stopped')", "True"),
            ("s.removeProcessGroup('exited')", "True"),
            ("s.removeProcessGroup('fatal')", "True"),
            ("[i['name'] for i in s.getAllProcessInfo()]", "['backoff', 'running', 'starting', 'stopping']"),
        ],
    );
    sup.ctl_says(&["remove", "running"], 1, "ERROR: process/group still running: running\n");
    sup.0.dir().write("go", "");
    sup.wait_state("stopping", "STOPPED");
    answers(&sup, &[("s.removeProcessGroup('stopping')", "True")]);
    sup.finish();
}

#[test]
fn one_that_runs_keeps_its_whole_group() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=cat\nnumprocs=3\nprocess_name=%(process_num)d\nstartsecs=0\nautostart=false\n",
    );
    answers(
        &sup,
        &[
            ("s.startProcess('x:1')", "True"),
            ("s.removeProcessGroup('x')", "fault 91 STILL_RUNNING: x"),
            ("[i['name'] for i in s.getAllProcessInfo()]", "['0', '1', '2']"),
            ("s.stopProcess('x:1')", "True"),
            ("s.removeProcessGroup('x')", "True"),
            ("s.getAllProcessInfo()", "[]"),
        ],
    );
    sup.finish();
}

#[test]
fn processes_of_a_removed_group_are_unknown_to_everything() {
    if skipped() {
        return;
    }
    let sup = start(&(["gone", "here"].map(idle).concat()));
    answers(
        &sup,
        &[
            ("s.removeProcessGroup('gone')", "True"),
            ("s.getProcessInfo('gone')", "fault 10 BAD_NAME: gone"),
            ("s.startProcess('gone')", "fault 10 BAD_NAME: gone"),
            ("s.startProcess('gone:gone')", "fault 10 BAD_NAME: gone:gone"),
            ("s.stopProcess('gone')", "fault 10 BAD_NAME: gone"),
            ("s.signalProcess('gone', 'HUP')", "fault 10 BAD_NAME: gone"),
            ("s.startProcessGroup('gone')", "fault 10 BAD_NAME: gone"),
            ("s.stopProcessGroup('gone')", "fault 10 BAD_NAME: gone"),
            ("s.clearProcessLogs('gone')", "fault 10 BAD_NAME: gone"),
            ("s.readProcessStdoutLog('gone', 0, 0)", "fault 10 BAD_NAME: gone"),
            ("s.tailProcessStdoutLog('gone', 0, 0)", "fault 10 BAD_NAME: gone"),
            ("s.sendProcessStdin('gone', 'x')", "fault 10 BAD_NAME: gone"),
            ("[(d['name'], d['inuse']) for d in s.getAllConfigInfo()]", "[('gone', False), ('here', True)]"),
            ("[i['name'] for i in s.stopAllProcesses()]", "[]"),
        ],
    );
    sup.ctl_says(&["status", "gone"], 4, "gone: ERROR (no such process)\n");
    sup.ctl_says(&["tail", "gone"], 1, "gone: ERROR (no such process name)\n");
    sup.finish();
}

#[test]
fn what_is_added_is_what_was_read_last() {
    if skipped() {
        return;
    }
    let show = |word: &str| {
        format!("[program:x]\ncommand=@puppet@ say {word} hold\nstartsecs=0\nstdout_logfile=@dir@/x.out\n")
    };
    let sup = start(&show("one"));
    sup.wait_file("x.out", "one\n");
    rewrite(&sup, &show("two"));
    // Nobody has read it yet.
    answers(
        &sup,
        &[
            ("s.stopProcess('x')", "True"),
            ("s.removeProcessGroup('x')", "True"),
            ("s.addProcessGroup('x')", "True"),
        ],
    );
    sup.wait_file("x.out", "one\none\n");
    answers(
        &sup,
        &[
            ("s.reloadConfig()", "[[[], ['x'], []]]"),
            ("s.stopProcess('x')", "True"),
            ("s.startProcess('x')", "True"),
        ],
    );
    sup.wait_file("x.out", "one\none\none\n");
    answers(
        &sup,
        &[
            ("s.stopProcess('x')", "True"),
            ("s.removeProcessGroup('x')", "True"),
            ("s.addProcessGroup('x')", "True"),
        ],
    );
    sup.wait_file("x.out", "one\none\none\ntwo\n");
    sup.finish();
}

#[test]
fn what_is_gone_from_the_file_cannot_be_added_again() {
    if skipped() {
        return;
    }
    let sup = start(&["a", "b"].map(idle).concat());
    assert_eq!(reread(&sup), "[[[], [], []]]");
    rewrite(&sup, &idle("b"));
    answers(
        &sup,
        &[
            ("s.reloadConfig()", "[[[], [], ['a']]]"),
            ("s.addProcessGroup('a')", "fault 10 BAD_NAME: a"),
            ("s.removeProcessGroup('a')", "True"),
            ("s.addProcessGroup('a')", "fault 10 BAD_NAME: a"),
            ("s.reloadConfig()", "[[[], [], []]]"),
        ],
    );
    sup.finish();
}

#[test]
fn an_automatic_log_of_what_is_added_again_without_reading() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=cat\nautostart=false\nstderr_logfile=NONE\n");
    let path = "s.getProcessInfo('x')['stdout_logfile']";
    let said = calls(
        &sup,
        &[
            path,
            "s.removeProcessGroup('x')",
            "s.addProcessGroup('x')",
            path,
            "s.reloadConfig()",
            "s.removeProcessGroup('x')",
            "s.addProcessGroup('x')",
            path,
        ],
    );
    assert_eq!(said[3], said[0], "it is known where it was");
    assert!(said[7] != said[0] && said[7].contains("/child/x-stdout---supervisor-"), "{said:?}");
    sup.finish();
}

#[test]
fn what_is_added_has_its_place_by_name_and_by_priority() {
    if skipped() {
        return;
    }
    let with = |name: &str, priority: i32| {
        format!("[program:{name}]\ncommand=cat\nautostart=false\nstartsecs=0\npriority={priority}\n")
    };
    let sup = start(&(with("m", 5) + &with("z", 1)));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    rewrite(&sup, &(with("m", 5) + &with("z", 1) + &with("a", 3) + &with("n", 9) + &with("b", 7)));
    answers(
        &sup,
        &[
            ("s.reloadConfig()", "[[['a', 'b', 'n'], [], []]]"),
            ("[s.addProcessGroup(n) for n in ['n', 'a', 'b']]", "[True, True, True]"),
            ("[i['name'] for i in s.getAllProcessInfo()]", "['a', 'b', 'm', 'n', 'z']"),
            ("[i['name'] for i in s.startAllProcesses()]", "['z', 'a', 'm', 'b', 'n']"),
        ],
    );
    let spawned: Vec<String> = sup.events().into_iter().filter(|l| l.contains("spawned")).collect();
    assert_eq!(spawned, ["z", "a", "m", "b", "n"].map(|n| format!("INFO spawned: '{n}' with pid PID")));
    sup.finish();
}

#[test]
fn what_is_added_stops_by_its_priority_at_the_end() {
    if skipped() {
        return;
    }
    let with = |name: &str, priority: i32| {
        format!("[program:{name}]\ncommand=cat\nstartsecs=0\npriority={priority}\n")
    };
    let sup = start(&(with("m", 5) + &with("z", 1)));
    sup.wait_state("m", "RUNNING");
    rewrite(&sup, &(with("m", 5) + &with("z", 1) + &with("a", 3) + &with("n", 9)));
    answers(
        &sup,
        &[
            ("s.reloadConfig()", "[[['a', 'n'], [], []]]"),
            ("[s.addProcessGroup(n) for n in ['n', 'a']]", "[True, True]"),
        ],
    );
    ["a", "n"].iter().for_each(|name| sup.wait_state(name, "RUNNING"));
    let log = sup.0.dir().path().join("main.log");
    sup.0.signal(15);
    assert_eq!(sup.0.wait_exit(), 0);
    let text = std::fs::read_to_string(log).expect("the directory is there as long as the daemon's");
    let order: Vec<&str> =
        text.lines().filter_map(|l| l.split("stopped: ").nth(1)?.split(' ').next()).collect();
    assert_eq!(order, ["n", "m", "a", "z"]);
    sup.finish();
}

#[test]
fn everything_may_go_and_come_back() {
    if skipped() {
        return;
    }
    let sup = start(&["a", "b"].map(idle).concat());
    assert_eq!(reread(&sup), "[[[], [], []]]");
    rewrite(&sup, "");
    sup.ctl_says(
        &["update"],
        0,
        "a: stopped\na: removed process group\nb: stopped\nb: removed process group\n",
    );
    sup.ctl_says(&["status"], 0, "");
    answers(
        &sup,
        &[("s.getAllProcessInfo()", "[]"), ("s.getAllConfigInfo()", "[]"), ("s.startAllProcesses()", "[]")],
    );
    rewrite(&sup, "[program:c]\ncommand=cat\nstartsecs=0\n");
    sup.ctl_says(&["update"], 0, "c: added process group\n");
    sup.wait_state("c", "RUNNING");
    sup.finish();
}

#[test]
fn a_removed_programs_log_stays() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ say here hold\nstartsecs=0\nstdout_logfile=@dir@/x.out\n");
    sup.wait_file("x.out", "here\n");
    answers(&sup, &[("s.stopProcess('x')", "True"), ("s.removeProcessGroup('x')", "True")]);
    assert_eq!(sup.file("x.out"), "here\n");
    let open: Vec<String> = harness::proc::fds(sup.0.pid())
        .into_iter()
        .map(|(_, to)| to)
        .filter(|to| to.ends_with("/x.out"))
        .collect();
    assert_eq!(open, [""; 0]);
    sup.finish();
}
