//! Editing a line on a terminal: draws it, walks through former ones, completes words.
//!
//! Does I/O. Invariants: the terminal has its own settings back whenever this returns, and on every signal; one write
//! for each change; what was typed ahead is kept for the next line. One screen line is used, which scrolls sideways.
//! Not here: what keys do to the text (`edit`), what there is to complete (`complete`).

use crate::ctl::edit::{Effect, Line};
use crate::ctl::help::columns;
use crate::ctl::history::History;
use crate::ctl::input::{Asked, Input};
use crate::ctl::interrupt::Held;
use crate::ctl::keys::{Key, decode};
use crate::ctl::terminal;
use crate::ctl::width;
use crate::sys;
use nix::sys::signal::{Signal, raise};
use std::io::{self, Write};

/// Gives what may stand in place of a word, in order, each once: of the line, and the word.
pub(super) type Complete<'a> = &'a mut dyn FnMut(&str, &str) -> Vec<String>;

/// COMPAT: what ends a word. A colon, a star and a hyphen do not: they belong to names.
const BETWEEN_WORDS: &str = " \t\n`~!@#$%^&()=+[{]}\\|;'\",<>/?";

/// What outlives a line.
#[derive(Default, Debug)]
pub(crate) struct Editor {
    pub(crate) history: History,
}

/// A line being edited.
struct Edit<'a> {
    line: Line,
    prompt: &'a str,
    /// Typed behind Ctrl-R, and how many finds were passed over.
    search: Option<(String, usize)>,
    /// Tab was the last key, and could do nothing alone.
    tabbed: bool,
}

impl Input {
    /// Asks for a line; with an editor where there is one.
    pub(super) fn command(&mut self, prompt: &str, out: &mut dyn Write, complete: Complete<'_>) -> Asked {
        let Some(editor) = self.editor.take() else { return self.ask(prompt, out) };
        let mut history = editor.history;
        let asked = self.edit(prompt, out, complete, &mut history);
        if let Ok(Asked::Line(line)) = &asked {
            history.push(line);
        }
        self.editor = Some(Editor { history });
        // A terminal that cannot be read has gone away.
        asked.unwrap_or(Asked::End)
    }

    fn edit(
        &mut self,
        prompt: &str,
        out: &mut dyn Write,
        complete: Complete<'_>,
        history: &mut History,
    ) -> io::Result<Asked> {
        let held = Held::all()?;
        let mut raw = Some(terminal::raw(io::stdin())?);
        let mut edit = Edit { line: Line::default(), prompt, search: None, tabbed: false };
        let asked = loop {
            let Some((key, length)) = decode(&self.ahead) else {
                edit.draw(out)?;
                match self.fill()? {
                    None => continue,
                    Some(other) => break other,
                }
            };
            self.ahead.drain(..length);
            match edit.press(key, out, complete, history)? {
                Effect::Submit => break Asked::Line(edit.line.text().to_owned()),
                Effect::End => break Asked::End,
                Effect::Interrupt => break Asked::Interrupted,
                Effect::Suspend => {
                    drop(raw.take());
                    raise(Signal::SIGTSTP)?;
                    raw = Some(terminal::raw(io::stdin())?);
                }
                _ => {}
            }
        };
        edit.line.press(Key::End);
        edit.draw(out)?;
        // After the others the shell begins a new line itself.
        if matches!(asked, Asked::Line(_)) {
            writeln!(out)?;
        }
        out.flush()?;
        drop(raw);
        drop(held);
        Ok(asked)
    }
}

impl Edit<'_> {
    /// Does what a key means as far as it concerns the line; gives what ends it.
    fn press(
        &mut self,
        key: Key,
        out: &mut dyn Write,
        complete: Complete<'_>,
        history: &mut History,
    ) -> io::Result<Effect> {
        if self.search.is_some() && self.searches(key, history) {
            return Ok(Effect::Show);
        }
        let tabbed = std::mem::take(&mut self.tabbed);
        let effect = self.line.press(key);
        let shown = self.line.text().to_owned();
        let found = match effect {
            Effect::Former => history.former(&shown),
            Effect::Later => history.later(),
            _ => Some(""),
        };
        match (effect, found) {
            (Effect::Former | Effect::Later, Some(text)) => self.line.set(text),
            (Effect::Bell, _) | (_, None) => write!(out, "\x07")?,
            (Effect::Search, _) => self.search = Some((String::new(), 0)),
            (Effect::ClearScreen, _) => write!(out, "\x1b[H\x1b[2J")?,
            (Effect::Complete, _) => self.complete(tabbed, out, complete)?,
            _ => {}
        }
        Ok(effect)
    }

    /// COMPAT: as readline does it: what is certain at once, and the choice with the second Tab.
    fn complete(&mut self, again: bool, out: &mut dyn Write, complete: Complete<'_>) -> io::Result<()> {
        let word = self.line.before().rsplit(|c| BETWEEN_WORDS.contains(c)).next().unwrap_or_default();
        let word = word.to_owned();
        let found = complete(self.line.text(), &word);
        let certain = common_start(&found);
        if certain.len() > word.len() {
            self.line.replace_before(word.len(), certain);
        } else if again && !found.is_empty() {
            let (_, width) = sys::terminal::size(io::stdout());
            let words: Vec<&str> = found.iter().map(|w| w.trim_end()).collect();
            write!(out, "\n{}", columns(&words, width - 1))?;
        } else {
            self.tabbed = !found.is_empty();
            write!(out, "\x07")?;
        }
        Ok(())
    }

    /// Ctrl-R: whether the key belongs to the search; any other key ends it and does what it does.
    fn searches(&mut self, key: Key, history: &History) -> bool {
        let Some((text, skip)) = &mut self.search else { return false };
        match key {
            Key::Char(c) => text.push(c),
            Key::Backspace => {
                text.pop();
                *skip = 0;
            }
            Key::Ctrl('r') => *skip += 1,
            Key::Ctrl('g') => {
                self.line.set("");
                self.search = None;
                return true;
            }
            _ => {
                self.search = None;
                return false;
            }
        }
        match history.search(text, *skip) {
            Some(line) => self.line.set(line),
            None => *skip = skip.saturating_sub(1),
        }
        true
    }

    fn draw(&self, out: &mut dyn Write) -> io::Result<()> {
        let (_, width) = sys::terminal::size(io::stdout());
        let prompt = match &self.search {
            Some((text, _)) => format!("(reverse-i-search)`{text}': "),
            None => self.prompt.to_owned(),
        };
        let taken = width::of(&prompt);
        // The last column stays free: a cursor behind it stands on the next line on some terminals.
        let (shown, column) = self.line.window(width.saturating_sub(taken + 1).max(1));
        let shown: String = shown.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        let mut frame = format!("\r{prompt}{shown}\x1b[J\r");
        if taken + column > 0 {
            frame.push_str(&format!("\x1b[{}C", taken + column));
        }
        out.write_all(frame.as_bytes())?;
        out.flush()
    }
}

/// What all begin with.
fn common_start(words: &[String]) -> &str {
    let Some((first, rest)) = words.split_first() else { return "" };
    let mut end = first.len();
    for word in rest {
        let same = first.char_indices().zip(word.chars()).find(|((_, a), b)| a != b);
        end = end.min(same.map_or(word.len().min(first.len()), |((n, _), _)| n));
    }
    first.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Presses keys; gives the line, and what was written but the frames.
    fn pressed(edit: &mut Edit<'_>, bytes: &[u8], history: &mut History, words: &[&str]) -> String {
        let mut out = Vec::new();
        let mut rest = bytes;
        let mut complete = |_: &str, word: &str| -> Vec<String> {
            words.iter().filter(|w| w.starts_with(word)).map(ToString::to_string).collect()
        };
        while let Some((key, n)) = decode(rest) {
            rest = &rest[n..];
            edit.press(key, &mut out, &mut complete, history).expect("a vector takes all");
        }
        String::from_utf8(out).expect("text")
    }

    fn fresh() -> Edit<'static> {
        Edit { line: Line::default(), prompt: "> ", search: None, tabbed: false }
    }

    #[test]
    fn tab_completes_what_is_certain_and_then_shows_the_choice() {
        let words = ["start ", "status ", "stop "];
        let mut history = History::default();
        for (typed, line, said) in [
            ("sta\t", "sta", "\x07"),
            ("stat\t", "status ", ""),
            ("s\t", "st", ""),
            ("s\t\t", "st", "\x07"),
            ("s\t\t\t", "st", "\x07\nstart  status  stop\n"),
            ("x\t\t", "x", "\x07\x07"),
            ("stop\t", "stop ", ""),
        ] {
            let mut edit = fresh();
            assert_eq!(pressed(&mut edit, typed.as_bytes(), &mut history, &words), said, "{typed:?}");
            assert_eq!(edit.line.text(), line, "{typed:?}");
        }
    }

    #[test]
    fn words_have_colons_stars_and_hyphens() {
        let mut edit = fresh();
        pressed(&mut edit, b"stop my-g:\t", &mut History::default(), &["my-g:* "]);
        assert_eq!(edit.line.text(), "stop my-g:* ");
    }

    #[test]
    fn former_lines_are_walked_through_and_searched() {
        let mut history = History::default();
        ["status", "stop web", "start db"].iter().for_each(|l| history.push(l));
        for (typed, line) in [
            ("x\x1b[A\x1b[A", "stop web"),
            ("x\x1b[A\x1b[B", "x"),
            ("\x12sto", "stop web"),
            ("\x12st\x12\x12", "status"),
            ("\x12st\x12\x12\x12", "status"),
            ("\x12sto\x05x", "stop webx"),
            ("\x12sto\x07x", "x"),
            ("\x12stox\x7f", "stop web"),
        ] {
            let mut edit = fresh();
            pressed(&mut edit, typed.as_bytes(), &mut history, &[]);
            assert_eq!(edit.line.text(), line, "{typed:?}");
            history.push("");
        }
    }

    #[test]
    fn what_is_common_ends_between_characters() {
        let words = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (list, want) in [
            (&["abc", "abd"][..], "ab"),
            (&["abc"], "abc"),
            (&["ab", "abc"], "ab"),
            (&["é", "è"], ""),
            (&[], ""),
        ] {
            assert_eq!(common_start(&words(list)), want);
        }
    }
}
