//! `enabled`: whether a program may run.

use super::super::reader::Reported;
use super::Source;
use crate::config::values;

/// The expression where it came out false.
pub(super) fn read(s: &mut Source<'_, '_>) -> Result<Option<String>, Reported> {
    let enabled = s.get("enabled", values::boolean)?.unwrap_or(true);
    Ok((!enabled).then(|| "false".to_owned()))
}
