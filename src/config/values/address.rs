//! Addresses of TCP listeners.
//!
//! Asks the `World` for host names. Invariant: a listener is an address, never a name that has to be looked up later.
//! COMPAT: Supervisor only knows IPv4; `[::1]:9001` is accepted here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Bad, Input, kind_of};
use crate::config::python::{big_int, repr, strip};
use crate::config::raw::RawValue;
use crate::config::world::World;

/// `host:port`, `*:port`, `:port` or `port`.
pub(crate) fn address(input: &Input<'_>) -> Result<SocketAddr, Bad> {
    match input.value {
        RawValue::Int(n) if !input.is_ini() => parse(&n.to_string(), input.world),
        _ => parse(input.text()?, input.world),
    }
}

/// Several addresses, with blanks or commas between them, or a list.
pub(crate) fn addresses(input: &Input<'_>) -> Result<Vec<SocketAddr>, Bad> {
    match input.value {
        RawValue::Int(n) => Ok(vec![parse(&n.to_string(), input.world)?]),
        RawValue::List(items) => items
            .iter()
            .map(|item| match item {
                RawValue::Text(text) => parse(strip(text), input.world),
                RawValue::Int(n) => parse(&n.to_string(), input.world),
                other => Err(Bad::new(format!("expected an address, found {}", kind_of(other)))),
            })
            .collect(),
        _ => {
            let words = input.text()?.split(|c: char| c == ',' || c.is_whitespace());
            words.filter(|w| !w.is_empty()).map(|w| parse(w, input.world)).collect()
        }
    }
}

/// The address behind `host:port`, where the machine knows it without asking a name server.
pub(crate) fn listening(text: &str, world: &dyn World) -> Option<SocketAddr> {
    parse(text, world).ok()
}

fn parse(text: &str, world: &dyn World) -> Result<SocketAddr, Bad> {
    const HINT: &str = "write host:port, :port or port";
    let (host, port) = match text.rsplit_once(':') {
        Some((_, "")) => return Err(Bad::new("no port number specified in ''").hint(HINT)),
        Some((host, port)) => (host, port_number(port).map_err(|words| Bad::new(words).hint(HINT))?),
        None => {
            let words = format!("not a valid port number: {} ", repr(text));
            ("", port_number(text).map_err(|_| Bad::new(words).hint(HINT))?)
        }
    };
    Ok(SocketAddr::new(host_address(host, world)?, port))
}

fn port_number(text: &str) -> Result<u16, String> {
    let number = big_int(text)?;
    if number < 1 {
        return Err(format!("{number} is below lower bound (1)"));
    }
    u16::try_from(number).map_err(|_| format!("{number} is above upper bound (65535)"))
}

fn host_address(host: &str, world: &dyn World) -> Result<IpAddr, Bad> {
    let host = host.to_lowercase();
    if host.is_empty() || host == "*" {
        return Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    }
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    if let Some(bare) = bare {
        return bare
            .parse::<Ipv6Addr>()
            .map(IpAddr::V6)
            .map_err(|_| Bad::new(format!("not a valid IPv6 address: {}", repr(bare))));
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(address);
    }
    let known = world.resolve_host(&host);
    known.or_else(|| (host == "localhost").then_some(IpAddr::V4(Ipv4Addr::LOCALHOST))).ok_or_else(|| {
        Bad::new(format!("unknown host {}", repr(&host)))
            .hint("write an address; of host names only those in /etc/hosts are known")
    })
}
