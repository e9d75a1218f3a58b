//! In which order processes are started and stopped when several are meant.

use crate::support::{Sup, skipped, start_with};

/// Programs by group and own priority: `c` 1, then group `g` at 5 with `b` 10 before `a` 20, then `d` 999.
fn several(autostart: bool) -> Sup {
    let program = |name: &str, priority: &str| {
        format!("[program:{name}]\ncommand=cat\nstartsecs=0\nautostart={autostart}\npriority={priority}\n")
    };
    let config = [
        program("a", "20"),
        program("b", "10"),
        program("c", "1"),
        program("d", "999"),
        "[group:g]\nprograms=a,b\npriority=5\n".to_string(),
    ]
    .concat();
    let sup = start_with("loglevel=debug", &config);
    sup.wait_log(" started with pid");
    sup
}

/// The names in the lines that begin so.
fn names(sup: &Sup, begin: &str) -> Vec<String> {
    let names = |l: &String| {
        let rest = l.split_once(begin)?.1;
        Some(rest.split([' ', '\'']).next().unwrap_or_default().to_string())
    };
    sup.events().iter().filter_map(names).collect()
}

const STARTED: &str = "INFO spawned: '";
const SIGNALLED: &str = "DEBG killing ";

#[test]
fn start_all_goes_by_ascending_priority_of_group_and_process() {
    if skipped() {
        return;
    }
    let sup = several(false);
    let done = sup.ctl(&["start", "all"]);
    assert_eq!(done.code(), 0);
    assert_eq!(names(&sup, STARTED), ["c", "b", "a", "d"]);
    sup.finish();
}

#[test]
fn autostart_goes_by_the_order_of_programs_inside_a_group() {
    if skipped() {
        return;
    }
    // Trap 37.
    let sup = several(true);
    sup.wait_log_times("spawned: ", 4);
    assert_eq!(names(&sup, STARTED), ["c", "a", "b", "d"]);
    sup.finish();
}

#[test]
fn starting_a_group_goes_by_ascending_priority() {
    if skipped() {
        return;
    }
    let sup = several(false);
    sup.ctl_says(&["start", "g:*"], 0, "g:b: started\ng:a: started\n");
    assert_eq!(names(&sup, STARTED), ["b", "a"]);
    sup.finish();
}

#[test]
fn stop_all_goes_by_ascending_priority_too() {
    if skipped() {
        return;
    }
    // Trap 38 [D]: what the manual says is the other way round; scripts know what happens.
    let sup = several(true);
    sup.wait_log_times("entered RUNNING state", 4);
    let done = sup.ctl(&["stop", "all"]);
    assert_eq!(done.code(), 0);
    assert_eq!(names(&sup, SIGNALLED), ["c", "b", "a", "d"]);
    sup.finish();
}

#[test]
fn stopping_a_group_goes_by_ascending_priority_too() {
    if skipped() {
        return;
    }
    let sup = several(true);
    sup.wait_log_times("entered RUNNING state", 4);
    assert_eq!(sup.ctl(&["stop", "g:*"]).code(), 0);
    assert_eq!(names(&sup, SIGNALLED), ["b", "a"]);
    sup.finish();
}

#[test]
fn a_shutdown_goes_by_descending_priority_of_group_and_process() {
    if skipped() {
        return;
    }
    let sup = several(true);
    sup.wait_log_times("entered RUNNING state", 4);
    sup.0.signal(15);
    assert_eq!(sup.0.wait_exit(), 0);
    assert_eq!(names(&sup, SIGNALLED), ["d", "a", "b", "c"]);
    // COMPAT: the names of those that are waited for stand in the order of the groups.
    assert!(sup.log().contains("INFO waiting for c, a, b, d to die\n"), "{}", sup.log());
}

#[test]
fn a_shutdown_among_equals_goes_backwards() {
    if skipped() {
        return;
    }
    let program = |name: &str| format!("[program:{name}]\ncommand=cat\nstartsecs=0\n");
    let sup = start_with("loglevel=debug", &[program("x"), program("z"), program("y")].concat());
    sup.wait_log_times("entered RUNNING state", 3);
    sup.0.signal(15);
    assert_eq!(sup.0.wait_exit(), 0);
    assert_eq!(names(&sup, SIGNALLED), ["z", "y", "x"]);
}
