//! What lines look like: raw, behind a name, as JSON; in each spelling, and never torn.

use crate::support::{ini, sample, toml};
use harness::{Daemon, Setup, wait_for, wait_until};
use std::time::Duration;

fn records(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

fn wait_out(daemon: &Daemon, text: &str) {
    wait_until(&format!("`{text}` is printed"), || daemon.stdout().contains(text));
}

#[test]
fn the_sample_of_the_page_prints_what_the_page_says() {
    let daemon = toml(&sample("logs.md", "toml")).start();
    wait_out(&daemon, "nothing to do\n");
    wait_out(&daemon, "took");
    let text = daemon.stdout();
    assert!(text.contains("migrate | nothing to do\n"), "{text}");
    let json: String = text.lines().filter(|l| l.starts_with('{')).map(|l| format!("{l}\n")).collect();
    let seen = records(&json);
    assert_eq!(
        (&seen[0]["program"], &seen[0]["stream"], &seen[0]["line"]),
        (&"web".into(), &"stdout".into(), &"ready".into())
    );
    assert_eq!(seen[0]["pid"].to_string(), daemon.info("web", "pid").expect("a pid"));
    let time = seen[0]["time"].as_str().expect("a time");
    assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
    assert!(json.contains("\"json\":{\"level\":\"info\",\"took\":0.50}}\n"), "{json}");
    daemon.finish();
}

#[test]
fn ini_writes_formats_into_files_and_tail_shows_what_they_hold() {
    let daemon = ini("[program:a]\ncommand=@puppet@ say out say-err err print tail exit 0\nstartsecs=0\nautorestart=false\nlog_format=json\n\
         stdout_logfile=@dir@/a.log\nredirect_stderr=true\n\
         [program:bb]\ncommand=@puppet@ say one hold\nnumprocs=2\nprocess_name=%%(program_name)s_%%(process_num)d\nlog_format=prefix\nstdout_logfile=@dir@/b.log\n".replace("%%", "%").as_str())
    .start();
    wait_until("all is there", || daemon.dir().read("a.log").lines().count() == 3);
    let lines: Vec<String> =
        records(&daemon.dir().read("a.log")).iter().map(|r| r["line"].to_string()).collect();
    assert_eq!(lines, ["\"out\"", "\"err\"", "\"tail\""]);
    assert!(!daemon.dir().read("a.log").contains("partial"), "the end of a program ends its line");
    let both = || {
        let mut lines: Vec<String> = daemon.dir().read("b.log").lines().map(str::to_string).collect();
        lines.sort();
        lines
    };
    wait_until("both have spoken", || both() == ["bb:bb_0 | one", "bb:bb_1 | one"]);
    let shown = crate::support::ctl(&daemon, &["tail", "bb:bb_0"]).stdout;
    assert!(shown.contains("bb:bb_0 | one\n"), "{shown}");
    daemon.finish();
}

#[test]
fn variables_choose_a_format() {
    let setup = Setup::variables(&[
        ("MAINSTAY_PROGRAM__WEB__COMMAND", "@puppet@ say hello hold"),
        ("MAINSTAY_PROGRAM__WEB__LOG_FORMAT", "prefix"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
    ]);
    let daemon = setup.start();
    wait_out(&daemon, "web | hello\n");
    daemon.finish();
}

#[test]
fn whatever_bytes_come_each_record_is_one_line_of_json() {
    let daemon = toml(
        "[program.p]\ncommand = [\"sh\", \"-c\", \"printf '\\\\000\\\\377\\\\033[1m\\\\n{\\\"a\\\":[1}\\\\n'; exec sleep 1000\"]\nlog_format = \"json\"\n",
    )
    .start();
    wait_out(&daemon, "[1}");
    let seen = records(&daemon.stdout());
    assert_eq!(seen[0]["line"], "\0\u{fffd}\u{1b}[1m");
    assert_eq!(seen[1]["line"], "{\"a\":[1}");
    daemon.finish();
}

#[test]
fn lines_of_a_mebibyte_of_two_programs_are_never_torn() {
    let program = |name: &str, letter: &str| {
        format!(
            "[program.{name}]\ncommand = [\"sh\", \"-c\", \"for n in 1 2 3 4 5; do head -c 1048576 /dev/zero | tr '\\\\000' {letter}; echo; done\"]\nstartsecs = 0\nautorestart = false\nlog_format = \"FORMAT\"\n"
        )
    };
    for format in ["raw", "json"] {
        let text = format!(
            "[program.r]\ncommand = [\"@puppet@\", \"hold\"]\n{}{}",
            program("a", "a"),
            program("b", "b")
        );
        let daemon = toml(&text.replace("FORMAT", format)).start();
        wait_for("all is there", Duration::from_secs(30), || {
            daemon.stdout_bytes().iter().filter(|b| **b == b'\n').count() == 10
        });
        for line in daemon.stdout().lines() {
            let line = if format == "json" {
                records(line)[0]["line"].as_str().unwrap().to_string()
            } else {
                line.to_string()
            };
            assert_eq!(line.len(), 1 << 20);
            assert!(line.bytes().all(|b| b == line.as_bytes()[0]), "a line was torn");
        }
        daemon.finish();
    }
}

#[test]
fn programs_that_share_a_file_do_not_tear_each_others_lines() {
    let program = |n: &str| {
        format!(
            "[program.{n}]\ncommand = \"@puppet@ print {n}{n} after 300 say {n}{n}{n} hold\"\nstdout_logfile = \"@dir@/both.log\"\n"
        )
    };
    let daemon = toml(&format!("{}{}", program("a"), program("b"))).start();
    let lines = || {
        let text = daemon.dir().read("both.log");
        let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
        lines.sort();
        lines
    };
    wait_until("both lines are whole", || lines() == ["aaaaa", "bbbbb"]);
    daemon.finish();
}

#[test]
fn a_line_without_an_end_does_not_make_us_grow() {
    let daemon = toml(
        "[program.p]\ncommand = [\"sh\", \"-c\", \"head -c 100000000 /dev/zero; echo; echo end; exec sleep 1000\"]\nlog_format = \"prefix\"\nlog_overflow = \"block\"\n\
         stdout_logfile = \"@dir@/p.log\"\nstdout_logfile_maxbytes = 0\n",
    )
    .start();
    let path = daemon.dir().path().join("p.log");
    wait_for("the line has ended", Duration::from_secs(60), || {
        std::fs::metadata(&path).is_ok_and(|m| m.len() > 100_000_000)
            && std::fs::read(&path).is_ok_and(|b| b.ends_with(b"p | end\n"))
    });
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 40_000, "{peak} KiB resident at its peak");
    daemon.finish();
}

#[test]
fn a_program_without_capture_has_our_own_streams() {
    let daemon = ini("[program:p]\ncommand=@puppet@ say out say-err err hold\nlog_capture=false\n").start();
    wait_out(&daemon, "out\n");
    wait_until("stderr too", || daemon.stderr().contains("err\n"));
    let fd = std::fs::read_link(format!("/proc/{}/fd/1", daemon.info("p", "pid").unwrap())).unwrap();
    assert_eq!(fd, std::fs::read_link(format!("/proc/{}/fd/1", daemon.pid())).unwrap());
    daemon.finish();
}
