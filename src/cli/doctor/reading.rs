//! Reads the configuration and tries what it names, as far as that changes nothing.
//!
//! Does I/O: reads the configuration, asks about files, binds addresses for a moment where no daemon runs. Not here:
//! judging (`configured`, `budget`).

use super::DoctorArgs;
use super::facts::{Configuration, Configured, Place, Tier};
use crate::cli::world::RealWorld;
use crate::config::diag::Diagnostic;
use crate::config::model::{Config, ControlAddress, LogTarget, MainLog, ProbeKind, Program};
use crate::config::{Search, Sources, load};
use crate::ctl::discover::named_in;
use crate::spawn::{self, BaseEnvironment, Context};
use crate::sys::boot;
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// BOUND: findings of a bad configuration that are repeated here.
const MAX_TOLD: usize = 5;

pub(super) fn read(
    args: &DoctorArgs,
    env: &[(OsString, OsString)],
    env_text: Vec<(String, String)>,
    daemon: Option<i32>,
) -> Configuration {
    let of_daemon = || named_in(&std::fs::read(format!("/proc/{}/cmdline", daemon?)).ok()?);
    let mut files = args.files.iter().cloned();
    let world = RealWorld::new(&env_text);
    let sources = Sources {
        file: files.next().or_else(of_daemon),
        extra_files: files.collect(),
        search: Search::Mainstay { argv0: String::new() },
        env: env_text,
        ..Sources::default()
    };
    match load(&sources, &world) {
        Ok(loaded) => Configuration::Good(Box::new(of(&loaded.config, env, daemon.is_some()))),
        Err(found) => {
            let is_missing = |text: &str| text == "cannot find a configuration";
            if sources.file.is_none() && found.items.iter().any(|d| is_missing(&d.message)) {
                return Configuration::None;
            }
            let errors: Vec<String> = found.items.iter().map(one_line).collect();
            let n = errors.len();
            Configuration::Bad(errors.into_iter().take(MAX_TOLD).collect(), n)
        }
    }
}

/// Where, what, and the hint.
fn one_line(finding: &Diagnostic) -> String {
    let place = finding.span.as_ref().filter(|s| s.line > 0);
    let place = place.map(|s| format!("{}:{}: ", s.source, s.line)).unwrap_or_default();
    let hint = finding.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default();
    format!("{place}{}{hint}", finding.message)
}

fn of(config: &Config, env: &[(OsString, OsString)], is_running: bool) -> Configured {
    let supervisor = &config.supervisor;
    let own_uid = boot::own_uid();
    let main_uid = supervisor.user.as_ref().map_or(own_uid, |u| u.uid);
    let others = config.processes().filter(|p| p.user.as_ref().is_some_and(|u| u.uid != main_uid));
    let unsigned = |ms: i64| u64::try_from(ms).unwrap_or(0);
    Configured {
        name: config.path.as_ref().map_or_else(|| "environment".to_owned(), |p| p.display().to_string()),
        programs: config.processes().count(),
        tiers: tiers(config),
        drain_ms: unsigned(supervisor.drain_delay_ms),
        shutdown_timeout_ms: supervisor.shutdown_timeout_ms.map(unsigned),
        uses_stdout: supervisor.log_stream.is_some()
            || matches!(supervisor.logfile, MainLog::Stream(_))
            || config.processes().any(|p| [&p.stdout, &p.stderr].iter().any(|l| is_ours(&l.target))),
        wants_private_socket: config.control.is_empty(),
        files: files(config),
        listeners: listeners(config, is_running),
        commands: commands(config, env),
        sources: sources(config),
        other_users: others.map(name_of).collect(),
    }
}

fn is_ours(target: &LogTarget) -> bool {
    matches!(target, LogTarget::Stream { .. } | LogTarget::Inherit)
}

fn name_of(p: &Program) -> String {
    if p.group == p.name { p.name.clone() } else { format!("{}:{}", p.group, p.name) }
}

/// Groups of the same priority are stopped together, those of the highest first.
fn tiers(config: &Config) -> Vec<Tier> {
    let mut priorities: Vec<i64> = config.groups.iter().map(|g| g.priority).collect();
    // In start order already.
    priorities.dedup();
    let of = |priority: &i64| {
        let groups = config.groups.iter().filter(|g| g.priority == *priority);
        let programs: Vec<&Program> = groups.flat_map(|g| &g.programs).collect();
        let with_ms = programs.iter().map(|p| (with_dependants(p, &programs, 0), *p));
        let slowest = with_ms.max_by_key(|(ms, _)| *ms);
        slowest.map(|(ms, p)| Tier { ms, slowest: name_of(p) })
    };
    priorities.iter().rev().filter_map(of).collect()
}

/// What depends on a program is stopped before it.
fn with_dependants(program: &Program, all: &[&Program], depth: usize) -> u64 {
    let is_meant =
        |target: &str| target == program.program || target == program.group || target == name_of(program);
    let dependants = all.iter().filter(|p| p.native.depends_on.iter().any(|d| is_meant(&d.target)));
    // BOUND: circles are refused when the configuration is read; a chain is no longer than all.
    let before = dependants.filter(|_| depth < all.len()).map(|p| with_dependants(p, all, depth + 1));
    before.max().unwrap_or(0).saturating_add(stop_ms(program))
}

/// Until the SIGKILL, and for what is run after it: a stop waits for that.
fn stop_ms(p: &Program) -> u64 {
    let ladder: i64 = p.native.stop_ladder.iter().map(|step| step.after_ms).sum();
    let ms = if p.native.stop_ladder.is_empty() { p.stopwaitsecs_ms } else { ladder };
    let cleans_up = p.native.hooks.as_ref().filter(|h| h.post_stop.is_some()).map_or(0, |h| h.timeout_ms);
    u64::try_from(ms.max(0).saturating_add(cleans_up)).unwrap_or(0)
}

fn files(config: &Config) -> Vec<Place> {
    let supervisor = &config.supervisor;
    let mut all: Vec<(String, &Path)> = Vec::new();
    if let MainLog::File(path) = &supervisor.logfile {
        all.push(("logfile".to_owned(), path));
    }
    for (what, path) in [("pidfile", &supervisor.pidfile), ("termination_log", &supervisor.termination_log)] {
        all.extend(path.iter().map(|p| (what.to_owned(), p.as_path())));
    }
    for program in config.processes() {
        for (what, log) in [("stdout", &program.stdout), ("stderr", &program.stderr)] {
            if let LogTarget::File(path) = &log.target {
                all.push((format!("{what} of {}", name_of(program)), path));
            }
        }
    }
    for server in &config.control {
        if let ControlAddress::Unix { path, .. } = &server.address {
            all.push((server.section.clone(), path));
        }
    }
    let creates = supervisor.create_directories;
    let place = |(what, path): (String, &Path)| Place {
        what,
        shown: path.display().to_string(),
        problem: not_writable(path, creates),
    };
    let mut places: Vec<Place> = all.into_iter().map(place).collect();
    let is_auto = |p: &Program| p.stdout.target == LogTarget::Auto || p.stderr.target == LogTarget::Auto;
    if let Some(folder) = supervisor.childlogdir.as_deref().filter(|_| config.processes().any(is_auto)) {
        let problem = not_writable(&folder.join("log"), creates);
        places.push(Place { what: "childlogdir".to_owned(), shown: folder.display().to_string(), problem });
    }
    places
}

/// Why a file could not be written, or made.
fn not_writable(path: &Path, creates: bool) -> Option<String> {
    let refused = |path: &Path, flags| access(path, flags).err().map(|e| e.desc().to_lowercase());
    if path.is_dir() {
        return Some("it is a folder".to_owned());
    }
    let mut folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.exists() {
        return refused(path, AccessFlags::W_OK).or_else(|| no_room(path));
    }
    while !folder.exists() {
        match folder.parent().filter(|_| creates) {
            Some(above) => folder = above,
            None => return Some(format!("the folder {} is not there", folder.display())),
        }
    }
    if !folder.is_dir() {
        return Some(format!("{} is no folder", folder.display()));
    }
    refused(folder, AccessFlags::W_OK | AccessFlags::X_OK)
        .map(|why| format!("nothing can be made in {}: {why}", folder.display()))
        .or_else(|| no_room(folder))
}

fn no_room(path: &Path) -> Option<String> {
    // A pipe or a device has no room, and needs none.
    let meta = std::fs::metadata(path).ok()?;
    let room = statvfs(path).ok().filter(|s| (meta.is_file() || meta.is_dir()) && s.blocks() > 0)?;
    if room.blocks_available() == 0 {
        return Some("the disk is full".to_owned());
    }
    (room.files() > 0 && room.files_available() == 0).then(|| "the disk has no inodes left".to_owned())
}

fn listeners(config: &Config, is_running: bool) -> Vec<Place> {
    // A daemon that runs has them itself.
    if is_running {
        return Vec::new();
    }
    let inet = |what: &str, address: &SocketAddr| Place {
        what: what.to_owned(),
        shown: address.to_string(),
        problem: TcpListener::bind(address).err().map(|e| why_not(&e, *address)),
    };
    let mut all: Vec<Place> = config.http.iter().map(|address| inet("[http] listen", address)).collect();
    for server in &config.control {
        all.push(match &server.address {
            ControlAddress::Inet(address) => inet(&server.section, address),
            ControlAddress::Unix { path, .. } => Place {
                what: server.section.clone(),
                shown: path.display().to_string(),
                problem: UnixStream::connect(path).ok().map(|_| "somebody listens there already".to_owned()),
            },
        });
    }
    all
}

fn why_not(error: &std::io::Error, address: SocketAddr) -> String {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => "somebody listens there already".to_owned(),
        std::io::ErrorKind::PermissionDenied => {
            format!("port {} is privileged, and this user may not have it", address.port())
        }
        std::io::ErrorKind::AddrNotAvailable => "this container does not have that address".to_owned(),
        _ => nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or(0)).desc().to_lowercase(),
    }
}

/// Every program has a line, so that it can be said how many are good.
fn commands(config: &Config, env: &[(OsString, OsString)]) -> Vec<Place> {
    let context = Context {
        base: BaseEnvironment::new(env),
        server_url: None,
        start_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
        start_fd: None,
        binary: None,
        handled: Vec::new(),
        nofile: None,
        own_uid: boot::own_uid(),
    };
    // In another root, or under the hands of a script of ours, other files count.
    let is_here =
        |p: &&Program| p.native.limits.as_ref().is_none_or(|l| l.chroot.is_none()) && !spawn::has_stand_in(p);
    let place = |what: String, shown: &str, p: &Program| Place {
        what,
        shown: shown.to_owned(),
        problem: spawn::resolve(p, &context).err().map(|e| e.text),
    };
    let mut all = Vec::new();
    for program in config.processes().filter(is_here) {
        all.push(place(name_of(program), &program.command, program));
        for (word, text, argv) in beside(program) {
            let stand_in = Program { argv: Ok(argv.clone()), ..program.clone() };
            all.push(place(format!("{word} of {}", name_of(program)), text, &stand_in));
        }
    }
    all
}

/// The commands beside a program: hooks and checks.
fn beside(program: &Program) -> Vec<(&'static str, &String, &Vec<String>)> {
    let mut all = Vec::new();
    if let Some(hooks) = &program.native.hooks {
        let of = [
            ("pre_start", &hooks.pre_start),
            ("post_stop", &hooks.post_stop),
            ("stop_command", &hooks.stop_command),
        ];
        all.extend(of.into_iter().filter_map(|(word, hook)| hook.as_ref().map(|h| (word, &h.text, &h.argv))));
    }
    for (word, probe) in [("readiness", &program.native.readiness), ("liveness", &program.native.liveness)] {
        if let Some(ProbeKind::Exec { text, argv }) = probe.as_ref().map(|p| &p.how) {
            all.push((word, text, argv));
        }
    }
    all
}

/// What has to be there when a program starts.
fn sources(config: &Config) -> Vec<Place> {
    let mut all = Vec::new();
    for program in config.processes() {
        let Some(env) = &program.native.env else { continue };
        let files = env.files.iter().map(|p| ("env_file", p));
        let dirs = env.dirs.iter().map(|p| ("env_dir", p));
        let from = env.from_file.iter().map(|(_, p)| ("env_from_file", p));
        for (word, path) in files.chain(dirs).chain(from).filter(|(_, p)| !p.optional) {
            all.push(Place {
                what: format!("{word} of {}", name_of(program)),
                shown: path.path.display().to_string(),
                problem: access(&path.path, AccessFlags::R_OK).err().map(|e| e.desc().to_lowercase()),
            });
        }
    }
    all
}
