//! Typed reading of one value, by the language it was written in.
//!
//! Pure, but for questions to the `World`. Invariants: INI text is read exactly as Supervisor 4.3 reads it, with its
//! words for what it refuses; TOML and environment accept more, never less. Expansion has already happened.
//! Not here: defaults and which key has which type (`settings`, `validate`).

pub(crate) mod address;
pub(crate) mod command;
pub(crate) mod ladder;
pub(crate) mod limits;
pub(crate) mod logs;
pub(crate) mod needs;
pub(crate) mod pairs;
pub(crate) mod people;
pub(crate) mod places;
mod quantity;
pub(crate) mod sources;
pub(crate) mod words;

use crate::config::model::{Autorestart, Dialect};
use crate::config::python::{int, octal as python_octal, repr, strip};
use crate::config::raw::RawValue;
use crate::config::settings::nearest;
use crate::config::world::World;
use crate::types::{LogLevel, Signal};

pub(crate) use quantity::{bytes, parse_duration, seconds_ms, signed_size, size};

/// A value and what is needed to read it.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) value: &'a RawValue,
    pub(crate) dialect: Dialect,
    /// The source line, where it matters how a number was written.
    pub(crate) line: &'a str,
    /// Missing directories will be created, so they need not exist.
    pub(crate) create_directories: bool,
    pub(crate) world: &'a dyn World,
}

/// Why a value is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bad {
    /// Supervisor's words; for values it could not have met, ours in the same form.
    pub(crate) words: String,
    pub(crate) hint: Option<String>,
}

impl Bad {
    pub(crate) fn new(words: impl Into<String>) -> Bad {
        Bad { words: words.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Bad {
        self.hint = Some(hint.into());
        self
    }
}

impl<'a> Input<'a> {
    /// The value as text, where nothing but text is possible.
    pub(crate) fn text(&self) -> Result<&'a str, Bad> {
        match self.value {
            RawValue::Text(text) => Ok(text),
            other => Err(Bad::new(format!("expected a text, found {}", kind_of(other)))),
        }
    }

    pub(crate) fn is_ini(&self) -> bool {
        self.dialect == Dialect::Ini
    }
}

/// What a value is, for messages.
pub(crate) fn kind_of(value: &RawValue) -> &'static str {
    match value {
        RawValue::Text(_) => "a text",
        RawValue::Int(_) => "a whole number",
        RawValue::Float(_) => "a number",
        RawValue::Bool(_) => "true or false",
        RawValue::List(_) => "a list",
        RawValue::Table(_) => "a table",
    }
}

pub(crate) fn text(input: &Input<'_>) -> Result<String, Bad> {
    input.text().map(str::to_owned)
}

pub(crate) fn boolean(input: &Input<'_>) -> Result<bool, Bad> {
    if let RawValue::Bool(value) = input.value {
        return Ok(*value);
    }
    let text = input.text()?;
    boolean_word(text).ok_or_else(|| {
        Bad::new(format!("not a valid boolean value: {}", repr(text))).hint("write true or false")
    })
}

fn boolean_word(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Some(true),
        "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

pub(crate) fn integer(input: &Input<'_>) -> Result<i64, Bad> {
    match input.value {
        RawValue::Int(n) => Ok(*n),
        RawValue::Text(text) => int(text).map_err(|words| Bad::new(words).hint("write a whole number")),
        other => Err(Bad::new(format!("expected a whole number, found {}", kind_of(other)))),
    }
}

/// A number of files to keep. COMPAT: a negative one keeps none.
pub(crate) fn count(input: &Input<'_>) -> Result<u32, Bad> {
    integer(input).map(|n| u32::try_from(n.max(0)).unwrap_or(u32::MAX))
}

/// A file mode or mask.
pub(crate) fn octal(input: &Input<'_>) -> Result<u32, Bad> {
    let (value, shown) = match input.value {
        // A TOML number is only unmistakable when it was written `0o022`.
        RawValue::Int(n) if input.line.contains("0o") => (Some(i128::from(*n)), n.to_string()),
        RawValue::Int(n) => {
            return Err(Bad::new(format!("{n} can not be converted to an octal type"))
                .hint("write it as a text, for example \"022\", or as 0o022"));
        }
        _ => {
            let text = input.text()?;
            (python_octal(text), text.to_owned())
        }
    };
    // COMPAT: any number is taken; the kernel looks at these bits of it.
    let bits = |n: i128| u32::try_from(n & 0o7777).ok();
    let value = if input.is_ini() {
        value.and_then(bits)
    } else {
        value.filter(|n| (0..=0o7777).contains(n)).and_then(bits)
    };
    value.ok_or_else(|| {
        Bad::new(format!("{shown} can not be converted to an octal type"))
            .hint("write octal digits, for example 022")
    })
}

pub(crate) fn exitcodes(input: &Input<'_>) -> Result<Vec<i32>, Bad> {
    let bad = |shown: &str| {
        Bad::new(format!("not a valid list of exit codes: {}", repr(shown)))
            .hint("write numbers from 0 to 255 with commas between them")
    };
    let numbers: Option<Vec<i64>> = match input.value {
        RawValue::Int(n) => Some(vec![*n]),
        RawValue::List(items) => {
            items.iter().map(|i| if let RawValue::Int(n) = i { Some(*n) } else { None }).collect()
        }
        _ => {
            let text = input.text()?;
            if text.is_empty() { Some(Vec::new()) } else { text.split(',').map(|t| int(t).ok()).collect() }
        }
    };
    let shown = if let RawValue::Text(text) = input.value { text.as_str() } else { "" };
    let codes = numbers.unwrap_or_else(|| vec![-1]).into_iter();
    codes.map(|n| u8::try_from(n).map(i32::from).map_err(|_| bad(shown))).collect()
}

/// COMPAT: 0 is accepted, because Python's `SIG_DFL` is.
pub(crate) fn signal(input: &Input<'_>) -> Result<Signal, Bad> {
    let (number, shown) = match input.value {
        RawValue::Int(n) => (Some(*n), n.to_string()),
        _ => {
            let text = input.text()?;
            (int(text).ok(), text.to_owned())
        }
    };
    let upper = strip(&shown).to_uppercase();
    let hint = signal_hint(&upper);
    match number {
        Some(n) => {
            let signal = i32::try_from(n).ok().map(Signal).filter(|s| s.0 == 0 || s.name().is_some());
            signal.ok_or_else(|| {
                Bad::new(format!("value {} is not a valid signal number", repr(&shown))).hint(hint)
            })
        }
        None => Signal::from_name(&upper)
            .or_else(|| constant(&upper))
            .ok_or_else(|| Bad::new(format!("value {} is not a valid signal name", repr(&shown))).hint(hint)),
    }
}

/// The signal that was probably meant.
pub(crate) fn signal_hint(word: &str) -> String {
    let bare = word.strip_prefix("SIG").unwrap_or(word);
    let names = (1..=31).filter_map(|n| Signal(n).name()).map(|name| name.trim_start_matches("SIG"));
    match nearest(bare, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write a name such as TERM, INT, QUIT or HUP, or a number".to_owned(),
    }
}

/// COMPAT: Supervisor takes every name of Python's `signal` module that begins with `SIG`, constants included.
fn constant(name: &str) -> Option<Signal> {
    match name.strip_prefix("SIG").unwrap_or(name) {
        "_DFL" | "_BLOCK" => Some(Signal(0)),
        "_IGN" | "_UNBLOCK" => Some(Signal::HUP),
        "_SETMASK" => Some(Signal::INT),
        _ => None,
    }
}

pub(crate) fn autorestart(input: &Input<'_>) -> Result<Autorestart, Bad> {
    if let RawValue::Bool(value) = input.value {
        return Ok(if *value { Autorestart::Always } else { Autorestart::Never });
    }
    let word = input.text()?.to_lowercase();
    match boolean_word(&word) {
        Some(true) => Ok(Autorestart::Always),
        Some(false) => Ok(Autorestart::Never),
        None if word == "unexpected" => Ok(Autorestart::Unexpected),
        None => Err(Bad::new(format!("invalid 'autorestart' value {}", repr(&word)))
            .hint("write true, false or unexpected")),
    }
}

pub(crate) fn level(input: &Input<'_>) -> Result<LogLevel, Bad> {
    let text = input.text()?;
    LogLevel::from_word(text).ok_or_else(|| {
        Bad::new(format!("bad logging level name {}", repr(text)))
            .hint("write critical, error, warn, info, debug, trace or blather")
    })
}

/// Comma-separated, trimmed; an empty text is an empty list.
pub(crate) fn list(input: &Input<'_>) -> Result<Vec<String>, Bad> {
    match input.value {
        RawValue::List(items) => items
            .iter()
            .map(|item| match item {
                RawValue::Text(text) => Ok(text.clone()),
                other => Err(Bad::new(format!("expected a list of texts, found {} in it", kind_of(other)))),
            })
            .collect(),
        _ => {
            let text = input.text()?;
            Ok(if text.is_empty() {
                Vec::new()
            } else {
                text.split(',').map(|t| strip(t).to_owned()).collect()
            })
        }
    }
}

/// The trimmed name of a program, process or group.
pub(crate) fn name(text: &str) -> Result<String, Bad> {
    let trimmed = strip(text);
    match [' ', ':', '/'].into_iter().find(|c| trimmed.contains(*c)) {
        Some(c) => Err(Bad::new(format!(
            "Invalid name: {} because of character: {}",
            repr(text),
            repr(&c.to_string())
        ))),
        None => Ok(trimmed.to_owned()),
    }
}

#[cfg(test)]
mod tests;
