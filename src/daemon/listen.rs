//! Opens what is listened on: metrics and health, control servers, and the private socket where nobody named one.
//!
//! Does I/O. Invariant: either every listener of the configuration is open, or none is left behind.
//! Not here: who serves them (`gateway`).

use crate::config::model::{Config, ControlAddress, Dialect};
use crate::config::python::repr;
use crate::control::{ListenerKind, ListenerSpec, default_socket_paths};
use crate::daemon::boot::{Notes, Refusal};
use crate::sys::sockets::FileId;
use crate::sys::{boot, errno, fd, sockets};
use crate::types::LogLevel;
use nix::errno::Errno;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// COMPAT: supervisord's words where a port is taken.
const PORT_TAKEN: &str = "Another program is already listening on a port that one of our HTTP servers is configured to \
    use.  Shut this program down first before starting supervisord.";

/// COMPAT: its words where something else is wrong with a server's address.
const SOCKET_TROUBLE: &str = "Cannot open an HTTP server: socket.error reported";

/// What a listener stands on; two lives that want the same place share its socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix {
        path: PathBuf,
        mode: u32,
        owner: Option<(u32, u32)>,
    },
    /// The private socket, wherever it found room.
    Default,
}

/// One listening socket.
pub(crate) struct Listener {
    pub(crate) fd: OwnedFd,
    pub(crate) spec: ListenerSpec,
    /// The socket file, removed at the end, and which file it was when we made it.
    pub(crate) file: Option<(PathBuf, FileId)>,
    pub(crate) place: Place,
}

impl Listener {
    pub(crate) fn new(fd: OwnedFd, spec: ListenerSpec, path: Option<PathBuf>, place: Place) -> Listener {
        let file = path.and_then(|path| sockets::file_at(&path).map(|id| (path, id)));
        Listener { fd, spec, file, place }
    }

    /// Whether those who look for it find it: somebody may have taken its file away, or put another one there.
    pub(crate) fn can_be_found(&self) -> bool {
        match (&self.file, &self.place) {
            (Some((path, id)), _) => !sockets::is_gone(path, *id),
            (None, Place::Tcp(_)) => true,
            (None, Place::Unix { .. } | Place::Default) => false,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some((path, id)) = &self.file
            && sockets::file_at(path) == Some(*id)
        {
            let _ = std::fs::remove_file(path); // somebody may have been faster
        }
    }
}

/// Whether both stand on the same socket: the mode and owner of its file can be changed.
fn is_same(a: &Place, b: &Place) -> bool {
    match (a, b) {
        (Place::Unix { path: a, .. }, Place::Unix { path: b, .. }) => a == b,
        (a, b) => a == b,
    }
}

/// Whether one keeps the other from being bound: 0.0.0.0:9001 stands in the way of 127.0.0.1:9001.
fn is_in_the_way(a: &Place, b: &Place) -> bool {
    matches!((a, b), (Place::Tcp(a), Place::Tcp(b)) if a.port() == b.port())
}

/// The listeners a configuration asks for, in their order, and who serves what on them. COMPAT: a socket file belongs
/// to `[supervisord] user`, who would have made it; we make it before we become that user.
fn wanted(config: &Config, start_dir: &Path) -> impl Iterator<Item = (Place, ListenerSpec)> {
    let http = config.http.iter().map(|address| {
        let spec = ListenerSpec { kind: ListenerKind::Http, unix: false, section: "http".into(), auth: None };
        (Place::Tcp(*address), spec)
    });
    let user = config.supervisor.user.as_ref().map(|u| (u.uid, u.gid));
    let control = config.control.iter().map(move |server| {
        let place = match &server.address {
            ControlAddress::Inet(address) => Place::Tcp(*address),
            ControlAddress::Unix { path, mode, owner } => {
                Place::Unix { path: start_dir.join(path), mode: *mode, owner: owned(*owner, user) }
            }
        };
        (place, control_spec(&server.section, &server.address, server.auth.clone()))
    });
    http.chain(control)
}

/// The owner of a socket file. What `chown` leaves open is the user's.
fn owned(chown: Option<(u32, u32)>, user: Option<(u32, u32)>) -> Option<(u32, u32)> {
    match (chown, user) {
        (Some((uid, u32::MAX)), Some((_, gid))) => Some((uid, gid)),
        (chown, user) => chown.or(user),
    }
}

fn control_spec(section: &str, address: &ControlAddress, auth: Option<(String, String)>) -> ListenerSpec {
    let unix = matches!(address, ControlAddress::Unix { .. });
    ListenerSpec { kind: ListenerKind::Control, unix, section: section.to_owned(), auth }
}

/// Opens the listeners of a configuration that are not among `open`.
///
/// # Errors
/// What to tell the user; nothing new is left open then.
pub(crate) fn open_missing(
    config: &Config,
    start_dir: &Path,
    open: &[&Listener],
) -> Result<Vec<Listener>, Refusal> {
    let mut fresh: Vec<Listener> = Vec::new();
    let mut seen: Vec<(Place, ListenerKind)> = Vec::new();
    let closing = |l: &&Listener| !wanted(config, start_dir).any(|(place, _)| is_same(&place, &l.place));
    let closing: Vec<&Place> = open.iter().copied().filter(closing).map(|l| &l.place).collect();
    for (place, spec) in wanted(config, start_dir) {
        let earlier = seen.iter().find(|(p, _)| is_same(p, &place)).map(|(_, kind)| *kind);
        seen.push((place.clone(), spec.kind));
        match earlier {
            // The same metrics twice are there once.
            Some(ListenerKind::Http) if spec.kind == ListenerKind::Http => continue,
            Some(_) => return Err(refuse(&place, &spec.section, Errno::EADDRINUSE)),
            None if open.iter().any(|l| is_same(&l.place, &place) && l.can_be_found()) => continue,
            None => {}
        }
        let fd = match &place {
            Place::Tcp(address) => sockets::listen_tcp(*address),
            Place::Unix { path, mode, owner } => {
                if sockets::is_left_over(path) {
                    // COMPAT: said at once and on stderr, where scripts look for it.
                    fd::last_words(&format!("Unlinking stale socket {}\n", path.display()));
                }
                sockets::listen_unix(path, *mode, *owner)
            }
            Place::Default => continue,
        };
        // Our own is in the way, and closes before the next life opens this one.
        if matches!(fd, Err(Errno::EADDRINUSE)) && closing.iter().any(|p| is_in_the_way(p, &place)) {
            continue;
        }
        let fd = fd.map_err(|e| refuse(&place, &spec.section, e))?;
        let path = if let Place::Unix { path, .. } = &place { Some(path.clone()) } else { None };
        fresh.push(Listener::new(fd, spec, path, place));
    }
    Ok(fresh)
}

/// The listeners of a configuration, in its order: those among `open` that it wants, and fresh ones. The others close.
///
/// # Errors
/// What to tell the user; nothing is left open then.
pub(crate) fn open_listeners(
    config: &Config,
    start_dir: &Path,
    mut open: Vec<Listener>,
    notes: &mut Notes,
) -> Result<Vec<Listener>, Refusal> {
    let is_wanted = |l: &Listener| wanted(config, start_dir).any(|(place, _)| is_same(&place, &l.place));
    open.retain(|l| l.can_be_found() && (l.place == Place::Default || is_wanted(l)));
    let fresh = open_missing(config, start_dir, &open.iter().collect::<Vec<_>>())?;
    open.extend(fresh);
    let mut all = Vec::new();
    for (place, spec) in wanted(config, start_dir) {
        let Some(at) = open.iter().position(|l| is_same(&l.place, &place)) else { continue };
        let mut listener = open.swap_remove(at);
        change(&mut listener, place, notes);
        listener.spec = spec;
        announce(&listener, config.dialect, notes);
        all.push(listener);
    }
    if config.control.is_empty() {
        let kept = open.iter().position(|l| l.place == Place::Default).map(|at| open.swap_remove(at));
        all.extend(kept.or_else(|| open_default_socket(notes)));
    }
    Ok(all)
}

/// Gives a listener that stays the mode and owner that its file has now.
fn change(listener: &mut Listener, place: Place, notes: &mut Notes) {
    if let Place::Unix { path, mode, owner } = &place
        && listener.place != place
        && let Some((_, id)) = &listener.file
        && let Err(e) = sockets::set_owner_and_mode(path, *id, *mode, *owner)
    {
        let words = errno::words(e as i32);
        let text =
            format!("cannot change mode and owner of {}: {words}; they stay as they are", path.display());
        notes.push((LogLevel::Warn, text));
    }
    listener.place = place;
}

fn announce(listener: &Listener, dialect: Dialect, notes: &mut Notes) {
    let (place, section) = (&listener.place, &listener.spec.section);
    if listener.spec.kind == ListenerKind::Http {
        let text = format!("metrics and health on {} (/metrics /livez /readyz /startupz)", shown(place));
        notes.push((LogLevel::Info, text));
        return;
    }
    if dialect != Dialect::Ini {
        notes.push((LogLevel::Info, format!("control on {}", shown(place))));
        return;
    }
    // COMPAT: tools wait for these lines, once for each server.
    notes.push((LogLevel::Info, "RPC interface 'supervisor' initialized".into()));
    if listener.spec.auth.is_none() {
        let text = format!("Server {} running without any HTTP authentication checking", repr(section));
        notes.push((LogLevel::Critical, text));
    }
}

fn shown(place: &Place) -> String {
    match place {
        Place::Tcp(address) => format!("http://{address}"),
        Place::Unix { path, .. } => format!("unix://{}", path.display()),
        Place::Default => "the private socket".into(),
    }
}

fn refuse(place: &Place, section: &str, e: Errno) -> Refusal {
    let what = match place {
        Place::Tcp(address) => address.to_string(),
        Place::Unix { path, .. } => path.display().to_string(),
        Place::Default => shown(place),
    };
    let path = if let Place::Unix { path, .. } = place { Some(path.as_path()) } else { None };
    let supervisor = match (e, place) {
        (Errno::EPERM, Place::Unix { path, owner: Some((uid, gid)), .. }) => {
            // COMPAT: -1 is what is left as it is.
            let (uid, gid) = (uid.cast_signed(), gid.cast_signed());
            format!("Not permitted to chown {} to uid/gid ({uid}, {gid})", path.display())
        }
        (e, _) => socket_trouble(e),
    };
    let own = format!(
        "error: cannot listen on {what} of [{section}]: {}{}\n",
        errno::words(e as i32),
        hint(e, path)
    );
    Refusal { supervisor, own }
}

/// What to do when a socket cannot be had, at `path` if it is a file: a line of its own, or nothing.
pub(crate) fn hint(e: Errno, path: Option<&Path>) -> &'static str {
    let is_socket = |path: &Path| std::fs::metadata(path).is_ok_and(|m| m.file_type().is_socket());
    match e {
        Errno::EADDRINUSE if path.is_some_and(|path| !is_socket(path)) => {
            "\n  hint: what is there is no socket; remove it or choose another path"
        }
        Errno::EADDRINUSE => "\n  hint: something else listens there; stop it or choose another address",
        Errno::EACCES => "\n  hint: ports below 1024 and foreign directories need root",
        Errno::EPERM => "\n  hint: only root can give a socket file away; leave `chown` out",
        Errno::ENOENT => "\n  hint: create the directory of the socket first",
        Errno::EADDRNOTAVAIL => "\n  hint: this machine has no such address; 0.0.0.0 means all",
        Errno::ENAMETOOLONG => "\n  hint: a socket's path has at most 107 bytes",
        _ => "",
    }
}

fn socket_trouble(e: Errno) -> String {
    match e {
        Errno::EADDRINUSE => PORT_TAKEN.to_owned(),
        Errno::ENAMETOOLONG => format!("{SOCKET_TROUBLE} AF_UNIX path too long"),
        e => format!("{SOCKET_TROUBLE} errno.{} ({})", errno::name(e as i32), e as i32),
    }
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
                    return Some(Listener::new(fd, spec, Some(path), Place::Default));
                }
                // Another mainstay answers there: stand beside it.
                Err(Errno::EADDRINUSE) => {}
                Err(_) => break,
            }
        }
    }
    let text = "no control socket: none of /run, /var/run, /tmp and /dev/shm can be written; `ctl` will not work: \
         mount a tmpfs on /run, or set `[control] unix`";
    notes.push((LogLevel::Warn, text.into()));
    None
}

/// COMPAT: the URL programs get: the first unix server, else the last inet server.
pub(crate) fn server_url(config: &Config, start_dir: &Path) -> Option<String> {
    let unix = config.control.iter().find(|s| matches!(s.address, ControlAddress::Unix { .. }));
    let server = unix.or_else(|| config.control.last())?;
    Some(match &server.address {
        ControlAddress::Inet(a) => {
            format!("http://{}:{}", server.host.as_deref().unwrap_or("localhost"), a.port())
        }
        other => shown_address(other, start_dir),
    })
}
