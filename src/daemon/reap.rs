//! Collects dead children: ours go to the engine, the gateway is started again, orphans are counted.
//!
//! Invariants: a program's output is read dry before its exit is reported; a stranger's exit changes nothing but a
//! number. RACE: pids are registered in the turn that forks, and nobody else waits, so a fast death is never missed.

use crate::daemon::history::is_sigkill;
use crate::daemon::lastresort;
use crate::daemon::state::Daemon;
use crate::engine::input::Input;
use crate::sys::clock;
use crate::sys::usage::Used;
use crate::sys::wait::{self, Waited};
use crate::types::{ExitStatus, LogLevel, Pid};

/// BOUND: children reaped in one turn; more are taken in the next, which comes at once.
const REAPS_PER_TURN: usize = 1_024;

/// BOUND: how long deaths may keep a turn: with each of ours a start may go.
const REAPING_MS: i64 = 3;

impl Daemon {
    /// Takes what is dead, as many as one turn may.
    pub(crate) fn reap(&mut self) {
        self.reap_again = false;
        let enough = clock::now().mono.plus_ms(REAPING_MS);
        for n in 0.. {
            if n == REAPS_PER_TURN || (n > 0 && n % 8 == 0 && clock::now().mono >= enough) {
                self.reap_again = true;
                break;
            }
            let (found, used) = wait::next_with_usage(false);
            match found {
                Waited::Dead(pid, status) => self.reaped(pid, status, used),
                Waited::Stopped(..) => {}
                Waited::Nothing | Waited::NoChildren => break,
            }
        }
        self.sweep_tasks();
        if !self.watched.is_empty() {
            self.recheck_groups();
        }
    }

    fn reaped(&mut self, pid: Pid, status: ExitStatus, used: Used) {
        let Some(proc) = self.pids.remove(&pid.0) else {
            if self.reaped_task(pid, status) {
                // Told of when nobody is left in its group.
            } else if self.gateway.is_process(pid) {
                lastresort::gone(pid);
                self.on_gateway_exit(status);
            } else {
                self.orphans += 1;
                if is_sigkill(Some(status)) {
                    self.histories.note_killed_stranger(self.now.mono);
                }
                if self.journal.wants(LogLevel::Debug) {
                    self.log(LogLevel::Debug, &format!("reaped unknown pid {pid} ({status})"));
                }
            }
            return;
        };
        lastresort::gone(pid);
        self.drain_output_of(proc);
        self.close_stdin(proc);
        self.close_voices(proc);
        if let Some(slot) = self.slot_mut(proc) {
            slot.pid = None;
            slot.last_exit = Some(status);
        }
        self.histories.note_usage(proc, used);
        self.feed(Input::Exited { proc, status });
    }
}
