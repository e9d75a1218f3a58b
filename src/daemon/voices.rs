//! The ways in which a program speaks by itself: its sd_notify socket, a descriptor for one newline, a line of its log.
//!
//! Does I/O. Invariants: made with an incarnation and closed when it is reaped, so that nobody can speak for a later one;
//! a program that is not configured to speak has nothing of it. Not here: the messages (`notify`), the lines
//! (`log_ready`), what follows (`engine::checks`).

use crate::config::model::{ProbeKind, Program};
use crate::daemon::log_ready::LogReady;
use crate::daemon::notify::Notify;
use crate::daemon::sources::{Token, cut};
use crate::daemon::state::Daemon;
use crate::engine::input::{Input, Told};
use crate::sys::child::ExecPlan;
use crate::sys::{fd, notify};
use crate::types::{LogLevel, ProcRef};
use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// BOUND: what a program may write to its descriptor before the newline.
const READY_BYTES: usize = 4_096;

/// See the module.
#[derive(Default)]
pub(crate) struct Voices {
    pub(crate) notify: Option<Notify>,
    /// Our end, and how much has come without a newline.
    ready: Option<(OwnedFd, usize)>,
    pub(crate) log: Option<Box<LogReady>>,
    /// The program's end of `ready`, until it has been started.
    theirs: Option<OwnedFd>,
}

fn readiness(program: &Program) -> Option<&ProbeKind> {
    program.native.readiness.as_ref().map(|probe| &probe.how)
}

/// Its readiness is a line of its output.
pub(crate) fn watches_log(program: &Program) -> bool {
    matches!(readiness(program), Some(ProbeKind::Log { .. }))
}

impl Voices {
    /// The highest number of a descriptor among them.
    pub(crate) fn highest(&self) -> i32 {
        let numbers = [
            self.notify.as_ref().map(|n| n.socket.as_raw_fd()),
            self.ready.as_ref().map(|(fd, _)| fd.as_raw_fd()),
            self.theirs.as_ref().map(AsRawFd::as_raw_fd),
        ];
        numbers.into_iter().flatten().max().unwrap_or(0)
    }

    /// Opens what the program is to have, and puts it into its plan.
    ///
    /// # Errors
    /// EMFILE and the like.
    pub(crate) fn open(program: &Program, own_uid: u32, plan: &mut ExecPlan) -> Result<Voices, Errno> {
        let mut voices = Voices::default();
        let liveness = program.native.liveness.as_deref();
        let watch = liveness.filter(|probe| probe.how == ProbeKind::Notify);
        if watch.is_some() || readiness(program) == Some(&ProbeKind::Notify) {
            // The standard library seeds each RandomState from the kernel's generator: nobody can be there before us.
            let name = format!("mainstay/{:016x}", RandomState::new().build_hasher().finish());
            let socket = notify::open(&name)?;
            let uid = program.user.as_ref().map_or(own_uid, |user| user.uid);
            voices.notify = Some(Notify { socket, uids: [0, own_uid, uid] });
            plan.envp.set("NOTIFY_SOCKET", &format!("@{name}"));
        }
        if let Some(probe) = watch {
            plan.envp.set("WATCHDOG_USEC", &probe.timeout_ms.max(1).saturating_mul(1_000).to_string());
            plan.pid_slot = Some(plan.envp.set_number("WATCHDOG_PID"));
        }
        match readiness(program) {
            Some(ProbeKind::Fd(number)) => {
                let (ours, theirs) = fd::pipe_for_reading()?;
                plan.placed = Some((theirs.as_raw_fd(), *number));
                voices.ready = Some((ours, 0));
                voices.theirs = Some(theirs);
            }
            Some(ProbeKind::Log { pattern }) => voices.log = LogReady::new(pattern).map(Box::new),
            _ => {}
        }
        Ok(voices)
    }
}

impl Daemon {
    /// The program has been started: from here on it is listened to.
    pub(crate) fn keep_voices(&mut self, proc: ProcRef, mut voices: Voices) {
        voices.theirs = None;
        let generation = cut(proc.incarnation);
        let notify =
            voices.notify.as_ref().map(|n| (&n.socket, Token::Notify { slot: proc.slot, generation }));
        let ready = voices.ready.as_ref().map(|(fd, _)| (fd, Token::Ready { slot: proc.slot, generation }));
        for (fd, token) in notify.into_iter().chain(ready) {
            if let Err(e) = self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, token.encode())) {
                let name = self.display_name(proc);
                self.log(LogLevel::Critical, &format!("cannot listen to what {name} says: {}", e.desc()));
            }
        }
        if let Some(slot) = self.slot_mut(proc) {
            slot.voices = voices;
        }
    }

    /// It has been reaped: whoever still speaks does not speak for it.
    pub(crate) fn close_voices(&mut self, proc: ProcRef) {
        let Some(voices) = self.slot_mut(proc).map(|slot| std::mem::take(&mut slot.voices)) else { return };
        if let Some(notify) = &voices.notify {
            let _ = self.epoll.delete(&notify.socket); // it is in the set, or was never put there
        }
        if let Some((fd, _)) = &voices.ready {
            let _ = self.epoll.delete(fd); // the same
        }
    }

    /// The voices of a live incarnation, and which it is.
    pub(crate) fn voices_of(&mut self, slot: u32, generation: u32) -> Option<(ProcRef, &mut Voices)> {
        let place = self.slots.get_mut(slot as usize)?;
        let proc = ProcRef { slot, incarnation: place.incarnation };
        (cut(place.incarnation) == generation && place.pid.is_some()).then_some((proc, &mut place.voices))
    }

    /// Something has come on a program's descriptor, or nobody holds it any more. Without a newline it is never ready.
    pub(crate) fn on_ready_fd(&mut self, slot: u32, generation: u32) {
        let Some((proc, voices)) = self.voices_of(slot, generation) else { return };
        let Some((fd, n_read)) = &mut voices.ready else { return };
        let mut bytes = [0; 256];
        let n = match fd::read_some(fd.as_fd(), &mut bytes) {
            Ok(None) => return,
            Ok(Some(n)) => n,
            Err(_) => 0,
        };
        *n_read += n;
        let is_ready = bytes.get(..n).is_some_and(|bytes| bytes.contains(&b'\n'));
        if n > 0 && !is_ready && *n_read < READY_BYTES {
            return;
        }
        if let Some((fd, _)) = voices.ready.take() {
            let _ = self.epoll.delete(&fd); // it is in the set
        }
        if is_ready {
            self.feed(Input::Told { proc, what: Told::Ready });
        } else {
            let name = self.display_name(proc);
            let text =
                format!("{name} has closed its readiness descriptor without a newline: it will not be ready");
            self.log(LogLevel::Warn, &text);
        }
    }
}
