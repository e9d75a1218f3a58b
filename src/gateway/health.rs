//! `/livez`, `/readyz`, `/startupz`, `/healthz`: 200 or 503, and the body as kube-apiserver writes it.
//!
//! No I/O of its own; one question to the core, with a deadline that leaves a kubelet's second room.
//! Invariants: never a redirect, never another status than 200, 404 (no such check) and 503; a core that does not
//! answer is a failure of every probe; reasons are shown only where commands are accepted too.
//! Not here: what makes a program ready (`engine`).

use crate::control::{Check, HealthKind, Reply, Request as Question};
use crate::gateway::Site;
use crate::gateway::http::{Answer, percent_decode};
use crate::types::sort_by;
use serde_json::json;
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
    let all_of = |wanted: &str| query.iter().filter(|(n, _)| n == wanted).map(|(_, v)| v.as_str()).collect();
    let formats: Vec<&str> = all_of("format");
    let asked = Query {
        verbose: query.iter().any(|(name, _)| name == "verbose"),
        excluded: all_of("exclude"),
        json: formats.contains(&"json"),
        reveal: site.has_authority(),
    };
    match single.filter(|name| !name.is_empty()) {
        Some(name) => one(&checks, &percent_decode(name), page, &asked),
        None => all(&checks, page, &asked),
    }
}

/// What the page was asked for.
struct Query<'a> {
    verbose: bool,
    excluded: Vec<&'a str>,
    json: bool,
    /// Reasons are shown.
    reveal: bool,
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

/// A check by its name: `web`, `worker:worker_00`; a group, `worker` or `worker:*`, is all of its checks.
fn named<'a>(checks: &'a [Check], name: &str) -> Vec<&'a Check> {
    let exact = |name: &str| checks.iter().filter(|c| c.name == name).collect::<Vec<_>>();
    let group = name.strip_suffix(":*").unwrap_or(name);
    // A process that is called as its group is shown by one word.
    let short = name.split_once(':').filter(|(group, process)| group == process).map(|(group, _)| group);
    let members =
        || checks.iter().filter(|c| c.name.split_once(':').is_some_and(|(g, _)| g == group)).collect();
    match exact(name) {
        found if !found.is_empty() => found,
        _ => match short.map(exact) {
            Some(found) if !found.is_empty() => found,
            _ => members(),
        },
    }
}

fn one(checks: &[Check], name: &str, page: &str, query: &Query<'_>) -> Answer {
    let found = named(checks, name);
    let core_fails = checks.iter().any(|c| c.name == CORE && !c.ok);
    // A core that does not answer cannot say whether there is such a check.
    if found.is_empty() && core_fails {
        return Answer::text(503, "core failed\n");
    }
    if found.is_empty() {
        let names: Vec<&str> = checks.iter().map(|c| c.name.as_str()).collect();
        return Answer::text(404, format!("no check is called {name}; there are: {}\n", names.join(", ")));
    }
    let lines: Vec<Line<'_>> = found.into_iter().map(|check| Line { check, excluded: false }).collect();
    let ok = lines.iter().all(|l| l.check.ok);
    if query.json {
        return json(&lines, ok, &[], query.reveal);
    }
    let text: String = lines.iter().map(|l| l.text(query.reveal)).collect();
    match (ok, query.verbose) {
        (true, false) => Answer::text(200, "ok"),
        (true, true) => Answer::text(200, format!("{text}{page} check passed\n")),
        (false, true) => Answer::text(503, format!("{text}{page} check failed\n")),
        (false, false) => Answer::text(503, text),
    }
}

fn all(checks: &[Check], page: &str, query: &Query<'_>) -> Answer {
    let is_excluded = |check: &Check| {
        query.excluded.iter().any(|name| named(checks, name).iter().any(|c| c.name == check.name))
    };
    let lines: Vec<Line<'_>> =
        checks.iter().map(|check| Line { check, excluded: is_excluded(check) }).collect();
    let ok = lines.iter().all(|l| l.excluded || l.check.ok);
    let mut unknown: Vec<&str> =
        query.excluded.iter().copied().filter(|name| named(checks, name).is_empty()).collect();
    sort_by(&mut unknown, &|a, b| a.cmp(b));
    unknown.dedup();
    if query.json {
        return json(&lines, ok, &unknown, query.reveal);
    }
    let mut body: String = lines.iter().map(|l| l.text(query.reveal)).collect();
    if !unknown.is_empty() {
        let quoted: Vec<String> = unknown.iter().map(|name| format!("{name:?}")).collect();
        let names = quoted.join(",");
        let _ = writeln!(body, "warn: some health checks cannot be excluded: no matches for {names}");
    }
    let _ = writeln!(body, "{page} check {}", if ok { "passed" } else { "failed" });
    match (ok, query.verbose) {
        (true, false) => Answer::text(200, "ok"),
        (true, true) => Answer::text(200, body),
        (false, _) => Answer::text(503, body),
    }
}

/// `{"status":"failed","checks":[{"name":"web","status":"failed","reason":"BACKOFF"}]}`
fn json(lines: &[Line<'_>], ok: bool, unknown: &[&str], reveal: bool) -> Answer {
    let word = |ok: bool| if ok { "ok" } else { "failed" };
    let one = |line: &Line<'_>| {
        let mut one = json!({"name": line.check.name, "status": word(line.check.ok)});
        if line.excluded {
            one["excluded"] = json!(true);
        }
        if !line.check.ok {
            one["reason"] = json!(line.reason(reveal));
        }
        one
    };
    let mut whole = json!({"status": word(ok), "checks": lines.iter().map(one).collect::<Vec<_>>()});
    if !unknown.is_empty() {
        whole["unknown"] = json!(unknown);
    }
    let answer = Answer::text(if ok { 200 } else { 503 }, format!("{whole}\n"));
    Answer { content_type: "application/json", ..answer }
}

/// One check as it is shown.
struct Line<'a> {
    check: &'a Check,
    excluded: bool,
}

impl Line<'_> {
    fn reason(&self, reveal: bool) -> &str {
        match self.check.reason.as_str() {
            reason if reveal && !reason.is_empty() => reason,
            _ => "reason withheld",
        }
    }

    fn text(&self, reveal: bool) -> String {
        match (self.excluded, self.check.ok) {
            (true, _) => format!("[+]{} excluded: ok\n", self.check.name),
            (false, true) => format!("[+]{} ok\n", self.check.name),
            (false, false) => format!("[-]{} failed: {}\n", self.check.name, self.reason(reveal)),
        }
    }
}
