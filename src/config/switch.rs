//! `enabled`: an expression over variables that says whether a program may run.
//!
//! Pure. The grammar, loosest first: `a || b`, `a && b`, `!a`, `a == b`, `a != b`, `( … )`. A value is a word, a text in
//! quotes, `${VAR}`, `${VAR:-default}`, `$VAR` or `%(ENV_VAR)s`, or several of them without a blank between. A value alone
//! is true or false as the word says (`true`, `yes`, `on`, `1`); one with a variable in it is also true when it is anything
//! but empty, `false`, `no`, `off` or `0`. A variable that is not set is empty, which is the point of asking.
//! Invariant: what a variable holds is compared, never read as a part of the expression.

use crate::config::interpolate::{self, closing_brace};

/// How a name is looked up: `VAR` of the environment, and `program_name` and the like.
pub(crate) struct Lookups<'a> {
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
    /// What `%(name)…` stands for; `None`: there is no such name.
    pub(crate) name: &'a dyn Fn(&str) -> Option<String>,
}

/// BOUND: an expression is written by hand, and each `(` or `!` is a call.
const MAX_BYTES: usize = 4096;
const MAX_DEPTH: usize = 32;

/// Whether the expression is true.
///
/// # Errors
/// What cannot be understood, in words.
pub(crate) fn evaluate(text: &str, lookups: &Lookups<'_>) -> Result<bool, String> {
    if text.len() > MAX_BYTES {
        return Err("the expression is too long".to_owned());
    }
    // Nothing is not set, and that is not true.
    if text.trim().is_empty() {
        return Ok(false);
    }
    let mut parser = Parser { rest: text, depth: 0, lookups };
    let value = parser.any()?;
    parser.blanks();
    if parser.rest.is_empty() { Ok(value) } else { Err(parser.unexpected()) }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
    lookups: &'a Lookups<'a>,
}

/// A value, and whether a variable had a part in it.
struct Operand {
    text: String,
    varies: bool,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<bool, String> {
        let mut value = self.all()?;
        while self.take("||") {
            // Both sides are read: a mistake is one although it would not matter today.
            value |= self.all()?;
        }
        Ok(value)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut value = self.one()?;
        while self.take("&&") {
            value &= self.one()?;
        }
        Ok(value)
    }

    fn one(&mut self) -> Result<bool, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("the expression is nested deeper than {MAX_DEPTH}"));
        }
        self.blanks();
        let value = if !self.rest.starts_with("!=") && self.take("!") {
            !self.one()?
        } else if self.take("(") {
            let value = self.any()?;
            if !self.take(")") {
                return Err("a `)` is missing".to_owned());
            }
            value
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn comparison(&mut self) -> Result<bool, String> {
        let left = self.operand()?;
        if self.take("==") {
            return Ok(left.text == self.operand()?.text);
        }
        if self.take("!=") {
            return Ok(left.text != self.operand()?.text);
        }
        match left.text.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            text if left.varies => Ok(!text.is_empty()),
            _ => Err(format!("`{}` is neither true nor false", left.text)),
        }
    }

    /// Pieces without a blank between them.
    fn operand(&mut self) -> Result<Operand, String> {
        self.blanks();
        let mut operand = Operand { text: String::new(), varies: false };
        let before = self.rest.len();
        while let Some(c) = self.rest.chars().next() {
            match c {
                '"' | '\'' => {
                    let inside = self.rest.get(1..).unwrap_or_default();
                    let Some(end) = inside.find(c) else {
                        return Err("a closing quote is missing".to_owned());
                    };
                    operand.text.push_str(&inside[..end]);
                    self.rest = &inside[end + 1..];
                }
                '$' => self.variable(&mut operand)?,
                '%' if self.rest.starts_with("%(") => self.name(&mut operand)?,
                c if c.is_whitespace() || "!=&|()".contains(c) => break,
                c => {
                    operand.text.push(c);
                    self.rest = &self.rest[c.len_utf8()..];
                }
            }
        }
        if self.rest.len() == before { Err(self.unexpected()) } else { Ok(operand) }
    }

    fn variable(&mut self, operand: &mut Operand) -> Result<(), String> {
        operand.varies = true;
        let set = |name: &str| Some((self.lookups.env)(name).unwrap_or_default());
        if let Some(inside) = self.rest.strip_prefix("${") {
            let Some(end) = closing_brace(inside) else {
                return Err("a closing brace is missing".to_owned());
            };
            let (piece, rest) = self.rest.split_at(end + 3);
            let value = interpolate::expand(piece, &set)
                .map_err(|problems| problems.first().map_or_else(String::new, ToString::to_string))?;
            operand.text.push_str(&value);
            self.rest = rest;
            return Ok(());
        }
        let after = &self.rest[1..];
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        if end == 0 {
            return Err("a `$` names no variable".to_owned());
        }
        let value = interpolate::expand(&format!("${{{}}}", &after[..end]), &set);
        operand.text.push_str(&value.map_err(|p| p.first().map_or_else(String::new, ToString::to_string))?);
        self.rest = &after[end..];
        Ok(())
    }

    /// `%(ENV_VAR)s` is `${VAR}`; other names are what they are in every value.
    fn name(&mut self, operand: &mut Operand) -> Result<(), String> {
        operand.varies = true;
        let Some((name, rest)) = self.rest[2..].split_once(')') else {
            return Err("a `)` is missing".to_owned());
        };
        let letter = rest.find(|c: char| c.is_ascii_alphabetic()).map(|at| at + 1);
        let Some(end) = letter.filter(|end| rest[..end - 1].bytes().all(|b| b.is_ascii_digit())) else {
            return Err(format!("an `s` is missing behind `%({name})`"));
        };
        let value = match name.strip_prefix("ENV_") {
            Some(variable) => (self.lookups.env)(variable).unwrap_or_default(),
            None => {
                (self.lookups.name)(name).ok_or_else(|| format!("the name `{name}` is not known here"))?
            }
        };
        operand.text.push_str(&value);
        self.rest = &rest[end..];
        Ok(())
    }

    fn take(&mut self, word: &str) -> bool {
        self.blanks();
        let rest = self.rest.strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn unexpected(&self) -> String {
        match self.rest.trim_start().chars().next() {
            None => "a value is missing at its end".to_owned(),
            Some('=') => "`=` is not known here; write `==`".to_owned(),
            Some(c) => format!("`{c}` was not expected"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<bool, String> {
        let env = |name: &str| match name {
            "ON" => Some("1".to_owned()),
            "OFF" => Some("Off".to_owned()),
            "EMPTY" => Some(String::new()),
            "STAGE" => Some("production".to_owned()),
            "EVIL" => Some("x || true".to_owned()),
            _ => None,
        };
        evaluate(text, &Lookups { env: &env, name: &|name| (name == "process_num").then(|| "2".to_owned()) })
    }

    #[test]
    fn words_variables_and_operators_mean_what_they_say() {
        for (text, want) in [
            ("true", true),
            ("No", false),
            ("1", true),
            ("", false),
            ("${ON}", true),
            ("$ON", true),
            ("${OFF}", false),
            ("${EMPTY}", false),
            ("${NONE}", false),
            ("${STAGE}", true),
            ("${NONE:-yes}", true),
            ("${NONE:-${ON}}", true),
            ("%(ENV_ON)s", true),
            ("%(ENV_NONE)s", false),
            ("%(process_num)02d == 2", true),
            ("${STAGE} == production", true),
            ("${STAGE} != 'production'", false),
            ("${STAGE}==\"pro\"duction", true),
            ("${NONE} == ''", true),
            ("!${ON}", false),
            ("!!true", true),
            ("${ON} && !${OFF}", true),
            ("false && false || true", true),
            ("false && (false || true)", false),
            ("! (${OFF} || ${NONE})", true),
            // A value is compared, never read.
            ("${EVIL} == 'x || true'", true),
            ("false && ${EVIL}", false),
        ] {
            assert_eq!(run(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        for (text, why) in [
            ("maybe", "neither true nor false"),
            ("true &&", "missing at its end"),
            ("${STAGE} = production", "write `==`"),
            ("(true", "a `)` is missing"),
            ("true)", "`)` was not expected"),
            ("'true", "closing quote"),
            ("${ON", "closing brace"),
            ("${1}", "not a variable name"),
            ("$", "names no variable"),
            ("%(nobody)s", "`nobody` is not known here"),
            ("true false", "`f` was not expected"),
            // Also where it would not matter today.
            ("true || maybe", "neither true nor false"),
        ] {
            let found = run(text).expect_err(text);
            assert!(found.contains(why), "{text}: {found}");
        }
        assert!(run(&"!".repeat(100)).is_err() && run(&"(".repeat(5000)).is_err());
    }
}
