//! A pseudo terminal with a program on it as its session's leader, as `docker run -t` starts one.
//!
//! Does I/O. Invariant: what runs on it ends with its owner. Not here: a terminal that is drawn on (`terminal`).

use crate::daemon::{MARK, fresh_mark, kill_marked};
use crate::run::{Collector, Watchdog, collect, shell_code};
use crate::wait::{LIMIT, holds_within, wait_until};
use nix::libc;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A program on a terminal of its own.
#[derive(Debug)]
pub struct Pty {
    child: Child,
    mark: String,
    input: File,
    output: Collector,
    watch: Option<Watchdog>,
}

impl Pty {
    /// Starts it, with all three standard descriptors on the terminal, or stdin on something else.
    ///
    /// # Panics
    /// When there is no terminal to be had, or the program cannot be started.
    #[must_use]
    pub fn start<S: AsRef<str>>(words: &[S], stdin: Option<Stdio>) -> Pty {
        let pair = nix::pty::openpty(None, None).expect("a pseudo terminal");
        for fd in [&pair.master, &pair.slave] {
            // SAFETY: a flag of an open descriptor; another test's child must not hold the terminal.
            unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        let end = || Stdio::from(pair.slave.try_clone().expect("a descriptor"));
        let mark = fresh_mark();
        let mut command = Command::new(words[0].as_ref());
        command
            .args(words[1..].iter().map(AsRef::as_ref))
            .env(MARK, &mark)
            .env("PS1", "$ ")
            .env("TERM", "dumb");
        command.stdin(stdin.unwrap_or_else(end)).stdout(end()).stderr(end());
        // SAFETY: system calls on numbers.
        unsafe {
            command.pre_exec(|| {
                let leads = libc::setsid() > 0 && libc::ioctl(1, libc::TIOCSCTTY, 0) == 0;
                if leads { Ok(()) } else { Err(std::io::Error::last_os_error()) }
            });
        }
        let child = command.spawn().unwrap_or_else(|e| panic!("cannot start {:?}: {e}", words[0].as_ref()));
        let pid = i32::try_from(child.id()).expect("a pid fits");
        let master = File::from(pair.master);
        let output = collect(master.try_clone().expect("a descriptor"));
        let watch = Some(Watchdog::start(pid, mark.clone(), Duration::from_secs(60)));
        Pty { child, mark, input: master, output, watch }
    }

    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid fits")
    }

    /// Types it, as it is: `\x03` is Ctrl-C, `\x1a` Ctrl-Z, `\x04` Ctrl-D.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn types(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).expect("the terminal is there");
    }

    /// What was shown so far, lines ending in `\n`.
    #[must_use]
    pub fn shown(&self) -> String {
        self.output.text().replace('\r', "")
    }

    /// Waits until it is shown so often.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn shows(&self, text: &str, times: usize) {
        let ok = holds_within(LIMIT, || self.shown().matches(text).count() >= times);
        assert!(ok, "`{text}` is not shown {times} times, but\n{}", self.shown());
    }

    /// Waits for its end; the code a shell shows.
    ///
    /// # Panics
    /// When it does not end in time.
    #[track_caller]
    pub fn ended(&mut self) -> i32 {
        let mut code = None;
        wait_until("the program on the terminal has ended", || {
            code = self.child.try_wait().expect("it is our child").map(shell_code);
            code.is_some()
        });
        code.unwrap_or(-1)
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        kill_marked(&self.mark);
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
        if let Some(watch) = self.watch.take() {
            watch.stop();
        }
        if std::thread::panicking() {
            println!("--- the terminal\n{}\n---", self.shown());
        }
    }
}
