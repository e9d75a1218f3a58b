//! Configuration: three spellings, one model.
//!
//! Sources -> `raw` (what the user said, with places) -> `validate` -> `model` (the truth everybody else sees). Pure,
//! but for questions to the `World`. Invariants: all findings are collected, each with its place and a hint; nothing
//! starts on a configuration with an error. Not here: acting on a configuration (`daemon`).

#[cfg(test)]
mod corpus_tests;
pub mod cron;
pub mod diag;
pub mod diff;
pub mod expand;
pub mod from_env;
pub mod from_ini;
pub mod from_toml;
pub mod glob;
pub mod interpolate;
mod load;
mod missing;
pub mod model;
pub mod passwd;
pub mod paths;
pub mod patterns;
pub mod print;
pub mod python;
pub mod raw;
pub mod settings;
pub mod shlex;
mod switch;
#[cfg(test)]
pub(crate) mod testing;
mod utf8;
pub(crate) mod validate;
mod values;
pub mod world;
pub mod zone;

/// Stands for the value of a variable that is not UTF-8; no real variable has a zero byte. Whoever uses it is refused.
pub const NOT_TEXT: &str = "\0not UTF-8";

pub use load::{Loaded, Search, Sources, check_option, load};
pub(crate) use values::parse_duration as duration_ms;
