//! An HTTP client of one request for each connection, and XML-RPC on top of it.
//!
//! Does I/O. Invariants: connecting has a deadline, waiting for a command has none (a stop may take minutes);
//! what a server may send is bounded. HTTP/1.0 on purpose: the answer ends with the connection or its length.
//! Not here: what is asked (`commands`), XML (`gateway::rpc::xml`).

use crate::ctl::address::{Place, ServerAddress};
use crate::gateway::rpc::value::Value;
use crate::gateway::rpc::xml::{self, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// For a TCP connection to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// BOUND: an answer. All processes of the largest installations are below.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug)]
pub enum ClientError {
    /// Nobody could be reached.
    Connect(io::Error),
    /// The connection broke.
    Broken(io::Error),
    /// Another HTTP status than 200.
    Status(u16, String),
    Fault {
        code: i64,
        text: String,
    },
    /// An answer that makes no sense.
    Garbled(String),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Connect(e) => write!(f, "cannot connect: {e}"),
            ClientError::Broken(e) => write!(f, "cannot talk to the server: {e}"),
            ClientError::Status(status, reason) => write!(f, "the server answered {status} {reason}"),
            ClientError::Fault { code, text } => write!(f, "the server refused: {text} (fault {code})"),
            ClientError::Garbled(why) => write!(f, "cannot understand the server: {why}"),
        }
    }
}

impl std::error::Error for ClientError {}

/// Whoever can be asked: a server, or a script in tests.
pub trait Api {
    /// Calls a method of the `supervisor` namespace.
    ///
    /// # Errors
    /// See `ClientError`.
    fn call(&self, method: &str, params: &[Value]) -> Result<Value, ClientError>;

    /// For messages.
    fn url(&self) -> String;
}

/// A server at an address.
pub struct Server {
    address: ServerAddress,
}

impl Server {
    #[must_use]
    pub fn new(address: ServerAddress) -> Server {
        Server { address }
    }
}

impl Api for Server {
    fn call(&self, method: &str, params: &[Value]) -> Result<Value, ClientError> {
        let body = xml::call(&format!("supervisor.{method}"), params);
        let answer = request(&self.address, "POST", "/RPC2", Some(&body), None)?;
        if answer.status != 200 {
            return Err(ClientError::Status(answer.status, answer.reason));
        }
        let text = String::from_utf8_lossy(&answer.body);
        match xml::read_response(&text).map_err(|e| ClientError::Garbled(e.to_string()))? {
            Response::Value(value) => Ok(value),
            Response::Fault { code, text } => Err(ClientError::Fault { code, text }),
        }
    }

    fn url(&self) -> String {
        self.address.to_string()
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
    request(address, "GET", path, None, Some(timeout))
}

/// A stream of either family.
pub trait Connection: Read + Write {}
impl Connection for TcpStream {}
impl Connection for UnixClient {}

/// A unix stream that does not raise SIGPIPE when the server has closed it.
struct UnixClient(UnixStream);

impl Read for UnixClient {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Write for UnixClient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use nix::sys::socket::{MsgFlags, send};
        let sent = send(self.0.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL);
        sent.map_err(|e| io::Error::from_raw_os_error(e as i32))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Connects; with `timeout` every later wait is bounded too.
///
/// # Errors
/// When nobody is there.
pub fn connect(address: &ServerAddress, timeout: Option<Duration>) -> io::Result<Box<dyn Connection>> {
    match &address.place {
        Place::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(timeout)?;
            stream.set_write_timeout(timeout)?;
            Ok(Box::new(UnixClient(stream)))
        }
        Place::Tcp { host, port } => {
            let stream = connect_tcp(host, *port, timeout.unwrap_or(CONNECT_TIMEOUT))?;
            stream.set_read_timeout(timeout)?;
            stream.set_write_timeout(timeout)?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
    }
}

fn connect_tcp(host: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in resolve(host, port)? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// Addresses and `localhost` need no resolver, which an image FROM scratch does not have.
fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let ips = match host.parse::<IpAddr>() {
        Ok(ip) => vec![ip],
        Err(_) if host == "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        Err(_) => return (host, port).to_socket_addrs().map(Iterator::collect),
    };
    Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
}

fn request(
    address: &ServerAddress,
    method: &str,
    path: &str,
    body: Option<&str>,
    timeout: Option<Duration>,
) -> Result<Answer, ClientError> {
    let mut stream = connect(address, timeout).map_err(ClientError::Connect)?;
    let mut message = format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\nUser-Agent: mainstay\r\n");
    if let (Some(user), Some(password)) = (&address.username, &address.password) {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        message.push_str(&format!("Authorization: Basic {credentials}\r\n"));
    }
    if let Some(body) = body {
        message.push_str(&format!("Content-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    } else {
        message.push_str("\r\n");
    }
    // A server that refuses before it has read everything still says why.
    let sent = stream.write_all(message.as_bytes()).and_then(|()| stream.flush());
    match (read_answer(&mut *stream), sent) {
        (Ok(answer), _) => Ok(answer),
        (Err(_), Err(e)) => Err(ClientError::Broken(e)),
        (Err(e), Ok(())) => Err(e),
    }
}

fn read_answer(stream: &mut dyn Connection) -> Result<Answer, ClientError> {
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
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
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
