//! The terminal's own settings and pages: every key at once, nothing shown while somebody types, or a page to draw on.
//!
//! Does I/O. Invariants: a terminal is as it was when the guard has been dropped, and before the message of a panic, which
//! ends a release build without dropping anything (`restore_on_panic`); guards end in the reverse order of their
//! beginning; whoever holds one must hold signals back as well (`interrupt::Held`). Not here: what is read and drawn
//! (`editor`, `screen`).

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{self, LocalFlags, SetArg, Termios};
use nix::unistd::write;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

/// Another page, no cursor, nothing on it.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
/// Colours, cursor and page as they were.
const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

/// What has to be put back, the first at the end.
static CHANGES: Mutex<Vec<Change>> = Mutex::new(Vec::new());

struct Change {
    terminal: OwnedFd,
    before: Termios,
    /// Written to stdout first.
    leave: &'static str,
}

impl Change {
    fn undo(&self, when: SetArg) {
        // A terminal that has gone away needs nothing.
        let _ = write_all(self.leave);
        let _ = termios::tcsetattr(&self.terminal, when, &self.before);
    }
}

/// Puts the last change back when it is dropped.
pub(crate) struct Changed(());

impl Drop for Changed {
    fn drop(&mut self) {
        let last = CHANGES.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(change) = last {
            change.undo(SetArg::TCSADRAIN);
        }
    }
}

fn change(terminal: impl AsFd, leave: &'static str, how: fn(&mut Termios)) -> io::Result<Changed> {
    let terminal = terminal.as_fd().try_clone_to_owned()?;
    let before = termios::tcgetattr(&terminal)?;
    let mut after = before.clone();
    how(&mut after);
    let other = terminal.try_clone()?;
    CHANGES.lock().unwrap_or_else(PoisonError::into_inner).push(Change { terminal, before, leave });
    let changed = Changed(());
    termios::tcsetattr(&other, SetArg::TCSADRAIN, &after)?;
    Ok(changed)
}

/// Every key comes at once and shows nothing, Ctrl-C and Ctrl-Z included. What is printed is left alone: `\n` still
/// begins a line.
pub(crate) fn raw(terminal: impl AsFd) -> io::Result<Changed> {
    change(terminal, "", make_raw)
}

fn make_raw(settings: &mut Termios) {
    let output = settings.output_flags;
    termios::cfmakeraw(settings);
    settings.output_flags = output;
}

/// As `raw`, and stdout is another page, without a cursor, which is gone afterwards.
pub(crate) fn page(terminal: impl AsFd) -> io::Result<Changed> {
    let changed = change(terminal, LEAVE, make_raw)?;
    write_all(ENTER)?;
    Ok(changed)
}

/// Lines as ever, but not shown.
pub(crate) fn silent(terminal: impl AsFd) -> io::Result<Changed> {
    change(terminal, "", |t| t.local_flags &= !LocalFlags::ECHO)
}

/// From here on a panic puts back whatever is changed then, before its message is printed.
pub(crate) fn restore_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // Nobody panics while holding it; were it so, the message would still come.
        if let Ok(mut changes) = CHANGES.try_lock() {
            while let Some(change) = changes.pop() {
                change.undo(SetArg::TCSANOW);
            }
        }
        before(info);
    }));
}

/// The terminal that we were started from, wherever stdin leads.
pub(crate) fn own() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty")
}

/// To stdout past everything that buffers or locks it.
pub(crate) fn write_all(text: &str) -> io::Result<()> {
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
mod tests;
