//! `NAME=value` lines, as `env_file` has them.
//!
//! Pure: bytes in, variables out. A line is empty, a comment that begins with `#`, or `NAME=value`, with or without `export`
//! in front. A value may stand in single quotes, where everything is itself, or in double quotes, where `\n`, `\r`, `\t`,
//! `\"`, `\$` and `\\` are escapes; both may go over several lines. Without quotes it ends with its line, or before a `#` with a
//! blank in front of it. Nothing is replaced: `$` is a dollar sign. Invariant: an error names the line, never what is in it.

/// A variable, by name and value.
pub type Variable = (String, Vec<u8>);

/// BOUND: variables of one file.
const MAX_VARIABLES: usize = 4096;

/// The variables of a text, in their order.
///
/// # Errors
/// The number of a line and what is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<Vec<Variable>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = Reader { bytes, at: 0, line: 1 };
    let mut all = Vec::new();
    while reader.skip_to_text() {
        let line = reader.line;
        let variable = reader.assignment().map_err(|why| format!("line {line}: {why}"))?;
        all.push(variable);
        if all.len() > MAX_VARIABLES {
            return Err(format!("line {line}: it has more than {MAX_VARIABLES} variables"));
        }
    }
    Ok(all)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|b| b == b' ' || b == b'\t' || b == b'\r') {
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|b| b != b'\n') {}
    }

    /// Whether there is an assignment left; stands at its beginning then.
    fn skip_to_text(&mut self) -> bool {
        loop {
            self.skip_blanks();
            match self.peek() {
                None => return false,
                Some(b'\n' | b'#') => self.skip_line(),
                Some(_) => return true,
            }
        }
    }

    fn assignment(&mut self) -> Result<Variable, &'static str> {
        if let Some(after) = self.rest().strip_prefix(b"export")
            && after.first().is_some_and(|b| *b == b' ' || *b == b'\t')
        {
            self.at += b"export".len();
            self.skip_blanks();
        }
        let rest = self.rest();
        let end =
            rest.iter().position(|b| *b == b'=' || *b == b'\n').filter(|end| rest.get(*end) == Some(&b'='));
        let name = rest.get(..end.ok_or("there is no `=`; write NAME=value")?).unwrap_or_default();
        let name = std::str::from_utf8(name).map_err(|_| "the name is not UTF-8")?.trim_end();
        if name.is_empty()
            || name.starts_with('#')
            || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '\'')
        {
            return Err("what stands in front of `=` is no name");
        }
        self.at += end.unwrap_or(0) + 1;
        self.skip_blanks();
        let value = match self.peek() {
            Some(b'\'') => self.single()?,
            Some(b'"') => self.double()?,
            _ => self.bare(),
        };
        if value.contains(&0) { Err("the value contains a zero byte") } else { Ok((name.to_owned(), value)) }
    }

    fn bare(&mut self) -> Vec<u8> {
        let rest = self.rest();
        let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
        self.skip_line();
        let is_comment = |at: &usize| {
            let before = at.checked_sub(1).and_then(|b| line.get(b));
            line.get(*at) == Some(&b'#') && before.is_none_or(|b| *b == b' ' || *b == b'\t')
        };
        let end = (0..line.len()).find(is_comment).unwrap_or(line.len());
        line.get(..end).unwrap_or_default().trim_ascii_end().to_vec()
    }

    fn single(&mut self) -> Result<Vec<u8>, &'static str> {
        self.at += 1;
        let mut value = Vec::new();
        loop {
            match self.next() {
                None => return Err("the closing quote is missing"),
                Some(b'\'') => break,
                Some(byte) => value.push(byte),
            }
        }
        self.only_comment(value)
    }

    fn double(&mut self) -> Result<Vec<u8>, &'static str> {
        self.at += 1;
        let mut value = Vec::new();
        loop {
            match self.next() {
                None => return Err("the closing quote is missing"),
                Some(b'"') => break,
                Some(b'\\') => match self.next() {
                    None => return Err("the closing quote is missing"),
                    Some(b'n') => value.push(b'\n'),
                    Some(b'r') => value.push(b'\r'),
                    Some(b't') => value.push(b'\t'),
                    Some(byte @ (b'"' | b'\\' | b'$')) => value.push(byte),
                    Some(other) => value.extend([b'\\', other]),
                },
                Some(byte) => value.push(byte),
            }
        }
        self.only_comment(value)
    }

    /// What may follow a closing quote.
    fn only_comment(&mut self, value: Vec<u8>) -> Result<Vec<u8>, &'static str> {
        self.skip_blanks();
        match self.peek() {
            None | Some(b'\n' | b'#') => {
                self.skip_line();
                Ok(value)
            }
            Some(_) => Err("something stands behind the closing quote"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(String, String)> {
        let found = parse(text.as_bytes()).expect(text);
        found.into_iter().map(|(n, v)| (n, String::from_utf8_lossy(&v).into_owned())).collect()
    }

    #[test]
    fn lines_are_read_as_people_write_them() {
        for (text, want) in [
            ("A=1", "1"),
            ("export A=1\n", "1"),
            ("  A = 1 \r\n", "1"),
            ("\u{feff}A=1", "1"),
            ("# no\n\nA=1 # yes", "1"),
            ("A=a#b", "a#b"),
            ("A=", ""),
            ("A= # nothing", ""),
            ("A='a b # c'", "a b # c"),
            ("A='$x \\n'  # literal", "$x \\n"),
            ("A=\"a\\nb \\\"c\\\" \\$x \\\\ \\q\"", "a\nb \"c\" $x \\ \\q"),
            ("A=\"one\ntwo\"", "one\ntwo"),
            ("A=http://x/?a=b&c=d", "http://x/?a=b&c=d"),
            ("A=it's", "it's"),
            ("A=ä", "ä"),
        ] {
            assert_eq!(all(text), [("A".to_owned(), want.to_owned())], "{text:?}");
        }
        assert_eq!(all("A=1\nB='x\ny'\nexport C=3\n").len(), 3);
        assert_eq!(all("exported=1"), [("exported".to_owned(), "1".to_owned())]);
        assert_eq!(all(""), []);
    }

    #[test]
    fn an_error_names_the_line_and_not_what_is_in_it() {
        for (text, line) in [
            ("A=1\nsecret\n", 2),
            ("\n\n=secret", 3),
            ("A='x\ny\nsecret", 1),
            ("A=\"secret", 1),
            ("A='1' secret", 1),
            ("a secret=1", 1),
            ("export #=secret", 1),
            ("A=sec\0ret", 1),
        ] {
            let why = parse(text.as_bytes()).expect_err(text);
            assert!(why.starts_with(&format!("line {line}: ")) && !why.contains("secret"), "{text:?}: {why}");
        }
        assert!(parse("A=1\n".repeat(5000).as_bytes()).is_err());
    }
}
