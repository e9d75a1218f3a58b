//! Signals beyond a single one: the ladder of a stop, and what the daemon does with a signal that it gets.
//!
//! Pure. Invariants: a single signal is read by Supervisor's rules and refused with its words; a ladder ends with KILL,
//! and nothing stands behind KILL.

use super::words::{unknown, word};
use super::{Bad, Input, quantity, signal, signal_hint};
use crate::config::model::{Dialect, Route, StopStep};
use crate::config::raw::RawValue;
use crate::types::Signal;

/// How a program is stopped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ladder {
    pub(crate) first: Signal,
    /// What the first step says of its own time.
    pub(crate) wait_ms: Option<i64>,
    /// The others; empty: KILL.
    pub(crate) steps: Vec<StopStep>,
}

/// The time that a step has which does not name one: that of Supervisor's `stopwaitsecs`.
const STEP_MS: i64 = 10_000;
/// BOUND: steps of a ladder; nobody has more signals to send.
const MAX_STEPS: usize = 16;

/// A signal, or `TERM:10, QUIT:5, KILL`.
pub(crate) fn ladder(input: &Input<'_>) -> Result<Ladder, Bad> {
    let parts: Vec<String> = match input.value {
        RawValue::List(items) => {
            items.iter().map(|value| word(&Input { value, ..*input })).collect::<Result<_, _>>()?
        }
        // COMPAT: in INI a list without a time stays what it is to Supervisor: no signal.
        RawValue::Text(text)
            if text.contains(':') || (text.contains(',') && input.dialect != Dialect::Ini) =>
        {
            text.split(',').map(|t| t.trim().to_owned()).collect()
        }
        _ => return signal(input).map(|first| Ladder { first, wait_ms: None, steps: Vec::new() }),
    };
    // Words that are no ladder either are refused as the signal that they are not.
    let plain = || {
        let name = |part: &&String| part.split(':').next().unwrap_or_default().trim().to_uppercase();
        let strange = parts.iter().find(|part| by_name_or_number(&name(part)).is_none());
        let hint = strange.map(|part| format!("`{}`: {}", name(&part), signal_hint(&name(&part))));
        let hint = hint.unwrap_or_else(|| "write steps such as `TERM:10, QUIT:5, KILL`".to_owned());
        signal(input).err().unwrap_or_else(|| Bad::new("these are no steps of a stop")).hint(hint)
    };
    let steps: Option<Vec<(Signal, Option<i64>)>> = parts.iter().map(|part| step(part, input)).collect();
    let Some(steps) = steps.filter(|s| !s.is_empty() && s.len() <= MAX_STEPS) else { return Err(plain()) };
    let (first, wait_ms) = steps.first().copied().unwrap_or((Signal::TERM, None));
    let ahead = steps.get(..steps.len().saturating_sub(1)).unwrap_or_default();
    if ahead.iter().any(|(signal, _)| *signal == Signal::KILL) {
        return Err(Bad::new("something stands behind KILL")
            .hint("KILL is the last step: nothing is left to stop after it"));
    }
    let mut ladder = Ladder { first, wait_ms, steps: Vec::new() };
    let mut after_ms = wait_ms.unwrap_or(STEP_MS);
    for (signal, wait) in steps.into_iter().skip(1) {
        ladder.steps.push(StopStep { after_ms, signal });
        after_ms = wait.unwrap_or(STEP_MS);
    }
    match ladder.steps.last() {
        // KILL comes by itself.
        Some(last) if last.signal == Signal::KILL && ladder.steps.len() == 1 => ladder.steps.clear(),
        Some(last) if last.signal != Signal::KILL => {
            ladder.steps.push(StopStep { after_ms, signal: Signal::KILL })
        }
        _ => {}
    }
    Ok(ladder)
}

/// `TERM` or `TERM:10`.
fn step(text: &str, input: &Input<'_>) -> Option<(Signal, Option<i64>)> {
    let (name, time) = text.split_once(':').map_or((text, None), |(name, time)| (name, Some(time)));
    let signal = by_name_or_number(name.trim())?;
    let Some(time) = time else { return Some((signal, None)) };
    let value = RawValue::Text(time.trim().to_owned());
    let ms = quantity::seconds_ms(&Input { value: &value, dialect: Dialect::Toml, ..*input })
        .ok()
        .filter(|ms| *ms >= 0)?;
    Some((signal, Some(ms)))
}

fn by_name_or_number(text: &str) -> Option<Signal> {
    let number = text.parse::<i32>().ok().map(Signal).filter(|s| s.name().is_some());
    number.or_else(|| Signal::from_name(text))
}

/// As it is written.
pub(crate) fn shown(first: Signal, wait_ms: i64, steps: &[StopStep]) -> String {
    let name =
        |s: Signal| s.name().map_or_else(|| s.0.to_string(), |n| n.trim_start_matches("SIG").to_owned());
    let time = |ms: i64| if ms % 1000 == 0 { (ms / 1000).to_string() } else { format!("{ms}ms") };
    let mut out = format!("{}:{}", name(first), time(steps.first().map_or(wait_ms, |s| s.after_ms)));
    for (at, step) in steps.iter().enumerate() {
        out.push_str(", ");
        out.push_str(&name(step.signal));
        if let Some(next) = steps.get(at + 1) {
            out.push(':');
            out.push_str(&time(next.after_ms));
        }
    }
    out
}

/// What a signal to the daemon does.
const ACTIONS: &[(&str, Route)] = &[
    ("ignore", Route::Ignore),
    ("update", Route::Update),
    ("restart", Route::Restart),
    ("shutdown", Route::Shutdown),
    ("reopen", Route::Reopen),
    ("drain", Route::Drain),
];

/// A word for it, another signal, or `web:USR1`.
pub(crate) fn route(input: &Input<'_>) -> Result<Route, Bad> {
    let text = word(input)?;
    if let Some((target, signal)) = text.rsplit_once(':') {
        let signal = by_name_or_number(signal.trim()).ok_or_else(|| {
            Bad::new(format!("`{}` is no signal", signal.trim()))
                .hint("write `name:USR1` or `group:name:USR1`")
        })?;
        return Ok(Route::To { target: target.trim().to_owned(), signal });
    }
    if let Some((_, action)) = ACTIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)) {
        return Ok(action.clone());
    }
    by_name_or_number(&text).map(Route::As).ok_or_else(|| {
        let names = ACTIONS.iter().map(|(name, _)| *name);
        unknown(&text, names)
    })
}

/// As it is written.
pub(crate) fn shown_route(route: &Route) -> String {
    let name =
        |s: &Signal| s.name().map_or_else(|| s.0.to_string(), |n| n.trim_start_matches("SIG").to_owned());
    match route {
        Route::As(signal) => name(signal),
        Route::To { target, signal } => format!("{target}:{}", name(signal)),
        other => ACTIONS.iter().find(|(_, a)| a == other).map_or("ignore", |(name, _)| name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::FakeWorld;

    fn read<T>(text: &str, convert: fn(&Input<'_>) -> Result<T, Bad>) -> Result<T, Bad> {
        let value = RawValue::Text(text.into());
        convert(&Input {
            value: &value,
            dialect: Dialect::Ini,
            line: "",
            create_directories: false,
            world: &FakeWorld::default(),
        })
    }

    #[test]
    fn a_ladder_has_its_times_and_ends_with_kill() {
        let all = |text: &str| {
            let l = read(text, ladder).expect("good");
            let steps: Vec<(i64, i32)> = l.steps.iter().map(|s| (s.after_ms, s.signal.0)).collect();
            (l.first.0, l.wait_ms, steps)
        };
        assert_eq!(all("TERM"), (15, None, vec![]));
        assert_eq!(all("TERM:20"), (15, Some(20_000), vec![]));
        assert_eq!(all("TERM:20, KILL"), (15, Some(20_000), vec![]));
        let full = (15, Some(10_000), vec![(10_000, 3), (5_000, 9)]);
        assert_eq!(all("TERM:10, QUIT:5, KILL"), full);
        assert_eq!(all("term:10s,SIGQUIT:5000ms"), full);
        assert_eq!(all("INT:1, TERM"), (2, Some(1_000), vec![(1_000, 15), (10_000, 9)]));
        let l = read("TERM:10, QUIT:5, KILL", ladder).expect("good");
        assert_eq!(shown(l.first, 10_000, &l.steps), "TERM:10, QUIT:5, KILL");
    }

    #[test]
    fn what_is_no_ladder_is_refused_as_a_signal() {
        for text in ["TERM:x", "FOO:1", "TERM,,KILL", "TERM:-1", "TERM,INT"] {
            let bad = read(text, ladder).expect_err(text);
            assert_eq!(bad.words, format!("value '{text}' is not a valid signal name"));
        }
        assert!(read("KILL:1, TERM", ladder).is_err());
        let hint = |text: &str| read(text, ladder).expect_err(text).hint.unwrap_or_default();
        assert_eq!(hint("TERM:1, QIUT:5"), "`QIUT`: did you mean `QUIT`?");
        assert_eq!(hint("TRM"), "did you mean `TERM`?");
    }

    #[test]
    fn routes_are_words_signals_and_targets() {
        for text in
            ["ignore", "update", "restart", "shutdown", "reopen", "drain", "TERM", "web:USR1", "g:web:HUP"]
        {
            assert_eq!(read(text, route).map(|r| shown_route(&r)), Ok(text.to_owned()));
        }
        assert_eq!(read("updaet", route).unwrap_err().hint.as_deref(), Some("did you mean `update`?"));
        assert!(read("web:USR9", route).is_err());
    }
}
