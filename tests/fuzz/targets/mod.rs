//! The targets: each makes inputs, and says what must hold for any of them.

mod checks;
mod config;
mod dotenv;
mod engine;
mod filters;
mod frames;
mod getopt;
mod http;
mod keys;
mod lines;
mod listener;
mod seeds;
mod xmlrpc;

use crate::rng::Rng;

/// One thing under test.
pub(crate) trait Target: Send {
    fn name(&self) -> &'static str;

    /// How many cases a run takes that does not last.
    fn quick_cases(&self) -> u64;

    /// An input; what it means is the target's business.
    fn generate(&self, rng: &mut Rng) -> Vec<u8>;

    /// Tries any bytes, also those that `generate` would never make; whether it was an input that is accepted.
    /// A panic counts as an error.
    ///
    /// # Errors
    /// A sentence that begins with what is broken, for all inputs that break it alike.
    fn check(&self, input: &[u8]) -> Result<bool, String>;
}

pub(crate) fn all() -> Vec<Box<dyn Target>> {
    vec![
        Box::new(config::Files::ini()),
        Box::new(config::Files::toml()),
        Box::new(config::Variables::new()),
        Box::new(xmlrpc::Xmlrpc::new()),
        Box::new(http::Http::new()),
        Box::new(frames::Frames),
        Box::new(getopt::Getopt),
        Box::new(keys::Keys),
        Box::new(dotenv::Dotenv),
        Box::new(lines::Lines),
        Box::new(filters::Filters),
        Box::new(listener::Listener),
        Box::new(engine::Engines),
    ]
}

/// The sentence, unless it holds.
fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
