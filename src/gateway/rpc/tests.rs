use super::value::Value;
use super::xml::{self, Response};
use crate::control::{
    Command, Fault, FaultCode, ListenerKind, Outcome, Reply, Request as Question, Snapshot, State, Target,
    TargetResult,
};
use crate::gateway::Site;
use crate::gateway::http::Request;
use crate::gateway::testing::{FakeCore, process, snapshot, willing_core};
use crate::types::Signal;
use tiny_http::{HTTPVersion, Method};

fn post(site: &Site, body: &str) -> (u16, String) {
    let request = Request {
        method: Method::Post,
        target: "/RPC2".to_owned(),
        version: HTTPVersion(1, 1),
        headers: vec![],
        body: body.as_bytes().to_vec(),
    };
    let answer = super::answer(site, &request, &|| true).expect("an answer");
    (answer.status, String::from_utf8(answer.body).expect("text"))
}

fn call(core: &FakeCore, method: &str, params: &[Value]) -> Result<Value, (i64, String)> {
    let site = core.site(ListenerKind::Control, None);
    let (status, body) = post(&site, &xml::call(method, params));
    assert_eq!(status, 200);
    match xml::read_response(&body).expect("well-formed") {
        Response::Value(value) => Ok(value),
        Response::Fault { code, text } => Err((code, text)),
    }
}

fn t(text: &str) -> Value {
    Value::text(text)
}

fn fault(code: i64, text: &str) -> Result<Value, (i64, String)> {
    Err((code, text.to_owned()))
}

fn two() -> Snapshot {
    snapshot(vec![
        process("multi", "multi_00", State::Running),
        process("multi", "multi_01", State::Stopped),
        process("web", "web", State::Running),
    ])
}

fn core_that_says(outcome: Outcome) -> FakeCore {
    FakeCore::start(move |request| {
        Some(match request {
            Question::Identity => Reply::Identity(two().identity),
            Question::Snapshot { .. } => Reply::Snapshot(Box::new(two())),
            _ => Reply::Command(outcome.clone()),
        })
    })
}

#[test]
fn what_cannot_be_read_is_a_bad_request() {
    let core = willing_core(two());
    let site = core.site(ListenerKind::Control, None);
    for body in ["", "no xml", "<methodCall/>", "<methodCall><methodName/></methodCall>", "<a>&x;</a>"] {
        assert_eq!(post(&site, body).0, 400, "{body}");
    }
}

#[test]
fn the_daemon_says_who_it_is() {
    let core = willing_core(two());
    for (method, want) in [
        ("supervisor.getAPIVersion", t("3.0")),
        ("supervisor.getVersion", t("3.0")),
        ("supervisor.getSupervisorVersion", t("4.3.0")),
        ("supervisor.getIdentification", t("supervisor")),
        ("supervisor.getPID", Value::Int(1)),
    ] {
        assert_eq!(call(&core, method, &[]), Ok(want), "{method}");
    }
    let state = call(&core, "supervisor.getState", &[]).expect("a state");
    assert_eq!(state.get("statecode"), Some(&Value::Int(1)));
    assert_eq!(state.get("statename"), Some(&t("RUNNING")));
}

#[test]
fn nothing_outside_the_table_can_be_called() {
    let core = willing_core(two());
    for method in [
        "getState",
        "supervisor.nosuch",
        "supervisor._update",
        "supervisor.supervisord.options",
        "system",
        "supervisor.",
        ".",
        "supervisor.readLogs",
    ] {
        assert_eq!(call(&core, method, &[]), fault(1, "UNKNOWN_METHOD"), "{method}");
    }
}

#[test]
fn a_wrong_number_of_arguments_is_fault_two() {
    let core = willing_core(two());
    for (method, params) in [
        ("supervisor.getState", vec![t("x")]),
        ("supervisor.startProcess", vec![]),
        ("supervisor.startProcess", vec![t("a"), Value::Bool(true), t("b")]),
        ("supervisor.startProcess", vec![Value::Int(5)]),
        ("supervisor.signalProcess", vec![t("a")]),
        ("system.multicall", vec![t("a")]),
    ] {
        assert_eq!(call(&core, method, &params), fault(2, "INCORRECT_PARAMETERS"), "{method}");
    }
    assert_eq!(core.commands(), vec![]);
}

#[test]
fn a_process_is_shown_with_its_fourteen_members() {
    let core = willing_core(two());
    let info = call(&core, "supervisor.getProcessInfo", &[t("web")]).expect("info");
    let Value::Struct(members) = &info else { panic!("{info:?}") };
    let names: Vec<_> = members.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(
        names,
        [
            "name",
            "group",
            "start",
            "stop",
            "now",
            "state",
            "statename",
            "spawnerr",
            "exitstatus",
            "logfile",
            "stdout_logfile",
            "stderr_logfile",
            "pid",
            "description"
        ]
    );
    for (name, want) in [
        ("start", Value::Int(1_700_000_000)),
        ("stop", Value::Int(0)),
        ("now", Value::Int(1_700_000_005)),
        ("state", Value::Int(20)),
        ("statename", t("RUNNING")),
        ("pid", Value::Int(100)),
        ("logfile", t("/var/log/out")),
        ("description", t("pid 100, uptime 0:00:05")),
    ] {
        assert_eq!(info.get(name), Some(&want), "{name}");
    }
    let all = call(&core, "supervisor.getAllProcessInfo", &[]).expect("all");
    assert_eq!(all.as_array().map(<[Value]>::len), Some(3));
}

#[test]
fn names_of_groups_and_of_nothing_are_bad_names() {
    let core = willing_core(two());
    for name in ["nosuch", "multi", "multi:*", "multi:", "multi:nosuch", ""] {
        let want = fault(10, &format!("BAD_NAME: {name}"));
        assert_eq!(call(&core, "supervisor.getProcessInfo", &[t(name)]), want);
    }
    assert!(call(&core, "supervisor.getProcessInfo", &[t("web:web")]).is_ok());
}

#[test]
fn commands_reach_the_core_with_target_and_wait() {
    let one = || Target::Process { group: "web".to_owned(), name: "web".to_owned() };
    let group = || Target::Group("multi".to_owned());
    let cases: Vec<(&str, Vec<Value>, Command)> = vec![
        ("startProcess", vec![t("web")], Command::Start { target: one(), wait: true }),
        (
            "startProcess",
            vec![t("web:web"), Value::Bool(false)],
            Command::Start { target: one(), wait: false },
        ),
        ("startProcess", vec![t("multi:*"), Value::Int(0)], Command::Start { target: group(), wait: false }),
        ("startProcessGroup", vec![t("multi")], Command::Start { target: group(), wait: true }),
        ("startAllProcesses", vec![Value::Bool(false)], Command::Start { target: Target::All, wait: false }),
        ("stopProcess", vec![t("web")], Command::Stop { target: one(), wait: true }),
        ("stopProcessGroup", vec![t("multi")], Command::Stop { target: group(), wait: true }),
        ("stopAllProcesses", vec![], Command::Stop { target: Target::All, wait: true }),
        ("signalProcess", vec![t("web"), t("hup")], Command::Signal { target: one(), signal: Signal::HUP }),
        (
            "signalProcess",
            vec![t("web"), Value::Int(15)],
            Command::Signal { target: one(), signal: Signal::TERM },
        ),
        (
            "signalProcessGroup",
            vec![t("multi"), t("9")],
            Command::Signal { target: group(), signal: Signal::KILL },
        ),
        (
            "signalAllProcesses",
            vec![t("SIGUSR1")],
            Command::Signal { target: Target::All, signal: Signal::USR1 },
        ),
        ("shutdown", vec![], Command::Shutdown),
        ("restart", vec![], Command::Restart),
    ];
    let core = willing_core(two());
    for (method, params, _) in &cases {
        assert_eq!(call(&core, &format!("supervisor.{method}"), params), Ok(Value::Bool(true)), "{method}");
    }
    let sent: Vec<Command> = cases.into_iter().map(|(_, _, command)| command).collect();
    assert_eq!(core.commands(), sent);
}

#[test]
fn faults_name_the_process_as_the_caller_did() {
    for (code, extra, want) in [
        (FaultCode::BadName, "web", "BAD_NAME: web:web"),
        (FaultCode::AlreadyStarted, "web", "ALREADY_STARTED: web:web"),
        (FaultCode::SpawnError, "web", "SPAWN_ERROR: web:web"),
        (FaultCode::NoFile, "can't find command '/x'", "NO_FILE: can't find command '/x'"),
    ] {
        let core = core_that_says(Outcome::Fault(Fault::new(code, extra)));
        let want = fault(code as i64, want);
        assert_eq!(call(&core, "supervisor.startProcess", &[t("web:web")]), want);
    }
}

#[test]
fn results_of_groups_are_status_structures() {
    let result = |name: &str, fault| TargetResult { group: "multi".to_owned(), name: name.to_owned(), fault };
    let core = core_that_says(Outcome::Each(vec![
        result("multi_01", Some(Fault::new(FaultCode::SpawnError, "whatever"))),
        result("multi_00", None),
    ]));
    let answer = call(&core, "supervisor.startProcessGroup", &[t("multi")]).expect("results");
    let [bad, good] = answer.as_array().expect("array") else { panic!("{answer:?}") };
    assert_eq!(bad.get("name"), Some(&t("multi_01")));
    assert_eq!(bad.get("group"), Some(&t("multi")));
    assert_eq!(bad.get("status"), Some(&Value::Int(50)));
    assert_eq!(bad.get("description"), Some(&t("SPAWN_ERROR: multi:multi_01")));
    assert_eq!(good.get("status"), Some(&Value::Int(80)));
    assert_eq!(good.get("description"), Some(&t("OK")));
}

#[test]
fn unknown_signals_are_refused_after_unknown_names() {
    let core = willing_core(two());
    for bad in [t("NOPE"), Value::Int(-1), t("-1"), t("99"), t("")] {
        let text = match &bad {
            Value::Text(text) => text.clone(),
            other => other.as_int().expect("number").to_string(),
        };
        let want = fault(11, &format!("BAD_SIGNAL: {text}"));
        assert_eq!(call(&core, "supervisor.signalProcess", &[t("web"), bad.clone()]), want);
        let want = fault(10, "BAD_NAME: nosuch");
        assert_eq!(call(&core, "supervisor.signalProcess", &[t("nosuch"), bad.clone()]), want);
    }
    let group = call(&core, "supervisor.signalProcessGroup", &[t("multi"), t("NOPE")]).expect("results");
    let [only] = group.as_array().expect("array") else { panic!("{group:?}") };
    assert_eq!(only.get("name"), Some(&t("multi_00")));
    assert_eq!(only.get("status"), Some(&Value::Int(11)));
    assert_eq!(only.get("description"), Some(&t("BAD_SIGNAL: NOPE")));
    let all = call(&core, "supervisor.signalAllProcesses", &[t("NOPE")]).expect("results");
    assert_eq!(all.as_array().map(<[Value]>::len), Some(2));
    assert_eq!(core.commands(), vec![]);
}

#[test]
fn while_stopping_only_system_methods_answer() {
    let mut stopping = two();
    stopping.identity.stopping = true;
    let core = willing_core(stopping);
    for (method, params) in [
        ("getState", vec![]),
        ("getPID", vec![]),
        ("getAllProcessInfo", vec![]),
        ("getProcessInfo", vec![t("nosuch")]),
        ("startProcess", vec![t("web")]),
        ("stopAllProcesses", vec![]),
        ("shutdown", vec![]),
    ] {
        let got = call(&core, &format!("supervisor.{method}"), &params);
        assert_eq!(got, fault(6, "SHUTDOWN_STATE"), "{method}");
    }
    assert_eq!(core.commands(), vec![]);
    assert!(call(&core, "system.listMethods", &[]).is_ok());
    let all = call(&core, "supervisor.signalAllProcesses", &[t("TERM")]);
    assert_eq!(all, fault(6, "SHUTDOWN_STATE"));
    assert_eq!(core.commands().len(), 1);
}

#[test]
fn a_multicall_gives_bare_values_and_faults_as_structures() {
    let core = willing_core(two());
    let one = |name: &str, params: Option<Vec<Value>>| {
        let mut members = vec![("methodName".to_owned(), t(name))];
        members.extend(params.map(|p| ("params".to_owned(), Value::Array(p))));
        Value::Struct(members)
    };
    let calls = Value::Array(vec![
        one("supervisor.getPID", None),
        one("supervisor.getProcessInfo", Some(vec![t("nosuch")])),
        Value::Struct(vec![]),
        one("system.multicall", Some(vec![Value::Array(vec![])])),
        one("supervisor.stopProcess", Some(vec![t("web")])),
    ]);
    let answer = call(&core, "system.multicall", &[calls]).expect("results");
    let [pid, bad, nameless, nested, stopped] = answer.as_array().expect("array") else {
        panic!("{answer:?}")
    };
    assert_eq!(pid, &Value::Int(1));
    assert_eq!(bad.get("faultCode"), Some(&Value::Int(10)));
    assert_eq!(bad.get("faultString"), Some(&t("BAD_NAME: nosuch")));
    assert_eq!(nameless.get("faultString"), Some(&t("INCORRECT_PARAMETERS: No methodName")));
    let recursive = "INCORRECT_PARAMETERS: Recursive system.multicall forbidden";
    assert_eq!(nested.get("faultString"), Some(&t(recursive)));
    assert_eq!(stopped, &Value::Bool(true));
    assert_eq!(call(&core, "system.multicall", &[Value::Array(vec![])]), Ok(Value::Array(vec![])));
}

#[test]
fn methods_describe_themselves() {
    let core = willing_core(two());
    let signature = call(&core, "system.methodSignature", &[t("supervisor.startProcess")]);
    assert_eq!(signature, Ok(Value::Array(vec![t("boolean"), t("string"), t("boolean")])));
    let unknown = call(&core, "system.methodHelp", &[t("supervisor.nosuch")]);
    assert_eq!(unknown, fault(4, "SIGNATURE_UNSUPPORTED"));
    assert!(call(&core, "system.methodHelp", &[t("supervisor.getState")]).is_ok());
}

#[test]
fn a_client_that_went_away_gets_no_answer() {
    let core = FakeCore::start(|request| match request {
        Question::Identity => Some(Reply::Identity(two().identity)),
        _ => None,
    });
    let site = core.site(ListenerKind::Control, None);
    let request = Request {
        method: Method::Post,
        target: "/RPC2".to_owned(),
        version: HTTPVersion(1, 1),
        headers: vec![],
        body: xml::call("supervisor.stopAllProcesses", &[]).into_bytes(),
    };
    assert!(super::answer(&site, &request, &|| false).is_none());
    assert_eq!(core.commands().len(), 1);
}

#[test]
fn what_is_sent_is_text_for_one_process_or_an_event_for_listeners() {
    let core = willing_core(two());
    let stdin = |params: &[Value]| call(&core, "supervisor.sendProcessStdin", params);
    assert_eq!(stdin(&[t("web"), t("text")]), Ok(Value::Bool(true)));
    assert_eq!(stdin(&[t("multi:*"), t("text")]), fault(10, "BAD_NAME: multi:*"));
    assert_eq!(stdin(&[t("web"), Value::Int(3)]), fault(2, "INCORRECT_PARAMETERS: 3"));
    assert_eq!(stdin(&[t("web")]), fault(2, "INCORRECT_PARAMETERS"));
    let event = call(&core, "supervisor.sendRemoteCommEvent", &[t("kind"), t("data")]);
    assert_eq!(event, Ok(Value::Bool(true)));
    for (code, text) in [
        (FaultCode::NotRunning, "NOT_RUNNING: multi:multi_01"),
        (FaultCode::NoFile, "NO_FILE: multi:multi_01"),
        (FaultCode::Failed, "FAILED: multi:multi_01 does not read its stdin"),
    ] {
        let core = core_that_says(Outcome::Fault(Fault { code, extra: None }));
        let answer = call(&core, "supervisor.sendProcessStdin", &[t("multi:multi_01"), t("text")]);
        assert_eq!(answer, fault(code as i64, text));
    }
}
