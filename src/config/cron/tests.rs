//! Expressions against times worked out by hand, and against a search that looks at every second or minute.

use super::*;

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";
/// Half an hour, at two in the morning.
const LORD_HOWE: &str = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";

fn zone(rules: &str) -> TimeZone {
    if rules.is_empty() { TimeZone::UTC } else { TimeZone::posix(rules).expect("rules") }
}

/// `2026-03-29 01:30:00` as clocks of UTC show it.
fn utc(text: &str) -> Wall {
    let civil: DateTime = text.replace(' ', "T").parse().expect("a time");
    let at = jiff::tz::Offset::UTC.to_timestamp(civil).expect("in range");
    Wall(at.as_second() * 1_000)
}

fn cron(text: &str) -> Cron {
    Cron::parse(text).unwrap_or_else(|e| panic!("{text}: {e}; {}", e.hint))
}

/// The next `n` times after `from` (UTC), as clocks of the zone show them.
fn next(text: &str, rules: &str, from: &str, n: usize) -> Vec<String> {
    let (cron, zone) = (cron(text), zone(rules));
    let mut at = utc(from);
    let times = std::iter::from_fn(|| {
        at = cron.next_after(at, &zone)?;
        Some(shown(at, &zone))
    });
    times.take(n).collect()
}

#[test]
fn expressions_mean_what_cron_means_by_them() {
    // Friday, 20 November 2026.
    let from = "2026-11-20 19:00:00";
    let cases: &[(&str, &[&str])] = &[
        ("* * * * *", &["2026-11-20 19:01:00", "2026-11-20 19:02:00"]),
        ("* * * * * *", &["2026-11-20 19:00:01", "2026-11-20 19:00:02"]),
        ("*/15 * * * * *", &["2026-11-20 19:00:15", "2026-11-20 19:00:30"]),
        ("0 3 * * *", &["2026-11-21 03:00:00", "2026-11-22 03:00:00"]),
        ("0 0 3 * * *", &["2026-11-21 03:00:00", "2026-11-22 03:00:00"]),
        ("30 4,16 * * *", &["2026-11-21 04:30:00", "2026-11-21 16:30:00"]),
        ("0 19 * * *", &["2026-11-21 19:00:00"]),
        ("0 9-17/4 * * MON-FRI", &["2026-11-23 09:00:00", "2026-11-23 13:00:00", "2026-11-23 17:00:00"]),
        ("0 12 * * 7", &["2026-11-22 12:00:00", "2026-11-29 12:00:00"]),
        ("0 12 * * 0", &["2026-11-22 12:00:00"]),
        ("0 12 * * 5-7", &["2026-11-21 12:00:00", "2026-11-22 12:00:00", "2026-11-27 12:00:00"]),
        ("0 0 1 jan *", &["2027-01-01 00:00:00", "2028-01-01 00:00:00"]),
        ("0 0 29 2 *", &["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 31 * *", &["2026-12-31 00:00:00", "2027-01-31 00:00:00", "2027-03-31 00:00:00"]),
        (
            "0 0 L * *",
            &["2026-11-30 00:00:00", "2026-12-31 00:00:00", "2027-01-31 00:00:00", "2027-02-28 00:00:00"],
        ),
        ("0 0 15,L * ?", &["2026-11-30 00:00:00", "2026-12-15 00:00:00"]),
        // Both day fields are given: either is enough.
        (
            "0 0 13 * FRI",
            &["2026-11-27 00:00:00", "2026-12-04 00:00:00", "2026-12-11 00:00:00", "2026-12-13 00:00:00"],
        ),
        // One begins with a star: both have to fit.
        ("0 0 */2 * MON", &["2026-11-23 00:00:00", "2026-12-07 00:00:00"]),
        (
            "5/20 * * * *",
            &["2026-11-20 19:05:00", "2026-11-20 19:25:00", "2026-11-20 19:45:00", "2026-11-20 20:05:00"],
        ),
        ("@hourly", &["2026-11-20 20:00:00"]),
        ("@Daily", &["2026-11-21 00:00:00"]),
        ("@weekly", &["2026-11-22 00:00:00"]),
        ("@monthly", &["2026-12-01 00:00:00"]),
        ("@yearly", &["2027-01-01 00:00:00"]),
        ("@every 1h30m", &["2026-11-20 20:30:00", "2026-11-20 22:00:00"]),
        ("@every 90s", &["2026-11-20 19:01:30"]),
    ];
    for (text, wanted) in cases {
        let wanted: Vec<String> = wanted.iter().map(|w| format!("{w} UTC")).collect();
        assert_eq!(next(text, "", from, wanted.len()), wanted, "{text}");
    }
}

#[test]
fn leap_days_come_when_there_are_some() {
    // 2100 is no leap year; 29 February on a Monday comes next in 2044.
    assert_eq!(next("0 0 29 2 *", "", "2096-03-01 00:00:00", 1), ["2104-02-29 00:00:00 UTC"]);
    assert_eq!(next("0 0 29 2 */7", "", "2027-01-01 00:00:00", 1), ["2032-02-29 00:00:00 UTC"]);
    assert_eq!(next("0 0 28,29 2 *", "", "2027-02-28 00:00:00", 1), ["2028-02-28 00:00:00 UTC"]);
}

#[test]
fn certain_hours_are_what_clocks_show_and_come_once() {
    // Berlin, 29 March 2026: 02:00 to 03:00 is skipped. 25 October: it comes twice.
    let skipped = [
        (
            "30 2 * * *",
            vec!["2026-03-28 02:30:00 CET", "2026-03-29 03:00:00 CEST", "2026-03-30 02:30:00 CEST"],
        ),
        (
            "*/20 2 * * *",
            vec![
                "2026-03-28 02:00:00 CET",
                "2026-03-28 02:20:00 CET",
                "2026-03-28 02:40:00 CET",
                "2026-03-29 03:00:00 CEST",
                "2026-03-30 02:00:00 CEST",
            ],
        ),
        (
            "0 2,3 * * *",
            vec![
                "2026-03-28 02:00:00 CET",
                "2026-03-28 03:00:00 CET",
                "2026-03-29 03:00:00 CEST",
                "2026-03-30 02:00:00 CEST",
            ],
        ),
        (
            "59 1 * * *",
            vec!["2026-03-28 01:59:00 CET", "2026-03-29 01:59:00 CET", "2026-03-30 01:59:00 CEST"],
        ),
    ];
    for (text, wanted) in skipped {
        assert_eq!(next(text, BERLIN, "2026-03-28 00:00:00", wanted.len()), wanted, "{text}");
    }
    let twice = [
        (
            "30 2 * * *",
            vec!["2026-10-24 02:30:00 CEST", "2026-10-25 02:30:00 CEST", "2026-10-26 02:30:00 CET"],
        ),
        (
            "0 2,3 * * *",
            vec![
                "2026-10-24 02:00:00 CEST",
                "2026-10-24 03:00:00 CEST",
                "2026-10-25 02:00:00 CEST",
                "2026-10-25 03:00:00 CET",
                "2026-10-26 02:00:00 CET",
            ],
        ),
    ];
    for (text, wanted) in twice {
        assert_eq!(next(text, BERLIN, "2026-10-23 23:00:00", wanted.len()), wanted, "{text}");
    }
    // New York, 8 March and 1 November 2026.
    assert_eq!(
        next("15 2 * * *", NEW_YORK, "2026-03-07 12:00:00", 2),
        ["2026-03-08 03:00:00 EDT", "2026-03-09 02:15:00 EDT"]
    );
    assert_eq!(
        next("15 1 * * *", NEW_YORK, "2026-10-31 12:00:00", 2),
        ["2026-11-01 01:15:00 EDT", "2026-11-02 01:15:00 EST"]
    );
    // From within the hour that comes again.
    assert_eq!(next("15 1 * * *", NEW_YORK, "2026-11-01 06:05:00", 1), ["2026-11-02 01:15:00 EST"]);
    // Half an hour: 02:00 to 02:30 is skipped on 4 October 2026.
    assert_eq!(next("10 2 * * *", LORD_HOWE, "2026-10-03 12:00:00", 1), ["2026-10-04 02:30:00 +11"]);
}

#[test]
fn every_hour_is_time_that_passes() {
    assert_eq!(
        next("30 * * * *", BERLIN, "2026-03-29 00:00:00", 3),
        ["2026-03-29 01:30:00 CET", "2026-03-29 03:30:00 CEST", "2026-03-29 04:30:00 CEST"]
    );
    assert_eq!(
        next("30 * * * *", BERLIN, "2026-10-25 00:00:00", 3),
        ["2026-10-25 02:30:00 CEST", "2026-10-25 02:30:00 CET", "2026-10-25 03:30:00 CET"]
    );
    assert_eq!(
        next("0 * * * *", BERLIN, "2026-10-25 00:00:00", 3),
        ["2026-10-25 02:00:00 CET", "2026-10-25 03:00:00 CET", "2026-10-25 04:00:00 CET"]
    );
}

#[test]
fn what_is_wrong_is_named_with_its_column_and_a_way_out() {
    let cases = [
        ("", 1, "the schedule is empty", "*/5 * * * *"),
        ("* * * *", 7, "5 or 6 fields, this one has 4", "*/5 * * * *"),
        ("* * * * * * *", 13, "this one has 7", "seconds may stand before"),
        ("* 24 * * *", 3, "`24`: there is no hour 24", "an hour is a number from 0 to 23"),
        ("0 0,25 * * *", 5, "no hour 25", "from 0 to 23"),
        ("60 * * * *", 1, "no minute 60", "from 0 to 59"),
        ("0 0 0 * *", 5, "no day of the month 0", "or `L` for the last one"),
        ("0 0 * FOO *", 7, "`FOO` is no month", "a name from JAN to DEC"),
        ("0 0 * * MONDAY", 9, "`MONDAY` is no weekday", "a name from SUN to SAT"),
        ("0 0 * * FRI-MON", 9, "`FRI-MON` goes backwards", "write `5-7,0-1`"),
        ("*/0 * * * *", 1, "no step", "from 1 to 59"),
        ("*/x * * * *", 1, "no step", "from 1 to 59"),
        ("1- * * * *", 1, "`1-` is no minute", "from 0 to 59"),
        ("-5 * * * *", 1, "`-5` is no minute", "from 0 to 59"),
        ("1,,2 * * * *", 3, "`` is no minute", "from 0 to 59"),
        ("? * * * *", 1, "`?` is no minute", "from 0 to 59"),
        ("0 0 30 2 *", 5, "no month of this schedule has a day `30`", "`L` is the last day"),
        ("0 0 31 4,6,9,11 *", 5, "has a day `31`", "have 30"),
        ("0 0 15W * *", 5, "`15W` is no day of the month", "from 1 to 31"),
        ("@reboot", 1, "`@reboot` is no time", "started with the daemon"),
        ("@fortnightly", 1, "there is no `@fortnightly`", "@hourly, @daily"),
        ("@daily 3", 8, "`3` stands behind `@daily`", "take it out"),
        ("@every", 1, "has no duration", "@every 90s"),
        ("@every 0s", 8, "no duration", "@every 1h30m"),
        ("@every 1.5h", 8, "no duration", "@every 1h30m"),
        ("@every 99999999999999999999d", 8, "no duration", "up to a year"),
        ("ä b c d ö f", 1, "`ä` is no second", "from 0 to 59"),
    ];
    for (text, column, what, hint) in cases {
        let error = Cron::parse(text).expect_err(text);
        assert!(error.message.contains(what), "{text}: {error}");
        assert!(error.hint.contains(hint), "{text}: {}", error.hint);
        assert_eq!(error.column, column, "{text}: {error}");
    }
}

/// A generator of its own, so that a run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn field(&mut self, first: u64, last: u64) -> String {
        let one = |r: &mut Random| first + r.below(last - first + 1);
        match self.below(6) {
            0 | 1 => "*".to_owned(),
            2 => format!("*/{}", 1 + self.below(last)),
            3 => one(self).to_string(),
            4 => {
                let (a, b) = (one(self), one(self));
                format!("{}-{}", a.min(b), a.max(b))
            }
            _ => format!("{},{}", one(self), one(self)),
        }
    }
}

/// Whether a civil time fits, worked out from the text alone.
fn fits_text(words: &[String], at: DateTime) -> bool {
    let fits = |word: &str, n: i64, first: i64| {
        word.split(',').any(|item| {
            let (range, step) =
                item.split_once('/').map_or((item, 1), |(r, s)| (r, s.parse().expect("a step")));
            match range.split_once('-') {
                _ if range == "*" => (n - first) % step == 0,
                Some((a, b)) => {
                    let (a, b): (i64, i64) = (a.parse().expect("a number"), b.parse().expect("a number"));
                    (a..=b).contains(&n) && (n - a) % step == 0
                }
                None => range.parse() == Ok(n),
            }
        })
    };
    let weekday = i64::from(at.weekday().to_sunday_zero_offset());
    let day = fits(&words[2], i64::from(at.day()), 1);
    let week = fits(&words[4], weekday, 0) || (weekday == 0 && fits(&words[4], 7, 0));
    let starred = words[2].starts_with('*') || words[4].starts_with('*');
    fits(&words[0], i64::from(at.minute()), 0)
        && fits(&words[1], i64::from(at.hour()), 0)
        && fits(&words[3], i64::from(at.month()), 1)
        && if starred { day && week } else { day || week }
}

/// The least minute after `from` at which it has to run, found by looking at every minute for ten days.
fn by_force(words: &[String], from: i64, zone: &TimeZone, every_hour: bool) -> Option<i64> {
    let civil = |secs: i64| zone.to_datetime(Timestamp::from_second(secs).expect("in range"));
    let minute = 60;
    let first = from.div_euclid(minute) * minute + minute;
    (0..10 * 1_440).map(|n| first + n * minute).find(|at| {
        let (here, before) = (civil(*at), civil(at - minute));
        let follows = before.checked_add(Span::new().minutes(1)).expect("in range") == here;
        if every_hour {
            return fits_text(words, here);
        }
        // Clocks have not shown it before.
        if fits_text(words, here) && !(1..=3 * 60).any(|n| civil(at - n * minute) == here) {
            return true;
        }
        // Something that fits was skipped just now.
        let mut skipped = before;
        !follows
            && here > before
            && (0..180).any(|_| {
                skipped = skipped.checked_add(Span::new().minutes(1)).expect("in range");
                skipped < here && fits_text(words, skipped)
            })
    })
}

#[test]
fn the_next_time_is_the_first_that_a_search_of_every_minute_finds() {
    let mut random = Random(0x5EED);
    // 2026-03-01, 2026-10-20 and others, near changes of the clock.
    let starts = [1_772_323_200, 1_774_600_000, 1_792_450_000, 1_793_400_000, 1_778_000_000, 1_775_250_000];
    let mut n_found = 0;
    for round in 0..120 {
        let rules = [BERLIN, NEW_YORK, "", LORD_HOWE][round % 4];
        let zone = zone(rules);
        let words = [
            random.field(0, 59),
            random.field(0, 23),
            random.field(1, 31),
            random.field(1, 12),
            random.field(0, 7),
        ];
        let text = words.join(" ");
        let Ok(cron) = Cron::parse(&text) else { continue };
        let start = starts[round % starts.len()];
        let from = start + i64::try_from(random.below(5 * 86_400)).expect("small");
        let every_hour = matches!(&cron, Cron::Fields(f) if f.hours == EVERY_HOUR);
        let found = cron.next_after(Wall(from * 1_000), &zone).map(|at| at.0 / 1_000);
        match by_force(&words, from, &zone, every_hour) {
            Some(wanted) => {
                assert_eq!(found, Some(wanted), "{text} after {from} in `{rules}`");
                n_found += 1;
            }
            None => assert!(found.is_none_or(|at| at > from + 10 * 86_400 - 120), "{text} after {from}"),
        }
    }
    assert!(n_found > 30, "hardly anything was compared: {n_found}");
}
