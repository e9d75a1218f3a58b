use super::*;
use crate::gateway::rpc::value::Value;

fn round_trip(value: &Value) -> Value {
    match read_response(&response(value)) {
        Ok(Response::Value(value)) => value,
        other => panic!("{other:?}"),
    }
}

fn one_param(inside: &str) -> Result<Value, Malformed> {
    let text = format!(
        "<methodCall><methodName>m</methodName><params><param>{inside}</param></params></methodCall>"
    );
    read_call(&text).map(|call| call.params.into_iter().next().expect("a parameter"))
}

#[test]
fn the_layout_is_pythons() {
    let value = Value::Struct(vec![
        ("a".to_owned(), Value::Int(1)),
        ("b".to_owned(), Value::Array(vec![Value::text("<&>\"'é"), Value::Bool(true), Value::Double(1.0)])),
    ]);
    assert_eq!(
        response(&value),
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n<member>\n<name>a</name>\n\
         <value><int>1</int></value>\n</member>\n<member>\n<name>b</name>\n<value><array><data>\n\
         <value><string>&lt;&amp;&gt;\"'é</string></value>\n<value><boolean>1</boolean></value>\n\
         <value><double>1.0</double></value>\n</data></array></value>\n</member>\n</struct></value>\n</param>\n\
         </params>\n</methodResponse>\n"
    );
    assert_eq!(
        fault(10, "BAD_NAME: x"),
        "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n\
         <value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n\
         <value><string>BAD_NAME: x</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n"
    );
    assert_eq!(
        call("a.b", &[Value::text("x")]),
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>a.b</methodName>\n<params>\n<param>\n\
         <value><string>x</string></value>\n</param>\n</params>\n</methodCall>\n"
    );
}

#[test]
fn what_is_written_is_read_back() {
    let value = Value::Struct(vec![
        ("".to_owned(), Value::Int(-5)),
        ("<t>&".to_owned(), Value::text(" a\r\n\tb ]]> &amp; ")),
        ("d".to_owned(), Value::Double(-0.25)),
        ("e".to_owned(), Value::Array(vec![])),
        ("s".to_owned(), Value::Struct(vec![])),
        ("n".to_owned(), Value::Nil),
        ("t".to_owned(), Value::Time("20261120T10:08:35".to_owned())),
    ]);
    assert_eq!(round_trip(&value), value);
    let call_text = call("m", std::slice::from_ref(&value));
    assert_eq!(read_call(&call_text), Ok(Call { method: "m".to_owned(), params: vec![value] }));
    let read = read_response(&fault(92, "CANT_REREAD: \u{1b}"));
    assert_eq!(read, Ok(Response::Fault { code: 92, text: "CANT_REREAD: \u{fffd}".to_owned() }));
}

#[test]
fn characters_that_xml_does_not_have_are_replaced() {
    let nasty: String = (0..32u8).map(char::from).chain(['\u{fffe}', '\u{ffff}', '\u{7f}']).collect();
    let Value::Text(back) = round_trip(&Value::Text(nasty.clone())) else { panic!("text") };
    assert_eq!(back.chars().count(), nasty.chars().count());
    let kept: String = back.chars().filter(|c| *c != '\u{fffd}').collect();
    assert_eq!(kept, "\t\n\r\u{7f}");
}

#[test]
fn numbers_that_xml_rpc_does_not_have_are_clamped() {
    assert_eq!(round_trip(&Value::Int(i64::MAX)), Value::Int(2_147_483_647));
    assert_eq!(round_trip(&Value::Int(i64::MIN)), Value::Int(-2_147_483_648));
}

#[test]
fn values_are_read_as_leniently_as_supervisor_reads_them() {
    for (inside, want) in [
        ("<value>bare &lt;text&gt; &#65;&#x42;</value>", Value::text("bare <text> AB")),
        ("<value/>", Value::text("")),
        ("<value></value>", Value::text("")),
        ("<value> <string> x </string> </value>", Value::text(" x ")),
        ("<value><string/></value>", Value::text("")),
        ("<value><string><![CDATA[<a>&b;]]></string></value>", Value::text("<a>&b;")),
        ("<value><string>a<!-- no -->b</string></value>", Value::text("ab")),
        ("<value><int> 42 </int></value>", Value::Int(42)),
        ("<value><i4>-1</i4></value>", Value::Int(-1)),
        ("<value><boolean>1</boolean></value>", Value::Bool(true)),
        ("<value><boolean>true</boolean></value>", Value::Bool(false)),
        ("<value><double>1e3</double></value>", Value::Double(1000.0)),
        ("<value><base64>w6kg\nYQ==</base64></value>", Value::text("é a")),
        ("<value><nil/></value>", Value::Nil),
        ("<value><foo><bar>x</bar></foo></value>", Value::Nil),
        ("<value><array><data/></array></value>", Value::Array(vec![])),
    ] {
        assert_eq!(one_param(inside), Ok(want), "{inside}");
    }
}

#[test]
fn parameters_and_method_names_may_be_missing() {
    let bare = Call { method: "m".to_owned(), params: vec![] };
    assert_eq!(read_call("<methodCall><methodName>m</methodName></methodCall>"), Ok(bare));
    assert_eq!(read_call("<?xml version='1.0'?>\n<methodCall/>\n").map(|c| c.method), Ok(String::new()));
}

#[test]
fn malformed_documents_are_refused() {
    for text in [
        "",
        "hello",
        "<methodCall>",
        "<methodCall><methodName>m</methodName>",
        "<methodCall><methodName>m</methodName></methodCal>",
        "<methodCall><methodName>m</methodName></methodCall><x/>",
        "<methodCall><methodName>m</methodName></methodCall>x",
        "<other/>",
        "<methodCall>text</methodCall>",
        "<methodCall><methodName><b>m</b></methodName></methodCall>",
        "<methodResponse></methodResponse>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><methodCall><methodName>&x;</methodName></methodCall>",
    ] {
        assert!(read_call(text).is_err(), "{text}");
    }
    for inside in [
        "<value>&nosuch;</value>",
        "<value>&#0;</value>",
        "<value>&#27;</value>",
        "<value>a & b</value>",
        "<value><int>x</int></value>",
        "<value><int></int></value>",
        "<value><int>1</int><int>2</int></value>",
        "<value><base64>?</base64></value>",
        "<value><array></array></value>",
        "<value><struct><member><value/></member></struct></value>",
        "<string>x</string>",
    ] {
        assert!(one_param(inside).is_err(), "{inside}");
    }
}

#[test]
fn deep_nesting_is_refused_before_the_stack_ends() {
    let nested = |n: usize| {
        format!("{}<value>x</value>{}", "<value><array><data>".repeat(n), "</data></array></value>".repeat(n))
    };
    assert!(one_param(&nested(read::MAX_DEPTH - 1)).is_ok());
    assert!(one_param(&nested(read::MAX_DEPTH)).is_err());
    assert!(one_param(&nested(20_000)).is_err());
    let unknown = format!("<value>{}{}</value>", "<a>".repeat(20_000), "</a>".repeat(20_000));
    assert_eq!(one_param(&unknown), Ok(Value::Nil));
}

/// A generator of our own, so that a failure can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }

    fn text(&mut self) -> String {
        let alphabet =
            ['a', '<', '>', '&', ';', '"', '\'', ' ', '\n', '\r', '\t', 'é', '\u{1f600}', ']', '#'];
        (0..self.roll(8)).map(|_| alphabet[self.roll(alphabet.len())]).collect()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.roll(if depth == 0 { 5 } else { 7 }) {
            0 => Value::Int(i64::try_from(self.roll(1 << 31)).expect("small") - (1 << 30)),
            1 => Value::Bool(self.roll(2) == 0),
            2 => Value::Double(f64::from(u32::try_from(self.roll(1000)).expect("small")) / 8.0),
            3 => Value::Nil,
            4 => Value::Text(self.text()),
            5 => Value::Array((0..self.roll(4)).map(|_| self.value(depth - 1)).collect()),
            _ => Value::Struct((0..self.roll(4)).map(|_| (self.text(), self.value(depth - 1))).collect()),
        }
    }
}

#[test]
fn random_values_come_back_as_they_were() {
    for seed in 0..2000 {
        let value = Dice(seed).value(4);
        assert_eq!(round_trip(&value), value, "seed {seed}");
    }
}

#[test]
fn damaged_documents_are_read_or_refused_but_never_panic() {
    for seed in 0..2000 {
        let mut dice = Dice(seed);
        let value = dice.value(4);
        let mut text: Vec<char> = call("a.b", &[value]).chars().collect();
        for _ in 0..=dice.roll(4) {
            let at = dice.roll(text.len());
            match dice.roll(3) {
                0 => text.truncate(at.max(1)),
                1 => text[at] = ['<', '>', '&', '/', 'x', '!'][dice.roll(6)],
                _ => text.insert(at, ['<', '>', '&', ';', '-', '['][dice.roll(6)]),
            }
        }
        let text: String = text.into_iter().collect();
        if let Ok(read) = read_call(&text) {
            let again = read_call(&call(&read.method, &read.params)).expect("what we write");
            assert_eq!(again.params.len(), read.params.len(), "seed {seed}");
        }
    }
}

#[test]
fn numbers_of_every_length_and_sign_are_written() {
    for n in [0, 1, -1, 9, 10, -10, 12_345, i64::from(i32::MAX), i64::from(i32::MIN), i64::MAX, i64::MIN] {
        let want = n.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
        assert!(response(&Value::Int(n)).contains(&format!("<int>{want}</int>")), "{n}");
    }
}

#[test]
fn text_is_escaped_wherever_in_it_the_first_strange_character_stands() {
    for (text, want) in [
        ("plain", "plain"),
        ("a<b>&c", "a&lt;b&gt;&amp;c"),
        ("<", "&lt;"),
        ("é<", "é&lt;"),
        ("a\tb\n", "a\tb\n"),
        ("a\rb", "a&#13;b"),
        ("a\u{1}b~", "a\u{fffd}b~"),
    ] {
        assert!(response(&Value::text(text)).contains(&format!("<string>{want}</string>")), "{text:?}");
    }
}
