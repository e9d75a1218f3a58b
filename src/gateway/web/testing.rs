//! Requests for the tests of this folder.

use crate::gateway::http::Request;
use std::str::FromStr;
use tiny_http::{HTTPVersion, Header, Method};

pub(crate) fn request(method: &str, target: &str, headers: &[&str], body: &str) -> Request {
    Request {
        method: Method::from_str(method).expect("method"),
        target: target.to_owned(),
        version: HTTPVersion(1, 1),
        headers: headers.iter().map(|h| Header::from_str(h).expect("header")).collect(),
        body: body.as_bytes().to_vec(),
    }
}
