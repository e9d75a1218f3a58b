//! Servers that are slow, full, or not there.

use super::*;
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

const SHORT: Duration = Duration::from_millis(40);

fn path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("mainstay-client-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

fn is_silent(result: Result<Value, ClientError>) -> bool {
    matches!(result, Err(ClientError::Silent(limit)) if limit == SHORT)
}

#[test]
fn a_server_whose_connections_nobody_accepts_is_given_up() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = tcp.local_addr().expect("address").port();
    let server = Server::with_patience(ServerAddress::tcp("127.0.0.1", port), SHORT);
    assert!(is_silent(server.call("getVersion", &[])));
    assert!(is_silent(server.call("shutdown", &[])));
    let answer = get(&ServerAddress::tcp("127.0.0.1", port), "/livez", SHORT);
    assert_eq!(answer.expect_err("nobody").to_string(), "no answer within 0.04 s");
}

#[test]
fn a_unix_socket_with_a_full_queue_is_given_up_even_before_a_start() {
    let path = path("full");
    let listener =
        socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("socket");
    bind(listener.as_raw_fd(), &UnixAddr::new(&path).expect("short")).expect("bind");
    listen(&listener, Backlog::new(0).expect("small")).expect("listen");
    let server = Server::with_patience(ServerAddress::unix(&path), SHORT);
    let _first = UnixStream::connect(&path).expect("room for one");
    assert!(is_silent(server.call("getVersion", &[])));
    assert!(is_silent(server.call("startProcess", &[])));
    let _ = std::fs::remove_file(path);
}

#[test]
fn a_unix_socket_that_is_not_there_keeps_its_reason() {
    let address = ServerAddress::unix("/nonexistent/x.sock");
    let error = connect(&address, SHORT).err().map(|e| e.kind());
    assert_eq!(error, Some(io::ErrorKind::NotFound));
}

#[test]
fn an_answer_that_does_not_come_leaves_the_outcome_of_a_stop_open() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = tcp.local_addr().expect("address").port();
    let thread = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = tcp.accept().expect("a client");
            assert!(stream.read(&mut [0; 4096]).expect("a request") > 0);
        }
    });
    let server = Server::new(ServerAddress::tcp("127.0.0.1", port));
    let error = server.call("stopProcess", &[]).expect_err("no answer");
    assert!(matches!(error, ClientError::Lost(_)), "{error:?}");
    let error = server.call("getPID", &[]).expect_err("no answer");
    assert!(matches!(error, ClientError::Garbled(_) | ClientError::Broken(_)), "{error:?}");
    thread.join().expect("no panic");
}

#[test]
fn a_start_may_take_longer_than_any_other_answer() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = tcp.local_addr().expect("address").port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = tcp.accept().expect("a client");
        stream.set_read_timeout(Some(SHORT * 4)).expect("a limit");
        // Reads the request, then waits in vain for more: the start takes its time.
        while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
        let body = xml::response(&Value::Bool(true));
        let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
    });
    let server = Server::with_patience(ServerAddress::tcp("127.0.0.1", port), SHORT);
    assert_eq!(server.call("startProcess", &[]).expect("an answer"), Value::Bool(true));
    thread.join().expect("no panic");
}
