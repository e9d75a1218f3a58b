//! Shell patterns of `[include] files`: `*`, `?`, `[..]`, as Python's `glob` has them.
//!
//! Pure; the caller lists directories. Invariants: a hidden file matches only a pattern that starts with a dot;
//! the text of the pattern's fixed parts is kept (`../x` stays `../x`). Not here: `**`, which counts as `*`.

use crate::types::sort_by;

/// What `expand` asks of the file system.
pub trait Directory {
    /// The names in a directory, in any order; empty where it cannot be read. `""` is the working directory.
    fn names(&self, dir: &str) -> Vec<String>;
    /// Whether there is anything at the path.
    fn exists(&self, path: &str) -> bool;
}

/// BOUND: no directory of configuration fragments is larger; a runaway pattern must not eat the memory.
const MAX_PATHS: usize = 10_000;

/// The paths that match, sorted within each directory. As in Python, a run of slashes behind the first wildcard is one.
#[must_use]
pub fn expand(pattern: &str, fs: &dyn Directory) -> Vec<String> {
    let Some(first) = pattern.find(['*', '?', '[']) else {
        return if fs.exists(pattern) { vec![pattern.to_owned()] } else { Vec::new() };
    };
    let mut parts = Vec::new();
    let mut head = pattern;
    while head.len() > first {
        let (above, part) = head.split_at(head.rfind('/').map_or(0, |slash| slash + 1));
        parts.push(part);
        let trimmed = above.trim_end_matches('/');
        head = if trimmed.is_empty() { above } else { trimmed };
    }
    let mut paths = vec![head.to_owned()];
    for part in parts.into_iter().rev() {
        paths = paths.iter().flat_map(|dir| step(dir, part, fs)).take(MAX_PATHS).collect();
    }
    paths
}

fn step(dir: &str, part: &str, fs: &dyn Directory) -> Vec<String> {
    let base = if dir.is_empty() || dir.ends_with('/') { dir.to_owned() } else { format!("{dir}/") };
    if !part.contains(['*', '?', '[']) {
        let path = format!("{base}{part}");
        return if fs.exists(&path) { vec![path] } else { Vec::new() };
    }
    let mut names = fs.names(&base);
    names.retain(|name| (part.starts_with('.') || !name.starts_with('.')) && matches(part, name));
    sort_by(&mut names, &|a, b| a.cmp(b));
    names.into_iter().map(|name| format!("{base}{name}")).collect()
}

/// Whether one name matches one part of a pattern.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on when the text after the last star does not fit: one character further.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        let next = match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => match_class(&pattern, p, name[n]),
            Some(&c) if c == name[n] => Some(p + 1),
            _ => None,
        };
        match (next, retry) {
            (Some(next), _) => {
                p = next;
                n += 1;
            }
            (None, Some((after_star, from))) => {
                p = after_star;
                n = from + 1;
                retry = Some((after_star, n));
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// `[abc]`, `[a-z]`, `[!a]`; an unclosed bracket is a bracket. Where the pattern goes on if `c` matches.
fn match_class(pattern: &[char], open: usize, c: char) -> Option<usize> {
    let negated = pattern.get(open + 1) == Some(&'!');
    let first = open + 1 + usize::from(negated);
    // A closing bracket right at the start belongs to the set.
    let Some(close) = (first + 1..pattern.len()).find(|&i| pattern[i] == ']') else {
        return (c == '[').then_some(open + 1);
    };
    let set = &pattern[first..close];
    let mut hit = false;
    let mut i = 0;
    while i < set.len() {
        if i + 2 < set.len() && set[i + 1] == '-' {
            hit |= (set[i]..=set[i + 2]).contains(&c);
            i += 3;
        } else {
            hit |= set[i] == c;
            i += 1;
        }
    }
    (hit != negated).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(&'static [&'static str]);

    impl Directory for Tree {
        fn names(&self, dir: &str) -> Vec<String> {
            let mut names: Vec<String> = self
                .0
                .iter()
                .filter_map(|f| f.strip_prefix(dir))
                .map(|rest| rest.split('/').next().unwrap_or("").to_owned())
                .collect();
            names.dedup();
            names
        }

        fn exists(&self, path: &str) -> bool {
            self.0.iter().any(|f| *f == path || f.starts_with(&format!("{path}/")))
        }
    }

    #[test]
    fn stars_marks_and_classes_match() {
        for (pattern, name, want) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("[x", "[x", true),
            ("*a*b*", "xxaxxbxx", true),
            ("**", "abc", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn matches_are_sorted_and_hidden_files_are_left_out() {
        let fs = Tree(&["/e/b.ini", "/e/a.ini", "/e/.c.ini", "/e/d.txt", "/e/sub/x.ini"]);
        assert_eq!(expand("/e/*.ini", &fs), ["/e/a.ini", "/e/b.ini"]);
        assert_eq!(expand("/e/.*", &fs), ["/e/.c.ini"]);
        assert_eq!(expand("/e/*/x.ini", &fs), ["/e/sub/x.ini"]);
        assert_eq!(expand("/*/[ab].ini", &fs), ["/e/a.ini", "/e/b.ini"]);
    }

    #[test]
    fn a_run_of_slashes_in_front_of_a_wildcard_is_one() {
        let fs = Tree(&["/e/d/a.ini", "/e//d/b.ini"]);
        assert_eq!(expand("/e/d//*.ini", &fs), ["/e/d/a.ini"]);
        assert_eq!(expand("/*//d///a.ini", &fs), ["/e/d/a.ini"]);
        assert_eq!(expand("/e//d/b.*", &fs), ["/e//d/b.ini"]);
    }

    #[test]
    fn a_pattern_without_wildcards_is_the_file_itself() {
        let fs = Tree(&["/e/../e/a.ini"]);
        assert_eq!(expand("/e/../e/a.ini", &fs), ["/e/../e/a.ini"]);
        assert!(expand("/e/nope.ini", &fs).is_empty());
    }
}
