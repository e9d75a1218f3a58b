//! `mainstay health`: the probes from inside the container, for images without a shell or an HTTP client.
//!
//! Does I/O: one GET, one line. Invariants: exit 0 when the probe passes, 1 when it fails or nobody answers, 2 for a
//! wrong command line; never hangs. Not here: what the probes mean (`engine`), how they are served (`gateway`).

use crate::cli::ctl::variable;
use crate::ctl::address::ServerAddress;
use crate::ctl::{client, discover};
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Options of `mainstay health`.
#[derive(clap::Args, Clone, Debug)]
pub struct HealthArgs {
    /// Which probe to ask for
    #[arg(value_enum, default_value = "ready")]
    pub probe: Probe,
    /// Only this program: NAME, GROUP:NAME, or a group
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Leave this program out; may be given again
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    pub exclude: Vec<String>,
    /// Show every check, also when all is well
    #[arg(short, long)]
    pub verbose: bool,
    /// Show every check as JSON
    #[arg(long)]
    pub json: bool,
    /// Ask this server: http://host:port, http://host:port/path or unix:///path
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Read the addresses from this file
    #[arg(short = 'c', long = "configuration", value_name = "FILE")]
    pub configuration: Option<PathBuf>,
    /// Seconds to wait for each step
    #[arg(long, value_name = "SECONDS", default_value = "3")]
    pub timeout: u32,
}

/// The three questions of Kubernetes.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    Live,
    Ready,
    Startup,
}

impl Probe {
    fn path(self) -> &'static str {
        match self {
            Probe::Live => "/livez",
            Probe::Ready => "/readyz",
            Probe::Startup => "/startupz",
        }
    }
}

/// Runs the applet; gives the exit code.
#[must_use]
pub fn run(args: &HealthArgs, env: &[(String, String)]) -> u8 {
    probe(args, &|name| variable(env, name), &mut io::stdout().lock(), &mut io::stderr().lock())
}

fn probe(args: &HealthArgs, env: discover::Lookup<'_>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    // A probe whose output nobody reads still has its exit code.
    let candidates = match candidates(args, env) {
        Ok(candidates) => candidates,
        Err(text) => {
            let _ = writeln!(err, "error: {text}");
            return 2;
        }
    };
    let timeout = Duration::from_secs(u64::from(args.timeout.max(1)));
    let mut problem = "no control socket answers".to_owned();
    for (address, path) in &candidates {
        let answer = match client::get(address, path, timeout) {
            Ok(answer) => answer,
            Err(e) => {
                problem = format!("{address}: {e}");
                continue;
            }
        };
        let is_good = answer.status == 200;
        let body = String::from_utf8_lossy(&answer.body);
        if !is_good || args.json || args.verbose {
            let _ = writeln!(out, "{}", body.trim_end());
        }
        if is_good {
            return 0;
        }
        if answer.status != 503 {
            let _ =
                writeln!(err, "error: cannot use the answer of {address}{path}: status {}", answer.status);
        }
        return 1;
    }
    let _ = writeln!(err, "error: cannot reach mainstay: {problem}");
    let _ = writeln!(err, "hint: is it running? name the server with --url http://127.0.0.1:PORT");
    1
}

/// `/readyz?exclude=web`
fn path_of(args: &HealthArgs) -> String {
    let mut path = args.probe.path().to_owned();
    if let Some(name) = &args.name {
        let _ = write!(path, "/{}", Escaped(name));
    }
    let excluded = args.exclude.iter().map(|name| format!("exclude={}", Escaped(name)));
    let verbose = args.verbose.then(|| "verbose".to_owned());
    let json = args.json.then(|| "format=json".to_owned());
    for (n, word) in excluded.chain(verbose).chain(json).enumerate() {
        let _ = write!(path, "{}{word}", if n == 0 { '?' } else { '&' });
    }
    path
}

/// A name as a part of a URL.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b':' => {
                    write!(f, "{}", char::from(byte))?;
                }
                other => write!(f, "%{other:02X}")?,
            }
        }
        Ok(())
    }
}

/// Where to ask, and for which path: what was named, or what environment, file and the usual sockets offer.
fn candidates(args: &HealthArgs, env: discover::Lookup<'_>) -> Result<Vec<(ServerAddress, String)>, String> {
    let path = &path_of(args);
    if let Some(url) = &args.url {
        let parsed = ServerAddress::parse_with_path(url);
        let (address, own_path) = parsed.map_err(|e| format!("invalid value for --url: {e}"))?;
        let path = if own_path.trim_matches('/').is_empty() { path } else { &own_path };
        return Ok(vec![(address, path.clone())]);
    }
    let found = discover::probe_addresses(args.configuration.as_deref(), env)?;
    Ok(found.into_iter().map(|address| (address, path.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;

    /// Answers one request with this status and body; gives the address and, later, the request.
    fn server(status: u16, body: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address").to_string();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = Vec::new();
            let mut byte = [0u8; 1];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
                request.extend_from_slice(&byte);
            }
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).expect("fits");
            String::from_utf8(request).expect("text")
        });
        (address, thread)
    }

    fn ask(probe_: Probe, url: Option<String>, listen: Option<String>) -> (u8, String, String) {
        asking(HealthArgs { probe: probe_, url, ..plain() }, listen)
    }

    fn plain() -> HealthArgs {
        HealthArgs {
            probe: Probe::Ready,
            name: None,
            exclude: Vec::new(),
            verbose: false,
            json: false,
            url: None,
            configuration: None,
            timeout: 3,
        }
    }

    fn asking(args: HealthArgs, listen: Option<String>) -> (u8, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let env = |name: &str| listen.clone().filter(|_| name == "MAINSTAY_HTTP__LISTEN");
        let code = probe(&args, &env, &mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (code, text(out), text(err))
    }

    #[test]
    fn a_passing_probe_is_silent() {
        let (address, server) = server(200, "ok");
        let result = ask(Probe::Live, Some(format!("http://{address}")), None);
        assert_eq!(result, (0, String::new(), String::new()));
        assert!(server.join().expect("no panic").starts_with("GET /livez HTTP/1.0\r\n"));
    }

    #[test]
    fn a_failing_probe_shows_what_failed() {
        let (address, server) = server(503, "[-]web failed: BACKOFF\nreadyz check failed\n");
        let result = ask(Probe::Ready, None, Some(address));
        assert_eq!(result, (1, "[-]web failed: BACKOFF\nreadyz check failed\n".to_owned(), String::new()));
        assert!(server.join().expect("no panic").starts_with("GET /readyz "));
    }

    #[test]
    fn one_program_is_asked_for_and_others_are_left_out() {
        let one = HealthArgs { name: Some("a b:c/d".to_owned()), ..plain() };
        assert_eq!(path_of(&one), "/readyz/a%20b:c%2Fd");
        let some = HealthArgs {
            probe: Probe::Startup,
            exclude: vec!["x".to_owned(), "y&z".to_owned()],
            verbose: true,
            json: true,
            ..plain()
        };
        assert_eq!(path_of(&some), "/startupz?exclude=x&exclude=y%26z&verbose&format=json");
        let (address, server) = server(200, "{}\n");
        let args = HealthArgs { json: true, url: Some(format!("http://{address}")), ..plain() };
        assert_eq!(asking(args, None), (0, "{}\n".to_owned(), String::new()));
        assert!(server.join().expect("no panic").starts_with("GET /readyz?format=json "));
    }

    #[test]
    fn a_path_in_the_address_is_kept() {
        let (address, server) = server(404, "404 Not Found\n");
        let (code, _, err) = ask(Probe::Startup, Some(format!("http://{address}/readyz/web")), None);
        assert_eq!(code, 1);
        assert!(err.contains("status 404"), "{err}");
        assert!(server.join().expect("no panic").starts_with("GET /readyz/web "));
    }

    #[test]
    fn nobody_there_is_a_failure_with_a_hint() {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        let (code, out, err) = ask(Probe::Startup, Some(format!("http://{free}")), None);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("Connection refused") && err.contains("hint:"), "{err}");
    }

    #[test]
    fn a_mute_server_is_said_to_be_mute() {
        let mute = TcpListener::bind("127.0.0.1:0").expect("bind");
        let url = format!("http://{}", mute.local_addr().expect("address"));
        let args = HealthArgs { probe: Probe::Live, url: Some(url.clone()), timeout: 1, ..plain() };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = probe(&args, &|_| None, &mut out, &mut err);
        let err = String::from_utf8(err).expect("text");
        assert_eq!((code, out.as_slice()), (1, &b""[..]));
        assert!(
            err.starts_with(&format!("error: cannot reach mainstay: {url}: no answer within 1 s\nhint: ")),
            "{err}"
        );
    }

    #[test]
    fn a_wrong_address_is_a_usage_error() {
        let (code, _, err) = ask(Probe::Ready, Some("foo".to_owned()), None);
        assert_eq!(code, 2);
        assert!(err.contains("'foo' is not a URL"), "{err}");
    }
}
