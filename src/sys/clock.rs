//! Reads the clocks: once a turn for deciding, and local time for showing.
//!
//! Asks the kernel, and libc for the time zone. Not here: durations and their arithmetic (`types`).

use crate::types::{Mono, Now, Wall};
use nix::libc;
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
    // SAFETY: `tm` is plain data for which all zeroes is a value.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live locals; localtime_r keeps neither.
    let done = unsafe { libc::localtime_r(&raw const secs, &raw mut tm) };
    if done.is_null() {
        return LocalTime { year: 1970, month: 1, day: 1, ..LocalTime::default() };
    }
    let part = |n: i32| u32::try_from(n).unwrap_or(0);
    LocalTime {
        year: tm.tm_year.saturating_add(1900),
        month: part(tm.tm_mon) + 1,
        day: part(tm.tm_mday),
        hour: part(tm.tm_hour),
        minute: part(tm.tm_min),
        second: part(tm.tm_sec),
    }
}
