//! Reads a TOML file into `Raw`: tables become sections, nested tables flat keys, `${VAR}` is expanded.
//!
//! Pure: text in, sections and findings out. Invariants: every finding has file, line and column; sections and entries
//! stand in the order of the file; after a syntax error the `Raw` is empty, because half a file means nothing.
//! Not here: which keys exist and what their values mean (`settings`, `values`, `validate`).

mod place;
pub(in crate::config) mod shape;

use crate::config::diag::{Diagnostic, Diagnostics, Span};
use crate::config::from_toml::place::Places;
use crate::config::interpolate::{self, Lookup};
use crate::config::model::Dialect;
use crate::config::raw::{Raw, RawEntry, RawSection, RawValue, SectionKind};
use crate::types::sort_by;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeInteger, DeString, DeTable, DeValue};

/// Reads `text`; `source_name` is what messages call it, `env` answers `${VAR}`.
pub fn read(source_name: &str, text: &str, env: &dyn Fn(&str) -> Option<String>) -> (Raw, Diagnostics) {
    let mut reader = Reader {
        places: Places::new(source_name, text),
        text,
        env,
        raw: Raw::default(),
        found: Diagnostics::default(),
    };
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        reader.document(root.get_ref());
    } else {
        reader.syntax(&errors);
    }
    (reader.raw, reader.found)
}

type Key<'i> = Spanned<DeString<'i>>;
type Value<'i> = Spanned<DeValue<'i>>;

/// Settings that are octal: `umask = 22` would mean 0o26, and only the reader still knows the base of a number.
const OCTAL: &[&str] = &["umask", "mode", "socket_mode"];

struct Reader<'a> {
    places: Places<'a>,
    text: &'a str,
    env: Lookup<'a>,
    raw: Raw,
    found: Diagnostics,
}

impl Reader<'_> {
    fn syntax(&mut self, errors: &[toml::de::Error]) {
        let mut last_line = 0;
        for error in errors {
            let span = self.places.span(error.span().unwrap_or(0..0));
            // One slip makes the parser stumble several times on its line: the first finding is the true one.
            if span.line != last_line {
                last_line = span.line;
                self.found.push(shape::error(format!("cannot parse TOML: {}", error.message()), "", span));
            }
        }
    }

    fn document(&mut self, root: &DeTable<'_>) {
        let mut sections = Vec::new();
        for (key, value) in in_order(root) {
            let word = key.get_ref().as_ref();
            let single = shape::SINGLE.iter().find(|(w, _)| *w == word);
            let named = shape::NAMED.iter().find(|(w, _)| *w == word);
            let DeValue::Table(table) = value.get_ref() else {
                self.stray(
                    key,
                    single.is_some() || named.is_some() || [shape::CONTROL, shape::SIGNALS].contains(&word),
                );
                continue;
            };
            if let Some((_, kind)) = single {
                sections.push((key.span().start, self.section(*kind, "", word.into(), key, table)));
            } else if let Some((_, kind)) = named {
                self.named(*kind, word, table, &mut sections);
            } else if word == shape::CONTROL {
                let section = self.section(SectionKind::Unknown, "", word.into(), key, table);
                let servers = shape::control_servers(section, &mut |item| self.found.push(item));
                sections.extend(servers.into_iter().map(|s| (key.span().start, s)));
            } else if word == shape::SIGNALS {
                let mut section = self.section(SectionKind::Mainstay, "", word.into(), key, table);
                section.entries.iter_mut().for_each(|e| e.key = shape::signal_key(&e.key));
                sections.push((key.span().start, section));
            } else {
                self.unknown_table(key);
            }
        }
        sort_by(&mut sections, &|a, b| a.0.cmp(&b.0));
        self.raw.sections = sections.into_iter().map(|(_, s)| s).collect();
    }

    /// The sections inside of `[program]`, `[group]` and so on.
    fn named(
        &mut self,
        kind: SectionKind,
        word: &str,
        table: &DeTable<'_>,
        out: &mut Vec<(usize, RawSection)>,
    ) {
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            let title = format!("{word}.{name}");
            if name.is_empty() {
                self.report(
                    format!("the name in [{word}.\"\"] is empty"),
                    &format!("[{word}]"),
                    key.span(),
                    None,
                );
            } else if let DeValue::Table(inner) = value.get_ref() {
                out.push((key.span().start, self.section(kind, name, title, key, inner)));
            } else {
                let hint = format!("write a table `[{title}]` with its settings");
                self.report(
                    format!("`{title}` is not a table"),
                    &format!("[{title}]"),
                    key.span(),
                    Some(hint),
                );
            }
        }
    }

    fn section(
        &mut self,
        kind: SectionKind,
        name: &str,
        title: String,
        key: &Key<'_>,
        table: &DeTable<'_>,
    ) -> RawSection {
        let mut section = shape::section(kind, name, title, Dialect::Toml, self.places.span(key.span()));
        self.entries(&section.title, "", table, &mut section.entries);
        section
    }

    /// Adds the settings of `table`, those of nested tables under `prefix_key`.
    fn entries(&mut self, title: &str, prefix: &str, table: &DeTable<'_>, out: &mut Vec<RawEntry>) {
        for (key, value) in in_order(table) {
            let flat = shape::flat_key(format!("{prefix}{}", key.get_ref()));
            match value.get_ref() {
                DeValue::Table(inner) if !shape::OPAQUE.contains(&flat.as_str()) => {
                    self.entries(title, &format!("{flat}_"), inner, out);
                }
                _ => {
                    let setting = format!("[{title}] {flat}");
                    let late = || shape::LATE.contains(&flat.as_str()).then(|| verbatim(value)).flatten();
                    let read = octal(&flat, value).or_else(late);
                    if let Some(value) = read.or_else(|| self.value(&setting, value)) {
                        let span = self.places.span(key.span());
                        self.clash(&flat, &setting, &span, out);
                        out.push(RawEntry {
                            key: flat,
                            value,
                            dialect: Dialect::Toml,
                            span,
                            more: Vec::new(),
                        });
                    }
                }
            }
        }
    }

    /// `backoff.max` and `backoff_max` are one setting; TOML itself only sees two keys.
    fn clash(&mut self, flat: &str, setting: &str, span: &Span, entries: &[RawEntry]) {
        if let Some(first) = entries.iter().find(|e| e.key == flat) {
            let mut item = shape::error(format!("`{flat}` is set twice"), setting, span.clone());
            item.hint = Some(format!("it is also set on line {}; keep one", first.span.line));
            self.found.push(item);
        }
    }

    /// `None` when there is nothing to go on with; the finding is made.
    fn value(&mut self, setting: &str, value: &Value<'_>) -> Option<RawValue> {
        Some(match value.get_ref() {
            DeValue::String(text) => RawValue::Text(self.expand(setting, text, value.span())),
            DeValue::Boolean(b) => RawValue::Bool(*b),
            DeValue::Integer(n) => RawValue::Int(self.integer(setting, n, value.span())?),
            DeValue::Float(n) => RawValue::Float(n.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Datetime(_) => {
                let hint = Some("put it in quotes".into());
                self.report("a date is not a value that a setting takes".into(), setting, value.span(), hint);
                return None;
            }
            DeValue::Array(items) => {
                RawValue::List(items.iter().filter_map(|item| self.value(setting, item)).collect())
            }
            DeValue::Table(table) => {
                let pairs = in_order(table).into_iter();
                RawValue::Table(
                    pairs
                        .filter_map(|(k, v)| Some((k.get_ref().to_string(), self.value(setting, v)?)))
                        .collect(),
                )
            }
        })
    }

    fn integer(&mut self, setting: &str, n: &DeInteger<'_>, at: Range<usize>) -> Option<i64> {
        let number = i64::from_str_radix(n.as_str(), n.radix()).ok();
        if number.is_none() {
            self.report(format!("the number {n} is too large"), setting, at, None);
        }
        number
    }

    fn expand(&mut self, setting: &str, text: &str, at: Range<usize>) -> String {
        match interpolate::expand(text, self.env) {
            Ok(expanded) => expanded,
            Err(problems) => {
                for problem in problems {
                    let place = self.find_in(&at, &problem.needle());
                    let span = self.places.span(place);
                    let finding = shape::error(problem.to_string(), setting, span).hint(problem.hint());
                    self.found.push(finding.missing(problem.unset()));
                }
                text.to_string()
            }
        }
    }

    /// Where `needle` stands inside of the value at `at`; the value itself when escapes hide it.
    fn find_in(&self, at: &Range<usize>, needle: &str) -> Range<usize> {
        let source = self.text.get(at.clone()).unwrap_or("");
        match source.find(needle).filter(|_| !needle.is_empty()) {
            Some(offset) => at.start + offset..at.start + offset + needle.len(),
            None => at.clone(),
        }
    }

    /// A setting that stands outside of every table.
    fn stray(&mut self, key: &Key<'_>, is_table_name: bool) {
        let word = key.get_ref();
        let (message, hint) = if is_table_name {
            (
                format!("`{word}` is not a table"),
                format!("write `[{word}]`, or `[{word}.NAME]`, on a line of its own"),
            )
        } else {
            let hint =
                "settings belong into a table: `[supervisor]`, `[http]`, `[control]`, `[program.NAME]`";
            (format!("`{word}` stands outside of every table"), hint.to_string())
        };
        self.report(message, word, key.span(), Some(hint));
    }

    fn unknown_table(&mut self, key: &Key<'_>) {
        let word = key.get_ref().as_ref();
        let known = || format!("known are {}", shape::top_level().collect::<Vec<_>>().join(", "));
        let hint = shape::nearest_table(word).map_or_else(known, shape::did_you_mean);
        self.report(format!("unknown table `{word}`"), &format!("[{word}]"), key.span(), Some(hint));
    }

    fn report(&mut self, message: String, setting: &str, at: Range<usize>, hint: Option<String>) {
        let span = self.places.span(at);
        self.found.push(Diagnostic { hint, ..shape::error(message, setting, span) });
    }
}

/// A number that was written in octal where octal is meant, as text; a decimal one stays a number and is refused later.
fn octal(key: &str, value: &Value<'_>) -> Option<RawValue> {
    match value.get_ref() {
        DeValue::Integer(n) if n.radix() == 8 && OCTAL.contains(&key) => Some(RawValue::Text(n.to_string())),
        _ => None,
    }
}

/// A text whose variables are looked up later.
fn verbatim(value: &Value<'_>) -> Option<RawValue> {
    match value.get_ref() {
        DeValue::String(text) => Some(RawValue::Text(text.to_string())),
        _ => None,
    }
}

/// The entries of a table as the file has them; the parser sorts by name.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Key<'i>, &'t Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    sort_by(&mut entries, &|a, b| a.0.span().start.cmp(&b.0.span().start));
    entries
}

#[cfg(test)]
mod tests;
