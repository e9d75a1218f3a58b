use super::*;

const NOW: Wall = Wall(1_700_000_000_007);

fn who() -> Who {
    Who { name: "g:web".into(), pid: 12, width: 8, ..Who::default() }
}

fn json(line: &[u8]) -> String {
    let mut out = Vec::new();
    Style::new(LogFormat::Json, &who()).line(line, Extent::Whole, true, NOW, &mut out);
    String::from_utf8(out).expect("UTF-8")
}

fn prefixed(who: &Who, parts: &[(&str, Extent)]) -> String {
    let mut style = Style::new(LogFormat::Prefix, who);
    let mut out = Vec::new();
    for (part, extent) in parts {
        style.line(part.as_bytes(), *extent, true, NOW, &mut out);
    }
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn a_record_has_time_program_stream_pid_and_line() {
    let want = "{\"time\":\"2023-11-14T22:13:20.007Z\",\"program\":\"g:web\",\"stream\":\"stdout\",\"pid\":12,\"line\":\"a \\\"b\\\" \\u0000\\t\\u001b\u{fffd}\"}\n";
    assert_eq!(json(b"a \"b\" \x00\t\x1b\xff"), want);
}

#[test]
fn an_object_is_nested_byte_by_byte_and_anything_else_is_text() {
    for object in ["{}", "{\"n\":1.50e+1000,\"a\":[1,{\"b\":null}],\"t\":\"{[\\\"\"}", " {\"a\": 1}\r"] {
        assert!(json(object.as_bytes()).ends_with(&format!(",\"json\":{}}}\n", object.trim())), "{object}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    for text in ["{", "[1]", "{\"a\":1}{}", "{\"a\":01}", "{a}", "{\"a\":\"\u{1}\"}", deep.as_str()] {
        assert!(json(text.as_bytes()).contains(",\"line\":\""), "{text}");
    }
    assert!(json(b"{\"a\":\"\xff\"}").contains("\"line\""), "no UTF-8");
}

#[test]
fn pieces_are_marked_and_their_end_is_not_taken_for_an_object() {
    let mut style = Style::new(LogFormat::Json, &who());
    let mut out = Vec::new();
    style.line(b"x", Extent::Part, false, NOW, &mut out);
    style.line(b"{}", Extent::Whole, true, NOW, &mut out);
    let text = String::from_utf8(out).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("\"partial\":true,\"line\":\"x\"}"), "{text}");
    assert!(lines[1].ends_with("12,\"line\":\"{}\"}"), "{text}");
}

#[test]
fn names_are_aligned_and_coloured_where_that_is_wanted() {
    let parts = [("one", Extent::Part), ("two", Extent::Whole)];
    assert_eq!(prefixed(&who(), &parts), "g:web    + one\ng:web    | two\n");
    let coloured = Who { colour: Some(1), ..who() };
    assert_eq!(prefixed(&coloured, &parts[1..]), "\x1b[32mg:web    |\x1b[0m two\n");
}

#[test]
fn a_note_has_the_form_of_the_log() {
    let note = |format| {
        let mut style = Style::new(format, &who());
        let mut out = Vec::new();
        style.line(b"beginning", Extent::Part, false, NOW, &mut out);
        out.clear();
        style.note("dropped", 77, "", NOW, &mut out);
        String::from_utf8(out).expect("UTF-8")
    };
    assert_eq!(note(LogFormat::Raw), "\ng:web: … 77 lines dropped\n");
    assert_eq!(note(LogFormat::Prefix), "g:web    | … 77 lines dropped\n");
    assert!(note(LogFormat::Json).ends_with("12,\"dropped\":77,\"line\":\"… 77 lines dropped\"}\n"));
}

#[test]
fn whatever_a_program_writes_is_one_line_of_json() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for _ in 0..3_000 {
        let pieces: &[&[u8]] =
            &[b"{", b"}", b"\"", b"\\", b"\xff", "é".as_bytes(), b"a", b":", b"1", b"\0", b"\xe2\x82"];
        let n = next(12);
        let line: Vec<u8> =
            (0..n).flat_map(|_| pieces[next(pieces.len() as u64) as usize].to_vec()).collect();
        let text = json(&line);
        assert_eq!(text.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        match value["line"].as_str() {
            Some(read) => assert_eq!(read, String::from_utf8_lossy(&line)),
            None => assert!(value["json"].is_object(), "{text}"),
        }
    }
}
