//! Readiness and liveness of real programs: each kind in each spelling, thresholds, and what a check leaves behind.

use crate::support::{ctl, ini, metric, sample, shows, toml};
use harness::daemon::free_port;
use harness::{Daemon, Setup, proc, wait_until};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

/// An HTTP server whose status a test can change; 0: it takes connections and says nothing.
struct Server {
    port: u16,
    status: Arc<AtomicU16>,
    ends: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    fn start(status: u16) -> Server {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("bind");
        let (status, ends) = (Arc::new(AtomicU16::new(status)), Arc::new(AtomicBool::new(false)));
        let (s, e) = (Arc::clone(&status), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().flatten() {
                if e.load(Ordering::SeqCst) {
                    return;
                }
                match s.load(Ordering::SeqCst) {
                    0 => held.push(stream),
                    n => serve(stream, n),
                }
            }
        });
        Server { port, status, ends, thread: Some(thread) }
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/health", self.port)
    }
}

fn serve(mut stream: std::net::TcpStream, status: u16) {
    let mut bytes = [0; 1024];
    // A probe that was killed has hung up.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let _ = stream.read(&mut bytes);
    let _ = write!(stream, "HTTP/1.1 {status} Such\r\nContent-Length: 0\r\n\r\n");
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        drop(std::net::TcpStream::connect(("127.0.0.1", self.port)));
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

pub(crate) fn ready(daemon: &Daemon) -> u16 {
    daemon.get("/readyz/web").map_or(0, |a| a.status)
}

pub(crate) fn note(daemon: &Daemon) -> String {
    daemon.info("web", "description").unwrap_or_default()
}

pub(crate) fn pid(daemon: &Daemon) -> i32 {
    daemon.info("web", "pid").and_then(|p| p.parse().ok()).unwrap_or(0)
}

/// One program `web` that holds, with these lines, in the three spellings.
fn spellings(settings: &[(&str, &str)]) -> [Setup; 3] {
    let lines = |join: fn(&str, &str) -> String| -> String {
        settings.iter().map(|(k, v)| format!("{}\n", join(k, v))).collect()
    };
    let mut vars = vec![
        ("MAINSTAY_HTTP__LISTEN".to_string(), "127.0.0.1:@port@".to_string()),
        ("MAINSTAY_CONTROL__UNIX".to_string(), "@sock@".to_string()),
        ("MAINSTAY_PROGRAM__WEB__COMMAND".to_string(), "@puppet@ hold".to_string()),
        ("MAINSTAY_PROGRAM__WEB__STARTSECS".to_string(), "0".to_string()),
    ];
    vars.extend(
        settings.iter().map(|(k, v)| (format!("MAINSTAY_PROGRAM__WEB__{}", k.to_uppercase()), v.to_string())),
    );
    let vars: Vec<(&str, &str)> = vars.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    [
        ini(&format!(
            "[program:web]\ncommand=@puppet@ hold\nstartsecs=0\n{}",
            lines(|k, v| format!("{k}={v}"))
        )),
        toml(&format!(
            "[program.web]\ncommand = \"@puppet@ hold\"\nstartsecs = 0\n{}",
            lines(|k, v| format!("{} = {v:?}", k.replacen('_', ".", 1)))
        )),
        Setup::variables(&vars),
    ]
}

#[test]
fn an_http_check_follows_its_server_in_every_spelling() {
    let server = Server::start(503);
    let url = server.url();
    for setup in
        spellings(&[("readiness_http", &url), ("readiness_period", "50ms"), ("readiness_timeout", "5")])
    {
        server.answer(503);
        let daemon = setup.start();
        wait_until("status says why", || note(&daemon).contains("status 503 Such (3 of 3)"));
        assert!(note(&daemon).contains(&format!("not ready: readiness http {url}: ")), "{}", note(&daemon));
        assert_eq!((daemon.info("web", "statename").as_deref(), ready(&daemon)), (Some("RUNNING"), 503));
        server.answer(204);
        wait_until("it is ready", || ready(&daemon) == 200);
        shows(&ctl(&daemon, &["status"]), "RUNNING");
        assert!(!note(&daemon).contains("ready"), "{}", note(&daemon));
        server.answer(500);
        wait_until("it is not ready", || ready(&daemon) == 503);
        // A redirect is an answer, wherever it leads.
        server.answer(302);
        wait_until("it is ready again", || ready(&daemon) == 200);
        daemon.finish();
    }
}

#[test]
fn a_server_that_says_nothing_runs_into_the_time_out() {
    let server = Server::start(0);
    let [_, setup, _] = spellings(&[
        ("readiness_http", &server.url()),
        ("readiness_period", "50ms"),
        ("readiness_timeout", "200ms"),
    ]);
    let daemon = setup.start();
    wait_until("status says why", || note(&daemon).contains("no answer within 200ms (3 of 3)"));
    server.answer(200);
    wait_until("it is ready", || ready(&daemon) == 200);
    daemon.finish();
}

#[test]
fn a_tcp_check_follows_its_port_in_every_spelling() {
    for n in 0..3 {
        let port = free_port();
        let address = format!("localhost:{port}");
        let setup = spellings(&[
            ("readiness_tcp", &address),
            ("readiness_period", "50ms"),
            ("readiness_timeout", "5"),
        ]);
        let daemon = setup.into_iter().nth(n).expect("three").start();
        let why = format!("not ready: readiness tcp {address}: connection refused (3 of 3)");
        wait_until("status says why", || note(&daemon).contains(&why));
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("bind");
        wait_until("it is ready", || ready(&daemon) == 200);
        drop(listener);
        wait_until("it is not ready", || ready(&daemon) == 503);
        daemon.finish();
    }
}

#[test]
fn an_exec_check_follows_its_command_in_every_spelling() {
    for setup in spellings(&[
        ("readiness_exec", "test -e @dir@/up"),
        ("readiness_period", "50ms"),
        ("readiness_timeout", "5"),
    ]) {
        let daemon = setup.start();
        wait_until("status says why", || note(&daemon).contains("exit status 1 (3 of 3)"));
        daemon.dir().write("up", "");
        wait_until("it is ready", || ready(&daemon) == 200);
        daemon.finish();
    }
}

#[test]
fn a_check_runs_as_the_program_in_its_directory_and_environment() {
    let user = if harness::is_root() { "user = \"65534\"\n" } else { "" };
    // Fields of stat(5): the fourth is the parent. Nobody but PID 1 runs a check.
    let parents = "read -r _ _ _ parent _ < /proc/$MAINSTAY_PID/stat; test $parent = $PPID";
    let daemon = toml(&format!(
        "[program.web]\ncommand = \"@puppet@ hold\"\nstartsecs = 0\ndirectory = \"/usr\"\numask = \"027\"\n{user}\
         environment = {{ GREETING = \"hello\" }}\n\
         readiness.exec = [\"sh\", \"-c\", \"echo $(id -u) $PWD $GREETING $(umask) $MAINSTAY_HOOK; exit 7\"]\n\
         readiness.timeout = 10\nliveness.exec = [\"sh\", \"-c\", {parents:?}]\nliveness.timeout = 10\n"
    ))
    .start();
    let uid = if harness::is_root() { "65534".to_string() } else { nix::unistd::getuid().to_string() };
    let why = format!("exit status 7: {uid} /usr hello 0027 readiness (1 of 3)");
    wait_until("status says who and where", || note(&daemon).contains(&why));
    let counted = |name: &str| {
        let page = daemon.get("/metrics").map(|a| a.body).unwrap_or_default();
        metric(&page, name, &[("check", "liveness")])
    };
    wait_until("the other has run", || counted("mainstay_check_runs_total") == Some(1.0));
    assert_eq!(counted("mainstay_check_failures_total"), Some(0.0), "{}", note(&daemon));
    daemon.finish();
}

#[test]
fn a_check_that_is_none_of_our_words_names_what_failed() {
    let [_, setup, _] = spellings(&[("readiness_exec", "/no/such/check"), ("readiness_period", "50ms")]);
    let daemon = setup.start();
    wait_until("status says why", || note(&daemon).contains("(3 of 3)"));
    assert!(note(&daemon).contains("cannot be run: "), "{}", note(&daemon));
    assert!(note(&daemon).contains("/no/such/check"), "{}", note(&daemon));
    daemon.finish();
}

#[test]
fn a_line_of_output_makes_it_ready_wherever_that_goes() {
    let pattern = "listening on port [0-9]+";
    for log in ["NONE", "/dev/stdout", "@dir@/web.log"] {
        for (verb, stderr) in [("say", false), ("say-err", true)] {
            let daemon = ini(&format!(
                "[program:web]\ncommand=@puppet@ say starting wait-file @dir@/go {verb} \"now listening on port 8080\" hold\n\
                 startsecs=0\n{}_logfile={log}\nreadiness_log={pattern}\n",
                if stderr { "stderr" } else { "stdout" }
            ))
            .start();
            daemon.wait_state("web", "RUNNING");
            wait_until("it has an answer", || ready(&daemon) == 503);
            assert!(
                note(&daemon).contains(&format!("no line has matched `{pattern}` yet")),
                "{}",
                note(&daemon)
            );
            daemon.dir().write("go", "");
            wait_until("it is ready", || ready(&daemon) == 200);
            daemon.finish();
        }
    }
}

#[test]
fn a_newline_on_a_descriptor_makes_it_ready() {
    for number in [3, 5, 9, 63] {
        let script = format!(
            "printf x >&{number}; until test -e @dir@/go; do sleep 0.02; done; echo >&{number}; exec sleep 1000"
        );
        let daemon = toml(&format!(
            "[program.web]\ncommand = [\"bash\", \"-c\", \"{script}\"]\nstartsecs = 0\nreadiness.fd = {number}\n"
        ))
        .start();
        daemon.wait_state("web", "RUNNING");
        let why = format!("no newline on descriptor {number} yet");
        wait_until("status says why", || note(&daemon).contains(&why));
        assert_eq!(ready(&daemon), 503);
        let fds: Vec<i32> = proc::fds(pid(&daemon)).into_iter().map(|(n, _)| n).filter(|n| *n > 2).collect();
        assert!(fds.contains(&number), "{fds:?}");
        daemon.dir().write("go", "");
        wait_until("it is ready", || ready(&daemon) == 200);
        daemon.finish();
    }
}

#[test]
fn a_descriptor_that_is_closed_without_a_newline_is_said() {
    let daemon = ini("[program:web]\ncommand=@puppet@ close 4 hold\nstartsecs=0\nreadiness_fd=4\n").start();
    daemon.wait_said("web has closed its readiness descriptor without a newline");
    assert_eq!(ready(&daemon), 503);
    daemon.finish();
}

#[test]
fn a_program_whose_liveness_fails_is_restarted() {
    let server = Server::start(200);
    let [_, setup, _] = spellings(&[
        ("liveness_http", &server.url()),
        ("liveness_period", "50ms"),
        ("liveness_timeout", "5"),
        ("backoff_initial", "50ms"),
    ]);
    let daemon = setup.start();
    daemon.wait_state("web", "RUNNING");
    let first = pid(&daemon);
    assert_eq!(ready(&daemon), 200, "liveness is not readiness");
    server.answer(500);
    daemon.wait_said(&format!("restarting web: liveness http {}: status 500 Such (3 of 3)", server.url()));
    server.answer(200);
    wait_until("another process runs", || pid(&daemon) > 0 && pid(&daemon) != first);
    wait_until("it is ready", || ready(&daemon) == 200);
    daemon.finish();
}

#[test]
fn others_wait_until_it_is_ready_not_only_running() {
    for _ in 0..3 {
        let daemon = toml(
            "[program.web]\ncommand = [\"@puppet@\", \"wait-file\", \"@dir@/go\", \"say\", \"serving\", \"hold\"]\nstartsecs = 0\n\
             readiness.log = \"^serving$\"\n\
             [program.front]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\ndepends_on = [\"web\"]\n",
        )
        .start();
        daemon.wait_state("web", "RUNNING");
        let waits = "waiting for web (ready): ";
        wait_until("status says why", || {
            daemon.info("front", "description").is_some_and(|d| d.contains(waits))
        });
        assert_eq!(daemon.info("front", "statename").as_deref(), Some("STOPPED"));
        daemon.dir().write("go", "");
        daemon.wait_state("front", "RUNNING");
        let said = daemon.finish();
        let place = |text: &str| said.find(text).unwrap_or_else(|| panic!("no `{text}` in {said}"));
        assert!(place("ready: web (log ^serving$)") < place("spawned: 'front'"), "{said}");
    }
}

#[test]
fn what_checks_come_to_is_counted() {
    let daemon = toml(
        "[program.web]\ncommand = \"@puppet@ hold\"\nstartsecs = 0\n\
         readiness = { exec = \"test -e @dir@/up\", period = 0.05, timeout = 10 }\n[program.plain]\ncommand = \"@puppet@ hold\"\n",
    )
    .start();
    let value = |name: &str| {
        let page = daemon.get("/metrics").map(|a| a.body).unwrap_or_default();
        assert!(!page.contains("check=\"liveness\""), "{page}");
        assert!(!page.lines().any(|l| l.starts_with("mainstay_check") && l.contains("plain")), "{page}");
        metric(&page, name, &[("program", "web"), ("group", "web"), ("check", "readiness")])
    };
    wait_until("failures are counted", || value("mainstay_check_failures_total").is_some_and(|n| n >= 3.0));
    assert_eq!(value("mainstay_check_up"), Some(0.0));
    daemon.dir().write("up", "");
    wait_until("it is up", || value("mainstay_check_up") == Some(1.0));
    assert!(value("mainstay_check_runs_total") > value("mainstay_check_failures_total"));
    assert!(value("mainstay_check_duration_seconds_total").is_some_and(|s| s > 0.0));
    daemon.finish();
}

#[test]
fn a_changed_check_is_asked_without_a_restart() {
    let text = |what: &str| {
        format!(
            "[http]\nlisten = \"127.0.0.1:@port@\"\n[control]\nunix = \"@sock@\"\n[program.web]\n\
             command = \"@puppet@ hold\"\nstartsecs = 0\nreadiness = {{ exec = \"{what}\", period = 0.05, timeout = 10 }}\n"
        )
    };
    let daemon = Setup::toml(&text("false")).start();
    wait_until("status says why", || note(&daemon).contains("(3 of 3)"));
    let first = pid(&daemon);
    daemon.dir().write("mainstay.toml", &daemon.fill(&text("true")));
    ctl(&daemon, &["update"]).expect(0);
    wait_until("it is ready", || ready(&daemon) == 200);
    assert_eq!(pid(&daemon), first);
    daemon.finish();
}

#[test]
fn the_samples_of_the_page_run() {
    for language in ["toml", "ini"] {
        let text = sample("checks.md", language);
        let daemon = if language == "ini" { ini(&text) } else { toml(&text) }.start();
        wait_until("all is ready", || daemon.get("/readyz").is_some_and(|a| a.status == 200));
        daemon.finish();
    }
}
