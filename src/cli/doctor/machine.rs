//! Limits, control group, rights, folders, stdout: what the container gives.
//!
//! Pure. Not here: what the configuration asks for (`configured`, `budget`).

use super::facts::{Amount, Configuration, Facts, Stdout};
use super::{Finding, Level, counted, fail, ok, warn};

/// Capabilities that matter here, by their bits.
const CAPABILITIES: [(u32, &str); 9] = [
    (0, "chown"),
    (1, "dac_override"),
    (5, "kill"),
    (6, "setgid"),
    (7, "setuid"),
    (10, "net_bind_service"),
    (19, "sys_ptrace"),
    (21, "sys_admin"),
    (24, "sys_resource"),
];

/// Descriptors that we have open ourselves, and those of one program.
const OWN_FDS: u64 = 40;
const FDS_OF_ONE: u64 = 4;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut all = vec![nofile(facts), nproc(facts)];
    all.extend(pids(facts));
    all.extend(memory(facts));
    all.push(group(facts));
    all.extend(out_of_memory(facts));
    all.extend(rights(facts));
    all.push(folders(facts));
    all.extend(stdout(facts));
    all
}

fn n_programs(facts: &Facts) -> u64 {
    match &facts.configured {
        Configuration::Good(configured) => configured.programs as u64,
        Configuration::None | Configuration::Bad(..) => 0,
    }
}

fn nofile(facts: &Facts) -> Finding {
    const WHAT: &str = "open files";
    let (soft, hard) = facts.nofile;
    let need = OWN_FDS + FDS_OF_ONE * n_programs(facts);
    let told = format!("{} at most, {} if raised", shown(soft), shown(hard));
    if hard < need {
        return fail(WHAT, format!("{told}; about {need} are needed"), "docker run --ulimit nofile=N");
    }
    if soft < need.max(256) {
        return warn(
            WHAT,
            format!("{told}; programs inherit the lower one"),
            "docker run --ulimit nofile=N, or minfds",
        );
    }
    ok(WHAT, told)
}

fn nproc(facts: &Facts) -> Finding {
    const WHAT: &str = "processes of one user";
    let (soft, hard) = facts.nproc;
    let told = format!("{} at most, {} if raised", shown(soft), shown(hard));
    // Root is not held to it.
    if facts.own_uid != 0 && soft < 64 + n_programs(facts) {
        return warn(
            WHAT,
            format!("{told}; threads and other containers of the same user count too"),
            "docker run --ulimit nproc=N",
        );
    }
    ok(WHAT, told)
}

fn pids(facts: &Facts) -> Vec<Finding> {
    const WHAT: &str = "processes of the container";
    let mut all = Vec::new();
    if facts.cgroup.pids.now.is_some() || facts.cgroup.pids.most.is_some() {
        all.push(level(WHAT, facts.cgroup.pids, &|n| n.to_string(), "docker run --pids-limit N", "pids.max"));
    }
    if let Some(most) = facts.pid_max {
        let what = "process ids";
        all.push(if most < 1_000 {
            warn(
                what,
                format!("there are {most} (kernel.pid_max)"),
                "numbers are used again soon: sysctl kernel.pid_max",
            )
        } else {
            ok(what, format!("there are {most} (kernel.pid_max)"))
        });
    }
    all
}

fn memory(facts: &Facts) -> Option<Finding> {
    let memory = facts.cgroup.memory;
    (memory.now.is_some() || memory.most.is_some()).then(|| {
        level("memory", memory, &mebibytes, "docker run --memory N, or resources.limits", "memory.max")
    })
}

/// Nearly all of something is a warning, all of it a failure.
fn level(what: &str, amount: Amount, show: &dyn Fn(u64) -> String, todo: &str, file: &str) -> Finding {
    let now = amount.now.map_or_else(|| "an unknown amount".to_owned(), show);
    let Some(most) = amount.most else {
        return ok(what, format!("{now} in use, no limit ({file})"));
    };
    let told = format!("{now} of {} in use ({file})", show(most));
    match amount.now {
        Some(n) if n >= most => fail(what, told, todo),
        Some(n) if n >= most / 10 * 9 => warn(what, told, todo),
        _ => ok(what, told),
    }
}

fn group(facts: &Facts) -> Finding {
    const WHAT: &str = "control group";
    match (facts.cgroup.has_unified, facts.cgroup.has_legacy) {
        (true, false) => ok(WHAT, "version 2"),
        (false, true) => ok(WHAT, "version 1"),
        (true, true) => ok(WHAT, "version 1, with version 2 beside it"),
        (false, false) => warn(
            WHAT,
            "none can be seen: its limits are not known, and a kill for lack of memory looks like any SIGKILL",
            "mount /sys/fs/cgroup and /proc",
        ),
    }
}

fn out_of_memory(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    if facts.cgroup.kills_all == Some(true) {
        all.push(warn(
            "memory.oom.group",
            "it is set: when memory runs out the kernel kills the whole container at once, and nobody is left to tell",
            "give programs limits of their own (memory_max), or the kubelet singleProcessOOMKill: true",
        ));
    }
    match facts.cgroup.oom_kills {
        Some(n) if n > 0 => all.push(warn(
            "kills for lack of memory",
            format!("the kernel has killed {} in this control group", counted(usize::try_from(n).unwrap_or(usize::MAX), "time")),
            "`mainstay ctl explain` names those that were programs; raise the limit or find who needs so much",
        )),
        Some(_) => all.push(ok("kills for lack of memory", "there were none")),
        None => {}
    }
    all
}

fn rights(facts: &Facts) -> Option<Finding> {
    let rights = facts.rights.as_ref()?;
    let uid = facts.daemon_uid.unwrap_or(facts.own_uid);
    let has: Vec<&str> =
        CAPABILITIES.iter().filter(|(bit, _)| rights.has(*bit)).map(|(_, name)| *name).collect();
    let capabilities = match (rights.capabilities.count_ones(), has.is_empty()) {
        (0, _) => "no capabilities".to_owned(),
        (n, true) => format!("{n} capabilities"),
        (n, false) => format!("{n} capabilities ({})", has.join(" ")),
    };
    let seccomp = match rights.seccomp {
        0 => "no seccomp",
        1 => "seccomp strict",
        _ => "a seccomp filter",
    };
    let privileges = if rights.no_new_privs { "no_new_privs" } else { "new privileges allowed" };
    let mut finding = ok("rights", format!("uid {uid}, {capabilities}, {seccomp}, {privileges}"));
    if rights.seccomp == 1 {
        finding.level = Level::Fail;
        finding.todo = "nothing can be started like this".to_owned();
    }
    Some(finding)
}

fn folders(facts: &Facts) -> Finding {
    const WHAT: &str = "folders";
    let list = |want: bool| {
        let those = facts.folders.iter().filter(|(_, is_writable)| *is_writable == want);
        those.map(|(path, _)| *path).collect::<Vec<_>>().join(" ")
    };
    let (writable, others) = (list(true), list(false));
    let root = if facts.root_is_read_only { "the root is read-only" } else { "the root is writable" };
    if writable.is_empty() {
        let todo = "mount a tmpfs: docker run --tmpfs /run, or an emptyDir";
        return warn(WHAT, format!("{root}; none of {others} is writable"), todo);
    }
    let others = if others.is_empty() { String::new() } else { format!(", not {others}") };
    ok(WHAT, format!("{root}; writable: {writable}{others}"))
}

fn stdout(facts: &Facts) -> Option<Finding> {
    const WHAT: &str = "stdout of mainstay";
    let is_used = matches!(&facts.configured, Configuration::Good(c) if c.uses_stdout);
    let bad = |why: &str, todo: &str| if is_used { fail(WHAT, why, todo) } else { warn(WHAT, why, todo) };
    Some(match facts.stdout {
        Stdout::Unknown => return None,
        Stdout::Closed => {
            bad("it is closed: nothing that goes there is seen", "start the container with it open")
        }
        Stdout::Null => {
            bad("it is /dev/null: nothing that goes there is seen", "start the container with it open")
        }
        Stdout::Pipe(used, size) if size > 0 && used >= size / 10 * 9 => bad(
            &format!(
                "it is a pipe that nobody empties: {used} of {size} bytes wait in it; programs that log there wait too"
            ),
            "look at the log driver, or set log_overflow = drop",
        ),
        Stdout::Pipe(..) => ok(WHAT, "it is a pipe that is emptied"),
        Stdout::Other => ok(WHAT, "it is open"),
    })
}

fn shown(limit: u64) -> String {
    if limit == u64::MAX { "unlimited".to_owned() } else { limit.to_string() }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}
