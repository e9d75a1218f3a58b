use super::*;
use crate::control::{Check, HealthReport, State};
use crate::gateway::testing::{FakeCore, process, snapshot, willing_core};
use std::str::FromStr;
use tiny_http::{HTTPVersion, Header};

fn ask(site: &Site, method: &str, target: &str, headers: &[&str]) -> (u16, String) {
    let request = Request {
        method: Method::from_str(method).expect("method"),
        target: target.to_owned(),
        version: HTTPVersion(1, 1),
        headers: headers.iter().map(|h| Header::from_str(h).expect("header")).collect(),
        body: Vec::new(),
    };
    let answer = answer(site, &request, &|| true).expect("an answer");
    (answer.status, String::from_utf8(answer.body).expect("text"))
}

fn get(site: &Site, target: &str) -> (u16, String) {
    ask(site, "GET", target, &[])
}

fn core_with(checks: &[(&str, bool, &str)], ok: bool) -> FakeCore {
    let checks: Vec<Check> = checks
        .iter()
        .map(|(name, ok, reason)| Check { name: (*name).to_owned(), ok: *ok, reason: (*reason).to_owned() })
        .collect();
    FakeCore::start(move |_| Some(Reply::Health(HealthReport { ok, checks: checks.clone() })))
}

#[test]
fn read_only_listeners_offer_what_they_should_and_nothing_else() {
    let core = willing_core(snapshot(vec![process("web", "web", State::Running)]));
    let site = core.site(ListenerKind::Http, None);
    for (method, target, status) in [
        ("GET", "/", 200),
        ("GET", "/metrics", 200),
        ("HEAD", "/metrics", 200),
        ("GET", "/livez", 200),
        ("GET", "/readyz", 200),
        ("GET", "/readyz/", 200),
        ("GET", "/startupz", 200),
        ("GET", "/healthz?verbose", 200),
        ("POST", "/metrics", 405),
        ("DELETE", "/livez", 405),
        ("GET", "/metrics/x", 404),
        ("GET", "/RPC2", 404),
        ("POST", "/RPC2", 404),
        ("POST", "/nothing", 404),
        ("GET", "/livezz", 404),
        ("GET", "/../livez", 404),
        ("GET", "/index.html", 404),
        ("GET", "/tail.html?processname=web", 404),
        ("GET", "/stylesheets/supervisor.css", 404),
        ("GET", "/?action=stopall", 200),
        ("POST", "/?action=stopall", 405),
    ] {
        assert_eq!(ask(&site, method, target, &[]).0, status, "{method} {target}");
    }
    assert_eq!(core.commands(), vec![]);
}

#[test]
fn control_listeners_offer_health_and_xml_rpc() {
    let core = willing_core(snapshot(vec![]));
    let site = core.site(ListenerKind::Control, None);
    for (method, target, status) in [
        ("GET", "/livez", 200),
        ("GET", "/metrics", 404),
        ("GET", "/", 200),
        ("GET", "/status.html", 404),
        ("GET", "/RPC2", 400),
        ("POST", "/RPC2", 400),
        ("POST", "/RPC2/", 400),
    ] {
        assert_eq!(ask(&site, method, target, &[]).0, status, "{method} {target}");
    }
}

#[test]
fn a_page_in_a_browser_cannot_send_commands() {
    let core = willing_core(snapshot(vec![]));
    let site = core.site(ListenerKind::Control, None);
    for origin in ["Origin: http://evil.example", "Origin: null", "Origin: http://127.0.0.1:9001"] {
        assert_eq!(ask(&site, "POST", "/RPC2", &[origin]).0, 403, "{origin}");
    }
}

#[test]
fn a_password_guards_every_path() {
    let core = willing_core(snapshot(vec![]));
    for kind in [ListenerKind::Http, ListenerKind::Control] {
        let site = core.site(kind, Some(("user", "pass:word")));
        for target in ["/livez", "/RPC2", "/nothing", "/metrics", "/", "/?action=stopall", "/ok.html"] {
            assert_eq!(get(&site, target).0, 401, "{target}");
            // user:wrong
            assert_eq!(ask(&site, "GET", target, &["Authorization: Basic dXNlcjp3cm9uZw=="]).0, 401);
        }
        // user:pass:word
        assert_eq!(ask(&site, "GET", "/livez", &["Authorization: Basic dXNlcjpwYXNzOndvcmQ="]).0, 200);
        assert_eq!(ask(&site, "GET", "/livez", &["Authorization: Basic ???"]).0, 400);
    }
}

#[test]
fn the_challenge_names_supervisors_realm() {
    let core = willing_core(snapshot(vec![]));
    let site = core.site(ListenerKind::Control, Some(("u", "p")));
    let request = Request {
        method: Method::Get,
        target: "/".to_owned(),
        version: HTTPVersion(1, 1),
        headers: vec![],
        body: vec![],
    };
    let refusal = answer(&site, &request, &|| true).expect("an answer");
    assert!(refusal.headers.contains(&("WWW-Authenticate", "Basic realm=\"default\"")));
}

#[test]
fn passing_probes_say_ok_and_verbose_ones_list_their_checks() {
    let core = core_with(&[("db:db", true, ""), ("web", true, "")], true);
    let site = core.site(ListenerKind::Http, None);
    assert_eq!(get(&site, "/readyz"), (200, "ok".to_owned()));
    let want = "[+]core ok\n[+]db:db ok\n[+]web ok\nreadyz check passed\n";
    assert_eq!(get(&site, "/readyz?verbose"), (200, want.to_owned()));
    assert_eq!(get(&site, "/healthz?verbose=1").1, want.replace("readyz", "healthz"));
    assert_eq!(get(&site, "/livez?verbose").1, want.replace("readyz", "livez"));
}

#[test]
fn failing_probes_list_their_checks_and_withhold_reasons() {
    let core = core_with(&[("db", true, ""), ("web", false, "BACKOFF, retry in 2s")], false);
    let site = core.site(ListenerKind::Http, None);
    let want = "[+]core ok\n[+]db ok\n[-]web failed: reason withheld\nreadyz check failed\n";
    assert_eq!(get(&site, "/readyz"), (503, want.to_owned()));
    assert_eq!(get(&site, "/readyz?verbose"), (503, want.to_owned()));
    let control = core.site(ListenerKind::Control, None);
    assert_eq!(get(&control, "/readyz").1, want.replace("reason withheld", "BACKOFF, retry in 2s"));
}

#[test]
fn checks_can_be_excluded_and_asked_for_alone() {
    let core = core_with(&[("a:b", true, ""), ("web", false, "")], false);
    let site = core.site(ListenerKind::Http, None);
    assert_eq!(get(&site, "/readyz?exclude=web"), (200, "ok".to_owned()));
    let (status, body) = get(&site, "/readyz?verbose&exclude=web&exclude=nosuch");
    assert_eq!(status, 200);
    assert_eq!(
        body,
        "[+]core ok\n[+]a:b ok\n[+]web excluded: ok\n\
         warn: some health checks cannot be excluded: no matches for \"nosuch\"\nreadyz check passed\n"
    );
    assert_eq!(get(&site, "/readyz/a%3Ab"), (200, "ok".to_owned()));
    assert_eq!(get(&site, "/readyz/a:b"), (200, "ok".to_owned()));
    assert_eq!(get(&site, "/readyz/web").0, 503);
    let none = "no check is called nosuch; there are: core, a:b, web\n";
    assert_eq!(get(&site, "/readyz/nosuch"), (404, none.to_owned()));
}

#[test]
fn what_cannot_be_excluded_is_said_as_kube_apiserver_does() {
    let core = core_with(&[("web", true, "")], true);
    let site = core.site(ListenerKind::Http, None);
    assert_eq!(
        get(&site, "/readyz?verbose&exclude=z&exclude=a&exclude=z&exclude=web").1,
        "[+]core ok\n[+]web excluded: ok\n\
         warn: some health checks cannot be excluded: no matches for \"a\",\"z\"\nreadyz check passed\n"
    );
    assert_eq!(get(&site, "/readyz?exclude=z"), (200, "ok".to_owned()), "it is no failure");
}

#[test]
fn programs_are_named_as_people_name_them() {
    let core = core_with(&[("web", true, ""), ("g:a", true, ""), ("g:b", false, "X")], false);
    let site = core.site(ListenerKind::Http, None);
    for (name, status) in [
        ("web", 200),
        ("web:web", 200),
        ("g:a", 200),
        ("g:b", 503),
        ("g", 503),
        ("g:*", 503),
        ("web:x", 404),
        ("a", 404),
    ] {
        assert_eq!(get(&site, &format!("/readyz/{name}")).0, status, "{name}");
    }
    assert_eq!(get(&site, "/readyz?exclude=g"), (200, "ok".to_owned()));
    assert_eq!(get(&site, "/readyz?exclude=g:b").0, 200);
    assert_eq!(
        get(&site, "/readyz/g?verbose").1,
        "[+]g:a ok\n[-]g:b failed: reason withheld\nreadyz check failed\n"
    );
    assert_eq!(get(&site, "/readyz/web?verbose").1, "[+]web ok\nreadyz check passed\n");
}

#[test]
fn health_is_told_in_json_where_that_is_asked_for() {
    let core = core_with(&[("db", true, ""), ("web", false, "BACKOFF")], false);
    let read = |kind, target| {
        let site = core.site(kind, None);
        let (status, body) = get(&site, target);
        (status, serde_json::from_str::<serde_json::Value>(&body).expect("JSON"))
    };
    let (status, whole) = read(ListenerKind::Http, "/readyz?format=json&exclude=nosuch");
    assert_eq!(status, 503);
    assert_eq!(
        whole,
        serde_json::json!({"status": "failed", "unknown": ["nosuch"], "checks": [
            {"name": "core", "status": "ok"},
            {"name": "db", "status": "ok"},
            {"name": "web", "status": "failed", "reason": "reason withheld"},
        ]})
    );
    assert_eq!(read(ListenerKind::Control, "/readyz?format=json").1["checks"][2]["reason"], "BACKOFF");
    let (status, whole) = read(ListenerKind::Http, "/readyz?format=json&exclude=web");
    assert_eq!(
        (status, &whole["status"], &whole["checks"][2]["excluded"]),
        (200, &"ok".into(), &true.into())
    );
    assert_eq!(read(ListenerKind::Http, "/readyz/db?format=json").1["checks"][0]["name"], "db");
}

#[test]
fn a_report_that_fails_without_a_failed_check_fails() {
    let core = core_with(&[("web", true, "")], false);
    let site = core.site(ListenerKind::Http, None);
    assert_eq!(get(&site, "/readyz").0, 503);
}

#[test]
fn without_the_core_nothing_is_well() {
    let core = willing_core(snapshot(vec![]));
    let site = core.site(ListenerKind::Http, None);
    drop(core);
    for target in ["/livez", "/readyz", "/startupz", "/healthz", "/livez/web", "/metrics"] {
        assert_eq!(get(&site, target).0, 503, "{target}");
    }
}
