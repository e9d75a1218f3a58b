//! Listeners: how their words are cut into reads changes nothing, changes of state follow each other, little is held.

use super::{Target, ensure};
use crate::bytes::Bytes;
use crate::rng::Rng;
use mainstay::events::listener::{LINE_BYTES, Protocol, Said, State};

pub(super) struct Listener;

impl Target for Listener {
    fn name(&self) -> &'static str {
        "listener"
    }

    fn quick_cases(&self) -> u64 {
        1_000
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        let n = rng.below_few(60, 400);
        rng.bytes(n)
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let mut bytes = Bytes::new(input);
        let mut turns: Vec<Vec<u8>> = Vec::new();
        let mut protocol = Protocol::default();
        while !bytes.is_empty() {
            let turn = words(&mut bytes, protocol.state());
            protocol.push(&turn, &mut |_| ());
            if protocol.state() == State::Ready {
                protocol.sent();
            }
            turns.push(turn);
        }
        let whole = talk(&turns, usize::MAX);
        for cut in [1, 2, 3, 7, 4095] {
            ensure(talk(&turns, cut) == whole, || format!("cuts matter: {cut}"))?;
        }
        let mut state = State::Acknowledged;
        for said in &whole {
            match said {
                Said::To { from, to } => {
                    let is_sent = state == State::Ready && *from == State::Busy;
                    ensure(*from == state || is_sent, || format!("{state:?} and then {said:?}"))?;
                    ensure(*from != State::Unknown, || "UNKNOWN is left".into())?;
                    state = *to;
                }
                Said::BadLine(line) => {
                    let is_line = line.len() <= LINE_BYTES && !line.contains(&b'\n');
                    ensure(is_line, || format!("no line: {} bytes", line.len()))?;
                }
                Said::Processed | Said::Rejected | Said::Print(_) | Said::Failed => {
                    ensure(state == State::Ready, || format!("a result of nothing, {state:?}"))?;
                }
            }
        }
        Ok(whole.contains(&Said::Processed))
    }
}

/// What is said. An event is sent after each turn that leaves the listener READY.
fn talk(turns: &[Vec<u8>], cut: usize) -> Vec<Said> {
    let mut seen = Vec::new();
    let mut protocol = Protocol::default();
    for turn in turns {
        for piece in turn.chunks(cut) {
            protocol.push(piece, &mut |said| seen.push(said));
        }
        if protocol.state() == State::Ready {
            protocol.sent();
        }
    }
    seen
}

/// Words of a listener: good ones most of the time.
fn words(bytes: &mut Bytes<'_>, state: State) -> Vec<u8> {
    const RESULTS: [&str; 6] = [
        "RESULT 2\nOK",
        "RESULT 2\nOKREADY\n",
        "RESULT 4\nFAILREADY\n",
        "RESULT 0\n",
        "RESULT  +1_0 \n0123456789",
        "XXXXXXX3\nOK\nREADY\n",
    ];
    const ODD: [&str; 6] =
        ["RES", "OK", "\n", "RESULT -1\n", "RESULT 99999999999999999999\n", "READY\nREADY\n"];
    match bytes.below(64) {
        0 => bytes.take(20).to_vec(),
        1 => vec![b'x'; LINE_BYTES - 2 + bytes.below(4)],
        2 => [vec![b'x'; LINE_BYTES - 2 + bytes.below(4)], b"\n".to_vec()].concat(),
        3 => bytes.pick(&ODD).as_bytes().to_vec(),
        _ if state == State::Acknowledged => b"READY\n".to_vec(),
        _ => bytes.pick(&RESULTS).as_bytes().to_vec(),
    }
}
