//! Damage: line ends, bytes that are no text, lines of real files moved about, cut and replaced.
//!
//! Pure. Invariant: the same generator state, the same damage.

use crate::case::Case;
use crate::generate::{Mood, Writer};
use crate::rng::Rng;
use crate::words;

/// Line ends, byte order marks, bytes that are no text.
pub(crate) fn encoded(rng: &mut Rng, mood: Mood, text: &str) -> Vec<u8> {
    let mut text = text.to_owned();
    if mood >= Mood::Odd && rng.percent(12) {
        text = text.replace('\n', if rng.percent(70) { "\r\n" } else { "\r" });
    }
    if rng.percent(20) {
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
    }
    if mood == Mood::Wild && rng.percent(2) {
        text.insert(0, '\u{feff}');
    }
    let mut bytes = text.into_bytes();
    if mood == Mood::Wild && rng.percent(3) {
        let at = rng.below(bytes.len() + 1);
        let odd: &[u8] = match rng.below(10) {
            0 => b"\0",
            1 => b"\xff",
            2 => b"\xe9\n",
            3 => b"\xe2\x82",
            4 => b"\xf0\x9f\x98",
            5 => b"\xed\xa0\x80",
            6 => b"\xc3",
            7 => b"\xf4\x90\x80\x80",
            8 => b"\xc0\x80",
            _ => b"\xe0\x80\x80",
        };
        bytes.splice(at..at, odd.iter().copied());
    }
    bytes
}

/// Lines and words of a file moved about, cut and replaced.
pub(crate) fn mutated(rng: &mut Rng, text: &[u8]) -> Case {
    let mut lines: Vec<Vec<u8>> = text.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..=rng.below(4) {
        if lines.is_empty() {
            break;
        }
        let at = rng.below(lines.len());
        match rng.below(9) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[rng.below(lines.len())].clone()),
            2 => {
                let other = rng.below(lines.len());
                lines.swap(at, other);
            }
            3 => {
                let mut line = Writer { rng, mood: Mood::Odd, text: String::new() };
                line.options(words::PROGRAM, 1, 0);
                lines.insert(at, line.text.into_bytes());
            }
            4 => lines[at].insert(0, b' '),
            5 => {
                let mut section = Writer { rng, mood: Mood::Wild, text: String::new() };
                section.section();
                lines.insert(at, section.text.into_bytes());
            }
            6 => {
                let n = lines[at].len();
                let byte = *rng.pick(&[
                    &b' ', &b'%', &b'"', &b'\'', &b';', &b'#', &b'=', &b'\t', &b'\\', &b',', &b'\x0c', &b'1',
                    &b'\r',
                ]);
                lines[at].insert(rng.below(n), byte);
            }
            7 => {
                let n = lines[at].len();
                let cut = rng.below(n);
                lines[at].truncate(cut);
            }
            _ => {
                let line = &mut lines[at];
                let byte = rng.below(line.len());
                line.drain(byte..(byte + 1).min(line.len()));
            }
        }
    }
    let mut bytes = lines.concat();
    // Without this section nothing else of a file is looked at.
    if !bytes.windows(13).any(|w| w == b"[supervisord]") && rng.percent(80) {
        bytes.splice(0..0, b"[supervisord]\n".iter().copied());
    }
    let mut case = Case::new(bytes);
    case.is_absolute = rng.percent(20);
    case.is_printed = rng.percent(40);
    case
}
