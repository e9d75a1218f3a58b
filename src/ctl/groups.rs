//! `reread`, `update`, `add` and `remove`: what the configuration says now, and what is supervised.
//!
//! Does I/O through the session. COMPAT: the order of calls and lines is supervisorctl's: gone groups, changed ones, new
//! ones; none of the four asks for the version first. Not here: what is different (`config`, `engine`).

use crate::control::FaultCode;
use crate::ctl::client::ClientError;
use crate::ctl::commands::{Done, Session};
use crate::ctl::names;
use crate::ctl::report::Field::{Number, Text};
use crate::gateway::rpc::value::Value;
use crate::types::sort_by;

/// What `reloadConfig` answers.
struct Differences {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

fn read_differences(answer: &Value) -> Option<Differences> {
    let [lists, ..] = answer.as_array()? else { return None };
    let [added, changed, removed, ..] = lists.as_array()? else { return None };
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap_or_default().iter().filter_map(|n| Some(n.as_str()?.to_owned())).collect()
    };
    Some(Differences { added: names(added), changed: names(changed), removed: names(removed) })
}

impl Session<'_> {
    fn differences(&mut self) -> Result<Differences, ClientError> {
        let answer = self.api.call("reloadConfig", &[])?;
        read_differences(&answer)
            .ok_or_else(|| ClientError::Garbled("reloadConfig gave no three lists".to_owned()))
    }

    pub(super) fn reread(&mut self, words: &[&str]) -> Done {
        if !words.is_empty() {
            self.misused("reread", "Error: reread accepts no arguments", names::GENERIC);
            return Ok(());
        }
        let found = match self.differences() {
            Err(ClientError::Fault { code, .. }) if code == FaultCode::ShutdownState as i64 => {
                return self.refuse("ERROR: supervisor shutting down");
            }
            Err(ClientError::Fault { code, text }) if code == FaultCode::CantReread as i64 => {
                return self.refuse(&format!("ERROR: {text}"));
            }
            other => other?,
        };
        let mut names = [&found.added[..], &found.changed, &found.removed].concat();
        sort_by(&mut names, &|a, b| a.cmp(b));
        names.dedup();
        self.begin_list();
        for name in &names {
            let word = if found.removed.contains(name) {
                "disappeared"
            } else if found.changed.contains(name) {
                "changed"
            } else {
                "available"
            };
            self.changed(name, word, word);
        }
        if names.is_empty() {
            self.say("No config updates to processes");
        }
        Ok(())
    }

    pub(super) fn add(&mut self, words: &[&str]) -> Done {
        self.begin_list();
        for name in words {
            let (problem, code) = match self.api.call("addProcessGroup", &[Value::text(*name)]) {
                Ok(_) => {
                    self.changed(name, "added process group", "added");
                    continue;
                }
                Err(ClientError::Fault { code, .. }) if code == FaultCode::ShutdownState as i64 => {
                    ("shutting down".to_owned(), code)
                }
                Err(ClientError::Fault { code, .. }) if code == FaultCode::AlreadyAdded as i64 => {
                    // COMPAT: that is no failure.
                    self.problem(name, "process group already active", code);
                    continue;
                }
                Err(ClientError::Fault { code, .. }) if code == FaultCode::BadName as i64 => {
                    (format!("no such process/group: {name}"), code)
                }
                Err(other) => return Err(other.into()),
            };
            self.problem(name, &problem, code);
            self.fail(names::GENERIC);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, words: &[&str]) -> Done {
        self.begin_list();
        for name in words {
            let (problem, code) = match self.api.call("removeProcessGroup", &[Value::text(*name)]) {
                Ok(_) => {
                    self.changed(name, "removed process group", "removed");
                    continue;
                }
                Err(ClientError::Fault { code, .. }) if code == FaultCode::StillRunning as i64 => {
                    ("process/group still running", code)
                }
                Err(ClientError::Fault { code, .. }) if code == FaultCode::BadName as i64 => {
                    ("no such process/group", code)
                }
                Err(other) => return Err(other.into()),
            };
            self.problem(name, &format!("{problem}: {name}"), code);
            self.fail(names::GENERIC);
        }
        Ok(())
    }

    pub(super) fn update(&mut self, words: &[&str]) -> Done {
        if self.updated_by_server(words)? {
            return Ok(());
        }
        let found = match self.differences() {
            Err(ClientError::Fault { code, .. }) if code == FaultCode::ShutdownState as i64 => {
                return self.refuse("ERROR: already shutting down");
            }
            other => other?,
        };
        self.begin_list();
        let wanted: &[&str] = if words.contains(&"all") { &[] } else { words };
        self.check_groups(wanted, &found)?;
        let is_wanted = |name: &&String| wanted.is_empty() || wanted.contains(&name.as_str());
        for name in found.removed.iter().filter(is_wanted) {
            let stopped = self.group_call("stopProcessGroup", name)?;
            self.changed(name, "stopped", "stopped");
            let failed = |r: &Value| names::read_result(r).is_some_and(|r| r.2 == FaultCode::Failed as i64);
            if stopped.as_array().unwrap_or_default().iter().any(failed) {
                self.changed(name, "has problems; not removing", "has problems");
                self.fail(names::GENERIC);
                continue;
            }
            self.group_call("removeProcessGroup", name)?;
            self.changed(name, "removed process group", "removed");
        }
        for name in found.changed.iter().filter(is_wanted) {
            self.group_call("stopProcessGroup", name)?;
            self.changed(name, "stopped", "stopped");
            self.group_call("removeProcessGroup", name)?;
            self.group_call("addProcessGroup", name)?;
            self.changed(name, "updated process group", "updated");
        }
        for name in found.added.iter().filter(is_wanted) {
            self.group_call("addProcessGroup", name)?;
            self.changed(name, "added process group", "added");
        }
        Ok(())
    }

    /// Complains about names that are neither supervised nor new; the others are updated all the same.
    fn check_groups(&mut self, wanted: &[&str], found: &Differences) -> Done {
        if wanted.is_empty() {
            return Ok(());
        }
        let all = self.api.call("getAllProcessInfo", &[])?;
        let all = all.as_array().unwrap_or_default();
        let known = |name: &str| {
            found.added.iter().any(|n| n == name)
                || all.iter().any(|p| p.get("group").and_then(Value::as_str) == Some(name))
        };
        for (n, name) in wanted.iter().enumerate() {
            if !known(name) && wanted.iter().position(|w| w == name) == Some(n) {
                self.problem(name, &format!("no such group: {name}"), FaultCode::BadName as i64);
                self.fail(names::GENERIC);
            }
        }
        Ok(())
    }

    fn group_call(&mut self, method: &str, name: &str) -> Result<Value, ClientError> {
        self.api.call(method, &[Value::text(name)])
    }

    fn changed(&mut self, name: &str, line: &str, result: &str) {
        self.item(&format!("{name}: {line}"), &[("group", Text(name)), ("result", Text(result))]);
    }

    fn problem(&mut self, name: &str, text: &str, code: i64) {
        let members = [("group", Text(name)), ("fault", Number(code)), ("error", Text(text))];
        self.item(&format!("ERROR: {text}"), &members);
    }
}
