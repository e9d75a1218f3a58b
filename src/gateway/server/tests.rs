use super::*;
use crate::control::{Check, HealthReport, Reply, Request as Question};
use crate::gateway::testing::{
    FakeCore, connect, exchange, get, pong_core, quick_limits, read_all, serve_tcp, serve_unix, snapshot,
    split, willing_core,
};
use std::io::Write;
use std::os::unix::net::UnixStream;

fn http(core: &FakeCore) -> Site {
    core.site(ListenerKind::Http, None)
}

#[test]
fn several_requests_travel_on_one_connection() {
    let core = willing_core(snapshot(vec![]));
    let address = serve_tcp(http(&core), quick_limits());
    let response = exchange(
        address,
        b"GET /livez HTTP/1.1\r\n\r\nGET /readyz HTTP/1.1\r\n\r\nGET /startupz HTTP/1.1\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(response.matches("HTTP/1.1 200 OK").count(), 3, "{response}");
}

#[test]
fn a_unix_socket_serves_the_same() {
    let core = willing_core(snapshot(vec![]));
    let path = serve_unix("same", core.site(ListenerKind::Control, None), quick_limits());
    let mut stream = UnixStream::connect(&path).expect("connect");
    stream.write_all(b"GET /livez HTTP/1.0\r\n\r\n").expect("fits");
    assert_eq!(split(&read_all(&mut stream)), (200, "ok".to_owned()));
    let _ = std::fs::remove_file(path);
}

#[test]
fn a_body_of_ten_mebibytes_is_refused_and_the_client_hears_why() {
    let core = willing_core(snapshot(vec![]));
    let limits = Limits { request_ms: 10_000, response_ms: 10_000, ..quick_limits() };
    let address = serve_tcp(core.site(ListenerKind::Control, None), limits);
    let mut request = b"POST /RPC2 HTTP/1.1\r\nContent-Length: 10485760\r\n\r\n".to_vec();
    request.resize(request.len() + (10 << 20), b'x');
    assert_eq!(split(&exchange(address, &request)).0, 413);
    assert_eq!(core.commands(), vec![]);
}

#[test]
fn a_huge_announced_length_does_not_cost_us_anything() {
    let core = willing_core(snapshot(vec![]));
    let address = serve_tcp(http(&core), quick_limits());
    let mut stream = connect(address);
    stream.write_all(b"GET /livez HTTP/1.1\r\nContent-Length: 1000000000000000\r\n\r\n").expect("fits");
    stream.shutdown(std::net::Shutdown::Write).expect("open");
    assert_eq!(split(&read_all(&mut stream)).0, 413);
    assert_eq!(get(address, "/livez").0, 200);
}

#[test]
fn a_silent_client_is_cut_and_a_slow_one_is_told() {
    let core = pong_core();
    let address = serve_tcp(http(&core), quick_limits());
    assert_eq!(read_all(&mut connect(address)), "");
    let mut slow = connect(address);
    slow.write_all(b"GET /livez HT").expect("fits");
    assert_eq!(split(&read_all(&mut slow)).0, 408);
}

#[test]
fn silent_clients_on_a_unix_socket_are_cut_too() {
    let core = pong_core();
    let path = serve_unix("silent", core.site(ListenerKind::Control, None), quick_limits());
    let mut stream = UnixStream::connect(&path).expect("connect");
    assert_eq!(read_all(&mut stream), "");
    let _ = std::fs::remove_file(path);
}

#[test]
fn a_crowd_of_silent_clients_cannot_lock_a_probe_out() {
    let core = willing_core(snapshot(vec![]));
    let limits = Limits { silence_ms: 600_000, request_ms: 600_000, ..quick_limits() };
    let address = serve_tcp(http(&core), limits);
    let crowd: Vec<_> = (0..50)
        .map(|i| {
            let mut stream = connect(address);
            if i % 2 == 0 {
                stream.write_all(b"GET /livez HTTP/1.1\r\nX-Slow: ").expect("fits");
            }
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(get(address, "/livez"), (200, "ok".to_owned()));
    }
    drop(crowd);
}

#[test]
fn while_everybody_is_being_served_the_next_is_told_so() {
    // A core that never answers commands keeps its callers busy.
    let core = FakeCore::start(|request| match request {
        Question::Identity => Some(Reply::Identity(snapshot(vec![]).identity)),
        _ => None,
    });
    let limits = Limits { connections: 2, ..quick_limits() };
    let address = serve_tcp(core.site(ListenerKind::Control, None), limits);
    let body = crate::gateway::rpc::xml::call("supervisor.shutdown", &[]);
    let request = format!("POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(address);
        stream.write_all(request.as_bytes()).expect("fits");
        busy.push(stream);
    }
    core.wait_for_requests(4);
    assert_eq!(get(address, "/livez").0, 503);
    // Clients that go away give their places back, though their commands were never answered.
    drop(busy);
    let mut status = 503;
    for _ in 0..1000 {
        let mut stream = connect(address);
        stream.write_all(b"GET /nothing HTTP/1.0\r\n\r\n").expect("fits");
        status = split(&read_all(&mut stream)).0;
        if status == 404 {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    assert_eq!(status, 404);
}

#[test]
fn a_listener_that_cannot_accept_says_so() {
    let core = pong_core();
    // A connected socket is no listener: accept gives EINVAL.
    let (one, _other) = UnixStream::pair().expect("pair");
    let listener = Listener::from_fd(one.into(), true).expect("flags");
    let error = Server::new(listener, http(&core), quick_limits()).run();
    assert_eq!(error.raw_os_error(), Some(Errno::EINVAL as i32));
}

#[test]
fn a_stuck_core_is_reported_in_time() {
    let core = FakeCore::start(|_| None);
    let address = serve_tcp(http(&core), quick_limits());
    let (status, body) = get(address, "/livez");
    assert_eq!((status, body.as_str()), (503, "[-]core failed: reason withheld\nlivez check failed\n"));
}

#[test]
fn a_probe_is_answered_while_another_waits_for_a_stuck_core() {
    let core = FakeCore::start(|request| match request {
        Question::Health(crate::control::HealthKind::Ready) => None,
        Question::Health(_) => Some(Reply::Health(HealthReport {
            ok: true,
            checks: vec![Check { name: "a".to_owned(), ok: true, reason: String::new() }],
        })),
        _ => None,
    });
    let address = serve_tcp(http(&core), quick_limits());
    let mut stuck = connect(address);
    stuck.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").expect("fits");
    core.wait_for_requests(1);
    assert_eq!(get(address, "/livez").0, 200);
    assert_eq!(split(&read_all(&mut stuck)).0, 503);
}
