//! When a schedule says that something runs: five fields of cron, six with seconds in front, or an `@` word.
//!
//! Pure. Invariants: what was parsed comes again some day, or was refused; `next_after` is strictly later than what it was
//! given. Days of month and week are joined as Vixie's cron does it: both have to fit where one of them begins with `*`,
//! else one of them is enough. A schedule of certain hours is about what clocks show: a time that is skipped when clocks
//! go forward comes at the end of the gap, and one that clocks show twice comes the first time. One of every hour is
//! about time that passes, so it comes in both hours.
//! Not here: names of zones and their files (`zone`), who waits for the time (`engine`).

mod parse;

use crate::types::Wall;
use jiff::Span;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};

pub use parse::CronError;

/// BOUND: how many months are searched. February 29 on a certain weekday comes every 28 years, or 40 over 2100.
const MONTHS: u32 = 12 * 60;

/// BOUND: changes of the clock that are gone through for one answer.
const CHANGES: u32 = 400;

/// A schedule that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cron {
    Fields(Box<Fields>),
    /// `@every`: seconds, counted from the last time.
    Every(i64),
}

/// The numbers that fit, each a bit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fields {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Bit 0 is Sunday.
    weekdays: u64,
    /// `L`: the last day of the month.
    last_day: bool,
    /// One of the two day fields begins with `*`: both have to fit.
    both_days: bool,
}

/// All 24 hours.
const EVERY_HOUR: u64 = (1 << 24) - 1;

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong, where, and how to write it.
    pub fn parse(text: &str) -> Result<Cron, CronError> {
        parse::parse(text)
    }

    /// The first time after `after`; `None` beyond the end of the calendar.
    #[must_use]
    pub fn next_after(&self, after: Wall, zone: &TimeZone) -> Option<Wall> {
        let secs = match self {
            Cron::Every(secs) => return Some(Wall(after.0.checked_add(secs.checked_mul(1_000)?)?)),
            Cron::Fields(fields) => {
                let after = Timestamp::from_second(after.secs()).ok()?;
                if fields.hours == EVERY_HOUR {
                    fields.next_of_every_hour(after, zone)?
                } else {
                    fields.next_of_certain_hours(after, zone)?
                }
            }
        };
        Some(Wall(secs.as_second() * 1_000))
    }
}

impl Fields {
    /// By what clocks show.
    fn next_of_certain_hours(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut shown = zone.to_datetime(after);
        // BOUND: what clocks show again is passed over, second by second: an hour or two of them.
        for _ in 0..=4 * 3_600 {
            shown = self.shown_after(shown)?;
            let at = instant_of(shown, zone)?;
            if at > after {
                return Some(at);
            }
        }
        None
    }

    /// By time that passes: clocks are followed through their changes.
    fn next_of_every_hour(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut from = after;
        for _ in 0..CHANGES {
            let offset = zone.to_offset(from);
            let at = offset.to_timestamp(self.shown_after(offset.to_datetime(from))?).ok()?;
            match zone.following(from).next().map(|change| change.timestamp()) {
                // The instant of a change shows the new time; the one before it is taken to look from there.
                Some(change) if change <= at => {
                    let new = zone.to_offset(change);
                    let shown = new.to_datetime(change);
                    if self.fits(shown) {
                        return Some(change);
                    }
                    from = change;
                }
                Some(_) | None => return Some(at),
            }
        }
        None
    }

    /// The next date and time that fit, whether clocks ever show it or not.
    fn shown_after(&self, after: DateTime) -> Option<DateTime> {
        let start = after.checked_add(Span::new().seconds(1)).ok()?;
        let (mut date, mut second) = (start.date(), Some(second_of(start)));
        let mut months = 0;
        while months < MONTHS {
            if !has(self.months, date.month()) {
                date = first_of_next_month(date)?;
                months += 1;
                second = None;
                continue;
            }
            if self.fits_day(date)
                && let Some(found) = self.second_from(second.unwrap_or(0))
            {
                return Some(date.at(found.0, found.1, found.2, 0));
            }
            second = None;
            let before = date.month();
            date = date.tomorrow().ok()?;
            months += u32::from(date.month() != before);
        }
        None
    }

    /// Hour, minute and second of the first time of a day that fits, not before this second of it.
    fn second_from(&self, from: i32) -> Option<(i8, i8, i8)> {
        let (hour, minute, second) = (from / 3_600, from / 60 % 60, from % 60);
        let first = |set: u64, from: i32| next_bit(set, from);
        let h = first(self.hours, hour)?;
        if h == hour {
            if let Some(m) = first(self.minutes, minute) {
                if m > minute {
                    return time(h, m, first(self.seconds, 0)?);
                }
                if let Some(s) = first(self.seconds, second) {
                    return time(h, m, s);
                }
                if let Some(m) = first(self.minutes, minute + 1) {
                    return time(h, m, first(self.seconds, 0)?);
                }
            }
            let h = first(self.hours, hour + 1)?;
            return time(h, first(self.minutes, 0)?, first(self.seconds, 0)?);
        }
        time(h, first(self.minutes, 0)?, first(self.seconds, 0)?)
    }

    fn fits_day(&self, date: Date) -> bool {
        let is_last = self.last_day && date.day() == date.days_in_month();
        let day = is_last || has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        if self.both_days { day && weekday } else { day || weekday }
    }

    fn fits(&self, at: DateTime) -> bool {
        has(self.seconds, at.second())
            && has(self.minutes, at.minute())
            && has(self.hours, at.hour())
            && has(self.months, at.month())
            && self.fits_day(at.date())
    }
}

/// When clocks show this: the first time, or the first instant after the gap that it falls into.
fn instant_of(shown: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(shown).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(shown).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            let ahead = after.to_timestamp(shown).ok()?;
            Some(zone.following(ahead).next()?.timestamp())
        }
    }
}

fn second_of(at: DateTime) -> i32 {
    i32::from(at.hour()) * 3_600 + i32::from(at.minute()) * 60 + i32::from(at.second())
}

fn time(hour: i32, minute: i32, second: i32) -> Option<(i8, i8, i8)> {
    Some((i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?))
}

fn first_of_next_month(date: Date) -> Option<Date> {
    date.last_of_month().tomorrow().ok()
}

fn has(set: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|n| set & bit(n) != 0)
}

fn bit(number: u32) -> u64 {
    1u64.checked_shl(number).unwrap_or(0)
}

/// The lowest number of a set that is not below `from`.
fn next_bit(set: u64, from: i32) -> Option<i32> {
    let from = u32::try_from(from).ok()?;
    let rest = set & u64::MAX.checked_shl(from).unwrap_or(0);
    if rest == 0 { None } else { i32::try_from(rest.trailing_zeros()).ok() }
}

/// A point in time as clocks of the zone show it: `2026-11-21 03:00:00 CET`.
#[must_use]
pub fn shown(at: Wall, zone: &TimeZone) -> String {
    let Ok(moment) = Timestamp::from_second(at.secs()) else { return at.secs().to_string() };
    let t = zone.to_datetime(moment);
    let info = zone.to_offset_info(moment);
    let (year, month, day) = (t.year(), t.month(), t.day());
    let (hour, minute, second) = (t.hour(), t.minute(), t.second());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} {}", info.abbreviation())
}

#[cfg(test)]
mod tests;
