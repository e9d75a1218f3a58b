//! The table of methods: nothing outside it can be called.
//!
//! Pure but for the methods it calls. Invariants: sorted by name; a call has as many arguments as the signature allows.
//! COMPAT: a wrong number of arguments is fault 2, an unknown method fault 1, `system.*` works while stopping.
//! Not here: what the methods do (`methods`).

use super::config;
use super::explain;
use super::groups;
use super::logs as l;
use super::methods::{self as m, Caller, Refusal, Result, plain};
use super::own;
use super::send;
use super::value::Value;
use crate::control::{Fault, FaultCode};

/// BOUND: calls in one multicall.
const MAX_CALLS: usize = 1000;

struct Method {
    name: &'static str,
    /// Type of the result, then of the parameters.
    signature: &'static [&'static str],
    /// How many of the parameters must be there.
    required: usize,
    help: &'static str,
    run: fn(&Caller<'_>, &[Value]) -> Result<Value>,
}

const fn method(
    name: &'static str,
    signature: &'static [&'static str],
    required: usize,
    help: &'static str,
    run: fn(&Caller<'_>, &[Value]) -> Result<Value>,
) -> Method {
    Method { name, signature, required, help, run }
}

const METHODS: &[Method] = &[
    // Ours come first: by name, as all of them.
    method(
        "mainstay.drain",
        &["boolean", "boolean"],
        0,
        "Not ready from now on; if asked to wait, answered when drain_delay is over.",
        own::drain,
    ),
    method(
        "mainstay.explain",
        &["struct", "string"],
        1,
        "Why a process is as it is: how it has ended so far, and what happens next.",
        explain::explain,
    ),
    method(
        "mainstay.getProcessTable",
        &["array"],
        0,
        "All processes with uptime, restarts, processor time, memory and last line.",
        own::process_table,
    ),
    method(
        "mainstay.plan",
        &["struct", "array"],
        0,
        "What an update of these groups would change, without doing it; without names: of all.",
        groups::plan,
    ),
    method("mainstay.undrain", &["boolean"], 0, "Take a drain back.", own::undrain),
    method(
        "mainstay.update",
        &["struct", "array"],
        0,
        "Apply what has changed in the configuration, program by program; without names: all of it.",
        groups::update,
    ),
    method(
        "supervisor.addProcessGroup",
        &["boolean", "string"],
        1,
        "Make a group that was read last part of the whole.",
        groups::add,
    ),
    method(
        "supervisor.clearAllProcessLogs",
        &["array"],
        0,
        "Empty the logs of all processes that live.",
        l::clear_all,
    ),
    method("supervisor.clearLog", &["boolean"], 0, "Empty the daemon's log.", l::clear_main_log),
    method(
        "supervisor.clearProcessLog",
        &["boolean", "string"],
        1,
        "Empty the logs of a process, if it lives.",
        l::clear_process,
    ),
    method(
        "supervisor.clearProcessLogs",
        &["boolean", "string"],
        1,
        "Empty the logs of a process, if it lives.",
        l::clear_process,
    ),
    method("supervisor.getAPIVersion", &["string"], 0, "The version of the API.", m::api_version),
    method(
        "supervisor.getAllConfigInfo",
        &["array"],
        0,
        "How all processes are configured.",
        config::all_configs,
    ),
    method("supervisor.getAllProcessInfo", &["array"], 0, "All processes.", m::all_processes),
    method("supervisor.getIdentification", &["string"], 0, "The daemon's identifier.", m::identification),
    method("supervisor.getPID", &["int"], 0, "The daemon's process id.", m::pid),
    method("supervisor.getProcessInfo", &["struct", "string"], 1, "One process.", m::one_process),
    method("supervisor.getState", &["struct"], 0, "The daemon's state: statecode and statename.", m::state),
    method(
        "supervisor.getSupervisorVersion",
        &["string"],
        0,
        "The version of Supervisor whose behaviour this is.",
        m::supervisor_version,
    ),
    method("supervisor.getVersion", &["string"], 0, "The version of the API.", m::api_version),
    method(
        "supervisor.readLog",
        &["string", "int", "int"],
        2,
        "Bytes of the daemon's log: offset, length.",
        l::read_main_log,
    ),
    method(
        "supervisor.readMainLog",
        &["string", "int", "int"],
        2,
        "Bytes of the daemon's log: offset, length.",
        l::read_main_log,
    ),
    method(
        "supervisor.readProcessLog",
        &["string", "string", "int", "int"],
        3,
        "Bytes of a process's stdout log: name, offset, length.",
        l::read_stdout,
    ),
    method(
        "supervisor.readProcessStderrLog",
        &["string", "string", "int", "int"],
        3,
        "Bytes of a process's stderr log: name, offset, length.",
        l::read_stderr,
    ),
    method(
        "supervisor.readProcessStdoutLog",
        &["string", "string", "int", "int"],
        3,
        "Bytes of a process's stdout log: name, offset, length.",
        l::read_stdout,
    ),
    method(
        "supervisor.reloadConfig",
        &["array"],
        0,
        "Read the configuration again: names of the groups that are added, changed and removed.",
        groups::reread,
    ),
    method(
        "supervisor.removeProcessGroup",
        &["boolean", "string"],
        1,
        "Take a group in which nothing runs out of the whole.",
        groups::remove,
    ),
    method("supervisor.restart", &["boolean"], 0, "Stop everything and start again.", m::restart),
    method(
        "supervisor.sendProcessStdin",
        &["boolean", "string", "string"],
        2,
        "Write text to the stdin of a process: name, text.",
        send::process_stdin,
    ),
    method(
        "supervisor.sendRemoteCommEvent",
        &["boolean", "string", "string"],
        2,
        "Send an event to listeners: type, data.",
        send::remote_event,
    ),
    method("supervisor.shutdown", &["boolean"], 0, "Stop everything and end.", m::shutdown),
    method(
        "supervisor.signalAllProcesses",
        &["array", "string"],
        1,
        "Send a signal to all processes.",
        m::signal_all,
    ),
    method(
        "supervisor.signalProcess",
        &["boolean", "string", "string"],
        2,
        "Send a signal to a process: name, signal.",
        m::signal_process,
    ),
    method(
        "supervisor.signalProcessGroup",
        &["array", "string", "string"],
        2,
        "Send a signal to all processes of a group: name, signal.",
        m::signal_group,
    ),
    method(
        "supervisor.startAllProcesses",
        &["array", "boolean"],
        0,
        "Start all processes; with wait, answer when they run or have failed.",
        m::start_all,
    ),
    method(
        "supervisor.startProcess",
        &["boolean", "string", "boolean"],
        1,
        "Start a process; with wait, answer when it runs or has failed.",
        m::start_process,
    ),
    method(
        "supervisor.startProcessGroup",
        &["array", "string", "boolean"],
        1,
        "Start all processes of a group; with wait, answer when they run or have failed.",
        m::start_group,
    ),
    method(
        "supervisor.stopAllProcesses",
        &["array", "boolean"],
        0,
        "Stop all processes; with wait, answer when they have ended.",
        m::stop_all,
    ),
    method(
        "supervisor.stopProcess",
        &["boolean", "string", "boolean"],
        1,
        "Stop a process; with wait, answer when it has ended.",
        m::stop_process,
    ),
    method(
        "supervisor.stopProcessGroup",
        &["array", "string", "boolean"],
        1,
        "Stop all processes of a group; with wait, answer when they have ended.",
        m::stop_group,
    ),
    method(
        "supervisor.tailProcessLog",
        &["array", "string", "int", "int"],
        3,
        "The end of a process's stdout log: name, offset, length.",
        l::tail_stdout,
    ),
    method(
        "supervisor.tailProcessStderrLog",
        &["array", "string", "int", "int"],
        3,
        "The end of a process's stderr log: name, offset, length.",
        l::tail_stderr,
    ),
    method(
        "supervisor.tailProcessStdoutLog",
        &["array", "string", "int", "int"],
        3,
        "The end of a process's stdout log: name, offset, length.",
        l::tail_stdout,
    ),
    method("system.listMethods", &["array"], 0, "The names of all methods.", list_methods),
    method("system.methodHelp", &["string", "string"], 1, "What a method does.", method_help),
    method(
        "system.methodSignature",
        &["array", "string"],
        1,
        "The types of a method's result and parameters.",
        method_signature,
    ),
    method(
        "system.multicall",
        &["array", "array"],
        1,
        "Carry out several calls in order; each is a structure of methodName and params.",
        multicall,
    ),
];

/// Calls a method by name.
///
/// # Errors
/// The fault to answer, or that nobody is there to answer to.
pub fn call(caller: &Caller<'_>, name: &str, params: &[Value]) -> Result<Value> {
    let method = find(name).ok_or_else(|| plain(FaultCode::UnknownMethod))?;
    let most = method.signature.len() - 1;
    if params.len() < method.required || params.len() > most {
        return Err(plain(FaultCode::IncorrectParameters));
    }
    (method.run)(caller, params)
}

fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|m| m.name == name)
}

fn list_methods(_: &Caller<'_>, _: &[Value]) -> Result<Value> {
    Ok(Value::Array(METHODS.iter().map(|m| Value::text(m.name)).collect()))
}

fn described(params: &[Value]) -> Result<&'static Method> {
    let name = params.first().and_then(Value::as_str).unwrap_or_default();
    find(name).ok_or_else(|| plain(FaultCode::SignatureUnsupported))
}

fn method_help(_: &Caller<'_>, params: &[Value]) -> Result<Value> {
    described(params).map(|m| Value::text(m.help))
}

fn method_signature(_: &Caller<'_>, params: &[Value]) -> Result<Value> {
    described(params).map(|m| Value::Array(m.signature.iter().map(|t| Value::text(*t)).collect()))
}

/// COMPAT: results are bare values, not arrays of one; faults are structures.
fn multicall(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let calls =
        params.first().and_then(Value::as_array).ok_or_else(|| plain(FaultCode::IncorrectParameters))?;
    if calls.len() > MAX_CALLS {
        let text = format!("more than {MAX_CALLS} calls");
        return Err(Fault::new(FaultCode::IncorrectParameters, text).into());
    }
    let mut results = Vec::with_capacity(calls.len());
    for one in calls {
        results.push(match inner_call(caller, one) {
            Ok(value) => value,
            Err(Refusal::Fault(fault)) => fault_value(&fault),
            Err(Refusal::Abandoned) => return Err(Refusal::Abandoned),
        });
    }
    Ok(Value::Array(results))
}

fn inner_call(caller: &Caller<'_>, one: &Value) -> Result<Value> {
    let refuse = |text: &str| Err(Fault::new(FaultCode::IncorrectParameters, text).into());
    match one.get("methodName").and_then(Value::as_str) {
        None => refuse("No methodName"),
        Some("system.multicall") => refuse("Recursive system.multicall forbidden"),
        Some(name) => {
            let params = match one.get("params") {
                None => &[],
                Some(params) => params.as_array().ok_or_else(|| plain(FaultCode::IncorrectParameters))?,
            };
            call(caller, name, params)
        }
    }
}

fn fault_value(fault: &Fault) -> Value {
    let members =
        [("faultCode", Value::int(fault.code as i32)), ("faultString", Value::Text(fault.to_string()))];
    Value::Struct(members.map(|(n, v)| (n.to_owned(), v)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_signature_has_a_result() {
        assert!(METHODS.is_sorted_by(|a, b| a.name < b.name));
        assert!(METHODS.iter().all(|m| m.required < m.signature.len() && !m.help.is_empty()));
    }
}
