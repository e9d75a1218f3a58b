//! XML-RPC: what we write we read back, and what we can read of others we can write again.

use super::{Target, ensure};
use crate::bytes::Bytes;
use crate::mutate;
use crate::rng::Rng;
use mainstay::gateway::rpc::namespec;
use mainstay::gateway::rpc::value::Value;
use mainstay::gateway::rpc::xml::{Response, call, fault, read_call, read_response, response};

/// The reader refuses values that are nested deeper.
const MAX_DEPTH: usize = 32;

/// First byte of an input: a text as it is, or decisions for a value.
const TEXT: u8 = b'<';

pub(super) struct Xmlrpc {
    seeds: Vec<Vec<u8>>,
    words: Vec<String>,
}

impl Xmlrpc {
    pub(super) fn new() -> Xmlrpc {
        Xmlrpc {
            seeds: SEEDS.map(|s| s.as_bytes().to_vec()).to_vec(),
            words: WORDS.map(str::to_owned).to_vec(),
        }
    }
}

const SEEDS: [&str; 4] = [
    "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.startProcess</methodName>\n<params>\n<param>\n\
     <value><string>web:api</string></value>\n</param>\n<param><value><boolean>1</boolean></value></param>\n</params>\n\
     </methodCall>\n",
    "<methodCall><methodName>system.multicall</methodName><params><param><value><array><data><value><struct><member>\
     <name>methodName</name><value>supervisor.getState</value></member><member><name>params</name><value><array><data>\
     <value><i4>7</i4></value></data></array></value></member></struct></value></data></array></value></param></params>\
     </methodCall>",
    "<?xml version=\"1.0\"?><methodResponse><fault><value><struct><member><name>faultCode</name><value><int>10</int>\
     </value></member><member><name>faultString</name><value><string>BAD_NAME: x</string></value></member></struct>\
     </value></fault></methodResponse>",
    "<methodResponse><params><param><value><double>1.5</double></value></param></params></methodResponse>",
];

const WORDS: [&str; 40] = [
    "<value>",
    "</value>",
    "<value/>",
    "<string>",
    "</string>",
    "<string/>",
    "<int>1</int>",
    "<i8>-9223372036854775808</i8>",
    "<int>4294967296</int>",
    "<double>1e309</double>",
    "<double>nan</double>",
    "<boolean>true</boolean>",
    "<nil/>",
    "<base64>d2Vi</base64>",
    "<base64>_</base64>",
    "<base64>/w==</base64>",
    "<dateTime.iso8601>x</dateTime.iso8601>",
    "<array><data>",
    "</data></array>",
    "<struct>",
    "</struct>",
    "<member><name>a</name>",
    "</member>",
    "<!-- c -->",
    "<![CDATA[ <x> ]]>",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "&b;",
    "&lt;",
    "&#0;",
    "&#x41;",
    "&#1114112;",
    "<?pi x?>",
    "<x><y/></x>",
    "<params>",
    "</params>",
    "<param>",
    "</param>",
    "<a:value>",
    "<value xmlns='x'>",
    "</methodCall>",
];

impl Target for Xmlrpc {
    fn name(&self) -> &'static str {
        "xmlrpc"
    }

    fn quick_cases(&self) -> u64 {
        3_000
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        if rng.percent(3) {
            let times = rng.below(mutate::MAX_BYTES / 8);
            let inner =
                rng.pick(&["<value>", "<x>", "<value><array><data>", "<!--", "&amp;", "<value/>", "&#"]);
            return format!("<methodCall><params><param>{}", inner.repeat(times)).into_bytes();
        }
        if rng.percent(25) {
            return mutate::mutant(rng, &self.seeds, &self.words);
        }
        let n = rng.below(300);
        if rng.percent(40) {
            let decisions = rng.bytes(n);
            let mut bytes = Bytes::new(&decisions);
            let params: Vec<Value> = (0..3).map(|_| value(&mut bytes, MAX_DEPTH)).collect();
            let seed = call(&bytes.text(), &params).into_bytes();
            return mutate::mutant(rng, &[seed], &self.words);
        }
        let mut bytes = rng.bytes(n);
        bytes.insert(0, 0);
        bytes
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        match input.split_first() {
            Some((first, decisions)) if *first != TEXT => {
                // Also what only looks like decisions is read as a text.
                foreign(input)?;
                own(&mut Bytes::new(decisions))?;
                Ok(false)
            }
            _ => foreign(input),
        }
    }
}

/// A text of somebody else; whether it could be read.
fn foreign(input: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(input);
    let call = read_call(&text);
    if let Ok(read) = &call {
        let want: Vec<Value> = read.params.iter().map(as_sent).collect();
        is_read_back(&read.method, &read.params, &want)?;
        let (group, name) = namespec::split(&read.method);
        let joined = name.map_or(group.to_owned(), |name| namespec::join(group, name));
        // Nothing to compare with, as `a` and `a:a` are one; but it has to be stable.
        let again = namespec::split(&joined);
        ensure(again.0 == group, || format!("a namespec changes: {:?} to {again:?}", read.method))?;
    }
    match read_response(&text) {
        Ok(Response::Value(value)) => is_answered(&value)?,
        Ok(Response::Fault { code, text }) => is_fault(i32::try_from(code).unwrap_or(i32::MAX), &text)?,
        Err(_) => return Ok(call.is_ok()),
    }
    Ok(true)
}

/// Values of ours.
fn own(bytes: &mut Bytes<'_>) -> Result<(), String> {
    let method = bytes.text();
    let params: Vec<Value> = (0..bytes.below(4)).map(|_| value(bytes, MAX_DEPTH)).collect();
    let want: Vec<Value> = params.iter().map(as_sent).collect();
    is_read_back(&method, &params, &want)?;
    params.iter().try_for_each(is_answered)?;
    is_fault(i32::from(bytes.byte()) - 100, &bytes.text())
}

fn is_read_back(method: &str, params: &[Value], want: &[Value]) -> Result<(), String> {
    let text = call(method, params);
    let read = read_call(&text).map_err(|e| format!("our own call is refused: {e} in {text:?}"))?;
    let is_same = read.method == sent_text(method) && same_all(&read.params, want);
    ensure(is_same, || format!("another call comes back: {read:?}, not {method:?} {want:?}"))
}

fn is_answered(value: &Value) -> Result<(), String> {
    let text = response(value);
    match read_response(&text) {
        Ok(Response::Value(read)) if same(&read, &as_sent(value)) => Ok(()),
        other => Err(format!("another answer comes back: {other:?}, not {value:?}")),
    }
}

fn is_fault(code: i32, words: &str) -> Result<(), String> {
    let want = Response::Fault { code: i64::from(code), text: sent_text(words) };
    let read = read_response(&fault(code, words));
    ensure(read.as_ref() == Ok(&want), || format!("another fault comes back: {read:?}, not {want:?}"))
}

/// What the wire keeps of a value: numbers of 32 bits, and the characters of XML.
fn as_sent(value: &Value) -> Value {
    match value {
        Value::Int(n) => Value::Int((*n).clamp(i64::from(i32::MIN), i64::from(i32::MAX))),
        Value::Text(text) => Value::Text(sent_text(text)),
        Value::Time(text) => Value::Time(sent_text(text)),
        Value::Array(values) => Value::Array(values.iter().map(as_sent).collect()),
        Value::Struct(members) => {
            Value::Struct(members.iter().map(|(name, v)| (sent_text(name), as_sent(v))).collect())
        }
        Value::Fields(members) => {
            Value::Struct(members.iter().map(|(name, v)| (sent_text(name), as_sent(v))).collect())
        }
        Value::Bool(_) | Value::Double(_) | Value::Nil => value.clone(),
    }
}

fn sent_text(text: &str) -> String {
    let is_kept = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if is_kept(c) { c } else { '\u{fffd}' }).collect()
}

/// Equal, where a number that is none equals itself.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a == b || (a.is_nan() && b.is_nan()),
        (Value::Array(a), Value::Array(b)) => same_all(a, b),
        (Value::Struct(a), Value::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((n, v), (m, w))| n == m && same(v, w))
        }
        _ => a == b,
    }
}

fn same_all(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(v, w)| same(v, w))
}

fn value(bytes: &mut Bytes<'_>, depth: usize) -> Value {
    let n = if depth > 1 && !bytes.is_empty() { bytes.below(4) } else { 0 };
    match bytes.below(9) {
        0 => Value::Int(i64::from_le_bytes(bytes.u64().to_le_bytes())),
        1 => Value::Int(i64::from(bytes.byte()) - 99),
        2 => Value::Bool(bytes.bool()),
        3 => Value::Double(f64::from_bits(bytes.u64())),
        4 => Value::Time(bytes.text()),
        5 => Value::Nil,
        6 => Value::Array((0..n).map(|_| value(bytes, depth - 1)).collect()),
        7 => Value::Struct((0..n).map(|_| (bytes.text(), value(bytes, depth - 1))).collect()),
        _ => Value::Text(bytes.text()),
    }
}
