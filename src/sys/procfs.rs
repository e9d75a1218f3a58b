//! What /proc tells about ourselves, for `process_*` metrics, and about programs. Everything is `None` where there is no
//! /proc, or where it hides others' processes.
//!
//! Reads a few small files at scrape time; keeps nothing.

use nix::unistd::{SysconfVar, sysconf};
use std::fs;

/// Our own process in numbers.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct OwnNumbers {
    pub cpu_seconds: Option<f64>,
    pub resident_bytes: Option<u64>,
    pub virtual_bytes: Option<u64>,
    pub open_fds: Option<u64>,
}

/// Reads them now.
#[must_use]
pub fn own_numbers() -> OwnNumbers {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let mut numbers = parse_stat(&stat, per_second(), page_bytes());
    numbers.open_fds = open_fds();
    numbers
}

/// Since Linux 6.2 the directory's size is how many there are; before, it is 0 and they have to be counted.
fn open_fds() -> Option<u64> {
    let told = fs::metadata("/proc/self/fd").ok().map(|m| m.len()).filter(|n| *n > 0);
    // The directory itself is open while it is read.
    told.or_else(|| fs::read_dir("/proc/self/fd").ok().map(|d| (d.count() as u64).saturating_sub(1)))
}

/// What another process uses.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Usage {
    /// Of all its threads since its start.
    pub cpu_seconds: f64,
    pub resident_bytes: u64,
}

/// Looks at a process now; `None` for one that is not there or cannot be seen.
#[must_use]
pub fn usage(pid: i32) -> Option<Usage> {
    if pid <= 0 {
        return None;
    }
    // The name in it may be anything.
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let numbers = parse_stat(&String::from_utf8_lossy(&stat), per_second(), page_bytes());
    Some(Usage { cpu_seconds: numbers.cpu_seconds?, resident_bytes: numbers.resident_bytes? })
}

fn per_second() -> u64 {
    sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|n| u64::try_from(n).ok()).unwrap_or(100)
}

fn page_bytes() -> u64 {
    sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|n| u64::try_from(n).ok()).unwrap_or(4096)
}

/// proc(5): fields 14 and 15 are user and system time, 23 is the size, 24 the resident pages.
fn parse_stat(text: &str, ticks: u64, page: u64) -> OwnNumbers {
    // The name in parentheses may hold anything, blanks and parentheses included.
    let Some((_, rest)) = text.rsplit_once(')') else { return OwnNumbers::default() };
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |n: usize| fields.get(n - 3).and_then(|f| f.parse::<u64>().ok());
    let cpu_seconds = match (number(14), number(15)) {
        #[expect(clippy::cast_precision_loss, reason = "ticks of CPU time stay far below 2^52")]
        (Some(user), Some(system)) => Some((user + system) as f64 / ticks.max(1) as f64),
        _ => None,
    };
    OwnNumbers {
        cpu_seconds,
        virtual_bytes: number(23),
        resident_bytes: number(24).map(|p| p * page),
        open_fds: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line =
            "1 (a ) b) S 0 1 1 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 1 0 5 8192000 100 18446744073709551615";
        let n = parse_stat(line, 100, 4096);
        assert_eq!(n.cpu_seconds, Some(2.0));
        assert_eq!(n.virtual_bytes, Some(8_192_000));
        assert_eq!(n.resident_bytes, Some(409_600));
    }

    #[test]
    fn without_proc_there_are_no_numbers() {
        assert_eq!(parse_stat("", 100, 4096), OwnNumbers::default());
    }
}
