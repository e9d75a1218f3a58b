//! Once there is nothing to write, logs wake nobody: not a closed pipe, not a blocked sink, not a limit.

use crate::support::{ini, toml, wait_idle};
use harness::{Setup, wait_until};
use std::fs::File;

const STREAM: &str = "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n";

#[test]
fn a_program_that_closes_its_output_wakes_nobody() {
    let daemon = toml(
        "[program.p]\ncommand = \"@puppet@ say up print rest close 1,2 hold\"\nlog_format = \"json\"\n\
         [program.q]\ncommand = \"@puppet@ say up print rest close 1,2 hold\"\nlog_format = \"prefix\"\nlog_rate_limit = 1\n\
         [program.r]\ncommand = \"@puppet@ say up close 1,2 hold\"\nlog_overflow = \"drop\"\n",
    )
    .start();
    // The rest of the line is given up at the end of the pipe.
    wait_until("all is there", || daemon.stdout().contains("\"line\":\"rest\"}\n"));
    wait_until("the limit is told of", || daemon.stdout().contains("q | … 1 line suppressed"));
    wait_idle(&daemon);
    daemon.wait_state("p", "RUNNING");
    daemon.finish();
}

#[test]
fn logs_without_output_wake_nobody() {
    let setup = Setup::variables(&[
        ("MAINSTAY_PROGRAM__A__COMMAND", "@puppet@ say 1 say 2 say 3 print rest hold"),
        ("MAINSTAY_PROGRAM__A__LOG_FORMAT", "json"),
        ("MAINSTAY_PROGRAM__A__LOG_RATE_LIMIT", "2"),
        ("MAINSTAY_PROGRAM__B__COMMAND", "@puppet@ say 1 print rest hold"),
        ("MAINSTAY_PROGRAM__B__LOG_FORMAT", "prefix"),
        ("MAINSTAY_PROGRAM__B__LOG_OVERFLOW", "drop"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
    ]);
    let daemon = setup.start();
    wait_until("all is there", || {
        let text = daemon.stdout();
        text.contains("\"suppressed\":1,") && text.contains("b + rest\n")
    });
    wait_idle(&daemon);
    daemon.finish();
}

/// Each in turn writes more than anybody takes.
#[test]
fn a_sink_that_nobody_reads_wakes_nobody() {
    for (settings, ends) in [
        ("log_format=json\n", false),
        ("log_format=prefix\nlog_rate_limit=20000\n", false),
        ("log_format=json\nlog_overflow=drop\n", true),
        ("log_overflow=drop\nlog_rate_limit=20000\n", true),
    ] {
        let setup = ini(&format!(
            "[program:loud]\ncommand=@puppet@ spew 6400000 touch @dir@/done hold\nstartsecs=0\n{settings}{STREAM}\
             [program:quiet]\ncommand=@puppet@ print x hold\nstartsecs=0\nlog_format=json\n{STREAM}"
        ));
        let fifo = setup.dir().join("fifo");
        harness::Cmd::new(&["mkfifo", &fifo]).run().expect(0);
        let daemon = setup.launcher(&["sh", "-c", "exec \"$@\" >\"$0\" 3<\"$0\"", &fifo]).start();
        let keep: File = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).expect("fifo");
        daemon.wait_state("loud", "RUNNING");
        if ends {
            wait_until("it does not wait", || daemon.dir().path().join("done").exists());
        }
        wait_idle(&daemon);
        assert_eq!(daemon.dir().path().join("done").exists(), ends, "{settings}");
        assert_eq!(daemon.get("/livez").map(|a| a.status), Some(200));
        drop(keep);
        daemon.finish();
    }
}
