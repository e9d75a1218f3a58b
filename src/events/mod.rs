//! Events: what can be told, to which pools of listeners, in which words, and how a listener answers.
//!
//! Pure: no I/O, no clock. Invariants: an event gets a serial when the first pool takes it, and keeps it; each pool is a
//! queue of its own, bounded in number and bytes; a member has at most one event that it has not answered.
//! COMPAT: contract section 6. Reading order: `kind`, `listener` (what one listener says), `handler`, `pool`, `hub`, `ticks`.
//! Not here: when something happens, pipes, time (`daemon::events`).

pub mod handler;
pub mod hub;
pub mod kind;
pub mod listener;
pub mod pool;
pub mod ticks;

pub use hub::{Hub, Offer, PoolPlan};

#[cfg(test)]
mod tests;

use crate::types::LogLevel;

/// Lines for the daemon's log.
pub type Lines = Vec<(LogLevel, String)>;
