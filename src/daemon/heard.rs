//! What a program's output means beside its log: a copy in our own log, events, a listener's answers, trouble with a sink.
//!
//! Invariant: everything is told in the order in which it happened. Not here: reading and writing (`output`, `logging`).

use crate::config::python;
use crate::daemon::state::Daemon;
use crate::logging::{Captured, Channel, News, Put};
use crate::types::{LogLevel, ProcRef};
use std::os::fd::{AsFd, AsRawFd};

/// News of a channel, kept until the channel is back in its place.
pub(crate) enum Heard {
    /// What a listener says.
    Said(Vec<u8>),
    Output(Vec<u8>),
    Captured(Captured),
    Unfinished(usize),
    Put(Put),
}

impl Heard {
    /// `None` for what nobody wants to hear.
    pub(crate) fn from_news(news: News<'_>, wants_output: bool) -> Option<Heard> {
        match news {
            News::Raw(bytes) => Some(Heard::Said(bytes.to_vec())),
            News::Output(bytes) => wants_output.then(|| Heard::Output(bytes.to_vec())),
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
                Heard::Said(bytes) => {
                    // COMPAT: here the copy is of bytes as Python shows them, text or not.
                    self.copy(proc, stderr, &|| python::repr_bytes(&bytes));
                    self.on_listener(proc, &bytes);
                }
                Heard::Output(bytes) => {
                    let text = readable(bytes);
                    self.copy(proc, stderr, &|| text.clone());
                    self.publish_output(proc, stderr, &text);
                }
                Heard::Captured(captured) => self.on_captured(captured),
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

    /// COMPAT: at level debug our log gets a copy of all output, captured or not (compat::debug_copy).
    fn copy(&mut self, proc: ProcRef, stderr: bool, text: &dyn Fn() -> String) {
        if self.journal.wants(LogLevel::Debug) {
            let (name, stream) = (self.quoted(proc), stream_name(stderr));
            self.log(LogLevel::Debug, &format!("{name} {stream} output:\n{}", text()));
        }
    }

    /// A program has sent a communication.
    fn on_captured(&mut self, captured: Captured) {
        let Captured { proc, stderr, data } = captured;
        self.publish_communication(proc, stderr, data);
        let name = self.quoted(proc);
        let stream = stream_name(stderr);
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
pub(crate) fn readable(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| format!("Undecodable: {}", python::repr_bytes(e.as_bytes())))
}
