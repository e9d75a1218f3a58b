//! The end that must never come: a panic in the core, or a kernel that refuses to wait.
//!
//! Says it, asks everybody to stop, waits a little, kills, and leaves with exit code 70. Dying silently as PID 1 would
//! kill the container without a stop signal to anybody.

use crate::sys::boot;
use crate::sys::clock;
use crate::sys::fd;
use crate::sys::signals::{self, To};
use crate::sys::wait::{self, Waited};
use crate::types::{Pid, Signal};
use nix::poll::{PollTimeout, poll};

/// The exit code of a last resort.
pub(crate) const EXIT_CODE: u8 = 70;

/// BOUND: what programs get to stop in an emergency.
const GRACE_MS: i64 = 5_000;

/// `groups`: process groups of the programs that were running.
pub(crate) fn stop_everybody(why: &str, groups: &[Pid]) -> u8 {
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
