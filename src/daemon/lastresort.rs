//! The end that must never come: a panic in the core, or a kernel that refuses to wait.
//!
//! Says it, asks everybody to stop, waits a little, kills, and leaves with exit code 70. Dying silently as PID 1 would
//! kill the container without a stop signal to anybody.
//! Invariants: nothing is unwound and nothing that the panic may have left in pieces is used: only the list of process
//! groups, which is whole after every statement (docs/adr/0011).

use crate::sys::boot;
use crate::sys::clock;
use crate::sys::fd;
use crate::sys::signals::{self, To};
use crate::sys::wait::{self, Waited};
use crate::types::{Pid, Signal};
use nix::poll::{PollTimeout, poll};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The exit code of a last resort.
pub(crate) const EXIT_CODE: u8 = 70;

/// BOUND: what programs get to stop in an emergency.
const GRACE_MS: i64 = 5_000;

/// Process groups of what we have started and not reaped.
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// A process group has been started.
pub(crate) fn born(group: Pid) {
    groups().insert(group.0);
}

/// The leader of a process group has been reaped.
pub(crate) fn gone(group: Pid) {
    groups().remove(&group.0);
}

fn groups() -> MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From here on a panic of this process is the last resort.
#[expect(clippy::disallowed_methods, reason = "nothing is left to return to")]
pub(crate) fn arm() {
    std::panic::set_hook(Box::new(|panic| {
        fd::last_words(&format!("mainstay {panic}\n"));
        // Held by the panic itself, if at all: then PID 1 still reaches everybody.
        let groups = GROUPS.try_lock().map(|groups| groups.iter().map(|g| Pid(*g)).collect::<Vec<_>>());
        let code = stop_everybody("a panic in the core (see above)", &groups.unwrap_or_default());
        std::process::exit(i32::from(code));
    }));
}

/// Stops what runs and says why. Returns the exit code.
pub(crate) fn stop_all(why: &str) -> u8 {
    let groups: Vec<Pid> = groups().iter().map(|g| Pid(*g)).collect();
    stop_everybody(why, &groups)
}

fn stop_everybody(why: &str, groups: &[Pid]) -> u8 {
    // Act before speaking: nobody may be reading what we say.
    tell(groups, Signal::TERM);
    let deadline = clock::now().mono.plus_ms(GRACE_MS);
    while clock::now().mono < deadline && reap_all() {
        // There is nothing to poll: this only passes a little time between two looks.
        let _ = poll(&mut [], PollTimeout::from(20u8));
    }
    tell(groups, Signal::KILL);
    reap_all();
    fd::last_words(&format!(
        "mainstay: internal error: {why}\nmainstay: all programs were stopped, leaving with {EXIT_CODE}\n"
    ));
    EXIT_CODE
}

fn tell(groups: &[Pid], signal: Signal) {
    if boot::is_pid1() {
        let _ = signals::send(To::Everybody, signal); // nobody left is as good
        return;
    }
    for group in groups {
        let _ = signals::send(To::Group(*group), signal); // gone already is as good
    }
}

/// Whether children are left.
fn reap_all() -> bool {
    loop {
        match wait::next(false) {
            Waited::Dead(..) | Waited::Stopped(..) => {}
            Waited::Nothing => return true,
            Waited::NoChildren => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, Stdio};

    const VICTIM: &str = "MAINSTAY_TEST_PANICS";

    /// Only in the process that the test below starts; what it starts in turn is reaped by the last resort.
    #[test]
    #[expect(clippy::disallowed_methods, clippy::zombie_processes, reason = "a program to be stopped")]
    fn victim() {
        if std::env::var_os(VICTIM).is_none() {
            return;
        }
        let program = Command::new("sleep").arg("1000").process_group(0).spawn().expect("sleep");
        let done = Command::new("true").process_group(0).spawn().expect("true");
        born(Pid(i32::try_from(program.id()).expect("a pid")));
        born(Pid(i32::try_from(done.id()).expect("a pid")));
        gone(Pid(i32::try_from(done.id()).expect("a pid")));
        println!("program {}", program.id());
        arm();
        let nothing: Option<u8> = std::hint::black_box(None);
        nothing.expect("a mistake of ours");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the process that panics is a child of the test")]
    fn a_panic_stops_every_program_and_says_what_it_was() {
        let ours = std::env::current_exe().expect("our own path");
        let out = Command::new(ours)
            .args(["--exact", "daemon::lastresort::tests::victim", "--nocapture"])
            .env(VICTIM, "1")
            .stdin(Stdio::null())
            .output()
            .expect("starts");
        let (said, told) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.status.code(), Some(i32::from(EXIT_CODE)), "{:?} {told}", out.status.signal());
        assert!(told.contains("panicked at") && told.contains("a mistake of ours"), "{told}");
        assert!(told.contains("internal error: a panic in the core"), "{told}");
        let program = said.lines().find_map(|line| line.strip_prefix("program ")).expect("it was started");
        let gone = signals::send(To::Process(Pid(program.parse().expect("a pid"))), Signal(0));
        assert_eq!(gone, Err(nix::errno::Errno::ESRCH), "it outlived us");
    }
}
