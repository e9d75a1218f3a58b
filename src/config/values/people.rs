//! Users and groups: names and numbers become ids when the configuration is read, never later.
//!
//! Asks the `World`. COMPAT: Supervisor refuses a number that the user database does not know; TOML and environment
//! take it, because containers run as numbers that nobody wrote down.

use super::{Bad, Input};
use crate::config::model::UserRef;
use crate::config::python::int;
use crate::config::raw::RawValue;
use crate::config::world::World;

/// "Leave it as it is", for `chown(2)`.
pub(crate) const UNCHANGED: u32 = u32::MAX;

/// The value of `user`: a name or a number, in TOML and environment also `user:group`.
pub(crate) fn user(input: &Input<'_>) -> Result<UserRef, Bad> {
    if let (RawValue::Int(n), false) = (input.value, input.is_ini()) {
        return unlisted(&n.to_string(), &n.to_string(), None, input.world);
    }
    let text = input.text()?;
    if input.is_ini() {
        return known_user(text, input.world);
    }
    match text.split_once(':') {
        Some((user, group)) => unlisted(text, user, Some(group), input.world),
        None => unlisted(text, text, None, input.world),
    }
}

/// A user that the database knows.
pub(crate) fn known_user(text: &str, world: &dyn World) -> Result<UserRef, Bad> {
    let hint = "only users of /etc/passwd are known";
    let record = match int(text) {
        Ok(number) => u32::try_from(number)
            .ok()
            .and_then(|uid| world.user_by_id(uid))
            .ok_or_else(|| Bad::new(format!("Invalid user id {text}")).hint(hint))?,
        Err(_) => world
            .user_by_name(text)
            .ok_or_else(|| Bad::new(format!("Invalid user name {text}")).hint(hint))?,
    };
    let groups = groups_of(record.gid, Some(&record.name), world);
    Ok(UserRef { text: text.to_owned(), uid: record.uid, gid: record.gid, groups })
}

/// A user whose number need not be listed; its group is then the same number.
fn unlisted(text: &str, user: &str, group: Option<&str>, world: &dyn World) -> Result<UserRef, Bad> {
    let listed = known_user(user, world);
    let group = group.map(|g| group_id(g, world, true)).transpose()?;
    match (listed, int(user).ok().and_then(|n| u32::try_from(n).ok()).filter(|n| *n != UNCHANGED)) {
        (Ok(listed), _) => match group {
            Some(gid) => Ok(UserRef { text: text.to_owned(), gid, groups: vec![gid], ..listed }),
            None => Ok(UserRef { text: text.to_owned(), ..listed }),
        },
        (Err(_), Some(uid)) => {
            let gid = group.unwrap_or(uid);
            Ok(UserRef { text: text.to_owned(), uid, gid, groups: vec![gid] })
        }
        (Err(bad), None) => Err(bad),
    }
}

/// Primary group first, then every group that lists the user.
fn groups_of(primary: u32, name: Option<&str>, world: &dyn World) -> Vec<u32> {
    let mut groups = vec![primary];
    for gid in name.map(|n| world.supplementary_groups(n)).unwrap_or_default() {
        if !groups.contains(&gid) {
            groups.push(gid);
        }
    }
    groups
}

/// `user` or `user:group` for a socket; what is left out stays [`UNCHANGED`].
pub(crate) fn owner(input: &Input<'_>) -> Result<(u32, u32), Bad> {
    let text = input.text()?;
    let (user, group) = text.split_once(':').map_or((text, None), |(u, g)| (u, Some(g)));
    let bad = |_| {
        Bad::new(format!("Invalid user:group definition {text}"))
            .hint("only users of /etc/passwd and groups of /etc/group are known")
    };
    let listed = known_user(user, input.world).map(|u| u.uid);
    let number =
        int(user).ok().and_then(|n| u32::try_from(n).ok()).filter(|n| !input.is_ini() && *n != UNCHANGED);
    let uid = listed.or_else(|why| number.ok_or(why)).map_err(bad)?;
    let gid = group.map_or(Ok(UNCHANGED), |g| group_id(g, input.world, !input.is_ini())).map_err(bad)?;
    Ok((uid, gid))
}

fn group_id(text: &str, world: &dyn World, unlisted: bool) -> Result<u32, Bad> {
    match int(text) {
        Ok(number) => u32::try_from(number)
            .ok()
            .filter(|gid| *gid != UNCHANGED && (unlisted || world.group_id_exists(*gid)))
            .ok_or_else(|| Bad::new(format!("Invalid group id {text}"))),
        Err(_) => world.group_by_name(text).ok_or_else(|| Bad::new(format!("Invalid group name {text}"))),
    }
}
