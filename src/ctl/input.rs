//! What somebody types, or a file has in its place: lines, passwords, and lines that are edited.
//!
//! Does I/O. Invariants: nothing that was read is lost between two ways of reading; every wait can be ended by a signal
//! that is held back. Not here: editing (`editor`), what a line means (`shell`).

use crate::ctl::editor::Editor;
use crate::ctl::interrupt::{Held, Woken, pass_on, wait_or_resized};
use crate::ctl::terminal;
use nix::sys::signal::Signal;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// BOUND: a line that is not edited.
const MAX_LINE_BYTES: usize = 1 << 20;

/// What came of asking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// A line, without its end.
    Line(String),
    End,
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

/// A source of bytes that may be waited for.
pub trait Source: Read {
    /// What to wait for; `None` where bytes are always at hand.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

impl Source for std::fs::File {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Source for io::Cursor<Vec<u8>> {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Standard input, or what stands for it.
pub struct Input {
    pub(super) source: Box<dyn Source>,
    /// Read, and not asked for yet.
    pub(super) ahead: Vec<u8>,
    /// Where lines can be edited.
    pub(super) editor: Option<Editor>,
}

impl Input {
    #[must_use]
    pub fn new(source: impl Source + 'static) -> Input {
        Input { source: Box::new(source), ahead: Vec::new(), editor: None }
    }

    /// The process's own. Editing is for a terminal on both sides that understands escapes.
    ///
    /// # Errors
    /// When there is no standard input.
    pub fn standard() -> io::Result<Input> {
        let stdin = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Input::new(std::fs::File::from(stdin)))
    }

    /// Reads more; gives what ended it, if nothing came. When the terminal has another size that is neither.
    pub(super) fn fill(&mut self) -> io::Result<Option<Asked>> {
        if let Some(fd) = self.source.fd() {
            match wait_or_resized(&[fd], None)? {
                Woken::Signal(Signal::SIGWINCH) => return Ok(None),
                Woken::Signal(signal) => {
                    if signal != Signal::SIGINT {
                        // It comes when the terminal is in order again.
                        pass_on(signal);
                    }
                    return Ok(Some(Asked::Interrupted));
                }
                Woken::Ready(_) | Woken::Late => {}
            }
        }
        let mut piece = [0; 4096];
        let n = self.source.read(&mut piece)?;
        self.ahead.extend_from_slice(piece.get(..n).unwrap_or_default());
        Ok((n == 0).then_some(Asked::End))
    }

    /// A whole line that was read already, without its end.
    pub(super) fn line_at_hand(&mut self) -> Option<String> {
        let end = self.ahead.iter().position(|b| *b == b'\n').or_else(|| {
            let full = self.ahead.len() >= MAX_LINE_BYTES;
            full.then(|| self.ahead.len() - 1)
        })?;
        let line: Vec<u8> = self.ahead.drain(..=end).collect();
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        Some(String::from_utf8_lossy(line).into_owned())
    }

    /// A last line that has no end, once nothing more comes.
    pub(super) fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.ahead);
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned())
    }

    /// Asks for a line.
    pub(super) fn ask(&mut self, prompt: &str, out: &mut dyn Write) -> Asked {
        let _ = write!(out, "{prompt}").and_then(|()| out.flush());
        loop {
            if let Some(line) = self.line_at_hand() {
                return Asked::Line(line);
            }
            match self.fill() {
                Ok(None) => {}
                Ok(Some(Asked::Interrupted)) => return Asked::Interrupted,
                Ok(_) | Err(_) => return self.rest().map_or(Asked::End, Asked::Line),
            }
        }
    }

    /// Asks for a line that is not shown, on the terminal that we were started from. COMPAT: where there is none, the
    /// question goes to stderr and the answer is read from stdin.
    pub(super) fn secret(&mut self, prompt: &str) -> Asked {
        let Ok(mut terminal) = terminal::own() else { return self.ask(prompt, &mut io::stderr()) };
        let silent = (Held::all(), terminal::silent(&terminal));
        let (Ok(held), Ok(changed)) = silent else { return self.ask(prompt, &mut io::stderr()) };
        let asked = match terminal.try_clone() {
            Ok(source) => Input::new(source).ask(prompt, &mut terminal),
            Err(_) => Asked::End,
        };
        let _ = terminal.write_all(b"\n");
        drop(changed);
        drop(held);
        asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_and_without_an_end() {
        let mut out = Vec::new();
        let mut input = Input::new(io::Cursor::new(b"one\n\ntwo \xff\nlast".to_vec()));
        for want in ["one", "", "two \u{fffd}", "last"] {
            assert_eq!(input.ask("> ", &mut out), Asked::Line(want.to_owned()));
        }
        assert_eq!(input.ask("> ", &mut out), Asked::End);
        assert_eq!(out, b"> > > > > ");
    }
}
