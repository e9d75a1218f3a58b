//! The gateway process: every byte of HTTP, XML-RPC, metrics and health, and nothing of the supervision.
//!
//! Does I/O. It is a client of the core and has no state worth keeping: it may die at any time and be started again.
//! Invariants: no thread runs and no timer is armed that no open connection needs, so idle costs no wake-up; the main
//! thread only reads the core's replies and ends the process when they end.
//! Exit codes: 0 when the core has gone, 75 when it should start us again, 70 when we could not begin.
//! Not here: decisions about programs (`engine`), binding sockets (`daemon`).

pub mod auth;
pub mod events;
pub mod health;
pub mod http;
pub mod link;
pub mod load;
pub mod logtail;
pub mod mailbox;
pub mod metrics;
pub mod plain;
pub mod route;
pub mod rpc;
pub mod sandbox;
pub mod server;
pub mod stream;
#[cfg(test)]
pub(crate) mod testing;
pub mod usage;
pub mod web;

use crate::control::{FrameReader, Hello, ListenerKind, ListenerSpec};
use crate::sys::clock::LocalTime;
use crate::types::Mono;
use link::Link;
use load::Load;
use server::{Limits, Server};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use stream::Listener;
use usage::Usages;

/// The core shall start us again (EX_TEMPFAIL).
pub const EXIT_RESTART: u8 = 75;

/// We could not begin (EX_SOFTWARE).
pub const EXIT_BROKEN: u8 = 70;

/// BOUND: connections of all listeners together; below the descriptors the sandbox leaves us.
const MAX_CONNECTIONS: usize = 192;

/// BOUND: what clients get to take their answers when the core has gone; less than the core waits for us.
const LAST_ANSWERS: Duration = Duration::from_millis(300);

/// BOUND: connections of one listener.
const MAX_CONNECTIONS_EACH: usize = 64;

/// What the gateway needs from the world beside its descriptors.
#[derive(Clone, Copy)]
pub struct Tools {
    pub mono: fn() -> Mono,
    pub local_time: fn(i64) -> LocalTime,
}

/// One listener's point of view: what it offers, to whom, and whom it asks.
pub struct Site {
    pub spec: ListenerSpec,
    pub link: Arc<Link>,
    pub load: Arc<Load>,
    pub usages: Arc<Usages>,
    pub tools: Tools,
}

/// Runs until the core is gone. `listener(i)` gives the i-th inherited listening socket.
pub fn run(mut core: UnixStream, listener: &dyn Fn(usize) -> io::Result<OwnedFd>, tools: Tools) -> u8 {
    if let Err(e) = core.set_nonblocking(false) {
        return broken(&format!("cannot use the link to the core: {e}"));
    }
    let mut reader = FrameReader::default();
    let hello = match link::read_hello(&mut core, &mut reader) {
        Ok(hello) => hello,
        // The core went away before it said a word: there is nobody to complain to.
        Err(link::LinkError::Gone) => return 0,
        Err(e) => return broken(&format!("cannot understand the core's hello: {e}")),
    };
    if let Err(e) = sandbox::enter(hello.drop_to) {
        return broken(&format!("cannot drop privileges: {e}"));
    }
    serve(core, hello, reader, listener, tools)
}

/// Everything after the sandbox.
fn serve(
    core: UnixStream,
    hello: Hello,
    reader: FrameReader,
    listener: &dyn Fn(usize) -> io::Result<OwnedFd>,
    tools: Tools,
) -> u8 {
    let link = Arc::new(Link::new(core));
    let load = Arc::new(Load::default());
    let usages = Arc::new(Usages::default());
    let restart = Arc::new(AtomicBool::new(false));
    let each = (MAX_CONNECTIONS / hello.listeners.len().max(1)).clamp(1, MAX_CONNECTIONS_EACH);
    for (i, spec) in hello.listeners.into_iter().enumerate() {
        let socket = match listener(i).and_then(|fd| Listener::from_fd(fd, spec.unix)) {
            Ok(socket) => socket,
            Err(e) => return broken(&format!("cannot take the listener of [{}]: {e}", spec.section)),
        };
        let site = Site {
            spec,
            link: Arc::clone(&link),
            load: Arc::clone(&load),
            usages: Arc::clone(&usages),
            tools,
        };
        if let Err(e) = start(socket, site, each, Arc::clone(&restart)) {
            return broken(&format!("cannot start a thread: {e}"));
        }
    }
    crate::sys::slim::forget_the_past();
    let ended = link.read_replies(reader);
    // The core's last answers are on their way to clients: `shutdown` wants to hear that it was taken.
    load.wait_until_idle(LAST_ANSWERS);
    if let Err(e) = &ended {
        complain(&format!("cannot go on: {e}"));
    }
    if ended.is_err() || restart.load(Ordering::Acquire) { EXIT_RESTART } else { 0 }
}

/// A thread that accepts. When it ends, so does the process.
fn start(socket: Listener, site: Site, connections: usize, restart: Arc<AtomicBool>) -> io::Result<()> {
    let section = site.spec.section.clone();
    let link = Arc::clone(&site.link);
    let limits = Limits::for_kind(site.spec.kind, connections);
    let server = Server::new(socket, site, limits);
    server::thread("accept").spawn(move || {
        let error = server.run();
        complain(&format!("cannot accept connections for [{section}]: {error}"));
        restart.store(true, Ordering::Release);
        link.close();
    })?;
    Ok(())
}

fn broken(text: &str) -> u8 {
    complain(text);
    EXIT_BROKEN
}

/// One line in the core's log. Only for what ends the process, so it needs no rate limit.
fn complain(text: &str) {
    use std::io::Write;
    // Where nobody reads our last words they are lost.
    let _ = writeln!(io::stderr(), "gateway: {text}");
}

/// Locks, also after a panic of another thread: what we guard is consistent after every statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a site shows reasons and accepts commands.
impl Site {
    #[must_use]
    pub fn has_authority(&self) -> bool {
        self.spec.kind == ListenerKind::Control
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::encode;
    use std::io::Write;
    use std::net::TcpListener;

    fn hello() -> Hello {
        let auth = None;
        let spec = ListenerSpec { kind: ListenerKind::Http, unix: false, section: "http".to_owned(), auth };
        Hello { listeners: vec![spec], drop_to: None }
    }

    fn start_serving(socket: OwnedFd) -> (UnixStream, std::thread::JoinHandle<u8>) {
        let (ours, theirs) = UnixStream::pair().expect("pair");
        let gateway = std::thread::spawn(move || {
            let listener = move |_| socket.try_clone();
            serve(theirs, hello(), FrameReader::default(), &listener, testing::tools())
        });
        (ours, gateway)
    }

    fn port() -> OwnedFd {
        TcpListener::bind("127.0.0.1:0").expect("bind").into()
    }

    #[test]
    fn the_process_ends_well_when_the_core_goes_away() {
        let (core, gateway) = start_serving(port());
        drop(core);
        assert_eq!(gateway.join().expect("no panic"), 0);
    }

    #[test]
    fn a_listener_that_breaks_asks_for_a_restart() {
        let (one, _other) = UnixStream::pair().expect("pair");
        let (_core, gateway) = start_serving(one.into());
        assert_eq!(gateway.join().expect("no panic"), EXIT_RESTART);
    }

    #[test]
    fn a_core_that_speaks_nonsense_asks_for_a_restart() {
        let (mut core, gateway) = start_serving(port());
        core.write_all(&[1, 0, 0, 0, 0xff]).expect("fits");
        assert_eq!(gateway.join().expect("no panic"), EXIT_RESTART);
    }

    #[test]
    fn a_listener_that_is_missing_ends_the_process_at_once() {
        let (_core, theirs) = UnixStream::pair().expect("pair");
        let missing = |_| Err(io::ErrorKind::NotFound.into());
        let code = serve(theirs, hello(), FrameReader::default(), &missing, testing::tools());
        assert_eq!(code, EXIT_BROKEN);
    }

    #[test]
    fn the_hello_is_the_first_frame_and_what_follows_is_kept() {
        let (mut core, mut theirs) = UnixStream::pair().expect("pair");
        let mut bytes = encode(0, &hello()).expect("small");
        bytes.extend(encode(1, &crate::control::Reply::Pong).expect("small"));
        core.write_all(&bytes).expect("fits");
        let mut reader = FrameReader::default();
        assert_eq!(link::read_hello(&mut theirs, &mut reader), Ok(hello()));
        assert_eq!(reader.take(), Ok(Some((1, crate::control::Reply::Pong))));
        drop(core);
        let gone = link::read_hello(&mut theirs, &mut FrameReader::default());
        assert_eq!(gone, Err(link::LinkError::Gone));
    }
}
