//! How the lines of a program are written: from its settings to the last stage before its log.
//!
//! Not here: the stage itself (`logging::outlet`), the rest of the way (`launch`).

use crate::config::model::LogFormat;
use crate::daemon::state::Daemon;
use crate::logging::SinkId;
use crate::logging::outlet::Outlet;
use crate::logging::style::Who;
use crate::types::{Pid, ProcRef};

impl Daemon {
    /// `None` where bytes go as they are. COMPAT: what a listener answers is no text, and is never written otherwise.
    pub(crate) fn outlet(
        &self,
        proc: ProcRef,
        pid: Pid,
        stderr: bool,
        sink: Option<SinkId>,
    ) -> Option<Box<Outlet>> {
        let sink = sink.filter(|_| !self.is_protocol(proc, stderr))?;
        let style = self.program(proc)?.native.log;
        let is_prefix = style.format == LogFormat::Prefix;
        let who = Who {
            name: self.name_in_log(proc.slot)?,
            stderr,
            pid: pid.0,
            width: if is_prefix { self.width_of_names() } else { 0 },
            colour: (is_prefix && self.wants_colour(sink)).then_some(proc.slot),
        };
        Outlet::new(sink, style, &who)
    }

    fn name_in_log(&self, slot: u32) -> Option<String> {
        let (group, member) = self.roster.place(slot)?;
        let program = group.programs.get(*member)?;
        let (group, name) = (&group.name, &program.name);
        Some(if group == name { name.clone() } else { format!("{group}:{name}") })
    }

    /// The longest name of those that stand before lines.
    fn width_of_names(&self) -> usize {
        let slots = 0..u32::try_from(self.slots.len()).unwrap_or(0);
        let has_prefix =
            |slot: &u32| self.roster.program(*slot).is_some_and(|p| p.native.log.format == LogFormat::Prefix);
        let names = slots.filter(has_prefix).filter_map(|slot| self.name_in_log(slot));
        names.map(|name| name.chars().count()).max().unwrap_or(0)
    }

    /// People look at it, and have not said that they want no colours.
    fn wants_colour(&self, sink: SinkId) -> bool {
        let refused = self.env.iter().any(|(name, value)| name == "NO_COLOR" && !value.is_empty());
        !refused && self.sinks.is_terminal(sink)
    }
}
