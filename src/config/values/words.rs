//! Values that many of our own settings have: times with units, one word of several, numbers within bounds.
//!
//! Pure. Invariant: all three languages read them alike, for Supervisor has no say in them.

use super::{Bad, Input, kind_of, quantity};
use crate::config::model::Dialect;
use crate::config::python::{int, strip};
use crate::config::raw::RawValue;
use crate::config::settings::nearest;

/// A single value as text, whatever it was written as.
pub(crate) fn word(input: &Input<'_>) -> Result<String, Bad> {
    match input.value {
        RawValue::Text(text) => Ok(strip(text).to_owned()),
        RawValue::Int(n) => Ok(n.to_string()),
        RawValue::Float(n) => Ok(n.to_string()),
        RawValue::Bool(b) => Ok(b.to_string()),
        other => Err(Bad::new(format!("expected a text, found {}", kind_of(other)))),
    }
}

/// Words with commas or blanks between them, or a list.
pub(crate) fn words(input: &Input<'_>) -> Result<Vec<String>, Bad> {
    let RawValue::List(items) = input.value else {
        let text = word(input)?;
        let parts = text.split(|c: char| c == ',' || c.is_whitespace());
        return Ok(parts.filter(|w| !w.is_empty()).map(str::to_owned).collect());
    };
    items.iter().map(|value| word(&Input { value, ..*input })).collect()
}

/// Milliseconds, not negative; a unit is welcome in INI too.
pub(crate) fn duration_ms(input: &Input<'_>) -> Result<i64, Bad> {
    let ms = quantity::seconds_ms(&Input { dialect: Dialect::Toml, ..*input })?;
    if ms >= 0 { Ok(ms) } else { Err(Bad::new("a time cannot be negative").hint("write 0 or more seconds")) }
}

/// Milliseconds, more than none.
pub(crate) fn some_duration_ms(input: &Input<'_>) -> Result<i64, Bad> {
    match duration_ms(input)? {
        0 => Err(Bad::new("the time is 0").hint("write a time such as 10, \"500ms\" or \"2m\"")),
        ms => Ok(ms),
    }
}

/// A whole number within bounds.
pub(crate) fn number(input: &Input<'_>, least: i64, most: i64) -> Result<i64, Bad> {
    let hint = || format!("write a whole number from {least} to {most}");
    let text = word(input)?;
    let n = int(&text).map_err(|_| Bad::new(format!("not a whole number: `{text}`")).hint(hint()))?;
    if (least..=most).contains(&n) {
        Ok(n)
    } else {
        Err(Bad::new(format!("{n} is out of bounds")).hint(hint()))
    }
}

/// A count of at least one.
pub(crate) fn threshold(input: &Input<'_>) -> Result<u32, Bad> {
    number(input, 1, 1_000_000).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// A count.
pub(crate) fn tally(input: &Input<'_>) -> Result<u32, Bad> {
    number(input, 0, i64::from(u32::MAX)).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// A factor in percent: `2`, `1.5`.
pub(crate) fn factor(input: &Input<'_>) -> Result<u32, Bad> {
    let text = word(input)?;
    let bad =
        || Bad::new(format!("not a factor: `{text}`")).hint("write a number from 1 to 100, such as 2 or 1.5");
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    let digits = |t: &str| !t.is_empty() && t.len() < 9 && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(bad());
    }
    let hundredths = format!("{part}00").get(..2).and_then(|p| p.parse::<u32>().ok());
    let percent =
        whole.parse::<u32>().ok().zip(hundredths).map(|(w, p)| w.saturating_mul(100).saturating_add(p));
    percent.filter(|p| (100..=10_000).contains(p)).ok_or_else(bad)
}

/// `10` or `10%`.
pub(crate) fn percent(input: &Input<'_>) -> Result<u32, Bad> {
    let text = word(input)?;
    let number = text.strip_suffix('%').unwrap_or(&text).trim();
    let value = number.parse::<u32>().ok().filter(|n| *n <= 100);
    value.ok_or_else(|| {
        Bad::new(format!("not a part of 100: `{text}`")).hint("write a whole number from 0 to 100")
    })
}

/// The value that a word stands for.
pub(crate) fn choice<T: Copy>(input: &Input<'_>, known: &[(&str, T)]) -> Result<T, Bad> {
    let text = word(input)?;
    let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text));
    found.map(|(_, value)| *value).ok_or_else(|| unknown(&text, known.iter().map(|(name, _)| *name)))
}

/// The refusal of a word that is none of these.
pub(crate) fn unknown<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Bad {
    let known: Vec<&str> = known.collect();
    let hint = match nearest(&text.to_lowercase(), known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", known.join(", ")),
    };
    Bad::new(format!("`{text}` is not known here")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::FakeWorld;

    fn read<T>(text: &str, convert: fn(&Input<'_>) -> Result<T, Bad>) -> Result<T, Bad> {
        let value = RawValue::Text(text.into());
        convert(&Input {
            value: &value,
            dialect: Dialect::Ini,
            line: "",
            create_directories: false,
            world: &FakeWorld::default(),
        })
    }

    #[test]
    fn times_have_units_in_ini_too_and_are_not_negative() {
        assert_eq!(read("500ms", duration_ms), Ok(500));
        assert_eq!(read("2m", duration_ms), Ok(120_000));
        assert!(read("-1", duration_ms).is_err() && read("0", some_duration_ms).is_err());
    }

    #[test]
    fn factors_and_parts_are_percents() {
        for (text, want) in [
            ("2", Some(200)),
            ("1.5", Some(150)),
            ("1.05", Some(105)),
            ("0.5", None),
            ("x", None),
            ("2.", None),
        ] {
            assert_eq!(read(text, factor).ok(), want, "{text}");
        }
        for (text, want) in
            [("10", Some(10)), ("10 %", Some(10)), ("0%", Some(0)), ("101", None), ("0.1", None)]
        {
            assert_eq!(read(text, percent).ok(), want, "{text}");
        }
    }

    #[test]
    fn a_strange_word_gets_the_nearest_one() {
        let bad = read("jsno", |i| choice(i, &[("raw", 1), ("json", 2)])).unwrap_err();
        assert_eq!(bad.hint.as_deref(), Some("did you mean `json`?"));
        assert_eq!(read(" JSON ", |i| choice(i, &[("raw", 1), ("json", 2)])), Ok(2));
    }
}
