//! An event as others read it: a JSON object, or a line for people.
//!
//! Pure; the time zone is a parameter. Invariants: one event is one line, whatever is in it; members are those of
//! Supervisor's payload, numbers as numbers; text for people has nothing in it that a terminal would obey.
//! Not here: which events there are (`crate::events`), sending (`super`).

use crate::control::Event;
use crate::gateway::plain::plain;
use crate::gateway::rpc::namespec;
use crate::sys::clock::LocalTime;
use std::fmt::Write;

/// Words that begin a member of a payload's first line.
const MEMBERS: [&str; 9] =
    ["processname", "groupname", "from_state", "tries", "pid", "expected", "channel", "when", "type"];

/// A payload, taken apart.
#[derive(PartialEq, Debug)]
struct Parts<'a> {
    members: Vec<(&'static str, &'a str)>,
    /// What stands below the first line.
    data: Option<&'a str>,
}

/// BOUND: characters of an event's data in a line for people.
const SHOWN_CHARS: usize = 1000;

impl<'a> Parts<'a> {
    fn new(event: &'a Event) -> Parts<'a> {
        let has_data = event.name.contains("_COMMUNICATION") || event.name.starts_with("PROCESS_LOG");
        let (first, data) = match event.payload.split_once('\n') {
            Some((first, data)) if has_data => (first, Some(data)),
            _ => (event.payload.trim_end(), None),
        };
        let mut members: Vec<(&'static str, &str)> = Vec::new();
        let mut rest = first;
        while let Some((name, after)) = member(rest) {
            // A value may have blanks in it: it goes to where the next member begins.
            let next = after.match_indices(' ').find(|(at, _)| {
                name != "type" && after.get(at + 1..).is_some_and(|rest| member(rest).is_some())
            });
            let (value, left) = match next {
                Some((at, _)) => after.split_at(at),
                None => (after, ""),
            };
            members.push((name, value));
            rest = left.trim_start();
        }
        Parts { members, data }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.members.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }
}

fn member(text: &str) -> Option<(&'static str, &str)> {
    let (name, rest) = text.split_once(':')?;
    MEMBERS.into_iter().find(|m| *m == name).map(|name| (name, rest))
}

/// One object, without a line end.
#[must_use]
pub fn json(event: &Event) -> String {
    let parts = Parts::new(event);
    let (secs, ms) = (event.time.0.div_euclid(1000), event.time.0.rem_euclid(1000));
    let mut out = format!("{{\"serial\":{},\"event\":", event.serial);
    quote(&mut out, &event.name);
    // It cannot fail: it goes into a string.
    let _ = write!(out, ",\"time\":{secs}.{ms:03}");
    for (name, value) in parts.members {
        let _ = write!(out, ",\"{name}\":");
        match name {
            "tries" | "pid" | "when" if value.parse::<i64>().is_ok() => out.push_str(value),
            "expected" => out.push_str(if value == "1" { "true" } else { "false" }),
            _ => quote(&mut out, value),
        }
    }
    if let Some(data) = parts.data {
        out.push_str(",\"data\":");
        quote(&mut out, data);
    }
    out.push('}');
    out
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            // The last two end a line for JavaScript.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// That so many events are missing here.
#[must_use]
pub fn lost(n: u64) -> String {
    format!("{{\"event\":\"LOST\",\"count\":{n}}}")
}

/// `2026-11-20 16:00:01 PROCESS_STATE_RUNNING web:web_0 STARTING -> RUNNING pid 7`, without a line end.
#[must_use]
pub fn line(event: &Event, local_time: fn(i64) -> LocalTime) -> String {
    let parts = Parts::new(event);
    let t = local_time(event.time.secs());
    let mut out = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} {:<24}",
        t.year, t.month, t.day, t.hour, t.minute, t.second, event.name
    );
    let mut add = |text: &str| {
        out.push(' ');
        out.push_str(&plain(text));
    };
    match (parts.get("groupname"), parts.get("processname")) {
        (Some(group), Some(name)) => add(&namespec::join(group, name)),
        (Some(group), None) => add(group),
        _ => {}
    }
    if let (Some(from), Some(to)) = (parts.get("from_state"), event.name.strip_prefix("PROCESS_STATE_")) {
        add(from);
        add("->");
        add(to);
    }
    for (name, value) in &parts.members {
        match *name {
            "tries" | "pid" => {
                add(name);
                add(value);
            }
            "expected" => add(if *value == "1" { "expected" } else { "unexpected" }),
            "channel" | "type" | "when" => add(value),
            _ => {}
        }
    }
    if let Some(data) = parts.data {
        let shown: String = data.trim_end().chars().take(SHOWN_CHARS).collect();
        add(&shown.replace('\n', "\\n"));
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Wall;

    fn event(name: &str, payload: &str) -> Event {
        Event { serial: 7, name: name.to_owned(), time: Wall(1_700_000_000_050), payload: payload.to_owned() }
    }

    fn noon(_: i64) -> LocalTime {
        LocalTime { year: 2026, month: 11, day: 2, hour: 12, minute: 5, second: 9 }
    }

    #[test]
    fn an_event_is_an_object_with_the_members_of_its_payload() {
        let head = |name: &str| format!("{{\"serial\":7,\"event\":\"{name}\",\"time\":1700000000.050");
        for (name, payload, want) in [
            (
                "PROCESS_STATE_EXITED",
                "processname:a groupname:g from_state:RUNNING expected:0 pid:12",
                ",\"processname\":\"a\",\"groupname\":\"g\",\"from_state\":\"RUNNING\",\"expected\":false,\"pid\":12}",
            ),
            (
                "PROCESS_STATE_BACKOFF",
                "processname:a b: c groupname:g from_state:STARTING tries:3",
                ",\"processname\":\"a b: c\",\"groupname\":\"g\",\"from_state\":\"STARTING\",\"tries\":3}",
            ),
            (
                "PROCESS_LOG_STDOUT",
                "processname:a groupname:a pid:1 channel:stdout\npid:9 \"x\"\n\u{1b}é\n",
                ",\"processname\":\"a\",\"groupname\":\"a\",\"pid\":1,\"channel\":\"stdout\",\
                 \"data\":\"pid:9 \\\"x\\\"\\n\\u001bé\\n\"}",
            ),
            (
                "REMOTE_COMMUNICATION",
                "type:my type pid:3\nhello",
                ",\"type\":\"my type pid:3\",\"data\":\"hello\"}",
            ),
            ("PROCESS_GROUP_ADDED", "groupname:g\n", ",\"groupname\":\"g\"}"),
            ("SUPERVISOR_STATE_CHANGE_RUNNING", "", "}"),
            ("TICK_5", "when:1700000000", ",\"when\":1700000000}"),
        ] {
            let got = json(&event(name, payload));
            assert_eq!(got, head(name) + want);
            let value: serde_json::Value = serde_json::from_str(&got).expect("JSON");
            assert_eq!(value["event"], name);
        }
        let value: serde_json::Value = serde_json::from_str(&lost(3)).expect("JSON");
        assert_eq!((&value["event"], &value["count"]), (&"LOST".into(), &3.into()));
    }

    #[test]
    fn people_read_one_line_that_is_harmless() {
        let told = |name: &str, payload: &str| line(&event(name, payload), noon);
        assert_eq!(
            told("PROCESS_STATE_EXITED", "processname:a groupname:g from_state:RUNNING expected:0 pid:12"),
            "2026-11-02 12:05:09 PROCESS_STATE_EXITED     g:a RUNNING -> EXITED unexpected pid 12"
        );
        assert_eq!(
            told(
                "PROCESS_LOG_STDERR",
                "processname:a groupname:a pid:1 channel:stderr\none\n\u{1b}[31mtwo\n"
            ),
            "2026-11-02 12:05:09 PROCESS_LOG_STDERR       a pid 1 stderr one\\ntwo"
        );
        assert_eq!(
            told("SUPERVISOR_STATE_CHANGE_STOPPING", ""),
            "2026-11-02 12:05:09 SUPERVISOR_STATE_CHANGE_STOPPING"
        );
    }
}
