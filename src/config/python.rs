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
            c => push_escape(&mut out, c),
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

/// `ascii`: `repr`, with escapes for everything that is not ASCII.
#[must_use]
pub fn ascii(text: &str) -> String {
    let mut out = String::new();
    for c in repr(text).chars() {
        if c.is_ascii() { out.push(c) } else { push_escape(&mut out, c) }
    }
    out
}

fn push_escape(out: &mut String, c: char) {
    out.push_str(&match u32::from(c) {
        n @ ..0x100 => format!("\\x{n:02x}"),
        n @ ..0x1_0000 => format!("\\u{n:04x}"),
        n => format!("\\U{n:08x}"),
    });
}

/// `int(text)`; a number beyond 64 bits becomes the nearest one that we can count to.
///
/// # Errors
/// Python's words.
pub fn int(text: &str) -> Result<i64, String> {
    big_int(text).map(clamp)
}

/// `int(text)` where the number itself may have to be shown.
///
/// # Errors
/// Python's words.
pub fn big_int(text: &str) -> Result<i128, String> {
    digits(text, 10).ok_or_else(|| format!("invalid literal for int() with base 10: {}", repr(text)))
}

/// `int(text, 8)`, as near as we can count; `None` where Python raises.
#[must_use]
pub fn octal(text: &str) -> Option<i128> {
    digits(text, 8)
}

fn clamp(n: i128) -> i64 {
    i64::try_from(n).unwrap_or(if n < 0 { i64::MIN } else { i64::MAX })
}

/// Sign, then digits with single underscores between them; base 8 may start with `0o`.
///
/// The blanks around them are C's, and those that are not ASCII: fewer than `strip` takes.
fn digits(text: &str, base: u32) -> Option<i128> {
    let is_blank = |c: char| matches!(c, '\t'..='\r' | ' ') || (!c.is_ascii() && c.is_whitespace());
    let text = text.trim_matches(is_blank);
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
    let mut value: i128 = 0;
    let mut after_digit = false;
    for c in body.chars() {
        if c == '_' {
            if !after_digit {
                return None;
            }
            after_digit = false;
            continue;
        }
        let digit = digit_value(c).filter(|d| *d < base)?;
        value = value.saturating_mul(i128::from(base)).saturating_add(i128::from(digit));
        after_digit = true;
    }
    after_digit.then_some(if negative { -value } else { value })
}

/// The zeros of all decimal digits that Unicode 14 has outside of ASCII; their nine follow each.
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x1_04a0, 0x1_0d30, 0x1_1066, 0x1_10f0,
    0x1_1136, 0x1_11d0, 0x1_12f0, 0x1_1450, 0x1_14d0, 0x1_1650, 0x1_16c0, 0x1_1730, 0x1_18e0, 0x1_1950,
    0x1_1c50, 0x1_1d50, 0x1_1da0, 0x1_6a60, 0x1_6ac0, 0x1_6b50, 0x1_d7ce, 0x1_d7d8, 0x1_d7e2, 0x1_d7ec,
    0x1_d7f6, 0x1_e140, 0x1_e2f0, 0x1_e950, 0x1_fbf0,
];

/// What a decimal digit of any script counts: Python's `int` takes them all.
#[must_use]
pub fn digit_value(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let before = ZEROS.partition_point(|zero| *zero <= u32::from(c));
    let zero = ZEROS.get(before.checked_sub(1)?)?;
    Some(u32::from(c) - zero).filter(|digit| *digit < 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn int_takes_blanks_signs_underscores_and_leading_zeros() {
        for (text, want) in [
            ("10", 10),
            (" 10 ", 10),
            ("+1_0", 10),
            ("-3", -3),
            ("010", 10),
            ("0", 0),
            ("\u{a0}\u{663}\u{2028}", 3),
            ("９𝟙", 91),
            ("99999999999999999999", i64::MAX),
            ("-9999999999999999999999999999999999999999999", i64::MIN),
        ] {
            assert_eq!(int(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn int_refuses_what_python_refuses_with_its_words() {
        for text in ["", "abc", "1__0", "_1", "1_", "0x10", "1.5", "5mb", "- 1", "²", "½"] {
            assert_eq!(int(text), Err(format!("invalid literal for int() with base 10: '{text}'")), "{text}");
        }
    }

    #[test]
    fn int_takes_fewer_blanks_than_strip() {
        assert_eq!(int("\u{b}1\u{85}"), Ok(1));
        assert_eq!(int("1\u{1f}"), Err("invalid literal for int() with base 10: '1\\x1f'".to_owned()));
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
        assert_eq!(ascii("é☃😀'"), "\"\\xe9\\u2603\\U0001f600'\"");
    }

    #[test]
    fn strip_takes_the_separators_that_rust_keeps() {
        assert_eq!(strip("\u{1c} a\u{a0}\n"), "a");
    }
}
