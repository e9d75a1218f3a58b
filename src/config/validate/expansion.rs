//! Variables in texts of INI, and what is said where they cannot be replaced.
//!
//! Invariant: of a text in which several variables are not set, each is named. Not here: the two notations (`expand`,
//! `interpolate`), which values are expanded how often (`reader`).

use crate::config::diag::Diagnostic;
use crate::config::expand::{ExpandError, Names, expand_or_part};
use crate::config::interpolate;
use crate::config::raw::RawEntry;

use super::reader::{Reader, Reported, View, setting_name};

impl<'a> Reader<'a> {
    /// `${VAR}` in a setting of ours.
    pub(super) fn interpolated(
        &mut self,
        view: &View<'a>,
        entry: &RawEntry,
        text: &str,
        names: &Names,
    ) -> Result<String, Reported> {
        interpolate::expand(text, &|name| names.text_of(&format!("ENV_{name}"))).map_err(|problems| {
            for problem in problems {
                self.push(
                    Diagnostic::error(format!("cannot read `{}` of {}: {problem}", entry.key, view.shown()))
                        .at(Some(&entry.place_of(&problem.needle())))
                        .setting(setting_name(view, &entry.key))
                        .hint(problem.hint())
                        .missing(problem.unset()),
                );
            }
            Reported
        })
    }

    /// One pass over a text of INI, reported under `label`.
    pub(crate) fn expand_text(
        &mut self,
        view: &View<'a>,
        entry: &RawEntry,
        text: &str,
        names: &Names,
        label: &str,
    ) -> Result<String, Reported> {
        expand_or_part(text, names).map_err(|(part, why)| {
            let words = format!("{}{}", why.supervisor(text, label, names), view.suffix);
            self.push(not_expanded(view, entry, &part, &why).supervisor(words));
            // Whoever sets a variable does not want to hear of the next one only then.
            let mut known = names.clone();
            let mut unset = why.unset().map(str::to_owned);
            while let Some(name) = unset.take() {
                known.set(&format!("ENV_{name}"), "");
                if let Err((part, next)) = expand_or_part(text, &known)
                    && next.unset().is_some_and(|next| next != name)
                {
                    self.push(not_expanded(view, entry, &part, &next));
                    unset = next.unset().map(str::to_owned);
                }
            }
            Reported
        })
    }
}

fn not_expanded(view: &View<'_>, entry: &RawEntry, part: &str, why: &ExpandError) -> Diagnostic {
    Diagnostic::error(format!("cannot expand `{}` of {}: {why}", entry.key, view.shown()))
        .at(Some(&entry.place_of(part)))
        .setting(setting_name(view, &entry.key))
        .hint(why.hint())
        .missing(why.unset())
}
