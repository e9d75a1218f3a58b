//! What differs between two configurations, setting by setting, and what a difference asks for.
//!
//! Pure. Invariants: two programs differ exactly where Supervisor would say so (COMPAT: contract 1.10: what is derived
//! does not count, nor a log file that is AUTO now), plus our own settings; values of variables are never shown.
//! Not here: acting on a difference (`daemon::update`), what changes take effect when (the settings table).

use serde_json::Value;

use crate::config::model::{Config, ControlAddress, ControlServer, Group, GroupKind, Program};
use crate::config::print::json;
use crate::config::raw::SectionKind;
use crate::config::settings::{self, Change};

/// One setting with two values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    pub setting: String,
    /// For people; of variables only the names.
    pub from: String,
    pub to: String,
    pub change: Change,
}

/// What follows from others, or only says the same again.
const DERIVED: [&str; 6] =
    ["argv", "argv_error", "stopsignal_name", "user", "logfile_normalized", "pidfile_normalized"];

/// The steps of a stop, of which Supervisor knows the first.
const LADDER: &str = "stop_ladder";

/// Whether Supervisor would leave the group alone.
#[must_use]
pub fn is_same_group(old: &Group, new: &Group) -> bool {
    // What is equal to the last bit needs no closer look.
    old == new
        || old.priority == new.priority
            && is_same_kind(&old.kind, &new.kind)
            && old.programs.len() == new.programs.len()
            && old
                .programs
                .iter()
                .zip(&new.programs)
                .all(|(a, b)| a.name == b.name && program(a, b).is_empty())
}

/// Of a FastCGI group only the address counts.
fn is_same_kind(old: &GroupKind, new: &GroupKind) -> bool {
    match (old, new) {
        (GroupKind::Fcgi { socket: old, .. }, GroupKind::Fcgi { socket: new, .. }) => old == new,
        _ => old == new,
    }
}

/// Whether a group of this kind can become one of that kind while its programs run.
#[must_use]
pub fn is_same_sort(old: &GroupKind, new: &GroupKind) -> bool {
    std::mem::discriminant(old) == std::mem::discriminant(new)
}

/// The settings in which two programs differ.
#[must_use]
pub fn program(old: &Program, new: &Program) -> Vec<Difference> {
    if old == new {
        return Vec::new();
    }
    let mut found = differences(SectionKind::Program, &json::process(old, true), &json::process(new, true));
    found.extend(differences(SectionKind::Program, &json::own_of(old), &json::own_of(new)));
    if let (Some(from), Some(to)) = (&old.socket, &new.socket)
        && from.url != to.url
    {
        let (from, to) = (from.url.clone(), to.url.clone());
        found.push(Difference { setting: "socket".to_owned(), from, to, change: Change::Restart });
    }
    found
}

/// The settings of a group itself: its priority, and a listener's events.
#[must_use]
pub fn group(old: &Group, new: &Group) -> Vec<Difference> {
    let kind = if matches!(new.kind, GroupKind::EventListener { .. }) {
        SectionKind::EventListener
    } else {
        SectionKind::Group
    };
    differences(kind, &json::group(old, &[], true), &json::group(new, &[], true))
}

/// The settings of the daemon itself, and of its servers, that take no effect before everything is started again: all but
/// the routes of signals.
#[must_use]
pub fn whole(old: &Config, new: &Config) -> Vec<Difference> {
    let kind = SectionKind::Supervisor;
    let mut found = differences(kind, &json::supervisor(old, true), &json::supervisor(new, true));
    // Every program has them; there they are told of.
    found.retain(|d| d.setting != "environment" && d.setting != "serverurl");
    found.extend(servers(old, new));
    found.extend(differences(SectionKind::Mainstay, &json::own(old), &json::own(new)));
    found.retain(|d| d.setting != "signals");
    found
}

/// The settings of control servers; a password is not shown.
fn servers(old: &Config, new: &Config) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut whole = |section: &str, from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        found.push(Difference { setting: format!("[{section}]"), from, to, change: Change::Restart });
    };
    // In TOML one section may have two.
    let is_unix = |s: &ControlServer| matches!(s.address, ControlAddress::Unix { .. });
    let is_same = |a: &ControlServer, b: &ControlServer| (&a.section, is_unix(a)) == (&b.section, is_unix(b));
    for gone in old.control.iter().filter(|s| !new.control.iter().any(|n| is_same(n, s))) {
        whole(&gone.section, "open", "none");
    }
    for fresh in new.control.iter().filter(|s| !old.control.iter().any(|o| is_same(o, s))) {
        whole(&fresh.section, "none", "open");
    }
    for (before, after) in old.control.iter().flat_map(|o| new.control.iter().map(move |n| (o, n))) {
        if !is_same(before, after) {
            continue;
        }
        let kind = SectionKind::InetHttp;
        for mut change in differences(kind, &json::server(before, true), &json::server(after, true)) {
            if change.setting == "password" {
                (change.from, change.to) = ("…".to_owned(), "…".to_owned());
            }
            change.setting = format!("[{}] {}", after.section, change.setting);
            change.change = Change::Restart;
            found.push(change);
        }
    }
    found
}

/// Whom a program waits for. COMPAT: to Supervisor these settings are nothing, so they change no group of an INI file.
#[must_use]
pub fn waiting(old: &Program, new: &Program) -> Option<Difference> {
    let shown =
        |p: &Program| p.waits.as_ref().map_or("none".to_owned(), |w| format!("after {}", w.wait_for()));
    let setting = "dependent_startup".to_owned();
    let (from, to) = (shown(old), shown(new));
    (from != to).then_some(Difference { setting, from, to, change: Change::Live })
}

fn differences(kind: SectionKind, old: &Value, new: &Value) -> Vec<Difference> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return Vec::new() };
    let null = Value::Null;
    let mut found = Vec::new();
    // What is not said any more differs as well.
    let gone =
        old.iter().filter(|(setting, _)| !new.contains_key(*setting)).map(|(setting, _)| (setting, &null));
    for (setting, to) in new.iter().chain(gone) {
        let from = old.get(setting).unwrap_or(&null);
        let is_auto = setting.ends_with("_logfile") && to == "AUTO";
        if from == to || is_auto || DERIVED.contains(&setting.as_str()) {
            continue;
        }
        let key = match setting.as_str() {
            "uid" => "user",
            LADDER => "stopsignal",
            key => key,
        };
        let change = settings::find(kind, key).map_or(Change::Restart, |setting| setting.change);
        let (from, to) = match (from, to) {
            (Value::Object(from), Value::Object(to)) => names(from, to),
            _ => (shown(from), shown(to)),
        };
        found.push(Difference { setting: setting.clone(), from, to, change });
    }
    found
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The variables that differ, without what is in them.
fn names(from: &serde_json::Map<String, Value>, to: &serde_json::Map<String, Value>) -> (String, String) {
    let of = |a: &serde_json::Map<String, Value>, b: &serde_json::Map<String, Value>| {
        let differing = a.iter().filter(|(name, value)| b.get(*name) != Some(value));
        let names: Vec<String> = differing.map(|(name, _)| format!("{name}=…")).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(" ") }
    };
    (of(from, to), of(to, from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::{self, PROGRAMS, Setting, Type, all};
    use crate::config::testing::{groups_of_ini, load_ini};

    fn only(text: &str) -> Group {
        groups_of_ini(text).remove(0)
    }

    fn found(old: &str, new: &str) -> Vec<(String, String, String)> {
        let of = |text: &str| only(&format!("[program:a]\ncommand=x\n{text}")).programs.remove(0);
        program(&of(old), &of(new)).into_iter().map(|d| (d.setting, d.from, d.to)).collect()
    }

    #[test]
    fn two_servers_of_one_section_are_told_apart() {
        let of = |unix: &str| {
            let text = format!(
                "[control]\nunix = \"{unix}\"\ntcp = \"127.0.0.1:9001\"\n[program.a]\ncommand = \"x\"\n"
            );
            crate::config::testing::load_toml(&text).expect("a good configuration").config
        };
        assert!(whole(&of("/run/a.sock"), &of("/run/a.sock")).is_empty());
        let moved = whole(&of("/run/a.sock"), &of("/run/b.sock"));
        let settings: Vec<&str> = moved.iter().map(|d| d.setting.as_str()).collect();
        assert_eq!(settings, ["[control] file"]);
    }

    #[test]
    fn a_difference_names_the_setting_and_both_values() {
        assert_eq!(found("", "stopwaitsecs=30"), [("stopwaitsecs".into(), "10".into(), "30".into())]);
        assert_eq!(found("user=root", ""), [("uid".into(), "0".into(), "none".into())]);
        assert_eq!(found("stopsignal=QUIT", "stopsignal=3"), []);
    }

    #[test]
    fn values_of_variables_are_not_shown() {
        let one = |from: &str, to: &str| [("environment".to_owned(), from.to_owned(), to.to_owned())];
        assert_eq!(found("environment=A=1,B=2", "environment=A=3,B=2"), one("A=…", "A=…"));
        assert_eq!(found("environment=A=1,B=2", "environment=B=2,A=1"), []);
        assert_eq!(found("environment=A=1", "environment=B=secret"), one("A=…", "B=…"));
    }

    #[test]
    fn a_log_that_becomes_auto_is_no_change_and_one_that_is_auto_no_more_is() {
        assert_eq!(found("stdout_logfile=/x", "stdout_logfile=AUTO"), []);
        assert_eq!(found("stdout_logfile=AUTO", "stdout_logfile=/x").len(), 1);
    }

    #[test]
    fn groups_are_the_same_as_supervisor_sees_it() {
        let two = "[program:a]\ncommand=x\n[program:b]\ncommand=y\n[group:g]\nprograms=a,b\n";
        let same = |new: &str| is_same_group(&only(two), &only(new));
        assert!(same(two));
        assert!(!same(&two.replace("a,b", "a")));
        assert!(!same(&format!("{two}priority=3")));
        assert!(!same(&two.replace("=y", "=z")));
        let pool = |more: &str| only(&format!("[eventlistener:l]\ncommand=x\nevents=TICK_5\n{more}"));
        assert!(!is_same_group(&pool(""), &pool("buffer_size=11")));
        let changed = group(&pool(""), &pool("buffer_size=11"));
        assert_eq!((changed.len(), changed[0].setting.as_str()), (1, "buffer_size"));
        let fcgi = |more: &str| only(&format!("[fcgi-program:f]\ncommand=x\nsocket=unix:///a\n{more}"));
        assert!(is_same_group(&fcgi(""), &fcgi("socket_mode=0600")));
    }

    #[test]
    fn a_change_of_the_whole_is_told() {
        let config = |text: &str| load_ini(text).expect("loads").config;
        let told: Vec<String> = whole(&config(""), &config("loglevel=debug\n[inet_http_server]\nport=9001"))
            .into_iter()
            .map(|d| d.setting)
            .collect();
        assert_eq!(told, ["loglevel", "[inet_http_server]"]);
        let server = |password: &str| {
            config(&format!("[inet_http_server]\nport=9001\nusername=u\npassword={password}"))
        };
        let changed = whole(&server("one"), &server("two"));
        assert_eq!(changed.len(), 1);
        assert_eq!(
            (changed[0].setting.as_str(), changed[0].to.as_str()),
            ("[inet_http_server] password", "…")
        );
    }

    /// A setting that is missing here would be changed by nobody and noticed by nobody.
    #[test]
    fn every_setting_of_a_program_is_compared() {
        let names: Vec<String> =
            ["[program:a]", "[eventlistener:a]\nevents=TICK_5", "[fcgi-program:a]\nsocket=unix:///a"]
                .iter()
                .flat_map(|head| {
                    let group = only(&format!("{head}\ncommand=x\n"));
                    let mut all = json::group(&group, &[], true);
                    json::extend(&mut all, json::process(&group.programs[0], true));
                    all.as_object().expect("a map").keys().cloned().collect::<Vec<_>>()
                })
                .collect();
        // A socket is compared by its address; three of them make other processes; three count for the start of the whole
        // alone, and Supervisor does not know them.
        let others = [
            "socket",
            "process_name",
            "numprocs",
            "numprocs_start",
            "socket_backlog",
            "socket_owner",
            "socket_mode",
            "dependent_startup",
            "dependent_startup_wait_for",
            "dependent_startup_inherit_priority",
        ];
        let of_programs = |s: &&Setting| s.kinds.iter().any(|k| PROGRAMS.contains(k));
        for setting in all().filter(|s| of_programs(s) && !settings::is_native(s.key)) {
            let is_there = names.iter().any(|n| n == setting.key) || others.contains(&setting.key);
            assert!(is_there, "{} is not compared", setting.key);
        }
    }

    /// The same for ours: each is written in turn, added, and taken away again.
    #[test]
    fn every_setting_of_ours_is_compared_both_ways() {
        for setting in settings::native() {
            // It needs something beside it, or names somebody; it is off as it is, or means nothing by itself.
            let beside = match setting.key {
                key if key.starts_with("readiness_") && !key.ends_with("_http") => "readiness_tcp=1\n",
                key if key.starts_with("liveness_") && !key.ends_with("_http") => "liveness_tcp=1\n",
                "schedule_timezone" | "schedule_overlap" => "schedule=* * * * *\n",
                "restart_window" => "max_restarts=1\n",
                "hook_timeout" => "pre_start=x\n",
                _ => "",
            };
            let value = match setting.key {
                "depends_on" => "b",
                "enabled" => "no",
                "bind" => "stop",
                "schedule_overlap" => "queue",
                "schedule_timezone" => "UTC",
                "log_capture" => "false",
                "log_format" => "json",
                "log_overflow" => "drop",
                "env_inherit" => "false",
                "gates" => "live",
                "backoff_factor" => "3",
                "backoff_jitter" => "3",
                "liveness_success_threshold" => continue,
                key if key.ends_with("_fd") => "5",
                _ => match setting.ty {
                    Type::Bool | Type::Choice(["true", "false"]) => "true",
                    Type::Choice(words) => words.last().expect("a word"),
                    Type::Form(example) => example,
                    Type::Pairs => "A=\"/a\"",
                    Type::Size => "1MB",
                    Type::Path => "/srv",
                    Type::Command => "sh -c x",
                    Type::List => "www",
                    _ => "7",
                },
            };
            // Of two kinds of checks only one may be there.
            let is_kind = ["exec", "tcp", "log", "notify", "fd"]
                .iter()
                .any(|k| setting.key.ends_with(&format!("ness_{k}")));
            let (before, after) = if is_kind { ("", "") } else { (beside, beside) };
            let of = |text: &str| {
                let text = format!("[program:a]\ncommand=x\n{text}\n[program:b]\ncommand=x\n");
                let mut groups = groups_of_ini(&text);
                groups.remove(0).programs.remove(0)
            };
            let (without, with) = (of(before), of(&format!("{after}{}={value}", setting.key)));
            for (from, to) in [(&without, &with), (&with, &without)] {
                let told: Vec<(String, Change)> =
                    program(from, to).into_iter().map(|d| (d.setting, d.change)).collect();
                assert!(
                    told.contains(&(setting.key.to_owned(), setting.change)),
                    "{}: {told:?}",
                    setting.key
                );
            }
        }
    }
}
