//! Reads `MAINSTAY_…` variables into `Raw`: levels are joined by `__`, names are lower-cased, values are literal.
//!
//! Pure: the variables are passed in. Invariants: a variable with our prefix means something, is reserved, or is an
//! error; the names inside of `ENVIRONMENT` keep their case; two variables never set the same thing silently.
//! Not here: which keys exist (`settings`); merging with a file (`mod`).

use crate::config::NOT_TEXT;
use crate::config::diag::{Diagnostic, Diagnostics, Span};
use crate::config::from_toml::shape;
use crate::config::model::Dialect;
use crate::config::raw::{Raw, RawEntry, RawSection, RawValue, SectionKind};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;

/// What our variables begin with.
pub const PREFIX: &str = "MAINSTAY_";

/// Between two levels of a name; a single underscore belongs to the name.
const SEPARATOR: &str = "__";

/// The shape of a name, for hints.
const EXAMPLE: &str = "levels are joined by two underscores, as in `MAINSTAY_PROGRAM__WEB__COMMAND`";

/// Reads the variables of the environment that are ours; all others are passed over.
#[must_use]
pub fn read(vars: &[(String, String)]) -> (Raw, Diagnostics) {
    let ours: Vec<_> =
        vars.iter().filter(|(name, value)| name.starts_with(PREFIX) && !is_reserved(name, value)).collect();
    // Not `envy::prefixed`: it takes the prefix off as often as it is there.
    let bare = ours.iter().map(|(name, value)| (name[PREFIX.len()..].to_string(), value.clone()));
    let mut reader = Reader::default();
    match envy::from_iter::<_, Pairs>(bare) {
        // envy lower-cases the names; it keeps number and order, so that the original stands beside.
        Ok(pairs) => ours
            .iter()
            .zip(pairs.0)
            .for_each(|((name, _), (path, value))| reader.variable(name, &path, value)),
        Err(error) => reader.found.push(shape::error(
            format!("cannot read the environment: {error}"),
            "",
            Span { source: PREFIX.into(), ..Span::default() },
        )),
    }
    reader.finish()
}

/// All variables in their order; a map type would merge names that differ only in case.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("variables")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Names that are not configuration: our own test hooks, the grace period that `doctor` wants to know, and what Kubernetes and Docker set by themselves in every
/// container beside a Service or a link called `mainstay…` (`MAINSTAY_SERVICE_HOST`, `MAINSTAY_PORT_80_TCP_ADDR`).
fn is_reserved(name: &str, value: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    if rest == "BIN" || rest == "GRACE" || rest.starts_with("TEST_") {
        return true;
    }
    let words: Vec<&str> = rest.split('_').collect();
    let is_ours = rest.contains(SEPARATOR);
    !is_ours && (0..words.len()).any(|at| is_link(words.get(at..).unwrap_or(&[]), value))
}

/// Whether a name that ends in these words, after the Service's own, is one of a link.
fn is_link(words: &[&str], value: &str) -> bool {
    let is_port = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    let is_protocol = |p: &str| ["TCP", "UDP", "SCTP"].contains(&p);
    match words {
        ["SERVICE", "HOST"] | ["SERVICE", "PORT", ..] => true,
        // Not `MAINSTAY_HTTP_PORT=9100`, which somebody meant for us.
        ["PORT"] => value.contains("://"),
        ["PORT", n, protocol] => is_port(n) && is_protocol(protocol),
        ["PORT", n, protocol, part] => {
            is_port(n) && is_protocol(protocol) && ["ADDR", "PORT", "PROTO", "START", "END"].contains(part)
        }
        _ => false,
    }
}

#[derive(Default)]
struct Reader {
    sections: Vec<RawSection>,
    found: Diagnostics,
}

impl Reader {
    /// `name` is the whole variable, `path` its lower-cased name without the prefix.
    fn variable(&mut self, name: &str, path: &str, value: String) {
        let levels: Vec<&str> = path.split(SEPARATOR).collect();
        let spelled: Vec<&str> = name.strip_prefix(PREFIX).unwrap_or(name).split(SEPARATOR).collect();
        if levels.iter().any(|level| level.is_empty()) {
            return self.report(format!("`{name}` has an empty level"), name, Some(EXAMPLE.into()));
        }
        if value == NOT_TEXT {
            let hint = "set it to UTF-8 text".to_owned();
            return self.report(format!("the value of `{name}` is not UTF-8 text"), name, Some(hint));
        }
        let word = levels[0];
        if let Some((_, kind)) = shape::SINGLE.iter().find(|(w, _)| *w == word) {
            self.setting(name, (*kind, ""), &levels[1..], &spelled[1..], value);
        } else if let Some((_, kind)) = shape::NAMED.iter().find(|(w, _)| *w == word) {
            match levels.get(1) {
                Some(section) => self.setting(name, (*kind, section), &levels[2..], &spelled[2..], value),
                None => self.report(
                    format!("`{name}` lacks a name"),
                    name,
                    Some(format!("write `{name}__NAME__…`")),
                ),
            }
        } else if word == shape::CONTROL {
            self.setting(name, (SectionKind::Unknown, ""), &levels[1..], &spelled[1..], value);
        } else if word == shape::SIGNALS {
            match levels.get(1) {
                Some(signal) if levels.len() == 2 => {
                    let title = &name[..PREFIX.len() + shape::SIGNALS.len()];
                    let key = shape::signal_key(signal);
                    self.add(name, title, (SectionKind::Mainstay, ""), key, RawValue::Text(value));
                }
                _ => self.report(
                    format!("`{name}` names no signal"),
                    name,
                    Some("write `MAINSTAY_SIGNALS__HUP`".into()),
                ),
            }
        } else {
            self.unknown(name, &levels, &spelled);
        }
    }

    /// One setting of a section: `levels` is what remains of the name, `spelled` the same with its case.
    fn setting(
        &mut self,
        name: &str,
        (kind, section): (SectionKind, &str),
        levels: &[&str],
        spelled: &[&str],
        value: String,
    ) {
        let Some(first) = levels.first() else {
            if kind == SectionKind::Program {
                return self.add(name, name, (kind, section), "command".into(), RawValue::Text(value));
            }
            return self.report(
                format!("`{name}` names no setting"),
                name,
                Some(format!("write `{name}__SETTING`")),
            );
        };
        let suffix: usize = spelled.iter().map(|s| s.len() + SEPARATOR.len()).sum();
        let title = &name[..name.len() - suffix];
        if shape::OPAQUE.contains(first) && levels.len() > 1 {
            let from = if *first == "depends_on" { levels } else { spelled };
            let key = from[1..].join(SEPARATOR);
            return self.add_pair(name, title, (kind, section), first, (key, RawValue::Text(value)));
        }
        self.add(name, title, (kind, section), shape::flat_key(levels.join("_")), RawValue::Text(value));
    }

    fn add(&mut self, name: &str, title: &str, at: (SectionKind, &str), key: String, value: RawValue) {
        let section = self.section(at, title);
        if let Some(other) = section.entries.iter().find(|e| e.key == key) {
            let other = other.span.source.clone();
            return self.twice(&other, name);
        }
        section.entries.push(RawEntry {
            key,
            value,
            dialect: Dialect::Env,
            span: place(name),
            more: Vec::new(),
        });
    }

    /// Adds one pair to a table setting, which the first pair makes.
    fn add_pair(
        &mut self,
        name: &str,
        title: &str,
        at: (SectionKind, &str),
        key: &str,
        pair: (String, RawValue),
    ) {
        let section = self.section(at, title);
        match section.entries.iter_mut().find(|e| e.key == key) {
            None => section.entries.push(RawEntry {
                key: key.into(),
                value: RawValue::Table(vec![pair]),
                dialect: Dialect::Env,
                span: place(name),
                more: Vec::new(),
            }),
            Some(RawEntry { value: RawValue::Table(pairs), span, .. }) => {
                if pairs.iter().any(|(k, _)| *k == pair.0) {
                    let other = span.source.clone();
                    return self.twice(&other, name);
                }
                pairs.push(pair);
            }
            Some(other) => {
                let other = other.span.source.clone();
                self.twice(&other, name);
            }
        }
    }

    fn section(&mut self, (kind, name): (SectionKind, &str), title: &str) -> &mut RawSection {
        let found = self.sections.iter().position(|s| s.kind == kind && s.name == name);
        let index = found.unwrap_or_else(|| {
            self.sections.push(shape::section(kind, name, title.into(), Dialect::Env, place(title)));
            self.sections.len() - 1
        });
        &mut self.sections[index]
    }

    fn twice(&mut self, first: &str, second: &str) {
        let message = format!("`{first}` and `{second}` set the same thing");
        self.report(message, second, Some("keep one of them".into()));
    }

    fn unknown(&mut self, name: &str, levels: &[&str], spelled: &[&str]) {
        let near = shape::nearest_table(levels[0]).map(|table| {
            let mut meant = vec![table.to_uppercase()];
            meant.extend(spelled[1..].iter().map(|s| (*s).to_string()));
            format!("did you mean `{PREFIX}{}`?", meant.join(SEPARATOR))
        });
        let single = shape::top_level().find_map(|table| {
            let rest = levels[0].strip_prefix(table)?.strip_prefix('_')?;
            let first = format!("{}{SEPARATOR}{}", table.to_uppercase(), rest.to_uppercase());
            let named = shape::NAMED.iter().any(|(word, _)| *word == table);
            if named {
                Some(EXAMPLE.into())
            } else {
                Some(format!("did you mean `{PREFIX}{first}`? {EXAMPLE}"))
            }
        });
        let hint = single.or(near.filter(|_| levels.len() > 1)).unwrap_or_else(|| EXAMPLE.into());
        self.report(format!("unknown environment variable `{name}`"), name, Some(hint));
    }

    fn report(&mut self, message: String, name: &str, hint: Option<String>) {
        self.found.push(Diagnostic { hint, ..shape::error(message, name, place(name)) });
    }

    /// `MAINSTAY_CONTROL__…` becomes Supervisor's server sections, like `[control]`.
    fn finish(mut self) -> (Raw, Diagnostics) {
        let mut raw = Raw::default();
        for section in self.sections {
            if section.kind == SectionKind::Unknown {
                raw.sections.extend(shape::control_servers(section, &mut |item| self.found.push(item)));
            } else {
                raw.sections.push(section);
            }
        }
        (raw, self.found)
    }
}

/// A variable has no lines. Its value is not shown: it may be a secret.
fn place(name: &str) -> Span {
    Span { source: name.into(), width: 1, ..Span::default() }
}

#[cfg(test)]
mod tests;
