//! The face `supervisord` as a user starts it: in a directory of its own, into the background or not, as anybody.

use crate::support::{ours, strip_time};
use harness::{Cmd, Daemon, Setup, bins, proc, wait_until};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// Loads all of Supervisor before it gives up root: the real one need not be readable for everybody. `AS` is the user
/// that it becomes first.
const LAUNCHER: &str = "import importlib, os, pkgutil, sys, supervisor
for module in pkgutil.walk_packages(supervisor.__path__, 'supervisor.'):
    if 'tests' not in module.name and 'scripts' not in module.name:
        importlib.import_module(module.name)
from supervisor.supervisord import main
if 'AS' in os.environ:
    os.setgroups([]); os.setgid(int(os.environ['AS'])); os.setuid(int(os.environ['AS']))
sys.exit(main())
";

/// `@dir@/supervisord -c @dir@/c.conf`, not started yet. The name is the same for ours and theirs.
pub(crate) fn face(config: &str) -> Setup {
    let setup = Setup::new(&["@dir@/supervisord", "-c", "@dir@/c.conf"]);
    put_program(&setup);
    setup.file("c.conf", config)
}

/// The same, started by user number `id`.
pub(crate) fn face_as(id: u32, config: &str) -> Setup {
    let setup = face(config);
    std::os::unix::fs::chown(setup.dir().path(), Some(id), Some(id)).expect("root may");
    if ours() {
        let id = id.to_string();
        setup.launcher(&["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"])
    } else {
        setup.env("AS", &id.to_string())
    }
}

/// Copied by a process of its own: a file that some thread's child still holds open for writing cannot be executed.
fn put_program(setup: &Setup) {
    let source = if ours() {
        // Not a link: those who cannot reach the build directory are to execute it.
        bins::mainstay()
    } else {
        let python = bins::venv("python3").expect("skipped() has looked");
        setup.dir().write("launcher.py", &format!("#!{python}\n{LAUNCHER}"))
    };
    let program = setup.dir().join("supervisord");
    Cmd::new(&["install", "-m", "755", &source, &program]).run().expect(0);
}

/// A daemon in the background: the one in front has ended with 0.
pub(crate) struct Background {
    pub(crate) daemon: Daemon,
    pub(crate) pid: i32,
}

impl Background {
    /// Starts it and waits for `d.pid`.
    #[track_caller]
    pub(crate) fn start(setup: Setup) -> Background {
        let daemon = setup.start();
        assert_eq!(daemon.wait_exit(), 0, "the one in front ends: {}", daemon.stderr());
        let read = || daemon.dir().read("d.pid").trim().parse::<i32>().ok();
        if ours() {
            assert!(read().is_some(), "the pidfile is there when the one in front has ended");
        }
        wait_until("the pidfile is written", || read().is_some());
        let pid = read().expect("just seen");
        Background { daemon, pid }
    }

    /// The daemon's own log without times.
    pub(crate) fn log(&self) -> Vec<String> {
        log_of(&self.daemon)
    }

    #[track_caller]
    pub(crate) fn wait_log(&self, text: &str) {
        wait_until(&format!("the log says `{text}`"), || self.daemon.dir().read("main.log").contains(text));
    }

    /// SIGTERM; nothing is left, and the pipes of the one in front are closed.
    #[track_caller]
    pub(crate) fn finish(self) {
        harness::kill(self.pid, 15).expect("it lives");
        wait_until("the one behind ends", || !proc::alive(self.pid));
        self.daemon.ended(0);
    }
}

/// Lines of `main.log` without times; pids become PID, the directory `@dir@`.
pub(crate) fn log_of(daemon: &Daemon) -> Vec<String> {
    let here = daemon.fill("@dir@");
    let text = daemon.dir().read("main.log").replace(&here, "@dir@");
    text.lines().filter_map(strip_time).map(|l| crate::support::masked(&l)).collect()
}

/// Waits for the end with exit code 2 and gives back what stderr says, with `ARGV0` for our name and `@dir@`.
#[track_caller]
pub(crate) fn refusal(daemon: &Daemon) -> String {
    assert_eq!(daemon.wait_exit(), 2, "{}", daemon.stderr());
    wait_until("it has said why", || daemon.stderr().contains("For help, use "));
    let here = daemon.fill("@dir@");
    daemon.stderr().replace(&format!("{here}/supervisord"), "ARGV0").replace(&here, "@dir@")
}

/// The two lines of a usage error; ours may say more behind them.
#[track_caller]
pub(crate) fn assert_refused(daemon: &Daemon, words: &str) {
    let said = refusal(daemon);
    let want = format!("Error: {words}\nFor help, use ARGV0 -h\n");
    assert!(if ours() { said.starts_with(&want) } else { said == want }, "{said}\nbut not\n{want}");
}

/// Owner, group and mode of a file in the daemon's directory.
pub(crate) fn owned(daemon: &Daemon, name: &str) -> (u32, u32, u32) {
    let path = daemon.dir().path().join(name);
    let meta = std::fs::symlink_metadata(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    (meta.uid(), meta.gid(), meta.permissions().mode() & 0o7777)
}
