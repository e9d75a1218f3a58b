//! Arrays of C strings as execve(2) wants them: null-terminated, and alive as long as somebody points at them.
//!
//! Memory only. Invariant: every pointer but the last is to a string that the array owns or shares.

use nix::libc;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// Room for a pid and its terminating zero.
const NUMBER_BYTES: usize = 12;

/// Where the child writes its own pid as text: `NUMBER_BYTES` writable bytes inside a `CArray`.
#[derive(Clone, Copy)]
pub struct NumberSlot(pub(crate) *mut u8);

/// A null-terminated array of C strings, as execve wants it. Owns what it does not borrow from `shared`.
pub struct CArray {
    pub(crate) pointers: Vec<*const libc::c_char>,
    owned: Vec<CString>,
    /// `NAME=` and room for a number that only the child knows.
    number: Option<Box<[u8]>>,
    _shared: Option<std::rc::Rc<Vec<CString>>>,
}

impl CArray {
    /// From strings of its own.
    #[must_use]
    pub fn new(owned: Vec<CString>) -> CArray {
        CArray::with_shared(None, &[], owned)
    }

    /// Adds `NAME=` with room for a number, and returns where the child writes it.
    pub fn push_number(&mut self, name: &str) -> NumberSlot {
        let mut bytes = name.as_bytes().to_vec();
        bytes.push(b'=');
        let at = bytes.len();
        bytes.resize(at + NUMBER_BYTES, 0);
        let number = self.number.insert(bytes.into_boxed_slice());
        let end = self.pointers.len() - 1;
        self.pointers.insert(end, number.as_ptr().cast());
        // SAFETY: `at` is inside the boxed slice, which is not moved or resized while the array lives.
        NumberSlot(unsafe { number.as_mut_ptr().add(at) })
    }

    /// `NAME=value` in place of whatever had that name.
    pub fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        let entry = c_string(&format!("{name}={value}"));
        let end = self.pointers.len() - 1;
        // The text stays where it is, however the list of its owners grows.
        self.pointers.insert(end, entry.as_ptr());
        self.owned.push(entry);
    }

    /// As `push_number`, in place of whatever had that name.
    pub fn set_number(&mut self, name: &str) -> NumberSlot {
        self.remove(name);
        self.push_number(name)
    }

    fn remove(&mut self, name: &str) {
        let is_other = |p: *const libc::c_char| {
            // SAFETY: all pointers but the last, which is null, are to strings that `self` keeps alive.
            let entry = (!p.is_null()).then(|| unsafe { std::ffi::CStr::from_ptr(p) }.to_bytes());
            entry.and_then(|e| e.strip_prefix(name.as_bytes())).is_none_or(|rest| rest.first() != Some(&b'='))
        };
        self.pointers.retain(|p| is_other(*p));
    }

    /// First those of `shared` that `keep` names by index, then its own.
    #[must_use]
    pub fn with_shared(
        shared: Option<std::rc::Rc<Vec<CString>>>,
        keep: &[usize],
        owned: Vec<CString>,
    ) -> CArray {
        let kept = keep.iter().filter_map(|i| shared.as_ref().and_then(|s| s.get(*i)).map(|c| c.as_ptr()));
        let pointers = kept.chain(owned.iter().map(|c| c.as_ptr())).chain([std::ptr::null()]).collect();
        CArray { pointers, owned, number: None, _shared: shared }
    }
}

impl CArray {
    /// The first string. Allocates nothing: a forked child may ask.
    pub(crate) fn first(&self) -> Option<&std::ffi::CStr> {
        let first = self.pointers.first().filter(|p| !p.is_null())?;
        // SAFETY: all pointers but the last, which is null, are to strings that `self` keeps alive.
        Some(unsafe { std::ffi::CStr::from_ptr(*first) })
    }

    /// Every string of the array, for tests.
    #[cfg(test)]
    pub(crate) fn texts(&self) -> Vec<String> {
        let strings = self.pointers.iter().take_while(|p| !p.is_null());
        // SAFETY: all pointers but the last are to strings that `self` keeps alive.
        strings.map(|p| unsafe { std::ffi::CStr::from_ptr(*p) }.to_string_lossy().into_owned()).collect()
    }
}

/// A C string from what the kernel gave us, byte for byte.
#[must_use]
pub fn c_bytes(text: &OsStr) -> CString {
    // It came as a C string, so there is no zero byte in it.
    CString::new(text.as_bytes()).unwrap_or_default()
}

/// `NAME=value`, byte for byte.
#[must_use]
pub fn c_entry(name: &OsStr, value: &OsStr) -> CString {
    CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).unwrap_or_default()
}

/// A C string from text; a zero byte in it ends it there, as it would for everybody else.
#[must_use]
pub fn c_string(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().take_while(|b| *b != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_set_occurs_once_and_others_stay() {
        let shared = std::rc::Rc::new(vec![c_string("A=1"), c_string("AB=2"), c_string("A=3")]);
        let mut all = CArray::with_shared(Some(shared), &[0, 1, 2], vec![c_string("B=4")]);
        all.set("A", "x");
        all.set("C", "y");
        all.set("C", "z");
        all.set_number("B");
        assert_eq!(all.texts(), ["AB=2", "A=x", "C=z", "B="]);
    }
}
