//! The effective configuration as INI that Supervisor and we read to the same configuration.
//!
//! Pure. Nothing is left to expand: every value is what it is. What INI cannot say stands in a comment that begins with
//! `# left out` (`foreign`: what comes with the other languages). Invariants: values that are the default are left out; a secret is only shown when asked for.
//! Not here: copies of a program (`copies`), quoting (`quote`).

mod body;
mod foreign;
mod quote;

use std::path::Path;

use super::copies::{Copies, fold, members};
use super::native;
use super::secret;
use super::{STDERR, STDOUT};
use crate::config::model::{
    Autorestart, Config, ControlAddress, ControlServer, Group, GroupKind, MainLog, Program, StdStream,
    Supervisor,
};
use crate::config::raw::SectionKind;
use crate::config::settings;

use body::Body;
use quote::{bare, pairs, percent, value};

/// The whole configuration; with hidden secrets it is only for reading.
#[must_use]
pub fn to_ini(config: &Config, show_secrets: bool) -> String {
    let (config, left_out) = foreign::settle(config);
    let reserved = config.groups.iter().filter(|g| is_one_section(g)).map(|g| g.name.trim().to_owned());
    let mut printer = Printer {
        out: left_out,
        show_secrets,
        sections: Vec::new(),
        members: Vec::new(),
        reserved: reserved.collect(),
    };
    printer.supervisor(&config.supervisor);
    printer.mainstay(&config);
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

struct Printer {
    out: String,
    show_secrets: bool,
    /// What was printed: title and body.
    sections: Vec<(String, String)>,
    /// Titles of those that are members of a group.
    members: Vec<String>,
    /// Names of groups that are one section: a member of another group must not have them.
    reserved: Vec<String>,
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
        while self.sections.iter().any(|(known, _)| *known == title) {
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
        native::whole(&config.supervisor).into_iter().for_each(|(key, value)| body.native(key, value));
        for (name, route) in native::signals(&config.supervisor) {
            body.text(&format!("signal_{}", name.to_lowercase()), &route);
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
        let is_own = |one: &Copies| {
            one.title == group.name && one.program.priority == group.priority && one.program.socket.is_none()
        };
        let is_own = matches!(folded.as_slice(), [one] if is_own(one)) && self.free(&own_title) == own_title;
        if group.kind != GroupKind::Program || is_own {
            return self.own_group(group, &folded, shared);
        }
        let names: Vec<String> =
            folded.iter().map(|copies| self.member(copies, &group.name, shared)).collect();
        let mut body = Body::new(SectionKind::Group);
        body.text("programs", &names.join(","));
        body.number("priority", group.priority);
        self.section(&self.free(&format!("group:{}", group.name)), body.text);
    }

    /// Prints a member of a group, unless it is there already; its name.
    fn member(&mut self, copies: &Copies, group: &str, shared: &[(String, String)]) -> String {
        let word = if copies.program.socket.is_some() { "fcgi-program:" } else { "program:" };
        let title = format!("{word}{}", copies.title);
        // A program may be a member of several groups.
        let body = self.program(copies, &title, &GroupKind::Program, true, shared);
        let is_same = |section: &(String, String)| section.0 == title && section.1 == body;
        if self.members.contains(&title) && self.sections.iter().any(is_same) {
            return copies.title.clone();
        }
        let mut name = copies.title.clone();
        let is_taken = |name: &String| {
            let words = ["program:", "fcgi-program:"].map(|word| format!("{word}{name}"));
            let is_reserved = name != group && self.reserved.contains(name);
            is_reserved || self.sections.iter().any(|(known, _)| words.contains(known))
        };
        while is_taken(&name) {
            name.push_str("-2");
        }
        let title = format!("{word}{name}");
        let body = self.program(copies, &title, &GroupKind::Program, true, shared);
        self.section(&title, body);
        self.members.push(title);
        name
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
            GroupKind::Program if p.socket.is_some() => SectionKind::Fcgi,
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
        life(&mut body, p);
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
        let (mut stdout, mut stderr) = (STDOUT, STDERR);
        if native::is_not_captured(p) {
            stdout[0] = "";
        }
        if p.redirect_stderr || native::is_not_captured(p) {
            // Nothing of it is used, and naming a file would be warned about.
            stderr[0] = "";
        }
        body.log(stdout, &p.stdout, &twice);
        body.log(stderr, &p.stderr, &twice);
        native::fields(p).into_iter().for_each(|(key, value)| body.native(key, value));
        match (&p.socket, kind) {
            // A FastCGI program in a group.
            (Some(socket), GroupKind::Program) => {
                body.socket(&socket.url, socket.backlog.map(Into::into), socket.owner, socket.mode);
            }
            _ => body.own(kind),
        }
        body.text
    }

    fn environment(&self, all: &[(String, String)], escape: &dyn Fn(&str) -> String) -> String {
        let shown: Vec<(&str, &str)> =
            all.iter().map(|(name, text)| (name.as_str(), secret(text, self.show_secrets))).collect();
        pairs(&shown, escape)
    }
}

/// When a program starts, when again, and how it is stopped.
fn life(body: &mut Body, p: &Program) {
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
    match native::stop_ladder(p) {
        Some(ladder) => body.put("stopsignal", ladder),
        None => {
            body.put("stopsignal", p.stopsignal.name().map_or_else(number, |name| name.replace("SIG", "")));
            body.number("stopwaitsecs", p.stopwaitsecs_ms / 1000);
        }
    }
    body.flag("stopasgroup", p.stopasgroup);
    if p.killasgroup != p.stopasgroup {
        body.flag("killasgroup", p.killasgroup);
    }
    if let Some(waits) = &p.waits {
        body.flag("dependent_startup", true);
        if !waits.depends.is_empty() {
            body.text("dependent_startup_wait_for", &waits.wait_for());
        }
        body.flag("dependent_startup_inherit_priority", waits.inherits);
    }
}

/// Whether a group and its program are the same section.
fn is_one_section(group: &Group) -> bool {
    let of_program = || group.programs.iter().all(|p| p.program.trim() == group.name);
    matches!(group.kind, GroupKind::Fcgi { .. }) || (group.kind == GroupKind::Program && of_program())
}

#[cfg(test)]
mod tests {
    use super::to_ini;
    use crate::config::testing::load_ini;

    #[test]
    fn a_socket_in_a_group_and_names_of_two_kinds_survive() {
        let text = "[fcgi-program:f]\ncommand=x\nsocket=unix:///run/f\nsocket_mode=0660\nsocket_backlog=5\n\
                    [program:p]\ncommand=y\n[program: f]\ncommand=z\nstopsignal=0\n[group:g]\nprograms=p,f\n[group:h]\nprograms=p\n";
        let config = load_ini(text).expect("good").config;
        let printed = to_ini(&config, true);
        let again = load_ini(&printed.replacen("[supervisord]\n", "", 1)).expect("good").config;
        assert_eq!(again.groups.len(), config.groups.len(), "{printed}");
        for (a, b) in again.processes().zip(config.processes()) {
            assert_eq!(
                (&a.group, &a.name, &a.socket, &a.stopsignal),
                (&b.group, &b.name, &b.socket, &b.stopsignal),
                "{printed}"
            );
        }
    }
}
