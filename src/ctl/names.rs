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

    fn done(self) -> &'static str {
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
        let is = |known: FaultCode| code == known as i64;
        let problem = if is(FaultCode::Success) {
            return format!("{name}: {}", self.done());
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
        } else if is(FaultCode::Failed) && self != Verb::Start {
            return description.to_owned();
        } else {
            description
        };
        format!("{name}: ERROR ({problem})")
    }
}

/// A status structure: group, name, code, description.
pub(crate) fn read_result(value: &Value) -> Option<(&str, &str, i64, &str)> {
    let text = |name| value.get(name).and_then(Value::as_str);
    let code = value.get("status").and_then(Value::as_int)?;
    Some((text("group")?, text("name")?, code, text("description").unwrap_or_default()))
}

/// The usage lines of an action.
pub(crate) fn help(action: &str) -> Option<&'static str> {
    Some(match action {
        "start" => {
            "start <name>\t\tStart a process\nstart <gname>:*\t\tStart all processes in a group\n\
             start <name> <name>\tStart multiple processes or groups\nstart all\t\tStart all processes"
        }
        "stop" => {
            "stop <name>\t\tStop a process\nstop <gname>:*\t\tStop all processes in a group\n\
             stop <name> <name>\tStop multiple processes or groups\nstop all\t\tStop all processes"
        }
        "restart" => {
            "restart <name>\t\tRestart a process\nrestart <gname>:*\tRestart all processes in a group\n\
             restart <name> <name>\tRestart multiple processes or groups\nrestart all\t\tRestart all processes\n\
             Note: the configuration is not read again."
        }
        "signal" => {
            "signal <signal name> <name>\t\tSignal a process\n\
             signal <signal name> <gname>:*\t\tSignal all processes in a group\n\
             signal <signal name> <name> <name>\tSignal multiple processes or groups\n\
             signal <signal name> all\t\tSignal all processes"
        }
        "status" => {
            "status <name>\t\tStatus of a process\nstatus <gname>:*\tStatus of all processes in a group\n\
             status <name> <name>\tStatus of multiple processes\nstatus\t\t\tStatus of all processes"
        }
        "pid" => {
            "pid\t\t\tThe process id of the daemon\npid <name>\t\tThe process id of a process\n\
             pid all\t\t\tThe process id of every process, one per line"
        }
        "tail" => {
            "tail [-f|-<number>] <name> [stdout|stderr]\n\
             tail -f <name>\t\tFollow a process's stdout log until Ctrl-C\n\
             tail <name>\t\tThe last 1600 bytes of a process's stdout log\n\
             tail -100 <name>\tThe last 100 bytes\ntail <name> stderr\tThe same of its stderr log"
        }
        "maintail" => {
            "maintail -f\tFollow the daemon's log until Ctrl-C\nmaintail\tThe last 1600 bytes of the daemon's log\nmaintail -100\tThe last 100 bytes"
        }
        "clear" => {
            "clear <name>\t\tEmpty the logs of a process that runs\n\
             clear <name> <name>\tEmpty the logs of multiple processes\nclear all\t\tEmpty the logs of all processes"
        }
        "avail" => {
            "avail\t\tAll configured processes, whether they start by themselves, and their priorities"
        }
        "shutdown" => "shutdown\tStop everything and end the daemon",
        "reload" => "reload\t\tStop everything and start again from the configuration",
        "version" => "version\t\tThe version of the server",
        "top" => {
            "top\t\t\tA live table of all processes; ? shows its keys, q leaves\n\
             top -d <seconds>\tThe same, renewed so often\n\
             top -n <number>\t\tSo many tables as text; --once, and no terminal, mean one"
        }
        "events" => {
            "events\t\t\tFollow what happens until Ctrl-C; without TICK and PROCESS_LOG\n\
             events <type> <type>\tOnly these: EVENT is all, PROCESS_STATE all changes of state"
        }
        "help" => "help\t\tThe actions\nhelp <action>\tWhat an action does",
        "quit" | "exit" => "quit, exit\tLeave the shell",
        _ => return None,
    })
}

/// In the order of `help`.
pub(crate) const ACTIONS: [&str; 18] = [
    "avail", "clear", "events", "exit", "help", "maintail", "pid", "quit", "reload", "restart", "shutdown",
    "signal", "start", "status", "stop", "tail", "top", "version",
];

/// For the words of supervisorctl that we do not have: what to do instead.
pub(crate) fn not_yet(action: &str) -> Option<&'static str> {
    Some(match action {
        "fg" => "read the container's log, or the file that `stdout_logfile` of the program names",
        "reread" => "`mainstay check -c FILE` tells whether a changed file is good",
        "update" | "add" | "remove" => {
            "change the file and use `reload`, which stops everything and starts it from the new file"
        }
        "open" => "name the server with -s URL, in front of the action",
        _ => return None,
    })
}
