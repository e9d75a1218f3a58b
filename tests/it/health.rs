//! The health pages: which programs count, one program alone, some left out, as text and as JSON; and `mainstay health`.

use crate::support::{ini, mainstay, sample, shows, toml};
use harness::{Daemon, Setup, wait_until};

const THREE: &str = "[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n\
    [program.db]\ncommand = [\"@puppet@\", \"exit-from\", \"@dir@/code\"]\nstartsecs = 0\nautorestart = false\n\
    [program.pool]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\nnumprocs = 2\nprocess_name = \"p%(process_num)d\"\n";

fn up() -> Daemon {
    let daemon = toml(THREE).file("code", "3").start();
    daemon.wait_state("web", "RUNNING");
    daemon.wait_state("pool:p1", "RUNNING");
    daemon.wait_state("db", "EXITED");
    daemon
}

fn get(daemon: &Daemon, path: &str) -> (u16, String) {
    daemon.get(path).map_or((0, String::new()), |a| (a.status, a.body))
}

#[test]
fn one_program_can_be_asked_for() {
    let daemon = up();
    for (name, status) in [
        ("web", 200),
        ("web:web", 200),
        ("db", 503),
        ("pool:p0", 200),
        ("pool", 200),
        ("pool:*", 200),
        ("nosuch", 404),
    ] {
        assert_eq!(get(&daemon, &format!("/readyz/{name}")).0, status, "{name}");
    }
    assert_eq!(get(&daemon, "/readyz/db").1, "[-]db failed: reason withheld\n");
    let none = "no check is called nosuch; there are: core, db, pool:p0, pool:p1, web, shutdown\n";
    assert_eq!(get(&daemon, "/readyz/nosuch"), (404, none.to_string()));
    daemon.finish();
}

#[test]
fn programs_can_be_left_out_as_at_kube_apiserver() {
    let daemon = up();
    assert_eq!(get(&daemon, "/readyz").0, 503);
    assert_eq!(get(&daemon, "/readyz?exclude=db"), (200, "ok".to_string()));
    assert_eq!(
        get(&daemon, "/readyz?verbose&exclude=db&exclude=ghost&exclude=pool"),
        (
            200,
            "[+]core ok\n[+]db excluded: ok\n[+]pool:p0 excluded: ok\n[+]pool:p1 excluded: ok\n[+]web ok\n[+]shutdown ok\n\
             warn: some health checks cannot be excluded: no matches for \"ghost\"\nreadyz check passed\n"
                .to_string()
        )
    );
    daemon.finish();
}

#[test]
fn health_is_told_as_json() {
    let daemon = up();
    let answer = daemon.get("/readyz?format=json&exclude=db").expect("it answers");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.body.contains("\"status\":\"ok\""), "{}", answer.body);
    assert!(get(&daemon, "/readyz?format=json").1.contains("\"reason\":\"reason withheld\""));
    // Where commands are taken, reasons are given.
    let control = harness::http::get(&daemon.socket(), "/readyz?format=json").expect("it answers");
    assert!(control.body.contains("EXITED: Bad exit code 3"), "{}", control.body);
    daemon.finish();
}

#[test]
fn mainstay_health_has_the_same_words() {
    let daemon = up();
    let url = format!("http://{}", daemon.address());
    let ask = |words: &[&str]| mainstay(&[&["health"], words, &["--url", &url]].concat());
    ask(&["ready"]).expect(1);
    ask(&["ready", "web"]).expect(0);
    ask(&["ready", "db"]).expect(1);
    ask(&["ready", "pool:p1"]).expect(0);
    ask(&["ready", "--exclude", "db"]).expect(0);
    shows(ask(&["ready", "--exclude", "db", "--verbose"]).expect(0), "[+]db excluded: ok");
    shows(
        ask(&["ready", "--json"]).expect(1),
        "\"name\":\"db\",\"reason\":\"reason withheld\",\"status\":\"failed\"",
    );
    let unknown = ask(&["ready", "nosuch"]);
    unknown.expect(1);
    shows(&unknown, "there are: core, db");
    ask(&["live"]).expect(0);
    ask(&["ready", "web", "--exclude", "db"]).expect(2);
    daemon.finish();
}

#[test]
fn gates_say_for_what_a_program_counts_in_every_spelling() {
    let as_ini = ini("[program:web]\ncommand=@puppet@ hold\nstartsecs=0\n\
         [program:job]\ncommand=/no/such\nstartretries=0\ngates=live, startup\n\
         [program:free]\ncommand=/no/such\nstartretries=0\ngates=none\n");
    let as_toml = toml(
        "[program.web]\ncommand = \"@puppet@ hold\"\nstartsecs = 0\n\
         [program.job]\ncommand = \"/no/such\"\nstartretries = 0\ngates = [\"live\", \"startup\"]\n\
         [program.free]\ncommand = \"/no/such\"\nstartretries = 0\ngates = []\n",
    );
    let as_env = Setup::variables(&[
        ("MAINSTAY_HTTP__LISTEN", "127.0.0.1:@port@"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
        ("MAINSTAY_PROGRAM__WEB__COMMAND", "@puppet@ hold"),
        ("MAINSTAY_PROGRAM__WEB__STARTSECS", "0"),
        ("MAINSTAY_PROGRAM__JOB__COMMAND", "/no/such"),
        ("MAINSTAY_PROGRAM__JOB__STARTRETRIES", "0"),
        ("MAINSTAY_PROGRAM__JOB__GATES", "live,startup"),
        ("MAINSTAY_PROGRAM__FREE__COMMAND", "/no/such"),
        ("MAINSTAY_PROGRAM__FREE__STARTRETRIES", "0"),
        ("MAINSTAY_PROGRAM__FREE__GATES", "none"),
    ]);
    for setup in [as_ini, as_toml, as_env] {
        let daemon = setup.start();
        daemon.wait_state("web", "RUNNING");
        daemon.wait_state("job", "FATAL");
        daemon.wait_state("free", "FATAL");
        assert_eq!(
            get(&daemon, "/livez?verbose"),
            (503, "[+]core ok\n[-]job failed: reason withheld\nlivez check failed\n".into())
        );
        assert_eq!(
            get(&daemon, "/readyz?verbose").1,
            "[+]core ok\n[+]web ok\n[+]shutdown ok\nreadyz check passed\n"
        );
        assert_eq!(
            get(&daemon, "/startupz?verbose").1,
            "[+]core ok\n[-]job failed: reason withheld\n[+]web ok\nstartupz check failed\n"
        );
        assert_eq!(get(&daemon, "/livez?exclude=job").0, 200);
        daemon.finish();
    }
}

#[test]
fn startup_stays_passed_when_readiness_does_not() {
    let daemon = toml(
        "[program.web]\ncommand = \"@puppet@ hold\"\nstartsecs = 0\nreadiness = { exec = \"test -e @dir@/up\", period = 0.05, timeout = 10, failure_threshold = 1 }\n",
    )
    .start();
    daemon.wait_state("web", "RUNNING");
    wait_until("it has an answer", || get(&daemon, "/startupz").0 == 503);
    daemon.dir().write("up", "");
    wait_until("it has started up", || get(&daemon, "/startupz").0 == 200);
    std::fs::remove_file(daemon.dir().join("up")).expect("it is there");
    wait_until("it is not ready", || get(&daemon, "/readyz").0 == 503);
    assert_eq!((get(&daemon, "/startupz").0, get(&daemon, "/livez").0), (200, 200));
    daemon.finish();
}

#[test]
fn the_sample_of_the_page_runs() {
    let daemon = toml(&sample("health.md", "toml")).start();
    wait_until("it is ready", || get(&daemon, "/readyz").0 == 200);
    assert_eq!(get(&daemon, "/livez?verbose").1, "[+]core ok\n[+]db ok\nlivez check passed\n");
    daemon.finish();
}
