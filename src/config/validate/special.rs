//! What only event listeners and FastCGI programs have: events, result handler, socket.
//!
//! Invariant: errors come in Supervisor's order and words. Not here: delivering events (`events`), making sockets (`daemon::fcgi`).

use crate::config::diag::Diagnostic;
use crate::config::model::{FcgiSocket, GroupKind};
use crate::config::paths::normalize;
use crate::config::python::{big_int, digit_value, is_space, repr};
use crate::config::values::{self, Bad, address, people};
use crate::types::sort_by;

use super::plugins;
use super::reader::{Passes, Reader, View};
use super::servers::prefixed;

/// Every event that a listener may ask for.
pub(crate) const EVENTS: &[&str] = &[
    "EVENT",
    "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDERR",
    "PROCESS_COMMUNICATION_STDOUT",
    "PROCESS_GROUP",
    "PROCESS_GROUP_ADDED",
    "PROCESS_GROUP_REMOVED",
    "PROCESS_LOG",
    "PROCESS_LOG_STDERR",
    "PROCESS_LOG_STDOUT",
    "PROCESS_STATE",
    "PROCESS_STATE_BACKOFF",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_RUNNING",
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_STOPPED",
    "PROCESS_STATE_STOPPING",
    "PROCESS_STATE_UNKNOWN",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "SUPERVISOR_STATE_CHANGE_STOPPING",
    "TICK",
    "TICK_3600",
    "TICK_5",
    "TICK_60",
];

/// The listener part of an `[eventlistener:x]`.
pub(crate) fn read_listener<'a>(r: &mut Reader<'a>, view: &View<'a>) -> Option<GroupKind> {
    let names = r.basic_names();
    let title = view.title();
    let buffer_size = r.value(view, "buffer_size", &names, values::integer).ok()?;
    if buffer_size < 1 {
        let words = format!("[{title}] section sets invalid buffer_size ({buffer_size})");
        let message = format!("cannot use {}: `buffer_size` is below 1", view.shown());
        r.refuse_section(view, "buffer_size", message, words, "");
    }
    let result_handler = r.value(view, "result_handler", &names, values::text).ok()?;
    if !r.world.plugin_exists(&result_handler) {
        let words = format!("{result_handler} cannot be resolved within [{title}]");
        let message = format!("cannot use {}: `{result_handler}` is a Python plug-in", view.shown());
        r.refuse_section(view, "result_handler", message, words, plugins::instead_of(&result_handler));
    }
    let events = r.optional(view, "events", &names, Passes::One, values::list).ok()?.unwrap_or_default();
    let events = check_events(r, view, &events)?;
    if r.value(view, "redirect_stderr", &names, values::boolean).ok()? {
        let words = format!(
            "[{title}] section sets redirect_stderr=true but this is not allowed because it will interfere with \
             the eventlistener protocol"
        );
        let message =
            format!("cannot use {}: `redirect_stderr` would disturb the event protocol", view.shown());
        r.refuse_section(view, "redirect_stderr", message, words, "remove `redirect_stderr`");
    }
    Some(GroupKind::EventListener { events, buffer_size, result_handler })
}

fn check_events<'a>(r: &mut Reader<'a>, view: &View<'a>, listed: &[String]) -> Option<Vec<String>> {
    let title = view.title();
    if listed.is_empty() {
        let words = format!("[{title}] section requires an \"events\" line");
        let message = format!("cannot use {}: `events` is missing", view.shown());
        r.refuse_section(view, "events", message, words, "add `events = PROCESS_STATE`");
        return None;
    }
    let mut events: Vec<String> = listed.iter().map(|e| e.to_uppercase()).collect();
    sort_by(&mut events, &|a, b| a.cmp(b));
    events.dedup();
    let unknown = events.iter().find(|e| !EVENTS.contains(&e.as_str()));
    if let Some(event) = unknown {
        let words = format!("Unknown event type {event} in [{title}] events");
        let message = format!("cannot use {}: `{event}` is no event", view.shown());
        let meant = crate::config::settings::nearest(event, EVENTS.iter().copied());
        let hint = meant.map(|e| format!("did you mean `{e}`?")).unwrap_or_default();
        let part = listed.iter().find(|e| e.to_uppercase() == *event).map_or("", String::as_str);
        r.refuse_part(view, ("events", part), message, words, &hint);
        return None;
    }
    Some(events)
}

/// The socket part of an `[fcgi-program:x]`.
pub(crate) fn read_socket<'a>(r: &mut Reader<'a>, view: &View<'a>) -> Option<GroupKind> {
    let mut names = r.basic_names();
    let user = r.optional(view, "user", &names, Passes::One, people::user).ok()?;
    let backlog = r.optional(view, "socket_backlog", &names, Passes::One, |input| {
        let n = values::integer(input)?;
        if (1..=65535).contains(&n) {
            return Ok(n);
        }
        let shown = input.text().ok().and_then(|text| big_int(text).ok()).unwrap_or_else(|| n.into());
        Err(Bad::new(format!("Invalid socket_backlog value {shown}")).hint("write a number from 1 to 65535"))
    });
    let owner = r.optional(view, "socket_owner", &names, Passes::One, |input| {
        people::owner(input).map_err(|bad| prefixed("Invalid socket_owner value", input, bad))
    });
    let mode = r.optional(view, "socket_mode", &names, Passes::One, |input| {
        values::octal(input).map_err(|bad| prefixed("Invalid socket_mode value", input, bad))
    });
    names.set("program_name", view.section.map_or("", |s| s.name.trim()));
    let socket = r.optional(view, "socket", &names, Passes::One, values::text).ok()?;
    let (backlog, owner, mode) = (backlog.ok()?, owner.ok()?, mode.ok()?);
    let Some(socket) = socket.filter(|s| !s.is_empty()) else {
        let words = format!("[{}] section requires a \"socket\" line", view.title());
        let message = format!("cannot use {}: `socket` is missing", view.shown());
        r.refuse_section(view, "socket", message, words, "add `socket = unix:///run/app.sock`");
        return None;
    };
    match check_socket(r, &socket, owner.is_some() || mode.is_some()) {
        Ok(Url::Unix(url)) => {
            // COMPAT: the socket belongs to the program's user where that is not ours.
            let inherited = user.filter(|u| u.uid != r.world.uid()).map(|u| (u.uid, u.gid));
            Some(GroupKind::Fcgi {
                socket: url,
                backlog,
                owner: owner.or(inherited),
                mode: mode.or(Some(0o700)),
            })
        }
        Ok(Url::Tcp(url)) => Some(GroupKind::Fcgi { socket: url, backlog, owner: None, mode: None }),
        Err(words) => {
            let message = format!("cannot read `socket` of {}: {words}", view.shown());
            let words = format!("{words} in [{}] socket", view.title());
            let hint = "write unix:///absolute/path or tcp://host:port";
            r.refuse_section(view, "socket", message, words, hint);
            None
        }
    }
}

enum Url {
    Unix(String),
    Tcp(String),
}

/// COMPAT: two of Supervisor's texts are Python tuples.
fn check_socket(r: &Reader<'_>, socket: &str, has_unix_settings: bool) -> Result<Url, String> {
    if let Some(path) = socket.strip_prefix("unix://") {
        if !path.starts_with('/') {
            return Err(format!("('Unix socket path %s is not an absolute path', {})", repr(path)));
        }
        return Ok(Url::Unix(format!("unix://{}", normalize(path, r.world))));
    }
    if has_unix_settings {
        return Err(
            "socket_owner and socket_mode params should only be used with a Unix domain socket".to_owned()
        );
    }
    let bad = || format!("('Bad socket format %s', {})", repr(socket));
    let (host, port) = socket.strip_prefix("tcp://").and_then(|rest| rest.split_once(':')).ok_or_else(bad)?;
    let is_host = !host.is_empty() && !host.contains(is_space);
    // COMPAT: a line end behind the port does not matter, and digits may be of any script.
    let port = port.strip_suffix('\n').unwrap_or(port);
    if !is_host || port.is_empty() || !port.chars().all(|c| digit_value(c).is_some()) {
        return Err(bad());
    }
    match big_int(port) {
        Ok(number @ 1..=65535) => Ok(Url::Tcp(format!("tcp://{}:{number}", host.to_lowercase()))),
        Ok(number @ ..1) => Err(format!("{number} is below lower bound (1)")),
        Ok(number) => Err(format!("{number} is above upper bound (65535)")),
        Err(_) => Err(bad()),
    }
}

/// The socket of a FastCGI group, as its processes share it.
pub(crate) fn fcgi_socket<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    kind: &GroupKind,
) -> Option<Box<FcgiSocket>> {
    let GroupKind::Fcgi { socket, backlog, owner, mode } = kind else { return None };
    // COMPAT: a host nobody knows is no mistake of the file; the socket cannot be made then.
    let tcp = socket.strip_prefix("tcp://");
    let address = tcp.and_then(|place| address::listening(place, r.world));
    if tcp.is_some() && address.is_none() {
        let text = format!("the host of `socket` of {} is not known here: {socket}", view.shown());
        let span = r.entry(view, "socket").map(|e| &e.span);
        r.push(
            Diagnostic::warning(text)
                .at(span)
                .hint("write an address; of host names only those in /etc/hosts are known"),
        );
    }
    Some(Box::new(FcgiSocket {
        url: socket.clone(),
        address,
        backlog: backlog.and_then(|n| i32::try_from(n).ok()),
        owner: *owner,
        mode: mode.unwrap_or(0o700),
    }))
}

#[cfg(test)]
mod tests {
    use crate::config::testing::{findings, load_ini, load_toml};

    #[test]
    fn the_processes_of_a_fastcgi_program_share_its_socket_also_in_a_group() {
        let text = "[fcgi-program:f]\ncommand=x\nsocket=TCP\n[fcgi-program:g]\ncommand=x\nsocket=unix:///run/g\n\
                    socket_backlog=9\n[fcgi-program:h]\ncommand=x\nsocket=tcp://localhost:9000\n\
                    [fcgi-program:i]\ncommand=x\nsocket=tcp://nowhere:9000\n[group:all]\nprograms=g,h\n";
        let loaded = load_ini(&text.replace("TCP", "tcp://*:9001")).expect("it is fine");
        let sockets: Vec<_> = loaded.config.processes().filter_map(|p| p.socket.as_deref()).collect();
        let places: Vec<_> =
            sockets.iter().map(|s| (s.url.as_str(), s.address.map(|a| a.to_string()))).collect();
        let want = [
            ("unix:///run/g", None),
            ("tcp://localhost:9000", Some("127.0.0.1:9000".to_owned())),
            ("tcp://*:9001", Some("0.0.0.0:9001".to_owned())),
            // COMPAT: that nobody knows the host is found out at the start.
            ("tcp://nowhere:9000", None),
        ];
        let found = findings(load_ini(&text.replace("TCP", "tcp://*:9001")));
        assert_eq!(
            found.iter().filter(|d| d.message.contains("is not known here: tcp://nowhere:9000")).count(),
            1
        );
        assert_eq!(places, want);
        assert_eq!((sockets[0].backlog, sockets[0].mode, sockets[1].backlog), (Some(9), 0o700, None));
    }

    #[test]
    fn a_mistake_in_a_socket_is_only_a_warning_in_a_group() {
        let text = "[fcgi-program:f]\ncommand=x\nsocket=nonsense\nsocket_backlog=0\n[group:g]\nprograms=f\n";
        let loaded = load_ini(text).expect("Supervisor does not look at it either");
        assert!(loaded.config.processes().all(|p| p.socket.is_none()));
        let found = findings(load_ini(text));
        assert!(
            found.iter().any(|d| d.message.starts_with("[fcgi-program:f] gets no socket in [group:g]: ")),
            "{found:?}"
        );
        // What every program has is still checked.
        assert!(load_ini(&text.replace("command=x", "command=x\nstartsecs=z")).is_err());
    }

    #[test]
    fn a_socket_in_a_group_survives_the_way_to_toml() {
        let text = "[fcgi-program:f]\ncommand=x\nsocket=unix:///run/f\nsocket_mode=0660\n[program:p]\ncommand=x\n\
                    [group:g]\nprograms=f,p\n";
        let loaded = load_ini(text).expect("it is fine");
        let printed = crate::config::print::to_toml(&loaded.config, true);
        let again = load_toml(&printed).expect("what is printed can be read");
        assert_eq!(
            again.config.groups[0].programs[0].socket, loaded.config.groups[0].programs[0].socket,
            "{printed}"
        );
    }
}
