//! What `top` shows now, and what each key makes of it.
//!
//! Pure. Invariants: a selected process stays selected while the table is sorted, filtered or renewed around it; only
//! stopping everything asks first. Not here: drawing (`view`), asking the server (`super`).

use super::rows::Row;
use crate::ctl::keys::Key;

/// What has to be done outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    Nothing,
    Quit,
    /// Draw everything anew.
    Redraw,
    /// Ask the server now.
    Refresh,
    Start(String),
    Stop(String),
    Restart(String),
    StartAll,
    StopAll,
}

/// The column that decides the order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sort {
    Name,
    State,
    Pid,
    Uptime,
    Restarts,
    Cpu,
    Memory,
}

/// What the keys mean now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Table,
    /// The filter is being typed.
    Filter,
    Help,
    /// Whether to stop everything.
    Ask,
    Tail(Tail),
}

/// The end of a log.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Tail {
    pub(super) spec: String,
    pub(super) stderr: bool,
    pub(super) lines: Vec<String>,
    /// Lines below what is shown; 0 follows.
    pub(super) below: usize,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) url: String,
    pub(super) rows: Vec<Row>,
    pub(super) selected: Option<String>,
    /// The first row that is shown.
    pub(super) offset: usize,
    pub(super) sort: Sort,
    pub(super) reversed: bool,
    pub(super) filter: String,
    pub(super) mode: Mode,
    /// What came of the last key.
    pub(super) message: String,
    /// Why the table is old.
    pub(super) trouble: Option<String>,
    /// Processes that will be started when they have stopped.
    pub(super) restarting: Vec<String>,
}

impl Tail {
    /// What a key does; `None`: the log is left.
    fn press(&mut self, key: Key, page: usize) -> Option<Effect> {
        match key {
            Key::Char('q') | Key::Escape | Key::Backspace => return None,
            Key::Char('e') => {
                self.stderr = !self.stderr;
                (self.below, self.lines) = (0, Vec::new());
                return Some(Effect::Refresh);
            }
            Key::Up | Key::Char('k') => self.below += 1,
            Key::Down | Key::Char('j') => self.below = self.below.saturating_sub(1),
            Key::PageUp => self.below += page,
            Key::PageDown => self.below = self.below.saturating_sub(page),
            Key::Home | Key::Char('g') => self.below = self.lines.len(),
            Key::End | Key::Char('G') => self.below = 0,
            _ => {}
        }
        self.below = self.below.min(self.lines.len().saturating_sub(page));
        Some(Effect::Nothing)
    }
}

impl Model {
    pub(super) fn new(url: String) -> Model {
        Model {
            url,
            rows: Vec::new(),
            selected: None,
            offset: 0,
            sort: Sort::Name,
            reversed: false,
            filter: String::new(),
            mode: Mode::Table,
            message: String::new(),
            trouble: None,
            restarting: Vec::new(),
        }
    }

    /// The rows that pass the filter, in order.
    pub(super) fn visible(&self) -> Vec<&Row> {
        let wanted = self.filter.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        let mut rows: Vec<&Row> = Vec::with_capacity(self.rows.len());
        let order = |a: &Row, b: &Row| {
            // The largest number first; names and states by the alphabet.
            let by = |x: Option<f64>, y: Option<f64>| y.unwrap_or(-1.0).total_cmp(&x.unwrap_or(-1.0));
            #[expect(clippy::cast_precision_loss, reason = "a count that is compared")]
            let count = |r: &Row| r.restarts.map(|n| n as f64);
            match self.sort {
                Sort::Name => a.name.cmp(&b.name),
                Sort::State => a.state.cmp(&b.state),
                Sort::Pid => a.pid.cmp(&b.pid),
                Sort::Uptime => by(a.uptime, b.uptime),
                Sort::Restarts => by(count(a), count(b)),
                Sort::Cpu => by(a.cpu_percent, b.cpu_percent),
                Sort::Memory => by(a.memory, b.memory),
            }
            .then_with(|| a.name.cmp(&b.name))
        };
        // Each is put in its place: few, and hardly ever out of order, so that a sort would be mere weight.
        for row in self.rows.iter().filter(|r| wanted.is_empty() || has(&r.name) || has(&r.state)) {
            rows.insert(rows.partition_point(|r| order(r, row).is_le()), row);
        }
        if self.reversed {
            rows.reverse();
        }
        rows
    }

    /// Where the selected row is.
    pub(super) fn index(&self) -> usize {
        let spec = self.selected.as_deref();
        self.visible().iter().position(|r| Some(r.spec.as_str()) == spec).unwrap_or(0)
    }

    /// Makes the selection one that is there, and visible in a table of `height` rows.
    pub(super) fn settle(&mut self, height: usize) {
        let index = self.index();
        let n = self.visible().len();
        self.selected = self.visible().get(index).map(|r| r.spec.clone());
        let height = height.max(1);
        self.offset =
            self.offset.min(n.saturating_sub(height)).min(index).max((index + 1).saturating_sub(height));
    }

    /// Goes on with what was to be restarted: those that have stopped can be started now. One that is neither stopped nor
    /// about to stop has been started by somebody else.
    pub(super) fn take_stopped(&mut self) -> Vec<String> {
        let rows = &self.rows;
        let is = |spec: &str, states: &[&str]| {
            rows.iter().any(|r| r.spec == spec && states.contains(&r.state.as_str()))
        };
        let stopped: Vec<String> = self
            .restarting
            .iter()
            .filter(|s| is(s, &["STOPPED", "EXITED", "FATAL", "UNKNOWN"]))
            .cloned()
            .collect();
        self.restarting.retain(|s| is(s, &["STOPPING"]));
        stopped
    }

    /// What a key does. `page`: rows of the table on the screen.
    pub(super) fn press(&mut self, key: Key, page: usize) -> Effect {
        match key {
            Key::Ctrl('c') => return Effect::Quit,
            Key::Ctrl('l') => return Effect::Redraw,
            _ => {}
        }
        match &mut self.mode {
            Mode::Table => self.press_in_table(key, page),
            Mode::Filter => self.press_in_filter(key),
            Mode::Help => {
                self.mode = Mode::Table;
                Effect::Nothing
            }
            Mode::Ask => {
                self.mode = Mode::Table;
                if matches!(key, Key::Char('y' | 'Y')) { Effect::StopAll } else { Effect::Nothing }
            }
            Mode::Tail(tail) => tail.press(key, page).unwrap_or_else(|| {
                self.mode = Mode::Table;
                Effect::Refresh
            }),
        }
    }

    fn press_in_filter(&mut self, key: Key) -> Effect {
        match key {
            Key::Char(c) => self.filter.push(c),
            Key::Backspace => drop(self.filter.pop()),
            Key::Escape => {
                self.filter.clear();
                self.mode = Mode::Table;
            }
            Key::Enter => self.mode = Mode::Table,
            _ => {}
        }
        Effect::Nothing
    }

    fn press_in_table(&mut self, key: Key, page: usize) -> Effect {
        self.message.clear();
        let of_selected = |make: fn(String) -> Effect| self.selected.clone().map_or(Effect::Nothing, make);
        match key {
            Key::Char('q') => return Effect::Quit,
            Key::Char('s') => return of_selected(Effect::Start),
            Key::Char('t' | 'x') => return of_selected(Effect::Stop),
            Key::Char('r') => return of_selected(Effect::Restart),
            Key::Char('A') => return Effect::StartAll,
            Key::Char(' ') => return Effect::Refresh,
            Key::Char('X') => self.mode = Mode::Ask,
            Key::Char('/') => self.mode = Mode::Filter,
            Key::Char('?' | 'h') => self.mode = Mode::Help,
            Key::Escape => self.filter.clear(),
            Key::Char('l') | Key::Enter => {
                if let Some(spec) = self.selected.clone() {
                    self.mode = Mode::Tail(Tail { spec, ..Tail::default() });
                    return Effect::Refresh;
                }
            }
            Key::Up | Key::Char('k') => self.step(-1),
            Key::Down | Key::Char('j') => self.step(1),
            Key::PageUp => self.step(-signed(page)),
            Key::PageDown => self.step(signed(page)),
            Key::Home | Key::Char('g') => self.step(isize::MIN),
            Key::End | Key::Char('G') => self.step(isize::MAX),
            Key::Char('N') => self.sort_by(Sort::Name),
            Key::Char('S') => self.sort_by(Sort::State),
            Key::Char('P') => self.sort_by(Sort::Pid),
            Key::Char('U') => self.sort_by(Sort::Uptime),
            Key::Char('R') => self.sort_by(Sort::Restarts),
            Key::Char('C') => self.sort_by(Sort::Cpu),
            Key::Char('M') => self.sort_by(Sort::Memory),
            _ => {}
        }
        Effect::Nothing
    }

    fn step(&mut self, by: isize) {
        let to = self.index().saturating_add_signed(by);
        let rows = self.visible();
        self.selected = rows.get(to.min(rows.len().saturating_sub(1))).map(|r| r.spec.clone());
    }

    /// The same column again turns the order round.
    fn sort_by(&mut self, sort: Sort) {
        self.reversed = self.sort == sort && !self.reversed;
        self.sort = sort;
    }
}

fn signed(n: usize) -> isize {
    isize::try_from(n).unwrap_or(isize::MAX)
}

#[cfg(test)]
mod tests;
