//! The only interpreter of the engine's actions.
//!
//! Does I/O. Invariant: whatever an action comes to is queued as an input; nothing here decides.

use crate::daemon::state::Daemon;
use crate::engine::action::{Action, Scope};
use crate::engine::input::Input;
use crate::events::kind;
use crate::sys::errno;
use crate::sys::signals::{self, To};
use crate::types::{LogLevel, Pid, ProcRef, Signal};
use nix::errno::Errno;

impl Daemon {
    pub(crate) fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn(proc) => self.launch(proc),
            Action::Kill { proc, pid, scope, signal } => self.kill(proc, pid, scope, signal),
            Action::CheckGroup { proc, pid, scope } => self.check_group(proc, pid, scope),
            Action::RunTask { task, timeout_ms } => self.run_task(task, timeout_ms),
            Action::EndTask(task) => self.end_task(task),
            Action::Reply { id, outcome } => self.reply_to_command(id, outcome),
            Action::Publish(change) => self.on_state_change(&change),
            Action::Ended(facts) => self.on_ended(facts),
            Action::Vacated(slot) => self.on_vacated(slot),
            Action::Renewed(slot) => self.on_renewed(slot),
            Action::LastWords { slot, reason } => self.last_words = Some((slot, reason)),
            Action::Stopping => {
                self.give_up_update();
                self.publish(kind::STOPPING, String::new);
            }
            Action::Log(level, text) => self.log(level, &text),
            Action::Exit(leave) => self.leave = Some(leave),
            Action::Bug(text) => self.log(LogLevel::Critical, &format!("internal error: {text}")),
        }
    }

    fn kill(&mut self, proc: ProcRef, pid: Pid, scope: Scope, signal: Signal) {
        let sent = match scope {
            Scope::Process => signals::send(To::Process(pid), signal),
            Scope::Group => signals::send(To::Group(pid), signal),
            Scope::Tree => self.signal_tree(proc, pid, signal),
        };
        match sent {
            // Nobody there: the exit is on its way.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(e) => {
                let errno = errno::name(e as i32).to_string();
                let name = self.display_name(proc);
                let words = errno::words(e as i32);
                self.log(LogLevel::Critical, &format!("cannot send {signal} to {name} ({pid}): {words}"));
                self.inputs.push_back(Input::KillFailed { proc, errno });
            }
        }
    }

    /// Looks whether the group is gone, and keeps looking after each reaping until it is.
    fn check_group(&mut self, proc: ProcRef, pid: Pid, scope: Scope) {
        let alive = self.rest_is_alive(proc, pid, scope);
        self.watched.retain(|(p, ..)| *p != proc);
        if alive {
            self.watched.push((proc, pid, scope));
        }
        self.inputs.push_back(Input::GroupChecked { proc, alive });
    }

    /// After children were reaped, groups that lingered may be gone.
    pub(crate) fn recheck_groups(&mut self) {
        let looks_at_trees = self.may_look_at_trees();
        let mut gone = Vec::new();
        for (proc, pid, scope) in std::mem::take(&mut self.watched) {
            let is_for_later = scope == Scope::Tree && !looks_at_trees;
            if is_for_later || self.rest_is_alive(proc, pid, scope) {
                self.watched.push((proc, pid, scope));
            } else {
                gone.push(proc);
            }
        }
        for proc in gone {
            self.feed(Input::GroupChecked { proc, alive: false });
        }
    }

    fn rest_is_alive(&mut self, proc: ProcRef, pid: Pid, scope: Scope) -> bool {
        match scope {
            Scope::Process | Scope::Group => group_is_alive(pid),
            Scope::Tree => self.tree_is_alive(proc, pid),
        }
    }
}

/// EPERM means that there is somebody whom we may not signal.
fn group_is_alive(pid: Pid) -> bool {
    !matches!(signals::send(To::Group(pid), Signal(0)), Err(Errno::ESRCH))
}
