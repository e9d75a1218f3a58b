//! The shell around the engine: one thread, one epoll loop, one owner of all state.
//!
//! Does all the I/O there is. Invariants: after boot no error ends the daemon, only the engine's `Exit` and the last
//! resort do; the clock is read once a turn, and again only where
//! a stage bounds its own time; actions are performed in order, and what comes of them goes back to the
//! engine as inputs, never by recursion. Reading order: `boot`, `turn`, `perform`, then the rest.
//! Not here: decisions (`engine`), HTTP (`gateway`).

mod boot;
mod clock;
mod events;
mod explain;
mod fcgi;
mod gateway;
mod groups;
mod heard;
mod history;
mod last_words;
mod lastresort;
mod launch;
mod life;
mod listen;
mod log_ready;
mod log_requests;
mod logs;
mod memory;
mod notify;
mod ourselves;
mod output;
mod perform;
pub mod pidproxy;
mod plan;
mod reap;
mod requests;
mod roster;
mod routes;
mod signals;
pub mod solo;
mod sources;
mod state;
mod stdin;
mod styles;
mod subscribe;
mod task_lines;
mod task_plan;
mod tasks;
mod trees;
mod turn;
mod update;
mod voices;
mod whereabouts;

pub use life::{Options, Reload, run};
