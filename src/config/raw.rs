//! What the user said, before anybody decides whether it makes sense: sections, keys and values with their places.
//!
//! Pure data. The three readers (`from_ini`, `from_toml`, `from_env`) produce it, `validate` consumes it.
//! Keys are canonical: Supervisor's option names, and the flat INI spelling for our own (`readiness_http`).
//! Not here: defaults, types, expansion.

use crate::config::diag::Span;
use crate::config::model::Dialect;

/// A whole configuration, in the order it was met. Later entries override earlier ones of the same key.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Raw {
    pub sections: Vec<RawSection>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct RawSection {
    pub kind: SectionKind,
    /// The part after the colon: `web` of `[program:web]`; empty where there is none.
    pub name: String,
    /// The section as the user wrote it, for messages: `program:web`, `program.web`, `MAINSTAY_PROGRAM__WEB`.
    pub title: String,
    /// Which language it was written in first; decides the defaults of what is left out.
    pub dialect: Dialect,
    pub span: Span,
    pub entries: Vec<RawEntry>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SectionKind {
    /// `[supervisord]`, `[supervisor]`.
    Supervisor,
    Program,
    EventListener,
    Fcgi,
    Group,
    /// `[unix_http_server]`, `[control] unix = …`.
    UnixHttp,
    /// `[inet_http_server]`, `[control] tcp = …`.
    InetHttp,
    /// Read-only HTTP: `[http]`, `[mainstay] http_listen`.
    Http,
    /// INI `[mainstay]`: settings for the whole that Supervisor does not know.
    Mainstay,
    RpcInterface,
    Supervisorctl,
    CtlPlugin,
    Include,
    /// INI `[DEFAULT]`.
    Default,
    /// Anything else: ignored with a warning in INI, refused elsewhere.
    Unknown,
}

#[derive(Clone, PartialEq, Debug)]
pub struct RawEntry {
    /// Canonical key, lower case.
    pub key: String,
    pub value: RawValue,
    /// Which language this value was written in; decides how it is read.
    pub dialect: Dialect,
    /// Place of the key.
    pub span: Span,
}

/// A value as its language has it; INI and environment only have text.
#[derive(Clone, PartialEq, Debug)]
pub enum RawValue {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    List(Vec<RawValue>),
    Table(Vec<(String, RawValue)>),
}
