//! From STOPPED to RUNNING or FATAL: startsecs, retries, order, and what is said about it.

use crate::support::{ours, skipped, start};
use harness::wait_for;
use std::time::Duration;

// Programs that fail on purpose have startsecs=5: theirs may notice an end a second late, and then calls it RUNNING.

#[test]
fn two_retries_are_three_starts_with_waits_of_one_and_two_seconds_then_fatal() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ stamp @dir@/st exit 1\nstartretries=2\nstartsecs=5\n");
    sup.wait_log("gave up: x");
    let st = sup.stamps("st");
    assert_eq!(st.len(), 3, "{st:?}");
    // Theirs looks once a second, so a wait may take a second longer.
    let late = if ours() { 600 } else { 2100 };
    assert!((1000..1000 + late).contains(&(st[1] - st[0])), "{st:?}");
    assert!((2000..2000 + late).contains(&(st[2] - st[1])), "{st:?}");
    let spawned = "INFO spawned: 'x' with pid PID";
    let exited = "WARN exited: x (exit status 1; not expected)";
    let gave_up = "INFO gave up: x entered FATAL state, too many start retries too quickly";
    assert_eq!(sup.events_of("x"), [spawned, exited, spawned, exited, spawned, exited, gave_up]);
    assert_eq!(sup.status("x"), ("FATAL".into(), "Exited too quickly (process log may have details)".into()));
    sup.finish();
}

#[test]
fn no_retries_is_one_start_and_negative_ones_too() {
    if skipped() {
        return;
    }
    let program = |n: &str, retries: i32| {
        format!(
            "[program:{n}]\ncommand=@puppet@ stamp @dir@/{n} exit 1\nstartretries={retries}\nstartsecs=5\n"
        )
    };
    let sup = start(&(program("zero", 0) + &program("minus", -1)));
    sup.wait_log("gave up: zero");
    sup.wait_log("gave up: minus");
    assert_eq!((sup.stamps("zero").len(), sup.stamps("minus").len()), (1, 1));
    sup.finish();
}

#[test]
fn exit_0_before_startsecs_is_a_failed_start_even_without_autorestart() {
    if skipped() {
        return;
    }
    // Trap 20 [K].
    let sup = start("[program:x]\ncommand=@puppet@ exit 0\nautorestart=false\nstartretries=1\nstartsecs=5\n");
    sup.wait_log("gave up: x");
    let events = sup.events_of("x");
    assert_eq!(events[1], "WARN exited: x (exit status 0; not expected)");
    assert_eq!(events.len(), 5, "{events:?}");
    sup.finish();
}

#[test]
fn running_is_reached_after_startsecs_and_a_later_end_is_an_exit() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ wait-file @dir@/go exit 0\nstartsecs=4\n");
    sup.wait_log("spawned: 'x'");
    assert_eq!(sup.status("x").0, "STARTING");
    sup.wait_log("success: x");
    let (state, description) = sup.status("x");
    assert_eq!(state, "RUNNING");
    assert!(description.starts_with("pid ") && description.contains(", uptime 0:00:"), "{description}");
    sup.0.dir().write("go", "");
    sup.wait_log("exited: x");
    assert_eq!(
        sup.events_of("x"),
        [
            "INFO spawned: 'x' with pid PID",
            "INFO success: x entered RUNNING state, process has stayed up for > than 4 seconds (startsecs)",
            "INFO exited: x (exit status 0; expected)"
        ]
    );
    sup.finish();
}

#[test]
fn startsecs_0_is_running_at_once_and_a_fast_end_is_an_exit() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ exit 0\nstartsecs=0\n");
    sup.wait_log("exited: x");
    assert_eq!(
        sup.events_of("x"),
        [
            "INFO spawned: 'x' with pid PID",
            "INFO success: x entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
            "INFO exited: x (exit status 0; expected)"
        ]
    );
    sup.finish();
}

#[test]
fn a_survivor_of_startsecs_that_ends_before_anybody_looks_was_running() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=@puppet@ after 1150 exit 5\nstartsecs=1\nautorestart=false\n");
    sup.wait_log("exited: x");
    let events = sup.events_of("x");
    assert!(events[1].starts_with("INFO success: x entered RUNNING"), "{events:?}");
    assert_eq!(events[2], "WARN exited: x (exit status 5; not expected)");
    sup.finish();
}

#[test]
fn autostart_false_stays_stopped_and_was_never_started() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=cat\nautostart=false\n[program:y]\ncommand=cat\nstartsecs=0\n");
    sup.wait_log("success: y");
    assert_eq!(sup.status("x"), ("STOPPED".into(), "Not started".into()));
    sup.finish();
}

fn spawn_order(events: &[String]) -> Vec<String> {
    let names =
        events.iter().filter_map(|l| l.strip_prefix("INFO spawned: '")?.split_once('\'')).map(|p| p.0);
    names.map(str::to_string).collect()
}

#[test]
fn lower_priority_starts_first_and_equals_start_by_name() {
    if skipped() {
        return;
    }
    let program = |n: &str, p: &str| format!("[program:{n}]\ncommand=cat\n{p}\n");
    let sup = start(
        &[
            program("z", "priority=5"),
            program("b", "priority=20"),
            program("a", "priority=20"),
            program("last", ""),
            program("first", "priority=-1"),
        ]
        .concat(),
    );
    sup.wait_log_times("spawned: ", 5);
    assert_eq!(spawn_order(&sup.events()), ["first", "z", "a", "b", "last"]);
    sup.finish();
}

#[test]
fn members_of_a_group_start_in_the_order_of_programs_not_by_priority() {
    if skipped() {
        return;
    }
    // Trap 37 [K].
    let program = |n: &str, p: i32| format!("[program:{n}]\ncommand=cat\npriority={p}\n");
    let group = "[group:g]\nprograms=b,a,c\npriority=50\n";
    let sup = start(
        &[program("a", 1), program("b", 3), program("c", 2), program("solo", 10), group.into()].concat(),
    );
    sup.wait_log_times("spawned: ", 4);
    assert_eq!(spawn_order(&sup.events()), ["solo", "b", "a", "c"]);
    sup.finish();
}

#[test]
fn numprocs_makes_numbered_processes() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:w]\ncommand=@puppet@ say %(process_num)d-of-%(numprocs)d env-of SUPERVISOR_PROCESS_NAME env-of SUPERVISOR_GROUP_NAME hold\n\
         process_name=%(program_name)s_%(process_num)02d\nnumprocs=3\nnumprocs_start=8\nstartsecs=0\n\
         stdout_logfile=@dir@/%(program_name)s-%(process_num)d.out\n",
    );
    for n in 8..11 {
        sup.wait_file(&format!("w-{n}.out"), &format!("{n}-of-3\nw_{n:02}\nw\n"));
    }
    let table = sup.ctl(&["status"]);
    let names: Vec<&str> = table.stdout.lines().filter_map(|l| l.split_whitespace().next()).collect();
    assert_eq!(names, ["w:w_08", "w:w_09", "w:w_10"]);
    sup.finish();
}

#[test]
fn numprocs_0_is_an_empty_group() {
    if skipped() {
        return;
    }
    // Trap 11 [K].
    let sup = start("[program:none]\ncommand=cat\nnumprocs=0\n[program:y]\ncommand=cat\nstartsecs=0\n");
    sup.wait_log("success: y");
    assert_eq!(sup.ctl(&["status"]).stdout.lines().count(), 1);
    sup.finish();
}

#[test]
fn the_last_words_of_a_program_that_ends_at_once_are_kept() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=@puppet@ spew 60000 print last-words exit 0\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=@dir@/x.out\n",
    );
    sup.wait_log("exited: x");
    wait_for("all bytes are there", Duration::from_secs(3), || sup.file("x.out").len() >= 60010);
    let mut want = harness::pattern::bytes(60000);
    want.extend_from_slice(b"last-words");
    assert_eq!(harness::pattern::checksum(sup.file("x.out").as_bytes()), harness::pattern::checksum(&want));
    sup.finish();
}

#[test]
fn the_pid_file_holds_the_daemons_pid() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=cat\nstartsecs=0\n");
    sup.wait_log("success: x");
    assert_eq!(sup.file("d.pid"), format!("{}\n", sup.0.pid()));
    let log = sup.log();
    assert!(log.contains(&format!("INFO supervisord started with pid {}\n", sup.0.pid())), "{log}");
    assert!(log.contains("INFO RPC interface 'supervisor' initialized\n"), "{log}");
    assert!(
        log.contains("CRIT Server 'unix_http_server' running without any HTTP authentication checking\n"),
        "{log}"
    );
    sup.finish();
}
