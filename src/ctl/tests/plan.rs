//! `plan` and `update`, where the server knows them and where it does not.

use super::*;

fn setting(name: &str, from: &str, to: &str) -> Value {
    structure(&[("setting", Value::text(name)), ("from", Value::text(from)), ("to", Value::text(to))])
}

fn step(action: &str, group: &str, name: &str, settings: Vec<Value>) -> Value {
    structure(&[
        ("action", Value::text(action)),
        ("group", Value::text(group)),
        ("name", Value::text(name)),
        ("settings", Value::Array(settings)),
    ])
}

fn changed(by_program: bool) -> Value {
    structure(&[
        ("by_program", Value::Bool(by_program)),
        (
            "steps",
            Value::Array(vec![
                step("remove", "old", "old", vec![]),
                step("restart", "g", "a", vec![setting("command", "x", "y"), setting("user", "0", "none")]),
                step("apply", "b", "b", vec![setting("priority", "1", "2")]),
            ]),
        ),
        ("reload", Value::Array(vec![setting("loglevel", "info", "debug")])),
    ])
}

#[test]
fn a_plan_has_a_line_for_each_setting() {
    let want = "remove   old\n\
                restart  g:a           command: x -> y\n                       user: 0 -> none\n\
                apply    b             priority: 1 -> 2\n\
                reload   [supervisor]  loglevel: info -> debug\n";
    assert_eq!(told("plan", |_, _| Ok(changed(true))), (0, want.to_owned()));
    let nothing = structure(&[("by_program", Value::Bool(true))]);
    assert_eq!(told("plan", |_, _| Ok(nothing.clone())), (0, "No config updates to processes\n".to_owned()));
}

#[test]
fn a_value_with_a_newline_stays_in_its_line() {
    let settings =
        vec![setting("environment", "A=\"x\ny\"", "A=\"\tä\\n\u{7f}\""), setting("user", "0", "1")];
    let plan = structure(&[("steps", Value::Array(vec![step("restart", "a", "a", settings)]))]);
    let want = "restart  a  environment: A=\"x\\ny\" -> A=\"\\tä\\n\\u{7f}\"\n            user: 0 -> 1\n";
    assert_eq!(told("plan", |_, _| Ok(plan.clone())), (0, want.to_owned()));
}

#[test]
fn a_plan_that_cannot_be_made_says_why() {
    let unknown = |_: &str, _: &[Value]| fault(1, "UNKNOWN_METHOD");
    let (code, out) = told("plan", unknown);
    assert_eq!((code, out.as_str()), (1, "error: this server cannot say what an update would change\n"));
    let (code, out) = told("plan zzz", |_, _| fault(10, "BAD_NAME: zzz"));
    assert_eq!((code, out.as_str()), (1, "ERROR: no such group: zzz\n"));
    let (code, out) = told("plan", |_, _| fault(92, "CANT_REREAD: f:1:1: bad\nf:2:1: worse"));
    assert_eq!((code, out.as_str()), (1, "ERROR: CANT_REREAD: f:1:1: bad\nf:2:1: worse\n"));
}

#[test]
fn an_update_is_the_servers_where_it_can_do_it() {
    let (code, out, calls) = run_line("update all", "", |_, _| Ok(changed(true)));
    assert_eq!((code, calls), (0, vec!["mainstay.update()".to_owned()]));
    assert_eq!(out, "old: removed\ng:a: restarted (command, user)\nb: applied (priority)\n");
}

#[test]
fn an_update_goes_group_by_group_where_the_server_cannot_do_it() {
    let answer = |method: &str, _: &[Value]| match method {
        "mainstay.update" => fault(1, "UNKNOWN_METHOD"),
        "reloadConfig" => {
            let names = |names: &[&str]| Value::Array(names.iter().map(|n| Value::text(*n)).collect());
            Ok(Value::Array(vec![Value::Array(vec![names(&["new"]), names(&[]), names(&[])])]))
        }
        _ => Ok(Value::Bool(true)),
    };
    let (code, out, calls) = run_line("update", "", answer);
    assert_eq!((code, out.as_str()), (0, "new: added process group\n"));
    assert_eq!(calls, ["mainstay.update()", "reloadConfig()", "addProcessGroup(new)"]);
}
