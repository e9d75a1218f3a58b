//! `events`: what happens, line by line, until Ctrl-C.
//!
//! Does I/O through the session. Invariants: a line from the server is made harmless before it is shown; Ctrl-C is a good
//! end; it does not connect again, so that nobody takes a gap for silence. Exit codes: 0 after Ctrl-C, or when nobody reads
//! our output any more (where SIGPIPE does not end us); 1 when the server ends it or has no events to follow; 2 for a type
//! that does not exist.
//! Not here: what events say (`gateway::events`).

use crate::config::settings::nearest;
use crate::config::validate::special::EVENTS;
use crate::ctl::client::ClientError;
use crate::ctl::commands::{Done, Session};
use crate::ctl::follow::Ended;
use crate::ctl::names;
use crate::gateway::plain::plain;
use std::io::{self, IsTerminal, Write};

/// BOUND: a line without an end; our own are shorter.
const MAX_LINE_BYTES: usize = 1 << 20;

impl Session<'_> {
    pub(super) fn events(&mut self, types: &[&str]) -> Done {
        let types: Vec<String> = types
            .iter()
            .flat_map(|t| t.split(','))
            .map(str::to_ascii_uppercase)
            .filter(|t| !t.is_empty())
            .collect();
        if let Some(unknown) = types.iter().find(|t| !EVENTS.contains(&t.as_str())) {
            self.misused("events", &no_event(unknown), names::INVALID);
            return Ok(());
        }
        let form = if self.settings.json { "json" } else { "text" };
        let path = format!("/events?form={form}&types={}", types.join(","));
        let colours = !self.settings.json && io::stdout().is_terminal();
        let mut lines =
            Lines { out: self.out, json: self.settings.json, colours, line: Vec::new(), unread: false };
        let ended = self.api.follow(&path, &mut lines);
        let unread = lines.unread;
        match ended {
            Ok(Ended::ByUser) => {}
            Ok(Ended::ByServer) if unread => {}
            Ok(Ended::ByServer) => {
                let _ = writeln!(io::stderr(), "error: the server has ended the stream of events");
                self.fail(names::GENERIC);
            }
            Err(ClientError::Status(404, _)) => {
                let url = self.api.url();
                self.say(&format!(
                    "error: {url} has no /events: it is Supervisor's own, or an older mainstay"
                ));
                let _ = writeln!(
                    io::stderr(),
                    "hint: there, an [eventlistener:x] in its configuration gets events"
                );
                self.fail(names::GENERIC);
            }
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }
}

fn no_event(unknown: &str) -> String {
    let meant = nearest(unknown, EVENTS.iter().copied());
    let meant = meant.map_or_else(String::new, |m| format!(", did you mean `{m}`?"));
    format!("Error: there is no event `{}`{meant}", plain(unknown))
}

/// Passes on whole lines, and leaves out the empty ones that keep a connection alive.
struct Lines<'a> {
    out: &'a mut dyn Write,
    json: bool,
    colours: bool,
    line: Vec<u8>,
    /// Nobody reads our output any more.
    unread: bool,
}

impl Lines<'_> {
    fn show(&mut self) -> io::Result<()> {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(());
        }
        let text = match (self.json, self.colours) {
            // A JSON text has no control characters but those it names.
            (true, _) => line.to_owned(),
            (false, false) => plain(line),
            (false, true) => coloured(&plain(line)),
        };
        writeln!(self.out, "{text}")
    }
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() > MAX_LINE_BYTES {
                self.show().inspect_err(|_| self.unread = true)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().inspect_err(|_| self.unread = true)
    }
}

/// The time in the background, the type in the colour of what it means.
fn coloured(line: &str) -> String {
    let (time, rest) = line.split_at_checked(19).unwrap_or((line, ""));
    let (name, rest) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
    let colour = match name.rsplit('_').next() {
        Some("RUNNING" | "ADDED") => "\x1b[32m",
        Some("FATAL" | "UNKNOWN") => "\x1b[31m",
        Some("EXITED") if rest.contains(" unexpected ") => "\x1b[31m",
        Some("BACKOFF" | "STOPPING" | "STARTING") => "\x1b[33m",
        _ => "\x1b[36m",
    };
    format!("\x1b[2m{time}\x1b[0m {colour}{name}\x1b[0m {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: bool, colours: bool, pieces: &[&[u8]]) -> String {
        let mut out = Vec::new();
        let mut lines = Lines { out: &mut out, json, colours, line: Vec::new(), unread: false };
        for piece in pieces {
            lines.write_all(piece).expect("memory");
        }
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn lines_come_whole_and_harmless_and_without_the_empty_ones() {
        assert_eq!(shown(false, false, &[b"\n\none", b"\x1b[2J two\n", b"three"]), "one two\n");
        assert_eq!(shown(true, false, &[b"\n{\"a\":", b"1}\n\n"]), "{\"a\":1}\n");
    }

    #[test]
    fn colours_tell_what_an_event_means() {
        let line = b"2026-11-02 12:05:09 PROCESS_STATE_EXITED     g:a RUNNING -> EXITED unexpected pid 12\n";
        let got = shown(false, true, &[line]);
        assert!(got.contains("\x1b[31mPROCESS_STATE_EXITED\x1b[0m"), "{got:?}");
        assert_eq!(plain(&got).matches("unexpected pid 12").count(), 1);
    }
}
