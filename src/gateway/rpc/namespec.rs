//! `group:name`, `name`, `group:*`: how operators name processes.
//!
//! Pure. COMPAT: split at the first colon; a name alone means the process of that name in the group of that name;
//! `group:` and `group:*` mean the whole group. Not here: whether there is such a process.

/// Group, and process unless the whole group is meant.
#[must_use]
pub fn split(namespec: &str) -> (&str, Option<&str>) {
    match namespec.split_once(':') {
        Some((group, "" | "*")) => (group, None),
        Some((group, name)) => (group, Some(name)),
        None => (namespec, Some(namespec)),
    }
}

/// The short form where group and process have one name.
#[must_use]
pub fn join(group: &str, name: &str) -> String {
    if group == name { name.to_owned() } else { format!("{group}:{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespecs_are_split_at_the_first_colon() {
        assert_eq!(split("a"), ("a", Some("a")));
        assert_eq!(split("a:b"), ("a", Some("b")));
        assert_eq!(split("a:b:c"), ("a", Some("b:c")));
        assert_eq!(split("a:*"), ("a", None));
        assert_eq!(split("a:"), ("a", None));
        assert_eq!(split(""), ("", Some("")));
    }

    #[test]
    fn a_process_named_as_its_group_is_shown_once() {
        assert_eq!(join("a", "a"), "a");
        assert_eq!(join("a", "b"), "a:b");
    }
}
