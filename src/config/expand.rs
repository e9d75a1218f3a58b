//! `%(name)s`: Python's `%` formatting of a text against a dictionary, and our lenient form for TOML and environment.
//!
//! Pure. Invariants: a value of the dictionary is never formatted again in the same pass; a dictionary is never
//! printed. Not here: which names a setting may use (`validate::names`), `${VAR}` of TOML (`interpolate`).

mod directive;
mod float;

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::config::python::repr;
use crate::types::sort_by;
use directive::{parse, without_key};

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

    /// Gives sealed names back the meaning that they had.
    pub fn restore_sealed(&mut self) {
        let sealed = &self.sealed;
        self.own.retain(|name, _| !sealed.contains_key(name));
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
        let mut all: Vec<&str> = self.sealed.keys().chain(self.own.keys()).map(String::as_str).collect();
        sort_by(&mut all, &|a, b| a.cmp(b));
        all.dedup();
        all.into_iter()
    }

    /// What a name stands for, as text.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<String> {
        self.get(name).map(|arg| match arg {
            Arg::Text(text) => text.clone(),
            Arg::Int(n) => n.to_string(),
        })
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
    /// The variable of this name is set, to something that is not UTF-8.
    NotText(String),
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
            ExpandError::NotText(variable) => {
                write!(f, "the environment variable `{variable}` is not UTF-8 text")
            }
            ExpandError::Bare(c) => write!(f, "`%{c}` has no name"),
            ExpandError::Malformed(why) => f.write_str(why),
        }
    }
}

impl ExpandError {
    /// The variable, where it only has to be set.
    #[must_use]
    pub fn unset(&self) -> Option<&str> {
        if let ExpandError::Unknown(name) = self { name.strip_prefix("ENV_") } else { None }
    }

    /// Advice that fits.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            ExpandError::Unknown(name) => match name.strip_prefix("ENV_") {
                Some(variable) => format!("set `{variable}` in the environment of the container"),
                None => "for example `here`, `program_name`, `process_num`, `ENV_HOME`; write `%%` for a literal `%`".to_owned(),
            },
            ExpandError::NotText(_) => {
                "programs inherit it as it is: read it in the program, or set it to UTF-8 text".to_owned()
            }
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
            ExpandError::NotText(_) => format!("{head} cannot be expanded: {self}"),
            ExpandError::Malformed(why) => format!("{head} is badly formatted: {why}"),
        }
    }
}

/// One pass of `text % names`.
///
/// # Errors
/// For the first directive that cannot be formatted.
pub fn expand(text: &str, names: &Names) -> Result<String, ExpandError> {
    expand_or_part(text, names).map_err(|(_, why)| why)
}

/// The same; an error comes with the part of `text` that cannot be formatted.
///
/// # Errors
/// For the first directive that cannot be formatted.
pub fn expand_or_part(text: &str, names: &Names) -> Result<String, (String, ExpandError)> {
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
        let start = at - 1;
        let one = parse(&chars, &mut at, names, keyed).and_then(|directive| match directive.arg {
            Some(arg) => directive.render(arg),
            None => Err(without_key(&directive, keyed)),
        });
        keyed = true;
        out.push_str(&one.map_err(|why| (part(&chars, start), why))?);
    }
    Ok(out)
}

/// What a person would call the directive that begins at `start`: `%(name)`, or the sign and what follows it.
fn part(chars: &[char], start: usize) -> String {
    let rest = chars.get(start..).unwrap_or_default();
    let end = match rest.get(1) {
        Some('(') => rest.iter().position(|c| *c == ')').map_or(rest.len(), |at| at + 1),
        _ => 2,
    };
    rest.iter().take(end).collect()
}

/// Replaces the directives that name something known and leaves every other `%` alone.
#[must_use]
pub fn expand_known(text: &str, names: &Names) -> String {
    expand_known_or_why(text, names).0
}

/// The same, and a variable that it names and that is no text, if there is one.
pub(in crate::config) fn expand_known_or_why(text: &str, names: &Names) -> (String, Option<ExpandError>) {
    let mut broken = None;
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        let mut end = at;
        if c == '%' && chars.get(at) == Some(&'(') {
            match parse(&chars, &mut end, names, false) {
                Ok(directive) => {
                    if let Some(Ok(done)) = directive.arg.map(|arg| directive.render(arg)) {
                        out.push_str(&done);
                        at = end;
                        continue;
                    }
                }
                Err(why @ ExpandError::NotText(_)) => broken = broken.or(Some(why)),
                Err(_) => {}
            }
        }
        out.push(c);
    }
    (out, broken)
}

#[cfg(test)]
mod tests;
