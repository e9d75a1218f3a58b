//! The terminal's own settings: every key at once, or nothing shown while somebody types.
//!
//! Does I/O. Invariant: the settings are put back when the guard is dropped, and on a panic; whoever holds it must hold
//! signals back as well (`interrupt::Held::all`). Not here: what is read and drawn (`editor`).

use nix::sys::termios::{self, LocalFlags, SetArg, SpecialCharacterIndices, Termios};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;

/// Puts the terminal's settings back when it is dropped.
pub(crate) struct Changed {
    terminal: OwnedFd,
    before: Termios,
}

impl Drop for Changed {
    fn drop(&mut self) {
        // A terminal that has gone away needs no settings.
        let _ = termios::tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}

fn change(terminal: impl AsFd, how: fn(&mut Termios)) -> io::Result<Changed> {
    let terminal = terminal.as_fd().try_clone_to_owned()?;
    let before = termios::tcgetattr(&terminal)?;
    let mut after = before.clone();
    how(&mut after);
    termios::tcsetattr(&terminal, SetArg::TCSADRAIN, &after)?;
    Ok(Changed { terminal, before })
}

/// Every key comes at once and shows nothing, Ctrl-C and Ctrl-Z included. What is printed is left alone: `\n` still
/// begins a line.
pub(crate) fn raw(terminal: impl AsFd) -> io::Result<Changed> {
    change(terminal, |t| {
        t.local_flags &= !(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG | LocalFlags::IEXTEN);
        t.input_flags &= !(termios::InputFlags::IXON | termios::InputFlags::ICRNL);
        t.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        t.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    })
}

/// Lines as ever, but not shown.
pub(crate) fn silent(terminal: impl AsFd) -> io::Result<Changed> {
    change(terminal, |t| t.local_flags &= !LocalFlags::ECHO)
}

/// On a panic that ends the process at once no guard is dropped: the settings that the terminal has now are put back
/// before the message is printed.
pub(crate) fn restore_on_panic() -> io::Result<()> {
    let terminal = io::stdin().as_fd().try_clone_to_owned()?;
    let settings = Mutex::new(termios::tcgetattr(&terminal)?);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if let Ok(settings) = settings.try_lock() {
            let _ = termios::tcsetattr(&terminal, SetArg::TCSANOW, &settings);
        }
        before(info);
    }));
    Ok(())
}

/// The terminal that we were started from, wherever stdin leads.
pub(crate) fn own() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty")
}
