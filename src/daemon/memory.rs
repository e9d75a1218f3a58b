//! Limits of one process's start that are not its program's alone: the control group of `memory_max`, the mark of a tree.
//!
//! Does I/O. Invariants: where no control group can be made the program runs without, and the log says so once for each
//! program and `status` as long as it runs; groups go when their programs do.
//! Not here: control groups themselves (`sys::cgroup`).

use crate::config::model::{Program, SignalTarget};
use crate::daemon::state::Daemon;
use crate::sys::boot;
use crate::sys::carray::c_bytes;
use crate::sys::cgroup::Home;
use crate::sys::child::ExecPlan;
use crate::types::{LogLevel, ProcRef};
use std::collections::BTreeMap;

/// What is known of control groups.
#[derive(Default)]
pub(crate) struct Memory {
    /// Looked for when it is needed first.
    home: Option<Result<Home, String>>,
    /// Of a slot: it has a group, or why not. BOUND: one for each slot.
    slots: BTreeMap<u32, Result<(), String>>,
}

impl Daemon {
    /// Adds to the plan what depends on whose start it is.
    pub(crate) fn confine(&mut self, proc: ProcRef, program: &Program, plan: &mut ExecPlan) {
        self.forget_tree(proc.slot);
        if program.native.signal_target == Some(SignalTarget::Tree) {
            plan.confinement.get_or_insert_default().mark = Some(self.mark_of_tree(proc.slot));
        }
        let Some(bytes) = program.native.limits.as_ref().and_then(|l| l.memory_max) else {
            return self.remove_cgroup(proc.slot);
        };
        let home = self.memory.home.get_or_insert_with(Home::find);
        let file = match home {
            Ok(home) => home.limit(&name(proc.slot), bytes),
            Err(why) => Err(why.clone()),
        };
        match file {
            Ok(file) => {
                plan.confinement.get_or_insert_default().cgroup = Some(c_bytes(file.as_os_str()));
                self.memory.slots.insert(proc.slot, Ok(()));
            }
            Err(why) => {
                let before = self.memory.slots.insert(proc.slot, Err(why.clone()));
                if before != Some(Err(why.clone())) {
                    let text = format!(
                        "`memory_max` of {} has no effect: {why}; limit the container, or run it with a control group \
                         that it may write",
                        program.name
                    );
                    self.log(LogLevel::Warn, &text);
                }
            }
        }
    }

    /// What `status` says beside the state.
    pub(crate) fn memory_note(&self, slot: u32) -> Option<&'static str> {
        let is_refused = self.memory.slots.get(&slot).is_some_and(Result::is_err);
        is_refused.then_some("memory_max has no effect here")
    }

    /// The slot has no limit any more.
    pub(crate) fn remove_cgroup(&mut self, slot: u32) {
        if let (Some(Ok(())), Some(Ok(home))) = (self.memory.slots.remove(&slot), &self.memory.home) {
            home.remove(&name(slot)); // somebody may be left in it
        }
    }

    pub(crate) fn remove_all_cgroups(&mut self) {
        let slots: Vec<u32> = self.memory.slots.keys().copied().collect();
        slots.into_iter().for_each(|slot| self.remove_cgroup(slot));
    }
}

/// Ours alone, also where another daemon shares our group.
fn name(slot: u32) -> String {
    format!("mainstay.{}.{slot}", boot::own_pid())
}
