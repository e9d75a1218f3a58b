use super::*;
use std::thread;

type Reply = fn(&[u8]) -> Vec<u8>;

/// A name server for as many questions as there are answers: each is made from the question.
fn server(answers: Vec<Reply>) -> (SocketAddr, thread::JoinHandle<Vec<Vec<u8>>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bind");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let address = socket.local_addr().expect("address");
    let run = move || {
        let mut asked = Vec::new();
        for answer in answers {
            let mut buffer = [0; 512];
            let (n, from) = socket.recv_from(&mut buffer).expect("a question");
            socket.send_to(&answer(&buffer[..n]), from).expect("send");
            asked.push(buffer[..n].to_vec());
        }
        asked
    };
    (address, thread::spawn(run))
}

fn resolver(servers: Vec<SocketAddr>) -> Resolver {
    Resolver { servers, search: Vec::new(), ndots: 1 }
}

/// The question with flags, and records after it.
fn reply(question: &[u8], code: u8, records: &[&[u8]]) -> Vec<u8> {
    let mut bytes = question.to_vec();
    bytes[2] |= 0x80;
    bytes[3] = code;
    bytes[7] = u8::try_from(records.len()).expect("few");
    bytes.extend(records.concat());
    bytes
}

/// An alias to `x.b` and its address 10.1.2.3: names as a pointer, and in full.
fn alias_and_address(question: &[u8]) -> Vec<u8> {
    let alias = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x09\x00\x05\x01x\x01b\x00";
    let address = b"\x01x\x01b\x00\x00\x01\x00\x01\x00\x00\x00\x09\x00\x04\x0a\x01\x02\x03";
    reply(question, 0, &[alias, address])
}

fn no_records(question: &[u8]) -> Vec<u8> {
    reply(question, 0, &[])
}

fn no_such_name(question: &[u8]) -> Vec<u8> {
    reply(question, 3, &[])
}

fn server_failure(question: &[u8]) -> Vec<u8> {
    reply(question, 2, &[])
}

#[test]
fn an_alias_leads_to_its_address() {
    let (address, thread) = server(vec![alias_and_address, no_records]);
    let found = resolver(vec![address]).lookup("web.example", Duration::from_secs(10)).expect("an address");
    assert_eq!(found, [IpAddr::from([10, 1, 2, 3])]);
    let asked = thread.join().expect("server");
    assert!(asked[0][12..].starts_with(b"\x03web\x07example\x00\x00\x01\x00\x01"));
    assert!(asked[1].ends_with(b"\x00\x00\x1c\x00\x01"), "then for an address of version 6");
}

#[test]
fn short_names_are_tried_within_the_search_domains() {
    let text = "nameserver 10.0.0.1\n# no\nnameserver ::1\nnameserver x\nsearch a.local b.local.\noptions ndots:2 rotate\n";
    let found = Resolver::parse(text);
    assert_eq!(found.servers, ["10.0.0.1:53".parse().expect("it is"), "[::1]:53".parse().expect("it is")]);
    assert_eq!(found.candidates("web"), ["web.a.local", "web.b.local", "web"]);
    assert_eq!(found.candidates("web.x.y"), ["web.x.y", "web.x.y.a.local", "web.x.y.b.local"]);
    assert_eq!(found.candidates("web."), ["web"]);
    assert_eq!(Resolver::parse("").servers, ["127.0.0.1:53".parse().expect("it is")]);
}

#[test]
fn a_name_that_does_not_exist_is_said_and_not_asked_again() {
    let (address, thread) = server(vec![no_such_name, no_such_name]);
    let error = resolver(vec![address]).lookup("nobody", Duration::from_secs(10)).expect_err("no such name");
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    assert!(error.to_string().contains("`nobody`"), "{error}");
    thread.join().expect("server");
}

#[test]
fn a_server_that_fails_is_followed_by_the_next() {
    let (bad, bad_thread) = server(vec![server_failure, server_failure]);
    let (good, good_thread) = server(vec![alias_and_address, no_records]);
    let found = resolver(vec![bad, good]).lookup("web", Duration::from_secs(10)).expect("an address");
    assert_eq!(found.len(), 1);
    bad_thread.join().expect("server");
    good_thread.join().expect("server");
}

#[test]
fn a_silent_server_ends_with_the_time_that_was_given() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("bind");
    let servers = vec![silent.local_addr().expect("address")];
    let error = resolver(servers).lookup("web", Duration::from_millis(50)).expect_err("silence");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn foreign_and_broken_answers_are_passed_over() {
    let question = message::question(7, "web", RecordType::A).expect("a name");
    let good = alias_and_address(&question);
    let mut other_number = good.clone();
    other_number[1] = 8;
    let other_name = alias_and_address(&message::question(7, "wob", RecordType::A).expect("a name"));
    for bad in [&other_number[..], &other_name, &question, &[], &good[..11]] {
        assert_eq!(message::answer(bad, &question), None, "{bad:?}");
    }
    for cut in question.len()..good.len() {
        // Cut anywhere it may say less, but never panics and never makes something up.
        let Some(Answer::Addresses(found)) = message::answer(&good[..cut], &question) else { continue };
        assert!(found.is_empty(), "{cut}");
    }
}

#[test]
fn what_cannot_be_a_name_is_not_sent() {
    for name in ["", "a..b", &"x".repeat(64), &["abc"; 70].join(".")] {
        assert_eq!(message::question(1, name, RecordType::A), None, "{name}");
    }
}
