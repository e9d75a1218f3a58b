//! Logs over XML-RPC: reading, tailing. Called by Python's own client.

use crate::support::{Sup, header, ours, setup, skipped, start};
use harness::{Cmd, bins};

/// Calls each expression in one Python process (`s` is the `supervisor` namespace, `p` the whole server) and gives what
/// Python shows of the results; for faults `fault CODE TEXT`, for another HTTP status `http CODE`.
#[track_caller]
pub(crate) fn calls(sup: &Sup, expressions: &[&str]) -> Vec<String> {
    harness::wait_until("it listens", || std::path::Path::new(&sup.0.socket()).exists());
    const SCRIPT: &str = "import sys, xmlrpc.client as c\n\
        from supervisor.xmlrpc import SupervisorTransport as T\n\
        p = c.ServerProxy('http://127.0.0.1', T(None, None, 'unix://' + sys.argv[1]))\n\
        s = p.supervisor\n\
        for e in sys.argv[2:]:\n    \
            try: print(ascii(eval(e)))\n    \
            except c.Fault as f: print('fault', f.faultCode, f.faultString)\n    \
            except c.ProtocolError as f: print('http', f.errcode); p('close')()\n    \
            except Exception as f: print(type(f).__name__); p('close')()\n";
    let python = bins::venv("python").expect("skipped() has looked");
    let done = Cmd::new(&[&[python.as_str(), "-c", SCRIPT, &sup.0.socket()], expressions].concat()).run();
    assert_eq!((done.code(), done.stderr.as_str()), (0, ""));
    let lines: Vec<String> = done.stdout.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), expressions.len(), "{}", done.stdout);
    lines
}

/// Calls and compares, each with its expression.
#[track_caller]
pub(crate) fn answers(sup: &Sup, table: &[(&str, &str)]) {
    let expressions: Vec<&str> = table.iter().map(|(e, _)| *e).collect();
    let said = calls(sup, &expressions);
    for ((expression, want), said) in table.iter().zip(said) {
        assert_eq!(sup.0.fill(want), said, "{expression}");
    }
}

/// `a` that has written `0123456789`, and whatever else `programs` says.
fn ten(programs: &str) -> Sup {
    let sup = start(&format!(
        "[program:a]\ncommand=@puppet@ print 0123456789 hold\nstartsecs=0\nstdout_logfile=@dir@/a.log\n{programs}"
    ));
    sup.wait_file("a.log", "0123456789");
    sup
}

#[test]
fn an_offset_and_a_length_read_these_bytes() {
    if skipped() {
        return;
    }
    let sup = ten("");
    answers(
        &sup,
        &[
            ("s.readProcessStdoutLog('a', 0, 0)", "'0123456789'"),
            ("s.readProcessLog('a:a', 3, 4)", "'3456'"),
            ("s.readProcessStdoutLog('a', 8, 5)", "'89'"),
            ("s.readProcessStdoutLog('a', 10, 0)", "''"),
            ("s.readProcessStdoutLog('a', 50, 5)", "''"),
            ("s.readProcessStdoutLog('a', -4, 0)", "'6789'"),
            ("s.readProcessStdoutLog('a', -50, 0)", "'0123456789'"),
            ("s.readProcessStdoutLog('a', -4, 4)", "fault 3 BAD_ARGUMENTS"),
            ("s.readProcessStdoutLog('a', 4, -4)", "fault 3 BAD_ARGUMENTS"),
            ("s.readProcessStdoutLog('a', '3', True)", "'3'"),
            ("s.readProcessStdoutLog('a', 3.9, ' 2 ')", "'34'"),
            ("s.readProcessStdoutLog('a', 3)", "fault 2 INCORRECT_PARAMETERS"),
        ],
    );
    sup.finish();
}

#[test]
fn the_tail_arithmetic_is_kept_to_the_byte() {
    if skipped() {
        return;
    }
    let sup = ten("");
    // Trap 58 [K]: (5, 100) delivers everything again.
    answers(
        &sup,
        &[
            ("s.tailProcessStdoutLog('a', 0, 5)", "['56789', 10, True]"),
            ("s.tailProcessStdoutLog('a', 0, 10)", "['0123456789', 10, False]"),
            ("s.tailProcessLog('a', 0, 100)", "['0123456789', 10, False]"),
            ("s.tailProcessStdoutLog('a', 5, 5)", "['56789', 10, False]"),
            ("s.tailProcessStdoutLog('a', 5, 100)", "['0123456789', 10, False]"),
            ("s.tailProcessStdoutLog('a', 5, 3)", "['789', 10, True]"),
            ("s.tailProcessStdoutLog('a', 10, 5)", "['', 10, False]"),
            ("s.tailProcessStdoutLog('a', 11, 5)", "['', 10, False]"),
            ("s.tailProcessStdoutLog('a', 50, 5)", "['', 10, False]"),
            ("s.tailProcessStdoutLog('a', 0, 0)", "['', 10, True]"),
            ("s.tailProcessStdoutLog('a', 3, 0)", "['', 10, True]"),
            ("s.tailProcessStdoutLog('a', 0, -5)", "['', 10, True]"),
            ("s.tailProcessStdoutLog('a', -5, 5)", "['56789', 10, True]"),
            ("s.tailProcessStdoutLog('a', -5, 8)", "['23456789', 10, True]"),
            ("s.tailProcessStdoutLog('a', 9, 1)", "['9', 10, False]"),
            ("s.tailProcessStdoutLog('a', 9, 2)", "['89', 10, False]"),
            ("s.tailProcessStderrLog('a', 0, 5)", "['', 0, False]"),
        ],
    );
    sup.finish();
}

#[test]
fn names_and_missing_logs_are_refused() {
    if skipped() {
        return;
    }
    let sup = ten("[program:none]\ncommand=cat\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
         [program:null]\ncommand=cat\nstdout_logfile=/dev/null\n\
         [program:off]\ncommand=cat\nautostart=false\nstdout_logfile=@dir@/off.log\n\
         [program:merged]\ncommand=cat\nredirect_stderr=true\nstdout_logfile=@dir@/merged.log\n\
         [program:dir]\ncommand=cat\nautostart=false\nstdout_logfile=@dir@/child\n");
    let refused_dir = "fault 30 FAILED";
    answers(
        &sup,
        &[
            ("s.readProcessStdoutLog('nosuch', 0, 0)", "fault 10 BAD_NAME: nosuch"),
            ("s.readProcessStdoutLog('a:nosuch', 0, 0)", "fault 10 BAD_NAME: a:nosuch"),
            ("s.readProcessStdoutLog('a:*', 0, 0)", "fault 10 BAD_NAME: a:*"),
            ("s.tailProcessStderrLog('a:', 0, 0)", "fault 10 BAD_NAME: a:"),
            ("s.tailProcessStdoutLog('nosuch', 0, 0)", "fault 10 BAD_NAME: nosuch"),
            ("s.readProcessStdoutLog('none', 0, 0)", "fault 20 NO_FILE"),
            ("s.readProcessStderrLog('none', 0, 0)", "fault 20 NO_FILE"),
            ("s.tailProcessStdoutLog('none', 7, 7)", "['', 0, False]"),
            ("s.readProcessStdoutLog('null', 0, 0)", "''"),
            ("s.tailProcessStdoutLog('null', 0, 5)", "['', 0, False]"),
            ("s.readProcessStdoutLog('off', 0, 0)", "fault 20 NO_FILE: @dir@/off.log"),
            ("s.tailProcessStdoutLog('off', 1, 2)", "['', 0, False]"),
            ("s.readProcessStderrLog('merged', 0, 0)", "fault 20 NO_FILE"),
            ("s.tailProcessStderrLog('merged', 0, 9)", "['', 0, False]"),
            ("s.readProcessStdoutLog('dir', 0, 0)", refused_dir),
            ("s.tailProcessStdoutLog('dir', 4, 2)", "['', 4, False]"),
        ],
    );
    sup.finish();
}

#[test]
fn a_stopped_program_keeps_a_log_that_can_be_read() {
    if skipped() {
        return;
    }
    let sup = ten("");
    sup.ctl_says(&["stop", "a"], 0, "a: stopped\n");
    answers(&sup, &[("s.readProcessStdoutLog('a', 0, 0)", "'0123456789'")]);
    sup.finish();
}

#[test]
fn stderr_has_a_log_of_its_own() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:e]\ncommand=@puppet@ say out say-err err hold\nstartsecs=0\n\
         stdout_logfile=@dir@/out.log\nstderr_logfile=@dir@/err.log\n",
    );
    sup.wait_file("out.log", "out");
    sup.wait_file("err.log", "err");
    answers(
        &sup,
        &[
            ("s.readProcessStdoutLog('e', 0, 0)", "'out\\n'"),
            ("s.readProcessStderrLog('e', 0, 0)", "'err\\n'"),
            ("s.tailProcessStderrLog('e', 0, 2)", "['r\\n', 4, True]"),
        ],
    );
    sup.finish();
}

#[test]
fn the_main_log_is_read_by_the_same_arithmetic() {
    if skipped() {
        return;
    }
    let sup = ten("");
    sup.wait_log("success: a");
    let log = sup.log();
    let first: String = log.chars().take(10).collect();
    let said = calls(
        &sup,
        &[
            "s.readLog(0, 10)",
            "s.readMainLog(-15, 0)",
            "s.readLog(1 << 30, 0)",
            "s.readLog(-1, 1)",
            "s.readLog(1, -1)",
        ],
    );
    assert_eq!(said[0], format!("'{first}'"));
    assert!(log.len() > 15 && said[1].len() == 15 + 3, "{said:?}");
    assert_eq!(said[2..], ["''", "fault 3 BAD_ARGUMENTS", "fault 3 BAD_ARGUMENTS"]);
    sup.finish();
}

#[test]
fn a_main_log_that_is_gone_is_no_file() {
    if skipped() {
        return;
    }
    let sup = ten("");
    sup.wait_log("success: a");
    std::fs::remove_file(sup.0.dir().path().join("main.log")).unwrap();
    answers(&sup, &[("s.readLog(0, 10)", "fault 20 NO_FILE: @dir@/main.log")]);
    sup.0.finish();
}

#[test]
fn what_is_no_utf_8_is_replaced() {
    if skipped() {
        return;
    }
    let setup = setup(&format!(
        "{}[program:x]\ncommand=@puppet@ chunk @dir@/bytes say . hold\nstartsecs=0\nstdout_logfile=@dir@/x.log\n",
        header("")
    ));
    // A character of two bytes, one that is none, and one that XML has no place for.
    std::fs::write(setup.dir().path().join("bytes"), b"\xc3\xa9\xff\x1b-").unwrap();
    let sup = Sup::new(setup);
    sup.wait_file("x.log", ".\n");
    let said = calls(
        &sup,
        &[
            "s.readProcessStdoutLog('x', 0, 2)",
            "s.readProcessStdoutLog('x', 0, 1)",
            "s.readProcessStdoutLog('x', 1, 1)",
            "s.readProcessStdoutLog('x', 2, 1)",
            "s.readProcessStdoutLog('x', 3, 2)",
            "s.tailProcessStdoutLog('x', 0, 5)",
            "s.readProcessStdoutLog('x', 'many', 0)",
        ],
    );
    // Trap 59 [F].
    let want = if ours() {
        [
            "'\\xe9'",
            "'\\ufffd'",
            "'\\ufffd'",
            "'\\ufffd'",
            "'\\ufffd-'",
            "['\\ufffd\\ufffd-.\\n', 7, True]",
            "fault 2 INCORRECT_PARAMETERS",
        ]
    } else {
        ["'\\xe9'", "http 500", "http 500", "http 500", "ExpatError", "http 500", "http 500"]
    };
    assert_eq!(said, want);
    sup.finish();
}

#[test]
fn a_log_that_is_a_pipe_cannot_be_read() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:p]\ncommand=@puppet@ say hello hold\nstartsecs=0\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n",
    );
    sup.0.wait_said("hello");
    answers(
        &sup,
        &[
            ("s.readProcessStdoutLog('p', 0, 0)", "fault 30 FAILED"),
            ("s.tailProcessStdoutLog('p', 3, 5)", "['', 3, False]"),
        ],
    );
    sup.0.finish();
}
