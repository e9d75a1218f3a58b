//! Commands beside a process: which of them an ended one was, and whether anybody still wants to know.
//!
//! Pure. Not here: what follows from a check or a hook.

use crate::engine::input::{TaskEnd, TaskRef};
use crate::engine::slot::{Ctx, Slot};
use crate::types::LogLevel;

impl Slot {
    /// A task of the present incarnation has ended.
    pub(super) fn on_task_ended(&mut self, task: TaskRef, _end: &TaskEnd, cx: &mut Ctx<'_>) {
        let text = format!("ignored the end of a {:?} task of {}", task.kind, self.name());
        cx.log(LogLevel::Debug, text);
    }
}
