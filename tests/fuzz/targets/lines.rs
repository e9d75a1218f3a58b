//! Lines: whatever the pieces, the bytes come out in order, and not too late.

use super::{Target, ensure};
use crate::bytes::Bytes;
use crate::rng::Rng;
use mainstay::logging::lines::{LINE_BYTES, LineHolder, Run};

pub(super) struct Lines;

impl Target for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn quick_cases(&self) -> u64 {
        // A line is a megabyte before it is cut.
        60
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        let n = rng.below_few(60, 400);
        rng.bytes(n)
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let mut bytes = Bytes::new(input);
        let mut holder = LineHolder::default();
        let (mut fed, mut seen) = (Vec::new(), Vec::new());
        while !bytes.is_empty() {
            let is_release = bytes.below(16) == 0;
            let mut outs: Vec<Vec<u8>> = Vec::new();
            let mut out = |run: Run<'_>| outs.push(run.bytes().to_vec());
            if is_release {
                holder.release(&mut out);
            } else {
                let piece = piece(&mut bytes);
                holder.push(&piece, &mut out);
                fed.extend(piece);
            }
            for out in &outs {
                let is_whole = out.ends_with(b"\n") || out.len() >= LINE_BYTES - 3 || is_release;
                ensure(is_whole && !out.is_empty(), || {
                    format!("a piece of a line came out: {} bytes", out.len())
                })?;
            }
            seen.extend(outs.concat());
            ensure(fed.starts_with(&seen), || "other bytes came out".into())?;
            let held = &fed[seen.len()..];
            ensure(held.len() <= LINE_BYTES, || format!("too much is held: {} bytes", held.len()))?;
            ensure(!held.contains(&b'\n'), || "a whole line is held back".into())?;
            ensure(holder.is_empty() == held.is_empty(), || "wrong about whether anything is held".into())?;
        }
        holder.release(&mut |run| seen.extend_from_slice(run.bytes()));
        ensure(seen == fed, || "bytes are lost at the end".into())?;
        Ok(!fed.is_empty())
    }
}

/// Some bytes as a pipe would give them: a few, or as many as make the limit interesting.
fn piece(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let n = usize::from(bytes.byte());
    match bytes.below(8) {
        0 => vec![b'x'; n * 300],
        1 => vec![bytes.byte(); LINE_BYTES + 2 - n % 5],
        2 => b"\n".repeat(n),
        3 => Vec::new(),
        _ => bytes.take(n % 24).iter().map(|b| if b % 7 == 0 { b'\n' } else { *b }).collect(),
    }
}
