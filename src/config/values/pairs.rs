//! `environment=`: pairs of names and values.
//!
//! Pure. COMPAT: INI text goes through the legacy tokeniser in strides of four (name, `=`, value, anything), and all
//! quotes at both ends of a value are taken away. What it silently drops we drop too, but we know of it.
//! Invariant: a name occurs once, in the place where it was met first, with its last value.

use super::{Bad, Input, kind_of};
use crate::config::raw::RawValue;
use crate::config::shlex::legacy_tokens;

/// The pairs, and whether something was dropped on the way.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Pairs {
    pub(crate) pairs: Vec<(String, String)>,
    /// The first name whose value was cut or followed by something that is not a comma.
    pub(crate) cut: Option<String>,
}

pub(crate) fn pairs(input: &Input<'_>) -> Result<Pairs, Bad> {
    let RawValue::Table(entries) = input.value else { return from_text(input.text()?) };
    let mut all = Pairs::default();
    for (name, value) in entries {
        // As in Python: a name may begin with `=`, which Supervisor makes of `A=1===2`.
        if name.is_empty() || name.contains('\0') || name.chars().skip(1).any(|c| c == '=') {
            return Err(Bad::new(format!("`{name}` cannot be the name of a variable")));
        }
        let value = match value {
            RawValue::Text(text) => text.clone(),
            RawValue::Int(n) => n.to_string(),
            RawValue::Float(n) => n.to_string(),
            RawValue::Bool(b) => b.to_string(),
            other => return Err(Bad::new(format!("expected a text for `{name}`, found {}", kind_of(other)))),
        };
        set(&mut all.pairs, name, &value);
    }
    Ok(all)
}

/// Replaces the value of a name, or adds it at the end: the order of a Python dictionary.
pub(crate) fn set(pairs: &mut Vec<(String, String)>, name: &str, value: &str) {
    match pairs.iter_mut().find(|(known, _)| known == name) {
        Some(pair) => value.clone_into(&mut pair.1),
        None => pairs.push((name.to_owned(), value.to_owned())),
    }
}

fn from_text(text: &str) -> Result<Pairs, Bad> {
    const HINT: &str = "write NAME=\"value\",OTHER=\"value\"; a value with anything but letters, digits and \
                        `_/.+-():` needs quotes";
    let tokens = legacy_tokens(text).map_err(|words| Bad::new(words).hint(HINT))?;
    let mut all = Pairs::default();
    for stride in tokens.chunks(4) {
        let [name, equals, value, rest @ ..] = stride else { return Err(unexpected_end(text).hint(HINT)) };
        if equals != "=" {
            return Err(unexpected_end(text).hint(HINT));
        }
        if rest.first().is_some_and(|separator| separator != ",") && all.cut.is_none() {
            all.cut = Some(name.clone());
        }
        set(&mut all.pairs, name, value.trim_matches(['\'', '"']));
    }
    Ok(all)
}

fn unexpected_end(text: &str) -> Bad {
    Bad::new(format!("Unexpected end of key/value pairs in value '{text}'"))
}
