//! Events in the running daemon: when something happens, to whose stdin it goes, what listeners answer.
//!
//! Does I/O through `stdin`. Invariants: an event is offered as soon as it has happened, so that a listener hears of the
//! last stop before its own; a listener gets the next one only when its pipe has taken the last, so a listener that
//! hangs holds one event and nobody else. Not here: pools and words (`crate::events`).

use crate::config::model::{Group, GroupKind};
use crate::control::State;
use crate::daemon::heard::readable;
use crate::daemon::roster::Roster;
use crate::daemon::state::Daemon;
use crate::daemon::update::pool_plan;
use crate::engine::action::StateChange;
use crate::events::kind::{self, Numbers, Whose};
use crate::events::ticks::Ticks;
use crate::events::{Hub, Lines};
use crate::types::{LogLevel, Now, Pid, ProcRef};
use std::rc::Rc;

/// See the module.
pub(crate) struct Events {
    pub(crate) hub: Hub,
    pub(crate) ticks: Ticks,
}

impl Events {
    pub(crate) fn new(roster: &Roster, identifier: &str, next_serial: u64, now: Now) -> Events {
        let plan = |group: &Rc<Group>| pool_plan(group, &|name| roster.slot_of(&group.name, name));
        let plans = roster.active().iter().filter_map(plan).collect();
        let hub = Hub::new(plans, identifier.to_owned(), next_serial, readable);
        let ticks = Ticks::new(now, &|name| hub.wants(name));
        Events { hub, ticks }
    }
}

impl Daemon {
    /// COMPAT: each group is told of to the pools that stand before it, and to itself.
    pub(crate) fn publish_start(&mut self) {
        let mut pools = 0;
        for group in self.roster.active().to_vec() {
            pools += usize::from(matches!(group.kind, GroupKind::EventListener { .. }));
            self.publish_to(pools, kind::GROUP_ADDED, || kind::group(&group.name));
        }
        self.publish(kind::RUNNING, String::new);
    }

    pub(crate) fn publish(&mut self, name: &str, payload: impl FnOnce() -> String) {
        self.publish_to(self.events.hub.n_pools(), name, payload);
    }

    fn publish_to(&mut self, n: usize, name: &str, payload: impl FnOnce() -> String) {
        if !self.is_event(name) {
            return;
        }
        let payload = payload();
        let mut serial = self.events.hub.next_serial();
        let told = self.subscribers.wants(name).then(|| payload.clone());
        let mut lines = Lines::new();
        self.events.hub.publish(n, name, payload, &mut lines);
        self.tell_lines(lines);
        if let Some(payload) = told {
            if serial == self.events.hub.next_serial() {
                serial = self.events.hub.take_serial();
            }
            self.tell_subscribers(serial, name, payload);
        }
        self.dispatch_events();
    }

    /// Whether anybody asks for it.
    fn is_event(&self, name: &str) -> bool {
        self.events.hub.wants(name) || self.subscribers.wants(name)
    }

    fn tell_lines(&mut self, lines: Lines) {
        for (level, text) in lines {
            self.log(level, &text);
        }
    }

    /// Gives waiting events to listeners that wait for one.
    pub(crate) fn dispatch_events(&mut self) {
        for pool in 0..self.events.hub.n_pools() {
            self.dispatch_pool(pool);
        }
    }

    fn dispatch_pool(&mut self, pool: usize) {
        let mut lines = Lines::new();
        // Members that turned out not to read any more.
        let mut deaf: Vec<u32> = Vec::new();
        let mut is_tried = false;
        loop {
            let slots = &self.slots;
            let is_free = |slot: u32| {
                !deaf.contains(&slot)
                    && slots.get(slot as usize).and_then(|s| s.stdin.as_ref()).is_some_and(|s| s.is_free())
            };
            let Some(offer) = self.events.hub.offer(pool, &is_free) else { break };
            is_tried = true;
            if self.write_stdin(offer.slot, &offer.bytes).is_ok() {
                self.events.hub.sent(&offer, &mut lines);
            } else {
                self.events.hub.not_sent(&offer, &mut lines);
                deaf.push(offer.slot);
            }
        }
        if is_tried {
            self.events.hub.nobody_left(pool, &mut lines);
        }
        self.tell_lines(lines);
    }

    /// A process has changed its state: an event, and perhaps a listener came or went.
    pub(crate) fn on_state_change(&mut self, change: &StateChange) {
        let slot = change.proc.slot;
        self.events.hub.set_running(slot, change.to == State::Running);
        let event = [kind::STATE, change.to.name()].concat();
        if self.is_event(&event)
            && let Some(program) = self.program(change.proc)
        {
            let whose = Whose { process: &program.name, group: &program.group };
            let numbers = Numbers { pid: change.pid, tries: change.tries, expected: change.expected };
            let payload = whose.state(&event, change.from.name(), &numbers);
            self.publish(&event, || payload);
        }
        match change.to {
            State::Stopped | State::Exited | State::Backoff | State::Fatal => {
                let mut lines = Lines::new();
                let has_more = self.events.hub.ended(slot, &mut lines);
                self.tell_lines(lines);
                if let Some(pool) = has_more {
                    self.dispatch_pool(pool);
                }
            }
            State::Running => self.dispatch_events(),
            State::Starting | State::Stopping | State::Unknown => {}
        }
    }

    /// A listener has said something.
    pub(crate) fn on_listener(&mut self, proc: ProcRef, bytes: &[u8]) {
        let mut lines = Lines::new();
        let mut print = Vec::new();
        let pool = self.events.hub.heard(proc, bytes, &mut lines, &mut print);
        if !print.is_empty() {
            self.print_result(&print);
        }
        self.tell_lines(lines);
        if let Some(pool) = pool {
            self.dispatch_pool(pool);
        }
    }

    /// What a `result_handler` prints. A reader that is too slow loses it: nothing here waits.
    fn print_result(&mut self, text: &[u8]) {
        let Ok(stdout) = self.sinks.open_stream(1) else { return };
        let lost = if self.sinks.has_room(stdout, text.len()) {
            let put = self.sinks.put(stdout, text);
            let lost = put.lost;
            self.tell(put);
            lost
        } else {
            text.len()
        };
        self.release_sink(stdout);
        if self.sinks.any_stream_blocked() {
            self.output.watch_blocked(&self.epoll, &self.sinks);
        }
        if lost > 0 {
            self.log(LogLevel::Warn, &format!("cannot print {lost} bytes of results: stdout takes no more"));
        }
    }

    /// Whether a program's output is an event for somebody.
    pub(crate) fn wants_output(&self, proc: ProcRef, stderr: bool) -> bool {
        let is_enabled =
            |p: &crate::config::model::Program| if stderr { p.stderr.events } else { p.stdout.events };
        (self.events.hub.n_pools() > 0 || !self.subscribers.is_empty())
            && self.program(proc).is_some_and(is_enabled)
            && self.is_event(kind::PROCESS_LOG[usize::from(stderr)])
    }

    pub(crate) fn publish_output(&mut self, proc: ProcRef, stderr: bool, data: &str) {
        if !self.wants_output(proc, stderr) {
            return;
        }
        let Some((pid, program)) = self.pid_of(proc).zip(self.program(proc)) else { return };
        let whose = Whose { process: &program.name, group: &program.group };
        let payload = whose.output(pid.0, stderr, data);
        self.publish(kind::PROCESS_LOG[usize::from(stderr)], || payload);
    }

    pub(crate) fn publish_communication(&mut self, proc: ProcRef, stderr: bool, data: Vec<u8>) {
        let event = kind::PROCESS_COMMUNICATION[usize::from(stderr)];
        let Some((pid, program)) = self.pid_of(proc).zip(self.program(proc)) else { return };
        let whose = Whose { process: &program.name, group: &program.group };
        let payload = whose.communication(pid.0, &readable(data));
        self.publish(event, || payload);
    }

    /// The pid of this life, until it is reaped. What descendants write later belongs to nobody.
    fn pid_of(&self, proc: ProcRef) -> Option<Pid> {
        self.slots.get(proc.slot as usize).filter(|s| s.incarnation == proc.incarnation)?.pid
    }

    pub(crate) fn publish_ticks(&mut self) {
        for (name, payload) in self.events.ticks.take(self.now) {
            self.publish(&name, || payload);
        }
    }
}
