//! `--json`: every answer as one value, and nothing else on stdout.

use super::*;

#[test]
fn status_as_json_is_one_array() {
    let (code, out) = told("status a multi:multi_01 --json", three);
    let json: serde_json::Value = serde_json::from_str(&out).expect("json");
    assert_eq!(code, 3);
    assert_eq!(json[0]["name"], "a");
    assert_eq!(json[0]["pid"], 7);
    assert_eq!(json[1]["statename"], "FATAL");
    assert_eq!(json.as_array().map(Vec::len), Some(2));
}

/// The JSON of a line with `--json`, and its code.
fn json_of(
    line: &str,
    answer: impl Fn(&str, &[Value]) -> Result<Value, ClientError>,
) -> (u8, serde_json::Value) {
    let (code, out) = told(&format!("{line} --json"), answer);
    (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{line}: {e}: {out}")))
}

/// Answers to one of each kind.
fn everything(method: &str, params: &[Value]) -> Result<Value, ClientError> {
    match method {
        "startProcess" | "removeProcessGroup" if params[0].as_str() == Some("bad") => {
            fault(10, "BAD_NAME: bad")
        }
        "stopProcessGroup" => {
            Ok(Value::Array(vec![status("g", "x", 80, "OK"), status("g", "y", 70, "NOT_RUNNING")]))
        }
        "mainstay.update" => fault(1, "UNKNOWN_METHOD"),
        "reloadConfig" => {
            let list = |names: &[&str]| Value::Array(names.iter().map(|n| Value::text(*n)).collect());
            Ok(Value::Array(vec![Value::Array(vec![list(&["new"]), list(&["a"]), list(&["gone"])])]))
        }
        "getAllConfigInfo" => {
            Ok(Value::Array(vec![structure(&[("name", Value::text("a")), ("inuse", Value::Bool(true))])]))
        }
        "readProcessStdoutLog" => Ok(Value::text("one\ntwo\n")),
        _ => three(method, params),
    }
}

#[test]
fn every_answer_can_be_had_as_json() {
    for (line, code, want) in [
        ("pid", 0, r#"[{"name":"supervisord","pid":1}]"#),
        (
            "pid a nosuch",
            1,
            r#"[{"name":"a","pid":7},{"error":"no such process","fault":10,"name":"nosuch"}]"#,
        ),
        ("version", 0, r#"{"version":"4.3.0"}"#),
        ("avail", 0, r#"[{"name":"a","inuse":true}]"#),
        (
            "start a bad",
            1,
            r#"[{"action":"start","group":"a","name":"a","result":"started"},
                {"action":"start","group":"bad","name":"bad","fault":10,"error":"no such process"}]"#,
        ),
        (
            "stop g:*",
            0,
            r#"[{"action":"stop","group":"g","name":"x","result":"stopped"},
                {"action":"stop","group":"g","name":"y","fault":70,"error":"not running"}]"#,
        ),
        (
            "stop nosuch:*",
            0,
            r#"[{"action":"stop","group":"g","name":"x","result":"stopped"},
                {"action":"stop","group":"g","name":"y","fault":70,"error":"not running"}]"#,
        ),
        (
            "reread",
            0,
            r#"[{"group":"a","result":"changed"},{"group":"gone","result":"disappeared"},{"group":"new","result":"available"}]"#,
        ),
        (
            "update",
            0,
            r#"[{"group":"gone","result":"stopped"},{"group":"gone","result":"removed"},{"group":"a","result":"stopped"},
                {"group":"a","result":"updated"},{"group":"new","result":"added"}]"#,
        ),
        (
            "remove a bad",
            1,
            r#"[{"group":"a","result":"removed"},{"group":"bad","fault":10,"error":"no such process/group: bad"}]"#,
        ),
        ("add", 0, "[]"),
        ("tail a", 0, r#"{"name":"a","text":"one\ntwo\n"}"#),
        ("shutdown", 0, r#"{"result":"Shut down"}"#),
        ("reload", 0, r#"{"result":"Restarted supervisord"}"#),
    ] {
        let want: serde_json::Value = serde_json::from_str(want).expect("json");
        assert_eq!(json_of(line, everything), (code, want), "{line}");
    }
    // What failed as a whole is told on stderr, and stdout stays empty.
    assert_eq!(told("start --json", three), (2, String::new()));
    assert_eq!(told("nosuch --json", three), (1, String::new()));
}

#[test]
fn a_group_that_does_not_exist_is_an_item_of_the_json() {
    let (code, json) = json_of("start nosuch:*", |method, params| match method {
        "startProcessGroup" => fault(10, "BAD_NAME: nosuch"),
        _ => three(method, params),
    });
    assert_eq!((code, json[0]["group"].as_str(), json[0]["fault"].as_i64()), (2, Some("nosuch"), Some(10)));
}
