//! Hooks around a program, and the ladder of stop signals, seen from outside.

use crate::support::{ctl, ini, sample, shows, toml};
use harness::{Daemon, Setup, proc, wait_until};

/// Lines of the log in this order.
#[track_caller]
fn in_order(said: &str, lines: &[&str]) {
    let mut rest = said;
    for line in lines {
        let Some((_, behind)) = rest.split_once(line) else { panic!("no `{line}` in its place in\n{said}") };
        rest = behind;
    }
}

/// Processes of the daemon with this word in their command line.
fn with_word(daemon: &Daemon, word: &str) -> usize {
    daemon.offspring().iter().filter(|pid| proc::cmdline(**pid).iter().any(|w| w == word)).count()
}

#[test]
fn the_sample_of_the_page_runs_its_hooks_and_climbs_its_ladder() {
    let daemon = toml(&sample("hooks.md", "toml")).start();
    daemon.wait_state("web", "RUNNING");
    daemon.wait_said("up");
    daemon.wait_said("deaf");
    assert!(std::path::Path::new(&daemon.dir().join("migrated")).exists());
    let pid = daemon.info("web", "pid").expect("it runs");
    ctl(&daemon, &["stop", "web"]).expect(0);
    daemon.wait_said("web post_stop: cleaning after stopped 0");
    ctl(&daemon, &["stop", "deaf"]).expect(0);
    wait_until("nothing is left of it", || !std::path::Path::new(&daemon.dir().join("migrated")).exists());
    let said = daemon.finish();
    in_order(
        &said,
        &[
            "web pre_start: migrating",
            "spawned: 'web'",
            &format!("web stop_command: asking {pid}"),
            "stopped: web (exit status 0)",
            "web post_stop: cleaning after stopped 0",
            "is still there: sending SIGQUIT",
            "stopped: deaf (terminated by SIGQUIT)",
        ],
    );
    assert!(said.contains("served"), "{said}");
    assert!(!said.contains("SIGKILL"), "{said}");
}

#[test]
fn all_three_spellings_run_the_same_hooks() {
    let as_ini = ini("[program:web]\ncommand=@puppet@ hold\nstartsecs=0\nenvironment=WORD=\"x y\"\n\
         pre_start=sh -c 'echo $MAINSTAY_HOOK of $MAINSTAY_GROUP:$MAINSTAY_PROGRAM, $WORD'\n\
         post_stop=sh -c 'echo $MAINSTAY_EXIT_CODE $MAINSTAY_EXIT_SIGNAL $MAINSTAY_EXIT_REASON'\nhook_timeout=5\n");
    let as_toml = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\nenvironment = { WORD = \"x y\" }\n\
         pre_start = [\"sh\", \"-c\", \"echo $MAINSTAY_HOOK of $MAINSTAY_GROUP:$MAINSTAY_PROGRAM, $WORD\"]\n\
         post_stop = \"sh -c 'echo $MAINSTAY_EXIT_CODE $MAINSTAY_EXIT_SIGNAL $MAINSTAY_EXIT_REASON'\"\nhook_timeout = \"5s\"\n",
    );
    let as_env = Setup::variables(&[
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
        ("MAINSTAY_PROGRAM__WEB__COMMAND", "@puppet@ hold"),
        ("MAINSTAY_PROGRAM__WEB__STARTSECS", "0"),
        ("MAINSTAY_PROGRAM__WEB__ENVIRONMENT__WORD", "x y"),
        (
            "MAINSTAY_PROGRAM__WEB__PRE_START",
            "sh -c 'echo $MAINSTAY_HOOK of $MAINSTAY_GROUP:$MAINSTAY_PROGRAM, $WORD'",
        ),
        (
            "MAINSTAY_PROGRAM__WEB__POST_STOP",
            "sh -c 'echo $MAINSTAY_EXIT_CODE $MAINSTAY_EXIT_SIGNAL $MAINSTAY_EXIT_REASON'",
        ),
    ]);
    for setup in [as_ini, as_toml, as_env] {
        let daemon = setup.start();
        daemon.wait_state("web", "RUNNING");
        let said = daemon.finish();
        in_order(&said, &["web pre_start: pre_start of web:web, x y", "web post_stop: 143 TERM stopped"]);
    }
}

#[test]
fn a_failed_pre_start_is_shown_and_tried_again() {
    let daemon = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\nbackoff = { initial = 0.05, jitter = 0 }\n\
         pre_start = \"sh -c 'echo looking; test -e @dir@/go || { echo no database >&2; exit 3; }'\"\n\
         [program.gone]\ncommand = [\"@puppet@\", \"hold\"]\npre_start = \"no-such-command\"\nstartretries = 0\n",
    )
    .start();
    daemon.wait_said_times("spawnerr: pre_start failed: exit status 3: no database", 2);
    daemon.wait_state("gone", "FATAL");
    let why = daemon.info("gone", "spawnerr").expect("it says why");
    assert_eq!(why, "pre_start failed: can't find command 'no-such-command'");
    daemon.dir().write("go", "");
    daemon.wait_state("web", "RUNNING");
    let said = daemon.finish();
    assert_eq!(said.matches("spawned: 'web'").count(), 1, "{said}");
}

#[test]
fn a_hook_that_hangs_leaves_nothing_behind() {
    let daemon = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartretries = 0\nhook_timeout = \"300ms\"\n\
         pre_start = \"sh -c '@puppet@ ignore TERM hold & @puppet@ ignore TERM hold'\"\n\
         [program.quick]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n\
         pre_start = \"sh -c '@puppet@ ignore TERM hold & exit 0'\"\n",
    )
    .start();
    daemon.wait_state("quick", "RUNNING");
    daemon.wait_state("web", "FATAL");
    let why = daemon.info("web", "spawnerr").expect("it says why");
    assert_eq!(why, "pre_start failed: it took too long and was killed");
    assert_eq!(with_word(&daemon, "ignore"), 0, "they were killed before it was told of");
    assert_eq!(with_word(&daemon, "hold"), 1, "the program itself");
    daemon.finish();
}

#[test]
fn a_stop_during_pre_start_ends_it_with_all_of_its_children() {
    let daemon = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"hold\"]\n\
         pre_start = \"sh -c '@puppet@ ignore TERM hold & echo begun; @puppet@ ignore TERM hold'\"\n",
    )
    .start();
    daemon.wait_said("web pre_start: begun");
    assert_eq!(daemon.info("web", "statename").as_deref(), Some("STARTING"));
    shows(&ctl(&daemon, &["status", "web"]), "running pre_start");
    shows(ctl(&daemon, &["stop", "web"]).expect(0), "web: stopped");
    wait_until("they are gone", || with_word(&daemon, "hold") == 0);
    assert_eq!(daemon.info("web", "statename").as_deref(), Some("STOPPED"));
    let said = daemon.finish();
    assert!(!said.contains("spawned: 'web'"), "{said}");
}

#[test]
fn a_start_and_a_removal_wait_for_post_stop() {
    let other = "[http]\nlisten = \"127.0.0.1:@port@\"\n[control]\nunix = \"@sock@\"\n\
                 [program.other]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n";
    let text = |post: &str| {
        format!(
            "{other}[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\npost_stop = \"{post}\"\n"
        )
    };
    let waits = text("@puppet@ say cleaning wait-file @dir@/clean");
    let daemon = Setup::toml(&waits).start();
    daemon.wait_state("web", "RUNNING");
    ctl(&daemon, &["stop", "web"]).expect(0);
    daemon.wait_said("web post_stop: cleaning");
    let starting = std::thread::scope(|s| {
        let start = s.spawn(|| ctl(&daemon, &["start", "web"]));
        daemon.wait_state("web", "STARTING");
        assert_eq!(daemon.said().matches("spawned: 'web'").count(), 1);
        daemon.dir().write("clean", "");
        start.join().expect("it ends")
    });
    shows(&starting, "web: started");
    std::fs::remove_file(daemon.dir().join("clean")).expect("it is there");
    let without = daemon.fill(other);
    daemon.dir().write("mainstay.toml", &without);
    let updating = std::thread::scope(|s| {
        let update = s.spawn(|| ctl(&daemon, &["update"]));
        daemon.wait_said_times("web post_stop: cleaning", 2);
        assert!(daemon.info("web", "statename").is_some(), "it is there as long as its hook runs");
        daemon.dir().write("clean", "");
        update.join().expect("it ends")
    });
    shows(updating.expect(0), "web: removed");
    assert_eq!(daemon.info("web", "statename"), None);
    daemon.finish();
}

#[test]
fn a_task_that_leaves_its_group_is_reaped_when_it_ends() {
    let daemon = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n\
         pre_start = \"sh -c 'setsid @puppet@ touch @dir@/up wait-file @dir@/go & while ! test -e @dir@/up; do sleep 0.01; done'\"\n",
    )
    .start();
    daemon.wait_state("web", "RUNNING");
    let is_it = |pid: &i32| proc::cmdline(*pid).iter().any(|w| w == "wait-file");
    let pid = daemon.offspring().into_iter().find(is_it).expect("it lives on");
    daemon.dir().write("go", "");
    wait_until("it was reaped", || proc::stat(pid).is_none());
    daemon.finish();
}

#[test]
fn many_hooks_at_once_take_their_turns() {
    // More than run at once.
    let daemon = ini(
        "[program:w]\ncommand=@puppet@ hold\nprocess_name=%(program_name)s%(process_num)d\nnumprocs=300\nstartsecs=0\n\
         pre_start=sh -c 'echo up >> @dir@/up'\npost_stop=sh -c 'echo down >> @dir@/down'\n",
    )
    .start();
    wait_until("all have begun", || daemon.dir().read("up").lines().count() == 300);
    daemon.wait_said_times("success: w", 300);
    let dir = daemon.dir().path().to_path_buf();
    let down = std::cell::Cell::new(0);
    daemon.signal(15);
    wait_until("all have been cleaned up after", || {
        down.set(std::fs::read_to_string(dir.join("down")).unwrap_or_default().lines().count());
        down.get() == 300
    });
    daemon.ended(0);
}
