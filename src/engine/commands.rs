//! What operators ask for: whom it concerns, whether it is allowed, and when it is answered.
//!
//! Pure. Invariant: every command is opened once in `waiters` or answered at once, never both.
//! COMPAT: contract 4.6 and 4.8: the order of checks, the faults and their texts; groups in ascending priority, members
//! that need nothing left out of the answer.
//! Not here: names on the wire (`gateway`), how a slot is started or stopped (`process`, `stop`).

use crate::control::{Command, Fault, FaultCode, Outcome, State, Target};
use crate::engine::action::Action;
use crate::engine::input::CommandId;
use crate::engine::policy::namespec;
use crate::engine::shutdown::Goal;
use crate::engine::slot::After;
use crate::engine::table::Engine;
use crate::engine::waiters::WaitFor;
use crate::types::{LogLevel, Now, Signal};

/// What is to be done to each process of a target.
#[derive(Clone, Copy)]
enum Verb {
    Start { wait: bool },
    Stop { wait: bool },
    Signal(Signal),
}

impl Verb {
    /// Whether a process in this state is concerned, when a whole group is meant.
    fn concerns(self, state: State) -> bool {
        match self {
            Verb::Start { .. } => !state.is_running(),
            Verb::Stop { .. } => state.is_running(),
            Verb::Signal(_) => state.is_signallable(),
        }
    }
}

impl Engine {
    /// COMPAT: an operator's start of a command that is not there changes no state. Looking is for others: these slots are
    /// not started by the command that comes next, and get these faults. They come as `startable` gave them.
    pub fn refuse_starts(&mut self, refused: Vec<(u32, Fault)>) {
        self.refused = refused;
    }

    pub(super) fn on_command(&mut self, now: Now, id: CommandId, command: Command, out: &mut Vec<Action>) {
        if self.waiters.is_open(id) || self.is_drainer(id) {
            out.push(Action::Bug(format!("cannot take command {}: it is not answered yet", id.0)));
            return;
        }
        if self.is_stopping() && matches!(command, Command::Drain { .. }) {
            return out.push(Action::Reply { id, outcome: Outcome::Done });
        }
        if self.is_stopping() {
            let fault = Fault { code: FaultCode::ShutdownState, extra: None };
            out.push(Action::Reply { id, outcome: Outcome::Fault(fault) });
            return;
        }
        if command == Command::Restart && self.ends_after_drain() {
            let fault = Fault { code: FaultCode::ShutdownState, extra: None };
            return out.push(Action::Reply { id, outcome: Outcome::Fault(fault) });
        }
        match command {
            Command::Start { target, wait } => self.on_target(now, id, target, Verb::Start { wait }, out),
            Command::Stop { target, wait } => self.on_target(now, id, target, Verb::Stop { wait }, out),
            Command::Signal { target, signal } => self.on_target(now, id, target, Verb::Signal(signal), out),
            Command::Shutdown => {
                out.push(Action::Reply { id, outcome: Outcome::Done });
                self.say_why(None, "stopped by an operator's shutdown".to_owned(), out);
                self.end_after_drain(now, Goal::Shutdown, out);
            }
            Command::Drain { wait } => self.on_drain(now, Some((id, wait)), out),
            Command::Undrain => self.on_undrain(id, out),
            Command::Restart => {
                out.push(Action::Reply { id, outcome: Outcome::Done });
                self.end(Goal::Restart);
            }
        }
    }

    fn on_target(&mut self, now: Now, id: CommandId, target: Target, verb: Verb, out: &mut Vec<Action>) {
        let (slots, each) = match target {
            Target::Process { group, name } => {
                let Some(slot) = self.slot_of(&group, &name) else {
                    return bad_name(id, namespec(&group, &name), out);
                };
                (vec![slot], false)
            }
            Target::Group(group) => match self.layout.groups.get(&group) {
                Some(entry) => (entry.start_order.clone(), true),
                None => return bad_name(id, group, out),
            },
            Target::All => (self.layout.start_order.clone(), true),
        };
        // COMPAT: who is concerned is settled before anything is done.
        let concerned: Vec<u32> =
            slots.into_iter().filter(|slot| !each || self.is_concerned(*slot, verb)).collect();
        self.waiters.open(id, each);
        // In the order of `startable`, which is this one.
        let mut refused = std::mem::take(&mut self.refused).into_iter().peekable();
        for slot in concerned {
            match verb {
                Verb::Start { wait } => match refused.next_if(|(refused, _)| *refused == slot) {
                    None => self.start_one(now, id, slot, wait, out),
                    Some((_, fault)) => self.answer(id, slot, Some(fault)),
                },
                Verb::Stop { wait } => self.stop_one(now, id, slot, wait, out),
                Verb::Signal(signal) => self.signal_one(now, id, slot, signal, out),
            }
        }
        self.waiters.close(id, out);
    }

    fn is_concerned(&self, slot: u32, verb: Verb) -> bool {
        let waits = self.slots.get(slot as usize).is_some_and(|s| s.wanted);
        // Whoever starts all does not mean those that are off.
        if matches!(verb, Verb::Start { .. }) && self.why_disabled(slot).is_some() {
            return false;
        }
        verb.concerns(self.state(slot)) || (waits && matches!(verb, Verb::Stop { .. }))
    }

    /// The expression of `enabled` that is false.
    fn why_disabled(&self, slot: u32) -> Option<&str> {
        self.slots.get(slot as usize).and_then(|s| s.policy.disabled.as_deref())
    }

    fn start_one(&mut self, now: Now, id: CommandId, slot: u32, wait: bool, out: &mut Vec<Action>) {
        let spec = self.spec(slot);
        if let Some(expression) = self.why_disabled(slot).filter(|_| self.state(slot).is_stopped()) {
            let text = format!("{spec} is disabled: `{expression}` is false; change `enabled` and update");
            self.answer(id, slot, Some(Fault::new(FaultCode::Failed, text)));
            return;
        }
        match self.state(slot) {
            State::Starting | State::Running | State::Backoff => {
                self.answer(id, slot, Some(Fault::new(FaultCode::AlreadyStarted, spec)));
            }
            State::Unknown => {
                let text = format!("{spec} is in an unknown process state");
                self.answer(id, slot, Some(Fault::new(FaultCode::Failed, text)));
            }
            State::Stopping => {
                // COMPAT: nothing is started, yet only those who wait are told.
                let name = self.slots.get(slot as usize).map_or("", |s| s.name());
                out.push(Action::Log(LogLevel::Warn, format!("process '{name}' already running")));
                let fault = wait.then(|| Fault::new(FaultCode::AbnormalTermination, spec));
                self.answer(id, slot, fault);
            }
            State::Stopped | State::Exited | State::Fatal => {
                if wait {
                    self.waiters.wait(id, slot, WaitFor::Running);
                } else if self.is_met(slot) {
                    self.waiters.wait(id, slot, WaitFor::Forked);
                } else {
                    self.answer(id, slot, None);
                }
                self.want_with_all_it_needs(now, slot, out);
            }
        }
    }

    fn stop_one(&mut self, now: Now, id: CommandId, slot: u32, wait: bool, out: &mut Vec<Action>) {
        if let Some(After::Renew { start, .. }) =
            self.slots.get_mut(slot as usize).and_then(|s| s.after.as_mut())
        {
            // It is being stopped for an update; whoever stops it now does not want it back.
            *start = false;
        }
        if let Some(own) = self.slots.get_mut(slot as usize)
            && matches!(own.after, Some(After::Again(_)))
        {
            // It is being stopped to be started again; whoever stops it now waits for that stop.
            own.after = None;
            if own.state == State::Stopping {
                if wait {
                    self.waiters.wait(id, slot, WaitFor::Stopped);
                } else {
                    self.answer(id, slot, None);
                }
                return;
            }
        }
        if let Some(slot) = self.slots.get_mut(slot as usize) {
            slot.plan.queued = false;
        }
        if self.slots.get(slot as usize).is_some_and(|s| s.wanted) {
            self.with_slot(now, slot, out, |slot, cx| slot.forget_wish(cx));
            if self.state(slot) != State::Stopping && !self.state(slot).is_running() {
                return self.answer(id, slot, None);
            }
        }
        if !self.state(slot).is_running() {
            let fault = Fault::new(FaultCode::NotRunning, self.spec(slot));
            return self.answer(id, slot, Some(fault));
        }
        if wait {
            self.waiters.wait(id, slot, WaitFor::Stopped);
        } else {
            self.answer(id, slot, None);
        }
        self.stop_with_followers(now, slot, out);
        if wait {
            self.with_slot(now, slot, out, |slot, cx| slot.report_stop(cx));
        }
    }

    fn signal_one(&mut self, now: Now, id: CommandId, slot: u32, signal: Signal, out: &mut Vec<Action>) {
        let pid = self.slots.get(slot as usize).and_then(|s| s.pid());
        match pid {
            Some(pid) if self.state(slot).is_signallable() => {
                self.answer(id, slot, None);
                self.with_slot(now, slot, out, |slot, cx| slot.signal(pid, signal, cx));
            }
            Some(_) | None => {
                let fault = Fault::new(FaultCode::NotRunning, self.spec(slot));
                self.answer(id, slot, Some(fault));
            }
        }
    }

    /// Unlike a command it is not refused while everything is being stopped, and nobody waits for an answer.
    pub(super) fn on_forward(&mut self, now: Now, slot: u32, signal: Signal, out: &mut Vec<Action>) {
        match self.slots.get(slot as usize).and_then(|s| s.pid()) {
            Some(pid) if self.state(slot).is_signallable() => {
                self.with_slot(now, slot, out, |slot, cx| slot.signal(pid, signal, cx));
            }
            Some(_) | None => {
                let text = format!("{} is not running: it does not get {signal}", self.spec(slot));
                out.push(Action::Log(LogLevel::Info, text));
            }
        }
    }

    /// A result that is known at once.
    fn answer(&mut self, id: CommandId, slot: u32, fault: Option<Fault>) {
        if let Some(slot) = self.slots.get(slot as usize) {
            self.waiters.result(id, &slot.policy.group, &slot.policy.name, fault);
        }
    }

    fn spec(&self, slot: u32) -> String {
        self.slots.get(slot as usize).map(|s| s.policy.namespec()).unwrap_or_default()
    }
}

fn bad_name(id: CommandId, name: String, out: &mut Vec<Action>) {
    out.push(Action::Reply { id, outcome: Outcome::Fault(Fault::new(FaultCode::BadName, name)) });
}
