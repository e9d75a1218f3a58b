//! Asks the kernel: thin, typed wrappers, and the only place where the word that needs a `SAFETY` comment may stand.
//!
//! Does I/O by nature. Invariants: every descriptor made here is close-on-exec; nobody else forks, waits or
//! installs a signal handler. Not here: what to do with the answers (`daemon`, `spawn`, `logging`).

pub mod boot;
pub mod capabilities;
pub mod carray;
pub mod cgroup;
pub mod cgroup_view;
pub mod child;
pub mod clock;
pub mod clock_watch;
mod complaint;
pub mod confine;
pub mod datagram;
pub mod entry;
pub mod errno;
pub mod fd;
pub mod files;
pub mod inherit;
pub mod job;
#[cfg(lean_libc)]
mod lean;
pub mod limits;
pub mod malloc;
pub mod notify;
pub mod passing;
pub mod procfs;
pub mod signals;
pub mod slim;
pub mod sockets;
mod stage;
mod step;
pub mod terminal;
pub mod tree;
pub mod usage;
pub mod wait;
mod zone;
