//! `mainstay -- CMD`: one program. Signals, exit codes, what the program starts with.
//!
//! `INIT_BIN="tini --"` runs the same tests against another init: that is how they were tried first.

use crate::support::{mainstay, needs_root, puppet};
use harness::{Cmd, Daemon, Done, Setup, bins, proc, wait_until};

/// The words that start the init under test.
fn init() -> Vec<String> {
    match harness::env("INIT_BIN") {
        Some(words) => words.split(' ').map(|w| bins::which(w).unwrap_or_else(|| w.to_string())).collect(),
        None => vec![harness::mainstay(), "--".into()],
    }
}

fn peer() -> bool {
    harness::env("INIT_BIN").is_some()
}

/// Runs the puppet under the init, to its end.
fn under_init(verbs: &[&str]) -> Done {
    let mut words = init();
    words.push(harness::puppet());
    Cmd::new(&words).args(verbs).run()
}

/// Starts the puppet under the init.
fn setup(verbs: &[&str]) -> Setup {
    let words = init();
    let words: Vec<&str> =
        words.iter().map(String::as_str).chain(["@puppet@"]).chain(verbs.iter().copied()).collect();
    Setup::new(&words)
}

/// Like `setup`, running and having said `text`.
fn started(verbs: &[&str], text: &str) -> Daemon {
    let daemon = setup(verbs).start();
    daemon.wait_said(text);
    daemon
}

#[test]
fn every_exit_code_is_passed_on() {
    let wrong: Vec<(i32, i32)> = in_parallel(0..256, |code| under_init(&["exit", &code.to_string()]).code());
    assert!(wrong.is_empty(), "(expected, got): {wrong:?}");
}

#[test]
fn death_by_signal_n_is_128_plus_n() {
    let deadly =
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34, 50, 64];
    let wrong = in_parallel(deadly, |n| under_init(&["crash", &n.to_string()]).code() - 128);
    assert!(wrong.is_empty(), "(expected, got): {wrong:?}");
}

/// Pairs of (value, what `f` gave) where they differ; four at a time.
fn in_parallel(values: impl IntoIterator<Item = i32>, f: impl Fn(i32) -> i32 + Sync) -> Vec<(i32, i32)> {
    let values: Vec<i32> = values.into_iter().collect();
    let f = &f;
    std::thread::scope(|scope| {
        let threads: Vec<_> = values
            .chunks(values.len().div_ceil(4))
            .map(|part| scope.spawn(move || part.iter().map(|v| (*v, f(*v))).collect::<Vec<_>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().expect("no run panics"))
            .filter(|(v, got)| v != got)
            .collect()
    })
}

#[test]
fn a_missing_program_is_127_and_named() {
    for name in ["/no/such/program", "surely-not-there"] {
        let done = Cmd::new(&init()).arg(name).run();
        done.expect(127).says(name);
        if !peer() {
            done.says("cannot ");
        }
    }
}

#[test]
fn a_program_that_cannot_be_executed_is_126_and_named() {
    let dir = harness::TempDir::new();
    let plain = dir.write("plain", "text");
    for name in ["/etc", plain.as_str()] {
        Cmd::new(&init()).arg(name).run().expect(126).says(name);
    }
}

#[test]
fn words_are_passed_as_they_are() {
    let done = under_init(&["args", "-h", "--", "--version", "", "a b", "$HOME", "%(x)s"]);
    assert_eq!(done.stdout, "[\"-h\", \"--\", \"--version\", \"\", \"a b\", \"$HOME\", \"%(x)s\"]\n");
}

#[test]
fn stdin_stdout_and_stderr_are_the_programs_own() {
    let done = Cmd::new(&init()).arg("sh").stdin("echo out; echo err >&2; exit 3").run();
    assert_eq!((done.code(), done.stdout.as_str(), done.stderr.as_str()), (3, "out\n", "err\n"));
}

#[test]
fn the_environment_is_passed_as_it_is() {
    let mut words = init();
    words.extend([harness::puppet(), "env".into()]);
    let vars =
        |words: &[String]| Cmd::new(words).clear_env().env("A", "1").env("MAINSTAY_TEST_X", "y").run().stdout;
    assert_eq!(vars(&words), vars(&words[words.len() - 2..]));
}

#[test]
fn signals_that_can_be_forwarded_are_forwarded() {
    let daemon = started(&["print-signals"], "ready");
    // Not here: PIPE (ours to ignore), CHLD, KILL and STOP, those of a fault of our own, those of job control.
    let mut numbers = vec![1, 2, 3, 10, 12, 14, 15, 16, 18, 23, 24, 25, 26, 27, 28, 29, 30];
    // glibc keeps 32 and 33 for itself.
    numbers.extend(34..=64);
    for (said, n) in (2..).zip(numbers) {
        daemon.signal(n);
        wait_until(&format!("signal {n} has arrived"), || daemon.stdout().lines().count() >= said);
        assert_eq!(daemon.stdout().lines().last(), Some(n.to_string().as_str()));
    }
}

#[test]
fn real_time_signals_keep_their_number() {
    if peer() {
        return;
    }
    let daemon = started(&["print-signals"], "ready");
    (0..50).for_each(|_| daemon.signal(40));
    wait_until("all have arrived", || daemon.stdout().matches("40\n").count() == 50);
}

#[test]
fn the_program_decides_when_a_signal_ends_it() {
    let daemon = started(&["on", "TERM", "9", "say", "up", "hold"], "up");
    daemon.signal(15);
    assert!(daemon.ended(9).contains("got 15"));
    let daemon = started(&["say", "up", "hold"], "up");
    daemon.signal(15);
    daemon.ended(128 + 15);
}

#[test]
fn mask_and_dispositions_are_those_that_the_init_was_given() {
    let launch = ["ignore", "INT,TTOU,SEGV,PIPE,RTMIN+5", "block", "TTIN,ILL,TERM,USR1,RTMIN+6", "exec"];
    let direct = puppet(&[&launch[..], &[&harness::puppet(), "sigconf"]].concat());
    let mut words = launch.map(str::to_string).to_vec();
    words.extend(init());
    words.extend([harness::puppet(), "sigconf".into()]);
    let under = puppet(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(under.stdout, direct.stdout);
    assert!(direct.stdout.contains("SigIgn: 00000"), "{}", direct.stdout);
    assert_eq!(under_init(&["sigconf"]).stdout, puppet(&["sigconf"]).stdout);
}

#[test]
fn a_blocked_or_ignored_term_still_reaches_the_program() {
    if peer() {
        return;
    }
    for how in ["block", "ignore"] {
        let daemon = setup(&["on", "TERM", "7", "unblock", "TERM", "say", "up", "hold"])
            .launcher(&["@puppet@", how, "TERM", "exec"])
            .start();
        daemon.wait_said("up");
        daemon.signal(15);
        assert!(daemon.ended(7).contains("got 15"), "{how}");
    }
}

#[test]
fn no_descriptor_of_ours_leaks_into_the_program() {
    let numbers = |text: &str| -> Vec<String> {
        text.lines().filter_map(|l| l.strip_prefix("fd ")?.split(' ').next().map(str::to_string)).collect()
    };
    assert_eq!(numbers(&under_init(&["fds"]).stdout), numbers(&puppet(&["fds"]).stdout));
}

#[test]
fn the_program_stands_where_we_were_started_and_the_init_in_the_root() {
    let daemon = setup(&["cwd", "hold"]).cwd("/usr").start();
    daemon.wait_said("/usr\n");
    if !peer() {
        wait_until("the init stands in /", || proc::cwd(daemon.pid()).as_deref() == Some("/"));
    }
}

#[test]
fn the_program_leads_a_process_group_of_its_own() {
    if !peer() {
        assert!(under_init(&["pgid"]).stdout.contains("leader true"));
    }
}

#[test]
fn g_signals_the_whole_group() {
    let daemon = Setup::new(&[
        "@mainstay@",
        "init",
        "-g",
        "--",
        "@puppet@",
        "spawn-holding",
        "on",
        "TERM",
        "4",
        "say",
        "up",
        "hold",
    ])
    .start();
    daemon.wait_said("up");
    daemon.wait_said("holding");
    daemon.signal(15);
    daemon.ended(4);
}

#[test]
fn without_g_only_the_program_is_signalled() {
    let daemon =
        Setup::init(&["@puppet@", "spawn-holding", "say", "up", "wait-file", "@dir@/go", "exit", "0"])
            .start();
    daemon.wait_said("up");
    daemon.wait_said("holding");
    daemon.signal(28);
    let child: i32 = daemon.stdout().lines().find_map(|l| l.strip_prefix("child ")?.parse().ok()).unwrap();
    assert!(proc::alive(child));
    harness::kill(child, 9).unwrap();
    wait_until("the child is reaped", || {
        proc::stat(child).is_none_or(|s| s.state != 'Z' || s.ppid != daemon.pid())
    });
    daemon.dir().write("go", "");
    daemon.ended(0);
}

#[test]
fn e_turns_a_code_into_0_and_no_other() {
    let run = |code: &str| {
        mainstay(&["init", "-e", "143", "-e", "3", "--", &harness::puppet(), "exit", code]).code()
    };
    assert_eq!((run("143"), run("3"), run("4"), run("0")), (0, 0, 4, 0));
    let done = mainstay(&["init", "-e", "143", "--", &harness::puppet(), "crash", "TERM"]);
    done.expect(0);
}

#[test]
fn w_warns_of_orphans() {
    let words =
        ["init", "-s", "-w", "--", &harness::puppet(), "fork-orphans", "3", "after", "300", "exit", "0"];
    let done = mainstay(&words);
    done.expect(0);
    assert!(done.stderr.to_lowercase().contains("reap"), "{}", done.stderr);
    let quiet = mainstay(&["init", "--", &harness::puppet(), "fork-orphans", "3", "exit", "0"]);
    assert_eq!(quiet.stderr, "", "an init is silent");
}

#[test]
fn p_gives_us_a_death_signal() {
    let daemon = Setup::new(&[
        "sh",
        "-c",
        "\"$@\" & wait",
        "sh",
        "@mainstay@",
        "init",
        "-p",
        "USR1",
        "--",
        "@puppet@",
        "on",
        "USR1",
        "6",
        "say",
        "up",
        "hold",
    ])
    .start();
    daemon.wait_said("up");
    daemon.signal(9);
    daemon.wait_said("got 10");
}

#[test]
fn init_without_a_command_is_a_usage_error() {
    for words in [&["init"][..], &["init", "--"], &["--"], &["init", "--no-such-flag", "true"]] {
        let done = mainstay(words);
        assert!((1..=2).contains(&done.code()), "{words:?}: {}", done.code());
        assert!(!done.stderr.is_empty());
    }
}

#[test]
fn orphans_come_to_us_when_we_are_not_pid_1() {
    if peer() {
        return;
    }
    let daemon = setup(&["fork-orphans", "50", "say", "up", "hold"]).start();
    daemon.wait_said("up");
    wait_until("no zombie is left", || proc::zombies(daemon.pid()).is_empty());
    let daemon = Setup::dashes(&["sh", "-c", "@puppet@ fork-and-die; echo up; exec @puppet@ hold"]).start();
    daemon.wait_said("up");
    let orphan: i32 = daemon.stdout().lines().find_map(|l| l.strip_prefix("pid ")?.parse().ok()).unwrap();
    wait_until("the orphan is ours", || proc::stat(orphan).is_some_and(|s| s.ppid == daemon.pid()));
}

#[test]
fn a_terminals_foreground_is_the_programs() {
    let Some(script) = bins::which("script") else {
        return println!("skipped: needs script(1)");
    };
    let words = format!("{} {} tty exit 5", init().join(" "), harness::puppet());
    let done = Cmd::new(&[script.as_str(), "-qec", &words, "/dev/null"]).run();
    assert!(done.stdout.contains("tty foreground"), "{}", done.stdout);
    done.expect(5);
}

#[test]
fn an_interactive_shell_has_job_control() {
    let (Some(script), Some(bash)) = (bins::which("script"), bins::which("bash")) else {
        return println!("skipped: needs script(1) and bash");
    };
    let words = format!("{} {bash} --norc -mc 'echo flags=$-; sleep 0 & wait; echo done'", init().join(" "));
    let done = Cmd::new(&[script.as_str(), "-qec", &words, "/dev/null"]).run();
    assert!(done.stdout.contains("done") && !done.stdout.contains("no job control"), "{}", done.stdout);
}

#[test]
fn it_works_as_pid_1() {
    if needs_root() {
        return;
    }
    for code in [0, 1, 2, 126, 127, 128, 200, 255] {
        setup(&["exit", &code.to_string()]).pid1().start().ended(code);
    }
    for n in [1, 9, 11, 15, 34] {
        setup(&["crash", &n.to_string()]).pid1().start().ended(128 + n);
    }
    let words = init();
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["/no/such"]).collect();
    Setup::new(&words).pid1().start().ended(127);
}

#[test]
fn as_pid_1_the_end_of_the_program_ends_everything() {
    if needs_root() {
        return;
    }
    setup(&["spawn-daemon", "spawn-ignoring-term", "exit", "3"]).pid1().start().ended(3);
}

#[test]
fn a_sigchld_that_was_ignored_is_no_reason_to_wait_for_ever() {
    let (init, puppet) = (harness::mainstay(), harness::puppet());
    let words = [&puppet, "ignore", "CHLD", "exec", &init, "--", &puppet, "sigconf", "exit", "3"];
    let done = harness::Cmd::new(&words).run();
    done.expect(3);
    let ignored = done.stdout.split("SigIgn: ").nth(1).and_then(|t| u64::from_str_radix(&t[..16], 16).ok());
    assert_eq!(ignored.map(|bits| bits & 1 << 16), Some(1 << 16), "as it was: {}", done.stdout);
}

#[test]
fn arguments_and_environment_that_are_no_text_are_passed_on_byte_for_byte() {
    let script = "A=$(printf '\\377\\376') \"$0\" -- sh -c 'printf \"%s%s\" \"$1\" \"$A\"' x \"$(printf '\\375')\" | od -An -tx1";
    let done = harness::Cmd::new(&["sh", "-c", script, &harness::mainstay()]).run();
    assert_eq!(done.stdout.split_whitespace().collect::<Vec<_>>(), ["fd", "ff", "fe"]);
}

#[test]
fn listen_pid_names_the_program_and_not_the_init() {
    let script =
        "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" -- sh -c 'test \"$LISTEN_PID\" = $$ && echo \"$LISTEN_FDS\"'";
    let done = harness::Cmd::new(&["sh", "-c", script, &harness::mainstay()]).run();
    done.expect(0);
    assert_eq!(done.stdout, "1\n");
}

#[test]
fn a_script_without_a_first_line_is_the_shells_as_everywhere() {
    let script = "printf 'echo \"got $1\"; exit 4\\n' > \"$1\"; chmod +x \"$1\"; exec \"$0\" -- \"$1\" word";
    let setup = harness::Setup::toml("");
    let file = setup.dir().path().join("script").display().to_string();
    let done = harness::Cmd::new(&["sh", "-c", script, &harness::mainstay(), &file]).run();
    done.expect(4);
    assert_eq!(done.stdout, "got word\n");
}
