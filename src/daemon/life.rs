//! A daemon's lives: boot, turn until the engine leaves, clean up; and again after a restart in place.
//!
//! Invariants: signal handlers, descriptors and memory of one life do not leak into the next; the process id stays;
//! a restart uses a configuration that was found good before anything was stopped.

use crate::config::Loaded;
use crate::config::diag::Diagnostics;
use crate::daemon::listen::Listener;
use crate::daemon::ourselves::{self, Settled};
use crate::daemon::state::Daemon;
use crate::daemon::whereabouts::WorkPlace;
use crate::daemon::{boot, lastresort, signals};
use crate::engine::action::Leave;
use crate::engine::input::Input;
use crate::sys::child::Spawner;
use crate::sys::signals::{SignalQueue, SignalState, To};
use crate::sys::wait::{self, Waited};
use crate::sys::{self, clock, fd};
use crate::types::{Pid, Signal};
use nix::poll::{PollTimeout, poll};
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::fd::OwnedFd;
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
    /// Go into the background once all is open, as `supervisord` without `-n` does. Never as PID 1.
    pub daemonize: bool,
    /// Supervisor's lines around its words for a refusal, where we bear its name; else nothing.
    pub usage: Box<dyn Fn(&str) -> String>,
}

/// What belongs to the process and outlives a life.
pub(crate) struct Machine {
    pub(crate) signals: SignalQueue,
    pub(crate) spawner: Spawner,
    pub(crate) binary: Option<OwnedFd>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) settled: Settled,
    pub(crate) reload: Reload,
    /// Listeners of the life before, and those that the next one needs besides: bound before anything was stopped.
    pub(crate) listeners: Vec<Listener>,
    /// COMPAT: serials of events go on in the next life.
    pub(crate) event_serial: u64,
}

/// Runs until the end. Returns the exit code.
#[must_use]
pub fn run(options: Options) -> u8 {
    let Options { loaded, reload, env, start_dir, signal_state, daemonize, usage } = options;
    fd::ensure_standard();
    fd::close_from(3);
    lastresort::arm();
    let binary = fd::own_binary();
    if !sys::boot::is_pid1()
        && let Err(e) = sys::boot::become_subreaper()
    {
        complain(&format!(
            "mainstay: cannot become a subreaper, orphans go to another process: {}",
            e.desc()
        ));
    }
    let place = WorkPlace::here();
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
    let background = daemonize && !sys::boot::is_pid1();
    let work_dir = start_dir.clone();
    let settled = Settled { work_dir, place, start_dir, nofile: None, background, first: true };
    let machine = Machine {
        signals: queue,
        spawner,
        binary,
        env,
        settled,
        reload,
        listeners: Vec::new(),
        event_serial: 0,
    };
    live_again_and_again(machine, loaded, &*usage)
}

fn complain(text: &str) -> u8 {
    fd::last_words(&format!("{text}\n"));
    EXIT_USAGE
}

fn live_again_and_again(mut machine: Machine, mut loaded: Loaded, usage: &dyn Fn(&str) -> String) -> u8 {
    loop {
        // The standard library seeds each RandomState from the kernel's generator.
        let seed = RandomState::new().build_hasher().finish();
        let mut daemon = match boot::build(machine, loaded, clock::now(), seed) {
            Ok(daemon) => daemon,
            Err(refusal) => {
                fd::last_words(&format!("{}{}", usage(&refusal.supervisor), refusal.own));
                return EXIT_USAGE;
            }
        };
        let leave = match daemon.live() {
            Ok(leave) => leave,
            Err(e) => return lastresort::stop_all(&format!("cannot wait for events: {}", e.desc())),
        };
        daemon.say_last_words(leave);
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
        self.publish_start();
        self.settle_routes();
        self.feed(Input::Boot);
        self.watch_clock();
        // Programs come first: they are what the container is for.
        self.start_gateway();
        self.run()
    }

    /// Everything has stopped: let the last bytes out, close, remove our files.
    fn finish(mut self) -> Machine {
        self.now = clock::now();
        self.kill_all_tasks();
        self.close_all_output();
        self.remove_all_cgroups();
        if let Some(pid) = self.dismiss_gateway() {
            self.wait_for_gateway(pid);
        }
        if let Some(file) = self.pidfile.take() {
            ourselves::remove_pidfile(&file);
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
