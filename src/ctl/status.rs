//! `status`: the table of processes, in colours where somebody looks.
//!
//! Does I/O through the session. COMPAT: widths, order of lines and exit codes are supervisorctl's.
//! Not here: the sentence about a process, which the server writes.

use crate::control::{FaultCode, State};
use crate::ctl::client::ClientError;
use crate::ctl::commands::{Done, Session, Stop};
use crate::ctl::names;
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;

impl Session<'_> {
    pub(super) fn show_status(&mut self, wanted: &[&str]) -> Done {
        if let Err(stop) = self.upcheck() {
            // COMPAT: for status a server that is not there is an unknown status.
            if matches!(stop, Stop::Shown) {
                self.fail(names::STATUS_UNKNOWN);
            }
            return Err(stop);
        }
        let all = self.all_for_status()?;
        self.begin_list();
        let all = all.as_array().unwrap_or_default();
        let chosen = self.choose(all, wanted);
        self.table(&chosen);
        let stopped = |p: &&&Value| {
            let state = p.get("state").and_then(Value::as_int);
            State::ALL.iter().any(|s| s.is_stopped() && Some(i64::from(s.code())) == state)
        };
        if chosen.iter().find(stopped).is_some() {
            self.fail(names::STATUS_DOWN);
        }
        Ok(())
    }

    /// As JSON with everything that a server of ours knows. COMPAT: as supervisorctl what Supervisor says.
    fn all_for_status(&self) -> Result<Value, Stop> {
        if self.settings.json && !self.settings.face {
            match self.api.call("mainstay.getProcessTable", &[]) {
                Err(ClientError::Fault { code, .. }) if code == FaultCode::UnknownMethod as i64 => {}
                other => return Ok(other?),
            }
        }
        Ok(self.api.call("getAllProcessInfo", &[])?)
    }

    /// The processes the names mean; complains about names that mean none.
    pub(super) fn choose<'v>(&mut self, all: &'v [Value], wanted: &[&str]) -> Vec<&'v Value> {
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
                    None => self.say(&format!("{group}: ERROR (no such group)")),
                    Some(_) => self.say(&format!("{spec}: ERROR (no such process)")),
                }
                self.fail(names::STATUS_UNKNOWN);
            }
        }
        chosen
    }

    fn table(&mut self, processes: &[&Value]) {
        let specs: Vec<String> =
            processes.iter().map(|p| namespec::join(text(p, "group"), text(p, "name"))).collect();
        let width = specs.iter().map(|s| s.chars().count()).fold(30, usize::max) + 3;
        for (spec, p) in specs.iter().zip(processes) {
            let state = format!("{:<10}", text(p, "statename"));
            let state = if self.settings.colour { coloured(&state) } else { state };
            self.item_of(&format!("{spec:<width$}{state}{}", text(p, "description")), p);
        }
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A name of a state in its colour: green is well, yellow on its way, red down by itself.
fn coloured(state: &str) -> String {
    let colour = match state.trim_end() {
        "RUNNING" => 32,
        "STARTING" | "STOPPING" | "BACKOFF" => 33,
        "FATAL" | "UNKNOWN" => 31,
        _ => 2,
    };
    format!("\x1b[{colour}m{state}\x1b[0m")
}
