//! What the user said, before anybody decides whether it makes sense: sections, keys and values with their places.
//!
//! Pure data. The three readers (`from_ini`, `from_toml`, `from_env`) produce it, `validate` consumes it.
//! Keys are canonical: Supervisor's option names, and the flat INI spelling for our own (`readiness_http`).
//! Not here: defaults, types, expansion.

use crate::config::diag::{Span, is_secret};
use crate::config::model::Dialect;

/// A whole configuration, in the order it was met. Later entries override earlier ones of the same key.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Raw {
    pub sections: Vec<RawSection>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct RawSection {
    pub kind: SectionKind,
    /// The part after the colon: `web` of `[program:web]`; empty where there is none.
    pub name: String,
    /// The section as the user wrote it, for messages: `program:web`, `program.web`, `MAINSTAY_PROGRAM__WEB`.
    pub title: String,
    /// Which language it was written in first; decides the defaults of what is left out.
    pub dialect: Dialect,
    pub span: Span,
    pub entries: Vec<RawEntry>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SectionKind {
    /// `[supervisord]`, `[supervisor]`.
    Supervisor,
    Program,
    EventListener,
    Fcgi,
    Group,
    /// `[unix_http_server]`, `[control] unix = …`.
    UnixHttp,
    /// `[inet_http_server]`, `[control] tcp = …`.
    InetHttp,
    /// Read-only HTTP: `[http]`, `[mainstay] http_listen`.
    Http,
    /// INI `[mainstay]`: settings for the whole that Supervisor does not know.
    Mainstay,
    RpcInterface,
    Supervisorctl,
    CtlPlugin,
    Include,
    /// INI `[DEFAULT]`.
    Default,
    /// Anything else: ignored with a warning in INI, refused elsewhere.
    Unknown,
}

#[derive(Clone, PartialEq, Debug)]
pub struct RawEntry {
    /// Canonical key, lower case.
    pub key: String,
    pub value: RawValue,
    /// Which language this value was written in; decides how it is read.
    pub dialect: Dialect,
    /// Place of the key.
    pub span: Span,
    /// INI: the lines on which the value goes on.
    pub more: Vec<Span>,
}

impl RawEntry {
    /// The place of `part` of the value, where it stands as it is in the source, else the place of the key.
    ///
    /// A secret's place is that of its key: of the other lines nobody could tell that they are secret.
    #[must_use]
    pub fn place_of(&self, part: &str) -> Span {
        let key_end = (self.span.column + self.span.width).saturating_sub(1) as usize;
        let first = std::iter::once((key_end, &self.span));
        let more = self.more.iter().map(|s| (s.column.saturating_sub(1) as usize, s));
        if part.is_empty() || is_secret(&self.key) {
            return self.span.clone();
        }
        for (from, line) in first.chain(more) {
            let begin = line.text.char_indices().nth(from).map_or(line.text.len(), |(at, _)| at);
            let Some(at) = line.text.get(begin..).and_then(|value| find_word(value, part)) else { continue };
            let before = line.text.get(..begin + at).unwrap_or_default();
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            return Span {
                column: number(before.chars().count() + 1),
                width: number(part.chars().count()),
                ..line.clone()
            };
        }
        self.span.clone()
    }
}

/// A value as its language has it; INI and environment only have text.
#[derive(Clone, PartialEq, Debug)]
pub enum RawValue {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    List(Vec<RawValue>),
    Table(Vec<(String, RawValue)>),
}

/// Where `part` stands in `text` and is not a piece of a longer word.
fn find_word(text: &str, part: &str) -> Option<usize> {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "_-.".contains(c));
    text.match_indices(part).map(|(at, _)| at).find(|at| {
        let (before, after) = (text[..*at].chars().next_back(), text[*at + part.len()..].chars().next());
        let cuts_start = is_word(part.chars().next()) && is_word(before);
        let cuts_end = is_word(part.chars().next_back()) && is_word(after) && !part.starts_with('%');
        !cuts_start && !cuts_end
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str) -> RawEntry {
        let span = |line, column, width, text: &str| Span {
            source: "f".into(),
            line,
            column,
            width,
            text: text.into(),
        };
        RawEntry {
            key: key.into(),
            value: RawValue::Text(String::new()),
            dialect: Dialect::Ini,
            span: span(3, 1, 8, "programs = ab, ö-a"),
            more: vec![span(4, 5, 4, "    a, %(b)s c")],
        }
    }

    #[test]
    fn the_place_of_a_part_is_on_its_own_line_and_of_whole_words() {
        let place = |part: &str| {
            let span = entry("programs").place_of(part);
            (span.line, span.column, span.width)
        };
        assert_eq!(place("ab"), (3, 12, 2));
        assert_eq!(place("ö-a"), (3, 16, 3));
        assert_eq!(place("a"), (4, 5, 1));
        assert_eq!(place("%(b)"), (4, 8, 4));
        // The key itself is no part of the value, and what is not there has the place of the key.
        assert_eq!(place("programs"), (3, 1, 8));
        assert_eq!(place(""), (3, 1, 8));
    }

    #[test]
    fn a_line_of_a_secret_is_not_shown() {
        assert_eq!(entry("environment").place_of("a").line, 3);
    }
}
