//! `%(name)s`: Python's `%` formatting of a text against a dictionary, and our lenient form for TOML and environment.
//!
//! Pure. Invariants: a value of the dictionary is never formatted again in the same pass; a dictionary is never
//! printed. Not here: which names a setting may use (`validate::names`), `${VAR}` of TOML (`interpolate`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use crate::config::python::repr;

/// What a name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arg {
    Text(String),
    Int(i64),
}

/// The names that one text may use. A copy is cheap: what was sealed is shared, and only what came since is copied.
#[derive(Clone, Default, Debug)]
pub struct Names {
    sealed: Rc<BTreeMap<String, Arg>>,
    own: BTreeMap<String, Arg>,
}

impl Names {
    /// Adds or replaces a text.
    pub fn set(&mut self, name: &str, value: &str) {
        self.own.insert(name.to_owned(), Arg::Text(value.to_owned()));
    }

    /// Adds or replaces a number.
    pub fn set_int(&mut self, name: &str, value: i64) {
        self.own.insert(name.to_owned(), Arg::Int(value));
    }

    /// Shares everything said so far among the copies that are made from now on.
    pub fn seal(&mut self) {
        let mut all = (*self.sealed).clone();
        all.append(&mut self.own);
        self.sealed = Rc::new(all);
    }

    /// `self`, and `other` on top of it.
    #[must_use]
    pub fn with(&self, other: &Names) -> Names {
        let mut all = self.clone();
        if !Rc::ptr_eq(&all.sealed, &other.sealed) {
            all.own.extend(other.sealed.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        all.own.extend(other.own.iter().map(|(k, v)| (k.clone(), v.clone())));
        all
    }

    /// All names, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let all: BTreeSet<&str> = self.sealed.keys().chain(self.own.keys()).map(String::as_str).collect();
        all.into_iter()
    }

    fn get(&self, name: &str) -> Option<&Arg> {
        self.own.get(name).or_else(|| self.sealed.get(name))
    }
}

/// Why a text cannot be expanded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExpandError {
    /// The name is not among those that may be used here.
    Unknown(String),
    /// A `%s`, `%r` or `%a` without a name: Python would print the whole dictionary, environment included.
    Bare(char),
    /// Python's reason.
    Malformed(String),
}

/// Our own words, without any value.
impl fmt::Display for ExpandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpandError::Unknown(name) => match name.strip_prefix("ENV_") {
                Some(variable) => write!(f, "the environment variable `{variable}` is not set"),
                None => write!(f, "the name `{name}` is not known here"),
            },
            ExpandError::Bare(c) => write!(f, "`%{c}` has no name"),
            ExpandError::Malformed(why) => f.write_str(why),
        }
    }
}

impl ExpandError {
    /// Advice that fits.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            ExpandError::Unknown(name) => match name.strip_prefix("ENV_") {
                Some(variable) => format!("set `{variable}` in the environment of the container"),
                None => "for example `here`, `program_name`, `process_num`, `ENV_HOME`; write `%%` for a literal `%`".to_owned(),
            },
            ExpandError::Bare(_) | ExpandError::Malformed(_) => "write `%%` for a literal `%`".to_owned(),
        }
    }

    /// What Supervisor says of `text`, the value of the setting called `label`.
    #[must_use]
    pub fn supervisor(&self, text: &str, label: &str, names: &Names) -> String {
        let head = format!("Format string {} for {}", repr(text), repr(label));
        match self {
            ExpandError::Unknown(name) => {
                let known: Vec<&str> = names.iter().collect();
                format!(
                    "{head} contains names ({}) which cannot be expanded. Available names: {}",
                    repr(name),
                    known.join(", ")
                )
            }
            ExpandError::Bare(c) => format!("{head} is badly formatted: %{c} needs a name"),
            ExpandError::Malformed(why) => format!("{head} is badly formatted: {why}"),
        }
    }
}

/// One pass of `text % names`.
///
/// # Errors
/// For the first directive that cannot be formatted.
pub fn expand(text: &str, names: &Names) -> Result<String, ExpandError> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut keyed = false;
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.get(at) == Some(&'%') {
            at += 1;
            out.push('%');
            continue;
        }
        let directive = parse(&chars, &mut at)?;
        let Some(key) = &directive.key else { return Err(without_key(&directive, keyed)) };
        keyed = true;
        let arg = names.get(key).ok_or_else(|| ExpandError::Unknown(key.clone()))?;
        out.push_str(&directive.render(arg)?);
    }
    Ok(out)
}

/// Replaces the directives that name something known and leaves every other `%` alone.
#[must_use]
pub fn expand_known(text: &str, names: &Names) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        let mut end = at;
        if c == '%'
            && chars.get(at) == Some(&'(')
            && let Ok(directive) = parse(&chars, &mut end)
        {
            let arg = directive.key.as_ref().and_then(|key| names.get(key));
            if let Some(Ok(done)) = arg.map(|arg| directive.render(arg)) {
                out.push_str(&done);
                at = end;
                continue;
            }
        }
        out.push(c);
    }
    out
}

/// One `%...` of a format string.
struct Directive {
    key: Option<String>,
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

/// Reads a directive; `at` stands behind the `%` and is moved behind the directive.
fn parse(chars: &[char], at: &mut usize) -> Result<Directive, ExpandError> {
    let key = if chars.get(*at) == Some(&'(') { Some(parse_key(chars, at)?) } else { None };
    let has_key = key.is_some();
    let mut d = Directive {
        key,
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
    d.width = parse_number(chars, at, has_key, "width too big")?.unwrap_or(0);
    if chars.get(*at) == Some(&'.') {
        *at += 1;
        d.precision = Some(parse_number(chars, at, has_key, "precision too big")?.unwrap_or(0));
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
    has_key: bool,
    too_big: &str,
) -> Result<Option<usize>, ExpandError> {
    if chars.get(*at) == Some(&'*') {
        return Err(malformed(if has_key {
            "not enough arguments for format string"
        } else {
            "* wants int"
        }));
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

/// A directive without a name stands for the whole dictionary the first time, for nothing later.
fn without_key(d: &Directive, after_a_keyed_one: bool) -> ExpandError {
    if after_a_keyed_one {
        return malformed("not enough arguments for format string");
    }
    match d.conversion {
        c @ ('s' | 'r' | 'a') => ExpandError::Bare(c),
        _ => d.mismatch("dict"),
    }
}

fn malformed(why: &str) -> ExpandError {
    ExpandError::Malformed(why.to_owned())
}

impl Directive {
    fn render(&self, arg: &Arg) -> Result<String, ExpandError> {
        match (self.conversion, arg) {
            ('s', Arg::Text(text)) => Ok(self.pad_text(text)),
            ('s' | 'r' | 'a', Arg::Int(n)) => Ok(self.pad_text(&n.to_string())),
            ('r' | 'a', Arg::Text(text)) => Ok(self.pad_text(&repr(text))),
            ('c', Arg::Text(text)) if text.chars().count() == 1 => Ok(self.pad_text(text)),
            ('d' | 'i' | 'u', Arg::Int(n)) => Ok(self.pad_number(*n, n.unsigned_abs().to_string(), "")),
            ('o', Arg::Int(n)) => Ok(self.pad_number(*n, format!("{:o}", n.unsigned_abs()), "0o")),
            ('x', Arg::Int(n)) => Ok(self.pad_number(*n, format!("{:x}", n.unsigned_abs()), "0x")),
            ('X', Arg::Int(n)) => Ok(self.pad_number(*n, format!("{:X}", n.unsigned_abs()), "0X")),
            (_, Arg::Text(_)) => Err(self.mismatch("str")),
            (_, Arg::Int(_)) => Err(self.mismatch("int")),
        }
    }

    fn pad_text(&self, text: &str) -> String {
        let cut: String = match self.precision {
            Some(n) => text.chars().take(n).collect(),
            None => text.to_owned(),
        };
        let width = self.width;
        if self.left { format!("{cut:<width$}") } else { format!("{cut:>width$}") }
    }

    fn pad_number(&self, n: i64, digits: String, prefix: &str) -> String {
        let sign = match (n < 0, self.plus, self.blank) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let prefix = if self.alternate { prefix } else { "" };
        let least = self.precision.unwrap_or(0);
        let zeros =
            if self.zero && !self.left { self.width.saturating_sub(sign.len() + prefix.len()) } else { 0 };
        let least = least.max(zeros);
        let digits = format!("{digits:0>least$}");
        let width = self.width;
        let all = format!("{sign}{prefix}{digits}");
        if self.left { format!("{all:<width$}") } else { format!("{all:>width$}") }
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
                // Python shows what is not ASCII as a question mark.
                let shown = if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
                format!(
                    "unsupported format character '{shown}' (0x{:x}) at index {}",
                    u32::from(c),
                    self.index
                )
            }
        })
    }
}

#[cfg(test)]
mod tests;
