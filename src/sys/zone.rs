//! The time zone we live in: TZ, else /etc/localtime, else UTC. Read once, as libc does.
//!
//! Reads at most one file. COMPAT: what TZ may say is tzset(3)'s: a file, `:file`, or POSIX's rules. Leap seconds of
//! `right/` zones are not counted. Not here: which time it is (`clock`).

use crate::sys::files::open_regular;
use jiff::tz::TimeZone;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// BOUND: the largest zone has 4 KB.
const MAX_BYTES: u64 = 256 * 1024;

/// The zone of this process, found out when it is first asked for.
pub(super) fn ours() -> &'static TimeZone {
    static OURS: OnceLock<TimeZone> = OnceLock::new();
    OURS.get_or_init(|| find(std::env::var_os("TZ").as_deref(), std::env::var_os("TZDIR").as_deref()))
}

fn find(tz: Option<&OsStr>, folder: Option<&OsStr>) -> TimeZone {
    let Some(tz) = tz else {
        return from_file(Path::new("/etc/localtime")).unwrap_or(TimeZone::UTC);
    };
    let tz = tz.to_string_lossy();
    let said = tz.strip_prefix(':').unwrap_or(&tz);
    if said.is_empty() {
        return TimeZone::UTC;
    }
    // An absolute path stays one.
    let file = PathBuf::from(folder.unwrap_or(OsStr::new("/usr/share/zoneinfo"))).join(said);
    from_file(&file).or_else(|| from_rules(said)).unwrap_or(TimeZone::UTC)
}

fn from_file(path: &Path) -> Option<TimeZone> {
    let mut bytes = Vec::new();
    open_regular(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    TimeZone::tzif("", &bytes).ok()
}

fn from_rules(said: &str) -> Option<TimeZone> {
    // libc takes the rules of the United States where only the names are given: `EST5EDT`.
    TimeZone::posix(said).or_else(|_| TimeZone::posix(&format!("{said},M3.2.0,M11.1.0"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    /// The hours that the zone is ahead at noon of 15 January and of 15 July 2026, UTC.
    fn ahead(zone: &TimeZone) -> [i32; 2] {
        [1_768_478_400, 1_784_116_800].map(|secs| {
            let moment = Timestamp::from_second(secs).expect("it is in range");
            zone.to_offset(moment).seconds() / 3600
        })
    }

    /// A zone file without transitions of its own: version 2 with a footer.
    fn write_zone(path: &Path, rules: &str) {
        let block = |version: u8| {
            let counts = [0, 0, 0, 0, 1, 4_u32].map(u32::to_be_bytes).concat();
            [b"TZif".as_slice(), &[version], &[0; 15], &counts, &3600_u32.to_be_bytes(), &[0, 0], b"CET\0"]
                .concat()
        };
        let bytes = [block(b'2'), block(b'2'), format!("\n{rules}\n").into_bytes()].concat();
        std::fs::write(path, bytes).expect("a file in the temporary folder");
    }

    #[test]
    fn tz_is_a_file_or_rules_and_else_utc() {
        let folder = std::env::temp_dir().join(format!("mainstay-zone-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("Middle")).expect("a folder");
        write_zone(&folder.join("Middle/Town"), "CET-1CEST,M3.5.0,M10.5.0/3");
        std::fs::write(folder.join("Broken"), "TZif2").expect("a file");
        let absolute = folder.join("Middle/Town");
        let cases: [(&str, [i32; 2]); 12] = [
            ("Middle/Town", [1, 2]),
            (":Middle/Town", [1, 2]),
            (absolute.to_str().expect("it is text"), [1, 2]),
            ("CET-1CEST,M3.5.0,M10.5.0/3", [1, 2]),
            ("NZST-12NZDT,M9.5.0,M4.1.0/3", [13, 12]),
            ("EST5EDT", [-5, -4]),
            ("<+07>-7", [7, 7]),
            ("JST-9", [9, 9]),
            ("", [0, 0]),
            (":", [0, 0]),
            ("No/Where", [0, 0]),
            ("Broken", [0, 0]),
        ];
        let found = cases.map(|(tz, _)| (tz, ahead(&find(Some(OsStr::new(tz)), Some(folder.as_os_str())))));
        std::fs::remove_dir_all(&folder).expect("it is ours");
        assert_eq!(found, cases);
    }
}
