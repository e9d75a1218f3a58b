//! What can be sent to programs: text for a stdin, an event for listeners.
//!
//! No I/O of its own. COMPAT: order of checks and faults are Supervisor's; events may be sent while the daemon stops.
//! Not here: writing (`daemon::stdin`), who listens (`events`).

use super::methods::{Caller, QUESTION_TIMEOUT, Refusal, Result, confused, plain, text_at, word_at};
use super::namespec;
use super::value::Value;
use crate::control::{Fault, FaultCode, Outcome, Reply, Request, Send};

/// `sendProcessStdin`.
pub(super) fn process_stdin(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping()?;
    let text = match params.get(1) {
        Some(Value::Text(text)) => text,
        None | Some(Value::Nil) => return Err(plain(FaultCode::IncorrectParameters)),
        Some(other) => return Err(Fault::new(FaultCode::IncorrectParameters, other.shown()).into()),
    };
    let spec = text_at(params, 0)?;
    let (group, name) = namespec::split(spec);
    let Some(name) = name else { return Err(Fault::new(FaultCode::BadName, spec).into()) };
    let (group, name) = (group.to_owned(), name.to_owned());
    send(caller, Send::Stdin { group, name, text: text.clone() }, spec)
}

/// `sendRemoteCommEvent`.
pub(super) fn remote_event(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let (kind, data) = (word_at(params, 0)?, word_at(params, 1)?);
    send(caller, Send::RemoteEvent { kind, data }, "")
}

fn send(caller: &Caller<'_>, what: Send, spec: &str) -> Result<Value> {
    match caller.link.ask(&Request::Send(what), QUESTION_TIMEOUT)? {
        Reply::Command(Outcome::Done) => Ok(Value::Bool(true)),
        Reply::Command(Outcome::Fault(Fault { code: FaultCode::Failed, .. })) => {
            let text = format!("{spec} does not read its stdin");
            Err(Refusal::Fault(Fault::new(FaultCode::Failed, text)))
        }
        Reply::Command(Outcome::Fault(fault)) => Err(Refusal::Fault(Fault::new(fault.code, spec))),
        other => Err(confused(&other)),
    }
}
