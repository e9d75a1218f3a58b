//! Three low descriptors through which a program's 0, 1 and 2 are handed over.
//!
//! A child gets a copy of our whole descriptor table, and its exec closes every one that is close-on-exec: with a
//! thousand programs that costs more than the rest of the start. So where the kernel can (5.9), the child starts on our
//! own table and cuts a private copy off just above the stage: close_range(2) copies nothing beyond. Between the two
//! we are suspended. RACE: nothing changes in the table before the cut.

use crate::sys::fd;
use nix::errno::Errno;
use nix::libc;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

/// close_range(2): make a private copy of the table, without what is closed.
const CLOSE_RANGE_UNSHARE: libc::c_uint = 1 << 1;

/// See the module.
pub(crate) struct FdStage {
    /// Stands on a place that nobody uses.
    empty: EventFd,
    places: [OwnedFd; 3],
}

impl FdStage {
    /// `None` where the kernel or a seccomp profile does not allow the cut.
    pub(crate) fn new() -> Option<FdStage> {
        // SAFETY: nothing is open at the very end of the numbers; this only asks whether the call is there.
        let asked =
            unsafe { libc::syscall(libc::SYS_close_range, u32::MAX - 1, u32::MAX, CLOSE_RANGE_UNSHARE) };
        if asked != 0 {
            return None;
        }
        let empty = EventFd::from_flags(EfdFlags::EFD_CLOEXEC).ok()?;
        let place = || fd::duplicate_above(empty.as_fd(), 3).ok();
        let places = [place()?, place()?, place()?];
        Some(FdStage { empty, places })
    }

    /// The highest number of the stage.
    pub(crate) fn top(&self) -> RawFd {
        self.places.iter().map(AsRawFd::as_raw_fd).max().unwrap_or(2)
    }

    /// Puts the plan's descriptors on the stage and says where they are now.
    pub(crate) fn set(&self, stdio: &[Option<RawFd>; 3]) -> [Option<RawFd>; 3] {
        let mut staged = *stdio;
        for (source, place) in staged.iter_mut().zip(&self.places) {
            // Our own standard descriptors are below the cut anyway.
            if let Some(number) = source.filter(|n| *n > 2) {
                put(number, place.as_raw_fd());
                *source = Some(place.as_raw_fd());
            }
        }
        staged
    }

    /// Lets go: a pipe's end that stayed here would keep its other end waiting for ever.
    pub(crate) fn clear(&self, staged: &[Option<RawFd>; 3]) {
        for place in staged.iter().flatten().filter(|n| **n > 2) {
            put(self.empty.as_fd().as_raw_fd(), *place);
        }
    }
}

fn put(source: RawFd, place: RawFd) {
    // SAFETY: both are open descriptors of ours, and the place holds nothing of value.
    unsafe { libc::dup3(source, place, libc::O_CLOEXEC) };
}

/// In the child: from here on its table is its own, and ends at `top`.
///
/// # Errors
/// The number of the error; the table is the parent's then.
pub(crate) fn cut_above(top: RawFd) -> Result<(), i32> {
    // SAFETY: a system call on numbers.
    let cut = unsafe { libc::syscall(libc::SYS_close_range, top + 1, u32::MAX, CLOSE_RANGE_UNSHARE) };
    if cut == 0 { Ok(()) } else { Err(Errno::last_raw()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleared_stage_holds_no_end_of_a_pipe() {
        let Some(stage) = FdStage::new() else { return println!("skipped: this kernel has no close_range") };
        let (read, write) = fd::pipe_for_reading().expect("pipe");
        let staged = stage.set(&[None, Some(write.as_raw_fd()), None]);
        drop(write);
        let mut byte = [0];
        assert_eq!(fd::read_some(read.as_fd(), &mut byte), Ok(None), "the stage holds the other end");
        stage.clear(&staged);
        assert_eq!(fd::read_some(read.as_fd(), &mut byte), Ok(Some(0)), "nobody does");
    }
}
