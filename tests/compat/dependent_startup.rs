//! The options of supervisord-dependent-startup: the plug-in itself beside Supervisor, the engine in its place with us.

use crate::support::{Sup, ours, skipped, start};
use harness::bins;

const LISTENER: &str = "wait";

/// A daemon with the plug-in and these programs: name, command of the puppet, further settings.
fn waiting(programs: &[(&str, &str, &str)], rest: &str) -> Option<Sup> {
    if skipped() {
        return None;
    }
    // For us there needs to be no such file.
    let plugin = match bins::venv("supervisord-dependent-startup") {
        _ if ours() => "supervisord-dependent-startup".to_owned(),
        Some(path) => path,
        None if harness::flag("REQUIRE_COMPAT") => panic!("there is no dependent-startup beside Supervisor"),
        None => return None,
    };
    let programs: String = programs
        .iter()
        .map(|(name, verbs, settings)| {
            format!(
                "[program:{name}]\ncommand=@puppet@ {verbs}\nautostart=false\nautorestart=false\nstartsecs=0\n\
                 startretries=0\ndependent_startup=true\n{}\n",
                settings.replace("wait_for", "dependent_startup_wait_for")
            )
        })
        .collect();
    Some(start(&format!(
        "[eventlistener:{LISTENER}]\ncommand={plugin} -c @dir@/c.conf\nevents=PROCESS_STATE\nbuffer_size=1024\n\
         autorestart=unexpected\nstartsecs=0\nexitcodes=0,3\nstartretries=0\n{programs}{rest}"
    )))
}

/// The programs in the order of their starts, once there have been so many.
#[track_caller]
fn started(sup: &Sup, n: usize) -> Vec<String> {
    sup.wait_log_times("INFO spawned: '", n + 1);
    let log = sup.log();
    let names = log.lines().filter_map(|l| l.split_once("INFO spawned: '")?.1.split('\'').next());
    names.filter(|n| *n != LISTENER).map(str::to_owned).collect()
}

#[test]
fn a_chain_of_running_and_exited() {
    let Some(sup) = waiting(
        &[
            ("third", "hold", "wait_for=second:exited"),
            ("second", "wait-file @dir@/go exit 0", "wait_for=first:running"),
            ("first", "hold", "priority=7"),
        ],
        "",
    ) else {
        return;
    };
    assert_eq!(started(&sup, 2), ["first", "second"]);
    sup.wait_state("second", "RUNNING");
    assert_eq!(sup.status("third").0, "STOPPED");
    sup.0.dir().write("go", "");
    assert_eq!(started(&sup, 3), ["first", "second", "third"]);
    sup.wait_state("third", "RUNNING");
    sup.finish();
}

#[test]
fn running_is_what_is_meant_and_names_may_be_several() {
    let programs = [("z", "hold", "wait_for=a b"), ("b", "hold", ""), ("a", "hold", "")];
    let Some(sup) = waiting(&programs, "") else { return };
    assert_eq!(started(&sup, 3), ["a", "b", "z"]);
    sup.finish();
}

#[test]
fn a_state_of_several_is_enough_and_a_failure_is_one() {
    let programs = [
        // Not a command that is missing: such a one the plug-in cannot start, and it stays STOPPED.
        ("bad", "exit 1", "startsecs=1"),
        ("never", "hold", "wait_for=bad:running"),
        ("after", "hold", "wait_for=bad:exited,fatal"),
    ];
    let Some(sup) = waiting(&programs, "") else { return };
    sup.wait_state("after", "RUNNING");
    assert_eq!((sup.status("bad").0, sup.status("never").0), ("FATAL".into(), "STOPPED".into()));
    sup.finish();
}

#[test]
fn at_once_they_go_by_the_chain_first_and_then_by_priority() {
    let programs = [
        ("plain", "hold", ""),
        ("low", "hold", "priority=2"),
        ("high", "hold", "priority=30"),
        ("zero", "hold", "priority=0"),
        ("above", "hold", "priority=1000"),
    ];
    let Some(sup) = waiting(&programs, "") else { return };
    assert_eq!(started(&sup, 5), ["low", "high", "above", "plain", "zero"]);
    sup.finish();
}

#[test]
fn a_priority_is_inherited_where_that_is_asked_for() {
    let inherit = "dependent_startup_inherit_priority=true\nwait_for=base:running";
    let programs = [
        ("base", "hold", "priority=3"),
        ("late", "hold", "priority=50\nwait_for=base:running"),
        ("early", "hold", inherit),
    ];
    let Some(sup) = waiting(&programs, "") else { return };
    assert_eq!(started(&sup, 3), ["base", "early", "late"]);
    sup.finish();
}

#[test]
fn a_program_of_another_group_is_waited_for_by_its_own_name() {
    let programs = [("a", "hold", ""), ("b", "hold", "wait_for=a:running")];
    let Some(sup) = waiting(&programs, "[group:g]\nprograms=a,b\n") else { return };
    assert_eq!(started(&sup, 2), ["a", "b"]);
    sup.wait_state("g:b", "RUNNING");
    sup.finish();
}

#[test]
fn all_processes_of_a_program_are_waited_for() {
    let several = "numprocs=2\nprocess_name=%%(program_name)s_%%(process_num)d".replace("%%", "%");
    let programs = [("z", "hold", "wait_for=w:exited"), ("w", "wait-file @dir@/go exit 0", &several)];
    let Some(sup) = waiting(&programs, "") else { return };
    assert_eq!(started(&sup, 2), ["w_0", "w_1"]);
    sup.0.dir().write("go", "");
    // The plug-in may see the ends before it has seen both running; then it starts what has ended once more.
    sup.wait_log_times("INFO spawned: 'z'", 1);
    let mut names = started(&sup, 3);
    names.sort();
    names.dedup();
    assert_eq!(names, ["w_0", "w_1", "z"]);
    sup.finish();
}

#[test]
fn what_nobody_knows_is_not_waited_for() {
    let programs = [("a", "hold", "wait_for=nobody:running b:running"), ("b", "hold", "")];
    let Some(sup) = waiting(&programs, "") else { return };
    assert_eq!(started(&sup, 2), ["b", "a"]);
    sup.finish();
}

#[test]
fn when_two_wait_for_each_other_nobody_is_started() {
    let programs = [("a", "hold", "wait_for=b"), ("b", "hold", "wait_for=a"), ("c", "hold", "")];
    let Some(sup) = waiting(&programs, "") else { return };
    // Theirs has read the file by then, and ends with an error each time.
    sup.wait_log(if ours() { "success: wait entered RUNNING" } else { "exited: wait (exit status " });
    for name in ["a", "b", "c"] {
        assert_eq!(sup.status(name).0, "STOPPED");
    }
    sup.finish();
}

#[test]
fn who_is_started_with_the_daemon_waits_for_nobody() {
    let programs = [("a", "hold", "autostart=true\nwait_for=b:running"), ("b", "hold", "")];
    let Some(sup) = waiting(&programs, "") else { return };
    assert_eq!(started(&sup, 2), ["a", "b"]);
    sup.finish();
}

#[test]
fn a_crash_later_starts_nothing_again() {
    let programs = [("a", "wait-file @dir@/go exit 1", ""), ("b", "hold", "wait_for=a:running")];
    let Some(sup) = waiting(&programs, "") else { return };
    assert_eq!(started(&sup, 2), ["a", "b"]);
    sup.wait_state("b", "RUNNING");
    sup.0.dir().write("go", "");
    sup.wait_state("a", "EXITED");
    // Something else happens, of which a listener would hear.
    sup.ctl_says(&["restart", "b"], 0, "b: stopped\nb: started\n");
    assert_eq!(started(&sup, 3), ["a", "b", "b"]);
    sup.finish();
}
