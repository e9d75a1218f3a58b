//! The web page: what its links do and say. The markup is each one's own.

use crate::support::{Sup, header, ours, setup, skipped, start};
use harness::http::{self, Answer};

/// `a` runs, `off` does not, `g:x` and `g:y` run.
pub(crate) const PROGRAMS: &str = "[program:a]\ncommand=@puppet@ print 0123456789 hold\nstartsecs=0\nstdout_logfile=@dir@/a.log\n\
    [program:off]\ncommand=@puppet@ print up hold\nstartsecs=0\nautostart=false\nstdout_logfile=@dir@/off.log\n\
    [group:g]\nprograms=x,y\n[program:x]\ncommand=cat\nstartsecs=0\n[program:y]\ncommand=cat\nstartsecs=0\nstdout_logfile=NONE\n";

pub(crate) fn four() -> Sup {
    let sup = start(PROGRAMS);
    for name in ["a", "g:x", "g:y"] {
        sup.wait_state(name, "RUNNING");
    }
    sup.wait_file("a.log", "0123456789");
    sup
}

#[track_caller]
pub(crate) fn ask(sup: &Sup, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let raw = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    http::request(&sup.0.socket(), &raw).expect("an answer")
}

#[track_caller]
pub(crate) fn get(sup: &Sup, path: &str) -> Answer {
    http::get(&sup.0.socket(), path).expect("an answer")
}

/// The message that a redirection to the page brings. Trap 71 [F]: ours may not be cached.
#[track_caller]
fn message(answer: &Answer) -> String {
    assert_eq!(answer.status, if ours() { 303 } else { 301 }, "{answer:?}");
    let location = answer.header("location").expect("a redirection");
    let page = if ours() { "./?message=" } else { "http://localhost/?message=" };
    location.strip_prefix(page).unwrap_or_else(|| panic!("{location}")).to_owned()
}

/// Follows a link of the page, and expects this message.
#[track_caller]
fn says(sup: &Sup, link: &str, want: &str) {
    assert_eq!(message(&get(sup, link)), want, "{link}");
}

#[test]
fn a_link_acts_waits_and_says_what_was_done() {
    if skipped() {
        return;
    }
    let sup = four();
    says(&sup, "/?action=stop&processname=a", "Process%20a%20stopped");
    assert_eq!(sup.status("a").0, "STOPPED");
    says(&sup, "/index.html?action=start&processname=a:a", "Process%20a%3Aa%20started");
    assert_eq!(sup.status("a").0, "RUNNING");
    let before = sup.status("g:x").1;
    says(&sup, "//index.html?processname=g%3Ax&action=restart", "Process%20g%3Ax%20restarted");
    let after = sup.status("g:x");
    assert!(after.0 == "RUNNING" && after.1 != before, "{after:?}");
    says(&sup, "/?action=restart&processname=off", "Process%20off%20restarted");
    assert_eq!(sup.status("off").0, "RUNNING");
    says(&sup, "/?action=clearlog&processname=a", "Log%20for%20a%20cleared");
    assert!(!sup.file("a.log").contains("01234567890123456789"));
    says(&sup, "/?action=clearlog&processname=g:y", "Log%20for%20g%3Ay%20cleared");
    sup.finish();
}

#[test]
fn a_stop_waits_for_the_end() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:slow]\ncommand=@puppet@ ignore TERM print up hold\nstartsecs=0\nstopwaitsecs=1\nstdout_logfile=@dir@/slow.log\n",
    );
    sup.wait_file("slow.log", "up");
    says(&sup, "/?action=stop&processname=slow", "Process%20slow%20stopped");
    assert_eq!(sup.status("slow").0, "STOPPED");
    says(&sup, "/?action=start&processname=slow", "Process%20slow%20started");
    sup.wait_file("slow.log", "upup");
    says(&sup, "/?action=restart&processname=slow", "Process%20slow%20restarted");
    assert_eq!(sup.status("slow").0, "RUNNING");
    sup.finish();
}

#[test]
fn what_cannot_be_done_is_said_in_the_same_words() {
    if skipped() {
        return;
    }
    let sup = start(&format!(
        "{PROGRAMS}[program:nofile]\ncommand=/nonexistent/x\nautostart=false\n\
         [program:noexec]\ncommand=@dir@/c.conf\nautostart=false\n\
         [program:quick]\ncommand=@puppet@ exit 3\nautostart=false\nstartretries=0\nstartsecs=1\n"
    ));
    sup.wait_state("a", "RUNNING");
    for (link, want) in [
        ("start&processname=a", "ERROR%3A%20Process%20a%3A%20already%20started"),
        ("start&processname=nofile", "ERROR%3A%20Process%20nofile%3A%20no%20such%20file"),
        ("start&processname=noexec", "ERROR%3A%20Process%20noexec%3A%20file%20not%20executable"),
        ("start&processname=quick", "ERROR%3A%20Process%20quick%3A%20spawn%20error"),
        ("stop&processname=off", "unexpected%20rpc%20fault%20%5B70%5D%20NOT_RUNNING%3A%20off"),
        ("start&processname=nosuch", "No%20such%20process%20named%20nosuch"),
        ("stop&processname=a:nosuch", "No%20such%20process%20named%20a%3Anosuch"),
        ("restart&processname=nosuch", "No%20such%20process%20named%20nosuch"),
        ("clearlog&processname=nosuch", "No%20such%20process%20named%20nosuch"),
        ("nosuch&processname=nosuch", "No%20such%20process%20named%20nosuch"),
        ("stop&processname=g", "No%20such%20process%20named%20g"),
        ("stop&processname=g:*", "No%20such%20process%20named%20g%3A%2A"),
        ("stop&processname=g:", "No%20such%20process%20named%20g%3A"),
        ("start&processname=%3Cb%3E%C3%A9+%26%22", "No%20such%20process%20named%20%3Cb%3E%C3%A9%20%26%22"),
    ] {
        says(&sup, &format!("/?action={link}"), want);
    }
    // What Supervisor calls restarted whatever comes of it.
    let want = match ours() {
        true => "ERROR%3A%20Process%20nofile%3A%20no%20such%20file",
        false => "Process%20nofile%20restarted",
    };
    says(&sup, "/?action=restart&processname=nofile", want);
    for name in ["g:x", "g:y"] {
        assert_eq!(sup.status(name).0, "RUNNING", "{name}");
    }
    sup.finish();
}

#[test]
fn an_action_that_does_not_exist_is_refused() {
    if skipped() {
        return;
    }
    let sup = four();
    for link in
        ["/?action=nosuch", "/?action=start", "/?action=start&processname=", "/?action=nosuch&processname=a"]
    {
        let answer = get(&sup, link);
        // Supervisor fails with a traceback.
        assert_eq!(answer.status, if ours() { 400 } else { 500 }, "{link}");
    }
    for link in ["/?action=&processname=a", "/?action", "/?processname=a", "/?&&=&x"] {
        assert_eq!(get(&sup, link).status, 200, "{link}");
    }
    sup.finish();
}

#[test]
fn everything_can_be_stopped_and_started_again() {
    if skipped() {
        return;
    }
    let sup = four();
    let masked = |link: &str, words: &str| {
        let said = message(&get(&sup, link));
        let time = said.strip_prefix(words).unwrap_or_else(|| panic!("{said}"));
        // `Fri Nov 20 15:57:18 2026`
        let shape: String = time
            .replace("%20", " ")
            .replace("%3A", ":")
            .chars()
            .map(|c| {
                if c.is_ascii_digit() {
                    'd'
                } else if c.is_ascii_alphabetic() {
                    'a'
                } else {
                    c
                }
            })
            .collect();
        assert_eq!(shape.replace("  d ", " dd "), "aaa aaa dd dd:dd:dd dddd", "{said}");
    };
    masked("/?action=refresh", "Page%20refreshed%20at%20");
    masked("/?action=stopall&processname=a", "All%20stopped%20at%20");
    for name in ["a", "g:x", "g:y"] {
        assert_eq!(sup.status(name).0, "STOPPED", "{name}");
    }
    masked("/?action=restartall", "All%20restarted%20at%20");
    for name in ["a", "off", "g:x", "g:y"] {
        assert_eq!(sup.status(name).0, "RUNNING", "{name}");
    }
    sup.finish();
}

#[test]
fn a_form_does_the_same_and_counts_before_the_query() {
    if skipped() {
        return;
    }
    let sup = four();
    let post = |path: &str, body: &str| {
        message(&ask(&sup, "POST", path, "Content-Type: application/x-www-form-urlencoded\r\n", body))
    };
    assert_eq!(post("/index.html", "action=stop&processname=a"), "Process%20a%20stopped");
    assert_eq!(
        post("/?action=stop&processname=g:x", "action=start&processname=off"),
        "Process%20off%20started"
    );
    assert_eq!(post("/?processname=g:y", "action=clearlog"), "Log%20for%20g%3Ay%20cleared");
    // A signal that comes before the program has begun gets lost with Supervisor.
    sup.wait_file("off.log", "up");
    assert_eq!(post("/", "action=stop&processname=x&processname=off"), "Process%20off%20stopped");
    says(&sup, "/?action=start&action=stop&processname=off&processname=a", "Process%20off%20started");
    assert_eq!(ask(&sup, "POST", "/", "", "x=y").status, 200);
    for (name, state) in [("a", "STOPPED"), ("off", "RUNNING"), ("g:x", "RUNNING")] {
        assert_eq!(sup.status(name).0, state, "{name}");
    }
    sup.finish();
}

#[test]
fn only_get_and_post_do_anything() {
    if skipped() {
        return;
    }
    let sup = four();
    for (method, theirs, our) in
        [("HEAD", 404, 200), ("PUT", 400, 400), ("DELETE", 400, 400), ("OPTIONS", 400, 400)]
    {
        let answer = ask(&sup, method, "/?action=stop&processname=a", "", "");
        assert_eq!(answer.status, if ours() { our } else { theirs }, "{method}");
    }
    assert_eq!(sup.status("a").0, "RUNNING");
    sup.finish();
}

#[test]
fn a_password_is_asked_for_everywhere() {
    if skipped() {
        return;
    }
    let text = header("").replace("file=@sock@", "file=@sock@\nusername=u\npassword=p");
    let sup = Sup::new(setup(&format!("{text}{PROGRAMS}")));
    sup.wait_file("a.log", "0123456789");
    let stop = "/?action=stop&processname=a";
    for path in [
        "/",
        "/index.html",
        "/tail.html?processname=a",
        "/ok.html",
        "/stylesheets/supervisor.css",
        "/nosuch",
        stop,
    ] {
        for headers in ["", "Authorization: Basic dTp3cm9uZw==\r\n"] {
            let answer = ask(&sup, "GET", path, headers, "");
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"default\""), "{path}");
        }
    }
    assert!(!sup.log().contains("stopped: a"), "nobody may");
    let known = "Authorization: Basic dTpw\r\n";
    assert_eq!(ask(&sup, "GET", "/", known, "").status, 200);
    assert_eq!(message(&ask(&sup, "GET", stop, known, "")), "Process%20a%20stopped");
    sup.wait_log("stopped: a (terminated by SIGTERM)");
    sup.finish();
}

#[test]
fn another_sites_page_cannot_act() {
    if skipped() {
        return;
    }
    let sup = four();
    let stop = "/?action=stop&processname=a";
    for from in [
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Referer: http://evil.example/\r\n",
        "Sec-Fetch-Site: none\r\nSec-Purpose: prefetch\r\n",
    ] {
        for method in ["GET", "POST"] {
            // Without a body Supervisor never answers a POST.
            let answer = ask(&sup, method, stop, from, "x=y");
            // Supervisor does what any page tells it.
            if ours() {
                assert_eq!(answer.status, 403, "{method} {from}");
                assert!(answer.body.contains("Nothing was done"), "{answer:?}");
                assert_eq!(sup.0.info("a", "statename").as_deref(), Some("RUNNING"), "{method} {from}");
            } else {
                assert!(message(&answer).contains('a'), "{method} {from}");
            }
        }
    }
    for own in [
        "Sec-Fetch-Site: same-origin\r\n",
        "Sec-Fetch-Site: none\r\n",
        "Origin: http://localhost\r\n",
        "Referer: http://localhost/?message=x\r\n",
        "",
    ] {
        let answer = ask(&sup, "GET", "/?action=clearlog&processname=off", own, "");
        assert_eq!(message(&answer), "Log%20for%20off%20cleared", "{own}");
    }
    sup.finish();
}

#[test]
fn while_everything_stops_the_page_is_there() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:slow]\ncommand=@puppet@ ignore TERM print up wait-file @dir@/go exit 0\nstartsecs=0\nstopwaitsecs=60\nstdout_logfile=@dir@/slow.log\n",
    );
    sup.wait_file("slow.log", "up");
    sup.0.signal(15);
    sup.wait_log("waiting for slow to die");
    let answer = get(&sup, "/");
    // Supervisor fails: its page asks what is refused now.
    if ours() {
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("Everything is being stopped"), "{}", answer.body);
        says(
            &sup,
            "/?action=start&processname=slow",
            "ERROR%3A%20Process%20slow%3A%20unexpected%20rpc%20fault%20%5B6%5D%20SHUTDOWN_STATE",
        );
    } else {
        assert_eq!(answer.status, 500);
    }
    std::fs::write(sup.0.dir().path().join("go"), "").expect("the directory is ours");
    sup.0.ended(0);
}
