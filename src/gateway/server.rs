//! Connections: accepts, bounds, and gives each a thread that lives as long as the connection.
//!
//! Does I/O. Why not `tiny_http::Server`, whose types and response writer we use: its accept loop ends at the first
//! error and panics when a descriptor cannot be duplicated; it reads header lines without a limit or a time-out; and
//! when a request is dropped it allocates as many bytes as the client's Content-Length announced, so one line from
//! anybody who can reach `/metrics` aborts the process. None of this can be bounded from outside, because the sockets
//! it accepts are its own.
//!
//! Invariants: never more than `Limits::connections` threads, each with at most one request in memory; every wait for
//! a client has a deadline, which is the socket's own time-out, so no watchdog and no timer exists and an idle server
//! sleeps in accept(2). When all places are taken the connection that has waited longest for its client makes room, so
//! that slow or silent clients cannot lock a probe out; while all of them work, the new one is told 503.
//! Not here: what a request means (`route`), its syntax (`http`).

use crate::control::ListenerKind;
use crate::gateway::http::{Answer, Conversation, ReadError, Request};
use crate::gateway::route::Endless;
use crate::gateway::stream::{Listener, Stream};
use crate::gateway::{Site, events, lock, logtail, route};
use crate::types::Mono;
use nix::errno::Errno;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::Builder;
use std::time::Duration;

/// BOUND: stack of a thread; XML is parsed to a bounded depth. Without optimisation one date takes more than that.
const STACK_BYTES: usize = if cfg!(debug_assertions) { 2 << 20 } else { 256 << 10 };

/// How long the accept loop waits for room before it looks again.
const ROOM_TIMEOUT: Duration = Duration::from_millis(500);

/// What one listener allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// BOUND: connections, and threads, at a time.
    pub connections: usize,
    /// BOUND: for a whole request, from its first byte.
    pub request_ms: i64,
    /// BOUND: until the first byte of the first request.
    pub silence_ms: i64,
    /// BOUND: between two requests.
    pub idle_ms: i64,
    /// BOUND: for taking a whole response.
    pub response_ms: i64,
}

impl Limits {
    /// COMPAT: Supervisor's clients keep a connection for minutes and do not try twice; supervisord culls after half
    /// an hour. Probes and scrapers connect anew.
    #[must_use]
    pub fn for_kind(kind: ListenerKind, connections: usize) -> Limits {
        let idle_ms = match kind {
            ListenerKind::Http => 10_000,
            ListenerKind::Control => 30 * 60 * 1000,
        };
        Limits { connections, request_ms: 10_000, silence_ms: 10_000, idle_ms, response_ms: 10_000 }
    }
}

/// One listener at work.
pub struct Server {
    listener: Listener,
    shared: Arc<Shared>,
}

struct Shared {
    site: Site,
    limits: Limits,
    connections: Mutex<HashMap<u64, Connection>>,
    one_ended: Condvar,
}

struct Connection {
    stream: Arc<Stream>,
    /// Since when we wait for the client to send or to take; `None` while we work for it.
    waiting_since: Option<Mono>,
}

impl Server {
    #[must_use]
    pub fn new(listener: Listener, site: Site, limits: Limits) -> Server {
        let connections = Mutex::new(HashMap::new());
        Server { listener, shared: Arc::new(Shared { site, limits, connections, one_ended: Condvar::new() }) }
    }

    /// Accepts for ever; gives the error that makes that impossible.
    pub fn run(&self) -> io::Error {
        let mut next_id = 0;
        loop {
            match self.listener.accept() {
                Ok(stream) => {
                    next_id += 1;
                    self.admit(next_id, stream);
                }
                Err(e) if is_passing(&e) => {}
                Err(e) if is_scarcity(&e) => {
                    // Accepting would fail again at once: first something must end.
                    self.shared.make_room(0);
                }
                Err(e) => return e,
            }
        }
    }

    fn admit(&self, id: u64, stream: Stream) {
        let shared = &self.shared;
        if !shared.make_room(shared.limits.connections) {
            shared.turn_away(&stream);
            return;
        }
        stream.hurry();
        let stream = Arc::new(stream);
        let seat = shared.seat(id, Arc::clone(&stream));
        let (shared2, stream2) = (Arc::clone(shared), Arc::clone(&stream));
        let started = thread("client").spawn(move || {
            let seat = seat;
            shared2.converse(&seat, &stream2, true);
        });
        if started.is_err() {
            // No thread to be had (a limit on processes): the probes of a container in that state must still be
            // answered, so this thread does it, one request for each connection.
            let seat = shared.seat(id, Arc::clone(&stream));
            shared.converse(&seat, &stream, false);
        }
    }
}

/// A thread as small as we need it.
pub(crate) fn thread(name: &str) -> Builder {
    Builder::new().name(name.to_owned()).stack_size(STACK_BYTES)
}

/// Gives the place back, also when the thread panics.
struct Seat {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.shared.connections).remove(&self.id);
        self.shared.one_ended.notify_all();
    }
}

impl Shared {
    fn seat(self: &Arc<Self>, id: u64, stream: Arc<Stream>) -> Seat {
        let connection = Connection { stream, waiting_since: Some(self.now()) };
        lock(&self.connections).insert(id, connection);
        Seat { shared: Arc::clone(self), id }
    }

    /// Whether fewer than `most` connections are open, after ending the idlest one if need be. Zero means: end one.
    fn make_room(&self, most: usize) -> bool {
        let mut table = lock(&self.connections);
        if table.len() < most {
            return true;
        }
        let before = table.len();
        let idlest =
            table.values().filter_map(|c| c.waiting_since.map(|since| (since, c))).min_by_key(|(s, _)| *s);
        let Some((_, connection)) = idlest else {
            if most == 0 {
                let waited = self.one_ended.wait_timeout(table, ROOM_TIMEOUT);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            }
            return false;
        };
        connection.stream.end();
        while table.len() >= before {
            let waited = self.one_ended.wait_timeout(table, ROOM_TIMEOUT);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            table = guard;
            if timeout.timed_out() {
                break;
            }
        }
        table.len() < most
    }

    /// One connection from its first to its last request.
    fn converse(self: &Arc<Self>, seat: &Seat, stream: &Stream, keep: bool) {
        let mut talk = Conversation::new(stream, self.site.tools.mono);
        let mut first_byte_ms = self.limits.silence_ms;
        loop {
            self.waits(seat.id, true);
            let request = match talk.read(self.now().plus_ms(first_byte_ms), self.limits.request_ms) {
                Ok(request) => request,
                Err(e) => return self.refuse(&mut talk, &e),
            };
            self.waits(seat.id, false);
            if let Some(what) = route::to_follow(&self.site, &request) {
                return self.follow(&mut talk, &request, stream, what);
            }
            let busy = self.site.load.begin();
            let answer = route::answer(&self.site, &request, &|| !stream.is_abandoned());
            self.waits(seat.id, true);
            let deadline = self.now().plus_ms(self.limits.response_ms);
            let Some(mut answer) = answer else { return };
            let room = self.site.load.reserve(answer.body.len());
            if room.is_none() {
                answer = Answer::text(503, "too many answers are on their way\n");
            }
            let sent = talk.write(Some(&request), answer, deadline);
            drop(busy);
            self.site.load.tidy(self.now());
            if sent.is_err() || !keep || !request.keeps_alive() {
                return;
            }
            first_byte_ms = self.limits.idle_ms;
        }
    }

    /// Sends a log or events until the client goes; the connection is of no other use afterwards.
    fn follow(&self, talk: &mut Conversation<'_>, request: &Request, stream: &Stream, what: Endless) {
        // However it ended, there is nobody to tell.
        let (followed, too_many) = match what {
            Endless::Log(whose) => (
                self.site.load.follow(|| {
                    let follow = logtail::Follow::open(&self.site, whose).ok_or(404u16)?;
                    let _ = follow.run(request, stream);
                    Ok(())
                }),
                "too many clients follow logs\n",
            ),
            Endless::Events(wish) => (
                self.site.load.watch(|| {
                    let follow = events::Follow::open(&self.site, wish).ok_or(503u16)?;
                    let _ = follow.run(request, stream);
                    Ok(())
                }),
                "too many clients follow events\n",
            ),
        };
        let refusal = match followed {
            Some(Ok(())) => return,
            Some(Err(status)) => route::error(status),
            None => Answer::text(503, too_many),
        };
        // COMPAT: supervisorctl sends two bytes behind its request; unread, they would take the answer away with them.
        let deadline = self.now().plus_ms(self.limits.response_ms);
        if talk.write(Some(request), refusal, deadline).is_ok() {
            talk.drain(deadline);
        }
    }

    fn refuse(&self, talk: &mut Conversation<'_>, error: &ReadError) {
        let status = match error {
            ReadError::Closed => return,
            ReadError::Slow => 408,
            ReadError::Refused(status) => *status,
        };
        let deadline = self.now().plus_ms(self.limits.response_ms);
        if talk.write(None, route::error(status), deadline).is_ok() {
            talk.drain(deadline);
        }
    }

    /// Everybody else is being served: say so and close. A few bytes always fit into a new socket.
    fn turn_away(&self, stream: &Stream) {
        let talk = Conversation::new(stream, self.site.tools.mono);
        let answer = Answer::text(503, "all connections are busy\n");
        // A client that does not take it has gone.
        let _ = talk.write(None, answer, self.now().plus_ms(100));
    }

    fn waits(&self, id: u64, for_client: bool) {
        let since = for_client.then(|| self.now());
        if let Some(connection) = lock(&self.connections).get_mut(&id) {
            connection.waiting_since = since;
        }
    }

    fn now(&self) -> Mono {
        (self.site.tools.mono)()
    }
}

/// The connection that failed is not our listener's fault: accept(2), "Error handling".
fn is_passing(e: &io::Error) -> bool {
    let errno = e.raw_os_error().map(Errno::from_raw);
    matches!(
        errno,
        Some(
            Errno::EINTR
                | Errno::ECONNABORTED
                | Errno::EPROTO
                | Errno::EPERM
                | Errno::ENETDOWN
                | Errno::ENOPROTOOPT
                | Errno::EHOSTDOWN
                | Errno::ENONET
                | Errno::EHOSTUNREACH
                | Errno::EOPNOTSUPP
                | Errno::ENETUNREACH
                | Errno::ETIMEDOUT
        )
    )
}

fn is_scarcity(e: &io::Error) -> bool {
    let errno = e.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM))
}

#[cfg(test)]
mod tests;
