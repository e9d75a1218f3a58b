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
            Action::CheckGroup { proc, pid } => self.check_group(proc, pid),
            Action::RunTask { task, timeout_ms } => self.run_task(task, timeout_ms),
            Action::EndTask(task) => self.end_task(task),
            Action::Reply { id, outcome } => self.reply_to_command(id, outcome),
            Action::Publish(change) => self.on_state_change(&change),
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
        let to = match scope {
            Scope::Process => To::Process(pid),
            Scope::Group => To::Group(pid),
        };
        match signals::send(to, signal) {
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
    fn check_group(&mut self, proc: ProcRef, pid: Pid) {
        let alive = group_is_alive(pid);
        self.watched.retain(|(p, _)| *p != proc);
        if alive {
            self.watched.push((proc, pid));
        }
        self.inputs.push_back(Input::GroupChecked { proc, alive });
    }

    /// After children were reaped, groups that lingered may be gone.
    pub(crate) fn recheck_groups(&mut self) {
        let watched = std::mem::take(&mut self.watched);
        let (alive, gone): (Vec<_>, Vec<_>) = watched.into_iter().partition(|(_, pid)| group_is_alive(*pid));
        self.watched = alive;
        for (proc, _) in gone {
            self.feed(Input::GroupChecked { proc, alive: false });
        }
    }
}

/// EPERM means that there is somebody whom we may not signal.
fn group_is_alive(pid: Pid) -> bool {
    !matches!(signals::send(To::Group(pid), Signal(0)), Err(Errno::ESRCH))
}
