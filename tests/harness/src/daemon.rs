//! The daemon under test: built from a configuration, started in a directory of its own, ended with an inspection.

use crate::run::{Collector, Watchdog, collect, shell_code};
use crate::temp::TempDir;
use crate::wait::{LIMIT, holds_within, wait_for, wait_until};
use crate::{bins, http, proc};
use std::io::Write;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The variable by which everything a test has started is found again.
pub(crate) const MARK: &str = "HARNESS_ID";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A value that no other test has.
pub(crate) fn fresh_mark() -> String {
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Kills what carries the mark, until nothing does.
pub(crate) fn kill_marked(mark: &str) {
    holds_within(Duration::from_secs(5), || {
        let left = proc::with_env(MARK, mark);
        for pid in &left {
            // It may have ended by itself meanwhile.
            let _ = crate::kill(*pid, nix::libc::SIGKILL);
        }
        left.is_empty()
    });
}

/// What to start, and how. Text may hold `@dir@`, `@puppet@`, `@sock@`, `@port@`, `@mainstay@`.
#[derive(Debug)]
pub struct Setup {
    dir: TempDir,
    port: u16,
    launcher: Vec<String>,
    forked: bool,
    words: Vec<String>,
    env: Vec<(String, String)>,
    clear_env: bool,
    stdin: Option<String>,
    hold_stdin: bool,
    cwd: Option<String>,
    limit: Duration,
}

impl Setup {
    /// Any command line.
    #[must_use]
    pub fn new(words: &[&str]) -> Setup {
        let mut setup = Setup {
            dir: TempDir::new(),
            port: free_port(),
            launcher: Vec::new(),
            forked: false,
            words: Vec::new(),
            env: Vec::new(),
            clear_env: false,
            stdin: None,
            hold_stdin: false,
            cwd: None,
            limit: Duration::from_secs(90),
        };
        setup.words = words.iter().map(|w| setup.fill(w)).collect();
        setup
    }

    /// `mainstay run -c FILE` with an INI text.
    #[must_use]
    pub fn ini(text: &str) -> Setup {
        Setup::new(&["@mainstay@", "run", "-c", "@dir@/supervisord.conf"]).file("supervisord.conf", text)
    }

    /// `mainstay run -c FILE` with a TOML text.
    #[must_use]
    pub fn toml(text: &str) -> Setup {
        Setup::new(&["@mainstay@", "run", "-c", "@dir@/mainstay.toml"]).file("mainstay.toml", text)
    }

    /// `mainstay run` with variables only.
    #[must_use]
    pub fn variables(vars: &[(&str, &str)]) -> Setup {
        let setup = Setup::new(&["@mainstay@", "run"]).cwd("/");
        vars.iter().fold(setup, |s, (name, value)| s.env(name, value))
    }

    /// `mainstay init -- WORDS`.
    #[must_use]
    pub fn init(words: &[&str]) -> Setup {
        Setup::new(&[&["@mainstay@", "init", "--"], words].concat())
    }

    /// `mainstay -- WORDS`.
    #[must_use]
    pub fn dashes(words: &[&str]) -> Setup {
        Setup::new(&[&["@mainstay@", "--"], words].concat())
    }

    /// Replaces the marks in `text`.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let mut out = text
            .replace("@dir@", &self.dir.path().display().to_string())
            .replace("@sock@", &self.dir.join("s.sock"))
            .replace("@port@", &self.port.to_string());
        if out.contains("@puppet@") {
            out = out.replace("@puppet@", &bins::puppet());
        }
        if out.contains("@mainstay@") {
            out = out.replace("@mainstay@", &bins::mainstay());
        }
        out
    }

    /// Writes a file into the test's directory.
    #[must_use]
    pub fn file(self, name: &str, text: &str) -> Setup {
        self.dir.write(name, &self.fill(text));
        self
    }

    #[must_use]
    pub fn arg(mut self, word: &str) -> Setup {
        self.words.push(self.fill(word));
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Setup {
        self.env.push((name.to_string(), self.fill(value)));
        self
    }

    /// Starts with nothing but the marker and what `env` gave.
    #[must_use]
    pub fn clear_env(mut self) -> Setup {
        self.clear_env = true;
        self
    }

    /// What stands on standard input, then its end. Without it: `/dev/null`.
    #[must_use]
    pub fn stdin(mut self, text: &str) -> Setup {
        self.stdin = Some(text.to_string());
        self
    }

    /// Standard input is a pipe that stays open; see [`Daemon::type_in`].
    #[must_use]
    pub fn open_stdin(mut self) -> Setup {
        self.hold_stdin = true;
        self
    }

    #[must_use]
    pub fn cwd(mut self, dir: &str) -> Setup {
        self.cwd = Some(self.fill(dir));
        self
    }

    /// When the watchdog kills the whole tree.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Setup {
        self.limit = limit;
        self
    }

    /// A command line that ends by executing the rest (`puppet ignore INT exec`).
    #[must_use]
    pub fn launcher(mut self, words: &[&str]) -> Setup {
        let words: Vec<String> = words.iter().map(|w| self.fill(w)).collect();
        self.launcher.extend(words);
        self
    }

    /// As PID 1 of a PID namespace of its own, with its own `/proc`. Needs root.
    #[must_use]
    pub fn pid1(self) -> Setup {
        self.namespaces(&["--mount-proc"])
    }

    /// As PID 1 of a PID namespace, with further options of unshare(1).
    #[must_use]
    pub fn namespaces(mut self, options: &[&str]) -> Setup {
        self.forked = true;
        self.launcher(
            &[&["unshare", "--pid", "--fork", "--kill-child", "--mount"], options, &["--"]].concat(),
        )
    }

    /// The test's directory.
    #[must_use]
    pub fn dir(&self) -> &TempDir {
        &self.dir
    }

    /// Starts it.
    ///
    /// # Panics
    /// When the command cannot be executed.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Daemon {
        let mark = fresh_mark();
        let words = [self.launcher.clone(), self.words.clone()].concat();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.clear_env {
            command.env_clear();
        }
        command.env(MARK, &mark).envs(self.env.iter().map(|(n, v)| (n, v)));
        command.current_dir(self.cwd.as_deref().map_or(self.dir.path(), std::path::Path::new));
        let piped = self.stdin.is_some() || self.hold_stdin;
        command.stdin(if piped { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot start {words:?}: {e}"));
        let mut stdin = child.stdin.take();
        if let (Some(text), Some(pipe)) = (&self.stdin, &mut stdin) {
            // A program that does not read its input is allowed to end first.
            let _ = pipe.write_all(text.as_bytes());
        }
        let id = i32::try_from(child.id()).expect("a pid fits");
        Daemon {
            out: collect(child.stdout.take().expect("stdout is a pipe")),
            err: collect(child.stderr.take().expect("stderr is a pipe")),
            stdin: Mutex::new(if self.hold_stdin { stdin } else { None }),
            watch: Some(Watchdog::start(id, mark.clone(), self.limit)),
            child: Mutex::new(child),
            id,
            mark,
            words,
            setup: self,
        }
    }
}

/// A running daemon. When it is dropped everything it started is killed; a failing test prints its output.
#[derive(Debug)]
pub struct Daemon {
    setup: Setup,
    words: Vec<String>,
    child: Mutex<Child>,
    id: i32,
    mark: String,
    out: Collector,
    err: Collector,
    stdin: Mutex<Option<ChildStdin>>,
    watch: Option<Watchdog>,
}

impl Daemon {
    /// Its pid as we see it (inside its own namespace it may be 1).
    #[track_caller]
    #[must_use]
    pub fn pid(&self) -> i32 {
        if !self.setup.forked {
            return self.id;
        }
        let mut pid = 0;
        wait_until("the launcher has forked", || {
            pid = proc::children(self.id).first().map_or(0, |s| s.pid);
            pid != 0
        });
        pid
    }

    #[must_use]
    pub fn dir(&self) -> &TempDir {
        &self.setup.dir
    }

    /// Replaces the marks in `text`, as in the configuration.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        self.setup.fill(text)
    }

    /// The control socket (`@sock@`).
    #[must_use]
    pub fn socket(&self) -> String {
        self.setup.dir.join("s.sock")
    }

    /// `127.0.0.1:@port@`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.setup.port)
    }

    #[must_use]
    pub fn stdout(&self) -> String {
        self.out.text()
    }

    #[must_use]
    pub fn stdout_bytes(&self) -> Vec<u8> {
        self.out.bytes()
    }

    #[must_use]
    pub fn stderr(&self) -> String {
        self.err.text()
    }

    /// Everything the daemon and its programs have said so far, on both streams and in `main.log`.
    #[must_use]
    pub fn said(&self) -> String {
        format!("{}{}{}", self.out.text(), self.err.text(), self.setup.dir.read("main.log"))
    }

    /// Waits until the text has been said on stdout, stderr or in `main.log`.
    ///
    /// # Panics
    /// After ten seconds; the message shows what was said instead.
    #[track_caller]
    pub fn wait_said(&self, text: &str) {
        self.wait_said_times(text, 1);
    }

    /// Waits until the text has been said `n` times.
    ///
    /// # Panics
    /// After ten seconds, or when the daemon has ended without saying it.
    #[track_caller]
    pub fn wait_said_times(&self, text: &str, n: usize) {
        let start = Instant::now();
        let enough = || self.said().matches(text).count() >= n;
        let found = holds_within(LIMIT, || {
            enough() || (self.status().is_some() && self.out.ended() && self.err.ended())
        });
        assert!(found && enough(), "`{text}` was not said {n} times within {:?}", start.elapsed());
    }

    /// Waits until `main.log` in another daemon's directory says it: for a daemon that runs on the files of another.
    ///
    /// # Panics
    /// After ten seconds.
    #[track_caller]
    pub fn wait_said_in(&self, other: &Daemon, text: &str) {
        wait_until(&format!("`{text}` is said twice"), || {
            other.dir().read("main.log").matches(text).count() >= 2
        });
    }

    /// Sends a signal to the daemon.
    ///
    /// # Panics
    /// When it is gone.
    #[track_caller]
    pub fn signal(&self, number: i32) {
        let pid = self.pid();
        crate::kill(pid, number).unwrap_or_else(|e| panic!("cannot send signal {number} to {pid}: {e}"));
    }

    /// Writes to its standard input (see [`Setup::open_stdin`]).
    ///
    /// # Panics
    /// When the pipe is closed.
    #[track_caller]
    pub fn type_in(&self, text: &str) {
        let mut stdin = self.stdin.lock().expect("no writer panics");
        stdin.as_mut().expect("stdin is open").write_all(text.as_bytes()).expect("stdin takes text");
    }

    /// Closes its standard input.
    pub fn close_stdin(&self) {
        drop(self.stdin.lock().map(|mut s| s.take()));
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// When the kernel does not know the child.
    #[must_use]
    pub fn status(&self) -> Option<ExitStatus> {
        self.child.lock().expect("no waiter panics").try_wait().expect("the child is ours")
    }

    /// Waits for its end; the code as a shell shows it.
    ///
    /// # Panics
    /// When it does not end within 20 s.
    #[track_caller]
    pub fn wait_exit(&self) -> i32 {
        self.wait_exit_within(Duration::from_secs(20))
    }

    /// Waits for its end at most `limit`.
    ///
    /// # Panics
    /// When the limit passes.
    #[track_caller]
    pub fn wait_exit_within(&self, limit: Duration) -> i32 {
        wait_for("the daemon has ended", limit, || self.status().is_some());
        self.status().map_or(-1, shell_code)
    }

    /// Live processes that it has started, directly or not; without itself and its launcher.
    #[must_use]
    pub fn offspring(&self) -> Vec<i32> {
        let own = if self.setup.forked { self.pid() } else { self.id };
        proc::with_env(MARK, &self.mark).into_iter().filter(|p| *p != own && *p != self.id).collect()
    }

    /// A GET to `@port@`; `None` while nobody answers.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<http::Answer> {
        http::get(&self.address(), path).ok()
    }

    /// A member of `getProcessInfo`, asked over the control socket.
    #[must_use]
    pub fn info(&self, name: &str, member: &str) -> Option<String> {
        let xml = http::rpc(&self.socket(), "supervisor.getProcessInfo", &[name]).ok()?;
        http::member(&xml, member)
    }

    /// Waits until the process is in the state (`RUNNING`, ...).
    ///
    /// # Panics
    /// After ten seconds; the message says where it stands.
    #[track_caller]
    pub fn wait_state(&self, name: &str, state: &str) {
        let mut last = String::new();
        let ok = holds_within(LIMIT, || {
            last = self.info(name, "statename").unwrap_or_else(|| "no answer".into());
            last == state
        });
        assert!(ok, "{name} is not {state} but {last}");
    }

    /// Stops it by SIGTERM, expects exit 0, and inspects what is left.
    ///
    /// # Panics
    /// When anything is left, or the code is another.
    #[track_caller]
    pub fn finish(self) -> String {
        if self.status().is_none() {
            self.signal(nix::libc::SIGTERM);
        }
        self.ended(0)
    }

    /// Waits for its own end with `code` and inspects what is left: no process, no zombie, no socket, no pid file, no
    /// word of a bug. Returns everything it said.
    ///
    /// # Panics
    /// When anything is left, or the code is another.
    #[track_caller]
    pub fn ended(mut self, code: i32) -> String {
        let got = self.wait_exit();
        assert_eq!(got, code, "exit code of the daemon");
        wait_for("nothing it started is alive", Duration::from_secs(3), || {
            proc::with_env(MARK, &self.mark).is_empty()
        });
        wait_for("its output pipes are closed by all", Duration::from_secs(3), || {
            self.out.ended() && self.err.ended()
        });
        let said = self.said();
        for word in ["internal error", "Bug", "panicked at"] {
            assert!(!said.contains(word), "the daemon speaks of `{word}`");
        }
        let litter: Vec<String> = self
            .dir()
            .list("")
            .into_iter()
            .filter(|n| n.contains(".sock") || n.ends_with(".pid") || n.ends_with(".tmp"))
            .collect();
        assert!(litter.is_empty(), "left behind: {litter:?}");
        let bitten = self.watch.take().is_some_and(Watchdog::stop);
        assert!(!bitten, "the watchdog had to kill the daemon");
        said
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.stop();
        }
        if self.status().is_none() {
            // Ours, and not reaped yet: the pid is still its own.
            let _ = crate::kill(self.id, nix::libc::SIGKILL);
        }
        kill_marked(&self.mark);
        if let Ok(mut child) = self.child.lock() {
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- {:?}\n--- stdout\n{}\n--- stderr", self.words, clip(&self.out.text()));
            eprintln!(
                "{}\n--- main.log\n{}\n---",
                clip(&self.err.text()),
                clip(&self.dir().read("main.log"))
            );
        }
    }
}

/// The end of a long text.
fn clip(text: &str) -> &str {
    let cut = text.len().saturating_sub(8000);
    (cut..text.len()).find(|i| text.is_char_boundary(*i)).map_or(text, |i| &text[i..])
}

/// A TCP port of the loopback interface that nobody listens on, given out once.
///
/// Not one that the kernel chooses: between our look and the daemon's bind any client on this machine could be given the
/// same number for its own end of a connection. These lie below the range it chooses from.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let n = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id().wrapping_mul(97);
        let port = 15_000 + (n % 15_000) as u16;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
