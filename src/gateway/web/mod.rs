//! The page for people on a control listener: what runs, how it does, its logs, and buttons.
//!
//! No I/O of its own; asks the core through the link. Invariants: everything that comes from outside is escaped by the
//! template engine; no script and nothing from elsewhere is ever loaded (the policy below forbids it too); only GET and
//! POST act, and only where `origin` allows it. COMPAT: paths, fields and messages are Supervisor's (contract 7).
//! Not here: passwords (`route`), logs that are followed (`logtail`), what a command does (`engine`).

pub mod act;
pub mod form;
pub mod origin;
pub mod pages;

use crate::control::{FaultCode, Reply, Request as Question, Snapshot};
use crate::gateway::Site;
use crate::gateway::http::{Answer, Request};
use crate::gateway::rpc::logs;
use crate::gateway::rpc::methods::{Caller, Refusal};
use crate::gateway::rpc::value::Value;
use crate::sys::clock;
use act::Done;
use form::{Form, quote};
use origin::Wish;
use std::time::Duration;
use tiny_http::Method;

/// For what the core answers in the turn that reads it.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of a log that are shown unless more are asked for; also the fewest.
const TAIL_BYTES: i64 = 1024;

/// BOUND: bytes of a log on one page.
const MOST_TAIL_BYTES: i64 = 1 << 20;

/// What a browser must not do with our pages.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";

/// What Supervisor leaves at FAILED.
const UNREADABLE: &str = ": this log is no file that can be read back, but a stream, most likely the container's own \
    output; read it with what collects that (`docker logs`, `kubectl logs`)";

const STYLE: &str = include_str!("style.css");

/// 16 by 16 dots.
const ICON: &[u8] = include_bytes!("icon.png");

/// The pages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Status,
    Tail,
    Ok,
    Style,
    Icon,
}

/// The page that a request is for; `None` for another path.
#[must_use]
pub fn page(request: &Request) -> Option<Page> {
    Some(match request.path().trim_start_matches('/') {
        "" | "index.html" => Page::Status,
        "tail.html" => Page::Tail,
        "ok.html" => Page::Ok,
        "stylesheets/supervisor.css" => Page::Style,
        "images/icon.png" => Page::Icon,
        _ => return None,
    })
}

/// Answers for a page; `None` when the visitor went away while an action was carried out.
#[must_use]
pub fn answer(site: &Site, request: &Request, page: Page, wanted: &dyn Fn() -> bool) -> Option<Answer> {
    let is_file = matches!(page, Page::Style | Page::Icon);
    match request.method {
        Method::Get | Method::Head => {}
        Method::Post if !is_file => {}
        // COMPAT: Supervisor has no other word for it.
        _ => return Some(crate::gateway::route::error(400)),
    }
    Some(match page {
        Page::Status => {
            let form = Form::of(request);
            match form.get("action").filter(|_| request.method != Method::Head) {
                Some(action) => return wish(site, request, &form, action, wanted),
                None => status(site, request, &form),
            }
        }
        Page::Tail => tail(site, &Form::of(request), wanted),
        Page::Ok => Answer::text(200, "OK"),
        Page::Style => Answer { content_type: "text/css; charset=utf-8", ..Answer::text(200, STYLE) },
        Page::Icon => Answer { content_type: "image/png", body: ICON.to_vec(), ..Answer::text(200, "") },
    })
}

/// Does what is asked for, if the visitor means it.
fn wish(
    site: &Site,
    request: &Request,
    form: &Form,
    action: &str,
    wanted: &dyn Fn() -> bool,
) -> Option<Answer> {
    let process = form.get("processname");
    match judge(site, request) {
        Wish::Own => {}
        // It does nothing.
        Wish::Unclear if action == "refresh" => {}
        Wish::Unclear => return Some(html(200, pages::confirm(action, process))),
        Wish::Foreign => return Some(html(403, pages::refusal(pages::FOREIGN))),
        Wish::StrangeName => return Some(html(403, pages::refusal(pages::STRANGE_NAME))),
        Wish::Guess => return Some(html(403, pages::refusal(pages::GUESS))),
    }
    let now = || (site.tools.local_time)(clock::now().wall.secs());
    match act::act(site, action, process, &now, act::PATIENCE, wanted) {
        Done::Said(message) => Some(Answer {
            // Relative: right behind a proxy that speaks TLS or serves us below a path. COMPAT: Supervisor sends the
            // browser to `http://HOST/` with a 301, which may be cached (trap 71).
            location: Some(format!("./?message={}", quote(&message, false))),
            ..html(303, String::new())
        }),
        Done::Unknown => Some(html(400, pages::refusal(pages::UNKNOWN))),
        Done::Abandoned => None,
    }
}

fn judge(site: &Site, request: &Request) -> Wish {
    origin::judge(request, site.spec.unix || site.spec.auth.is_some())
}

fn status(site: &Site, request: &Request, form: &Form) -> Answer {
    // What another site wants us to say is not said.
    let message = form.get("message").filter(|_| judge(site, request) != Wish::Foreign);
    match snapshot(site) {
        Ok(snapshot) => html(200, pages::status(&snapshot, message, site.tools.local_time)),
        Err(answer) => answer,
    }
}

fn snapshot(site: &Site) -> Result<Snapshot, Answer> {
    match site.link.ask(&Question::Snapshot { numbers: false }, QUESTION_TIMEOUT) {
        Ok(Reply::Snapshot(snapshot)) => Ok(*snapshot),
        Ok(other) => Err(Answer::text(500, format!("cannot understand the core: {other:?}\n"))),
        Err(e) => Err(Answer::text(503, format!("{e}\n"))),
    }
}

/// COMPAT: at least the usual number of bytes, whatever is asked for.
fn tail(site: &Site, form: &Form, wanted: &dyn Fn() -> bool) -> Answer {
    let asked = form.get("limit").filter(|l| l.bytes().all(|b| b.is_ascii_digit()));
    let bytes =
        asked.map_or(TAIL_BYTES, |l| l.parse().unwrap_or(i64::MAX)).clamp(TAIL_BYTES, MOST_TAIL_BYTES);
    let stderr = form.get("stream") == Some("stderr");
    let Some(name) = form.get("processname") else {
        return html(200, pages::tail(None, stderr, bytes, Err("No process name found")));
    };
    let caller = Caller::new(site, wanted);
    let params = [Value::text(name), Value::Int(-bytes), Value::Int(0)];
    let read = if stderr { logs::read_stderr } else { logs::read_stdout };
    let text = match read(&caller, &params) {
        Ok(value) => Ok(value.as_str().map(str::to_owned).unwrap_or_default()),
        Err(Refusal::Fault(fault)) if fault.code == FaultCode::NoFile => Err(format!("No file for {name}")),
        Err(Refusal::Fault(fault)) => {
            let hint = if fault.code == FaultCode::Failed && fault.extra.is_none() { UNREADABLE } else { "" };
            Err(format!("ERROR: {}{hint}", act::unexpected(&fault)))
        }
        Err(Refusal::Abandoned) => Err(String::new()),
    };
    html(200, pages::tail(Some(name), stderr, bytes, text.as_deref().map_err(String::as_str)))
}

fn html(status: u16, body: String) -> Answer {
    let mut answer = Answer { content_type: "text/html; charset=utf-8", ..Answer::text(status, body) };
    answer.headers.extend([
        ("Content-Security-Policy", POLICY),
        ("Referrer-Policy", "same-origin"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]);
    answer
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
