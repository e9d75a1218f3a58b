//! Every reason for which a value is refused, section by section, in Supervisor's words; and the odd values that are not.
//!
//! One row for each line of the contract's sections 1.3 to 1.8 that `config_errors` does not have. What the values mean is compared
//! by `tests/differential`.

use crate::support::{Sup, header, ours, setup, skipped};
use harness::{Setup, wait_until};

/// The first line of the reason.
fn reason(setup: Setup) -> String {
    let daemon = setup.start();
    assert_eq!(daemon.wait_exit(), 2, "exit code");
    wait_until("it has said why", || daemon.stderr().contains('\n'));
    let text = daemon.stderr().replace(&daemon.fill("@dir@"), "@dir@");
    text.lines()
        .find_map(|l| l.strip_prefix("Error: "))
        .unwrap_or_else(|| panic!("no `Error: ` in {text}"))
        .to_owned()
}

fn refused(config: &str) -> String {
    reason(setup(&(header("") + config)))
}

macro_rules! rows {
    ($($name:ident: $body:expr => $want:expr;)*) => {
        $(#[test]
        fn $name() {
            if !skipped() {
                assert_eq!(refused($body), $want);
            }
        })*
    };
}

// [supervisord]: no section and no file is named.
rows! {
    minfds: "[supervisord]\nminfds=many\n" => "invalid literal for int() with base 10: 'many'";
    main_umask: "[supervisord]\numask=u=rw\n" => "u=rw can not be converted to an octal type";
    main_directory: "[supervisord]\ndirectory=/no/such\n" => "/no/such is not an existing directory";
    main_pidfile: "[supervisord]\npidfile=/no/such/p\n" => "The directory named as part of the path /no/such/p does not exist";
    main_log_size: "[supervisord]\nlogfile_maxbytes=1.5MB\n" => "invalid literal for int() with base 10: '1.5'";
    main_backups: "[supervisord]\nlogfile_backups=1e3\n" => "invalid literal for int() with base 10: '1e3'";
    level_warning_is_none: "[supervisord]\nloglevel=warning\n" => "bad logging level name 'warning'";
    silent: "[supervisord]\nsilent=2\n" => "not a valid boolean value: '2'";
    strip_ansi: "[supervisord]\nstrip_ansi=\n" => "not a valid boolean value: ''";
    main_user_name: "[supervisord]\nuser=nosuchuser\n" => "Invalid user name nosuchuser";
    main_user_id: "[supervisord]\nuser=4123456\n" => "Invalid user id 4123456";
    main_environment: "[supervisord]\nenvironment=A=1,B\n" => "Unexpected end of key/value pairs in value 'A=1,B'";
    main_expansion: "[supervisord]\nidentifier=%z\n" =>
        "Format string '%z' for 'supervisord.identifier' is badly formatted: unsupported format character 'z' (0x7a) at index 1";
    a_user_is_expanded_in_its_turn: "[supervisord]\nuser=%\ndirectory=/no/such\n" => "/no/such is not an existing directory";
}

// [program:x]: the section and its file are named.
rows! {
    a_user_has_no_group: "[program:p]\ncommand=cat\nuser=root:root\n" =>
        "Invalid user name root:root in section 'program:p' (file: '@dir@/c.conf')";
    an_exit_code_above: "[program:p]\ncommand=cat\nexitcodes=0,\n  256\n" =>
        "not a valid list of exit codes: '0,\\n256' in section 'program:p' (file: '@dir@/c.conf')";
    a_real_time_signal_with_an_offset: "[program:p]\ncommand=cat\nstopsignal=RTMIN+1\n" =>
        "value 'RTMIN+1' is not a valid signal name in section 'program:p' (file: '@dir@/c.conf')";
    a_signal_between_the_named_ones: "[program:p]\ncommand=cat\nstopsignal=33\n" =>
        "value '33' is not a valid signal number in section 'program:p' (file: '@dir@/c.conf')";
    a_size_with_a_comma: "[program:p]\ncommand=cat\nstderr_capture_maxbytes=1,5MB\n" =>
        "invalid literal for int() with base 10: '1,5' in section 'program:p' (file: '@dir@/c.conf')";
    a_comment_sign_without_a_blank: "[program:p]\ncommand=cat\nstopwaitsecs=5;five\n" =>
        "invalid literal for int() with base 10: '5;five' in section 'program:p' (file: '@dir@/c.conf')";
    an_event_switch: "[program:p]\ncommand=cat\nstderr_events_enabled=maybe\n" =>
        "not a valid boolean value: 'maybe' in section 'program:p' (file: '@dir@/c.conf')";
    a_syslog_switch: "[program:p]\ncommand=cat\nstdout_syslog=maybe\n" =>
        "not a valid boolean value: 'maybe' in section 'program:p' (file: '@dir@/c.conf')";
    a_first_number: "[program:p]\ncommand=cat\nnumprocs_start=x\n" =>
        "invalid literal for int() with base 10: 'x' in section 'program:p' (file: '@dir@/c.conf')";
    a_process_name_with_a_colon: "[program:p]\ncommand=cat\nprocess_name=a:b\n" =>
        "Invalid name: 'a:b' because of character: ':' in section 'program:p' (file: '@dir@/c.conf')";
    a_program_name_with_a_slash: "[program:a/b]\ncommand=cat\n" => "Invalid name: 'a/b' because of character: '/'";
    a_percent_sign_at_the_end: "[program:p]\ncommand=cat 100%\n" =>
        "Format string 'cat 100%' for 'program:p.command' is badly formatted: incomplete format in section 'program:p' (file: '@dir@/c.conf')";
    a_text_as_a_number: "[program:p]\ncommand=cat %(here)d\n" =>
        "Format string 'cat %(here)d' for 'program:p.command' is badly formatted: %d format: a real number is required, not str in section 'program:p' (file: '@dir@/c.conf')";
    an_expansion_of_environment_has_the_bare_name: "[program:p]\ncommand=cat\nenvironment=A=\"50%\"\n" =>
        "Format string 'A=\"50%\"' for 'environment' is badly formatted: unsupported format character '\"' (0x22) at index 6 in section 'program:p' (file: '@dir@/c.conf')";
    a_later_section_of_the_same_name: "[program:p]\ncommand=cat\n[program:p]\nstartsecs=x\n" =>
        "invalid literal for int() with base 10: 'x' in section 'program:p' (file: '@dir@/c.conf')";
}

// [eventlistener:x]
rows! {
    a_listener_without_events: "[eventlistener:l]\ncommand=cat\n" => "[eventlistener:l] section requires an \"events\" line";
    a_listener_for_an_unknown_event: "[eventlistener:l]\ncommand=cat\nevents=TICK_5,foo\n" => "Unknown event type FOO in [eventlistener:l] events";
    a_listener_without_a_buffer: "[eventlistener:l]\ncommand=cat\nevents=TICK_5\nbuffer_size=0\n" =>
        "[eventlistener:l] section sets invalid buffer_size (0)";
    a_listener_with_stderr_on_stdout: "[eventlistener:l]\ncommand=cat\nevents=TICK_5\nredirect_stderr=true\n" =>
        "[eventlistener:l] section sets redirect_stderr=true but this is not allowed because it will interfere with the eventlistener protocol";
    a_listener_with_an_unknown_handler: "[eventlistener:l]\ncommand=cat\nevents=TICK_5\nresult_handler=no.such:handler\n" =>
        "no.such:handler cannot be resolved within [eventlistener:l]";
    a_listener_without_a_command: "[eventlistener:l]\nevents=TICK_5\n" =>
        "program section eventlistener:l does not specify a command in section 'eventlistener:l' (file: '@dir@/c.conf')";
    a_listener_is_named_after_its_events_are_read: "[eventlistener:a b]\ncommand=cat\n" => "[eventlistener:a b] section requires an \"events\" line";
}

// [fcgi-program:x]
rows! {
    fastcgi_without_a_socket: "[fcgi-program:f]\ncommand=cat\n" => "[fcgi-program:f] section requires a \"socket\" line";
    fastcgi_with_a_bad_socket: "[fcgi-program:f]\ncommand=cat\nsocket=foo\n" => "('Bad socket format %s', 'foo') in [fcgi-program:f] socket";
    fastcgi_with_a_relative_path: "[fcgi-program:f]\ncommand=cat\nsocket=unix://x.sock\n" =>
        "('Unix socket path %s is not an absolute path', 'x.sock') in [fcgi-program:f] socket";
    fastcgi_with_a_port_too_high: "[fcgi-program:f]\ncommand=cat\nsocket=tcp://h:65536\n" => "65536 is above upper bound (65535) in [fcgi-program:f] socket";
    fastcgi_with_an_owner_of_a_port: "[fcgi-program:f]\ncommand=cat\nsocket=tcp://h:80\nsocket_owner=root\n" =>
        "socket_owner and socket_mode params should only be used with a Unix domain socket in [fcgi-program:f] socket";
    fastcgi_with_a_bad_owner: "[fcgi-program:f]\ncommand=cat\nsocket=unix:///tmp/x\nsocket_owner=nosuch:root\n" => "Invalid socket_owner value nosuch:root";
    fastcgi_with_a_bad_mode: "[fcgi-program:f]\ncommand=cat\nsocket=unix:///tmp/x\nsocket_mode=rw\n" => "Invalid socket_mode value rw";
    fastcgi_with_no_backlog: "[fcgi-program:f]\ncommand=cat\nsocket=unix:///tmp/x\nsocket_backlog=0\n" => "Invalid socket_backlog value 0";
    fastcgi_with_an_unknown_user: "[fcgi-program:f]\ncommand=cat\nsocket=unix:///tmp/x\nuser=nosuch\n" => "Invalid user name nosuch";
}

// [group:x], servers, plug-ins
rows! {
    a_group_with_a_name_of_two: "[program:p]\ncommand=cat\n[fcgi-program:p]\ncommand=cat\nsocket=unix:///tmp/x\n[group:g]\nprograms=p\n" =>
        "[group:g] name p is ambiguous (exists as program and fcgi-program)";
    a_group_priority: "[program:p]\ncommand=cat\n[group:g]\nprograms=p\npriority=first\n" => "invalid literal for int() with base 10: 'first'";
    a_group_name_with_a_blank: "[group:a b]\nprograms=\n" => "Invalid name: 'a b' because of character: ' '";
    a_socket_mode: "[unix_http_server]\nchmod=9\n" => "Invalid chmod value 9";
    a_socket_owner: "[unix_http_server]\nchown=nosuch:root\n" => "Invalid sockchown value nosuch:root";
    a_password_without_a_name: "[unix_http_server]\npassword=p\n" =>
        "Section [unix_http_server] contains incomplete authentication: If a username or a password is specified, both the username and password must be specified";
    a_port_that_is_empty: "[inet_http_server]\nport=127.0.0.1:\n" => "no port number specified in ''";
    a_port_that_is_a_word: "[inet_http_server]\nport=http\n" => "not a valid port number: 'http' ";
    a_port_of_a_host_that_is_a_word: "[inet_http_server]\nport=127.0.0.1:http\n" => "invalid literal for int() with base 10: 'http'";
    a_port_below_all: "[inet_http_server]\nport=*:0\n" => "0 is below lower bound (1)";
    a_plug_in_that_is_not_there: "[rpcinterface:x]\nsupervisor.rpcinterface_factory=no.such:factory\n" =>
        "no.such:factory cannot be resolved within [rpcinterface:x]";
    a_plug_in_knows_variables_only: "[rpcinterface:supervisor]\nextra=%z\n" =>
        "Format string '%z' for 'rpcinterface:supervisor.extra' is badly formatted: unsupported format character 'z' (0x7a) at index 1";
    an_include_pattern: "[include]\nfiles=*.ini %z\n" =>
        "Format string '*.ini %z' for 'include.files' is badly formatted: unsupported format character 'z' (0x7a) at index 7";
}

#[test]
fn a_mistake_in_an_included_file_names_that_file() {
    if skipped() {
        return;
    }
    let main = header("") + "[include]\nfiles=part/*.ini\n";
    let with = |text: &str| reason(setup(&main).file("part/x.ini", text));
    assert_eq!(
        with("[program:q]\ncommand=cat\nstartsecs=x\n"),
        "invalid literal for int() with base 10: 'x' in section 'program:q' (file: '@dir@/part/x.ini')"
    );
    assert_eq!(with("[program:q]\njunk\n"), "Source contains parsing errors: '@dir@/part/x.ini'");
    assert_eq!(with("x=y\n"), "File contains no section headers.");
    // A section that both have belongs to the file that had it first.
    let main = format!("{main}[program:q]\ncommand=cat\n");
    assert_eq!(
        reason(setup(&main).file("part/x.ini", "[program:q]\nstartsecs=x\n")),
        "invalid literal for int() with base 10: 'x' in section 'program:q' (file: '@dir@/c.conf')"
    );
}

#[test]
fn a_byte_order_mark_hides_the_first_section() {
    if !skipped() {
        assert_eq!(
            reason(setup("\u{feff}[supervisord]\nnodaemon=true\n")),
            "File contains no section headers."
        );
    }
}

#[test]
fn a_section_that_is_not_closed_is_a_setting() {
    if !skipped() {
        assert_eq!(refused("[program:p\ncommand=cat\nx\n"), "Source contains parsing errors: '@dir@/c.conf'");
    }
}

/// Settings that look wrong and are not; each is the only one of its program.
const ODD: &[&str] = &[
    "autostart=Off",
    "autostart=0",
    "autorestart=UNEXPECTED",
    "startsecs=1_0",
    "startsecs= +5 ",
    "startsecs=-5",
    "startsecs=٣",
    "startsecs=99999999999999999999",
    "startretries=007",
    "stopsignal=sigusr1",
    "stopsignal=15",
    "stopsignal=0",
    "stopsignal=RTMIN",
    "stopsignal=64",
    "stopsignal=CLD",
    "stopsignal=SIG_IGN",
    "exitcodes=",
    "exitcodes= 0 , 0,255",
    "stdout_logfile=",
    "stdout_logfile=None",
    "stdout_logfile=OFF",
    "stdout_logfile=bare.log",
    "stdout_logfile=~root/x.log",
    "stdout_logfile=syslog",
    "stdout_logfile_maxbytes=5 mb",
    "stdout_logfile_maxbytes=-1",
    "stdout_logfile_backups=-3",
    "stderr_capture_maxbytes=1Gb",
    "environment=",
    "environment=A=1,\n  B=\"2\n  3\"",
    "directory=/no/such",
    "umask=0o22",
    "umask=7777777",
    "umask=-1",
    "user=0",
    "serverurl=  auto ",
    "serverurl=nonsense",
    "process_name=other",
    "process_name=%(program_name)s_%(process_num)03d",
    "priority=-1_000",
    "numprocs_start=-5",
    "unknown=%(nope)s",
    "stopasgroup=true",
    "killasgroup=true",
    "redirect_stderr=true\nstderr_logfile=/no-directory-needed",
    "command=\"unbalanced",
    "command=",
    "command=%(process_num)05.1f %(numprocs)e %(process_num)c",
];

#[test]
fn odd_values_are_accepted() {
    if skipped() {
        return;
    }
    let mut text = header("");
    for (n, line) in ODD.iter().enumerate() {
        text.push_str(&format!("[program:p{n}]\nautostart=false\ncommand=cat\n{line}\n"));
    }
    // Theirs takes a second for each group when it ends.
    let all: Vec<String> = (0..ODD.len()).map(|n| format!("p{n}")).collect();
    text.push_str(&format!("[group:odd]\nprograms={}\n[program:last]\ncommand=cat\n", all.join(",")));
    let sup = Sup::new(setup(&text));
    sup.wait_log("spawned: 'last'");
    let n = sup.ctl(&["status"]).stdout.lines().count();
    assert_eq!(n, ODD.len() + 1);
    sup.finish();
}

#[test]
fn what_is_unknown_is_ignored() {
    if skipped() {
        return;
    }
    let sup = Sup::new(setup(
        &(header("nodeamon=false")
            + "[Program:b]\ncommand=cat\n[suprvisord]\nx=%\n[program:a]\ncommand=cat\nautorestrat=maybe\n[group:none]\n[foo]\n"),
    ));
    sup.wait_log("spawned: 'a'");
    assert_eq!(sup.ctl(&["status"]).stdout.lines().count(), 1);
    if ours() {
        let said = sup.0.said();
        for hint in [
            "did you mean `nodaemon`?",
            "did you mean [program:b]?",
            "did you mean [supervisord]?",
            "did you mean `autorestart`?",
        ] {
            assert!(said.contains(hint), "{hint} in {said}");
        }
    }
    sup.finish();
}

#[test]
fn a_program_needs_a_name_here_and_none_there() {
    if skipped() {
        return;
    }
    let config = "[program:]\ncommand=cat\n";
    if ours() {
        assert_eq!(refused(config), "Invalid name: '' in section 'program:' (file: '@dir@/c.conf')");
    } else {
        let sup = Sup::new(setup(&(header("") + config)));
        sup.wait_log("INFO spawned: '' with pid");
        sup.finish();
    }
}
