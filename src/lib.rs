//! Mainstay: PID 1 of a container, in one small static binary.

pub mod config;
pub mod control;
pub mod engine;
pub mod types;
