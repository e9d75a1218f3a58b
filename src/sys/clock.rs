//! Reads the clocks: once a turn for deciding, and local time for showing.
//!
//! Asks the kernel. Not here: durations and their arithmetic (`types`), which zone is ours (`zone`).

use crate::sys::zone;
use crate::types::{Mono, Now, Wall};
use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};

/// Monotonic and wall time together. `CLOCK_MONOTONIC` does not jump when somebody sets the clock.
#[must_use]
pub fn now() -> Now {
    let mono = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Mono(0), |t| {
        let secs = u64::try_from(t.tv_sec()).unwrap_or(0);
        Mono(secs.saturating_mul(1_000_000_000).saturating_add(u64::try_from(t.tv_nsec()).unwrap_or(0)))
    });
    let wall = clock_gettime(ClockId::CLOCK_REALTIME)
        .map_or(Wall(0), |t| Wall(t.tv_sec().saturating_mul(1000).saturating_add(t.tv_nsec() / 1_000_000)));
    Now { mono, wall }
}

/// Broken-down local time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LocalTime {
    pub year: i32,
    /// 1..=12
    pub month: u32,
    /// 1..=31
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
}

/// Local time of `secs` since 1970, by TZ or /etc/localtime; UTC where neither is there.
#[must_use]
pub fn local_time(secs: i64) -> LocalTime {
    let Ok(moment) = Timestamp::from_second(secs) else {
        return LocalTime { year: 1970, month: 1, day: 1, ..LocalTime::default() };
    };
    let t = zone::ours().to_datetime(moment);
    let part = |n: i8| u32::try_from(n).unwrap_or(0);
    LocalTime {
        year: i32::from(t.year()),
        month: part(t.month()),
        day: part(t.day()),
        hour: part(t.hour()),
        minute: part(t.minute()),
        second: part(t.second()),
    }
}

#[cfg(test)]
mod tests {
    use super::local_time;

    #[test]
    fn once_the_zone_is_known_a_small_stack_is_enough() {
        let first = local_time(0);
        let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(|| local_time(0));
        assert_eq!(thread.expect("a thread").join().expect("it ends"), first);
    }
}
