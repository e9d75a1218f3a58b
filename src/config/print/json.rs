//! The effective configuration as JSON, in the shape and with the names of Supervisor's own options.
//!
//! Pure. Invariant: what Supervisor has no name for stands under `mainstay`.

use serde_json::{Map, Value, json};

use super::{native, secret};
use crate::config::model::{
    Autorestart, Config, ControlAddress, ControlServer, Dialect, Group, GroupKind, LogPlan, LogTarget,
    MainLog, Program, StdStream, Supervisor,
};

/// Everything there is to know about a configuration.
#[must_use]
pub fn to_json(config: &Config, show_secrets: bool) -> Value {
    json!({
        "supervisord": supervisor(config, show_secrets),
        "http_servers": config.control.iter().map(|s| server(s, show_secrets)).collect::<Vec<_>>(),
        "groups": config.groups.iter().map(|g| group(g, &g.programs, show_secrets)).collect::<Vec<_>>(),
        "mainstay": own(config),
    })
}

/// What Supervisor has no name for.
pub(in crate::config) fn own(config: &Config) -> Value {
    let mut out = json!({
        "dialect": dialect(config.dialect),
        "http_listen": config.http.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "exit_when_all_exited": config.supervisor.exit_when_all_exited,
        "create_directories": config.supervisor.create_directories,
    });
    extend(&mut out, native::json_of(native::whole(&config.supervisor)));
    if !config.supervisor.signals.is_empty() {
        let signals: Map<String, Value> = native::signals(&config.supervisor)
            .into_iter()
            .map(|(name, route)| (name, json!(route)))
            .collect();
        extend(&mut out, json!({ "signals": signals }));
    }
    out
}

fn dialect(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Ini => "ini",
        Dialect::Toml => "toml",
        Dialect::Env => "env",
    }
}

pub(in crate::config) fn supervisor(config: &Config, show_secrets: bool) -> Value {
    let s: &Supervisor = &config.supervisor;
    let logfile = match &s.logfile {
        MainLog::None => Value::Null,
        MainLog::File(path) => json!(path.to_string_lossy()),
        MainLog::Stream(StdStream::Stdout) => json!("/dev/stdout"),
        MainLog::Stream(StdStream::Stderr) => json!("/dev/stderr"),
        MainLog::Syslog => json!("syslog"),
    };
    let pidfile = path_or_null(s.pidfile.as_deref());
    json!({
        "logfile": logfile,
        "logfile_normalized": logfile,
        "logfile_maxbytes": s.logfile_maxbytes,
        "logfile_backups": s.logfile_backups,
        "loglevel": format!("{:?}", s.loglevel).to_lowercase(),
        "pidfile": pidfile,
        "pidfile_normalized": pidfile,
        "umask": octal(s.umask),
        "nodaemon": s.nodaemon,
        "silent": s.silent,
        "minfds": s.minfds,
        "minprocs": s.minprocs,
        "nocleanup": s.nocleanup,
        "childlogdir": path_or_null(s.childlogdir.as_deref()),
        "user": s.user.as_ref().map(|u| u.text.clone()),
        "directory": path_or_null(s.directory.as_deref()),
        "strip_ansi": s.strip_ansi,
        "environment": environment(&s.environment, show_secrets),
        "identifier": s.identifier,
        "serverurl": server_url(&config.control),
    })
}

/// COMPAT: the first unix server, else the last inet server.
fn server_url(servers: &[ControlServer]) -> Option<String> {
    let unix = servers.iter().find_map(|s| match &s.address {
        ControlAddress::Unix { path, .. } => Some(format!("unix://{}", path.display())),
        ControlAddress::Inet(_) => None,
    });
    unix.or_else(|| {
        servers.iter().rev().find_map(|s| match &s.address {
            ControlAddress::Inet(address) => {
                Some(format!("http://{}:{}", s.host.as_deref().unwrap_or("localhost"), address.port()))
            }
            ControlAddress::Unix { .. } => None,
        })
    })
}

pub(in crate::config) fn server(server: &ControlServer, show_secrets: bool) -> Value {
    let mut out = json!({
        "section": server.section,
        "name": server.section.split_once(':').map(|(_, name)| name),
        "username": server.auth.as_ref().map(|(name, _)| name.clone()),
        "password": server.auth.as_ref().map(|(_, password)| secret(password, show_secrets)),
    });
    let rest = match &server.address {
        ControlAddress::Inet(address) => {
            json!({ "family": "inet", "host": server.host.as_deref().unwrap_or_default(), "port": address.port() })
        }
        ControlAddress::Unix { path, mode, owner } => json!({
            "family": "unix",
            "file": path.to_string_lossy(),
            "chmod": octal(*mode),
            "chown": owner_ids(*owner),
        }),
    };
    extend(&mut out, rest);
    out
}

/// A group with these of its programs.
pub(in crate::config) fn group(group: &Group, programs: &[Program], show_secrets: bool) -> Value {
    let mut out = json!({
        "name": group.name,
        "priority": group.priority,
        "processes": programs.iter().map(|p| whole_process(p, show_secrets)).collect::<Vec<_>>(),
    });
    let kind = match &group.kind {
        GroupKind::Program => json!({ "type": "program" }),
        GroupKind::EventListener { events, buffer_size, result_handler } => json!({
            "type": "eventlistener",
            "events": events,
            "buffer_size": buffer_size,
            "result_handler": result_handler,
        }),
        GroupKind::Fcgi { socket, backlog, owner, mode } => {
            let mut fields = json!({ "url": socket, "backlog": backlog });
            if socket.starts_with("unix:") {
                let owner = owner.map(|o| owner_ids(Some(o)));
                extend(&mut fields, json!({ "mode": mode.map(octal), "owner": owner }));
            }
            json!({ "type": "fcgi-program", "socket": fields })
        }
    };
    extend(&mut out, kind);
    out
}

/// A process with what is ours under `mainstay`, where there is any of it.
fn whole_process(p: &Program, show_secrets: bool) -> Value {
    let mut out = process(p, show_secrets);
    let own = own_of(p);
    if own.as_object().is_some_and(|own| !own.is_empty()) {
        extend(&mut out, json!({ "mainstay": own }));
    }
    out
}

pub(in crate::config) fn process(p: &Program, show_secrets: bool) -> Value {
    let mut out = json!({
        "name": p.name,
        "command": p.command,
        "argv": p.argv.as_ref().ok(),
        "argv_error": p.argv.as_ref().err(),
        "directory": path_or_null(p.directory.as_deref()),
        "environment": environment(&p.environment, show_secrets),
        "uid": p.user.as_ref().map(|u| u.uid),
        "user": p.user.as_ref().map(|u| u.text.clone()),
        "umask": p.umask.map(octal),
        "priority": p.priority,
        "autostart": p.autostart,
        "autorestart": match p.autorestart {
            Autorestart::Always => "true",
            Autorestart::Never => "false",
            Autorestart::Unexpected => "unexpected",
        },
        "exitcodes": p.exitcodes,
        "startsecs": seconds(p.startsecs_ms),
        "startretries": p.startretries,
        "stopsignal": p.stopsignal.0,
        "stopsignal_name": p.stopsignal.name(),
        "stopwaitsecs": seconds(p.stopwaitsecs_ms),
        "stopasgroup": p.stopasgroup,
        "killasgroup": p.killasgroup,
        "redirect_stderr": p.redirect_stderr,
        "serverurl": p.serverurl,
    });
    extend(&mut out, log("stdout", &p.stdout));
    extend(&mut out, log("stderr", &p.stderr));
    out
}

/// What Supervisor has no name for, of a process.
pub(in crate::config) fn own_of(p: &Program) -> Value {
    let mut out = native::json_of(native::fields(p));
    if let Some(ladder) = native::stop_ladder(p) {
        extend(&mut out, json!({ "stop_ladder": ladder }));
    }
    out
}

fn log(stream: &str, plan: &LogPlan) -> Value {
    let target = match &plan.target {
        LogTarget::None => Value::Null,
        LogTarget::Auto => json!("AUTO"),
        LogTarget::File(path) => json!(path.to_string_lossy()),
        LogTarget::Stream { text, .. } => json!(text),
        LogTarget::Inherit => json!("inherit"),
    };
    let fields = [
        ("logfile", target),
        ("logfile_maxbytes", json!(plan.maxbytes)),
        ("logfile_backups", json!(plan.backups)),
        ("capture_maxbytes", json!(plan.capture_maxbytes)),
        ("events_enabled", json!(plan.events)),
        ("syslog", json!(plan.syslog)),
    ];
    Value::Object(fields.into_iter().map(|(key, value)| (format!("{stream}_{key}"), value)).collect())
}

fn environment(pairs: &[(String, String)], show_secrets: bool) -> Value {
    let map: Map<String, Value> =
        pairs.iter().map(|(name, value)| (name.clone(), json!(secret(value, show_secrets)))).collect();
    Value::Object(map)
}

/// Whole seconds where they are whole.
pub(super) fn seconds(ms: i64) -> Value {
    if ms % 1000 == 0 {
        return json!(ms / 1000);
    }
    #[allow(clippy::cast_precision_loss)]
    let seconds = ms as f64 / 1000.0;
    json!(seconds)
}

fn octal(mode: u32) -> String {
    format!("{mode:03o}")
}

/// COMPAT: -1 leaves an owner as it is.
fn owner_ids(owner: Option<(u32, u32)>) -> [i64; 2] {
    let id = |id: u32| if id == u32::MAX { -1 } else { i64::from(id) };
    owner.map_or([-1, -1], |(uid, gid)| [id(uid), id(gid)])
}

fn path_or_null(path: Option<&std::path::Path>) -> Option<String> {
    path.map(|p| p.to_string_lossy().into_owned())
}

pub(in crate::config) fn extend(value: &mut Value, more: Value) {
    if let (Value::Object(map), Value::Object(more)) = (value, more) {
        map.extend(more);
    }
}
