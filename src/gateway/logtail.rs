//! `/logtail/NAME[/stdout|stderr]` and `/mainlogtail`: the end of a log, and then whatever is added to it.
//!
//! Does I/O: reads the files that the core opens, writes to one client until it goes. Invariants: a client that does not
//! read is cut; what is held for one is bounded; no timer runs while nobody follows. COMPAT: paths, headers and where the
//! stream begins are Supervisor's. A log that is truncated where it is goes on, where Supervisor breaks off (trap 80).
//! Not here: who may ask (`route`), which file a log is (`daemon`).

use crate::control::{LogOf, LogReply, Reply, Request as Question};
use crate::gateway::Site;
use crate::gateway::http::{Request, percent_decode};
use crate::gateway::rpc::namespec;
use crate::gateway::stream::{Outgoing, Stream};
use nix::poll::{PollFd, PollFlags, poll};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Duration;
use tiny_http::HTTPVersion;

/// Bytes of the log's end that come first.
const HEAD_BYTES: u64 = 1024;

/// BOUND: what is read and sent at once.
const PIECE_BYTES: usize = 16 << 10;

/// Between two looks at the file, while somebody follows it.
const PAUSE_MS: u16 = 100;

/// So many looks at the file come to one question whether another one has its name.
const LOOKS_FOR_QUESTION: u32 = 10;

/// BOUND: for a client to take a piece.
const PIECE_MS: i64 = 10_000;

/// For what the core answers in the turn that reads it.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Whose log a path asks for: `None` for another path, `Some(None)` for a log that cannot be.
#[must_use]
pub fn wanted(path: &str) -> Option<Option<LogOf>> {
    // COMPAT: supervisord matches the prefix.
    if path.starts_with("/mainlogtail") {
        return Some(Some(LogOf::Daemon));
    }
    if !path.starts_with("/logtail") {
        return None;
    }
    let path = percent_decode(path);
    let rest = path.trim_start_matches('/').split_once('/').map_or("", |(_, rest)| rest);
    let (spec, channel) = rest.split_once('/').unwrap_or((rest, "stdout"));
    let (group, name) = namespec::split(spec);
    let stderr = match channel {
        "stdout" => false,
        "stderr" => true,
        _ => return Some(None),
    };
    Some(name.map(|name| LogOf::Process { group: group.to_owned(), name: name.to_owned(), stderr }))
}

/// One log that is followed.
pub struct Follow<'a> {
    site: &'a Site,
    whose: LogOf,
    file: File,
    /// What has been sent.
    done: u64,
}

impl<'a> Follow<'a> {
    /// `None` when there is no such log now.
    #[must_use]
    pub fn open(site: &'a Site, whose: LogOf) -> Option<Follow<'a>> {
        let file = open(site, &whose)?;
        let done = file.metadata().ok()?.len().saturating_sub(HEAD_BYTES);
        Some(Follow { site, whose, file, done })
    }

    /// Sends until the client goes or the core does.
    ///
    /// # Errors
    /// What ended it.
    pub fn run(mut self, request: &Request, stream: &Stream) -> io::Result<()> {
        let chunked = request.version == HTTPVersion(1, 1);
        let modified = self.file.metadata()?.mtime();
        let mut head = format!(
            "HTTP/1.1 200 OK\r\nServer: mainstay\r\nContent-Type: text/plain;charset=utf-8\r\n\
             Last-Modified: {}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
            http_date(modified)
        );
        if self.whose != LogOf::Daemon {
            // Proxies shall not wait for more.
            head.push_str("X-Accel-Buffering: no\r\n");
        }
        head.push_str(if chunked {
            "Transfer-Encoding: chunked\r\n\r\n"
        } else {
            "Connection: close\r\n\r\n"
        });
        let send = |bytes: &[u8]| {
            let now = self.site.tools.mono;
            Outgoing { stream, now, deadline: now().plus_ms(PIECE_MS) }.write_all(bytes)
        };
        send(head.as_bytes())?;
        let mut piece = vec![0; PIECE_BYTES];
        let mut looks = 0;
        loop {
            let n = self.file.read_at(&mut piece, self.done)?;
            if n > 0 {
                self.done = self.done.saturating_add(n as u64);
                send_piece(&send, piece.get(..n).unwrap_or_default(), chunked)?;
                // Whoever does not end must not keep us from noticing that the client did.
                if stream.is_abandoned() {
                    return Ok(());
                }
                continue;
            }
            let there = self.file.metadata()?;
            if there.len() < self.done {
                self.done = 0;
                send_piece(&send, b"==> File truncated <==\n", chunked)?;
                continue;
            }
            looks += 1;
            // A file that has lost its name has been cleared, most likely.
            if (looks >= LOOKS_FOR_QUESTION || there.nlink() == 0) && self.is_replaced(&there)? {
                continue;
            }
            if looks >= LOOKS_FOR_QUESTION {
                looks = 0;
            }
            if is_gone(stream)? {
                return Ok(());
            }
        }
    }

    /// Turns to the file that has the name now, if it is another one. The old one has been sent to its end.
    fn is_replaced(&mut self, old: &std::fs::Metadata) -> io::Result<bool> {
        let Some(file) = open(self.site, &self.whose) else { return Ok(false) };
        let new = file.metadata()?;
        let other = (new.dev(), new.ino()) != (old.dev(), old.ino());
        if other {
            self.file = file;
            self.done = 0;
        }
        Ok(other)
    }
}

fn open(site: &Site, whose: &LogOf) -> Option<File> {
    match site.link.ask_for_file(&Question::OpenLog(whose.clone()), QUESTION_TIMEOUT) {
        Ok((Reply::Log(LogReply::Opened), Some(file))) => Some(file.into()),
        _ => None,
    }
}

fn send_piece(send: &dyn Fn(&[u8]) -> io::Result<()>, bytes: &[u8], chunked: bool) -> io::Result<()> {
    if !chunked {
        return send(bytes);
    }
    let mut piece = format!("{:x}\r\n", bytes.len()).into_bytes();
    piece.extend_from_slice(bytes);
    piece.extend_from_slice(b"\r\n");
    send(&piece)
}

/// Waits for a while, or until the client goes.
fn is_gone(stream: &Stream) -> io::Result<bool> {
    let mut polled = [PollFd::new(stream.as_fd(), PollFlags::from_bits_retain(nix::libc::POLLRDHUP))];
    match poll(&mut polled, PAUSE_MS) {
        Ok(n) => Ok(n > 0),
        Err(nix::errno::Errno::EINTR) => Ok(false),
        Err(e) => Err(io::Error::from_raw_os_error(e as i32)),
    }
}

/// `Fri, 20 Nov 2026 14:40:00 GMT`.
fn http_date(secs: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let secs = secs.clamp(0, 253_402_300_799).unsigned_abs();
    let (days, rest) = (secs / 86_400, secs % 86_400);
    // Years begin in March, so that a leap day is the last of its year.
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    let year = year_of_era + era * 400 + u64::from(month < 2);
    let word = |words: &'static [&'static str], at: u64| {
        usize::try_from(at).ok().and_then(|at| words.get(at)).copied().unwrap_or_default()
    };
    let (weekday, month) = (word(&DAYS, days % 7), word(&MONTHS, month));
    format!(
        "{weekday}, {day:02} {month} {year} {:02}:{:02}:{:02} GMT",
        rest / 3600,
        rest % 3600 / 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        for (secs, want) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
            (-5, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] {
            assert_eq!(http_date(secs), want);
        }
    }

    #[test]
    fn a_path_names_a_log() {
        let log = |group: &str, name: &str, stderr| {
            Some(Some(LogOf::Process { group: group.to_owned(), name: name.to_owned(), stderr }))
        };
        for (path, want) in [
            ("/", None),
            ("/RPC2", None),
            ("/mainlogtail", Some(Some(LogOf::Daemon))),
            ("/logtail/a", log("a", "a", false)),
            ("/logtail/g:a/stderr", log("g", "a", true)),
            ("/logtail/g%3Aa/stdout", log("g", "a", false)),
            ("/logtail/a/nosuch", Some(None)),
            ("/logtail/a/stdout/more", Some(None)),
            ("/logtail/g:*", Some(None)),
        ] {
            assert_eq!(wanted(path), want, "{path}");
        }
    }
}
