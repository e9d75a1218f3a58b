//! `explain`: why a process is as it is, and what happens to it next.
//!
//! Does I/O through the session. Invariants: asks for each process by itself, so that no answer is large; a server that
//! cannot do this, Python's among them, is said to be one. Not here: the reasons and their words (`control`).

use crate::control::{FaultCode, duration};
use crate::ctl::client::ClientError;
use crate::ctl::commands::{Done, Session};
use crate::ctl::names;
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;
use crate::sys::clock::local_time;

impl Session<'_> {
    pub(super) fn explain_processes(&mut self, wanted: &[&str]) -> Done {
        self.upcheck()?;
        let all = self.api.call("getAllProcessInfo", &[])?;
        self.begin_list();
        let all = all.as_array().unwrap_or_default();
        let specs: Vec<String> = self
            .choose(all, wanted)
            .iter()
            .map(|p| namespec::join(text(p, "group"), text(p, "name")))
            .collect();
        for (n, spec) in specs.iter().enumerate() {
            let told = match self.api.call("mainstay.explain", &[Value::text(spec)]) {
                Err(ClientError::Fault { code, .. }) if code == FaultCode::UnknownMethod as i64 => {
                    self.refuse("error: this server cannot explain how a process has ended")?;
                    self.hint("it is another supervisord: `status` and `tail` say what it knows");
                    return Ok(());
                }
                // It has gone since we asked.
                Err(ClientError::Fault { code, .. }) if code == FaultCode::BadName as i64 => {
                    self.say(&format!("{spec}: ERROR (no such process)"));
                    self.fail(names::STATUS_UNKNOWN);
                    continue;
                }
                other => other?,
            };
            let mut lines = lines(spec, &told);
            if n > 0 {
                lines.insert(0, String::new());
            }
            self.item_of(&lines.join("\n"), &told);
        }
        Ok(())
    }
}

/// What people read of one process.
fn lines(spec: &str, told: &Value) -> Vec<String> {
    let mut out = vec![head(spec, told)];
    let note = text(told, "note");
    if !note.is_empty() {
        out.push(format!("  note: {note}"));
    }
    let spawnerr = text(told, "spawnerr");
    if matches!(text(told, "statename"), "BACKOFF" | "FATAL") && !spawnerr.is_empty() {
        out.push(format!("  why:  {spawnerr}"));
    }
    out.push(format!("  next: {}", text(told, "next")));
    let ends = list(told, "ends");
    match (ends.len(), told.get("ends_total").and_then(Value::as_int).unwrap_or(0)) {
        (0, _) => out.push("  it has not ended so far".to_owned()),
        (1, 1) => out.push("  it has ended once:".to_owned()),
        (n, total) if i64::try_from(n) == Ok(total) => {
            out.push(format!("  it has ended {total} times, newest first:"));
        }
        (n, total) => out.push(format!("  it has ended {total} times, the last {n} were, newest first:")),
    }
    for end in ends {
        out.push(format!("    {}  {}", clock(number(end, "end")), text(end, "text")));
        let facts = facts(end);
        if !facts.is_empty() {
            out.push(format!("      {facts}"));
        }
        out.extend(list(end, "last_lines").iter().filter_map(Value::as_str).map(|l| format!("      | {l}")));
    }
    out
}

/// `web: RUNNING for 2 h 5 min, pid 12`
fn head(spec: &str, told: &Value) -> String {
    let mut out = format!("{spec}: {}", text(told, "statename"));
    let since = number(told, "since");
    if since > 0.0 {
        out.push_str(&format!(" for {} (since {})", span(number(told, "state_seconds")), clock(since)));
    }
    match told.get("pid").and_then(Value::as_int) {
        Some(pid) if pid > 0 => out.push_str(&format!(", pid {pid}")),
        _ => {}
    }
    out
}

/// `lived 2.1 s, failed start 2, at most 12.3 MiB of memory, 0.12 s of processor time`
fn facts(end: &Value) -> String {
    let mut out = Vec::new();
    if end.get("code").is_some() || end.get("signal").is_some() {
        out.push(format!("lived {}", span(number(end, "seconds"))));
    }
    if let Some(n) = end.get("failed_starts").and_then(Value::as_int) {
        out.push(format!("failed start {n} in a row"));
    }
    if end.get("peak_memory_bytes").is_some() {
        out.push(format!("at most {:.1} MiB of memory", number(end, "peak_memory_bytes") / 1_048_576.0));
        let cpu = number(end, "cpu_user_seconds") + number(end, "cpu_system_seconds");
        out.push(format!("{cpu:.2} s of processor time"));
    }
    out.join(", ")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time that has passed")]
fn span(seconds: f64) -> String {
    duration((seconds.clamp(0.0, 1e9) * 1e9) as u64)
}

/// `2026-11-20 19:03:51`, in this process's time zone.
#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
fn clock(seconds: f64) -> String {
    let t = local_time(seconds as i64);
    format!("{}-{:02}-{:02} {:02}:{:02}:{:02}", t.year, t.month, t.day, t.hour, t.minute, t.second)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).unwrap_or_default()
}

fn number(value: &Value, name: &str) -> f64 {
    match value.get(name) {
        Some(Value::Double(x)) => *x,
        _ => 0.0,
    }
}
