//! `tail`, `maintail`, `clear` and `avail`: what programs wrote, and what they are configured to be.
//!
//! Does I/O through the session. COMPAT: lines, exit codes and what counts as an argument are supervisorctl's.
//! Not here: the wire (`client`, `follow`).

use crate::control::FaultCode;
use crate::ctl::client::ClientError;
use crate::ctl::commands::{Done, Session};
use crate::ctl::follow::Ended;
use crate::ctl::names::{self, Verb};
use crate::ctl::report::Field::Text;
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;

/// Bytes shown where no number is given.
const USUAL_BYTES: i64 = 1600;

/// What stands behind the hyphen.
enum Modifier {
    Bytes(i64),
    Follow,
}

impl Session<'_> {
    pub(super) fn tail(&mut self, words: &[&str]) -> Done {
        self.upcheck()?;
        match words.len() {
            0 => return self.tail_misused("too few arguments"),
            1..=3 => {}
            _ => return self.tail_misused("too many arguments"),
        }
        let (modifier, rest) = match words {
            [first, rest @ ..] if first.starts_with('-') => (Some(*first), rest),
            _ => (None, words),
        };
        let (name, channel) = match rest {
            [] => return self.refuse("Error: tail requires process name"),
            [name] => (*name, "stdout".to_owned()),
            [name, .., channel] => (*name, channel.to_lowercase()),
        };
        let method = match channel.as_str() {
            "stdout" => "readProcessStdoutLog",
            "stderr" => "readProcessStderrLog",
            _ => return self.refuse(&format!("Error: bad channel '{channel}'")),
        };
        let bytes = match self.modifier(modifier) {
            Some(Modifier::Bytes(bytes)) => bytes.saturating_neg(),
            Some(Modifier::Follow) => return self.follow(&format!("/logtail/{name}/{channel}")),
            None => return Ok(()),
        };
        let text = self.api.call(method, &[Value::text(name), Value::Int(bytes), Value::Int(0)]);
        self.show_log(name, text)
    }

    fn tail_misused(&mut self, text: &str) -> Done {
        self.misused("tail", &format!("Error: {text}"), names::GENERIC);
        Ok(())
    }

    pub(super) fn maintail(&mut self, words: &[&str]) -> Done {
        self.upcheck()?;
        let modifier = match words {
            [] => None,
            [one] => Some(*one),
            _ => {
                self.misused("maintail", "Error: too many arguments", names::GENERIC);
                return Ok(());
            }
        };
        let bytes = match self.modifier(modifier) {
            Some(Modifier::Bytes(bytes)) => bytes.saturating_neg(),
            Some(Modifier::Follow) => return self.follow("/mainlogtail"),
            None => return Ok(()),
        };
        let text = self.api.call("readLog", &[Value::Int(bytes), Value::Int(0)]);
        self.show_log("supervisord", text)
    }

    /// What a modifier means; `None` when a refusal has been shown.
    fn modifier(&mut self, word: Option<&str>) -> Option<Modifier> {
        let Some(word) = word else { return Some(Modifier::Bytes(USUAL_BYTES)) };
        let modifier = word.strip_prefix('-').and_then(|rest| match rest {
            "f" => Some(Modifier::Follow),
            number => number.parse().ok().map(Modifier::Bytes),
        });
        if modifier.is_none() {
            self.say(&format!("Error: bad argument {word}"));
            self.fail(names::GENERIC);
        }
        modifier
    }

    /// COMPAT: whatever becomes of it, that is no failure; what the server refuses goes to stderr.
    fn follow(&mut self, path: &str) -> Done {
        self.say("==> Press Ctrl-C to exit <==");
        let _ = self.out.flush();
        match self.api.follow(path, self.out) {
            Ok(Ended::ByUser) => self.say(""),
            Ok(Ended::ByServer) => {}
            Err(error @ ClientError::Status(..)) => self.cannot_follow(path, &error),
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    fn show_log(&mut self, name: &str, text: Result<Value, ClientError>) -> Done {
        let is = |code: i64, known: FaultCode| code == known as i64;
        let problem = match text {
            Ok(text) => {
                let text = text.as_str().unwrap_or_default();
                self.give(text, &[("name", Text(name)), ("text", Text(text))]);
                return Ok(());
            }
            Err(ClientError::Fault { code, .. }) if is(code, FaultCode::NoFile) => "no log file",
            Err(ClientError::Fault { code, .. }) if is(code, FaultCode::Failed) => {
                "unknown error reading log"
            }
            Err(ClientError::Fault { code, .. }) if is(code, FaultCode::BadName) => "no such process name",
            Err(other) => return Err(other.into()),
        };
        self.refuse(&format!("{name}: ERROR ({problem})"))
    }

    pub(super) fn clear(&mut self, words: &[&str]) -> Done {
        self.upcheck()?;
        if words.is_empty() {
            self.misused("clear", "Error: clear requires a process name", names::GENERIC);
            return Ok(());
        }
        self.begin_list();
        if words.contains(&"all") {
            let results = self.api.call("clearAllProcessLogs", &[])?;
            self.results(Verb::Clear, &results);
            return Ok(());
        }
        for spec in words {
            let (group, name) = namespec::split(spec);
            // COMPAT: a whole group is refused by the name that Python gives to nothing.
            let name = name.unwrap_or("None");
            match self.api.call("clearProcessLogs", &[Value::text(*spec)]) {
                Ok(_) => self.result(Verb::Clear, group, name, FaultCode::Success as i64, "OK"),
                Err(ClientError::Fault { code, text }) => self.result(Verb::Clear, group, name, code, &text),
                Err(other) => return Err(other.into()),
            }
        }
        Ok(())
    }

    pub(super) fn avail(&mut self, words: &[&str]) -> Done {
        if !words.is_empty() {
            self.misused("avail", "Error: avail accepts no arguments", names::GENERIC);
            return Ok(());
        }
        let all = match self.api.call("getAllConfigInfo", &[]) {
            Err(ClientError::Fault { code, .. }) if code == FaultCode::ShutdownState as i64 => {
                return self.refuse("ERROR: supervisor shutting down");
            }
            other => other?,
        };
        self.begin_list();
        for config in all.as_array().unwrap_or_default() {
            let text = |member| config.get(member).and_then(Value::as_str).unwrap_or_default();
            let number = |member| config.get(member).and_then(Value::as_int).unwrap_or(0);
            let is = |member| config.get(member).is_some_and(Value::is_true);
            let name = namespec::join(text("group"), text("name"));
            let inuse = if is("inuse") { "in use" } else { "avail" };
            let start = if is("autostart") { "auto" } else { "manual" };
            let (group_prio, process_prio) = (number("group_prio"), number("process_prio"));
            let line = format!("{name:<32} {inuse:<9} {start:<9} {group_prio}:{process_prio}");
            self.item_of(&line, config);
        }
        Ok(())
    }
}
