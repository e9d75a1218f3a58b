//! `start`, `stop`, `restart` and `signal`: names, groups and `all`, and a line for each result.
//!
//! Does I/O through the session. COMPAT: order, lines and exit codes are supervisorctl's; `all` anywhere means all.
//! Not here: the words of results (`names`).

use crate::control::FaultCode;
use crate::ctl::client::ClientError;
use crate::ctl::commands::{Done, Session};
use crate::ctl::names::{self, Verb, read_result};
use crate::ctl::report::Field::{Number, Text};
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;

impl Session<'_> {
    pub(super) fn start(&mut self, names: &[&str]) -> Done {
        self.act(Verb::Start, names, &[])
    }

    pub(super) fn stop(&mut self, names: &[&str]) -> Done {
        self.act(Verb::Stop, names, &[])
    }

    /// All stops end before the first start.
    pub(super) fn restart(&mut self, names: &[&str]) -> Done {
        self.upcheck()?;
        if names.is_empty() {
            self.misused("restart", "Error: restart requires a process name", names::GENERIC);
            return Ok(());
        }
        self.stop(names)?;
        self.start(names)
    }

    pub(super) fn signal(&mut self, words: &[&str]) -> Done {
        match words {
            [signal, names @ ..] if !names.is_empty() => {
                self.act(Verb::Signal, names, &[Value::text(*signal)])
            }
            _ => {
                self.upcheck()?;
                let text = "Error: signal requires a signal name and a process name";
                self.misused("signal", text, names::GENERIC);
                Ok(())
            }
        }
    }

    /// Start, stop and signal share names, groups and `all`.
    fn act(&mut self, verb: Verb, names: &[&str], extra: &[Value]) -> Done {
        self.upcheck()?;
        let word = verb.word();
        if names.is_empty() {
            let code = if verb == Verb::Start { names::INVALID } else { names::GENERIC };
            self.misused(word, &format!("Error: {word} requires a process name"), code);
            return Ok(());
        }
        self.begin_list();
        if names.contains(&"all") {
            let results = self.api.call(&format!("{word}AllProcesses"), extra)?;
            self.results(verb, &results);
            return Ok(());
        }
        for spec in names {
            match namespec::split(spec) {
                (group, None) => self.act_on_group(verb, group, extra)?,
                (group, Some(name)) => self.act_on_process(verb, spec, group, name, extra)?,
            }
        }
        Ok(())
    }

    fn act_on_group(&mut self, verb: Verb, group: &str, extra: &[Value]) -> Done {
        let params = [&[Value::text(group)], extra].concat();
        match self.api.call(&format!("{}ProcessGroup", verb.word()), &params) {
            Ok(results) => self.results(verb, &results),
            Err(ClientError::Fault { code, .. }) if code == FaultCode::BadName as i64 => {
                let members = [
                    ("action", Text(verb.word())),
                    ("group", Text(group)),
                    ("fault", Number(code)),
                    ("error", Text("no such group")),
                ];
                self.item(&format!("{group}: ERROR (no such group)"), &members);
                self.fail(if verb == Verb::Start { names::INVALID } else { names::GENERIC });
            }
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    fn act_on_process(&mut self, verb: Verb, spec: &str, group: &str, name: &str, extra: &[Value]) -> Done {
        let params = [&[Value::text(spec)], extra].concat();
        match self.api.call(&format!("{}Process", verb.word()), &params) {
            Ok(_) => self.result(verb, group, name, FaultCode::Success as i64, "OK"),
            Err(ClientError::Fault { code, text }) => self.result(verb, group, name, code, &text),
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    pub(super) fn results(&mut self, verb: Verb, results: &Value) {
        for value in results.as_array().unwrap_or_default() {
            if let Some((group, name, code, description)) = read_result(value) {
                self.result(verb, group, name, code, description);
            }
        }
    }

    pub(super) fn result(&mut self, verb: Verb, group: &str, name: &str, code: i64, description: &str) {
        let line = verb.line(group, name, code, description);
        let [action, group, name] =
            [("action", Text(verb.word())), ("group", Text(group)), ("name", Text(name))];
        match verb.problem(code, description) {
            None => self.item(&line, &[action, group, name, ("result", Text(verb.done()))]),
            Some(problem) => {
                self.item(&line, &[action, group, name, ("fault", Number(code)), ("error", Text(problem))]);
            }
        }
        if let Some(code) = verb.exit_code(code) {
            self.fail(code);
        }
    }
}
