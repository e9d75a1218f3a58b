//! The configurations that the image holds, in `/conf`: not in the root, where we would find them by ourselves.

/// All of them by name.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("supervisord.conf", INI),
    ("mainstay.toml", TOML),
    ("fragile.toml", FRAGILE),
    ("critical.conf", CRITICAL_INI),
    ("critical.toml", CRITICAL_TOML),
    ("drain.conf", DRAIN_INI),
    ("drain.toml", DRAIN_TOML),
    ("plain.conf", PLAIN_INI),
    ("demanding.toml", DEMANDING),
    ("logs.conf", crate::logs::INI),
    ("logs.toml", crate::logs::TOML),
    ("logs.sh", crate::logs::LOUD),
    ("unread.conf", crate::logs::UNREAD_INI),
    ("unread.toml", crate::logs::UNREAD_TOML),
];

/// What every configuration of these tests runs: one that holds, one that ends.
const INI: &str = "[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=/tmp/d.pid\nchildlogdir=/tmp\n\
    [unix_http_server]\nfile=/tmp/s.sock\n\
    [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
    [mainstay]\nhttp_listen=127.0.0.1:9100\n\
    [program:web]\ncommand=/puppet say web-is-up ids hold\nstartsecs=0\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
    [program:worker]\ncommand=/puppet say-err worker-is-up hold\nstartsecs=0\nprocess_name=%(program_name)s_%(process_num)02d\nnumprocs=2\n\
    stderr_logfile=/dev/stderr\nstderr_logfile_maxbytes=0\nstdout_logfile=NONE\n";

const TOML: &str = "[http]\nlisten = \"127.0.0.1:9100\"\n\
    [program.web]\ncommand = [\"/puppet\", \"say\", \"web-is-up\", \"ids\", \"hold\"]\nstartsecs = 0\n\
    [program.worker]\ncommand = \"/puppet say-err worker-is-up hold\"\nstartsecs = 0\n";

/// Health that can be made to fail: the second program ends when a file appears.
const FRAGILE: &str = "[http]\nlisten = \"127.0.0.1:9100\"\n\
    [program.web]\ncommand = [\"/puppet\", \"hold\"]\nstartsecs = 0\n\
    [program.fragile]\ncommand = [\"/puppet\", \"wait-file\", \"/tmp/break\", \"exit\", \"3\"]\nstartsecs = 0\nautorestart = false\n";

/// Ends the container with 7 when a file appears.
const CRITICAL_INI: &str = "[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=/tmp/d.pid\nchildlogdir=/tmp\n\
    [program:web]\ncommand=/puppet say web-is-up wait-file /tmp/end exit 7\ncritical=true\nstartsecs=0\nautorestart=false\n\
    stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
    [program:other]\ncommand=/puppet hold\nstdout_logfile=NONE\n";

const CRITICAL_TOML: &str = "[program.web]\ncommand = \"/puppet say web-is-up wait-file /tmp/end exit 7\"\ncritical = true\n\
    startsecs = 0\nautorestart = false\n[program.other]\ncommand = [\"/puppet\", \"hold\"]\n";

/// A web server, one that ignores TERM, a drain, and a budget that is shorter than what the deaf one asks for.
const DRAIN_INI: &str = "[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=/tmp/d.pid\nchildlogdir=/tmp\n\
    [mainstay]\nhttp_listen=:9100\ndrain_delay=1.5\nshutdown_timeout=5\n\
    [program:web]\ncommand=/busybox httpd -f -p 8080 -h /conf\nstartsecs=0\nstdout_logfile=NONE\n\
    [program:deaf]\ncommand=/puppet ignore TERM hold\nstartsecs=0\nstopwaitsecs=60\nstdout_logfile=NONE\n";

const DRAIN_TOML: &str = "[http]\nlisten = \":9100\"\n[supervisor]\ndrain_delay = 1.5\nshutdown_timeout = \"5s\"\n\
    [program.web]\ncommand = \"/busybox httpd -f -p 8080 -h /conf\"\nstartsecs = 0\n\
    [program.deaf]\ncommand = [\"/puppet\", \"ignore\", \"TERM\", \"hold\"]\nstartsecs = 0\nstopwaitsecs = 60\n";

/// Nothing that Supervisor would not know, and nothing about where anything can be written.
const PLAIN_INI: &str = "[supervisord]\n[program:web]\ncommand=/puppet say web-is-up hold\nstartsecs=0\n\
    stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n";

/// Each wants something that is not there; the last one does not.
const DEMANDING: &str = "[program.tree]\ncommand = [\"/puppet\", \"hold\"]\nstartsecs = 0\nsignal_target = \"tree\"\n\
    [program.other]\ncommand = [\"/puppet\", \"hold\"]\nuser = \"4321\"\nstartretries = 0\n\
    [program.oom]\ncommand = [\"/puppet\", \"hold\"]\noom_score_adj = 100\nstartretries = 0\n\
    [program.nice]\ncommand = [\"/puppet\", \"hold\"]\nnice = -5\nstartretries = 0\n\
    [program.memory]\ncommand = [\"/puppet\", \"hold\"]\nmemory_max = \"50MB\"\nstartsecs = 0\n\
    [program.ask]\ncommand = \"/busybox sh -c 'while ! /mainstay ctl status nice other oom | /busybox grep -c FATAL | \
    /busybox grep -q 3; do /busybox usleep 20000; done; /mainstay ctl status; /mainstay ctl stop tree; /mainstay doctor; echo asked'\"\n\
    startsecs = 0\nautorestart = false\n";
