//! `plan`, and `update` where the server applies what has changed by itself, program by program.
//!
//! Does I/O through the session. Invariants: `plan` changes nothing; a server that cannot do this, Python's among them, gets
//! supervisorctl's way of updating. Not here: that way (`groups`), what is different (`config::diff`).

use crate::control::FaultCode;
use crate::ctl::client::ClientError;
use crate::ctl::commands::{Done, Session};
use crate::ctl::report::{Field, to_json};
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;

/// Settings of the daemon itself are listed under this name.
const WHOLE: &str = "[supervisor]";

impl Session<'_> {
    pub(super) fn plan(&mut self, words: &[&str]) -> Done {
        let plan = match self.api.call("mainstay.plan", &groups_of(words)) {
            Err(ClientError::Fault { code, .. }) if code == FaultCode::UnknownMethod as i64 => {
                self.refuse("error: this server cannot say what an update would change")?;
                self.hint(
                    "it is another supervisord: `reread` names the groups that differ, and changes nothing",
                );
                return Ok(());
            }
            Err(ClientError::Fault { code, text }) => return self.not_planned(code, &text),
            other => other?,
        };
        if self.settings.json {
            self.gives = Some(to_json(&plan));
            return Ok(());
        }
        let steps = list(&plan, "steps");
        let reload = list(&plan, "reload");
        let whole = if reload.is_empty() { 0 } else { WHOLE.len() };
        let width = steps.iter().map(|s| name_of(s).chars().count()).max().unwrap_or(0).max(whole);
        for step in steps {
            let (action, name) = (text(step, "action"), name_of(step));
            self.changes(&format!("{action:<8} {name:<width$}"), list(step, "settings"));
        }
        self.changes(&format!("{:<8} {WHOLE:<width$}", "reload"), reload);
        let by_program = plan.get("by_program").is_some_and(Value::is_true);
        if steps.is_empty() && reload.is_empty() {
            self.say("No config updates to processes");
        } else if !by_program && steps.iter().any(|s| text(s, "action") == "restart") {
            self.hint("with an INI file a group that differs is stopped, removed and added as a whole");
        }
        Ok(())
    }

    /// A line for each setting, the first behind `head`. What only a reload changes has no line without a setting.
    fn changes(&mut self, head: &str, settings: &[Value]) {
        let shown = |s, member| in_one_line(text(s, member));
        let line = |s| format!("{}: {} -> {}", shown(s, "setting"), shown(s, "from"), shown(s, "to"));
        let blank = " ".repeat(head.chars().count());
        match settings {
            [] if head.starts_with("reload") => {}
            [] => self.say(head.trim_end()),
            [first, rest @ ..] => {
                self.say(&format!("{head}  {}", line(first)));
                for setting in rest {
                    self.say(&format!("{blank}  {}", line(setting)));
                }
            }
        }
    }

    fn not_planned(&mut self, code: i64, text: &str) -> Done {
        if code == FaultCode::BadName as i64 {
            let name = text.split_once(": ").map_or(text, |(_, name)| name);
            return self.refuse(&format!("ERROR: no such group: {name}"));
        }
        self.refuse(&format!("ERROR: {text}"))
    }

    /// Whether the server has done the update. `Ok(false)`: it is for us to do, group by group.
    pub(super) fn updated_by_server(&mut self, words: &[&str]) -> Result<bool, super::commands::Stop> {
        let mut words = words.to_vec();
        self.begin_list();
        let done = loop {
            match self.api.call("mainstay.update", &groups_of(&words)) {
                Err(ClientError::Fault { code, .. })
                    if code == FaultCode::UnknownMethod as i64 || code == FaultCode::ShutdownState as i64 =>
                {
                    return Ok(false);
                }
                // COMPAT: the others are updated all the same.
                Err(ClientError::Fault { code, text }) if code == FaultCode::BadName as i64 => {
                    let n_before = words.len();
                    words.retain(|word| !text.ends_with(&format!(": {word}")));
                    self.not_planned(code, &text)?;
                    if words.is_empty() || words.len() == n_before {
                        return Ok(true);
                    }
                }
                Err(ClientError::Fault { code, text }) => {
                    self.not_planned(code, &text)?;
                    return Ok(true);
                }
                other => break other?,
            }
        };
        for step in list(&done, "steps") {
            let word = match text(step, "action") {
                "add" => "added",
                "remove" => "removed",
                "restart" => "restarted",
                _ => "applied",
            };
            let settings: Vec<&str> = list(step, "settings").iter().map(|s| text(s, "setting")).collect();
            let why = if settings.is_empty() { String::new() } else { format!(" ({})", settings.join(", ")) };
            let name = name_of(step);
            let members = [
                ("group", Field::Text(text(step, "group"))),
                ("name", Field::Text(text(step, "name"))),
                ("result", Field::Text(word)),
            ];
            self.item(&format!("{name}: {word}{why}"), &members);
        }
        if list(&done, "steps").is_empty() {
            self.say("No config updates to processes");
        }
        let reload: Vec<&str> = list(&done, "reload").iter().map(|s| text(s, "setting")).collect();
        if !reload.is_empty() {
            self.hint(&format!("{} has changed too: `reload` starts everything with it", reload.join(", ")));
        }
        Ok(true)
    }
}

/// Without control characters: as TOML and most languages write them.
fn in_one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

fn groups_of(words: &[&str]) -> Vec<Value> {
    if words.is_empty() || words.contains(&"all") {
        return Vec::new();
    }
    vec![Value::Array(words.iter().map(|w| Value::text(*w)).collect())]
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).unwrap_or_default()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// As `status` names it.
fn name_of(step: &Value) -> String {
    namespec::join(text(step, "group"), text(step, "name"))
}
