//! `shutdown` and `reload`: the end of everything, or a new beginning.
//!
//! Does I/O through the session. COMPAT: texts and codes are supervisorctl's; neither asks for the version first.
//! Not here: what ends, and in which order (`engine`).

use crate::control::FaultCode;
use crate::ctl::client::ClientError;
use crate::ctl::commands::{Done, Missed, Session};
use crate::ctl::names;
use crate::ctl::report::Field::Text;
use std::io::ErrorKind;

impl Session<'_> {
    /// Carries out the one or the other, after a question where somebody is there to answer it.
    pub(super) fn end(&mut self, action: &str, names: &[&str]) -> Done {
        let (method, question, done) = match action {
            "shutdown" => ("shutdown", "Really shut the remote supervisord process down y/N? ", "Shut down"),
            _ => ("restart", "Really restart the remote supervisord process y/N? ", "Restarted supervisord"),
        };
        if !names.is_empty() {
            self.misused(action, &format!("Error: {action} accepts no arguments"), names::GENERIC);
            return Ok(());
        }
        if self.settings.interactive && !self.confirms(question) {
            return Ok(());
        }
        match self.api.call(method, &[]) {
            Ok(_) => self.give(done, &[("result", Text(done))]),
            Err(ClientError::Fault { code, .. }) if code == FaultCode::ShutdownState as i64 => {
                self.say("ERROR: already shutting down");
                // COMPAT: what is being shut down is on its way to where shutdown leads; a reload is not.
                if action == "reload" {
                    self.fail(names::GENERIC);
                }
            }
            Err(ClientError::Connect(e)) if action == "shutdown" => {
                let what = match e.kind() {
                    ErrorKind::ConnectionRefused => "refused connection",
                    ErrorKind::NotFound => "no such file",
                    _ => return Err(ClientError::Connect(e).into()),
                };
                self.missed = Some(Missed::Away);
                let url = self.api.url();
                self.say(&format!("ERROR: {url} {what} (already shut down?)"));
                self.fail(names::GENERIC);
            }
            // Who asks is settled where the line is executed.
            Err(other @ ClientError::Status(401, _)) => return Err(other.into()),
            Err(other) => {
                self.explain(&other);
                self.fail(names::GENERIC);
            }
        }
        Ok(())
    }
}
