//! The real parser's answers for real files, value for value: `../shared/corpus` or `$CORPUS`.
//!
//! Reads the corpus, and nothing else. The machine is neutralised as `oracle.py` says (N1 to N8).

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::config::diag::Diagnostics;
use crate::config::glob::{Directory, expand};
use crate::config::model::{Backoff, Config, ControlAddress, Dialect};
use crate::config::print::{to_env, to_json, to_toml};
use crate::config::world::{UserRecord, World};
use crate::config::{Loaded, Search, Sources, load};
use crate::types::LogLevel;

/// Answers of Supervisor that the corpus had when this was written; it may grow.
const RESULTS: usize = 375;
/// Files of it that are accepted.
const CONVERTIBLE: usize = 270;
/// Files of it whose programs have names that variables can have.
const SAYABLE: usize = 50;

#[test]
fn every_file_of_the_corpus_means_what_supervisor_says_it_means() {
    let Some(corpus) = Corpus::find() else {
        eprintln!("skipped: no corpus beside the checkout and none in $CORPUS");
        return;
    };
    let mut tally = Tally::default();
    for file in corpus.list("", ".conf") {
        let id = file.trim_end_matches(".conf").to_owned();
        let path = corpus.dir.join(&file);
        let all = corpus.run(&path, "all", false);
        tally.compare(&corpus, &format!("expected/{id}.json"), &path, "all", all);
        if corpus.dir.join(format!("expected-noenv/{id}.json")).exists() {
            let base = corpus.run(&path, "base", false);
            tally.compare(&corpus, &format!("expected-noenv/{id}.json"), &path, "base", base);
        }
    }
    for file in corpus.list("expected-bundles", ".json") {
        let bundle = corpus.dir.join("bundles").join(file.trim_end_matches(".json")).join("supervisord.conf");
        let result = corpus.run(&bundle, "all", true);
        tally.compare(&corpus, &format!("expected-bundles/{file}"), &bundle, "all", result);
    }
    let compared = tally.agree + tally.differ.len();
    eprintln!("corpus: {compared} results compared, {} agree, {} differ", tally.agree, tally.differ.len());
    assert_eq!(compared, corpus.results(), "a result of the corpus was not compared with anything");
    assert!(compared >= RESULTS, "the corpus is incomplete: {compared} of {RESULTS} results");
    assert!(tally.differ.is_empty(), "{}", tally.differ.join("\n"));
}

#[test]
fn every_file_of_the_corpus_can_be_converted_to_toml_and_means_the_same() {
    let Some(corpus) = Corpus::find() else {
        eprintln!("skipped: no corpus beside the checkout and none in $CORPUS");
        return;
    };
    let mut differ = Vec::new();
    let mut agree = 0;
    for file in corpus
        .list("", ".conf")
        .into_iter()
        .chain(corpus.list("wrap", ".ini").iter().map(|f| format!("wrap/{f}")))
    {
        let Ok(loaded) = corpus.run(&corpus.dir.join(&file), "all", true) else { continue };
        let text = to_toml(&loaded.config, true);
        let again = corpus.run_text(&text);
        let mut differences = Vec::new();
        match again {
            Ok(again) => {
                let (want, got) = (converted(&loaded.config), converted(&again.config));
                diff("", &to_json(&want, true), &to_json(&got, true), &mut differences);
                if differences.is_empty() && want != got {
                    differences.push(format!("{want:?}\n{got:?}"));
                }
            }
            Err(found) => differences.push(found.render()),
        }
        if differences.is_empty() {
            agree += 1;
        } else {
            differ.push(format!("{file}:\n  {}\n{text}", differences.join("\n  ")));
        }
    }
    eprintln!("conversion: {} files compared, {agree} agree, {} differ", agree + differ.len(), differ.len());
    assert!(agree >= CONVERTIBLE, "the corpus is incomplete: {agree} of {CONVERTIBLE} files agree");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn every_file_of_the_corpus_means_the_same_in_variables_where_they_can_say_it() {
    let Some(corpus) = Corpus::find() else {
        eprintln!("skipped: no corpus beside the checkout and none in $CORPUS");
        return;
    };
    let mut agree = 0;
    for file in corpus.list("", ".conf") {
        let Ok(loaded) = corpus.run(&corpus.dir.join(&file), "all", true) else { continue };
        let text = to_env(&loaded.config, true);
        if text.contains("# left out, because") || loaded.config.groups.is_empty() {
            continue;
        }
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let env = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let world = Neutral { dir: corpus.dir.clone(), allow_glob: false, text: None };
        let again = load(&Sources { env, ..Sources::default() }, &world);
        let again = again.unwrap_or_else(|found| panic!("{file}:\n{}{text}", found.render()));
        let [mut want, mut got] = [converted(&loaded.config), converted(&again.config)];
        for config in [&mut want, &mut got] {
            // Variables have no order.
            config.groups.sort_by(|a, b| a.name.cmp(&b.name));
        }
        assert_eq!(to_json(&got, true), to_json(&want, true), "{file}:\n{text}");
        agree += 1;
    }
    eprintln!("variables: {agree} files agree");
    assert!(agree >= SAYABLE, "the corpus is incomplete: {agree} of {SAYABLE} files agree");
}

/// Without what comes with the language, and without servers that TOML cannot say.
fn converted(config: &Config) -> Config {
    let mut config = config.clone();
    config.dialect = Dialect::Toml;
    config.path = None;
    config.supervisor.nodaemon = true;
    config.supervisor.log_stream = None;
    let auth = config.control.first().map(|s| s.auth.clone());
    let mut kinds = Vec::new();
    config.control.retain_mut(|server| {
        let kind = matches!(server.address, ControlAddress::Unix { .. });
        server.section = String::new();
        server.host = None;
        let is_said = !kinds.contains(&kind) && Some(&server.auth) == auth.as_ref();
        kinds.push(kind);
        is_said
    });
    for program in config.groups.iter_mut().flat_map(|g| &mut g.programs) {
        program.backoff = Backoff::Linear;
    }
    config
}

#[derive(Default)]
struct Tally {
    agree: usize,
    differ: Vec<String>,
}

impl Tally {
    fn compare(
        &mut self,
        corpus: &Corpus,
        expected: &str,
        path: &Path,
        env: &str,
        result: Result<Loaded, Diagnostics>,
    ) {
        let want = corpus.json(expected);
        let mut result = result;
        if want["mode"] == "wrapped" {
            let direct = outcome(corpus, &result);
            if direct["error"] != want["direct_error"] {
                self.differ.push(format!(
                    "{expected}: direct {} instead of {}",
                    direct["error"], want["direct_error"]
                ));
            }
            let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            result = corpus.run(&corpus.dir.join(format!("wrap/{name}.ini")), env, true);
        }
        let got = outcome(corpus, &result);
        let mut differences = Vec::new();
        diff("", &neutral(want), &neutral(got), &mut differences);
        if differences.is_empty() {
            self.agree += 1;
        } else {
            self.differ.push(format!("{expected}:\n  {}", differences.join("\n  ")));
        }
    }
}

/// Our answer in the oracle's shape.
fn outcome(corpus: &Corpus, result: &Result<Loaded, Diagnostics>) -> Value {
    let value = match result {
        Err(found) => json!({ "ok": false, "error": found.supervisor().unwrap_or("(no words)") }),
        Ok(loaded) => {
            let lines = |level| {
                let notes = loaded.notes.iter().filter(move |(l, _)| *l == level);
                notes.map(|(_, text)| text.clone()).collect::<Vec<_>>()
            };
            let mut value = to_json(&loaded.config, true);
            value["ok"] = json!(true);
            value["criticals"] = json!(lines(LogLevel::Critical));
            value["warnings"] = json!(lines(LogLevel::Warn));
            value["infos"] = json!(lines(LogLevel::Info));
            value
        }
    };
    corpus.clean(value)
}

/// Takes away what the two models cannot both say.
fn neutral(mut value: Value) -> Value {
    // Not part of `Config`: plug-ins, the client's section, how the oracle was run.
    for key in ["rpcinterfaces", "supervisorctl", "mode", "direct_error", "exception", "mainstay"] {
        if let Value::Object(map) = &mut value {
            map.remove(key);
        }
    }
    // What real files say in words of ours, Supervisor passes over.
    for group in value["groups"].as_array_mut().into_iter().flatten() {
        for process in group["processes"].as_array_mut().into_iter().flatten() {
            process.as_object_mut().map(|process| process.remove("mainstay"));
        }
    }
    let supervisord = &mut value["supervisord"];
    if supervisord.is_object() {
        // Ours are normalized at once; the directory is chosen when the daemon runs.
        supervisord["logfile"] = Value::Null;
        supervisord["pidfile"] = Value::Null;
        if supervisord["logfile_normalized"] == "/dev/fd/1" {
            supervisord["logfile_normalized"] = json!("/dev/stdout");
        }
        if supervisord["childlogdir"] == "/tmp" {
            supervisord["childlogdir"] = Value::Null;
        }
    }
    for server in value["http_servers"].as_array_mut().into_iter().flatten() {
        neutral_ids(&mut server["chown"]);
    }
    for group in value["groups"].as_array_mut().into_iter().flatten() {
        if group["socket"].is_object() {
            neutral_ids(&mut group["socket"]["owner"]);
        }
        for process in group["processes"].as_array_mut().into_iter().flatten() {
            for key in ["stdout_logfile", "stderr_logfile"] {
                if process[key] == "" {
                    process[key] = Value::Null;
                }
            }
        }
    }
    value
}

/// The oracle prints names where it has them.
fn neutral_ids(value: &mut Value) {
    for id in value.as_array_mut().into_iter().flatten() {
        if let Some(text) = id.as_str() {
            *id = text.parse::<i64>().map_or_else(|_| json!(synthetic_id(text)), |n| json!(n));
        }
    }
}

fn diff(path: &str, want: &Value, got: &Value, out: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(w), Value::Object(g)) => {
            for key in w.keys().chain(g.keys().filter(|k| !w.contains_key(*k))) {
                diff(&format!("{path}.{key}"), &want[key], &got[key], out);
            }
        }
        (Value::Array(w), Value::Array(g)) if w.len() == g.len() => {
            for (i, (w, g)) in w.iter().zip(g).enumerate() {
                diff(&format!("{path}[{i}]"), w, g, out);
            }
        }
        _ if want == got => {}
        _ => out.push(format!("{path}: expected {want}, found {got}")),
    }
}

struct Corpus {
    dir: PathBuf,
    env: Value,
}

impl Corpus {
    #[allow(clippy::disallowed_methods)]
    fn find() -> Option<Corpus> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
        let named = std::env::var("CORPUS").ok().map(PathBuf::from);
        let dir = named.into_iter().chain([beside]).find(|dir| dir.join("env.json").exists())?;
        let dir = std::fs::canonicalize(dir).ok()?;
        let env = serde_json::from_slice(&std::fs::read(dir.join("env.json")).ok()?).ok()?;
        Some(Corpus { dir, env })
    }

    fn list(&self, folder: &str, ending: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.join(folder)).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|n| n.ends_with(ending)).collect();
        names.sort();
        names
    }

    /// How many answers of Supervisor there are.
    fn results(&self) -> usize {
        ["expected", "expected-noenv", "expected-bundles"]
            .iter()
            .map(|dir| self.list(dir, ".json").len())
            .sum()
    }

    fn json(&self, path: &str) -> Value {
        let bytes = std::fs::read(self.dir.join(path)).unwrap();
        serde_json::from_str(&String::from_utf8_lossy(&bytes)).unwrap()
    }

    fn run(&self, path: &Path, env: &str, allow_glob: bool) -> Result<Loaded, Diagnostics> {
        let pairs = self.env[env].as_object().unwrap();
        let sources = Sources {
            file: Some(path.to_path_buf()),
            search: Search::None,
            env: pairs.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned())).collect(),
            ..Sources::default()
        };
        load(&sources, &Neutral { dir: self.dir.clone(), allow_glob, text: None })
    }

    /// Loads a text as a TOML file.
    fn run_text(&self, text: &str) -> Result<Loaded, Diagnostics> {
        let sources = Sources { file: Some("/virtual/converted.toml".into()), ..Sources::default() };
        load(&sources, &Neutral { dir: self.dir.clone(), allow_glob: false, text: Some(text.to_owned()) })
    }

    /// N8; and the oracle's own corpus lay directly below `/tmp`, where `../` of one file leads.
    fn clean(&self, value: Value) -> Value {
        let here = self.dir.to_string_lossy();
        let above = self.dir.parent().unwrap().to_string_lossy();
        match value {
            Value::String(text) => {
                let text = text.replace(&format!("{here}/cwd"), "@CWD@").replace(&*here, "@HERE@");
                json!(text.replace(&format!("{above}/var/"), "/tmp/var/"))
            }
            Value::Array(items) => Value::Array(items.into_iter().map(|v| self.clean(v)).collect()),
            Value::Object(map) => Value::Object(map.into_iter().map(|(k, v)| (k, self.clean(v))).collect()),
            other => other,
        }
    }
}

/// The machine that the oracle pretends to run on.
struct Neutral {
    dir: PathBuf,
    allow_glob: bool,
    /// Every file has this text.
    text: Option<String>,
}

impl Directory for Neutral {
    fn names(&self, dir: &str) -> Vec<String> {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(path).exists()
    }
}

impl World for Neutral {
    fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        self.text.clone().map_or_else(|| std::fs::read(path), |text| Ok(text.into_bytes()))
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        if !self.allow_glob {
            return Vec::new();
        }
        let is_below = |path: &String| std::fs::canonicalize(path).is_ok_and(|p| p.starts_with(&self.dir));
        expand(pattern, self).into_iter().filter(is_below).collect()
    }

    fn dir_exists(&self, _: &str) -> bool {
        true
    }

    fn file_exists(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn user_by_name(&self, name: &str) -> Option<UserRecord> {
        let mut chars = name.trim_end_matches('$').chars();
        let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        let rest = chars.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        let uid = synthetic_id(name);
        (first && rest).then(|| UserRecord { name: name.into(), uid, gid: uid, home: "/root".into() })
    }

    fn user_by_id(&self, uid: u32) -> Option<UserRecord> {
        Some(UserRecord { name: uid.to_string(), uid, gid: uid, home: "/root".into() })
    }

    fn group_by_name(&self, name: &str) -> Option<u32> {
        self.user_by_name(name).map(|u| u.gid)
    }

    fn group_id_exists(&self, _: u32) -> bool {
        true
    }

    fn supplementary_groups(&self, _: &str) -> Vec<u32> {
        Vec::new()
    }

    fn hostname(&self) -> String {
        "corpus-host".into()
    }

    fn home_dir(&self) -> Option<String> {
        Some("/root".into())
    }

    fn cwd(&self) -> String {
        self.dir.join("cwd").to_string_lossy().into_owned()
    }

    fn uid(&self) -> u32 {
        0
    }

    fn resolve_host(&self, _: &str) -> Option<IpAddr> {
        None
    }

    fn plugin_exists(&self, spec: &str) -> bool {
        !spec.starts_with("supervisor.") || crate::config::settings::PLUGINS.contains(&spec)
    }
}

/// N1: 0 for root, else a number made of the name.
fn synthetic_id(name: &str) -> u32 {
    if name == "root" { 0 } else { 1000 + crc32(name.as_bytes()) % 60000 }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    let table = |byte: u32| (0..8).fold(byte, |crc, _| step(crc));
    !bytes.iter().fold(!0, |crc, b| (crc >> 8) ^ table((crc ^ u32::from(*b)) & 0xff))
}
