//! The clock of TICK events: one whenever a period of 5, 60 or 3600 seconds has begun, if somebody wants it.
//!
//! Pure. Invariants: the period in which we start is silent; periods that were slept through are not told later; without
//! subscribers nothing is ever due. COMPAT: contract 6.4. Wall-clock periods, as listeners compare them with the time.
//! Not here: reading clocks (`daemon::events`).

use crate::events::kind;
use crate::types::{Mono, Now};

/// BOUND: a clock that was set is noticed after this long, whatever the period.
const LOOK_MS: i64 = 60_000;

/// See the module.
#[derive(Default, Debug)]
pub struct Ticks {
    /// Periods that somebody wants, with the start of the one we are in, in seconds.
    periods: Vec<(i64, i64)>,
    due: Option<Mono>,
}

impl Ticks {
    /// `wants`: whether anybody asks for the event.
    pub fn new(now: Now, wants: &dyn Fn(&str) -> bool) -> Ticks {
        let mut ticks = Ticks::default();
        ticks.renew(now, wants);
        ticks
    }

    /// Others are wanted now; a period that was wanted before goes on.
    pub fn renew(&mut self, now: Now, wants: &dyn Fn(&str) -> bool) {
        let wanted = kind::TICKS.into_iter().filter(|period| wants(&name(*period)));
        let before = |period: i64| self.periods.iter().find(|(p, _)| *p == period).map(|(_, last)| *last);
        self.periods = wanted.map(|p| (p, before(p).unwrap_or_else(|| start(p, now)))).collect();
        self.arm(now);
    }

    /// When to look again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.due
    }

    /// Events that are due: name and payload.
    pub fn take(&mut self, now: Now) -> Vec<(String, String)> {
        let mut told = Vec::new();
        for (period, last) in &mut self.periods {
            let this = start(*period, now);
            if this != *last {
                *last = this;
                told.push((name(*period), format!("when:{this}")));
            }
        }
        if !told.is_empty() || self.due.is_some_and(|due| due <= now.mono) {
            self.arm(now);
        }
        told
    }

    fn arm(&mut self, now: Now) {
        let left = |period: i64| period * 1000 - now.wall.0.rem_euclid(period * 1000);
        let next = self.periods.iter().map(|(period, _)| left(*period)).min();
        self.due = next.map(|ms| now.mono.plus_ms(ms.min(LOOK_MS)));
    }
}

fn name(period: i64) -> String {
    format!("TICK_{period}")
}

fn start(period: i64, now: Now) -> i64 {
    let secs = now.wall.secs();
    secs - secs.rem_euclid(period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Wall;

    fn at(mono_ms: u64, wall_ms: i64) -> Now {
        Now { mono: Mono(mono_ms * 1_000_000), wall: Wall(wall_ms) }
    }

    #[test]
    fn the_first_period_is_silent_and_each_later_one_is_told_once() {
        let mut ticks = Ticks::new(at(0, 3_599_000), &|name| name != "TICK_60");
        assert_eq!(ticks.next_deadline(), Some(at(1_000, 0).mono));
        assert_eq!(ticks.take(at(500, 3_599_500)), []);
        let both = [("TICK_5".to_owned(), "when:3600".to_owned()), ("TICK_3600".into(), "when:3600".into())];
        assert_eq!(ticks.take(at(1_000, 3_600_000)), both);
        assert_eq!(ticks.take(at(1_001, 3_600_001)), []);
        assert_eq!(ticks.next_deadline(), Some(at(6_000, 0).mono));
        // Slept through three of them, then the clock goes back.
        assert_eq!(ticks.take(at(20_000, 3_619_000)), [("TICK_5".to_owned(), "when:3615".to_owned())]);
        assert_eq!(ticks.take(at(20_001, 3_604_000)), [("TICK_5".to_owned(), "when:3600".to_owned())]);
    }

    #[test]
    fn nobody_is_woken_for_what_nobody_wants() {
        assert_eq!(Ticks::new(at(0, 7), &|_| false).next_deadline(), None);
        let mut hourly = Ticks::new(at(0, 7_000), &|name| name == "TICK_3600");
        assert_eq!(hourly.next_deadline(), Some(at(60_000, 0).mono));
        assert_eq!(hourly.take(at(60_000, 67_000)), []);
        assert_eq!(hourly.next_deadline(), Some(at(120_000, 0).mono));
    }

    #[test]
    fn what_is_wanted_may_change_and_a_period_is_told_once_all_the_same() {
        let mut ticks = Ticks::new(at(0, 59_000), &|name| name == "TICK_60");
        ticks.renew(at(1_500, 60_500), &|name| name != "TICK_3600");
        // The minute that has begun meanwhile is told; the five seconds that were not asked for are not.
        assert_eq!(ticks.take(at(1_500, 60_500)), [("TICK_60".to_owned(), "when:60".to_owned())]);
        assert_eq!(ticks.next_deadline(), Some(at(6_000, 0).mono));
        ticks.renew(at(2_000, 61_000), &|_| false);
        assert_eq!((ticks.next_deadline(), ticks.take(at(9_000, 68_000))), (None, vec![]));
    }
}
