//! Mainstay: PID 1 of a container, in one small static binary.

pub mod cli;
pub mod config;
pub mod control;
pub mod ctl;
pub mod daemon;
pub mod engine;
pub mod events;
pub mod gateway;
pub mod journal;
pub mod logging;
pub mod spawn;
#[allow(unsafe_code)]
pub mod sys;
pub mod types;
