//! `enabled`: whether a program may run.
//!
//! Not here: the grammar (`config::switch`).

use super::super::reader::{Passes, Reported};
use super::Source;
use crate::config::switch::{Lookups, evaluate};
use crate::config::values::{Bad, words};

/// The expression as written, where it came out false.
pub(super) fn read(s: &mut Source<'_, '_>) -> Result<Option<String>, Reported> {
    let Some(text) = s.r.optional(s.view, "enabled", s.names, Passes::None, words::word)? else {
        return Ok(None);
    };
    let names = s.names;
    let lookups =
        Lookups { env: &|name| names.text_of(&format!("ENV_{name}")), name: &|name| names.text_of(name) };
    let outcome = evaluate(&text, &lookups);
    match (outcome, s.r.entry(s.view, "enabled")) {
        (Ok(enabled), _) => Ok((!enabled).then_some(text)),
        (Err(why), Some(entry)) => {
            let hint = "write true or false, or an expression such as `${WEB} == yes && !${MAINTENANCE}`";
            Err(s.r.refuse(s.view, entry, &Bad::new(why).hint(hint)))
        }
        (Err(_), None) => Err(Reported),
    }
}
