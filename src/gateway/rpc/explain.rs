//! `mainstay.explain`: how a process has ended so far, and what happens next.
//!
//! No I/O of its own. Invariants: nothing here changes anything; it works while the daemon stops, too; what a program wrote
//! holds nothing that a terminal would obey; what is not known is absent. Not here: names and signatures (`table`).

use super::describe::process_info;
use super::methods::{Caller, QUESTION_TIMEOUT, Result, confused, named, text_at};
use super::namespec;
use super::value::Value;
use crate::control::{End, Explained, FaultCode, Reply, Request};
use crate::gateway::plain::plain;
use crate::types::{ExitStatus, Wall};

/// `explain`.
pub(super) fn explain(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let spec = text_at(params, 0)?;
    let unknown = || named(FaultCode::BadName, spec);
    let (group, name) = namespec::split(spec);
    let (group, name) = (group.to_owned(), name.ok_or_else(unknown)?.to_owned());
    let told = match caller.link.ask(&Request::Explain { group, name }, QUESTION_TIMEOUT)? {
        Reply::Explained(told) => told.ok_or_else(unknown)?,
        other => return Err(confused(&other)),
    };
    let mut value = process_info(&told.info, told.now, caller.local_time);
    if let Value::Fields(members) = &mut value {
        add(members, &told);
    }
    Ok(value)
}

type Members = Vec<(&'static str, Value)>;

fn add(members: &mut Members, told: &Explained) {
    members.push(("since", time(told.since)));
    let age_ms = u64::try_from(told.now.0 - told.since.0).unwrap_or(0);
    if told.since.0 > 0 {
        members.push(("state_seconds", seconds(age_ms.saturating_mul(1_000_000))));
    }
    members.push(("ready", Value::Bool(told.info.ready)));
    members.push(("uptime", seconds(told.info.uptime_ns)));
    if !told.info.note.is_empty() {
        members.push(("note", Value::Text(plain(&told.info.note))));
    }
    members.push(("next", Value::Text(plain(&told.next.text))));
    if let Some(ns) = told.next.in_ns {
        members.push(("next_seconds", seconds(ns)));
    }
    if let Some(end) = told.ends.first() {
        members.push(("exit_reason", Value::text(end.reason.word())));
    }
    members.push(("ends_total", number(told.n_ends)));
    members.push(("ends", Value::Array(told.ends.iter().map(end_of).collect())));
}

fn end_of(end: &End) -> Value {
    let mut members: Members = vec![
        ("reason", Value::text(end.reason.word())),
        ("text", Value::Text(plain(&end.words()))),
        ("expected", Value::Bool(end.expected)),
        ("start", time(end.start)),
        ("end", time(end.end)),
        ("seconds", seconds(end.uptime_ns)),
    ];
    match end.status {
        Some(ExitStatus::Code(code)) => members.push(("code", Value::int(code))),
        Some(ExitStatus::Signal { signal, core }) => {
            members.push(("signal", Value::Text(signal.to_string())));
            members.push(("core", Value::Bool(core)));
        }
        None => {}
    }
    if end.killed {
        members.push(("killed", Value::Bool(true)));
    }
    if end.tries > 0 {
        members.push(("failed_starts", Value::int(end.tries)));
    }
    if !end.why.is_empty() {
        members.push(("why", Value::Text(plain(&end.why))));
    }
    if end.oom_kills > 0 {
        members.push(("oom_kills", number(end.oom_kills)));
    }
    if let Some(used) = end.used {
        members.push(("peak_memory_bytes", Value::Double(float(used.peak_bytes))));
        members.push(("cpu_user_seconds", Value::Double(float(used.user_us) / 1e6)));
        members.push(("cpu_system_seconds", Value::Double(float(used.system_us) / 1e6)));
    }
    let lines = end.last_output.lines().map(|line| Value::Text(plain(line)));
    members.push(("last_lines", Value::Array(lines.collect())));
    Value::Fields(members)
}

/// Seconds since 1970, with their fraction.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay below 2^53")]
fn time(wall: Wall) -> Value {
    Value::Double(wall.0 as f64 / 1e3)
}

fn seconds(ns: u64) -> Value {
    Value::Double(float(ns / 1_000_000) / 1e3)
}

#[expect(clippy::cast_precision_loss, reason = "XML-RPC's integers end at 2 GiB; bytes of real memory")]
fn float(n: u64) -> f64 {
    n as f64
}

fn number(n: u64) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
