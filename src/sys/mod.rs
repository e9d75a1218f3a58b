//! Placeholder.

pub mod clock;
pub mod inherit;
pub mod malloc;
