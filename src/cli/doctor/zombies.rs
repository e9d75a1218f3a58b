//! Who is PID 1, who reaps, and whose the zombies are.
//!
//! Pure. Not here: looking at processes (`gather`).

use super::facts::{Facts, Process};
use super::{Finding, counted, fail, ok, warn};
use std::collections::BTreeMap;

/// Programs that are known to reap whatever becomes theirs.
const REAPERS: [&str; 15] = [
    "mainstay",
    "tini",
    "docker-init",
    "dumb-init",
    "catatonit",
    "init",
    "systemd",
    "s6-svscan",
    "runit",
    "runsvdir",
    "pause",
    "conmon",
    "pid1",
    "supervisord",
    "launchd",
];

/// Programs that run one command, hand no signals on, and end with it.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "busybox", "zsh", "ksh"];

/// BOUND: zombies of one parent that are named.
const MAX_NAMED: usize = 20;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(processes) = &facts.processes else {
        return vec![warn(
            "/proc",
            "it is not mounted or hides everything: zombies, PID 1, descriptors and rights cannot be seen",
            "mount it to see more; mainstay itself does not need it",
        )];
    };
    let mut all = vec![first(facts, processes)];
    all.extend(subreaper(facts));
    all.extend(zombies(facts, processes));
    all
}

fn name_of(processes: &[Process], pid: i32) -> Option<&str> {
    processes.iter().find(|p| p.pid == pid).map(|p| p.name.as_str())
}

fn first(facts: &Facts, processes: &[Process]) -> Finding {
    const WHAT: &str = "PID 1";
    let Some(name) = name_of(processes, 1) else {
        return ok(WHAT, "it cannot be seen from here");
    };
    match facts.daemon {
        Some(1) => return ok(WHAT, "it is mainstay, which reaps and hands signals on"),
        None if facts.own_pid == 1 => return ok(WHAT, "it is this doctor; no daemon runs here"),
        _ => {}
    }
    let daemon = match facts.daemon {
        Some(pid) => format!("mainstay is process {pid}"),
        None => "no mainstay runs here".to_owned(),
    };
    if SHELLS.contains(&name) {
        return fail(
            WHAT,
            format!("it is the shell `{name}`, which does not hand a stop on ({daemon})"),
            "put `exec` in front of the last command, or use the exec form: ENTRYPOINT [\"mainstay\", …]",
        );
    }
    if REAPERS.contains(&name) {
        return ok(WHAT, format!("it is `{name}`, which reaps ({daemon})"));
    }
    warn(
        WHAT,
        format!("it is `{name}`, of which nobody knows whether it reaps ({daemon})"),
        "let mainstay be PID 1, or start the container with `docker run --init`",
    )
}

fn subreaper(facts: &Facts) -> Option<Finding> {
    const WHAT: &str = "orphans";
    match (&facts.subreaper_refused, facts.daemon) {
        (_, Some(1)) => None,
        (None, _) => {
            Some(ok(WHAT, "a mainstay that is not PID 1 gets those of its own programs (subreaper)"))
        }
        (Some(why), _) => Some(fail(
            WHAT,
            format!(
                "a mainstay that is not PID 1 cannot become a subreaper: {why}; orphans of programs go to PID 1"
            ),
            "let mainstay be PID 1, or allow prctl(PR_SET_CHILD_SUBREAPER)",
        )),
    }
}

fn zombies(facts: &Facts, processes: &[Process]) -> Vec<Finding> {
    const WHAT: &str = "zombies";
    let mut by_parent: BTreeMap<i32, Vec<&Process>> = BTreeMap::new();
    for zombie in processes.iter().filter(|p| p.is_zombie) {
        by_parent.entry(zombie.parent).or_default().push(zombie);
    }
    if by_parent.is_empty() {
        return vec![ok(WHAT, "there are none")];
    }
    let finding = |(parent, children): (i32, Vec<&Process>)| {
        let named = children.iter().take(MAX_NAMED).map(|z| format!("{} `{}`", z.pid, z.name));
        let mut named: Vec<String> = named.collect();
        if children.len() > MAX_NAMED {
            named.push(format!("{} more", children.len() - MAX_NAMED));
        }
        let n = counted(children.len(), "zombie");
        let named = named.join(", ");
        let name = name_of(processes, parent).unwrap_or("?");
        let of = format!("{n} of process {parent} `{name}`: {named}");
        if Some(parent) == facts.daemon {
            let todo = "they are mainstay's to reap: is it stopped or stuck? `mainstay health live` tells";
            return fail(WHAT, of, todo);
        }
        if parent == 1 {
            return fail(WHAT, of, "PID 1 does not reap: put mainstay or `docker run --init` in its place");
        }
        let whose =
            if parent == 0 { "a process outside of this container" } else { "only their living parent" };
        warn(
            WHAT,
            of,
            format!("not mainstay's: {whose} can reap them, and they go when it ends; it has a bug"),
        )
    };
    by_parent.into_iter().map(finding).collect()
}
