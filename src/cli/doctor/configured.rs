//! What the configuration asks for, against what there is.
//!
//! Pure. Not here: reading it (`reading`), how long a stop takes (`budget`).

use super::facts::{Configuration, Configured, Facts, Place};
use super::{Finding, counted, fail, ok, warn};

/// The bits of capabilities(7).
const KILL: u32 = 5;
const SETGID: u32 = 6;
const SETUID: u32 = 7;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    const WHAT: &str = "configuration";
    match &facts.configured {
        Configuration::None => vec![ok(WHAT, "none was found; `-c FILE` names one")],
        Configuration::Bad(told, n) => {
            let mut all: Vec<Finding> = told.iter().map(|text| fail(WHAT, text, "")).collect();
            if *n > told.len() {
                all.push(fail(WHAT, format!("{} more", n - told.len()), "`mainstay check` shows all"));
            }
            all
        }
        Configuration::Good(configured) => {
            let mut all =
                vec![ok(WHAT, format!("{}: {}", configured.name, counted(configured.programs, "program")))];
            all.extend(of(configured, facts));
            all
        }
    }
}

fn of(configured: &Configured, facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    if let Some(uid) = facts.daemon_uid.filter(|uid| *uid != facts.own_uid) {
        all.push(warn(
            "user",
            format!(
                "this doctor has uid {}, mainstay {uid}: what is said of files and ports is not of it",
                facts.own_uid
            ),
            format!("docker exec -u {uid}"),
        ));
    }
    let todo = "make it writable for mainstay, or choose another place";
    all.extend(places("files", &configured.files, "can be written", todo));
    let todo = "stop what listens there, or choose another address";
    all.extend(places("listeners", &configured.listeners, "can be had", todo));
    let todo = "correct `command`, or put the file into the image";
    all.extend(places("commands", &configured.commands, "can be run", todo));
    let todo = "mount it, correct the path, or write a `?` behind it if it may be missing";
    all.extend(places("variables", &configured.sources, "can be read", todo));
    all.extend(users(configured, facts));
    if configured.wants_private_socket && !facts.folders.iter().any(|(_, is_writable)| *is_writable) {
        all.push(warn(
            "control socket",
            "none is configured and there is no place for a private one: `mainstay ctl` will not reach mainstay",
            "mount a tmpfs at /run, or set `[control] unix`",
        ));
    }
    all
}

/// A line for each that is bad; one for all that are good.
fn places(what: &str, all: &[Place], good: &str, todo: &str) -> Vec<Finding> {
    let bad = all.iter().filter_map(|place| {
        let problem = place.problem.as_ref()?;
        Some(fail(what, format!("{} ({}): {problem}", place.shown, place.what), todo))
    });
    let mut found: Vec<Finding> = bad.collect();
    let n_good = all.len() - found.len();
    if n_good > 0 {
        let of_all = if found.is_empty() { "all" } else { "the other" };
        found.push(ok(what, format!("{of_all} {n_good} {good}")));
    }
    found
}

fn users(configured: &Configured, facts: &Facts) -> Option<Finding> {
    let (first, rights) = (configured.other_users.first()?, facts.rights.as_ref()?);
    let wanted = [(SETUID, "setuid"), (SETGID, "setgid"), (KILL, "kill")];
    let missing: Vec<&str> =
        wanted.iter().filter(|(bit, _)| !rights.has(*bit)).map(|(_, name)| *name).collect();
    let n = configured.other_users.len();
    let whom = if n == 1 { first.clone() } else { format!("{first} and {} more", n - 1) };
    Some(if missing.is_empty() {
        ok("users", format!("{whom}: mainstay may become another user"))
    } else {
        fail(
            "users",
            format!("{whom}: mainstay lacks the capabilities {} to start and stop it", missing.join(", ")),
            "docker run --cap-add …, or run the whole container as that user and leave `user` out",
        )
    })
}
