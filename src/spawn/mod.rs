//! Everything that can fail or allocate before a fork: the command is found, the environment built, the plan made.
//!
//! Reads the file system (stat, and files of variables) and nothing else. Not here: the fork and what follows it
//! (`sys::child`), pipes and logs (`daemon::perform`).

mod confine;
pub mod dotenv;
mod env_sources;
pub mod environment;
pub mod failure;
pub mod lookup;
pub mod plan;
mod python;

pub use env_sources::file_variables;
pub use environment::BaseEnvironment;
pub use plan::{Context, Stdio, has_stand_in, plan, plan_ourselves, resolve};
