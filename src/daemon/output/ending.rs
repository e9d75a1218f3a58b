//! The last output of all programs, when everything has stopped.
//!
//! Invariant: it ends in time, whatever the sinks do. Not here: one program's end (`drain_output_of`).

use super::LAST_READS;
use crate::daemon::state::Daemon;
use crate::logging::{Pumped, SinkId};
use crate::sys::clock;
use crate::types::LogLevel;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// BOUND: what a blocked stdout or stderr gets, when everything has stopped, to take the last output.
const FLUSH_GRACE_MS: i64 = 3_000;

impl Daemon {
    /// At the end: what is still in the pipes goes out, as far as the sinks take it in time; then everything is closed.
    pub(crate) fn close_all_output(&mut self) {
        let own = clock::now().mono.plus_ms(FLUSH_GRACE_MS);
        // A shutdown that has a budget has it for this, too.
        let deadline = self.engine.shutdown_ends_at().map_or(own, |budget| own.min(budget));
        loop {
            let left = self.pump_all();
            let blocked = self.sinks.blocked();
            let left_ms = deadline.since_ns(clock::now().mono) / 1_000_000;
            if (left == Left::Nothing && blocked.is_empty()) || left_ms == 0 {
                break;
            }
            if left != Left::InPipes {
                self.wait_for_sinks(&blocked, left_ms);
            }
            for id in blocked {
                self.on_sink(id.index());
            }
        }
        let kept = self.sinks.kept_bytes();
        for index in 0..u32::try_from(self.output.entries.len()).unwrap_or(0) {
            self.close_channel(index);
        }
        if kept > 0 {
            let text = format!(
                "stdout, stderr or syslog did not take the last output in time: {kept} bytes and what followed are lost"
            );
            self.log(LogLevel::Error, &text);
        }
        debug_assert!(self.output.is_empty());
    }

    fn wait_for_sinks(&self, blocked: &[SinkId], left_ms: u64) {
        let fds = blocked.iter().filter_map(|id| self.sinks.fd(*id));
        let mut polled: Vec<_> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLOUT)).collect();
        let _ = poll(&mut polled, PollTimeout::try_from(left_ms).unwrap_or(PollTimeout::ZERO)); // the deadline decides
    }

    /// Reads every channel whose sink takes bytes, each for a bounded time.
    fn pump_all(&mut self) -> Left {
        let mut left = Left::Nothing;
        for index in 0..u32::try_from(self.output.entries.len()).unwrap_or(0) {
            let mut last = Pumped::Dry;
            for _ in 0..LAST_READS {
                last = match self.output.entries.get(index as usize).and_then(Option::as_ref) {
                    Some(entry) if entry.paused => Pumped::Blocked,
                    Some(_) => self.pump(index),
                    None => Pumped::End,
                };
                if last != Pumped::More {
                    break;
                }
            }
            left = left.max(match last {
                Pumped::Dry | Pumped::End => Left::Nothing,
                Pumped::Blocked => Left::BehindSinks,
                Pumped::More => Left::InPipes,
            });
        }
        left
    }
}

/// What is still to be carried at the end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Left {
    Nothing,
    BehindSinks,
    InPipes,
}
