use super::*;
use crate::gateway::testing::tools;
use std::io::Read;
use std::os::unix::net::UnixStream;

fn conversation(bytes: &[u8]) -> Result<Request, ReadError> {
    let (mut client, server) = UnixStream::pair().expect("pair");
    client.write_all(bytes).expect("fits");
    client.shutdown(std::net::Shutdown::Write).expect("open");
    let stream = Stream::Unix(server);
    let now = tools().mono;
    Conversation::new(&stream, now).read(now().plus_ms(5000), 5000)
}

#[test]
fn a_request_is_read_with_its_headers_and_body() {
    let request =
        conversation(b"\r\nPOST /RPC2?a=1 HTTP/1.1\r\nhost: x\r\nContent-Length:  5 \r\n\r\nhello world")
            .expect("well-formed");
    assert_eq!(request.method, Method::Post);
    assert_eq!((request.path(), request.body.as_slice()), ("/RPC2", &b"hello"[..]));
    assert_eq!(request.header("HOST"), Some("x"));
    assert!(request.keeps_alive());
}

#[test]
fn bare_line_feeds_are_line_ends_too() {
    let request = conversation(b"GET / HTTP/1.0\nA: b\nConnection: keep-alive\n\n").expect("well-formed");
    assert_eq!(request.header("A"), Some("b"));
    assert!(!request.keeps_alive());
}

#[test]
fn what_cannot_be_served_is_refused_with_its_status() {
    let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(MAX_HEAD_BYTES));
    let cases: &[(&[u8], u16)] = &[
        (b"hello\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1 x\r\n\r\n", 400),
        (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / GOPHER\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: \xff\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nContent-Length: 1000000000000000\r\n\r\n", 413),
        (long.as_bytes(), 431),
    ];
    for (bytes, status) in cases {
        let result = conversation(bytes).map(|r| r.target);
        assert_eq!(result, Err(ReadError::Refused(*status)), "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn an_end_in_the_middle_is_a_closed_connection() {
    for bytes in [&b""[..], b"GET", b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc"]
    {
        assert_eq!(conversation(bytes).map(|r| r.target), Err(ReadError::Closed));
    }
}

#[test]
fn requests_survive_any_cut() {
    let wire = b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.0\r\n\r\n";
    for cut in 0..wire.len() {
        let (mut client, server) = UnixStream::pair().expect("pair");
        let stream = Stream::Unix(server);
        let now = tools().mono;
        let mut talk = Conversation::new(&stream, now);
        client.write_all(&wire[..cut]).expect("fits");
        let (head, tail) = wire.split_at(cut);
        assert_eq!([head, tail].concat(), wire);
        let writer = std::thread::spawn(move || {
            client.write_all(&wire[cut..]).expect("fits");
            client
        });
        let first = talk.read(now().plus_ms(5000), 5000).expect("first");
        let second = talk.read(now().plus_ms(5000), 5000).expect("second");
        assert_eq!((first.target.as_str(), first.body.as_slice()), ("/a", &b"abc"[..]), "cut at {cut}");
        assert_eq!(second.target, "/b");
        drop(writer.join());
    }
}

#[test]
fn a_client_that_trickles_has_one_deadline_for_all() {
    let (mut client, server) = UnixStream::pair().expect("pair");
    let stream = Stream::Unix(server);
    let now = tools().mono;
    client.write_all(b"GET / HTTP/1.1\r\n").expect("fits");
    let result = Conversation::new(&stream, now).read(now().plus_ms(5000), 50);
    assert_eq!(result.map(|r| r.target), Err(ReadError::Slow));
}

#[test]
fn a_client_that_expects_an_invitation_gets_one() {
    let (mut client, server) = UnixStream::pair().expect("pair");
    let stream = Stream::Unix(server);
    let now = tools().mono;
    let head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    client.write_all(head).expect("fits");
    let client = std::thread::spawn(move || {
        let mut invitation = [0u8; 25];
        client.read_exact(&mut invitation).expect("an invitation");
        client.write_all(b"ok").expect("fits");
        invitation
    });
    let request = Conversation::new(&stream, now).read(now().plus_ms(5000), 5000).expect("whole");
    assert_eq!(request.body, b"ok");
    assert_eq!(&client.join().expect("no panic"), b"HTTP/1.1 100 Continue\r\n\r\n");
}

#[test]
fn an_answer_has_a_length_and_no_chunks_however_large() {
    let (mut client, server) = UnixStream::pair().expect("pair");
    let body = "x".repeat(100_000);
    let writer = std::thread::spawn(move || {
        let stream = Stream::Unix(server);
        let now = tools().mono;
        let talk = Conversation::new(&stream, now);
        talk.write(None, Answer::text(200, body), now().plus_ms(5000)).expect("taken");
    });
    let mut text = String::new();
    client.read_to_string(&mut text).expect("text");
    writer.join().expect("no panic");
    assert!(
        text.contains("Content-Length: 100000\r\n") && text.contains("Server: mainstay\r\n"),
        "{text:.300}"
    );
    assert!(text.ends_with(&"x".repeat(100_000)));
}

#[test]
fn a_client_that_does_not_take_its_answer_is_cut() {
    let (_client, server) = UnixStream::pair().expect("pair");
    let stream = Stream::Unix(server);
    let now = tools().mono;
    let talk = Conversation::new(&stream, now);
    let result = talk.write(None, Answer::text(200, "x".repeat(4 << 20)), now().plus_ms(50));
    assert_eq!(result.map_err(|e| e.kind()), Err(io::ErrorKind::TimedOut));
}

#[test]
fn queries_are_decoded() {
    let request =
        conversation(b"GET /readyz?verbose&exclude=web%3Aapi&exclude=a+b&=x&bad=%zz%4 HTTP/1.1\r\n\r\n")
            .expect("well-formed");
    let want = [("verbose", ""), ("exclude", "web:api"), ("exclude", "a b"), ("", "x"), ("bad", "%zz%4")];
    let want: Vec<_> = want.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    assert_eq!(request.query(), want);
}
