//! The picture: from what there is to show, and the size of the terminal, to lines.
//!
//! Pure. Invariants: as many lines as there are rows, none wider than the terminal; columns that have no room go in a
//! fixed order, name and state last. Not here: drawing only what has changed (`screen`).

use super::model::{Mode, Model, Sort, Tail};
use super::rows::Row;
use crate::control::State;
use crate::ctl::width;

const BOLD: &str = "\x1b[1m";
const REVERSE: &str = "\x1b[7m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// Lines above and below the table.
const AROUND: usize = 4;

/// The last line needs so much room to be worth showing.
const MIN_LAST_LINE: usize = 12;

/// Names wider than this are cut before any other column goes.
const MAX_NAME: usize = 40;

/// In the order in which they are counted.
const STATES: [State; 8] = [
    State::Running,
    State::Starting,
    State::Stopping,
    State::Backoff,
    State::Fatal,
    State::Exited,
    State::Stopped,
    State::Unknown,
];

const HINTS: &str = "s start  t stop  r restart  l log  / filter  N S U R C M sort  ? help  q quit";

const HELP: [&str; 13] = [
    "up, down, j, k     select          page up, page down, g, G     further",
    "s                  start           t, x                         stop",
    "r                  restart         l, Enter                     the end of its log",
    "A                  start all       X                            stop all (asks)",
    "/                  filter by name or state; Esc forgets it",
    "N S P U R C M      sort by name, state, pid, uptime, restarts, cpu, memory; again: turned round",
    "space              look now        Ctrl-L                       draw anew",
    "q, Ctrl-C          leave",
    "",
    "In a log: up, down and pages scroll, G follows, e turns to stderr and back, q leaves.",
    "",
    "CPU% is of one processor, since the last look. MEM is resident memory of the process itself.",
    "A value that the server does not tell is shown as -.",
];

/// A column beside name and last line: its head, its width, what decides the order when it is chosen.
struct Column {
    head: &'static str,
    width: usize,
    sort: Sort,
    cell: fn(&Row) -> String,
}

const COLUMNS: [Column; 6] = [
    Column { head: "STATE", width: 8, sort: Sort::State, cell: |r| r.state.clone() },
    Column { head: "PID", width: 7, sort: Sort::Pid, cell: |r| shown(r.pid) },
    Column { head: "UPTIME", width: 6, sort: Sort::Uptime, cell: |r| r.uptime.map_or_else(none, duration) },
    Column { head: "RESTARTS", width: 8, sort: Sort::Restarts, cell: |r| shown(r.restarts) },
    Column { head: "CPU%", width: 5, sort: Sort::Cpu, cell: |r| r.cpu_percent.map_or_else(none, percent) },
    Column { head: "MEM", width: 5, sort: Sort::Memory, cell: |r| r.memory.map_or_else(none, size) },
];

/// In this order columns go where there is no room.
const DISPENSABLE: [usize; 5] = [3, 1, 5, 4, 2];

fn none() -> String {
    "-".to_owned()
}

fn shown(n: Option<impl ToString>) -> String {
    n.map_or_else(none, |n| n.to_string())
}

/// `5s`, `3m12s`, `2h05m`, `3d04h`, `120d`.
fn duration(secs: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of uptime")]
    let s = secs.max(0.0) as u64;
    let (large, small, units) = match s {
        0..60 => return s.to_string() + "s",
        60..3600 => (s / 60, s % 60, ["m", "s"]),
        3600..86_400 => (s / 3600, s % 3600 / 60, ["h", "m"]),
        86_400..8_640_000 => (s / 86_400, s % 86_400 / 3600, ["d", "h"]),
        _ => return (s / 86_400).to_string() + "d",
    };
    format!("{large}{}{small:02}{}", units[0], units[1])
}

fn percent(x: f64) -> String {
    digits(x, x < 99.95)
}

fn digits(x: f64, tenths: bool) -> String {
    format!("{x:.*}", usize::from(tenths))
}

/// `812K`, `12.3M`, `1.5G`.
fn size(bytes: f64) -> String {
    let mut x = bytes / 1024.0;
    let mut unit = "K";
    for next in ["M", "G", "T"] {
        if x < 1000.0 {
            break;
        }
        x /= 1024.0;
        unit = next;
    }
    digits(x, x < 100.0 && unit != "K") + unit
}

/// Which columns there is room for.
struct Layout {
    name: usize,
    columns: Vec<usize>,
    /// 0: not shown.
    last_line: usize,
}

impl Layout {
    fn new(rows: &[&Row], cols: usize) -> Layout {
        let widest = rows.iter().map(|r| width::of(&r.name)).max().unwrap_or(0).max(4);
        let mut columns: Vec<usize> = (0..COLUMNS.len()).collect();
        let taken = |columns: &[usize]| -> usize {
            columns.iter().filter_map(|n| COLUMNS.get(*n)).map(|c| c.width + 1).sum()
        };
        let wanted = widest.min(MAX_NAME);
        for n in DISPENSABLE {
            if taken(&columns) + wanted.min(12) <= cols {
                break;
            }
            columns.retain(|c| *c != n);
        }
        let room = cols.saturating_sub(taken(&columns));
        let name = if room >= widest + 1 + MIN_LAST_LINE { widest } else { wanted }.min(room);
        let last_line = room.saturating_sub(name + 1);
        Layout { name, columns, last_line: if last_line < MIN_LAST_LINE { 0 } else { last_line } }
    }

    fn line(&self, name: &str, cell: &dyn Fn(&Column) -> String, last_line: &str) -> String {
        let mut out = width::fit(name, self.name, false);
        for column in self.columns.iter().filter_map(|n| COLUMNS.get(*n)) {
            out.push(' ');
            out.push_str(&width::fit(&cell(column), column.width, column.head != "STATE"));
        }
        if self.last_line > 0 {
            out.push(' ');
            out.push_str(width::cut(last_line, self.last_line));
        }
        out
    }

    fn row(&self, row: &Row) -> String {
        self.line(&row.name, &|c| (c.cell)(row), row.last_line.as_deref().unwrap_or("-"))
    }
}

/// The table alone, without colours, as wide as it is.
pub(super) fn table(model: &Model) -> Vec<String> {
    let rows = model.visible();
    let layout = Layout::new(&rows, usize::from(u16::MAX));
    let head = layout.line("NAME", &|c| c.head.to_owned(), "LAST LINE");
    std::iter::once(head).chain(rows.iter().map(|r| layout.row(r).trim_end().to_owned())).collect()
}

/// Rows of the table on a terminal with so many rows.
pub(super) fn page(rows: usize) -> usize {
    rows.saturating_sub(AROUND).max(1)
}

/// The whole picture.
pub(super) fn frame(model: &Model, (rows, cols): (usize, usize)) -> Vec<String> {
    let mut lines = match &model.mode {
        Mode::Tail(tail) => log(tail, page(rows), cols),
        Mode::Help => HELP.iter().map(|l| width::cut(l, cols).to_owned()).collect(),
        Mode::Table | Mode::Filter | Mode::Ask => processes(model, page(rows), cols),
    };
    lines.insert(0, top_line(model, cols));
    lines.insert(1, status_line(model, cols));
    lines.resize(rows.saturating_sub(1), String::new());
    lines.push(bottom_line(model, cols));
    // A terminal with one row shows the most important.
    lines.truncate(rows);
    lines
}

fn processes(model: &Model, page: usize, cols: usize) -> Vec<String> {
    let rows = model.visible();
    let layout = Layout::new(&rows, cols);
    // The sign of the chosen column takes the place of a letter where it has to.
    let mark = |sort: Sort, head: &str, room: usize| {
        let is_chosen = model.sort == sort && (sort != Sort::Name || model.reversed);
        let sign = if model.reversed { "^" } else { "*" };
        if is_chosen { width::cut(head, room.saturating_sub(1)).to_owned() + sign } else { head.to_owned() }
    };
    let name = mark(Sort::Name, "NAME", layout.name);
    let head = layout.line(&name, &|c| mark(c.sort, c.head, c.width), "LAST LINE");
    let mut lines = vec![bar(&head, cols)];
    for row in rows.iter().skip(model.offset).take(page) {
        let text = layout.row(row);
        lines.push(if Some(&row.spec) == model.selected.as_ref() {
            bar(&text, cols)
        } else {
            coloured(width::cut(&text, cols), row, &layout)
        });
    }
    lines
}

/// The state in its colour, and what follows it as it is.
fn coloured(text: &str, row: &Row, layout: &Layout) -> String {
    let colour = match row.state.as_str() {
        "RUNNING" => GREEN,
        "FATAL" | "UNKNOWN" => RED,
        "BACKOFF" | "STARTING" | "STOPPING" => YELLOW,
        _ => DIM,
    };
    let name = width::cut(text, layout.name + 1);
    let rest = text.get(name.len()..).unwrap_or_default();
    let state = width::cut(rest, 8);
    let after = rest.get(state.len()..).unwrap_or_default();
    [name, colour, state, PLAIN, after].concat()
}

/// A whole line in reverse.
fn bar(text: &str, cols: usize) -> String {
    paint(REVERSE, &width::fit(text, cols, false), cols)
}

/// As much as fits, in a style.
fn paint(style: &str, text: &str, cols: usize) -> String {
    [style, width::cut(text, cols), PLAIN].concat()
}

fn log(tail: &Tail, page: usize, cols: usize) -> Vec<String> {
    let stream = if tail.stderr { "stderr" } else { "stdout" };
    let follows = if tail.below == 0 { "" } else { "  (scrolled back)" };
    let head = [&tail.spec, " ", stream, follows].concat();
    let end = tail.lines.len().saturating_sub(tail.below);
    let begin = end.saturating_sub(page);
    let lines = tail.lines.get(begin..end).unwrap_or_default();
    std::iter::once(bar(&head, cols)).chain(lines.iter().map(|l| width::cut(l, cols).to_owned())).collect()
}

fn top_line(model: &Model, cols: usize) -> String {
    let n = model.rows.len();
    let es = if n == 1 { "" } else { "es" };
    let mut text = [&model.url, "  ", &n.to_string(), " process", es].concat();
    let mut mark = ": ";
    for state in STATES {
        let name = state.name();
        let n = model.rows.iter().filter(|r| r.state == name).count();
        if n > 0 {
            text.push_str(&[mark, &n.to_string(), " ", name].concat());
            mark = ", ";
        }
    }
    paint(BOLD, &text, cols)
}

fn status_line(model: &Model, cols: usize) -> String {
    match &model.trouble {
        Some(trouble) => paint(RED, trouble, cols),
        None if !model.message.is_empty() => paint("", &model.message, cols),
        None if !model.filter.is_empty() && model.mode != Mode::Filter => {
            paint("", &["only `", &model.filter, "`; Esc shows all"].concat(), cols)
        }
        None => String::new(),
    }
}

fn bottom_line(model: &Model, cols: usize) -> String {
    match &model.mode {
        Mode::Filter => paint("", &["/", &model.filter, "_"].concat(), cols),
        Mode::Ask => paint(BOLD, "Really stop all programs? y/N", cols),
        Mode::Tail(_) => paint(DIM, "e stderr/stdout  j k scroll  G follow  q back", cols),
        Mode::Help => paint(DIM, "any key goes back", cols),
        Mode::Table => paint(DIM, HINTS, cols),
    }
}

#[cfg(test)]
mod tests;
