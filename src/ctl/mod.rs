//! `mainstay ctl`: supervisorctl's words, lines and exit codes, for our daemon and for Python's.
//!
//! Does I/O: connects, prints. Invariants: what supervisorctl prints on stdout is printed on stdout to the letter,
//! hints go to stderr; the exit code is the last failure's. Not here: reading the whole configuration (`config`),
//! what a command does (`engine`).

pub mod address;
pub mod client;
pub mod commands;
pub mod discover;
mod end;
mod events;
mod follow;
mod logs;
mod names;
mod resolve;
mod screen;
mod status;
#[cfg(test)]
mod tests;
pub mod top;

use address::{BadUrl, ServerAddress};
use client::{Api, Server};
use commands::{Missed, Session, Settings};
use std::io::{self, BufRead, Write};
use std::path::PathBuf;

/// Options and words of `mainstay ctl` and `supervisorctl`.
#[derive(clap::Args, Clone, Default, Debug)]
pub struct CtlArgs {
    /// Read the server's address from this file
    #[arg(short = 'c', long = "configuration", value_name = "FILE")]
    pub configuration: Option<PathBuf>,
    /// Open a shell, or ask before a shutdown
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
    /// Accepted for supervisorctl's sake
    #[arg(short = 'r', long = "history_file", value_name = "FILE", hide = true)]
    pub history_file: Option<PathBuf>,
    /// Print status, top and events as JSON
    #[arg(long)]
    pub json: bool,
    /// What to do, and with which programs; without it a shell is opened
    #[arg(value_name = "ACTION", trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// Runs one action, or a shell. `found` gives the addresses to try when the command line names none; its error is a
/// usage error. Gives the exit code.
pub fn run(args: &CtlArgs, found: &dyn Fn(&CtlArgs) -> Result<Vec<ServerAddress>, String>) -> u8 {
    let mut out = io::stdout().lock();
    let candidates = match addresses(args, found) {
        Ok(candidates) => candidates,
        Err((text, code)) => {
            let _ = writeln!(io::stderr(), "error: {text}");
            return code;
        }
    };
    let Some(address) = choose(candidates) else {
        let _ = writeln!(out, "error: cannot find mainstay: no control socket answers");
        hint(None);
        return if args.words.first().is_some_and(|w| w == "status") { 4 } else { 7 };
    };
    let server = Server::new(address);
    let code = with_server(args, &server, &mut io::stdin().lock(), &mut out);
    // Where nobody reads any more there is nobody to tell.
    let _ = out.flush();
    code
}

/// The part that can be tested: everything but finding the server.
fn with_server(args: &CtlArgs, api: &dyn Api, input: &mut dyn BufRead, out: &mut dyn Write) -> u8 {
    let mut words = args.words.clone();
    let json = args.json || words.iter().any(|w| w == "--json");
    words.retain(|w| w != "--json");
    let settings = Settings { interactive: args.interactive || words.is_empty(), json };
    let mut session = Session::new(api, settings, input, out);
    if words.is_empty() {
        session.shell();
        // COMPAT: a shell always ends well.
        return 0;
    }
    session.execute(&words.join(" "));
    match session.missed() {
        Some(Missed::Away) => hint(Some(&api.url())),
        Some(Missed::Mute) => {
            let _ = writeln!(io::stderr(), "hint: {MUTE}");
        }
        None => {}
    }
    session.status()
}

/// The servers to try, with the credentials of the command line; or a message and its exit code.
fn addresses(
    args: &CtlArgs,
    found: &dyn Fn(&CtlArgs) -> Result<Vec<ServerAddress>, String>,
) -> Result<Vec<ServerAddress>, (String, u8)> {
    let mut addresses = match &args.serverurl {
        Some(url) => vec![ServerAddress::parse(url).map_err(|e| {
            // COMPAT: a usage error ends with 2; a protocol nobody speaks is noticed later, and ends with 1.
            let code = if matches!(e, BadUrl::Protocol(_)) { 1 } else { 2 };
            (format!("invalid value for -s '{url}': {e}"), code)
        })?],
        None => found(args).map_err(|text| (text, 2))?,
    };
    for address in &mut addresses {
        if let Some(username) = &args.username {
            address.username = Some(username.clone());
        }
        if let Some(password) = &args.password {
            address.password = Some(password.clone());
        }
    }
    Ok(addresses)
}

/// The first that takes a connection; where none does, the first, so that the message names it.
fn choose(candidates: Vec<ServerAddress>) -> Option<ServerAddress> {
    let several = candidates.len() > 1;
    let alive = candidates.iter().find(|c| several && client::connect(c, client::PATIENCE).is_ok()).cloned();
    alive.or_else(|| candidates.into_iter().next())
}

/// A stopped process still has its connections accepted, by the kernel.
const MUTE: &str = "something listens there and does not answer: is it stopped, stuck, or another program?";

fn hint(url: Option<&str>) {
    let place = url.map_or(String::new(), |url| format!(" at {url}"));
    // A hint that nobody reads is no loss.
    let _ = writeln!(
        io::stderr(),
        "hint: is it running{place}? name the server with -s URL, or its configuration with -c FILE"
    );
}
