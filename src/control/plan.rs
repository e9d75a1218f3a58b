//! What an update would change, or has changed.
//!
//! Pure data. Not here: how it is found (`config::diff`, `daemon::plan`), how it is shown (`ctl`).

use serde::{Deserialize, Serialize};

/// Everything that differs between what runs and what is configured now.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Whether an update goes program by program. Else group by group, as Supervisor's does: the client stops, removes
    /// and adds whole groups.
    pub by_program: bool,
    pub steps: Vec<Step>,
    /// Settings of the daemon itself, which only `reload` changes.
    pub reload: Vec<SettingChange>,
}

/// What becomes of one process.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Step {
    pub group: String,
    pub name: String,
    pub kind: StepKind,
    /// Why; empty for what comes and goes.
    pub settings: Vec<SettingChange>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum StepKind {
    Add,
    Remove,
    /// Stopped, and started as it is configured now.
    Restart,
    /// Takes effect while it runs.
    Apply,
}

impl StepKind {
    /// The word for it, in JSON and XML-RPC.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            StepKind::Add => "add",
            StepKind::Remove => "remove",
            StepKind::Restart => "restart",
            StepKind::Apply => "apply",
        }
    }
}

/// One setting, before and after. Values of variables are left out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SettingChange {
    pub setting: String,
    pub from: String,
    pub to: String,
}
