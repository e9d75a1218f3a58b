//! Runs a command to its end, bounded in time, and shows what it said.

use crate::daemon::{MARK, fresh_mark, kill_marked};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A command to be run to its end.
#[derive(Debug)]
pub struct Cmd {
    command: Command,
    stdin: Vec<u8>,
    limit: Duration,
}

/// How a command ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Done {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Done {
    /// The exit code; 128 + signal when killed, as a shell says it.
    #[must_use]
    pub fn code(&self) -> i32 {
        shell_code(self.status)
    }

    /// Asserts the code; shows both outputs when it is another.
    ///
    /// # Panics
    /// When the code differs.
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Done {
        assert_eq!(
            self.code(),
            code,
            "exit code\n--- stdout\n{}\n--- stderr\n{}\n---",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that stderr holds `text`.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Done {
        assert!(
            self.stderr.contains(text),
            "stderr does not say `{text}`\n--- stdout\n{}\n--- stderr\n{}\n---",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// The code a shell shows.
#[must_use]
pub fn shell_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

impl Cmd {
    #[must_use]
    pub fn new<S: AsRef<str>>(words: &[S]) -> Cmd {
        let mut command = Command::new(words[0].as_ref());
        command.args(words[1..].iter().map(AsRef::as_ref));
        Cmd { command, stdin: Vec::new(), limit: Duration::from_secs(30) }
    }

    #[must_use]
    pub fn arg(mut self, word: impl AsRef<str>) -> Cmd {
        self.command.arg(word.as_ref());
        self
    }

    #[must_use]
    pub fn args(mut self, words: &[&str]) -> Cmd {
        self.command.args(words);
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Cmd {
        self.command.env(name, value);
        self
    }

    #[must_use]
    pub fn clear_env(mut self) -> Cmd {
        self.command.env_clear();
        self
    }

    #[must_use]
    pub fn cwd(mut self, dir: &str) -> Cmd {
        self.command.current_dir(dir);
        self
    }

    #[must_use]
    pub fn stdin(mut self, text: &str) -> Cmd {
        self.stdin = text.as_bytes().to_vec();
        self
    }

    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Cmd {
        self.limit = limit;
        self
    }

    /// Runs it. When it takes too long everything it started is killed and the test fails.
    ///
    /// # Panics
    /// When it cannot be started, or does not end in time.
    #[track_caller]
    pub fn run(mut self) -> Done {
        let mark = fresh_mark();
        self.command.env(MARK, &mark).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start = Instant::now();
        let mut child =
            self.command.spawn().unwrap_or_else(|e| panic!("cannot start {:?}: {e}", self.command));
        let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
        let watch = Watchdog::start(pid, mark, self.limit);
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let out = collect(child.stdout.take().expect("stdout is a pipe"));
        let err = collect(child.stderr.take().expect("stderr is a pipe"));
        // A child that does not read is allowed to: it gets what fits, and the error is its own affair.
        let _ = stdin.write_all(&self.stdin);
        drop(stdin);
        let status = wait(&mut child);
        let took = start.elapsed();
        // The pipes end when the last holder is gone; the watchdog bounds that too.
        let (stdout, stderr) = (out.finish(), err.finish());
        let late = watch.stop();
        assert!(
            !late,
            "{:?} did not end within {:?}\nstdout: {stdout}\nstderr: {stderr}",
            self.command, self.limit
        );
        Done { status, stdout, stderr, took }
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    child.wait().unwrap_or_else(|e| panic!("cannot wait for a child: {e}"))
}

/// Reads a stream to its end on a thread of its own; what came so far can be looked at meanwhile.
#[derive(Debug)]
pub(crate) struct Collector {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

pub(crate) fn collect(mut from: impl Read + Send + 'static) -> Collector {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&bytes);
    let thread = std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(n) = from.read(&mut buffer) {
            if n == 0 {
                break;
            }
            to.lock().expect("no reader panics").extend_from_slice(&buffer[..n]);
        }
    });
    Collector { bytes, thread: Some(thread) }
}

impl Collector {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().expect("no reader panics").clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Has everybody closed the other end?
    pub(crate) fn ended(&self) -> bool {
        self.thread.as_ref().is_none_or(std::thread::JoinHandle::is_finished)
    }

    fn finish(mut self) -> String {
        if let Some(thread) = self.thread.take() {
            // The reader cannot panic but for a poisoned lock, which text() reports.
            let _ = thread.join();
        }
        self.text()
    }
}

/// Kills a process tree when it outlives its limit.
#[derive(Debug)]
pub(crate) struct Watchdog {
    stop: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<bool>,
}

impl Watchdog {
    pub(crate) fn start(pid: i32, mark: String, limit: Duration) -> Watchdog {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || match stopped.recv_timeout(limit) {
            Err(RecvTimeoutError::Timeout) => {
                // Already gone is what we want.
                let _ = crate::kill(pid, nix::libc::SIGKILL);
                kill_marked(&mark);
                true
            }
            _ => false,
        });
        Watchdog { stop, thread }
    }

    /// Did it have to bite?
    pub(crate) fn stop(self) -> bool {
        // A watchdog that has bitten no longer listens.
        let _ = self.stop.send(());
        self.thread.join().unwrap_or(true)
    }
}
