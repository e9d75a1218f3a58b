//! What the engine needs of a program's configuration, and what follows from it alone.
//!
//! Pure. Not here: the life of the slot that has it (`slot`), where it comes from (`config`).

use crate::config::model::{
    Autorestart, Backoff, Bind, DependsOn, Gates, Group, GroupKind, Native, Probe, Program, Schedule,
    SignalTarget, StopStep, Waits,
};
use crate::engine::action::Scope;
use crate::engine::hooks::HookPolicy;
use crate::types::{ExitStatus, Signal};

/// What the engine needs of a program's configuration.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) name: String,
    /// The program section, where others may wait for it.
    pub(super) service: Option<String>,
    /// Started only when others have come so far.
    pub(super) waits: Option<Box<Waits>>,
    pub(super) group: String,
    pub(super) group_priority: i64,
    pub(super) priority: i64,
    pub(super) autostart: bool,
    pub(super) autorestart: Autorestart,
    pub(super) exitcodes: Vec<i32>,
    pub(super) startsecs_ms: i64,
    pub(super) startretries: i64,
    pub(super) backoff: Backoff,
    pub(super) stopsignal: Signal,
    pub(super) stopwaitsecs_ms: i64,
    pub(super) stopasgroup: bool,
    pub(super) killasgroup: bool,
    /// In place of the two.
    pub(super) target: Option<SignalTarget>,
    /// It uses what Supervisor does not know. COMPAT: of others `status` says less.
    pub(super) is_native: bool,
    /// Why it is not started by itself: see [`crate::config::model::Native`].
    pub(super) disabled: Option<String>,
    pub(super) readiness: Option<Box<Probe>>,
    pub(super) liveness: Option<Box<Probe>>,
    pub(super) gates: Gates,
    pub(super) depends_on: Vec<DependsOn>,
    pub(super) bind: Bind,
    pub(super) oneshot: bool,
    pub(super) schedule: Option<Box<Schedule>>,
    pub(super) critical: bool,
    pub(super) max_restarts: Option<u32>,
    pub(super) restart_window_ms: i64,
    /// The program section.
    program: String,
    pub(super) stop_ladder: Vec<StopStep>,
    pub(super) hooks: HookPolicy,
}

impl Policy {
    pub(super) fn new(program: &Program, group: &Group) -> Policy {
        Policy {
            name: program.name.clone(),
            service: matches!(group.kind, GroupKind::Program).then(|| program.program.clone()),
            waits: program.waits.clone(),
            group: group.name.clone(),
            group_priority: group.priority,
            priority: program.priority,
            autostart: program.autostart,
            autorestart: program.autorestart,
            exitcodes: program.exitcodes.clone(),
            startsecs_ms: program.startsecs_ms,
            startretries: program.startretries,
            backoff: program.backoff,
            stopsignal: program.stopsignal,
            stopwaitsecs_ms: program.stopwaitsecs_ms,
            stopasgroup: program.stopasgroup,
            killasgroup: program.killasgroup,
            target: program.native.signal_target,
            is_native: program.native != Native::default(),
            disabled: program.native.disabled.clone(),
            readiness: program.native.readiness.clone(),
            liveness: program.native.liveness.clone(),
            gates: program.native.gates,
            depends_on: program.native.depends_on.clone(),
            bind: program.native.bind,
            oneshot: program.native.oneshot,
            schedule: program.native.schedule.clone(),
            critical: program.native.critical,
            max_restarts: program.native.max_restarts,
            restart_window_ms: program.native.restart_window_ms,
            program: program.program.clone(),
            stop_ladder: program.native.stop_ladder.clone(),
            hooks: HookPolicy::new(program),
        }
    }

    /// It is to end by itself: there is nothing that it has to stay up for.
    pub(super) fn runs_to_its_end(&self) -> bool {
        self.oneshot || self.schedule.is_some()
    }

    /// What its place in every order depends on, and whom it waits for.
    pub(super) fn place(&self) -> (i64, i64, Option<&Waits>, &[DependsOn]) {
        (self.group_priority, self.priority, self.waits.as_deref(), &self.depends_on)
    }

    /// A dependency of that name means it: by its section, its group or itself.
    pub(super) fn is_called(&self, target: &str) -> bool {
        self.program == target || self.group == target || self.namespec() == target
    }

    /// COMPAT: Supervisor's name of a process: `group:name`, or `name` where both are the same.
    pub(super) fn namespec(&self) -> String {
        namespec(&self.group, &self.name)
    }

    /// Whom the stop signal is for.
    pub(super) fn stop_scope(&self) -> Scope {
        self.scope(self.stopasgroup)
    }

    /// Whom the SIGKILL after it is for. With more than the process, STOPPED means that nobody of them is left.
    pub(super) fn kill_scope(&self) -> Scope {
        self.scope(self.killasgroup)
    }

    /// Whom an operator's signal is for. COMPAT: `stopasgroup` has no say in it.
    pub(super) fn signal_scope(&self) -> Scope {
        self.scope(false)
    }

    fn scope(&self, as_group: bool) -> Scope {
        match self.target {
            Some(SignalTarget::Tree) => Scope::Tree,
            Some(SignalTarget::Group) => Scope::Group,
            None if as_group => Scope::Group,
            Some(SignalTarget::Process) | None => Scope::Process,
        }
    }

    /// COMPAT: a death by signal is never expected.
    pub(super) fn expects(&self, status: ExitStatus) -> bool {
        match status {
            ExitStatus::Code(code) => self.exitcodes.contains(&i32::from(code)),
            ExitStatus::Signal { .. } => false,
        }
    }

    pub(super) fn restarts_after(&self, expected: bool) -> bool {
        match self.autorestart {
            Autorestart::Never => false,
            Autorestart::Always => true,
            Autorestart::Unexpected => !expected,
        }
    }
}

pub(super) fn namespec(group: &str, name: &str) -> String {
    if group == name { name.to_owned() } else { format!("{group}:{name}") }
}
