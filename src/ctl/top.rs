//! `top`: a table of all processes that renews itself, with keys to act on them; or once, as text or JSON.
//!
//! Does I/O through the session and, on a terminal, through `screen`. Invariants: no request waits for a start or a stop to
//! end, so that keys go on working; a server that goes away is said, and asked again; against Python's supervisord there
//! is the same table with what it tells, and what /proc tells where it runs beside us.
//! Not here: what keys do (`model`), the picture (`view`), what is still to be done at the end (`leave`).

mod leave;
mod model;
mod rows;
mod view;

use crate::control::FaultCode;
use crate::ctl::client::{Api, ClientError};
use crate::ctl::commands::{Done, Session};
use crate::ctl::keys::{Decoder, Key};
use crate::ctl::names::{self, Verb};
use crate::ctl::report::to_json;
use crate::ctl::screen::{Happened, Screen};
use crate::gateway::plain::plain;
use crate::gateway::rpc::namespec;
use crate::gateway::rpc::value::Value;
use crate::sys::clock;
use crate::types::Mono;
use model::{Effect, Mode, Model};
use rows::{Meter, Row};
use std::io::IsTerminal;
use std::time::Duration;

/// Between two looks, where nobody says how long.
const USUAL_MS: i64 = 1_000;

/// While something is being restarted.
const RESTART_MS: i64 = 200;

/// An escape that nothing has followed for so long is the key of that name.
const ESCAPE_MS: u64 = 50;

/// BOUND: the end of a log that is shown.
const TAIL_BYTES: i64 = 16 << 10;

/// What the command line asks for.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Options {
    every_ms: i64,
    /// So many tables as text, then the end.
    times: Option<u32>,
}

impl Options {
    fn read(words: &[&str]) -> Result<Options, String> {
        let mut options = Options { every_ms: USUAL_MS, times: None };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let (flag, mut value) = match word.split_at_checked(2) {
                Some((flag @ ("-d" | "-n"), rest)) => (flag, (!rest.is_empty()).then_some(rest)),
                _ => (word, None),
            };
            match flag {
                "--once" => options.times = Some(1),
                "-d" | "-n" => {
                    value = value.or_else(|| words.next());
                    let value = value.ok_or_else(|| format!("{flag} needs a number"))?;
                    let number: f64 =
                        value.parse().map_err(|_| format!("{flag} needs a number, not `{value}`"))?;
                    #[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
                    if flag == "-d" {
                        options.every_ms = (number.clamp(0.1, 3600.0) * 1000.0) as i64;
                    } else {
                        options.times =
                            Some(number.clamp(1.0, 1e9) as i64).and_then(|n| u32::try_from(n).ok());
                    }
                }
                other => return Err(format!("top does not know `{other}`")),
            }
        }
        Ok(options)
    }
}

/// Whom we ask, and in which language.
struct Source<'a> {
    api: &'a dyn Api,
    /// Our own method is there.
    own: bool,
    /// Its processes are in our /proc; `None`: not known yet.
    local: Option<bool>,
}

impl Source<'_> {
    fn ask(&mut self) -> Result<Value, ClientError> {
        if self.own {
            match self.api.call("mainstay.getProcessTable", &[]) {
                Err(ClientError::Fault { code, .. }) if code == FaultCode::UnknownMethod as i64 => {
                    self.own = false;
                }
                other => return other,
            }
        }
        let all = self.api.call("supervisor.getAllProcessInfo", &[]);
        // Another server may stand there when this one is gone.
        self.own = !matches!(all, Ok(_) | Err(ClientError::Fault { .. }));
        if self.own {
            self.local = None;
        } else if self.local.is_none() {
            let pid = self.api.call("supervisor.getPID", &[]).ok().and_then(|pid| pid.as_int());
            self.local = Some(pid.is_some() && pid == self.api.peer_pid().map(i64::from));
        }
        all
    }

    fn rows(&mut self) -> Result<Vec<Row>, ClientError> {
        let all = self.ask()?;
        Ok(rows::read(&all, !self.own && self.local == Some(true)))
    }
}

impl Session<'_> {
    pub(super) fn top(&mut self, words: &[&str]) -> Done {
        let options = match Options::read(words) {
            Ok(options) => options,
            Err(text) => {
                self.misused("top", &format!("Error: {text}"), names::INVALID);
                return Ok(());
            }
        };
        self.upcheck()?;
        // Keys shall work while a server says nothing.
        let hurried = self.api.hurried();
        let mut source = Source { api: hurried.as_deref().unwrap_or(self.api), own: true, local: None };
        if self.settings.json {
            let all = source.ask()?;
            self.gives = Some(to_json(&all));
            return Ok(());
        }
        let is_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        match options.times {
            None if is_terminal => {
                let code = live(&mut source, options.every_ms)?;
                if code != names::OK {
                    self.fail(code);
                }
            }
            times => self.tables(&mut source, options.every_ms, times.unwrap_or(1))?,
        }
        Ok(())
    }

    fn tables(&mut self, source: &mut Source<'_>, every_ms: i64, times: u32) -> Done {
        let (mut model, mut meter) = (Model::new(self.api.url()), Meter::default());
        for n in 0..times {
            if n > 0 {
                pause(every_ms);
                self.say("");
            }
            model.rows = source.rows()?;
            meter.measure(&mut model.rows, clock::now().mono.0);
            view::table(&model).iter().for_each(|line| self.say(line));
            if self.out.flush().is_err() {
                break;
            }
        }
        Ok(())
    }
}

fn pause(ms: i64) {
    let ms = nix::poll::PollTimeout::try_from(ms).unwrap_or(nix::poll::PollTimeout::MAX);
    // A pause that a signal has ended is a shorter one.
    let _ = nix::poll::poll(&mut [], ms);
}

/// The live table, until somebody leaves; the exit code.
fn live(source: &mut Source<'_>, every_ms: i64) -> Result<u8, ClientError> {
    let mut model = Model::new(plain(&source.api.url()));
    let mut meter = Meter::default();
    // What is wrong from the start is said as any other command says it.
    model.rows = source.rows()?;
    meter.measure(&mut model.rows, clock::now().mono.0);
    let screen = Screen::open().map_err(ClientError::Broken)?;
    let code = watch(source, &mut model, &mut meter, screen, every_ms);
    Ok(leave::finish(source, &mut model, code))
}

/// Draws, and does what keys say. The terminal is as it was when this ends.
fn watch(
    source: &mut Source<'_>,
    model: &mut Model,
    meter: &mut Meter,
    mut screen: Screen,
    every_ms: i64,
) -> u8 {
    let mut decoder = Decoder::default();
    let mut due = clock::now().mono.plus_ms(every_ms);
    loop {
        let size = screen.size();
        model.settle(view::page(size.0));
        if screen.draw(view::frame(model, size)).is_err() {
            return names::GENERIC;
        }
        let pressed = match screen.wait(patience(due, &decoder)) {
            Happened::Keys(bytes) => decoder.push(&bytes),
            Happened::Resized => {
                screen.forget();
                Vec::new()
            }
            Happened::End(code) => return code,
            Happened::Quiet => decoder.flush().into_iter().collect(),
        };
        let Some(at_once) = press(source.api, model, pressed, &mut screen) else { return names::OK };
        let now = clock::now().mono;
        if at_once || now >= due {
            renew(source, model, meter, now);
            let pause = if model.restarting.is_empty() { every_ms } else { RESTART_MS.min(every_ms) };
            due = clock::now().mono.plus_ms(pause);
        }
    }
}

/// Does what keys mean: whether the server is to be asked at once; `None`: somebody leaves.
fn press(api: &dyn Api, model: &mut Model, keys: Vec<Key>, screen: &mut Screen) -> Option<bool> {
    let page = view::page(screen.size().0);
    let mut at_once = false;
    for key in keys.into_iter().flat_map(apart) {
        match model.press(key, page) {
            Effect::Quit => return None,
            Effect::Redraw => screen.forget(),
            Effect::Nothing => {}
            effect => {
                act(api, model, &effect);
                at_once = true;
            }
        }
        // The next key is for the row that is selected then.
        model.settle(page);
    }
    Some(at_once)
}

/// Nothing has a meaning with Alt here: somebody has pressed Escape, and another key behind it.
fn apart(key: Key) -> impl Iterator<Item = Key> {
    let (first, second) = match key {
        Key::Unknown => (None, None),
        Key::Alt('\u{7f}') => (Some(Key::Escape), Some(Key::Backspace)),
        Key::Alt(c) => (Some(Key::Escape), Some(Key::Char(c))),
        key => (Some(key), None),
    };
    first.into_iter().chain(second)
}

/// How long to wait for a key.
fn patience(due: Mono, decoder: &Decoder) -> Duration {
    let left = due.since_ns(clock::now().mono);
    let escape_ns = ESCAPE_MS * 1_000_000;
    Duration::from_nanos(if decoder.is_waiting() { left.min(escape_ns) } else { left })
}

/// Asks the server for what is shown.
fn renew(source: &mut Source<'_>, model: &mut Model, meter: &mut Meter, now: Mono) {
    match source.rows() {
        Ok(mut rows) => {
            meter.measure(&mut rows, now.0);
            model.rows = rows;
            model.trouble = None;
            for spec in model.take_stopped() {
                model.message = command(source.api, Verb::Start, &spec).1;
            }
        }
        Err(error) => model.trouble = Some(format!("{}; trying again", plain(&error.to_string()))),
    }
    if let Mode::Tail(tail) = &mut model.mode {
        tail.lines = end_of_log(source.api, &tail.spec, tail.stderr, &model.rows);
    }
}

/// Carries out what a key asks for.
fn act(api: &dyn Api, model: &mut Model, effect: &Effect) {
    model.message = match effect {
        Effect::Start(spec) => command(api, Verb::Start, spec).1,
        Effect::Stop(spec) => {
            model.restarting.retain(|s| s != spec);
            command(api, Verb::Stop, spec).1
        }
        Effect::Restart(spec) => {
            let (stops, said) = command(api, Verb::Stop, spec);
            if stops && !model.restarting.contains(spec) {
                model.restarting.push(spec.clone());
            }
            said
        }
        Effect::StartAll => all(api, "start"),
        Effect::StopAll => {
            model.restarting.clear();
            all(api, "stop")
        }
        Effect::Nothing | Effect::Quit | Effect::Redraw | Effect::Refresh => return,
    };
}

/// Asks for something without waiting for it; whether it may come to that, or is so already, and what to say about it.
fn command(api: &dyn Api, verb: Verb, spec: &str) -> (bool, String) {
    let word = verb.word();
    // With its whole name it has a limit of time, as it does not wait.
    let method = ["supervisor.", word, "Process"].concat();
    let (group, name) = namespec::split(spec);
    let (comes, text) = match api.call(&method, &[Value::text(spec), Value::Bool(false)]) {
        Ok(_) => (true, [spec, ": ", word, " asked for"].concat()),
        Err(ClientError::Fault { code, text }) => {
            (verb.exit_code(code).is_none(), verb.line(group, name.unwrap_or_default(), code, &text))
        }
        // Where the answer is missing it may come to that all the same.
        Err(other) => {
            (!matches!(other, ClientError::Connect(_) | ClientError::Status(..)), other.to_string())
        }
    };
    (comes, plain(&text))
}

fn all(api: &dyn Api, word: &str) -> String {
    match api.call(&["supervisor.", word, "AllProcesses"].concat(), &[Value::Bool(false)]) {
        Ok(_) => ["all programs: ", word, " asked for"].concat(),
        Err(error) => plain(&error.to_string()),
    }
}

/// The lines at the end of a log, or why there are none.
fn end_of_log(api: &dyn Api, spec: &str, stderr: bool, rows: &[Row]) -> Vec<String> {
    let stream = if stderr { "Stderr" } else { "Stdout" };
    let params = [Value::text(spec), Value::Int(0), Value::Int(TAIL_BYTES)];
    let text = match api.call(&["supervisor.tailProcess", stream, "Log"].concat(), &params) {
        Ok(answer) => answer.as_array().and_then(|a| a.first()).and_then(Value::as_str).map(str::to_owned),
        Err(ClientError::Fault { .. }) => None,
        Err(other) => Some(other.to_string()),
    };
    match text {
        Some(text) if !text.is_empty() => text.lines().map(plain).collect(),
        Some(_) => vec!["(the log is empty)".to_owned()],
        None => {
            let last = rows.iter().find(|r| r.spec == spec).and_then(|r| r.last_line.clone());
            let last = last.filter(|line| !line.is_empty());
            let none = "(no log file: its output goes elsewhere)".to_owned();
            std::iter::once(none).chain(last.map(|l| "last line: ".to_owned() + &l)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_both_forms() {
        let read = |words: &[&str]| Options::read(words).map(|o| (o.every_ms, o.times));
        assert_eq!(read(&[]), Ok((1_000, None)));
        assert_eq!(read(&["-d", "2.5"]), Ok((2_500, None)));
        assert_eq!(read(&["-d0", "-n3"]), Ok((100, Some(3))));
        assert_eq!(read(&["--once"]), Ok((1_000, Some(1))));
        assert_eq!(read(&["-d"]), Err("-d needs a number".to_owned()));
        assert_eq!(read(&["-n", "x"]), Err("-n needs a number, not `x`".to_owned()));
        assert_eq!(read(&["web"]), Err("top does not know `web`".to_owned()));
        assert_eq!(read(&["é"]), Err("top does not know `é`".to_owned()));
    }
}
