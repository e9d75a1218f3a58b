//! Keys: however the terminal's bytes are cut the keys are the same, and little is held back.

use super::{Target, ensure};
use crate::rng::Rng;
use mainstay::ctl::keys::Decoder;

pub(super) struct Keys;

/// Pieces of what terminals send, beside any bytes.
const PIECES: [&[u8]; 14] = [
    b"\x1b[A",
    b"\x1bOB",
    b"\x1b[5~",
    b"\x1b[1;5C",
    b"\x1b",
    b"\x1b[",
    b"\x1b[200~",
    b"q",
    b"\r",
    b"\x7f",
    b"\x03",
    "é".as_bytes(),
    "漢".as_bytes(),
    "\u{1f600}".as_bytes(),
];

/// BOUND: of the decoder.
const MAX_HELD: usize = 33;

impl Target for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn quick_cases(&self) -> u64 {
        2_000
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..rng.below_few(20, 60) {
            let n = rng.below(PIECES.len() + 2);
            match PIECES.get(n) {
                Some(piece) => bytes.extend_from_slice(piece),
                None => bytes.extend(rng.bytes(3)),
            }
        }
        bytes
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let mut whole = Decoder::default();
        let keys = whole.push(input);
        ensure(keys.len() <= input.len(), || "more keys than bytes".into())?;
        let mut single = Decoder::default();
        let mut one_by_one = Vec::new();
        for byte in input {
            one_by_one.extend(single.push(&[*byte]));
        }
        ensure(keys == one_by_one, || {
            format!("cut into bytes the keys are others: {keys:?} {one_by_one:?}")
        })?;
        ensure(whole.is_waiting() == single.is_waiting(), || "wrong about whether anything is held".into())?;
        // An escape alone becomes a key; anything else that is unfinished goes.
        single.flush();
        ensure(!single.is_waiting(), || "something is left after the end".into())?;
        let mut endless = Decoder::default();
        let fed = endless.push(&input.repeat(3)).len();
        ensure(fed + MAX_HELD >= keys.len(), || "keys are lost".into())?;
        Ok(!keys.is_empty())
    }
}
