mod plan;

use super::*;
use crate::gateway::rpc::value::Value;
use client::ClientError;
use std::cell::RefCell;
use std::io::ErrorKind;

/// A server that is a function, and remembers what it was asked.
struct Script<F> {
    answer: F,
    calls: RefCell<Vec<String>>,
    address: RefCell<ServerAddress>,
}

impl<F: Fn(&str, &[Value]) -> Result<Value, ClientError>> Api for Script<F> {
    fn call(&self, method: &str, params: &[Value]) -> Result<Value, ClientError> {
        let shown: Vec<_> = params.iter().map(|p| p.as_str().unwrap_or("?").to_owned()).collect();
        self.calls.borrow_mut().push(format!("{method}({})", shown.join(",")));
        if method == "getVersion" {
            return (self.answer)(method, params).map(|_| Value::text("3.0"));
        }
        (self.answer)(method, params)
    }

    fn follow(&self, path: &str, out: &mut dyn Write) -> Result<follow::Ended, ClientError> {
        self.calls.borrow_mut().push(format!("GET {path}"));
        (self.answer)("follow", &[]).map(|text| {
            let _ = out.write_all(text.as_str().unwrap_or_default().as_bytes());
            follow::Ended::ByUser
        })
    }

    fn address(&self) -> ServerAddress {
        self.address.borrow().clone()
    }

    fn turn_to(&self, address: ServerAddress) {
        self.calls.borrow_mut().push(format!("turn to {address} as {:?}", address.username));
        self.address.replace(address);
    }
}

/// Runs a command line: exit code, output, calls.
fn run_line(
    line: &str,
    input: &str,
    answer: impl Fn(&str, &[Value]) -> Result<Value, ClientError>,
) -> (u8, String, Vec<String>) {
    let address = RefCell::new(ServerAddress::unix("/x.sock"));
    let script = Script { answer, calls: RefCell::new(Vec::new()), address };
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let interactive = words.first().is_some_and(|w| w == "-i");
    words.retain(|w| w != "-i");
    let args = CtlArgs { words, interactive, ..CtlArgs::default() };
    let mut out = Vec::new();
    let input = Input::new(io::Cursor::new(input.as_bytes().to_vec()));
    let (code, _) = with_server(&args, &script, Settings::default(), input, &mut out);
    (code, String::from_utf8(out).expect("text"), script.calls.into_inner())
}

fn told(line: &str, answer: impl Fn(&str, &[Value]) -> Result<Value, ClientError>) -> (u8, String) {
    let (code, out, _) = run_line(line, "", answer);
    (code, out)
}

fn fault(code: i64, text: &str) -> Result<Value, ClientError> {
    Err(ClientError::Fault { code, text: text.to_owned() })
}

fn structure(members: &[(&str, Value)]) -> Value {
    Value::Struct(members.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect())
}

fn process(group: &str, name: &str, state: (i64, &str), description: &str, pid: i64) -> Value {
    structure(&[
        ("group", Value::text(group)),
        ("name", Value::text(name)),
        ("state", Value::Int(state.0)),
        ("statename", Value::text(state.1)),
        ("description", Value::text(description)),
        ("pid", Value::Int(pid)),
    ])
}

fn three(method: &str, params: &[Value]) -> Result<Value, ClientError> {
    let all = [
        process("a", "a", (20, "RUNNING"), "pid 7, uptime 0:00:05", 7),
        process("multi", "multi_00", (10, "STARTING"), "", 8),
        process("multi", "multi_01", (200, "FATAL"), "Exited too quickly (process log may have details)", 0),
    ];
    match method {
        "getAllProcessInfo" => Ok(Value::Array(all.to_vec())),
        "getPID" => Ok(Value::Int(1)),
        "getProcessInfo" => match params[0].as_str() {
            Some("a") => Ok(all[0].clone()),
            Some("multi:multi_01") => Ok(all[2].clone()),
            _ => fault(10, "BAD_NAME"),
        },
        "getSupervisorVersion" => Ok(Value::text("4.3.0")),
        _ => Ok(Value::Bool(true)),
    }
}

fn status(group: &str, name: &str, code: i64, description: &str) -> Value {
    structure(&[
        ("group", Value::text(group)),
        ("name", Value::text(name)),
        ("status", Value::Int(code)),
        ("description", Value::text(description)),
    ])
}

#[test]
fn status_is_a_table_and_its_exit_code_tells_whether_all_run() {
    let a = "a                                RUNNING   pid 7, uptime 0:00:05\n";
    let m0 = "multi:multi_00                   STARTING  \n";
    let m1 = "multi:multi_01                   FATAL     Exited too quickly (process log may have details)\n";
    assert_eq!(told("status", three), (3, format!("{a}{m0}{m1}")));
    assert_eq!(told("status all", three), (3, format!("{a}{m0}{m1}")));
    assert_eq!(told("status a", three), (0, a.to_owned()));
    assert_eq!(told("status a:a multi:multi_00", three), (0, format!("{a}{m0}")));
    assert_eq!(told("status multi:*", three), (3, format!("{m0}{m1}")));
}

#[test]
fn status_names_what_does_not_exist_and_a_stopped_process_wins() {
    assert_eq!(told("status nosuch", three), (4, "nosuch: ERROR (no such process)\n".to_owned()));
    assert_eq!(told("status nosuch:*", three), (4, "nosuch: ERROR (no such group)\n".to_owned()));
    let (code, out) = told("status nosuch multi:multi_01", three);
    assert_eq!(code, 3);
    assert!(out.starts_with("nosuch: ERROR (no such process)\nmulti:multi_01 "), "{out}");
}

#[test]
fn a_long_name_widens_the_first_column() {
    let name = "x".repeat(40);
    let (_, out) = told("status", |method, _| {
        assert!(matches!(method, "getVersion" | "getAllProcessInfo"));
        Ok(Value::Array(vec![process(&name, &name, (20, "RUNNING"), "d", 1)]))
    });
    assert_eq!(out, format!("{name}   RUNNING   d\n"));
}

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

#[test]
fn results_have_supervisorctls_lines_and_codes() {
    for (line, answer, code, want) in [
        ("start a", Ok(Value::Bool(true)), 0, "a: started\n"),
        ("start g:x", Ok(Value::Bool(true)), 0, "g:x: started\n"),
        ("start a", fault(10, ""), 1, "a: ERROR (no such process)\n"),
        ("start a", fault(20, ""), 1, "a: ERROR (no such file)\n"),
        ("start a", fault(21, ""), 1, "a: ERROR (file is not executable)\n"),
        ("start a", fault(60, ""), 0, "a: ERROR (already started)\n"),
        ("start a", fault(50, ""), 7, "a: ERROR (spawn error)\n"),
        ("start a", fault(40, ""), 7, "a: ERROR (abnormal termination)\n"),
        ("stop a", Ok(Value::Bool(true)), 0, "a: stopped\n"),
        ("stop a", fault(70, ""), 0, "a: ERROR (not running)\n"),
        ("stop a", fault(10, ""), 1, "a: ERROR (no such process)\n"),
        ("stop a", fault(30, "FAILED: why"), 1, "FAILED: why\n"),
        ("signal HUP a", Ok(Value::Bool(true)), 0, "a: signalled\n"),
        ("signal NOPE a", fault(11, ""), 1, "a: ERROR (bad signal name)\n"),
        ("signal HUP a", fault(70, ""), 7, "a: ERROR (not running)\n"),
        ("start g:*", fault(10, ""), 2, "g: ERROR (no such group)\n"),
        ("stop g:*", fault(10, ""), 1, "g: ERROR (no such group)\n"),
        ("signal HUP g:", fault(10, ""), 1, "g: ERROR (no such group)\n"),
    ] {
        let answer = RefCell::new(Some(answer));
        let got = told(line, |method, _| match method {
            "getVersion" => Ok(Value::Nil),
            _ => answer.borrow_mut().take().expect("one call"),
        });
        assert_eq!(got, (code, want.to_owned()), "{line}");
    }
}

#[test]
fn results_of_groups_are_shown_one_by_one() {
    let results = || {
        Value::Array(vec![
            status("g", "x", 80, "OK"),
            status("g", "y", 50, "SPAWN_ERROR: g:y"),
            status("a", "a", 60, "ALREADY_STARTED: a"),
        ])
    };
    let want = "g:x: started\ng:y: ERROR (spawn error)\na: ERROR (already started)\n";
    for line in ["start g:*", "start all", "start b all c"] {
        assert_eq!(told(line, |_, _| Ok(results())), (7, want.to_owned()), "{line}");
    }
}

#[test]
fn the_calls_are_supervisorctls() {
    for (line, want) in [
        ("start a g:*", vec!["getVersion()", "startProcess(a)", "startProcessGroup(g)"]),
        ("stop all", vec!["getVersion()", "stopAllProcesses()"]),
        ("signal HUP a all", vec!["getVersion()", "signalAllProcesses(HUP)"]),
        ("signal 9 g:x", vec!["getVersion()", "signalProcess(g:x,9)"]),
        ("signal -9 g:*", vec!["getVersion()", "signalProcessGroup(g,-9)"]),
        ("shutdown", vec!["shutdown()"]),
        ("reload", vec!["restart()"]),
        ("version", vec!["getVersion()", "getSupervisorVersion()"]),
    ] {
        assert_eq!(run_line(line, "", three).2, want, "{line}");
    }
    let calls = run_line("restart a b", "", three).2;
    let acts: Vec<_> = calls.iter().filter(|c| !c.starts_with("getVersion")).collect();
    assert_eq!(acts, ["stopProcess(a)", "stopProcess(b)", "startProcess(a)", "startProcess(b)"]);
}

#[test]
fn missing_names_are_errors_with_help() {
    for (line, code, first) in [
        ("start", 2, "Error: start requires a process name"),
        ("stop", 1, "Error: stop requires a process name"),
        ("restart", 1, "Error: restart requires a process name"),
        ("signal HUP", 1, "Error: signal requires a signal name and a process name"),
        ("shutdown now", 1, "Error: shutdown accepts no arguments"),
        ("version x", 1, "Error: version accepts no arguments"),
        ("avail x", 1, "Error: avail accepts no arguments"),
        ("clear", 1, "Error: clear requires a process name"),
        ("tail", 1, "Error: too few arguments"),
        ("tail a b c d", 1, "Error: too many arguments"),
        ("tail -5", 1, "Error: tail requires process name"),
        ("tail a nosuch", 1, "Error: bad channel 'nosuch'"),
        ("tail -x a", 1, "Error: bad argument -x"),
        ("maintail x", 1, "Error: bad argument x"),
        ("maintail 1 2", 1, "Error: too many arguments"),
        ("foo bar", 1, "*** Unknown syntax: foo bar"),
    ] {
        let (got, out) = told(line, three);
        assert_eq!((got, out.lines().next()), (code, Some(first)), "{line}");
    }
}

#[test]
fn pids_are_printed_one_for_each_line() {
    assert_eq!(told("pid", three), (0, "1\n".to_owned()));
    assert_eq!(told("pid all", three), (0, "7\n8\n0\n".to_owned()));
    assert_eq!(told("pid a multi:multi_01", three), (7, "7\n0\n".to_owned()));
    assert_eq!(told("pid nosuch", three), (1, "No such process nosuch\n".to_owned()));
}

#[test]
fn a_server_that_is_not_there_has_the_lsb_codes() {
    let refused = |_: &str, _: &[Value]| Err(ClientError::Connect(ErrorKind::ConnectionRefused.into()));
    let missing = |_: &str, _: &[Value]| Err(ClientError::Connect(ErrorKind::NotFound.into()));
    assert_eq!(told("start a", refused), (4, "unix:///x.sock refused connection\n".to_owned()));
    assert_eq!(told("start a", missing), (7, "unix:///x.sock no such file\n".to_owned()));
    assert_eq!(told("status", refused), (4, "unix:///x.sock refused connection\n".to_owned()));
    assert_eq!(told("status", missing), (4, "unix:///x.sock no such file\n".to_owned()));
    let shut = "ERROR: unix:///x.sock refused connection (already shut down?)\n";
    assert_eq!(told("shutdown", refused), (1, shut.to_owned()));
    assert_eq!(told("reload", missing).0, 1);
}

#[test]
fn a_server_that_says_nothing_counts_as_unreachable() {
    let mute = |_: &str, _: &[Value]| Err(ClientError::Silent(std::time::Duration::from_secs(10)));
    let line = "error: cannot reach unix:///x.sock: no answer within 10 s\n";
    for action in ["status", "start a", "stop all", "restart a", "signal HUP a", "pid", "version"] {
        assert_eq!(told(action, mute), (4, line.to_owned()), "{action}");
    }
    assert_eq!(told("shutdown", mute), (1, line.to_owned()));
    assert_eq!(told("reload", mute), (1, line.to_owned()));
    let later = |method: &str, _: &[Value]| match method {
        "getVersion" => Ok(Value::Nil),
        _ => Err(ClientError::Silent(std::time::Duration::from_secs(10))),
    };
    assert_eq!(told("status", later), (4, line.to_owned()));
}

#[test]
fn refusals_of_the_server_are_told() {
    let unauthorized = |_: &str, _: &[Value]| Err(ClientError::Status(401, "Unauthorized".to_owned()));
    assert_eq!(told("status", unauthorized), (1, "Server requires authentication\n".to_owned()));
    let stopping = |_: &str, _: &[Value]| fault(6, "SHUTDOWN_STATE");
    let (code, out) = told("status", stopping);
    assert_eq!(code, 1);
    assert!(out.starts_with("error: ") && out.contains("SHUTDOWN_STATE"), "{out}");
    assert_eq!(told("shutdown", stopping), (0, "ERROR: already shutting down\n".to_owned()));
    let foreign = |_: &str, _: &[Value]| fault(1, "UNKNOWN_METHOD");
    assert_eq!(told("start a", foreign).0, 3);
}

#[test]
fn a_shell_shows_the_status_first_and_always_ends_well() {
    let (code, out, calls) = run_line("", "pid\n\nfoo\nquit\nstatus\n", three);
    assert_eq!(code, 0);
    assert!(out.contains("supervisor> 1\nsupervisor> supervisor> *** Unknown syntax: foo\n"), "{out}");
    assert_eq!(calls.iter().filter(|c| c.starts_with("getAllProcessInfo")).count(), 1);
}

#[test]
fn an_interactive_shutdown_asks_first() {
    let (code, out, calls) = run_line("-i shutdown", "n\n", three);
    assert_eq!((code, calls.len()), (0, 0));
    assert_eq!(out, "Really shut the remote supervisord process down y/N? ");
    assert_eq!(run_line("-i shutdown", "Yes\n", three).2, ["shutdown()"]);
}

#[test]
fn the_first_server_that_answers_is_chosen() {
    let dead = ServerAddress::unix("/nonexistent/x.sock");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let alive = ServerAddress::tcp("127.0.0.1", listener.local_addr().expect("address").port());
    assert_eq!(choose(vec![dead.clone(), alive.clone()]), Some(alive));
    assert_eq!(choose(vec![dead.clone(), dead.clone()]), Some(dead));
    assert_eq!(choose(vec![]), None);
}

#[test]
fn the_command_line_overrides_what_was_found() {
    let args = CtlArgs {
        serverurl: Some("http://localhost:1".to_owned()),
        username: Some("u".to_owned()),
        ..CtlArgs::default()
    };
    let file = |_: &CtlArgs| {
        let credentials = (Some("of the file".to_owned()), Some("secret".to_owned()));
        Ok(Found { credentials, ..Found::default() })
    };
    let found = addresses(&args, &file).expect("an address").servers;
    assert_eq!(
        (found[0].to_string().as_str(), found[0].username.as_deref(), found[0].password.as_deref()),
        ("http://localhost:1", Some("u"), Some("secret"))
    );
    let args = CtlArgs { serverurl: Some("foo".to_owned()), ..CtlArgs::default() };
    let error = addresses(&args, &|_| Ok(Found::default())).expect_err("no URL");
    assert_eq!(error, ("invalid value for -s 'foo': value 'foo' is not a URL".to_owned(), 2));
    let args = CtlArgs { serverurl: Some("ftp://x".to_owned()), ..CtlArgs::default() };
    assert_eq!(addresses(&args, &|_| Ok(Found::default())).expect_err("no URL").1, 1);
    let error = addresses(&CtlArgs::default(), &|_| Err("no file".to_owned())).expect_err("no file");
    assert_eq!(error, ("no file".to_owned(), 2));
}

mod against_the_gateway {
    use super::*;
    use crate::control::{ListenerKind, State};
    use crate::gateway::testing;

    fn ctl(address: ServerAddress, line: &str) -> (u8, String) {
        let words = line.split_whitespace().map(str::to_owned).collect();
        let args = CtlArgs { words, ..CtlArgs::default() };
        let mut out = Vec::new();
        let input = Input::new(io::Cursor::new(Vec::new()));
        let (code, _) = with_server(&args, &Server::new(address), Settings::default(), input, &mut out);
        (code, String::from_utf8(out).expect("text"))
    }

    #[test]
    fn both_ends_understand_each_other_over_tcp_and_unix() {
        let core = testing::willing_core(testing::snapshot(vec![
            testing::process("g", "x", State::Running),
            testing::process("web", "web", State::Running),
        ]));
        let auth = Some(("user", "päss:wörd"));
        let limits = testing::quick_limits();
        let tcp = testing::serve_tcp(core.site(ListenerKind::Control, auth), limits);
        let path = testing::serve_unix("ctl", core.site(ListenerKind::Control, auth), limits);
        for address in [ServerAddress::tcp("127.0.0.1", tcp.port()), ServerAddress::unix(&path)] {
            assert_eq!(ctl(address.clone(), "pid"), (1, "Server requires authentication\n".to_owned()));
            let known = ServerAddress {
                username: Some("user".to_owned()),
                password: Some("päss:wörd".to_owned()),
                ..address
            };
            let (code, out) = ctl(known.clone(), "status");
            assert_eq!(code, 0);
            assert_eq!(
                out.lines().next(),
                Some("g:x                              RUNNING   pid 100, uptime 0:00:05")
            );
            assert_eq!(ctl(known.clone(), "stop web g:x"), (0, "web: stopped\ng:x: stopped\n".to_owned()));
            assert_eq!(ctl(known, "signal NOPE web"), (1, "web: ERROR (bad signal name)\n".to_owned()));
        }
        let _ = std::fs::remove_file(path);
    }
}

#[test]
fn following_ends_well_whatever_becomes_of_it() {
    let script = |method: &str, _: &[Value]| match method {
        "follow" => Ok(Value::text("some\nwords")),
        _ => Ok(Value::text("3.0")),
    };
    for (line, path) in [
        ("tail -f web", "/logtail/web/stdout"),
        ("tail -f web stderr", "/logtail/web/stderr"),
        ("maintail -f", "/mainlogtail"),
    ] {
        let (code, out, calls) = run_line(line, "", script);
        assert_eq!((code, out.as_str()), (0, "==> Press Ctrl-C to exit <==\nsome\nwords\n"), "{line}");
        assert_eq!(calls, ["getVersion()".to_owned(), format!("GET {path}")], "{line}");
    }
    let refused = |method: &str, _: &[Value]| match method {
        "follow" => Err(ClientError::Status(404, "Not Found".to_owned())),
        _ => Ok(Value::text("3.0")),
    };
    assert_eq!(told("tail -f web", refused), (0, "==> Press Ctrl-C to exit <==\n".to_owned()));
}

/// The JSON of a line with `--json`, and its code.
fn json_of(
    line: &str,
    answer: impl Fn(&str, &[Value]) -> Result<Value, ClientError>,
) -> (u8, serde_json::Value) {
    let (code, out) = told(&format!("{line} --json"), answer);
    (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{line}: {e}: {out}")))
}

#[test]
fn every_answer_can_be_had_as_json() {
    let answer = |method: &str, params: &[Value]| match method {
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
    };
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
        assert_eq!(json_of(line, answer), (code, want), "{line}");
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

#[test]
fn another_server_can_be_opened() {
    let (code, out, calls) = run_line("open http://u:p@127.0.0.1:9001/x", "", three);
    assert_eq!(code, 0);
    assert_eq!(calls[..2], ["turn to http://127.0.0.1:9001 as None", "getVersion()"]);
    assert!(out.starts_with("a  "), "{out}");
    for url in ["", "foo", "ftp://x", "/x"] {
        let want = (1, "ERROR: url must be http:// or unix://\n".to_owned());
        assert_eq!(told(&format!("open {url}"), three), want, "{url}");
    }
    assert_eq!(told("open http://", three).0, 1);
}

#[test]
fn a_name_and_a_password_are_asked_for_where_somebody_is_there() {
    let tries = std::cell::Cell::new(0);
    let locked = |method: &str, params: &[Value]| {
        tries.set(tries.get() + 1);
        if tries.get() == 1 {
            Err(ClientError::Status(401, "Unauthorized".to_owned()))
        } else {
            three(method, params)
        }
    };
    // Nobody answers.
    let (code, out, calls) = run_line("-i pid", "", locked);
    assert_eq!(code, 1, "{out}");
    assert!(out.starts_with("Server requires authentication\nUsername:error: "), "{out}");
    assert_eq!(calls, ["getVersion()"]);
}

#[test]
fn states_are_coloured_only_where_that_is_asked_for() {
    let script = Script {
        answer: three,
        calls: RefCell::new(Vec::new()),
        address: RefCell::new(ServerAddress::unix("/x.sock")),
    };
    let args = CtlArgs { words: vec!["status".to_owned(), "a".to_owned()], ..CtlArgs::default() };
    let settings = Settings { colour: true, ..Settings::default() };
    let mut out = Vec::new();
    let input = Input::new(io::Cursor::new(Vec::new()));
    assert_eq!(with_server(&args, &script, settings, input, &mut out).0, 0);
    let want = "a                                \u{1b}[32mRUNNING   \u{1b}[0mpid 7, uptime 0:00:05\n";
    assert_eq!(String::from_utf8_lossy(&out), want);
}
