//! A GET over TCP or a unix socket, and the little of XML-RPC that tests need. Bounded in time and size.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(8);

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// `address` is `host:port`, or the path of a unix socket.
pub fn get(address: &str, path: &str) -> std::io::Result<Answer> {
    request(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

/// Sends `raw` as it is and reads one answer.
pub fn request(address: &str, raw: &str) -> std::io::Result<Answer> {
    if address.starts_with('/') {
        let stream = UnixStream::connect(address)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        exchange(stream, raw)
    } else {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        exchange(stream, raw)
    }
}

/// Calls an XML-RPC method whose arguments are strings; the answer's XML.
pub fn rpc(address: &str, method: &str, args: &[&str]) -> std::io::Result<String> {
    let params: String =
        args.iter().map(|a| format!("<param><value><string>{a}</string></value></param>")).collect();
    let body = format!(
        "<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"
    );
    let raw = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = request(address, &raw)?;
    if answer.status != 200 {
        return Err(std::io::Error::other(format!("HTTP status {}", answer.status)));
    }
    Ok(answer.body)
}

/// A member of an XML-RPC structure, whatever its type: `member(xml, "statename")`.
#[must_use]
pub fn member(xml: &str, name: &str) -> Option<String> {
    let rest = xml.split_once(&format!("<name>{name}</name>"))?.1;
    let value = rest.split_once("<value>")?.1.split_once("</value>")?.0;
    let text = match value.split_once('>') {
        Some((_, inner)) => inner.split_once("</").map_or("", |(t, _)| t),
        None => value,
    };
    Some(text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

fn exchange(mut stream: impl Read + Write, raw: &str) -> std::io::Result<Answer> {
    stream.write_all(raw.as_bytes())?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let n = match stream.read(&mut buffer) {
            // A child of another test ended; with a time-out the kernel does not go on by itself.
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        bytes.extend_from_slice(&buffer[..n]);
        if n == 0 || complete(&bytes) {
            break;
        }
        if bytes.len() > 64 << 20 {
            return Err(std::io::Error::other("answer over 64 MiB"));
        }
    }
    parse(&bytes).ok_or_else(|| {
        std::io::Error::other(format!("not an HTTP answer: `{}`", String::from_utf8_lossy(&bytes)))
    })
}

/// Servers that keep the connection open say how long the body is.
fn complete(bytes: &[u8]) -> bool {
    let Some(answer) = parse(bytes) else { return false };
    match answer.header("content-length").and_then(|v| v.parse::<usize>().ok()) {
        Some(n) => answer.body.len() >= n,
        None => answer.header("transfer-encoding").is_some() && bytes.ends_with(b"0\r\n\r\n"),
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split_whitespace().nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|l| l.split_once(':'))
        .map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_string()))
        .collect();
    let chunked = headers.iter().any(|(n, v)| n == "transfer-encoding" && v == "chunked");
    let body = if chunked { unchunk(body) } else { body.to_string() };
    Some(Answer { status, headers, body })
}

fn unchunk(mut rest: &str) -> String {
    let mut out = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let n = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = tail.get(..n).filter(|_| n > 0) else { break };
        out.push_str(chunk);
        rest = tail.get(n + 2..).unwrap_or("");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_answer_is_put_together() {
        let raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let answer = parse(raw).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "abcde"));
    }

    #[test]
    fn members_of_a_structure_are_found_whatever_their_type() {
        let xml = "<member>\n<name>pid</name>\n<value><int>12</int></value>\n</member><member><name>e</name>\
                   <value><string>a &lt; b</string></value></member><member><name>f</name><value><string></string></value>";
        assert_eq!(member(xml, "pid").as_deref(), Some("12"));
        assert_eq!(member(xml, "e").as_deref(), Some("a < b"));
        assert_eq!(member(xml, "f").as_deref(), Some(""));
        assert_eq!(member(xml, "g"), None);
    }
}
