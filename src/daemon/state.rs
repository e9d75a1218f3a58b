//! The one struct that owns everything, and the small helpers that every part of the loop uses.
//!
//! Invariant: a program's pid is in `pids` exactly from its fork to its reaping; a task's is in `tasks`.

use crate::config::model::Config;
use crate::daemon::clock::Clock;
use crate::daemon::events::Events;
use crate::daemon::gateway::Gateway;
use crate::daemon::history::Histories;
use crate::daemon::last_words;
use crate::daemon::launch::RESERVED_FDS;
use crate::daemon::life::Machine;
use crate::daemon::listen::Listener;
use crate::daemon::memory::Memory;
use crate::daemon::ourselves::Settled;
use crate::daemon::output::Output;
use crate::daemon::roster::Roster;
use crate::daemon::routes::SignalCounts;
use crate::daemon::signals::{IGNORED, handled};
use crate::daemon::sources::Token;
use crate::daemon::stdin::Stdin;
use crate::daemon::subscribe::Subscribers;
use crate::daemon::tasks::Tasks;
use crate::daemon::trees::Trees;
use crate::daemon::update::Updating;
use crate::daemon::voices::Voices;
use crate::engine::Engine;
use crate::engine::action::{Action, Leave, Scope};
use crate::engine::input::{CommandId, Input};
use crate::journal::Journal;
use crate::logging::{Put, Recents, Sinks, Tallies};
use crate::spawn::{BaseEnvironment, Context};
use crate::sys::child::Spawner;
use crate::sys::signals::SignalQueue;
use crate::sys::{boot, fd, limits};
use crate::types::{ExitStatus, LogLevel, Mono, Now, Pid, ProcRef, Signal, Wall};
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

/// What the shell knows of one process slot.
#[derive(Default)]
pub(crate) struct Slot {
    pub(crate) incarnation: u32,
    pub(crate) pid: Option<Pid>,
    /// How its last process ended.
    pub(crate) last_exit: Option<ExitStatus>,
    /// Our end of the program's stdin; dropped when it is reaped.
    pub(crate) stdin: Option<Stdin>,
    /// Ways in which the program speaks by itself.
    pub(crate) voices: Voices,
    /// Files of AUTO logs, made at boot.
    pub(crate) auto: [Option<PathBuf>; 2],
}

/// See the module.
pub(crate) struct Daemon {
    /// Its groups are in the roster.
    pub(crate) config: Config,
    pub(crate) roster: Roster,
    pub(crate) updating: Option<Updating>,
    /// An update is to begin as soon as this turn has dealt with everything.
    pub(crate) update_wanted: bool,
    pub(crate) engine: Engine,
    pub(crate) epoll: Epoll,
    pub(crate) signals: SignalQueue,
    pub(crate) sinks: Sinks,
    pub(crate) journal: Journal,
    pub(crate) output: Output,
    /// The end of what each program has written.
    pub(crate) recents: Recents,
    /// What is counted of it.
    pub(crate) tallies: Tallies,
    /// How they have ended.
    pub(crate) histories: Histories,
    pub(crate) events: Events,
    /// Those who follow events by way of the gateway.
    pub(crate) subscribers: Subscribers,
    pub(crate) slots: Vec<Slot>,
    pub(crate) pids: HashMap<i32, ProcRef>,
    pub(crate) tasks: Tasks,
    pub(crate) clock: Clock,
    /// Sockets of FastCGI programs that live.
    pub(crate) fcgi: Vec<crate::daemon::fcgi::Shared>,
    pub(crate) spawner: Spawner,
    pub(crate) context: Context,
    pub(crate) gateway: Gateway,
    /// Numbers of descriptors that programs may use up.
    pub(crate) usable_fds: i64,
    /// /dev/null, for streams that nobody wants; a pipe stands in where there is none.
    pub(crate) null: Option<OwnedFd>,
    pub(crate) now: Now,
    pub(crate) inputs: VecDeque<Input>,
    pub(crate) actions: Vec<Action>,
    /// Process groups and trees whose end the engine waits for.
    pub(crate) watched: Vec<(ProcRef, Pid, Scope)>,
    pub(crate) trees: Trees,
    pub(crate) signal_counts: SignalCounts,
    pub(crate) memory: Memory,
    pub(crate) commands: HashMap<CommandId, (u32, u64)>,
    pub(crate) next_command: u64,
    pub(crate) orphans: u64,
    /// Output that no sink took: a full disk, a closed reader.
    pub(crate) lost_bytes: u64,
    /// More dead children may wait than one turn takes.
    pub(crate) reap_again: bool,
    pub(crate) leave: Option<Leave>,
    /// What has brought about the end, and the slot whose output may say more.
    pub(crate) last_words: Option<(Option<u32>, String)>,
    /// When memory is given back; `None` while there is nothing to give.
    pub(crate) slim_at: Option<Mono>,
    pub(crate) started: Wall,
    pub(crate) taken: Vec<(Signal, u32)>,
    pub(crate) reload: crate::daemon::Reload,
    pub(crate) pidfile: Option<PathBuf>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) settled: Settled,
    /// The configuration that a restart in place will use.
    pub(crate) next_life: Option<crate::config::Loaded>,
    /// Listeners that only the next life has.
    pub(crate) next_listeners: Vec<Listener>,
}

/// What boot has opened.
pub(crate) struct Opened {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) sinks: Sinks,
    pub(crate) journal: Journal,
    pub(crate) slots: Vec<Slot>,
    pub(crate) pidfile: Option<PathBuf>,
}

/// What every start of a program needs of us.
fn context(
    config: &Config,
    env: &[(OsString, OsString)],
    settled: &Settled,
    binary: Option<&OwnedFd>,
) -> Context {
    Context {
        base: BaseEnvironment::new(env),
        server_url: crate::daemon::listen::server_url(config, &settled.start_dir),
        start_dir: settled.work_dir.clone(),
        start_fd: settled.place.fd(),
        binary: binary.map(AsRawFd::as_raw_fd),
        handled: handled().into_iter().chain(IGNORED).collect(),
        nofile: settled.nofile,
        own_uid: boot::own_uid(),
    }
}

impl Daemon {
    pub(crate) fn new(
        machine: Machine,
        mut config: Config,
        engine: Engine,
        epoll: Epoll,
        now: Now,
        opened: Opened,
    ) -> Daemon {
        let Machine { signals, spawner, binary, env, settled, reload, listeners: _, event_serial } = machine;
        // Without the signals in the set nothing would ever be stopped; it is empty, so this cannot be refused.
        let _ = epoll.add(&signals, EpollEvent::new(EpollFlags::EPOLLIN, Token::Signals.encode()));
        let roster = Roster::new(std::mem::take(&mut config.groups));
        let time_zone = env.iter().find(|(k, _)| k == "TZ").map(|(_, v)| v.to_string_lossy().into_owned());
        let recents = last_words::memory(&config.supervisor);
        let context = context(&config, &env, &settled, binary.as_ref());
        let events = Events::new(&roster, &config.supervisor.identifier, event_serial, now);
        Daemon {
            config,
            engine,
            epoll,
            signals,
            sinks: opened.sinks,
            journal: opened.journal,
            output: Output::new(),
            recents,
            tallies: Tallies::default(),
            histories: Histories::new(std::path::Path::new("/")),
            events,
            subscribers: Subscribers::default(),
            slots: opened.slots,
            roster,
            updating: None,
            update_wanted: false,
            pids: HashMap::new(),
            tasks: Tasks::default(),
            clock: Clock::default(),
            fcgi: Vec::new(),
            spawner,
            context,
            gateway: Gateway::new(opened.listeners, binary, time_zone),
            usable_fds: i64::try_from(limits::nofile().0).unwrap_or(i64::MAX) - RESERVED_FDS,
            null: fd::null().ok(),
            now,
            inputs: VecDeque::new(),
            actions: Vec::new(),
            watched: Vec::new(),
            trees: Trees::default(),
            signal_counts: SignalCounts::default(),
            memory: Memory::default(),
            commands: HashMap::new(),
            next_command: 0,
            orphans: 0,
            lost_bytes: 0,
            // Children may have died before we looked.
            reap_again: true,
            leave: None,
            last_words: None,
            // The start needs the most.
            slim_at: Some(now.mono.plus_ms(1_000)),
            started: now.wall,
            taken: Vec::new(),
            reload,
            next_life: None,
            next_listeners: Vec::new(),
            pidfile: opened.pidfile,
            env,
            settled,
        }
    }

    /// What outlives this life.
    pub(crate) fn into_machine(self) -> Machine {
        let (binary, mut listeners) = self.gateway.into_parts();
        listeners.extend(self.next_listeners);
        Machine {
            signals: self.signals,
            spawner: self.spawner,
            binary,
            listeners,
            env: self.env,
            settled: self.settled,
            reload: self.reload,
            event_serial: self.events.hub.next_serial(),
        }
    }

    pub(crate) fn log(&mut self, level: LogLevel, message: &str) {
        self.journal.log(&mut self.sinks, self.now.wall, level, message);
        self.watch_journal();
    }

    /// Says what went wrong with a sink, if it has not been said.
    pub(crate) fn tell(&mut self, put: Put) {
        self.lost_bytes += put.lost as u64;
        if let Some(trouble) = put.trouble {
            self.log(LogLevel::Error, &trouble);
        }
    }

    /// A blocked stream under the journal has to be waited for like any other.
    fn watch_journal(&mut self) {
        if self.sinks.any_stream_blocked() {
            self.output.watch_blocked(&self.epoll, &self.sinks);
        }
    }

    /// Gives an input to the engine, performs what it asks for, and goes on until both are quiet.
    pub(crate) fn feed(&mut self, input: Input) {
        self.inputs.push_back(input);
        self.run_inputs();
    }

    /// Gives the engine what is queued.
    pub(crate) fn run_inputs(&mut self) {
        while let Some(input) = self.inputs.pop_front() {
            let ended = crate::daemon::fcgi::ended(&input);
            let mut actions = std::mem::take(&mut self.actions);
            self.engine.step(self.now, input, &mut actions);
            for action in actions.drain(..) {
                self.perform(action);
            }
            self.actions = actions;
            if let Some(proc) = ended {
                self.leave_socket(proc);
            }
        }
    }

    /// The slot of a live incarnation.
    pub(crate) fn slot_mut(&mut self, proc: ProcRef) -> Option<&mut Slot> {
        self.slots.get_mut(proc.slot as usize)
    }

    /// `group:name`, or the name alone where both are the same.
    pub(crate) fn display_name(&self, proc: ProcRef) -> String {
        self.program(proc).map_or_else(String::new, |p| p.name.clone())
    }

    pub(crate) fn program(&self, proc: ProcRef) -> Option<&crate::config::model::Program> {
        self.roster.program(proc.slot)
    }
}
