//! What `top` still has to do when somebody leaves: a restart whose stop has not ended yet.
//!
//! Does I/O through the source, on stderr, and waits. Invariants: the terminal is as it was, so Ctrl-C and TERM end us as
//! ever; it does not last longer than `LIMIT_MS`. The second half of a restart is ours, as the API has no restart.
//! Not here: what has stopped (`model`), the table (`super`).

use super::model::Model;
use super::{RESTART_MS, Source, command};
use crate::ctl::client::{ClientError, PATIENCE};
use crate::ctl::interrupt::{Woken, wait};
use crate::ctl::names::{self, Verb};
use crate::gateway::plain::plain;
use crate::sys::clock;
use std::io::Write;
use std::time::Duration;

/// BOUND: longer than nearly every `stopwaitsecs`.
const LIMIT_MS: i64 = 5 * 60 * 1000;

/// Ends the restarts that have begun; the exit code, which is `code` where all goes well.
pub(super) fn finish(source: &mut Source<'_>, model: &mut Model, code: u8) -> u8 {
    if model.restarting.is_empty() {
        return code;
    }
    let names = model.restarting.join(", ");
    tell(&["finishing the restart of ", &names, " (Ctrl-C leaves it stopped)"]);
    match until_stopped(source, model) {
        Ok(true) => code,
        Ok(false) => code.max(names::GENERIC),
        Err(why) => {
            let left = model.restarting.join(" ");
            tell(&["error: the restart is not finished: ", &why]);
            tell(&["hint: `mainstay ctl start ", &left, "` does the rest"]);
            code.max(names::GENERIC)
        }
    }
}

/// Starts each as soon as it has stopped; whether every start was taken.
fn until_stopped(source: &mut Source<'_>, model: &mut Model) -> Result<bool, String> {
    let mut all_taken = true;
    let begun = clock::now().mono;
    let (end, mut heard) = (begun.plus_ms(LIMIT_MS), begun);
    loop {
        let now = clock::now().mono;
        match source.rows() {
            Ok(rows) => {
                (model.rows, heard) = (rows, now);
                for spec in model.take_stopped() {
                    let (taken, said) = command(source.api, Verb::Start, &spec);
                    all_taken &= taken;
                    tell(&[&said]);
                }
            }
            Err(ClientError::Interrupted) => return Err("interrupted".to_owned()),
            Err(error) if now.since_ns(heard) > nanos(PATIENCE) => return Err(plain(&error.to_string())),
            // It may be about to come back.
            Err(_) => {}
        }
        if model.restarting.is_empty() {
            return Ok(all_taken);
        }
        if now >= end {
            return Err("it has not stopped within 5 minutes".to_owned());
        }
        // In a shell Ctrl-C is held back; else it ends us here.
        if let Ok(Woken::Signal(_)) = wait(&[], Some(Duration::from_millis(RESTART_MS.unsigned_abs()))) {
            return Err("interrupted".to_owned());
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The terminal may have gone: then nobody is to be told.
fn tell(parts: &[&str]) {
    let _ = writeln!(std::io::stderr(), "{}", parts.concat());
}
