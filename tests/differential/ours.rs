//! Our answer, in the same shape.

use std::path::Path;

use mainstay::cli::world::RealWorld;
use mainstay::config::print::{to_ini, to_json};
use mainstay::config::{Search, Sources, load};
use mainstay::types::LogLevel;
use serde_json::{Value, json};

/// What it is as INI without anything to expand; `None` where it is refused, or INI cannot say all of it.
pub(crate) fn printed(path: &str, env: &[(String, String)]) -> Option<String> {
    let loaded = load(&sources(path, env), &RealWorld::new(env)).ok()?;
    Some(to_ini(&loaded.config, true)).filter(|text| !text.contains("# left out"))
}

fn sources(path: &str, env: &[(String, String)]) -> Sources {
    Sources {
        file: Some(Path::new(path).to_path_buf()),
        search: Search::None,
        env: env.to_vec(),
        ..Sources::default()
    }
}

pub(crate) fn answer(path: &str, env: &[(String, String)]) -> Value {
    let loaded = match load(&sources(path, env), &RealWorld::new(env)) {
        Ok(loaded) => loaded,
        Err(found) => return json!({ "ok": false, "error": found.supervisor(), "shown": found.render() }),
    };
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
