use crate::config::diag::{Diagnostic, Severity};
use crate::config::model::{
    Autorestart, Backoff, Config, ControlAddress, GroupKind, LogTarget, MainLog, Program, StdStream, Stdin,
};
use crate::config::testing::{FakeWorld, findings, load_ini, load_text, load_toml};
use crate::config::{Sources, load};
use crate::types::LogLevel;

fn ini(text: &str) -> Config {
    load_ini(text).unwrap_or_else(|found| panic!("{}", found.render())).config
}

fn toml(text: &str) -> Config {
    load_toml(text).unwrap_or_else(|found| panic!("{}", found.render())).config
}

fn program(text: &str) -> Program {
    ini(&format!("[program:a]\n{text}")).groups.remove(0).programs.remove(0)
}

/// What Supervisor would have said.
fn words(text: &str) -> String {
    load_ini(text).map(|_| ()).unwrap_err().supervisor().unwrap_or("(no words)").to_owned()
}

/// The one finding whose message holds these words.
fn finding(text: &str, words: &str) -> Diagnostic {
    let mut all = findings(load_ini(text));
    all.retain(|d| d.message.contains(words));
    assert_eq!(all.len(), 1, "{words}: {all:?}");
    all.remove(0)
}

fn warnings(text: &str) -> Vec<String> {
    findings(load_ini(text)).into_iter().map(|d| d.message).collect()
}

#[test]
fn ini_defaults_are_supervisors() {
    let config = ini("[program:a]\ncommand=x\n");
    let s = &config.supervisor;
    assert_eq!(s.logfile, MainLog::File("/srv/supervisord.log".into()));
    assert_eq!((s.logfile_maxbytes, s.logfile_backups, s.loglevel), (50 << 20, 10, LogLevel::Info));
    assert_eq!(s.pidfile.as_deref(), Some("/srv/supervisord.pid".as_ref()));
    assert_eq!((s.umask, s.nodaemon, s.minfds, s.minprocs), (0o22, false, 1024, 200));
    assert_eq!(s.log_stream, Some(StdStream::Stdout));
    assert!(!s.exit_when_all_exited && !s.create_directories);
    let p = &config.groups[0].programs[0];
    assert_eq!((p.priority, p.autostart, p.autorestart), (999, true, Autorestart::Unexpected));
    assert_eq!((p.startsecs_ms, p.startretries, p.stopwaitsecs_ms), (1000, 3, 10_000));
    assert_eq!(
        (p.stopasgroup, p.killasgroup, p.stdin, p.backoff),
        (false, false, Stdin::Pipe, Backoff::Linear)
    );
    assert_eq!((&p.stdout.target, p.stdout.maxbytes, p.stdout.backups), (&LogTarget::Auto, 50 << 20, 10));
    assert_eq!(p.exitcodes, [0]);
}

#[test]
fn toml_defaults_are_a_containers() {
    let config = toml("[program.a]\ncommand = \"x\"\n");
    let s = &config.supervisor;
    assert_eq!((&s.logfile, &s.pidfile, s.log_stream), (&MainLog::None, &None, Some(StdStream::Stderr)));
    assert!(s.nodaemon && s.exit_when_all_exited && s.create_directories);
    let p = &config.groups[0].programs[0];
    assert_eq!((p.stopasgroup, p.killasgroup, p.backoff), (true, true, Backoff::CONTAINER));
    assert_eq!(p.stdout.target, LogTarget::Stream { fd: 1, text: "/dev/stdout".into() });
    assert_eq!(p.stderr.target, LogTarget::Stream { fd: 2, text: "/dev/stderr".into() });
}

#[test]
fn all_errors_are_collected_each_with_its_place() {
    let text = "loglevel=loud\n[program:a]\nautostart=maybe\nstartsecs=x\n[program:b]\ncommand=%(nope)s\n[group:g]\nprograms=c\n";
    let found = findings(load_ini(text));
    let errors: Vec<(u32, &str)> = found
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| (d.span.as_ref().map_or(0, |s| s.line), d.message.as_str()))
        .collect();
    assert_eq!(
        errors,
        [
            (2, "cannot read `loglevel` of [supervisord]: bad logging level name 'loud'"),
            (9, "cannot use [group:g]: there is no program `c`"),
            (4, "cannot read `autostart` of [program:a]: not a valid boolean value: 'maybe'"),
            (5, "cannot read `startsecs` of [program:a]: invalid literal for int() with base 10: 'x'"),
            (3, "cannot use [program:a]: `command` is missing"),
            (7, "cannot expand `command` of [program:b]: the name `nope` is not known here"),
        ]
    );
}

#[test]
fn an_early_mistake_does_not_hide_a_later_one_of_the_same_program() {
    let text = "[program:a]\nstartsecs=x\ncommand=%(nope)s\n[program:b]\nenvironment=A\n[program:c]\nuser=ghost\n\
                environment=A\n";
    let found = findings(load_ini(text));
    let errors: Vec<_> = found.iter().map(|d| d.span.as_ref().map_or(0, |s| s.line)).collect();
    assert_eq!(errors, [3, 4, 6, 5, 8, 9, 7], "{found:?}");
}

#[test]
fn errors_of_programs_name_section_and_file_in_supervisors_words() {
    assert_eq!(
        words("[program:a]\ncommand=x\nautostart=maybe\n"),
        "not a valid boolean value: 'maybe' in section 'program:a' (file: '/e/s.conf')"
    );
    assert_eq!(words("[program:a]\ncommand=x\npriority=y\n"), "invalid literal for int() with base 10: 'y'");
    assert_eq!(
        words("[program:a]\n"),
        "program section program:a does not specify a command in section 'program:a' (file: '/e/s.conf')"
    );
}

#[test]
fn no_message_prints_a_variable_or_a_password() {
    let secret = [("SECRET", "hunter2")];
    for line in
        ["command=date +%s", "command=%(nope)s", "environment=A=%(ENV_SECRET)s=1", "stdout_logfile=%s"]
    {
        let text = format!("[supervisord]\n[program:a]\ncommand=x\n{line}\n");
        let found = load_text("/e/s.conf", &text, &secret).map(|_| ()).unwrap_err();
        assert!(!found.render().contains("hunter2"), "{}", found.render());
    }
}

#[test]
fn a_bare_percent_s_is_refused() {
    let found = finding("[program:a]\ncommand=date +%s\n", "`%s` has no name");
    assert_eq!(found.hint.as_deref(), Some("write `%%` for a literal `%`"));
    assert_eq!(program("command=date +%%s").command, "date +%s");
}

#[test]
fn a_missing_variable_is_named() {
    let found = finding("[program:a]\ncommand=%(ENV_DB)s\n", "`DB` is not set");
    assert_eq!(found.setting, "[program:a] command");
}

#[test]
fn numprocs_makes_copies_by_number() {
    let config =
        ini("[program:a]\ncommand=run %(process_num)d of %(numprocs)d\nnumprocs=3\nnumprocs_start=9\n\
                      process_name=%(program_name)s_%(process_num)02d\nenvironment=N=\"%(process_num)d\"\n\
                      directory=/%(ENV_N)s\n");
    let shown: Vec<_> = config.processes().map(|p| (p.name.as_str(), p.command.as_str())).collect();
    assert_eq!(shown, [("a_09", "run 9 of 3"), ("a_10", "run 10 of 3"), ("a_11", "run 11 of 3")]);
    assert_eq!(config.groups[0].programs[2].directory.as_deref(), Some("/11".as_ref()));
    assert_eq!(ini("[program:a]\ncommand=x\nnumprocs=0\n").groups[0].programs.len(), 0);
}

#[test]
fn several_copies_need_a_number_in_their_name() {
    assert!(
        words("[program:a]\ncommand=x\nnumprocs=2\n")
            .starts_with("%(process_num) must be present within process_name")
    );
    assert!(
        words("[program:a]\ncommand=x\nnumprocs=99999999999\nprocess_name=%(process_num)d\n")
            .contains("above upper bound")
    );
    let names: Vec<String> =
        toml("[program.a]\ncommand = \"x\"\nnumprocs = 2\n").processes().map(|p| p.name.clone()).collect();
    assert_eq!(names, ["a_00", "a_01"]);
}

#[test]
fn a_process_name_cannot_gain_a_slash_by_expansion() {
    assert!(finding("[program:a]\ncommand=x\nprocess_name=%(here)s\n", "as a process name").hint.is_some());
}

#[test]
fn killasgroup_follows_stopasgroup_and_cannot_contradict_it() {
    assert!(program("command=x\nstopasgroup=true").killasgroup);
    assert!(program("command=x\nkillasgroup=true").killasgroup);
    assert_eq!(
        words("[program:a]\ncommand=x\nstopasgroup=true\nkillasgroup=false\n"),
        "Cannot set stopasgroup=true and killasgroup=false in section 'program:a' (file: '/e/s.conf')"
    );
}

#[test]
fn groups_are_sorted_by_priority_and_name_and_members_leave_their_own() {
    let config = ini("[program:z]\ncommand=1\npriority=1\n[program:c]\ncommand=1\n[program:b]\ncommand=1\n\
                      [group:g]\nprograms=c\npriority=5\n[eventlistener:l]\ncommand=1\nevents=TICK\n");
    let names: Vec<_> = config.groups.iter().map(|g| (g.name.as_str(), g.priority)).collect();
    assert_eq!(names, [("l", -1), ("z", 1), ("g", 5), ("b", 999)]);
    assert_eq!(config.groups[0].programs[0].priority, 999);
    assert_eq!(config.groups[2].programs[0].group, "g");
}

#[test]
fn members_stand_in_the_order_of_the_list() {
    let config = ini(
        "[program:a]\ncommand=1\npriority=9\n[program:b]\ncommand=1\npriority=1\n[group:g]\nprograms=a, b\n",
    );
    let names: Vec<_> = config.processes().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn a_program_in_two_groups_exists_twice() {
    let config = ini("[program:a]\ncommand=%(group_name)s\n[group:g]\nprograms=a\n[group:h]\nprograms=a\n");
    let shown: Vec<_> = config.processes().map(|p| (p.group.as_str(), p.command.as_str())).collect();
    assert_eq!(shown, [("g", "g"), ("h", "h")]);
}

#[test]
fn a_second_group_or_process_of_one_name_is_dropped_with_a_warning() {
    let text = "[program:a]\ncommand=1\n[eventlistener:a]\ncommand=2\nevents=TICK\n";
    let config = ini(text);
    assert_eq!(config.groups.len(), 1);
    assert!(matches!(config.groups[0].kind, GroupKind::EventListener { .. }));
    assert!(finding(text, "group `a` is defined twice").hint.is_some());
    let text = "[program:a]\ncommand=1\nprocess_name=x\n[program:b]\ncommand=2\nprocess_name=x\n[group:g]\nprograms=a,b\n";
    assert_eq!(ini(text).processes().map(|p| p.command.clone()).collect::<Vec<_>>(), ["2"]);
    finding(text, "process `x` of group `g` is defined twice");
}

#[test]
fn default_keys_reach_every_section() {
    let config =
        ini("[DEFAULT]\nautostart=false\n[program:a]\ncommand=1\n[program:b]\ncommand=1\nautostart=true\n");
    assert_eq!(config.processes().map(|p| p.autostart).collect::<Vec<_>>(), [false, true]);
    assert!(warnings("[DEFAULT]\nautostart=false\n[program:a]\ncommand=1\n").is_empty());
}

#[test]
fn the_global_environment_lies_below_the_programs_and_feeds_expansion() {
    let config = ini(
        "environment=A=\"1\",B=\"2\"\n[program:p]\ncommand=%(ENV_A)s\nenvironment=B=\"3\",C=\"%(ENV_A)s\"\n",
    );
    let p = &config.groups[0].programs[0];
    assert_eq!(p.command, "1");
    let pairs: Vec<_> = p.environment.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(pairs, ["A=1", "B=3", "C=1"]);
}

#[test]
fn logfiles_take_one_or_two_percent_signs_for_one() {
    for text in ["/tmp/100%%.log", "/tmp/100%%%%.log"] {
        assert_eq!(
            program(&format!("command=x\nstdout_logfile={text}")).stdout.target,
            LogTarget::File("/tmp/100%.log".into())
        );
    }
}

#[test]
fn redirected_stderr_has_no_file_and_supervisor_says_so() {
    let loaded = load_ini("[program:a]\ncommand=x\nredirect_stderr=true\nstderr_logfile=/x\n").unwrap();
    assert_eq!(loaded.config.groups[0].programs[0].stderr.target, LogTarget::None);
    assert_eq!(
        loaded.notes,
        [(
            LogLevel::Warn,
            "For [program:a], redirect_stderr=true but stderr_logfile has also been set to a filename, the filename \
             has been ignored"
                .to_owned()
        )]
    );
    assert!(load_toml("[program.a]\ncommand = \"x\"\nredirect_stderr = true\n").unwrap().notes.is_empty());
}

#[test]
fn missing_directories_are_refused_unless_they_are_created() {
    let text = "[program:a]\ncommand=x\nstdout_logfile=/missing/a.log\n";
    assert!(words(text).starts_with("The directory named as part of the path /missing/a.log does not exist"));
    assert!(load_ini(&format!("{text}[mainstay]\ncreate_directories=true\n")).is_ok());
    assert_eq!(words("childlogdir=/missing\n"), "/missing is not an existing directory");
    assert!(load_ini("childlogdir=/missing\n[mainstay]\ncreate_directories=true\n").is_ok());
}

#[test]
fn servers_are_read_inet_first() {
    let config =
        ini("[unix_http_server]\nfile=/run/s.sock\nchmod=0770\nchown=app:www\n[inet_http_server:x]\n\
                      port=*:9001\nusername=u\npassword=p\n");
    assert_eq!(config.control[0].section, "inet_http_server:x");
    assert_eq!(config.control[0].auth, Some(("u".into(), "p".into())));
    assert_eq!(
        config.control[1].address,
        ControlAddress::Unix { path: "/run/s.sock".into(), mode: 0o770, owner: Some((1000, 33)) }
    );
}

#[test]
fn a_server_needs_an_address_and_a_whole_password() {
    assert_eq!(words("[unix_http_server]\n"), "section [unix_http_server] has no file value");
    assert_eq!(words("[inet_http_server]\n"), "section [inet_http_server] has no port value");
    assert_eq!(words("[unix_http_server]\nfile=/x\nchmod=9\n"), "Invalid chmod value 9");
    assert!(
        words("[inet_http_server]\nport=1\nusername=u\n")
            .starts_with("Section [inet_http_server] contains incomplete")
    );
}

#[test]
fn our_own_settings_stand_in_a_section_of_ours() {
    let config = ini("[mainstay]\nhttp_listen=:9100\nexit_when_all_exited=true\n");
    assert_eq!(config.http[0].to_string(), "0.0.0.0:9100");
    assert!(config.supervisor.exit_when_all_exited);
    let config = toml(
        "[http]\nlisten = [\":9100\", \"[::1]:9101\"]\n[supervisor]\nexit_when_all_exited = false\n[program.a]\ncommand = [\"x\", \"y z\"]\n",
    );
    assert_eq!(config.http.len(), 2);
    assert!(!config.supervisor.exit_when_all_exited);
    assert_eq!(config.groups[0].programs[0].argv, Ok(vec!["x".into(), "y z".into()]));
}

#[test]
fn unknown_words_warn_in_ini_with_the_nearest_name() {
    let found = finding("[program:a]\ncommand=x\nautorestrat=true\n", "unknown setting `autorestrat`");
    assert_eq!(
        (found.severity, found.hint.as_deref()),
        (Severity::Warning, Some("did you mean `autorestart`?"))
    );
    let found = finding("stdout_logfile=/dev/stdout\n", "unknown setting `stdout_logfile`");
    assert_eq!(found.hint.as_deref(), Some("it belongs into [program:NAME]"));
    let found = finding("[Program:a]\nx=1\n", "unknown section [Program:a]");
    assert_eq!(found.hint.as_deref(), Some("did you mean [program:a]?"));
    let found = finding("[supervisorctl]\nfiles=x\n", "unknown setting `files`");
    assert!(found.hint.unwrap().contains("[include]"));
}

#[test]
fn unknown_words_are_refused_in_toml() {
    let found = findings(load_toml("[program.a]\ncommand = \"x\"\nautorestrat = true\n"));
    assert_eq!(found[0].severity, Severity::Error);
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `autorestart`?"));
    let found = findings(load_toml("[program.a]\ncommand = \"x\"\nloglevel = \"warn\"\n"));
    assert_eq!(found[0].hint.as_deref(), Some("it is called `supervisor.loglevel`"));
}

#[test]
fn nothing_is_said_of_listeners_and_events_that_work() {
    assert!(warnings("[program:a]\ncommand=x\nstdout_syslog=true\nstdout_events_enabled=true\n").is_empty());
    assert!(warnings("[eventlistener:l]\ncommand=x\nevents=TICK\n").is_empty());
}

#[test]
fn advice_is_given_once_for_each_kind_of_trouble() {
    finding(
        "nodaemon=true\n[program:a]\ncommand=x\n[program:b]\ncommand=x\n",
        "the output of `a`, `b` goes to AUTO files",
    );
    finding(
        "[program:a]\ncommand=x\nstdout_logfile=/dev/stdout\n",
        "`stdout_logfile` of `a` is a stream and is not rotated",
    );
    assert!(
        warnings("[program:a]\ncommand=x\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n")
            .is_empty()
    );
    finding("[inet_http_server]\nport=*:9001\n", "anyone who reaches 0.0.0.0:9001");
    assert!(warnings("[inet_http_server]\nport=127.0.0.1:9001\n[program:a]\ncommand=x\n").is_empty());
}

#[test]
fn a_shell_without_exec_is_noticed() {
    for (command, is_noticed) in [
        ("sh -c \"a && b\"", true),
        ("/bin/bash -lc 'a'", true),
        ("bash -c 'exec a'", false),
        ("sh -c 'x; exec y'", false),
        ("sh script.sh", false),
        ("nginx -c x", false),
    ] {
        let all = warnings(&format!("[program:a]\ncommand={}\n", command.replace("; ", ";")));
        assert_eq!(all.iter().any(|m| m.contains("reaches only a shell")), is_noticed, "{command}: {all:?}");
    }
    assert!(warnings("[program:a]\ncommand=sh -c 'a b'\nstopasgroup=true\n").is_empty());
}

#[test]
fn plugins_that_python_would_load_are_refused() {
    assert_eq!(
        words("[rpcinterface:x]\nsupervisor.rpcinterface_factory=foo:bar\n"),
        "foo:bar cannot be resolved within [rpcinterface:x]"
    );
    assert!(load_ini("[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n").is_ok());
    assert!(
        words("[eventlistener:l]\ncommand=x\nevents=TICK\nresult_handler=a:b\n")
            .contains("cannot be resolved")
    );
}

#[test]
fn listeners_and_fastcgi_programs_are_checked_in_full() {
    assert_eq!(
        words("[eventlistener:l]\ncommand=x\n"),
        "[eventlistener:l] section requires an \"events\" line"
    );
    assert_eq!(
        words("[eventlistener:l]\ncommand=x\nevents=TICK,FOO\n"),
        "Unknown event type FOO in [eventlistener:l] events"
    );
    assert_eq!(
        words("[fcgi-program:f]\ncommand=x\nsocket=foo\n"),
        "('Bad socket format %s', 'foo') in [fcgi-program:f] socket"
    );
    let config = ini("[fcgi-program:f]\ncommand=x\nsocket=unix:///run/%(program_name)s.sock\nuser=app\n");
    assert_eq!(
        config.groups[0].kind,
        GroupKind::Fcgi {
            socket: "unix:///run/f.sock".into(),
            backlog: None,
            owner: Some((1000, 1000)),
            mode: Some(0o700)
        }
    );
}

#[test]
fn the_users_of_the_whole_are_checked_last() {
    assert_eq!(words("user=ghost\n[unix_http_server]\n"), "section [unix_http_server] has no file value");
    assert_eq!(words("user=ghost\n"), "Invalid user name ghost");
    assert_eq!(ini("user=app\n").supervisor.user.unwrap().uid, 1000);
}

#[test]
fn a_file_without_supervisord_is_refused() {
    let found = load_text("/e/s.conf", "[program:a]\ncommand=x\n", &[]).map(|_| ()).unwrap_err();
    assert_eq!(found.supervisor(), Some(".ini file does not include supervisord section"));
}

#[test]
fn every_default_of_the_table_can_be_read() {
    // Both dialects, every kind of section: a default that its type refuses would be reported.
    ini(
        "[program:a]\ncommand=x\n[eventlistener:b]\ncommand=x\nevents=TICK\n[fcgi-program:c]\ncommand=x\nsocket=tcp://h:1\n\
         [unix_http_server]\nfile=/x\n[group:g]\n",
    );
    toml(
        "[program.a]\ncommand = \"x\"\n[eventlistener.b]\ncommand = \"x\"\nevents = [\"TICK\"]\n[fcgi.c]\ncommand = \"x\"\n\
          socket = \"tcp://h:1\"\n[control]\nunix = \"/x\"\n[group.g]\nprograms = []\n",
    );
}

#[test]
fn a_mistake_is_reported_once_however_often_its_section_is_read() {
    let text = "[program:a]\ncommand=x\nnumprocs=3\nprocess_name=%(process_num)d\nenvironment=A=$B\n\
                [group:g]\nprograms=a\n[group:h]\nprograms=a\n";
    finding(text, "the value of `A`");
    let text = "[program:a]\ncommand=x\nuser=ghost\n[group:g]\nprograms=a\n[group:h]\nprograms=a\n";
    finding(text, "Invalid user name ghost");
    finding("[fcgi-program:f]\ncommand=x\nsocket=tcp://h:1\nuser=ghost\n", "Invalid user name ghost");
}

/// A generator of its own, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll<'a>(&mut self, faces: &[&'a str]) -> &'a str {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        faces[(self.0 >> 33) as usize % faces.len()]
    }
}

#[test]
fn no_text_makes_the_reader_panic() {
    let pieces = [
        "[supervisord]\n",
        "[program:a]\n",
        "[eventlistener:l]\n",
        "[fcgi-program:f]\n",
        "[group:g]\n",
        "[include]\n",
        "[unix_http_server]\n",
        "[inet_http_server]\n",
        "[mainstay]\n",
        "[DEFAULT]\n",
        "command",
        "environment",
        "files",
        "programs",
        "port",
        "file",
        "socket",
        "events",
        "user",
        "chown",
        "stdout_logfile",
        "process_name",
        "numprocs",
        "http_listen",
        "umask",
        "stdout_logfile_maxbytes",
        "stopsignal",
        "=",
        ":",
        ";",
        "#",
        " ",
        "\t",
        "\n",
        "\r",
        "%",
        "%%",
        "%(here)s",
        "%(process_num)02d",
        "%(",
        ")",
        "(",
        "s",
        "\"",
        "'",
        "\\",
        ",",
        "*",
        "?",
        "[",
        "]",
        "!",
        "-",
        "0",
        "9",
        "é",
        "\u{feff}",
        "\u{1c}",
        "日",
        "/",
        "~",
        "unix://",
        "tcp://",
        "::1",
        "mb",
        "_",
        "a",
        "$",
        "\0",
    ];
    for seed in 0..3_000 {
        let mut dice = Dice(seed);
        let text: String = (0..40).map(|_| dice.roll(&pieces)).collect();
        for path in ["/e/s.conf", "/e/m.toml"] {
            let result =
                load_text(path, &format!("[supervisord]\n{text}"), &[("MAINSTAY_PROGRAM__A", &text)]);
            let shown = match result {
                Ok(loaded) => crate::config::print::to_toml(&loaded.config, true),
                Err(found) => found.render(),
            };
            assert!(!shown.is_empty(), "seed {seed}: {text:?}");
        }
    }
}

#[test]
fn a_configuration_without_a_program_is_warned_of_once_it_has_no_errors() {
    let said = |result| {
        let found = findings(result);
        found.iter().map(|d| format!("{d} ({})", d.hint.as_deref().unwrap_or(""))).collect::<Vec<_>>()
    };
    let want = ["warning: no program is configured (add a table `[program.NAME]` with a `command`)"];
    assert_eq!(said(load_toml("[http]\nlisten = 9100\n")), want);
    assert!(said(load_ini(""))[0].contains("`[program:NAME]`"));
    assert!(said(load_ini("[program:a]\ncommand=x\nnumprocs=0\n"))[0].contains("no program"));
    let env = [("MAINSTAY_GROUP__G__PROGRAMS", "")];
    let sources = Sources {
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..Sources::default()
    };
    assert!(said(load(&sources, &FakeWorld::default()))[0].contains("MAINSTAY_PROGRAM__NAME"));
    assert!(load_toml("[http]\nlisten = 9100\n").is_ok(), "it can be used all the same");
    let broken = said(load_toml("[progam.a]\ncommand = \"x\"\n"));
    assert!(broken.iter().all(|line| !line.contains("no program")), "{broken:?}");
}

#[test]
fn what_a_listener_says_to_us_is_no_output_of_a_container() {
    let listener = "[eventlistener.l]\ncommand = \"x\"\nevents = [\"TICK_5\"]\n";
    let stdout = |text: &str| toml(text).groups.remove(0).programs.remove(0).stdout.target;
    assert_eq!(stdout(listener), LogTarget::None);
    let stream = stdout(&format!("{listener}stdout_logfile = \"/dev/stdout\"\n"));
    assert!(matches!(stream, LogTarget::Stream { .. }), "{stream:?}");
    let config = ini("[eventlistener:l]\ncommand=x\nevents=TICK_5\n");
    assert_eq!(config.groups[0].programs[0].stdout.target, LogTarget::Auto);
    let named = [("COMMAND", "x"), ("EVENTS", "TICK_5")];
    let env = named.map(|(key, value)| (format!("MAINSTAY_EVENTLISTENER__L__{key}"), value.to_owned()));
    let sources = Sources { env: env.to_vec(), ..Sources::default() };
    let loaded = load(&sources, &FakeWorld::with(&[])).unwrap_or_else(|found| panic!("{}", found.render()));
    assert_eq!(loaded.config.groups[0].programs[0].stdout.target, LogTarget::None);
}
