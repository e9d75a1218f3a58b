//! Deferred replies: who waits for which slot, and the one answer each command gets.
//!
//! Pure. Invariant: a command is in `open` from `open()` until its one `Action::Reply`; nobody waits for a slot on
//! behalf of a command that is not open.
//! COMPAT: contract 4.8: SPAWN_ERROR at the first failed start even where retries go on.
//! Not here: who may ask for what (`commands`).

use crate::control::{Fault, FaultCode, Outcome, State, TargetResult};
use crate::engine::action::Action;
use crate::engine::input::{CommandId, SpawnErrorKind};
use crate::engine::policy::namespec;
use crate::engine::slot::News;
use std::collections::BTreeMap;

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WaitFor {
    /// The fork: a start that does not wait still tells when nothing could be started.
    Forked,
    Running,
    Stopped,
}

#[derive(Debug)]
struct Waiter {
    id: CommandId,
    what: WaitFor,
}

#[derive(Debug)]
struct Open {
    /// A list of results is wanted, not one.
    each: bool,
    /// Slots that have not answered, plus one while members are still being added.
    n_left: usize,
    results: Vec<TargetResult>,
}

#[derive(Debug, Default)]
pub(super) struct Waiters {
    open: BTreeMap<CommandId, Open>,
    by_slot: BTreeMap<u32, Vec<Waiter>>,
}

impl Waiters {
    pub(super) fn n_open(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_open(&self, id: CommandId) -> bool {
        self.open.contains_key(&id)
    }

    /// Opens a command; `close` says that nothing more is added to it.
    pub(super) fn open(&mut self, id: CommandId, each: bool) {
        self.open.insert(id, Open { each, n_left: 1, results: Vec::new() });
    }

    pub(super) fn close(&mut self, id: CommandId, out: &mut Vec<Action>) {
        self.one_less(id, out);
    }

    /// Adds a slot whose result comes later.
    pub(super) fn wait(&mut self, id: CommandId, slot: u32, what: WaitFor) {
        if let Some(open) = self.open.get_mut(&id) {
            open.n_left += 1;
            self.by_slot.entry(slot).or_default().push(Waiter { id, what });
        }
    }

    /// Adds a result that is known already.
    pub(super) fn result(&mut self, id: CommandId, group: &str, name: &str, fault: Option<Fault>) {
        if let Some(open) = self.open.get_mut(&id) {
            open.results.push(TargetResult { group: group.to_owned(), name: name.to_owned(), fault });
        }
    }

    pub(super) fn has_stop_waiter(&self, slot: u32) -> bool {
        self.by_slot.get(&slot).is_some_and(|w| w.iter().any(|w| w.what == WaitFor::Stopped))
    }

    /// Answers whoever waited for this news of a slot.
    pub(super) fn on_news(&mut self, slot: u32, group: &str, name: &str, news: &News, out: &mut Vec<Action>) {
        let Some(waiters) = self.by_slot.remove(&slot) else { return };
        let mut still = Vec::new();
        for waiter in waiters {
            match verdict(waiter.what, news, group, name) {
                None => still.push(waiter),
                Some(fault) => {
                    self.result(waiter.id, group, name, fault);
                    self.one_less(waiter.id, out);
                }
            }
        }
        if !still.is_empty() {
            self.by_slot.insert(slot, still);
        }
    }

    /// The daemon leaves: whoever is still waiting is told so.
    pub(super) fn answer_all(&mut self, out: &mut Vec<Action>) {
        self.by_slot.clear();
        for (id, open) in std::mem::take(&mut self.open) {
            let outcome = if open.each {
                Outcome::Each(open.results)
            } else {
                Outcome::Fault(Fault { code: FaultCode::ShutdownState, extra: None })
            };
            out.push(Action::Reply { id, outcome });
        }
    }

    fn one_less(&mut self, id: CommandId, out: &mut Vec<Action>) {
        let Some(open) = self.open.get_mut(&id) else { return };
        open.n_left -= 1;
        if open.n_left > 0 {
            return;
        }
        let Some(mut open) = self.open.remove(&id) else { return };
        let outcome = if open.each {
            Outcome::Each(open.results)
        } else {
            match open.results.pop().and_then(|r| r.fault) {
                Some(fault) => Outcome::Fault(fault),
                None => Outcome::Done,
            }
        };
        out.push(Action::Reply { id, outcome });
    }
}

/// `None`: not yet. `Some(None)`: done. `Some(Some(_))`: refused.
fn verdict(what: WaitFor, news: &News, group: &str, name: &str) -> Option<Option<Fault>> {
    match what {
        WaitFor::Forked | WaitFor::Running => started(what, news, group, name),
        WaitFor::Stopped => match news {
            News::To(State::Stopped | State::Exited | State::Fatal) => Some(None),
            News::KillFailed(text) => Some(Some(Fault::new(FaultCode::Failed, text.as_str()))),
            News::To(State::Unknown) => Some(Some(Fault::new(FaultCode::Failed, namespec(group, name)))),
            News::To(State::Starting | State::Running | State::Backoff | State::Stopping)
            | News::Forked
            | News::WillNotStart(_)
            | News::SpawnFailed(_) => None,
        },
    }
}

fn started(what: WaitFor, news: &News, group: &str, name: &str) -> Option<Option<Fault>> {
    let refused = |code, extra: String| Some(Some(Fault::new(code, extra)));
    match news {
        News::Forked if what == WaitFor::Forked => Some(None),
        News::Forked | News::To(State::Starting) | News::KillFailed(_) => None,
        News::SpawnFailed(error) => match error.kind {
            SpawnErrorKind::NoFile => refused(FaultCode::NoFile, error.text.clone()),
            SpawnErrorKind::NotExecutable => refused(FaultCode::NotExecutable, error.text.clone()),
            SpawnErrorKind::Other => refused(FaultCode::SpawnError, namespec(group, name)),
        },
        News::WillNotStart(text) => refused(FaultCode::Failed, text.clone()),
        News::To(State::Running) => Some(None),
        News::To(State::Backoff) => refused(FaultCode::SpawnError, namespec(group, name)),
        News::To(State::Stopped | State::Stopping | State::Exited | State::Fatal | State::Unknown) => {
            refused(FaultCode::AbnormalTermination, namespec(group, name))
        }
    }
}
