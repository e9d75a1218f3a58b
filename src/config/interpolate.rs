//! Expands `${VAR}` and `${VAR:-default}` in the string values of a TOML file.
//!
//! Pure: variables come through a function. Invariants: `$${` gives a literal `${`, a `$` without a brace is left to
//! the shell, what a variable holds is never expanded again, and all problems of a text are reported, not the first.
//! Not here: Supervisor's `%(ENV_X)s` (`expand`); environment values, which the shell or the runtime has expanded.

use crate::config::NOT_TEXT;
use std::fmt;

/// Where a variable's value is looked up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// BOUND: how deep defaults may nest, `${A:-${B:-${C:-…}}}`.
const MAX_DEPTH: usize = 16;

/// Why a `${…}` cannot be expanded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// Not set, and no default is given.
    Unset(String),
    /// Set, to something that is not UTF-8.
    NotText(String),
    /// What stands between the braces is not a variable; the text between them.
    NotAName(String),
    /// The closing brace is missing; the text from `${` on.
    Unclosed(String),
    /// Defaults nest deeper than the limit.
    TooDeep,
}

impl Problem {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Problem::Unset(name) => format!("set it, or give a default: `${{{name}:-default}}`"),
            Problem::NotText(_) => {
                "programs inherit it as it is: read it in the program, or set it to UTF-8 text".into()
            }
            Problem::NotAName(_) => {
                "only `${VAR}` and `${VAR:-default}` are known; `$${` leaves it to the shell".into()
            }
            Problem::Unclosed(_) => "add the closing brace, or write `$${` for a literal `${`".into(),
            Problem::TooDeep => "use fewer defaults inside defaults".into(),
        }
    }

    /// The variable, where it only has to be set.
    #[must_use]
    pub fn unset(&self) -> Option<&str> {
        if let Problem::Unset(name) = self { Some(name) } else { None }
    }

    /// The start of the text that is to blame, as it stands in the value; empty when unknown.
    #[must_use]
    pub fn needle(&self) -> String {
        match self {
            Problem::Unset(name) | Problem::NotText(name) => format!("${{{name}"),
            Problem::NotAName(inner) => format!("${{{inner}"),
            Problem::Unclosed(rest) => rest.clone(),
            Problem::TooDeep => String::new(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unset(name) => write!(f, "cannot expand `${{{name}}}`: the variable is not set"),
            Problem::NotText(name) => {
                write!(f, "cannot expand `${{{name}}}`: the value of the variable is not UTF-8 text")
            }
            Problem::NotAName(inner) => write!(f, "cannot expand `${{{inner}}}`: not a variable name"),
            Problem::Unclosed(_) => f.write_str("cannot expand `${`: the closing brace is missing"),
            Problem::TooDeep => write!(f, "cannot expand: defaults nest deeper than {MAX_DEPTH}"),
        }
    }
}

/// Expands `text`, or says everything that is wrong with it.
pub fn expand(text: &str, lookup: Lookup) -> Result<String, Vec<Problem>> {
    let mut problems = Vec::new();
    let out = expand_at(text, lookup, 0, &mut problems);
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

/// Says each thing once, however often a text needs the variable.
fn note(problem: Problem, problems: &mut Vec<Problem>) {
    if !problems.contains(&problem) {
        problems.push(problem);
    }
}

fn expand_at(text: &str, lookup: Lookup, depth: usize, problems: &mut Vec<Problem>) -> String {
    if depth > MAX_DEPTH {
        note(Problem::TooDeep, problems);
        return String::new();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            out.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let Some(end) = closing_brace(after) else {
                note(Problem::Unclosed(rest.to_string()), problems);
                return out;
            };
            out.push_str(&reference(&after[..end], lookup, depth, problems));
            rest = &after[end + 1..];
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// The value of what stands between the braces.
fn reference(inner: &str, lookup: Lookup, depth: usize, problems: &mut Vec<Problem>) -> String {
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    if !is_name(name) {
        note(Problem::NotAName(inner.to_string()), problems);
        return String::new();
    }
    match (lookup(name), default) {
        (Some(value), _) if value == NOT_TEXT => {
            note(Problem::NotText(name.to_string()), problems);
            String::new()
        }
        // As in the shell, `:-` also replaces an empty value.
        (Some(value), Some(_)) if !value.is_empty() => value,
        (Some(value), None) => value,
        (_, Some(default)) => expand_at(default, lookup, depth + 1, problems),
        (None, None) => {
            note(Problem::Unset(name.to_string()), problems);
            String::new()
        }
    }
}

/// Position of the brace that closes the reference whose inside begins at `text`.
pub(in crate::config) fn closing_brace(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open = 0usize;
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'$' if bytes.get(i + 1) == Some(&b'{') => {
                open += 1;
                i += 1;
            }
            b'}' if open == 0 => return Some(i),
            b'}' => open -= 1,
            _ => {}
        }
        i += 1;
    }
    None
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<String, Vec<Problem>> {
        expand(text, &|name| match name {
            "HOST" => Some("db".into()),
            "EMPTY" => Some(String::new()),
            "LOOP" => Some("${LOOP}".into()),
            _ => None,
        })
    }

    #[test]
    fn references_are_replaced_and_everything_else_is_kept() {
        for (text, want) in [
            ("", ""),
            ("plain", "plain"),
            ("${HOST}", "db"),
            ("a${HOST}b${HOST}c", "adbbdbc"),
            ("${NONE:-x}", "x"),
            ("${NONE:-}", ""),
            ("${EMPTY}", ""),
            ("${EMPTY:-x}", "x"),
            ("${HOST:-x}", "db"),
            ("${NONE:-${HOST}:5432}", "db:5432"),
            ("${NONE:-${NADA:-deep}}", "deep"),
            ("$HOST $1 $$ $(date) 5$", "$HOST $1 $$ $(date) 5$"),
            ("$${HOST}", "${HOST}"),
            ("$$${HOST}", "$${HOST}"),
            ("{}}${HOST}}", "{}}db}"),
            ("schön ${HOST} ☃", "schön db ☃"),
        ] {
            assert_eq!(run(text).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn the_value_of_a_variable_is_not_expanded_again() {
        assert_eq!(run("${LOOP}").as_deref(), Ok("${LOOP}"));
    }

    #[test]
    fn all_problems_of_a_text_are_found_each_once() {
        let found = run("${A} ${B:?no} ${A} ${} ${1} ${HOST").unwrap_err();
        assert_eq!(
            found,
            [
                Problem::Unset("A".into()),
                Problem::NotAName("B:?no".into()),
                Problem::NotAName(String::new()),
                Problem::NotAName("1".into()),
                Problem::Unclosed("${HOST".into()),
            ]
        );
    }

    #[test]
    fn a_default_that_is_not_needed_is_not_looked_at() {
        assert_eq!(run("${HOST:-${NONE}}").as_deref(), Ok("db"));
    }

    #[test]
    fn defaults_nest_to_a_limit() {
        let deep = format!("{}x{}", "${N:-".repeat(40), "}".repeat(40));
        assert_eq!(run(&deep), Err(vec![Problem::TooDeep]));
    }

    #[test]
    fn a_message_names_the_variable_and_a_way_out() {
        let problem = Problem::Unset("DB".into());
        assert_eq!(problem.to_string(), "cannot expand `${DB}`: the variable is not set");
        assert_eq!(problem.hint(), "set it, or give a default: `${DB:-default}`");
    }
}
