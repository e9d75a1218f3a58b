//! Commands beside a process: how one is run, which of them an ended one was, and whether anybody still wants to know.
//!
//! Pure. Invariant: a task is never run twice, for its serial is the engine's own count.
//! Not here: what follows from a check (`checks`) or a hook (`hooks`).

use crate::control::CheckKind;
use crate::engine::action::Action;
use crate::engine::input::{TaskEnd, TaskKind, TaskRef};
use crate::engine::slot::{Ctx, Slot};
use crate::engine::table::Engine;
use crate::types::{LogLevel, Now, ProcRef};

impl Ctx<'_> {
    /// Runs what the program's configuration names for this kind. `TaskEnded` follows, exactly one.
    pub(super) fn run_task(&mut self, proc: ProcRef, kind: TaskKind, timeout_ms: i64) -> TaskRef {
        *self.n_tasks = self.n_tasks.wrapping_add(1);
        let task = TaskRef { proc, kind, serial: *self.n_tasks };
        // No time at all would mean that it is never run.
        self.out.push(Action::RunTask { task, timeout_ms: timeout_ms.max(1) });
        task
    }
}

impl Engine {
    /// The hook after a stop belongs to an incarnation that may be over; a check never does.
    pub(super) fn on_task_ended(&mut self, now: Now, task: TaskRef, end: &TaskEnd, out: &mut Vec<Action>) {
        let slot = self.slots.get(task.proc.slot as usize);
        if slot.is_some_and(|slot| slot.hooks.running == Some(task)) {
            return self.with_slot(now, task.proc.slot, out, |slot, cx| slot.on_hook_ended(task, end, cx));
        }
        self.on_news_of(now, task.proc, "TaskEnded", out, |slot, cx| slot.on_task_ended(task, end, cx));
    }
}

impl Slot {
    /// A task of the present incarnation has ended that is no hook that anybody waits for.
    pub(super) fn on_task_ended(&mut self, task: TaskRef, end: &TaskEnd, cx: &mut Ctx<'_>) {
        match task.kind {
            TaskKind::Readiness => self.on_check_ended(task, CheckKind::Readiness, end, cx),
            TaskKind::Liveness => self.on_check_ended(task, CheckKind::Liveness, end, cx),
            TaskKind::PreStart | TaskKind::PostStop | TaskKind::StopCommand => {
                let text = format!("ignored the end of a {} task of {}", task.kind.word(), self.name());
                cx.log(LogLevel::Debug, text);
            }
        }
    }
}
