//! `drain`: traffic is to go elsewhere, and nothing is stopped.
//!
//! Does I/O through the session. Not here: what a drain does (`engine::drain`).

use crate::control::FaultCode;
use crate::ctl::client::ClientError;
use crate::ctl::commands::{Done, Session};
use crate::gateway::rpc::value::Value;

impl Session<'_> {
    pub(super) fn drain(&mut self, words: &[&str]) -> Done {
        let (method, params, said) = match words {
            [] => ("mainstay.drain", vec![Value::Bool(false)], "draining: not ready any more"),
            ["--wait"] => ("mainstay.drain", vec![Value::Bool(true)], "drained"),
            ["--cancel"] => ("mainstay.undrain", Vec::new(), "draining no more"),
            _ => {
                self.refuse("Error: drain accepts --wait or --cancel")?;
                self.hint("`help drain` says more");
                return Ok(());
            }
        };
        match self.api.call(method, &params) {
            Ok(_) => self.say(said),
            Err(ClientError::Fault { code, .. }) if code == FaultCode::UnknownMethod as i64 => {
                self.refuse("error: this server cannot drain")?;
                self.hint("it is another supervisord, or an older mainstay");
            }
            Err(ClientError::Fault { code, text }) if code == FaultCode::Failed as i64 => {
                self.refuse(&format!("ERROR: {}", text.strip_prefix("FAILED: ").unwrap_or(&text)))?;
            }
            // It is not ready already.
            Err(ClientError::Fault { code, .. }) if code == FaultCode::ShutdownState as i64 => self.say(said),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
