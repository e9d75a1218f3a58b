//! `add` and `remove` of what has sockets, with somebody waiting, and by one call for all.

use crate::reread::{idle, reread, rewrite};
use crate::rpc_logs::{answers, calls};
use crate::support::{ours, skipped, start};
use harness::wait_until;

#[test]
fn a_fastcgi_program_comes_and_goes_with_its_socket() {
    if skipped() {
        return;
    }
    let text = "[fcgi-program:f]\ncommand=@puppet@ accept-stdin\nsocket=unix://@dir@/f.sock\nstartsecs=0\n";
    let sup = start(&idle("x"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    rewrite(&sup, &(idle("x") + text));
    sup.ctl_says(&["update"], 0, "f: added process group\n");
    sup.wait_state("f", "RUNNING");
    let path = sup.0.dir().path().join("f.sock");
    let connects = || std::os::unix::net::UnixStream::connect(&path).is_ok();
    wait_until("it takes connections", connects);
    // Another address is another group; what else a socket has is not compared.
    rewrite(&sup, &(idle("x") + text + "socket_mode=0777\n"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    rewrite(&sup, &(idle("x") + &text.replace("f.sock", "g.sock")));
    sup.ctl_says(&["update"], 0, "f: stopped\nf: updated process group\n");
    sup.wait_state("f", "RUNNING");
    assert!(!connects());
    rewrite(&sup, &idle("x"));
    sup.ctl_says(&["update"], 0, "f: stopped\nf: removed process group\n");
    let sockets = sup.events().into_iter().filter(|l| l.contains("socket unix")).count();
    assert!(sockets >= 4, "made and closed, twice: {:?}", sup.events());
    for name in ["f.sock", "g.sock"] {
        // Whoever has made it leaves it behind (or has removed it): not what this case is about.
        let _ = std::fs::remove_file(sup.0.dir().path().join(name));
    }
    sup.finish();
}

#[test]
fn a_socket_that_cannot_be_had_refuses_the_addition() {
    if skipped() {
        return;
    }
    let sup = start(&idle("x"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    let taken = std::net::TcpListener::bind(sup.0.address()).expect("the port is free");
    rewrite(
        &sup,
        &(idle("x")
            + &sup.0.fill("[fcgi-program:f]\ncommand=cat\nsocket=tcp://127.0.0.1:@port@\nautostart=false\n")),
    );
    let said = calls(
        &sup,
        &["s.reloadConfig()", "s.addProcessGroup('f')", "[i['name'] for i in s.getAllProcessInfo()]"],
    );
    assert_eq!((said[0].as_str(), said[2].as_str()), ("[[['f'], [], []]]", "['x']"));
    let want = sup.0.fill("fault 30 FAILED: Could not create FastCGI socket tcp://127.0.0.1:@port@: [Errno 98] Address already in use");
    assert_eq!(said[1], if ours() { want } else { "http 500".to_owned() });
    drop(taken);
    answers(&sup, &[("s.addProcessGroup('f')", "True")]);
    sup.finish();
}

#[test]
fn who_waits_for_a_start_is_told_when_it_is_stopped_and_removed() {
    if skipped() {
        return;
    }
    let sup = start("[program:x]\ncommand=cat\nautostart=false\nstartsecs=1000\n");
    sup.wait_state("x", "STOPPED");
    let socket = sup.0.socket();
    let waiting = std::thread::spawn(move || harness::http::rpc(&socket, "supervisor.startProcess", &["x"]));
    sup.wait_state("x", "STARTING");
    let said = calls(&sup, &["s.stopProcess('x')", "s.removeProcessGroup('x')", "s.addProcessGroup('x')"]);
    assert_eq!(said, ["True", "True", "True"]);
    let answer = waiting.join().expect("it ends").expect("an answer");
    let fault = harness::http::member(&answer, "faultString");
    assert_eq!(fault.as_deref(), Some("ABNORMAL_TERMINATION: x"));
    assert_eq!(sup.0.info("x", "statename").as_deref(), Some("STOPPED"));
    sup.finish();
}

#[test]
fn a_multicall_may_do_all_of_it() {
    if skipped() {
        return;
    }
    let sup = start(&idle("x"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    rewrite(&sup, &(idle("x") + "startsecs=3\n" + &idle("y")));
    let call =
        |method: &str, params: &str| format!("{{'methodName': 'supervisor.{method}', 'params': [{params}]}}");
    let all = [
        call("reloadConfig", ""),
        call("stopProcessGroup", "'x'"),
        call("removeProcessGroup", "'x'"),
        call("addProcessGroup", "'x'"),
        call("addProcessGroup", "'y'"),
        call("addProcessGroup", "'z'"),
    ]
    .join(", ");
    answers(
        &sup,
        &[(
            &format!("p.system.multicall([{all}])"),
            "[[[['y'], ['x'], []]], [], True, True, True, {'faultCode': 10, 'faultString': 'BAD_NAME: z'}]",
        )],
    );
    sup.finish();
}
