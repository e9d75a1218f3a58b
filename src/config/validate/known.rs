//! Sections and keys that nobody knows, plug-ins that cannot be had, and the section that must be there.
//!
//! Invariant: in INI an unknown word is a warning, in TOML and environment an error. Not here: what the values mean.

use crate::config::diag::Diagnostic;
use crate::config::model::Dialect;
use crate::config::raw::{RawEntry, RawSection, RawValue, SectionKind};
use crate::config::settings;
use crate::config::values;

use super::plugins;
use super::reader::{Passes, Reader, View, shown};

/// COMPAT: an INI main file without `[supervisord]` is refused.
pub(crate) fn require_supervisord(r: &mut Reader<'_>, dialect: Dialect) {
    let mut sections = r.sections(SectionKind::Supervisor);
    if dialect != Dialect::Ini || sections.any(|s| s.dialect == Dialect::Ini) {
        return;
    }
    r.push(
        Diagnostic::error("cannot use the configuration: there is no [supervisord] section")
            .hint("add a line `[supervisord]`; it may be empty. A fragment has to be included by a main file")
            .supervisor(".ini file does not include supervisord section"),
    );
}

/// `[rpcinterface:x]`: only the one that is built in can be had.
pub(crate) fn check_plugins(r: &mut Reader<'_>) {
    const KEY: &str = "supervisor.rpcinterface_factory";
    let sections: Vec<_> = r.sections(SectionKind::RpcInterface).collect();
    for section in sections {
        let view = View::of(section);
        let names = r.env.clone();
        let Ok(spec) = r.optional(&view, KEY, &names, Passes::One, values::text) else { continue };
        let Some(spec) = spec else {
            let words = format!("section [{}] does not specify a {KEY}", section.title);
            let message = format!("cannot use {}: `{KEY}` is missing", view.shown());
            r.refuse_section(&view, KEY, message, words, &format!("add `{KEY} = {}`", settings::PLUGINS[0]));
            continue;
        };
        // A result handler is no interface.
        if !r.world.plugin_exists(&spec) || spec == settings::STDOUT_HANDLER {
            let words = format!("{spec} cannot be resolved within [{}]", section.title);
            let message = format!("cannot use {}: `{spec}` is a Python plug-in", view.shown());
            r.refuse_section(&view, KEY, message, words, plugins::instead_of(&spec));
        }
        expand_extras(r, &view, KEY);
    }
}

/// COMPAT: every other key of the section, inherited ones too, goes to the plug-in and is expanded for it.
fn expand_extras<'a>(r: &mut Reader<'a>, view: &View<'a>, factory: &str) {
    let names = r.env.clone();
    let own = view.section.into_iter().chain(r.sections(SectionKind::Default)).flat_map(|s| &s.entries);
    for entry in own.filter(|e| e.key != factory).collect::<Vec<_>>() {
        // Reported where it fails.
        let _read = r.optional(view, &entry.key, &names, Passes::One, values::text);
    }
}

/// Every section and key that was not asked for.
pub(crate) fn check_names(r: &mut Reader<'_>) {
    for section in &r.raw.sections {
        match section.kind {
            SectionKind::Unknown => unknown_section(r, section),
            // Their other keys go to the plug-in.
            SectionKind::RpcInterface => factory_key(r, section, "supervisor.rpcinterface_factory"),
            SectionKind::CtlPlugin => {
                const KEY: &str = "supervisor.ctl_factory";
                factory_key(r, section, KEY);
                let named = section.entries.iter().find(|e| e.key == KEY);
                let spec = named.map_or("", |e| e.span.text.as_str());
                r.push(
                    Diagnostic::warning(format!(
                        "{} is ignored: Python plug-ins cannot be loaded",
                        shown(section)
                    ))
                    .at(Some(&section.span))
                    .setting(shown(section))
                    .hint(plugins::instead_of(spec)),
                );
            }
            SectionKind::Default => {
                let strange = section.entries.iter().filter(|e| !settings::is_known_anywhere(&e.key));
                strange.for_each(|entry| unknown_key(r, section, entry));
            }
            _ => section.entries.iter().for_each(|entry| check_key(r, section, entry)),
        }
    }
}

/// The key that names the plug-in, misspelt.
fn factory_key(r: &mut Reader<'_>, section: &RawSection, factory: &str) {
    let meant =
        |e: &&RawEntry| e.key != factory && settings::nearest(&e.key, [factory].into_iter()).is_some();
    for entry in section.entries.iter().filter(meant) {
        let finding = finding_for(entry.dialect, section, entry, |key, section| {
            format!("unknown setting `{key}` in {section}")
        });
        r.push(finding.hint(format!("did you mean `{factory}`?")));
    }
}

fn check_key(r: &mut Reader<'_>, section: &RawSection, entry: &RawEntry) {
    let overridden = section.entries.iter().rev().find(|e| e.key == entry.key) != Some(entry);
    let inherited = entry.dialect == Dialect::Ini
        && r.sections(SectionKind::Default)
            .any(|d| d.entries.iter().any(|e| e.key == entry.key && e.span == entry.span));
    if overridden || inherited {
        return;
    }
    if settings::find(section.kind, &entry.key).is_none() {
        unknown_key(r, section, entry);
    }
}

/// Whether `check_names` will refuse a misspelt `key`: then that it is missing need not be said as well.
pub(crate) fn is_refused_for(section: &RawSection, key: &str) -> bool {
    let is_last = |e: &&RawEntry| section.entries.iter().rev().find(|o| o.key == e.key) == Some(e);
    section.entries.iter().filter(is_last).any(|e| {
        e.dialect != Dialect::Ini
            && settings::find(section.kind, &e.key).is_none()
            && settings::nearest_key(section.kind, &e.key) == Some(key)
    })
}

fn unknown_key(r: &mut Reader<'_>, section: &RawSection, entry: &RawEntry) {
    let finding = finding_for(entry.dialect, section, entry, |key, section| {
        format!("unknown setting `{key}` in {section}")
    });
    let missing = bracket_hint(entry).filter(|_| entry.dialect == Dialect::Ini);
    let hint = missing.map(str::to_owned).or_else(|| key_hint(section.kind, &entry.key, entry.dialect));
    r.push(match hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    });
}

/// `[program:web` and `program:web]` are settings to Supervisor.
fn bracket_hint(entry: &RawEntry) -> Option<&'static str> {
    let ends = matches!(&entry.value, RawValue::Text(text) if text.ends_with(']'));
    match (entry.key.starts_with('['), ends && KNOWN.contains(&format!("{}:", entry.key).as_str())) {
        (true, _) => Some("the `]` of the section is missing"),
        (_, true) => Some("the `[` of the section is missing"),
        _ => None,
    }
}

fn key_hint(kind: SectionKind, key: &str, dialect: Dialect) -> Option<String> {
    let meant = match kind {
        SectionKind::Default => settings::nearest(key, settings::all().map(|s| s.key)),
        kind => settings::nearest_key(kind, key),
    };
    if let Some(meant) = meant {
        let signal = meant.strip_prefix("signal_").filter(|_| dialect != Dialect::Ini).map(str::to_uppercase);
        return Some(format!("did you mean `{}`?", signal.as_deref().unwrap_or(meant)));
    }
    if kind == SectionKind::Supervisorctl && key == "files" {
        return Some("it belongs into [include]; is the line `[include]` missing above it?".to_owned());
    }
    let setting = settings::all().find(|s| s.key == key)?;
    let home = setting.kinds.first()?;
    match dialect {
        Dialect::Ini => {}
        Dialect::Toml => return setting.toml_path(*home).map(|path| format!("it is called `{path}`")),
        Dialect::Env => return setting.env_name(*home).map(|name| format!("it is called `{name}`")),
    }
    let title = match home {
        SectionKind::Program => "[program:NAME]",
        SectionKind::EventListener => "[eventlistener:NAME]",
        SectionKind::Fcgi => "[fcgi-program:NAME]",
        SectionKind::Group => "[group:NAME]",
        SectionKind::Supervisor => "[supervisord]",
        SectionKind::Mainstay => "[mainstay]",
        SectionKind::UnixHttp => "[unix_http_server]",
        SectionKind::InetHttp => "[inet_http_server]",
        SectionKind::Supervisorctl => "[supervisorctl]",
        SectionKind::Include => "[include]",
        _ => return None,
    };
    Some(format!("it belongs into {title}"))
}

fn finding_for(
    dialect: Dialect,
    section: &RawSection,
    entry: &RawEntry,
    say: impl Fn(&str, &str) -> String,
) -> Diagnostic {
    // Of `[signals]` the user has written the name alone.
    let is_signal = section.kind == SectionKind::Mainstay && dialect != Dialect::Ini;
    let signal = entry.key.strip_prefix("signal_").filter(|_| is_signal).map(str::to_uppercase);
    let message = say(signal.as_deref().unwrap_or(&entry.key), &shown(section));
    let finding = match dialect {
        Dialect::Ini => Diagnostic::warning(message),
        Dialect::Toml | Dialect::Env => Diagnostic::error(message),
    };
    finding.at(Some(&entry.span)).setting(format!("{} {}", shown(section), entry.key))
}

/// The words that a section can begin with.
const KNOWN: &[&str] = &[
    "supervisord",
    "supervisorctl",
    "program:",
    "group:",
    "eventlistener:",
    "fcgi-program:",
    "include",
    "unix_http_server",
    "inet_http_server",
    "rpcinterface:",
    "ctlplugin:",
    "mainstay",
];

fn unknown_section(r: &mut Reader<'_>, section: &RawSection) {
    let (word, name) =
        section.title.split_once(':').map_or((section.title.as_str(), None), |(w, n)| (w, Some(n)));
    let message = format!("unknown section {}", shown(section));
    let finding = match section.dialect {
        Dialect::Ini => Diagnostic::warning(format!("{message}; it is ignored")),
        Dialect::Toml | Dialect::Env => Diagnostic::error(message),
    };
    let finding = finding.at(Some(&section.span)).setting(shown(section));
    let meant = settings::nearest(&word.trim().to_lowercase(), KNOWN.iter().map(|k| k.trim_end_matches(':')));
    r.push(match (meant, name) {
        (Some(meant), Some(name)) => finding.hint(format!("did you mean [{meant}:{}]?", name.trim())),
        (Some(meant), None) => finding.hint(format!("did you mean [{meant}]?")),
        (None, _) => finding,
    });
}
