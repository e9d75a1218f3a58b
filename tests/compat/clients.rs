//! Clients of Supervisor's from elsewhere, unmodified: what they print, what they do, and with which code they end.
//!
//! Each is installed beside Supervisor (`make venv`); where one is not, its cases are skipped, and with
//! `REQUIRE_COMPAT=1` they fail.

use crate::support::{Sup, header, setup, skipped};
use harness::daemon::free_port;
use harness::{Cmd, Done, bins, wait_until};
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

/// Where the client is, or nothing where it is not installed.
fn client(name: &str) -> Option<String> {
    if skipped() {
        return None;
    }
    let path = bins::venv(name);
    missing(path.is_none(), name);
    path
}

fn missing(is_missing: bool, name: &str) {
    assert!(!(is_missing && harness::flag("REQUIRE_COMPAT")), "there is no {name} beside Supervisor");
    if is_missing {
        println!("skipped: {name} is not installed beside Supervisor");
    }
}

/// Python, where it can import the module.
fn python_with(module: &str) -> Option<String> {
    let python = client("python")?;
    let there = Cmd::new(&[python.as_str(), "-c", &format!("import {module}")]).run().code() == 0;
    missing(!there, module);
    there.then_some(python)
}

const PROGRAMS: &str = "[program:up]\ncommand=cat\nstartsecs=0\n\
    [program:apple]\ncommand=cat\nautostart=false\nstartsecs=0\n\
    [program:avocado]\ncommand=cat\nautostart=false\nstartsecs=0\n\
    [program:bad]\ncommand=/no/such/file\nautostart=false\nstartretries=0\n\
    [program:w]\ncommand=cat\nnumprocs=2\nprocess_name=n%(process_num)d\nstartsecs=0\n";

/// With more of everything, and up.
fn running(more: &str) -> Sup {
    let sup = Sup::new(setup(&format!("{}{more}{PROGRAMS}", header(""))));
    for name in ["up", "w:n0", "w:n1"] {
        sup.wait_state(name, "RUNNING");
    }
    sup
}

/// In alphabetical order: some clients act in several threads, or go through a set.
#[track_caller]
fn says(done: &Done, code: i32, stdout: &[&str]) {
    let mut lines: Vec<&str> = done.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!((done.code(), lines.as_slice()), (code, stdout), "{}", done.stderr);
}

#[test]
fn the_nagios_check_reports_every_state_and_knows_its_password() {
    let Some(check) = client("check_supervisord.py") else { return };
    let port = free_port().to_string();
    let server = format!("[inet_http_server]\nport=127.0.0.1:{port}\nusername=nagios\npassword=s3cret\n");
    let sup = running(&format!("{server}[program:dies]\ncommand=false\nautostart=false\nstartretries=0\n"));
    let python = bins::venv("python").expect("beside it");
    let check = |words: &[&str]| Cmd::new(&[&[python.as_str(), &check], words].concat()).run();
    let at = ["-s", "127.0.0.1", "-p", &port, "-u", "nagios", "-S", "s3cret"];
    let with = |words: &[&str]| check(&[&at, words].concat());
    let fine = "'apple': OK, 'avocado': OK, 'bad': OK";
    says(&with(&[]), 0, &[&format!("OK: {fine}, 'dies': OK, 'up': OK, 'n0': OK, 'n1': OK")]);
    says(&with(&["-P", "up,n1"]), 0, &["OK: 'up': OK, 'n1': OK"]);
    says(
        &with(&["-P", "up,apple", "--stopped-state-exit-code", "warning"]),
        1,
        &["WARNING: something curiously with 'apple': (STOPPED), 'up': OK"],
    );
    sup.ctl(&["start", "dies"]).expect(7);
    let why = "problem with 'dies': (Exited too quickly (process log may have details))";
    says(&with(&[]), 2, &[&format!("CRITICAL: {why}, {fine}, 'up': OK, 'n0': OK, 'n1': OK")]);
    let socket = sup.0.socket();
    says(&check(&["-s", &socket, "-P", "dies"]), 2, &[&format!("CRITICAL: {why}")]);
    let refused = format!(
        "ERROR: Server communication problem. <ProtocolError for 127.0.0.1:{port}/RPC2: 401 Unauthorized>"
    );
    says(&check(&at[..4]), 3, &[&refused]);
    let wrong = check(&["-s", "127.0.0.1", "-p", &port, "-u", "nagios", "-S", "no"]);
    assert_eq!(wrong.code(), 3);
    assert!(wrong.stdout.ends_with("/RPC2: 401 Unauthorized>\n"), "{}", wrong.stdout);
    sup.finish();
}

/// The real supervisorctl with a plug-in, by the daemon's own file.
fn with_plugin(module: &str, factory: &str, settings: &str) -> Option<Sup> {
    python_with(module)?;
    let name = factory.split('_').nth(1).expect("a factory");
    Some(running(&format!(
        "[ctlplugin:{name}]\nsupervisor.ctl_factory={module}.controllerplugin:{factory}\n{settings}\n"
    )))
}

#[test]
fn supervisor_wildcards_acts_on_what_a_pattern_matches() {
    let factory = "make_wildcards_controllerplugin";
    let Some(sup) = with_plugin("supervisorwildcards", factory, "") else { return };
    let ctl = |line: &str| sup.ctl(&line.split(' ').collect::<Vec<_>>());
    says(&ctl("mstart a*"), 0, &["apple: started", "avocado: started"]);
    says(&ctl("mstart a*e"), 0, &["apple: ERROR (already started)"]);
    says(&ctl("mstop n? avo*"), 0, &["avocado: stopped", "w:n0: stopped", "w:n1: stopped"]);
    says(&ctl("mrestart zzz*"), 0, &["No process matched given expression."]);
    says(&ctl("mrestart avocado"), 0, &["avocado: ERROR (not running)", "avocado: started"]);
    says(
        &ctl("mstop all"),
        0,
        &[
            "apple: stopped",
            "avocado: stopped",
            "bad: ERROR (not running)",
            "up: stopped",
            "w:n0: ERROR (not running)",
            "w:n1: ERROR (not running)",
        ],
    );
    sup.finish();
}

#[test]
fn supervisor_wildcards_matches_groups_too() {
    let factory = "make_wildcards_controllerplugin";
    let Some(sup) = with_plugin("supervisorwildcards", factory, "match_group=1") else { return };
    let ctl = |line: &str| sup.ctl(&line.split(' ').collect::<Vec<_>>());
    says(&ctl("mstop w:* avo*:*"), 0, &["avocado: ERROR (not running)", "w:n0: stopped", "w:n1: stopped"]);
    says(&ctl("mstart w:*1"), 0, &["w:n1: started"]);
    sup.finish();
}

#[test]
fn supervisor_serialrestart_restarts_one_after_the_other() {
    let factory = "make_serialrestart_controllerplugin";
    let Some(sup) = with_plugin("supervisorserialrestart", factory, "") else { return };
    let before = ["up", "w:n0", "w:n1"].map(|name| sup.0.info(name, "pid"));
    let ctl = |line: &str| sup.ctl(&line.split(' ').collect::<Vec<_>>());
    says(
        &ctl("serialrestart w:* nosuch"),
        0,
        &["No such process nosuch", "w:n0: started", "w:n0: stopped", "w:n1: started", "w:n1: stopped"],
    );
    let all = ctl("serialrestart all");
    assert_eq!(
        (all.code(), all.stdout.as_str()),
        (
            1,
            "apple: ERROR (not running)\napple: started\navocado: ERROR (not running)\navocado: started\n\
             bad: ERROR (not running)\nbad: ERROR (no such file)\nup: stopped\nup: started\n\
             w:n0: stopped\nw:n0: started\nw:n1: stopped\nw:n1: started\n"
        )
    );
    for (name, before) in ["up", "w:n0", "w:n1"].into_iter().zip(before) {
        assert_ne!(sup.0.info(name, "pid"), before, "{name}");
    }
    sup.finish();
}

#[test]
fn mr_laforge_brings_programs_up_and_down() {
    let (Some(up), Some(down), Some(ports)) =
        (client("supervisorup"), client("supervisordown"), client("waitforports"))
    else {
        return;
    };
    let port = free_port();
    let sup = running(&format!("[inet_http_server]\nport=127.0.0.1:{port}\n"));
    let run = |tool: &str, names: &[&str]| {
        let line = [&[tool], names].concat();
        let done = Cmd::new(&line).env("MR_LAFORGE_SUPERVISOR_ARGS", &sup.0.fill("-c @dir@/c.conf")).run();
        (done.code(), done.stdout, done.stderr)
    };
    let said = |code: i32, stdout: &str, stderr: &str| (code, stdout.to_owned(), stderr.to_owned());
    assert_eq!(run(&up, &[]), said(0, "", ""));
    assert_eq!(
        run(&up, &["up", "avocado", "w:n1"]),
        said(0, "Starting avocado\n", "up is already running\nw:n1 is already running\n")
    );
    assert_eq!(
        run(&up, &["bad"]),
        said(1, "Starting bad\n", "20 NO_FILE: can't find command '/no/such/file'\n")
    );
    let (code, _, stderr) = run(&up, &["nosuch"]);
    assert!(code == 1 && stderr.ends_with("Fault: <Fault 10: 'BAD_NAME: nosuch'>\n"), "{code} {stderr}");
    assert_eq!(
        run(&down, &["avocado", "apple"]),
        said(0, "Stopping avocado\n", "apple is already stopped\n")
    );
    assert_eq!(sup.status("avocado").0, "STOPPED");
    let address = format!("127.0.0.1:{port}");
    assert_eq!(run(&ports, &["-t", "5", &address]), said(0, "", &format!("Waiting for {address} \n")));
    sup.finish();
}

#[test]
fn supervisor_checks_restarts_what_does_not_listen_and_nothing_else() {
    let Some(check) = client("supervisor_tcp_check") else { return };
    let open = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (open_port, closed_port) = (open.local_addr().expect("bound").port(), free_port());
    let listener = |name: &str, words: &str| {
        format!(
            "[eventlistener:{name}]\ncommand={check} -n {name} -r 0 -t 5 {words}\nevents=TICK_5\n\
             stderr_logfile=@dir@/{name}.err\nstdout_logfile=@dir@/{name}.out\n"
        )
    };
    let good = listener("good", &format!("-g up -p {open_port}"));
    let bad = listener("bad1", &format!("-g w -p {closed_port}"));
    let one = listener("bad2", &format!("-N avocado:avocado -p {closed_port}"));
    let sup = running(&(good + &bad + &one));
    let before = ["up", "w:n0", "w:n1"].map(|name| sup.0.info(name, "pid"));
    sup.wait_file("good.err", "[good] `tcp` check succeeded for process up\n");
    for name in ["n0", "n1"] {
        sup.wait_file(
            "bad1.err",
            &format!("[bad1] `tcp` check failed for process {name}. Trying to restart.\n"),
        );
        sup.wait_file("bad1.err", &format!("[bad1] Stopped process w:{name}\n"));
        sup.wait_file("bad1.err", &format!("[bad1] Starting process w:{name}\n"));
    }
    sup.wait_file("bad2.err", "[bad2] No processes in state RUNNING found for process avocado:avocado\n");
    for name in ["good", "bad1", "bad2"] {
        sup.wait_file(&format!("{name}.out"), "READY\nRESULT 2\nOKREADY\n");
    }
    let after = ["up", "w:n0", "w:n1"].map(|name| sup.0.info(name, "pid"));
    assert_eq!(after[0], before[0]);
    assert!(after[1] != before[1] && after[2] != before[2], "{before:?} {after:?}");
    // It leaves its loop with a signal.
    sup.ctl_says(&["stop", "good"], 0, "good: stopped\n");
    wait_until("it says that it is done", || sup.file("good.err").ends_with("[good] Done.\n"));
    sup.finish();
}

#[test]
fn supervisor_logging_sends_output_to_syslog() {
    let Some(logging) = client("supervisor_logging") else { return };
    let syslog = UdpSocket::bind("127.0.0.1:0").expect("a port");
    syslog.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let port = syslog.local_addr().expect("bound").port();
    let sup = running(&format!(
        "[eventlistener:logging]\ncommand={logging}\nevents=PROCESS_LOG\nstdout_logfile=@dir@/out\n\
         environment=SYSLOG_SERVER=127.0.0.1,SYSLOG_PORT={port},SYSLOG_PROTO=udp\n\
         [program:talk]\ncommand=@puppet@ say h\u{e9}llo hold\nautostart=false\nstartsecs=0\nstdout_logfile=NONE\n\
         stdout_events_enabled=true\n"
    ));
    sup.wait_file("out", "READY\n");
    sup.ctl_says(&["start", "talk"], 0, "talk: started\n");
    let pid = sup.0.info("talk", "pid").expect("it runs");
    let mut bytes = [0; 2048];
    let len = loop {
        match syslog.recv(&mut bytes) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            other => break other.expect("a message"),
        }
    };
    let message = String::from_utf8_lossy(&bytes[..len]).into_owned();
    assert!(
        message.starts_with("<14>") && message.ends_with(&format!(" talk[{pid}]: h\u{e9}llo \n\0")),
        "{message:?}"
    );
    sup.wait_file("out", "READY\nRESULT 2\nOKREADY\n");
    sup.finish();
}
