//! Times and sizes.
//!
//! Pure. INI: whole seconds, and bytes with `kb`, `mb`, `gb`. TOML and environment: also `"500ms"`, `"1.5s"`, `"2m"`,
//! `"1h"`, and `"64k"`, `"50MiB"`. Invariant: results saturate, they never wrap.

use super::{Bad, Input, kind_of};
use crate::config::python::{int, strip};
use crate::config::raw::RawValue;

/// Milliseconds; negative ones are kept, as Supervisor keeps them.
pub(crate) fn seconds_ms(input: &Input<'_>) -> Result<i64, Bad> {
    match input.value {
        RawValue::Int(n) => Ok(n.saturating_mul(1000)),
        RawValue::Float(seconds) => Ok(from_float(*seconds)),
        RawValue::Text(text) if input.is_ini() => {
            let hint = "write whole seconds, without a unit";
            int(text).map(|n| n.saturating_mul(1000)).map_err(|words| Bad::new(words).hint(hint))
        }
        RawValue::Text(text) => parse_duration(strip(text)).ok_or_else(|| {
            Bad::new(format!("not a time: `{text}`"))
                .hint("write seconds, or a text such as \"500ms\", \"2s\", \"1m\"")
        }),
        other => Err(Bad::new(format!("expected a time, found {}", kind_of(other)))),
    }
}

/// Milliseconds of `10`, `500ms`, `2s`, `1m`, `1h`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let number = number.trim_end();
    // "inf", "nan" and "1e9" are numbers to Rust, not to people.
    let is_plain = number.bytes().all(|b| b.is_ascii_digit() || b".+-".contains(&b));
    let value: f64 = if is_plain { number.parse().ok()? } else { return None };
    Some(from_float(value * factor))
}

#[allow(clippy::cast_possible_truncation)]
fn from_float(seconds: f64) -> i64 {
    // A cast of a float saturates, and a NaN becomes 0.
    (seconds * 1000.0).round() as i64
}

/// Bytes. COMPAT: a negative size works like 0.
pub(crate) fn size(input: &Input<'_>) -> Result<u64, Bad> {
    signed_size(input).map(bytes)
}

/// Where it matters that a size was written as 0.
pub(crate) fn signed_size(input: &Input<'_>) -> Result<i64, Bad> {
    match input.value {
        RawValue::Int(n) => Ok(*n),
        RawValue::Text(text) if input.is_ini() => parse_size(text),
        RawValue::Text(text) => parse_size(&spelled_out(text)),
        other => Err(Bad::new(format!("expected a size, found {}", kind_of(other)))),
    }
}

pub(crate) fn bytes(size: i64) -> u64 {
    u64::try_from(size).unwrap_or(0)
}

/// Supervisor's form: a whole number and an optional `kb`, `mb`, `gb`.
fn parse_size(text: &str) -> Result<i64, Bad> {
    let lower = text.to_lowercase();
    let (number, factor) = match lower.char_indices().rev().nth(1).map(|(at, _)| lower.split_at(at)) {
        Some((number, "kb")) => (number, 1 << 10),
        Some((number, "mb")) => (number, 1 << 20),
        Some((number, "gb")) => (number, 1 << 30),
        _ => (lower.as_str(), 1),
    };
    let hint = "write a whole number, optionally with KB, MB or GB";
    int(number).map(|n| n.saturating_mul(factor)).map_err(|words| Bad::new(words).hint(hint))
}

/// `64k`, `64KiB` and `100b` become `64kb`, `64kb` and `100`.
fn spelled_out(text: &str) -> String {
    let lower = strip(text).to_lowercase();
    for (long, short) in [("kib", "kb"), ("mib", "mb"), ("gib", "gb")] {
        if let Some(number) = lower.strip_suffix(long) {
            return format!("{number}{short}");
        }
    }
    match lower.strip_suffix('b') {
        Some(number) if number.ends_with(|c: char| c.is_ascii_digit()) => number.to_owned(),
        Some(_) => lower,
        None if lower.ends_with(['k', 'm', 'g']) => format!("{lower}b"),
        None => lower,
    }
}
