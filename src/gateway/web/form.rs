//! What a visitor asks of a page: the fields of the query and of a form, and the way back into a link.
//!
//! Pure. COMPAT: a field without a value counts as missing; of several with one name the first of a query and the last
//! of a form counts, and the form before the query. Not here: what the fields mean (`act`, `tail`).

use crate::gateway::http::{Request, fields};
use tiny_http::Method;

/// The fields that came.
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// The fields of the query, and of the body of a POST.
    #[must_use]
    pub fn of(request: &Request) -> Form {
        let mut all = match request.method {
            Method::Post => fields(&String::from_utf8_lossy(&request.body)),
            _ => Vec::new(),
        };
        all.reverse();
        all.extend(request.query());
        all.retain(|(_, value)| !value.is_empty());
        Form(all)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Text as a part of a link. Nothing comes out that ends an attribute, quoted or not.
/// COMPAT: what Python's `quote` leaves alone, but for the colon, which stays readable where `colon` allows it.
#[must_use]
pub fn quote(text: &str, colon: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~/".contains(&byte) || (colon && byte == b':') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::percent_decode;
    use crate::gateway::web::testing::request;

    #[test]
    fn a_form_counts_before_the_query_and_nothing_is_no_value() {
        let form = Form::of(&request("POST", "/?a=1&a=2&b=3&c=", &[], "b=4&b=5&d=x+y%21&a=&e"));
        let got = ["a", "b", "c", "d", "e"].map(|name| form.get(name));
        assert_eq!(got, [Some("1"), Some("5"), None, Some("x y!"), None]);
        let form = Form::of(&request("GET", "/?b=3", &[], "b=4"));
        assert_eq!(form.get("b"), Some("3"));
    }

    #[test]
    fn what_is_quoted_holds_nothing_that_html_minds() {
        let all: String = (0..0x250).filter_map(char::from_u32).collect();
        let quoted = quote(&all, true);
        assert!(quoted.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-~/:%".contains(&b)), "{quoted}");
        assert_eq!(percent_decode(&quoted), all);
        assert_eq!(quote("a:b/c d+\u{e9}", false), "a%3Ab/c%20d%2B%C3%A9");
    }
}
