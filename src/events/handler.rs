//! What becomes of a listener's result: Supervisor's `result_handler`.
//!
//! Pure. Two are built in: Supervisor's own, and the one of the package supervisor-stdout, which prints what a program has
//! written behind the program's name. COMPAT: its words are those of supervisor-stdout 0.1.1, `name channel | data`; nothing
//! is added, not even the end of a line that has none. Not here: how a result is cut out of a stream (`listener`).

/// BOUND: of a longer result the rest is not printed.
pub const RESULT_BYTES: usize = 1 << 20;

const OK: &[u8] = b"OK";

/// Who looks at results.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Handler {
    /// `OK` or not.
    #[default]
    Ok,
    /// It is the header and the text of a PROCESS_LOG event, to be printed.
    Stdout,
}

/// What it says of a result.
#[derive(PartialEq, Eq, Debug)]
pub enum Verdict {
    Processed,
    /// It was processed, and this is to be printed.
    Print(Vec<u8>),
    Rejected,
    /// The handler could not make sense of it; the listener gets no more events.
    Failed,
}

impl Handler {
    /// The handler that a configuration names.
    #[must_use]
    pub fn named(spec: &str) -> Handler {
        if spec == "supervisor_stdout:event_handler" { Handler::Stdout } else { Handler::Ok }
    }

    /// How much of a result has to be kept for it.
    #[must_use]
    pub fn bytes_wanted(self) -> usize {
        match self {
            // One byte more than what counts tells a longer result from it.
            Handler::Ok => OK.len() + 1,
            Handler::Stdout => RESULT_BYTES,
        }
    }

    #[must_use]
    pub fn judge(self, result: &[u8]) -> Verdict {
        match self {
            Handler::Ok if result == OK => Verdict::Processed,
            Handler::Ok => Verdict::Rejected,
            Handler::Stdout => prefixed(result).map_or(Verdict::Failed, Verdict::Print),
        }
    }
}

fn prefixed(result: &[u8]) -> Option<Vec<u8>> {
    let end = result.iter().position(|b| *b == b'\n')?;
    let (line, data) = result.split_at_checked(end)?;
    let (mut name, mut channel) = (None, None);
    for word in std::str::from_utf8(line).ok()?.split_whitespace() {
        // COMPAT: a word that is no `key:value` is an error.
        let (key, value) = word.split_once(':').filter(|(_, value)| !value.contains(':'))?;
        match key {
            "processname" => name = Some(value),
            "channel" => channel = Some(value),
            _ => {}
        }
    }
    Some([name?.as_bytes(), b" ", channel?.as_bytes(), b" | ", data.get(1..)?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_event_is_printed_behind_the_programs_name() {
        let judge = |result: &str| Handler::Stdout.judge(result.as_bytes());
        let head = "processname:web groupname:all pid:7 channel:stdout\n";
        for (data, printed) in [("one\ntwo\n", "web stdout | one\ntwo\n"), ("", "web stdout | ")] {
            assert_eq!(judge(&format!("{head}{data}")), Verdict::Print(printed.into()));
        }
        for bad in
            ["OK", "", "processname:web pid:7\nx", "processname:web channel:a:b\nx", "x channel:a\n", "\n"]
        {
            assert_eq!(judge(bad), Verdict::Failed, "{bad:?}");
        }
    }
}
