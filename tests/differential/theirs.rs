//! Supervisor's parser: one Python process that lives for the whole run, a path in, an answer out.
//!
//! Starts a process, and ends it when dropped. Not here: what it says (`driver.py`).

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

pub(crate) struct Theirs {
    child: Child,
    paths: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// The interpreter of `$SUPERVISOR_VENV`, or of `.venv` beside the manifest.
pub(crate) fn interpreter() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = std::env::var_os("SUPERVISOR_VENV").map_or_else(|| here.join(".venv"), PathBuf::from);
    let python = venv.join("bin/python");
    (python.exists() && venv.join("bin/supervisord").exists()).then_some(python)
}

impl Theirs {
    pub(crate) fn start(python: &Path, cwd: &Path, env: &[(String, String)]) -> io::Result<Theirs> {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/driver.py");
        let mut child = Command::new(python)
            .args(["-X", "utf8", "-W", "ignore"])
            .arg(driver)
            .current_dir(cwd)
            .env_clear()
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let gone = || io::Error::other("a pipe to Python is missing");
        let paths = child.stdin.take().ok_or_else(gone)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(gone)?);
        Ok(Theirs { child, paths, answers })
    }

    /// What it makes of the main file.
    pub(crate) fn answer(&mut self, path: &str) -> io::Result<Value> {
        writeln!(self.paths, "{path}")?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::Error::other(format!("Python has ended on {path}")));
        }
        serde_json::from_str(&line).map_err(io::Error::other)
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        // Both only fail when the process is gone already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
