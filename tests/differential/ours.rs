//! Our answer, in the same shape.

use std::path::Path;

use mainstay::cli::world::RealWorld;
use mainstay::config::print::to_json;
use mainstay::config::{Search, Sources, load};
use mainstay::types::LogLevel;
use serde_json::{Value, json};

pub(crate) fn answer(path: &str, env: &[(String, String)]) -> Value {
    let sources = Sources {
        file: Some(Path::new(path).to_path_buf()),
        search: Search::None,
        env: env.to_vec(),
        ..Sources::default()
    };
    let loaded = match load(&sources, &RealWorld::new(env)) {
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
