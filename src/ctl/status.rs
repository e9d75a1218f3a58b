//! `status`: the table of processes, or the same as JSON.
//!
//! Does I/O through the session. COMPAT: widths, order of lines and exit codes are supervisorctl's.
//! Not here: the sentence about a process, which the server writes.

use crate::control::State;
use crate::ctl::commands::{Done, Session, Stop};
use crate::ctl::names;
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;
use std::io::Write;

impl Session<'_> {
    pub(super) fn show_status(&mut self, wanted: &[&str]) -> Done {
        if let Err(stop) = self.upcheck() {
            // COMPAT: for status a server that is not there is an unknown status.
            if matches!(stop, Stop::Shown) {
                self.fail(names::STATUS_UNKNOWN);
            }
            return Err(stop);
        }
        let all = self.api.call("getAllProcessInfo", &[])?;
        let all = all.as_array().unwrap_or_default();
        let chosen = self.choose(all, wanted);
        if self.settings.json {
            let list: Vec<_> = chosen.iter().map(|p| to_json(p)).collect();
            self.say(&serde_json::Value::Array(list).to_string());
        } else {
            self.table(&chosen);
        }
        let stopped = |p: &&&Value| {
            let state = p.get("state").and_then(Value::as_int);
            State::ALL.iter().any(|s| s.is_stopped() && Some(i64::from(s.code())) == state)
        };
        if chosen.iter().find(stopped).is_some() {
            self.fail(names::STATUS_DOWN);
        }
        Ok(())
    }

    /// The processes the names mean; complains about names that mean none.
    fn choose<'v>(&mut self, all: &'v [Value], wanted: &[&str]) -> Vec<&'v Value> {
        if wanted.is_empty() || wanted.contains(&"all") {
            return all.iter().collect();
        }
        let mut chosen = Vec::new();
        for spec in wanted {
            let (group, name) = namespec::split(spec);
            let before = chosen.len();
            chosen.extend(
                all.iter().filter(|p| text(p, "group") == group && name.is_none_or(|n| text(p, "name") == n)),
            );
            if chosen.len() == before {
                match name {
                    None => self.complain(&format!("{group}: ERROR (no such group)")),
                    Some(_) => self.complain(&format!("{spec}: ERROR (no such process)")),
                }
                self.fail(names::STATUS_UNKNOWN);
            }
        }
        chosen
    }

    /// Errors stand on stdout, but JSON must stay JSON.
    fn complain(&mut self, line: &str) {
        if self.settings.json {
            let _ = writeln!(std::io::stderr(), "{line}");
        } else {
            self.say(line);
        }
    }

    fn table(&mut self, processes: &[&Value]) {
        let specs: Vec<String> =
            processes.iter().map(|p| namespec::join(text(p, "group"), text(p, "name"))).collect();
        let width = specs.iter().map(|s| s.chars().count()).fold(30, usize::max) + 3;
        for (spec, p) in specs.iter().zip(processes) {
            self.say(&format!("{spec:<width$}{:<10}{}", text(p, "statename"), text(p, "description")));
        }
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Int(n) => Json::from(*n),
        Value::Bool(b) => Json::from(*b),
        Value::Text(text) | Value::Time(text) => Json::from(text.as_str()),
        Value::Double(x) => Json::from(*x),
        Value::Array(values) => Json::Array(values.iter().map(to_json).collect()),
        Value::Struct(members) => {
            Json::Object(members.iter().map(|(n, v)| (n.clone(), to_json(v))).collect())
        }
        Value::Nil => Json::Null,
    }
}
