//! Signals to all that descends from a program, and the question whether any of it is left.
//!
//! Does I/O. Invariants: what belongs to another program is never signalled; who was seen in a tree stays known until the
//! next start of its slot. Where /proc does not tell, the process group stands in, and that is said once.
//! Not here: who descends from whom (`sys::tree`), when a signal is sent (`engine::stop`).

use crate::daemon::state::Daemon;
use crate::sys::signals::{self, To};
use crate::sys::tree::{self, Member, Root, Sent};
use crate::types::{LogLevel, Mono, Pid, ProcRef, Signal};
use nix::errno::Errno;
use std::collections::HashMap;

/// Reaping makes us look at most so often; the engine asks by itself every 100 ms.
const LOOK_MS: i64 = 20;

/// What is remembered of trees.
#[derive(Default)]
pub(crate) struct Trees {
    /// Of a slot: who was seen in its tree when it was signalled last. BOUND: one look at /proc.
    known: HashMap<u32, Vec<Member>>,
    /// It was said that process groups stand in.
    told: bool,
    looked: Option<Mono>,
    /// It was said that there are no marks.
    told_of_marks: bool,
}

impl Daemon {
    /// The slot is started again; whoever was left of its last incarnation counts no more, but by the mark.
    pub(crate) fn forget_tree(&mut self, slot: u32) {
        self.trees.known.remove(&slot);
    }

    /// What a process of this slot and all that descends from it are found by.
    pub(crate) fn mark_of_tree(&mut self, slot: u32) -> u64 {
        if !self.trees.told_of_marks && !tree::marks_can_be_set() {
            self.trees.told_of_marks = true;
            let text = "`signal_target = tree` does not reach descendants whose parents have died: there is a hard limit of \
                        file locks, and that limit is what they are known by; start us without one";
            self.log(LogLevel::Warn, text);
        }
        tree::mark(slot)
    }

    /// As kill(2), for the whole tree.
    pub(crate) fn signal_tree(&mut self, proc: ProcRef, pid: Pid, signal: Signal) -> Result<(), Errno> {
        let Some(sent) = self.with_tree(proc, pid, |root| tree::signal(root, signal)) else {
            return signals::send(To::Group(pid), signal);
        };
        let Sent { members, any, refused } = sent;
        self.trees.known.insert(proc.slot, members);
        match refused {
            // Nobody else is there to be waited for.
            Some(e) if !any => Err(e),
            Some(e) => {
                let name = self.display_name(proc);
                let text = format!("cannot send {signal} to all that descends from {name}: {}", e.desc());
                self.log(LogLevel::Warn, &text);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether anything of the tree is left. Its leader has been reaped.
    pub(crate) fn tree_is_alive(&mut self, proc: ProcRef, pid: Pid) -> bool {
        self.trees.looked = Some(self.now.mono);
        match self.with_tree(proc, pid, tree::members) {
            Some(members) => !members.is_empty(),
            None => !matches!(signals::send(To::Group(pid), Signal(0)), Err(Errno::ESRCH)),
        }
    }

    /// A look at all of /proc for each child that is reaped would be too much.
    pub(crate) fn may_look_at_trees(&self) -> bool {
        self.trees.looked.is_none_or(|at| at.plus_ms(LOOK_MS) <= self.now.mono)
    }

    fn with_tree<T>(
        &mut self,
        proc: ProcRef,
        pid: Pid,
        look: impl FnOnce(&Root<'_>) -> Option<T>,
    ) -> Option<T> {
        let known = self.trees.known.get(&proc.slot).map(Vec::as_slice).unwrap_or_default();
        let found = look(&Root {
            leader: pid,
            is_alive: self.pids.get(&pid.0) == Some(&proc),
            mark: tree::mark(proc.slot),
            known,
            is_foreign: &|other| {
                self.pids.get(&other).is_some_and(|p| *p != proc) || self.gateway.is_process(Pid(other))
            },
        });
        if found.is_none() && !self.trees.told {
            self.trees.told = true;
            let text = "`signal_target = tree` reaches process groups only: there is no /proc to see what descends from a \
                        program; mount one";
            self.log(LogLevel::Warn, text);
        }
        found
    }
}
