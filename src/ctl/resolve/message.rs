//! Questions and answers of the domain name system (RFC 1035), as far as addresses go.
//!
//! Pure; every byte of an answer is foreign. Invariant: reading never goes backwards, so it ends.
//! Not here: who is asked, and for how long (`resolve`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const HEADER_BYTES: usize = 12;
const CLASS_INTERNET: u16 = 1;
/// "Please ask others for me."
const RECURSION_DESIRED: u16 = 0x0100;
const IS_ANSWER: u16 = 0x8000;
const NO_SUCH_NAME: u16 = 3;

/// The two kinds of record that are asked for, with their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RecordType {
    A = 1,
    Aaaa = 28,
}

/// What a server said about a name.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// Its addresses; none: it has none of this kind, or does not exist.
    Addresses(Vec<IpAddr>),
    /// The server could not tell.
    Refused,
}

/// A question as bytes; `None` when the name cannot be one.
pub(super) fn question(number: u16, name: &str, kind: RecordType) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + name.len() + 6);
    for word in [number, RECURSION_DESIRED, 1, 0, 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|n| (1..=63).contains(n))?;
        bytes.push(length);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes.extend((kind as u16).to_be_bytes());
    bytes.extend(CLASS_INTERNET.to_be_bytes());
    (name.len() <= 253).then_some(bytes)
}

/// Reads an answer; `None` when it does not belong to the question or cannot be read.
pub(super) fn answer(bytes: &[u8], question: &[u8]) -> Option<Answer> {
    let flags = word(bytes, 2)?;
    let asked = question.get(HEADER_BYTES..)?;
    let echoed = bytes.get(HEADER_BYTES..)?.get(..asked.len())?;
    let ours = word(bytes, 0)? == word(question, 0)? && echoed.eq_ignore_ascii_case(asked);
    if !ours || flags & IS_ANSWER == 0 {
        return None;
    }
    match flags & 0xf {
        0 => {}
        NO_SUCH_NAME => return Some(Answer::Addresses(Vec::new())),
        _ => return Some(Answer::Refused),
    }
    let mut at = HEADER_BYTES + asked.len();
    let mut found = Vec::new();
    for _ in 0..word(bytes, 6)? {
        // A long answer may be cut: what is whole is good.
        let Some((address, next)) = record(bytes, at) else { break };
        found.extend(address);
        at = next;
    }
    Some(Answer::Addresses(found))
}

/// The record at a place: the address in it, if it is one, and where the next begins.
fn record(bytes: &[u8], at: usize) -> Option<(Option<IpAddr>, usize)> {
    let head = skip_name(bytes, at)?;
    let kind = word(bytes, head)?;
    let data_at = head + 10;
    let length = usize::from(word(bytes, head + 8)?);
    let data = bytes.get(data_at..data_at.checked_add(length)?)?;
    let address = match kind {
        1 => <[u8; 4]>::try_from(data).ok().map(|a| IpAddr::V4(Ipv4Addr::from(a))),
        28 => <[u8; 16]>::try_from(data).ok().map(|a| IpAddr::V6(Ipv6Addr::from(a))),
        // An alias on the way; the addresses of its target follow.
        _ => None,
    };
    Some((address, data_at + length))
}

/// Where a name ends: after its last label, or after the first pointer into what was before.
fn skip_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            n if n >= 0xc0 => return Some(at + 2),
            n => at += 1 + usize::from(n),
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(pair.try_into().ok()?))
}
