//! Signals to us: what was set when we were started, how they reach the loop, and how one is sent.
//!
//! Delivery: a handler (installed by signal-hook) counts into an atomic for each signal and wakes the loop
//! through one eventfd. Nothing is lost when signals flood, real-time signals keep their count, and the loop
//! sees signals as fairly as any other descriptor. signal-safety(7), docs/adr/0001.
//! Not here: what a signal means (`daemon::signals`), the child's side (`child`).

use crate::types::{Pid, Signal};
use nix::errno::Errno;
use nix::libc;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

/// Signals are numbered 1..=64.
const N_SIGNALS: usize = 65;

static COUNTS: [AtomicU32; N_SIGNALS] = [const { AtomicU32::new(0) }; N_SIGNALS];
/// Signals with a handler of ours: bit n-1 is signal n.
static HANDLED: AtomicU64 = AtomicU64::new(0);
static WOKEN: AtomicBool = AtomicBool::new(false);
static WAKE_FD: AtomicI32 = AtomicI32::new(-1);

/// The signal mask and the ignored signals that we were started with; every program gets exactly these.
#[derive(Clone, Copy)]
pub struct SignalState {
    pub(crate) mask: libc::sigset_t,
    /// Bit n-1: signal n was ignored.
    pub(crate) ignored: u64,
}

/// An empty set.
pub(crate) fn empty_set() -> libc::sigset_t {
    // SAFETY: a sigset_t is plain data, and sigemptyset writes all of it.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        set
    }
}

fn full_set() -> libc::sigset_t {
    let mut set = empty_set();
    // SAFETY: `set` is a live local.
    unsafe { libc::sigfillset(&raw mut set) };
    set
}

/// Blocks every signal and returns the mask that was set before.
pub(crate) fn block_all() -> libc::sigset_t {
    let all = full_set();
    let mut old = empty_set();
    // SAFETY: both sets are live locals; a full set is legal, KILL and STOP are left out by the kernel.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const all, &raw mut old) };
    old
}

pub(crate) fn set_mask(mask: &libc::sigset_t) {
    // SAFETY: `mask` is a valid set, the old one is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const *mask, std::ptr::null_mut()) };
}

impl SignalState {
    /// Reads the present state and blocks every signal, so that none can come before its handler is there.
    #[must_use]
    pub fn capture_and_block() -> SignalState {
        let mask = block_all();
        let mut ignored = 0u64;
        for n in 1..=64 {
            if disposition_is_ignore(n) {
                ignored |= bit(n);
            }
        }
        SignalState { mask, ignored }
    }

    /// Lets signals through as they were let through when we were started, and those of `ours` in any case.
    pub fn unblock(&self, ours: &[i32]) {
        let mut mask = self.mask;
        for n in ours {
            // SAFETY: `mask` is a live local and `n` a signal number.
            unsafe { libc::sigdelset(&raw mut mask, *n) };
        }
        set_mask(&mask);
    }

    #[must_use]
    pub fn was_ignored(&self, signal: i32) -> bool {
        (1..=64).contains(&signal) && self.ignored & bit(signal) != 0
    }
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

fn disposition_is_ignore(n: i32) -> bool {
    // SAFETY: sigaction is plain data; with no new action the call only reads.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        libc::sigaction(n, std::ptr::null(), &raw mut old) == 0 && old.sa_sigaction == libc::SIG_IGN
    }
}

/// Sets a signal to be ignored (true) or to do what it does by default.
pub fn set_ignored(n: i32, ignored: bool) {
    let handler = if ignored { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: neither disposition runs code of ours.
    unsafe { libc::signal(n, handler) };
}

/// The signals that have come since the last look, and the descriptor that says there are some.
pub struct SignalQueue {
    wake: EventFd,
}

impl SignalQueue {
    /// Installs a handler for each of `signals`. Once in a process; they stay installed.
    ///
    /// # Errors
    /// When there is no descriptor left, or a signal cannot be handled (KILL, STOP, SEGV, ...).
    pub fn install(signals: &[i32]) -> io::Result<SignalQueue> {
        let wake = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let previous = WAKE_FD.swap(wake.as_fd().as_raw_fd(), Ordering::SeqCst);
        if previous >= 0 {
            return Ok(SignalQueue { wake });
        }
        signals.iter().try_for_each(|n| handle(*n))?;
        Ok(SignalQueue { wake })
    }

    /// One signal more, and lets it through.
    ///
    /// # Errors
    /// As [`SignalQueue::install`].
    pub fn add(&self, signal: i32) -> io::Result<()> {
        handle(signal)?;
        let mut one = empty_set();
        // SAFETY: a live local, in both calls.
        unsafe {
            libc::sigaddset(&raw mut one, signal);
            libc::sigprocmask(libc::SIG_UNBLOCK, &raw const one, std::ptr::null_mut());
        }
        Ok(())
    }

    /// Takes what has come: each signal with the number of times, lowest number first.
    pub fn take(&self, into: &mut Vec<(Signal, u32)>) {
        // RACE: first the eventfd, then the flag, then the counts. A signal that comes in between sets the flag
        // again and writes again: one wake-up too many, never one too few.
        let _ = self.wake.read();
        WOKEN.store(false, Ordering::SeqCst);
        for (n, count) in COUNTS.iter().enumerate() {
            if count.load(Ordering::SeqCst) != 0 {
                let times = count.swap(0, Ordering::SeqCst);
                into.push((Signal(i32::try_from(n).unwrap_or(0)), times));
            }
        }
    }
}

/// Once for each signal: a second handler would count twice.
fn handle(signal: i32) -> io::Result<()> {
    if !(1..=64).contains(&signal) || signal_hook::consts::FORBIDDEN.contains(&signal) {
        return Err(Errno::EINVAL.into());
    }
    if HANDLED.load(Ordering::SeqCst) & bit(signal) != 0 {
        return Ok(());
    }
    let index = usize::try_from(signal).unwrap_or(0);
    // SAFETY: the action only touches atomics and calls write, all async-signal-safe, and restores errno.
    unsafe { signal_hook::low_level::register(signal, move || note(index)) }?;
    HANDLED.fetch_or(bit(signal), Ordering::SeqCst);
    Ok(())
}

impl AsFd for SignalQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

/// The handler's whole work. signal-safety(7): atomics and write only.
fn note(index: usize) {
    if let Some(count) = COUNTS.get(index) {
        count.fetch_add(1, Ordering::SeqCst);
    }
    if !WOKEN.swap(true, Ordering::SeqCst) {
        let saved = Errno::last_raw();
        let one = 1u64;
        // SAFETY: eight bytes of a live local, to an eventfd that lives as long as the process.
        unsafe { libc::write(WAKE_FD.load(Ordering::SeqCst), (&raw const one).cast(), 8) };
        Errno::set_raw(saved);
    }
}

/// Waits for any signal that is blocked, as one-program init does. Returns its number.
#[must_use]
pub fn wait_for_any() -> i32 {
    let all = full_set();
    loop {
        // SAFETY: `all` is a live local; no information is asked for beyond the number.
        let n = unsafe { libc::sigwaitinfo(&raw const all, std::ptr::null_mut()) };
        if n > 0 {
            return n;
        }
    }
}

/// The same, at most so long. `None` when the time is over.
#[must_use]
pub fn wait_for_any_within(ms: u64) -> Option<i32> {
    take_one(&full_set(), ms)
}

/// Takes a pending signal out of the queue, if it is there.
pub fn swallow(signal: Signal) {
    let mut set = empty_set();
    // SAFETY: `set` is a live local.
    unsafe { libc::sigaddset(&raw mut set, signal.0) };
    let _ = take_one(&set, 0); // it may not have come
}

fn take_one(set: &libc::sigset_t, ms: u64) -> Option<i32> {
    let limit = libc::timespec {
        tv_sec: i64::try_from(ms / 1000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(ms % 1000 * 1_000_000).unwrap_or(0),
    };
    // SAFETY: both are live; no information is asked for beyond the number.
    let n = unsafe { libc::sigtimedwait(&raw const *set, std::ptr::null_mut(), &raw const limit) };
    (n > 0).then_some(n)
}

/// Waits for one signal, which must be blocked; others stay pending.
pub fn wait_for(signal: Signal) {
    let mut set = empty_set();
    // SAFETY: `set` is a live local in both calls; a wrong number or an interruption only means another look.
    unsafe {
        libc::sigaddset(&raw mut set, signal.0);
        libc::sigwaitinfo(&raw const set, std::ptr::null_mut());
    }
}

/// Whom a signal is sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum To {
    Process(Pid),
    /// Every member of the process group.
    Group(Pid),
    /// Everybody we may signal but ourselves; as PID 1 the whole container.
    Everybody,
}

/// kill(2). Signal 0 asks whether there is anybody.
///
/// # Errors
/// ESRCH when there is nobody, EPERM when there is but we may not.
pub fn send(to: To, signal: Signal) -> Result<(), Errno> {
    let pid = match to {
        To::Process(pid) if pid.0 > 0 => pid.0,
        To::Group(pid) if pid.0 > 1 => -pid.0,
        To::Everybody => -1,
        // 0, 1 and negative numbers mean something else to kill(2): never pass them on.
        To::Process(_) | To::Group(_) => return Err(Errno::ESRCH),
    };
    // SAFETY: no memory is involved.
    let result = unsafe { libc::kill(pid, signal.0) };
    Errno::result(result).map(|_| ())
}

/// SIGRTMIN..=SIGRTMAX as numbers.
#[must_use]
pub fn realtime() -> std::ops::RangeInclusive<i32> {
    libc::SIGRTMIN()..=libc::SIGRTMAX()
}
