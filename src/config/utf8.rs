//! A file's bytes as text, or where they stop being text.
//!
//! Pure. Invariant: the finding names the first byte that is not UTF-8, and shows its line. Not here: Python's words
//! for the same mistake (`from_ini`), the languages (`from_*`).

use crate::config::diag::{Diagnostic, Span};

/// The finding about `bytes`, the content of `path`, whose first `valid` bytes are UTF-8.
pub(in crate::config) fn refusal(path: &str, bytes: &[u8], valid: usize) -> Diagnostic {
    let (good, bad) = bytes.split_at(valid.min(bytes.len()));
    let start = good.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let end = bad.iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| good.len() + at);
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\r').to_owned();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let line = good.iter().filter(|b| **b == b'\n').count() + 1;
    let byte = bad.first().copied().unwrap_or(0);
    let span = Span {
        source: path.to_owned(),
        line: number(line),
        column: number(String::from_utf8_lossy(&good[start..]).chars().count() + 1),
        width: 1,
        text: shown(&bytes[start..end]),
    };
    Diagnostic::error(format!(
        "cannot read `{path}`: line {line} is not UTF-8 text (byte 0x{byte:02x} at offset {valid})"
    ))
    .at(Some(&span))
    .hint(if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        "the file looks like UTF-16; save it as UTF-8"
    } else {
        "save the file as UTF-8"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(bytes: &[u8]) -> String {
        let valid = std::str::from_utf8(bytes).expect_err("not UTF-8").valid_up_to();
        refusal("/e/a", bytes, valid).render()
    }

    #[test]
    fn the_first_bad_byte_is_named_with_its_line() {
        assert_eq!(
            rendered(b"[supervisord]\r\n; \xc3\xa9 caf\xe9 \xff\r\nx\xff\n"),
            "error: cannot read `/e/a`: line 2 is not UTF-8 text (byte 0xe9 at offset 23)\n  --> /e/a:2:8\n\
             2 | ; é caf\u{fffd} \u{fffd}\n  |        ^ hint: save the file as UTF-8\n"
        );
    }

    #[test]
    fn an_unfinished_character_at_the_end_is_found() {
        assert!(
            rendered(b"a\n\xc3")
                .contains("line 2 is not UTF-8 text (byte 0xc3 at offset 2)\n  --> /e/a:2:1\n")
        );
    }

    #[test]
    fn another_encoding_of_unicode_is_recognized() {
        assert!(rendered(b"\xff\xfe[\0s\0").contains("hint: the file looks like UTF-16"));
    }

    #[test]
    fn a_secret_in_the_bad_line_stays_hidden() {
        let text = rendered(b"password=hunter2\xe9\n");
        assert!(text.contains("***") && !text.contains("hunter2"), "{text}");
    }
}
