//! Each finding, from facts that are made up.

use super::facts::{Amount, Configuration, Configured, Place, Process, Rights, Stdout, Tier};
use super::*;

fn process(pid: i32, parent: i32, name: &str, is_zombie: bool) -> Process {
    Process { pid, parent, name: name.to_owned(), is_zombie }
}

/// A container with nothing wrong in it: mainstay is PID 1.
fn well() -> Facts {
    let configured = Configured {
        name: "/etc/mainstay.toml".to_owned(),
        programs: 2,
        tiers: vec![Tier { ms: 5_000, slowest: "web".to_owned() }],
        ..Configured::default()
    };
    Facts {
        own_pid: 30,
        processes: Some(vec![
            process(1, 0, "mainstay", false),
            process(8, 1, "web", false),
            process(30, 0, "mainstay", false),
        ]),
        daemon: Some(1),
        daemon_uid: Some(0),
        rights: Some(Rights { capabilities: 0xa804_25fb, no_new_privs: false, seccomp: 2 }),
        nofile: (1_048_576, 1_048_576),
        nproc: (u64::MAX, u64::MAX),
        pid_max: Some(4_194_304),
        cgroup: facts::Cgroup {
            has_unified: true,
            kills_all: Some(false),
            oom_kills: Some(0),
            memory: Amount { now: Some(10 << 20), most: Some(64 << 20) },
            pids: Amount { now: Some(3), most: Some(100) },
            ..facts::Cgroup::default()
        },
        folders: vec![("/run", true), ("/tmp", true)],
        stdout: Stdout::Pipe(0, 65_536),
        grace: Grace::of(None),
        configured: Configuration::Good(Box::new(configured)),
        ..Facts::default()
    }
}

fn configured(facts: &mut Facts) -> &mut Configured {
    match &mut facts.configured {
        Configuration::Good(configured) => configured,
        other => panic!("{other:?}"),
    }
}

/// The lines of what is not well, after a change.
fn wrong(change: impl FnOnce(&mut Facts)) -> Vec<String> {
    let mut facts = well();
    change(&mut facts);
    let all = findings(&facts);
    let bad = all.iter().filter(|f| f.level != Level::Ok);
    bad.map(|f| format!("{} {}: {}; {}", f.level.word(), f.what, f.why, f.todo)).collect()
}

/// The one line that is not well.
#[track_caller]
fn one(change: impl FnOnce(&mut Facts)) -> String {
    let lines = wrong(change);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines[0].clone()
}

#[test]
fn a_container_that_is_well_has_nothing_to_mend() {
    assert_eq!(wrong(|_| {}), [""; 0]);
    let mut out = Vec::new();
    show(&findings(&well()), false, &mut out).expect("written");
    let text = String::from_utf8(out).expect("text");
    assert!(text.ends_with("\nall is well\n") && text.lines().count() > 10, "{text}");
    assert!(text.lines().rev().skip(1).all(|l| l.starts_with("ok    ")), "{text}");
}

#[test]
fn zombies_are_named_with_their_living_parents() {
    let line = one(|f| {
        let all = f.processes.as_mut().expect("seen");
        all.extend([process(11, 8, "cat", true), process(12, 8, "sed", true)]);
    });
    assert!(
        line.starts_with("warn zombies: 2 zombies of process 8 `web`: 11 `cat`, 12 `sed`; not mainstay's"),
        "{line}"
    );
    let line = one(|f| f.processes.as_mut().expect("seen").push(process(11, 1, "cat", true)));
    assert!(
        line.starts_with("FAIL zombies: 1 zombie of process 1 `mainstay`: 11 `cat`; they are mainstay's"),
        "{line}"
    );
    let lines = wrong(|f| {
        f.daemon = Some(9);
        f.processes = Some(vec![
            process(1, 0, "sleep", false),
            process(9, 1, "mainstay", false),
            process(11, 1, "cat", true),
        ]);
    });
    assert!(lines[0].starts_with("warn PID 1: it is `sleep`, of which nobody knows"), "{lines:?}");
    assert!(
        lines[1].starts_with("FAIL zombies: 1 zombie of process 1 `sleep`: 11 `cat`; PID 1 does not reap"),
        "{lines:?}"
    );
    let line = one(|f| f.processes.as_mut().expect("seen").push(process(11, 0, "runc", true)));
    assert!(line.contains("a process outside of this container"), "{line}");
    let line = one(|f| {
        let all = f.processes.as_mut().expect("seen");
        all.extend((100..150).map(|pid| process(pid, 8, "cat", true)));
    });
    assert!(line.contains("50 zombies") && line.contains(", 119 `cat`, 30 more;"), "{line}");
}

#[test]
fn who_is_pid_1_is_judged() {
    let with = |name: &'static str| {
        move |f: &mut Facts| {
            f.processes = Some(vec![process(1, 0, name, false), process(9, 1, "mainstay", false)]);
            f.daemon = Some(9);
        }
    };
    assert!(one(with("sh")).starts_with(
        "FAIL PID 1: it is the shell `sh`, which does not hand a stop on (mainstay is process 9)"
    ));
    for name in ["tini", "docker-init", "pause", "systemd"] {
        assert_eq!(wrong(with(name)), [""; 0], "{name}");
    }
    let refused = wrong(|f| {
        with("tini")(f);
        f.subreaper_refused = Some("Operation not permitted".to_owned());
    });
    assert!(
        refused[0].starts_with("FAIL orphans: a mainstay that is not PID 1 cannot become a subreaper"),
        "{refused:?}"
    );
    // As PID 1 nobody has to be one.
    assert_eq!(wrong(|f| f.subreaper_refused = Some("x".to_owned())), [""; 0]);
}

#[test]
fn without_proc_that_is_said() {
    let line = one(|f| f.processes = None);
    assert!(line.starts_with("warn /proc: it is not mounted"), "{line}");
}

#[test]
fn limits_that_are_too_low_are_told() {
    assert!(
        one(|f| f.nofile = (16, 32))
            .starts_with("FAIL open files: 16 at most, 32 if raised; about 48 are needed")
    );
    assert!(one(|f| f.nofile = (100, 4096)).starts_with("warn open files: 100 at most"));
    assert!(
        one(|f| {
            f.own_uid = 1000;
            f.daemon_uid = Some(1000);
            f.nproc = (20, 20);
        })
        .starts_with("warn processes of one user: 20")
    );
    assert_eq!(wrong(|f| f.nproc = (20, 20)), [""; 0], "root is not held to it");
    assert!(one(|f| f.pid_max = Some(300)).starts_with("warn process ids: there are 300"));
    let line = one(|f| f.cgroup.pids = Amount { now: Some(100), most: Some(100) });
    assert!(line.starts_with("FAIL processes of the container: 100 of 100 in use (pids.max)"), "{line}");
    let line = one(|f| f.cgroup.memory.now = Some(60 << 20));
    assert!(line.starts_with("warn memory: 60 MiB of 64 MiB in use (memory.max)"), "{line}");
}

#[test]
fn what_the_control_group_says_is_told() {
    let line = one(|f| f.cgroup.kills_all = Some(true));
    assert!(
        line.starts_with("warn memory.oom.group: it is set: when memory runs out the kernel kills the whole"),
        "{line}"
    );
    assert!(
        one(|f| f.cgroup.oom_kills = Some(2)).contains("the kernel has killed 2 times in this control group")
    );
    assert!(one(|f| f.cgroup = facts::Cgroup::default()).starts_with("warn control group: none can be seen"));
}

#[test]
fn the_time_to_stop_is_held_against_the_grace() {
    let slow = |f: &mut Facts| {
        let c = configured(f);
        c.drain_ms = 5_000;
        c.tiers = vec![Tier { ms: 10_000, slowest: "web".into() }, Tier { ms: 500, slowest: "db".into() }];
    };
    let line = one(slow);
    assert_eq!(
        line,
        "warn time to stop: at most 15.5 s (5 s drain_delay + 10 s web + 0.5 s db); Docker's default is 10 s; \
         docker stop -t 18, stop_grace_period, terminationGracePeriodSeconds: 18, or shutdown_timeout = 9 s; \
         `--grace` says what yours is"
    );
    let with = |ms| {
        wrong(|f| {
            slow(f);
            f.grace = Grace::of(Some(ms));
        })
    };
    assert!(with(15_500)[0].starts_with("FAIL time to stop: at most 15.5 s"));
    assert_eq!(with(30_000), [""; 0]);
    let limited = wrong(|f| {
        slow(f);
        configured(f).shutdown_timeout_ms = Some(8_000);
    });
    assert_eq!(limited, [""; 0]);
}

#[test]
fn what_cannot_be_had_is_told_with_its_name() {
    let place = |problem: &str| Place {
        what: "stdout of web".into(),
        shown: "/log/x".into(),
        problem: Some(problem.into()).filter(|p: &String| !p.is_empty()),
    };
    let line = one(|f| configured(f).files = vec![place("read-only file system"), place("")]);
    assert!(
        line.starts_with("FAIL files: /log/x (stdout of web): read-only file system; make it writable"),
        "{line}"
    );
    assert!(one(|f| configured(f).listeners = vec![place("taken")]).starts_with("FAIL listeners: /log/x"));
    assert!(
        one(|f| configured(f).commands = vec![place("can't find command 'x'")])
            .starts_with("FAIL commands: ")
    );
    let line = one(|f| {
        f.folders = vec![("/run", false), ("/tmp", false)];
        f.root_is_read_only = true;
    });
    assert!(line.starts_with("warn folders: the root is read-only; none of /run /tmp is writable"), "{line}");
    let lines = wrong(|f| {
        f.folders = vec![("/run", false)];
        configured(f).wants_private_socket = true;
    });
    assert!(lines[1].starts_with("warn control socket: none is configured"), "{lines:?}");
    assert!(one(|f| f.own_uid = 7).starts_with("warn user: this doctor has uid 7, mainstay 0"));
}

#[test]
fn a_user_that_cannot_be_become_is_told() {
    let line = one(|f| {
        configured(f).other_users = vec!["web".into(), "db".into()];
        f.rights = Some(Rights { capabilities: 1 << 6, no_new_privs: true, seccomp: 0 });
    });
    assert!(
        line.starts_with(
            "FAIL users: web and 1 more: mainstay lacks the capabilities setuid, kill to start and stop it"
        ),
        "{line}"
    );
    assert_eq!(wrong(|f| configured(f).other_users = vec!["web".into()]), [""; 0]);
}

#[test]
fn a_configuration_that_is_bad_or_missing_is_told() {
    let lines = wrong(|f| f.configured = Configuration::Bad(vec!["x.ini:1: bad".into()], 3));
    assert_eq!(
        lines,
        ["FAIL configuration: x.ini:1: bad; ", "FAIL configuration: 2 more; `mainstay check` shows all"]
    );
    assert_eq!(wrong(|f| f.configured = Configuration::None), [""; 0]);
}

#[test]
fn a_stdout_that_takes_nothing_is_told() {
    let logs_there = |stdout| {
        one(|f| {
            configured(f).uses_stdout = true;
            f.stdout = stdout;
        })
    };
    assert!(logs_there(Stdout::Closed).starts_with("FAIL stdout of mainstay: it is closed"));
    assert!(logs_there(Stdout::Null).starts_with("FAIL stdout of mainstay: it is /dev/null"));
    assert!(
        logs_there(Stdout::Pipe(65_536, 65_536)).contains("a pipe that nobody empties: 65536 of 65536 bytes")
    );
    assert!(one(|f| f.stdout = Stdout::Closed).starts_with("warn stdout"));
}

#[test]
fn processes_and_limits_are_read_as_the_kernel_writes_them() {
    let read = |text| gather::read_stat(5, text);
    assert_eq!(read("5 (a) b (c) Z 3 1 1 0"), Some(process(5, 3, "a) b (c", true)));
    assert_eq!(read("5 (web\u{1b}[31m) S 3 1"), Some(process(5, 3, "web", false)));
    assert_eq!((read(""), read("5 (x"), read("5 (x) Z")), (None, None, None));
    let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
        Max processes             unlimited            63000                processes \n\
        Max open files            1024                 524288               files     \n";
    assert_eq!(gather::read_limits(limits), Some(((1024, 524_288), (u64::MAX, 63_000))));
    assert_eq!(gather::read_limits("Max open files 1 2 files\n"), None);
}

#[test]
fn a_daemon_is_told_from_other_faces_of_the_binary() {
    for line in [
        "mainstay",
        "mainstay run -c x",
        "/usr/bin/mainstay -c x",
        "mainstay -- cmd",
        "supervisord -n",
        "tini -g x",
    ] {
        assert!(gather::supervises(&line.split(' ').collect::<Vec<_>>()), "{line}");
    }
    for line in [
        "mainstay gateway",
        "mainstay ctl status",
        "supervisorctl",
        "mainstay probe http x",
        "mainstay doctor",
    ] {
        assert!(!gather::supervises(&line.split(' ').collect::<Vec<_>>()), "{line}");
    }
}

#[test]
fn a_grace_is_a_time() {
    for (text, ms) in [("10", 10_000), ("30s", 30_000), ("500ms", 500), ("2m", 120_000), (" 1 h ", 3_600_000)]
    {
        assert_eq!(grace_ms(text), Ok(ms), "{text}");
    }
    for text in ["", "s", "-1", "1x", "99999999999999999999s", "18446744073709551615h"] {
        assert!(grace_ms(text).is_err(), "{text}");
    }
}

#[test]
fn json_is_one_object() {
    let mut facts = well();
    facts.nofile = (16, 32);
    facts.cgroup.oom_kills = Some(1);
    let mut out = Vec::new();
    show(&findings(&facts), true, &mut out).expect("written");
    let json: serde_json::Value = serde_json::from_slice(&out).expect("json");
    assert_eq!((json["failed"].as_u64(), json["warnings"].as_u64()), (Some(1), Some(1)));
    let all = json["findings"].as_array().expect("a list");
    let bad = all.iter().find(|f| f["level"] == "FAIL").expect("it is there");
    assert_eq!(bad["what"], "open files");
}
