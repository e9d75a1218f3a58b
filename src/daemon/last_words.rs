//! The last words of the container: what has brought about its end, for whoever looks at it afterwards.
//!
//! Does I/O. Kubernetes reads them from `/dev/termination-log` and shows them in `kubectl describe pod`. Invariants: one line
//! of reason, then the last output of the program that it was about, within what Kubernetes keeps; it never waits; a file
//! that cannot be written is a line in the log. Not here: what the reason is (`engine::endings`).

use crate::config::model::Supervisor;
use crate::daemon::state::Daemon;
use crate::engine::action::Leave;
use crate::logging::Recents;
use crate::types::LogLevel;
use nix::libc;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where Kubernetes looks unless a pod says otherwise. It makes the file; elsewhere there is none.
const KUBERNETES: &str = "/dev/termination-log";

/// BOUND: what Kubernetes keeps.
const MAX_BYTES: usize = 4_096;

/// BOUND: the line of reason.
const MAX_REASON_BYTES: usize = 1_024;

/// BOUND: output kept of each program where somebody may want to read it at the end.
pub(crate) const KEPT_BYTES: usize = 2_048;

/// The file that the last words go to, if there is one: as configured, else Kubernetes' where it has made it.
pub(crate) fn file(configured: Option<&Path>) -> Option<PathBuf> {
    match configured {
        Some(path) if path == Path::new("none") => None,
        Some(path) => Some(path.to_owned()),
        None => Some(PathBuf::from(KUBERNETES)).filter(|path| path.is_file()),
    }
}

/// What is kept of the output of each program: more where somebody will want to read it at the end.
pub(crate) fn memory(config: &Supervisor) -> Recents {
    match file(config.termination_log.as_deref()) {
        Some(_) => Recents::keeping(KEPT_BYTES),
        None => Recents::default(),
    }
}

impl Daemon {
    /// Writes them when we leave for good.
    pub(crate) fn say_last_words(&mut self, leave: Leave) {
        let Leave::Exit(code) = leave else { return };
        let Some(path) = file(self.config.supervisor.termination_log.as_deref()) else { return };
        let path = self.settled.start_dir.join(path);
        let (slot, reason) = self.last_words.take().unwrap_or((None, "everything has stopped".to_owned()));
        let output = slot.map(|slot| self.recents.last_lines(slot)).unwrap_or_default();
        let text = compose(&reason, code, whole_lines(&output));
        let is_ours = self.config.supervisor.termination_log.is_some();
        // A fifo that nobody reads must not keep us.
        let opened = std::fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .create(is_ours)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(&path);
        if let Err(e) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
            let text = format!(
                "cannot write the last words to {}: {e}; set `termination_log` to a file that can be written, or to \
                 none",
                path.display()
            );
            self.log(LogLevel::Warn, &text);
        }
    }
}

/// The reason with the exit code, and as much of the end of the output as there is room for.
fn compose(reason: &str, code: u8, output: &str) -> String {
    let reason = reason.replace(['\n', '\r'], " ");
    let mut text = format!("{} (exit code {code})\n", cut_end(&reason, MAX_REASON_BYTES));
    let output = output.trim_end();
    if !output.is_empty() {
        let mut rest = cut_begin(output, MAX_BYTES - text.len() - 1);
        if rest.len() < output.len() {
            // A line that was cut says less than it seems to.
            rest = rest.split_once('\n').map_or(rest, |(_, whole)| whole);
        }
        text.push_str(rest);
        text.push('\n');
    }
    text
}

/// Without the piece of a line that it begins with, when there was more than is kept.
fn whole_lines(kept: &str) -> &str {
    let all = kept.len() < KEPT_BYTES;
    kept.split_once('\n').map_or(kept, |(_, rest)| if all || rest.is_empty() { kept } else { rest })
}

fn cut_end(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

fn cut_begin(text: &str, max: usize) -> &str {
    let from = text.len().saturating_sub(max);
    let begin = (from..=text.len()).find(|at| text.is_char_boundary(*at));
    &text[begin.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_comes_first_and_the_end_of_the_output_fills_what_is_left() {
        assert_eq!(
            compose("web has ended: exit status 3", 3, ""),
            "web has ended: exit status 3 (exit code 3)\n"
        );
        assert_eq!(compose("a\nb", 1, "x\ny\n\n"), "a b (exit code 1)\nx\ny\n");
        let long: String = (0..2000).map(|n| format!("line {n}\n")).collect();
        let text = compose("it is over", 1, &long);
        assert!(text.len() <= MAX_BYTES && text.len() > MAX_BYTES - 20, "{}", text.len());
        assert!(text.ends_with("line 1999\n"));
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("line ")), "no piece of a line");
    }

    #[test]
    fn what_was_cut_where_it_was_kept_does_not_begin_with_a_piece_of_a_line() {
        assert_eq!(whole_lines("one\ntwo\n"), "one\ntwo\n");
        let long = format!("{}\nlast\n", "x".repeat(KEPT_BYTES));
        assert_eq!(whole_lines(&long), "last\n");
        // A single line that is too long: its end is better than nothing.
        assert_eq!(whole_lines(&long[..KEPT_BYTES + 1]), &long[..KEPT_BYTES + 1]);
    }

    #[test]
    fn no_reason_is_too_long_and_no_character_is_cut() {
        let text = compose(&"ä".repeat(5_000), 1, &"ö".repeat(5_000));
        assert!(text.len() <= MAX_BYTES);
    }

    #[test]
    fn none_turns_it_off_and_a_path_is_used_whether_it_is_there_or_not() {
        assert_eq!(file(Some(Path::new("none"))), None);
        assert_eq!(file(Some(Path::new("/x/y"))), Some(PathBuf::from("/x/y")));
    }
}
