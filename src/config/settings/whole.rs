//! The part of the settings table for the whole: daemon, servers, groups, plug-ins.
//!
//! Pure data. Not here: what a program has (`programs`).

use super::Change::{Live, Restart};
use super::Type::{
    Address, Bool, Directory, Duration, Form, Int, Level, List, Octal, Owner, Pairs, Path, Size, Text, User,
};
use super::{Setting, differs, same};
use crate::config::raw::SectionKind as Kind;

const DAEMON: &[Kind] = &[Kind::Supervisor];
/// Our own for the whole: INI puts them into `[mainstay]`, TOML and environment beside Supervisor's.
const OURS: &[Kind] = &[Kind::Mainstay, Kind::Supervisor];
const UNIX: &[Kind] = &[Kind::UnixHttp];
const INET: &[Kind] = &[Kind::InetHttp];
const SERVERS: &[Kind] = &[Kind::UnixHttp, Kind::InetHttp];
const CTL: &[Kind] = &[Kind::Supervisorctl];
const GROUP: &[Kind] = &[Kind::Group];

/// TOML and environment have a section for them.
const fn signal(key: &'static str) -> Setting {
    const MINE: &[Kind] = &[Kind::Mainstay];
    let doc = "what this signal does: ignore, update, restart, shutdown, reopen, drain, another signal, or `web:USR1`";
    same(key, MINE, Form("ignore"), None, Restart, doc)
}

pub(super) const SETTINGS: &[Setting] = &[
    differs(
        "logfile",
        DAEMON,
        Path,
        (Some("supervisord.log"), Some("none")),
        Restart,
        "file of the daemon's log",
    ),
    same(
        "logfile_maxbytes",
        DAEMON,
        Size,
        Some("50MB"),
        Restart,
        "size at which the daemon's log is rotated, 0 never",
    ),
    same("logfile_backups", DAEMON, Int, Some("10"), Restart, "rotated files that are kept"),
    same(
        "loglevel",
        DAEMON,
        Level,
        Some("info"),
        Live,
        "critical, error, warn, info, debug, trace or blather",
    ),
    differs("pidfile", DAEMON, Path, (Some("supervisord.pid"), None), Restart, "file with our process id"),
    same("umask", DAEMON, Octal, Some("022"), Restart, "file mode mask, applied only when daemonizing"),
    differs("nodaemon", DAEMON, Bool, (Some("false"), Some("true")), Restart, "stay in the foreground"),
    same("silent", DAEMON, Bool, Some("false"), Restart, "in the foreground, do not show the daemon's log"),
    same("minfds", DAEMON, Int, Some("1024"), Restart, "file descriptors that must be available"),
    same("minprocs", DAEMON, Int, Some("200"), Restart, "processes that must be possible"),
    same("nocleanup", DAEMON, Bool, Some("false"), Restart, "keep AUTO log files of an earlier run"),
    same("childlogdir", DAEMON, Directory, None, Restart, "directory of AUTO log files"),
    same("user", DAEMON, User, None, Restart, "user to become at start"),
    same(
        "directory",
        DAEMON,
        Directory,
        None,
        Restart,
        "working directory, changed to only when daemonizing",
    ),
    same("strip_ansi", DAEMON, Bool, Some("false"), Restart, "remove terminal escapes from program output"),
    same("environment", DAEMON, Pairs, Some(""), Restart, "variables for every program"),
    same(
        "identifier",
        DAEMON,
        Text,
        Some("supervisor"),
        Restart,
        "name of this daemon in events and file names",
    ),
    differs(
        "exit_when_all_exited",
        OURS,
        Bool,
        (Some("false"), Some("true")),
        Live,
        "the container ends when all programs have ended",
    ),
    differs(
        "create_directories",
        OURS,
        Bool,
        (Some("false"), Some("true")),
        Restart,
        "create missing directories of log and pid files",
    ),
    same(
        "http_listen",
        &[Kind::Mainstay, Kind::Http],
        Address,
        None,
        Restart,
        "addresses for metrics and health",
    ),
    same("listen", &[Kind::Http], Address, None, Restart, "addresses for metrics and health"),
    same(
        "drain_delay",
        OURS,
        Duration,
        Some("0"),
        Restart,
        "wait between `not ready` and the first stop signal",
    ),
    same(
        "shutdown_timeout",
        OURS,
        Duration,
        None,
        Restart,
        "time in which everything has stopped, the drain included",
    ),
    same("termination_log", OURS, Path, None, Restart, "file for the last words of the container"),
    signal("signal_hup"),
    signal("signal_int"),
    signal("signal_quit"),
    signal("signal_term"),
    signal("signal_usr1"),
    signal("signal_usr2"),
    signal("signal_alrm"),
    signal("signal_cont"),
    signal("signal_poll"),
    signal("signal_prof"),
    signal("signal_pwr"),
    signal("signal_tstp"),
    signal("signal_urg"),
    signal("signal_vtalrm"),
    signal("signal_winch"),
    signal("signal_xcpu"),
    same("file", UNIX, Path, None, Restart, "path of the control socket"),
    same("chmod", UNIX, Octal, Some("0700"), Restart, "mode of the control socket"),
    same("chown", UNIX, Owner, None, Restart, "owner of the control socket, user or user:group"),
    same("port", INET, Address, None, Restart, "address of the control server, host:port"),
    same("username", SERVERS, Text, None, Restart, "name that clients must give"),
    same("password", SERVERS, Text, None, Restart, "password that clients must give, plain or {SHA}hex"),
    same("programs", GROUP, List, None, Restart, "members of the group"),
    same("priority", GROUP, Int, Some("999"), Live, "place in the start order, lower first"),
    same("serverurl", CTL, Text, Some("http://localhost:9001"), Live, "server that the client talks to"),
    same("username", CTL, Text, None, Live, "name the client gives"),
    same("password", CTL, Text, None, Live, "password the client gives"),
    same("prompt", CTL, Text, Some("supervisor"), Live, "prompt of the client's shell"),
    same("history_file", CTL, Path, None, Live, "history of the client's shell"),
    same("files", &[Kind::Include], List, None, Restart, "patterns of files to include"),
];
