//! `mainstay ctl`: supervisorctl's words, lines and exit codes, for our daemon and for Python's.
//!
//! Does I/O: connects, prints. Invariants: what supervisorctl prints on stdout is printed on stdout to the letter,
//! hints go to stderr; the exit code is the last failure's. Not here: reading the whole configuration (`config`),
//! what a command does (`engine`).

mod act;
pub mod address;
pub mod client;
pub mod commands;
mod complete;
pub mod discover;
mod drain;
mod edit;
mod editor;
mod end;
mod events;
mod explain;
mod fg;
mod follow;
mod groups;
mod help;
mod history;
pub mod input;
mod interrupt;
pub mod keys;
mod logs;
mod names;
mod plan;
mod report;
mod resolve;
mod screen;
mod shell;
mod status;
mod terminal;
#[cfg(test)]
mod tests;
pub mod top;
mod width;

use address::{BadUrl, ServerAddress};
use client::{Api, Server};
use commands::{Missed, Session, Settings};
use discover::Found;
use editor::Editor;
use history::History;
use input::Input;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

/// Options and words of `mainstay ctl` and `supervisorctl`.
#[derive(clap::Args, Clone, Default, Debug)]
pub struct CtlArgs {
    /// Read the server's address from this file
    #[arg(short = 'c', long = "configuration", value_name = "FILE")]
    pub configuration: Option<PathBuf>,
    /// Ask for a password where one is wanted, and before a shutdown or a reload
    #[arg(short = 'i', long)]
    pub interactive: bool,
    /// Where the server listens: http://host:port or unix:///path
    #[arg(short = 's', long, value_name = "URL")]
    pub serverurl: Option<String>,
    /// User name, where the server asks for one
    #[arg(short = 'u', long)]
    pub username: Option<String>,
    /// Password, where the server asks for one
    #[arg(short = 'p', long)]
    pub password: Option<String>,
    /// Keep the shell's former lines in this file
    #[arg(short = 'r', long = "history_file", value_name = "FILE")]
    pub history_file: Option<PathBuf>,
    /// Print answers as JSON
    #[arg(long)]
    pub json: bool,
    /// What to do, and with which programs; without it a shell is opened
    #[arg(value_name = "ACTION", trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
    /// The name we were called by, where that is supervisorctl: its words for usage errors, and no more than it has.
    #[arg(skip)]
    pub face: Option<String>,
}

/// The end of the help of `mainstay ctl`: the actions.
#[must_use]
pub fn epilogue() -> String {
    help::epilogue()
}

/// What the environment says about the terminal.
#[derive(Clone, Copy, Default, Debug)]
pub struct Surroundings {
    /// `NO_COLOR` is set and not empty.
    pub no_colour: bool,
    /// `TERM` is `dumb`, or not set.
    pub dumb: bool,
}

/// Runs one action, or a shell. `found` looks for servers and settings where the command line does not name them; its
/// error is a usage error. Gives the exit code.
pub fn run(
    args: &CtlArgs,
    surroundings: Surroundings,
    found: &dyn Fn(&CtlArgs) -> Result<Found, String>,
) -> u8 {
    terminal::restore_on_panic();
    let mut out = io::stdout().lock();
    let words: Vec<&str> = args.words.iter().map(String::as_str).filter(|w| *w != "--json").collect();
    if args.face.is_none() && help::is_asked(&words.join(" ")) {
        // Nobody is asked: help needs nobody.
        let nobody = Server::new(ServerAddress::unix(""));
        return with_server(
            args,
            &nobody,
            Settings::default(),
            Input::new(io::Cursor::new(Vec::new())),
            &mut out,
        )
        .0;
    }
    let mut found = match addresses(args, found) {
        Ok(found) => found,
        Err((text, code)) => return complain(args, &text, code, &mut out),
    };
    if found.servers.is_empty() && args.face.is_some() {
        // COMPAT: supervisorctl's own default.
        found.servers.push(ServerAddress::tcp("localhost", 9001));
    }
    let Some(address) = choose(std::mem::take(&mut found.servers)) else {
        let (why, advice) = match found.barred {
            Some(why) => (why, BARRED.to_owned()),
            None => ("cannot find mainstay: no control socket answers".to_owned(), is_it_running(None)),
        };
        let _ = writeln!(out, "error: {why}");
        hint(&advice);
        return if args.words.first().is_some_and(|w| w == "status") { 4 } else { 7 };
    };
    let server = Server::new(address);
    let Ok(mut input) = Input::standard() else {
        return complain(args, "cannot read standard input: it is closed", 1, &mut out);
    };
    let history_file = args.history_file.clone().or(found.history_file);
    let screen = io::stdout().is_terminal() && !surroundings.dumb;
    if screen && args.words.is_empty() && io::stdin().is_terminal() {
        let history = history_file.as_deref().map(History::load).unwrap_or_default();
        input.editor = Some(Editor { history });
    }
    let colour = screen && !surroundings.no_colour && args.face.is_none();
    let settings = Settings { colour, ..Settings::default() };
    let settings = found.prompt.map_or(settings.clone(), |prompt| Settings { prompt, ..settings });
    let (code, input) = with_server(args, &server, settings, input, &mut out);
    keep(input.editor, history_file);
    // Where nobody reads any more there is nobody to tell.
    let _ = out.flush();
    code
}

/// Former lines, for the next time.
fn keep(editor: Option<Editor>, file: Option<PathBuf>) {
    if let (Some(path), Some(editor)) = (file, editor)
        && let Err(e) = editor.history.save(&path)
    {
        let _ = writeln!(io::stderr(), "warning: cannot keep the history in `{}`: {e}", path.display());
    }
}

/// What is wrong with the command line. COMPAT: as supervisorctl, in two lines on stderr; what it notices only when it
/// connects stands on stdout.
fn complain(args: &CtlArgs, text: &str, code: u8, out: &mut dyn Write) -> u8 {
    let _ = match &args.face {
        Some(name) if code == 2 => writeln!(io::stderr(), "Error: {text}\nFor help, use {name} -h"),
        Some(_) => writeln!(out, "error: {text}"),
        None => writeln!(io::stderr(), "error: {text}"),
    };
    code
}

/// The part that can be tested: everything but finding the server.
fn with_server(
    args: &CtlArgs,
    api: &dyn Api,
    settings: Settings,
    input: Input,
    out: &mut dyn Write,
) -> (u8, Input) {
    let mut words = args.words.clone();
    let json = args.json || words.iter().any(|w| w == "--json");
    words.retain(|w| w != "--json");
    let interactive = args.interactive || words.is_empty();
    let settings = Settings { interactive, json, face: args.face.is_some(), ..settings };
    let mut session = Session::new(api, settings, input, out);
    if words.is_empty() {
        session.shell();
        // COMPAT: a shell always ends well.
        return (0, session.input);
    }
    session.execute(&words.join(" "));
    match session.missed() {
        Some(Missed::Away) => hint(&is_it_running(Some(&api.url()))),
        Some(Missed::Mute) => hint(MUTE),
        Some(Missed::Barred) => hint(BARRED),
        None => {}
    }
    (session.status(), session.input)
}

/// The servers to try, with the credentials of the command line; or a message and its exit code.
fn addresses(
    args: &CtlArgs,
    found: &dyn Fn(&CtlArgs) -> Result<Found, String>,
) -> Result<Found, (String, u8)> {
    let named = args.serverurl.as_ref().map(|url| {
        ServerAddress::parse(url).map_err(|e| {
            // COMPAT: a usage error ends with 2; a protocol nobody speaks is noticed later, and ends with 1.
            let code = if matches!(e, BadUrl::Protocol(_)) { 1 } else { 2 };
            (format!("invalid value for -s '{url}': {e}"), code)
        })
    });
    // Where the server is named, the file still has the prompt, the name and the password.
    let named = named.transpose()?;
    let mut found = found(args).map_err(|text| (text, 2))?;
    if let Some(mut address) = named {
        (address.username, address.password) = std::mem::take(&mut found.credentials);
        found.servers = vec![address];
    }
    for address in &mut found.servers {
        if let Some(username) = &args.username {
            address.username = Some(username.clone());
        }
        if let Some(password) = &args.password {
            address.password = Some(password.clone());
        }
    }
    Ok(found)
}

/// The first that takes a connection; where none does, the first, so that the message names it.
fn choose(candidates: Vec<ServerAddress>) -> Option<ServerAddress> {
    let several = candidates.len() > 1;
    let alive = candidates.iter().find(|c| several && client::connect(c, client::PATIENCE).is_ok()).cloned();
    alive.or_else(|| candidates.into_iter().next())
}

/// A stopped process still has its connections accepted, by the kernel.
const MUTE: &str = "something listens there and does not answer: is it stopped, stuck, or another program?";

/// The owner and root may connect, and whom the socket's mode lets in.
const BARRED: &str = "run this as the owner of that socket, or name another server with -s URL";

fn is_it_running(url: Option<&str>) -> String {
    let place = url.map_or(String::new(), |url| format!(" at {url}"));
    format!("is it running{place}? name the server with -s URL, or its configuration with -c FILE")
}

fn hint(text: &str) {
    // A hint that nobody reads is no loss.
    let _ = writeln!(io::stderr(), "hint: {text}");
}
