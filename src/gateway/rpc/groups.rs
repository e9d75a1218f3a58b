//! The methods that change which programs there are: `reloadConfig`, `addProcessGroup`, `removeProcessGroup`, and our own
//! `mainstay.plan` and `mainstay.update`.
//!
//! No I/O of its own. COMPAT: names and faults are Supervisor's; the difference is an array in an array.
//! Not here: what has changed and what is done about it (`daemon`).

use super::methods::{Caller, QUESTION_TIMEOUT, Result, confused, plain, word_at};
use super::value::Value;
use crate::control::{FaultCode, Outcome, Plan, Reply, Request, SettingChange, Step};
use std::time::Duration;

/// How often we look whether the client still waits for an update to end.
const CLIENT_CHECK: Duration = Duration::from_secs(1);

/// `reloadConfig`: `[[added, changed, removed]]`.
pub fn reread(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    match caller.link.ask(&Request::Reread, QUESTION_TIMEOUT)? {
        Reply::Difference { added, changed, removed } => {
            let names = |names: Vec<String>| Value::Array(names.into_iter().map(Value::Text).collect());
            Ok(Value::Array(vec![Value::Array(vec![names(added), names(changed), names(removed)])]))
        }
        other => done(other),
    }
}

/// `addProcessGroup`.
pub fn add(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    done(caller.link.ask(&Request::AddGroup(word_at(params, 0)?), QUESTION_TIMEOUT)?)
}

/// `removeProcessGroup`.
pub fn remove(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    done(caller.link.ask(&Request::RemoveGroup(word_at(params, 0)?), QUESTION_TIMEOUT)?)
}

/// `mainstay.plan`: what an update of these groups, or of all, would do.
pub fn plan(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    shown(caller.link.ask(&Request::Plan(names_at(params)?), QUESTION_TIMEOUT)?)
}

/// `mainstay.update`: does it, and answers when all that had to stop has stopped.
pub fn update(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    shown(caller.link.ask_while(&Request::Update(names_at(params)?), CLIENT_CHECK, caller.wanted)?)
}

fn names_at(params: &[Value]) -> Result<Vec<String>> {
    let refused = || plain(FaultCode::IncorrectParameters);
    match params.first() {
        None => Ok(Vec::new()),
        Some(Value::Array(names)) => {
            names.iter().map(|n| n.as_str().map(str::to_owned).ok_or_else(refused)).collect()
        }
        Some(_) => Err(refused()),
    }
}

fn done(reply: Reply) -> Result<Value> {
    match reply {
        Reply::Command(Outcome::Done) => Ok(Value::Bool(true)),
        Reply::Command(Outcome::Fault(fault)) => Err(fault.into()),
        other => Err(confused(&other)),
    }
}

fn shown(reply: Reply) -> Result<Value> {
    match reply {
        Reply::Plan(plan) => Ok(plan_value(*plan)),
        other => done(other),
    }
}

fn plan_value(plan: Plan) -> Value {
    structure(vec![
        ("by_program", Value::Bool(plan.by_program)),
        ("steps", Value::Array(plan.steps.into_iter().map(step_value).collect())),
        ("reload", settings(plan.reload)),
    ])
}

fn step_value(step: Step) -> Value {
    structure(vec![
        ("group", Value::Text(step.group)),
        ("name", Value::Text(step.name)),
        ("action", Value::text(step.kind.word())),
        ("settings", settings(step.settings)),
    ])
}

fn settings(changes: Vec<SettingChange>) -> Value {
    let one = |c: SettingChange| {
        structure(vec![
            ("setting", Value::Text(c.setting)),
            ("from", Value::Text(c.from)),
            ("to", Value::Text(c.to)),
        ])
    };
    Value::Array(changes.into_iter().map(one).collect())
}

fn structure(members: Vec<(&str, Value)>) -> Value {
    Value::Struct(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
