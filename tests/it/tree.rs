//! Whom signals reach: the process, its group, or all that descends from it; and that a stopped tree is empty.

use crate::support::{ctl, ini, needs_root, toml};
use harness::{Daemon, Setup, proc, wait_until};

/// A leader, a child in its group, one in a session of its own, and one whose parent has died, in another session:
/// each stamps `@dir@/NAME` and does what `$1` says.
const FAMILY: &str = "#!/bin/sh\n\
    @puppet@ stamp @dir@/child $1 &\n\
    setsid @puppet@ stamp @dir@/session $1 &\n\
    setsid sh -c '@puppet@ stamp @dir@/orphan '\"$1\"' & exit'\n\
    exec @puppet@ stamp @dir@/leader $2\n";

fn family(setup: Setup) -> Daemon {
    let setup = setup.file("family", FAMILY);
    harness::temp::set_mode(&setup.dir().path().join("family"), 0o755);
    let daemon = setup.start();
    for name in ["child", "session", "orphan", "leader"] {
        wait_until("all of the family are there", || !daemon.dir().read(name).is_empty());
    }
    let orphan = pid(&daemon, "orphan");
    wait_until("its parent has died", || proc::stat(orphan).is_some_and(|s| s.ppid == daemon.pid()));
    daemon.wait_state("p", "RUNNING");
    daemon
}

fn pid(daemon: &Daemon, name: &str) -> i32 {
    daemon.dir().read(name).split(' ').next().and_then(|n| n.parse().ok()).expect("a pid")
}

fn left(daemon: &Daemon) -> Vec<&'static str> {
    let all = ["child", "session", "orphan", "leader"];
    all.into_iter().filter(|name| proc::alive(pid(daemon, name))).collect()
}

const TOML: &str = "[program.p]\ncommand = [\"@dir@/family\", \"hold\", \"hold\"]\nstartsecs = 0\n";

#[test]
fn a_stopped_tree_leaves_nobody_behind() {
    let daemon = family(toml(&format!("{TOML}signal_target = \"tree\"\n")));
    ctl(&daemon, &["stop", "p"]).expect(0);
    assert_eq!(left(&daemon), [""; 0]);
    // Once more: the mark is the same, the processes are others.
    for name in ["child", "session", "orphan", "leader"] {
        daemon.dir().write(name, "");
    }
    ctl(&daemon, &["start", "p"]).expect(0);
    wait_until("they are there again", || !daemon.dir().read("orphan").is_empty());
    wait_until("and the leader", || !daemon.dir().read("leader").is_empty());
    daemon.finish();
}

#[test]
fn a_stopped_group_leaves_those_who_left_it() {
    let daemon = family(toml(&format!("{TOML}signal_target = \"group\"\n")));
    ctl(&daemon, &["stop", "p"]).expect(0);
    assert_eq!(left(&daemon), ["session", "orphan"]);
    harness::kill(pid(&daemon, "session"), 9).unwrap();
    harness::kill(pid(&daemon, "orphan"), 9).unwrap();
    daemon.finish();
}

#[test]
fn a_stopped_process_leaves_everybody_else() {
    let daemon = family(toml(&format!("{TOML}signal_target = \"process\"\n")));
    ctl(&daemon, &["stop", "p"]).expect(0);
    assert_eq!(left(&daemon), ["child", "session", "orphan"]);
    for name in left(&daemon) {
        harness::kill(pid(&daemon, name), 9).unwrap();
    }
    daemon.finish();
}

#[test]
fn who_does_not_hear_is_killed_wherever_it_is() {
    let daemon = family(ini(
        "[program:p]\ncommand=@dir@/family 'ignore TERM hold' hold\nstartsecs=0\nstopwaitsecs=1\n\
         signal_target=tree\n",
    ));
    let watch = harness::Stopwatch::start();
    ctl(&daemon, &["stop", "p"]).expect(0);
    assert_eq!(left(&daemon), [""; 0]);
    assert!(watch.elapsed().as_millis() >= 900, "they had their grace");
    assert!(daemon.dir().read("main.log").contains("killing 'p' ("));
    daemon.finish();
}

#[test]
fn a_signal_of_an_operator_reaches_the_tree() {
    let daemon = family(Setup::variables(&[
        ("MAINSTAY_PROGRAM__P__COMMAND", "@dir@/family 'on USR1 7 hold' 'on USR1 7 hold'"),
        ("MAINSTAY_PROGRAM__P__STARTSECS", "0"),
        ("MAINSTAY_PROGRAM__P__AUTORESTART", "false"),
        ("MAINSTAY_PROGRAM__P__SIGNAL_TARGET", "tree"),
        ("MAINSTAY_SUPERVISOR__EXIT_WHEN_ALL_EXITED", "false"),
        ("MAINSTAY_HTTP__LISTEN", "127.0.0.1:@port@"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
    ]));
    ctl(&daemon, &["signal", "USR1", "p"]).expect(0);
    daemon.wait_state("p", "EXITED");
    wait_until("all have got it", || left(&daemon).is_empty());
    daemon.finish();
}

#[test]
fn another_user_finds_its_tree_too() {
    if needs_root() {
        return;
    }
    let setup = toml(&format!("{TOML}signal_target = \"tree\"\n"));
    harness::temp::set_mode(setup.dir().path(), 0o777);
    let ids = ["setpriv", "--reuid=4124", "--regid=4124", "--clear-groups", "--"];
    let daemon = family(setup.launcher(&ids));
    ctl(&daemon, &["stop", "p"]).expect(0);
    assert_eq!(left(&daemon), [""; 0]);
    daemon.finish();
}

#[test]
fn as_pid_1_the_tree_is_the_same() {
    if needs_root() {
        return;
    }
    let setup = toml(&format!("{TOML}signal_target = \"tree\"\n")).file("family", FAMILY).pid1();
    harness::temp::set_mode(&setup.dir().path().join("family"), 0o755);
    let daemon = setup.start();
    let holders = || {
        let all = daemon.offspring();
        all.into_iter().filter(|p| proc::cmdline(*p).iter().any(|w| w == "hold")).count()
    };
    wait_until("all four are there", || holders() == 4);
    daemon.wait_state("p", "RUNNING");
    ctl(&daemon, &["stop", "p"]).expect(0);
    assert_eq!(holders(), 0);
    daemon.finish();
}

#[test]
fn with_the_proc_of_others_the_group_stands_in() {
    if needs_root() {
        return;
    }
    // Without --mount-proc the numbers in /proc are those of the namespace outside.
    let setup = toml(&format!("{TOML}signal_target = \"tree\"\n")).file("family", FAMILY).namespaces(&[]);
    harness::temp::set_mode(&setup.dir().path().join("family"), 0o755);
    let daemon = setup.start();
    let holders = || {
        let all = daemon.offspring();
        all.into_iter().filter(|p| proc::cmdline(*p).iter().any(|w| w == "hold")).count()
    };
    wait_until("all four are there", || holders() == 4);
    daemon.wait_state("p", "RUNNING");
    ctl(&daemon, &["stop", "p"]).expect(0);
    daemon.wait_said("`signal_target = tree` reaches process groups only");
    assert_eq!(holders(), 2, "those in groups of their own");
    daemon.finish();
}

#[test]
fn without_a_mark_who_has_a_parent_or_the_group_is_found() {
    if needs_root() {
        return;
    }
    // A hard limit of file locks leaves no room for a mark; so does a program that takes it away.
    let setup = toml(&format!("{TOML}signal_target = \"tree\"\n"));
    let daemon = family(setup.launcher(&["prlimit", "--locks=1000:1000", "--"]));
    daemon
        .wait_said("does not reach descendants whose parents have died: there is a hard limit of file locks");
    let orphan = pid(&daemon, "orphan");
    ctl(&daemon, &["stop", "p"]).expect(0);
    assert_eq!(left(&daemon), ["orphan"]);
    harness::kill(orphan, 9).unwrap();
    daemon.finish();
}

#[test]
fn what_a_crash_has_left_behind_goes_with_the_next_stop() {
    let daemon = family(toml(&format!("{TOML}signal_target = \"tree\"\nbackoff_initial = \"10ms\"\n")));
    let before = pid(&daemon, "orphan");
    harness::kill(pid(&daemon, "leader"), 9).unwrap();
    wait_until("it is started again", || daemon.dir().read("orphan").lines().count() == 2);
    wait_until("and its leader", || daemon.dir().read("leader").lines().count() == 2);
    daemon.wait_state("p", "RUNNING");
    assert!(proc::alive(before), "nobody has stopped it");
    ctl(&daemon, &["stop", "p"]).expect(0);
    assert!(!proc::alive(before), "it is of the tree");
    daemon.finish();
}
