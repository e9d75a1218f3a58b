//! One row for each process, from what the server says; what it does not say is absent.
//!
//! Pure, but that where a Supervisor of this machine is asked, /proc tells what it does not. Invariant: text from
//! programs is made harmless here, once. Not here: asking (`super`), showing (`view`).

use crate::gateway::plain::plain;
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;
use crate::sys::procfs;

/// One process.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Row {
    /// As commands name it.
    pub(super) spec: String,
    /// As it is shown.
    pub(super) name: String,
    pub(super) state: String,
    pub(super) pid: Option<i32>,
    /// Seconds.
    pub(super) uptime: Option<f64>,
    pub(super) restarts: Option<i64>,
    pub(super) cpu_seconds: Option<f64>,
    /// Of one processor.
    pub(super) cpu_percent: Option<f64>,
    pub(super) memory: Option<f64>,
    pub(super) last_line: Option<String>,
}

/// The rows of an answer. `local`: the server's processes are in our own /proc.
pub(super) fn read(all: &Value, local: bool) -> Vec<Row> {
    all.as_array().unwrap_or_default().iter().map(|p| row(p, local)).collect()
}

fn row(p: &Value, local: bool) -> Row {
    let text = |name| p.get(name).and_then(Value::as_str).unwrap_or_default();
    let int = |name| p.get(name).and_then(Value::as_int);
    let spec = namespec::join(text("group"), text("name"));
    let state = plain(text("statename"));
    let pid = int("pid").and_then(|n| i32::try_from(n).ok()).filter(|n| *n > 0);
    // Supervisor tells when it started, and what time it is.
    #[expect(clippy::cast_precision_loss, reason = "seconds between two dates")]
    let since_start = || int("now").zip(int("start")).map(|(now, start)| (now - start).max(0) as f64);
    let usage = pid.filter(|_| local).and_then(procfs::usage);
    #[expect(clippy::cast_precision_loss, reason = "bytes of real memory")]
    let bytes = |n: u64| n as f64;
    let own_line = p.get("last_line").and_then(Value::as_str);
    let troubled = matches!(state.as_str(), "FATAL" | "BACKOFF") && !text("spawnerr").is_empty();
    let last_line = match own_line {
        Some(line) if !line.is_empty() || !troubled => Some(line),
        _ if troubled => Some(text("spawnerr")),
        _ => None,
    };
    Row {
        name: plain(&spec),
        spec,
        state,
        pid,
        uptime: pid.and_then(|_| float(p, "uptime").or_else(since_start)),
        restarts: int("restarts"),
        cpu_seconds: float(p, "cpu_seconds").or(usage.map(|u| u.cpu_seconds)),
        cpu_percent: None,
        memory: float(p, "memory_bytes").or(usage.map(|u| bytes(u.resident_bytes))),
        last_line: last_line.map(plain),
    }
}

fn float(p: &Value, name: &str) -> Option<f64> {
    match p.get(name) {
        Some(Value::Double(x)) => Some(*x),
        _ => None,
    }
}

/// What the processes had used when we looked last.
#[derive(Default, Debug)]
pub(super) struct Meter {
    /// Name, pid, seconds; in the server's order.
    before: Vec<(String, Option<i32>, f64)>,
    at_ns: u64,
}

impl Meter {
    /// Fills in the share of a processor since the last look; of a process that we see first, since its start.
    pub(super) fn measure(&mut self, rows: &mut [Row], now_ns: u64) {
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds between two looks")]
        let passed = now_ns.saturating_sub(self.at_ns) as f64 / 1e9;
        let mut seen = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(used) = row.cpu_seconds else { continue };
            let is_it = |b: &&(String, Option<i32>, f64)| b.1 == row.pid && b.0 == row.spec;
            // Nearly always it stands where it stood.
            let there = self.before.get(seen.len()).filter(is_it);
            let (used_since, time) = match there.or_else(|| self.before.iter().find(is_it)) {
                Some((_, _, before)) => (used - before, Some(passed)),
                None => (used, row.uptime),
            };
            row.cpu_percent = time.filter(|t| *t > 0.01).map(|t| (used_since / t * 100.0).max(0.0));
            seen.push((row.spec.clone(), row.pid, used));
        }
        (self.before, self.at_ns) = (seen, now_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn structure(members: &[(&str, Value)]) -> Value {
        Value::Struct(members.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect())
    }

    #[test]
    fn what_supervisor_does_not_say_is_absent() {
        let theirs = structure(&[
            ("group", Value::text("g")),
            ("name", Value::text("a")),
            ("statename", Value::text("RUNNING")),
            ("pid", Value::Int(7)),
            ("start", Value::Int(100)),
            ("now", Value::Int(105)),
        ]);
        let row = &read(&Value::Array(vec![theirs]), false)[0];
        assert_eq!((row.spec.as_str(), row.pid, row.uptime), ("g:a", Some(7), Some(5.0)));
        assert_eq!((row.restarts, row.memory, row.last_line.clone()), (None, None, None));
    }

    #[test]
    fn a_program_without_words_shows_why_it_does_not_start_and_words_are_harmless() {
        let told = |line: &str, state: &str| {
            let p = structure(&[
                ("name", Value::text("a\u{1b}[2J")),
                ("group", Value::text("a\u{1b}[2J")),
                ("statename", Value::text(state)),
                ("spawnerr", Value::text("can't find command")),
                ("last_line", Value::text(line)),
            ]);
            let row = read(&Value::Array(vec![p]), false).remove(0);
            assert_eq!(row.name, "a");
            row.last_line
        };
        assert_eq!(told("", "FATAL").as_deref(), Some("can't find command"));
        assert_eq!(told("", "RUNNING").as_deref(), Some(""));
        assert_eq!(told("\u{1b}[31mlast words", "FATAL").as_deref(), Some("last words"));
    }

    #[test]
    fn shares_are_since_the_last_look_or_since_the_start() {
        let mut meter = Meter::default();
        let row = |pid, used| Row {
            spec: "a".to_owned(),
            pid: Some(pid),
            uptime: Some(10.0),
            cpu_seconds: Some(used),
            ..Row::default()
        };
        let mut share = |pid, used, at| {
            let mut rows = [row(pid, used)];
            meter.measure(&mut rows, at);
            rows[0].cpu_percent.map(f64::round)
        };
        assert_eq!(share(1, 5.0, 1_000_000_000), Some(50.0));
        assert_eq!(share(1, 7.0, 2_000_000_000), Some(200.0));
        assert_eq!(share(1, 7.0, 2_000_000_000), None);
        assert_eq!(share(2, 1.0, 3_000_000_000), Some(10.0));
    }
}
