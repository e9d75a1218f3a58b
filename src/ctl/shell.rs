//! The shell: a prompt, lines, passwords, questions.
//!
//! Does I/O through the session. COMPAT: the status comes first; Ctrl-C and Ctrl-D end it; an empty line does nothing; it
//! always ends well. Not here: keys (`editor`), commands (`commands`).

use crate::ctl::commands::Session;
use crate::ctl::complete::{candidates, wanted};
use crate::ctl::help::Takes;
use crate::ctl::input::Asked;
use crate::ctl::interrupt::Held;
use crate::ctl::names;
use crate::gateway::rpc::value::Value;

/// What ends a program that was interrupted, as shells have it.
const INTERRUPTED: u8 = 130;

impl Session<'_> {
    /// Reads and executes lines until `quit`, Ctrl-C or the end.
    pub fn shell(&mut self) {
        // Where that cannot be done, Ctrl-C ends us.
        let _held = Held::interrupt().ok();
        self.execute("status");
        while !self.over {
            match self.next_line() {
                Asked::Line(line) => self.execute(&line),
                Asked::End => self.execute("EOF"),
                Asked::Interrupted => self.interrupted(),
            }
        }
    }

    /// Somebody pressed Ctrl-C: a shell ends, and whatever else runs fails.
    pub(super) fn interrupted(&mut self) {
        self.say("");
        self.over = true;
        self.fail(INTERRUPTED);
    }

    fn next_line(&mut self) -> Asked {
        let (api, known) = (self.api, &mut self.known);
        let with_ours = !self.settings.face;
        let mut complete = |line: &str, word: &str| {
            let takes = wanted(line);
            if !matches!(takes, Takes::Groups | Takes::Processes) {
                return candidates(takes, word, &[], with_ours);
            }
            // Asked once for each line: somebody may press Tab often.
            let all = known.get_or_insert_with(|| api.call("getAllProcessInfo", &[]).unwrap_or(Value::Nil));
            candidates(takes, word, all.as_array().unwrap_or_default(), with_ours)
        };
        let prompt = format!("{}> ", self.settings.prompt);
        self.input.command(&prompt, self.out, &mut complete)
    }

    /// Asks before something that cannot be undone.
    pub(super) fn confirms(&mut self, question: &str) -> bool {
        match self.input.ask(question, self.out) {
            Asked::Line(line) => line.to_lowercase().starts_with('y'),
            Asked::End => {
                self.say("error: there is nobody to answer: standard input has ended");
                self.fail(names::GENERIC);
                false
            }
            Asked::Interrupted => {
                self.interrupted();
                false
            }
        }
    }

    /// The server wants to know who asks. Whether there is a name and a password to try now.
    pub(super) fn logs_in(&mut self) -> bool {
        self.say("Server requires authentication");
        if !self.settings.interactive {
            let given = self.api.address();
            self.hint(if given.username.is_some() && given.password.is_some() {
                "the name or the password is wrong: -u NAME -p PASSWORD, or -i to be asked for them"
            } else {
                "give a name and a password: -u NAME -p PASSWORD, or -i to be asked for them"
            });
            return false;
        }
        let asked = match self.input.ask("Username:", self.out) {
            Asked::Line(name) => Ok((name, self.input.secret("Password:"))),
            other => Err(other),
        };
        match asked {
            Ok((name, Asked::Line(password))) => {
                self.say("");
                let mut address = self.api.address();
                (address.username, address.password) = (Some(name), Some(password));
                self.api.turn_to(address);
                true
            }
            Ok((_, Asked::Interrupted)) | Err(Asked::Interrupted) => {
                self.interrupted();
                false
            }
            _ => {
                self.say("error: there is nobody to answer: standard input has ended");
                false
            }
        }
    }
}
