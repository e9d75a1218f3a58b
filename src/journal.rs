//! The daemon's own log, in Supervisor's line format: `2026-11-20 07:14:15,123 INFO message`.
//!
//! Writes through `logging`'s sinks and never blocks: lines that a blocked stream has no room for are dropped,
//! counted, and the count is told when there is room again. Not here: what is worth a line.

use crate::logging::{SinkId, Sinks};
use crate::sys::clock::{LocalTime, local_time};
use crate::types::{LogLevel, Wall};
use std::fmt::Write;

/// See the module.
#[derive(Debug)]
pub struct Journal {
    level: LogLevel,
    sinks: Vec<SinkId>,
    /// Gets each line of a message as a message of its own.
    syslog: Option<SinkId>,
    dropped: u64,
    untold: Untold,
    /// Sinks that have only the beginning of the last line that went to them.
    torn: Vec<SinkId>,
    /// The last second that was broken down: many lines share one.
    second: (i64, LocalTime),
}

/// Lines that were dropped and not told of yet.
#[derive(Default, Debug)]
struct Untold {
    lines: u64,
    /// What a sink said when it broke; without it, it was too slow.
    why: Option<String>,
}

impl Journal {
    /// Lines of `level` and above go to every one of `sinks`, and to `syslog`.
    #[must_use]
    pub fn new(level: LogLevel, sinks: Vec<SinkId>, syslog: Option<SinkId>) -> Journal {
        let second = (i64::MIN, LocalTime::default());
        Journal { level, sinks, syslog, dropped: 0, untold: Untold::default(), torn: Vec::new(), second }
    }

    /// Whether a line of this level would be written at all.
    #[must_use]
    pub fn wants(&self, level: LogLevel) -> bool {
        level >= self.level && !(self.sinks.is_empty() && self.syslog.is_none())
    }

    /// Lines that were dropped since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The files and streams that it is written to, in order.
    pub fn sinks(&self) -> &[SinkId] {
        &self.sinks
    }

    pub fn log(&mut self, sinks: &mut Sinks, now: Wall, level: LogLevel, message: &str) {
        if !self.wants(level) {
            return;
        }
        let line = self.line(now, level, message);
        let mut missed = false;
        for id in self.sinks.clone() {
            missed |= !self.put(sinks, id, line.as_bytes());
        }
        if let Some(id) = self.syslog {
            for part in message.trim_end_matches('\n').split('\n') {
                let line = self.line(now, level, part);
                missed |= !self.put(sinks, id, line.as_bytes());
            }
        }
        if missed {
            self.dropped += 1;
            self.untold.lines += 1;
            return;
        }
        match std::mem::take(&mut self.untold) {
            Untold { lines: 0, why: None, .. } => {}
            // A rotation that failed, mostly.
            Untold { lines: 0, why: Some(why), .. } => self.log(sinks, now, LogLevel::Error, &why),
            Untold { lines, why, .. } => {
                let why = why.unwrap_or_else(|| "its reader was too slow".into());
                self.log(sinks, now, LogLevel::Warn, &format!("{lines} lines of this log were lost: {why}"));
            }
        }
    }

    /// False when the line is not there as a whole.
    fn put(&mut self, sinks: &mut Sinks, id: SinkId, line: &[u8]) -> bool {
        let torn_at = self.torn.iter().position(|torn| *torn == id);
        let ended = torn_at.map(|_| [b"\n", line].concat());
        let line = ended.as_deref().unwrap_or(line);
        if !sinks.has_room(id, line.len()) {
            return false;
        }
        let put = sinks.put(id, line);
        // A sink of the journal that breaks has nowhere to say so but the other sinks: it is told later.
        self.untold.why = self.untold.why.take().or(put.trouble);
        match torn_at {
            Some(at) if put.lost == 0 => drop(self.torn.swap_remove(at)),
            None if put.lost > 0 && put.lost < line.len() => self.torn.push(id),
            _ => {}
        }
        put.lost == 0
    }

    fn line(&mut self, now: Wall, level: LogLevel, message: &str) -> String {
        if self.second.0 != now.secs() {
            self.second = (now.secs(), local_time(now.secs()));
        }
        let t = self.second.1;
        let mut line = String::with_capacity(message.len() + 32);
        let _ = writeln!(
            line,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03} {} {message}",
            t.year,
            t.month,
            t.day,
            t.hour,
            t.minute,
            t.second,
            now.0.rem_euclid(1000),
            level.tag(),
        ); // writing to a String cannot fail
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_supervisors_form_and_low_levels_are_left_out() {
        let path = std::env::temp_dir().join(format!("mainstay-journal-{}", std::process::id()));
        let mut sinks = Sinks::default();
        let id = sinks.open_file(&path, 0, 0, 0o600).expect("open");
        let mut journal = Journal::new(LogLevel::Info, vec![id], None);
        journal.log(&mut sinks, Wall(1_700_000_000_007), LogLevel::Debug, "no");
        journal.log(&mut sinks, Wall(1_700_000_000_007), LogLevel::Warn, "received SIGTERM");
        let text = std::fs::read_to_string(&path).expect("read");
        std::fs::remove_file(&path).expect("remove");
        assert_eq!(text.lines().count(), 1);
        let (date, rest) = text.split_at(10);
        assert!(date.starts_with("2023-11-1"), "{date}");
        assert!(rest.ends_with(",007 WARN received SIGTERM\n"), "{rest}");
    }

    #[test]
    fn only_the_sink_that_was_torn_gets_an_end_of_line() {
        let paths = ["torn", "whole"]
            .map(|name| std::env::temp_dir().join(format!("mainstay-journal-{name}-{}", std::process::id())));
        let mut sinks = Sinks::default();
        let ids = paths.each_ref().map(|path| sinks.open_file(path, 0, 0, 0o600).expect("open"));
        let mut journal = Journal::new(LogLevel::Info, ids.to_vec(), None);
        journal.torn.push(ids[0]);
        for message in ["one", "two"] {
            journal.log(&mut sinks, Wall(1_700_000_000_007), LogLevel::Info, message);
        }
        let [torn, whole] = paths.map(|path| {
            let text = std::fs::read_to_string(&path).expect("read");
            std::fs::remove_file(&path).expect("remove");
            text
        });
        assert_eq!(whole.matches('\n').count(), 2, "{whole:?}");
        assert_eq!(torn, format!("\n{whole}"));
    }
}
