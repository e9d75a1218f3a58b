//! What commands ask of the server and print: lines and codes of supervisorctl.

use super::*;

#[test]
fn results_have_supervisorctls_lines_and_codes() {
    for (line, answer, code, want) in [
        ("start a", Ok(Value::Bool(true)), 0, "a: started\n"),
        ("start g:x", Ok(Value::Bool(true)), 0, "g:x: started\n"),
        ("start a", fault(10, ""), 1, "a: ERROR (no such process)\n"),
        ("start a", fault(20, ""), 1, "a: ERROR (no such file)\n"),
        ("start a", fault(21, ""), 1, "a: ERROR (file is not executable)\n"),
        ("start a", fault(60, ""), 0, "a: ERROR (already started)\n"),
        ("start a", fault(50, ""), 7, "a: ERROR (spawn error)\n"),
        ("start a", fault(40, ""), 7, "a: ERROR (abnormal termination)\n"),
        ("stop a", Ok(Value::Bool(true)), 0, "a: stopped\n"),
        ("stop a", fault(70, ""), 0, "a: ERROR (not running)\n"),
        ("stop a", fault(10, ""), 1, "a: ERROR (no such process)\n"),
        ("stop a", fault(30, "FAILED: why"), 1, "FAILED: why\n"),
        ("signal HUP a", Ok(Value::Bool(true)), 0, "a: signalled\n"),
        ("signal NOPE a", fault(11, ""), 1, "a: ERROR (bad signal name)\n"),
        ("signal HUP a", fault(70, ""), 7, "a: ERROR (not running)\n"),
        ("start g:*", fault(10, ""), 2, "g: ERROR (no such group)\n"),
        ("stop g:*", fault(10, ""), 1, "g: ERROR (no such group)\n"),
        ("signal HUP g:", fault(10, ""), 1, "g: ERROR (no such group)\n"),
    ] {
        let answer = RefCell::new(Some(answer));
        let got = told(line, |method, _| match method {
            "getVersion" => Ok(Value::Nil),
            _ => answer.borrow_mut().take().expect("one call"),
        });
        assert_eq!(got, (code, want.to_owned()), "{line}");
    }
}

#[test]
fn results_of_groups_are_shown_one_by_one() {
    let results = || {
        Value::Array(vec![
            status("g", "x", 80, "OK"),
            status("g", "y", 50, "SPAWN_ERROR: g:y"),
            status("a", "a", 60, "ALREADY_STARTED: a"),
        ])
    };
    let want = "g:x: started\ng:y: ERROR (spawn error)\na: ERROR (already started)\n";
    for line in ["start g:*", "start all", "start b all c"] {
        assert_eq!(told(line, |_, _| Ok(results())), (7, want.to_owned()), "{line}");
    }
}

#[test]
fn the_calls_are_supervisorctls() {
    for (line, want) in [
        ("start a g:*", vec!["getVersion()", "startProcess(a)", "startProcessGroup(g)"]),
        ("stop all", vec!["getVersion()", "stopAllProcesses()"]),
        ("signal HUP a all", vec!["getVersion()", "signalAllProcesses(HUP)"]),
        ("signal 9 g:x", vec!["getVersion()", "signalProcess(g:x,9)"]),
        ("signal -9 g:*", vec!["getVersion()", "signalProcessGroup(g,-9)"]),
        ("shutdown", vec!["shutdown()"]),
        ("reload", vec!["restart()"]),
        ("version", vec!["getVersion()", "getSupervisorVersion()"]),
    ] {
        assert_eq!(run_line(line, "", three).2, want, "{line}");
    }
    let calls = run_line("restart a b", "", three).2;
    let acts: Vec<_> = calls.iter().filter(|c| !c.starts_with("getVersion")).collect();
    assert_eq!(acts, ["stopProcess(a)", "stopProcess(b)", "startProcess(a)", "startProcess(b)"]);
}

#[test]
fn missing_names_are_errors_with_help() {
    for (line, code, first) in [
        ("start", 2, "Error: start requires a process name"),
        ("stop", 1, "Error: stop requires a process name"),
        ("restart", 1, "Error: restart requires a process name"),
        ("signal HUP", 1, "Error: signal requires a signal name and a process name"),
        ("shutdown now", 1, "Error: shutdown accepts no arguments"),
        ("version x", 1, "Error: version accepts no arguments"),
        ("avail x", 1, "Error: avail accepts no arguments"),
        ("clear", 1, "Error: clear requires a process name"),
        ("tail", 1, "Error: too few arguments"),
        ("tail a b c d", 1, "Error: too many arguments"),
        ("tail -5", 1, "Error: tail requires process name"),
        ("tail a nosuch", 1, "Error: bad channel 'nosuch'"),
        ("tail -x a", 1, "Error: bad argument -x"),
        ("maintail x", 1, "Error: bad argument x"),
        ("maintail 1 2", 1, "Error: too many arguments"),
        ("foo bar", 1, "*** Unknown syntax: foo bar"),
    ] {
        let (got, out) = told(line, three);
        assert_eq!((got, out.lines().next()), (code, Some(first)), "{line}");
    }
}

#[test]
fn pids_are_printed_one_for_each_line() {
    assert_eq!(told("pid", three), (0, "1\n".to_owned()));
    assert_eq!(told("pid all", three), (0, "7\n8\n0\n".to_owned()));
    assert_eq!(told("pid a multi:multi_01", three), (7, "7\n0\n".to_owned()));
    assert_eq!(told("pid nosuch", three), (1, "No such process nosuch\n".to_owned()));
}

#[test]
fn following_ends_well_whatever_becomes_of_it() {
    let script = |method: &str, _: &[Value]| match method {
        "follow" => Ok(Value::text("some\nwords")),
        _ => Ok(Value::text("3.0")),
    };
    for (line, path) in [
        ("tail -f web", "/logtail/web/stdout"),
        ("tail -f web stderr", "/logtail/web/stderr"),
        ("maintail -f", "/mainlogtail"),
    ] {
        let (code, out, calls) = run_line(line, "", script);
        assert_eq!((code, out.as_str()), (0, "==> Press Ctrl-C to exit <==\nsome\nwords\n"), "{line}");
        assert_eq!(calls, ["getVersion()".to_owned(), format!("GET {path}")], "{line}");
    }
    let refused = |method: &str, _: &[Value]| match method {
        "follow" => Err(ClientError::Status(404, "Not Found".to_owned())),
        _ => Ok(Value::text("3.0")),
    };
    assert_eq!(told("tail -f web", refused), (0, "==> Press Ctrl-C to exit <==\n".to_owned()));
}

#[test]
fn a_shell_shows_the_status_first_and_always_ends_well() {
    let (code, out, calls) = run_line("", "pid\n\nfoo\nquit\nstatus\n", three);
    assert_eq!(code, 0);
    assert!(out.contains("supervisor> 1\nsupervisor> supervisor> *** Unknown syntax: foo\n"), "{out}");
    assert_eq!(calls.iter().filter(|c| c.starts_with("getAllProcessInfo")).count(), 1);
}

#[test]
fn an_interactive_shutdown_asks_first() {
    let (code, out, calls) = run_line("-i shutdown", "n\n", three);
    assert_eq!((code, calls.len()), (0, 0));
    assert_eq!(out, "Really shut the remote supervisord process down y/N? ");
    assert_eq!(run_line("-i shutdown", "Yes\n", three).2, ["shutdown()"]);
}
