//! Readiness and liveness checks.
//!
//! Invariants: a check is of one kind; the times that are left out are Kubernetes'. Not here: making a check (`daemon`),
//! what follows from one (`engine`).

use crate::config::model::{Probe, ProbeKind};
use crate::config::values::words::{self, duration_ms, some_duration_ms, threshold};
use crate::config::values::{self, Bad, Input, places};

use super::super::reader::{Convert, Reported};
use super::{Source, hook};

/// Kubernetes' defaults.
pub(crate) const PERIOD_MS: i64 = 10_000;
const TIMEOUT_MS: i64 = 1_000;
/// A watchdog that barks after one second is none.
const WATCHDOG_MS: i64 = 30_000;
pub(crate) const FAILURES: u32 = 3;

/// The time that a check of this kind may take where none is written.
pub(crate) fn timeout_of(how: &ProbeKind, is_liveness: bool) -> i64 {
    if is_liveness && *how == ProbeKind::Notify { WATCHDOG_MS } else { TIMEOUT_MS }
}

/// Nobody may wonder why they are not known.
pub(super) const ONLY_READINESS: [&str; 2] = ["liveness_log", "liveness_fd"];

pub(super) fn readiness(s: &mut Source<'_, '_>) -> Result<Option<Box<Probe>>, Reported> {
    read(
        s,
        "readiness",
        &[("exec", exec), ("http", http), ("tcp", tcp), ("log", log), ("notify", notify), ("fd", fd)],
    )
}

pub(super) fn liveness(s: &mut Source<'_, '_>) -> Result<Option<Box<Probe>>, Reported> {
    if let Some(key) = ONLY_READINESS.into_iter().find(|key| s.has(key)) {
        let hint = "use `liveness_exec`, `liveness_http`, `liveness_tcp` or `liveness_notify`";
        return Err(s.refuse(
            key,
            "it can only say once that a program is ready, not that it still lives",
            hint,
        ));
    }
    let probe = read(s, "liveness", &[("exec", exec), ("http", http), ("tcp", tcp), ("notify", notify)])?;
    if probe.as_ref().is_some_and(|p| p.success_threshold != 1) {
        return Err(s.refuse(
            "liveness_success_threshold",
            "one pass is enough for a program to live",
            "leave it out",
        ));
    }
    Ok(probe)
}

/// The key by which the check was written.
pub(super) fn key_of(s: &Source<'_, '_>, word: &str) -> String {
    let kinds = ["exec", "http", "tcp", "log", "notify", "fd"];
    let found = kinds.iter().map(|kind| format!("{word}_{kind}")).find(|key| s.has(key));
    found.unwrap_or_else(|| word.to_owned())
}

type Kinds = [(&'static str, Convert<Option<ProbeKind>>)];

fn read(s: &mut Source<'_, '_>, word: &str, kinds: &Kinds) -> Result<Option<Box<Probe>>, Reported> {
    let mut found: Vec<(String, ProbeKind)> = Vec::new();
    let mut failed = Ok(());
    for (kind, convert) in kinds {
        let key = format!("{word}_{kind}");
        match s.get(&key, *convert) {
            Ok(how) => found.extend(how.flatten().map(|how| (key, how))),
            Err(reported) => failed = Err(reported),
        }
    }
    let period = s.get(&format!("{word}_period"), some_duration_ms);
    let timeout = s.get(&format!("{word}_timeout"), some_duration_ms);
    let initial_delay = s.get(&format!("{word}_initial_delay"), duration_ms);
    let success = s.get(&format!("{word}_success_threshold"), threshold);
    let failure = s.get(&format!("{word}_failure_threshold"), threshold);
    failed?;
    if let [first, second, ..] = found.as_slice() {
        let why = format!("`{}` is there as well", first.0);
        return Err(s.refuse(&second.0, &why, "a check is of one kind; keep one of them"));
    }
    let (period, timeout, initial_delay) = (period?, timeout?, initial_delay?);
    let (success, failure) = (success?, failure?);
    let Some((_, how)) = found.pop() else { return orphan(s, word) };
    Ok(Some(Box::new(Probe {
        period_ms: period.unwrap_or(PERIOD_MS),
        timeout_ms: timeout.unwrap_or(timeout_of(&how, word == "liveness")),
        initial_delay_ms: initial_delay.unwrap_or(0),
        success_threshold: success.unwrap_or(1),
        failure_threshold: failure.unwrap_or(FAILURES),
        how,
    })))
}

/// A time or threshold without a check would have no effect.
fn orphan(s: &mut Source<'_, '_>, word: &str) -> Result<Option<Box<Probe>>, Reported> {
    let rest = ["period", "timeout", "initial_delay", "success_threshold", "failure_threshold"];
    let key = rest.iter().map(|rest| format!("{word}_{rest}")).find(|key| s.has(key));
    let is_off = s.has(&format!("{word}_notify"));
    match key.filter(|_| !is_off) {
        None => Ok(None),
        Some(key) => {
            let hint = format!("add one, such as `{word}_http = :8080/healthz`");
            Err(s.refuse(&key, "there is no check that it belongs to", &hint))
        }
    }
}

fn exec(input: &Input<'_>) -> Result<Option<ProbeKind>, Bad> {
    hook(input).map(|hook| Some(ProbeKind::Exec { text: hook.text, argv: hook.argv }))
}

fn http(input: &Input<'_>) -> Result<Option<ProbeKind>, Bad> {
    places::http_url(input).map(|url| Some(ProbeKind::Http { url }))
}

fn tcp(input: &Input<'_>) -> Result<Option<ProbeKind>, Bad> {
    places::tcp_place(input).map(|address| Some(ProbeKind::Tcp { address }))
}

fn log(input: &Input<'_>) -> Result<Option<ProbeKind>, Bad> {
    let pattern = words::word(input)?;
    if pattern.is_empty() {
        return Err(Bad::new("the pattern is empty").hint("write a part of the line that says it is ready"));
    }
    if let Err(e) = crate::config::patterns::log_pattern(&pattern) {
        let hint = "a dot, brackets and the like stand for themselves behind a backslash: `\\.`";
        return Err(Bad::new(format!("not a regular expression that can be used: {e}")).hint(hint));
    }
    Ok(Some(ProbeKind::Log { pattern }))
}

fn notify(input: &Input<'_>) -> Result<Option<ProbeKind>, Bad> {
    values::boolean(input).map(|on| on.then_some(ProbeKind::Notify))
}

fn fd(input: &Input<'_>) -> Result<Option<ProbeKind>, Bad> {
    places::descriptor(input).map(|fd| Some(ProbeKind::Fd(fd)))
}
