//! The effective configuration as TOML that loads to the same configuration.
//!
//! Pure. What TOML cannot say is said in comments: several servers of one kind. Differences that come with the
//! language itself remain: the restart delay grows exponentially, the daemon's log goes to stderr.
//! Invariants: values that are the default are left out; `${` is escaped. Not here: copies of a program (`copies`).

use std::fmt::Write as _;

use super::native::{self, Shown};
use super::secret;
use super::{STDERR, STDOUT};
use crate::config::model::{
    Autorestart, Config, ControlAddress, Dialect, FcgiSocket, Group, GroupKind, LogPlan, LogTarget, MainLog,
    Program, StdStream, Supervisor,
};
use crate::config::raw::SectionKind;
use crate::config::settings;

use super::copies::{Copies, fold, members};

/// The whole configuration; with hidden secrets it is only for reading.
#[must_use]
pub fn to_toml(config: &Config, show_secrets: bool) -> String {
    let mut printer = Printer { out: String::new(), show_secrets, sections: Vec::new() };
    if config.dialect == Dialect::Ini {
        printer.out.push_str(
            "# Converted from INI. In TOML the daemon stays in the foreground and logs to stderr, and the wait before\n\
             # a restart grows from 1 s to 60 s.\n",
        );
    }
    printer.supervisor(&config.supervisor);
    if !config.http.is_empty() {
        let addresses = config.http.iter().map(|a| string(&a.to_string()));
        printer.table("http", &[("listen", list(addresses))]);
    }
    printer.control(config);
    for group in &config.groups {
        // `run -- CMD` is no part of a file.
        if !group.programs.iter().any(|p| p.main) {
            printer.group(group, &config.supervisor.environment);
        }
    }
    printer.out
}

type Field = (&'static str, String);

struct Printer {
    out: String,
    show_secrets: bool,
    /// Sections of programs that were printed: title and body.
    sections: Vec<(String, String)>,
}

impl Printer {
    fn table(&mut self, title: &str, fields: &[Field]) {
        if self.out.contains('\n') {
            self.out.push('\n');
        }
        let _ = writeln!(self.out, "[{title}]"); // writing to a String cannot fail
        self.out.push_str(&body_of(fields));
    }

    fn supervisor(&mut self, s: &Supervisor) {
        let logfile = match &s.logfile {
            MainLog::None => string("none"),
            MainLog::File(path) => string(&path.to_string_lossy()),
            MainLog::Stream(StdStream::Stdout) => string("/dev/stdout"),
            MainLog::Stream(StdStream::Stderr) => string("/dev/stderr"),
            MainLog::Syslog => string("syslog"),
        };
        let mut fields = vec![
            ("logfile", logfile),
            ("logfile_maxbytes", size(s.logfile_maxbytes)),
            ("logfile_backups", s.logfile_backups.to_string()),
            ("loglevel", string(&format!("{:?}", s.loglevel).to_lowercase())),
            ("umask", string(&format!("{:03o}", s.umask))),
            ("silent", s.silent.to_string()),
            ("minfds", s.minfds.to_string()),
            ("minprocs", s.minprocs.to_string()),
            ("nocleanup", s.nocleanup.to_string()),
            ("strip_ansi", s.strip_ansi.to_string()),
            ("identifier", string(&s.identifier)),
            ("exit_when_all_exited", s.exit_when_all_exited.to_string()),
            ("create_directories", s.create_directories.to_string()),
            ("environment", self.environment(&s.environment)),
        ];
        let paths = [("pidfile", &s.pidfile), ("childlogdir", &s.childlogdir), ("directory", &s.directory)];
        fields
            .extend(paths.into_iter().filter_map(|(k, p)| Some((k, string(&p.as_ref()?.to_string_lossy())))));
        fields.extend(s.user.iter().map(|u| ("user", string(&u.text))));
        fields.retain(|(key, value)| !is_default(SectionKind::Supervisor, key, value));
        fields.extend(native::whole(s).into_iter().map(native_field));
        self.table("supervisor", &fields);
        let signals = native::signals(s);
        if !signals.is_empty() {
            self.table("signals", &[]);
        }
        for (name, route) in signals {
            let _ = writeln!(self.out, "{name} = {}", string(&route));
        }
    }

    /// TOML knows one server of each kind, with one password for both.
    fn control(&mut self, config: &Config) {
        if config.control.is_empty() {
            return;
        }
        let mut fields: Vec<Field> = Vec::new();
        let mut left_out = Vec::new();
        let mut shared: Option<&Option<(String, String)>> = None;
        for server in &config.control {
            let own = match &server.address {
                ControlAddress::Inet(address) => vec![("tcp", string(&address.to_string()))],
                ControlAddress::Unix { path, mode, owner } => {
                    let mut own = vec![("unix", string(&path.to_string_lossy()))];
                    if *mode != 0o700 {
                        own.push(("mode", string(&format!("{mode:04o}"))));
                    }
                    own.extend(owner.map(|o| ("owner", string(&ids(o)))));
                    own
                }
            };
            let is_taken = own.first().is_some_and(|(key, _)| fields.iter().any(|(k, _)| k == key));
            if is_taken || shared.is_some_and(|auth| *auth != server.auth) {
                left_out.push(server.section.as_str());
                continue;
            }
            shared = Some(&server.auth);
            fields.extend(own);
        }
        if let Some(Some((name, password))) = shared {
            fields.push(("username", string(name)));
            fields.push(("password", string(secret(password, self.show_secrets))));
        }
        self.table("control", &fields);
        for section in left_out {
            let _ = writeln!(
                self.out,
                "# left out, because TOML has one server of each kind and one password for both: [{section}]"
            );
        }
    }

    fn group(&mut self, group: &Group, shared: &[(String, String)]) {
        let folded: Vec<Copies> = members(group).iter().flat_map(|copies| fold(copies)).collect();
        let is_own = matches!(folded.as_slice(), [one] if one.title == group.name);
        if let (true, Some(copies)) = (is_own || group.kind != GroupKind::Program, folded.first()) {
            self.program(copies, Some(group), shared);
            return;
        }
        let names: Vec<String> = folded.iter().map(|copies| self.program(copies, None, shared)).collect();
        let mut fields = vec![("programs", list(names.iter().map(|n| string(n))))];
        fields.push(("priority", group.priority.to_string()));
        fields.retain(|(key, value)| !is_default(SectionKind::Group, key, value));
        self.table(&format!("group.{}", key(&group.name)), &fields);
    }

    /// Prints a program unless it is there already; the name of its section.
    fn program(&mut self, copies: &Copies, own: Option<&Group>, shared: &[(String, String)]) -> String {
        let (word, kind) = match own.map(|g| &g.kind) {
            Some(GroupKind::EventListener { .. }) => ("eventlistener", SectionKind::EventListener),
            _ if copies.program.socket.is_some() => ("fcgi", SectionKind::Fcgi),
            Some(GroupKind::Fcgi { .. } | GroupKind::Program) | None => ("program", SectionKind::Program),
        };
        let mut fields = self.fields(copies, shared);
        fields.extend(copies.program.socket.iter().flat_map(|s| socket_fields(s)));
        if let Some(group) = own {
            fields.extend(kind_fields(&group.kind));
            // COMPAT: a listener's group has -1 where its processes have 999.
            if kind == SectionKind::EventListener && group.priority == -1 {
                fields.retain(|(key, _)| *key != "priority");
            }
        }
        fields.retain(|(key, value)| !is_default(kind, key, value));
        let body = body_of(&fields);
        let mut title = copies.title.clone();
        while let Some((_, known)) = self.sections.iter().find(|(t, _)| *t == title) {
            if *known == body && own.is_none() {
                return title;
            }
            title.push_str("-2");
        }
        self.table(&format!("{word}.{}", key(&title)), &fields);
        self.sections.push((title.clone(), body));
        title
    }

    fn fields(&self, copies: &Copies, shared: &[(String, String)]) -> Vec<Field> {
        let p = &copies.program;
        let own: Vec<(String, String)> =
            p.environment.iter().filter(|pair| !shared.contains(pair)).cloned().collect();
        let mut fields = vec![
            ("command", command(p)),
            ("process_name", if p.name == copies.title { String::new() } else { string(&p.name) }),
            ("numprocs", copies.numprocs.to_string()),
            ("numprocs_start", copies.first.to_string()),
            ("priority", p.priority.to_string()),
            ("autostart", p.autostart.to_string()),
            ("autorestart", autorestart(p.autorestart)),
            ("startsecs", seconds(p.startsecs_ms)),
            ("startretries", p.startretries.to_string()),
            ("exitcodes", exitcodes(&p.exitcodes)),
            ("stopsignal", stopsignal(p)),
            (
                "stopwaitsecs",
                if native::stop_ladder(p).is_some() { String::new() } else { seconds(p.stopwaitsecs_ms) },
            ),
            ("stopasgroup", p.stopasgroup.to_string()),
            ("killasgroup", p.killasgroup.to_string()),
            ("redirect_stderr", p.redirect_stderr.to_string()),
            ("environment", self.environment(&own)),
        ];
        fields.extend(p.user.iter().map(|u| ("user", string(&u.text))));
        if let Some(waits) = &p.waits {
            fields.push(("dependent_startup", "true".to_owned()));
            let waits_for = waits.wait_for();
            fields
                .extend((!waits_for.is_empty()).then(|| ("dependent_startup_wait_for", string(&waits_for))));
            fields.push(("dependent_startup_inherit_priority", waits.inherits.to_string()));
        }
        fields.extend(p.umask.map(|u| ("umask", string(&format!("{u:03o}")))));
        fields.extend(p.directory.iter().map(|d| ("directory", string(&d.to_string_lossy()))));
        fields.extend(p.serverurl.iter().map(|u| ("serverurl", string(u))));
        fields.extend(log_fields(STDOUT, &p.stdout));
        let stderr = log_fields(STDERR, &p.stderr);
        // Nothing of it is used, and naming a file would be warned about.
        fields.extend(stderr.into_iter().filter(|(key, _)| !p.redirect_stderr || *key != STDERR[0]));
        fields.retain(|(key, _)| !native::is_not_captured(p) || ![STDOUT[0], STDERR[0]].contains(key));
        fields.extend(native::fields(p).into_iter().map(native_field));
        fields.retain(|(_, value)| !value.is_empty());
        fields
    }

    fn environment(&self, pairs: &[(String, String)]) -> String {
        let shown =
            pairs.iter().map(|(n, v)| format!("{} = {}", key(n), string(secret(v, self.show_secrets))));
        let shown: Vec<String> = shown.collect();
        if shown.is_empty() { String::new() } else { format!("{{ {} }}", shown.join(", ")) }
    }
}

/// A setting of ours.
fn native_field((name, value): (&'static str, Shown)) -> Field {
    let value = match value {
        Shown::Text(text) => string(&text),
        Shown::Verbatim(text) => string(&text).replace("$${", "${"),
        Shown::Number(n) => n.to_string(),
        Shown::Flag(flag) => flag.to_string(),
        Shown::Time(ms) => seconds(ms),
        Shown::List(items) => list(items.iter().map(|i| string(i))),
        Shown::Pairs(pairs) => {
            let shown: Vec<String> =
                pairs.iter().map(|(n, v)| format!("{} = {}", key(n), string(v))).collect();
            format!("{{ {} }}", shown.join(", "))
        }
    };
    (name, value)
}

fn stopsignal(p: &Program) -> String {
    let single = || p.stopsignal.name().map_or(p.stopsignal.0.to_string(), |n| string(&n[3..]));
    native::stop_ladder(p).map_or_else(single, |ladder| string(&ladder))
}

fn body_of(fields: &[Field]) -> String {
    fields.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

/// Whether the value is what is used when the key is left out.
fn is_default(kind: SectionKind, key: &str, value: &str) -> bool {
    let default = settings::find(kind, key).and_then(|s| s.default_for(Dialect::Toml));
    value.is_empty() || default.is_some_and(|d| d == value.trim_matches('"'))
}

fn log_fields(keys: [&'static str; 6], plan: &LogPlan) -> Vec<Field> {
    let target = match &plan.target {
        LogTarget::None => "NONE".to_owned(),
        LogTarget::Auto => "AUTO".to_owned(),
        LogTarget::File(path) => path.to_string_lossy().into_owned(),
        LogTarget::Stream { text, .. } => text.clone(),
        LogTarget::Inherit => String::new(),
    };
    let values = [
        string(&target),
        size(plan.maxbytes),
        plan.backups.to_string(),
        size(plan.capture_maxbytes),
        plan.events.to_string(),
        plan.syslog.to_string(),
    ];
    keys.into_iter().zip(values).collect()
}

fn kind_fields(kind: &GroupKind) -> Vec<Field> {
    match kind {
        GroupKind::Program | GroupKind::Fcgi { .. } => Vec::new(),
        GroupKind::EventListener { events, buffer_size, result_handler } => vec![
            ("events", list(events.iter().map(|e| string(e)))),
            ("buffer_size", buffer_size.to_string()),
            ("result_handler", string(result_handler)),
        ],
    }
}

fn socket_fields(socket: &FcgiSocket) -> Vec<Field> {
    let mut fields = vec![("socket", string(&socket.url))];
    fields.extend(socket.backlog.map(|n| ("socket_backlog", n.to_string())));
    fields.extend(socket.owner.map(|o| ("socket_owner", string(&ids(o)))));
    if socket.mode != 0o700 {
        fields.push(("socket_mode", string(&format!("{:04o}", socket.mode))));
    }
    fields
}

/// The text, which is split again when it is read.
fn command(p: &Program) -> String {
    string(&p.command)
}

fn autorestart(autorestart: Autorestart) -> String {
    match autorestart {
        Autorestart::Always => "true".to_owned(),
        Autorestart::Never => "false".to_owned(),
        Autorestart::Unexpected => string("unexpected"),
    }
}

fn exitcodes(codes: &[i32]) -> String {
    match codes {
        [one] => one.to_string(),
        several => list(several.iter().map(ToString::to_string)),
    }
}

fn seconds(ms: i64) -> String {
    if ms % 1000 == 0 { (ms / 1000).to_string() } else { string(&format!("{ms}ms")) }
}

fn size(bytes: u64) -> String {
    for (factor, unit) in [(1u64 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")] {
        if bytes > 0 && bytes.is_multiple_of(factor) {
            return string(&format!("{}{unit}", bytes / factor));
        }
    }
    bytes.to_string()
}

fn ids((uid, gid): (u32, u32)) -> String {
    if gid == u32::MAX { uid.to_string() } else { format!("{uid}:{gid}") }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A basic string; `${` would be read as a variable.
fn string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.replace("${", "$${").chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A bare key where it can be one.
fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare { name.to_owned() } else { string(name).replace("$${", "${") }
}
