//! What a child that could not become its program says on its own stderr, in Supervisor's words.
//!
//! Runs between clone and exec: no allocation, no panic path, only write(2). signal-safety(7).
//! Not here: when it may speak at all (`child`), what our own log says (`daemon::launch`).

use crate::sys::child::ExecPlan;
use crate::sys::step::{Failure, Stage};
use nix::libc;

/// Decimal digits, right-aligned, and where they begin. No allocation.
pub(super) fn decimal(value: u32) -> ([u8; 10], usize) {
    let mut digits = [b'0'; 10];
    let mut rest = value;
    let mut from = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        // The remainder of a division by ten fits a byte.
        *digit = b'0' + (rest % 10) as u8;
        from = at;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    (digits, from)
}

/// Supervisor's two lines on the child's stderr, put together without allocation.
pub(super) fn complain(plan: &ExecPlan, failure: Failure) {
    let say = |bytes: &[u8]| {
        // SAFETY: a live slice; nothing can be done about an error.
        unsafe { libc::write(2, bytes.as_ptr().cast(), bytes.len()) };
    };
    let stage = failure.stage;
    let is_user = plan.identity.is_some();
    let object: &[u8] =
        match (stage, plan.directory.as_ref().or(plan.start_directory.as_ref().map(|d| &d.path))) {
            (Stage::Directory, Some(directory)) => {
                say(b"supervisor: couldn't chdir to ");
                directory.to_bytes()
            }
            (Stage::Groups | Stage::Gid | Stage::Uid, _) if is_user => {
                say(b"supervisor: couldn't setuid to ");
                let (digits, from) = decimal(plan.identity.as_ref().map_or(0, |i| i.uid));
                say(digits.get(from..).unwrap_or(b"0"));
                b""
            }
            (Stage::Exec, _) => {
                say(b"supervisor: couldn't exec ");
                // COMPAT: the word of the command, not the file that was found for it.
                plan.argv.first().unwrap_or(&plan.path).to_bytes()
            }
            _ => {
                say(b"supervisor: couldn't ");
                let (words, more) = stage.words();
                say(words.as_bytes());
                more.as_bytes()
            }
        };
    say(object);
    say(b": ");
    match stage {
        // Supervisor looks at the uid first.
        // SAFETY: geteuid cannot fail.
        Stage::Groups | Stage::Gid | Stage::Uid if is_user && unsafe { libc::geteuid() } != 0 => {
            say(b"Can't drop privilege as nonroot user");
        }
        Stage::Groups if is_user => say(b"Could not set groups of effective user"),
        Stage::Gid => say(b"Could not set group id of effective user"),
        Stage::Uid => say(b"Can't drop privilege as nonroot user"),
        _ => say(crate::sys::errno::name(failure.errno).as_bytes()),
    }
    say(b"\nsupervisor: child process was not spawned\n");
}
