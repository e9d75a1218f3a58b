//! Every process as everybody may see it.
//!
//! Pure. Not here: log file names (the shell fills them in), text for people (`gateway`, `ctl`).

use crate::control::ProcessInfo;
use crate::engine::slot::{Life, Slot};
use crate::engine::table::Engine;
use crate::types::Now;

impl Engine {
    /// All processes by (group, name).
    #[must_use]
    pub fn process_infos(&self, now: Now) -> Vec<ProcessInfo> {
        self.shown().map(|slot| self.info_of(slot, now)).collect()
    }

    pub(super) fn info_of(&self, slot: &Slot, now: Now) -> ProcessInfo {
        ProcessInfo { note: self.note_of(slot, now), ..slot.info(now) }
    }

    /// Slot numbers in the order of `process_infos`, for whoever fills in what the engine does not know.
    #[must_use]
    pub fn shown_order(&self) -> &[u32] {
        &self.layout.shown_order
    }

    /// The slot of a process by its names.
    #[must_use]
    pub fn slot_of(&self, group: &str, name: &str) -> Option<u32> {
        self.layout.groups.get(group)?.by_name.get(name).copied()
    }

    /// The slots that a command to start this group, or all, would start.
    #[must_use]
    pub fn startable(&self, group: Option<&str>) -> Vec<u32> {
        let slots = match group {
            Some(group) => self.layout.groups.get(group).map(|g| &g.start_order),
            None => Some(&self.layout.start_order),
        };
        slots.into_iter().flatten().copied().filter(|slot| !self.state(*slot).is_running()).collect()
    }

    pub(super) fn shown(&self) -> impl Iterator<Item = &Slot> {
        self.layout.shown_order.iter().filter_map(|id| self.slots.get(*id as usize))
    }
}

impl Slot {
    fn info(&self, now: Now) -> ProcessInfo {
        let (pid, uptime_ns) = match self.life {
            Life::Alive(pid) => (pid.0, now.mono.since_ns(self.started.mono)),
            Life::Absent | Life::Preparing | Life::Forking { .. } | Life::Remnants(_) => (0, 0),
        };
        ProcessInfo {
            group: self.policy.group.clone(),
            name: self.policy.name.clone(),
            state: self.state,
            pid,
            start: self.started.wall,
            stop: self.stopped,
            uptime_ns,
            spawnerr: self.spawnerr.clone(),
            exit: self.exit,
            last_exit: self.last_exit,
            stdout_logfile: String::new(),
            stderr_logfile: String::new(),
            ready: self.is_ready(),
            next_run: self.next_run(),
            note: String::new(),
            last_end: None,
            stats: self.stats,
            checks: self.check_infos(),
        }
    }
}
