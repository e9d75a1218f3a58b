//! What an action says: lines for people, or one JSON value for programs.
//!
//! Does I/O through the session. Invariants: with `--json` stdout holds JSON and nothing else, one value for each action
//! that gives any, and lines for people go to stderr. Not here: the words (`names`, `help`).

use crate::ctl::commands::Session;
use crate::gateway::rpc::value::Value;
use serde_json::Value as Json;
use std::io::Write;

impl Session<'_> {
    /// A line for people. Where nobody reads our output any more, the action is carried out all the same.
    pub(super) fn say(&mut self, line: &str) {
        let _ = if self.settings.json {
            writeln!(std::io::stderr(), "{line}")
        } else {
            writeln!(self.out, "{line}")
        };
    }

    /// The action gives a list, which may stay empty.
    pub(super) fn begin_list(&mut self) {
        if self.settings.json {
            self.gives.get_or_insert_with(|| Json::Array(Vec::new()));
        }
    }

    /// An item of the action's list; `line` is what people see of it.
    pub(super) fn item(&mut self, line: &str, members: &[(&str, Field<'_>)]) {
        if !self.settings.json {
            return self.say(line);
        }
        self.begin_list();
        if let Some(Json::Array(items)) = &mut self.gives {
            items.push(object(members));
        }
    }

    /// An item that the server gave as a structure.
    pub(super) fn item_of(&mut self, line: &str, value: &Value) {
        match (&mut self.gives, to_json(value)) {
            (Some(Json::Array(items)), json) if self.settings.json => items.push(json),
            _ => self.say(line),
        }
    }

    /// The one thing that the action gives.
    pub(super) fn give(&mut self, line: &str, members: &[(&str, Field<'_>)]) {
        if self.settings.json {
            self.gives = Some(object(members));
        } else {
            self.say(line);
        }
    }

    /// Prints what was collected.
    pub(super) fn end_report(&mut self) {
        if let Some(json) = self.gives.take().filter(|_| self.settings.json) {
            let _ = writeln!(self.out, "{json}");
        }
    }

    /// Advice, which is never in the way of what is read by programs.
    #[allow(clippy::unused_self)]
    pub(super) fn hint(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "hint: {text}");
    }
}

/// A member of what is given.
#[derive(Clone, Copy)]
pub(super) enum Field<'a> {
    Text(&'a str),
    Number(i64),
}

fn object(members: &[(&str, Field<'_>)]) -> Json {
    let json = |field: &Field<'_>| match *field {
        Field::Text(text) => Json::from(text),
        Field::Number(n) => Json::from(n),
    };
    Json::Object(members.iter().map(|(name, field)| ((*name).to_owned(), json(field))).collect())
}

/// A value of XML-RPC as JSON.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Int(n) => Json::from(*n),
        Value::Bool(b) => Json::from(*b),
        Value::Text(text) | Value::Time(text) => Json::from(text.as_str()),
        Value::Double(x) => Json::from(*x),
        Value::Array(values) => Json::Array(values.iter().map(to_json).collect()),
        Value::Struct(members) => {
            Json::Object(members.iter().map(|(n, v)| (n.clone(), to_json(v))).collect())
        }
        Value::Fields(members) => {
            Json::Object(members.iter().map(|(n, v)| ((*n).to_owned(), to_json(v))).collect())
        }
        Value::Nil => Json::Null,
    }
}
