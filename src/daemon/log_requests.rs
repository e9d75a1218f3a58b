//! Logs as clients ask for them: which file it is, the open file that the gateway reads, emptying; and what is configured.
//!
//! Does I/O: opens and removes. Invariants: the core itself reads no log; only regular files (and /dev/null) are opened,
//! and only regular files of ours are removed.
//! Not here: which part is read, and as what text (`gateway`).

use crate::config::model::{Group, LogPlan, LogTarget, MainLog, Program, StdStream};
use crate::control::{Fault, FaultCode, LogInfo, LogOf, LogReply, Outcome, ProgramInfo};
use crate::daemon::roster::Latest;
use crate::daemon::state::Daemon;
use crate::sys::fd;
use crate::types::LogLevel;
use nix::errno::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;

impl Daemon {
    /// The file of a program's log as the configuration has it.
    pub(crate) fn log_path(&self, slot: u32, stderr: bool) -> Option<&Path> {
        self.configured_log(Some(slot), self.roster.program(slot)?, stderr)
    }

    fn configured_log<'a>(
        &'a self,
        slot: Option<u32>,
        program: &'a Program,
        stderr: bool,
    ) -> Option<&'a Path> {
        if stderr && program.redirect_stderr {
            return None;
        }
        match if stderr { &program.stderr.target } else { &program.stdout.target } {
            LogTarget::None | LogTarget::Inherit => None,
            LogTarget::File(path) => Some(path),
            LogTarget::Stream { text, .. } => Some(Path::new(text)),
            LogTarget::Auto => {
                let Some(slot) = slot else { return Some(Path::new("auto")) };
                let [stdout, stderr_path] = &self.slots.get(slot as usize)?.auto;
                if stderr { stderr_path } else { stdout }.as_deref()
            }
        }
    }

    /// The file of the daemon's own log.
    pub(crate) fn main_log_path(&self) -> Option<&Path> {
        match &self.config.supervisor.logfile {
            MainLog::None | MainLog::Syslog => None,
            MainLog::File(path) => Some(path),
            MainLog::Stream(StdStream::Stdout) => Some(Path::new("/dev/stdout")),
            MainLog::Stream(StdStream::Stderr) => Some(Path::new("/dev/stderr")),
        }
    }

    /// Opens a log for whoever wants to read it.
    pub(crate) fn open_log_of(&self, whose: &LogOf) -> (LogReply, Option<OwnedFd>) {
        let (base, path) = match whose {
            LogOf::Daemon => (&self.settled.start_dir, self.main_log_path()),
            LogOf::Process { group, name, stderr } => match self.engine.slot_of(group, name) {
                Some(slot) => (&self.context.start_dir, self.log_path(slot, *stderr)),
                None => return (LogReply::NoSuchProcess, None),
            },
        };
        let Some(path) = path else { return (LogReply::Missing(None), None) };
        match fd::open_log(&base.join(path)) {
            Ok(file) => (LogReply::Opened, Some(file)),
            // COMPAT: what cannot be looked at does not exist.
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {
                (LogReply::Missing(Some(path.display().to_string())), None)
            }
            Err(_) => (LogReply::Unreadable, None),
        }
    }

    /// Throws away what is in a log. COMPAT: only a program that lives has open logs; for any other nothing is done, and
    /// that is a success.
    pub(crate) fn clear_log_of(&mut self, whose: &LogOf) -> Outcome {
        let cleared = match whose {
            LogOf::Daemon => return self.clear_main_log(),
            LogOf::Process { group, name, .. } => match self.engine.slot_of(group, name) {
                Some(slot) => self.output.sinks_of(slot).into_iter().try_for_each(|id| self.sinks.clear(id)),
                None => return refused(FaultCode::BadName),
            },
        };
        cleared.map_or(refused(FaultCode::Failed), |()| Outcome::Done)
    }

    fn clear_main_log(&mut self) -> Outcome {
        let Some(path) = self.main_log_path() else { return refused(FaultCode::NoFile) };
        if !self.settled.start_dir.join(path).exists() {
            return refused(FaultCode::NoFile);
        }
        for id in self.journal.sinks().to_vec() {
            // COMPAT: the line goes into the log that is thrown away, and to whoever else gets the log.
            self.log(LogLevel::Info, "reopening log file");
            if self.sinks.clear(id).is_err() {
                return refused(FaultCode::Failed);
            }
        }
        Outcome::Done
    }

    /// Every program as it was read last. COMPAT: of AUTO logs that nobody writes to the word is given (trap 79).
    pub(crate) fn program_infos(&self) -> Vec<ProgramInfo> {
        let mut infos = Vec::new();
        for Latest { group, knows_auto_files } in self.roster.latest() {
            let in_use = self.roster.active_named(&group.name).is_some();
            for program in &group.programs {
                let slot = self.roster.slot_of(&group.name, &program.name);
                infos.push(self.program_info(slot.filter(|_| *knows_auto_files), group, program, in_use));
            }
        }
        infos
    }

    fn program_info(&self, slot: Option<u32>, group: &Group, p: &Program, in_use: bool) -> ProgramInfo {
        let log = |plan: &LogPlan, stderr| LogInfo {
            logfile: self.configured_log(slot, p, stderr).map(|path| path.display().to_string()),
            maxbytes: plan.maxbytes,
            backups: plan.backups,
            capture_maxbytes: plan.capture_maxbytes,
            events: plan.events,
            syslog: plan.syslog,
        };
        ProgramInfo {
            group: group.name.clone(),
            name: p.name.clone(),
            group_priority: group.priority,
            in_use,
            priority: p.priority,
            command: p.command.clone(),
            directory: p.directory.as_ref().map(|d| d.display().to_string()),
            uid: p.user.as_ref().map(|u| u.uid),
            exitcodes: p.exitcodes.clone(),
            autostart: p.autostart,
            killasgroup: p.killasgroup,
            redirect_stderr: p.redirect_stderr,
            startretries: p.startretries,
            startsecs: p.startsecs_ms / 1000,
            stopsignal: p.stopsignal,
            stopwaitsecs: p.stopwaitsecs_ms / 1000,
            serverurl: p.serverurl.clone(),
            stdout: log(&p.stdout, false),
            stderr: log(&p.stderr, true),
        }
    }
}

fn refused(code: FaultCode) -> Outcome {
    Outcome::Fault(Fault { code, extra: None })
}
