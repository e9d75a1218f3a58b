//! Addresses of a host name: `/etc/hosts`, then the name servers of `/etc/resolv.conf`.
//!
//! Does I/O: reads two files, sends datagrams. Why not the C library's `getaddrinfo`: linked static it loads shared
//! objects at run time, which an image FROM scratch does not have, and it is 130 KB of a small binary.
//! Invariants: silence ends a lookup within its time; an answer counts only with our number and our question in it.
//! Not here: names in a configuration, which only `/etc/hosts` knows (`config::passwd`).

mod message;

use crate::config::passwd::find_host;
use message::{Answer, RecordType};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// BOUND: datagrams from a name server that do not answer the question.
const STRAY_ANSWERS: usize = 8;

/// BOUND: how often every name server is asked.
const ROUNDS: usize = 2;

/// BOUND: name servers and search domains, as in the C library.
const MOST_SERVERS: usize = 3;
const MOST_DOMAINS: usize = 6;

/// Looks a name up. An address stands for itself; `localhost` needs nobody.
///
/// # Errors
/// `AddrNotAvailable`: nobody knows the name (`NotFound` would be a missing socket), the text says where it was looked for. `TimedOut`: no name server answered.
pub(crate) fn addresses_of(host: &str, patience: Duration) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![address]);
    }
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    if let Some(address) = find_host(&text("/etc/hosts"), host) {
        return Ok(vec![address]);
    }
    Resolver::parse(&text("/etc/resolv.conf")).lookup(host, patience)
}

/// What `/etc/resolv.conf` says.
#[derive(Debug, PartialEq)]
struct Resolver {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    /// A name with fewer dots is tried within the search domains first.
    ndots: usize,
}

impl Resolver {
    fn parse(text: &str) -> Resolver {
        let mut found = Resolver { servers: Vec::new(), search: Vec::new(), ndots: 1 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let ip = words.next().and_then(|w| w.parse::<IpAddr>().ok());
                    found.servers.extend(ip.map(|ip| SocketAddr::new(ip, 53)));
                }
                Some("search" | "domain") => {
                    found.search = words.take(MOST_DOMAINS).map(str::to_owned).collect();
                }
                Some("options") => {
                    let ndots = words.rev().find_map(|w| w.strip_prefix("ndots:")?.parse().ok());
                    found.ndots = ndots.unwrap_or(found.ndots);
                }
                _ => {}
            }
        }
        if found.servers.is_empty() {
            // resolv.conf(5): without a server the one on this machine is asked.
            found.servers.push((Ipv4Addr::LOCALHOST, 53).into());
        }
        found.servers.truncate(MOST_SERVERS);
        found
    }

    /// The full names that are tried for a name, in order.
    fn candidates(&self, host: &str) -> Vec<String> {
        if let Some(full) = host.strip_suffix('.') {
            return vec![full.to_owned()];
        }
        let within = self.search.iter().map(|domain| format!("{host}.{}", domain.trim_end_matches('.')));
        let mut names: Vec<String> = within.collect();
        let dots = host.matches('.').count();
        names.insert(if dots >= self.ndots { 0 } else { names.len() }, host.to_owned());
        names
    }

    /// `patience` is for one question to all servers together.
    fn lookup(&self, host: &str, patience: Duration) -> io::Result<Vec<IpAddr>> {
        for name in self.candidates(host) {
            // Where nobody answers about one form of the name nobody will about the others.
            let mut addresses = self.ask(&name, RecordType::A, patience)?;
            addresses.extend(self.ask(&name, RecordType::Aaaa, patience).unwrap_or_default());
            if !addresses.is_empty() {
                return Ok(addresses);
            }
        }
        let words =
            format!("nobody knows the host `{host}` (/etc/hosts, and the servers of /etc/resolv.conf)");
        Err(io::Error::new(io::ErrorKind::AddrNotAvailable, words))
    }

    /// Asks the servers in turn, until one says something about the name.
    fn ask(&self, name: &str, kind: RecordType, patience: Duration) -> io::Result<Vec<IpAddr>> {
        let number = (RandomState::new().build_hasher().finish() & 0xffff) as u16;
        let Some(question) = message::question(number, name, kind) else { return Ok(Vec::new()) };
        let tries = self.servers.len() * ROUNDS;
        let share = patience / u32::try_from(tries).unwrap_or(u32::MAX).max(1);
        let mut trouble = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for server in self.servers.iter().cycle().take(tries) {
            trouble = match exchange(*server, &question, share) {
                Ok(Answer::Addresses(found)) => return Ok(found),
                Ok(Answer::Refused) => io::Error::other(format!("name server {server} cannot answer")),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    io::Error::new(io::ErrorKind::TimedOut, format!("name server {server} does not answer"))
                }
                Err(e) => io::Error::new(e.kind(), format!("name server {server}: {e}")),
            };
        }
        Err(trouble)
    }
}

/// One question, one answer. What does not belong to the question is passed over.
fn exchange(server: SocketAddr, question: &[u8], patience: Duration) -> io::Result<Answer> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    // Connected, so that nobody else's datagram arrives here, and a closed port is told at once.
    socket.connect(server)?;
    socket.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
    socket.send(question)?;
    let mut buffer = [0; 2048];
    for _ in 0..STRAY_ANSWERS {
        let n = socket.recv(&mut buffer)?;
        if let Some(answer) = message::answer(buffer.get(..n).unwrap_or_default(), question) {
            return Ok(answer);
        }
    }
    Err(io::Error::other("its answers do not belong to the question"))
}

#[cfg(test)]
mod tests;
