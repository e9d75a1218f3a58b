//! Frames of the link: any cuts, any damage, against a reader so simple that it can be believed.

use super::{Target, ensure};
use crate::bytes::Bytes;
use crate::rng::Rng;
use mainstay::control::{
    Check, Command, Fault, FaultCode, FrameError, FrameReader, HealthKind, HealthReport, Ident,
    MAX_FRAME_BYTES, Outcome, Reply, Request, Target as Whom, TargetResult, encode,
};
use mainstay::types::Signal;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

pub(super) struct Frames;

impl Target for Frames {
    fn name(&self) -> &'static str {
        "frames"
    }

    fn quick_cases(&self) -> u64 {
        3_000
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        let n = 4 + rng.below(200);
        rng.bytes(n)
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let mut bytes = Bytes::new(input);
        if bytes.bool() { travel(&mut bytes, request) } else { travel(&mut bytes, reply) }
    }
}

/// Frames are encoded, perhaps damaged, cut, and read.
fn travel<T>(bytes: &mut Bytes<'_>, make: fn(&mut Bytes<'_>) -> T) -> Result<bool, String>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let (mut wire, mut sent, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bytes.below(5) {
        let (id, body) = (bytes.u64(), make(bytes));
        wire.extend(encode(id, &body).map_err(|e| format!("cannot encode: {body:?}: {e}"))?);
        sent.push((id, body));
        ends.push(wire.len());
    }
    let n_sound_bytes = damage(bytes, &mut wire);
    let n_sound = ends.iter().filter(|end| **end <= n_sound_bytes).count();
    let mut reader = FrameReader::default();
    let (mut pushed, mut taken, mut n_seen) = (0, 0, 0);
    'stream: while pushed < wire.len() {
        let n = (1 + bytes.below(64)).min(wire.len() - pushed);
        reader.push(&wire[pushed..pushed + n]);
        pushed += n;
        loop {
            let (result, expected) = (reader.take::<T>(), reference::<T>(&wire[taken..pushed]));
            match (result, expected) {
                (Ok(None), Ok(None)) => break,
                (Ok(Some(frame)), Ok(Some((n_bytes, want)))) => {
                    ensure(frame == want, || format!("another frame: {frame:?}, not {want:?}"))?;
                    let is_sent = n_seen >= n_sound || sent.get(n_seen) == Some(&frame);
                    ensure(is_sent, || format!("not the frame that was sent: {frame:?}"))?;
                    taken += n_bytes;
                    n_seen += 1;
                }
                // Their words are postcard's.
                (Err(FrameError::Malformed(_)), Err(FrameError::Malformed(_))) => break 'stream,
                (Err(got), Err(want)) if got == want => break 'stream,
                (got, want) => return Err(format!("read otherwise: {got:?}, not {want:?}")),
            }
        }
        ensure(pushed - taken <= 4 + MAX_FRAME_BYTES, || "more is held than one frame".into())?;
    }
    ensure(n_seen >= n_sound, || format!("lost frames: {n_seen} of {n_sound}"))?;
    Ok(n_seen > 0)
}

/// Flips, drops, or adds some bytes, or lies about a length; gives how many bytes in front are as they were.
fn damage(bytes: &mut Bytes<'_>, wire: &mut Vec<u8>) -> usize {
    let at = bytes.u64() as usize % (wire.len() + 1);
    let liar = bytes.pick(&[0, 1, 9, MAX_FRAME_BYTES as u32, MAX_FRAME_BYTES as u32 + 1, u32::MAX]);
    match bytes.below(6) {
        0 => wire.truncate(at),
        1 => {
            let junk = bytes.take(40);
            wire.splice(at..at, junk.iter().copied());
        }
        2 => {
            let flip = bytes.byte();
            wire[at..].iter_mut().take(1).for_each(|b| *b ^= flip);
        }
        3 => {
            let end = (at + 4).min(wire.len());
            wire.splice(at..end, liar.to_le_bytes());
        }
        _ => return wire.len(),
    }
    at
}

type Framed<T> = Option<(usize, (u64, T))>;

/// The format as its documentation says it: the next frame and its length on the wire.
fn reference<T: DeserializeOwned>(wire: &[u8]) -> Result<Framed<T>, FrameError> {
    let Some((head, rest)) = wire.split_first_chunk::<4>() else { return Ok(None) };
    let len = u32::from_le_bytes(*head) as usize;
    if len > MAX_FRAME_BYTES {
        return Err(FrameError::TooLarge(len));
    }
    if rest.len() < len {
        return Ok(None);
    }
    let frame = postcard::from_bytes(&rest[..len]).map_err(|e| FrameError::Malformed(e.to_string()))?;
    Ok(Some((4 + len, frame)))
}

fn request(bytes: &mut Bytes<'_>) -> Request {
    match bytes.below(5) {
        0 => Request::Ping,
        1 => Request::Identity,
        2 => Request::Snapshot { numbers: bytes.bool() },
        3 => Request::Health(bytes.pick(&[HealthKind::Live, HealthKind::Ready, HealthKind::Startup])),
        _ => Request::Command(command(bytes)),
    }
}

fn command(bytes: &mut Bytes<'_>) -> Command {
    let target = match bytes.below(3) {
        0 => Whom::All,
        1 => Whom::Group(bytes.text()),
        _ => Whom::Process { group: bytes.text(), name: bytes.text() },
    };
    match bytes.below(5) {
        0 => Command::Start { target, wait: bytes.bool() },
        1 => Command::Stop { target, wait: bytes.bool() },
        2 => Command::Signal { target, signal: Signal(i32::from(bytes.byte())) },
        3 => Command::Shutdown,
        _ => Command::Restart,
    }
}

fn reply(bytes: &mut Bytes<'_>) -> Reply {
    match bytes.below(4) {
        0 => Reply::Pong,
        1 => {
            let pid = i32::from(bytes.byte()) - 9;
            Reply::Identity(Ident { identifier: bytes.text(), pid, stopping: bytes.bool() })
        }
        2 => {
            let check = |_| Check { name: bytes.text(), ok: bytes.bool(), reason: bytes.text() };
            Reply::Health(HealthReport { ok: true, checks: (0..3).map(check).collect() })
        }
        _ => Reply::Command(outcome(bytes)),
    }
}

fn outcome(bytes: &mut Bytes<'_>) -> Outcome {
    let fault = |bytes: &mut Bytes<'_>| {
        let code = bytes.pick(&[FaultCode::BadName, FaultCode::Failed, FaultCode::CantReread]);
        Fault { code, extra: bytes.bool().then(|| bytes.text()) }
    };
    match bytes.below(3) {
        0 => Outcome::Done,
        1 => Outcome::Fault(fault(bytes)),
        _ => {
            let n = bytes.below(5);
            let result = |_| {
                let (group, name) = (bytes.text(), bytes.text());
                TargetResult { group, name, fault: bytes.bool().then(|| fault(bytes)) }
            };
            Outcome::Each((0..n).map(result).collect())
        }
    }
}
