//! Configurations that are refused: exit code 2 and the first line of the message.

use crate::support::{header, setup, skipped};
use harness::wait_until;

/// Starts with the text and gives back the first line of stderr.
fn first_line(config: &str) -> String {
    let daemon = setup(config).start();
    assert_eq!(daemon.wait_exit(), 2, "exit code");
    wait_until("it has said why", || daemon.stderr().contains('\n'));
    let text = daemon.stderr().replace(&daemon.fill("@dir@"), "@dir@");
    let line =
        text.lines().find(|l| l.starts_with("Error: ")).unwrap_or_else(|| panic!("no `Error: ` in {text}"));
    line.to_string()
}

macro_rules! rows {
    ($($name:ident: $body:expr => $want:expr;)*) => {
        $(#[test]
        fn $name() {
            if !skipped() {
                assert_eq!(first_line(&(header("") + $body)), concat!("Error: ", $want));
            }
        })*
    };
}

rows! {
    a_program_without_a_command: "[program:p]\n" =>
        "program section program:p does not specify a command in section 'program:p' (file: '@dir@/c.conf')";
    an_integer_that_is_none: "[program:p]\ncommand=cat\nstartsecs=abc\n" =>
        "invalid literal for int() with base 10: 'abc' in section 'program:p' (file: '@dir@/c.conf')";
    a_boolean_that_is_none: "[program:p]\ncommand=cat\nautostart=maybe\n" =>
        "not a valid boolean value: 'maybe' in section 'program:p' (file: '@dir@/c.conf')";
    an_autorestart_that_is_none: "[program:p]\ncommand=cat\nautorestart=maybe\n" =>
        "invalid 'autorestart' value 'maybe' in section 'program:p' (file: '@dir@/c.conf')";
    an_exit_code_out_of_range: "[program:p]\ncommand=cat\nexitcodes=0,300\n" =>
        "not a valid list of exit codes: '0,300' in section 'program:p' (file: '@dir@/c.conf')";
    a_signal_name_that_is_none: "[program:p]\ncommand=cat\nstopsignal=FOO\n" =>
        "value 'FOO' is not a valid signal name in section 'program:p' (file: '@dir@/c.conf')";
    a_signal_number_that_is_none: "[program:p]\ncommand=cat\nstopsignal=99\n" =>
        "value '99' is not a valid signal number in section 'program:p' (file: '@dir@/c.conf')";
    an_umask_that_is_not_octal: "[program:p]\ncommand=cat\numask=999\n" =>
        "999 can not be converted to an octal type in section 'program:p' (file: '@dir@/c.conf')";
    an_unknown_user: "[program:p]\ncommand=cat\nuser=nosuchuser\n" =>
        "Invalid user name nosuchuser in section 'program:p' (file: '@dir@/c.conf')";
    an_unknown_uid: "[program:p]\ncommand=cat\nuser=4123456\n" =>
        "Invalid user id 4123456 in section 'program:p' (file: '@dir@/c.conf')";
    a_log_in_a_missing_directory: "[program:p]\ncommand=cat\nstdout_logfile=/no/such/x.log\n" =>
        "The directory named as part of the path /no/such/x.log does not exist in section 'program:p' (file: '@dir@/c.conf')";
    a_log_size_that_is_none: "[program:p]\ncommand=cat\nstdout_logfile_maxbytes=5K\n" =>
        "invalid literal for int() with base 10: '5k' in section 'program:p' (file: '@dir@/c.conf')";
    numprocs_without_process_num: "[program:p]\ncommand=cat\nnumprocs=2\n" =>
        "%(process_num) must be present within process_name when numprocs > 1 in section 'program:p' (file: '@dir@/c.conf')";
    a_program_name_with_a_blank: "[program:a b]\ncommand=cat\n" =>
        "Invalid name: 'a b' because of character: ' '";
    stopasgroup_without_killasgroup: "[program:p]\ncommand=cat\nstopasgroup=true\nkillasgroup=false\n" =>
        "Cannot set stopasgroup=true and killasgroup=false in section 'program:p' (file: '@dir@/c.conf')";
    environment_without_a_value: "[program:p]\ncommand=cat\nenvironment=FOO\n" =>
        "Unexpected end of key/value pairs in value 'FOO' in section 'program:p' (file: '@dir@/c.conf')";
    environment_with_an_empty_value: "[program:p]\ncommand=cat\nenvironment=A=\n" =>
        "Unexpected end of key/value pairs in value 'A=' in section 'program:p' (file: '@dir@/c.conf')";
    a_priority_that_is_none_has_no_place: "[program:p]\ncommand=cat\npriority=high\n" =>
        "invalid literal for int() with base 10: 'high'";
    a_group_of_an_unknown_program: "[program:p]\ncommand=cat\n[group:g]\nprograms=zz,p\n" =>
        "[group:g] names unknown program or fcgi-program zz";
    an_include_without_files: "[include]\nx=y\n" => ".ini file has [include] section, but no files setting";
    a_unix_server_without_a_file: "[unix_http_server:two]\nchmod=0700\n" =>
        "section [unix_http_server:two] has no file value";
    an_inet_server_without_a_port: "[inet_http_server]\nx=y\n" => "section [inet_http_server] has no port value";
    a_port_out_of_range: "[inet_http_server]\nport=127.0.0.1:99999\n" => "99999 is above upper bound (65535)";
    half_an_authentication: "[inet_http_server]\nport=127.0.0.1:9\nusername=u\n" =>
        "Section [inet_http_server] contains incomplete authentication: If a username or a password is specified, both the username and password must be specified";
    an_rpc_interface_without_a_factory: "[rpcinterface:x]\ny=z\n" =>
        "section [rpcinterface:x] does not specify a supervisor.rpcinterface_factory";
}

#[test]
fn an_unknown_name_in_an_expansion_is_named() {
    if skipped() {
        return;
    }
    // Theirs goes on with every variable name that there is; ours does not show the environment.
    let line = first_line(&(header("") + "[program:p]\ncommand=cat %(nope)s\n"));
    let want = "Error: Format string 'cat %(nope)s' for 'program:p.command' contains names ('nope') which cannot be expanded.";
    assert!(line.starts_with(want), "{line}");
}

#[test]
fn an_unset_variable_in_an_expansion_is_named() {
    if skipped() {
        return;
    }
    let line = first_line(&(header("") + "[program:p]\ncommand=cat %(ENV_SURELY_NOT_SET)s\n"));
    let want = "Error: Format string 'cat %(ENV_SURELY_NOT_SET)s' for 'program:p.command' contains names ('ENV_SURELY_NOT_SET')";
    assert!(line.starts_with(want), "{line}");
}

#[test]
fn a_malformed_expansion_is_badly_formatted() {
    if skipped() {
        return;
    }
    let line = first_line(&(header("") + "[program:p]\ncommand=cat %(program_name)\n"));
    let want = "Error: Format string 'cat %(program_name)' for 'program:p.command' is badly formatted: incomplete format";
    assert!(line.starts_with(want), "{line}");
}

#[test]
fn a_file_without_a_supervisord_section() {
    if !skipped() {
        let want = "Error: .ini file does not include supervisord section";
        assert_eq!(first_line("[program:p]\ncommand=cat\n"), want);
    }
}

#[test]
fn a_file_without_any_section() {
    if !skipped() {
        assert_eq!(first_line("command=cat\n"), "Error: File contains no section headers.");
    }
}

#[test]
fn a_line_that_is_no_setting() {
    if !skipped() {
        let want = "Error: Source contains parsing errors: '@dir@/c.conf'";
        assert_eq!(first_line("[supervisord]\njust words\n"), want);
    }
}

#[test]
fn a_bad_log_level() {
    if !skipped() {
        assert_eq!(first_line(&header("loglevel=verbose")), "Error: bad logging level name 'verbose'");
    }
}

#[test]
fn a_missing_directory_of_the_main_log() {
    if !skipped() {
        let want = "Error: The directory named as part of the path /no/such/main.log does not exist";
        assert_eq!(first_line(&header("logfile=/no/such/main.log")), want);
    }
}

#[test]
fn a_missing_childlogdir() {
    if !skipped() {
        assert_eq!(
            first_line(&header("childlogdir=/no/such")),
            "Error: /no/such is not an existing directory"
        );
    }
}

#[test]
fn a_missing_file() {
    if skipped() {
        return;
    }
    let daemon = setup("").arg("-e").arg("info");
    std::fs::remove_file(daemon.dir().path().join("c.conf")).unwrap();
    let daemon = daemon.start();
    assert_eq!(daemon.wait_exit(), 2);
    wait_until("it has said why", || daemon.stderr().contains("-h"));
    let text = daemon.stderr().replace(&daemon.fill("@dir@"), "@dir@");
    assert!(text.starts_with("Error: could not find config file @dir@/c.conf\nFor help, use "), "{text}");
}

#[test]
fn command_line_mistakes() {
    if skipped() {
        return;
    }
    let rows: [(&[&str], &str); 4] = [
        (&["--bogus"], "Error: option --bogus not recognized"),
        (&["-m", "999"], "Error: invalid value for -m '999': 999 can not be converted to an octal type"),
        (&["foo"], "Error: positional arguments are not supported: ['foo']"),
        (&["-n"], "Error: conflicting command line option '-n'"),
    ];
    let mut wrong = Vec::new();
    for (words, want) in rows {
        let daemon = words.iter().fold(setup(&header("")), |s, w| s.arg(w)).start();
        let code = daemon.wait_exit();
        wait_until("it has said why", || daemon.stderr().contains('\n'));
        let line = daemon.stderr().lines().next().unwrap_or("").to_string();
        if code != 2 || line != want {
            wrong.push((words, code, line));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_port_of_another_program() {
    if skipped() {
        return;
    }
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let line = first_line(&format!("{}[inet_http_server]\nport=127.0.0.1:{port}\n", header("")));
    let want = "Error: Another program is already listening on a port that one of our HTTP servers is configured to use.  \
                Shut this program down first before starting supervisord.";
    assert_eq!(line, want);
}

#[test]
fn version_and_help() {
    if skipped() {
        return;
    }
    let daemon = setup(&header("")).arg("-v").start();
    assert_eq!(daemon.wait_exit(), 0);
    wait_until("the version is said", || daemon.stdout() == "4.3.0\n");
    let daemon = setup(&header("")).arg("-h").start();
    assert_eq!(daemon.wait_exit(), 0);
    wait_until("the help is said", || daemon.stdout().contains("--configuration"));
}
