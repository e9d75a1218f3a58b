//! Reads `supervisord.conf` and what it includes: sections, keys and values with their places.
//!
//! Files are asked of the `World`; nothing else is. Invariants: the result is what Supervisor 4.3 has in its parser
//! after reading the same files; an unreadable file never hides the findings of the others.
//! Not here: expansion of values, types, defaults (`validate`).

mod bytes;
mod parser;

use crate::config::diag::{Diagnostic, Diagnostics, Span};
use crate::config::expand::{Names, expand_or_part};
use crate::config::model::Dialect;
use crate::config::paths::{absolute, dirname, join};
use crate::config::python::is_space;
use crate::config::raw::{Raw, RawEntry, RawSection, RawValue, SectionKind};
use crate::config::utf8;
use crate::config::world::World;
use crate::types::{LogLevel, sort_by};

use parser::{Ini, IniEntry, IniError, IniSection};

/// A main file and what it includes.
#[derive(Debug, Default)]
pub struct IniFiles {
    pub raw: Raw,
    pub found: Diagnostics,
    /// What Supervisor writes into its log about the reading.
    pub notes: Vec<(LogLevel, String)>,
}

/// Reads `text`, the content of `path` (as the user typed it), and its includes. `names` are `host_node_name` and
/// the `ENV_` names; `here` is added.
#[must_use]
pub fn read(path: &str, bytes: &[u8], names: &Names, world: &dyn World) -> IniFiles {
    let mut files = IniFiles::default();
    let mut ini = Ini::default();
    if let Err(finding) = read_one(&mut ini, path, bytes) {
        files.found.push(*finding);
        return files;
    }
    if ini.section("include").is_some() {
        let here = absolute(dirname(path), world);
        put_here(&mut ini, &here);
        read_includes(&mut ini, &here, names, world, &mut files);
    }
    files.raw = to_raw(ini);
    files
}

fn read_includes(ini: &mut Ini, base: &str, names: &Names, world: &dyn World, files: &mut IniFiles) {
    let patterns = match include_patterns(ini, base, names) {
        Ok(patterns) => patterns,
        Err(finding) => return files.found.push(*finding),
    };
    for pattern in patterns.split(is_space).filter(|p| !p.is_empty()) {
        let pattern = join(base, pattern);
        let mut paths = world.glob(&pattern);
        sort_by(&mut paths, &|a, b| a.cmp(b));
        if paths.is_empty() {
            files.notes.push((LogLevel::Warn, format!("No file matches via include \"{pattern}\"")));
        }
        for path in paths {
            files.notes.push((LogLevel::Info, format!("Included extra file \"{path}\" during parsing")));
            // COMPAT: Python's parser passes over files that it cannot open; we say so.
            let bytes = match world.read_file(&path) {
                Ok(bytes) => bytes,
                Err(why) => {
                    files
                        .found
                        .push(Diagnostic::warning(format!("cannot read included file `{path}`: {why}")));
                    continue;
                }
            };
            if let Err(finding) = read_one(ini, &path, &bytes) {
                files.found.push(*finding);
            }
            put_here(ini, &absolute(dirname(&path), world));
        }
    }
}

/// The expanded value of `[include] files`.
fn include_patterns(ini: &Ini, here: &str, names: &Names) -> Result<String, Box<Diagnostic>> {
    let section = ini.section("include");
    let entry = section
        .and_then(|s| find(s, "files"))
        .or_else(|| ini.defaults.as_ref().and_then(|d| find(d, "files")));
    let Some(entry) = entry else {
        let words = ".ini file has [include] section, but no files setting";
        let finding = Diagnostic::error("cannot include files: [include] has no `files` setting")
            .at(section.map(|s| &s.span))
            .hint("add `files = conf.d/*.conf`, or remove the section")
            .supervisor(words);
        return Err(Box::new(finding));
    };
    let mut known = names.clone();
    known.set("here", here);
    expand_or_part(&entry.value, &known).map_err(|(part, why)| {
        Box::new(
            Diagnostic::error(format!("cannot expand `files` of [include]: {why}"))
                .at(Some(&to_entry(entry.clone()).place_of(&part)))
                .setting("[include] files")
                .hint(why.hint())
                .missing(why.unset())
                .supervisor(why.supervisor(&entry.value, "include.files", &known)),
        )
    })
}

fn find<'a>(section: &'a IniSection, key: &str) -> Option<&'a IniEntry> {
    section.entries.iter().find(|e| e.key == key)
}

fn read_one(ini: &mut Ini, path: &str, bytes: &[u8]) -> Result<(), Box<Diagnostic>> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            // COMPAT: Python comes to the first line before it comes to bytes that are read later.
            let before = bytes::read_before(bytes);
            if let Err(IniError::NoSection(span)) = ini.read(path, before) {
                return Err(Box::new(no_section(path, before, &span)));
            }
            let finding = utf8::refusal(path, bytes, error.valid_up_to());
            return Err(Box::new(finding.supervisor(bytes::pythons_words(bytes))));
        }
    };
    ini.read(path, text).map_err(|error| {
        Box::new(match error {
            IniError::NoSection(span) => no_section(path, text, &span),
            IniError::BadLines { spans, supervisor } => bad_lines(path, &spans, supervisor),
        })
    })
}

fn no_section(path: &str, text: &str, span: &Span) -> Diagnostic {
    let line = text.split_inclusive('\n').nth(span.line.saturating_sub(1) as usize).unwrap_or("");
    let line = line.replace("\r\n", "\n");
    let hint = if text.starts_with('\u{feff}') {
        "the file starts with a byte order mark; save it as UTF-8 without one"
    } else if line.trim_start().starts_with('[') {
        "the `]` of the section is missing"
    } else {
        "the first setting needs a section, such as [supervisord], above it"
    };
    Diagnostic::error(format!("cannot read `{path}`: there is text in front of the first section"))
        .at(Some(span))
        .hint(hint)
        .supervisor(format!(
            "File contains no section headers.\nfile: {}, line: {}\n{}",
            crate::config::python::repr(path),
            span.line,
            crate::config::python::repr(&line)
        ))
}

fn bad_lines(path: &str, spans: &[Span], supervisor: String) -> Diagnostic {
    let others: Vec<String> = spans.iter().skip(1).map(|s| s.line.to_string()).collect();
    let also = if others.is_empty() { String::new() } else { format!(" (also line {})", others.join(", ")) };
    let is_header = spans.first().is_some_and(|s| s.text.trim_start().starts_with('['));
    let hint = if is_header {
        "the `]` of the section is missing"
    } else {
        "a value that goes on needs blanks in front of its next lines; a comment begins with `;` or `#`"
    };
    Diagnostic::error(format!("cannot read `{path}`: a line is neither `[section]` nor `key = value`{also}"))
        .at(spans.first())
        .hint(hint)
        .supervisor(supervisor)
}

/// COMPAT: `%(here)s` is replaced as plain text after each file, so that it means the directory of that file. A
/// `[DEFAULT]` value is copied into the sections that exist at that moment.
fn put_here(ini: &mut Ini, here: &str) {
    const HERE: &str = "%(here)s";
    let defaults: Vec<IniEntry> = ini
        .defaults
        .iter()
        .flat_map(|d| d.entries.iter().filter(|e| e.value.contains(HERE)).cloned())
        .collect();
    for section in &mut ini.sections {
        for entry in &mut section.entries {
            entry.value = entry.value.replace(HERE, here);
        }
        for default in &defaults {
            if find(section, &default.key).is_none() {
                section
                    .entries
                    .push(IniEntry { value: default.value.replace(HERE, here), ..default.clone() });
            }
        }
    }
}

fn to_raw(ini: Ini) -> Raw {
    let defaults = ini.defaults.map(|d| to_section(SectionKind::Default, String::new(), d));
    let sections = ini.sections.into_iter().map(|section| {
        let (kind, name) = kind_of(&section.header);
        let name = name.to_owned();
        to_section(kind, name, section)
    });
    Raw { sections: defaults.into_iter().chain(sections).collect() }
}

fn to_section(kind: SectionKind, name: String, section: IniSection) -> RawSection {
    RawSection {
        kind,
        name,
        title: section.header,
        dialect: Dialect::Ini,
        span: section.span,
        entries: section.entries.into_iter().map(to_entry).collect(),
    }
}

fn to_entry(entry: IniEntry) -> RawEntry {
    RawEntry {
        key: entry.key,
        value: RawValue::Text(entry.value),
        dialect: Dialect::Ini,
        span: entry.span,
        more: entry.more,
    }
}

/// COMPAT: section names are case-sensitive; servers go by the beginning of the name; what follows the first colon
/// is the name, blanks and all.
fn kind_of(header: &str) -> (SectionKind, &str) {
    const NAMED: &[(&str, SectionKind)] = &[
        ("program:", SectionKind::Program),
        ("eventlistener:", SectionKind::EventListener),
        ("fcgi-program:", SectionKind::Fcgi),
        ("group:", SectionKind::Group),
        ("rpcinterface:", SectionKind::RpcInterface),
        ("ctlplugin:", SectionKind::CtlPlugin),
    ];
    let after_colon = header.split_once(':').map_or("", |(_, name)| name);
    for (prefix, kind) in NAMED {
        if header.starts_with(prefix) {
            return (*kind, after_colon);
        }
    }
    let kind = match header {
        "supervisord" => SectionKind::Supervisor,
        "supervisorctl" => SectionKind::Supervisorctl,
        "include" => SectionKind::Include,
        "mainstay" => SectionKind::Mainstay,
        h if h.starts_with("unix_http_server") => SectionKind::UnixHttp,
        h if h.starts_with("inet_http_server") => SectionKind::InetHttp,
        _ => SectionKind::Unknown,
    };
    (kind, after_colon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::FakeWorld;

    fn load(files: &[(&str, &str)]) -> IniFiles {
        let world = FakeWorld::with(files);
        read(files[0].0, files[0].1.as_bytes(), &Names::default(), &world)
    }

    fn value<'a>(files: &'a IniFiles, title: &str, key: &str) -> &'a str {
        let section = files.raw.sections.iter().find(|s| s.title == title).unwrap();
        match &section.entries.iter().find(|e| e.key == key).unwrap().value {
            RawValue::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn includes_are_read_in_sorted_order_and_override() {
        let files = load(&[
            ("/e/main.conf", "[supervisord]\nuser=a\n[include]\nfiles=d/*.ini x.ini\n"),
            ("/e/d/b.ini", "[supervisord]\nuser=c\n"),
            ("/e/d/a.ini", "[supervisord]\nuser=b\n[program:p]\ncommand=x\n"),
        ]);
        assert_eq!(value(&files, "supervisord", "user"), "c");
        let notes: Vec<&str> = files.notes.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            notes,
            [
                "Included extra file \"/e/d/a.ini\" during parsing",
                "Included extra file \"/e/d/b.ini\" during parsing",
                "No file matches via include \"/e/x.ini\""
            ]
        );
        let program = files.raw.sections.iter().find(|s| s.title == "program:p").unwrap();
        assert_eq!(program.span.source, "/e/d/a.ini");
    }

    #[test]
    fn here_means_the_directory_of_the_file_it_stands_in() {
        let files = load(&[
            ("/e/main.conf", "[program:a]\ncommand=%(here)s/a\n[include]\nfiles=%(here)s/d/*.ini\n"),
            ("/e/d/b.ini", "[program:b]\ncommand=%(here)s/b %(here)10s\n"),
        ]);
        assert_eq!(value(&files, "program:a", "command"), "/e/a");
        assert_eq!(value(&files, "program:b", "command"), "/e/d/b %(here)10s");
    }

    #[test]
    fn without_an_include_section_here_is_left_for_expansion() {
        let files = load(&[("/e/main.conf", "[program:a]\ncommand=%(here)s/a\n")]);
        assert_eq!(value(&files, "program:a", "command"), "%(here)s/a");
    }

    #[test]
    fn a_nested_include_is_ignored() {
        let files = load(&[
            ("/e/main.conf", "[include]\nfiles=a.ini\n"),
            ("/e/a.ini", "[include]\nfiles=b.ini\n"),
            ("/e/b.ini", "[program:b]\ncommand=x\n"),
        ]);
        assert!(files.raw.sections.iter().all(|s| s.title != "program:b"));
    }

    #[test]
    fn an_include_section_without_files_is_refused() {
        let files = load(&[("/e/main.conf", "[include]\n;files=a\n")]);
        assert_eq!(
            files.found.items[0].supervisor.as_deref(),
            Some(".ini file has [include] section, but no files setting")
        );
    }

    #[test]
    fn a_byte_order_mark_is_refused_with_a_hint() {
        let files = load(&[("/e/main.conf", "\u{feff}[supervisord]\n")]);
        let finding = &files.found.items[0];
        assert_eq!(
            finding.supervisor.as_deref(),
            Some(
                "File contains no section headers.\nfile: '/e/main.conf', line: 1\n'\\ufeff[supervisord]\\n'"
            )
        );
        assert!(finding.hint.as_deref().unwrap().contains("byte order mark"));
    }

    #[test]
    fn sections_are_told_apart_by_their_exact_names() {
        assert_eq!(kind_of("program: a"), (SectionKind::Program, " a"));
        assert_eq!(kind_of("Program:a").0, SectionKind::Unknown);
        assert_eq!(kind_of("unix_http_server:x"), (SectionKind::UnixHttp, "x"));
        assert_eq!(kind_of("supervisord"), (SectionKind::Supervisor, ""));
    }
}
