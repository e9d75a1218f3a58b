//! Opens what is listened on: metrics and health, control servers, and the private socket where nobody named one.
//!
//! Does I/O. Invariant: either every listener of the configuration is open, or none is left behind.
//! Not here: who serves them (`gateway`).

use crate::config::model::{Config, ControlAddress, Dialect};
use crate::control::{ListenerKind, ListenerSpec, default_socket_paths};
use crate::daemon::boot::Notes;
use crate::daemon::gateway::Listener;
use crate::sys::{boot, errno, sockets};
use crate::types::LogLevel;
use nix::errno::Errno;
use std::path::{Path, PathBuf};

/// COMPAT: supervisord's words where a port is taken.
const PORT_TAKEN: &str = "Another program is already listening on a port that one of our HTTP servers is configured to \
    use.  Shut this program down first before starting supervisord.";

/// Opens every listener of the configuration.
///
/// # Errors
/// What to tell the user; nothing is left open then.
pub(crate) fn open_listeners(
    config: &Config,
    start_dir: &Path,
    notes: &mut Notes,
) -> Result<Vec<Listener>, String> {
    let mut all = Vec::new();
    for address in &config.http {
        let fd = sockets::listen_tcp(*address).map_err(|e| refuse(&address.to_string(), "http listen", e))?;
        let spec = ListenerSpec { kind: ListenerKind::Http, unix: false, section: "http".into(), auth: None };
        notes.push((
            LogLevel::Info,
            format!("metrics and health on http://{address} (/metrics /livez /readyz /startupz)"),
        ));
        all.push(Listener { fd, spec, path: None });
    }
    for server in &config.control {
        let spec = |unix| ListenerSpec {
            kind: ListenerKind::Control,
            unix,
            section: server.section.clone(),
            auth: server.auth.clone(),
        };
        match &server.address {
            ControlAddress::Inet(address) => {
                let section = format!("[{}]", server.section);
                let fd =
                    sockets::listen_tcp(*address).map_err(|e| refuse(&address.to_string(), &section, e))?;
                all.push(Listener { fd, spec: spec(false), path: None });
            }
            ControlAddress::Unix { path, mode, owner } => {
                let path = start_dir.join(path);
                let section = format!("[{}]", server.section);
                let shown = path.display().to_string();
                let fd =
                    sockets::listen_unix(&path, *mode, *owner).map_err(|e| refuse(&shown, &section, e))?;
                all.push(Listener { fd, spec: spec(true), path: Some(path) });
            }
        }
        if config.dialect == Dialect::Ini && server.auth.is_none() {
            let section = &server.section;
            notes.push((
                LogLevel::Critical,
                format!("Server '{section}' running without any HTTP authentication checking"),
            ));
        }
        notes.push((LogLevel::Info, format!("control on {}", shown_address(&server.address, start_dir))));
        if config.dialect == Dialect::Ini {
            // COMPAT: tools wait for this line, once for each server.
            notes.push((LogLevel::Info, "RPC interface 'supervisor' initialized".into()));
        }
    }
    if config.control.is_empty() {
        all.extend(open_default_socket(notes));
    }
    Ok(all)
}

fn refuse(what: &str, section: &str, e: Errno) -> String {
    let hint = match e {
        Errno::EADDRINUSE => format!(
            "\nhint: something else listens there; stop it or choose another address\nError: {PORT_TAKEN}"
        ),
        Errno::EACCES => "\nhint: ports below 1024 and foreign directories need root".into(),
        Errno::ENOENT => "\nhint: create the directory of the socket first".into(),
        Errno::EADDRNOTAVAIL => "\nhint: this machine has no such address; 0.0.0.0 means all".into(),
        _ => String::new(),
    };
    format!("error: cannot listen on {what} of {section}: {}{hint}", errno::words(e as i32))
}

fn shown_address(address: &ControlAddress, start_dir: &Path) -> String {
    match address {
        ControlAddress::Unix { path, .. } => format!("unix://{}", start_dir.join(path).display()),
        ControlAddress::Inet(address) => format!("http://{address}"),
    }
}

/// The private socket for `ctl` and `health` where nobody named a server: the first place that takes one.
fn open_default_socket(notes: &mut Notes) -> Option<Listener> {
    for path in default_socket_paths() {
        let path = PathBuf::from(path);
        let beside = path.with_file_name(format!("mainstay-{}.sock", boot::own_pid()));
        for path in [path, beside] {
            match sockets::listen_unix(&path, 0o700, None) {
                Ok(fd) => {
                    let spec = ListenerSpec {
                        kind: ListenerKind::Control,
                        unix: true,
                        section: "default socket".into(),
                        auth: None,
                    };
                    notes.push((LogLevel::Info, format!("control on unix://{} (private)", path.display())));
                    return Some(Listener { fd, spec, path: Some(path) });
                }
                // Another mainstay answers there: stand beside it.
                Err(Errno::EADDRINUSE) => {}
                Err(_) => break,
            }
        }
    }
    let text =
        "no control socket: none of /run, /var/run, /tmp and /dev/shm can be written; `ctl` will not work";
    notes.push((LogLevel::Warn, text.into()));
    None
}

/// COMPAT: the URL programs get: the first unix server, else the last inet server.
pub(crate) fn server_url(config: &Config, start_dir: &Path) -> Option<String> {
    let is_unix = |a: &ControlAddress| matches!(a, ControlAddress::Unix { .. });
    let addresses = || config.control.iter().map(|s| &s.address);
    let address = addresses().find(|a| is_unix(a)).or_else(|| addresses().next_back())?;
    Some(match address {
        ControlAddress::Inet(a) if a.ip().is_unspecified() => format!("http://localhost:{}", a.port()),
        other => shown_address(other, start_dir),
    })
}
