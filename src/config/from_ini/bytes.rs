//! What Python makes of a file whose bytes are not all UTF-8.
//!
//! Pure. COMPAT: it reads and decodes in chunks, and so tells the first mistake it comes to. Not here: our own finding
//! (`config::utf8`).

/// BOUND, of Python: bytes that it reads and decodes at a time.
const CHUNK: usize = 8192;

/// The whole lines that Python has seen when it finds bytes that are not UTF-8: those of the chunks before; and where a
/// file ends within a character, which it finds at the very end, all of them.
pub(super) fn read_before(bytes: &[u8]) -> &str {
    let mut seen = 0;
    for end in (CHUNK..bytes.len()).step_by(CHUNK).chain([bytes.len()]) {
        match std::str::from_utf8(bytes.get(seen..end).unwrap_or_default()) {
            Ok(_) => seen = end,
            Err(error) if error.error_len().is_none() => seen += error.valid_up_to(),
            Err(_) => break,
        }
    }
    let text = bytes.get(..seen).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default();
    text.rfind('\n').map_or("", |at| text.get(..=at).unwrap_or_default())
}

/// What Python says about bytes that are not UTF-8. It reads 8192 bytes at a time, decodes them behind what was left of
/// an unfinished character, and counts from there.
pub(super) fn pythons_words(bytes: &[u8]) -> String {
    let say = |at: usize, bad: &[u8], why: &str| match bad {
        [byte] => format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: {why}"),
        _ => format!("'utf-8' codec can't decode bytes in position {at}-{}: {why}", at + bad.len() - 1),
    };
    let mut begin = 0;
    for end in (CHUNK..bytes.len()).step_by(CHUNK).chain([bytes.len()]) {
        let text = bytes.get(begin..end).unwrap_or_default();
        let Err(error) = std::str::from_utf8(text) else {
            begin = end;
            continue;
        };
        let at = error.valid_up_to();
        if let Some(n) = error.error_len() {
            let bad = text.get(at..at + n).unwrap_or_default();
            let is_start = matches!(bad, [0xc2..=0xf4, ..]);
            return say(at, bad, if is_start { "invalid continuation byte" } else { "invalid start byte" });
        }
        begin += at;
    }
    say(0, bytes.get(begin..).unwrap_or_default(), "unexpected end of data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_utf8_is_refused_in_pythons_words() {
        let long = |n: usize, bad: &[u8]| pythons_words(&[&vec![b'#'; n], bad].concat());
        for (n, bad, want) in [
            (5, &b"\xe9\n"[..], "byte 0xe9 in position 5: invalid continuation byte"),
            (0, b"\xff", "byte 0xff in position 0: invalid start byte"),
            (3, b"\xe2\x82l", "bytes in position 3-4: invalid continuation byte"),
            (9, b"\xf0\x9f\x98", "bytes in position 0-2: unexpected end of data"),
            (9, b"\xc3", "byte 0xc3 in position 0: unexpected end of data"),
            (8191, b"\xff\n", "byte 0xff in position 8191: invalid start byte"),
            (8191, b"\xe9\n", "byte 0xe9 in position 0: invalid continuation byte"),
            (8189, b"\xe2\x82\xac\xff\n", "byte 0xff in position 0: invalid start byte"),
            (8190, b"\xe2\x82\xac\xff\n", "byte 0xff in position 3: invalid start byte"),
            (16_385, b"\xff", "byte 0xff in position 1: invalid start byte"),
        ] {
            assert_eq!(long(n, bad), format!("'utf-8' codec can't decode {want}"));
        }
    }

    #[test]
    fn what_python_comes_to_first_is_told_first() {
        let seen = |n: usize, bad: &[u8]| read_before(&[b"0\n", &vec![b'#'; n][..], bad].concat()).len();
        assert_eq!(seen(0, b"\xf0"), 2, "the end of the file is found after its lines");
        assert_eq!(seen(0, b"\xf0\n"), 0, "the same chunk");
        assert_eq!(seen(8_192, b"\n\xff"), 2, "only whole lines of the chunk before");
        assert_eq!(seen(8_189, b"\n\xff"), 8_192);
    }
}
