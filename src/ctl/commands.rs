//! The commands of `ctl`: one line is executed, what went wrong is explained; and pid, version, open, help.
//!
//! Does I/O through what it is given. Invariants: an action that fails never resets an earlier failure (COMPAT: the
//! exit code is the last failure's); errors are lines on stdout, as supervisorctl has them; advice goes to stderr.
//! Not here: the list of commands (`help`), lines and codes of results (`names`), the other commands (`act`, `status`,
//! `logs`, `end`, `groups`, `fg`), prompts (`shell`), the wire (`client`).

use crate::config::settings::nearest;
use crate::control::FaultCode;
use crate::ctl::address::ServerAddress;
use crate::ctl::client::{Api, ClientError};
use crate::ctl::help::{self, COMMANDS};
use crate::ctl::input::Input;
use crate::ctl::names;
use crate::ctl::report::Field::{Number, Text};
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;
use std::io::{ErrorKind, Write};

/// COMPAT: what supervisorctl expects `getVersion` to say.
const API_VERSION: &str = "3.0";

/// What the command line and the configuration asked for beside the action.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Somebody is there: ask for passwords, and before ending the daemon.
    pub interactive: bool,
    /// Answers as JSON.
    pub json: bool,
    /// Colours, where they do not break what somebody parses.
    pub colour: bool,
    /// Called as supervisorctl: nothing that it does not have is offered.
    pub face: bool,
    /// What stands in front of `> `.
    pub prompt: String,
}

impl Default for Settings {
    fn default() -> Settings {
        let prompt = "supervisor".to_owned();
        Settings { interactive: false, json: false, colour: false, face: false, prompt }
    }
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
    pub(super) input: Input,
    pub(super) out: &'a mut dyn Write,
    status: u8,
    pub(super) missed: Option<Missed>,
    /// What the action gives as JSON, as far as it has come.
    pub(super) gives: Option<serde_json::Value>,
    /// Nothing more is to be executed.
    pub(super) over: bool,
    /// All processes, for Tab; asked for anew with each line.
    pub(super) known: Option<Value>,
}

/// Why the server could not be spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missed {
    /// It is not there.
    Away,
    /// It is there and says nothing.
    Mute,
    /// We may not connect.
    Barred,
}

impl<'a> Session<'a> {
    #[must_use]
    pub fn new(api: &'a dyn Api, settings: Settings, input: Input, out: &'a mut dyn Write) -> Session<'a> {
        Session {
            api,
            settings,
            input,
            out,
            status: names::OK,
            missed: None,
            gives: None,
            over: false,
            known: None,
        }
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

    /// Executes one line.
    pub fn execute(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        // COMPAT: as Python's `cmd` reads a line: `?` is help, and the letters, digits and underscores in front are the
        // command, whatever follows.
        let line = line.strip_prefix('?').map_or_else(|| line.to_owned(), |rest| format!("help {rest}"));
        let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
        let (action, rest) = line.split_at(end);
        let rest = rest.trim();
        self.known = None;
        let words: Vec<&str> = rest.split_whitespace().collect();
        loop {
            match self.perform(action, &words, rest, &line) {
                Err(Stop::Error(ClientError::Status(401, _))) => {
                    if self.logs_in() {
                        continue;
                    }
                    if !self.over {
                        self.fail(names::GENERIC);
                    }
                }
                Err(Stop::Error(error)) => self.explain(&error),
                Ok(()) | Err(Stop::Shown) => {}
            }
            return self.end_report();
        }
    }

    fn perform(&mut self, action: &str, words: &[&str], rest: &str, line: &str) -> Done {
        if !self.settings.face && help::command(action).is_some() && words.iter().any(|w| help::is_flag(w)) {
            return self.help(action);
        }
        match action {
            "status" => self.show_status(words),
            "start" => self.start(words),
            "stop" => self.stop(words),
            "restart" => self.restart(words),
            "signal" => self.signal(words),
            "pid" => self.pid(words),
            "shutdown" => self.end("shutdown", words),
            "reload" => self.end("reload", words),
            "tail" => self.tail(words),
            "maintail" => self.maintail(words),
            "clear" => self.clear(words),
            "avail" => self.avail(words),
            "version" => self.version(words),
            "reread" => self.reread(words),
            "update" => self.update(words),
            "plan" => self.plan(words),
            "drain" => self.drain(words),
            "top" => self.top(words),
            "events" => self.events(words),
            "explain" => self.explain_processes(words),
            "add" => self.add(words),
            "remove" => self.remove(words),
            "fg" => self.fg(words),
            "open" => self.open(rest),
            "help" => self.help(rest),
            "quit" | "exit" | "EOF" => {
                self.say("");
                self.over = true;
                Ok(())
            }
            other => self.unknown(other, line),
        }
    }

    /// COMPAT: supervisorctl's line; the nearest word goes to stderr.
    fn unknown(&mut self, action: &str, line: &str) -> Done {
        let face = self.settings.face;
        let known = COMMANDS.iter().filter(|c| !(face && c.ours)).map(|c| c.name);
        let near = nearest(action, known);
        self.refuse(&format!("*** Unknown syntax: {line}"))?;
        self.hint(&match near {
            Some(word) => format!("did you mean `{word}`?"),
            None => "`help` lists the commands".to_owned(),
        });
        Ok(())
    }

    /// A refusal, and a failure.
    pub(super) fn refuse(&mut self, text: &str) -> Done {
        self.say(text);
        self.fail(names::GENERIC);
        Ok(())
    }

    pub(super) fn fail(&mut self, code: u8) {
        self.status = code;
    }

    /// An error that no action expects.
    pub(super) fn explain(&mut self, error: &ClientError) {
        self.fail(names::GENERIC);
        match error {
            ClientError::Interrupted => self.interrupted(),
            ClientError::Connect(why) => {
                let barred = why.kind() == ErrorKind::PermissionDenied;
                self.missed = Some(if barred { Missed::Barred } else { Missed::Away });
                let url = self.api.url();
                self.say(&format!("error: cannot reach {url}: {error}"));
            }
            ClientError::Silent(_) => {
                self.missed = Some(Missed::Mute);
                let url = self.api.url();
                self.say(&format!("error: cannot reach {url}: {error}"));
                self.fail(names::STATUS_UNKNOWN);
            }
            ClientError::Lost(_) => {
                self.say(&format!("error: {error}"));
                let plan = if self.settings.face { "" } else { " or `plan`" };
                self.hint(&format!("the outcome is not known; `status`{plan} tells"));
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

    fn pid(&mut self, names: &[&str]) -> Done {
        self.upcheck()?;
        self.begin_list();
        if names.is_empty() {
            let pid = self.api.call("getPID", &[])?;
            self.show_pid("supervisord", pid.as_int().unwrap_or(0));
        } else if names.contains(&"all") {
            let all = self.api.call("getAllProcessInfo", &[])?;
            for process in all.as_array().unwrap_or_default() {
                let text = |member| process.get(member).and_then(Value::as_str).unwrap_or_default();
                self.show_pid(&namespec::join(text("group"), text("name")), number(process, "pid"));
            }
        } else {
            for name in names {
                match self.api.call("getProcessInfo", &[Value::text(*name)]) {
                    Ok(info) => {
                        let pid = number(&info, "pid");
                        self.show_pid(name, pid);
                        if pid == 0 {
                            self.fail(names::NOT_RUNNING);
                        }
                    }
                    Err(ClientError::Fault { code, .. }) if code == FaultCode::BadName as i64 => {
                        let members = [
                            ("name", Text(name)),
                            ("fault", Number(code)),
                            ("error", Text("no such process")),
                        ];
                        self.item(&format!("No such process {name}"), &members);
                        self.fail(names::GENERIC);
                    }
                    Err(other) => return Err(other.into()),
                }
            }
        }
        Ok(())
    }

    fn show_pid(&mut self, name: &str, pid: i64) {
        self.item(&pid.to_string(), &[("name", Text(name)), ("pid", Number(pid))]);
    }

    fn version(&mut self, names: &[&str]) -> Done {
        if !names.is_empty() {
            self.misused("version", "Error: version accepts no arguments", names::GENERIC);
            return Ok(());
        }
        self.upcheck()?;
        let version = self.api.call("getSupervisorVersion", &[])?;
        let version = version.as_str().unwrap_or_default();
        self.give(version, &[("version", Text(version))]);
        Ok(())
    }

    /// COMPAT: another server from now on, and its status, which does not count.
    fn open(&mut self, url: &str) -> Done {
        let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if !url.contains(':') || !matches!(scheme.as_str(), "http" | "unix") {
            return self.refuse("ERROR: url must be http:// or unix://");
        }
        let mut address = match ServerAddress::parse(url) {
            Ok(address) => address,
            Err(why) => return self.refuse(&format!("error: cannot open `{url}`: {why}")),
        };
        let now = self.api.address();
        (address.username, address.password) = (now.username, now.password);
        self.api.turn_to(address);
        let status = self.status;
        match self.show_status(&[]) {
            Ok(()) | Err(Stop::Shown) => self.status = status,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn help(&mut self, topic: &str) -> Done {
        let text = match help::command(topic) {
            _ if topic.is_empty() => help::list(!self.settings.face),
            Some(command) => command.text.to_owned(),
            None => format!("*** No help on {topic}"),
        };
        self.say(&text);
        Ok(())
    }

    pub(super) fn misused(&mut self, action: &str, text: &str, code: u8) {
        self.say(text);
        self.fail(code);
        if let Some(command) = help::command(action) {
            self.say(command.text);
        }
    }
}

fn number(value: &Value, name: &str) -> i64 {
    value.get(name).and_then(Value::as_int).unwrap_or(0)
}
