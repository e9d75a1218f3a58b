//! SIGHUP: everything again, in the same process, by the file as it is now. And what SIGUSR2 says.

use crate::face::{assert_refused, face, log_of, owned};
use crate::support::{ours, skipped};
use harness::{Daemon, Setup, http, wait_until};

const SETTINGS: &str = "[supervisord]\nnodaemon=true\nsilent=true\nuser=root\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
    logfile=@dir@/main.log\n";
const REST: &str = "[unix_http_server]\nfile=@sock@\n\
    [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
    [program:x]\ncommand=@dir@/puppet stamp @dir@/st hold\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n";

fn setup() -> Setup {
    let setup = face(&format!("{SETTINGS}{REST}"));
    harness::Cmd::new(&["cp", &harness::puppet(), &setup.dir().join("puppet")]).run().expect(0);
    setup
}

fn lives(daemon: &Daemon) -> usize {
    daemon.dir().read("st").lines().count()
}

#[track_caller]
fn wait_lives(daemon: &Daemon, n: usize) {
    wait_until(&format!("x has been started {n} times"), || lives(daemon) == n);
}

/// Starts it, changes the file by replacing text, sends SIGHUP and waits for the second life.
#[track_caller]
fn reloaded(setup: Setup, from: &str, to: &str) -> Daemon {
    let daemon = setup.start();
    wait_lives(&daemon, 1);
    change(&daemon, from, to);
    daemon.signal(1);
    wait_lives(&daemon, 2);
    daemon
}

#[track_caller]
fn change(daemon: &Daemon, from: &str, to: &str) {
    let (old, from) = (daemon.dir().read("c.conf"), daemon.fill(from));
    assert!(old.contains(&from), "`{from}` stands in the file");
    daemon.dir().write("c.conf", &old.replace(&from, &daemon.fill(to)));
}

#[test]
fn the_log_says_the_same_from_the_signal_to_the_second_life() {
    if skipped() {
        return;
    }
    let daemon = reloaded(setup(), "pidfile", "pidfile");
    wait_until("it says so", || daemon.dir().read("main.log").matches("success: x").count() == 2);
    let log = log_of(&daemon);
    let at = log.iter().position(|l| l.contains("SIGHUP")).expect("it is said");
    assert_eq!(
        log[at..at + 8],
        [
            "WARN received SIGHUP indicating restart request",
            "INFO waiting for x to die",
            "WARN stopped: x (terminated by SIGTERM)",
            "INFO Set uid to user 0 succeeded",
            "INFO RPC interface 'supervisor' initialized",
            "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
            "INFO supervisord started with pid PID",
            "INFO spawned: 'x' with pid PID",
        ]
    );
    daemon.finish();
}

#[test]
fn another_log_file_is_used() {
    if skipped() {
        return;
    }
    let daemon = reloaded(setup(), "logfile=@dir@/main.log", "logfile=@dir@/other.log");
    wait_until("the new one says it", || daemon.dir().read("other.log").contains("success: x"));
    assert_eq!(daemon.dir().read("main.log").matches("success: x").count(), 1);
    daemon.finish();
}

#[test]
fn another_level_is_used() {
    if skipped() {
        return;
    }
    let daemon = reloaded(setup(), "user=root\n", "user=root\nloglevel=warn\n");
    daemon.wait_state("x", "RUNNING");
    assert_eq!(daemon.dir().read("main.log").matches("spawned: ").count(), 1);
    daemon.finish();
}

#[test]
fn the_level_of_the_command_line_stays() {
    if skipped() {
        return;
    }
    let daemon = reloaded(setup().arg("-e").arg("info"), "user=root\n", "user=root\nloglevel=warn\n");
    wait_until("it says so", || daemon.dir().read("main.log").matches("spawned: ").count() == 2);
    daemon.finish();
}

#[test]
fn another_identifier_is_used() {
    if skipped() {
        return;
    }
    let daemon = reloaded(setup(), "user=root\n", "user=root\nidentifier=changed\n");
    let name = || http::rpc(&daemon.socket(), "supervisor.getIdentification", &[]).unwrap_or_default();
    wait_until("it gives the new one", || name().contains("<string>changed</string>"));
    daemon.finish();
}

#[test]
fn another_socket_is_listened_on_and_the_old_one_is_gone() {
    if skipped() {
        return;
    }
    let daemon = reloaded(setup(), "file=@sock@", "file=@dir@/t.sock");
    wait_until("it answers there", || {
        http::rpc(&daemon.dir().join("t.sock"), "supervisor.getPID", &[]).is_ok()
    });
    assert!(!daemon.dir().path().join("s.sock").exists());
    daemon.finish();
}

#[test]
fn the_mode_of_the_socket_changes() {
    if skipped() {
        return;
    }
    let daemon = reloaded(setup(), "file=@sock@\n", "file=@sock@\nchmod=0770\nchown=root:daemon\n");
    wait_until("it answers", || http::rpc(&daemon.socket(), "supervisor.getPID", &[]).is_ok());
    assert_eq!(owned(&daemon, "s.sock"), (0, 1, 0o770));
    daemon.finish();
}

#[test]
fn the_port_stays_and_the_address_changes() {
    if skipped() {
        return;
    }
    let text = format!("[inet_http_server]\nport=*:@port@\n{SETTINGS}{REST}")
        .replace("[unix_http_server]\nfile=@sock@\n", "");
    let setup = setup();
    let text = setup.fill(&text);
    let daemon = reloaded(setup.file("c.conf", &text), "port=*:", "port=127.0.0.2:");
    let port = daemon.address().rsplit(':').next().unwrap().to_string();
    let at = |host: &str| std::net::TcpStream::connect(format!("{host}:{port}")).is_ok();
    wait_until("it listens there", || at("127.0.0.2"));
    assert!(!at("127.0.0.1"), "and nowhere else");
    daemon.finish();
}

#[test]
fn another_password_is_asked_for() {
    if skipped() {
        return;
    }
    let daemon = reloaded(setup(), "file=@sock@\n", "file=@sock@\nusername=u\npassword=p\n");
    wait_until("it is closed to strangers", || {
        let asked = http::rpc(&daemon.socket(), "supervisor.getPID", &[]);
        asked.is_err_and(|e| e.to_string() == "HTTP status 401")
    });
    let open = "running without any HTTP authentication checking";
    assert_eq!(daemon.dir().read("main.log").matches(open).count(), 1);
    daemon.finish();
}

#[test]
fn programs_come_and_go() {
    if skipped() {
        return;
    }
    let more = "[program:x]\nenvironment=A=\"1\"\n[program:y]\ncommand=cat\nstartsecs=0\n[program:x]\n";
    let daemon = reloaded(setup(), "[program:x]\n", more);
    daemon.wait_state("y", "RUNNING");
    change(&daemon, "[program:y]\n", "[program:z]\n");
    daemon.signal(1);
    daemon.wait_state("z", "RUNNING");
    assert_eq!(daemon.info("y", "statename"), None);
    daemon.finish();
}

#[test]
fn the_environment_is_that_of_the_start() {
    if skipped() {
        return;
    }
    let setup = setup().env("GREETING", "hello");
    let daemon = reloaded(setup, "user=root\n", "user=root\nidentifier=%(ENV_GREETING)s\n");
    let name = || http::rpc(&daemon.socket(), "supervisor.getIdentification", &[]).unwrap_or_default();
    wait_until("it is expanded", || name().contains("<string>hello</string>"));
    daemon.finish();
}

#[test]
fn a_relative_file_is_found_again() {
    if skipped() {
        return;
    }
    let setup = setup();
    let name = setup.dir().join("supervisord");
    let old = setup.dir().read("c.conf").replace(&setup.dir().path().display().to_string(), "%(here)s");
    let daemon = Setup::new(&[&name, "-c", "c.conf"]).cwd(&setup.dir().path().display().to_string()).start();
    wait_until("x runs", || setup.dir().read("st").lines().count() == 1);
    setup.dir().write("c.conf", &old);
    daemon.signal(1);
    wait_until("x runs again", || setup.dir().read("st").lines().count() == 2);
    daemon.finish();
}

#[test]
fn what_was_stopped_by_hand_is_started_again() {
    if skipped() {
        return;
    }
    // Trap 44 [K].
    let daemon = setup().start();
    wait_lives(&daemon, 1);
    http::rpc(&daemon.socket(), "supervisor.stopProcess", &["x"]).expect("it answers");
    daemon.wait_state("x", "STOPPED");
    daemon.signal(1);
    wait_lives(&daemon, 2);
    daemon.wait_state("x", "RUNNING");
    daemon.finish();
}

#[test]
fn a_broken_file_is_refused_before_anything_stops() {
    if skipped() {
        return;
    }
    // Trap 43 [F].
    let daemon = setup().start();
    wait_lives(&daemon, 1);
    change(&daemon, "user=root\n", "user=root\nloglevel=verbose\n");
    daemon.signal(1);
    if ours() {
        wait_until("it says why", || {
            let log = daemon.dir().read("main.log");
            log.contains("cannot restart, going on as we are")
                && log.contains("bad logging level name 'verbose'")
        });
        assert_eq!(lives(&daemon), 1);
        daemon.wait_state("x", "RUNNING");
        // A mended file is taken.
        change(&daemon, "loglevel=verbose", "loglevel=info");
        daemon.signal(1);
        wait_lives(&daemon, 2);
        daemon.finish();
    } else {
        assert_refused(&daemon, "bad logging level name 'verbose'");
    }
}

#[test]
fn during_a_shutdown_it_is_ignored_and_it_is_said() {
    if skipped() {
        return;
    }
    let slow = "command=@dir@/puppet stamp @dir@/st ignore TERM hold\nstopwaitsecs=3\n";
    let setup = setup();
    let text =
        setup.dir().read("c.conf").replace(&setup.fill("command=@dir@/puppet stamp @dir@/st hold\n"), slow);
    let daemon = setup.file("c.conf", &text).start();
    wait_lives(&daemon, 1);
    daemon.signal(15);
    wait_until("it stops", || daemon.dir().read("main.log").contains("waiting for x to die"));
    // Not even a broken file is of interest now.
    change(&daemon, "user=root\n", "user=root\nloglevel=verbose\n");
    daemon.signal(1);
    let want = "WARN ignored SIGHUP indicating restart request (shutdown in progress)\n";
    wait_until("it is ignored", || daemon.dir().read("main.log").contains(want));
    daemon.finish();
}

#[test]
fn a_shutdown_wins_over_a_restart() {
    if skipped() {
        return;
    }
    let slow = "command=@dir@/puppet stamp @dir@/st ignore TERM hold\nstopwaitsecs=3\n";
    let setup = setup();
    let text =
        setup.dir().read("c.conf").replace(&setup.fill("command=@dir@/puppet stamp @dir@/st hold\n"), slow);
    let daemon = setup.file("c.conf", &text).start();
    wait_lives(&daemon, 1);
    daemon.signal(1);
    wait_until("it stops", || daemon.dir().read("main.log").contains("waiting for x to die"));
    daemon.signal(15);
    let log = daemon.dir().path().join("main.log");
    assert_eq!(daemon.wait_exit(), 0);
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.contains("WARN received SIGTERM indicating exit request\n"), "{text}");
    assert_eq!(lives(&daemon), 1);
    daemon.finish();
}

#[test]
fn sigusr2_opens_the_log_again() {
    if skipped() {
        return;
    }
    let daemon = setup().start();
    wait_until("it runs", || daemon.dir().read("main.log").contains("success: x"));
    std::fs::rename(daemon.dir().path().join("main.log"), daemon.dir().path().join("old.log")).unwrap();
    daemon.signal(12);
    wait_until("the new one is there", || daemon.dir().path().join("main.log").exists());
    let old = daemon.dir().read("old.log");
    // The signal is told in the old file, what is written later in the new one.
    assert!(old.contains("INFO received SIGUSR2 indicating log reopen request\n"), "{old}");
    wait_until("it is told", || {
        let both = daemon.dir().read("old.log") + &daemon.dir().read("main.log");
        both.contains("INFO supervisord logreopen\n")
    });
    let said = daemon.finish();
    assert!(said.contains("received SIGTERM indicating exit request"), "{said}");
}

#[test]
fn a_socket_file_that_was_removed_is_made_again() {
    if skipped() {
        return;
    }
    let daemon = setup().start();
    wait_lives(&daemon, 1);
    let socket = daemon.dir().path().join("s.sock");
    std::fs::remove_file(&socket).expect("it is there");
    daemon.signal(1);
    wait_lives(&daemon, 2);
    daemon.wait_state("x", "RUNNING");
    daemon.finish();
    assert!(!socket.exists());
}

#[test]
fn what_lies_in_the_place_of_a_socket_is_not_given_away() {
    if skipped() {
        return;
    }
    let daemon = setup().file("victim", "precious").start();
    wait_lives(&daemon, 1);
    let (socket, victim) = (daemon.dir().path().join("s.sock"), daemon.dir().path().join("victim"));
    harness::temp::set_mode(&victim, 0o600);
    std::fs::remove_file(&socket).expect("it is there");
    std::os::unix::fs::symlink(&victim, &socket).expect("the name is free");
    change(&daemon, "file=@sock@\n", "file=@sock@\nchmod=0777\nchown=daemon\n");
    daemon.signal(1);
    if ours() {
        daemon.wait_said("cannot restart");
        std::fs::remove_file(&socket).expect("it is ours");
        daemon.signal(1);
    }
    wait_lives(&daemon, 2);
    daemon.wait_state("x", "RUNNING");
    assert_eq!(owned(&daemon, "victim"), (0, 0, 0o600));
    let (uid, _, mode) = owned(&daemon, "s.sock");
    assert!(uid != 0 && mode == 0o777);
    assert_eq!(daemon.dir().read("victim"), "precious");
    daemon.finish();
}
