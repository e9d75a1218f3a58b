//! What is allowed and still trips people over: said once at start, never fatal.
//!
//! Pure. Invariant: no advice about a configuration that already fails for the same reason; one line for each kind
//! of trouble, however many programs have it. Not here: unknown words (`known`).

use crate::config::diag::Diagnostic;
use crate::config::model::{Config, ControlAddress, Dialect, GroupKind, LogTarget, Program};
use crate::config::raw::SectionKind;

use super::reader::Reader;

pub(crate) fn advise(r: &mut Reader<'_>, config: &Config) {
    nothing_to_run(r, config);
    hidden_output(r, config);
    rotated_streams(r, config);
    shells_without_exec(r, config);
    open_ports(r, config);
}

/// Allowed, as in Supervisor, and then nothing happens at all: most often a file or a section has the wrong name.
fn nothing_to_run(r: &mut Reader<'_>, config: &Config) {
    if r.has_errors() || config.processes().next().is_some() {
        return;
    }
    let hint = match config.dialect {
        Dialect::Ini => "add a section `[program:NAME]` with a `command`; is an [include] missing?",
        Dialect::Toml => "add a table `[program.NAME]` with a `command`",
        Dialect::Env => "set `MAINSTAY_PROGRAM__NAME=\"command\"`",
    };
    r.push(Diagnostic::warning("no program is configured").hint(hint));
}

/// In a container nobody looks into AUTO files, and their names are random.
fn hidden_output(r: &mut Reader<'_>, config: &Config) {
    if config.dialect != Dialect::Ini || !config.supervisor.nodaemon {
        return;
    }
    let hidden = |p: &&Program| p.stdout.target == LogTarget::Auto;
    let users = names_of(
        config
            .groups
            .iter()
            .filter(|g| g.kind == GroupKind::Program)
            .flat_map(|g| &g.programs)
            .filter(hidden),
    );
    if users.is_empty() {
        return;
    }
    r.push(
        Diagnostic::warning(format!("the output of {} goes to AUTO files that no container log shows", listed(&users)))
            .hint("set `stdout_logfile = /dev/stdout` with `stdout_logfile_maxbytes = 0`, and `redirect_stderr = true`"),
    );
}

fn rotated_streams(r: &mut Reader<'_>, config: &Config) {
    if config.dialect != Dialect::Ini {
        return;
    }
    for stream in ["stdout", "stderr"] {
        let is_rotated = |p: &&Program| {
            let plan = if stream == "stdout" { &p.stdout } else { &p.stderr };
            matches!(plan.target, LogTarget::Stream { .. }) && plan.maxbytes > 0
        };
        let users = names_of(config.processes().filter(is_rotated));
        if users.is_empty() {
            continue;
        }
        r.push(
            Diagnostic::warning(format!(
                "`{stream}_logfile` of {} is a stream and is not rotated",
                listed(&users)
            ))
            .hint(format!("set `{stream}_logfile_maxbytes = 0`; Supervisor fails on such a rotation")),
        );
    }
}

/// A shell in between receives the stop signal and keeps it for itself.
fn shells_without_exec(r: &mut Reader<'_>, config: &Config) {
    let users = names_of(config.processes().filter(|p| !p.stopasgroup && is_shell_without_exec(p)));
    if users.is_empty() {
        return;
    }
    r.push(
        Diagnostic::warning(format!("the stop signal of {} reaches only a shell", listed(&users)))
            .hint("begin the last command with `exec`, or set `stopasgroup = true`"),
    );
}

fn is_shell_without_exec(program: &Program) -> bool {
    let Ok(argv) = &program.argv else { return false };
    let [shell, options @ ..] = argv.as_slice() else { return false };
    let shell = shell.rsplit('/').next().unwrap_or(shell);
    if !matches!(shell, "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh") {
        return false;
    }
    let mut words =
        options.iter().skip_while(|w| !(w.starts_with('-') && !w.starts_with("--") && w.contains('c')));
    let script = words.nth(1);
    script.is_some_and(|s| !s.split(|c: char| c.is_whitespace() || c == ';' || c == '&').any(|w| w == "exec"))
}

fn open_ports(r: &mut Reader<'_>, config: &Config) {
    for server in &config.control {
        let ControlAddress::Inet(address) = server.address else { continue };
        if server.auth.is_some() || address.ip().is_loopback() {
            continue;
        }
        let section = r.sections(SectionKind::InetHttp).find(|s| s.title == server.section);
        r.push(
            Diagnostic::warning(format!(
                "anyone who reaches {address} can control every program: no password is set"
            ))
            .at(section.map(|s| &s.span))
            .setting(format!("[{}]", server.section))
            .hint("set `username` and `password`, or listen on 127.0.0.1"),
        );
    }
}

/// The program sections behind these processes, each once.
fn names_of<'c>(programs: impl Iterator<Item = &'c Program>) -> Vec<&'c str> {
    let mut names: Vec<&str> = Vec::new();
    for program in programs {
        if !names.contains(&program.program.as_str()) {
            names.push(&program.program);
        }
    }
    names
}

/// BOUND: a sentence names at most five programs.
fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(5).map(|n| format!("`{n}`")).collect();
    match names.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
