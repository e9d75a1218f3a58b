//! Paths as text, by the rules of Python's `os.path`: `~`, absolute, normal, directory part.
//!
//! Pure; what the machine knows (home directories, the working directory) is asked of the `World`.
//! Invariant: a text without `~` and without `/` comes back as it was from everything but `normalize`.

use crate::config::world::World;

/// `os.path.expanduser`: `~` and `~name` at the start; an unknown user's stays as it is.
#[must_use]
pub fn expand_user(path: &str, world: &dyn World) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let (name, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = if name.is_empty() { world.home_dir() } else { world.user_by_name(name).map(|u| u.home) };
    match home {
        Some(home) => {
            let joined = format!("{}{tail}", home.trim_end_matches('/'));
            if joined.is_empty() { "/".to_owned() } else { joined }
        }
        None => path.to_owned(),
    }
}

/// `os.path.dirname`.
#[must_use]
pub fn dirname(path: &str) -> &str {
    let Some(slash) = path.rfind('/') else { return "" };
    let head = path[..=slash].trim_end_matches('/');
    if head.is_empty() { &path[..=slash] } else { head }
}

/// `os.path.join(base, path)`.
#[must_use]
pub fn join(base: &str, path: &str) -> String {
    if path.starts_with('/') || base.is_empty() {
        path.to_owned()
    } else if base.ends_with('/') {
        format!("{base}{path}")
    } else {
        format!("{base}/{path}")
    }
}

/// `os.path.abspath`: from the working directory, without `.`, `..` and repeated slashes.
#[must_use]
pub fn absolute(path: &str, world: &dyn World) -> String {
    normal(&join(&world.cwd(), path))
}

/// Supervisor's `normalize_path`: `~`, absolute, normal.
#[must_use]
pub fn normalize(path: &str, world: &dyn World) -> String {
    absolute(&expand_user(path, world), world)
}

/// `os.path.normpath` of an absolute path. Exactly two leading slashes stay two, as POSIX allows.
fn normal(path: &str) -> String {
    let root = if path.starts_with("//") && !path.starts_with("///") { "//" } else { "/" };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::FakeWorld;

    #[test]
    fn home_directories_are_put_in() {
        let world = FakeWorld::default();
        for (path, want) in [
            ("~", "/root"),
            ("~/x", "/root/x"),
            ("~app/x", "/home/app/x"),
            ("~nobody-here/x", "~nobody-here/x"),
        ] {
            assert_eq!(expand_user(path, &world), want);
        }
        assert_eq!(expand_user("/a/~", &world), "/a/~");
    }

    #[test]
    fn directory_parts_are_pythons() {
        for (path, want) in
            [("a", ""), ("/a", "/"), ("/a/b", "/a"), ("a/b/", "a/b"), ("//a", "//"), ("/a//b", "/a")]
        {
            assert_eq!(dirname(path), want, "{path}");
        }
    }

    #[test]
    fn paths_become_absolute_and_normal() {
        let world = FakeWorld::default();
        for (path, want) in [
            ("x.log", "/srv/x.log"),
            ("../x", "/x"),
            ("/a/./b//c/..", "/a/b"),
            ("~/s.sock", "/root/s.sock"),
            ("//a/b", "//a/b"),
            ("///a", "/a"),
            ("/..", "/"),
        ] {
            assert_eq!(normalize(path, &world), want, "{path}");
        }
    }
}
