//! What a task runs: the command that the program's model names for it, in the program's context.
//!
//! Looks up files. Invariant: a task has the program's user, directory, limits and variables, and what tells it why it
//! runs on top. Not here: the process (`tasks`), the plan itself (`spawn`).

use crate::config::model::{HookCommand, Hooks, Probe, ProbeKind, Program};
use crate::daemon::state::Daemon;
use crate::engine::input::{TaskKind, TaskRef};
use crate::spawn;
use crate::sys::child::ExecPlan;
use crate::types::ExitStatus;

/// A command, ready to be looked up.
pub(crate) struct Words {
    pub(crate) argv: Vec<String>,
    /// Our own binary does the work; `argv` begins with its name.
    pub(crate) own_binary: bool,
}

/// What carries out a check; `None`: nobody, it is not a matter of running something.
pub(crate) fn probe_argv(probe: &Probe) -> Option<Words> {
    match &probe.how {
        ProbeKind::Exec { argv, .. } => Some(Words { argv: argv.clone(), own_binary: false }),
        ProbeKind::Http { url } => Some(ourselves("http", url)),
        ProbeKind::Tcp { address } => Some(ourselves("tcp", address)),
        ProbeKind::Log { .. } | ProbeKind::Notify | ProbeKind::Fd(_) => None,
    }
}

/// Never inside PID 1: what a server answers is read by a process that may fall over it.
fn ourselves(what: &str, whom: &str) -> Words {
    let argv = ["mainstay", "probe", what, whom].map(str::to_owned).to_vec();
    Words { argv, own_binary: true }
}

fn words_of(program: &Program, kind: TaskKind) -> Option<Words> {
    let native = &program.native;
    let hook = |of: fn(&Hooks) -> &Option<HookCommand>| {
        let command = native.hooks.as_deref().and_then(|hooks| of(hooks).as_ref());
        command.map(|c| Words { argv: c.argv.clone(), own_binary: false })
    };
    match kind {
        TaskKind::PreStart => hook(|h| &h.pre_start),
        TaskKind::PostStop => hook(|h| &h.post_stop),
        TaskKind::StopCommand => hook(|h| &h.stop_command),
        TaskKind::Readiness => native.readiness.as_deref().and_then(probe_argv),
        TaskKind::Liveness => native.liveness.as_deref().and_then(probe_argv),
    }
}

impl Daemon {
    /// Everything but the descriptors, and the program that the task is for as long as it runs.
    ///
    /// # Errors
    /// Why it cannot be run, as a sentence.
    pub(crate) fn plan_task(&self, task: TaskRef) -> Result<(ExecPlan, Program), String> {
        let Some(program) = self.program(task.proc) else {
            return Err("its program is gone".to_owned());
        };
        let Some(words) = words_of(program, task.kind) else {
            return Err("the configuration names no command for it".to_owned());
        };
        let mut own = program.clone();
        own.environment.extend(self.variables(program, task));
        own.command = words.argv.join(" ");
        own.argv = Ok(words.argv);
        let plan = if words.own_binary {
            spawn::plan_ourselves(&own, &self.context, [None; 3])
        } else {
            spawn::plan(&own, &self.context, [None; 3])
        };
        // What fails before the exec is told by us, not by the child on its stderr.
        plan.map(|plan| (ExecPlan { complain: false, ..plan }, own)).map_err(|e| e.text)
    }

    /// What a task may want to know.
    fn variables(&self, program: &Program, task: TaskRef) -> Vec<(String, String)> {
        let slot = self.slots.get(task.proc.slot as usize);
        let mut all = vec![
            ("MAINSTAY_PROGRAM", program.name.clone()),
            ("MAINSTAY_GROUP", program.group.clone()),
            ("MAINSTAY_HOOK", task.kind.word().to_owned()),
        ];
        match task.kind {
            TaskKind::PreStart => {}
            TaskKind::StopCommand | TaskKind::Readiness | TaskKind::Liveness => {
                all.extend(slot.and_then(|s| s.pid).map(|pid| ("MAINSTAY_PID", pid.to_string())));
            }
            TaskKind::PostStop => {
                if let Some(status) = slot.and_then(|s| s.last_exit) {
                    all.extend(exit_variables(status));
                    // What `ctl explain` says; the engine alone does not know of lack of memory.
                    let reason = self.histories.last_of(task.proc.slot).map(|end| end.reason.word());
                    all.extend(reason.map(|word| ("MAINSTAY_EXIT_REASON", word.to_owned())));
                }
            }
        }
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The code is a shell's, so that there always is one; the signal only where there was one.
fn exit_variables(status: ExitStatus) -> Vec<(&'static str, String)> {
    let mut all = vec![("MAINSTAY_EXIT_CODE", status.shell_code().to_string())];
    if let ExitStatus::Signal { signal, .. } = status {
        all.push(("MAINSTAY_EXIT_SIGNAL", signal.to_string().trim_start_matches("SIG").to_owned()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Signal;

    #[test]
    fn an_exit_is_told_as_a_shell_would() {
        assert_eq!(exit_variables(ExitStatus::Code(3)), [("MAINSTAY_EXIT_CODE", "3".to_owned())]);
        let term = ExitStatus::Signal { signal: Signal::TERM, core: false };
        let both = [("MAINSTAY_EXIT_CODE", "143".to_owned()), ("MAINSTAY_EXIT_SIGNAL", "TERM".to_owned())];
        assert_eq!(exit_variables(term), both);
    }
}
