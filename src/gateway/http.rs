//! Reads one HTTP request and writes one response, within bounds and deadlines.
//!
//! Does I/O on the stream it is given. Types, header syntax and the response writer are `tiny_http`'s.
//! Invariants: a request is in memory as a whole before anybody looks at it, its head and body are bounded, and a
//! client has one deadline for all of it however it trickles. COMPAT: a body needs a Content-Length, else 411.
//! Not here: who may ask what (`route`), connections and threads (`server`, where it says why the accept loop and
//! request reader of `tiny_http` are not used).

use crate::gateway::stream::{Outgoing, Stream};
use crate::types::Mono;
use std::io::{self, BufWriter, Write};
use std::str::FromStr;
use tiny_http::{HTTPVersion, Header, Method, Response, StatusCode};

/// BOUND: request line and headers together.
pub const MAX_HEAD_BYTES: usize = 16 << 10;

/// BOUND: a body. The largest calls in use are multicalls of a few hundred kilobytes.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// BOUND: what is read and thrown away after a refusal, so that the client gets to read why.
const MAX_DRAIN_BYTES: usize = 64 << 20;

/// A whole request.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    /// Path and query as they came.
    pub target: String,
    pub version: HTTPVersion,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &'static str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split(['?', '#']).next().unwrap_or_default()
    }

    /// Names and values of the query, decoded; a name alone has an empty value.
    #[must_use]
    pub fn query(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, q)| q);
        let query = query.split('#').next().unwrap_or_default();
        fields(query)
    }

    /// Whether the client means to send another request on this connection. One of HTTP/1.0 would wait for our
    /// consent, which the response writer cannot give: it is closed.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        let wish = self.header("Connection").unwrap_or_default().to_ascii_lowercase();
        self.version == HTTPVersion(1, 1) && !wish.contains("close")
    }
}

/// Names and values of a query or of a form that was filled in, decoded.
#[must_use]
pub fn fields(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(&name.replace('+', " ")), percent_decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Why there is no request.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The client closed, failed, or said nothing in time: no answer is due.
    Closed,
    /// It began, and did not come to an end in time.
    Slow,
    /// Refused with this status.
    Refused(u16),
}

/// What is sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    /// Where a redirection leads.
    pub location: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A plain text answer that nobody may cache.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Answer {
        Answer {
            status,
            content_type: "text/plain; charset=utf-8",
            headers: vec![("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")],
            location: None,
            body: body.into().into_bytes(),
        }
    }
}

/// One client's stream with what was read too far.
#[derive(Debug)]
pub struct Conversation<'a> {
    stream: &'a Stream,
    now: fn() -> Mono,
    unread: Vec<u8>,
}

impl<'a> Conversation<'a> {
    #[must_use]
    pub fn new(stream: &'a Stream, now: fn() -> Mono) -> Conversation<'a> {
        Conversation { stream, now, unread: Vec::new() }
    }

    /// The next request. Its first byte may come until `first_byte`, the rest within `whole_ms` from there.
    ///
    /// # Errors
    /// See `ReadError`.
    pub fn read(&mut self, first_byte: Mono, whole_ms: i64) -> Result<Request, ReadError> {
        if self.unread.is_empty() {
            self.fill(first_byte).map_err(|_| ReadError::Closed)?;
        }
        let deadline = (self.now)().plus_ms(whole_ms);
        let head_len = self.read_head(deadline)?;
        let head: Vec<u8> = self.unread.drain(..head_len).collect();
        let mut request = parse_head(&head)?;
        let length = body_length(&request)?;
        if length > 0 {
            self.invite(&request, deadline);
            while self.unread.len() < length {
                self.fill(deadline)?;
            }
            request.body = self.unread.drain(..length).collect();
        }
        Ok(request)
    }

    /// Sends the answer to `request`; the answer to an unreadable one goes out as HTTP/1.1.
    ///
    /// # Errors
    /// When the client is gone or too slow.
    pub fn write(&self, request: Option<&Request>, answer: Answer, deadline: Mono) -> io::Result<()> {
        let length = answer.body.len();
        let mut headers = vec![header("Server", "mainstay"), header("Content-Type", answer.content_type)];
        headers.extend(answer.headers.iter().map(|(name, value)| header(name, value)));
        headers.extend(answer.location.as_deref().map(|place| header("Location", place)));
        let response = Response::new(
            StatusCode(answer.status),
            headers.into_iter().flatten().collect(),
            &answer.body[..],
            Some(length),
            None,
        );
        let version = request.map_or(HTTPVersion(1, 1), |r| r.version.clone());
        let head_only = request.is_some_and(|r| r.method == Method::Head);
        let mut out =
            BufWriter::with_capacity(16 << 10, Outgoing { stream: self.stream, now: self.now, deadline });
        // The whole is in memory, so its length is known and chunks are of no use.
        let response = response.with_chunked_threshold(usize::MAX);
        response.raw_print(&mut out, version, &[], head_only, None)?;
        out.flush()
    }

    /// After a refusal: lets the client finish, so that the refusal is not lost in a reset of the connection.
    pub fn drain(&mut self, deadline: Mono) {
        self.stream.end_writing();
        let mut seen = 0;
        let mut chunk = vec![0u8; 16 << 10];
        while seen < MAX_DRAIN_BYTES {
            match self.stream.read_until(&mut chunk, self.now, deadline) {
                Ok(n) if n > 0 => seen += n,
                _ => break,
            }
        }
    }

    /// Reads until the empty line; gives the length of the head.
    fn read_head(&mut self, deadline: Mono) -> Result<usize, ReadError> {
        let mut looked_at = 0;
        loop {
            // RFC 9112 2.2: an empty line before the request is to be ignored.
            let blank = self.unread.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            if blank > 0 && looked_at == 0 {
                self.unread.drain(..blank);
            }
            if let Some(end) = head_end(&self.unread, looked_at) {
                return if end > MAX_HEAD_BYTES { Err(ReadError::Refused(431)) } else { Ok(end) };
            }
            if self.unread.len() > MAX_HEAD_BYTES {
                return Err(ReadError::Refused(431));
            }
            looked_at = self.unread.len().saturating_sub(3);
            self.fill(deadline)?;
        }
    }

    /// `Expect: 100-continue`: the client waits to hear whether its body is welcome.
    fn invite(&self, request: &Request, deadline: Mono) {
        if request.header("Expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue")) {
            let mut out = Outgoing { stream: self.stream, now: self.now, deadline };
            // A client that is gone is noticed by the next read.
            let _ = out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    fn fill(&mut self, deadline: Mono) -> Result<(), ReadError> {
        let mut chunk = [0u8; 8 << 10];
        match self.stream.read_until(&mut chunk, self.now, deadline) {
            Ok(0) => Err(ReadError::Closed),
            Ok(n) => {
                self.unread.extend_from_slice(&chunk[..n]);
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::TimedOut => Err(ReadError::Slow),
            Err(_) => Err(ReadError::Closed),
        }
    }
}

/// Where the head ends, the empty line included. A bare line feed ends a line too (RFC 9112 2.2).
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(i) = bytes.get(at..)?.iter().position(|b| *b == b'\n') {
        let next = at + i + 1;
        match (bytes.get(next), bytes.get(next + 1)) {
            (Some(b'\n'), _) => return Some(next + 1),
            (Some(b'\r'), Some(b'\n')) => return Some(next + 2),
            _ => at = next,
        }
    }
    None
}

fn parse_head(head: &[u8]) -> Result<Request, ReadError> {
    let head = std::str::from_utf8(head).map_err(|_| ReadError::Refused(400))?;
    let mut lines = head.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let first = lines.next().unwrap_or_default();
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(ReadError::Refused(400));
    };
    let version = match version {
        "HTTP/1.1" => HTTPVersion(1, 1),
        "HTTP/1.0" => HTTPVersion(1, 0),
        v if v.starts_with("HTTP/") => return Err(ReadError::Refused(505)),
        _ => return Err(ReadError::Refused(400)),
    };
    let method = Method::from_str(method).map_err(|()| ReadError::Refused(400))?;
    if !target.starts_with('/') && target != "*" {
        return Err(ReadError::Refused(400));
    }
    let headers = lines
        .filter(|line| !line.is_empty())
        .map(|line| Header::from_str(line).map_err(|()| ReadError::Refused(400)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Request { method, target: target.to_owned(), version, headers, body: Vec::new() })
}

/// How many bytes of body follow.
fn body_length(request: &Request) -> Result<usize, ReadError> {
    if request.header("Transfer-Encoding").is_some() {
        return Err(ReadError::Refused(411));
    }
    let mut lengths = request.headers.iter().filter(|h| h.field.equiv("Content-Length"));
    let Some(length) = lengths.next() else {
        let needs_one = matches!(request.method, Method::Post | Method::Put | Method::Patch);
        return if needs_one { Err(ReadError::Refused(411)) } else { Ok(0) };
    };
    let text = length.value.as_str().trim();
    if lengths.next().is_some() || text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ReadError::Refused(400));
    }
    match text.parse::<usize>() {
        Ok(n) if n <= MAX_BODY_BYTES => Ok(n),
        _ => Err(ReadError::Refused(413)),
    }
}

fn find<'h>(headers: &'h [Header], name: &'static str) -> Option<&'h str> {
    headers.iter().find(|h| h.field.equiv(name)).map(|h| h.value.as_str().trim())
}

fn header(name: &str, value: &str) -> Option<Header> {
    Header::from_bytes(name, value).ok()
}

/// `%41` to `A`; what is not an escape stays, what is not UTF-8 is replaced.
#[must_use]
pub fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        match digits.filter(|_| first == b'%').and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
