//! Commands beside a process: which of them an ended one was, and whether anybody still wants to know.
//!
//! Pure. Not here: what follows from a check or a hook.

use crate::control::CheckKind;
use crate::engine::action::Action;
use crate::engine::input::{TaskEnd, TaskKind, TaskRef};
use crate::engine::slot::{Ctx, Slot};
use crate::types::{LogLevel, ProcRef};

impl Ctx<'_> {
    /// Asks for a command beside a process. Its end is told with the reference that this gives.
    pub(super) fn run_task(&mut self, proc: ProcRef, kind: TaskKind, timeout_ms: i64) -> TaskRef {
        *self.n_tasks = self.n_tasks.wrapping_add(1);
        let task = TaskRef { proc, kind, serial: *self.n_tasks };
        self.out.push(Action::RunTask { task, timeout_ms });
        task
    }
}

impl Slot {
    /// A task of the present incarnation has ended.
    pub(super) fn on_task_ended(&mut self, task: TaskRef, end: &TaskEnd, cx: &mut Ctx<'_>) {
        match task.kind {
            TaskKind::Readiness => self.on_check_ended(task, CheckKind::Readiness, end, cx),
            TaskKind::Liveness => self.on_check_ended(task, CheckKind::Liveness, end, cx),
            TaskKind::PreStart | TaskKind::PostStop | TaskKind::StopCommand => {
                let text = format!("ignored the end of a {:?} task of {}", task.kind, self.name());
                cx.log(LogLevel::Debug, text);
            }
        }
    }
}
