//! The gateway process seen from the core: its listeners, its life, its socket.
//!
//! Does I/O without blocking. Invariants: listeners are bound before anything starts and stay ours, so a gateway that
//! dies is replaced without losing a connection that waits; what it may leave unread is bounded; nothing it sends can
//! do more than a `Request` says. Not here: HTTP (`crate::gateway`), answers (`requests`).

use crate::control::{FIRST_LISTENER_FD, FrameReader, Hello, Request, encode};
use crate::daemon::lastresort;
use crate::daemon::listen::Listener;
use crate::daemon::sources::{Token, cut};
use crate::daemon::state::Daemon;
use crate::sys::carray::{CArray, c_string};
use crate::sys::child::ExecPlan;
use crate::sys::signals::{self, To};
use crate::sys::{boot, errno, fd, passing, sockets};
use crate::types::{ExitStatus, LogLevel, Mono, Pid, Signal};
use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// BOUND: requests taken from the gateway in one turn.
const REQUESTS_PER_TURN: usize = 32;

/// BOUND: answers the gateway may leave unread before we stop reading its requests.
const UNREAD_BYTES: usize = 32 << 20;

/// BOUND: open files that wait to be sent; they are descriptors of ours until then.
const UNSENT_FILES: usize = 4;

/// The first restart comes after this, doubled each time up to `RESTART_MAX_MS`; forgotten after `STEADY_MS`.
const RESTART_MS: i64 = 50;
const RESTART_MAX_MS: i64 = 5_000;
const STEADY_MS: i64 = 10_000;

/// The unprivileged user the gateway becomes where we are root: nobody, by number, since there may be no /etc/passwd.
const NOBODY: u32 = 65_534;

struct Process {
    pid: Pid,
    socket: OwnedFd,
    reader: FrameReader,
    unsent: Vec<u8>,
    /// Files that go with the byte of `unsent` that their frame begins with.
    files: VecDeque<(usize, OwnedFd)>,
    started: Mono,
    interest: EpollFlags,
}

impl Process {
    /// Sends what fits. How many bytes went, and whether a file cannot go, without which nothing that follows would be
    /// understood.
    fn send(&mut self) -> (usize, bool) {
        let socket = self.socket.as_fd();
        let mut sent = 0;
        let mut lost = false;
        while sent < self.unsent.len() {
            let with_file = self.files.front().is_some_and(|(at, _)| *at == sent);
            // Bytes end where the next file's frame begins.
            let end = self.files.get(usize::from(with_file)).map_or(self.unsent.len(), |(at, _)| *at);
            let bytes = self.unsent.get(sent..end).unwrap_or_default();
            let written = match self.files.front().filter(|_| with_file) {
                Some((_, file)) => passing::send_with(socket, bytes, file.as_fd()),
                None => fd::write_some(socket, bytes),
            };
            match written {
                Ok(Some(n)) => {
                    sent += n;
                    if with_file {
                        self.files.pop_front();
                    }
                }
                Ok(None) => break,
                // Any other error shows as the end of the socket when it is read.
                Err(e) => {
                    lost = e == Errno::ETOOMANYREFS;
                    break;
                }
            }
        }
        for (at, _) in &mut self.files {
            *at = at.saturating_sub(sent);
        }
        (sent, lost)
    }
}

/// See the module.
pub(crate) struct Gateway {
    listeners: Vec<Listener>,
    binary: Option<OwnedFd>,
    time_zone: Option<String>,
    process: Option<Process>,
    /// A pid whose socket is closed already, until it is reaped.
    leaving: Option<Pid>,
    generation: u32,
    restart_at: Option<Mono>,
    failures: u32,
    /// Why it could not be started, as it was said last.
    trouble: Option<String>,
    /// Requests were left in the reader: the socket will not tell of them again.
    pub(crate) unread: bool,
    pub(crate) restarts: u64,
}

impl Gateway {
    pub(crate) fn new(
        listeners: Vec<Listener>,
        binary: Option<OwnedFd>,
        time_zone: Option<String>,
    ) -> Gateway {
        Gateway {
            listeners,
            binary,
            time_zone,
            process: None,
            leaving: None,
            generation: 0,
            restart_at: None,
            failures: 0,
            trouble: None,
            unread: false,
            restarts: 0,
        }
    }

    pub(crate) fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// What outlives this life.
    pub(crate) fn into_parts(self) -> (Option<OwnedFd>, Vec<Listener>) {
        (self.binary, self.listeners)
    }

    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.restart_at
    }

    pub(crate) fn is_process(&self, pid: Pid) -> bool {
        self.process.as_ref().is_some_and(|p| p.pid == pid) || self.leaving == Some(pid)
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// Bytes of answers that it has not taken.
    pub(crate) fn backlog(&self) -> usize {
        self.process.as_ref().map_or(0, |p| p.unsent.len())
    }

    fn plan(&self, binary: &OwnedFd, null: Option<i32>, extra: &[OwnedFd]) -> ExecPlan {
        let zone = self.time_zone.iter().map(|z| c_string(&format!("TZ={z}"))).collect();
        let argv = CArray::new(vec![c_string("mainstay"), c_string("gateway")]);
        ExecPlan {
            binary: Some(binary.as_raw_fd()),
            // Its rare complaints go where ours go in an emergency: stderr.
            stdio: [null, Some(2), None],
            extra: extra.iter().map(AsRawFd::as_raw_fd).collect(),
            directory: Some(c_string("/")),
            no_new_privs: true,
            handled: crate::daemon::signals::handled()
                .into_iter()
                .chain(crate::daemon::signals::IGNORED)
                .collect(),
            ..ExecPlan::new(c_string("mainstay"), argv, CArray::new(zone))
        }
    }
}

impl Daemon {
    /// Starts the gateway, if there is anything to listen on.
    pub(crate) fn start_gateway(&mut self) {
        self.gateway.restart_at = None;
        if self.gateway.listeners.is_empty() {
            return;
        }
        match self.try_start_gateway() {
            Ok(()) => self.gateway.trouble = None,
            Err(why) => {
                // Said once for each kind of trouble, not at every try.
                if self.gateway.trouble.as_ref() != Some(&why) {
                    let text =
                        format!("cannot start the gateway (control, metrics, health), trying again: {why}");
                    self.log(LogLevel::Error, &text);
                }
                self.gateway.trouble = Some(why);
                self.gateway.failures = self.gateway.failures.saturating_add(1);
                self.schedule_gateway();
            }
        }
    }

    fn try_start_gateway(&mut self) -> Result<(), String> {
        let words = |e: Errno| errno::words(e as i32).to_string();
        let (ours, theirs) = sockets::pair().map_err(words)?;
        let first_free = FIRST_LISTENER_FD + i32::try_from(self.gateway.listeners.len()).unwrap_or(0);
        let ends = std::iter::once(&theirs).chain(self.gateway.listeners.iter().map(|l| &l.fd));
        // Numbered above every place they are put at in the child.
        let extra: Result<Vec<OwnedFd>, Errno> =
            ends.map(|f| fd::duplicate_above(f.as_fd(), first_free)).collect();
        let extra = extra.map_err(words)?;
        let Some(binary) = &self.gateway.binary else {
            return Err(
                "our own binary cannot be opened (no /proc, and it is not where it was started from)".into(),
            );
        };
        // Neither may the binary stand where a listener will be put.
        let binary = fd::duplicate_above(binary.as_fd(), first_free).map_err(words)?;
        let null = self.null.as_ref().map(AsRawFd::as_raw_fd);
        let launched = self.spawner.spawn(&self.gateway.plan(&binary, null, &extra)).map_err(words)?;
        drop(extra);
        lastresort::born(launched.pid);
        let generation = cut(self.gateway.generation.wrapping_add(1));
        self.gateway.generation = generation;
        let interest = EpollFlags::EPOLLIN;
        let _ = self.epoll.add(&ours, EpollEvent::new(interest, Token::Gateway { generation }.encode()));
        let hello = Hello {
            listeners: self.gateway.listeners.iter().map(|l| l.spec.clone()).collect(),
            drop_to: boot::is_root().then_some((NOBODY, NOBODY)),
        };
        let unsent = encode(0, &hello).map_err(|e| e.to_string())?;
        self.gateway.process = Some(Process {
            pid: launched.pid,
            socket: ours,
            reader: FrameReader::default(),
            unsent,
            files: VecDeque::new(),
            started: self.now.mono,
            interest,
        });
        self.send_to_gateway();
        match launched.failed {
            Some((stage, e)) => Err(format!("cannot {stage}: {}", errno::words(e))),
            None => Ok(()),
        }
    }

    /// The gateway's socket is ready for something.
    pub(crate) fn on_gateway_ready(&mut self, generation: u32) {
        if generation != self.gateway.generation {
            return;
        }
        self.send_to_gateway();
        self.report_losses();
        self.gateway.unread = self.read_requests();
        self.send_to_gateway();
    }

    /// Answers what one turn may. True when there may be more that epoll does not know of.
    fn read_requests(&mut self) -> bool {
        let mut bytes = [0u8; 16 << 10];
        for _ in 0..REQUESTS_PER_TURN {
            let Some(process) = &mut self.gateway.process else { return false };
            if process.files.len() >= UNSENT_FILES {
                // What is unsent is waited for; then we come here again.
                return false;
            }
            match process.reader.take::<Request>() {
                Ok(Some((id, request))) => {
                    self.on_request(id, request);
                    continue;
                }
                Ok(None) => {}
                Err(e) => {
                    self.log(LogLevel::Error, &format!("gateway is restarted: {e}"));
                    self.drop_gateway(true);
                    return false;
                }
            }
            let Some(process) = &mut self.gateway.process else { return false };
            match fd::read_some(process.socket.as_fd(), &mut bytes) {
                Ok(None) => return false,
                Ok(Some(0)) | Err(_) => {
                    self.drop_gateway(false);
                    return false;
                }
                Ok(Some(n)) => process.reader.push(bytes.get(..n).unwrap_or_default()),
            }
        }
        true
    }

    /// Queues one frame for the gateway, and an open file that goes with it.
    pub(crate) fn queue_for_gateway(&mut self, frame: &[u8], file: Option<OwnedFd>) {
        if let Some(process) = &mut self.gateway.process {
            process.files.extend(file.map(|file| (process.unsent.len(), file)));
            process.unsent.extend_from_slice(frame);
        }
    }

    /// Sends what fits, and asks epoll for exactly what is needed next.
    pub(crate) fn send_to_gateway(&mut self) {
        let generation = self.gateway.generation;
        let Some(process) = &mut self.gateway.process else { return };
        let (sent, lost) = process.send();
        process.unsent.drain(..sent);
        if lost {
            return self.drop_gateway(true);
        }
        if process.unsent.is_empty() {
            process.unsent.shrink_to(4096);
        }
        let mut want = EpollFlags::empty();
        want.set(EpollFlags::EPOLLIN, process.unsent.len() < UNREAD_BYTES);
        want.set(EpollFlags::EPOLLOUT, !process.unsent.is_empty());
        if want != process.interest {
            process.interest = want;
            let mut event = EpollEvent::new(want, Token::Gateway { generation }.encode());
            let _ = self.epoll.modify(&process.socket, &mut event); // it is in the set
        }
    }

    /// Its socket is closed or useless.
    fn drop_gateway(&mut self, kill: bool) {
        let Some(process) = self.gateway.process.take() else { return };
        self.gateway.unread = false;
        self.forget_subscribers();
        let _ = self.epoll.delete(&process.socket); // it is in the set
        self.gateway.leaving = Some(process.pid);
        if kill {
            let _ = signals::send(To::Process(process.pid), Signal::KILL); // gone already is as good
        }
        let steady = self.now.mono.since_ns(process.started) > STEADY_MS.unsigned_abs() * 1_000_000;
        self.gateway.failures = if steady { 0 } else { self.gateway.failures.saturating_add(1) };
        self.schedule_gateway();
    }

    fn schedule_gateway(&mut self) {
        let delay = RESTART_MS.saturating_mul(1 << self.gateway.failures.min(10)).min(RESTART_MAX_MS);
        self.gateway.restart_at = Some(self.now.mono.plus_ms(delay));
    }

    /// The gateway was reaped.
    pub(crate) fn on_gateway_exit(&mut self, status: ExitStatus) {
        if self.gateway.leaving.take().is_none() {
            self.drop_gateway(false);
            self.gateway.leaving = None;
        }
        self.gateway.restarts += 1;
        self.log(LogLevel::Warn, &format!("the gateway ended ({status}); it is started again"));
    }

    pub(crate) fn gateway_deadline(&mut self) {
        if self.gateway.restart_at.is_some_and(|d| d <= self.now.mono) {
            self.start_gateway();
        }
    }

    /// At the end: the gateway sees its socket close, finishes its answers and ends. Returns its pid.
    pub(crate) fn dismiss_gateway(&mut self) -> Option<Pid> {
        self.send_to_gateway();
        let process = self.gateway.process.take();
        let pid = process.as_ref().map(|p| p.pid).or(self.gateway.leaving);
        if let Some(process) = process {
            let _ = self.epoll.delete(&process.socket); // it is in the set
        }
        self.gateway.restart_at = None;
        pid
    }
}
