//! Order that waits, seen from outside.

use crate::support::{ctl, ini, sample, shows, toml};
use harness::{Daemon, http, wait_until};

/// The last column of `status`.
fn description(daemon: &Daemon, name: &str) -> String {
    daemon.info(name, "description").unwrap_or_default()
}

fn pid(daemon: &Daemon, name: &str) -> i32 {
    daemon.info(name, "pid").and_then(|p| p.parse().ok()).unwrap_or(0)
}

#[test]
fn the_sample_of_the_page_starts_in_order_and_stops_the_other_way_round() {
    let daemon = toml(&sample("dependencies.md", "toml")).start();
    daemon.wait_state("web", "RUNNING");
    assert_eq!(daemon.info("migrate", "statename").as_deref(), Some("EXITED"));
    let said = daemon.finish();
    let places: Vec<usize> = [
        "success: db entered RUNNING",
        "spawned: 'migrate'",
        "exited: migrate (exit status 0; expected)",
        "spawned: 'web'",
        "stopped: web",
        "stopped: db",
    ]
    .iter()
    .map(|line| said.find(line).unwrap_or_else(|| panic!("no `{line}` in\n{said}")))
    .collect();
    assert!(places.is_sorted(), "{places:?} in\n{said}");
}

#[test]
fn all_three_spellings_mean_the_same() {
    let hold = "[program:db]\ncommand=@puppet@ wait-file @dir@/go exit 0\nstartsecs=0\nautorestart=false\n";
    let as_ini = ini(&format!("{hold}[program:web]\ncommand=@puppet@ hold\ndepends_on=db:completed\n"));
    let as_toml = toml(
        "[program.db]\ncommand = [\"@puppet@\", \"wait-file\", \"@dir@/go\"]\noneshot = true\n\
         [program.web]\ncommand = [\"@puppet@\", \"hold\"]\ndepends_on = [\"db:completed\"]\n",
    );
    let as_env = harness::Setup::variables(&[
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
        ("MAINSTAY_PROGRAM__DB__COMMAND", "@puppet@ wait-file @dir@/go"),
        ("MAINSTAY_PROGRAM__DB__ONESHOT", "true"),
        ("MAINSTAY_PROGRAM__WEB__COMMAND", "@puppet@ hold"),
        ("MAINSTAY_PROGRAM__WEB__DEPENDS_ON", "db:completed"),
    ]);
    for setup in [as_ini, as_toml, as_env] {
        let daemon = setup.start();
        daemon.wait_state("db", "RUNNING");
        assert_eq!(daemon.info("web", "statename").as_deref(), Some("STOPPED"));
        assert_eq!(description(&daemon, "web"), "waiting for db (completed): RUNNING");
        daemon.dir().write("go", "");
        daemon.wait_state("web", "RUNNING");
        daemon.finish();
    }
}

#[test]
fn a_dependency_that_fails_is_named_until_it_is_mended() {
    let daemon = toml(
        "[program.db]\ncommand = [\"@puppet@\", \"exit-from\", \"@dir@/code\"]\noneshot = true\nstartretries = 0\n\
         [program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\ndepends_on = { db = \"completed\" }\n\
         [program.other]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n",
    )
    .file("code", "3")
    .start();
    daemon.wait_state("other", "RUNNING");
    daemon.wait_state("db", "FATAL");
    let reason = "waiting for db (completed): FATAL: Bad exit code 3";
    wait_until("status says why", || description(&daemon, "web") == reason);
    shows(&ctl(&daemon, &["status", "web"]), reason);
    assert_eq!(daemon.get("/readyz").expect("it answers").status, 503);
    shows(&ctl(&daemon, &["start", "web"]), "waiting for db (completed): FATAL");
    daemon.dir().write("code", "0");
    shows(ctl(&daemon, &["start", "web"]).expect(0), "web: started");
    assert_eq!(daemon.info("db", "statename").as_deref(), Some("EXITED"));
    wait_until("it is ready", || daemon.get("/readyz").is_some_and(|a| a.status == 200));
    daemon.finish();
}

#[test]
fn bound_programs_follow_a_crash_and_an_operator() {
    let program = |name: &str, more: &str| {
        format!(
            "[program.{name}]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\nbackoff = {{ initial = 0.05, jitter = 0 }}\n{more}\n"
        )
    };
    let text = [
        program("db", ""),
        program("follows", "depends_on = [\"db\"]\nbind = \"stop\""),
        program("again", "depends_on = [\"db\"]\nbind = \"restart\""),
        program("free", "depends_on = [\"db\"]"),
    ]
    .concat();
    let daemon = toml(&text).start();
    let names = ["db", "follows", "again", "free"];
    names.iter().for_each(|name| daemon.wait_state(name, "RUNNING"));
    let before = names.map(|name| pid(&daemon, name));
    harness::kill(before[0], 9).expect("db lives");
    wait_until("those that are bound were started again", || {
        let now = names.map(|name| pid(&daemon, name));
        (0..3).all(|n| now[n] > 0 && now[n] != before[n])
    });
    assert_eq!(pid(&daemon, "free"), before[3]);
    let again = pid(&daemon, "again");
    ctl(&daemon, &["stop", "db"]).expect(0);
    assert_eq!(daemon.info("follows", "statename").as_deref(), Some("STOPPED"));
    assert_eq!(pid(&daemon, "again"), again);
    ctl(&daemon, &["start", "db"]).expect(0);
    daemon.wait_state("follows", "RUNNING");
    wait_until("again is restarted", || pid(&daemon, "again") != again && pid(&daemon, "again") > 0);
    // What an operator takes away stays away.
    ctl(&daemon, &["stop", "follows"]).expect(0);
    let again = pid(&daemon, "again");
    http::rpc(&daemon.socket(), "supervisor.signalProcess", &["db", "KILL"]).expect("it answers");
    wait_until("again is restarted once more", || {
        pid(&daemon, "again") != again && pid(&daemon, "again") > 0
    });
    assert_eq!(daemon.info("follows", "statename").as_deref(), Some("STOPPED"));
    let said = daemon.finish();
    assert!(said.contains("stopping follows: what it is bound to"), "{said}");
}
