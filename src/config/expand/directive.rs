//! One directive of a format string: its parts, in Python's order of reading, and what it makes of a value.
//!
//! Pure. Invariant: the first thing that is wrong is the one that Python complains about. Not here: the text around it
//! (`expand`), numbers with a fraction (`float`).

use super::{Arg, ExpandError, Names, float};
use crate::config::NOT_TEXT;
use crate::config::python::{ascii, repr};

/// One `%...` of a format string.
pub(super) struct Directive<'n> {
    /// What the name between the parentheses stands for.
    pub(super) arg: Option<&'n Arg>,
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    conversion: char,
    /// Position of the conversion character, for Python's message.
    index: usize,
}

/// BOUND: no value of a configuration needs more; Python would try to allocate whatever is asked.
const MAX_WIDTH: usize = 4096;

/// Reads a directive; `at` stands behind the `%` and is moved behind the directive. Python looks a name up before it
/// reads on, and so do we, for the first error to be the same.
pub(super) fn parse<'n>(
    chars: &[char],
    at: &mut usize,
    names: &'n Names,
    keyed: bool,
) -> Result<Directive<'n>, ExpandError> {
    let arg = if chars.get(*at) == Some(&'(') {
        let key = parse_key(chars, at)?;
        match names.get(&key) {
            None => return Err(ExpandError::Unknown(key)),
            Some(Arg::Text(text)) if text == NOT_TEXT => {
                return Err(ExpandError::NotText(key.strip_prefix("ENV_").unwrap_or(&key).to_owned()));
            }
            arg => arg,
        }
    } else {
        None
    };
    let star = match arg {
        Some(Arg::Int(_)) => NOT_ENOUGH,
        None if keyed => NOT_ENOUGH,
        _ => "* wants int",
    };
    let mut d = Directive {
        arg,
        left: false,
        plus: false,
        blank: false,
        alternate: false,
        zero: false,
        width: 0,
        precision: None,
        conversion: '%',
        index: 0,
    };
    while let Some(&c) = chars.get(*at) {
        match c {
            '-' => d.left = true,
            '+' => d.plus = true,
            ' ' => d.blank = true,
            '#' => d.alternate = true,
            '0' => d.zero = true,
            _ => break,
        }
        *at += 1;
    }
    d.width = parse_number(chars, at, star, "width too big")?.unwrap_or(0);
    if chars.get(*at) == Some(&'.') {
        *at += 1;
        d.precision = Some(parse_number(chars, at, star, "precision too big")?.unwrap_or(0));
    }
    if matches!(chars.get(*at), Some('h' | 'l' | 'L')) {
        *at += 1;
    }
    d.conversion = *chars.get(*at).ok_or_else(|| malformed("incomplete format"))?;
    d.index = *at;
    *at += 1;
    Ok(d)
}

/// The name between the parentheses; they may nest.
fn parse_key(chars: &[char], at: &mut usize) -> Result<String, ExpandError> {
    *at += 1;
    let start = *at;
    let mut depth = 1;
    while let Some(&c) = chars.get(*at) {
        *at += 1;
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(chars[start..*at - 1].iter().collect());
        }
    }
    Err(malformed("incomplete format key"))
}

fn parse_number(
    chars: &[char],
    at: &mut usize,
    star: &str,
    too_big: &str,
) -> Result<Option<usize>, ExpandError> {
    if chars.get(*at) == Some(&'*') {
        return Err(malformed(star));
    }
    let mut value = None;
    while let Some(digit) = chars.get(*at).and_then(|c| c.to_digit(10)) {
        let next = value.unwrap_or(0usize) * 10 + digit as usize;
        if next > MAX_WIDTH {
            return Err(malformed(too_big));
        }
        value = Some(next);
        *at += 1;
    }
    Ok(value)
}

const NOT_ENOUGH: &str = "not enough arguments for format string";

/// A directive without a name stands for the whole dictionary the first time, for nothing later.
pub(super) fn without_key(d: &Directive<'_>, after_a_keyed_one: bool) -> ExpandError {
    if after_a_keyed_one {
        return malformed(NOT_ENOUGH);
    }
    match d.conversion {
        c @ ('s' | 'r' | 'a') => ExpandError::Bare(c),
        _ => d.mismatch("dict"),
    }
}

fn malformed(why: &str) -> ExpandError {
    ExpandError::Malformed(why.to_owned())
}

impl Directive<'_> {
    pub(super) fn render(&self, arg: &Arg) -> Result<String, ExpandError> {
        let n = match arg {
            Arg::Int(n) => *n,
            Arg::Text(text) => {
                return match self.conversion {
                    's' => Ok(self.pad_text(text)),
                    'r' => Ok(self.pad_text(&repr(text))),
                    'a' => Ok(self.pad_text(&ascii(text))),
                    'c' if text.chars().count() == 1 => Ok(self.pad(text.clone())),
                    _ => Err(self.mismatch("str")),
                };
            }
        };
        let digits = n.unsigned_abs();
        match self.conversion {
            's' | 'r' | 'a' => Ok(self.pad_text(&n.to_string())),
            'd' | 'i' | 'u' => Ok(self.pad_number(n, digits.to_string(), "")),
            'o' => Ok(self.pad_number(n, format!("{digits:o}"), "0o")),
            'x' => Ok(self.pad_number(n, format!("{digits:x}"), "0x")),
            'X' => Ok(self.pad_number(n, format!("{digits:X}"), "0X")),
            'c' => {
                let c = u32::try_from(n).ok().and_then(char::from_u32);
                c.map(|c| self.pad(c.to_string())).ok_or_else(|| malformed("%c arg not in range(0x110000)"))
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                let precision = self.precision.unwrap_or(6);
                let form = self.conversion.to_ascii_lowercase();
                let mut digits = float::format(n, form, precision, self.alternate);
                if self.conversion == 'E' || self.conversion == 'G' {
                    digits.make_ascii_uppercase();
                }
                Ok(self.pad_signed(n, digits, "", 0))
            }
            _ => Err(self.mismatch("int")),
        }
    }

    fn pad_text(&self, text: &str) -> String {
        self.pad(match self.precision {
            Some(n) => text.chars().take(n).collect(),
            None => text.to_owned(),
        })
    }

    fn pad(&self, text: String) -> String {
        let width = self.width;
        if self.left { format!("{text:<width$}") } else { format!("{text:>width$}") }
    }

    fn pad_number(&self, n: i64, digits: String, prefix: &str) -> String {
        let prefix = if self.alternate { prefix } else { "" };
        self.pad_signed(n, digits, prefix, self.precision.unwrap_or(0))
    }

    fn pad_signed(&self, n: i64, digits: String, prefix: &str, least: usize) -> String {
        let sign = match (n < 0, self.plus, self.blank) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let zeros =
            if self.zero && !self.left { self.width.saturating_sub(sign.len() + prefix.len()) } else { 0 };
        let least = least.max(zeros);
        self.pad(format!("{sign}{prefix}{digits:0>least$}"))
    }

    /// Python's reason why a value of type `found` does not fit the conversion.
    fn mismatch(&self, found: &str) -> ExpandError {
        let c = self.conversion;
        malformed(&match c {
            'd' | 'i' | 'u' => format!("%{c} format: a real number is required, not {found}"),
            'o' | 'x' | 'X' => format!("%{c} format: an integer is required, not {found}"),
            'c' => "%c requires int or char".to_owned(),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => format!("must be real number, not {found}"),
            _ => {
                // Python shows everything else as a question mark.
                let shown = if ('\u{1f}'..='~').contains(&c) { c } else { '?' };
                format!(
                    "unsupported format character '{shown}' (0x{:x}) at index {}",
                    u32::from(c),
                    self.index
                )
            }
        })
    }
}
