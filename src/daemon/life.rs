//! A daemon's lives: boot, turn until the engine leaves, clean up; and again after a restart in place.
//!
//! Invariants: signal handlers, descriptors and memory of one life do not leak into the next; the process id stays;
//! a restart uses a configuration that was found good before anything was stopped.

use crate::config::Loaded;
use crate::config::diag::Diagnostics;
use crate::daemon::gateway::Listener;
use crate::daemon::state::Daemon;
use crate::daemon::{boot, lastresort, signals};
use crate::engine::action::Leave;
use crate::engine::input::Input;
use crate::sys::child::Spawner;
use crate::sys::signals::{SignalQueue, SignalState, To};
use crate::sys::wait::{self, Waited};
use crate::sys::{self, clock, fd, limits};
use crate::types::{Pid, Signal};
use nix::poll::{PollTimeout, poll};
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// Reads the configuration again, from the same places.
pub type Reload = Box<dyn Fn() -> Result<Loaded, Diagnostics>>;

/// Exit code for a configuration that cannot be used.
const EXIT_USAGE: u8 = 2;

/// BOUND: what the gateway gets to finish its answers.
const GATEWAY_GRACE_MS: i64 = 500;

/// How the daemon is started.
pub struct Options {
    pub loaded: Loaded,
    pub reload: Reload,
    /// The environment as found.
    pub env: Vec<(OsString, OsString)>,
    /// The directory we were started in.
    pub start_dir: PathBuf,
    pub signal_state: SignalState,
    /// Go into the background first, as `supervisord` without `-n` does. Never as PID 1.
    pub daemonize: bool,
}

/// What belongs to the process and outlives a life.
pub(crate) struct Machine {
    pub(crate) signals: SignalQueue,
    pub(crate) spawner: Spawner,
    pub(crate) binary: Option<OwnedFd>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) start_dir: PathBuf,
    pub(crate) reload: Reload,
    /// The limit of open files that we were started with; ours is higher by now.
    pub(crate) nofile: limits::Limit,
    /// Listeners of the life before, and those that the next one needs besides: bound before anything was stopped.
    pub(crate) listeners: Vec<Listener>,
}

/// Runs until the end. Returns the exit code.
#[must_use]
pub fn run(options: Options) -> u8 {
    let Options { loaded, reload, env, start_dir, signal_state, daemonize } = options;
    fd::ensure_standard();
    fd::close_from(3);
    if daemonize && !sys::boot::is_pid1() {
        match sys::boot::daemonize() {
            Ok(true) => return 0,
            Ok(false) => {
                sys::boot::set_umask(loaded.config.supervisor.umask);
            }
            Err(e) => return complain(&format!("error: cannot go into the background: {}", e.desc())),
        }
    }
    let binary = fd::own_binary();
    if !sys::boot::is_pid1()
        && let Err(e) = sys::boot::become_subreaper()
    {
        complain(&format!(
            "mainstay: cannot become a subreaper, orphans go to another process: {}",
            e.desc()
        ));
    }
    let _ = std::env::set_current_dir("/"); // there may be no way; then a directory stays pinned
    for signal in signals::IGNORED {
        sys::signals::set_ignored(signal, true);
    }
    let handled = signals::handled();
    let queue = match SignalQueue::install(&handled) {
        Ok(queue) => queue,
        Err(e) => return complain(&format!("error: cannot handle signals: {e}")),
    };
    signal_state.unblock(&handled);
    let spawner = Spawner::new(signal_state);
    let nofile = limits::nofile();
    live_again_and_again(
        Machine { signals: queue, spawner, binary, env, start_dir, reload, nofile, listeners: Vec::new() },
        loaded,
    )
}

fn complain(text: &str) -> u8 {
    fd::last_words(&format!("{text}\n"));
    EXIT_USAGE
}

fn live_again_and_again(mut machine: Machine, mut loaded: Loaded) -> u8 {
    let mut first = true;
    loop {
        // The standard library seeds each RandomState from the kernel's generator.
        let seed = RandomState::new().build_hasher().finish();
        let mut daemon = match boot::build(machine, loaded, clock::now(), seed, first) {
            Ok(daemon) => daemon,
            Err(text) => return complain(&text),
        };
        let lived = catch_unwind(AssertUnwindSafe(|| daemon.live()));
        let groups: Vec<Pid> = daemon.pids.keys().map(|p| Pid(*p)).chain(daemon.gateway.pid()).collect();
        let leave = match lived {
            Ok(Ok(leave)) => leave,
            Ok(Err(e)) => {
                return lastresort::stop_everybody(&format!("cannot wait for events: {}", e.desc()), &groups);
            }
            Err(_) => return lastresort::stop_everybody("a panic in the core (see above)", &groups),
        };
        first = false;
        let next = daemon.next_life.take();
        machine = daemon.finish();
        match (leave, next) {
            (Leave::Exit(code), _) => return code,
            (Leave::Restart, Some(next)) => loaded = next,
            (Leave::Restart, None) => match (machine.reload)() {
                Ok(next) => loaded = next,
                Err(findings) => {
                    return complain(
                        &findings.items.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
                    );
                }
            },
        }
    }
}

impl Daemon {
    fn live(&mut self) -> Result<Leave, nix::errno::Errno> {
        self.feed(Input::Boot);
        // Programs come first: they are what the container is for.
        self.start_gateway();
        self.run()
    }

    /// Everything has stopped: let the last bytes out, close, remove our files.
    fn finish(mut self) -> Machine {
        self.now = clock::now();
        self.close_all_output();
        if let Some(pid) = self.dismiss_gateway() {
            self.wait_for_gateway(pid);
        }
        if let Some(file) = self.pidfile.take() {
            let _ = std::fs::remove_file(file); // somebody may have been faster
        }
        self.into_machine()
    }

    fn wait_for_gateway(&self, pid: Pid) {
        let deadline = clock::now().mono.plus_ms(GATEWAY_GRACE_MS);
        let mut killed = false;
        loop {
            match wait::next(false) {
                Waited::Dead(dead, _) if dead == pid => return,
                Waited::NoChildren => return,
                Waited::Dead(..) | Waited::Stopped(..) => continue,
                Waited::Nothing => {}
            }
            let left_ms = deadline.since_ns(clock::now().mono) / 1_000_000;
            if left_ms == 0 && !killed {
                killed = true;
                let _ = sys::signals::send(To::Process(pid), Signal::KILL); // gone already is as good
            }
            // Signals are not taken here: a TERM that comes now belongs to the next life. Its handler ends this wait.
            let _ = poll(&mut [], PollTimeout::from(5u8)); // the deadline decides
        }
    }
}
