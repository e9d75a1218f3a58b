//! Limits and rights: resource limits, capabilities, groups, input and output priority.
//!
//! Asks the `World` for groups. Invariant: a name that leaves here is one that the kernel knows. Not here: setting any
//! of them (`spawn`, `sys`).

use super::words::{number, unknown, word, words};
use super::{Bad, Input, quantity};
use crate::config::model::{Dialect, IoClass, IoPriority};
use crate::config::raw::RawValue;
use crate::types::CAPABILITIES;

/// `soft[:hard]`; `u64::MAX` is unlimited.
pub(crate) fn rlimit(input: &Input<'_>) -> Result<(u64, u64), Bad> {
    let text = word(input)?;
    let (soft, hard) = text.split_once(':').unwrap_or((&text, &text));
    let one = |text: &str| {
        amount(text.trim(), input).ok_or_else(|| {
            Bad::new(format!("not a limit: `{}`", text.trim()))
                .hint("write `soft` or `soft:hard`: numbers, sizes such as 64MB, or unlimited")
        })
    };
    let (soft, hard) = (one(soft)?, one(hard)?);
    if soft > hard {
        return Err(Bad::new("the soft limit is above the hard one").hint("write the smaller number first"));
    }
    Ok((soft, hard))
}

fn amount(text: &str, input: &Input<'_>) -> Option<u64> {
    if ["unlimited", "infinity", "-1"].contains(&text.to_lowercase().as_str()) {
        return Some(u64::MAX);
    }
    let value = RawValue::Text(text.to_owned());
    let size = quantity::signed_size(&Input { value: &value, dialect: Dialect::Toml, ..*input }).ok()?;
    u64::try_from(size).ok()
}

/// As it is written.
pub(crate) fn shown_rlimit(soft: u64, hard: u64) -> String {
    let one = |n: u64| if n == u64::MAX { "unlimited".to_owned() } else { n.to_string() };
    if soft == hard { one(soft) } else { format!("{}:{}", one(soft), one(hard)) }
}

/// Names, with or without `CAP_`; `all` and `none` are known too.
pub(crate) fn capabilities(input: &Input<'_>) -> Result<Vec<String>, Bad> {
    let mut all: Vec<String> = Vec::new();
    for text in words(input)? {
        let lower = text.to_lowercase();
        let name = lower.strip_prefix("cap_").unwrap_or(&lower);
        match name {
            "none" => {}
            "all" => CAPABILITIES.iter().for_each(|c| add(&mut all, c)),
            name if CAPABILITIES.contains(&name) => add(&mut all, name),
            name => return Err(unknown(name, CAPABILITIES.iter().copied().chain(["all", "none"]))),
        }
    }
    Ok(all)
}

fn add(all: &mut Vec<String>, name: &str) {
    if !all.iter().any(|known| known == name) {
        all.push(name.to_owned());
    }
}

/// As they are written: `all` and `none` stand for what they are.
pub(crate) fn shown_capabilities(names: &[String]) -> Vec<String> {
    match names.len() {
        0 => vec!["none".to_owned()],
        n if n == CAPABILITIES.len() => vec!["all".to_owned()],
        _ => names.to_vec(),
    }
}

/// Supplementary groups, by name or number; `none` is no group at all.
pub(crate) fn groups(input: &Input<'_>) -> Result<Vec<u32>, Bad> {
    let mut all = Vec::new();
    for text in words(input)? {
        if text.eq_ignore_ascii_case("none") {
            continue;
        }
        let gid = text
            .parse::<u32>()
            .ok()
            .filter(|gid| *gid != u32::MAX)
            .or_else(|| input.world.group_by_name(&text));
        let gid = gid.ok_or_else(|| {
            Bad::new(format!("there is no group `{text}`")).hint("write a group of /etc/group, or its number")
        })?;
        if !all.contains(&gid) {
            all.push(gid);
        }
    }
    Ok(all)
}

/// `best-effort:4`, `realtime:0` or `idle`.
pub(crate) fn ionice(input: &Input<'_>) -> Result<IoPriority, Bad> {
    let text = word(input)?;
    let (name, level) =
        text.split_once(':').map_or((text.as_str(), None), |(n, l)| (n.trim(), Some(l.trim())));
    let class = match name.to_lowercase().as_str() {
        "best-effort" => IoClass::BestEffort,
        "realtime" => IoClass::Realtime,
        "idle" => IoClass::Idle,
        _ => return Err(unknown(name, ["best-effort", "realtime", "idle"].into_iter())),
    };
    let level = match (class, level) {
        (IoClass::Idle, Some(_)) => return Err(Bad::new("`idle` has no levels").hint("write `idle` alone")),
        (IoClass::Idle, None) => 0,
        (_, None) => 4,
        (_, Some(text)) => {
            let value = RawValue::Text(text.to_owned());
            u8::try_from(number(&Input { value: &value, ..*input }, 0, 7)?).unwrap_or(7)
        }
    };
    Ok(IoPriority { class, level })
}

/// As it is written.
pub(crate) fn shown_ionice(priority: IoPriority) -> String {
    match priority.class {
        IoClass::Idle => "idle".to_owned(),
        IoClass::BestEffort => format!("best-effort:{}", priority.level),
        IoClass::Realtime => format!("realtime:{}", priority.level),
    }
}

/// Bytes, more than none.
pub(crate) fn memory(input: &Input<'_>) -> Result<u64, Bad> {
    let size = quantity::signed_size(&Input { dialect: Dialect::Toml, ..*input })?;
    u64::try_from(size)
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| Bad::new("not a size").hint("write a size such as 256MB"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::FakeWorld;

    fn read<T>(text: &str, convert: fn(&Input<'_>) -> Result<T, Bad>) -> Result<T, Bad> {
        let value = RawValue::Text(text.into());
        convert(&Input {
            value: &value,
            dialect: Dialect::Ini,
            line: "",
            create_directories: false,
            world: &FakeWorld::default(),
        })
    }

    #[test]
    fn limits_are_one_or_two_numbers() {
        for (text, want) in [
            ("1024", Some((1024, 1024))),
            ("1024:4096", Some((1024, 4096))),
            ("64k : unlimited", Some((65536, u64::MAX))),
            ("-1", Some((u64::MAX, u64::MAX))),
            ("2:1", None),
            ("-2", None),
            ("x", None),
        ] {
            assert_eq!(read(text, rlimit).ok(), want, "{text}");
        }
        assert_eq!(shown_rlimit(1, u64::MAX), "1:unlimited");
    }

    #[test]
    fn capabilities_are_known_by_name() {
        assert_eq!(
            read("CAP_CHOWN, net_raw chown", capabilities).ok(),
            Some(vec!["chown".to_owned(), "net_raw".to_owned()])
        );
        assert_eq!(read("all", capabilities).map(|a| shown_capabilities(&a)), Ok(vec!["all".to_owned()]));
        assert_eq!(read("none", capabilities), Ok(vec![]));
        assert_eq!(
            read("net_bind_servce", capabilities).unwrap_err().hint.as_deref(),
            Some("did you mean `net_bind_service`?")
        );
    }

    #[test]
    fn groups_and_priorities_are_resolved() {
        assert_eq!(read("www, 7, www", groups), Ok(vec![33, 7]));
        assert!(read("ghost", groups).is_err());
        assert_eq!(read("idle", ionice).map(shown_ionice).ok().as_deref(), Some("idle"));
        assert_eq!(read("realtime:0", ionice).map(shown_ionice).ok().as_deref(), Some("realtime:0"));
        assert!(read("idle:1", ionice).is_err() && read("best-effort:8", ionice).is_err());
    }
}
