//! The `mainstay` namespace: what Supervisor has no method for.
//!
//! No I/O of its own but the look into /proc. Invariants: it works while the daemon stops, too; values that nobody knows are absent. Not here: names and signatures (`table`).

use super::describe::process_info;
use super::methods::{CLIENT_CHECK, Caller, QUESTION_TIMEOUT, Result, confused, plain as plain_fault};
use super::value::Value;
use crate::control::{Command, FaultCode, Outcome, ProcessInfo, Reply, Request};
use crate::gateway::plain::plain;
use crate::gateway::usage::Usage;

/// `drain`: not ready from now on.
pub(super) fn drain(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let wait = match params {
        [] => false,
        [Value::Bool(wait)] => *wait,
        _ => return Err(plain_fault(FaultCode::IncorrectParameters)),
    };
    commanded(caller, Command::Drain { wait })
}

/// `undrain`: as ready as the programs are.
pub(super) fn undrain(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    commanded(caller, Command::Undrain)
}

fn commanded(caller: &Caller<'_>, command: Command) -> Result<Value> {
    match caller.link.ask_while(&Request::Command(command), CLIENT_CHECK, caller.wanted)? {
        Reply::Command(Outcome::Done) => Ok(Value::Bool(true)),
        Reply::Command(Outcome::Fault(fault)) => Err(fault.into()),
        other => Err(confused(&other)),
    }
}

/// `getProcessTable`: what `getAllProcessInfo` has, and what a table for people wants beside it.
pub(super) fn process_table(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    let snapshot = match caller.link.ask(&Request::Table, QUESTION_TIMEOUT)? {
        Reply::Snapshot(snapshot) => snapshot,
        other => return Err(confused(&other)),
    };
    let pids: Vec<i32> = snapshot.processes.iter().map(|p| p.pid).collect();
    let usages = caller.usages(&pids);
    let mut all = Vec::with_capacity(pids.len());
    for (n, p) in snapshot.processes.iter().enumerate() {
        let line = snapshot.last_lines.get(n).map_or("", String::as_str);
        let mut value = process_info(p, snapshot.now, caller.local_time);
        if let Value::Fields(members) = &mut value {
            add(members, p, usages.get(n).copied().flatten(), line);
        }
        all.push(value);
    }
    Ok(Value::Array(all))
}

fn add(members: &mut Vec<(&'static str, Value)>, p: &ProcessInfo, usage: Option<Usage>, line: &str) {
    let mut add = |name, value| members.push((name, value));
    let stats = &p.stats;
    let unexpected = stats.exits_unexpected + stats.exits_signal + stats.exits_oom + stats.exits_liveness;
    for (name, count) in [
        ("starts", stats.starts),
        ("restarts", stats.restarts),
        ("exits", unexpected + stats.exits_expected + stats.exits_stopped + stats.exits_timeout),
        ("exits_unexpected", unexpected),
        ("spawn_failures", stats.spawn_failures),
    ] {
        add(name, Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of uptime, bytes of real memory")]
    let float = |n: u64| n as f64;
    add("uptime", Value::Double(float(p.uptime_ns / 1_000_000) / 1e3));
    add("ready", Value::Bool(p.ready));
    add("note", Value::text(&p.note));
    add("last_line", Value::Text(plain(line)));
    if let Some(end) = p.last_end {
        add("exit_reason", Value::text(end.reason.word()));
    }
    if let Some(usage) = usage {
        add("cpu_seconds", Value::Double(usage.cpu_seconds));
        // XML-RPC's integers end at 2 GiB.
        add("memory_bytes", Value::Double(float(usage.resident_bytes)));
    }
}
