//! What the tests of this folder share: a core that answers from a script, and raw clients.

use crate::control::{
    Command, FrameReader, HealthReport, Ident, ListenerKind, ListenerSpec, LogReply, Outcome, ProcessInfo,
    ProcessStats, Reply, Request, SelfStats, Snapshot, State, encode,
};
use crate::gateway::link::Link;
use crate::gateway::server::{Limits, Server};
use crate::gateway::stream::Listener;
use crate::gateway::{Site, Tools};
use crate::sys::clock::{LocalTime, now};
use crate::types::Wall;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

type Script = Box<dyn FnMut(&Request) -> Option<Reply> + Send>;

/// The other end of the link, on a thread of its own. Dropping it is the core going away.
pub(crate) struct FakeCore {
    pub(crate) link: Arc<Link>,
    socket: UnixStream,
    seen: Arc<(Mutex<Vec<Request>>, Condvar)>,
}

impl FakeCore {
    /// Answers each request with what `script` says; `None` is silence.
    pub(crate) fn start(script: impl FnMut(&Request) -> Option<Reply> + Send + 'static) -> FakeCore {
        let (ours, theirs) = UnixStream::pair().expect("socketpair");
        let link = Arc::new(Link::new(theirs));
        let seen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let core = FakeCore { link: Arc::clone(&link), socket: ours.try_clone().expect("dup"), seen };
        let seen = Arc::clone(&core.seen);
        let script: Script = Box::new(script);
        std::thread::spawn(move || answer_all(ours, script, &seen));
        std::thread::spawn(move || link.read_replies(FrameReader::default()));
        core
    }

    /// Blocks until that many requests have come.
    pub(crate) fn wait_for_requests(&self, n: usize) {
        let (seen, news) = &*self.seen;
        let guard = seen.lock().expect("lock");
        let (_guard, timeout) =
            news.wait_timeout_while(guard, Duration::from_secs(10), |seen| seen.len() < n).expect("lock");
        assert!(!timeout.timed_out(), "the requests did not come");
    }

    /// The commands that came so far.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let seen = self.seen.0.lock().expect("lock");
        seen.iter().filter_map(|r| if let Request::Command(c) = r { Some(c.clone()) } else { None }).collect()
    }

    pub(crate) fn site(&self, kind: ListenerKind, auth: Option<(&str, &str)>) -> Site {
        let auth = auth.map(|(u, p)| (u.to_owned(), p.to_owned()));
        let spec = ListenerSpec { kind, unix: false, section: "test".to_owned(), auth };
        Site {
            spec,
            link: Arc::clone(&self.link),
            load: Arc::default(),
            usages: Arc::default(),
            tools: tools(),
        }
    }
}

impl Drop for FakeCore {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn answer_all(mut socket: UnixStream, mut script: Script, seen: &(Mutex<Vec<Request>>, Condvar)) {
    let mut reader = FrameReader::default();
    let mut chunk = [0u8; 4096];
    loop {
        while let Ok(Some((id, request))) = reader.take::<Request>() {
            let reply = script(&request);
            seen.0.lock().expect("lock").push(request);
            seen.1.notify_all();
            if let Some(reply) = reply {
                let frame = encode(id, &reply).expect("small");
                if socket.write_all(&frame).is_err() {
                    return;
                }
            }
        }
        match socket.read(&mut chunk) {
            Ok(n) if n > 0 => reader.push(&chunk[..n]),
            _ => return,
        }
    }
}

pub(crate) fn pong_core() -> FakeCore {
    FakeCore::start(|_| Some(Reply::Pong))
}

/// A core with a snapshot, that says yes to everything.
pub(crate) fn willing_core(snapshot: Snapshot) -> FakeCore {
    FakeCore::start(move |request| {
        Some(match request {
            Request::Send(_) => Reply::Command(Outcome::Done),
            Request::Ping => Reply::Pong,
            Request::Identity => Reply::Identity(snapshot.identity.clone()),
            Request::Snapshot { .. } | Request::Table => Reply::Snapshot(Box::new(snapshot.clone())),
            Request::Subscribe(_) | Request::Unsubscribe(_) => return None,
            Request::Explain { .. } => Reply::Explained(None),
            Request::Health(_) => Reply::Health(HealthReport { ok: true, checks: vec![] }),
            Request::ClearLog(_) => Reply::Command(Outcome::Done),
            Request::Configuration => Reply::Configuration(vec![]),
            Request::OpenLog(_) => Reply::Log(LogReply::Missing(None)),
            Request::Command(_) | Request::AddGroup(_) | Request::RemoveGroup(_) => {
                Reply::Command(Outcome::Done)
            }
            Request::Reread => Reply::Difference { added: vec![], changed: vec![], removed: vec![] },
            Request::Plan(_) | Request::Update(_) => Reply::Plan(Box::default()),
        })
    })
}

pub(crate) fn tools() -> Tools {
    Tools {
        mono: || now().mono,
        local_time: |_| LocalTime { year: 2026, month: 11, day: 20, ..LocalTime::default() },
    }
}

pub(crate) fn process(group: &str, name: &str, state: State) -> ProcessInfo {
    ProcessInfo {
        group: group.to_owned(),
        name: name.to_owned(),
        state,
        pid: if state.is_signallable() { 100 } else { 0 },
        start: Wall(1_700_000_000_500),
        stop: Wall(0),
        uptime_ns: 5_000_000_000,
        spawnerr: String::new(),
        exit: None,
        last_exit: None,
        stdout_logfile: "/var/log/out".to_owned(),
        stderr_logfile: String::new(),
        next_run: None,
        note: String::new(),
        last_end: None,
        ready: state == State::Running,
        checks: Vec::new(),
        stats: ProcessStats::default(),
    }
}

pub(crate) fn snapshot(processes: Vec<ProcessInfo>) -> Snapshot {
    Snapshot {
        identity: Ident { identifier: "supervisor".to_owned(), pid: 1, stopping: false },
        now: Wall(1_700_000_005_000),
        processes,
        last_lines: vec![],
        daemon: SelfStats { start: Wall(1_700_000_000_000), ..SelfStats::default() },
    }
}

pub(crate) fn quick_limits() -> Limits {
    Limits { connections: 8, request_ms: 300, silence_ms: 300, idle_ms: 300, response_ms: 1000 }
}

/// A site served on a free port of the loopback interface, for as long as the test runs.
pub(crate) fn serve_tcp(site: Site, limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("address");
    let server = Server::new(Listener::Tcp(listener), site, limits);
    std::thread::spawn(move || server.run());
    address
}

/// The same on a unix socket.
pub(crate) fn serve_unix(name: &str, site: Site, limits: Limits) -> PathBuf {
    let path = std::env::temp_dir().join(format!("mainstay-gateway-{}-{name}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("bind");
    let server = Server::new(Listener::Unix(listener), site, limits);
    std::thread::spawn(move || server.run());
    path
}

/// Sends bytes and reads until the server closes.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address);
    // The server may refuse, and close, before it has read everything.
    let _ = stream.write_all(request);
    read_all(&mut stream)
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connect");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("timeout");
    stream
}

pub(crate) fn read_all(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0u8; 4096];
    while let Ok(n) = stream.read(&mut chunk) {
        if n == 0 {
            break;
        }
        bytes.extend_from_slice(&chunk[..n]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `GET path` on a connection of its own: status and body.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    split(&exchange(address, format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()))
}

/// Status and body of a response.
pub(crate) fn split(response: &str) -> (u16, String) {
    let status = response.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0);
    let body = response.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, body.to_owned())
}
