//! Makes a case that shows a difference as small as it can be.

use crate::case::{Case, MAIN};

/// Steps after which the smallest so far has to do.
const MAX_STEPS: usize = 4000;

/// The smallest case for which `still` holds; it holds for `case`.
pub(crate) fn shrink(case: &Case, mut still: impl FnMut(&Case) -> bool) -> Case {
    let mut best = case.clone();
    let mut steps = 0;
    let mut attempt = |best: &mut Case, candidate: Case| {
        steps += 1;
        let is_better = steps < MAX_STEPS && still(&candidate);
        if is_better {
            *best = candidate;
        }
        is_better
    };
    loop {
        let before = best.clone();
        let names: Vec<String> = best.files.keys().cloned().collect();
        for name in &names {
            if name != MAIN {
                let mut without = best.clone();
                without.files.remove(name);
                attempt(&mut best, without);
            }
            for unit in [Unit::Line, Unit::Byte] {
                shrink_file(&mut best, name, unit, &mut attempt);
            }
        }
        if best == before {
            return best;
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Line,
    Byte,
}

fn pieces(bytes: &[u8], unit: Unit) -> Vec<Vec<u8>> {
    match unit {
        Unit::Line => bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect(),
        Unit::Byte => bytes.iter().map(|b| vec![*b]).collect(),
    }
}

/// Takes away runs of pieces, long ones first.
fn shrink_file(best: &mut Case, name: &str, unit: Unit, attempt: &mut impl FnMut(&mut Case, Case) -> bool) {
    let Some(bytes) = best.files.get(name) else { return };
    let mut length = pieces(bytes, unit).len();
    while length > 0 {
        let mut at = 0;
        loop {
            let Some(bytes) = best.files.get(name) else { return };
            let mut left = pieces(bytes, unit);
            if at >= left.len() {
                break;
            }
            left.drain(at..(at + length).min(left.len()));
            let mut candidate = best.clone();
            candidate.files.insert(name.to_owned(), left.concat());
            if !attempt(best, candidate) {
                at += length;
            }
        }
        length /= 2;
    }
}
