//! A real terminal for programs that draw on one: tmux, with a shell in it.
//!
//! Does I/O. Invariant: it ends with its owner, whatever ran in it. Not here: what is typed and expected.

use crate::run::Cmd;
use crate::temp::TempDir;
use crate::wait::wait_until;

/// A terminal of 100 columns with a shell in it, whose prompt is `$ `.
#[derive(Debug)]
pub struct Terminal {
    dir: TempDir,
}

impl Terminal {
    /// `None` where there is no tmux; with `REQUIRE_TMUX=1` that is a failure.
    #[must_use]
    pub fn open(environment: &str) -> Option<Terminal> {
        let there = Cmd::new(&["sh", "-c", "command -v tmux && command -v stty"]).run().code() == 0;
        assert!(there || !crate::flag("REQUIRE_TMUX"), "tmux or stty is not installed");
        if !there {
            println!("skipped: needs tmux");
            return None;
        }
        let terminal = Terminal { dir: TempDir::new() };
        let shell = format!("cd {}; exec env {environment} PS1='$ ' sh", terminal.dir.path().display());
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40", &shell]);
        terminal.shows("$");
        Some(terminal)
    }

    /// The shell's directory.
    #[must_use]
    pub fn dir(&self) -> &TempDir {
        &self.dir
    }

    /// Runs a command of tmux; gives what it says.
    ///
    /// # Panics
    /// When it fails.
    pub fn tmux(&self, words: &[&str]) -> String {
        let socket = self.dir.join("tmux");
        // The test runner may itself sit in one, which is not to be nested.
        let done = Cmd::new(&[&["env", "-u", "TMUX", "tmux", "-S", &socket], words].concat()).run();
        done.expect(0).stdout.clone()
    }

    /// Types text, then presses the key, unless it is empty.
    pub fn types(&self, text: &str, key: &str) {
        if !text.is_empty() {
            self.tmux(&["send-keys", "-l", text]);
        }
        if !key.is_empty() {
            self.tmux(&["send-keys", key]);
        }
    }

    /// What is seen, without the empty lines at the end.
    #[must_use]
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"]).trim_end().to_owned()
    }

    /// Waits until the screen holds the text.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        wait_until(&format!("the terminal shows `{text}`"), || self.screen().contains(text));
    }

    /// Waits until the last line of the screen is this.
    #[track_caller]
    pub fn line(&self, want: &str) {
        let mut last = String::new();
        wait_until(&format!("the last line is `{want}`"), || {
            last = self.screen().lines().last().unwrap_or_default().to_owned();
            last == want.trim_end()
        });
    }

    /// Runs a command of the shell, which must be at its prompt, and gives what it wrote.
    #[must_use]
    pub fn ask(&self, command: &str) -> String {
        let file = self.dir.path().join("answer");
        let _ = std::fs::remove_file(&file);
        self.types(&format!("{command} > part; mv part answer"), "Enter");
        wait_until("the shell has answered", || file.exists());
        // What follows begins on a line of its own.
        self.line("$");
        self.dir.read("answer")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- the terminal\n{}\n---", self.screen());
        }
        self.tmux(&["kill-server"]);
    }
}
