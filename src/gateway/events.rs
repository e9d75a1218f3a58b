//! `GET /events`: what happens, as it happens, to one client until it goes.
//!
//! Does I/O: asks the core for a subscription, writes to the client. Invariants: nothing is sent before the subscription is
//! in force, so that nothing after the head is missed; a client that does not read loses events, is told how many, and
//! is cut in the end; it holds up nobody. No timer runs while nobody follows. Forms: NDJSON, server-sent events
//! (`Accept: text/event-stream`), lines for people (`text/plain`); `?form=` says it too.
//! Not here: who may ask (`route`), what is told (`words`), the queue (`mailbox`).

pub mod words;

use crate::config::validate::special::EVENTS;
use crate::gateway::Site;
use crate::gateway::http::{Answer, Request};
use crate::gateway::link::Subscription;
use crate::gateway::mailbox::Woken;
use crate::gateway::stream::{Outgoing, Stream};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;
use tiny_http::HTTPVersion;

/// What is told where nobody says what to tell: all but the clock and the output.
const USUAL: [&str; 5] = [
    "PROCESS_STATE",
    "PROCESS_COMMUNICATION",
    "PROCESS_GROUP",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE",
];

/// So long after the last byte a client is sent an empty line, by which a broken connection is noticed.
const SILENCE_MS: u16 = 15_000;

/// BOUND: for a client to take what has been put together for it.
const PIECE_MS: i64 = 60_000;

/// BOUND: what is put together for a client before it is sent.
const PIECE_BYTES: usize = 64 << 10;

/// For the subscription, which the core confirms in the turn that reads it.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// How events are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    Json,
    ServerSent,
    Text,
}

impl Form {
    fn content_type(self) -> &'static str {
        match self {
            Form::Json => "application/x-ndjson",
            Form::ServerSent => "text/event-stream",
            Form::Text => "text/plain;charset=utf-8",
        }
    }
}

/// What a client wants to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    pub types: Vec<String>,
    pub form: Form,
}

/// Reads `?types=A,B` and in which form; the answer to what cannot be.
///
/// # Errors
/// What is wrong.
pub fn wish(request: &Request) -> Result<Wish, Answer> {
    let mut types: Vec<String> = Vec::new();
    let mut form = match request.header("Accept") {
        Some(accept) if accept.contains("text/event-stream") => Form::ServerSent,
        Some("text/plain") => Form::Text,
        _ => Form::Json,
    };
    let refuse = |text: String| Err(Answer::text(400, text));
    for (name, value) in request.query() {
        match (name.as_str(), value.as_str()) {
            ("types", list) => {
                let names = list.split(',').map(|t| t.trim().to_ascii_uppercase());
                for name in names.filter(|t| !t.is_empty()) {
                    if !types.contains(&name) {
                        types.push(name);
                    }
                }
            }
            ("form", "json") => form = Form::Json,
            ("form", "sse") => form = Form::ServerSent,
            ("form", "text") => form = Form::Text,
            _ => return refuse("there are `types=A,B` and `form=json|sse|text`\n".to_owned()),
        }
    }
    if let Some(unknown) = types.iter().find(|t| !EVENTS.contains(&t.as_str())) {
        return refuse(format!("there is no event `{unknown}`; there are {}\n", EVENTS.join(", ")));
    }
    if types.is_empty() {
        types = USUAL.map(str::to_owned).into();
    }
    Ok(Wish { types, form })
}

/// One client that is told what happens.
pub struct Follow<'a> {
    site: &'a Site,
    subscription: Subscription<'a>,
    form: Form,
}

impl<'a> Follow<'a> {
    /// `None` when the core does not let us.
    #[must_use]
    pub fn open(site: &'a Site, wish: Wish) -> Option<Follow<'a>> {
        let subscription = site.link.subscribe(wish.types, QUESTION_TIMEOUT).ok()?;
        Some(Follow { site, subscription, form: wish.form })
    }

    /// Sends until the client goes or the core does.
    ///
    /// # Errors
    /// What ended it.
    pub fn run(self, request: &Request, stream: &Stream) -> io::Result<()> {
        let chunked = request.version == HTTPVersion(1, 1);
        let packing = if chunked { "Transfer-Encoding: chunked" } else { "Connection: close" };
        let head = format!(
            "HTTP/1.1 200 OK\r\nServer: mainstay\r\nContent-Type: {}\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nX-Accel-Buffering: no\r\n{packing}\r\n\r\n",
            self.form.content_type()
        );
        self.send(stream, &head)?;
        loop {
            let woken = self.subscription.mailbox.wait(Some(stream.as_fd()), SILENCE_MS);
            if woken == Woken::ByClient {
                return Ok(());
            }
            let inside = self.subscription.mailbox.take();
            let mut text = String::new();
            for event in &inside.events {
                self.add(&mut text, &self.words(event), Some(event.serial));
                if text.len() >= PIECE_BYTES {
                    self.send_piece(stream, &std::mem::take(&mut text), chunked)?;
                }
            }
            if inside.lost > 0 {
                let words = match self.form {
                    Form::Text => format!("{} events were lost here", inside.lost),
                    Form::Json | Form::ServerSent => words::lost(inside.lost),
                };
                self.add(&mut text, &words, None);
            }
            if woken == Woken::ByTime && text.is_empty() && inside.events.is_empty() {
                text.push_str(if self.form == Form::ServerSent { ":\n\n" } else { "\n" });
            }
            if !text.is_empty() {
                self.send_piece(stream, &text, chunked)?;
            }
            if inside.gone {
                return if chunked { self.send(stream, "0\r\n\r\n") } else { Ok(()) };
            }
        }
    }

    fn words(&self, event: &crate::control::Event) -> String {
        match self.form {
            Form::Text => words::line(event, self.site.tools.local_time),
            Form::Json | Form::ServerSent => words::json(event),
        }
    }

    fn add(&self, text: &mut String, line: &str, serial: Option<u64>) {
        if self.form != Form::ServerSent {
            text.push_str(line);
            text.push('\n');
            return;
        }
        if let Some(serial) = serial {
            text.push_str(&format!("id: {serial}\n"));
        }
        text.push_str("data: ");
        text.push_str(line);
        text.push_str("\n\n");
    }

    fn send_piece(&self, stream: &Stream, text: &str, chunked: bool) -> io::Result<()> {
        if chunked {
            self.send(stream, &format!("{:x}\r\n{text}\r\n", text.len()))
        } else {
            self.send(stream, text)
        }
    }

    fn send(&self, stream: &Stream, text: &str) -> io::Result<()> {
        let now = self.site.tools.mono;
        Outgoing { stream, now, deadline: now().plus_ms(PIECE_MS) }.write_all(text.as_bytes())
    }
}
