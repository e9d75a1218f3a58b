//! `GET /events` and `ctl events`: what happens, as it happens; who may ask; followers that do not read.

use crate::support::{ctl, ini, ini_header, mainstay, toml};
use harness::{Daemon, Setup, proc, wait_until};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

trait Socket: Read + Write {}
impl<T: Read + Write> Socket for T {}

/// A client that follows events.
struct Follower {
    stream: Box<dyn Socket>,
    seen: Vec<u8>,
}

impl Follower {
    /// Connects, asks, and waits for the head of a good answer: from then on nothing is missed.
    #[track_caller]
    fn new(address: &str, target: &str, headers: &str) -> Follower {
        let limit = Some(Duration::from_secs(20));
        let mut stream: Box<dyn Socket> = if address.starts_with('/') {
            let stream = UnixStream::connect(address).expect("it listens");
            stream.set_read_timeout(limit).expect("a limit");
            Box::new(stream)
        } else {
            let stream = TcpStream::connect(address).expect("it listens");
            stream.set_read_timeout(limit).expect("a limit");
            Box::new(stream)
        };
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut follower = Follower { stream, seen: Vec::new() };
        while !follower.raw().contains("\r\n\r\n") {
            assert!(follower.read(), "no answer but {:?}", follower.raw());
        }
        assert!(follower.raw().starts_with("HTTP/1.1 200 "), "{}", follower.raw());
        follower
    }

    fn raw(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// False at the end.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 64 << 10];
        let n = self.stream.read(&mut bytes).unwrap_or(0);
        self.seen.extend_from_slice(&bytes[..n]);
        n > 0
    }

    /// What came so far, sizes of chunks left out.
    fn body(&self) -> String {
        let start = self.seen.windows(4).position(|w| w == b"\r\n\r\n").map_or(self.seen.len(), |i| i + 4);
        let mut rest = &self.seen[start..];
        let mut body = Vec::new();
        while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
            let size = String::from_utf8_lossy(&rest[..end]).into_owned();
            let size = usize::from_str_radix(&size, 16).expect("the size of a chunk");
            let Some(chunk) = rest.get(end + 2..end + 2 + size).filter(|_| rest.len() >= end + size + 4)
            else {
                break;
            };
            body.extend_from_slice(chunk);
            rest = &rest[end + size + 4..];
        }
        String::from_utf8(body).expect("text")
    }

    fn events(&self) -> Vec<Value> {
        let body = self.body();
        let whole = body.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().filter(|l| !l.is_empty()).map(|l| serde_json::from_str(l).expect(l)).collect()
    }

    /// Reads until an event is there; gives all events.
    #[track_caller]
    fn until(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Vec<Value> {
        loop {
            let events = self.events();
            if events.iter().any(&is_it) {
                return events;
            }
            assert!(self.read(), "{what} did not come, but {}", self.body());
        }
    }

    #[track_caller]
    fn until_event(&mut self, name: &str, process: &str) -> Vec<Value> {
        self.until(name, |e| e["event"] == name && (process.is_empty() || e["processname"] == process))
    }
}

const ONE: &str = "[program:a]\ncommand=@puppet@ hold\nautostart=false\nstartsecs=0\n";

#[track_caller]
fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|e| e["event"].as_str().expect("a name")).collect()
}

#[test]
fn what_happens_to_a_program_is_told_in_order() {
    let daemon = ini(ONE).start();
    daemon.wait_state("a", "STOPPED");
    let mut follower = Follower::new(&daemon.socket(), "/events", "");
    assert!(follower.raw().contains("\r\nContent-Type: application/x-ndjson\r\n"), "{}", follower.raw());
    ctl(&daemon, &["start", "a"]).expect(0);
    ctl(&daemon, &["stop", "a"]).expect(0);
    let events = follower.until_event("PROCESS_STATE_STOPPED", "a");
    assert_eq!(
        names(&events),
        [
            "PROCESS_STATE_STARTING",
            "PROCESS_STATE_RUNNING",
            "PROCESS_STATE_STOPPING",
            "PROCESS_STATE_STOPPED"
        ]
    );
    let first = &events[0];
    assert_eq!(
        (&first["groupname"], &first["from_state"], &first["tries"]),
        (&"a".into(), &"STOPPED".into(), &0.into())
    );
    assert!(events[1]["pid"].as_i64().is_some_and(|pid| pid > 1), "{events:?}");
    let time = events[3]["time"].as_f64().expect("a number");
    assert!(time > 1.6e9, "{time}");
    let serials: Vec<u64> = events.iter().filter_map(|e| e["serial"].as_u64()).collect();
    assert!(serials.windows(2).all(|w| w[1] == w[0] + 1) && serials.len() == 4, "{serials:?}");
    daemon.finish();
}

#[test]
fn listeners_and_followers_count_alike() {
    let daemon = ini(&format!(
        "[eventlistener:l]\ncommand=@puppet@ listener @dir@/got ok\nevents=PROCESS_STATE\nstartsecs=0\n{ONE}"
    ))
    .start();
    daemon.wait_state("l", "RUNNING");
    let mut follower = Follower::new(&daemon.socket(), "/events?types=EVENT", "");
    // Nobody but the follower wants this one.
    harness::http::rpc(&daemon.socket(), "supervisor.sendRemoteCommEvent", &["mine", "hello"]).expect("sent");
    ctl(&daemon, &["start", "a"]).expect(0);
    let events = follower.until_event("PROCESS_STATE_RUNNING", "a");
    let remote = events.iter().find(|e| e["event"] == "REMOTE_COMMUNICATION").expect("it was told");
    assert_eq!((&remote["type"], &remote["data"]), (&"mine".into(), &"hello".into()));
    let running = events.last().and_then(|e| e["serial"].as_u64()).expect("a serial");
    assert!(running > remote["serial"].as_u64().expect("a serial"));
    wait_until("the listener has it too", || {
        daemon.dir().read("got").lines().any(|l| {
            l.contains(&format!(" serial:{running} "))
                && l.contains("PROCESS_STATE_RUNNING")
                && l.contains("|processname:a ")
        })
    });
    daemon.finish();
}

#[test]
fn types_are_chosen_and_output_and_ticks_are_told_only_to_who_asks() {
    let daemon =
        ini("[program:x]\ncommand=@puppet@ wait-file @dir@/go say hello say-err \"a b\" hold\nstartsecs=0\n\
         stdout_events_enabled=true\nstderr_events_enabled=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
         [program:idle]\ncommand=cat\nautostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n")
        .start();
    daemon.wait_state("x", "RUNNING");
    let socket = daemon.socket();
    let mut usual = Follower::new(&socket, "/events", "");
    let mut output = Follower::new(&socket, "/events?types=process_log,SUPERVISOR_STATE_CHANGE", "");
    let mut ticks = Follower::new(&socket, "/events?types=TICK_5", "");
    // The clock is set anew when a group goes, and it still ticks for who follows.
    ctl(&daemon, &["remove", "idle"]).expect(0);
    daemon.dir().write("go", "");
    let events = output.until_event("PROCESS_LOG_STDERR", "x");
    let told: Vec<_> = events.iter().map(|e| (e["channel"].as_str(), e["data"].as_str())).collect();
    assert_eq!(told, [(Some("stdout"), Some("hello\n")), (Some("stderr"), Some("a b\n"))]);
    let events = ticks.until_event("TICK_5", "");
    assert!(events[0]["when"].as_i64().is_some_and(|w| w % 5 == 0), "{events:?}");
    ctl(&daemon, &["stop", "x"]).expect(0);
    let events = usual.until_event("PROCESS_STATE_STOPPED", "x");
    assert_eq!(names(&events), ["PROCESS_GROUP_REMOVED", "PROCESS_STATE_STOPPING", "PROCESS_STATE_STOPPED"]);
    daemon.finish();
}

#[test]
fn who_may_follow_and_what_is_refused() {
    let daemon = Setup::ini(&format!(
        "{}[inet_http_server]\nport=127.0.0.1:@port@\nusername=u\npassword=secret\n{ONE}",
        ini_header().replace("[mainstay]\nhttp_listen=127.0.0.1:@port@\n", "")
    ))
    .start();
    daemon.wait_state("a", "STOPPED");
    let tcp = daemon.address();
    let status = |address: &str, request: &str| {
        harness::http::request(address, &format!("{request}\r\n\r\n")).expect("an answer").status
    };
    let head = "HTTP/1.1\r\nHost: x";
    let secret = "Authorization: Basic dTpzZWNyZXQ=";
    assert_eq!(status(&tcp, &format!("GET /events {head}")), 401);
    assert_eq!(status(&tcp, &format!("GET /events {head}\r\nAuthorization: Basic dTpiYWQ=")), 401);
    assert_eq!(status(&tcp, &format!("GET /events {head}\r\nOrigin: http://evil\r\n{secret}")), 403);
    assert_eq!(status(&tcp, &format!("POST /events {head}\r\nContent-Length: 0\r\n{secret}")), 405);
    assert_eq!(status(&tcp, &format!("GET /events?types=NOSUCH {head}\r\n{secret}")), 400);
    assert_eq!(status(&tcp, &format!("GET /events?from=7 {head}\r\n{secret}")), 400);
    assert_eq!(status(&daemon.socket(), &format!("GET /events/x {head}")), 404);
    let mut follower = Follower::new(&tcp, "/events", &format!("Accept: text/event-stream\r\n{secret}\r\n"));
    assert!(follower.raw().contains("\r\nContent-Type: text/event-stream\r\n"), "{}", follower.raw());
    ctl(&daemon, &["start", "a"]).expect(0);
    while !follower.body().contains("\"event\":\"PROCESS_STATE_RUNNING\"") {
        assert!(follower.read(), "it ended: {}", follower.body());
    }
    let body = follower.body();
    let first: Vec<&str> = body.split("\n\n").next().expect("an event").lines().collect();
    assert!(first[0].starts_with("id: ") && first[1].starts_with("data: {\"serial\":"), "{body}");
    daemon.finish();
}

#[test]
fn read_only_listeners_tell_no_events() {
    let daemon = toml("").start();
    wait_until("it answers", || daemon.get("/livez").is_some_and(|a| a.status == 200));
    assert_eq!(daemon.get("/events").map(|a| a.status), Some(404));
    daemon.finish();
}

#[test]
fn a_follower_that_does_not_read_loses_events_is_told_and_holds_up_nobody() {
    let daemon = ini(
        "[program:x]\ncommand=@puppet@ wait-file @dir@/go spew 30000000 touch @dir@/done hold\nstartsecs=0\n\
         stdout_events_enabled=true\nstdout_logfile=NONE\n\
         [program:a]\ncommand=@puppet@ hold\nautostart=false\nstartsecs=0\n",
    )
    .start();
    daemon.wait_state("x", "RUNNING");
    let mut slow = Follower::new(&daemon.socket(), "/events?types=EVENT", "");
    let mut quick = Follower::new(&daemon.socket(), "/events?types=PROCESS_STATE", "");
    daemon.dir().write("go", "");
    wait_until("all output has been taken", || daemon.dir().path().join("done").exists());
    ctl(&daemon, &["start", "a"]).expect(0);
    quick.until_event("PROCESS_STATE_RUNNING", "a");
    let rss = |pid: i32| -> u64 {
        let field = proc::status(pid, "VmRSS").unwrap_or_default();
        field.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number of KiB")
    };
    assert!(rss(daemon.pid()) < 48 << 10, "{} KiB", rss(daemon.pid()));
    let events = slow.until("the loss", |e| e["event"] == "LOST");
    let lost = events.iter().find(|e| e["event"] == "LOST").and_then(|e| e["count"].as_u64());
    assert!(lost.is_some_and(|n| n > 10), "{lost:?}");
    // After the gap everything comes again.
    ctl(&daemon, &["stop", "a"]).expect(0);
    slow.until_event("PROCESS_STATE_STOPPED", "a");
    daemon.finish();
}

#[test]
fn followers_are_counted_and_make_room_when_they_go() {
    let daemon = ini(ONE).start();
    daemon.wait_state("a", "STOPPED");
    let mut followers: Vec<Follower> =
        (0..16).map(|_| Follower::new(&daemon.socket(), "/events", "")).collect();
    let answer = harness::http::get(&daemon.socket(), "/events").expect("an answer");
    assert_eq!((answer.status, answer.body.as_str()), (503, "too many clients follow events\n"));
    ctl(&daemon, &["start", "a"]).expect(0);
    for follower in &mut followers {
        follower.until_event("PROCESS_STATE_RUNNING", "a");
    }
    followers.truncate(8);
    // A place is free when the gateway has noticed.
    wait_until("there is room", || {
        let mut stream = UnixStream::connect(daemon.socket()).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        stream.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("an answer");
        head.ends_with(b"200")
    });
    daemon.finish();
}

#[test]
fn a_gateway_that_dies_takes_its_followers_along_and_followers_wake_nobody() {
    let daemon = ini(ONE).start();
    daemon.wait_state("a", "STOPPED");
    let mut follower = Follower::new(&daemon.socket(), "/events", "");
    let wakeups = || proc::status(daemon.pid(), "voluntary_ctxt_switches");
    wait_until("two seconds pass without a wake-up", || {
        let before = wakeups();
        harness::pause(2_000);
        before.is_some() && before == wakeups()
    });
    let gateway = proc::children(daemon.pid()).first().map(|c| c.pid).expect("the gateway");
    harness::kill(gateway, 9).expect("it is there");
    assert!(!follower.read(), "{}", follower.body());
    wait_until("there is another one", || {
        harness::http::get(&daemon.socket(), "/livez").is_ok_and(|a| a.status == 200)
    });
    let mut follower = Follower::new(&daemon.socket(), "/events", "");
    ctl(&daemon, &["start", "a"]).expect(0);
    let events = follower.until_event("PROCESS_STATE_RUNNING", "a");
    assert_eq!(names(&events), ["PROCESS_STATE_STARTING", "PROCESS_STATE_RUNNING"]);
    daemon.finish();
}

/// `ctl events`, left running.
fn client(daemon: &Daemon, words: &[&str]) -> Daemon {
    let url = format!("unix://{}", daemon.socket());
    Setup::new(&[&["@mainstay@", "ctl", "-s", &url, "events"], words].concat()).start()
}

/// Stops and starts the program until the client has said something.
#[track_caller]
fn until_it_says(daemon: &Daemon, client: &Daemon, text: &str) {
    wait_until(&format!("it says {text}"), || {
        ctl(daemon, &["restart", "a"]);
        client.stdout().contains(text)
    });
}

#[test]
fn ctl_events_shows_lines_or_json_until_ctrl_c() {
    let daemon = ini(ONE).start();
    daemon.wait_state("a", "STOPPED");
    let (text, json) = (client(&daemon, &["PROCESS_STATE_RUNNING"]), client(&daemon, &["--json"]));
    until_it_says(&daemon, &text, " PROCESS_STATE_RUNNING    a STARTING -> RUNNING pid ");
    until_it_says(&daemon, &json, "\"event\":\"PROCESS_STATE_STOPPED\"");
    assert!(!text.stdout().contains("STOPPED") && !text.stdout().contains('\x1b'), "{}", text.stdout());
    assert!(json.stdout().lines().all(|l| serde_json::from_str::<Value>(l).is_ok()), "{}", json.stdout());
    for client in [text, json] {
        client.signal(2);
        client.ended(0);
    }
    daemon.finish();
}

#[test]
fn ctl_events_ends_with_the_server_and_says_what_it_cannot_do() {
    let daemon = ini(ONE).start();
    daemon.wait_state("a", "STOPPED");
    let done = ctl(&daemon, &["events", "PROCESS_STATE_RUNING"]);
    done.expect(2);
    assert!(done.stdout.contains("did you mean `PROCESS_STATE_RUNNING`?"), "{}", done.stdout);
    let client = client(&daemon, &["EVENT"]);
    until_it_says(&daemon, &client, "PROCESS_STATE_RUNNING");
    let url = format!("unix://{}", daemon.socket());
    daemon.finish();
    assert_eq!(client.wait_exit(), 1);
    wait_until("it says why", || client.stderr().contains("the server has ended the stream of events"));
    // To the last.
    let said = client.stdout();
    let (_, end) = said.split_once("SUPERVISOR_STATE_CHANGE_STOPPING\n").expect("it was told");
    assert!(end.contains(" PROCESS_STATE_STOPPED    a STOPPING -> STOPPED pid "), "{said}");
    assert_eq!(mainstay(&["ctl", "-s", &url, "events"]).code(), 1);
}
