//! The gateway's line to the core: many threads ask, one reads the answers.
//!
//! Does I/O: one unix stream socket. Invariants: a reply reaches only the thread that asked; an answer that comes
//! too late is dropped; a core that does not answer cannot make us fill the socket, because the number of
//! unanswered requests is bounded. Not here: what requests mean (`control`), what a client is told (`health`, `rpc`).

use crate::control::{FrameError, FrameReader, Hello, LogReply, Reply, Request, encode};
use crate::gateway::lock;
use crate::gateway::mailbox::{Mailbox, News};
use crate::gateway::stream::send_all;
use crate::sys::passing::{self, Beside};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::Read;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// BOUND: requests on their way, those whose asker gave up included. More than every connection can cause.
const MAX_UNANSWERED: usize = 160;

/// BOUND: bytes of one request; names and signals are short.
const MAX_REQUEST_BYTES: usize = 8 << 10;

/// BOUND: bytes of what is sent to a program in one piece.
const MAX_SENT_BYTES: usize = 1 << 20;

/// A healthy core reads its end in every turn; after this it is stuck, and half a frame ends the link.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there is no reply.
#[derive(Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The deadline passed.
    Silent,
    /// Too many requests are unanswered already.
    Busy,
    /// The core closed its end.
    Gone,
    /// The asker's client went away; the core finishes the command all the same.
    Abandoned,
    /// The request cannot be said.
    Unspeakable(FrameError),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Silent => {
                f.write_str("cannot get an answer from the core: it does not answer in time")
            }
            LinkError::Busy => f.write_str("cannot ask the core: too many requests are unanswered"),
            LinkError::Gone => f.write_str("cannot ask the core: it has closed the link"),
            LinkError::Abandoned => f.write_str("cannot deliver the answer: the client has gone"),
            LinkError::Unspeakable(e) => write!(f, "cannot ask the core: {e}"),
        }
    }
}

impl std::error::Error for LinkError {}

/// One end of the link.
#[derive(Debug)]
pub struct Link {
    socket: UnixStream,
    writing: Mutex<()>,
    table: Mutex<Table>,
}

/// A reply, and the open file that came with it.
type Delivery = (Reply, Option<OwnedFd>);

#[derive(Default, Debug)]
struct Table {
    last_id: u64,
    /// `None`: the asker gave up, the core still owes the answer.
    asked: HashMap<u64, Option<SyncSender<Delivery>>>,
    /// Those who are told again and again.
    subscribed: Vec<(u64, Arc<Mailbox>)>,
    gone: bool,
}

impl Link {
    /// Wraps a connected socket after the hello.
    #[must_use]
    pub fn new(socket: UnixStream) -> Link {
        // A refusal would only mean that a write to a stuck core is not cut short.
        let _ = socket.set_write_timeout(Some(WRITE_TIMEOUT));
        Link { socket, writing: Mutex::new(()), table: Mutex::new(Table::default()) }
    }

    /// Asks and waits for the reply, at most for `timeout`.
    ///
    /// # Errors
    /// See `LinkError`.
    pub fn ask(&self, request: &Request, timeout: Duration) -> Result<Reply, LinkError> {
        self.ask_for_file(request, timeout).map(|(reply, _)| reply)
    }

    /// The same for what may be answered with an open file.
    ///
    /// # Errors
    /// See `LinkError`.
    pub fn ask_for_file(&self, request: &Request, timeout: Duration) -> Result<Delivery, LinkError> {
        let (id, replies) = self.send(request)?;
        match replies.recv_timeout(timeout) {
            Ok(reply) => Ok(reply),
            Err(RecvTimeoutError::Disconnected) => Err(LinkError::Gone),
            Err(RecvTimeoutError::Timeout) => Err(self.give_up(id, LinkError::Silent)),
        }
    }

    /// Asks and waits for as long as `wanted` says so; it is called every `pause`.
    ///
    /// # Errors
    /// See `LinkError`.
    pub fn ask_while(
        &self,
        request: &Request,
        pause: Duration,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Reply, LinkError> {
        let (id, replies) = self.send(request)?;
        loop {
            match replies.recv_timeout(pause) {
                Ok((reply, _)) => return Ok(reply),
                Err(RecvTimeoutError::Disconnected) => return Err(LinkError::Gone),
                Err(RecvTimeoutError::Timeout) if wanted() => {}
                Err(RecvTimeoutError::Timeout) => return Err(self.give_up(id, LinkError::Abandoned)),
            }
        }
    }

    /// Asks for events; the value ends the subscription when it is dropped.
    ///
    /// # Errors
    /// See `LinkError`.
    pub fn subscribe(&self, types: Vec<String>, timeout: Duration) -> Result<Subscription<'_>, LinkError> {
        let mailbox = Arc::new(Mailbox::new().map_err(|_| LinkError::Busy)?);
        let id = {
            let mut table = lock(&self.table);
            if table.gone {
                return Err(LinkError::Gone);
            }
            table.last_id += 1;
            let id = table.last_id;
            table.subscribed.push((id, Arc::clone(&mailbox)));
            id
        };
        let subscription = Subscription { link: self, id, mailbox };
        self.write(id, &Request::Subscribe(types))?;
        let limit = u16::try_from(timeout.as_millis()).unwrap_or(u16::MAX);
        // Whatever rings first tells whether it began.
        let _ = subscription.mailbox.wait(None, limit);
        match subscription.mailbox.begun() {
            Some(true) => Ok(subscription),
            Some(false) => Err(LinkError::Busy),
            None => Err(LinkError::Silent),
        }
    }

    fn unsubscribe(&self, id: u64) {
        let mut table = lock(&self.table);
        table.subscribed.retain(|(n, _)| *n != id);
        table.last_id += 1;
        let (own_id, gone) = (table.last_id, table.gone);
        drop(table);
        if !gone {
            // Where the core has gone nothing is left to end.
            let _ = self.write(own_id, &Request::Unsubscribe(id));
        }
    }

    /// Delivers replies until the core is gone or speaks nonsense. Everybody who waits then hears `Gone`.
    ///
    /// # Errors
    /// When a frame cannot be read.
    pub fn read_replies(&self, mut reader: FrameReader) -> Result<(), FrameError> {
        let ended = self.deliver_all(&mut reader);
        let mut table = lock(&self.table);
        table.gone = true;
        table.asked.clear();
        for (_, mailbox) in std::mem::take(&mut table.subscribed) {
            mailbox.close();
        }
        ended
    }

    /// Ends the link from our side: `read_replies` returns.
    pub fn close(&self) {
        // It fails only when it is closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn deliver_all(&self, reader: &mut FrameReader) -> Result<(), FrameError> {
        let mut chunk = vec![0u8; 32 << 10];
        // In the order of the frames that they come with; `None` for one that got lost on the way.
        let mut files: VecDeque<Option<OwnedFd>> = VecDeque::new();
        loop {
            while let Some((id, reply)) = reader.take::<Reply>()? {
                if let Reply::Push { to, push } = reply {
                    let news = News::from(push);
                    let table = lock(&self.table);
                    table.subscribed.iter().filter(|(id, _)| to.contains(id)).for_each(|(_, m)| m.put(&news));
                    continue;
                }
                let file = match &reply {
                    Reply::Log(LogReply::Opened) => files.pop_front().flatten(),
                    _ => None,
                };
                if let Some(Some(asker)) = lock(&self.table).asked.remove(&id) {
                    // RACE: the asker may have timed out a moment ago; then nobody wants it any more.
                    let _ = asker.try_send((reply, file));
                }
            }
            let (n, beside) = match passing::receive(self.socket.as_fd(), &mut chunk) {
                Ok((0, _)) | Err(_) => return Ok(()),
                Ok(received) => received,
            };
            reader.push(&chunk[..n]);
            match beside {
                Beside::Nothing => {}
                Beside::File(file) => files.push_back(Some(file)),
                Beside::Lost => files.push_back(None),
            }
        }
    }

    fn send(&self, request: &Request) -> Result<(u64, Receiver<Delivery>), LinkError> {
        let (sender, receiver) = sync_channel(1);
        let id = {
            let mut table = lock(&self.table);
            if table.gone {
                return Err(LinkError::Gone);
            }
            if table.asked.len() >= MAX_UNANSWERED {
                return Err(LinkError::Busy);
            }
            table.last_id += 1;
            let id = table.last_id;
            table.asked.insert(id, Some(sender));
            id
        };
        if let Err(e) = self.write(id, request) {
            lock(&self.table).asked.remove(&id);
            return Err(e);
        }
        Ok((id, receiver))
    }

    fn write(&self, id: u64, request: &Request) -> Result<(), LinkError> {
        let frame = encode(id, request).map_err(LinkError::Unspeakable)?;
        let most = if matches!(request, Request::Send(_)) { MAX_SENT_BYTES } else { MAX_REQUEST_BYTES };
        if frame.len() > most {
            return Err(LinkError::Unspeakable(FrameError::TooLarge(frame.len())));
        }
        let _one_at_a_time = lock(&self.writing);
        send_all(&self.socket, &frame).map_err(|_| {
            // Half a frame may be out: nothing that follows could be understood.
            self.close();
            LinkError::Gone
        })
    }

    fn give_up(&self, id: u64, error: LinkError) -> LinkError {
        if let Some(asker) = lock(&self.table).asked.get_mut(&id) {
            *asker = None;
        }
        error
    }
}

/// Events that the core pushes to us.
#[derive(Debug)]
pub struct Subscription<'a> {
    link: &'a Link,
    id: u64,
    pub mailbox: Arc<Mailbox>,
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        self.link.unsubscribe(self.id);
    }
}

/// Reads the core's first frame.
///
/// # Errors
/// When the core closes the link first, or says something else.
pub fn read_hello(socket: &mut UnixStream, reader: &mut FrameReader) -> Result<Hello, LinkError> {
    let mut chunk = [0u8; 4096];
    loop {
        if let Some((_, hello)) = reader.take::<Hello>().map_err(LinkError::Unspeakable)? {
            return Ok(hello);
        }
        match socket.read(&mut chunk) {
            Ok(0) => return Err(LinkError::Gone),
            Ok(n) => reader.push(&chunk[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(LinkError::Gone),
        }
    }
}

#[cfg(test)]
mod tests;
