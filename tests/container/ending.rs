//! Whose end ends the container, with which code, and the last words: docs/shutdown.md as Docker sees it.

use crate::docker::{Container, missing, start};
use harness::TempDir;

/// A critical program and another one that says what it gets; environment spelling.
fn critical(words: &str, more: &[(&str, &str)]) -> Container {
    let mut vars = vec![
        format!("MAINSTAY_PROGRAM__WEB__COMMAND={words}"),
        "MAINSTAY_PROGRAM__WEB__CRITICAL=true".into(),
        "MAINSTAY_PROGRAM__OTHER__COMMAND=/puppet on TERM 0 say other-is-up hold".into(),
        "MAINSTAY_PROGRAM__OTHER__STARTSECS=0".into(),
    ];
    vars.extend(more.iter().map(|(name, value)| format!("MAINSTAY_PROGRAM__WEB__{name}={value}")));
    let options: Vec<&str> = vars.iter().flat_map(|v| ["-e", v]).collect();
    start(&options, &["run"])
}

#[test]
fn a_critical_programs_end_is_the_containers_code() {
    if missing() {
        return;
    }
    let ends = [("AUTORESTART", "false"), ("STARTSECS", "0")];
    let fails = [("STARTRETRIES", "0"), ("STARTSECS", "1")];
    for (words, more, code, reason) in [
        ("/puppet after 300 exit 0", ends, 0, "web has ended: exit status 0"),
        ("/puppet after 300 exit 3", ends, 3, "web has ended: exit status 3"),
        ("/puppet after 300 crash SEGV", ends, 139, "web has ended: terminated by SIGSEGV"),
        ("/puppet exit 0", fails, 1, "web is FATAL: Exited too quickly"),
        ("/puppet exit 5", fails, 5, "web is FATAL: Exited too quickly"),
        ("/no/such/program", fails, 127, "web is FATAL: can't find command"),
        ("/conf/mainstay.toml", fails, 126, "web is FATAL: command at"),
    ] {
        let container = critical(words, &more);
        assert_eq!(container.wait(), code, "{words}");
        assert_eq!(container.inspect("{{.State.ExitCode}}"), code.to_string(), "{words}");
        assert!(container.said().contains(reason), "{words}: {}", container.said());
        if more == ends {
            assert!(container.said().contains("got 15"), "the other one was stopped in order: {words}");
        }
    }
}

#[test]
fn a_critical_program_of_an_ini_and_of_a_toml_ends_it_too() {
    if missing() {
        return;
    }
    for file in ["/conf/critical.conf", "/conf/critical.toml"] {
        let container = start(&[], &["run", "-c", file]);
        container.wait_said("web-is-up");
        assert!(container.running());
        container.exec(&["/puppet", "touch", "/tmp/end"]).expect(0);
        assert_eq!(container.wait(), 7, "{file}");
    }
}

#[test]
fn it_ends_when_all_have_and_stays_when_told_to() {
    if missing() {
        return;
    }
    let job = |n| format!("MAINSTAY_PROGRAM__JOB{n}=/puppet say job-{n}-done exit 0");
    let once = |n| format!("MAINSTAY_PROGRAM__JOB{n}__ONESHOT=true");
    let vars = [job(1), once(1), job(2), once(2)];
    let mut options: Vec<&str> = vars.iter().flat_map(|v| ["-e", v]).collect();
    let container = start(&options, &["run"]);
    assert_eq!(container.wait(), 0);
    assert!(container.said().contains("job-1-done") && container.said().contains("job-2-done"));
    options.extend(["-e", "MAINSTAY_SUPERVISOR__EXIT_WHEN_ALL_EXITED=false"]);
    let container = start(&options, &["run"]);
    container.wait_said("job-1-done");
    container.wait_said("job-2-done");
    harness::wait_until("both have ended", || {
        container.exec(&["/mainstay", "ctl", "status"]).stdout.matches("EXITED").count() == 2
    });
    assert!(container.running());
    assert_eq!(container.stop().0, 0);
}

/// A file as kubelet makes it: on the host, mounted to `/dev/termination-log`.
fn termination_log(mode: u32) -> (TempDir, String) {
    let dir = TempDir::new();
    dir.write("words", "");
    harness::temp::set_mode(std::path::Path::new(&dir.join("words")), mode);
    let mount = format!("{}:/dev/termination-log", dir.join("words"));
    (dir, mount)
}

const TALKATIVE: &str =
    "/busybox sh -c 'n=0; while test $n -lt 900; do n=$((n+1)); echo line $n; done; exit 9'";

#[test]
fn kubernetes_finds_the_last_words_where_it_looks_whoever_we_are() {
    if missing() {
        return;
    }
    let (dir, mount) = termination_log(0o666);
    let command = format!("MAINSTAY_PROGRAM__WEB={TALKATIVE}");
    let vars = ["MAINSTAY_PROGRAM__WEB__CRITICAL=true", "MAINSTAY_PROGRAM__WEB__ONESHOT=true", &command];
    let retries = "MAINSTAY_PROGRAM__WEB__STARTRETRIES=0";
    let mut options = vec!["-v", mount.as_str(), "-e", retries];
    options.extend(vars.iter().flat_map(|v| ["-e", v]));
    options.extend(["--read-only", "--user", "1000650000:0", "--cap-drop", "ALL"]);
    options.extend(["--security-opt", "no-new-privileges"]);
    let container = start(&options, &["run"]);
    assert_eq!(container.wait(), 9);
    let words = dir.read("words");
    assert!(words.len() <= 4096, "Kubernetes keeps 4 KiB: {}", words.len());
    let first = words.lines().next().unwrap_or_default();
    assert!(first.starts_with("web is FATAL") && first.ends_with("(exit code 9)"), "{words}");
    assert!(words.ends_with("line 899\nline 900\n"), "{words}");
    assert!(words.lines().nth(1).is_some_and(|l| l.starts_with("line ")), "{words}");

    // And after `docker stop` there is a word too, in place of the old ones.
    let container = start(&["-v", &mount], &["run", "-c", "/conf/mainstay.toml"]);
    container.wait_said("web-is-up");
    container.stop();
    assert_eq!(dir.read("words"), "stopped by SIGTERM (exit code 0)\n");
}

#[test]
fn last_words_that_cannot_be_written_change_nothing_but_a_line_of_the_log() {
    if missing() {
        return;
    }
    let (dir, mount) = termination_log(0o600);
    let vars = ["-e", "MAINSTAY_PROGRAM__WEB=/puppet hold", "-e", "MAINSTAY_PROGRAM__WEB__STARTSECS=0"];
    let tight = ["--user", "1000650000:0", "--read-only"];
    let container = start(&[&["-v", &mount], &vars[..], &tight].concat(), &["run"]);
    container.wait_said("entered RUNNING");
    assert_eq!(container.stop().0, 0);
    container.wait_said("cannot write the last words to /dev/termination-log: Permission denied");
    assert_eq!(dir.read("words"), "");
}
