//! From (listener, method, path) to an answer: the whole surface of the HTTP side on one screen.
//!
//! No I/O of its own; asks the core through the site's link. Invariants: a read-only listener offers nothing that
//! changes anything; on a listener with a password nothing at all is answered without it, wrong paths included.
//! Not here: syntax (`http`, `rpc::xml`), what the endpoints say (`health`, `metrics`, `rpc`).

use crate::control::{HealthKind, ListenerKind, LogOf, Reply, Request as Question};
use crate::gateway::auth::{self, Verdict};
use crate::gateway::http::{Answer, Request};
use crate::gateway::{Site, events, health, logtail, metrics, rpc, web};
use std::time::Duration;
use tiny_http::Method;

/// A scrape gives up before Prometheus does (10 s).
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where events are followed.
const EVENTS: &str = "/events";

const INDEX: &str = "mainstay\n\n\
    /metrics   Prometheus metrics\n\
    /livez     the supervisor answers\n\
    /readyz    all programs that count are ready\n\
    /startupz  all programs that count have been ready once\n\
    /healthz   the same as /readyz\n\n\
    ?verbose lists the checks, ?exclude=NAME leaves one out, /readyz/NAME asks for one,\n\
    ?format=json is for programs.\n";

/// What has no end.
#[derive(Debug)]
pub enum Endless {
    Log(LogOf),
    Events(events::Wish),
}

/// What a request wants to follow, if it may; anything else has an `answer`.
#[must_use]
pub fn to_follow(site: &Site, request: &Request) -> Option<Endless> {
    let may = site.spec.kind == ListenerKind::Control
        && request.method == Method::Get
        && unwelcome(site, request).is_none();
    if !may {
        return None;
    }
    if request.path() == EVENTS {
        return events::wish(request).ok().filter(|_| !is_foreign(request)).map(Endless::Events);
    }
    logtail::wanted(request.path()).flatten().map(Endless::Log)
}

/// Only browsers say where a request comes from, and any page may make one to the loopback interface.
/// No XML-RPC client does; supervisord lets it happen.
fn is_foreign(request: &Request) -> bool {
    request.header("Origin").is_some()
}

/// Why a request is not even looked at.
fn unwelcome(site: &Site, request: &Request) -> Option<Answer> {
    match auth::check(request.header("Authorization"), site.spec.auth.as_ref()?) {
        Verdict::Welcome => None,
        Verdict::Unauthorized => {
            let mut refusal = error(401);
            refusal.headers.push(("WWW-Authenticate", "Basic realm=\"default\""));
            Some(refusal)
        }
        Verdict::Malformed => Some(error(400)),
    }
}

/// Answers a request; `None` when its client has gone. `wanted` says whether it is still there.
#[must_use]
pub fn answer(site: &Site, request: &Request, wanted: &dyn Fn() -> bool) -> Option<Answer> {
    if let Some(refusal) = unwelcome(site, request) {
        return Some(refusal);
    }
    let path = request.path();
    if site.spec.kind == ListenerKind::Control && logtail::wanted(path).is_some() {
        // Who comes here names no log, or wants something else of it than to follow it.
        return Some(error(if request.method == Method::Get { 404 } else { 400 }));
    }
    if site.spec.kind == ListenerKind::Control && path == EVENTS {
        return Some(match events::wish(request) {
            _ if request.method != Method::Get => only("GET"),
            _ if is_foreign(request) => error(403),
            Err(refusal) => refusal,
            // They are followed, not answered.
            Ok(_) => error(500),
        });
    }
    // COMPAT: supervisord matches the prefix; `/RPC2/` is in use.
    if site.spec.kind == ListenerKind::Control && path.starts_with("/RPC2") {
        if request.method != Method::Post {
            return Some(error(400));
        }
        if is_foreign(request) {
            return Some(error(403));
        }
        return rpc::answer(site, request, wanted);
    }
    if site.spec.kind == ListenerKind::Control
        && let Some(page) = web::page(request)
    {
        return web::answer(site, request, page, wanted);
    }
    Some(read_only(site, request, path))
}

fn read_only(site: &Site, request: &Request, path: &str) -> Answer {
    let mut words = path.trim_start_matches('/').splitn(2, '/');
    let page = words.next().unwrap_or_default();
    let rest = words.next();
    let is_http = site.spec.kind == ListenerKind::Http;
    let health = match page {
        "livez" => Some(HealthKind::Live),
        "readyz" | "healthz" => Some(HealthKind::Ready),
        "startupz" => Some(HealthKind::Startup),
        _ => None,
    };
    let known = health.is_some() || (is_http && rest.is_none() && matches!(page, "" | "metrics"));
    if !known {
        return error(404);
    }
    if !matches!(request.method, Method::Get | Method::Head) {
        return only("GET, HEAD");
    }
    match (health, page) {
        (Some(kind), _) => health::answer(site, kind, page, rest, &request.query()),
        (None, "metrics") => {
            let busy = || Answer::text(503, "too many scrapes at a time\n");
            site.load.scrape(|| scrape(site)).unwrap_or_else(busy)
        }
        (None, _) => Answer::text(200, INDEX),
    }
}

fn only(methods: &'static str) -> Answer {
    let mut refusal = error(405);
    refusal.headers.push(("Allow", methods));
    refusal
}

fn scrape(site: &Site) -> Answer {
    match site.link.ask(&Question::Snapshot { numbers: true }, SNAPSHOT_TIMEOUT) {
        Ok(Reply::Snapshot(snapshot)) => match metrics::render(*snapshot) {
            Ok(text) => Answer { content_type: metrics::CONTENT_TYPE, ..Answer::text(200, text) },
            Err(e) => Answer::text(500, format!("cannot render metrics: {e}\n")),
        },
        Ok(other) => Answer::text(500, format!("cannot understand the core: {other:?}\n")),
        Err(e) => Answer::text(503, format!("{e}\n")),
    }
}

/// The answer to what cannot be served.
#[must_use]
pub fn error(status: u16) -> Answer {
    let reason = tiny_http::StatusCode(status).default_reason_phrase();
    Answer::text(status, format!("{status} {reason}\n"))
}

#[cfg(test)]
mod tests;
