//! Updates program by program (TOML): what restarts, what goes on, what is refused.

use crate::support::toml;
use harness::{Daemon, http, proc, wait_until};

/// A program that notes its starts in `NAME.st` and stays.
pub(crate) fn holds(name: &str, more: &str) -> String {
    format!(
        "[program.{name}]\ncommand = [\"@puppet@\", \"stamp\", \"@dir@/{name}.st\", \"hold\"]\nstartsecs = 0\n{more}\n"
    )
}

/// Writes the configuration anew with these programs.
pub(crate) fn rewrite(daemon: &Daemon, programs: &str) {
    let head = "[http]\nlisten = \"127.0.0.1:@port@\"\n[control]\nunix = \"@sock@\"\n";
    daemon.dir().write("mainstay.toml", &daemon.fill(&format!("{head}{programs}")));
}

/// Started, and each of these runs.
#[track_caller]
pub(crate) fn up(programs: &str, names: &[&str]) -> Daemon {
    let daemon = toml(programs).start();
    names.iter().for_each(|name| daemon.wait_state(name, "RUNNING"));
    daemon
}

/// `mainstay.METHOD` for these groups: the XML of the answer.
#[track_caller]
pub(crate) fn ask(daemon: &Daemon, method: &str, groups: &[&str]) -> String {
    let names: String = groups.iter().map(|g| format!("<value><string>{g}</string></value>")).collect();
    let params = match groups {
        [] => String::new(),
        _ => format!("<param><value><array><data>{names}</data></array></value></param>"),
    };
    let body = format!(
        "<?xml version='1.0'?><methodCall><methodName>mainstay.{method}</methodName><params>{params}</params></methodCall>"
    );
    let raw = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    http::request(&daemon.socket(), &raw).expect("it answers").body
}

/// `action group:name setting setting` of each step.
pub(crate) fn steps(xml: &str) -> Vec<String> {
    let body = xml.split_once("<name>steps</name>").map_or(xml, |(_, rest)| rest);
    let body = body.split_once("<name>reload</name>").map_or(body, |(steps, _)| steps);
    let step = |chunk: &str| {
        let member = |name| http::member(chunk, name).unwrap_or_default();
        let whole = format!("<name>group</name>{chunk}");
        let settings: String = chunk
            .split("<name>setting</name>")
            .skip(1)
            .filter_map(|c| http::member(&format!("<name>s</name>{c}"), "s"))
            .map(|s| format!(" {s}"))
            .collect();
        format!(
            "{} {}:{}{settings}",
            member("action"),
            http::member(&whole, "group").unwrap_or_default(),
            member("name")
        )
    };
    body.split("<name>group</name>").skip(1).map(step).collect()
}

/// Updates, expects an answer that is no fault, and gives its steps.
#[track_caller]
pub(crate) fn update(daemon: &Daemon) -> Vec<String> {
    let xml = ask(daemon, "update", &[]);
    assert_eq!(http::member(&xml, "faultString"), None);
    steps(&xml)
}

pub(crate) fn pid(daemon: &Daemon, name: &str) -> i32 {
    daemon.info(name, "pid").and_then(|p| p.parse().ok()).unwrap_or(-1)
}

/// How often it was started.
pub(crate) fn lives(daemon: &Daemon, name: &str) -> usize {
    daemon.dir().read(&format!("{name}.st")).lines().count()
}

#[track_caller]
pub(crate) fn call(daemon: &Daemon, method: &str, name: &str) {
    let xml = http::rpc(&daemon.socket(), &format!("supervisor.{method}"), &[name]).expect("it answers");
    assert_eq!(http::member(&xml, "faultString"), None, "{method} {name}");
}

#[test]
fn nothing_has_changed() {
    let daemon = up(&holds("a", ""), &["a"]);
    let before = pid(&daemon, "a");
    assert_eq!(update(&daemon), [""; 0]);
    rewrite(&daemon, &format!("# a comment\n{}", holds("a", "autostart = true")));
    assert_eq!(update(&daemon), [""; 0]);
    assert_eq!(pid(&daemon, "a"), before);
    daemon.wait_said_times("INFO no program has changed", 2);
    daemon.finish();
}

#[test]
fn a_policy_restarts_nothing_and_counts_from_the_next_stop_on() {
    let program = |more: &str| {
        format!(
            "[program.x]\ncommand = [\"@puppet@\", \"ignore\", \"TERM\", \"on\", \"USR1\", \"5\", \"say\", \"up\", \"hold\"]\nstartsecs = 0\n{more}\n"
        )
    };
    let daemon = up(&program("stopwaitsecs = 60"), &["x"]);
    daemon.wait_said("up\n");
    let before = pid(&daemon, "x");
    rewrite(&daemon, &program("stopwaitsecs = 60\nstopsignal = \"USR1\"\nautorestart = false\npriority = 4"));
    assert_eq!(update(&daemon), ["apply x:x autorestart priority stopsignal"]);
    assert_eq!(pid(&daemon, "x"), before);
    daemon.wait_said("update: x goes on, changed: autorestart, priority, stopsignal");
    call(&daemon, "stopProcess", "x");
    daemon.wait_said("got 10\n");
    assert_eq!(daemon.info("x", "exitstatus").as_deref(), Some("5"));
    daemon.finish();
}

#[test]
fn a_shorter_wait_counts_for_the_next_stop() {
    let program = |secs: &str| {
        format!(
            "[program.x]\ncommand = [\"@puppet@\", \"ignore\", \"TERM\", \"say\", \"up\", \"hold\"]\nstartsecs = 0\nstopwaitsecs = {secs}\n"
        )
    };
    let daemon = up(&program("300"), &["x"]);
    daemon.wait_said("up\n");
    rewrite(&daemon, &program("\"100ms\""));
    assert_eq!(update(&daemon), ["apply x:x stopwaitsecs"]);
    call(&daemon, "stopProcess", "x");
    daemon.wait_said("killing 'x'");
    daemon.finish();
}

#[test]
fn a_policy_decides_about_an_end_that_comes_later() {
    let program = |more: &str| {
        format!(
            "[program.x]\ncommand = [\"@puppet@\", \"stamp\", \"@dir@/x.st\", \"wait-file\", \"@dir@/go\", \"exit\", \"3\"]\nstartsecs = 0\n{more}\n{}",
            holds("stays", "")
        )
    };
    let daemon = up(&program("autorestart = true"), &["x", "stays"]);
    rewrite(&daemon, &program("autorestart = false\nexitcodes = [3]"));
    assert_eq!(update(&daemon), ["apply x:x autorestart exitcodes"]);
    daemon.dir().write("go", "");
    daemon.wait_state("x", "EXITED");
    daemon.wait_said("exited: x (exit status 3; expected)");
    assert_eq!(lives(&daemon, "x"), 1);
    daemon.finish();
}

#[test]
fn a_command_restarts_one_of_its_group_and_no_other() {
    let group = "[group.g]\nprograms = [\"a\", \"b\"]\n";
    let daemon = up(&(holds("a", "") + &holds("b", "") + &holds("c", "") + group), &["g:a", "g:b", "c"]);
    let before = ["g:a", "g:b", "c"].map(|n| pid(&daemon, n));
    rewrite(
        &daemon,
        &(holds("a", "") + &holds("b", "environment = { A = \"1\" }") + &holds("c", "") + group),
    );
    assert_eq!(update(&daemon), ["restart g:b environment"]);
    daemon.wait_state("g:b", "RUNNING");
    let after = ["g:a", "g:b", "c"].map(|n| pid(&daemon, n));
    assert!(after[0] == before[0] && after[1] != before[1] && after[2] == before[2], "{before:?} {after:?}");
    assert!(!proc::alive(before[1]), "it had stopped when the answer came");
    assert_eq!(update(&daemon), [""; 0]);
    daemon.finish();
}

#[test]
fn programs_come_and_go() {
    let daemon = up(&(holds("a", "") + &holds("b", "")), &["a", "b"]);
    let (kept, gone) = (pid(&daemon, "b"), pid(&daemon, "a"));
    rewrite(&daemon, &(holds("b", "") + &holds("c", "") + &holds("d", "autostart = false")));
    assert_eq!(update(&daemon), ["remove a:a", "add c:c", "add d:d"]);
    daemon.wait_state("c", "RUNNING");
    daemon.wait_state("d", "STOPPED");
    assert_eq!(pid(&daemon, "b"), kept);
    assert_eq!(daemon.info("a", "statename"), None);
    assert!(!proc::alive(gone));
    daemon.wait_said("update: a is no longer configured, it is stopped and removed");
    daemon.wait_said("update: c is new");
    daemon.wait_said("the update is done");
    daemon.finish();
}

#[test]
fn members_of_a_group_come_and_go() {
    let all = ["a", "b", "c"].map(|n| holds(n, "")).concat();
    let group = |members: &str| format!("{all}[group.g]\nprograms = [{members}]\n");
    let daemon = up(&group("\"a\", \"b\""), &["g:a", "g:b", "c"]);
    let before = pid(&daemon, "g:a");
    rewrite(&daemon, &group("\"c\", \"a\""));
    let mut done = update(&daemon);
    done.sort();
    assert_eq!(done, ["add b:b", "add g:c", "remove c:c", "remove g:b"]);
    ["g:a", "g:c", "b"].iter().for_each(|name| daemon.wait_state(name, "RUNNING"));
    assert_eq!(pid(&daemon, "g:a"), before);
    assert_eq!((daemon.info("g:b", "pid"), daemon.info("c", "pid")), (None, None));
    daemon.finish();
}

#[test]
fn more_processes_and_fewer() {
    let many = |n: i32| holds("x", &format!("numprocs = {n}\nprocess_name = \"w%(process_num)d\""));
    let daemon = up(&many(2), &["x:w0", "x:w1"]);
    let before = ["x:w0", "x:w1"].map(|n| pid(&daemon, n));
    rewrite(&daemon, &many(4));
    assert_eq!(update(&daemon), ["add x:w2", "add x:w3"]);
    ["x:w2", "x:w3"].iter().for_each(|name| daemon.wait_state(name, "RUNNING"));
    assert_eq!(["x:w0", "x:w1"].map(|n| pid(&daemon, n)), before);
    rewrite(&daemon, &many(1));
    let mut done = update(&daemon);
    done.sort();
    assert_eq!(done, ["remove x:w1", "remove x:w2", "remove x:w3"]);
    assert_eq!(pid(&daemon, "x:w0"), before[0]);
    assert_eq!(daemon.info("x:w3", "pid"), None);
    daemon.finish();
}

#[test]
fn a_file_with_three_errors_changes_nothing_and_all_are_told() {
    let daemon = up(&holds("a", ""), &["a"]);
    let before = pid(&daemon, "a");
    rewrite(
        &daemon,
        &(holds("a", "stopwaitsecs = \"soon\"") + &holds("b", "comand = \"x\"\nautorestart = \"perhaps\"")),
    );
    for method in ["plan", "update"] {
        let fault = http::member(&ask(&daemon, method, &[]), "faultString").expect("a fault");
        assert!(fault.starts_with("CANT_REREAD: "), "{fault}");
        let lines: Vec<&str> = fault.lines().collect();
        assert_eq!(lines.len(), 3, "{fault}");
        for (line, words) in [(8, "stopwaitsecs"), (12, "comand"), (13, "autorestart")] {
            let place = daemon.fill(&format!("@dir@/mainstay.toml:{line}:"));
            let told = lines.iter().find(|l| l.contains(words)).unwrap_or_else(|| panic!("{words}: {fault}"));
            assert!(told.contains(&place), "{place} in {told}");
        }
        assert!(fault.contains("hint: "), "{fault}");
    }
    daemon.signal(1);
    for words in ["stopwaitsecs", "comand", "autorestart"] {
        wait_until("each is in the log, for the update and for the signal", || {
            let said = daemon.said();
            said.lines()
                .filter(|l| l.contains("cannot update, going on as we are: ") && l.contains(words))
                .count()
                == 2
        });
    }
    assert_eq!((pid(&daemon, "a"), lives(&daemon, "a")), (before, 1));
    daemon.finish();
}

#[test]
fn a_file_that_is_gone_changes_nothing() {
    let daemon = up(&holds("a", ""), &["a"]);
    std::fs::remove_file(daemon.dir().path().join("mainstay.toml")).expect("it is there");
    let fault = http::member(&ask(&daemon, "update", &[]), "faultString").expect("a fault");
    assert!(fault.starts_with("CANT_REREAD: ") && fault.contains("mainstay.toml"), "{fault}");
    daemon.signal(1);
    daemon.wait_said("received SIGHUP indicating update request");
    daemon.wait_state("a", "RUNNING");
    daemon.finish();
}

#[test]
fn a_signal_does_the_same() {
    let daemon = up(&(holds("a", "") + &holds("b", "") + &holds("c", "")), &["a", "b", "c"]);
    let kept = pid(&daemon, "a");
    rewrite(&daemon, &(holds("a", "priority = 3") + &holds("b", "umask = \"077\"") + &holds("d", "")));
    daemon.signal(1);
    daemon.wait_said("the update is done");
    for line in [
        "WARN received SIGHUP indicating update request",
        "INFO update: a goes on, changed: priority",
        "INFO update: b is restarted, changed: umask",
        "INFO update: c is no longer configured, it is stopped and removed",
        "INFO update: d is new",
    ] {
        daemon.wait_said(line);
    }
    ["b", "d"].iter().for_each(|name| daemon.wait_state(name, "RUNNING"));
    assert_eq!((pid(&daemon, "a"), lives(&daemon, "b")), (kept, 2));
    daemon.finish();
}

#[test]
fn one_that_was_stopped_by_hand_stays_so_and_one_that_is_fatal_is_started() {
    let bad = "[program.fatal]\ncommand = [\"/no/such/file\"]\nstartretries = 0\n";
    let daemon = up(&(holds("a", "") + &holds("same", "") + bad), &["a", "same"]);
    daemon.wait_state("fatal", "FATAL");
    ["a", "same"].iter().for_each(|name| call(&daemon, "stopProcess", name));
    rewrite(&daemon, &(holds("a", "umask = \"077\"") + &holds("same", "") + &holds("fatal", "")));
    assert_eq!(update(&daemon), ["restart a:a umask", "restart fatal:fatal command startretries startsecs"]);
    daemon.wait_state("fatal", "RUNNING");
    assert_eq!(daemon.info("fatal", "spawnerr").as_deref(), Some(""));
    ["a", "same"].iter().for_each(|name| daemon.wait_state(name, "STOPPED"));
    assert_eq!(lives(&daemon, "a"), 1);
    // And it is the new one that an operator starts.
    call(&daemon, "startProcess", "a");
    let mask = proc::status(pid(&daemon, "a"), "Umask");
    assert_eq!(mask.as_deref(), Some("0077"));
    daemon.finish();
}

#[test]
fn one_that_backs_off_is_started_as_it_is_now() {
    let daemon = up(
        &(holds("stays", "")
            + "[program.x]\ncommand = [\"@puppet@\", \"exit\", \"3\"]\nstartsecs = 5\nstartretries = 1000\n"),
        &["stays"],
    );
    daemon.wait_said_times("exited: x", 2);
    rewrite(&daemon, &(holds("stays", "") + &holds("x", "")));
    assert_eq!(update(&daemon).len(), 1);
    daemon.wait_state("x", "RUNNING");
    daemon.finish();
}

#[test]
fn only_the_groups_that_are_named() {
    let daemon = up(&(holds("a", "") + &holds("b", "")), &["a", "b"]);
    rewrite(&daemon, &(holds("a", "umask = \"077\"") + &holds("b", "umask = \"077\"") + &holds("c", "")));
    let fault = http::member(&ask(&daemon, "update", &["a", "nobody"]), "faultString");
    assert_eq!(fault.as_deref(), Some("BAD_NAME: nobody"));
    assert_eq!(steps(&ask(&daemon, "plan", &["b", "c"])), ["restart b:b umask", "add c:c"]);
    assert_eq!(steps(&ask(&daemon, "update", &["b"])), ["restart b:b umask"]);
    daemon.wait_state("b", "RUNNING");
    assert_eq!((lives(&daemon, "a"), daemon.info("c", "pid")), (1, None));
    assert_eq!(update(&daemon), ["restart a:a umask", "add c:c"]);
    daemon.finish();
}

#[test]
fn a_plan_shows_names_and_never_what_is_in_variables() {
    let daemon = up(&holds("a", "environment = { TOKEN = \"hunter2\", SAME = \"x\" }"), &["a"]);
    rewrite(&daemon, &holds("a", "environment = { TOKEN = \"swordfish\", SAME = \"x\", MORE = \"secret\" }"));
    let before = pid(&daemon, "a");
    let xml = ask(&daemon, "plan", &[]);
    assert_eq!(steps(&xml), ["restart a:a environment"]);
    assert!(xml.contains("TOKEN=") && xml.contains("MORE=") && !xml.contains("SAME"), "{xml}");
    assert_eq!(pid(&daemon, "a"), before, "a plan does nothing");
    let both = xml + &ask(&daemon, "update", &[]);
    daemon.wait_said("the update is done");
    let said = daemon.finish();
    for secret in ["hunter2", "swordfish", "secret"] {
        assert!(!both.contains(secret) && !said.contains(secret), "{secret}");
    }
}

#[test]
fn what_needs_a_reload_is_said() {
    let daemon = up(&holds("a", ""), &["a"]);
    rewrite(&daemon, &format!("[supervisor]\nloglevel = \"debug\"\nminfds = 999\n{}", holds("a", "")));
    let xml = ask(&daemon, "plan", &[]);
    assert_eq!(steps(&xml), [""; 0]);
    let reload = xml.split_once("<name>reload</name>").map_or("", |(_, rest)| rest);
    assert!(
        reload.contains("<string>loglevel</string>") && reload.contains("<string>minfds</string>"),
        "{xml}"
    );
    assert_eq!(update(&daemon), [""; 0]);
    daemon.wait_said("`minfds` has changed: that takes effect with a reload of everything");
    daemon.finish();
}
