//! The `mainstay` namespace: what Supervisor has no method for.
//!
//! No I/O of its own but the look into /proc. Invariants: nothing here changes anything; it works while the daemon stops,
//! too; values that nobody knows are absent. Not here: names and signatures (`table`).

use super::describe::process_info;
use super::methods::{Caller, QUESTION_TIMEOUT, Result, confused};
use super::value::Value;
use crate::control::{ProcessInfo, Reply, Request};
use crate::gateway::plain::plain;
use crate::gateway::usage::Usage;

/// `getProcessTable`: what `getAllProcessInfo` has, and what a table for people wants beside it.
pub(super) fn process_table(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    let snapshot = match caller.link.ask(&Request::Table, QUESTION_TIMEOUT)? {
        Reply::Snapshot(snapshot) => snapshot,
        other => return Err(confused(&other)),
    };
    let pids: Vec<i32> = snapshot.processes.iter().map(|p| p.pid).collect();
    let usages = caller.usages(&pids);
    let lines = snapshot.last_lines.iter().map(String::as_str).chain(std::iter::repeat(""));
    let all = snapshot.processes.iter().zip(usages).zip(lines).map(|((p, usage), line)| {
        let mut value = process_info(p, snapshot.now, caller.local_time);
        if let Value::Fields(members) = &mut value {
            members.extend(more(p, usage, line));
        }
        value
    });
    Ok(Value::Array(all.collect()))
}

fn more(p: &ProcessInfo, usage: Option<Usage>, line: &str) -> Vec<(&'static str, Value)> {
    let n = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let stats = &p.stats;
    let exits = stats.exits_expected + stats.exits_unexpected + stats.exits_signal + stats.exits_stopped;
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds as seconds, bytes of real memory")]
    let float = |n: u64| n as f64;
    let mut members = vec![
        ("uptime", Value::Double(float(p.uptime_ns / 1_000_000) / 1e3)),
        ("ready", Value::Bool(p.ready)),
        ("starts", n(stats.starts)),
        ("restarts", n(stats.restarts)),
        ("exits", n(exits)),
        ("exits_unexpected", n(stats.exits_unexpected + stats.exits_signal)),
        ("spawn_failures", n(stats.spawn_failures)),
        ("last_line", Value::Text(plain(line))),
    ];
    if let Some(usage) = usage {
        members.push(("cpu_seconds", Value::Double(usage.cpu_seconds)));
        // XML-RPC's integers end at 2 GiB.
        members.push(("memory_bytes", Value::Double(float(usage.resident_bytes))));
    }
    members
}
