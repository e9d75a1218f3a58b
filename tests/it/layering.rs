//! Who may import whom: reads the `use crate::` lines against the map of the design. Also: the engine is pure, and
//! `unsafe` lives in `sys`.

use std::path::{Path, PathBuf};

/// Each part with the parts it may import. Arrows point down the list's meaning, never up: `cli` knows everybody,
/// `types` nobody. A part that is missing here may not be imported at all.
const MAP: &[(&str, &[&str])] = &[
    ("main", &["cli", "sys", "types"]),
    ("lib", &[]),
    (
        "cli",
        &[
            "config", "control", "ctl", "daemon", "engine", "gateway", "journal", "logging", "spawn", "sys",
            "types",
        ],
    ),
    ("daemon", &["config", "control", "engine", "events", "journal", "logging", "spawn", "sys", "types"]),
    ("gateway", &["config", "control", "journal", "sys", "types"]),
    ("ctl", &["config", "control", "gateway", "sys", "types"]),
    ("spawn", &["config", "engine", "sys", "types"]),
    ("logging", &["config", "sys", "types"]),
    ("journal", &["logging", "sys", "types"]),
    ("events", &["types"]),
    ("engine", &["config", "control", "events", "types"]),
    ("control", &["types"]),
    ("config", &["types"]),
    ("sys", &["types"]),
    ("types", &[]),
];

/// Words that would make the engine touch the world.
const WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "Instant",
    "SystemTime",
    "nix::",
    "libc",
    "HashMap",
    "HashSet",
];

struct Source {
    part: String,
    path: String,
    /// Without comments and without what stands below `#[cfg(test)]`.
    code: String,
}

/// Every product file; test modules (`tests.rs`, `*_tests.rs`) are not the product.
fn sources() -> Vec<Source> {
    let root = harness::bins::workspace().join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let path = file.strip_prefix(&root).expect("below src").display().to_string();
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if stem == "tests" || stem.ends_with("_tests") || path.contains("tests/") {
            continue;
        }
        let part = path.split(['/', '.']).next().unwrap_or_default().to_string();
        let text = std::fs::read_to_string(&file).expect("a source file is text");
        found.push(Source { part, path, code: product_code(&text) });
    }
    found
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("src is there").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Drops comments, and everything from a `#[cfg(test)]` that begins a module to the end of the file.
fn product_code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    text[..end].lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// First names of all paths that begin with `crate::`, braces included: `crate::{a::b, c}` gives a and c.
fn imported(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (i, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    names.push(word(&list[i..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    names.retain(|n| !n.is_empty() && n.chars().next().is_some_and(char::is_lowercase));
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for source in sources() {
        let allowed = MAP.iter().find(|(part, _)| *part == source.part).map(|(_, allowed)| *allowed);
        let Some(allowed) = allowed else {
            wrong.push(format!("{}: the part `{}` is not on the map", source.path, source.part));
            continue;
        };
        for name in imported(&source.code) {
            if name != source.part && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: {} may not import {name}", source.path, source.part));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_engine_knows_no_world() {
    let mut wrong = Vec::new();
    for source in sources().into_iter().filter(|s| s.part == "engine") {
        for name in WORLD.iter().filter(|n| source.code.contains(**n)) {
            wrong.push(format!("{}: {name}", source.path));
        }
        for rest in source.code.split("crate::config::").skip(1) {
            if !rest.starts_with("model") {
                wrong.push(format!("{}: of config the engine knows the model only", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn unsafe_lives_in_sys() {
    let is_unsafe = |line: &str| {
        ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "#[unsafe("]
            .iter()
            .any(|w| line.contains(w))
    };
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|s| s.part != "sys" && s.code.lines().any(is_unsafe))
        .map(|s| s.path)
        .collect();
    assert!(wrong.is_empty(), "unsafe outside src/sys: {wrong:?}");
}

/// Who reads the wall clock's value, and what for: a line of the log, a time that is shown. Nothing is decided by it but
/// when a TICK event comes, which is news of that clock, and when a schedule's next run is, which is what that clock is for.
const SHOWN_TIMES: &[&str] = &[
    "daemon/explain.rs",
    "daemon/history.rs",
    "daemon/requests.rs",
    "daemon/state.rs",
    "daemon/subscribe.rs",
    "engine/outlook.rs",
    "engine/process.rs",
    "engine/schedule.rs",
    "engine/view.rs",
    "events/ticks.rs",
    "gateway/web/mod.rs",
    "logging/outlet.rs",
    "logging/syslog.rs",
];

#[test]
fn only_one_file_reads_a_clock_and_only_what_is_shown_uses_the_wall_clock() {
    const CLOCKS: &[&str] =
        &["clock_gettime", "CLOCK_REALTIME", "gettimeofday", "SystemTime", "Instant::now", "libc::time("];
    let mut wrong = Vec::new();
    for source in sources() {
        for name in CLOCKS.iter().filter(|n| source.code.contains(**n)) {
            // A timer that tells when it is set does not read it.
            if !["sys/clock.rs", "sys/clock_watch.rs"].contains(&source.path.as_str()) {
                wrong.push(format!("{}: {name}", source.path));
            }
        }
        if source.code.contains(".wall") && !SHOWN_TIMES.contains(&source.path.as_str()) {
            wrong.push(format!("{}: .wall", source.path));
        }
        // What is shown is never compared.
        let compared = ["wall <", "wall >", "wall =="].iter().any(|w| source.code.contains(w));
        if compared || (source.part == "engine" && source.code.contains("secs()")) {
            wrong.push(format!("{}: decides by the wall clock", source.path));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn nobody_waits_spawns_or_starts_threads_behind_the_cores_back() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|s| !["gateway", "ctl"].contains(&s.part.as_str()))
        .filter(|s| s.code.contains("thread::spawn") || s.code.contains("thread::Builder"))
        .map(|s| s.path)
        .collect();
    assert!(wrong.is_empty(), "the core has one thread: {wrong:?}");
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|s| s.part != "sys" && (s.code.contains("waitpid(") || s.code.contains("waitid(")))
        .map(|s| s.path)
        .collect();
    assert!(wrong.is_empty(), "only sys waits: {wrong:?}");
}

#[test]
fn every_file_begins_with_its_essay() {
    let root = harness::bins::workspace().join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let wrong: Vec<_> = files
        .iter()
        .filter(|f| {
            f.file_name().is_some_and(|n| n != "tests.rs" && !n.to_string_lossy().ends_with("_tests.rs"))
        })
        .filter(|f| std::fs::read_to_string(f).is_ok_and(|t| !t.starts_with("//!")))
        .collect();
    assert!(wrong.is_empty(), "no module essay: {wrong:?}");
}

#[test]
fn the_reader_of_imports_sees_braces_and_paths() {
    assert_eq!(imported("use crate::{a::{b, c}, d};\nlet x = crate::e::f();"), ["a", "d", "e"]);
    assert_eq!(product_code("a // crate::x\n#[cfg(test)]\nmod tests;\ncrate::y").trim(), "a");
}
