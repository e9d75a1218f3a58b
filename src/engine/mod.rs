//! Decides; pure. (placeholder essay, replaced with the engine)

pub mod action;
pub mod input;
