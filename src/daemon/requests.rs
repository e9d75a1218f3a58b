//! Answers the gateway's requests; commands go to the engine and are answered when it says so.
//!
//! Invariant: every request is answered exactly once, to the gateway that asked; an answer to one that is gone is dropped.

use crate::control::{
    Command, Fault, FaultCode, Ident, Outcome, ProcessInfo, Reply, Request, SelfStats, Snapshot, Target,
    encode,
};
use crate::daemon::state::Daemon;
use crate::engine::input::{CommandId, Input, SpawnErrorKind};
use crate::spawn;
use crate::sys::signals::{self, To};
use crate::sys::{boot, errno, limits, procfs};
use crate::types::{LogLevel, ProcRef, Signal};
use nix::errno::Errno;
use std::os::fd::OwnedFd;

impl Daemon {
    pub(crate) fn on_request(&mut self, id: u64, request: Request) {
        let reply = match request {
            Request::Ping => Reply::Pong,
            Request::Identity => Reply::Identity(self.identity()),
            Request::Snapshot { numbers } => Reply::Snapshot(Box::new(self.snapshot(numbers))),
            Request::Table => {
                let mut snapshot = self.snapshot(false);
                let lines = self.engine.shown_order().iter().map(|slot| self.recents.last_line(*slot));
                snapshot.last_lines = lines.collect();
                Reply::Snapshot(Box::new(snapshot))
            }
            Request::Explain { group, name } => Reply::Explained(self.explained(&group, &name).map(Box::new)),
            Request::Health(kind) => Reply::Health(self.engine.health(kind, self.now)),
            Request::OpenLog(whose) => {
                let (reply, file) = self.open_log_of(&whose);
                return self.answer_with(id, &Reply::Log(reply), file);
            }
            Request::ClearLog(whose) => Reply::Command(self.clear_log_of(&whose)),
            Request::Configuration => Reply::Configuration(self.program_infos()),
            Request::Command(command) => return self.on_command(id, command),
            Request::Send(send) => Reply::Command(self.on_send(send)),
            Request::Reread => self.reread(),
            Request::AddGroup(name) => Reply::Command(self.add_group(&name)),
            Request::RemoveGroup(name) => Reply::Command(self.remove_group(&name)),
            Request::Plan(names) => self.plan(&names),
            Request::Update(names) => return self.update(&names, Some((self.gateway.generation(), id))),
            Request::Subscribe(wanted) => return self.on_subscribe(id, wanted),
            Request::Unsubscribe(subscription) => return self.on_unsubscribe(subscription),
        };
        self.answer(id, &reply);
    }

    fn on_command(&mut self, wire_id: u64, command: Command) {
        if command == Command::Restart
            && !self.engine.is_stopping()
            && let Err(text) = self.prepare_restart()
        {
            let fault = Fault::new(FaultCode::CantReread, text);
            return self.answer(wire_id, &Reply::Command(Outcome::Fault(fault)));
        }
        if let Command::Start { target, .. } = &command
            && !self.engine.is_stopping()
        {
            let slots = match target {
                Target::Process { group, name } => self.engine.slot_of(group, name).into_iter().collect(),
                Target::Group(group) => self.engine.startable(Some(group)),
                Target::All => self.engine.startable(None),
            };
            let refused =
                slots.into_iter().filter_map(|slot| Some((slot, self.unresolvable(slot)?))).collect();
            self.engine.refuse_starts(refused);
        }
        self.next_command += 1;
        let id = CommandId(self.next_command);
        match self.unsignallable(&command) {
            // The engine answers before it can know, and to nobody here.
            Some(fault) => self.answer(wire_id, &Reply::Command(Outcome::Fault(fault))),
            None => drop(self.commands.insert(id, (self.gateway.generation(), wire_id))),
        }
        self.feed(Input::Command { id, command });
    }

    /// COMPAT: an operator's start of a command that cannot be found or executed changes no state, and says so even
    /// when the program still runs.
    fn unresolvable(&self, slot: u32) -> Option<Fault> {
        let program = self.program(ProcRef { slot, incarnation: 0 })?;
        let error = spawn::resolve(program, &self.context).err()?;
        let code = match error.kind {
            SpawnErrorKind::NoFile => FaultCode::NoFile,
            SpawnErrorKind::NotExecutable | SpawnErrorKind::Other => FaultCode::NotExecutable,
        };
        Some(Fault::new(code, error.text))
    }

    /// COMPAT: whoever signals a process that may not be signalled is told so; what becomes of it the engine decides.
    fn unsignallable(&self, command: &Command) -> Option<Fault> {
        let (target, verb) = match command {
            Command::Signal { target, signal } => (target, format!("sending sig {signal}")),
            Command::Stop { target, wait: false } => (target, "killing".to_owned()),
            _ => return None,
        };
        let Target::Process { group, name } = target else { return None };
        let slot = self.engine.slot_of(group, name).filter(|s| self.engine.state(*s).is_signallable())?;
        let pid = self.slots.get(slot as usize)?.pid?;
        let error = signals::send(To::Process(pid), Signal(0)).err().filter(|e| *e != Errno::ESRCH)?;
        let text = format!("unknown problem {verb} ({name}):{}", errno::name(error as i32));
        Some(Fault::new(FaultCode::Failed, text))
    }

    pub(crate) fn reply_to_command(&mut self, id: CommandId, outcome: Outcome) {
        let Some((generation, wire_id)) = self.commands.remove(&id) else { return };
        if generation == self.gateway.generation() {
            self.answer(wire_id, &Reply::Command(outcome));
        }
    }

    pub(crate) fn answer(&mut self, id: u64, reply: &Reply) {
        self.answer_with(id, reply, None);
    }

    fn answer_with(&mut self, id: u64, reply: &Reply, file: Option<OwnedFd>) {
        match encode(id, reply) {
            Ok(frame) => self.queue_for_gateway(&frame, file),
            Err(e) => self.log(LogLevel::Error, &format!("cannot answer the gateway: {e}")),
        }
        self.send_to_gateway();
    }

    fn identity(&self) -> Ident {
        Ident {
            identifier: self.config.supervisor.identifier.clone(),
            pid: boot::own_pid(),
            stopping: self.engine.is_stopping(),
        }
    }

    fn snapshot(&self, numbers: bool) -> Snapshot {
        let mut processes = self.engine.process_infos(self.now);
        for (info, slot) in processes.iter_mut().zip(self.engine.shown_order()) {
            self.complete(info, *slot);
            self.add_memory_note(info, *slot);
        }
        Snapshot {
            identity: self.identity(),
            now: self.now.wall,
            processes,
            last_lines: Vec::new(),
            daemon: self.self_stats(numbers),
        }
    }

    fn add_memory_note(&self, info: &mut ProcessInfo, slot: u32) {
        let Some(note) = self.memory_note(slot) else { return };
        let between = if info.note.is_empty() { "" } else { "; " };
        info.note = format!("{}{between}{note}", info.note);
    }

    /// What the engine does not know of a process.
    pub(crate) fn complete(&self, info: &mut ProcessInfo, slot: u32) {
        info.last_end = self.histories.last_of(slot);
        self.histories.correct(slot, &mut info.stats);
        let tally = self.tallies.of(slot);
        info.stats.log_lines = tally.lines;
        info.stats.log_bytes = tally.bytes;
        info.stats.log_lines_suppressed = tally.suppressed;
        info.stats.log_lines_dropped = tally.dropped;
        let name =
            |stderr| self.log_path(slot, stderr).map_or_else(String::new, |path| path.display().to_string());
        info.stdout_logfile = name(false);
        info.stderr_logfile = name(true);
    }

    fn self_stats(&self, numbers: bool) -> SelfStats {
        let own = if numbers { procfs::own_numbers() } else { procfs::OwnNumbers::default() };
        SelfStats {
            orphans_reaped: self.orphans,
            start: self.started,
            cpu_seconds: own.cpu_seconds,
            resident_bytes: own.resident_bytes,
            virtual_bytes: own.virtual_bytes,
            open_fds: own.open_fds,
            max_fds: Some(limits::nofile().0),
            log_lines_dropped: self.journal.dropped(),
            log_bytes_lost: self.lost_bytes,
            events_dropped: self.events.hub.dropped(),
            gateway_restarts: self.gateway.restarts,
            signals_received: self.signal_counts.received(),
            signals_forwarded: self.signal_counts.forwarded(),
            shutting_down: self.engine.is_stopping(),
            draining: self.engine.is_draining(),
        }
    }
}
