//! The effective configuration as INI that Supervisor and we read to the same configuration.
//!
//! Pure. Nothing is left to expand: every value is what it is. What INI cannot say stands in a comment that begins with
//! `# left out`. Invariants: values that are the default are left out; a secret is only shown when asked for.
//! Not here: copies of a program (`copies`), quoting (`quote`).

mod quote;

use std::fmt::Write as _;

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
    let mut printer = Printer { out: String::new(), show_secrets, sections: Vec::new() };
    printer.supervisor(&config.supervisor);
    printer.mainstay(config);
    config.control.iter().for_each(|server| printer.server(server));
    if !config.control.is_empty() {
        let factory = ("supervisor.rpcinterface_factory", settings::PLUGINS[0].to_owned());
        printer.section(SectionKind::RpcInterface, "rpcinterface:supervisor", vec![factory]);
    }
    for group in &config.groups {
        // `run -- CMD` is no part of a file.
        if !group.programs.iter().any(|p| p.main) {
            printer.group(group, &config.supervisor.environment);
        }
    }
    printer.out
}

/// A key and its value as it stands in the file.
type Field = (&'static str, String);

struct Printer {
    out: String,
    show_secrets: bool,
    /// What was printed: title and body.
    sections: Vec<(String, String)>,
}

impl Printer {
    fn section(&mut self, kind: SectionKind, title: &str, fields: Vec<Field>) {
        let body = body_of(kind, fields);
        let blank = if self.out.is_empty() { "" } else { "\n" };
        let _ = write!(self.out, "{blank}[{title}]\n{body}"); // writing to a String cannot fail
        self.sections.push((title.to_owned(), body));
    }

    /// The title, or one like it that is free.
    fn free(&self, title: &str) -> String {
        let mut title = title.to_owned();
        while self.sections.iter().any(|(known, _)| *known == title) {
            title.push_str("-2");
        }
        title
    }

    fn supervisor(&mut self, s: &Supervisor) {
        let logfile = match &s.logfile {
            MainLog::None => "/dev/null".to_owned(),
            MainLog::File(path) => path.to_string_lossy().into_owned(),
            MainLog::Stream(StdStream::Stdout) => "/dev/stdout".to_owned(),
            MainLog::Stream(StdStream::Stderr) => "/dev/stderr".to_owned(),
            MainLog::Syslog => "syslog".to_owned(),
        };
        let mut fields = vec![
            ("logfile", value(&percent(&logfile))),
            ("logfile_maxbytes", size(s.logfile_maxbytes)),
            ("logfile_backups", s.logfile_backups.to_string()),
            ("loglevel", format!("{:?}", s.loglevel).to_lowercase()),
            ("umask", format!("{:03o}", s.umask)),
            ("nodaemon", s.nodaemon.to_string()),
            ("silent", s.silent.to_string()),
            ("minfds", s.minfds.to_string()),
            ("minprocs", s.minprocs.to_string()),
            ("nocleanup", s.nocleanup.to_string()),
            ("strip_ansi", s.strip_ansi.to_string()),
            ("identifier", value(&percent(&s.identifier))),
            // Expanded twice.
            ("environment", self.environment(&s.environment, |text| percent(&percent(text)))),
        ];
        let paths = [("pidfile", &s.pidfile), ("childlogdir", &s.childlogdir), ("directory", &s.directory)];
        let path = |p: &std::path::Path| value(&percent(&p.to_string_lossy()));
        fields.extend(paths.into_iter().filter_map(|(key, p)| Some((key, path(p.as_deref()?)))));
        fields.extend(s.user.iter().map(|u| ("user", value(&percent(&u.text)))));
        self.section(SectionKind::Supervisor, "supervisord", fields);
    }

    /// What Supervisor does not know, and passes over.
    fn mainstay(&mut self, config: &Config) {
        let s = &config.supervisor;
        let listen: Vec<String> = config.http.iter().map(ToString::to_string).collect();
        let fields = vec![
            ("exit_when_all_exited", s.exit_when_all_exited.to_string()),
            ("create_directories", s.create_directories.to_string()),
            ("http_listen", listen.join(", ")),
        ];
        let is_said = |f: &Field| !f.1.is_empty() && f.1 != "false";
        if fields.iter().any(is_said) {
            self.section(SectionKind::Mainstay, "mainstay", fields.into_iter().filter(is_said).collect());
        }
    }

    fn server(&mut self, server: &ControlServer) {
        let (kind, word, mut fields) = match &server.address {
            ControlAddress::Inet(address) => {
                let host = server.host.as_deref().unwrap_or("*");
                (
                    SectionKind::InetHttp,
                    "inet_http_server",
                    vec![("port", format!("{host}:{}", address.port()))],
                )
            }
            ControlAddress::Unix { path, mode, owner } => {
                let mut fields = vec![
                    ("file", value(&percent(&path.to_string_lossy()))),
                    ("chmod", format!("{mode:04o}")),
                ];
                fields.extend(owner.filter(|o| o.0 != u32::MAX).map(|o| ("chown", ids(o))));
                (SectionKind::UnixHttp, "unix_http_server", fields)
            }
        };
        if let Some((name, password)) = &server.auth {
            fields.push(("username", bare(name)));
            fields.push(("password", bare(secret(password, self.show_secrets))));
        }
        let title = if server.section.starts_with(word) { server.section.as_str() } else { word };
        let title = self.free(title);
        self.section(kind, &title, fields);
    }

    fn group(&mut self, group: &Group, shared: &[(String, String)]) {
        let folded: Vec<Copies> = members(group).iter().flat_map(|copies| fold(copies)).collect();
        if group.kind != GroupKind::Program {
            return self.own_group(group, &folded, shared);
        }
        let is_free = !self.sections.iter().any(|(title, _)| *title == format!("program:{}", group.name));
        if is_free
            && matches!(folded.as_slice(), [one] if one.title == group.name && one.program.priority == group.priority)
        {
            return self.own_group(group, &folded, shared);
        }
        let mut names = Vec::new();
        for copies in &folded {
            let fields = self.fields(copies, shared);
            let body = body_of(SectionKind::Program, fields.clone());
            let title = format!("program:{}", copies.title);
            // A program may be a member of several groups.
            let title = match self.sections.iter().find(|(known, other)| *known == title && *other == body) {
                Some(_) => title,
                None => {
                    let title = self.free(&title);
                    let fields = named(copies, &title, fields);
                    self.section(SectionKind::Program, &title, fields);
                    title
                }
            };
            names.push(title.trim_start_matches("program:").to_owned());
        }
        let fields =
            vec![("programs", value(&percent(&names.join(",")))), ("priority", group.priority.to_string())];
        let title = self.free(&format!("group:{}", group.name));
        self.section(SectionKind::Group, &title, fields);
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
            let mut fields = vec![("numprocs", "0".to_owned())];
            fields.extend((group.priority != -1).then(|| ("priority", group.priority.to_string())));
            fields.extend(kind_fields(&group.kind));
            return self.section(kind, &title, fields);
        };
        if folded.len() > 1 {
            let name = &group.name;
            let why = "# left out, because they are not one section: all processes but the first of";
            let _ = writeln!(self.out, "\n{why} {name}"); // writing to a String cannot fail
        }
        let mut fields = named(copies, &title, self.fields(copies, shared));
        fields.extend(kind_fields(&group.kind));
        // COMPAT: a listener's group has -1 where its processes have 999.
        if kind == SectionKind::EventListener && group.priority == -1 && copies.program.priority == 999 {
            fields.retain(|(key, _)| *key != "priority");
        }
        self.section(kind, &title, fields);
    }

    fn fields(&self, copies: &Copies, shared: &[(String, String)]) -> Vec<Field> {
        let p = &copies.program;
        let own: Vec<(String, String)> =
            p.environment.iter().filter(|pair| !shared.contains(pair)).cloned().collect();
        // In a template the number stands as it is, and everything else does not.
        let is_template = copies.numprocs > 1;
        let escape = move |text: &str| {
            let escaped = percent(text);
            if is_template { escaped.replace("%%(process_num)", "%(process_num)") } else { escaped }
        };
        let said = |text: &str| value(&escape(text));
        let codes: Vec<String> = p.exitcodes.iter().map(ToString::to_string).collect();
        let mut fields = vec![
            ("command", said(&p.command)),
            ("numprocs", copies.numprocs.to_string()),
            ("numprocs_start", copies.first.to_string()),
            ("priority", p.priority.to_string()),
            ("autostart", p.autostart.to_string()),
            ("autorestart", autorestart(p.autorestart).to_owned()),
            ("startsecs", (p.startsecs_ms / 1000).to_string()),
            ("startretries", p.startretries.to_string()),
            ("exitcodes", codes.join(",")),
            ("stopsignal", p.stopsignal.name().map_or(p.stopsignal.0.to_string(), |n| n[3..].to_owned())),
            ("stopwaitsecs", (p.stopwaitsecs_ms / 1000).to_string()),
            ("stopasgroup", p.stopasgroup.to_string()),
            ("redirect_stderr", p.redirect_stderr.to_string()),
            ("environment", self.environment(&own, escape)),
        ];
        if p.killasgroup != p.stopasgroup {
            fields.push(("killasgroup", p.killasgroup.to_string()));
        }
        fields.extend(p.user.iter().map(|u| ("user", said(&u.text))));
        fields.extend(p.umask.map(|u| ("umask", format!("{u:03o}"))));
        fields.extend(p.directory.iter().map(|d| ("directory", said(&d.to_string_lossy()))));
        fields.extend(p.serverurl.iter().map(|u| ("serverurl", said(u))));
        // Expanded twice.
        let twice = |text: &str| value(&escape(&escape(text)));
        fields.extend(log_fields(STDOUT, &p.stdout, twice));
        let stderr = log_fields(STDERR, &p.stderr, twice);
        // Nothing of it is used, and naming a file would be warned about.
        fields.extend(stderr.into_iter().filter(|(key, _)| !p.redirect_stderr || *key != STDERR[0]));
        fields
    }

    fn environment(&self, all: &[(String, String)], escape: impl Fn(&str) -> String) -> String {
        let shown: Vec<(&str, &str)> =
            all.iter().map(|(name, text)| (name.as_str(), secret(text, self.show_secrets))).collect();
        pairs(&shown, escape)
    }
}

/// With the name of the process, where that is not the section's.
fn named(copies: &Copies, title: &str, mut fields: Vec<Field>) -> Vec<Field> {
    let name = &copies.program.name;
    let section = title.split_once(':').map_or("", |(_, name)| name).trim();
    if copies.numprocs > 1 || name != section {
        let escaped = percent(name);
        let escaped =
            if copies.numprocs > 1 { escaped.replace("%%(process_num)", "%(process_num)") } else { escaped };
        fields.push(("process_name", escaped));
    }
    fields
}

fn body_of(kind: SectionKind, fields: Vec<Field>) -> String {
    let mut body = String::new();
    for (key, text) in fields {
        let default = settings::find(kind, key).and_then(|s| s.default_for(Dialect::Ini));
        let is_default = default.map_or(key == "environment" && text.is_empty(), |default| default == text);
        // COMPAT: a listener's -1 is its group's; said, it is its process's too.
        if !is_default || (kind, key) == (SectionKind::EventListener, "priority") {
            // A sign behind a blank would begin a comment.
            let blank = if text.starts_with([';', '#']) { "" } else { " " };
            let _ = writeln!(body, "{key} ={blank}{text}"); // writing to a String cannot fail
        }
    }
    body
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

fn log_fields(keys: [&'static str; 6], plan: &LogPlan, escape: impl Fn(&str) -> String) -> Vec<Field> {
    let target = match &plan.target {
        LogTarget::None => "NONE".to_owned(),
        LogTarget::Auto => "AUTO".to_owned(),
        LogTarget::File(path) => escape(&path.to_string_lossy()),
        LogTarget::Stream { text, .. } => escape(text),
        LogTarget::Inherit => "/dev/stdout".to_owned(),
    };
    let values = [
        target,
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
        GroupKind::Program => Vec::new(),
        GroupKind::EventListener { events, buffer_size, result_handler } => vec![
            ("events", events.join(",")),
            ("buffer_size", buffer_size.to_string()),
            ("result_handler", result_handler.clone()),
        ],
        GroupKind::Fcgi { socket, backlog, owner, mode } => {
            let mut fields = vec![("socket", value(&percent(socket)))];
            fields.extend(backlog.map(|n| ("socket_backlog", n.to_string())));
            fields.extend(owner.map(|o| ("socket_owner", ids(o))));
            fields.extend(mode.filter(|m| *m != 0o700).map(|m| ("socket_mode", format!("{m:04o}"))));
            fields
        }
    }
}

fn autorestart(autorestart: Autorestart) -> &'static str {
    match autorestart {
        Autorestart::Always => "true",
        Autorestart::Never => "false",
        Autorestart::Unexpected => "unexpected",
    }
}

fn size(bytes: u64) -> String {
    for (factor, unit) in [(1u64 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")] {
        if bytes > 0 && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    bytes.to_string()
}

fn ids((uid, gid): (u32, u32)) -> String {
    if gid == u32::MAX { uid.to_string() } else { format!("{uid}:{gid}") }
}
