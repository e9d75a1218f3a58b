//! The texts of `/etc/passwd`, `/etc/group` and `/etc/hosts`: who is who on this machine.
//!
//! Pure. A static binary cannot ask the C library's name service, so these files are all we know.
//! Invariants: broken lines are passed over, as the C library does; user 0 (`root`) is always known.
//! Not here: reading the files (`cli::world`).

use std::net::IpAddr;

use crate::config::world::UserRecord;

/// The users of a passwd file, in its order; `root` is added where it is missing.
#[must_use]
pub fn parse_users(text: &str) -> Vec<UserRecord> {
    let mut users: Vec<UserRecord> = text.lines().filter_map(parse_user).collect();
    if !users.iter().any(|u| u.uid == 0) {
        users.push(UserRecord { name: "root".into(), uid: 0, gid: 0, home: "/root".into() });
    }
    users
}

fn parse_user(line: &str) -> Option<UserRecord> {
    let fields: Vec<&str> = line.trim_end().split(':').collect();
    let [name, _, uid, gid, _, home, ..] = fields[..] else { return None };
    if name.is_empty() {
        return None;
    }
    Some(UserRecord {
        name: name.to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home: home.to_owned(),
    })
}

/// A line of the group database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupRecord {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// The groups of a group file, in its order; `root` is added where number 0 is missing.
#[must_use]
pub fn parse_groups(text: &str) -> Vec<GroupRecord> {
    let mut groups: Vec<GroupRecord> = text.lines().filter_map(parse_group).collect();
    if !groups.iter().any(|g| g.gid == 0) {
        groups.push(GroupRecord { name: "root".into(), gid: 0, members: Vec::new() });
    }
    groups
}

fn parse_group(line: &str) -> Option<GroupRecord> {
    let fields: Vec<&str> = line.trim_end().split(':').collect();
    let [name, _, gid, ref rest @ ..] = fields[..] else { return None };
    if name.is_empty() {
        return None;
    }
    let members = rest.first().copied().unwrap_or("").split(',').filter(|m| !m.is_empty()).map(str::to_owned);
    Some(GroupRecord { name: name.to_owned(), gid: gid.parse().ok()?, members: members.collect() })
}

/// The address of `name` in a hosts file; an IPv4 address is preferred, as Supervisor only knows those.
#[must_use]
pub fn find_host(text: &str, name: &str) -> Option<IpAddr> {
    let mut found = None;
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or("").split_whitespace();
        let Some(address) = words.next().and_then(|w| w.parse::<IpAddr>().ok()) else { continue };
        if words.any(|w| w.eq_ignore_ascii_case(name)) {
            if address.is_ipv4() {
                return Some(address);
            }
            found = found.or(Some(address));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_and_broken_lines_are_passed_over() {
        let users =
            parse_users("root:x:0:0:root:/root:/bin/sh\n\n# no\nx:y\napp:x:1000:1001::/home/app:/bin/sh\n");
        assert_eq!(users.len(), 2);
        assert_eq!(
            users[1],
            UserRecord { name: "app".into(), uid: 1000, gid: 1001, home: "/home/app".into() }
        );
    }

    #[test]
    fn without_a_file_root_is_known_and_nobody_else() {
        assert_eq!(parse_users("").iter().map(|u| u.uid).collect::<Vec<_>>(), [0]);
        assert_eq!(parse_groups("")[0].gid, 0);
    }

    #[test]
    fn groups_have_members() {
        let groups = parse_groups("root:x:0:\nwww:x:33:app,bob\nlone:x:7\n");
        assert_eq!(groups[1].members, ["app", "bob"]);
        assert_eq!(groups[2], GroupRecord { name: "lone".into(), gid: 7, members: vec![] });
    }

    #[test]
    fn hosts_prefer_ipv4_and_ignore_comments() {
        let text = "::1 localhost ip6-localhost # x\n127.0.0.1 localhost\n10.0.0.5 db DB.local # web\n";
        assert_eq!(find_host(text, "localhost"), Some("127.0.0.1".parse().unwrap()));
        assert_eq!(find_host(text, "ip6-localhost"), Some("::1".parse().unwrap()));
        assert_eq!(find_host(text, "db.local"), Some("10.0.0.5".parse().unwrap()));
        assert_eq!(find_host(text, "web"), None);
    }
}
