//! Where a server is, and what it wants to hear first.
//!
//! Pure. COMPAT: `http://` without a port means 80. Not here: connecting (`client`), finding (`discover`).

use std::fmt;
use std::path::PathBuf;

/// One server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerAddress {
    pub place: Place,
    pub username: Option<String>,
    pub password: Option<String>,
    /// How somebody wrote it down; shown in messages.
    pub(crate) written: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    Unix(PathBuf),
    Tcp { host: String, port: u16 },
}

/// Why a text is no address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BadUrl {
    NotUrl(String),
    /// A scheme we do not speak.
    Protocol(String),
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadUrl::NotUrl(url) => write!(f, "value '{url}' is not a URL"),
            BadUrl::Protocol(scheme) => {
                write!(f, "unknown protocol `{scheme}`: it must be http:// or unix://")
            }
        }
    }
}

impl std::error::Error for BadUrl {}

impl ServerAddress {
    /// A unix socket without a password.
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> ServerAddress {
        ServerAddress::at(Place::Unix(path.into()))
    }

    /// A TCP port without a password.
    #[must_use]
    pub fn tcp(host: &str, port: u16) -> ServerAddress {
        ServerAddress::at(Place::Tcp { host: host.to_owned(), port })
    }

    fn at(place: Place) -> ServerAddress {
        ServerAddress { place, username: None, password: None, written: None }
    }

    /// Reads `unix:///path` or `http://host:port`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(url: &str) -> Result<ServerAddress, BadUrl> {
        let (mut address, _) = ServerAddress::parse_with_path(url)?;
        // COMPAT: shown as it was written, a slash at the end included. A password has no place in a message.
        address.written = (!url.contains('@')).then(|| url.to_owned());
        Ok(address)
    }

    /// The same, with the path of an `http://` address, `/` included; empty where there is none.
    ///
    /// # Errors
    /// When it is no such address.
    pub fn parse_with_path(url: &str) -> Result<(ServerAddress, String), BadUrl> {
        let not_url = || BadUrl::NotUrl(url.to_owned());
        if let Some(path) = url.strip_prefix("unix://") {
            return if path.is_empty() {
                Err(not_url())
            } else {
                Ok((ServerAddress::unix(path), String::new()))
            };
        }
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(match url.split_once("://") {
                Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() => {
                    BadUrl::Protocol(scheme.to_owned())
                }
                _ => not_url(),
            });
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // COMPAT: user and password inside the address are not used.
        let authority = authority.rsplit_once('@').map_or(authority, |(_, a)| a);
        let (host, port) = split_port(authority, 80).ok_or_else(not_url)?;
        Ok((ServerAddress::tcp(&host, port), path.to_owned()))
    }

    /// Reads what a server is told to listen on: `*:9001`, `:9001`, `9001`, `127.0.0.1:9001`, `[::]:9001`.
    /// Gives where a client on the same machine reaches it.
    #[must_use]
    pub fn of_listener(listen: &str) -> Option<ServerAddress> {
        let listen = listen.trim();
        let (host, port) = match listen.parse::<u16>() {
            Ok(port) => (String::new(), port),
            Err(_) => split_port(listen, 0).filter(|(_, port)| *port != 0)?,
        };
        let host = match host.as_str() {
            "" | "*" | "0.0.0.0" => "127.0.0.1",
            "::" => "::1",
            other => other,
        };
        Some(ServerAddress::tcp(host, port))
    }
}

/// `host:port`, `[v6]:port`, `host`; an empty host only with a port.
fn split_port(text: &str, default: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok()?,
        None if host.is_empty() => return None,
        None => default,
    };
    Some((host.to_owned(), port))
}

/// As supervisorctl shows it.
impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(written) = &self.written {
            return f.write_str(written);
        }
        match &self.place {
            Place::Unix(path) => write!(f, "unix://{}", path.display()),
            Place::Tcp { host, port } if host.contains(':') => write!(f, "http://[{host}]:{port}"),
            Place::Tcp { host, port } => write!(f, "http://{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        for (url, shown) in [
            ("unix:///run/a.sock", "unix:///run/a.sock"),
            ("http://localhost:9001", "http://localhost:9001"),
            ("http://localhost:9001/", "http://localhost:9001/"),
            ("http://localhost", "http://localhost"),
            ("http://u:p@example", "http://example:80"),
            ("http://u:p@[::1]:9001/RPC2", "http://[::1]:9001"),
        ] {
            assert_eq!(ServerAddress::parse(url).map(|a| a.to_string()), Ok(shown.to_owned()));
        }
        for url in ["", "foo", "unix://", "http://", "http://:x", "://x", "http://a:99999"] {
            assert_eq!(ServerAddress::parse(url), Err(BadUrl::NotUrl(url.to_owned())));
        }
        assert_eq!(ServerAddress::parse("ftp://x"), Err(BadUrl::Protocol("ftp".to_owned())));
    }

    #[test]
    fn what_a_server_listens_on_is_turned_into_what_a_client_connects_to() {
        for (listen, want) in [
            ("9100", Some("http://127.0.0.1:9100")),
            (":9100", Some("http://127.0.0.1:9100")),
            ("*:9100", Some("http://127.0.0.1:9100")),
            ("0.0.0.0:9100", Some("http://127.0.0.1:9100")),
            ("[::]:9100", Some("http://[::1]:9100")),
            ("10.0.0.1:9100", Some("http://10.0.0.1:9100")),
            ("localhost", None),
            ("x:y", None),
        ] {
            let got = ServerAddress::of_listener(listen).map(|a| a.to_string());
            assert_eq!(got.as_deref(), want, "{listen}");
        }
    }
}
