//! What a task says: lines, of which only the last is kept.
//!
//! Pure. Invariant: what is kept is bounded and disturbs no terminal. Not here: the pipe (`tasks`).

/// BOUND: what is kept of a line.
const LINE_BYTES: usize = 1_024;

/// BOUND: what `said` holds.
const SAID_BYTES: usize = 256;

/// BOUND: lines of one hook in the daemon's log.
const LOGGED_LINES: u32 = 200;

/// The lines of a task, of which only one is kept.
#[derive(Default)]
pub(crate) struct Lines {
    open: Vec<u8>,
    last: Vec<u8>,
    n_logged: u32,
}

impl Lines {
    /// Takes bytes and gives each line that they end.
    pub(crate) fn take(&mut self, bytes: &[u8], told: &mut dyn FnMut(String)) {
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(told),
                byte if self.open.len() < LINE_BYTES => self.open.push(*byte),
                _ => {}
            }
        }
    }

    /// What stands at the end without one is a line too.
    pub(crate) fn end_line(&mut self, told: &mut dyn FnMut(String)) {
        let line = std::mem::take(&mut self.open);
        let text = readable(&line);
        if text.is_empty() {
            return;
        }
        self.n_logged = self.n_logged.saturating_add(1);
        match self.n_logged {
            n if n <= LOGGED_LINES => told(text),
            n if n == LOGGED_LINES + 1 => told("(what else it says is not shown)".to_owned()),
            _ => {}
        }
        self.last = line;
    }

    /// The last line that was not empty, ended or not.
    pub(crate) fn said(&self) -> String {
        let open = readable(&self.open);
        let mut text = if open.is_empty() { readable(&self.last) } else { open };
        let mut end = SAID_BYTES.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text
    }
}

/// One line that disturbs no terminal.
fn readable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> (Vec<String>, String) {
        let (mut lines, mut told) = (Lines::default(), Vec::new());
        for piece in text.as_bytes().chunks(7) {
            lines.take(piece, &mut |line| told.push(line));
        }
        (told, lines.said())
    }

    #[test]
    fn the_last_line_is_what_was_said() {
        assert_eq!(said("one\ntwo words\n\n"), (vec!["one".into(), "two words".into()], "two words".into()));
        assert_eq!(said("one\nno end"), (vec!["one".into()], "no end".into()));
        assert_eq!(said("\u{1b}[31mred\t!\r\n").1, "[31mred !");
        assert_eq!(said("").1, "");
    }

    #[test]
    fn what_is_kept_and_logged_is_bounded() {
        let long = "ä".repeat(5_000);
        let (_, last) = said(&long);
        assert_eq!(last.len(), SAID_BYTES);
        let many = "line\n".repeat(1_000);
        let (told, _) = said(&many);
        assert_eq!(told.len() as u32, LOGGED_LINES + 1);
        assert_eq!(told.last().map(String::as_str), Some("(what else it says is not shown)"));
    }
}
