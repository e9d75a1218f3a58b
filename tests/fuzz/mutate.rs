//! Changes to a text that keep most of it meaningful: lines and words moved, doubled, lost, replaced by known ones.

use crate::rng::Rng;

/// BOUND: an input; what is longer says nothing more.
pub(crate) const MAX_BYTES: usize = 24 << 10;

/// Smaller ones are parts, which make sense one after another.
const SMALL_SEED: usize = 200;

/// What breaks parsers whatever their language is.
const ODD: [&str; 48] = [
    "",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\n ",
    "\n\t",
    "\0",
    "\u{b}",
    "\u{c}",
    "\u{1c}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "\u{1b}[31m",
    "ü",
    "日本",
    "İ",
    "ß",
    "e\u{301}",
    "\u{10ffff}",
    "%",
    "%%",
    "%(",
    "%(x)",
    "%(x)s",
    "${",
    "$${",
    "}",
    "\"",
    "'",
    "\\",
    "[",
    "]",
    "=",
    ":",
    ";",
    "#",
    ",",
    "0",
    "-1",
    "65536",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999",
];

/// A mutant of one of the seeds; `words` are those of the language.
pub(crate) fn mutant(rng: &mut Rng, seeds: &[Vec<u8>], words: &[String]) -> Vec<u8> {
    let mut bytes = seeds.get(rng.below(seeds.len())).cloned().unwrap_or_default();
    // A whole large file hides what a small one shows.
    if rng.percent(15) {
        bytes = lines_of(rng, &bytes, 12);
    }
    for _ in 0..rng.below(4) {
        let more = seeds.get(rng.below(seeds.len())).filter(|s| s.len() < SMALL_SEED);
        bytes.extend(more.into_iter().flatten());
    }
    // Few changes, or nothing but refusals would be seen.
    for _ in 0..rng.below_few(3, 60) {
        change(rng, &mut bytes, seeds, words);
    }
    bytes.truncate(MAX_BYTES);
    bytes
}

/// Up to `most` lines in a row.
fn lines_of(rng: &mut Rng, bytes: &[u8], most: usize) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let from = rng.below(lines.len());
    lines.into_iter().skip(from).take(1 + rng.below(most)).flatten().copied().collect()
}

fn change(rng: &mut Rng, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[String]) {
    match rng.below(12) {
        0..=2 => {
            let word = any_word(rng, words);
            replace_value(rng, bytes, &word);
        }
        3 | 4 => {
            let word = any_word(rng, words);
            let at = spot(rng, bytes);
            bytes.splice(at..at, word.bytes());
        }
        5 => {
            let range = word_at(rng, bytes);
            let word = any_word(rng, words);
            bytes.splice(range, word.bytes());
        }
        6 => {
            let line = line_at(rng, bytes);
            bytes.drain(line);
        }
        7 => {
            let copy = lines_of(rng, bytes, 3);
            let at = line_at(rng, bytes).start;
            bytes.splice(at..at, copy);
        }
        8 => {
            let other = seeds.get(rng.below(seeds.len())).map(|s| lines_of(rng, s, 8)).unwrap_or_default();
            let at = line_at(rng, bytes).start;
            bytes.splice(at..at, other);
        }
        9 => {
            let at = spot(rng, bytes);
            let end = (at + 1 + rng.below(20)).min(bytes.len());
            bytes.drain(at..end);
        }
        10 => {
            let at = spot(rng, bytes);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = if rng.percent(50) { rng.byte() } else { *byte ^ (1 << rng.below(8)) };
            }
        }
        _ => {
            let at = spot(rng, bytes);
            let times = 1 + rng.below_few(4, 300);
            let piece = rng.pick(&ODD).repeat(times);
            bytes.splice(at..at, piece.bytes());
        }
    }
}

fn any_word(rng: &mut Rng, words: &[String]) -> String {
    if rng.percent(25) || words.is_empty() {
        return rng.pick(&ODD).to_owned();
    }
    words[rng.below(words.len())].clone()
}

/// What stands behind the first `=` or `:` of a line becomes `word`.
fn replace_value(rng: &mut Rng, bytes: &mut Vec<u8>, word: &str) {
    let line = line_at(rng, bytes);
    let start = bytes[line.clone()].iter().position(|b| matches!(b, b'=' | b':' | b'>'));
    let from = start.map_or(line.start, |at| line.start + at + 1);
    bytes.splice(from..line.end, word.bytes());
}

fn spot(rng: &mut Rng, bytes: &[u8]) -> usize {
    rng.below(bytes.len() + 1)
}

/// The line around a random place, without its end.
fn line_at(rng: &mut Rng, bytes: &[u8]) -> std::ops::Range<usize> {
    let at = spot(rng, bytes);
    let start = bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let end = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| at + i);
    start..end
}

/// The run of letters, digits and underscores around a random place.
fn word_at(rng: &mut Rng, bytes: &[u8]) -> std::ops::Range<usize> {
    let at = spot(rng, bytes);
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let start = bytes[..at].iter().rposition(|b| !is_part(b)).map_or(0, |i| i + 1);
    let end = bytes[at..].iter().position(|b| !is_part(b)).map_or(bytes.len(), |i| at + i);
    start..end
}
