use super::*;
use crate::gateway::testing::{FakeCore, pong_core};
use std::sync::Arc;

#[test]
fn many_threads_get_their_own_answers() {
    let core = FakeCore::start(|request| match request {
        Request::Health(kind) => Some(Reply::Health(crate::control::HealthReport {
            ok: true,
            checks: vec![crate::control::Check {
                name: format!("{kind:?}"),
                ok: true,
                reason: String::new(),
            }],
        })),
        _ => Some(Reply::Pong),
    });
    std::thread::scope(|scope| {
        for i in 0..8 {
            let link = Arc::clone(&core.link);
            scope.spawn(move || {
                use crate::control::HealthKind::{Live, Ready};
                for n in 0..50 {
                    let kind = if (n + i) % 2 == 0 { Live } else { Ready };
                    let reply = link.ask(&Request::Health(kind), Duration::from_secs(5));
                    let Ok(Reply::Health(report)) = reply else { panic!("{reply:?}") };
                    assert_eq!(report.checks[0].name, format!("{kind:?}"));
                }
            });
        }
    });
}

#[test]
fn a_silent_core_costs_the_asker_its_deadline_and_then_only_a_refusal() {
    let core = FakeCore::start(|_| None);
    for _ in 0..MAX_UNANSWERED {
        let reply = core.link.ask(&Request::Ping, Duration::from_millis(1));
        assert_eq!(reply, Err(LinkError::Silent));
    }
    assert_eq!(core.link.ask(&Request::Ping, Duration::from_secs(60)), Err(LinkError::Busy));
}

#[test]
fn a_core_that_goes_away_wakes_everybody() {
    let core = FakeCore::start(|_| None);
    let link = Arc::clone(&core.link);
    let asker = std::thread::spawn(move || link.ask(&Request::Ping, Duration::from_secs(60)));
    core.wait_for_requests(1);
    let link = Arc::clone(&core.link);
    drop(core);
    assert_eq!(asker.join().expect("no panic"), Err(LinkError::Gone));
    assert_eq!(link.ask(&Request::Ping, Duration::from_secs(60)), Err(LinkError::Gone));
}

#[test]
fn waiting_ends_when_the_client_has_gone() {
    let core = FakeCore::start(|_| None);
    let reply = core.link.ask_while(&Request::Ping, Duration::from_millis(1), &|| false);
    assert_eq!(reply, Err(LinkError::Abandoned));
}

#[test]
fn an_open_file_reaches_the_one_who_asked_for_it() {
    use crate::control::LogOf;
    use std::io::Write;
    let (mut core, theirs) = UnixStream::pair().expect("pair");
    let link = Arc::new(Link::new(theirs));
    let reader = Arc::clone(&link);
    std::thread::spawn(move || reader.read_replies(FrameReader::default()));
    let (mut read, write) = std::io::pipe().expect("pipe");
    std::thread::scope(|scope| {
        let asker = scope.spawn(|| {
            let limit = Duration::from_secs(5);
            let missing = link.ask_for_file(&Request::OpenLog(LogOf::Daemon), limit).expect("answer");
            let there = link.ask_for_file(&Request::OpenLog(LogOf::Daemon), limit).expect("answer");
            (missing, there)
        });
        let missing = encode(1, &Reply::Log(LogReply::Missing(None))).expect("small");
        let opened = encode(2, &Reply::Log(LogReply::Opened)).expect("small");
        let mut requests = FrameReader::default();
        let mut bytes = [0; 1024];
        for frame in [missing, opened] {
            while requests.take::<Request>().expect("well-formed").is_none() {
                let n = core.read(&mut bytes).expect("a request");
                requests.push(&bytes[..n]);
            }
            let is_last = frame.get(4) == Some(&2);
            if is_last {
                // The first bytes bring the file, the rest comes later.
                let n = passing::send_with(core.as_fd(), &frame[..3], write.as_fd()).expect("fits");
                core.write_all(&frame[n.expect("fits")..]).expect("fits");
            } else {
                core.write_all(&frame).expect("fits");
            }
        }
        let ((missing, none), (opened, file)) = asker.join().expect("no panic");
        assert_eq!((missing, opened), (Reply::Log(LogReply::Missing(None)), Reply::Log(LogReply::Opened)));
        assert!(none.is_none());
        std::fs::File::from(file.expect("a file")).write_all(b"x").expect("it is the pipe");
    });
    drop(write);
    let mut said = String::new();
    read.read_to_string(&mut said).expect("read");
    assert_eq!(said, "x");
}

#[test]
fn a_subscription_is_confirmed_before_it_is_given_and_ended_when_it_is_dropped() {
    use crate::control::{Event, Push};
    use crate::types::Wall;
    // The ids of requests count up from 1; of each subscription there are two.
    let mut id = 0;
    let core = FakeCore::start(move |request| {
        id += 1;
        let push = |to, push| Some(Reply::Push { to: vec![to, 1000], push });
        match request {
            Request::Subscribe(types) if types.is_empty() => push(id, Push::Refused),
            Request::Subscribe(types) if types[0] == "SILENCE" => None,
            Request::Subscribe(_) => push(id, Push::Begun),
            Request::Unsubscribe(id) => {
                // An answer for a subscription that is no more goes nowhere.
                let (serial, name, payload) = (*id, String::new(), String::new());
                push(*id, Push::Event(Event { serial, name, time: Wall(0), payload }))
            }
            _ => Some(Reply::Pong),
        }
    });
    let ask = |types: &[&str], ms| {
        let types = types.iter().map(|t| (*t).to_owned()).collect();
        core.link.subscribe(types, Duration::from_millis(ms)).map(drop)
    };
    assert_eq!(ask(&["EVENT"], 5_000), Ok(()));
    assert_eq!(ask(&[], 5_000), Err(LinkError::Busy));
    assert_eq!(ask(&["SILENCE"], 1), Err(LinkError::Silent));
    core.wait_for_requests(6);
    assert_eq!(core.link.ask(&Request::Ping, Duration::from_secs(5)), Ok(Reply::Pong));
    assert!(lock(&core.link.table).subscribed.is_empty());
}

#[test]
fn a_request_that_is_too_long_is_not_sent() {
    let core = pong_core();
    let target = crate::control::Target::Group("x".repeat(MAX_REQUEST_BYTES));
    let request = Request::Command(crate::control::Command::Stop { target, wait: false });
    let reply = core.link.ask(&request, Duration::from_secs(5));
    assert!(matches!(reply, Err(LinkError::Unspeakable(FrameError::TooLarge(_)))), "{reply:?}");
    assert_eq!(core.link.ask(&Request::Ping, Duration::from_secs(5)), Ok(Reply::Pong));
}
