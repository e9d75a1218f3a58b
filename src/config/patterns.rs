//! Patterns that lines of output are held against.
//!
//! Pure. Invariant: a pattern that was read here costs a bounded time for each byte: what it comes to is small. It is used
//! inside PID 1. Not here: the lines (`daemon`).

use regex_lite::{Error, Regex, RegexBuilder};

/// BOUND: bytes of a compiled pattern; `[a-z]{1,200}` would be more.
const MAX_BYTES: usize = 8 << 10;

/// Compiles it.
///
/// # Errors
/// It is none, or it is too large.
pub fn log_pattern(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern).size_limit(MAX_BYTES).build()
}

#[cfg(test)]
mod tests {
    use super::log_pattern;

    #[test]
    fn ordinary_patterns_are_small_and_counted_repetitions_are_not() {
        for good in ["listening on port [0-9]+", "^(ready|started) in [0-9.]+ ?(ms|s)$", "Server.*up"] {
            assert!(log_pattern(good).is_ok(), "{good}");
        }
        assert!(log_pattern("[a-z]{1,200}b").is_err());
        assert!(log_pattern("(").is_err());
    }
}
