//! What a program's output means beside its log: a copy in our own log, communications, trouble with a sink.
//!
//! Invariant: everything is told in the order in which it happened. Not here: reading and writing (`output`, `logging`).

use crate::config::python;
use crate::daemon::state::Daemon;
use crate::logging::{Captured, Channel, News, Put};
use crate::types::{LogLevel, ProcRef};
use std::os::fd::{AsFd, AsRawFd};

/// News of a channel, kept until the channel is back in its place.
pub(crate) enum Heard {
    /// COMPAT: at level debug our log gets a copy of all output, captured or not (compat::debug_copy).
    Copy(Vec<u8>),
    Captured(Captured),
    Unfinished(usize),
    Put(Put),
}

impl Heard {
    /// `None` for what nobody wants to hear.
    pub(crate) fn from_news(news: News<'_>, copy: bool) -> Option<Heard> {
        match news {
            News::Output(bytes) => copy.then(|| Heard::Copy(bytes.to_vec())),
            News::Captured(captured) => Some(Heard::Captured(captured)),
            News::Unfinished(bytes) => Some(Heard::Unfinished(bytes)),
            News::Put(put) => Some(Heard::Put(put)),
        }
    }
}

impl Daemon {
    pub(crate) fn hear(&mut self, proc: ProcRef, stderr: bool, heard: Vec<Heard>) {
        for heard in heard {
            match heard {
                Heard::Copy(bytes) => {
                    let name = self.quoted(proc);
                    let stream = stream_name(stderr);
                    self.log(LogLevel::Debug, &format!("{name} {stream} output:\n{}", readable(bytes)));
                }
                Heard::Captured(captured) => self.on_captured(&captured),
                Heard::Unfinished(bytes) => {
                    let name = self.quoted(proc);
                    let stream = stream_name(stderr);
                    let text =
                        format!("{name} {stream} ended within a comm event: {bytes} bytes are thrown away");
                    self.log(LogLevel::Warn, &text);
                }
                Heard::Put(put) => self.tell(put),
            }
        }
    }

    /// A program has sent a communication.
    fn on_captured(&mut self, captured: &Captured) {
        let name = self.quoted(captured.proc);
        let stream = stream_name(captured.stderr);
        self.log(LogLevel::Debug, &format!("{name} {stream} emitted a comm event"));
    }

    /// COMPAT: said for each channel, with a description of it that only has a meaning for Supervisor.
    pub(crate) fn say_closed(&mut self, channel: &Channel) {
        if self.journal.wants(LogLevel::Debug) {
            let fd = channel.as_fd().as_raw_fd();
            let (name, stream) = (self.display_name(channel.proc), stream_name(channel.stderr));
            let text =
                format!("fd {fd} closed, stopped monitoring <POutputDispatcher for {name} ({stream})>");
            self.log(LogLevel::Debug, &text);
        }
    }

    /// COMPAT: the name as Python writes a string.
    fn quoted(&self, proc: ProcRef) -> String {
        python::repr(&self.display_name(proc))
    }
}

fn stream_name(stderr: bool) -> &'static str {
    if stderr { "stderr" } else { "stdout" }
}

/// COMPAT: text as it is; anything else as Python writes bytes, so that nothing is lost.
fn readable(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| format!("Undecodable: {}", python::repr_bytes(e.as_bytes())))
}
