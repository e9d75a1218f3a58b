//! Filters: how a stream is cut into reads changes nothing, and nothing is lost but what they are there to take.

use super::{Target, ensure};
use crate::bytes::Bytes;
use crate::rng::Rng;
use mainstay::logging::filters::{Filters as Stage, Piece};
use mainstay::logging::tokens::{BEGIN, END};

pub(super) struct Filters;

impl Target for Filters {
    fn name(&self) -> &'static str {
        "filters"
    }

    fn quick_cases(&self) -> u64 {
        500
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        let n = rng.below_few(40, 300);
        rng.bytes(n)
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let mut bytes = Bytes::new(input);
        let most = if bytes.below(2) == 0 { 1 << 20 } else { bytes.below(40) };
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        while !bytes.is_empty() {
            pieces.push(piece(&mut bytes));
        }
        let whole = pieces.concat();
        for strip in [false, true] {
            let parts: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let cut = run(strip, most as u64, &parts);
            ensure(cut == run(strip, most as u64, &[&whole]), || "the cuts of reads matter".into())?;
            let one_by_one: Vec<&[u8]> = whole.chunks(1).collect();
            ensure(cut == run(strip, most as u64, &one_by_one), || "single bytes matter".into())?;
            if !strip {
                ensure(cut.stream == whole, || "bytes are lost or moved".into())?;
                let kept = |c: &Vec<u8>| c.len() <= most;
                ensure(most == 0 || cut.captured.iter().all(kept), || "a capture is too large".into())?;
            }
        }
        Ok(!whole.is_empty())
    }
}

#[derive(Default, PartialEq)]
struct Outcome {
    /// Everything that came out, with the tokens where they were.
    stream: Vec<u8>,
    captured: Vec<Vec<u8>>,
    unfinished: Option<usize>,
}

fn run(strip: bool, most: u64, parts: &[&[u8]]) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(mut stage) = Stage::new(strip, most) else {
        outcome.stream = parts.concat();
        return outcome;
    };
    let mut inside = false;
    let mut take = |piece: Piece<'_>| {
        let mut enter = |now: bool, outcome: &mut Outcome| {
            if now && !inside {
                outcome.stream.extend_from_slice(BEGIN);
            }
            inside = now;
        };
        match piece {
            Piece::Text(b) => outcome.stream.extend_from_slice(b),
            Piece::Inside(b) => {
                enter(true, &mut outcome);
                outcome.stream.extend_from_slice(b);
            }
            Piece::Captured(data) => {
                enter(true, &mut outcome);
                enter(false, &mut outcome);
                outcome.stream.extend_from_slice(END);
                outcome.captured.push(data);
            }
            Piece::Unfinished(n) => {
                enter(true, &mut outcome);
                outcome.unfinished = Some(n);
            }
        }
    };
    for part in parts {
        stage.push(part, &mut take);
    }
    stage.finish(&mut take);
    outcome
}

/// Tokens, escapes, beginnings of both, and anything else.
fn piece(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let n = usize::from(bytes.byte());
    match bytes.below(9) {
        0 => BEGIN.to_vec(),
        1 => END.to_vec(),
        2 => BEGIN[..n % BEGIN.len()].to_vec(),
        3 => END[n % END.len()..].to_vec(),
        4 => b"\x1b[1;31mred\x1b[0m".to_vec(),
        5 => b"\x1b]0;title\x07\x1b(B\x1b"[..n % 14].to_vec(),
        6 => [b"\x1b]", vec![b'x'; n * 40].as_slice()].concat(),
        7 => b"\x1b[<!\n\\"[..n % 7].to_vec(),
        _ => bytes.take(n % 24).to_vec(),
    }
}
