//! Reads one setting of one section: finds it, expands it, gives it its type, and reports what is wrong.
//!
//! Invariant: a value that is refused is reported once; the caller only learns that it was (`Reported`).
//! Not here: which settings there are (`settings`), the types (`values`).

use crate::config::diag::{Diagnostic, Diagnostics};
use crate::config::expand::{ExpandError, Names, expand, expand_known_or_why};
use crate::config::model::Dialect;
use crate::config::python::repr;
use crate::config::raw::{Raw, RawEntry, RawSection, RawValue, SectionKind};
use crate::config::settings;
use crate::config::validate::{COMMAND_LINE, Given};
use crate::config::values::{Bad, Input};
use crate::config::world::World;
use crate::types::LogLevel;

/// The value was refused, and the refusal is among the findings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reported;

/// A section, or the lack of one, with what is needed to read from it.
#[derive(Clone)]
pub(crate) struct View<'a> {
    pub(crate) section: Option<&'a RawSection>,
    pub(crate) kind: SectionKind,
    /// Decides the defaults.
    pub(crate) dialect: Dialect,
    /// Supervisor appends it to its words: ` in section 'program:x' (file: 'f')`.
    pub(crate) suffix: String,
}

impl<'a> View<'a> {
    pub(crate) fn of(section: &'a RawSection) -> View<'a> {
        View { section: Some(section), kind: section.kind, dialect: section.dialect, suffix: String::new() }
    }

    pub(crate) fn missing(kind: SectionKind, dialect: Dialect) -> View<'a> {
        View { section: None, kind, dialect, suffix: String::new() }
    }

    /// The same section, where Supervisor names section and file in its words.
    pub(crate) fn with_suffix(mut self) -> View<'a> {
        if let Some(section) = self.section {
            self.suffix =
                format!(" in section {} (file: {})", repr(&section.title), repr(&section.span.source));
        }
        self
    }

    /// The section as the user wrote it.
    pub(crate) fn title(&self) -> &'a str {
        self.section.map_or("", |s| s.title.as_str())
    }

    /// The same with its brackets, for people.
    pub(crate) fn shown(&self) -> String {
        match self.section {
            Some(section) => shown(section),
            None => "the command line".to_owned(),
        }
    }
}

/// `[program:web]`, or the bare name of a variable.
pub(crate) fn shown(section: &RawSection) -> String {
    if section.dialect == Dialect::Env { section.title.clone() } else { format!("[{}]", section.title) }
}

/// How often a text is expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passes {
    None,
    One,
    /// Settings of ours: then `${VAR}` and `${VAR:-default}`, as in TOML.
    Ours,
    /// COMPAT: some values are expanded twice, so that a literal `%` is `%%%%`. One `%%` is accepted as well.
    Two,
}

pub(crate) struct Reader<'a> {
    pub(crate) raw: &'a Raw,
    pub(crate) world: &'a dyn World,
    pub(crate) here: String,
    pub(crate) host: String,
    /// The `ENV_` names; grows by `[supervisord] environment`.
    pub(crate) env: Names,
    pub(crate) create_directories: bool,
    found: Diagnostics,
    notes: Vec<(LogLevel, String)>,
    defaults: Option<&'a RawSection>,
}

pub(crate) type Convert<T> = fn(&Input<'_>) -> Result<T, Bad>;

impl<'a> Reader<'a> {
    pub(crate) fn new(
        raw: &'a Raw,
        given: &Given<'_>,
        found: Diagnostics,
        world: &'a dyn World,
    ) -> Reader<'a> {
        let mut env = Names::default();
        for (name, value) in given.env {
            env.set(&format!("ENV_{name}"), value);
        }
        env.seal();
        Reader {
            raw,
            world,
            here: given.here.clone(),
            host: world.hostname(),
            env,
            create_directories: false,
            found,
            notes: Vec::new(),
            defaults: raw.sections.iter().find(|s| s.kind == SectionKind::Default),
        }
    }

    pub(crate) fn into_findings(self) -> (Diagnostics, Vec<(LogLevel, String)>) {
        (self.found, self.notes)
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found.has_errors()
    }

    /// Adds a finding, once: a section that is read for several processes or groups has each mistake once.
    pub(crate) fn push(&mut self, finding: Diagnostic) {
        let is_known = |known: &Diagnostic| known.message == finding.message && known.span == finding.span;
        if !self.found.items.iter().any(is_known) {
            self.found.push(finding);
        }
    }

    /// Reads something whose mistakes are the caller's to judge: they are handed back, not kept.
    pub(crate) fn attempt<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> (T, Vec<Diagnostic>) {
        let kept = std::mem::take(&mut self.found);
        let value = read(self);
        (value, std::mem::replace(&mut self.found, kept).items)
    }

    pub(crate) fn note(&mut self, level: LogLevel, text: String) {
        self.notes.push((level, text));
    }

    /// All sections of a kind, in their order.
    pub(crate) fn sections(&self, kind: SectionKind) -> impl Iterator<Item = &'a RawSection> + use<'a> {
        self.raw.sections.iter().filter(move |s| s.kind == kind)
    }

    /// `here` and the `ENV_` names: what every setting may use.
    pub(crate) fn basic_names(&self) -> Names {
        let mut names = self.env.clone();
        names.set("here", &self.here);
        names
    }

    /// The last entry of that key, or the one of `[DEFAULT]`.
    pub(crate) fn entry(&self, view: &View<'a>, key: &str) -> Option<&'a RawEntry> {
        let section = view.section?;
        let own = section.entries.iter().rev().find(|e| e.key == key);
        let inherit = if section.dialect == Dialect::Ini { self.defaults } else { None };
        own.or_else(|| inherit.and_then(|d| d.entries.iter().rev().find(|e| e.key == key)))
    }

    /// The value, or `None` where it is left out.
    pub(crate) fn optional<T>(
        &mut self,
        view: &View<'a>,
        key: &str,
        names: &Names,
        passes: Passes,
        convert: Convert<T>,
    ) -> Result<Option<T>, Reported> {
        let Some(entry) = self.entry(view, key) else { return Ok(None) };
        if let Some(hidden) = hidden(view, entry) {
            self.converted(view, hidden, names, passes, convert)?;
        }
        self.converted(view, entry, names, passes, convert).map(Some)
    }

    fn converted<T>(
        &mut self,
        view: &View<'a>,
        entry: &RawEntry,
        names: &Names,
        passes: Passes,
        convert: Convert<T>,
    ) -> Result<T, Reported> {
        let value = self.expanded(view, entry, names, passes)?;
        let input = self.input(&value, entry.dialect, &entry.span.text);
        convert(&input).map_err(|bad| self.refuse(view, entry, &bad))
    }

    /// The value, or the default of the section's dialect.
    pub(crate) fn value<T>(
        &mut self,
        view: &View<'a>,
        key: &str,
        names: &Names,
        convert: Convert<T>,
    ) -> Result<T, Reported> {
        self.value_in(view, key, names, Passes::One, convert)
    }

    /// As `value`, with a say in how often the text is expanded.
    pub(crate) fn value_in<T>(
        &mut self,
        view: &View<'a>,
        key: &str,
        names: &Names,
        passes: Passes,
        convert: Convert<T>,
    ) -> Result<T, Reported> {
        if let Some(value) = self.optional(view, key, names, passes, convert)? {
            return Ok(value);
        }
        let setting = settings::find(view.kind, key);
        let text = setting.and_then(|s| s.default_for(view.dialect)).unwrap_or("");
        let value = RawValue::Text(text.to_owned());
        convert(&self.input(&value, view.dialect, "")).map_err(|bad| {
            let message = format!("cannot use the default of `{key}`: {}", bad.words);
            self.push(
                with_hint(Diagnostic::error(message).setting(setting_name(view, key)), &bad)
                    .supervisor(format!("{}{}", bad.words, view.suffix)),
            );
            Reported
        })
    }

    /// Gives a type to a value that was expanded earlier.
    pub(crate) fn convert<T>(
        &mut self,
        view: &View<'a>,
        key: &str,
        value: &RawValue,
        convert: Convert<T>,
    ) -> Result<Option<T>, Reported> {
        let Some(entry) = self.entry(view, key) else { return Ok(None) };
        let input = self.input(value, entry.dialect, &entry.span.text);
        convert(&input).map(Some).map_err(|bad| self.refuse(view, entry, &bad))
    }

    fn input<'v>(&self, value: &'v RawValue, dialect: Dialect, line: &'v str) -> Input<'v>
    where
        'a: 'v,
    {
        Input { value, dialect, line, create_directories: self.create_directories, world: self.world }
    }

    fn expanded(
        &mut self,
        view: &View<'a>,
        entry: &RawEntry,
        names: &Names,
        passes: Passes,
    ) -> Result<RawValue, Reported> {
        let text = match &entry.value {
            value if passes == Passes::None || entry.span.source == COMMAND_LINE => return Ok(value.clone()),
            RawValue::Text(text) if entry.dialect == Dialect::Ini => text,
            value => {
                let mut broken = None;
                let done = lenient(value, names, &mut broken);
                let Some(why) = broken else { return Ok(done) };
                self.push(
                    Diagnostic::error(format!("cannot expand `{}` of {}: {why}", entry.key, view.shown()))
                        .at(Some(&entry.span))
                        .setting(setting_name(view, &entry.key))
                        .hint(why.hint()),
                );
                return Err(Reported);
            }
        };
        let label = format!("{}.{}", view.title(), entry.key);
        let once = self.expand_text(view, entry, text, names, &label)?;
        if passes == Passes::Ours {
            return self.interpolated(view, entry, &once, names).map(RawValue::Text);
        }
        // Where the second pass fails, the user wrote one `%%` for a percent sign.
        let twice = if passes == Passes::Two {
            let mut more = names.clone();
            more.set("host_node_name", &self.host);
            expand(&once, &more).ok()
        } else {
            None
        };
        Ok(RawValue::Text(twice.unwrap_or(once)))
    }

    /// Reports that a value is refused.
    pub(crate) fn refuse(&mut self, view: &View<'a>, entry: &RawEntry, bad: &Bad) -> Reported {
        let words = bad.words.trim_end();
        // The one text that carries a whole value, which may be secret.
        let shown = words.split(" in value '").next().unwrap_or(words);
        let finding = Diagnostic::error(format!("cannot read `{}` of {}: {shown}", entry.key, view.shown()))
            .at(Some(&entry.span))
            .setting(setting_name(view, &entry.key))
            .supervisor(format!("{}{}", bad.words, view.suffix));
        self.push(with_hint(finding, bad));
        Reported
    }

    /// Reports something about a section as a whole, or about one of its keys where that is there.
    pub(crate) fn refuse_section(
        &mut self,
        view: &View<'a>,
        key: &str,
        message: String,
        words: String,
        hint: &str,
    ) -> Reported {
        self.refuse_part(view, (key, ""), message, words, hint)
    }

    /// The same about one part of the value of a key.
    pub(crate) fn refuse_part(
        &mut self,
        view: &View<'a>,
        (key, part): (&str, &str),
        message: String,
        words: String,
        hint: &str,
    ) -> Reported {
        let place = self.entry(view, key).map(|e| e.place_of(part));
        let finding = Diagnostic::error(message)
            .at(place.as_ref().or(view.section.map(|s| &s.span)))
            .setting(setting_name(view, key))
            .supervisor(format!("{words}{}", view.suffix));
        self.push(if hint.is_empty() { finding } else { finding.hint(hint) });
        Reported
    }
}

/// COMPAT: a value of the file is judged although an option of supervisord's command line has the last word.
fn hidden<'a>(view: &View<'a>, over: &RawEntry) -> Option<&'a RawEntry> {
    let by_option = over.dialect == Dialect::Ini && over.span.source == COMMAND_LINE;
    let same = |e: &&RawEntry| e.key == over.key && e.span.source != COMMAND_LINE;
    view.section.filter(|_| by_option)?.entries.iter().rev().find(same)
}

pub(super) fn setting_name(view: &View<'_>, key: &str) -> String {
    format!("{} {key}", view.shown()).trim().to_owned()
}

fn with_hint(finding: Diagnostic, bad: &Bad) -> Diagnostic {
    match &bad.hint {
        Some(hint) => finding.hint(hint.clone()),
        None => finding,
    }
}

/// Expands what is known in every text of a value and leaves other percent signs alone; `broken` is why it cannot.
fn lenient(value: &RawValue, names: &Names, broken: &mut Option<ExpandError>) -> RawValue {
    match value {
        RawValue::Text(text) => {
            let (text, why) = expand_known_or_why(text, names);
            *broken = broken.take().or(why);
            RawValue::Text(text)
        }
        RawValue::List(items) => RawValue::List(items.iter().map(|i| lenient(i, names, broken)).collect()),
        RawValue::Table(pairs) => {
            RawValue::Table(pairs.iter().map(|(k, v)| (k.clone(), lenient(v, names, broken))).collect())
        }
        other => other.clone(),
    }
}
