//! An HTTP client of one request for each connection, and XML-RPC on top of it.
//!
//! Does I/O. Invariants: every step has a deadline, but for the answer to a start or a stop, which may take minutes;
//! what a server may send is bounded. HTTP/1.0 on purpose: the answer ends with the connection or its length.
//! Not here: what is asked (`commands`), XML (`gateway::rpc::xml`).

mod connection;

use crate::ctl::address::{Place, ServerAddress};
use crate::ctl::follow::{self, Ended};
use crate::ctl::interrupt::{Woken, pass_on, wait};
use crate::gateway::rpc::value::Value;
use crate::gateway::rpc::xml::{self, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::Signal;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use connection::connect_unix;
pub use connection::{Connection, connect};

/// BOUND: for a connection to come about, and for each answer that a server has at hand.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The same for somebody who looks at a screen.
const HURRY: Duration = Duration::from_secs(2);

/// BOUND: an answer. All processes of the largest installations are below.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug)]
pub enum ClientError {
    /// Nobody could be reached.
    Connect(io::Error),
    /// The connection broke.
    Broken(io::Error),
    /// The answer to something that takes long has not come, and will not: whether it was done is not known.
    Lost(Box<ClientError>),
    /// Nobody said anything for so long.
    Silent(Duration),
    /// Another HTTP status than 200.
    Status(u16, String),
    Fault {
        code: i64,
        text: String,
    },
    /// An answer that makes no sense.
    Garbled(String),
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Connect(e) => write!(f, "cannot connect: {e}"),
            ClientError::Broken(e) => write!(f, "cannot talk to the server: {e}"),
            ClientError::Lost(error) => error.fmt(f),
            ClientError::Silent(limit) => write!(f, "no answer within {} s", limit.as_secs_f64()),
            ClientError::Status(status, reason) => write!(f, "the server answered {status} {reason}"),
            ClientError::Fault { code, text } => write!(f, "the server refused: {text} (fault {code})"),
            ClientError::Garbled(why) => write!(f, "cannot understand the server: {why}"),
            ClientError::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for ClientError {}

/// Whoever can be asked: a server, or a script in tests.
pub trait Api {
    /// Calls a method of the `supervisor` namespace, or of another that its name begins with.
    ///
    /// # Errors
    /// See `ClientError`.
    fn call(&self, method: &str, params: &[Value]) -> Result<Value, ClientError>;

    /// Copies what the server sends for a path, until it ends that, or somebody presses Ctrl-C.
    ///
    /// # Errors
    /// See `ClientError`.
    fn follow(&self, path: &str, out: &mut dyn Write) -> Result<Ended, ClientError>;

    /// Where it is, and with which name and password it is asked.
    fn address(&self) -> ServerAddress;

    /// From now on another server is asked, or the same one by somebody else.
    fn turn_to(&self, address: ServerAddress);

    /// For messages.
    fn url(&self) -> String {
        self.address().to_string()
    }

    /// The same server for somebody who cannot wait long, where that makes a difference.
    fn hurried(&self) -> Option<Box<dyn Api>> {
        None
    }

    /// Whose socket it is, as the kernel says; `None` where that cannot be known.
    fn peer_pid(&self) -> Option<i32> {
        None
    }
}

/// A server at an address.
pub struct Server {
    address: RefCell<ServerAddress>,
    patience: Duration,
}

impl Server {
    #[must_use]
    pub fn new(address: ServerAddress) -> Server {
        Server::with_patience(address, PATIENCE)
    }

    /// As `new`, with another limit for what should come at once.
    #[must_use]
    pub fn with_patience(address: ServerAddress, patience: Duration) -> Server {
        Server { address: RefCell::new(address), patience }
    }
}

/// A start waits for `startsecs`, a stop for `stopwaitsecs`, and both may be hours.
fn may_take_long(method: &str) -> bool {
    method.starts_with("start") || method.starts_with("stop") || method == "mainstay.update"
}

impl Api for Server {
    fn call(&self, method: &str, params: &[Value]) -> Result<Value, ClientError> {
        let body = if method.contains('.') {
            xml::call(method, params)
        } else {
            xml::call(&format!("supervisor.{method}"), params)
        };
        let limits = Limits { step: self.patience, answer: !may_take_long(method) };
        let answer = request(&self.address(), "POST", "/RPC2", Some(&body), limits)?;
        if answer.status != 200 {
            return Err(ClientError::Status(answer.status, answer.reason));
        }
        let text = String::from_utf8_lossy(&answer.body);
        match xml::read_response(&text).map_err(|e| ClientError::Garbled(e.to_string()))? {
            Response::Value(value) => Ok(value),
            Response::Fault { code, text } => Err(ClientError::Fault { code, text }),
        }
    }

    fn follow(&self, path: &str, out: &mut dyn Write) -> Result<Ended, ClientError> {
        follow::follow(&self.address(), path, self.patience, out)
    }

    fn address(&self) -> ServerAddress {
        self.address.borrow().clone()
    }

    fn turn_to(&self, address: ServerAddress) {
        self.address.replace(address);
    }

    fn hurried(&self) -> Option<Box<dyn Api>> {
        Some(Box::new(Server::with_patience(self.address(), HURRY)))
    }

    fn peer_pid(&self) -> Option<i32> {
        use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
        let Place::Unix(path) = self.address().place else { return None };
        let stream = connect_unix(&path, self.patience).ok()?;
        getsockopt(&stream, PeerCredentials).ok().map(|peer| peer.pid())
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub reason: String,
    pub body: Vec<u8>,
}

/// `GET path`, with a deadline for each step.
///
/// # Errors
/// See `ClientError`; any status is an answer.
pub fn get(address: &ServerAddress, path: &str, timeout: Duration) -> Result<Answer, ClientError> {
    request(address, "GET", path, None, Limits { step: timeout, answer: true })
}

/// How long a request may take.
#[derive(Clone, Copy)]
struct Limits {
    /// Connecting, sending, and each piece of the answer.
    step: Duration,
    /// Whether the answer is among them.
    answer: bool,
}

impl Limits {
    /// A step that ran into its limit is told apart from one that failed.
    fn explain(self, error: io::Error, otherwise: fn(io::Error) -> ClientError) -> ClientError {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ClientError::Silent(self.step),
            _ => otherwise(error),
        }
    }
}

/// The header for a server that wants to know who asks; else nothing.
pub(super) fn credentials(address: &ServerAddress) -> String {
    let (Some(user), Some(password)) = (&address.username, &address.password) else { return String::new() };
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{user}:{password}")))
}

fn request(
    address: &ServerAddress,
    method: &str,
    path: &str,
    body: Option<&str>,
    limits: Limits,
) -> Result<Answer, ClientError> {
    let connected = connect(address, limits.step);
    let mut stream = connected.map_err(|e| limits.explain(e, ClientError::Connect))?;
    if !limits.answer {
        stream.wait_without_limit().map_err(ClientError::Broken)?;
    }
    let mut message = format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\nUser-Agent: mainstay\r\n");
    message.push_str(&credentials(address));
    if let Some(body) = body {
        message.push_str(&format!("Content-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    } else {
        message.push_str("\r\n");
    }
    // A server that refuses before it has read everything still says why.
    let sent = stream.write_all(message.as_bytes()).and_then(|()| stream.flush());
    match (read_answer(&mut *stream, limits), sent) {
        (Ok(answer), _) => Ok(answer),
        (Err(_), Err(e)) => Err(limits.explain(e, ClientError::Broken)),
        (Err(e @ (ClientError::Broken(_) | ClientError::Garbled(_))), Ok(())) if !limits.answer => {
            Err(ClientError::Lost(Box::new(e)))
        }
        (Err(e), Ok(())) => Err(e),
    }
}

fn read_answer(stream: &mut dyn Connection, limits: Limits) -> Result<Answer, ClientError> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0u8; 32 << 10];
    let mut expected = None;
    loop {
        if expected.is_none() {
            expected = whole_length(&bytes);
        }
        if expected.is_some_and(|n| bytes.len() >= n) {
            break;
        }
        // A limit of its own: whoever holds Ctrl-C back wants to hear of it.
        match wait(&[stream.as_fd()], limits.answer.then_some(limits.step)).map_err(ClientError::Broken)? {
            Woken::Ready(_) => {}
            Woken::Signal(signal) => {
                if signal != Signal::SIGINT {
                    // Whoever holds it back ends by it, once the terminal is in order again.
                    pass_on(signal);
                }
                return Err(ClientError::Interrupted);
            }
            Woken::Late => return Err(ClientError::Silent(limits.step)),
        }
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if limits.answer => return Err(limits.explain(e, ClientError::Broken)),
            Err(e) => return Err(ClientError::Broken(e)),
        }
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(ClientError::Garbled("the answer does not end".to_owned()));
        }
    }
    parse(&bytes, expected)
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|w| w == b"\r\n\r\n").map(|i| i + 4)
}

/// Head and body together, when the head is there and says how long the body is.
fn whole_length(bytes: &[u8]) -> Option<usize> {
    let end = head_end(bytes)?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("Content-Length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    end.checked_add(length)
}

fn parse(bytes: &[u8], expected: Option<usize>) -> Result<Answer, ClientError> {
    let garbled = |why: &str| ClientError::Garbled(why.to_owned());
    if bytes.is_empty() {
        return Err(garbled("it closed the connection without an answer"));
    }
    let end = head_end(bytes).ok_or_else(|| garbled("it is not HTTP"))?;
    if expected.is_some_and(|n| bytes.len() < n) {
        return Err(garbled("the answer ends in the middle"));
    }
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut words = head.lines().next().unwrap_or_default().splitn(3, ' ');
    let http = words.next().is_some_and(|w| w.starts_with("HTTP/"));
    let status = words.next().and_then(|w| w.parse().ok()).filter(|_| http);
    let status = status.ok_or_else(|| garbled("it is not HTTP"))?;
    let reason = words.next().unwrap_or_default().to_owned();
    Ok(Answer { status, reason, body: bytes[end..expected.unwrap_or(bytes.len())].to_vec() })
}

#[cfg(test)]
mod tests;
