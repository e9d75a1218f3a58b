//! Configurations: whatever the text, an answer that the rest of the crate and a person can use.

use super::{Target, ensure, seeds};
use crate::machine::Machine;
use crate::mutate;
use crate::rng::Rng;
use mainstay::config::diag::{Diagnostic, Diagnostics, Severity};
use mainstay::config::model::Config;
use mainstay::config::print::{to_env, to_json, to_toml};
use mainstay::config::{Loaded, Sources, load};
use std::collections::BTreeSet;

/// Stands between the main file and an included one.
const NEXT_FILE: u8 = 0x1e;

/// A configuration in one file (INI: or two).
pub(super) struct Files {
    name: &'static str,
    path: &'static str,
    seeds: Vec<Vec<u8>>,
    words: Vec<String>,
}

impl Files {
    pub(super) fn ini() -> Files {
        Files { name: "ini", path: "/e/s.conf", seeds: seeds::ini(), words: seeds::ini_words() }
    }

    pub(super) fn toml() -> Files {
        Files { name: "toml", path: "/e/m.toml", seeds: seeds::toml(), words: seeds::toml_words() }
    }
}

impl Target for Files {
    fn name(&self) -> &'static str {
        self.name
    }

    fn quick_cases(&self) -> u64 {
        400
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = mutate::mutant(rng, &self.seeds, &self.words);
        // COMPAT: without this section nothing else of a file is looked at.
        if self.name == "ini" && rng.percent(60) {
            bytes.splice(0..0, b"[supervisord]\n".iter().copied());
        }
        bytes
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let mut files = input.splitn(2, |b| *b == NEXT_FILE);
        let main = files.next().unwrap_or_default();
        let part = files.next().unwrap_or(b"[program:part]\ncommand=part\n");
        let mut machine = Machine::default();
        machine.files.insert(self.path.to_owned(), main.to_vec());
        machine.files.insert("/e/conf.d/a.conf".to_owned(), part.to_vec());
        let env = [("HOME", "/root"), ("PATH", "/bin"), ("B", "%(x)s${y}")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        judge(&Sources { file: Some(self.path.into()), env, ..Sources::default() }, &machine)
    }
}

/// A configuration in the environment; one that begins with `+` changes a file.
pub(super) struct Variables {
    seeds: Vec<Vec<u8>>,
    words: Vec<String>,
}

impl Variables {
    pub(super) fn new() -> Variables {
        Variables { seeds: seeds::variables(), words: seeds::variable_words() }
    }
}

impl Target for Variables {
    fn name(&self) -> &'static str {
        "env"
    }

    fn quick_cases(&self) -> u64 {
        600
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        // The mutations think in lines.
        let swap = |b: &u8| match b {
            0 => b'\n',
            b'\n' => 0,
            other => *other,
        };
        let seeds: Vec<Vec<u8>> = self.seeds.iter().map(|s| s.iter().map(swap).collect()).collect();
        let words: Vec<String> = self.words.iter().map(|w| w.replace('\0', "\n")).collect();
        mutate::mutant(rng, &seeds, &words).iter().map(swap).collect()
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let text = String::from_utf8_lossy(input);
        let mut machine = Machine { uid: 1000, ..Machine::default() };
        let mut sources = Sources::default();
        for variable in text.split('\0').filter(|v| !v.is_empty()) {
            let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
            sources.env.push((name.to_owned(), value.to_owned()));
        }
        if text.starts_with('+') {
            let base = "[supervisord]\nloglevel=warn\n[program:web]\ncommand=old\n[group:g]\nprograms=web\n";
            machine.files.insert("/e/s.conf".to_owned(), base.as_bytes().to_vec());
            sources.file = Some("/e/s.conf".into());
        }
        judge(&sources, &machine)
    }
}

/// What holds for any sources; whether there is anything to run.
fn judge(sources: &Sources, machine: &Machine) -> Result<bool, String> {
    let result = load(sources, machine);
    match (&result, load(sources, machine)) {
        (Ok(one), Ok(other)) => {
            ensure(one.config == other.config, || "not the same twice: the configuration".into())?;
            ensure(one.warnings == other.warnings, || "not the same twice: the warnings".into())?;
        }
        (Err(one), Err(other)) => ensure(*one == other, || "not the same twice: the findings".into())?,
        _ => return Err("not the same twice: whether it loads".into()),
    }
    match result {
        Ok(loaded) => {
            judge_findings(&loaded.warnings, sources, machine)?;
            judge_loaded(&loaded)?;
            judge_conversion(&loaded.config)?;
            Ok(loaded.config.processes().next().is_some())
        }
        Err(found) => {
            ensure(found.has_errors(), || format!("refused without an error: {}", found.render()))?;
            judge_findings(&found, sources, machine)?;
            Ok(false)
        }
    }
}

fn judge_findings(found: &Diagnostics, sources: &Sources, machine: &Machine) -> Result<(), String> {
    found.items.iter().try_for_each(|finding| {
        let shown = finding.render();
        let word = if finding.severity == Severity::Error { "error: " } else { "warning: " };
        ensure(shown.starts_with(word) && shown.ends_with('\n'), || format!("badly rendered: {shown:?}"))?;
        ensure(!finding.message.trim().is_empty(), || format!("no message: {finding:?}"))?;
        judge_span(finding, sources, machine)
    })
}

/// A place is a name, or characters of a line of a file that was read.
fn judge_span(finding: &Diagnostic, sources: &Sources, machine: &Machine) -> Result<(), String> {
    let Some(span) = &finding.span else { return Ok(()) };
    ensure(!span.source.is_empty(), || format!("a place without a source: {finding:?}"))?;
    if span.line == 0 {
        return Ok(());
    }
    let Some(bytes) = machine.files.get(&span.source) else {
        return Err(format!("a place in a file that is not there: {finding:?} of {sources:?}"));
    };
    let text = String::from_utf8_lossy(bytes);
    // What ends a line depends on the language; no more lines than the most generous one sees.
    let is_end = |c: char| matches!(c, '\n' | '\r' | '\u{b}'..='\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let n_lines = text.chars().filter(|c| is_end(*c)).count() + 1;
    ensure(span.line as usize <= n_lines, || format!("a place below the text: {finding:?}"))?;
    ensure(text.contains(&span.text), || format!("a line that is not in the text: {finding:?}"))?;
    let n_chars = u32::try_from(span.text.chars().count()).unwrap_or(u32::MAX);
    let inside = span.column >= 1 && span.width >= 1 && span.column - 1 + span.width <= n_chars.max(1) + 1;
    ensure(inside, || format!("a place outside of its line: {finding:?}"))
}

/// The invariants that `config::model` promises.
fn judge_loaded(loaded: &Loaded) -> Result<(), String> {
    ensure(!loaded.warnings.has_errors(), || format!("loaded with errors: {}", loaded.warnings.render()))?;
    let config = &loaded.config;
    let sorted = config.groups.is_sorted_by(|a, b| (a.priority, &a.name) <= (b.priority, &b.name));
    ensure(sorted, || "groups out of order".into())?;
    let mut groups = BTreeSet::new();
    for group in &config.groups {
        ensure(groups.insert(&group.name), || format!("two groups of one name: {}", group.name))?;
        ensure(!group.name.is_empty(), || "a group without a name".into())?;
        let mut names = BTreeSet::new();
        for program in &group.programs {
            ensure(names.insert(&program.name), || format!("two processes of one name: {}", program.name))?;
            ensure(program.group == group.name, || format!("a process in another group: {}", program.name))?;
            let stop = program.stopsignal.0;
            ensure((0..=64).contains(&stop), || format!("a stop signal that does not exist: {stop}"))?;
            let is_whole = program.killasgroup || !program.stopasgroup;
            ensure(is_whole, || format!("stops as a group but does not kill as one: {}", program.name))?;
            let umask = program.umask.unwrap_or(0);
            ensure(umask <= 0o7777, || format!("a umask out of range: {umask:o}"))?;
        }
    }
    Ok(())
}

/// `mainstay check` shows it as JSON and as TOML, and the TOML loads to the same processes.
fn judge_conversion(config: &Config) -> Result<(), String> {
    let json = to_json(config, false).to_string();
    ensure(!json.is_empty(), || "no JSON".into())?;
    let hidden = to_toml(config, false);
    ensure(!hidden.is_empty() || config.groups.is_empty(), || "no TOML".into())?;
    let text = to_toml(config, true);
    let mut machine = Machine::default();
    machine.files.insert("/e/again.toml".to_owned(), text.clone().into_bytes());
    let sources = Sources { file: Some("/e/again.toml".into()), ..Sources::default() };
    let variables = config.processes().flat_map(|p| &p.environment).chain(&config.supervisor.environment);
    if variables.into_iter().any(|(name, _)| name.contains('\0') || name.chars().skip(1).any(|c| c == '=')) {
        // COMPAT: Supervisor takes `"A=B"=1` for a variable `"A=B"`, and then cannot start the program; TOML refuses it.
        return Ok(());
    }
    match load(&sources, &machine) {
        Ok(again) => {
            let (want, got) = (processes(config), processes(&again.config));
            ensure(want == got, || format!("converted to other processes: {want:?} to {got:?} by\n{text}"))
        }
        Err(found) => Err(format!("converted to TOML that does not load: {}\n{text}", found.render())),
    }?;
    judge_variables(config)
}

/// The same for variables, where they can say it all. They have no order.
fn judge_variables(config: &Config) -> Result<(), String> {
    let text = to_env(config, true);
    if text.contains("# left out, because") || config.groups.is_empty() {
        return Ok(());
    }
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let env = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    match load(&Sources { env, ..Sources::default() }, &Machine::default()) {
        Ok(again) => {
            let [mut want, mut got] = [processes(config), processes(&again.config)];
            want.sort();
            got.sort();
            ensure(want == got, || format!("variables make other processes: {want:?} to {got:?} by\n{text}"))
        }
        Err(found) => Err(format!("variables that do not load: {}\n{text}", found.render())),
    }
}

/// Group, name, and what is run.
fn processes(config: &Config) -> Vec<(String, String, Result<Vec<String>, String>)> {
    config.processes().map(|p| (p.group.clone(), p.name.clone(), p.argv.clone())).collect()
}
