//! What the daemon's own log says until the first program is spawned, from the first line on.

use crate::face::{face, log_of};
use crate::support::skipped;
use harness::{Setup, wait_until};

const ROOT: &str = "CRIT Supervisor is running as root.  Privileges were not dropped because no user is specified in the \
    config file.  If you intend to run as root, you can set user=root in the config file to avoid this message.";
const UID: &str = "INFO Set uid to user 0 succeeded";
const RPC: &str = "INFO RPC interface 'supervisor' initialized";
const OPEN_UNIX: &str = "CRIT Server 'unix_http_server' running without any HTTP authentication checking";
const STARTED: &str = "INFO supervisord started with pid PID";

const API: &str = "[rpcinterface:supervisor]\n\
    supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";
const UNIX: &str = "[unix_http_server]\nfile=@sock@\n";

fn setup(settings: &str, rest: &str) -> Setup {
    face(&format!(
        "[supervisord]\nnodaemon=true\nsilent=true\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
         {settings}\n[program:x]\ncommand=cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n{rest}"
    ))
}

/// Starts it and gives the lines before the first spawn.
#[track_caller]
fn first_lines(setup: Setup) -> Vec<String> {
    let daemon = setup.start();
    wait_until("x is spawned", || daemon.dir().read("main.log").contains("spawned: 'x'"));
    let lines = log_of(&daemon).into_iter().take_while(|l| !l.contains("spawned: ")).collect();
    daemon.finish();
    lines
}

#[test]
fn the_usual_file() {
    if !skipped() {
        let lines = first_lines(setup("user=root", &format!("{UNIX}{API}")));
        assert_eq!(lines, [UID, RPC, OPEN_UNIX, STARTED]);
    }
}

#[test]
fn root_without_a_user() {
    if !skipped() {
        assert_eq!(first_lines(setup("", &format!("{UNIX}{API}"))), [ROOT, RPC, OPEN_UNIX, STARTED]);
    }
}

#[test]
fn a_server_with_a_password_is_not_complained_of() {
    if !skipped() {
        let servers = format!("{UNIX}username=u\npassword=p\n{API}");
        assert_eq!(first_lines(setup("user=root", &servers)), [UID, RPC, STARTED]);
    }
}

#[test]
fn inet_servers_come_before_unix_ones_each_with_its_lines() {
    if !skipped() {
        let servers = format!("{UNIX}{API}[inet_http_server]\nport=127.0.0.1:@port@\n");
        let open = "CRIT Server 'inet_http_server' running without any HTTP authentication checking";
        assert_eq!(first_lines(setup("user=root", &servers)), [UID, RPC, open, RPC, OPEN_UNIX, STARTED]);
    }
}

#[test]
fn servers_are_named_as_written() {
    if !skipped() {
        let servers = format!("[unix_http_server:a b]\nfile=@sock@\n{API}");
        let open = "CRIT Server 'unix_http_server:a b' running without any HTTP authentication checking";
        assert_eq!(first_lines(setup("user=root", &servers)), [UID, RPC, open, STARTED]);
    }
}

#[test]
fn included_files_are_named_in_their_order_and_missing_ones_first() {
    if !skipped() {
        let include = format!("{UNIX}{API}[include]\nfiles=none/*.conf d/*.ini e.ini\n");
        let setup = setup("user=root", &include)
            .file(
                "d/b.ini",
                "[program:b]\ncommand=cat\nautostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
            )
            .file(
                "d/a.ini",
                "[program:a]\ncommand=cat\nautostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
            )
            .file("e.ini", "");
        assert_eq!(
            first_lines(setup),
            [
                "WARN No file matches via include \"@dir@/none/*.conf\"",
                "INFO Included extra file \"@dir@/d/a.ini\" during parsing",
                "INFO Included extra file \"@dir@/d/b.ini\" during parsing",
                "INFO Included extra file \"@dir@/e.ini\" during parsing",
                UID,
                RPC,
                OPEN_UNIX,
                STARTED,
            ]
        );
    }
}

#[test]
fn sockets_of_fastcgi_programs_are_tried_before_servers_are_opened() {
    if !skipped() {
        let fcgi = "[fcgi-program:f]\ncommand=cat\nautostart=false\nsocket=unix://@dir@/f.fcgi\nstdout_logfile=NONE\n\
            stderr_logfile=NONE\n";
        let setup = setup("user=root\nminfds=700", &format!("{UNIX}{API}{fcgi}"))
            .launcher(&["prlimit", "--nofile=400:4096"]);
        assert_eq!(
            first_lines(setup),
            [
                UID,
                "INFO Increased RLIMIT_NOFILE limit to 700",
                "INFO Creating socket unix://@dir@/f.fcgi",
                "INFO Closing socket unix://@dir@/f.fcgi",
                RPC,
                OPEN_UNIX,
                STARTED,
            ]
        );
    }
}

#[test]
fn limits_that_are_raised_are_told() {
    if !skipped() {
        let setup = setup("user=root\nminfds=700\nminprocs=300", &format!("{UNIX}{API}")).launcher(&[
            "prlimit",
            "--nofile=400:4096",
            "--nproc=150:1000",
        ]);
        assert_eq!(
            first_lines(setup),
            [
                UID,
                "INFO Increased RLIMIT_NOFILE limit to 700",
                "INFO Increased RLIMIT_NPROC limit to 300",
                RPC,
                OPEN_UNIX,
                STARTED,
            ]
        );
    }
}

#[test]
fn what_is_below_the_level_is_left_out_and_the_order_is_that_of_the_events() {
    if !skipped() {
        let daemon = setup("loglevel=critical", &format!("{UNIX}{API}")).start();
        daemon.wait_state("x", "RUNNING");
        assert_eq!(log_of(&daemon), [ROOT, OPEN_UNIX]);
        daemon.finish();
    }
}

#[test]
fn the_copy_on_stdout_is_the_log() {
    if !skipped() {
        let daemon = setup("user=root\nsilent=false", &format!("{UNIX}{API}")).start();
        wait_until("x is spawned", || daemon.dir().read("main.log").contains("spawned: 'x'"));
        wait_until("both say it", || daemon.stdout() == daemon.dir().read("main.log"));
        daemon.finish();
    }
}
