//! The table of all settings: one entry owns key, sections, type, defaults, documentation and effect of a change.
//!
//! Pure data. Invariants: a key occurs once for each kind of section; every default is text that its type reads.
//! What is known, warned about or refused follows from here. Not here: reading values (`values`, `validate`).

mod native;
mod programs;
mod whole;

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::config::model::Dialect;
use crate::config::raw::SectionKind;
use crate::types::Signal;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Supervisor's option name, or the flat spelling of our own.
    pub key: &'static str,
    /// The sections it may stand in.
    pub kinds: &'static [SectionKind],
    pub ty: Type,
    /// What is used in INI when it is left out, as one would write it.
    pub ini: Option<&'static str>,
    /// The same in TOML and environment.
    pub container: Option<&'static str>,
    /// One line of documentation.
    pub doc: &'static str,
    pub change: Change,
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    Bool,
    Int,
    Seconds,
    Size,
    Octal,
    ExitCodes,
    Signal,
    Autorestart,
    LogFile,
    Path,
    Directory,
    User,
    Owner,
    Address,
    Level,
    List,
    Pairs,
    Text,
    Command,
    /// Seconds, or with a unit also in INI.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A form of its own; an example of it.
    Form(&'static str),
}

/// When a changed value takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// With `update`; nothing is restarted.
    Live,
    /// The program (or the daemon) has to be restarted.
    Restart,
}

/// Python plug-ins that Supervisor's files name and that are built in here.
pub const PLUGINS: &[&str] = &[
    "supervisor.rpcinterface:make_main_rpcinterface",
    "supervisor.dispatchers:default_handler",
    STDOUT_HANDLER,
];

/// The result handler that prints.
pub const STDOUT_HANDLER: &str = "supervisor_stdout:event_handler";

/// The sections that describe programs.
pub const PROGRAMS: &[SectionKind] = &[SectionKind::Program, SectionKind::EventListener, SectionKind::Fcgi];

impl Setting {
    /// What is used when it is left out.
    #[must_use]
    pub fn default_for(&self, dialect: Dialect) -> Option<&'static str> {
        match dialect {
            Dialect::Ini => self.ini,
            Dialect::Toml | Dialect::Env => self.container,
        }
    }

    /// Where it stands in TOML, with `NAME` for the name of a program or group.
    #[must_use]
    pub fn toml_path(&self, kind: SectionKind) -> Option<String> {
        let key = self.key;
        Some(match (kind, key) {
            (SectionKind::Supervisor | SectionKind::Mainstay, "http_listen") | (SectionKind::Http, _) => {
                "http.listen".to_owned()
            }
            (SectionKind::Mainstay, _) if key.starts_with("signal_") => {
                format!("signals.{}", key.trim_start_matches("signal_").to_uppercase())
            }
            (SectionKind::Supervisor | SectionKind::Mainstay, _) => format!("supervisor.{key}"),
            (SectionKind::Program, _) => format!("program.NAME.{key}"),
            (SectionKind::EventListener, _) => format!("eventlistener.NAME.{key}"),
            (SectionKind::Fcgi, _) => format!("fcgi.NAME.{key}"),
            (SectionKind::Group, _) => format!("group.NAME.{key}"),
            (SectionKind::UnixHttp, "file") => "control.unix".to_owned(),
            (SectionKind::UnixHttp, "chmod") => "control.mode".to_owned(),
            (SectionKind::UnixHttp, "chown") => "control.owner".to_owned(),
            (SectionKind::InetHttp, "port") => "control.tcp".to_owned(),
            (SectionKind::UnixHttp | SectionKind::InetHttp, "username" | "password") => {
                format!("control.{key}")
            }
            _ => return None,
        })
    }

    /// The environment variable that sets it, with `NAME` for the name of a program or group.
    #[must_use]
    pub fn env_name(&self, kind: SectionKind) -> Option<String> {
        let path = self.toml_path(kind)?;
        Some(format!("MAINSTAY_{}", path.to_uppercase().replace('.', "__")))
    }
}

/// Every setting, in the order of the documentation.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    whole::SETTINGS.iter().chain(programs::SETTINGS).chain(native::SETTINGS)
}

/// The settings of programs that Supervisor does not have.
pub fn native() -> impl Iterator<Item = &'static Setting> {
    native::SETTINGS.iter()
}

/// The name by which a signal is routed: of SIGIO and SIGPOLL, which are one, the one that has a setting.
#[must_use]
pub fn routed_name(signal: Signal) -> Option<&'static str> {
    all().filter_map(|s| s.key.strip_prefix("signal_")).find(|name| Signal::from_name(name) == Some(signal))
}

/// Whether it is one of `native`.
#[must_use]
pub fn is_native(key: &str) -> bool {
    find(SectionKind::Program, key)
        .is_some_and(|s| native::SETTINGS.as_ptr_range().contains(&std::ptr::from_ref(s)))
}

/// The setting of that name in that kind of section.
#[must_use]
pub fn find(kind: SectionKind, key: &str) -> Option<&'static Setting> {
    static BY_KEY: OnceLock<HashMap<&'static str, Vec<&'static Setting>>> = OnceLock::new();
    let by_key = BY_KEY.get_or_init(|| {
        let mut map: HashMap<&'static str, Vec<&'static Setting>> = HashMap::new();
        all().for_each(|s| map.entry(s.key).or_default().push(s));
        map
    });
    by_key.get(key).and_then(|same| same.iter().copied().find(|s| s.kinds.contains(&kind)))
}

/// Whether any kind of section knows the key.
#[must_use]
pub fn is_known_anywhere(key: &str) -> bool {
    all().any(|s| s.key == key)
}

/// The known key that was probably meant.
#[must_use]
pub fn nearest_key(kind: SectionKind, key: &str) -> Option<&'static str> {
    nearest(key, all().filter(|s| s.kinds.contains(&kind)).map(|s| s.key))
}

/// BOUND: nothing known is as long, and the time to compare grows with the square.
const MAX_WORD: usize = 64;

/// The candidate with the smallest edit distance, if it is small enough to be a slip; else the shortest one with all
/// parts of the word in their order (`stdout_maxbytes`), or with the word at its beginning (`depends`).
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > MAX_WORD {
        return None;
    }
    let limit = (word.chars().count() / 3).clamp(1, 4);
    let candidates: Vec<&str> = candidates.collect();
    let scored = candidates.iter().map(|c| (distance(word, c), *c)).filter(|(d, _)| *d <= limit);
    let slip = scored.min_by_key(|(d, _)| *d).map(|(_, c)| c);
    let is_short_for = |c: &&&str| {
        let mut parts = c.split('_');
        let has_parts = word.contains('_') && word.split('_').all(|w| parts.any(|part| part == w));
        has_parts || (word.len() >= 5 && c.starts_with(word))
    };
    slip.or_else(|| candidates.iter().filter(is_short_for).min_by_key(|c| c.len()).copied())
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let differ = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + differ);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// An entry of the table with its own default for each dialect.
const fn differs(
    key: &'static str,
    kinds: &'static [SectionKind],
    ty: Type,
    defaults: (Option<&'static str>, Option<&'static str>),
    change: Change,
    doc: &'static str,
) -> Setting {
    Setting { key, kinds, ty, ini: defaults.0, container: defaults.1, doc, change }
}

/// An entry of the table with one default for all dialects.
const fn same(
    key: &'static str,
    kinds: &'static [SectionKind],
    ty: Type,
    default: Option<&'static str>,
    change: Change,
    doc: &'static str,
) -> Setting {
    differs(key, kinds, ty, (default, default), change, doc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_with_a_route_is_called_as_it_is_read() {
        let names = all().filter_map(|s| s.key.strip_prefix("signal_")).filter(|name| *name != "target");
        let names: Vec<&str> = names.collect();
        assert!(names.len() > 10);
        for name in names {
            assert_eq!(Signal::from_name(name).and_then(routed_name), Some(name));
        }
    }

    #[test]
    fn a_key_occurs_once_for_each_kind_of_section() {
        for (i, a) in all().enumerate() {
            for b in all().skip(i + 1) {
                let shared = a.kinds.iter().find(|k| b.kinds.contains(k));
                assert!(a.key != b.key || shared.is_none(), "{} twice in {shared:?}", a.key);
            }
        }
    }

    #[test]
    fn slips_are_recognised_and_strange_words_are_not() {
        for (slip, meant) in [
            ("autorestrat", "autorestart"),
            ("numproc", "numprocs"),
            ("stopwaitseconds", "stopwaitsecs"),
            ("stderror_logfile", "stderr_logfile"),
        ] {
            assert_eq!(nearest_key(SectionKind::Program, slip), Some(meant), "{slip}");
        }
        assert_eq!(nearest_key(SectionKind::Program, "tty_mode"), None);
        assert_eq!(nearest_key(SectionKind::EventListener, "result_hander"), Some("result_handler"));
        assert_eq!(nearest_key(SectionKind::Supervisor, "unmask"), Some("umask"));
    }

    #[test]
    fn every_setting_has_a_documentation_line_and_a_name_in_the_environment() {
        for setting in all() {
            assert!(!setting.doc.is_empty() && !setting.doc.ends_with('.'), "{}", setting.key);
        }
        let setting = find(SectionKind::Program, "command").unwrap();
        assert_eq!(
            setting.env_name(SectionKind::Program).as_deref(),
            Some("MAINSTAY_PROGRAM__NAME__COMMAND")
        );
        let setting = find(SectionKind::Mainstay, "http_listen").unwrap();
        assert_eq!(setting.env_name(SectionKind::Mainstay).as_deref(), Some("MAINSTAY_HTTP__LISTEN"));
    }
}
