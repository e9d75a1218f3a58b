//! `mainstay run`: several programs from an INI file, started and stopped; what goes wrong with them and what is said.

use crate::support::{ctl, ini, ini_header, mainstay, needs_root};
use harness::{Daemon, Setup, Stopwatch, bins, proc, wait_until};
use std::time::Duration;

const THREE: &str = "[program:web]\ncommand=@puppet@ say web hold\nstartsecs=0\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
    [program:db]\ncommand=@puppet@ say db hold\nstartsecs=0\npriority=1\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
    [program:job]\ncommand=@puppet@ exit 0\nstartsecs=0\nautorestart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n";

#[test]
fn several_programs_run_and_stop_in_order() {
    let daemon = ini(THREE).start();
    for (name, state) in [("web", "RUNNING"), ("db", "RUNNING"), ("job", "EXITED")] {
        daemon.wait_state(name, state);
    }
    let said = daemon.finish();
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("`{text}` was not said in {said}"));
    assert!(at("spawned: 'db'") < at("spawned: 'job'") && at("spawned: 'job'") < at("spawned: 'web'"));
    assert!(at("stopped: web") < at("stopped: db"), "{said}");
}

#[test]
fn the_supervisord_face_takes_supervisords_options() {
    let setup = Setup::new(&["@dir@/supervisord", "-n", "-c", "@dir@/x.conf", "-e", "debug", "-i", "me"])
        .file("x.conf", &format!("{}{THREE}", ini_header()));
    std::os::unix::fs::symlink(harness::mainstay(), setup.dir().path().join("supervisord")).unwrap();
    let daemon = setup.start();
    daemon.wait_state("web", "RUNNING");
    daemon.finish();
}

#[test]
fn as_pid_1_it_stays_in_the_foreground_whatever_nodaemon_says() {
    if needs_root() {
        return;
    }
    let text = format!("{}{THREE}", ini_header()).replace("nodaemon=true", "nodaemon=false");
    let setup = Setup::new(&["@dir@/supervisord", "-c", "@dir@/x.conf"]).file("x.conf", &text).pid1();
    std::os::unix::fs::symlink(harness::mainstay(), setup.dir().path().join("supervisord")).unwrap();
    let daemon = setup.start();
    daemon.wait_state("web", "RUNNING");
    assert_eq!(ctl(&daemon, &["pid"]).stdout.trim(), "1");
    daemon.finish();
}

#[test]
fn the_supervisord_face_goes_into_the_background_where_it_is_not_pid_1() {
    let text = format!("{}{THREE}", ini_header()).replace("nodaemon=true", "nodaemon=false");
    let setup = Setup::new(&["@dir@/supervisord", "-c", "@dir@/x.conf"]).file("x.conf", &text);
    std::os::unix::fs::symlink(harness::mainstay(), setup.dir().path().join("supervisord")).unwrap();
    let daemon = setup.start();
    assert_eq!(daemon.wait_exit(), 0, "the one in front ends");
    daemon.wait_state("web", "RUNNING");
    let pid: i32 = daemon.dir().read("d.pid").trim().parse().unwrap();
    assert!(proc::stat(pid).is_some_and(
        |s| s.session == pid || s.session != proc::stat(std::process::id() as i32).unwrap().session
    ));
    harness::kill(pid, 15).unwrap();
    wait_until("the one behind ends", || !proc::alive(pid));
    daemon.ended(0);
}

#[test]
fn programs_have_three_descriptors_and_their_own_group() {
    let daemon = ini(
        "[program:p]\ncommand=@puppet@ fds pgid hold\nstartsecs=0\nredirect_stderr=true\nstdout_logfile=@dir@/p.out\n\
         [program:q]\ncommand=@puppet@ fds hold\nstartsecs=0\nstdout_logfile=@dir@/q.out\nstderr_logfile=NONE\n",
    )
    .start();
    wait_until("both have said it", || {
        daemon.dir().read("p.out").contains("leader") && daemon.dir().read("q.out").contains("fd 2")
    });
    for file in ["p.out", "q.out"] {
        let text = daemon.dir().read(file);
        assert_eq!(text.matches("fd ").count(), 3, "{text}");
    }
    assert!(daemon.dir().read("p.out").contains("leader true"));
    daemon.finish();
}

#[test]
fn a_program_that_is_not_there_is_named_and_given_up() {
    let daemon = ini("[program:p]\ncommand=/no/such/program\nstartretries=0\n").start();
    daemon.wait_said("spawnerr: can't find command '/no/such/program'");
    daemon.wait_said("gave up: p entered FATAL state");
    assert_eq!(daemon.info("p", "spawnerr").as_deref(), Some("can't find command '/no/such/program'"));
    assert!(ctl(&daemon, &["status"]).stdout.contains("can't find command '/no/such/program'"));
    daemon.finish();
}

#[test]
fn a_program_that_ignores_sigterm_is_killed_and_it_is_said() {
    let daemon = ini(
        "[program:stubborn]\ncommand=@puppet@ ignore TERM touch @dir@/up hold\nstartsecs=0\nstopwaitsecs=1\n",
    )
    .start();
    wait_until("it ignores", || daemon.dir().path().join("up").exists());
    let watch = Stopwatch::start();
    let said = daemon.finish();
    assert!(
        watch.elapsed() >= Duration::from_secs(1) && watch.elapsed() < Duration::from_secs(4),
        "{:?}",
        watch.elapsed()
    );
    assert!(said.contains("killing 'stubborn' (") && said.contains(") with SIGKILL"), "{said}");
    assert!(said.contains("stopped: stubborn (terminated by SIGKILL)"), "{said}");
}

#[test]
fn a_stopped_program_is_continued_or_killed_in_time() {
    let daemon = ini("[program:p]\ncommand=@puppet@ hold\nstartsecs=0\nstopwaitsecs=1\n").start();
    daemon.wait_state("p", "RUNNING");
    let pid: i32 = daemon.info("p", "pid").and_then(|p| p.parse().ok()).unwrap();
    harness::kill(pid, 19).unwrap();
    daemon.finish();
}

#[test]
fn a_program_that_forks_and_dies_is_an_exit_and_what_it_left_is_not_lost_sight_of() {
    // A TOML program stops with its group; the grandchild has left none of it when the daemon ends.
    let daemon = crate::support::toml(
        "[program.forker]\ncommand = [\"@puppet@\", \"fork-and-die\"]\nstartsecs = 0\nautorestart = false\n\
         [program.other]\ncommand = [\"@puppet@\", \"hold\"]\n",
    )
    .start();
    daemon.wait_said("exited: forker (exit status 0; expected)");
    let named = || daemon.said().lines().find_map(|l| l.strip_prefix("pid ")?.trim().parse::<i32>().ok());
    wait_until("it named its child", || named().is_some());
    let orphan = named().expect("just seen");
    assert!(proc::stat(orphan).is_some_and(|s| s.ppid == daemon.pid()), "we are its parent now");
    harness::kill(orphan, 9).unwrap();
    wait_until("it is reaped", || proc::stat(orphan).is_none());
    daemon.finish();
}

#[test]
fn a_program_that_forks_too_early_is_told_to_stay_in_front() {
    let daemon = ini("[program:p]\ncommand=@puppet@ fork-and-die\nstartsecs=5\nstartretries=0\n").start();
    daemon.wait_said("exited: p (exit status 0; not expected)");
    daemon.wait_said("gave up: p entered FATAL state");
    for pid in daemon.offspring() {
        if proc::cmdline(pid).iter().any(|w| w == "fork-and-die") {
            harness::kill(pid, 9).unwrap();
        }
    }
    daemon.finish();
}

#[test]
fn a_log_that_cannot_be_written_is_named_and_the_rest_goes_on() {
    let setup =
        ini("[program:p]\ncommand=@puppet@ hold\nstartsecs=0\nstartretries=0\nstdout_logfile=@dir@/folder\n\
         [program:q]\ncommand=@puppet@ hold\nstartsecs=0\n")
        .file("folder/x", "");
    let daemon = setup.start();
    daemon.wait_state("q", "RUNNING");
    daemon.wait_said("unknown error making dispatchers for 'p': EISDIR");
    let path = daemon.fill("cannot open log `@dir@/folder`");
    daemon.wait_said(&path);
    daemon.wait_said("hint: ");
    daemon.finish();
}

#[test]
fn a_main_log_that_cannot_be_written_does_not_end_the_daemon() {
    let text = ini_header().replace("logfile=@dir@/main.log", "logfile=@dir@/folder");
    let daemon = Setup::ini(&format!("{text}{THREE}")).file("folder/x", "").start();
    daemon.wait_state("web", "RUNNING");
    let path = daemon.fill("@dir@/folder");
    assert!(daemon.stderr().contains(&path) || daemon.stdout().contains(&path), "the path is named");
    daemon.finish();
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_started() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let text = format!("{}{}", ini_header(), "[program:p]\ncommand=@puppet@ touch @dir@/started hold\n");
    let daemon = Setup::ini(&text.replace("@port@", &port)).start();
    assert_eq!(daemon.wait_exit(), 2);
    wait_until("it has said why", || daemon.stderr().contains(&port));
    let said = daemon.stderr();
    assert!(said.contains("cannot listen on") && said.contains("hint: "), "{said}");
    assert!(!daemon.dir().path().join("started").exists());
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let setup = ini(THREE);
    drop(std::os::unix::net::UnixListener::bind(setup.fill("@sock@")).unwrap());
    let daemon = setup.start();
    daemon.wait_state("web", "RUNNING");
    let conf = daemon.fill("@dir@/supervisord.conf");
    let second = mainstay(&["run", "-c", &conf]);
    assert_eq!(second.code(), 2, "{}", second.stderr);
    assert!(second.stderr.contains("cannot listen on"), "{}", second.stderr);
    daemon.wait_state("web", "RUNNING");
    daemon.finish();
}

#[test]
fn killed_and_started_again_on_the_same_files_it_works() {
    let first = ini(THREE).start();
    first.wait_state("web", "RUNNING");
    let conf = first.fill("@dir@/supervisord.conf");
    first.signal(9);
    first.wait_exit();
    for pid in first.offspring() {
        // Some end by themselves when their parent is gone.
        let _ = harness::kill(pid, 9);
    }
    wait_until("all are gone", || first.offspring().is_empty());
    let second = Setup::new(&["@mainstay@", "run", "-c", &conf]).start();
    wait_until("it answers", || harness::http::rpc(&first.socket(), "supervisor.getPID", &[]).is_ok());
    second.wait_said_in(&first, "success: web");
    second.finish();
}

#[test]
fn fatal_programs_do_not_end_the_daemon() {
    let daemon = ini("[program:p]\ncommand=@puppet@ exit 3\nstartretries=0\nstartsecs=5\n").start();
    daemon.wait_state("p", "FATAL");
    assert!(daemon.status().is_none());
    daemon.finish();
}

#[test]
fn a_main_program_after_dashes_ends_the_rest_with_its_code() {
    let daemon =
        ini(THREE).arg("--").arg("@puppet@").arg("wait-file").arg("@dir@/go").arg("exit").arg("42").start();
    daemon.wait_state("web", "RUNNING");
    daemon.dir().write("go", "");
    daemon.ended(42);
}

/// The process that answers HTTP. It has a clean environment, so it is found as a child.
fn gateway(daemon: &Daemon) -> Option<i32> {
    let children = proc::children(daemon.pid());
    children.into_iter().map(|s| s.pid).find(|p| proc::cmdline(*p).iter().any(|w| w == "gateway"))
}

#[test]
fn an_idle_daemon_does_not_wake_up() {
    let daemon = ini(THREE).start();
    daemon.wait_state("web", "RUNNING");
    daemon.wait_state("job", "EXITED");
    let wakeups = |pid: i32| -> u64 {
        ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"]
            .iter()
            .filter_map(|f| proc::status(pid, f)?.parse::<u64>().ok())
            .sum()
    };
    let gateway = gateway(&daemon).expect("the gateway runs");
    // The last request's connection may still be on its way out.
    let settled = harness::holds_within(Duration::from_secs(15), || {
        let before = (wakeups(daemon.pid()), wakeups(gateway));
        harness::pause(2500);
        before == (wakeups(daemon.pid()), wakeups(gateway))
    });
    assert!(settled, "core or gateway woke up while there was nothing to do");
    daemon.finish();
}

#[test]
fn a_killed_gateway_is_started_again() {
    let daemon = ini(THREE).start();
    daemon.wait_state("web", "RUNNING");
    let first = gateway(&daemon).expect("the gateway runs");
    harness::kill(first, 9).unwrap();
    wait_until("another one answers", || {
        gateway(&daemon).is_some_and(|p| p != first) && daemon.get("/livez").is_some_and(|a| a.status == 200)
    });
    daemon.wait_state("web", "RUNNING");
    daemon.finish();
}

#[test]
fn busybox_programs_run_too() {
    let Some(busybox) = bins::which("busybox") else {
        return println!("skipped: needs busybox");
    };
    let daemon = ini(&format!("[program:p]\ncommand={busybox} sleep 1000\nstartsecs=0\n")).start();
    daemon.wait_state("p", "RUNNING");
    daemon.finish();
}

#[test]
fn a_kernel_that_refuses_to_wait_is_the_last_resort() {
    // What cannot happen is made to happen by a tracer that lets the wait fail from its third call on.
    if harness::Cmd::new(&["strace", "-V"]).run().code() != 0 {
        println!("skipped: strace is not installed");
        return;
    }
    let refuse = "inject=epoll_wait,epoll_pwait:error=EBADF:when=3+";
    let daemon = Setup::toml("[program.p]\ncommand = [\"@puppet@\", \"on\", \"TERM\", \"0\", \"hold\"]\n")
        .launcher(&["strace", "-o", "/dev/null", "-e", "trace=epoll_wait,epoll_pwait", "-e", refuse])
        .start();
    daemon.wait_said("internal error: cannot wait for events");
    assert_eq!(daemon.wait_exit(), 70);
    wait_until("nothing is left", || daemon.offspring().is_empty());
}
