//! A second daemon on the same file: refused, and the first one does not notice.

use crate::face::{assert_refused, face, log_of, owned};
use crate::support::{ours, skipped};
use harness::{Daemon, Setup, http, wait_until};

const TAKEN: &str = "Another program is already listening on a port that one of our HTTP servers is configured to \
    use.  Shut this program down first before starting supervisord.";

const CONFIG: &str = "[unix_http_server]\nfile=@sock@\n\
    [supervisord]\nnodaemon=true\nsilent=true\nuser=root\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
    [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
    [program:x]\ncommand=cat\nstartsecs=0\n";

/// A second one on the files of the first.
fn second(first: &Daemon, words: &[&str]) -> Daemon {
    let (name, conf) = (first.fill("@dir@/supervisord"), first.fill("@dir@/c.conf"));
    Setup::new(&[&[name.as_str(), "-c", &conf], words].concat()).cwd(&first.fill("@dir@")).start()
}

/// As `assert_refused`, where the name is that of the first.
#[track_caller]
fn refused(first: &Daemon, second: &Daemon) {
    assert_eq!(second.wait_exit(), 2, "{}", second.stderr());
    let name = first.fill("@dir@/supervisord");
    let want = format!("Error: {TAKEN}\nFor help, use {name} -h\n");
    wait_until("it has said why", || second.stderr().starts_with(&want));
}

#[test]
fn it_is_refused_and_the_first_one_keeps_its_files() {
    if skipped() {
        return;
    }
    let first = face(CONFIG).start();
    first.wait_state("x", "RUNNING");
    let (pid, autos) = (first.dir().read("d.pid"), first.dir().list("x-std"));
    let lines = log_of(&first).len();
    let again = second(&first, &[]);
    refused(&first, &again);
    assert_eq!(first.dir().read("d.pid"), pid);
    first.wait_state("x", "RUNNING");
    // Trap 18 [F]: theirs has removed the first one's AUTO logs, made its own, and written into the common log.
    let untouched = first.dir().list("x-std") == autos && log_of(&first).len() == lines;
    assert_eq!(untouched, ours(), "{:?}", log_of(&first));
    first.finish();
}

#[test]
fn it_is_refused_on_the_way_to_the_background_too() {
    if skipped() {
        return;
    }
    let config = CONFIG.replace("nodaemon=true\n", "");
    let first = face(&config).arg("-n").start();
    first.wait_state("x", "RUNNING");
    let again = second(&first, &["-s"]);
    refused(&first, &again);
    assert_eq!(first.dir().read("d.pid"), format!("{}\n", first.pid()));
    first.finish();
}

#[test]
fn a_stale_socket_is_replaced_and_it_is_said() {
    if skipped() {
        return;
    }
    let setup = face(CONFIG);
    drop(std::os::unix::net::UnixListener::bind(setup.fill("@sock@")).unwrap());
    let daemon = setup.start();
    daemon.wait_state("x", "RUNNING");
    assert_eq!(daemon.stderr(), daemon.fill("Unlinking stale socket @sock@\n"));
    assert_eq!(owned(&daemon, "s.sock"), (0, 0, 0o700));
    daemon.finish();
}

#[test]
fn a_file_that_is_no_socket_is_not_taken_away() {
    if skipped() {
        return;
    }
    let daemon = face(CONFIG).file("s.sock", "precious").start();
    if ours() {
        // On purpose: theirs takes any file for a stale socket and removes it.
        assert_refused(&daemon, TAKEN);
        assert_eq!(daemon.dir().read("s.sock"), "precious");
    } else {
        daemon.wait_state("x", "RUNNING");
        daemon.finish();
    }
}

#[test]
fn two_instances_with_sockets_of_their_own_live_side_by_side() {
    if skipped() {
        return;
    }
    let first = face(CONFIG).start();
    first.wait_state("x", "RUNNING");
    let other = face(&CONFIG.replace("[program:x]", "[program:y]")).start();
    other.wait_state("y", "RUNNING");
    other.finish();
    first.wait_state("x", "RUNNING");
    assert!(http::rpc(&first.socket(), "supervisor.getPID", &[]).is_ok());
    first.finish();
}
