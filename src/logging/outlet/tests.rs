use super::*;
use crate::config::model::LogFormat;
use crate::logging::sinks::Sinks;
use crate::logging::tally::Tally;
use crate::types::{Now, Wall};
use std::io::Read;
use std::os::fd::AsFd;

struct Bench {
    sinks: Sinks,
    tally: Tally,
    reader: std::fs::File,
    outlet: Outlet,
    path: std::path::PathBuf,
}

impl Bench {
    fn new(name: &str, style: LogStyle) -> Bench {
        let path = std::env::temp_dir().join(format!("mainstay-outlet-{name}-{}", std::process::id()));
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("fifo");
        let reader = std::fs::OpenOptions::new().read(true).write(true).open(&path).expect("fifo");
        crate::sys::fd::set_nonblocking(reader.as_fd()).expect("ours");
        let mut sinks = Sinks::default();
        let sink = sinks.open_file(&path, 0, 0, 0o600).expect("open");
        let who = Who { name: "p".into(), width: 1, ..Who::default() };
        let outlet = *Outlet::new(sink, style, &who).expect("not as it is");
        Bench { sinks, tally: Tally::default(), reader, outlet, path }
    }

    fn at(&mut self, ms: u64, act: impl FnOnce(&mut Outlet, &mut Tools<'_>)) {
        let now = Now { mono: Mono((1_000 + ms) * 1_000_000), wall: Wall(0) };
        act(&mut self.outlet, &mut Tools { sinks: &mut self.sinks, tally: &mut self.tally, now });
    }

    fn push(&mut self, ms: u64, bytes: &[u8]) {
        self.at(ms, |outlet, tools| outlet.push(bytes, tools, &mut |_| {}));
    }

    /// Reads what is there, and lets the sink and the outlet go on, until nothing comes.
    fn read(&mut self) -> String {
        let mut seen = Vec::new();
        let mut part = vec![0; 1 << 16];
        while let Ok(n) = self.reader.read(&mut part) {
            seen.extend_from_slice(&part[..n]);
            self.sinks.flush(self.outlet.sink);
            self.at(0, |outlet, tools| outlet.catch_up(tools, &mut |_| {}));
        }
        String::from_utf8(seen).expect("text")
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path); // it was ours
    }
}

#[test]
fn lines_beyond_the_limit_are_told_of_when_output_goes_on_when_time_is_up_and_at_the_end() {
    let mut bench = Bench::new("rate", LogStyle { rate_limit: 2, ..LogStyle::default() });
    bench.push(0, b"1\n2\n3\n4\n");
    bench.push(500, b"5\n");
    assert_eq!(bench.outlet.due(), Some(Mono(2_000_000_000)));
    bench.push(1_000, b"6\n");
    assert_eq!(
        (bench.read().as_str(), bench.outlet.due()),
        ("1\n2\np: … 3 lines suppressed in 1 s\n6\n", None)
    );
    bench.push(1_001, b"7\n8\n");
    bench.at(2_000, |outlet, tools| outlet.tell_suppressed(tools, &mut |_| {}));
    assert_eq!(bench.read(), "7\np: … 1 line suppressed in 1 s\n");
    bench.push(5_000, b"9\n10\n11\n");
    bench.at(5_001, |outlet, tools| outlet.finish(tools, &mut |_| {}));
    assert_eq!(bench.read(), "9\n10\np: … 1 line suppressed in 1 s\n");
    assert_eq!(bench.tally.suppressed, 5);
}

#[test]
fn a_slow_sink_loses_lines_that_are_counted_and_the_rest_is_whole_and_in_order() {
    for format in [LogFormat::Raw, LogFormat::Prefix] {
        let style = LogStyle { format, overflow: LogOverflow::Drop, rate_limit: 0 };
        let mut bench = Bench::new(&format!("drop-{format:?}"), style);
        for n in 0..400_000u32 {
            bench.push(0, format!("line {n}\n").as_bytes());
        }
        let kept = bench.outlet.backlog.len() + bench.sinks.kept_bytes();
        assert!(kept <= BACKLOG_BYTES + (1 << 17), "{kept}");
        assert!(bench.outlet.is_behind() && bench.tally.dropped > 0);
        let text = bench.read();
        bench.push(0, b"after\n");
        let text = text + &bench.read();
        let mut lines: Vec<&str> = text.lines().collect();
        if format == LogFormat::Prefix {
            lines = lines.into_iter().map(|l| l.strip_prefix("p | ").expect("a prefix")).collect();
        }
        assert_eq!(lines.pop(), Some("after"));
        let marker = lines.pop().expect("a marker");
        let dropped = bench.tally.dropped;
        assert!(marker.ends_with(&format!("… {dropped} lines dropped")), "{marker}");
        assert_eq!(lines.len() as u64 + dropped, 400_000);
        assert!(lines.iter().enumerate().all(|(n, line)| *line == format!("line {n}")));
        assert!(!bench.outlet.is_behind());
    }
}

#[test]
fn nothing_is_lost_where_programs_wait() {
    let mut bench = Bench::new("block", LogStyle { format: LogFormat::Prefix, ..LogStyle::default() });
    for n in 0..50_000 {
        bench.push(0, format!("{n}\n").as_bytes());
    }
    let text = bench.read();
    assert!(text.lines().enumerate().all(|(n, line)| line == format!("p | {n}")));
    assert_eq!(text.lines().count(), 50_000);
}

#[test]
fn short_lines_wait_as_short_as_they_came_and_know_when() {
    let mut bench = Bench::new("short", LogStyle { format: LogFormat::Json, ..LogStyle::default() });
    bench.push(0, &b"\n".repeat(1 << 16));
    // As records it would be 5 MB.
    let kept = bench.sinks.kept_bytes() + bench.outlet.waiting.len();
    assert!(bench.outlet.is_behind() && (1 << 15..1 << 18).contains(&kept), "{kept}");
    bench.push(0, b"behind them");
    bench.at(0, |outlet, tools| outlet.release_line(tools, &mut |_| {}));
    let text = bench.read();
    assert_eq!(text.matches(r#","line":""}"#).count(), 1 << 16);
    assert!(text.ends_with("\"partial\":true,\"line\":\"behind them\"}\n"));
    assert!(!bench.outlet.is_behind());

    bench.push(0, &b"\n".repeat(1 << 16));
    let later = Now { mono: Mono(9_000_000_000), wall: Wall(86_400_000) };
    let mut tools = Tools { sinks: &mut bench.sinks, tally: &mut bench.tally, now: later };
    bench.outlet.finish(&mut tools, &mut |_| {});
    let text = bench.read();
    assert_eq!(text.matches("\"time\":\"1970-01-01T00:00:00.000Z\"").count(), 1 << 16, "when they were read");
}

#[test]
fn lines_that_wait_count_in_the_second_that_they_were_read_in() {
    let style = LogStyle { format: LogFormat::Json, rate_limit: 60_000, ..LogStyle::default() };
    let mut bench = Bench::new("rate-wait", style);
    bench.push(0, &b"\n".repeat(1 << 16));
    assert_eq!((bench.outlet.is_behind(), bench.tally.suppressed), (true, 0));
    let text = bench.read();
    assert_eq!(text.lines().count(), 60_000);
    assert_eq!(bench.tally.suppressed, (1 << 16) - 60_000);
}

#[test]
fn an_unfinished_line_is_a_part_until_the_program_ends() {
    let mut bench = Bench::new("part", LogStyle { format: LogFormat::Prefix, ..LogStyle::default() });
    bench.push(0, b"one ");
    assert!(bench.outlet.holds_line());
    bench.at(0, |outlet, tools| outlet.release_line(tools, &mut |_| {}));
    bench.push(0, b"two\nlast");
    bench.at(0, |outlet, tools| outlet.finish(tools, &mut |_| {}));
    assert_eq!(bench.read(), "p + one \np | two\np | last\n");
}
