//! What is wrong with a configuration, said so that it can be mended: file, line, column, key, hint.
//!
//! Pure. Invariants: all errors of a configuration are collected before any is shown; a shown line never carries
//! a password or a value of the environment. Not here: finding anything (`from_*`, `validate`).

use std::fmt::{self, Write as _};

/// A place in a source: `/etc/app.ini:14:1`, or only a name for the environment and the command line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// A file's path as given, an environment variable's name, or `command line`.
    pub source: String,
    /// 1-based; 0 where there are no lines.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// Characters to underline; at least 1.
    pub width: u32,
    /// The text of the line, for the caret display; empty where there is none.
    pub text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    Warning,
    Error,
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    pub severity: Severity,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// Section and key, `[program:web] autorestrat`; empty when it is about the whole.
    pub setting: String,
    pub span: Option<Span>,
    pub hint: Option<String>,
    /// What Supervisor says for the same mistake (without its `Error: `), for its own face.
    pub supervisor: Option<String>,
    /// The environment variable that is not set, where that is all that is wrong.
    pub missing: Option<String>,
}

impl Diagnostic {
    /// A finding that keeps the daemon from starting.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, message.into())
    }

    /// A finding that people should know.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, message.into())
    }

    fn new(severity: Severity, message: String) -> Diagnostic {
        Diagnostic {
            severity,
            message,
            setting: String::new(),
            span: None,
            hint: None,
            supervisor: None,
            missing: None,
        }
    }

    /// The same finding, with its place.
    #[must_use]
    pub fn at(mut self, span: Option<&Span>) -> Diagnostic {
        self.span = span.cloned();
        self
    }

    /// The same finding, with section and key.
    #[must_use]
    pub fn setting(mut self, setting: impl Into<String>) -> Diagnostic {
        self.setting = setting.into();
        self
    }

    /// The same finding, with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    /// The same finding, with Supervisor's words.
    #[must_use]
    pub fn supervisor(mut self, words: impl Into<String>) -> Diagnostic {
        self.supervisor = Some(words.into());
        self
    }

    /// The same finding, with the variable that is not set.
    #[must_use]
    pub fn missing(mut self, variable: Option<&str>) -> Diagnostic {
        self.missing = variable.map(str::to_owned);
        self
    }

    /// Message, place, source line with a caret, hint: several lines, each ended by `\n`.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = format!("{self}\n");
        let hint = self.hint.as_ref().map(|h| format!(" hint: {h}")).unwrap_or_default();
        let Some(span) = &self.span else {
            if !hint.is_empty() {
                let _ = writeln!(out, " {hint}"); // writing to a String cannot fail
            }
            return out;
        };
        let _ = writeln!(out, "  --> {span}");
        if span.line == 0 || span.text.is_empty() {
            if !hint.is_empty() {
                let _ = writeln!(out, " {hint}");
            }
            return out;
        }
        let shown = Shown::of(span);
        let number = span.line.to_string();
        let margin = " ".repeat(number.len());
        let _ = writeln!(out, "{number} | {}", shown.text);
        let _ = writeln!(out, "{margin} | {}{}{hint}", " ".repeat(shown.indent), "^".repeat(shown.carets));
        out
    }
}

/// Findings in the order they were made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Diagnostics {
    pub items: Vec<Diagnostic>,
}

impl Diagnostics {
    pub fn push(&mut self, item: Diagnostic) {
        self.items.push(item);
    }

    /// Adds all findings of another list.
    pub fn append(&mut self, mut other: Diagnostics) {
        self.items.append(&mut other.items);
    }

    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|d| d.severity == Severity::Error)
    }

    /// Every finding as [`Diagnostic::render`] shows it.
    #[must_use]
    pub fn render(&self) -> String {
        self.items.iter().map(Diagnostic::render).collect()
    }

    /// What Supervisor would have said: its words for the first error that has some.
    #[must_use]
    pub fn supervisor(&self) -> Option<&str> {
        let mut errors = self.items.iter().filter(|d| d.severity == Severity::Error);
        errors.find_map(|d| d.supervisor.as_deref())
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{word}: {}", self.message)
    }
}

/// `file:line:column`, or the name alone.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if self.line > 0 { write!(f, ":{}:{}", self.line, self.column) } else { Ok(()) }
    }
}

/// A source line as it appears on a terminal.
struct Shown {
    text: String,
    indent: usize,
    carets: usize,
}

/// BOUND: columns of a source line that are shown; the caret matters, not the tail of a long command.
const MAX_COLUMNS: usize = 120;

impl Shown {
    fn of(span: &Span) -> Shown {
        let first = span.column.saturating_sub(1) as usize;
        let last = first + span.width.max(1) as usize;
        let secret = secret_start(&span.text);
        let mut shown = Shown { text: String::new(), indent: 0, carets: 0 };
        let mut columns = 0;
        for (at, c) in span.text.chars().enumerate() {
            if secret == Some(at) {
                shown.text.push_str("***");
                break;
            }
            if columns >= MAX_COLUMNS {
                shown.text.push('…');
                break;
            }
            let width = push_visible(&mut shown.text, c);
            columns += width;
            if at < first {
                shown.indent += width;
            } else if at < last {
                shown.carets += width;
            }
        }
        shown.carets = shown.carets.max(1);
        shown
    }
}

/// Appends a character as a terminal should get it, and says how many columns it takes.
fn push_visible(out: &mut String, c: char) -> usize {
    match c {
        '\t' => {
            out.push_str("    ");
            4
        }
        c if c.is_control() || c == '\u{feff}' => {
            out.push('?');
            1
        }
        c => {
            out.push(c);
            columns_of(c)
        }
    }
}

/// East Asian wide characters and emoji take two columns, combining marks none.
fn columns_of(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff
        | 0x2_0000..=0x3_fffd => 2,
        _ => 1,
    }
}

/// Where the value begins in a line whose key tells that it is secret, in characters.
fn secret_start(line: &str) -> Option<usize> {
    let delimiter = line.find(['=', ':'])?;
    is_secret(&line[..delimiter]).then(|| line[..=delimiter].chars().count())
}

/// Whether the value of this key must not be shown.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["password", "passwd", "secret", "token", "environment"].iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str, column: u32, width: u32) -> Span {
        Span { source: "/etc/app/web.ini".into(), line: 14, column, width, text: text.into() }
    }

    #[test]
    fn a_finding_shows_place_line_caret_and_hint() {
        let finding = Diagnostic::error("unknown setting `autorestrat` in [program:web]")
            .at(Some(&span("autorestrat = true", 1, 11)))
            .hint("did you mean `autorestart`?");
        assert_eq!(
            finding.render(),
            "error: unknown setting `autorestrat` in [program:web]\n  --> /etc/app/web.ini:14:1\n\
             14 | autorestrat = true\n   | ^^^^^^^^^^^ hint: did you mean `autorestart`?\n"
        );
    }

    #[test]
    fn the_caret_stands_right_behind_tabs_and_wide_characters() {
        let rendered = Diagnostic::error("x").at(Some(&span("\t日本 = y", 2, 2))).render();
        assert!(rendered.ends_with("14 |     日本 = y\n   |     ^^^^\n"), "{rendered}");
    }

    #[test]
    fn secrets_are_not_shown() {
        for line in ["password = hunter2", "environment=TOKEN=\"hunter2\"", "\"api_token\" = \"hunter2\""] {
            let rendered = Diagnostic::error("x").at(Some(&span(line, 1, 3))).render();
            assert!(rendered.contains("***") && !rendered.contains("hunter2"), "{rendered}");
        }
    }

    #[test]
    fn a_source_without_lines_is_only_named() {
        let place = Span { source: "MAINSTAY_PROGRAM__WEB".into(), ..Span::default() };
        let finding = Diagnostic::warning("y").at(Some(&place)).hint("h");
        assert_eq!(finding.render(), "warning: y\n  --> MAINSTAY_PROGRAM__WEB\n  hint: h\n");
        assert_eq!(Diagnostic::warning("y").hint("h").render(), "warning: y\n  hint: h\n");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let rendered = Diagnostic::error("x").at(Some(&span("a\u{1b}[31m", 1, 1))).render();
        assert!(!rendered.contains('\u{1b}'));
    }
}
