//! Which server is asked, by whom, and what is said when it is not there or refuses.

use super::*;

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
fn a_server_that_cannot_explain_is_told_apart() {
    let (code, out) = told("explain a", three);
    assert_eq!((code, out.as_str()), (1, "error: this server cannot explain how a process has ended\n"));
}
