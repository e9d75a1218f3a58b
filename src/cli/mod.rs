//! Placeholder.

pub mod ctl;
pub mod gateway;
pub mod health;
