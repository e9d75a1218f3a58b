//! Decides what is started, stopped, killed, answered and said, and never touches the world.
//!
//! Pure: no I/O, no clock, no environment, no global state. `Engine::step` takes one input and the time, and appends
//! actions in the order in which they are to be performed; the answers come back as later inputs.
//!
//! One process slot lives like this (Supervisor's states; a line is a published change):
//!
//! ```text
//!            start                startsecs met            exit
//!  STOPPED ---------> STARTING -------------------> RUNNING ----> EXITED --(autorestart)--> STARTING
//!                      |  ^  |                         |             \--(exponential)-----> BACKOFF
//!            exit early|  |  |stop                     |stop
//!        or not spawned|  |  |                         |
//!                      v  |  v                         v
//!       FATAL <----- BACKOFF  STOPPING <---------------+
//!        too many       |        | reaped, and its process group is empty where killasgroup is set
//!        failed starts  |stop    v
//!                       +----> STOPPED                UNKNOWN: kill(2) was refused
//! ```
//!
//! Invariants, each held by the simulation in `tests/sim`: one live incarnation for each slot; STOPPING and BACKOFF
//! always have a deadline and stopped states have none; every command is answered exactly once; nothing starts once
//! everything is being stopped; late news of an old incarnation changes nothing, also not for another program that has got
//! the slot; an input that cannot happen becomes `Action::Bug` and changes nothing. One input for one slot costs O(log n);
//! only when programs come or go everything is put in order anew.
//!
//! Not here: how a process is started or a signal sent (`spawn`, `sys`), the loop (`daemon`), event payloads.

pub mod action;
pub mod input;

mod backoff;
mod checks;
mod commands;
mod dependents;
mod depends;
mod drain;
mod endings;
mod ends;
mod health;
mod hooks;
mod layout;
mod note;
mod outlook;
mod policy;
mod process;
mod roll;
mod schedule;
mod shutdown;
mod slot;
mod stop;
mod table;
mod tally;
mod tasks;
mod timers;
mod view;
mod waiters;

pub use table::Engine;

#[cfg(test)]
mod tests;
