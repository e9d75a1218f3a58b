//! Former lines of the shell: walked through, searched, kept in a file.
//!
//! Does I/O: one file. BOUND: `MOST` lines, and as much of the file. The file is readline's: a line for each.
//! COMPAT: an empty line and the same line again are not kept. Not here: keys (`edit`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const MOST: usize = 1000;

/// BOUND: what is read of a file that somebody else has grown.
const MAX_FILE_BYTES: u64 = 1 << 20;

#[derive(Default, Debug)]
pub(crate) struct History {
    lines: Vec<String>,
    /// The line that is shown; `lines.len()` for the one that is being typed.
    place: usize,
    /// What was typed before a former line was shown.
    draft: String,
}

impl History {
    pub(crate) fn load(path: &Path) -> History {
        let mut bytes = Vec::new();
        // COMPAT: a file that cannot be read is an empty one.
        let _ = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
        let mut history = History::default();
        String::from_utf8_lossy(&bytes).lines().for_each(|line| history.push(line));
        history
    }

    /// Not by renaming: the file may be mounted by itself.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        if !self.lines.is_empty() || fs::exists(path)? {
            let mut text = self.lines.join("\n");
            text.push('\n');
            let mut options = OpenOptions::new();
            options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(path)?
                .write_all(text.as_bytes())?;
        }
        Ok(())
    }

    /// Keeps a line, and goes back to the end.
    pub(crate) fn push(&mut self, line: &str) {
        if !line.is_empty() && self.lines.last().is_none_or(|last| last != line) {
            self.lines.push(line.to_owned());
            if self.lines.len() > MOST {
                self.lines.remove(0);
            }
        }
        self.place = self.lines.len();
        self.draft.clear();
    }

    /// The line before the one that is shown now.
    pub(crate) fn former(&mut self, shown: &str) -> Option<&str> {
        if self.place == self.lines.len() {
            shown.clone_into(&mut self.draft);
        }
        self.place = self.place.checked_sub(1)?;
        self.lines.get(self.place).map(String::as_str)
    }

    /// The line after it; at the end what was being typed.
    pub(crate) fn later(&mut self) -> Option<&str> {
        if self.place >= self.lines.len() {
            return None;
        }
        self.place += 1;
        Some(self.lines.get(self.place).map_or(self.draft.as_str(), String::as_str))
    }

    /// The `skip`-th latest of the lines that hold `text`.
    pub(crate) fn search(&self, text: &str, skip: usize) -> Option<&str> {
        self.lines.iter().rev().filter(|line| line.contains(text)).nth(skip).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> History {
        let mut history = History::default();
        ["status", "", "start web", "start web", "stop db"].iter().for_each(|l| history.push(l));
        history
    }

    #[test]
    fn former_lines_come_back_and_the_draft_too() {
        let mut history = three();
        assert_eq!(history.former("dra"), Some("stop db"));
        assert_eq!(history.former("stop db"), Some("start web"));
        assert_eq!(history.former("x"), Some("status"));
        assert_eq!(history.former("x"), None);
        assert_eq!(history.later(), Some("start web"));
        assert_eq!(history.later(), Some("stop db"));
        assert_eq!(history.later(), Some("dra"));
        assert_eq!(history.later(), None);
    }

    #[test]
    fn the_latest_that_holds_a_text_is_found_first() {
        let history = three();
        assert_eq!(history.search("st", 0), Some("stop db"));
        assert_eq!(history.search("st", 1), Some("start web"));
        assert_eq!(history.search("web", 1), None);
    }

    #[test]
    fn a_file_keeps_them_within_a_limit() {
        let path = std::env::temp_dir().join(format!("mainstay-history-{}", std::process::id()));
        let mut history = three();
        history.save(&path).expect("writable");
        assert_eq!(fs::read_to_string(&path).expect("there"), "status\nstart web\nstop db\n");
        assert_eq!(History::load(&path).lines, history.lines);
        (0..MOST + 5).for_each(|n| history.push(&n.to_string()));
        history.save(&path).expect("writable");
        let back = History::load(&path);
        assert_eq!((back.lines.len(), back.lines[0].as_str()), (MOST, "5"));
        let _ = fs::remove_file(&path);
        assert!(History::load(&path).lines.is_empty());
        History::default().save(&path).expect("nothing to do");
        assert!(!path.exists());
    }
}
