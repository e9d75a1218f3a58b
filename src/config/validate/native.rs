//! The settings of one process that Supervisor does not know.
//!
//! Invariants: a section without any of them costs one look at its keys; of several mistakes each is reported; what is
//! left out is what it was without us. Not here: the forms of values (`values`), whom a program depends on (`depends`),
//! which need all programs to be known.

pub(crate) mod checks;
mod limits;
mod switch;
#[cfg(test)]
mod tests;

use crate::config::cron::Cron;
use crate::config::expand::{Names, expand};
use crate::config::model::{
    Backoff, Bind, Dialect, EnvSources, Gates, HookCommand, Hooks, Inherit, LogFormat, LogOverflow, LogStyle,
    Native, Overlap, Schedule, SignalTarget,
};
use crate::config::raw::SectionKind;
use crate::config::settings;
use crate::config::values::words::{self, choice, duration_ms, tally};
use crate::config::values::{self, Bad, Input, command, sources};
use crate::config::zone;

use super::reader::{Convert, Passes, Reader, Reported, View};

/// What is read of one process.
pub(crate) struct Own {
    pub(crate) native: Native,
    pub(crate) backoff: Backoff,
    /// `log_capture`.
    pub(crate) captures: bool,
}

/// A section while its settings are read.
struct Source<'r, 'a> {
    r: &'r mut Reader<'a>,
    view: &'r View<'a>,
    names: &'r Names,
}

impl Source<'_, '_> {
    fn get<T>(&mut self, key: &str, convert: Convert<T>) -> Result<Option<T>, Reported> {
        // A word that is not known in this kind of section has no effect there.
        if settings::find(self.view.kind, key).is_none() {
            return Ok(None);
        }
        self.r.optional(self.view, key, self.names, Passes::Ours, convert)
    }

    fn flag(&mut self, key: &str) -> Result<bool, Reported> {
        self.get(key, values::boolean).map(|flag| flag.unwrap_or(false))
    }

    fn has(&self, key: &str) -> bool {
        self.r.entry(self.view, key).is_some()
    }

    /// Reports that settings do not go together, at the place of one of them.
    fn refuse(&mut self, key: &str, why: &str, hint: &str) -> Reported {
        let message = format!("cannot use `{key}` of {}: {why}", self.view.shown());
        self.r.refuse_section(self.view, key, message, why.to_owned(), hint)
    }
}

pub(crate) fn read<'a>(r: &mut Reader<'a>, view: &View<'a>, names: &Names) -> Result<Own, Reported> {
    let base = if view.dialect == Dialect::Ini { Backoff::Linear } else { Backoff::CONTAINER };
    if !is_used(r, view) {
        return Ok(Own { native: Native::default(), backoff: base, captures: true });
    }
    let mut s = Source { r, view, names };
    let disabled = switch::read(&mut s);
    let bind = s.get("bind", |i| {
        choice(i, &[("none", Bind::None), ("stop", Bind::Stop), ("restart", Bind::Restart)])
    });
    let oneshot = s.flag("oneshot");
    let schedule = schedule(&mut s);
    let readiness = checks::readiness(&mut s);
    let liveness = checks::liveness(&mut s);
    let gates = s.get("gates", gates);
    let critical = s.flag("critical");
    let backoff = backoff(&mut s, base);
    let restarts = restarts(&mut s);
    let hooks = hooks(&mut s);
    let target = s.get("signal_target", |i| choice(i, SIGNAL_TARGETS));
    let log = log(&mut s);
    let captures = captures(&mut s);
    let env = env(&mut s);
    let limits = limits::read(&mut s);
    let (max_restarts, restart_window_ms) = restarts?;
    let native = Native {
        disabled: disabled?,
        depends_on: Vec::new(),
        bind: bind?.unwrap_or(Bind::None),
        oneshot: oneshot?,
        schedule: schedule?,
        readiness: readiness?,
        liveness: liveness?,
        gates: gates?.unwrap_or(Gates::default()),
        critical: critical?,
        max_restarts,
        restart_window_ms,
        stop_ladder: Vec::new(),
        hooks: hooks?,
        signal_target: target?,
        log: log?,
        env: env?,
        limits: limits?,
    };
    check_together(&mut s, &native)?;
    Ok(Own { native, backoff: backoff?, captures: captures? })
}

/// Whether the section, or the defaults that it inherits, has any of our keys.
fn is_used<'a>(r: &Reader<'a>, view: &View<'a>) -> bool {
    let inherited = r.sections(SectionKind::Default).filter(|_| view.dialect == Dialect::Ini);
    let mut all = view.section.into_iter().chain(inherited).flat_map(|s| &s.entries);
    all.any(|e| settings::is_native(&e.key) || checks::ONLY_READINESS.contains(&e.key.as_str()))
}

const SIGNAL_TARGETS: &[(&str, SignalTarget)] =
    &[("process", SignalTarget::Process), ("group", SignalTarget::Group), ("tree", SignalTarget::Tree)];

/// What one process cannot be at once.
fn check_together(s: &mut Source<'_, '_>, native: &Native) -> Result<(), Reported> {
    if native.oneshot && native.schedule.is_some() {
        return Err(s.refuse(
            "oneshot",
            "it has a `schedule`, which runs it again and again",
            "keep one of the two",
        ));
    }
    let runs_to_its_end = native.oneshot || native.schedule.is_some();
    if runs_to_its_end && native.readiness.is_some() {
        let key = checks::key_of(s, "readiness");
        let hint = "let others depend on its end: `depends_on = name:completed`";
        return Err(s.refuse(&key, "it runs to its end, and has no time when it is ready", hint));
    }
    Ok(())
}

fn gates(input: &Input<'_>) -> Result<Gates, Bad> {
    let mut gates = Gates { live: false, ready: false, startup: false };
    for word in words::words(input)? {
        match word.to_lowercase().as_str() {
            "live" => gates.live = true,
            "ready" => gates.ready = true,
            "startup" => gates.startup = true,
            "none" => {}
            _ => return Err(words::unknown(&word, ["live", "ready", "startup", "none"].into_iter())),
        }
    }
    Ok(gates)
}

fn schedule(s: &mut Source<'_, '_>) -> Result<Option<Box<Schedule>>, Reported> {
    let cron = s.get("schedule", cron);
    let timezone = s.get("schedule_timezone", words::word);
    let overlap = s.get("schedule_overlap", |i| {
        choice(i, &[("skip", Overlap::Skip), ("queue", Overlap::Queue), ("replace", Overlap::Replace)])
    });
    let Some((text, cron)) = cron? else {
        let orphan = ["schedule_timezone", "schedule_overlap"].into_iter().find(|key| s.has(key));
        return orphan.map_or(Ok(None), |key| {
            Err(s.refuse(key, "there is no `schedule`", "add one, such as `schedule = */5 * * * *`"))
        });
    };
    let timezone = timezone?;
    let variable = |name: &str| expand(&format!("%(ENV_{name})s"), &s.r.env).ok();
    let zone = match &timezone {
        None => Ok(zone::ours(&variable, s.r.world)),
        Some(name) => zone::named(name, &variable, s.r.world),
    };
    let zone = zone.map_err(|(what, hint)| s.refuse("schedule_timezone", &what, &hint))?;
    let overlap = overlap?.unwrap_or(Overlap::Skip);
    Ok(Some(Box::new(Schedule { text, timezone, overlap, cron, zone })))
}

fn cron(input: &Input<'_>) -> Result<(String, Cron), Bad> {
    let text = words::word(input)?;
    match Cron::parse(&text) {
        Ok(cron) => Ok((text, cron)),
        Err(e) => Err(Bad::new(e.to_string()).hint(e.hint)),
    }
}

/// Supervisor's stays as it is until one of ours is written.
fn backoff(s: &mut Source<'_, '_>, base: Backoff) -> Result<Backoff, Reported> {
    let initial = s.get("backoff_initial", duration_ms);
    let factor = s.get("backoff_factor", words::factor);
    let max = s.get("backoff_max", duration_ms);
    let jitter = s.get("backoff_jitter", words::percent);
    let reset_after = s.get("backoff_reset_after", duration_ms);
    let (initial, factor, max, jitter, reset_after) = (initial?, factor?, max?, jitter?, reset_after?);
    let Backoff::Exponential { initial_ms, factor_percent, max_ms, jitter_percent, reset_after_ms } =
        Backoff::CONTAINER
    else {
        return Ok(base);
    };
    if initial.is_none() && factor.is_none() && max.is_none() && jitter.is_none() && reset_after.is_none() {
        return Ok(base);
    }
    if let (Some(initial), Some(max)) = (initial, max)
        && initial > max
    {
        return Err(s.refuse(
            "backoff_max",
            "it is below `backoff_initial`",
            "the first wait is the shortest one",
        ));
    }
    // The one that is not written gives way.
    Ok(Backoff::Exponential {
        initial_ms: initial.unwrap_or(initial_ms.min(max.unwrap_or(max_ms))),
        factor_percent: factor.unwrap_or(factor_percent),
        max_ms: max.unwrap_or(max_ms.max(initial.unwrap_or(initial_ms))),
        jitter_percent: jitter.unwrap_or(jitter_percent),
        reset_after_ms: reset_after.unwrap_or(reset_after_ms),
    })
}

/// The window where none is written.
pub(crate) const WINDOW_MS: i64 = 60_000;

fn restarts(s: &mut Source<'_, '_>) -> Result<(Option<u32>, i64), Reported> {
    let most = s.get("max_restarts", tally);
    let window = s.get("restart_window", words::some_duration_ms);
    match (most?, window?) {
        (Some(most), window) => Ok((Some(most), window.unwrap_or(WINDOW_MS))),
        (None, None) => Ok((None, 0)),
        (None, Some(_)) => Err(s.refuse(
            "restart_window",
            "there is no `max_restarts`",
            "add one, such as `max_restarts = 5`",
        )),
    }
}

fn hooks(s: &mut Source<'_, '_>) -> Result<Option<Box<Hooks>>, Reported> {
    let pre_start = s.get("pre_start", hook);
    let post_stop = s.get("post_stop", hook);
    let stop_command = s.get("stop_command", hook);
    let timeout = s.get("hook_timeout", words::some_duration_ms);
    let (pre_start, post_stop, stop_command, timeout) = (pre_start?, post_stop?, stop_command?, timeout?);
    if pre_start.is_none() && post_stop.is_none() && stop_command.is_none() {
        let hint = "add `pre_start` or `post_stop`";
        return timeout.map_or(Ok(None), |_| Err(s.refuse("hook_timeout", "there is no hook", hint)));
    }
    Ok(Some(Box::new(Hooks { pre_start, post_stop, stop_command, timeout_ms: timeout.unwrap_or(HOOK_MS) })))
}

/// The time of a hook where none is written.
pub(crate) const HOOK_MS: i64 = 60_000;

fn hook(input: &Input<'_>) -> Result<HookCommand, Bad> {
    let line = command::command(input)?;
    let argv = line
        .argv
        .map_err(|why| Bad::new(why).hint("write it as in a shell, or as a list of words in TOML"))?;
    Ok(HookCommand { text: line.text, argv })
}

fn log(s: &mut Source<'_, '_>) -> Result<LogStyle, Reported> {
    let format = s.get("log_format", |i| {
        choice(i, &[("raw", LogFormat::Raw), ("prefix", LogFormat::Prefix), ("json", LogFormat::Json)])
    });
    let overflow =
        s.get("log_overflow", |i| choice(i, &[("block", LogOverflow::Block), ("drop", LogOverflow::Drop)]));
    let rate_limit = s.get("log_rate_limit", tally);
    Ok(LogStyle {
        format: format?.unwrap_or(LogFormat::Raw),
        overflow: overflow?.unwrap_or(LogOverflow::Block),
        rate_limit: rate_limit?.unwrap_or(0),
    })
}

fn captures(s: &mut Source<'_, '_>) -> Result<bool, Reported> {
    let captures = s.get("log_capture", values::boolean)?.unwrap_or(true);
    const NEEDS_IT: &[&str] = &[
        "stdout_logfile",
        "stderr_logfile",
        "redirect_stderr",
        "log_format",
        "log_rate_limit",
        "readiness_log",
        "stdout_syslog",
        "stderr_syslog",
        "stdout_events_enabled",
        "stderr_events_enabled",
    ];
    let other = NEEDS_IT.iter().find(|key| !captures && s.has(key));
    other.map_or(Ok(captures), |key| {
        let why = format!("`{key}` needs its output, which does not come to us");
        Err(s.refuse("log_capture", &why, "keep one of the two"))
    })
}

fn env(s: &mut Source<'_, '_>) -> Result<Option<Box<EnvSources>>, Reported> {
    let files = s.get("env_file", sources::paths);
    let dirs = s.get("env_dir", sources::paths);
    let from_file = s.get("env_from_file", sources::from_file);
    let inherit = s.get("env_inherit", sources::inherit);
    let all = EnvSources {
        files: files?.unwrap_or(Vec::new()),
        dirs: dirs?.unwrap_or(Vec::new()),
        from_file: from_file?.unwrap_or(Vec::new()),
        inherit: inherit?.unwrap_or(Inherit::All),
    };
    Ok((all != EnvSources::default()).then(|| Box::new(all)))
}
