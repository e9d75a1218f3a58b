//! sd_notify: what a program says on its own socket, in lines of `NAME=value`.
//!
//! Does I/O on the socket; reading a message is pure. Invariants: only a message of the program's user, ours or root's
//! counts; what is read of it and how many are read in a turn have bounds; what is not known is ignored, as the protocol
//! wants. Not here: what follows (`engine::checks`), when the socket is made (`voices`).

use crate::daemon::state::Daemon;
use crate::engine::input::{Input, Told};
use crate::sys::notify;
use crate::types::{LogLevel, ProcRef};
use std::os::fd::{AsFd, OwnedFd};

/// BOUND: messages taken from one program in one turn; more are taken in the next.
const MESSAGES_PER_TURN: usize = 16;

/// BOUND: a message. Longer ones are ignored, as systemd does.
const MESSAGE_BYTES: usize = 4_096;

/// BOUND: lines of one message.
const LINES: usize = 64;

/// BOUND: what is shown of STATUS.
const STATUS_CHARS: usize = 200;

/// A program's own socket.
pub(crate) struct Notify {
    pub(crate) socket: OwnedFd,
    /// Whose messages count.
    pub(crate) uids: [u32; 3],
}

impl Daemon {
    /// A program has said something.
    pub(crate) fn on_notify(&mut self, slot: u32, generation: u32) {
        let mut bytes = [0; MESSAGE_BYTES];
        for _ in 0..MESSAGES_PER_TURN {
            let Some((proc, voices)) = self.voices_of(slot, generation) else { return };
            let Some(Notify { socket, uids }) = &voices.notify else { return };
            let Ok(Some(message)) = notify::receive(socket.as_fd(), &mut bytes) else { return };
            let is_welcome = message.uid.is_some_and(|uid| uids.contains(&uid));
            if !is_welcome || !message.is_whole {
                let why = if is_welcome { "it is too long" } else { "it is not this program's user" };
                let name = self.display_name(proc);
                self.log(LogLevel::Debug, &format!("ignored a message for {name}: {why}"));
                continue;
            }
            self.told(proc, bytes.get(..message.bytes).unwrap_or_default());
        }
    }

    fn told(&mut self, proc: ProcRef, message: &[u8]) {
        for what in read(message) {
            self.feed(Input::Told { proc, what });
        }
    }
}

/// What a message tells, in its order.
fn read(message: &[u8]) -> impl Iterator<Item = Told> {
    let lines = message.split(|b| *b == b'\n').map(|line| String::from_utf8_lossy(line).into_owned());
    lines.take(LINES).filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        match (name, value) {
            ("READY", "1") => Some(Told::Ready),
            ("RELOADING", "1") => Some(Told::Reloading),
            ("STOPPING", "1") => Some(Told::Ending),
            ("WATCHDOG", "1") => Some(Told::Alive),
            ("WATCHDOG", "trigger") => Some(Told::Failing),
            ("WATCHDOG_USEC", usec) => milliseconds(usec).map(Told::WatchdogMs),
            ("EXTEND_TIMEOUT_USEC", usec) => milliseconds(usec).map(Told::ExtendMs),
            ("STATUS", text) => Some(Told::Status(clean(text))),
            // MAINPID, FDSTORE, ERRNO, BARRIER and what others have made up.
            _ => None,
        }
    })
}

/// Rounded up, so that only 0 is 0.
fn milliseconds(usec: &str) -> Option<i64> {
    let usec: u64 = usec.parse().ok()?;
    Some(i64::try_from(usec.div_ceil(1_000)).unwrap_or(i64::MAX))
}

/// One line that disturbs no terminal.
fn clean(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().chars().take(STATUS_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(message: &str) -> Vec<Told> {
        read(message.as_bytes()).collect()
    }

    #[test]
    fn a_message_is_read_line_by_line() {
        assert_eq!(
            all("READY=1\nSTATUS=Serving 5 clients\nMAINPID=77\n\nnonsense\nX=\n"),
            [Told::Ready, Told::Status("Serving 5 clients".into())]
        );
        assert_eq!(all("RELOADING=1\nMONOTONIC_USEC=123"), [Told::Reloading]);
        assert_eq!(all("STOPPING=1"), [Told::Ending]);
        assert_eq!(all("WATCHDOG=1\nWATCHDOG=trigger"), [Told::Alive, Told::Failing]);
        assert_eq!(
            all("WATCHDOG_USEC=20000000\nEXTEND_TIMEOUT_USEC=1"),
            [Told::WatchdogMs(20_000), Told::ExtendMs(1)]
        );
        assert_eq!(all("READY=0\nWATCHDOG=2\nWATCHDOG_USEC=-1\nWATCHDOG_USEC=x\nready=1"), []);
        assert_eq!(all("WATCHDOG_USEC=0\nWATCHDOG_USEC=18446744073709551615").len(), 2);
    }

    #[test]
    fn a_status_is_one_clean_line_of_bounded_length() {
        assert_eq!(all("STATUS= a\tb\x1b[31m "), [Told::Status("a b [31m".into())]);
        assert_eq!(all(&format!("STATUS={}", "ä".repeat(1_000))), [Told::Status("ä".repeat(200))]);
        assert_eq!(read(b"STATUS=\xff").collect::<Vec<_>>(), [Told::Status("\u{fffd}".into())]);
    }

    #[test]
    fn any_bytes_can_be_read_and_have_a_bound() {
        let words =
            ["READY=1", "STATUS=", "WATCHDOG_USEC=", "99999999999999999999", "=", "\n", "\0", "ä", "\u{7f}"];
        let mut dice: u64 = 3;
        for _ in 0..5_000 {
            let mut message = Vec::new();
            for _ in 0..40 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let n = usize::try_from(dice >> 40).expect("small");
                match words.get(n % 12) {
                    Some(word) => message.extend_from_slice(word.as_bytes()),
                    None => message.push(n.to_le_bytes()[0]),
                }
            }
            for told in read(&message) {
                if let Told::Status(text) = told {
                    assert!(text.chars().count() <= STATUS_CHARS && !text.contains(char::is_control));
                }
            }
        }
        assert_eq!(read(&b"READY=1\n".repeat(1_000)).count(), LINES);
    }
}
