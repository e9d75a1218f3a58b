//! `mainstay run`: gathers the sources of a configuration and starts the daemon, for the face `supervisord` too.
//!
//! Reads files through `world`. Invariant: nothing starts on a bad configuration; every finding is shown at once.

use crate::cli::world::RealWorld;
use crate::cli::{Started, print, sample};
use crate::config::{self, Search, Sources};
use crate::daemon::{self, Options};
use crate::sys::fd;
use clap::Args;
use std::cell::Cell;
use std::path::PathBuf;

/// Options of `run`: ours, and all of supervisord's.
#[derive(Args, Debug, Clone)]
#[command(after_help = "\
Without -c: ./mainstay.toml, /etc/mainstay.toml, /etc/mainstay/mainstay.toml, then supervisord's places;
without any file, programs come from the environment (MAINSTAY_PROGRAM__WEB=\"nginx -g 'daemon off;'\"). A page for \
browsers is at the address of [control] tcp, [inet_http_server] port.")]
pub(crate) struct RunArgs {
    /// Configuration: INI, or TOML when the name ends in .toml; may be repeated
    #[arg(short = 'c', long = "configuration", value_name = "FILE")]
    configuration: Vec<PathBuf>,
    /// Stay in the foreground; `run` always does
    #[arg(short = 'n', long = "nodaemon")]
    _nodaemon: bool,
    /// Do not repeat the daemon's log on stdout
    #[arg(short = 's', long)]
    silent: bool,
    /// Become this user after the listeners are bound
    #[arg(short = 'u', long, value_name = "USER")]
    user: Option<String>,
    /// Accepted for supervisord's sake; only `supervisord` goes into the background
    #[arg(short = 'm', long, value_name = "OCTAL")]
    umask: Option<String>,
    /// Accepted for supervisord's sake; only `supervisord` goes into the background
    #[arg(short = 'd', long, value_name = "DIR")]
    directory: Option<String>,
    /// The daemon's log
    #[arg(short = 'l', long, value_name = "FILE")]
    logfile: Option<String>,
    /// Size at which the log is rotated (0: never)
    #[arg(short = 'y', long = "logfile_maxbytes", value_name = "SIZE")]
    logfile_maxbytes: Option<String>,
    /// Number of rotated logs to keep
    #[arg(short = 'z', long = "logfile_backups", value_name = "N")]
    logfile_backups: Option<String>,
    /// critical, error, warn, info, debug, trace or blather
    #[arg(short = 'e', long, value_name = "LEVEL")]
    loglevel: Option<String>,
    /// File for the daemon's pid
    #[arg(short = 'j', long, value_name = "FILE")]
    pidfile: Option<String>,
    /// Name of this daemon in its API and its AUTO logs
    #[arg(short = 'i', long, value_name = "NAME")]
    identifier: Option<String>,
    /// Directory of AUTO logs
    #[arg(short = 'q', long, value_name = "DIR")]
    childlogdir: Option<String>,
    /// Leave AUTO logs of an earlier life alone
    #[arg(short = 'k', long)]
    nocleanup: bool,
    /// Open files that have to be possible
    #[arg(short = 'a', long, value_name = "N")]
    minfds: Option<String>,
    /// Take colours and cursor movements out of logs
    #[arg(short = 't', long = "strip_ansi")]
    strip_ansi: bool,
    /// Processes that have to be possible
    #[arg(long, value_name = "N")]
    minprocs: Option<String>,
    /// Run the embedded example: three programs, one of which crashes now and then
    #[arg(long, conflicts_with = "configuration")]
    example: bool,
    /// Print the version and end
    #[arg(short = 'v', long = "version")]
    version: bool,
    /// Main program: its end ends the container, with its exit code
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

impl RunArgs {
    /// Options by the names of the settings they override.
    fn overrides(&self) -> Vec<(String, String)> {
        let valued = [
            ("user", &self.user),
            ("umask", &self.umask),
            ("directory", &self.directory),
            ("logfile", &self.logfile),
            ("logfile_maxbytes", &self.logfile_maxbytes),
            ("logfile_backups", &self.logfile_backups),
            ("loglevel", &self.loglevel),
            ("pidfile", &self.pidfile),
            ("identifier", &self.identifier),
            ("childlogdir", &self.childlogdir),
            ("minfds", &self.minfds),
            ("minprocs", &self.minprocs),
        ];
        let mut all: Vec<(String, String)> =
            valued.iter().filter_map(|(k, v)| v.as_ref().map(|v| ((*k).to_string(), v.clone()))).collect();
        let flags = [
            ("nodaemon", true),
            ("silent", self.silent),
            ("nocleanup", self.nocleanup),
            ("strip_ansi", self.strip_ansi),
        ];
        all.extend(flags.iter().filter(|(_, on)| *on).map(|(k, _)| ((*k).to_string(), "true".to_string())));
        all
    }

    fn sources(&self, started: &Started) -> Sources {
        let mut files = self.configuration.iter().cloned();
        let search = Search::Mainstay { argv0: started.exec_name.clone() };
        Sources {
            file: files.next(),
            extra_files: files.collect(),
            search,
            env: started.env_text(),
            overrides: self.overrides(),
            embedded: self.example.then_some(("the embedded example", sample::DEMO)),
            main_command: (!self.command.is_empty()).then(|| self.command.clone()),
        }
    }
}

/// What to run, and how.
pub(crate) struct Wish {
    pub(crate) sources: Sources,
    /// Do not go into the background, whatever the configuration says.
    pub(crate) foreground: bool,
    /// We are supervisord: the name its usage lines give.
    pub(crate) supervisord: Option<String>,
}

/// `mainstay run`. Returns the exit code.
pub(crate) fn run(args: RunArgs, started: Started) -> u8 {
    if args.version {
        return print(concat!("mainstay ", env!("CARGO_PKG_VERSION"), "\n"));
    }
    let sources = args.sources(&started);
    start(Wish { sources, foreground: true, supervisord: None }, started)
}

/// Runs until everything has stopped. Returns the exit code.
pub(crate) fn start(wish: Wish, started: Started) -> u8 {
    let Wish { sources, foreground, supervisord } = wish;
    let first = Cell::new(true);
    let load = move || {
        let world = RealWorld::new(&sources.env);
        // The first time we may be given a pipe; later nothing may keep PID 1 waiting.
        let world = if first.replace(false) { world } else { world.while_supervising() };
        config::load(&sources, &world)
    };
    let loaded = match load() {
        Ok(loaded) => loaded,
        Err(findings) => return refuse(&findings, supervisord.as_deref()),
    };
    let daemonize = !foreground && !loaded.config.supervisor.nodaemon;
    let start_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    daemon::run(Options {
        loaded,
        reload: Box::new(load),
        env: started.env,
        start_dir,
        signal_state: started.signal_state,
        daemonize,
        usage: Box::new(move |words| {
            supervisord.as_ref().map_or_else(String::new, |name| usage(words, name))
        }),
    })
}

/// COMPAT: the two lines about every mistake, which tools look for.
pub(crate) fn usage(words: &str, name: &str) -> String {
    format!("Error: {words}\nFor help, use {name} -h\n")
}

/// All findings, and for the face `supervisord` its own lines first.
fn refuse(findings: &config::diag::Diagnostics, supervisord: Option<&str>) -> u8 {
    let lines = supervisord.zip(findings.supervisor()).map(|(name, words)| usage(words, name));
    fd::last_words(&(lines.unwrap_or_default() + &findings.render()));
    2
}
