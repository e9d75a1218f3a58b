//! The settings that Supervisor does not know, as keys and values for each of the languages.
//!
//! Pure. Invariant: what is what it would be anyway is left out, and what is there is read to the same again.
//! Not here: how a language quotes (`toml`, `ini`), Supervisor's own settings.

use serde_json::{Value, json};

use crate::config::model::{
    Backoff, Bind, EnvSources, Gates, Hooks, Inherit, Limits, LogFormat, LogOverflow, LogTarget, Overlap,
    Probe, ProbeKind, Program, SignalTarget, Supervisor,
};
use crate::config::raw::SectionKind;
use crate::config::settings;
use crate::config::validate::native::checks::{FAILURES, PERIOD_MS, timeout_of};
use crate::config::validate::native::{HOOK_MS, WINDOW_MS};
use crate::config::values::{ladder, limits, needs, sources};

/// A value before a language writes it.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::config) enum Shown {
    Text(String),
    /// A text in which nothing is expanded when it is read.
    Verbatim(String),
    Number(i64),
    Flag(bool),
    /// Milliseconds.
    Time(i64),
    List(Vec<String>),
    Pairs(Vec<(String, String)>),
}

impl Shown {
    pub(in crate::config) fn json(&self) -> Value {
        match self {
            Shown::Text(text) | Shown::Verbatim(text) => json!(text),
            Shown::Number(n) => json!(n),
            Shown::Flag(flag) => json!(flag),
            Shown::Time(ms) => super::json::seconds(*ms),
            Shown::List(items) => json!(items),
            Shown::Pairs(pairs) => Value::Object(pairs.iter().map(|(k, v)| (k.clone(), json!(v))).collect()),
        }
    }
}

/// A time as all three languages read it.
pub(in crate::config) fn time(ms: i64) -> String {
    if ms % 1000 == 0 { (ms / 1000).to_string() } else { format!("{ms}ms") }
}

pub(in crate::config) type Field = (&'static str, Shown);

struct Fields(Vec<Field>);

impl Fields {
    fn put(&mut self, key: &str, value: Shown) {
        let setting =
            [SectionKind::Program, SectionKind::Mainstay].into_iter().find_map(|k| settings::find(k, key));
        self.0.extend(setting.map(|setting| (setting.key, value)));
    }

    fn text(&mut self, key: &str, text: &str) {
        self.put(key, Shown::Text(text.to_owned()));
    }

    fn time(&mut self, key: &str, ms: i64, default: i64) {
        if ms != default {
            self.put(key, Shown::Time(ms));
        }
    }

    fn number(&mut self, key: &str, n: i64, default: i64) {
        if n != default {
            self.put(key, Shown::Number(n));
        }
    }

    fn flag(&mut self, key: &str, flag: bool) {
        if flag {
            self.put(key, Shown::Flag(true));
        }
    }

    fn list(&mut self, key: &str, items: Vec<String>) {
        if !items.is_empty() {
            self.put(key, Shown::List(items));
        }
    }
}

/// What a program has of them.
pub(in crate::config) fn fields(p: &Program) -> Vec<Field> {
    let mut f = Fields(Vec::new());
    let n = &p.native;
    if let Some(expression) = &n.disabled {
        f.put("enabled", Shown::Verbatim(expression.clone()));
    }
    f.list(
        "depends_on",
        n.depends_on.iter().map(|d| format!("{}:{}", d.target, needs::shown(d.need))).collect(),
    );
    match n.bind {
        Bind::None => {}
        Bind::Stop => f.text("bind", "stop"),
        Bind::Restart => f.text("bind", "restart"),
    }
    f.flag("oneshot", n.oneshot);
    if let Some(schedule) = &n.schedule {
        f.text("schedule", &schedule.text);
        schedule.timezone.iter().for_each(|zone| f.text("schedule_timezone", zone));
        match schedule.overlap {
            Overlap::Skip => {}
            Overlap::Queue => f.text("schedule_overlap", "queue"),
            Overlap::Replace => f.text("schedule_overlap", "replace"),
        }
    }
    n.readiness.iter().for_each(|probe| check(&mut f, "readiness", probe));
    n.liveness.iter().for_each(|probe| check(&mut f, "liveness", probe));
    gates(&mut f, n.gates);
    f.flag("critical", n.critical);
    backoff(&mut f, p.backoff);
    if let Some(most) = n.max_restarts {
        f.put("max_restarts", Shown::Number(most.into()));
        f.time("restart_window", n.restart_window_ms, WINDOW_MS);
    }
    n.hooks.iter().for_each(|all| hooks(&mut f, all));
    if let Some(target) = n.signal_target {
        f.text(
            "signal_target",
            match target {
                SignalTarget::Process => "process",
                SignalTarget::Group => "group",
                SignalTarget::Tree => "tree",
            },
        );
    }
    log(&mut f, p);
    n.env.iter().for_each(|all| env(&mut f, all));
    n.limits.iter().for_each(|all| rights(&mut f, all));
    f.0
}

/// What the whole has of them.
pub(in crate::config) fn whole(s: &Supervisor) -> Vec<Field> {
    let mut f = Fields(Vec::new());
    f.time("drain_delay", s.drain_delay_ms, 0);
    s.shutdown_timeout_ms.iter().for_each(|ms| f.put("shutdown_timeout", Shown::Time(*ms)));
    s.termination_log.iter().for_each(|path| f.text("termination_log", &path.to_string_lossy()));
    f.0
}

/// What signals do: the name, and what is written of it.
pub(in crate::config) fn signals(s: &Supervisor) -> Vec<(String, String)> {
    let name = |signal| settings::routed_name(signal).unwrap_or_default().to_uppercase();
    s.signals.iter().map(|(signal, route)| (name(*signal), ladder::shown_route(route))).collect()
}

/// The steps of a stop, where there are several.
pub(in crate::config) fn stop_ladder(p: &Program) -> Option<String> {
    let steps = &p.native.stop_ladder;
    (!steps.is_empty()).then(|| ladder::shown(p.stopsignal, p.stopwaitsecs_ms, steps))
}

/// Whether its output goes past us.
pub(in crate::config) fn is_not_captured(p: &Program) -> bool {
    p.stdout.target == LogTarget::Inherit && p.stderr.target == LogTarget::Inherit && !p.main
}

fn check(f: &mut Fields, word: &str, probe: &Probe) {
    let key = |rest: &str| format!("{word}_{rest}");
    match &probe.how {
        ProbeKind::Exec { text, .. } => f.text(&key("exec"), text),
        ProbeKind::Http { url } => f.text(&key("http"), url),
        ProbeKind::Tcp { address } => f.text(&key("tcp"), address),
        ProbeKind::Log { pattern } => f.text(&key("log"), pattern),
        ProbeKind::Notify => f.flag(&key("notify"), true),
        ProbeKind::Fd(fd) => f.put(&key("fd"), Shown::Number((*fd).into())),
    }
    f.time(&key("period"), probe.period_ms, PERIOD_MS);
    f.time(&key("timeout"), probe.timeout_ms, timeout_of(&probe.how, word == "liveness"));
    f.time(&key("initial_delay"), probe.initial_delay_ms, 0);
    f.number(&key("success_threshold"), probe.success_threshold.into(), 1);
    f.number(&key("failure_threshold"), probe.failure_threshold.into(), FAILURES.into());
}

fn gates(f: &mut Fields, gates: Gates) {
    if gates == Gates::default() {
        return;
    }
    let all = [("live", gates.live), ("ready", gates.ready), ("startup", gates.startup)];
    let mut words: Vec<String> =
        all.into_iter().filter(|(_, on)| *on).map(|(word, _)| word.to_owned()).collect();
    if words.is_empty() {
        words.push("none".to_owned());
    }
    f.list("gates", words);
}

/// One of them is always said: it is what tells a growing wait from Supervisor's in INI.
fn backoff(f: &mut Fields, backoff: Backoff) {
    let Backoff::Exponential { initial_ms, factor_percent, max_ms, jitter_percent, reset_after_ms } = backoff
    else {
        return;
    };
    f.put("backoff_initial", Shown::Time(initial_ms));
    if factor_percent != 200 {
        let text = format!("{}.{:02}", factor_percent / 100, factor_percent % 100);
        f.text("backoff_factor", text.trim_end_matches('0').trim_end_matches('.'));
    }
    f.time("backoff_max", max_ms, 60_000);
    f.number("backoff_jitter", jitter_percent.into(), 10);
    f.time("backoff_reset_after", reset_after_ms, 60_000);
}

fn hooks(f: &mut Fields, hooks: &Hooks) {
    let all = [
        ("pre_start", &hooks.pre_start),
        ("post_stop", &hooks.post_stop),
        ("stop_command", &hooks.stop_command),
    ];
    for (key, hook) in all {
        hook.iter().for_each(|hook| f.text(key, &hook.text));
    }
    f.time("hook_timeout", hooks.timeout_ms, HOOK_MS);
}

fn log(f: &mut Fields, p: &Program) {
    let style = &p.native.log;
    match style.format {
        LogFormat::Raw => {}
        LogFormat::Prefix => f.text("log_format", "prefix"),
        LogFormat::Json => f.text("log_format", "json"),
    }
    if style.overflow == LogOverflow::Drop {
        f.text("log_overflow", "drop");
    }
    f.number("log_rate_limit", style.rate_limit.into(), 0);
    if is_not_captured(p) {
        f.put("log_capture", Shown::Flag(false));
    }
}

/// Paths are no secrets; what is in the files never comes here.
fn env(f: &mut Fields, env: &EnvSources) {
    f.list("env_file", env.files.iter().map(sources::shown).collect());
    f.list("env_dir", env.dirs.iter().map(sources::shown).collect());
    if !env.from_file.is_empty() {
        let pairs = env.from_file.iter().map(|(name, path)| (name.clone(), sources::shown(path)));
        f.put("env_from_file", Shown::Pairs(pairs.collect()));
    }
    match &env.inherit {
        Inherit::All => {}
        Inherit::Only(names) if names.is_empty() => f.put("env_inherit", Shown::Flag(false)),
        Inherit::Only(names) => f.list("env_inherit", names.clone()),
    }
}

fn rights(f: &mut Fields, l: &Limits) {
    for (name, soft, hard) in &l.rlimits {
        f.text(&format!("rlimit_{name}"), &limits::shown_rlimit(*soft, *hard));
    }
    l.nice.iter().for_each(|n| f.put("nice", Shown::Number((*n).into())));
    l.ionice.iter().for_each(|io| f.text("ionice", &limits::shown_ionice(*io)));
    l.oom_score_adj.iter().for_each(|n| f.put("oom_score_adj", Shown::Number((*n).into())));
    f.flag("no_new_privs", l.no_new_privs);
    l.capabilities.iter().for_each(|all| f.list("capabilities", limits::shown_capabilities(all)));
    for (key, all) in
        [("capabilities_drop", &l.capabilities_drop), ("capabilities_ambient", &l.capabilities_ambient)]
    {
        if !all.is_empty() {
            f.list(key, limits::shown_capabilities(all));
        }
    }
    if let Some(groups) = &l.groups {
        let names: Vec<String> = groups.iter().map(u32::to_string).collect();
        f.list("groups", if names.is_empty() { vec!["none".to_owned()] } else { names });
    }
    l.chroot.iter().for_each(|path| f.text("chroot", &path.to_string_lossy()));
    l.memory_max.iter().for_each(|n| f.text("memory_max", &n.to_string()));
}

/// The same for JSON.
pub(in crate::config) fn json_of(fields: Vec<Field>) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value.json())).collect())
}
