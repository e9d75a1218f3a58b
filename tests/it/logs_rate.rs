//! `log_rate_limit`: so many lines a second, and one line for those that are missing.

use crate::support::{ini, metric, toml};
use harness::{Setup, wait_until};

#[test]
fn missing_lines_are_told_of_in_the_programs_own_log_and_counted() {
    let daemon = ini("[program:p]\ncommand=@puppet@ spew 64000 hold\nlog_format=json\nlog_rate_limit=10\nstdout_logfile=@dir@/p.log\n").start();
    wait_until("the summary is there although nothing follows", || {
        daemon.dir().read("p.log").contains("\"suppressed\"")
    });
    let text = daemon.dir().read("p.log");
    let missing: u64 = text
        .lines()
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON")["suppressed"].as_u64())
        .sum();
    let lines = text.lines().filter(|l| !l.contains("\"suppressed\"")).count() as u64;
    let page = daemon.get("/metrics").unwrap().body;
    let value = |name: &str| metric(&page, name, &[("program", "p")]);
    assert_eq!(value("mainstay_program_log_lines_suppressed_total"), Some(missing as f64));
    assert_eq!(value("mainstay_program_log_lines_total"), Some((lines + missing) as f64));
    assert_eq!(value("mainstay_program_log_bytes_total"), Some(64_000.0));
    daemon.finish();
}

#[test]
fn both_streams_share_the_limit_and_the_end_of_a_program_tells_at_once() {
    let daemon = toml(
        "[program.p]\ncommand = [\"@puppet@\", \"say\", \"1\", \"say\", \"2\", \"say\", \"3\", \"say\", \"4\", \"exit\", \"0\"]\nstartsecs = 0\nautorestart = false\n\
         log_rate_limit = 3\nlog_format = \"prefix\"\n[program.q]\ncommand = [\"@puppet@\", \"hold\"]\n",
    )
    .start();
    wait_until("it is told", || daemon.stdout().contains("suppressed"));
    assert_eq!(daemon.stdout(), "p | 1\np | 2\np | 3\np | … 1 line suppressed in 1 s\n");
    daemon.finish();
}

#[test]
fn variables_set_a_limit() {
    let daemon = Setup::variables(&[
        ("MAINSTAY_PROGRAM__WEB__COMMAND", "@puppet@ say 1 say 2 say 3 hold"),
        ("MAINSTAY_PROGRAM__WEB__LOG_RATE_LIMIT", "1"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
    ])
    .start();
    wait_until("it is told", || daemon.stdout() == "1\nweb: … 2 lines suppressed in 1 s\n");
    daemon.finish();
}
