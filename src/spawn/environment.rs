//! The environment of a program: ours, then what files say, then Supervisor's variables, then what is configured.
//!
//! Pure. Invariant: a name occurs once; entries of ours that nobody overrides are shared, not copied.

use crate::config::model::Inherit;
use crate::spawn::env_sources::Change;
use crate::sys::carray::{CArray, c_entry, c_string};
use std::ffi::{CString, OsString};
use std::rc::Rc;

/// The environment we were started with.
#[derive(Clone)]
pub struct BaseEnvironment {
    entries: Rc<Vec<CString>>,
}

impl BaseEnvironment {
    /// From pairs of name and value, which need not be text.
    #[must_use]
    pub fn new(vars: &[(OsString, OsString)]) -> BaseEnvironment {
        let entries = vars.iter().map(|(k, v)| c_entry(k, v)).collect();
        BaseEnvironment { entries: Rc::new(entries) }
    }

    /// The value of one variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|e| is_named(e, name))
            .and_then(|e| e.to_str().ok())
            .map(|e| &e[name.len() + 1..])
    }

    /// Our environment, `sourced` over it, `own` over both; of several entries of one name the last one counts.
    #[must_use]
    pub(crate) fn with(&self, inherit: &Inherit, sourced: &[Change], own: &[(&str, &str)]) -> CArray {
        let is_over = |e: &CString| {
            own.iter().any(|(k, _)| is_named(e, k)) || sourced.iter().any(|(k, _)| is_named(e, k))
        };
        let keep: Vec<usize> = (0..self.entries.len())
            .filter(|i| self.entries.get(*i).is_some_and(|e| is_inherited(inherit, e) && !is_over(e)))
            .collect();
        let last_own = |i: usize, name: &str| !own.iter().skip(i).any(|(k, _)| *k == name);
        let last = |i: usize, name: &str| !sourced.iter().skip(i).any(|(k, _)| k == name);
        let from_files = sourced.iter().enumerate().filter(|(i, (k, _))| last_own(0, k) && last(i + 1, k));
        let mut owned: Vec<CString> =
            from_files.filter_map(|(_, (k, v))| Some(entry(k, v.as_deref()?))).collect();
        let over = own.iter().enumerate().filter(|(i, (k, _))| last_own(i + 1, k));
        owned.extend(over.map(|(_, (k, v))| c_string(&format!("{k}={v}"))));
        CArray::with_shared(Some(Rc::clone(&self.entries)), &keep, owned)
    }

    /// The value of one of ours, where a program inherits it.
    #[must_use]
    pub(crate) fn inherited(&self, inherit: &Inherit, name: &str) -> Option<&str> {
        self.get(name).filter(|_| match inherit {
            Inherit::All => true,
            Inherit::Only(names) => names.iter().any(|n| is_match(n, name.as_bytes())),
        })
    }
}

fn is_inherited(inherit: &Inherit, entry: &CString) -> bool {
    let Inherit::Only(names) = inherit else { return true };
    let name = entry.as_bytes().split(|b| *b == b'=').next().unwrap_or_default();
    names.iter().any(|n| is_match(n, name))
}

/// A name, or the beginning of one with a `*` behind it.
fn is_match(pattern: &str, name: &[u8]) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => name.starts_with(begin.as_bytes()),
        None => pattern.as_bytes() == name,
    }
}

/// A value of a file need not be text; zero bytes were refused when it was read.
fn entry(name: &str, value: &[u8]) -> CString {
    let bytes = [name.as_bytes(), b"=", value].concat();
    CString::new(bytes).unwrap_or_default()
}

fn is_named(entry: &CString, name: &str) -> bool {
    let bytes = entry.as_bytes();
    bytes.get(name.len()) == Some(&b'=') && bytes.starts_with(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> BaseEnvironment {
        let vars = [("A", "1"), ("AB", "2"), ("PATH", "/bin")];
        BaseEnvironment::new(&vars.map(|(k, v)| (k.into(), v.into())))
    }

    #[test]
    fn what_is_configured_wins_and_each_name_occurs_once() {
        let all = base().with(&Inherit::All, &[], &[("A", "x"), ("B", "y"), ("A", "z")]);
        assert_eq!(all.texts(), ["AB=2", "PATH=/bin", "B=y", "A=z"]);
    }

    #[test]
    fn files_stand_between_ours_and_what_is_configured() {
        let set = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
        let sourced =
            [set("A", "f"), set("C", "old"), set("C", "new"), set("B", "f"), ("PATH".to_owned(), None)];
        let all = base().with(&Inherit::All, &sourced, &[("B", "y")]);
        assert_eq!(all.texts(), ["AB=2", "A=f", "C=new", "B=y"]);
    }

    #[test]
    fn only_what_is_named_is_inherited() {
        let only = |names: &[&str]| Inherit::Only(names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(base().with(&only(&["A"]), &[], &[]).texts(), ["A=1"]);
        assert_eq!(base().with(&only(&["A*"]), &[], &[("Z", "9")]).texts(), ["A=1", "AB=2", "Z=9"]);
        assert_eq!(base().with(&only(&[]), &[], &[]).texts(), [""; 0]);
        assert_eq!(base().inherited(&only(&["A"]), "PATH"), None);
    }

    #[test]
    fn a_name_is_not_found_by_its_beginning() {
        assert_eq!(base().get("A"), Some("1"));
        assert_eq!(base().get("P"), None);
    }
}
