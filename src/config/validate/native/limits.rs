//! Limits and rights of a process.
//!
//! Not here: the forms of values (`values::limits`), setting any of them (`spawn`).

use crate::config::model::Limits;
use crate::config::settings;
use crate::config::values::words::number;
use crate::config::values::{Bad, Input, limits, logs};
use std::path::PathBuf;

use super::super::reader::Reported;
use super::Source;

pub(super) fn read(s: &mut Source<'_, '_>) -> Result<Option<Box<Limits>>, Reported> {
    let rlimits = rlimits(s);
    let nice = s.get("nice", |i| small(i, -20, 19));
    let ionice = s.get("ionice", limits::ionice);
    let oom_score_adj = s.get("oom_score_adj", |i| small(i, -1000, 1000));
    let no_new_privs = s.flag("no_new_privs");
    let capabilities = s.get("capabilities", limits::capabilities);
    let drop = s.get("capabilities_drop", limits::capabilities);
    let ambient = s.get("capabilities_ambient", limits::capabilities);
    let groups = s.get("groups", limits::groups);
    let chroot = s.get("chroot", root);
    let memory_max = s.get("memory_max", limits::memory);
    let all = Limits {
        rlimits: rlimits?,
        nice: nice?,
        ionice: ionice?,
        oom_score_adj: oom_score_adj?,
        no_new_privs: no_new_privs?,
        capabilities: capabilities?,
        capabilities_drop: drop?.unwrap_or(Vec::new()),
        capabilities_ambient: ambient?.unwrap_or(Vec::new()),
        groups: groups?,
        chroot: chroot?,
        memory_max: memory_max?,
    };
    check_ambient(s, &all)?;
    Ok((all != Limits::default()).then(|| Box::new(all)))
}

fn rlimits(s: &mut Source<'_, '_>) -> Result<Vec<(String, u64, u64)>, Reported> {
    let mut all = Vec::new();
    let mut failed = Ok(());
    for setting in settings::native().filter(|setting| setting.key.starts_with("rlimit_")) {
        match s.get(setting.key, limits::rlimit) {
            Ok(limit) => all.extend(
                limit.map(|(soft, hard)| (setting.key.trim_start_matches("rlimit_").to_owned(), soft, hard)),
            ),
            Err(reported) => failed = Err(reported),
        }
    }
    failed.map(|()| all)
}

/// The kernel refuses an ambient capability that is not kept.
fn check_ambient(s: &mut Source<'_, '_>, all: &Limits) -> Result<(), Reported> {
    let is_lost = |name: &&String| {
        all.capabilities_drop.contains(name)
            || all.capabilities.as_ref().is_some_and(|kept| !kept.contains(name))
    };
    let Some(lost) = all.capabilities_ambient.iter().find(is_lost) else { return Ok(()) };
    let why = format!("`{lost}` is dropped by the other settings");
    Err(s.refuse(
        "capabilities_ambient",
        &why,
        "keep it in `capabilities`, and do not name it in `capabilities_drop`",
    ))
}

fn small(input: &Input<'_>, least: i64, most: i64) -> Result<i32, Bad> {
    number(input, least, most).map(|n| i32::try_from(n).unwrap_or(0))
}

fn root(input: &Input<'_>) -> Result<PathBuf, Bad> {
    let path = logs::path(input)?;
    if path.is_absolute() {
        return Ok(path);
    }
    Err(Bad::new("a root directory is an absolute path").hint("write a path that begins with `/`"))
}
