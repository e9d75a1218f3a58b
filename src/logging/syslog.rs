//! Messages to the syslog daemon behind `/dev/log`, in the form that libc's syslog(3) gives them.
//!
//! Does I/O without ever waiting for it, as syslog(3) would. What the daemon has no room for is kept, in order; whoever
//! writes here asks `is_blocked` first and waits. Where nobody listens messages are lost, counted and said once; each
//! message looks again, so a daemon that starts later, or again, gets what follows.
//! COMPAT: facility user, priority info, no pid (compat::syslog). Not here: what a line is (`channel`, the journal).

use crate::sys::clock::{self, local_time};
use crate::sys::{datagram, errno};
use crate::types::Wall;
use nix::errno::Errno;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// BOUND: bytes kept for a daemon that is slow before lines of our own log are dropped (programs wait instead).
const KEEP_BYTES: usize = 256 << 10;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// See the module.
#[derive(Debug)]
pub struct SyslogSink {
    path: PathBuf,
    ident: String,
    /// One socket for a whole life: it is connected anew where the daemon has gone, and the loop may wait for it.
    socket: Option<OwnedFd>,
    pending: VecDeque<Vec<u8>>,
    kept: usize,
    troubled: bool,
    /// What stands before each message of this second.
    header: (i64, String),
}

impl SyslogSink {
    /// Opens nothing yet. `ident`: who speaks.
    #[must_use]
    pub fn new(path: PathBuf, ident: String) -> SyslogSink {
        let header = (i64::MIN, String::new());
        SyslogSink { path, ident, socket: None, pending: VecDeque::new(), kept: 0, troubled: false, header }
    }

    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.pending.is_empty()
    }

    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.kept
    }

    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.kept + bytes <= KEEP_BYTES
    }

    /// What to wait for while blocked.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }

    /// Sends one message, or keeps it. Returns how many bytes are lost for good, and why.
    pub fn put(&mut self, message: &[u8]) -> (usize, Option<String>) {
        let datagram = [self.header(clock::now().wall).as_bytes(), message].concat();
        if self.is_blocked() {
            self.keep(datagram);
            return (0, None);
        }
        match self.send(&datagram) {
            Ok(true) => (0, None),
            Ok(false) => {
                self.keep(datagram);
                (0, None)
            }
            Err(e) => (message.len(), self.say(e)),
        }
    }

    /// Sends what was kept, as far as it goes.
    pub fn flush(&mut self) -> (usize, Option<String>) {
        let (mut lost, mut why) = (0, None);
        while let Some(datagram) = self.pending.pop_front() {
            self.kept = self.kept.saturating_sub(datagram.len());
            match self.send(&datagram) {
                Ok(true) => {}
                Ok(false) => {
                    self.kept += datagram.len();
                    self.pending.push_front(datagram);
                    break;
                }
                Err(e) => {
                    lost += datagram.len();
                    why = why.or(self.say(e));
                }
            }
        }
        (lost, why)
    }

    fn keep(&mut self, datagram: Vec<u8>) {
        self.kept += datagram.len();
        self.pending.push_back(datagram);
    }

    /// False when there is no room now.
    fn send(&mut self, message: &[u8]) -> Result<bool, Errno> {
        let SyslogSink { path, socket, .. } = self;
        let socket = match socket {
            Some(socket) => socket,
            None => socket.insert(datagram::unix()?),
        };
        let mut sent = datagram::send_whole(socket, message);
        if matches!(sent, Err(Errno::ENOTCONN | Errno::ECONNREFUSED | Errno::ECONNRESET | Errno::EPIPE)) {
            datagram::connect_to(socket, path)?;
            sent = datagram::send_whole(socket, message);
        }
        match sent {
            Ok(()) => {
                self.troubled = false;
                Ok(true)
            }
            Err(Errno::EAGAIN) => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn say(&mut self, e: Errno) -> Option<String> {
        let first = !std::mem::replace(&mut self.troubled, true);
        let path = self.path.display();
        let words = errno::words(e as i32);
        first.then(|| {
            format!(
                "cannot write to syslog, what goes there is lost until a daemon listens on {path}: {words}"
            )
        })
    }

    /// `<14>Nov  7 07:14:15 supervisord: `
    fn header(&mut self, now: Wall) -> &str {
        if self.header.0 != now.secs() {
            let t = local_time(now.secs());
            let month = MONTHS.get(t.month.saturating_sub(1) as usize).unwrap_or(&"Jan");
            let (day, hour, minute, second) = (t.day, t.hour, t.minute, t.second);
            let ident = &self.ident;
            let text = format!("<14>{month} {day:2} {hour:02}:{minute:02}:{second:02} {ident}: ");
            self.header = (now.secs(), text);
        }
        &self.header.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    fn place(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("mainstay-syslog-{name}-{}", std::process::id()))
    }

    fn read(socket: &UnixDatagram) -> String {
        let mut room = [0; 300];
        let n = socket.recv(&mut room).expect("a message");
        String::from_utf8_lossy(&room[..n]).into_owned()
    }

    #[test]
    fn a_daemon_that_comes_late_and_goes_and_comes_again_gets_what_follows() {
        let path = place("late");
        let mut sink = SyslogSink::new(path.clone(), "me".into());
        let (lost, why) = sink.put(b"nobody");
        assert_eq!(lost, 6);
        assert!(why.is_some_and(|w| w.contains("No such file")));
        assert_eq!(sink.put(b"still nobody"), (12, None));
        for _ in 0..2 {
            let daemon = UnixDatagram::bind(&path).expect("bind");
            assert_eq!(sink.put(b"hello \xff"), (0, None));
            let text = read(&daemon);
            assert!(text.starts_with("<14>") && text.ends_with(" me: hello \u{fffd}"), "{text}");
            drop(daemon);
            std::fs::remove_file(&path).expect("remove");
            assert!(sink.put(b"gone").1.is_some(), "each spell of trouble is said");
        }
    }

    #[test]
    fn a_slow_daemon_gets_everything_in_order() {
        let path = place("slow");
        let daemon = UnixDatagram::bind(&path).expect("bind");
        let mut sink = SyslogSink::new(path.clone(), "me".into());
        let mut put = 0;
        while !sink.is_blocked() || put < 2_000 {
            assert_eq!(sink.put(put.to_string().as_bytes()), (0, None));
            put += 1;
        }
        assert!(sink.fd().is_some() && sink.kept_bytes() > 0);
        for n in 0..put {
            assert!(read(&daemon).ends_with(&format!(" me: {n}")), "{n}");
            assert_eq!(sink.flush(), (0, None));
        }
        assert!(!sink.is_blocked() && sink.kept_bytes() == 0);
        std::fs::remove_file(&path).expect("remove");
    }

    #[test]
    fn the_day_is_padded_as_libc_does_it() {
        let mut sink = SyslogSink::new(place("day"), "me".into());
        let header = sink.header(Wall(1_700_000_000_000)).to_string();
        assert!(header.starts_with("<14>Nov 14 ") || header.starts_with("<14>Nov 15 "), "{header}");
        assert_eq!(header.len(), "<14>Nov 14 00:00:00 me: ".len());
        let header = sink.header(Wall(1_699_000_000_000 - 86_400_000)).to_string();
        assert!(header.starts_with("<14>Nov  2 ") || header.starts_with("<14>Nov  1 "), "{header}");
    }
}
