//! What the methods do: check arguments as Supervisor does, ask the core, and shape the answer.
//!
//! No I/O of its own; questions go through the link. Invariants: nothing is decided here that the engine decides; every
//! command is sent at most once. COMPAT: order of checks, faults, and what their text names, are Supervisor's.
//! Not here: names and signatures (`table`), the sentence about a process (`describe`).

use super::describe::process_info;
use super::namespec;
use super::value::Value;
use crate::control::{
    Command, Fault, FaultCode, Ident, Outcome, ProcessInfo, Reply, Request, Snapshot, Target, TargetResult,
};
use crate::gateway::Site;
use crate::gateway::link::{Link, LinkError};
use crate::gateway::load::{Load, Reservation};
use crate::gateway::usage::Usage;
use crate::sys::clock::LocalTime;
use crate::types::Signal;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

/// For what the core answers in the turn that reads it.
pub(super) const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// How often we look whether the client still waits for a command to end.
pub(super) const CLIENT_CHECK: Duration = Duration::from_secs(1);

/// Who calls, and with what at hand.
pub struct Caller<'a> {
    pub link: &'a Link,
    pub local_time: fn(i64) -> LocalTime,
    /// Whether the client is still there.
    pub wanted: &'a dyn Fn() -> bool,
    load: &'a Arc<Load>,
    site: &'a Site,
    /// For what the answer will be made of.
    room: RefCell<Vec<Reservation>>,
}

impl<'a> Caller<'a> {
    /// One call on a site.
    #[must_use]
    pub fn new(site: &'a Site, wanted: &'a dyn Fn() -> bool) -> Caller<'a> {
        let room = RefCell::default();
        Caller { link: &site.link, local_time: site.tools.local_time, wanted, load: &site.load, site, room }
    }

    /// What these processes use.
    #[must_use]
    pub fn usages(&self, pids: &[i32]) -> Vec<Option<Usage>> {
        self.site.usages.of(pids, (self.site.tools.mono)())
    }

    /// Makes room for an answer with so many bytes from a log.
    ///
    /// # Errors
    /// FAILED, when too much is on its way to clients already.
    pub fn make_room(&self, bytes: usize) -> Result<()> {
        // As bytes, as text, and as XML.
        let Some(room) = self.load.reserve(bytes.saturating_mul(3)) else {
            return Err(named(FaultCode::Failed, "too many answers are on their way, try again"));
        };
        self.room.borrow_mut().push(room);
        Ok(())
    }
}

/// Why there is no value.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    Fault(Fault),
    /// The client has gone; there is nobody to tell.
    Abandoned,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::Fault(fault)
    }
}

impl From<LinkError> for Refusal {
    fn from(error: LinkError) -> Refusal {
        match error {
            LinkError::Abandoned => Refusal::Abandoned,
            other => Refusal::Fault(Fault::new(FaultCode::Failed, other.to_string())),
        }
    }
}

/// The result of a method.
pub type Result<T> = std::result::Result<T, Refusal>;

/// A fault without more words.
#[must_use]
pub fn plain(code: FaultCode) -> Refusal {
    Refusal::Fault(Fault { code, extra: None })
}

/// A fault that names something.
#[must_use]
pub fn named(code: FaultCode, name: &str) -> Refusal {
    Refusal::Fault(Fault::new(code, name))
}

impl Caller<'_> {
    /// COMPAT: nearly every call is refused while the daemon stops, `getState` included.
    ///
    /// # Errors
    /// SHUTDOWN_STATE.
    pub fn refuse_while_stopping(&self) -> Result<Ident> {
        match self.question(&Request::Identity)? {
            Reply::Identity(identity) if identity.stopping => Err(plain(FaultCode::ShutdownState)),
            Reply::Identity(identity) => Ok(identity),
            other => Err(confused(&other)),
        }
    }

    fn question(&self, request: &Request) -> Result<Reply> {
        Ok(self.link.ask(request, QUESTION_TIMEOUT)?)
    }

    fn snapshot(&self) -> Result<Snapshot> {
        match self.question(&Request::Snapshot { numbers: false })? {
            Reply::Snapshot(snapshot) => Ok(*snapshot),
            other => Err(confused(&other)),
        }
    }

    fn command(&self, command: Command) -> Result<Outcome> {
        match self.link.ask_while(&Request::Command(command), CLIENT_CHECK, self.wanted)? {
            Reply::Command(outcome) => Ok(outcome),
            other => Err(confused(&other)),
        }
    }
}

pub(super) fn confused(reply: &Reply) -> Refusal {
    named(FaultCode::Failed, &format!("the core gave another answer than was asked for: {reply:?}"))
}

/// The name argument at `i`. Supervisor answers 500 to anything but text.
pub(super) fn text_at(params: &[Value], i: usize) -> Result<&str> {
    params.get(i).and_then(Value::as_str).ok_or_else(|| plain(FaultCode::IncorrectParameters))
}

/// COMPAT: a name of a group is looked up whatever it is.
pub(super) fn word_at(params: &[Value], i: usize) -> Result<String> {
    match params.get(i) {
        Some(Value::Array(_) | Value::Struct(_) | Value::Fields(_) | Value::Nil) | None => {
            Err(plain(FaultCode::IncorrectParameters))
        }
        Some(value) => Ok(value.shown()),
    }
}

/// The optional `wait`, true by default.
fn wait_at(params: &[Value], i: usize) -> bool {
    params.get(i).is_none_or(Value::is_true)
}

/// `getAPIVersion`, `getVersion`.
pub fn api_version(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping().map(|_| Value::text("3.0"))
}

/// `getSupervisorVersion`: whose behaviour we keep.
pub fn supervisor_version(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping().map(|_| Value::text("4.3.0"))
}

/// `getIdentification`.
pub fn identification(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping().map(|identity| Value::Text(identity.identifier))
}

/// `getState`: whoever gets an answer hears RUNNING.
pub fn state(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping()?;
    let members = [("statecode", Value::Int(1)), ("statename", Value::text("RUNNING"))];
    Ok(Value::Struct(members.map(|(n, v)| (n.to_owned(), v)).into()))
}

/// `getPID`.
pub fn pid(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping().map(|identity| Value::int(identity.pid))
}

/// `getProcessInfo`.
pub fn one_process(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let name = text_at(params, 0)?;
    let snapshot = caller.running_snapshot()?;
    match find(&snapshot, name) {
        Some(process) => Ok(process_info(process, snapshot.now, caller.local_time)),
        None => Err(named(FaultCode::BadName, name)),
    }
}

/// `getAllProcessInfo`.
pub fn all_processes(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    let snapshot = caller.running_snapshot()?;
    let all = snapshot.processes.iter().map(|p| process_info(p, snapshot.now, caller.local_time));
    Ok(Value::Array(all.collect()))
}

impl Caller<'_> {
    fn running_snapshot(&self) -> Result<Snapshot> {
        let snapshot = self.snapshot()?;
        if snapshot.identity.stopping { Err(plain(FaultCode::ShutdownState)) } else { Ok(snapshot) }
    }
}

/// The one process a namespec means; `None` for groups too.
fn find<'s>(snapshot: &'s Snapshot, spec: &str) -> Option<&'s ProcessInfo> {
    let (group, name) = namespec::split(spec);
    let name = name?;
    snapshot.processes.iter().find(|p| p.group == group && p.name == name)
}

/// Start, stop: which, and whether to wait for the end.
type Maker = fn(Target, bool) -> Command;

fn start(target: Target, wait: bool) -> Command {
    Command::Start { target, wait }
}

fn stop(target: Target, wait: bool) -> Command {
    Command::Stop { target, wait }
}

/// `startProcess`.
pub fn start_process(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    on_process(caller, params, start)
}

/// `stopProcess`.
pub fn stop_process(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    on_process(caller, params, stop)
}

/// `startProcessGroup`.
pub fn start_group(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    on_group(caller, params, start)
}

/// `stopProcessGroup`.
pub fn stop_group(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    on_group(caller, params, stop)
}

/// `startAllProcesses`.
pub fn start_all(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping()?;
    shape(caller.command(start(Target::All, wait_at(params, 0)))?, "")
}

/// `stopAllProcesses`.
pub fn stop_all(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping()?;
    shape(caller.command(stop(Target::All, wait_at(params, 0)))?, "")
}

fn on_process(caller: &Caller<'_>, params: &[Value], make: Maker) -> Result<Value> {
    let name = text_at(params, 0)?;
    caller.refuse_while_stopping()?;
    shape(caller.command(make(target(name), wait_at(params, 1)))?, name)
}

fn on_group(caller: &Caller<'_>, params: &[Value], make: Maker) -> Result<Value> {
    let name = word_at(params, 0)?;
    caller.refuse_while_stopping()?;
    shape(caller.command(make(Target::Group(name.clone()), wait_at(params, 1)))?, &name)
}

fn target(spec: &str) -> Target {
    match namespec::split(spec) {
        (group, Some(name)) => Target::Process { group: group.to_owned(), name: name.to_owned() },
        (group, None) => Target::Group(group.to_owned()),
    }
}

/// `signalProcess`. Order of checks: BAD_NAME, BAD_SIGNAL, NOT_RUNNING.
pub fn signal_process(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let name = text_at(params, 0)?;
    caller.refuse_while_stopping()?;
    signal_target(caller, target(name), name, params.get(1))
}

/// `signalProcessGroup`.
pub fn signal_group(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let name = word_at(params, 0)?;
    caller.refuse_while_stopping()?;
    signal_target(caller, Target::Group(name.clone()), &name, params.get(1))
}

/// `signalAllProcesses`. COMPAT: it works while the daemon stops, and is refused afterwards.
pub fn signal_all(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let answer = signal_target(caller, Target::All, "", params.first())?;
    caller.refuse_while_stopping().map(|_| answer)
}

fn signal_target(caller: &Caller<'_>, target: Target, name: &str, wish: Option<&Value>) -> Result<Value> {
    match wish.and_then(signal_number) {
        Some(signal) => shape(caller.command(Command::Signal { target, signal })?, name),
        None => {
            refuse_signal(&caller.snapshot()?, &target, name, &wish.map(Value::shown).unwrap_or_default())
        }
    }
}

/// A signal nobody knows is refused for each process that could have got one.
fn refuse_signal(snapshot: &Snapshot, target: &Target, name: &str, signal: &str) -> Result<Value> {
    let fault = || Fault::new(FaultCode::BadSignal, signal);
    let group = match target {
        Target::Process { .. } if find(snapshot, name).is_none() => {
            return Err(named(FaultCode::BadName, name));
        }
        Target::Process { .. } => return Err(fault().into()),
        Target::Group(group) if !snapshot.processes.iter().any(|p| p.group == *group) => {
            return Err(named(FaultCode::BadName, name));
        }
        Target::Group(group) => Some(group),
        Target::All => None,
    };
    let hit = |p: &&ProcessInfo| group.is_none_or(|g| p.group == *g) && p.state.is_signallable();
    let results = snapshot.processes.iter().filter(hit);
    Ok(Value::Array(results.map(|p| status(&p.group, &p.name, Some(&fault()))).collect()))
}

/// A name in any case with or without `SIG`, or a number that has a name.
fn signal_number(wish: &Value) -> Option<Signal> {
    let number = match wish {
        Value::Text(text) => match text.trim().parse::<i64>() {
            Ok(n) => n,
            Err(_) => return Signal::from_name(text),
        },
        #[allow(
            clippy::cast_possible_truncation,
            reason = "as `int` does it; nothing that large is a signal"
        )]
        Value::Double(x) => *x as i64,
        other => other.as_int()?,
    };
    // COMPAT: Python's `signal` has SIG_DFL, too. It asks whether the process is there.
    i32::try_from(number).ok().map(Signal).filter(|s| s.0 == 0 || s.name().is_some())
}

/// `shutdown`.
pub fn shutdown(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping()?;
    shape(caller.command(Command::Shutdown)?, "")
}

/// `restart`.
pub fn restart(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping()?;
    shape(caller.command(Command::Restart)?, "")
}

/// True, a fault, or an array of what happened to each.
fn shape(outcome: Outcome, name: &str) -> Result<Value> {
    match outcome {
        Outcome::Done => Ok(Value::Bool(true)),
        Outcome::Fault(fault) => Err(Refusal::Fault(renamed(fault, name))),
        Outcome::Each(results) => Ok(Value::Array(results.iter().map(result).collect())),
    }
}

fn result(r: &TargetResult) -> Value {
    let fault = r.fault.clone().map(|fault| renamed(fault, &namespec::join(&r.group, &r.name)));
    status(&r.group, &r.name, fault.as_ref())
}

/// COMPAT: these faults name the process as the caller did.
fn renamed(fault: Fault, name: &str) -> Fault {
    let by_name = matches!(
        fault.code,
        FaultCode::BadName
            | FaultCode::NotRunning
            | FaultCode::AlreadyStarted
            | FaultCode::SpawnError
            | FaultCode::AbnormalTermination
    );
    if by_name && !name.is_empty() { Fault::new(fault.code, name) } else { fault }
}

pub(super) fn status(group: &str, name: &str, fault: Option<&Fault>) -> Value {
    let code = fault.map_or(FaultCode::Success, |f| f.code);
    let members = [
        ("name", Value::text(name)),
        ("group", Value::text(group)),
        ("status", Value::int(code as i32)),
        ("description", Value::Text(fault.map_or_else(|| "OK".to_owned(), Fault::to_string))),
    ];
    Value::Struct(members.map(|(n, v)| (n.to_owned(), v)).into())
}
