//! The names of events, what a subscription covers, and what events say.
//!
//! Pure. Invariant: a name that covers others is a prefix of theirs, up to an underscore; `EVENT` covers everything.
//! COMPAT: contract 6.1 and 6.3: names, order of the words, and which payload ends with a line end.
//! Not here: the header line (`pool`), which names a configuration may use (`config::validate`).

pub const PROCESS_LOG: [&str; 2] = ["PROCESS_LOG_STDOUT", "PROCESS_LOG_STDERR"];
pub const PROCESS_COMMUNICATION: [&str; 2] = ["PROCESS_COMMUNICATION_STDOUT", "PROCESS_COMMUNICATION_STDERR"];
pub const REMOTE_COMMUNICATION: &str = "REMOTE_COMMUNICATION";
pub const RUNNING: &str = "SUPERVISOR_STATE_CHANGE_RUNNING";
pub const STOPPING: &str = "SUPERVISOR_STATE_CHANGE_STOPPING";
pub const GROUP_ADDED: &str = "PROCESS_GROUP_ADDED";
pub const GROUP_REMOVED: &str = "PROCESS_GROUP_REMOVED";
/// A change of state is `PROCESS_STATE_` and the state's name.
pub const STATE: &str = "PROCESS_STATE_";
/// Periods in seconds; the event is `TICK_` and the period.
pub const TICKS: [i64; 3] = [5, 60, 3600];

/// Whether who asks for `wanted` is told of `event`.
#[must_use]
pub fn covers(wanted: &str, event: &str) -> bool {
    wanted == "EVENT"
        || event.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// Whose event it is: the first words of each payload about a process.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    pub process: &'a str,
    pub group: &'a str,
}

impl Whose<'_> {
    fn words(&self) -> String {
        ["processname:", self.process, " groupname:", self.group].concat()
    }

    /// A change of state. `event` decides which of the numbers is told.
    #[must_use]
    pub fn state(&self, event: &str, from: &str, numbers: &Numbers) -> String {
        let mut text = self.words();
        text.push_str(" from_state:");
        text.push_str(from);
        let mut add = |word: &str, n: i64| {
            text.push_str(word);
            text.push_str(&n.to_string());
        };
        match event.strip_prefix(STATE) {
            Some("STARTING" | "BACKOFF") => add(" tries:", numbers.tries.into()),
            Some("FATAL" | "UNKNOWN") => {}
            Some("EXITED") => {
                add(" expected:", numbers.expected.into());
                add(" pid:", numbers.pid.into());
            }
            _ => add(" pid:", numbers.pid.into()),
        }
        text
    }

    /// A piece of output.
    #[must_use]
    pub fn output(&self, pid: i32, stderr: bool, data: &str) -> String {
        let channel = if stderr { " channel:stderr\n" } else { " channel:stdout\n" };
        [&self.words(), " pid:", &pid.to_string(), channel, data].concat()
    }

    /// What a program sent in capture mode.
    #[must_use]
    pub fn communication(&self, pid: i32, data: &str) -> String {
        [&self.words(), " pid:", &pid.to_string(), "\n", data].concat()
    }
}

/// What is told of a change of state, beside its name.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// 0 where there is none.
    pub pid: i32,
    pub tries: u32,
    pub expected: bool,
}

/// What somebody sent by XML-RPC.
#[must_use]
pub fn remote(kind: &str, data: &str) -> String {
    ["type:", kind, "\n", data].concat()
}

/// COMPAT: this one ends with a line end.
#[must_use]
pub fn group(name: &str) -> String {
    ["groupname:", name, "\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_covers_itself_and_what_is_below_it() {
        for (wanted, event, is_covered) in [
            ("EVENT", "TICK_5", true),
            ("TICK", "TICK_3600", true),
            ("TICK_5", "TICK_5", true),
            ("TICK_60", "TICK_5", false),
            ("TICK_5", "TICK_60", false),
            ("PROCESS_LOG", "PROCESS_LOG_STDERR", true),
            ("PROCESS_STATE", "PROCESS_STATE_EXITED", true),
            ("PROCESS_STATE_STOPPED", "PROCESS_STATE_STOPPING", false),
            ("PROCESS_GROUP", "PROCESS_STATE_EXITED", false),
            ("SUPERVISOR_STATE_CHANGE", RUNNING, true),
            ("REMOTE_COMMUNICATION", REMOTE_COMMUNICATION, true),
        ] {
            assert_eq!(covers(wanted, event), is_covered, "{wanted} {event}");
        }
    }

    #[test]
    fn each_change_of_state_tells_its_own_numbers() {
        let whose = Whose { process: "x", group: "g" };
        let numbers = Numbers { pid: 7, tries: 3, expected: true };
        for (state, rest) in [
            ("STARTING", " tries:3"),
            ("BACKOFF", " tries:3"),
            ("RUNNING", " pid:7"),
            ("STOPPING", " pid:7"),
            ("STOPPED", " pid:7"),
            ("EXITED", " expected:1 pid:7"),
            ("FATAL", ""),
            ("UNKNOWN", ""),
        ] {
            let text = whose.state(&format!("{STATE}{state}"), "FROM", &numbers);
            assert_eq!(text, format!("processname:x groupname:g from_state:FROM{rest}"));
        }
        assert_eq!(whose.output(7, true, "a\nb"), "processname:x groupname:g pid:7 channel:stderr\na\nb");
        assert_eq!(whose.communication(7, "a"), "processname:x groupname:g pid:7\na");
    }
}
