//! Python's small rules that Supervisor's behaviour and messages rest on: blanks, `repr`, `int()`, `int(x, 8)`.
//!
//! Pure. Invariant: what Python 3 accepts is accepted, what it refuses is refused with its words.
//! Not here: `%` formatting (`expand`), word splitting (`shlex`).

/// `str.isspace` for one character: Unicode white space and the four separators that Rust leaves out.
#[must_use]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.strip`.
#[must_use]
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.rstrip`.
#[must_use]
pub fn rstrip(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// `repr` of a string: single quotes unless only those occur inside, escapes for what cannot be printed.
#[must_use]
pub fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c if u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push(quote);
    out
}

/// `repr` of bytes, `b'…'`.
#[must_use]
pub fn repr_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    let mut out = String::with_capacity(bytes.len() + 3);
    out.push('b');
    out.push(char::from(quote));
    for byte in bytes.iter().copied() {
        if byte == quote || byte == b'\\' {
            out.push('\\');
        }
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(char::from(quote));
    out
}

/// The characters that occur in practice and that Python shows as escapes; the rest is shown as it is.
fn is_printable(c: char) -> bool {
    !(c.is_control()
        || (c != ' ' && c.is_whitespace())
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{feff}'))
}

/// `int(text)`.
///
/// # Errors
/// Python's words. Numbers beyond 64 bits, which Python would take, are refused in the same form.
pub fn int(text: &str) -> Result<i64, String> {
    digits(strip(text), 10).ok_or_else(|| format!("invalid literal for int() with base 10: {}", repr(text)))
}

/// `int(text, 8)`; `None` where Python raises.
#[must_use]
pub fn octal(text: &str) -> Option<i64> {
    digits(strip(text), 8)
}

/// Sign, then digits with single underscores between them; base 8 may start with `0o`.
fn digits(text: &str, base: u32) -> Option<i64> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let mut body = rest;
    if base == 8
        && let Some(tail) = rest.strip_prefix("0o").or_else(|| rest.strip_prefix("0O"))
    {
        body = tail.strip_prefix('_').unwrap_or(tail);
    }
    let mut value: i64 = 0;
    let mut after_digit = false;
    for c in body.chars() {
        if c == '_' {
            if !after_digit {
                return None;
            }
            after_digit = false;
            continue;
        }
        let digit = i64::from(c.to_digit(base)?);
        value = value.checked_mul(i64::from(base))?.checked_add(digit)?;
        after_digit = true;
    }
    after_digit.then_some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn int_takes_blanks_signs_underscores_and_leading_zeros() {
        for (text, want) in [("10", 10), (" 10 ", 10), ("+1_0", 10), ("-3", -3), ("010", 10), ("0", 0)] {
            assert_eq!(int(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn int_refuses_what_python_refuses_with_its_words() {
        for text in ["", "abc", "1__0", "_1", "1_", "0x10", "1.5", "5mb", "- 1", "99999999999999999999"] {
            assert_eq!(int(text), Err(format!("invalid literal for int() with base 10: '{text}'")), "{text}");
        }
    }

    #[test]
    fn octal_takes_the_prefix_in_both_cases() {
        for (text, want) in
            [("022", Some(0o22)), ("22", Some(0o22)), ("0o22", Some(0o22)), ("0O_22", Some(0o22))]
        {
            assert_eq!(octal(text), want, "{text}");
        }
        for text in ["999", "", "0x7", "0o", "8"] {
            assert_eq!(octal(text), None, "{text}");
        }
    }

    #[test]
    fn repr_chooses_the_quote_and_escapes_what_cannot_be_seen() {
        assert_eq!(repr("a"), "'a'");
        assert_eq!(repr("it's"), "\"it's\"");
        assert_eq!(repr("'\""), "'\\'\"'");
        assert_eq!(repr("\u{feff}[a]\n\t\\\u{1}"), "'\\ufeff[a]\\n\\t\\\\\\x01'");
        assert_eq!(repr("é"), "'é'");
    }

    #[test]
    fn strip_takes_the_separators_that_rust_keeps() {
        assert_eq!(strip("\u{1c} a\u{a0}\n"), "a");
    }
}
