//! Splitting text into words as Python's `shlex` does: POSIX for commands, the legacy mode for `environment=`.
//!
//! Pure. Invariants: POSIX errors carry Python's two texts; the legacy lexer keeps quotes inside its tokens.
//! Not here: what the tokens of `environment=` mean (`values::pairs`), the text for a command that cannot be split.

use std::collections::VecDeque;

/// Python's words for an unfinished quote.
pub const NO_CLOSING_QUOTATION: &str = "No closing quotation";
/// Python's words for a backslash at the end.
pub const NO_ESCAPED_CHARACTER: &str = "No escaped character";

/// `shlex.split(text)`: POSIX rules, no comments.
///
/// # Errors
/// [`NO_CLOSING_QUOTATION`] or [`NO_ESCAPED_CHARACTER`].
pub fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    // `None` between words: an empty pair of quotes makes a word, a blank does not.
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next().ok_or(NO_ESCAPED_CHARACTER)?),
            '\'' | '"' => read_quoted(c, &mut chars, word.get_or_insert_default())?,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Reads to the closing quote. Inside double quotes a backslash escapes only itself and the quote.
fn read_quoted(quote: char, chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or(NO_CLOSING_QUOTATION)? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => {
                let next = chars.next().ok_or(NO_ESCAPED_CHARACTER)?;
                if next != '"' && next != '\\' {
                    word.push('\\');
                }
                word.push(next);
            }
            c => word.push(c),
        }
    }
}

/// `list(shlex.shlex(text))` in its non-POSIX mode with `/.+-():` among the word characters.
///
/// COMPAT: this is the tokeniser of Supervisor 4.3's `environment=`. Every character that is not a word
/// character, a quote, a blank or `#` is a token of its own; quotes open a token only at its start.
///
/// # Errors
/// [`NO_CLOSING_QUOTATION`].
pub fn legacy_tokens(text: &str) -> Result<Vec<String>, &'static str> {
    let mut chars: VecDeque<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut word = String::new();
    while let Some(c) = chars.pop_front() {
        match c {
            '#' => skip_line(&mut chars),
            ' ' | '\t' | '\r' | '\n' => flush(&mut word, &mut tokens),
            c if is_word(c) => word.push(c),
            '\'' | '"' if !word.is_empty() => word.push(c),
            '\'' | '"' => tokens.push(quoted_token(c, &mut chars)?),
            c => {
                flush(&mut word, &mut tokens);
                tokens.push(c.to_string());
            }
        }
    }
    flush(&mut word, &mut tokens);
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_/.+-():".contains(c)
}

fn flush(word: &mut String, tokens: &mut Vec<String>) {
    if !word.is_empty() {
        tokens.push(std::mem::take(word));
    }
}

/// A comment inside a word does not end the word: Python goes on with the next line's characters.
fn skip_line(chars: &mut VecDeque<char>) {
    while chars.pop_front().is_some_and(|c| c != '\n') {}
}

fn quoted_token(quote: char, chars: &mut VecDeque<char>) -> Result<String, &'static str> {
    let mut token = String::from(quote);
    loop {
        let c = chars.pop_front().ok_or(NO_CLOSING_QUOTATION)?;
        token.push(c);
        if c == quote {
            return Ok(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_as_python_splits_them() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            (" a  b\tc\nd ", &["a", "b", "c", "d"]),
            ("nginx -g 'daemon off;'", &["nginx", "-g", "daemon off;"]),
            (r#"sh -c "echo \"x\" \$y \n""#, &["sh", "-c", r#"echo "x" \$y \n"#]),
            (r"a\ b '\n' ''", &["a b", r"\n", ""]),
            ("a#b # c", &["a#b", "#", "c"]),
            ("x''y\"z\"", &["xyz"]),
        ];
        for (text, want) in cases {
            assert_eq!(split(text).unwrap(), *want, "{text}");
        }
    }

    #[test]
    fn unfinished_commands_get_pythons_words() {
        assert_eq!(split("sh -c \"a"), Err("No closing quotation"));
        assert_eq!(split("a\\"), Err("No escaped character"));
        assert_eq!(split("\"a\\"), Err("No escaped character"));
    }

    #[test]
    fn legacy_tokens_keep_quotes_and_cut_at_other_characters() {
        let cases: &[(&str, &[&str])] = &[
            ("A=1", &["A", "=", "1"]),
            ("A='x y' , B=\"z\"", &["A", "=", "'x y'", ",", "B", "=", "\"z\""]),
            ("A=a\"b\"", &["A", "=", "a\"b\""]),
            ("A=$HOME", &["A", "=", "$", "HOME"]),
            ("A=x#y\n,B=1", &["A", "=", "x", ",", "B", "=", "1"]),
            ("A=/x/y.z-1:2(3)+4", &["A", "=", "/x/y.z-1:2(3)+4"]),
            ("A=\"a\"\"b\"", &["A", "=", "\"a\"", "\"b\""]),
        ];
        for (text, want) in cases {
            assert_eq!(legacy_tokens(text).unwrap(), *want, "{text}");
        }
        assert_eq!(legacy_tokens("A=\"x"), Err("No closing quotation"));
    }
}
