//! Texts so that INI gives them back: per cent signs, comment signs, blanks at the ends, several lines, quotes.
//!
//! Pure. The trick is an expansion that leaves nothing: `%(here).0s` keeps a comment sign from standing behind a blank, and
//! a blank from standing at an end.

use crate::config::python::is_space;

/// Leaves nothing when it is expanded.
const NOTHING: &str = "%(here).0s";

/// For one pass of expansion.
pub(super) fn percent(text: &str) -> String {
    text.replace('%', "%%")
}

/// A text that is ready for expansion, as it stands behind `key = `.
pub(super) fn value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            out.push_str("\n  ");
        }
        // An empty line at the end would be lost.
        if line.is_empty() && n > 0 {
            out.push_str(NOTHING);
        }
        let mut before = None;
        for c in line.chars() {
            let is_sign = c == ';' || c == '#';
            if (is_sign && before.is_none_or(is_space)) || (before.is_none() && is_space(c)) {
                out.push_str(NOTHING);
            }
            out.push(c);
            before = Some(c);
        }
        if before.is_some_and(is_space) {
            out.push_str(NOTHING);
        }
    }
    // A carriage return ends a line of a file; nothing else can stand for it.
    if out.contains('\r') { format!("{}\n# left out: a carriage return", out.replace('\r', "")) } else { out }
}

/// A text where nothing but variables may be expanded: it has to do without help.
pub(super) fn bare(text: &str) -> String {
    let escaped = percent(text);
    let rest = escaped.trim_start_matches([';', '#']);
    if value(rest) == rest { escaped } else { "\n# left out: a text that INI cannot say".to_owned() }
}

/// The value of `environment`; pairs that it cannot say stand in a comment behind it.
pub(super) fn pairs(all: &[(&str, &str)], escape: &dyn Fn(&str) -> String) -> String {
    let mut said = Vec::new();
    let mut left_out = Vec::new();
    for (name, text) in all {
        match quoted(text).filter(|_| is_name(name)) {
            Some(text) => said.push(format!("{}={}", escape(name), escape(&text))),
            None => left_out.push(*name),
        }
    }
    let mut out = value(&said.join(","));
    if !left_out.is_empty() {
        let names: String = left_out.join(", ").chars().filter(|c| !c.is_control()).collect();
        out.push_str(&format!("\n# left out, because INI cannot quote them: {names}"));
    }
    out
}

/// COMPAT: quotes know no escape, and all of both kinds are taken from both ends.
fn quoted(text: &str) -> Option<String> {
    let is_quote = |c: char| c == '"' || c == '\'';
    if text.starts_with(is_quote) || text.ends_with(is_quote) {
        return None;
    }
    ['"', '\''].into_iter().find(|q| !text.contains(*q)).map(|q| format!("{q}{text}{q}"))
}

/// COMPAT: a name is one word, or any sign but a blank, a quote or a `#`, or a text in quotes with its quotes.
fn is_name(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_/.+-():".contains(c);
    let mut chars = name.chars();
    match (chars.next(), chars.next_back()) {
        (Some(quote @ ('"' | '\'')), Some(last)) if quote == last => !chars.as_str().contains(quote),
        (Some(c), None) => !" \t\r\n\"'#".contains(c),
        (Some(first), Some(_)) => is_word(first) && name.chars().all(|c| is_word(c) || c == '"' || c == '\''),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_begin_a_comment_or_be_stripped_is_kept_by_nothing() {
        for (text, want) in [
            ("plain;x#y", "plain;x#y"),
            ("a ; b", "a %(here).0s; b"),
            (";a", "%(here).0s;a"),
            (" a ", "%(here).0s a %(here).0s"),
            ("a\nb", "a\n  b"),
            ("a\n\n b\n", "a\n  %(here).0s\n  %(here).0s b\n  %(here).0s"),
        ] {
            assert_eq!(value(text), want, "{text:?}");
        }
    }

    #[test]
    fn a_password_is_said_as_it_is_or_not_at_all() {
        assert_eq!((bare("50%#x"), bare("#;x")), ("50%%#x".to_owned(), "#;x".to_owned()));
        assert!(bare("a #b").contains("# left out"));
    }

    #[test]
    fn values_of_variables_are_quoted_as_far_as_that_is_possible() {
        let all = [("A", "it's"), ("B", "say \"x\" now"), ("C", "'"), ("=", "1"), ("D E", "1")];
        assert_eq!(
            pairs(&all, &str::to_owned),
            "A=\"it's\",B='say \"x\" now',==\"1\"\n# left out, because INI cannot quote them: C, D E"
        );
    }
}
