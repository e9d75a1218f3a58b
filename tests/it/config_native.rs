//! Switches, and what `check` says of settings that Supervisor does not have.

use crate::support::{ctl, ini, mainstay, toml};
use harness::{Cmd, Setup, wait_until};

fn check(setup: Setup, text: &str, name: &str, vars: &[(&str, &str)]) -> harness::Done {
    let setup = setup.file(name, text);
    let path = setup.fill(&format!("@dir@/{name}"));
    let binary = harness::mainstay();
    vars.iter().fold(Cmd::new(&[binary.as_str(), "check", "-c", &path]), |cmd, (n, v)| cmd.env(n, v)).run()
}

/// What the table of `ctl status` says.
#[track_caller]
fn shows(daemon: &harness::Daemon, text: &str) {
    let status = ctl(daemon, &["status"]).stdout;
    assert!(status.contains(text), "{text}: {status}");
}

const SWITCHED: &str = "[program.web]\ncommand = \"@puppet@ hold\"\n\
                        [program.debug]\ncommand = \"@puppet@ hold\"\nenabled = \"${DEBUG} && ${STAGE:-dev} != production\"\n\
                        [program.follower]\ncommand = \"@puppet@ hold\"\ndepends_on = [\"debug\"]\n";

#[test]
fn a_disabled_program_is_shown_and_started_by_nobody() {
    let daemon = toml(SWITCHED).env("DEBUG", "1").env("STAGE", "production").start();
    daemon.wait_state("web", "RUNNING");
    let why = "disabled: `${DEBUG} && ${STAGE:-dev} != production` is false";
    shows(&daemon, why);
    shows(&daemon, "waiting for debug");
    let refused = ctl(&daemon, &["start", "debug"]);
    assert!(refused.stdout.contains("debug is disabled"), "{}", refused.stdout);
    assert_ne!(refused.code(), 0);
    ctl(&daemon, &["start", "all"]);
    daemon.wait_state("debug", "STOPPED");
    // It is nobody's fault that it does not run. Who waits for it is not ready.
    let ready = |path: &str| daemon.get(path).is_some_and(|a| a.status == 200);
    wait_until("the others are ready", || ready("/readyz?exclude=follower"));
    daemon.finish();
}

#[test]
fn an_enabled_program_runs() {
    let daemon = toml(SWITCHED).env("DEBUG", "yes").start();
    for name in ["web", "debug", "follower"] {
        daemon.wait_state(name, "RUNNING");
    }
    daemon.finish();
}

#[test]
fn the_same_in_ini_and_in_variables() {
    let text = "[program:web]\ncommand=@puppet@ hold\nenabled=%(ENV_ON)s == 1 || ${OTHER:-no}\n\
                [program:off]\ncommand=@puppet@ hold\nenabled=!%(ENV_ON)s\n\
                [program:unset]\ncommand=@puppet@ hold\nenabled=%(ENV_NOBODY_SETS_ME)s\n";
    let daemon = ini(text).env("ON", "1").start();
    daemon.wait_state("web", "RUNNING");
    shows(&daemon, "disabled: `!%(ENV_ON)s` is false");
    shows(&daemon, "disabled: `%(ENV_NOBODY_SETS_ME)s` is false");
    daemon.finish();
    let daemon = Setup::variables(&[
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
        ("MAINSTAY_PROGRAM__WEB", "@puppet@ hold"),
        ("MAINSTAY_PROGRAM__WEB__ENABLED", "${ON}"),
        ("MAINSTAY_PROGRAM__OFF", "@puppet@ hold"),
        ("MAINSTAY_PROGRAM__OFF__ENABLED", "no"),
        ("ON", "1"),
    ])
    .start();
    daemon.wait_state("web", "RUNNING");
    shows(&daemon, "disabled: `no` is false");
    daemon.finish();
}

#[test]
fn a_switch_that_changes_takes_effect_with_update() {
    let program =
        |enabled: &str| format!("[program.web]\ncommand = \"@puppet@ hold\"\nenabled = {enabled}\n");
    let daemon = toml(&format!("{}[program.other]\ncommand = \"@puppet@ hold\"\n", program("false"))).start();
    daemon.wait_state("other", "RUNNING");
    daemon.wait_state("web", "STOPPED");
    let file = daemon.fill("@dir@/mainstay.toml");
    let rewrite = |from: &str, to: &str| {
        let text = std::fs::read_to_string(&file).expect("the file");
        std::fs::write(&file, text.replace(from, to)).expect("the file");
        ctl(&daemon, &["update"]).expect(0);
    };
    rewrite("enabled = false", "enabled = true");
    daemon.wait_state("web", "RUNNING");
    rewrite("enabled = true", "enabled = \"${NOBODY_SETS_ME}\"");
    daemon.wait_state("web", "STOPPED");
    shows(&daemon, "disabled: `${NOBODY_SETS_ME}` is false");
    daemon.finish();
}

#[test]
fn check_tells_of_who_waits_for_a_disabled_program() {
    let done = check(Setup::new(&[]), SWITCHED, "s.toml", &[]);
    done.expect(0).says("[program.follower] waits for `debug`, which is disabled: `${DEBUG} && ${STAGE:-dev} != production` is false");
    let done = check(Setup::new(&[]), "[program.a]\ncommand = \"x\"\nenabled = \"maybe\"\n", "s.toml", &[]);
    done.expect(2).says("`maybe` is neither true nor false").says("s.toml:3:1");
}

#[test]
fn every_missing_variable_is_named_in_one_message() {
    let text = "[supervisord]\n[program:a]\ncommand=%(ENV_NO_A)s %(ENV_NO_B)s\nenvironment=X=\"%(ENV_NO_C)s\"\n\
                [program:b]\ncommand=b\nreadiness_http=http://${NO_D}/\nenv_file=${NO_E:-/x}\n";
    let done = check(Setup::new(&[]), text, "s.conf", &[]);
    done.expect(2);
    let errors: Vec<&str> = done.stderr.lines().filter(|l| l.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{}", done.stderr);
    assert!(errors[0].starts_with("error: 4 environment variables are not set: "), "{}", done.stderr);
    for (name, place) in [
        ("NO_A", ":3 [program:a] command"),
        ("NO_B", ":3 "),
        ("NO_C", ":4 [program:a] environment"),
        ("NO_D", ":7 [program:b] readiness_http"),
    ] {
        let at = errors[0].find(&format!("`{name}`")).unwrap_or_else(|| panic!("{name}: {}", done.stderr));
        assert!(errors[0][at..].contains(place), "{name}: {}", done.stderr);
    }
}

#[test]
fn a_circle_is_refused_with_its_way_and_a_stranger_with_the_nearest_name() {
    let text = "[program.a]\ncommand = \"x\"\ndepends_on = [\"b\"]\n[program.b]\ncommand = \"x\"\ndepends_on = [\"a\"]\n";
    check(Setup::new(&[]), text, "s.toml", &[])
        .expect(2)
        .says("programs wait for each other: a -> b -> a")
        .says("s.toml:3:");
    let text =
        "[supervisord]\n[program:web]\ncommand=x\ndepends_on=databse:ready\n[program:database]\ncommand=x\n";
    check(Setup::new(&[]), text, "s.conf", &[])
        .expect(2)
        .says("there is no program or group `databse`")
        .says("did you mean `database`?");
}

#[test]
fn what_is_printed_is_the_same_configuration_again() {
    let text = "[supervisor]\ndrain_delay = 2\n[signals]\nHUP = \"ignore\"\n[program.web]\ncommand = \"web\"\nstopsignal = \"TERM:3, KILL\"\n\
                readiness = { http = \":8080/healthz\", period = 5 }\nrlimits = { nofile = \"64:128\" }\nenabled = \"${X:-yes}\"\nbackoff_max = 7\n";
    let setup = Setup::new(&[]).file("a.toml", text);
    let json = |path: &str| {
        let done = mainstay(&["check", "-c", path, "--print", "json"]);
        let all: serde_json::Value = serde_json::from_str(&done.expect(0).stdout).expect("JSON");
        (
            all["groups"][0]["processes"][0]["mainstay"].clone(),
            all["mainstay"]["drain_delay"].clone(),
            all["mainstay"]["signals"].clone(),
        )
    };
    let first = setup.fill("@dir@/a.toml");
    let want = json(&first);
    assert_eq!(
        (want.0["readiness_http"].as_str(), want.1.as_i64()),
        (Some("http://127.0.0.1:8080/healthz"), Some(2))
    );
    for (form, name) in [("toml", "b.toml"), ("ini", "b.conf")] {
        let printed = mainstay(&["check", "-c", &first, "--print", form]).stdout;
        let again = setup.fill(&format!("@dir@/{name}"));
        std::fs::write(&again, &printed).expect("a file");
        assert_eq!(json(&again), want, "{printed}");
    }
}
