//! What is allowed and still trips people over: said once at start, never fatal.
//!
//! Pure. Invariant: no advice about a configuration that already fails for the same reason; one line for each kind
//! of trouble, however many programs have it. Not here: unknown words (`known`).

use std::collections::BTreeSet;

use crate::config::diag::Diagnostic;
use crate::config::model::{
    Config, ControlAddress, ControlServer, Dialect, FcgiSocket, GroupKind, LogTarget, Program,
};
use crate::config::raw::SectionKind;

use super::reader::Reader;
use std::net::SocketAddr;
use std::path::Path;

pub(crate) fn advise(r: &mut Reader<'_>, config: &Config) {
    nothing_to_run(r, config);
    hidden_output(r, config);
    rotated_streams(r, config);
    shells_without_exec(r, config);
    open_ports(r, config);
    shared_sockets(r, config);
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

/// A FastCGI program takes the socket of another, or finds it taken, as soon as both run.
fn shared_sockets(r: &mut Reader<'_>, config: &Config) {
    let mut seen: Vec<(&str, &FcgiSocket)> = Vec::new();
    for program in config.processes() {
        let Some(socket) = program.socket.as_deref() else { continue };
        if seen.iter().any(|(name, _)| *name == program.program) {
            continue;
        }
        let other = seen.iter().find(|(_, earlier)| is_same_place(socket, earlier));
        let other = other.map(|(name, _)| format!("`{name}`")).or_else(|| server_at(socket, config));
        seen.push((&program.program, socket));
        let Some(other) = other else { continue };
        let section = r.sections(SectionKind::Fcgi).find(|s| s.name.trim() == program.program);
        let entry = section.and_then(|s| s.entries.iter().find(|e| e.key == "socket"));
        r.push(
            Diagnostic::warning(format!(
                "`{}` and {other} listen on the same {}",
                program.program, socket.url
            ))
            .at(entry.map(|e| &e.span))
            .setting(format!("[fcgi-program:{}] socket", program.program))
            .hint("only one of them can have it: give each an address of its own"),
        );
    }
}

/// The server of ours that stands where a FastCGI program wants to listen.
fn server_at(socket: &FcgiSocket, config: &Config) -> Option<String> {
    let is_there = |server: &&ControlServer| match &server.address {
        ControlAddress::Unix { path, .. } => socket.url.strip_prefix("unix://").map(Path::new) == Some(path),
        ControlAddress::Inet(address) => overlap(socket.address, Some(*address)),
    };
    let control = config.control.iter().find(is_there).map(|server| format!("[{}]", server.section));
    let http = || config.http.iter().find(|address| overlap(socket.address, Some(**address)));
    control.or_else(|| http().map(|address| format!("our own metrics on {address}")))
}

fn is_same_place(a: &FcgiSocket, b: &FcgiSocket) -> bool {
    a.url == b.url || overlap(a.address, b.address)
}

/// Whether the kernel lets only one of the two listen.
fn overlap(a: Option<SocketAddr>, b: Option<SocketAddr>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    // `::` takes IPv4 too, 0.0.0.0 not IPv6.
    let covers =
        |all: SocketAddr, one: SocketAddr| all.ip().is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    a.port() == b.port() && (a.ip() == b.ip() || covers(a, b) || covers(b, a))
}

/// The program sections behind these processes, each once.
fn names_of<'c>(programs: impl Iterator<Item = &'c Program>) -> Vec<&'c str> {
    let mut names: Vec<&str> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for program in programs {
        if seen.insert(&program.program) {
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

#[cfg(test)]
mod tests {
    use crate::config::testing::{findings, load_ini};

    /// What is said of the sockets of these sections, each with its line.
    fn shared(text: &str) -> Vec<String> {
        let all = findings(load_ini(text));
        let shared = all.iter().filter(|d| d.message.contains("listen on the same"));
        shared.map(|d| format!("{}: {}", d.span.as_ref().map_or(0, |s| s.line), d.message)).collect()
    }

    fn two(a: &str, b: &str) -> Vec<String> {
        shared(&format!("[fcgi-program:a]\ncommand=x\nsocket={a}\n[fcgi-program:b]\ncommand=x\nsocket={b}\n"))
    }

    #[test]
    fn two_fastcgi_programs_on_one_socket_are_warned_of() {
        assert_eq!(
            two("unix:///run/f", "unix:///run/f"),
            ["7: `b` and `a` listen on the same unix:///run/f"]
        );
        assert_eq!(
            two("tcp://127.0.0.1:9", "tcp://localhost:9"),
            ["7: `b` and `a` listen on the same tcp://localhost:9"]
        );
        assert_eq!(two("tcp://0.0.0.0:9", "tcp://127.0.0.1:9").len(), 1);
        assert_eq!(two("tcp://127.0.0.1:9", "tcp://127.0.0.2:9"), [""; 0]);
        assert_eq!(two("unix:///run/f", "unix:///run/g"), [""; 0]);
    }

    #[test]
    fn a_fastcgi_program_on_the_socket_of_a_server_of_ours_is_warned_of() {
        let server = "[unix_http_server]\nfile=/run/s\n[inet_http_server]\nport=127.0.0.1:9\n[mainstay]\nhttp_listen=127.0.0.1:8\n";
        for (socket, words) in [
            ("unix:///run/s", "[unix_http_server]"),
            ("tcp://127.0.0.1:9", "[inet_http_server]"),
            ("tcp://127.0.0.1:8", "our own metrics on 127.0.0.1:8"),
        ] {
            let text = format!(
                "{server}[fcgi-program:f]\ncommand=x\nnumprocs=2\nprocess_name=%(process_num)d\nsocket={socket}\n"
            );
            assert_eq!(shared(&text), [format!("12: `f` and {words} listen on the same {socket}")]);
        }
    }
}
