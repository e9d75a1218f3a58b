//! Which signal is sent on for one that comes: words of an option into a table.
//!
//! Pure. Invariant: what is in the table is a signal that can be received, and one that can be sent or none.
//! Not here: signals of the daemon for several programs (`daemon::signals`).

use crate::types::Signal;

/// SIGRTMIN and SIGRTMAX of the C library.
const REALTIME: std::ops::RangeInclusive<i32> = 34..=64;

/// What becomes of signals; the others are sent on as they are.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Rewrites(Vec<(Signal, Option<Signal>)>);

impl Rewrites {
    /// Takes `TERM:QUIT` in; a side may be a number, and the right one `0` or `none`. The last word on a signal counts.
    ///
    /// # Errors
    /// What is wrong with it, and how it is written.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let wrong = || {
            format!(
                "cannot read `{text}` as a rewrite: write SIGNAL:SIGNAL, as TERM:QUIT or 15:3, and 0 on the right \
                 for a signal that is not to be sent on"
            )
        };
        let (from, to) = text.split_once(':').ok_or_else(wrong)?;
        let from = read_signal(from).ok_or_else(wrong)?;
        let to = match to {
            "0" => None,
            word if word.eq_ignore_ascii_case("none") => None,
            word => Some(read_signal(word).ok_or_else(wrong)?),
        };
        self.set(from, to);
        Ok(())
    }

    fn set(&mut self, from: Signal, to: Option<Signal>) {
        self.0.retain(|(known, _)| *known != from);
        self.0.push((from, to));
    }

    /// Where nothing was said about a signal yet.
    pub fn set_default(&mut self, from: Signal, to: Signal) {
        if !self.0.iter().any(|(known, _)| *known == from) {
            self.set(from, Some(to));
        }
    }

    /// What is sent on; `None` for nothing.
    #[must_use]
    pub fn of(&self, signal: Signal) -> Option<Signal> {
        self.0.iter().find(|(from, _)| *from == signal).map_or(Some(signal), |(_, to)| *to)
    }
}

/// A signal by its name in any case, with or without `SIG`; by its number; or as `RTMIN+3`, `RTMAX-1`. What the C library
/// keeps for itself is none.
#[must_use]
pub fn read_signal(text: &str) -> Option<Signal> {
    let number = |text: &str| Some(text).filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?.parse().ok();
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    let realtime = |n: i32| Some(Signal(n)).filter(|s| REALTIME.contains(&s.0));
    if let Some(above) = bare.strip_prefix("RTMIN+") {
        return realtime(REALTIME.start().checked_add(number(above)?)?);
    }
    if let Some(below) = bare.strip_prefix("RTMAX-") {
        return realtime(REALTIME.end().checked_sub(number(below)?)?);
    }
    let by_number =
        || number(text).map(Signal).filter(|s| (1..=31).contains(&s.0) || REALTIME.contains(&s.0));
    Signal::from_name(text).or_else(by_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_read_by_name_and_by_number_and_nothing_else_is() {
        for (text, want) in [
            ("TERM", 15),
            ("sigterm", 15),
            ("15", 15),
            ("1", 1),
            ("64", 64),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("rtmax-1", 63),
            ("RTMAX", 64),
            ("RTMIN+30", 64),
        ] {
            assert_eq!(read_signal(text), Some(Signal(want)), "{text}");
        }
        for text in
            ["", "0", "-1", "+5", "32", "33", "65", "TERMS", "RTMIN+31", "RTMAX-31", "RTMIN+", "99999999999"]
        {
            assert_eq!(read_signal(text), None, "{text}");
        }
    }

    #[test]
    fn the_last_word_on_a_signal_counts_and_a_default_is_none_at_all() {
        let mut table = Rewrites::default();
        for text in ["TERM:QUIT", "2:15", "15:3", "HUP:0", "USR1:none", "TSTP:TSTP"] {
            assert_eq!(table.add(text), Ok(()), "{text}");
        }
        table.set_default(Signal(20), Signal::STOP);
        table.set_default(Signal(21), Signal::STOP);
        let got: Vec<_> = [15, 2, 1, 10, 20, 21, 3].map(|n| table.of(Signal(n)).map_or(0, |s| s.0)).into();
        assert_eq!(got, [3, 15, 0, 0, 20, 19, 3]);
        for text in
            ["", ":", "derp", "derp:derp", "15", "15::12", "15:derp", "15:", ":15", "15:65", "0:15", "15:32"]
        {
            assert!(table.add(text).is_err_and(|why| why.contains("SIGNAL:SIGNAL")), "{text}");
        }
    }
}
