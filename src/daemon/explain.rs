//! Puts together why a process is as it is.
//!
//! No I/O. Not here: the history itself (`history`), what comes next (`engine`), how it is shown (`ctl`).

use crate::control::Explained;
use crate::daemon::state::Daemon;

impl Daemon {
    /// `None` where there is no such process.
    pub(crate) fn explained(&self, group: &str, name: &str) -> Option<Explained> {
        let slot = self.engine.slot_of(group, name)?;
        let mut info = self.engine.process_info(slot, self.now)?;
        self.complete(&mut info, slot);
        let (ends, n_ends) = self.histories.of(slot);
        Some(Explained {
            now: self.now.wall,
            info,
            since: self.engine.since(slot),
            next: self.engine.outlook(slot, self.now)?,
            ends,
            n_ends,
        })
    }
}
