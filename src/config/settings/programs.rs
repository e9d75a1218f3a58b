//! The part of the settings table for programs, event listeners and FastCGI programs.
//!
//! Pure data. Not here: settings for the whole (`whole`).

use super::Change::{Live, Restart};
use super::Type::{
    Autorestart, Bool, Command, ExitCodes, Int, List, LogFile, Octal, Owner, Pairs, Path, Seconds, Signal,
    Size, Text, User,
};
use super::{PROGRAMS, Setting, differs, same};
use crate::config::raw::SectionKind as Kind;

const LISTENER: &[Kind] = &[Kind::EventListener];
const FCGI: &[Kind] = &[Kind::Fcgi];
const PROGRAM: &[Kind] = &[Kind::Program];
/// Everything but listeners, which have a priority of their own and speak to us on stdout.
const PLAIN: &[Kind] = &[Kind::Program, Kind::Fcgi];

pub(super) const SETTINGS: &[Setting] = &[
    same("command", PROGRAMS, Command, None, Restart, "what to run, split into words like a shell does"),
    same("process_name", PROGRAMS, Text, Some("%(program_name)s"), Restart, "name of each process"),
    same("numprocs", PROGRAMS, Int, Some("1"), Restart, "number of processes"),
    same("numprocs_start", PROGRAMS, Int, Some("0"), Restart, "number of the first process"),
    same("priority", PLAIN, Int, Some("999"), Live, "place in the start order, lower first"),
    same("priority", LISTENER, Int, Some("-1"), Live, "place in the start order, lower first"),
    same("autostart", PROGRAMS, Bool, Some("true"), Live, "start with the daemon"),
    same(
        "autorestart",
        PROGRAMS,
        Autorestart,
        Some("unexpected"),
        Live,
        "restart after an exit: true, false, unexpected",
    ),
    same("startsecs", PROGRAMS, Seconds, Some("1"), Live, "uptime that makes a start successful"),
    same("startretries", PROGRAMS, Int, Some("3"), Live, "failed starts before giving up"),
    same("exitcodes", PROGRAMS, ExitCodes, Some("0"), Live, "exit codes that are expected"),
    same(
        "stopsignal",
        PROGRAMS,
        Signal,
        Some("TERM"),
        Live,
        "signal that asks the program to stop, or a ladder: `TERM:10, QUIT:5, KILL`",
    ),
    same("stopwaitsecs", PROGRAMS, Seconds, Some("10"), Live, "time before a stop turns into KILL"),
    differs(
        "stopasgroup",
        PROGRAMS,
        Bool,
        (Some("false"), Some("true")),
        Live,
        "the stop signal goes to the process group",
    ),
    differs("killasgroup", PROGRAMS, Bool, (None, Some("true")), Live, "KILL goes to the process group"),
    same("user", PROGRAMS, User, None, Restart, "user that the program runs as"),
    same("umask", PROGRAMS, Octal, None, Restart, "file mode mask of the program"),
    same("directory", PROGRAMS, Path, None, Restart, "working directory of the program"),
    same("environment", PROGRAMS, Pairs, Some(""), Restart, "variables for the program"),
    same("serverurl", PROGRAMS, Text, None, Restart, "SUPERVISOR_SERVER_URL of the program, AUTO: ours"),
    same("redirect_stderr", PROGRAMS, Bool, Some("false"), Restart, "stderr goes where stdout goes"),
    differs(
        "stdout_logfile",
        PLAIN,
        LogFile,
        (Some("AUTO"), Some("/dev/stdout")),
        Restart,
        "where stdout goes",
    ),
    differs(
        "stdout_logfile",
        LISTENER,
        LogFile,
        (Some("AUTO"), Some("NONE")),
        Restart,
        "where READY and RESULT go besides",
    ),
    same(
        "stdout_logfile_maxbytes",
        PROGRAMS,
        Size,
        Some("50MB"),
        Live,
        "size at which the file is rotated, 0 never",
    ),
    same("stdout_logfile_backups", PROGRAMS, Int, Some("10"), Live, "rotated files that are kept"),
    same("stdout_capture_maxbytes", PROGRAMS, Size, Some("0"), Restart, "buffer of capture mode, 0 off"),
    same("stdout_events_enabled", PROGRAMS, Bool, Some("false"), Live, "output makes events"),
    same("stdout_syslog", PROGRAMS, Bool, Some("false"), Restart, "output goes to syslog too"),
    differs(
        "stderr_logfile",
        PROGRAMS,
        LogFile,
        (Some("AUTO"), Some("/dev/stderr")),
        Restart,
        "where stderr goes",
    ),
    same(
        "stderr_logfile_maxbytes",
        PROGRAMS,
        Size,
        Some("50MB"),
        Live,
        "size at which the file is rotated, 0 never",
    ),
    same("stderr_logfile_backups", PROGRAMS, Int, Some("10"), Live, "rotated files that are kept"),
    same("stderr_capture_maxbytes", PROGRAMS, Size, Some("0"), Restart, "buffer of capture mode, 0 off"),
    same("stderr_events_enabled", PROGRAMS, Bool, Some("false"), Live, "output makes events"),
    same("stderr_syslog", PROGRAMS, Bool, Some("false"), Restart, "output goes to syslog too"),
    same("events", LISTENER, List, None, Live, "events that the listener wants"),
    same("buffer_size", LISTENER, Int, Some("10"), Live, "events that wait for the listener"),
    same(
        "result_handler",
        LISTENER,
        Text,
        Some("supervisor.dispatchers:default_handler"),
        Restart,
        "reader of results",
    ),
    same(
        "dependent_startup",
        PROGRAM,
        Bool,
        Some("false"),
        Restart,
        "start when `..._wait_for` has come about",
    ),
    same(
        "dependent_startup_wait_for",
        PROGRAM,
        Text,
        None,
        Restart,
        "programs and states, as supervisord-dependent-startup reads them: `a:running b:exited,fatal`",
    ),
    same(
        "dependent_startup_inherit_priority",
        PROGRAM,
        Bool,
        Some("false"),
        Restart,
        "as urgent as the most urgent program that is waited for",
    ),
    same("socket", FCGI, Text, None, Restart, "socket that all processes share, unix:// or tcp://"),
    same("socket_backlog", FCGI, Int, None, Restart, "waiting connections of the socket"),
    same("socket_owner", FCGI, Owner, None, Restart, "owner of a unix socket, user or user:group"),
    same("socket_mode", FCGI, Octal, None, Restart, "mode of a unix socket"),
];
