//! The actions of the page and what is said about them.
//!
//! No I/O of its own; questions go through the link. COMPAT: names, messages and the order of checks are Supervisor's
//! (contract 7); but a restart whose start fails says so, and an action that does not exist is the visitor's mistake.
//! Invariant: nobody waits longer than `PATIENCE`. Not here: whether the visitor may act (`origin`).

use crate::control::{Fault, FaultCode};
use crate::gateway::Site;
use crate::gateway::rpc::describe::MONTHS;
use crate::gateway::rpc::methods::{self as m, Caller, Refusal, Result};
use crate::gateway::rpc::value::Value;
use crate::gateway::rpc::{logs, namespec};
use crate::sys::clock::LocalTime;
use std::time::Duration;

/// BOUND: for an action to end. Longer than nearly every `stopwaitsecs`, shorter than a browser waits.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    /// To be shown on the page.
    Said(String),
    /// There is no such action, or it needs a process.
    Unknown,
    /// The visitor has gone.
    Abandoned,
}

/// Carries out `action`; `now` gives the local time for messages that name it.
#[must_use]
pub fn act(
    site: &Site,
    action: &str,
    process: Option<&str>,
    now: &dyn Fn() -> LocalTime,
    patience: Duration,
    wanted: &dyn Fn() -> bool,
) -> Done {
    let mono = site.tools.mono;
    let end = mono().plus_ms(i64::try_from(patience.as_millis()).unwrap_or(i64::MAX));
    let in_time = || mono() < end;
    let both = || wanted() && in_time();
    let watching = Caller::new(site, &both);
    // Once everything has been stopped it is to be started, whether somebody still looks or not.
    let faithful = Caller::new(site, &in_time);
    let result = match (action, process) {
        ("refresh", _) => Ok(format!("Page refreshed at {}", ctime(now()))),
        ("stopall", _) => m::stop_all(&watching, &[]).map(|_| format!("All stopped at {}", ctime(now()))),
        ("restartall", _) => m::stop_all(&faithful, &[])
            .and_then(|_| m::start_all(&faithful, &[]))
            .map(|_| format!("All restarted at {}", ctime(now()))),
        (_, None) => return Done::Unknown,
        (_, Some(name)) if namespec::split(name).1.is_none() => Ok(no_such(name)),
        ("start", Some(name)) => said(m::start_process(&watching, &[Value::text(name)]), name, "started"),
        ("stop", Some(name)) => said(m::stop_process(&watching, &[Value::text(name)]), name, "stopped"),
        ("restart", Some(name)) => restart(&faithful, name),
        ("clearlog", Some(name)) => {
            logs::clear_process(&watching, &[Value::text(name)]).map(|_| format!("Log for {name} cleared"))
        }
        (_, Some(name)) => match m::one_process(&watching, &[Value::text(name)]) {
            Ok(_) => return Done::Unknown,
            Err(refusal) => Err(refusal),
        },
    };
    Done::Said(match (result, process) {
        (Ok(message), _) => message,
        (Err(Refusal::Fault(fault)), Some(name)) if fault.code == FaultCode::BadName => no_such(name),
        (Err(Refusal::Fault(fault)), Some(name)) if matches!(action, "start" | "restart") => {
            format!("ERROR: Process {name}: {}", start_error(&fault))
        }
        (Err(Refusal::Fault(fault)), _) => unexpected(&fault),
        (Err(Refusal::Abandoned), _) if !wanted() => return Done::Abandoned,
        (Err(Refusal::Abandoned), _) => {
            format!("ERROR: {action} has not ended in {} seconds, look again later", patience.as_secs())
        }
    })
}

/// COMPAT: nothing that could be stopped is no reason not to start.
fn restart(caller: &Caller<'_>, name: &str) -> Result<String> {
    match m::stop_process(caller, &[Value::text(name)]) {
        Err(Refusal::Abandoned) => return Err(Refusal::Abandoned),
        Ok(_) | Err(Refusal::Fault(_)) => {}
    }
    said(m::start_process(caller, &[Value::text(name)]), name, "restarted")
}

fn said(result: Result<Value>, name: &str, done: &str) -> Result<String> {
    result.map(|_| format!("Process {name} {done}"))
}

fn no_such(name: &str) -> String {
    format!("No such process named {name}")
}

/// What Supervisor's page says about a fault that it has no words for.
#[must_use]
pub fn unexpected(fault: &Fault) -> String {
    format!("unexpected rpc fault [{}] {fault}", fault.code as i32)
}

fn start_error(fault: &Fault) -> String {
    let words = match fault.code {
        FaultCode::NoFile => "no such file",
        FaultCode::NotExecutable => "file not executable",
        FaultCode::AlreadyStarted => "already started",
        FaultCode::SpawnError => "spawn error",
        FaultCode::AbnormalTermination => "abnormal termination",
        _ => return unexpected(fault),
    };
    words.to_owned()
}

/// C's `ctime`: `Fri Nov 20 15:57:18 2026`.
fn ctime(t: LocalTime) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    // Sakamoto's method.
    const SHIFT: [i64; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let month = usize::try_from(t.month.saturating_sub(1)).unwrap_or(0).min(11);
    let year = i64::from(t.year) - i64::from(month < 2);
    let day = year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + SHIFT[month]
        + i64::from(t.day);
    let weekday = usize::try_from(day.rem_euclid(7)).unwrap_or(0);
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {}",
        DAYS[weekday], MONTHS[month], t.day, t.hour, t.minute, t.second, t.year
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_c_writes_them() {
        let at = |year, month, day| ctime(LocalTime { year, month, day, hour: 4, minute: 5, second: 6 });
        assert_eq!(at(2026, 11, 20), "Fri Nov 20 04:05:06 2026");
        assert_eq!(at(2024, 2, 29), "Thu Feb 29 04:05:06 2024");
        assert_eq!(at(2000, 1, 1), "Sat Jan  1 04:05:06 2000");
        assert_eq!(at(1970, 1, 1), "Thu Jan  1 04:05:06 1970");
    }
}
