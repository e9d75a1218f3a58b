//! The INI grammar, line by line, exactly as Python's `RawConfigParser` reads it with Supervisor's settings.
//!
//! Pure. Invariants: sections and keys keep the order in which they first appear; a repeated key keeps its place
//! and takes the last value; every key knows its line. Not here: `[include]`, `%(here)s`, what a section means.

use crate::config::diag::Span;
use crate::config::python::{is_space, repr, rstrip, strip};

/// Sections of all files read so far, merged.
#[derive(Default, Debug)]
pub(crate) struct Ini {
    pub(crate) sections: Vec<IniSection>,
    /// `[DEFAULT]`.
    pub(crate) defaults: Option<IniSection>,
}

#[derive(Clone, Debug)]
pub(crate) struct IniSection {
    /// Between the brackets, as written.
    pub(crate) header: String,
    /// Where it was met first.
    pub(crate) span: Span,
    pub(crate) entries: Vec<IniEntry>,
}

#[derive(Clone, Debug)]
pub(crate) struct IniEntry {
    /// Lower case.
    pub(crate) key: String,
    pub(crate) value: String,
    /// Of the key.
    pub(crate) span: Span,
    /// Of the lines that continue the value, without blank ones.
    pub(crate) more: Vec<Span>,
}

/// Why a file cannot be read as INI.
#[derive(Debug)]
pub(crate) enum IniError {
    /// Something stands in front of the first section header.
    NoSection(Span),
    /// Lines that are neither header nor `key = value`; spans and the whole text for Supervisor's face.
    BadLines { spans: Vec<Span>, supervisor: String },
}

impl Ini {
    pub(crate) fn section(&self, header: &str) -> Option<&IniSection> {
        self.sections.iter().find(|s| s.header == header)
    }

    /// Reads one more file on top of what is there.
    pub(crate) fn read(&mut self, source: &str, text: &str) -> Result<(), IniError> {
        let mut reader = Reader { ini: self, source, current: None, key: None, indent: 0, bad: Vec::new() };
        let lines = split_lines(text);
        let result = lines.iter().enumerate().try_for_each(|(i, line)| reader.line(i, line));
        let bad = std::mem::take(&mut reader.bad);
        for section in self.sections.iter_mut().chain(self.defaults.iter_mut()) {
            for entry in &mut section.entries {
                entry.value.truncate(rstrip(&entry.value).len());
            }
        }
        result?;
        if bad.is_empty() {
            return Ok(());
        }
        let mut supervisor = format!("Source contains parsing errors: {}", repr(source));
        for (span, line) in &bad {
            supervisor.push_str(&format!("\n\t[line {:2}]: {}", span.line, repr(line)));
        }
        Err(IniError::BadLines { spans: bad.into_iter().map(|(span, _)| span).collect(), supervisor })
    }
}

/// BOUND: lines of one value whose places are kept; a finding further down has the place of the key.
const MAX_PLACES: usize = 1000;

/// Which section the reader stands in.
#[derive(Clone, Copy)]
enum Place {
    Section(usize),
    Defaults,
}

struct Reader<'a> {
    ini: &'a mut Ini,
    source: &'a str,
    current: Option<Place>,
    /// Index of the entry that a continuation line belongs to.
    key: Option<usize>,
    indent: usize,
    bad: Vec<(Span, String)>,
}

impl Reader<'_> {
    fn line(&mut self, index: usize, line: &str) -> Result<(), IniError> {
        let comment = comment_start(line);
        let value = strip(&line[..comment.unwrap_or(line.len())]);
        if value.is_empty() {
            // A blank line belongs to the value, a comment line does not.
            if comment.is_none() {
                self.append("", None);
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|c| is_space(*c)).count();
        if self.key.is_some() && indent > self.indent {
            let span = self.span(index, line, indent, value.chars().count());
            self.append(value, Some(span));
            return Ok(());
        }
        self.indent = indent;
        if let Some(header) = header_of(value) {
            let span = self.span(index, line, indent, value.chars().count());
            self.enter(header, span);
            return Ok(());
        }
        if self.current.is_none() {
            return Err(IniError::NoSection(self.span(index, line, indent, value.chars().count())));
        }
        self.option(index, line, indent, value);
        Ok(())
    }

    fn option(&mut self, index: usize, line: &str, indent: usize, value: &str) {
        let Some(delimiter) = value.find(['=', ':']) else {
            let span = self.span(index, line, indent, value.chars().count());
            self.bad.push((span, line.to_owned()));
            return;
        };
        let name = rstrip(&value[..delimiter]);
        let span = self.span(index, line, indent, name.chars().count());
        if name.is_empty() {
            self.bad.push((span.clone(), line.to_owned()));
        }
        let key = name.to_lowercase();
        let value = strip(&value[delimiter + 1..]).to_owned();
        let Some(entries) = self.entries() else { return };
        let at = entries.iter().position(|e| e.key == key).unwrap_or(entries.len());
        let entry = IniEntry { key, value, span, more: Vec::new() };
        if at == entries.len() {
            entries.push(entry);
        } else {
            entries[at] = entry;
        }
        // COMPAT: nothing continues a value without a name.
        self.key = (!name.is_empty()).then_some(at);
    }

    fn enter(&mut self, header: &str, span: Span) {
        self.key = None;
        let fresh = IniSection { header: header.to_owned(), span, entries: Vec::new() };
        if header == "DEFAULT" {
            self.ini.defaults.get_or_insert(fresh);
            self.current = Some(Place::Defaults);
            return;
        }
        let at = self.ini.sections.iter().position(|s| s.header == header);
        self.current = Some(Place::Section(at.unwrap_or(self.ini.sections.len())));
        if at.is_none() {
            self.ini.sections.push(fresh);
        }
    }

    fn append(&mut self, text: &str, span: Option<Span>) {
        let Some(at) = self.key else { return };
        if let Some(entry) = self.entries().and_then(|entries| entries.get_mut(at)) {
            entry.value.push('\n');
            entry.value.push_str(text);
            if entry.more.len() < MAX_PLACES {
                entry.more.extend(span);
            }
        }
    }

    fn entries(&mut self) -> Option<&mut Vec<IniEntry>> {
        match self.current? {
            Place::Section(at) => self.ini.sections.get_mut(at).map(|s| &mut s.entries),
            Place::Defaults => self.ini.defaults.as_mut().map(|s| &mut s.entries),
        }
    }

    fn span(&self, index: usize, line: &str, indent: usize, width: usize) -> Span {
        Span {
            source: self.source.to_owned(),
            line: to_u32(index + 1),
            column: to_u32(indent + 1),
            width: to_u32(width.max(1)),
            text: line.trim_end_matches('\n').to_owned(),
        }
    }
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Lines with their `\n`; `\r\n` and a lone `\r` count as `\n`, as in Python's text files.
fn split_lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.split_inclusive('\n').map(str::to_owned).collect()
}

/// Where a comment begins: at a `;` or `#` that starts the line or follows a blank. Quotes do not protect.
///
/// COMPAT: Python looks at the first `;` and the first `#` of a line, then at the second of each, and so on, and takes
/// the first round in which one of the two follows a blank: `a;b ;c #d` is cut at the `#`.
fn comment_start(line: &str) -> Option<usize> {
    if strip(line).starts_with(['#', ';']) {
        return Some(0);
    }
    let after_blank = |at: &usize| line[..*at].chars().next_back().is_none_or(is_space);
    let mut signs = [';', '#'].map(|sign| line.match_indices(sign).map(|(at, _)| at));
    loop {
        let round = signs.each_mut().map(Iterator::next);
        if round == [None, None] {
            return None;
        }
        let first = round.into_iter().flatten().filter(after_blank).min();
        if first.is_some() {
            return first;
        }
    }
}

/// `[header]`, greedy: up to the last bracket of the line; what follows is ignored.
fn header_of(value: &str) -> Option<&str> {
    let inside = value.strip_prefix('[')?;
    let header = &inside[..inside.rfind(']')?];
    (!header.is_empty()).then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Ini {
        let mut ini = Ini::default();
        ini.read("f", text).unwrap();
        ini
    }

    fn value(text: &str, key: &str) -> String {
        let ini = read(text);
        ini.sections[0].entries.iter().find(|e| e.key == key).unwrap().value.clone()
    }

    #[test]
    fn both_comment_signs_end_a_value_after_a_blank_and_quotes_do_not_help() {
        assert_eq!(value("[a]\nk=x ; y", "k"), "x");
        assert_eq!(value("[a]\nk=x\t# y", "k"), "x");
        assert_eq!(value("[a]\nk=foo;bar#baz", "k"), "foo;bar#baz");
        assert_eq!(value("[a]\nk=sh -c \"a ; b\"", "k"), "sh -c \"a");
        assert_eq!(value("[a]\nk= # only", "k"), "");
        assert_eq!(value("[a]\nk=v;w ;x #y", "k"), "v;w ;x");
        assert_eq!(value("[a]\nk=v;w#x ;y #z", "k"), "v;w#x");
    }

    #[test]
    fn values_go_on_in_deeper_lines_and_keep_blank_ones() {
        assert_eq!(value("[a]\nk = foo\n  bar\n  # no\n\n  baz\nj=1", "k"), "foo\nbar\n\nbaz");
        assert_eq!(value("[a]\nk = foo\n\n\nj=1", "k"), "foo");
        assert_eq!(value("[a]\n  k = foo\n  j=1", "j"), "1");
    }

    #[test]
    fn an_indented_header_continues_the_value_before_it() {
        let ini = read("[a]\nk=1\n [program:x]\ncommand=y");
        assert_eq!(ini.sections.len(), 1);
        assert_eq!(ini.sections[0].entries[0].value, "1\n[program:x]");
    }

    #[test]
    fn keys_are_lower_cased_and_cut_at_the_first_delimiter() {
        assert_eq!(value("[a]\nCOMMAND : x=y", "command"), "x=y");
        assert_eq!(value("[a]\nk = a:b", "k"), "a:b");
    }

    #[test]
    fn repeated_sections_merge_and_the_last_value_wins() {
        let ini = read("[a]\nk=1\nj=2\n[b]\n[a]\nk=3");
        assert_eq!(ini.sections.len(), 2);
        let entries: Vec<_> =
            ini.sections[0].entries.iter().map(|e| (e.key.as_str(), e.value.as_str())).collect();
        assert_eq!(entries, [("k", "3"), ("j", "2")]);
        assert_eq!(ini.sections[0].entries[0].span.line, 6);
    }

    #[test]
    fn all_three_line_ends_are_read() {
        assert_eq!(value("[a]\r\nk=1\r\nj=2\r\n", "k"), "1");
        assert_eq!(value("[a]\rk=1\rj=2", "j"), "2");
    }

    #[test]
    fn headers_are_greedy_and_not_trimmed() {
        assert_eq!(read("[ a ] x\n").sections[0].header, " a ");
        assert_eq!(read("[a]b]\n").sections[0].header, "a]b");
    }

    #[test]
    fn text_before_the_first_section_is_refused_with_its_place() {
        let Err(IniError::NoSection(span)) = Ini::default().read("f", "# c\nk=1\n") else {
            panic!("accepted")
        };
        assert_eq!((span.line, span.column, span.text.as_str()), (2, 1, "k=1"));
    }

    #[test]
    fn all_bad_lines_are_reported_in_supervisors_form() {
        let Err(IniError::BadLines { spans, supervisor }) = Ini::default().read("f", "[a]\nfoo\n=x\nk=1\n")
        else {
            panic!("accepted")
        };
        assert_eq!(spans.len(), 2);
        assert_eq!(
            supervisor,
            "Source contains parsing errors: 'f'\n\t[line  2]: 'foo\\n'\n\t[line  3]: '=x\\n'"
        );
    }

    #[test]
    fn defaults_are_kept_apart() {
        let ini = read("[DEFAULT]\nautostart=false\n[a]\n");
        assert_eq!(ini.defaults.unwrap().entries[0].value, "false");
        assert_eq!(ini.sections.len(), 1);
    }
}
