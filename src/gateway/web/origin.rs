//! Whose wish an action is: the user's, a tool's, or that of somebody else's page in the user's browser.
//!
//! Pure. Invariants: what another site links to, embeds or posts never acts; nor does what a browser fetches in advance.
//! A tool that says nothing about itself may act, as with Supervisor. Reasons and limits: `docs/adr/0009`.
//! Not here: passwords (`auth`), what an action is (`act`).

use crate::gateway::http::Request;
use std::net::{Ipv4Addr, Ipv6Addr};
use tiny_http::Method;

/// Whose wish it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A tool's, or that of the user on our page, from a bookmark or the address bar.
    Own,
    /// A browser's that does not say where it comes from: the user has to say yes.
    Unclear,
    /// Another site's page asks.
    Foreign,
    /// The page came by a name that anybody may have pointed to us (DNS rebinding).
    StrangeName,
    /// The browser guesses what the user may want next.
    Guess,
}

/// Judges a request. `guarded`: a foreign page that is taken for ours still lacks something, a password or a unix socket.
#[must_use]
pub fn judge(request: &Request, guarded: bool) -> Wish {
    let header = |name| request.header(name).filter(|v| !v.is_empty());
    if ["Sec-Purpose", "Purpose", "X-Moz"].into_iter().filter_map(header).any(|v| v.contains("prefetch")) {
        return Wish::Guess;
    }
    let site = header("Sec-Fetch-Site");
    let from = header("Origin").or_else(|| header("Referer"));
    let browser = header("User-Agent").is_some_and(|v| v.contains("Mozilla/"));
    if site.is_none() && from.is_none() && !browser {
        return Wish::Own;
    }
    let host = header("Host").unwrap_or_default();
    if !guarded && !is_ours_alone(host) {
        return Wish::StrangeName;
    }
    match (site, from) {
        (Some("same-origin" | "none"), _) => Wish::Own,
        (Some(_), _) => Wish::Foreign,
        (None, Some(from)) => {
            // A page cannot add this one to what it makes a browser send, a proxy can.
            let forwarded = header("X-Forwarded-Host").and_then(|v| v.split(',').next()).unwrap_or(host);
            let is_same = |name: &str| authority(from).is_some_and(|a| a.eq_ignore_ascii_case(name.trim()));
            if is_same(host) || is_same(forwarded) { Wish::Own } else { Wish::Foreign }
        }
        // Every browser names the origin of a form. It may keep silent about that of a link.
        (None, None) if request.method == Method::Post => Wish::Own,
        (None, None) => Wish::Unclear,
    }
}

/// `host:port` of a URL; `None` for `null` and what else is no URL.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next().filter(|a| !a.is_empty())
}

/// Whether the name in `Host` cannot be registered by a stranger: an address, a name without a dot, or one below a
/// domain that is reserved for private use.
fn is_ours_alone(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().is_some_and(|a| a.parse::<Ipv6Addr>().is_ok());
    }
    let name = host.split(':').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let private = [".localhost", ".local", ".internal", ".home.arpa"];
    !name.contains('.') || name.parse::<Ipv4Addr>().is_ok() || private.iter().any(|d| name.ends_with(d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::web::testing::request;
    use Wish::{Foreign, Guess, Own, StrangeName, Unclear};

    const BROWSER: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0";

    #[test]
    fn a_browser_that_says_where_it_comes_from_is_believed() {
        for (said, want) in [
            (&["Sec-Fetch-Site: same-origin"][..], Own),
            (&["Sec-Fetch-Site: none"], Own),
            (&["Sec-Fetch-Site: cross-site"], Foreign),
            (&["Sec-Fetch-Site: same-site"], Foreign),
            (&["Sec-Fetch-Site: whatever"], Foreign),
            (&["Sec-Fetch-Site: cross-site", "Origin: http://localhost:9001"], Foreign),
            (&["Origin: http://localhost:9001"], Own),
            (&["Origin: http://LOCALHOST:9001"], Own),
            (&["Origin: http://localhost"], Foreign),
            (&["Origin: http://localhost:90011"], Foreign),
            (&["Origin: http://evil.example"], Foreign),
            (&["Origin: http://evil.example/localhost:9001"], Foreign),
            (&["Origin: null"], Foreign),
            (&["Origin: null", "Referer: http://localhost:9001/"], Foreign),
            (&["Referer: http://localhost:9001/?message=x"], Own),
            (&["Referer: http://localhost:9001@evil.example/"], Foreign),
            (&["Referer: http://evil.example/?http://localhost:9001/"], Foreign),
            (&["Referer: about:blank"], Foreign),
            (&["Origin: https://box.example", "X-Forwarded-Host: box.example, inner"], Own),
            (&["Origin: https://evil.example", "X-Forwarded-Host: box.example"], Foreign),
            (&["Sec-Purpose: prefetch;prerender", "Sec-Fetch-Site: none"], Guess),
            (&["Purpose: prefetch"], Guess),
            (&["X-Moz: prefetch"], Guess),
        ] {
            for method in ["GET", "POST"] {
                let headers = [&["Host: localhost:9001", BROWSER], said].concat();
                assert_eq!(judge(&request(method, "/", &headers, ""), false), want, "{method} {said:?}");
            }
        }
    }

    #[test]
    fn who_says_nothing_is_a_tool_or_has_to_ask_the_user() {
        let of = |method, headers: &[&str]| judge(&request(method, "/", headers, ""), false);
        assert_eq!(of("GET", &["Host: localhost"]), Own);
        assert_eq!(of("GET", &["Host: box.example.com:9001", "User-Agent: curl/8"]), Own);
        assert_eq!(of("GET", &["Host: localhost", BROWSER]), Unclear);
        assert_eq!(of("POST", &["Host: localhost", BROWSER]), Own);
    }

    #[test]
    fn a_name_that_a_stranger_may_own_needs_a_password() {
        for (host, ours) in [
            ("localhost:9001", true),
            ("LocalHost.", true),
            ("127.0.0.1:9001", true),
            ("[::1]:9001", true),
            ("supervisor", true),
            ("a.b.localhost", true),
            ("web.shop.svc.cluster.local:9001", true),
            ("host.docker.internal", true),
            ("box.example.com", false),
            ("127.0.0.1.evil.example", false),
            ("local.evil.example.", false),
            ("[evil.example]", false),
        ] {
            let header = format!("Host: {host}");
            let headers = [header.as_str(), "Sec-Fetch-Site: same-origin"];
            let request = request("GET", "/", &headers, "");
            let want = if ours { Own } else { StrangeName };
            assert_eq!(judge(&request, false), want, "{host}");
            assert_eq!(judge(&request, true), Own, "{host}");
        }
    }
}
