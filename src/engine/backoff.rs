//! How long to wait before the next try: arithmetic over a `Backoff` policy, with jitter from a seeded generator.
//!
//! Pure and deterministic: the same seed gives the same delays.
//! Not here: when a delay is needed (`process`), how it is kept (`timers`).

use crate::config::model::Backoff;

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_SEC: u64 = 1_000_000_000;

/// BOUND: after so many multiplications every factor above 1 has reached any sensible maximum.
const MAX_MULTIPLICATIONS: u32 = 128;

/// A small generator (splitmix64). Not for secrets: it only keeps programs from retrying in step.
#[derive(Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Jitter {
        Jitter(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// `value` plus or minus up to `percent` of it.
    fn spread(&mut self, value: u64, percent: u32) -> u64 {
        let span = value / 100 * u64::from(percent.min(100));
        if span == 0 {
            return value;
        }
        (value - span).saturating_add(self.next() % span.saturating_mul(2).saturating_add(1))
    }
}

/// Nanoseconds to wait. `tries` counts failed starts in a row, `level` failed starts and crashes; both from 1.
pub(super) fn delay_ns(policy: Backoff, tries: u32, level: u32, jitter: &mut Jitter) -> u64 {
    match policy {
        // COMPAT: Supervisor waits as many seconds as there were failed starts.
        Backoff::Linear => u64::from(tries) * NS_PER_SEC,
        Backoff::Exponential { initial_ms, factor_percent, max_ms, jitter_percent, .. } => {
            let max = ms_to_ns(max_ms);
            let mut delay = ms_to_ns(initial_ms).min(max);
            for _ in 1..level.min(MAX_MULTIPLICATIONS) {
                delay = grow(delay, factor_percent).min(max);
            }
            jitter.spread(delay, jitter_percent)
        }
    }
}

/// Whether so long a life makes the next crash the first one again.
pub(super) fn forgets(policy: Backoff, uptime_ns: u64) -> bool {
    match policy {
        Backoff::Linear => false,
        Backoff::Exponential { reset_after_ms, .. } => uptime_ns >= ms_to_ns(reset_after_ms),
    }
}

/// Negative durations count as zero.
pub(super) fn ms_to_ns(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0).saturating_mul(NS_PER_MS)
}

fn grow(delay: u64, factor_percent: u32) -> u64 {
    let wide = u128::from(delay) * u128::from(factor_percent) / 100;
    u64::try_from(wide).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Backoff = Backoff::Exponential {
        initial_ms: 500,
        factor_percent: 150,
        max_ms: 2_000,
        jitter_percent: 0,
        reset_after_ms: 60_000,
    };

    fn delays_ms(policy: Backoff, n: u32) -> Vec<u64> {
        let mut jitter = Jitter::new(1);
        (1..=n).map(|i| delay_ns(policy, i, i, &mut jitter) / NS_PER_MS).collect()
    }

    #[test]
    fn linear_waits_as_many_seconds_as_starts_failed() {
        assert_eq!(delays_ms(Backoff::Linear, 4), [1000, 2000, 3000, 4000]);
    }

    #[test]
    fn exponential_grows_by_its_factor_up_to_its_maximum() {
        assert_eq!(delays_ms(PLAIN, 6), [500, 750, 1125, 1687, 2000, 2000]);
        let mut jitter = Jitter::new(1);
        assert_eq!(delay_ns(PLAIN, 1, u32::MAX, &mut jitter), 2_000 * NS_PER_MS);
    }

    #[test]
    fn jitter_stays_within_its_percentage_and_is_not_constant() {
        let mut jitter = Jitter::new(7);
        let all: Vec<u64> = (0..1000).map(|_| delay_ns(Backoff::CONTAINER, 1, 1, &mut jitter)).collect();
        assert!(all.iter().all(|d| (900 * NS_PER_MS..=1_100 * NS_PER_MS).contains(d)));
        assert!(all.iter().any(|d| *d < 950 * NS_PER_MS) && all.iter().any(|d| *d > 1_050 * NS_PER_MS));
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let run = |seed| {
            let mut jitter = Jitter::new(seed);
            (1..50).map(|i| delay_ns(Backoff::CONTAINER, i, i, &mut jitter)).collect::<Vec<_>>()
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }

    #[test]
    fn a_long_life_is_forgiven_only_by_exponential_backoff() {
        assert!(forgets(PLAIN, 60_000 * NS_PER_MS));
        assert!(!forgets(PLAIN, 60_000 * NS_PER_MS - 1));
        assert!(!forgets(Backoff::Linear, u64::MAX));
    }
}
