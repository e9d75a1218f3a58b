//! The web page: what it shows. The markup is each one's own.

use crate::support::{Sup, header, ours, setup, skipped, start};
use crate::web::{PROGRAMS, ask, four, get};

/// The actions that the page offers for a process.
fn offered(page: &str, name: &str) -> Vec<String> {
    let page = page.replace("%3A", ":").replace("&amp;", "&").replace("&amp;", "&");
    let (row, mark) = if ours() {
        let row = page.split_once(&format!("action=?processname={name}>")).map_or("", |(_, r)| r);
        (row.split("</form>").next().unwrap_or("").to_owned(), "value=")
    } else {
        (page, "&action=")
    };
    let ends = |c: char| !c.is_ascii_alphanumeric();
    let pieces: Vec<&str> = row.split(mark).collect();
    let mine = |before: &str| ours() || before.ends_with(&format!("processname={name}"));
    pieces
        .windows(2)
        .filter(|w| mine(w[0]))
        .map(|w| w[1].split(ends).next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_page_shows_every_process_and_what_can_be_done() {
    if skipped() {
        return;
    }
    let sup = start(&format!(
        "{PROGRAMS}[program:bad]\ncommand=/nonexistent/x\nstartretries=0\n\
         [program:done]\ncommand=@puppet@ exit 0\nstartsecs=0\nautorestart=false\n"
    ));
    for (name, state) in [("a", "RUNNING"), ("g:x", "RUNNING"), ("bad", "FATAL"), ("done", "EXITED")] {
        sup.wait_state(name, state);
    }
    let answer = get(&sup, "/");
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").is_some_and(|t| t.replace(' ', "") == "text/html;charset=utf-8"));
    let page = answer.body.replace("%3A", ":").replace("&#39;", "'").replace('"', "");
    assert!(page.contains("<title>Supervisor Status"), "{page}");
    let log = ["clearlog"];
    for (name, class, state, buttons) in [
        ("a", "statusrunning", "running", &["restart", "stop"][..]),
        ("bad", "statuserror", "fatal", &["start"]),
        ("done", "statusnominal", "exited", &["start"]),
        ("g:x", "statusrunning", "running", &["restart", "stop"]),
        ("g:y", "statusrunning", "running", &["restart", "stop"]),
        ("off", "statusnominal", "stopped", &["start"]),
    ] {
        assert!(page.contains(&format!("class={class}>{state}")), "{name}: {page}");
        assert!(page.contains(&format!("href=tail.html?processname={name}")), "{name}: {page}");
        assert!(page.contains(&format!(">{name}</a>")), "{name}: {page}");
        assert!(page.contains(&format!("href=logtail/{name}")), "{name}: {page}");
        assert!(page.contains(&format!("href=logtail/{name}/stderr")), "{name}: {page}");
        assert_eq!(offered(&answer.body, name), [buttons, &log].concat(), "{name}");
        let description = sup.status(name).1;
        // An uptime may have gone on.
        let description = description.split(", uptime").next().unwrap_or_default();
        assert!(page.contains(description), "{name}: {description} in {page}");
    }
    let order: Vec<usize> = ["a", "bad", "done", "g:x", "g:y", "off"]
        .iter()
        .map(|name| page.find(&format!(">{name}</a>")).expect("it is there"))
        .collect();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(get(&sup, "/index.html").status, 200);
    sup.finish();
}

#[test]
fn a_page_without_programs_says_so() {
    if skipped() {
        return;
    }
    let sup = start("");
    sup.wait_log("supervisord started");
    let page = get(&sup, "/").body;
    assert!(page.contains("No programs to manage"), "{page}");
    sup.finish();
}

#[test]
fn a_message_is_text() {
    if skipped() {
        return;
    }
    let sup = four();
    let page = get(&sup, "/?message=%3Cscript%3Ealert(1)%3C/script%3E+%26+more").body;
    assert!(!page.contains("<script>"), "{page}");
    assert!(unescaped(&page).contains("<script>alert(1)</script> & more"), "{page}");
    sup.finish();
}

/// What stands in the box of a page that shows a log.
fn boxed(page: &str) -> String {
    let inner = page.split_once("<pre").and_then(|(_, r)| r.split_once('>')).map_or("", |(_, r)| r);
    let text = inner.split("</pre>").next().unwrap_or_default();
    // HTML drops the first line end.
    assert!(!text.contains('<'), "{text}");
    unescaped(text.strip_prefix('\n').unwrap_or(text))
}

/// The characters that either of them escapes.
fn unescaped(text: &str) -> String {
    let pairs = [("&#60;", "<"), ("&lt;", "<"), ("&#62;", ">"), ("&#38;", "&"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[test]
fn the_end_of_a_log_is_shown() {
    if skipped() {
        return;
    }
    let setup = setup(&format!(
        "{}[program:a]\ncommand=@puppet@ chunk @dir@/long chunk-err @dir@/short hold\nstartsecs=0\nstdout_logfile=@dir@/a.log\n\
         stderr_logfile=@dir@/a.err\n[program:none]\ncommand=cat\nstartsecs=0\nstdout_logfile=NONE\n",
        header("")
    ));
    let long = format!("begin {} </pre><b>end", "x".repeat(3000));
    setup.dir().write("long", &long);
    setup.dir().write("short", "err");
    let sup = Sup::new(setup);
    sup.wait_file("a.log", "end");
    sup.wait_file("a.err", "err");
    let last = |n: usize| long[long.len() - n..].to_owned();
    for (query, want) in [
        ("processname=a", 1024),
        ("processname=a:a&limit=10", 1024),
        ("processname=a&limit=0", 1024),
        ("processname=a&limit=-5", 1024),
        ("processname=a&limit=many", 1024),
        ("processname=a&limit=2000", 2000),
        ("processname=a&limit=1000000", long.len()),
    ] {
        let answer = get(&sup, &format!("/tail.html?{query}"));
        assert_eq!((answer.status, boxed(&answer.body)), (200, last(want)), "{query}");
        assert!(answer.body.contains("<title>Supervisor tail of process a"), "{query}");
    }
    let refresh = get(&sup, "/tail.html?processname=a&limit=2000").body.replace("&amp;", "&");
    assert!(refresh.contains("tail.html?processname=a&limit=2000\""), "{refresh}");
    for (query, want) in [
        ("", "No process name found"),
        ("?processname=", "No process name found"),
        ("?processname=none", "No file for none"),
        ("?processname=nosuch", "ERROR: unexpected rpc fault [10] BAD_NAME: nosuch"),
        ("?processname=a:*", "ERROR: unexpected rpc fault [10] BAD_NAME: a:*"),
    ] {
        let answer = get(&sup, &format!("/tail.html{query}"));
        assert_eq!(answer.status, 200, "{query}");
        assert!(answer.body.contains(&format!(">{want}</")), "{query}: {}", answer.body);
    }
    if ours() {
        assert_eq!(boxed(&get(&sup, "/tail.html?processname=a&stream=stderr").body), "err");
    }
    sup.finish();
}

#[test]
fn what_belongs_to_the_page_is_served() {
    if skipped() {
        return;
    }
    let sup = four();
    for (path, kind) in [("/stylesheets/supervisor.css", "text/css"), ("/images/icon.png", "image/png")] {
        let answer = get(&sup, path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").is_some_and(|t| t.starts_with(kind)), "{path}: {answer:?}");
        assert_eq!(ask(&sup, "HEAD", path, "", "").status, 200, "{path}");
        assert_eq!(ask(&sup, "POST", path, "", "").status, 400, "{path}");
    }
    let ok = get(&sup, "/ok.html");
    assert_eq!((ok.status, ok.body.as_str()), (200, "OK"));
    assert!(ok.header("content-type").is_some_and(|t| t.starts_with("text/plain")));
    for path in
        ["/nosuch", "/stylesheets/nosuch.css", "/index.htm", "/tail", "/../../etc/passwd", "/%2e%2e/setup.py"]
    {
        assert_eq!(get(&sup, path).status, 404, "{path}");
    }
    sup.finish();
}
