//! `depends_on`: whom a program waits for, and for how much of it.
//!
//! Pure. A text or list of `target` and `target:need`, or a table of both. Words of docker-compose and process-compose
//! mean what they mean there. Not here: whether there is such a target (`validate::depends`).

use super::words::{unknown, word};
use super::{Bad, Input, kind_of};
use crate::config::model::Need;
use crate::config::raw::RawValue;

/// Ours first: the first word of each is how it is shown.
const WORDS: &[(&str, Need)] = &[
    ("started", Need::Started),
    ("ready", Need::Ready),
    ("completed", Need::Completed),
    ("ended", Need::Ended),
    ("running", Need::Started),
    ("service_started", Need::Started),
    ("process_started", Need::Started),
    ("healthy", Need::Ready),
    ("service_healthy", Need::Ready),
    ("process_healthy", Need::Ready),
    ("process_log_ready", Need::Ready),
    ("service_completed_successfully", Need::Completed),
    ("process_completed_successfully", Need::Completed),
    ("process_completed", Need::Ended),
];

/// A target, and what is asked of it where that is said.
pub(crate) type Wish = (String, Option<Need>);

/// BOUND: targets of one program.
const MAX_TARGETS: usize = 256;

pub(crate) fn wishes(input: &Input<'_>) -> Result<Vec<Wish>, Bad> {
    let mut all: Vec<Wish> = Vec::new();
    match input.value {
        RawValue::Table(pairs) => {
            for (target, value) in pairs {
                put(&mut all, target.clone(), Some(need(&Input { value: condition(value), ..*input })?));
            }
        }
        RawValue::List(items) => {
            for value in items {
                let (target, need) = wish(&word(&Input { value, ..*input })?)?;
                put(&mut all, target, need);
            }
        }
        _ => {
            let text = word(input)?;
            for part in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|p| !p.is_empty()) {
                let (target, need) = wish(part)?;
                put(&mut all, target, need);
            }
        }
    }
    if all.len() > MAX_TARGETS {
        return Err(Bad::new(format!("{} programs are too many", all.len()))
            .hint("put them into a group and name that"));
    }
    Ok(all)
}

fn put(all: &mut Vec<Wish>, target: String, need: Option<Need>) {
    if !all.contains(&(target.clone(), need)) {
        all.push((target, need));
    }
}

/// `db`, `db:ready`, `group:db` or `group:db:ready`.
fn wish(text: &str) -> Result<Wish, Bad> {
    match text.rsplit_once(':') {
        Some((target, last)) if !target.is_empty() => match find(last) {
            Some(need) => Ok((target.to_owned(), Some(need))),
            // `group:name:what` can only be a need.
            None if target.contains(':') => Err(unknown(last, WORDS.iter().map(|(w, _)| *w))),
            None => Ok((text.to_owned(), None)),
        },
        Some(_) => Err(Bad::new(format!("`{text}` names nobody")).hint("write `name` or `name:ready`")),
        None => Ok((text.to_owned(), None)),
    }
}

/// docker-compose and process-compose have a table with a `condition`.
fn condition(value: &RawValue) -> &RawValue {
    match value {
        RawValue::Table(pairs) => pairs.iter().find(|(key, _)| key == "condition").map_or(value, |(_, v)| v),
        other => other,
    }
}

fn need(input: &Input<'_>) -> Result<Need, Bad> {
    let RawValue::Text(text) = input.value else {
        return Err(Bad::new(format!("expected a word such as `ready`, found {}", kind_of(input.value))));
    };
    find(text.trim()).ok_or_else(|| unknown(text.trim(), WORDS.iter().map(|(w, _)| *w)))
}

fn find(text: &str) -> Option<Need> {
    WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, need)| *need)
}

/// The first of the words for it.
pub(crate) fn shown(need: Need) -> &'static str {
    WORDS.iter().find(|(_, n)| *n == need).map_or("started", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Dialect;
    use crate::config::testing::FakeWorld;

    fn read(value: RawValue) -> Result<Vec<Wish>, Bad> {
        wishes(&Input {
            value: &value,
            dialect: Dialect::Toml,
            line: "",
            create_directories: false,
            world: &FakeWorld::default(),
        })
    }

    #[test]
    fn texts_lists_and_tables_say_the_same() {
        let text = |t: &str| RawValue::Text(t.into());
        let want = vec![("db".to_owned(), Some(Need::Ready)), ("g:m".to_owned(), Some(Need::Completed))];
        assert_eq!(read(text("db:ready, g:m:completed")), Ok(want.clone()));
        assert_eq!(read(RawValue::List(vec![text("db:healthy"), text("g:m:completed")])), Ok(want.clone()));
        let nested = RawValue::Table(vec![("condition".into(), text("service_completed_successfully"))]);
        assert_eq!(
            read(RawValue::Table(vec![("db".into(), text("service_healthy")), ("g:m".into(), nested)])),
            Ok(want)
        );
        assert_eq!(read(text("db g:m")), Ok(vec![("db".into(), None), ("g:m".into(), None)]));
    }

    #[test]
    fn a_need_that_nobody_knows_is_refused() {
        assert_eq!(
            read(RawValue::Text("g:m:raedy".into())).unwrap_err().hint.as_deref(),
            Some("did you mean `ready`?")
        );
        assert!(read(RawValue::Table(vec![("db".into(), RawValue::Bool(true))])).is_err());
        assert!(read(RawValue::Text(":ready".into())).is_err());
    }

    #[test]
    fn every_word_of_the_others_is_known() {
        for word in ["service_started", "process_healthy", "process_completed", "process_log_ready"] {
            assert!(find(word).is_some(), "{word}");
        }
        assert_eq!(shown(Need::Ended), "ended");
    }
}
