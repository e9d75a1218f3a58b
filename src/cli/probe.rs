//! `mainstay probe http URL` and `mainstay probe tcp ADDRESS`: one question to a program, answered by the exit code.
//!
//! Does I/O: one connection. PID 1 runs it beside a program whose readiness or liveness is `http` or `tcp`, for it never
//! parses a byte from the network itself. Invariants: a redirect is an answer and is not followed; what is read has a bound;
//! the last line says what was found. Not here: periods and thresholds (`engine::checks`), the killing of a probe that
//! takes too long (`daemon::tasks`).

use crate::ctl::address::{BadUrl, Place, ServerAddress};
use crate::ctl::client::{Connection, connect};
use crate::sys::{clock, errno};
use crate::types::Mono;
use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

/// BOUND: what is read of an answer; kubelet reads as much.
const ANSWER_BYTES: usize = 10 << 10;

/// BOUND: how long somebody waits who did not say.
const PATIENCE_S: u32 = 30;

const PASSED: u8 = 0;
const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// Options of `mainstay probe`.
#[derive(clap::Args, Clone, Debug)]
pub struct ProbeArgs {
    #[command(subcommand)]
    what: What,
    /// Seconds to wait
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = PATIENCE_S)]
    timeout: u32,
}

/// The two questions.
#[derive(clap::Subcommand, Clone, Debug)]
enum What {
    /// GET a page; a status from 200 to 399 passes, a redirect is not followed
    Http {
        /// http://host:port/path, :port/path or unix:///path
        url: String,
    },
    /// Connect, and hang up
    Tcp {
        /// host:port, [v6]:port, :port or unix:///path
        address: String,
    },
}

/// Runs the applet; gives the exit code.
#[must_use]
pub fn run(args: &ProbeArgs) -> u8 {
    probe(&args.what, args.timeout, &mut io::stdout().lock())
}

/// The words that PID 1 uses need no table of options.
#[must_use]
pub fn run_plain(words: &[OsString]) -> Option<u8> {
    let what = match (words.get(1)?.to_str()?, words.get(2)?.to_str()?, words.len()) {
        (_, word, _) if word.starts_with('-') => return None,
        ("http", url, 3) => What::Http { url: url.to_owned() },
        ("tcp", address, 3) => What::Tcp { address: address.to_owned() },
        _ => return None,
    };
    Some(probe(&what, PATIENCE_S, &mut io::stdout().lock()))
}

fn probe(what: &What, seconds: u32, out: &mut dyn Write) -> u8 {
    let limit = Limit::new(seconds.max(1));
    let result = match what {
        What::Http { url } => http_place(url).map(|(address, path)| ask(&address, &path, &limit)),
        What::Tcp { address } => tcp_place(address).map(|address| {
            connect(&address, limit.left()).map(|_| "connected".to_owned()).map_err(|e| limit.words(&e))
        }),
    };
    let (code, text) = match result {
        Ok(Ok(text)) => (PASSED, text),
        Ok(Err(text)) => (FAILED, text),
        Err(text) => (USAGE, text),
    };
    let _ = writeln!(out, "{text}"); // the code says it too
    code
}

/// One time for everything together.
struct Limit {
    seconds: u32,
    end: Mono,
}

impl Limit {
    fn new(seconds: u32) -> Limit {
        Limit { seconds, end: clock::now().mono.plus_ms(i64::from(seconds) * 1_000) }
    }

    /// Never zero, which would mean no limit.
    fn left(&self) -> Duration {
        Duration::from_nanos(self.end.since_ns(clock::now().mono)).max(Duration::from_millis(1))
    }

    fn words(&self, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("no answer within {}s", self.seconds)
            }
            _ if error.raw_os_error().is_some() => lower(errno::words(errno::of(error))),
            _ => error.to_string(),
        }
    }
}

/// `Connection refused`, in the middle of a sentence.
fn lower(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(chars).collect()
}

/// Where a URL leads, and the path with its query.
fn http_place(url: &str) -> Result<(ServerAddress, String), String> {
    let bad = |why: &str| Err(format!("cannot use the URL `{url}`: {why}"));
    if url.bytes().any(|b| b <= b' ' || b == 0x7f) {
        return bad("it contains a blank or a control character");
    }
    let whole = match url.strip_prefix(':') {
        Some(rest) => format!("http://127.0.0.1:{rest}"),
        None if url.starts_with(|c: char| c.is_ascii_digit()) && !url.contains("://") => {
            format!("http://127.0.0.1:{url}")
        }
        None => url.to_owned(),
    };
    match ServerAddress::parse_with_path(&whole) {
        Ok((address, path)) => {
            let path = path.split('#').next().unwrap_or_default();
            Ok((address, if path.is_empty() { "/" } else { path }.to_owned()))
        }
        Err(BadUrl::Protocol(scheme)) if scheme == "https" => {
            bad("TLS is not spoken here; use `exec` with a client that does")
        }
        Err(BadUrl::Protocol(_) | BadUrl::NotUrl(_)) => bad("write http://host:port/path or :port/path"),
    }
}

fn tcp_place(text: &str) -> Result<ServerAddress, String> {
    let place = if text.starts_with("unix://") {
        ServerAddress::parse(text).ok()
    } else {
        ServerAddress::of_listener(text)
    };
    place.ok_or_else(|| format!("cannot use the address `{text}`: write host:port or :port"))
}

/// `Ok` for what passes, with what was found.
fn ask(address: &ServerAddress, path: &str, limit: &Limit) -> Result<String, String> {
    let mut stream = connect(address, limit.left()).map_err(|e| limit.words(&e))?;
    let host = match &address.place {
        Place::Unix(_) => "localhost".to_owned(),
        Place::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
        Place::Tcp { host, port } => format!("{host}:{port}"),
    };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: mainstay-probe/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    );
    let sent = stream.write_all(request.as_bytes());
    // A server that refuses before it has read everything still has an answer.
    let bytes = read(&mut *stream, limit);
    if bytes.is_empty()
        && let Err(e) = sent
    {
        return Err(limit.words(&e));
    }
    match status(&bytes) {
        Some((code, words)) if (200..400).contains(&code) => Ok(words),
        Some((_, words)) => Err(words),
        None if limit.end <= clock::now().mono => Err(format!("no answer within {}s", limit.seconds)),
        None if bytes.is_empty() => Err("it closed the connection without an answer".to_owned()),
        None => Err("its answer is not HTTP".to_owned()),
    }
}

/// The head, and of the body what has a length or comes by itself: a server that still writes would see a broken pipe.
fn read(stream: &mut dyn Connection, limit: &Limit) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1_024];
    while bytes.len() < ANSWER_BYTES && limit.end > clock::now().mono && !is_whole(&bytes) {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(chunk.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    bytes
}

/// Nothing more is to come that is worth waiting for: the head is there, and as much of a body as it promises.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4) else { return false };
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("Content-Length").then(|| value.trim().parse::<usize>().ok())?
    });
    // Without a length it ends with the connection, or never.
    length.is_none_or(|length| bytes.len() - end >= length)
}

/// The number and the words of the first line: `status 503 Service Unavailable`.
fn status(bytes: &[u8]) -> Option<(u16, String)> {
    let line = bytes.split(|b| *b == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let mut words = line.trim_end().splitn(3, ' ');
    words.next().filter(|w| w.starts_with("HTTP/"))?;
    let code = words.next()?.parse().ok()?;
    let reason: String = words.next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    Some((code, format!("status {code} {reason}").trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::net::TcpListener;

    /// Serves one connection with these bytes; gives where, and later what was asked.
    fn server(bytes: &'static [u8]) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address").to_string();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut asked = Vec::new();
            let mut byte = [0];
            while !asked.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
                asked.extend_from_slice(&byte);
            }
            // Who was content with less has gone.
            let _ = stream.write_all(bytes);
            String::from_utf8(asked).expect("text")
        });
        (address, thread)
    }

    fn run_words(what: What, seconds: u32) -> (u8, String) {
        let mut out = Vec::new();
        let code = probe(&what, seconds, &mut out);
        (code, String::from_utf8(out).expect("text"))
    }

    fn get(url: &str) -> (u8, String) {
        run_words(What::Http { url: url.to_owned() }, 5)
    }

    #[test]
    fn a_status_from_200_to_399_passes() {
        for (answer, code, said) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"[..], 0, "status 200 OK\n"),
            (
                b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
                0,
                "status 301 Moved\n",
            ),
            (b"HTTP/1.0 399\r\n\r\n", 0, "status 399\n"),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", 1, "status 400 Bad Request\n"),
            (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1, "status 503 Service Unavailable\n"),
            (b"HTTP/1.1 199 Low\r\n\r\n", 1, "status 199 Low\n"),
            (b"", 1, "it closed the connection without an answer\n"),
            (b"SSH-2.0-OpenSSH\r\n", 1, "its answer is not HTTP\n"),
            (b"HTTP/1.1 many\r\n\r\n", 1, "its answer is not HTTP\n"),
        ] {
            let (address, server) = server(answer);
            assert_eq!(get(&format!("http://{address}/ready?x=1#top")), (code, said.to_owned()));
            let asked = server.join().expect("no panic");
            assert!(asked.starts_with("GET /ready?x=1 HTTP/1.1\r\n"), "{asked}");
            assert!(asked.contains(&format!("\r\nHost: {address}\r\n")), "{asked}");
        }
    }

    #[test]
    fn an_answer_without_end_is_read_to_a_bound() {
        static ENDLESS: [u8; 1 << 20] = [b'x'; 1 << 20];
        let (address, server) = server(&ENDLESS);
        assert_eq!(get(&format!("http://{address}")), (1, "its answer is not HTTP\n".to_owned()));
        server.join().expect("no panic");
    }

    #[test]
    fn a_server_that_says_nothing_has_its_time() {
        let mute = TcpListener::bind("127.0.0.1:0").expect("bind");
        let url = format!("http://{}", mute.local_addr().expect("address"));
        assert_eq!(run_words(What::Http { url }, 1), (1, "no answer within 1s\n".to_owned()));
    }

    #[test]
    fn nobody_there_is_a_failure_with_the_systems_words() {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        assert_eq!(get(&format!("http://{free}")), (1, "connection refused\n".to_owned()));
        let tcp = |address: String| run_words(What::Tcp { address }, 5);
        assert_eq!(tcp(free.to_string()), (1, "connection refused\n".to_owned()));
        assert_eq!(tcp(format!(":{}", free.port())).0, 1);
    }

    #[test]
    fn a_connection_is_enough_for_tcp() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = listener.local_addr().expect("address").port();
        for address in
            [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!(":{port}"), port.to_string()]
        {
            assert_eq!(run_words(What::Tcp { address }, 5), (0, "connected\n".to_owned()));
        }
    }

    #[test]
    fn the_other_family_and_short_forms_are_understood() {
        let Ok(listener) = TcpListener::bind("[::1]:0") else { return println!("skipped: no IPv6") };
        let port = listener.local_addr().expect("address").port();
        assert_eq!(run_words(What::Tcp { address: format!("[::1]:{port}") }, 5).0, 0);
        let place = |url: &str| http_place(url).map(|(a, path)| format!("{a} {path}"));
        assert_eq!(place(":8080/x"), Ok("http://127.0.0.1:8080 /x".to_owned()));
        assert_eq!(place("8080"), Ok("http://127.0.0.1:8080 /".to_owned()));
        assert_eq!(place("http://[::1]:80/a?b"), Ok("http://[::1]:80 /a?b".to_owned()));
    }

    #[test]
    fn what_is_no_question_is_a_usage_error() {
        for url in ["https://x/", "x", "", "http://a b/", "http://a/\r\nX: y", "ftp://x/"] {
            assert_eq!(get(url).0, 2, "{url}");
        }
        assert!(get("https://x/").1.contains("TLS"));
        assert_eq!(run_words(What::Tcp { address: "nothing".to_owned() }, 5).0, 2);
    }

    #[test]
    fn plain_words_are_taken_and_options_are_left_to_the_table() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(run_plain(&words(&["probe", "tcp", "nothing"])), Some(2));
        for other in
            [&["probe"][..], &["probe", "tcp"], &["probe", "tcp", "--help"], &["probe", "tcp", "1", "2"]]
        {
            assert_eq!(run_plain(&words(other)), None);
        }
    }
}
