//! A process as `getProcessInfo` shows it: fourteen members and a sentence.
//!
//! Pure; the time zone is a parameter. COMPAT: member names, types and the `description` are Supervisor's.
//! Not here: which processes are asked for (`methods`).

use super::value::Value;
use crate::control::{ProcessInfo, State};
use crate::sys::clock::LocalTime;
use crate::types::{ExitStatus, Wall};

/// As the C locale shortens them.
pub const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The structure of one process at `now`.
#[must_use]
pub fn process_info(p: &ProcessInfo, now: Wall, local_time: fn(i64) -> LocalTime) -> Value {
    // COMPAT: an exit that counts as a failed start, or one before the present run, is not shown.
    let shown = matches!(p.state, State::Stopped | State::Exited);
    let exitstatus = p.exit.filter(|_| shown).map_or(0, ExitStatus::supervisor_code);
    let members = [
        ("name", Value::text(&p.name)),
        ("group", Value::text(&p.group)),
        ("start", Value::int(p.start.secs())),
        ("stop", Value::int(p.stop.secs())),
        ("now", Value::int(now.secs())),
        ("state", Value::int(p.state.code())),
        ("statename", Value::text(p.state.name())),
        ("spawnerr", Value::text(&p.spawnerr)),
        ("exitstatus", Value::int(exitstatus)),
        ("logfile", Value::text(&p.stdout_logfile)),
        ("stdout_logfile", Value::text(&p.stdout_logfile)),
        ("stderr_logfile", Value::text(&p.stderr_logfile)),
        ("pid", Value::int(p.pid)),
        ("description", Value::Text(description(p, local_time))),
    ];
    let mut members = Vec::from(members);
    // One more, for programs that Supervisor does not know.
    members.extend(p.next_run.map(|at| ("next_run", Value::int(at.secs()))));
    Value::Fields(members)
}

/// The last column of `status`.
#[must_use]
pub fn description(p: &ProcessInfo, local_time: fn(i64) -> LocalTime) -> String {
    let plain = plain_description(p, local_time);
    match (plain.is_empty(), p.note.is_empty()) {
        (_, true) => plain,
        (true, false) => p.note.clone(),
        // What was never started is told by what it waits for.
        (false, false) if p.start.0 == 0 => p.note.clone(),
        (false, false) => format!("{plain}; {}", p.note),
    }
}

fn plain_description(p: &ProcessInfo, local_time: fn(i64) -> LocalTime) -> String {
    match p.state {
        State::Running => format!("pid {}, uptime {}", p.pid, uptime(p.uptime_ns / 1_000_000_000)),
        State::Fatal | State::Backoff if p.spawnerr.is_empty() => {
            format!("unknown error (try \"tail {}\")", p.name)
        }
        State::Fatal | State::Backoff => p.spawnerr.clone(),
        State::Stopped | State::Exited if p.start.0 == 0 => "Not started".to_owned(),
        State::Stopped | State::Exited => stop_time(local_time(p.stop.secs())),
        State::Starting | State::Stopping | State::Unknown => String::new(),
    }
}

/// Python's `str(timedelta)`: `1 day, 0:00:05`.
fn uptime(secs: u64) -> String {
    let (days, rest) = (secs / 86_400, secs % 86_400);
    let clock = format!("{}:{:02}:{:02}", rest / 3600, rest % 3600 / 60, rest % 60);
    match days {
        0 => clock,
        1 => format!("1 day, {clock}"),
        n => format!("{n} days, {clock}"),
    }
}

/// `strftime('%b %d %I:%M %p')` in the C locale: `Nov 20 06:59 AM`.
fn stop_time(t: LocalTime) -> String {
    let month = usize::try_from(t.month).ok().and_then(|m| MONTHS.get(m.checked_sub(1)?)).unwrap_or(&"???");
    let half = if t.hour < 12 { "AM" } else { "PM" };
    let hour = if t.hour.is_multiple_of(12) { 12 } else { t.hour % 12 };
    format!("{month} {:02} {hour:02}:{:02} {half}", t.day, t.minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::testing::process;

    fn utc(_: i64) -> LocalTime {
        LocalTime { year: 2026, month: 11, day: 2, hour: 0, minute: 5, second: 0 }
    }

    #[test]
    fn uptimes_are_written_as_python_writes_them() {
        for (secs, want) in [
            (0, "0:00:00"),
            (74, "0:01:14"),
            (36_000, "10:00:00"),
            (86_399, "23:59:59"),
            (86_405, "1 day, 0:00:05"),
            (200_000, "2 days, 7:33:20"),
        ] {
            assert_eq!(uptime(secs), want);
        }
    }

    #[test]
    fn midnight_and_noon_are_twelve() {
        let at = |hour| stop_time(LocalTime { hour, ..utc(0) });
        assert_eq!(at(0), "Nov 02 12:05 AM");
        assert_eq!(at(6), "Nov 02 06:05 AM");
        assert_eq!(at(12), "Nov 02 12:05 PM");
        assert_eq!(at(23), "Nov 02 11:05 PM");
    }

    #[test]
    fn every_state_has_its_description() {
        let mut p = process("web", "web", State::Running);
        p.pid = 12;
        p.uptime_ns = 74_900_000_000;
        let told = |p: &ProcessInfo| description(p, utc);
        assert_eq!(told(&p), "pid 12, uptime 0:01:14");
        for state in [State::Starting, State::Stopping, State::Unknown] {
            p.state = state;
            assert_eq!(told(&p), "");
        }
        for state in [State::Stopped, State::Exited] {
            p.state = state;
            p.start = Wall(0);
            assert_eq!(told(&p), "Not started");
            p.start = Wall(1);
            assert_eq!(told(&p), "Nov 02 12:05 AM");
        }
        for state in [State::Fatal, State::Backoff] {
            p.state = state;
            p.spawnerr = String::new();
            assert_eq!(told(&p), "unknown error (try \"tail web\")");
            p.spawnerr = "can't find command '/x'".to_owned();
            assert_eq!(told(&p), "can't find command '/x'");
        }
    }

    #[test]
    fn death_by_a_signal_is_minus_one() {
        let mut p = process("web", "web", State::Exited);
        p.exit = Some(ExitStatus::Signal { signal: crate::types::Signal::TERM, core: false });
        assert_eq!(process_info(&p, Wall(0), utc).get("exitstatus"), Some(&Value::Int(-1)));
        p.exit = Some(ExitStatus::Code(3));
        assert_eq!(process_info(&p, Wall(0), utc).get("exitstatus"), Some(&Value::Int(3)));
        p.state = State::Backoff;
        assert_eq!(process_info(&p, Wall(0), utc).get("exitstatus"), Some(&Value::Int(0)));
    }
}
