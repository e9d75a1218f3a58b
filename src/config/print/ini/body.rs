//! The lines of one section: each kind of value as INI writes it.
//!
//! Pure. Invariant: a value that is the default is left out. Not here: which values a section has (`ini`).

use std::path::Path;

use super::quote::{pairs, percent, value};
use crate::config::model::{Dialect, GroupKind, LogPlan, LogTarget};
use crate::config::print::native::{Shown, time};
use crate::config::raw::SectionKind;
use crate::config::settings;

/// Settings of ours look up `${VAR}` in INI too.
fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

/// The lines of one section.
pub(super) struct Body {
    kind: SectionKind,
    pub(super) text: String,
}

impl Body {
    pub(super) fn new(kind: SectionKind) -> Body {
        Body { kind, text: String::new() }
    }

    /// Adds a value as it stands in the file, unless it is the default.
    #[inline(never)]
    pub(super) fn put(&mut self, key: &str, text: String) {
        let default = settings::find(self.kind, key).and_then(|s| s.default_for(Dialect::Ini));
        let is_default = default.map_or(key == "environment" && text.is_empty(), |default| default == text);
        // COMPAT: a listener's -1 is its group's; said, it is its process's too.
        if !is_default || (self.kind, key) == (SectionKind::EventListener, "priority") {
            // A sign behind a blank would begin a comment.
            let blank = if text.starts_with([';', '#']) { "" } else { " " };
            for piece in [key, " =", blank, &text, "\n"] {
                self.text.push_str(piece);
            }
        }
    }

    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.put(key, value(&percent(text)));
    }

    pub(super) fn path(&mut self, key: &str, path: Option<&Path>) {
        if let Some(path) = path {
            self.text(key, &path.to_string_lossy());
        }
    }

    pub(super) fn flag(&mut self, key: &str, flag: bool) {
        self.put(key, if flag { "true" } else { "false" }.to_owned());
    }

    pub(super) fn number(&mut self, key: &str, number: i64) {
        self.put(key, number.to_string());
    }

    /// In the largest unit that it is a multiple of.
    pub(super) fn size(&mut self, key: &str, bytes: u64) {
        let units = [(30, "GB"), (20, "MB"), (10, "KB")];
        let unit = units.iter().find(|(bits, _)| bytes > 0 && bytes.trailing_zeros() >= *bits);
        let (bits, unit) = unit.copied().unwrap_or((0, ""));
        self.put(key, (bytes >> bits).to_string() + unit);
    }

    pub(super) fn octal(&mut self, key: &str, mode: Option<u32>) {
        if let Some(mode) = mode {
            self.put(key, format!("{mode:03o}"));
        }
    }

    pub(super) fn owner(&mut self, key: &str, owner: Option<(u32, u32)>) {
        if let Some((uid, gid)) = owner.filter(|o| o.0 != u32::MAX) {
            self.put(key, if gid == u32::MAX { uid.to_string() } else { format!("{uid}:{gid}") });
        }
    }

    pub(super) fn log(&mut self, keys: [&str; 6], plan: &LogPlan, escape: &dyn Fn(&str) -> String) {
        let target = match &plan.target {
            LogTarget::None => "NONE".to_owned(),
            LogTarget::Auto => "AUTO".to_owned(),
            LogTarget::File(path) => escape(&path.to_string_lossy()),
            LogTarget::Stream { text, .. } => escape(text),
            LogTarget::Inherit => "/dev/stdout".to_owned(),
        };
        let [file, maxbytes, backups, capture, events, syslog] = keys;
        if !file.is_empty() {
            self.put(file, target);
        }
        self.size(maxbytes, plan.maxbytes);
        self.number(backups, plan.backups.into());
        self.size(capture, plan.capture_maxbytes);
        self.flag(events, plan.events);
        self.flag(syslog, plan.syslog);
    }

    /// A setting of ours.
    pub(super) fn native(&mut self, key: &str, shown: Shown) {
        match shown {
            Shown::Text(text) => self.text(key, &literal(&text)),
            Shown::Verbatim(text) => self.put(key, text),
            Shown::Number(n) => self.number(key, n),
            Shown::Flag(flag) => self.flag(key, flag),
            Shown::Time(ms) => self.put(key, time(ms)),
            Shown::List(items) => self.text(key, &literal(&items.join(", "))),
            Shown::Pairs(all) => {
                let all: Vec<(&str, &str)> = all.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
                self.put(key, pairs(&all, &|text| percent(&literal(text))));
            }
        }
    }

    pub(super) fn own(&mut self, kind: &GroupKind) {
        match kind {
            GroupKind::Program => {}
            GroupKind::EventListener { events, buffer_size, result_handler } => {
                self.put("events", events.join(","));
                self.number("buffer_size", *buffer_size);
                self.put("result_handler", result_handler.clone());
            }
            GroupKind::Fcgi { socket, backlog, owner, mode } => {
                self.socket(socket, *backlog, *owner, mode.unwrap_or(0o700));
            }
        }
    }

    pub(super) fn socket(&mut self, url: &str, backlog: Option<i64>, owner: Option<(u32, u32)>, mode: u32) {
        self.text("socket", url);
        if let Some(backlog) = backlog {
            self.number("socket_backlog", backlog);
        }
        self.owner("socket_owner", owner);
        self.octal("socket_mode", (mode != 0o700).then_some(mode));
    }
}
