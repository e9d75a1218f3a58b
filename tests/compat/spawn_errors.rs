//! Programs that cannot be started: what status, supervisorctl and the log say.

use crate::support::{Sup, ours, setup, skipped, start};

/// `x` is started by hand, `y` by the daemon: the answer to one, the log and the status of the other.
#[track_caller]
fn refused(sup: &Sup, error: &str, ctl: &str) {
    sup.wait_log(&format!("INFO spawnerr: {}\n", sup.0.fill(error).replace("'x'", "'y'")));
    sup.wait_state("y", "FATAL");
    assert_eq!(sup.status("y"), ("FATAL".into(), sup.0.fill(error).replace("'x'", "'y'")));
    sup.wait_log("INFO gave up: y entered FATAL state, too many start retries too quickly");
    let code = if ctl == "spawn error" { 7 } else { 1 };
    sup.ctl_says(&["start", "x"], code, &format!("x: ERROR ({ctl})\n"));
}

/// Two programs of the same settings, with a plain file, garbage that is executable, and a tool below `child`.
fn two(settings: &str) -> Sup {
    let config = format!(
        "{}[program:x]\nautostart=false\nstartretries=0\n{settings}\n[program:y]\nstartretries=0\n{settings}\n",
        crate::support::header("")
    );
    let setup = setup(&config)
        .file("plain", "text")
        .file("garbage", "\u{1}\u{2}\u{3}")
        .file("child/tool", "#!/bin/sh\n");
    for (name, mode) in [("plain", 0o644), ("garbage", 0o755), ("child/tool", 0o755)] {
        harness::temp::set_mode(&setup.dir().path().join(name), mode);
    }
    Sup::new(setup)
}

macro_rules! rows {
    ($($name:ident: $command:expr => $error:expr, $ctl:expr;)*) => {
        $(#[test]
        fn $name() {
            if skipped() {
                return;
            }
            let sup = two(&format!("command={}", $command));
            refused(&sup, $error, $ctl);
            sup.finish();
        })*
    };
}

rows! {
    a_missing_path: "/no/such/thing --x" => "can't find command '/no/such/thing'", "no such file";
    a_missing_command: "surely-not-there" => "can't find command 'surely-not-there'", "no such file";
    a_directory: "@dir@" => "command at '@dir@' is a directory", "file is not executable";
    a_file_without_the_x_bit: "@dir@/plain" => "command at '@dir@/plain' is not executable", "file is not executable";
    an_empty_command: "" => "command is empty", "file is not executable";
    an_open_quote: "sh -c \"a" => "can't parse command 'sh -c \"a': No closing quotation", "file is not executable";
    quotes_do_not_protect_comment_characters: "sh -c \"a ; b\"" =>
        "can't parse command 'sh -c \"a': No closing quotation", "file is not executable";
}

#[test]
fn a_file_that_the_kernel_cannot_execute() {
    if skipped() {
        return;
    }
    let sup = two("command=@dir@/garbage\nstderr_logfile=@dir@/%(program_name)s.err\nstartsecs=5");
    sup.wait_log("WARN exited: y (exit status 127; not expected)");
    sup.wait_state("y", "FATAL");
    assert_eq!(sup.status("y").1, "Exited too quickly (process log may have details)");
    let want = sup.0.fill(
        "supervisor: couldn't exec @dir@/garbage: ENOEXEC\nsupervisor: child process was not spawned\n",
    );
    assert_eq!(sup.file("y.err"), want);
    sup.ctl_says(&["start", "x"], 7, "x: ERROR (spawn error)\n");
    sup.finish();
}

#[test]
fn a_zero_byte_never_makes_another_command() {
    if skipped() {
        return;
    }
    for (settings, what) in [
        ("command=@puppet@ args x%(process_num)cy z", "command"),
        ("command=@puppet@ args x\nenvironment=A=\"%(process_num)cx\"", "environment"),
        ("command=@puppet@ args x\ndirectory=@dir@/child%(process_num)c", "directory"),
    ] {
        let sup = two(&format!("{settings}\nstdout_logfile=@dir@/out\nredirect_stderr=true"));
        if ours() {
            sup.wait_log(&format!("spawnerr: cannot run 'y': `{what}` contains a zero byte; take it out\n"));
        } else {
            sup.wait_log("WARN exited: y (exit status 127; not expected)");
        }
        sup.wait_state("y", "FATAL");
        assert!(!sup.file("out").contains("[\""), "it ran: {}", sup.file("out"));
        sup.ctl_says(&["start", "x"], 7, "x: ERROR (spawn error)\n");
        sup.finish();
    }
}

#[test]
fn a_log_that_cannot_be_opened() {
    if skipped() {
        return;
    }
    let sup = two("command=cat\nstdout_logfile=@dir@/child");
    refused(&sup, "unknown error making dispatchers for 'x': EISDIR", "spawn error");
    sup.finish();
}

#[test]
fn a_command_is_looked_up_where_the_daemon_stands_not_in_directory() {
    if skipped() {
        return;
    }
    // Trap 29 [K].
    let sup = two("command=./tool\ndirectory=@dir@/child");
    refused(&sup, "can't find command './tool'", "no such file");
    sup.finish();
}

#[test]
fn a_failed_spawn_is_retried_like_a_failed_start() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=/no/such\nstartretries=1\n");
    sup.wait_log("gave up: x");
    assert_eq!(sup.log().matches("spawnerr: can't find command '/no/such'").count(), 2);
    sup.finish();
}

#[test]
fn exits_are_described_by_code_and_signal_name() {
    if skipped() {
        return;
    }
    let rows = [
        ("one", "exit 1", "WARN exited: one (exit status 1; not expected)"),
        ("hup", "crash HUP", "WARN exited: hup (terminated by SIGHUP; not expected)"),
        ("kill", "crash KILL", "WARN exited: kill (terminated by SIGKILL; not expected)"),
        ("rtmin", "crash 34", "WARN exited: rtmin (terminated by SIGRTMIN; not expected)"),
        ("rt50", "crash 50", "WARN exited: rt50 (terminated by signal 50; not expected)"),
        ("rtmax", "crash 64", "WARN exited: rtmax (terminated by SIGRTMAX; not expected)"),
    ];
    let program = |(name, verb, _): &(&str, &str, &str)| {
        format!("[program:{name}]\ncommand=@puppet@ {verb}\nstartsecs=0\nautorestart=false\n")
    };
    let sup = start(&rows.iter().map(program).collect::<String>());
    rows.iter().for_each(|(name, ..)| sup.wait_log(&format!("exited: {name} ")));
    let events = sup.events();
    let wrong: Vec<_> = rows.iter().filter(|(.., line)| !events.iter().any(|e| e == line)).collect();
    assert!(wrong.is_empty(), "not said: {wrong:?} in {events:#?}");
    assert_eq!(sup.status("one").0, "EXITED");
    sup.finish();
}

#[test]
fn a_start_of_many_changes_nothing_of_a_command_that_is_not_there() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:fine]\ncommand=cat\nautostart=false\nstartsecs=0\n\
         [program:bad]\ncommand=/no/such/file\nautostart=false\n\
         [program:text]\ncommand=@dir@/c.conf\nautostart=false\n[group:g]\nprograms=text,fine\n",
    );
    sup.wait_log("supervisord started");
    let stopped =
        |name: &str| assert_eq!(sup.status(name), ("STOPPED".into(), "Not started".into()), "{name}");
    sup.ctl_says(&["start", "g:*"], 1, "g:text: ERROR (file is not executable)\ng:fine: started\n");
    sup.ctl_says(&["start", "all"], 1, "bad: ERROR (no such file)\ng:text: ERROR (file is not executable)\n");
    stopped("bad");
    stopped("g:text");
    sup.ctl_says(&["stop", "all"], 0, "g:fine: stopped\n");
    assert!(!sup.log().contains("spawnerr") && !sup.log().contains("gave up"), "{}", sup.log());
    sup.finish();
}
