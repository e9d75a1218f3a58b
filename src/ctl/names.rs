//! What the operator is told about each result: supervisorctl's lines and exit codes.
//!
//! Pure. COMPAT: texts and codes to the letter; an unknown fault, on which supervisorctl fails, is shown as it is.
//! Not here: asking (`commands`).

use crate::control::FaultCode;
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;

/// Nothing failed.
pub(crate) const OK: u8 = 0;
/// Something failed.
pub(crate) const GENERIC: u8 = 1;
/// `start` was given no name, or a group that does not exist.
pub(crate) const INVALID: u8 = 2;
/// `status`: something does not run. Also: the server does not speak our language.
pub(crate) const STATUS_DOWN: u8 = 3;
/// `status`: unknown. Also: the server refused the connection.
pub(crate) const STATUS_UNKNOWN: u8 = 4;
/// The server speaks another version.
pub(crate) const OTHER_VERSION: u8 = 5;
/// The program, or the server, is not running.
pub(crate) const NOT_RUNNING: u8 = 7;

/// What was asked for decides how success is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verb {
    Start,
    Stop,
    Signal,
    Clear,
}

impl Verb {
    /// The word in the API: `startProcess`, `stopAllProcesses`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verb::Start => "start",
            Verb::Stop => "stop",
            Verb::Signal => "signal",
            Verb::Clear => "clear",
        }
    }

    pub(crate) fn done(self) -> &'static str {
        match self {
            Verb::Start => "started",
            Verb::Stop => "stopped",
            Verb::Signal => "signalled",
            Verb::Clear => "cleared",
        }
    }

    /// COMPAT: starting what runs and stopping what does not is no failure.
    fn forgives(self, code: i64) -> bool {
        match self {
            Verb::Start => code == FaultCode::AlreadyStarted as i64,
            Verb::Stop => code == FaultCode::NotRunning as i64,
            Verb::Signal | Verb::Clear => false,
        }
    }

    /// The exit code of a result, if it is a failure.
    pub(crate) fn exit_code(self, code: i64) -> Option<u8> {
        let dead = [FaultCode::SpawnError, FaultCode::AbnormalTermination, FaultCode::NotRunning];
        if code == FaultCode::Success as i64 || self.forgives(code) {
            None
        } else if dead.iter().any(|c| *c as i64 == code) {
            Some(NOT_RUNNING)
        } else {
            Some(GENERIC)
        }
    }

    /// The line of a result.
    pub(crate) fn line(self, group: &str, name: &str, code: i64, description: &str) -> String {
        let name = namespec::join(group, name);
        let failed = code == FaultCode::Failed as i64 && matches!(self, Verb::Stop | Verb::Signal);
        match self.problem(code, description) {
            None => format!("{name}: {}", self.done()),
            // COMPAT: the server's sentence, which names the process.
            Some(problem) if failed => problem.to_owned(),
            Some(problem) => format!("{name}: ERROR ({problem})"),
        }
    }

    /// What was wrong, if anything.
    pub(crate) fn problem(self, code: i64, description: &str) -> Option<&str> {
        let is = |known: FaultCode| code == known as i64;
        Some(if is(FaultCode::Success) {
            return None;
        } else if is(FaultCode::BadName) {
            "no such process"
        } else if is(FaultCode::NoFile) {
            "no such file"
        } else if is(FaultCode::NotExecutable) {
            "file is not executable"
        } else if is(FaultCode::AlreadyStarted) {
            "already started"
        } else if is(FaultCode::SpawnError) {
            "spawn error"
        } else if is(FaultCode::AbnormalTermination) {
            "abnormal termination"
        } else if is(FaultCode::BadSignal) {
            "bad signal name"
        } else if is(FaultCode::NotRunning) {
            "not running"
        } else if is(FaultCode::Failed) && self == Verb::Clear {
            "failed"
        } else {
            description
        })
    }
}

/// A status structure: group, name, code, description.
pub(crate) fn read_result(value: &Value) -> Option<(&str, &str, i64, &str)> {
    let text = |name| value.get(name).and_then(Value::as_str);
    let code = value.get("status").and_then(Value::as_int)?;
    Some((text("group")?, text("name")?, code, text("description").unwrap_or_default()))
}
