//! Writes calls, responses and faults, in the layout of Python's `xmlrpc.client`.
//!
//! Pure. Invariant: well-formed whatever the text and the numbers are.

use super::is_xml_char;
use crate::gateway::rpc::value::Value;
use std::fmt::Write;

/// Writes a call.
#[must_use]
pub fn call(method: &str, params: &[Value]) -> String {
    let mut out = String::from("<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    escape(&mut out, method);
    out.push_str("</methodName>\n");
    write_params(&mut out, params);
    out.push_str("</methodCall>\n");
    out
}

/// Writes a response.
#[must_use]
pub fn response(value: &Value) -> String {
    let mut out = String::from("<?xml version='1.0'?>\n<methodResponse>\n");
    write_params(&mut out, std::slice::from_ref(value));
    out.push_str("</methodResponse>\n");
    out
}

/// Writes a fault.
#[must_use]
pub fn fault(code: i32, text: &str) -> String {
    let mut out = String::from("<?xml version='1.0'?>\n<methodResponse>\n<fault>\n");
    let members = [("faultCode", Value::int(code)), ("faultString", Value::text(text))];
    write_value(&mut out, &Value::Struct(members.map(|(n, v)| (n.to_owned(), v)).into()));
    out.push_str("</fault>\n</methodResponse>\n");
    out
}

fn write_params(out: &mut String, params: &[Value]) {
    out.push_str("<params>\n");
    for param in params {
        out.push_str("<param>\n");
        write_value(out, param);
        out.push_str("</param>\n");
    }
    out.push_str("</params>\n");
}

fn write_value(out: &mut String, value: &Value) {
    out.push_str("<value>");
    match value {
        Value::Int(n) => {
            // Supervisor answers 500 to what does not fit; a number that is too small helps more.
            let n = (*n).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
            out.push_str("<int>");
            write_int(out, i32::try_from(n).unwrap_or(0));
            out.push_str("</int>");
        }
        Value::Bool(b) => out.push_str(if *b { "<boolean>1</boolean>" } else { "<boolean>0</boolean>" }),
        Value::Text(text) => {
            out.push_str("<string>");
            escape(out, text);
            out.push_str("</string>");
        }
        Value::Double(x) => {
            let _ = write!(out, "<double>{x:?}</double>");
        }
        Value::Time(text) => {
            out.push_str("<dateTime.iso8601>");
            escape(out, text);
            out.push_str("</dateTime.iso8601>");
        }
        Value::Array(values) => {
            out.push_str("<array><data>\n");
            values.iter().for_each(|v| write_value(out, v));
            out.push_str("</data></array>");
        }
        Value::Struct(members) => write_members(out, &mut members.iter().map(|(n, v)| (n.as_str(), v))),
        Value::Fields(members) => write_members(out, &mut members.iter().map(|(n, v)| (*n, v))),
        Value::Nil => out.push_str("<nil/>"),
    }
    out.push_str("</value>\n");
}

fn write_members(out: &mut String, members: &mut dyn Iterator<Item = (&str, &Value)>) {
    out.push_str("<struct>\n");
    for (name, value) in members {
        out.push_str("<member>\n<name>");
        escape(out, name);
        out.push_str("</name>\n");
        write_value(out, value);
        out.push_str("</member>\n");
    }
    out.push_str("</struct>");
}

/// Without the machinery of formatting: an answer has thousands of them.
fn write_int(out: &mut String, n: i32) {
    if n < 0 {
        out.push('-');
    }
    let mut rest = n.unsigned_abs();
    let mut digits = [b'0'; 10];
    let mut at = digits.len();
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        at -= 1;
        if rest == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(digits.get(at..).unwrap_or_default()).unwrap_or_default());
}

/// What stands for itself, whatever comes next.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>')
}

fn escape(out: &mut String, text: &str) {
    let n_plain = text.bytes().take_while(|b| is_plain(*b)).count();
    let (plain, rest) = text.split_at(n_plain);
    out.push_str(plain);
    for c in rest.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A raw one would come out of any parser as a line feed.
            '\r' => out.push_str("&#13;"),
            c if is_xml_char(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
}
