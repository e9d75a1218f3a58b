//! Calls with arguments that make no sense: the same fault and the same text. Where Python stumbles over a value, which is
//! HTTP 500 there, it is a fault here.

use crate::rpc_logs::calls;
use crate::support::{Sup, ours, skipped, start};

const PROGRAMS: &str = "[program:up]\ncommand=cat\nstartsecs=0\nstdout_logfile=@dir@/up.log\n\
    [program:off]\ncommand=cat\nautostart=false\n\
    [program:w]\ncommand=cat\nnumprocs=2\nprocess_name=n%(process_num)d\nstartsecs=0\n";

const REFUSED: &str = "fault 2 INCORRECT_PARAMETERS";

/// Each method with each list of arguments and what comes of it.
#[track_caller]
fn table(sup: &Sup, methods: &[&str], rows: &[(&str, &str)]) {
    let cases: Vec<(String, &str)> = methods
        .iter()
        .flat_map(|method| rows.iter().map(move |(args, want)| (format!("{method}({args})"), *want)))
        .collect();
    let said = calls(sup, &cases.iter().map(|(call, _)| call.as_str()).collect::<Vec<_>>());
    for ((call, want), said) in cases.iter().zip(said) {
        let want = if *want == "http 500" && ours() { REFUSED } else { want };
        assert_eq!(said, want, "{call}");
    }
}

fn three() -> Sup {
    let sup = start(PROGRAMS);
    for name in ["up", "w:n0", "w:n1"] {
        sup.wait_state(name, "RUNNING");
    }
    sup
}

#[test]
fn names_that_are_no_names() {
    if skipped() {
        return;
    }
    let sup = three();
    let one =
        ["s.getProcessInfo", "s.startProcess", "s.stopProcess", "s.clearProcessLogs", "s.clearProcessLog"];
    table(
        &sup,
        &one,
        &[
            ("", REFUSED),
            ("3", "http 500"),
            ("True", "http 500"),
            ("1.5", "http 500"),
            ("[]", "http 500"),
            ("{}", "http 500"),
            ("['up']", "http 500"),
            ("'up', 1, 2", REFUSED),
            ("''", "fault 10 BAD_NAME: "),
            ("':'", "fault 10 BAD_NAME: :"),
            ("':up'", "fault 10 BAD_NAME: :up"),
            ("'no:such'", "fault 10 BAD_NAME: no:such"),
        ],
    );
    let groups = ["s.startProcessGroup", "s.stopProcessGroup", "s.removeProcessGroup", "s.addProcessGroup"];
    table(
        &sup,
        &groups,
        &[
            ("", REFUSED),
            ("3", "fault 10 BAD_NAME: 3"),
            ("-1.5", "fault 10 BAD_NAME: -1.5"),
            ("True", "fault 10 BAD_NAME: True"),
            ("''", "fault 10 BAD_NAME: "),
            ("'up', 1, 2", REFUSED),
        ],
    );
    table(&sup, &groups[..3], &[("[]", REFUSED), ("{}", REFUSED)]);
    sup.finish();
}

#[test]
fn text_for_a_stdin_that_is_no_text() {
    if skipped() {
        return;
    }
    let sup = three();
    table(
        &sup,
        &["s.sendProcessStdin"],
        &[
            ("'up', 3", "fault 2 INCORRECT_PARAMETERS: 3"),
            ("'up', 1.5", "fault 2 INCORRECT_PARAMETERS: 1.5"),
            ("'up', True", "fault 2 INCORRECT_PARAMETERS: True"),
            ("'up', []", "fault 2 INCORRECT_PARAMETERS: []"),
            ("'up', {}", "fault 2 INCORRECT_PARAMETERS: {}"),
            // What is sent is looked at first.
            ("'nosuch', 3", "fault 2 INCORRECT_PARAMETERS: 3"),
            ("'off', False", "fault 2 INCORRECT_PARAMETERS: False"),
            ("'nosuch', 'x'", "fault 10 BAD_NAME: nosuch"),
            ("'off', 'x'", "fault 70 NOT_RUNNING: off"),
            ("'up:*', 'x'", "fault 10 BAD_NAME: up:*"),
            ("3, 'x'", "http 500"),
            ("[], 'x'", "http 500"),
            ("'up'", REFUSED),
            ("'up', 'x', 'y'", REFUSED),
        ],
    );
    table(
        &sup,
        &["s.sendRemoteCommEvent"],
        &[
            ("3, 'x'", "True"),
            ("'t', 1.5", "True"),
            ("True, 'x'", "True"),
            ("'t'", REFUSED),
            ("1, 2, 3", REFUSED),
        ],
    );
    sup.finish();
}

#[test]
fn numbers_that_are_no_numbers() {
    if skipped() {
        return;
    }
    let sup = three();
    let logs =
        ["s.readProcessStdoutLog", "s.readProcessStderrLog", "s.tailProcessStdoutLog", "s.tailProcessLog"];
    table(
        &sup,
        &logs,
        &[
            ("'up', 0", REFUSED),
            ("'up', 0, 0, 0", REFUSED),
            ("'up', [], 0", REFUSED),
            ("'up', 0, {}", REFUSED),
            ("'nosuch', 'x', []", "fault 10 BAD_NAME: nosuch"),
            ("3, 0, 0", "http 500"),
            ("['up'], 0, 0", "http 500"),
        ],
    );
    table(&sup, &["s.readLog", "s.readMainLog"], &[("0", REFUSED), ("0, []", REFUSED), ("{}, 0", REFUSED)]);
    sup.finish();
}

#[test]
fn signals_that_are_no_signals() {
    if skipped() {
        return;
    }
    let sup = three();
    table(
        &sup,
        &["s.signalProcess"],
        &[
            ("'up'", REFUSED),
            ("'up', ''", "fault 11 BAD_SIGNAL: "),
            ("'up', -1", "fault 11 BAD_SIGNAL: -1"),
            ("'up', 'SIGSIG'", "fault 11 BAD_SIGNAL: SIGSIG"),
            ("'up', []", if ours() { "fault 11 BAD_SIGNAL: []" } else { "http 500" }),
            ("'nosuch', -1", "fault 10 BAD_NAME: nosuch"),
            ("3, 'CONT'", "http 500"),
            // Whether it is there.
            ("'up', 0", "True"),
            ("'off', 0", "fault 70 NOT_RUNNING: off"),
            ("'up', 18.9", "True"),
        ],
    );
    table(
        &sup,
        &["s.signalProcessGroup"],
        &[("3, 'CONT'", "fault 10 BAD_NAME: 3"), ("[], 'CONT'", REFUSED), ("'w'", REFUSED)],
    );
    sup.finish();
}

#[test]
fn more_arguments_than_there_are_and_methods_that_are_none() {
    if skipped() {
        return;
    }
    let sup = three();
    let none = [
        "s.getState",
        "s.getPID",
        "s.getAPIVersion",
        "s.getVersion",
        "s.getIdentification",
        "s.getSupervisorVersion",
        "s.getAllConfigInfo",
        "s.getAllProcessInfo",
        "s.reloadConfig",
        "s.clearLog",
        "s.clearAllProcessLogs",
        "s.shutdown",
        "s.restart",
        "p.system.listMethods",
    ];
    table(&sup, &none, &[("1", REFUSED), ("'a', []", REFUSED)]);
    let unknown = [
        "p.supervisor",
        "p.nosuch.getPID",
        "s.x.y",
        "s._update",
        "getattr(p, 'supervisor.')",
        "getattr(p, 'SUPERVISOR.getPID')",
        "getattr(p, 'supervisor.getpid')",
    ];
    table(&sup, &["getattr(p, '')"], &[("", "http 400")]);
    table(&sup, &unknown, &[("", "fault 1 UNKNOWN_METHOD"), ("'x'", "fault 1 UNKNOWN_METHOD")]);
    sup.finish();
}
