//! Pools and the hub: queues, serials, who is offered what, lives and deaths.

use super::kind;
use super::pool::EARLY_EVENTS;
use super::{Hub, Lines, Offer, PoolPlan};
use crate::types::{LogLevel, ProcRef};

/// Members have slots from `first` on, and names of `l` and their slot.
fn plan(name: &str, events: &[&str], buffer_size: usize, slots: std::ops::Range<u32>) -> PoolPlan {
    PoolPlan {
        name: name.to_owned(),
        events: events.iter().map(ToString::to_string).collect(),
        buffer_size,
        handler: super::handler::Handler::default(),
        members: slots.map(|s| (s, format!("l{s}"))).collect(),
    }
}

struct Rig {
    hub: Hub,
    lines: Lines,
}

impl Rig {
    fn new(plans: Vec<PoolPlan>, serial: u64) -> Rig {
        let readable = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Rig { hub: Hub::new(plans, "me".into(), serial, readable), lines: Lines::new() }
    }

    fn publish(&mut self, name: &str, payload: &str) {
        self.hub.publish(usize::MAX, name, payload.to_owned(), &mut self.lines);
    }

    fn start(&mut self, slot: u32, incarnation: u32) {
        self.hub.started(ProcRef { slot, incarnation });
        self.hub.set_running(slot, true);
    }

    fn say(&mut self, slot: u32, text: &str) -> Option<usize> {
        self.hub.heard(ProcRef { slot, incarnation: 1 }, text.as_bytes(), &mut self.lines, &mut Vec::new())
    }

    /// A member that has said READY.
    fn ready(&mut self, slot: u32) {
        self.start(slot, 1);
        self.say(slot, "READY\n");
    }

    fn offer(&self, pool: usize) -> Option<Offer> {
        self.hub.offer(pool, &|_| true)
    }

    /// Gives the head to whoever takes it: slot and words.
    fn send(&mut self, pool: usize) -> Option<(u32, String)> {
        let offer = self.offer(pool)?;
        self.hub.sent(&offer, &mut self.lines);
        let text = String::from_utf8_lossy(&offer.bytes).into_owned();
        Some((offer.slot, text))
    }

    fn said(&mut self, level: LogLevel) -> Vec<String> {
        std::mem::take(&mut self.lines).into_iter().filter(|l| l.0 == level).map(|l| l.1).collect()
    }
}

#[test]
fn an_event_goes_to_the_first_member_that_is_running_and_ready() {
    let mut rig = Rig::new(vec![plan("p", &["TICK"], 10, 0..3)], 7);
    rig.publish("TICK_5", "when:5");
    rig.publish("PROCESS_LOG_STDOUT", "for nobody");
    assert_eq!(rig.offer(0), None);
    rig.hub.started(ProcRef { slot: 0, incarnation: 1 });
    rig.say(0, "READY\n");
    assert_eq!(rig.offer(0), None, "ready, but not running");
    rig.ready(1);
    rig.ready(2);
    let header = "ver:3.0 server:me serial:7 pool:p poolserial:0 eventname:TICK_5 len:6\n";
    assert_eq!(rig.send(0), Some((1, format!("{header}when:5"))));
    rig.publish("TICK_5", "when:10");
    assert_eq!(rig.hub.offer(0, &|slot| slot != 2), None, "it has not taken the last one from its pipe");
    assert_eq!(rig.send(0).map(|s| s.0), Some(2));
    assert_eq!(rig.hub.next_serial(), 9);
}

#[test]
fn a_pool_that_is_full_loses_the_oldest_and_counts() {
    let mut rig = Rig::new(vec![plan("p", &["EVENT"], 2, 0..1)], 0);
    rig.publish("TICK_5", "a");
    rig.ready(0);
    rig.send(0);
    for payload in ["b", "c", "d"] {
        rig.publish("TICK_5", payload);
    }
    assert_eq!(rig.said(LogLevel::Error), ["pool p event buffer overflowed, discarding event 1"]);
    // What comes back goes to the head, and may cost the one that was there.
    rig.say(0, "RESULT 4\nFAILREADY\n");
    assert_eq!(rig.said(LogLevel::Error), ["pool p event buffer overflowed, discarding event 2"]);
    assert_eq!(rig.hub.dropped(), 2);
    let next = rig.send(0).expect("one waits").1;
    assert!(next.contains("serial:0 pool:p poolserial:0 ") && next.ends_with('a'), "{next}");
}

#[test]
fn before_anybody_takes_events_more_are_kept_but_not_without_an_end() {
    let mut rig = Rig::new(vec![plan("p", &["EVENT"], 2, 0..1)], 0);
    for _ in 0..EARLY_EVENTS {
        rig.publish("TICK_5", "x");
    }
    assert_eq!(rig.hub.dropped(), 0);
    rig.publish("TICK_5", "x");
    assert_eq!(rig.hub.dropped(), 1);

    let mut rig = Rig::new(vec![plan("p", &["EVENT"], 2, 0..1)], 0);
    let large = "x".repeat(300_000);
    for _ in 0..10 {
        rig.publish("TICK_5", &large);
    }
    assert_eq!(rig.hub.dropped(), 6, "four are more than enough");

    let mut rig = Rig::new(vec![plan("p", &["EVENT"], 1_000_000, 0..1)], 0);
    for _ in 0..100 {
        rig.publish("TICK_5", &large);
    }
    assert_eq!(rig.hub.dropped(), 100 - (16 << 20) / 300_000, "bytes count, whatever buffer_size says");
}

#[test]
fn what_comes_back_stays_in_its_pool() {
    let mut rig = Rig::new(vec![plan("p", &["TICK_5"], 9, 0..1), plan("q", &["TICK_60"], 9, 1..2)], 0);
    rig.ready(0);
    rig.ready(1);
    rig.publish("TICK_5", "a");
    rig.send(0);
    assert_eq!(rig.say(0, "RESULT 1\nxREADY\n"), Some(0));
    assert_eq!((rig.offer(1), rig.send(0).map(|s| s.0)), (None, Some(0)));
    assert_eq!(rig.said(LogLevel::Warn), ["l0: event was rejected"]);
}

#[test]
fn a_death_gives_the_event_back_and_an_old_life_says_nothing() {
    let mut rig = Rig::new(vec![plan("p", &["EVENT"], 9, 0..1)], 0);
    rig.ready(0);
    rig.publish("TICK_5", "a");
    rig.send(0);
    rig.hub.set_running(0, false);
    rig.publish("PROCESS_STATE_EXITED", "its own end");
    assert_eq!(rig.hub.ended(0, &mut rig.lines), Some(0));
    assert_eq!(rig.hub.ended(0, &mut rig.lines), None, "once");
    assert_eq!(rig.say(0, "READY\n"), None);
    rig.start(0, 2);
    assert_eq!(rig.say(0, "READY\n"), None, "these are the words of the first life");
    rig.hub.heard(ProcRef { slot: 0, incarnation: 2 }, b"READY\n", &mut rig.lines, &mut Vec::new());
    assert!(rig.send(0).is_some_and(|(_, text)| text.ends_with("\na")), "the head");
}

#[test]
fn two_subscriptions_are_two_copies_with_one_serial() {
    let mut rig = Rig::new(vec![plan("p", &["TICK", "TICK_5"], 9, 0..2)], 0);
    rig.ready(0);
    rig.ready(1);
    rig.publish("TICK_5", "a");
    let (first, second) = (rig.send(0), rig.send(0));
    assert_eq!(first.as_ref().map(|s| &s.1), second.as_ref().map(|s| &s.1));
    assert_eq!((rig.offer(0), rig.hub.next_serial()), (None, 1));
    assert!(rig.said(LogLevel::Debug).contains(&"rebuffering event 0 for pool p (buf size=1, max=9)".into()));
}

#[test]
fn serials_begin_again_after_the_last() {
    let mut rig = Rig::new(vec![plan("p", &["TICK"], 9, 0..1)], i64::MAX as u64);
    rig.publish("TICK_5", "a");
    assert_eq!(rig.hub.next_serial(), 0);
}

#[test]
fn a_listener_that_does_not_read_any_more_keeps_nothing() {
    let mut rig = Rig::new(vec![plan("p", &["TICK"], 9, 0..2)], 0);
    rig.ready(0);
    rig.ready(1);
    rig.publish("TICK_5", "a");
    let offer = rig.offer(0).expect("there are two");
    rig.hub.not_sent(&offer, &mut rig.lines);
    rig.hub.nobody_left(0, &mut rig.lines);
    assert_eq!(
        rig.said(LogLevel::Debug)[2..],
        [
            "epipe occurred while sending event 0 to listener l0, listener state unchanged",
            "rebuffering event 0 for pool p (buf size=0, max=9)"
        ]
    );
    assert_eq!(rig.hub.offer(0, &|slot| slot != 0).map(|o| o.slot), Some(1));
}

#[test]
fn every_name_that_a_configuration_may_use_is_an_event_or_covers_one() {
    let states = crate::control::State::ALL.map(|s| [kind::STATE, s.name()].concat());
    let ticks = kind::TICKS.map(|n| format!("TICK_{n}"));
    let others = [kind::REMOTE_COMMUNICATION, kind::RUNNING, kind::STOPPING, kind::GROUP_ADDED];
    let streams = kind::PROCESS_LOG.into_iter().chain(kind::PROCESS_COMMUNICATION);
    let all: Vec<String> = (states.into_iter().chain(ticks))
        .chain(others.into_iter().chain(streams).map(str::to_owned))
        // Groups cannot be removed yet.
        .chain(["PROCESS_GROUP_REMOVED".to_owned()])
        .collect();
    let names = crate::config::validate::special::EVENTS;
    assert_eq!((all.len(), names.len()), (20, 27));
    for name in names {
        assert!(all.iter().any(|event| kind::covers(name, event)), "{name}");
    }
    assert!(all.iter().all(|event| names.contains(&event.as_str())));
}
