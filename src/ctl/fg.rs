//! `fg`: what a program writes, and lines typed to it.
//!
//! Does I/O. COMPAT: lines, order and codes are supervisorctl's: what was written last comes first; each line typed is
//! sent whole; Ctrl-C and Ctrl-D leave the program as it is; that a program has ended is noticed with the next line.
//! Not here: following one log (`follow`).

use crate::config::python::repr;
use crate::control::{FaultCode, State};
use crate::ctl::client::{ClientError, PATIENCE};
use crate::ctl::commands::{Done, Session};
use crate::ctl::follow::Stream;
use crate::ctl::interrupt::{Held, Woken, wait};
use crate::ctl::names;
use crate::gateway::rpc::value::Value;
use std::io::Write;

impl Session<'_> {
    pub(super) fn fg(&mut self, words: &[&str]) -> Done {
        self.upcheck()?;
        let name = match words {
            [] => {
                self.misused("fg", "ERROR: no process name supplied", names::GENERIC);
                return Ok(());
            }
            [name] => *name,
            _ => return self.refuse("ERROR: too many process names supplied"),
        };
        match self.is_running(name) {
            Ok(true) => {}
            Ok(false) => return self.refuse("ERROR: process not running"),
            Err(ClientError::Fault { code, .. }) if code == FaultCode::BadName as i64 => {
                return self.refuse("ERROR: bad process name supplied");
            }
            // COMPAT: that is no failure.
            Err(ClientError::Fault { code, text }) => {
                self.say(&format!("ERROR: {}", fault(code, &text)));
                return Ok(());
            }
            Err(other) => return Err(other.into()),
        }
        self.say("==> Press Ctrl-C to exit <==");
        let _ = self.out.flush();
        // Where that cannot be done, Ctrl-C ends us.
        let _held = Held::interrupt().ok();
        let ended = self.foreground(name);
        self.say("Exiting foreground");
        ended
    }

    fn is_running(&mut self, name: &str) -> Result<bool, ClientError> {
        let info = self.api.call("getProcessInfo", &[Value::text(name)])?;
        Ok(info.get("state").and_then(Value::as_int) == Some(i64::from(State::Running.code())))
    }

    fn foreground(&mut self, name: &str) -> Done {
        let mut streams = Vec::new();
        for channel in ["stdout", "stderr"] {
            let path = format!("/logtail/{name}/{channel}");
            match Stream::open(&self.api.address(), &path, PATIENCE, self.out) {
                Ok(stream) => streams.push(stream),
                Err(error) => self.cannot_follow(&path, &error),
            }
        }
        loop {
            streams.retain(|stream| !stream.ended);
            while let Some(line) = self.input.line_at_hand() {
                if !self.types(name, &line)? {
                    return Ok(());
                }
            }
            let keyboard = self.input.source.fd();
            let fds: Vec<_> = keyboard.into_iter().chain(streams.iter().map(Stream::fd)).collect();
            let first_stream = usize::from(keyboard.is_some());
            let typed = match wait(&fds, None).map_err(ClientError::Broken)? {
                Woken::Ready(bits) => {
                    for (n, stream) in streams.iter_mut().enumerate() {
                        if bits & (1 << (n + first_stream)) != 0 {
                            // One that has broken has ended.
                            stream.ended = stream.copy(self.out).unwrap_or(true);
                        }
                    }
                    // The keyboard comes first, where there is one to wait for.
                    first_stream == 0 || bits & 1 != 0
                }
                Woken::Signal(_) => return Ok(()),
                Woken::Late => false,
            };
            if typed && !matches!(self.input.fill(), Ok(None)) {
                if let Some(line) = self.input.rest() {
                    self.types(name, &line)?;
                }
                return Ok(());
            }
        }
    }

    /// COMPAT: one channel may have no log, and that is no failure.
    pub(super) fn cannot_follow(&self, path: &str, error: &ClientError) {
        let why = match error {
            ClientError::Status(status, _) => format!("Cannot read, status code {status}"),
            other => other.to_string(),
        };
        let _ = writeln!(std::io::stderr(), "{}{path} {why}", self.api.url());
    }

    /// Sends a line. Whether the program is still there.
    fn types(&mut self, name: &str, line: &str) -> Result<bool, ClientError> {
        match self.api.call("sendProcessStdin", &[Value::text(name), Value::text(format!("{line}\n"))]) {
            Ok(_) if self.is_running(name)? => return Ok(true),
            Ok(_) => self.say("Process got killed"),
            Err(ClientError::Fault { code, .. }) if code == FaultCode::NotRunning as i64 => {
                self.say("Process got killed");
            }
            Err(ClientError::Fault { code, text }) => self.say(&format!("ERROR: {}", fault(code, &text))),
            Err(other) => return Err(other),
        }
        Ok(false)
    }
}

/// COMPAT: as Python shows a fault.
fn fault(code: i64, text: &str) -> String {
    format!("<Fault {code}: {}>", repr(text))
}
