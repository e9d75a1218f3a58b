//! The shape that TOML and the environment share: which tables exist, what `[control]` stands for, which name was meant.
//!
//! Pure. Invariant: what leaves here has Supervisor's keys, so `validate` sees one language.
//! Not here: which keys a program may have (`settings`).

use crate::config::diag::{Diagnostic, Severity, Span};
use crate::config::model::Dialect;
use crate::config::raw::{RawEntry, RawSection, SectionKind};
use crate::config::settings::nearest;
use crate::types::Signal;

/// Tables that are sections themselves.
pub(in crate::config) const SINGLE: &[(&str, SectionKind)] =
    &[("supervisor", SectionKind::Supervisor), ("http", SectionKind::Http)];

/// Tables that hold one section for each name.
pub(in crate::config) const NAMED: &[(&str, SectionKind)] = &[
    ("program", SectionKind::Program),
    ("group", SectionKind::Group),
    ("eventlistener", SectionKind::EventListener),
    ("fcgi", SectionKind::Fcgi),
];

/// Tables with a meaning of their own.
pub(in crate::config) const CONTROL: &str = "control";
pub(in crate::config) const SIGNALS: &str = "signals";

/// Settings whose value is a table with names of the user's own; all other tables are flattened with `_`.
pub(in crate::config) const OPAQUE: &[&str] = &["environment", "env_from_file", "depends_on"];

/// Settings whose variables are looked up when the value is understood, not before.
pub(in crate::config) const LATE: &[&str] = &["enabled"];

/// The key of a setting that was written in levels: `rlimits.nofile` is `rlimit_nofile`.
pub(in crate::config) fn flat_key(key: String) -> String {
    key.strip_prefix("rlimits_").map_or_else(|| key.clone(), |name| format!("rlimit_{name}"))
}

/// The key of an entry of `[signals]`.
pub(in crate::config) fn signal_key(word: &str) -> String {
    // Of two names for one signal the table has one.
    let name = Signal::from_name(word).and_then(Signal::name).unwrap_or(word).to_lowercase();
    format!("signal_{}", name.strip_prefix("sig").unwrap_or(&name))
}

/// Words of other configurations, and ours for the same thing.
const ALIASES: &[(&str, &str)] = &[
    ("supervisord", "supervisor"),
    ("mainstay", "supervisor"),
    ("daemon", "supervisor"),
    ("service", "program"),
    ("services", "program"),
    ("process", "program"),
    ("processes", "program"),
    ("listener", "eventlistener"),
    ("fcgi-program", "fcgi"),
    ("unix_http_server", CONTROL),
    ("inet_http_server", CONTROL),
    ("metrics", "http"),
    ("health", "http"),
    ("signal", SIGNALS),
];

/// All words a top-level table may have.
pub(in crate::config) fn top_level() -> impl Iterator<Item = &'static str> {
    SINGLE.iter().chain(NAMED).map(|(word, _)| *word).chain([CONTROL, SIGNALS])
}

/// The table that was probably meant.
pub(in crate::config) fn nearest_table(word: &str) -> Option<&'static str> {
    let lower = word.to_lowercase();
    let alias = ALIASES.iter().find(|(theirs, _)| *theirs == lower).map(|(_, ours)| *ours);
    alias.or_else(|| nearest(&lower, top_level()))
}

/// An error without a hint.
pub(in crate::config) fn error(message: impl Into<String>, setting: &str, span: Span) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        message: message.into(),
        setting: setting.into(),
        span: Some(span),
        hint: None,
        supervisor: None,
        missing: None,
    }
}

/// `[control]`: our word, the key of the unix server, the key of the inet server.
const CONTROL_KEYS: &[(&str, Option<&str>, Option<&str>)] = &[
    ("unix", Some("file"), None),
    ("tcp", None, Some("port")),
    ("username", Some("username"), Some("username")),
    ("password", Some("password"), Some("password")),
    ("mode", Some("chmod"), None),
    ("owner", Some("chown"), None),
];

const TOML_SERVER: &str = "name a server: `unix = \"/run/mainstay.sock\"` or `tcp = \"127.0.0.1:9001\"`";
const ENV_SERVER: &str =
    "name a server: `MAINSTAY_CONTROL__UNIX=/run/mainstay.sock` or `MAINSTAY_CONTROL__TCP=127.0.0.1:9001`";

/// Turns `[control]` into Supervisor's server sections: one for `unix`, one for `tcp`.
///
/// `section` holds our words; its title and place become those of both servers.
pub(in crate::config) fn control_servers(
    section: RawSection,
    report: &mut dyn FnMut(Diagnostic),
) -> Vec<RawSection> {
    let in_env = section.dialect == Dialect::Env;
    let title = if in_env { format!("`{}`", section.title) } else { format!("[{}]", section.title) };
    let setting = |e: &RawEntry| if in_env { e.span.source.clone() } else { format!("{title} {}", e.key) };
    let mut unix = Vec::new();
    let mut inet = Vec::new();
    for entry in &section.entries {
        let Some((_, for_unix, for_inet)) = CONTROL_KEYS.iter().find(|(word, ..)| *word == entry.key) else {
            let message = format!("unknown setting `{}` in {title}", entry.key);
            let mut item = error(message, &setting(entry), entry.span.clone());
            item.hint = nearest(&entry.key, CONTROL_KEYS.iter().map(|k| k.0)).map(did_you_mean);
            report(item);
            continue;
        };
        let renamed = |key: &str| RawEntry { key: key.into(), ..entry.clone() };
        unix.extend(for_unix.map(renamed));
        inet.extend(for_inet.map(renamed));
    }
    let has = |word: &str| section.entries.iter().any(|e| e.key == word);
    for (needs, words) in [("unix", &["mode", "owner"][..]), ("tcp", &["username", "password"])] {
        let orphan = section.entries.iter().find(|e| words.contains(&e.key.as_str()));
        if let Some(entry) = orphan.filter(|_| !has("unix") && !has(needs)) {
            let message = format!("`{}` has no server to belong to", entry.key);
            let mut item = error(message, &setting(entry), entry.span.clone());
            item.hint = Some(if in_env { ENV_SERVER } else { TOML_SERVER }.into());
            report(item);
        }
    }
    let server = |kind, entries| RawSection { kind, name: String::new(), entries, ..section.clone() };
    let mut out = Vec::new();
    if has("tcp") {
        out.push(server(SectionKind::InetHttp, inet));
    }
    if has("unix") {
        out.push(server(SectionKind::UnixHttp, unix));
    }
    out
}

/// A section without entries.
pub(in crate::config) fn section(
    kind: SectionKind,
    name: &str,
    title: String,
    dialect: Dialect,
    span: Span,
) -> RawSection {
    RawSection { kind, name: name.into(), title, dialect, span, entries: Vec::new() }
}

/// The hint for a word that was mistyped.
pub(in crate::config) fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_table_finds_its_name() {
        for (typed, meant) in [
            ("progam", Some("program")),
            ("Program", Some("program")),
            ("programs", Some("program")),
            ("supervisord", Some("supervisor")),
            ("contorl", Some("control")),
            ("unix_http_server", Some("control")),
            ("services", Some("program")),
            ("banana", None),
        ] {
            assert_eq!(nearest_table(typed), meant, "{typed}");
        }
    }
}
