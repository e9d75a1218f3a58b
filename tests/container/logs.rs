//! Logs where a container's are: `docker logs`, under the restrictions of a careful cluster, and with nobody reading.

use crate::docker::{Container, attach_unread, missing, start};
use harness::{Done, holds_within};
use std::time::Duration;

/// Lines as long as are never torn, between short ones.
pub(crate) const LOUD: &str = r#"
for n in 1 2 3; do
  /busybox head -c 1048576 /dev/zero | /busybox tr '\000' $1
  echo
  /busybox yes "$1 is here" | /busybox head -n 1000
done
echo "$1 is done"
exec /puppet hold
"#;

pub(crate) const INI: &str = "[supervisord]\nsilent=true\nlogfile=/dev/null\nlogfile_maxbytes=0\n\
    [mainstay]\nhttp_listen=127.0.0.1:9100\n\
    [program:a]\ncommand=/busybox sh /conf/logs.sh a\nlog_format=prefix\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
    [program:b]\ncommand=/busybox sh /conf/logs.sh b\nlog_format=json\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
    [program:c]\ncommand=/puppet say-err c-is-here hold\nlog_format=prefix\nstderr_logfile=/dev/stderr\nstderr_logfile_maxbytes=0\nstdout_logfile=NONE\n";

pub(crate) const TOML: &str = "[http]\nlisten = \"127.0.0.1:9100\"\n\
    [program.a]\ncommand = \"/busybox sh /conf/logs.sh a\"\nlog_format = \"prefix\"\n\
    [program.b]\ncommand = \"/busybox sh /conf/logs.sh b\"\nlog_format = \"json\"\n\
    [program.c]\ncommand = \"/puppet say-err c-is-here hold\"\nlog_format = \"prefix\"\n";

/// One that never waits, one that does, one that has nothing to do with it.
pub(crate) const UNREAD_INI: &str = "[supervisord]\nsilent=true\nlogfile=/dev/null\nlogfile_maxbytes=0\n\
    [mainstay]\nhttp_listen=127.0.0.1:9100\n\
    [program:drops]\ncommand=/puppet spew 16000000 exit 0\nstartsecs=0\nautorestart=false\nlog_format=json\nlog_overflow=drop\n\
    stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
    [program:waits]\ncommand=/puppet spew 16000000 exit 0\nstartsecs=0\nautorestart=false\nlog_format=prefix\n\
    stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
    [program:quiet]\ncommand=/puppet after 200 exit 0\nstartsecs=0\nautorestart=true\nstdout_logfile=NONE\n";

pub(crate) const UNREAD_TOML: &str = "[http]\nlisten = \"127.0.0.1:9100\"\n\
    [program.drops]\ncommand = \"/puppet spew 16000000 exit 0\"\nstartsecs = 0\nautorestart = false\nlog_format = \"json\"\nlog_overflow = \"drop\"\n\
    [program.waits]\ncommand = \"/puppet spew 16000000 exit 0\"\nstartsecs = 0\nautorestart = false\nlog_format = \"prefix\"\n\
    [program.quiet]\ncommand = \"/puppet after 200 exit 0\"\nstartsecs = 0\nautorestart = true\n";

/// An ordinary user, a root that cannot be written, no rights at all.
const TIGHT: &[&str] =
    &["--read-only", "--user", "1000:1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];

const LIMIT: Duration = Duration::from_secs(60);

/// What a program said in one line of the container's log, and which program it was.
fn said(line: &str) -> (char, String) {
    if let Some(text) = line.strip_prefix("a | ") {
        return ('a', text.into());
    }
    let record: serde_json::Value =
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {} bytes, {:.200}", line.len(), line));
    assert_eq!((record["program"].as_str(), record["stream"].as_str()), (Some("b"), Some("stdout")));
    ('b', record["line"].as_str().expect("text").into())
}

fn are_whole(container: &Container) {
    let done = |text: &str| text.contains("a | a is done\n") && text.contains("\"line\":\"b is done\"}\n");
    assert!(holds_within(LIMIT, || done(&container.logs().stdout)), "they do not come to their end");
    let (mut long, mut short) = ([0, 0], [0, 0]);
    for line in container.logs().stdout.lines() {
        let (who, text) = said(line);
        let at = usize::from(who == 'b');
        if text.len() == 1 << 20 {
            assert!(text.chars().all(|c| c == who), "a line was torn");
            long[at] += 1;
        } else {
            assert!(text == format!("{who} is here") || text == format!("{who} is done"), "{text:.200}");
            short[at] += 1;
        }
    }
    assert_eq!((long, short), ([3, 3], [3001, 3001]));
    container.wait_said("c | c-is-here\n");
    assert!(container.logs().stderr.contains("c | c-is-here\n"), "stderr goes to stderr");
    container.wait_ready();
    assert_eq!(container.stop().0, 0);
}

#[test]
fn lines_of_busy_programs_are_whole_in_docker_logs_without_root_rights_or_a_root_to_write() {
    if missing() {
        return;
    }
    for file in ["/conf/logs.conf", "/conf/logs.toml"] {
        are_whole(&start(TIGHT, &["run", "-c", file]));
    }
    let settings = [
        "MAINSTAY_PROGRAM__A__COMMAND=/busybox sh /conf/logs.sh a",
        "MAINSTAY_PROGRAM__A__LOG_FORMAT=prefix",
        "MAINSTAY_PROGRAM__B__COMMAND=/busybox sh /conf/logs.sh b",
        "MAINSTAY_PROGRAM__B__LOG_FORMAT=json",
        "MAINSTAY_PROGRAM__C__COMMAND=/puppet say-err c-is-here hold",
        "MAINSTAY_PROGRAM__C__LOG_FORMAT=prefix",
        "MAINSTAY_HTTP__LISTEN=127.0.0.1:9100",
    ];
    let settings: Vec<&str> = settings.iter().flat_map(|s| ["-e", s]).collect();
    are_whole(&start(&[TIGHT, &settings].concat(), &[]));
}

/// A number of the metrics, asked for inside.
fn metric(exec: &dyn Fn(&[&str]) -> Done, series: &str) -> f64 {
    let page = exec(&["/busybox", "wget", "-qO-", "http://127.0.0.1:9100/metrics"]).stdout;
    let line = page.lines().find(|l| l.starts_with(series)).unwrap_or_default();
    line.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0.0)
}

fn status(exec: &dyn Fn(&[&str]) -> Done, name: &str) -> String {
    exec(&["/mainstay", "ctl", "status", name]).stdout
}

/// Programs go on, probes are answered, and what is missing is counted.
fn goes_on(exec: &dyn Fn(&[&str]) -> Done) {
    let pid = || exec(&["/mainstay", "ctl", "pid", "quiet"]).stdout;
    let is_through = holds_within(LIMIT, || status(exec, "drops").contains("EXITED"));
    assert!(is_through, "{}", status(exec, "drops"));
    let first = pid();
    assert!(holds_within(LIMIT, || pid() != first), "others are not started again");
    exec(&["/mainstay", "health", "live", "--url", "http://127.0.0.1:9100"]).expect(0);
}

#[test]
fn a_stdout_that_nobody_reads_stops_only_who_waits_and_reading_resumes_with_a_marker() {
    if missing() {
        return;
    }
    for file in ["/conf/unread.conf", "/conf/unread.toml"] {
        let container = attach_unread(TIGHT, &["/mainstay", "run", "-c", file]);
        let exec = |words: &[&str]| container.exec(words);
        assert!(holds_within(LIMIT, || exec(&["/mainstay", "ctl", "status"]).stdout.contains("waits")));
        goes_on(&exec);
        let dropped = "mainstay_program_log_lines_dropped_total{group=\"drops\"";
        assert!(metric(&exec, dropped) > 0.0, "not counted");
        assert!(status(&exec, "waits").contains("RUNNING"), "it waits: {}", status(&exec, "waits"));
        container.read_on();
        let is_told = || container.run.stdout().contains(" lines dropped\"}\n");
        assert!(holds_within(LIMIT, is_told), "no marker");
        assert!(holds_within(LIMIT, || status(&exec, "waits").contains("EXITED")), "nothing is lost of it");
        let lines = || container.run.stdout().lines().filter(|l| l.starts_with("waits | ")).count();
        assert!(holds_within(LIMIT, || lines() == 250_000), "{} lines", lines());
    }
}

#[test]
fn a_stdout_that_is_closed_stops_nothing() {
    if missing() {
        return;
    }
    for redirect in [">&-", "> /dev/full"] {
        for file in ["/conf/unread.conf", "/conf/unread.toml"] {
            let script = format!("exec /mainstay run -c {file} {redirect}");
            let options = [TIGHT, &["--entrypoint", "/busybox"]].concat();
            let container = start(&options, &["sh", "-c", &script]);
            let exec = |words: &[&str]| container.exec(words);
            goes_on(&exec);
            assert!(holds_within(LIMIT, || status(&exec, "waits").contains("EXITED")));
            if redirect == "> /dev/full" {
                assert!(metric(&exec, "mainstay_log_bytes_lost_total") > 32_000_000.0, "not counted");
            }
            assert_eq!(container.stop().0, 0);
        }
    }
}
