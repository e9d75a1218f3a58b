//! What the generated files are made of: Supervisor's options, and values that are good, odd or bad for each type.

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    Bool,
    Int,
    Size,
    Octal,
    Codes,
    Signal,
    Restart,
    Log,
    Path,
    Dir,
    User,
    Owner,
    Addr,
    Level,
    Events,
    Backlog,
    Socket,
    Pairs,
    Command,
    ProcName,
    Text,
    Handler,
    Factory,
}

pub(crate) const SUPERVISORD: &[(&str, Type)] = &[
    ("logfile", Type::Path),
    ("logfile_maxbytes", Type::Size),
    ("logfile_backups", Type::Int),
    ("loglevel", Type::Level),
    ("pidfile", Type::Path),
    ("umask", Type::Octal),
    ("nodaemon", Type::Bool),
    ("silent", Type::Bool),
    ("minfds", Type::Int),
    ("minprocs", Type::Int),
    ("nocleanup", Type::Bool),
    ("childlogdir", Type::Dir),
    ("user", Type::User),
    ("directory", Type::Dir),
    ("strip_ansi", Type::Bool),
    ("environment", Type::Pairs),
    ("identifier", Type::Text),
    ("profile_options", Type::Text),
];

pub(crate) const PROGRAM: &[(&str, Type)] = &[
    ("process_name", Type::ProcName),
    ("numprocs_start", Type::Int),
    ("priority", Type::Int),
    ("autostart", Type::Bool),
    ("autorestart", Type::Restart),
    ("startsecs", Type::Int),
    ("startretries", Type::Int),
    ("exitcodes", Type::Codes),
    ("stopsignal", Type::Signal),
    ("stopwaitsecs", Type::Int),
    ("stopasgroup", Type::Bool),
    ("killasgroup", Type::Bool),
    ("user", Type::User),
    ("redirect_stderr", Type::Bool),
    ("stdout_logfile", Type::Log),
    ("stdout_logfile_maxbytes", Type::Size),
    ("stdout_logfile_backups", Type::Int),
    ("stdout_capture_maxbytes", Type::Size),
    ("stdout_events_enabled", Type::Bool),
    ("stdout_syslog", Type::Bool),
    ("stderr_logfile", Type::Log),
    ("stderr_logfile_maxbytes", Type::Size),
    ("stderr_logfile_backups", Type::Int),
    ("stderr_capture_maxbytes", Type::Size),
    ("stderr_events_enabled", Type::Bool),
    ("stderr_syslog", Type::Bool),
    ("environment", Type::Pairs),
    ("environment", Type::Pairs),
    ("directory", Type::Text),
    ("umask", Type::Octal),
    ("serverurl", Type::Text),
    ("command", Type::Command),
];

pub(crate) const LISTENER: &[(&str, Type)] =
    &[("buffer_size", Type::Int), ("result_handler", Type::Handler), ("events", Type::Events)];

pub(crate) const FCGI: &[(&str, Type)] = &[
    ("socket_backlog", Type::Backlog),
    ("socket_owner", Type::Owner),
    ("socket_mode", Type::Octal),
    ("socket", Type::Socket),
];

pub(crate) const UNIX_SERVER: &[(&str, Type)] = &[("chmod", Type::Octal), ("chown", Type::Owner)];

/// Good, odd (mostly accepted), bad (mostly refused).
pub(crate) struct Values {
    pub(crate) good: &'static [&'static str],
    pub(crate) odd: &'static [&'static str],
    pub(crate) bad: &'static [&'static str],
}

#[allow(clippy::too_many_lines)] // a table
#[rustfmt::skip]
pub(crate) fn values(ty: Type) -> Values {
    let (good, odd, bad): (&[&str], &[&str], &[&str]) = match ty {
        Type::Bool => (
            &["true", "false"],
            &["yes", "no", "on", "off", "1", "0", "True", "FALSE", "oN", "%(ENV_TRUE)s", "%(ENV_FALSE)s"],
            &[
                "maybe", "", "2", "t", "y", "true;", "tru e", "01", "+1", "\u{a0}true", "%(ENV_EMPTY)s",
                "\"true\"", "ｔｒｕｅ",
            ],
        ),
        Type::Int => (
            &["1", "2", "3", "5", "10", "999"],
            &[
                "0", "-1", "+3", "1_0", "007", "%(ENV_N)s", "%(ENV_NUM)s", "%(ENV_NBSP)s",
                "99999999999999999999", "-99999999999999999999", "\u{663}", "1\u{663}", "９",
                "9223372036854775807", "-9223372036854775808", "3000000000000000000", "%(ENV_N)s%(ENV_NUM)s",
                "0_0", "𝟙", "%(ENV_ENDNL)s",
            ],
            &[
                "", "abc", "1.5", "1e3", "0x10", "1 2", "5s", "--1", "+-1", "1__0", "_1", "1_",
                "%(ENV_EMPTY)s", "²", "½", "%(process_num)d", "%(program_name)s", "1;", "%", "%%", "1%%", "%d",
                "%(ENV_N)d", "(1)", "\u{feff}1", "1\u{200b}",
            ],
        ),
        Type::Size => (
            &["0", "1MB", "50MB", "10kb", "1GB"],
            &[
                "5 mb", "5\u{a0}mb", "-1", "-1KB", "1_0kb", "+5gB", "%(ENV_SIZE)s", "%(ENV_N)sMB",
                "1\u{212a}b", "07", "2Kb", "\u{663}mb", "9999999999GB", "99999999999999999999",
                "99999999999999999999kb",
            ],
            &["5K", "1.5MB", "MB", "kb", "", "1mb;", "1 MB x", "1MiB", "5b", "1TB", "mbmb", "é", "éé", "1é"],
        ),
        Type::Octal => (
            &["022", "0700", "0777", "077"],
            &[
                "22", "0o22", "0O22", "0o_7", "7_7", "0", "+22", "-1", "7777777", "0o0", "00000000022",
                "\u{663}", "37777777777", "777777777777777777777777",
            ],
            &["999", "8", "0x1f", "", "rw", "0o", "_7", "7_", "0b1", "2 2", "u=rw", "0o0o7", "o7"],
        ),
        Type::Codes => (
            &["0", "0,2", "1,2,3"],
            &[
                "", " 0 , 1 ", "0,\n 2", "255", "0,0", "+1", "1_0", "\u{663}", "00", "%(ENV_EMPTY)s",
                "%(ENV_N)s,%(ENV_NUM)s", "-0",
            ],
            &[
                "256", "-1", "0,", ",", "0,,1", "a", "0;1", "0 1", "0,300", "0x1", "99999999999999999999",
                "1.0", "it's", "\"0\"",
            ],
        ),
        Type::Signal => (
            &["TERM", "INT", "QUIT", "KILL", "HUP", "USR1"],
            &[
                "term", "SIGTERM", "sigterm", "15", "0", "+9", "1_5", "CLD", "IO", "POLL", "IOT", "RTMIN",
                "SIGRTMAX", "34", "64", "Stkflt", "\u{663}", "SIG_IGN", "_DFL", "sig_dfl", "_block",
                "SIG_UNBLOCK", "SIG_SETMASK", "%(ENV_SIG)s", "ſigterm", "\u{a0}9", "SYS", "PWR", "WINCH",
            ],
            &[
                "FOO", "99", "33", "50", "-1", "32", "", "RTMIN+1", "SIGSIGTERM", "TERM;", "T ERM", "SIG",
                "NALS", "99999999999999999999", "TERM,INT", "it's", "\"TERM\"", "É",
            ],
        ),
        Type::Restart => (
            &["true", "false", "unexpected"],
            &["Unexpected", "UNEXPECTED", "yes", "0", "oFF", "%(ENV_TRUE)s"],
            &["maybe", "", "always", "unexpected;", "never", "it's", "İ", "\\", "Maybe\tnot"],
        ),
        Type::Log => (
            &["/dev/stdout", "@root@/log/a.log", "AUTO", "NONE", "/dev/stderr", "/dev/null"],
            &[
                "", "none", "off", "OFF", "auto", "Auto", "syslog", "SYSLOG", "a.log",
                "log/%(program_name)s.log", "~/x.log", "~root/x.log", "@root@/log/%(process_num)02d.log",
                "/dev/fd/1", "/dev/fd/2", "/dev/fd/x", "/dev/fd/", "/proc/self/fd/1", "%(here)s/x.log",
                "@root@/log/100%%.log", "@root@/log/100%%%%.log", "%(here)s/%%(here)s", "%(ENV_TPL)s/y",
                "/dev/fd/01", "/dev/fd/99999999999", "@root@/log/%%(program_name)s",
                "@root@/log/%%(process_num)d.log", "%(ENV_PCT2)s", "//tmp/x", "/tmp//x", "none ", "~nosuch",
                "/", "@root@/log/", "@root@/log/%(group_name)s-%(numprocs)d", "/dev/fd/3",
                "@root@/log/%(ENV_OWN)s", "~",
            ],
            &[
                "/no/such/x.log", "no/such", "~nosuch/x", "%(ENV_NOPE)s", "%s/x.log", "@root@/main.conf/x",
                "%(here)s/no/x", "/dev/fd/1/x",
            ],
        ),
        Type::Path => (
            &["@root@/log/s.log", "s.log", "/dev/null"],
            &[
                "/dev/stdout", "/dev/fd/2", "syslog", "Syslog", "none", "~/s", "%(here)s/s.log",
                "@root@/log/../s", "../s", "", "AUTO", "./s", "//tmp/s", "@root@/log/%%d", "/dev/fd/1",
                "~nosuch", "/dev/stderr", "~root", "a\u{a0}b", "@root@/log/x y",
            ],
            &[
                "/no/such/s.log", "no/such", "%(here)s/nope/x", "@root@/log/%d", "%(host_node_name)s",
                "~nosuch/x", "%(program_name)s",
            ],
        ),
        Type::Dir => (
            &["/tmp", "@root@/log", "/"],
            &["~", "~/", "%(here)s", ".", "..", "@root@/log/", "~root", "@root@/log/../log", "//tmp"],
            &[
                "/no/such", "", "@root@/main.conf", "nope", "~nosuch", "%(here)s/nope", "/tmp\u{a0}",
                "%(ENV_EMPTY)s",
            ],
        ),
        Type::User => (
            &["root", "0"],
            &["nobody", "daemon", "65534", "00", "+0", "1", "\u{660}", "0_0", "%(ENV_USER)s"],
            &[
                "nosuch", "4123456", "-1", "", "root:root", "Root", "root x", "99999999999999999999",
                "4294967296", "4294967295", "#0", "root;", "-4294967296",
            ],
        ),
        Type::Owner => (
            &["root", "root:root", "0:0"],
            &["nobody", "daemon:daemon", "0", "root:0", "+0:00", "65534", "1:1", "nobody:nogroup"],
            &[
                "root:", ":root", "nosuch", "root:nosuch", "root:root:root", "", "4123456", "0:4123456",
                "root:-1", "0:99999999999999999999", "root.root",
            ],
        ),
        Type::Addr => (
            &["9001", "127.0.0.1:9001", "*:9001", ":9001"],
            &[
                "localhost:9001", "LocalHost:80", "0.0.0.0:1", "+9001", "*:00080", "127.0.0.1:%(ENV_NUM)s",
                "65535", "127.0.0.1: 9001", " :1", "1_0", ":\u{663}", "10.0.0.1:80", "*:%(ENV_ENDNL)s",
            ],
            &[
                "", ":", "host:", "abc", "127.0.0.1:abc", "0", "65536", "-1", "127.0.0.1:99999", "127.0.0.1:0",
                "9001;", "127.0.0.1", "http://x:80", "99999999999999999999", ":-99999999999999999999", "a b",
                "é",
            ],
        ),
        Type::Level => (
            &["info", "debug", "warn"],
            &["critical", "error", "trace", "blather", "INFO", "Warn", "%(ENV_LEVEL)s"],
            &["verbose", "warning", "crit", "", "info;", "20", "DEBG", "INFO ", "i n", "\u{a0}", "it's"],
        ),
        Type::Events => (
            &["PROCESS_STATE", "TICK_60", "PROCESS_STATE_EXITED,PROCESS_STATE_FATAL", "EVENT"],
            &[
                "process_state", "TICK_5, TICK_5", "PROCESS_LOG_STDOUT", "REMOTE_COMMUNICATION",
                "Process_Group_Added,\n TICK_3600", "SUPERVISOR_STATE_CHANGE", "PROCESS_COMMUNICATION",
                "ＴＩＣＫ_5,TICK_5",
            ],
            &[
                "FOO", "", "TICK_5,", ",", "TICK_60,BAR", "TICK_5 TICK_60", "%(ENV_EMPTY)s", "PROCESS STATE",
                "TICK_5;", "__CLASS__",
            ],
        ),
        Type::Backlog => {
            (&["1", "128"], &["65535", "+5", "1_0"], &["0", "65536", "-1", "", "x", "99999999999999999999"])
        }
        Type::Socket => (
            &["unix:///tmp/x.sock", "tcp://127.0.0.1:9000", "unix://@root@/log/%(program_name)s.sock"],
            &[
                "tcp://LocalHost:9000", "unix:////a/../b", "tcp://h:\u{663}", "tcp://[::1:80", "unix:///",
                "tcp://é:1", "tcp://127.0.0.1:%(ENV_ENDNL)s", "unix:///~/x", "tcp://h:00080",
                "unix:///tmp/a b",
            ],
            &[
                "", "unix://x.sock", "tcp://:80", "tcp://h:", "tcp://h:0", "tcp://h:65536", "tcp://h", "foo",
                "tcp://a:b:80", "tcp://a b:80", "unix:/x", "tcp://h:80/", "TCP://h:80", "it's",
                "%(process_num)d", "tcp://h:99999999999999999999", "%(host_node_name)s", "tcp://h:²",
            ],
        ),
        Type::Pairs => (
            &["A=1", "A=\"1\",B=\"two words\"", "KEY=\"val\",KEY2=\"val2\"", "A='x'"],
            &[
                "", "A = 1", "A=1,", "A=\"a,b\"", "A=\"a;b\"", "A=\"#x\"", "A=/x/y.z-1:2(3)+4", "A=x,\n  B=y",
                "A=\"\"", "A=''", "A=a b", "A=http://x/?a=b", "A=$HOME", "A=~/x", "A=@x", "A=\"it's\"",
                "A='say \"hi\"'", "A=\"'x'\"", "A=\"a\\\"b\"", "A=\"a\"\"b\"", "\"A\"=1", "A.B=1,A-B=2",
                "A=\"%(ENV_UNI)s\"", "A=%(ENV_N)s", "A=\"%(ENV_BLANK)s\",B=\"%(ENV_COMMA)s\"",
                "A=\"%(here)s\"", "A=1,A=2", "A=\"%(host_node_name)s\"", "A=\"%(process_num)d\"",
                "A=\"%(program_name)s-%(group_name)s\"", "A=\"x%%y\"", "A=\"x%%%%y\"", "OWN=\"own\",B=\"2\"",
                "A=a\"b\"", "A===2", "===", "A='", "A=\"%(ENV_QUOTE)s\"", "A=\"%(ENV_NL)s\"", "A=1#c",
                "A=1#c\n ,B=2", "N=\"3\",USER=\"u\"", "A%(process_num)d=\"x\"", "A=1\u{c}", "A=\u{e9}",
                "\u{e9}=1", "A=\u{a0}", "A=\"\u{a0}\u{2028}\"", "A=1\n\n ,B=2", "A=\"%(ENV_PCT)s\"", "A=''''",
                "A=\"x\"y,B=1", "A=\"x\",,B=1", "A=1;B=2", "PATH=\"/own:%(ENV_PATH)s\"", "A=(1)",
                "A=\"%(ENV_SEMI)s\"", "A=,B", "A=\"\t\"",
            ],
            &[
                "FOO", "A=", "A=,B=1", "A=a B=b", "A=a=b", "A=#x", "A=[1]", "A=\"x", "A=%(ENV_EMPTY)s", "=1",
                "A", "A=1,B", "A=1,B=", ",", "A=\"%(ENV_NOPE)s\"", "A=\"%(ENV_A)s\"", "A=%d", "A=50%", "'",
                "A:1", "%(ENV_NL)s", "A=\"%(ENV_QUOTE)s", "#", "A=it's", "é",
            ],
        ),
        Type::Command => (
            &["/bin/cat", "sleep 10", "/usr/sbin/nginx -g \"daemon off;\"", "sh -c 'exec x'"],
            &[
                "", "\"unbalanced", "x\\", "''", "a\n  b\n\n  c", "sh -c \"a ; b\"", "echo a # b", "x;y#z",
                "date +%%Y", "%(program_name)s %(process_num)02d %(numprocs)d", "%(here)s/run", "%(ENV_OWN)s",
                "%(ENV_A)s", "%(ENV_PCT)s", "%(host_node_name)s", "%(group_name)s",
                "%(here)10s|%(here)-3s|%(here).2s", "%(process_num)x %(process_num)+d",
                "%(process_num)s %(process_num)r", "%(ENV_UNI)s %(ENV_UNI)r", "\u{a0}x\u{a0}", "x\u{c}y",
                "a\tb", "%(process_num)c", "%(numprocs)f %(numprocs)e %(numprocs)g", "%(here)%",
                "%(numprocs)#x %(numprocs)#o %(numprocs)05d|%(numprocs)-5d|%(numprocs)+.3d", "%5%",
                "%(numprocs)ld", "%(ENV_UNI)5.3s", "%(ENV_HOME)c", "%(ENV_N)c", "%(here)%%s", "%(ENV_PCT2)s",
                "%(numprocs)*d",
                "%(process_num).3e|%(process_num)G|%(process_num)#g|%(process_num)08.2f|%(process_num)+f",
                "café", "%(ENV_NL)s", "x \u{2028} y", "%(numprocs).0e %(numprocs)#.0f", "%(ENV_QUOTE)r",
                "%(numprocs) d|%(numprocs)i|%(numprocs)u|%(numprocs)X|%(numprocs)a", "%(ENV_A0)s",
                "%(ENV_NL)a", "%(process_num)%",
            ],
            &[
                "%(nope)s", "date +%s", "%r", "%(here)s %a", "date +%Y", "100%", "%(here)", "%(here",
                "%(ENV_NOPE)s", "%d", "%(here)d", "%(process_num)q", "%", "%(ENV_HOME)x", "%é", "%(numprocs)é",
                "%(here)5", "%(nope)", "%(nope)é", "%()s", "%(a(b)c)s", "%*d", "%(here)*d", "%(numprocs)s %d",
                "%(here)s%", "%(here)e", "%(here)c", "%(ENV_EMPTY)c", "%(process_num)\u{1}", "%(here).",
                "%(here).*s", "%l", "%(here)lls",
            ],
        ),
        Type::ProcName => (
            &["%(program_name)s", "%(program_name)s_%(process_num)02d"],
            &[
                "x", "%(process_num)d", "%(program_name)s%%", "p-%(process_num)d",
                "%(group_name)s-%(process_num)s", "%(ENV_NAME)s%(process_num)d", "a\u{a0}b", "%(process_num)",
                "é", "%(host_node_name)s-%(process_num)d", "%(ENV_BLANK)s%(process_num)d",
                "%(here)s%(process_num)d",
            ],
            &[
                "a b", "a:b", "a/b", "%(nope)s%(process_num)d", "%(program_name)d", "%(process_num)e ", "%",
                "x %(process_num)d", "it's:",
            ],
        ),
        Type::Text => (
            &["x", "supervisor", "/tmp", "AUTO"],
            &[
                "", "auto", " Auto ", "a b", "%(here)s", "%(ENV_NAME)s", "http://127.0.0.1:9001", "%%", "ünï",
                "x ; c", "\"quoted\"", "%(ENV_UNI)s", "a\n b", "~", "%(process_num)s", "%(ENV_EMPTY)s", "ＡＵＴＯ",
            ],
            &["%(nope)s", "%z", "%", "%(ENV_NOPE)s", "50%"],
        ),
        Type::Handler => (&["supervisor.dispatchers:default_handler"], &[], &["foo:bar", "nosuch.module:x"]),
        Type::Factory => (
            &["supervisor.rpcinterface:make_main_rpcinterface"],
            &["supervisor.rpcinterface:%(ENV_FACTORY)s"],
            &["foo:bar", "nosuch.module:x", "%(here)s"],
        ),
    };
    Values { good, odd, bad }
}

/// The same for both parsers.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    ("LC_ALL", "C.UTF-8"),
    ("HOME", "/root"),
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("USER", "root"),
    ("TRUE", "true"),
    ("FALSE", "False"),
    ("N", "2"),
    ("NUM", "7"),
    ("SIZE", "10MB"),
    ("NAME", "web"),
    ("EMPTY", ""),
    ("PCT", "a%b"),
    ("PCT2", "%%"),
    ("TPL", "%(here)s"),
    ("QUOTE", "a\"b"),
    ("COMMA", "a,b"),
    ("BLANK", "a b"),
    ("NL", "a\nb"),
    ("ENDNL", "9000\n"),
    ("SEMI", "x ; y"),
    ("UNI", "schön ☃ 日本"),
    ("NBSP", "\u{a0}1\u{2028}"),
    ("SIG", "TERM"),
    ("LEVEL", "info"),
    ("FACTORY", "make_main_rpcinterface"),
    ("A.B", "dot"),
    ("lower", "case"),
    ("GLOB", "*.conf"),
];
