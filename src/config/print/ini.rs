//! The effective configuration as INI that Supervisor and we read to the same configuration.
//!
//! Pure. Nothing is left to expand: every value is what it is. What INI cannot say stands in a comment that begins with
//! `# left out`. Invariants: values that are the default are left out; a secret is only shown when asked for.
//! Not here: copies of a program (`copies`), quoting (`quote`).

mod quote;

use std::path::Path;

use super::copies::{Copies, fold, members};
use super::secret;
use crate::config::model::{
    Autorestart, Config, ControlAddress, ControlServer, Dialect, Group, GroupKind, LogPlan, LogTarget,
    MainLog, StdStream, Supervisor,
};
use crate::config::raw::SectionKind;
use crate::config::settings;

use quote::{bare, pairs, percent, value};

/// The whole configuration; with hidden secrets it is only for reading.
#[must_use]
pub fn to_ini(config: &Config, show_secrets: bool) -> String {
    let fastcgi = config.groups.iter().filter(|g| matches!(g.kind, GroupKind::Fcgi { .. }));
    let fastcgi = fastcgi.map(|g| format!("program:{}", g.name.trim())).collect();
    let mut printer = Printer { out: String::new(), show_secrets, sections: Vec::new(), fastcgi };
    printer.supervisor(&config.supervisor);
    printer.mainstay(config);
    config.control.iter().for_each(|server| printer.server(server));
    if !config.control.is_empty() {
        let mut body = Body::new(SectionKind::RpcInterface);
        body.put("supervisor.rpcinterface_factory", settings::PLUGINS[0].to_owned());
        printer.section("rpcinterface:supervisor", body.text);
    }
    for group in &config.groups {
        // `run -- CMD` is no part of a file.
        if !group.programs.iter().any(|p| p.main) {
            printer.group(group, &config.supervisor.environment);
        }
    }
    printer.out
}

/// The lines of one section.
struct Body {
    kind: SectionKind,
    text: String,
}

impl Body {
    fn new(kind: SectionKind) -> Body {
        Body { kind, text: String::new() }
    }

    /// Adds a value as it stands in the file, unless it is the default.
    #[inline(never)]
    fn put(&mut self, key: &str, text: String) {
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

    fn text(&mut self, key: &str, text: &str) {
        self.put(key, value(&percent(text)));
    }

    fn path(&mut self, key: &str, path: Option<&Path>) {
        if let Some(path) = path {
            self.text(key, &path.to_string_lossy());
        }
    }

    fn flag(&mut self, key: &str, flag: bool) {
        self.put(key, if flag { "true" } else { "false" }.to_owned());
    }

    fn number(&mut self, key: &str, number: i64) {
        self.put(key, number.to_string());
    }

    /// In the largest unit that it is a multiple of.
    fn size(&mut self, key: &str, bytes: u64) {
        let units = [(30, "GB"), (20, "MB"), (10, "KB")];
        let unit = units.iter().find(|(bits, _)| bytes > 0 && bytes.trailing_zeros() >= *bits);
        let (bits, unit) = unit.copied().unwrap_or((0, ""));
        self.put(key, (bytes >> bits).to_string() + unit);
    }

    fn octal(&mut self, key: &str, mode: Option<u32>) {
        if let Some(mode) = mode {
            self.put(key, format!("{mode:03o}"));
        }
    }

    fn owner(&mut self, key: &str, owner: Option<(u32, u32)>) {
        if let Some((uid, gid)) = owner.filter(|o| o.0 != u32::MAX) {
            self.put(key, if gid == u32::MAX { uid.to_string() } else { format!("{uid}:{gid}") });
        }
    }

    fn log(&mut self, keys: [&str; 6], plan: &LogPlan, escape: &dyn Fn(&str) -> String) {
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

    fn own(&mut self, kind: &GroupKind) {
        match kind {
            GroupKind::Program => {}
            GroupKind::EventListener { events, buffer_size, result_handler } => {
                self.put("events", events.join(","));
                self.number("buffer_size", *buffer_size);
                self.put("result_handler", result_handler.clone());
            }
            GroupKind::Fcgi { socket, backlog, owner, mode } => {
                self.text("socket", socket);
                if let Some(backlog) = backlog {
                    self.number("socket_backlog", *backlog);
                }
                self.owner("socket_owner", *owner);
                self.octal("socket_mode", mode.filter(|m| *m != 0o700));
            }
        }
    }
}

struct Printer {
    out: String,
    show_secrets: bool,
    /// What was printed: title and body.
    sections: Vec<(String, String)>,
    /// Names that a member of a group must not have, because a FastCGI program has them.
    fastcgi: Vec<String>,
}

impl Printer {
    fn section(&mut self, title: &str, body: String) {
        let blank = if self.out.is_empty() { "" } else { "\n" };
        for piece in [blank, "[", title, "]\n", &body] {
            self.out.push_str(piece);
        }
        self.sections.push((title.to_owned(), body));
    }

    /// The title, or one like it that is free.
    fn free(&self, title: &str) -> String {
        let mut title = title.to_owned();
        while self.sections.iter().any(|(known, _)| *known == title) || self.fastcgi.contains(&title) {
            title.push_str("-2");
        }
        title
    }

    fn supervisor(&mut self, s: &Supervisor) {
        let logfile = match &s.logfile {
            MainLog::None => Path::new("/dev/null"),
            MainLog::File(path) => path,
            MainLog::Stream(StdStream::Stdout) => Path::new("/dev/stdout"),
            MainLog::Stream(StdStream::Stderr) => Path::new("/dev/stderr"),
            MainLog::Syslog => Path::new("syslog"),
        };
        let mut body = Body::new(SectionKind::Supervisor);
        body.path("logfile", Some(logfile));
        body.size("logfile_maxbytes", s.logfile_maxbytes);
        body.number("logfile_backups", s.logfile_backups.into());
        body.put("loglevel", format!("{:?}", s.loglevel).to_lowercase());
        body.octal("umask", Some(s.umask));
        body.flag("nodaemon", s.nodaemon);
        body.flag("silent", s.silent);
        body.number("minfds", s.minfds);
        body.number("minprocs", s.minprocs);
        body.flag("nocleanup", s.nocleanup);
        body.flag("strip_ansi", s.strip_ansi);
        body.text("identifier", &s.identifier);
        // Expanded twice.
        body.put("environment", self.environment(&s.environment, &|text| percent(&percent(text))));
        body.path("pidfile", s.pidfile.as_deref());
        body.path("childlogdir", s.childlogdir.as_deref());
        body.path("directory", s.directory.as_deref());
        if let Some(user) = &s.user {
            body.text("user", &user.text);
        }
        self.section("supervisord", body.text);
    }

    /// What Supervisor does not know, and passes over.
    fn mainstay(&mut self, config: &Config) {
        let mut body = Body::new(SectionKind::Mainstay);
        if config.supervisor.exit_when_all_exited {
            body.flag("exit_when_all_exited", true);
        }
        if config.supervisor.create_directories {
            body.flag("create_directories", true);
        }
        if !config.http.is_empty() {
            let listen: Vec<String> = config.http.iter().map(ToString::to_string).collect();
            body.put("http_listen", listen.join(", "));
        }
        if !body.text.is_empty() {
            self.section("mainstay", body.text);
        }
    }

    fn server(&mut self, server: &ControlServer) {
        let (word, mut body) = match &server.address {
            ControlAddress::Inet(address) => {
                let mut body = Body::new(SectionKind::InetHttp);
                body.put("port", format!("{}:{}", server.host.as_deref().unwrap_or("*"), address.port()));
                ("inet_http_server", body)
            }
            ControlAddress::Unix { path, mode, owner } => {
                let mut body = Body::new(SectionKind::UnixHttp);
                body.path("file", Some(path));
                body.octal("chmod", Some(*mode));
                body.owner("chown", *owner);
                ("unix_http_server", body)
            }
        };
        if let Some((name, password)) = &server.auth {
            body.put("username", bare(name));
            body.put("password", bare(secret(password, self.show_secrets)));
        }
        let title = if server.section.starts_with(word) { server.section.as_str() } else { word };
        self.section(&self.free(title), body.text);
    }

    fn group(&mut self, group: &Group, shared: &[(String, String)]) {
        let folded: Vec<Copies> = members(group).iter().flat_map(|copies| fold(copies)).collect();
        let own_title = format!("program:{}", group.name);
        let is_own = group.kind != GroupKind::Program
            || (self.free(&own_title) == own_title
                && matches!(folded.as_slice(), [one] if one.title == group.name && one.program.priority == group.priority));
        if is_own {
            return self.own_group(group, &folded, shared);
        }
        let mut names: Vec<String> = Vec::new();
        for copies in &folded {
            let title = format!("program:{}", copies.title);
            // A program may be a member of several groups.
            let body = self.program(copies, &title, &GroupKind::Program, true, shared);
            let is_there = self.sections.iter().any(|(known, other)| *known == title && *other == body);
            let title = if is_there { title } else { self.free(&title) };
            names.push(title.trim_start_matches("program:").to_owned());
            if !is_there {
                let body = self.program(copies, &title, &GroupKind::Program, true, shared);
                self.section(&title, body);
            }
        }
        let mut body = Body::new(SectionKind::Group);
        body.text("programs", &names.join(","));
        body.number("priority", group.priority);
        self.section(&self.free(&format!("group:{}", group.name)), body.text);
    }

    /// A group that is one section.
    fn own_group(&mut self, group: &Group, folded: &[Copies], shared: &[(String, String)]) {
        let (word, kind) = match &group.kind {
            GroupKind::EventListener { .. } => ("eventlistener", SectionKind::EventListener),
            GroupKind::Fcgi { .. } => ("fcgi-program", SectionKind::Fcgi),
            GroupKind::Program => ("program", SectionKind::Program),
        };
        let title = self.free(&format!("{word}:{}", group.name));
        let Some(copies) = folded.first() else {
            let mut body = Body::new(kind);
            body.number("numprocs", 0);
            body.number("priority", group.priority);
            body.own(&group.kind);
            return self.section(&title, body.text);
        };
        if folded.len() > 1 {
            self.out
                .push_str("\n# left out, because they are not one section: all processes but the first of\n");
        }
        // COMPAT: a listener's group has -1 where its processes have 999.
        let has_priority = group.priority == copies.program.priority;
        let body = self.program(copies, &title, &group.kind, has_priority, shared);
        self.section(&title, body);
    }

    fn program(
        &self,
        copies: &Copies,
        title: &str,
        kind: &GroupKind,
        has_priority: bool,
        shared: &[(String, String)],
    ) -> String {
        let p = &copies.program;
        // In a template the number stands as it is, and everything else does not.
        let is_template = copies.numprocs > 1;
        let escape = move |text: &str| {
            let escaped = percent(text);
            if is_template { escaped.replace("%%(process_num)", "%(process_num)") } else { escaped }
        };
        let mut body = Body::new(match kind {
            GroupKind::EventListener { .. } => SectionKind::EventListener,
            GroupKind::Fcgi { .. } => SectionKind::Fcgi,
            GroupKind::Program => SectionKind::Program,
        });
        body.put("command", value(&escape(&p.command)));
        if is_template || p.name != title.split_once(':').map_or("", |(_, name)| name).trim() {
            body.put("process_name", escape(&p.name));
        }
        body.number("numprocs", copies.numprocs);
        body.number("numprocs_start", copies.first);
        if has_priority {
            body.number("priority", p.priority);
        }
        body.flag("autostart", p.autostart);
        let restart = match p.autorestart {
            Autorestart::Always => "true",
            Autorestart::Never => "false",
            Autorestart::Unexpected => "unexpected",
        };
        body.put("autorestart", restart.to_owned());
        body.number("startsecs", p.startsecs_ms / 1000);
        body.number("startretries", p.startretries);
        let codes: Vec<String> = p.exitcodes.iter().map(ToString::to_string).collect();
        body.put("exitcodes", codes.join(","));
        let number = || p.stopsignal.0.to_string();
        body.put("stopsignal", p.stopsignal.name().map_or_else(number, |name| name.replace("SIG", "")));
        body.number("stopwaitsecs", p.stopwaitsecs_ms / 1000);
        body.flag("stopasgroup", p.stopasgroup);
        if p.killasgroup != p.stopasgroup {
            body.flag("killasgroup", p.killasgroup);
        }
        body.flag("redirect_stderr", p.redirect_stderr);
        let own: Vec<(String, String)> =
            p.environment.iter().filter(|pair| !shared.contains(pair)).cloned().collect();
        body.put("environment", self.environment(&own, &escape));
        if let Some(user) = &p.user {
            body.text("user", &user.text);
        }
        body.octal("umask", p.umask);
        if let Some(directory) = &p.directory {
            body.put("directory", value(&escape(&directory.to_string_lossy())));
        }
        if let Some(url) = &p.serverurl {
            body.text("serverurl", url);
        }
        // Expanded twice.
        let twice = |text: &str| value(&escape(&escape(text)));
        body.log(STDOUT, &p.stdout, &twice);
        let mut keys = STDERR;
        if p.redirect_stderr {
            // Nothing of it is used, and naming a file would be warned about.
            keys[0] = "";
        }
        body.log(keys, &p.stderr, &twice);
        body.own(kind);
        body.text
    }

    fn environment(&self, all: &[(String, String)], escape: &dyn Fn(&str) -> String) -> String {
        let shown: Vec<(&str, &str)> =
            all.iter().map(|(name, text)| (name.as_str(), secret(text, self.show_secrets))).collect();
        pairs(&shown, escape)
    }
}

const STDOUT: [&str; 6] = [
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_syslog",
];
const STDERR: [&str; 6] = [
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_syslog",
];
