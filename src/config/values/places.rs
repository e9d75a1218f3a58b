//! Where a check knocks: an http URL, a TCP address, a descriptor.
//!
//! Pure. Invariant: what is left out is filled in, so that the model holds `http://host:port/path` and `host:port`; a
//! host is not looked up here, because it may have another address tomorrow.

use super::words::{number, word};
use super::{Bad, Input};

/// `http://host:port/path`; `:8080/path` and `8080/path` are on this machine.
pub(crate) fn http_url(input: &Input<'_>) -> Result<String, Bad> {
    let text = word(input)?;
    let bad = |why: &str| {
        Bad::new(format!("not a URL that can be checked: {why}"))
            .hint("write http://host:port/path, or :8080/path for this machine")
    };
    if text.starts_with("https://") {
        let hint = "check the plain port, or use an `exec` check with a client that knows TLS";
        return Err(Bad::new("https is not known to checks").hint(hint));
    }
    let (has_scheme, rest) = text.strip_prefix("http://").map_or((false, text.as_str()), |rest| (true, rest));
    if rest.contains("://") {
        return Err(bad("only http is known"));
    }
    if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(bad("there is a blank in it"));
    }
    let (place, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let authority = match (host_and_port(place), has_scheme) {
        (Some(authority), _) => authority,
        // A port is left out where a scheme says which.
        (None, true) => Some(place)
            .filter(|place| !place.is_empty())
            .and_then(|place| host_and_port(&format!("{place}:80")))
            .ok_or_else(|| bad("host or port is wrong"))?,
        (None, false) => return Err(bad("host or port is wrong")),
    };
    Ok(format!("http://{authority}{path}"))
}

/// `host:port`; `:port` and `port` are on this machine.
pub(crate) fn tcp_place(input: &Input<'_>) -> Result<String, Bad> {
    let text = word(input)?;
    host_and_port(&text).ok_or_else(|| {
        Bad::new(format!("not an address: `{text}`"))
            .hint("write host:port, or a port from 1 to 65535 for this machine")
    })
}

/// A descriptor that nobody else uses.
pub(crate) fn descriptor(input: &Input<'_>) -> Result<i32, Bad> {
    number(input, 3, 63).map(|n| i32::try_from(n).unwrap_or(3))
}

fn host_and_port(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let port = port.parse::<u16>().ok().filter(|p| *p > 0 && port.bytes().all(|b| b.is_ascii_digit()))?;
    let is_name = |h: &str| h.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    let is_v6 = |h: &str| {
        h.strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .is_some_and(|h| h.parse::<std::net::Ipv6Addr>().is_ok())
    };
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    (is_name(host) || is_v6(host)).then(|| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Dialect;
    use crate::config::raw::RawValue;
    use crate::config::testing::FakeWorld;

    fn read<T>(text: &str, convert: fn(&Input<'_>) -> Result<T, Bad>) -> Option<T> {
        let value = RawValue::Text(text.into());
        convert(&Input {
            value: &value,
            dialect: Dialect::Ini,
            line: "",
            create_directories: false,
            world: &FakeWorld::default(),
        })
        .ok()
    }

    #[test]
    fn urls_are_filled_in() {
        for (text, want) in [
            ("http://web:8080/healthz?x=1", Some("http://web:8080/healthz?x=1")),
            ("http://web/h", Some("http://web:80/h")),
            ("http://web", Some("http://web:80/")),
            (":8080/h", Some("http://127.0.0.1:8080/h")),
            ("8080/h", Some("http://127.0.0.1:8080/h")),
            ("8080", Some("http://127.0.0.1:8080/")),
            ("http://[::1]:80/", Some("http://[::1]:80/")),
            ("https://web/", None),
            ("/h", None),
            ("http://", None),
            ("http://a:b@c/", None),
            (":8080/a b", None),
            (":0/", None),
            (":99999/", None),
        ] {
            assert_eq!(read(text, http_url).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn addresses_and_descriptors_are_filled_in() {
        assert_eq!(read("db:5432", tcp_place).as_deref(), Some("db:5432"));
        assert_eq!(read("5432", tcp_place).as_deref(), Some("127.0.0.1:5432"));
        assert_eq!(read("db", tcp_place), None);
        assert_eq!(
            [read("3", descriptor), read("63", descriptor), read("2", descriptor), read("64", descriptor)],
            [Some(3), Some(63), None, None]
        );
    }
}
