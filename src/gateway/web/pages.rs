//! The pages as HTML, filled in from what the core said.
//!
//! Pure; the time zone is a parameter. Invariants: every value passes the template engine's escaping; values of attributes
//! without quotes hold only what `form::quote` lets through. A row is kept short: a page of a thousand programs is to
//! stay below 400 kB, so optional end tags and quotes are left out, as HTML allows.
//! Why askama: its templates are HTML that can be read and shortened as such. maud made a binary 3 kB smaller and a page
//! 24 kB larger.
//! COMPAT: classes and words of states are Supervisor's. Not here: what is asked for (`mod`).

use super::form::quote;
use crate::control::{ProcessInfo, Snapshot, State};
use crate::gateway::rpc::describe::description;
use crate::gateway::rpc::namespec;
use crate::sys::clock::LocalTime;
use askama::Template;

/// What is said about a refusal: a heading and a reason with what to do.
pub type Words = (&'static str, &'static str);

pub const FOREIGN: Words = (
    "Nothing was done",
    "Another site asked for this, not you on this page. To do it, open the status page and press the button there. \
     Behind a proxy that changes the Host header, let it pass the header on, or set X-Forwarded-Host.",
);
pub const STRANGE_NAME: Words = (
    "Nothing was done",
    "This server asks for no password, so it takes orders from a browser only under a name that nobody else can own: an \
     IP address, localhost, a name without a dot, or one below .local or .internal. Set a username and a password for \
     the server to use it under this name.",
);
pub const GUESS: Words =
    ("Nothing was done", "Your browser tried to fetch this page before you asked for it.");
pub const UNKNOWN: Words =
    ("Nothing was done", "There is no such action, or it needs the name of a process.");

/// The word on the button of an action; Supervisor's.
fn button(action: &str) -> &str {
    match action {
        "start" => "Start",
        "stop" => "Stop",
        "restart" => "Restart",
        "clearlog" => "Clear Log",
        "stopall" => "Stop All",
        "restartall" => "Restart All",
        other => other,
    }
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    heading: &'a str,
    text: &'a str,
    /// The action that the visitor may confirm.
    action: Option<&'a str>,
    process: Option<&'a str>,
}

/// A page that says why nothing was done.
#[must_use]
pub fn refusal((heading, text): Words) -> String {
    written(&Notice { heading, text, action: None, process: None })
}

/// A page that asks whether it is meant.
#[must_use]
pub fn confirm(action: &str, process: Option<&str>) -> String {
    let text = "Your browser did not say whether this link comes from this page.";
    written(&Notice { heading: "Do you want this?", text, action: Some(action), process })
}

#[derive(Template)]
#[template(path = "tail.html")]
struct Tail<'a> {
    process: Option<&'a str>,
    link: String,
    stderr: bool,
    bytes: i64,
    text: Result<&'a str, &'a str>,
}

impl Tail<'_> {
    /// How much may be asked for at once, and how it is called.
    const SIZES: [(i64, &'static str); 4] =
        [(1024, "1 KB"), (16 << 10, "16 KB"), (128 << 10, "128 KB"), (1 << 20, "1 MB")];

    fn stream(&self) -> &'static str {
        if self.stderr { "stderr" } else { "stdout" }
    }
}

/// The end of a log, or why there is none.
#[must_use]
pub fn tail(process: Option<&str>, stderr: bool, bytes: i64, text: Result<&str, &str>) -> String {
    let link = process.map(|name| quote(name, true)).unwrap_or_default();
    written(&Tail { process, link, stderr, bytes, text })
}

#[derive(Template)]
#[template(path = "status.html")]
struct Status<'a> {
    snapshot: &'a Snapshot,
    message: Option<&'a str>,
    local_time: fn(i64) -> LocalTime,
}

/// One line of the table.
struct Row<'a> {
    process: &'a ProcessInfo,
    name: String,
    link: String,
    description: String,
}

impl Row<'_> {
    /// COMPAT: which buttons there are.
    fn can_stop(&self) -> bool {
        self.process.state == State::Running
    }

    fn can_start(&self) -> bool {
        self.process.state.is_stopped() && self.process.state != State::Unknown
    }

    /// Said only where it is not as one would expect.
    fn is_unready(&self) -> bool {
        self.process.state == State::Running && !self.process.ready
    }
}

impl Status<'_> {
    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.snapshot.processes.iter().map(|process| {
            let name = namespec::join(&process.group, &process.name);
            let link = quote(&name, true);
            Row { process, name, link, description: description(process, self.local_time) }
        })
    }

    /// How many processes are in each state.
    fn counts(&self) -> impl Iterator<Item = (usize, State)> {
        let count = |s| self.snapshot.processes.iter().filter(|p| p.state == s).count();
        State::ALL.into_iter().map(move |s| (count(s), s)).filter(|(n, _)| *n > 0)
    }

    fn is_bad_news(&self) -> bool {
        self.message.is_some_and(|m| ["ERROR", "unexpected", "No such"].iter().any(|w| m.starts_with(w)))
    }
}

/// COMPAT: the class of a state.
fn class(state: &State) -> &'static str {
    match state {
        State::Running => "statusrunning",
        State::Fatal | State::Backoff => "statuserror",
        _ => "statusnominal",
    }
}

fn word(state: &State) -> String {
    state.name().to_ascii_lowercase()
}

/// All programs.
#[must_use]
pub fn status(snapshot: &Snapshot, message: Option<&str>, local_time: fn(i64) -> LocalTime) -> String {
    written(&Status { snapshot, message, local_time })
}

/// Writing to memory cannot fail.
fn written(page: &impl Template) -> String {
    page.render().unwrap_or_default()
}
