//! Basic authentication, as supervisord does it, but in constant time.
//!
//! Pure. Invariant: how long a comparison takes does not depend on where two passwords differ.
//! COMPAT: a stored password may be `{SHA}` and the lower-case hex SHA-1 of the real one; passwords may hold colons.
//! Not here: which listeners ask for it (`route`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use std::hint::black_box;

/// What the credentials of a request are worth.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Welcome,
    /// None, wrong ones, or another scheme.
    Unauthorized,
    /// Not what the scheme looks like.
    Malformed,
}

/// Compares an `Authorization` header with the stored user name and password.
#[must_use]
pub fn check(header: Option<&str>, stored: &(String, String)) -> Verdict {
    let Some((scheme, token)) = header.and_then(|h| h.trim().split_once(' ')) else {
        return Verdict::Unauthorized;
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Verdict::Unauthorized;
    }
    let Ok(bytes) = STANDARD.decode(token.trim()) else { return Verdict::Malformed };
    let Some(colon) = bytes.iter().position(|b| *b == b':') else { return Verdict::Unauthorized };
    let (user, password) = (&bytes[..colon], &bytes[colon + 1..]);
    let user_fits = is_equal(user, stored.0.as_bytes());
    let password_fits = match stored.1.strip_prefix("{SHA}") {
        Some(digest) => is_equal(hex(&Sha1::digest(password)).as_bytes(), digest.as_bytes()),
        None => is_equal(password, stored.1.as_bytes()),
    };
    // Both are always compared: a wrong name takes as long as a wrong password.
    if user_fits & password_fits { Verdict::Welcome } else { Verdict::Unauthorized }
}

/// Compares digests, which have one length and tell nothing about the texts.
fn is_equal(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (Sha1::digest(a), Sha1::digest(b));
    let difference = a.iter().zip(b.iter()).fold(0u8, |acc, (x, y)| black_box(acc | (x ^ y)));
    difference == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(credentials: &str, user: &str, password: &str) -> Verdict {
        let header = format!("Basic {}", STANDARD.encode(credentials));
        check(Some(&header), &(user.to_owned(), password.to_owned()))
    }

    #[test]
    fn plain_and_hashed_passwords_are_compared() {
        let sha = "{SHA}5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8";
        for (credentials, stored, want) in [
            ("u:password", "password", Verdict::Welcome),
            ("u:password", sha, Verdict::Welcome),
            ("u:Password", sha, Verdict::Unauthorized),
            ("u:Password", "password", Verdict::Unauthorized),
            ("u:", "password", Verdict::Unauthorized),
            ("v:password", "password", Verdict::Unauthorized),
            ("u", "password", Verdict::Unauthorized),
            ("u:a:b", "a:b", Verdict::Welcome),
            ("u:password", "{SHA}5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8", Verdict::Unauthorized),
        ] {
            assert_eq!(verdict(credentials, "u", stored), want, "{credentials} against {stored}");
        }
    }

    #[test]
    fn other_schemes_and_garbage_are_no_credentials() {
        let stored = ("u".to_owned(), "p".to_owned());
        assert_eq!(check(None, &stored), Verdict::Unauthorized);
        assert_eq!(check(Some("Bearer dTpw"), &stored), Verdict::Unauthorized);
        assert_eq!(check(Some("Basic"), &stored), Verdict::Unauthorized);
        assert_eq!(check(Some("Basic %%%"), &stored), Verdict::Malformed);
        assert_eq!(check(Some("bAsIc dTpw"), &stored), Verdict::Welcome);
    }
}
