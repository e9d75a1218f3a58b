//! The listening sockets of FastCGI programs: made for the first process of a program, closed with its last.
//!
//! Does I/O. Invariants: a socket is open exactly as long as some incarnation holds it; every incarnation that joined
//! leaves once; whoever cannot have its socket is not started. COMPAT: contract 1.8: made and closed once at the start,
//! so that a socket that cannot be had refuses the start; the file of a unix socket stays behind.
//! Not here: what a socket is made of (`sys::sockets`), who waits for connections (the programs).

use crate::config::model::{FcgiSocket, Program};
use crate::daemon::boot::{Notes, Refusal};
use crate::daemon::listen::hint;
use crate::daemon::state::Daemon;
use crate::engine::input::{Input, SpawnError, SpawnErrorKind};
use crate::sys::{errno, sockets};
use crate::types::{LogLevel, ProcRef};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::Path;

/// An open socket and who has it as descriptor 0.
pub(crate) struct Shared {
    /// The section it belongs to.
    program: String,
    socket: FcgiSocket,
    fd: OwnedFd,
    holders: Vec<ProcRef>,
}

/// Makes each socket of these programs and closes it again; those in `open` are had already.
///
/// # Errors
/// What to tell the user.
pub(crate) fn probe<'p>(
    programs: impl IntoIterator<Item = &'p Program>,
    open: &[Shared],
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let mut seen: Vec<&str> = Vec::new();
    for program in programs {
        let Some(socket) = program.socket.as_deref().filter(|_| !seen.contains(&program.program.as_str()))
        else {
            continue;
        };
        seen.push(&program.program);
        if open.iter().any(|o| is_same_place(&o.socket, socket)) {
            continue;
        }
        notes.push((LogLevel::Info, creating(socket)));
        drop(
            listen(socket).map_err(|(text, hint)| Refusal {
                own: format!("error: {text}{hint}\n"),
                supervisor: text,
            })?,
        );
        notes.push((LogLevel::Info, closing(socket)));
    }
    Ok(())
}

/// Whether one of them keeps the other from being made; 127.0.0.1:9000 stands in the way of 0.0.0.0:9000.
fn is_same_place(a: &FcgiSocket, b: &FcgiSocket) -> bool {
    match (a.address, b.address) {
        (Some(a), Some(b)) => a.port() == b.port(),
        _ => a.url == b.url,
    }
}

fn creating(socket: &FcgiSocket) -> String {
    format!("Creating socket {}", socket.url)
}

fn closing(socket: &FcgiSocket) -> String {
    format!("Closing socket {}", socket.url)
}

/// COMPAT: the sentence of supervisord's refusal, which is Python's after the colon; and what to do about it.
fn listen(socket: &FcgiSocket) -> Result<OwnedFd, (String, &'static str)> {
    let backlog = socket.backlog.unwrap_or(sockets::MOST);
    let path = socket.url.strip_prefix("unix://").map(Path::new);
    let made = match (path, socket.address) {
        (Some(path), _) => sockets::listen_unix_for(path, socket.mode, socket.owner, backlog),
        (None, Some(address)) => sockets::listen_tcp_for(address, backlog).map_err(|e| ("", e)),
        (None, None) => {
            let words = "[Errno -2] Name or service not known";
            let hint = "\n  hint: write an address; of host names only those in /etc/hosts are known";
            return Err((format!("Could not create FastCGI socket {}: {words}", socket.url), hint));
        }
    };
    made.map_err(|(what, e)| {
        let (number, words) = (e as i32, errno::words(e as i32));
        (
            format!("Could not create FastCGI socket {}: {what}[Errno {number}] {words}", socket.url),
            hint(e, path),
        )
    })
}

impl Daemon {
    /// The socket that becomes descriptor 0 of this incarnation; it is held until `leave_socket`.
    pub(crate) fn join_socket(
        &mut self,
        proc: ProcRef,
        program: &Program,
    ) -> Result<Option<RawFd>, SpawnError> {
        let Some(socket) = program.socket.as_deref() else { return Ok(None) };
        // COMPAT: a restart lets go before it takes hold again.
        self.leave_sockets(|holder| holder.slot == proc.slot);
        if let Some(open) = self.fcgi.iter_mut().find(|s| s.program == program.program && s.socket == *socket)
        {
            open.holders.push(proc);
            return Ok(Some(open.fd.as_raw_fd()));
        }
        self.log(LogLevel::Info, &creating(socket));
        let fd = listen(socket).map_err(|(text, _)| SpawnError { kind: SpawnErrorKind::Other, text })?;
        let number = fd.as_raw_fd();
        let (program, socket) = (program.program.clone(), socket.clone());
        self.fcgi.push(Shared { program, socket, fd, holders: vec![proc] });
        Ok(Some(number))
    }

    /// After an end or a failed start has been dealt with: whoever held a socket does not any more.
    pub(crate) fn leave_socket(&mut self, proc: ProcRef) {
        if !self.fcgi.is_empty() {
            self.leave_sockets(|holder| holder == proc);
        }
    }

    pub(crate) fn leave_sockets(&mut self, is_gone: impl Fn(ProcRef) -> bool) {
        for open in &mut self.fcgi {
            open.holders.retain(|holder| !is_gone(*holder));
        }
        while let Some(at) = self.fcgi.iter().position(|open| open.holders.is_empty()) {
            let closed = self.fcgi.swap_remove(at);
            self.log(LogLevel::Info, &closing(&closed.socket));
        }
    }
}

/// Whose life or attempt this news ends.
pub(crate) fn ended(input: &Input) -> Option<ProcRef> {
    match input {
        Input::Exited { proc, .. } | Input::SpawnFailed { proc, .. } => Some(*proc),
        _ => None,
    }
}
