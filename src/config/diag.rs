//! What is wrong with a configuration, said so that it can be mended: file, line, column, key, hint.
//!
//! Pure. Invariant: all errors of a configuration are collected before any is shown.

use std::fmt;

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

    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|d| d.severity == Severity::Error)
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
