//! The actions of `ctl`: status, start, stop, restart, signal, pid, shutdown, reload, version, and a shell for them.
//!
//! Does I/O through what it is given. Invariants: an action that fails never resets an earlier failure (COMPAT: the
//! exit code is the last failure's); errors are lines on stdout, as supervisorctl has them.
//! Not here: lines and codes of results (`names`), `status` (`status`), logs (`logs`), `shutdown` and `reload` (`end`), the wire
//! (`client`).

use crate::control::FaultCode;
use crate::ctl::client::{Api, ClientError};
use crate::ctl::names::{self, Verb, read_result};
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;
use std::io::{BufRead, ErrorKind, Write};

/// COMPAT: what supervisorctl expects `getVersion` to say.
const API_VERSION: &str = "3.0";

/// What the command line asked for beside the action.
#[derive(Clone, Copy, Default, Debug)]
pub struct Settings {
    /// Ask before ending the daemon.
    pub interactive: bool,
    /// `status` as JSON.
    pub json: bool,
}

/// An action that ended before its end: the error has been shown or is to be shown by `execute`.
pub(super) enum Stop {
    Shown,
    Error(ClientError),
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Stop {
        Stop::Error(error)
    }
}

pub(super) type Done = Result<(), Stop>;

/// One run of `ctl`.
pub struct Session<'a> {
    pub(super) api: &'a dyn Api,
    pub(super) settings: Settings,
    pub(super) input: &'a mut dyn BufRead,
    pub(super) out: &'a mut dyn Write,
    status: u8,
    pub(super) missed: Option<Missed>,
}

/// Why the server could not be spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missed {
    /// It is not there.
    Away,
    /// It is there and says nothing.
    Mute,
}

impl<'a> Session<'a> {
    pub fn new(
        api: &'a dyn Api,
        settings: Settings,
        input: &'a mut dyn BufRead,
        out: &'a mut dyn Write,
    ) -> Session<'a> {
        Session { api, settings, input, out, status: names::OK, missed: None }
    }

    /// The exit code so far.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Whether nobody could be reached, and why.
    #[must_use]
    pub fn missed(&self) -> Option<Missed> {
        self.missed
    }

    /// Reads and executes lines until `quit` or the end.
    pub fn shell(&mut self) {
        self.execute("status");
        loop {
            let _ = write!(self.out, "supervisor> ");
            let _ = self.out.flush();
            let mut line = String::new();
            if !matches!(self.input.read_line(&mut line), Ok(n) if n > 0) {
                return self.say("");
            }
            match line.trim() {
                "quit" | "exit" | "EOF" => return self.say(""),
                line => self.execute(line),
            }
        }
    }

    /// Executes one line.
    pub fn execute(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((action, names)) = words.split_first() else { return };
        let result = match *action {
            "status" => self.show_status(names),
            "start" => self.start(names),
            "stop" => self.stop(names),
            "restart" => self.restart(names),
            "signal" => self.signal(names),
            "pid" => self.pid(names),
            "shutdown" => self.end("shutdown", names),
            "reload" => self.end("reload", names),
            "tail" => self.tail(names),
            "maintail" => self.maintail(names),
            "clear" => self.clear(names),
            "avail" => self.avail(names),
            "version" => self.version(names),
            "top" => self.top(names),
            "events" => self.events(names),
            "help" => self.help(names),
            other => {
                self.unknown(other, line);
                Ok(())
            }
        };
        if let Err(Stop::Error(error)) = result {
            self.explain(&error);
        }
    }

    /// COMPAT: words that nobody knows get supervisorctl's line; those that only we lack are said to be missing.
    fn unknown(&mut self, action: &str, line: &str) {
        match names::not_yet(action) {
            Some(instead) => {
                self.say(&format!("error: '{action}' is not supported yet"));
                let _ = writeln!(std::io::stderr(), "hint: {instead}");
            }
            None => self.say(&format!("*** Unknown syntax: {line}")),
        }
        self.fail(names::GENERIC);
    }

    /// Where nobody reads our output any more, the action is carried out all the same.
    pub(super) fn say(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
    }

    pub(super) fn fail(&mut self, code: u8) {
        self.status = code;
    }

    /// An error that no action expects.
    pub(super) fn explain(&mut self, error: &ClientError) {
        self.fail(names::GENERIC);
        match error {
            ClientError::Status(401, _) => self.say("Server requires authentication"),
            ClientError::Connect(_) => {
                self.missed = Some(Missed::Away);
                let url = self.api.url();
                self.say(&format!("error: cannot reach {url}: {error}"));
            }
            ClientError::Silent(_) => {
                self.missed = Some(Missed::Mute);
                let url = self.api.url();
                self.say(&format!("error: cannot reach {url}: {error}"));
                self.fail(names::STATUS_UNKNOWN);
            }
            other => self.say(&format!("error: {other}")),
        }
    }

    /// Whether the server is there and speaks our version; says so when not.
    pub(super) fn upcheck(&mut self) -> Done {
        let code = match self.api.call("getVersion", &[]) {
            Ok(Value::Text(version)) if version == API_VERSION => return Ok(()),
            Ok(other) => {
                let version = other.as_str().unwrap_or("unknown").to_owned();
                self.say(&format!(
                    "Sorry, this version of supervisorctl expects to talk to a server with API version \
                     {API_VERSION}, but the remote version is {version}."
                ));
                names::OTHER_VERSION
            }
            Err(ClientError::Fault { code, .. }) if code == FaultCode::UnknownMethod as i64 => {
                self.say(
                    "Sorry, supervisord responded but did not recognize the supervisor namespace commands that \
                     supervisorctl uses to control it.  Please check that the [rpcinterface:supervisor] section \
                     is enabled in the configuration file (see sample.conf).",
                );
                names::STATUS_DOWN
            }
            Err(ClientError::Connect(e)) => {
                let (what, code) = match e.kind() {
                    ErrorKind::ConnectionRefused => ("refused connection", names::STATUS_UNKNOWN),
                    ErrorKind::NotFound => ("no such file", names::NOT_RUNNING),
                    _ => return Err(ClientError::Connect(e).into()),
                };
                self.missed = Some(Missed::Away);
                let url = self.api.url();
                self.say(&format!("{url} {what}"));
                code
            }
            Err(other) => return Err(other.into()),
        };
        self.fail(code);
        Err(Stop::Shown)
    }

    fn start(&mut self, names: &[&str]) -> Done {
        self.act(Verb::Start, names, &[])
    }

    fn stop(&mut self, names: &[&str]) -> Done {
        self.act(Verb::Stop, names, &[])
    }

    /// All stops end before the first start.
    fn restart(&mut self, names: &[&str]) -> Done {
        self.upcheck()?;
        if names.is_empty() {
            self.misused("restart", "Error: restart requires a process name", names::GENERIC);
            return Ok(());
        }
        self.stop(names)?;
        self.start(names)
    }

    fn signal(&mut self, words: &[&str]) -> Done {
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
                self.say(&format!("{group}: ERROR (no such group)"));
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
        self.say(&verb.line(group, name, code, description));
        if let Some(code) = verb.exit_code(code) {
            self.fail(code);
        }
    }

    fn pid(&mut self, names: &[&str]) -> Done {
        self.upcheck()?;
        if names.is_empty() {
            let pid = self.api.call("getPID", &[])?;
            self.say(&pid.as_int().unwrap_or(0).to_string());
        } else if names.contains(&"all") {
            let all = self.api.call("getAllProcessInfo", &[])?;
            for process in all.as_array().unwrap_or_default() {
                self.say(&number(process, "pid").to_string());
            }
        } else {
            for name in names {
                match self.api.call("getProcessInfo", &[Value::text(*name)]) {
                    Ok(info) => {
                        let pid = number(&info, "pid");
                        self.say(&pid.to_string());
                        if pid == 0 {
                            self.fail(names::NOT_RUNNING);
                        }
                    }
                    Err(ClientError::Fault { code, .. }) if code == FaultCode::BadName as i64 => {
                        self.say(&format!("No such process {name}"));
                        self.fail(names::GENERIC);
                    }
                    Err(other) => return Err(other.into()),
                }
            }
        }
        Ok(())
    }

    fn version(&mut self, names: &[&str]) -> Done {
        if !names.is_empty() {
            self.misused("version", "Error: version accepts no arguments", names::GENERIC);
            return Ok(());
        }
        self.upcheck()?;
        let version = self.api.call("getSupervisorVersion", &[])?;
        self.say(version.as_str().unwrap_or_default());
        Ok(())
    }

    fn help(&mut self, topics: &[&str]) -> Done {
        match topics.first() {
            None => {
                self.say("default commands (type help <topic>):");
                self.say("=====================================");
                self.say(&names::ACTIONS.join("  "));
            }
            Some(topic) => match names::help(topic) {
                Some(text) => self.say(text),
                None => self.say(&format!("*** No help on {topic}")),
            },
        }
        Ok(())
    }

    pub(super) fn misused(&mut self, action: &str, text: &str, code: u8) {
        self.say(text);
        self.fail(code);
        if let Some(help) = names::help(action) {
            self.say(help);
        }
    }
}

fn number(value: &Value, name: &str) -> i64 {
    value.get(name).and_then(Value::as_int).unwrap_or(0)
}
