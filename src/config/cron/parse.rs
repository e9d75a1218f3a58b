//! Reads an expression, and says what is wrong with one.
//!
//! Pure. Invariant: whatever is refused is named with its field and its column. Not here: what an expression means (`super`).

use super::{Cron, Fields, bit};
use crate::types::Wall;
use jiff::tz::TimeZone;
use std::fmt;

/// What is wrong with an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CronError {
    pub message: String,
    /// 1-based, in characters of the expression.
    pub column: usize,
    pub hint: String,
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (column {} of the schedule)", self.message, self.column)
    }
}

/// What a field may hold.
struct Kind {
    name: &'static str,
    first: u32,
    last: u32,
    /// Names of the numbers from `first` on.
    names: &'static [&'static str],
}

const fn kind(name: &'static str, first: u32, last: u32, names: &'static [&'static str]) -> Kind {
    Kind { name, first, last, names }
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const KINDS: [Kind; 6] = [
    kind("second", 0, 59, &[]),
    kind("minute", 0, 59, &[]),
    kind("hour", 0, 23, &[]),
    kind("day of the month", 1, 31, &[]),
    kind("month", 1, 12, MONTHS),
    // Sunday is 0 and 7.
    kind("weekday", 0, 7, WEEKDAYS),
];

const DAY: usize = 3;
const WEEKDAY: usize = 5;

/// BOUND: the longest `@every`.
const MAX_EVERY_SECS: i64 = 366 * 86_400;

const SHAPE: &str =
    "write minute, hour, day, month and weekday, as in `*/5 * * * *`; seconds may stand before them";

pub(super) fn parse(text: &str) -> Result<Cron, CronError> {
    let words = words(text);
    let error =
        |column, message: String, hint: &str| Err(CronError { message, column, hint: hint.to_owned() });
    match words.as_slice() {
        [] => error(1, "the schedule is empty".to_owned(), SHAPE),
        [(column, word), rest @ ..] if word.starts_with('@') => at_word(*column, word, rest),
        five if five.len() == 5 => fields(&[&[(1, "0")], five].concat()),
        six if six.len() == 6 => fields(six),
        [.., (column, _)] => {
            error(*column, format!("a schedule has 5 or 6 fields, this one has {}", words.len()), SHAPE)
        }
    }
}

/// The words of a text, each with its column.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut rest = text;
    let mut column = 1;
    loop {
        let trimmed = rest.trim_start();
        column += rest.chars().count() - trimmed.chars().count();
        let end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
        let (word, behind) = trimmed.split_at(end);
        if word.is_empty() {
            return words;
        }
        words.push((column, word));
        column += word.chars().count();
        rest = behind;
    }
}

fn at_word(column: usize, word: &str, rest: &[(usize, &str)]) -> Result<Cron, CronError> {
    let error =
        |column, message: String, hint: &str| Err(CronError { message, column, hint: hint.to_owned() });
    let lower = word.to_ascii_lowercase();
    if lower == "@every" {
        let Some((column, duration)) = rest.first() else {
            return error(column, "`@every` has no duration".to_owned(), "write one, as in `@every 90s`");
        };
        return match every(duration).filter(|_| rest.len() == 1) {
            Some(secs) => Ok(Cron::Every(secs)),
            None => error(
                *column,
                format!("`@every {duration}` is no duration that can be waited for"),
                "write whole seconds, minutes, hours or days, up to a year: `@every 90s`, `@every 1h30m`",
            ),
        };
    }
    let plain = match lower.as_str() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        "@reboot" => {
            return error(
                column,
                "`@reboot` is no time".to_owned(),
                "a program without `schedule` is started with the daemon; `oneshot = true` runs it once",
            );
        }
        _ => {
            return error(
                column,
                format!("there is no `{word}`"),
                "@hourly, @daily, @weekly, @monthly, @yearly, or `@every 90s`",
            );
        }
    };
    if let Some((column, word)) = rest.first() {
        return error(*column, format!("`{word}` stands behind `{lower}`"), "take it out");
    }
    parse(plain)
}

/// `90s`, `1h30m`, `2d`.
fn every(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut secs: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, behind) = rest.split_at(digits);
        let unit = match behind.as_bytes().first()? {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            _ => return None,
        };
        secs = secs.checked_add(number.parse::<i64>().ok()?.checked_mul(unit)?)?;
        rest = behind.get(1..)?;
    }
    (1..=MAX_EVERY_SECS).contains(&secs).then_some(secs)
}

/// Six of them.
fn fields(words: &[(usize, &str)]) -> Result<Cron, CronError> {
    let mut sets = [0u64; 6];
    for ((set, kind), (column, word)) in sets.iter_mut().zip(&KINDS).zip(words) {
        *set = field(*column, word, kind)?;
    }
    let [seconds, minutes, hours, days, months, weekdays] = sets;
    let starred = |at: usize| words.get(at).is_some_and(|(_, word)| word.starts_with(['*', '?']));
    let last_day = words.get(DAY).is_some_and(|(_, word)| word.split(',').any(is_last_day));
    let fields = Fields {
        seconds,
        minutes,
        hours,
        days,
        months,
        weekdays: weekdays & 0x7f | weekdays >> 7,
        last_day,
        both_days: starred(DAY) || starred(WEEKDAY),
    };
    let cron = Cron::Fields(Box::new(fields));
    // 2026-01-01: any year of the calendar is as good.
    if cron.next_after(Wall(1_767_225_600_000), &TimeZone::UTC).is_none() {
        let (column, word) = words.get(DAY).copied().unwrap_or((1, ""));
        return Err(CronError {
            message: format!("no month of this schedule has a day `{word}`"),
            column,
            hint: "February has 29 days at most, and April, June, September and November have 30; `L` is the last day"
                .to_owned(),
        });
    }
    Ok(cron)
}

fn is_last_day(item: &str) -> bool {
    item.eq_ignore_ascii_case("L")
}

fn field(column: usize, word: &str, kind: &Kind) -> Result<u64, CronError> {
    let mut set = 0;
    let mut at = column;
    for item in word.split(',') {
        if !(kind.name == KINDS[DAY].name && is_last_day(item)) {
            set |=
                self::item(item, kind).map_err(|(message, hint)| CronError { message, column: at, hint })?;
        }
        at += item.chars().count() + 1;
    }
    Ok(set)
}

/// `*`, `5`, `1-5`, each with `/2`.
fn item(text: &str, kind: &Kind) -> Result<u64, (String, String)> {
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (text, None),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" || range == "?" && kind.name.contains("day") => (kind.first, kind.last),
        Some((first, last)) => (number(first, text, kind)?, number(last, text, kind)?),
        None => {
            let first = number(range, text, kind)?;
            (first, if step.is_some() { kind.last } else { first })
        }
    };
    if first > last {
        let hint = format!("the lower one comes first; write `{first}-{},{}-{last}`", kind.last, kind.first);
        return Err((format!("`{text}` goes backwards"), hint));
    }
    let step = match step.map(str::parse::<u32>) {
        None => 1,
        Some(Ok(step)) if (1..=kind.last).contains(&step) => step,
        Some(_) => {
            let hint = format!("a step is a number from 1 to {}", kind.last);
            return Err((format!("`{text}` has no step that can be gone"), hint));
        }
    };
    Ok((first..=last).step_by(step as usize).map(bit).fold(0, |all, one| all | one))
}

fn number(text: &str, item: &str, kind: &Kind) -> Result<u32, (String, String)> {
    let (first, last) = (kind.first, kind.last);
    let by_name = kind.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let found = match by_name {
        Some(at) => u32::try_from(at).ok().map(|at| at + first),
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        None => None,
    };
    let names = match kind.names {
        [one, .., other] => format!(", or a name from {one} to {other}"),
        _ => String::new(),
    };
    let also = if kind.name == KINDS[DAY].name { ", or `L` for the last one" } else { "" };
    let hint = format!("{} is a number from {first} to {last}{names}{also}", article(kind.name));
    match found {
        Some(n) if (first..=last).contains(&n) => Ok(n),
        Some(_) => Err((format!("`{item}`: there is no {} {text}", kind.name), hint)),
        None => Err((format!("`{item}` is no {}", kind.name), hint)),
    }
}

fn article(name: &str) -> String {
    if name.starts_with('h') { format!("an {name}") } else { format!("a {name}") }
}
