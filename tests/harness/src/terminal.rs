//! A real terminal for programs that draw on one: tmux, with a shell in it.
//!
//! Does I/O. Invariant: it ends with its owner, whatever ran in it. Not here: what is typed and expected.

use crate::run::Cmd;
use crate::temp::TempDir;
use crate::wait::{LIMIT, holds_within, wait_until};

/// A terminal with something running in it.
#[derive(Debug)]
pub struct Terminal {
    dir: TempDir,
}

impl Terminal {
    /// One of 100 columns with a shell in it, whose prompt is `$ `. `None` where there is no tmux; with `REQUIRE_TMUX=1`
    /// that is a failure.
    #[must_use]
    pub fn open(environment: &str) -> Option<Terminal> {
        let terminal = Terminal::running((100, 40), &format!("exec env {environment} PS1='$ ' sh"))?;
        terminal.shows("$");
        Some(terminal)
    }

    /// One of so many columns and lines with a command of the shell in it; `None` as with `open`.
    #[must_use]
    pub fn running(size: (u32, u32), command: &str) -> Option<Terminal> {
        let there = Cmd::new(&["sh", "-c", "command -v tmux && command -v stty"]).run().code() == 0;
        assert!(there || !crate::flag("REQUIRE_TMUX"), "tmux or stty is not installed");
        if !there {
            println!("skipped: needs tmux");
            return None;
        }
        let terminal = Terminal { dir: TempDir::new() };
        let command = format!("cd {}; {command}", terminal.dir.path().display());
        let (x, y) = (size.0.to_string(), size.1.to_string());
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &x, "-y", &y, &command]);
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
        let done = Cmd::new(&[&["env", "-u", "TMUX", "tmux", "-u", "-S", &socket], words].concat()).run();
        done.expect(0).stdout.clone()
    }

    /// Types text, then presses the key, unless it is empty.
    pub fn types(&self, text: &str, key: &str) {
        if !text.is_empty() {
            self.tmux(&["send-keys", "-l", text]);
        }
        if !key.is_empty() {
            self.keys(&[key]);
        }
    }

    /// Presses keys, by tmux's names.
    pub fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// What is seen, without the empty lines at the end.
    #[must_use]
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"]).trim_end().to_owned()
    }

    /// Waits until the screen is as it should be, and gives it.
    ///
    /// # Panics
    /// When that does not come, with the screen that is there.
    #[track_caller]
    pub fn wait(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let mut screen = String::new();
        let found = holds_within(LIMIT, || {
            screen = self.screen();
            is_there(&screen)
        });
        assert!(found, "{what} does not come; there is\n{screen}");
        screen
    }

    /// Waits until the screen holds the text.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        self.wait(&format!("`{text}`"), |screen| screen.contains(text));
    }

    /// Gives the terminal another size.
    pub fn resize(&self, size: (u32, u32)) {
        let (x, y) = (size.0.to_string(), size.1.to_string());
        self.tmux(&["resize-window", "-x", &x, "-y", &y]);
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
