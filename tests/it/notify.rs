//! sd_notify: what a program says on its own socket, and what comes of it.

use crate::support::{ini, needs_root, sample, toml};
use harness::{Daemon, Setup, pause, wait_until};

fn ready(daemon: &Daemon) -> u16 {
    daemon.get("/readyz").map_or(0, |a| a.status)
}

fn note(daemon: &Daemon) -> String {
    daemon.info("web", "description").unwrap_or_default()
}

fn pid(daemon: &Daemon) -> i32 {
    daemon.info("web", "pid").and_then(|p| p.parse().ok()).unwrap_or(0)
}

/// A puppet with these verbs; further lines are TOML.
fn web(verbs: &[&str], more: &str) -> Setup {
    let words: Vec<String> = verbs.iter().map(|v| format!("{v:?}")).collect();
    toml(&format!("[program.web]\ncommand = [\"@puppet@\", {}]\nstartsecs = 0\n{more}\n", words.join(", ")))
}

#[test]
fn a_program_says_when_it_is_ready_in_every_spelling() {
    let verbs = "wait-file @dir@/go notify READY=1 hold";
    let as_ini =
        ini(&format!("[program:web]\ncommand=@puppet@ {verbs}\nstartsecs=0\nreadiness_notify=true\n"));
    let as_toml = toml(&format!(
        "[program.web]\ncommand = \"@puppet@ {verbs}\"\nstartsecs = 0\nreadiness.notify = true\n"
    ));
    let as_env = Setup::variables(&[
        ("MAINSTAY_HTTP__LISTEN", "127.0.0.1:@port@"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
        ("MAINSTAY_PROGRAM__WEB__COMMAND", &format!("@puppet@ {verbs}")),
        ("MAINSTAY_PROGRAM__WEB__STARTSECS", "0"),
        ("MAINSTAY_PROGRAM__WEB__READINESS_NOTIFY", "true"),
    ]);
    for setup in [as_ini, as_toml, as_env] {
        let daemon = setup.start();
        daemon.wait_state("web", "RUNNING");
        wait_until("status says why", || {
            note(&daemon).contains("not ready: readiness notify: no READY=1 yet")
        });
        assert_eq!(ready(&daemon), 503);
        daemon.dir().write("go", "");
        wait_until("it is ready", || ready(&daemon) == 200);
        daemon.finish();
    }
}

#[test]
fn a_status_is_shown_and_a_reload_is_not_ready() {
    let daemon = web(
        &[
            "notify",
            "READY=1\\nSTATUS=Serving 5 clients\\nMAINPID=1",
            "wait-file",
            "@dir@/reload",
            "notify",
            "RELOADING=1",
            "wait-file",
            "@dir@/go",
            "notify",
            "READY=1\\nSTATUS=",
            "hold",
        ],
        "readiness.notify = true",
    )
    .start();
    wait_until("it is ready", || ready(&daemon) == 200);
    assert!(note(&daemon).contains("Serving 5 clients"), "{}", note(&daemon));
    daemon.dir().write("reload", "");
    wait_until("it is not ready", || ready(&daemon) == 503);
    assert!(note(&daemon).contains("not ready: it is reloading; Serving 5 clients"), "{}", note(&daemon));
    daemon.dir().write("go", "");
    wait_until("it is ready again", || ready(&daemon) == 200);
    assert!(!note(&daemon).contains("Serving"), "{}", note(&daemon));
    daemon.finish();
}

#[test]
fn a_program_that_says_it_is_stopping_gets_no_more_traffic() {
    let daemon = web(
        &[
            "notify",
            "READY=1",
            "wait-file",
            "@dir@/stop",
            "notify",
            "STOPPING=1",
            "wait-file",
            "@dir@/go",
            "exit",
            "0",
        ],
        "readiness.notify = true\nautorestart = \"unexpected\"\n[supervisor]\nexit_when_all_exited = false",
    )
    .start();
    wait_until("it is ready", || ready(&daemon) == 200);
    daemon.dir().write("stop", "");
    wait_until("it is not ready", || ready(&daemon) == 503);
    assert_eq!(daemon.info("web", "statename").as_deref(), Some("RUNNING"));
    assert!(note(&daemon).contains("it says that it is stopping"), "{}", note(&daemon));
    daemon.dir().write("go", "");
    daemon.wait_state("web", "EXITED");
    daemon.finish();
}

#[test]
fn a_program_that_is_not_heard_of_is_restarted() {
    let daemon = web(
        &["notify-until", "@dir@/hang", "50", "WATCHDOG=1", "say", "hanging", "hold"],
        "liveness = { notify = true, timeout = 1 }\nbackoff = { initial = 0.05, jitter = 0 }",
    )
    .start();
    daemon.wait_state("web", "RUNNING");
    let first = pid(&daemon);
    // Longer than the watchdog's time.
    pause(1_500);
    assert_eq!(pid(&daemon), first, "it is heard of");
    daemon.dir().write("hang", "");
    daemon.wait_said("restarting web: liveness notify: no WATCHDOG=1 within 1s");
    std::fs::remove_file(daemon.dir().join("hang")).expect("it is there");
    wait_until("another process runs", || pid(&daemon) > 0 && pid(&daemon) != first);
    daemon.finish();
}

#[test]
fn a_program_may_ask_for_its_restart() {
    let daemon = web(
        &["wait-file", "@dir@/bad", "notify", "WATCHDOG=trigger", "hold"],
        "liveness.notify = true\nbackoff = { initial = 0.05, jitter = 0 }",
    )
    .start();
    daemon.wait_state("web", "RUNNING");
    let first = pid(&daemon);
    daemon.dir().write("bad", "");
    daemon.wait_said("liveness notify: it said WATCHDOG=trigger");
    std::fs::remove_file(daemon.dir().join("bad")).expect("it is there");
    wait_until("another process runs", || pid(&daemon) > 0 && pid(&daemon) != first);
    daemon.finish();
}

#[test]
fn a_stop_gets_the_time_that_the_program_asks_for() {
    let daemon = toml(
        "[program.web]\ncommand = [\"bash\", \"-c\", \"trap '@puppet@ notify EXTEND_TIMEOUT_USEC=20000000; touch @dir@/asked' TERM; \
         @puppet@ notify READY=1; until test -e @dir@/done; do sleep 0.02; done; echo ended well\"]\nstartsecs = 0\nstopwaitsecs = 1\n\
         readiness.notify = true\nstopasgroup = false\n",
    )
    .start();
    wait_until("it is ready", || ready(&daemon) == 200);
    daemon.signal(15);
    wait_until("it has asked", || daemon.dir().list("").contains(&"asked".to_string()));
    // Longer than stopwaitsecs.
    pause(1_500);
    daemon.dir().write("done", "");
    let said = daemon.ended(0);
    assert!(said.contains("ended well") && !said.contains("SIGKILL"), "{said}");
}

#[test]
fn variables_are_there_for_those_who_use_them_and_only_for_them() {
    let daemon = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"say\", \"web:\", \"env-of\", \"WATCHDOG_USEC\", \"env-of\", \"WATCHDOG_PID\", \"pid\", \"notify\", \"READY=1\", \"hold\"]\n\
         startsecs = 0\nreadiness.notify = true\nliveness = { notify = true, timeout = 90 }\nstdout_logfile = \"@dir@/web.log\"\n\
         [program.plain]\ncommand = [\"@puppet@\", \"env-of\", \"NOTIFY_SOCKET\", \"env-of\", \"WATCHDOG_PID\", \"hold\"]\nstartsecs = 0\nstdout_logfile = \"@dir@/plain.log\"\n",
    )
    .start();
    wait_until("it is ready", || ready(&daemon) == 200);
    let pid = pid(&daemon);
    wait_until("both have spoken", || {
        daemon.dir().read("plain.log").lines().count() == 2
            && daemon.dir().read("web.log").lines().count() == 4
    });
    assert_eq!(daemon.dir().read("web.log"), format!("web:\n90000000\n{pid}\npid {pid}\n"));
    assert_eq!(daemon.dir().read("plain.log"), "unset\nunset\n");
    daemon.finish();
}

#[test]
fn a_stranger_cannot_speak_for_it() {
    if needs_root() {
        return;
    }
    // The group stays root's, the user does not: another user's word does not count.
    let daemon = toml(
        "[supervisor]\nloglevel = \"debug\"\n\
         [program.web]\ncommand = [\"@puppet@\", \"setids\", \"65533\", \"65533\", \"notify\", \"READY=1\", \"say\", \"spoken\", \"hold\"]\nstartsecs = 0\nreadiness.notify = true\n",
    )
    .start();
    daemon.wait_said("ignored a message for web: it is not this program's user");
    assert_eq!(ready(&daemon), 503);
    daemon.finish();
}

#[test]
fn a_child_of_an_earlier_life_cannot_speak_for_a_later_one() {
    let script = "test -e @dir@/first && exec @puppet@ hold; touch @dir@/first; \
        (until test -e @dir@/go; do sleep 0.02; done; @puppet@ notify READY=1; echo $? > @dir@/code) & exec @puppet@ hold";
    let daemon = toml(&format!(
        "[program.web]\ncommand = [\"sh\", \"-c\", {script:?}]\nstartsecs = 0\nreadiness.notify = true\n\
         backoff = {{ initial = 0.05, jitter = 0 }}\n"
    ))
    .start();
    daemon.wait_state("web", "RUNNING");
    wait_until("the first life has begun", || daemon.dir().list("").contains(&"first".to_string()));
    let first = pid(&daemon);
    harness::kill(first, 9).expect("it lives");
    wait_until("another process runs", || pid(&daemon) > 0 && pid(&daemon) != first);
    daemon.dir().write("go", "");
    wait_until("the child has spoken", || daemon.dir().read("code").ends_with('\n'));
    assert_eq!((daemon.dir().read("code").trim(), ready(&daemon)), ("99", 503), "nobody listened");
    daemon.finish();
}

#[test]
fn the_user_of_a_program_is_heard() {
    if needs_root() {
        return;
    }
    let daemon =
        web(&["ids", "notify", "READY=1", "hold"], "user = \"65534\"\nreadiness.notify = true").start();
    wait_until("it is ready", || ready(&daemon) == 200);
    daemon.finish();
}

#[test]
fn nonsense_harms_nobody() {
    let long = "x".repeat(10_000);
    let daemon = web(
        &[
            "notify",
            &long,
            "notify",
            "",
            "notify",
            "=\\n\\n=1\\nREADY",
            "notify",
            "WATCHDOG_USEC=99999999999999999999",
            "notify",
            "READY=1",
            "hold",
        ],
        "readiness.notify = true",
    )
    .start();
    wait_until("it is ready", || ready(&daemon) == 200);
    daemon.finish();
}

#[test]
fn a_flood_of_messages_starves_nobody() {
    let daemon = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"notify\", \"READY=1\", \"notify-until\", \"@dir@/enough\", \"0\", \"STATUS=busy\", \"hold\"]\nstartsecs = 0\nreadiness.notify = true\n\
         [program.other]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n",
    )
    .start();
    daemon.wait_state("other", "RUNNING");
    for _ in 0..20 {
        assert_eq!(daemon.get("/livez").map(|a| a.status), Some(200));
    }
    daemon.dir().write("enough", "");
    daemon.finish();
}

#[test]
fn the_sample_of_the_page_runs() {
    let daemon = toml(&sample("notify.md", "toml")).start();
    wait_until("it is ready", || ready(&daemon) == 200);
    wait_until("its status is shown", || note(&daemon).contains("Serving"));
    daemon.finish();
}
