//! `/livez`, `/readyz`, `/startupz`, `/healthz`: 200 or 503, and the body as kube-apiserver writes it.
//!
//! No I/O of its own; one question to the core, with a deadline that leaves a kubelet's second room.
//! Invariants: never a redirect, never another status than 200, 404 (no such check) and 503; a core that does not
//! answer is a failure of every probe; reasons are shown only where commands are accepted too.
//! Not here: what makes a program ready (`engine`).

use crate::control::{Check, HealthKind, Reply, Request as Question};
use crate::gateway::Site;
use crate::gateway::http::{Answer, percent_decode};
use std::fmt::Write;
use std::time::Duration;

/// The usual probe time-out is one second.
const CORE_TIMEOUT: Duration = Duration::from_millis(800);

/// The name of the check that is ours: the core answers.
const CORE: &str = "core";

/// Answers `/PAGE?query` or, with `single`, `/PAGE/single`.
#[must_use]
pub fn answer(
    site: &Site,
    kind: HealthKind,
    page: &str,
    single: Option<&str>,
    query: &[(String, String)],
) -> Answer {
    let checks = checks(site, kind);
    let reveal = site.has_authority();
    match single.filter(|name| !name.is_empty()) {
        Some(name) => one(&checks, &percent_decode(name), reveal),
        None => all(&checks, page, query, reveal),
    }
}

/// What the core says, after what we know ourselves.
fn checks(site: &Site, kind: HealthKind) -> Vec<Check> {
    let core = |ok, reason: String| Check { name: CORE.to_owned(), ok, reason };
    match site.link.ask(&Question::Health(kind), CORE_TIMEOUT) {
        Ok(Reply::Health(report)) => {
            let mut checks = vec![core(true, String::new())];
            let all_ok = report.checks.iter().all(|c| c.ok);
            checks.extend(report.checks);
            if all_ok && !report.ok {
                // A report that fails without a failed check: the daemon itself is not ready, while stopping say.
                checks.push(Check {
                    name: "supervisor".to_owned(),
                    ok: false,
                    reason: "not ready".to_owned(),
                });
            }
            checks
        }
        Ok(_) => vec![core(false, "it gave an answer to another question".to_owned())],
        Err(e) => vec![core(false, e.to_string())],
    }
}

fn one(checks: &[Check], name: &str, reveal: bool) -> Answer {
    match checks.iter().find(|c| c.name == name) {
        Some(check) if check.ok => Answer::text(200, "ok"),
        Some(check) => Answer::text(503, line(check, reveal)),
        // A core that does not answer cannot say whether there is such a check.
        None if checks.iter().any(|c| c.name == CORE && !c.ok) => Answer::text(503, "core failed\n"),
        None => Answer::text(404, format!("no check is called {name}\n")),
    }
}

fn all(checks: &[Check], page: &str, query: &[(String, String)], reveal: bool) -> Answer {
    let verbose = query.iter().any(|(name, _)| name == "verbose");
    let excluded: Vec<&str> = query.iter().filter(|(n, _)| n == "exclude").map(|(_, v)| v.as_str()).collect();
    let mut body = String::new();
    let mut ok = true;
    for check in checks {
        if excluded.contains(&check.name.as_str()) {
            let _ = writeln!(body, "[+]{} excluded: ok", check.name);
        } else {
            ok &= check.ok;
            body.push_str(&line(check, reveal));
        }
    }
    let unknown: Vec<String> = excluded
        .iter()
        .filter(|name| !checks.iter().any(|c| c.name == **name))
        .map(|name| format!("{name:?}"))
        .collect();
    if !unknown.is_empty() {
        let _ = writeln!(
            body,
            "warn: some health checks cannot be excluded: no matches for {}",
            unknown.join(", ")
        );
    }
    let _ = writeln!(body, "{page} check {}", if ok { "passed" } else { "failed" });
    match (ok, verbose) {
        (true, false) => Answer::text(200, "ok"),
        (true, true) => Answer::text(200, body),
        (false, _) => Answer::text(503, body),
    }
}

fn line(check: &Check, reveal: bool) -> String {
    match (check.ok, reveal && !check.reason.is_empty()) {
        (true, _) => format!("[+]{} ok\n", check.name),
        (false, true) => format!("[-]{} failed: {}\n", check.name, check.reason),
        (false, false) => format!("[-]{} failed: reason withheld\n", check.name),
    }
}
