//! `mainstay doctor`: what is wrong with this container, beside a running daemon or without one.
//!
//! Does I/O: looks, and prints. Invariants: nothing is changed and nobody is signalled; it never waits for longer than a
//! moment; without `/proc` it says what it could not see. The checks are pure functions over what was gathered. Exit
//! codes: 0 nothing has failed (there may be warnings), 1 something has, 2 a wrong command line.

mod budget;
mod configured;
mod facts;
mod gather;
mod machine;
mod reading;
mod zombies;

use clap::Args;
use facts::{Facts, Grace};
use serde_json::json;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

/// Say what is wrong with this container
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Exit codes: 0 nothing has failed, there may be warnings; 1 something has failed; 2 a wrong command line.")]
pub struct DoctorArgs {
    /// The configuration; without it the one that the running daemon has, or would find
    #[arg(short = 'c', long = "configuration", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How long the container may take to stop: 30s, 500ms, 2m; also $MAINSTAY_GRACE. Docker's default is 10s,
    /// Kubernetes' (terminationGracePeriodSeconds) 30s
    #[arg(long, value_name = "TIME", value_parser = grace_ms)]
    pub grace: Option<u64>,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    Ok,
    Warn,
    Fail,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// What was looked at: a few words that stay the same.
    pub(super) what: String,
    /// What was found.
    pub(super) why: String,
    /// What to do about it; empty where nothing is.
    pub(super) todo: String,
}

pub(super) fn ok(what: impl Into<String>, why: impl Into<String>) -> Finding {
    Finding { level: Level::Ok, what: what.into(), why: why.into(), todo: String::new() }
}

pub(super) fn warn(what: impl Into<String>, why: impl Into<String>, todo: impl Into<String>) -> Finding {
    Finding { level: Level::Warn, what: what.into(), why: why.into(), todo: todo.into() }
}

pub(super) fn fail(what: impl Into<String>, why: impl Into<String>, todo: impl Into<String>) -> Finding {
    Finding { level: Level::Fail, what: what.into(), why: why.into(), todo: todo.into() }
}

/// Looks and prints; the exit status.
#[must_use]
pub fn run(args: &DoctorArgs, env: &[(OsString, OsString)], env_text: Vec<(String, String)>) -> u8 {
    let of_environment = env_text.iter().find(|(name, _)| name == "MAINSTAY_GRACE").map(|(_, v)| v.clone());
    let declared = match (args.grace, of_environment.as_deref().map(grace_ms)) {
        (Some(ms), _) | (None, Some(Ok(ms))) => Some(ms),
        (None, None) => None,
        (None, Some(Err(why))) => {
            let _ = writeln!(io::stderr(), "error: cannot use MAINSTAY_GRACE: {why}");
            return 2;
        }
    };
    let facts = gather::all(args, env, env_text, Grace::of(declared));
    let findings = findings(&facts);
    // A reader that has gone away changes nothing about the container.
    let _ = show(&findings, args.json, &mut io::stdout().lock());
    u8::from(findings.iter().any(|f| f.level == Level::Fail))
}

/// Everything that there is to say, in the order of what matters most.
fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all = zombies::check(facts);
    all.extend(machine::check(facts));
    all.extend(configured::check(facts));
    all.extend(budget::check(facts));
    all
}

fn show(findings: &[Finding], json: bool, out: &mut dyn Write) -> io::Result<()> {
    let count = |level| findings.iter().filter(|f| f.level == level).count();
    let (fails, warnings) = (count(Level::Fail), count(Level::Warn));
    if json {
        let all: Vec<_> = findings
            .iter()
            .map(|f| json!({"level": f.level.word(), "what": f.what, "why": f.why, "todo": f.todo}))
            .collect();
        return writeln!(out, "{}", json!({"failed": fails, "warnings": warnings, "findings": all}));
    }
    for finding in findings {
        let Finding { level, what, why, todo } = finding;
        let todo = if todo.is_empty() { String::new() } else { format!("; {todo}") };
        writeln!(out, "{:<4}  {what}: {why}{todo}", level.word())?;
    }
    let verdict = match (fails, warnings) {
        (0, 0) => "all is well".to_owned(),
        (0, n) => format!("nothing has failed, {}", counted(n, "warning")),
        (n, m) => format!("{n} failed, {}", counted(m, "warning")),
    };
    writeln!(out, "{verdict}")
}

/// `1 warning`, `3 warnings`
fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Milliseconds of `30s`, `30`, `500ms`, `2m`.
fn grace_ms(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim() {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let number = number.parse::<u64>().ok().filter(|_| factor > 0);
    number
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(|| format!("`{text}` is no time; write 30s, 500ms or 2m"))
}

#[cfg(test)]
mod tests;
