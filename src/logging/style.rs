//! What a line of a program looks like in its log: as it came, behind the program's name, or as a JSON object.
//!
//! Pure. Invariants: every record ends with a newline, but in `raw`, where bytes stay as they are; a JSON record is one
//! line of valid JSON whatever the program wrote. Not here: what a line is (`lines`), which lines there are (`outlet`).

use crate::config::model::LogFormat;
use crate::types::Wall;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use std::io::Write;

/// BOUND: objects and lists within each other in a program's own JSON line; a deeper one is text.
const DEPTH: usize = 64;

/// BOUND: names are aligned up to so many characters; longer ones stand out.
pub const MOST_WIDTH: usize = 32;

/// Who writes.
#[derive(Clone, Default, Debug)]
pub struct Who {
    /// `group:name`, or the name alone where both are the same.
    pub name: String,
    pub stderr: bool,
    pub pid: i32,
    /// Characters that names take.
    pub width: usize,
    /// Which colour, where the sink is a terminal.
    pub colour: Option<u32>,
}

/// How much of a line it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// All of it, or its end.
    Whole,
    /// More of the same line follows.
    Part,
}

/// See the module.
#[derive(Debug)]
pub struct Style {
    format: LogFormat,
    /// Prefix: what stands before `| ` or `+ `. JSON: what follows the time.
    head: Vec<u8>,
    tail: &'static [u8],
    name: String,
    /// A line has begun and not ended.
    open: bool,
    stamp: (i64, String),
}

impl Style {
    #[must_use]
    pub fn new(format: LogFormat, who: &Who) -> Style {
        let (head, tail): (Vec<u8>, &'static [u8]) = match format {
            LogFormat::Raw => (Vec::new(), b""),
            LogFormat::Prefix => prefix(who),
            LogFormat::Json => {
                let mut head = b"\",\"program\":\"".to_vec();
                escape(who.name.as_bytes(), &mut head);
                let stream = if who.stderr { "stderr" } else { "stdout" };
                let _ = write!(head, "\",\"stream\":\"{stream}\",\"pid\":{},", who.pid); // a Vec takes it
                (head, b"")
            }
        };
        Style { format, head, tail, name: who.name.clone(), open: false, stamp: (i64::MIN, String::new()) }
    }

    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.format == LogFormat::Raw
    }

    /// These bytes go out as they are.
    pub fn pass(&mut self, bytes: &[u8]) {
        self.open = bytes.last().is_some_and(|b| *b != b'\n');
    }

    /// A line, or a part of one, without its newline; `raw` gets the newline back if there was one.
    pub fn line(&mut self, line: &[u8], extent: Extent, newline: bool, now: Wall, out: &mut Vec<u8>) {
        let goes_on = extent == Extent::Part || (self.is_raw() && !newline);
        let continues = std::mem::replace(&mut self.open, goes_on);
        match self.format {
            LogFormat::Raw => {
                out.extend_from_slice(line);
                if newline {
                    out.push(b'\n');
                }
            }
            LogFormat::Prefix => {
                out.extend_from_slice(&self.head);
                out.extend_from_slice(if extent == Extent::Part { b"+" } else { b"|" });
                out.extend_from_slice(self.tail);
                out.push(b' ');
                out.extend_from_slice(line);
                out.push(b'\n');
            }
            LogFormat::Json => {
                self.begin(now, out);
                let object = (extent == Extent::Whole && !continues).then(|| object(line)).flatten();
                if let Some(object) = object {
                    out.extend_from_slice(b"\"json\":");
                    out.extend_from_slice(object);
                    out.extend_from_slice(b"}\n");
                    return;
                }
                if extent == Extent::Part {
                    out.extend_from_slice(b"\"partial\":true,");
                }
                out.extend_from_slice(b"\"line\":\"");
                escape(line, out);
                out.extend_from_slice(b"\"}\n");
            }
        }
    }

    /// A line of ours among those of the program: so many lines are not there.
    pub fn note(&mut self, what: &str, lines: u64, rest: &str, now: Wall, out: &mut Vec<u8>) {
        let noun = if lines == 1 { "line" } else { "lines" };
        let text = format!("… {lines} {noun} {what}{rest}");
        match self.format {
            LogFormat::Raw => {
                // Not behind the beginning of another line.
                let gap = if std::mem::take(&mut self.open) { "\n" } else { "" };
                let _ = writeln!(out, "{gap}{}: {text}", self.name); // a Vec takes it
            }
            LogFormat::Prefix => {
                let open = self.open;
                self.line(text.as_bytes(), Extent::Whole, true, now, out);
                self.open = open;
            }
            LogFormat::Json => {
                self.begin(now, out);
                let _ = writeln!(out, "\"{what}\":{lines},\"line\":\"{text}\"}}"); // a Vec takes it
            }
        }
    }

    fn begin(&mut self, now: Wall, out: &mut Vec<u8>) {
        if self.stamp.0 != now.0 || self.stamp.1.is_empty() {
            let text = Timestamp::from_millisecond(now.0).map(|t| format!("{t:.3}")).unwrap_or_default();
            self.stamp = (now.0, text);
        }
        out.extend_from_slice(b"{\"time\":\"");
        out.extend_from_slice(self.stamp.1.as_bytes());
        out.extend_from_slice(&self.head);
    }
}

/// What stands before the bar, and behind it.
fn prefix(who: &Who) -> (Vec<u8>, &'static [u8]) {
    let name = format!("{:width$} ", who.name, width = who.width.min(MOST_WIDTH));
    match who.colour {
        None => (name.into_bytes(), b""),
        // The six that are legible on black and on white, then the same in bold.
        Some(n) => {
            let (bold, colour) = (if n % 12 < 6 { "" } else { "1;" }, 31 + n % 6);
            (format!("\x1b[{bold}{colour}m{name}").into_bytes(), b"\x1b[0m")
        }
    }
}

/// The line without blanks around it, if it is one JSON object.
fn object(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    if line.first() != Some(&b'{') || line.last() != Some(&b'}') || !is_shallow(line) {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok().map(|_| line)
}

/// Whoever reads it may give up on deep nesting, and lose the whole record.
fn is_shallow(line: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for byte in line {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            return false;
        }
    }
    true
}

/// The inside of a JSON string. What is no UTF-8 becomes U+FFFD.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        escape_text(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn escape_text(mut text: &[u8], out: &mut Vec<u8>) {
    let is_special = |b: &u8| *b < 0x20 || *b == b'"' || *b == b'\\' || *b == 0x7f;
    while let Some(at) = text.iter().position(is_special) {
        let (plain, rest) = text.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, rest)) = rest.split_first() else { return };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\n' => out.extend_from_slice(b"\\n"),
            byte => {
                let _ = write!(out, "\\u{byte:04x}"); // a Vec takes it
            }
        }
        text = rest;
    }
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests;
