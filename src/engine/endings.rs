//! Why everything ends: who brought it about, with which exit code, and what is left to say about it.
//!
//! Pure. Invariant: the first cause counts, and is told once. Not here: how it ends (`shutdown`).

use crate::control::State;
use crate::engine::action::Action;
use crate::engine::shutdown::{Goal, Phase};
use crate::engine::slot::Slot;
use crate::engine::table::Engine;
use crate::types::LogLevel;

impl Engine {
    /// Ends by itself when the main program has ended, or a critical one has.
    pub(super) fn end_if_it_counts(&mut self, out: &mut Vec<Action>) {
        if self.phase != Phase::Running || !self.booted {
            return;
        }
        if let Some(main) = self.main.and_then(|id| self.slots.get(id as usize))
            && main.has_ended()
        {
            let (id, text) = (main.id, format!("the main program {} has ended", main.policy.namespec()));
            out.push(Action::Log(LogLevel::Info, text));
            self.say_why(Some(id), self.last_words_of(id), out);
            return self.end(Goal::Shutdown);
        }
        if let Some(id) = self.critical_end.take()
            && let Some(slot) = self.slots.get(id as usize).filter(|s| s.has_ended())
        {
            let code = slot.code_of_end();
            let text = self.last_words_of(id);
            out.push(Action::Log(LogLevel::Warn, format!("critical program {text}: everything is stopped")));
            self.say_why(Some(id), text, out);
            self.end(Goal::Ended(code));
        }
    }

    /// Ends by itself when all programs have ended, and nobody waits for something that may come.
    pub(super) fn end_if_all_are_over(&mut self, out: &mut Vec<Action>) {
        if self.phase != Phase::Running || !self.booted {
            return;
        }
        // What an operator took away has not ended.
        let has_ended = self.n_ends > self.n_ends_settled;
        let all_ended = self.tally.lasting == 0 && self.tally.ever_started > 0 && has_ended;
        if self.exit_when_all_exited && all_ended {
            out.push(Action::Log(LogLevel::Info, "all programs have ended".to_owned()));
            let worst = self.worst();
            let code = worst.map_or(0, Slot::code_of_end);
            let (id, text) = match worst {
                Some(slot) => {
                    (Some(slot.id), format!("all programs have ended; {}", self.last_words_of(slot.id)))
                }
                None => (None, "all programs have ended as expected".to_owned()),
            };
            self.say_why(id, text, out);
            self.end(Goal::Ended(code));
        }
    }

    /// The last one that did not end as expected.
    fn worst(&self) -> Option<&Slot> {
        let unexpected = self.slots.iter().filter(|s| !s.is_vacant && s.was_started() && !s.last.expected);
        unexpected.max_by_key(|s| s.last.order)
    }

    /// Tells the cause of the end: the first one only.
    pub(super) fn say_why(&mut self, slot: Option<u32>, reason: String, out: &mut Vec<Action>) {
        if self.phase == Phase::Running && !std::mem::replace(&mut self.is_explained, true) {
            out.push(Action::LastWords { slot, reason });
        }
    }

    /// `web is FATAL: Exited too quickly`, `web has ended: exit status 3`
    fn last_words_of(&self, id: u32) -> String {
        let Some(slot) = self.slots.get(id as usize) else { return String::new() };
        let name = slot.policy.namespec();
        let how = slot.last_exit.map(|status| status.to_string()).unwrap_or_default();
        if slot.state != State::Fatal {
            return format!("{name} has ended: {how}");
        }
        let why = slot.exec_error.as_deref().unwrap_or(&slot.spawnerr);
        match (why.is_empty(), how.is_empty()) {
            (true, true) => format!("{name} is FATAL"),
            (true, false) => format!("{name} is FATAL: {how}"),
            (false, true) => format!("{name} is FATAL: {why}"),
            (false, false) => format!("{name} is FATAL: {why}, {how}"),
        }
    }
}

impl Slot {
    /// Nothing of it runs, and nothing will by itself.
    pub(super) fn has_ended(&self) -> bool {
        match self.state {
            // A run that ended well is followed by another.
            State::Exited => self.policy.schedule.is_none() || !self.last.expected,
            State::Fatal => true,
            State::Stopped
            | State::Starting
            | State::Running
            | State::Backoff
            | State::Stopping
            | State::Unknown => false,
        }
    }

    /// What its end makes of the exit code of the whole. Giving up is a failure, whatever the last exit was.
    fn code_of_end(&self) -> u8 {
        match (self.state, self.last.code) {
            (State::Fatal, None | Some(0)) => 1,
            (_, code) => code.unwrap_or(1),
        }
    }
}
