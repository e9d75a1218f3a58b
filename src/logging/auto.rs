//! AUTO logs: their names, and the clearing away of those that an earlier life left behind.
//!
//! Does I/O in the child-log directory. COMPAT: `<process>-<stream>---<identifier>-<8 random>.log`, mode 0600; old ones
//! match `.+?---<identifier>-\S+\.log\.{0,1}\d{0,4}` from the start of the name.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// Makes the file and returns its path.
///
/// # Errors
/// The directory is missing or not writable.
pub fn create(dir: &Path, process: &str, stream: &str, identifier: &str) -> io::Result<PathBuf> {
    use std::os::unix::fs::OpenOptionsExt;
    loop {
        let name = format!("{process}-{stream}---{identifier}-{}.log", random_word());
        let path = dir.join(name);
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
            Ok(_) => return Ok(path),
        }
    }
}

/// Eight letters, digits or underscores.
fn random_word() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";
    // The standard library seeds each RandomState from the kernel's generator.
    let mut bits = RandomState::new().build_hasher().finish();
    let mut word = String::with_capacity(8);
    for _ in 0..8 {
        word.push(char::from(*LETTERS.get((bits % 32) as usize).unwrap_or(&b'x')));
        bits /= 32;
    }
    word
}

/// Removes what an earlier life with the same identifier left. Returns a sentence for each that would not go.
pub fn clear_old(dir: &Path, identifier: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return vec!["Could not clear childlog dir".into()] };
    let mut troubles = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        if is_auto_log(&name.to_string_lossy(), identifier) && fs::remove_file(entry.path()).is_err() {
            troubles.push(format!("Failed to clean up '{}'", entry.path().display()));
        }
    }
    troubles
}

fn is_auto_log(name: &str, identifier: &str) -> bool {
    let mark = format!("---{identifier}-");
    // At least one character stands before the mark, and at least one that is no blank between it and `.log`.
    let starts = name.char_indices().skip(1).map(|(at, _)| at);
    starts.filter_map(|at| name.get(at..)).filter_map(|rest| rest.strip_prefix(&mark)).any(|rest| {
        let word: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
        word.char_indices().skip(1).any(|(at, _)| word.get(at..).is_some_and(|r| r.starts_with(".log")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_logs_of_this_identifier_are_ours_to_clear() {
        for (name, want) in [
            ("web-stdout---supervisor-abc_1234.log", true),
            ("web-stdout---supervisor-abc_1234.log.3", true),
            ("web-stdout---other-abc_1234.log", false),
            ("---supervisor-abc.log", false),
            ("web-stdout---supervisor-.log", false),
            ("web-stdout---supervisor-a b.log", false),
            ("web.log", false),
        ] {
            assert_eq!(is_auto_log(name, "supervisor"), want, "{name}");
        }
    }

    #[test]
    fn a_created_log_is_private_and_is_cleared_by_the_next_life() {
        use std::os::unix::fs::PermissionsExt;
        let dir = std::env::temp_dir().join(format!("mainstay-auto-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("dir");
        let path = create(&dir, "web", "stdout", "me").expect("create");
        assert_eq!(fs::metadata(&path).expect("file").permissions().mode() & 0o777, 0o600);
        fs::write(dir.join("keep.log"), "").expect("write");
        assert_eq!(clear_old(&dir, "me"), Vec::<String>::new());
        let left: Vec<_> = fs::read_dir(&dir).expect("dir").map(|e| e.expect("entry").file_name()).collect();
        assert_eq!(left, ["keep.log"]);
        fs::remove_dir_all(&dir).expect("remove");
    }
}
