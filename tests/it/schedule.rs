//! Programs that run when the clock says so, seen from outside.

use crate::support::{ctl, ini, mainstay, metric, sample, shows, toml};
use harness::{Daemon, Setup, wait_until};

fn lines(daemon: &Daemon, file: &str) -> usize {
    daemon.dir().read(file).lines().count()
}

#[test]
fn the_sample_of_the_page_ticks_and_tells_its_next_run() {
    let daemon = toml(&sample("schedule.md", "toml")).start();
    wait_until("it has run", || lines(&daemon, "ticks") >= 2);
    let said = ctl(&daemon, &["status", "backup"]).stdout;
    assert!(said.contains("STOPPED   next run 20") && said.contains(" 03:00:00 CE"), "{said}");
    let said = ctl(&daemon, &["status", "tick"]).stdout;
    assert!(said.contains("next run ") && said.contains(" exit status 0 ("), "{said}");
    let json = ctl(&daemon, &["status", "--json", "backup"]).stdout;
    assert!(json.contains("\"next_run\":1"), "{json}");
    let page = daemon.get("/metrics").expect("it answers").body;
    let next = metric(&page, "mainstay_program_next_run_timestamp_seconds", &[("program", "backup")]);
    assert!(next.is_some_and(|at| at > 1_700_000_000.0), "{page}");
    assert_eq!(daemon.get("/readyz").expect("it answers").status, 200, "it does not gate");
    daemon.finish();
}

#[test]
fn all_three_spellings_run_by_the_clock() {
    let as_ini = ini("[program:tick]\ncommand=sh -c 'echo tick >> @dir@/ticks'\nschedule=* * * * * *\n\
                      schedule_timezone=UTC\nschedule_overlap=queue\n");
    let as_toml = toml(
        "[program.tick]\ncommand = \"sh -c 'echo tick >> @dir@/ticks'\"\n\
         schedule = \"* * * * * *\"\nschedule_timezone = \"UTC\"\nschedule_overlap = \"queue\"\n",
    );
    let as_env = Setup::variables(&[
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
        ("MAINSTAY_PROGRAM__TICK__COMMAND", "sh -c 'echo tick >> @dir@/ticks'"),
        ("MAINSTAY_PROGRAM__TICK__SCHEDULE", "* * * * * *"),
        ("MAINSTAY_PROGRAM__TICK__SCHEDULE_TIMEZONE", "UTC"),
        ("MAINSTAY_PROGRAM__TICK__SCHEDULE_OVERLAP", "queue"),
    ]);
    for setup in [as_ini, as_toml, as_env] {
        let daemon = setup.start();
        wait_until("it has run twice", || lines(&daemon, "ticks") >= 2);
        shows(&ctl(&daemon, &["status", "tick"]), " UTC");
        let said = daemon.finish();
        assert!(said.contains("exited: tick (exit status 0; expected)"), "{said}");
    }
}

#[test]
fn a_run_beside_its_predecessor_is_skipped_queued_or_takes_its_place() {
    let program = |name: &str| {
        format!(
            "[program.{name}]\ncommand = [\"@puppet@\", \"append\", \"@dir@/{name}\", \"run\", \"wait-file\", \"@dir@/go\"]\n\
             schedule = \"* * * * * *\"\nschedule_overlap = \"{name}\"\n"
        )
    };
    let daemon = toml(&["skip", "queue", "replace"].map(program).concat()).start();
    daemon.wait_said_times("skipped a run of skip: its predecessor has not ended", 2);
    wait_until("others took its place", || lines(&daemon, "replace") >= 3);
    assert_eq!((lines(&daemon, "skip"), lines(&daemon, "queue")), (1, 1));
    shows(&ctl(&daemon, &["status", "queue"]), "one more run is waiting");
    daemon.dir().write("go", "");
    wait_until("what waited has run", || lines(&daemon, "queue") >= 2);
    daemon.finish();
}

#[test]
fn a_run_by_hand_does_not_disturb_the_schedule() {
    let daemon = toml(
        "[program.job]\ncommand = [\"@puppet@\", \"append\", \"@dir@/runs\", \"run\", \"exit\", \"3\"]\nschedule = \"0 0 1 1 *\"\n",
    )
    .start();
    daemon.wait_state("job", "STOPPED");
    let before = ctl(&daemon, &["status", "job"]).stdout;
    assert!(before.contains("STOPPED   next run "), "{before}");
    let next = before.split("next run ").nth(1).expect("it says when")[..10].to_owned();
    for n in 1..=2 {
        shows(&ctl(&daemon, &["start", "job"]), "job: started");
        daemon.wait_state("job", "EXITED");
        assert_eq!(lines(&daemon, "runs"), n);
    }
    let after = ctl(&daemon, &["status", "job"]).stdout;
    assert!(after.contains(&format!("next run {next}")) && after.contains("exit status 3"), "{after}");
    let said = daemon.finish();
    assert_eq!(said.matches("spawned: 'job'").count(), 2, "a failed run is not tried again: {said}");
}

#[test]
fn an_update_moves_the_next_run_and_leaves_the_present_one_alone() {
    let text = |schedule: &str| {
        format!(
            "[http]\nlisten = \"127.0.0.1:@port@\"\n[control]\nunix = \"@sock@\"\n\
             [program.job]\ncommand = [\"@puppet@\", \"say\", \"up\", \"hold\"]\nschedule = \"{schedule}\"\n"
        )
    };
    let daemon = Setup::toml(&text("* * * * * *")).start();
    daemon.wait_said("up");
    let pid = daemon.info("job", "pid");
    let new = daemon.fill(&text("0 0 1 1 *"));
    daemon.dir().write("mainstay.toml", &new);
    ctl(&daemon, &["update"]).expect(0);
    wait_until("it follows", || ctl(&daemon, &["status", "job"]).stdout.contains("-01-01 00:00:00"));
    assert_eq!(daemon.info("job", "pid"), pid, "the present run goes on");
    daemon.finish();
}

#[test]
fn mistakes_are_shown_with_their_column() {
    let check = |lines: &str| {
        let setup = Setup::toml(&format!("[program.job]\ncommand = \"true\"\n{lines}\n"));
        let done = mainstay(&["check", "-c", &setup.dir().join("mainstay.toml")]);
        format!("{}{}", done.stdout, done.stderr)
    };
    let said = check("schedule = \"0 24 * * *\"");
    assert!(said.contains("there is no hour 24 (column 3 of the schedule)"), "{said}");
    assert!(said.contains("an hour is a number from 0 to 23"), "{said}");
    let said = check("schedule = \"0 3 * * *\"\nschedule_timezone = \"Middle/Town\"");
    assert!(said.contains("there is no time zone `Middle/Town`"), "{said}");
    let said = check("schedule = \"@reboot\"");
    assert!(said.contains("`@reboot` is no time"), "{said}");
}
