//! A program's configuration as `getAllConfigInfo` shows it: twenty-nine members.
//!
//! No I/O of its own. COMPAT: names, types and order are Supervisor's 4.3.0; what is not set is the word `none`.
//! Not here: which methods there are (`table`).

use super::methods::{Caller, QUESTION_TIMEOUT, Result, confused};
use super::value::Value;
use crate::control::{LogInfo, ProgramInfo, Reply, Request};

/// All programs, in the order of the configuration.
pub(super) fn configuration(caller: &Caller<'_>) -> Result<Vec<ProgramInfo>> {
    match caller.link.ask(&Request::Configuration, QUESTION_TIMEOUT)? {
        Reply::Configuration(all) => Ok(all),
        other => Err(confused(&other)),
    }
}

/// `getAllConfigInfo`.
pub fn all_configs(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping()?;
    let all = configuration(caller)?;
    let sorted = ordered(all.iter(), &|a, b| a.name <= b.name);
    Ok(Value::Array(sorted.into_iter().map(config_info).collect()))
}

/// Sorted; what may stay where it is does. One small function for all orders, where the library's sort would be built
/// for each.
pub(super) fn ordered<'p>(
    list: impl Iterator<Item = &'p ProgramInfo>,
    may_precede: &dyn Fn(&ProgramInfo, &ProgramInfo) -> bool,
) -> Vec<&'p ProgramInfo> {
    let mut sorted: Vec<&ProgramInfo> = Vec::new();
    for one in list {
        let at = sorted.partition_point(|other| may_precede(other, one));
        sorted.insert(at, one);
    }
    sorted
}

fn or_none(text: Option<&String>) -> Value {
    text.map_or_else(|| Value::text("none"), Value::text)
}

fn config_info(p: &ProgramInfo) -> Value {
    let codes = p.exitcodes.iter().map(|code| Value::int(*code)).collect();
    let mut members: Vec<(String, Value)> = [
        ("autostart", Value::Bool(p.autostart)),
        ("directory", or_none(p.directory.as_ref())),
        ("uid", p.uid.map_or_else(|| Value::text("none"), Value::int)),
        ("command", Value::text(&p.command)),
        ("exitcodes", Value::Array(codes)),
        ("group", Value::text(&p.group)),
        ("group_prio", Value::Int(p.group_priority)),
        ("inuse", Value::Bool(p.in_use)),
        ("killasgroup", Value::Bool(p.killasgroup)),
        ("name", Value::text(&p.name)),
        ("process_prio", Value::Int(p.priority)),
        ("redirect_stderr", Value::Bool(p.redirect_stderr)),
        ("startretries", Value::Int(p.startretries)),
        ("startsecs", Value::Int(p.startsecs)),
        ("stopsignal", Value::int(p.stopsignal.0)),
        ("stopwaitsecs", Value::Int(p.stopwaitsecs)),
        ("serverurl", or_none(p.serverurl.as_ref())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for (stream, log) in [("stdout", &p.stdout), ("stderr", &p.stderr)] {
        members.extend(log_info(log).map(|(name, value)| (format!("{stream}_{name}"), value)));
    }
    Value::Struct(members)
}

fn log_info(log: &LogInfo) -> [(&'static str, Value); 6] {
    let number = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    [
        ("capture_maxbytes", number(log.capture_maxbytes)),
        ("events_enabled", Value::Bool(log.events)),
        ("logfile", or_none(log.logfile.as_ref())),
        ("logfile_backups", Value::int(log.backups)),
        ("logfile_maxbytes", number(log.maxbytes)),
        ("syslog", Value::Bool(log.syslog)),
    ]
}
