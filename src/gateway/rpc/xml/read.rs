//! Reads calls and responses: a pull parser over quick-xml's events.
//!
//! Sans-IO. Invariants: nesting is bounded; only the five predefined entities and character references are expanded; a
//! document type is refused. COMPAT: value types and their leniency are Supervisor's.

use super::is_xml_char;
use crate::gateway::rpc::value::Value;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use std::fmt;

/// BOUND: values inside values. Supervisor's own calls need four.
pub(super) const MAX_DEPTH: usize = 32;

/// The text is not what it should be.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read XML-RPC: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// A call as it came; a missing method name is empty.
#[derive(Debug, PartialEq)]
pub struct Call {
    pub method: String,
    pub params: Vec<Value>,
}

/// What a server says.
#[derive(Debug, PartialEq)]
pub enum Response {
    Value(Value),
    Fault { code: i64, text: String },
}

/// Reads a `<methodCall>`. COMPAT: `<params>` may be absent.
///
/// # Errors
/// When it is not well-formed, or not a call.
pub fn read_call(text: &str) -> Result<Call, Malformed> {
    let mut parser = Parser::new(text);
    parser.expect_root("methodCall")?;
    let mut call = Call { method: String::new(), params: Vec::new() };
    while let Some(name) = parser.child()? {
        match name.as_str() {
            "methodName" => call.method = parser.text()?,
            "params" => call.params = parser.params()?,
            other => return Err(unexpected(other)),
        }
    }
    parser.expect_end()?;
    Ok(call)
}

/// Reads a `<methodResponse>`.
///
/// # Errors
/// When it is not well-formed, or not a response.
pub fn read_response(text: &str) -> Result<Response, Malformed> {
    let mut parser = Parser::new(text);
    parser.expect_root("methodResponse")?;
    let mut response = None;
    while let Some(name) = parser.child()? {
        response = Some(match name.as_str() {
            "params" => {
                Response::Value(parser.params()?.into_iter().next().ok_or_else(|| bad("an empty response"))?)
            }
            "fault" => parser.fault()?,
            other => return Err(unexpected(other)),
        });
    }
    parser.expect_end()?;
    response.ok_or_else(|| bad("an empty response"))
}

fn bad(text: impl Into<String>) -> Malformed {
    Malformed(text.into())
}

fn unexpected(name: &str) -> Malformed {
    bad(format!("unexpected <{name}>"))
}

/// One step of the document, without comments and the like.
enum Token {
    Open(String),
    Close,
    Text(String),
    End,
}

struct Parser<'t> {
    reader: Reader<&'t [u8]>,
    /// An `<empty/>` element was opened and owes its end.
    owes_close: bool,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Parser<'t> {
        Parser { reader: Reader::from_str(text), owes_close: false, depth: 0 }
    }

    fn token(&mut self) -> Result<Token, Malformed> {
        if std::mem::take(&mut self.owes_close) {
            return Ok(Token::Close);
        }
        loop {
            let event = self.reader.read_event().map_err(|e| bad(e.to_string()))?;
            return Ok(match event {
                Event::Start(e) => Token::Open(name_of(e.name().as_ref())),
                Event::Empty(e) => {
                    self.owes_close = true;
                    Token::Open(name_of(e.name().as_ref()))
                }
                Event::End(_) => Token::Close,
                Event::Text(e) => Token::Text(e.xml10_content().into_owned()),
                Event::CData(e) => Token::Text(e.xml10_content().into_owned()),
                Event::GeneralRef(e) => Token::Text(resolve(&e)?.to_string()),
                Event::DocType(_) => return Err(bad("a document type is not accepted")),
                Event::Eof => Token::End,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            });
        }
    }

    fn expect_root(&mut self, want: &str) -> Result<(), Malformed> {
        loop {
            match self.token()? {
                Token::Open(name) if name == want => return Ok(()),
                Token::Open(name) => return Err(unexpected(&name)),
                Token::Text(text) if is_blank(&text) => {}
                _ => return Err(bad(format!("no <{want}>"))),
            }
        }
    }

    fn expect_end(&mut self) -> Result<(), Malformed> {
        loop {
            match self.token()? {
                Token::End => return Ok(()),
                Token::Text(text) if is_blank(&text) => {}
                _ => return Err(bad("something after the end")),
            }
        }
    }

    /// The name of the next child element, or `None` at the end of the parent.
    fn child(&mut self) -> Result<Option<String>, Malformed> {
        loop {
            match self.token()? {
                Token::Open(name) => return Ok(Some(name)),
                Token::Close => return Ok(None),
                Token::Text(text) if is_blank(&text) => {}
                Token::Text(_) => return Err(bad("text between elements")),
                Token::End => return Err(bad("it ends in the middle")),
            }
        }
    }

    /// All text up to the end of the element; no children.
    fn text(&mut self) -> Result<String, Malformed> {
        let mut text = String::new();
        loop {
            match self.token()? {
                Token::Text(part) => text.push_str(&part),
                Token::Close => return Ok(text),
                Token::Open(name) => return Err(unexpected(&name)),
                Token::End => return Err(bad("it ends in the middle")),
            }
        }
    }

    fn params(&mut self) -> Result<Vec<Value>, Malformed> {
        let mut params = Vec::new();
        while let Some(name) = self.child()? {
            if name != "param" {
                return Err(unexpected(&name));
            }
            params.push(self.only_value()?);
        }
        Ok(params)
    }

    fn fault(&mut self) -> Result<Response, Malformed> {
        let value = self.only_value()?;
        let code = value.get("faultCode").and_then(Value::as_int);
        let text = value.get("faultString").and_then(Value::as_str);
        match (code, text) {
            (Some(code), Some(text)) => Ok(Response::Fault { code, text: text.to_owned() }),
            _ => Err(bad("a fault without code or text")),
        }
    }

    /// A parent whose only child is a `<value>`.
    fn only_value(&mut self) -> Result<Value, Malformed> {
        let Some(name) = self.child()? else { return Err(bad("no value")) };
        if name != "value" {
            return Err(unexpected(&name));
        }
        let value = self.value()?;
        match self.child()? {
            None => Ok(value),
            Some(name) => Err(unexpected(&name)),
        }
    }

    /// The inside of `<value>`: one typed element, or bare text, which is a string.
    fn value(&mut self) -> Result<Value, Malformed> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(bad("nested too deep"));
        }
        let mut text = String::new();
        let mut typed = None;
        loop {
            match self.token()? {
                Token::Text(part) => text.push_str(&part),
                Token::Open(name) if typed.is_none() => typed = Some(self.typed(&name)?),
                Token::Open(name) => return Err(unexpected(&name)),
                Token::Close => break,
                Token::End => return Err(bad("it ends in the middle")),
            }
        }
        self.depth -= 1;
        Ok(typed.unwrap_or(Value::Text(text)))
    }

    fn typed(&mut self, name: &str) -> Result<Value, Malformed> {
        match name {
            "array" => self.array(),
            "struct" => self.structure(),
            "int" | "i4" | "i8" => {
                let text = self.text()?;
                text.trim()
                    .parse()
                    .map(Value::Int)
                    .map_err(|_| bad(format!("`{}` is no number", text.trim())))
            }
            // COMPAT: `1` is true, anything else is not.
            "boolean" => Ok(Value::Bool(self.text()? == "1")),
            "string" => Ok(Value::Text(self.text()?)),
            "double" => {
                let text = self.text()?;
                text.trim()
                    .parse()
                    .map(Value::Double)
                    .map_err(|_| bad(format!("`{}` is no number", text.trim())))
            }
            "dateTime.iso8601" => self.text().map(Value::Time),
            "base64" => decode_base64(&self.text()?).map(Value::Text),
            _ => self.unknown(),
        }
    }

    fn array(&mut self) -> Result<Value, Malformed> {
        let mut values = Vec::new();
        match self.child()? {
            Some(name) if name == "data" => {
                while let Some(name) = self.child()? {
                    if name != "value" {
                        return Err(unexpected(&name));
                    }
                    values.push(self.value()?);
                }
            }
            Some(name) => return Err(unexpected(&name)),
            None => return Err(bad("an array without data")),
        }
        match self.child()? {
            None => Ok(Value::Array(values)),
            Some(name) => Err(unexpected(&name)),
        }
    }

    fn structure(&mut self) -> Result<Value, Malformed> {
        let mut members = Vec::new();
        while let Some(name) = self.child()? {
            if name != "member" {
                return Err(unexpected(&name));
            }
            if self.child()?.as_deref() != Some("name") {
                return Err(bad("a member without a name"));
            }
            let key = self.text()?;
            members.push((key, self.only_value()?));
        }
        Ok(Value::Struct(members))
    }

    /// COMPAT: an element of another type counts as nothing, with all that is in it.
    fn unknown(&mut self) -> Result<Value, Malformed> {
        let mut open = 1usize;
        while open > 0 {
            match self.token()? {
                Token::Open(_) => open += 1,
                Token::Close => open -= 1,
                Token::Text(_) => {}
                Token::End => return Err(bad("it ends in the middle")),
            }
        }
        Ok(Value::Nil)
    }
}

fn name_of(name: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(name.as_ref()).into_owned()
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, Malformed> {
    let name: &str = reference;
    let known = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => reference.resolve_char_ref().ok().flatten().filter(|c| is_xml_char(*c)),
    };
    known.ok_or_else(|| bad(format!("unknown entity `{name}`")))
}

fn decode_base64(text: &str) -> Result<String, Malformed> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let packed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| bad("broken base64"))?;
    String::from_utf8(bytes).map_err(|_| bad("base64 of something that is not UTF-8"))
}
