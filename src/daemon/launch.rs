//! Starts one incarnation of one program: command, logs, pipes, fork; in Supervisor's order, with its words for failures.
//!
//! Does I/O. Invariants: answered by exactly one of `Spawned` and `SpawnFailed`; after a failure nothing stays open.
//! Not here: the plan (`spawn`), the child (`sys::child`).

use crate::config::model::{self, GroupKind, LogPlan, LogTarget, Program};
use crate::daemon::lastresort;
use crate::daemon::logs::ident;
use crate::daemon::state::Daemon;
use crate::daemon::stdin::Stdin;
use crate::daemon::voices::{self, Voices};
use crate::engine::input::{Input, SpawnError, SpawnErrorKind};
use crate::logging::filters::Filters;
use crate::logging::{Channel, Plan, SinkId};
use crate::spawn;
use crate::sys::child::Launched;
use crate::sys::{errno, fd};
use crate::types::{LogLevel, Pid, ProcRef};
use nix::errno::Errno;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// COMPAT: mode of a log file that a configuration names; the umask takes its part.
const LOG_MODE: u32 = 0o666;

/// BOUND: descriptors that programs leave to the gateway, its clients' answers and the logs.
pub(crate) const RESERVED_FDS: i64 = 16;

/// One of the program's three descriptors, on both sides.
enum End {
    /// The program uses ours.
    Inherited,
    /// The program's end; ours is read by a channel or, for stdin, kept.
    Pipe { ours: OwnedFd, theirs: OwnedFd, sink: Option<SinkId> },
    /// A descriptor of ours that many programs share.
    Shared(RawFd),
    /// Nobody wants it.
    Null,
}

impl Daemon {
    pub(crate) fn launch(&mut self, proc: ProcRef) {
        // Held here for the time of the launch, so that the rest of the state can change.
        let Some((group, member)) = self.roster.place(proc.slot).cloned() else { return };
        let Some(program) = group.programs.get(member) else { return };
        if let Some(slot) = self.slot_mut(proc) {
            slot.incarnation = proc.incarnation;
        }
        match self.try_launch(proc, program) {
            Ok(launched) => self.launched(proc, program, &launched),
            Err(error) => self.inputs.push_back(Input::SpawnFailed { proc, error }),
        }
    }

    fn launched(&mut self, proc: ProcRef, program: &Program, launched: &Launched) {
        self.pids.insert(launched.pid.0, proc);
        lastresort::born(launched.pid);
        if let Some(slot) = self.slot_mut(proc) {
            slot.pid = Some(launched.pid);
        }
        self.inputs.push_back(Input::Spawned { proc, pid: launched.pid });
        if let Some((stage, errno)) = launched.failed {
            let (text, hint) = spawn::failure::told(program, stage, errno);
            if let Some(hint) = hint {
                self.log(LogLevel::Warn, &format!("cannot {text} for {}; hint: {hint}", program.name));
            }
            let text = format!("cannot {text}");
            self.inputs.push_back(Input::ExecFailed { proc, text });
        }
    }

    fn try_launch(&mut self, proc: ProcRef, program: &Program) -> Result<Launched, SpawnError> {
        // COMPAT: the socket comes first, even of a command that is not there.
        let socket = self.join_socket(proc, program)?;
        let mut plan = spawn::plan(program, &self.context, [None; 3])?;
        self.confine(proc, program, &mut plan);
        let voices = Voices::open(program, self.context.own_uid, &mut plan);
        let voices = voices.map_err(|e| self.explain(program, Trouble::Pipe(e)))?;
        let mut ends = self.open_ends(proc, program, socket).map_err(|e| self.explain(program, e))?;
        if self.runs_short(&ends) || i64::from(voices.highest()) >= self.usable_fds {
            self.close_ends(&mut ends);
            return Err(self.explain(program, Trouble::Pipe(Errno::EMFILE)));
        }
        let null = self.null.as_ref().map(AsRawFd::as_raw_fd);
        for (place, end) in plan.stdio.iter_mut().zip(&ends) {
            *place = match end {
                End::Inherited => None,
                End::Pipe { theirs, .. } => Some(theirs.as_raw_fd()),
                End::Shared(socket) => Some(*socket),
                End::Null => null,
            };
        }
        if program.redirect_stderr {
            // Where stdout is ours, stderr becomes our stdout too.
            plan.stdio[2] = plan.stdio[1].or(Some(1));
        }
        let launched = self.spawner.spawn(&plan).map_err(|e| {
            self.close_ends(&mut ends);
            fork_error(&program.name, e)
        })?;
        self.keep_ends(proc, launched.pid, ends);
        self.keep_voices(proc, voices);
        Ok(launched)
    }

    /// The kernel gives the lowest free number: one near the limit means that hardly any are left.
    fn runs_short(&self, ends: &[End]) -> bool {
        let highest = |end: &End| match end {
            End::Pipe { ours, theirs, .. } => ours.as_raw_fd().max(theirs.as_raw_fd()),
            End::Inherited | End::Shared(_) | End::Null => 0,
        };
        ends.iter().map(highest).max().is_some_and(|n| i64::from(n) >= self.usable_fds)
    }

    fn open_ends(
        &mut self,
        proc: ProcRef,
        program: &Program,
        socket: Option<RawFd>,
    ) -> Result<[End; 3], Trouble> {
        let stdin = match (socket, program.stdin) {
            (Some(socket), _) => End::Shared(socket),
            (None, model::Stdin::Inherit) => End::Inherited,
            (None, model::Stdin::Pipe) => {
                let (theirs, ours) = fd::pipe_for_writing().map_err(Trouble::Pipe)?;
                End::Pipe { ours, theirs, sink: None }
            }
        };
        let stdout = self.open_output(proc, false, &program.stdout)?;
        if program.redirect_stderr {
            return Ok([stdin, stdout, End::Inherited]);
        }
        match self.open_output(proc, true, &program.stderr) {
            Ok(stderr) => Ok([stdin, stdout, stderr]),
            Err(trouble) => {
                self.close_ends(&mut [stdout]);
                Err(trouble)
            }
        }
    }

    fn open_output(&mut self, proc: ProcRef, stderr: bool, plan: &LogPlan) -> Result<End, Trouble> {
        let is_protocol = self.is_protocol(proc, stderr);
        let is_wanted =
            plan.events || plan.capture_maxbytes > 0 || self.program(proc).is_some_and(voices::watches_log);
        let sink = match &plan.target {
            LogTarget::Inherit => return Ok(End::Inherited),
            // Others than the log may want it; at debug level the daemon's log gets a copy.
            LogTarget::None
                if self.null.is_some()
                    && !(plan.syslog || is_wanted || is_protocol)
                    && !self.journal.wants(LogLevel::Debug) =>
            {
                return Ok(End::Null);
            }
            LogTarget::None => None,
            LogTarget::Stream { fd, .. } => {
                let opened = self.sinks.open_stream(*fd);
                Some(opened.map_err(|e| Trouble::Log(format!("/dev/fd/{fd}"), e))?)
            }
            LogTarget::Auto => {
                let path =
                    self.slots.get(proc.slot as usize).and_then(|s| s.auto[usize::from(stderr)].clone());
                path.map(|p| self.open_log(&p, plan, 0o600)).transpose()?
            }
            LogTarget::File(path) => {
                let path = self.context.start_dir.join(path);
                let opened = self.open_log(&path, plan, LOG_MODE);
                Some(opened.or_else(|trouble| self.log_instead(trouble, proc, stderr))?)
            }
        };
        match fd::pipe_for_reading() {
            Ok((ours, theirs)) => Ok(End::Pipe { ours, theirs, sink }),
            Err(e) => {
                if let Some(sink) = sink {
                    self.release_sink(sink);
                }
                Err(Trouble::Pipe(e))
            }
        }
    }

    fn open_log(&mut self, path: &std::path::Path, plan: &LogPlan, mode: u32) -> Result<SinkId, Trouble> {
        let opened = self.sinks.open_file(path, plan.maxbytes, plan.backups, mode);
        opened.map_err(|e| Trouble::Log(path.display().to_string(), e))
    }

    /// A log that cannot be opened does not keep a program from running: its output goes to ours. The next start tries
    /// again. COMPAT: in an INI file the program does not start.
    fn log_instead(&mut self, trouble: Trouble, proc: ProcRef, stderr: bool) -> Result<SinkId, Trouble> {
        let (path, e) = match &trouble {
            // Without descriptors the program would not come far.
            Trouble::Log(_, Errno::EMFILE | Errno::ENFILE) | Trouble::Pipe(_) => return Err(trouble),
            Trouble::Log(..) if self.config.dialect == model::Dialect::Ini => return Err(trouble),
            Trouble::Log(path, e) => (path, *e),
        };
        let (fd, stream) = if stderr { (2, "stderr") } else { (1, "stdout") };
        let text = format!(
            "cannot open log `{path}` of {}, its {stream} goes to ours: {}; {}",
            self.display_name(proc),
            errno::words(e as i32),
            hint(e)
        );
        let sink = self.sinks.open_stream(fd).map_err(|_| trouble)?;
        self.log(LogLevel::Error, &text);
        Ok(sink)
    }

    /// After a fork that failed: nothing stays open.
    fn close_ends(&mut self, ends: &mut [End]) {
        for end in ends {
            if let End::Pipe { sink: Some(sink), .. } = end {
                self.release_sink(*sink);
            }
        }
    }

    /// Our side of the pipes goes into the loop.
    fn keep_ends(&mut self, proc: ProcRef, pid: Pid, ends: [End; 3]) {
        let [stdin, stdout, stderr] = ends;
        if let (End::Pipe { ours, .. }, Some(slot)) = (stdin, self.slot_mut(proc)) {
            slot.stdin = Some(Stdin::new(ours));
        }
        self.events.hub.started(proc);
        for (end, is_stderr) in [(stdout, false), (stderr, true)] {
            let End::Pipe { ours, sink, .. } = end else { continue };
            let plan = self.output_plan(proc, is_stderr, sink);
            let outlet = self.outlet(proc, pid, is_stderr, sink);
            let channel = Channel::new(proc, is_stderr, ours, Plan { outlet, ..plan });
            let sinks: Vec<SinkId> = channel.sinks().collect();
            if let Err(e) = self.output.add(&self.epoll, channel) {
                let name = self.display_name(proc);
                let words = errno::words(e as i32);
                self.log(
                    LogLevel::Critical,
                    &format!("cannot watch the output of {name}, it is lost: {words}"),
                );
                for sink in sinks {
                    self.release_sink(sink);
                }
            }
        }
    }

    /// Whether it is what a listener answers.
    pub(crate) fn is_protocol(&self, proc: ProcRef, stderr: bool) -> bool {
        let place = self.roster.place(proc.slot);
        !stderr && place.is_some_and(|(group, _)| matches!(group.kind, GroupKind::EventListener { .. }))
    }

    /// The way of one stream's bytes to its log and to whoever else wants them.
    fn output_plan(&mut self, proc: ProcRef, stderr: bool, sink: Option<SinkId>) -> Plan {
        let whole_lines = sink.is_some_and(|s| self.sinks.is_stream(s));
        let strip = self.config.supervisor.strip_ansi;
        let (capture, name) = self.program(proc).map_or((0, None), |program| {
            let plan = if stderr { &program.stderr } else { &program.stdout };
            (plan.capture_maxbytes, plan.syslog.then(|| program.name.clone()))
        });
        // COMPAT: a listener's stdout speaks the event protocol; there these settings have no effect.
        let raw = self.is_protocol(proc, stderr);
        let (capture, name) = if raw { (0, None) } else { (capture, name) };
        let syslog = name.map(|name| (self.sinks.open_syslog(ident(self.config.dialect)), name));
        let whole_among_others = self.config.dialect != model::Dialect::Ini;
        Plan {
            sink,
            whole_lines,
            whole_among_others,
            filters: Filters::new(strip, capture),
            syslog,
            raw,
            outlet: None,
        }
    }

    /// Supervisor's sentence for the status, and a clear one for the log.
    fn explain(&mut self, program: &Program, trouble: Trouble) -> SpawnError {
        let name = &program.name;
        let text = match trouble {
            Trouble::Pipe(Errno::EMFILE) | Trouble::Log(_, Errno::EMFILE) => {
                format!("too many open files to spawn '{name}'")
            }
            Trouble::Pipe(e) => {
                format!("unknown error making dispatchers for '{name}': {}", errno::name(e as i32))
            }
            Trouble::Log(path, e) => {
                let words = errno::words(e as i32);
                let hint = hint(e);
                self.log(LogLevel::Error, &format!("cannot open log `{path}` of {name}: {words}; {hint}"));
                format!("unknown error making dispatchers for '{name}': {}", errno::name(e as i32))
            }
        };
        SpawnError { kind: SpawnErrorKind::Other, text }
    }
}

/// What can go wrong before the fork.
enum Trouble {
    Pipe(Errno),
    Log(String, Errno),
}

/// What to do about a log that cannot be opened.
fn hint(e: Errno) -> &'static str {
    match e {
        Errno::ENXIO => "hint: nobody reads from this fifo",
        _ => "hint: create the directory, or log to /dev/stdout",
    }
}

fn fork_error(name: &str, e: Errno) -> SpawnError {
    let text = match e {
        Errno::EAGAIN => format!("Too many processes in process table to spawn '{name}'"),
        e => format!("unknown error during fork for '{name}': {}", errno::name(e as i32)),
    };
    SpawnError { kind: SpawnErrorKind::Other, text }
}
