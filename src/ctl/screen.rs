//! The whole terminal: raw keys, another page of it to draw on, and everything as it was when we leave.
//!
//! Does I/O on stdin and stdout. Invariants: the terminal is given back on every way out, a panic included, because that
//! is done by dropping; signals that would end us are news like keys are, so they cannot leave it behind; a frame is one
//! write of the lines that have changed. Not here: what is drawn (`top::view`), what keys mean (`top::keys`).

use crate::sys::terminal;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{read, write};
use std::io;
use std::os::fd::AsFd;

/// Another page, no cursor, nothing on it.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
/// Colours, cursor and page as they were.
const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

/// Where the terminal does not know its size.
const USUAL_SIZE: (usize, usize) = (24, 80);

const SIGNALS: [Signal; 5] =
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGWINCH];

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
    before: Termios,
    blocked: SigSet,
    signals: SignalFd,
    /// What stands there, line by line.
    shown: Vec<String>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When stdin is no terminal.
    pub(super) fn open() -> io::Result<Screen> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut blocked = SigSet::empty();
        SIGNALS.into_iter().for_each(|s| blocked.add(s));
        let signals = SignalFd::with_flags(&blocked, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        blocked.thread_block()?;
        // From here on dropping it undoes everything.
        let screen = Screen { before, blocked, signals, shown: Vec::new() };
        let mut raw = screen.before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(&stdin, SetArg::TCSADRAIN, &raw)?;
        write_all(ENTER)?;
        Ok(screen)
    }

    /// Rows and columns.
    pub(super) fn size(&self) -> (usize, usize) {
        terminal::size(io::stdout().as_fd()).unwrap_or(USUAL_SIZE)
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
        if text.is_empty() { Ok(()) } else { write_all(&text) }
    }

    /// Waits for a key, a signal, or the time.
    pub(super) fn wait(&self, ms: u16) -> Happened {
        let stdin = io::stdin();
        let mut polled = [
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut polled, PollTimeout::from(ms)) {
            Ok(0) | Err(Errno::EINTR) => return Happened::Quiet,
            Ok(_) => {}
            Err(_) => return Happened::End(1),
        }
        if let Ok(Some(info)) = self.signals.read_signal() {
            return match i32::try_from(info.ssi_signo) {
                Ok(n) if n == Signal::SIGWINCH as i32 => Happened::Resized,
                Ok(n) if n == Signal::SIGINT as i32 => Happened::End(0),
                // As the shell counts who was ended by a signal.
                n => Happened::End(128 + n.ok().and_then(|n| u8::try_from(n).ok()).unwrap_or(0)),
            };
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

impl Drop for Screen {
    fn drop(&mut self) {
        // Whatever fails here, there is nothing left to try.
        let _ = write_all(LEAVE);
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.before);
        let _ = self.blocked.thread_unblock();
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

fn write_all(text: &str) -> io::Result<()> {
    let stdout = io::stdout();
    let mut bytes = text.as_bytes();
    while !bytes.is_empty() {
        match write(&stdout, bytes) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let mut polled = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
                poll(&mut polled, PollTimeout::NONE)?;
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
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
