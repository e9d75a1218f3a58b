//! How programs have ended: what the engine tells of each end, with what the kernel and their output say beside it.
//!
//! Does I/O: looks at the control group's count of kills. Invariants: a program that never ends costs nothing but a
//! pointer; bounded in entries and in bytes; a SIGKILL of ours is never said to be the kernel's; what cannot be known (no
//! control group to be seen) is not said. Not here: when a life ends and why as far as we did it (`engine::ends`), what is
//! shown (`daemon::explain`).

use crate::control::{End, EndReason, LastEnd, ProcessStats, Used};
use crate::daemon::state::Daemon;
use crate::engine::action::EndFacts;
use crate::sys::cgroup_view::{Cgroups, count_of, text_of};
use crate::sys::usage;
use crate::types::{ExitStatus, Mono, ProcRef, Signal};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// BOUND: ends that are kept of each program.
const MAX_ENDS: usize = 16;

/// BOUND: of so many of them the last output is kept, too.
const MAX_OUTPUTS: usize = 4;

/// BOUND: bytes of why something failed.
const MAX_WHY: usize = 512;

/// The memory of all programs, by slot.
#[derive(Debug)]
pub(crate) struct Histories {
    slots: Vec<Option<Box<History>>>,
    kills: KillCount,
    /// Kills of strangers that no end has been told with.
    unclaimed: u64,
    /// When a stranger was looked at last.
    looked_at: Option<Mono>,
    /// What the process that was reaped last has used, until the engine has told its end.
    reaped: Option<(ProcRef, usage::Used)>,
}

#[derive(Debug, Default)]
struct History {
    /// Newest first.
    ends: VecDeque<End>,
    n_ends: u64,
    /// Ends that the engine has counted as signals, or as stops, and that were for lack of memory.
    oom_of_signals: u64,
    oom_of_stops: u64,
}

impl Histories {
    /// With nothing in it. `root` is `/`, but in tests.
    pub(crate) fn new(root: &Path) -> Histories {
        let kills = KillCount::new(root);
        Histories { slots: Vec::new(), kills, unclaimed: 0, looked_at: None, reaped: None }
    }

    /// What a process has used; its end follows.
    pub(crate) fn note_usage(&mut self, proc: ProcRef, used: usage::Used) {
        self.reaped = Some((proc, used));
    }

    /// A process that is nobody's program died of SIGKILL: if that was the kernel's, it must not be taken for the next
    /// one's. One look in a turn is enough.
    pub(crate) fn note_killed_stranger(&mut self, now: Mono) {
        if self.looked_at != Some(now) {
            self.looked_at = Some(now);
            self.unclaimed += self.kills.grown();
        }
    }

    /// Another program has got the slot.
    pub(crate) fn forget(&mut self, slot: u32) {
        if let Some(history) = self.slots.get_mut(slot as usize) {
            *history = None;
        }
    }

    /// Newest first, and how many there were.
    pub(crate) fn of(&self, slot: u32) -> (Vec<End>, u64) {
        self.at(slot).map_or((Vec::new(), 0), |h| (h.ends.iter().cloned().collect(), h.n_ends))
    }

    pub(crate) fn last_of(&self, slot: u32) -> Option<LastEnd> {
        let end = self.at(slot)?.ends.front()?;
        Some(LastEnd { reason: end.reason, used: end.used })
    }

    /// Moves the ends that were for lack of memory from where the engine has counted them.
    pub(crate) fn correct(&self, slot: u32, stats: &mut ProcessStats) {
        let Some(history) = self.at(slot) else { return };
        stats.exits_oom = history.oom_of_signals + history.oom_of_stops;
        stats.exits_signal = stats.exits_signal.saturating_sub(history.oom_of_signals);
        stats.exits_stopped = stats.exits_stopped.saturating_sub(history.oom_of_stops);
    }

    fn at(&self, slot: u32) -> Option<&History> {
        self.slots.get(slot as usize)?.as_deref()
    }

    /// An end, with what only the kernel knows of it.
    fn completed(&mut self, facts: EndFacts) -> End {
        let used = self.reaped.take().filter(|(proc, _)| *proc == facts.proc).map(|(_, used)| used);
        let mut end = End {
            reason: facts.reason,
            status: facts.status,
            expected: facts.expected,
            killed: facts.killed,
            tries: facts.tries,
            start: facts.started.wall,
            end: facts.started.wall,
            uptime_ns: facts.uptime_ns,
            why: cut(facts.why),
            used: used.map(|u| Used { peak_bytes: u.peak_bytes, user_us: u.user_us, system_us: u.system_us }),
            oom_kills: 0,
            last_output: String::new(),
        };
        let is_foreign = match facts.reason {
            EndReason::Exit => !facts.expected,
            EndReason::Signal | EndReason::Stopped => !facts.killed,
            EndReason::Oom | EndReason::Timeout | EndReason::Spawn | EndReason::Liveness => false,
        };
        if is_foreign {
            let kills = self.kills.grown();
            if kills > 0 && is_sigkill(facts.status) {
                end.reason = EndReason::Oom;
            }
            let others = kills - u64::from(end.reason == EndReason::Oom);
            end.oom_kills = others + std::mem::take(&mut self.unclaimed);
        }
        end
    }

    fn push(&mut self, slot: u32, counted_as: EndReason, end: End) {
        let at = slot as usize;
        if at >= self.slots.len() {
            self.slots.resize_with(at + 1, || None);
        }
        let Some(place) = self.slots.get_mut(at) else { return };
        let history = place.get_or_insert_default();
        if end.reason == EndReason::Oom {
            let count = match counted_as {
                EndReason::Stopped => &mut history.oom_of_stops,
                _ => &mut history.oom_of_signals,
            };
            *count += 1;
        }
        history.n_ends += 1;
        history.ends.truncate(MAX_ENDS - 1);
        if let Some(old) = history.ends.get_mut(MAX_OUTPUTS - 1) {
            old.last_output = String::new();
        }
        history.ends.push_front(end);
    }
}

pub(crate) fn is_sigkill(status: Option<ExitStatus>) -> bool {
    matches!(status, Some(ExitStatus::Signal { signal: Signal::KILL, .. }))
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_WHY {
        let end = (0..=MAX_WHY).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text.shrink_to_fit();
    text
}

/// How many processes the kernel has killed in our control group for lack of memory.
#[derive(Debug)]
struct KillCount {
    /// `None`: there is nothing to look at.
    file: Option<PathBuf>,
    seen: u64,
}

impl KillCount {
    /// What was before us does not count.
    fn new(root: &Path) -> KillCount {
        let files = Cgroups::own(root).oom_files();
        let found = files.into_iter().find_map(|file| Some((look(&file)?, file)));
        let (seen, file) = found.map_or((0, None), |(n, file)| (n, Some(file)));
        KillCount { file, seen }
    }

    /// How many since the last look.
    fn grown(&mut self) -> u64 {
        let Some(now) = self.file.as_deref().and_then(look) else { return 0 };
        now.saturating_sub(std::mem::replace(&mut self.seen, now))
    }
}

fn look(file: &Path) -> Option<u64> {
    count_of(&text_of(file), "oom_kill")
}

impl Daemon {
    /// A life, or an attempt at one, is over.
    pub(crate) fn on_ended(&mut self, facts: EndFacts) {
        let (proc, counted_as) = (facts.proc, facts.reason);
        let last_output = if facts.status.is_some() { self.recents.last_words(proc) } else { String::new() };
        let end = self.histories.completed(facts);
        if end.reason == EndReason::Oom {
            let text = format!("the kernel has killed {}: out of memory", self.display_name(proc));
            self.log(crate::types::LogLevel::Warn, &text);
        }
        self.histories.push(proc.slot, counted_as, End { last_output, end: self.now.wall, ..end });
    }
}

#[cfg(test)]
mod tests;
