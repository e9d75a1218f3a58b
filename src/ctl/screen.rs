//! The whole terminal: raw keys, another page of it to draw on, and everything as it was when we leave.
//!
//! Does I/O on stdin and stdout. Invariants: the terminal is given back on every way out (`terminal::page`); signals that
//! would end us are news like keys are, so they cannot leave it behind; a frame is one write of the lines that have
//! changed. Not here: what is drawn (`top::view`), what keys mean (`keys`).

use crate::ctl::interrupt::{Held, Woken, wait_or_resized};
use crate::ctl::terminal::{self, Changed, write_all};
use crate::sys;
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::read;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// What has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Happened {
    Keys(Vec<u8>),
    Resized,
    /// The terminal has gone, or somebody wants us to end: the exit code.
    End(u8),
    /// Nothing, for so long.
    Quiet,
}

/// See the module.
pub(super) struct Screen {
    /// What stands there, line by line.
    shown: Vec<String>,
    // In this order: a signal that has come is delivered when the terminal is in order again.
    _page: Changed,
    _held: Held,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When stdin is no terminal.
    pub(super) fn open() -> io::Result<Screen> {
        let held = Held::all()?;
        Ok(Screen { shown: Vec::new(), _page: terminal::page(io::stdin())?, _held: held })
    }

    /// Rows and columns.
    pub(super) fn size(&self) -> (usize, usize) {
        sys::terminal::size(io::stdout())
    }

    /// The next frame will be drawn whole.
    pub(super) fn forget(&mut self) {
        self.shown.clear();
    }

    /// Draws the lines that are not there yet.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub(super) fn draw(&mut self, frame: Vec<String>) -> io::Result<()> {
        let text = changes(&self.shown, &frame);
        self.shown = frame;
        write_all(&text)
    }

    /// Waits for a key, a signal, or the time.
    pub(super) fn wait(&self, limit: Duration) -> Happened {
        let stdin = io::stdin();
        match wait_or_resized(&[stdin.as_fd()], Some(limit)) {
            Ok(Woken::Ready(_)) => {}
            Ok(Woken::Signal(Signal::SIGWINCH)) => return Happened::Resized,
            Ok(Woken::Signal(Signal::SIGINT)) => return Happened::End(0),
            // As the shell counts who was ended by a signal.
            Ok(Woken::Signal(signal)) => {
                return Happened::End(128 | u8::try_from(signal as i32).unwrap_or(0));
            }
            Ok(Woken::Late) => return Happened::Quiet,
            Err(_) => return Happened::End(1),
        }
        let mut bytes = [0u8; 1024];
        match read(&stdin, &mut bytes) {
            Ok(0) => Happened::End(1),
            Ok(n) => Happened::Keys(bytes.get(..n).unwrap_or_default().to_vec()),
            Err(Errno::EINTR | Errno::EAGAIN) => Happened::Quiet,
            Err(_) => Happened::End(1),
        }
    }
}

/// What has to be written so that `new` stands where `old` stood.
fn changes(old: &[String], new: &[String]) -> String {
    let mut out = String::new();
    if old.is_empty() {
        out.push_str("\x1b[2J");
    }
    for (n, line) in new.iter().enumerate() {
        if old.get(n) != Some(line) {
            put(n, line, &mut out);
        }
    }
    for n in new.len()..old.len() {
        put(n, "", &mut out);
    }
    out
}

/// What is left of the old line is erased first: behind a full line the cursor stands on its last column.
fn put(row: usize, line: &str, out: &mut String) {
    for part in ["\x1b[", &(row + 1).to_string(), ";1H\x1b[0m\x1b[2K", line] {
        out.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_changed_is_drawn() {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let (old, new) = (lines(&["a", "b", "c"]), lines(&["a", "B"]));
        assert_eq!(changes(&old, &new), "\x1b[2;1H\x1b[0m\x1b[2KB\x1b[3;1H\x1b[0m\x1b[2K");
        assert_eq!(changes(&new, &new), "");
        assert_eq!(changes(&[], &lines(&["x"])), "\x1b[2J\x1b[1;1H\x1b[0m\x1b[2Kx");
    }
}
