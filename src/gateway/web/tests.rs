use super::testing::request;
use super::*;
use crate::control::{Command, ListenerKind, Outcome, ProcessInfo, State, Target};
use crate::gateway::testing::{FakeCore, process, snapshot, willing_core};
use crate::types::Wall;

const HOSTILE: &str = "<script>alert(1)</script>\"' onclick=x &amp; ]]> %3Cb%3E \u{0}\u{7f}";

fn ask(site: &Site, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
    let request = request(method, target, headers, body);
    let page = page(&request).expect("a page");
    answer(site, &request, page, &|| true).expect("an answer")
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("text")
}

fn two() -> FakeCore {
    willing_core(snapshot(vec![process("g", "a", State::Running), process("b", "b", State::Stopped)]))
}

/// The tags of a page, without their attributes; what is no tag is not in it.
fn tags(html: &str) -> Vec<&str> {
    html.split('<')
        .skip(1)
        .map(|rest| rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '/' || c == '!')))
        .filter_map(|mut words| words.next())
        .collect()
}

#[test]
fn whatever_programs_are_called_and_say_is_text() {
    let mut evil = process(HOSTILE, HOSTILE, State::Fatal);
    evil.spawnerr = HOSTILE.to_owned();
    let mut tame = process("group", "name", State::Fatal);
    tame.spawnerr = "error".to_owned();
    let page_of = |p: ProcessInfo, message: &str, identifier: &str| {
        let mut shot = snapshot(vec![p]);
        shot.identity.identifier = identifier.to_owned();
        pages::status(&shot, Some(message), |_| Default::default())
    };
    let (evil, tame) = (page_of(evil, HOSTILE, HOSTILE), page_of(tame, "message", "identifier"));
    assert_eq!(tags(&evil), tags(&tame));
    assert!(evil.matches("&#60;script&#62;").count() >= 4 && !evil.contains("<script"), "{evil}");
    assert!(!evil.contains("\" onclick") && !evil.contains("' onclick"), "{evil}");
    for hostile in [true, false] {
        let word = if hostile { HOSTILE } else { "word" };
        for text in [Ok(word), Err(word)] {
            let page = pages::tail(Some(word), false, 1024, text);
            let other = pages::tail(Some("word"), false, 1024, text.map(|_| "x").map_err(|_| "x"));
            assert_eq!(tags(&page), tags(&other));
        }
        assert_eq!(tags(&pages::confirm(word, Some(word))), tags(&pages::confirm("x", Some("x"))));
    }
}

#[test]
fn no_text_whatsoever_makes_a_tag() {
    let pieces = [
        "<", ">", "\"", "'", "&", "/", "=", " ", "`", "{{", "%}", "-->", "<!--", "\u{0}", "\n", "\u{e9}",
        "a", "%3C",
    ];
    let mut seed = 1u64;
    let mut next = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap_or(0) % n
    };
    let tame = |n: &str| {
        pages::status(&snapshot(vec![process(n, n, State::Running)]), Some(n), |_| Default::default())
    };
    let (status, tail) = (tame("x"), pages::tail(Some("x"), true, 1024, Ok("x")));
    for _ in 0..2000 {
        let text: String = (0..=next(12)).map(|_| pieces[next(pieces.len())]).collect();
        assert_eq!(tags(&tame(&text)), tags(&status), "{text:?}");
        assert_eq!(tags(&pages::tail(Some(&text), true, 1024, Ok(&text))), tags(&tail), "{text:?}");
        // What is not quoted ends where it should.
        let row = tame(&text);
        let form = row.split_once("<form method=post action=?processname=").expect("a form").1;
        let link = form.split_once("><button").expect("its end").0;
        assert!(!link.contains([' ', '\n', '"', '\'', '`', '=', '<', '>']), "{text:?}: {link}");
    }
}

#[test]
fn a_log_that_closes_its_box_stays_in_it() {
    let page = pages::tail(Some("a"), false, 1024, Ok("</pre><script>alert(1)</script>\n<!--"));
    assert_eq!(page.matches("</pre>").count(), 1);
    assert!(page.contains("&#60;/pre&#62;&#60;script&#62;"), "{page}");
}

#[test]
fn buttons_depend_on_the_state() {
    for (state, want) in [
        (State::Running, &["restart", "stop", "clearlog"][..]),
        (State::Stopped, &["start", "clearlog"]),
        (State::Exited, &["start", "clearlog"]),
        (State::Fatal, &["start", "clearlog"]),
        (State::Starting, &["clearlog"]),
        (State::Stopping, &["clearlog"]),
        (State::Backoff, &["clearlog"]),
        (State::Unknown, &["clearlog"]),
    ] {
        let page = pages::status(&snapshot(vec![process("a", "a", state)]), None, |_| Default::default());
        let row = page.split_once("<tbody>").expect("a table").1;
        let got: Vec<_> =
            row.split("value=").skip(1).map(|rest| rest.split('>').next().unwrap_or_default()).collect();
        assert_eq!(got, want, "{state:?}");
    }
}

#[test]
fn while_everything_stops_nothing_can_be_pressed() {
    let mut shot = snapshot(vec![process("a", "a", State::Stopping)]);
    shot.identity.stopping = true;
    let page = pages::status(&shot, None, |_| Default::default());
    assert!(page.contains("Everything is being stopped.") && !page.contains("<button"), "{page}");
}

#[test]
fn what_is_noteworthy_is_noted() {
    let mut p = process("a", "a", State::Running);
    let shown = |p: &ProcessInfo| pages::status(&snapshot(vec![p.clone()]), None, |_| Default::default());
    assert!(!shown(&p).contains("<i>"));
    p.ready = false;
    p.stats.restarts = 1;
    let page = shown(&p);
    assert!(page.contains("<i>not ready</i>") && page.contains("<i>1 restart</i>"), "{page}");
    p.stats.restarts = 12;
    assert!(shown(&p).contains("<i>12 restarts</i>"));
}

#[test]
fn a_thousand_programs_make_a_page_of_less_than_400_kilobytes() {
    let all = (0..1000).map(|n| ProcessInfo {
        pid: 12_345,
        ..process(&format!("p{n:04}"), &format!("p{n:04}"), State::Running)
    });
    let page = pages::status(&snapshot(all.collect()), None, |_| Default::default());
    assert!(page.len() < 400_000, "{}", page.len());
    assert_eq!(page.matches("\n<tr>").count(), 1000);
}

#[test]
fn only_get_and_post_act() {
    let core = two();
    let site = core.site(ListenerKind::Control, None);
    for (method, target, status) in [
        ("HEAD", "/?action=stop&processname=g:a", 200),
        ("PUT", "/?action=stop&processname=g:a", 400),
        ("DELETE", "/?action=stop&processname=g:a", 400),
        ("OPTIONS", "/?action=stop&processname=g:a", 400),
        ("GET", "/tail.html?action=stop&processname=g:a", 200),
        ("POST", "/ok.html?action=stop&processname=g:a", 200),
        ("POST", "/stylesheets/supervisor.css?action=stop&processname=g:a", 400),
        ("GET", "/images/icon.png?action=stop&processname=g:a", 200),
    ] {
        assert_eq!(ask(&site, method, target, &[], "").status, status, "{method} {target}");
    }
    assert_eq!(core.commands(), vec![]);
    for (method, target, body) in [
        ("GET", "/?action=stop&processname=g:a", ""),
        ("GET", "//index.html?action=stop&processname=g%3Aa", ""),
        ("POST", "/?processname=g:a", "action=stop"),
        ("POST", "/index.html?action=start&processname=x", "action=stop&processname=g%3Aa"),
    ] {
        let before = core.commands().len();
        let answer = ask(&site, method, target, &[], body);
        assert_eq!(answer.status, 303, "{method} {target}");
        assert_eq!(answer.location.as_deref(), Some("./?message=Process%20g%3Aa%20stopped"));
        let target = Target::Process { group: "g".to_owned(), name: "a".to_owned() };
        assert_eq!(core.commands()[before..], [Command::Stop { target, wait: true }]);
    }
}

#[test]
fn what_others_ask_for_is_refused_and_explained() {
    let core = two();
    let site = core.site(ListenerKind::Control, None);
    let host = "Host: localhost:9001";
    for (headers, status, words) in [
        (&[host, "Sec-Fetch-Site: cross-site"][..], 403, "Another site asked"),
        (&[host, "Origin: http://evil.example"], 403, "Another site asked"),
        (&[host, "Sec-Purpose: prefetch", "Sec-Fetch-Site: none"], 403, "before you asked"),
        (&["Host: evil.example", "Sec-Fetch-Site: same-origin"], 403, "no password"),
        (&[host, "User-Agent: Mozilla/5.0"], 200, "Do you want this?"),
    ] {
        let answer = ask(&site, "GET", "/?action=stopall", headers, "");
        assert_eq!(answer.status, status, "{headers:?}");
        assert!(text(&answer).contains(words), "{headers:?}: {}", text(&answer));
    }
    assert_eq!(core.commands(), vec![]);
    // A password is what a page under a strange name lacks.
    let site = core.site(ListenerKind::Control, Some(("user", "secret")));
    let headers = ["Host: box.example", "Sec-Fetch-Site: same-origin"];
    assert_eq!(ask(&site, "GET", "/?action=stopall", &headers, "").status, 303);
}

#[test]
fn another_site_cannot_put_words_into_our_mouth() {
    let core = two();
    let site = core.site(ListenerKind::Control, None);
    for (from, shown) in [("cross-site", false), ("none", true), ("same-origin", true)] {
        let header = format!("Sec-Fetch-Site: {from}");
        let answer = ask(&site, "GET", "/?message=Send+money", &["Host: localhost", &header], "");
        assert_eq!((answer.status, text(&answer).contains("Send money")), (200, shown), "{from}");
    }
}

#[test]
fn every_page_forbids_what_it_does_not_need() {
    let core = two();
    let site = core.site(ListenerKind::Control, None);
    for target in ["/", "/tail.html", "/tail.html?processname=b", "/?action=nosuch", "/?action=refresh"] {
        let answer = ask(&site, "GET", target, &[], "");
        let header = |name| answer.headers.iter().find(|(n, _)| *n == name).map_or("", |(_, v)| *v);
        assert!(header("Content-Security-Policy").starts_with("default-src 'none';"), "{target}");
        assert_eq!(header("Referrer-Policy"), "same-origin", "{target}");
        assert_eq!(header("X-Content-Type-Options"), "nosniff", "{target}");
        assert_eq!(header("Cache-Control"), "no-store", "{target}");
        let page = text(&answer);
        for word in ["<script", "<style", "style=", "http://", "https://", "javascript:"] {
            assert!(!page.contains(word), "{target}: {word}");
        }
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
}

#[test]
fn nobody_waits_for_ever_and_a_restart_is_not_left_half_done() {
    let silent = |request: &Question| match request {
        Question::Identity => Some(Reply::Identity(snapshot(vec![]).identity)),
        _ => None,
    };
    let core = FakeCore::start(silent);
    let site = core.site(ListenerKind::Control, None);
    let now = &Default::default;
    let patience = Duration::from_millis(1);
    let Done::Said(message) = act::act(&site, "start", Some("a"), now, patience, &|| true) else {
        panic!("it said nothing")
    };
    assert!(message.starts_with("ERROR: start has not ended in"), "{message}");
    let gone = act::act(&site, "stop", Some("a"), now, Duration::from_secs(600), &|| false);
    assert_eq!(gone, Done::Abandoned);
    // The visitor has gone, and what was stopped is started all the same.
    let core = two();
    let site = core.site(ListenerKind::Control, None);
    let done = act::act(&site, "restart", Some("b"), now, Duration::from_secs(600), &|| false);
    assert_eq!((done, core.commands().len()), (Done::Said("Process b restarted".to_owned()), 2));
}

#[test]
fn a_restart_that_does_not_start_says_so() {
    let core = FakeCore::start(|request| {
        Some(match request {
            Question::Identity => Reply::Identity(snapshot(vec![]).identity),
            Question::Command(Command::Start { .. }) => {
                Reply::Command(Outcome::Fault(crate::control::Fault {
                    code: FaultCode::SpawnError,
                    extra: None,
                }))
            }
            _ => Reply::Command(Outcome::Done),
        })
    });
    let site = core.site(ListenerKind::Control, None);
    let done = act::act(&site, "restart", Some("b"), &Default::default, act::PATIENCE, &|| true);
    assert_eq!(done, Done::Said("ERROR: Process b: spawn error".to_owned()));
}

#[test]
fn a_core_that_is_silent_is_reported() {
    let core = FakeCore::start(|_| None);
    let site = core.site(ListenerKind::Control, None);
    drop(core);
    let answer = ask(&site, "GET", "/", &[], "");
    assert_eq!(answer.status, 503);
    assert!(text(&answer).contains("core"), "{}", text(&answer));
}

#[test]
fn a_process_that_never_ran_is_not_started() {
    let mut p = process("a", "a", State::Stopped);
    p.start = Wall(0);
    let page = pages::status(&snapshot(vec![p]), None, |_| Default::default());
    assert!(page.contains("<td class=statusnominal>stopped<td>Not started<td>"), "{page}");
    let none = pages::status(&snapshot(vec![]), None, |_| Default::default());
    assert!(none.contains("No programs to manage") && !none.contains("<table"), "{none}");
}
