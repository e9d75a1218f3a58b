//! HTTP: what a stream of bytes becomes, and that no request leaks into the next one.

use super::{Target, ensure};
use crate::mutate;
use crate::rng::Rng;
use mainstay::gateway::http::{
    Answer, Conversation, MAX_BODY_BYTES, MAX_HEAD_BYTES, ReadError, Request, percent_decode,
};
use mainstay::gateway::stream::Stream;
use mainstay::types::Mono;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

/// Nothing waits: the whole stream is there before it is read. A clock that stands still makes that certain.
fn now() -> Mono {
    Mono(0)
}

const FOREVER_MS: i64 = 3_600_000;

pub(super) struct Http {
    seeds: Vec<Vec<u8>>,
    words: Vec<String>,
}

impl Http {
    pub(super) fn new() -> Http {
        Http {
            seeds: SEEDS.map(|s| s.as_bytes().to_vec()).to_vec(),
            words: WORDS.map(str::to_owned).to_vec(),
        }
    }
}

const SEEDS: [&str; 4] = [
    "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 12\r\n\r\n<methodCall>",
    "GET /readyz?verbose&exclude=web%3aapi HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dTpw\r\n\r\n\
     GET /metrics HTTP/1.0\r\nAccept: text/plain\r\n\r\n",
    "HEAD /livez HTTP/1.1\nConnection: close\nExpect: 100-continue\n\n",
    "\r\n\r\nPUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
];

const WORDS: [&str; 28] = [
    "\r\n",
    "\r\n\r\n",
    "\n\n",
    "\r",
    "GET ",
    "POST ",
    "OPTIONS * ",
    " HTTP/1.1",
    " HTTP/2.0",
    "HTTP/1.1 ",
    "/",
    "?",
    "#",
    "%2",
    "%zz",
    "+",
    "&",
    "Content-Length: 3\r\n",
    "Content-Length: -1\r\n",
    "Content-Length : 1\r\n",
    "Content-Length: 0x3\r\n",
    "Content-Length: 1048577\r\n",
    "Content-Length: 18446744073709551616\r\n",
    "Transfer-Encoding: identity\r\n",
    "Connection: keep-alive, Close\r\n",
    ": x\r\n",
    " folded\r\n",
    "A: \u{e4}\r\n",
];

impl Target for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn quick_cases(&self) -> u64 {
        2_000
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = mutate::mutant(rng, &self.seeds, &self.words);
        if rng.percent(3) {
            let n = MAX_HEAD_BYTES - 40 + rng.below(80);
            bytes.splice(0..0, format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(n)).into_bytes());
        }
        bytes
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let (requests, ended) = read_all(input)?;
        ensure(ended != ReadError::Slow, || "slow although everything was there".into())?;
        requests.iter().try_for_each(judge)?;
        let bodies: usize = requests.iter().map(|r| r.body.len()).sum();
        ensure(bodies <= input.len(), || "more came out than went in".into())?;
        // Whatever stands behind them, requests in front are read as they were written.
        let mut stream = requests.iter().flat_map(written).collect::<Vec<u8>>();
        let n_sound = requests.len();
        stream.extend_from_slice(input);
        let (again, _) = read_all(&stream)?;
        for (request, twin) in requests.iter().zip(again.iter().take(n_sound)) {
            ensure(is_same(request, twin), || format!("another request is read: {twin:?}, not {request:?}"))?;
        }
        ensure(again.len() == n_sound * 2, || {
            format!("requests are lost: {} of {}", again.len(), n_sound * 2)
        })?;
        let text = String::from_utf8_lossy(input);
        let escaped: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
        ensure(percent_decode(&escaped) == text, || "escapes are not undone".into())?;
        Ok(!requests.is_empty())
    }
}

/// All requests of a stream, and what ended it.
fn read_all(bytes: &[u8]) -> Result<(Vec<Request>, ReadError), String> {
    let failed = |e: std::io::Error| format!("the harness itself has failed: {e}");
    let (mut client, server) = UnixStream::pair().map_err(failed)?;
    client.set_nonblocking(true).map_err(failed)?;
    client.write_all(bytes).map_err(failed)?;
    client.shutdown(Shutdown::Write).map_err(failed)?;
    let stream = Stream::Unix(server);
    let mut conversation = Conversation::new(&stream, now);
    let mut requests = Vec::new();
    let ended = loop {
        match conversation.read(now().plus_ms(FOREVER_MS), FOREVER_MS) {
            Ok(request) => requests.push(request),
            Err(why) => break why,
        }
    };
    if let Some(request) = requests.last() {
        let answer = Answer::text(200, request.target.clone());
        let sent = conversation.write(Some(request), answer, now().plus_ms(FOREVER_MS));
        sent.map_err(failed)?;
        stream.end_writing();
        let mut seen = Vec::new();
        client.set_nonblocking(false).and_then(|()| client.read_to_end(&mut seen)).map_err(failed)?;
        let seen = String::from_utf8_lossy(&seen);
        let seen = seen.trim_start_matches("HTTP/1.1 100 Continue\r\n\r\n");
        let is_head = request.method.as_str() == "HEAD";
        let body = if is_head { "" } else { request.target.as_str() };
        let is_well = seen.starts_with("HTTP/1.") && seen.ends_with(&format!("\r\n\r\n{body}"));
        ensure(is_well, || format!("a bad answer to {request:?}: {seen:?}"))?;
    }
    Ok((requests, ended))
}

fn judge(request: &Request) -> Result<(), String> {
    ensure(request.body.len() <= MAX_BODY_BYTES, || "the body is too large".into())?;
    let head: usize = request.headers.iter().map(|h| h.value.as_str().len()).sum();
    ensure(head + request.target.len() <= MAX_HEAD_BYTES, || "the head is too large".into())?;
    let target = &request.target;
    ensure(target.starts_with('/') || target == "*", || format!("a strange target: {target:?}"))?;
    ensure(!target.contains([' ', '\n']), || format!("a target with blanks: {target:?}"))?;
    ensure(request.header("Transfer-Encoding").is_none(), || "a body of unknown length is taken".into())?;
    let n_lengths = request.headers.iter().filter(|h| h.field.equiv("Content-Length")).count();
    ensure(n_lengths <= 1, || format!("two lengths, so two opinions of where it ends: {request:?}"))?;
    let length = request.header("Content-Length").map_or(Ok(0), str::parse::<usize>);
    ensure(length == Ok(request.body.len()), || format!("a body of another length: {request:?}"))?;
    ensure(!request.path().contains(['?', '#']), || format!("a path with a query: {target:?}"))?;
    ensure(request.query().len() <= target.len(), || format!("a query out of nothing: {target:?}"))
}

fn written(request: &Request) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/{}\r\n", request.method, request.target, request.version);
    for header in &request.headers {
        text.push_str(&format!("{}: {}\r\n", header.field, header.value));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&request.body);
    bytes
}

fn is_same(a: &Request, b: &Request) -> bool {
    let headers = |r: &Request| -> Vec<(String, String)> {
        r.headers.iter().map(|h| (h.field.to_string(), h.value.to_string())).collect()
    };
    a.method == b.method
        && a.target == b.target
        && a.version == b.version
        && a.body == b.body
        && headers(a) == headers(b)
}
