//! What we write to a program's stdin: as much as it reads, the rest when it reads again.
//!
//! Does I/O. Invariants: nothing waits for a program that does not read; a pipe is in the epoll set only while something
//! is left for it. Not here: events (`events`).

use crate::control::{Fault, FaultCode, Outcome, Send, State};
use crate::daemon::sources::{Token, cut};
use crate::daemon::state::Daemon;
use crate::events::kind;
use crate::sys::fd;
use crate::types::ProcRef;
use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use std::os::fd::{AsFd, OwnedFd};

/// BOUND: bytes kept for a program that does not read; an event comes only when nothing is kept.
const PENDING_BYTES: usize = 1 << 20;

/// Our end of a program's stdin.
pub(crate) struct Stdin {
    fd: OwnedFd,
    /// Not taken yet, from `done` on.
    pending: Vec<u8>,
    done: usize,
    is_watched: bool,
}

impl Stdin {
    pub(crate) fn new(fd: OwnedFd) -> Stdin {
        Stdin { fd, pending: Vec::new(), done: 0, is_watched: false }
    }

    /// Everything has been taken.
    pub(crate) fn is_free(&self) -> bool {
        self.pending.is_empty()
    }

    /// Writes what fits. Whether all is gone.
    fn flush(&mut self) -> Result<bool, Errno> {
        while let Some(rest) = self.pending.get(self.done..).filter(|rest| !rest.is_empty()) {
            match fd::write_some(self.fd.as_fd(), rest) {
                Ok(Some(n)) => self.done += n,
                Ok(None) => return Ok(false),
                Err(e) => {
                    self.clear();
                    return Err(e);
                }
            }
        }
        self.clear();
        Ok(true)
    }

    fn clear(&mut self) {
        self.pending = Vec::new();
        self.done = 0;
    }
}

impl Daemon {
    /// Writes behind what is still pending.
    ///
    /// # Errors
    /// EPIPE when nobody reads any more, or there is no stdin to write to.
    pub(crate) fn write_stdin(&mut self, slot: u32, bytes: &[u8]) -> Result<(), Errno> {
        let place = self.slots.get_mut(slot as usize).ok_or(Errno::EPIPE)?;
        let stdin = place.stdin.as_mut().ok_or(Errno::EPIPE)?;
        stdin.pending.extend_from_slice(bytes);
        if !stdin.flush()? && !stdin.is_watched {
            let token = Token::Stdin { slot, generation: cut(place.incarnation) };
            let event = EpollEvent::new(EpollFlags::EPOLLOUT, token.encode());
            if self.epoll.add(&stdin.fd, event).is_err() {
                // The rest would never be sent; the reader finds an end, which it can understand.
                place.stdin = None;
                return Err(Errno::EPIPE);
            }
            stdin.is_watched = true;
        }
        Ok(())
    }

    /// Sends what an operator wants a program to read.
    pub(crate) fn on_send(&mut self, send: Send) -> Outcome {
        match send {
            Send::RemoteEvent { kind, data } => {
                self.publish(kind::REMOTE_COMMUNICATION, || kind::remote(&kind, &data));
                Outcome::Done
            }
            Send::Stdin { group, name, text } => match self.send_to_stdin(&group, &name, &text) {
                Ok(()) => Outcome::Done,
                Err(code) => Outcome::Fault(Fault { code, extra: None }),
            },
        }
    }

    fn send_to_stdin(&mut self, group: &str, name: &str, text: &str) -> Result<(), FaultCode> {
        let slot = self.engine.slot_of(group, name).ok_or(FaultCode::BadName)?;
        let place = self.slots.get(slot as usize).ok_or(FaultCode::BadName)?;
        // COMPAT: a process that is being stopped counts as one that does not run.
        if place.pid.is_none() || self.engine.state(slot) == State::Stopping {
            return Err(FaultCode::NotRunning);
        }
        let kept = place.stdin.as_ref().map_or(0, |s| s.pending.len());
        if kept + text.len() > PENDING_BYTES {
            return Err(FaultCode::Failed);
        }
        self.write_stdin(slot, text.as_bytes()).map_err(|_| FaultCode::NoFile)
    }

    /// A program reads again, or has closed its stdin.
    pub(crate) fn on_stdin(&mut self, slot: u32, generation: u32) {
        let Some(place) = self.slots.get_mut(slot as usize) else { return };
        let Some(stdin) = place.stdin.as_mut().filter(|_| cut(place.incarnation) == generation) else {
            return;
        };
        // COMPAT: what nobody reads any more is thrown away; its death will say more.
        if stdin.flush() == Ok(false) {
            return;
        }
        if stdin.is_watched {
            let _ = self.epoll.delete(&stdin.fd); // it is in the set
            stdin.is_watched = false;
        }
        self.dispatch_events();
    }

    /// The program is gone.
    pub(crate) fn close_stdin(&mut self, proc: ProcRef) {
        let Some(stdin) = self.slot_mut(proc).and_then(|slot| slot.stdin.take()) else { return };
        if stdin.is_watched {
            let _ = self.epoll.delete(&stdin.fd); // it is in the set
        }
    }
}
