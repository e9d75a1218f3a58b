//! Control servers and the read-only HTTP listener.
//!
//! Invariant: inet servers come before unix ones, as Supervisor opens them. Not here: binding (`daemon`).

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::expand::Names;
use crate::config::model::{ControlAddress, ControlServer};
use crate::config::paths::normalize;
use crate::config::python::strip;
use crate::config::raw::{RawSection, SectionKind};
use crate::config::values::{self, Bad, Input, address, people};

use super::reader::{Passes, Reader, Reported, View};

pub(crate) fn read_control(r: &mut Reader<'_>) -> Result<Vec<ControlServer>, Reported> {
    let inet: Vec<_> = r.sections(SectionKind::InetHttp).collect();
    let unix: Vec<_> = r.sections(SectionKind::UnixHttp).collect();
    let inet: Vec<_> = inet.into_iter().map(|s| read_inet(r, s)).collect();
    let unix: Vec<_> = unix.into_iter().map(|s| read_unix(r, s)).collect();
    inet.into_iter().chain(unix).collect()
}

pub(crate) fn read_http(r: &mut Reader<'_>) -> Result<Vec<SocketAddr>, Reported> {
    let names = r.basic_names();
    let mut all = Vec::new();
    let places: Vec<(&RawSection, &str)> = r
        .sections(SectionKind::Mainstay)
        .map(|s| (s, "http_listen"))
        .chain(r.sections(SectionKind::Http).flat_map(|s| [(s, "listen"), (s, "http_listen")]))
        .collect();
    for (section, key) in places {
        let read = r.optional(&View::of(section), key, &names, Passes::One, address::addresses)?;
        if let Some(addresses) = read {
            // A later source replaces an earlier one.
            all = addresses;
        }
    }
    Ok(all)
}

fn read_inet<'a>(r: &mut Reader<'a>, section: &'a RawSection) -> Result<ControlServer, Reported> {
    let view = View::of(section);
    let auth = read_auth(r, &view);
    let names = r.env.clone();
    let port =
        r.optional(&view, "port", &names, Passes::One, |input| Ok((address::address(input)?, host(input))))?;
    let Some((address, host)) = port else { return Err(missing(r, &view, "port", "port = 127.0.0.1:9001")) };
    let address = ControlAddress::Inet(address);
    Ok(ControlServer { section: section.title.clone(), address, host, auth: auth? })
}

/// The host of `host:port`, where it says more than "any".
fn host(input: &Input<'_>) -> Option<String> {
    let host = input.text().ok()?.rsplit_once(':')?.0.to_lowercase();
    let is_any = host.is_empty() || host == "*" || (!input.is_ini() && host == "0.0.0.0");
    (!is_any).then_some(host)
}

fn read_unix<'a>(r: &mut Reader<'a>, section: &'a RawSection) -> Result<ControlServer, Reported> {
    let view = View::of(section);
    let names = r.basic_names();
    let path = r.optional(&view, "file", &names, Passes::One, socket_path)?;
    let Some(path) = path else { return Err(missing(r, &view, "file", "file = /run/supervisor.sock")) };
    let auth = read_auth(r, &view);
    // COMPAT: only the path may use `here`.
    let names = r.env.clone();
    let owner = r.optional(&view, "chown", &names, Passes::One, |input| {
        people::owner(input).map_err(|bad| prefixed("Invalid sockchown value", input, bad))
    });
    let mode = r.value(&view, "chmod", &names, |input| {
        values::octal(input).map_err(|bad| prefixed("Invalid chmod value", input, bad))
    });
    let address = ControlAddress::Unix { path, mode: mode?, owner: owner? };
    Ok(ControlServer { section: section.title.clone(), address, host: None, auth: auth? })
}

fn socket_path(input: &Input<'_>) -> Result<PathBuf, Bad> {
    Ok(PathBuf::from(normalize(strip(input.text()?), input.world)))
}

fn missing<'a>(r: &mut Reader<'a>, view: &View<'a>, key: &str, example: &str) -> Reported {
    let words = format!("section [{}] has no {key} value", view.title());
    let message = format!("cannot use {}: `{key}` is missing", view.shown());
    r.refuse_section(view, key, message, words, &format!("add `{example}`"))
}

/// Supervisor's words for a value that another conversion refused.
pub(crate) fn prefixed(words: &str, input: &Input<'_>, bad: Bad) -> Bad {
    let shown = input.text().unwrap_or_default();
    Bad { words: format!("{words} {shown}"), hint: bad.hint }
}

fn read_auth<'a>(r: &mut Reader<'a>, view: &View<'a>) -> Result<Option<(String, String)>, Reported> {
    let names: Names = r.env.clone();
    let username = r.optional(view, "username", &names, Passes::One, values::text);
    let password = r.optional(view, "password", &names, Passes::One, values::text);
    match (username?, password?) {
        (Some(username), Some(password)) => Ok(Some((username, password))),
        (None, None) => Ok(None),
        (username, _) => {
            let (there, lacks) =
                if username.is_some() { ("username", "password") } else { ("password", "username") };
            let words = format!(
                "Section [{}] contains incomplete authentication: If a username or a password is specified, both \
                 the username and password must be specified",
                view.title()
            );
            let message = format!("cannot use {}: `{there}` is set and `{lacks}` is not", view.shown());
            Err(r.refuse_section(view, there, message, words, "set both, or none"))
        }
    }
}
