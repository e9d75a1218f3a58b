//! Time zones by name: from the files of the machine, or from rules that say everything themselves.
//!
//! Pure, but for questions to the `World`. COMPAT: what `TZ` may say is tzset(3)'s: a file, `:file`, or POSIX's rules.
//! Not here: what time it is, the zone of the daemon's own log lines (`sys`).

use crate::config::world::World;
use jiff::tz::TimeZone;

/// The value of a variable of our environment.
pub type Variable<'a> = dyn Fn(&str) -> Option<String> + 'a;

const FOLDER: &str = "/usr/share/zoneinfo";

/// The zone of a name such as `Europe/Berlin`, or of rules such as `CET-1CEST,M3.5.0,M10.5.0/3`.
///
/// # Errors
/// What is wrong, and a hint.
pub fn named(name: &str, variable: &Variable<'_>, world: &dyn World) -> Result<TimeZone, (String, String)> {
    let folder = variable("TZDIR").unwrap_or_else(|| FOLDER.to_owned());
    if let Some(zone) = find(name, &folder, world) {
        return Ok(zone);
    }
    let hint = if world.dir_exists(&folder) {
        "names are written as in `Europe/Berlin`, rules as in `CET-1CEST,M3.5.0,M10.5.0/3`"
    } else {
        "this image has no zone files: install tzdata, or write rules, as in `CET-1CEST,M3.5.0,M10.5.0/3`"
    };
    Err((format!("there is no time zone `{name}` in {folder}"), hint.to_owned()))
}

/// The zone in which the daemon's log lines are written: `TZ`, else /etc/localtime, else UTC.
#[must_use]
pub fn ours(variable: &Variable<'_>, world: &dyn World) -> TimeZone {
    match variable("TZ") {
        None => from_file("/etc/localtime", world).unwrap_or(TimeZone::UTC),
        Some(said) => {
            let said = said.strip_prefix(':').unwrap_or(&said);
            let folder = variable("TZDIR").unwrap_or_else(|| FOLDER.to_owned());
            find(said, &folder, world).unwrap_or(TimeZone::UTC)
        }
    }
}

fn find(name: &str, folder: &str, world: &dyn World) -> Option<TimeZone> {
    if name.is_empty() || name.split('/').any(|part| part == "..") {
        return None;
    }
    if matches!(name, "UTC" | "Etc/UTC") {
        return Some(TimeZone::UTC);
    }
    let path = if name.starts_with('/') { name.to_owned() } else { format!("{folder}/{name}") };
    from_file(&path, world).or_else(|| from_rules(name))
}

fn from_file(path: &str, world: &dyn World) -> Option<TimeZone> {
    TimeZone::tzif("", &world.read_file(path).ok()?).ok()
}

fn from_rules(said: &str) -> Option<TimeZone> {
    // libc takes the rules of the United States where only the names are given: `EST5EDT`.
    TimeZone::posix(said).or_else(|_| TimeZone::posix(&format!("{said},M3.2.0,M11.1.0"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::FakeWorld;

    #[test]
    fn a_zone_is_a_file_or_rules_and_else_an_error_with_advice() {
        let world = FakeWorld::with(&[("/usr/share/zoneinfo/Broken", "TZif2")]);
        assert_eq!(named("UTC", &|_| None, &world), Ok(TimeZone::UTC));
        let berlin = named("CET-1CEST,M3.5.0,M10.5.0/3", &|_| None, &world).expect("rules");
        assert_ne!(berlin, TimeZone::UTC);
        let read = named("Europe/Berlin", &|_| None, &world).expect("a file");
        let noon = jiff::Timestamp::from_second(1_784_116_800).expect("in range");
        assert_eq!((read.to_offset(noon), berlin.to_offset(noon).seconds()), (berlin.to_offset(noon), 7_200));
        for name in ["Middle/Town", "Broken", "", "../shadow"] {
            let (what, hint) = named(name, &|_| None, &world).expect_err("there is none");
            assert_eq!(what, format!("there is no time zone `{name}` in /usr/share/zoneinfo"));
            assert!(hint.contains("Europe/Berlin"), "{hint}");
        }
        let elsewhere = |name: &str| (name == "TZDIR").then(|| "/missing".to_owned());
        let (_, hint) = named("Europe/Berlin", &elsewhere, &world).expect_err("there is none");
        assert!(hint.contains("install tzdata"), "{hint}");
    }

    #[test]
    fn ours_is_that_of_the_log() {
        let world = FakeWorld::with(&[]);
        let zone = |tz: &str| ours(&|name| (name == "TZ").then(|| tz.to_owned()), &world);
        assert_eq!(ours(&|_| None, &world), TimeZone::UTC);
        assert_eq!(zone("No/Where"), TimeZone::UTC);
        assert_eq!(zone(":EST5EDT"), zone("EST5EDT,M3.2.0,M11.1.0"));
        assert_ne!(zone("JST-9"), TimeZone::UTC);
    }
}
