//! An event listener of our own, in place of one in Python: `mainstay listener echo|ok`, started by `run` only.
//!
//! Reads events on stdin and answers on stdout. `echo` answers with the event itself, as supervisor_stdout does, for the
//! result handler that prints it; `ok` takes everything. Not here: what is started when (`engine::dependents`).

use std::io::{BufRead, Read, Write};

/// Until nobody sends events any more.
pub(crate) fn run(word: Option<&str>) -> u8 {
    let echo = word == Some("echo");
    let (mut events, mut answers) = (std::io::stdin().lock(), std::io::stdout().lock());
    while answer(&mut events, &mut answers, echo).is_some() {}
    0
}

/// Takes one event; `None` at the end.
fn answer(events: &mut impl BufRead, answers: &mut impl Write, echo: bool) -> Option<()> {
    answers.write_all(b"READY\n").and_then(|()| answers.flush()).ok()?;
    let mut header = String::new();
    events.read_line(&mut header).ok()?;
    let length = header.split_whitespace().find_map(|w| w.strip_prefix("len:"))?.parse().ok()?;
    let payload = read_chars(events, length)?;
    let result = if echo { payload.as_slice() } else { b"OK" };
    // The protocol counts characters in an event, and bytes in a result.
    writeln!(answers, "RESULT {}", result.len()).and_then(|()| answers.write_all(result)).ok()
}

/// That many characters of UTF-8.
fn read_chars(from: &mut impl Read, count: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for _ in 0..count {
        let mut first = [0];
        from.read_exact(&mut first).ok()?;
        let more = u64::from(first[0] >= 0xC0) + u64::from(first[0] >= 0xE0) + u64::from(first[0] >= 0xF0);
        bytes.extend(first);
        from.by_ref().take(more).read_to_end(&mut bytes).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_answered_until_they_end() {
        let events = "ver:3.0 serial:1 eventname:X len:4\na\nä€ver:3.0 len:0\n";
        for (echo, said) in [
            (true, "READY\nRESULT 7\na\nä€READY\nRESULT 0\nREADY\n"),
            (false, "READY\nRESULT 2\nOKREADY\nRESULT 2\nOKREADY\n"),
        ] {
            let (mut from, mut to) = (events.as_bytes(), Vec::new());
            while answer(&mut from, &mut to, echo).is_some() {}
            assert_eq!(String::from_utf8(to).as_deref(), Ok(said));
        }
    }
}
