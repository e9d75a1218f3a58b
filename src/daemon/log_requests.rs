//! Logs as clients ask for them: which file it is, and the open file that the gateway reads.
//!
//! Does I/O: opens. Invariants: the core itself reads no log; only regular files (and /dev/null) are opened.
//! Not here: which part is read, and as what text (`gateway`).

use crate::config::model::{LogTarget, MainLog, StdStream};
use crate::control::{LogOf, LogReply};
use crate::daemon::state::Daemon;
use crate::sys::fd;
use crate::types::ProcRef;
use nix::errno::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;

impl Daemon {
    /// The file of a program's log as the configuration has it.
    pub(crate) fn log_path(&self, slot: u32, stderr: bool) -> Option<&Path> {
        let program = self.program(ProcRef { slot, incarnation: 0 })?;
        if stderr && program.redirect_stderr {
            return None;
        }
        match if stderr { &program.stderr.target } else { &program.stdout.target } {
            LogTarget::None | LogTarget::Inherit => None,
            LogTarget::File(path) => Some(path),
            LogTarget::Stream { text, .. } => Some(Path::new(text)),
            LogTarget::Auto => {
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
}
