//! A log that cannot be opened, written or found again: it is said, what is missing is counted, and everything goes on.

use crate::support::{ctl, ini, metric, needs_root, toml};
use harness::{Daemon, Setup, wait_until};
use std::path::PathBuf;

fn lost(daemon: &Daemon) -> f64 {
    let page = daemon.get("/metrics").map(|a| a.body).unwrap_or_default();
    metric(&page, "mainstay_log_bytes_lost_total", &[]).unwrap_or(0.0)
}

/// A disk of 128 KiB of its own at `@dir@/small`, half of it taken.
const SMALL_DISK: &str = "mkdir \"$0/small\" && mount -t tmpfs -o size=128k none \"$0/small\" && \
                          head -c 65536 /dev/zero >\"$0/small/filler\" && exec \"$@\"";

/// A daemon with a small disk, and where we see the disk.
fn with_small_disk(setup: Setup) -> (Daemon, PathBuf) {
    let words = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", SMALL_DISK, "@dir@"];
    let daemon = setup.launcher(&words).start();
    let seen = format!("/proc/{}/root{}", daemon.pid(), daemon.fill("@dir@/small"));
    (daemon, seen.into())
}

const LOUD: &str = "spew 320000 touch @dir@/NAME.full wait-file @dir@/go say after hold";

#[test]
fn a_full_disk_ends_nobody_is_counted_and_records_go_on_when_there_is_room() {
    if needs_root() {
        return;
    }
    let command = |name: &str| LOUD.replace("NAME", name);
    let in_toml = toml(&format!(
        "[program.x]\ncommand = \"@puppet@ {}\"\nlog_format = \"json\"\nstdout_logfile = \"@dir@/small/x.log\"\nstdout_logfile_maxbytes = 0\n\
         [program.y]\ncommand = \"@puppet@ {}\"\nlog_format = \"json\"\nstdout_logfile = \"@dir@/small/x.log\"\n\
         [program.other]\ncommand = \"@puppet@ wait-file @dir@/go say here hold\"\n",
        command("x"),
        command("y")
    ));
    let in_ini = ini(&format!(
        "[program:x]\ncommand=@puppet@ {}\nlog_format=json\nstdout_logfile=@dir@/small/x.log\nstdout_logfile_maxbytes=0\n\
         [program:y]\ncommand=@puppet@ {}\nlog_format=json\nlog_overflow=drop\nstdout_logfile=@dir@/small/x.log\nstdout_logfile_maxbytes=0\n\
         [program:other]\ncommand=@puppet@ wait-file @dir@/go say here hold\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n",
        command("x"),
        command("y")
    ));
    for setup in [in_toml, in_ini] {
        // Parsing wants to see the directory that the mount covers.
        let (daemon, small) = with_small_disk(setup);
        for name in ["x", "y"] {
            wait_until("all is written", || daemon.dir().path().join(format!("{name}.full")).exists());
        }
        // Both wrote 320,000 bytes, and the disk had room for 65,536.
        wait_until("what is lost is counted", || lost(&daemon) > 600_000.0);
        assert_eq!(daemon.get("/livez").map(|a| a.status), Some(200));
        std::fs::remove_file(small.join("filler")).expect("it was there");
        daemon.dir().write("go", "");
        let text = || std::fs::read_to_string(small.join("x.log")).unwrap_or_default();
        let records = || -> Vec<Option<serde_json::Value>> {
            text().lines().map(|l| serde_json::from_str(l).ok()).collect()
        };
        let is_after = |r: &Option<serde_json::Value>| r.as_ref().is_some_and(|r| r["line"] == "after");
        wait_until("what follows is logged, as records", || {
            records().into_iter().filter(is_after).count() == 2
        });
        let torn = records().into_iter().filter(Option::is_none).count();
        assert!(torn <= 1, "{torn} lines are no JSON");
        wait_until("others go on", || daemon.stdout().contains("here\n"));
        daemon.wait_said("takes output again; ");
        let said = daemon.said();
        assert_eq!(said.matches("No space left").count(), 1, "it is said once:\n{said}");
        daemon.finish();
    }
}

#[test]
fn a_log_that_cannot_be_opened_sends_the_output_to_our_streams() {
    let in_toml = toml(
        "[program.p]\ncommand = [\"@puppet@\", \"say\", \"out\", \"say-err\", \"err\", \"hold\"]\nlog_format = \"prefix\"\n\
         stdout_logfile = \"@dir@/folder\"\nstderr_logfile = \"/proc/none/p.log\"\n",
    );
    let in_variables = Setup::variables(&[
        ("MAINSTAY_PROGRAM__P__COMMAND", "@puppet@ say out say-err err hold"),
        ("MAINSTAY_PROGRAM__P__LOG_FORMAT", "prefix"),
        ("MAINSTAY_PROGRAM__P__STDOUT_LOGFILE", "@dir@/folder"),
        ("MAINSTAY_PROGRAM__P__STDERR_LOGFILE", "/proc/none/p.log"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
    ]);
    for setup in [in_toml, in_variables] {
        let daemon = setup.file("folder/x", "").start();
        daemon.wait_state("p", "RUNNING");
        wait_until("its stdout is ours", || daemon.stdout() == "p | out\n");
        wait_until("its stderr is ours", || daemon.stderr().contains("p | err\n"));
        daemon.wait_said(
            &daemon.fill("cannot open log `@dir@/folder` of p, its stdout goes to ours: Is a directory"),
        );
        daemon.wait_said(&daemon.fill(
            "cannot open log `/proc/none/p.log` of p, its stderr goes to ours: No such file or directory; hint: create the directory",
        ));
        // The next start finds it.
        std::fs::remove_dir_all(daemon.dir().path().join("folder")).expect("it was there");
        ctl(&daemon, &["restart", "p"]).expect(0);
        wait_until("it has its file", || daemon.dir().read("folder") == "p | out\n");
        assert_eq!(daemon.stdout(), "p | out\n");
        daemon.finish();
    }
}

#[test]
fn a_log_directory_that_disappears_loses_nothing_more_and_is_found_again() {
    let daemon = ini(
        "[program:p]\ncommand=@puppet@ wait-file @dir@/gone spew 64000 wait-file @dir@/back spew 64000 touch @dir@/done hold\nstartsecs=0\n\
         log_format=json\nstdout_logfile=@dir@/logs/p.log\nstdout_logfile_maxbytes=40KB\nstdout_logfile_backups=3\n",
    )
    .file("logs/x", "")
    .start();
    daemon.wait_state("p", "RUNNING");
    let logs = daemon.dir().path().join("logs");
    std::fs::remove_dir_all(&logs).expect("it was there");
    daemon.dir().write("gone", "");
    daemon.wait_said("cannot rotate log");
    assert_eq!(daemon.get("/livez").map(|a| a.status), Some(200));
    std::fs::create_dir(&logs).expect("it is not there");
    daemon.dir().write("back", "");
    wait_until("the program goes on", || daemon.dir().path().join("done").exists());
    wait_until("there is a log again", || logs.join("p.log").exists());
    let said = daemon.said();
    assert_eq!(said.matches("cannot rotate log").count(), 1, "it is said once:\n{said}");
    assert_eq!(lost(&daemon), 0.0, "what was written to a file without a name is not counted");
    daemon.wait_state("p", "RUNNING");
    daemon.finish();
}
