//! The log path: a program's pipe, its filters (capture mode, escapes), lines where lines matter,
//! what they look like and how many may go out, and sinks that may rotate, block or break.
//!
//! Does I/O on descriptors it is given. Invariants: bytes of one stream keep their order; nothing is lost while the
//! sink is healthy; a sink that blocks holds up only the channels that write to it; no failure leaves this module as
//! anything but a count and a sentence. Not here: the loop (`daemon`), what a line means.

pub mod ansi;
pub mod auto;
pub mod channel;
pub mod file;
pub mod filters;
pub mod lines;
pub mod outlet;
pub mod recent;
pub mod sinks;
pub mod stream;
pub mod style;
pub mod syslog;
pub mod tally;
pub mod tokens;

pub use channel::{Captured, Channel, News, Plan, Pumped, Tools};
pub use file::RotatingFile;
pub use recent::Recents;
pub use sinks::{Put, SinkId, Sinks};
pub use stream::StreamSink;
pub use syslog::SyslogSink;
pub use tally::{Tallies, Tally};
