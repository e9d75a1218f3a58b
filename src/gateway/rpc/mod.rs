//! XML-RPC as Supervisor's clients speak it: a POST to `/RPC2` becomes a method, a method becomes questions to the core.
//!
//! No I/O of its own. Invariants: only the methods of the table can be reached; whatever text comes back from programs,
//! the answer is well-formed XML. Not here: HTTP and authentication (`route`), what a command does (`engine`).

pub mod config;
pub mod describe;
mod explain;
pub mod groups;
pub mod logs;
pub mod methods;
pub mod namespec;
mod own;
mod send;
pub mod table;
pub mod value;
pub mod xml;

use crate::gateway::Site;
use crate::gateway::http::{Answer, Request};
use methods::{Caller, Refusal};

/// Answers a call; `None` when the client went away while it was carried out.
#[must_use]
pub fn answer(site: &Site, request: &Request, wanted: &dyn Fn() -> bool) -> Option<Answer> {
    let call = std::str::from_utf8(&request.body).ok().and_then(|text| xml::read_call(text).ok());
    // COMPAT: what cannot be read is no fault but a bad request, and so is a call without a method.
    let Some(call) = call.filter(|c| !c.method.is_empty()) else {
        return Some(crate::gateway::route::error(400));
    };
    let caller = Caller::new(site, wanted);
    let body = match table::call(&caller, &call.method, &call.params) {
        Ok(value) => xml::response(&value),
        Err(Refusal::Fault(fault)) => xml::fault(fault.code as i32, &fault.to_string()),
        Err(Refusal::Abandoned) => return None,
    };
    Some(Answer { content_type: "text/xml", ..Answer::text(200, body) })
}

#[cfg(test)]
mod tests;
