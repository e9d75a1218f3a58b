//! Finds, reads and merges the sources of a configuration: file < environment < command line.
//!
//! Files are asked of the `World`. Invariants: nothing is decided before every source has been read; a source that
//! cannot be read never hides the findings of another. Not here: the languages (`from_*`), the checks (`validate`).

use std::path::PathBuf;

use crate::config::diag::{Diagnostic, Diagnostics, Span};
use crate::config::expand::Names;
use crate::config::model::{Config, Dialect};
use crate::config::paths::{absolute, dirname, join};
use crate::config::raw::{Raw, RawEntry, RawSection, RawValue, SectionKind};
use crate::config::validate::{COMMAND_LINE, Checked, Given, validate};
use crate::config::values::{self, Input, logs};
use crate::config::world::World;
use crate::config::{from_env, from_ini, from_toml, missing, utf8};
use crate::types::LogLevel;

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `-c`.
    pub file: Option<PathBuf>,
    /// Further `-c`.
    pub extra_files: Vec<PathBuf>,
    /// Where to look without `-c`.
    pub search: Search,
    /// The whole environment, as found; [`NOT_TEXT`](crate::config::NOT_TEXT) where a value is no text.
    pub env: Vec<(String, String)>,
    /// Command-line options by Supervisor's key: `("nodaemon", "true")`.
    pub overrides: Vec<(String, String)>,
    /// A TOML text of our own that stands for a file: its name and the text.
    pub embedded: Option<(&'static str, &'static str)>,
    /// `run -- CMD`.
    pub main_command: Option<Vec<String>>,
}

/// The places that are searched for a main file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Search {
    /// Supervisor's six; `argv0` is the name we were started by.
    Supervisord { argv0: String },
    /// Our three, then Supervisor's six.
    Mainstay { argv0: String },
    #[default]
    None,
}

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    pub warnings: Diagnostics,
    /// Lines for the daemon's log, in Supervisor's words.
    pub notes: Vec<(LogLevel, String)>,
}

/// Reads everything and checks it.
///
/// # Errors
/// All findings, when at least one is an error.
pub fn load(sources: &Sources, world: &dyn World) -> Result<Loaded, Diagnostics> {
    load_all(sources, world).map_err(|mut found| {
        missing::gather(&mut found);
        found
    })
}

fn load_all(sources: &Sources, world: &dyn World) -> Result<Loaded, Diagnostics> {
    let mut reading = Reading::default();
    let named = sources.file.as_ref().map(|f| f.to_string_lossy().into_owned());
    let file = if sources.embedded.is_some() { named } else { named.or_else(|| search(sources, world)) };
    if let Some(file) = &file {
        reading.read_file(file, sources, world);
    }
    if let Some((name, text)) = sources.embedded {
        reading.read_toml(name, text.as_bytes(), sources);
    }
    for extra in &sources.extra_files {
        reading.read_file(&extra.to_string_lossy(), sources, world);
    }
    let (env, found) = from_env::read(&sources.env);
    // A misspelt variable may have been the whole configuration: one finding is enough.
    let is_misspelt = found.has_errors();
    reading.found.append(found);
    merge(&mut reading.raw, env);
    if file.is_none() && sources.main_command.is_none() && !has_programs(&reading.raw) {
        if !is_misspelt {
            reading.found.push(nothing_found(sources));
        }
        return Err(reading.found);
    }
    merge(&mut reading.raw, command_line(sources));
    if reading.is_unreadable {
        return Err(reading.found);
    }
    let given = Given {
        dialect: file.as_deref().map_or(Dialect::Env, dialect_of),
        path: file.as_ref().map(PathBuf::from),
        here: absolute(file.as_deref().map_or("", dirname), world),
        env: &sources.env,
        main_command: sources.main_command.as_deref(),
    };
    let Checked { config, found, notes } = validate(&reading.raw, &given, reading.found, world);
    reading.notes.extend(notes);
    match config {
        Some(config) => Ok(Loaded { config, warnings: found, notes: reading.notes }),
        None => Err(found),
    }
}

/// The language of a file, by its name alone.
fn dialect_of(path: &str) -> Dialect {
    if path.ends_with(".toml") { Dialect::Toml } else { Dialect::Ini }
}

#[derive(Default)]
struct Reading {
    raw: Raw,
    found: Diagnostics,
    notes: Vec<(LogLevel, String)>,
    /// A source could not be read at all: what it would have said must not be missed as "unknown".
    is_unreadable: bool,
}

impl Reading {
    fn read_file(&mut self, path: &str, sources: &Sources, world: &dyn World) {
        let bytes = match world.read_file(path) {
            Ok(bytes) => bytes,
            Err(why) => {
                let words = if world.file_exists(path) { "read" } else { "find" };
                let text = format!("cannot read the configuration `{path}`: {}", os_words(&why));
                let mut refusal =
                    Diagnostic::error(text).supervisor(format!("could not {words} config file {path}"));
                // What stands in a path where something was no text.
                if path.contains('\u{fffd}') {
                    refusal =
                        refusal.hint("its name is not UTF-8: rename the file, or link it under another name");
                }
                self.found.push(refusal);
                self.is_unreadable = true;
                return;
            }
        };
        match dialect_of(path) {
            Dialect::Toml => self.read_toml(path, &bytes, sources),
            Dialect::Ini | Dialect::Env => self.read_ini(path, &bytes, sources, world),
        }
    }

    fn read_toml(&mut self, path: &str, bytes: &[u8], sources: &Sources) {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(why) => {
                self.found.push(utf8::refusal(path, bytes, why.valid_up_to()));
                self.is_unreadable = true;
                return;
            }
        };
        let lookup = |name: &str| sources.env.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let (raw, found) = from_toml::read(path, text, &lookup);
        self.is_unreadable |= found.has_errors() && raw.sections.is_empty();
        self.found.append(found);
        merge(&mut self.raw, raw);
    }

    fn read_ini(&mut self, path: &str, bytes: &[u8], sources: &Sources, world: &dyn World) {
        let mut names = Names::default();
        names.set("host_node_name", &world.hostname());
        for (name, value) in &sources.env {
            names.set(&format!("ENV_{name}"), value);
        }
        let files = from_ini::read(path, bytes, &names, world);
        self.is_unreadable |= files.found.has_errors();
        self.found.append(files.found);
        self.notes.extend(files.notes);
        merge(&mut self.raw, files.raw);
    }
}

/// The system's words, without Rust's number behind them.
fn os_words(why: &std::io::Error) -> String {
    let text = why.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// Puts the sections of a stronger source on top: entries of a section that exists are added to it, where they win.
fn merge(base: &mut Raw, over: Raw) {
    if base.sections.is_empty() {
        *base = over;
        return;
    }
    for section in over.sections {
        let known = base.sections.iter_mut().find(|s| is_same(s, &section));
        match known {
            Some(known) => known.entries.extend(section.entries),
            None => base.sections.push(section),
        }
    }
}

/// Names of the environment are lower case and know no `-`.
fn is_same(known: &RawSection, over: &RawSection) -> bool {
    if known.kind != over.kind || known.kind == SectionKind::Unknown {
        return false;
    }
    let plain = |name: &str| name.trim().to_lowercase().replace('-', "_");
    known.name == over.name || (over.dialect == Dialect::Env && plain(&known.name) == plain(&over.name))
}

fn has_programs(raw: &Raw) -> bool {
    raw.sections.iter().any(|s| {
        matches!(
            s.kind,
            SectionKind::Program | SectionKind::EventListener | SectionKind::Fcgi | SectionKind::Group
        )
    })
}

/// COMPAT: under supervisord's name a value means what it means there; under ours `none` and `off` are no files.
fn command_line(sources: &Sources) -> Raw {
    if sources.overrides.is_empty() {
        return Raw::default();
    }
    let is_supervisord = matches!(sources.search, Search::Supervisord { .. });
    let dialect = if is_supervisord { Dialect::Ini } else { Dialect::Env };
    let span = Span { source: COMMAND_LINE.to_owned(), ..Span::default() };
    let entries = sources.overrides.iter().map(|(key, value)| RawEntry {
        key: key.clone(),
        value: RawValue::Text(value.clone()),
        dialect,
        span: span.clone(),
        more: Vec::new(),
    });
    let section = RawSection {
        kind: SectionKind::Supervisor,
        name: String::new(),
        title: "supervisord".to_owned(),
        dialect: Dialect::Env,
        span: span.clone(),
        entries: entries.collect(),
    };
    Raw { sections: vec![section] }
}

/// Whether supervisord's command line takes `text` for the option that sets `key`.
///
/// # Errors
/// Its words, and advice.
pub fn check_option(key: &str, text: &str, world: &dyn World) -> Result<(), (String, Option<String>)> {
    let value = RawValue::Text(text.to_owned());
    let input = Input { value: &value, dialect: Dialect::Ini, line: "", create_directories: false, world };
    let checked = match key {
        "umask" => values::octal(&input).map(drop),
        "directory" | "childlogdir" => logs::directory(&input).map(drop),
        "logfile" => logs::main_log(&input).map(drop),
        "pidfile" => logs::file(&input).map(drop),
        "logfile_maxbytes" => values::size(&input).map(drop),
        "logfile_backups" | "minfds" | "minprocs" => values::integer(&input).map(drop),
        "loglevel" => values::level(&input).map(drop),
        // `user` is looked up when the file has been read.
        _ => Ok(()),
    };
    checked.map_err(|bad| (bad.words, bad.hint))
}

/// COMPAT: Supervisor's places, the first two relative to the directory above the program.
fn places(search: &Search) -> Vec<String> {
    let (argv0, ours) = match search {
        Search::None => return Vec::new(),
        Search::Supervisord { argv0 } => (argv0, &[][..]),
        Search::Mainstay { argv0 } => {
            (argv0, &["./mainstay.toml", "/etc/mainstay.toml", "/etc/mainstay/mainstay.toml"][..])
        }
    };
    let above = dirname(dirname(argv0));
    let mut places: Vec<String> = ours.iter().map(|p| (*p).to_owned()).collect();
    places.push(join(above, "etc/supervisord.conf"));
    places.push(join(above, "supervisord.conf"));
    let fixed = [
        "supervisord.conf",
        "etc/supervisord.conf",
        "/etc/supervisord.conf",
        "/etc/supervisor/supervisord.conf",
    ];
    places.extend(fixed.map(str::to_owned));
    places
}

fn search(sources: &Sources, world: &dyn World) -> Option<String> {
    places(&sources.search).into_iter().find(|path| world.file_exists(path))
}

fn nothing_found(sources: &Sources) -> Diagnostic {
    let finding = Diagnostic::error("cannot find a configuration").hint(
        "name a file with `-c FILE`, set `MAINSTAY_PROGRAM__WEB=\"command\"` in the environment, or run one command \
         with `-- CMD ARGS`",
    );
    match &sources.search {
        Search::None => finding,
        search => finding.supervisor(format!(
            "No config file found at default paths ({}); use the -c option to specify a config file at a different path",
            places(search).join(", ")
        )),
    }
}

#[cfg(test)]
mod tests;
