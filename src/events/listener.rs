//! What one listener says on its stdout, byte for byte: `READY`, results, and violations of the protocol.
//!
//! Sans-IO. Invariants: how the stream is cut into reads changes nothing; UNKNOWN is for the rest of the process's life;
//! at most `LINE_BYTES` are held, and of a result only what its handler wants.
//! COMPAT: contract 6.5. The word `RESULT` is not looked at (trap 73); what Supervisor hangs on is answered here: an empty
//! result is a rejection, a negative length is a bad line.
//! Not here: events and who gets them (`pool`), the log's words (`hub`).

use crate::events::handler::{Handler, Verdict};

/// BOUND: a result line without an end; Supervisor waits for one for ever.
pub const LINE_BYTES: usize = 4096;

const READY: &[u8] = b"READY\n";
/// COMPAT: bytes before the length.
const WORD_BYTES: usize = 7;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It has not said READY yet, or has answered.
    Acknowledged,
    /// It waits for an event.
    Ready,
    /// It has one.
    Busy,
    /// It broke the protocol.
    Unknown,
}

impl State {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Acknowledged => "ACKNOWLEDGED",
            State::Ready => "READY",
            State::Busy => "BUSY",
            State::Unknown => "UNKNOWN",
        }
    }
}

/// What came of its words, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    To {
        from: State,
        to: State,
    },
    Processed,
    Rejected,
    /// The handler wants this on our stdout; `Processed` follows.
    Print(Vec<u8>),
    /// The handler could not read the result.
    Failed,
    /// The line, without its end. The event is to be given to somebody else.
    BadLine(Vec<u8>),
}

/// See the module.
#[derive(Debug)]
pub struct Protocol {
    state: State,
    held: Vec<u8>,
    /// Within a result.
    result: Option<Body>,
    handler: Handler,
}

/// A result that has not come whole: how much is left, and its beginning.
#[derive(Debug)]
struct Body {
    left: u64,
    start: Vec<u8>,
}

impl Default for Protocol {
    fn default() -> Protocol {
        Protocol::new(Handler::default())
    }
}

impl Protocol {
    /// The beginning of a process's life.
    #[must_use]
    pub fn new(handler: Handler) -> Protocol {
        Protocol { state: State::Acknowledged, held: Vec::new(), result: None, handler }
    }

    #[must_use]
    pub fn handler(&self) -> Handler {
        self.handler
    }

    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// It has been given an event.
    pub fn sent(&mut self) {
        self.state = State::Busy;
    }

    /// Takes bytes as they were read.
    pub fn push(&mut self, bytes: &[u8], said: &mut dyn FnMut(Said)) {
        let mut joined = std::mem::take(&mut self.held);
        joined.extend_from_slice(bytes);
        let mut rest = joined.as_slice();
        while !rest.is_empty() || self.result.as_ref().is_some_and(|b| b.left == 0) {
            match self.step(rest, said) {
                Some(after) => rest = after,
                None => {
                    self.held = rest.to_vec();
                    return;
                }
            }
        }
    }

    /// Takes one thing from the front; `None` when there is too little.
    fn step<'a>(&mut self, bytes: &'a [u8], said: &mut dyn FnMut(Said)) -> Option<&'a [u8]> {
        match self.state {
            State::Unknown => Some(&[]),
            State::Ready => {
                self.go(State::Unknown, said);
                Some(&[])
            }
            State::Acknowledged if bytes.len() < READY.len() => None,
            State::Acknowledged => {
                let after = bytes.strip_prefix(READY);
                self.go(if after.is_some() { State::Ready } else { State::Unknown }, said);
                Some(after.unwrap_or_default())
            }
            State::Busy if self.result.is_some() => Some(self.take_body(bytes, said)),
            State::Busy => self.take_line(bytes, said),
        }
    }

    fn take_line<'a>(&mut self, bytes: &'a [u8], said: &mut dyn FnMut(Said)) -> Option<&'a [u8]> {
        let end = bytes.iter().take(LINE_BYTES).position(|b| *b == b'\n');
        if end.is_none() && bytes.len() < LINE_BYTES {
            return None;
        }
        let (line, rest) = bytes.split_at_checked(end.unwrap_or(LINE_BYTES))?;
        let length = line.get(WORD_BYTES..).and_then(whole_number);
        match (end, length) {
            (Some(_), Some(left)) => self.result = Some(Body { left, start: Vec::new() }),
            _ => {
                said(Said::BadLine(line.to_vec()));
                self.go(State::Unknown, said);
                return Some(&[]);
            }
        }
        rest.get(1..)
    }

    fn take_body<'a>(&mut self, bytes: &'a [u8], said: &mut dyn FnMut(Said)) -> &'a [u8] {
        let Some(body) = &mut self.result else { return bytes };
        let n = usize::try_from(body.left).unwrap_or(usize::MAX).min(bytes.len());
        let (piece, rest) = bytes.split_at(n);
        let wanted = self.handler.bytes_wanted().saturating_sub(body.start.len());
        body.start.extend(piece.iter().take(wanted));
        body.left = body.left.saturating_sub(n as u64);
        if body.left == 0 {
            let verdict = self.handler.judge(&body.start);
            self.result = None;
            let (end, to) = match verdict {
                Verdict::Processed => (Said::Processed, State::Acknowledged),
                Verdict::Print(text) => {
                    said(Said::Print(text));
                    (Said::Processed, State::Acknowledged)
                }
                Verdict::Rejected => (Said::Rejected, State::Acknowledged),
                Verdict::Failed => (Said::Failed, State::Unknown),
            };
            said(end);
            self.go(to, said);
        }
        rest
    }

    fn go(&mut self, to: State, said: &mut dyn FnMut(Said)) {
        let from = std::mem::replace(&mut self.state, to);
        said(Said::To { from, to });
    }
}

/// COMPAT: as Python's `int` reads bytes: blanks around it, a plus, single underscores between digits.
fn whole_number(text: &[u8]) -> Option<u64> {
    // The eleventh ASCII control is a blank to Python too.
    let is_blank = |b: &u8| b.is_ascii_whitespace() || *b == 0x0b;
    let from = text.iter().position(|b| !is_blank(b))?;
    let to = text.iter().rposition(|b| !is_blank(b))?;
    let text = text.get(from..=to)?;
    let (negative, digits) = match text.split_first()? {
        (b'+', rest) => (false, rest),
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let mut number = 0u64;
    for part in digits.split(|b| *b == b'_') {
        if part.is_empty() {
            return None;
        }
        for digit in part {
            let value = char::from(*digit).to_digit(10)?;
            number = number.saturating_mul(10).saturating_add(value.into());
        }
    }
    (number == 0 || !negative).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said; `*` in the stream: an event is sent there.
    fn talk(text: &[u8], cut: usize) -> Vec<Said> {
        let mut seen = Vec::new();
        let mut protocol = Protocol::default();
        for (n, part) in text.split(|b| *b == b'*').enumerate() {
            if n > 0 {
                protocol.sent();
            }
            for piece in part.chunks(cut) {
                protocol.push(piece, &mut |said| seen.push(said));
            }
        }
        seen
    }

    fn to(from: State, to: State) -> Said {
        Said::To { from, to }
    }

    #[test]
    fn a_good_listener_goes_round_however_its_words_are_cut() {
        use State::{Acknowledged, Busy, Ready};
        let ready = to(Acknowledged, Ready);
        let done = to(Busy, Acknowledged);
        let want = [ready.clone(), Said::Processed, done.clone(), ready, Said::Rejected, done];
        for cut in 1..20 {
            assert_eq!(talk(b"READY\n*RESULT 2\nOKREADY\n*RESULT 4\nFAIL", cut), want, "{cut}");
        }
    }

    #[test]
    fn the_length_alone_counts_and_an_empty_result_is_one() {
        for (line, verdict) in [
            ("XXXXXXX2\nOK", Said::Processed),
            ("RESULT  +2 \nOK", Said::Processed),
            ("RESULT 0_2\nOK", Said::Processed),
            ("RESULT 0\n", Said::Rejected),
            ("RESULT -0\n", Said::Rejected),
            ("RESULT 3\nOK\n", Said::Rejected),
            ("RESULT 1\nO", Said::Rejected),
        ] {
            let said = talk(format!("READY\n*{line}").as_bytes(), 3);
            assert_eq!(said.get(1), Some(&verdict), "{line}");
            assert_eq!(said.last(), Some(&to(State::Busy, State::Acknowledged)), "{line}");
        }
        assert_eq!(talk(b"READY\n*RESULT 9\nOK", 1).len(), 1, "it is not whole yet");
    }

    #[test]
    fn whoever_breaks_the_protocol_is_unknown_for_ever() {
        use State::{Acknowledged, Busy, Ready, Unknown};
        assert_eq!(talk(b"HELLO", 1), [], "too little to know");
        assert_eq!(talk(b"HELLO\nREADY\n", 1), [to(Acknowledged, Unknown)]);
        assert_eq!(talk(b"READY\nREADY\n", 99), [to(Acknowledged, Ready), to(Ready, Unknown)]);
        for line in ["RESULT", "RESULT x", "RESULT 1__2", "RESULT 2_", "RESULT -2", "OK"] {
            let said = talk(format!("READY\n*{line}\nOKREADY\n").as_bytes(), 2);
            let bad = Said::BadLine(line.as_bytes().to_vec());
            assert_eq!(said[1..], [bad, to(Busy, Unknown)], "{line}");
        }
    }

    #[test]
    fn little_is_held_of_what_never_ends() {
        let mut protocol = Protocol::default();
        let mut seen = Vec::new();
        protocol.push(b"READY\n", &mut |s| seen.push(s));
        protocol.sent();
        for _ in 0..LINE_BYTES {
            protocol.push(b"xx", &mut |s| seen.push(s));
        }
        assert_eq!(seen.get(1), Some(&Said::BadLine(vec![b'x'; LINE_BYTES])));
        assert_eq!((protocol.state(), protocol.held.len()), (State::Unknown, 0));

        let mut protocol = Protocol::default();
        protocol.push(b"READY\n", &mut |_| ());
        protocol.sent();
        protocol.push(b"RESULT 99999999999999999999999\n", &mut |_| ());
        for _ in 0..100 {
            protocol.push(&[b'x'; 1000], &mut |s| panic!("{s:?}"));
        }
        assert_eq!((protocol.held.len(), protocol.result.map(|b| b.start.len())), (0, Some(3)));
    }
}
