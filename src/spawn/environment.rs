//! The environment of a program: ours, then Supervisor's variables, then what is configured.
//!
//! Pure. Invariant: a name occurs once; entries of ours that nobody overrides are shared, not copied.

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

    /// Our environment with `own` over it; of several entries of one name the last one counts.
    #[must_use]
    pub fn with(&self, own: &[(&str, &str)]) -> CArray {
        let keep: Vec<usize> = (0..self.entries.len())
            .filter(|i| !self.entries.get(*i).is_some_and(|e| own.iter().any(|(k, _)| is_named(e, k))))
            .collect();
        let last = |i: usize, name: &str| !own.iter().skip(i + 1).any(|(k, _)| *k == name);
        let owned = own.iter().enumerate().filter(|(i, (k, _))| last(*i, k));
        let owned = owned.map(|(_, (k, v))| c_string(&format!("{k}={v}"))).collect();
        CArray::with_shared(Some(Rc::clone(&self.entries)), &keep, owned)
    }
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
        let all = base().with(&[("A", "x"), ("B", "y"), ("A", "z")]);
        assert_eq!(all.texts(), ["AB=2", "PATH=/bin", "B=y", "A=z"]);
    }

    #[test]
    fn a_name_is_not_found_by_its_beginning() {
        assert_eq!(base().get("A"), Some("1"));
        assert_eq!(base().get("P"), None);
    }
}
