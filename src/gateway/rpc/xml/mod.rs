//! XML-RPC's XML: reads calls and responses, writes them in the layout of Python's `xmlrpc.client`.
//!
//! Sans-IO: text in, values out. Invariants: nesting is bounded, only the five predefined entities and character
//! references are expanded, a document type is refused; what is written is well-formed whatever the text, because
//! characters that XML 1.0 does not have are replaced (supervisord sends them raw and breaks its clients).
//! Not here: what methods there are (`table`), bounds on size (`gateway::http`).

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{Call, Malformed, Response, read_call, read_response};
pub use write::{call, fault, response};

/// XML 1.0, production 2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
